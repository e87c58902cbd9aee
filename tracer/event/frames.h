// SPDX-License-Identifier: GPL-2.0-or-later
// The open frames of each goroutine, and how they end: what calls.c pairs records by.
//
// Each goroutine has a stack of open frames, the outermost with the smallest distance (stack.hi -
// SP). A frame is gone when an event comes from its own distance or from further out. Notes, which
// are hits of the runtime's own functions, show how a frame went:
// - A hit of gopanic or Goexit marks the innermost open frame. A marked frame that vanishes passes
//   its marks to the frame around it. A frame that leaves by its RET has survived, and its marks
//   are dropped.
// - A hit of recovery shows which frame recovered: all frames further in are gone, that frame and
//   all frames further out are still there. A hit of deferreturn shows the same, from that frame
//   itself.
// Each record counts how many of its goroutine's events have been lost. If that count has changed,
// no frame is known to be still there.
#ifndef GOTRACE_TRACER_EVENT_FRAMES_H
#define GOTRACE_TRACER_EVENT_FRAMES_H

#include <string.h>

// Keys are made of goroutine and thread numbers: one multiplication spreads them well enough.
#define HASH_FUNCTION(keyptr, keylen, hashv)                                              \
	((hashv) = (unsigned)(((((const struct goroutine_key *)(keyptr))->stack ^         \
				((const struct goroutine_key *)(keyptr))->target << 48) * \
			       0x9e3779b97f4a7c15) >>                                     \
			      32))
#include <uthash.h>

#include "tracer/event/calls.h"

struct frame {
	// Must be first. Its parent is the next frame outwards; in the free list, the next free
	// frame.
	struct call call;
	uint64_t distance;
	uint64_t panic_distance; // of the gopanic that was hit inside this frame; 0: none
	bool is_panic_over;	 // since then the goroutine was seen outside of that gopanic
	bool is_leaving;	 // Goexit was hit inside this frame
	bool is_silent;		 // not reported, only followed so that its return is no orphan
};

struct goroutine_key {
	uint64_t stack; // wire_stack_key()
	uint64_t target;
};

struct goroutine {
	struct goroutine_key key;
	struct frame *top;	     // the innermost open frame
	uint64_t last_ns;	     // of its last event
	uint32_t losses, all_losses; // of its last event
	struct goroutine *next;	     // in the free list or in calls->leaving
	bool is_listed;		     // in calls->leaving
	UT_hash_handle hh;
};

struct slab;

struct call_state { // of a function now
	struct call_trace *trace;
	uint64_t off_ns;
};

struct calls {
	const struct plan *plan;
	struct call_state
		*states; // by the function's number; functions from num_states on have none
	size_t num_states;
	struct calls_listener listener;
	void *context;
	struct calls_stats stats;
	uint64_t limit; // of calls reported; 0: none

	struct goroutine *goroutines; // by key
	struct goroutine *recent;     // of the last event; may be NULL
	struct goroutine *leaving;    // a list: Goexit was hit on these
	struct goroutine *free_goroutines;
	size_t num_idle; // goroutines in the table without an open frame
	size_t crowd;	 // number of goroutines from which on stale ones are searched for

	struct slab *slabs;
	struct frame *free_frames;

	uint64_t seen_ns;     // the newest record's time
	uint64_t ticked_seen; // seen_ns at the last tick
	bool any_lost;	      // some event was lost, which may have been a note
	bool has_notes;	      // the plan has a probe of gopanic
	bool has_deferreturn; // the plan has a probe of deferreturn
	bool has_recovery;    // the plan has a probe of recovery, and each hit of it was readable
	const struct func *gopanic, *goexit; // NULL if not in the plan
	uint32_t num_searched;		     // the plan's probes that look_for_notes has seen
};

/** What is known of a function now. */
struct call_state calls_state(const struct calls *calls, const struct plan_func *func);

/** A new frame, all of it 0; NULL if memory runs out. */
struct frame *frame_alloc(struct calls *calls);
/** Reports how a frame ended and frees it. It must be off its goroutine's stack. */
void frame_end(struct calls *calls, struct frame *frame, const struct wire_record *record,
	       enum call_how how, uint64_t end_ns);
/** A frame that vanished was ended by the panic or Goexit that was noted in it, so the frame around
 *  it may have ended the same way. */
void frame_pass_marks(const struct frame *frame);

static inline struct frame *frame_outer(const struct frame *frame)
{
	return (struct frame *)frame->call.parent;
}

/** Finds the goroutine or system stack with this key; NULL if it had no call. */
struct goroutine *goroutine_find(struct calls *calls, struct goroutine_key key);
/** NULL if memory runs out. */
struct goroutine *goroutine_create(struct calls *calls, struct goroutine_key key);
/** Takes time and losses from a record. Times do not always grow: an entry that was held until its
 *  return comes with the return, and is older than the events that came from inside the call. */
void goroutine_saw(struct goroutine *goroutine, const struct wire_record *record);
/** Removes the innermost frame, which the caller ends. */
void goroutine_pop(struct calls *calls, struct goroutine *goroutine);
/** Ends the innermost call, which left without a RET, in the way that the notes show. */
void goroutine_vanish(struct calls *calls, struct goroutine *goroutine, uint64_t end_ns);
/** Ends the innermost call, or all calls, as lost: an event that was lost may have ended it. */
void goroutine_lose_top(struct calls *calls, struct goroutine *goroutine, uint64_t end_ns);
void goroutine_lose(struct calls *calls, struct goroutine *goroutine, uint64_t end_ns);
/** An event came from this distance: frames further in are gone. */
void goroutine_close(struct calls *calls, struct goroutine *goroutine, uint64_t distance,
		     uint64_t now_ns);
/** An event came from this distance, further in than the innermost open frame: a panic noted in
 *  that frame may be over. */
void goroutine_look_over(struct calls *calls, struct goroutine *goroutine, uint64_t distance);

/** Frees all goroutines and frames. */
void frames_free(struct calls *calls);

#endif
