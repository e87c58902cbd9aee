// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/aggregates.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracer/event/value.h"
#include "tracer/event/value_internal.h"
#include "tracer/sink/format.h"

_Static_assert((int)WIRE_BUCKETS == (int)HISTOGRAM_BUCKETS, "the engine's histogram is ours");

static const double NS_PER_S = 1e9;

void aggregates_init(struct aggregates *aggregates, const struct plan *plan, uint64_t bias,
		     uint64_t now_ns)
{
	*aggregates = (struct aggregates){
		.options = plan->options.aggregate,
		.plan = plan,
		.bias = bias,
		.start_ns = now_ns,
		.before_ns = now_ns,
		.now_ns = now_ns,
	};
	size_t num = 0;
	for (size_t i = 0; i < plan->num_funcs; i++)
		num += plan->funcs[i]->aggregate.wire.flags & WIRE_AGGREGATE_COUNTED;
	aggregates->names_func = num > 1 || !aggregates->options->num_by;
}

static void row_destroy(struct aggregate_row *row)
{
	free(row->name);
	free(row->json);
	free(row);
}

void aggregates_deinit(struct aggregates *aggregates)
{
	struct aggregate_row *row, *next;
	HASH_ITER (hh, aggregates->rows, row, next) {
		HASH_DEL(aggregates->rows, row);
		row_destroy(row);
	}
}

// --- Reading -------------------------------------------------------------------------------------

void aggregates_begin(struct aggregates *aggregates, uint64_t now_ns)
{
	aggregates->before_ns = aggregates->now_ns;
	aggregates->now_ns = now_ns;
	for (struct aggregate_row *row = aggregates->rows; row; row = row->hh.next) {
		row->before = row->totals.calls;
		row->totals = (struct wire_totals){0};
		row->histogram = (struct histogram){0};
	}
}

static void write_string(const struct aggregates *aggregates, const struct wire_key_part *part,
			 bool is_json, struct text *out)
{
	char bytes[WIRE_KEY_BYTES];
	size_t len = part->word < sizeof(bytes) ? (size_t)part->word : sizeof(bytes);
	memcpy(bytes, part->bytes, sizeof(bytes));
	uint64_t addr;
	memcpy(&addr, part->bytes, sizeof(addr));
	if (part->state == WIRE_KEY_IN_FILE && !image_read(index_image(aggregates->plan->index),
							   addr - aggregates->bias, bytes, len)) {
		text_puts(out, is_json ? "{\"unavailable\":\"unreadable\"}" : "?(unreadable)");
		return;
	}
	bool is_cut = part->word > len;
	if (is_cut)
		len = value_whole_runes(bytes, len);
	if (!is_json) {
		value_quote(bytes, len, out);
		if (is_cut)
			text_printf(out, "...+%llu bytes", (unsigned long long)(part->word - len));
		return;
	}
	if (is_cut)
		text_printf(out, "{\"len\":%llu,\"cut\":", (unsigned long long)part->word);
	value_json_string(bytes, len, out);
	if (is_cut)
		text_putc(out, '}');
}

// The function that the return address is in.
static void write_caller(const struct aggregates *aggregates, uint64_t addr, bool is_json,
			 struct text *out)
{
	const struct func *func =
		addr ? index_func_at(aggregates->plan->index, addr - aggregates->bias - 1) : NULL;
	if (is_json)
		text_putc(out, '"');
	if (func)
		text_puts(out, func->name);
	else
		text_hex(out, addr);
	if (is_json)
		text_putc(out, '"');
}

static void write_part(const struct aggregates *aggregates, const struct wire_value *value,
		       enum expr_looks looks, const struct wire_key_part *part, bool is_json,
		       struct text *out)
{
	if (part->state == WIRE_KEY_UNREADABLE)
		text_puts(out, is_json ? "{\"unavailable\":\"unreadable\"}" : "?(unreadable)");
	else if (value->kind == WIRE_VALUE_STRING)
		write_string(aggregates, part, is_json, out);
	else if (looks == EXPR_FUNCTION)
		write_caller(aggregates, part->word, is_json, out);
	else if (looks == EXPR_BOOL)
		text_puts(out, part->word ? "true" : "false");
	else if (looks == EXPR_ADDRESS && is_json)
		text_printf(out, "\"0x%llx\"", (unsigned long long)part->word);
	else if (looks == EXPR_ADDRESS)
		text_hex(out, part->word);
	else if (value->kind == WIRE_VALUE_INT)
		text_i64(out, (int64_t)part->word);
	else
		text_u64(out, part->word);
}

