// SPDX-License-Identifier: GPL-2.0-or-later
// The few kernel types that gotrace.bpf.c needs, maintained by hand: integer names for libbpf's
// headers, constants of the BPF interface (include/uapi/linux/bpf.h), and fields of kernel structs.
// libbpf relocates these fields by name when the program is loaded (CO-RE).
#ifndef GOTRACE_BPF_KERNEL_H
#define GOTRACE_BPF_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s32 int32_t;
typedef _Bool bool;
enum { false, true };

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum { BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1 << 10 };

enum { BPF_ANY = 0, BPF_NOEXIST = 1 };

enum { BPF_RB_NO_WAKEUP = 1 };

#include "arch/bpf.h"

#define RELOCATED __attribute__((preserve_access_index))

struct ns_common {
	unsigned int inum;
} RELOCATED;

struct pid_namespace {
	struct ns_common ns;
} RELOCATED;

struct upid {
	int nr;
	struct pid_namespace *ns;
} RELOCATED;

struct pid {
	unsigned int level;
	struct upid numbers[1]; // level + 1 of them
} RELOCATED;

struct task_struct {
	int tgid;
	unsigned long long self_exec_id;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct thread_struct thread;
} RELOCATED;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} RELOCATED;

#endif
