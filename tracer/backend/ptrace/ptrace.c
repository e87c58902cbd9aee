// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/ptrace/ptrace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "tracer/backend/apart.h"
#include "tracer/backend/changed.h"
#include "tracer/backend/features.h"
#include "tracer/backend/leftovers.h"
#include "tracer/backend/settings.h"
#include "tracer/target/code.h"

struct ptrace_front {
	struct backend base;
	struct ptrace_shared *shared;
	struct loaded loaded;
	struct armed *armed; // borrowed
	bool is_held;	     // as in struct backend_settings
	size_t num_dynamics; // how many of the plan's dynamics the worker has
	size_t num_armed;    // functions
	struct apart worker;
	uint32_t next_look; // the probe whose breakpoint is checked next
	uint64_t last_look_ns;
	uint64_t missed; // breakpoints that another process had removed
};

// --- The worker ----------------------------------------------------------------------------------

static void run_worker(void *context, int socket)
{
	struct ptrace_front *backend = context;
	ptrace_worker_run(backend->shared, &backend->loaded, backend->is_held, socket);
}

static struct error *start_worker(struct ptrace_front *backend)
{
	struct apart_options options = {
		.name = PTRACE_WORKER_NAME,
		.keep = {backend->loaded.mem},
		.num_keep = backend->loaded.mem >= 0,
		.privileges = PRIVILEGES_PTRACE,
		.run = run_worker,
		.context = backend,
	};
	return apart_start(&options, &backend->worker);
}

// Removes all breakpoints and restores the slots after the worker was killed. If a thread has
// already hit a breakpoint, nobody handles that hit.
static void take_breakpoints_off(const struct ptrace_front *backend)
{
	const struct plan *plan = backend->loaded.plan;
	struct image *image = backend->loaded.image;
	for (uint32_t i = 0;
	     backend->loaded.mem >= 0 && i < backend->shared->tables.plan.num_probes; i++) {
		off_t addr = (off_t)backend->shared->addrs[i];
		const uint8_t *original;
		trap_code code;
		if (image_text(image, plan->probes[i].vaddr, sizeof(code), &original) &&
		    pread(backend->loaded.mem, &code, sizeof(code), addr) == sizeof(code) &&
		    code == TRAP &&
		    pwrite(backend->loaded.mem, original, sizeof(code), addr) != sizeof(code))
			return; // the target is gone
	}
	ptrace_slots_restore(&backend->shared->slots, backend->loaded.mem);
}

static struct error *worker_died(const struct ptrace_front *backend)
{
	take_breakpoints_off(backend);
	return error_new("process %d, which held the trace, was killed: if %d had met a breakpoint "
			 "just then, it ends with SIGTRAP",
			 (int)backend->worker.pid, (int)backend->loaded.pid);
}

static struct error *command(struct ptrace_front *backend, enum ptrace_command_kind kind)
{
	struct ptrace_command command = {kind};
	struct ptrace_reply reply;
	backend->shared->commands++;
	if (send(backend->worker.socket, &command, sizeof(command), MSG_NOSIGNAL) !=
	    sizeof(command))
		return worker_died(backend);
	kill(backend->worker.pid, SIGALRM); // interrupts waitpid
	ssize_t len;
	do {
		len = recv(backend->worker.socket, &reply, sizeof(reply), 0);
	} while (len < 0 && errno == EINTR);
	if (len != sizeof(reply))
		return worker_died(backend);
	reply.message[sizeof(reply.message) - 1] = '\0';
	return reply.message[0] ? error_new("%s", reply.message) : NULL;
}

// --- Opening and closing -------------------------------------------------------------------------

static void ptrace_close(struct backend *base)
{
	struct ptrace_front *backend = (struct ptrace_front *)base;
	if (!backend)
		return;
	if (backend->worker.socket >= 0) {
		struct ptrace_command command = {PTRACE_CLOSE};
		backend->shared->commands++;
		send(backend->worker.socket, &command, sizeof(command), MSG_NOSIGNAL);
		kill(backend->worker.pid, SIGALRM);
	}
	apart_end(&backend->worker);
	ptrace_shared_destroy(backend->shared);
	free(backend);
}

