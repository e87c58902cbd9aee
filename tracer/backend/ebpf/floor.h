// SPDX-License-Identifier: GPL-2.0-or-later
// Empty uprobes, whose program does nothing. They measure the least cost of a hit, and attaching
// and detaching them removes breakpoints that were left behind.
#ifndef GOTRACE_TRACER_BACKEND_EBPF_FLOOR_H
#define GOTRACE_TRACER_BACKEND_EBPF_FLOOR_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct floor_probes;

/** Attaches an empty uprobe at each of these file offsets of exe ("/proc/PID/exe") in one process.
 *  Uses one link, or a perf event for each offset if the kernel has no uprobe_multi links. */
struct error *floor_probes_create(pid_t pid, const char *exe, const unsigned long *offsets,
				  size_t num, struct floor_probes **out) MUST_CHECK;
/** Removes the uprobes. NULL is allowed. */
void floor_probes_destroy(struct floor_probes *probes);

#endif
