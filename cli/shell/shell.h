// SPDX-License-Identifier: GPL-2.0-or-later
// The shell: a target, its session, and commands that a person types or a script contains. Each
// command is a row in shell_commands; it does its work through the session and with the code of
// gotrace's own commands.
#ifndef GOTRACE_CLI_SHELL_SHELL_H
#define GOTRACE_CLI_SHELL_SHELL_H

#include <stdio.h>

#include "cli/options.h"

// Events on a terminal, no faster than a person can read.
struct shell_display {
	bool is_prompting;	  // a line is being typed: events are printed above it
	bool is_held;		  // another program uses the terminal: no events are shown
	uint64_t lines_max;	  // per second; 0: no limit
	uint64_t second_ns;	  // when the current second began, CLOCK_MONOTONIC
	uint64_t shown, left_out; // lines since second_ns
};

struct shell {
	struct options options;	 // for the next trace and the next session; "set" changes them
	FILE *output;		 // the file that "output" opened; NULL: standard output
	struct session *session; // NULL if there is no target
	bool is_started;	 // the target is our child
	bool has_ended;		 // the target has ended; its statistics are kept
	bool is_interactive;
	bool keeps_going; // after an error in a script
	bool wants_quit;
	bool has_failed;
	unsigned depth; // how many "source" commands are nested
	struct shell_display display;
	struct shell_end *ends; // when the traces with a --duration end
	FILE *page;		// where a command writes a long answer
};

enum shell_needs { NEEDS_NOTHING, NEEDS_TARGET, NEEDS_RUNNING }; // RUNNING: it has not ended

typedef struct error *shell_run(struct shell *shell, int argc, char **argv); // argv[0] is the name

struct shell_command {
	const char *name;
	const char *also;    // a second name; NULL: none
	const char *args;    // "ID|PATTERN"; "" for none
	const char *summary; // one line
	shell_run *run;
	enum shell_needs needs; // run is called only then
	bool is_long;		// its answer is written to shell->page
	// The words after the name are at least min and at most max (0: any number). asks is what a
	// user reads who has given another number.
	uint8_t min, max;
	const char *asks;
	// How its words are completed: "functions", "types", "traces", "commands", "settings",
	// "formats", "files" or "pids"; NULL: not at all.
	const char *completes;
	const char *detail; // for "help COMMAND"; NULL: none
};

extern const struct shell_command shell_commands[]; // ends with a NULL name

/** Executes one line. Comments and blank lines do nothing. */
struct error *shell_execute(struct shell *shell, const char *line) MUST_CHECK;
/** Executes the lines of a file. The first error ends it, unless shell->keeps_going. *number is
 *  raised by one for each line that is read; it is for messages. */
struct error *shell_source(struct shell *shell, FILE *file, const char *name,
			   unsigned *number) MUST_CHECK;
/** Finds the command of this name, or the only one that begins with it. If several begin with it,
 *  finds the one that all others begin with: "tr" is trace, although traces begins with it too.
 *  NULL, and *err is set, if there is none. */
const struct shell_command *shell_find(const char *name, struct error **err);
/** Splits a line into words at blanks, with quotes and backslashes as in a shell. The expression
 *  after --if needs no quotes to be one word. "PATTERN if EXPRESSION" is one word too: 'trace
 *  main.f if s == "a b" --no-args' has 3 words. The caller calls shell_words_free(). */
struct error *shell_words(const char *line, int *argc, char ***argv) MUST_CHECK;
void shell_words_free(int argc, char **argv);

/** Sets up readline's completion. The shell is borrowed until the end of gotrace. */
void shell_complete_init(struct shell *shell);
/** Reads commands from the terminal and executes them, until the user or a signal ends the
 *  shell. */
struct error *shell_prompt(struct shell *shell) MUST_CHECK;
/** Prints events above the line that is being typed, if any. On a terminal, no more lines than the
 *  display may show. */
void shell_print(struct shell *shell, const char *text, size_t len);
/** Prints a message for the user: on a terminal above the prompt, else "gotrace: ..." on stderr. */
void shell_say(struct shell *shell, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Handles the events that come within timeout_ms, or within 10 ms if that is less. Ends traces
 *  whose time is over, and notices the end of the target and of the output's reader. */
struct error *shell_poll(struct shell *shell, int timeout_ms) MUST_CHECK;
/** Prints once a second how many lines were left out, if any. now_ns is of CLOCK_MONOTONIC. */
void shell_display_tick(struct shell *shell, uint64_t now_ns);

/** Where a long answer is written: a temporary file for the pager if there is a terminal, else
 *  standard output. */
FILE *shell_page(struct shell *shell);
/** Shows what was written to page, in a pager if it does not fit the screen, and closes it. */
void shell_page_end(struct shell *shell, FILE *page);
/** Runs a command with /bin/sh and waits for its end. in is its standard input; -1: gotrace's.
 *  Events are handled in the meantime, but not shown on a terminal. Returns its exit status, 128
 *  plus the number of the signal that ended it, or -1 with errno if it could not be started. */
int shell_system(struct shell *shell, const char *command, int in);

/** Ends the session, if there is one. The target runs on, unless it is a started program that was
 *  not resumed yet: that one is killed. quiet: prints no summary. */
struct error *shell_leave(struct shell *shell, bool quiet) MUST_CHECK;
/** Opens a session for a running process. shell->session must be NULL. */
struct error *shell_attach(struct shell *shell, pid_t pid) MUST_CHECK;
/** Applies changed options for where and how events are shown. */
struct error *shell_output_changed(struct shell *shell) MUST_CHECK;
/** The name of setting i, from 0; NULL after the last. */
const char *shell_setting_name(size_t i);
/** The option that is the setting of this name; NULL if there is none. */
const struct option_row *shell_find_setting(const char *name);
/** Ends the traces whose time is over or that have counted all their calls. */
struct error *shell_traces_tick(struct shell *shell) MUST_CHECK;
/** Forgets when traces end. To be called when the session has ended. */
void shell_traces_forget(struct shell *shell);
/** The --duration of a trace, in ns; 0 if it has none. */
uint64_t shell_trace_duration(const struct shell *shell, uint32_t trace);

shell_run shell_cmd_attach, shell_cmd_run, shell_cmd_detach, shell_cmd_kill;
shell_run shell_cmd_funcs, shell_cmd_types, shell_cmd_whatis, shell_cmd_info, shell_cmd_disassemble;
shell_run shell_cmd_trace, shell_cmd_traces, shell_cmd_untrace, shell_cmd_on, shell_cmd_off;
shell_run shell_cmd_watch, shell_cmd_stats, shell_cmd_hist, shell_cmd_goroutines;
shell_run shell_cmd_set, shell_cmd_output, shell_cmd_format, shell_cmd_save, shell_cmd_history;

#endif
