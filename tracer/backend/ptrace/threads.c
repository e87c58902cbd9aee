// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tracer/backend/ptrace/ptrace.h"
#include "tracer/target/code.h"

enum {
	OPTIONS =
		PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC,
	INT3_CODE = 0x80,      // SI_KERNEL, of an int3
	NEWBORN_TICKS_MAX = 8, // then its parent will never tell
	MOMENT_MS = 50,
	RIVAL_MS = 2000, // another gotrace has let go by then, if it is about to
	LEAVE_MS = 2000, // a thread that has not stopped by then is in the kernel
	PENDING = 16,	 // signals looked at
};

// --- The table -----------------------------------------------------------------------------------

static struct ptrace_thread *find(struct ptrace_worker *worker, pid_t tid)
{
	struct ptrace_thread *thread;
	HASH_FIND (hh, worker->threads, &tid, sizeof(tid), thread)
		;
	return thread;
}

static struct ptrace_thread *add(struct ptrace_worker *worker, pid_t tid, enum ptrace_kind kind)
{
	struct ptrace_thread *thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->tid = tid;
	thread->kind = kind;
	HASH_ADD(hh, worker->threads, tid, sizeof(tid), thread);
	return thread;
}

static void forget(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	ptrace_stepping_forget(worker, thread);
	HASH_DEL(worker->threads, thread);
	free(thread);
}

// The number behind "KEY:" in /proc/TID/status, -1 where there is none.
static long status_number(pid_t tid, const char *key)
{
	char path[40], line[256];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	size_t len = strlen(key);
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, len) && line[len] == ':')
			return strtol(line + len + 1, NULL, 10);
	return -1;
}

// --- Seizing -------------------------------------------------------------------------------------

static bool is_zombie(pid_t tid)
{
	char path[40], text[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		return true;
	const char *end = strrchr(text, ')');
	return !end || end[1] != ' ' || end[2] == 'Z' || end[2] == 'X';
}

// Seizes one thread. 1: it was new; 0: it was not, or is gone; -1: refused, errno says why.
static int seize(struct ptrace_worker *worker, pid_t tid)
{
	if (find(worker, tid))
		return 0;
	if (!ptrace(PTRACE_SEIZE, tid, NULL, (void *)(long)OPTIONS))
		return add(worker, tid, PTRACE_THREAD) ? 1 : (errno = ENOMEM, -1);
	int errnum = errno;
	long tracer = status_number(tid, "TracerPid");
	if (errnum == ESRCH || is_zombie(tid) || tracer == getpid())
		return 0;
	if (tracer > 0)
		worker->rival = (pid_t)tracer;
	errno = errnum;
	return -1;
}

static void say_refused(const struct ptrace_worker *worker, int errnum, struct ptrace_reply *reply)
{
	reply->errnum = errnum;
	if (worker->rival)
		snprintf(reply->message, sizeof(reply->message),
			 "%d is traced by process %d already (a debugger?)", (int)worker->pid,
			 (int)worker->rival);
	else if (errnum == EPERM || errnum == EACCES) // of /proc/PID/mem, which is to be written
		snprintf(
			reply->message, sizeof(reply->message),
			"%d may not be traced by ptrace: run gotrace as root, or with CAP_SYS_PTRACE and "
			"CAP_DAC_OVERRIDE (\"gotrace doctor\" says more)",
			(int)worker->pid);
	else
		snprintf(reply->message, sizeof(reply->message), "%d: ptrace: %s", (int)worker->pid,
			 strerror(errnum));
}

// Seizes those that are there now. How many were new, or -1.
static int seize_some(struct ptrace_worker *worker)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)worker->pid);
	DIR *dir = opendir(path);
	if (!dir)
		return -1;
	int num = 0;
	for (struct dirent *entry = readdir(dir); entry && num >= 0; entry = readdir(dir)) {
		pid_t tid = atoi(entry->d_name);
		int seized = tid > 0 ? seize(worker, tid) : 0;
		num = seized < 0 ? -1 : num + seized;
	}
	int errnum = errno;
	closedir(dir);
	errno = errnum;
	return num;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// True while another gotrace's worker is the tracer, and just after: if its front was killed, it is about to
// let go.
static bool may_become_free(const struct ptrace_worker *worker, uint64_t since_ms)
{
	if (!worker->rival)
		return now_ms() - since_ms < MOMENT_MS;
	char path[40], name[32];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)worker->rival);
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	bool is_ours =
		!file || !fgets(name, sizeof(name), file) || !strcmp(name, PTRACE_WORKER_NAME "\n");
	return is_ours && now_ms() - since_ms < RIVAL_MS;
}

// Those that are ours already run meanwhile.
static void wait_a_moment(struct ptrace_worker *worker)
{
	int status;
	usleep(1000);
	for (pid_t tid = waitpid(-1, &status, __WALL | WNOHANG); tid > 0;
	     tid = waitpid(-1, &status, __WALL | WNOHANG))
		ptrace_threads_event(worker, tid, status);
}

