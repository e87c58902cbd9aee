// SPDX-License-Identifier: GPL-2.0-or-later
// The format "json": one JSON object a line, with keys in the order of gotrace(1), JSON. A key is
// absent if its value is not known or was not asked for.
#include "tracer/output/format.h"

#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "tracer/plan/expr/expr.h"

struct sink {
	struct sink_options options;
	struct format_clock clock;
	char **func_keys; // by function number: the text of "func" and "addr"; NULL before its use
	size_t num_func_keys;
};

static struct error *json_open(const struct sink_options *options, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_nomem();
	sink->options = *options;
	*out = sink;
	return NULL;
}

static void json_close(struct sink *sink)
{
	for (size_t i = 0; i < sink->num_func_keys; i++)
		free(sink->func_keys[i]);
	free(sink->func_keys);
	free(sink);
}

static void write_time(struct sink *sink, uint64_t mono_ns, struct text *out)
{
	struct format_clock *clock = &sink->clock;
	int64_t wall_ns = (int64_t)(mono_ns + (uint64_t)sink->options.wall_offset_ns);
	int64_t second = wall_ns / NS_PER_SECOND, rest = wall_ns % NS_PER_SECOND;
	if (rest < 0) {
		second--;
		rest += NS_PER_SECOND;
	}
	if (!clock->len || clock->second != second) {
		time_t time = second;
		struct tm tm = {0};
		gmtime_r(&time, &tm);
		clock->second = second;
		clock->len = strftime(clock->text, sizeof(clock->text), "%Y-%m-%dT%H:%M:%S", &tm);
	}
	char digits[12] = ".";
	for (size_t i = 9; i; i--, rest /= 10)
		digits[i] = (char)('0' + rest % 10);
	digits[10] = 'Z';
	digits[11] = '"';
	text_putc(out, '"');
	text_append(out, clock->text, clock->len);
	text_append(out, digits, sizeof(digits));
}

static void write_func_keys(const struct sink *sink, const struct func *func, struct text *out)
{
	json_string(out, "func", func->name);
	json_key(out, "addr");
	json_addr(loaded_addr(sink->options.loaded, func->vaddr), out);
}

// Returns the place for the text of this function's keys; NULL if out of memory.
static char **find_func_keys(struct sink *sink, uint32_t number)
{
	if (number < sink->num_func_keys)
		return &sink->func_keys[number];
	size_t num = ((size_t)number + 1) * 2;
	char **keys = reallocarray(sink->func_keys, num, sizeof(*keys));
	if (!keys)
		return NULL;
	memset(keys + sink->num_func_keys, 0, (num - sink->num_func_keys) * sizeof(*keys));
	sink->func_keys = keys;
	sink->num_func_keys = num;
	return &keys[number];
}

static void write_func(struct sink *sink, const struct plan_func *func, struct text *out)
{
	char **keys = find_func_keys(sink, func->number);
	if (keys && *keys) {
		text_puts(out, *keys);
		return;
	}
	size_t start = out->len;
	write_func_keys(sink, func->func, out);
	if (keys && !out->failed)
		*keys = strndup(out->data + start, out->len - start);
}

// Writes the keys from "event" to "call". tid is left out if record is NULL.
static void write_head(struct sink *sink, const char *event, const struct call *call,
		       uint64_t time_ns, const struct wire_record *record, struct text *out)
{
	text_putc(out, '{');
	json_string(out, "event", event);
	json_key(out, "time");
	write_time(sink, time_ns, out);
	json_u64(out, "mono_ns", time_ns);
	json_u64(out, "pid", (uint64_t)sink->options.loaded->pid);
	if (record)
		json_u64(out, "tid", record->tid);
	if (call->has_goid)
		json_u64(out, "goid", call->goid);
	write_func(sink, call->func, out);
	json_count(out, "depth", call->depth);
	json_count(out, "call", call->number);
}

// Writes the expressions that are shown in place of arguments or results.
static void write_paths(struct sink *sink, const struct plan_func *func, bool are_results,
			struct text *out)
{
	json_key(out, "show");
	text_putc(out, '{');
	for (size_t i = 0; i < func->show.num; i++) {
		const struct expr_path *path = func->show.paths[i];
		if (!format_is_shown(func, i, are_results))
			continue;
		json_item(out);
		json_quote(path->text, strlen(path->text), out);
		text_putc(out, ':');
		value_path_json(sink->options.printer, are_results ? &func->results : &func->args,
				path, out);
	}
	text_putc(out, '}');
}

static void write_values(struct sink *sink, const struct plan_func *func, bool are_results,
			 struct text *out)
{
	const struct plan_frame *frame = are_results ? &func->results : &func->args;
	if (func->show.is_set) {
		write_paths(sink, func, are_results, out);
		return;
	}
	json_key(out, are_results ? "results" : "args");
	text_putc(out, '[');
	for (size_t i = 0; i < frame->num_values; i++) {
		if (plan_hides(func, frame->values[i].param))
			continue;
		json_item(out);
		value_param_json(sink->options.printer, &frame->values[i], out);
	}
	text_putc(out, ']');
}

