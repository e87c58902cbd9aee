// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/event/frames.h"

#include <stdlib.h>

static const uint64_t STALE_NS = 10ull * 1000 * 1000 * 1000;

enum { SLAB_FRAMES = 128, IDLE_MIN = 1024, CROWD_MIN = 1 << 20 };

struct slab {
	struct slab *next;
	struct frame frames[SLAB_FRAMES];
};

void frames_free(struct calls *calls)
{
	struct goroutine *goroutine, *next;
	HASH_ITER (hh, calls->goroutines, goroutine, next) {
		HASH_DEL(calls->goroutines, goroutine);
		free(goroutine);
	}
	for (goroutine = calls->free_goroutines; goroutine; goroutine = next) {
		next = goroutine->next;
		free(goroutine);
	}
	for (struct slab *slab = calls->slabs; slab;) {
		struct slab *gone = slab;
		slab = slab->next;
		free(gone);
	}
}

struct call_state calls_state(const struct calls *calls, const struct plan_func *func)
{
	return func->number < calls->num_states ? calls->states[func->number]
						: (struct call_state){0};
}

struct frame *frame_alloc(struct calls *calls)
{
	if (!calls->free_frames) {
		struct slab *slab = malloc(sizeof(*slab));
		if (!slab)
			return NULL;
		slab->next = calls->slabs;
		calls->slabs = slab;
		for (size_t i = 0; i < SLAB_FRAMES; i++) {
			slab->frames[i].call.parent = (struct call *)calls->free_frames;
			calls->free_frames = &slab->frames[i];
		}
	}
	struct frame *frame = calls->free_frames;
	calls->free_frames = (struct frame *)frame->call.parent;
	memset(frame, 0, sizeof(*frame));
	return frame;
}

void goroutine_saw(struct goroutine *goroutine, const struct wire_record *record)
{
	goroutine->losses = record->losses;
	goroutine->all_losses = record->all_losses;
	if (record->time_ns > goroutine->last_ns)
		goroutine->last_ns = record->time_ns;
}

void goroutine_pop(struct calls *calls, struct goroutine *goroutine)
{
	goroutine->top = frame_outer(goroutine->top);
	if (!goroutine->top)
		calls->num_idle++;
}

void frame_end(struct calls *calls, struct frame *frame, const struct wire_record *record,
	       enum call_how how, uint64_t end_ns)
{
	if (!frame->is_silent) {
		calls->stats.open--;
		if (how == CALL_DETACHED)
			calls->stats.detached++;
		else if (how == CALL_LOST)
			calls->stats.lost_ends++;
		else
			calls->stats.returns++;
		if (end_ns < frame->call.entry_ns)
			end_ns = frame->call.entry_ns;
		frame->call.trace = calls_state(calls, frame->call.func).trace;
		calls->listener.end(calls->context, &frame->call, record, how, end_ns);
	}
	frame->call.parent = (struct call *)calls->free_frames;
	calls->free_frames = frame;
}

void frame_pass_marks(const struct frame *frame)
{
	struct frame *outer = frame_outer(frame);
	if (!outer)
		return;
	outer->is_leaving |= frame->is_leaving;
	if (!frame->panic_distance)
		return;
	if (!outer->panic_distance || outer->is_panic_over) {
		outer->panic_distance = frame->panic_distance;
		outer->is_panic_over = frame->is_panic_over;
	} else if (!frame->is_panic_over && frame->panic_distance < outer->panic_distance) {
		outer->panic_distance = frame->panic_distance;
	}
}

// --- Goroutines --------------------------------------------------------------------------------

struct goroutine *goroutine_find(struct calls *calls, struct goroutine_key key)
{
	const struct goroutine *recent = calls->recent;
	if (recent && recent->key.stack == key.stack && recent->key.target == key.target)
		return calls->recent;
	struct goroutine *goroutine;
	HASH_FIND (hh, calls->goroutines, &key, sizeof(key), goroutine)
		;
	if (goroutine)
		calls->recent = goroutine;
	return goroutine;
}

// Goroutines stay in the table for a while after their last call, since most come back at once.
static void sweep_idle(struct calls *calls)
{
	calls->recent = NULL;
	struct goroutine *goroutine, *next;
	HASH_ITER (hh, calls->goroutines, goroutine, next) {
		if (goroutine->top || goroutine->is_listed)
			continue;
		HASH_DEL(calls->goroutines, goroutine);
		calls->num_idle--;
		goroutine->next = calls->free_goroutines;
		calls->free_goroutines = goroutine;
	}
}

