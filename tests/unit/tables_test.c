// SPDX-License-Identifier: GPL-2.0-or-later
// The engine's tables over plain memory: which there are, what they have room for, and that they
// follow a plan that grows.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

#include "tests/unit/synthetic.h"
#include "tracer/backend/backend.h"

struct world {
	struct synthetic synthetic;
	struct plan *plan;
	struct loaded loaded;
	struct wire_edge edges[4];
	struct wire_type types[4];
	struct wire_op ops[2];
	struct wire_condition conditions[8];
	struct tables tables;
	struct wire_state state;
};

static void place_all(struct world *world, const struct backend_settings *settings)
{
	world->tables.state = &world->state;
	assert_null(tables_size(&world->tables, world->plan, settings));
	for (size_t i = 0; i < NUM_TABLES; i++)
		if (world->tables.capacity[i])
			tables_place(&world->tables, i, calloc(1, tables_bytes(&world->tables, i)));
}

static int set_up(void **state)
{
	struct world *world = test_calloc(1, sizeof(*world));
	world->plan = world->loaded.plan = &world->synthetic.plan;
	synthetic_init(&world->synthetic, 4, 2);
	world->plan->tables.types = world->types;
	world->plan->tables.num_types = 1;
	world->plan->tables.edges = world->edges;
	world->plan->tables.ops = world->ops;
	world->plan->tables.conditions = world->conditions;
	*state = world;
	return 0;
}

static void tables_free(struct world *world)
{
	for (size_t i = 0; i < NUM_TABLES; i++)
		free(tables_memory(&world->tables, i));
	world->tables = (struct tables){.state = &world->state};
}

static int tear_down(void **state)
{
	struct world *world = *state;
	tables_free(world);
	test_free(world);
	return 0;
}

// A table that the settings do not ask for has no memory, and nothing is copied to it.
static void test_what_is_needed(void **state)
{
	struct world *world = *state;
	struct tables *tables = &world->tables;
	place_all(world, &(struct backend_settings){0});
	assert_null(tables_update(tables, &world->loaded));
	assert_int_equal(tables->plan.num_probes, world->plan->tables.num_probes);
	assert_memory_equal(tables->plan.probes, world->plan->tables.probes,
			    tables->plan.num_probes * sizeof(struct wire_probe));
	assert_int_equal(tables->num_lost, world->plan->num_funcs);
	const struct plan_func *func = world->plan->funcs[0];
	assert_int_equal(tables_lost(tables, func), 0);
	tables->lost[0] = 3;
	assert_int_equal(tables_lost(tables, func), 3);
	assert_null(tables_budget(tables, func));
	assert_null(tables_condition(tables, func));
	assert_null(tables->aggregates);
	assert_int_equal(tables->num_aggregates, 0);
}

static void test_by_function(void **state)
{
	struct world *world = *state;
	struct tables *tables = &world->tables;
	struct plan_func *func = world->plan->funcs[1];
	func->sampling.every = 10;
	func->has_return = true;
	world->conditions[1] = (struct wire_condition){.num_entry = 2};
	world->plan->tables.num_conditions = 2;
	world->plan->tables.num_ops = 2;
	world->plan->num_within = 3;
	place_all(world, &(struct backend_settings){.has_budgets = true, .has_conditions = true});
	assert_null(tables_update(tables, &world->loaded));
	assert_int_equal(tables_budget(tables, func)->every, 10);
	assert_int_equal(tables_budget(tables, func)->flags, WIRE_BUDGET_FOLLOW);
	assert_int_equal(tables_condition(tables, func)->num_entry, 2);
	assert_null(tables_condition(tables, world->plan->funcs[2])); // it has none
	assert_int_equal(tables->plan.num_ops, 2);
	assert_int_equal(world->state.num_within, 3);
	// What the engine and the session have written stays.
	tables_budget(tables, func)->seen = 7;
	tables_budget(tables, func)->level = WIRE_BUDGET_BARE;
	tables->plan.conditions[1].crowded = 5;
	world->plan->tables.num_conditions = 3;
	assert_null(tables_update(tables, &world->loaded));
	assert_int_equal(tables_budget(tables, func)->seen, 7);
	assert_int_equal(tables_budget(tables, func)->level, WIRE_BUDGET_BARE);
	assert_int_equal(tables_condition(tables, func)->crowded, 5);
	assert_non_null(tables_condition(tables, world->plan->funcs[2]));
}

