// SPDX-License-Identifier: GPL-2.0-or-later
// Compilation units, subprograms, parameters and types from DWARF, by way of libdwarf, which
// nothing outside dwarf/debug/ calls. A unit is read when one of its functions or types is first
// looked up. Works with libdwarf 20210528 and 0.x, and with DWARF 4 and 5.
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
	// The registers that the parameter's location list names at entry, one bit each in Go's
	// order. Bit 31 of entry_regs is set for any register that never holds arguments.
	uint32_t entry_regs, entry_float_regs;
	bool has_entry_location;
	// The location covers all bytes of the parameter, not only the bytes that are in use.
	bool is_whole;
	bool is_on_stack; // location at entry is in memory, relative to the CFA
	// If is_on_stack: offset from the CFA of the first byte that the location covers.
	int64_t cfa_off;
};

// A subprogram with code. Its parameters are without duplicates and in the signature's order.
struct debug_func {
	uint64_t low_pc, high_pc;
	const char *name;
	bool is_variadic;
	struct debug_param *params;
	size_t num_params;
};

/** Opens the DWARF of image, which must outlive *out. *out is NULL if image has no DWARF of Go
 *  code: a cgo program that is linked with -w has only the DWARF of its C files. types is the
 *  vaddr of runtime.types (moduledata.types), the base of the types' run-time descriptors. */
struct error *debuginfo_open(struct image *image, uint64_t types,
			     struct debuginfo **out) MUST_CHECK;
void debuginfo_close(struct debuginfo *info);

/** Finds the subprogram whose code starts at vaddr. *out is borrowed until debuginfo_close, and
 *  NULL if DWARF does not have the subprogram. Damage in a unit or subprogram is reported as an
 *  error once, with its place. A later call for the same vaddr yields NULL. */
struct error *debuginfo_func(struct debuginfo *info, uint64_t vaddr,
			     const struct debug_func **out) MUST_CHECK;

/** Returns a type by its DWARF name ("runtime.g"), NULL if not found. Made for the runtime's
 *  own structs. unit is the name of the compilation unit to search first ("runtime"). */
struct gotype *debuginfo_type(struct debuginfo *info, const char *unit, const char *name);

/** Returns the name ("main.Active") of the only constant in a package that has this type and value
 *  (bits, sign-extended). NULL if there is none or more than one. type must live as long as info.
 *  The first call for a type reads the package's unit. */
const char *debuginfo_constant(struct debuginfo *info, const char *package,
			       const struct gotype *type, uint64_t bits);

typedef bool type_visitor(void *context, const char *name);

/** Calls visit with the name of every type, unit after unit, until visit returns false. This
 *  reads all units. A name may occur more than once. */
void debuginfo_types(struct debuginfo *info, type_visitor *visit, void *context);
/** Like debuginfo_types, but only for the types in the runtime's unit, where Go's linker writes
 *  all Go types (src/cmd/link/internal/ld/dwarf.go). Visits all units if the runtime's unit has
 *  no types. */
void debuginfo_go_types(struct debuginfo *info, type_visitor *visit, void *context);

#endif
