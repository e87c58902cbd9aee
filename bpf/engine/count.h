// SPDX-License-Identifier: GPL-2.0-or-later
// Aggregates: calls are counted at the hit instead of being recorded, by function and by values
// of the call, with durations or values in a histogram. A key has a slot: a table leads from the
// key to it; if keys have no values, the function's number is the slot. Programs (expr.h) decide
// which calls are counted, and compute the values. The kernel has totals per CPU, but a hit can
// be preempted by another hit on the same CPU, so all sums are atomic. Compiled for the kernel
// and for user space, as capture.h is.
#ifndef GOTRACE_BPF_ENGINE_COUNT_H
#define GOTRACE_BPF_ENGINE_COUNT_H

#include "bpf/engine/calls.h"
#include "bpf/engine/slot.h"

enum { COUNT_SUB_BITS = 3 };
static const wire_u32 COUNT_NO_SLOT = ~0u;

CAPTURE_INLINE void count_add(wire_u64 *to, wire_u64 num)
{
	if (to)
		__sync_fetch_and_add(to, num);
}

/** The logarithmic bucket of a number: the same as histogram_bucket(), without loops. */
CAPTURE_INLINE wire_u32 count_log_bucket(wire_u64 value)
{
	wire_u32 power = 0;
	wire_u64 rest = value;
#define COUNT_HALVE(bits)        \
	if (rest >> (bits)) {    \
		rest >>= (bits); \
		power += (bits); \
	}
	COUNT_HALVE(32)
	COUNT_HALVE(16)
	COUNT_HALVE(8)
	COUNT_HALVE(4)
	COUNT_HALVE(2)
	COUNT_HALVE(1)
#undef COUNT_HALVE
	if (power < COUNT_SUB_BITS)
		return (wire_u32)value;
	wire_u32 sub = (wire_u32)(value >> (power - COUNT_SUB_BITS)) & ((1 << COUNT_SUB_BITS) - 1);
	return ((power - COUNT_SUB_BITS + 1) << COUNT_SUB_BITS) + sub;
}

// Runs one of the function's programs. False if the call is not counted.
CAPTURE_APART bool count_run(const struct host *host, const struct hit *hit, wire_u32 first,
			     wire_u32 num, wire_u64 duration)
{
	struct expr_hit about = {
		.goid = hit->is_known ? hit->goroutine.goid : EXPR_NO_GOID,
		.tid = hit->tid,
		.duration = duration,
		.is_blind = hit->probe->kind == WIRE_PROBE_TAIL,
	};
	bool failed = false;
	bool holds = expr_run(&hit->slot->expr, &hit->slot->capture, first, num, &about, &failed);
	if (failed)
		count_add(&host_count_lost(host)->unreadable, 1);
	return holds;
}

// --- Values --------------------------------------------------------------------------------------

CAPTURE_INLINE bool count_is_known(const struct wire_kept *kept, const struct wire_value *value)
{
	return kept->valid >> (value->kept & (WIRE_KEPT_MAX - 1)) & 1;
}

CAPTURE_INLINE wire_u64 count_word(const struct wire_kept *kept, const struct wire_value *value,
				   wire_u32 next)
{
	wire_u64 at = value->kept + next;
	CAPTURE_HIDE(at);
	return kept->values[at & (WIRE_KEPT_MAX - 1)];
}

// A key's strings are read to these offsets in the memory for a record, and stay there until their
// texts are copied.
CAPTURE_INLINE wire_u64 count_place(wire_u64 number)
{
	_Static_assert(WIRE_KEYS * WIRE_BLOCK_MAX <= WIRE_RECORD_MAX, "each has its place");
	return number * WIRE_BLOCK_MAX;
}

struct count_keys {
	const struct hit *hit;
	const struct wire_aggregate *aggregate;
	const struct wire_kept *kept;
	struct wire_call *call;
	wire_u32 is_return;
	wire_u32 len; // of the string that is hashed
	wire_u64 place;
};

enum { COUNT_HASH_STEP = 64 };

static long count_hash_step(wire_u32 i, void *context)
{
	struct count_keys *run = context;
	wire_u64 at = (wire_u64)i * COUNT_HASH_STEP;
	struct hash hash = run->hit->slot->hash;
#ifdef __bpf__
#pragma clang loop unroll(disable)
#endif
	for (wire_u32 j = 0; j < COUNT_HASH_STEP / sizeof(wire_u64); j++) {
		wire_u64 next = at + j * sizeof(wire_u64);
		if (next >= run->len)
			break;
		hash_word(&hash, expr_text_word(&run->hit->slot->capture, run->place + next));
	}
	run->hit->slot->hash = hash;
	return 0;
}

