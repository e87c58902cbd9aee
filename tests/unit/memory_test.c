// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/value_fixture.h"

static void fill(struct fixture *f)
{
	assert_true(record_is_valid(f->record, RECORD_MAX));
	memory_fill(f->memory, fixture_record(f), &f->frame);
}

static void reads_blocks_and_frame(void **state)
{
	struct fixture *f = *state;
	frame(f, STRING("frame"));
	block(f, 0xc000, STRING("0123456789"));
	fill(f);
	char bytes[16] = "";
	assert_true(memory_read(f->memory, 0xc003, bytes, 4, NULL));
	assert_memory_equal(bytes, "3456", 4);
	assert_true(memory_read(f->memory, MEMORY_FRAME + 1, bytes, 4, NULL));
	assert_memory_equal(bytes, "rame", 4);
	assert_true(memory_read(f->memory, 0x1, bytes, 0, NULL));
}

static void reads_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	frame(f, STRING("frame"));
	block(f, 0xc000, STRING("0123456789"));
	fault(f, 0xd000);
	fill(f);
	char bytes[16];
	const char *reason = NULL;
	assert_false(memory_read(f->memory, 0xc005, bytes, 6, &reason));
	assert_ptr_equal(reason, memory_not_captured);
	assert_false(memory_read(f->memory, 0xd000, bytes, 1, &reason));
	assert_ptr_equal(reason, memory_unreadable);
	assert_false(memory_read(f->memory, 0x10, bytes, 1, &reason));
	assert_ptr_equal(reason, memory_unreadable);
	assert_false(memory_read(f->memory, MEMORY_FRAME, bytes, 6, &reason));
	assert_ptr_equal(reason, memory_not_captured);
	assert_false(memory_read(f->memory, UINT64_MAX - 1, bytes, 4, &reason));
}

static void joins_blocks(void **state)
{
	struct fixture *f = *state;
	block(f, 0xc004, STRING("4567"));
	block(f, 0xc000, STRING("0123"));
	block(f, 0xc002, STRING("23"));
	fill(f);
	char bytes[8];
	assert_true(memory_read(f->memory, 0xc000, bytes, 8, NULL));
	assert_memory_equal(bytes, "01234567", 8);
	assert_int_equal(memory_available(f->memory, 0xc001, 100), 7);
	assert_int_equal(memory_available(f->memory, 0xc008, 1), 0);
}

static void finds_among_many(void **state)
{
	struct fixture *f = *state;
	for (uint64_t i = 100; i > 0; i--)
		block(f, 0x10000 + 0x100 * i, &i, sizeof(i));
	block(f, 0x10000, STRING("a long block that covers others"));
	block(f, 0x10008, STRING("block"));
	fill(f);
	for (uint64_t i = 100; i > 0; i--) {
		uint64_t value = 0;
		assert_true(memory_read(f->memory, 0x10000 + 0x100 * i, &value, 8, NULL));
		assert_int_equal(value, i);
		assert_false(memory_read(f->memory, 0x10008 + 0x100 * i, &value, 1, NULL));
	}
	assert_int_equal(memory_available(f->memory, 0x10000, 100), 31);
	assert_int_equal(memory_available(f->memory, 0x1000c, 100), 31 - 12);
}

static void knows_holes(void **state)
{
	struct fixture *f = *state;
	f->holes[0] = (struct plan_hole){16, 8, "float in XMM1", true};
	f->holes[1] = (struct plan_hole){8, 8, "float in XMM0", true};
	f->holes[2] = (struct plan_hole){24, 8, "lost", false};
	f->frame.num_holes = 3;
	frame(f, WORDS(1, 2, 3, 4, 5));
	fill(f);
	uint64_t word;
	const char *reason;
	assert_true(memory_read(f->memory, MEMORY_FRAME, &word, 8, &reason));
	assert_false(memory_read(f->memory, MEMORY_FRAME + 8, &word, 8, &reason));
	assert_string_equal(reason, "float in XMM0");
	uint64_t words[5];
	assert_false(memory_read(f->memory, MEMORY_FRAME, words, 40, &reason));
	assert_string_equal(reason, "float in XMM0");
	assert_int_equal(memory_available(f->memory, MEMORY_FRAME, 40), 8);
	assert_true(memory_read(f->memory, MEMORY_FRAME + 32, &word, 8, &reason));

	fixture_record(f)->flags = WIRE_FLOATS;
	fill(f);
	assert_true(memory_read(f->memory, MEMORY_FRAME + 8, &word, 8, &reason));
	assert_int_equal(word, 2);
	assert_false(memory_read(f->memory, MEMORY_FRAME + 20, &word, 8, &reason));
	assert_string_equal(reason, "lost");
}

static void asks_the_file(void **state)
{
	struct fixture *f = *state;
	memcpy(f->image.bytes + FILE_SIZE - 8, "constant", 8);
	fill(f);
	char bytes[16];
	assert_true(memory_read(f->memory, FILE_ADDR + FILE_SIZE - 8, bytes, 8, NULL));
	assert_memory_equal(bytes, "constant", 8);
	assert_false(memory_read(f->memory, FILE_ADDR + FILE_SIZE - 8, bytes, 9, NULL));
	assert_int_equal(memory_available(f->memory, FILE_ADDR + FILE_SIZE - 8, 1000), 8);
	assert_int_equal(memory_available(f->memory, FILE_ADDR - 1, 8), 0);
	size_t have = 0;
	const uint8_t *view = memory_view(f->memory, FILE_ADDR + FILE_SIZE - 8, 100, &have);
	assert_int_equal(have, 8);
	assert_memory_equal(view, "constant", 8);
	assert_true(memory_is_followed(f->memory, FILE_ADDR));
	assert_false(memory_is_followed(f->memory, FILE_ADDR + FILE_SIZE));
}

