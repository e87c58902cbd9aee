// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel side of the eBPF back end: the host's functions (bpf/engine/host.h), and the programs.
// One program serves all probes; a uprobe's cookie (wire_cookie()) has the probe's number.
// bpf/engine/take.h decides what happens at a hit.
//
// A uprobe program can be preempted, and another task can run it on the same CPU meanwhile. So a
// record is built in a slot that a flag marks as taken, and preemption is off if the kernel can do
// that.
#include "bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/engine/take.h"
#include "bpf/maps.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct wire_settings settings = {0};
const volatile struct wire_stack_settings stacks = {0};
const volatile struct wire_aggregate_settings aggregating = {0};
const volatile bool has_budgets = false;    // the table budgets is used
const volatile bool has_conditions = false; // the table conditions is used
const volatile bool has_depth = false;	    // some condition asks how many calls are under way
const volatile wire_u32 namespace_inum = 0; // for find_target: the PID namespace and the PID in it
const volatile wire_u32 namespace_pid = 0;

struct wire_state state = {0};
wire_u32 target_tgid = 0; // in the initial PID namespace
// self_exec_id of the traced program, that of the first hit; 0: none yet. It changes when the
// process executes another program.
wire_u64 target_exec = 0;
wire_u32 next_slot = 0; // the slot for the next new key

// How many entries are held, by goid modulo HELD_COUNTS. Few goroutines with a panic have any;
// for the others, the table need not be searched.
enum { HELD_COUNTS = 1024, HELD_EXISTS = 17 }; // EEXIST
wire_u32 held_counts[HELD_COUNTS] = {0};

// --- The host: the hit -------------------------------------------------------------------------

static inline wire_u64 host_now_ns(const struct host *host)
{
	(void)host;
	return bpf_ktime_get_ns();
}

CAPTURE_INLINE const struct pt_regs *pt_regs_of(const struct host_regs *regs)
{
	return (const struct pt_regs *)regs;
}

static inline void host_copy_regs(const struct host_regs *from, struct capture_regs *out)
{
	const struct pt_regs *regs = pt_regs_of(from);
#pragma unroll
	for (unsigned i = 0; i < CPU_INTS; i++)
		out->ints[i] = pt_regs_int(regs, i);
	out->sp = regs->sp;
}

static inline wire_u64 host_sp(const struct host_regs *regs)
{
	return pt_regs_of(regs)->sp;
}

static inline wire_u64 host_frame_pointer(const struct host_regs *regs)
{
	return pt_regs_of(regs)->fp;
}

static inline wire_u64 host_link(const struct host_regs *regs)
{
	return pt_regs_link(pt_regs_of(regs));
}

static inline wire_u64 host_first_arg(const struct host_regs *regs)
{
	return pt_regs_int(pt_regs_of(regs), 0);
}

static inline wire_u64 host_g(const struct host *host, const struct host_regs *regs,
			      const struct wire_probe *probe)
{
	if (!(probe->flags & WIRE_G_IN_TLS))
		return pt_regs_of(regs)->g;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	wire_u64 g = 0;
	wire_u64 place = task->thread.CPU_TLS + (wire_s32)host_settings(host)->tls_g;
	return bpf_probe_read_user(&g, sizeof(g), (const void *)place) ? 0 : g;
}

// struct pt_regs has no float registers.
static inline bool host_float(const struct host *host, wire_u8 reg, wire_u64 *value)
{
	(void)host;
	(void)reg;
	(void)value;
	return false;
}

static inline bool host_has_floats(const struct host *host)
{
	(void)host;
	return false;
}

// --- Memory and loops --------------------------------------------------------------------------

static inline int host_read(const struct host *host, void *dst, wire_u64 len, wire_u64 addr)
{
	(void)host;
	// Verifiers up to Linux 6.1 forget a bound that was checked before the value was spilled
	// to the stack.
	if (!__builtin_constant_p(len)) {
		CAPTURE_HIDE(len);
		if (len > WIRE_BLOCK_MAX)
			return -1;
	}
	return bpf_probe_read_user(dst, len, (const void *)addr);
}

static inline void host_copy(const struct host *host, void *dst, const void *src, wire_u64 len)
{
	(void)host;
	CAPTURE_HIDE(len);
	if (len <= sizeof(((struct wire_key_slot *)0)->text))
		bpf_probe_read_kernel(dst, len, src);
}

