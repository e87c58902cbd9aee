// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's side of the eBPF back end: what runs at each probe. One program for all probes, whose number
// is the uprobe's cookie; it makes a record (bpf/engine/capture.h) and puts it into one ring buffer.
//
// A uprobe program can be preempted, and another task can run it on the same CPU meanwhile, so a record is built
// in a slot that a flag marks as taken, with preemption off where the kernel can do that.
#include "bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/wire.h"

char LICENSE[] SEC("license") = "GPL";

enum { SLOTS = 8, DYNAMICS_MAX = 65536 };

const volatile struct wire_settings settings = {0};
const volatile struct wire_stack_settings stacks = {0};
const volatile bool has_budgets = false;    // calls are left out, by table budgets
const volatile bool has_conditions = false; // or by their values, by table conditions
const volatile bool has_depth = false;	    // some condition asks how many calls are under way
const volatile wire_u32 namespace_inum = 0; // for find_target: the PID namespace and the PID in it
const volatile wire_u32 namespace_pid = 0;

// Written by user space while the probes are armed.
wire_u32 target_tgid = 0; // in the initial PID namespace
wire_u64 only_goid = 0;	  // records of this goroutine alone; 0: of all
wire_u32 num_within = 0;  // groups of functions that calls are to be made within
struct wire_recovery recovery = {0};
wire_u32 are_frames_full = 0;

// Which of the programs that the process has executed is traced: that of the first hit. 0: none yet.
wire_u64 target_exec = 0;
wire_u32 is_replaced = 0; // another one was met

// Events lost since loading, of all functions.
wire_u64 lost_buffer = 0;
wire_u64 lost_scratch = 0;
struct wire_losses losses = {0};

// The plan's tables. Their sizes are set before loading; user space writes them through mmap.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_probe);
} probes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_piece);
} pieces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_type);
} types SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_edge);
} edges SEC(".maps");

// The events lost of each function.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, wire_u64);
} lost SEC(".maps");

// A type descriptor's run-time address -> the type of what an interface of it points at.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DYNAMICS_MAX);
	__type(key, wire_u64);
	__type(value, wire_u32);
} dynamics SEC(".maps");

// By function.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_budget);
} budgets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_op);
} ops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_literal);
} literals SEC(".maps");

// By function.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_condition);
} conditions SEC(".maps");

// The stacks whose words user space has.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, wire_u64);
	__type(value, wire_u32);
} known_stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

// --- What the capture engine needs -------------------------------------------------------------

struct host {
};

static inline const struct wire_settings *host_settings(const struct host *host)
{
	(void)host;
	const struct wire_settings *known = (const struct wire_settings *)&settings;
	asm volatile("" : "+r"(known)); // its contents are not the compiler's to know
	return known;
}

static inline int host_read(const struct host *host, void *dst, wire_u64 len, wire_u64 addr)
{
	(void)host;
	// Verifiers up to 6.1 forget a bound that was checked before the value went to the stack.
	if (!__builtin_constant_p(len)) {
		asm volatile("" : "+r"(len));
		if (len > WIRE_BLOCK_MAX)
			return -1;
	}
	return bpf_probe_read_user(dst, len, (const void *)addr);
}

static inline void host_repeat(wire_u32 num, long (*step)(wire_u32 i, void *context), void *context)
{
	bpf_loop(num, step, context, 0);
}

static inline const struct wire_piece *host_piece(const struct host *host, wire_u32 i)
{
	(void)host;
	return bpf_map_lookup_elem(&pieces, &i);
}

static inline const struct wire_type *host_type(const struct host *host, wire_u32 i)
{
	(void)host;
	return bpf_map_lookup_elem(&types, &i);
}

static inline const struct wire_edge *host_edge(const struct host *host, wire_u32 i)
{
	(void)host;
	return bpf_map_lookup_elem(&edges, &i);
}

static inline wire_u32 host_dynamic(const struct host *host, wire_u64 rtype)
{
	(void)host;
	const wire_u32 *type = bpf_map_lookup_elem(&dynamics, &rtype);
	return type ? *type : WIRE_NO_TYPE;
}

