// SPDX-License-Identifier: GPL-2.0-or-later
// What a session has counted, one row for each key, and how it prints. The rows are read repeatedly
// while the session runs. A row is never removed.
#ifndef GOTRACE_TRACER_COUNT_AGGREGATES_H
#define GOTRACE_TRACER_COUNT_AGGREGATES_H

#include <uthash.h>

#include "base/text.h"
#include "tracer/backend/backend.h"
#include "tracer/count/histogram.h"

struct aggregate_row {
	struct wire_key key; // differs between any two rows, even if their names are the same
	char *name;	     // the text in the brackets: "main.f, \"alice\""
	char *json;	     // "\"func\":\"main.f\",\"by\":{\"user\":\"alice\"}"
	bool has_errors;     // the function has results of type error
	bool has_returns;    // the ends of its calls are seen
	struct wire_totals totals;
	uint64_t before; // calls at the previous reading
	struct histogram histogram;
	UT_hash_handle hh;
};

enum aggregate_order { AGGREGATE_BY_TOTAL, AGGREGATE_BY_CALLS, AGGREGATE_BY_P99 };

struct aggregates {
	const struct aggregate_options *options; // borrowed
	struct histogram_scale scale;
	const struct loaded *loaded; // borrowed
	/** The check that memory_ask describes. NULL: memory is always the same as in the file. */
	bool (*is_as_in_file)(void *context, uint64_t addr, size_t len);
	void *context;
	bool names_func; // names contain the function: several are counted, or there is no key
	struct aggregate_row *rows;
	struct wire_aggregate_lost lost;
	// CLOCK_MONOTONIC: when the probes were armed, of the previous and of the last reading.
	uint64_t start_ns, before_ns, now_ns;
};

void aggregates_init(struct aggregates *aggregates, const struct loaded *loaded, uint64_t now_ns);
void aggregates_deinit(struct aggregates *aggregates);

/** Begins a reading: sets all rows to zero, since a back end then reports its counts in full. The
 *  caller sets lost. */
void aggregates_begin(struct aggregates *aggregates, uint64_t now_ns);
/** Adds one key's counts to its row. A callback for a back end's visit; context is the struct
 *  aggregates. */
struct error *aggregates_add(void *context, const struct backend_aggregate *one) MUST_CHECK;

/** Sorts the rows, the largest first. */
void aggregates_sort(struct aggregates *aggregates, enum aggregate_order order);

/** Writes "@[main.f]: 12" and the other figures of each row, one row a line. */
void aggregates_print_counts(const struct aggregates *aggregates, bool is_last, struct text *out);
/** Writes "@[main.f]:" for each row, with its quantiles and a line for each bucket. */
void aggregates_print_histograms(const struct aggregates *aggregates, struct text *out);
/** Writes a table of at most max_rows rows, cut to this many columns of a terminal. If there are
 *  too few columns, some figures are left out to make room for names. */
void aggregates_print_top(const struct aggregates *aggregates, size_t max_rows, size_t columns,
			  struct text *out);
/** Writes one JSON object for each row. event is "count", "hist" or "top". */
void aggregates_print_json(const struct aggregates *aggregates, const char *event, bool is_last,
			   struct text *out);
/** Writes the last line of the output, as text or as JSON. */
void aggregates_print_summary(const struct aggregates *aggregates, size_t num_functions,
			      bool is_json, struct text *out);

#endif
