// SPDX-License-Identifier: GPL-2.0-or-later
// DWARF (only here: libdwarf): compilation units, subprograms, parameters, types, lazily: a unit is
// read when a function in it is asked for. Works with libdwarf 20210528 and 0.x, DWARF 4 and 5.
#ifndef GOTRACE_DWARF_DEBUG_DEBUGINFO_H
#define GOTRACE_DWARF_DEBUG_DEBUGINFO_H

#include "dwarf/go/abi.h"
#include "dwarf/go/buildinfo.h"
#include "dwarf/image/image.h"

struct debuginfo;

struct debug_param {
	const char *name; // "" if none
	struct gotype *type;
	bool is_result;
	// The registers that its location list names at entry, a bit each in Go's order. Bit 15 stands
	// for registers that never hold arguments.
	uint16_t entry_regs, entry_float_regs;
	bool has_entry_location;
	bool is_whole;	  // it tells of all bytes, not of those in use alone
	bool is_on_stack; // its location at entry is in memory (CFA based)
	int64_t cfa_off;  // that place, when is_on_stack, of the first byte that it tells of
};

struct debug_func { // a subprogram with code, params deduplicated and in signature order
	uint64_t low_pc, high_pc;
	const char *name;
	bool is_variadic;
	struct debug_param *params;
	size_t num_params;
};

/** Opens the DWARF of image. *out NULL when there is none of Go (a cgo program that was linked with -w has that of its C
 *  files). types: vaddr of runtime.types
 *  (moduledata.types), to know each type's run-time descriptor. image must outlive it. */
struct error *debuginfo_open(struct image *image, uint64_t types,
			     struct debuginfo **out) MUST_CHECK;
void debuginfo_close(struct debuginfo *info);

/** The subprogram whose code starts at vaddr. *out is borrowed until debuginfo_close, NULL if DWARF
 *  does not know it. A damaged unit is an error once, naming its place; later asks give NULL. */
struct error *debuginfo_func(struct debuginfo *info, uint64_t vaddr,
			     const struct debug_func **out) MUST_CHECK;

/** A type by its DWARF name ("runtime.g"), for the runtime's own structs. NULL if not found.
 *  unit is the compilation unit's name to look into first ("runtime"). */
struct gotype *debuginfo_type(struct debuginfo *info, const char *unit, const char *name);

typedef bool type_visitor(void *context, const char *name);

/** Calls visit with the name of every type, unit after unit (which reads them all), until it returns false. A name
 *  may come more than once. */
void debuginfo_types(struct debuginfo *info, type_visitor *visit, void *context);
/** The same for those in the runtime's unit alone, where Go's linker writes all Go types (src/cmd/link/internal/ld/dwarf.go);
 *  in all units where it has none. */
void debuginfo_go_types(struct debuginfo *info, type_visitor *visit, void *context);

#endif
