// SPDX-License-Identifier: GPL-2.0-or-later
// Conditions: Go expressions over the names of a function. They are checked against its signature
// and types, and compiled to the operations of wire.h, which bpf/engine/expr.h runs at the
// function's entry and returns. A condition is decided at the entry if it can be; one that needs
// results or the duration is decided at the return. The values that calls are counted by are
// expressions, too.
#ifndef GOTRACE_TRACER_PLAN_EXPR_EXPR_H
#define GOTRACE_TRACER_PLAN_EXPR_EXPR_H

#include "base/error.h"
#include "bpf/wire.h"
#include "dwarf/index/index.h"

struct expr_scope { // where an expression's names are looked up; all borrowed
	struct index *index;
	const struct signature *signature;
	bool has_depth; // "depth" is known: how many traced calls are under way
};

// How a value's word is printed.
enum expr_looks { EXPR_NUMBER, EXPR_BOOL, EXPR_ADDRESS, EXPR_FUNCTION };

struct expr_value_of {	  // a value that the program keeps
	const char *text; // borrowed
	bool is_integer;  // other values are errors
	struct wire_value value;
	enum expr_looks looks;
};

struct expr_code {
	struct wire_op *ops;
	struct wire_literal *literals; // operations number them from 0
	uint32_t num_entry;	       // operations at entry; the operations at return follow
	uint32_t num_return;
	uint32_t num_literals;
	bool decides_at_return;
};

/** Parses the text without looking up its names. If it is no expression, *reason is why (free it),
 *  else NULL. */
struct error *expr_check(const char *text, char **reason) MUST_CHECK;

/** Calls offer for each name that may come next in an unfinished expression, with the whole text
 *  that results: "req.URL" for "req.", "n > len(" for "n > ". A last word that is incomplete is
 *  ignored, so the caller has to filter: "req.U" offers all fields of req. */
typedef void expr_offer(void *context, const char *text);
struct error *expr_complete(const struct expr_scope *scope, const char *beginning,
			    expr_offer *offer, void *context) MUST_CHECK;

/** Compiles num conditions, all of which have to hold, and values to keep of the calls that fulfil
 *  them. If one of them cannot be compiled, *reason is why, in one line (free it). Else *reason is
 *  NULL, and *out needs expr_code_deinit. */
struct error *expr_compile(const struct expr_scope *scope, const char *const *texts, size_t num,
			   struct expr_value_of *values, size_t num_values, struct expr_code *out,
			   char **reason) MUST_CHECK;
void expr_code_deinit(struct expr_code *code);

#endif
