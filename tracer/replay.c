// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/replay.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "tracer/event/capture_file.h"

enum { FLUSH_BYTES = 64 * 1024 };

static const uint64_t TICK_NS = 100 * 1000 * 1000;

struct replay {
	const struct replay_options *options;
	struct capture_reader *reader;
	const struct capture_head *head; // the reader's
	struct index *index;
	struct plan *plan;
	struct calls *calls;
	struct memory *memory;
	struct value_printer printer;
	struct sink *sink;
	struct text out;
	struct sink_summary summary;
	uint64_t now_ns, ticked_ns; // time in the capture
	bool target_died;
};

// --- From calls to the sink --------------------------------------------------------------------

static void on_entry(void *context, struct call *call, const struct wire_record *record)
{
	struct replay *replay = context;
	memory_fill(replay->memory, record, &call->func->args);
	replay->options->sink->entry(replay->sink, call, record, &replay->out);
}

static void on_end(void *context, struct call *call, const struct wire_record *record,
		   enum call_how how, uint64_t end_ns)
{
	struct replay *replay = context;
	if (record)
		memory_fill(replay->memory, record, &call->func->results);
	replay->options->sink->end(replay->sink, call, record, how, end_ns, &replay->out);
}

static void on_orphan(void *context, struct call *call, const struct wire_record *record)
{
	struct replay *replay = context;
	memory_fill(replay->memory, record, &call->func->results);
	replay->options->sink->orphan(replay->sink, call, record, &replay->out);
}

static const struct calls_listener listener = {on_entry, on_end, on_orphan};

// --- Opening and closing -----------------------------------------------------------------------

static struct error *check_build(const struct replay *replay, const char *exe)
{
	CLEANUP_FREE char *build_id = capture_build_id(index_image(replay->index));
	if (!build_id)
		return error_nomem();
	if (strcmp(build_id, replay->head->build_id) != 0)
		return error_new("%s is not the build that was traced: its build id is %s, the "
				 "capture's %s",
				 exe, *build_id ? build_id : "missing",
				 *replay->head->build_id ? replay->head->build_id : "missing");
	return NULL;
}

static struct error *open_sink(struct replay *replay)
{
	const struct capture_head *head = replay->head;
	replay->printer = (struct value_printer){
		.memory = replay->memory,
		.index = replay->index,
		.bias = head->bias,
		.depth = replay->plan->options.depth,
		.strlen = replay->plan->options.strlen,
		.items = replay->plan->options.items,
	};
	struct sink_options options = {
		.timestamps = replay->options->timestamps,
		.color = replay->options->color,
		.no_args = head->options.no_args,
		.pid = head->pid,
		.start_ns = head->start_ns,
		.wall_offset_ns = head->wall_offset_ns,
		.bias = head->bias,
		.printer = &replay->printer,
	};
	return replay->options->sink->open(&options, &replay->sink);
}

static struct error *replay_init(struct replay *replay)
{
	struct error *err = capture_reader_open(replay->options->capture, &replay->reader);
	if (err)
		return err;
	replay->head = capture_reader_head(replay->reader);
	replay->now_ns = replay->ticked_ns = replay->head->start_ns;
	const char *exe = replay->options->exe ? replay->options->exe : replay->head->exe;
	err = index_open(exe, exe, "", &replay->index);
	if (err)
		return err;
	err = check_build(replay, exe);
	if (!err)
		err = plan_create(replay->index, &replay->head->options, &replay->plan);
	if (!err)
		err = calls_create(replay->plan, &listener, replay, &replay->calls);
	if (!err)
		err = memory_create(index_image(replay->index), replay->head->bias,
				    &replay->memory);
	if (err)
		return err;
	calls_limit(replay->calls, replay->options->max_calls);
	return open_sink(replay);
}

static void replay_deinit(struct replay *replay)
{
	if (replay->sink)
		replay->options->sink->close(replay->sink);
	memory_destroy(replay->memory);
	calls_destroy(replay->calls);
	plan_destroy(replay->plan);
	index_close(replay->index);
	capture_reader_close(replay->reader);
	text_deinit(&replay->out);
}

// --- Items -------------------------------------------------------------------------------------

