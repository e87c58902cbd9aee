// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/aggregates.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracer/event/value.h"
#include "tracer/event/value_internal.h"
#include "base/rune.h"
#include "tracer/sink/format.h"

_Static_assert((int)WIRE_BUCKETS == (int)HISTOGRAM_BUCKETS, "the engine's histogram is ours");

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

// A string that the probe could not read, from the file: if memory is certain to be the same.
static bool read_file(const struct aggregates *aggregates, uint64_t addr, char *bytes, size_t len)
{
	return (!aggregates->is_as_in_file ||
		aggregates->is_as_in_file(aggregates->context, addr, len)) &&
	       image_read(index_image(aggregates->plan->index), addr - aggregates->bias, bytes,
			  len);
}

static void write_string(const struct aggregates *aggregates, const struct wire_key *key,
			 size_t number, bool is_json, struct text *out)
{
	const struct wire_key_part *part = &key->part[number];
	char bytes[WIRE_KEY_BYTES];
	size_t len = part->word < sizeof(bytes) ? (size_t)part->word : sizeof(bytes);
	memcpy(bytes, key->bytes[number], sizeof(bytes));
	uint64_t addr;
	memcpy(&addr, bytes, sizeof(addr));
	if (part->state == WIRE_KEY_IN_FILE && !read_file(aggregates, addr, bytes, len)) {
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
	if (func && is_json) {
		value_json_string(func->name, strlen(func->name), out);
		return;
	}
	text_puts(out, is_json ? "\"" : "");
	if (func)
		text_puts(out, func->name);
	else
		text_hex(out, addr);
	text_puts(out, is_json ? "\"" : "");
}

static void write_part(const struct aggregates *aggregates, const struct plan_func *func,
		       const struct wire_key *key, size_t number, bool is_json, struct text *out)
{
	const struct wire_value *value = &func->aggregate.wire.key[number];
	enum expr_looks looks = func->aggregate.looks[number];
	const struct wire_key_part *part = &key->part[number];
	if (part->state == WIRE_KEY_UNREADABLE)
		text_puts(out, is_json ? "{\"unavailable\":\"unreadable\"}" : "?(unreadable)");
	else if (value->kind == WIRE_VALUE_STRING)
		write_string(aggregates, key, number, is_json, out);
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
		write_part(aggregates, func, key, i, false, out);
	}
	rune_disarm(out, 0);
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
		write_part(aggregates, func, key, i, true, out);
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

int aggregate_quantile(const struct aggregate_row *row, double part)
{
	const struct wire_totals *totals = &row->totals;
	uint64_t num = row->histogram.total + totals->below + totals->above;
	uint64_t so_far = totals->below;
	if (!num)
		return QUANTILE_NONE;
	double rank = part * (double)num;
	if (so_far && (double)so_far >= rank)
		return QUANTILE_BELOW;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		so_far += row->histogram.count[i];
		if (row->histogram.count[i] && ((double)so_far >= rank || so_far == num))
			return i;
	}
	return QUANTILE_ABOVE;
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
	int left = aggregate_quantile(a, 0.99), right = aggregate_quantile(b, 0.99);
	left = left == QUANTILE_NONE ? QUANTILE_BELOW - 1 : left;
	right = right == QUANTILE_NONE ? QUANTILE_BELOW - 1 : right;
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