// Lost returns leave frames that no event will close. If there are too many goroutines, those
// without an event for STALE_NS are given up.
static void sweep_stale(struct calls *calls)
{
	struct goroutine *goroutine, *next;
	HASH_ITER (hh, calls->goroutines, goroutine, next) {
		if (calls->seen_ns < STALE_NS || goroutine->last_ns > calls->seen_ns - STALE_NS)
			continue;
		goroutine_lose(calls, goroutine, calls->seen_ns);
	}
	sweep_idle(calls);
	calls->crowd = HASH_COUNT(calls->goroutines) * 2;
}

struct goroutine *goroutine_create(struct calls *calls, struct goroutine_key key)
{
	size_t num = HASH_COUNT(calls->goroutines);
	if (calls->num_idle > IDLE_MIN && calls->num_idle > num / 2)
		sweep_idle(calls);
	else if (calls->any_lost && num >= CROWD_MIN && num >= calls->crowd)
		sweep_stale(calls);

	struct goroutine *goroutine = calls->free_goroutines;
	if (goroutine)
		calls->free_goroutines = goroutine->next;
	else if (!(goroutine = malloc(sizeof(*goroutine))))
		return NULL;
	memset(goroutine, 0, sizeof(*goroutine));
	goroutine->key = key;
	HASH_ADD(hh, calls->goroutines, key, sizeof(goroutine->key), goroutine);
	if (!goroutine->hh.tbl) {
		free(goroutine);
		return NULL;
	}
	calls->num_idle++;
	calls->recent = goroutine;
	return goroutine;
}

// --- How a frame that left without a RET ended -------------------------------------------------

static enum call_how vanished_how(struct calls *calls, const struct goroutine *goroutine,
				  const struct frame *frame, uint64_t end_ns)
{
	// The function's probes were off by then, so a return would not have been seen.
	uint64_t off_ns = calls_state(calls, frame->call.func).off_ns;
	if (off_ns && end_ns >= off_ns)
		return CALL_DETACHED;
	if (frame->is_leaving)
		return CALL_GOEXIT;
	// Its return was not lost: a loss would have ended it as CALL_LOST before.
	if (frame->panic_distance)
		return CALL_PANICKED;
	if (calls->has_notes || (goroutine->key.stack & WIRE_STACK_THREAD))
		return CALL_LOST;
	return CALL_PANICKED;
}

void goroutine_vanish(struct calls *calls, struct goroutine *goroutine, uint64_t end_ns)
{
	struct frame *frame = goroutine->top;
	enum call_how how = vanished_how(calls, goroutine, frame, end_ns);
	frame_pass_marks(frame);
	goroutine_pop(calls, goroutine);
	frame_end(calls, frame, NULL, how, end_ns);
}

void goroutine_lose_top(struct calls *calls, struct goroutine *goroutine, uint64_t end_ns)
{
	struct frame *frame = goroutine->top;
	goroutine_pop(calls, goroutine);
	frame_end(calls, frame, NULL, CALL_LOST, end_ns);
}

void goroutine_lose(struct calls *calls, struct goroutine *goroutine, uint64_t end_ns)
{
	while (goroutine->top)
		goroutine_lose_top(calls, goroutine, end_ns);
}

void goroutine_close(struct calls *calls, struct goroutine *goroutine, uint64_t distance,
		     uint64_t now_ns)
{
	while (goroutine->top && goroutine->top->distance > distance)
		goroutine_vanish(calls, goroutine, now_ns);
}

void goroutine_look_over(struct calls *calls, struct goroutine *goroutine, uint64_t distance)
{
	struct frame *frame = goroutine->top;
	if (!frame || frame->panic_distance < distance)
		return;
	// gopanic never returns, so an event at its distance or further out means that the panic is
	// over. The frames that the panic ended were closed by the note of the recovery, so this
	// frame has survived. But that note may be missing (Goexit goes on without a deferreturn):
	// then this frame may be gone as well.
	bool is_told = calls->has_recovery || (calls->has_deferreturn && !goroutine->is_listed);
	if (is_told && !calls->any_lost)
		frame->panic_distance = 0;
	else
		frame->is_panic_over = true;
}
