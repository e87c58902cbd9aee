// SPDX-License-Identifier: GPL-2.0-or-later
// Calls that are counted instead of told: keys, durations, what becomes of calls that panic, of recursion and of full
// tables; --within; and how it prints. In user space, by the code that runs in the kernel.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/count/aggregates.h"
#include "tracer/backend/hit.h"

enum { ENTRY, RETURN, OUTER, OUTER_RETURN, RECOVERY, PROBES }; // probes
enum { WORK, AROUND, RECOVER, FUNCS };			       // functions
enum { SLOTS = 16, TOP = 0x20000, GOID = 18, OPS = 16 };

struct world { // two functions, one goroutine
	struct wire_probe probes[PROBES];
	struct wire_piece argument; // of runtime.recovery: the first register
	struct wire_op ops[OPS];
	struct tables tables;
	struct wire_state state;
	struct wire_settings settings;
	struct wire_aggregate_settings counting;
	struct wire_aggregate aggregates[FUNCS];
	struct wire_key keys[SLOTS];
	struct wire_key_slot texts[SLOTS];
	struct wire_totals totals[SLOTS];
	uint64_t buckets[SLOTS][WIRE_BUCKETS];
	_Atomic uint32_t num_keys;
	struct aggregate_tables counted;
	uint64_t g
		[24]; // runtime.g: stack.lo, stack.hi, goid in word 20, the recovered SP in word 21
	uint8_t memory[WIRE_BLOCK_MAX + 64];
	struct cpu_regs regs;
	struct hit_maker *maker;
	uint64_t now_ns;
};

static bool read_block(uint64_t start, const void *block, size_t size, void *dst, size_t len,
		       uint64_t addr)
{
	if (addr < start || len > size || addr - start > size - len)
		return false;
	memcpy(dst, (const uint8_t *)block + (addr - start), len);
	return true;
}

static bool read_world(void *context, void *dst, size_t len, uint64_t addr)
{
	struct world *world = context;
	return read_block((uintptr_t)world->g, world->g, sizeof(world->g), dst, len, addr) ||
	       read_block((uintptr_t)world->memory, world->memory, sizeof(world->memory), dst, len,
			  addr);
}

static int set_up(void **state)
{
	struct world *world = test_calloc(1, sizeof(*world));
	world->probes[RETURN] = (struct wire_probe){.kind = WIRE_PROBE_RETURN};
	world->probes[OUTER] = (struct wire_probe){.func = AROUND, .kind = WIRE_PROBE_BEGIN};
	world->probes[OUTER_RETURN] = (struct wire_probe){.func = AROUND, .kind = WIRE_PROBE_END};
	world->probes[RECOVERY] = (struct wire_probe){.func = RECOVER, .kind = WIRE_PROBE_RECOVERY};
	world->tables.state = &world->state;
	world->tables.plan = (struct plan_tables){.probes = world->probes,
						  .num_probes = PROBES,
						  .pieces = &world->argument,
						  .num_pieces = 1,
						  .ops = world->ops};
	world->settings = (struct wire_settings){.g_goid = 160, .g_stack_hi = 8, .has_goid = 1};
	world->g[0] = 0x10000;
	world->g[1] = TOP;
	world->g[20] = GOID;
	world->regs = (struct cpu_regs){.g = (uintptr_t)world->g};
	world->counting.num_slots = SLOTS;
	world->counting.text_bytes = WIRE_KEYS * WIRE_KEY_TEXT; // room for any test's
	world->tables.aggregates = world->aggregates;
	world->tables.num_aggregates = FUNCS;
	world->counted = (struct aggregate_tables){
		.settings = &world->counting,
		.max_keys = SLOTS,
		.keys = world->keys,
		.texts = world->texts,
		.totals = world->totals,
		.buckets = world->buckets[0],
		.num_keys = &world->num_keys,
	};
	world->aggregates[WORK].flags = WIRE_AGGREGATE_COUNTED | WIRE_AGGREGATE_RETURNS;
	struct hit_source source = {
		.tables = &world->tables,
		.settings = &world->settings,
		.aggregates = &world->counted,
		.read = read_world,
		.context = world,
	};
	assert_null(hit_maker_create(&source, &world->maker));
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	hit_maker_destroy(world->maker);
	test_free(world);
	return 0;
}

