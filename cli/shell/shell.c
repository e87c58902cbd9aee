// SPDX-License-Identifier: GPL-2.0-or-later
// The table of commands, and the code that finds and executes them.
#include "cli/shell/shell.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cli/cli.h"

enum { LINE_MAX_BYTES = 1 << 20, SOURCE_DEPTH_MAX = 16, SOURCE_POLL_MS = 10 };

static struct error *cmd_help(struct shell *shell, int argc, char **argv);
static struct error *cmd_quit(struct shell *shell, int argc, char **argv);
static struct error *cmd_source(struct shell *shell, int argc, char **argv);

const struct shell_command shell_commands[] = {
	{"attach", NULL, "PID", "trace this process from here on", shell_cmd_attach, "pids", NULL},
	{"detach", NULL, "", "let the target go; it runs on", shell_cmd_detach, NULL, NULL},
	{"disassemble", NULL, "FUNC", "a function's code, its lines, and where it is probed",
	 shell_cmd_disassemble, "functions", NULL},
	{"format", NULL, "NAME", "how events are shown", shell_cmd_format, "formats", NULL},
	{"funcs", NULL, "[PATTERN...]", "functions and their signatures", shell_cmd_funcs,
	 "functions", NULL},
	{"goroutines", NULL, "", "goroutines that called, their last function, and who began them",
	 shell_cmd_goroutines, NULL, NULL},
	{"help", "h", "[COMMAND]", "what commands there are, or what one does", cmd_help,
	 "commands", NULL},
	{"hist", NULL, "FUNC", "how long a function's calls took", shell_cmd_hist, "functions",
	 NULL},
	{"history", NULL, "", "the lines typed so far", shell_cmd_history, NULL, NULL},
	{"info", NULL, "[FUNC]", "the target, or a function: its place, its arguments', its probes",
	 shell_cmd_info, "functions", NULL},
	{"kill", NULL, "", "end the target (SIGKILL)", shell_cmd_kill, NULL, NULL},
	{"off", NULL, "ID", "pause a trace: its probes stay", shell_cmd_off, "traces", NULL},
	{"on", NULL, "ID", "go on with a trace that was paused", shell_cmd_on, "traces", NULL},
	{"output", NULL, "FILE|-", "where events go; - is here", shell_cmd_output, "files", NULL},
	{"quit", "exit", "", "leave; the target runs on", cmd_quit, NULL, NULL},
	{"run", NULL, "PATTERN... -- PROG ARG...",
	 "start a program and trace it from its first instruction", shell_cmd_run, "functions",
	 NULL},
	{"save", NULL, "FILE", "write the settings and traces as commands, for source",
	 shell_cmd_save, "files", NULL},
	{"set", NULL, "[NAME [VALUE]]", "show or change a setting", shell_cmd_set, "settings",
	 "Settings are the options of gotrace attach without their dashes. Those of a trace (no-args, no-return, "
	 "sample, rate, count) hold for the traces that follow. With depth, strlen, items, stack, creator, backend, "
	 "buffer and max-overhead, all traces are armed again."},
	{"source", NULL, "FILE", "execute the commands in a file", cmd_source, "files", NULL},
	{"stats", NULL, "[PATTERN...|reset]", "calls, errors and durations by function",
	 shell_cmd_stats, "functions", NULL},
	{"trace", NULL, "PATTERN... [OPTION...]",
	 "trace functions; patterns and options as gotrace attach has them", shell_cmd_trace,
	 "functions",
	 "It goes on in the background: events print as they come. --count N and --duration TIME end it by "
	 "itself."},
	{"traces", NULL, "", "the traces there are", shell_cmd_traces, NULL, NULL},
	{"types", NULL, "[PATTERN]", "types and their sizes", shell_cmd_types, "types", NULL},
	{"untrace", NULL, "ID|PATTERN...", "take probes off", shell_cmd_untrace, "functions", NULL},
	{"watch", NULL, "[SECONDS]", "follow the traces until Ctrl-C, or for so long",
	 shell_cmd_watch, NULL, NULL},
	{"whatis", NULL, "TYPE|FUNC", "a type's fields, sizes and offsets; a function's signature",
	 shell_cmd_whatis, "types", NULL},
	{0},
};

// --- Commands ------------------------------------------------------------------------------------

static bool begins(const char *name, const char *beginning)
{
	return name && !strncmp(name, beginning, strlen(beginning));
}

static bool is_called(const struct shell_command *command, const char *name)
{
	return !strcmp(command->name, name) || (command->also && !strcmp(command->also, name));
}

const struct shell_command *shell_find(const char *name, struct error **err)
{
	const struct shell_command *found = NULL, *second = NULL;
	for (const struct shell_command *command = shell_commands; command->name; command++) {
		if (is_called(command, name))
			return command;
		if (!begins(command->name, name) && !begins(command->also, name))
			continue;
		if (!found)
			found = command;
		else if (!begins(command->name, found->name))
			second = command;
	}
	if (!found)
		*err = error_new("no command '%s': see help", name);
	else if (second)
		*err = error_new("'%s' is %s or %s: write more of it", name, found->name,
				 second->name);
	return second ? NULL : found;
}

