// SPDX-License-Identifier: GPL-2.0-or-later
// The expected places are those that Go 1.27's compiler gave to functions of these signatures.
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arm64/registers.h"
#include "base/text.h"
#include "dwarf/go/abi.h"

#define SCALAR(kind_, bytes)                                                            \
	{                                                                               \
		.kind = (kind_), .size = (bytes), .align = (bytes), .is_complete = true \
	}

static struct gotype t_bool = SCALAR(GO_BOOL, 1), t_int8 = SCALAR(GO_INT8, 1),
		     t_uint16 = SCALAR(GO_UINT16, 2), t_int32 = SCALAR(GO_INT32, 4),
		     t_int = SCALAR(GO_INT, 8), t_float32 = SCALAR(GO_FLOAT32, 4),
		     t_float64 = SCALAR(GO_FLOAT64, 8), t_pointer = SCALAR(GO_POINTER, 8),
		     t_map = SCALAR(GO_MAP, 8), t_chan = SCALAR(GO_CHAN, 8),
		     t_func = SCALAR(GO_FUNC, 8), t_unsafe = SCALAR(GO_UNSAFE_POINTER, 8);
static struct gotype t_string = {.kind = GO_STRING, .size = 16, .align = 8, .is_complete = true};
static struct gotype t_error = {.kind = GO_INTERFACE, .size = 16, .align = 8, .is_complete = true};
static struct gotype t_slice = {.kind = GO_SLICE, .size = 24, .align = 8, .is_complete = true};
static struct gotype t_complex64 = {.kind = GO_COMPLEX64,
				    .size = 8,
				    .align = 4,
				    .is_complete = true};
static struct gotype t_complex128 = {.kind = GO_COMPLEX128,
				     .size = 16,
				     .align = 8,
				     .is_complete = true};
static struct gotype t_empty = {.kind = GO_STRUCT, .size = 0, .align = 1, .is_complete = true};
static struct gotype t_broken = {.kind = GO_INVALID, .broken = "torn", .is_complete = true};

static struct gotype array_of(struct gotype *elem, uint64_t len)
{
	return (struct gotype){.kind = GO_ARRAY,
			       .size = elem->size * len,
			       .align = elem->align,
			       .elem = elem,
			       .len = len,
			       .is_complete = true};
}

static struct gotype struct_of(struct gofield *fields, size_t num, uint64_t size, uint32_t align)
{
	return (struct gotype){.kind = GO_STRUCT,
			       .size = size,
			       .align = align,
			       .fields = fields,
			       .num_fields = num,
			       .is_complete = true};
}

static const struct arch *cpu; // the CPU whose registers are assigned

// Lays the types out as a function's and says where each param is: "RAX RBX+RCX | RAX".
static char *places(enum abi abi, struct gotype **args, size_t num_args, struct gotype **results,
		    size_t num_results, uint32_t *stack_bytes)
{
	struct signature signature = {.arch = cpu, .abi = abi, .is_known = true};
	signature.num_args = num_args;
	signature.num_params = num_args + num_results;
	signature.params = calloc(signature.num_params + 1, sizeof(*signature.params));
	assert_non_null(signature.params);
	for (size_t i = 0; i < signature.num_params; i++) {
		signature.params[i].type = i < num_args ? args[i] : results[i - num_args];
		signature.params[i].is_result = i >= num_args;
	}
	assert_null(abi_assign(&signature));
	// a second time: what the first made must not leak or add up
	assert_null(abi_assign(&signature));
	struct text text;
	text_init(&text);
	for (size_t i = 0; i < signature.num_params; i++) {
		char place[200];
		abi_describe(signature.arch, &signature.params[i], place, sizeof(place));
		text_printf(&text, "%s%s%s", i == 0 ? "" : " ",
			    i == num_args && num_results ? "| " : "", place);
	}
	if (stack_bytes)
		*stack_bytes = signature.stack_bytes;
	signature_deinit(&signature);
	char *copy = strdup(text_string(&text));
	assert_non_null(copy);
	text_deinit(&text);
	return copy;
}

#define TYPES(...)                              \
	(struct gotype *[])                     \
	{                                       \
		__VA_ARGS__ __VA_OPT__(, ) NULL \
	}
#define NUM(...)   (sizeof(TYPES(__VA_ARGS__)) / sizeof(struct gotype *) - 1)
#define PAREN(...) TYPES(__VA_ARGS__), NUM(__VA_ARGS__)
#define EXPECT(abi, args, results, bytes, expected)                                 \
	do {                                                                        \
		uint32_t stack_bytes_;                                              \
		char *got_ = places(abi, PAREN args, PAREN results, &stack_bytes_); \
		assert_string_equal(got_, expected);                                \
		assert_int_equal(stack_bytes_, bytes);                              \
		free(got_);                                                         \
	} while (0)

