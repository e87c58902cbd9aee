// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rune.h"

volatile sig_atomic_t cli_signal, cli_hurry;
static int verbosity; // set once, from the command line

static void note_signal(int number)
{
	cli_hurry = cli_signal != 0;
	cli_signal = number;
}

void cli_catch_signals(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	// Without SA_RESTART, so that a signal ends a blocked write. All signals are blocked in the
	// meantime: one that came in the middle of note_signal() would be taken for the first.
	struct sigaction action = {.sa_handler = note_signal};
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void print_log(enum log_level level, const char *message)
{
	cli_print(stderr, level == LOG_WARNING ? "gotrace: warning: " : "gotrace: ", message);
	fputc('\n', stderr);
}

// Overwrites one line of the terminal with the progress of work that takes more than a second.
static void print_progress(const char *what, size_t done, size_t total)
{
	static uint64_t start_ns;
	static size_t last_total, next;
	static bool is_shown;
	if (done < next && done < total && total == last_total)
		return;
	uint64_t now_ns = clock_now();
	if (total != last_total) {
		start_ns = now_ns;
		last_total = total;
	}
	next = done + total / 200 + 1;
	if (done < total && now_ns - start_ns > NS_PER_SECOND) {
		fprintf(stderr, "\rgotrace: %zu of %zu %s", done, total, what);
		is_shown = true;
	} else if (done >= total && is_shown) {
		fputs("\r\033[K", stderr);
		is_shown = false;
	}
	if (done >= total)
		last_total = next = 0;
}

void cli_set_verbosity(int value)
{
	log_progress_to(value >= 0 && isatty(STDERR_FILENO) ? print_progress : NULL);
	verbosity = value;
	log_to(value < 0 ? NULL : print_log, value > 0 ? LOG_INFO : LOG_WARNING);
	if (getenv("GOTRACE_DEBUG"))
		log_to(print_log, LOG_DEBUG);
}

void cli_say(const char *fmt, ...)
{
	if (verbosity < 0)
		return;
	va_list args;
	va_start(args, fmt);
	char *message;
	if (vasprintf(&message, fmt, args) >= 0) {
		cli_print(stderr, "gotrace: ", message);
		fputc('\n', stderr);
		free(message);
	}
	va_end(args);
}

// True if the message is about a pattern that is the name of a file in this folder and of no
// function: the shell has expanded "gotrace attach PID *", which has no quotes.
static bool is_of_shell(const char *message)
{
	static const char before[] = "no function has the name '";
	const char *name = strstr(message, before);
	const char *end = name ? strchr(name + strlen(before), '\'') : NULL;
	if (!end)
		return false;
	name += strlen(before);
	char *path = strndup(name, (size_t)(end - name));
	bool is_file = path && !access(path, F_OK);
	free(path);
	return is_file;
}

int cli_fail(struct error *err)
{
	cli_print(stderr, "gotrace: ", error_message(err));
	if (is_of_shell(error_message(err)))
		fputs("; a file here has that name: where the shell has put it in a pattern's place, "
		      "quote the pattern, such as '*'",
		      stderr);
	fputc('\n', stderr);
	error_free(err);
	return EXIT_REFUSED;
}

void cli_print(FILE *out, const char *before, const char *message)
{
	struct text text;
	text_init(&text);
	text_puts(&text, before);
	for (const char *line = message;; line++) {
		size_t start = text.len, len = strcspn(line, "\n");
		text_append(&text, line, len);
		rune_disarm(&text, start);
		line += len;
		if (!*line)
			break;
		text_putc(&text, '\n');
	}
	fputs(text_string(&text), out);
	text_deinit(&text);
}

void cli_say_text(const struct text *text)
{
	size_t len = text->len;
	while (len && text->data[len - 1] == '\n')
		len--;
	if (len)
		cli_say("%.*s", (int)len, text->data);
}
