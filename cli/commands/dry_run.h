// SPDX-License-Identifier: GPL-2.0-or-later
// --dry-run: the plan, printed. Touches nothing and needs no privileges but to read the executable.
#ifndef GOTRACE_CLI_COMMANDS_DRY_RUN_H
#define GOTRACE_CLI_COMMANDS_DRY_RUN_H

#include "tracer/plan/plan.h"

/** Prints what would be probed in TARGET (a PID or a file). Returns the exit status. */
int dry_run(const char *target, char *const *patterns, size_t num_patterns,
	    const struct plan_options *options);

#endif
