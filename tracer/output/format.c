// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/output/format.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/rune.h"

enum { WIDTH_DEFAULT = 200 }; // of lines that do not go to a terminal

static const int64_t NS_PER_S = 1000 * 1000 * 1000;

// --- Colours -----------------------------------------------------------------------------------

void format_paint(const struct sink_options *options, enum format_color color, struct text *out)
{
	static const char *const sequences[] = {
		[COLOR_NAME] = "\033[1m",
		[COLOR_DIM] = "\033[2m",
		[COLOR_BAD] = "\033[31m",
	};
	if (options->look.color)
		text_puts(out, sequences[color]);
}

void format_plain(const struct sink_options *options, struct text *out)
{
	if (options->look.color)
		text_puts(out, "\033[0m");
}

size_t format_columns(const struct text *text, size_t start)
{
	size_t columns = 0;
	while (start < text->len) {
		const char *at = text->data + start, *end = text->data + text->len;
		const char *escape = memchr(at, '\033', (size_t)(end - at));
		const char *after = escape ? memchr(escape, 'm', (size_t)(end - escape)) : NULL;
		columns += rune_columns(at, (size_t)((escape ? escape : end) - at));
		start = (size_t)((after ? after + 1 : end) - text->data);
	}
	return columns;
}

void format_pad(struct text *out, size_t columns)
{
	if (!text_reserve(out, columns))
		return;
	memset(out->data + out->len, ' ', columns);
	out->len += columns;
	out->data[out->len] = '\0';
}

// --- Times -------------------------------------------------------------------------------------

static void write_wall(const struct sink_options *options, struct format_clock *clock,
		       uint64_t mono_ns, struct text *out)
{
	int64_t wall_ns = (int64_t)(mono_ns + (uint64_t)options->wall_offset_ns);
	int64_t second = wall_ns / NS_PER_S, rest = wall_ns % NS_PER_S;
	if (rest < 0) {
		second--;
		rest += NS_PER_S;
	}
	if (!clock->len || clock->second != second) {
		time_t time = second;
		struct tm tm = {0};
		localtime_r(&time, &tm);
		clock->second = second;
		clock->len = strftime(clock->text, sizeof(clock->text), "%H:%M:%S", &tm);
	}
	text_append(out, clock->text, clock->len);
	text_printf(out, ".%06d ", (int)(rest / 1000));
}

static void write_relative(const struct sink_options *options, uint64_t mono_ns, struct text *out)
{
	bool is_before = mono_ns < options->start_ns;
	uint64_t ns = is_before ? options->start_ns - mono_ns : mono_ns - options->start_ns;
	text_printf(out, is_before ? "-%" PRIu64 ".%06d " : "%4" PRIu64 ".%06d ",
		    ns / (uint64_t)NS_PER_S, (int)(ns % (uint64_t)NS_PER_S / 1000));
}

void format_timestamp(const struct sink_options *options, struct format_clock *clock,
		      uint64_t mono_ns, struct text *out)
{
	if (options->look.timestamps == TIMESTAMPS_NONE)
		return;
	format_paint(options, COLOR_DIM, out);
	if (options->look.timestamps == TIMESTAMPS_RELATIVE)
		write_relative(options, mono_ns, out);
	else if (options->look.timestamps == TIMESTAMPS_WALL)
		write_wall(options, clock, mono_ns, out);
	else
		text_printf(out, "%6" PRIu64 ".%09d ", mono_ns / (uint64_t)NS_PER_S,
			    (int)(mono_ns % (uint64_t)NS_PER_S));
	format_plain(options, out);
}

// Writes ns in this unit with at most max_decimals, and with three digits at most. Returns false if
// the rounded number reaches limit units.
static bool write_scaled(uint64_t ns, uint64_t unit, unsigned max_decimals, uint64_t limit,
			 const char *name, struct text *out)
{
	for (uint64_t scale = max_decimals == 2 ? 100 : 10; scale; scale /= 10) {
		uint64_t scaled = (ns + unit / scale / 2) / (unit / scale);
		if (scaled >= 10 * 10 * 10 || scaled >= limit * scale)
			continue;
		text_u64(out, scaled / scale);
		if (scale > 1)
			text_putc(out, '.');
		for (uint64_t digit = scale / 10; digit; digit /= 10)
			text_putc(out, (char)('0' + scaled / digit % 10));
		text_puts(out, name);
		return true;
	}
	return false;
}

void format_duration(uint64_t ns, struct text *out)
{
	static const uint64_t us = 1000, ms = 1000 * us, s = 1000 * ms;
	if (ns < us) {
		text_u64(out, ns);
		text_puts(out, "ns");
		return;
	}
	// Each unit rounds before the check against its limit, so 999.96µs is 1.0ms and not 1000µs.
	if (ns < 60 * s &&
	    (write_scaled(ns, us, 1, 1000, "µs", out) || write_scaled(ns, ms, 1, 1000, "ms", out) ||
	     write_scaled(ns, s, 2, 60, "s", out)))
		return;
	uint64_t seconds = ns / s + (ns % s >= s / 2);
	if (seconds >= 3600)
		text_printf(out, "%" PRIu64 "h", seconds / 3600);
	text_printf(out, "%dm%ds", (int)(seconds / 60 % 60), (int)(seconds % 60));
}

