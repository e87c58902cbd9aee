// SPDX-License-Identifier: GPL-2.0-or-later
// Executes the instruction that a breakpoint replaces, without removing the breakpoint. Common
// instructions are emulated on the thread's registers, so a hit costs one stop. Others are
// executed out of line: in a copy elsewhere in the target. The result depends only on the
// instruction's bytes, the registers and the memory callbacks.
#ifndef GOTRACE_ARCH_X86_64_STEP_H
#define GOTRACE_ARCH_X86_64_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "arch/x86_64/insn.h"

// The target's memory, as the stopped thread sees it; false: not accessible.
struct ptrace_step_memory {
	bool (*read)(void *context, void *dst, size_t len, uint64_t addr);
	bool (*write)(void *context, uint64_t addr, const void *src, size_t len);
	void *context;
};

struct ptrace_step { // one instruction
	struct insn insn;
	uint8_t bytes[INSN_MAX_BYTES];
	// Offset in bytes[] of the first byte after the opcode: ModRM, if there is one.
	uint8_t modrm_at;
	uint8_t imm_bytes; // of the immediate operand, which comes last
	int64_t imm;
	bool is_relative; // its memory operand is relative to RIP
	bool (*emulate)(const struct ptrace_step *step, struct user_regs_struct *regs,
			const struct ptrace_step_memory *memory); // NULL: out of line
};

/** Decodes the instruction at code, of which len bytes can be read. Returns NULL, or a static
 *  string: why a breakpoint on it is not possible. */
const char *ptrace_step_init(struct ptrace_step *step, const uint8_t *code, size_t len);

/** Emulates the instruction on the registers, whose rip is its address. If that is not possible,
 *  returns false and leaves the registers unchanged: the caller executes the instruction out of
 *  line. */
bool ptrace_step_emulate(const struct ptrace_step *step, struct user_regs_struct *regs,
			 const struct ptrace_step_memory *memory);

/** Writes to out the instruction's bytes with the RIP-relative displacement changed, so that it
 *  has the same effect at address to as at address from. False if the distance does not fit. */
bool ptrace_step_move(const struct ptrace_step *step, uint64_t from, uint64_t to,
		      uint8_t out[INSN_MAX_BYTES]);

#endif
