// SPDX-License-Identifier: GPL-2.0-or-later
// Conditions in the kernel: a part of gotrace.bpf.c. What an entry decides is decided before the call is followed; where
// the return has to decide, the entry's record is held until then, and both are told together or not at all. A
// call that is held is followed by that: table followed does not know it.
#ifndef GOTRACE_BPF_CONDITION_H
#define GOTRACE_BPF_CONDITION_H

// What a record keeps free for stack and creator, which come last.
enum { HELD_STACK = 2 * sizeof(struct wire_block) + (WIRE_STACK_MAX + 2) * sizeof(wire_u64) };

struct held { // as it stands in a slot: the record directly behind what is kept
	struct wire_kept kept;
	wire_u8 record[WIRE_HELD_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct call_key);
	__type(value, struct held);
} held SEC(".maps");

// How many calls are held, by goroutines: most panics leave none behind, and need not look for them.
enum { HELD_COUNTS = 1024, HELD_EXISTS = 17 }; // EEXIST
wire_u32 held_counts[HELD_COUNTS] = {0};

static __always_inline wire_u32 *held_count(wire_u64 goid)
{
	wire_u64 at = goid;
	CAPTURE_HIDE(at);
	return &held_counts[at & (HELD_COUNTS - 1)];
}

static __always_inline void held_drop(const struct call_key *key)
{
	if (!bpf_map_delete_elem(&held, key))
		__sync_fetch_and_add(held_count(key->goid), -1);
}

struct held_gone {
	wire_u64 goid, from;
};

struct bpf_map;

static long held_step(struct bpf_map *map, const struct call_key *key, struct held *entry,
		      void *context)
{
	(void)map;
	(void)entry;
	const struct held_gone *gone = context;
	if (key->goid == gone->goid && key->distance >= gone->from)
		held_drop(key);
	return 0;
}

static inline void host_calls_gone(const struct host *host, wire_u64 goid, wire_u64 from)
{
	(void)host;
	struct held_gone gone = {.goid = goid, .from = from};
	if (*(volatile wire_u32 *)held_count(goid))
		bpf_for_each_map_elem(&held, held_step, &gone, 0);
}

// NULL: all of the function's calls are wanted.
static __always_inline struct wire_condition *find_condition(const struct wire_probe *probe)
{
	wire_u32 func = probe->func;
	if (!has_conditions || !budget_is_about(probe))
		return NULL;
	struct wire_condition *condition = bpf_map_lookup_elem(&conditions, &func);
	bool has_any =
		condition && (condition->num_entry + condition->num_return || condition->within);
	return has_any ? condition : NULL;
}

// Nothing but values at the entry decides: where they do not hold, neither the time nor the goroutine is read, which
// cost as much as the condition.
static __always_inline bool condition_is_alone(const struct wire_condition *condition,
					       const struct wire_budget *budget,
					       const struct wire_probe *probe)
{
	return condition && !only_goid && !has_depth && probe->kind == WIRE_PROBE_ENTRY &&
	       !(condition->num_return | condition->within | condition->asks_goroutine) &&
	       !(budget && budget->flags & WIRE_BUDGET_FOLLOW);
}

static __always_inline struct frames_hit frames_hit(const struct pt_regs *regs,
						    const struct wire_probe *probe,
						    const struct hit *hit)
{
	return (struct frames_hit){
		.probe = probe,
		.goroutine = hit->goroutine,
		.first = regs->ax,
		.sp = regs->sp,
		.tid = hit->tid,
	};
}

// Functions of their own, for their share of the stack.

static __noinline bool condition_run(struct slot *slot, const struct pt_regs *regs, wire_u32 first,
				     wire_u32 num, struct expr_hit *hit)
{
	bool failed = false;
	copy_regs(&slot->capture.regs, regs);
	bool holds = expr_run(&slot->expr, &slot->capture, first, num, hit, &failed);
	hit->is_blind = failed; // told so
	return holds;
}

static __always_inline struct expr_hit condition_hit(const struct hit *hit)
{
	return (struct expr_hit){
		.goid = hit->goroutine ? hit->goroutine->goid : EXPR_NO_GOID,
		.tid = hit->tid,
		.depth = hit->depth,
	};
}

// False: the call is made elsewhere than it is to be, or that is not known.
static __noinline bool condition_is_within(struct wire_condition *condition,
					   const struct pt_regs *regs,
					   const struct wire_probe *probe, const struct hit *hit)
{
	struct frames_hit at = frames_hit(regs, probe, hit);
	bool is_known;
	bool holds = frames_within(NULL, &at, condition->within, &is_known);
	if (!is_known)
		__sync_fetch_and_add(&condition->unreadable, 1);
	return holds;
}

