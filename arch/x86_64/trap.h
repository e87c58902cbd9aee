// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef GOTRACE_ARCH_X86_64_TRAP_H
#define GOTRACE_ARCH_X86_64_TRAP_H

#include <string.h>

typedef uint8_t trap_code;

enum {
	TRAP = 0xcc, // int3
	TRAP_AFTER = 1,
	TRAP_SI_CODE = 0x80, // SI_KERNEL
	TRAP_NOP_BYTES = 5,
};

static inline bool trap_is(const uint8_t *code, size_t len)
{
	return len >= sizeof(trap_code) && *code == TRAP;
}

// It becomes a call (arch/x86/kernel/uprobes.c, since Linux 6.18).
static inline bool trap_is_nop(const uint8_t *file, uint8_t memory)
{
	static const uint8_t nop[TRAP_NOP_BYTES] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	return !memcmp(file, nop, sizeof(nop)) && (memory == 0xe8 || memory == TRAP);
}

#endif
