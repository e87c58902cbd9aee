// SPDX-License-Identifier: GPL-2.0-or-later
// Private to debuginfo: Go types from DWARF's type DIEs. A type is known by its DIE's offset;
// typedefs and what they name are one type. Stubs are made when something refers to a type, and
// filled in by gotype_complete.
#ifndef GOTRACE_DWARF_DEBUG_DEBUGTYPE_H
#define GOTRACE_DWARF_DEBUG_DEBUGTYPE_H

#include "dwarf/debug/die.h"
#include "dwarf/go/gotype.h"

struct debugtype;

struct package { // whose name is not the last part of its path
	const char *path, *name;
};

struct debugtypes {
	struct gotypes store; // first: gotype_complete finds the rest behind it
	struct dies *dies;
	uint64_t runtime_types; // vaddr of moduledata.types, 0 if not known
	struct debugtype *by_offset;
	struct package *packages;
	size_t num_packages;
	unsigned nesting;     // of completions under way
	struct gotype broken; // stands for any type when there is no memory
};

void debugtypes_init(struct debugtypes *types, struct dies *dies, uint64_t runtime_types);
void debugtypes_deinit(struct debugtypes *types);

/** Says that types of the package at path are printed with this name. Both are borrowed. */
void debugtypes_package(struct debugtypes *types, const char *path, const char *name);

/** The type at an offset of .debug_info, a stub. Never NULL: what is no Go type is GO_INVALID. */
struct gotype *debugtype_at(struct debugtypes *types, uint64_t off);
/** The type that a DIE's reference attribute leads to; GO_INVALID without it. */
struct gotype *debugtype_ref(struct debugtypes *types, Dwarf_Die die, Dwarf_Half attr);

/** Fills in a map's layout from the structs that its DIE leads to. Private to debugtype and
 *  debugmap. */
void debugmap_complete(struct gotype *map, struct gotype *header);

#endif
