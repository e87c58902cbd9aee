// SPDX-License-Identifier: GPL-2.0-or-later
// Private to debuginfo: the constants of a package that are of one named type, from the
// DW_TAG_constant DIEs that Go's compiler writes for constants outside functions.
#ifndef GOTRACE_DWARF_DEBUG_CONSTANTS_H
#define GOTRACE_DWARF_DEBUG_CONSTANTS_H

#include <uthash.h>

#include "dwarf/debug/debugtype.h"

struct constant {
	uint64_t bits;	  // sign-extended
	const char *name; // "main.Active"; borrowed from the DWARF
};

struct constants { // of one type
	const struct gotype *type;
	struct constant *list; // owned
	size_t num, capacity;
	UT_hash_handle hh; // by type
};

/** Adds the constants of constants->type that are children of a unit's root DIE. */
struct error *constants_add(struct constants *constants, struct dies *dies,
			    struct debugtypes *types, Dwarf_Die root) MUST_CHECK;
/** Call after the last constants_add, before constants_name. */
void constants_sort(struct constants *constants);
/** Returns the name of the constant with this value; NULL if there is none or more than one. */
const char *constants_name(const struct constants *constants, uint64_t bits);

#endif
