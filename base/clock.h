// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's clocks, in nanoseconds.
#ifndef GOTRACE_BASE_CLOCK_H
#define GOTRACE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { NS_PER_MS = 1000000, NS_PER_SECOND = 1000000000 };

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/** CLOCK_MONOTONIC, the clock of records. */
static inline uint64_t clock_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