static void test_scalars(void **state)
{
	(void)state;
	EXPECT(ABI_INTERNAL, (&t_int, &t_int), (&t_int), 0, "RAX RBX | RAX");
	EXPECT(ABI_INTERNAL, (&t_pointer, &t_map, &t_chan, &t_func, &t_unsafe), (), 0,
	       "RAX RBX RCX RDI RSI");
	EXPECT(ABI_INTERNAL, (&t_string, &t_error, &t_slice), (&t_slice, &t_error), 0,
	       "RAX+RBX RCX+RDI RSI+R8+R9 | RAX+RBX+RCX RDI+RSI");
	EXPECT(ABI_INTERNAL, (), (), 0, "");
}

static void test_tenth_int_goes_to_stack(void **state)
{
	(void)state;
	// func ints(a int, b int8, c uint16, d bool, e int, f int32, g uint8, h, i, j int)
	EXPECT(ABI_INTERNAL,
	       (&t_int, &t_int8, &t_uint16, &t_bool, &t_int, &t_int32, &t_int8, &t_int, &t_int,
		&t_int),
	       (&t_int), 8, "RAX RBX RCX RDI RSI R8 R9 R10 R11 stack+0 | RAX");
}

static void test_blanks_take_registers(void **state)
{
	(void)state;
	// func blanks(_ int, b string, _ []int, d int)
	EXPECT(ABI_INTERNAL, (&t_int, &t_string, &t_slice, &t_int), (), 0,
	       "RAX RBX+RCX RDI+RSI+R8 R9");
}

static void test_all_or_nothing(void **state)
{
	(void)state;
	// two slices leave three registers: a string and an int fit, not both after a third slice
	EXPECT(ABI_INTERNAL, (&t_slice, &t_slice, &t_string, &t_slice, &t_int), (), 24,
	       "RAX+RBX+RCX RDI+RSI+R8 R9+R10 stack+0 R11");
	// floats that do not fit take no integer registers along
	struct gofield fields[16];
	for (int i = 0; i < 16; i++)
		fields[i] = (struct gofield){"f", i == 0 ? &t_int : &t_float64, 8 * i, false};
	struct gotype sixteen = struct_of(fields, 16, 128, 8);
	EXPECT(ABI_INTERNAL, (&t_float64, &sixteen, &t_int, &t_float64), (), 128,
	       "X0 stack+0 RAX X1");
}

static void test_results_continue_the_stack(void **state)
{
	(void)state;
	struct gotype pair = array_of(&t_int32, 3);
	// 12 bytes of arguments are rounded to 16 before the results
	EXPECT(ABI_INTERNAL, (&pair, &t_int), (&pair, &t_int, &t_string), 32,
	       "stack+0 RAX | stack+16 RAX RBX+RCX");
	EXPECT(ABI_INTERNAL, (), (&pair), 16, "| stack+0");
}

static void test_arrays(void **state)
{
	(void)state;
	struct gotype none = array_of(&t_int, 0), one = array_of(&t_string, 1),
		      two = array_of(&t_int, 2), big = array_of(&t_int, 100);
	struct gotype one_of_two = array_of(&two, 1), one_of_one = array_of(&one, 1);
	EXPECT(ABI_INTERNAL, (&none, &one, &two, &t_int), (), 16, "nowhere RAX+RBX stack+0 RCX");
	EXPECT(ABI_INTERNAL, (&one_of_one, &one_of_two, &t_int), (), 16, "RAX+RBX stack+0 RCX");
	EXPECT(ABI_INTERNAL, (&big, &t_int), (&big), 1600, "stack+0 RAX | stack+800");
	struct gotype empties = array_of(&t_empty, 5);
	struct gofield fields[] = {{"n", &t_int, 0, false}, {"e", &empties, 8, false}};
	struct gotype holder = struct_of(fields, 2, 16, 8);
	EXPECT(ABI_INTERNAL, (&empties, &holder, &t_int), (), 16, "nowhere stack+0 RAX");
}

static void test_zero_size_aligns(void **state)
{
	(void)state;
	struct gotype bytes = array_of(&t_int8, 3), none = array_of(&t_int, 0);
	EXPECT(ABI_INTERNAL, (&t_empty, &t_int), (&t_empty), 0, "nowhere RAX | nowhere");
	// [0]int aligns the stack that [3]int8 left at 3
	EXPECT(ABI_INTERNAL, (&bytes, &none, &bytes), (), 16, "stack+0 nowhere stack+8");
	EXPECT(ABI_INTERNAL, (&bytes, &t_empty, &bytes), (), 8, "stack+0 nowhere stack+3");
}

