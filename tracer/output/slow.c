// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/output/slow.h"

#include <stdlib.h>
#include <string.h>

enum {
	PARTS = 4, // buckets for each power of two
	BUCKETS = 64 * PARTS,
	LEAST_CALLS = 100, // before one is called slow
};

struct slow_func {
	uint64_t num;
	uint32_t count[BUCKETS];
	unsigned longest; // bucket
};

void slow_deinit(struct slow *slow)
{
	for (size_t i = 0; i < slow->num_funcs; i++)
		free(slow->funcs[i]);
	free(slow->funcs);
	*slow = (struct slow){0};
}

static unsigned bucket_of(uint64_t ns)
{
	if (ns < PARTS)
		return (unsigned)ns;
	unsigned log = 63 - (unsigned)__builtin_clzll(ns);
	return PARTS * (log - 1) + (unsigned)(ns >> (log - 2) & (PARTS - 1));
}

// Finds what is known of a function; NULL if there is no memory.
static struct slow_func *find(struct slow *slow, uint32_t number)
{
	if (number >= slow->num_funcs) {
		size_t num = ((size_t)number + 1) * 2;
		struct slow_func **funcs =
			reallocarray(slow->funcs, num, sizeof(struct slow_func *));
		if (!funcs)
			return NULL;
		memset(funcs + slow->num_funcs, 0, (num - slow->num_funcs) * sizeof(*funcs));
		slow->funcs = funcs;
		slow->num_funcs = num;
	}
	if (!slow->funcs[number])
		slow->funcs[number] = calloc(1, sizeof(struct slow_func));
	return slow->funcs[number];
}

bool slow_call(struct slow *slow, uint32_t number, uint64_t duration_ns)
{
	struct slow_func *func = find(slow, number);
	if (!func)
		return false;
	unsigned bucket = bucket_of(duration_ns);
	uint64_t as_long = 0;
	for (unsigned i = bucket; i <= func->longest; i++)
		as_long += func->count[i];
	bool is_slow = func->num >= LEAST_CALLS && 100 * as_long < func->num;
	func->num++;
	func->count[bucket] += func->count[bucket] < UINT32_MAX;
	if (bucket > func->longest)
		func->longest = bucket;
	return is_slow;
}
