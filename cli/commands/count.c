// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace count: how often functions are called, and with which values.
#include "cli/commands/aggregate.h"
#include "cli/cli.h"

static int count_main(int argc, char **argv)
{
	static const struct aggregate_command command = {
		.kind = AGGREGATE_COUNT,
		.event = "count",
		.argp =
			{
				.args_doc = "PID PATTERN...\nPATTERN... -- PROG ARG...",
				.doc = "Count the calls of the functions that PATTERNs choose in a running Go program, or in one that is started: calls, calls per second, results of type error that are not nil. Calls are counted in the kernel and none is missed.\v"
				       "Example: gotrace count 4711 'main.(*Store).Get' --by name --duration 10s",
			},
	};
	return aggregate_main(&command, argc, argv);
}

const struct command command_count = {"count",
				      "how often functions are called, and by which values",
				      count_main};
