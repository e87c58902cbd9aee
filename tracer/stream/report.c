// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/stream/report.h"

#include <stdlib.h>

#include "base/vec.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "tracer/count/stats.h"

enum { UNSEEN_MAX = 256 }; // dynamic types kept at once; further ones are found again later

struct mark { // end of the text that shows a number of events
	size_t end;
	unsigned events;
};

struct report {
	struct loaded loaded;
	struct report_options options;
	struct calls *calls;
	struct memory *memory;
	struct stacks *stacks;
	struct value_printer printer;
	struct sink *sink;
	uint32_t width; // of lines
	struct text out;
	struct mark *marks; // marks of out, in ascending order
	size_t num_marks, max_marks;
	bool is_cut; // the written text ends in the middle of a line
	uint64_t lost, skipped, uncounted;
	struct sink_skipped *skipped_of;
	size_t num_skipped_of, max_skipped_of;
	bool has_conditions;
	uint64_t unreadable; // calls whose condition could not be read
	uint64_t crowded;    // calls for which there was no room
	uint64_t unseen[UNSEEN_MAX];
	size_t num_unseen;
	uint64_t *calls_of; // by function number: calls since report_busiest
	size_t num_calls_of;
	struct error *failed; // error of a callback, until report_record returns it
};

static void note_failure(struct report *report, struct error *err)
{
	if (report->failed)
		error_free(err);
	else
		report->failed = err;
}

// Marks the end of the text: what was added last shows so many events.
static void mark(struct report *report, unsigned events)
{
	if (!events)
		return;
	if (!vec_room(report->marks, report->num_marks, report->max_marks)) {
		note_failure(report, error_nomem());
		return;
	}
	report->marks[report->num_marks++] = (struct mark){report->out.len, events};
}

static void count_call(struct report *report, uint32_t func)
{
	if (func >= report->num_calls_of) {
		size_t num = ((size_t)func + 1) * 2;
		uint64_t *calls = reallocarray(report->calls_of, num, sizeof(*calls));
		if (!calls)
			return;
		memset(calls + report->num_calls_of, 0,
		       (num - report->num_calls_of) * sizeof(*calls));
		report->calls_of = calls;
		report->num_calls_of = num;
	}
	report->calls_of[func]++;
}

static void on_entry(void *context, struct call *call, const struct wire_record *record)
{
	struct report *report = context;
	memory_fill(report->memory, record, &call->func->args);
	report->printer.used = 0;
	if (report->options.look.is_screen)
		count_call(report, call->func->number);
	mark(report, report->options.look.sink->entry(report->sink, call, record, &report->out));
	if (call->trace) {
		call->trace->calls++;
		call->trace->open += call->will_end;
	}
	if (report->options.stats)
		note_failure(report, stats_entry(report->options.stats, call));
}

static void count_end(struct report *report, const struct call *call, bool has_results,
		      enum call_how how, uint64_t end_ns)
{
	struct call_trace *counts = call->trace;
	if (counts && counts->open)
		counts->open--;
	if (counts && how == CALL_RETURNED) {
		counts->returns++;
		counts->total_ns += end_ns > call->entry_ns ? end_ns - call->entry_ns : 0;
	}
	if (report->options.stats)
		note_failure(report, stats_end(report->options.stats, call,
					       has_results ? report->memory : NULL, how, end_ns));
}

static void on_end(void *context, struct call *call, const struct wire_record *record,
		   enum call_how how, uint64_t end_ns)
{
	struct report *report = context;
	if (record)
		memory_fill(report->memory, record, &call->func->results);
	report->printer.used = 0;
	mark(report,
	     report->options.look.sink->end(report->sink, call, record, how, end_ns, &report->out));
	count_end(report, call, record && record->num_blocks, how, end_ns);
}

static void on_orphan(void *context, struct call *call, const struct wire_record *record)
{
	struct report *report = context;
	memory_fill(report->memory, record, &call->func->results);
	report->printer.used = 0;
	mark(report, report->options.look.sink->orphan(report->sink, call, record, &report->out));
}

static void on_unseen(void *context, uint64_t rtype)
{
	struct report *report = context;
	for (size_t i = 0; i < report->num_unseen; i++)
		if (report->unseen[i] == rtype)
			return;
	if (report->num_unseen < UNSEEN_MAX)
		report->unseen[report->num_unseen++] = rtype;
}