static void write_name(const struct aggregates *aggregates, const struct plan_func *func,
		       const struct wire_key *key, struct text *out)
{
	if (aggregates->names_func)
		text_puts(out, func->func->name);
	for (size_t i = 0; i < aggregates->options->num_by; i++) {
		if (i || aggregates->names_func)
			text_puts(out, ", ");
		write_part(aggregates, &func->aggregate.wire.key[i], func->aggregate.looks[i],
			   &key->part[i], false, out);
	}
	format_disarm(out, 0);
}

static void write_json(const struct aggregates *aggregates, const struct plan_func *func,
		       const struct wire_key *key, struct text *out)
{
	const struct aggregate_options *options = aggregates->options;
	text_puts(out, "\"func\":");
	value_json_string(func->func->name, strlen(func->func->name), out);
	if (options->num_by)
		text_puts(out, ",\"by\":{");
	for (size_t i = 0; i < options->num_by; i++) {
		if (i)
			text_putc(out, ',');
		value_json_string(options->by[i], strlen(options->by[i]), out);
		text_putc(out, ':');
		write_part(aggregates, &func->aggregate.wire.key[i], func->aggregate.looks[i],
			   &key->part[i], true, out);
	}
	if (options->num_by)
		text_putc(out, '}');
}

static struct aggregate_row *find_row(struct aggregates *aggregates, const struct plan_func *func,
				      const struct wire_key *key)
{
	struct text name, json;
	text_init(&name);
	text_init(&json);
	write_name(aggregates, func, key, &name);
	struct aggregate_row *row;
	HASH_FIND_STR(aggregates->rows, text_string(&name), row);
	if (!row && (row = calloc(1, sizeof(*row)))) {
		write_json(aggregates, func, key, &json);
		row->name = strdup(text_string(&name));
		row->json = strdup(text_string(&json));
		row->has_errors = func->aggregate.wire.error.kind;
		row->has_returns = func->aggregate.wire.flags & WIRE_AGGREGATE_RETURNS;
		if (row->name && row->json && !name.failed && !json.failed) {
			HASH_ADD_KEYPTR(hh, aggregates->rows, row->name, strlen(row->name), row);
		} else {
			row_destroy(row);
			row = NULL;
		}
	}
	text_deinit(&name);
	text_deinit(&json);
	return row;
}

struct error *aggregates_add(void *context, const struct backend_aggregate *one)
{
	struct aggregates *aggregates = context;
	if (one->key->func >= aggregates->plan->num_funcs)
		return NULL;
	struct aggregate_row *row =
		find_row(aggregates, aggregates->plan->funcs[one->key->func], one->key);
	if (!row)
		return error_nomem();
	uint64_t *to = (uint64_t *)&row->totals;
	const uint64_t *from = (const uint64_t *)&one->totals;
	for (size_t i = 0; i < sizeof(row->totals) / sizeof(*to); i++)
		to[i] += from[i];
	for (uint32_t i = 0; one->buckets && i < HISTOGRAM_BUCKETS; i++) {
		row->histogram.count[i] += one->buckets[i];
		row->histogram.total += one->buckets[i];
	}
	return NULL;
}

// --- Quantiles -----------------------------------------------------------------------------------

enum { BELOW = -1, ABOVE = HISTOGRAM_BUCKETS, NO_VALUES = HISTOGRAM_BUCKETS + 1 };

// The bucket that the quantile is in.
static int quantile(const struct aggregate_row *row, double part)
{
	const struct wire_totals *totals = &row->totals;
	uint64_t num = row->histogram.total + totals->below + totals->above;
	uint64_t so_far = totals->below;
	if (!num)
		return NO_VALUES;
	double rank = part * (double)num;
	if (so_far && (double)so_far >= rank)
		return BELOW;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		so_far += row->histogram.count[i];
		if (row->histogram.count[i] && ((double)so_far >= rank || so_far == num))
			return i;
	}
	return ABOVE;
}

static bool is_duration(const struct aggregate_options *options)
{
	return !options->value;
}

