// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace types: the shell's command of this name, for any target.
#include "cli/inspect/inspect.h"

static struct error *types(const struct options *options, struct index *index, pid_t pid)
{
	(void)pid;
	return inspect_types(index, options->words[1], stdout);
}

static int types_main(struct options *options)
{
	return inspect_words(options, types);
}

const struct command command_types = {
	.name = "types",
	.summary = "Go types, their kinds and sizes",
	.args = "TARGET [PATTERN]",
	.doc = "List the Go types of a running process (a PID) or an executable, with their kinds "
	       "and sizes: those that DWARF has, or without DWARF those that have a run-time "
	       "descriptor.\v"
	       "Example: gotrace types ./server 'main.*'",
	.words = {WORD_OF_TARGET, {WORD_TYPE, NULL}},
	.run = types_main,
};
