// SPDX-License-Identifier: GPL-2.0-or-later
// Calls that are counted where they happen instead of being told: by function and by values of them, with durations or
// values in a histogram. A key has a slot: without values the function's number is its slot, else a
// table leads from key to slot. Which calls are counted, and their values, is found by programs (expr.h). What is counted
// is of the CPU, but a program can be preempted by another on the same CPU, so all sums are atomic. Compiled for
// the kernel and for user space, as capture.h is.
//
// The includer defines first, besides what active.h and expr.h want:
//   host_count_settings(host)        struct wire_aggregate_settings
//   host_key_slot(host, key)       the key's slot; AGGREGATE_NO_SLOT where it has none
//   aggregate_make(host, key, at)   makes one, at->slot, of what is at at; AGGREGATE_NO_SLOT where there is no room
//   aggregate_copy(host, dst, src, len)  len bytes, at most those of a slot's texts
//   host_totals(host, slot)    struct wire_totals, or NULL
//   host_bucket(host, slot, bucket)  wire_u64, or NULL
//   host_count_lost(host)            struct wire_aggregate_lost
#ifndef GOTRACE_BPF_ENGINE_AGGREGATE_H
#define GOTRACE_BPF_ENGINE_AGGREGATE_H

#include "bpf/engine/active.h"
#include "bpf/engine/expr.h"
#include "bpf/engine/hash.h"

enum { AGGREGATE_SUB_BITS = 3, AGGREGATE_WORD = 8 };
static const wire_u32 AGGREGATE_NO_SLOT = ~0u;

struct aggregate_hit {
	const struct wire_probe *probe;
	struct expr *expr;			   // to run programs in
	struct capture *c;			   // with the hit's registers
	struct call *call;			   // room for one
	struct hash *hash;			   // room for one
	const struct capture_goroutine *goroutine; // NULL: not known
	wire_u32 tid;
	wire_u32 pad;
	wire_u64 time_ns;
};

CAPTURE_INLINE void aggregate_add(wire_u64 *to, wire_u64 num)
{
	if (to)
		__sync_fetch_and_add(to, num);
}

/** The logarithmic bucket of a number: histogram_bucket() without loops. */
CAPTURE_INLINE wire_u32 aggregate_log_bucket(wire_u64 value)
{
	wire_u32 power = 0;
	wire_u64 rest = value;
#define AGGREGATE_HALVE(bits)    \
	if (rest >> (bits)) {    \
		rest >>= (bits); \
		power += (bits); \
	}
	AGGREGATE_HALVE(32)
	AGGREGATE_HALVE(16)
	AGGREGATE_HALVE(8)
	AGGREGATE_HALVE(4)
	AGGREGATE_HALVE(2)
	AGGREGATE_HALVE(1)
#undef AGGREGATE_HALVE
	if (power < AGGREGATE_SUB_BITS)
		return (wire_u32)value;
	wire_u32 sub =
		(wire_u32)(value >> (power - AGGREGATE_SUB_BITS)) & ((1 << AGGREGATE_SUB_BITS) - 1);
	return ((power - AGGREGATE_SUB_BITS + 1) << AGGREGATE_SUB_BITS) + sub;
}

// --- Reading -------------------------------------------------------------------------------------

// The argument of runtime.recovery.
CAPTURE_INLINE int aggregate_argument(const struct host *host, const struct aggregate_hit *hit,
				      const struct wire_source *source, wire_u64 *out)
{
	const struct capture_regs *regs = &hit->c->regs;
	if (source->where == WIRE_STACK)
		return active_word(host, regs->sp + AGGREGATE_WORD + source->stack_off, out);
	wire_u64 reg = source->reg;
	CAPTURE_HIDE(reg);
	if (source->where != WIRE_INT_REG || reg >= CAPTURE_INTS)
		return -1;
	*out = regs->ints[reg];
	return 0;
}

// Runs a program of the function's. False: the call is not to be counted.
static __attribute__((noinline)) bool aggregate_run(const struct host *host,
						    const struct aggregate_hit *hit, wire_u32 first,
						    wire_u32 num, wire_u64 duration)
{
	struct expr_hit about = {
		.goid = hit->goroutine ? hit->goroutine->goid : EXPR_NO_GOID,
		.tid = hit->tid,
		.duration = duration,
		.is_blind = hit->probe->kind == WIRE_PROBE_TAIL,
	};
	bool failed = false;
	bool holds = expr_run(hit->expr, hit->c, first, num, &about, &failed);
	if (failed)
		aggregate_add(&host_count_lost(host)->unreadable, 1);
	return holds;
}

// --- Values --------------------------------------------------------------------------------------

CAPTURE_INLINE bool aggregate_is_known(const struct wire_kept *kept, const struct wire_value *value)
{
	return kept->valid >> (value->kept & (WIRE_KEPT_MAX - 1)) & 1;
}

