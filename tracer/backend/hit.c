// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/hit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "bpf/engine/take.h"
#include "tracer/backend/settings.h"
#include "tracer/backend/table.h"

enum { KNOWN_STACKS = 16384 };
static const uint64_t LONG_NS = 60 * 1000000000ull, SWEEP_NS = 1000000000ull;

struct hit_maker {
	struct slot slot;
	struct hit_source source;
	const struct cpu_regs *regs;			// of this hit
	uint64_t now_ns;				// of this hit
	struct table *calls, *held, *nests, *key_slots; // NULL: not needed
	void *memory;					// of the tables
	size_t memory_bytes;
	uint64_t swept_ns;		  // time of the last sweep
	uint64_t *known_stacks;		  // indexed by number % KNOWN_STACKS; NULL: no stacks
	struct wire_record head;	  // a record without blocks
	const struct wire_record *record; // the last record of this hit; NULL: none
};

static struct hit_maker *maker_of(const struct host *host)
{
	return host->self;
}

static struct wire_state *state_of(const struct host *host)
{
	return maker_of(host)->source.tables->state;
}

// --- The hit -------------------------------------------------------------------------------------

static inline const struct cpu_regs *cpu_regs_of(const struct host_regs *regs)
{
	return (const struct cpu_regs *)regs;
}

static inline uint64_t host_now_ns(const struct host *host)
{
	return maker_of(host)->now_ns;
}

static inline void host_copy_regs(const struct host_regs *regs, struct capture_regs *out)
{
	const struct cpu_regs *from = cpu_regs_of(regs);
	memcpy(out->ints, from->ints, sizeof(out->ints));
	out->sp = from->sp;
}

static inline uint64_t host_sp(const struct host_regs *regs)
{
	return cpu_regs_of(regs)->sp;
}

static inline uint64_t host_frame_pointer(const struct host_regs *regs)
{
	return cpu_regs_of(regs)->fp;
}

static inline uint64_t host_link(const struct host_regs *regs)
{
	return cpu_regs_of(regs)->link;
}

static inline uint64_t host_first_arg(const struct host_regs *regs)
{
	return cpu_regs_of(regs)->ints[0];
}

static inline uint64_t host_g(const struct host *host, const struct host_regs *regs,
			      const struct wire_probe *probe)
{
	const struct cpu_regs *from = cpu_regs_of(regs);
	if (!(probe->flags & WIRE_G_IN_TLS))
		return from->g;
	uint64_t g = 0;
	uint64_t place = from->tls + (uint64_t)(int64_t)host_settings(host)->tls_g;
	bool is_read =
		capture_is_readable(place, sizeof(g)) && !host_read(host, &g, sizeof(g), place);
	return is_read ? g : 0;
}

static inline bool host_float(const struct host *host, uint8_t reg, uint64_t *value)
{
	const struct cpu_regs *regs = maker_of(host)->regs;
	if (!regs->floats || reg >= CPU_FLOATS)
		return false;
	*value = regs->floats[reg];
	return true;
}

static inline bool host_has_floats(const struct host *host)
{
	return maker_of(host)->regs->floats;
}

// --- Memory and loops ----------------------------------------------------------------------------

static inline int host_read(const struct host *host, void *dst, uint64_t len, uint64_t addr)
{
	const struct hit_source *source = &maker_of(host)->source;
	return !source->read(source->context, dst, len, addr);
}

static inline void host_copy(const struct host *host, void *dst, const void *src, uint64_t len)
{
	(void)host;
	memcpy(dst, src, len);
}

static inline void host_repeat(uint32_t num, long (*step)(uint32_t i, void *context), void *context)
{
	for (uint32_t i = 0; i < num; i++)
		if (step(i, context))
			break;
}

// --- The plan's tables ---------------------------------------------------------------------------

static inline const struct wire_settings *host_settings(const struct host *host)
{
	return maker_of(host)->source.settings;
}

static inline const struct wire_stack_settings *host_stack_settings(const struct host *host)
{
	static const struct wire_stack_settings none = {0};
	const struct wire_stack_settings *stacks = maker_of(host)->source.stacks;
	return stacks ? stacks : &none;
}

static inline const struct wire_aggregate_settings *host_count_settings(const struct host *host)
{
	return maker_of(host)->source.aggregates->settings;
}

static inline const struct wire_recovery *host_recovery(const struct host *host)
{
	return &state_of(host)->recovery;
}

#define HOST_ENTRY(name, type, entries, num)                                 \
	static inline type *host_##name(const struct host *host, uint32_t i) \
	{                                                                    \
		const struct tables *tables = maker_of(host)->source.tables; \
		return i < tables->num ? &tables->entries[i] : NULL;         \
	}

