// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/event/frames.h"

#include <stdlib.h>

static const uint64_t QUIET_NS = 100 * 1000 * 1000;

const char *call_how_name(enum call_how how)
{
	static const char *const names[] = {
		[CALL_RETURNED] = "return", [CALL_PANICKED] = "panicked",
		[CALL_GOEXIT] = "goexit",   [CALL_DETACHED] = "detached",
		[CALL_LOST] = "lost",
	};
	return (size_t)how < sizeof(names) / sizeof(names[0]) ? names[how] : "lost";
}

struct error *calls_create(const struct plan *plan, const struct calls_listener *listener,
			   void *context, struct calls **out)
{
	struct calls *calls = calloc(1, sizeof(*calls));
	if (!calls)
		return error_nomem();
	calls->plan = plan;
	calls->listener = *listener;
	calls->context = context;
	*out = calls;
	return NULL;
}

void calls_limit(struct calls *calls, uint64_t max)
{
	calls->limit = max;
}

void calls_destroy(struct calls *calls)
{
	if (!calls)
		return;
	frames_free(calls);
	free(calls->states);
	free(calls);
}

// --- Functions ---------------------------------------------------------------------------------

static struct error *grow_states(struct calls *calls, uint32_t func)
{
	size_t num = calls->plan->num_funcs;
	if (func < calls->num_states)
		return NULL;
	if (func >= num)
		return error_new("the plan has no function %u", func);
	struct call_state *states = reallocarray(calls->states, num, sizeof(*states));
	if (!states)
		return error_nomem();
	memset(states + calls->num_states, 0, (num - calls->num_states) * sizeof(*states));
	calls->states = states;
	calls->num_states = num;
	return NULL;
}

struct error *calls_trace(struct calls *calls, uint32_t func, struct call_trace *trace)
{
	struct error *err = grow_states(calls, func);
	if (!err)
		calls->states[func].trace = trace;
	return err;
}

struct error *calls_off(struct calls *calls, uint32_t func, uint64_t off_ns)
{
	struct error *err = grow_states(calls, func);
	if (!err)
		calls->states[func].off_ns = off_ns;
	return err;
}

// --- Records -----------------------------------------------------------------------------------

static bool has_goroutine(const struct wire_record *record)
{
	return !(record->flags & WIRE_NO_GOROUTINE);
}

static struct goroutine_key record_key(const struct wire_record *record)
{
	return (struct goroutine_key){
		.stack = wire_stack_key(record->goid & ~WIRE_STACK_THREAD, record->distance,
					record->tid),
		.target = record->target,
	};
}

// True if the trace that asked for the function wants this call to be reported.
static bool is_wanted(const struct call_trace *trace, const struct call *call)
{
	return trace->calls_left && (!trace->goid || (call->has_goid && call->goid == trace->goid));
}

static struct error *enter(struct calls *calls, struct goroutine *goroutine,
			   const struct plan_func *func, const struct wire_record *record)
{
	if (goroutine) {
		goroutine_close(calls, goroutine, record->distance, goroutine->last_ns);
		// The new call has taken the place of this one.
		if (goroutine->top && goroutine->top->distance == record->distance)
			goroutine_vanish(calls, goroutine, goroutine->last_ns);
		if (func->func != calls->gopanic) // gopanic is traced itself: noted just before
			goroutine_look_over(calls, goroutine, record->distance);
	}
	struct frame *around = goroutine ? goroutine->top : NULL;
	struct call call = {
		.func = func,
		.trace = calls_state(calls, func).trace,
		.target = record->target,
		.goid = record->goid,
		.has_goid = has_goroutine(record),
		.is_bare = record->flags & WIRE_BARE,
		.will_end =
			func->has_return && has_goroutine(record) && !(record->flags & WIRE_ALONE),
		.entry_ns = record->time_ns,
		.parent = around ? &around->call : NULL,
	};
	if (call.has_goid)
		call.depth = around ? around->call.depth + 1 : 1;
	bool is_silent = (calls->limit && calls->stats.calls >= calls->limit) ||
			 (call.trace && !is_wanted(call.trace, &call));
	if (!is_silent && call.trace)
		call.trace->calls_left--;
	if (!is_silent)
		call.number = ++calls->stats.calls;
	if (!call.will_end) {
		if (!is_silent)
			calls->listener.entry(calls->context, &call, record);
		return NULL;
	}

	if (!goroutine && !(goroutine = goroutine_create(calls, record_key(record))))
		return error_nomem();
	struct frame *frame = frame_alloc(calls);
	if (!frame)
		return error_nomem();
	frame->call = call;
	frame->distance = record->distance;
	goroutine_saw(goroutine, record);
	if (!goroutine->top)
		calls->num_idle--;
	frame->is_silent = is_silent;
	if (func->func == calls->gopanic)
		frame->panic_distance = record->distance;
	frame->is_leaving = func->func == calls->goexit;
	goroutine->top = frame;
	if (!is_silent) {
		calls->stats.open++;
		calls->listener.entry(calls->context, &frame->call, record);
	}
	return NULL;
}