static inline void host_repeat(wire_u32 num, long (*step)(wire_u32 i, void *context), void *context)
{
	bpf_loop(num, step, context, 0);
}

// --- The plan's tables -------------------------------------------------------------------------

#define HOST_ENTRY(name, type, map)                                          \
	static inline type *host_##name(const struct host *host, wire_u32 i) \
	{                                                                    \
		(void)host;                                                  \
		return bpf_map_lookup_elem(&map, &i);                        \
	}

HOST_ENTRY(piece, const struct wire_piece, pieces)
HOST_ENTRY(type, const struct wire_type, types)
HOST_ENTRY(edge, const struct wire_edge, edges)
HOST_ENTRY(op, const struct wire_op, ops)
HOST_ENTRY(literal, const struct wire_literal, literals)
HOST_ENTRY(condition, struct wire_condition, conditions)
HOST_ENTRY(aggregate, const struct wire_aggregate, aggregates)
HOST_ENTRY(totals, struct wire_totals, totals)

// Hides the read-only data's initial values from the compiler: user space writes other values
// before the program is loaded.
#define HOST_SETTINGS(name, type, variable)                                   \
	static inline const struct type *host_##name(const struct host *host) \
	{                                                                     \
		(void)host;                                                   \
		const struct type *known = (const struct type *)&variable;    \
		CAPTURE_HIDE(known);                                          \
		return known;                                                 \
	}

HOST_SETTINGS(settings, wire_settings, settings)
HOST_SETTINGS(stack_settings, wire_stack_settings, stacks)
HOST_SETTINGS(count_settings, wire_aggregate_settings, aggregating)

static inline const struct wire_recovery *host_recovery(const struct host *host)
{
	(void)host;
	return &state.recovery;
}

static inline struct wire_budget *host_budget(const struct host *host, wire_u32 func)
{
	(void)host;
	return has_budgets ? bpf_map_lookup_elem(&budgets, &func) : NULL;
}

static inline wire_u32 host_dynamic(const struct host *host, wire_u64 rtype)
{
	(void)host;
	const wire_u32 *type = bpf_map_lookup_elem(&dynamics, &rtype);
	return type ? *type : WIRE_NO_TYPE;
}

static inline wire_u64 host_only_goid(const struct host *host)
{
	(void)host;
	return state.only_goid;
}

static inline bool host_has_depth(const struct host *host)
{
	(void)host;
	return has_depth;
}

static inline bool host_has_conditions(const struct host *host)
{
	(void)host;
	return has_conditions;
}

static inline wire_u32 host_num_groups(const struct host *host)
{
	(void)host;
	return *(volatile wire_u32 *)&state.num_within;
}

// --- Calls under way ---------------------------------------------------------------------------

static inline int host_follow(const struct host *host, const struct wire_call_key *key,
			      wire_u64 time_ns)
{
	(void)host;
	return (int)bpf_map_update_elem(&calls, key, &time_ns, BPF_ANY);
}

static inline bool host_unfollow(const struct host *host, const struct wire_call_key *key)
{
	(void)host;
	return !bpf_map_delete_elem(&calls, key);
}

static inline int host_call_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_call *call)
{
	(void)host;
	return (int)bpf_map_update_elem(&calls, key, call, BPF_ANY);
}

static inline struct wire_call *host_call_find(const struct host *host,
					       const struct wire_call_key *key)
{
	(void)host;
	return bpf_map_lookup_elem(&calls, key);
}

static inline void host_call_drop(const struct host *host, const struct wire_call_key *key)
{
	(void)host;
	bpf_map_delete_elem(&calls, key);
}

static __always_inline wire_u32 *held_count(wire_u64 goid)
{
	wire_u64 at = goid;
	CAPTURE_HIDE(at);
	return &held_counts[at & (HELD_COUNTS - 1)];
}

static inline int host_held_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_held *from)
{
	(void)host;
	long failed = bpf_map_update_elem(&held, key, from, BPF_NOEXIST);
	if (!failed)
		__sync_fetch_and_add(held_count(key->goid), 1);
	else if (failed == -HELD_EXISTS) // of a call that ended without a return
		failed = bpf_map_update_elem(&held, key, from, BPF_ANY);
	return (int)failed;
}

