// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/hit.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/cleanup.h"

// What the capture engine needs, in user space.

#define HOST_HAS_FLOATS 1

struct host {
	struct hit_source source;
	const struct hit_regs *regs; // of this hit
};

static inline const struct wire_settings *host_settings(const struct host *host)
{
	return host->source.settings;
}

static inline int host_read(const struct host *host, void *dst, uint64_t len, uint64_t addr)
{
	return !host->source.read(host->source.context, dst, len, addr);
}

static inline void host_repeat(uint32_t num, long (*step)(uint32_t i, void *context), void *context)
{
	for (uint32_t i = 0; i < num; i++)
		if (step(i, context))
			break;
}

static inline const struct wire_piece *host_piece(const struct host *host, uint32_t i)
{
	const struct plan_tables *tables = host->source.tables;
	return i < tables->num_pieces ? &tables->pieces[i] : NULL;
}

static inline const struct wire_type *host_type(const struct host *host, uint32_t i)
{
	const struct plan_tables *tables = host->source.tables;
	return i < tables->num_types ? &tables->types[i] : NULL;
}

static inline const struct wire_edge *host_edge(const struct host *host, uint32_t i)
{
	const struct plan_tables *tables = host->source.tables;
	return i < tables->num_edges ? &tables->edges[i] : NULL;
}

static inline uint32_t host_dynamic(const struct host *host, uint64_t rtype)
{
	return host->source.dynamic ? host->source.dynamic(host->source.context, rtype)
				    : WIRE_NO_TYPE;
}

static inline bool host_float(const struct host *host, uint8_t reg, uint64_t *value)
{
	if (!host->regs->floats || reg >= HIT_FLOATS)
		return false;
	*value = host->regs->floats[reg];
	return true;
}

#include "bpf/engine/capture.h"

struct call_key;

static inline int host_follow(const struct host *host, const struct call_key *key,
			      uint64_t time_ns);
static inline bool host_unfollow(const struct host *host, const struct call_key *key);

#include "bpf/engine/budget.h"

static inline const struct wire_stack_settings *host_stack_settings(const struct host *host);
static inline bool host_knows_stack(const struct host *host, uint64_t number);

#include "bpf/engine/stack.h"

static inline const struct wire_op *host_op(const struct host *host, uint32_t i)
{
	const struct plan_tables *tables = host->source.tables;
	return i < tables->num_ops ? &tables->ops[i] : NULL;
}

static inline const struct wire_literal *host_literal(const struct host *host, uint32_t i)
{
	const struct plan_tables *tables = host->source.tables;
	return i < tables->num_literals ? &tables->literals[i] : NULL;
}

#include "bpf/engine/expr.h"

struct call_key;
struct call;

static inline int host_call_put(const struct host *host, const struct call_key *key,
				const struct call *call);
static inline struct call *host_call_find(const struct host *host, const struct call_key *key);
static inline void host_call_drop(const struct host *host, const struct call_key *key);
static inline int host_within_put(const struct host *host, uint64_t goid, uint64_t distance);
static inline const uint64_t *host_within_find(const struct host *host, uint64_t goid);
static inline void host_within_drop(const struct host *host, uint64_t goid);

static inline const struct wire_recovery *host_recovery(const struct host *host)
{
	static const struct wire_recovery unknown = {0};
	return host->source.recovery ? host->source.recovery : &unknown;
}

static inline uint32_t host_num_groups(const struct host *host)
{
	const uint32_t *num = host->source.num_within;
	return num ? __atomic_load_n(num, __ATOMIC_ACQUIRE) : 0;
}

struct frame_key;
struct frame;

static inline int host_nest_put(const struct host *host, const struct frame_key *key,
				const struct frame *frame);
static inline struct frame *host_nest_find(const struct host *host, const struct frame_key *key);
static inline void host_nest_drop(const struct host *host, const struct frame_key *key);
static inline void host_calls_gone(const struct host *host, uint64_t goid, uint64_t from);
static inline uint32_t *host_nests_full(const struct host *host);

#include "bpf/engine/frames.h"

