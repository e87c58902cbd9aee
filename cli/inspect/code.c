// SPDX-License-Identifier: GPL-2.0-or-later
// Disassembles a function: source lines between the instructions, labels at the targets of
// branches, the names of what calls and memory operands refer to, and a mark at each site of a
// probe.
#include <stdlib.h>
#include <string.h>

#include "base/bsearch.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/inspect/inspect.h"
#include "dwarf/go/rtype.h"
#include "arch/spell.h"

// The symbols of data, sorted by address.
struct symbols {
	const struct image_symbol **symbol;
	size_t num;
};

struct listing {
	struct index *index;
	const struct func *func;
	const uint8_t *code;
	struct sites sites;
	struct speller *speller;
	struct symbols data;
	struct gotype **types; // those with a run-time descriptor, sorted by its address
	size_t num_types;
	uint32_t *label; // by offset: the label's number at the target of a branch, else 0
	FILE *out;
};

static int by_vaddr(const void *a, const void *b)
{
	const struct image_symbol *x = *(const struct image_symbol *const *)a;
	const struct image_symbol *y = *(const struct image_symbol *const *)b;
	return (x->vaddr > y->vaddr) - (x->vaddr < y->vaddr);
}

static struct error *read_symbols(struct index *index, struct symbols *out)
{
	const struct image_symbol *symbols;
	size_t num = 0;
	struct error *err = index_symbols(index, &symbols, &num);
	if (err || !num)
		return err;
	out->symbol = calloc(num, sizeof(*out->symbol));
	if (!out->symbol)
		return error_nomem();
	for (size_t i = 0; i < num; i++)
		if (!symbols[i].is_function && symbols[i].size)
			out->symbol[out->num++] = &symbols[i];
	qsort(out->symbol, out->num, sizeof(*out->symbol), by_vaddr);
	return NULL;
}

// The symbol that contains vaddr; NULL if none does.
static const struct image_symbol *symbol_at(const struct symbols *symbols, uint64_t vaddr)
{
	size_t low = bsearch_first(symbols->num, middle, symbols->symbol[middle]->vaddr <= vaddr);
	const struct image_symbol *found = low ? symbols->symbol[low - 1] : NULL;
	return found && vaddr - found->vaddr < found->size ? found : NULL;
}

static bool is_inside(const struct func *func, uint64_t vaddr)
{
	return vaddr >= func->vaddr && vaddr - func->vaddr < func->size;
}

// Numbers the targets of the function's own branches, from 1 in the order of their addresses. Only
// the start of an instruction gets a label.
static struct error *find_labels(struct listing *listing)
{
	enum { IS_TARGET = 1, IS_START = 2 };
	const struct func *func = listing->func;
	CLEANUP_FREE uint8_t *marks = calloc(func->size + 1, 1);
	listing->label = calloc(func->size + 1, sizeof(*listing->label));
	if (!marks || !listing->label)
		return error_nomem();
	struct text words;
	text_init(&words);
	struct spelled spelled;
	for (uint64_t off = 0; off < func->size; off += spelled.size) {
		text_reset(&words);
		speller_next(listing->speller, listing->code + off, func->size - off,
			     func->vaddr + off, &spelled, &words);
		marks[off] |= IS_START;
		if (spelled.is_branch && is_inside(func, spelled.target))
			marks[spelled.target - func->vaddr] |= IS_TARGET;
	}
	text_deinit(&words);
	uint32_t last = 0;
	for (uint64_t off = 0; off < func->size; off++)
		if (marks[off] == (IS_TARGET | IS_START))
			listing->label[off] = ++last;
	return NULL;
}

static void name_place(const char *name, uint64_t off, struct text *words)
{
	text_printf(words, "  ; %s", name);
	if (off)
		text_printf(words, "+0x%lx", (unsigned long)off);
}

static int by_rtype(const void *a, const void *b)
{
	const struct gotype *x = *(struct gotype *const *)a, *y = *(struct gotype *const *)b;
	return (x->rtype > y->rtype) - (x->rtype < y->rtype);
}

