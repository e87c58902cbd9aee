// SPDX-License-Identifier: GPL-2.0-or-later
// --dry-run: prints the plan of a trace. Changes nothing, and needs no privileges if the executable
// is readable.
#ifndef GOTRACE_CLI_COMMANDS_DRY_RUN_H
#define GOTRACE_CLI_COMMANDS_DRY_RUN_H

#include "cli/options.h"

/** Prints what would be probed in options->pid or options->program. Returns the exit status. */
int dry_run(const struct options *options);

#endif