static inline const struct wire_aggregate_settings *host_count_settings(const struct host *host);
static inline uint32_t host_key_slot(const struct host *host, const struct wire_key *key);
static inline uint32_t aggregate_make(const struct host *host, const struct wire_key *key,
				      struct wire_key_slot *at);

static inline void aggregate_copy(const struct host *host, void *dst, const void *src, uint64_t len)
{
	(void)host;
	memcpy(dst, src, len);
}

static inline struct wire_totals *host_totals(const struct host *host, uint32_t slot);
static inline uint64_t *host_bucket(const struct host *host, uint32_t slot, uint32_t bucket);
static inline struct wire_aggregate_lost *host_count_lost(const struct host *host);

#include "bpf/engine/aggregate.h"

// What a held record keeps free for stack and creator, which come last.
enum { HELD_STACK = 2 * sizeof(struct wire_block) + (WIRE_STACK_MAX + 2) * sizeof(uint64_t) };
enum { KNOWN_STACKS = 16384 };

struct held { // an entry whose return decides
	struct call_key key;
	struct wire_kept kept;
	UT_hash_handle hh;
	uint64_t record[WIRE_HELD_MAX / sizeof(uint64_t)];
};

struct followed { // a call that was taken and is under way
	struct call_key key;
	uint64_t time_ns;
	UT_hash_handle hh;
};

struct hit_maker {
	struct capture capture; // first: its host is found from it
	struct followed *followed;
	uint64_t *known_stacks;	       // each where its number says; NULL: no stacks are told
	struct aggregate_store *store; // of calls under way, too, where hits are not counted
	struct call call;	       // one that is counted
	struct hash hash;
	struct expr expr;
	struct stack_walk walk;
	struct wire_losses losses; // where the source has none
	struct held *held;
	struct held *released; // what hit_entry gives
	uint32_t are_frames_full;
	uint64_t told; // the stack whose words are in the last record; 0: none
};

static struct aggregate_store *store_of(const struct host *host)
{
	return ((const struct hit_maker *)host)->store;
}

static inline int host_call_put(const struct host *host, const struct call_key *key,
				const struct call *call)
{
	_Static_assert(sizeof(*key) == STORE_KEY_BYTES && sizeof(*call) == STORE_CALL_BYTES,
		       "what the store keeps");
	return aggregate_store_put(store_of(host), key, call);
}

static inline struct call *host_call_find(const struct host *host, const struct call_key *key)
{
	return aggregate_store_find(store_of(host), key);
}

static inline void host_call_drop(const struct host *host, const struct call_key *key)
{
	aggregate_store_drop(store_of(host), key);
}

static inline int host_within_put(const struct host *host, uint64_t goid, uint64_t distance)
{
	return aggregate_store_put_within(store_of(host), goid, distance);
}

static inline const uint64_t *host_within_find(const struct host *host, uint64_t goid)
{
	return aggregate_store_find_within(store_of(host), goid);
}

static inline void host_within_drop(const struct host *host, uint64_t goid)
{
	aggregate_store_drop_within(store_of(host), goid);
}

static inline int host_nest_put(const struct host *host, const struct frame_key *key,
				const struct frame *frame)
{
	_Static_assert(sizeof(*key) == STORE_FRAME_KEY_BYTES && sizeof(*frame) == STORE_FRAME_BYTES,
		       "what the store keeps");
	return aggregate_store_put_frame(store_of(host), key, frame);
}

static inline struct frame *host_nest_find(const struct host *host, const struct frame_key *key)
{
	return aggregate_store_find_frame(store_of(host), key);
}

static inline void host_nest_drop(const struct host *host, const struct frame_key *key)
{
	aggregate_store_drop_frame(store_of(host), key);
}

static inline uint32_t *host_nests_full(const struct host *host)
{
	return &((struct hit_maker *)(uintptr_t)host)->are_frames_full;
}

static inline const struct wire_aggregate_settings *host_count_settings(const struct host *host)
{
	return aggregate_store_tables(store_of(host))->settings;
}

static inline uint32_t host_key_slot(const struct host *host, const struct wire_key *key)
{
	return aggregate_store_slot(store_of(host), key);
}

