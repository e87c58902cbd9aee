// SPDX-License-Identifier: GPL-2.0-or-later
// The fixed-size table of user space's hosts, held to a plain array through thousands of random steps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/backend/table.h"

enum { MAX = 100, KEYS = 160 };

struct key {
	uint64_t goid;
	uint32_t func, pad;
};

struct value {
	uint64_t time_ns;
	char text[13];
};

struct world {
	struct table *table;
	struct value expected[KEYS];
	bool is_there[KEYS];
	unsigned num;
};

static struct key key_of(unsigned i)
{
	return (struct key){.goid = i / 3, .func = i % 3};
}

static struct value value_of(unsigned i, unsigned step)
{
	struct value value;
	memset(&value, 0, sizeof(value));
	value.time_ns = step;
	value.text[i % sizeof(value.text)] = (char)step;
	return value;
}

static int set_up(void **state)
{
	struct world *world = test_calloc(1, sizeof(*world));
	void *memory = test_calloc(1, table_bytes(sizeof(struct key), sizeof(struct value), MAX));
	world->table = table_init(memory, sizeof(struct key), sizeof(struct value), MAX);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	test_free(world->table);
	test_free(world);
	return 0;
}

static void check_all(struct world *world)
{
	assert_int_equal(world->table->num, world->num);
	for (unsigned i = 0; i < KEYS; i++) {
		struct key key = key_of(i);
		const struct value *value = table_find(world->table, &key);
		assert_int_equal(value != NULL, world->is_there[i]);
		if (value)
			assert_memory_equal(value, &world->expected[i], sizeof(*value));
	}
}

static void put(struct world *world, unsigned i, unsigned step)
{
	struct key key = key_of(i);
	struct value value = value_of(i, step);
	bool has_room = world->is_there[i] || world->num < MAX;
	assert_int_equal(table_put(world->table, &key, &value), has_room);
	if (!has_room)
		return;
	world->num += !world->is_there[i];
	world->is_there[i] = true;
	world->expected[i] = value;
}

static void drop(struct world *world, unsigned i)
{
	struct key key = key_of(i);
	assert_int_equal(table_drop(world->table, &key), world->is_there[i]);
	world->num -= world->is_there[i];
	world->is_there[i] = false;
}

static void test_random_steps(void **state)
{
	struct world *world = *state;
	uint64_t random = 1;
	for (unsigned step = 0; step < 20000; step++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		unsigned i = (unsigned)(random >> 33) % KEYS;
		// Full for a while, then nearly empty, and so on.
		bool wants_more = (random >> 50) % 8 < (step / 2000 % 2 ? 2 : 6);
		if (wants_more)
			put(world, i, step);
		else
			drop(world, i);
		if (step % 97 == 0)
			check_all(world);
	}
	check_all(world);
}

// A value stays where it is while other keys come and go.
static void test_entries_do_not_move(void **state)
{
	struct world *world = *state;
	put(world, 50, 1);
	struct key key = key_of(50);
	const struct value *value = table_find(world->table, &key);
	for (unsigned i = 0; i < KEYS; i++)
		if (i != 50)
			put(world, i, 2);
	for (unsigned i = 0; i < KEYS; i++)
		if (i != 50)
			drop(world, i);
	assert_ptr_equal(table_find(world->table, &key), value);
	check_all(world);
}

static void test_added_value_is_zero(void **state)
{
	struct world *world = *state;
	put(world, 7, 99);
	drop(world, 7);
	struct key key = key_of(7);
	static const struct value zeros;
	assert_memory_equal(table_add(world->table, &key), &zeros, sizeof(zeros));
}

static bool is_of_goid(void *context, const void *key, const void *value)
{
	(void)value;
	return ((const struct key *)key)->goid == *(const uint64_t *)context;
}

static void test_drop_if(void **state)
{
	struct world *world = *state;
	for (unsigned i = 0; i < 90; i++)
		put(world, i, i);
	uint64_t goid = 11;
	table_drop_if(world->table, is_of_goid, &goid);
	for (unsigned i = 33; i < 36; i++) {
		world->is_there[i] = false;
		world->num--;
	}
	check_all(world);
}

// A table that is not there is empty and has no room.
static void test_no_table(void **state)
{
	(void)state;
	struct key key = key_of(1);
	assert_null(table_find(NULL, &key));
	assert_null(table_add(NULL, &key));
	assert_false(table_drop(NULL, &key));
	table_drop_if(NULL, is_of_goid, &key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_steps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_entries_do_not_move, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_added_value_is_zero, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_drop_if, set_up, tear_down),
		cmocka_unit_test(test_no_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
