// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace count: how often functions are called, and with which values.
#include "cli/commands/aggregate.h"

static void print_counts(const struct options *options, const struct aggregates *aggregates,
			 bool is_last, struct text *out)
{
	(void)options;
	aggregates_print_counts(aggregates, is_last, out);
	if (!is_last)
		text_putc(out, '\n');
}

static int count_main(struct options *options)
{
	static const struct aggregate_command command = {
		.event = "count",
		.has_errors = true,
		.print = print_counts,
	};
	return aggregate_main(options, &command);
}

const struct command command_count = {
	.name = "count",
	.summary = "how often functions are called, and by which values",
	.args = "PID PATTERN...\nPATTERN... -- PROG ARG...",
	.doc = "Count the calls of the functions that PATTERNs select in a running Go program, or "
	       "in one that is started: calls, calls per second, results of type error that are "
	       "not nil. Calls are counted in the kernel and none is missed.\v"
	       "Example: gotrace count 4711 'main.(*Store).Get' --by name --duration 10s",
	.words = {WORD_OF_PID, WORD_OF_PATTERNS},
	.before_program = WORD_OF_PATTERNS,
	.run = count_main,
};
