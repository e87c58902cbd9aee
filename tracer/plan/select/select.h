// SPDX-License-Identifier: GPL-2.0-or-later
// Patterns to functions, by the rules of gotrace(1), PATTERNS: exact names win, globs (a slash is an
// ordinary character, [ is literal), /regexp/, !PATTERN takes away, generic instances by bare name.
#ifndef GOTRACE_TRACER_PLAN_SELECT_SELECT_H
#define GOTRACE_TRACER_PLAN_SELECT_SELECT_H

#include "dwarf/index/index.h"

struct selection {
	const struct func **func; // address order, each once; borrowed from the index
	size_t num;
};

/** Functions that the patterns choose, applied from left to right. A pattern that chooses nothing (or a
 *  bad regexp) is an error that names it and the nearest names. Functions of the runtime that
 *  tracing could break, C code, and wrappers are only chosen by exact name (log_warning says so). A wrapper that holds
 *  the code of the method that it wraps is chosen by the method's name as well, and by globs. */
struct error *select_functions(const struct index *index, char *const *patterns, size_t num,
			       struct selection *out) MUST_CHECK;
/** The functions with this name; where there are none, the instances of the generic function, or of the
 *  method of a generic type, that it names without brackets. Wrappers only where there is no body. out->num
 *  is 0 if there are none. */
struct error *select_named(const struct index *index, const char *name,
			   struct selection *out) MUST_CHECK;
void selection_deinit(struct selection *selection);

/** True if one pattern (without "!") matches this name; for tests and other lists (types). */
struct error *select_matches(const char *pattern, const char *name, bool *out) MUST_CHECK;

#endif