static void hit(struct world *world, uint32_t probe, uint64_t distance, uint64_t ns)
{
	world->now_ns += ns;
	world->regs.sp = TOP - distance;
	assert_null(hit_record(world->maker, probe, 7, world->now_ns, &world->regs));
}

// Appends to the program of the function WORK, at its entry or, when that is whole, at its return.
static void add_op(struct world *world, bool is_return, struct wire_op op)
{
	struct wire_aggregate *work = &world->aggregates[WORK];
	world->ops[world->tables.plan.num_ops++] = op;
	if (is_return)
		work->num_return++;
	else
		work->return_op = ++work->num_entry;
}

static void add_reg(struct world *world, bool is_return, uint8_t reg, uint8_t size)
{
	add_op(world, is_return,
	       (struct wire_op){.code = WIRE_OP_REG, .reg = reg, .size = size, .is_signed = 1});
}

static struct wire_value keep(struct world *world, bool is_return, enum wire_value_kind kind,
			      uint8_t number)
{
	add_op(world, is_return,
	       (struct wire_op){.code = WIRE_OP_KEEP,
				.off = number,
				.value = kind == WIRE_VALUE_STRING});
	return (struct wire_value){.kind = (uint8_t)kind, .kept = number, .is_result = is_return};
}

// The value of the first register.
static struct wire_value keep_first(struct world *world, bool is_return, enum wire_value_kind kind)
{
	add_reg(world, is_return, 0, 8);
	return keep(world, is_return, kind, 0);
}

static uint64_t in_bucket(const struct world *world, uint32_t slot, uint64_t value)
{
	return world->buckets[slot][histogram_bucket(value)];
}

static void test_durations(void **state)
{
	struct world *world = *state;
	world->counting.has_buckets = 1;
	hit(world, ENTRY, 64, 1);
	hit(world, ENTRY, 128, 5); // recursion
	hit(world, RETURN, 128, 100);
	hit(world, RETURN, 64, 10);
	assert_int_equal(world->totals[0].calls, 2);
	assert_int_equal(world->totals[0].returns, 2);
	assert_int_equal(world->totals[0].total, 100 + 115);
	assert_int_equal(in_bucket(world, 0, 100), 1);
	assert_int_equal(in_bucket(world, 0, 115), 1);
}

// A call that panicked leaves its entry: a later call at its place is timed from its own entry.
static void test_panicked(void **state)
{
	struct world *world = *state;
	world->counting.has_buckets = 1;
	hit(world, ENTRY, 64, 1);
	hit(world, ENTRY, 64, 1000);
	hit(world, RETURN, 64, 3);
	hit(world, RETURN, 64, 5); // of no call that is known
	assert_int_equal(world->totals[0].calls, 2);
	assert_int_equal(world->totals[0].returns, 1);
	assert_int_equal(world->totals[0].total, 3);
}

static void test_other_goroutine(void **state)
{
	struct world *world = *state;
	hit(world, ENTRY, 64, 1);
	world->g[20] = GOID + 1;
	hit(world, RETURN, 64, 1);
	assert_int_equal(world->totals[0].returns, 0);
	world->g[20] = GOID;
	hit(world, RETURN, 64, 1);
	assert_int_equal(world->totals[0].returns, 1);
}

static void test_unknown_goroutine(void **state)
{
	struct world *world = *state;
	world->regs.g = 0;
	hit(world, ENTRY, 64, 1);
	hit(world, RETURN, 64, 1);
	assert_int_equal(world->totals[0].calls, 1);
	assert_int_equal(world->totals[0].returns, 0);
	assert_int_equal(world->state.aggregate_lost.unknown, 1);
}

static void test_full_table(void **state)
{
	enum { MORE = 3 };
	struct world *world = *state;
	world->g[0] = 0x1000;
	world->g[1] = 0x40000000;
	for (uint64_t i = 1; i <= WIRE_ACTIVE_MAX + MORE; i++)
		hit(world, ENTRY, TOP + i * 8 - world->g[1], 1);
	assert_int_equal(world->totals[0].calls, WIRE_ACTIVE_MAX + MORE);
	assert_int_equal(world->state.aggregate_lost.active, MORE);
	// A minute later those that never returned make room.
	hit(world, ENTRY, TOP - world->g[1], 100000000000);
	assert_int_equal(world->state.aggregate_lost.active, MORE);
	hit(world, RETURN, TOP - world->g[1], 1);
	assert_int_equal(world->totals[0].returns, 1);
}

