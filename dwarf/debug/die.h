// SPDX-License-Identifier: GPL-2.0-or-later
// Private to debuginfo and debugtype: calls that read one DIE or one attribute, the same for both
// generations of libdwarf (20210528 and 0.x). libdwarf gets its sections from an image, which
// decompresses them and checks their bounds. The caller frees each DIE. Strings are borrowed until
// dies_close.
#ifndef GOTRACE_DWARF_DEBUG_DIE_H
#define GOTRACE_DWARF_DEBUG_DIE_H

#include <libdwarf/dwarf.h>
#include <libdwarf/libdwarf.h>

#include "dwarf/image/image.h"
#include "dwarf/debug/lists.h"

// Go's own attributes (src/cmd/internal/dwarf/dwarf.go)
enum {
	GO_AT_KIND = 0x2900,
	GO_AT_KEY = 0x2901,
	GO_AT_ELEM = 0x2902,
	GO_AT_EMBEDDED_FIELD = 0x2903,
	GO_AT_RUNTIME_TYPE = 0x2904,
	GO_AT_PACKAGE_NAME = 0x2905,
	GO_AT_DICT_INDEX = 0x2906,
};

struct dies; // an open .debug_info

/** Opens the DWARF of image, which must outlive *out. *out is NULL if image has no DWARF. */
struct error *dies_open(struct image *image, struct dies **out) MUST_CHECK;
void dies_close(struct dies *dies);

/** Reads the root DIE of the next unit, starting with the first. *out is NULL after the last
 *  unit. After an error, the walk cannot continue. */
struct error *dies_next_unit(struct dies *dies, Dwarf_Die *out) MUST_CHECK;

/** Returns the DIE at an offset of .debug_info, NULL if it cannot be read. */
Dwarf_Die die_at(struct dies *dies, uint64_t off);
void die_free(Dwarf_Die die);
#define CLEANUP_DIE CLEANUP(die_cleanup)
static inline void die_cleanup(Dwarf_Die *die)
{
	if (*die)
		die_free(*die);
}

/** Reads the first child. *out is NULL if the DIE has no children. */
struct error *die_child(struct dies *dies, Dwarf_Die die, Dwarf_Die *out) MUST_CHECK;
/** Frees *die and replaces it with its next sibling: NULL after the last one, and on an error. */
struct error *die_next(struct dies *dies, Dwarf_Die *die) MUST_CHECK;

uint64_t die_offset(struct dies *dies, Dwarf_Die die);
Dwarf_Half die_tag(struct dies *dies, Dwarf_Die die);
/** Returns DW_AT_name, NULL if there is none. */
const char *die_name(struct dies *dies, Dwarf_Die die);
/** Returns a string attribute, NULL if there is none. */
const char *die_string(struct dies *dies, Dwarf_Die die, Dwarf_Half attr);
/** Reads a constant, flag, address or section offset. False if there is none. */
bool die_u64(struct dies *dies, Dwarf_Die die, Dwarf_Half attr, uint64_t *out);
/** Reads a reference attribute as an offset of .debug_info. False if there is none. */
bool die_ref(struct dies *dies, Dwarf_Die die, Dwarf_Half attr, uint64_t *out);
bool die_low_pc(struct dies *dies, Dwarf_Die die, uint64_t *out);
/** Reads the end of the code that begins at low_pc. False if there is none. */
bool die_high_pc(struct dies *dies, Dwarf_Die die, uint64_t low_pc, uint64_t *out);

/** Reads the attributes of a unit's root DIE that its lists depend on. */
void die_unit(struct dies *dies, Dwarf_Die root, struct list_unit *out);

/** Calls visit for each address range of a unit's root DIE: DW_AT_ranges, or low and high pc if
 *  it has no DW_AT_ranges. */
void die_ranges(struct dies *dies, Dwarf_Die root, const struct list_unit *unit,
		void (*visit)(void *context, uint64_t low, uint64_t high), void *context);

/** Reads DW_AT_location as it applies at pc. *is_everywhere is true if it is one expression for
 *  all addresses. */
void die_location(struct dies *dies, Dwarf_Die die, const struct list_unit *unit, uint64_t pc,
		  struct list_place *out, bool *is_everywhere);

#endif
