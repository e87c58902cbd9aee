// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace top: a live table of the functions that take the most time.
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands/aggregate.h"

enum { TOP_ROWS = 40 };

// The size of the terminal; TOP_ROWS rows of any width if it does not know its size.
static struct winsize top_size(int out)
{
	struct winsize size = {0};
	if (!ioctl(out, TIOCGWINSZ, &size) && size.ws_row > 2 && size.ws_col)
		return size;
	return (struct winsize){.ws_row = TOP_ROWS, .ws_col = UINT16_MAX};
}

// Writes the table over the one before. Clearing the screen first would flicker, and some terminals
// keep each cleared screen in their scrollback.
static void put_in_place(const struct text *table, struct text *out)
{
	text_puts(out, "\033[H");
	for (size_t i = 0; i < table->len; i++) {
		if (table->data[i] == '\n')
			text_puts(out, "\033[K");
		text_putc(out, table->data[i]);
	}
	text_puts(out, "\033[J");
	out->failed |= table->failed;
}

static void print_top(const struct options *options, const struct aggregates *aggregates,
		      bool is_last, struct text *text)
{
	int out = options->session.look.out;
	if (!isatty(out)) {
		aggregates_print_top(aggregates, SIZE_MAX, SIZE_MAX, text);
		if (!is_last)
			text_putc(text, '\n');
		return;
	}
	struct winsize size = top_size(out);
	struct text table;
	text_init(&table);
	if (is_last)
		aggregates_print_top(aggregates, SIZE_MAX, SIZE_MAX, &table);
	else
		aggregates_print_top(aggregates, size.ws_row - 2u, size.ws_col, &table);
	put_in_place(&table, text);
	text_deinit(&table);
}

static int top_main(struct options *options)
{
	static const struct aggregate_command command = {
		.event = "top",
		.has_errors = true,
		.has_histogram = true,
		.has_order = true,
		.print = print_top,
	};
	if (!options->interval_ns)
		options->interval_ns = NS_PER_SECOND;
	return aggregate_main(options, &command);
}

const struct command command_top = {
	.name = "top",
	.summary = "a live table of the functions that take the time",
	.args = "PID PATTERN...\nPATTERN... -- PROG ARG...",
	.doc = "A table of the functions that PATTERNs select, or of the keys of --by: calls, "
	       "errors, durations; refreshed each second.\v"
	       "Example: gotrace top 4711 'main.*' --sort p99",
	.words = {WORD_OF_PID, WORD_OF_PATTERNS},
	.before_program = WORD_OF_PATTERNS,
	.run = top_main,
};
