// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/event/record.h"

struct sample { // a frame of 5 bytes, a fault, a block of 8
	struct wire_record record;
	struct wire_block frame;
	uint8_t frame_bytes[8];
	struct wire_block fault;
	struct wire_block block;
	uint8_t block_bytes[8];
};

static struct sample sample(void)
{
	return (struct sample){
		.record = {.size = sizeof(struct sample), .num_blocks = 3},
		.frame = {.len = 5, .flags = WIRE_BLOCK_FRAME},
		.frame_bytes = "abcde",
		.fault = {.addr = 0xdead, .flags = WIRE_BLOCK_FAULT},
		.block = {.addr = 0xc000, .len = 8, .type = 3, .depth = 1},
		.block_bytes = "12345678",
	};
}

static void reads_blocks(void **state)
{
	(void)state;
	struct sample s = sample();
	assert_true(record_is_valid(&s, sizeof(s)));
	size_t at = 0;
	struct record_block block;
	assert_true(record_next(&s.record, &at, &block));
	assert_ptr_equal(block.head, &s.frame);
	assert_memory_equal(block.bytes, "abcde", 5);
	assert_true(record_next(&s.record, &at, &block));
	assert_ptr_equal(block.head, &s.fault);
	assert_true(record_next(&s.record, &at, &block));
	assert_ptr_equal(block.head, &s.block);
	assert_memory_equal(block.bytes, "12345678", 8);
	assert_false(record_next(&s.record, &at, &block));
}

static void takes_a_record_without_blocks(void **state)
{
	(void)state;
	struct wire_record record = {.size = sizeof(record)};
	size_t at = 0;
	struct record_block block;
	assert_true(record_is_valid(&record, sizeof(record)));
	assert_false(record_next(&record, &at, &block));
}

static void takes_a_record_in_a_larger_buffer(void **state)
{
	(void)state;
	struct sample two[2] = {sample(), sample()};
	assert_true(record_is_valid(two, sizeof(two)));
}

static void refuses_wrong_sizes(void **state)
{
	(void)state;
	struct sample s = sample();
	assert_false(record_is_valid(&s, 0));
	assert_false(record_is_valid(&s, sizeof(s.record) - 1));
	assert_false(record_is_valid(&s, sizeof(s) - 8));
	for (uint32_t size = 0; size < sizeof(s); size++) {
		s.record.size = size;
		assert_false(record_is_valid(&s, sizeof(s)));
	}
	s.record.size = UINT16_MAX & ~7u;
	assert_false(record_is_valid(&s, sizeof(s)));
}

static void refuses_too_large_records(void **state)
{
	(void)state;
	static _Alignas(8) uint8_t bytes[WIRE_RECORD_MAX + 64];
	struct wire_record *record = (void *)bytes;
	record->size = WIRE_RECORD_MAX;
	record->num_blocks = (WIRE_RECORD_MAX - sizeof(*record)) / sizeof(struct wire_block);
	record->size = (uint32_t)(sizeof(*record) + record->num_blocks * sizeof(struct wire_block));
	assert_true(record_is_valid(bytes, sizeof(bytes)));
	record->num_blocks += 2;
	record->size += 2 * sizeof(struct wire_block);
	assert_false(record_is_valid(bytes, sizeof(bytes)));
}

static void refuses_wrong_blocks(void **state)
{
	(void)state;
	struct sample s = sample();
	s.record.num_blocks = 2;
	assert_false(record_is_valid(&s, sizeof(s)));
	s.record.num_blocks = 4;
	assert_false(record_is_valid(&s, sizeof(s)));
	s = sample();
	s.block.len = 9;
	assert_false(record_is_valid(&s, sizeof(s)));
	s = sample();
	s.frame.len = UINT16_MAX;
	assert_false(record_is_valid(&s, sizeof(s)));
	s = sample();
	s.frame.addr = 1;
	assert_false(record_is_valid(&s, sizeof(s)));
	s = sample();
	s.block.flags = WIRE_BLOCK_FRAME;
	s.block.addr = 0;
	assert_false(record_is_valid(&s, sizeof(s)));
	s = sample();
	s.block.flags = WIRE_BLOCK_FAULT;
	assert_false(record_is_valid(&s, sizeof(s)));
	s = sample();
	s.block.addr = UINT64_MAX - 3;
	assert_false(record_is_valid(&s, sizeof(s)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_blocks),
		cmocka_unit_test(takes_a_record_without_blocks),
		cmocka_unit_test(takes_a_record_in_a_larger_buffer),
		cmocka_unit_test(refuses_wrong_sizes),
		cmocka_unit_test(refuses_too_large_records),
		cmocka_unit_test(refuses_wrong_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
