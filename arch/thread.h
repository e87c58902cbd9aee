// SPDX-License-Identifier: GPL-2.0-or-later
// The registers of a thread that ptrace has stopped.
#ifndef GOTRACE_ARCH_THREAD_H
#define GOTRACE_ARCH_THREAD_H

#include <sys/types.h>
#include <sys/user.h>

#include "arch/cpu.h"

/** False if the thread is being killed. */
bool thread_get(pid_t tid, struct user_regs_struct *out);

/** Changes the registers from what they were, with as few writes as possible. */
void thread_set(pid_t tid, const struct user_regs_struct *was, const struct user_regs_struct *now);
void thread_set_pc(pid_t tid, uint64_t pc);

unsigned long long *thread_pc(struct user_regs_struct *regs);

/** The registers that a hit needs, without floats. */
struct cpu_regs thread_hit(const struct user_regs_struct *regs);
bool thread_floats(pid_t tid, uint64_t out[CPU_FLOATS]);

/** The flags of the clone, clone3 or vfork in which a thread is stopped; 0 for fork. is_vfork: what
 *  the stop's event says, if the registers cannot be read. */
uint64_t thread_clone_flags(pid_t tid, bool is_vfork);

#endif
