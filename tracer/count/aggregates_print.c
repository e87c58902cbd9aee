// SPDX-License-Identifier: GPL-2.0-or-later
// Prints what was counted: as counts, histograms, a table or JSON, and the last line.
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "tracer/count/aggregates.h"
#include "tracer/output/format.h"

// --- Text ----------------------------------------------------------------------------------------

static double seconds(const struct aggregates *aggregates)
{
	return (double)(aggregates->now_ns - aggregates->start_ns) / NS_PER_SECOND;
}

// Returns the calls per second since the previous reading; if is_last, since the start.
static double rate(const struct aggregates *aggregates, const struct aggregate_row *row,
		   bool is_last)
{
	uint64_t from_ns = is_last ? aggregates->start_ns : aggregates->before_ns;
	uint64_t calls = row->totals.calls - (is_last ? 0 : row->before);
	uint64_t ns = aggregates->now_ns - from_ns;
	return ns ? (double)calls * NS_PER_SECOND / (double)ns : 0;
}

static void write_rate(const struct aggregates *aggregates, const struct aggregate_row *row,
		       bool is_last, struct text *out)
{
	format_seconds(rate(aggregates, row, is_last), 1, out);
}

void aggregates_print_counts(const struct aggregates *aggregates, bool is_last, struct text *out)
{
	enum { WIDEST = 70 };
	size_t width = 0;
	for (const struct aggregate_row *row = aggregates->rows; row; row = row->hh.next) {
		size_t start = out->len;
		text_printf(out, "@[%s]: %llu", row->name, (unsigned long long)row->totals.calls);
		size_t columns = format_columns(out, start);
		out->len = start;
		if (columns > width && columns <= WIDEST)
			width = columns;
	}
	for (const struct aggregate_row *row = aggregates->rows; row; row = row->hh.next) {
		size_t start = out->len;
		text_printf(out, "@[%s]: %llu", row->name, (unsigned long long)row->totals.calls);
		size_t columns = format_columns(out, start);
		format_pad(out, columns < width ? width - columns + 2 : 2);
		write_rate(aggregates, row, is_last, out);
		text_puts(out, "/s");
		if (row->has_errors)
			text_printf(out, "  %llu error%s", (unsigned long long)row->totals.errors,
				    row->totals.errors == 1 ? "" : "s");
		text_putc(out, '\n');
	}
}

static void print_outside(const struct aggregates *aggregates, const struct aggregate_row *row,
			  struct text *out)
{
	const struct wire_totals *totals = &row->totals;
	const struct histogram_scale *scale = &aggregates->scale;
	if (totals->below) {
		text_puts(out, "below ");
		histogram_write_bound(scale, 0, false, out);
		text_printf(out, ": %llu\n", (unsigned long long)totals->below);
	}
	if (totals->above) {
		text_puts(out, "from ");
		histogram_write_bound(scale, (int)scale->num_linear, false, out);
		text_printf(out, " on: %llu\n", (unsigned long long)totals->above);
	}
	if (totals->unreadable)
		text_printf(out, "unreadable: %llu\n", (unsigned long long)totals->unreadable);
}

static void write_average(const struct aggregates *aggregates, const struct aggregate_row *row,
			  struct text *out)
{
	uint64_t num = row->histogram.num;
	if (!num)
		text_putc(out, '-');
	else if (aggregates->scale.is_time)
		format_duration(row->totals.total / num, out);
	else
		format_seconds((double)(int64_t)row->totals.total / (double)num, 1, out);
}

void aggregates_print_histograms(const struct aggregates *aggregates, struct text *out)
{
	static const struct {
		const char *name;
		double part;
	} parts[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
	for (const struct aggregate_row *row = aggregates->rows; row; row = row->hh.next) {
		text_printf(out, "@[%s]: %llu values, average ", row->name,
			    (unsigned long long)row->histogram.num);
		write_average(aggregates, row, out);
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
			text_printf(out, ", %s ", parts[i].name);
			histogram_write_quantile(&aggregates->scale, &row->histogram, parts[i].part,
						 out);
		}
		text_putc(out, '\n');
		histogram_print(&row->histogram, &aggregates->scale, out);
		print_outside(aggregates, row, out);
		text_putc(out, '\n');
	}
}

static void pad_left(struct text *out, const struct text *cell, size_t width)
{
	size_t columns = format_columns(cell, 0);
	format_pad(out, columns < width ? width - columns : 0);
	text_append(out, cell->data, cell->len);
	format_pad(out, 2);
}

