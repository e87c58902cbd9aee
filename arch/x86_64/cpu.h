// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef GOTRACE_ARCH_X86_64_CPU_H
#define GOTRACE_ARCH_X86_64_CPU_H

enum {
	CPU_INTS = 10,	 // RAX RBX RCX RDI RSI R8 R9 R10 R11, then RDX
	CPU_FLOATS = 15, // XMM0 to XMM14
	CPU_STACK_ARGS = 8,
	CPU_HAS_LINK = 0,
};

static inline bool cpu_is_checked_again(uint64_t flags)
{
	enum { CF = 0x01, ZF = 0x40 }; // jbe
	return flags & (CF | ZF);
}

#endif
