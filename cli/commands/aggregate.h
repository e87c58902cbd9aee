// SPDX-License-Identifier: GPL-2.0-or-later
// What count, hist and top share: their options, and a session that counts calls and prints the
// counts at the end or at intervals.
#ifndef GOTRACE_CLI_COMMANDS_AGGREGATE_H
#define GOTRACE_CLI_COMMANDS_AGGREGATE_H

#include <argp.h>

#include "cli/options.h"
#include "tracer/count/aggregates.h"

enum aggregate_kind { AGGREGATE_COUNT, AGGREGATE_HIST, AGGREGATE_TOP };

struct aggregate_command {
	enum aggregate_kind kind;
	const char *event; // the "event" of its lines in JSON
	struct argp argp;  // args_doc and doc only
};

/** Parses the command line, counts and prints. Returns the exit status. */
int aggregate_main(const struct aggregate_command *command, int argc, char **argv);

#endif