enum top_column {
	TOP_CALLS,
	TOP_RATE,
	TOP_ERRORS,
	TOP_TOTAL,
	TOP_AVERAGE,
	TOP_P50,
	TOP_P99,
	NUM_TOP
};

static const struct {
	const char *head;
	uint8_t width;
	bool can_go; // left out if the table is narrow
} top_columns[NUM_TOP] = {
	[TOP_CALLS] = {"CALLS", 12, false},   [TOP_RATE] = {"CALLS/S", 12, true},
	[TOP_ERRORS] = {"ERRORS", 9, false},  [TOP_TOTAL] = {"TOTAL", 9, false},
	[TOP_AVERAGE] = {"AVERAGE", 9, true}, [TOP_P50] = {"P50", 16, true},
	[TOP_P99] = {"P99", 16, false},
};

static void write_top_cell(const struct aggregates *aggregates, const struct aggregate_row *row,
			   enum top_column column, struct text *out)
{
	switch (column) {
	case TOP_CALLS:
		text_u64(out, row->totals.calls);
		break;
	case TOP_RATE:
		write_rate(aggregates, row, false, out);
		break;
	case TOP_ERRORS:
		if (row->has_errors)
			text_u64(out, row->totals.errors);
		else
			text_putc(out, '-');
		break;
	case TOP_TOTAL:
		format_duration(row->totals.total, out);
		break;
	case TOP_AVERAGE:
		write_average(aggregates, row, out);
		break;
	default:
		histogram_write_quantile(&aggregates->scale, &row->histogram,
					 column == TOP_P50 ? 0.5 : 0.99, out);
	}
}

// Writes at most this many columns of a line, because a longer line would take two rows of the
// terminal.
static void put_line(const struct text *line, size_t columns, struct text *out)
{
	size_t len = 0;
	for (size_t column = 0; len < line->len; len++) {
		// The first byte of a UTF-8 character.
		bool begins = ((unsigned char)line->data[len] & 0xc0) != 0x80;
		if (begins && column++ == columns)
			break;
	}
	text_append(out, line->data, len);
	text_putc(out, '\n');
}

// Writes a row of the table; its head if row is NULL.
static void print_top_line(const struct aggregates *aggregates, const struct aggregate_row *row,
			   size_t columns, struct text *out)
{
	enum { NAME = 30 }; // columns that the name should have at least
	size_t width = NAME;
	for (int i = 0; i < NUM_TOP; i++)
		width += top_columns[i].width + 2;
	struct text line, cell;
	text_init(&line);
	text_init(&cell);
	for (int i = 0; i < NUM_TOP; i++) {
		if (top_columns[i].can_go && width > columns)
			continue;
		text_reset(&cell);
		if (row)
			write_top_cell(aggregates, row, i, &cell);
		else
			text_puts(&cell, top_columns[i].head);
		pad_left(&line, &cell, top_columns[i].width);
	}
	text_puts(&line, row ? row->name : aggregates->options->num_by ? "KEY" : "FUNCTION");
	put_line(&line, columns, out);
	out->failed |= line.failed || cell.failed;
	text_deinit(&line);
	text_deinit(&cell);
}

void aggregates_print_top(const struct aggregates *aggregates, size_t max_rows, size_t columns,
			  struct text *out)
{
	print_top_line(aggregates, NULL, columns, out);
	size_t num = 0;
	for (const struct aggregate_row *row = aggregates->rows; row && num < max_rows;
	     row = row->hh.next, num++)
		print_top_line(aggregates, row, columns, out);
}

// --- JSON ----------------------------------------------------------------------------------------

// Writes the bounds of a quantile as [LOW,HIGH]. A bound that is not known is null.
static void json_quantile(const struct aggregates *aggregates, const struct aggregate_row *row,
			  const char *name, double part, struct text *out)
{
	const struct histogram_scale *scale = &aggregates->scale;
	int bucket = histogram_quantile(&row->histogram, part);
	if (bucket == HISTOGRAM_NONE)
		return;
	json_key(out, name);
	text_putc(out, '[');
	if (bucket == HISTOGRAM_BELOW)
		text_puts(out, "null");
	else
		histogram_write_bound(scale,
				      bucket == HISTOGRAM_ABOVE ? (int)scale->num_linear : bucket,
				      true, out);
	text_putc(out, ',');
	if (bucket == HISTOGRAM_ABOVE)
		text_puts(out, "null");
	else
		histogram_write_bound(scale, bucket + 1, true, out);
	text_putc(out, ']');
}