static void write_bound(const struct aggregate_options *options, int bucket, bool is_json,
			struct text *out)
{
	uint64_t log = histogram_start((uint32_t)bucket);
	int64_t linear =
		(int64_t)((uint64_t)options->linear_min + (uint64_t)bucket * options->linear_step);
	if (is_duration(options) && !is_json)
		format_duration(options->num_linear ? (uint64_t)linear : log, out);
	else if (options->num_linear)
		text_i64(out, linear);
	else
		text_u64(out, log);
}

// "1.02µs-1.15µs": between what it lies. A number that is a bucket of its own stands alone.
static void write_quantile(const struct aggregates *aggregates, const struct aggregate_row *row,
			   double part, struct text *out)
{
	const struct aggregate_options *options = aggregates->options;
	int bucket = quantile(row, part), last = options->num_linear ? (int)options->num_linear : 0;
	if (bucket == NO_VALUES) {
		text_putc(out, '-');
	} else if (bucket == BELOW) {
		text_putc(out, '<');
		if (options->num_linear)
			write_bound(options, 0, false, out);
		else
			text_putc(out, '0');
	} else if (bucket == ABOVE) {
		text_puts(out, ">=");
		write_bound(options, last, false, out);
	} else {
		bool is_exact = options->num_linear
					? options->linear_step == 1
					: histogram_start((uint32_t)bucket + 1) -
							  histogram_start((uint32_t)bucket) ==
						  1;
		write_bound(options, bucket, false, out);
		if (is_exact)
			return;
		text_putc(out, '-');
		write_bound(options, bucket + 1, false, out);
	}
}

// --- Order ---------------------------------------------------------------------------------------

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_name(const struct aggregate_row *a, const struct aggregate_row *b)
{
	return strcmp(b->name, a->name);
}

static int by_calls(const struct aggregate_row *a, const struct aggregate_row *b)
{
	int order = compare(a->totals.calls, b->totals.calls);
	return order ? order : by_name(a, b);
}

static int by_total(const struct aggregate_row *a, const struct aggregate_row *b)
{
	int order = compare(a->totals.total, b->totals.total);
	return order ? order : by_calls(a, b);
}

static int by_p99(const struct aggregate_row *a, const struct aggregate_row *b)
{
	int left = quantile(a, 0.99), right = quantile(b, 0.99);
	left = left == NO_VALUES ? BELOW - 1 : left;
	right = right == NO_VALUES ? BELOW - 1 : right;
	return left != right ? left - right : by_total(a, b);
}

static int by_calls_down(const struct aggregate_row *a, const struct aggregate_row *b)
{
	return by_calls(b, a);
}

static int by_total_down(const struct aggregate_row *a, const struct aggregate_row *b)
{
	return by_total(b, a);
}

static int by_p99_down(const struct aggregate_row *a, const struct aggregate_row *b)
{
	return by_p99(b, a);
}

void aggregates_sort(struct aggregates *aggregates, enum aggregate_order order, bool descending)
{
	static int (*const orders[][2])(const struct aggregate_row *,
					const struct aggregate_row *) = {
		[AGGREGATE_BY_CALLS] = {by_calls, by_calls_down},
		[AGGREGATE_BY_TOTAL] = {by_total, by_total_down},
		[AGGREGATE_BY_P99] = {by_p99, by_p99_down},
	};
	HASH_SORT(aggregates->rows, orders[order][descending]);
}

// --- Text ----------------------------------------------------------------------------------------

