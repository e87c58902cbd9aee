// SPDX-License-Identifier: GPL-2.0-or-later
// Shared by the files of dwarf/image/; no other file includes it.
#ifndef GOTRACE_DWARF_IMAGE_PRIVATE_H
#define GOTRACE_DWARF_IMAGE_PRIVATE_H

#include <elf.h>

#include "dwarf/image/image.h"

struct section {
	Elf64_Shdr header;
	const char *name;
	struct image_bytes bytes; // set by image_load_section
	uint8_t *inflated;	  // owned; NULL if bytes points into the file's bytes
};

struct relative { // one R_X86_64_RELATIVE: the word at vaddr holds value
	uint64_t vaddr, value;
};

struct image {
	char *path, *name;
	int fd;
	// The file's bytes. A block is read when it is first needed. The buffer has room for the
	// whole file, so that every range of the file is one run of bytes; pages of it that were
	// never written use no memory.
	uint64_t file_size;
	uint8_t *file;
	uint8_t *loaded; // one bit per block

	Elf64_Ehdr header;
	Elf64_Phdr *programs;
	size_t num_programs;
	struct image_segment *segments; // by vaddr
	size_t num_segments;
	struct section *sections;
	size_t num_sections;

	bool has_relatives;	    // relatives have been read
	struct relative *relatives; // by vaddr
	size_t num_relatives;

	bool has_symbols;
	struct image_symbol *symbols;
	size_t num_symbols;

	bool has_notes;
	const uint8_t *build_id;
	size_t build_id_len;
	char *go_build_id;

	struct printable *printables; // hash table: printable forms, by name
	size_t printable_bytes;
};

/** The file's bytes [off, off + len), borrowed; NULL if the range is not inside the file, or if it
 *  cannot be read. */
const uint8_t *image_file(struct image *image, uint64_t off, uint64_t len);

/** Like image_open, but the segments' bytes may be missing from the file, as in a separate debug
 *  file. */
struct error *image_open_lenient(const char *path, const char *name, struct image **out) MUST_CHECK;

/** Reads the section headers. The image has no sections if they are missing or damaged. */
struct error *image_read_sections(struct image *image) MUST_CHECK;

/** Reads the R_X86_64_RELATIVE relocations. If they cannot be read, the image has none. */
void image_read_relatives(struct image *image);

/** Frees the names that image_printable keeps. */
void image_forget_printables(struct image *image);

/** Finds a section by name, also ".zdebug_x" for ".debug_x"; NULL if there is none. */
struct section *image_find_section(const struct image *image, const char *name);

/** Reads a section and decompresses it into section->bytes. Does nothing if that was done before,
 *  or if the section has no contents (SHT_NOBITS). */
struct error *image_load_section(struct image *image, struct section *section) MUST_CHECK;

#endif
