// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace hist: how long calls take, or how large a value is.
#include "cli/commands/aggregate.h"
#include "cli/cli.h"

static int hist_main(int argc, char **argv)
{
	static const struct aggregate_command command = {
		.kind = AGGREGATE_HIST,
		.event = "hist",
		.argp =
			{
				.args_doc =
					"PID PATTERN... [EXPR]\nPATTERN... [EXPR] -- PROG ARG...",
				.doc = "Histograms of the durations of calls, or of an integer EXPR of theirs, with the bounds of p50, p90 and p99.\v"
				       "Example: gotrace hist 4711 'main.(*Store).Get' --by name, gotrace hist 4711 main.read 'len(p)'",
			},
	};
	return aggregate_main(&command, argc, argv);
}

const struct command command_hist = {"hist", "how long calls take, or how large a value is",
				     hist_main};
