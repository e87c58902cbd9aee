// SPDX-License-Identifier: GPL-2.0-or-later
// The format "json": one JSON object a line, with keys in the order of gotrace(1), JSON. It is
// written without a library, so that integers keep all their 64 bits and keys their order. A key is
// absent if its value is not known or was not asked for.
#include "tracer/output/format.h"

#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"

static const int64_t NS_PER_S = 1000 * 1000 * 1000;

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
	int64_t second = wall_ns / NS_PER_S, rest = wall_ns % NS_PER_S;
	if (rest < 0) {
		second--;
		rest += NS_PER_S;
	}
	if (!clock->len || clock->second != second) {
		time_t time = second;
		struct tm tm = {0};
		gmtime_r(&time, &tm);
		clock->second = second;
		clock->len = strftime(clock->text, sizeof(clock->text), "%Y-%m-%dT%H:%M:%S", &tm);
	}
	char digits[11] = ".";
	for (size_t i = 9; i; i--, rest /= 10)
		digits[i] = (char)('0' + rest % 10);
	digits[10] = 'Z';
	text_append(out, clock->text, clock->len);
	text_append(out, digits, sizeof(digits));
}

// Writes a number after its key. key is a string literal with all that precedes the number.
#define write_number(key, value, out)                   \
	do {                                            \
		text_append(out, key, sizeof(key) - 1); \
		text_u64(out, value);                   \
	} while (0)

static void write_func_keys(const struct sink *sink, const struct func *func, struct text *out)
{
	text_puts(out, ",\"func\":");
	value_json_string(func->name, strlen(func->name), out);
	text_puts(out, ",\"addr\":\"");
	text_hex(out, func->vaddr + sink->options.bias);
	text_putc(out, '"');
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

enum event { EVENT_ENTRY, EVENT_RETURN };

// Writes the keys from "event" to "call". tid is left out if record is NULL.
static void write_head(struct sink *sink, enum event event, const struct call *call,
		       uint64_t time_ns, const struct wire_record *record, struct text *out)
{
	text_puts(out, event == EVENT_ENTRY ? "{\"event\":\"entry\",\"time\":\""
					    : "{\"event\":\"return\",\"time\":\"");
	write_time(sink, time_ns, out);
	write_number("\",\"mono_ns\":", time_ns, out);
	write_number(",\"pid\":", (uint64_t)sink->options.pid, out);
	if (record)
		write_number(",\"tid\":", record->tid, out);
	if (call->has_goid)
		write_number(",\"goid\":", call->goid, out);
	write_func(sink, call->func, out);
	if (call->depth)
		write_number(",\"depth\":", call->depth, out);
	if (call->number)
		write_number(",\"call\":", call->number, out);
}

static void write_values(struct sink *sink, const char *key, const struct plan_frame *frame,
			 struct text *out)
{
	text_puts(out, key);
	bool is_first = true;
	for (size_t i = 0; i < frame->num_values; i++) {
		if (frame->values[i].param->is_hidden)
			continue;
		if (!is_first)
			text_putc(out, ',');
		is_first = false;
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
	text_puts(out, "\"func\":");
	value_json_string(name ? name : func, strlen(name ? name : func), out);
	if (!*file)
		return;
	text_puts(out, ",\"file\":");
	value_json_string(file, strlen(file), out);
	write_number(",\"line\":", line > 0 ? (uint64_t)line : 0, out);
}

static void write_stack(struct sink *sink, const struct wire_record *record, struct text *out)
{
	const struct stack *stack = stacks_find(sink->options.stacks, record);
	if (!stack)
		return;
	text_puts(out, ",\"stack\":[");
	for (size_t i = 0; i < stack->num; i++) {
		const struct stack_frame *frame = &stack->frames[i];
		text_puts(out, i ? ",{" : "{");
		write_place(frame->func, frame->file, frame->line, out);
		text_puts(out, frame->is_inlined ? ",\"inlined\":true}" : "}");
	}
	text_putc(out, ']');
	const char *end = stack->is_more ? "more" : stack->end;
	if (!end)
		return;
	text_puts(out, ",\"stack_end\":");
	value_json_string(end, strlen(end), out);
}

static void write_creator(struct sink *sink, const struct wire_record *record, struct text *out)
{
	struct stack_creator creator;
	if (!stacks_creator(sink->options.stacks, record, &creator))
		return;
	text_puts(out, ",\"creator\":{");
	write_place(creator.func, creator.file, creator.line, out);
	if (creator.goid)
		write_number(",\"goid\":", creator.goid, out);
	text_putc(out, '}');
}

static unsigned json_entry(struct sink *sink, struct call *call, const struct wire_record *record,
			   struct text *out)
{
	write_head(sink, EVENT_ENTRY, call, record->time_ns, record, out);
	if (format_args(&sink->options, call) == LIST_SHOWN)
		write_values(sink, ",\"args\":[", &call->func->args, out);
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
		write_values(sink, ",\"results\":[", &call->func->results, out);
}

static unsigned json_end(struct sink *sink, struct call *call, const struct wire_record *record,
			 enum call_how how, uint64_t end_ns, struct text *out)
{
	if (how == CALL_LOST)
		return 0; // when and how the call ended is not known
	write_head(sink, EVENT_RETURN, call, end_ns, record, out);
	if (how != CALL_DETACHED)
		write_number(",\"duration_ns\":", end_ns - call->entry_ns, out);
	write_results(sink, call, record, out);
	text_puts(out, ",\"how\":\"");
	text_puts(out, call_how_name(how));
	text_puts(out, "\"}\n");
	return sink_is_event(how);
}

static unsigned json_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			    struct text *out)
{
	write_head(sink, EVENT_RETURN, call, record->time_ns, record, out);
	write_results(sink, call, record, out);
	text_puts(out, ",\"how\":\"return\"}\n");
	return 1;
}

static void json_lost(struct sink *sink, uint64_t count, const char *where, struct text *out)
{
	(void)sink;
	write_number("{\"event\":\"lost\",\"count\":", count, out);
	text_puts(out, ",\"where\":");
	value_json_string(where, strlen(where), out);
	text_puts(out, "}\n");
}

static void json_summary(struct sink *sink, const struct sink_summary *summary, struct text *out,
			 struct text *err)
{
	(void)sink;
	(void)err;
	write_number("{\"event\":\"summary\",\"calls\":", summary->calls, out);
	write_number(",\"returns\":", summary->returns, out);
	write_number(",\"lost\":", summary->lost, out);
	if (summary->skipped)
		write_number(",\"skipped\":", summary->skipped, out);
	if (summary->orphans)
		write_number(",\"orphans\":", summary->orphans, out);
	if (summary->lost_ends)
		write_number(",\"lost_ends\":", summary->lost_ends, out);
	if (summary->detached)
		write_number(",\"detached\":", summary->detached, out);
	if (summary->has_conditions)
		write_number(",\"unreadable\":", summary->unreadable, out);
	if (summary->has_conditions || summary->crowded)
		write_number(",\"crowded\":", summary->crowded, out);
	text_puts(out, ",\"seconds\":");
	format_seconds(summary->seconds, 6, out);
	write_number(",\"functions\":", summary->functions, out);
	text_puts(out, "}\n");
}

const struct sink_ops sink_json = {
	.name = "json",
	.open = json_open,
	.close = json_close,
	.entry = json_entry,
	.end = json_end,
	.orphan = json_orphan,
	.lost = json_lost,
	.summary = json_summary,
};
