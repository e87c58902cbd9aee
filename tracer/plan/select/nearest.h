// SPDX-License-Identifier: GPL-2.0-or-later
// What a user may have meant by a pattern that chooses nothing: the functions whose names are near.
#ifndef GOTRACE_TRACER_PLAN_SELECT_NEAREST_H
#define GOTRACE_TRACER_PLAN_SELECT_NEAREST_H

#include <stddef.h>

#include "dwarf/index/index.h"

enum { NEAREST_MAX = 3 };

/** Up to NEAREST_MAX different names, nearest first; returns how many. Near is: the same but for case, a
 *  few characters wrong (in the whole name or its last component), the pattern somewhere in the name.
 *  Names are borrowed from func. */
size_t nearest_names(const struct func *func, size_t num, const char *pattern,
		     const char *out[NEAREST_MAX]);

#endif
