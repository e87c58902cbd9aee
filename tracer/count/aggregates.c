// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/count/aggregates.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rune.h"
#include "tracer/backend/settings.h"
#include "tracer/event/value/value.h"
#include "tracer/event/value/internal.h"
#include "tracer/output/format.h"

_Static_assert((int)WIRE_BUCKETS == (int)HISTOGRAM_BUCKETS, "the engine's histogram is ours");

void aggregates_init(struct aggregates *aggregates, const struct loaded *loaded, uint64_t now_ns)
{
	const struct plan *plan = loaded->plan;
	const struct aggregate_options *options = plan->options.counting;
	*aggregates = (struct aggregates){
		.options = options,
		.scale = {.is_time = !options->value,
			  .num_linear = options->num_linear,
			  .linear_min = options->linear_min,
			  .linear_step = options->linear_step},
		.loaded = loaded,
		.start_ns = now_ns,
		.before_ns = now_ns,
		.now_ns = now_ns,
	};
	size_t num = 0;
	for (size_t i = 0; i < plan->num_funcs; i++)
		num += plan->funcs[i]->aggregate.wire.flags & WIRE_AGGREGATE_COUNTED;
	aggregates->names_func = num > 1 || !options->num_by;
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

// Reads from the file a string that the probe could not read, if memory is certain to be the same.
static bool read_file(const struct aggregates *aggregates, uint64_t addr, char *bytes, size_t len)
{
	return (!aggregates->is_as_in_file ||
		aggregates->is_as_in_file(aggregates->context, addr, len)) &&
	       image_read(aggregates->loaded->image, loaded_vaddr(aggregates->loaded, addr), bytes,
			  len);
}

// Replaces a string that only the file has (WIRE_KEY_IN_FILE) by one like those that were read.
static void find_string(const struct aggregates *aggregates, struct wire_key *key, size_t number,
			char *text)
{
	struct wire_key_part *part = &key->part[number];
	char bytes[WIRE_BLOCK_MAX];
	bool is_there = part->word <= sizeof(bytes) &&
			read_file(aggregates, part->hash, bytes, (size_t)part->word);
	key->state[number] = is_there ? WIRE_KEY_KNOWN : WIRE_KEY_UNREADABLE;
	if (is_there) {
		part->hash = settings_hash(aggregates->options->seed, bytes, (size_t)part->word);
		memcpy(text, bytes, part->word < WIRE_KEY_TEXT ? part->word : WIRE_KEY_TEXT);
	} else {
		*part = (struct wire_key_part){0};
	}
}

// Returns the function that a return address is in; NULL if there is none.
static const struct func *caller_at(const struct aggregates *aggregates, uint64_t addr)
{
	const struct loaded *loaded = aggregates->loaded;
	return addr ? index_func_at(loaded->index, loaded_vaddr(loaded, addr) - 1) : NULL;
}

// Gives parts of a key the same words if they mean the same: strings of the file, and return
// addresses in one function.
static void settle(const struct aggregates *aggregates, const struct plan_func *func,
		   struct wire_key *key, struct wire_key_slot *at)
{
	for (size_t i = 0; i < aggregates->options->num_by; i++) {
		struct wire_key_part *part = &key->part[i];
		const struct func *caller = func->aggregate.looks[i] == EXPR_FUNCTION
						    ? caller_at(aggregates, part->word)
						    : NULL;
		if (key->state[i] == WIRE_KEY_IN_FILE)
			find_string(aggregates, key, i, (char *)at->text[i]);
		if (caller)
			part->word = loaded_addr(aggregates->loaded, caller->vaddr) + 1;
	}
}

// Writes a string of a key. A string that is cut is followed by its hash, so that two strings with
// the same beginning remain distinct.
static void write_string(const struct wire_key_part *part, const wire_u8 *text, bool is_json,
			 struct text *out)
{
	const char *bytes = (const char *)text;
	bool is_cut = part->word > WIRE_KEY_TEXT;
	size_t len = is_cut ? value_whole_runes(bytes, WIRE_KEY_TEXT) : (size_t)part->word;
	unsigned long long hash = part->hash, whole = part->word;
	if (is_json && is_cut)
		text_printf(out, "{\"len\":%llu,\"hash\":\"%016llx\",\"cut\":", whole, hash);
	(is_json ? json_quote : value_quote)(bytes, len, out);
	if (is_cut && is_json)
		text_putc(out, '}');
	else if (is_cut)
		text_printf(out, "...+%llu bytes #%016llx", whole - len, hash);
}

static void write_addr(uint64_t addr, bool is_json, struct text *out)
{
	if (is_json)
		json_addr(addr, out);
	else
		text_hex(out, addr);
}

static void write_caller(const struct aggregates *aggregates, uint64_t addr, bool is_json,
			 struct text *out)
{
	const struct func *func = caller_at(aggregates, addr);
	if (func && is_json)
		json_quote(func->name, strlen(func->name), out);
	else if (func)
		text_puts(out, func->name);
	else
		write_addr(addr, is_json, out);
}

static void write_missing(enum wire_key_state state, bool is_json, struct text *out)
{
	text_puts(out, is_json ? "{\"unavailable\":\"" : "?(");
	if (state == WIRE_KEY_LONG)
		text_printf(out, "string of more than %d bytes", WIRE_BLOCK_MAX);
	else
		text_puts(out, "unreadable");
	text_puts(out, is_json ? "\"}" : ")");
}

static void write_part(const struct aggregates *aggregates, const struct plan_func *func,
		       const struct backend_aggregate *one, size_t number, bool is_json,
		       struct text *out)
{
	const struct wire_value *value = &func->aggregate.wire.key[number];
	enum expr_looks looks = func->aggregate.looks[number];
	const struct wire_key_part *part = &one->key->part[number];
	if (one->key->state[number])
		write_missing(one->key->state[number], is_json, out);
	else if (value->kind == WIRE_VALUE_STRING)
		write_string(part, one->at->text[number], is_json, out);
	else if (looks == EXPR_FUNCTION)
		write_caller(aggregates, part->word, is_json, out);
	else if (looks == EXPR_BOOL)
		text_puts(out, part->word ? "true" : "false");
	else if (looks == EXPR_ADDRESS)
		write_addr(part->word, is_json, out);
	else if (value->kind == WIRE_VALUE_INT)
		text_i64(out, (int64_t)part->word);
	else
		text_u64(out, part->word);
}

static void write_name(const struct aggregates *aggregates, const struct plan_func *func,
		       const struct backend_aggregate *one, struct text *out)
{
	if (aggregates->names_func)
		text_puts(out, func->func->name);
	for (size_t i = 0; i < aggregates->options->num_by; i++) {
		if (i || aggregates->names_func)
			text_puts(out, ", ");
		write_part(aggregates, func, one, i, false, out);
	}
	rune_disarm(out, 0);
}

static void write_json(const struct aggregates *aggregates, const struct plan_func *func,
		       const struct backend_aggregate *one, struct text *out)
{
	const struct aggregate_options *options = aggregates->options;
	json_string(out, "func", func->func->name);
	if (!options->num_by)
		return;
	json_key(out, "by");
	text_putc(out, '{');
	for (size_t i = 0; i < options->num_by; i++) {
		json_item(out);
		json_quote(options->by[i], strlen(options->by[i]), out);
		text_putc(out, ':');
		write_part(aggregates, func, one, i, true, out);
	}
	text_putc(out, '}');
}

static struct aggregate_row *row_create(const struct aggregates *aggregates,
					const struct plan_func *func,
					const struct backend_aggregate *one)
{
	struct aggregate_row *row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	struct text name, json;
	text_init(&name);
	text_init(&json);
	write_name(aggregates, func, one, &name);
	write_json(aggregates, func, one, &json);
	row->key = *one->key;
	row->name = strdup(text_string(&name));
	row->json = strdup(text_string(&json));
	row->has_errors = func->aggregate.wire.error.kind;
	row->has_returns = func->aggregate.wire.flags & WIRE_AGGREGATE_RETURNS;
	if (!row->name || !row->json || name.failed || json.failed) {
		row_destroy(row);
		row = NULL;
	}
	text_deinit(&name);
	text_deinit(&json);
	return row;
}

static struct aggregate_row *find_row(struct aggregates *aggregates, const struct plan_func *func,
				      const struct backend_aggregate *one)
{
	struct wire_key key = *one->key;
	struct wire_key_slot at = {0};
	if (one->at)
		at = *one->at;
	settle(aggregates, func, &key, &at);
	struct aggregate_row *row;
	HASH_FIND (hh, aggregates->rows, &key, sizeof(key), row)
		;
	if (row)
		return row;
	row = row_create(aggregates, func, &(struct backend_aggregate){.key = &key, .at = &at});
	if (!row)
		return NULL;
	HASH_ADD(hh, aggregates->rows, key, sizeof(row->key), row);
	if (row->hh.tbl)
		return row;
	row_destroy(row);
	return NULL;
}

struct error *aggregates_add(void *context, const struct backend_aggregate *one)
{
	struct aggregates *aggregates = context;
	if (one->key->func >= aggregates->loaded->plan->num_funcs)
		return NULL;
	struct aggregate_row *row =
		find_row(aggregates, aggregates->loaded->plan->funcs[one->key->func], one);
	if (!row)
		return error_nomem();
	uint64_t *to = (uint64_t *)&row->totals;
	const uint64_t *from = (const uint64_t *)&one->totals;
	for (size_t i = 0; i < sizeof(row->totals) / sizeof(*to); i++)
		to[i] += from[i];
	struct histogram *histogram = &row->histogram;
	histogram->below += one->totals.below;
	histogram->above += one->totals.above;
	histogram->num += one->totals.below + one->totals.above;
	for (uint32_t i = 0; one->buckets && i < HISTOGRAM_BUCKETS; i++) {
		histogram->count[i] += one->buckets[i];
		histogram->num += one->buckets[i];
	}
	return NULL;
}

// --- Order ---------------------------------------------------------------------------------------

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_calls(const struct aggregate_row *a, const struct aggregate_row *b)
{
	int order = compare(b->totals.calls, a->totals.calls);
	return order ? order : strcmp(a->name, b->name);
}

static int by_total(const struct aggregate_row *a, const struct aggregate_row *b)
{
	int order = compare(b->totals.total, a->totals.total);
	return order ? order : by_calls(a, b);
}

static int by_p99(const struct aggregate_row *a, const struct aggregate_row *b)
{
	int left = histogram_quantile(&a->histogram, 0.99),
	    right = histogram_quantile(&b->histogram, 0.99);
	left = left == HISTOGRAM_NONE ? HISTOGRAM_BELOW - 1 : left;
	right = right == HISTOGRAM_NONE ? HISTOGRAM_BELOW - 1 : right;
	return left != right ? right - left : by_total(a, b);
}

void aggregates_sort(struct aggregates *aggregates, enum aggregate_order order)
{
	static int (*const orders[])(const struct aggregate_row *, const struct aggregate_row *) = {
		[AGGREGATE_BY_CALLS] = by_calls,
		[AGGREGATE_BY_TOTAL] = by_total,
		[AGGREGATE_BY_P99] = by_p99,
	};
	HASH_SORT(aggregates->rows, orders[order]);
}