// Reads all bytes of a string and hashes them, so that strings have the same key only if they are
// equal.
CAPTURE_INLINE wire_u8 count_string(struct count_keys *run, wire_u64 addr, wire_u64 len,
				    struct wire_key_part *part)
{
	struct capture *c = &run->hit->slot->capture;
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
	hash_begin(&run->hit->slot->hash, host_count_settings(host)->seed);
	host_repeat(((wire_u32)len + COUNT_HASH_STEP - 1) / COUNT_HASH_STEP, count_hash_step, run);
	part->hash = hash_end(&run->hit->slot->hash);
	return WIRE_KEY_KNOWN;
}

static long count_part(wire_u32 i, void *context)
{
	struct count_keys *run = context;
	wire_u64 number = i & (WIRE_KEYS - 1);
	CAPTURE_HIDE(number);
	number &= WIRE_KEYS - 1;
	const struct wire_value *value = &run->aggregate->key[number];
	struct wire_key_part *part = &run->call->key.part[number];
	wire_u8 *state = &run->call->key.state[number];
	if (!value->kind || value->is_result != run->is_return)
		return 0;
	run->place = count_place(number);
	if (!count_is_known(run->kept, value))
		*state = WIRE_KEY_UNREADABLE;
	else if (value->kind == WIRE_VALUE_STRING)
		*state = count_string(run, count_word(run->kept, value, 0),
				      count_word(run->kept, value, 1), part);
	else
		part->word = count_word(run->kept, value, 0);
	return 0;
}

static long count_text(wire_u32 i, void *context)
{
	struct count_keys *run = context;
	wire_u64 number = i & (WIRE_KEYS - 1);
	CAPTURE_HIDE(number);
	number &= WIRE_KEYS - 1;
	const struct wire_value *value = &run->aggregate->key[number];
	if (value->kind == WIRE_VALUE_STRING && value->is_result == run->is_return)
		__builtin_memcpy(run->call->at.text[number],
				 expr_text(&run->hit->slot->capture, count_place(number)),
				 WIRE_KEY_TEXT);
	return 0;
}

// Adds the parts of the key that are known at an entry, or at a return. Returns the key's slot if
// the key is whole, else COUNT_NO_SLOT.
CAPTURE_APART wire_u32 count_key(const struct host *host, struct count_keys *run, bool is_whole)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	struct wire_call *call = run->call;
	host_repeat(settings->num_keys, count_part, run);
	wire_u32 slot = is_whole ? host_key_slot(host, &call->key) : COUNT_NO_SLOT;
	if (slot != COUNT_NO_SLOT || (!is_whole && !settings->text_bytes))
		return slot;
	host_repeat(settings->num_keys, count_text, run);
	return is_whole ? host_key_make(host, &call->key, &call->at) : slot;
}

// --- Counting ------------------------------------------------------------------------------------

CAPTURE_INLINE void count_call(const struct host *host, wire_u32 slot)
{
	struct wire_totals *totals = slot == COUNT_NO_SLOT ? NULL : host_totals(host, slot);
	count_add(totals ? &totals->calls : &host_count_lost(host)->keys, 1);
}

CAPTURE_INLINE void count_sort(const struct host *host, wire_u32 slot, struct wire_totals *totals,
			       wire_u64 value, bool is_signed)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	count_add(&totals->total, value);
	if (!settings->num_linear) {
		if (is_signed && value >> 63)
			count_add(&totals->below, 1);
		else
			count_add(host_bucket(host, slot, count_log_bucket(value)), 1);
		return;
	}
	// With its sign bit flipped, a signed number can be compared as an unsigned one.
	wire_u64 flip = is_signed ? 1ull << 63 : 0;
	wire_u64 from = settings->linear_min ^ flip, at = value ^ flip;
	if (at < from) {
		count_add(&totals->below, 1);
		return;
	}
	wire_u64 bucket = settings->linear_step ? (at - from) / settings->linear_step : 0;
	if (bucket >= settings->num_linear)
		count_add(&totals->above, 1);
	else
		count_add(host_bucket(host, slot, (wire_u32)bucket), 1);
}

// Puts a call's value or duration into the histogram.
CAPTURE_APART int count_put(const struct host *host, wire_u32 slot,
			    const struct wire_aggregate *aggregate, const struct wire_kept *kept,
			    wire_u64 duration)
{
	const struct wire_value *value = &aggregate->value;
	struct wire_totals *totals = host_totals(host, slot);
	if (!totals)
		return 0;
	if (!value->kind)
		count_sort(host, slot, totals, duration, false);
	else if (count_is_known(kept, value))
		count_sort(host, slot, totals, count_word(kept, value, 0),
			   value->kind == WIRE_VALUE_INT);
	else
		count_add(&totals->unreadable, 1);
	return 0;
}