static struct error *escape(struct shell *shell, const char *command)
{
	int status = shell_system(shell, command, -1);
	if (status < 0)
		return error_errno(errno, "%s", command);
	return status ? error_new("%s: exit status %d", command, status) : NULL;
}

struct error *shell_execute(struct shell *shell, const char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#')
		return NULL;
	if (*line == '!')
		return escape(shell, line + 1);
	int argc;
	char **argv;
	struct error *err = shell_words(line, &argc, &argv);
	if (err)
		return err;
	// The command's answer includes everything that was recorded until now.
	if (argc && shell->session && !shell->has_ended)
		err = session_catch_up(shell->session);
	const struct shell_command *command = err ? NULL : shell_find(argv[0], &err);
	if (command) {
		char *typed = argv[0];
		argv[0] = (char *)command->name;
		err = command->run(shell, argc, argv);
		argv[0] = typed;
	}
	shell_words_free(argc, argv);
	return err;
}

// Reads one line, without its newline. *is_over is true at the end of the file. The length is
// limited, because a device may have no newline at all.
static struct error *read_line(FILE *file, struct text *line, bool *is_over)
{
	text_reset(line);
	int c;
	while ((c = getc(file)) != EOF && c != '\n') {
		if (line->len == LINE_MAX_BYTES)
			return error_new("a line of more than %d bytes", LINE_MAX_BYTES);
		text_putc(line, (char)c);
	}
	*is_over = c == EOF && !line->len;
	return line->failed ? error_nomem() : NULL;
}

// Handles events until there is something to read from a pipe or a terminal.
static struct error *wait_for_line(struct shell *shell, FILE *file)
{
	struct pollfd input = {.fd = fileno(file), .events = POLLIN};
	struct error *err = NULL;
	while (!err && !cli_signal && input.fd >= 0) {
		bool is_alone = !shell->session || shell->has_ended;
		if (poll(&input, 1, is_alone ? -1 : 0) != 0)
			break;
		err = shell_poll(shell, SOURCE_POLL_MS);
	}
	return err;
}

struct error *shell_source(struct shell *shell, FILE *file, const char *name, unsigned *number)
{
	if (shell->depth == SOURCE_DEPTH_MAX)
		return error_new("%s: sourced from itself", name);
	shell->depth++;
	struct text line;
	text_init(&line);
	bool is_over = false;
	struct error *err = NULL;
	struct stat kind;
	bool may_wait = fileno(file) >= 0 && !fstat(fileno(file), &kind) && !S_ISREG(kind.st_mode);
	if (may_wait)
		setvbuf(file, NULL, _IONBF, 0); // so that poll() sees all that is not read yet
	while (!err && !shell->wants_quit && !cli_signal) {
		err = may_wait ? wait_for_line(shell, file) : NULL;
		if (err)
			break;
		err = read_line(file, &line, &is_over);
		if (is_over)
			break;
		++*number;
		if (err) {
			err = error_wrap(err, "%s:%u", name, *number);
			break;
		}
		err = shell_execute(shell, text_string(&line));
		if (!err)
			err = shell_poll(shell, 0);
		if (err)
			err = error_wrap(err, "%s:%u", name, *number);
		if (err && shell->keeps_going) {
			cli_fail(err);
			err = NULL;
			shell->has_failed = true;
		}
	}
	text_deinit(&line);
	shell->depth--;
	return err;
}

static struct error *cmd_source(struct shell *shell, int argc, char **argv)
{
	if (argc != 2)
		return error_new("source: of which file?");
	CLEANUP_FCLOSE FILE *file = fopen(argv[1], "re");
	if (!file)
		return error_errno(errno, "%s", argv[1]);
	unsigned number = 0;
	return shell_source(shell, file, argv[1], &number);
}

static struct error *cmd_quit(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	shell->wants_quit = true;
	return NULL;
}

static struct error *help_one(const char *name)
{
	struct error *err = NULL;
	const struct shell_command *command = shell_find(name, &err);
	if (!command)
		return err;
	printf("%s %s\n    %s\n", command->name, command->args, command->summary);
	if (command->detail)
		printf("\n%s\n", command->detail);
	if (!strcmp(command->name, "trace")) {
		putchar('\n');
		options_help(command_find("attach"), true, stdout);
	}
	return NULL;
}

static struct error *cmd_help(struct shell *shell, int argc, char **argv)
{
	if (argc > 1)
		return help_one(argv[1]);
	FILE *page = shell_page(shell);
	for (const struct shell_command *command = shell_commands; command->name; command++) {
		int width = fprintf(page, "%s %s", command->name, command->args);
		fprintf(page, "%*s %s\n", width < 36 ? 36 - width : 0, "", command->summary);
	}
	fputs("!CMD                                 execute CMD by the system's shell\n\n"
	      "A command's beginning is enough if it is the only one's. help COMMAND shows more.\n",
	      page);
	shell_page_end(shell, page);
	return NULL;
}