HOST_ENTRY(piece, const struct wire_piece, plan.pieces, plan.num_pieces)
HOST_ENTRY(type, const struct wire_type, plan.types, plan.num_types)
HOST_ENTRY(edge, const struct wire_edge, plan.edges, plan.num_edges)
HOST_ENTRY(op, const struct wire_op, plan.ops, plan.num_ops)
HOST_ENTRY(literal, const struct wire_literal, plan.literals, plan.num_literals)
HOST_ENTRY(condition, struct wire_condition, plan.conditions, plan.num_conditions)
HOST_ENTRY(budget, struct wire_budget, budgets, num_budgets)
HOST_ENTRY(aggregate, const struct wire_aggregate, aggregates, num_aggregates)

static inline uint32_t host_dynamic(const struct host *host, uint64_t rtype)
{
	const struct hit_source *source = &maker_of(host)->source;
	return source->dynamic ? source->dynamic(source->context, rtype) : WIRE_NO_TYPE;
}

static inline uint64_t host_only_goid(const struct host *host)
{
	// It may change at any time.
	return __atomic_load_n(&state_of(host)->only_goid, __ATOMIC_RELAXED);
}

static inline bool host_has_depth(const struct host *host)
{
	return maker_of(host)->source.tables->has_depth;
}

static inline bool host_has_conditions(const struct host *host)
{
	return maker_of(host)->source.tables->plan.num_conditions;
}

static inline uint32_t host_num_groups(const struct host *host)
{
	return __atomic_load_n(&state_of(host)->num_within, __ATOMIC_ACQUIRE);
}

// --- Calls under way -----------------------------------------------------------------------------

struct gone {
	uint64_t goid, from, before_ns;
	uint32_t func, target;
};

static bool is_old(void *context, const void *key, const void *value)
{
	(void)key;
	return ((const struct wire_call *)value)->time_ns <
	       ((const struct gone *)context)->before_ns;
}

static bool is_gone(void *context, const void *key, const void *value)
{
	(void)value;
	const struct gone *gone = context;
	const struct wire_call_key *call = key;
	return call->goid == gone->goid && call->target == gone->target &&
	       call->distance >= gone->from;
}

static bool is_of_func(void *context, const void *key, const void *value)
{
	(void)value;
	return ((const struct wire_call_key *)key)->func == ((const struct gone *)context)->func;
}

// Adds a call to a table: a struct wire_call or a struct wire_held, which begin alike. Calls that
// panicked stay in the tables, so if a table is full, the calls that began long ago are dropped, at
// most once in SWEEP_NS.
static void *add_call(struct hit_maker *maker, struct table *table, const struct wire_call_key *key)
{
	void *value = table_add(table, key);
	if (value || maker->now_ns < LONG_NS || maker->now_ns - maker->swept_ns < SWEEP_NS)
		return value;
	maker->swept_ns = maker->now_ns;
	struct gone gone = {.before_ns = maker->now_ns - LONG_NS};
	table_drop_if(table, is_old, &gone);
	return table_add(table, key);
}

static inline int host_follow(const struct host *host, const struct wire_call_key *key,
			      uint64_t time_ns)
{
	struct hit_maker *maker = maker_of(host);
	uint64_t *value = add_call(maker, maker->calls, key);
	if (!value)
		return -1;
	*value = time_ns;
	return 0;
}

static inline bool host_unfollow(const struct host *host, const struct wire_call_key *key)
{
	return table_drop(maker_of(host)->calls, key);
}

static inline int host_call_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_call *call)
{
	struct hit_maker *maker = maker_of(host);
	struct wire_call *value = add_call(maker, maker->calls, key);
	if (!value)
		return -1;
	memcpy(value, call, maker->calls->value_bytes);
	return 0;
}

static inline struct wire_call *host_call_find(const struct host *host,
					       const struct wire_call_key *key)
{
	return table_find(maker_of(host)->calls, key);
}

static inline void host_call_drop(const struct host *host, const struct wire_call_key *key)
{
	table_drop(maker_of(host)->calls, key);
}

static inline int host_held_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_held *from)
{
	struct hit_maker *maker = maker_of(host);
	const struct wire_record *record = (const struct wire_record *)from->record;
	struct wire_held *held = add_call(maker, maker->held, key);
	if (!held || record->size > sizeof(held->record))
		return -1;
	memcpy(held, from, offsetof(struct wire_held, record) + record->size);
	return 0;
}

