// SPDX-License-Identifier: GPL-2.0-or-later
// Finds what an interface holds: its dynamic type, from the run-time descriptor, and the address of
// its value.
#include "tracer/event/value/internal.h"

enum { ITAB_TYPE = 8 }; // offset of the type's address in an itab, in all releases

// True if a pointer-shaped value points to something that has a size and would be captured.
static bool leads_on(struct gotype *type)
{
	if (type->kind == GO_UNSAFE_POINTER)
		return false;
	if (type->kind != GO_POINTER)
		return true;
	if (!type->elem)
		return false;
	gotype_complete(type->elem);
	return type->elem->kind != GO_INVALID && type->elem->size;
}

const char *walk_first_seen(const struct walk *walk)
{
	const bool *is_full = walk->printer->is_full;
	return is_full && *is_full ? "type not known: the table of types is full"
				   : "type first seen here";
}

static const char *unseen(struct walk *walk, uint64_t rtype)
{
	if (walk->printer->unseen)
		walk->printer->unseen(walk->printer->context, rtype);
	return memory_is_cut(walk->memory) ? memory_not_captured : walk_first_seen(walk);
}

// The data word is the value itself, so the value is in the interface.
static void place_direct(struct walk *walk, struct dynamic *dynamic, uint64_t rtype)
{
	struct gotype *type = dynamic->type;
	bool is_header = type->kind == GO_MAP || type->kind == GO_CHAN || type->kind == GO_FUNC;
	dynamic->cost = is_header && dynamic->word;
	if (walk->depth && dynamic->word && leads_on(type) &&
	    !memory_is_followed(walk->memory, dynamic->word) &&
	    !(type->kind == GO_POINTER && walk_is_open(walk, dynamic->word, type->elem)))
		dynamic->missing = unseen(walk, rtype);
}

// The data word points at the value.
static void place_indirect(struct walk *walk, struct dynamic *dynamic, uint64_t rtype)
{
	dynamic->addr = dynamic->word;
	if (!dynamic->type->size)
		return;
	dynamic->cost = 1;
	if (!walk_is_user(dynamic->word))
		dynamic->missing = memory_unreadable;
	else if ((dynamic->is_too_deep = !walk->depth))
		dynamic->missing = "not followed";
	else if (!memory_is_followed(walk->memory, dynamic->word))
		dynamic->missing = unseen(walk, rtype);
}

bool walk_interface(struct walk *walk, const struct gotype *type, uint64_t addr,
		    struct dynamic *out, const char **reason)
{
	uint64_t words[2];
	*out = (struct dynamic){.addr = addr};
	if (!walk_read(walk, addr, words, sizeof(words), reason) || !words[0])
		return false;
	uint64_t descriptor = words[0];
	if (!type->is_empty_interface) {
		out->addr = words[0] + ITAB_TYPE;
		*reason = memory_unreadable;
		if (!walk_is_user(words[0]) ||
		    !walk_read(walk, words[0] + ITAB_TYPE, &descriptor, sizeof(descriptor), reason))
			return false;
	}
	uint64_t rtype = loaded_vaddr(walk->printer->loaded, descriptor);
	*reason = "type is not known";
	out->type = walk->printer->loaded->index
			    ? index_rtype(walk->printer->loaded->index, rtype, reason)
			    : NULL;
	if (!out->type)
		return false;
	*reason = NULL;
	gotype_complete(out->type);
	if (memory_has_unseen(walk->memory) && walk->printer->unseen)
		walk->printer->unseen(walk->printer->context, rtype);
	out->word = words[1];
	out->addr = addr + sizeof(words[0]);
	if (out->type->kind == GO_INVALID)
		out->missing = out->type->broken ? out->type->broken : "type not known";
	else if (out->type->is_direct)
		place_direct(walk, out, rtype);
	else
		place_indirect(walk, out, rtype);
	return true;
}

void walk_dynamic(struct walk *walk, const struct dynamic *dynamic)
{
	if (value_redacts_type(walk->printer, dynamic->type)) {
		walk->style->unavailable(walk, value_redacted);
		return;
	}
	if ((!dynamic->missing || dynamic->is_too_deep) &&
	    walk_known(walk, dynamic->type, dynamic->addr))
		return;
	if (dynamic->missing) {
		walk_missing(walk, dynamic->word, dynamic->missing);
	} else if (dynamic->cost > walk->depth) {
		walk->style->address(walk, dynamic->type, dynamic->word);
	} else {
		walk->depth -= dynamic->cost;
		walk_value(walk, dynamic->type, dynamic->addr);
		walk->depth += dynamic->cost;
	}
}
