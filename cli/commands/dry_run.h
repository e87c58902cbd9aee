// SPDX-License-Identifier: GPL-2.0-or-later
// --dry-run: prints the plan of a trace. Changes nothing, and needs no privileges if the executable
// is readable.
#ifndef GOTRACE_CLI_COMMANDS_DRY_RUN_H
#define GOTRACE_CLI_COMMANDS_DRY_RUN_H

#include "tracer/plan/plan.h"

/** Prints what would be probed in target (a PID or the path of an executable). Returns the exit
 *  status. */
int dry_run(const char *target, char *const *patterns, size_t num_patterns,
	    const struct plan_options *options);

#endif
