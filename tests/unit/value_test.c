// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>

#include "tests/unit/value_fixture.h"

static void prints_integers(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(UINT64_MAX));
	expect(f, basic(f, GO_INT), "-1", "-1");
	expect(f, basic(f, GO_INT8), "-1", "-1");
	expect(f, basic(f, GO_UINT8), "255", "255");
	expect(f, basic(f, GO_UINT32), "4294967295", "4294967295");
	expect(f, basic(f, GO_UINT64), "18446744073709551615", "18446744073709551615");
	frame(f, WORDS(0x8000));
	expect(f, basic(f, GO_INT16), "-32768", "-32768");
	expect(f, basic(f, GO_UINTPTR), "0x8000", "32768");
	expect(f, make(f, GO_INT32, "main.Color"), "32768", "32768");
	frame(f, WORDS(1ull << 63));
	expect(f, basic(f, GO_INT64), "-9223372036854775808", "-9223372036854775808");
}

static void prints_bools(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(1));
	expect(f, basic(f, GO_BOOL), "true", "true");
	frame(f, WORDS(0));
	expect(f, basic(f, GO_BOOL), "false", "false");
	frame(f, WORDS(7));
	expect(f, basic(f, GO_BOOL), "?(bool 7)", "{\"unavailable\":\"bool 7\"}");
}

static void prints_floats(void **state)
{
	struct fixture *f = *state;
	double value[] = {1.5, -2};
	float single[] = {0.1f, NAN};
	frame(f, value, sizeof(value));
	expect(f, basic(f, GO_FLOAT64), "1.5", "1.5");
	expect(f, basic(f, GO_COMPLEX128), "(1.5-2i)", "[1.5,-2]");
	frame(f, single, sizeof(single));
	expect(f, basic(f, GO_FLOAT32), "0.1", "0.1");
	expect(f, basic(f, GO_COMPLEX64), "(0.1+NaNi)", "[0.1,\"NaN\"]");
	value[0] = -INFINITY;
	frame(f, value, sizeof(value));
	expect(f, basic(f, GO_FLOAT64), "-Inf", "\"-Inf\"");
	f->holes[0] = (struct plan_hole){0, 8, "float in XMM0", true};
	f->frame.num_holes = 1;
	expect(f, basic(f, GO_FLOAT64), "?(float in XMM0)", "{\"unavailable\":\"float in XMM0\"}");
}

static void prints_strings(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = basic(f, GO_STRING);
	frame(f, WORDS(0xc000, 5));
	block(f, 0xc000, STRING("a\"b\n\xff"));
	expect(f, type, "\"a\\\"b\\n\\xff\"", "\"a\\\"b\\n\xef\xbf\xbd\"");
	frame(f, WORDS(0, 0));
	expect(f, type, "\"\"", "\"\"");
	frame(f, WORDS(FILE_ADDR, 3));
	memcpy(f->image.bytes, "abc", 3);
	expect(f, type, "\"abc\"", "\"abc\"");
}

static void cuts_strings(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = basic(f, GO_STRING);
	f->printer.strlen = 3;
	frame(f, WORDS(0xc000, 1027));
	block(f, 0xc000, STRING("abcdef"));
	expect(f, type, "\"abc\"...+1024 bytes", "{\"len\":1027,\"cut\":\"abc\"}");
	block(f, 0xd000, STRING("ab\xe2\x82\xac"));
	((uint64_t *)(f->record + sizeof(struct wire_record) + sizeof(struct wire_block)))[0] =
		0xd000;
	expect(f, type, "\"ab\"...+1025 bytes", "{\"len\":1027,\"cut\":\"ab\"}");
	f->printer.strlen = 64;
	frame(f, WORDS(0xe000, 12));
	expect(f, type, "\"\"...+12 bytes", "{\"len\":12,\"cut\":\"\"}");
}

static void refuses_strings(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = basic(f, GO_STRING);
	frame(f, WORDS(0xc000, 12));
	fault(f, 0xc000);
	expect(f, type, "?(unreadable 0xc000)", "{\"unavailable\":\"unreadable 0xc000\"}");
	frame(f, WORDS(0x10, 12));
	expect(f, type, "?(unreadable 0x10)", "{\"unavailable\":\"unreadable 0x10\"}");
	frame(f, WORDS(0xc000, 1ull << 60));
	expect(f, type, "?(string of length 1152921504606846976)",
	       "{\"unavailable\":\"string of length 1152921504606846976\"}");
	frame(f, WORDS(0xc000, UINT64_MAX));
	expect(f, type, "?(string of length -1)", "{\"unavailable\":\"string of length -1\"}");
	frame(f, WORDS(MEMORY_FRAME, 8)); // no pointer leads into the frame
	expect(f, type, "?(unreadable 0xfffe000000000000)",
	       "{\"unavailable\":\"unreadable 0xfffe000000000000\"}");
}