static inline uint32_t aggregate_make(const struct host *host, const struct wire_key *key,
				      struct wire_key_slot *at)
{
	return aggregate_store_make(store_of(host), key, at);
}

static inline struct wire_totals *host_totals(const struct host *host, uint32_t slot)
{
	return aggregate_store_totals(store_of(host), slot);
}

static inline uint64_t *host_bucket(const struct host *host, uint32_t slot, uint32_t bucket)
{
	return aggregate_store_bucket(store_of(host), slot, bucket);
}

static inline struct wire_aggregate_lost *host_count_lost(const struct host *host)
{
	return aggregate_store_tables(store_of(host))->lost;
}

static inline const struct wire_stack_settings *host_stack_settings(const struct host *host)
{
	return host->source.stacks;
}

static inline bool host_knows_stack(const struct host *host, uint64_t number)
{
	const struct hit_maker *maker = (const struct hit_maker *)host;
	return maker->known_stacks[number % KNOWN_STACKS] == number;
}

static struct followed **all_followed(const struct host *host)
{
	_Static_assert(!offsetof(struct hit_maker, capture) && !offsetof(struct capture, host),
		       "the host stands at the maker's beginning");
	return &((struct hit_maker *)(uintptr_t)host)->followed;
}

static inline int host_follow(const struct host *host, const struct call_key *key, uint64_t time_ns)
{
	struct followed **all = all_followed(host), *call;
	HASH_FIND (hh, *all, key, sizeof(*key), call)
		;
	if (!call) {
		if (HASH_COUNT(*all) >= WIRE_FOLLOWED_MAX || !(call = calloc(1, sizeof(*call))))
			return -1;
		call->key = *key;
		HASH_ADD(hh, *all, key, sizeof(call->key), call);
		if (!call->hh.tbl) {
			free(call);
			return -1;
		}
	}
	call->time_ns = time_ns;
	return 0;
}

static inline bool host_unfollow(const struct host *host, const struct call_key *key)
{
	struct followed **all = all_followed(host), *call;
	HASH_FIND (hh, *all, key, sizeof(*key), call)
		;
	if (!call)
		return false;
	HASH_DEL(*all, call);
	free(call);
	return true;
}

static inline void host_calls_gone(const struct host *host, uint64_t goid, uint64_t from)
{
	struct hit_maker *maker = (struct hit_maker *)(uintptr_t)host;
	struct followed *call, *next;
	HASH_ITER (hh, maker->followed, call, next) {
		if (call->key.goid != goid || call->key.distance < from)
			continue;
		HASH_DEL(maker->followed, call);
		free(call);
	}
	struct held *held, *next_held;
	HASH_ITER (hh, maker->held, held, next_held) {
		if (held->key.goid != goid || held->key.distance < from)
			continue;
		HASH_DEL(maker->held, held);
		free(held);
	}
}

struct error *hit_maker_create(const struct hit_source *source, struct hit_maker **out)
{
	struct hit_maker *maker = calloc(1, sizeof(*maker));
	if (!maker)
		return error_nomem();
	maker->capture.host.source = *source;
	if (!source->losses)
		maker->capture.host.source.losses = &maker->losses;
	if (source->stacks && source->stacks->max &&
	    !(maker->known_stacks = calloc(KNOWN_STACKS, sizeof(*maker->known_stacks)))) {
		free(maker);
		return error_nomem();
	}
	if (!(maker->store = aggregate_store_create(source->aggregates))) {
		hit_maker_destroy(maker);
		return error_nomem();
	}
	*out = maker;
	return NULL;
}

void hit_maker_destroy(struct hit_maker *maker)
{
	if (!maker)
		return;
	struct followed *call, *next;
	HASH_ITER (hh, maker->followed, call, next) {
		HASH_DEL(maker->followed, call);
		free(call);
	}
	struct held *held, *next_held;
	HASH_ITER (hh, maker->held, held, next_held) {
		HASH_DEL(maker->held, held);
		free(held);
	}
	free(maker->released);
	free(maker->known_stacks);
	aggregate_store_destroy(maker->store);
	free(maker);
}

