// SPDX-License-Identifier: GPL-2.0-or-later
// The controller of --max-overhead against a target that is simulated: a processor that calls functions, each call
// of which takes it a time of its own and what tracing costs at that moment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/session/budget.h"

enum { FUNCS_MAX = 1000 };

static const uint64_t TICK_NS = 50000000;
static const uint64_t SECOND = 1000000000;
static const struct budget_costs costs = {450, 5000, 1000, 300, 150};

struct called { // in each round of the program
	double own_ns;
	double times;
	double wrong_by; // what a call really costs, against what is assumed
	double begun;	 // a part of a call
};

struct program {
	struct budget *budget;
	struct called funcs[FUNCS_MAX];
	size_t num;
	bool is_sampled;
	double pause_ns; // after each round, off the processor
	uint64_t now_ns;
	double rounds; // since the last look at it
	uint64_t steps;
	struct budget_change changes[FUNCS_MAX];
	size_t num_changes;
};

static void program_init(struct program *program, double share)
{
	*program = (struct program){.now_ns = SECOND};
	assert_null(budget_create(share, &program->budget));
	budget_set_costs(program->budget, &costs);
}

static size_t add(struct program *program, double own_ns, double times)
{
	assert_null(budget_add(program->budget, &(struct budget_func){.has_exits = true}));
	program->funcs[program->num] = (struct called){own_ns, times, 1, 0};
	return program->num++;
}

// One tick of the clock.
static void tick(struct program *program)
{
	double own = 0, traced = 0;
	for (size_t i = 0; i < program->num; i++) {
		const struct called *func = &program->funcs[i];
		enum budget_level level = budget_level(program->budget, i);
		own += func->own_ns * func->times;
		traced += budget_cost(program->budget, i, level) /
			  budget_trap_factor(program->budget) * func->wrong_by * func->times;
	}
	double rounds = (double)TICK_NS / (own + traced + program->pause_ns);
	uint64_t calls[FUNCS_MAX] = {0};
	for (size_t i = 0; i < program->num; i++) {
		struct called *func = &program->funcs[i];
		if (budget_level(program->budget, i) == BUDGET_OFF)
			continue;
		func->begun += rounds * func->times;
		calls[i] = (uint64_t)func->begun;
		func->begun -= (double)calls[i];
	}
	program->rounds += rounds;
	program->now_ns += TICK_NS;
	if (program->is_sampled)
		budget_learn_traps(program->budget, calls, (uint64_t)(rounds * traced));
	program->num_changes =
		budget_step(program->budget, program->now_ns, (uint64_t)(rounds * (own + traced)),
			    calls, program->changes);
	program->steps += program->num_changes;
}

// Runs for so long; the share of its untraced throughput that it has.
static double run(struct program *program, double seconds)
{
	double own = program->pause_ns;
	for (size_t i = 0; i < program->num; i++)
		own += program->funcs[i].own_ns * program->funcs[i].times;
	program->rounds = 0;
	uint64_t ticks = (uint64_t)(seconds * (double)SECOND / (double)TICK_NS);
	for (uint64_t i = 0; i < ticks; i++)
		tick(program);
	return program->rounds * own / (double)(ticks * TICK_NS);
}

static enum budget_level level(const struct program *program, size_t func)
{
	return budget_level(program->budget, func);
}

static void test_hot_function_is_off_at_once(void **state)
{
	(void)state;
	static const double own_ns[] = {5, 100, 1000, 2000};
	for (size_t i = 0; i < sizeof(own_ns) / sizeof(own_ns[0]); i++) {
		struct program program;
		program_init(&program, 0.1);
		size_t hot = add(&program, own_ns[i], 1);
		tick(&program); // the clock begins
		tick(&program);
		assert_int_equal(level(&program, hot), BUDGET_OFF);
		assert_int_equal(program.num_changes, 1);
		assert_int_equal(program.changes[0].from, BUDGET_ALL);
		assert_int_equal(program.changes[0].to, BUDGET_OFF);
		assert_true(program.changes[0].share > 0.5);
		assert_true(program.changes[0].calls > 100000);
		assert_true(run(&program, 1) > 0.9);
		budget_destroy(program.budget);
	}
}

