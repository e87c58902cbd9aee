// SPDX-License-Identifier: GPL-2.0-or-later
// What a user may have meant by a pattern that selects nothing: the functions with similar names.
#ifndef GOTRACE_TRACER_PLAN_SELECT_NEAREST_H
#define GOTRACE_TRACER_PLAN_SELECT_NEAREST_H

#include <stddef.h>

#include "dwarf/index/index.h"

enum { NEAREST_MAX = 3 };

/** Finds up to NEAREST_MAX different names, nearest first, and returns how many. A name is near if
 *  it differs in case only, if a few characters are wrong (in the whole name or in its last
 *  component), or if it contains the pattern. Names are borrowed from func. */
size_t nearest_names(const struct func *func, size_t num, const char *pattern,
		     const char *out[NEAREST_MAX]);

#endif