// Reading is permitted with fewer capabilities.
static bool can_write(const struct ptrace_worker *worker)
{
	return worker->mem >= 0 && (fcntl(worker->mem, F_GETFL) & O_ACCMODE) == O_RDWR;
}

bool ptrace_threads_seize(struct ptrace_worker *worker, struct ptrace_reply *reply)
{
	worker->is_leaving = false;
	worker->rival = 0;
	if (worker->is_attached)
		return true;
	uint64_t start = now_ms();
	int num = seize_some(worker);
	while (num > 0 || (num < 0 && may_become_free(worker, start))) {
		if (num < 0)
			wait_a_moment(worker);
		num = seize_some(worker);
	}
	int errnum = num < 0 ? errno : can_write(worker) ? ESRCH : EPERM;
	worker->is_attached = true;
	// From here on a program that takes its place is told of. One that did before has another memory.
	bool is_there = target_code_is_there(worker->mem, worker->shared->addrs[0]);
	if (num == 0 && worker->threads && can_write(worker) && is_there)
		return true;
	ptrace_threads_leave(worker);
	say_refused(worker, is_there ? errnum : ESRCH, reply);
	return false;
}

// --- Letting go ------------------------------------------------------------------------------------

static bool is_int3(pid_t tid)
{
	siginfo_t info;
	return !ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) && info.si_signo == SIGTRAP &&
	       info.si_code == INT3_CODE;
}

// True if a trap that the target must not see is on its way to the thread: it has executed an int3 of ours, or a
// step, but stopped for something else first.
static bool has_pending_trap(const struct ptrace_thread *thread)
{
	siginfo_t infos[PENDING];
	struct __ptrace_peeksiginfo_args args = {.nr = PENDING};
	long num = ptrace(PTRACE_PEEKSIGINFO, thread->tid, &args, infos);
	for (long i = 0; i < num; i++)
		if (infos[i].si_signo == SIGTRAP && infos[i].si_code > 0)
			return true;
	return false;
}

static void leave(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig)
{
	if (has_pending_trap(thread)) {
		ptrace(PTRACE_CONT, thread->tid, NULL, (void *)(long)sig);
		return;
	}
	ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(long)sig);
	forget(worker, thread);
}

void ptrace_threads_resume(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig)
{
	if (worker->is_leaving)
		leave(worker, thread, sig);
	else
		ptrace(PTRACE_CONT, thread->tid, NULL, (void *)(long)sig);
}

static void interrupt_all(struct ptrace_worker *worker)
{
	struct ptrace_thread *thread, *next;
	HASH_ITER (hh, worker->threads, thread, next) {
		if (!thread->is_stopped) {
			ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL);
		} else if (thread->kind != PTRACE_NEWBORN) { // waits for a slot, on its breakpoint
			thread->is_stopped = false;
			ptrace_stepping_forget(worker, thread);
			leave(worker, thread, 0);
		}
	}
}

void ptrace_threads_leave(struct ptrace_worker *worker)
{
	if (!worker->is_attached)
		return;
	worker->is_leaving = true;
	ptrace_breakpoints_disarm_all(worker);
	interrupt_all(worker);
	uint64_t end = now_ms() + LEAVE_MS;
	while (worker->threads && now_ms() < end) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);
		if (tid > 0)
			ptrace_threads_event(worker, tid, status);
		else if (errno != EINTR)
			break;
		else
			ptrace_threads_tick(worker);
	}
	ptrace_slots_restore(&worker->shared->slots, worker->mem);
	if (worker->threads)
		return; // they are let go when they stop, or when we end
	worker->is_attached = false;
	ptrace_breakpoints_clear(worker);
}

// --- Births --------------------------------------------------------------------------------------

// The flags of the clone that the thread stopped in.
static uint64_t clone_flags(pid_t tid, int event)
{
	struct user_regs_struct regs;
	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs))
		return event == PTRACE_EVENT_VFORK ? CLONE_VM : 0;
	switch (regs.orig_rax) {
	case SYS_clone:
		return regs.rdi;
	case SYS_clone3:
		errno = 0;
		return (uint64_t)ptrace(PTRACE_PEEKDATA, tid, (void *)regs.rdi, NULL);
	case SYS_vfork:
		return CLONE_VM;
	default:
		return 0;
	}
}

// Now that it is known what a newborn is, and it has stopped.
static void begin_life(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	thread->is_stopped = false;
	if (thread->kind != PTRACE_COPY) {
		ptrace_threads_resume(worker, thread, 0);
		return;
	}
	ptrace_breakpoints_clean(worker, thread->tid);
	ptrace(PTRACE_DETACH, thread->tid, NULL, NULL);
	forget(worker, thread);
}