#include "bpf/engine/capture.h"
#include "bpf/engine/hash.h"

// --- Budgets -----------------------------------------------------------------------------------

struct call_key;

static inline int host_follow(const struct host *host, const struct call_key *key,
			      wire_u64 time_ns);
static inline bool host_unfollow(const struct host *host, const struct call_key *key);

#include "bpf/engine/budget.h"

// The calls under way that were taken, and when they began.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct call_key);
	__type(value, wire_u64);
} followed SEC(".maps");

static inline int host_follow(const struct host *host, const struct call_key *key, wire_u64 time_ns)
{
	(void)host;
	return (int)bpf_map_update_elem(&followed, key, &time_ns, BPF_ANY);
}

static inline bool host_unfollow(const struct host *host, const struct call_key *key)
{
	(void)host;
	return !bpf_map_delete_elem(&followed, key);
}

// --- Stacks ------------------------------------------------------------------------------------

static inline const struct wire_stack_settings *host_stack_settings(const struct host *host)
{
	(void)host;
	const struct wire_stack_settings *known = (const struct wire_stack_settings *)&stacks;
	asm volatile("" : "+r"(known)); // its contents are not the compiler's to know
	return known;
}

static inline bool host_knows_stack(const struct host *host, wire_u64 number)
{
	(void)host;
	return bpf_map_lookup_elem(&known_stacks, &number);
}

#include "bpf/engine/stack.h"

// --- Conditions --------------------------------------------------------------------------------

static inline const struct wire_op *host_op(const struct host *host, wire_u32 i)
{
	(void)host;
	return bpf_map_lookup_elem(&ops, &i);
}

static inline const struct wire_literal *host_literal(const struct host *host, wire_u32 i)
{
	(void)host;
	return bpf_map_lookup_elem(&literals, &i);
}

#include "bpf/engine/expr.h"

// --- Calls under way ---------------------------------------------------------------------------

struct call_key;
struct call;

static inline int host_call_put(const struct host *host, const struct call_key *key,
				const struct call *call);
static inline struct call *host_call_find(const struct host *host, const struct call_key *key);
static inline void host_call_drop(const struct host *host, const struct call_key *key);
static inline int host_within_put(const struct host *host, wire_u64 goid, wire_u64 distance);
static inline const wire_u64 *host_within_find(const struct host *host, wire_u64 goid);
static inline void host_within_drop(const struct host *host, wire_u64 goid);

static inline const struct wire_recovery *host_recovery(const struct host *host)
{
	(void)host;
	return &recovery;
}

static inline wire_u32 host_num_groups(const struct host *host)
{
	(void)host;
	return *(volatile wire_u32 *)&num_within;
}

struct frame_key;
struct frame;

static inline int host_nest_put(const struct host *host, const struct frame_key *key,
				const struct frame *frame);
static inline struct frame *host_nest_find(const struct host *host, const struct frame_key *key);
static inline void host_nest_drop(const struct host *host, const struct frame_key *key);
static inline void host_calls_gone(const struct host *host, wire_u64 goid, wire_u64 from);

static inline wire_u32 *host_nests_full(const struct host *host)
{
	(void)host;
	return &are_frames_full;
}

#include "bpf/engine/frames.h"

// Traced calls under way, and the goroutines that have some.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct frame_key);
	__type(value, struct frame);
} frames SEC(".maps");

static inline int host_nest_put(const struct host *host, const struct frame_key *key,
				const struct frame *frame)
{
	(void)host;
	return (int)bpf_map_update_elem(&frames, key, frame, BPF_ANY);
}

static inline struct frame *host_nest_find(const struct host *host, const struct frame_key *key)
{
	(void)host;
	return bpf_map_lookup_elem(&frames, key);
}

static inline void host_nest_drop(const struct host *host, const struct frame_key *key)
{
	(void)host;
	bpf_map_delete_elem(&frames, key);
}

// --- Scratch -----------------------------------------------------------------------------------