// Processes an entry. The call is stored if its return is needed.
CAPTURE_APART void count_entry(const struct host *host, const struct hit *hit,
			       const struct wire_aggregate *aggregate)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	bool has_return = aggregate->flags & WIRE_AGGREGATE_RETURNS;
	bool is_late = aggregate->flags & WIRE_AGGREGATE_LATE;
	struct wire_call *call = &hit->slot->call;
	struct wire_call_key key = {0};
	if (has_return && hit->is_known)
		key = hit_call(hit);
	call->time_ns = hit->time_ns;
	call->at.slot = hit->probe->func;
	call->kept.valid = 0;
	if (aggregate->num_entry) {
		hit->slot->capture.kept.valid = 0;
		if (!count_run(host, hit, aggregate->entry_op, aggregate->num_entry, 0)) {
			if (has_return && hit->is_known)
				host_call_drop(host, &key);
			return;
		}
		call->kept = hit->slot->capture.kept;
	}
	if (settings->num_keys) {
		__builtin_memset(&call->key, 0, sizeof(call->key));
		call->key.func = hit->probe->func;
		struct count_keys run = {.hit = hit,
					 .aggregate = aggregate,
					 .kept = &call->kept,
					 .call = call};
		call->at.slot = count_key(host, &run, !is_late);
	}
	if (!is_late) {
		count_call(host, call->at.slot);
		bool has_value = settings->has_buckets && aggregate->value.kind &&
				 !aggregate->value.is_result;
		if (has_value && call->at.slot != COUNT_NO_SLOT)
			count_put(host, call->at.slot, aggregate, &call->kept, 0);
	}
	if (!has_return)
		return;
	if (!hit->is_known)
		count_add(&host_count_lost(host)->unknown, 1);
	else if (host_call_put(host, &key, call))
		count_add(&host_count_lost(host)->active, 1);
}

// Processes a return. If the call ends in a jump to another function, its results are not known.
CAPTURE_APART void count_return(const struct host *host, const struct hit *hit,
				const struct wire_aggregate *aggregate)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	bool is_late = aggregate->flags & WIRE_AGGREGATE_LATE;
	if (!hit->is_known)
		return;
	struct wire_call_key key = hit_call(hit);
	struct wire_call *call = host_call_find(host, &key);
	if (!call)
		return;
	struct wire_kept *kept = &hit->slot->capture.kept;
	wire_u64 duration = hit->time_ns - call->time_ns;
	wire_u32 slot = call->at.slot;
	if (aggregate->num_entry | aggregate->num_return)
		*kept = call->kept;
	if (aggregate->num_return &&
	    !count_run(host, hit, aggregate->return_op, aggregate->num_return, duration)) {
		host_call_drop(host, &key);
		return;
	}
	if (is_late && settings->num_keys) {
		struct count_keys run = {.hit = hit,
					 .aggregate = aggregate,
					 .kept = kept,
					 .call = &hit->slot->call,
					 .is_return = 1};
		hit->slot->call.key = call->key;
		if (settings->text_bytes)
			host_copy(host, hit->slot->call.at.text, call->at.text,
				  settings->text_bytes);
		slot = count_key(host, &run, true);
	}
	if (is_late)
		count_call(host, slot);
	struct wire_totals *totals = slot == COUNT_NO_SLOT ? NULL : host_totals(host, slot);
	if (totals) {
		const struct wire_value *value = &aggregate->value, *error = &aggregate->error;
		count_add(&totals->returns, 1);
		if (error->kind && count_is_known(kept, error) && count_word(kept, error, 0))
			count_add(&totals->errors, 1);
		if (settings->has_buckets && (!value->kind || value->is_result || is_late))
			count_put(host, slot, aggregate, kept, duration);
	}
	host_call_drop(host, &key);
}

// --- The hit -------------------------------------------------------------------------------------

// False if the hit is not counted, because no function that --within names is active.
CAPTURE_APART bool count_within(const struct host *host, const struct hit *hit,
				const struct wire_aggregate *aggregate)
{
	bool is_entry = hit->probe->kind == WIRE_PROBE_ENTRY;
	if (!hit->is_known && is_entry)
		count_add(&host_count_lost(host)->unknown, 1);
	if (!hit->is_known)
		return false;
	bool holds = calls_within(host, hit, aggregate->within);
	if (is_entry && !holds && (aggregate->flags & WIRE_AGGREGATE_RETURNS)) {
		struct wire_call_key key = hit_call(hit);
		host_call_drop(host, &key);
	}
	return holds || !is_entry;
}

/** Counts a hit of a selected goroutine. The caller has filled in the hit's slot and its
 *  registers. */
CAPTURE_INLINE void count_take(const struct host *host, const struct hit *hit,
			       const struct wire_aggregate *aggregate)
{
	if (!(aggregate->flags & WIRE_AGGREGATE_COUNTED) ||
	    (aggregate->within && !count_within(host, hit, aggregate)))
		return;
	if (hit->probe->kind == WIRE_PROBE_ENTRY)
		count_entry(host, hit, aggregate);
	else
		count_return(host, hit, aggregate);
}

#endif
