// SPDX-License-Identifier: GPL-2.0-or-later
// The shell on a terminal: readline's line, and events above it, no faster than a person can read.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/shell/shell.h"

enum { HISTORY_MAX = 10000, TICK_MS = 10 };
static const char PROMPT[] = "(gotrace) ";

// A global, because readline's line handler has no context argument.
static struct shell *prompting;

// --- Showing -------------------------------------------------------------------------------------

static void begin_above(const struct shell *shell)
{
	if (shell->display.is_prompting)
		rl_clear_visible_line();
}

static void end_above(const struct shell *shell)
{
	fflush(stdout);
	if (!shell->display.is_prompting)
		return;
	rl_on_new_line();
	rl_redisplay();
}

void shell_display_tick(struct shell *shell, uint64_t now_ns)
{
	struct shell_display *display = &shell->display;
	if (display->is_held || now_ns - display->second_ns < 1000000000)
		return;
	uint64_t left_out = display->left_out;
	display->second_ns = now_ns;
	display->shown = display->left_out = 0;
	if (!left_out)
		return;
	begin_above(shell);
	printf("... %llu more lines (counted; output FILE keeps all, set lines N shows more)\n",
	       (unsigned long long)left_out);
	end_above(shell);
}

// The length of the part of the text that may still be shown in this second, in whole lines. The
// other lines are counted as left out.
static size_t admit(struct shell_display *display, const char *text, size_t len)
{
	size_t end = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n')
			continue;
		if (display->is_held ||
		    (display->lines_max && display->shown >= display->lines_max)) {
			display->left_out++;
			continue;
		}
		display->shown++;
		end = i + 1;
	}
	return end;
}

void shell_print(struct shell *shell, const char *text, size_t len)
{
	if (shell->is_interactive) {
		shell_display_tick(shell, clock_now());
		len = admit(&shell->display, text, len);
		if (!len)
			return;
	}
	begin_above(shell);
	fwrite(text, 1, len, stdout);
	end_above(shell);
}

void shell_say(struct shell *shell, const char *fmt, ...)
{
	CLEANUP_FREE char *said = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&said, fmt, args) < 0)
		said = NULL;
	va_end(args);
	if (!said)
		return;
	if (!shell->is_interactive) {
		fflush(stdout);
		cli_say("%s", said);
		return;
	}
	begin_above(shell);
	cli_print(stdout, "", said);
	putchar('\n');
	end_above(shell);
}

// --- History -------------------------------------------------------------------------------------

// The path $XDG_STATE_HOME/gotrace/history, by default in ~/.local/state. Makes its folders. The
// caller frees. NULL if neither $XDG_STATE_HOME nor $HOME is an absolute path.
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int len = -1;
	if (state && *state == '/')
		len = asprintf(&path, "%s/gotrace/history", state);
	else if (home && *home == '/')
		len = asprintf(&path, "%s/.local/state/gotrace/history", home);
	if (len < 0)
		return NULL;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	return path;
}

static void load_history(const char *path)
{
	using_history();
	stifle_history(HISTORY_MAX);
	if (path)
		read_history(path);
}

static void keep_line(const char *path, const char *line)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;
	if (!*line || (last && !strcmp(last->line, line)))
		return;
	add_history(line);
	if (!path)
		return;
	int fd;
	struct error *err = output_open(path, &fd);
	if (!err) {
		close(fd);
		append_history(1, path);
	}
	error_free(err);
}

struct error *shell_cmd_history(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	HIST_ENTRY **lines = history_list();
	for (int i = 0; lines && lines[i]; i++)
		fprintf(shell->page, "%5d  %s\n", i + history_base, lines[i]->line);
	return NULL;
}

// --- The prompt ----------------------------------------------------------------------------------

static void say_failed(struct error *err)
{
	printf("%s\n", error_message(err));
	fflush(stdout);
	error_free(err);
}

// Executes the lines of one input, which are several if they were pasted. After an error the rest
// is not executed, because it may depend on the command that failed.
static void execute_lines(struct shell *shell, char *lines)
{
	CLEANUP_FREE char *path = history_path();
	char *rest = lines;
	while (rest && !shell->wants_quit) {
		char *line = strsep(&rest, "\n");
		keep_line(path, line);
		struct error *err = shell_execute(shell, line);
		bool is_over = err || cli_signal;
		if (err)
			say_failed(err);
		size_t left = rest ? strspn(rest, " \t\n") : 0;
		if (!is_over || !rest || !rest[left])
			continue;
		cli_print(stdout, "not executed: ", rest + left);
		putchar('\n');
		return;
	}
}

static void on_line(char *line)
{
	struct shell *shell = prompting;
	shell->display.is_prompting = false;
	rl_callback_handler_remove();
	if (!line) { // Ctrl-D
		puts("");
		shell->wants_quit = true;
		return;
	}
	execute_lines(shell, line);
	free(line);
}

static void begin_line(struct shell *shell)
{
	rl_callback_handler_install(PROMPT, on_line);
	shell->display.is_prompting = true;
}

// Ctrl-C: drops the line that is being typed.
static void clear_line(void)
{
	rl_callback_sigcleanup();
	rl_free_line_state();
	puts("^C");
	rl_replace_line("", 0);
	rl_point = rl_mark = 0;
	rl_on_new_line();
	rl_redisplay();
}

// Reads one character from the terminal. Events are shown before the next one.
static void take_input(void)
{
	rl_callback_read_char();
}

static struct error *turn(struct shell *shell)
{
	bool is_alone = !shell->session || shell->has_ended;
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int ready = poll(&input, 1, is_alone ? 1000 : 0);
	if (ready > 0) {
		// After Ctrl-C, input waits until the line is dropped: it belongs to the next line.
		if (!cli_signal)
			take_input();
		return NULL;
	}
	if (is_alone)
		return NULL;
	// Sleeps until an event comes, but not for long, because the user may type.
	return shell_poll(shell, TICK_MS);
}

struct error *shell_prompt(struct shell *shell)
{
	CLEANUP_FREE char *path = history_path();
	prompting = shell;
	rl_readline_name = "gotrace";
	rl_catch_signals = 0;
	rl_outstream = stdout;
	shell_complete_init(shell);
	load_history(path);
	while (!shell->wants_quit && cli_signal != SIGTERM && cli_signal != SIGHUP) {
		if (!shell->display.is_prompting)
			begin_line(shell);
		if (cli_signal == SIGINT) {
			cli_signal = 0;
			clear_line();
		}
		struct error *err = turn(shell);
		if (err) { // an error of the session; those of commands are already printed
			begin_above(shell);
			say_failed(err);
			end_above(shell);
			error_free(shell_leave(shell, true));
		}
	}
	if (shell->display.is_prompting) {
		rl_callback_handler_remove();
		puts("");
	}
	shell->display.is_prompting = false;
	prompting = NULL;
	return NULL;
}
