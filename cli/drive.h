// SPDX-License-Identifier: GPL-2.0-or-later
// Drives one trace of one target from its beginning to its end, for all commands that trace or
// count.
#ifndef GOTRACE_CLI_DRIVE_H
#define GOTRACE_CLI_DRIVE_H

#include "cli/options.h"

// What a command that counts does at some moments. Such a session has no summary of its own.
struct drive_counter {
	void *context;
	/** Before functions are armed. May change the request. */
	struct error *(*begin)(void *context, struct session *session,
			       struct session_request *request);
	/** When they are armed, then each options->interval_ns, and after the end. */
	struct error *(*armed)(void *context, struct session *session);
	struct error *(*interval)(void *context, struct session *session);
	struct error *(*end)(void *context, struct session *session, size_t num_functions);
};

/** Traces options->pid, or starts options->program and traces it, until the target, an option or a
 *  signal ends the trace. The patterns are the words, without the PID. counter is NULL for a trace
 *  of calls. Returns the exit status. */
int drive(struct options *options, const struct drive_counter *counter);

#endif