// Of the last interval, at the end of the whole.
static double rate(const struct aggregates *aggregates, const struct aggregate_row *row,
		   bool is_last)
{
	uint64_t from_ns = is_last ? aggregates->start_ns : aggregates->before_ns;
	uint64_t calls = row->totals.calls - (is_last ? 0 : row->before);
	double seconds = (double)(aggregates->now_ns - from_ns) / NS_PER_S;
	return seconds > 0 ? (double)calls / seconds : 0;
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

static void print_linear(const struct aggregate_options *options, const struct aggregate_row *row,
			 struct text *out)
{
	enum { BAR_COLUMNS = 52, RANGE_COLUMNS = 16 };
	const uint64_t *count = row->histogram.count;
	uint64_t most = 1;
	int first = (int)options->num_linear, last = -1;
	for (int i = 0; i < (int)options->num_linear; i++) {
		if (!count[i])
			continue;
		first = i < first ? i : first;
		last = i;
		most = count[i] > most ? count[i] : most;
	}
	for (int i = first; i <= last; i++) {
		size_t start = out->len;
		text_putc(out, '[');
		write_bound(options, i, false, out);
		text_puts(out, ", ");
		write_bound(options, i + 1, false, out);
		text_putc(out, ')');
		size_t columns = format_columns(out, start);
		format_pad(out, columns < RANGE_COLUMNS ? RANGE_COLUMNS - columns : 0);
		text_printf(out, " %12llu |", (unsigned long long)count[i]);
		unsigned bar = (unsigned)((double)count[i] / (double)most * BAR_COLUMNS + 0.5);
		for (unsigned j = 0; j < BAR_COLUMNS; j++)
			text_putc(out, j < bar ? '@' : ' ');
		text_puts(out, "|\n");
	}
}

static void print_outside(const struct aggregates *aggregates, const struct aggregate_row *row,
			  struct text *out)
{
	const struct wire_totals *totals = &row->totals;
	const struct aggregate_options *options = aggregates->options;
	if (totals->below) {
		text_puts(out, "below ");
		write_bound(options, 0, false, out);
		text_printf(out, ": %llu\n", (unsigned long long)totals->below);
	}
	if (totals->above) {
		text_puts(out, "from ");
		write_bound(options, (int)options->num_linear, false, out);
		text_printf(out, " on: %llu\n", (unsigned long long)totals->above);
	}
	if (totals->unreadable)
		text_printf(out, "unreadable: %llu\n", (unsigned long long)totals->unreadable);
}

static uint64_t num_values(const struct aggregate_row *row)
{
	return row->histogram.total + row->totals.below + row->totals.above;
}

static void write_average(const struct aggregates *aggregates, const struct aggregate_row *row,
			  struct text *out)
{
	uint64_t num = num_values(row);
	if (!num)
		text_putc(out, '-');
	else if (is_duration(aggregates->options))
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
			    (unsigned long long)num_values(row));
		write_average(aggregates, row, out);
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
			text_printf(out, ", %s ", parts[i].name);
			write_quantile(aggregates, row, parts[i].part, out);
		}
		text_putc(out, '\n');
		if (aggregates->options->num_linear)
			print_linear(aggregates->options, row, out);
		else
			histogram_print(&row->histogram, out);
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

static void print_top_row(const struct aggregates *aggregates, const struct aggregate_row *row,
			  struct text *cell, struct text *out)
{
	enum { NUMBER = 12, TIME = 9, RANGE = 16 };
	text_reset(cell);
	text_u64(cell, row->totals.calls);
	pad_left(out, cell, NUMBER);
	text_reset(cell);
	write_rate(aggregates, row, false, cell);
	pad_left(out, cell, NUMBER);
	text_reset(cell);
	if (row->has_errors)
		text_u64(cell, row->totals.errors);
	else
		text_putc(cell, '-');
	pad_left(out, cell, TIME);
	text_reset(cell);
	format_duration(row->totals.total, cell);
	pad_left(out, cell, TIME);
	text_reset(cell);
	write_average(aggregates, row, cell);
	pad_left(out, cell, TIME);
	static const double parts[] = {0.5, 0.99};
	for (size_t i = 0; i < 2; i++) {
		text_reset(cell);
		write_quantile(aggregates, row, parts[i], cell);
		pad_left(out, cell, RANGE);
	}
	text_puts(out, row->name);
	text_putc(out, '\n');
}

void aggregates_print_top(const struct aggregates *aggregates, size_t max_rows, struct text *out)
{
	struct text cell;
	text_init(&cell);
	text_printf(out, "%12s  %12s  %9s  %9s  %9s  %16s  %16s  %s\n", "CALLS", "CALLS/S",
		    "ERRORS", "TOTAL", "AVERAGE", "P50", "P99",
		    aggregates->options->num_by ? "KEY" : "FUNCTION");
	size_t num = 0;
	for (const struct aggregate_row *row = aggregates->rows; row && num < max_rows;
	     row = row->hh.next, num++)
		print_top_row(aggregates, row, &cell, out);
	text_deinit(&cell);
}

