// SPDX-License-Identifier: GPL-2.0-or-later
// Counts of numbers by size: eight buckets for each power of two, so that a quantile is known to an eighth.
#ifndef GOTRACE_TRACER_COUNT_HISTOGRAM_H
#define GOTRACE_TRACER_COUNT_HISTOGRAM_H

#include <stdint.h>

#include "base/text.h"

enum { HISTOGRAM_BUCKETS = 62 * 8 };

struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS];
	uint64_t total; // of all counts
};

/** The bucket of a number, and the first number of a bucket (of HISTOGRAM_BUCKETS: UINT64_MAX). */
uint32_t histogram_bucket(uint64_t value);
uint64_t histogram_start(uint32_t bucket);

void histogram_add(struct histogram *histogram, uint64_t value);

/** The bounds within which the quantile (0 to 1) lies: *low <= it < *high. False for an empty histogram. */
bool histogram_quantile(const struct histogram *histogram, double quantile, uint64_t *low,
			uint64_t *high);

/** A line for each power of two from the first that was met to the last: "[1K, 2K)    12 |@@@   |"; of nanoseconds
 *  where is_time: "[1.0µs, 2.0µs)    12 |@@@   |". */
void histogram_print(const struct histogram *histogram, bool is_time, struct text *out);

#endif
