// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bpf/wire.h"
#include "bpf/gotrace.skel.h"
#include "tracer/backend/changed.h"
#include "tracer/backend/ebpf/meter.h"
#include "tracer/backend/ebpf/ebpf.h"
#include "tracer/backend/features.h"
#include "tracer/backend/settings.h"

enum { KNOWN_STACKS = 16384 };
static const unsigned int INITIAL_PID_NAMESPACE = 0xEFFFFFFC; // include/linux/proc_ns.h

struct ebpf_poll { // one call of poll
	bool (*visit)(void *context, const struct wire_record *record);
	void *context;
	size_t num, max;
};

static int print_debug(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level == LIBBPF_DEBUG || !log_wants(LOG_DEBUG))
		return 0;
	char *message;
	if (vasprintf(&message, fmt, args) < 0)
		return 0;
	char *rest = message;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		if (*line)
			log_debug("%s", line);
	free(message);
	return 0;
}

void ebpf_quiet(void)
{
	libbpf_set_print(print_debug);
}

static uint32_t pid_namespace(void)
{
	struct stat stat_buf;
	return stat("/proc/self/ns/pid", &stat_buf) ? 0 : (uint32_t)stat_buf.st_ino;
}

int ebpf_program(const struct ebpf *backend)
{
	const struct gotrace_bpf *program = backend->program;
	return bpf_program__fd(backend->counts ? program->progs.gotrace_count
					       : program->progs.gotrace_hit);
}

// The sizes of the tables of calls under way. A table that is not needed stays at one entry.
static void size_calls(struct ebpf *backend, const struct backend_settings *settings)
{
	struct gotrace_bpf *program = backend->program;
	const struct wire_aggregate_settings *counting =
		(const struct wire_aggregate_settings *)&program->rodata->aggregating;
	bool has_groups =
		backend->counts ? backend->loaded.plan->num_within : settings->has_conditions;
	bpf_map__set_value_size(program->maps.calls,
				settings_call_bytes(backend->counts ? counting : NULL));
	if (settings->has_budgets || backend->counts)
		bpf_map__set_max_entries(program->maps.calls, WIRE_ACTIVE_MAX);
	if (settings->has_conditions && !backend->counts)
		bpf_map__set_max_entries(program->maps.held, WIRE_HELD_CALLS_MAX);
	if (backend->loaded.plan->wants_depth)
		bpf_map__set_max_entries(program->maps.nests, WIRE_NESTS_MAX);
	else if (has_groups)
		bpf_map__set_max_entries(program->maps.nests, WIRE_ACTIVE_MAX);
}

static struct error *load(struct ebpf *backend, const struct backend_settings *settings)
{
	backend->program = gotrace_bpf__open();
	if (!backend->program)
		return error_errno(errno, "opening the eBPF program");
	struct gotrace_bpf *program = backend->program;
	uint32_t namespace = pid_namespace();
	bool is_initial = namespace == INITIAL_PID_NAMESPACE;
	program->rodata->namespace_inum = namespace;
	program->rodata->namespace_pid = (uint32_t)backend->loaded.pid;
	settings_fill((struct wire_settings *)&program->rodata->settings, &backend->loaded,
		      settings);
	settings_fill_stack((struct wire_stack_settings *)&program->rodata->stacks,
			    backend->loaded.plan);
	program->bss->target_tgid = is_initial ? (uint32_t)backend->loaded.pid : 0;
	program->bss->state.only_goid = settings->goid;
	program->rodata->has_budgets = settings->has_budgets;
	program->rodata->has_conditions = settings->has_conditions;
	program->rodata->has_depth = backend->loaded.plan->wants_depth;
	bpf_program__set_autoload(program->progs.find_target, !is_initial);
	struct bpf_program *hit =
		backend->counts ? program->progs.gotrace_count : program->progs.gotrace_hit;
	bpf_program__set_autoload(program->progs.gotrace_count, backend->counts);
	bpf_program__set_autoload(program->progs.gotrace_hit, !backend->counts);
	if (backend->is_multi)
		bpf_program__set_expected_attach_type(hit, (enum bpf_attach_type)EBPF_UPROBE_MULTI);
	struct error *err = ebpf_tables_size(backend, settings);
	if (!err)
		err = ebpf_aggregates_prepare(backend);
	if (err)
		return err;
	bpf_map__set_max_entries(program->maps.events, settings_ring_bytes(settings));
	if (backend->loaded.plan->options.capture.stack)
		bpf_map__set_max_entries(program->maps.known_stacks, KNOWN_STACKS);
	size_calls(backend, settings);
	int result = gotrace_bpf__load(program);
	if (result) {
		const char *advice = features_advice(-result);
		return error_errno(-result, "the kernel does not load the eBPF program%s%s%s",
				   advice ? " (" : "", advice ? advice : "", advice ? ")" : "");
	}
	return NULL;
}

