// SPDX-License-Identifier: GPL-2.0-or-later
// Which calls are wanted, and what is shown of them. A trace has clauses for all its functions
// (--if and its short forms, --show) and clauses of one pattern ("main.f show n, err if n > 3").
// Conditions become entries in the plan's tables.
#ifndef GOTRACE_TRACER_PLAN_CONDITIONS_H
#define GOTRACE_TRACER_PLAN_CONDITIONS_H

#include "tracer/plan/expr/expr.h"
#include "tracer/plan/plan.h"

enum plan_clause { CLAUSE_IF, CLAUSE_SHOW, CLAUSE_ARGS, CLAUSE_HIDE, NUM_PLAN_CLAUSES };

struct plan_condition { // or another clause
	enum plan_clause clause;
	char *text;
	struct selection only; // the functions that it applies to, unless is_for_all
	bool is_for_all;
};

struct plan_conditions { // of one request, which is borrowed
	const struct plan_request *request;
	char **patterns; // without their clauses
	size_t num_patterns;
	struct plan_condition *conditions;
	size_t num;
};

/** Splits patterns from their clauses and collects the clauses of the options. One that cannot be
 *  parsed is an error. */
struct error *plan_conditions_init(struct plan_conditions *conditions, const struct index *index,
				   const struct plan_request *request) MUST_CHECK;
void plan_conditions_deinit(struct plan_conditions *conditions);

/** True if the clause is for this function. */
bool plan_condition_is_about(const struct plan_condition *condition, const struct func *func);

/** Returns the conditions of one function as one text (free it), or NULL if memory runs out. */
char *plan_condition_text(const struct plan_conditions *conditions, const struct func *func);
/** Returns the function's other clauses as they may follow its name in a pattern (free it): "", "
 *  show r.Method, err"; NULL if memory runs out. */
char *plan_clauses_text(const struct plan_conditions *conditions, const struct func *func);

/** The word that begins a clause, with blanks around it: " if ". */
const char *plan_clause_word(enum plan_clause clause);
/** Finds the first of these words, outside brackets and quotation marks. NULL if there is none. */
const char *plan_find_word(const char *text, enum plan_clause *clause);
/** Finds where the clauses of a pattern begin: " if n > 3". NULL: it has none. */
const char *plan_find_clause(const char *pattern);

struct plan_program { // operations in the plan's tables
	uint32_t entry_op, num_entry, return_op, num_return;
	uint32_t within; // only calls made within this group of functions; 0: all calls
	bool decides_at_return;
	bool asks_goroutine; // at entry
};

/** Compiles the conditions of a function, and the values to keep of its calls, into the plan's
 *  tables. If one of them cannot be compiled, *reason is why (free it), else NULL. */
struct error *plan_compile_program(struct plan *plan, const struct func *func,
				   const struct plan_conditions *conditions,
				   struct expr_value_of *values, size_t num_values,
				   struct plan_program *out, char **reason) MUST_CHECK;

/** Enters the program in the plan's table of conditions, as that of the function with this number.
 *  Functions with lower numbers that have no entry yet get an empty one. */
struct error *plan_set_condition(struct plan *plan, uint32_t func,
				 const struct plan_program *program) MUST_CHECK;

#endif
