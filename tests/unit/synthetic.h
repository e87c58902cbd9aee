// SPDX-License-Identifier: GPL-2.0-or-later
// Plans and records made by hand, for tests of what comes after the back end: no executable, no target.
#ifndef GOTRACE_TESTS_UNIT_SYNTHETIC_H
#define GOTRACE_TESTS_UNIT_SYNTHETIC_H

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/plan/plan.h"

enum {
	SYNTHETIC_FUNCS = 8,
	SYNTHETIC_ENTRY = 0, // probe of function i: 3 * i + one of these
	SYNTHETIC_RETURN = 1,
	SYNTHETIC_TAIL = 2,
	SYNTHETIC_NOTES = 4,
	SYNTHETIC_VALUES = 4, // arguments and results of a function, each
};

struct synthetic { // a plan of functions main.f0, main.f1 ... with three probes each, then the notes
	struct plan plan;
	size_t num; // functions without the notes
	struct func func[SYNTHETIC_FUNCS + SYNTHETIC_NOTES];
	char name[SYNTHETIC_FUNCS + SYNTHETIC_NOTES][32];
	struct signature signature[SYNTHETIC_FUNCS + SYNTHETIC_NOTES];
	struct param params[SYNTHETIC_FUNCS][2 * SYNTHETIC_VALUES];
	struct plan_value values[SYNTHETIC_FUNCS][2 * SYNTHETIC_VALUES];
	struct plan_func plan_func[SYNTHETIC_FUNCS + SYNTHETIC_NOTES];
	struct plan_func *funcs[SYNTHETIC_FUNCS + SYNTHETIC_NOTES];
	struct wire_probe probes[3 * SYNTHETIC_FUNCS + SYNTHETIC_NOTES];
	struct plan_probe plan_probes[3 * SYNTHETIC_FUNCS + SYNTHETIC_NOTES];
};

static inline void synthetic_probe(struct synthetic *synthetic, size_t func, uint16_t kind)
{
	struct plan_func *plan_func = &synthetic->plan_func[func];
	uint32_t probe = synthetic->plan.tables.num_probes++;
	if (!plan_func->num_probes++)
		plan_func->first_probe = probe;
	synthetic->probes[probe].func = (uint32_t)func;
	synthetic->probes[probe].kind = kind;
}

static inline void synthetic_func(struct synthetic *synthetic, const char *name)
{
	size_t i = synthetic->plan.num_funcs++;
	snprintf(synthetic->name[i], sizeof(synthetic->name[i]), "%s", name);
	synthetic->func[i].name = synthetic->name[i];
	synthetic->func[i].vaddr = 0x400000 + 0x1000 * i;
	synthetic->func[i].size = 0x100;
	synthetic->signature[i].is_known = true;
	struct plan_func *plan_func = &synthetic->plan_func[i];
	plan_func->func = &synthetic->func[i];
	plan_func->signature = &synthetic->signature[i];
	plan_func->number = (uint32_t)i;
	synthetic->funcs[i] = plan_func;
}

/** num functions without arguments and results; then so many of gopanic, Goexit, deferreturn, recovery. */
static inline void synthetic_init(struct synthetic *synthetic, size_t num, size_t num_notes)
{
	memset(synthetic, 0, sizeof(*synthetic));
	synthetic->num = num;
	synthetic->plan.funcs = synthetic->funcs;
	synthetic->plan.probes = synthetic->plan_probes;
	synthetic->plan.tables.probes = synthetic->probes;
	for (size_t i = 0; i < num; i++) {
		char name[32];
		snprintf(name, sizeof(name), "main.f%zu", i);
		synthetic_func(synthetic, name);
		struct plan_func *func = &synthetic->plan_func[i];
		func->has_args = func->has_return = func->has_results = true;
		func->args.values = synthetic->values[i];
		func->results.values = synthetic->values[i] + SYNTHETIC_VALUES;
		synthetic->signature[i].params = synthetic->params[i];
		synthetic_probe(synthetic, i, WIRE_PROBE_ENTRY);
		synthetic_probe(synthetic, i, WIRE_PROBE_RETURN);
		synthetic_probe(synthetic, i, WIRE_PROBE_TAIL);
	}
	static const char *const notes[] = {"runtime.gopanic", "runtime.Goexit",
					    "runtime.deferreturn", "runtime.recovery"};
	synthetic->plan.recovery = (struct plan_recovery){.stack_hi_off = 8,
							  .goid_off = 16,
							  .panic_off = 32,
							  .is_in_panic = true};
	for (size_t i = 0; i < num_notes && i < SYNTHETIC_NOTES; i++) {
		synthetic_func(synthetic, notes[i]);
		synthetic_probe(synthetic, num + i, (uint16_t)(WIRE_PROBE_PANIC + i));
	}
}

