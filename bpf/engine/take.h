// SPDX-License-Identifier: GPL-2.0-or-later
// What happens at a hit: the engine checks whether the hit is selected, whether its condition is
// true and whether its call is followed, and then counts or records it. All decisions are made
// here, for every host (bpf/engine/host.h).
//
// If the entry can decide, it does so before the call is followed. If the return decides, the
// entry's record is held until then: both are recorded, or neither is. For such a call, the table
// of held entries replaces the table of followed calls.
#ifndef GOTRACE_BPF_ENGINE_TAKE_H
#define GOTRACE_BPF_ENGINE_TAKE_H

#include "bpf/engine/budget.h"
#include "bpf/engine/count.h"

// Bytes that a held record keeps free for the stack and creator blocks, which come last.
enum { HELD_STACK = 2 * sizeof(struct wire_block) + (WIRE_STACK_MAX + 2) * sizeof(wire_u64) };

CAPTURE_APART bool take_goroutine(const struct host *host, wire_u64 g, wire_u64 sp,
				  struct capture_goroutine *out)
{
	return capture_goroutine(host, g, sp, out);
}

CAPTURE_INLINE void take_find_goroutine(const struct host *host, struct hit *hit)
{
	hit->g = host_g(host, hit->regs, hit->probe);
	hit->is_known = take_goroutine(host, hit->g, host_sp(hit->regs), &hit->goroutine);
}

CAPTURE_INLINE void take_lost(const struct host *host, const struct hit *hit, enum wire_loss where)
{
	struct wire_losses *losses = host_losses(host);
	wire_u64 goid = hit->is_known ? hit->goroutine.goid : 0;
	__sync_fetch_and_add(capture_losses(losses, goid, hit->tid), 1);
	__sync_fetch_and_add(&losses->all, 1);
	host_lost(host, hit->probe, where);
}

/** True if one goroutine is selected and the hit is of another one. */
CAPTURE_INLINE bool take_is_foreign(const struct host *host, const struct hit *hit)
{
	wire_u64 only = host_only_goid(host);
	return only && !(hit->probe->flags & WIRE_ANY_GOROUTINE) &&
	       (!hit->is_known || hit->goroutine.goid != only);
}

// NULL if all of the function's calls are admitted.
CAPTURE_INLINE struct wire_budget *take_budget(const struct host *host,
					       const struct wire_probe *probe)
{
	return budget_is_about(probe) ? host_budget(host, probe->func) : NULL;
}

// NULL if the function has no condition.
CAPTURE_INLINE struct wire_condition *take_condition(const struct host *host,
						     const struct wire_probe *probe)
{
	if (!host_has_conditions(host) || !budget_is_about(probe))
		return NULL;
	struct wire_condition *condition = host_condition(host, probe->func);
	bool has_any =
		condition && (condition->num_entry + condition->num_return || condition->within);
	return has_any ? condition : NULL;
}

// Processes a hit of a kind from WIRE_PROBE_PANIC on. If there is no room for a BEGIN, calls made
// within the function are missed.
CAPTURE_APART void take_note(const struct host *host, const struct hit *hit)
{
	struct wire_condition *condition = host_condition(host, hit->probe->func);
	if (calls_note(host, hit, condition ? condition->within : 0) && condition)
		__sync_fetch_and_add(&condition->crowded, 1);
}

// The same for counts.
CAPTURE_APART void take_note_groups(const struct host *host, const struct hit *hit, wire_u32 group)
{
	if (calls_note_groups(host, hit, group))
		count_add(&host_count_lost(host)->active, 1);
}

// Updates the nesting of traced calls. At an entry, returns how many are under way; 0 if not known.
CAPTURE_APART wire_u32 take_depth(const struct host *host, const struct hit *hit,
				  const struct wire_budget *budget)
{
	if (!hit->is_known)
		return 0;
	if (hit->probe->kind == WIRE_PROBE_ENTRY)
		return calls_enter(host, hit, budget->flags & WIRE_BUDGET_FOLLOW);
	calls_leave(host, hit);
	return 0;
}

// --- Conditions ----------------------------------------------------------------------------------

// True if only values at the entry decide. The condition is then checked first: the time and the
// goroutine, whose reads cost as much as the condition, are needed only if it is true.
CAPTURE_INLINE bool take_is_alone(const struct host *host, const struct wire_condition *condition,
				  const struct wire_budget *budget, const struct wire_probe *probe)
{
	return condition && !host_only_goid(host) && !host_has_depth(host) &&
	       probe->kind == WIRE_PROBE_ENTRY &&
	       !(condition->num_return | condition->within | condition->asks_goroutine) &&
	       !(budget && budget->flags & WIRE_BUDGET_FOLLOW);
}

