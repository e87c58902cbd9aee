// SPDX-License-Identifier: GPL-2.0-or-later
// What count, hist and top share: a session that counts calls, and prints the counts at the end or
// at intervals.
#ifndef GOTRACE_CLI_COMMANDS_AGGREGATE_H
#define GOTRACE_CLI_COMMANDS_AGGREGATE_H

#include "cli/options.h"
#include "tracer/count/aggregates.h"

struct aggregate_command {
	const char *event; // the "event" of its lines in JSON
	bool has_errors, has_histogram;
	/** Before functions are armed. May change the options and the request. NULL: nothing. */
	struct error *(*begin)(struct options *options, struct session *session,
			       struct session_request *request);
	/** Writes the sorted counts as text. */
	void (*print)(const struct options *options, const struct aggregates *aggregates,
		      bool is_last, struct text *out);
	bool has_order; // sorted by options->order, not by calls
};

/** Counts and prints. Returns the exit status. */
int aggregate_main(struct options *options, const struct aggregate_command *command);

#endif
