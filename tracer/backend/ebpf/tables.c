// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "bpf/gotrace.skel.h"
#include "tracer/backend/ebpf/ebpf.h"
#include "tracer/backend/settings.h"

struct table_kind {
	const char *name;
	size_t entry_size; // bytes
	uint32_t room;	   // entries beyond twice the plan's, for later additions
};

static const struct table_kind kinds[NUM_TABLES] = {
	[TABLE_PROBES] = {"probes", sizeof(struct wire_probe), 32768},
	[TABLE_PIECES] = {"pieces", sizeof(struct wire_piece), 65536},
	[TABLE_TYPES] = {"types", sizeof(struct wire_type), 65536},
	[TABLE_EDGES] = {"edges", sizeof(struct wire_edge), 131072},
	[TABLE_LOST] = {"functions", sizeof(uint64_t), 16384},
	[TABLE_BUDGETS] = {"budgets", sizeof(struct wire_budget), 16384},
	[TABLE_AGGREGATES] = {"aggregates", sizeof(struct wire_aggregate), 64},
	[TABLE_OPS] = {"operations", sizeof(struct wire_op), 65536},
	[TABLE_LITERALS] = {"strings", sizeof(struct wire_literal), 4096},
	[TABLE_CONDITIONS] = {"conditions", sizeof(struct wire_condition), 16384},
};

static struct bpf_map *table_map(const struct backend *backend, size_t kind)
{
	struct gotrace_bpf *program = backend->program;
	struct bpf_map *const maps[NUM_TABLES] = {
		[TABLE_PROBES] = program->maps.probes,
		[TABLE_PIECES] = program->maps.pieces,
		[TABLE_TYPES] = program->maps.types,
		[TABLE_EDGES] = program->maps.edges,
		[TABLE_LOST] = program->maps.lost,
		[TABLE_BUDGETS] = program->maps.budgets,
		[TABLE_AGGREGATES] = program->maps.aggregates,
		[TABLE_OPS] = program->maps.ops,
		[TABLE_LITERALS] = program->maps.literals,
		[TABLE_CONDITIONS] = program->maps.conditions,
	};
	return maps[kind];
}

// The number of entries that the plan has for this table. *entries is set to these, or to NULL if
// the table has an entry for each function and is not copied from the plan.
static size_t plan_entries(const struct plan *plan, size_t kind, const void **entries)
{
	const struct plan_tables *tables = &plan->tables;
	switch (kind) {
	case TABLE_PROBES:
		*entries = tables->probes;
		return tables->num_probes;
	case TABLE_PIECES:
		*entries = tables->pieces;
		return tables->num_pieces;
	case TABLE_TYPES:
		*entries = tables->types;
		return tables->num_types;
	case TABLE_EDGES:
		*entries = tables->edges;
		return tables->num_edges;
	case TABLE_OPS:
		*entries = tables->ops;
		return tables->num_ops;
	case TABLE_LITERALS:
		*entries = tables->literals;
		return tables->num_literals;
	case TABLE_CONDITIONS:
		*entries = tables->conditions;
		return tables->num_conditions;
	default:
		*entries = NULL;
		return plan->num_funcs;
	}
}

static bool is_of_conditions(size_t kind)
{
	return kind == TABLE_OPS || kind == TABLE_LITERALS || kind == TABLE_CONDITIONS;
}

struct error *ebpf_tables_size(struct backend *backend)
{
	for (size_t i = 0; i < NUM_TABLES; i++) {
		const void *entries;
		uint64_t capacity = plan_entries(backend->plan, i, &entries) * 2ull + kinds[i].room;
		if ((i == TABLE_BUDGETS && !backend->has_budgets) ||
		    (i == TABLE_AGGREGATES && !backend->counts))
			continue;
		if (is_of_conditions(i) && !backend->has_conditions)
			continue;
		if (i == TABLE_CONDITIONS) // indexed by function
			capacity = backend->plan->num_funcs * 2ull + kinds[i].room;
		if (capacity > INT32_MAX / kinds[i].entry_size)
			return error_new("too many functions: the table of %s would be too large",
					 kinds[i].name);
		int result = bpf_map__set_max_entries(table_map(backend, i), (uint32_t)capacity);
		if (result)
			return error_errno(-result, "sizing the table of %s", kinds[i].name);
		backend->tables[i].capacity = (uint32_t)capacity;
	}
	return NULL;
}

