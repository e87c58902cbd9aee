// SPDX-License-Identifier: GPL-2.0-or-later
// Conditions: Go expressions over a function's own names, checked against its signature and types, and compiled to the
// operations of wire.h that bpf/engine/expr.h runs at its entry and at its returns. What is known at the entry is
// decided there; what results and durations are needed for has to wait. Values that calls are counted by
// are expressions too.
#ifndef GOTRACE_TRACER_PLAN_EXPR_EXPR_H
#define GOTRACE_TRACER_PLAN_EXPR_EXPR_H

#include "base/error.h"
#include "bpf/wire.h"
#include "dwarf/index/index.h"

struct expr_scope { // what an expression is about; all borrowed
	struct index *index;
	const struct signature *signature;
	uint64_t bias;	// run-time address - vaddr
	uint32_t pid;	// as the user knows it
	bool has_depth; // how many traced calls are under way is known
};

enum expr_looks { EXPR_NUMBER, EXPR_BOOL, EXPR_ADDRESS, EXPR_FUNCTION }; // of a value's word

struct expr_value_of {	  // a value that the program keeps
	const char *text; // borrowed
	bool is_integer;  // nothing else will do
	struct wire_value value;
	enum expr_looks looks;
};

struct expr_code {
	struct wire_op *ops;
	struct wire_literal *literals; // operations count them from 0
	uint32_t num_entry;	       // operations at entry; those at return follow them
	uint32_t num_return;
	uint32_t num_literals;
	bool decides_at_return;
};

/** True if the text can be read as an expression at all, whatever its names; if not, why is in *reason (to be
 *  freed). */
struct error *expr_check(const char *text, char **reason) MUST_CHECK;

/** Offers the names with which an expression's beginning may go on, each as the text that it then is: "req.URL" for
 *  "req.", "n > len" for "n > ". Those that do not begin as it ends are among them. */
typedef void expr_offer(void *context, const char *text);
struct error *expr_complete(const struct expr_scope *scope, const char *beginning,
			    expr_offer *offer, void *context) MUST_CHECK;

/** Compiles conditions, all of which have to hold, and values that are kept of the calls for which they do. *reason, where
 *  one cannot be: one line, to be freed; else NULL, and *out is to be freed. */
struct error *expr_compile(const struct expr_scope *scope, const char *const *texts, size_t num,
			   struct expr_value_of *values, size_t num_values, struct expr_code *out,
			   char **reason) MUST_CHECK;
void expr_code_deinit(struct expr_code *code);

#endif