// Reads the types with a run-time descriptor. Descriptors have no symbols of their own.
static struct error *read_types(struct listing *listing)
{
	size_t num;
	struct gotype *const *types = rtypes_all(index_rtypes(listing->index), &num);
	listing->types = calloc(num + 1, sizeof(*types));
	if (!listing->types)
		return error_nomem();
	for (size_t i = 0; i < num; i++)
		listing->types[listing->num_types++] = types[i];
	qsort(listing->types, num, sizeof(*types), by_rtype);
	return NULL;
}

static void name_type(const struct listing *listing, uint64_t vaddr, struct text *words)
{
	struct gotype key = {.rtype = vaddr};
	const struct gotype *const wanted = &key;
	struct gotype **found = bsearch(&wanted, listing->types, listing->num_types,
					sizeof(*listing->types), by_rtype);
	if (found)
		text_printf(words, "  ; type %s", (*found)->full_name);
}

static void name_target(const struct listing *listing, const struct spelled *spelled,
			struct text *words)
{
	if (!spelled->has_target)
		return;
	uint64_t target = spelled->target;
	const struct func *at = index_func_at(listing->index, target);
	const struct image_symbol *symbol = at ? NULL : symbol_at(&listing->data, target);
	if (spelled->is_branch && at == listing->func &&
	    listing->label[target - listing->func->vaddr])
		text_printf(words, "  ; L%u", listing->label[target - listing->func->vaddr]);
	else if (at)
		name_place(at->name, target - at->vaddr, words);
	else if (symbol)
		name_place(symbol->name, target - symbol->vaddr, words);
	else if (!at)
		name_type(listing, target, words);
}

// Appends "  ; <- entry" to an instruction that is probed. False if it is not probed.
static bool name_sites(const struct sites *sites, uint64_t vaddr, struct text *words)
{
	bool is_site = false;
	for (size_t i = 0; i < sites->num; i++) {
		if (sites->site[i].vaddr != vaddr)
			continue;
		text_puts(words, is_site ? ", " : "  ; <- ");
		text_puts(words, inspect_site_kind(&sites->site[i]));
		is_site = true;
	}
	return is_site;
}

static void print_code(const struct listing *listing)
{
	const struct func *func = listing->func;
	const char *last_file = NULL;
	int last_line = 0;
	struct text words;
	text_init(&words);
	struct spelled spelled;
	for (uint64_t off = 0; off < func->size && !ferror(listing->out); off += spelled.size) {
		const char *file;
		int line;
		uint64_t vaddr = func->vaddr + off;
		if (index_line(listing->index, vaddr, &file, &line) &&
		    (line != last_line || !last_file || strcmp(file, last_file))) {
			fprintf(listing->out, "%s:%d\n", file, line);
			last_file = file;
			last_line = line;
		}
		if (listing->label[off])
			fprintf(listing->out, "L%u:\n", listing->label[off]);
		text_reset(&words);
		speller_next(listing->speller, listing->code + off, func->size - off, vaddr,
			     &spelled, &words);
		name_target(listing, &spelled, &words);
		bool is_site = name_sites(&listing->sites, vaddr, &words);
		fprintf(listing->out, "%c 0x%lx +0x%-5lx %s\n", is_site ? '>' : ' ',
			(unsigned long)vaddr, (unsigned long)off, text_string(&words));
	}
	text_deinit(&words);
}

struct error *inspect_code(struct index *index, const struct func *func, FILE *out)
{
	struct listing listing = {.index = index, .func = func, .out = out};
	if (!image_text(index_image(index), func->vaddr, func->size, &listing.code))
		return error_new("%s: its code is not in the file", func->name);
	struct error *err = inspect_sites(index, func, &listing.sites);
	if (err)
		return err;
	err = speller_create(&listing.speller);
	if (!err)
		err = read_symbols(index, &listing.data);
	if (!err)
		err = read_types(&listing);
	if (!err)
		err = find_labels(&listing);
	if (!err)
		print_code(&listing);
	if (!err && listing.sites.refused)
		fprintf(out, "cannot be probed: %s\n", listing.sites.refused);
	free(listing.label);
	free(listing.data.symbol);
	free(listing.types);
	speller_destroy(listing.speller);
	sites_deinit(&listing.sites);
	return err;
}
