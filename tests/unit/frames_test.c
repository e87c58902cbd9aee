// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of a goroutine's calls under way: how many they are, which functions they are within, what is kept of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/backend/hit.h"

enum { CALL, RET, BEGIN, END, GOEXIT, RECOVERY, NUM_PROBES };
enum { GOID = 18, STACK_LO = 0x10000, STACK_HI = 0x20000 };
enum { GOID_WORD = 20, PANIC_WORD = 4, SP_WORD = 2 };

struct world {
	struct wire_probe probes[NUM_PROBES];
	struct wire_piece piece; // recovery's argument
	struct wire_condition conditions[3];
	struct wire_budget budgets[3];
	struct tables tables;
	struct wire_state state;
	struct wire_settings settings;
	uint64_t g[24];	   // runtime.g: stack.lo, stack.hi, goid, the panic
	uint64_t panic[4]; // the SP at which the frame that recovered goes on
	struct hit_maker *maker;
};

static bool read_world(void *context, void *dst, size_t len, uint64_t addr)
{
	uint64_t start = (uintptr_t)context;
	if (addr < start || addr - start > sizeof(struct world) - len)
		return false;
	memcpy(dst, (const void *)(uintptr_t)addr, len);
	return true;
}

// Function 0 is traced, on this condition; 1 is one that calls are made within; 2 is the runtime's.
static struct world *make(const struct wire_condition *condition, const struct wire_op *ops,
			  uint32_t num_ops)
{
	struct world *world = test_calloc(1, sizeof(*world));
	static const uint16_t kinds[NUM_PROBES] = {
		[CALL] = WIRE_PROBE_ENTRY,    [RET] = WIRE_PROBE_RETURN,
		[BEGIN] = WIRE_PROBE_BEGIN,   [END] = WIRE_PROBE_END,
		[GOEXIT] = WIRE_PROBE_GOEXIT, [RECOVERY] = WIRE_PROBE_RECOVERY,
	};
	for (uint32_t i = 0; i < NUM_PROBES; i++)
		world->probes[i] = (struct wire_probe){.kind = kinds[i], .func = i / 2};
	world->conditions[0] = *condition;
	world->conditions[1].within = 1;
	world->budgets[0].flags = WIRE_BUDGET_FOLLOW;
	world->tables.budgets = world->budgets;
	world->tables.num_budgets = 3;
	world->tables.has_depth = true;
	world->state.num_within = 1;
	world->tables.state = &world->state;
	world->tables.plan = (struct plan_tables){
		.probes = world->probes,
		.num_probes = NUM_PROBES,
		.pieces = &world->piece,
		.num_pieces = 1,
		.ops = (struct wire_op *)ops,
		.num_ops = num_ops,
		.conditions = world->conditions,
		.num_conditions = 3,
	};
	world->settings =
		(struct wire_settings){.g_goid = GOID_WORD * 8, .g_stack_hi = 8, .has_goid = 1};
	world->state.recovery = (struct wire_recovery){.panic_off = PANIC_WORD * 8,
						       .sp_off = SP_WORD * 8,
						       .is_in_panic = 1,
						       .is_known = 1};
	world->g[0] = STACK_LO;
	world->g[1] = STACK_HI;
	world->g[GOID_WORD] = GOID;
	world->g[PANIC_WORD] = (uintptr_t)world->panic;
	struct hit_source source = {
		.tables = &world->tables,
		.settings = &world->settings,
		.read = read_world,
		.context = world,
	};
	assert_null(hit_maker_create(&source, &world->maker));
	return world;
}

static void end(struct world *world)
{
	hit_maker_destroy(world->maker);
	test_free(world);
}

// A hit at this distance; true if it is told.
static bool hit(struct world *world, uint32_t probe, uint64_t distance)
{
	struct cpu_regs regs = {.sp = STACK_HI - distance, .g = (uintptr_t)world->g};
	return hit_record(world->maker, probe, 7, 1000, &regs);
}

// A panic is recovered by the frame at this distance.
static void recover(struct world *world, uint64_t distance)
{
	world->panic[SP_WORD] = STACK_HI - distance;
	struct cpu_regs regs = {.sp = STACK_HI - 0x8000,
				.g = (uintptr_t)world->g,
				.ints = {(uintptr_t)world->g}};
	hit_record(world->maker, RECOVERY, 7, 1000, &regs);
}

static struct world *of_depth(uint64_t depth)
{
	static struct wire_op ops[4];
	ops[0] = (struct wire_op){.code = WIRE_OP_DEPTH};
	ops[1] = (struct wire_op){.code = WIRE_OP_PUSH, .value = depth};
	ops[2] = (struct wire_op){.code = WIRE_OP_EQUAL};
	ops[3] = (struct wire_op){.code = WIRE_OP_CHECK};
	return make(&(struct wire_condition){.num_entry = 4}, ops, 4);
}

