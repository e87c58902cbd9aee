// SPDX-License-Identifier: GPL-2.0-or-later
// Messages that contain words from outside are made printable before they reach a terminal.
#include <stdbool.h>
#include <string.h>

#include "base/rune.h"
#include "cli/cli.h"

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

// argp and getopt write their messages in pieces. The piece with argp's advice ("Try ...") may have
// several lines. In any other piece, a newline before the end belongs to a word of the command
// line.
static ssize_t write_printable(void *out, const char *bytes, size_t len)
{
	static const char advice[] = "Try ";
	struct text text;
	text_init(&text);
	text_append(&text, bytes, len);
	if (len >= sizeof(advice) && !memcmp(bytes, advice, sizeof(advice) - 1)) {
		cli_print(out, "", text_string(&text));
	} else {
		bool is_line = len && bytes[len - 1] == '\n';
		text.len -= is_line;
		rune_disarm(&text, 0);
		fprintf(out, "%.*s%s", (int)text.len, text_string(&text), is_line ? "\n" : "");
	}
	text_deinit(&text);
	return (ssize_t)len;
}

error_t cli_argp(const struct argp *argp, int argc, char **argv, unsigned flags, int *arg_index,
		 void *input)
{
	// argp and getopt repeat words of the command line, which may be file names that a glob
	// expanded to.
	FILE *plain = stderr;
	FILE *printable =
		fopencookie(plain, "w", (cookie_io_functions_t){.write = write_printable});
	if (printable) {
		setvbuf(printable, NULL, _IONBF, 0);
		stderr = printable;
	}
	error_t failed = argp_parse(argp, argc, argv, flags, arg_index, input);
	stderr = plain;
	if (printable)
		fclose(printable);
	return failed;
}
