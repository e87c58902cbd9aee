// SPDX-License-Identifier: GPL-2.0-or-later
// The names of types in text, without the packages that are clear from what is around them.
#include "tracer/event/value/internal.h"

struct package { // "net/http"; len 0: none
	const char *path;
	size_t len;
};

// The package of a linker's name, such as "net/http.(*Server).Serve" or
// "main.Pair[net/url.URL,int]".
static struct package package_of(const char *name)
{
	size_t len = strcspn(name, "[({ *");
	const char *dot = NULL;
	for (size_t i = len; i-- > 0 && name[i] != '/';)
		if (name[i] == '.')
			dot = name + i;
	return (struct package){name, dot ? (size_t)(dot - name) : 0};
}

static bool is_same(struct package a, struct package b)
{
	return a.len && a.len == b.len && !memcmp(a.path, b.path, a.len);
}

// True if the type has no name but that of its elements: []T, [4]T, *T, map[K]T.
static bool is_made(const struct gotype *type)
{
	return type->name[0] == '[' || type->name[0] == '*' || !strncmp(type->name, "map[", 4);
}

// The package of the names that stand inside a literal of this type.
static struct package package_inside(const struct gotype *type)
{
	for (int i = 0; i < WALK_NEST_MAX && is_made(type) && type->elem; i++)
		type = type->elem;
	return package_of(type->full_name);
}

static struct package package_around(const struct walk *walk, const struct gotype *type)
{
	uint32_t i = walk->num_open;
	while (i && walk->open[i - 1].type == type) // the value itself, and the header of a map
		i--;
	while (i-- > 0) {
		const struct gotype *open = walk->open[i].type;
		bool is_literal = open->kind == GO_STRUCT || open->kind == GO_ARRAY ||
				  open->kind == GO_SLICE || open->kind == GO_MAP;
		struct package package = package_inside(open);
		if (is_literal && package.len)
			return package;
	}
	const char *func = walk->printer->func;
	return func ? package_of(func) : (struct package){0};
}

// True if a name without its package would look like a type of the language.
static bool is_predeclared(const char *name)
{
	for (int kind = GO_BOOL; kind < GO_NUM_KINDS; kind++)
		if (!strcmp(name, gokind_name(kind)))
			return true;
	return !strcmp(name, "error") || !strcmp(name, "any") || !strcmp(name, "byte") ||
	       !strcmp(name, "rune");
}

static void put_named(const struct gotype *type, struct package around, struct text *out)
{
	const char *name = type->name, *dot = NULL;
	if (is_same(package_of(type->full_name), around))
		dot = strchr(name, '.');
	text_puts(out, dot && !is_predeclared(dot + 1) ? dot + 1 : name);
}

static void put_type(const struct gotype *type, struct package around, unsigned nesting,
		     struct text *out)
{
	const char *name = type->name;
	if (!is_made(type) || nesting >= WALK_NEST_MAX || !type->elem ||
	    (name[0] == 'm' && !type->key)) {
		put_named(type, around, out);
		return;
	}
	if (name[0] == 'm') {
		text_puts(out, "map[");
		put_type(type->key, around, nesting + 1, out);
		text_putc(out, ']');
	} else {
		text_append(out, name, name[0] == '*' ? 1 : strcspn(name, "]") + 1);
	}
	if (name[0] == '[' && !strcmp(type->elem->name, "uint8"))
		text_puts(out, "byte");
	else
		put_type(type->elem, around, nesting + 1, out);
}

bool walk_constant(struct walk *walk, const struct gotype *type, uint64_t bits, struct text *out)
{
	const char *constant = walk->printer->is_raw
				       ? NULL
				       : index_constant(walk->printer->loaded->index, type, bits);
	if (!constant)
		return false;
	struct package package = package_of(type->full_name);
	bool is_short =
		walk->style == &value_style_text && is_same(package, package_around(walk, type));
	if (!is_short)
		text_append(out, type->name, strcspn(type->name, ".") + 1);
	const char *dot = strrchr(constant, '.');
	text_puts(out, dot ? dot + 1 : constant);
	return true;
}

void walk_type(struct walk *walk, const struct gotype *type, struct text *out)
{
	put_type(type, package_around(walk, type), 0, out);
}
