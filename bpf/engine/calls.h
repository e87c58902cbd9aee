// SPDX-License-Identifier: GPL-2.0-or-later
// Calls under way. A call is identified by its goroutine, its function, and the distance of its
// frame from the top of the stack, which does not change when the stack is moved. Its entry puts
// it into a table, its return drops it. A call that ends in a panic stays in the table. The next
// call of that function at the same distance overwrites it, so a return never finds the wrong
// call. User space sweeps the rest when the table is crowded.
//
// For each goroutine, the engine stores the outermost frame of each group of functions that
// --within names, and how deep the traced calls are nested. These calls are a list, from the
// innermost outwards. A frame is gone if a hit shows the goroutine at the frame's distance or
// further out, or if a panic is recovered further out.
#ifndef GOTRACE_BPF_ENGINE_CALLS_H
#define GOTRACE_BPF_ENGINE_CALLS_H

#include "bpf/engine/capture.h"

struct hit {
	const struct host_regs *regs;
	const struct wire_probe *probe;
	struct capture_goroutine goroutine; // zeros if it is not known
	wire_u64 time_ns;		    // CLOCK_MONOTONIC
	union {
		wire_u64 g;	   // address of its runtime.g
		struct slot *slot; // of a hit that is counted: its working memory
	};
	wire_u32 number; // the probe's
	wire_u32 tid;
	wire_u32 depth;	  // at an entry: traced calls under way, including this one; 0: not known
	wire_u16 flags;	  // enum wire_record_flags
	wire_u8 is_known; // the goroutine is known
	wire_u8 target;	  // as in struct wire_record
};

/** The hit's goroutine; NULL if it is not known. */
CAPTURE_INLINE const struct capture_goroutine *hit_goroutine(const struct hit *hit)
{
	return hit->is_known ? &hit->goroutine : NULL;
}

/** The key of the goroutine of a hit whose goroutine is known. */
CAPTURE_INLINE struct wire_call_key hit_key(const struct hit *hit)
{
	const struct capture_goroutine *goroutine = &hit->goroutine;
	return (struct wire_call_key){
		.goid = wire_stack_key(goroutine->goid, goroutine->distance, hit->tid),
		.target = hit->target,
	};
}

/** The key of the call of a hit whose goroutine is known. */
CAPTURE_INLINE struct wire_call_key hit_call(const struct hit *hit)
{
	struct wire_call_key key = hit_key(hit);
	key.distance = hit->goroutine.distance;
	key.func = hit->probe->func;
	return key;
}

// --- Functions that --within names ---------------------------------------------------------------

/** The key of what the hit's goroutine has of a group. */
CAPTURE_INLINE struct wire_call_key within_key(const struct hit *hit, wire_u32 group)
{
	struct wire_call_key key = hit_key(hit);
	key.func = group;
	return key;
}

/** A frame of a function of the key's group begins at this distance. Returns 0, or not 0 if there
 *  is no room. */
CAPTURE_INLINE int within_enter(const struct host *host, const struct wire_call_key *key,
				wire_u64 distance)
{
	struct wire_nest *group = host_nest_find(host, key);
	if (group && group->outer > distance)
		group->outer = distance;
	if (group)
		return 0;
	struct wire_nest outermost = {.outer = distance};
	return host_nest_put(host, key, &outermost);
}

/** A frame of a function of the key's group ends at this distance. */
CAPTURE_INLINE void within_leave(const struct host *host, const struct wire_call_key *key,
				 wire_u64 distance)
{
	const struct wire_nest *group = host_nest_find(host, key);
	if (group && group->outer >= distance)
		host_nest_drop(host, key);
}

/** True if a hit whose goroutine is known is made while a function of this group is active. */
CAPTURE_INLINE bool calls_within(const struct host *host, const struct hit *hit, wire_u32 group)
{
	struct wire_call_key key = within_key(hit, group);
	const struct wire_nest *nest = host_nest_find(host, &key);
	if (!nest)
		return false;
	if (nest->outer < hit->goroutine.distance)
		return true;
	if (nest->outer > hit->goroutine.distance) // it is gone
		host_nest_drop(host, &key);
	return false;
}

// --- Recovery ------------------------------------------------------------------------------------

CAPTURE_INLINE int calls_word(const struct host *host, wire_u64 addr, wire_u64 *out)
{
	*out = 0;
	return capture_is_readable(addr, sizeof(*out)) ? host_read(host, out, sizeof(*out), addr)
						       : -1;
}

/** Reads which goroutine continues after a recovery, and at which distance. g: from the argument
 *  of runtime.recovery, which runs on the system stack. Frames at larger distances are gone.
 *  False if it cannot be read. */
