// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "bpf/wire.h"
#include "bpf/gotrace.skel.h"
#include "tracer/backend/ebpf/ebpf.h"
#include "tracer/backend/settings.h"

static struct bpf_map *table_map(const struct ebpf *backend, enum tables_kind kind)
{
	return bpf_object__find_map_by_name(backend->program->obj, tables_name(kind));
}

struct error *ebpf_tables_size(struct ebpf *backend, const struct backend_settings *settings)
{
	struct error *err = tables_size(&backend->tables, backend->loaded.plan, settings);
	for (size_t i = 0; i < NUM_TABLES && !err; i++) {
		uint32_t capacity = backend->tables.capacity[i];
		int result =
			capacity ? bpf_map__set_max_entries(table_map(backend, i), capacity) : 0;
		if (result)
			err = error_errno(-result, "sizing the table of %s", tables_name(i));
	}
	return err;
}

// The bytes of a table's mapping; 0 if it has none.
static size_t mapped_bytes(const struct ebpf *backend, enum tables_kind kind)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (tables_bytes(&backend->tables, kind) + page - 1) / page * page;
}

struct error *ebpf_tables_map(struct ebpf *backend)
{
	backend->tables.state = &backend->program->bss->state;
	for (size_t i = 0; i < NUM_TABLES; i++) {
		size_t bytes = mapped_bytes(backend, i);
		if (!bytes)
			continue;
		void *entries = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				     bpf_map__fd(table_map(backend, i)), 0);
		if (entries == MAP_FAILED)
			return error_errno(errno, "mapping the table of %s", tables_name(i));
		tables_place(&backend->tables, i, entries);
	}
	return NULL;
}

void ebpf_tables_unmap(struct ebpf *backend)
{
	for (size_t i = 0; i < NUM_TABLES; i++) {
		void *entries = tables_memory(&backend->tables, i);
		if (entries)
			munmap(entries, mapped_bytes(backend, i));
	}
}

static struct error *update_dynamics(struct ebpf *backend)
{
	const struct plan *plan = backend->loaded.plan;
	int map = bpf_map__fd(backend->program->maps.dynamics);
	for (; backend->num_dynamics < plan->num_dynamics; backend->num_dynamics++) {
		const struct plan_dynamic *dynamic = &plan->dynamics[backend->num_dynamics];
		uint64_t addr = loaded_addr(&backend->loaded, dynamic->rtype);
		int result = bpf_map_update_elem(map, &addr, &dynamic->type, 0);
		if (result == -E2BIG) // the map is full: interfaces of this type show only its name
			continue;
		if (result)
			return error_errno(-result, "giving the kernel a type");
	}
	return NULL;
}

// Drops calls from a table of calls under way: those that began before before_ns (0: none) and, if
// disarmed is set, those of functions that are not armed.
static void forget_in(struct ebpf *backend, const struct bpf_map *table, uint64_t before_ns,
		      bool disarmed)
{
	const struct armed *armed = backend->armed;
	int map = bpf_map__fd(table);
	struct wire_call_key key, next;
	struct wire_held call; // or a struct wire_call, which is smaller and begins alike
	_Static_assert(sizeof(call) >= sizeof(struct wire_call), "there is room for both");
	bool any = !bpf_map_get_next_key(map, NULL, &key);
	for (size_t i = 0; any && i < 2 * (size_t)bpf_map__max_entries(table); i++) {
		any = !bpf_map_get_next_key(map, &key, &next);
		bool is_gone =
			disarmed && key.func < armed->num && !armed->funcs[key.func].is_armed;
		if (!is_gone && before_ns && !bpf_map_lookup_elem(map, &key, &call))
			is_gone = call.time_ns < before_ns;
		if (is_gone)
			bpf_map_delete_elem(map, &key);
		key = next;
	}
}

static void forget_calls(struct ebpf *backend, uint64_t before_ns, bool disarmed)
{
	const struct gotrace_bpf *program = backend->program;
	forget_in(backend, program->maps.calls, before_ns, disarmed);
	forget_in(backend, program->maps.held, before_ns, disarmed);
}

// A call that panicked, or whose goroutine ended, has no return that would drop it from the tables.
// If calls were lost for lack of room since the last sweep, the calls that began long ago are
// dropped.
void ebpf_tables_sweep(struct ebpf *backend)
{
	static const uint64_t LONG_NS = 60 * 1000000000ull;
	const struct tables *tables = &backend->tables;
	uint64_t crowded = __atomic_load_n(&tables->state->aggregate_lost.active, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < tables->num_budgets; i++)
		crowded += __atomic_load_n(&tables->budgets[i].crowded, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < tables->plan.num_conditions; i++)
		crowded += __atomic_load_n(&tables->plan.conditions[i].crowded, __ATOMIC_RELAXED);
	if (crowded == backend->crowded)
		return;
	backend->crowded = crowded;
	uint64_t now_ns = clock_now();
	forget_calls(backend, now_ns > LONG_NS ? now_ns - LONG_NS : 0, false);
}

void ebpf_tables_forget(struct ebpf *backend)
{
	forget_calls(backend, 0, true);
}

struct error *ebpf_tables_update(struct backend *base)
{
	struct ebpf *backend = (struct ebpf *)base;
	struct error *err = tables_update(&backend->tables, &backend->loaded);
	if (err)
		return err;
	ebpf_pages_fetch(backend);
	return update_dynamics(backend);
}
