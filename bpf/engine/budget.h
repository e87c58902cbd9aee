// SPDX-License-Identifier: GPL-2.0-or-later
// Which calls of a function are taken at all: one in so many, so many a second, or none but counted. Decided at
// the entry, before anything of the call is read. A return belongs to its entry, so the calls that were taken are
// followed: their (goroutine, distance, function) is remembered until they return, and the return of a
// call that is not remembered is no event. Any later entry of that function at that place forgets a call that left
// without its return. Compiled for the kernel and for user space, as capture.h is.
#ifndef GOTRACE_BPF_ENGINE_BUDGET_H
#define GOTRACE_BPF_ENGINE_BUDGET_H

#include "bpf/engine/calls.h"

enum { BUDGET_TRIES = 4 }; // of writers that race for the same second

static const wire_u64 BUDGET_BURST_NS = 1000000000; // of the rate's calls may come at once

// Numbers that follow one another become unrelated ones (the finalizer of splitmix64).
CAPTURE_INLINE wire_u64 budget_mix(wire_u64 value)
{
	value += 0x9e3779b97f4a7c15ull;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

// Of each `every` calls one, at a place among them that follows no pattern: exactly so many are taken, and a
// program whose calls alternate is not seen from one side only.
CAPTURE_INLINE bool budget_samples(wire_u64 seen, wire_u32 func, wire_u32 every)
{
	wire_u64 round = seen / every;
	return (wire_u32)(budget_mix(round ^ (wire_u64)func << 40) >> 32) % every == seen % every;
}

// Each call taken uses up its interval; at most a second's calls ahead of time.
CAPTURE_INLINE bool budget_has_rate(struct wire_budget *budget, wire_u64 now_ns)
{
	for (wire_u32 i = 0; i < BUDGET_TRIES; i++) {
		wire_u64 used = *(volatile wire_u64 *)&budget->used_ns;
		wire_u64 from = used > now_ns ? used : now_ns;
		wire_u64 to = from + budget->interval_ns;
		if (to > now_ns + BUDGET_BURST_NS && from != now_ns)
			return false;
		if (__sync_val_compare_and_swap(&budget->used_ns, used, to) == used)
			return true;
	}
	return false;
}

/** Decides on a hit: an entry is counted, and taken or not; of other hits nothing is known yet. */
CAPTURE_INLINE bool budget_admits(struct wire_budget *budget, const struct wire_probe *probe,
				  wire_u64 now_ns)
{
	if (probe->kind != WIRE_PROBE_ENTRY)
		return true;
	wire_u64 seen = __sync_fetch_and_add(&budget->seen, 1);
	wire_u32 every = budget->every;
	bool is_taken = budget->level < WIRE_BUDGET_COUNTS &&
			(every <= 1 || budget_samples(seen, probe->func, every)) &&
			(!budget->interval_ns || budget_has_rate(budget, now_ns));
	if (!is_taken)
		__sync_fetch_and_add(&budget->skipped, 1);
	return is_taken;
}

/** What is left of the decision once the goroutine has been looked up. is_taken: the entry's; of a return: anything.
 *  True if the hit is an event. */
CAPTURE_INLINE bool budget_follows(const struct host *host, struct wire_budget *budget,
				   const struct hit *hit, bool is_taken)
{
	bool is_entry = hit->probe->kind == WIRE_PROBE_ENTRY;
	if (!(budget->flags & WIRE_BUDGET_FOLLOW))
		return !is_entry || is_taken;
	if (!hit->is_known) // an entry without an end; and such a return belongs to no call
		return is_entry && is_taken;
	struct wire_call_key key = hit_call(hit);
	if (!is_entry)
		return host_unfollow(host, &key);
	if (!is_taken) {
		host_unfollow(host, &key);
		return false;
	}
	if (!host_follow(host, &key, hit->time_ns))
		return true;
	__sync_fetch_and_add(&budget->crowded, 1);
	return false;
}

/** True for the probes that budgets are about: a function's entry and ends, not the notes for the pairing. */
CAPTURE_INLINE bool budget_is_about(const struct wire_probe *probe)
{
	return probe->kind == WIRE_PROBE_ENTRY || probe->kind == WIRE_PROBE_RETURN ||
	       probe->kind == WIRE_PROBE_TAIL;
}

#endif