// --- Calls -------------------------------------------------------------------------------------

void format_goroutine(const struct call *call, struct text *out)
{
	text_putc(out, 'G');
	if (call->has_goid)
		text_u64(out, call->goid);
	else
		text_putc(out, '?');
}

void format_name(const struct sink_options *options, const struct call *call, struct text *out)
{
	format_paint(options, COLOR_NAME, out);
	size_t start = out->len;
	text_puts(out, call->func->func->name);
	rune_disarm(out, start);
	format_plain(options, out);
}

enum format_list format_args(const struct sink_options *options, const struct call *call)
{
	const struct plan_func *func = call->func;
	if (options->no_args || call->is_bare)
		return LIST_OMITTED;
	if (func->args.num_values)
		return LIST_SHOWN;
	if (!func->signature->is_known && !func->signature->is_raw)
		return LIST_UNKNOWN;
	for (size_t i = 0; i < func->signature->num_args; i++)
		if (!func->signature->params[i].is_hidden)
			return LIST_OMITTED;
	return LIST_SHOWN;
}

enum format_list format_results(const struct call *call, const struct wire_record *record)
{
	const struct plan_func *func = call->func;
	if (!record || !func->has_results || func->signature->is_raw || (record->flags & WIRE_BARE))
		return LIST_OMITTED;
	if (!func->signature->is_known)
		return LIST_UNKNOWN;
	// A tail jump ends the call before the results are there.
	if (func->results.size && !record->num_blocks)
		return LIST_UNKNOWN;
	return LIST_SHOWN;
}

static void add_values(const struct sink_options *options, const struct call *call,
		       const struct plan_frame *frame, bool with_names, struct value_tree *tree)
{
	options->printer->func = call->func->func->name;
	for (size_t i = 0; i < frame->num_values; i++) {
		const struct plan_value *value = &frame->values[i];
		if (value->param->is_hidden)
			continue;
		if (with_names && value->param->name[0])
			value_tree_label(tree, value->param->name, "=");
		value_param_add(options->printer, value, tree);
	}
}

void format_add_args(const struct sink_options *options, const struct call *call,
		     struct value_tree *tree)
{
	value_tree_reset(tree);
	if (format_args(options, call) == LIST_SHOWN)
		add_values(options, call, &call->func->args, true, tree);
}

static size_t num_results(const struct call *call, const struct wire_record *record)
{
	const struct plan_frame *frame = &call->func->results;
	size_t num = 0;
	for (size_t i = 0; i < frame->num_values; i++)
		num += !frame->values[i].param->is_hidden;
	return format_results(call, record) == LIST_OMITTED ? 0 : num;
}

static void put_args(const struct sink_options *options, const struct format_line *line,
		     struct text *out)
{
	text_putc(out, '(');
	switch (format_args(options, line->call)) {
	case LIST_OMITTED:
		text_puts(out, "...");
		break;
	case LIST_UNKNOWN:
		text_putc(out, '?');
		break;
	case LIST_SHOWN:
		value_tree_write(line->tree, 0, out);
		break;
	}
	text_putc(out, ')');
}

static void put_end(const struct sink_options *options, const struct format_line *line,
		    struct text *out)
{
	if (line->how != CALL_RETURNED) {
		text_putc(out, ' ');
		format_paint(options, COLOR_BAD, out);
		text_puts(out,
			  line->how == CALL_LOST ? "= ?(return lost)" : call_how_name(line->how));
		format_plain(options, out);
		return;
	}
	size_t num = num_results(line->call, line->record);
	if (!num)
		return;
	text_puts(out, num > 1 ? " = (" : " = ");
	if (format_results(line->call, line->record) == LIST_UNKNOWN)
		text_puts(out, "?(left by a tail jump)");
	else
		value_tree_write(line->tree, 1, out);
	if (num > 1)
		text_putc(out, ')');
}

static void put_line(const struct sink_options *options, const struct format_line *line,
		     struct text *out)
{
	if (line->has_args)
		put_args(options, line, out);
	if (line->has_end)
		put_end(options, line, out);
}

