// SPDX-License-Identifier: GPL-2.0-or-later
// The options of all commands. A row of options_table is all that there is to an option: the
// command line, --help, the shell's settings and checks, and completion are made from it. The value
// of each option is a member of struct options, of its kind's type.
#ifndef GOTRACE_CLI_OPTIONS_H
#define GOTRACE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "tracer/session/session.h"

enum {			       // lines a second that a terminal gets
	LINES_ON_SCREEN = 200, // a few screens
	LINES_AT_PROMPT = 50,  // where they must not hide what is typed
};

enum options_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum options_capture { CAPTURE_SHOWN, CAPTURE_FULL };

struct options_script { // the argument of one -x or -e of the shell
	bool is_file;
	const char *text;
};

// What a trace of a running process may cost it if the user says nothing of that.
static const double OPTIONS_BRAKE = 0.25;

struct options {
	struct session_options session;
	double brake;	      // session.max_overhead of attach
	const char *output;   // -o: path of a file; NULL: stdout
	const char *save;     // --save: path of a file; NULL: none
	uint64_t duration_ns; // 0: no limit
	uint32_t capture;     // enum options_capture
	enum options_color color;
	bool dry_run;
	bool is_quiet, is_verbose;
	uint32_t is_json; // of commands that have text and JSON

	struct aggregate_options aggregate; // count, hist, top
	char *by;			    // the text that aggregate.by points into
	uint64_t interval_ns;		    // 0: print at the end only
	uint32_t order;			    // enum aggregate_order

	bool shows_places; // list: addresses, sizes, files and lines too
	bool repairs;	   // doctor
	bool keeps_going;  // shell: after an error in a script
	struct options_script *scripts;
	size_t num_scripts, scripts_size;
	struct bench_options bench;

	// The words that are no options. Borrowed from argv, but for the array.
	char **words;
	size_t num_words;
	pid_t pid;	// the first word, if it is one; 0: none
	char **program; // the words after "--", of a command that starts a program; NULL: none
	bool wants_help;
};

void options_init(struct options *options);
void options_deinit(struct options *options);

// --- The table -----------------------------------------------------------------------------------

struct option_row;

struct option_kind {  // a type of values
	size_t size;  // bytes of the member of struct options
	bool is_flag; // there is no value on the command line: arg is NULL
	/** arg is NULL also if an optional value is left out. */
	struct error *(*parse)(const struct option_row *option, const char *arg, void *value);
	/** Prints the value the way that parse() reads it. Not called for a flag. */
	void (*print)(const struct option_row *option, const void *value, FILE *out);
};

enum option_group {    // a paragraph of --help
	GROUP_OWN = 1, // has no heading
	GROUP_COUNTED,
	GROUP_SHOWN,
	GROUP_CAPTURED,
	GROUP_CALLS,
	GROUP_LIMITS,
	GROUP_MEANS,
	GROUP_HELP, // has no heading
	NUM_OPTION_GROUPS,
};

enum option_scope {    // what an option of gotrace attach is in the shell
	SCOPE_NONE,    // nothing
	SCOPE_COMMAND, // a command of the same name, for all traces
	SCOPE_TRACE,   // an option of a trace
	SCOPE_DEFAULT, // an option of a trace, and a setting for the traces that follow
	SCOPE_FILTER,  // an option of a trace, and a setting for all traces that applies at once
	SCOPE_CAPTURE, // the same for all traces, which are armed again if one trace changes it
	SCOPE_SESSION, // a setting for all traces, which are armed again
	SCOPE_NOW,     // a setting for all traces that applies at once
};

struct option_row {
	const char *name;     // without dashes
	char letter;	      // 0: none
	const char *commands; // that take it: "attach run"
	const struct option_kind *kind;
	size_t at;	 // of the value in struct options
	const char *arg; // what --help calls the value; NULL: a flag
	const char *doc; // for --help, after the words that the value can be
	enum option_group group;
	enum option_scope scope;
	const char *none; // a setting's word for the value 0; NULL: it always has a value
	// What the value is completed with, apart from words and rows: "functions" or "files".
	const char *completes;
	const char *const *words;   // the words that the value can be; the first is the default
	const void *const *rows;    // or structs whose first members are these words
	uint64_t min, max;	    // of numbers
	const char *before, *after; // of a number: "1/", "/s"
	uint64_t left_out;	    // the value if it is left out; 0: it must not be
};

extern const struct option_row options_table[]; // ends with a NULL name

bool option_is_of(const struct option_row *option, const char *command);
/** True if a trace in the shell can have the option. */
static inline bool option_is_of_trace(const struct option_row *option)
{
	return option->scope >= SCOPE_TRACE && option->scope <= SCOPE_CAPTURE;
}
static inline bool option_is_setting(const struct option_row *option)
{
	return option->scope >= SCOPE_DEFAULT;
}
/** Word i that the value can be; NULL after the last. */
const char *option_word(const struct option_row *option, size_t i);
/** Parses a value; NULL for a flag. */
struct error *option_set(const struct option_row *option, const char *arg,
			 struct options *options) MUST_CHECK;
/** Prints the value as option_set() reads it; option->none if there is none, "on" for a flag. */
void option_print(const struct option_row *option, const struct options *options, FILE *out);
bool option_is_none(const struct option_row *option, const struct options *options);
bool option_is_same(const struct option_row *option, const struct options *a,
		    const struct options *b);
void option_copy(const struct option_row *option, const struct options *from, struct options *to);
void option_reset(const struct option_row *option, struct options *options);

// --- The command line ----------------------------------------------------------------------------

/** Parses the words of a command line, argv[0] aside: the options that the command takes, and
 *  words. The words are put into options->words, which has room for argc. */
struct error *options_parse(const struct command *command, int argc, char **argv,
			    struct options *options) MUST_CHECK;
/** Parses the whole command line of a command, and checks its words. An error is one of usage. */
struct error *options_read(const struct command *command, int argc, char **argv,
			   struct options *options) MUST_CHECK;
/** The option that a word of the command line gives, if the next word is its value; else NULL. */
const struct option_row *options_awaits(const char *command, const char *word);
/** Prints what --help shows. in_shell: only the options that a trace of the shell can have. */
void options_help(const struct command *command, bool in_shell, FILE *out);

// --- The session ---------------------------------------------------------------------------------

/** Opens the files that the options name, decides on colour, and connects the session's stop and
 *  hurry flags with the signals of cli.h. options_close() is to be called also after a failure. */
struct error *options_open(struct options *options) MUST_CHECK;
/** Decides what a trace of a command captures: what shows everything, or keeps it, has it all. */
void options_capture(struct options *options);
/** Empties the trace's file. Separate from opening, so that the old contents stay until something
 *  is traced. */
struct error *options_begin(const struct options *options) MUST_CHECK;
void options_close(struct options *options);

/** Opens the index of a command's TARGET, which is a PID or the path of an executable. *pid is 0
 *  for a path. The caller closes the index. */
struct error *open_target_index(const char *target, struct index **out, pid_t *pid) MUST_CHECK;

#endif
