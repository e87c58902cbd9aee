// SPDX-License-Identifier: GPL-2.0-or-later
// What is shown of calls, and thereby what is captured: the lists of a request ("r.Method, err")
// become the paths of each function that has them (struct plan_show). want.c finds what memory they
// need; tracer/event/value/path.c follows them over what was captured.
#ifndef GOTRACE_TRACER_PLAN_SHOW_H
#define GOTRACE_TRACER_PLAN_SHOW_H

#include "tracer/plan/conditions.h"
#include "tracer/plan/plan.h"

/** Finds the paths of this function. What it does not have is left out. */
struct error *plan_show_init(struct plan *plan, const struct func *func,
			     const struct plan_conditions *conditions,
			     struct plan_show *out) MUST_CHECK;
void plan_show_deinit(struct plan_show *show);

/** Checks that each item of the lists is a path of at least one of the functions that it is for. If
 *  some of them do not have it, that is one warning. */
struct error *plan_show_check(struct plan *plan, const struct plan_conditions *conditions,
			      const struct selection *selection) MUST_CHECK;

/** From now on other expressions are shown of these functions, which do not change what is captured
 *  of them: of a recording. */
struct error *plan_show_again(struct plan *plan, const struct plan_shown *shown,
			      const struct plan_selected *selected) MUST_CHECK;

#endif
