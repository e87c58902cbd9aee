// SPDX-License-Identifier: GPL-2.0-or-later
// What commands that trace one target share.
#ifndef GOTRACE_CLI_COMMANDS_TRACE_H
#define GOTRACE_CLI_COMMANDS_TRACE_H

#include "tracer/session/session.h"

/** "tracing 3 functions in 4711 (server)", and what cannot be. */
void trace_say_armed(struct session *session, const struct session_trace *trace);
/** All is armed: lets a started program go, and gives up the privileges that are not needed any more. */
struct error *trace_begin(struct session *session, bool started) MUST_CHECK;
/** That the target has ended, where it has. */
void trace_say_end(struct session *session, enum session_state state);
/** The exit status of a program that we started, once it has ended; a second Ctrl-C leaves it to run. */
int trace_program_status(struct target *target);

#endif
