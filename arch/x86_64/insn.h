// SPDX-License-Identifier: GPL-2.0-or-later
// One x86-64 instruction: its length and the little that finding probe sites needs to know of it.
// A table walk, some thirty times faster than a disassembler that also spells instructions out;
// what the tables do not know is left to capstone (sites.c). Pure: bytes in, numbers out.
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
	INSN_JCC,	    // conditional branch, also loop, jrcxz, xbegin; rel
	INSN_JMP,	    // rel
	INSN_JMP_INDIRECT,  // through a register or memory
	INSN_CALL,	    // rel
	INSN_CALL_INDIRECT, // through a register or memory
	INSN_RET,
	INSN_TRAP,	// int3, int n, ud2, hlt: control does not go on here
	INSN_PRIVILEGED // no program runs it: a sign of data among the code
};

enum insn_prefix {
	INSN_OPSIZE = 1,   // 66
	INSN_ADDRSIZE = 2, // 67
	INSN_LOCK = 4,	   // f0
	INSN_REPNE = 8,	   // f2
	INSN_REP = 16,	   // f3
	INSN_FS = 32,	   // 64
	INSN_GS = 64,	   // 65
	INSN_SEGMENT = 128 // 26, 2e, 36, 3e: without meaning, or a hint, in 64-bit code
};

enum insn_map { MAP_ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_VEX, MAP_EVEX };

struct insn {
	uint8_t size;	  // bytes in all, 1 to 15
	uint8_t kind;	  // enum insn_kind
	uint8_t prefixes; // enum insn_prefix
	uint8_t rex;	  // the REX byte, 0 without
	uint8_t map;	  // enum insn_map
	uint8_t opcode;	  // the last byte of the opcode
	bool has_modrm;
	uint8_t modrm, sib; // sib is 0 without
	int32_t disp;	    // displacement of the memory operand, 0 without
	int32_t rel;	    // branches: from the next instruction to the target
};

/** Decodes the instruction at code, of which len bytes may be read. False where it is cut short,
 *  invalid, or not known here (then capstone may know it). */
bool insn_decode(const uint8_t *code, size_t len, struct insn *out);

/** True where every kernel accepts a uprobe on it (arch/x86/kernel/uprobes.c: the prefixes and
 *  opcodes that uprobe_init_insn lets pass, without those that only newer kernels do), and it does
 *  the same under one, once for each hit. VEX and EVEX have the opcodes of other instructions, which the kernel
 *  emulates in their place: vmovdqu is taken for a branch, and its store is lost. */
bool insn_takes_uprobe(const struct insn *insn);

/** True where the kernel emulates it, so that a probe costs one trap and not two (the same file:
 *  branch_setup_xol_ops, push_setup_xol_ops). */
bool insn_is_emulated(const struct insn *insn);

/** The register number (0 to 15) in ModRM.reg, and in ModRM.rm where that is a register. */
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
