// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bsearch.h"
#include "base/cleanup.h"
#include "base/rune.h"
#include "dwarf/image/private.h"

enum { BLOCK_SHIFT = 16 };

static bool block_is_loaded(const struct image *image, uint64_t block)
{
	return image->loaded[block >> 3] & (1u << (block & 7));
}

static bool read_fully(int fd, uint8_t *dst, uint64_t off, uint64_t len)
{
	while (len) {
		ssize_t got = pread(fd, dst, len < (1u << 30) ? len : (1u << 30), (off_t)off);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		dst += got;
		off += (uint64_t)got;
		len -= (uint64_t)got;
	}
	return true;
}

// Reads those of the blocks [from, to) that have not been read, adjacent ones with one call.
static bool load_blocks(struct image *image, uint64_t from, uint64_t to)
{
	while (from < to) {
		if (block_is_loaded(image, from)) {
			from++;
			continue;
		}
		uint64_t end = from + 1;
		while (end < to && !block_is_loaded(image, end))
			end++;
		uint64_t off = from << BLOCK_SHIFT, stop = end << BLOCK_SHIFT;
		if (stop > image->file_size)
			stop = image->file_size;
		if (!read_fully(image->fd, image->file + off, off, stop - off))
			return false;
		for (; from < end; from++)
			image->loaded[from >> 3] |= (uint8_t)(1u << (from & 7));
	}
	return true;
}

const uint8_t *image_file(struct image *image, uint64_t off, uint64_t len)
{
	if (off > image->file_size || len > image->file_size - off)
		return NULL;
	if (len && !load_blocks(image, off >> BLOCK_SHIFT, ((off + len - 1) >> BLOCK_SHIFT) + 1))
		return NULL;
	return image->file + off;
}

static const char *machine_name(unsigned machine)
{
	switch (machine) {
	case EM_386:
		return "32-bit x86";
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "riscv64";
	case EM_PPC64:
		return "ppc64";
	case EM_S390:
		return "s390x";
	case EM_MIPS:
		return "mips";
	case EM_LOONGARCH:
		return "loong64";
	default:
		return "another architecture";
	}
}

static struct error *check_header(struct image *image)
{
	const uint8_t *bytes = image_file(image, 0, EI_NIDENT);
	if (!bytes || memcmp(bytes, ELFMAG, SELFMAG))
		return error_new("not an ELF executable");
	if (bytes[EI_CLASS] != ELFCLASS64)
		return error_new("a 32-bit program; only 64-bit %s programs can be traced",
				 arch_host()->name);
	if (bytes[EI_DATA] != ELFDATA2LSB)
		return error_new("a big-endian program; only %s programs can be traced",
				 arch_host()->name);
	bytes = image_file(image, 0, sizeof(image->header));
	if (!bytes)
		return error_new("cut off inside the ELF header");
	memcpy(&image->header, bytes, sizeof(image->header));
	if (!image_arch(image))
		return error_new("a program for %s; only %s programs can be traced",
				 machine_name(image->header.e_machine), arch_host()->name);
	switch (image->header.e_type) {
	case ET_EXEC:
	case ET_DYN:
		return NULL;
	case ET_REL:
		return error_new("an object file, not an executable");
	case ET_CORE:
		return error_new("a core dump, not an executable");
	default:
		return error_new("an ELF file, but not an executable");
	}
}

// The header of section 0 holds the counts that do not fit into the ELF header.
static bool read_section_zero(struct image *image, Elf64_Shdr *out)
{
	const uint8_t *bytes = NULL;
	if (image->header.e_shoff && image->header.e_shentsize == sizeof(*out))
		bytes = image_file(image, image->header.e_shoff, sizeof(*out));
	if (bytes)
		memcpy(out, bytes, sizeof(*out));
	return bytes;
}

static struct error *read_programs(struct image *image)
{
	const Elf64_Ehdr *header = &image->header;
	uint64_t num = header->e_phnum;
	Elf64_Shdr zero;
	if (num == PN_XNUM && read_section_zero(image, &zero))
		num = zero.sh_info;
	if (!num || header->e_phentsize != sizeof(Elf64_Phdr))
		return error_new("no program headers, so nothing that can run");
	const uint8_t *bytes = image_file(image, header->e_phoff, num * sizeof(Elf64_Phdr));
	if (!bytes)
		return error_new("cut off: its program headers are beyond its end");
	image->programs = malloc(num * sizeof(Elf64_Phdr));
	if (!image->programs)
		return error_nomem();
	memcpy(image->programs, bytes, num * sizeof(Elf64_Phdr));
	image->num_programs = num;
	return NULL;
}

static int compare_segments(const void *a, const void *b)
{
	const struct image_segment *left = a, *right = b;
	return left->vaddr < right->vaddr ? -1 : left->vaddr > right->vaddr;
}