static uint64_t find_g(const struct host *host, const struct wire_probe *probe,
		       const struct hit_regs *regs)
{
	if (!(probe->flags & WIRE_G_IN_TLS))
		return regs->r14;
	uint64_t g = 0;
	uint64_t place = regs->fs_base + (uint64_t)(int64_t)host->source.settings->tls_g;
	return capture_is_readable(place, sizeof(g)) && !host_read(host, &g, sizeof(g), place) ? g
											       : 0;
}

static void add_stack(struct hit_maker *maker, const struct wire_probe *probe,
		      const struct hit_regs *regs, const struct capture_goroutine *goroutine)
{
	struct capture *c = &maker->capture;
	if (c->host.source.stacks->has_creator && goroutine && goroutine->goid)
		stack_creator(c, find_g(&c->host, probe, regs));
	if (!maker->known_stacks)
		return;
	maker->told = stack_append(&maker->walk, c, regs->bp, goroutine);
	if (maker->told)
		maker->known_stacks[maker->told % KNOWN_STACKS] = maker->told;
}

void hit_forget(struct hit_maker *maker, uint32_t func)
{
	struct followed *call, *next;
	HASH_ITER (hh, maker->followed, call, next) {
		if (call->key.func != func)
			continue;
		HASH_DEL(maker->followed, call);
		free(call);
	}
	struct held *held, *next_held;
	HASH_ITER (hh, maker->held, held, next_held) {
		if (held->key.func != func)
			continue;
		HASH_DEL(maker->held, held);
		free(held);
	}
}

// The last record's stack is to be told again.
static void forget_told(struct hit_maker *maker)
{
	if (maker->told)
		maker->known_stacks[maker->told % KNOWN_STACKS] = 0;
}

void hit_lost(struct hit_maker *maker, const struct wire_record *record)
{
	forget_told(maker);
	struct wire_losses *losses = maker->capture.host.source.losses;
	++*capture_losses(losses, record->goid, record->tid);
	losses->all++;
}

// NULL: all of the function's calls are taken.
static struct wire_budget *find_budget(const struct hit_source *source,
				       const struct wire_probe *probe)
{
	bool has_one =
		source->budgets && budget_is_about(probe) && probe->func < source->num_budgets;
	return has_one ? &source->budgets[probe->func] : NULL;
}

static void count(struct hit_maker *maker, const struct wire_probe *probe, uint32_t tid,
		  uint64_t time_ns, const struct capture_goroutine *goroutine)
{
	const struct aggregate_tables *tables = aggregate_store_tables(maker->store);
	if (probe->func >= tables->num_aggregates)
		return;
	struct aggregate_hit hit = {
		.probe = probe,
		.expr = &maker->expr,
		.c = &maker->capture,
		.call = &maker->call,
		.hash = &maker->hash,
		.goroutine = goroutine,
		.tid = tid,
		.time_ns = time_ns,
	};
	aggregate_take(&maker->capture.host, &hit, &tables->aggregates[probe->func]);
}

// --- Conditions ----------------------------------------------------------------------------------

// NULL: all of the function's calls are wanted.
static struct wire_condition *find_condition(const struct hit_source *source,
					     const struct wire_probe *probe)
{
	const struct plan_tables *tables = source->tables;
	if (!budget_is_about(probe) || probe->func >= tables->num_conditions)
		return NULL;
	struct wire_condition *condition = &tables->conditions[probe->func];
	bool has_any = condition->num_entry + condition->num_return || condition->within;
	return has_any ? condition : NULL;
}

static bool is_within(struct hit_maker *maker, struct wire_condition *condition,
		      const struct frames_hit *hit)
{
	bool is_known;
	bool holds = frames_within(&maker->capture.host, hit, condition->within, &is_known);
	condition->unreadable += !is_known;
	return holds;
}

