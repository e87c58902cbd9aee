// SPDX-License-Identifier: GPL-2.0-or-later
// Decodes one x86-64 instruction: its length, and the few properties that the search for probe
// sites and the emulation (step.h) need. It walks tables, which is about thirty times faster than
// a disassembler that also writes text. sites.c uses capstone for instructions that the tables do
// not have. The result depends only on the bytes.
#ifndef GOTRACE_ARCH_X86_64_INSN_H
#define GOTRACE_ARCH_X86_64_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSN_MAX_BYTES = 15 };

enum insn_kind {
	INSN_OTHER,
	INSN_NOP,	    // 90, and the long forms of 0f 1f
	INSN_PUSH,	    // of a register
	INSN_JCC,	    // conditional branch, also loop and jrcxz; rel
	INSN_JMP,	    // rel
	INSN_JMP_INDIRECT,  // through a register or memory
	INSN_CALL,	    // rel
	INSN_CALL_INDIRECT, // through a register or memory
	INSN_RET,
	INSN_TRAP, // int3, int n, ud2, hlt: control does not continue after it
	// Privileged or far: no program runs it, so it shows that there is data in the code.
	INSN_PRIVILEGED
};

enum insn_prefix {
	INSN_OPSIZE = 1,   // 66
	INSN_ADDRSIZE = 2, // 67
	INSN_LOCK = 4,	   // f0
	INSN_REPNE = 8,	   // f2
	INSN_REP = 16,	   // f3
	INSN_FS = 32,	   // 64
	INSN_GS = 64,	   // 65
	INSN_SEGMENT = 128 // 26, 2e, 36, 3e: no effect, or a hint, in 64-bit code
};

enum insn_map { MAP_ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_VEX, MAP_EVEX };

struct insn {
	uint8_t size;	  // bytes in all, 1 to 15
	uint8_t kind;	  // enum insn_kind
	uint8_t prefixes; // enum insn_prefix
	uint8_t rex;	  // the REX byte (made from VEX or EVEX too), 0 if there is none
	uint8_t map;	  // enum insn_map
	uint8_t opcode;	  // the last byte of the opcode
	bool has_modrm;
	uint8_t modrm_at;   // offset of ModRM
	uint8_t imm_at;	    // offset of the immediate operand, which comes last; size: none
	uint8_t modrm, sib; // sib is 0 if there is none
	int32_t disp;	    // displacement of the memory operand, 0 if there is none
	int32_t rel;	    // of a branch: bytes from the next instruction to the target
};

/** Decodes the instruction at code, of which len bytes can be read. False if it is cut short,
 *  invalid, or not in the tables (capstone may know it). */
bool insn_decode(const uint8_t *code, size_t len, struct insn *out);

/** True if every kernel accepts a uprobe on the instruction, and if the instruction has the same
 *  effect under a uprobe, with one hit for each execution. The kernel's rules are the prefixes
 *  and opcodes that uprobe_init_insn() accepts in arch/x86/kernel/uprobes.c; those that only
 *  newer kernels accept are left out. False for VEX and EVEX instructions: the kernel mistakes
 *  their opcodes for those of other instructions. For example, it emulates vmovdqu as a branch,
 *  and the store is lost. */
bool insn_takes_uprobe(const struct insn *insn);

/** True if the kernel emulates the instruction, so that a hit costs one trap instead of two (the
 *  same file, branch_setup_xol_ops() and push_setup_xol_ops()). */
bool insn_is_emulated(const struct insn *insn);

/** The register number (0 to 15) in ModRM.reg; insn_rm() has the one in ModRM.rm, if that is a
 *  register. */
static inline unsigned insn_reg(const struct insn *insn)
{
	return (insn->modrm >> 3 & 7) | (insn->rex & 4) << 1;
}

static inline unsigned insn_rm(const struct insn *insn)
{
	return (insn->modrm & 7) | (insn->rex & 1) << 3;
}

static inline bool insn_rm_is_register(const struct insn *insn)
{
	return insn->modrm >= 0xc0;
}

#endif