// The plan learns what a type leads to while the tables are used.
static void test_learnt_types(void **state)
{
	struct world *world = *state;
	struct tables *tables = &world->tables;
	world->types[0] = (struct wire_type){.size = 8};
	place_all(world, &(struct backend_settings){0});
	assert_null(tables_update(tables, &world->loaded));
	world->types[0] = (struct wire_type){.size = 8, .stride = 8, .num_edges = 1};
	world->types[1] = (struct wire_type){.size = 16, .stride = 16};
	world->edges[0] = (struct wire_edge){.type = 1};
	world->plan->tables.num_types = 2;
	world->plan->tables.num_edges = 1;
	assert_null(tables_update(tables, &world->loaded));
	assert_memory_equal(tables->plan.types, world->types, 2 * sizeof(struct wire_type));
	assert_int_equal(tables->plan.edges[0].type, 1);
}

// The same plan for two processes: it has the executable's own addresses, each process its own.
static void test_two_processes(void **state)
{
	struct world *world = *state;
	const struct loaded two[] = {
		{.plan = world->plan, .bias = 0x1000, .pid = 7},
		{.plan = world->plan, .bias = 0x550000000000, .pid = 8},
	};
	world->ops[0] =
		(struct wire_op){WIRE_OP_PUSH, .reg = WIRE_OPERAND_VADDR, .value = 0x401000};
	world->ops[1] = (struct wire_op){WIRE_OP_PUSH, .reg = WIRE_OPERAND_PID};
	const struct wire_op in_plan[] = {world->ops[0], world->ops[1]};
	for (size_t i = 0; i < 2; i++) {
		world->plan->tables.num_ops = 1;
		place_all(world, &(struct backend_settings){.has_conditions = true});
		assert_null(tables_update(&world->tables, &two[i]));
		world->plan->tables.num_ops = 2;
		assert_null(tables_update(&world->tables, &two[i]));
		const struct wire_op *ops = world->tables.plan.ops;
		assert_int_equal(ops[0].value, two[i].bias + 0x401000); // placed once
		assert_int_equal(ops[1].value, two[i].pid);
		tables_free(world);
	}
	assert_memory_equal(world->ops, in_plan, sizeof(in_plan));
}

static void test_no_room(void **state)
{
	struct world *world = *state;
	struct tables *tables = &world->tables;
	place_all(world, &(struct backend_settings){0});
	assert_null(tables_update(tables, &world->loaded));
	tables->capacity[TABLES_TYPES] = 1;
	world->plan->tables.num_types = 2;
	world->plan->num_within = 1;
	struct error *err = tables_update(tables, &world->loaded);
	assert_int_equal(error_code(err), ENOSPC);
	error_free(err);
	assert_int_equal(tables->plan.num_types, 1); // nothing was copied
	assert_int_equal(world->state.num_within, 0);
	tables->capacity[TABLES_TYPES] = 2;
	world->plan->wants_depth = true; // which the engine does not keep
	err = tables_update(tables, &world->loaded);
	assert_int_equal(error_code(err), ENOSPC);
	error_free(err);
}

static bool is_on(const struct world *world, uint32_t probe)
{
	return !(world->tables.plan.probes[probe].flags & WIRE_DISABLED);
}

static void test_enable(void **state)
{
	struct world *world = *state;
	struct tables *tables = &world->tables;
	const struct plan_func *func = world->plan->funcs[1];
	uint32_t entry = func->first_probe, exit = func->first_probe + SYNTHETIC_RETURN;
	place_all(world, &(struct backend_settings){0});
	assert_null(tables_update(tables, &world->loaded));
	tables_enable(tables, func, false);
	assert_false(is_on(world, entry) || is_on(world, exit));
	assert_true(is_on(world, 0) && is_on(world, world->plan->funcs[2]->first_probe));
	tables_enable_part(tables, func, true, true);
	assert_true(!is_on(world, entry) && is_on(world, exit));
	tables_enable(tables, func, true);
	assert_true(is_on(world, entry) && is_on(world, exit));
	tables_goroutine(tables, 18);
	assert_int_equal(world->state.only_goid, 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_needed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_by_function, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_learnt_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_two_processes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_enable, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