static void test_errors(void **state)
{
	struct world *world = *state;
	add_reg(world, true, 1, 8);
	world->aggregates[WORK].error = keep(world, true, WIRE_VALUE_UINT, 0);
	for (uint64_t i = 0; i < 3; i++) {
		hit(world, ENTRY, 64, 1);
		world->regs.ints[1] = i;
		hit(world, RETURN, 64, 1);
	}
	assert_int_equal(world->totals[0].errors, 2);
}

// A string by pointer and length, and a number behind a pointer.
static void test_keys(void **state)
{
	struct world *world = *state;
	world->counting.num_keys = 2;
	add_reg(world, false, 0, 8);
	add_reg(world, false, 1, 8);
	world->aggregates[WORK].key[0] = keep(world, false, WIRE_VALUE_STRING, 0);
	add_reg(world, false, 2, 8);
	add_op(world, false,
	       (struct wire_op){.code = WIRE_OP_LOAD, .size = 2, .is_signed = 1, .off = 8});
	world->aggregates[WORK].key[1] = keep(world, false, WIRE_VALUE_INT, 2);
	memset(world->memory, 'x', 100);
	int16_t number = -5;
	memcpy(world->memory + 208, &number, sizeof(number));
	world->regs.ints[0] = (uintptr_t)world->memory;
	world->regs.ints[2] = (uintptr_t)world->memory + 200;
	world->regs.ints[1] = 3;
	hit(world, ENTRY, 64, 1);
	hit(world, ENTRY, 64, 1);
	world->regs.ints[1] = 100;
	hit(world, ENTRY, 64, 1);
	world->regs.ints[2] = 0; // cannot be read
	hit(world, ENTRY, 64, 1);
	assert_int_equal(world->num_keys, 3);
	assert_int_equal(world->totals[0].calls, 2);
	assert_memory_equal(world->texts[0].text[0], "xxx", 3);
	assert_int_equal((int64_t)world->keys[0].part[1].word, -5);
	assert_int_equal(world->keys[1].part[0].word, 100);
	assert_int_equal(world->texts[1].text[0][99], 'x');
	assert_int_equal(world->keys[2].state[1], WIRE_KEY_UNREADABLE);
}

// Two strings that differ in one byte, wherever it is, are two keys; equal ones at two places are one.
static void test_long_strings(void **state)
{
	struct world *world = *state;
	world->counting.num_keys = 1;
	world->counting.num_slots = SLOTS;
	world->counting.text_bytes = WIRE_KEYS * WIRE_KEY_TEXT; // room for any test's
	world->tables.aggregates = world->aggregates;
	world->tables.num_aggregates = FUNCS;
	add_reg(world, false, 0, 8);
	add_reg(world, false, 1, 8);
	world->aggregates[WORK].key[0] = keep(world, false, WIRE_VALUE_STRING, 0);
	static const size_t lens[] = {9, 41, 64, 65, 300, WIRE_BLOCK_MAX};
	memset(world->memory, 'x', sizeof(world->memory));
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		uint32_t before = world->num_keys;
		world->regs.ints[1] = lens[i];
		world->regs.ints[0] = (uintptr_t)world->memory;
		hit(world, ENTRY, 64, 1);
		world->regs.ints[0] += 8;
		hit(world, ENTRY, 64, 1);
		assert_int_equal(world->num_keys, before + 1);
		assert_int_equal(world->totals[before].calls, 2);
		world->regs.ints[0] = (uintptr_t)world->memory;
		world->memory[lens[i] - 1] = 'y';
		hit(world, ENTRY, 64, 1);
		world->memory[lens[i] - 1] = 'x';
		assert_int_equal(world->num_keys, before + 2);
	}
	world->regs.ints[1] = WIRE_BLOCK_MAX + 1;
	hit(world, ENTRY, 64, 1);
	assert_int_equal(world->keys[world->num_keys - 1].state[0], WIRE_KEY_LONG);
}