// Outside the initial PID namespace, the target's PID differs from the one that the program sees in
// the kernel. An iterator over tasks finds the latter.
static struct error *find_target(struct ebpf *backend)
{
	struct gotrace_bpf *program = backend->program;
	if (program->bss->target_tgid)
		return NULL;
	struct bpf_link *link = bpf_program__attach_iter(program->progs.find_target, NULL);
	if (!link)
		return error_errno(errno, "looking for the process outside this PID namespace");
	CLEANUP_CLOSE int iter = bpf_iter_create(bpf_link__fd(link));
	char nothing[64];
	while (iter >= 0 && read(iter, nothing, sizeof(nothing)) > 0)
		;
	bpf_link__destroy(link);
	if (!program->bss->target_tgid)
		return error_new("process %d is not found outside this PID namespace",
				 (int)backend->loaded.pid);
	return NULL;
}

static int on_record(void *context, void *data, size_t size)
{
	struct ebpf *backend = context;
	struct ebpf_poll *poll = backend->poll;
	const struct wire_record *record = data;
	if (size < sizeof(*record) || record->size > size)
		return 0;
	poll->num++;
	backend->hits++;
	if (!poll->visit(poll->context, record) || poll->num >= poll->max)
		return -ECANCELED; // libbpf still consumes this record
	return 0;
}

static struct error *prepare(struct ebpf *backend, const struct backend_settings *settings)
{
	backend->is_multi = features_uprobe_multi();
	backend->by_process = backend->is_multi && features_uprobe_multi_process();
	log_debug("uprobes attach by %s", backend->by_process ? "uprobe_multi and process"
					  : backend->is_multi ? "uprobe_multi"
							      : "perf events");
	struct error *err = load(backend, settings);
	if (!err)
		err = find_target(backend);
	if (!err)
		err = ebpf_tables_map(backend);
	if (!err)
		err = ebpf_tables_update(&backend->base);
	if (err)
		return err;
	backend->ring = ring_buffer__new(bpf_map__fd(backend->program->maps.events), on_record,
					 backend, NULL);
	if (!backend->ring)
		return error_errno(errno, "mapping the ring buffer");
	return NULL;
}

static void ebpf_close(struct backend *base)
{
	struct ebpf *backend = (struct ebpf *)base;
	if (!backend)
		return;
	for (size_t i = 0; i < backend->num_armings; i++) // all at once, and wait for them later
		apart_stop(&backend->armings[i].keeper);
	for (size_t i = backend->num_armings; i; i--)
		ebpf_links_disarm(&backend->armings[i - 1]);
	free(backend->armings);
	ring_buffer__free(backend->ring);
	ebpf_tables_unmap(backend);
	gotrace_bpf__destroy(backend->program);
	meter_destroy(backend->meter);
	if (backend->stats_fd >= 0)
		close(backend->stats_fd);
	free(backend);
}

static struct error *ebpf_open(const struct loaded *loaded, struct armed *armed,
			       const struct backend_settings *settings, struct backend **out)
{
	ebpf_quiet();
	struct ebpf *backend = calloc(1, sizeof(*backend));
	if (!backend)
		return error_nomem();
	backend->base.tables = &backend->tables;
	backend->stats_fd = -1;
	backend->loaded = *loaded;
	backend->armed = armed;
	backend->counts = loaded->plan->options.counting;
	struct error *err = prepare(backend, settings);
	if (err) {
		ebpf_close(&backend->base);
		return err;
	}
	*out = &backend->base;
	return NULL;
}

