// SPDX-License-Identifier: GPL-2.0-or-later
// What is counted of calls, and by which of their values, as data: expressions (expr/expr.h) become
// programs of wire.h.
#ifndef GOTRACE_TRACER_PLAN_AGGREGATE_H
#define GOTRACE_TRACER_PLAN_AGGREGATE_H

#include "base/error.h"
#include "bpf/wire.h"
#include "dwarf/index/index.h"
#include "tracer/plan/expr/expr.h"

struct plan;
struct plan_conditions;

struct aggregate_options {
	const char *by[WIRE_KEYS]; // "name", "req.URL.Path", "n & 7", "goid", "caller"; borrowed
	size_t num_by;
	uint32_t max_keys;
	uint64_t seed[2]; // of the hashes of strings; must be unpredictable
	bool has_errors;
	bool has_histogram;
	const char *value;   // of the histogram: an integer; borrowed; NULL: durations of calls
	uint32_t num_linear; // linear buckets; 0: logarithmic buckets
	int64_t linear_min;
	uint64_t linear_step;
};

struct aggregate_func { // what is counted of one function
	struct wire_aggregate wire;
	enum expr_looks looks[WIRE_KEYS];
};

/** True if a result is of type error. */
bool aggregate_can_fail(const struct signature *signature);

/** Compiles what is counted of this function, and which of its calls. If the function cannot be
 *  counted, *reason is why (free it), else NULL. */
struct error *aggregate_compile(struct plan *plan, const struct func *func,
				const struct plan_conditions *conditions,
				struct aggregate_func *out, char **reason) MUST_CHECK;

#endif
