// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/go/gotype.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct {
	const char *name;
	uint64_t size;
} kinds[GO_NUM_KINDS] = {
	[GO_INVALID] = {"invalid", 0},
	[GO_BOOL] = {"bool", 1},
	[GO_INT] = {"int", 8},
	[GO_INT8] = {"int8", 1},
	[GO_INT16] = {"int16", 2},
	[GO_INT32] = {"int32", 4},
	[GO_INT64] = {"int64", 8},
	[GO_UINT] = {"uint", 8},
	[GO_UINT8] = {"uint8", 1},
	[GO_UINT16] = {"uint16", 2},
	[GO_UINT32] = {"uint32", 4},
	[GO_UINT64] = {"uint64", 8},
	[GO_UINTPTR] = {"uintptr", 8},
	[GO_FLOAT32] = {"float32", 4},
	[GO_FLOAT64] = {"float64", 8},
	[GO_COMPLEX64] = {"complex64", 8},
	[GO_COMPLEX128] = {"complex128", 16},
	[GO_ARRAY] = {"array", 0},
	[GO_CHAN] = {"chan", 8},
	[GO_FUNC] = {"func", 8},
	[GO_INTERFACE] = {"interface", 16},
	[GO_MAP] = {"map", 8},
	[GO_POINTER] = {"ptr", 8},
	[GO_SLICE] = {"slice", 24},
	[GO_STRING] = {"string", 16},
	[GO_STRUCT] = {"struct", 0},
	[GO_UNSAFE_POINTER] = {"unsafe.Pointer", 8},
};

const char *gokind_name(enum gokind kind)
{
	return kinds[(unsigned)kind < GO_NUM_KINDS ? kind : GO_INVALID].name;
}

uint64_t gokind_size(enum gokind kind)
{
	return kinds[(unsigned)kind < GO_NUM_KINDS ? kind : GO_INVALID].size;
}

// True for a byte of a name or import path, which is any byte but the punctuation of Go's types.
static bool is_word(unsigned char c)
{
	return c > ' ' && !strchr("[](){}*,;<>\"`", c);
}

static const char *skip_quoted(const char *at)
{
	char quote = *at++;
	while (*at && *at != quote) {
		if (*at == '\\' && quote == '"' && at[1])
			at++;
		at++;
	}
	return *at ? at + 1 : at;
}

