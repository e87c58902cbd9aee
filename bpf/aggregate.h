// SPDX-License-Identifier: GPL-2.0-or-later
// Calls that are counted where they happen instead of being told: by function and by values of them, with durations or
// values in a histogram. A key has a slot: without values the function's number is its slot, else a
// table leads from key to slot. What is counted is of the CPU, but a program can be preempted by another on the same
// CPU, so all sums are atomic. Compiled for the kernel and for user space, as capture.h is.
//
// The includer defines first, besides what active.h wants:
//   aggregate_settings(host)        struct wire_aggregate_settings
//   aggregate_read_string(host, dst, len, addr)  as capture_read, of at most WIRE_KEY_BYTES
//   aggregate_slot(host, key)       the key's slot, made where it has none; AGGREGATE_NO_SLOT where there is no room
//   aggregate_totals(host, slot)    struct wire_totals, or NULL
//   aggregate_bucket(host, slot, bucket)  wire_u64, or NULL
//   aggregate_lost(host)            struct wire_aggregate_lost
#ifndef GOTRACE_BPF_AGGREGATE_H
#define GOTRACE_BPF_AGGREGATE_H

#include "bpf/active.h"

enum { AGGREGATE_SUB_BITS = 3, AGGREGATE_WORD = 8 };
static const wire_u32 AGGREGATE_NO_SLOT = ~0u;

