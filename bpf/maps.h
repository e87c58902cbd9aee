// SPDX-License-Identifier: GPL-2.0-or-later
// The maps of the eBPF back end: the plan's tables, and the engine's tables of calls, counts and
// records. tracer/backend/ebpf/ sets their sizes.
#ifndef GOTRACE_BPF_MAPS_H
#define GOTRACE_BPF_MAPS_H

#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

#include "bpf/engine/take.h"

enum { SLOTS = 8, DYNAMICS_MAX = 65536 };

// The plan's tables. User space sets their sizes before loading, and writes them through mmap.
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

// Events lost, by function.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, wire_u64);
} lost SEC(".maps");

// A type descriptor's run-time address -> the plan's type for the data of such an interface.
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

// The stacks whose words have been recorded.
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

// By function. User space writes them through mmap.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, wire_u32);
	__type(value, struct wire_aggregate);
} aggregates SEC(".maps");

// The calls under way. A trace stores only the first member of struct wire_call: user space sets
// the size.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct wire_call_key));
	__uint(value_size, sizeof(struct wire_call));
} calls SEC(".maps");

// The entries whose returns decide.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct wire_call_key);
	__type(value, struct wire_held);
} held SEC(".maps");

// How calls are nested, and what is known of their goroutines.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct wire_call_key);
	__type(value, struct wire_nest);
} nests SEC(".maps");

// Keys and values are the first bytes of struct wire_key and struct wire_key_slot. User space sets
// their sizes.
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

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, wire_u32);
	__type(value, struct slot);
} slots SEC(".maps");

#endif