struct error *ebpf_tables_map(struct backend *backend)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < NUM_TABLES; i++) {
		struct ebpf_table *table = &backend->tables[i];
		if (!table->capacity)
			continue;
		size_t bytes = (table->capacity * kinds[i].entry_size + page - 1) / page * page;
		void *entries = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				     bpf_map__fd(table_map(backend, i)), 0);
		if (entries == MAP_FAILED)
			return error_errno(errno, "mapping the table of %s", kinds[i].name);
		table->entries = entries;
		table->bytes = bytes;
	}
	return NULL;
}

void ebpf_tables_unmap(struct backend *backend)
{
	for (size_t i = 0; i < NUM_TABLES; i++)
		if (backend->tables[i].entries)
			munmap(backend->tables[i].entries, backend->tables[i].bytes);
}

// The plan may learn more about its types while programs read them. A type has no edges while it
// changes.
static void update_types(struct ebpf_table *table, const struct wire_type *from)
{
	struct wire_type *to = table->entries;
	for (uint32_t i = 0; i < table->num; i++) {
		if (!memcmp(&to[i], &from[i], sizeof(*to)))
			continue;
		__atomic_store_n(&to[i].num_edges, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].size, from[i].size, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].stride, from[i].stride, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].first_edge, from[i].first_edge, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].num_edges, from[i].num_edges, __ATOMIC_RELEASE);
	}
}

static struct error *check_room(const struct backend *backend)
{
	for (size_t i = 0; i < NUM_TABLES; i++) {
		const void *entries;
		uint32_t capacity = backend->tables[i].capacity;
		if (capacity && plan_entries(backend->plan, i, &entries) > capacity)
			return error_errno(ENOSPC, "no room for more %s in the kernel's table (%u)",
					   kinds[i].name, capacity);
	}
	if (backend->plan->wants_depth && !backend->has_depth)
		return error_errno(ENOSPC, "how deep calls are was not counted so far");
	return NULL;
}

static struct error *update_dynamics(struct backend *backend)
{
	const struct plan *plan = backend->plan;
	int map = bpf_map__fd(backend->program->maps.dynamics);
	for (; backend->num_dynamics < plan->num_dynamics; backend->num_dynamics++) {
		const struct plan_dynamic *dynamic = &plan->dynamics[backend->num_dynamics];
		uint64_t addr = dynamic->rtype + backend->target.bias;
		int result = bpf_map_update_elem(map, &addr, &dynamic->type, 0);
		if (result == -E2BIG) // the map is full: interfaces of this type show only its name
			continue;
		if (result)
			return error_errno(-result, "telling the kernel of a type");
	}
	return NULL;
}

// Drops calls from a table of calls under way: those that began before before_ns (0: none) and, if
// disarmed is set, those of functions that are not armed. time_at is the time's offset in a value.
static void forget_in(struct backend *backend, const struct bpf_map *table, size_t time_at,
		      uint64_t before_ns, bool disarmed)
{
	const struct armed *armed = backend->armed;
	int map = bpf_map__fd(table);
	struct wire_call_key key, next;
	uint8_t value[sizeof(struct wire_held)];
	if (bpf_map__value_size(table) > sizeof(value))
		return;
	bool any = !bpf_map_get_next_key(map, NULL, &key);
	for (size_t i = 0; any && i < 2 * (size_t)bpf_map__max_entries(table); i++) {
		uint64_t time_ns;
		any = !bpf_map_get_next_key(map, &key, &next);
		bool is_gone =
			disarmed && key.func < armed->num && !armed->funcs[key.func].is_armed;
		if (!is_gone && before_ns && !bpf_map_lookup_elem(map, &key, value)) {
			memcpy(&time_ns, value + time_at, sizeof(time_ns));
			is_gone = time_ns < before_ns;
		}
		if (is_gone)
			bpf_map_delete_elem(map, &key);
		key = next;
	}
}

