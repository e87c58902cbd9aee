// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "tracer/plan/plan.h"
#include "tracer/target/target.h"

enum { START_TIMEOUT_MS = 10000, TUNE_TIMEOUT_MS = 10000, STOP_TIMEOUT_MS = 2000 };

static const struct bench_workload workloads[BENCH_WORKLOADS] = {
	{"leaf", "leaf", "main.leaf(a, b int) int, without a frame", 0},
	{"typical", "work", "main.work(n int, name string, p *point) int", 0},
	{"delve", "busy", "main.busy(n int, name string) int, tuned to 20 µs", 20000},
	{"server", "handle",
	 "main.handle(r *request, body []byte) (string, error), by four goroutines", 0},
};
const struct bench_workload *const bench_workloads[] = {&workloads[0], &workloads[1], &workloads[2],
							&workloads[3], NULL};

void bench_sleep_ms(unsigned int ms)
{
	struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
	nanosleep(&time, NULL);
}

// --- The bundled program -------------------------------------------------------------------------

struct error *bench_target_find(char **path)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(self, '/');
	int dir = slash ? (int)(slash - self) : 0;
	static const char *const places[] = {"%.*s/../lib/gotrace/bench-target",
					     "%.*s/bench-target", "%.*s/build/bench-target"};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		bool is_here = i + 1 == sizeof(places) / sizeof(*places);
		char *candidate;
		if (asprintf(&candidate, places[i], is_here ? 1 : dir, is_here ? "." : self) < 0)
			return error_nomem();
		if (!access(candidate, X_OK)) {
			*path = realpath(candidate, NULL);
			free(candidate);
			return *path ? NULL : error_nomem();
		}
		free(candidate);
	}
	return error_new(
		"there is no bench-target, the program to trace: build it with a Go toolchain "
		"(make bench-target GO=/path/to/go), or give a program of your own: gotrace bench "
		"PATTERN... -- PROG");
}

// Reads the next line into target->line. False if there is none in time.
static bool read_line(struct bench_target *target, unsigned int timeout_ms)
{
	uint64_t end = clock_now() + (uint64_t)timeout_ms * 1000000;
	text_reset(&target->line);
	while (!cli_signal) {
		uint64_t now = clock_now();
		struct pollfd wait = {.fd = target->from, .events = POLLIN};
		if (now >= end)
			return false;
		int ready = poll(&wait, 1, (int)((end - now) / 1000000) + 1);
		if (ready <= 0)
			continue;
		char byte;
		if (read(target->from, &byte, 1) != 1)
			return false;
		if (byte == '\n')
			return true;
		text_putc(&target->line, byte);
	}
	return false;
}

static void become_target(const char *path, const int *to, const int *from)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0); // Ctrl-C must reach only gotrace
	signal(SIGPIPE, SIG_DFL);
	int null = open("/dev/null", O_WRONLY);
	dup2(to[0], STDIN_FILENO);
	dup2(from[1], STDOUT_FILENO);
	dup2(null, STDERR_FILENO); // hides Go's messages if a tracer kills the target
	execl(path, path, (char *)NULL);
	_exit(127);
}

struct error *bench_target_start(const char *path, struct bench_target **out)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1};
	struct bench_target *target = calloc(1, sizeof(*target));
	if (!target)
		return error_nomem();
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC) || (target->pid = fork()) < 0) {
		free(target);
		return error_errno(errno, "%s", path);
	}
	if (!target->pid)
		become_target(path, to, from);
	close(to[0]);
	close(from[1]);
	target->to = to[1];
	target->from = from[0];
	if (!read_line(target, START_TIMEOUT_MS) ||
	    sscanf(text_string(&target->line), "READY %*d %31s", target->go) != 1) {
		bench_target_stop(target);
		return error_new("%s does not start", path);
	}
	*out = target;
	return NULL;
}

// Sends a command to the target and reads its answer: the time that the command took, and a number.
static bool ask(struct bench_target *target, const char *what, uint64_t number,
		unsigned int timeout_ms, uint64_t *ns, uint64_t *answer)
{
	char command[64];
	int len = snprintf(command, sizeof(command), "%s %" PRIu64 "\n", what, number);
	return write(target->to, command, (size_t)len) == len && read_line(target, timeout_ms) &&
	       sscanf(text_string(&target->line), "%" SCNu64 " %" SCNu64, ns, answer) == 2;
}