// What an entry kept of a string is still there when its call is counted, whatever became of the bytes.
static void test_late_strings(void **state)
{
	struct world *world = *state;
	world->counting.num_keys = 2;
	world->counting.text_bytes = WIRE_KEY_TEXT;
	world->aggregates[WORK].flags |= WIRE_AGGREGATE_LATE;
	add_reg(world, false, 0, 8);
	add_reg(world, false, 1, 8);
	world->aggregates[WORK].key[0] = keep(world, false, WIRE_VALUE_STRING, 0);
	add_reg(world, true, 0, 8);
	add_reg(world, true, 1, 8);
	world->aggregates[WORK].key[1] = keep(world, true, WIRE_VALUE_STRING, 2);
	world->regs.ints[0] = (uintptr_t)world->memory;
	world->regs.ints[1] = 100;
	memset(world->memory, 'a', 100);
	hit(world, ENTRY, 64, 1);
	memset(world->memory, 'b', 100);
	world->regs.ints[1] = 60;
	hit(world, RETURN, 64, 1);
	assert_int_equal(world->num_keys, 1);
	assert_int_equal(world->keys[0].part[0].word, 100);
	assert_int_equal(world->texts[0].text[0][99], 'a');
	assert_int_equal(world->keys[0].part[1].word, 60);
	assert_int_equal(world->texts[0].text[1][59], 'b');
}

static void test_full_keys(void **state)
{
	struct world *world = *state;
	world->counting.num_keys = 1;
	world->aggregates[WORK].key[0] = keep_first(world, false, WIRE_VALUE_UINT);
	for (uint64_t i = 0; i < SLOTS + 2; i++) {
		world->regs.ints[0] = i;
		hit(world, ENTRY, 64, 1);
		hit(world, RETURN, 64, 1);
	}
	assert_int_equal(world->num_keys, SLOTS);
	assert_int_equal(world->state.aggregate_lost.keys, 2);
	assert_int_equal(world->totals[0].returns, 1);
}

static void test_result_key(void **state)
{
	struct world *world = *state;
	world->counting.num_keys = 1;
	world->aggregates[WORK].flags |= WIRE_AGGREGATE_LATE;
	add_reg(world, true, 0, 1);
	world->aggregates[WORK].key[0] = keep(world, true, WIRE_VALUE_UINT, 0);
	world->regs.ints[0] = 9;
	hit(world, ENTRY, 64, 1);
	assert_int_equal(world->num_keys, 0);
	world->regs.ints[0] = 0x701; // the upper bytes are anything
	hit(world, RETURN, 64, 1);
	assert_int_equal(world->num_keys, 1);
	assert_int_equal(world->keys[0].part[0].word, 1);
	assert_int_equal(world->totals[0].calls, 1);
}

// A call that its return decides is counted then, with what its entry kept.
static void test_decided_at_return(void **state)
{
	struct world *world = *state;
	world->counting.num_keys = 1;
	world->counting.has_buckets = 1;
	world->aggregates[WORK].flags |= WIRE_AGGREGATE_LATE;
	add_reg(world, false, 1, 8);
	world->aggregates[WORK].key[0] = keep(world, false, WIRE_VALUE_UINT, 3);
	add_reg(world, false, 2, 8);
	world->aggregates[WORK].value = keep(world, false, WIRE_VALUE_UINT, 4);
	add_reg(world, true, 0, 8);
	add_op(world, true, (struct wire_op){.code = WIRE_OP_CHECK});
	for (uint64_t i = 0; i < 4; i++) {
		world->regs.ints[1] = 70 + i / 2;
		world->regs.ints[2] = 500 + i;
		hit(world, ENTRY, 64 + 8 * i, 1);
	}
	for (uint64_t i = 4; i-- > 0;) {
		world->regs.ints[0] = i % 2;
		hit(world, RETURN, 64 + 8 * i, 1);
	}
	assert_int_equal(world->num_keys, 2);
	assert_int_equal(world->keys[0].part[0].word, 71);
	assert_int_equal(world->keys[1].part[0].word, 70);
	assert_int_equal(world->totals[0].calls, 1);
	assert_int_equal(world->totals[0].total, 503);
	assert_int_equal(world->totals[1].total, 501);
	assert_int_equal(world->state.aggregate_lost.unreadable, 0);
}

