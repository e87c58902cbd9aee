// SPDX-License-Identifier: GPL-2.0-or-later
// The commands, and what all of them share: messages, signals and the parsing of options. Only cli/
// prints errors and exits.
#ifndef GOTRACE_CLI_CLI_H
#define GOTRACE_CLI_CLI_H

#include <argp.h>
#include <signal.h>
#include <stdio.h>

#include "base/error.h"

enum exit_status { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct command {
	const char *name;
	const char *summary; // one line for "gotrace --help"; NULL: not listed, for programs only
	int (*run)(int argc, char **argv); // argv[0] is "gotrace NAME"; returns the exit status
};

extern const struct command command_attach, command_run, command_list, command_info, command_doctor,
	command_replay, command_bench, command_shell, command_count, command_hist, command_top,
	command_types, command_whatis, command_disassemble, command_complete;

/** Writes before, then the lines of message. Unprintable characters in a line are escaped
 *  (base/rune.h). */
void cli_print(FILE *out, const char *before, const char *message);

/** Prints "gotrace: MESSAGE" on stderr, frees the error and returns EXIT_REFUSED. */
int cli_fail(struct error *err);

/** Prints "gotrace: ..." on stderr, unless -q was given. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Sets how much is printed on stderr: -1 with -q, 1 with -v, 0 without either. */
void cli_set_verbosity(int verbosity);

/** From now on SIGINT, SIGTERM and SIGHUP set cli_signal instead of ending gotrace, and SIGPIPE is
 *  ignored. */
void cli_catch_signals(void);
/** The signal that asks gotrace to end; 0 if there was none. */
extern volatile sig_atomic_t cli_signal;
/** Not 0 if a second signal came while cli_signal was set: drop what is not written yet. */
extern volatile sig_atomic_t cli_hurry;

/** Like argp_parse(), but escapes unprintable characters in its messages on stderr. */
error_t cli_argp(const struct argp *argp, int argc, char **argv, unsigned flags, int *arg_index,
		 void *input);
/** Runs argp. A usage error ends gotrace with EXIT_USAGE and one line of advice. -h means
 *  --help. */
void cli_parse(const struct argp *argp, int argc, char **argv, int *arg_index, void *input);

/** The name that is most similar to a mistyped word; NULL if none is similar. */
const char *usage_nearest(const char *word, const char *const *names, size_t num);
/** A usage error if pid is not a number, or if next, the word after it (may be NULL), is one. */
void usage_check_pid(struct argp_state *state, const char *pid, const char *next);
/** Prints that there is no such command, and what to type instead. Returns EXIT_USAGE. */
int usage_no_command(const char *name, const char *const *names, size_t num);

#endif
