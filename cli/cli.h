// SPDX-License-Identifier: GPL-2.0-or-later
// The commands, and what all of them share: messages and signals. Only cli/ prints errors and
// exits.
#ifndef GOTRACE_CLI_CLI_H
#define GOTRACE_CLI_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

enum exit_status { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct options;

enum word_kind { // what a word of the command line is; completion offers such words
	WORD_NONE,
	WORD_ANY, // that, and all after it
	WORD_PID,
	WORD_TARGET, // a PID or the path of an executable
	WORD_FILE,
	WORD_FUNC,
	WORD_TYPE,     // or a pattern of types
	WORD_PATTERNS, // that, and all after it
};

struct command_word {
	enum word_kind kind;
	const char *missing; // the error if it is left out; NULL: it may be
};

// Words that several commands have.
// clang-format off
#define WORD_OF_PID	 {WORD_PID, "which process? Give its PID, then patterns such as 'main.*'"}
#define WORD_OF_PATTERNS {WORD_PATTERNS, "which functions? Give patterns such as 'main.*'"}
#define WORD_OF_TARGET	 {WORD_TARGET, "of what? Give a PID or an executable"}
// clang-format on

struct command { // its options are the rows of options_table that name it
	const char *name;
	const char *summary; // one line for "gotrace --help"; NULL: not listed, for programs only
	const char *args;    // for --help: "PID PATTERN...", a line for each way to call it
	const char *doc;     // for --help: what it does, \v, and what comes after the options
	struct command_word words[2];
	// The words if "-- PROG ARG..." follows. WORD_NONE: the command starts no program.
	struct command_word before_program;
	bool needs_program;
	int (*run)(struct options *options); // returns the exit status
};

/** Command i of the table; NULL after the last. */
const struct command *command_at(size_t i);
/** The command of this name; NULL if there is none. */
const struct command *command_find(const char *name);

/** Writes before, then the lines of message. Unprintable characters in a line are escaped
 *  (base/rune.h). */
void cli_print(FILE *out, const char *before, const char *message);

/** Prints "gotrace: MESSAGE" on stderr, frees the error and returns EXIT_REFUSED. */
int cli_fail(struct error *err);

/** Prints "gotrace: ..." on stderr, unless -q was given. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** The same for a text, without the newlines at its end. Nothing if it is empty. */
void cli_say_text(const struct text *text);

/** Sets how much is printed on stderr: -1 with -q, 1 with -v, 0 without either. */
void cli_set_verbosity(int verbosity);

/** From now on SIGINT, SIGTERM and SIGHUP set cli_signal instead of ending gotrace, and SIGPIPE is
 *  ignored. */
void cli_catch_signals(void);
/** The signal that asks gotrace to end; 0 if there was none. */
extern volatile sig_atomic_t cli_signal;
/** Not 0 if a second signal came while cli_signal was set: drop what is not written yet. */
extern volatile sig_atomic_t cli_hurry;

#endif