static void prints_slices(void **state)
{
	struct fixture *f = *state;
	struct gotype *ints = slice_of(f, "[]int", basic(f, GO_INT));
	frame(f, WORDS(0xc000, 3, 4));
	block(f, 0xc000, WORDS(1, 2, 3, 4));
	expect(f, ints, "[]int{1, 2, 3}", "[1,2,3]");
	expect(f, slice_of(f, "main.IDs", basic(f, GO_INT)), "main.IDs{1, 2, 3}", "[1,2,3]");
	frame(f, WORDS(0, 0, 0));
	expect(f, ints, "nil", "null");
	frame(f, WORDS(0xc000, 0, 0));
	expect(f, ints, "[]int{}", "[]");
	struct gotype *empty = structure(f, "struct {}");
	frame(f, WORDS(0xc000, 2, 2));
	expect(f, slice_of(f, "[]struct {}", empty), "[]struct {}{struct {}{}, struct {}{}}",
	       "[{},{}]");
}

static void cuts_slices(void **state)
{
	struct fixture *f = *state;
	struct gotype *ints = slice_of(f, "[]int", basic(f, GO_INT));
	f->printer.items = 2;
	frame(f, WORDS(0xc000, 100, 100));
	block(f, 0xc000, WORDS(1, 2, 3));
	expect(f, ints, "[]int{1, 2, ...+98}", "{\"len\":100,\"cut\":[1,2]}");
	f->printer.items = 16;
	expect(f, ints, "[]int{1, 2, 3, ...+97 ?(not captured)}",
	       "{\"len\":100,\"cut\":[1,2,3],\"unavailable\":\"not captured\"}");
	frame(f, WORDS(0xc000, 100, 100));
	expect(f, ints, "[]int{...+100 ?(not captured)}",
	       "{\"len\":100,\"cut\":[],\"unavailable\":\"not captured\"}");
}

static void refuses_slices(void **state)
{
	struct fixture *f = *state;
	struct gotype *ints = slice_of(f, "[]int", basic(f, GO_INT));
	frame(f, WORDS(0xc000, 1ull << 60, 1ull << 60));
	expect(f, ints, "?(slice of length 1152921504606846976)",
	       "{\"unavailable\":\"slice of length 1152921504606846976\"}");
	frame(f, WORDS(0xc000, 5, 3));
	expect(f, ints, "?(slice of length 5 and capacity 3)",
	       "{\"unavailable\":\"slice of length 5 and capacity 3\"}");
	frame(f, WORDS(0, 5, 5));
	expect(f, ints, "?(slice of length 5)", "{\"unavailable\":\"slice of length 5\"}");
	frame(f, WORDS(0x10, 5, 5));
	expect(f, ints, "?(unreadable 0x10)", "{\"unavailable\":\"unreadable 0x10\"}");
	frame(f, WORDS(0xc000, 5, 5));
	fault(f, 0xc000);
	expect(f, ints, "?(unreadable 0xc000)", "{\"unavailable\":\"unreadable 0xc000\"}");
}

static void prints_bytes(void **state)
{
	struct fixture *f = *state;
	struct gotype *byte = basic(f, GO_UINT8);
	frame(f, WORDS(0xc000, 2, 2));
	block(f, 0xc000, STRING("\x01\xff"));
	expect(f, slice_of(f, "[]uint8", byte), "[]byte(hex 01ff len 2)", "[1,255]");
	expect(f, slice_of(f, "main.B", byte), "main.B(hex 01ff len 2)", "[1,255]");
	frame(f, WORDS(0x0201));
	expect(f, array_of(f, "[2]uint8", byte, 2), "[2]byte(hex 0102 len 2)", "[1,2]");
}

