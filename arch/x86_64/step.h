// SPDX-License-Identifier: GPL-2.0-or-later
// What a breakpoint's byte took the place of, done all the same: the common instructions are emulated
// on the thread's registers, which costs one stop; others are executed out of line, in a copy that
// stands elsewhere in the target. The breakpoint is never lifted. Pure: bytes and registers in,
// registers out.
#ifndef GOTRACE_ARCH_X86_64_STEP_H
#define GOTRACE_ARCH_X86_64_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "arch/x86_64/insn.h"

struct ptrace_step_memory { // the target's, as the stopped thread sees it
	bool (*read)(void *context, void *dst, size_t len, uint64_t addr);
	bool (*write)(void *context, uint64_t addr, const void *src, size_t len);
	void *context;
};

struct ptrace_step { // one instruction
	struct insn insn;
	uint8_t bytes[INSN_MAX_BYTES];
	uint8_t modrm_at;  // offset in bytes of ModRM, or of what follows the opcode
	uint8_t imm_bytes; // of the immediate operand, which comes last
	int64_t imm;
	bool is_relative; // it addresses memory relative to its own place
	bool (*emulate)(const struct ptrace_step *step, struct user_regs_struct *regs,
			const struct ptrace_step_memory *memory); // NULL: out of line
};

/** Decodes the instruction at code. NULL, or why a thread cannot be brought past a breakpoint on it (static). */
const char *ptrace_step_init(struct ptrace_step *step, const uint8_t *code, size_t len);

/** Executes it on the registers, whose rip is the instruction's address. False, and the registers
 *  untouched, where it cannot: it is to be executed out of line. */
bool ptrace_step_emulate(const struct ptrace_step *step, struct user_regs_struct *regs,
			 const struct ptrace_step_memory *memory);

/** The instruction of this address as it must read to do the same at another. False if that is too far away. */
bool ptrace_step_move(const struct ptrace_step *step, uint64_t from, uint64_t to,
		      uint8_t out[INSN_MAX_BYTES]);

#endif
