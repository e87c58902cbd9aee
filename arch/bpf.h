// SPDX-License-Identifier: GPL-2.0-or-later
// The registers that the kernel hands to a uprobe program. A folder arch/NAME supplies bpf.h, with
//
//   struct pt_regs        in the kernel's layout, with members sp, fp, g and flags (arch/cpu.h)
//   struct thread_struct  with the member CPU_TLS, the thread pointer; libbpf relocates it
//   CPU_BREAKPOINT_ENTRY, CPU_STEP_ENTRY  symbols of the kernel where a thread enters it that came to
//                         a breakpoint, or has made a single step; and CPU_..._SIZE, in bytes
//   and the functions below
#ifndef GOTRACE_ARCH_BPF_H
#define GOTRACE_ARCH_BPF_H

struct pt_regs;

/** Integer register i (below CPU_INTS). */
static inline uint64_t pt_regs_int(const struct pt_regs *regs, unsigned i);
/** The return address at a function's entry, if CPU_HAS_LINK. */
static inline uint64_t pt_regs_link(const struct pt_regs *regs);

#ifdef __TARGET_ARCH_x86
#include "arch/x86_64/bpf.h"
#else
#error "this CPU has no arch/NAME/bpf.h"
#endif

#endif
