// SPDX-License-Identifier: GPL-2.0-or-later
// A histogram of numbers: buckets, quantiles, and how they print. By default it has eight buckets
// for each power of two, so the bounds of a quantile differ by at most an eighth.
#ifndef GOTRACE_TRACER_COUNT_HISTOGRAM_H
#define GOTRACE_TRACER_COUNT_HISTOGRAM_H

#include <stdint.h>

#include "base/text.h"

enum { HISTOGRAM_BUCKETS = 62 * 8 };

struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS];
	uint64_t below, above; // numbers outside all buckets
	uint64_t num;	       // of all numbers
};

struct histogram_scale {     // which numbers a bucket holds
	bool is_time;	     // they are nanoseconds
	uint32_t num_linear; // linear buckets, from linear_min on; 0: eight for each power of two
	int64_t linear_min;
	uint64_t linear_step;
};

/** Returns the bucket of a number, of eight for each power of two. */
uint32_t histogram_bucket(uint64_t value);
/** Returns the first number of a bucket; UINT64_MAX for HISTOGRAM_BUCKETS. */
uint64_t histogram_start(uint32_t bucket);

void histogram_add(struct histogram *histogram, uint64_t value);

enum { HISTOGRAM_BELOW = -1, HISTOGRAM_ABOVE = HISTOGRAM_BUCKETS, HISTOGRAM_NONE };

/** Returns the bucket of the quantile part (0 to 1); HISTOGRAM_BELOW or HISTOGRAM_ABOVE if it is
 *  outside all buckets; HISTOGRAM_NONE if there are no numbers. */
int histogram_quantile(const struct histogram *histogram, double part);

/** Writes the first number of a bucket: "1.02µs" if it is a time, in JSON "1024". */
void histogram_write_bound(const struct histogram_scale *scale, int bucket, bool is_json,
			   struct text *out);
/** Writes the bounds of a quantile: "1.02µs-1.15µs". If its bucket holds a single number, writes
 *  that number alone. */
void histogram_write_quantile(const struct histogram_scale *scale,
			      const struct histogram *histogram, double part, struct text *out);

/** Writes a line for each linear bucket or power of two from the smallest number counted to the
 *  largest: "[1K, 2K)    12 |@@@   |", for times "[1.0µs, 2.0µs)    12 |@@@   |". */
void histogram_print(const struct histogram *histogram, const struct histogram_scale *scale,
		     struct text *out);

#endif