CAPTURE_INLINE wire_u64 aggregate_word(const struct wire_kept *kept, const struct wire_value *value,
				       wire_u32 next)
{
	wire_u64 at = value->kept + next;
	CAPTURE_HIDE(at);
	return kept->values[at & (WIRE_KEPT_MAX - 1)];
}

// Strings of a key stand at these places where a record is made else, until its texts are taken.
CAPTURE_INLINE wire_u64 aggregate_place(wire_u64 number)
{
	_Static_assert(WIRE_KEYS * WIRE_BLOCK_MAX <= WIRE_RECORD_MAX, "each has its place");
	return number * WIRE_BLOCK_MAX;
}

struct aggregate_run {
	const struct aggregate_hit *hit;
	const struct wire_aggregate *aggregate;
	const struct wire_kept *kept;
	struct call *call;
	wire_u32 is_return;
	wire_u32 len; // of the string whose hash is made
	wire_u64 place;
};

enum { AGGREGATE_HASH_STEP = 64 };

static long aggregate_hash_step(wire_u32 i, void *context)
{
	struct aggregate_run *run = context;
	wire_u64 at = (wire_u64)i * AGGREGATE_HASH_STEP;
	struct hash hash = *run->hit->hash;
#ifdef __bpf__
#pragma clang loop unroll(disable)
#endif
	for (wire_u32 j = 0; j < AGGREGATE_HASH_STEP / AGGREGATE_WORD; j++) {
		wire_u64 next = at + j * AGGREGATE_WORD;
		if (next >= run->len)
			break;
		hash_word(&hash, expr_text_word(run->hit->c, run->place + next));
	}
	*run->hit->hash = hash;
	return 0;
}

// All bytes of a string, which are read here: what is equal has one key, and nothing else.
CAPTURE_INLINE wire_u8 aggregate_string(struct aggregate_run *run, wire_u64 addr, wire_u64 len,
					struct wire_key_part *part)
{
	struct capture *c = run->hit->c;
	const struct host *host = &c->host;
	const struct wire_settings *settings = host_settings(host);
	if (len > WIRE_BLOCK_MAX)
		return len >> CAPTURE_ADDR_BITS ? WIRE_KEY_UNREADABLE : WIRE_KEY_LONG;
	part->word = len;
	if (!len)
		return WIRE_KEY_KNOWN;
	if (!expr_read_text(c, run->place, addr, len)) {
		bool is_in_file = addr >= settings->ro_start && addr < settings->ro_end;
		part->word = is_in_file ? len : 0;
		part->hash = is_in_file ? addr : 0;
		return is_in_file ? WIRE_KEY_IN_FILE : WIRE_KEY_UNREADABLE;
	}
	run->len = (wire_u32)len;
	hash_begin(run->hit->hash, host_count_settings(host)->seed);
	host_repeat(((wire_u32)len + AGGREGATE_HASH_STEP - 1) / AGGREGATE_HASH_STEP,
		    aggregate_hash_step, run);
	part->hash = hash_end(run->hit->hash);
	return WIRE_KEY_KNOWN;
}

static long aggregate_part(wire_u32 i, void *context)
{
	struct aggregate_run *run = context;
	wire_u64 number = i & (WIRE_KEYS - 1);
	CAPTURE_HIDE(number);
	number &= WIRE_KEYS - 1;
	const struct wire_value *value = &run->aggregate->key[number];
	struct wire_key_part *part = &run->call->key.part[number];
	wire_u8 *state = &run->call->key.state[number];
	if (!value->kind || value->is_result != run->is_return)
		return 0;
	run->place = aggregate_place(number);
	if (!aggregate_is_known(run->kept, value))
		*state = WIRE_KEY_UNREADABLE;
	else if (value->kind == WIRE_VALUE_STRING)
		*state = aggregate_string(run, aggregate_word(run->kept, value, 0),
					  aggregate_word(run->kept, value, 1), part);
	else
		part->word = aggregate_word(run->kept, value, 0);
	return 0;
}

static long aggregate_text(wire_u32 i, void *context)
{
	struct aggregate_run *run = context;
	wire_u64 number = i & (WIRE_KEYS - 1);
	CAPTURE_HIDE(number);
	number &= WIRE_KEYS - 1;
	const struct wire_value *value = &run->aggregate->key[number];
	if (value->kind == WIRE_VALUE_STRING && value->is_result == run->is_return)
		__builtin_memcpy(run->call->at.text[number],
				 expr_text(run->hit->c, aggregate_place(number)), WIRE_KEY_TEXT);
	return 0;
}