static void prints_arrays(void **state)
{
	struct fixture *f = *state;
	struct gotype *two = array_of(f, "[2]int", basic(f, GO_INT), 2);
	frame(f, WORDS(1, 2));
	expect(f, two, "[2]int{1, 2}", "[1,2]");
	expect(f, array_of(f, "[0]int", basic(f, GO_INT), 0), "[0]int{}", "[]");
	expect(f, array_of(f, "[4]int", basic(f, GO_INT), 4), "[4]int{1, 2, ...+2 ?(not captured)}",
	       "{\"len\":4,\"cut\":[1,2],\"unavailable\":\"not captured\"}");
	f->holes[0] = (struct plan_hole){0, 8, "float in XMM0", true};
	f->frame.num_holes = 1;
	expect(f, array_of(f, "[1]float64", basic(f, GO_FLOAT64), 1),
	       "[1]float64{?(float in XMM0)}", "[{\"unavailable\":\"float in XMM0\"}]");
}

static struct gotype *point(struct fixture *f)
{
	struct gotype *type = structure(f, "main.P");
	field(type, "X", basic(f, GO_INT));
	field(type, "Y", basic(f, GO_INT));
	field(type, "Name", basic(f, GO_STRING));
	return type;
}

static void prints_structs(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(1, 2, 0xc000, 1));
	block(f, 0xc000, STRING("x"));
	expect(f, point(f), "main.P{X: 1, Y: 2, Name: \"x\"}", "{\"X\":1,\"Y\":2,\"Name\":\"x\"}");
	struct gotype *anonymous = structure(f, "struct { X int; _ int8 }");
	field(anonymous, "X", basic(f, GO_INT));
	field(anonymous, "_", basic(f, GO_INT8));
	expect(f, anonymous, "struct { X int; _ int8 }{X: 1, _: 2}", "{\"X\":1}");
	struct gotype *blank_first = structure(f, "main.B");
	field(blank_first, "_", basic(f, GO_INT));
	field(blank_first, "X", basic(f, GO_INT));
	expect(f, blank_first, "main.B{_: 1, X: 2}", "{\"X\":2}");
}

static void prints_structs_in_part(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = structure(f, "main.P");
	field(type, "X", basic(f, GO_INT));
	field(type, "F", basic(f, GO_FLOAT64));
	frame(f, WORDS(1, 0));
	f->holes[0] = (struct plan_hole){8, 8, "float in XMM0", true};
	f->frame.num_holes = 1;
	expect(f, type, "main.P{X: 1, F: ?(float in XMM0)}",
	       "{\"X\":1,\"F\":{\"unavailable\":\"float in XMM0\"}}");
	f->frame.num_holes = 0;
	frame(f, WORDS(1));
	expect(f, type, "main.P{X: 1, F: ?(not captured)}",
	       "{\"X\":1,\"F\":{\"unavailable\":\"not captured\"}}");
	fixture_reset(f);
	expect(f, type, "?(not captured)", "{\"unavailable\":\"not captured\"}");
}

static void follows_pointers(void **state)
{
	struct fixture *f = *state;
	struct gotype *p = pointer_to(f, "*main.P", point(f));
	frame(f, WORDS(0xc000));
	block(f, 0xc000, WORDS(1, 2, 0xd000, 1));
	block(f, 0xd000, STRING("x"));
	expect(f, p, "&main.P{X: 1, Y: 2, Name: \"x\"}", "{\"X\":1,\"Y\":2,\"Name\":\"x\"}");
	expect(f, pointer_to(f, "*int", basic(f, GO_INT)), "&1", "1");
	frame(f, WORDS(0));
	expect(f, p, "nil", "null");
	frame(f, WORDS(0xc000012345));
	expect(f, p, "*main.P(0xc000012345)", "\"0xc000012345\"");
	frame(f, WORDS(0x10));
	expect(f, p, "?(unreadable 0x10)", "{\"unavailable\":\"unreadable 0x10\"}");
	frame(f, WORDS(0xc000));
	fault(f, 0xc000);
	expect(f, p, "?(unreadable 0xc000)", "{\"unavailable\":\"unreadable 0xc000\"}");
	frame(f, WORDS(MEMORY_FRAME));
	expect(f, p, "?(unreadable 0xfffe000000000000)",
	       "{\"unavailable\":\"unreadable 0xfffe000000000000\"}");
}

