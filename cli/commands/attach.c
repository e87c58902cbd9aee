// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace attach: traces a running process.
#include "cli/drive.h"

static int attach_main(struct options *options)
{
	options->session.max_overhead = options->brake;
	options->session.is_brake = options->brake == OPTIONS_BRAKE;
	return drive(options, NULL);
}

const struct command command_attach = {
	.name = "attach",
	.summary = "trace a running process",
	.args = "PID PATTERN...",
	.doc = "Trace the calls of the functions that PATTERNs select in a running Go program: "
	       "all its threads, all its goroutines. The program is not stopped, and runs on "
	       "whatever becomes of gotrace.\v"
	       "A PATTERN is a function's full name, a glob ('main.*', 'net/http.(*conn).*'), a "
	       "/regexp/, or !PATTERN to exclude what earlier ones selected.\n"
	       "\n"
	       "Example: gotrace attach $(pidof server) 'main.*' '!main.log*'",
	.words = {WORD_OF_PID, WORD_OF_PATTERNS},
	.run = attach_main,
};
