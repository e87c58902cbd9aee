// SPDX-License-Identifier: GPL-2.0-or-later
// Reads what the program in the kernel counted, summed over all CPUs.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/wire.h"
#include "bpf/gotrace.skel.h"
#include "tracer/backend/ebpf/ebpf.h"
#include "tracer/backend/settings.h"

// Tables per CPU become very large on a machine with many CPUs. If they would be larger than this,
// all CPUs share one table.
static const size_t PER_CPU_BYTES = 32 << 20;

static struct error *share_if_large(const struct gotrace_bpf *program)
{
	struct bpf_map *maps[] = {program->maps.totals, program->maps.buckets};
	int num_cpus = libbpf_num_possible_cpus();
	if (num_cpus <= 0)
		return error_errno(-num_cpus, "counting the CPUs");
	size_t bytes = 0;
	for (size_t i = 0; i < 2; i++)
		bytes += (size_t)bpf_map__max_entries(maps[i]) * bpf_map__value_size(maps[i]);
	if (bytes * (size_t)num_cpus <= PER_CPU_BYTES)
		return NULL;
	for (size_t i = 0; i < 2; i++) {
		int result = bpf_map__set_type(maps[i], BPF_MAP_TYPE_ARRAY);
		if (result)
			return error_errno(-result, "sharing the tables that count");
	}
	return NULL;
}

struct error *ebpf_aggregates_prepare(struct ebpf *backend)
{
	if (!backend->counts)
		return NULL;
	struct gotrace_bpf *program = backend->program;
	struct wire_aggregate_settings *settings =
		(struct wire_aggregate_settings *)&program->rodata->aggregating;
	settings_fill_aggregate(settings, backend->loaded.plan);
	uint32_t keys = settings_max_keys(backend->loaded.plan);
	struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{program->maps.totals, settings->num_slots},
		{program->maps.buckets, settings->has_buckets ? settings->num_slots : 1},
		{program->maps.key_slots, keys ? keys : 1},
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int result = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);
		if (result)
			return error_errno(-result, "sizing the tables that count");
	}
	struct bpf_map *slots = program->maps.key_slots;
	int result = bpf_map__set_key_size(slots, settings_key_size(backend->loaded.plan));
	if (!result)
		result = bpf_map__set_value_size(slots, settings_slot_size(backend->loaded.plan));
	if (result)
		return error_errno(-result, "sizing the keys of what is counted");
	return share_if_large(program);
}

// Sums the words of all CPUs. scratch has room for num words of each CPU.
static struct error *sum(const struct bpf_map *map, uint32_t slot, uint64_t *scratch, int num_cpus,
			 uint64_t *out, size_t num)
{
	int result = bpf_map_lookup_elem(bpf_map__fd(map), &slot, scratch);
	if (result)
		return error_errno(-result, "reading what was counted");
	memset(out, 0, num * sizeof(*out));
	for (size_t cpu = 0; cpu < (size_t)num_cpus; cpu++)
		for (size_t i = 0; i < num; i++)
			out[i] += scratch[cpu * num + i];
	return NULL;
}

struct visit {
	struct ebpf *backend;
	struct error *(*visit)(void *context, const struct backend_aggregate *one);
	void *context;
	uint64_t *scratch;
	int num_cpus;
};

static struct error *visit_slot(struct visit *visit, const struct wire_key *key,
				const struct wire_key_slot *at, uint32_t slot)
{
	struct gotrace_bpf *program = visit->backend->program;
	struct backend_aggregate one = {.key = key, .at = at};
	uint64_t buckets[WIRE_BUCKETS];
	struct error *err = sum(program->maps.totals, slot, visit->scratch, visit->num_cpus,
				(uint64_t *)&one.totals, sizeof(one.totals) / sizeof(uint64_t));
	if (err || !(one.totals.calls | one.totals.returns))
		return err;
	if (program->rodata->aggregating.has_buckets) {
		err = sum(program->maps.buckets, slot, visit->scratch, visit->num_cpus, buckets,
			  WIRE_BUCKETS);
		one.buckets = buckets;
	}
	return err ? err : visit->visit(visit->context, &one);
}

// Keys are never removed, so the walk visits each key once.
static struct error *visit_keys(struct visit *visit)
{
	int map = bpf_map__fd(visit->backend->program->maps.key_slots);
	uint32_t max = bpf_map__max_entries(visit->backend->program->maps.key_slots);
	struct wire_key key = {0}, next = {0}; // the table's keys and values may be shorter
	struct wire_key_slot at = {0};
	struct error *err = NULL;
	bool any = !bpf_map_get_next_key(map, NULL, &key);
	for (uint32_t i = 0; any && i < max && !err; i++) {
		if (!bpf_map_lookup_elem(map, &key, &at))
			err = visit_slot(visit, &key, &at, at.slot);
		any = !bpf_map_get_next_key(map, &key, &next);
		key = next;
	}
	return err;
}

struct error *ebpf_aggregates(struct backend *base,
			      struct error *(*visit)(void *context,
						     const struct backend_aggregate *one),
			      void *context, struct wire_aggregate_lost *lost)
{
	struct ebpf *backend = (struct ebpf *)base;
	bool is_shared = bpf_map__type(backend->program->maps.totals) == BPF_MAP_TYPE_ARRAY;
	int num_cpus = is_shared ? 1 : libbpf_num_possible_cpus();
	if (num_cpus <= 0)
		return error_errno(-num_cpus, "counting the CPUs");
	CLEANUP_FREE uint64_t *scratch = calloc((size_t)num_cpus * WIRE_BUCKETS, sizeof(*scratch));
	if (!scratch)
		return error_nomem();
	const struct wire_aggregate_settings *settings =
		(const struct wire_aggregate_settings *)&backend->program->rodata->aggregating;
	struct visit all = {backend, visit, context, scratch, num_cpus};
	struct error *err = settings->num_keys ? visit_keys(&all) : NULL;
	for (uint32_t i = 0; !settings->num_keys && i < settings->num_slots && !err; i++)
		err = visit_slot(&all, &(struct wire_key){.func = i}, NULL, i);
	if (err)
		return err;
	const volatile uint64_t *counts =
		(const volatile uint64_t *)&backend->tables.state->aggregate_lost;
	*lost = (struct wire_aggregate_lost){counts[0], counts[1], counts[2], counts[3], counts[4]};
	return NULL;
}
