// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/backend/ptrace/ptrace.h"

enum {
	TICK_US = 20000, // the longest delay of a signal that arrives just before waitpid
	LOOK_EVERY = 64, // events between checks of the socket, for the front's end
};

enum news { NEWS_NONE, NEWS_COMMAND, NEWS_END };

// --- The front -----------------------------------------------------------------------------------

// Waits at most timeout_ms (-1: for ever) for a command or the end of the front.
static enum news look(struct ptrace_worker *worker, int timeout_ms, struct ptrace_command *command)
{
	struct pollfd front = {.fd = worker->socket, .events = POLLIN};
	if (poll(&front, 1, timeout_ms) <= 0)
		return NEWS_NONE;
	ssize_t len = recv(worker->socket, command, sizeof(*command), MSG_DONTWAIT);
	if (len == sizeof(*command))
		return NEWS_COMMAND;
	return len < 0 && (errno == EAGAIN || errno == EINTR) ? NEWS_NONE : NEWS_END;
}

// Executes a command and replies. False if it was the last one, or the front is gone.
static bool obey(struct ptrace_worker *worker, const struct ptrace_command *command)
{
	struct ptrace_reply reply = {0};
	worker->commands++;
	switch (command->kind) {
	case PTRACE_ARM:
		if (ptrace_threads_seize(worker, &reply))
			ptrace_breakpoints_arm(worker, &reply);
		break;
	case PTRACE_REPAIR:
		ptrace_breakpoints_repair(worker);
		break;
	case PTRACE_DISARM:
		ptrace_breakpoints_disarm(worker);
		ptrace_hit_forget(worker);
		break;
	case PTRACE_LEAVE:
		ptrace_threads_leave(worker);
		ptrace_hit_forget(worker);
		break;
	default:
		worker->is_held = false; // the front will continue the target
		return false;
	}
	return send(worker->socket, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply);
}

// --- The loop ------------------------------------------------------------------------------------

// Waits for one event of a thread, or a tick. A hit costs half as much if the thread and the worker
// share a processor, but this is left to the kernel. If the worker is bound to the thread's
// processor, the kernel moves the thread to an idle one. Polling without sleeping takes as much
// time from the target as it saves. Binding the thread would help, but threads that it starts would
// inherit the binding, and nobody would undo it if the worker were killed.
static void follow(struct ptrace_worker *worker)
{
	int status;
	pid_t tid = waitpid(-1, &status, __WALL);
	if (tid > 0)
		ptrace_threads_event(worker, tid, status);
	else
		ptrace_threads_tick(worker);
}

static void serve(struct ptrace_worker *worker)
{
	struct ptrace_command command;
	for (uint32_t events = 0;; events++) {
		bool is_due = worker->commands != worker->shared->commands ||
			      events % LOOK_EVERY == 0 || !worker->threads;
		if (is_due) {
			enum news news = look(worker, worker->threads ? 0 : -1, &command);
			if (news == NEWS_END || (news == NEWS_COMMAND && !obey(worker, &command)))
				return;
		}
		if (worker->threads)
			follow(worker);
	}
}

static void wake_up(int sig)
{
	(void)sig; // only interrupts waitpid
}

// Ignores all signals that could end or stop the worker, because only the front decides when it
// ends. SIGALRM comes from the front and from the timer, and wakes the worker up.
static void prepare_process(void)
{
	static const int ignored[] = {SIGINT,  SIGTERM, SIGHUP,	 SIGQUIT, SIGPIPE, SIGTSTP,
				      SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGCHLD};
	struct sigaction action = {.sa_handler = SIG_IGN};
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		sigaction(ignored[i], &action, NULL);
	action.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &action, NULL); // if ignored, waitpid would not report the target's end
	action.sa_handler = wake_up;
	sigaction(SIGALRM, &action, NULL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	const struct itimerval tick = {{0, TICK_US}, {0, TICK_US}};
	setitimer(ITIMER_REAL, &tick, NULL);
}

void ptrace_worker_run(struct ptrace_shared *shared, const struct loaded *loaded, bool is_held,
		       int socket)
{
	struct ptrace_worker worker = {
		.shared = shared,
		.target = loaded->number,
		.pid = loaded->pid,
		.mem = loaded->mem,
		.socket = socket,
		.is_held = is_held,
	};
	prepare_process();
	struct error *err = ptrace_hit_init(&worker);
	if (!err)
		serve(&worker);
	error_free(err);
	ptrace_threads_leave(&worker);
	if (worker.is_held)
		kill(loaded->pid, SIGKILL); // nobody else would ever continue it
	hit_maker_destroy(worker.maker);
}