static void leave(struct calls *calls, struct goroutine *goroutine, const struct plan_func *func,
		  const struct wire_record *record)
{
	if (goroutine) {
		goroutine_close(calls, goroutine, record->distance, record->time_ns);
		struct frame *frame = goroutine->top;
		if (frame && frame->distance == record->distance) {
			if (frame->call.func == func) {
				goroutine_pop(calls, goroutine);
				goroutine_look_over(calls, goroutine, record->distance);
				frame_end(calls, frame, record, CALL_RETURNED, record->time_ns);
				return;
			}
			goroutine_vanish(calls, goroutine, record->time_ns);
		}
		goroutine_look_over(calls, goroutine, record->distance);
	}
	calls->stats.orphans++;
	if (!has_goroutine(record))
		calls->stats.unknown++;
	else if (record->losses)
		calls->stats.lost_entries++;
	struct call call = {
		.func = func,
		.target = record->target,
		.goid = record->goid,
		.has_goid = has_goroutine(record),
	};
	calls->listener.orphan(calls->context, &call, record);
}

static void note_panic(struct frame *frame, uint64_t distance)
{
	// If an earlier panic is still under way, the outer of the two counts.
	if (!frame->panic_distance || frame->is_panic_over || distance < frame->panic_distance)
		frame->panic_distance = distance;
	frame->is_panic_over = false;
}

static void note_goexit(struct calls *calls, struct goroutine *goroutine)
{
	goroutine->top->is_leaving = true;
	if (goroutine->is_listed)
		return;
	goroutine->is_listed = true;
	goroutine->next = calls->leaving;
	calls->leaving = goroutine;
}

static void note(struct calls *calls, struct goroutine *goroutine, enum wire_probe_kind kind,
		 const struct plan_func *func, const struct wire_record *record)
{
	goroutine_close(calls, goroutine, record->distance, record->time_ns);
	// The call that had this place is gone, unless it is a call of the noted function itself,
	// which is traced as well.
	if (goroutine->top && goroutine->top->distance == record->distance &&
	    goroutine->top->call.func->func != func->func)
		goroutine_vanish(calls, goroutine, record->time_ns);
	goroutine_look_over(calls, goroutine, record->distance);
	if (!goroutine->top)
		return;
	if (kind == WIRE_PROBE_PANIC)
		note_panic(goroutine->top, record->distance);
	else if (kind == WIRE_PROBE_GOEXIT)
		note_goexit(calls, goroutine);
}

// Reads the word at this offset of the block that was copied from addr; 0: of the frame block.
static bool block_word(const struct wire_record *record, uint64_t addr, uint32_t off, uint64_t *out)
{
	struct record_block block;
	for (size_t at = 0; record_next(record, &at, &block);) {
		if ((block.head->flags & WIRE_BLOCK_FRAME) ? addr != 0 : block.head->addr != addr)
			continue;
		if (block.head->len < sizeof(*out) || off > block.head->len - sizeof(*out))
			continue;
		memcpy(out, block.bytes + off, sizeof(*out));
		return true;
	}
	return false;
}

// Reads from a hit of recovery, which runs on a system stack, which goroutine goes on and at which
// distance its SP is then.
static bool read_recovery(const struct plan_recovery *at, const struct wire_record *record,
			  uint64_t *goid, uint64_t *distance)
{
	uint64_t g, stack_hi, panic, sp;
	if (!block_word(record, 0, 0, &g) || !g || !block_word(record, g, at->goid_off, goid) ||
	    !block_word(record, g, at->stack_hi_off, &stack_hi))
		return false;
	if (at->is_in_panic) {
		if (!block_word(record, g, at->panic_off, &panic) || !panic ||
		    !block_word(record, panic, at->sp_off, &sp))
			return false;
	} else if (!block_word(record, g, at->sp_off, &sp)) {
		return false;
	}
	*distance = stack_hi - sp;
	return *goid && sp && sp < stack_hi;
}

