// SPDX-License-Identifier: GPL-2.0-or-later
// Where a goroutine stands among the functions that calls are to be made within: what their probes and those of the
// runtime's notes tell, for calls that are told one by one. Compiled for the kernel and for user space, as capture.h is.
//
// The includer defines first, besides what active.h wants:
//   frames_recovery(host)     struct wire_recovery
//   frames_groups(host)       how many groups of functions there are that calls are to be made within
#ifndef GOTRACE_BPF_FRAMES_H
#define GOTRACE_BPF_FRAMES_H

#include "bpf/active.h"

struct frames_hit {
	const struct wire_probe *probe;
	const struct capture_goroutine *goroutine; // NULL: not known
	wire_u64 first, sp; // the first of the registers that pass arguments, and SP
	wire_u32 tid;
	wire_u32 pad;
};

// Its goroutine, or its thread with the highest bit set on the system stack.
CAPTURE_INLINE wire_u64 frames_goid(const struct frames_hit *hit)
{
	return hit->goroutine->goid ? hit->goroutine->goid : ACTIVE_THREAD | hit->tid;
}

/** True if a call is made while a function of this group is active. *is_known: whether that can be said. */
CAPTURE_INLINE bool frames_within(const struct capture_host *host, const struct frames_hit *hit,
				  wire_u32 group, bool *is_known)
{
	wire_u64 key;
	*is_known = hit->goroutine && within_key(frames_goid(hit), group, &key);
	return *is_known && within_holds(host, key, hit->goroutine->distance);
}

// A function of a group begins or ends. Not 0: it could not be noted.
CAPTURE_INLINE int frames_bound(const struct capture_host *host, const struct frames_hit *hit,
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

// Frames of the goroutine from this distance on are gone.
CAPTURE_INLINE void frames_unwind(const struct capture_host *host, wire_u64 goid, wire_u64 distance)
{
	wire_u64 key;
	wire_u32 num = frames_groups(host);
	for (wire_u32 i = 1; i <= WIRE_WITHIN_MAX && i <= num; i++)
		if (within_key(goid, i, &key))
			within_leave(host, key, distance);
}

CAPTURE_INLINE void frames_recover(const struct capture_host *host, const struct frames_hit *hit)
{
	const struct wire_recovery *at = frames_recovery(host);
	const struct wire_piece *piece = capture_piece(host, hit->probe->first_piece);
	wire_u64 g = hit->first, goid, distance;
	if (!at->is_known || !piece ||
	    (piece->where == WIRE_STACK &&
	     active_word(host, hit->sp + sizeof(g) + piece->stack_off, &g)))
		return;
	if (active_recovered(host, at, g, &goid, &distance))
		frames_unwind(host, goid, distance + 1);
}

/** A hit that is no call's, of the kinds from WIRE_PROBE_PANIC on. group: that of WIRE_PROBE_BEGIN and WIRE_PROBE_END. Not
 *  0: calls that are made within will be missed. */
CAPTURE_INLINE int frames_note(const struct capture_host *host, const struct frames_hit *hit,
			       wire_u32 group)
{
	switch (hit->probe->kind) {
	case WIRE_PROBE_RECOVERY:
		frames_recover(host, hit);
		return 0;
	case WIRE_PROBE_DEFERRETURN: // in a frame that recovered, too: all that were called there are gone
		if (hit->goroutine)
			frames_unwind(host, frames_goid(hit), hit->goroutine->distance);
		return 0;
	case WIRE_PROBE_BEGIN:
	case WIRE_PROBE_END:
		return frames_bound(host, hit, group);
	default:
		return 0;
	}
}

#endif