// Looked at again now and then, ever more seldom, and that costs little as well.
static void test_hot_function_stays_off(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	add(&program, 50, 1);
	run(&program, 1);
	program.steps = 0;
	assert_true(run(&program, 10) > 0.95);
	assert_in_range(program.steps, 2, 8);
	program.steps = 0;
	assert_true(run(&program, 600) > 0.99);
	assert_in_range(program.steps, 2, 40);
	budget_destroy(program.budget);
}

static void test_cheap_functions_are_left_alone(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	add(&program, 100000, 1); // 6.45 µs of 100
	run(&program, 10);
	assert_int_equal(program.steps, 0);
	budget_destroy(program.budget);
}

// Where probes on entries fit and those on returns do not.
static void test_counting(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	size_t func = add(&program, 20000, 1);
	tick(&program);
	tick(&program);
	assert_int_equal(level(&program, func), BUDGET_ENTRIES);
	assert_true(run(&program, 60) > 0.9);
	assert_int_equal(level(&program, func), BUDGET_ENTRIES);
	assert_int_equal(program.steps, 1);
	budget_destroy(program.budget);
}

// A few calls in a moment are no ground for a verdict; as many as that for a second are.
static void test_few_calls(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	struct budget_costs large = costs;
	large.values = 1000000;
	budget_set_costs(program.budget, &large);
	size_t often = add(&program, 1000000, 1), seldom = add(&program, 1000000, 0.01);
	run(&program, 0.9);
	assert_int_equal(program.steps, 0);
	run(&program, 0.3);
	assert_int_equal(level(&program, often), BUDGET_NO_VALUES);
	assert_int_equal(level(&program, seldom), BUDGET_ALL);
	assert_int_equal(program.steps, 1);
	budget_destroy(program.budget);
}

// Functions that are called seldom are judged together, and only as many as needed are traced less.
static void test_many_seldom_called(void **state)
{
	(void)state;
	enum { NUM = 60, CALLS = 10, VALUES_NS = 200000 }; // 12 % of a processor
	struct program program;
	program_init(&program, 0.05);
	struct budget_costs large = costs;
	large.values = VALUES_NS;
	budget_set_costs(program.budget, &large);
	for (size_t i = 0; i < NUM; i++)
		add(&program, (double)SECOND / 2 / NUM / CALLS, 1);
	program.pause_ns = (double)SECOND / 2 / CALLS;
	run(&program, 3);
	double load = 0;
	size_t num_less = 0;
	for (size_t i = 0; i < NUM; i++) {
		num_less += level(&program, i) != BUDGET_ALL;
		load += budget_cost(program.budget, i, level(&program, i)) * CALLS / 5e8;
	}
	if (load > 0.0527 || load < 0.035)
		fail_msg("a load of %f, %zu functions", load, num_less);
	assert_in_range(num_less, NUM / 2, NUM - 5);
	assert_int_equal(program.steps, num_less);
	assert_true(run(&program, 60) > 0.95);
	budget_destroy(program.budget);
}

// A server that calls hundreds of functions for each request, whose tracing takes all of its time: it is as fast as
// before, but for the budget, within a second.
static void test_many_at_once(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.05);
	for (size_t i = 0; i < FUNCS_MAX; i++)
		add(&program, 500, 1 + 30 / (double)(1 + i));
	run(&program, 1);
	assert_true(run(&program, 2) > 0.94);
	assert_true(program.steps < 3 * FUNCS_MAX);
	assert_true(run(&program, 60) > 0.94);
	budget_destroy(program.budget);
}

// What a change says that functions cost is the part that each has of the target's time.
static void test_shares(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.05);
	for (size_t i = 0; i < 100; i++)
		add(&program, 100, 1);
	tick(&program);
	tick(&program);
	assert_true(program.num_changes > 50);
	double sum = 0;
	for (size_t i = 0; i < program.num_changes; i++)
		sum += program.changes[i].share;
	assert_true(sum > 0.5 && sum <= 1);
	budget_destroy(program.budget);
}