static struct error *open_sink(struct report *report)
{
	const struct report_options *from = &report->options;
	report->printer = (struct value_printer){
		.memory = report->memory,
		.loaded = &report->loaded,
		.depth = report->loaded.plan->options.capture.depth,
		.strlen = report->loaded.plan->options.capture.strlen,
		.items = report->loaded.plan->options.capture.items,
		.is_brief = report->loaded.plan->options.capture.is_brief,
		.shows_zero = from->look.shows_zero,
		.is_raw = from->look.is_raw,
		.redact = {report->loaded.plan->redact, from->redact},
		.unseen = on_unseen,
		.context = report,
		.is_full = &report->loaded.plan->is_full,
	};
	struct sink_options options = {
		.look = from->look,
		.width = &report->width,
		.no_args = from->no_args,
		.loaded = &report->loaded,
		.start_ns = from->start_ns,
		.wall_offset_ns = from->wall_offset_ns,
		.stacks = report->stacks,
		.printer = &report->printer,
	};
	report->width = sink_width(&from->look);
	return from->look.sink->open(&options, &report->sink);
}

struct error *report_create(const struct loaded *loaded, const struct report_options *options,
			    struct report **out)
{
	static const struct calls_listener listener = {.entry = on_entry,
						       .end = on_end,
						       .orphan = on_orphan};
	struct report *report = calloc(1, sizeof(*report));
	if (!report)
		return error_nomem();
	report->loaded = *loaded;
	report->options = *options;
	struct error *err = calls_create(loaded->plan, &listener, report, &report->calls);
	if (!err)
		err = memory_create(&report->loaded, &report->memory);
	if (!err)
		memory_ask(report->memory, options->is_as_in_file, options->context);
	if (!err)
		err = stacks_create(index_pclntab(loaded->index), &report->loaded, &report->stacks);
	if (!err)
		err = open_sink(report);
	if (err) {
		report_destroy(report);
		return err;
	}
	calls_limit(report->calls, options->max_calls);
	*out = report;
	return NULL;
}

void report_destroy(struct report *report)
{
	if (!report)
		return;
	if (report->sink)
		report->options.look.sink->close(report->sink);
	stacks_destroy(report->stacks);
	memory_destroy(report->memory);
	calls_destroy(report->calls);
	error_free(report->failed);
	text_deinit(&report->out);
	free(report->marks);
	free(report->calls_of);
	free(report->skipped_of);
	free(report);
}

struct error *report_trace(struct report *report, uint32_t func, struct call_trace *trace)
{
	return calls_trace(report->calls, func, trace);
}

static struct error *take_record(struct report *report, const struct wire_record *record)
{
	struct error *err = stacks_learn(report->stacks, record);
	if (!err)
		err = calls_record(report->calls, record);
	return err ? err : take(report->failed);
}

// Writes what the sink keeps back.
static void flush_sink(struct report *report)
{
	const struct sink_ops *ops = report->options.look.sink;
	if (ops->flush)
		mark(report, ops->flush(report->sink, &report->out));
}

static void take_lost(struct report *report, uint64_t count, const char *where)
{
	report->lost += count;
	flush_sink(report);
	report->options.look.sink->lost(report->sink, count, where, &report->out);
}

static struct error *take_skipped(struct report *report, const struct item *item)
{
	report->skipped += item->skipped.skipped;
	report->crowded += item->skipped.crowded;
	report->uncounted += item->skipped.off_ns > 0;
	if (!item->skipped.skipped || item->skipped.func >= report->loaded.plan->num_funcs)
		return NULL;
	if (!vec_room(report->skipped_of, report->num_skipped_of, report->max_skipped_of))
		return error_nomem();
	report->skipped_of[report->num_skipped_of++] =
		(struct sink_skipped){report->loaded.plan->funcs[item->skipped.func]->func->name,
				      item->skipped.skipped};
	return NULL;
}

struct error *report_item(struct report *report, const struct item *item)
{
	switch (item->kind) {
	case ITEM_RECORD:
		return take_record(report, item->record);
	case ITEM_LOST:
		take_lost(report, item->lost.count, item->lost.where);
		break;
	case ITEM_LOSSES:
		calls_lost(report->calls, item->losses.losses, item->losses.now_ns);
		break;
	case ITEM_OFF:
		return calls_off(report->calls, item->off.func, item->off.off_ns);
	case ITEM_DETACH:
		calls_detach(report->calls, item->detach_ns);
		break;
	case ITEM_CONDITIONS:
		report->has_conditions = true;
		report->unreadable += item->conditions.unreadable;
		report->crowded += item->conditions.crowded;
		break;
	case ITEM_SKIPPED:
		return take_skipped(report, item);
	default:
		break;
	}
	return NULL;
}

