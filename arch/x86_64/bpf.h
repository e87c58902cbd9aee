// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef GOTRACE_ARCH_X86_64_BPF_H
#define GOTRACE_ARCH_X86_64_BPF_H

// arch/x86/include/asm/ptrace.h
struct pt_regs {
	unsigned long r15, g, r13, r12, fp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

// arch/x86/include/asm/idtentry.h; the sizes are upper limits.
#define CPU_BREAKPOINT_ENTRY asm_exc_int3
#define CPU_STEP_ENTRY	     asm_exc_debug
enum { CPU_BREAKPOINT_ENTRY_SIZE = 64, CPU_STEP_ENTRY_SIZE = 96 };

#define CPU_TLS fsbase
struct thread_struct {
	unsigned long CPU_TLS;
} __attribute__((preserve_access_index));

static inline uint64_t pt_regs_int(const struct pt_regs *regs, unsigned i)
{
	switch (i) {
	case 0:
		return regs->ax;
	case 1:
		return regs->bx;
	case 2:
		return regs->cx;
	case 3:
		return regs->di;
	case 4:
		return regs->si;
	case 5:
		return regs->r8;
	case 6:
		return regs->r9;
	case 7:
		return regs->r10;
	case 8:
		return regs->r11;
	default:
		return regs->dx;
	}
}

static inline uint64_t pt_regs_link(const struct pt_regs *regs)
{
	(void)regs;
	return 0;
}

#endif
