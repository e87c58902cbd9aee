// SPDX-License-Identifier: GPL-2.0-or-later
// The part of .gopclntab about an address in a function (file, line, inlined calls), and about a
// function's argument words. Source: symtab.go, symtabinl.go and traceback.go (printArgs) in
// src/runtime.
#include <string.h>

#include "dwarf/go/pclntab.h"
#include "dwarf/go/pclntab_private.h"

enum {
	PCDATA_INL_TREE_INDEX = 2,
	FUNCDATA_INL_TREE = 3,
	FUNCDATA_INL_TREE_15 = 4,
	FUNCDATA_ARG_INFO = 5,
	// Deeper than any compiler nests. It ends the walk of a table that refers to itself.
	MAX_INLINED = 256,
};

static bool read_varint(const struct pclntab *table, uint64_t *at, uint32_t *out)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (*at >= table->size)
			return false;
		uint8_t byte = table->data[(*at)++];
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = (uint32_t)value;
			return true;
		}
	}
	return false;
}

// A pc table is a list of pairs: the change of the value (zigzag), and how much code has the new
// value. The value starts at -1. A change of zero ends the table unless it is the
// first. Each pair moves forward in the table, so the walk ends.
bool pcln_value(const struct pclntab *table, uint64_t off, uint64_t entry, uint64_t vaddr,
		int32_t *out)
{
	if (!off)
		return false;
	uint64_t at = table->pcs + off, end = entry;
	uint32_t value = UINT32_MAX;
	for (bool is_first = true;; is_first = false) {
		uint32_t change, run;
		if (!read_varint(table, &at, &change) || (!change && !is_first) ||
		    !read_varint(table, &at, &run))
			return false;
		value += change & 1 ? ~(change >> 1) : change >> 1;
		end += (uint64_t)run * table->quantum;
		if (vaddr < end) {
			*out = (int32_t)value;
			return true;
		}
	}
}

const char *pcln_file(const struct pclntab *table, const struct pcln_row *row, int32_t number)
{
	if (number < 0)
		return NULL;
	if (table->format == PCLN_2) {
		if (!number || (uint64_t)number >= table->num_files)
			return NULL;
		return pcln_string(table, pcln_u32(table, table->files + 4 * (uint64_t)number));
	}
	uint64_t unit = pcln_u32(table, row->off + pcln_func_layout(table)->unit);
	uint64_t slot = table->units + 4 * (unit + (uint64_t)number);
	if (slot >= table->files || slot > table->size - 4)
		return NULL;
	uint32_t off = pcln_u32(table, slot);
	return off == UINT32_MAX ? NULL : pcln_string(table, table->files + off);
}

static bool line_in(const struct pclntab *table, const struct pcln_row *row, uint64_t vaddr,
		    const char **file, int *line)
{
	const struct pcln_func_layout *layout = pcln_func_layout(table);
	int32_t number, at_line;
	if (!row->off ||
	    !pcln_value(table, pcln_u32(table, row->off + layout->pcfile), row->entry, vaddr,
			&number) ||
	    !pcln_value(table, pcln_u32(table, row->off + layout->pcln), row->entry, vaddr,
			&at_line) ||
	    at_line < 0)
		return false;
	const char *name = pcln_file(table, row, number);
	if (!name)
		return false;
	*file = name;
	*line = at_line;
	return true;
}

bool pclntab_line(const struct pclntab *table, uint64_t vaddr, const char **file, int *line)
{
	size_t i;
	return pclntab_find(table, vaddr, &i) && line_in(table, &table->rows[i], vaddr, file, line);
}

bool pclntab_frame_size(const struct pclntab *table, uint64_t vaddr, uint32_t *bytes)
{
	size_t i;
	int32_t size;
	if (!pclntab_find(table, vaddr, &i) || !table->rows[i].off)
		return false;
	const struct pcln_row *row = &table->rows[i];
	uint32_t pcsp = pcln_u32(table, row->off + pcln_func_layout(table)->pcfile - 4u);
	if (!pcln_value(table, pcsp, row->entry, vaddr, &size) || size < 0)
		return false;
	*bytes = (uint32_t)size;
	return true;
}

// The address of a function's FUNCDATA with this index; false if there is none.
static bool funcdata(const struct pclntab *table, const struct pcln_row *row, unsigned index,
		     uint64_t *out)
{
	const struct pcln_func_layout *layout = pcln_func_layout(table);
	if (!row->off || index >= pcln_u8(table, row->off + layout->num_funcdata))
		return false;
	uint64_t num_pcdata = pcln_u32(table, row->off + layout->num_pcdata);
	uint64_t at = row->off + layout->pcdata + 4 * num_pcdata;
	if (layout->has_pointers) {
		// The pointers are aligned in memory. The table itself is aligned, so aligning
		// the offset is enough.
		at = (at + 7) & ~7ull;
		uint64_t vaddr;
		if (at >= table->size ||
		    !image_read_u64(table->image, table->vaddr + at + 8 * index, &vaddr) || !vaddr)
			return false;
		*out = vaddr;
		return true;
	}
	at += 4 * (uint64_t)index;
	uint32_t off = pcln_u32(table, at);
	if (at > table->size - 4 || off == UINT32_MAX || !table->module.gofunc)
		return false;
	*out = table->module.gofunc + off;
	return true;
}