static void json_histogram(const struct aggregates *aggregates, const struct aggregate_row *row,
			   struct text *out)
{
	const struct histogram_scale *scale = &aggregates->scale;
	const struct wire_totals *totals = &row->totals;
	json_u64(out, "values", row->histogram.num);
	if (scale->is_time)
		json_u64(out, "total_ns", totals->total);
	else
		json_i64(out, "total", (int64_t)totals->total);
	json_quantile(aggregates, row, "p50", 0.5, out);
	json_quantile(aggregates, row, "p90", 0.9, out);
	json_quantile(aggregates, row, "p99", 0.99, out);
	json_key(out, "buckets");
	text_putc(out, '[');
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!row->histogram.count[i])
			continue;
		json_item(out);
		text_putc(out, '[');
		histogram_write_bound(scale, i, true, out);
		text_putc(out, ',');
		histogram_write_bound(scale, i + 1, true, out);
		text_printf(out, ",%llu]", (unsigned long long)row->histogram.count[i]);
	}
	text_putc(out, ']');
	json_count(out, "below", totals->below);
	json_count(out, "above", totals->above);
	json_count(out, "unreadable", totals->unreadable);
}

void aggregates_print_json(const struct aggregates *aggregates, const char *event, bool is_last,
			   struct text *out)
{
	for (const struct aggregate_row *row = aggregates->rows; row; row = row->hh.next) {
		text_putc(out, '{');
		json_string(out, "event", event);
		json_key(out, "seconds");
		format_seconds(seconds(aggregates), 3, out);
		json_item(out);
		text_puts(out, row->json);
		json_u64(out, "calls", row->totals.calls);
		json_key(out, "calls_per_second");
		write_rate(aggregates, row, is_last, out);
		if (row->has_returns)
			json_u64(out, "returns", row->totals.returns);
		if (row->has_errors)
			json_u64(out, "errors", row->totals.errors);
		if (aggregates->options->has_histogram)
			json_histogram(aggregates, row, out);
		text_puts(out, "}\n");
	}
}

// --- The end -------------------------------------------------------------------------------------

static uint64_t all_calls(const struct aggregates *aggregates)
{
	uint64_t calls = aggregates->lost.keys;
	for (const struct aggregate_row *row = aggregates->rows; row; row = row->hh.next)
		calls += row->totals.calls;
	return calls;
}

void aggregates_print_summary(const struct aggregates *aggregates, size_t num_functions,
			      bool is_json, struct text *out)
{
	const struct wire_aggregate_lost *lost = &aggregates->lost;
	unsigned long long calls = all_calls(aggregates), keys = lost->keys, active = lost->active,
			   unknown = lost->unknown, unreadable = lost->unreadable,
			   scratch = lost->scratch;
	if (is_json) {
		text_putc(out, '{');
		json_string(out, "event", "summary");
		json_u64(out, "calls", calls);
		json_u64(out, "keys", HASH_COUNT(aggregates->rows));
		json_u64(out, "keys_full", keys);
		json_u64(out, "calls_full", active);
		json_u64(out, "unknown_goroutine", unknown);
		json_key(out, "seconds");
		format_seconds(seconds(aggregates), 3, out);
		json_count(out, "unreadable", unreadable);
		json_count(out, "scratch_full", scratch);
		json_u64(out, "functions", num_functions);
		text_puts(out, "}\n");
		return;
	}
	text_printf(out, "%zu function%s, %llu call%s, ", num_functions,
		    num_functions == 1 ? "" : "s", calls, calls == 1 ? "" : "s");
	format_seconds(seconds(aggregates), 1, out);
	text_puts(out, " s");
	if (keys)
		text_printf(out,
			    "; %llu calls are under no key: there is room for %u keys (--keys)",
			    keys, aggregates->options->max_keys);
	if (active)
		text_printf(out, "; %llu calls had no room to be followed to their end", active);
	if (unknown)
		text_printf(out, "; %llu calls on a goroutine that is not known", unknown);
	if (unreadable)
		text_printf(
			out,
			"; %llu calls left out because of something the condition could not read",
			unreadable);
	if (scratch)
		text_printf(out, "; %llu hits lost: no memory to work on them", scratch);
	text_putc(out, '\n');
}