// The frame around that SP recovered: all calls further in are gone, that frame and all frames
// further out are still there. But recovery does not end a Goexit: it goes on, and the frames that
// it will end stay open.
static void note_recovery(struct calls *calls, const struct wire_record *record)
{
	uint64_t goid, distance;
	if (!read_recovery(&calls->plan->recovery, record, &goid, &distance)) {
		calls->has_recovery = false;
		return;
	}
	struct goroutine *goroutine =
		goroutine_find(calls,
			       (struct goroutine_key){goid & ~WIRE_STACK_THREAD, record->target});
	if (!goroutine)
		return;
	goroutine->last_ns = record->time_ns;
	// The record's own count of losses belongs to the system stack. The goroutine's count comes
	// only with its next event, so compare the count of all losses.
	bool is_certain = record->all_losses == goroutine->all_losses;
	while (goroutine->top && goroutine->top->distance > distance && !goroutine->top->is_leaving)
		if (is_certain)
			goroutine_vanish(calls, goroutine, record->time_ns);
		else
			goroutine_lose_top(calls, goroutine, record->time_ns);
	if (goroutine->top && goroutine->top->panic_distance > distance)
		goroutine->top->panic_distance = 0;
}

static void look_for_notes(struct calls *calls)
{
	const struct plan_tables *tables = &calls->plan->tables;
	for (; calls->num_searched < tables->num_probes; calls->num_searched++) {
		const struct wire_probe *probe = &tables->probes[calls->num_searched];
		uint16_t kind = probe->kind;
		calls->has_notes |= kind == WIRE_PROBE_PANIC;
		calls->has_deferreturn |= kind == WIRE_PROBE_DEFERRETURN;
		calls->has_recovery |= kind == WIRE_PROBE_RECOVERY;
		if (probe->func >= calls->plan->num_funcs)
			continue;
		if (kind == WIRE_PROBE_PANIC)
			calls->gopanic = calls->plan->funcs[probe->func]->func;
		else if (kind == WIRE_PROBE_GOEXIT)
			calls->goexit = calls->plan->funcs[probe->func]->func;
	}
}

struct error *calls_record(struct calls *calls, const struct wire_record *record)
{
	const struct plan *plan = calls->plan;
	if (record->kind != WIRE_RECORD_HIT) {
		calls->stats.other_kinds++;
		return NULL;
	}
	if (record->probe >= plan->tables.num_probes) {
		calls->stats.damaged++;
		return NULL;
	}
	const struct wire_probe *probe = &plan->tables.probes[record->probe];
	if (probe->func >= plan->num_funcs || probe->kind > WIRE_PROBE_END) {
		calls->stats.damaged++;
		return NULL;
	}
	const struct plan_func *func = plan->funcs[probe->func];
	if (calls->num_searched < plan->tables.num_probes)
		look_for_notes(calls);
	calls->any_lost |= record->all_losses != 0;
	if (record->time_ns > calls->seen_ns)
		calls->seen_ns = record->time_ns;

	struct goroutine *goroutine =
		has_goroutine(record) ? goroutine_find(calls, record_key(record)) : NULL;
	if (goroutine && goroutine->losses != record->losses)
		goroutine_lose(calls, goroutine, record->time_ns);
	if (goroutine)
		goroutine_saw(goroutine, record);
	switch ((enum wire_probe_kind)probe->kind) {
	case WIRE_PROBE_ENTRY:
		return enter(calls, goroutine, func, record);
	case WIRE_PROBE_RETURN:
	case WIRE_PROBE_TAIL:
		leave(calls, goroutine, func, record);
		break;
	case WIRE_PROBE_PANIC:
	case WIRE_PROBE_GOEXIT:
	case WIRE_PROBE_DEFERRETURN:
		if (goroutine)
			note(calls, goroutine, probe->kind, func, record);
		break;
	case WIRE_PROBE_RECOVERY:
		note_recovery(calls, record);
		break;
	case WIRE_PROBE_BEGIN: // this kind and the next make no records
	case WIRE_PROBE_END:
		calls->stats.damaged++;
		break;
	}
	return NULL;
}