CAPTURE_INLINE struct expr_hit take_about(const struct hit *hit)
{
	return (struct expr_hit){
		.goid = hit->is_known ? hit->goroutine.goid : EXPR_NO_GOID,
		.tid = hit->tid,
		.depth = hit->depth,
	};
}

// Runs a program. about->is_blind is set if something could not be read, else cleared.
CAPTURE_APART bool take_run(struct slot *slot, const struct host_regs *regs, wire_u32 first,
			    wire_u32 num, struct expr_hit *about)
{
	bool failed = false;
	host_copy_regs(regs, &slot->capture.regs);
	bool holds = expr_run(&slot->expr, &slot->capture, first, num, about, &failed);
	about->is_blind = failed;
	return holds;
}

// False if no function that --within names is active, or if that is not known.
CAPTURE_APART bool take_within(const struct host *host, struct wire_condition *condition,
			       const struct hit *hit)
{
	if (hit->is_known)
		return calls_within(host, hit, condition->within);
	__sync_fetch_and_add(&condition->unreadable, 1);
	return false;
}

CAPTURE_APART bool take_admits(const struct host *host, struct wire_condition *condition,
			       const struct hit *hit)
{
	if (condition->within && !take_within(host, condition, hit))
		return false;
	if (!condition->num_entry)
		return true;
	struct slot *slot = host_slot_take(host);
	if (!slot) {
		take_lost(host, hit, WIRE_LOST_SCRATCH);
		return false;
	}
	struct expr_hit about = take_about(hit);
	bool holds = take_run(slot, hit->regs, condition->entry_op, condition->num_entry, &about);
	host_slot_give(host, slot);
	if (about.is_blind)
		__sync_fetch_and_add(&condition->unreadable, 1);
	return holds;
}

// --- Records -------------------------------------------------------------------------------------

CAPTURE_INLINE bool take_wants_stack(const struct host *host, const struct wire_probe *probe)
{
	const struct wire_stack_settings *stacks = host_stack_settings(host);
	return (stacks->max || stacks->has_creator) && probe->kind == WIRE_PROBE_ENTRY;
}

CAPTURE_APART wire_u64 take_stack(const struct host *host, struct slot *slot, const struct hit *hit)
{
	const struct wire_stack_settings *stacks = host_stack_settings(host);
	if (stacks->has_creator && hit->is_known && hit->goroutine.goid)
		stack_creator(&slot->capture, hit->g);
	return stacks->max
		       ? stack_append(&slot->walk, &slot->capture, hit->regs, hit_goroutine(hit))
		       : 0;
}

CAPTURE_INLINE void take_begin(const struct host *host, const struct hit *hit,
			       struct wire_record *record)
{
	capture_head(record, hit->target, hit->number, hit->tid, hit->time_ns, hit_goroutine(hit),
		     host_losses(host));
	record->flags |= hit->flags;
}

// Fills a slot's record with the frame block and all blocks that it leads to. Returns what
// stack_append() does.
CAPTURE_INLINE wire_u64 take_fill(const struct host *host, struct slot *slot, const struct hit *hit)
{
	struct capture *c = &slot->capture;
	take_begin(host, hit, &c->record);
	host_copy_regs(hit->regs, &c->regs);
	if (hit->probe->num_pieces)
		capture_walk(c, hit->probe);
	else
		c->write_at = sizeof(c->record);
	if (host_has_floats(host))
		c->record.flags |= WIRE_FLOATS;
	return take_wants_stack(host, hit->probe) ? take_stack(host, slot, hit) : 0;
}

// Makes a record without blocks, directly in the buffer.
CAPTURE_INLINE void take_head(const struct host *host, const struct hit *hit)
{
	struct wire_record *record = host_reserve(host);
	if (!record) {
		take_lost(host, hit, WIRE_LOST_BUFFER);
		return;
	}
	take_begin(host, hit, record);
	if (host_submit(host, record))
		take_lost(host, hit, WIRE_LOST_BUFFER);
}