// Functions that were only counted at first are traced whole if there is room, all at once.
static void test_counted_at_first(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.05);
	for (size_t i = 0; i < FUNCS_MAX; i++) {
		static const struct budget_func about = {.has_exits = true,
							 .level = BUDGET_COUNTED};
		assert_null(budget_add(program.budget, &about));
		program.funcs[program.num++] = (struct called){i ? 0 : 1000, i ? 0 : 1, 1, 0};
	}
	run(&program, 1.2);
	assert_int_equal(level(&program, 0), BUDGET_OFF);
	for (size_t i = 1; i < FUNCS_MAX; i++)
		assert_int_equal(level(&program, i), BUDGET_ALL);
	budget_destroy(program.budget);
}

static size_t add_about(struct program *program, double own_ns, const struct budget_func *about)
{
	assert_null(budget_add(program->budget, about));
	program->funcs[program->num] = (struct called){own_ns, 1, 1, 0};
	return program->num++;
}

// After a fifth of a second, what was only counted gets the level at which all fits: the cheap
// function in full, the costly one as much as there is room for.
static void test_first_judgement(void **state)
{
	(void)state;
	static const struct budget_func counted = {.has_exits = true, .level = BUDGET_COUNTED};
	struct program program;
	program_init(&program, 0.25);
	size_t hot = add_about(&program, 6000, &counted), seldom = add(&program, 0, 0);
	budget_set(program.budget, seldom, &counted);
	budget_judge_soon(program.budget, program.now_ns);
	for (int i = 0; i < 3; i++) {
		tick(&program);
		assert_int_equal(level(&program, hot), BUDGET_COUNTED);
		assert_int_equal(level(&program, seldom), BUDGET_COUNTED);
		assert_true(budget_reason(program.budget, hot).share == 0);
	}
	tick(&program);
	tick(&program);
	assert_int_equal(level(&program, seldom), BUDGET_ALL);
	assert_int_equal(level(&program, hot), BUDGET_ENTRIES);
	// About 150 000 calls a second, of which about a hundred are shown.
	assert_in_range(budget_every(program.budget, hot), 1000, 2000);
	assert_int_equal(budget_every(program.budget, seldom), 1);
	struct budget_reason reason = budget_reason(program.budget, hot);
	assert_true(reason.share > 0.5 && reason.share < 0.6);
	assert_true(reason.calls > 100000 && reason.calls < 200000);
	assert_true(run(&program, 60) > 0.75);
	budget_destroy(program.budget);
}

// A function that is named exactly and fits is traced whole, whatever the others cost.
static void test_named_functions_come_first(void **state)
{
	(void)state;
	static const struct budget_func about = {.has_exits = true, .is_named = true};
	struct program program;
	program_init(&program, 0.25);
	size_t named = add_about(&program, 15000, &about); // takes a fifth of what is left
	for (int i = 0; i < 10; i++)
		add(&program, 1000, 1);
	run(&program, 20);
	assert_int_equal(level(&program, named), BUDGET_ALL);
	for (size_t i = 1; i < program.num; i++)
		assert_true(level(&program, i) > BUDGET_ALL);
	assert_true(budget_reason(program.budget, named).share == 0);
	budget_destroy(program.budget);

	// One that does not fit goes down, and leaves the others alone.
	program_init(&program, 0.25);
	named = add_about(&program, 200, &about);
	size_t other = add(&program, 20000, 0.05);
	run(&program, 20);
	assert_true(level(&program, named) > BUDGET_ALL);
	assert_int_equal(level(&program, other), BUDGET_ALL);
	budget_destroy(program.budget);

	// Nor does it lower another that is named, though it seems to leave the program no time of
	// its own, because it costs less than is assumed.
	program_init(&program, 0.1);
	named = add_about(&program, 600, &about);
	program.funcs[named].wrong_by = 0.5;
	other = add_about(&program, 5, &about);
	program.funcs[other].times = 0.003;
	for (int i = 0; i < 200; i++) {
		tick(&program);
		assert_int_equal(level(&program, other), BUDGET_ALL);
	}
	assert_true(level(&program, named) > BUDGET_ALL);
	budget_destroy(program.budget);
}