// Returns the end of the brackets that open at at. Brackets in quoted tags do not count.
static const char *skip_brackets(const char *at)
{
	size_t depth = 0;
	while (*at) {
		if (*at == '"' || *at == '`') {
			at = skip_quoted(at);
			continue;
		}
		if (*at == '[')
			depth++;
		else if (*at == ']' && --depth == 0)
			return at + 1;
		at++;
	}
	return at;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Writes the word [at, end) with its escapes decoded and without the number of a local type.
static void put_word(const char *at, const char *end, struct text *out)
{
	static const char middle_dot[] = "\xc2\xb7";
	while (at < end) {
		int high, low;
		if (*at == '%' && end - at >= 3 && (high = hex_digit(at[1])) >= 0 &&
		    (low = hex_digit(at[2])) >= 0 && (high || low)) {
			text_putc(out, (char)(high * 16 + low));
			at += 3;
		} else if (end - at >= 2 && !memcmp(at, middle_dot, 2)) {
			at += 2;
			while (at < end && *at >= '0' && *at <= '9')
				at++;
		} else {
			text_putc(out, *at++);
		}
	}
}

// True if the word that ends at end is the name of a struct field, which its type follows.
static bool is_field_name(const char *end)
{
	return end[0] == ' ' && end[1] && !strchr("}\"`", end[1]);
}

// The position after the last c in [from, end); from if there is none.
static const char *last_byte(const char *from, const char *end, char c)
{
	const char *found = memrchr(from, c, (size_t)(end - from));
	return found ? found + 1 : from;
}

static const char *no_package(void *context, const char *path, size_t len)
{
	(void)context;
	(void)path;
	(void)len;
	return NULL;
}

void gotype_short_name(const char *full_name, struct text *out)
{
	gotype_print_name(full_name, no_package, NULL, out);
}

void gotype_print_name(const char *full_name,
		       const char *(*package)(void *context, const char *path, size_t len),
		       void *context, struct text *out)
{
	const char *at = full_name;
	bool in_struct = false, at_field = false;
	while (*at) {
		if (*at == '"' || *at == '`') {
			const char *end = skip_quoted(at);
			text_append(out, at, (size_t)(end - at));
			at = end;
			continue;
		}
		if (!is_word((unsigned char)*at)) {
			if (*at == '{' || *at == '}')
				at_field = *at == '{' && in_struct;
			else if (*at == ';')
				at_field = true;
			else if (*at != ' ')
				at_field = false;
			text_putc(out, *at++);
			continue;
		}
		while (*at == '.') // the dots of a variadic parameter
			text_putc(out, *at++);
		const char *end = at;
		while (*end && is_word((unsigned char)*end))
			end++;
		const char *from = last_byte(at, end, '/');
		if (at_field && is_field_name(end))
			from = last_byte(from, end, '.');
		size_t len = (size_t)(end - at);
		in_struct = len == 6 && !memcmp(at, "struct", 6);
		at_field = false;
		bool is_map = len == 3 && !memcmp(at, "map", 3);
		const char *dot = memchr(from, '.', (size_t)(end - from));
		const char *name = dot ? package(context, at, (size_t)(dot - at)) : NULL;
		if (name)
			text_puts(out, name);
		put_word(name ? dot : from, end, out);
		at = end;
		if (*end == '[' && !is_map) { // the arguments of a generic instance are not changed
			at = skip_brackets(end);
			text_append(out, end, (size_t)(at - end));
		}
	}
}

void gotype_complete(struct gotype *type)
{
	if (type->is_complete)
		return;
	type->is_complete = true;
	if (type->store)
		type->store->ops->complete(type->store, type);
}

const struct gofield *gotype_field(struct gotype *type, const char *name)
{
	gotype_complete(type);
	for (size_t i = 0; i < type->num_fields; i++)
		if (!strcmp(type->fields[i].name, name))
			return &type->fields[i];
	return NULL;
}

void gotype_break(struct gotype *type, const char *why)
{
	type->kind = GO_INVALID;
	type->elem = NULL;
	type->key = NULL;
	type->len = 0;
	type->fields = NULL;
	type->num_fields = 0;
	type->tags = NULL;
	type->broken = why;
	type->is_complete = true;
}

struct gotypes_chunk {
	struct gotypes_chunk *next;
	size_t used, capacity;
	alignas(max_align_t) unsigned char data[];
};

void gotypes_init(struct gotypes *store, const struct gotypes_ops *ops)
{
	store->ops = ops;
	store->chunks = NULL;
	store->bytes = 0;
}

void gotypes_deinit(struct gotypes *store)
{
	while (store->chunks) {
		struct gotypes_chunk *chunk = store->chunks;
		store->chunks = chunk->next;
		free(chunk);
	}
	store->bytes = 0;
}

static void *alloc_aligned(struct gotypes *store, size_t size, size_t align)
{
	enum { CHUNK_BYTES = 16384, MAX_STORE_BYTES = 256 << 20 };
	if (size > MAX_STORE_BYTES)
		return NULL;
	struct gotypes_chunk *chunk = store->chunks;
	size_t at = chunk ? (chunk->used + align - 1) & ~(align - 1) : 0;
	if (!chunk || at > chunk->capacity || size > chunk->capacity - at) {
		size_t capacity = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		if (capacity > MAX_STORE_BYTES - store->bytes)
			return NULL;
		chunk = calloc(1, sizeof(*chunk) + capacity);
		if (!chunk)
			return NULL;
		store->bytes += capacity;
		chunk->capacity = capacity;
		chunk->next = store->chunks;
		store->chunks = chunk;
		at = 0;
	}
	chunk->used = at + size;
	return chunk->data + at;
}

void *gotypes_alloc(struct gotypes *store, size_t size)
{
	return alloc_aligned(store, size, alignof(max_align_t));
}

char *gotypes_string(struct gotypes *store, const char *string, size_t len)
{
	char *copy = alloc_aligned(store, len + 1, 1);
	if (copy && len)
		memcpy(copy, string, len);
	return copy;
}

struct gotype *gotypes_new(struct gotypes *store)
{
	struct gotype *type = gotypes_alloc(store, sizeof(*type));
	if (!type)
		return NULL;
	type->name = type->full_name = "";
	type->store = store;
	return type;
}
