// SPDX-License-Identifier: GPL-2.0-or-later
// Breakpoints in a target's code that are not in its file. If a debugger traces the target by
// ptrace, they may be the debugger's. Otherwise each of them is a uprobe of a running tracer, or
// was left behind by a tracer that was killed.
#ifndef GOTRACE_TRACER_BACKEND_LEFTOVERS_H
#define GOTRACE_TRACER_BACKEND_LEFTOVERS_H

#include "tracer/target/code.h"

struct leftovers {	 // differences between the code in memory and the file
	uint64_t *vaddr; // of breakpoints, ascending
	size_t num;
	uint64_t changed_bytes; // other bytes that differ
	uint64_t first_changed; // vaddr of one of them
	bool failed;		// out of memory
};

/** Compares all code of the target's executable with the file. It is an error if the code cannot be
 *  read. The caller frees the result with leftovers_deinit(). */
struct error *leftovers_init(const struct loaded *loaded, struct leftovers *out) MUST_CHECK;
void leftovers_deinit(struct leftovers *leftovers);

/** Removes the breakpoints that no running tracer owns: a uprobe is attached at each place and
 *  detached properly, and the kernel then removes the breakpoint. Must not be called if a process
 *  traces the target by ptrace, because that tracer's breakpoints would be removed too. */
struct error *leftovers_remove(const struct loaded *loaded,
			       const struct leftovers *leftovers) MUST_CHECK;

#endif
