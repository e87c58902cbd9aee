// SPDX-License-Identifier: GPL-2.0-or-later
// Finds the run-time descriptor that x.(T) is compared with, by the type's name.
#include <stdlib.h>
#include <string.h>

#include "dwarf/go/rtype.h"
#include "tracer/plan/expr/internal.h"

enum { POINTERS_MAX = 8 };

struct type_search {
	const char *wanted;
	char *found, *other; // full names
};

static bool visit_type(void *context, const char *name)
{
	struct type_search *search = context;
	struct text shown;
	text_init(&shown);
	gotype_short_name(name, &shown);
	if (!strcmp(name, search->wanted) || !strcmp(text_string(&shown), search->wanted)) {
		if (!search->found)
			search->found = strdup(name);
		else if (strcmp(name, search->found))
			search->other = strdup(name);
	}
	text_deinit(&shown);
	return !search->other;
}

// Finds a type by its name as Go prints it, or with its package's whole path; NULL if there is
// none. Old releases have no DWARF for types that only values in interfaces have, so descriptors
// are searched, too.
static struct gotype *find_type(struct expr_parser *parser, const char *name, uint32_t column)
{
	struct index *index = parser->scope->index;
	struct gotype *found[2] = {index_type(index, name)};
	if (found[0] && found[0]->rtype)
		return found[0];
	struct type_search search = {.wanted = name};
	index_types(index, visit_type, &search);
	size_t num_rtypes;
	struct gotype *const *rtypes = rtypes_all(index_rtypes(index), &num_rtypes);
	for (size_t i = 0; i < num_rtypes && !search.other; i++)
		visit_type(&search, rtypes[i]->full_name);
	if (search.other)
		expr_wrong(parser, column, "more than one type is called '%s': '%s' and '%s'", name,
			   search.found, search.other);
	size_t num = index_types_named(index, search.found ? search.found : name, found, 2);
	if (num > 1)
		expr_wrong(parser, column, "%zu types are called '%s'", num, name);
	free(search.found);
	free(search.other);
	return num ? found[0] : NULL;
}

// Returns the type if the data word of an interface is certain to point to a value of it, else
// NULL. The data word is the value itself if the value is pointer-shaped. Releases differ for
// structs that have a pointer and fields of size 0.
static struct gotype *held_value(struct gotype *type)
{
	if (!type)
		return NULL;
	gotype_complete(type);
	bool is_certain = type->size != 8 || (type->kind == GO_STRUCT && type->num_fields == 1);
	return is_certain && !type->is_direct ? type : NULL;
}

uint64_t expr_find_rtype(struct expr_parser *parser, const char *name, uint32_t column,
			 struct gotype **held)
{
	*held = NULL;
	// Look for the pointer's element type first: of two types with the same name, the program
	// may have pointers to only one.
	const char *elem = name;
	unsigned pointers = 0;
	for (; *elem == '*' && pointers < POINTERS_MAX; elem++)
		pointers++;
	struct gotype *type = find_type(parser, elem, column);
	if (type && type->kind == GO_INTERFACE && !pointers)
		expr_wrong(parser, column,
			   "'%s' is an interface; what a value in one is can be tested", name);
	if (expr_is_wrong(parser))
		return 0;
	uint64_t found = type ? type->rtype : 0;
	*held = pointers == 1 ? type : !pointers ? held_value(type) : NULL;
	for (; found && pointers; pointers--)
		found = rtypes_pointer(index_rtypes(parser->scope->index), found);
	if (found || elem == name)
		return found;
	type = find_type(parser, name, column);
	*held = type && type->kind == GO_POINTER ? type->elem : NULL;
	return type && !expr_is_wrong(parser) ? type->rtype : 0;
}
