// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a tracer together with the target, and starts and ends it as a user would.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "tracer/backend/ebpf/floor.h"

enum {
	READY_TIMEOUT_MS = 20000,
	END_TIMEOUT_MS = 15000,
	SETTLE_MS = 200, // a peer may still be busy after it has set its first breakpoint
	CPU_DEPTH = 2,	 // levels of child processes whose CPU time counts
};

// --- Processes -----------------------------------------------------------------------------------

struct error *bench_file_create(char *path, size_t size)
{
	snprintf(path, size, "/tmp/gotrace-bench-XXXXXX");
	CLEANUP_CLOSE int fd = mkostemp(path, O_CLOEXEC);
	return fd < 0 ? error_errno(errno, "%s", path) : NULL;
}

// Starts a command with its output in the file at path said. The command gets SIGINT when gotrace
// ends.
static struct error *spawn(char *const *argv, const char *said, pid_t *out)
{
	CLEANUP_CLOSE int fd = open(said, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return error_errno(errno, "%s", said);
	pid_t pid = fork();
	if (pid < 0)
		return error_errno(errno, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGINT);
		setpgid(0, 0);
		int null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], argv);
		_exit(127);
	}
	*out = pid;
	return NULL;
}

static bool ends_within(pid_t pid, unsigned int ms)
{
	for (unsigned int waited = 0; waited < ms; waited += 2) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return true;
		bench_sleep_ms(2);
	}
	return false;
}

void bench_end(pid_t pid)
{
	kill(pid, SIGINT);
	if (ends_within(pid, END_TIMEOUT_MS))
		return;
	cli_say("a tracer does not end after %d seconds: it is killed", END_TIMEOUT_MS / 1000);
	kill(-pid, SIGKILL); // the tracer and all that it has started
	waitpid(pid, NULL, 0);
}

static uint64_t cpu_below(pid_t pid, int depth)
{
	char path[300];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	if (!tasks)
		return 0;
	uint64_t sum = 0;
	for (struct dirent *task; (task = readdir(tasks));) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, task->d_name);
		CLEANUP_FREE char *stat = bench_read(path);
		sum += stat ? strtoull(stat, NULL, 10) : 0;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, task->d_name);
		CLEANUP_FREE char *children = bench_read(path);
		char *next = children;
		for (long child; depth > 0 && next && (child = strtol(next, &next, 10)) > 0;)
			sum += cpu_below((pid_t)child, depth - 1);
	}
	closedir(tasks);
	return sum;
}

uint64_t bench_cpu_of(pid_t pid)
{
	return cpu_below(pid, CPU_DEPTH);
}

// --- Starting ------------------------------------------------------------------------------------

// An error with the last two lines of a tracer's output, because the reason is often in the first.
static struct error *ended_early(const char *said)
{
	CLEANUP_FREE char *text = bench_read(said);
	const char *lines[2] = {NULL, NULL};
	static const char own[] = "gotrace: ";
	char *rest = text;
	for (char *line; rest && (line = strsep(&rest, "\n"));) {
		if (!*line)
			continue;
		lines[0] = lines[1];
		lines[1] = strncmp(line, own, strlen(own)) ? line : line + strlen(own);
	}
	if (!lines[1])
		return error_new("it ended at once and said nothing");
	if (!lines[0])
		return error_new("%s", lines[1]);
	return error_new("%s; %s", lines[0], lines[1]);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

// Waits until a tracer is ready. function NULL: it is a gotrace, which is ready when its output
// says so. Otherwise it is a peer, which is ready when there is a breakpoint in the function.
static struct error *wait_ready(pid_t pid, const char *said, const struct bench_function *function,
				pid_t target)
{
	for (unsigned int waited = 0; waited < READY_TIMEOUT_MS && !cli_signal; waited += 2) {
		if (has_ended(pid))
			return ended_early(said);
		if (function && !bench_function_is_bare(function, target)) {
			bench_sleep_ms(SETTLE_MS);
			return has_ended(pid) ? ended_early(said) : NULL;
		}
		CLEANUP_FREE char *text = function ? NULL : bench_read(said);
		const char *word = text ? strstr(text, "gotrace: tracing ") : NULL;
		if (word && strchr(word, '\n'))
			return NULL;
		bench_sleep_ms(2);
	}
	return error_new("it is not ready after %d seconds", READY_TIMEOUT_MS / 1000);
}

static struct error *start_floor(struct bench_tracer *tracer, const struct bench_function *function,
				 pid_t pid)
{
	unsigned long sites[64];
	size_t num = function->num_entries;
	memcpy(sites, function->entries, num * sizeof(*sites));
	if (tracer->variant->has_return) {
		memcpy(sites + num, function->returns, function->num_returns * sizeof(*sites));
		num += function->num_returns;
	}
	char exe[32];
	snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)pid);
	return floor_probes_create(pid, exe, sites, num, &tracer->floor);
}

