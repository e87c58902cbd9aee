// SPDX-License-Identifier: GPL-2.0-or-later
// Admits or skips a function's calls by its budget: one call in so many, so many calls a second, or
// none (they are only counted). The entry decides, before anything of the call is read. A return
// belongs to its entry, so admitted calls are followed: their (goroutine, distance, function) is
// stored until they return, and the return of any other call is no event. If a call ends without a
// return, its entry in the table is reused or dropped at the next entry of that function at the
// same distance. Compiled for the kernel and for user space, as capture.h is.
#ifndef GOTRACE_BPF_ENGINE_BUDGET_H
#define GOTRACE_BPF_ENGINE_BUDGET_H

#include "bpf/engine/calls.h"

enum { BUDGET_TRIES = 4 }; // of a writer that races with others for the same budget

static const wire_u64 BUDGET_BURST_NS = 1000000000; // calls of so much time may come at once

// Turns consecutive numbers into unrelated ones (the finalizer of splitmix64).
CAPTURE_INLINE wire_u64 budget_mix(wire_u64 value)
{
	value += 0x9e3779b97f4a7c15ull;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

// Admits exactly one call in each round of `every` calls, at an irregular place. If a program's
// calls alternate between two kinds, both kinds are sampled.
CAPTURE_INLINE bool budget_samples(wire_u64 seen, wire_u32 func, wire_u32 every)
{
	wire_u64 round = seen / every;
	return (wire_u32)(budget_mix(round ^ (wire_u64)func << 40) >> 32) % every == seen % every;
}

// Each admitted call uses up its interval, at most BUDGET_BURST_NS ahead of the clock.
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

/** True if the hit is admitted. An entry is counted as seen, and as skipped if it is not
 *  admitted. Other hits are always admitted: budget_follows() decides on them. */
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

/** Decides on an admitted or skipped hit when its goroutine has been looked up. is_taken: what
 *  budget_admits() returned for an entry; ignored for a return. True if the hit is an event. */
CAPTURE_INLINE bool budget_follows(const struct host *host, struct wire_budget *budget,
				   const struct hit *hit, bool is_taken)
{
	bool is_entry = hit->probe->kind == WIRE_PROBE_ENTRY;
	if (!(budget->flags & WIRE_BUDGET_FOLLOW))
		return is_entry && is_taken;
	// The entry of an unknown goroutine cannot be followed; a return belongs to no call.
	if (!hit->is_known)
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

/** True for the probes that budgets apply to: a function's entry and its ends. */
CAPTURE_INLINE bool budget_is_about(const struct wire_probe *probe)
{
	return probe->kind == WIRE_PROBE_ENTRY || probe->kind == WIRE_PROBE_RETURN ||
	       probe->kind == WIRE_PROBE_TAIL;
}

#endif
