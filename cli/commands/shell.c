// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace shell: an interactive session, or scripts of the shell's commands.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/shell/shell.h"
#include "tracer/backend/privileges.h"

static struct error *run_file(struct shell *shell, const char *path)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	unsigned number = 0;
	return file ? shell_source(shell, file, path, &number) : error_errno(errno, "%s", path);
}

// In messages, the commands of all -e are the lines of one script. *number is the line.
static struct error *run_words(struct shell *shell, const char *text, unsigned *number)
{
	CLEANUP_FCLOSE FILE *file = fmemopen((void *)text, strlen(text), "r");
	if (!*text) {
		++*number;
		return NULL;
	}
	return file ? shell_source(shell, file, "-e", number) : error_errno(errno, "-e");
}

// Runs the scripts. If there are none, runs the commands from the terminal or standard input.
static struct error *run(struct shell *shell, const struct options *options)
{
	struct error *err = NULL;
	unsigned number = 0, line = 0;
	for (size_t i = 0; i < options->num_scripts && !err && !shell->wants_quit; i++) {
		const struct options_script *script = &options->scripts[i];
		err = script->is_file ? run_file(shell, script->text)
				      : run_words(shell, script->text, &number);
	}
	if (err || options->num_scripts)
		return err;
	return shell->is_interactive ? shell_prompt(shell)
				     : shell_source(shell, stdin, "standard input", &line);
}

static int shell_main(struct options *options)
{
	cli_catch_signals();
	struct shell shell = {
		.is_interactive =
			!options->num_scripts && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
		.keeps_going = options->keeps_going,
		.display.lines_max = LINES_AT_PROMPT,
	};
	options_init(&shell.options);
	struct error *err = privileges_keep(PRIVILEGES_SHELL);
	if (!err && options->pid)
		err = shell_attach(&shell, options->pid);
	if (err)
		return cli_fail(err);
	err = run(&shell, options);
	struct error *leave_err = shell_leave(&shell, false);
	if (shell.output)
		fclose(shell.output);
	int status = err || shell.has_failed ? EXIT_USAGE : EXIT_DONE;
	if (err)
		cli_fail(err);
	if (leave_err && !status)
		return cli_fail(leave_err);
	error_free(leave_err);
	return status;
}

const struct command command_shell = {
	.name = "shell",
	.summary = "an interactive session, or a script of it",
	.args = "[PID]",
	.doc = "Explore a running Go program: find functions, turn tracing of some on and off, "
	       "see counts and durations, leave; it runs on. help lists the commands. If it is "
	       "not on a terminal, or with -e or -x, it is a script's interpreter: the first "
	       "error ends it with status 2.\v"
	       "Example: gotrace shell $(pidof server)",
	.words = {{WORD_PID, NULL}},
	.run = shell_main,
};
