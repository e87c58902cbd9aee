// SPDX-License-Identifier: GPL-2.0-or-later
// What must not be armed: functions whose code in the target's memory is not the file's, from which all is known of
// them, and functions with somebody else's breakpoint at one of their sites. Asked by every back end before each
// arming, since both may come while it traces.
#ifndef GOTRACE_TRACER_BACKEND_CHANGED_H
#define GOTRACE_TRACER_BACKEND_CHANGED_H

#include "tracer/backend/backend.h"

/** Takes out of funcs those that must not be armed, and refuses each (plan_func_refuse); of one that is armed it warns
 *  that it no longer is. Where nothing is left that is an error which says why of the last one; so it is where the
 *  target's program is gone. A uprobe's breakpoint is in nobody's way but a tracer's by ptrace (worker, 0: none), who
 *  would not hear of its own any more; a debugger's is in everybody's. Nothing is asked where the target's memory
 *  cannot be read. */
struct error *changed_exclude(const struct backend_target *target, const struct plan *plan,
			      pid_t worker, uint32_t *funcs, size_t *num) MUST_CHECK;

#endif
