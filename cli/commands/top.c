// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace top: a live table of the functions that take the most time.
#include "cli/commands/aggregate.h"
#include "cli/cli.h"

static int top_main(int argc, char **argv)
{
	static const struct aggregate_command command = {
		.kind = AGGREGATE_TOP,
		.event = "top",
		.argp =
			{
				.args_doc = "PID PATTERN...\nPATTERN... -- PROG ARG...",
				.doc = "A table of the functions that PATTERNs choose, or of the keys of --by: calls, errors, durations; refreshed each second.\v"
				       "Example: gotrace top 4711 'main.*' --sort p99",
			},
	};
	return aggregate_main(&command, argc, argv);
}

const struct command command_top = {"top", "a live table of the functions that take the time",
				    top_main};