static void test_floats_and_complex(void **state)
{
	(void)state;
	EXPECT(ABI_INTERNAL, (&t_float32, &t_int, &t_float64, &t_complex64, &t_complex128),
	       (&t_complex128, &t_int, &t_float32), 0, "X0 RAX X1 X2+X3 X4+X5 | X0+X1 RAX X2");
	// 15 registers: the eighth complex128 has one only
	EXPECT(ABI_INTERNAL,
	       (&t_complex128, &t_complex128, &t_complex128, &t_complex128, &t_complex128,
		&t_complex128, &t_complex128, &t_complex128, &t_float64),
	       (), 16, "X0+X1 X2+X3 X4+X5 X6+X7 X8+X9 X10+X11 X12+X13 stack+0 X14");
}

static void test_struct_pieces(void **state)
{
	(void)state;
	struct gofield inner_fields[] = {{"a", &t_int8, 0, false}, {"_", &t_int32, 4, false}};
	struct gotype inner = struct_of(inner_fields, 2, 8, 4);
	struct gofield fields[] = {{"flag", &t_bool, 0, false},
				   {"Inner", &inner, 4, true},
				   {"f", &t_float32, 12, false},
				   {"none", &t_empty, 16, false},
				   {"s", &t_string, 16, false}};
	struct gotype outer = struct_of(fields, 5, 32, 8);
	struct param params[] = {{.type = &outer}};
	struct signature signature = {.arch = cpu,
				      .params = params,
				      .num_params = 1,
				      .num_args = 1};
	assert_null(abi_assign(&signature));
	static const struct abi_piece expected[] = {
		{ABI_INT_REG, 0, 0, 1, 0},  {ABI_INT_REG, 1, 4, 1, 0},
		{ABI_INT_REG, 2, 8, 4, 0},  {ABI_FLOAT_REG, 0, 12, 4, 0},
		{ABI_INT_REG, 3, 16, 8, 0}, {ABI_INT_REG, 4, 24, 8, 0},
	};
	assert_int_equal(params[0].num_pieces, 6);
	for (size_t i = 0; i < 6; i++) {
		const struct abi_piece *got = &params[0].pieces[i];
		assert_int_equal(got->where, expected[i].where);
		assert_int_equal(got->reg, expected[i].reg);
		assert_int_equal(got->offset, expected[i].offset);
		assert_int_equal(got->size, expected[i].size);
	}
	free(params[0].pieces);
}

static void test_stack_abi(void **state)
{
	(void)state;
	// Go 1.15: receiver, params, aligned to 8, results
	EXPECT(ABI0, (&t_int8, &t_uint16, &t_int32, &t_string, &t_bool), (&t_bool, &t_error), 56,
	       "stack+0 stack+2 stack+4 stack+8 stack+24 | stack+32 stack+40");
	EXPECT(ABI0, (&t_float64, &t_complex64, &t_slice), (&t_float32), 48,
	       "stack+0 stack+8 stack+16 | stack+40");
}

static void test_hidden_word(void **state)
{
	(void)state;
	EXPECT(ABI_INTERNAL, (NULL, &t_string), (), 0, "RAX RBX+RCX");
	EXPECT(ABI0, (&t_int8, NULL), (), 16, "stack+0 stack+8");
}

static void test_broken_type(void **state)
{
	(void)state;
	struct gotype two = array_of(&t_int, 2);
	EXPECT(ABI_INTERNAL, (&t_int, &t_broken, &t_int), (&t_int, &two), 0, "RAX ? ? | RAX ?");
	EXPECT(ABI_INTERNAL, (&t_int), (&t_broken, &t_int), 0, "RAX | ? ?");
	struct gofield fields[] = {{"n", &t_int, 0, false}, {"b", &t_broken, 8, false}};
	struct gotype holder = struct_of(fields, 2, 16, 8);
	EXPECT(ABI_INTERNAL, (&holder, &t_int), (), 0, "? ?");

	struct param params[] = {{.type = &t_broken}, {.type = &t_int}};
	struct signature signature = {.arch = cpu,
				      .params = params,
				      .num_params = 2,
				      .num_args = 2};
	assert_null(abi_assign(&signature));
	assert_string_equal(params[0].unknown, "torn");
	assert_non_null(strstr(params[1].unknown, "after"));
}

