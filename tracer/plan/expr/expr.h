// SPDX-License-Identifier: GPL-2.0-or-later
// Conditions: Go expressions over the names of a function. They are checked against its signature
// and types, and compiled to the operations of wire.h, which bpf/engine/expr.h runs at the
// function's entry and returns. A condition is decided at the entry if it can be; one that needs
// results or the duration is decided at the return. The values that calls are counted by are
// expressions, too.
#ifndef GOTRACE_TRACER_PLAN_EXPR_EXPR_H
#define GOTRACE_TRACER_PLAN_EXPR_EXPR_H

#include "base/error.h"
#include "base/text.h"
#include "bpf/wire.h"
#include "dwarf/index/index.h"

struct expr_scope { // where an expression's names are looked up; all borrowed
	struct index *index;
	const struct signature *signature;
	bool has_depth; // "depth" is known: how many traced calls are under way
	bool is_shown;	// for what is shown of calls: elements of maps have names, too
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

// --- Paths: expressions that are shown of calls --------------------------------------------------

enum expr_step_kind {
	EXPR_STEP_FIELD,
	EXPR_STEP_DEREF,
	EXPR_STEP_ELEMENT, // of an array, a slice or a string
	EXPR_STEP_KEY,	   // of a map: the element with this key
	EXPR_STEP_HELD,	   // of an interface: what its data word points to if it holds the type
	EXPR_STEP_LEN,	   // the last of its path, as the next one
	EXPR_STEP_TYPE,	   // whether an interface holds the type
};

struct expr_step {
	enum expr_step_kind kind;
	struct gotype *from; // complete
	struct gotype *to;   // complete; NULL: an int, a bool, or the byte of a string
	// FIELD: offset; ELEMENT: index; KEY: an integer or a bool; HELD, TYPE: the vaddr of the
	// type's descriptor.
	uint64_t number;
	char *text; // FIELD: its name; KEY: a string
	size_t len;
};

struct expr_path {  // from an argument or a result to a part of what it leads to
	char *text; // as it was given
	const struct param *param;
	struct expr_step *steps;
	size_t num_steps;
};

/** Checks an expression against the scope's function, whose index outlives the path. Only a
 *  parameter or a result, and what fields, elements, len() and x.(T) lead to, is a path. If the
 *  function has no such path, *reason is why, in one line (free it), else NULL. */
struct error *expr_path_create(const struct expr_scope *scope, const char *text,
			       struct expr_path **out, char **reason) MUST_CHECK;
/** The column in a reason why this text is not right; 0 if it has none. */
uint32_t expr_reason_column(const char *text, const char *reason);
void expr_path_destroy(struct expr_path *path);
/** Writes the path up to this many steps, as Go would. */
void expr_path_write(const struct expr_path *path, size_t num_steps, struct text *out);

/** Takes the first of the expressions in a list: returns it without the spaces around it (free it),
 *  and moves *list to the next one, NULL after the last. Returns NULL if memory runs out. */
char *expr_list_next(const char **list);
/** Returns how many bytes the first of the expressions in text takes: up to a comma that is outside
 *  brackets and quotation marks. */
size_t expr_list_first(const char *text);

// -------------------------------------------------------------------------------------------------

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