CAPTURE_INLINE bool calls_recovery_at(const struct host *host, const struct wire_recovery *at,
				      wire_u64 g, wire_u64 *goid, wire_u64 *distance)
{
	const struct wire_settings *settings = host_settings(host);
	wire_u64 high, sp, from = g;
	if (calls_word(host, g + settings->g_goid, goid) ||
	    calls_word(host, g + settings->g_stack_hi, &high) ||
	    (at->is_in_panic && calls_word(host, g + at->panic_off, &from)) ||
	    calls_word(host, from + at->sp_off, &sp) || sp > high)
		return false;
	*distance = high - sp;
	return true;
}

// --- Traced calls --------------------------------------------------------------------------------

struct nest_walk {
	const struct host *host;
	const struct wire_call_key *key; // of the goroutine
	struct wire_nest *goroutine;
	wire_u64 from;
};

static long nest_step(wire_u32 i, void *context)
{
	(void)i;
	struct nest_walk *walk = context;
	struct wire_nest *goroutine = walk->goroutine;
	struct wire_call_key key = *walk->key;
	key.distance = goroutine->outer;
	if (!key.distance || key.distance < walk->from)
		return 1;
	const struct wire_nest *nest = host_nest_find(walk->host, &key);
	wire_u64 outer = nest ? nest->outer : 0;
	goroutine->outer = outer;
	goroutine->depth = outer ? goroutine->depth - 1 : 0;
	host_nest_drop(walk->host, &key);
	return 0;
}

// Drops the goroutine's traced calls from this distance on. True if others are still under way.
CAPTURE_APART bool calls_close(const struct host *host, const struct wire_call_key *key,
			       wire_u64 from)
{
	struct wire_nest *goroutine = host_nest_find(host, key);
	if (!goroutine)
		return false;
	if (goroutine->missing >= from)
		goroutine->missing = 0;
	struct nest_walk walk = {.host = host, .key = key, .goroutine = goroutine, .from = from};
	if (goroutine->outer >= from)
		host_repeat(WIRE_NESTS_MAX, nest_step, &walk);
	bool is_in_calls = goroutine->outer || goroutine->missing;
	if (!is_in_calls)
		host_nest_drop(host, key);
	return is_in_calls;
}

/** A traced call begins, so calls at its distance or further in are gone. has_end: its return
 *  will be a hit. Returns how many traced calls are under way, including this one; 0 if that is
 *  not known. */
CAPTURE_APART wire_u32 calls_enter(const struct host *host, const struct hit *hit, bool has_end)
{
	wire_u64 distance = hit->goroutine.distance;
	struct wire_call_key key = hit_key(hit);
	struct wire_nest nest = {0};
	struct wire_nest *goroutine = NULL;
	if (calls_close(host, &key, distance))
		goroutine = host_nest_find(host, &key);
	if (!goroutine && has_end) {
		struct wire_nest fresh = {.depth = 0};
		if (host_nest_put(host, &key, &fresh))
			*host_nests_full(host) = 1;
		goroutine = host_nest_find(host, &key);
	}
	if (!goroutine) // once a goroutine had no room, an absent one may have frames too
		return *host_nests_full(host) ? 0 : 1;
	nest.outer = goroutine->outer;
	nest.depth = goroutine->depth + 1;
	bool is_known = !goroutine->missing;
	if (!has_end)
		return is_known ? (wire_u32)nest.depth : 0;
	key.distance = distance;
	if (!host_nest_put(host, &key, &nest)) {
		goroutine->outer = distance;
		goroutine->depth = nest.depth;
	} else if (is_known) {
		goroutine->missing = distance;
	}
	return is_known ? (wire_u32)nest.depth : 0;
}

/** A traced call ends. */
CAPTURE_INLINE void calls_leave(const struct host *host, const struct hit *hit)
{
	struct wire_call_key key = hit_key(hit);
	calls_close(host, &key, hit->goroutine.distance);
}

// The goroutine calls Goexit: its open calls will not return, but they are under way while their
// deferred functions run.
CAPTURE_INLINE void calls_exit(const struct host *host, const struct hit *hit)
{
	struct wire_call_key key = hit_key(hit);
	calls_close(host, &key, hit->goroutine.distance + 1);
	struct wire_nest *goroutine = host_nest_find(host, &key);
	if (goroutine)
		goroutine->leaving = goroutine->outer;
	host_calls_gone(host, &key, 0);
}

// A panic was recovered at this distance. If the goroutine is leaving by Goexit, the calls that
// Goexit will end are still under way.
CAPTURE_INLINE void calls_recovered(const struct host *host, const struct wire_call_key *key,
				    wire_u64 distance)
{
	const struct wire_nest *goroutine = host_nest_find(host, key);
	wire_u64 from = distance + 1;
	if (goroutine && goroutine->leaving >= from)
		from = goroutine->leaving + 1;
	calls_close(host, key, from);
}

