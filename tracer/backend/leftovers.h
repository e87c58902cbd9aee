// SPDX-License-Identifier: GPL-2.0-or-later
// Breakpoints in a target's code that its file does not have. A debugger's are its own matter. Where nobody traces the
// target by ptrace, they are uprobes of a tracer that runs, or were left behind by one that was killed.
#ifndef GOTRACE_TRACER_BACKEND_LEFTOVERS_H
#define GOTRACE_TRACER_BACKEND_LEFTOVERS_H

#include "tracer/target/code.h"

struct leftovers {	 // what of the code differs from the file
	uint64_t *vaddr; // of breakpoints, ascending
	size_t num;
	uint64_t changed_bytes; // that are no breakpoints
	uint64_t first_changed; // vaddr of one of them
	bool failed;		// out of memory
};

/** Compares all code of the target's executable. An error where that cannot be read. */
struct error *leftovers_init(const struct target_code *code, struct leftovers *out) MUST_CHECK;
void leftovers_deinit(struct leftovers *leftovers);

/** Takes off those breakpoints that no running tracer has, which the kernel does where a uprobe is put there once more and
 *  taken off properly. Not for a target that somebody traces by ptrace: it would take the tracer's breakpoints, too. */
struct error *leftovers_remove(pid_t pid, const char *exe, const struct image *image,
			       const struct leftovers *leftovers) MUST_CHECK;

#endif
