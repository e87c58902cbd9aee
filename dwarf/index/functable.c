// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/idioms.h"
#include "base/bsearch.h"
#include "dwarf/go/funcname.h"
#include "dwarf/index/index_private.h"

struct sorted_symbols { // the symbols of functions, in address order
	const struct image_symbol **symbol;
	size_t num;
};

struct merging {
	const struct functable_query *query;
	struct sorted_symbols symbols;
	struct entry {
		struct func func;
		uint32_t row;
	} * entries;
	size_t num;
};

static int compare_symbols(const void *a, const void *b)
{
	const struct image_symbol *left = *(const struct image_symbol *const *)a;
	const struct image_symbol *right = *(const struct image_symbol *const *)b;
	if (left->vaddr != right->vaddr)
		return left->vaddr < right->vaddr ? -1 : 1;
	return (left > right) - (left < right);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	return (left->func.vaddr > right->func.vaddr) - (left->func.vaddr < right->func.vaddr);
}

static struct error *sort_symbols(const struct functable_query *query, struct sorted_symbols *out)
{
	out->symbol = calloc(query->num_symbols + 1, sizeof(struct image_symbol *));
	if (!out->symbol)
		return error_nomem();
	for (size_t i = 0; i < query->num_symbols; i++)
		if (query->symbols[i].is_function && query->symbols[i].size)
			out->symbol[out->num++] = &query->symbols[i];
	qsort(out->symbol, out->num, sizeof(struct image_symbol *), compare_symbols);
	return NULL;
}

// Returns the index of the first symbol at or above vaddr.
static size_t first_symbol(const struct sorted_symbols *symbols, uint64_t vaddr)
{
	return bsearch_first(symbols->num, middle, symbols->symbol[middle]->vaddr < vaddr);
}

// Reports whether symbol is name with its type arguments spelled out. In pclntab of Go 1.18 to
// 1.20, a name has "[...]" in their place, as in "Sum[...]".
static bool is_instance_of(const char *symbol, const char *name)
{
	const char *dots = strstr(name, "[...]");
	if (!dots)
		return false;
	size_t head = (size_t)(dots - name), tail = strlen(dots + 5), len = strlen(symbol);
	return len >= head + tail + 2 && !strncmp(symbol, name, head) && symbol[head] == '[' &&
	       symbol[len - tail - 1] == ']' && !strcmp(symbol + len - tail, dots + 5);
}

static bool starts_with(const char *string, const char *prefix)
{
	return !strncmp(string, prefix, strlen(prefix));
}

static bool is_runtime(const char *name)
{
	static const char *const packages[] = {"runtime.", "runtime/internal/", "internal/runtime/",
					       "runtime/cgo."};
	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
		if (starts_with(name, packages[i]))
			return true;
	// The runtime's assembly has local functions without a package, such as gogo, cmpbody and
	// _rt0_amd64.
	return !strchr(name, '.');
}

static bool is_compiler_made(const char *name)
{
	return starts_with(name, "type:.") || starts_with(name, "type..");
}

// Returns the size of the code without the bytes that pad it up to the next function. The
// last instruction may end in bytes of the same value (a jump by -52), so the result keeps as many
// of them as the largest immediate has.
static uint64_t trimmed_size(struct image *image, uint64_t vaddr, uint64_t size)
{
	enum { MAX_PADDING = 63, MAX_IMMEDIATE = 8 };
	uint64_t whole = size;
	uint64_t tail = size < MAX_PADDING ? size : MAX_PADDING;
	const uint8_t *text, padding = image_arch(image)->padding;
	if (!tail || !image_text(image, vaddr + size - tail, tail, &text))
		return size;
	while (tail > 0 && text[tail - 1] == padding) {
		tail--;
		size--;
	}
	return size + MAX_IMMEDIATE < whole ? size + MAX_IMMEDIATE : whole;
}

static void add_row(struct merging *merging, uint32_t row)
{
	const struct functable_query *query = merging->query;
	struct pcln_func pcln;
	if (!pclntab_func(query->table, row, &pcln) || pcln.end <= pcln.entry)
		return;
	struct func func = {.name = pcln.name, .vaddr = pcln.entry, .size = pcln.end - pcln.entry};
	bool has_symbol_size = false;
	for (size_t i = first_symbol(&merging->symbols, pcln.entry);
	     i < merging->symbols.num && merging->symbols.symbol[i]->vaddr == pcln.entry; i++) {
		const struct image_symbol *symbol = merging->symbols.symbol[i];
		size_t len = strlen(pcln.name);
		if (is_instance_of(symbol->name, pcln.name))
			func.name = symbol->name;
		else if (strncmp(symbol->name, pcln.name, len))
			continue;
		else if (!strcmp(symbol->name + len, ".abi0"))
			func.flags |= FUNC_ABI0;
		else if (symbol->name[len])
			continue;
		if (symbol->size < func.size || !has_symbol_size)
			func.size = symbol->size < func.size ? symbol->size : func.size;
		has_symbol_size = true;
	}
	if (!has_symbol_size)
		func.size = trimmed_size(query->image, func.vaddr, func.size);
	if (!func.size)
		return;
	if (!query->has_regabi || pcln.flags & PCLN_ASM)
		func.flags |= FUNC_ABI0;
	if (pcln.flags & PCLN_ASM)
		func.flags |= FUNC_ASM;
	if (pcln.is_wrapper || pcln.is_autogenerated || is_compiler_made(func.name))
		func.flags |= FUNC_WRAPPER;
	func.body = func.flags & FUNC_WRAPPER ? pclntab_body(query->table, row) : NULL;
	if (is_runtime(func.name))
		func.flags |= FUNC_RUNTIME;
	merging->entries[merging->num++] = (struct entry){.func = func, .row = row};
}