static struct error *read_segments(struct image *image, bool is_lenient)
{
	image->segments = calloc(image->num_programs, sizeof(*image->segments));
	if (!image->segments)
		return error_nomem();
	// The sum of the segments' bytes in the file. Segments overlap very little, so a sum far
	// above the file's size is a sign of damage.
	uint64_t total = 0;
	for (size_t i = 0; i < image->num_programs; i++) {
		const Elf64_Phdr *program = &image->programs[i];
		if (program->p_type != PT_LOAD)
			continue;
		uint64_t room = program->p_offset < image->file_size
					? image->file_size - program->p_offset
					: 0;
		uint64_t file_size = program->p_filesz;
		if (file_size > room) {
			if (!is_lenient)
				return error_new("cut off: the segment at 0x%llx should be %llu "
						 "bytes, the file has %llu of them",
						 (unsigned long long)program->p_vaddr,
						 (unsigned long long)file_size,
						 (unsigned long long)room);
			file_size = room;
		}
		total += file_size;
		if (program->p_filesz > program->p_memsz ||
		    program->p_vaddr + program->p_memsz < program->p_vaddr ||
		    (!is_lenient && total > 2 * image->file_size + (1 << 20)))
			return error_new("damaged: the segment at 0x%llx has impossible sizes",
					 (unsigned long long)program->p_vaddr);
		image->segments[image->num_segments++] = (struct image_segment){
			.vaddr = program->p_vaddr,
			.file_size = file_size,
			.mem_size = program->p_memsz,
			.off = program->p_offset,
			.is_writable = program->p_flags & PF_W,
			.is_executable = program->p_flags & PF_X,
		};
	}
	qsort(image->segments, image->num_segments, sizeof(*image->segments), compare_segments);
	return NULL;
}

static struct error *open_file(struct image *image, const char *path)
{
	// O_NONBLOCK: opening a FIFO must not wait for a writer.
	image->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (image->fd < 0)
		return error_errno(errno, "cannot open");
	struct stat status;
	if (fstat(image->fd, &status) < 0)
		return error_errno(errno, "cannot read");
	if (!S_ISREG(status.st_mode))
		return error_new("not a file");
	image->file_size = (uint64_t)status.st_size;
	uint64_t blocks = (image->file_size >> BLOCK_SHIFT) + 1;
	image->file = malloc(image->file_size + 1);
	image->loaded = calloc(1, (blocks >> 3) + 1);
	return image->file && image->loaded ? NULL : error_nomem();
}

static struct error *open_image(struct image *image, bool is_lenient)
{
	struct error *err = open_file(image, image->path);
	if (!err)
		err = check_header(image);
	if (!err)
		err = read_programs(image);
	if (!err)
		err = read_segments(image, is_lenient);
	if (!err)
		err = image_read_sections(image);
	return err;
}

static struct error *create_image(const char *path, const char *name, bool is_lenient,
				  struct image **out)
{
	struct image *image = calloc(1, sizeof(*image));
	if (!image)
		return error_nomem();
	image->fd = -1;
	image->path = strdup(path);
	image->name = rune_printable(name ? name : path);
	struct error *err =
		image->path && image->name ? open_image(image, is_lenient) : error_nomem();
	if (err) {
		image_close(image);
		return error_wrap(err, "%s", name ? name : path);
	}
	*out = image;
	return NULL;
}

struct error *image_open(const char *path, const char *name, struct image **out)
{
	return create_image(path, name, false, out);
}

struct error *image_open_lenient(const char *path, const char *name, struct image **out)
{
	return create_image(path, name, true, out);
}

void image_close(struct image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->num_sections; i++)
		free(image->sections[i].inflated);
	free(image->sections);
	free(image->segments);
	free(image->programs);
	free(image->relatives);
	free(image->symbols);
	free(image->go_build_id);
	image_forget_printables(image);
	free(image->loaded);
	free(image->file);
	if (image->fd >= 0)
		close(image->fd);
	free(image->path);
	free(image->name);
	free(image);
}

const struct arch *image_arch(const struct image *image)
{
	return arch_find(image->header.e_machine);
}

const char *image_name(const struct image *image)
{
	return image->name;
}

uint64_t image_file_size(const struct image *image)
{
	return image->file_size;
}

bool image_is_pie(const struct image *image)
{
	return image->header.e_type == ET_DYN;
}

uint64_t image_entry(const struct image *image)
{
	return image->header.e_entry;
}

const struct image_segment *image_segments(const struct image *image, size_t *num)
{
	*num = image->num_segments;
	return image->segments;
}

// The last segment that starts at or before vaddr; NULL if vaddr is not in it.
static const struct image_segment *segment_at(const struct image *image, uint64_t vaddr)
{
	size_t low =
		bsearch_first(image->num_segments, middle, image->segments[middle].vaddr <= vaddr);
	if (!low)
		return NULL;
	const struct image_segment *segment = &image->segments[low - 1];
	return vaddr - segment->vaddr < segment->mem_size ? segment : NULL;
}