static bool answer(void *context, uint64_t addr, size_t len)
{
	const uint64_t *changed = context;
	return addr + len <= *changed || addr > *changed;
}

static void asks_whether_memory_is_as_in_the_file(void **state)
{
	struct fixture *f = *state;
	uint64_t changed = FILE_ADDR + 4;
	char bytes[8];
	const char *reason = NULL;
	memory_ask(f->memory, answer, &changed);
	fault(f, FILE_ADDR);
	fill(f);
	assert_true(memory_read(f->memory, FILE_ADDR, bytes, 4, NULL));
	assert_int_equal(memory_available(f->memory, FILE_ADDR, 4), 4);
	assert_false(memory_read(f->memory, FILE_ADDR, bytes, 6, &reason));
	assert_ptr_equal(reason, memory_unreadable);
	assert_int_equal(memory_available(f->memory, FILE_ADDR, 6), 0);
	size_t have;
	assert_null(memory_view(f->memory, FILE_ADDR, 6, &have));
	// What was copied is right, whatever the file says.
	block(f, FILE_ADDR, STRING("changed"));
	fill(f);
	assert_true(memory_read(f->memory, FILE_ADDR, bytes, 6, NULL));
	assert_memory_equal(bytes, "change", 6);
	memory_ask(f->memory, NULL, NULL);
}

static void tells_what_was_followed(void **state)
{
	struct fixture *f = *state;
	block(f, 0xc000, STRING("0123"));
	block(f, 0xe000, NULL, 0);
	fault(f, 0xd000);
	fill(f);
	assert_true(memory_is_followed(f->memory, 0xc000));
	assert_true(memory_is_followed(f->memory, 0xc003));
	assert_false(memory_is_followed(f->memory, 0xc004));
	assert_true(memory_is_followed(f->memory, 0xd000));
	assert_true(memory_is_followed(f->memory, 0xe000));
	assert_false(memory_is_followed(f->memory, MEMORY_FRAME));
}

// The reason for what is missing names the budget that was used up.
static void names_the_budget(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint16_t flags;
		const char *reason;
	} cuts[] = {
		{0, "not captured"},
		{WIRE_CUT, "not captured: over 4 KiB held until the return"},
		{WIRE_CUT_STEPS, "not captured: over 2048 steps, 1024 in maps"},
		{WIRE_CUT_FAULTS, "not captured: 3 addresses are unreadable"},
	};
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		fixture_record(f)->flags = cuts[i].flags;
		fill(f);
		assert_int_equal(memory_is_cut(f->memory), i != 0);
		assert_string_equal(memory_why_missing(f->memory), cuts[i].reason);
	}
	static const char bytes[WIRE_HELD_MAX];
	block(f, 0xc000, bytes, sizeof(bytes));
	fixture_record(f)->flags = WIRE_CUT;
	fill(f);
	assert_string_equal(memory_why_missing(f->memory), "not captured: over 16 KiB");
}

// The frame has the address of a large value.
static void finds_a_value_on_the_stack(void **state)
{
	struct fixture *f = *state;
	uint64_t words[2] = {0xc000, MEMORY_FRAME}, addr;
	const char *reason = NULL;
	frame(f, words, sizeof(words));
	fill(f);
	struct plan_value value = {.frame_off = 8};
	assert_true(memory_place(f->memory, &value, &addr, &reason));
	assert_int_equal(addr, MEMORY_FRAME + 8);
	value.is_address = true;
	assert_false(memory_place(f->memory, &value, &addr, &reason));
	assert_ptr_equal(reason, memory_unreadable);
	value.frame_off = 0;
	assert_true(memory_place(f->memory, &value, &addr, &reason));
	assert_int_equal(addr, 0xc000);
	value.frame_off = 16;
	assert_false(memory_place(f->memory, &value, &addr, &reason));
	assert_ptr_equal(reason, memory_not_captured);
}

static void forgets_the_record_before(void **state)
{
	struct fixture *f = *state;
	frame(f, STRING("frame"));
	block(f, 0xc000, STRING("0123"));
	fault(f, 0xd000);
	fixture_record(f)->flags = WIRE_CUT;
	fill(f);
	assert_true(memory_is_cut(f->memory));
	fixture_reset(f);
	fill(f);
	char byte;
	assert_false(memory_is_cut(f->memory));
	assert_false(memory_read(f->memory, 0xc000, &byte, 1, NULL));
	assert_false(memory_read(f->memory, MEMORY_FRAME, &byte, 1, NULL));
	assert_false(memory_is_followed(f->memory, 0xd000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VALUE_TEST(reads_blocks_and_frame),
		VALUE_TEST(reads_all_or_nothing),
		VALUE_TEST(joins_blocks),
		VALUE_TEST(finds_among_many),
		VALUE_TEST(knows_holes),
		VALUE_TEST(asks_the_file),
		VALUE_TEST(asks_whether_memory_is_as_in_the_file),
		VALUE_TEST(tells_what_was_followed),
		VALUE_TEST(names_the_budget),
		VALUE_TEST(finds_a_value_on_the_stack),
		VALUE_TEST(forgets_the_record_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
