// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/count/histogram.h"

static void buckets_join(void **state)
{
	(void)state;
	for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		assert_int_equal(histogram_bucket(histogram_start(i)), i);
		assert_int_equal(histogram_bucket(histogram_start(i + 1) - 1), i);
		assert_true(histogram_start(i + 1) - histogram_start(i) <=
			    1 + histogram_start(i) / 8);
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static int by_size(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

static void quantiles_hold(void **state)
{
	(void)state;
	enum { NUM = 10001 };
	static struct histogram histogram;
	static uint64_t value[NUM];
	assert_int_equal(histogram_quantile(&histogram, 0.5), HISTOGRAM_NONE);
	srandom(1);
	for (int i = 0; i < NUM; i++) {
		value[i] = (uint64_t)random() >> (random() % 31);
		histogram_add(&histogram, value[i]);
	}
	qsort(value, NUM, sizeof(*value), by_size);
	for (int percent = 1; percent <= 100; percent++) {
		int rank = (percent * NUM + 99) / 100;
		assert_int_equal(histogram_quantile(&histogram, percent / 100.0),
				 histogram_bucket(value[rank - 1]));
	}
}

static void prints_rows(void **state)
{
	(void)state;
	struct histogram histogram = {0};
	for (int i = 0; i < 4; i++)
		histogram_add(&histogram, 1500);
	histogram_add(&histogram, 5000);
	histogram_add(&histogram, 5000);
	struct text out;
	text_init(&out);
	histogram_print(&histogram, &(struct histogram_scale){0}, &out);
	assert_string_equal(
		text_string(&out),
		"[1K, 2K)                    4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		"[2K, 4K)                    0 |                                                    |\n"
		"[4K, 8K)                    2 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n");
	text_reset(&out);
	histogram_add(&histogram, 0);
	histogram_print(&histogram, &(struct histogram_scale){.is_time = true}, &out);
	static const char first[] = "[0ns]                       1 |@@@@@@@@@@@@@",
			  last[] = "[4.1µs, 8.2µs)              2 |@@@@@@@@@@@@@";
	assert_memory_equal(text_string(&out), first, sizeof(first) - 1);
	assert_non_null(strstr(text_string(&out), last));
	text_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_join),
		cmocka_unit_test(quantiles_hold),
		cmocka_unit_test(prints_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
