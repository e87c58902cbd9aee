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

static shell_run cmd_help, cmd_quit, cmd_source;

#define WORDS(least, most, text) .min = (least), .max = (most), .asks = (text)

// clang-format off
const struct shell_command shell_commands[] = {
	{"attach", .args = "PID", .summary = "trace this process from here on",
	 .run = shell_cmd_attach, WORDS(1, 1, "to which process? Give its PID"), .completes = "pids"},
	{"detach", .args = "", .summary = "let the target go; it runs on", .run = shell_cmd_detach,
	 .needs = NEEDS_TARGET},
	{"disassemble", .args = "FUNC",
	 .summary = "a function's code, its lines, and where it is probed",
	 .run = shell_cmd_disassemble, .needs = NEEDS_TARGET, .is_long = true,
	 WORDS(1, 1, "which function?"), .completes = "functions"},
	{"format", .args = "NAME", .summary = "how events are shown", .run = shell_cmd_format,
	 .completes = "formats"},
	{"funcs", .args = "[PATTERN...]", .summary = "functions and their signatures",
	 .run = shell_cmd_funcs, .needs = NEEDS_TARGET, .is_long = true, .completes = "functions"},
	{"goroutines", .args = "",
	 .summary = "goroutines that called, their last function, and who began them",
	 .run = shell_cmd_goroutines, .needs = NEEDS_TARGET, .is_long = true},
	{"help", .also = "h", .args = "[COMMAND]",
	 .summary = "what commands there are, or what one does", .run = cmd_help, .is_long = true,
	 .completes = "commands"},
	{"hist", .args = "FUNC", .summary = "how long a function's calls took",
	 .run = shell_cmd_hist, .needs = NEEDS_TARGET, .is_long = true,
	 WORDS(1, 0, "of which function?"), .completes = "functions"},
	{"history", .args = "", .summary = "the lines typed so far", .run = shell_cmd_history,
	 .is_long = true},
	{"info", .args = "[FUNC]",
	 .summary = "the target, or a function: its place, its arguments', its probes",
	 .run = shell_cmd_info, .needs = NEEDS_TARGET, .is_long = true,
	 WORDS(0, 1, "one function at a time"), .completes = "functions"},
	{"kill", .args = "", .summary = "end the target (SIGKILL)", .run = shell_cmd_kill,
	 .needs = NEEDS_RUNNING},
	{"off", .args = "ID", .summary = "pause a trace: its probes stay", .run = shell_cmd_off,
	 .needs = NEEDS_RUNNING, WORDS(1, 0, "which trace? Give its ID (traces lists them)"),
	 .completes = "traces"},
	{"on", .args = "ID", .summary = "go on with a trace that was paused", .run = shell_cmd_on,
	 .needs = NEEDS_RUNNING, WORDS(1, 0, "which trace? Give its ID (traces lists them)"),
	 .completes = "traces"},
	{"output", .args = "FILE|-", .summary = "where events go; - is here",
	 .run = shell_cmd_output, WORDS(1, 1, "to which file? - is here"), .completes = "files"},
	{"quit", .also = "exit", .args = "", .summary = "leave; the target runs on",
	 .run = cmd_quit},
	{"run", .args = "PATTERN... -- PROG ARG...",
	 .summary = "start a program and trace it from its first instruction",
	 .run = shell_cmd_run, .completes = "functions"},
	{"save", .args = "FILE", .summary = "write the settings and traces as commands, for source",
	 .run = shell_cmd_save, WORDS(1, 1, "to which file?"), .completes = "files"},
	{"set", .args = "[NAME [VALUE]]", .summary = "show or change a setting",
	 .run = shell_cmd_set, .completes = "settings",
	 .detail = "Settings are the options of gotrace attach without their dashes. Those of a trace "
		   "(no-args, no-return, sample, rate, count) hold for the traces that follow. With "
		   "depth, strlen, items, stack, creator, backend, buffer and max-overhead, all traces "
		   "are armed again."},
	{"source", .args = "FILE", .summary = "execute the commands in a file", .run = cmd_source,
	 WORDS(1, 1, "of which file?"), .completes = "files"},
	{"stats", .args = "[PATTERN...|reset]",
	 .summary = "calls, errors and durations by function", .run = shell_cmd_stats,
	 .needs = NEEDS_TARGET, .is_long = true, .completes = "functions"},
	{"trace", .args = "PATTERN... [OPTION...]",
	 .summary = "trace functions; patterns and options as gotrace attach has them",
	 .run = shell_cmd_trace, .needs = NEEDS_RUNNING, .completes = "functions",
	 .detail = "It goes on in the background: events print as they come. --count N and "
		   "--duration TIME end it by itself."},
	{"traces", .args = "", .summary = "the traces there are", .run = shell_cmd_traces,
	 .is_long = true},
	{"types", .args = "[PATTERN]", .summary = "types and their sizes", .run = shell_cmd_types,
	 .needs = NEEDS_TARGET, .is_long = true, WORDS(0, 1, "one pattern"), .completes = "types"},
	{"untrace", .args = "ID|PATTERN...", .summary = "take probes off",
	 .run = shell_cmd_untrace, .needs = NEEDS_RUNNING,
	 WORDS(1, 0, "which trace? Give its ID (traces lists them) or patterns"),
	 .completes = "functions"},
	{"watch", .args = "[SECONDS]", .summary = "follow the traces until Ctrl-C, or for so long",
	 .run = shell_cmd_watch, .needs = NEEDS_TARGET},
	{"whatis", .args = "TYPE|FUNC",
	 .summary = "a type's fields, sizes and offsets; a function's signature",
	 .run = shell_cmd_whatis, .needs = NEEDS_TARGET, .is_long = true,
	 WORDS(1, 1, "of which type or function?"), .completes = "types"},
	{0},
};
// clang-format on

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

static struct error *run(struct shell *shell, const struct shell_command *command, int argc,
			 char **argv)
{
	int num = argc - 1;
	if (command->needs && !shell->session)
		return error_new("no target: attach PID, or run PATTERN... -- PROG");
	if (command->needs == NEEDS_RUNNING && shell->has_ended)
		return error_new("%s: the target has ended", command->name);
	if (num < command->min || (command->max && num > command->max))
		return error_new("%s: %s", command->name, command->asks);
	if (!command->is_long)
		return command->run(shell, argc, argv);
	shell->page = shell_page(shell);
	struct error *err = command->run(shell, argc, argv);
	shell_page_end(shell, shell->page);
	return err;
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
		err = run(shell, command, argc, argv);
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
	(void)argc;
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

static struct error *help_one(const char *name, FILE *page)
{
	struct error *err = NULL;
	const struct shell_command *command = shell_find(name, &err);
	if (!command)
		return err;
	fprintf(page, "%s %s\n    %s\n", command->name, command->args, command->summary);
	if (command->detail)
		fprintf(page, "\n%s\n", command->detail);
	if (!strcmp(command->name, "trace")) {
		fputc('\n', page);
		options_help(command_find("attach"), true, page);
	}
	return NULL;
}

static struct error *cmd_help(struct shell *shell, int argc, char **argv)
{
	FILE *page = shell->page;
	if (argc > 1)
		return help_one(argv[1], page);
	for (const struct shell_command *command = shell_commands; command->name; command++) {
		int width = fprintf(page, "%s %s", command->name, command->args);
		fprintf(page, "%*s %s\n", width < 36 ? 36 - width : 0, "", command->summary);
	}
	fputs("!CMD                                 execute CMD by the system's shell\n\n"
	      "A command's beginning is enough if it is the only one's. help COMMAND shows more.\n",
	      page);
	return NULL;
}
