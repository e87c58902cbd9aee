// SPDX-License-Identifier: GPL-2.0-or-later
// Functions that must not be armed: a function whose code in the target's memory differs from the
// file (all that is known of the function comes from the file), and a function with a breakpoint of
// another tracer at one of its sites. Every back end checks this before each arming, because both
// can happen during a trace.
#ifndef GOTRACE_TRACER_BACKEND_CHANGED_H
#define GOTRACE_TRACER_BACKEND_CHANGED_H

#include "tracer/backend/backend.h"

/** Removes from funcs the functions that must not be armed, and refuses each of them
 *  (armed_refuse). If a removed function is armed, it is marked as not armed, with a warning.
 *  If no function is left, the result is an error with the reason of the last one. It is also an
 *  error if the target's program is gone.
 *
 *  worker is our process that traces the target by ptrace; 0: none. A uprobe's breakpoint
 *  is a conflict only with a worker, which would not see its own breakpoint's hits any more. A
 *  debugger's breakpoint is always a conflict. If the target's memory is not open, nothing is
 *  checked. */
struct error *changed_exclude(const struct loaded *loaded, struct armed *armed, pid_t worker,
			      uint32_t *funcs, size_t *num) MUST_CHECK;

#endif
