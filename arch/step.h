// SPDX-License-Identifier: GPL-2.0-or-later
// Executes the instruction that a breakpoint replaces, without removing the breakpoint. Common
// instructions are emulated on the thread's registers, so a hit costs one stop. Others are
// executed out of line: in a copy elsewhere in the target. The result depends only on the
// instruction's bytes, the registers and the memory callbacks.
//
// A folder arch/NAME supplies insn.h, with struct insn, a decoded instruction, and INSN_MAX_BYTES.
#ifndef GOTRACE_ARCH_STEP_H
#define GOTRACE_ARCH_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#ifdef __x86_64__
#include "arch/x86_64/insn.h"
#else
#error "this CPU has no arch/NAME/insn.h"
#endif

// The target's memory, as the stopped thread sees it; false: not accessible.
struct step_memory {
	bool (*read)(void *context, void *dst, size_t len, uint64_t addr);
	bool (*write)(void *context, uint64_t addr, const void *src, size_t len);
	void *context;
};

struct step { // one instruction
	struct insn insn;
	uint8_t bytes[INSN_MAX_BYTES];
	uint8_t size;
	bool is_relative;  // its memory operand is relative to the PC
	bool pops_address; // a return that takes its address from the stack
	bool (*emulate)(const struct step *step, struct user_regs_struct *regs,
			const struct step_memory *memory); // NULL: out of line
};

/** Decodes the instruction at code, of which len bytes can be read. Returns NULL, or a static
 *  string: why a breakpoint on it is not possible. */
const char *step_init(struct step *step, const uint8_t *code, size_t len);

/** Emulates the instruction on the registers, whose PC is its address. If that is not possible,
 *  returns false and leaves the registers unchanged: the caller executes the instruction out of
 *  line. */
bool step_emulate(const struct step *step, struct user_regs_struct *regs,
		  const struct step_memory *memory);

/** Writes to out the instruction's bytes, changed so that they have the same effect at address to
 *  as at address from. False if the distance is too large. */
bool step_move(const struct step *step, uint64_t from, uint64_t to, uint8_t out[INSN_MAX_BYTES]);

#endif