static inline struct wire_held *host_held_find(const struct host *host,
					       const struct wire_call_key *key)
{
	(void)host;
	return bpf_map_lookup_elem(&held, key);
}

static inline void host_held_drop(const struct host *host, const struct wire_call_key *key)
{
	(void)host;
	if (!bpf_map_delete_elem(&held, key))
		__sync_fetch_and_add(held_count(key->goid), -1);
}

struct held_gone {
	wire_u64 goid, from;
	wire_u32 target;
};

struct bpf_map;

static long held_step(struct bpf_map *map, const struct wire_call_key *key, struct wire_held *entry,
		      void *context)
{
	(void)map;
	(void)entry;
	const struct held_gone *gone = context;
	if (key->goid == gone->goid && key->target == gone->target && key->distance >= gone->from)
		host_held_drop(NULL, key);
	return 0;
}

static inline void host_calls_gone(const struct host *host, const struct wire_call_key *key,
				   wire_u64 from)
{
	(void)host;
	struct held_gone gone = {.goid = key->goid, .from = from, .target = key->target};
	if (*(volatile wire_u32 *)held_count(key->goid))
		bpf_for_each_map_elem(&held, held_step, &gone, 0);
}

static inline int host_nest_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_nest *nest)
{
	(void)host;
	return (int)bpf_map_update_elem(&nests, key, nest, BPF_ANY);
}

static inline struct wire_nest *host_nest_find(const struct host *host,
					       const struct wire_call_key *key)
{
	(void)host;
	return bpf_map_lookup_elem(&nests, key);
}

static inline void host_nest_drop(const struct host *host, const struct wire_call_key *key)
{
	(void)host;
	bpf_map_delete_elem(&nests, key);
}

static inline wire_u32 *host_nests_full(const struct host *host)
{
	(void)host;
	return &state.are_nests_full;
}

// --- What is counted ---------------------------------------------------------------------------

static inline wire_u32 host_key_slot(const struct host *host, const struct wire_key *key)
{
	(void)host;
	const struct wire_key_slot *known = bpf_map_lookup_elem(&key_slots, key);
	return known ? known->slot : COUNT_NO_SLOT;
}

// If two hits make the same new key at the same time, they use up two slots, and one slot stays
// unused. User space provides spare ones.
static inline wire_u32 host_key_make(const struct host *host, const struct wire_key *key,
				     struct wire_key_slot *at)
{
	if (*(volatile wire_u32 *)&next_slot >= aggregating.num_slots)
		return COUNT_NO_SLOT;
	at->slot = __sync_fetch_and_add(&next_slot, 1);
	if (at->slot >= aggregating.num_slots)
		return COUNT_NO_SLOT;
	if (!bpf_map_update_elem(&key_slots, key, at, BPF_NOEXIST))
		return at->slot;
	return host_key_slot(host, key);
}

static inline wire_u64 *host_bucket(const struct host *host, wire_u32 slot, wire_u32 bucket)
{
	(void)host;
	wire_u64 number = bucket;
	struct aggregate_buckets *all = bpf_map_lookup_elem(&buckets, &slot);
	CAPTURE_HIDE(number);
	return all && number < WIRE_BUCKETS ? &all->count[number] : NULL;
}

static inline struct wire_aggregate_lost *host_count_lost(const struct host *host)
{
	(void)host;
	return &state.aggregate_lost;
}

// --- Records -----------------------------------------------------------------------------------

static inline struct slot *host_slot_take(const struct host *host)
{
	(void)host;
#pragma clang loop unroll(disable)
	for (wire_u32 i = 0; i < SLOTS; i++) {
		wire_u32 key = i;
		struct slot *slot = bpf_map_lookup_elem(&slots, &key);
		if (slot && !__sync_val_compare_and_swap(&slot->is_taken, 0, 1))
			return slot;
	}
	return NULL;
}

static inline void host_slot_give(const struct host *host, struct slot *slot)
{
	(void)host;
	asm volatile("" ::: "memory");
	*(volatile wire_u32 *)&slot->is_taken = 0;
}

static inline struct wire_record *host_reserve(const struct host *host)
{
	(void)host;
	return bpf_ringbuf_reserve(&events, sizeof(struct wire_record), 0);
}