// At an entry: how many traced calls are under way with it; 0: that is not known.
static uint32_t track(struct hit_maker *maker, const struct frames_hit *hit)
{
	const struct hit_source *source = &maker->capture.host.source;
	const struct wire_budget *budget = find_budget(source, hit->probe);
	if (!source->has_depth || !budget || !hit->goroutine)
		return 0;
	if (hit->probe->kind == WIRE_PROBE_ENTRY)
		return frames_enter(&maker->capture.host, hit, budget->flags & WIRE_BUDGET_FOLLOW);
	frames_leave(&maker->capture.host, hit);
	return 0;
}

static bool admits(struct hit_maker *maker, struct wire_condition *condition,
		   const struct frames_hit *hit, uint32_t depth)
{
	const struct capture_goroutine *goroutine = hit->goroutine;
	uint32_t tid = hit->tid;
	if (condition->within && !is_within(maker, condition, hit))
		return false;
	bool failed = condition->num_return && !goroutine;
	struct expr_hit about = {.goid = goroutine ? goroutine->goid : EXPR_NO_GOID,
				 .tid = tid,
				 .depth = depth};
	bool holds = !failed && expr_run(&maker->expr, &maker->capture, condition->entry_op,
					 condition->num_entry, &about, &failed);
	condition->unreadable += failed;
	return holds;
}

static struct call_key held_key(const struct wire_probe *probe, uint32_t tid,
				const struct capture_goroutine *goroutine)
{
	return (struct call_key){
		.goid = wire_stack_key(goroutine->goid, goroutine->distance, tid),
		.distance = goroutine->distance,
		.func = probe->func,
	};
}

// Keeps the entry whose record was made.
static void hold(struct hit_maker *maker, struct wire_condition *condition,
		 const struct call_key *key)
{
	const struct wire_record *record = &maker->capture.record;
	struct held *held;
	HASH_FIND (hh, maker->held, key, sizeof(*key), held)
		;
	if (!held && HASH_COUNT(maker->held) < WIRE_CALLS_HELD_MAX &&
	    record->size <= sizeof(held->record) && (held = calloc(1, sizeof(*held)))) {
		held->key = *key;
		HASH_ADD(hh, maker->held, key, sizeof(held->key), held);
		if (!held->hh.tbl) {
			free(held);
			held = NULL;
		}
	}
	if (!held) {
		condition->crowded++;
		return;
	}
	held->kept = maker->capture.kept;
	memcpy(held->record, record, record->size);
}

// Another call was at its place, and left without a return.
static void forget_held(struct hit_maker *maker, const struct call_key *key)
{
	struct held *held;
	HASH_FIND (hh, maker->held, key, sizeof(*key), held)
		;
	if (!held)
		return;
	HASH_DEL(maker->held, held);
	free(held);
}

// Decides at the return; the entry is released, to be told if the return is.
static bool settle(struct hit_maker *maker, struct wire_condition *condition,
		   const struct wire_probe *probe, const struct call_key *key, uint32_t tid,
		   uint64_t time_ns)
{
	struct held *held;
	HASH_FIND (hh, maker->held, key, sizeof(*key), held)
		;
	if (!held)
		return false;
	HASH_DEL(maker->held, held);
	maker->released = held;
	capture_count_losses((struct wire_record *)held->record,
			     maker->capture.host.source.losses); // it is told now
	maker->capture.kept = held->kept;
	struct expr_hit about = {
		.goid = key->goid & WIRE_STACK_THREAD ? 0 : key->goid,
		.tid = tid,
		.duration = time_ns - ((const struct wire_record *)held->record)->time_ns,
		.is_blind = probe->kind != WIRE_PROBE_RETURN,
	};
	bool failed;
	bool holds = expr_run(&maker->expr, &maker->capture, condition->return_op,
			      condition->num_return, &about, &failed);
	condition->unreadable += failed;
	return holds;
}

const struct wire_record *hit_entry(const struct hit_maker *maker)
{
	return maker->released ? (const struct wire_record *)maker->released->record : NULL;
}

// --- Hits ----------------------------------------------------------------------------------------

