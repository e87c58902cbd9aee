// SPDX-License-Identifier: GPL-2.0-or-later
// Machine code as people read it, by capstone (Intel's order of operands).
#ifndef GOTRACE_ARCH_SPELL_H
#define GOTRACE_ARCH_SPELL_H

#include "base/error.h"
#include "base/text.h"

struct speller;

struct spelled {
	uint8_t size;	 // bytes
	bool has_target; // it refers to an address: a jump's or call's, or memory relative to RIP
	bool is_branch;	 // and goes there
	uint64_t target;
};

struct error *speller_create(struct speller **out) MUST_CHECK;
void speller_destroy(struct speller *speller);

/** Appends one instruction's words to out. What is none is one byte, spelled ".byte 0x..". len is not 0. */
void speller_next(struct speller *speller, const uint8_t *code, size_t len, uint64_t vaddr,
		  struct spelled *spelled, struct text *out);

#endif
