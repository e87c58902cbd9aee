// SPDX-License-Identifier: GPL-2.0-or-later
// From patterns to functions, by the rules in section PATTERNS of gotrace(1): an exact name wins;
// in a glob, a slash and [ are ordinary characters; /regexp/; !PATTERN excludes; the name of a
// generic function without brackets selects its instances.
#ifndef GOTRACE_TRACER_PLAN_SELECT_SELECT_H
#define GOTRACE_TRACER_PLAN_SELECT_SELECT_H

#include "dwarf/index/index.h"

struct selection {
	const struct func **func; // in address order, each once; borrowed from the index
	size_t num;
};

/** Selects functions by patterns, which are applied from left to right. A pattern that selects
 *  nothing is an error that shows the nearest names; a bad regexp is an error, too. A pattern that
 *  matches only functions that it cannot select (see below), or functions that were inlined
 *  everywhere, is no more than a warning if another pattern selects some. Functions of the runtime
 *  that tracing could break, C code, and wrappers are selected by exact name only, with a warning.
 *  A wrapper that contains the code of the method that it wraps is also selected by the method's
 *  name, and by globs. */
struct error *select_functions(const struct index *index, char *const *patterns, size_t num,
			       struct selection *out) MUST_CHECK;
/** Selects the functions with this name. If there are none, selects the instances of the generic
 *  function (or of the method of a generic type) that has this name without brackets. Wrappers are
 *  selected only if no function with code of its own is found. out->num is 0 if there are none at
 *  all. */
struct error *select_named(const struct index *index, const char *name,
			   struct selection *out) MUST_CHECK;
void selection_deinit(struct selection *selection);

/** *out: whether one pattern (without "!") matches this name; for tests and for lists of types. */
struct error *select_matches(const char *pattern, const char *name, bool *out) MUST_CHECK;

#endif