static struct error *ptrace_update(struct backend *base)
{
	struct ptrace_front *backend = (struct ptrace_front *)base;
	return ptrace_shared_update(backend->shared, &backend->loaded, &backend->num_dynamics);
}

static struct error *prepare(struct ptrace_front *backend, const struct backend_settings *settings)
{
	struct error *err = ptrace_shared_create(backend->loaded.plan, settings, &backend->shared);
	if (err)
		return err;
	struct ptrace_shared *shared = backend->shared;
	settings_fill(&shared->settings, &backend->loaded, settings);
	settings_fill_stack(&shared->stacks, backend->loaded.plan);
	backend->base.tables = &shared->tables;
	shared->state.only_goid = settings->goid;
	ptrace_slots_init(&shared->slots, &backend->loaded);
	err = ptrace_update(&backend->base);
	return err ? err : start_worker(backend);
}

static struct error *ptrace_open(const struct loaded *loaded, struct armed *armed,
				 const struct backend_settings *settings, struct backend **out)
{
	struct ptrace_front *backend = calloc(1, sizeof(*backend));
	if (!backend)
		return error_nomem();
	backend->loaded = *loaded;
	backend->armed = armed;
	backend->is_held = settings->is_held;
	backend->worker = APART_NONE;
	struct error *err = prepare(backend, settings);
	if (err) {
		ptrace_close(&backend->base);
		return err;
	}
	*out = &backend->base;
	return NULL;
}

// --- Arming --------------------------------------------------------------------------------------

// Why a thread could not continue after a breakpoint at one of the function's sites; NULL if it
// can.
static const char *refusal(const struct ptrace_front *backend, const struct plan_func *func)
{
	struct image *image = backend->loaded.image;
	for (uint32_t i = 0; i < func->num_probes; i++) {
		uint64_t vaddr = backend->loaded.plan->probes[func->first_probe + i].vaddr;
		uint64_t left = func->func->vaddr + func->func->size - vaddr;
		const uint8_t *code;
		struct step step;
		if (left > INSN_MAX_BYTES)
			left = INSN_MAX_BYTES;
		if (!image_text(image, vaddr, left, &code))
			return "its code cannot be read";
		const char *refused = step_init(&step, code, left);
		if (!refused && !step.emulate && !backend->shared->slots.num)
			refused =
				"an instruction would have to be executed elsewhere, and there is no room";
		if (refused)
			return refused;
	}
	return NULL;
}

static void request(struct ptrace_front *backend, const struct plan_func *func, bool entries)
{
	struct ptrace_shared *shared = backend->shared;
	for (uint32_t i = 0; i < func->num_probes; i++) {
		uint32_t probe = func->first_probe + i;
		if (tables_is_exit(&shared->tables.plan.probes[probe]) != entries)
			shared->request[shared->num_request++] = probe;
	}
}

// Arms functions that changed_exclude() has checked.
static struct error *arm(struct ptrace_front *backend, const uint32_t *funcs, size_t num)
{
	const struct plan *plan = backend->loaded.plan;
	struct armed_func *armed = backend->armed->funcs;
	const struct plan_func *last = NULL;
	const char *refused = NULL;
	for (size_t i = 0; i < num; i++) {
		const char *why = refusal(backend, plan->funcs[funcs[i]]);
		armed[funcs[i]].is_armed = !why;
		if (!why)
			continue;
		refused = why;
		last = plan->funcs[funcs[i]];
		armed_refuse(backend->armed, funcs[i], why);
	}
	backend->shared->num_request = 0;
	for (int entries = 0; entries < 2; entries++)
		for (size_t i = 0; i < num; i++)
			if (armed[funcs[i]].is_armed && (entries || !armed[funcs[i]].is_counted))
				request(backend, plan->funcs[funcs[i]], entries);
	if (!backend->shared->num_request)
		return last ? error_new("%s: %s", last->func->name, refused) : NULL;
	for (size_t i = 0; i < num; i++)
		tables_enable(&backend->shared->tables, plan->funcs[funcs[i]], true);
	struct error *err = command(backend, PTRACE_ARM);
	for (size_t i = 0; i < num; i++) {
		armed[funcs[i]].is_armed &= !err;
		backend->num_armed += armed[funcs[i]].is_armed;
	}
	return err;
}

