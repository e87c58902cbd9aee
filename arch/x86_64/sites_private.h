// SPDX-License-Identifier: GPL-2.0-or-later
// Private to the search for sites: sites.c decodes a function and finds its exits, sites_entry.c
// its entry.
#ifndef GOTRACE_ARCH_X86_64_SITES_PRIVATE_H
#define GOTRACE_ARCH_X86_64_SITES_PRIVATE_H

#include "arch/sites_private.h"
#include "arch/x86_64/insn.h"

enum {
	LEADS_MAX = 16, // leading instructions that are checked
	NO_OFFSET = -1,
};

// A leading instruction: all instructions before it may run before the entry's probe.
struct lead {
	uint32_t off;
	uint32_t written; // bits of the registers written before it
	struct insn insn;
	bool is_after_guard; // some instruction before it compared with the stack guard
};

struct scan {
	struct sites_finder *finder;
	const struct sites_query *query;
	const char *refused;
	struct lead lead[LEADS_MAX];
	size_t num_leads;
	bool leads_ended;
	uint32_t written;    // by the leads so far
	bool has_tls_g;	     // a lead loaded g from thread-local storage
	bool is_after_guard; // a lead compared with the stack guard
	int64_t morestack;   // offset of the call of runtime.morestack
	int64_t again;	     // offset that the jump after this call goes to
	int64_t low_target;  // the lowest offset that any other branch goes to
	bool is_terminated;  // control cannot run past the last instruction
	size_t ended;	     // offset of the end of the last instruction that control cannot pass
	bool jumps_by_register;
};

/** Reports whether the instruction at off is an exit of the function. */
bool scan_is_exit(const struct scan *scan, uint32_t off);
/** Adds the next instruction to the leads, unless they have ended. */
void scan_lead(struct scan *scan, uint32_t off, const struct insn *insn);
/** Finds the entry site among the leads of a function that was scanned whole. Returns why there is
 *  none (a static string), NULL on success. */
const char *scan_find_entry(const struct scan *scan, const struct lead **out);

#endif
