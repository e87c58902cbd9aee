// SPDX-License-Identifier: GPL-2.0-or-later
// Compares the code in a target's memory to the code in its file. The two differ where functions
// were patched (a hot patch, a mocking library), where there are breakpoints (of a debugger or
// a uprobe), and everywhere once the target has executed another program.
#ifndef GOTRACE_TRACER_TARGET_CODE_H
#define GOTRACE_TRACER_TARGET_CODE_H

#include <sys/types.h>

#include "dwarf/image/image.h"
#include "tracer/loaded.h"

struct target_code_change { // a run of bytes that all differ
	uint64_t vaddr;
	size_t len;
	const uint8_t *file, *memory; // valid during the visit
};

enum target_code_state {
	TARGET_CODE_READ,
	TARGET_CODE_UNREADABLE, // the file has no code there, or the memory cannot be read
	TARGET_CODE_GONE, // the target has ended, or executed a program, and its memory is gone
};

/** Compares [vaddr, vaddr + len), which must lie in one executable segment, and visits the runs of
 *  bytes that differ in ascending order (a long run may come in pieces). visit returns false to
 *  stop early. */
enum target_code_state target_code_compare(
	const struct loaded *loaded, uint64_t vaddr, uint64_t len,
	bool (*visit)(void *context, const struct target_code_change *change), void *context);

/** True if the memory that mem shows still exists: false once its program has ended or executed
 *  another one. */
bool target_code_is_there(int mem, uint64_t addr);

/** The process that traces pid with ptrace, and its name; 0 and "" if there is none. */
pid_t target_code_tracer(pid_t pid, char name[32]);

#endif
