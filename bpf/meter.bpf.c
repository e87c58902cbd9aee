// SPDX-License-Identifier: GPL-2.0-or-later
// Measures how much of the target's time goes into its uprobes: at each sample of a processor that
// runs the target, looks whether the kernel handles a breakpoint or a single step.
#include "bpf/kernel.h"

#include <bpf/bpf_helpers.h>

enum { FRAMES = 127 }; // the kernel's limit

// NULL if the kernel has no such symbol.
extern const void CPU_BREAKPOINT_ENTRY __ksym __weak;
extern const void CPU_STEP_ENTRY __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint64_t[FRAMES]);
} frames SEC(".maps");

const volatile uint32_t target_tgid;
uint64_t samples, trap_samples; // of the target; those of them in a trap

static bool is_in(uint64_t ip, const void *entry, uint64_t size)
{
	return entry && ip - (uint64_t)entry < size;
}

SEC("perf_event")
int meter_sample(void *context)
{
	if (bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	__sync_fetch_and_add(&samples, 1);
	uint32_t key = 0;
	uint64_t *ips = bpf_map_lookup_elem(&frames, &key);
	if (!ips)
		return 0;
	long bytes = bpf_get_stack(context, ips, FRAMES * sizeof(*ips), 0);
	uint32_t outermost = (uint32_t)bytes / sizeof(*ips) - 1;
	if (bytes <= 0 || outermost >= FRAMES)
		return 0; // the sample is of user code
	uint64_t ip = ips[outermost];
	if (is_in(ip, &CPU_BREAKPOINT_ENTRY, CPU_BREAKPOINT_ENTRY_SIZE) ||
	    is_in(ip, &CPU_STEP_ENTRY, CPU_STEP_ENTRY_SIZE))
		__sync_fetch_and_add(&trap_samples, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