static struct error *ptrace_arm(struct backend *base, const uint32_t *funcs, size_t num)
{
	struct ptrace_front *backend = (struct ptrace_front *)base;
	uint32_t *sound = calloc(num + 1, sizeof(*sound));
	if (!sound)
		return error_nomem();
	memcpy(sound, funcs, num * sizeof(*sound));
	struct error *err =
		changed_exclude(&backend->loaded, backend->armed, backend->worker.pid, sound, &num);
	if (!err)
		err = arm(backend, sound, num);
	free(sound);
	return err;
}

// --- Breakpoints that others change --------------------------------------------------------------

enum { LOOK_NS = 100000000, LOOK_PROBES = 1024 };

enum breakpoint_state { BREAKPOINT_THERE, BREAKPOINT_OFF, BREAKPOINT_CHANGED };

// The code at a probe's site in memory and in the file. False if one of them cannot be read.
static bool read_code(const struct ptrace_front *backend, uint32_t probe, trap_code *memory,
		      trap_code *file)
{
	const uint8_t *text;
	off_t addr = (off_t)backend->shared->addrs[probe];
	if (pread(backend->loaded.mem, memory, sizeof(*memory), addr) != sizeof(*memory) ||
	    !image_text(backend->loaded.image, backend->loaded.plan->probes[probe].vaddr,
			sizeof(*file), &text))
		return false;
	memcpy(file, text, sizeof(*file));
	return true;
}

// Checks whether a probe's breakpoint is still in memory. If somebody attaches a uprobe at our
// breakpoint, it takes over the hits, which cannot be seen here (bring_back). When the uprobe is
// detached, the kernel writes the file's code, which can be seen.
static enum breakpoint_state look(const struct ptrace_front *backend, const struct plan_func *func,
				  uint32_t probe)
{
	trap_code memory, file;
	const struct armed_func *armed = &backend->armed->funcs[func->number];
	bool is_written =
		!armed->is_counted || !tables_is_exit(&backend->shared->tables.plan.probes[probe]);
	if (!armed->is_armed || !is_written || !read_code(backend, probe, &memory, &file) ||
	    memory == TRAP)
		return BREAKPOINT_THERE;
	return memory == file ? BREAKPOINT_OFF : BREAKPOINT_CHANGED;
}

static void count_missed(struct ptrace_front *backend, const struct plan_func *func)
{
	backend->missed++;
	if (func->number < backend->shared->tables.num_lost)
		__sync_fetch_and_add(&backend->shared->tables.lost[func->number], 1);
}

// Counts the breakpoints of a function that were removed since the last look, before it is
// disarmed.
static void look_at_end(struct ptrace_front *backend, const struct plan_func *func)
{
	for (uint32_t i = 0; i < func->num_probes; i++)
		if (look(backend, func, func->first_probe + i) == BREAKPOINT_OFF)
			count_missed(backend, func);
}

// Attaches uprobes at these sites, and detaches them. With perf events, detaching takes long.
static struct error *probe_once(const struct ptrace_front *backend, const struct leftovers *sites)
{
	enum { EVENTS_MAX = 16 };
	bool is_quick = features_uprobe_multi() ? features_uprobe_multi_process()
						: sites->num <= EVENTS_MAX;
	if (!is_quick || !sites->num)
		return NULL;
	return leftovers_remove(&backend->loaded, sites);
}

