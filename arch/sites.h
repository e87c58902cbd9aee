// SPDX-License-Identifier: GPL-2.0-or-later
// Where a function can be probed soundly: its entry site, every RET, every tail jump out, found by
// linear disassembly of its code from its start (only here: capstone). Pure: bytes in, sites out.
//
// Entry: on the stack-check branch (jbe; the last one where a big frame has two), where SP and all argument
// registers are still as at entry; the kernel emulates a branch, so it costs one trap. A grown
// stack executes it again, so a hit on which it is taken (CF or ZF set) is not an entry. Without a
// stack check: the cheapest leading instruction that leaves argument registers and SP alone.
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
	uint8_t size;	    // bytes of the instruction
	bool skip_taken_be; // a hit with CF or ZF set is not an entry (the stack check's slow path)
	bool is_emulated;   // the kernel emulates this instruction: one trap instead of two
};

struct sites {
	const char *
		refused; // not NULL: why the function cannot be probed soundly; num is 0 then (static string)
	struct site *site; // the entry first, then exits in address order
		// A function of one instruction has its entry and its exit at one address.
	size_t num;
	bool has_stack_check;
};

struct sites_query {
	const uint8_t *code;  // the function's bytes
	uint64_t vaddr, size; // entry and bytes of code
	bool is_go;	      // false for C code: no stack check is looked for
	// True if a call to this vaddr is a call of a function for which sites_is_morestack is true.
	bool (*is_morestack)(void *context, uint64_t vaddr);
	void *context;
};

/** True for the names of the functions that a stack check calls: runtime.morestack,
 *  runtime.morestack_noctxt, runtime.morestackc (functions that must run on the system stack), with
 *  or without the symbol table's .abi0 (src/cmd/internal/obj/x86/obj6.go, stacksplit). */
bool sites_is_morestack(const char *name);

struct sites_finder; // a disassembler; one per thread

struct error *sites_finder_create(struct sites_finder **out) MUST_CHECK;
void sites_finder_destroy(struct sites_finder *finder);

/** Finds the sites of one function. A function that cannot be probed is not an error: out->refused. */
struct error *sites_find(struct sites_finder *finder, const struct sites_query *query,
			 struct sites *out) MUST_CHECK;
void sites_deinit(struct sites *sites);

#endif
