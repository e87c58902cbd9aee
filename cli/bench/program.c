// SPDX-License-Identifier: GPL-2.0-or-later
// Measures the user's own program from its first instruction to its end, with and without a tracer.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "tracer/backend/backend.h"
#include "tracer/plan/plan.h"

struct run {		  // one run of the program
	double wall, cpu; // seconds
	uint64_t kept, lost;
	double tracer_ns; // the tracer's CPU time
	int status;	  // as waitpid reports it
};

// If gotrace's standard input is a file, each run reads it from the beginning. The program's
// standard error is shown only for the first run.
static void become_program(char **argv, bool is_first)
{
	struct stat input;
	bool is_file = !fstat(STDIN_FILENO, &input) && S_ISREG(input.st_mode);
	int in = open(is_file ? "/proc/self/fd/0" : "/dev/null", O_RDONLY);
	int null = open("/dev/null", O_RDWR);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in < 0 ? null : in, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (!is_first)
		dup2(null, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
		execvp(argv[0], argv);
	_exit(127);
}

// Starts the program and leaves it stopped at its first instruction, without a tracer.
static struct error *start_stopped(char **argv, bool is_first, pid_t *out)
{
	pid_t pid = fork();
	if (pid < 0)
		return error_errno(errno, "fork");
	if (!pid)
		become_program(argv, is_first);
	int status;
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return error_new("%s cannot be started", argv[0]);
	if (ptrace(PTRACE_DETACH, pid, NULL, (void *)SIGSTOP) ||
	    waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return error_new("%s cannot be held at its start", argv[0]);
	}
	*out = pid;
	return NULL;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

// Waits until a child ends. If gotrace gets a signal, it sends ends_by to the child; a second
// signal kills the child.
static int wait_for_end(pid_t pid, int ends_by, struct rusage *usage)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t blocked, before;
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaddset(&blocked, ends[i]);
	sigprocmask(SIG_BLOCK, &blocked, &before); // ppoll unblocks them, so that none is missed
	CLEANUP_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = {.fd = fd, .events = POLLIN};
	while (fd >= 0 && !cli_signal && ppoll(&end, 1, NULL, &before) < 0 && errno == EINTR)
		;
	if (cli_signal)
		kill(pid, ends_by);
	sigprocmask(SIG_SETMASK, &before, NULL);
	int status = 0;
	while (wait4(pid, &status, 0, usage) < 0 && errno == EINTR)
		kill(pid, SIGKILL);
	return status;
}

static struct error *run_once(const struct bench *bench, const struct bench_variant *variant,
			      bool is_first, struct run *out)
{
	char said[64];
	struct error *err = bench_file_create(said, sizeof(said));
	if (err)
		return err;
	pid_t pid = 0, tracer = 0;
	err = start_stopped(bench->options->program, is_first, &pid);
	if (err) {
		unlink(said);
		return err;
	}
	if (variant->kind != BENCH_UNTRACED)
		err = bench_start_gotrace(variant, pid, (const char **)bench->options->patterns,
					  bench->options->num_patterns, said, &tracer);
	if (err && tracer) {
		bench_end(tracer);
		tracer = 0;
	}
	if (err || cli_signal)
		kill(pid, SIGKILL);
	uint64_t ready_ns = tracer ? bench_cpu_of(tracer) : 0;
	uint64_t start = clock_now();
	kill(pid, SIGCONT);
	struct rusage usage = {0}, tracer_usage = {0};
	out->status = wait_for_end(pid, SIGKILL, &usage);
	out->wall = (double)(clock_now() - start) / 1e9;
	out->cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
	if (tracer) {
		wait_for_end(tracer, SIGINT, &tracer_usage);
		out->kept = bench_kept(said, variant->has_return, &out->lost);
		double all_ns =
			1e9 * (seconds(tracer_usage.ru_utime) + seconds(tracer_usage.ru_stime));
		out->tracer_ns = fmax(all_ns - (double)ready_ns, 0);
	}
	unlink(said);
	return err;
}

// Adds a run's results to its row. expected is the status of the untraced program.
static void take_run(struct bench *bench, struct bench_row *row, const struct run *run,
		     int expected, uint64_t round)
{
	const struct bench_row *untraced = &bench->rows[0];
	row->wall[round] = run->wall;
	row->cpu[round] = run->cpu;
	row->kept += run->kept;
	row->lost += run->lost;
	row->made[round] = run->kept + run->lost;
	row->survived &= run->status == expected;
	row->tracer_ns += run->tracer_ns;
	row->measured_ns += run->wall * 1e9;
	row->ratios[round] = row == untraced ? 1 : run->wall / untraced->wall[round];
	if (row == untraced)
		row->ns[round] = 0;
	else if (row->made[round])
		row->ns[round] =
			(run->wall - untraced->wall[round]) * 1e9 / (double)row->made[round];
}

static void compare_to_ptrace(struct bench *bench, uint64_t round)
{
	for (size_t i = 1; i < bench->num_rows; i++) {
		struct bench_row *row = &bench->rows[i];
		const struct bench_row *ptrace =
			bench_find_kind(bench, row, BENCH_PTRACE, row->has_return);
		double cost = ptrace ? ptrace->ns[round] : NAN;
		row->of_ptrace[round] =
			cost > 0 && row->ns[round] > 0 ? row->ns[round] / cost : NAN;
	}
}

static struct error *add_rows(struct bench *bench)
{
	bench->rows = calloc(bench_num_variants, sizeof(*bench->rows));
	if (!bench->rows)
		return error_nomem();
	const char *slash = strrchr(bench->options->program[0], '/');
	for (size_t i = 0; i < bench_num_variants; i++) {
		const struct bench_variant *variant = &bench_variants[i];
		if (!variant->is_for_programs)
			continue;
		struct bench_row *row = &bench->rows[bench->num_rows++];
		bench_row_init(row, variant);
		row->workload = slash ? slash + 1 : bench->options->program[0];
		row->description =
			"a whole program: its wall and CPU time, and the cost of a traced call";
		row->is_left_out = variant->kind == BENCH_PTRACE && !backend_find("ptrace");
	}
	return NULL;
}

// Checks, before anything is run, that the program exists and that the patterns match functions.
static struct error *check(const struct bench_options *options)
{
	char path[PATH_MAX];
	if (!bench_find_program(options->program[0], path, sizeof(path)))
		return error_new("%s: there is no such program", options->program[0]);
	struct index *index;
	struct error *err = index_open(path, options->program[0], "", &index);
	if (err)
		return err;
	struct selection selection;
	err = select_functions(index, options->patterns, options->num_patterns, &selection);
	if (!err)
		selection_deinit(&selection);
	index_close(index);
	return err;
}

struct error *bench_program(struct bench *bench)
{
	int status = 0; // the untraced program's
	bench->is_program = true;
	struct error *err = check(bench->options);
	if (!err)
		err = add_rows(bench);
	for (uint64_t round = 0; !err && round < bench->options->rounds && !cli_signal; round++) {
		for (size_t i = 0; !err && i < bench->num_rows && !cli_signal; i++) {
			struct bench_row *row = &bench->rows[i];
			struct run run = {0};
			if (row->is_left_out)
				continue;
			bench_progress(bench, round, row);
			struct error *failed = run_once(bench, row->variant, !round && !i, &run);
			if (!i)
				status = run.status;
			if (failed && !i)
				err = failed;
			else if (failed)
				bench_leave_out(row, failed);
			else if (!cli_signal)
				take_run(bench, row, &run, status, round);
		}
		if (!err && !cli_signal) {
			compare_to_ptrace(bench, round);
			bench->rounds = round + 1;
		}
	}
	bench_progress(bench, 0, NULL);
	if (!err && bench->rounds)
		bench_program_note(bench, status);
	return err;
}
