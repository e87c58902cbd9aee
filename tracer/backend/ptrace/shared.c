// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tracer/backend/ptrace/ptrace.h"
#include "tracer/backend/settings.h"

enum {
	DYNAMICS = 1 << 17, // entries; at most half of them are used
	RING_MIN = 1 << 16, // bytes
	RING_MAX = 1 << 30,
	ALIGN = 64,
};

// Entries beyond twice the plan's, for later additions.
enum { ROOM_PROBES = 32768, ROOM_PIECES = 65536, ROOM_TYPES = 65536, ROOM_EDGES = 131072 };
enum { ROOM_FUNCS = 16384, ROOM_OPS = 65536, ROOM_LITERALS = 4096 };

// --- The block of memory -----------------------------------------------------------------------

struct part {
	void **pointer;
	size_t bytes;
};

static size_t align(size_t bytes)
{
	return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

// Maps the block and sets the pointer of each part. Pages take no memory until they are written,
// and most of the room is never used.
static struct error *map_parts(struct ptrace_shared *layout, struct part *parts, size_t num,
			       struct ptrace_shared **out)
{
	size_t total = align(sizeof(*layout));
	for (size_t i = 0; i < num; i++)
		total += align(parts[i].bytes);
	uint8_t *memory = mmap(NULL, total, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return error_errno(errno, "memory for the tracing process");
	uint8_t *at = memory + align(sizeof(*layout));
	for (size_t i = 0; i < num; i++) {
		if (!parts[i].bytes)
			continue;
		*parts[i].pointer = at;
		at += align(parts[i].bytes);
	}
	layout->bytes = total;
	memcpy(memory, layout, sizeof(*layout));
	*out = (struct ptrace_shared *)memory;
	return NULL;
}

static size_t ring_bytes(size_t wanted)
{
	size_t bytes = RING_MIN;
	while (bytes < wanted && bytes < RING_MAX)
		bytes *= 2;
	return bytes;
}

struct error *ptrace_shared_create(const struct plan *plan, const struct backend_settings *settings,
				   struct ptrace_shared **out)
{
	const struct plan_tables *tables = &plan->tables;
	struct ptrace_shared layout = {
		.capacity = {2 * tables->num_probes + ROOM_PROBES,
			     2 * tables->num_pieces + ROOM_PIECES,
			     2 * tables->num_types + ROOM_TYPES,
			     2 * tables->num_edges + ROOM_EDGES},
		.num_lost = 2 * (uint32_t)plan->num_funcs + ROOM_FUNCS,
		.num_ops_max = 2 * tables->num_ops + ROOM_OPS,
		.num_literals_max = 2 * tables->num_literals + ROOM_LITERALS,
		.has_conditions = settings->has_conditions,
		.has_depth = plan->wants_depth,
		.ring.bytes = ring_bytes(settings->buffer_bytes),
	};
	const uint32_t *room = layout.capacity;
	struct wire_aggregate_settings *counting = &layout.aggregating;
	settings_fill_aggregate(counting, plan);
	layout.aggregates.max_keys = settings_max_keys(plan);
	size_t num_slots = counting->num_slots, num_buckets = counting->has_buckets ? num_slots : 0;
	struct part parts[] = {
		{(void **)&layout.tables.probes, room[0] * sizeof(*layout.tables.probes)},
		{(void **)&layout.tables.pieces, room[1] * sizeof(*layout.tables.pieces)},
		{(void **)&layout.tables.types, room[2] * sizeof(*layout.tables.types)},
		{(void **)&layout.tables.edges, room[3] * sizeof(*layout.tables.edges)},
		{(void **)&layout.addrs, room[0] * sizeof(*layout.addrs)},
		{(void **)&layout.request, room[0] * sizeof(*layout.request)},
		{(void **)&layout.dynamics, DYNAMICS * sizeof(*layout.dynamics)},
		{(void **)&layout.lost, layout.num_lost * sizeof(*layout.lost)},
		{(void **)&layout.ring.data, layout.ring.bytes},
		{(void **)&layout.tables.ops, layout.num_ops_max * sizeof(struct wire_op)},
		{(void **)&layout.tables.literals,
		 layout.num_literals_max * sizeof(struct wire_literal)},
		{(void **)&layout.tables.conditions,
		 layout.num_lost * sizeof(struct wire_condition)},
		{(void **)&layout.budgets,
		 settings->has_budgets ? layout.num_lost * sizeof(*layout.budgets) : 0},
		{(void **)&layout.func_aggregates,
		 num_slots ? layout.num_lost * sizeof(*layout.func_aggregates) : 0},
		{(void **)&layout.aggregates.totals, num_slots * sizeof(struct wire_totals)},
		{(void **)&layout.aggregates.keys,
		 counting->num_keys ? num_slots * sizeof(struct wire_key) : 0},
		{(void **)&layout.aggregates.texts,
		 counting->num_keys ? num_slots * sizeof(struct wire_key_slot) : 0},
		{(void **)&layout.aggregates.buckets,
		 num_buckets * WIRE_BUCKETS * sizeof(uint64_t)},
	};
	struct error *err = map_parts(&layout, parts, sizeof(parts) / sizeof(*parts), out);
	if (err)
		return err;
	struct aggregate_tables *counted = &(*out)->aggregates;
	counted->settings = &(*out)->aggregating;
	counted->aggregates = (*out)->func_aggregates;
	counted->lost = &(*out)->aggregate_lost;
	counted->num_keys = &(*out)->num_keys;
	return NULL;
}

void ptrace_shared_destroy(struct ptrace_shared *shared)
{
	if (shared)
		munmap(shared, shared->bytes);
}

// --- The plan's tables -------------------------------------------------------------------------

static struct error *check_room(const struct ptrace_shared *shared, const struct plan *plan)
{
	const struct plan_tables *tables = &plan->tables;
	if (tables->num_probes <= shared->capacity[0] &&
	    tables->num_pieces <= shared->capacity[1] && tables->num_types <= shared->capacity[2] &&
	    tables->num_edges <= shared->capacity[3] && plan->num_funcs <= shared->num_lost &&
	    tables->num_ops <= shared->num_ops_max &&
	    tables->num_literals <= shared->num_literals_max &&
	    (shared->has_depth || !plan->wants_depth))
		return NULL;
	return error_errno(ENOSPC, "no room for more probes beside those that are armed");
}

// The plan may learn more about its types while the worker reads them. A type has no edges while it
// changes.
static void update_types(struct wire_type *to, const struct wire_type *from, uint32_t num)
{
	for (uint32_t i = 0; i < num; i++) {
		if (!memcmp(&to[i], &from[i], sizeof(*to)))
			continue;
		__atomic_store_n(&to[i].num_edges, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].size, from[i].size, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].stride, from[i].stride, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].first_edge, from[i].first_edge, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].num_edges, from[i].num_edges, __ATOMIC_RELEASE);
	}
}