// If somebody attached a uprobe at one of our breakpoints, the worker has just overwritten the
// uprobe's breakpoint with the file's code. A uprobe of ours, attached and detached there, brings
// it back: the kernel writes the breakpoint for ours, and leaves it there for the other one.
// Without the privileges to attach uprobes, nothing is brought back.
static void bring_back(struct ptrace_front *backend)
{
	const struct ptrace_shared *shared = backend->shared;
	trap_code memory, file;
	struct leftovers sites = {.vaddr = calloc(shared->num_request + 1, sizeof(*sites.vaddr))};
	for (uint32_t i = 0; sites.vaddr && i < shared->num_request; i++)
		if (read_code(backend, shared->request[i], &memory, &file) && memory == file)
			sites.vaddr[sites.num++] =
				backend->loaded.plan->probes[shared->request[i]].vaddr;
	struct error *err = probe_once(backend, &sites);
	if (err)
		log_debug("uprobes of other tracers are not looked for: %s", error_message(err));
	error_free(err);
	const struct plan_func *last = NULL;
	for (uint32_t i = 0; sites.num && i < shared->num_request; i++) {
		const struct plan_func *func =
			plan_probe_func(backend->loaded.plan, shared->request[i]);
		if (!func || !read_code(backend, shared->request[i], &memory, &file) ||
		    memory != TRAP || memory == file)
			continue;
		count_missed(backend, func);
		if (func != last)
			log_warning(
				"%s: another tracer's uprobe is at its breakpoint (of perf, bpftrace "
				"or gotrace by eBPF): calls were missed since it came",
				func->func->name);
		last = func;
	}
	leftovers_deinit(&sites);
}

static struct error *ptrace_disarm(struct backend *base, const uint32_t *funcs, size_t num)
{
	struct ptrace_front *backend = (struct ptrace_front *)base;
	backend->shared->num_request = 0;
	for (size_t i = 0; i < num; i++) {
		const struct plan_func *func = backend->loaded.plan->funcs[funcs[i]];
		if (!backend->armed->funcs[funcs[i]].is_armed)
			continue;
		look_at_end(backend, func);
		backend->armed->funcs[funcs[i]].is_armed = false;
		backend->num_armed--;
		tables_enable(&backend->shared->tables, func, false);
		for (int entries = 1; entries >= 0; entries--)
			request(backend, func, entries);
	}
	struct error *err = NULL;
	if (!backend->num_armed) // no reason to stay the target's tracer
		err = command(backend, PTRACE_LEAVE);
	else if (backend->shared->num_request)
		err = command(backend, PTRACE_DISARM);
	if (!err)
		bring_back(backend);
	return err;
}

// Writes breakpoints again that others have removed, and disarms a function whose code was changed.
// Each call checks the next LOOK_PROBES probes, at most once in LOOK_NS.
static struct error *look_after(struct ptrace_front *backend)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	struct ptrace_shared *shared = backend->shared;
	if (!backend->num_armed || now_ns - backend->last_look_ns < LOOK_NS)
		return NULL;
	backend->last_look_ns = now_ns;
	const struct plan_func *changed = NULL, *off = NULL;
	shared->num_request = 0;
	for (uint32_t i = 0; i < LOOK_PROBES && i < shared->tables.plan.num_probes; i++) {
		uint32_t probe = backend->next_look++ % shared->tables.plan.num_probes;
		const struct plan_func *func = plan_probe_func(backend->loaded.plan, probe);
		enum breakpoint_state state = func ? look(backend, func, probe) : BREAKPOINT_THERE;
		if (state == BREAKPOINT_CHANGED)
			changed = func;
		if (state != BREAKPOINT_OFF)
			continue;
		off = func;
		count_missed(backend, func);
		shared->request[shared->num_request++] = probe;
	}
	if (off)
		log_warning(
			"%s: its breakpoint was removed (by a uprobe that came and went): calls "
			"were missed meanwhile; it is traced again",
			off->func->name);
	struct error *err = off ? command(backend, PTRACE_REPAIR) : NULL;
	if (err || !changed)
		return err;
	armed_refuse(backend->armed, changed->number, "its code was changed in memory");
	log_warning("%s: its code was changed in memory: it is not traced any more",
		    changed->func->name);
	return ptrace_disarm(&backend->base, &changed->number, 1);
}

