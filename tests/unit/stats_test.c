// SPDX-License-Identifier: GPL-2.0-or-later
// Statistics of the calls of a session, by function and by goroutine.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/synthetic.h"
#include "tracer/count/stats.h"

static void enter(struct stats *stats, const struct plan_func *func, uint8_t target, uint64_t goid)
{
	const struct call call = {.func = func, .target = target, .goid = goid, .has_goid = goid};
	assert_null(stats_entry(stats, &call));
}

// Goroutines with the same id in two processes are two.
static void two_targets(void **state)
{
	(void)state;
	struct synthetic synthetic;
	struct stats stats = {0};
	synthetic_init(&synthetic, 2, 0);
	enter(&stats, synthetic.plan.funcs[0], 0, 7);
	enter(&stats, synthetic.plan.funcs[0], 1, 7);
	enter(&stats, synthetic.plan.funcs[1], 1, 7);
	enter(&stats, synthetic.plan.funcs[0], 0, 0);
	uint64_t calls[2] = {0};
	unsigned num = 0;
	for (struct stats_goroutine *one = stats.goroutines; one; one = one->hh.next, num++) {
		assert_int_equal(one->key.goid, 7);
		calls[one->key.target] = one->calls;
		assert_ptr_equal(one->last, synthetic.plan.funcs[one->key.target]->func);
	}
	assert_int_equal(num, 2);
	assert_int_equal(calls[0], 1);
	assert_int_equal(calls[1], 2);
	assert_int_equal(stats.calls_elsewhere, 1);
	stats_deinit(&stats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(two_targets)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