static void add_foreign(struct merging *merging)
{
	uint64_t last = 0;
	for (size_t i = 0; i < merging->symbols.num; i++) {
		const struct image_symbol *symbol = merging->symbols.symbol[i];
		const uint8_t *text;
		size_t row;
		if ((i && symbol->vaddr == last) ||
		    pclntab_find(merging->query->table, symbol->vaddr, &row) ||
		    !image_text(merging->query->image, symbol->vaddr, 1, &text))
			continue;
		last = symbol->vaddr;
		merging->entries[merging->num++] = (struct entry){
			.func = {.name = symbol->name,
				 .vaddr = symbol->vaddr,
				 .size = symbol->size,
				 .flags = FUNC_FOREIGN},
			.row = NO_ROW,
		};
	}
}

static unsigned hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
	       : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
				      : 16;
}

// Returns the next byte of a name, with the linker's escapes undone: "lib%2ev3.F" is read as
// "lib.v3.F".
static unsigned char next_byte(const char **at)
{
	const char *name = *at;
	if (name[0] == '%' && hex_digit(name[1]) < 16 && hex_digit(name[2]) < 16) {
		unsigned value = hex_digit(name[1]) * 16 + hex_digit(name[2]);
		if (value) {
			*at += 3;
			return (unsigned char)value;
		}
	}
	if (*name)
		++*at;
	return (unsigned char)*name;
}

static uint64_t hash_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); // FNV-1a
	for (unsigned char byte; (byte = next_byte(&name));)
		hash = (hash ^ byte) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static bool same_name(const char *a, const char *b)
{
	for (;;) {
		unsigned char left = next_byte(&a), right = next_byte(&b);
		if (left != right)
			return false;
		if (!left)
			return true;
	}
}

static struct error *hash_names(struct functable *table)
{
	size_t num = 16;
	while (num < 2 * table->num)
		num *= 2;
	table->buckets = calloc(num, sizeof(*table->buckets));
	if (!table->buckets)
		return error_nomem();
	table->num_buckets = num;
	for (size_t i = 0; i < table->num; i++) {
		size_t at = hash_name(func_symbol(&table->funcs[i])) & (num - 1);
		while (table->buckets[at])
			at = (at + 1) & (num - 1);
		table->buckets[at] = (uint32_t)i + 1;
	}
	return NULL;
}

size_t functable_named(const struct functable *table, const char *name, const struct func **out,
		       size_t max)
{
	size_t num = 0, at = hash_name(name) & (table->num_buckets - 1);
	for (; table->buckets[at]; at = (at + 1) & (table->num_buckets - 1)) {
		const struct func *func = &table->funcs[table->buckets[at] - 1];
		if (!same_name(func_symbol(func), name))
			continue;
		if (num < max)
			out[num] = func;
		num++;
	}
	return num;
}

// Decides the ABI of wrappers if there are no symbols with an .abi0 suffix. A wrapper has the same
// name as the function that it wraps. The wrapper of an assembly function is called by Go code and
// has Go's ABI. The wrapper of a Go function is called by assembly and has ABI0.
static void tell_wrappers(struct functable *table)
{
	for (size_t i = 0; i < table->num; i++) {
		struct func *func = &table->funcs[i];
		if (!(func->flags & FUNC_WRAPPER) || func->flags & FUNC_ASM)
			continue;
		const struct func *twins[2];
		if (functable_named(table, func_symbol(func), twins, 2) != 2)
			continue;
		const struct func *other = twins[0] == func ? twins[1] : twins[0];
		if (!(other->flags & (FUNC_WRAPPER | FUNC_ASM)))
			func->flags |= FUNC_ABI0;
	}
}

// Reports whether the function's code has bytes that may be a call of vaddr or a jump to it.
// True if the code cannot be read.
static bool may_call(struct image *image, const struct func *func, uint64_t vaddr)
{
	const uint8_t *code;
	if (!image_text(image, func->vaddr, func->size, &code))
		return true;
	struct idiom_call call = {0};
	while (idiom_call_next(code, func->size, func->vaddr, &call))
		if (!call.is_indirect && call.target == vaddr)
			return true;
	return false;
}