static inline uint32_t synthetic_panic(const struct synthetic *synthetic)
{
	return (uint32_t)(3 * synthetic->num);
}

static inline uint32_t synthetic_goexit(const struct synthetic *synthetic)
{
	return (uint32_t)(3 * synthetic->num + 1);
}

static inline uint32_t synthetic_deferreturn(const struct synthetic *synthetic)
{
	return (uint32_t)(3 * synthetic->num + 2);
}

/** An 8-byte value more of a function: arguments first, then results. */
static inline void synthetic_value(struct synthetic *synthetic, size_t func, bool is_result,
				   const char *name, struct gotype *type)
{
	struct signature *signature = &synthetic->signature[func];
	struct param *param = &synthetic->params[func][signature->num_params++];
	signature->num_args += !is_result;
	param->name = name;
	param->type = type;
	param->is_result = is_result;
	struct plan_func *plan_func = &synthetic->plan_func[func];
	struct plan_frame *frame = is_result ? &plan_func->results : &plan_func->args;
	struct plan_value *value = &frame->values[frame->num_values++];
	value->param = param;
	value->frame_off = frame->size;
	value->frame_bytes = type ? (uint32_t)type->size : 8;
	frame->size += (value->frame_bytes + 7) / 8 * 8;
}

struct synthetic_record {
	alignas(8) struct wire_record head;
	struct wire_block block;
	uint64_t words[8];
};

/** A record without blocks. */
static inline struct synthetic_record synthetic_hit(uint32_t probe, uint64_t goid,
						    uint64_t distance, uint64_t time_ns)
{
	struct synthetic_record record = {
		.head = {.size = sizeof(struct wire_record),
			 .probe = probe,
			 .tid = 10,
			 .time_ns = time_ns,
			 .goid = goid,
			 .distance = distance},
	};
	return record;
}

/** Gives the record a frame of num words (at most 8). */
static inline void synthetic_frame(struct synthetic_record *record, const uint64_t *words,
				   size_t num)
{
	record->head.num_blocks = 1;
	record->head.size = (uint32_t)(sizeof(record->head) + sizeof(record->block) + num * 8);
	record->block.len = (uint16_t)(num * 8);
	record->block.flags = WIRE_BLOCK_FRAME;
	memcpy(record->words, words, num * 8);
}

struct synthetic_recovery {
	alignas(8) struct wire_record head;
	struct wire_block frame;
	uint64_t g;
	struct wire_block g_block;
	uint64_t g_words[5];
	struct wire_block panic_block;
	uint64_t panic_words[1];
};

/** A hit of recovery: the goroutine goes on with its SP at this distance. For plan.recovery as it is, and for
 *  an SP at byte 24 of g. */
static inline struct synthetic_recovery synthetic_recovers(const struct synthetic *synthetic,
							   uint64_t goid, uint64_t distance,
							   uint64_t time_ns)
{
	enum { STACK_HI = 0x10000000, G = 0x5000, PANIC = 0x6000 };
	struct synthetic_recovery record = {
		.head = synthetic_hit((uint32_t)(3 * synthetic->num + 3), 0, 500, time_ns).head,
		.frame = {.len = 8, .flags = WIRE_BLOCK_FRAME},
		.g = G,
		.g_block = {.addr = G, .len = 40},
		.g_words = {0, STACK_HI, goid, STACK_HI - distance, PANIC},
		.panic_block = {.addr = PANIC, .len = 8},
		.panic_words = {STACK_HI - distance},
	};
	record.head.size = sizeof(record);
	record.head.num_blocks = 3;
	return record;
}

#endif