CAPTURE_APART void take_walk(const struct host *host, const struct hit *hit)
{
	struct slot *slot = host_slot_take(host);
	if (!slot) {
		take_lost(host, hit, WIRE_LOST_SCRATCH);
		return;
	}
	struct capture *c = &slot->capture;
	c->room = 0;
	wire_u64 stack = take_fill(host, slot, hit);
	wire_u64 size = c->record.size;
	CAPTURE_HIDE(size);
	int failed = -1;
	if (size <= WIRE_RECORD_MAX + sizeof(struct wire_block) + WIRE_BLOCK_MAX)
		failed = host_output(host, &c->record, size);
	host_slot_give(host, slot);
	if (failed)
		take_lost(host, hit, WIRE_LOST_BUFFER);
	else if (stack)
		host_learn_stack(host, stack);
}

CAPTURE_INLINE void take_record(const struct host *host, const struct hit *hit)
{
	if ((hit->probe->num_pieces || take_wants_stack(host, hit->probe)) &&
	    !(hit->flags & WIRE_BARE))
		take_walk(host, hit);
	else
		take_head(host, hit);
}

// --- Held entries --------------------------------------------------------------------------------

// Makes an entry's record in a slot and holds it, if the program at entry admits the call. False if
// it does not.
CAPTURE_INLINE bool take_keep(const struct host *host, struct slot *slot,
			      struct wire_condition *condition, const struct hit *hit,
			      const struct wire_call_key *key)
{
	struct capture *c = &slot->capture;
	c->kept.valid = 0;
	struct expr_hit about = take_about(hit);
	if (condition->num_entry &&
	    !take_run(slot, hit->regs, condition->entry_op, condition->num_entry, &about)) {
		if (about.is_blind)
			__sync_fetch_and_add(&condition->unreadable, 1);
		return false;
	}
	c->room = WIRE_HELD_MAX - HELD_STACK;
	if (hit->flags & WIRE_BARE)
		take_begin(host, hit, &c->record);
	else // a held stack is not marked as known, because the record may be dropped
		take_fill(host, slot, hit);
	c->held_ns = hit->time_ns;
	if (c->record.size > WIRE_HELD_MAX ||
	    host_held_put(host, key, (const struct wire_held *)&c->held_ns))
		__sync_fetch_and_add(&condition->crowded, 1);
	return true;
}

// Holds an entry whose return decides. An older entry that is held for the same key is dropped: its
// call has ended without a return.
CAPTURE_APART void take_hold(const struct host *host, struct wire_condition *condition,
			     const struct hit *hit, bool is_taken)
{
	struct wire_call_key key = hit_call(hit);
	struct slot *slot = NULL;
	is_taken = is_taken && (!condition->within || take_within(host, condition, hit));
	if (is_taken) {
		slot = host_slot_take(host);
		if (!slot)
			take_lost(host, hit, WIRE_LOST_SCRATCH);
	}
	if (slot) {
		is_taken = take_keep(host, slot, condition, hit, &key);
		host_slot_give(host, slot);
	}
	if (!slot || !is_taken)
		host_held_drop(host, &key);
}

// Decides at a return. If the condition is true, outputs the held entry. True if the caller is to
// record the return too.
CAPTURE_APART bool take_settle(const struct host *host, struct wire_condition *condition,
			       const struct hit *hit)
{
	struct wire_call_key key = hit_call(hit);
	struct wire_held *entry = host_held_find(host, &key);
	struct slot *slot = entry ? host_slot_take(host) : NULL;
	if (!slot) {
		if (entry)
			take_lost(host, hit, WIRE_LOST_SCRATCH);
		return false;
	}
	struct wire_record *record = (struct wire_record *)entry->record;
	struct expr_hit about = take_about(hit);
	about.duration = hit->time_ns - entry->time_ns;
	about.is_blind = hit->probe->kind != WIRE_PROBE_RETURN;
	slot->capture.kept = entry->kept;
	bool holds = take_run(slot, hit->regs, condition->return_op, condition->num_return, &about);
	host_slot_give(host, slot);
	if (about.is_blind)
		__sync_fetch_and_add(&condition->unreadable, 1);
	wire_u64 size = record->size;
	CAPTURE_HIDE(size);
	capture_count_losses(record, host_losses(host)); // as of now, when the record is output
	if (holds && size <= WIRE_HELD_MAX && host_output(host, record, size)) {
		take_lost(host, hit, WIRE_LOST_BUFFER);
		holds = false;
	}
	host_held_drop(host, &key);
	return holds;
}

// --- The hit -------------------------------------------------------------------------------------

