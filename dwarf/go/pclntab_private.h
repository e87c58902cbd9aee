// SPDX-License-Identifier: GPL-2.0-or-later
// Shared by the files that read .gopclntab (pclntab*.c, moduledata.c).
#ifndef GOTRACE_DWARF_GO_PCLNTAB_PRIVATE_H
#define GOTRACE_DWARF_GO_PCLNTAB_PRIVATE_H

#include <string.h>

#include "dwarf/go/pclntab.h"

enum pcln_format { PCLN_2, PCLN_16, PCLN_18, PCLN_20, PCLN_NUM_FORMATS }; // PCLN_N: since Go 1.N

enum { MAX_TEXT_SECTIONS = 1024 };

struct pcln_row { // a function
	uint64_t entry;
	uint32_t off; // of its _func in the table; 0 if that is outside the table
};

struct text_section { // the code at offsets [from, end) of the text is at vaddr
	uint64_t from, end, vaddr;
};

struct pclntab {
	struct image *image;
	enum pcln_format format;
	uint8_t quantum;     // bytes of code that the pc tables count in
	uint64_t vaddr;	     // of the table's header
	const uint8_t *data; // borrowed from image, not relocated
	size_t size;
	// The offset of the last NUL in data. A name that starts at or before it is terminated.
	size_t last_nul;

	// Offsets in data. Up to Go 1.15, names and pcs are 0.
	uint64_t names, units, files, pcs, functions;
	uint64_t num_files;
	uint64_t text; // function offsets count from here (Go 1.18 and later)

	// By entry. There are num + 1 rows: the entry of the last one is the end of the functions.
	struct pcln_row *rows;
	size_t num;
	uint8_t wrapper_id; // FuncIDWrapper in this release; 0 if not found

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

/** The offsets of the fields of a _func in one format; 0 for a field that it does not have. */
struct pcln_func_layout {
	uint8_t name, args, deferreturn, pcfile, pcln, num_pcdata, unit, func_id, flag,
		num_funcdata, pcdata;
	bool has_pointers; // FUNCDATA are addresses; otherwise offsets from go:func.*
};

const struct pcln_func_layout *pcln_func_layout(const struct pclntab *table);

/** The string at off, printable and borrowed; NULL if off is outside the table. */
const char *pcln_string(const struct pclntab *table, uint64_t off);

/** Looks up vaddr in the pc table at off (counted from pcs) of the function that starts at entry.
 *  False if the pc table has no value for vaddr. */
bool pcln_value(const struct pclntab *table, uint64_t off, uint64_t entry, uint64_t vaddr,
		int32_t *out);

/** The name of the row's source file with this number; NULL if not known. */
const char *pcln_file(const struct pclntab *table, const struct pcln_row *row, int32_t number);

/** The name of the row's function; NULL if the row is damaged. */
const char *pcln_name(const struct pclntab *table, const struct pcln_row *row);

/** Finds the moduledata that points at the table and sets the table's module, sections and text.
 *  The layout is one whose contents are valid; the release only decides which is tried first.
 *  False if there is no valid moduledata. */
bool moduledata_find(struct pclntab *table, struct go_version go);

#endif
