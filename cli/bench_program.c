// SPDX-License-Identifier: GPL-2.0-or-later
// The user's own program, from its first instruction to its end, with and without a tracer.
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "tracer/backend/backend.h"

struct run {		  // one run of the program
	double wall, cpu; // seconds
	uint64_t kept;
	double tracer_ns;
};

static const struct bench_variant program_variants[] = {
	{"untraced", BENCH_UNTRACED, false, {0}, NULL, NULL},
	{"ebpf entry", BENCH_EBPF, false, {"--no-return", "--no-args"}, NULL, NULL},
	{"ebpf entry+return", BENCH_EBPF, true, {"--no-args", "--depth", "0"}, NULL, NULL},
	{"ebpf depth 2", BENCH_EBPF, true, {"--depth", "2"}, NULL, NULL},
	{"ptrace entry", BENCH_PTRACE, false, {"--no-return", "--no-args"}, NULL, NULL},
	{"ptrace entry+return", BENCH_PTRACE, true, {"--no-args", "--depth", "0"}, NULL, NULL},
};
enum { NUM_PROGRAM_VARIANTS = sizeof(program_variants) / sizeof(*program_variants) };

// Starts the program and leaves it stopped at its first instruction, traced by nobody.
static struct error *start_stopped(char **argv, pid_t *out)
{
	pid_t pid = fork();
	if (pid < 0)
		return error_errno(errno, "fork");
	if (!pid) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			execvp(argv[0], argv);
		_exit(127);
	}
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

static struct error *start_tracer(const struct bench *bench, const struct bench_variant *variant,
				  pid_t pid, const char *said, pid_t *out)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", (int)pid);
	const char *first[] = {"/proc/self/exe",
			       "attach",
			       number,
			       "-o",
			       "/dev/null",
			       "--format",
			       "lines",
			       "--backend",
			       variant->kind == BENCH_EBPF ? "ebpf" : "ptrace"};
	enum { FIRST = sizeof(first) / sizeof(*first), OPTIONS = 6 };
	size_t num = FIRST;
	CLEANUP_FREE const char **argv =
		calloc(FIRST + OPTIONS + bench->options->num_patterns + 1, sizeof(*argv));
	if (!argv)
		return error_nomem();
	memcpy(argv, first, sizeof(first));
	for (size_t i = 0; variant->options[i]; i++)
		argv[num++] = variant->options[i];
	for (size_t i = 0; i < bench->options->num_patterns; i++)
		argv[num++] = bench->options->patterns[i];
	struct error *err = bench_spawn((char *const *)argv, said, out);
	if (!err)
		err = bench_wait_traces(*out, said);
	if (err && *out) {
		bench_end(*out);
		*out = 0;
	}
	return err;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static struct error *run_once(const struct bench *bench, const struct bench_variant *variant,
			      struct run *out)
{
	char said[64];
	snprintf(said, sizeof(said), "/tmp/gotrace-bench-%d", (int)getpid());
	pid_t pid = 0, tracer = 0;
	struct error *err = start_stopped(bench->options->program, &pid);
	if (err)
		return err;
	if (variant->kind != BENCH_UNTRACED)
		err = start_tracer(bench, variant, pid, said, &tracer);
	if (err || cli_signal)
		kill(pid, SIGKILL);
	uint64_t start = bench_now_ns();
	kill(pid, SIGCONT);
	struct rusage usage = {0}, tracer_usage = {0};
	while (wait4(pid, NULL, 0, &usage) < 0 && errno == EINTR)
		kill(pid, SIGKILL);
	out->wall = (double)(bench_now_ns() - start) / 1e9;
	out->cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
	if (tracer) {
		while (wait4(tracer, NULL, 0, &tracer_usage) < 0 && errno == EINTR)
			kill(tracer, SIGINT);
		out->kept = bench_kept(said, variant->has_return);
		out->tracer_ns =
			1e9 * (seconds(tracer_usage.ru_utime) + seconds(tracer_usage.ru_stime));
	}
	unlink(said);
	return err;
}

static void take_run(struct bench *bench, struct bench_row *row, const struct run *run,
		     uint64_t round)
{
	const struct bench_row *untraced = &bench->rows[0];
	row->wall[round] = run->wall;
	row->cpu[round] = run->cpu;
	row->kept += run->kept;
	row->calls += run->kept;
	row->tracer_ns += run->tracer_ns;
	row->measured_ns += run->wall * 1e9;
	row->ratios[round] = row == untraced ? 1 : run->wall / untraced->wall[round];
	if (row == untraced)
		row->ns[round] = 0;
	else if (run->kept)
		row->ns[round] = (run->wall - untraced->wall[round]) * 1e9 / (double)run->kept;
}

static void compare_to_ptrace(struct bench *bench, uint64_t round)
{
	for (size_t i = 0; i < bench->num_rows; i++) {
		const struct bench_row *ptrace = &bench->rows[bench->rows[i].has_return ? 5 : 4];
		double cost = ptrace->ns[round];
		bench->rows[i].of_ptrace[round] = i && !ptrace->is_left_out && cost > 0
							  ? bench->rows[i].ns[round] / cost
							  : NAN;
	}
}

static struct error *add_rows(struct bench *bench)
{
	bench->rows = calloc(NUM_PROGRAM_VARIANTS, sizeof(*bench->rows));
	if (!bench->rows)
		return error_nomem();
	const char *slash = strrchr(bench->options->program[0], '/');
	for (size_t i = 0; i < NUM_PROGRAM_VARIANTS; i++) {
		const struct bench_variant *variant = &program_variants[i];
		struct bench_row *row = &bench->rows[bench->num_rows++];
		row->workload = slash ? slash + 1 : bench->options->program[0];
		row->name = variant->name;
		row->kind = variant->kind;
		row->has_return = variant->has_return;
		row->survived = true;
		row->is_left_out = variant->kind == BENCH_PTRACE && !backend_find("ptrace");
		for (size_t j = 0; j < BENCH_ROUNDS_MAX; j++)
			row->ns[j] = row->wall[j] = row->cpu[j] = row->of_floor[j] = NAN;
	}
	return NULL;
}

struct error *bench_program(struct bench *bench)
{
	struct error *err = add_rows(bench);
	bench->is_program = true;
	for (uint64_t round = 0; !err && round < bench->options->rounds && !cli_signal; round++) {
		for (size_t i = 0; !err && i < bench->num_rows && !cli_signal; i++) {
			struct run run = {0};
			if (bench->rows[i].is_left_out)
				continue;
			bench_progress(bench, round, &bench->rows[i]);
			struct error *failed = run_once(bench, &program_variants[i], &run);
			if (failed && !i)
				err = failed;
			else if (failed)
				bench_leave_out(&bench->rows[i], failed);
			else if (!cli_signal)
				take_run(bench, &bench->rows[i], &run, round);
		}
		if (!err && !cli_signal) {
			compare_to_ptrace(bench, round);
			bench->rounds = round + 1;
		}
	}
	bench_progress(bench, 0, NULL);
	return err;
}