// Those parts of the key that are known at an entry, or at a return; then its slot, where it is whole.
static __attribute__((noinline)) wire_u32 aggregate_key(const struct host *host,
							struct aggregate_run *run, bool is_whole)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	struct call *call = run->call;
	host_repeat(settings->num_keys, aggregate_part, run);
	wire_u32 slot = is_whole ? host_key_slot(host, &call->key) : AGGREGATE_NO_SLOT;
	if (slot != AGGREGATE_NO_SLOT || (!is_whole && !settings->text_bytes))
		return slot;
	host_repeat(settings->num_keys, aggregate_text, run);
	return is_whole ? aggregate_make(host, &call->key, &call->at) : slot;
}

// --- Counting ------------------------------------------------------------------------------------

CAPTURE_INLINE void aggregate_count(const struct host *host, wire_u32 slot)
{
	struct wire_totals *totals = slot == AGGREGATE_NO_SLOT ? NULL : host_totals(host, slot);
	aggregate_add(totals ? &totals->calls : &host_count_lost(host)->keys, 1);
}

CAPTURE_INLINE void aggregate_sort(const struct host *host, wire_u32 slot,
				   struct wire_totals *totals, wire_u64 value, bool is_signed)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	aggregate_add(&totals->total, value);
	if (!settings->num_linear) {
		if (is_signed && value >> 63)
			aggregate_add(&totals->below, 1);
		else
			aggregate_add(host_bucket(host, slot, aggregate_log_bucket(value)), 1);
		return;
	}
	// Shifted so that unsigned order is the numbers' own.
	wire_u64 flip = is_signed ? 1ull << 63 : 0;
	wire_u64 from = settings->linear_min ^ flip, at = value ^ flip;
	if (at < from) {
		aggregate_add(&totals->below, 1);
		return;
	}
	wire_u64 bucket = settings->linear_step ? (at - from) / settings->linear_step : 0;
	if (bucket >= settings->num_linear)
		aggregate_add(&totals->above, 1);
	else
		aggregate_add(host_bucket(host, slot, (wire_u32)bucket), 1);
}

// Puts a call's value or duration into the histogram.
static __attribute__((noinline)) int aggregate_put(const struct host *host, wire_u32 slot,
						   const struct wire_aggregate *aggregate,
						   const struct wire_kept *kept, wire_u64 duration)
{
	const struct wire_value *value = &aggregate->value;
	struct wire_totals *totals = host_totals(host, slot);
	if (!totals)
		return 0;
	if (!value->kind)
		aggregate_sort(host, slot, totals, duration, false);
	else if (aggregate_is_known(kept, value))
		aggregate_sort(host, slot, totals, aggregate_word(kept, value, 0),
			       value->kind == WIRE_VALUE_INT);
	else
		aggregate_add(&totals->unreadable, 1);
	return 0;
}

// Of an entry whose end is waited for, the call is remembered.
static __attribute__((noinline)) void aggregate_entry(const struct host *host,
						      const struct aggregate_hit *hit,
						      const struct wire_aggregate *aggregate)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	bool has_return = aggregate->flags & WIRE_AGGREGATE_RETURNS;
	bool is_late = aggregate->flags & WIRE_AGGREGATE_LATE;
	struct call *call = hit->call;
	struct call_key key = {0};
	if (has_return && hit->goroutine)
		key = active_key(hit->goroutine, hit->tid, hit->probe->func);
	call->time_ns = hit->time_ns;
	call->at.slot = hit->probe->func;
	call->kept.valid = 0;
	if (aggregate->num_entry) {
		hit->c->kept.valid = 0;
		if (!aggregate_run(host, hit, aggregate->entry_op, aggregate->num_entry, 0)) {
			if (has_return && hit->goroutine)
				host_call_drop(host, &key);
			return;
		}
		call->kept = hit->c->kept;
	}
	if (settings->num_keys) {
		__builtin_memset(&call->key, 0, sizeof(call->key));
		call->key.func = hit->probe->func;
		struct aggregate_run run = {.hit = hit,
					    .aggregate = aggregate,
					    .kept = &call->kept,
					    .call = call};
		call->at.slot = aggregate_key(host, &run, !is_late);
	}
	if (!is_late) {
		aggregate_count(host, call->at.slot);
		bool has_value = settings->has_buckets && aggregate->value.kind &&
				 !aggregate->value.is_result;
		if (has_value && call->at.slot != AGGREGATE_NO_SLOT)
			aggregate_put(host, call->at.slot, aggregate, &call->kept, 0);
	}
	if (!has_return)
		return;
	if (!hit->goroutine)
		aggregate_add(&host_count_lost(host)->unknown, 1);
	else if (host_call_put(host, &key, call))
		aggregate_add(&host_count_lost(host)->active, 1);
}

