// SPDX-License-Identifier: GPL-2.0-or-later
// Writes small ELF executables for tests: segments with given bytes, sections over them or on their
// own, symbols, relative relocations, notes. What it writes is sound; a test that wants a damaged
// file changes bytes afterwards (elf_header and the offsets below tell where).
#ifndef GOTRACE_TESTS_ELF_WRITER_H
#define GOTRACE_TESTS_ELF_WRITER_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { ELF_MAX = 32, ELF_MAX_RELATIVES = 256 };

struct elf_segment {
	uint32_t type, flags; // PT_LOAD, PF_R | PF_X
	uint64_t vaddr, mem_size, align, off;
	struct text data;
};

struct elf_section {
	const char *name;
	uint32_t type;
	uint64_t flags, vaddr, size, off;
	uint32_t link;
	int segment; // whose bytes it is, -1: data is its own
	struct text data;
};

struct elf_symbol {
	const char *name;
	uint64_t vaddr, size;
	uint8_t type;
	uint16_t section; // SHN_UNDEF: not defined here
};

struct elf_writer {
	uint16_t type, machine; // ET_EXEC, EM_X86_64
	uint64_t entry;
	bool has_no_sections; // as after sstrip
	struct elf_segment segments[ELF_MAX];
	size_t num_segments;
	struct elf_section sections[ELF_MAX];
	size_t num_sections;
	struct elf_symbol symbols[ELF_MAX];
	size_t num_symbols;
	Elf64_Rela relatives[ELF_MAX_RELATIVES];
	size_t num_relatives;
	struct text file; // what elf_finish made
};

void elf_init(struct elf_writer *elf);
void elf_deinit(struct elf_writer *elf);

/** A PT_LOAD of these bytes; the buffer returned may be written to until elf_finish. mem_size 0: as long as its bytes. */
struct elf_segment *elf_load(struct elf_writer *elf, uint64_t vaddr, uint32_t flags,
			     const void *data, size_t size, uint64_t mem_size);
/** A PT_TLS of mem_size bytes without contents. */
void elf_tls(struct elf_writer *elf, uint64_t mem_size, uint64_t align);
/** A section over bytes of a segment that was added before. */
void elf_section_over(struct elf_writer *elf, const char *name, uint64_t vaddr, uint64_t size);
/** A section with bytes of its own; returns its row. */
struct elf_section *elf_section(struct elf_writer *elf, const char *name, uint32_t type,
				const void *data, size_t size);
void elf_symbol(struct elf_writer *elf, const char *name, uint64_t vaddr, uint64_t size,
		uint8_t type);
/** R_X86_64_RELATIVE: the word at vaddr holds value. */
void elf_relative(struct elf_writer *elf, uint64_t vaddr, uint64_t value);
/** A note section with one note. */
void elf_note(struct elf_writer *elf, const char *section, const char *name, uint32_t type,
	      const void *desc, uint32_t size);

/** Lays the file out in elf->file; false with no memory. */
bool elf_finish(struct elf_writer *elf);
/** Writes elf->file (elf_finish comes first) to a new file below /tmp; its name goes to path. */
bool elf_save(const struct elf_writer *elf, char path[64]);

#endif