uint32_t sink_width(const struct sink_look *look)
{
	struct winsize size = {0};
	if (look->width)
		return look->width;
	if (!ioctl(look->out, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return WIDTH_DEFAULT;
}

// The columns that are left of a line.
static size_t room(size_t width, size_t used)
{
	if (width >= VALUE_WIDTH_ALL)
		return VALUE_WIDTH_ALL;
	return width > used ? width - used : 0;
}

void format_values(const struct sink_options *options, const struct format_line *line, size_t start,
		   size_t after, struct text *out)
{
	struct value_tree *tree = line->tree;
	size_t width = *options->width, at = out->len;
	bool has_results = line->has_end && line->how == CALL_RETURNED &&
			   format_results(line->call, line->record) == LIST_SHOWN;
	if (!line->has_args)
		value_tree_reset(tree);
	if (has_results) {
		value_tree_group(tree);
		add_values(options, line->call, &line->call->func->results, false, tree);
	}
	// What is around the values has the same columns whatever is left of them.
	struct value_tree none = {0};
	struct format_line bare = *line;
	bare.tree = &none;
	put_line(options, &bare, out);
	size_t used = format_columns(out, start) + after;
	size_t closing = line->closing ? format_columns(line->closing, 0) : 0;
	out->len = at;
	bool has_room = value_tree_fit(tree, room(width, used + closing));
	if (!has_room && closing)
		value_tree_fit(tree, room(width, used));
	put_line(options, line, out);
	if (has_room && closing)
		text_append(out, text_string(line->closing), line->closing->len);
}

void format_orphan_end(const struct sink_options *options, const struct call *call,
		       const struct wire_record *record, size_t start, struct value_tree *tree,
		       struct text *out)
{
	const char *why = !call->has_goid  ? " (goroutine not known)"
			  : record->losses ? " (entry lost, or before the trace)"
					   : " (entered before the trace)";
	struct format_line line = {.call = call,
				   .has_end = true,
				   .how = CALL_RETURNED,
				   .record = record,
				   .tree = tree};
	format_values(options, &line, start, strlen(why), out);
	format_paint(options, COLOR_DIM, out);
	text_puts(out, why);
	format_plain(options, out);
	text_putc(out, '\n');
}

void format_closing(const struct sink_options *options, const struct call *call, size_t columns,
		    struct text *out)
{
	format_paint(options, COLOR_DIM, out);
	text_puts(out, " // ");
	size_t start = out->len;
	text_puts(out, call->func->func->name);
	rune_disarm(out, start);
	format_plain(options, out);
	if (columns + format_columns(out, 0) > *options->width / 2)
		text_reset(out);
}

// --- Losses and the end ------------------------------------------------------------------------

void format_lost(const struct sink_options *options, uint64_t count, const char *where,
		 struct text *out)
{
	format_paint(options, COLOR_BAD, out);
	size_t start = out->len;
	text_printf(out, "*** %" PRIu64 " %s lost (%s)", count, count == 1 ? "event" : "events",
		    where);
	rune_disarm(out, start);
	format_plain(options, out);
	text_putc(out, '\n');
}

void format_seconds(double seconds, unsigned decimals, struct text *out)
{
	uint64_t scale = 1;
	for (unsigned i = 0; i < decimals; i++)
		scale *= 10;
	uint64_t scaled =
		seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds * (double)scale + 0.5) : 0;
	text_u64(out, scaled / scale);
	uint64_t rest = scaled % scale;
	if (!rest)
		return;
	text_putc(out, '.');
	while (rest) {
		scale /= 10;
		text_putc(out, (char)('0' + rest / scale));
		rest %= scale;
	}
}

static void write_count(uint64_t count, const char *noun, struct text *out)
{
	text_printf(out, "%" PRIu64 " %s%s, ", count, noun, count == 1 ? "" : "s");
}

void format_summary(const struct sink_summary *summary, struct text *out)
{
	const struct calls_stats *counts = &summary->counts;
	write_count(summary->functions, "function", out);
	write_count(counts->calls, "call", out);
	write_count(counts->returns, "return", out);
	text_printf(out, "%" PRIu64 " lost, ", summary->lost);
	if (summary->skipped)
		text_printf(out, "%" PRIu64 " skipped, ", summary->skipped);
	if (summary->unreadable)
		text_printf(out, "%" PRIu64 " unreadable, ", summary->unreadable);
	if (summary->crowded)
		text_printf(out, "%" PRIu64 " without room, ", summary->crowded);
	uint64_t early = counts->orphans - counts->lost_entries - counts->unknown;
	if (early)
		text_printf(out, "%" PRIu64 " entered before the trace, ", early);
	if (counts->lost_entries)
		text_printf(out, "%" PRIu64 " without their entry, ", counts->lost_entries);
	if (counts->unknown)
		text_printf(out, "%" PRIu64 " of unknown goroutines, ", counts->unknown);
	if (counts->lost_ends)
		text_printf(out, "%" PRIu64 " without their return, ", counts->lost_ends);
	if (counts->detached)
		text_printf(out, "%" PRIu64 " still under way, ", counts->detached);
	if (summary->overhead > 0)
		text_printf(out, "%.1f%% overhead, ", summary->overhead * 100);
	format_seconds(summary->seconds, 3, out);
	text_puts(out, " s\n");
}
