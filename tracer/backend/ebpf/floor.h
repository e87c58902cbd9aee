// SPDX-License-Identifier: GPL-2.0-or-later
// The cheapest uprobes that there can be, for gotrace bench: their program does nothing.
#ifndef GOTRACE_TRACER_BACKEND_EBPF_FLOOR_H
#define GOTRACE_TRACER_BACKEND_EBPF_FLOOR_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct floor_probes;

/** Puts an empty uprobe on these file offsets of exe ("/proc/PID/exe") in one process: by one link, or by a perf
 *  event each where the kernel has no such links. */
struct error *floor_probes_create(pid_t pid, const char *exe, const unsigned long *offsets,
				  size_t num, struct floor_probes **out) MUST_CHECK;
/** Takes them off. Takes NULL. */
void floor_probes_destroy(struct floor_probes *probes);

#endif