static struct error *check_plan(const struct replay *replay, const struct capture_item *item)
{
	if (capture_plan_digest(replay->plan) == item->digest)
		return NULL;
	return error_new(
		"%s: this gotrace would probe the program in another way than the one that "
		"made the capture",
		replay->options->capture);
}

static struct error *take_trace(struct replay *replay, const struct capture_item *item)
{
	struct selection selection;
	struct error *err = select_functions(replay->index, item->trace.patterns,
					     item->trace.num_patterns, &selection);
	if (err)
		return err;
	struct plan_options options = replay->plan->options;
	options.no_args = item->trace.no_args;
	options.no_return = item->trace.no_return;
	size_t first, num;
	err = plan_add(replay->plan, &selection, &options, item->trace.trace, &first, &num);
	selection_deinit(&selection);
	if (err)
		return err;
	replay->summary.functions += num;
	return check_plan(replay, item);
}

static struct error *take_record(struct replay *replay, const struct wire_record *record)
{
	if (record->time_ns > replay->now_ns)
		replay->now_ns = record->time_ns;
	if (replay->now_ns - replay->ticked_ns >= TICK_NS) {
		calls_tick(replay->calls, replay->now_ns);
		replay->ticked_ns = replay->now_ns;
	}
	return calls_record(replay->calls, record, replay->summary.lost > 0);
}

static struct error *take_item(struct replay *replay, const struct capture_item *item)
{
	size_t first, num;
	struct error *err;
	switch (item->kind) {
	case CAPTURE_TRACE:
		return take_trace(replay, item);
	case CAPTURE_NOTES:
		err = plan_add_notes(replay->plan, &first, &num);
		return err ? err : check_plan(replay, item);
	case CAPTURE_RECORD:
		return take_record(replay, item->record);
	case CAPTURE_LOST:
		replay->summary.lost += item->lost.count;
		replay->options->sink->lost(replay->sink, item->lost.count, item->lost.where,
					    &replay->out);
		break;
	case CAPTURE_FINISH:
		if (item->finish.now_ns > replay->now_ns)
			replay->now_ns = item->finish.now_ns;
		replay->target_died = item->finish.target_died;
		break;
	case CAPTURE_EOF:
		break;
	}
	return NULL;
}

static struct error *flush(struct replay *replay)
{
	struct error *err =
		replay->out.failed ? error_nomem()
				   : replay->options->write(replay->options->context, &replay->out);
	text_reset(&replay->out);
	return err;
}

static struct error *take_all(struct replay *replay)
{
	const volatile sig_atomic_t *stop = replay->options->stop;
	bool is_finished = false;
	while (!stop || !*stop) {
		struct capture_item item;
		struct error *err = capture_read(replay->reader, &item);
		if (!err && item.kind == CAPTURE_EOF) {
			if (!is_finished)
				log_warning("%s: its tracer was ended before it could finish",
					    replay->options->capture);
			return NULL;
		}
		is_finished |= !err && item.kind == CAPTURE_FINISH;
		if (!err)
			err = take_item(replay, &item);
		if (!err && replay->out.len >= FLUSH_BYTES)
			err = flush(replay);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *finish(struct replay *replay, struct text *err_text)
{
	calls_finish(replay->calls, replay->now_ns, replay->target_died);
	struct calls_stats stats;
	calls_stats(replay->calls, &stats);
	struct sink_summary *summary = &replay->summary;
	summary->calls = stats.calls;
	summary->returns = stats.returns;
	summary->orphans = stats.orphans;
	summary->detached = stats.detached;
	summary->seconds = (double)(replay->now_ns - replay->head->start_ns) / 1e9;
	replay->options->sink->summary(replay->sink, summary, &replay->out, err_text);
	return flush(replay);
}

struct error *replay_run(const struct replay_options *options, struct text *err_text)
{
	struct replay replay = {.options = options};
	struct error *err = replay_init(&replay);
	if (!err) {
		err = take_all(&replay);
		struct error *flush_err = finish(&replay, err_text);
		if (err)
			error_free(flush_err);
		else
			err = flush_err;
	}
	replay_deinit(&replay);
	return err;
}
