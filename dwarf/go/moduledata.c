// SPDX-License-Identifier: GPL-2.0-or-later
// runtime.firstmoduledata, the linker's description of the executable, which points at the function
// table. Its fields move from release to release (src/runtime/symtab.go). A layout is accepted if
// all values in it are plausible, whatever release the build info names.
#include <stdlib.h>
#include <string.h>

#include "dwarf/go/pclntab_private.h"

enum { MODULE_BYTES = 416 }; // the part that the layouts use

// The offsets of moduledata's fields; 0 for a field that the layout does not have.
struct module_layout {
	enum pcln_format format;
	int minor;	      // the first release (1.minor) that has this layout
	uint16_t minpc, text; // each is followed by its end
	uint16_t types, etypes;
	uint16_t rodata, gofunc;
	uint16_t sections; // textsectmap
	uint16_t typelinks, itablinks;
	// Go 1.27: the size of the type descriptors; the itabs' offset from types, then their size.
	uint16_t desc_bytes, itabs;
};

static const struct module_layout layouts[] = {
	{PCLN_2, 2, 80, 96, 200, 208, 0, 0, 216, 240, 264, 0, 0},
	{PCLN_16, 16, 160, 176, 280, 288, 0, 0, 296, 320, 344, 0, 0},
	{PCLN_18, 18, 160, 176, 280, 288, 296, 304, 312, 336, 360, 0, 0},
	{PCLN_20, 20, 160, 176, 296, 304, 312, 320, 328, 352, 376, 0, 0},
	{PCLN_20, 26, 160, 176, 296, 304, 312, 320, 336, 360, 384, 0, 0},
	{PCLN_20, 27, 160, 176, 296, 312, 336, 344, 360, 0, 0, 304, 320},
};
enum { NUM_LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };

struct module_bytes {
	uint64_t words[MODULE_BYTES / 8];
};

static uint64_t word_at(const struct module_bytes *bytes, unsigned off)
{
	return bytes->words[off / 8];
}

// True if there is a slice header at off whose elements are mapped.
static bool is_slice(const struct image *image, const struct module_bytes *bytes, unsigned off,
		     uint64_t elem_size, uint64_t max)
{
	uint64_t data = word_at(bytes, off), len = word_at(bytes, off + 8);
	uint64_t capacity = word_at(bytes, off + 16);
	if (len != capacity || len > max)
		return false;
	return !len || image_is_mapped(image, data, len * elem_size);
}

// True if [start, end) is a mapped range.
static bool is_range(const struct image *image, uint64_t start, uint64_t end)
{
	return start && start <= end &&
	       image_is_mapped(image, start, end > start ? end - start : 1);
}

static bool points_at_table(const struct pclntab *table, const struct module_bytes *bytes)
{
	if (word_at(bytes, 0) != table->vaddr)
		return false;
	if (table->format == PCLN_2) // the slice pclntable, then the slice ftab
		return word_at(bytes, 8) <= table->size && word_at(bytes, 24) == table->vaddr + 16;
	return word_at(bytes, 8) == table->vaddr + table->names &&
	       word_at(bytes, 104) == table->vaddr + table->functions;
}

static bool fits(const struct pclntab *table, const struct module_layout *layout,
		 const struct module_bytes *bytes)
{
	enum { MAX_LINKS = 1 << 26 };
	const struct image *image = table->image;
	uint64_t text = word_at(bytes, layout->text), etext = word_at(bytes, layout->text + 8);
	uint64_t minpc = word_at(bytes, layout->minpc), maxpc = word_at(bytes, layout->minpc + 8);
	uint64_t types = word_at(bytes, layout->types), etypes = word_at(bytes, layout->etypes);
	if (!is_range(image, text, etext) || !is_range(image, types, etypes) || minpc < text ||
	    minpc >= maxpc || maxpc > etext)
		return false;
	if (layout->rodata &&
	    !is_range(image, word_at(bytes, layout->rodata), word_at(bytes, layout->rodata)))
		return false;
	if (layout->gofunc &&
	    !is_range(image, word_at(bytes, layout->gofunc), word_at(bytes, layout->gofunc)))
		return false;
	if (!is_slice(image, bytes, layout->sections, 24, MAX_TEXT_SECTIONS))
		return false;
	if (layout->typelinks && (!is_slice(image, bytes, layout->typelinks, 4, MAX_LINKS) ||
				  !is_slice(image, bytes, layout->itablinks, 8, MAX_LINKS)))
		return false;
	if (!layout->itabs)
		return true;
	uint64_t size = etypes - types, itabs = word_at(bytes, layout->itabs);
	return word_at(bytes, layout->desc_bytes) <= size && itabs <= size &&
	       word_at(bytes, layout->itabs + 8) <= size - itabs;
}