struct error *bench_start_gotrace(const struct bench_variant *variant, pid_t pid,
				  const char *const *patterns, size_t num_patterns,
				  const char *said, pid_t *out)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", (int)pid);
	const char *first[] = {"/proc/self/exe",
			       variant->command ? variant->command : "attach",
			       number,
			       "-o",
			       "/dev/null",
			       "--backend",
			       variant->kind == BENCH_EBPF ? "ebpf" : "ptrace",
			       "--format",
			       variant->command ? "text" : "lines"};
	size_t num = sizeof(first) / sizeof(*first);
	CLEANUP_FREE const char **argv =
		calloc(num + 1 + BENCH_WORDS + num_patterns + 1, sizeof(*argv));
	if (!argv)
		return error_nomem();
	memcpy(argv, first, sizeof(first));
	if (!variant->command)
		argv[num++] = "--all";
	for (size_t i = 0; i < BENCH_WORDS && variant->words[i]; i++)
		argv[num++] = variant->words[i];
	memcpy(argv + num, patterns, num_patterns * sizeof(*patterns));
	struct error *err = spawn((char *const *)argv, said, out);
	return err ? err : wait_ready(*out, said, NULL, 0);
}

static struct error *start_peer(struct bench_tracer *tracer, const struct bench_function *function,
				pid_t pid)
{
	struct text words[BENCH_WORDS] = {0};
	char *argv[BENCH_WORDS + 1] = {NULL};
	struct error *err = bench_peer_prepare(tracer, function, pid, words);
	for (size_t i = 0; i < BENCH_WORDS; i++)
		argv[i] = words[i].data;
	if (!err)
		err = spawn(argv, tracer->said, &tracer->pid);
	for (size_t i = 0; i < BENCH_WORDS; i++)
		text_deinit(&words[i]);
	return err ? err : wait_ready(tracer->pid, tracer->said, function, pid);
}

struct error *bench_tracer_start(struct bench_tracer *tracer, const struct bench_variant *variant,
				 const struct bench_function *function, pid_t pid)
{
	*tracer = (struct bench_tracer){.variant = variant};
	struct error *err = bench_file_create(tracer->said, sizeof(tracer->said));
	if (err)
		return err;
	if (variant->kind == BENCH_FLOOR)
		err = start_floor(tracer, function, pid);
	else if (variant->kind == BENCH_EBPF || variant->kind == BENCH_PTRACE)
		err = bench_start_gotrace(variant, pid, &(const char *){function->name}, 1,
					  tracer->said, &tracer->pid);
	else if (variant->kind == BENCH_PEER)
		err = start_peer(tracer, function, pid);
	if (err) {
		uint64_t kept;
		bench_tracer_stop(tracer, &kept);
	} else if (tracer->pid) {
		tracer->cpu_ns = bench_cpu_of(tracer->pid);
	}
	return err;
}

uint64_t bench_tracer_cpu(struct bench_tracer *tracer)
{
	if (!tracer->pid)
		return 0;
	enum { QUIET_NS = 200000, STEP_MS = 10, STEPS = 200 };
	uint64_t now = bench_cpu_of(tracer->pid);
	for (int i = 0; i < STEPS; i++) {
		bench_sleep_ms(STEP_MS);
		uint64_t before = now;
		now = bench_cpu_of(tracer->pid);
		if (now < before + QUIET_NS)
			break;
	}
	return now > tracer->cpu_ns ? now - tracer->cpu_ns : 0;
}

// --- Ending --------------------------------------------------------------------------------------

uint64_t bench_kept(const char *said, bool has_return, uint64_t *lost)
{
	CLEANUP_FREE char *text = bench_read(said);
	struct bench_summary summary = bench_read_summary(text ? text : "");
	*lost = summary.lost;
	return has_return && summary.returns < summary.calls ? summary.returns : summary.calls;
}

// The number of calls that a peer recorded: its lines with the variant's mark, or perf's own count.
static uint64_t kept_by_peer(const struct bench_tracer *tracer)
{
	CLEANUP_FREE char *text = bench_read(tracer->said);
	const char *mark = tracer->variant->mark;
	uint64_t num = 0;
	if (!text)
		return 0;
	if (!mark) {
		const char *place = strstr(text, " samples)");
		while (place && place > text && place[-1] != '(')
			place--;
		return place ? strtoull(place, NULL, 10) : 0;
	}
	for (const char *line = text; *line;) {
		num += !strncmp(line, mark, strlen(mark));
		const char *next = strchr(line, '\n');
		if (!next)
			break;
		line = next + 1;
	}
	return num;
}

void bench_tracer_stop(struct bench_tracer *tracer, uint64_t *kept)
{
	*kept = 0;
	floor_probes_destroy(tracer->floor);
	tracer->floor = NULL;
	if (tracer->pid) {
		uint64_t lost;
		bench_end(tracer->pid);
		*kept = tracer->variant->kind == BENCH_PEER
				? kept_by_peer(tracer)
				: bench_kept(tracer->said, tracer->variant->has_return, &lost);
	}
	tracer->pid = 0;
	bench_peer_clean(tracer);
	if (tracer->said[0] && !getenv("GOTRACE_DEBUG"))
		unlink(tracer->said);
}
