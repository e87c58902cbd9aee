// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace replay: a trace that was kept with --save, shown again, in any format.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "tracer/event/capture_file.h"
#include "tracer/report.h"

enum { FLUSH_BYTES = 256 * 1024 };

struct arguments {
	struct trace_options trace;
	const char *file, *exe;
};

struct replay {
	struct capture_reader *reader;
	struct index *index;
	struct plan *plan;
	struct report *report;
	int out;
	uint64_t last_ns; // of the newest record
	bool is_finished, is_closed;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->trace;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->exe)
			argp_error(state, "one FILE, and one EXECUTABLE at the most");
		*(arguments->file ? &arguments->exe : &arguments->file) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->file)
			argp_error(state, "which FILE? Give one that --save wrote");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static struct error *open_executable(struct replay *replay, const char *exe)
{
	const struct capture_head *head = capture_reader_head(replay->reader);
	if (!exe)
		exe = head->exe;
	struct error *err = index_open(exe, exe, "", &replay->index);
	if (err)
		return error_wrap(
			err,
			"the traced executable (name it behind the file if it is elsewhere now)");
	char *build_id CLEANUP_FREE = capture_build_id(index_image(replay->index));
	if (!build_id)
		return error_nomem();
	if (strcmp(build_id, head->build_id))
		return error_new(
			"%s: is not the executable that was traced, but another build of it", exe);
	return NULL;
}

static struct error *replay_open(struct replay *replay, const struct arguments *arguments)
{
	struct error *err = capture_reader_open(arguments->file, &replay->reader);
	if (!err)
		err = open_executable(replay, arguments->exe);
	const struct capture_head *head = err ? NULL : capture_reader_head(replay->reader);
	if (!err)
		err = plan_create(replay->index, &head->options, &replay->plan);
	if (err)
		return err;
	const struct session_options *session = &arguments->trace.session;
	struct report_options options = {
		.sink = session->sink,
		.timestamps = session->timestamps,
		.color = session->color,
		.no_args = head->options.no_args,
		.pid = head->pid,
		.bias = head->bias,
		.start_ns = head->start_ns,
		.wall_offset_ns = head->wall_offset_ns,
	};
	replay->out = session->out;
	return report_create(replay->plan, &options, &replay->report);
}

static struct error *flush(struct replay *replay)
{
	struct text *out = report_text(replay->report);
	for (size_t done = 0; done < out->len && !replay->is_closed;) {
		ssize_t len = write(replay->out, out->data + done, out->len - done);
		if (len >= 0)
			done += (size_t)len;
		else if (errno == EPIPE)
			replay->is_closed = true;
		else if (errno != EINTR)
			return error_errno(errno, "writing the trace");
	}
	bool failed = out->failed;
	text_reset(out);
	return failed ? error_nomem() : NULL;
}

static struct error *add_functions(struct replay *replay, const struct capture_item *item)
{
	size_t first, num;
	struct error *err;
	if (item->kind == CAPTURE_NOTES) {
		err = plan_add_notes(replay->plan, &first, &num);
	} else {
		struct plan_options options = replay->plan->options;
		options.no_args = item->trace.no_args;
		options.no_return = item->trace.no_return;
		struct selection selection;
		err = select_functions(replay->index, item->trace.patterns,
				       item->trace.num_patterns, &selection);
		if (err)
			return err;
		err = plan_add(replay->plan, &selection, &options, item->trace.trace, &first, &num);
		selection_deinit(&selection);
	}
	if (!err && capture_plan_digest(replay->plan) != item->digest)
		err = error_new(
			"this gotrace plans these functions otherwise than the one that traced them");
	return err;
}

static size_t traced_functions(const struct plan *plan)
{
	size_t num = 0;
	for (size_t i = 0; i < plan->num_funcs; i++)
		num += plan->funcs[i]->trace != 0;
	return num;
}

static void finish(struct replay *replay, uint64_t now_ns, bool target_died)
{
	struct text words;
	text_init(&words);
	report_finish(replay->report, capture_reader_head(replay->reader)->start_ns, now_ns,
		      traced_functions(replay->plan), target_died, &words);
	while (words.len && words.data[words.len - 1] == '\n')
		words.len--;
	if (words.len)
		cli_say("%.*s", (int)words.len, words.data);
	text_deinit(&words);
	replay->is_finished = true;
}

static struct error *replay_item(struct replay *replay, const struct capture_item *item)
{
	size_t ignored;
	switch (item->kind) {
	case CAPTURE_TRACE:
	case CAPTURE_NOTES:
		return add_functions(replay, item);
	case CAPTURE_RECORD:
		replay->last_ns = item->record->time_ns;
		report_unseen(replay->report, &ignored);
		return report_record(replay->report, item->record);
	case CAPTURE_LOST:
		report_lost(replay->report, item->lost.count, item->lost.where);
		return NULL;
	case CAPTURE_FINISH:
		finish(replay, item->finish.now_ns, item->finish.target_died);
		return NULL;
	case CAPTURE_EOF:
		break;
	}
	return NULL;
}

static struct error *replay_all(struct replay *replay)
{
	struct capture_item item = {0};
	struct error *err = NULL;
	while (!err && item.kind != CAPTURE_EOF && !replay->is_closed) {
		err = capture_read(replay->reader, &item);
		if (!err)
			err = replay_item(replay, &item);
		if (!err && report_text(replay->report)->len >= FLUSH_BYTES)
			err = flush(replay);
	}
	if (!replay->is_finished) {
		cli_say("the capture has no end: its tracer was killed, or the file is cut off");
		finish(replay, replay->last_ns, false);
	}
	struct error *flush_err = flush(replay);
	if (err)
		error_free(flush_err);
	return err ? err : flush_err;
}

static int replay_main(int argc, char **argv)
{
	static const struct argp_child children[] = {{&output_options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "FILE [EXECUTABLE]",
		.doc = "Show a trace again that \"gotrace attach --save FILE\" kept. The traced executable is needed to read it: the "
		       "one at the path where it was, or EXECUTABLE.\v"
		       "Example: gotrace replay trace.gotrace --format json",
		.children = children,
	};
	struct arguments arguments = {0};
	trace_options_init(&arguments.trace);
	cli_parse(&argp, argc, argv, NULL, &arguments);
	cli_set_verbosity(arguments.trace.verbosity);
	signal(SIGPIPE, SIG_IGN);
	struct replay replay = {0};
	struct error *err = trace_options_open(&arguments.trace);
	if (!err)
		err = replay_open(&replay, &arguments);
	if (!err)
		err = replay_all(&replay);
	if (err)
		err = error_wrap(err, "%s", arguments.file);
	report_destroy(replay.report);
	plan_destroy(replay.plan);
	index_close(replay.index);
	capture_reader_close(replay.reader);
	trace_options_close(&arguments.trace);
	return err ? cli_fail(err) : EXIT_DONE;
}

const struct command command_replay = {"replay", "show a trace again that --save kept",
				       replay_main};