struct aggregate_hit {
	const struct wire_probe *probe;
	const struct capture_regs *regs;
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

// --- Values --------------------------------------------------------------------------------------

// Each size is a constant, as old verifiers want it.
CAPTURE_INLINE int aggregate_number(const struct capture_host *host, wire_u64 addr, wire_u64 size,
				    wire_u64 *out)
{
	wire_u64 value = 0;
	int err = -1;
	if (!capture_is_readable(addr, sizeof(value)))
		return -1;
	if (size == sizeof(wire_u64))
		err = capture_read(host, &value, sizeof(wire_u64), addr);
	else if (size == sizeof(wire_u32))
		err = capture_read(host, &value, sizeof(wire_u32), addr);
	else if (size == sizeof(wire_u16))
		err = capture_read(host, &value, sizeof(wire_u16), addr);
	else if (size == sizeof(wire_u8))
		err = capture_read(host, &value, sizeof(wire_u8), addr);
	*out = value;
	return err;
}

CAPTURE_INLINE int aggregate_source(const struct capture_host *host,
				    const struct capture_regs *regs,
				    const struct wire_source *source, wire_u64 size, wire_u64 *out)
{
	if (source->where == WIRE_STACK)
		return aggregate_number(host, regs->sp + AGGREGATE_WORD + source->stack_off, size,
					out);
	wire_u64 reg = source->reg;
	CAPTURE_HIDE(reg);
	if (source->where != WIRE_INT_REG || reg >= CAPTURE_INTS)
		return -1;
	*out = regs->ints[reg];
	return 0;
}

// Where the value of a path with steps stands; 0: it cannot be reached.
CAPTURE_INLINE wire_u64 aggregate_place(const struct capture_host *host,
					const struct capture_regs *regs,
					const struct wire_path *path)
{
	wire_u64 addr;
	if (aggregate_source(host, regs, &path->source[0], sizeof(addr), &addr))
		return 0;
#ifdef __bpf__
#pragma clang loop unroll(disable)
#endif
	for (wire_u64 i = 0; i < WIRE_PATH_STEPS; i++) {
		if (addr < CAPTURE_LOWEST) // a nil pointer and a field's offset
			return 0;
		addr += path->step[i];
		if (i + 1 >= path->num_steps)
			break;
		if (aggregate_number(host, addr, sizeof(addr), &addr))
			return 0;
	}
	return addr;
}

// The number, or the string's address and length.
CAPTURE_INLINE int aggregate_value(const struct capture_host *host, const struct capture_regs *regs,
				   const struct wire_path *path, wire_u64 *out, wire_u64 *len)
{
	bool is_string = path->kind == WIRE_PATH_STRING;
	wire_u64 size = is_string ? sizeof(*out) : path->size;
	if (path->num_steps) {
		wire_u64 addr = aggregate_place(host, regs, path);
		if (!addr || aggregate_number(host, addr, size, out))
			return -1;
		if (is_string)
			return aggregate_number(host, addr + sizeof(*out), sizeof(*len), len);
	} else {
		if (aggregate_source(host, regs, &path->source[0], size, out))
			return -1;
		if (is_string)
			return aggregate_source(host, regs, &path->source[1], sizeof(*len), len);
	}
	// A register's upper bytes are anything.
	wire_u32 shift = size < sizeof(*out) ? 64 - 8 * (wire_u32)size : 0;
	if (path->kind == WIRE_PATH_INT)
		*out = (wire_u64)((long long)(*out << shift) >> shift);
	else
		*out = *out << shift >> shift;
	return 0;
}

CAPTURE_INLINE void aggregate_string(const struct capture_host *host, wire_u64 addr, wire_u64 len,
				     struct wire_key_part *part)
{
	const struct wire_settings *settings = capture_settings(host);
	part->word = len;
	if (len > WIRE_KEY_BYTES)
		len = WIRE_KEY_BYTES;
	if (!len)
		return;
	if (addr >= settings->ro_start && addr < settings->ro_end) {
		part->state = WIRE_KEY_IN_FILE;
		__builtin_memcpy(part->bytes, &addr, sizeof(addr));
	} else if (!capture_is_readable(addr, len) ||
		   aggregate_read_string(host, part->bytes, len, addr)) {
		part->state = WIRE_KEY_UNREADABLE;
		part->word = 0;
	}
}

CAPTURE_INLINE void aggregate_part(const struct capture_host *host, const struct aggregate_hit *hit,
				   const struct wire_path *path, struct wire_key_part *part)
{
	wire_u64 value = 0, len = 0;
	int err;
	if (path->kind == WIRE_PATH_GOID) {
		err = !hit->goroutine;
		value = hit->goroutine ? hit->goroutine->goid : 0;
	} else if (path->kind == WIRE_PATH_CALLER) {
		err = aggregate_number(host, hit->regs->sp, sizeof(value), &value);
	} else {
		err = aggregate_value(host, hit->regs, path, &value, &len);
	}
	if (err)
		part->state = WIRE_KEY_UNREADABLE;
	else if (path->kind == WIRE_PATH_STRING)
		aggregate_string(host, value, len, part);
	else
		part->word = value;
}

// Those parts of the key that are known at this hit.
static __attribute__((noinline)) void aggregate_key(const struct capture_host *host,
						    const struct aggregate_hit *hit,
						    const struct wire_aggregate *aggregate,
						    struct wire_key *key)
{
	bool is_return = hit->probe->kind != WIRE_PROBE_ENTRY;
	if (aggregate->key[0].kind && aggregate->key[0].is_result == is_return)
		aggregate_part(host, hit, &aggregate->key[0], &key->part[0]);
	if (aggregate->key[1].kind && aggregate->key[1].is_result == is_return)
		aggregate_part(host, hit, &aggregate->key[1], &key->part[1]);
}

// --- Counting ------------------------------------------------------------------------------------

CAPTURE_INLINE void aggregate_count(const struct capture_host *host, wire_u32 slot)
{
	struct wire_totals *totals =
		slot == AGGREGATE_NO_SLOT ? NULL : aggregate_totals(host, slot);
	aggregate_add(totals ? &totals->calls : &aggregate_lost(host)->keys, 1);
}

CAPTURE_INLINE void aggregate_sort(const struct capture_host *host, wire_u32 slot,
				   struct wire_totals *totals, wire_u64 value, bool is_signed)
{
	const struct wire_aggregate_settings *settings = aggregate_settings(host);
	aggregate_add(&totals->total, value);
	if (!settings->num_linear) {
		if (is_signed && value >> 63)
			aggregate_add(&totals->below, 1);
		else
			aggregate_add(aggregate_bucket(host, slot, aggregate_log_bucket(value)), 1);
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
		aggregate_add(aggregate_bucket(host, slot, (wire_u32)bucket), 1);
}

static __attribute__((noinline)) int aggregate_measure(const struct capture_host *host,
						       const struct aggregate_hit *hit,
						       const struct wire_aggregate *aggregate,
						       struct active_call *call)
{
	const struct wire_path *path = &aggregate->value;
	wire_u64 len;
	if (path->kind == WIRE_PATH_NONE) {
		call->value = hit->time_ns - call->time_ns;
		call->has_value = 1;
		return 0;
	}
	call->has_value = !aggregate_value(host, hit->regs, path, &call->value, &len);
	return 0;
}

CAPTURE_INLINE void aggregate_put_value(const struct capture_host *host, wire_u32 slot,
					struct wire_totals *totals, const struct active_call *call,
					bool is_signed)
{
	if (call->has_value)
		aggregate_sort(host, slot, totals, call->value, is_signed);
	else
		aggregate_add(&totals->unreadable, 1);
}

CAPTURE_INLINE bool aggregate_is_error(const struct capture_host *host,
				       const struct aggregate_hit *hit,
				       const struct wire_aggregate *aggregate)
{
	wire_u64 word, len;
	for (wire_u32 i = 0; i < WIRE_ERRORS; i++)
		if (aggregate->error[i].kind &&
		    !aggregate_value(host, hit->regs, &aggregate->error[i], &word, &len) && word)
			return true;
	return false;
}

// Of an entry whose end is waited for, the call is remembered.
static __attribute__((noinline)) void aggregate_entry(const struct capture_host *host,
						      const struct aggregate_hit *hit,
						      const struct wire_aggregate *aggregate)
{
	const struct wire_aggregate_settings *settings = aggregate_settings(host);
	bool has_return = aggregate->flags & WIRE_AGGREGATE_RETURNS;
	bool is_late = aggregate->flags & WIRE_AGGREGATE_LATE;
	struct active_call call = {.time_ns = hit->time_ns, .slot = hit->probe->func};
	call.key.func = hit->probe->func;
	if (settings->num_keys) {
		aggregate_key(host, hit, aggregate, &call.key);
		call.slot = is_late ? AGGREGATE_NO_SLOT : aggregate_slot(host, &call.key);
	}
	bool has_value =
		settings->has_buckets && aggregate->value.kind && !aggregate->value.is_result;
	if (has_value)
		aggregate_measure(host, hit, aggregate, &call);
	if (!is_late) {
		aggregate_count(host, call.slot);
		struct wire_totals *totals = has_value && call.slot != AGGREGATE_NO_SLOT
						     ? aggregate_totals(host, call.slot)
						     : NULL;
		if (totals)
			aggregate_put_value(host, call.slot, totals, &call,
					    aggregate->value.kind == WIRE_PATH_INT);
	}
	if (!has_return)
		return;
	if (!hit->goroutine) {
		aggregate_add(&aggregate_lost(host)->unknown, 1);
		return;
	}
	struct active_key key = active_key(hit->goroutine, hit->tid, hit->probe->func);
	if (active_put(host, &key, &call))
		aggregate_add(&aggregate_lost(host)->active, 1);
}

// Results are not known where a call jumps out to another function.
static __attribute__((noinline)) void aggregate_return(const struct capture_host *host,
						       const struct aggregate_hit *hit,
						       const struct wire_aggregate *aggregate)
{
	const struct wire_aggregate_settings *settings = aggregate_settings(host);
	bool has_results = hit->probe->kind == WIRE_PROBE_RETURN;
	if (!hit->goroutine)
		return;
	struct active_key key = active_key(hit->goroutine, hit->tid, hit->probe->func);
	struct active_call *call = active_find(host, &key);
	if (!call)
		return;
	wire_u32 slot = call->slot;
	if ((aggregate->flags & WIRE_AGGREGATE_LATE) && has_results) {
		aggregate_key(host, hit, aggregate, &call->key);
		slot = aggregate_slot(host, &call->key);
		aggregate_count(host, slot);
	}
	struct wire_totals *totals =
		slot == AGGREGATE_NO_SLOT ? NULL : aggregate_totals(host, slot);
	if (totals) {
		aggregate_add(&totals->returns, 1);
		if (has_results && aggregate_is_error(host, hit, aggregate))
			aggregate_add(&totals->errors, 1);
		bool is_now = !aggregate->value.kind || aggregate->value.is_result;
		if (settings->has_buckets && is_now && (has_results || !aggregate->value.kind)) {
			aggregate_measure(host, hit, aggregate, call);
			aggregate_put_value(host, slot, totals, call,
					    aggregate->value.kind == WIRE_PATH_INT);
		}
	}
	active_drop(host, &key);
}

// --- The hit -------------------------------------------------------------------------------------

// The argument of runtime.recovery, which runs on the system stack, leads to the goroutine that goes on and where.
static __attribute__((noinline)) void aggregate_recovery(const struct capture_host *host,
							 const struct aggregate_hit *hit,
							 wire_u64 g)
{
	const struct wire_settings *settings = capture_settings(host);
	const struct wire_aggregate_settings *at = aggregate_settings(host);
	wire_u64 goid, high, sp, from = g;
	(void)hit;
	if (aggregate_number(host, g + settings->g_goid, sizeof(goid), &goid) ||
	    aggregate_number(host, g + settings->g_stack_hi, sizeof(high), &high) ||
	    (at->is_in_panic && aggregate_number(host, g + at->panic_off, sizeof(from), &from)) ||
	    aggregate_number(host, from + at->sp_off, sizeof(sp), &sp))
		return;
	if (sp <= high)
		within_unwind(host, goid, high - sp);
}

// False if the hit is not counted: it is not made while the function is active that was asked for.
static __attribute__((noinline)) bool aggregate_within(const struct capture_host *host,
						       const struct aggregate_hit *hit,
						       wire_u32 flags)
{
	bool is_entry = hit->probe->kind == WIRE_PROBE_ENTRY;
	if (!hit->goroutine) {
		if (is_entry)
			aggregate_add(&aggregate_lost(host)->unknown, 1);
		return false;
	}
	struct active_key key = active_key(hit->goroutine, hit->tid, hit->probe->func);
	wire_u64 goid = key.goid, distance = key.distance;
	bool holds = within_holds(host, goid, distance);
	if (is_entry && (flags & WIRE_AGGREGATE_WITHIN) && within_enter(host, goid, distance))
		aggregate_add(&aggregate_lost(host)->active, 1);
	if (!is_entry && (flags & WIRE_AGGREGATE_WITHIN))
		within_leave(host, goid, distance);
	if (is_entry && !holds && (flags & WIRE_AGGREGATE_RETURNS))
		active_drop(host, &key);
	return holds || !is_entry;
}

/** Counts a hit that is not skipped, of the goroutine that is wanted. */
CAPTURE_INLINE void aggregate_take(const struct capture_host *host, const struct aggregate_hit *hit,
				   const struct wire_aggregate *aggregate)
{
	const struct wire_aggregate_settings *settings = aggregate_settings(host);
	wire_u64 g;
	if (hit->probe->kind == WIRE_PROBE_RECOVERY) {
		bool is_known = settings->has_within;
		const struct wire_source *source = &aggregate->value.source[0];
		if (is_known && !aggregate_source(host, hit->regs, source, sizeof(g), &g))
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
