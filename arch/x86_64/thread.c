// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/thread.h"

#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

bool thread_get(pid_t tid, struct user_regs_struct *out)
{
	return !ptrace(PTRACE_GETREGS, tid, NULL, out);
}

static void set_word(pid_t tid, size_t offset, uint64_t value)
{
	ptrace(PTRACE_POKEUSER, tid, (void *)offset, (void *)value);
}

void thread_set_pc(pid_t tid, uint64_t pc)
{
	set_word(tid, offsetof(struct user, regs.rip), pc);
}

// Writing one register takes a third of the time of writing all of them.
void thread_set(pid_t tid, const struct user_regs_struct *was, const struct user_regs_struct *now)
{
	struct user_regs_struct same = *was;
	same.rip = now->rip;
	same.rsp = now->rsp;
	if (memcmp(&same, now, sizeof(same))) {
		ptrace(PTRACE_SETREGS, tid, NULL, now);
		return;
	}
	thread_set_pc(tid, now->rip);
	if (now->rsp != was->rsp)
		set_word(tid, offsetof(struct user, regs.rsp), now->rsp);
}

unsigned long long *thread_pc(struct user_regs_struct *regs)
{
	return &regs->rip;
}

struct cpu_regs thread_hit(const struct user_regs_struct *regs)
{
	return (struct cpu_regs){
		.ints = {regs->rax, regs->rbx, regs->rcx, regs->rdi, regs->rsi, regs->r8, regs->r9,
			 regs->r10, regs->r11, regs->rdx},
		.sp = regs->rsp,
		.fp = regs->rbp,
		.g = regs->r14,
		.flags = regs->eflags,
		.tls = regs->fs_base,
	};
}

bool thread_floats(pid_t tid, uint64_t out[CPU_FLOATS])
{
	struct user_fpregs_struct floats;
	if (ptrace(PTRACE_GETFPREGS, tid, NULL, &floats))
		return false;
	for (size_t i = 0; i < CPU_FLOATS; i++)
		memcpy(&out[i], &floats.xmm_space[i * 4], sizeof(out[i]));
	return true;
}

uint64_t thread_clone_flags(pid_t tid, bool is_vfork)
{
	struct user_regs_struct regs;
	if (!thread_get(tid, &regs))
		return is_vfork ? CLONE_VM : 0;
	switch (regs.orig_rax) {
	case SYS_clone:
		return regs.rdi;
	case SYS_clone3:
		return (uint64_t)ptrace(PTRACE_PEEKDATA, tid, (void *)regs.rdi, NULL);
	case SYS_vfork:
		return CLONE_VM;
	default:
		return 0;
	}
}
