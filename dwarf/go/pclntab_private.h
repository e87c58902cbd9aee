// SPDX-License-Identifier: GPL-2.0-or-later
// What the files that read .gopclntab share among themselves (pclntab*.c, moduledata.c).
#ifndef GOTRACE_DWARF_GO_PCLNTAB_PRIVATE_H
#define GOTRACE_DWARF_GO_PCLNTAB_PRIVATE_H

#include <string.h>

#include "dwarf/go/pclntab.h"

enum pcln_format { PCLN_2, PCLN_16, PCLN_18, PCLN_20, PCLN_NUM_FORMATS }; // as of Go 1.N

enum { MAX_TEXT_SECTIONS = 1024 };

struct pcln_row { // a function
	uint64_t entry;
	uint32_t off; // of its _func, in the table; 0 where it lies outside
};

struct text_section { // code that was linked at offset [from, end) stands at vaddr
	uint64_t from, end, vaddr;
};

struct pclntab {
	struct image *image;
	enum pcln_format format;
	uint64_t vaddr;	     // of its header
	const uint8_t *data; // borrowed from image, not relocated
	size_t size;
	size_t last_nul; // where the last NUL in data is: a name starting before it ends inside

	// Offsets in data. To 1.15 names and pc tables count from its beginning.
	uint64_t names, units, files, pcs, functions;
	uint64_t num_files;
	uint64_t text; // what function offsets count from, 1.18 on

	struct pcln_row *rows; // by entry; one more than functions: the end of the last
	size_t num;
	uint8_t wrapper_id; // FuncIDWrapper of this release, 0 if not found

	struct moduledata module;
	struct text_section *sections; // NULL: all text is one section
	size_t num_sections;
};

static inline uint32_t pcln_u32(const struct pclntab *table, uint64_t off)
{
	uint32_t value = 0;
	if (off <= table->size && table->size - off >= sizeof(value))
		memcpy(&value, table->data + off, sizeof(value));
	return value;
}

static inline uint8_t pcln_u8(const struct pclntab *table, uint64_t off)
{
	return off < table->size ? table->data[off] : 0;
}

/** Where the fields of a _func are, by format. */
struct pcln_func_layout {
	uint8_t name, args, deferreturn, pcfile, pcln, num_pcdata, unit, func_id, flag,
		num_funcdata, pcdata;
	bool has_pointers; // funcdata are addresses, else offsets from go:func.*
};

const struct pcln_func_layout *pcln_func_layout(const struct pclntab *table);

/** The string at off, printable, borrowed; NULL outside the table. */
const char *pcln_string(const struct pclntab *table, uint64_t off);

/** The value at vaddr of the pc table at off (from pcs) of the function that starts at entry. */
bool pcln_value(const struct pclntab *table, uint64_t off, uint64_t entry, uint64_t vaddr,
		int32_t *out);

/** File (by its number in the function's table), NULL if not known. */
const char *pcln_file(const struct pclntab *table, const struct pcln_row *row, int32_t number);

/** The name of the function of this row, NULL if its row is damaged. */
const char *pcln_name(const struct pclntab *table, const struct pcln_row *row);

/** Finds the moduledata that points at the table, chooses its layout by what validates (the
 *  release only orders the tries), and fills table's module, sections and text. False without one. */
bool moduledata_find(struct pclntab *table, struct go_version go);

#endif