// What its condition leaves out at the entry has no return either, not even that of a call before.
static void test_decided_at_entry(void **state)
{
	struct world *world = *state;
	add_reg(world, false, 0, 8);
	add_op(world, false, (struct wire_op){.code = WIRE_OP_CHECK});
	world->regs.ints[0] = 1;
	hit(world, ENTRY, 64, 1); // panics
	world->regs.ints[0] = 0;
	hit(world, ENTRY, 64, 1);
	hit(world, RETURN, 64, 1);
	assert_int_equal(world->totals[0].calls, 1);
	assert_int_equal(world->totals[0].returns, 0);
	world->ops[0] = (struct wire_op){.code = WIRE_OP_STACK, .size = 8};
	hit(world, ENTRY, 64, 1); // nothing can be read there
	assert_int_equal(world->totals[0].calls, 1);
	assert_int_equal(world->state.aggregate_lost.unreadable, 1);
}

static void test_linear(void **state)
{
	struct world *world = *state;
	world->counting.has_buckets = 1;
	world->counting.num_linear = 4;
	world->counting.linear_min = (uint64_t)-10;
	world->counting.linear_step = 5;
	world->aggregates[WORK].value = keep_first(world, false, WIRE_VALUE_INT);
	static const int64_t values[] = {-11, -10, -6, -5, 0, 9, 10, INT64_MIN, INT64_MAX};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		world->regs.ints[0] = (uint64_t)values[i];
		hit(world, ENTRY, 64, 1);
	}
	assert_int_equal(world->totals[0].below, 2);
	assert_int_equal(world->totals[0].above, 2);
	assert_int_equal(world->buckets[0][0], 2);
	assert_int_equal(world->buckets[0][1], 1);
	assert_int_equal(world->buckets[0][2], 1);
	assert_int_equal(world->buckets[0][3], 1);
}

static void test_buckets(void **state)
{
	struct world *world = *state;
	world->counting.has_buckets = 1;
	world->aggregates[WORK].value = keep_first(world, false, WIRE_VALUE_UINT);
	for (unsigned shift = 0; shift < 64; shift++)
		for (uint64_t more = 0; more < 3; more++) {
			uint64_t value = (1ull << shift) + more - 1;
			uint64_t before = in_bucket(world, 0, value);
			world->regs.ints[0] = value;
			hit(world, ENTRY, 64, 1);
			assert_int_equal(in_bucket(world, 0, value), before + 1);
		}
}

static void use_within(struct world *world)
{
	world->state.num_within = 1;
	world->state.recovery = (struct wire_recovery){.sp_off = 168, .is_known = 1};
	world->aggregates[WORK].within = 1;
	world->aggregates[AROUND].within = 1;
}

static void test_within(void **state)
{
	struct world *world = *state;
	use_within(world);
	hit(world, ENTRY, 64, 1); // outside
	hit(world, RETURN, 64, 1);
	hit(world, OUTER, 64, 1);
	hit(world, ENTRY, 128, 1);
	hit(world, RETURN, 128, 1);
	hit(world, OUTER, 128, 1); // recursion
	hit(world, ENTRY, 256, 1);
	hit(world, RETURN, 256, 1);
	hit(world, OUTER_RETURN, 128, 1);
	hit(world, ENTRY, 128, 1); // still in the outer one
	hit(world, RETURN, 128, 1);
	world->g[20] = GOID + 1;
	hit(world, ENTRY, 128, 1); // another goroutine
	hit(world, RETURN, 128, 1);
	world->g[20] = GOID;
	hit(world, OUTER_RETURN, 64, 1);
	hit(world, ENTRY, 128, 1);
	assert_int_equal(world->totals[0].calls, 3);
	assert_int_equal(world->totals[0].returns, 3);
}

static void test_within_panicked(void **state)
{
	struct world *world = *state;
	use_within(world);
	hit(world, OUTER, 128, 1);
	hit(world, ENTRY, 96, 1); // nearer to the top: the frame at 128 is gone
	hit(world, ENTRY, 256, 1);
	assert_int_equal(world->totals[0].calls, 0);
	// The runtime says where a goroutine goes on: frames beyond are gone, those nearer to the top are not.
	world->regs.ints[0] = (uintptr_t)world->g;
	hit(world, OUTER, 128, 1);
	world->g[21] = TOP - 160;
	hit(world, RECOVERY, 64, 1);
	hit(world, ENTRY, 256, 1);
	assert_int_equal(world->totals[0].calls, 1);
	world->g[21] = TOP - 96;
	hit(world, RECOVERY, 64, 1);
	hit(world, ENTRY, 256, 1);
	assert_int_equal(world->totals[0].calls, 1);
}

// --- Printing ------------------------------------------------------------------------------------

