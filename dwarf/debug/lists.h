// SPDX-License-Identifier: GPL-2.0-or-later
// Private to debuginfo: DWARF's lists of locations and ranges (.debug_loc and .debug_ranges of
// DWARF 4, .debug_loclists and .debug_rnglists of 5; DWARF 5, sections 2.6.2 and 2.17.3).
// libdwarf is not asked for them: it decodes a list whole for each entry wanted, and some
// releases free memory twice on damaged ones. Sections are read when first asked for; damage ends
// a list.
#ifndef GOTRACE_DWARF_DEBUG_LISTS_H
#define GOTRACE_DWARF_DEBUG_LISTS_H

#include "dwarf/image/image.h"

enum list_section { LIST_LOC, LIST_LOCLISTS, LIST_RANGES, LIST_RNGLISTS, LIST_ADDR, NUM_LISTS };

struct lists {
	struct image *image;
	bool is_read[NUM_LISTS];
	struct image_bytes sections[NUM_LISTS];
	size_t num_entries; // read so far: a hostile file may lead all its DIEs to one long list
};

struct list_unit { // what lists mean depends on the unit
	int version;
	uint64_t base;	    // its low pc
	uint64_t addr_base; // DW_AT_addr_base
};

void lists_init(struct lists *lists, struct image *image);

/** The expression that the location list at off of its section has for pc; false where it has
 *  none. */
bool lists_location(struct lists *lists, const struct list_unit *unit, uint64_t off, uint64_t pc,
		    struct image_bytes *expression);

/** Calls visit for each range of the list at off of its section. */
void lists_ranges(struct lists *lists, const struct list_unit *unit, uint64_t off,
		  void (*visit)(void *context, uint64_t low, uint64_t high), void *context);

struct list_place { // what an expression says of a variable's place
	bool is_there;
	bool has_pieces;
	uint64_t regs; // DWARF's register numbers, a bit each; LIST_OTHER_REGISTER for all above
	bool is_on_stack;
	int64_t cfa_off; // of the first part that is somewhere
};
enum { LIST_OTHER_REGISTER = 32 };

/** Reads an expression of registers, stack slots and pieces; one of anything else is nowhere. A
 *  frame base is taken for the CFA, as in all of Go's code. */
void list_place(const struct image_bytes *expression, struct list_place *out);

#endif
