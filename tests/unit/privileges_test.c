// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tracer/backend/privileges.h"

// Executes the check in a child that keeps these privileges. Returns its exit status.
static int status_with(enum privileges privileges, int (*check)(void))
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(privileges_keep(privileges) ? 100 : check());
	int status = -1;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_refused(long result)
{
	return result == -1 && errno == EPERM;
}

// Returns 0, or the number of the first check that failed.
static int check_refused(void)
{
	enum { X32 = 0x40000000 };
	static char *const argv[] = {"true", NULL};
	const bool refused[] = {
		is_refused(execv("/bin/true", argv)),
		is_refused(socket(AF_INET, SOCK_STREAM, 0)),
		is_refused(unshare(CLONE_NEWUSER)),
		is_refused(syscall(SYS_clone, CLONE_NEWUSER, NULL, NULL, NULL, 0)),
		is_refused(syscall(SYS_io_uring_setup, 1, NULL)),
		mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
				MAP_FAILED &&
			errno == EPERM,
		is_refused(syscall(X32 | SYS_getpid)),
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (!refused[i])
			return (int)i + 1;
	return 0;
}

static int check_writes_refused(void)
{
	return !is_refused(open("/dev/null", O_WRONLY)) + !is_refused(open("/dev/null", O_RDWR)) +
	       !is_refused(syscall(SYS_open, "/dev/null", O_RDWR)) +
	       !is_refused(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static void *do_nothing(void *context)
{
	return context;
}

// What a trace needs: files, memory, threads, sockets to processes of gotrace, and such processes.
static int check_permitted(void)
{
	int ends[2], status = -1;
	bool can_read = open("/dev/null", O_RDONLY) >= 0;
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool has_sockets = !socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
	pthread_t thread;
	bool has_threads = !pthread_create(&thread, NULL, do_nothing, NULL);
	if (has_threads)
		pthread_join(thread, NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	waitpid(pid, &status, 0);
	return !can_read + (memory == MAP_FAILED) + !has_sockets + !has_threads +
	       !(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static int check_tracer(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	bool can_trace = !ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	bool can_write = open("/dev/null", O_RDWR) >= 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return !can_trace + !can_write;
}

static int check_execs(void)
{
	static char *const argv[] = {"true", NULL};
	execv("/bin/true", argv);
	return 1;
}

static void refuses_what_a_trace_never_needs(void **state)
{
	(void)state;
	assert_int_equal(status_with(PRIVILEGES_TRACE, check_refused), 0);
	assert_int_equal(status_with(PRIVILEGES_PTRACE, check_refused), 0);
	assert_int_equal(status_with(PRIVILEGES_TRACE, check_writes_refused), 0);
}

static void permits_what_it_needs(void **state)
{
	(void)state;
	assert_int_equal(status_with(PRIVILEGES_TRACE, check_permitted), 0);
	assert_int_equal(status_with(PRIVILEGES_PTRACE, check_permitted), 0);
	assert_int_equal(status_with(PRIVILEGES_PTRACE, check_tracer), 0);
	assert_int_equal(status_with(PRIVILEGES_SHELL, check_execs), 0);
	assert_int_equal(status_with(PRIVILEGES_NONE, check_execs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_a_trace_never_needs),
		cmocka_unit_test(permits_what_it_needs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