static void write_place(const char *func, const char *file, int line, struct text *out)
{
	size_t start = out->len;
	stack_write_name(func, out);
	CLEANUP_FREE char *name = out->failed ? NULL : strndup(out->data + start, out->len - start);
	out->len = start;
	json_string(out, "func", name ? name : func);
	if (!*file)
		return;
	json_string(out, "file", file);
	json_u64(out, "line", line > 0 ? (uint64_t)line : 0);
}

static void write_stack(struct sink *sink, const struct wire_record *record, struct text *out)
{
	const struct stack *stack = stacks_find(sink->options.stacks, record);
	if (!stack)
		return;
	json_key(out, "stack");
	text_putc(out, '[');
	for (size_t i = 0; i < stack->num; i++) {
		const struct stack_frame *frame = &stack->frames[i];
		json_item(out);
		text_putc(out, '{');
		write_place(frame->func, frame->file, frame->line, out);
		if (frame->is_inlined)
			json_bool(out, "inlined", true);
		text_putc(out, '}');
	}
	text_putc(out, ']');
	const char *end = stack->is_more ? "more" : stack->end;
	if (end)
		json_string(out, "stack_end", end);
}

static void write_creator(struct sink *sink, const struct wire_record *record, struct text *out)
{
	struct stack_creator creator;
	if (!stacks_creator(sink->options.stacks, record, &creator))
		return;
	json_key(out, "creator");
	text_putc(out, '{');
	write_place(creator.func, creator.file, creator.line, out);
	json_count(out, "goid", creator.goid);
	text_putc(out, '}');
}

static unsigned json_entry(struct sink *sink, struct call *call, const struct wire_record *record,
			   struct text *out)
{
	write_head(sink, "entry", call, record->time_ns, record, out);
	if (format_args(&sink->options, call) == LIST_SHOWN)
		write_values(sink, call->func, false, out);
	if ((record->flags & WIRE_CALLERS) && sink->options.stacks) {
		write_stack(sink, record, out);
		write_creator(sink, record, out);
	}
	text_puts(out, "}\n");
	return 1;
}

static void write_results(struct sink *sink, const struct call *call,
			  const struct wire_record *record, struct text *out)
{
	if (format_results(call, record) == LIST_SHOWN)
		write_values(sink, call->func, true, out);
}

static unsigned json_end(struct sink *sink, struct call *call, const struct wire_record *record,
			 enum call_how how, uint64_t end_ns, struct text *out)
{
	if (how == CALL_LOST)
		return 0; // when and how the call ended is not known
	write_head(sink, "return", call, end_ns, record, out);
	if (how != CALL_DETACHED)
		json_u64(out, "duration_ns", end_ns - call->entry_ns);
	write_results(sink, call, record, out);
	json_string(out, "how", call_how_name(how));
	text_puts(out, "}\n");
	return sink_is_event(how);
}

static unsigned json_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			    struct text *out)
{
	write_head(sink, "return", call, record->time_ns, record, out);
	write_results(sink, call, record, out);
	json_string(out, "how", call_how_name(CALL_RETURNED));
	text_puts(out, "}\n");
	return 1;
}

static void json_lost(struct sink *sink, uint64_t count, const char *where, struct text *out)
{
	(void)sink;
	text_putc(out, '{');
	json_string(out, "event", "lost");
	json_u64(out, "count", count);
	json_string(out, "where", where);
	text_puts(out, "}\n");
}

static void write_skipped(const struct sink_summary *summary, struct text *out)
{
	json_count(out, "skipped", summary->skipped);
	json_count(out, "uncounted", summary->uncounted);
	if (!summary->num_skipped_of)
		return;
	json_key(out, "skipped_of");
	text_putc(out, '[');
	for (size_t i = 0; i < summary->num_skipped_of; i++) {
		json_item(out);
		text_putc(out, '{');
		json_string(out, "func", summary->skipped_of[i].func);
		json_u64(out, "skipped", summary->skipped_of[i].calls);
		text_putc(out, '}');
	}
	text_putc(out, ']');
}

static void json_summary(struct sink *sink, const struct sink_summary *summary, struct text *out,
			 struct text *err)
{
	(void)sink;
	(void)err;
	const struct calls_stats *counts = &summary->counts;
	text_putc(out, '{');
	json_string(out, "event", "summary");
	json_u64(out, "calls", counts->calls);
	json_u64(out, "returns", counts->returns);
	json_u64(out, "lost", summary->lost);
	write_skipped(summary, out);
	json_count(out, "orphans", counts->orphans);
	json_count(out, "lost_ends", counts->lost_ends);
	json_count(out, "detached", counts->detached);
	if (summary->has_conditions)
		json_u64(out, "unreadable", summary->unreadable);
	if (summary->has_conditions || summary->crowded)
		json_u64(out, "crowded", summary->crowded);
	if (summary->overhead > 0) {
		json_key(out, "overhead");
		text_printf(out, "%.4f", summary->overhead);
	}
	json_key(out, "seconds");
	format_seconds(summary->seconds, 6, out);
	json_u64(out, "functions", summary->functions);
	text_puts(out, "}\n");
}

const struct sink_ops sink_json = {
	.name = "json",
	.shows_all = true,
	.open = json_open,
	.close = json_close,
	.entry = json_entry,
	.end = json_end,
	.orphan = json_orphan,
	.lost = json_lost,
	.summary = json_summary,
};
