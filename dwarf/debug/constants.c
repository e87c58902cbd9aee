// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/debug/constants.h"

#include <stdlib.h>

#include "base/bsearch.h"
#include "base/cleanup.h"
#include "base/vec.h"

enum { MAX_CONSTANTS = 1 << 16 }; // of one type

// Types with equal names are not the same: functions have types of their own. The type may come
// from its run-time descriptor.
static bool is_same_type(const struct gotype *a, const struct gotype *b)
{
	return a == b || (a->rtype && a->rtype == b->rtype) ||
	       (a->store == b->store && a->origin == b->origin);
}

static struct error *add(struct constants *constants, struct dies *dies, struct debugtypes *types,
			 Dwarf_Die die)
{
	struct constant constant = {0};
	if (die_tag(dies, die) != DW_TAG_constant ||
	    !die_u64(dies, die, DW_AT_const_value, &constant.bits) ||
	    !(constant.name = die_name(dies, die)) ||
	    !is_same_type(debugtype_ref(types, die, DW_AT_type), constants->type))
		return NULL;
	if (constants->num == MAX_CONSTANTS)
		return error_new("%s has too many constants", constants->type->name);
	if (!vec_room(constants->list, constants->num, constants->capacity))
		return error_nomem();
	constants->list[constants->num++] = constant;
	return NULL;
}

struct error *constants_add(struct constants *constants, struct dies *dies,
			    struct debugtypes *types, Dwarf_Die root)
{
	Dwarf_Die child CLEANUP_DIE = NULL;
	struct error *err = die_child(dies, root, &child);
	while (!err && child) {
		err = add(constants, dies, types, child);
		if (!err)
			err = die_next(dies, &child);
	}
	return err;
}

static int compare_bits(const void *a, const void *b)
{
	uint64_t left = ((const struct constant *)a)->bits;
	uint64_t right = ((const struct constant *)b)->bits;
	return (left > right) - (left < right);
}

void constants_sort(struct constants *constants)
{
	if (constants->num)
		qsort(constants->list, constants->num, sizeof(*constants->list), compare_bits);
}

const char *constants_name(const struct constants *constants, uint64_t bits)
{
	const struct constant *list = constants->list;
	size_t i = bsearch_first(constants->num, middle, list[middle].bits < bits);
	if (i == constants->num || list[i].bits != bits)
		return NULL;
	return i + 1 < constants->num && list[i + 1].bits == bits ? NULL : list[i].name;
}