struct slot {
	wire_u32 is_taken;
	wire_u32 pad;
	struct expr expr;
	struct stack_walk walk;
	struct call call; // that is counted
	struct hash hash; // of a string in its key
	struct capture capture;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, wire_u32);
	__type(value, struct slot);
} slots SEC(".maps");

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

static inline struct slot *slot_take(void)
{
#pragma clang loop unroll(disable)
	for (wire_u32 i = 0; i < SLOTS; i++) {
		wire_u32 key = i;
		struct slot *slot = bpf_map_lookup_elem(&slots, &key);
		if (slot && !__sync_val_compare_and_swap(&slot->is_taken, 0, 1))
			return slot;
	}
	return NULL;
}

static inline void slot_give(struct slot *slot)
{
	asm volatile("" ::: "memory");
	*(volatile wire_u32 *)&slot->is_taken = 0;
}

// --- The program -------------------------------------------------------------------------------

static inline wire_u64 find_g(const struct pt_regs *regs, const struct wire_probe *probe)
{
	if (!(probe->flags & WIRE_G_IN_TLS))
		return regs->r14;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	wire_u64 g = 0;
	wire_u64 place = task->thread.fsbase + (wire_s32)host_settings(NULL)->tls_g;
	return bpf_probe_read_user(&g, sizeof(g), (const void *)place) ? 0 : g;
}

// A function of its own: what it needs of the stack is given back before the walk, and all is 512 bytes.
static __noinline bool find_goroutine(wire_u64 g, wire_u64 sp, struct capture_goroutine *out)
{
	return capture_goroutine(NULL, g, sp, out);
}

struct hit {
	wire_u32 probe;
	wire_u32 tid;
	wire_u64 time_ns;
	const struct capture_goroutine *goroutine; // NULL: not known
	wire_u64 g;				   // where its runtime.g is
	wire_u16 flags;				   // enum wire_record_flags
	wire_u32 depth; // at an entry: traced calls under way with this one; 0: not known
};

static inline void count_lost(const struct wire_probe *probe, const struct hit *hit,
			      wire_u64 *total)
{
	wire_u32 func = probe->func;
	wire_u64 *count = bpf_map_lookup_elem(&lost, &func);
	if (count)
		__sync_fetch_and_add(count, 1);
	__sync_fetch_and_add(total, 1);
	wire_u64 goid = hit->goroutine ? hit->goroutine->goid : 0;
	__sync_fetch_and_add(capture_losses(&losses, goid, hit->tid), 1);
	__sync_fetch_and_add(&losses.all, 1);
}