static __noinline bool condition_admits(struct wire_condition *condition,
					const struct pt_regs *regs, const struct wire_probe *probe,
					const struct hit *hit)
{
	if (condition->within && !condition_is_within(condition, regs, probe, hit))
		return false;
	if (condition->num_return && !hit->goroutine) { // its return would not be known
		__sync_fetch_and_add(&condition->unreadable, 1);
		return false;
	}
	if (!condition->num_entry)
		return true;
	struct slot *slot = slot_take();
	if (!slot) {
		count_lost(probe, hit, &lost_scratch);
		return false;
	}
	struct expr_hit about = condition_hit(hit);
	bool holds = condition_run(slot, regs, condition->entry_op, condition->num_entry, &about);
	slot_give(slot);
	if (about.is_blind)
		__sync_fetch_and_add(&condition->unreadable, 1);
	return holds;
}

static __always_inline struct call_key condition_key(const struct wire_probe *probe,
						     const struct hit *hit)
{
	return (struct call_key){
		.goid = wire_stack_key(hit->goroutine->goid, hit->goroutine->distance, hit->tid),
		.distance = hit->goroutine->distance,
		.func = probe->func,
	};
}

// Keeps the entry's record.
static __noinline void condition_hold(struct wire_condition *condition, const struct pt_regs *regs,
				      const struct wire_probe *probe, const struct hit *hit)
{
	struct call_key key = condition_key(probe, hit);
	struct slot *slot = slot_take();
	if (!slot) {
		held_drop(&key);
		count_lost(probe, hit, &lost_scratch);
		return;
	}
	struct capture *c = &slot->capture;
	if (condition->num_entry) {
		struct expr_hit about = condition_hit(hit);
		condition_run(slot, regs, condition->entry_op, condition->num_entry, &about);
	}
	c->room = WIRE_HELD_MAX - HELD_STACK;
	if (hit->flags) {
		capture_head(&c->record, hit->probe, hit->tid, hit->time_ns, hit->goroutine,
			     &losses);
		c->record.flags |= hit->flags;
	} else {
		fill_record(slot, regs, probe, hit);
	}
	long failed = -1;
	if (c->record.size <= WIRE_HELD_MAX)
		failed = bpf_map_update_elem(&held, &key, &c->kept, BPF_NOEXIST);
	if (!failed)
		__sync_fetch_and_add(held_count(key.goid), 1);
	else if (failed == -HELD_EXISTS) // a call that left without a return
		failed = bpf_map_update_elem(&held, &key, &c->kept, BPF_ANY);
	slot_give(slot);
	if (failed) {
		__sync_fetch_and_add(&condition->crowded, 1);
	}
}

// Decides at the return; the entry is told if it holds.
static __noinline bool condition_tell(struct wire_condition *condition, const struct pt_regs *regs,
				      const struct wire_probe *probe, const struct hit *hit)
{
	struct call_key key = condition_key(probe, hit);
	struct held *entry = bpf_map_lookup_elem(&held, &key);
	struct slot *slot = entry ? slot_take() : NULL;
	if (!slot) {
		if (entry)
			count_lost(probe, hit, &lost_scratch);
		return false;
	}
	struct wire_record *record = (struct wire_record *)entry->record;
	struct expr_hit about = condition_hit(hit);
	about.duration = hit->time_ns - record->time_ns;
	about.is_blind = probe->kind != WIRE_PROBE_RETURN;
	slot->capture.kept = entry->kept;
	bool holds = condition_run(slot, regs, condition->return_op, condition->num_return, &about);
	slot_give(slot);
	if (about.is_blind)
		__sync_fetch_and_add(&condition->unreadable, 1);
	wire_u64 size = record->size;
	asm volatile("" : "+r"(size));
	capture_count_losses(record, &losses); // it is told now
	if (holds && size <= WIRE_HELD_MAX &&
	    bpf_ringbuf_output(&events, entry->record, size, BPF_RB_NO_WAKEUP)) {
		count_lost(probe, hit, &lost_buffer);
		holds = false;
	}
	held_drop(&key);
	return holds;
}

// Another call was at its place, and left without a return.
static __noinline void condition_forget(const struct wire_probe *probe, const struct hit *hit)
{
	struct call_key key = condition_key(probe, hit);
	held_drop(&key);
}

// Of a function whose returns decide. True: the hit is to be told now.
static __always_inline bool condition_settles(struct wire_condition *condition,
					      const struct pt_regs *regs,
					      const struct wire_probe *probe, const struct hit *hit,
					      bool is_taken)
{
	if (!hit->goroutine)
		return false;
	if (probe->kind != WIRE_PROBE_ENTRY)
		return condition_tell(condition, regs, probe, hit);
	if (is_taken)
		condition_hold(condition, regs, probe, hit);
	else
		condition_forget(probe, hit);
	return false;
}

#endif