static bool is_panicking(const struct goroutine *goroutine)
{
	for (const struct frame *frame = goroutine->top; frame; frame = frame_outer(frame))
		if (frame->panic_distance)
			return true;
	return false;
}

void calls_lost(struct calls *calls, const struct wire_losses *losses, uint64_t now_ns)
{
	calls->any_lost |= !losses || losses->all;
	struct goroutine *goroutine, *next;
	HASH_ITER (hh, calls->goroutines, goroutine, next) {
		// The low bits of a goroutine's key are those of its goid, or of its thread's tid.
		uint32_t at = goroutine->key.stack & (WIRE_LOSSES - 1);
		bool is_hit = !losses || losses->by_goroutine[at] != goroutine->losses;
		// A recovery is recorded on a system stack, whose losses are counted separately:
		// the lost event may have been the recovery of this goroutine's panic.
		if (!is_hit && losses->all != goroutine->all_losses)
			is_hit = is_panicking(goroutine);
		if (is_hit)
			goroutine_lose(calls, goroutine, now_ns);
	}
}

// --- Time, and the end -------------------------------------------------------------------------

void calls_tick(struct calls *calls, uint64_t now_ns)
{
	// Records that have not been read yet are older than now_ns. While new records come, use
	// their time.
	if (calls->seen_ns != calls->ticked_seen)
		now_ns = calls->seen_ns;
	calls->ticked_seen = calls->seen_ns;
	struct goroutine **link = &calls->leaving;
	while (*link) {
		struct goroutine *goroutine = *link;
		bool is_quiet =
			now_ns > goroutine->last_ns && now_ns - goroutine->last_ns >= QUIET_NS;
		// A call without the mark, further in than Goexit, is a deferred call that still
		// runs.
		while (is_quiet && goroutine->top && goroutine->top->is_leaving)
			goroutine_vanish(calls, goroutine, goroutine->last_ns);
		if (goroutine->top) {
			link = &goroutine->next;
			continue;
		}
		*link = goroutine->next;
		goroutine->next = NULL;
		goroutine->is_listed = false;
	}
}

void calls_detach(struct calls *calls, uint64_t now_ns)
{
	struct goroutine *goroutine, *next;
	HASH_ITER (hh, calls->goroutines, goroutine, next) {
		struct frame *inner = NULL;
		for (struct frame *frame = goroutine->top, *outer; frame; frame = outer) {
			outer = frame_outer(frame);
			if (!calls_state(calls, frame->call.func).off_ns) {
				inner = frame;
				continue;
			}
			frame_pass_marks(frame);
			if (inner)
				inner->call.parent = frame->call.parent;
			else
				goroutine_pop(calls, goroutine);
			frame_end(calls, frame, NULL, CALL_DETACHED, now_ns);
		}
	}
}

void calls_visit(struct calls *calls, void (*visit)(void *context, struct call *call),
		 void *context)
{
	struct goroutine *goroutine, *next;
	HASH_ITER (hh, calls->goroutines, goroutine, next)
		for (struct frame *frame = goroutine->top; frame; frame = frame_outer(frame))
			if (!frame->is_silent)
				visit(context, &frame->call);
}

// How a frame ends at the end of the trace. is_busy: a call further in is still under way, so a
// Goexit around it is not finished either.
static enum call_how unfinished_how(const struct frame *frame, bool target_died, bool is_busy)
{
	if (frame->is_leaving && !is_busy)
		return CALL_GOEXIT;
	if (target_died && frame->panic_distance && !frame->is_panic_over)
		return CALL_PANICKED;
	return CALL_DETACHED;
}

void calls_finish(struct calls *calls, uint64_t now_ns, bool target_died)
{
	struct goroutine *goroutine, *next;
	HASH_ITER (hh, calls->goroutines, goroutine, next) {
		bool is_busy = false;
		while (goroutine->top) {
			struct frame *frame = goroutine->top;
			enum call_how how = unfinished_how(frame, target_died, is_busy);
			if (how == CALL_DETACHED)
				is_busy = true;
			else
				frame_pass_marks(frame);
			goroutine_pop(calls, goroutine);
			frame_end(calls, frame, NULL, how,
				  how == CALL_DETACHED ? now_ns : goroutine->last_ns);
		}
	}
}

void calls_stats(const struct calls *calls, struct calls_stats *out)
{
	*out = calls->stats;
}