static struct ptrace_dynamic *find_dynamic(const struct ptrace_shared *shared, uint64_t rtype)
{
	uint64_t hash = rtype * 0x9e3779b97f4a7c15ull >> 32;
	for (uint32_t i = 0; i < DYNAMICS; i++) {
		struct ptrace_dynamic *entry = &shared->dynamics[(hash + i) & (DYNAMICS - 1)];
		uint64_t there = entry->rtype;
		if (!there || there == rtype)
			return entry;
	}
	return NULL;
}

uint32_t ptrace_shared_dynamic(const struct ptrace_shared *shared, uint64_t rtype)
{
	const struct ptrace_dynamic *entry = find_dynamic(shared, rtype);
	return entry && entry->rtype == rtype ? entry->type : WIRE_NO_TYPE;
}

static void update_dynamics(struct ptrace_shared *shared, const struct plan *plan, uint64_t bias,
			    size_t *num)
{
	for (; *num < plan->num_dynamics; ++*num) {
		if (*num >= DYNAMICS / 2) // full: interfaces of this type show only its name
			continue;
		uint64_t rtype = plan->dynamics[*num].rtype + bias;
		struct ptrace_dynamic *entry = find_dynamic(shared, rtype);
		if (!rtype || !entry)
			continue;
		entry->type = plan->dynamics[*num].type;
		entry->rtype = rtype;
	}
}

