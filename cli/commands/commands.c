// SPDX-License-Identifier: GPL-2.0-or-later
// The table of commands. A command is a file beside this one with a struct command, and its name
// here. --help lists them in this order.
#include <string.h>

#include "cli/cli.h"

// clang-format off
#define COMMANDS(X)                                                                    \
	X(attach) X(run) X(list) X(types) X(whatis) X(info) X(disassemble) X(doctor)   \
	X(replay) X(count) X(hist) X(top) X(bench) X(shell) X(complete)
// clang-format on
#define DECLARE(NAME) extern const struct command command_##NAME;
#define ROW(NAME)     &command_##NAME,

COMMANDS(DECLARE)
static const struct command *const commands[] = {COMMANDS(ROW) NULL};

const struct command *command_at(size_t i)
{
	return commands[i];
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	return NULL;
}
