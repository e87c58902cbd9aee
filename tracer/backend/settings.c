// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/settings.h"

#include <stddef.h>
#include <string.h>

#include "bpf/engine/hash.h"

// The read-only segments below the first writable one. The decoder reads them from the file.
static void find_readonly(const struct loaded *loaded, struct wire_settings *settings)
{
	size_t num;
	const struct image_segment *segments = image_segments(loaded->image, &num);
	uint64_t start = UINT64_MAX, end = 0, written = UINT64_MAX;
	for (size_t i = 0; i < num; i++)
		if (segments[i].is_writable && segments[i].vaddr < written)
			written = segments[i].vaddr;
	for (size_t i = 0; i < num; i++) {
		const struct image_segment *segment = &segments[i];
		if (segment->is_writable || segment->vaddr > written)
			continue;
		if (segment->vaddr < start)
			start = segment->vaddr;
		if (segment->vaddr + segment->file_size > end)
			end = segment->vaddr + segment->file_size;
	}
	if (start < end) {
		settings->ro_start = loaded_addr(loaded, start);
		settings->ro_end = loaded_addr(loaded, end);
	}
}

// Bytes of a record that are reserved for the stack and the creator, which come last.
static uint32_t stack_bytes(const struct plan_options *options)
{
	uint32_t bytes = 0;
	if (options->capture.stack || options->capture.creator)
		bytes += sizeof(struct wire_block) + WIRE_STACK_MAX * sizeof(uint64_t);
	if (options->capture.creator)
		bytes += sizeof(struct wire_block) + 2 * sizeof(uint64_t);
	return bytes;
}

void settings_fill_stack(struct wire_stack_settings *out, const struct plan *plan)
{
	const struct runtime_layout *layout = index_runtime(plan->index);
	const struct plan_options *options = &plan->options;
	*out = (struct wire_stack_settings){
		.max = options->capture.stack < WIRE_STACK_MAX ? options->capture.stack
							       : WIRE_STACK_MAX,
		.has_creator = options->capture.creator,
		.g_gopc = layout->g_gopc != UINT32_MAX ? layout->g_gopc : 0,
		.g_parent_goid = layout->g_parent_goid != UINT32_MAX ? layout->g_parent_goid : 0,
	};
}

void settings_fill(struct wire_settings *out, const struct loaded *loaded,
		   const struct backend_settings *settings)
{
	const struct plan *plan = loaded->plan;
	const struct runtime_layout *layout = index_runtime(plan->index);
	*out = (struct wire_settings){
		.depth = settings->depth < WIRE_DEPTH_MAX ? settings->depth : WIRE_DEPTH_MAX,
		.g_goid = layout->g_goid,
		.g_stack_lo = layout->g_stack_lo,
		.g_stack_hi = layout->g_stack_hi,
		.tls_g = layout->tls_g,
		.record_max = WIRE_RECORD_MAX - stack_bytes(&plan->options),
		.string_type = plan->string_type,
		.has_goid = layout->g_goid != UINT32_MAX,
	};
	find_readonly(loaded, out);
}

uint32_t settings_ring_bytes(const struct backend_settings *settings)
{
	enum { MIN = 1 << 16, MAX = 1 << 30 };
	uint32_t bytes = MIN;
	while (bytes < settings->buffer_bytes && bytes < MAX)
		bytes *= 2;
	return bytes;
}

void settings_fill_recovery(struct wire_recovery *out, const struct plan *plan)
{
	const struct plan_recovery *at = &plan->recovery;
	*out = (struct wire_recovery){
		.panic_off = at->panic_off,
		.sp_off = at->sp_off,
		.is_in_panic = at->is_in_panic,
		.is_known = at->is_known,
	};
}

void settings_budget(struct wire_budget *out, const struct plan_func *func)
{
	static const uint64_t ns_per_s = 1000000000;
	*out = (struct wire_budget){
		.every = func->sampling.every,
		.flags = func->has_return ? WIRE_BUDGET_FOLLOW : 0,
		.interval_ns = func->sampling.rate ? ns_per_s / func->sampling.rate : 0,
	};
}

uint32_t settings_call_bytes(const struct wire_aggregate_settings *counting)
{
	return counting ? (uint32_t)offsetof(struct wire_call, at.text) + counting->text_bytes
			: sizeof(((struct wire_call *)0)->time_ns);
}

uint32_t settings_max_keys(const struct plan *plan)
{
	const struct aggregate_options *options = plan->options.counting;
	return options && options->num_by ? options->max_keys : 0;
}

uint32_t settings_key_size(const struct plan *plan)
{
	uint32_t num = plan->options.counting ? (uint32_t)plan->options.counting->num_by : 0;
	return (uint32_t)(offsetof(struct wire_key, part) + num * sizeof(struct wire_key_part));
}

// Bytes for the texts of key parts, up to the last part that is a string. With for_return, only of
// the parts that are kept for a call under way until it returns.
static uint32_t text_bytes(const struct plan *plan, bool for_return)
{
	uint32_t num = 0;
	for (size_t i = 0; i < plan->num_funcs; i++) {
		const struct wire_aggregate *wire = &plan->funcs[i]->aggregate.wire;
		if (for_return && !(wire->flags & WIRE_AGGREGATE_LATE))
			continue;
		for (uint32_t k = 0; k < WIRE_KEYS; k++)
			if (wire->key[k].kind == WIRE_VALUE_STRING && k >= num &&
			    !(for_return && wire->key[k].is_result))
				num = k + 1;
	}
	return num * WIRE_KEY_TEXT;
}

uint32_t settings_slot_size(const struct plan *plan)
{
	return (uint32_t)offsetof(struct wire_key_slot, text) + text_bytes(plan, false);
}

uint64_t settings_hash(const uint64_t *seed, const char *bytes, size_t len)
{
	struct hash hash;
	hash_begin(&hash, (const wire_u64 *)seed);
	for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
		uint64_t word = 0;
		memcpy(&word, bytes + at, len - at < sizeof(word) ? len - at : sizeof(word));
		hash_word(&hash, word);
	}
	return hash_end(&hash);
}

void settings_fill_aggregate(struct wire_aggregate_settings *out, const struct plan *plan)
{
	enum { SPARE_SLOTS = 256 };
	const struct aggregate_options *options = plan->options.counting;
	*out = (struct wire_aggregate_settings){0};
	if (!options)
		return;
	uint32_t max_keys = settings_max_keys(plan);
	*out = (struct wire_aggregate_settings){
		.num_slots = max_keys ? max_keys + SPARE_SLOTS : (uint32_t)plan->num_funcs,
		.num_keys = (uint32_t)options->num_by,
		.has_buckets = options->has_histogram,
		.num_linear = options->num_linear,
		.linear_min = (uint64_t)options->linear_min,
		.linear_step = options->linear_step,
		.text_bytes = text_bytes(plan, true),
		.seed = {options->seed[0], options->seed[1]},
	};
}
