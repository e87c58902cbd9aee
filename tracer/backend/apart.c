// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool is_kept(const struct apart_options *options, int socket, int fd)
{
	for (size_t i = 0; i < options->num_keep; i++)
		if (options->keep[i] == fd)
			return true;
	return fd == socket;
}

// Closes all descriptors except those that are kept, and opens /dev/null as the standard ones, so
// that what a library writes there goes to no other file.
static void close_others(const struct apart_options *options, int socket)
{
	int last = socket;
	for (size_t i = 0; i < options->num_keep; i++)
		if (options->keep[i] > last)
			last = options->keep[i];
	syscall(SYS_close_range, last + 1, ~0u, 0);
	for (int fd = 0; fd < last; fd++)
		if (!is_kept(options, socket, fd))
			close(fd);
	int null = open("/dev/null", O_RDONLY); // for writing, it may be refused
	for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
		if (!is_kept(options, socket, fd) && fd != null)
			dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

// If memory runs out, the kernel should kill another process: this one has something to undo.
static void outlive_others(void)
{
	CLEANUP_CLOSE int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t len = file < 0 ? 0 : write(file, "-1000", 5);
	(void)len; // fails without privileges
}

struct error *apart_start(const struct apart_options *options, struct apart *out)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return error_errno(errno, "socketpair");
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		prctl(PR_SET_NAME, options->name);
		close_others(options, ends[1]);
		outlive_others();
		error_free(privileges_keep(options->privileges)); // it must run in any case
		options->run(options->context, ends[1]);
		_exit(0);
	}
	int errnum = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return error_errno(errnum, "fork");
	}
	*out = (struct apart){.pid = pid, .socket = ends[0]};
	return NULL;
}

void apart_stop(const struct apart *apart)
{
	if (apart->socket >= 0)
		shutdown(apart->socket, SHUT_RDWR);
}

void apart_end(struct apart *apart)
{
	if (apart->socket >= 0)
		close(apart->socket);
	while (apart->pid > 0 && waitpid(apart->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*apart = APART_NONE;
}