static void test_hostile_types_end(void **state)
{
	(void)state;
	// a struct that holds itself
	struct gofield self[1];
	struct gotype cycle = struct_of(self, 1, 8, 8);
	self[0] = (struct gofield){"self", &cycle, 0, false};
	EXPECT(ABI_INTERNAL, (&cycle), (), 0, "?");
	// 2^40 empty fields
	struct gotype levels[41];
	struct gofield twice[40][2];
	levels[0] = t_empty;
	for (int i = 0; i < 40; i++) {
		twice[i][0] = twice[i][1] = (struct gofield){"e", &levels[i], 0, false};
		levels[i + 1] = struct_of(twice[i], 2, 0, 1);
	}
	EXPECT(ABI_INTERNAL, (&levels[40]), (), 0, "?");
	// sizes that overflow a stack
	struct gotype huge = t_empty;
	huge.kind = GO_ARRAY;
	huge.len = huge.size = UINT64_MAX;
	huge.elem = &t_int8;
	EXPECT(ABI_INTERNAL, (&huge, &t_int, &huge), (&huge, &t_int), 0, "? RAX ? | ? RAX");
	struct gotype wide_int = t_int;
	wide_int.size = 100;
	EXPECT(ABI_INTERNAL, (&wide_int), (), 0, "?");
	// a struct of some size and no leaves
	struct gotype hollow = struct_of(NULL, 0, 24, 8);
	EXPECT(ABI_INTERNAL, (&hollow, &t_int), (), 0, "? ?");
}

static void test_spill_area(void **state)
{
	(void)state;
	// func bigs(a [100]int, b int8, c [1]string, d int16) [3]int
	struct gotype big = array_of(&t_int, 100), one = array_of(&t_string, 1),
		      three = array_of(&t_int, 3);
	struct param params[] = {{.type = &big},
				 {.type = &t_int8},
				 {.type = &one},
				 {.type = &t_uint16},
				 {.type = &three, .is_result = true}};
	struct signature signature = {.arch = cpu,
				      .params = params,
				      .num_params = 5,
				      .num_args = 4};
	assert_null(abi_assign(&signature));
	assert_int_equal(signature.stack_bytes, 824);
	assert_int_equal(params[1].spill_off, 824);
	assert_int_equal(params[2].spill_off, 832);
	assert_int_equal(params[3].spill_off, 848);
	assert_int_equal(signature.frame_bytes, 856);
	for (size_t i = 0; i < 5; i++)
		free(params[i].pieces);
}

static void test_unknown_is_kept(void **state)
{
	(void)state;
	struct param params[] = {{.type = &t_int, .unknown = "said so"}, {.type = &t_int}};
	struct signature signature = {.arch = cpu,
				      .params = params,
				      .num_params = 2,
				      .num_args = 2};
	assert_null(abi_assign(&signature));
	assert_string_equal(params[0].unknown, "said so");
	assert_null(params[1].unknown);
	assert_int_equal(params[1].pieces[0].reg, 1);
	free(params[0].pieces);
	free(params[1].pieces);
}

static void test_describe_cuts(void **state)
{
	(void)state;
	struct abi_piece pieces[2] = {{.where = ABI_INT_REG}, {.where = ABI_INT_REG, .reg = 1}};
	struct param param = {.pieces = pieces, .num_pieces = 2};
	char place[6];
	abi_describe(cpu, &param, place, sizeof(place));
	assert_string_equal(place, "RAX+R");
	abi_describe(cpu, &param, place, 0);
	assert_string_equal(arch_int(cpu, 9), "?");
}

static void test_arm64(void **state)
{
	(void)state;
	const struct arch *before = cpu;
	cpu = &arch_arm64;
	EXPECT(ABI_INTERNAL, (&t_int, &t_string, &t_float64), (&t_string, &t_float64), 0,
	       "R0 R1+R2 F0 | R0+R1 F0");
	struct gotype three = array_of(&t_int, 3);
	// ten words need ten registers here; on x86-64 the last would go to the stack
	EXPECT(ABI_INTERNAL,
	       (&t_string, &t_string, &t_string, &t_string, &t_string, &t_string, &t_string,
		&t_string, &t_int, &three),
	       (), 32, "R0+R1 R2+R3 R4+R5 R6+R7 R8+R9 R10+R11 R12+R13 R14+R15 stack+0 stack+8");
	EXPECT(ABI0, (&t_int, &t_string), (&t_int), 32, "stack+0 stack+8 | stack+24");
	cpu = before;
}

int main(void)
{
	cpu = arch_find(EM_X86_64);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_tenth_int_goes_to_stack),
		cmocka_unit_test(test_blanks_take_registers),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_results_continue_the_stack),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_zero_size_aligns),
		cmocka_unit_test(test_floats_and_complex),
		cmocka_unit_test(test_struct_pieces),
		cmocka_unit_test(test_stack_abi),
		cmocka_unit_test(test_hidden_word),
		cmocka_unit_test(test_broken_type),
		cmocka_unit_test(test_hostile_types_end),
		cmocka_unit_test(test_spill_area),
		cmocka_unit_test(test_unknown_is_kept),
		cmocka_unit_test(test_describe_cuts),
		cmocka_unit_test(test_arm64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