static void on_birth(struct ptrace_worker *worker, struct ptrace_thread *parent, int event)
{
	unsigned long message = 0;
	ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &message);
	pid_t tid = (pid_t)message;
	uint64_t flags = clone_flags(parent->tid, event);
	enum ptrace_kind kind = flags & CLONE_THREAD ? parent->kind
				: flags & CLONE_VM   ? PTRACE_SHARER
						     : PTRACE_COPY;
	struct ptrace_thread *child = tid > 0 ? find(worker, tid) : NULL;
	if (!child && tid > 0)
		child = add(worker, tid, kind);
	if (child) {
		child->kind = kind;
		if (child->is_stopped)
			begin_life(worker, child);
	}
	ptrace_threads_resume(worker, parent, 0);
}

// A newborn whose parent died before it could tell.
static void guess_kind(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	thread->kind =
		status_number(thread->tid, "Tgid") == worker->pid ? PTRACE_THREAD : PTRACE_COPY;
	begin_life(worker, thread);
}

void ptrace_threads_tick(struct ptrace_worker *worker)
{
	struct ptrace_thread *thread, *next;
	HASH_ITER (hh, worker->threads, thread, next)
		if (thread->kind == PTRACE_NEWBORN && thread->is_stopped &&
		    ++thread->ticks > NEWBORN_TICKS_MAX)
			guess_kind(worker, thread);
}

// --- Events --------------------------------------------------------------------------------------

// A SIGTRAP that one of our breakpoints raised.
static bool take_hit(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	struct user_regs_struct regs;
	if (ptrace(PTRACE_GETREGS, thread->tid, NULL, &regs))
		return true; // it is being killed
	struct ptrace_breakpoint *breakpoint = ptrace_breakpoints_find(worker, regs.rip - 1);
	// Behind an instruction of one byte a thread may stand that was sent a SIGTRAP.
	if (!breakpoint || (breakpoint->step.insn.size == 1 && !is_int3(thread->tid)))
		return false;
	regs.rip--;
	if (!breakpoint->is_written) { // taken off meanwhile: it is executed now
		ptrace(PTRACE_POKEUSER, thread->tid, offsetof(struct user, regs.rip), regs.rip);
		ptrace_threads_resume(worker, thread, 0);
		return true;
	}
	ptrace_hit_prepare(worker, thread, breakpoint, &regs);
	if (thread->kind == PTRACE_THREAD)
		ptrace_hit_record(worker, thread, breakpoint, &regs);
	ptrace_stepping_begin(worker, thread, breakpoint, &regs);
	return true;
}

static void on_signal(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig)
{
	if (thread->stepping) {
		ptrace_stepping_signal(worker, thread, sig);
		return;
	}
	if (sig == SIGTRAP && thread->owes_trap && !is_int3(thread->tid)) {
		thread->owes_trap = false;
		ptrace_threads_resume(worker, thread, 0);
		return;
	}
	if (sig != SIGTRAP || !take_hit(worker, thread))
		ptrace_threads_resume(worker, thread, sig);
}

static void on_stop(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig)
{
	bool is_group_stop = sig != SIGTRAP;
	worker->is_held &= is_group_stop;
	if (thread->kind == PTRACE_NEWBORN) {
		thread->is_stopped = true;
		if (status_number(thread->tid, "Tgid") == worker->pid)
			guess_kind(worker, thread);
		return;
	}
	if (thread->kind == PTRACE_COPY) {
		begin_life(worker, thread);
		return;
	}
	if (thread->stepping && ptrace_stepping_stop(worker, thread, is_group_stop))
		return;
	if (is_group_stop && !worker->is_leaving)
		ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL);
	else
		ptrace_threads_resume(worker, thread, 0);
}

// The thread runs another program now, in memory of its own, where nothing is of us. All other threads of its
// process are gone, without a word.
static void on_exec(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	pid_t tid = thread->tid;
	bool is_target = tid == worker->pid;
	ptrace(PTRACE_DETACH, tid, NULL, NULL);
	forget(worker, thread);
	if (!is_target)
		return;
	struct ptrace_thread *next;
	HASH_ITER (hh, worker->threads, thread, next)
		if (thread->kind == PTRACE_THREAD)
			forget(worker, thread);
	worker->shared->has_ended = 1;
}

void ptrace_threads_event(struct ptrace_worker *worker, pid_t tid, int status)
{
	struct ptrace_thread *thread = find(worker, tid);
	if (!WIFSTOPPED(status)) {
		if (thread)
			forget(worker, thread);
		if (tid == worker->pid)
			worker->shared->has_ended = 1;
		return;
	}
	if (!thread)
		thread = add(worker, tid, PTRACE_NEWBORN);
	if (!thread) { // no memory: it must not stay stopped
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
		return;
	}
	int event = status >> 16;
	switch (event) {
	case 0:
		on_signal(worker, thread, WSTOPSIG(status));
		break;
	case PTRACE_EVENT_STOP:
		on_stop(worker, thread, WSTOPSIG(status));
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_birth(worker, thread, event);
		break;
	case PTRACE_EVENT_EXEC:
		on_exec(worker, thread);
		break;
	default:
		ptrace_threads_resume(worker, thread, 0);
		break;
	}
}
