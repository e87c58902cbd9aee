// SPDX-License-Identifier: GPL-2.0-or-later
// Private to debuginfo: Go types from DWARF's type DIEs. A type is identified by the offset of its
// DIE. A typedef and the type that it names have the same origin. A type is a stub until
// gotype_complete fills it in.
#ifndef GOTRACE_DWARF_DEBUG_DEBUGTYPE_H
#define GOTRACE_DWARF_DEBUG_DEBUGTYPE_H

#include "dwarf/debug/die.h"
#include "dwarf/go/gotype.h"

struct debugtype;

// A package whose name is not the last element of its path.
struct package {
	const char *path, *name;
};

struct debugtypes {
	struct gotypes store; // first: the store's callback casts it to this struct
	struct dies *dies;
	uint64_t runtime_types; // vaddr of moduledata.types, 0 if not known
	struct debugtype *by_offset;
	struct package *packages;
	size_t num_packages;
	unsigned nesting;     // of gotype_complete calls under way
	struct gotype broken; // returned in place of any type if there is no memory
};

void debugtypes_init(struct debugtypes *types, struct dies *dies, uint64_t runtime_types);
void debugtypes_deinit(struct debugtypes *types);

/** Makes types of the package at path print with this package name. path and name are borrowed. */
void debugtypes_package(struct debugtypes *types, const char *path, const char *name);

/** Returns the type at an offset of .debug_info, as a stub. Never NULL: the kind is GO_INVALID
 *  if the DIE is not a Go type. */
struct gotype *debugtype_at(struct debugtypes *types, uint64_t off);
/** Returns the type that a DIE's reference attribute refers to; GO_INVALID without the
 *  attribute. */
struct gotype *debugtype_ref(struct debugtypes *types, Dwarf_Die die, Dwarf_Half attr);

/** Fills in a map's layout from header, the struct that the map's DIE leads to. For
 *  debugtype.c; defined in debugmap.c. */
void debugmap_complete(struct gotype *map, struct gotype *header);

#endif
