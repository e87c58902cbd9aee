// SPDX-License-Identifier: GPL-2.0-or-later
// Measures, by samples, how much of a process's time the kernel takes to handle its breakpoints.
#ifndef GOTRACE_TRACER_BACKEND_EBPF_METER_H
#define GOTRACE_TRACER_BACKEND_EBPF_METER_H

#include <stdint.h>

#include "base/error.h"

struct meter;

/** Starts to sample. tgid: of the process, in the initial PID namespace. */
struct error *meter_create(uint32_t tgid, struct meter **out) MUST_CHECK;
/** meter may be NULL. */
void meter_destroy(struct meter *meter);

/** CPU time, in ns, that went into breakpoints and single steps since meter_create, including the
 *  programs that they run. An estimate: one sample is METER_PERIOD_NS. */
uint64_t meter_trap_ns(const struct meter *meter);

enum { METER_PERIOD_NS = 5025125 }; // 199 a second and processor

#endif