// --- Arming --------------------------------------------------------------------------------------

static bool is_counted(const struct ebpf *backend, const struct plan_func *func)
{
	return backend->armed->funcs[func->number].is_counted;
}

static void enable_arming(struct ebpf *backend, const struct ebpf_arming *arming, bool on)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < arming->num_funcs; i++) {
			const struct plan_func *func =
				backend->loaded.plan->funcs[arming->funcs[i]];
			tables_enable_part(&backend->tables, func, pass ? !on : on,
					   on || is_counted(backend, func));
		}
}

// From now on, only hits of this arming's uprobes are taken, and not those of other uprobes at the
// same sites.
static void own_probes(struct ebpf *backend, const struct ebpf_arming *arming)
{
	struct wire_probe *probes = backend->tables.plan.probes;
	for (size_t i = 0; i < arming->num_funcs; i++) {
		const struct plan_func *func = backend->loaded.plan->funcs[arming->funcs[i]];
		for (uint32_t j = 0; j < func->num_probes; j++)
			__atomic_store_n(&probes[func->first_probe + j].arming, arming->id,
					 __ATOMIC_RELEASE);
	}
}

static struct error *ebpf_arm(struct backend *base, const uint32_t *funcs, size_t num)
{
	struct ebpf *backend = (struct ebpf *)base;
	if (!num)
		return NULL;
	struct ebpf_arming *armings =
		realloc(backend->armings, (backend->num_armings + 1) * sizeof(*armings));
	if (!armings)
		return error_nomem();
	backend->armings = armings;
	struct ebpf_arming arming = {
		.keeper = APART_NONE,
		.id = ++backend->last_arming & WIRE_ARMING_MAX,
		.num_funcs = num,
	};
	arming.funcs = malloc(num * sizeof(*funcs));
	if (!arming.funcs)
		return error_nomem();
	memcpy(arming.funcs, funcs, num * sizeof(*funcs));
	struct error *err = changed_exclude(&backend->loaded, backend->armed, 0, arming.funcs,
					    &arming.num_funcs);
	// Attaching takes a while, too. Hits are ignored until all probes are attached, so that no
	// call is recorded without its return. Those of functions that are only counted are not.
	enable_arming(backend, &arming, false);
	own_probes(backend, &arming);
	if (!err)
		err = ebpf_links_arm(backend, &arming);
	if (err) {
		ebpf_links_disarm(&arming);
		return err;
	}
	for (size_t i = 0; i < arming.num_funcs; i++)
		backend->armed->funcs[arming.funcs[i]].is_armed = true;
	enable_arming(backend, &arming, true);
	armings[backend->num_armings++] = arming;
	return NULL;
}

// Keeps the functions of an arming that stay armed while others are disarmed. Their uprobes are
// attached again as a new arming, which takes over from the old one between two hits.
static struct error *keep_armed(struct ebpf *backend, struct ebpf_arming *arming)
{
	struct ebpf_arming kept = {.keeper = APART_NONE,
				   .id = ++backend->last_arming & WIRE_ARMING_MAX};
	kept.funcs = malloc((arming->num_funcs + 1) * sizeof(*kept.funcs));
	if (!kept.funcs)
		return error_nomem();
	for (size_t i = 0; i < arming->num_funcs; i++)
		if (backend->armed->funcs[arming->funcs[i]].is_armed)
			kept.funcs[kept.num_funcs++] = arming->funcs[i];
	struct error *err =
		changed_exclude(&backend->loaded, backend->armed, 0, kept.funcs, &kept.num_funcs);
	if (err) { // the program is gone, or no function is left
		error_free(err);
		while (kept.num_funcs)
			backend->armed->funcs[kept.funcs[--kept.num_funcs]].is_armed = false;
	}
	err = kept.num_funcs ? ebpf_links_arm(backend, &kept) : NULL;
	if (err) {
		ebpf_links_disarm(&kept);
		return err;
	}
	own_probes(backend, &kept);
	ebpf_links_disarm(arming);
	*arming = kept;
	return NULL;
}

