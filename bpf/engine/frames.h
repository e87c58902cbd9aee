// SPDX-License-Identifier: GPL-2.0-or-later
// Where a goroutine stands, for calls that are told one by one: among the functions that calls are to be made within, and
// in how many traced calls. Those calls' frames are a list, from the innermost outwards; a frame is gone when anything
// of its goroutine is met at its distance or further out, or when a panic is recovered further out. Compiled for the
// kernel and for user space, as capture.h is.
//
// The includer defines first, besides what active.h wants:
//   host_recovery(host)     struct wire_recovery
//   host_num_groups(host)       how many groups of functions there are that calls are to be made within
//   host_nest_put(host, key, frame)   0, or not 0 where there is no room
//   host_nest_find(host, key)         struct frame, or NULL; good until the key is dropped
//   host_nest_drop(host, key)
//   host_calls_gone(host, goid, from)  its calls from this distance on have left, or will leave, without a return
//   host_nests_full(host)             a wire_u32, not 0 once a goroutine has had no room
#ifndef GOTRACE_BPF_ENGINE_FRAMES_H
#define GOTRACE_BPF_ENGINE_FRAMES_H

#include "bpf/engine/active.h"

struct frame_key {
	wire_u64 goid;	   // or the thread, with the highest bit set, on the system stack
	wire_u64 distance; // 0: the goroutine's own entry
};

struct frame {
	wire_u64
		outer; // distance of the next frame outwards; of a goroutine: of its innermost; 0: none
	wire_u64
		missing; // of a goroutine: of the outermost frame that there was no room for; 0: none
	wire_u64
		leaving; // of a goroutine: of the innermost frame when it called Goexit; 0: it has not
	wire_u64 depth; // of the frame; of a goroutine: of its innermost
};

struct frame_walk {
	const struct host *host;
	struct frame *goroutine;
	wire_u64 goid, from;
};

struct frames_hit {
	const struct wire_probe *probe;
	const struct capture_goroutine *goroutine; // NULL: not known
	wire_u64 first, sp; // the first of the registers that pass arguments, and SP
	wire_u32 tid;
	wire_u32 pad;
};

CAPTURE_INLINE wire_u64 frames_goid(const struct frames_hit *hit)
{
	return wire_stack_key(hit->goroutine->goid, hit->goroutine->distance, hit->tid);
}

/** True if a call is made while a function of this group is active. *is_known: whether that can be said. */
CAPTURE_INLINE bool frames_within(const struct host *host, const struct frames_hit *hit,
				  wire_u32 group, bool *is_known)
{
	wire_u64 key;
	*is_known = hit->goroutine && within_key(frames_goid(hit), group, &key);
	return *is_known && within_holds(host, key, hit->goroutine->distance);
}

// A function of a group begins or ends. Not 0: it could not be noted.
CAPTURE_INLINE int frames_bound(const struct host *host, const struct frames_hit *hit,
				wire_u32 group)
{
	wire_u64 key;
	if (!hit->goroutine || !within_key(frames_goid(hit), group, &key))
		return -1;
	if (hit->probe->kind == WIRE_PROBE_BEGIN)
		return within_enter(host, key, hit->goroutine->distance);
	within_leave(host, key, hit->goroutine->distance);
	return 0;
}

// --- Traced calls --------------------------------------------------------------------------------

static long frame_step(wire_u32 i, void *context)
{
	(void)i;
	struct frame_walk *walk = context;
	struct frame *goroutine = walk->goroutine;
	struct frame_key key = {.goid = walk->goid, .distance = goroutine->outer};
	if (!key.distance || key.distance < walk->from)
		return 1;
	const struct frame *frame = host_nest_find(walk->host, &key);
	wire_u64 outer = frame ? frame->outer : 0;
	goroutine->outer = outer;
	goroutine->depth = outer ? goroutine->depth - 1 : 0;
	host_nest_drop(walk->host, &key);
	return 0;
}

// Traced calls of the goroutine from this distance on are gone. True: others are not.
static __attribute__((noinline)) bool frames_close(const struct host *host, wire_u64 goid,
						   wire_u64 from)
{
	struct frame_key key = {.goid = goid};
	struct frame *goroutine = host_nest_find(host, &key);
	if (!goroutine)
		return false;
	if (goroutine->missing >= from)
		goroutine->missing = 0;
	struct frame_walk walk = {.host = host, .goroutine = goroutine, .goid = goid, .from = from};
	if (goroutine->outer >= from)
		host_repeat(WIRE_FRAMES_MAX, frame_step, &walk);
	bool is_in_calls = goroutine->outer || goroutine->missing;
	if (!is_in_calls)
		host_nest_drop(host, &key);
	return is_in_calls;
}

/** A traced call begins: what was at its place or further in is gone. has_end: its return will be seen. How many traced
 *  calls are under way with this one; 0: that is not known. */