static inline struct wire_held *host_held_find(const struct host *host,
					       const struct wire_call_key *key)
{
	return table_find(maker_of(host)->held, key);
}

static inline void host_held_drop(const struct host *host, const struct wire_call_key *key)
{
	table_drop(maker_of(host)->held, key);
}

static inline void host_calls_gone(const struct host *host, const struct wire_call_key *key,
				   uint64_t from)
{
	struct hit_maker *maker = maker_of(host);
	struct gone gone = {.goid = key->goid, .from = from, .target = key->target};
	table_drop_if(maker->calls, is_gone, &gone);
	table_drop_if(maker->held, is_gone, &gone);
}

static inline int host_nest_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_nest *nest)
{
	return table_put(maker_of(host)->nests, key, nest) ? 0 : -1;
}

static inline struct wire_nest *host_nest_find(const struct host *host,
					       const struct wire_call_key *key)
{
	return table_find(maker_of(host)->nests, key);
}

static inline void host_nest_drop(const struct host *host, const struct wire_call_key *key)
{
	table_drop(maker_of(host)->nests, key);
}

static inline uint32_t *host_nests_full(const struct host *host)
{
	return &state_of(host)->are_nests_full;
}

// --- Counts --------------------------------------------------------------------------------------

static inline uint32_t host_key_slot(const struct host *host, const struct wire_key *key)
{
	const uint32_t *known = table_find(maker_of(host)->key_slots, key);
	return known ? *known : COUNT_NO_SLOT;
}

static inline uint32_t host_key_make(const struct host *host, const struct wire_key *key,
				     struct wire_key_slot *at)
{
	struct hit_maker *maker = maker_of(host);
	const struct aggregate_tables *tables = maker->source.aggregates;
	uint32_t slot = maker->key_slots ? maker->key_slots->num : UINT32_MAX;
	if (slot >= tables->settings->num_slots || !table_put(maker->key_slots, key, &slot))
		return COUNT_NO_SLOT;
	at->slot = slot;
	tables->keys[slot] = *key;
	if (tables->texts)
		tables->texts[slot] = *at;
	atomic_store_explicit(tables->num_keys, slot + 1, memory_order_release);
	return slot;
}

static inline struct wire_totals *host_totals(const struct host *host, uint32_t slot)
{
	const struct aggregate_tables *tables = maker_of(host)->source.aggregates;
	return slot < tables->settings->num_slots ? &tables->totals[slot] : NULL;
}

static inline uint64_t *host_bucket(const struct host *host, uint32_t slot, uint32_t bucket)
{
	const struct aggregate_tables *tables = maker_of(host)->source.aggregates;
	bool is_there = tables->settings->has_buckets && slot < tables->settings->num_slots &&
			bucket < WIRE_BUCKETS;
	return is_there ? &tables->buckets[(size_t)slot * WIRE_BUCKETS + bucket] : NULL;
}

static inline struct wire_aggregate_lost *host_count_lost(const struct host *host)
{
	return &state_of(host)->aggregate_lost;
}

// --- Records -------------------------------------------------------------------------------------

static inline struct slot *host_slot_take(const struct host *host)
{
	return &maker_of(host)->slot;
}

static inline void host_slot_give(const struct host *host, struct slot *slot)
{
	(void)host;
	(void)slot;
}

static inline struct wire_record *host_reserve(const struct host *host)
{
	return &maker_of(host)->head;
}

static inline int host_output(const struct host *host, const struct wire_record *record,
			      uint64_t size)
{
	(void)size;
	struct hit_maker *maker = maker_of(host);
	maker->record = record;
	return maker->source.emit && !maker->source.emit(maker->source.context, record) ? -1 : 0;
}

static inline void host_lost(const struct host *host, const struct wire_probe *probe,
			     enum wire_loss where)
{
	const struct tables *tables = maker_of(host)->source.tables;
	if (probe->func < tables->num_lost)
		__sync_fetch_and_add(&tables->lost[probe->func], 1);
	__sync_fetch_and_add(where == WIRE_LOST_BUFFER ? &tables->state->lost_buffer
						       : &tables->state->lost_scratch,
			     1);
}

static inline int host_submit(const struct host *host, struct wire_record *record)
{
	return host_output(host, record, record->size);
}

static inline struct wire_losses *host_losses(const struct host *host)
{
	return &state_of(host)->losses;
}

static inline bool host_knows_stack(const struct host *host, uint64_t number)
{
	return maker_of(host)->known_stacks[number % KNOWN_STACKS] == number;
}

static inline void host_learn_stack(const struct host *host, uint64_t number)
{
	maker_of(host)->known_stacks[number % KNOWN_STACKS] = number;
}

