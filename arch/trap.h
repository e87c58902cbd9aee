// SPDX-License-Identifier: GPL-2.0-or-later
// Breakpoints in code: ours, those of debuggers, and those that the kernel writes for uprobes. A
// folder arch/NAME supplies trap.h, with
//
//   trap_code          an integer type as large as a breakpoint; its bytes are written at once
//   TRAP               the breakpoint
//   TRAP_AFTER         bytes from a breakpoint to the PC of a thread that has executed it
//   TRAP_SI_CODE       si_code of the SIGTRAP that it raises
//   TRAP_NOP_BYTES     of a nop that the kernel may turn into other code for a uprobe, in several
//                      writes
//   and the functions below
#ifndef GOTRACE_ARCH_TRAP_H
#define GOTRACE_ARCH_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** True if these bytes, which differ from the file's, begin with a breakpoint. */
static inline bool trap_is(const uint8_t *code, size_t len);
/** True if the file has such a nop, and its first byte in memory is what the kernel may write. */
static inline bool trap_is_nop(const uint8_t *file, uint8_t memory);

#ifdef __x86_64__
#include "arch/x86_64/trap.h"
#else
#error "this CPU has no arch/NAME/trap.h"
#endif

#endif