// A record without a frame: built where it is read.
static inline void emit_head(const struct wire_probe *probe, const struct hit *hit)
{
	struct wire_record *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	if (!record) {
		count_lost(probe, hit, &lost_buffer);
		return;
	}
	capture_head(record, hit->probe, hit->tid, hit->time_ns, hit->goroutine, &losses);
	record->flags |= hit->flags;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static inline void copy_regs(struct capture_regs *out, const struct pt_regs *regs)
{
	out->ints[0] = regs->ax;
	out->ints[1] = regs->bx;
	out->ints[2] = regs->cx;
	out->ints[3] = regs->di;
	out->ints[4] = regs->si;
	out->ints[5] = regs->r8;
	out->ints[6] = regs->r9;
	out->ints[7] = regs->r10;
	out->ints[8] = regs->r11;
	out->ints[9] = regs->dx;
	out->sp = regs->sp;
}

static __always_inline bool wants_stack(const struct wire_probe *probe)
{
	return (stacks.max || stacks.has_creator) && probe->kind == WIRE_PROBE_ENTRY;
}

// A function of its own, for its share of the stack.
static __noinline wire_u64 add_stack(struct slot *slot, wire_u64 bp, const struct hit *hit)
{
	if (stacks.has_creator && hit->goroutine && hit->goroutine->goid)
		stack_creator(&slot->capture, hit->g);
	return stacks.max ? stack_append(&slot->walk, &slot->capture, bp, hit->goroutine) : 0;
}

// The record of a hit, in a slot; the number of its stack.
static __always_inline wire_u64 fill_record(struct slot *slot, const struct pt_regs *regs,
					    const struct wire_probe *probe, const struct hit *hit)
{
	struct capture *c = &slot->capture;
	capture_head(&c->record, hit->probe, hit->tid, hit->time_ns, hit->goroutine, &losses);
	copy_regs(&c->regs, regs);
	if (probe->num_pieces)
		capture_walk(c, probe);
	else
		c->write_at = sizeof(c->record);
	return wants_stack(probe) ? add_stack(slot, regs->bp, hit) : 0;
}

static inline void emit_walk(const struct pt_regs *regs, const struct wire_probe *probe,
			     const struct hit *hit)
{
	struct slot *slot = slot_take();
	if (!slot) {
		count_lost(probe, hit, &lost_scratch);
		return;
	}
	struct capture *c = &slot->capture;
	c->room = 0;
	wire_u64 stack = fill_record(slot, regs, probe, hit);
	wire_u64 size = c->record.size;
	asm volatile("" : "+r"(size));
	long err = -1;
	if (size <= WIRE_RECORD_MAX + sizeof(struct wire_block) + WIRE_BLOCK_MAX)
		err = bpf_ringbuf_output(&events, &c->record, size, BPF_RB_NO_WAKEUP);
	slot_give(slot);
	wire_u32 known = 1;
	if (err)
		count_lost(probe, hit, &lost_buffer);
	else if (stack)
		bpf_map_update_elem(&known_stacks, &stack, &known, BPF_ANY);
}

#include "bpf/condition.h"

// A program that executes its own file again meets the same probes before user space can take them off: its calls
// would be taken for ones made by the program before.
static __always_inline bool is_another_program(void)
{
	wire_u64 exec = bpf_get_current_task_btf()->self_exec_id;
	if (!target_exec)
		target_exec = exec;
	if (exec == target_exec)
		return false;
	is_replaced = 1;
	return true;
}

// NULL: all of the function's calls are taken.
static __always_inline struct wire_budget *find_budget(const struct wire_probe *probe)
{
	wire_u32 func = probe->func;
	return has_budgets && budget_is_about(probe) ? bpf_map_lookup_elem(&budgets, &func) : NULL;
}

// A function of its own, for its share of the stack.
static __noinline bool follow(struct wire_budget *budget, const struct wire_probe *probe,
			      const struct hit *hit, bool is_taken)
{
	return budget_follows(NULL, budget, probe, hit->goroutine, hit->tid, hit->time_ns,
			      is_taken);
}

// True: it is no event.
static __noinline bool note(const struct pt_regs *regs, const struct wire_probe *probe,
			    const struct hit *hit)
{
	wire_u32 func = probe->func;
	struct wire_condition *condition = bpf_map_lookup_elem(&conditions, &func);
	struct frames_hit at = frames_hit(regs, probe, hit);
	if (frames_note(NULL, &at, condition ? condition->within : 0) && condition)
		__sync_fetch_and_add(&condition->crowded, 1);
	return probe->kind >= WIRE_PROBE_BEGIN;
}

// How many traced calls are under way, at an entry.
static __noinline wire_u32 track(const struct pt_regs *regs, const struct wire_probe *probe,
				 const struct hit *hit, const struct wire_budget *budget)
{
	struct frames_hit at = frames_hit(regs, probe, hit);
	if (!hit->goroutine)
		return 0;
	if (probe->kind == WIRE_PROBE_ENTRY)
		return frames_enter(NULL, &at, budget->flags & WIRE_BUDGET_FOLLOW);
	frames_leave(NULL, &at);
	return 0;
}

static __noinline int take_hit(struct pt_regs *regs)
{
	wire_u64 cookie = bpf_get_attach_cookie(regs);
	wire_u32 number = (wire_u32)cookie;
	const struct wire_probe *probe = bpf_map_lookup_elem(&probes, &number);
	if (!probe || probe->arming != cookie >> 32 || capture_skips(probe, regs->flags))
		return 0;
	wire_u64 ids = bpf_get_current_pid_tgid();
	if (ids >> 32 != target_tgid || (probe->flags & WIRE_DISABLED) || is_another_program())
		return 0;
	struct hit hit = {.probe = number, .tid = (wire_u32)ids};
	struct wire_budget *budget = find_budget(probe);
	struct wire_condition *condition = find_condition(probe);
	bool is_alone = condition_is_alone(condition, budget, probe);
	if (!is_alone || (budget && budget->interval_ns))
		hit.time_ns = bpf_ktime_get_ns();
	bool is_taken = true, decides_first = budget && !only_goid;
	if (decides_first && !(is_taken = budget_admits(budget, probe, hit.time_ns)) &&
	    !(budget->flags & WIRE_BUDGET_FOLLOW))
		return 0;
	if (is_alone && !condition_admits(condition, regs, probe, &hit))
		return 0;
	if (!hit.time_ns)
		hit.time_ns = bpf_ktime_get_ns();
	struct capture_goroutine goroutine = {0};
	hit.g = find_g(regs, probe);
	bool known = find_goroutine(hit.g, regs->sp, &goroutine);
	hit.goroutine = known ? &goroutine : NULL;
	if (has_conditions && probe->kind > WIRE_PROBE_TAIL && note(regs, probe, &hit))
		return 0;
	if (has_depth && budget)
		hit.depth = track(regs, probe, &hit, budget);
	if (only_goid && !(probe->flags & WIRE_ANY_GOROUTINE) &&
	    (!known || goroutine.goid != only_goid))
		return 0;
	if (budget && !decides_first)
		is_taken = budget_admits(budget, probe, hit.time_ns);
	if (condition && !is_alone && is_taken && probe->kind == WIRE_PROBE_ENTRY)
		is_taken = condition_admits(condition, regs, probe, &hit);
	bool is_held = condition && condition->num_return;
	if (budget && !is_held && !follow(budget, probe, &hit, is_taken))
		return 0;
	if (budget && budget->level)
		hit.flags = WIRE_BARE;
	if (is_held && !condition_settles(condition, regs, probe, &hit, is_taken))
		return 0;
	if ((probe->num_pieces || wants_stack(probe)) && !hit.flags)
		emit_walk(regs, probe, &hit);
	else
		emit_head(probe, &hit);
	return 0;
}

// Kernels from 6.13 on keep a program's stack in memory of the CPU, not of the task: of two hits on one CPU, the one
// that was preempted goes on with the other's variables and pointers, and writes to where they lead. So
// preemption is off before the first byte of the stack is used, and this function uses none. Kernels that cannot
// do that (before 6.10) have the stack on the task's.
SEC("uprobe")
int gotrace_hit(struct pt_regs *regs)
{
	bool can_stay = bpf_ksym_exists(bpf_preempt_disable) && bpf_ksym_exists(bpf_preempt_enable);
	if (can_stay)
		bpf_preempt_disable();
	take_hit(regs);
	if (can_stay)
		bpf_preempt_enable();
	return 0;
}

#include "bpf/aggregate_program.h"

// Runs once, for a tracer that is not in the initial PID namespace: finds the target's number there.
SEC("iter/task")
int find_target(struct bpf_iter__task *iter)
{
	enum { LEVELS = 32 };
	struct task_struct *task = iter->task;
	if (!task || task->group_leader != task)
		return 0;
	struct pid *pid = task->thread_pid;
	if (!pid)
		return 0;
	for (wire_u32 i = 0; i < LEVELS && i <= BPF_CORE_READ(pid, level); i++) {
		struct upid upid;
		if (bpf_core_read(&upid, sizeof(upid), &pid->numbers[i]))
			break;
		if (upid.nr == (int)namespace_pid &&
		    BPF_CORE_READ(upid.ns, ns.inum) == namespace_inum)
			target_tgid = task->tgid;
	}
	return 0;
}
