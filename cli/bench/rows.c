// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the table, and the commands of the tools that gotrace is compared with.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/bench/bench.h"

// Rows "entry+return" are without values: no arguments, and results without what they point to.
const struct bench_variant bench_variants[] = {
	{"untraced", BENCH_UNTRACED, false, {0}, NULL, NULL, false},
	{"uprobe entry", BENCH_FLOOR, false, {0}, NULL, NULL, false},
	{"uprobe entry+return", BENCH_FLOOR, true, {0}, NULL, NULL, false},
	{"ebpf entry", BENCH_EBPF, false, {"--no-return", "--no-args"}, NULL, NULL, false},
	{"ebpf entry+return", BENCH_EBPF, true, {"--no-args", "--depth", "0"}, NULL, NULL, false},
	{"ebpf depth 0", BENCH_EBPF, true, {"--depth", "0"}, NULL, NULL, false},
	{"ebpf depth 1", BENCH_EBPF, true, {"--depth", "1"}, NULL, NULL, false},
	{"ebpf depth 2", BENCH_EBPF, true, {"--depth", "2"}, NULL, NULL, false},
	{"ebpf count", BENCH_EBPF, false, {"count"}, NULL, NULL, false},
	{"ebpf hist", BENCH_EBPF, true, {"hist"}, NULL, NULL, false},
	{"ebpf false at entry", BENCH_EBPF, true, {"--if", "$tid == 0"}, NULL, NULL, true},
	{"ebpf false at return", BENCH_EBPF, true, {"--slower", "1h"}, NULL, NULL, true},
	{"ptrace entry", BENCH_PTRACE, false, {"--no-return", "--no-args"}, NULL, NULL, false},
	{"ptrace entry+return",
	 BENCH_PTRACE,
	 true,
	 {"--no-args", "--depth", "0"},
	 NULL,
	 NULL,
	 false},
	{"dlv trace", BENCH_PEER, true, {"dlv"}, ">> goroutine(", "dlv", false},
	{"dlv trace --ebpf", BENCH_PEER, true, {"dlv", "--ebpf"}, "> (", "dlv", false},
	{"bpftrace", BENCH_PEER, false, {"bpftrace"}, "hit ", "bpftrace", false},
	{"perf", BENCH_PEER, false, {"perf"}, NULL, "perf", false},
	{"gdb", BENCH_PEER, false, {"gdb"}, "hit ", "gdb", false},
};
const size_t bench_num_variants = sizeof(bench_variants) / sizeof(*bench_variants);

static const char uprobe_events[] = "/sys/kernel/tracing/uprobe_events";

struct words { // the words of a command, each on the heap
	char **argv;
	size_t num, max;
	bool failed;
};

static void add(struct words *words, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *words, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	if (words->num + 1 >= words->max || vasprintf(&words->argv[words->num], fmt, args) < 0)
		words->failed = true;
	else
		words->argv[++words->num] = NULL;
	va_end(args);
}

static struct error *write_event(const char *line)
{
	CLEANUP_CLOSE int fd = open(uprobe_events, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		return error_errno(errno, "%s (mount -t tracefs tracefs /sys/kernel/tracing)",
				   uprobe_events);
	return NULL;
}

// Removes the events of a gotrace bench that was killed.
static void forget_stale_events(void)
{
	CLEANUP_FREE char *events = bench_read(uprobe_events);
	const char *place = events;
	for (int pid; place && (place = strstr(place, "gotrace_bench/hit")); place++) {
		char line[48];
		if (sscanf(place, "gotrace_bench/hit%d", &pid) != 1 || pid <= 0 || !kill(pid, 0))
			continue;
		snprintf(line, sizeof(line), "-:gotrace_bench/hit%d\n", pid);
		error_free(write_event(line));
	}
}

static struct error *prepare_perf(struct bench_tracer *tracer,
				  const struct bench_function *function, pid_t pid,
				  struct words *words)
{
	forget_stale_events();
	snprintf(tracer->event, sizeof(tracer->event), "gotrace_bench/hit%d", (int)getpid());
	CLEANUP_FREE char *line = NULL;
	if (asprintf(&line, "p:%s %s:0x%lx\n", tracer->event, function->path,
		     (unsigned long)function->start) < 0)
		return error_nomem();
	snprintf(tracer->data, sizeof(tracer->data), "%s.perf", tracer->said);
	struct error *err = write_event(line);
	if (err) {
		tracer->event[0] = '\0';
		return err;
	}
	add(words, "perf");
	add(words, "record");
	add(words, "-e");
	add(words, "gotrace_bench:hit%d", (int)getpid());
	add(words, "-p");
	add(words, "%d", (int)pid);
	add(words, "-o");
	add(words, "%s", tracer->data);
	return NULL;
}

static void prepare_dlv(const struct bench_variant *variant, const struct bench_function *function,
			pid_t pid, struct words *words)
{
	add(words, "dlv");
	add(words, "trace");
	add(words, "--check-go-version=false");
	if (variant->options[1])
		add(words, "%s", variant->options[1]);
	add(words, "-p");
	add(words, "%d", (int)pid);
	add(words, "^%s$", function->name);
}

static void prepare_gdb(const struct bench_function *function, pid_t pid, struct words *words)
{
	static const char *const before[] = {
		"-q", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set width 0", "-p"};
	add(words, "gdb");
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++)
		add(words, "%s", before[i]);
	add(words, "%d", (int)pid);
	add(words, "-ex");
	add(words, "dprintf *0x%lx,\"hit %%d\\n\",$rax", (unsigned long)function->addr);
	add(words, "-ex");
	add(words, "continue");
}

struct error *bench_peer_prepare(struct bench_tracer *tracer, const struct bench_function *function,
				 pid_t pid, char **argv, size_t max)
{
	const struct bench_variant *variant = tracer->variant;
	struct words words = {.argv = argv, .max = max};
	if (!strcmp(variant->program, "dlv")) {
		prepare_dlv(variant, function, pid, &words);
	} else if (!strcmp(variant->program, "bpftrace")) {
		add(&words, "bpftrace");
		add(&words, "-p");
		add(&words, "%d", (int)pid);
		add(&words, "-e");
		add(&words, "uprobe:%s:\"%s\" { printf(\"hit %%d\\n\", reg(\"ax\")); }",
		    function->path, function->name);
	} else if (!strcmp(variant->program, "perf")) {
		struct error *err = prepare_perf(tracer, function, pid, &words);
		if (err)
			return err;
	} else {
		prepare_gdb(function, pid, &words);
	}
	return words.failed ? error_nomem() : NULL;
}

void bench_peer_clean(struct bench_tracer *tracer)
{
	if (tracer->event[0]) {
		char line[48];
		snprintf(line, sizeof(line), "-:%s\n", tracer->event);
		for (int i = 0; i < 100; i++) { // the kernel may still use the event
			struct error *err = write_event(line);
			if (!err)
				break;
			error_free(err);
			bench_sleep_ms(20);
		}
	}
	if (tracer->data[0]) {
		char old[80];
		snprintf(old, sizeof(old), "%s.old", tracer->data);
		unlink(tracer->data);
		unlink(old);
	}
}
