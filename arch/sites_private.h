// SPDX-License-Identifier: GPL-2.0-or-later
// What the searches for sites of all CPUs share (arch/sites.c).
#ifndef GOTRACE_ARCH_SITES_PRIVATE_H
#define GOTRACE_ARCH_SITES_PRIVATE_H

#include <capstone/capstone.h>

#include "arch/arch.h"
#include "arch/sites.h"

struct sites_finder {
	const struct arch *arch;
	csh capstone;
	cs_insn *spelled;
	uint64_t *starts;  // a bit for each byte of the function: an instruction starts here
	uint64_t *targets; // a bit for each byte of the function: a branch goes here
	size_t num_words;
	struct site *exits;
	size_t num_exits, max_exits;
};

/** Decodes the instruction at off with capstone into finder->spelled; false if there is none. */
bool sites_spell(struct sites_finder *finder, const struct sites_query *query, uint64_t off);

void sites_set_bit(uint64_t *map, uint64_t bit);

/** True if each branch goes to an instruction that the linear decoding found. If not, there is data
 *  in the code, or the decoding is out of step. */
bool sites_targets_are_starts(const struct sites_finder *finder, uint64_t size);

struct error *sites_add_exit(struct sites_finder *finder, const struct site *site) MUST_CHECK;

/** Makes the result of an entry and the exits. */
struct error *sites_make(const struct sites_finder *finder, const struct site *entry,
			 struct sites *out) MUST_CHECK;
struct error *sites_refuse(struct sites *out, const char *reason) MUST_CHECK;

#endif
