// SPDX-License-Identifier: GPL-2.0-or-later
// Writes DWARF 4 and 5 for tests, as Go's linker does: DIE after DIE, each with an abbreviation
// of its own. What it writes is sound but for what a test asks for; offsets are those of
// .debug_info.
#ifndef GOTRACE_TESTS_DWARF_WRITER_H
#define GOTRACE_TESTS_DWARF_WRITER_H

#include <stdint.h>

#include "base/text.h"
#include "tests/unit/elf_writer.h"

struct dwarf_writer {
	int version;	   // 4 or 5
	unsigned language; // of the units that are begun: DW_LANG_Go
	struct text info, abbrev, lists;
	unsigned num_abbrevs;
	bool is_open; // a DIE whose attributes are being written
	size_t unit;  // offset of the unit being written
};

void dwarf_init(struct dwarf_writer *dwarf, int version);
void dwarf_deinit(struct dwarf_writer *dwarf);

/** A unit's header and root DIE, whose children come next. */
void dwarf_begin_unit(struct dwarf_writer *dwarf, const char *name, uint64_t low_pc,
		      uint64_t high_pc);
/** The same with the list at ranges_off of .debug_ranges or .debug_rnglists, which the test
 *  adds itself; addresses of .debug_addr count from its byte 8. */
void dwarf_begin_ranged_unit(struct dwarf_writer *dwarf, const char *name, uint64_t low_pc,
			     uint32_t ranges_off);
void dwarf_end_unit(struct dwarf_writer *dwarf);

/** A DIE; its attributes come next, then its children if it has any. Returns its offset. */
uint64_t dwarf_die(struct dwarf_writer *dwarf, unsigned tag, bool has_children);
void dwarf_end_children(struct dwarf_writer *dwarf);

void dwarf_string(struct dwarf_writer *dwarf, unsigned attr, const char *value);
void dwarf_number(struct dwarf_writer *dwarf, unsigned attr, uint64_t value);
void dwarf_addr(struct dwarf_writer *dwarf, unsigned attr, uint64_t value);
void dwarf_flag(struct dwarf_writer *dwarf, unsigned attr, bool value);
/** Returns where the reference stands, for dwarf_patch. */
size_t dwarf_ref(struct dwarf_writer *dwarf, unsigned attr, uint64_t off);
void dwarf_patch(struct dwarf_writer *dwarf, size_t place, uint64_t off);
/** An expression that holds everywhere. */
void dwarf_expression(struct dwarf_writer *dwarf, unsigned attr, const void *bytes, size_t len);
/** A location list with this expression from low to high. */
void dwarf_list(struct dwarf_writer *dwarf, unsigned attr, uint64_t low, uint64_t high,
		const void *bytes, size_t len);

/** Base types, structs and so on with Go's attributes. go_kind 0: none. */
uint64_t dwarf_base(struct dwarf_writer *dwarf, const char *name, unsigned encoding, uint64_t size,
		    unsigned go_kind);
uint64_t dwarf_pointer(struct dwarf_writer *dwarf, const char *name, uint64_t to);
uint64_t dwarf_typedef(struct dwarf_writer *dwarf, const char *name, uint64_t to);
/** A struct whose members come next, then dwarf_end_children. */
uint64_t dwarf_struct(struct dwarf_writer *dwarf, const char *name, uint64_t size,
		      unsigned go_kind);
/** Returns where the reference to its type stands. */
size_t dwarf_member(struct dwarf_writer *dwarf, const char *name, uint64_t type, uint64_t off);
uint64_t dwarf_array(struct dwarf_writer *dwarf, const char *name, uint64_t elem, uint64_t len,
		     uint64_t size);
/** A subprogram whose parameters come next, then dwarf_end_children. */
uint64_t dwarf_subprogram(struct dwarf_writer *dwarf, const char *name, uint64_t low_pc,
			  uint64_t size);
uint64_t dwarf_param(struct dwarf_writer *dwarf, const char *name, uint64_t type, bool is_result);

/** Adds the sections to an executable; the writer must stay until elf_finish. */
void dwarf_add(const struct dwarf_writer *dwarf, struct elf_writer *elf);

#endif
