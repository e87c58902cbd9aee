// SPDX-License-Identifier: GPL-2.0-or-later
// Methods as Go's compilers made them, and ones that are nearly so.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/idioms.h"

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void test_pointer_receiver(void **state)
{
	(void)state;
	// go1.24: mov rcx,[rax]; mov rbx,[rax+8]; mov rax,rcx; ret
	assert_true(idiom_returns_string(CODE(0x48, 0x8b, 0x08, 0x48, 0x8b, 0x58, 0x08, 0x48, 0x89,
					      0xc8, 0xc3),
					 true, true));
	// go1.15: the receiver at sp+8, results at sp+16
	assert_true(idiom_returns_string(CODE(0x48, 0x8b, 0x44, 0x24, 0x08, 0x48, 0x8b, 0x08, 0x48,
					      0x8b, 0x40, 0x08, 0x48, 0x89, 0x4c, 0x24, 0x10, 0x48,
					      0x89, 0x44, 0x24, 0x18, 0xc3),
					 true, false));
}

static void test_unoptimized(void **state)
{
	(void)state;
	// go1.19 -N -l: a frame, spills, a nil check
	assert_true(idiom_returns_string(CODE(0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0x6c, 0x24, 0x10,
					      0x48, 0x8d, 0x6c, 0x24, 0x10, 0x48, 0x89, 0x44, 0x24,
					      0x20, 0x44, 0x0f, 0x11, 0x3c, 0x24, 0x48, 0x8b, 0x4c,
					      0x24, 0x20, 0x84, 0x01, 0x48, 0x8b, 0x01, 0x48, 0x8b,
					      0x59, 0x08, 0x48, 0x89, 0x04, 0x24, 0x48, 0x89, 0x5c,
					      0x24, 0x08, 0x48, 0x8b, 0x6c, 0x24, 0x10, 0x48, 0x83,
					      0xc4, 0x18, 0xc3),
					 true, true));
}

static void test_value_receiver(void **state)
{
	(void)state;
	// go1.24: mov [rsp+8],rax; ret
	assert_true(idiom_returns_string(CODE(0x48, 0x89, 0x44, 0x24, 0x08, 0xc3), false, true));
	assert_true(idiom_returns_string(CODE(0xc3), false, true));
}

static void test_anything_else_is_a_no(void **state)
{
	(void)state;
	// the two words the wrong way round
	assert_false(idiom_returns_string(CODE(0x48, 0x8b, 0x48, 0x08, 0x48, 0x8b, 0x18, 0x48, 0x89,
					       0xc8, 0xc3),
					  true, true));
	// a constant string: lea rax,[rip+x]
	assert_false(idiom_returns_string(CODE(0x48, 0x8d, 0x05, 0x10, 0, 0, 0, 0xc3), true, true));
	// a call
	assert_false(idiom_returns_string(CODE(0xe8, 0, 0, 0, 0, 0xc3), false, true));
	// one byte more: add rax,1
	assert_false(idiom_returns_string(CODE(0x48, 0x83, 0xc0, 0x01, 0xc3), false, true));
	// the stack pointer is not where it was
	assert_false(idiom_returns_string(CODE(0x48, 0x83, 0xec, 0x18, 0xc3), false, true));
	// the receiver itself is not its string; code that ends in mid-instruction; an endless run of nops
	assert_false(idiom_returns_string(CODE(0xc3), true, true));
	assert_false(idiom_returns_string(CODE(0x48, 0x8b), true, true));
	uint8_t nops[256];
	for (size_t i = 0; i < sizeof(nops); i++)
		nops[i] = 0x90;
	assert_false(idiom_returns_string(nops, sizeof(nops), false, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pointer_receiver),
		cmocka_unit_test(test_unoptimized),
		cmocka_unit_test(test_value_receiver),
		cmocka_unit_test(test_anything_else_is_a_no),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
