// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/go/pclntab.h"

#include <stdlib.h>
#include <string.h>

#include "base/bsearch.h"
#include "base/cleanup.h"
#include "dwarf/go/pclntab_private.h"

// The header starts with the magic, two zero bytes, the instruction quantum and the pointer size
// (src/internal/abi/symtab.go).
static const struct {
	uint32_t magic;
	int minor; // the oldest release (1.minor) that writes it
} formats[PCLN_NUM_FORMATS] = {
	[PCLN_2] = {0xfffffffb, 2},
	[PCLN_16] = {0xfffffffa, 16},
	[PCLN_18] = {0xfffffff0, 18},
	[PCLN_20] = {0xfffffff1, 20},
};

// Type _func of src/runtime/runtime2.go.
// name, args, deferreturn, pcfile, pcln, num_pcdata, unit, func_id, flag, num_funcdata, pcdata
static const struct pcln_func_layout func_layouts[PCLN_NUM_FORMATS] = {
	[PCLN_2] = {8, 12, 16, 24, 28, 32, 0, 36, 0, 39, 40, .has_pointers = true},
	[PCLN_16] = {8, 12, 16, 24, 28, 32, 36, 40, 41, 43, 44, .has_pointers = true},
	[PCLN_18] = {4, 8, 12, 20, 24, 28, 32, 36, 37, 39, 40, .has_pointers = false},
	[PCLN_20] = {4, 8, 12, 20, 24, 28, 32, 40, 41, 43, 44, .has_pointers = false},
};

const struct pcln_func_layout *pcln_func_layout(const struct pclntab *table)
{
	return &func_layouts[table->format];
}

// Finds the format whose header starts with this word; false if no table of this CPU starts with
// it.
static bool find_format(const struct arch *arch, uint64_t word, enum pcln_format *out)
{
	if (word >> 32 != (0x08000000u | (uint32_t)arch->quantum << 16))
		return false;
	for (int format = 0; format < PCLN_NUM_FORMATS; format++) {
		if (formats[format].magic == (uint32_t)word) {
			*out = format;
			return true;
		}
	}
	return false;
}

// Borrows the file's bytes from vaddr to the end of its segment, at most max.
static bool borrow_rest(struct pclntab *table, uint64_t vaddr, uint64_t max)
{
	size_t num;
	const struct image_segment *segments = image_segments(table->image, &num);
	for (size_t i = 0; i < num; i++) {
		uint64_t into = vaddr - segments[i].vaddr;
		if (vaddr < segments[i].vaddr || into >= segments[i].file_size)
			continue;
		uint64_t rest = segments[i].file_size - into;
		table->size = rest < max ? rest : max;
		if (image_borrow(table->image, vaddr, table->size, &table->data))
			return true;
	}
	return false;
}

// Reads the header at table->vaddr; false if it is not valid.
static bool read_header(struct pclntab *table)
{
	uint64_t words[9];
	memset(words, 0, sizeof(words));
	if (!image_read(table->image, table->vaddr, words, 16) ||
	    !find_format(image_arch(table->image), words[0], &table->format) ||
	    (table->format != PCLN_2 &&
	     !image_read(table->image, table->vaddr, words, sizeof(words))))
		return false;
	table->num = words[1];
	table->quantum = image_arch(table->image)->quantum;
	if (table->format == PCLN_2) {
		table->functions = 16;
		return true;
	}
	const uint64_t *offsets = words + 3;
	table->num_files = words[2];
	if (table->format != PCLN_16)
		table->text = *offsets++;
	table->names = offsets[0];
	table->units = offsets[1];
	table->files = offsets[2];
	table->pcs = offsets[3];
	table->functions = offsets[4];
	for (int i = 0; i < 5; i++)
		if (offsets[i] >= table->size)
			return false;
	return true;
}

// The vaddr of the code at this offset of the text, which may consist of several sections.
static uint64_t text_vaddr(const struct pclntab *table, uint64_t off)
{
	for (size_t i = 0; i < table->num_sections; i++) {
		const struct text_section *section = &table->sections[i];
		bool is_last = i + 1 == table->num_sections;
		if (off >= section->from &&
		    (off < section->end || (is_last && off == section->end)))
			return section->vaddr + (off - section->from);
	}
	return table->text + off;
}

// Decodes a row of the function table from its relocated bytes. The last row has no offset.
static struct pcln_row decode_row(const struct pclntab *table, const uint8_t *bytes, bool has_off)
{
	struct pcln_row row = {0, 0};
	uint64_t off = 0;
	if (table->format >= PCLN_18) {
		uint32_t words[2] = {0, 0};
		memcpy(words, bytes, has_off ? 8 : 4);
		row.entry = text_vaddr(table, words[0]);
		off = words[1];
	} else {
		uint64_t words[2] = {0, 0};
		memcpy(words, bytes, has_off ? 16 : 8);
		row.entry = words[0];
		off = words[1];
	}
	if (table->format != PCLN_2)
		off = off <= table->size ? table->functions + off : table->size;
	uint64_t func_size = func_layouts[table->format].pcdata;
	if (has_off && off <= table->size && table->size - off >= func_size && off <= UINT32_MAX)
		row.off = (uint32_t)off;
	return row;
}