static inline int host_submit(const struct host *host, struct wire_record *record)
{
	(void)host;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

static inline struct wire_losses *host_losses(const struct host *host)
{
	(void)host;
	return &state.losses;
}

static inline int host_output(const struct host *host, const struct wire_record *record,
			      wire_u64 size)
{
	(void)host;
	return (int)bpf_ringbuf_output(&events, (void *)record, size, BPF_RB_NO_WAKEUP);
}

static inline void host_lost(const struct host *host, const struct wire_probe *probe,
			     enum wire_loss where)
{
	(void)host;
	wire_u32 func = probe->func;
	wire_u64 *count = bpf_map_lookup_elem(&lost, &func);
	if (count)
		__sync_fetch_and_add(count, 1);
	__sync_fetch_and_add(where == WIRE_LOST_BUFFER ? &state.lost_buffer : &state.lost_scratch,
			     1);
}

static inline bool host_knows_stack(const struct host *host, wire_u64 number)
{
	(void)host;
	return bpf_map_lookup_elem(&known_stacks, &number);
}

static inline void host_learn_stack(const struct host *host, wire_u64 number)
{
	(void)host;
	wire_u32 known = 1;
	bpf_map_update_elem(&known_stacks, &number, &known, BPF_ANY);
}

// --- The programs ------------------------------------------------------------------------------

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

// True if the process has executed another program. If a program executes its own file again, the
// new one hits the same probes until user space removes them, and its calls would be mixed up
// with the old program's.
static __always_inline bool is_another_program(void)
{
	wire_u64 exec = bpf_get_current_task_btf()->self_exec_id;
	if (!target_exec)
		target_exec = exec;
	if (exec == target_exec)
		return false;
	state.is_replaced = 1;
	return true;
}

// Fills in a hit. False if the hit is ignored.
static __always_inline bool is_hit(struct pt_regs *regs, struct hit *hit)
{
	wire_u64 cookie = bpf_get_attach_cookie(regs);
	wire_u32 number = (wire_u32)cookie;
	const struct wire_probe *probe = bpf_map_lookup_elem(&probes, &number);
	wire_u32 arming = cookie >> WIRE_ARMING_SHIFT & WIRE_ARMING_MAX;
	if (!probe || probe->arming != arming || capture_skips(probe, regs->flags))
		return false;
	wire_u64 ids = bpf_get_current_pid_tgid();
	if (ids >> 32 != target_tgid || (probe->flags & WIRE_DISABLED) || is_another_program())
		return false;
	hit->regs = (const struct host_regs *)regs;
	hit->probe = probe;
	hit->number = number;
	hit->tid = (wire_u32)ids;
	hit->target = cookie >> WIRE_TARGET_SHIFT;
	return true;
}

static __noinline int trace_hit(struct pt_regs *regs)
{
	struct hit hit = {0};
	if (is_hit(regs, &hit))
		take_trace(NULL, &hit);
	return 0;
}

static __noinline int count_hit(struct pt_regs *regs)
{
	struct hit hit = {0};
	if (is_hit(regs, &hit))
		take_count(NULL, &hit);
	return 0;
}

// Kernels from 6.13 on keep a program's stack in memory of the CPU, not of the task. If a hit is
// preempted by another one on the same CPU, it continues with the other's variables, and writes
// through the other's pointers. So these functions switch preemption off before the first byte of
// the stack is used, and use no stack themselves. Kernels that cannot switch it off (before 6.10)
// have the program's stack on the task's stack.
#define PROGRAM(name, function)                                         \
	SEC("uprobe")                                                   \
	int name(struct pt_regs *regs)                                  \
	{                                                               \
		bool can_stay = bpf_ksym_exists(bpf_preempt_disable) && \
				bpf_ksym_exists(bpf_preempt_enable);    \
		if (can_stay)                                           \
			bpf_preempt_disable();                          \
		function(regs);                                         \
		if (can_stay)                                           \
			bpf_preempt_enable();                           \
		return 0;                                               \
	}

PROGRAM(gotrace_hit, trace_hit)
PROGRAM(gotrace_count, count_hit)

// Runs once if the tracer is not in the initial PID namespace: finds the target's PID in the
// initial PID namespace.
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
