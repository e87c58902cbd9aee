// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace shell: an interactive session, or scripts of the shell's commands.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/shell/shell.h"
#include "tracer/backend/privileges.h"

enum { LINES_A_SECOND = 50 }; // as many as a person can read

// The argument of one -x or -e. The array has the order of the command line.
struct script {
	bool is_file;
	const char *text;
};

struct arguments {
	const char *pid;
	struct script *scripts;
	size_t num_scripts;
	bool keeps_going;
	int verbosity;
};

enum { OPT_KEEP_GOING = 256 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case 'x':
	case 'e':
		arguments->scripts[arguments->num_scripts++] =
			(struct script){.is_file = key == 'x', .text = arg};
		return 0;
	case OPT_KEEP_GOING:
		arguments->keeps_going = true;
		return 0;
	case 'q':
		arguments->verbosity = -1;
		return 0;
	case 'v':
		arguments->verbosity = 1;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->pid)
			argp_error(state, "one process at a time");
		arguments->pid = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

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
static struct error *run(struct shell *shell, const struct arguments *arguments)
{
	struct error *err = NULL;
	unsigned number = 0, line = 0;
	for (size_t i = 0; i < arguments->num_scripts && !err && !shell->wants_quit; i++) {
		const struct script *script = &arguments->scripts[i];
		err = script->is_file ? run_file(shell, script->text)
				      : run_words(shell, script->text, &number);
	}
	if (err || arguments->num_scripts)
		return err;
	return shell->is_interactive ? shell_prompt(shell)
				     : shell_source(shell, stdin, "standard input", &line);
}

static int shell_main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"execute", 'e', "COMMAND", 0, "Execute COMMAND, then leave; may be repeated", 0},
		{"script", 'x', "FILE", 0, "Execute the commands in FILE, then leave", 0},
		{"keep-going", OPT_KEEP_GOING, NULL, 0,
		 "Go on after an error in a script (the exit status still tells)", 0},
		{"quiet", 'q', NULL, 0, "Say nothing on standard error but errors", 0},
		{"verbose", 'v', NULL, 0, "Say more on standard error", 0},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[PID]",
		.doc = "Explore a running Go program: look for functions, turn tracing of some on and off, look at counts and "
		       "durations, leave; it runs on. help lists the commands. Not on a terminal, or with -e or -x, "
		       "it is a script's interpreter: the first error ends it with status 2.\v"
		       "Example: gotrace shell $(pidof server)",
	};
	CLEANUP_FREE struct script *scripts = calloc((size_t)argc, sizeof(*scripts));
	struct arguments arguments = {.scripts = scripts};
	if (!scripts)
		return cli_fail(error_nomem());
	cli_parse(&argp, argc, argv, NULL, &arguments);
	cli_set_verbosity(arguments.verbosity);
	cli_catch_signals();
	uint64_t pid = 0;
	if (arguments.pid && !parse_number(arguments.pid, INT32_MAX, &pid))
		return cli_fail(error_new("%s: not a PID", arguments.pid)), EXIT_USAGE;
	struct shell shell = {
		.is_interactive =
			!arguments.num_scripts && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
		.keeps_going = arguments.keeps_going,
		.display.lines_max = LINES_A_SECOND,
	};
	trace_options_init(&shell.options);
	struct error *err = privileges_keep(PRIVILEGES_SHELL);
	if (!err && pid)
		err = shell_attach(&shell, (pid_t)pid);
	if (err)
		return cli_fail(err);
	err = run(&shell, &arguments);
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

const struct command command_shell = {"shell", "an interactive session, or a script of it",
				      shell_main};
