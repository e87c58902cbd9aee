// SPDX-License-Identifier: GPL-2.0-or-later
// Calls under way. A call is known by its goroutine, the distance of its frame from the top of the stack (the same
// when the stack moves) and its function: its entry puts it, its return takes it. A call that panicked leaves its
// entry behind: the next call at that place takes it over, so that it is never taken for another one's; those
// that stay are swept by user space when the table is crowded. An entry that is not followed forgets what is there.
//
// While a function is active, its goroutine's outermost frame of it is known. A frame is gone when anything else of
// the goroutine is met at its distance or above it, or when the runtime says where a panic was recovered.
//
// Compiled for the kernel and for user space, as capture.h is. The includer defines first, besides what capture.h
// wants:
//   host_call_put(host, key, call)   0, or not 0 where there is no room
//   host_call_find(host, key)        struct call, or NULL; good until the key is dropped
//   host_call_drop(host, key)
//   host_within_put(host, key, distance), host_within_find(host, key), host_within_drop(host, key)   likewise, of wire_u64; key: of
//   within_key()
#ifndef GOTRACE_BPF_ENGINE_ACTIVE_H
#define GOTRACE_BPF_ENGINE_ACTIVE_H

#include "bpf/wire.h"

struct call_key {
	wire_u64 goid; // or the thread, with the highest bit set, on the system stack
	wire_u64 distance;
	wire_u32 func;
	wire_u32 pad;
};

struct call {
	wire_u64 time_ns; // of its entry; the first word, for those who sweep
	struct wire_kept kept;
	struct wire_key key;
	struct wire_key_slot at; // the key's; texts only where its return needs them
};

CAPTURE_INLINE struct call_key active_key(const struct capture_goroutine *goroutine, wire_u32 tid,
					  wire_u32 func)
{
	return (struct call_key){
		.goid = wire_stack_key(goroutine->goid, goroutine->distance, tid),
		.distance = goroutine->distance,
		.func = func,
	};
}

// One function (or group of them) that is asked for has number 0, where there are several they count from 1.
enum { WITHIN_SHIFT = 48 };

/** Of a goroutine's number, or a thread's with its highest bit. False for a number that has no room. */
CAPTURE_INLINE bool within_key(wire_u64 goid, wire_u32 group, wire_u64 *out)
{
	if ((goid & ~WIRE_STACK_THREAD) >> WITHIN_SHIFT)
		return false;
	*out = goid | (wire_u64)group << WITHIN_SHIFT;
	return true;
}

/** A frame of the function that is asked for begins at this distance; 0, or not 0 where there is no room. */
CAPTURE_INLINE int within_enter(const struct host *host, wire_u64 key, wire_u64 distance)
{
	const wire_u64 *outermost = host_within_find(host, key);
	if (outermost && *outermost < distance)
		return 0;
	return host_within_put(host, key, distance);
}

/** It ends. */
CAPTURE_INLINE void within_leave(const struct host *host, wire_u64 key, wire_u64 distance)
{
	const wire_u64 *outermost = host_within_find(host, key);
	if (outermost && *outermost >= distance)
		host_within_drop(host, key);
}

/** Frames of the goroutine beyond this distance are gone. */
CAPTURE_INLINE void within_unwind(const struct host *host, wire_u64 key, wire_u64 distance)
{
	const wire_u64 *outermost = host_within_find(host, key);
	if (outermost && *outermost > distance)
		host_within_drop(host, key);
}

/** True if a call whose frame begins at this distance is made while the function is active. */
CAPTURE_INLINE bool within_holds(const struct host *host, wire_u64 key, wire_u64 distance)
{
	const wire_u64 *outermost = host_within_find(host, key);
	if (!outermost)
		return false;
	if (*outermost < distance)
		return true;
	if (*outermost > distance)
		host_within_drop(host, key);
	return false;
}

// --- Recovery ------------------------------------------------------------------------------------

CAPTURE_INLINE int active_word(const struct host *host, wire_u64 addr, wire_u64 *out)
{
	*out = 0;
	return capture_is_readable(addr, sizeof(*out)) ? host_read(host, out, sizeof(*out), addr)
						       : -1;
}

/** What the argument of runtime.recovery, which runs on the system stack, leads to: the goroutine that goes on, and at
 *  which distance. Frames beyond that are gone. False where it cannot be read. */
CAPTURE_INLINE bool active_recovered(const struct host *host, const struct wire_recovery *at,
				     wire_u64 g, wire_u64 *goid, wire_u64 *distance)
{
	const struct wire_settings *settings = host_settings(host);
	wire_u64 high, sp, from = g;
	if (active_word(host, g + settings->g_goid, goid) ||
	    active_word(host, g + settings->g_stack_hi, &high) ||
	    (at->is_in_panic && active_word(host, g + at->panic_off, &from)) ||
	    active_word(host, from + at->sp_off, &sp) || sp > high)
		return false;
	*distance = high - sp;
	return true;
}

#endif
