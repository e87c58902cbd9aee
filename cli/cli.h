// SPDX-License-Identifier: GPL-2.0-or-later
// The commands' table and what they share. Only cli/ prints errors and exits.
#ifndef GOTRACE_CLI_CLI_H
#define GOTRACE_CLI_CLI_H

#include <argp.h>
#include <signal.h>
#include <stdio.h>

#include "base/error.h"

enum exit_status { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct command {
	const char *name;
	const char *summary; // one line for "gotrace --help"; NULL: for programs, not told there
	int (*run)(int argc, char **argv); // argv[0] is "gotrace NAME"; returns the exit status
};

extern const struct command command_attach, command_run, command_list, command_info, command_doctor,
	command_replay, command_bench, command_shell, command_count, command_hist, command_top,
	command_types, command_whatis, command_disassemble, command_complete;

/** Writes a message of some lines behind before; what is not printable in a line is escaped (base/rune.h). */
void cli_print(FILE *out, const char *before, const char *message);

/** Prints "gotrace: MESSAGE" on stderr, ends the error, returns EXIT_REFUSED. */
int cli_fail(struct error *err);

/** A note on stderr, "gotrace: ...", unless -q. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Whether and how much is said on stderr: -1 with -q, 0, 1 with -v. */
void cli_set_verbosity(int verbosity);

/** From here on SIGINT, SIGTERM and SIGHUP are noted instead of ending the program, and SIGPIPE is ignored. */
void cli_catch_signals(void);
/** The signal that asks for an end, 0 while there is none. */
extern volatile sig_atomic_t cli_signal;
/** Not 0 where a signal came while there was one: what is not written yet is not wanted. */
extern volatile sig_atomic_t cli_hurry;

/** As argp_parse; what is said on stderr is printable. */
error_t cli_argp(const struct argp *argp, int argc, char **argv, unsigned flags, int *arg_index,
		 void *input);
/** Runs argp; a usage error ends the program with EXIT_USAGE and one line of advice. -h is --help. */
void cli_parse(const struct argp *argp, int argc, char **argv, int *arg_index, void *input);

/** Which of the names a mistyped word may have meant; NULL: none. */
const char *usage_nearest(const char *word, const char *const *names, size_t num);
/** A usage error unless the word is a PID, and the one after it (which may be NULL) is none. */
void usage_check_pid(struct argp_state *state, const char *pid, const char *next);
/** Says that there is no such command, and what to type. Returns EXIT_USAGE. */
int usage_no_command(const char *name, const char *const *names, size_t num);

#endif