static void test_values_first(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	struct budget_costs large = costs;
	large.values = 20000; // 25.45 µs a call do not fit, 5.75 do
	budget_set_costs(program.budget, &large);
	size_t func = add(&program, 200000, 1);
	run(&program, 1.2);
	assert_int_equal(level(&program, func), BUDGET_NO_VALUES);
	budget_destroy(program.budget);
}

static void test_only_the_heavy_ones(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	size_t rare = add(&program, 1000000, 1), hot = add(&program, 100, 10000);
	tick(&program);
	tick(&program);
	assert_int_equal(level(&program, rare), BUDGET_ALL);
	assert_int_equal(level(&program, hot), BUDGET_OFF);
	budget_destroy(program.budget);
}

// While a function takes all of the time, what others cost is not to be told from its noise.
static void test_others_wait(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	size_t rare = add(&program, 1000, 1), hot = add(&program, 3, 1000);
	tick(&program);
	tick(&program);
	assert_int_equal(level(&program, hot), BUDGET_OFF);
	assert_int_equal(level(&program, rare), BUDGET_ALL);
	tick(&program); // now it is the one that costs most
	assert_int_equal(level(&program, rare), BUDGET_OFF);
	budget_destroy(program.budget);
}

static void test_up_again(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	size_t func = add(&program, 1000, 1);
	run(&program, 5);
	assert_int_equal(level(&program, func), BUDGET_OFF);
	program.funcs[func].own_ns = 1000000; // the load is over
	run(&program, 30);
	assert_int_equal(level(&program, func), BUDGET_ALL);
	program.funcs[func].own_ns = 1000;
	tick(&program);
	assert_int_equal(level(&program, func), BUDGET_OFF);
	budget_destroy(program.budget);
}

// A load about as high as the budget does not make it swing.
static void test_hysteresis(void **state)
{
	(void)state;
	for (double own_ns = 30000; own_ns < 120000; own_ns += 1000) {
		struct program program;
		program_init(&program, 0.1);
		add(&program, own_ns, 1);
		run(&program, 2);
		program.steps = 0;
		assert_true(run(&program, 120) > 0.88);
		assert_true(program.steps <= 6);
		budget_destroy(program.budget);
	}
}

// Costs that are twice or half of what was measured change where it stops, not that it stops.
static void test_wrong_costs(void **state)
{
	(void)state;
	static const double wrong_by[] = {0.5, 2};
	for (size_t i = 0; i < 2; i++) {
		struct program program;
		program_init(&program, 0.1);
		size_t hot = add(&program, 1000, 1);
		program.funcs[hot].wrong_by = wrong_by[i];
		run(&program, 0.2);
		assert_int_equal(level(&program, hot), BUDGET_OFF);
		assert_true(run(&program, 60) > 0.95);
		budget_destroy(program.budget);
	}
}

// Hits that cost six times what they cost in a loop are learnt to do so, and the promise is kept.
static void test_sampled_costs(void **state)
{
	(void)state;
	static const struct budget_costs hits_only = {450, 5000, 0, 0, 0};
	double held[2];
	for (int is_sampled = 0; is_sampled < 2; is_sampled++) {
		struct program program;
		program_init(&program, 0.1);
		budget_set_costs(program.budget, &hits_only);
		program.is_sampled = is_sampled;
		for (size_t i = 0; i < 40; i++) {
			size_t func = add(&program, 3000 + 500 * (double)i, 1);
			program.funcs[func].wrong_by = 6;
		}
		run(&program, 30);
		held[is_sampled] = run(&program, 60);
		double factor = budget_trap_factor(program.budget);
		assert_true(is_sampled ? factor > 5 && factor < 6.5 : factor == 1);
		budget_destroy(program.budget);
	}
	assert_true(held[0] < 0.7);
	assert_true(held[1] > 0.89);
}

