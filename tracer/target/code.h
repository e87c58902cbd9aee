// SPDX-License-Identifier: GPL-2.0-or-later
// The code in a target's memory beside the code in its file. They differ where somebody has patched functions (a hot
// patch, a mocking library), where breakpoints are (a debugger's or a uprobe's int3), and everywhere when the target
// has become another program.
#ifndef GOTRACE_TRACER_TARGET_CODE_H
#define GOTRACE_TRACER_TARGET_CODE_H

#include <sys/types.h>

#include "dwarf/image/image.h"

enum { TARGET_CODE_INT3 = 0xcc };

struct target_code { // all borrowed
	struct image *image;
	uint64_t bias; // run-time address - vaddr
	int mem; // a descriptor of /proc/PID/mem; it stays with the program that ran when it was opened
};

struct target_code_change { // a run of bytes of which each differs
	uint64_t vaddr;
	size_t len;
	const uint8_t *file, *memory; // valid during the visit
};

enum target_code_state {
	TARGET_CODE_READ,
	TARGET_CODE_UNREADABLE, // the file has no code there, or the memory cannot be read
	TARGET_CODE_GONE, // the target has ended, or executed a program, and its memory is gone
};

/** Compares [vaddr, vaddr + len), which one executable segment holds, and visits what differs in ascending order (a
 *  long run may come in pieces). visit returns false to stop early. */
enum target_code_state target_code_compare(
	const struct target_code *code, uint64_t vaddr, uint64_t len,
	bool (*visit)(void *context, const struct target_code_change *change), void *context);

/** Whether the memory that mem shows is there still: false once its program has ended or executed another one. */
bool target_code_is_there(int mem, uint64_t addr);

/** The process that traces pid by ptrace, with its name; 0: there is none. */
pid_t target_code_tracer(pid_t pid, char name[32]);

#endif
