// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tracer/backend/ptrace/ptrace.h"
#include "tracer/backend/settings.h"

enum {
	DYNAMICS = 1 << 17, // entries; at most half of them are used
	ALIGN = 64,
};

// --- The block of memory -----------------------------------------------------------------------

struct part {
	void **pointer;
	size_t bytes;
};

static size_t align(size_t bytes)
{
	return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

// Maps the block and sets the pointers of the tables and of all other parts. Pages take no memory
// until they are written, and most of the room is never used.
static struct error *map_parts(struct ptrace_shared *layout, struct part *parts, size_t num,
			       struct ptrace_shared **out)
{
	size_t total = align(sizeof(*layout));
	for (size_t i = 0; i < NUM_TABLES; i++)
		total += align(tables_bytes(&layout->tables, i));
	for (size_t i = 0; i < num; i++)
		total += align(parts[i].bytes);
	uint8_t *memory = mmap(NULL, total, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return error_errno(errno, "memory for the tracing process");
	uint8_t *at = memory + align(sizeof(*layout));
	for (size_t i = 0; i < NUM_TABLES; i++) {
		if (tables_bytes(&layout->tables, i))
			tables_place(&layout->tables, i, at);
		at += align(tables_bytes(&layout->tables, i));
	}
	for (size_t i = 0; i < num; i++) {
		if (parts[i].bytes)
			*parts[i].pointer = at;
		at += align(parts[i].bytes);
	}
	layout->bytes = total;
	memcpy(memory, layout, sizeof(*layout));
	*out = (struct ptrace_shared *)memory;
	return NULL;
}

struct error *ptrace_shared_create(const struct plan *plan, const struct backend_settings *settings,
				   struct ptrace_shared **out)
{
	struct ptrace_shared layout = {
		.ring.bytes = settings_ring_bytes(settings),
		.aggregates.max_keys = settings_max_keys(plan),
	};
	struct tables *tables = &layout.tables;
	struct error *err = tables_size(tables, plan, settings);
	if (err)
		return err;
	struct wire_aggregate_settings *counting = &layout.aggregating;
	settings_fill_aggregate(counting, plan);
	size_t num_slots = counting->num_slots, num_buckets = counting->has_buckets ? num_slots : 0;
	size_t num_texts = counting->num_keys ? num_slots : 0;
	uint32_t num_probes = tables->capacity[TABLES_PROBES];
	struct part parts[] = {
		{(void **)&layout.addrs, num_probes * sizeof(*layout.addrs)},
		{(void **)&layout.request, num_probes * sizeof(*layout.request)},
		{(void **)&layout.dynamics, DYNAMICS * sizeof(*layout.dynamics)},
		{(void **)&layout.ring.data, layout.ring.bytes},
		{(void **)&layout.aggregates.totals, num_slots * sizeof(struct wire_totals)},
		{(void **)&layout.aggregates.keys, num_texts * sizeof(struct wire_key)},
		{(void **)&layout.aggregates.texts, num_texts * sizeof(struct wire_key_slot)},
		{(void **)&layout.aggregates.buckets,
		 num_buckets * WIRE_BUCKETS * sizeof(uint64_t)},
	};
	err = map_parts(&layout, parts, sizeof(parts) / sizeof(*parts), out);
	if (err)
		return err;
	(*out)->tables.state = &(*out)->state;
	(*out)->aggregates.settings = &(*out)->aggregating;
	(*out)->aggregates.num_keys = &(*out)->num_keys;
	return NULL;
}

void ptrace_shared_destroy(struct ptrace_shared *shared)
{
	if (shared)
		munmap(shared, shared->bytes);
}

// --- The plan's tables -------------------------------------------------------------------------

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

static void update_dynamics(struct ptrace_shared *shared, const struct loaded *loaded, size_t *num)
{
	const struct plan *plan = loaded->plan;
	for (; *num < plan->num_dynamics; ++*num) {
		if (*num >= DYNAMICS / 2) // full: interfaces of this type show only its name
			continue;
		uint64_t rtype = loaded_addr(loaded, plan->dynamics[*num].rtype);
		struct ptrace_dynamic *entry = find_dynamic(shared, rtype);
		if (!rtype || !entry)
			continue;
		entry->type = plan->dynamics[*num].type;
		entry->rtype = rtype;
	}
}

struct error *ptrace_shared_update(struct ptrace_shared *shared, const struct loaded *loaded,
				   size_t *num_dynamics)
{
	const struct plan *plan = loaded->plan;
	uint32_t had = shared->tables.plan.num_probes;
	struct error *err = tables_update(&shared->tables, loaded);
	for (uint32_t i = had; !err && i < plan->tables.num_probes; i++)
		shared->addrs[i] = loaded_addr(loaded, plan->probes[i].vaddr);
	if (!err)
		update_dynamics(shared, loaded, num_dynamics);
	return err;
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
