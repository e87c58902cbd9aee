// SPDX-License-Identifier: GPL-2.0-or-later
// Long answers and other programs. The session goes on while a pager or a command of the system
// uses the terminal.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/shell/shell.h"
#include "tracer/backend/privileges.h"

enum { WAIT_MS = 10, NOT_FOUND = 127, ROWS = 24, COLUMNS = 80 };

// Waits for the process to end. Events are not shown in the meantime, because that process has the
// terminal. Ctrl-C is for that process, so the shell ignores it.
static int wait_for(struct shell *shell, pid_t pid)
{
	struct error *err = NULL;
	int status;
	shell->display.is_held = shell->is_interactive;
	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);
		if (ended == pid || (ended < 0 && errno != EINTR))
			break;
		if (cli_signal == SIGINT && shell->is_interactive)
			cli_signal = 0;
		if (!err && shell->session && !shell->has_ended)
			err = shell_poll(shell, WAIT_MS);
		else
			usleep(WAIT_MS * 1000);
	}
	shell->display.is_held = false;
	if (cli_signal == SIGINT && shell->is_interactive)
		cli_signal = 0;
	if (err)
		cli_fail(err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int shell_system(struct shell *shell, const char *command, int in)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		if (in >= 0) // a pager
			error_free(privileges_keep(PRIVILEGES_NONE));
		if (in < 0 || dup2(in, STDIN_FILENO) >= 0)
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(NOT_FOUND);
	}
	return pid < 0 ? -1 : wait_for(shell, pid);
}

FILE *shell_page(struct shell *shell)
{
	fflush(stdout);
	FILE *page = shell->is_interactive ? tmpfile() : NULL;
	return page ? page : stdout;
}

// True if the whole page fits the screen.
static bool fits(FILE *page)
{
	struct winsize size = {0};
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	// A serial line or a pseudoterminal may not know its size, which is 0 then.
	unsigned rows_max = size.ws_row ? size.ws_row : ROWS;
	unsigned columns_max = size.ws_col ? size.ws_col : COLUMNS;
	unsigned rows = 0, columns = 0;
	int c;
	rewind(page);
	while ((c = getc(page)) != EOF && rows + 1 < rows_max) {
		if (c == '\n' || ++columns > columns_max) {
			rows++;
			columns = 0;
		}
	}
	rewind(page);
	return c == EOF;
}

static void copy(FILE *from, FILE *to)
{
	char bytes[4096];
	size_t len;
	rewind(from);
	while ((len = fread(bytes, 1, sizeof(bytes), from)) > 0)
		fwrite(bytes, 1, len, to);
}

void shell_page_end(struct shell *shell, FILE *page)
{
	if (page == stdout) {
		fflush(stdout);
		return;
	}
	const char *pager = getenv("PAGER");
	if (!pager || !*pager)
		pager = "less";
	fflush(page);
	bool is_short = fits(page);
	if (!is_short)
		lseek(fileno(page), 0, SEEK_SET);
	int status = is_short ? 0 : shell_system(shell, pager, fileno(page));
	if (is_short || status < 0 || status == NOT_FOUND)
		copy(page, stdout);
	fclose(page);
	fflush(stdout);
}
