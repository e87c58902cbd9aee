// SPDX-License-Identifier: GPL-2.0-or-later
// An image over bytes in memory, for fuzz targets: as a whole file, or wrapped into an executable
// whose headers are sound, so that the input is all spent on what stands in its segments.
#ifndef GOTRACE_TESTS_MEMORY_IMAGE_H
#define GOTRACE_TESTS_MEMORY_IMAGE_H

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dwarf/image/image.h"

struct memory_segment {
	uint64_t vaddr;
	uint32_t flags;
	const void *data;
	size_t size;
};

/** NULL where image_open refuses it. */
static inline struct image *memory_image(const void *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	char path[32];
	struct image *image = NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, data, size) == (ssize_t)size)
		error_free(image_open(path, "input", &image));
	if (fd >= 0)
		close(fd);
	return image;
}

static inline struct image *memory_image_of(const struct memory_segment *segments, size_t num)
{
	enum { MAX_SEGMENTS = 5, HEADERS = sizeof(Elf64_Ehdr) + MAX_SEGMENTS * sizeof(Elf64_Phdr) };
	static uint8_t file[HEADERS + (1 << 20)];
	size_t at = HEADERS;
	Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)num,
	};
	memcpy(file, &header, sizeof(header));
	for (size_t i = 0; i < num; i++) {
		if (segments[i].size > sizeof(file) - at)
			return NULL;
		Elf64_Phdr row = {
			.p_type = PT_LOAD,
			.p_flags = segments[i].flags,
			.p_offset = at,
			.p_vaddr = segments[i].vaddr,
			.p_filesz = segments[i].size,
			.p_memsz = segments[i].size,
		};
		memcpy(file + sizeof(header) + i * sizeof(row), &row, sizeof(row));
		if (segments[i].size)
			memcpy(file + at, segments[i].data, segments[i].size);
		at += segments[i].size;
	}
	return memory_image(file, at);
}

#endif
