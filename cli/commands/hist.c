// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace hist: how long calls take, or how large a value is.
#include <stdlib.h>
#include <string.h>

#include "cli/commands/aggregate.h"

// Sets *out if the word is an expression such as "n", "req.Size" or "len(p) * 8". Patterns rarely
// are. A method's name such as "main.(*T).Get" is a pattern, although it reads as a type assertion.
static struct error *looks_like_value(const char *word, bool *out)
{
	char *reason;
	struct error *err = expr_check(word, &reason);
	*out = !err && !reason && !strstr(word, ".(");
	free(reason);
	return err;
}

// Takes the last word as the value if it is an expression and selects no function. "duration" is
// the default value.
static struct error *take_value(struct options *options, struct session *session,
				struct session_request *request)
{
	struct aggregate_options *aggregate = &options->aggregate;
	if (request->num_patterns < 2 || aggregate->value)
		return NULL;
	char *const *last = &request->patterns[request->num_patterns - 1];
	bool is_value;
	struct error *err = looks_like_value(*last, &is_value);
	if (err || !is_value)
		return err;
	struct selection selection;
	err = select_functions(session_index(session), last, 1, &selection);
	if (!err) {
		selection_deinit(&selection);
		return NULL;
	}
	error_free(err);
	request->num_patterns--;
	if (strcmp(*last, "duration"))
		aggregate->value = *last;
	return NULL;
}

static void print_histograms(const struct options *options, const struct aggregates *aggregates,
			     bool is_last, struct text *out)
{
	(void)options;
	(void)is_last;
	aggregates_print_histograms(aggregates, out);
}

static int hist_main(struct options *options)
{
	static const struct aggregate_command command = {
		.event = "hist",
		.has_histogram = true,
		.begin = take_value,
		.print = print_histograms,
	};
	return aggregate_main(options, &command);
}

const struct command command_hist = {
	.name = "hist",
	.summary = "how long calls take, or how large a value is",
	.args = "PID PATTERN... [EXPR]\nPATTERN... [EXPR] -- PROG ARG...",
	.doc = "Histograms of the durations of calls, or of an integer EXPR of theirs, with the "
	       "bounds of p50, p90 and p99.\v"
	       "Example: gotrace hist 4711 'main.(*Store).Get' --by name, gotrace hist 4711 "
	       "main.read 'len(p)'",
	.words = {WORD_OF_PID, WORD_OF_PATTERNS},
	.before_program = WORD_OF_PATTERNS,
	.run = hist_main,
};
