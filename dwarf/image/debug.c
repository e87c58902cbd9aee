// SPDX-License-Identifier: GPL-2.0-or-later
// The build ids of an executable (from its notes), and its separate debug file.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/rune.h"
#include "dwarf/image/image.h"
#include "dwarf/image/private.h"

enum { NOTE_GO_BUILD_ID = 4 };

static void take_note(struct image *image, const Elf64_Nhdr *note, const uint8_t *name,
		      const uint8_t *desc)
{
	if (note->n_namesz != 4)
		return;
	if (note->n_type == NT_GNU_BUILD_ID && !memcmp(name, "GNU", 4) && !image->build_id &&
	    note->n_descsz) {
		image->build_id = desc;
		image->build_id_len = note->n_descsz;
	} else if (note->n_type == NOTE_GO_BUILD_ID && !memcmp(name, "Go\0", 4) &&
		   !image->go_build_id) {
		CLEANUP_FREE char *id = strndup((const char *)desc, note->n_descsz);
		image->go_build_id = id ? rune_printable(id) : NULL;
	}
}

static void read_notes(struct image *image, uint64_t off, uint64_t size, uint64_t align)
{
	enum { MAX_NOTES = 1 << 16 }; // bytes
	const uint8_t *bytes = size <= MAX_NOTES ? image_file(image, off, size) : NULL;
	uint64_t mask = align == 8 ? 7 : 3, at = 0;
	while (bytes && size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		memcpy(&note, bytes + at, sizeof(note));
		uint64_t name = at + sizeof(note);
		uint64_t desc = (name + note.n_namesz + mask) & ~mask;
		uint64_t next = (desc + note.n_descsz + mask) & ~mask;
		if (desc > size || note.n_descsz > size - desc)
			return;
		take_note(image, &note, bytes + name, bytes + desc);
		if (next > size)
			return;
		at = next;
	}
}

static void find_notes(struct image *image)
{
	if (image->has_notes)
		return;
	enum { MAX_PLACES = 64 };
	size_t num = 0;
	image->has_notes = true;
	for (size_t i = 1; i < image->num_sections && num < MAX_PLACES; i++) {
		const Elf64_Shdr *header = &image->sections[i].header;
		if (header->sh_type == SHT_NOTE && ++num)
			read_notes(image, header->sh_offset, header->sh_size, header->sh_addralign);
	}
	num = 0;
	for (size_t i = 0; i < image->num_programs && num < MAX_PLACES; i++) {
		const Elf64_Phdr *program = &image->programs[i];
		if (program->p_type == PT_NOTE && ++num)
			read_notes(image, program->p_offset, program->p_filesz, program->p_align);
	}
}

const uint8_t *image_build_id(struct image *image, size_t *len)
{
	find_notes(image);
	*len = image->build_id_len;
	return image->build_id;
}

const char *image_go_build_id(struct image *image)
{
	find_notes(image);
	return image->go_build_id;
}