// The inline tree's row for the code at vaddr; -1 if the code is not inlined.
static int32_t inline_index(const struct pclntab *table, const struct pcln_row *row, uint64_t vaddr)
{
	const struct pcln_func_layout *layout = pcln_func_layout(table);
	if (pcln_u32(table, row->off + layout->num_pcdata) <= PCDATA_INL_TREE_INDEX)
		return -1;
	uint32_t off = pcln_u32(table, row->off + layout->pcdata + 4 * PCDATA_INL_TREE_INDEX);
	int32_t index;
	return pcln_value(table, off, row->entry, vaddr, &index) ? index : -1;
}

// The name at off; NULL if no name starts there, that is if the byte before it is not a NUL.
static const char *exact_name(const struct pclntab *table, uint32_t off)
{
	uint64_t at = table->names + off;
	if (!off || (int32_t)off < 0 || at > table->last_nul || table->data[at - 1] != '\0')
		return NULL;
	return pcln_string(table, at);
}

// Reads row index of the inline tree at tree. Returns the inlined function's name and sets *parent
// to the offset of the call from the entry. Older rows have 20 bytes, with parent, file and line;
// newer rows have 16.
static const char *inline_row(const struct pclntab *table, uint64_t tree, int32_t index,
			      int32_t *parent, uint8_t *func_id)
{
	uint32_t words[5];
	uint64_t at = tree + 16 * (uint64_t)(uint32_t)index;
	if (table->format == PCLN_20 && image_read(table->image, at, words, 16)) {
		const char *name = exact_name(table, words[1]);
		if (name) {
			*parent = (int32_t)words[2];
			*func_id = (uint8_t)words[0];
			return name;
		}
	}
	at = tree + 20 * (uint64_t)(uint32_t)index;
	if (!image_read(table->image, at, words, 20))
		return NULL;
	const char *name = exact_name(table, words[3]);
	*parent = (int32_t)words[4];
	*func_id = (uint8_t)(words[0] >> 16);
	return name;
}

size_t pclntab_frames(const struct pclntab *table, uint64_t vaddr, struct pcln_inline *out,
		      size_t max)
{
	size_t i;
	if (!pclntab_find(table, vaddr, &i) || !table->rows[i].off)
		return 0;
	const struct pcln_row *row = &table->rows[i];
	uint64_t tree, at = vaddr;
	bool has_tree =
		funcdata(table, row,
			 table->format == PCLN_2 ? FUNCDATA_INL_TREE_15 : FUNCDATA_INL_TREE, &tree);
	size_t num = 0;
	uint8_t own_id = pcln_u8(table, row->off + pcln_func_layout(table)->func_id);
	for (int depth = 0; depth < MAX_INLINED && num < max; depth++) {
		struct pcln_inline frame = {"", "", 0, false};
		uint8_t func_id = own_id;
		line_in(table, row, at, &frame.file, &frame.line);
		int32_t index = has_tree ? inline_index(table, row, at) : -1, parent = -1;
		const char *name =
			index >= 0 ? inline_row(table, tree, index, &parent, &func_id) : NULL;
		bool is_last = !name || parent < 0 || (uint64_t)parent >= row[1].entry - row->entry;
		frame.name = name ? name : pcln_name(table, row);
		frame.is_wrapper = table->wrapper_id && func_id == table->wrapper_id;
		if (!frame.name)
			break;
		out[num++] = frame;
		if (is_last && !name)
			break;
		if (is_last) { // the offset of the call is damaged, so its line is not known
			const char *real = pcln_name(table, row);
			if (real && num < max)
				out[num++] = (struct pcln_inline){real, "", 0, false};
			break;
		}
		at = row->entry + (uint64_t)parent;
	}
	return num;
}

// Calls visit with the address of each piece of inlined code in the function and the name of the
// inlined function, until visit returns false. A run of the pc table has at least one byte, so the
// walk has at most as many steps as the function has bytes.
static void visit_inlined(const struct pclntab *table, const struct pcln_row *row,
			  bool (*visit)(void *context, uint64_t vaddr, const char *name),
			  void *context)
{
	const struct pcln_func_layout *layout = pcln_func_layout(table);
	uint64_t tree, end = row[1].entry - row->entry;
	if (!row->off || pcln_u32(table, row->off + layout->num_pcdata) <= PCDATA_INL_TREE_INDEX ||
	    !funcdata(table, row,
		      table->format == PCLN_2 ? FUNCDATA_INL_TREE_15 : FUNCDATA_INL_TREE, &tree))
		return;
	uint32_t off = pcln_u32(table, row->off + layout->pcdata + 4 * PCDATA_INL_TREE_INDEX);
	uint64_t at = table->pcs + off;
	uint32_t value = UINT32_MAX, change, run;
	for (uint64_t pc = 0; off && pc < end; pc += (uint64_t)run * table->quantum) {
		if (!read_varint(table, &at, &change) || (!change && pc) ||
		    !read_varint(table, &at, &run) || !run)
			return;
		value += change & 1 ? ~(change >> 1) : change >> 1;
		int32_t parent;
		uint8_t func_id;
		const char *inlined = (int32_t)value < 0 ? NULL
							 : inline_row(table, tree, (int32_t)value,
								      &parent, &func_id);
		if (inlined && !visit(context, row->entry + pc, inlined))
			return;
	}
}

