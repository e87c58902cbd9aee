// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/target/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { PAGE = 4096 };

struct pages {
	const struct loaded *loaded;
	int proc; // descriptor of /proc/PID: remains this process's even if its PID is used again
	bool is_gone;
	// device and inode of the executable, as /proc/PID/maps shows them; "": not known
	char file[48];
};

struct mapping { // one line of /proc/PID/maps
	uint64_t start, end, off;
	bool is_private;
	char file[48];
};

// Finds the mapping that contains addr.
static bool find_mapping(struct pages *pages, uint64_t addr, struct mapping *out)
{
	int fd = openat(pages->proc, "maps", O_RDONLY | O_CLOEXEC);
	FILE *maps = fd < 0 ? NULL : fdopen(fd, "re");
	if (!maps) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	char *line CLEANUP_FREE = NULL;
	size_t size = 0;
	bool is_found = false, any = false;
	while (!is_found && getline(&line, &size, maps) > 0) {
		char perms[8], device[16];
		uint64_t inode;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %15s %" SCNu64,
			   &out->start, &out->end, perms, &out->off, device, &inode) != 6)
			break;
		any = true;
		is_found = addr >= out->start && addr < out->end;
		out->is_private = strlen(perms) == 4 && perms[3] == 'p';
		out->file[0] = '\0';
		if (inode)
			snprintf(out->file, sizeof(out->file), "%s %" PRIu64, device, inode);
	}
	fclose(maps);
	pages->is_gone |= !any;
	return is_found;
}

struct error *pages_create(const struct loaded *loaded, struct pages **out)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d", (int)loaded->pid);
	struct pages *pages = calloc(1, sizeof(*pages));
	if (!pages)
		return error_nomem();
	pages->proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pages->loaded = loaded;
	// The program's first instruction is always in a mapping of the executable.
	struct mapping mapping;
	if (find_mapping(pages, loaded_addr(loaded, image_entry(loaded->image)), &mapping))
		memcpy(pages->file, mapping.file, sizeof(pages->file));
	*out = pages;
	return NULL;
}

void pages_destroy(struct pages *pages)
{
	if (!pages)
		return;
	if (pages->proc >= 0)
		close(pages->proc);
	free(pages);
}

// Reads one byte of each page in [addr, end).
static void touch(const struct pages *pages, uint64_t addr, uint64_t end)
{
	enum { BATCH = 512 };
	struct iovec remote[BATCH];
	uint8_t bytes[BATCH];
	while (addr < end) {
		size_t num = 0;
		for (; num < BATCH && addr + num * PAGE < end; num++)
			remote[num] = (struct iovec){(void *)(uintptr_t)(addr + num * PAGE), 1};
		struct iovec local = {bytes, num};
		ssize_t done = process_vm_readv(pages->loaded->pid, &local, 1, remote, num, 0);
		if (done < 0 && errno != EFAULT)
			return;
		// The call stops at the first page that cannot be read: continue after that page.
		addr += ((done < 0 ? 0 : (uint64_t)done) + ((size_t)done != num)) * PAGE;
	}
}

void pages_touch(const struct pages *pages)
{
	size_t num;
	const struct loaded *loaded = pages->loaded;
	const struct image_segment *segments = image_segments(loaded->image, &num);
	uint64_t rodata = 0, rodata_size = 0;
	image_section_place(loaded->image, ".rodata", &rodata, &rodata_size);
	for (size_t i = 0; i < num; i++) {
		const struct image_segment *segment = &segments[i];
		if (segment->is_writable || segment->is_executable)
			continue;
		uint64_t start = segment->vaddr, end = start + segment->file_size;
		// After .rodata come the tables of functions and lines, to which no value points.
		if (rodata >= start && rodata < end && rodata_size < end - rodata)
			end = rodata + rodata_size;
		touch(pages, loaded_addr(loaded, start & ~(uint64_t)(PAGE - 1)),
		      loaded_addr(loaded, end));
	}
}

// True if none of the pages was copied for a write: each is a page of the file or not present.
static bool are_clean(const struct pages *pages, uint64_t first, uint64_t end)
{
	// Documentation/admin-guide/mm/pagemap.rst
	static const uint64_t present = 1ull << 63, swapped = 1ull << 62, of_file = 1ull << 61,
			      guard = 1ull << 58;
	CLEANUP_CLOSE int fd = openat(pages->proc, "pagemap", O_RDONLY | O_CLOEXEC);
	for (uint64_t page = first / PAGE; page < (end + PAGE - 1) / PAGE; page++) {
		uint64_t entry;
		if (fd < 0 || pread(fd, &entry, sizeof(entry), (off_t)(page * sizeof(entry))) !=
				      (ssize_t)sizeof(entry))
			return false;
		if (entry & (swapped | guard) || ((entry & present) && !(entry & of_file)))
			return false;
	}
	return true;
}

// True if the executable's file is mapped at these bytes, at the same offset as in the image.
static bool is_file_mapped(struct pages *pages, uint64_t addr, size_t len)
{
	struct mapping mapping;
	uint64_t off;
	return find_mapping(pages, addr, &mapping) && mapping.is_private &&
	       !strcmp(mapping.file, pages->file) && len <= mapping.end - addr &&
	       image_offset(pages->loaded->image, loaded_vaddr(pages->loaded, addr), &off) &&
	       mapping.off + (addr - mapping.start) == off;
}

// The mapping is checked again at the end: if the program mapped something else there after the
// first check, the pages of that look clean before they are touched.
bool pages_are_files(struct pages *pages, uint64_t addr, size_t len)
{
	return pages->file[0] && !pages->is_gone && len && addr + len >= addr &&
	       is_file_mapped(pages, addr, len) && are_clean(pages, addr, addr + len) &&
	       is_file_mapped(pages, addr, len);
}

bool pages_are_gone(const struct pages *pages)
{
	return pages->is_gone;
}
