// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/output/format.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/rune.h"

enum { WIDTH_DEFAULT = 200 }; // of lines that do not go to a terminal

static const int64_t NS_PER_S = 1000 * 1000 * 1000;

// --- Colours -----------------------------------------------------------------------------------

static const char plain[] = "\033[0m";
static const char *const sequences[] = {
	[COLOR_NAME] = "\033[1m",
	[COLOR_DIM] = "\033[2m",
	[COLOR_BAD] = "\033[31m",
	[COLOR_SLOW] = "\033[33m",
};

void format_paint(const struct sink_options *options, enum format_color color, struct text *out)
{
	if (options->look.color)
		text_puts(out, sequences[color]);
}

void format_plain(const struct sink_options *options, struct text *out)
{
	if (options->look.color)
		text_puts(out, plain);
}

const struct value_paint *format_value_paint(const struct sink_options *options, bool are_results)
{
	static const struct value_paint paints[] = {
		{"\033[2m", NULL, "\033[0m"},
		{"\033[2m", "\033[31m", "\033[0m"},
	};
	return options->look.color ? &paints[are_results] : NULL;
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

uint32_t sink_width(const struct sink_look *look)
{
	struct winsize size = {0};
	if (look->width)
		return look->width;
	if (!ioctl(look->out, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return WIDTH_DEFAULT;
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

static void write_delta(struct format_clock *clock, uint64_t mono_ns, struct text *out)
{
	uint64_t before = clock->last_ns ? clock->last_ns : mono_ns;
	bool is_before = mono_ns < before;
	uint64_t ns = is_before ? before - mono_ns : mono_ns - before;
	text_printf(out, "%c%3" PRIu64 ".%06d ", is_before ? '-' : '+', ns / (uint64_t)NS_PER_S,
		    (int)(ns % (uint64_t)NS_PER_S / 1000));
	clock->last_ns = mono_ns;
}

size_t format_timestamp_columns(const struct sink_options *options)
{
	struct format_clock clock = {0};
	struct text text;
	text_init(&text);
	format_timestamp(options, &clock, options->start_ns, &text);
	size_t columns = format_columns(&text, 0);
	text_deinit(&text);
	return columns;
}

void format_timestamp(const struct sink_options *options, struct format_clock *clock,
		      uint64_t mono_ns, struct text *out)
{
	if (options->look.timestamps == TIMESTAMPS_NONE)
		return;
	format_paint(options, COLOR_DIM, out);
	if (options->look.timestamps == TIMESTAMPS_RELATIVE)
		write_relative(options, mono_ns, out);
	else if (options->look.timestamps == TIMESTAMPS_DELTA)
		write_delta(clock, mono_ns, out);
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

void format_summary(struct sink *sink, const struct sink_summary *summary, struct text *unused,
		    struct text *out)
{
	(void)sink;
	(void)unused;
	const struct calls_stats *counts = &summary->counts;
	write_count(summary->functions, "function", out);
	write_count(counts->calls, "call", out);
	write_count(counts->returns, "return", out);
	text_printf(out, "%" PRIu64 " lost, ", summary->lost);
	if (summary->skipped)
		text_printf(out, "%" PRIu64 " skipped, ", summary->skipped);
	if (summary->uncounted)
		text_printf(out, "calls of %" PRIu64 " not counted for a time, ",
			    summary->uncounted);
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
