// SPDX-License-Identifier: GPL-2.0-or-later
// One JSON object a line, keys in the order of gotrace(1), JSON. Written directly: integers keep all their
// 64 bits, and keys their order. What is not known or not asked for is absent.
#include "tracer/sink/format.h"

#include <stdlib.h>
#include <time.h>

static const int64_t NS_PER_S = 1000 * 1000 * 1000;

struct sink {
	struct sink_options options;
	struct format_clock clock;
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

static void write_key(const char *key, uint64_t value, struct text *out)
{
	text_puts(out, key);
	text_u64(out, value);
}

// From "event" to "call"; tid is left out where no record tells it.
static void write_head(struct sink *sink, const char *event, const struct call *call,
		       uint64_t time_ns, const struct wire_record *record, struct text *out)
{
	text_puts(out, "{\"event\":\"");
	text_puts(out, event);
	text_puts(out, "\",\"time\":\"");
	write_time(sink, time_ns, out);
	write_key("\",\"mono_ns\":", time_ns, out);
	write_key(",\"pid\":", (uint64_t)sink->options.pid, out);
	if (record)
		write_key(",\"tid\":", record->tid, out);
	if (call->has_goid)
		write_key(",\"goid\":", call->goid, out);
	const struct func *func = call->func->func;
	text_puts(out, ",\"func\":");
	value_json_string(func->name, strlen(func->name), out);
	text_puts(out, ",\"addr\":\"");
	text_hex(out, func->vaddr + sink->options.bias);
	text_putc(out, '"');
	if (call->depth)
		write_key(",\"depth\":", call->depth, out);
	if (call->number)
		write_key(",\"call\":", call->number, out);
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

static void json_entry(struct sink *sink, struct call *call, const struct wire_record *record,
		       struct text *out)
{
	write_head(sink, "entry", call, record->time_ns, record, out);
	if (format_args(&sink->options, call) == LIST_SHOWN)
		write_values(sink, ",\"args\":[", &call->func->args, out);
	text_puts(out, "}\n");
}

static void write_results(struct sink *sink, const struct call *call,
			  const struct wire_record *record, struct text *out)
{
	if (format_results(call, record) == LIST_SHOWN)
		write_values(sink, ",\"results\":[", &call->func->results, out);
}

static void json_end(struct sink *sink, struct call *call, const struct wire_record *record,
		     enum call_how how, uint64_t end_ns, struct text *out)
{
	if (how == CALL_LOST)
		return; // when and how it ended is not known
	write_head(sink, "return", call, end_ns, record, out);
	if (how != CALL_DETACHED)
		write_key(",\"duration_ns\":", end_ns - call->entry_ns, out);
	write_results(sink, call, record, out);
	text_puts(out, ",\"how\":\"");
	text_puts(out, call_how_name(how));
	text_puts(out, "\"}\n");
}

static void json_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			struct text *out)
{
	write_head(sink, "return", call, record->time_ns, record, out);
	write_results(sink, call, record, out);
	text_puts(out, ",\"how\":\"return\"}\n");
}

static void json_lost(struct sink *sink, uint64_t count, const char *where, struct text *out)
{
	(void)sink;
	write_key("{\"event\":\"lost\",\"count\":", count, out);
	text_puts(out, ",\"where\":");
	value_json_string(where, strlen(where), out);
	text_puts(out, "}\n");
}

static void json_summary(struct sink *sink, const struct sink_summary *summary, struct text *out,
			 struct text *err)
{
	(void)sink;
	(void)err;
	write_key("{\"event\":\"summary\",\"calls\":", summary->calls, out);
	write_key(",\"returns\":", summary->returns, out);
	write_key(",\"lost\":", summary->lost, out);
	text_puts(out, ",\"seconds\":");
	format_seconds(summary->seconds, 6, out);
	write_key(",\"functions\":", summary->functions, out);
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
