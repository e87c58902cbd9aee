// SPDX-License-Identifier: GPL-2.0-or-later
// What the commands that trace one target share.
#ifndef GOTRACE_CLI_COMMANDS_TRACE_H
#define GOTRACE_CLI_COMMANDS_TRACE_H

#include "tracer/session/session.h"

/** Prints "tracing 3 functions in 4711 (server)" on stderr, and which functions cannot be traced
 *  and why. */
void trace_say_armed(struct session *session, const struct session_trace *trace);
/** To be called when all probes are armed. Resumes a started program, and drops the privileges no
 *  longer needed. */
struct error *trace_begin(struct session *session, bool started) MUST_CHECK;
/** Prints that the target has ended, if it has. */
void trace_say_end(struct session *session, enum session_state state);
/** Waits for the end of a program that gotrace started, and returns its exit status. After SIGTERM
 *  or SIGHUP, or if a second Ctrl-C interrupts the wait, returns EXIT_DONE and leaves the program
 *  running. */
int trace_program_status(struct target *target);

#endif
