// SPDX-License-Identifier: GPL-2.0-or-later
// Machine code as assembly text, by capstone (Intel's order of operands).
#ifndef GOTRACE_ARCH_SPELL_H
#define GOTRACE_ARCH_SPELL_H

#include "base/error.h"
#include "base/text.h"

struct speller;

struct spelled {
	uint8_t size; // bytes
	// It has an address: the target of a jump or call, or memory relative to RIP.
	bool has_target;
	bool is_branch; // the address is the target of a jump or call
	uint64_t target;
};

struct error *speller_create(struct speller **out) MUST_CHECK;
void speller_destroy(struct speller *speller);

/** Appends the text of the instruction at code to out. If there is no valid instruction, one byte
 *  is shown as ".byte 0x..". len is not 0. */
void speller_next(struct speller *speller, const uint8_t *code, size_t len, uint64_t vaddr,
		  struct spelled *spelled, struct text *out);

#endif
