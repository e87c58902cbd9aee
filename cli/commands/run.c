// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace run: starts a program and traces it.
#include "cli/drive.h"

static int run_main(struct options *options)
{
	return drive(options, NULL);
}

const struct command command_run = {
	.name = "run",
	.summary = "start a program and trace it from its first instruction",
	.args = "PATTERN... -- PROG ARG...",
	.doc = "Start a Go program and trace it from its first instruction. The exit status is "
	       "the program's own, or 128 and the signal's number.\v"
	       "Example: gotrace run 'main.*' -- ./server -addr :8080",
	.words = {WORD_OF_PATTERNS},
	.before_program = WORD_OF_PATTERNS,
	.needs_program = true,
	.run = run_main,
};