// Where a call jumps out to another function, its results are not known.
static __attribute__((noinline)) void aggregate_return(const struct host *host,
						       const struct aggregate_hit *hit,
						       const struct wire_aggregate *aggregate)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	bool is_late = aggregate->flags & WIRE_AGGREGATE_LATE;
	if (!hit->goroutine)
		return;
	struct call_key key = active_key(hit->goroutine, hit->tid, hit->probe->func);
	struct call *call = host_call_find(host, &key);
	if (!call)
		return;
	struct wire_kept *kept = &hit->c->kept;
	wire_u64 duration = hit->time_ns - call->time_ns;
	wire_u32 slot = call->at.slot;
	if (aggregate->num_entry | aggregate->num_return)
		*kept = call->kept;
	if (aggregate->num_return &&
	    !aggregate_run(host, hit, aggregate->return_op, aggregate->num_return, duration)) {
		host_call_drop(host, &key);
		return;
	}
	if (is_late && settings->num_keys) {
		struct aggregate_run run = {.hit = hit,
					    .aggregate = aggregate,
					    .kept = kept,
					    .call = hit->call,
					    .is_return = 1};
		hit->call->key = call->key;
		if (settings->text_bytes)
			aggregate_copy(host, hit->call->at.text, call->at.text,
				       settings->text_bytes);
		slot = aggregate_key(host, &run, true);
	}
	if (is_late)
		aggregate_count(host, slot);
	struct wire_totals *totals = slot == AGGREGATE_NO_SLOT ? NULL : host_totals(host, slot);
	if (totals) {
		const struct wire_value *value = &aggregate->value, *error = &aggregate->error;
		aggregate_add(&totals->returns, 1);
		if (error->kind && aggregate_is_known(kept, error) &&
		    aggregate_word(kept, error, 0))
			aggregate_add(&totals->errors, 1);
		if (settings->has_buckets && (!value->kind || value->is_result || is_late))
			aggregate_put(host, slot, aggregate, kept, duration);
	}
	host_call_drop(host, &key);
}

// --- The hit -------------------------------------------------------------------------------------

// The argument of runtime.recovery, which runs on the system stack, leads to the goroutine that goes on and where.
static __attribute__((noinline)) void aggregate_recovery(const struct host *host,
							 const struct aggregate_hit *hit,
							 wire_u64 g)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	struct wire_recovery at = {
		.panic_off = settings->panic_off,
		.sp_off = settings->sp_off,
		.is_in_panic = settings->is_in_panic,
	};
	wire_u64 goid, distance;
	(void)hit;
	if (active_recovered(host, &at, g, &goid, &distance))
		within_unwind(host, goid, distance);
}

// False if the hit is not counted: it is not made while the function is active that was asked for.
static __attribute__((noinline)) bool aggregate_within(const struct host *host,
						       const struct aggregate_hit *hit,
						       wire_u32 flags)
{
	bool is_entry = hit->probe->kind == WIRE_PROBE_ENTRY;
	if (!hit->goroutine) {
		if (is_entry)
			aggregate_add(&host_count_lost(host)->unknown, 1);
		return false;
	}
	struct call_key key = active_key(hit->goroutine, hit->tid, hit->probe->func);
	wire_u64 goid = key.goid, distance = key.distance;
	bool holds = within_holds(host, goid, distance);
	if (is_entry && (flags & WIRE_AGGREGATE_WITHIN) && within_enter(host, goid, distance))
		aggregate_add(&host_count_lost(host)->active, 1);
	if (!is_entry && (flags & WIRE_AGGREGATE_WITHIN))
		within_leave(host, goid, distance);
	if (is_entry && !holds && (flags & WIRE_AGGREGATE_RETURNS))
		host_call_drop(host, &key);
	return holds || !is_entry;
}

/** Counts a hit that is not skipped, of the goroutine that is wanted. */
CAPTURE_INLINE void aggregate_take(const struct host *host, const struct aggregate_hit *hit,
				   const struct wire_aggregate *aggregate)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	wire_u64 g;
	if (hit->probe->kind == WIRE_PROBE_RECOVERY) {
		bool is_known = settings->has_within;
		const struct wire_source *source = &aggregate->argument;
		if (is_known && !aggregate_argument(host, hit, source, &g))
			aggregate_recovery(host, hit, g);
		return;
	}
	// It runs in a frame that recovered, too: all that were called there are gone.
	if (hit->probe->kind == WIRE_PROBE_DEFERRETURN && settings->has_within && hit->goroutine)
		within_leave(host, hit->goroutine->goid, hit->goroutine->distance);
	if (hit->probe->kind > WIRE_PROBE_TAIL)
		return;
	if (settings->has_within && !aggregate_within(host, hit, aggregate->flags))
		return;
	if (!(aggregate->flags & WIRE_AGGREGATE_COUNTED))
		return;
	if (hit->probe->kind == WIRE_PROBE_ENTRY)
		aggregate_entry(host, hit, aggregate);
	else
		aggregate_return(host, hit, aggregate);
}

#endif