// Reads the function table and, in the format of Go 1.2, the offset of the file table, which is
// stored after it.
static bool read_rows(struct pclntab *table)
{
	uint64_t word = table->format >= PCLN_18 ? 4 : 8;
	uint64_t room = table->size - table->functions;
	if (!table->num || table->num > room / (2 * word) ||
	    room - table->num * 2 * word < word + (table->format == PCLN_2 ? 4 : 0))
		return false;
	uint64_t bytes_size = table->num * 2 * word + word;
	CLEANUP_FREE uint8_t *bytes = malloc(bytes_size);
	free(table->rows);
	table->rows = malloc((table->num + 1) * sizeof(*table->rows));
	if (!bytes || !table->rows ||
	    !image_read(table->image, table->vaddr + table->functions, bytes, bytes_size))
		return false;
	for (size_t i = 0; i <= table->num; i++) {
		table->rows[i] = decode_row(table, bytes + i * 2 * word, i < table->num);
		if (i && table->rows[i].entry < table->rows[i - 1].entry)
			return false;
	}
	if (table->format == PCLN_2) {
		table->files = pcln_u32(table, table->functions + bytes_size);
		if (table->files >= table->size)
			return false;
		table->num_files = pcln_u32(table, table->files);
	}
	return true;
}

// FuncIDWrapper differs between releases. It always follows the higher of the numbers of these two
// assembly functions.
static uint8_t find_wrapper_id(const struct pclntab *table)
{
	static const char switch_name[] = "runtime.systemstack_switch";
	static const char preempt_name[] = "runtime.asyncPreempt";
	uint8_t by_switch = 0, by_preempt = 0;
	for (size_t i = 0; i < table->num; i++) {
		const char *name = pcln_name(table, &table->rows[i]);
		if (!name || name[0] != 'r')
			continue;
		uint8_t id =
			pcln_u8(table, table->rows[i].off + func_layouts[table->format].func_id);
		if (!strcmp(name, switch_name) && id && (!by_switch || id < by_switch))
			by_switch = id;
		else if (!strcmp(name, preempt_name) && id && (!by_preempt || id < by_preempt))
			by_preempt = id;
	}
	// Up to Go 1.16 the numbers were in no order, and asyncPreempt had the last one.
	uint8_t last = by_switch > by_preempt ? by_switch : by_preempt;
	return last ? (uint8_t)(last + 1) : 0;
}

// Resets the table for the next candidate.
static void forget(struct pclntab *table)
{
	struct image *image = table->image;
	free(table->rows);
	free(table->sections);
	memset(table, 0, sizeof(*table));
	table->image = image;
}

// Tries to read a table whose header may be at vaddr.
static bool try_table(struct pclntab *table, struct go_version go, uint64_t vaddr, uint64_t max)
{
	table->vaddr = vaddr;
	if (!borrow_rest(table, vaddr, max) || !read_header(table))
		return false;
	const uint8_t *last = memrchr(table->data, '\0', table->size);
	table->last_nul = last ? (size_t)(last - table->data) : 0;
	// The moduledata comes first, because the rows count from the start of the text, whose
	// address is only in moduledata from Go 1.26 on. moduledata_find checks the moduledata
	// against the table's first and last entry.
	if (!moduledata_find(table, go))
		return false;
	return read_rows(table) && table->rows[0].entry >= table->module.text;
}

enum { MAX_CANDIDATES = 16 };

struct candidates {
	uint64_t vaddrs[MAX_CANDIDATES], sizes[MAX_CANDIDATES];
	size_t num;
};

static void add_candidate(struct candidates *list, uint64_t vaddr, uint64_t size)
{
	if (list->num == MAX_CANDIDATES)
		return;
	list->vaddrs[list->num] = vaddr;
	list->sizes[list->num++] = size;
}

static void add_sections(struct image *image, struct candidates *list)
{
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	for (size_t i = 0; i < 2; i++) {
		struct image_bytes bytes = {NULL, 0, 0};
		struct error *err = image_section(image, names[i], &bytes);
		error_free(err);
		if (!err && bytes.vaddr)
			add_candidate(list, bytes.vaddr, bytes.size);
	}
}

// An external linker may put the table inside .data.rel.ro. Then the symbol of moduledata, whose
// first word points at the table, may help.
static void add_symbol(struct image *image, struct candidates *list)
{
	const struct image_symbol *symbols;
	size_t num = 0;
	struct error *err = image_symbols(image, &symbols, &num);
	error_free(err);
	for (size_t i = 0; !err && i < num; i++) {
		uint64_t vaddr;
		if (!strcmp(symbols[i].name, "runtime.firstmoduledata") &&
		    image_read_u64(image, symbols[i].vaddr, &vaddr))
			add_candidate(list, vaddr, UINT64_MAX);
	}
}

