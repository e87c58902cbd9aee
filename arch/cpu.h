// SPDX-License-Identifier: GPL-2.0-or-later
// The CPU that gotrace is built for, as far as the engine and its hosts have to know it. A folder
// arch/NAME supplies cpu.h, with
//
//   CPU_INTS        integer registers of a hit: Go's, in its order, then the closure's context
//   CPU_FLOATS      float registers of a hit
//   CPU_STACK_ARGS  bytes from SP, at a function's entry and at its returns, to the first argument
//                   on the stack
//   CPU_HAS_LINK    at an entry, the return address is in a register, not at SP
//   cpu_is_checked_again()
#ifndef GOTRACE_ARCH_CPU_H
#define GOTRACE_ARCH_CPU_H

#ifndef __bpf__ // bpf/kernel.h has these types
#include <stdbool.h>
#include <stdint.h>
#endif

/** True if these flags make the branch of a stack check go to the slow path, after which the entry
 *  is executed again. */
static inline bool cpu_is_checked_again(uint64_t flags);

#ifdef __TARGET_ARCH_arm64
#include "arch/arm64/cpu.h"
#else
#include "arch/x86_64/cpu.h"
#endif

struct cpu_regs { // the registers of a hit
	uint64_t ints[CPU_INTS];
	uint64_t sp;
	uint64_t fp;   // the frame pointer
	uint64_t link; // the return address, if CPU_HAS_LINK
	uint64_t g;    // Go's register for g
	uint64_t flags;
	uint64_t tls; // the thread pointer
	/** The low eight bytes of CPU_FLOATS registers; NULL if they were not read. */
	const uint64_t *floats;
};

#endif