// --- The maker -----------------------------------------------------------------------------------

struct table_size {
	struct table **table;
	uint32_t key_bytes, value_bytes, max_entries; // max_entries 0: not needed
};

static size_t table_room(const struct table_size *size)
{
	return size->max_entries
		       ? table_bytes(size->key_bytes, size->value_bytes, size->max_entries)
		       : 0;
}

// Makes all tables in one mapping. Pages that are never used take no memory.
static struct error *make_tables(struct hit_maker *maker)
{
	const struct hit_source *source = &maker->source;
	const struct aggregate_tables *counts = source->aggregates;
	uint32_t max_keys = counts ? counts->max_keys : 0;
	uint32_t call_bytes = settings_call_bytes(counts ? counts->settings : NULL);
	const struct table_size sizes[] = {
		{&maker->calls, sizeof(struct wire_call_key), call_bytes, WIRE_ACTIVE_MAX},
		{&maker->held, sizeof(struct wire_call_key), sizeof(struct wire_held),
		 counts ? 0 : WIRE_HELD_CALLS_MAX},
		{&maker->nests, sizeof(struct wire_call_key), sizeof(struct wire_nest),
		 source->tables->has_depth ? WIRE_NESTS_MAX : WIRE_ACTIVE_MAX},
		{&maker->key_slots, sizeof(struct wire_key), sizeof(uint32_t), max_keys},
	};
	enum { NUM = sizeof(sizes) / sizeof(*sizes) };
	for (size_t i = 0; i < NUM; i++)
		maker->memory_bytes += table_room(&sizes[i]);
	void *memory = mmap(NULL, maker->memory_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return error_nomem();
	maker->memory = memory;
	uint8_t *at = memory;
	for (size_t i = 0; i < NUM; i++) {
		if (sizes[i].max_entries)
			*sizes[i].table = table_init(at, sizes[i].key_bytes, sizes[i].value_bytes,
						     sizes[i].max_entries);
		at += table_room(&sizes[i]);
	}
	return NULL;
}

struct error *hit_maker_create(const struct hit_source *source, struct hit_maker **out)
{
	struct hit_maker *maker = calloc(1, sizeof(*maker));
	if (!maker)
		return error_nomem();
	maker->source = *source;
	maker->slot.capture.host.self = maker;
	struct error *err = make_tables(maker);
	if (!err && source->stacks && source->stacks->max &&
	    !(maker->known_stacks = calloc(KNOWN_STACKS, sizeof(*maker->known_stacks))))
		err = error_nomem();
	if (err) {
		hit_maker_destroy(maker);
		return err;
	}
	*out = maker;
	return NULL;
}

void hit_maker_destroy(struct hit_maker *maker)
{
	if (!maker)
		return;
	if (maker->memory)
		munmap(maker->memory, maker->memory_bytes);
	free(maker->known_stacks);
	free(maker);
}

void hit_forget(struct hit_maker *maker, uint32_t func)
{
	struct gone gone = {.func = func};
	table_drop_if(maker->calls, is_of_func, &gone);
	table_drop_if(maker->held, is_of_func, &gone);
}

// --- Hits ----------------------------------------------------------------------------------------

const struct wire_record *hit_record(struct hit_maker *maker, uint32_t number, uint32_t tid,
				     uint64_t time_ns, const struct cpu_regs *regs)
{
	const struct plan_tables *tables = &maker->source.tables->plan;
	if (number >= tables->num_probes)
		return NULL;
	const struct wire_probe *probe = &tables->probes[number];
	if (capture_skips(probe, regs->flags) || (probe->flags & WIRE_DISABLED))
		return NULL;
	struct hit hit = {
		.regs = (const struct host_regs *)regs,
		.probe = probe,
		.number = number,
		.tid = tid,
		.target = maker->source.target,
	};
	maker->regs = regs;
	maker->now_ns = time_ns;
	maker->record = NULL;
	if (maker->source.aggregates)
		take_count(&maker->slot.capture.host, &hit);
	else
		take_trace(&maker->slot.capture.host, &hit);
	return maker->record;
}

bool hit_wants_floats(const struct plan_tables *tables, uint32_t number)
{
	if (number >= tables->num_probes)
		return false;
	const struct wire_probe *probe = &tables->probes[number];
	for (uint32_t i = 0; i < probe->num_pieces; i++) {
		uint64_t piece = (uint64_t)probe->first_piece + i;
		if (piece < tables->num_pieces && tables->pieces[piece].where == WIRE_FLOAT_REG)
			return true;
	}
	return false;
}