static __attribute__((noinline)) wire_u32 frames_enter(const struct host *host,
						       const struct frames_hit *hit, bool has_end)
{
	wire_u64 goid = frames_goid(hit), distance = hit->goroutine->distance;
	struct frame_key key = {.goid = goid};
	struct frame frame = {0};
	struct frame *goroutine = NULL;
	if (frames_close(host, goid, distance))
		goroutine = host_nest_find(host, &key);
	if (!goroutine && has_end) {
		struct frame fresh = {.depth = 0};
		if (host_nest_put(host, &key, &fresh))
			*host_nests_full(host) = 1;
		goroutine = host_nest_find(host, &key);
	}
	if (!goroutine) // whether it has frames is not known once one was left out
		return *host_nests_full(host) ? 0 : 1;
	frame.outer = goroutine->outer;
	frame.depth = goroutine->depth + 1;
	bool is_known = !goroutine->missing;
	if (!has_end)
		return is_known ? (wire_u32)frame.depth : 0;
	key.distance = distance;
	if (!host_nest_put(host, &key, &frame)) {
		goroutine->outer = distance;
		goroutine->depth = frame.depth;
	} else if (is_known) {
		goroutine->missing = distance;
	}
	return is_known ? (wire_u32)frame.depth : 0;
}

/** It ends. */
CAPTURE_INLINE void frames_leave(const struct host *host, const struct frames_hit *hit)
{
	frames_close(host, frames_goid(hit), hit->goroutine->distance);
}

// Its open calls will not return; they are under way while what they have deferred runs.
CAPTURE_INLINE void frames_exit(const struct host *host, const struct frames_hit *hit)
{
	struct frame_key key = {.goid = frames_goid(hit)};
	frames_close(host, key.goid, hit->goroutine->distance + 1);
	struct frame *goroutine = host_nest_find(host, &key);
	if (goroutine)
		goroutine->leaving = goroutine->outer;
	host_calls_gone(host, key.goid, 0);
}

// A panic was recovered; a Goexit under way goes on, and the calls that it will end are still there.
CAPTURE_INLINE void frames_recovered(const struct host *host, wire_u64 goid, wire_u64 distance)
{
	struct frame_key key = {.goid = goid};
	const struct frame *goroutine = host_nest_find(host, &key);
	wire_u64 from = distance + 1;
	if (goroutine && goroutine->leaving >= from)
		from = goroutine->leaving + 1;
	frames_close(host, goid, from);
}

// --- Functions that calls are made within --------------------------------------------------------

// Frames of the goroutine from this distance on are gone.
CAPTURE_INLINE void frames_unwind(const struct host *host, wire_u64 goid, wire_u64 distance)
{
	wire_u64 key;
	wire_u32 num = host_num_groups(host);
	for (wire_u32 i = 1; i <= WIRE_WITHIN_MAX && i <= num; i++)
		if (within_key(goid, i, &key))
			within_leave(host, key, distance);
}

CAPTURE_INLINE void frames_recover(const struct host *host, const struct frames_hit *hit)
{
	const struct wire_recovery *at = host_recovery(host);
	const struct wire_piece *piece = host_piece(host, hit->probe->first_piece);
	wire_u64 g = hit->first, goid, distance;
	if (!at->is_known || !piece ||
	    (piece->where == WIRE_STACK &&
	     active_word(host, hit->sp + sizeof(g) + piece->stack_off, &g)))
		return;
	if (!active_recovered(host, at, g, &goid, &distance))
		return;
	frames_unwind(host, goid, distance + 1);
	frames_recovered(host, goid, distance);
	host_calls_gone(host, goid, distance + 1);
}

/** A hit that is no call's, of the kinds from WIRE_PROBE_PANIC on. group: that of WIRE_PROBE_BEGIN and WIRE_PROBE_END. Not
 *  0: calls that are made within will be missed. */
CAPTURE_INLINE int frames_note(const struct host *host, const struct frames_hit *hit,
			       wire_u32 group)
{
	switch (hit->probe->kind) {
	case WIRE_PROBE_RECOVERY:
		frames_recover(host, hit);
		return 0;
	case WIRE_PROBE_DEFERRETURN: // in a frame that recovered, too: all that were called there are gone
		if (hit->goroutine) {
			frames_unwind(host, frames_goid(hit), hit->goroutine->distance);
			frames_close(host, frames_goid(hit), hit->goroutine->distance);
			host_calls_gone(host, frames_goid(hit), hit->goroutine->distance);
		}
		return 0;
	case WIRE_PROBE_PANIC:
		if (hit->goroutine)
			frames_close(host, frames_goid(hit), hit->goroutine->distance + 1);
		return 0;
	case WIRE_PROBE_GOEXIT:
		if (hit->goroutine)
			frames_exit(host, hit);
		return 0;
	case WIRE_PROBE_BEGIN:
	case WIRE_PROBE_END:
		return frames_bound(host, hit, group);
	default:
		return 0;
	}
}

#endif
