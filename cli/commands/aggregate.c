// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/commands/aggregate.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"
#include "cli/drive.h"
#include "cli/output.h"

struct counting {
	struct options *options;
	const struct aggregate_command *command;
	struct aggregates aggregates;
};

static struct error *show(const struct options *options, struct text *text)
{
	struct error *err =
		output_text(options->session.look.out, text, &cli_signal, "writing", NULL);
	text_deinit(text);
	return err;
}

static struct error *read_and_print(struct counting *counting, struct session *session,
				    bool is_last)
{
	const struct aggregate_command *command = counting->command;
	const struct options *options = counting->options;
	struct aggregates *aggregates = &counting->aggregates;
	struct wire_aggregate_lost lost = {0};
	aggregates_begin(aggregates, clock_now());
	struct error *err = session_aggregates(session, aggregates_add, aggregates, &lost);
	if (err)
		return err;
	aggregates->lost = lost;
	aggregates_sort(aggregates, command->has_order ? options->order : AGGREGATE_BY_CALLS);
	struct text text;
	text_init(&text);
	if (options->is_json)
		aggregates_print_json(aggregates, command->event, is_last, &text);
	else
		command->print(options, aggregates, is_last, &text);
	return show(options, &text);
}

static struct error *begin(void *context, struct session *session, struct session_request *request)
{
	struct counting *counting = context;
	return counting->command->begin
		       ? counting->command->begin(counting->options, session, request)
		       : NULL;
}

static struct error *armed(void *context, struct session *session)
{
	struct counting *counting = context;
	aggregates_init(&counting->aggregates, session_loaded(session), clock_now());
	counting->aggregates.is_as_in_file = session_is_as_in_file;
	counting->aggregates.context = session;
	return NULL;
}

static struct error *interval(void *context, struct session *session)
{
	return read_and_print(context, session, false);
}

// Prints the counts, and on stderr what they lack; in JSON also as a line of the output.
static struct error *end(void *context, struct session *session, size_t num_functions)
{
	struct counting *counting = context;
	struct error *err = read_and_print(counting, session, true);
	if (err)
		return err;
	struct text text;
	text_init(&text);
	aggregates_print_summary(&counting->aggregates, num_functions, false, &text);
	cli_say_text(&text);
	text_reset(&text);
	if (counting->options->is_json)
		aggregates_print_summary(&counting->aggregates, num_functions, true, &text);
	return show(counting->options, &text);
}

int aggregate_main(struct options *options, const struct aggregate_command *command)
{
	struct counting counting = {.options = options, .command = command};
	struct drive_counter counter = {&counting, begin, armed, interval, end};
	struct aggregate_options *aggregate = &options->aggregate;
	aggregate->has_errors = command->has_errors;
	aggregate->has_histogram = command->has_histogram;
	options->session.plan.counting = aggregate;
	if (getrandom(aggregate->seed, sizeof(aggregate->seed), 0) < 0)
		return cli_fail(error_errno(errno, "getting random numbers"));
	int status = drive(options, &counter);
	aggregates_deinit(&counting.aggregates);
	return status;
}
