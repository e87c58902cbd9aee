// SPDX-License-Identifier: GPL-2.0-or-later
// Calls that are left out on purpose: which are taken, and that a return goes the way of its entry.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/backend/hit.h"

enum { ENTRY, RETURN, NOTE }; // probes
static const uint64_t SECOND = 1000000000;

struct world { // one function, one goroutine
	struct wire_probe probes[3];
	struct tables tables;
	struct wire_state state;
	struct wire_settings settings;
	struct wire_budget budget;
	uint64_t g[24]; // runtime.g: stack.lo, stack.hi, goid in word 20
	struct cpu_regs regs;
	struct hit_maker *maker;
	uint64_t now_ns;
};

static bool read_g(void *context, void *dst, size_t len, uint64_t addr)
{
	struct world *world = context;
	uint64_t start = (uintptr_t)world->g;
	if (addr < start || addr - start > sizeof(world->g) - len)
		return false;
	memcpy(dst, (const uint8_t *)world->g + (addr - start), len);
	return true;
}

static int set_up(void **state)
{
	struct world *world = test_calloc(1, sizeof(*world));
	world->probes[RETURN].kind = WIRE_PROBE_RETURN;
	world->probes[NOTE].kind = WIRE_PROBE_PANIC;
	world->tables.state = &world->state;
	world->tables.plan = (struct plan_tables){.probes = world->probes, .num_probes = 3};
	world->tables.budgets = &world->budget;
	world->tables.num_budgets = 1;
	world->settings = (struct wire_settings){.g_goid = 160, .g_stack_hi = 8, .has_goid = 1};
	world->g[0] = 0x10000;
	world->g[1] = 0x20000;
	world->g[20] = 18;
	world->regs = (struct cpu_regs){.sp = 0x1f000, .g = (uintptr_t)world->g};
	world->now_ns = SECOND;
	struct hit_source source = {
		.tables = &world->tables,
		.settings = &world->settings,
		.read = read_g,
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

static bool hit(struct world *world, uint32_t probe)
{
	return hit_record(world->maker, probe, 7, world->now_ns, &world->regs);
}

static void test_all_are_taken(void **state)
{
	struct world *world = *state;
	world->budget.flags = WIRE_BUDGET_FOLLOW;
	for (int i = 0; i < 100; i++) {
		assert_true(hit(world, ENTRY));
		assert_true(hit(world, RETURN));
	}
	assert_int_equal(world->budget.seen, 100);
	assert_int_equal(world->budget.skipped, 0);
}

// Exactly one of each thousand, anywhere in it, also by a goroutine that does nothing but call in a loop.
static void test_one_in_a_thousand_of_ten_million(void **state)
{
	enum { EVERY = 1000, CALLS = 10000000, TENTH = EVERY / 10 };
	struct world *world = *state;
	world->budget.every = EVERY;
	uint32_t taken = 0, in_tenth[10] = {0};
	for (uint32_t i = 0; i < CALLS; i++) {
		if (!hit(world, ENTRY))
			continue;
		assert_int_equal(i / EVERY, taken);
		in_tenth[i % EVERY / TENTH]++;
		taken++;
	}
	assert_int_equal(taken, CALLS / EVERY);
	assert_int_equal(world->budget.skipped, CALLS - taken);
	for (int i = 0; i < 10; i++) // 1000 are expected; five standard deviations
		assert_in_range(in_tenth[i], 850, 1150);
}

// Calls of two kinds in turns: a sample of one in an even number sees both.
static void test_turns(void **state)
{
	enum { CALLS = 1000000 };
	struct world *world = *state;
	world->budget.every = 10;
	uint32_t odd = 0;
	for (uint32_t i = 0; i < CALLS; i++)
		if (hit(world, ENTRY))
			odd += i % 2;
	assert_in_range(odd, 50000 - 1000, 50000 + 1000);
}

static void test_returns_follow_their_entries(void **state)
{
	struct world *world = *state;
	world->budget = (struct wire_budget){.every = 3, .flags = WIRE_BUDGET_FOLLOW};
	uint32_t taken = 0;
	for (uint32_t i = 0; i < 3000; i++) {
		world->regs.sp = 0x1f000;
		bool outer = hit(world, ENTRY);
		world->regs.sp = 0x1e000;
		bool inner = hit(world, ENTRY);
		assert_int_equal(hit(world, RETURN), inner);
		world->regs.sp = 0x1f000;
		assert_int_equal(hit(world, RETURN), outer);
		assert_false(hit(world, RETURN)); // of a call from before
		taken += outer + inner;
	}
	assert_int_equal(taken, 2000);
}

// A call that was taken and panicked leaves no return; the next one at its place is not taken.
static void test_vanished_calls(void **state)
{
	struct world *world = *state;
	world->budget = (struct wire_budget){.every = 1, .flags = WIRE_BUDGET_FOLLOW};
	assert_true(hit(world, ENTRY));
	assert_true(hit(world, NOTE));
	world->budget.level = WIRE_BUDGET_COUNTS;
	assert_false(hit(world, ENTRY));
	assert_false(hit(world, RETURN));
	assert_int_equal(world->budget.skipped, 1);
}

static void test_goroutines_are_told_apart(void **state)
{
	struct world *world = *state;
	world->budget = (struct wire_budget){.every = 1, .flags = WIRE_BUDGET_FOLLOW};
	assert_true(hit(world, ENTRY));
	world->g[20] = 19;
	assert_false(hit(world, RETURN));
	world->g[20] = 18;
	assert_true(hit(world, RETURN));
}

// Where the goroutine cannot be known an entry stands alone.
static void test_unknown_goroutine(void **state)
{
	struct world *world = *state;
	world->budget = (struct wire_budget){.flags = WIRE_BUDGET_FOLLOW};
	world->regs.g = 0x123456789000;
	assert_true(hit(world, ENTRY));
	assert_false(hit(world, RETURN));
}

static void test_too_many_to_follow(void **state)
{
	struct world *world = *state;
	world->budget = (struct wire_budget){.flags = WIRE_BUDGET_FOLLOW};
	for (uint64_t i = 0; i < WIRE_ACTIVE_MAX; i++) {
		world->g[20] = i + 1;
		assert_true(hit(world, ENTRY));
	}
	world->g[20] = WIRE_ACTIVE_MAX + 1;
	assert_false(hit(world, ENTRY));
	assert_false(hit(world, RETURN));
	assert_int_equal(world->budget.crowded, 1);
	assert_int_equal(world->budget.skipped, 0); // that was no choice
	world->g[20] = 1;
	assert_true(hit(world, RETURN));
	world->g[20] = WIRE_ACTIVE_MAX + 1;
	assert_true(hit(world, ENTRY));
}

// Ten a second: a second's worth at once, then one each tenth of a second.
static void test_rate(void **state)
{
	struct world *world = *state;
	world->budget.interval_ns = SECOND / 10;
	uint32_t taken = 0;
	for (int i = 0; i < 100; i++)
		taken += hit(world, ENTRY);
	assert_int_equal(taken, 10);
	world->now_ns += SECOND / 10;
	assert_true(hit(world, ENTRY));
	assert_false(hit(world, ENTRY));
	taken = 0;
	for (int i = 0; i < 5000; i++) {
		world->now_ns += SECOND / 1000;
		taken += hit(world, ENTRY);
	}
	assert_int_equal(taken, 50);
	world->now_ns += 100 * SECOND; // what was not used is not saved up
	taken = 0;
	for (int i = 0; i < 100; i++)
		taken += hit(world, ENTRY);
	assert_int_equal(taken, 10);
}

static void test_rate_of_one(void **state)
{
	struct world *world = *state;
	world->budget.interval_ns = SECOND;
	assert_true(hit(world, ENTRY));
	assert_false(hit(world, ENTRY));
	world->now_ns += SECOND - 1;
	assert_false(hit(world, ENTRY));
	world->now_ns += 1;
	assert_true(hit(world, ENTRY));
}

static void test_no_values(void **state)
{
	struct world *world = *state;
	world->budget.flags = WIRE_BUDGET_FOLLOW;
	assert_int_equal(hit_record(world->maker, ENTRY, 7, 1, &world->regs)->flags, 0);
	world->budget.level = WIRE_BUDGET_BARE;
	world->probes[ENTRY].num_pieces = 1;
	const struct wire_record *record = hit_record(world->maker, ENTRY, 7, 1, &world->regs);
	assert_int_equal(record->flags, WIRE_BARE);
	assert_int_equal(record->num_blocks, 0);
}

// While a function's returns have no probes, its entries say so. A return that comes all the same,
// because its probe was just about to go, is no event.
static void test_entries_alone(void **state)
{
	struct world *world = *state;
	world->budget.every = 1;
	assert_int_equal(hit_record(world->maker, ENTRY, 7, 1, &world->regs)->flags, WIRE_ALONE);
	assert_false(hit(world, RETURN));
	world->budget.flags = WIRE_BUDGET_FOLLOW; // the call was under way before
	assert_false(hit(world, RETURN));
}

// What is not a function's entry or end is no call.
static void test_notes_pass(void **state)
{
	struct world *world = *state;
	world->budget = (struct wire_budget){.level = WIRE_BUDGET_COUNTS};
	assert_true(hit(world, NOTE));
	assert_int_equal(world->budget.seen, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_are_taken),
		TEST(test_one_in_a_thousand_of_ten_million),
		TEST(test_turns),
		TEST(test_returns_follow_their_entries),
		TEST(test_vanished_calls),
		TEST(test_goroutines_are_told_apart),
		TEST(test_unknown_goroutine),
		TEST(test_too_many_to_follow),
		TEST(test_rate),
		TEST(test_rate_of_one),
		TEST(test_no_values),
		TEST(test_entries_alone),
		TEST(test_notes_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