struct view {
	struct func funcs[2];
	struct plan_func planned[2];
	struct plan_func *all[2];
	struct aggregate_options options;
	struct plan plan;
	struct loaded loaded;
	struct aggregates aggregates;
	struct text out;
};

static void view_init(struct view *view)
{
	static const char *const names[] = {"main.get", "main.put"};
	memset(view, 0, sizeof(*view));
	for (size_t i = 0; i < 2; i++) {
		view->funcs[i].name = names[i];
		view->planned[i].func = &view->funcs[i];
		view->planned[i].number = (uint32_t)i;
		view->planned[i].aggregate.wire.flags = WIRE_AGGREGATE_COUNTED;
		view->all[i] = &view->planned[i];
	}
	view->plan = (struct plan){.funcs = view->all, .num_funcs = 2};
	view->plan.options.counting = &view->options;
	view->options.max_keys = 10;
	text_init(&view->out);
}

static void view_start(struct view *view)
{
	view->loaded.plan = &view->plan;
	aggregates_init(&view->aggregates, &view->loaded, 1000000000);
	aggregates_begin(&view->aggregates, 3000000000);
}

static void view_add(struct view *view, uint32_t func, const char *name, struct wire_totals totals,
		     const uint64_t *buckets)
{
	struct wire_key key = {.func = func};
	struct wire_key_slot at = {0};
	if (name) {
		key.part[0].word = strlen(name);
		key.part[0].hash = (uint8_t)name[strlen(name) - 1];
		memcpy(at.text[0], name,
		       strlen(name) < WIRE_KEY_TEXT ? strlen(name) : WIRE_KEY_TEXT);
	}
	struct backend_aggregate one = {.key = &key,
					.at = &at,
					.totals = totals,
					.buckets = buckets};
	assert_null(aggregates_add(&view->aggregates, &one));
}

static void view_check(struct view *view, const char *expected)
{
	assert_string_equal(text_string(&view->out), expected);
	text_deinit(&view->out);
	aggregates_deinit(&view->aggregates);
}

static void test_print_counts(void **state)
{
	(void)state;
	struct view view;
	view_init(&view);
	view.planned[1].aggregate.wire.error.kind = WIRE_VALUE_UINT;
	view_start(&view);
	view_add(&view, 0, NULL, (struct wire_totals){.calls = 1500}, NULL);
	view_add(&view, 1, NULL, (struct wire_totals){.calls = 3, .errors = 1}, NULL);
	aggregates_sort(&view.aggregates, AGGREGATE_BY_CALLS);
	aggregates_print_counts(&view.aggregates, true, &view.out);
	aggregates_print_summary(&view.aggregates, 2, false, &view.out);
	view_check(&view, "@[main.get]: 1500  750/s\n"
			  "@[main.put]: 3     1.5/s  1 error\n"
			  "2 functions, 1503 calls, 2 s\n");
}

static void test_print_keys(void **state)
{
	(void)state;
	struct view view;
	view_init(&view);
	view.plan.num_funcs = 1;
	view.options.by[0] = "user";
	view.options.num_by = 1;
	view.planned[0].aggregate.wire.key[0].kind = WIRE_VALUE_STRING;
	view_start(&view);
	view_add(&view, 0, "al\"ice", (struct wire_totals){.calls = 2}, NULL);
	view_add(&view, 0, "al\"ice", (struct wire_totals){.calls = 5}, NULL);
	view.aggregates.lost.keys = 4;
	aggregates_print_counts(&view.aggregates, true, &view.out);
	aggregates_print_json(&view.aggregates, "count", true, &view.out);
	aggregates_print_summary(&view.aggregates, 1, true, &view.out);
	view_check(
		&view,
		"@[\"al\\\"ice\"]: 7  3.5/s\n"
		"{\"event\":\"count\",\"seconds\":2,\"func\":\"main.get\",\"by\":{\"user\":\"al\\\"ice\"},"
		"\"calls\":7,\"calls_per_second\":3.5}\n"
		"{\"event\":\"summary\",\"calls\":11,\"keys\":1,\"keys_full\":4,\"calls_full\":0,"
		"\"unknown_goroutine\":0,\"seconds\":2,\"functions\":1}\n");
}

