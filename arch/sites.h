// SPDX-License-Identifier: GPL-2.0-or-later
// Finds where a function can be probed safely: its entry site, every RET, and every tail jump out
// of it. The code is disassembled linearly from its start. The result depends only on the bytes
// of the query.
//
// The entry site of a function with a stack check is the check's branch (jbe; the last one if a
// large frame has two). There, SP and all argument registers are still as at the entry. The
// kernel emulates branches, so a hit costs one trap. After the stack has grown, the branch is
// executed again, so a hit at which the branch is taken (CF or ZF set) is not an entry. In a
// function without a stack check, the entry site is the cheapest instruction at the start before
// which no argument register or SP is written.
#ifndef GOTRACE_ARCH_SITES_H
#define GOTRACE_ARCH_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum site_kind { SITE_ENTRY, SITE_RETURN, SITE_TAIL };

struct site {
	enum site_kind kind;
	uint64_t vaddr;
	uint8_t size;	  // bytes of the instruction
	bool skip_taken;  // a hit with CF or ZF set is no entry (the stack check's slow path)
	bool is_emulated; // the kernel emulates this instruction: one trap instead of two
};

struct sites {
	// Why the function cannot be probed safely (a static string; num is then 0), or NULL.
	const char *refused;
	// The entry, then the exits in the order of addresses. In a function of one instruction,
	// the entry and the exit have the same address.
	struct site *site;
	size_t num;
	bool has_stack_check;
};

struct sites_query {
	const uint8_t *code;  // the function's bytes
	uint64_t vaddr, size; // virtual address of the entry, and bytes of code
	bool is_go;	      // false for C code: it has no stack check
	// True if the function at vaddr is one that a stack check calls: runtime.morestack,
	// runtime.morestack_noctxt, runtime.morestackc (functions that must run on the system
	// stack). May be NULL.
	bool (*is_morestack)(void *context, uint64_t vaddr);
	void *context;
};

struct sites_finder; // a disassembler; one per thread
struct arch;

struct error *sites_finder_create(const struct arch *arch, struct sites_finder **out) MUST_CHECK;
void sites_finder_destroy(struct sites_finder *finder);

/** Finds the sites of one function; the caller calls sites_deinit(). If the function cannot be
 *  probed, that is no error: out->refused is set. */
struct error *sites_find(struct sites_finder *finder, const struct sites_query *query,
			 struct sites *out) MUST_CHECK;
void sites_deinit(struct sites *sites);

#endif