static void counts_steps(void **state)
{
	struct fixture *f = *state;
	struct gotype *node = structure(f, "main.N");
	field(node, "V", basic(f, GO_INT));
	field(node, "Next", pointer_to(f, "*main.N", node));
	struct gotype *p = node->fields[1].type;
	frame(f, WORDS(0xc000));
	block(f, 0xc000, WORDS(1, 0xc010));
	block(f, 0xc010, WORDS(2, 0xc020));
	block(f, 0xc020, WORDS(3, 0));
	expect(f, p, "&main.N{V: 1, Next: &N{V: 2, Next: *N(0xc020)}}",
	       "{\"V\":1,\"Next\":{\"V\":2,\"Next\":\"0xc020\"}}");
	f->printer.depth = 0;
	expect(f, p, "*main.N(0xc000)", "\"0xc000\"");
	f->printer.depth = 3;
	expect(f, p, "&main.N{V: 1, Next: &N{V: 2, Next: &N{V: 3, Next: nil}}}",
	       "{\"V\":1,\"Next\":{\"V\":2,\"Next\":{\"V\":3,\"Next\":null}}}");
}

static void notices_cycles(void **state)
{
	struct fixture *f = *state;
	struct gotype *node = structure(f, "main.N");
	field(node, "Next", pointer_to(f, "*main.N", node));
	f->printer.depth = 15;
	frame(f, WORDS(0xc000));
	block(f, 0xc000, WORDS(0xc010));
	block(f, 0xc010, WORDS(0xc000));
	expect(f, node->fields[0].type, "&main.N{Next: &N{Next: *N(0xc000)}}",
	       "{\"Next\":{\"Next\":\"0xc000\"}}");
	struct gotype *s = slice_of(f, "main.S", NULL);
	s->elem = s;
	frame(f, WORDS(0xc000, 1, 1));
	block(f, 0xc000, WORDS(0xc000, 1, 1));
	expect(f, s, "main.S{main.S(0xc000)}", "[\"0xc000\"]");
}

static void prints_channels_and_functions(void **state)
{
	struct fixture *f = *state;
	struct gotype *chan = leading(f, GO_CHAN, "chan int", basic(f, GO_INT));
	struct gotype *func = make(f, GO_FUNC, "func(int) string");
	frame(f, WORDS(0xc00001));
	block(f, 0xc00001, WORDS(0, 1));
	expect(f, chan, "chan int(0xc00001 len 0 cap 1)",
	       "{\"addr\":\"0xc00001\",\"len\":0,\"cap\":1}");
	frame(f, WORDS(0xc00001));
	expect(f, chan, "chan int(0xc00001)", "{\"addr\":\"0xc00001\"}");
	expect(f, func, "func(int) string(0xc00001)", "\"0xc00001\"");
	block(f, 0xc00001, WORDS(7, 1));
	expect(f, chan, "?(channel of length 7 and capacity 1)",
	       "{\"unavailable\":\"channel of length 7 and capacity 1\"}");
	expect(f, func, "?(no function at 0x7)", "{\"unavailable\":\"no function at 0x7\"}");
	frame(f, WORDS(0xc000));
	block(f, 0xc000, WORDS(0x1000 + BIAS));
	expect(f, func, "main.main.func1", "\"main.main.func1\"");
	frame(f, WORDS(0));
	expect(f, func, "nil", "null");
	expect(f, chan, "nil", "null");
	expect(f, basic(f, GO_UNSAFE_POINTER), "nil", "null");
	frame(f, WORDS(0xc000));
	expect(f, basic(f, GO_UNSAFE_POINTER), "unsafe.Pointer(0xc000)", "\"0xc000\"");
}

static struct gotype *go_time(struct fixture *f)
{
	struct gotype *type = structure(f, "time.Time");
	field(type, "wall", basic(f, GO_UINT64));
	field(type, "ext", basic(f, GO_INT64));
	field(type, "loc", basic(f, GO_UNSAFE_POINTER));
	return type;
}