void report_tick(struct report *report, uint64_t now_ns)
{
	report->width = sink_width(&report->options.look);
	calls_tick(report->calls, now_ns);
	const struct sink_ops *ops = report->options.look.sink;
	if (ops->tick)
		mark(report, ops->tick(report->sink, now_ns, &report->out));
}

struct former_sink {
	const struct sink_ops *ops;
	struct sink *sink;
};

static void forget_note(void *context, struct call *call)
{
	struct former_sink *former = context;
	if (former->ops->forget)
		former->ops->forget(former->sink, call);
	call->note = NULL;
}

struct error *report_switch(struct report *report, const struct sink_look *look)
{
	struct report_options options = report->options;
	struct former_sink former = {options.look.sink, report->sink};
	flush_sink(report);
	report->options.look = *look;
	struct error *err = open_sink(report);
	if (err) {
		report->sink = former.sink;
		report->options = options;
		return err;
	}
	calls_visit(report->calls, forget_note, &former);
	former.ops->close(former.sink);
	return NULL;
}

void report_finish(struct report *report, uint64_t now_ns, bool target_died)
{
	calls_finish(report->calls, now_ns, target_died);
	flush_sink(report);
	struct calls_stats stats;
	calls_stats(report->calls, &stats);
	if (stats.damaged)
		take_lost(report, stats.damaged, "damaged records");
	if (stats.other_kinds)
		log_warning("%llu records are not shown: they are of kinds that this gotrace does "
			    "not know",
			    (unsigned long long)stats.other_kinds);
}

void report_summary(struct report *report, uint64_t began_ns, uint64_t now_ns, size_t functions,
		    double overhead, struct text *err)
{
	struct sink_summary summary = {
		.lost = report->lost,
		.skipped = report->skipped,
		.skipped_of = report->skipped_of,
		.num_skipped_of = report->num_skipped_of,
		.uncounted = report->uncounted,
		.has_conditions = report->has_conditions,
		.unreadable = report->unreadable,
		.crowded = report->crowded,
		.overhead = overhead,
		.seconds = now_ns > began_ns ? (double)(now_ns - began_ns) / 1e9 : 0,
		.functions = functions,
	};
	calls_stats(report->calls, &summary.counts);
	report->options.look.sink->summary(report->sink, &summary, &report->out, err);
}

struct text *report_text(struct report *report)
{
	return &report->out;
}

void report_written(struct report *report, size_t done)
{
	struct text *out = &report->out;
	if (!done)
		return;
	report->is_cut = out->data[done - 1] != '\n';
	size_t gone = 0;
	while (gone < report->num_marks && report->marks[gone].end <= done)
		gone++;
	for (size_t i = gone; i < report->num_marks; i++) {
		report->marks[i - gone] = report->marks[i];
		report->marks[i - gone].end -= done;
	}
	report->num_marks -= gone;
	memmove(out->data, out->data + done, out->len - done);
	out->len -= done;
	out->data[out->len] = '\0';
}

uint64_t report_drop(struct report *report)
{
	uint64_t events = 0;
	for (size_t i = 0; i < report->num_marks; i++)
		events += report->marks[i].events;
	report->num_marks = 0;
	text_reset(&report->out);
	if (report->is_cut)
		text_putc(&report->out, '\n');
	report->is_cut = false;
	return events;
}

void report_cut(struct report *report, size_t end)
{
	while (report->num_marks && report->marks[report->num_marks - 1].end > end)
		report->num_marks--;
	if (end < report->out.len)
		report->out.data[report->out.len = end] = '\0';
}

const struct func *report_busiest(struct report *report, double *share)
{
	size_t busiest = 0;
	uint64_t all = 0;
	for (size_t i = 0; i < report->num_calls_of; i++) {
		all += report->calls_of[i];
		if (report->calls_of[i] > report->calls_of[busiest])
			busiest = i;
	}
	if (!all)
		return NULL;
	*share = (double)report->calls_of[busiest] / (double)all;
	memset(report->calls_of, 0, report->num_calls_of * sizeof(*report->calls_of));
	return report->loaded.plan->funcs[busiest]->func;
}

bool report_is_done(const struct report *report)
{
	struct calls_stats stats;
	calls_stats(report->calls, &stats);
	return report->options.max_calls && stats.calls >= report->options.max_calls && !stats.open;
}

const uint64_t *report_unseen(struct report *report, size_t *num)
{
	*num = report->num_unseen;
	report->num_unseen = 0;
	return report->unseen;
}