static void test_depth(void **state)
{
	(void)state;
	struct world *world = of_depth(2);
	assert_false(hit(world, CALL, 0x100)); // the first
	assert_true(hit(world, CALL, 0x200));
	assert_false(hit(world, CALL, 0x300));
	hit(world, RET, 0x300);
	assert_true(hit(world, RET, 0x200));
	assert_true(hit(world, CALL, 0x180)); // beside it
	assert_true(hit(world, CALL, 0x180)); // at its place: it is gone
	hit(world, RET, 0x100);		      // and so are all further in
	assert_false(hit(world, CALL, 0x280));
	end(world);
}

static void test_recovery_and_goexit(void **state)
{
	(void)state;
	struct world *world = of_depth(2);
	hit(world, CALL, 0x100);
	hit(world, CALL, 0x200);
	hit(world, CALL, 0x300);
	recover(world, 0x120);
	assert_true(hit(world, CALL, 0x400)); // in the first alone
	recover(world, 0x80);
	assert_false(hit(world, CALL, 0x400)); // in none
	hit(world, GOEXIT, 0x500);
	assert_true(hit(world, CALL, 0x600)); // deferred: the other has not ended
	recover(world, 0x80);
	assert_true(hit(world, CALL, 0x600)); // nor does a panic end it
	end(world);
}

static void test_within(void **state)
{
	(void)state;
	struct world *world = make(&(struct wire_condition){.within = 1}, NULL, 0);
	assert_false(hit(world, CALL, 0x300));
	hit(world, BEGIN, 0x200);
	assert_true(hit(world, CALL, 0x300));
	hit(world, BEGIN, 0x400); // called by itself
	hit(world, END, 0x400);
	assert_true(hit(world, CALL, 0x500));
	recover(world, 0x250);
	assert_true(hit(world, CALL, 0x500)); // it has recovered
	recover(world, 0x150);
	assert_false(hit(world, CALL, 0x500)); // it has panicked
	hit(world, BEGIN, 0x200);
	assert_false(hit(world, CALL, 0x100)); // further out: it is gone
	assert_false(hit(world, CALL, 0x500));
	hit(world, BEGIN, 0x200);
	hit(world, END, 0x200);
	assert_false(hit(world, CALL, 0x500));
	assert_int_equal(world->conditions[0].unreadable, 0);
	world->g[GOID_WORD] = 1ull << 60; // any number will do
	hit(world, BEGIN, 0x200);
	assert_true(hit(world, CALL, 0x300));
	world->g[1] = 0; // not a goroutine
	hit(world, BEGIN, 0x200);
	assert_false(hit(world, CALL, 0x300));
	assert_int_equal(world->conditions[0].unreadable, 1);
	assert_int_equal(world->conditions[1].crowded, 1);
	end(world);
}

// What is known of a goroutine's groups and of its traced calls is in one table.
static void test_groups_and_depth(void **state)
{
	(void)state;
	struct world *world = of_depth(2);
	world->conditions[0].within = 2;
	world->state.num_within = 2;
	hit(world, CALL, 0x100);
	hit(world, BEGIN, 0x180); // of group 1
	assert_false(hit(world, CALL, 0x200));
	world->conditions[1].within = 2;
	hit(world, RET, 0x200);
	hit(world, BEGIN, 0x180);
	assert_true(hit(world, CALL, 0x200));
	hit(world, RET, 0x200);
	hit(world, RET, 0x100); // no call is left, but both groups are active
	hit(world, CALL, 0x190);
	assert_true(hit(world, CALL, 0x200));
	world->g[GOID_WORD]++; // another goroutine
	hit(world, CALL, 0x190);
	assert_false(hit(world, CALL, 0x200));
	world->g[GOID_WORD]--;
	recover(world, 0x170); // both groups and both calls are gone
	hit(world, CALL, 0x100);
	assert_false(hit(world, CALL, 0x200));
	world->conditions[0].within = 0;
	assert_true(hit(world, CALL, 0x200));
	end(world);
}

static void test_held_calls_that_panic(void **state)
{
	(void)state;
	static const struct wire_op ops[] = {{.code = WIRE_OP_PUSH, .value = 1},
					     {.code = WIRE_OP_CHECK}};
	struct world *world = make(&(struct wire_condition){.num_return = 2}, ops, 2);
	for (uint64_t i = 0; i < 3 * WIRE_HELD_CALLS_MAX; i++) {
		world->g[GOID_WORD] = GOID + i;
		hit(world, CALL, 0x200);
		if (i % 2)
			recover(world, 0x100);
		else
			hit(world, GOEXIT, 0x300);
	}
	assert_int_equal(world->conditions[0].crowded, 0);
	assert_false(hit(world, RET, 0x200)); // it did not return
	hit(world, CALL, 0x200);
	assert_true(hit(world, RET, 0x200));
	end(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_recovery_and_goexit),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_groups_and_depth),
		cmocka_unit_test(test_held_calls_that_panic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