// --- Functions that calls are made within --------------------------------------------------------

struct unwind {
	const struct host *host;
	const struct wire_call_key *key; // of the goroutine
	wire_u64 distance;
};

static long unwind_step(wire_u32 i, void *context)
{
	const struct unwind *unwind = context;
	struct wire_call_key key = *unwind->key;
	key.func = i + 1;
	within_leave(unwind->host, &key, unwind->distance);
	return 0;
}

// The goroutine's frames from this distance on are gone, in all groups.
CAPTURE_INLINE void calls_unwind(const struct host *host, const struct wire_call_key *key,
				 wire_u64 distance)
{
	struct unwind unwind = {.host = host, .key = key, .distance = distance};
	wire_u32 num = host_num_groups(host);
	host_repeat(num < WIRE_WITHIN_MAX ? num : WIRE_WITHIN_MAX, unwind_step, &unwind);
}

// At a hit of runtime.recovery: the key of the goroutine that continues, and at which distance.
CAPTURE_INLINE bool calls_recovery(const struct host *host, const struct hit *hit,
				   struct wire_call_key *key, wire_u64 *distance)
{
	const struct wire_recovery *at = host_recovery(host);
	const struct wire_piece *piece = host_piece(host, hit->probe->first_piece);
	wire_u64 g = host_first_arg(hit->regs);
	if (!at->is_known || !piece ||
	    (piece->where == WIRE_STACK &&
	     calls_word(host, capture_stack_place(host_sp(hit->regs), piece->stack_off), &g)))
		return false;
	*key = (struct wire_call_key){.target = hit->target};
	return calls_recovery_at(host, at, g, &key->goid, distance);
}

// A function of a group begins or ends. Not 0 if the goroutine is not known, or if there was no
// room.
CAPTURE_INLINE int calls_bound(const struct host *host, const struct hit *hit, wire_u32 group)
{
	if (!hit->is_known)
		return -1;
	struct wire_call_key key = within_key(hit, group);
	if (hit->probe->kind == WIRE_PROBE_BEGIN)
		return within_enter(host, &key, hit->goroutine.distance);
	within_leave(host, &key, hit->goroutine.distance);
	return 0;
}

/** Processes a hit of a kind from WIRE_PROBE_PANIC on, in an aggregate. group: that of the
 *  function, for WIRE_PROBE_BEGIN and WIRE_PROBE_END. Not 0 if calls made within the function
 *  will be missed. */
CAPTURE_INLINE int calls_note_groups(const struct host *host, const struct hit *hit, wire_u32 group)
{
	struct wire_call_key key = hit_key(hit);
	wire_u64 distance;
	switch (hit->probe->kind) {
	case WIRE_PROBE_RECOVERY:
		if (calls_recovery(host, hit, &key, &distance))
			calls_unwind(host, &key, distance + 1);
		return 0;
	// All calls that its caller made are gone, also after a recovery.
	case WIRE_PROBE_DEFERRETURN:
		if (hit->is_known)
			calls_unwind(host, &key, hit->goroutine.distance);
		return 0;
	case WIRE_PROBE_BEGIN:
	case WIRE_PROBE_END:
		return calls_bound(host, hit, group);
	default:
		return 0;
	}
}

/** The same as calls_note_groups(), in a trace. */
CAPTURE_INLINE int calls_note(const struct host *host, const struct hit *hit, wire_u32 group)
{
	struct wire_call_key key = hit_key(hit);
	wire_u64 distance;
	switch (hit->probe->kind) {
	case WIRE_PROBE_RECOVERY:
		if (!calls_recovery(host, hit, &key, &distance))
			return 0;
		calls_unwind(host, &key, distance + 1);
		calls_recovered(host, &key, distance);
		host_calls_gone(host, &key, distance + 1);
		return 0;
	case WIRE_PROBE_DEFERRETURN:
		if (!hit->is_known)
			return 0;
		calls_unwind(host, &key, hit->goroutine.distance);
		calls_close(host, &key, hit->goroutine.distance);
		host_calls_gone(host, &key, hit->goroutine.distance);
		return 0;
	case WIRE_PROBE_PANIC:
		if (hit->is_known)
			calls_close(host, &key, hit->goroutine.distance + 1);
		return 0;
	case WIRE_PROBE_GOEXIT:
		if (hit->is_known)
			calls_exit(host, hit);
		return 0;
	default:
		return calls_note_groups(host, hit, group);
	}
}

#endif