static void forget_calls(struct backend *backend, uint64_t before_ns, bool disarmed)
{
	const struct gotrace_bpf *program = backend->program;
	forget_in(backend, program->maps.calls, offsetof(struct wire_call, time_ns), before_ns,
		  disarmed);
	forget_in(backend, program->maps.held,
		  offsetof(struct wire_held, record) + offsetof(struct wire_record, time_ns),
		  before_ns, disarmed);
}

// A call that panicked, or whose goroutine ended, has no return that would drop it from the tables.
// If calls were lost for lack of room since the last sweep, the calls that began long ago are
// dropped.
void ebpf_tables_sweep(struct backend *backend)
{
	static const uint64_t LONG_NS = 60 * 1000000000ull;
	const struct ebpf_table *table = &backend->tables[TABLE_BUDGETS];
	const struct wire_budget *budgets = table->entries;
	uint64_t crowded = 0;
	for (uint32_t i = 0; budgets && i < table->num; i++)
		crowded += __atomic_load_n(&budgets[i].crowded, __ATOMIC_RELAXED);
	table = &backend->tables[TABLE_CONDITIONS];
	const struct wire_condition *conditions = table->entries;
	for (uint32_t i = 0; conditions && i < table->num; i++)
		crowded += __atomic_load_n(&conditions[i].crowded, __ATOMIC_RELAXED);
	if (crowded == backend->crowded)
		return;
	backend->crowded = crowded;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	forget_calls(backend, now_ns > LONG_NS ? now_ns - LONG_NS : 0, false);
}

void ebpf_tables_forget(struct backend *backend)
{
	forget_calls(backend, 0, true);
}

static void update_budgets(struct backend *backend)
{
	struct ebpf_table *table = &backend->tables[TABLE_BUDGETS];
	struct wire_budget *budgets = table->entries;
	for (; budgets && table->num < backend->plan->num_funcs; table->num++)
		settings_budget(&budgets[table->num], backend->plan->funcs[table->num]);
}

static void update_aggregates(struct backend *backend)
{
	struct ebpf_table *table = &backend->tables[TABLE_AGGREGATES];
	struct wire_aggregate *aggregates = table->entries;
	for (; aggregates && table->num < backend->plan->num_funcs; table->num++)
		aggregates[table->num] = backend->plan->funcs[table->num]->aggregate.wire;
}

struct error *ebpf_tables_update(struct backend *backend)
{
	struct error *err = check_room(backend);
	if (err)
		return err;
	update_budgets(backend);
	update_aggregates(backend);
	struct gotrace_bpf *program = backend->program;
	settings_fill_recovery((struct wire_recovery *)&program->bss->recovery, backend->plan);
	__atomic_store_n(&program->bss->num_within, backend->plan->num_within, __ATOMIC_RELEASE);
	// An entry is copied before the entries that refer to it: edges before types, pieces before
	// probes.
	static const size_t order[] = {TABLE_EDGES,	 TABLE_TYPES,  TABLE_LITERALS, TABLE_OPS,
				       TABLE_CONDITIONS, TABLE_PIECES, TABLE_PROBES};
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		struct ebpf_table *table = &backend->tables[order[i]];
		size_t size = kinds[order[i]].entry_size;
		const void *entries;
		uint32_t num = (uint32_t)plan_entries(backend->plan, order[i], &entries);
		if (!table->capacity)
			continue;
		if (num > table->num)
			memcpy((char *)table->entries + table->num * size,
			       (const char *)entries + table->num * size,
			       (num - table->num) * size);
		if (order[i] == TABLE_TYPES)
			update_types(table, entries);
		table->num = num;
		__atomic_thread_fence(__ATOMIC_RELEASE);
	}
	ebpf_pages_fetch(backend);
	return update_dynamics(backend);
}