bool image_offset(const struct image *image, uint64_t vaddr, uint64_t *off)
{
	const struct image_segment *segment = segment_at(image, vaddr);
	if (!segment || vaddr - segment->vaddr >= segment->file_size)
		return false;
	*off = segment->off + (vaddr - segment->vaddr);
	return true;
}

bool image_borrow(struct image *image, uint64_t vaddr, size_t len, const uint8_t **out)
{
	const struct image_segment *segment = segment_at(image, vaddr);
	if (!segment || vaddr - segment->vaddr > segment->file_size ||
	    len > segment->file_size - (vaddr - segment->vaddr))
		return false;
	const uint8_t *bytes = image_file(image, segment->off + (vaddr - segment->vaddr), len);
	if (!bytes)
		return false;
	*out = bytes;
	return true;
}

bool image_text(struct image *image, uint64_t vaddr, size_t len, const uint8_t **out)
{
	const struct image_segment *segment = segment_at(image, vaddr);
	return segment && segment->is_executable && image_borrow(image, vaddr, len, out);
}

// True if all of [vaddr, vaddr + len) is inside segments, and none of these is writable if
// is_readonly.
static bool is_mapped(const struct image *image, uint64_t vaddr, uint64_t len, bool is_readonly)
{
	while (len) {
		const struct image_segment *segment = segment_at(image, vaddr);
		if (!segment || (is_readonly && segment->is_writable))
			return false;
		uint64_t room = segment->mem_size - (vaddr - segment->vaddr);
		if (room >= len)
			return true;
		vaddr += room;
		len -= room;
	}
	return true;
}

bool image_is_mapped(const struct image *image, uint64_t vaddr, uint64_t len)
{
	return is_mapped(image, vaddr, len, false);
}

bool image_is_readonly(const struct image *image, uint64_t vaddr, uint64_t len)
{
	return len && is_mapped(image, vaddr, len, true);
}

// The index of the first relocation whose word ends after vaddr.
static size_t first_relative(const struct image *image, uint64_t vaddr)
{
	uint64_t from = vaddr < 7 ? 0 : vaddr - 7;
	return bsearch_first(image->num_relatives, middle, image->relatives[middle].vaddr < from);
}

static void apply_relatives(const struct image *image, uint64_t vaddr, uint8_t *dst, size_t len)
{
	for (size_t i = first_relative(image, vaddr); i < image->num_relatives; i++) {
		const struct relative *relative = &image->relatives[i];
		if (relative->vaddr >= vaddr && relative->vaddr - vaddr >= len)
			break;
		for (unsigned byte = 0; byte < 8; byte++) {
			uint64_t at = relative->vaddr + byte - vaddr;
			if (relative->vaddr + byte >= vaddr && at < len)
				dst[at] = (uint8_t)(relative->value >> (8 * byte));
		}
	}
}

bool image_read(struct image *image, uint64_t vaddr, void *dst, size_t len)
{
	if (!image_is_mapped(image, vaddr, len))
		return false;
	if (!image->has_relatives)
		image_read_relatives(image);
	uint8_t *to = dst;
	for (size_t done = 0; done < len;) {
		uint64_t at = vaddr + done;
		const struct image_segment *segment = segment_at(image, at);
		uint64_t into = at - segment->vaddr;
		bool is_in_file = into < segment->file_size;
		uint64_t run = (is_in_file ? segment->file_size : segment->mem_size) - into;
		if (run > len - done)
			run = len - done;
		const uint8_t *bytes = NULL;
		if (is_in_file && !image_borrow(image, at, run, &bytes))
			return false;
		if (bytes)
			memcpy(to + done, bytes, run);
		else
			memset(to + done, 0, run);
		done += run;
	}
	if (image->num_relatives)
		apply_relatives(image, vaddr, dst, len);
	return true;
}

bool image_read_u64(struct image *image, uint64_t vaddr, uint64_t *out)
{
	uint64_t value;
	bool is_there = image_read(image, vaddr, &value, sizeof(value));
	if (is_there)
		*out = value;
	return is_there;
}

bool image_read_u32(struct image *image, uint64_t vaddr, uint32_t *out)
{
	uint32_t value;
	bool is_there = image_read(image, vaddr, &value, sizeof(value));
	if (is_there)
		*out = value;
	return is_there;
}

bool image_tls_start(const struct image *image, int64_t *out)
{
	for (size_t i = 0; i < image->num_programs; i++) {
		const Elf64_Phdr *program = &image->programs[i];
		if (program->p_type != PT_TLS)
			continue;
		uint64_t align = program->p_align ? program->p_align : 1;
		uint64_t size = program->p_memsz;
		if (size > INT32_MAX || align > INT32_MAX || (align & (align - 1)))
			return false;
		*out = -(int64_t)((size + align - 1) & ~(align - 1));
		return true;
	}
	return false;
}
