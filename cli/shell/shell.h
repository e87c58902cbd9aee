// SPDX-License-Identifier: GPL-2.0-or-later
// The shell: a target, its session, and a table of commands that a person types or a script holds. Each command
// is a row; all that commands do goes through the session and the code of the command line.
#ifndef GOTRACE_CLI_SHELL_SHELL_H
#define GOTRACE_CLI_SHELL_SHELL_H

#include <stdio.h>

#include "cli/options.h"

struct shell_display {		  // events on a terminal, no faster than a person reads
	bool is_prompting;	  // a line is being typed: print above it
	bool is_held;		  // another program has the terminal: nothing is shown
	uint64_t lines_max;	  // a second; 0: no limit
	uint64_t second_ns;	  // when the second began
	uint64_t shown, left_out; // lines, since then
};

struct shell {
	struct trace_options options; // of the next trace and the next session, as "set" has them
	FILE *output;		      // of "output"; NULL: the shell's own
	struct session *session;      // NULL without a target
	bool is_started;	      // the target is our child
	bool has_ended;		      // the target has: its statistics are kept
	bool is_interactive;
	bool keeps_going; // after an error in a script
	bool wants_quit;
	bool has_failed;
	unsigned depth; // of "source" in "source"
	struct shell_display display;
	struct shell_end *ends; // of traces that were given a --duration
};

struct shell_command {
	const char *name;
	const char *also;    // another name; NULL: none
	const char *args;    // "ID|PATTERN"; "" for none
	const char *summary; // one line
	struct error *(*run)(struct shell *shell, int argc, char **argv); // argv[0] is the name
	const char *
		completes; // what its words are: "functions", "types", "traces", "commands", "settings",
			   // "files", "pids"; NULL: nothing
	const char *detail; // for "help COMMAND"; NULL: none
};

extern const struct shell_command shell_commands[]; // ends with a NULL name

/** Executes one line; comments and blank lines do nothing. */
struct error *shell_execute(struct shell *shell, const char *line) MUST_CHECK;
/** Executes a file's lines; the first error ends it, unless shell->keeps_going. *number counts those that were read, for
 *  messages. */
struct error *shell_source(struct shell *shell, FILE *file, const char *name,
			   unsigned *number) MUST_CHECK;
/** The command of this name, or that this begins: the only one, or one with whose name all the others begin ("tr"
 *  is trace beside traces). NULL with *err set. */
const struct shell_command *shell_find(const char *name, struct error **err);
/** Takes a line apart into words: blanks part them, quotes and backslashes as in a shell. What follows --if, or "if" after
 *  a pattern, is one word as far as it is an expression: 'trace main.f if s == "a b" --no-args' has 3. */
struct error *shell_words(const char *line, int *argc, char ***argv) MUST_CHECK;
void shell_words_free(int argc, char **argv);

/** Teaches readline what the words of a line may be. */
void shell_complete_init(struct shell *shell);
/** Reads commands from the terminal until the end. */
struct error *shell_prompt(struct shell *shell) MUST_CHECK;
/** Prints above the line that is being typed, if any. */
void shell_print(struct shell *shell, const char *text, size_t len);
/** A note for the user: on the terminal above the prompt, else "gotrace: ..." on stderr. */
void shell_say(struct shell *shell, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Lets events come for so long at most, in ms; notices the target's end. */
struct error *shell_poll(struct shell *shell, int timeout_ms) MUST_CHECK;
/** Counts and shows what was left out, once a second. now_ns: CLOCK_MONOTONIC. */
void shell_display_tick(struct shell *shell, uint64_t now_ns);
uint64_t shell_now_ns(void);

/** Where a long answer goes: a pager on a terminal, else standard output. */
FILE *shell_page(struct shell *shell);
void shell_page_end(struct shell *shell, FILE *page);
/** Runs a command of the system to its end, with in as its standard input (-1: ours). Events come meanwhile, and are
 *  not shown on a terminal. Its exit status, or 128 and a signal's number; -1 where it could not be run. */
int shell_system(struct shell *shell, const char *command, int in);

/** An error where there is no target. */
struct error *shell_needs_target(struct shell *shell) MUST_CHECK;
/** Takes the session off its target, which runs on. quiet: without a summary. */
struct error *shell_leave(struct shell *shell, bool quiet) MUST_CHECK;
struct error *shell_attach(struct shell *shell, pid_t pid) MUST_CHECK;
/** Parses the options of a trace, as the command line has them, over the shell's own. What is no option
 *  is put into words, which has room for argc. */
struct error *shell_parse(const char *name, int argc, char **argv, struct trace_options *options,
			  char **words, size_t *num_words) MUST_CHECK;
/** True for an option of gotrace attach that a trace in the shell cannot have. */
bool shell_refuses(const char *option);
/** Where and how events are shown now. */
struct error *shell_output_changed(struct shell *shell) MUST_CHECK;
void shell_settings_print(struct shell *shell, FILE *out);
/** The names of all settings, NULL behind the last. */
const char *shell_setting_name(size_t i);
/** Traces whose time is over. */
struct error *shell_traces_tick(struct shell *shell) MUST_CHECK;
void shell_traces_forget(struct shell *shell);
/** What --duration gave to a trace, in ns; 0: nothing. */
uint64_t shell_trace_duration(const struct shell *shell, uint32_t trace);

struct error *shell_cmd_attach(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_run(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_detach(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_kill(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_funcs(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_types(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_whatis(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_info(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_disassemble(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_trace(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_traces(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_untrace(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_on(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_off(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_watch(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_stats(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_hist(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_goroutines(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_set(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_output(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_format(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_save(struct shell *shell, int argc, char **argv);
struct error *shell_cmd_history(struct shell *shell, int argc, char **argv);

#endif
