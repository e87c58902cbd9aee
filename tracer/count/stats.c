// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/count/stats.h"

#include <stdlib.h>
#include <string.h>

enum { GOROUTINES_MAX = 65536 };

void stats_deinit(struct stats *stats)
{
	struct stats_func *func, *next_func;
	HASH_ITER (hh, stats->funcs, func, next_func) {
		HASH_DEL(stats->funcs, func);
		free(func);
	}
	struct stats_goroutine *goroutine, *next_goroutine;
	HASH_ITER (hh, stats->goroutines, goroutine, next_goroutine) {
		HASH_DEL(stats->goroutines, goroutine);
		free(goroutine);
	}
	*stats = (struct stats){0};
}

static struct stats_func *find_or_add(struct stats *stats, const struct func *func)
{
	struct stats_func *found;
	HASH_FIND_PTR(stats->funcs, &func, found);
	if (found)
		return found;
	found = calloc(1, sizeof(*found));
	if (!found)
		return NULL;
	found->func = func;
	HASH_ADD_PTR(stats->funcs, func, found);
	if (found->hh.tbl)
		return found;
	free(found);
	return NULL;
}

struct error *stats_lost(struct stats *stats, const struct func *func, uint64_t count)
{
	struct stats_func *found = find_or_add(stats, func);
	if (!found)
		return error_nomem();
	found->lost += count;
	return NULL;
}

static struct error *count_goroutine(struct stats *stats, const struct call *call)
{
	struct stats_goroutine *found = NULL;
	const struct stats_goroutine_key key = {call->goid, call->target};
	if (call->has_goid)
		HASH_FIND (hh, stats->goroutines, &key, sizeof(key), found)
			;
	bool is_kept = call->has_goid && HASH_COUNT(stats->goroutines) < GOROUTINES_MAX;
	if (!found && !is_kept) {
		stats->calls_elsewhere++;
		return NULL;
	}
	if (!found) {
		found = calloc(1, sizeof(*found));
		if (!found)
			return error_nomem();
		found->key = key;
		HASH_ADD(hh, stats->goroutines, key, sizeof(found->key), found);
		if (!found->hh.tbl) {
			free(found);
			return error_nomem();
		}
	}
	found->calls++;
	found->last = call->func->func;
	return NULL;
}

struct error *stats_entry(struct stats *stats, const struct call *call)
{
	struct stats_func *func = find_or_add(stats, call->func->func);
	if (!func)
		return error_nomem();
	func->calls++;
	return count_goroutine(stats, call);
}

// Counts a return with an error, from its results of type error. A nil interface has 0 as the word
// of its type.
static void count_error(struct stats_func *func, const struct plan_func *plan,
			struct memory *results)
{
	bool is_error = false;
	for (size_t i = 0; i < plan->results.num_values; i++) {
		const struct plan_value *value = &plan->results.values[i];
		const struct gotype *type = value->param->type;
		const char *reason;
		uint64_t addr, word;
		if (!type || type->kind != GO_INTERFACE || strcmp(type->full_name, "error") != 0 ||
		    value->start || value->frame_bytes < sizeof(word) ||
		    !memory_place(results, value, &addr, &reason) ||
		    !memory_read(results, addr, &word, sizeof(word), NULL))
			continue;
		func->has_errors = true;
		is_error |= word != 0;
	}
	func->errors += is_error;
}

struct error *stats_end(struct stats *stats, const struct call *call, struct memory *results,
			enum call_how how, uint64_t end_ns)
{
	struct stats_func *func = find_or_add(stats, call->func->func);
	if (!func)
		return error_nomem();
	if (how == CALL_PANICKED || how == CALL_GOEXIT)
		func->panics++;
	if (how != CALL_RETURNED)
		return NULL;
	uint64_t ns = end_ns > call->entry_ns ? end_ns - call->entry_ns : 0;
	if (!func->returns++ || ns < func->min_ns)
		func->min_ns = ns;
	if (ns > func->max_ns)
		func->max_ns = ns;
	func->total_ns += ns;
	histogram_add(&func->durations, ns);
	if (results)
		count_error(func, call->func, results);
	return NULL;
}