static void prints_times(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = go_time(f);
	frame(f, WORDS(0, 0, 0));
	expect(f, type, "0001-01-01T00:00:00Z", "\"0001-01-01T00:00:00Z\"");
	frame(f, WORDS(123456000, 1767323045 + 62135596800, 0));
	expect(f, type, "2026-01-02T03:04:05.123456Z", "\"2026-01-02T03:04:05.123456Z\"");
	uint64_t since_1885 = 1767323045 + 2682288000;
	frame(f, WORDS(1ull << 63 | since_1885 << 30 | 5, 99, 0xc000));
	expect(f, type, "2026-01-02T03:04:05.000000005Z", "\"2026-01-02T03:04:05.000000005Z\"");
	frame(f, WORDS((1u << 30) - 1, 0, 0));
	expect(f, type, "time.Time{wall: 1073741823, ext: 0, loc: nil}",
	       "{\"wall\":1073741823,\"ext\":0,\"loc\":null}");
	frame(f, WORDS(1500000000));
	expect(f, make(f, GO_INT64, "time.Duration"), "1.5s", "\"1.5s\"");
}

static void bounds_nesting(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = structure(f, "T");
	field(type, "A", basic(f, GO_INT));
	type->fields[0].type = type; // no real type can do this
	type->fields[1] = type->fields[0];
	type->num_fields = 2;
	frame(f, WORDS(1, 2));
	size_t len = strlen(as_text(f, type));
	assert_in_range(len, VALUE_BYTES_MAX / 2, VALUE_BYTES_MAX + 8192);
	assert_non_null(strstr(text_string(&f->out), "?(nested too deep)"));
	assert_non_null(strstr(text_string(&f->out), "?(output too long)"));
	len = strlen(as_json(f, type));
	assert_in_range(len, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 8192);
}

static void says_why_types_are_broken(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = make(f, GO_INVALID, "main.X");
	gotype_break(type, "torn");
	frame(f, WORDS(0xc000, 1, 1));
	expect(f, type, "?(torn)", "{\"unavailable\":\"torn\"}");
	expect(f, pointer_to(f, "*main.X", type), "*main.X(0xc000)", "\"0xc000\"");
	expect(f, slice_of(f, "[]main.X", type), "?(torn)", "{\"unavailable\":\"torn\"}");
	expect(f, slice_of(f, "[]main.X", NULL), "?(type not known)",
	       "{\"unavailable\":\"type not known\"}");
}

static void expect_param(struct fixture *f, const struct plan_value *value, const char *text,
			 const char *json)
{
	memory_fill(f->memory, fixture_record(f), &f->frame);
	struct value_tree tree = {0};
	value_param_add(&f->printer, value, &tree);
	text_reset(&f->out);
	value_tree_fit(&tree, VALUE_WIDTH_ALL);
	assert_true(value_tree_write(&tree, 0, NULL, &f->out));
	assert_string_equal(text_string(&f->out), text);
	value_tree_deinit(&tree);
	text_reset(&f->out);
	value_param_json(&f->printer, value, &f->out);
	assert_string_equal(text_string(&f->out), json);
}

static void prints_params(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(7, 8));
	struct param a = {.name = "a", .type = basic(f, GO_INT)};
	expect_param(f, &(struct plan_value){&a, 0, 8, 8, false, false}, "8",
		     "{\"name\":\"a\",\"type\":\"int\",\"value\":8}");
	struct param result = {.name = "",
			       .type = basic(f, GO_BOOL),
			       .is_result = true,
			       .ret_slot = 1};
	expect_param(
		f, &(struct plan_value){&result, 0, 0, 8, false, false}, "?(bool 7)",
		"{\"name\":\"ret1\",\"type\":\"bool\",\"value\":{\"unavailable\":\"bool 7\"}}");
	struct param unnamed = {.name = "", .type = basic(f, GO_INT)};
	expect_param(f, &(struct plan_value){&unnamed, 0, 0, 8, false, false}, "7",
		     "{\"name\":\"_\",\"type\":\"int\",\"value\":7}");
	struct param unknown = {.name = "f", .type = basic(f, GO_INT), .unknown = "moved"};
	expect_param(f, &(struct plan_value){&unknown, 0, 0, 0, false, false}, "?(moved)",
		     "{\"name\":\"f\",\"type\":\"int\",\"value\":{\"unavailable\":\"moved\"}}");
	struct param word = {.name = "arg0"};
	expect_param(f, &(struct plan_value){&word, 0, 0, 4, false, false}, "0x7",
		     "{\"name\":\"arg0\",\"type\":\"word\",\"value\":\"0x7\"}");
	expect_param(
		f, &(struct plan_value){&word, 0, 64, 8, false, false}, "?(not captured)",
		"{\"name\":\"arg0\",\"type\":\"word\",\"value\":{\"unavailable\":\"not captured\"}}");
}