// Fills the record, whose head is there.
static void fill(struct hit_maker *maker, const struct wire_probe *probe,
		 const struct hit_regs *regs, const struct capture_goroutine *known)
{
	struct capture *c = &maker->capture;
	const struct hit_source *source = &c->host.source;
	bool has_stack = (maker->known_stacks || (source->stacks && source->stacks->has_creator)) &&
			 probe->kind == WIRE_PROBE_ENTRY;
	if ((!probe->num_pieces && !has_stack) || (c->record.flags & WIRE_BARE))
		return;
	if (probe->num_pieces)
		capture_walk(c, probe);
	else
		c->write_at = sizeof(c->record);
	if (has_stack)
		add_stack(maker, probe, regs, known);
	if (regs->floats)
		c->record.flags |= WIRE_FLOATS;
}

static void note(struct hit_maker *maker, const struct frames_hit *hit)
{
	const struct plan_tables *tables = maker->capture.host.source.tables;
	struct wire_condition *condition = NULL;
	if (hit->probe->func < tables->num_conditions)
		condition = &tables->conditions[hit->probe->func];
	if (frames_note(&maker->capture.host, hit, condition ? condition->within : 0) && condition)
		condition->crowded++;
}

const struct wire_record *hit_record(struct hit_maker *maker, uint32_t number, uint32_t tid,
				     uint64_t time_ns, const struct hit_regs *regs)
{
	struct capture *c = &maker->capture;
	const struct hit_source *source = &c->host.source;
	if (number >= source->tables->num_probes)
		return NULL;
	const struct wire_probe *probe = &source->tables->probes[number];
	if (capture_skips(probe, regs->flags) || (probe->flags & WIRE_DISABLED))
		return NULL;
	struct capture_goroutine goroutine, *known = NULL;
	if (capture_goroutine(&c->host, find_g(&c->host, probe, regs), regs->sp, &goroutine))
		known = &goroutine;
	const struct frames_hit at = {
		.probe = probe,
		.goroutine = known,
		.first = regs->ints[0],
		.sp = regs->sp,
		.tid = tid,
	};
	if (probe->kind > WIRE_PROBE_TAIL && !source->aggregates)
		note(maker, &at);
	if (probe->kind >= WIRE_PROBE_BEGIN)
		return NULL;
	uint32_t depth = source->aggregates ? 0 : track(maker, &at);
	uint64_t only = source->only_goid ? __atomic_load_n(source->only_goid, __ATOMIC_RELAXED)
					  : 0; // it may change at any time
	if (only && !(probe->flags & WIRE_ANY_GOROUTINE) && (!known || goroutine.goid != only))
		return NULL;
	memcpy(c->regs.ints, regs->ints, sizeof(c->regs.ints));
	c->regs.sp = regs->sp;
	if (source->aggregates) {
		count(maker, probe, tid, time_ns, known);
		return NULL;
	}
	c->host.regs = regs;
	free(take(maker->released));
	struct wire_budget *budget = find_budget(source, probe);
	struct wire_condition *condition = find_condition(source, probe);
	bool is_entry = probe->kind == WIRE_PROBE_ENTRY;
	bool is_taken = !budget || budget_admits(budget, probe, time_ns);
	if (condition && is_taken && is_entry)
		is_taken = admits(maker, condition, &at, depth);
	bool is_held = condition && condition->num_return;
	if (budget && !is_held &&
	    !budget_follows(&c->host, budget, probe, known, tid, time_ns, is_taken))
		return NULL;
	if (is_held && !known)
		return NULL;
	struct call_key key = is_held ? held_key(probe, tid, known) : (struct call_key){0};
	if (is_held && !is_entry && !settle(maker, condition, probe, &key, tid, time_ns))
		return NULL;
	if (is_held && is_entry && !is_taken) {
		forget_held(maker, &key);
		return NULL;
	}
	capture_head(&c->record, number, tid, time_ns, known, source->losses);
	if (budget && budget->level)
		c->record.flags |= WIRE_BARE;
	maker->told = 0;
	c->room = is_held && is_entry ? WIRE_HELD_MAX - HELD_STACK : 0;
	fill(maker, probe, regs, known);
	if (!is_held || !is_entry)
		return &c->record;
	forget_told(maker); // the stack's words are told when the entry is
	hold(maker, condition, &key);
	return NULL;
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