bool bench_target_call(struct bench_target *target, const char *function, uint64_t calls,
		       unsigned int timeout_ms, uint64_t *ns)
{
	uint64_t sum;
	return ask(target, function, calls, timeout_ms, ns, &sum);
}

bool bench_target_tune(struct bench_target *target, uint64_t ns, uint64_t *turns)
{
	uint64_t took;
	return ask(target, "tune", ns, TUNE_TIMEOUT_MS, &took, turns) && *turns > 0;
}

bool bench_target_set_turns(struct bench_target *target, uint64_t turns)
{
	uint64_t took, now;
	return ask(target, "turns", turns, TUNE_TIMEOUT_MS, &took, &now) && now == turns;
}

void bench_target_stop(struct bench_target *target)
{
	if (!target)
		return;
	close(target->to);
	for (unsigned int ms = 0; waitpid(target->pid, NULL, WNOHANG) == 0; ms += 2) {
		if (ms == STOP_TIMEOUT_MS)
			kill(target->pid, SIGKILL);
		bench_sleep_ms(2);
	}
	close(target->from);
	text_deinit(&target->line);
	free(target);
}

// --- The target's functions ----------------------------------------------------------------------

static void take_sites(struct bench_function *function, const struct plan *plan)
{
	static const size_t max_entries = sizeof(function->entries) / sizeof(*function->entries);
	static const size_t max_returns = sizeof(function->returns) / sizeof(*function->returns);
	for (uint32_t i = 0; i < plan->tables.num_probes; i++) {
		uint16_t kind = plan->tables.probes[i].kind;
		if (kind == WIRE_PROBE_ENTRY && function->num_entries < max_entries)
			function->entries[function->num_entries++] = plan->probes[i].off;
		else if (kind == WIRE_PROBE_RETURN && function->num_returns < max_returns)
			function->returns[function->num_returns++] = plan->probes[i].off;
	}
}

static struct error *find_sites(struct bench_function *function, struct index *index,
				struct target *target)
{
	char *pattern = function->name;
	struct plan *plan = NULL;
	const struct plan_request request = {
		.patterns = &pattern,
		.num_patterns = 1,
		.options.capture = {.strlen = PLAN_STRLEN, .items = PLAN_ITEMS},
	};
	struct plan_selected selected = {0};
	struct error *err = plan_create(index, &request.options, &plan);
	if (!err)
		err = plan_add(plan, &request, &selected);
	struct loaded loaded;
	if (!err && selected.num != 1)
		err = error_new("%s cannot be probed", function->name);
	if (!err)
		err = target_load(target, index, &loaded);
	if (!err) {
		const struct func *func = plan->funcs[selected.funcs[0]]->func;
		take_sites(function, plan);
		function->addr = loaded_addr(&loaded, func->vaddr);
		function->size = func->size;
		function->code = malloc(func->size ? func->size : 1);
		if (!function->code)
			err = error_nomem();
		else if (!image_offset(index_image(index), func->vaddr, &function->start) ||
			 !image_read(index_image(index), func->vaddr, function->code, func->size))
			err = error_new("%s has no code", function->name);
	}
	plan_selected_deinit(&selected);
	plan_destroy(plan);
	return err;
}

struct error *bench_function_init(struct bench_function *function, const char *path, pid_t pid,
				  const char *name)
{
	*function = (struct bench_function){.path = strdup(path)};
	if (!function->path)
		return error_nomem();
	snprintf(function->name, sizeof(function->name), "main.%s", name);
	struct target *target = NULL;
	struct index *index = NULL;
	struct error *err = target_attach(pid, &target);
	if (!err)
		err = index_open(path, path, "", &index);
	if (!err)
		err = find_sites(function, index, target);
	if (index)
		index_close(index);
	target_destroy(target);
	if (err)
		bench_function_deinit(function);
	return err;
}

void bench_function_deinit(struct bench_function *function)
{
	free(function->path);
	free(function->code);
	*function = (struct bench_function){0};
}

bool bench_function_is_bare(const struct bench_function *function, pid_t pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	CLEANUP_CLOSE int mem = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE uint8_t *now = malloc(function->size);
	return mem >= 0 && now &&
	       pread(mem, now, function->size, (off_t)function->addr) == (ssize_t)function->size &&
	       !memcmp(now, function->code, function->size);
}