static bool has_gone(const struct ebpf *backend, const struct ebpf_arming *arming)
{
	for (size_t i = 0; i < arming->num_funcs; i++)
		if (!backend->armed->funcs[arming->funcs[i]].is_armed)
			return true;
	return false;
}

// The probes are disabled by their flags first. Detaching the links is slow, and would leave calls
// recorded without their returns.
static struct error *ebpf_disarm(struct backend *base, const uint32_t *funcs, size_t num)
{
	struct ebpf *backend = (struct ebpf *)base;
	for (size_t i = 0; i < num; i++) {
		struct armed_func *armed = &backend->armed->funcs[funcs[i]];
		if (armed->is_armed)
			tables_enable(&backend->tables, backend->loaded.plan->funcs[funcs[i]],
				      false);
		armed->is_armed = false;
	}
	struct error *err = NULL;
	for (size_t i = backend->num_armings; i && !err; i--) {
		struct ebpf_arming *arming = &backend->armings[i - 1];
		if (!has_gone(backend, arming))
			continue;
		err = keep_armed(backend, arming);
		if (!err && !arming->num_funcs) {
			ebpf_links_disarm(arming);
			*arming = backend->armings[--backend->num_armings];
		}
	}
	if (backend->tables.budgets)
		ebpf_tables_forget(backend);
	return err;
}

// The end of a keeper that was killed has removed its probes.
static struct error *look_at_keepers(const struct ebpf *backend)
{
	for (size_t i = 0; i < backend->num_armings; i++) {
		const struct apart *keeper = &backend->armings[i].keeper;
		struct pollfd end = {.fd = keeper->socket, .events = POLLIN};
		if (poll(&end, 1, 0) > 0)
			return error_new("process %d, which kept the probes, was killed: the trace "
					 "ends there",
					 (int)keeper->pid);
	}
	return NULL;
}

static struct error *ebpf_poll(struct backend *base, size_t max,
			       bool (*visit)(void *context, const struct wire_record *record),
			       void *context, size_t *num, bool *ended)
{
	struct ebpf *backend = (struct ebpf *)base;
	struct ebpf_poll call = {.visit = visit, .context = context, .max = max};
	*num = 0;
	if (!max)
		return NULL;
	struct pollfd target = {.fd = backend->loaded.pidfd, .events = POLLIN};
	bool has_ended = poll(&target, 1, 0) > 0; // before the last records are read
	backend->poll = &call;
	int result = ring_buffer__consume(backend->ring);
	backend->poll = NULL;
	*num = call.num;
	if (result < 0 && result != -ECANCELED)
		return error_errno(-result, "reading the ring buffer");
	if (has_ended && result >= 0)
		*ended = true;
	return call.num ? NULL : look_at_keepers(backend);
}

static void ask_program(const struct ebpf *backend, struct backend_stats *out)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int program = ebpf_program(backend);
	if (bpf_obj_get_info_by_fd(program, &info, &size))
		return;
	out->missed = info.recursion_misses;
	out->run_ns = info.run_time_ns;
}

static void ebpf_stats(struct backend *base, struct backend_stats *out)
{
	struct ebpf *backend = (struct ebpf *)base;
	const struct wire_state *state = backend->tables.state;
	*out = (struct backend_stats){
		.lost_buffer = __atomic_load_n(&state->lost_buffer, __ATOMIC_RELAXED),
		.lost_scratch = __atomic_load_n(&state->lost_scratch, __ATOMIC_RELAXED),
		.hits = backend->hits,
		.trap_ns = backend->meter ? meter_trap_ns(backend->meter) : 0,
		.is_replaced = __atomic_load_n(&state->is_replaced, __ATOMIC_RELAXED),
	};
	ask_program(backend, out);
	ebpf_tables_sweep(backend);
}

const struct backend_ops backend_ebpf = {
	.name = "ebpf",
	.open = ebpf_open,
	.close = ebpf_close,
	.records = {.poll = ebpf_poll, .stats = ebpf_stats, .aggregates = ebpf_aggregates},
	.probes = {.update = ebpf_tables_update,
		   .arm = ebpf_arm,
		   .disarm = ebpf_disarm,
		   .costs = ebpf_costs},
};
