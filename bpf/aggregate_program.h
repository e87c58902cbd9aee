// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's half of what aggregate.h wants, and the program that counts: a part of gotrace.bpf.c, in its place
// where calls are counted instead of told.
#ifndef GOTRACE_BPF_AGGREGATE_PROGRAM_H
#define GOTRACE_BPF_AGGREGATE_PROGRAM_H

#include "bpf/wire.h"

const volatile struct wire_aggregate_settings aggregating = {0};

struct wire_aggregate_lost aggregate_losses = {0};
wire_u32 next_slot = 0; // of those that keys have; written by the program

static inline const struct wire_aggregate_settings *host_count_settings(const struct host *host);
static inline wire_u32 host_key_slot(const struct host *host, const struct wire_key *key);
static inline wire_u32 aggregate_make(const struct host *host, const struct wire_key *key,
				      struct wire_key_slot *at);
static inline void aggregate_copy(const struct host *host, void *dst, const void *src,
				  wire_u64 len);
static inline struct wire_totals *host_totals(const struct host *host, wire_u32 slot);
static inline wire_u64 *host_bucket(const struct host *host, wire_u32 slot, wire_u32 bucket);
static inline struct wire_aggregate_lost *host_count_lost(const struct host *host);

#include "bpf/engine/aggregate.h"

// --- Maps ----------------------------------------------------------------------------------------

// By function. User space writes them through mmap.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_aggregate);
} aggregates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct call_key);
	__type(value, struct call);
} active SEC(".maps");

// Goroutine and group -> the distance of its outermost frame of the functions that --within names.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, wire_u64);
	__type(value, wire_u64);
} within SEC(".maps");

// The first bytes of struct wire_key, and of struct wire_key_slot: user space says how many.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct wire_key));
	__uint(value_size, sizeof(struct wire_key_slot));
} key_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_totals);
} totals SEC(".maps");

struct aggregate_buckets {
	wire_u64 count[WIRE_BUCKETS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct aggregate_buckets);
} buckets SEC(".maps");

static inline int host_call_put(const struct host *host, const struct call_key *key,
				const struct call *call)
{
	(void)host;
	return (int)bpf_map_update_elem(&active, key, call, BPF_ANY);
}

static inline struct call *host_call_find(const struct host *host, const struct call_key *key)
{
	(void)host;
	return bpf_map_lookup_elem(&active, key);
}

static inline void host_call_drop(const struct host *host, const struct call_key *key)
{
	(void)host;
	bpf_map_delete_elem(&active, key);
}

static inline int host_within_put(const struct host *host, wire_u64 goid, wire_u64 distance)
{
	(void)host;
	return (int)bpf_map_update_elem(&within, &goid, &distance, BPF_ANY);
}

static inline const wire_u64 *host_within_find(const struct host *host, wire_u64 goid)
{
	(void)host;
	return bpf_map_lookup_elem(&within, &goid);
}

static inline void host_within_drop(const struct host *host, wire_u64 goid)
{
	(void)host;
	bpf_map_delete_elem(&within, &goid);
}

static inline const struct wire_aggregate_settings *host_count_settings(const struct host *host)
{
	(void)host;
	const struct wire_aggregate_settings *known =
		(const struct wire_aggregate_settings *)&aggregating;
	asm volatile("" : "+r"(known)); // its contents are not the compiler's to know
	return known;
}

static inline wire_u32 host_key_slot(const struct host *host, const struct wire_key *key)
{
	(void)host;
	const struct wire_key_slot *known = bpf_map_lookup_elem(&key_slots, key);
	return known ? known->slot : AGGREGATE_NO_SLOT;
}

// Two that meet a new key at once take two slots, and one stays unused: there are some to spare.
static inline wire_u32 aggregate_make(const struct host *host, const struct wire_key *key,
				      struct wire_key_slot *at)
{
	if (*(volatile wire_u32 *)&next_slot >= aggregating.num_slots)
		return AGGREGATE_NO_SLOT;
	at->slot = __sync_fetch_and_add(&next_slot, 1);
	if (at->slot >= aggregating.num_slots)
		return AGGREGATE_NO_SLOT;
	if (!bpf_map_update_elem(&key_slots, key, at, BPF_NOEXIST))
		return at->slot;
	return host_key_slot(host, key);
}

static inline void aggregate_copy(const struct host *host, void *dst, const void *src, wire_u64 len)
{
	(void)host;
	CAPTURE_HIDE(len);
	if (len <= sizeof(((struct wire_key_slot *)0)->text))
		bpf_probe_read_kernel(dst, len, src);
}

static inline struct wire_totals *host_totals(const struct host *host, wire_u32 slot)
{
	(void)host;
	return bpf_map_lookup_elem(&totals, &slot);
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
	return &aggregate_losses;
}

// --- The program ---------------------------------------------------------------------------------

static __noinline int count_hit(struct pt_regs *regs)
{
	wire_u64 cookie = bpf_get_attach_cookie(regs);
	wire_u32 number = (wire_u32)cookie;
	const struct wire_probe *probe = bpf_map_lookup_elem(&probes, &number);
	if (!probe || probe->arming != cookie >> 32 || capture_skips(probe, regs->flags))
		return 0;
	wire_u64 ids = bpf_get_current_pid_tgid();
	if (ids >> 32 != target_tgid || (probe->flags & WIRE_DISABLED) || is_another_program())
		return 0;
	wire_u32 func = probe->func;
	const struct wire_aggregate *aggregate = bpf_map_lookup_elem(&aggregates, &func);
	if (!aggregate)
		return 0;
	bool is_plain = aggregate->flags == WIRE_AGGREGATE_COUNTED && !aggregate->num_entry &&
			!aggregating.num_keys && !aggregating.has_buckets &&
			!aggregating.has_within && !only_goid;
	if (is_plain) {
		if (probe->kind == WIRE_PROBE_ENTRY)
			aggregate_count(NULL, func);
		return 0;
	}
	struct capture_goroutine goroutine = {0};
	struct aggregate_hit hit = {.probe = probe, .tid = (wire_u32)ids};
	bool is_alone = probe->kind == WIRE_PROBE_ENTRY && !aggregating.has_within && !only_goid &&
			!(aggregate->flags & (WIRE_AGGREGATE_RETURNS | WIRE_AGGREGATE_GOROUTINE));
	if (!is_alone) {
		hit.time_ns = bpf_ktime_get_ns();
		if (find_goroutine(find_g(regs, probe), regs->sp, &goroutine))
			hit.goroutine = &goroutine;
	}
	if (only_goid && !(probe->flags & WIRE_ANY_GOROUTINE) &&
	    (!hit.goroutine || goroutine.goid != only_goid))
		return 0;
	struct slot *slot = slot_take();
	if (!slot) {
		__sync_fetch_and_add(&aggregate_losses.scratch, 1);
		return 0;
	}
	hit.expr = &slot->expr;
	hit.c = &slot->capture;
	hit.call = &slot->call;
	hit.hash = &slot->hash;
	copy_regs(&slot->capture.regs, regs);
	aggregate_take(NULL, &hit, aggregate);
	slot_give(slot);
	return 0;
}

SEC("uprobe")
int gotrace_count(struct pt_regs *regs)
{
	bool can_stay = bpf_ksym_exists(bpf_preempt_disable) && bpf_ksym_exists(bpf_preempt_enable);
	if (can_stay)
		bpf_preempt_disable();
	count_hit(regs);
	if (can_stay)
		bpf_preempt_enable();
	return 0;
}

#endif