static void keeps_to_its_part_of_the_frame(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(1, 2, 3,
		       4)); // the first two words are the array's, the others the next value's
	struct param param = {.name = "a", .type = array_of(f, "[3]int", basic(f, GO_INT), 3)};
	expect_param(
		f, &(struct plan_value){&param, 0, 0, 16, false, false},
		"[3]int{1, 2, ...+1 ?(not captured)}",
		"{\"name\":\"a\",\"type\":\"[3]int\",\"value\":{\"len\":3,\"cut\":[1,2],\"unavailable\":\"not captured\"}}");
	struct gotype *three = structure(f, "main.T");
	field(three, "A", basic(f, GO_INT));
	field(three, "B", basic(f, GO_INT));
	field(three, "C", basic(f, GO_INT));
	param.type = three;
	expect_param(f, &(struct plan_value){&param, 0, 0, 16, false, false},
		     "main.T{A: 1, B: 2, C: ?(not captured)}",
		     "{\"name\":\"a\",\"type\":\"main.T\",\"value\":{\"A\":1,\"B\":2,\"C\":"
		     "{\"unavailable\":\"not captured\"}}}");
}

static void secrets_are_not_shown(void **state)
{
	struct fixture *f = *state;
	struct redact *redact;
	struct redact_options options = {.rules = {"main.Key", "/^pin/"}, .num = 2};
	assert_null(redact_create(&options, &redact));
	f->printer.redact[1] = redact;
	struct gotype *string = basic(f, GO_STRING), *key = structure(f, "main.Key");
	field(key, "A", basic(f, GO_INT));
	struct gotype *user = structure(f, "main.User");
	field(user, "Name", string);
	field(user, "Password", string);
	field(user, "PINCode", basic(f, GO_INT));
	field(user, "HasToken", basic(f, GO_BOOL));
	field(user, "Key", pointer_to(f, "*main.Key", key));
	frame(f, WORDS(0x1000, 2, 0x2000, 6, 1234, 1, 0x3000));
	block(f, 0x1000, STRING("al"));
	block(f, 0x2000, STRING("hunter"));
	block(f, 0x3000, WORDS(99));
	expect(f, user,
	       "main.User{Name: \"al\", Password: ?(redacted), PINCode: ?(redacted), "
	       "HasToken: true, Key: ?(redacted)}",
	       "{\"Name\":\"al\",\"Password\":{\"unavailable\":\"redacted\"},"
	       "\"PINCode\":{\"unavailable\":\"redacted\"},\"HasToken\":true,"
	       "\"Key\":{\"unavailable\":\"redacted\"}}");
	struct param param = {.name = "authToken", .type = string};
	expect_param(f, &(struct plan_value){&param, 0, 0, 16, false, false}, "?(redacted)",
		     "{\"name\":\"authToken\",\"type\":\"string\","
		     "\"value\":{\"unavailable\":\"redacted\"}}");
	struct gotype *any = interface(f, "interface {}", true);
	f->index.rtypes[0] = pointer_to(f, "*main.Key", key);
	frame(f, WORDS(RTYPE_ADDR(0), 0x3000));
	block(f, 0x3000, WORDS(99));
	assert_null(strstr(as_text(f, any), "99"));
	assert_null(strstr(as_json(f, any), "99"));
	redact_destroy(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VALUE_TEST(secrets_are_not_shown),
		VALUE_TEST(prints_integers),
		VALUE_TEST(prints_bools),
		VALUE_TEST(prints_floats),
		VALUE_TEST(prints_strings),
		VALUE_TEST(cuts_strings),
		VALUE_TEST(refuses_strings),
		VALUE_TEST(prints_slices),
		VALUE_TEST(cuts_slices),
		VALUE_TEST(refuses_slices),
		VALUE_TEST(prints_bytes),
		VALUE_TEST(prints_arrays),
		VALUE_TEST(prints_structs),
		VALUE_TEST(prints_structs_in_part),
		VALUE_TEST(follows_pointers),
		VALUE_TEST(counts_steps),
		VALUE_TEST(notices_cycles),
		VALUE_TEST(prints_channels_and_functions),
		VALUE_TEST(prints_times),
		VALUE_TEST(bounds_nesting),
		VALUE_TEST(says_why_types_are_broken),
		VALUE_TEST(prints_params),
		VALUE_TEST(keeps_to_its_part_of_the_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