// Reports whether the function's code has bytes that may be a call or jump through a register or
// memory, or to another function that is not the runtime's. True if the code cannot be read.
static bool may_call_any(const struct functable *table, struct image *image,
			 const struct func *func)
{
	const uint8_t *code;
	if (!image_text(image, func->vaddr, func->size, &code))
		return true;
	struct idiom_call call = {0};
	while (idiom_call_next(code, func->size, func->vaddr, &call)) {
		const struct func *to = call.is_indirect ? NULL : functable_at(table, call.target);
		if (call.is_indirect || (to && to != func && !(to->flags & FUNC_RUNTIME)))
			return true;
		if (to && to->vaddr == call.target) // its other bytes are no instruction
			call.next = call.end;
	}
	return false;
}

// Returns the function that has the name of T's own method, "main.T.M" for "main.(*T).M", and
// writes this name. NULL if there is none.
static const struct func *value_method(const struct functable *table, const char *name,
				       const struct method_name *parts, char *out, size_t size)
{
	const struct func *func;
	int len = snprintf(out, size, "%.*s%.*s.%s", (int)parts->package_len, name,
			   (int)parts->receiver_len, parts->receiver, parts->method);
	if (len < 0 || (size_t)len >= size)
		*out = '\0';
	return functable_named(table, out, &func, 1) == 1 ? func : NULL;
}

// If a method is inlined whole into its wrapper, the table of inlined calls may know little of it.
// So a wrapper is taken to hold the method's code if it does not call the method. If the method
// has no code of its own, or its code has the name of a shape ("main.T[go.shape.int].M"), the
// wrapper must not call any function outside the runtime.
static void tell_body(struct functable *table, struct image *image, struct func *func)
{
	char name[512] = "";
	struct method_name parts;
	if (is_compiler_made(func->name) || !funcname_method(func->name, &parts))
		return;
	const struct func *method =
		parts.is_pointer ? value_method(table, func->name, &parts, name, sizeof(name))
				 : NULL;
	if (method && !(method->flags & FUNC_WRAPPER)) {
		if (!may_call(image, func, method->vaddr))
			func->body = method->name;
	} else if (!func->body && !may_call_any(table, image, func)) {
		func->body = method && strchr(name, '[') ? method->name : func->name;
	}
	if (!func->body || !funcname_is_same(func->body, name))
		return;
	// The name of a shape is not the wrapper's, because the wrapper takes no dictionary.
	if (method || !strchr(name, '[')) {
		func->symbol = func->name;
		func->name = method ? method->name : func->body;
	}
}

static void tell_bodies(struct functable *table, struct image *image)
{
	for (size_t i = 0; i < table->num; i++) {
		struct func *func = &table->funcs[i];
		if ((func->flags & FUNC_WRAPPER) && !(func->flags & FUNC_ASM))
			tell_body(table, image, func);
	}
}

static struct error *fill(struct functable *table, const struct merging *merging)
{
	table->funcs = calloc(merging->num + 1, sizeof(*table->funcs));
	table->rows = calloc(merging->num + 1, sizeof(*table->rows));
	if (!table->funcs || !table->rows)
		return error_nomem();
	for (size_t i = 0; i < merging->num; i++) {
		if (i && merging->entries[i].func.vaddr == merging->entries[i - 1].func.vaddr)
			continue;
		table->funcs[table->num] = merging->entries[i].func;
		table->funcs[table->num].number = (uint32_t)table->num;
		table->rows[table->num] = merging->entries[i].row;
		table->num++;
	}
	return NULL;
}

struct error *functable_init(struct functable *table, const struct functable_query *query)
{
	struct merging merging = {.query = query};
	struct error *err = sort_symbols(query, &merging.symbols);
	if (err)
		return err;
	*table = (struct functable){0};
	size_t num_rows = pclntab_num(query->table);
	merging.entries = calloc(num_rows + merging.symbols.num + 1, sizeof(*merging.entries));
	if (!merging.entries || num_rows >= NO_ROW || merging.symbols.num >= NO_ROW / 2) {
		err = error_nomem();
	} else {
		for (size_t i = 0; i < num_rows; i++)
			add_row(&merging, (uint32_t)i);
		add_foreign(&merging);
		qsort(merging.entries, merging.num, sizeof(*merging.entries), compare_entries);
		err = fill(table, &merging);
	}
	free(merging.symbols.symbol);
	free(merging.entries);
	if (!err)
		err = hash_names(table);
	if (err) {
		functable_deinit(table);
		return err;
	}
	if (query->has_regabi && !query->num_symbols)
		tell_wrappers(table);
	tell_bodies(table, query->image);
	return NULL;
}

void functable_deinit(struct functable *table)
{
	free(table->funcs);
	free(table->rows);
	free(table->buckets);
	*table = (struct functable){0};
}

const struct func *functable_at(const struct functable *table, uint64_t vaddr)
{
	size_t low = bsearch_first(table->num, middle, table->funcs[middle].vaddr <= vaddr);
	if (!low || vaddr - table->funcs[low - 1].vaddr >= table->funcs[low - 1].size)
		return NULL;
	return &table->funcs[low - 1];
}
