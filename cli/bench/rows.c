// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the table, with the commands of the tools that gotrace is compared with.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/cleanup.h"
#include "cli/bench/bench.h"

static const char uprobe_events[] = "/sys/kernel/tracing/uprobe_events";

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
				  const struct bench_function *function)
{
	forget_stale_events();
	CLEANUP_FREE char *line = NULL;
	if (asprintf(&line, "p:gotrace_bench/hit%d %s:0x%lx\n", (int)getpid(), function->path,
		     (unsigned long)function->start) < 0)
		return error_nomem();
	struct error *err = write_event(line);
	tracer->has_event = !err;
	return err;
}

// Rows "entry+return" are without values: no arguments, and results without what they point to.
// clang-format off
const struct bench_variant bench_variants[] = {
	{.name = "untraced", .kind = BENCH_UNTRACED, .is_for_programs = true},
	{.name = "uprobe entry", .kind = BENCH_FLOOR},
	{.name = "uprobe entry+return", .kind = BENCH_FLOOR, .has_return = true},
	{.name = "ebpf entry", .kind = BENCH_EBPF, .is_for_programs = true,
	 .words = {"--no-return", "--no-args"}},
	{.name = "ebpf entry+return", .kind = BENCH_EBPF, .has_return = true,
	 .is_for_programs = true, .words = {"--no-args", "--depth", "0"}},
	{.name = "ebpf depth 0", .kind = BENCH_EBPF, .has_return = true, .words = {"--depth", "0"}},
	{.name = "ebpf depth 1", .kind = BENCH_EBPF, .has_return = true, .words = {"--depth", "1"}},
	{.name = "ebpf depth 2", .kind = BENCH_EBPF, .has_return = true, .is_for_programs = true,
	 .words = {"--depth", "2"}},
	{.name = "ebpf count", .kind = BENCH_EBPF, .command = "count"},
	{.name = "ebpf hist", .kind = BENCH_EBPF, .has_return = true, .command = "hist"},
	{.name = "ebpf false at entry", .kind = BENCH_EBPF, .has_return = true, .keeps_none = true,
	 .words = {"--if", "$tid == 0"}},
	{.name = "ebpf false at return", .kind = BENCH_EBPF, .has_return = true, .keeps_none = true,
	 .words = {"--slower", "1h"}},
	{.name = "ptrace entry", .kind = BENCH_PTRACE, .is_for_programs = true,
	 .words = {"--no-return", "--no-args"}},
	{.name = "ptrace entry+return", .kind = BENCH_PTRACE, .has_return = true,
	 .is_for_programs = true, .words = {"--no-args", "--depth", "0"}},
	{.name = "dlv trace", .kind = BENCH_PEER, .has_return = true,
	 .words = {"dlv", "trace", "--check-go-version=false", "-p", "{pid}", "^{func}$"},
	 .mark = ">> goroutine("},
	{.name = "dlv trace --ebpf", .kind = BENCH_PEER, .has_return = true,
	 .words = {"dlv", "trace", "--check-go-version=false", "--ebpf", "-p", "{pid}", "^{func}$"},
	 .mark = "> ("},
	{.name = "bpftrace", .kind = BENCH_PEER,
	 .words = {"bpftrace", "-p", "{pid}", "-e",
		"uprobe:{path}:\"{func}\" { printf(\"hit %d\\n\", reg(\"{bpftrace}\")); }"},
	 .mark = "hit "},
	{.name = "perf", .kind = BENCH_PEER, .prepare = prepare_perf,
	 .words = {"perf", "record", "-e", "gotrace_bench:hit{own}", "-p", "{pid}", "-o",
		"{said}.perf"}},
	{.name = "gdb", .kind = BENCH_PEER,
	 .words = {"gdb", "-q", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set width 0",
		"-p", "{pid}", "-ex", "dprintf *{addr},\"hit %d\\n\",{gdb}", "-ex", "continue"},
	 .mark = "hit "},
};
// clang-format on
const size_t bench_num_variants = sizeof(bench_variants) / sizeof(*bench_variants);

struct error *bench_peer_prepare(struct bench_tracer *tracer, const struct bench_function *function,
				 pid_t pid, struct text words[BENCH_WORDS])
{
	char number[16], own[16], addr[24];
	snprintf(number, sizeof(number), "%d", (int)pid);
	snprintf(own, sizeof(own), "%d", (int)getpid());
	snprintf(addr, sizeof(addr), "%#lx", (unsigned long)function->addr);
	const char *const places[][2] = {{"{pid}", number},
					 {"{own}", own},
					 {"{addr}", addr},
					 {"{func}", function->name},
					 {"{gdb}", arch_host()->gdb_arg},
					 {"{bpftrace}", arch_host()->bpftrace_arg},
					 {"{path}", function->path},
					 {"{said}", tracer->said}};
	const struct bench_variant *variant = tracer->variant;
	for (size_t i = 0; i < BENCH_WORDS && variant->words[i]; i++) {
		for (const char *at = variant->words[i]; *at;) {
			size_t place = 0;
			while (place < sizeof(places) / sizeof(*places) &&
			       strncmp(at, places[place][0], strlen(places[place][0])))
				place++;
			if (place == sizeof(places) / sizeof(*places)) {
				text_putc(&words[i], *at++);
			} else {
				text_puts(&words[i], places[place][1]);
				at += strlen(places[place][0]);
			}
		}
		if (words[i].failed)
			return error_nomem();
	}
	return variant->prepare ? variant->prepare(tracer, function) : NULL;
}

void bench_peer_clean(struct bench_tracer *tracer)
{
	char line[96];
	if (!tracer->has_event)
		return;
	snprintf(line, sizeof(line), "-:gotrace_bench/hit%d\n", (int)getpid());
	for (int i = 0; i < 100; i++) { // the kernel may still use the event
		struct error *err = write_event(line);
		if (!err)
			break;
		error_free(err);
		bench_sleep_ms(20);
	}
	snprintf(line, sizeof(line), "%s.perf", tracer->said);
	unlink(line);
	snprintf(line, sizeof(line), "%s.perf.old", tracer->said);
	unlink(line);
}
