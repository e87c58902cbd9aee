// SPDX-License-Identifier: GPL-2.0-or-later
// Which functions of a plan are armed now, by their number in the plan, which itself never changes.
// Owned by the caller of a back end, who makes room; the back end writes it.
#ifndef GOTRACE_TRACER_BACKEND_ARMED_H
#define GOTRACE_TRACER_BACKEND_ARMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct armed_func {
	bool is_armed;	 // the probes are in place
	bool is_counted; // set by the caller: arm only the entry, the next time that it is armed
	char *refused;	 // why it cannot be armed; NULL: it was not refused
};

struct armed {
	struct armed_func *funcs;
	size_t num;
};

/** Makes room for so many functions. New ones are not armed. Pointers to functions become
 *  invalid. */
struct error *armed_grow(struct armed *armed, size_t num_funcs) MUST_CHECK;
void armed_deinit(struct armed *armed);

/** Called by a back end that cannot arm a function; sets refused. */
void armed_refuse(struct armed *armed, uint32_t func, const char *why);

#endif
