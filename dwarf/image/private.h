// SPDX-License-Identifier: GPL-2.0-or-later
// What the files that make up image share among themselves (image*.c); nobody else includes it.
#ifndef GOTRACE_DWARF_IMAGE_PRIVATE_H
#define GOTRACE_DWARF_IMAGE_PRIVATE_H

#include <elf.h>

#include "dwarf/image/image.h"

struct section {
	Elf64_Shdr header;
	const char *name;
	struct image_bytes bytes; // once it was asked for
	uint8_t *inflated;	  // owned, NULL where bytes are the file's own
};

struct relative { // one R_X86_64_RELATIVE: the word at vaddr holds value
	uint64_t vaddr, value;
};

struct image {
	char *path, *name;
	int fd;
	// The file's bytes, read in blocks when first asked for: memory that was never touched costs
	// nothing, and every range of the file is one run of bytes.
	uint64_t file_size;
	uint8_t *file;
	uint8_t *loaded; // a bit a block

	Elf64_Ehdr header;
	Elf64_Phdr *programs;
	size_t num_programs;
	struct image_segment *segments; // by vaddr
	size_t num_segments;
	struct section *sections;
	size_t num_sections;

	bool has_relatives;	    // relatives are read
	struct relative *relatives; // by vaddr
	size_t num_relatives;

	bool has_symbols;
	struct image_symbol *symbols;
	size_t num_symbols;

	bool has_notes;
	const uint8_t *build_id;
	size_t build_id_len;
	char *go_build_id;

	struct printable *printables; // of names that are not, by these
	size_t printable_bytes;
};

/** The file's bytes [off, off + len), borrowed; NULL outside the file, or if it cannot be read. */
const uint8_t *image_file(struct image *image, uint64_t off, uint64_t len);

/** Opens without asking that the segments be in the file, as in a separate debug file. */
struct error *image_open_lenient(const char *path, const char *name, struct image **out) MUST_CHECK;

/** Reads the table of sections; where there is none, or a lying one, the image has no sections. */
struct error *image_read_sections(struct image *image) MUST_CHECK;

/** Reads the relative relocations; where they cannot be had, there are none. */
void image_read_relatives(struct image *image);

/** Frees what image_printable keeps. */
void image_forget_printables(struct image *image);

/** Finds a section's row by name. */
struct section *image_find_section(const struct image *image, const char *name);

/** image_find_section's contents. */
struct error *image_load_section(struct image *image, struct section *section) MUST_CHECK;

#endif
