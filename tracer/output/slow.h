// SPDX-License-Identifier: GPL-2.0-or-later
// Which calls are slow: those that take longer than 99 of 100 calls of their function so far, or
// longer than a time that the user gave.
#ifndef GOTRACE_TRACER_OUTPUT_SLOW_H
#define GOTRACE_TRACER_OUTPUT_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slow_func;

struct slow {			  // zeroed at first
	struct slow_func **funcs; // by their number in the plan; NULL before their first call
	size_t num_funcs;
};

void slow_deinit(struct slow *slow);
/** Counts a call of this function, and returns true if it is slow. Of a function's first calls none
 *  is. */
bool slow_call(struct slow *slow, uint32_t func, uint64_t duration_ns);

#endif