// While functions are to be added, those that are called leave room for them.
static void test_room_to_grow(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	budget_set_growing(program.budget, true);
	for (size_t i = 0; i < FUNCS_MAX; i++) {
		static const struct budget_func about = {.has_exits = true,
							 .level = BUDGET_COUNTED};
		assert_null(budget_add(program.budget, &about));
		bool is_called = i < 50;
		program.funcs[program.num++] =
			(struct called){is_called ? 2000 : 0, is_called ? 1 : 0, 1, 0};
	}
	tick(&program);
	tick(&program);
	assert_true(program.num_changes > 0);
	assert_false(budget_has_room(program.budget));
	run(&program, 10);
	assert_true(budget_has_room(program.budget));
	for (size_t i = 0; i < FUNCS_MAX; i++) {
		if (i < 50)
			assert_true(level(&program, i) >= BUDGET_COUNTED);
		else
			assert_int_equal(level(&program, i), BUDGET_ALL);
	}
	budget_set_growing(program.budget, false);
	program.pause_ns = 10e6; // there is room now
	run(&program, 10);
	assert_int_equal(level(&program, 0), BUDGET_ALL);
	budget_destroy(program.budget);
}

// Fifty calls a second in a program that sleeps are nobody's trouble, whatever they take of its time.
static void test_idle_program(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.05);
	add(&program, 2000, 1);
	program.pause_ns = 20e6;
	run(&program, 10);
	assert_int_equal(program.steps, 0);
	budget_destroy(program.budget);
}

static void test_sampled_by_the_user(void **state)
{
	(void)state;
	struct budget *budget;
	assert_null(budget_create(0.1, &budget));
	budget_set_costs(budget, &costs);
	static const struct budget_func abouts[] = {
		{.has_exits = true, .every = 100},
		{.has_exits = false},
		{.is_stepped = true, .level = BUDGET_COUNTED},
	};
	for (size_t i = 0; i < 3; i++)
		assert_null(budget_add(budget, &abouts[i]));
	assert_int_equal(budget_level(budget, 2), BUDGET_COUNTED);
	assert_true(budget_cost(budget, 2, BUDGET_COUNTED) == 5150);
	assert_true(budget_cost(budget, 0, BUDGET_ALL) < 5450 + 10 + 150 + 1);
	assert_true(budget_cost(budget, 1, BUDGET_ALL) == 1450);
	assert_true(budget_cost(budget, 1, BUDGET_OFF) == 0);
	for (enum budget_level i = BUDGET_ALL; i < BUDGET_OFF; i++)
		assert_non_null(budget_level_name(i));
	budget_destroy(budget);
}

// A clock that stands still or goes back, and counters that make no sense.
static void test_odd_inputs(void **state)
{
	(void)state;
	struct program program;
	program_init(&program, 0.1);
	add(&program, 100, 1);
	uint64_t calls[1] = {UINT64_MAX};
	assert_int_equal(budget_step(program.budget, 100, 0, calls, program.changes), 0);
	assert_int_equal(budget_step(program.budget, 100, 0, calls, program.changes), 0);
	assert_int_equal(budget_step(program.budget, 50, 0, calls, program.changes), 0);
	assert_int_equal(budget_step(program.budget, 51, 0, calls, program.changes), 1);
	assert_int_equal(level(&program, 0), BUDGET_OFF);
	budget_destroy(program.budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hot_function_is_off_at_once),
		cmocka_unit_test(test_hot_function_stays_off),
		cmocka_unit_test(test_cheap_functions_are_left_alone),
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_few_calls),
		cmocka_unit_test(test_many_seldom_called),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_counted_at_first),
		cmocka_unit_test(test_first_judgement),
		cmocka_unit_test(test_named_functions_come_first),
		cmocka_unit_test(test_values_first),
		cmocka_unit_test(test_only_the_heavy_ones),
		cmocka_unit_test(test_others_wait),
		cmocka_unit_test(test_up_again),
		cmocka_unit_test(test_hysteresis),
		cmocka_unit_test(test_wrong_costs),
		cmocka_unit_test(test_sampled_costs),
		cmocka_unit_test(test_room_to_grow),
		cmocka_unit_test(test_idle_program),
		cmocka_unit_test(test_sampled_by_the_user),
		cmocka_unit_test(test_odd_inputs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