// --- Records -------------------------------------------------------------------------------------

static struct error *ptrace_poll(struct backend *base, size_t max,
				 bool (*visit)(void *context, const struct wire_record *record),
				 void *context, size_t *num, bool *ended)
{
	struct ptrace_front *backend = (struct ptrace_front *)base;
	struct ptrace_ring *ring = &backend->shared->ring;
	struct pollfd fds[2] = {{.fd = backend->loaded.pidfd, .events = POLLIN},
				{.fd = backend->worker.socket, .events = POLLIN}};
	poll(fds, 2, 0); // before the last records are read
	bool has_ended = fds[0].revents || backend->shared->has_ended;
	bool goes_on = true;
	*num = 0;
	while (goes_on && *num < max) {
		const struct wire_record *record = ptrace_ring_peek(ring);
		if (!record)
			break;
		goes_on = visit(context, record);
		ptrace_ring_drop(ring, record);
		++*num;
	}
	if (goes_on && *num < max) {
		*ended |= has_ended;
		if (fds[1].revents)
			return worker_died(backend);
	}
	return has_ended ? NULL : look_after(backend);
}

static void ptrace_stats(struct backend *base, struct backend_stats *out)
{
	struct ptrace_front *backend = (struct ptrace_front *)base;
	*out = (struct backend_stats){
		.lost_buffer = backend->shared->state.lost_buffer,
		.missed = backend->missed,
		.hits = backend->shared->hits,
	};
}

// A hit stops a thread, wakes the worker and continues the thread. The values are the order of
// magnitude; the real cost depends on the processors that both run on.
static void ptrace_costs(struct backend *base, struct backend_costs *out)
{
	(void)base;
	*out = (struct backend_costs){.entry = 10000, .exit = 10000};
}

static struct error *ptrace_aggregates(struct backend *base,
				       struct error *(*visit)(void *context,
							      const struct backend_aggregate *one),
				       void *context, struct wire_aggregate_lost *lost)
{
	struct ptrace_shared *shared = ((struct ptrace_front *)base)->shared;
	const struct aggregate_tables *tables = &shared->aggregates;
	bool has_keys = shared->aggregating.num_keys;
	uint32_t num = has_keys ? atomic_load_explicit(&shared->num_keys, memory_order_acquire)
				: shared->aggregating.num_slots;
	struct error *err = NULL;
	for (uint32_t i = 0; i < num && !err; i++) {
		struct wire_key key = {.func = i};
		struct backend_aggregate one = {
			.key = has_keys ? &tables->keys[i] : &key,
			.at = has_keys ? &tables->texts[i] : NULL,
			.totals = tables->totals[i],
			.buckets =
				tables->buckets ? &tables->buckets[(size_t)i * WIRE_BUCKETS] : NULL,
		};
		if (one.totals.calls | one.totals.returns)
			err = visit(context, &one);
	}
	*lost = shared->state.aggregate_lost;
	return err;
}

const struct backend_ops backend_ptrace = {
	.name = "ptrace",
	.is_tracer = true,
	.open = ptrace_open,
	.close = ptrace_close,
	.records = {.poll = ptrace_poll, .stats = ptrace_stats, .aggregates = ptrace_aggregates},
	.probes = {.update = ptrace_update,
		   .arm = ptrace_arm,
		   .disarm = ptrace_disarm,
		   .costs = ptrace_costs},
};