// Shortened, they look the same but for their hashes, and are two all the same.
static void test_print_long_keys(void **state)
{
	(void)state;
	struct view view;
	view_init(&view);
	view.plan.num_funcs = 1;
	view.options.by[0] = "path";
	view.options.num_by = 1;
	view.planned[0].aggregate.wire.key[0].kind = WIRE_VALUE_STRING;
	view_start(&view);
	char path[WIRE_KEY_TEXT + 11], expected[4 * sizeof(path)];
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	for (char last = 'a'; last <= 'b'; last++) {
		path[sizeof(path) - 2] = last;
		view_add(&view, 0, path, (struct wire_totals){.calls = 2}, NULL);
	}
	aggregates_print_counts(&view.aggregates, true, &view.out);
	path[WIRE_KEY_TEXT] = '\0';
	snprintf(expected, sizeof(expected),
		 "@[\"%s\"...+10 bytes #%016x]: 2  1/s\n@[\"%s\"...+10 bytes #%016x]: 2  1/s\n",
		 path, 'a', path, 'b');
	view_check(&view, expected);
}

static void test_print_histogram(void **state)
{
	(void)state;
	struct view view;
	view_init(&view);
	view.plan.num_funcs = 1;
	view.options.value = "n";
	view.options.has_histogram = true;
	view.planned[0].aggregate.wire.value.kind = WIRE_VALUE_INT;
	view_start(&view);
	uint64_t buckets[WIRE_BUCKETS] = {0};
	buckets[histogram_bucket(3)] = 6;
	buckets[histogram_bucket(100)] = 3;
	view_add(&view, 0, NULL, (struct wire_totals){.calls = 10, .total = 318 - 8, .below = 1},
		 buckets);
	aggregates_print_json(&view.aggregates, "hist", true, &view.out);
	text_puts(&view.out, "\n");
	aggregates_print_histograms(&view.aggregates, &view.out);
	view_check(
		&view,
		"{\"event\":\"hist\",\"seconds\":2,\"func\":\"main.get\",\"calls\":10,"
		"\"calls_per_second\":5,\"values\":10,\"total\":310,\"p50\":[3,4],"
		"\"p90\":[96,104],\"p99\":[96,104],\"buckets\":[[3,4,6],[96,104,3]],\"below\":1}\n"
		"\n"
		"@[main.get]: 10 values, average 31, p50 3, p90 96-104, p99 96-104\n"
		"[2, 4)                      6 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		"[4, 8)                      0 |                                                    |\n"
		"[8, 16)                     0 |                                                    |\n"
		"[16, 32)                    0 |                                                    |\n"
		"[32, 64)                    0 |                                                    |\n"
		"[64, 128)                   3 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		"below 0: 1\n"
		"\n");
}

static void test_print_top(void **state)
{
	(void)state;
	struct view view;
	view_init(&view);
	view.options.has_histogram = true;
	view_start(&view);
	uint64_t buckets[WIRE_BUCKETS] = {0};
	buckets[histogram_bucket(1000)] = 2;
	view_add(&view, 0, NULL, (struct wire_totals){.calls = 9}, NULL);
	view_add(&view, 1, NULL, (struct wire_totals){.calls = 2, .returns = 2, .total = 2000},
		 buckets);
	aggregates_sort(&view.aggregates, AGGREGATE_BY_TOTAL);
	aggregates_print_top(&view.aggregates, 1, SIZE_MAX, &view.out);
	const char *row = strchr(text_string(&view.out), '\n') + 1;
	assert_string_equal(row,
			    "           2             1          -      2.0µs      1.0µs       "
			    "960ns-1.0µs       960ns-1.0µs  main.put\n");
	text_reset(&view.out);
	aggregates_print_top(&view.aggregates, 2, 59, &view.out);
	assert_string_equal(text_string(&view.out),
			    "       CALLS     ERRORS      TOTAL               P99  FUNCT\n"
			    "           2          -      2.0µs       960ns-1.0µs  main.\n"
			    "           9          -        0ns                 -  main.\n");
	text_deinit(&view.out);
	aggregates_deinit(&view.aggregates);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_durations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_panicked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_goroutine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_goroutine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_strings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_late_strings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_result_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_decided_at_return, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_decided_at_entry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_linear, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_buckets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_within, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_within_panicked, set_up, tear_down),
		cmocka_unit_test(test_print_counts),
		cmocka_unit_test(test_print_keys),
		cmocka_unit_test(test_print_long_keys),
		cmocka_unit_test(test_print_histogram),
		cmocka_unit_test(test_print_top),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
