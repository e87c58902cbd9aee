// SPDX-License-Identifier: GPL-2.0-or-later
// A histogram of numbers with eight buckets for each power of two: the bounds of a quantile differ
// by at most an eighth.
#ifndef GOTRACE_TRACER_COUNT_HISTOGRAM_H
#define GOTRACE_TRACER_COUNT_HISTOGRAM_H

#include <stdint.h>

#include "base/text.h"

enum { HISTOGRAM_BUCKETS = 62 * 8 };

struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS];
	uint64_t total; // of all counts
};

/** Returns the bucket of a number. */
uint32_t histogram_bucket(uint64_t value);
/** Returns the first number of a bucket; UINT64_MAX for HISTOGRAM_BUCKETS. */
uint64_t histogram_start(uint32_t bucket);

void histogram_add(struct histogram *histogram, uint64_t value);

/** Finds the bounds of a quantile (0 to 1): *low <= value < *high. Returns false if the histogram
 *  is empty. */
bool histogram_quantile(const struct histogram *histogram, double quantile, uint64_t *low,
			uint64_t *high);

/** Writes a line for each power of two from the smallest number counted to the largest:
 *  "[1K, 2K)    12 |@@@   |". If is_time, the numbers are nanoseconds:
 *  "[1.0µs, 2.0µs)    12 |@@@   |". */
void histogram_print(const struct histogram *histogram, bool is_time, struct text *out);

#endif