static bool is_same_file(const struct image *a, const struct image *b)
{
	struct stat left, right;
	return fstat(a->fd, &left) == 0 && fstat(b->fd, &right) == 0 &&
	       left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

static bool crc_of(int fd, uint32_t *out)
{
	enum { CHUNK = 1 << 16 };
	CLEANUP_FREE uint8_t *chunk = malloc(CHUNK);
	if (!chunk)
		return false;
	uLong crc = crc32(0, NULL, 0);
	for (off_t off = 0;;) {
		ssize_t got = pread(fd, chunk, CHUNK, off);
		if (got < 0)
			return false;
		if (!got)
			break;
		crc = crc32(crc, chunk, (uInt)got);
		off += got;
	}
	*out = (uint32_t)crc;
	return true;
}

// The criteria that a separate debug file must meet.
struct debug_wish {
	struct image *image;
	const uint8_t *build_id; // NULL: the file is checked by crc
	size_t build_id_len;
	uint32_t crc;
};

// Why the file does not match, as the end of a sentence; NULL if it matches.
static const char *mismatch(const struct debug_wish *wish, struct image *found)
{
	size_t len;
	const uint8_t *build_id = image_build_id(found, &len);
	if (wish->build_id) {
		bool is_same = build_id && len == wish->build_id_len &&
			       !memcmp(build_id, wish->build_id, len);
		return is_same ? NULL : "its build id is another";
	}
	uint32_t crc;
	if (!crc_of(found->fd, &crc))
		return "it cannot be read";
	return crc == wish->crc ? NULL : "its checksum is another";
}

// Finds the file at path inside root and returns an O_PATH descriptor: opening a device for reading
// could have side effects. Symbolic links are resolved inside root, which may be a container's.
// Otherwise absolute links and ".." would lead to the files of gotrace's own mount namespace.
static int find_file(const char *root, const char *path)
{
	CLEANUP_CLOSE int folder = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	int fd = folder < 0 ? -1 : (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) { // before Linux 5.6, or not permitted
		if (!*root)
			fd = open(path, O_PATH | O_CLOEXEC);
		else
			log_warning("debug files inside %s are passed over: openat2: %s", root,
				    strerror(errno));
	}
	struct stat file;
	if (fd < 0 || (!fstat(fd, &file) && S_ISREG(file.st_mode)))
		return fd;
	log_warning("debug file %s%s passed over: not a file", root, path);
	close(fd);
	return -1;
}

// Opens the file at path inside root; NULL if it does not exist or does not match.
static struct image *try_path(const struct debug_wish *wish, const char *root, const char *path)
{
	CLEANUP_CLOSE int fd = find_file(root, path);
	if (fd < 0)
		return NULL;
	char opened[32];
	snprintf(opened, sizeof(opened), "/proc/self/fd/%d", fd);
	CLEANUP_FREE char *name = NULL;
	if (asprintf(&name, "%s%s", root, path) < 0)
		name = NULL;
	struct image *found = NULL;
	struct error *err = image_open_lenient(opened, name, &found);
	if (err) {
		log_warning("debug file passed over: %s", error_message(err));
		error_free(err);
		return NULL;
	}
	const char *why = NULL;
	if (!is_same_file(wish->image, found)) {
		why = mismatch(wish, found);
		if (!why)
			return found;
		log_warning("debug file %s passed over: %s", image_name(found), why);
	}
	image_close(found);
	return NULL;
}

static const char *const debug_dirs[] = {"/usr/lib/debug", "/usr/local/lib/debug"};
enum { NUM_DEBUG_DIRS = sizeof(debug_dirs) / sizeof(debug_dirs[0]) };

static struct image *find_by_build_id(struct image *image, const char *root)
{
	struct debug_wish wish = {.image = image};
	wish.build_id = image_build_id(image, &wish.build_id_len);
	enum { MAX_BUILD_ID = 64 };
	if (!wish.build_id || wish.build_id_len < 2 || wish.build_id_len > MAX_BUILD_ID)
		return NULL;
	char hex[2 * MAX_BUILD_ID + 1];
	for (size_t i = 0; i < wish.build_id_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", wish.build_id[i]);
	for (size_t i = 0; i < NUM_DEBUG_DIRS; i++) {
		CLEANUP_FREE char *path = NULL;
		if (asprintf(&path, "%s/.build-id/%.2s/%s.debug", debug_dirs[i], hex, hex + 2) < 0)
			return NULL;
		struct image *found = try_path(&wish, root, path);
		if (found)
			return found;
	}
	return NULL;
}

// Reads the name and checksum in .gnu_debuglink; false if there is none.
static bool read_debuglink(struct image *image, const char **name, uint32_t *crc)
{
	struct image_bytes link;
	struct error *err = image_section(image, ".gnu_debuglink", &link);
	if (err) {
		log_warning("%s", error_message(err));
		error_free(err);
		return false;
	}
	const uint8_t *end = link.size ? memchr(link.data, '\0', link.size) : NULL;
	if (!end || end == link.data)
		return false;
	uint64_t at = ((uint64_t)(end - link.data) + 4) & ~3ull;
	if (at > link.size || link.size - at < sizeof(*crc))
		return false;
	memcpy(crc, link.data + at, sizeof(*crc));
	*name = (const char *)link.data;
	return !strchr(*name, '/'); // a path could lead out of the directories that are searched
}

// The executable's directory, allocated; NULL if it is not known. For a process's executable it is
// the path in the process's mount namespace.
static char *folder_of(const struct image *image)
{
	char *path = NULL;
	if (!strncmp(image->path, "/proc/", 6)) { // a link to a process's executable
		path = calloc(1, PATH_MAX);
		if (!path || readlink(image->path, path, PATH_MAX - 1) <= 0) {
			free(path);
			return NULL;
		}
	} else {
		path = realpath(image->path, NULL);
	}
	char *slash = path ? strrchr(path, '/') : NULL;
	if (!slash) {
		free(path);
		return NULL;
	}
	*slash = '\0';
	return path;
}

static struct image *find_by_link(struct image *image, const char *root)
{
	struct debug_wish wish = {.image = image};
	const char *name;
	if (!read_debuglink(image, &name, &wish.crc))
		return NULL;
	CLEANUP_FREE char *folder = folder_of(image);
	if (!folder)
		return NULL;
	static const char *const below[] = {"", "/.debug"};
	struct image *found = NULL;
	for (size_t i = 0; i < 2 + NUM_DEBUG_DIRS && !found; i++) {
		CLEANUP_FREE char *path = NULL;
		int len = i < 2 ? asprintf(&path, "%s%s/%s", folder, below[i], name)
				: asprintf(&path, "%s%s/%s", debug_dirs[i - 2], folder, name);
		if (len < 0) {
			path = NULL;
			return NULL;
		}
		found = try_path(&wish, root, path);
	}
	return found;
}

struct error *image_open_debug(struct image *image, const char *root, struct image **out)
{
	struct image *found = find_by_build_id(image, root);
	*out = found ? found : find_by_link(image, root);
	return NULL;
}