static void update_conditions(struct plan_tables *to, const struct plan_tables *from)
{
	for (; to->num_literals < from->num_literals; to->num_literals++)
		to->literals[to->num_literals] = from->literals[to->num_literals];
	for (; to->num_ops < from->num_ops; to->num_ops++)
		to->ops[to->num_ops] = from->ops[to->num_ops];
	for (uint32_t i = to->num_conditions; i < from->num_conditions; i++)
		to->conditions[i] = from->conditions[i];
	__atomic_store_n(&to->num_conditions, from->num_conditions, __ATOMIC_RELEASE);
}

// Appends the new entries of a table. An empty table may have no memory, so NULL is not passed to
// memcpy.
static void append(void *to, const void *from, uint32_t have, uint32_t num, size_t size)
{
	if (num > have)
		memcpy((char *)to + have * size, (const char *)from + have * size,
		       (num - have) * size);
}

struct error *ptrace_shared_update(struct ptrace_shared *shared, const struct plan *plan,
				   uint64_t bias, size_t *num_dynamics)
{
	struct error *err = check_room(shared, plan);
	if (err)
		return err;
	const struct plan_tables *from = &plan->tables;
	struct plan_tables *to = &shared->tables;
	uint32_t *num_funcs = &shared->aggregates.num_aggregates;
	for (; shared->func_aggregates && *num_funcs < plan->num_funcs; (*num_funcs)++)
		shared->func_aggregates[*num_funcs] = plan->funcs[*num_funcs]->aggregate.wire;
	for (; shared->budgets && shared->num_budgets < plan->num_funcs; shared->num_budgets++)
		settings_budget(&shared->budgets[shared->num_budgets],
				plan->funcs[shared->num_budgets]);
	// An entry is copied before the entries that refer to it: edges before types, pieces before
	// probes.
	append(to->edges, from->edges, to->num_edges, from->num_edges, sizeof(*to->edges));
	__atomic_store_n(&to->num_edges, from->num_edges, __ATOMIC_RELEASE);
	append(to->types, from->types, to->num_types, from->num_types, sizeof(*to->types));
	update_types(to->types, from->types, to->num_types);
	__atomic_store_n(&to->num_types, from->num_types, __ATOMIC_RELEASE);
	append(to->pieces, from->pieces, to->num_pieces, from->num_pieces, sizeof(*to->pieces));
	__atomic_store_n(&to->num_pieces, from->num_pieces, __ATOMIC_RELEASE);
	update_conditions(to, from);
	settings_fill_recovery(&shared->recovery, plan);
	__atomic_store_n(&shared->num_within, plan->num_within, __ATOMIC_RELEASE);
	append(to->probes, from->probes, to->num_probes, from->num_probes, sizeof(*to->probes));
	for (uint32_t i = to->num_probes; i < from->num_probes; i++)
		shared->addrs[i] = plan->probes[i].vaddr + bias;
	__atomic_store_n(&to->num_probes, from->num_probes, __ATOMIC_RELEASE);
	update_dynamics(shared, plan, bias, num_dynamics);
	return NULL;
}

// --- The ring ----------------------------------------------------------------------------------

// A record is contiguous. If it does not fit before the end of the ring, a size of 0 is written
// there, and the record is put at the start.
bool ptrace_ring_put(struct ptrace_ring *ring, const struct wire_record *record)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint64_t at = head & (ring->bytes - 1), room = ring->bytes - at;
	uint64_t skip = record->size > room ? room : 0;
	if (head + skip + record->size - tail > ring->bytes)
		return false;
	if (skip) {
		memset(ring->data + at, 0, sizeof(record->size));
		head += skip;
		at = 0;
	}
	memcpy(ring->data + at, record, record->size);
	atomic_store_explicit(&ring->head, head + record->size, memory_order_release);
	return true;
}

const struct wire_record *ptrace_ring_peek(struct ptrace_ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	if (tail == head)
		return NULL;
	uint64_t at = tail & (ring->bytes - 1);
	const struct wire_record *record = (const struct wire_record *)(ring->data + at);
	if (record->size)
		return record;
	atomic_store_explicit(&ring->tail, tail + ring->bytes - at, memory_order_release);
	return (const struct wire_record *)ring->data;
}

void ptrace_ring_drop(struct ptrace_ring *ring, const struct wire_record *record)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, tail + record->size, memory_order_release);
}
