// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer/backend/ptrace/ptrace.h"

// After a breakpoint, the original instruction is emulated, or executed out of line: by one single
// step in a slot. Signals that arrive during the step are held until it is over. So the program
// never sees a signal frame whose PC is in a slot, which Go's runtime would not know.

static void step(const struct ptrace_thread *thread)
{
	ptrace(PTRACE_SINGLESTEP, thread->tid, NULL, NULL);
}

// --- Beginning ---------------------------------------------------------------------------------

static void go_out_of_line(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	struct ptrace_breakpoint *breakpoint = thread->stepping;
	thread_set_pc(thread->tid, breakpoint->addr);
	struct ptrace_slots *slots = &worker->shared->slots;
	// Without slots, only instructions that can be emulated have breakpoints, so emulation
	// failed to access memory. The thread gets the SIGSEGV that the instruction would raise.
	if (!slots->num) {
		thread->stepping = NULL;
		ptrace_threads_resume(worker, thread, SIGSEGV);
		return;
	}
	thread->slot = ptrace_slots_take(slots, worker->mem, breakpoint);
	thread->is_stopped = !thread->slot;
	if (!thread->slot) {
		worker->num_waiting++;
		return;
	}
	thread_set_pc(thread->tid, thread->slot->addr);
	step(thread);
}

void ptrace_stepping_begin(struct ptrace_worker *worker, struct ptrace_thread *thread,
			   struct ptrace_breakpoint *breakpoint,
			   const struct user_regs_struct *regs)
{
	const struct step_memory memory = {ptrace_hit_read, ptrace_hit_write, worker};
	struct user_regs_struct next = *regs;
	if (step_emulate(&breakpoint->step, &next, &memory)) {
		thread_set(thread->tid, regs, &next);
		ptrace_threads_resume(worker, thread, 0);
		return;
	}
	thread->stepping = breakpoint;
	go_out_of_line(worker, thread);
}

// --- The end of a step ---------------------------------------------------------------------------

static void wake_waiting(struct ptrace_worker *worker)
{
	struct ptrace_thread *thread, *next;
	HASH_ITER (hh, worker->threads, thread, next) {
		if (!worker->num_waiting)
			return;
		if (!thread->stepping || thread->slot)
			continue;
		worker->num_waiting--;
		go_out_of_line(worker, thread);
		if (thread->stepping && !thread->slot)
			return; // no slot is free
	}
}

void ptrace_stepping_forget(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	if (!thread->stepping)
		return;
	thread->stepping = NULL;
	if (!thread->slot) {
		worker->num_waiting--;
		return;
	}
	thread->slot->users--;
	thread->slot = NULL;
	if (worker->num_waiting && !worker->is_leaving)
		wake_waiting(worker);
}

// Sets the PC to where it would be if the instruction were at its original address. True if the
// instruction was executed.
static bool settle_pc(const struct ptrace_thread *thread)
{
	struct user_regs_struct regs;
	if (!thread_get(thread->tid, &regs))
		return false;
	const struct ptrace_breakpoint *breakpoint = thread->stepping;
	uint64_t inside = *thread_pc(&regs) - thread->slot->addr;
	if (inside <= breakpoint->step.size)
		thread_set_pc(thread->tid, breakpoint->addr + inside);
	return inside != 0;
}

static bool is_in_slot(const struct ptrace_thread *thread)
{
	struct user_regs_struct regs;
	return thread_get(thread->tid, &regs) && *thread_pc(&regs) == thread->slot->addr;
}

static void send_again(const struct ptrace_worker *worker, pid_t tid, int sig, siginfo_t *info)
{
	if (info && !syscall(SYS_rt_tgsigqueueinfo, worker->pid, tid, sig, info))
		return;
	syscall(SYS_tgkill, worker->pid, tid, sig);
}

static void unblock(struct ptrace_thread *thread)
{
	if (thread->has_mask)
		ptrace(PTRACE_SETSIGMASK, thread->tid, sizeof(thread->signal_mask),
		       &thread->signal_mask);
	thread->has_mask = false;
}