static void scan_segment(struct image *image, const struct image_segment *segment,
			 struct candidates *list)
{
	enum { STEP = 1 << 16 };
	const struct arch *arch = image_arch(image);
	uint64_t from = -segment->vaddr & 7;
	for (uint64_t at = from; at < segment->file_size; at += STEP) {
		uint64_t len = segment->file_size - at < STEP ? segment->file_size - at : STEP;
		const uint8_t *bytes;
		if (!image_borrow(image, segment->vaddr + at, len, &bytes))
			return;
		for (uint64_t i = 0; i + 8 <= len; i += 8) {
			uint64_t word;
			enum pcln_format format;
			memcpy(&word, bytes + i, sizeof(word));
			if (find_format(arch, word, &format))
				add_candidate(list, segment->vaddr + at + i, UINT64_MAX);
		}
	}
}

static bool try_candidates(struct pclntab *table, struct go_version go,
			   const struct candidates *list)
{
	for (size_t i = 0; i < list->num; i++) {
		if (try_table(table, go, list->vaddrs[i], list->sizes[i]))
			return true;
		forget(table);
	}
	return false;
}

static bool find_table(struct pclntab *table, struct go_version go)
{
	struct candidates list = {.num = 0};
	add_sections(table->image, &list);
	if (try_candidates(table, go, &list))
		return true;
	list.num = 0;
	add_symbol(table->image, &list);
	if (try_candidates(table, go, &list))
		return true;
	list.num = 0;
	size_t num;
	const struct image_segment *segments = image_segments(table->image, &num);
	for (size_t i = 0; i < num; i++)
		scan_segment(table->image, &segments[i], &list);
	return try_candidates(table, go, &list);
}

struct error *pclntab_open(struct image *image, struct go_version go, struct pclntab **out)
{
	struct pclntab *table = calloc(1, sizeof(*table));
	if (!table)
		return error_nomem();
	table->image = image;
	if (!find_table(table, go)) {
		pclntab_close(table);
		return error_new("%s: not a Go executable: it has no table of Go functions",
				 image_name(image));
	}
	table->wrapper_id = find_wrapper_id(table);
	*out = table;
	return NULL;
}

void pclntab_close(struct pclntab *table)
{
	if (!table)
		return;
	free(table->rows);
	free(table->sections);
	free(table);
}

const struct moduledata *pclntab_moduledata(const struct pclntab *table)
{
	return &table->module;
}

struct go_version pclntab_version(const struct pclntab *table)
{
	int minor = formats[table->format].minor;
	if (table->module.minor > minor)
		minor = table->module.minor;
	return (struct go_version){1, minor, 0};
}

size_t pclntab_num(const struct pclntab *table)
{
	return table->num;
}

const char *pcln_string(const struct pclntab *table, uint64_t off)
{
	return off <= table->last_nul
		       ? image_printable(table->image, (const char *)table->data + off)
		       : NULL;
}

const char *pcln_name(const struct pclntab *table, const struct pcln_row *row)
{
	if (!row->off)
		return NULL;
	uint32_t off = pcln_u32(table, row->off + func_layouts[table->format].name);
	return pcln_string(table, table->names + off);
}

bool pclntab_func(const struct pclntab *table, size_t i, struct pcln_func *out)
{
	if (i >= table->num)
		return false;
	const struct pcln_row *row = &table->rows[i];
	const struct pcln_func_layout *layout = pcln_func_layout(table);
	const char *name = pcln_name(table, row);
	if (!name || !*name)
		return false;
	struct pcln_func func = {
		.name = name,
		.entry = row->entry,
		.end = row[1].entry,
		.deferreturn = pcln_u32(table, row->off + layout->deferreturn),
		.args_bytes = (int32_t)pcln_u32(table, row->off + layout->args),
	};
	if (layout->flag)
		func.flags = pcln_u8(table, row->off + layout->flag);
	uint8_t id = pcln_u8(table, row->off + layout->func_id);
	func.is_wrapper = table->wrapper_id && id == table->wrapper_id;
	int32_t number;
	const char *file = NULL;
	if (pcln_value(table, pcln_u32(table, row->off + layout->pcfile), row->entry, row->entry,
		       &number))
		file = pcln_file(table, row, number);
	func.is_autogenerated = file && !strcmp(file, "<autogenerated>");
	*out = func;
	return true;
}

bool pclntab_find(const struct pclntab *table, uint64_t vaddr, size_t *i)
{
	if (vaddr < table->rows[0].entry || vaddr >= table->rows[table->num].entry)
		return false;
	*i = bsearch_first(table->num, middle, table->rows[middle].entry <= vaddr) - 1;
	return true;
}

void pclntab_names(const struct pclntab *table, bool (*visit)(void *context, const char *name),
		   void *context)
{
	if (table->format < PCLN_16 || table->units > table->size || table->names > table->units)
		return;
	const char *at = (const char *)table->data + table->names;
	const char *end = (const char *)table->data + table->units;
	while (at < end) {
		size_t len = strnlen(at, (size_t)(end - at));
		if (at + len == end || !visit(context, image_printable(table->image, at)))
			return;
		at += len + 1;
	}
}