static void fill_module(const struct module_layout *layout, const struct module_bytes *bytes,
			uint64_t vaddr, struct moduledata *out)
{
	*out = (struct moduledata){
		.vaddr = vaddr,
		.text = word_at(bytes, layout->text),
		.etext = word_at(bytes, layout->text + 8),
		.types = word_at(bytes, layout->types),
		.etypes = word_at(bytes, layout->etypes),
		.types_at = layout->types,
		.etypes_at = layout->etypes,
		.minor = layout->minor,
	};
	if (layout->rodata)
		out->rodata = word_at(bytes, layout->rodata);
	if (layout->gofunc)
		out->gofunc = word_at(bytes, layout->gofunc);
	if (layout->itablinks) {
		out->itablinks = word_at(bytes, layout->itablinks);
		out->num_itablinks = word_at(bytes, layout->itablinks + 8);
		out->typelinks = word_at(bytes, layout->typelinks);
		out->num_typelinks = word_at(bytes, layout->typelinks + 8);
	}
	if (layout->itabs) {
		out->desc_bytes = word_at(bytes, layout->desc_bytes);
		out->itabs = out->types + word_at(bytes, layout->itabs);
		out->itabs_bytes = word_at(bytes, layout->itabs + 8);
	}
}

// Reads where the sections of the text are, if the text was linked as more than one section.
static bool read_sections(struct pclntab *table, uint64_t vaddr, uint64_t num)
{
	if (num < 2)
		return true;
	struct text_section *sections = calloc(num, sizeof(*sections));
	if (!sections || !image_read(table->image, vaddr, sections, num * sizeof(*sections))) {
		free(sections);
		return false;
	}
	table->sections = sections;
	table->num_sections = num;
	return true;
}

// True if minpc and maxpc are the table's first and last entry; the runtime checks the same.
static bool agrees_with_rows(const struct pclntab *table, uint64_t text, uint64_t minpc,
			     uint64_t maxpc)
{
	uint64_t first = table->vaddr + table->functions;
	if (table->format >= PCLN_18) {
		uint32_t entry;
		return image_read_u32(table->image, first, &entry) && text + entry == minpc;
	}
	uint64_t entry, end;
	return image_read_u64(table->image, first, &entry) && entry == minpc &&
	       table->num < table->size / 16 &&
	       image_read_u64(table->image, first + table->num * 16, &end) && end == maxpc;
}

static bool try_layout(struct pclntab *table, const struct module_layout *layout,
		       const struct module_bytes *bytes, uint64_t vaddr)
{
	if (layout->format != table->format || !fits(table, layout, bytes) ||
	    !agrees_with_rows(table, word_at(bytes, layout->text), word_at(bytes, layout->minpc),
			      word_at(bytes, layout->minpc + 8)))
		return false;
	if (table->format >= PCLN_18 && !read_sections(table, word_at(bytes, layout->sections),
						       word_at(bytes, layout->sections + 8)))
		return false;
	fill_module(layout, bytes, vaddr, &table->module);
	table->text = table->module.text;
	return true;
}

static bool try_module(struct pclntab *table, struct go_version go, uint64_t vaddr)
{
	struct module_bytes bytes;
	if (!image_read(table->image, vaddr, &bytes, sizeof(bytes)) ||
	    !points_at_table(table, &bytes))
		return false;
	// First try the newest layout that the release can have, then the others.
	int expected = -1;
	for (int i = 0; i < NUM_LAYOUTS; i++)
		if (layouts[i].format == table->format &&
		    (!go.major || go_version_at_least(go, layouts[i].minor)))
			expected = i;
	if (expected >= 0 && try_layout(table, &layouts[expected], &bytes, vaddr))
		return true;
	for (int i = NUM_LAYOUTS - 1; i >= 0; i--)
		if (i != expected && try_layout(table, &layouts[i], &bytes, vaddr))
			return true;
	return false;
}

// Looks for a word that is the table's address after relocation.
static bool scan_segment(struct pclntab *table, struct go_version go,
			 const struct image_segment *segment)
{
	enum { STEP = 8192, MAX_TRIES = 1000 };
	uint64_t words[STEP / 8];
	int tries = 0;
	uint64_t from = -segment->vaddr & 7;
	for (uint64_t at = from; at < segment->file_size; at += STEP) {
		uint64_t len = segment->file_size - at < STEP ? segment->file_size - at : STEP;
		if (!image_read(table->image, segment->vaddr + at, words, len))
			return false;
		for (uint64_t i = 0; i < len / 8; i++) {
			if (words[i] != table->vaddr)
				continue;
			if (try_module(table, go, segment->vaddr + at + 8 * i))
				return true;
			if (++tries == MAX_TRIES)
				return false;
		}
	}
	return false;
}

static bool try_symbol(struct pclntab *table, struct go_version go)
{
	const struct image_symbol *symbols;
	size_t num = 0;
	struct error *err = image_symbols(table->image, &symbols, &num);
	error_free(err);
	for (size_t i = 0; !err && i < num; i++)
		if (!strcmp(symbols[i].name, "runtime.firstmoduledata") &&
		    try_module(table, go, symbols[i].vaddr))
			return true;
	return false;
}

bool moduledata_find(struct pclntab *table, struct go_version go)
{
	struct image_bytes section = {NULL, 0, 0};
	struct error *err = image_section(table->image, ".go.module", &section);
	error_free(err);
	if (!err && section.vaddr && try_module(table, go, section.vaddr))
		return true;
	if (try_symbol(table, go))
		return true;
	size_t num;
	const struct image_segment *segments = image_segments(table->image, &num);
	for (size_t i = 0; i < num; i++)
		if (segments[i].is_writable && scan_segment(table, go, &segments[i]))
			return true;
	return false;
}