CAPTURE_INLINE void take_decided(const struct host *host, struct hit *hit,
				 struct wire_budget *budget, struct wire_condition *condition,
				 bool is_taken)
{
	bool is_held = condition && condition->num_return;
	if (is_held && !hit->is_known) { // entry and return could not be paired
		if (hit->probe->kind == WIRE_PROBE_ENTRY && is_taken)
			__sync_fetch_and_add(&condition->unreadable, 1);
		return;
	}
	if (budget)
		hit->flags = (budget->level ? WIRE_BARE : 0) |
			     (budget->flags & WIRE_BUDGET_FOLLOW ? 0 : WIRE_ALONE);
	if (is_held) {
		if (hit->probe->kind == WIRE_PROBE_ENTRY)
			take_hold(host, condition, hit, is_taken);
		else if (take_settle(host, condition, hit))
			take_record(host, hit);
		return;
	}
	if (budget && !budget_follows(host, budget, hit, is_taken))
		return;
	if (budget || is_taken)
		take_record(host, hit);
}

/** Processes a hit of a trace: records it, or updates the state that later hits need. The caller
 *  has filled in hit's regs, probe, number and tid. */
CAPTURE_INLINE void take_trace(const struct host *host, struct hit *hit)
{
	const struct wire_probe *probe = hit->probe;
	struct wire_budget *budget = take_budget(host, probe);
	struct wire_condition *condition = take_condition(host, probe);
	bool is_alone = take_is_alone(host, condition, budget, probe);
	if (!is_alone || (budget && budget->interval_ns))
		hit->time_ns = host_now_ns(host);
	bool is_taken = true, decides_first = budget && !host_only_goid(host);
	if (decides_first && !(is_taken = budget_admits(budget, probe, hit->time_ns)) &&
	    !(budget->flags & WIRE_BUDGET_FOLLOW))
		return;
	if (is_alone && !take_admits(host, condition, hit))
		return;
	if (!hit->time_ns)
		hit->time_ns = host_now_ns(host);
	take_find_goroutine(host, hit);
	if (host_has_conditions(host) && probe->kind > WIRE_PROBE_TAIL)
		take_note(host, hit);
	if (probe->kind >= WIRE_PROBE_BEGIN)
		return;
	if (host_has_depth(host) && budget)
		hit->depth = take_depth(host, hit, budget);
	if (take_is_foreign(host, hit))
		return;
	if (budget && !decides_first)
		is_taken = budget_admits(budget, probe, hit->time_ns);
	bool is_held = condition && condition->num_return;
	if (condition && !is_alone && !is_held && is_taken && probe->kind == WIRE_PROBE_ENTRY)
		is_taken = take_admits(host, condition, hit);
	take_decided(host, hit, budget, condition, is_taken);
}

/** Processes a hit of an aggregate. The caller has filled in the same members of hit. */
CAPTURE_INLINE void take_count(const struct host *host, struct hit *hit)
{
	const struct wire_aggregate_settings *settings = host_count_settings(host);
	const struct wire_probe *probe = hit->probe;
	const struct wire_aggregate *aggregate = host_aggregate(host, probe->func);
	if (!aggregate)
		return;
	wire_u32 has_groups = host_num_groups(host);
	bool has_goroutine = has_groups || host_only_goid(host);
	if (aggregate->flags == WIRE_AGGREGATE_COUNTED && !aggregate->num_entry &&
	    !settings->num_keys && !settings->has_buckets && !has_goroutine) {
		if (probe->kind == WIRE_PROBE_ENTRY)
			count_call(host, probe->func);
		return;
	}
	bool is_alone = probe->kind == WIRE_PROBE_ENTRY && !has_goroutine &&
			!(aggregate->flags & (WIRE_AGGREGATE_RETURNS | WIRE_AGGREGATE_GOROUTINE));
	if (!is_alone) {
		hit->time_ns = host_now_ns(host);
		take_find_goroutine(host, hit);
	}
	if (probe->kind > WIRE_PROBE_TAIL) {
		if (has_groups)
			take_note_groups(host, hit, aggregate->within);
		return;
	}
	if (take_is_foreign(host, hit))
		return;
	hit->slot = host_slot_take(host);
	if (!hit->slot) {
		count_add(&host_count_lost(host)->scratch, 1);
		return;
	}
	host_copy_regs(hit->regs, &hit->slot->capture.regs);
	count_take(host, hit, aggregate);
	host_slot_give(host, hit->slot);
}

#endif