struct inlined_name {
	const char *name;
	bool is_found;
};

static bool is_other_name(void *context, uint64_t vaddr, const char *name)
{
	struct inlined_name *wanted = context;
	(void)vaddr;
	wanted->is_found = !strcmp(name, wanted->name);
	return !wanted->is_found;
}

static bool has_inlined(const struct pclntab *table, const struct pcln_row *row, const char *name)
{
	struct inlined_name wanted = {name, false};
	visit_inlined(table, row, is_other_name, &wanted);
	return wanted.is_found;
}

void pclntab_inlined(const struct pclntab *table, const char *name,
		     bool (*visit)(void *context, size_t i), void *context)
{
	for (size_t i = 0; i < table->num; i++)
		if (has_inlined(table, &table->rows[i], name) && !visit(context, i))
			return;
}

struct wrapped { // the search for the method that a wrapper calls
	const struct pclntab *table;
	const char *method; // the last part of the wrapper's name, ".M"
	size_t len;
	const char *body; // the result
};

// The method is the outermost function inlined at vaddr that is not a wrapper, if its last part is
// the wrapper's. Returns true to continue the search.
static bool is_other_method(void *context, uint64_t vaddr, const char *name)
{
	struct wrapped *wrapped = context;
	struct pcln_inline frames[MAX_INLINED + 1];
	size_t num = pclntab_frames(wrapped->table, vaddr, frames, MAX_INLINED + 1);
	(void)name;
	for (size_t i = num > 1 ? num - 1 : 0; i-- && !wrapped->body;) {
		if (frames[i].is_wrapper)
			continue;
		const char *method = strrchr(frames[i].name, '.');
		if (method && strlen(method) == wrapped->len &&
		    !strncmp(method, wrapped->method, wrapped->len) &&
		    (strcmp(frames[i].name, frames[num - 1].name) != 0 ||
		     strstr(frames[i].name, "[...]"))) // what is in it is any instance
			wrapped->body = frames[i].name;
		break;
	}
	return !wrapped->body;
}

const char *pclntab_body(const struct pclntab *table, size_t i)
{
	struct pcln_func func;
	if (!pclntab_func(table, i, &func) || !(func.is_wrapper || func.is_autogenerated))
		return NULL;
	struct wrapped wrapped = {.table = table, .method = strrchr(func.name, '.')};
	if (!wrapped.method)
		return NULL;
	wrapped.len = strlen(wrapped.method);
	if (wrapped.len > 3 && !strcmp(wrapped.method + wrapped.len - 3, "-fm"))
		wrapped.len -= 3; // the suffix of a method value
	visit_inlined(table, &table->rows[i], is_other_method, &wrapped);
	return wrapped.body;
}

// The bytes of FUNCDATA_ArgInfo (src/cmd/compile/internal/ssagen/pgen.go).
enum {
	ARG_END = 0xff,
	ARG_START_AGGREGATE = 0xfe,
	ARG_END_AGGREGATE = 0xfd,
	ARG_DOTDOTDOT = 0xfc,
	ARG_OFFSET_TOO_LARGE = 0xfb,
	ARG_MAX_BYTES = 256, // the compiler stops at about 170
};

int pclntab_args(const struct pclntab *table, size_t i, struct pcln_arg *out, int max,
		 bool *complete)
{
	uint64_t vaddr;
	if (i >= table->num || !funcdata(table, &table->rows[i], FUNCDATA_ARG_INFO, &vaddr) ||
	    table->format == PCLN_2)
		return -1;
	int num = 0, depth = 0;
	unsigned param = 0;
	bool is_whole = true;
	for (int at = 0; at < ARG_MAX_BYTES; at++) {
		uint8_t byte, size;
		if (!image_read(table->image, vaddr + (uint64_t)at, &byte, 1))
			return -1;
		switch (byte) {
		case ARG_END:
			*complete = is_whole && depth == 0;
			return num;
		case ARG_START_AGGREGATE:
			depth++;
			continue;
		case ARG_END_AGGREGATE:
			if (--depth < 0)
				return -1;
			break;
		case ARG_DOTDOTDOT:
		case ARG_OFFSET_TOO_LARGE:
			is_whole = false;
			break;
		default:
			at++;
			if (!image_read(table->image, vaddr + (uint64_t)at, &size, 1) ||
			    (size != 1 && size != 2 && size != 4 && size != 8))
				return -1;
			if (num == max)
				is_whole = false;
			else
				out[num++] =
					(struct pcln_arg){byte, size, (uint8_t)param, depth > 0};
		}
		if (depth == 0 && param < UINT8_MAX)
			param++;
	}
	return -1;
}
