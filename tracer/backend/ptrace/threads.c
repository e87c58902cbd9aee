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
	NEWBORN_TICKS_MAX = 8, // after these, its parent will never report it
	MOMENT_MS = 50,
	RIVAL_MS = 2000, // another gotrace that is about to end has detached by then
	LEAVE_MS = 2000, // a thread that has not stopped by then is blocked in the kernel
	PENDING = 16,	 // pending signals that are checked
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
	if (thread->hh.tbl)
		return thread;
	free(thread);
	return NULL;
}

static void forget(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	ptrace_stepping_forget(worker, thread);
	HASH_DEL(worker->threads, thread);
	free(thread);
}

// The number after "KEY:" in /proc/TID/status; -1 if there is none.
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

// Seizes one thread. Returns 1 if it was new, 0 if it was known already or is gone, -1 with errno
// if refused.
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
	else if (errnum == EPERM || errnum == EACCES) // of ptrace, or writing /proc/PID/mem
		snprintf(
			reply->message, sizeof(reply->message),
			"%d may not be traced by ptrace: run gotrace as root, or with CAP_SYS_PTRACE and "
			"CAP_DAC_OVERRIDE (\"gotrace doctor\" says more)",
			(int)worker->pid);
	else
		snprintf(reply->message, sizeof(reply->message), "%d: ptrace: %s", (int)worker->pid,
			 strerror(errnum));
}

// Seizes all threads that exist now. Returns how many were new, or -1 with errno.
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

// True if the target may be free for us soon: for RIVAL_MS while the worker of another gotrace is
// its tracer, which detaches if its front was killed, and for MOMENT_MS if no other tracer is
// known.
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

// Waits a moment, and handles events of the threads that are already seized, so that these go on.
static void wait_a_moment(struct ptrace_worker *worker)
{
	int status;
	usleep(1000);
	for (pid_t tid = waitpid(-1, &status, __WALL | WNOHANG); tid > 0;
	     tid = waitpid(-1, &status, __WALL | WNOHANG))
		ptrace_threads_event(worker, tid, status);
}

// The memory may be open for reading only, which takes fewer capabilities.
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
	// From now on, an exec of the target is reported. If the target executed another program
	// before that, worker->mem is no longer its memory.
	bool is_there = target_code_is_there(worker->mem, worker->shared->addrs[0]);
	if (num == 0 && worker->threads && can_write(worker) && is_there)
		return true;
	ptrace_threads_leave(worker);
	say_refused(worker, is_there ? errnum : ESRCH, reply);
	return false;
}

// --- Detaching -----------------------------------------------------------------------------------

static bool is_trap(pid_t tid)
{
	siginfo_t info;
	return !ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) && info.si_signo == SIGTRAP &&
	       info.si_code == TRAP_SI_CODE;
}

// True if a SIGTRAP that the target must not see is pending: the thread has executed a breakpoint
// of ours or a single step, but stopped for another reason first.
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
		} else if (thread->kind != PTRACE_NEWBORN) { // waits for a slot, at a breakpoint
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
		return; // they are detached when they stop, or when this process ends
	worker->is_attached = false;
	ptrace_breakpoints_clear(worker);
}

// --- Births --------------------------------------------------------------------------------------

// Continues a newborn thread that has stopped, and whose kind is known now.
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
	uint64_t flags = thread_clone_flags(parent->tid, event == PTRACE_EVENT_VFORK);
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

// Finds the kind of a newborn thread without its parent's event, e.g. if the parent died before.
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

// Handles a SIGTRAP that one of our breakpoints raised. False if it was not raised by one.
static bool take_hit(struct ptrace_worker *worker, struct ptrace_thread *thread)
{
	struct user_regs_struct regs;
	if (!thread_get(thread->tid, &regs))
		return true; // the thread is being killed
	unsigned long long *pc = thread_pc(&regs);
	struct ptrace_breakpoint *breakpoint = ptrace_breakpoints_find(worker, *pc - TRAP_AFTER);
	// The PC may also be after a breakpoint because the thread has stepped over an instruction
	// of this size, and was then sent a SIGTRAP.
	if (!breakpoint || (breakpoint->step.size == TRAP_AFTER && !is_trap(thread->tid)))
		return false;
	*pc = breakpoint->addr;
	if (!breakpoint->is_written) { // removed meanwhile: execute the original instruction
		thread_set_pc(thread->tid, breakpoint->addr);
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
	if (sig == SIGTRAP && thread->owes_trap && !is_trap(thread->tid)) {
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

// The thread executes another program now, in new memory without our breakpoints. All other threads
// of its process have ended, and no event reports that.
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
	if (!thread) { // out of memory: the thread must not stay stopped
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
