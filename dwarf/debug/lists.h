// SPDX-License-Identifier: GPL-2.0-or-later
// Private to debuginfo: DWARF's lists of locations and ranges (DWARF 5, sections 2.6.2 and
// 2.17.3). They are in .debug_loc and .debug_ranges in DWARF 4, in .debug_loclists and
// .debug_rnglists in DWARF 5. libdwarf is not used for lists: it decodes a whole list for each
// entry, and some releases free memory twice if a list is damaged. A section is read when it is
// first needed. Damage ends a list.
#ifndef GOTRACE_DWARF_DEBUG_LISTS_H
#define GOTRACE_DWARF_DEBUG_LISTS_H

#include "dwarf/image/image.h"

enum list_section { LIST_LOC, LIST_LOCLISTS, LIST_RANGES, LIST_RNGLISTS, LIST_ADDR, NUM_LISTS };

struct lists {
	struct image *image;
	bool is_read[NUM_LISTS];
	struct image_bytes sections[NUM_LISTS];
	// Read so far. Limited, because all DIEs of a hostile file may refer to one long list.
	size_t num_entries;
};

// What the lists of a unit depend on.
struct list_unit {
	int version;
	uint64_t base;	    // the unit's low pc
	uint64_t addr_base; // DW_AT_addr_base
};

void lists_init(struct lists *lists, struct image *image);

/** Finds the expression for pc in the location list at off of its section. False if there is
 *  none. */
bool lists_location(struct lists *lists, const struct list_unit *unit, uint64_t off, uint64_t pc,
		    struct image_bytes *expression);

/** Calls visit for each range of the list at off of its section. */
void lists_ranges(struct lists *lists, const struct list_unit *unit, uint64_t off,
		  void (*visit)(void *context, uint64_t low, uint64_t high), void *context);

// Where an expression places a variable.
struct list_place {
	bool is_there;
	bool has_pieces;
	// DWARF's register numbers, one bit each; LIST_OTHER_REGISTER for all higher numbers.
	uint64_t regs;
	bool is_on_stack;
	int64_t cfa_off; // from the CFA, of the first part on the stack
};
enum { LIST_OTHER_REGISTER = 32 };

/** Evaluates an expression of registers, stack slots and pieces. If it contains anything else,
 *  is_there is false. The frame base is taken to be the CFA, as in all Go code. */
void list_place(const struct image_bytes *expression, struct list_place *out);

#endif