// Delivers the held signals. In a signal stop (can_inject), the first one is returned, and the
// caller resumes the thread with it. All others are sent again.
static int give_held(const struct ptrace_worker *worker, struct ptrace_thread *thread,
		     bool can_inject)
{
	if (!thread->has_held)
		return 0;
	thread->has_held = false;
	unblock(thread);
	int sig = thread->held.si_signo;
	if (can_inject)
		ptrace(PTRACE_SETSIGINFO, thread->tid, NULL, &thread->held);
	else
		send_again(worker, thread->tid, sig, &thread->held);
	for (; thread->more; thread->more &= thread->more - 1)
		send_again(worker, thread->tid, __builtin_ctzll(thread->more) + 1, NULL);
	return can_inject ? sig : 0;
}

// --- Stops in a step -----------------------------------------------------------------------------

static bool is_fault(int sig, const siginfo_t *info)
{
	return info->si_code > 0 &&
	       (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL);
}

// Holds a signal until the step is over. Until then, it blocks all other signals, except those that
// the instruction itself may raise: their handlers must run.
static void hold(struct ptrace_thread *thread, const siginfo_t *info)
{
	if (thread->has_held) {
		// e.g. SIGSTOP, which cannot be blocked
		thread->more |= 1ull << (info->si_signo - 1);
		return;
	}
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
	uint64_t mask;
	thread->has_held = true;
	thread->held = *info;
	thread->has_mask =
		!ptrace(PTRACE_GETSIGMASK, thread->tid, sizeof(mask), &thread->signal_mask);
	if (!thread->has_mask)
		return;
	mask = UINT64_MAX;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		mask &= ~(1ull << (own[i] - 1));
	mask |= thread->signal_mask;
	ptrace(PTRACE_SETSIGMASK, thread->tid, sizeof(mask), &mask);
}

// The program must see the fault at the instruction's original address.
static void deliver_fault(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig,
			  siginfo_t *info)
{
	struct ptrace_breakpoint *breakpoint = thread->stepping;
	if (sig == SIGILL || sig == SIGFPE) {
		info->si_addr = (void *)(uintptr_t)breakpoint->addr;
		ptrace(PTRACE_SETSIGINFO, thread->tid, NULL, info);
	}
	settle_pc(thread);
	give_held(worker, thread, false);
	ptrace_stepping_forget(worker, thread);
	ptrace_threads_resume(worker, thread, sig);
}

void ptrace_stepping_signal(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig)
{
	siginfo_t info = {.si_signo = sig};
	if (is_in_slot(thread)) {
		ptrace(PTRACE_GETSIGINFO, thread->tid, NULL, &info);
		if (is_fault(sig, &info)) {
			deliver_fault(worker, thread, sig, &info);
			return;
		}
		// The kernel's trap is the step's own: a repeated instruction (REP) is not done.
		if (sig != SIGTRAP || info.si_code <= 0)
			hold(thread, &info);
		step(thread);
		return;
	}
	settle_pc(thread);
	int held = give_held(worker, thread, sig == SIGTRAP);
	ptrace_stepping_forget(worker, thread);
	if (sig == SIGTRAP) {
		ptrace_threads_resume(worker, thread, held);
		return;
	}
	thread->owes_trap = true;
	ptrace_threads_resume(worker, thread, sig);
}

bool ptrace_stepping_stop(struct ptrace_worker *worker, struct ptrace_thread *thread,
			  bool is_group_stop)
{
	bool is_before = is_in_slot(thread);
	if (is_before && !worker->is_leaving) {
		if (is_group_stop)
			ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL);
		else
			step(thread);
		return true;
	}
	settle_pc(thread);
	give_held(worker, thread, false);
	ptrace_stepping_forget(worker, thread);
	thread->owes_trap = !is_before;
	return false;
}
