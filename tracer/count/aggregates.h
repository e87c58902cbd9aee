// SPDX-License-Identifier: GPL-2.0-or-later
// What a session has counted, by key as people write it, and how it prints. Read again and again while the session
// runs: a row stays once it is there.
#ifndef GOTRACE_TRACER_COUNT_AGGREGATES_H
#define GOTRACE_TRACER_COUNT_AGGREGATES_H

#include <uthash.h>

#include "base/text.h"
#include "tracer/backend/backend.h"
#include "tracer/count/histogram.h"

struct aggregate_row {
	struct wire_key key; // what two rows differ in, however they are written
	char *name;	     // what stands in the brackets: "main.f, \"alice\""
	char *json;	     // "\"func\":\"main.f\",\"by\":{\"user\":\"alice\"}"
	bool has_errors;     // the function has results of type error
	bool has_returns;    // its calls' ends are seen
	struct wire_totals totals;
	uint64_t before; // calls when it was read last
	struct histogram histogram;
	UT_hash_handle hh;
};

enum aggregate_order { AGGREGATE_BY_CALLS, AGGREGATE_BY_TOTAL, AGGREGATE_BY_P99 };

struct aggregates {
	const struct aggregate_options *options; // borrowed
	const struct plan *plan;		 // borrowed
	uint64_t bias;				 // run-time address - vaddr
	/** As memory_ask wants it; NULL: memory is always as in the file. */
	bool (*is_as_in_file)(void *context, uint64_t addr, size_t len);
	void *context;
	bool names_func; // more than one function is counted
	struct aggregate_row *rows;
	struct wire_aggregate_lost lost;
	uint64_t start_ns, before_ns, now_ns; // CLOCK_MONOTONIC: armed, read before, read last
};

void aggregates_init(struct aggregates *aggregates, const struct plan *plan, uint64_t bias,
		     uint64_t now_ns);
void aggregates_deinit(struct aggregates *aggregates);

/** What was counted is read from the beginning: rows are set to zero, lost to what is known now. */
void aggregates_begin(struct aggregates *aggregates, uint64_t now_ns);
/** For a back end's visits: adds one key to its row. context is the struct aggregates. */
struct error *aggregates_add(void *context, const struct backend_aggregate *one) MUST_CHECK;

enum { QUANTILE_BELOW = -1, QUANTILE_ABOVE = HISTOGRAM_BUCKETS, QUANTILE_NONE };

/** The bucket that holds the value below which this part (0 to 1) of a row's values lies: below or above all buckets; none
 *  where there are no values. */
int aggregate_quantile(const struct aggregate_row *row, double part);

void aggregates_sort(struct aggregates *aggregates, enum aggregate_order order, bool descending);

/** "@[main.f]: 12" and what else is known of each, a line each. */
void aggregates_print_counts(const struct aggregates *aggregates, bool is_last, struct text *out);
/** "@[main.f]:", quantiles, and a line for each bucket. */
void aggregates_print_histograms(const struct aggregates *aggregates, struct text *out);
/** A table of at most max_rows rows, cut to so many columns; where these are few, some figures make room for names. */
void aggregates_print_top(const struct aggregates *aggregates, size_t max_rows, size_t columns,
			  struct text *out);
/** One object a row. event: "count", "hist" or "top". */
void aggregates_print_json(const struct aggregates *aggregates, const char *event, bool is_last,
			   struct text *out);
/** The last line of either format. */
void aggregates_print_summary(const struct aggregates *aggregates, size_t num_functions,
			      bool is_json, struct text *out);

#endif