// --- JSON ----------------------------------------------------------------------------------------

static void json_quantile(const struct aggregates *aggregates, const struct aggregate_row *row,
			  const char *name, double part, struct text *out)
{
	const struct aggregate_options *options = aggregates->options;
	int bucket = quantile(row, part);
	if (bucket == NO_VALUES)
		return;
	text_printf(out, ",\"%s\":[", name);
	if (bucket == BELOW)
		text_puts(out, "null");
	else
		write_bound(options, bucket == ABOVE ? (int)options->num_linear : bucket, true,
			    out);
	text_putc(out, ',');
	if (bucket == ABOVE)
		text_puts(out, "null");
	else
		write_bound(options, bucket == BELOW ? 0 : bucket + 1, true, out);
	text_putc(out, ']');
}

static void json_histogram(const struct aggregates *aggregates, const struct aggregate_row *row,
			   struct text *out)
{
	const struct wire_totals *totals = &row->totals;
	text_printf(out, ",\"values\":%llu", (unsigned long long)num_values(row));
	if (is_duration(aggregates->options))
		text_printf(out, ",\"total_ns\":%llu", (unsigned long long)totals->total);
	else
		text_printf(out, ",\"total\":%lld", (long long)totals->total);
	json_quantile(aggregates, row, "p50", 0.5, out);
	json_quantile(aggregates, row, "p90", 0.9, out);
	json_quantile(aggregates, row, "p99", 0.99, out);
	text_puts(out, ",\"buckets\":[");
	bool any = false;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!row->histogram.count[i])
			continue;
		text_puts(out, any ? ",[" : "[");
		any = true;
		write_bound(aggregates->options, i, true, out);
		text_putc(out, ',');
		write_bound(aggregates->options, i + 1, true, out);
		text_printf(out, ",%llu]", (unsigned long long)row->histogram.count[i]);
	}
	text_puts(out, "]");
	if (totals->below)
		text_printf(out, ",\"below\":%llu", (unsigned long long)totals->below);
	if (totals->above)
		text_printf(out, ",\"above\":%llu", (unsigned long long)totals->above);
	if (totals->unreadable)
		text_printf(out, ",\"unreadable\":%llu", (unsigned long long)totals->unreadable);
}

void aggregates_print_json(const struct aggregates *aggregates, const char *event, bool is_last,
			   struct text *out)
{
	double seconds = (double)(aggregates->now_ns - aggregates->start_ns) / NS_PER_S;
	for (const struct aggregate_row *row = aggregates->rows; row; row = row->hh.next) {
		text_printf(out, "{\"event\":\"%s\",\"seconds\":", event);
		format_seconds(seconds, 3, out);
		text_printf(out, ",%s,\"calls\":%llu,\"calls_per_second\":", row->json,
			    (unsigned long long)row->totals.calls);
		write_rate(aggregates, row, is_last, out);
		if (row->has_returns)
			text_printf(out, ",\"returns\":%llu",
				    (unsigned long long)row->totals.returns);
		if (row->has_errors)
			text_printf(out, ",\"errors\":%llu",
				    (unsigned long long)row->totals.errors);
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
	double seconds = (double)(aggregates->now_ns - aggregates->start_ns) / NS_PER_S;
	unsigned long long calls = all_calls(aggregates), keys = lost->keys, active = lost->active,
			   unknown = lost->unknown, unreadable = lost->unreadable,
			   scratch = lost->scratch;
	if (is_json) {
		text_printf(out,
			    "{\"event\":\"summary\",\"calls\":%llu,\"keys\":%u,\"keys_full\":%llu,"
			    "\"calls_full\":%llu,\"unknown_goroutine\":%llu,\"seconds\":",
			    calls, HASH_COUNT(aggregates->rows), keys, active, unknown);
		format_seconds(seconds, 3, out);
		if (unreadable)
			text_printf(out, ",\"unreadable\":%llu", unreadable);
		if (scratch)
			text_printf(out, ",\"scratch_full\":%llu", scratch);
		text_printf(out, ",\"functions\":%zu}\n", num_functions);
		return;
	}
	text_printf(out, "%zu function%s, %llu call%s, ", num_functions,
		    num_functions == 1 ? "" : "s", calls, calls == 1 ? "" : "s");
	format_seconds(seconds, 1, out);
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
