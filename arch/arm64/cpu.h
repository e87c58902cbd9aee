// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef GOTRACE_ARCH_ARM64_CPU_H
#define GOTRACE_ARCH_ARM64_CPU_H

enum {
	CPU_INTS = 17,	 // R0 to R15, then R26
	CPU_FLOATS = 16, // F0 to F15
	CPU_STACK_ARGS = 8,
	CPU_HAS_LINK = 1, // R30
};

static inline bool cpu_is_checked_again(uint64_t flags)
{
	enum { C = 1 << 29, Z = 1 << 30 }; // b.ls
	return !(flags & C) || flags & Z;
}

#endif
