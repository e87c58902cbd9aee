// SPDX-License-Identifier: GPL-2.0-or-later
// Which calls are wanted: the conditions of a trace, those of all its functions (--if and its short forms) and those of
// one pattern ("main.f if n > 3"), and what they become in the plan's tables.
#ifndef GOTRACE_TRACER_PLAN_CONDITIONS_H
#define GOTRACE_TRACER_PLAN_CONDITIONS_H

#include "tracer/plan/expr/expr.h"
#include "tracer/plan/plan.h"

struct plan_condition {
	char *text;
	struct selection only; // the functions that it is about
	bool is_for_all;
};

struct plan_conditions {
	char **patterns; // without their conditions
	size_t num_patterns;
	struct plan_condition *conditions;
	size_t num;
};

/** Takes patterns and conditions apart. A condition that cannot be read as an expression is an error. */
struct error *plan_conditions_init(struct plan_conditions *conditions, const struct index *index,
				   char *const *patterns, size_t num,
				   const struct plan_options *options) MUST_CHECK;
void plan_conditions_deinit(struct plan_conditions *conditions);

/** Those of one function as one text, to be freed; NULL: out of memory. */
char *plan_condition_text(const struct plan_options *options, const struct func *func);

struct plan_program { // operations in the plan's tables
	uint32_t entry_op, num_entry, return_op, num_return;
	uint32_t within; // calls made within this group only; 0: all
	bool decides_at_return;
	bool asks_goroutine; // at entry
};

/** Compiles the conditions of a function, and values of it, into the plan's tables. *reason, where that cannot be: why, to
 *  be freed. */
struct error *plan_compile_program(struct plan *plan, const struct func *func,
				   const struct plan_options *options, struct expr_value_of *values,
				   size_t num_values, struct plan_program *out,
				   char **reason) MUST_CHECK;

/** Has the plan's functions up to this number in its table of conditions. */
struct error *plan_set_condition(struct plan *plan, uint32_t func,
				 const struct plan_program *program) MUST_CHECK;

#endif
