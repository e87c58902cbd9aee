// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces, what they hold, and the messages of errors.
#include "tests/unit/value_fixture.h"

enum { ITAB = 0xb000 }; // itab of type i: ITAB + 64 * i

static struct gotype *learn(struct fixture *f, unsigned i, struct gotype *type)
{
	f->index.rtypes[i] = type;
	return type;
}

// What the capture engine copies of an itab.
static void itab(struct fixture *f, unsigned i)
{
	block(f, ITAB + 64 * i + 8, WORDS(RTYPE_ADDR(i)));
}

static struct gotype *any(struct fixture *f)
{
	return interface(f, "interface {}", true);
}

static struct gotype *go_error(struct fixture *f)
{
	return interface(f, "error", false);
}

static void expect_in_any(struct fixture *f, struct gotype *type, const char *text,
			  const char *json)
{
	learn(f, 0, type);
	frame(f, WORDS(RTYPE_ADDR(0), 0xc000));
	block(f, 0xc000, WORDS(5, 0, 0));
	expect(f, any(f), text, json);
}

static void prints_what_shows_its_type_alone(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(0, 0));
	expect(f, any(f), "nil", "null");
	expect_in_any(f, basic(f, GO_INT), "5", "{\"type\":\"int\",\"value\":5}");
	expect_in_any(f, basic(f, GO_INT8), "int8(5)", "{\"type\":\"int8\",\"value\":5}");
	expect_in_any(f, make(f, GO_INT, "main.Color"), "main.Color(5)",
		      "{\"type\":\"main.Color\",\"value\":5}");
	expect_in_any(f, basic(f, GO_UINTPTR), "uintptr(0x5)",
		      "{\"type\":\"uintptr\",\"value\":5}");
	expect_in_any(f, make(f, GO_INT64, "time.Duration"), "5ns",
		      "{\"type\":\"time.Duration\",\"value\":\"5ns\"}");
	expect_in_any(f, make(f, GO_BOOL, "main.Bad"), "main.Bad(?(bool 5))",
		      "{\"type\":\"main.Bad\",\"value\":{\"unavailable\":\"bool 5\"}}");
	struct gotype *type = structure(f, "main.P");
	expect_in_any(f, type, "main.P{}", "{\"type\":\"main.P\",\"value\":{}}");
	field(type, "X", basic(f, GO_INT));
	expect_in_any(f, type, "main.P{X: 5}", "{\"type\":\"main.P\",\"value\":{\"X\":5}}");
	expect_in_any(f, pointer_to(f, "*main.P", type), "&main.P{X: 5}",
		      "{\"type\":\"*main.P\",\"value\":{\"X\":5}}");
	expect_in_any(f, pointer_to(f, "*int", basic(f, GO_INT)), "*int(&5)",
		      "{\"type\":\"*int\",\"value\":5}");
	expect_in_any(f, basic(f, GO_UNSAFE_POINTER), "unsafe.Pointer(0xc000)",
		      "{\"type\":\"unsafe.Pointer\",\"value\":\"0xc000\"}");
}

static void prints_nil_with_its_type(void **state)
{
	struct fixture *f = *state;
	learn(f, 0, pointer_to(f, "*main.P", structure(f, "main.P")));
	frame(f, WORDS(RTYPE_ADDR(0), 0));
	expect(f, any(f), "*main.P(nil)", "{\"type\":\"*main.P\",\"value\":null}");
	learn(f, 0, slice_of(f, "[]int", basic(f, GO_INT)));
	frame(f, WORDS(RTYPE_ADDR(0), 0xc000));
	block(f, 0xc000, WORDS(0, 0, 0));
	expect(f, any(f), "[]int(nil)", "{\"type\":\"[]int\",\"value\":null}");
}

static void prints_direct_structs(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = structure(f, "main.W");
	field(type, "P", pointer_to(f, "*int", basic(f, GO_INT)));
	type->is_direct = true;
	expect_in_any(f, type, "main.W{P: &5}", "{\"type\":\"main.W\",\"value\":{\"P\":5}}");
}

static void counts_steps(void **state)
{
	struct fixture *f = *state;
	struct gotype *boxed = structure(f, "main.Box");
	field(boxed, "V", any(f));
	learn(f, 0, boxed);
	learn(f, 1, basic(f, GO_INT));
	learn(f, 2, make(f, GO_FUNC, "func()"));
	frame(f, WORDS(RTYPE_ADDR(0), 0xc000));
	block(f, 0xc000, WORDS(RTYPE_ADDR(1), 0xc010));
	block(f, 0xc010, WORDS(7));
	expect(f, any(f), "main.Box{V: 7}",
	       "{\"type\":\"main.Box\",\"value\":{\"V\":{\"type\":\"int\",\"value\":7}}}");
	f->printer.depth = 1;
	expect(f, any(f), "main.Box{V: int(?(not followed))}",
	       "{\"type\":\"main.Box\",\"value\":{\"V\":{\"type\":\"int\",\"value\":"
	       "{\"unavailable\":\"not followed\"}}}}");
	f->printer.depth = 0;
	frame(f, WORDS(RTYPE_ADDR(2), 0xc000));
	block(f, 0xc000, WORDS(0x1000 + BIAS));
	expect(f, any(f), "func()(0xc000)", "{\"type\":\"func()\",\"value\":\"0xc000\"}");
	f->printer.depth = 1;
	expect(f, any(f), "main.main.func1", "{\"type\":\"func()\",\"value\":\"main.main.func1\"}");
	assert_int_equal(f->num_unseen, 0);
}

static void asks_for_types_first_seen(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = structure(f, "main.P");
	field(type, "X", basic(f, GO_INT));
	learn(f, 3, type);
	frame(f, WORDS(RTYPE_ADDR(3), 0xc000));
	expect(f, any(f), "main.P(?(type first seen here))",
	       "{\"type\":\"main.P\",\"value\":{\"unavailable\":\"type first seen here\"}}");
	assert_int_equal(f->unseen, RTYPE_ADDR(3) - BIAS);
	bool is_full = true;
	f->printer.is_full = &is_full;
	assert_string_equal(as_text(f, any(f)),
			    "main.P(?(type not known: the table of types is full))");
	f->printer.is_full = NULL;
	fixture_record(f)->flags = WIRE_CUT_STEPS;
	assert_string_equal(as_text(f, any(f)),
			    "main.P(?(not captured: over 2048 steps, 1024 in maps))");

	learn(f, 4, pointer_to(f, "*main.P", type));
	frame(f, WORDS(RTYPE_ADDR(4), 0xc000));
	assert_string_equal(as_text(f, any(f)), "*main.P(?(type first seen here))");
	assert_int_equal(f->unseen, RTYPE_ADDR(4) - BIAS);

	f->num_unseen = 0;
	frame(f, WORDS(RTYPE_ADDR(3), FILE_ADDR)); // the file answers
	assert_string_equal(as_text(f, any(f)), "main.P{X: 0}");
	frame(f, WORDS(RTYPE_ADDR(3), 0xc000));
	fault(f, 0xc000);
	assert_string_equal(as_text(f, any(f)), "main.P(?(unreadable 0xc000))");
	assert_int_equal(f->num_unseen, 0);
}

static void says_when_the_type_is_not_known(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(0xc000, 0xc000));
	expect(f, any(f), "?(type is not of the executable)",
	       "{\"unavailable\":\"type is not of the executable\"}");
	expect(f, go_error(f), "?(not captured)", "{\"unavailable\":\"not captured\"}");
	fault(f, 0xc008);
	expect(f, go_error(f), "?(unreadable 0xc008)", "{\"unavailable\":\"unreadable 0xc008\"}");
	frame(f, WORDS(MEMORY_FRAME - 8, RTYPE_ADDR(0)));
	learn(f, 0, basic(f, GO_INT));
	expect(f, go_error(f), "?(unreadable 0xfffe000000000000)",
	       "{\"unavailable\":\"unreadable 0xfffe000000000000\"}");
}

// --- Errors ------------------------------------------------------------------------------------

static struct gotype *error_string(struct fixture *f)
{
	struct gotype *type = structure(f, "errors.errorString");
	field(type, "s", basic(f, GO_STRING));
	return pointer_to(f, "*errors.errorString", type);
}

// Interface 0 holds an errors.errorString at 0xc000 with a string at 0xd000; 2 a syscall.Errno.
static void know_errors(struct fixture *f)
{
	learn(f, 0, error_string(f));
	learn(f, 2, make(f, GO_UINTPTR, "syscall.Errno"));
}

static void prints_error_strings(void **state)
{
	struct fixture *f = *state;
	know_errors(f);
	frame(f, WORDS(0, 0));
	expect(f, go_error(f), "nil", "null");
	frame(f, WORDS(ITAB, 0xc000));
	itab(f, 0);
	block(f, 0xc000, WORDS(0xd000, 12));
	block(f, 0xd000, STRING("no such user"));
	expect(f, go_error(f), "error(*errors.errorString: \"no such user\")",
	       "{\"type\":\"*errors.errorString\",\"value\":{\"s\":\"no such user\"},"
	       "\"error\":\"no such user\"}");
	f->printer.strlen = 2;
	expect(f, go_error(f), "error(*errors.errorString: \"no\"...+10 bytes)",
	       "{\"type\":\"*errors.errorString\",\"value\":{\"s\":{\"len\":12,\"cut\":\"no\"}},"
	       "\"error\":{\"len\":12,\"cut\":\"no\"}}");
	frame(f, WORDS(ITAB, 0));
	itab(f, 0);
	expect(f, go_error(f), "error(*errors.errorString: nil)",
	       "{\"type\":\"*errors.errorString\",\"value\":null}");
}

static void prints_messages_at_depth_0(void **state)
{
	struct fixture *f = *state;
	know_errors(f);
	f->printer.depth = 0;
	frame(f, WORDS(ITAB, 0xc000));
	itab(f, 0);
	block(f, 0xc000, WORDS(0xd000, 12));
	block(f, 0xd000, STRING("no such user"));
	expect(f, go_error(f), "error(*errors.errorString: \"no such user\")",
	       "{\"type\":\"*errors.errorString\",\"value\":\"0xc000\","
	       "\"error\":\"no such user\"}");
	frame(f, WORDS(ITAB + 128, 0xc000));
	itab(f, 2);
	expect(f, go_error(f), "error(syscall.Errno: ?(not followed))",
	       "{\"type\":\"syscall.Errno\",\"value\":{\"unavailable\":\"not followed\"}}");
	block(f, 0xc000, WORDS(2));
	assert_string_equal(as_text(f, go_error(f)),
			    "error(syscall.Errno: \"no such file or directory\")");
}

static void tells_values_from_messages(void **state)
{
	struct fixture *f = *state;
	learn(f, 0, make(f, GO_STRING, "main.Code"));
	frame(f, WORDS(ITAB, 0xc000));
	itab(f, 0);
	block(f, 0xc000, WORDS(0xd000, 3));
	block(f, 0xd000, STRING("E12"));
	expect(f, go_error(f), "error(main.Code: main.Code(\"E12\"))",
	       "{\"type\":\"main.Code\",\"value\":\"E12\"}");
}

static void prints_errno(void **state)
{
	struct fixture *f = *state;
	know_errors(f);
	frame(f, WORDS(ITAB + 128, 0xc000));
	itab(f, 2);
	block(f, 0xc000, WORDS(2));
	expect(f, go_error(f), "error(syscall.Errno: \"no such file or directory\")",
	       "{\"type\":\"syscall.Errno\",\"value\":2,\"error\":\"no such file or directory\"}");
	frame(f, WORDS(ITAB + 128, 0xc000));
	itab(f, 2);
	block(f, 0xc000, WORDS(1000));
	assert_string_equal(as_text(f, go_error(f)), "error(syscall.Errno: \"errno 1000\")");
	frame(f, WORDS(ITAB + 128, 0xc000));
	itab(f, 2);
	block(f, 0xc000, WORDS(116)); // its text is not the same in all releases
	assert_string_equal(as_text(f, go_error(f)), "error(syscall.Errno: 0x74)");
}

static void composes_messages(void **state)
{
	struct fixture *f = *state;
	know_errors(f);
	struct gotype *path = structure(f, "fs.PathError");
	field(path, "Op", basic(f, GO_STRING));
	field(path, "Path", basic(f, GO_STRING));
	field(path, "Err", go_error(f));
	learn(f, 1, pointer_to(f, "*fs.PathError", path))->full_name = "*io/fs.PathError";
	frame(f, WORDS(ITAB + 64, 0xc000));
	itab(f, 1);
	block(f, 0xc000, WORDS(0xd000, 4, 0xd004, 5, ITAB + 128, 0xe000));
	block(f, 0xd000, STRING("open/a\"bc"));
	itab(f, 2);
	block(f, 0xe000, WORDS(13));
	expect(f, go_error(f), "error(*fs.PathError: \"open /a\\\"bc: permission denied\")",
	       "{\"type\":\"*fs.PathError\",\"value\":{\"Op\":\"open\",\"Path\":\"/a\\\"bc\","
	       "\"Err\":{\"type\":\"syscall.Errno\",\"value\":13,\"error\":\"permission denied\"}},"
	       "\"error\":\"open /a\\\"bc: permission denied\"}");
	f->printer.strlen = 4;
	assert_string_equal(as_text(f, go_error(f)),
			    "error(*fs.PathError: \"open /a\\\"b\"...+20 bytes)");
	frame(f, WORDS(ITAB + 64, 0xc000));
	itab(f, 1);
	block(f, 0xc000, WORDS(0, 0, 0, 0, ITAB + 128, 0xe000));
	itab(f, 2);
	block(f, 0xe000, WORDS(13));
	assert_string_equal(as_text(f, go_error(f)),
			    "error(*fs.PathError: \" : permission denied\")");
}

static void quotes_in_messages(void **state)
{
	struct fixture *f = *state;
	know_errors(f);
	struct gotype *number = structure(f, "strconv.NumError");
	field(number, "Func", basic(f, GO_STRING));
	field(number, "Num", basic(f, GO_STRING));
	field(number, "Err", go_error(f));
	learn(f, 1, pointer_to(f, "*strconv.NumError", number));
	frame(f, WORDS(ITAB + 64, 0xc000));
	itab(f, 1);
	block(f, 0xc000, WORDS(0xd000, 4, 0xd004, 2, ITAB, 0xe000));
	block(f, 0xd000, STRING("Atoix\"invalid syntax"));
	itab(f, 0);
	block(f, 0xe000, WORDS(0xd006, 14));
	assert_string_equal(as_text(f, go_error(f)),
			    "error(*strconv.NumError: "
			    "\"strconv.Atoi: parsing \\\"x\\\\\\\"\\\": invalid syntax\")");
}

static void joins_messages(void **state)
{
	struct fixture *f = *state;
	know_errors(f);
	struct gotype *joined = structure(f, "errors.joinError");
	field(joined, "errs", slice_of(f, "[]error", go_error(f)));
	learn(f, 1, pointer_to(f, "*errors.joinError", joined));
	frame(f, WORDS(ITAB + 64, 0xc000));
	itab(f, 1);
	block(f, 0xc000, WORDS(0xd000, 2, 2));
	block(f, 0xd000, WORDS(ITAB + 128, 0xe000, ITAB + 128, 0xe008));
	itab(f, 2);
	block(f, 0xe000, WORDS(1, 2));
	assert_string_equal(as_text(f, go_error(f)),
			    "error(*errors.joinError: "
			    "\"operation not permitted\\nno such file or directory\")");
}

static void prints_errors_of_the_program(void **state)
{
	struct fixture *f = *state;
	struct gotype *mine = structure(f, "main.MyErr");
	field(mine, "Code", basic(f, GO_INT));
	learn(f, 0, pointer_to(f, "*main.MyErr", mine));
	frame(f, WORDS(ITAB, 0xc000));
	itab(f, 0);
	block(f, 0xc000, WORDS(5));
	expect(f, go_error(f), "error(*main.MyErr: &main.MyErr{Code: 5})",
	       "{\"type\":\"*main.MyErr\",\"value\":{\"Code\":5}}");
	struct gotype *deadline = structure(f, "context.deadlineExceededError");
	learn(f, 0, deadline);
	assert_string_equal(as_text(f, go_error(f)),
			    "error(context.deadlineExceededError: \"context deadline exceeded\")");
}

static void asks_what_error_methods_return(void **state)
{
	struct fixture *f = *state;
	struct gotype *mine = structure(f, "main.MyErr");
	field(mine, "Text", basic(f, GO_STRING));
	learn(f, 0, mine);
	f->index.error_type = "main.MyErr";
	frame(f, WORDS(ITAB, 0xc000));
	itab(f, 0);
	block(f, 0xc000, WORDS(0xd000, 3));
	block(f, 0xd000, STRING("bad"));
	assert_string_equal(as_text(f, go_error(f)), "error(main.MyErr: \"bad\")");
	assert_string_equal(as_text(f, go_error(f)), "error(main.MyErr: \"bad\")");
	assert_int_equal(f->index.num_asked, 1);
	learn(f, 0, pointer_to(f, "*main.MyErr", mine));
	assert_string_equal(as_text(f, go_error(f)),
			    "error(*main.MyErr: &main.MyErr{Text: \"bad\"})");
	f->index.error_type = "*main.MyErr";
	learn(f, 0, pointer_to(f, "*main.MyErr", mine));
	assert_string_equal(as_text(f, go_error(f)), "error(*main.MyErr: \"bad\")");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VALUE_TEST(prints_what_shows_its_type_alone),
		VALUE_TEST(prints_nil_with_its_type),
		VALUE_TEST(prints_direct_structs),
		VALUE_TEST(counts_steps),
		VALUE_TEST(asks_for_types_first_seen),
		VALUE_TEST(says_when_the_type_is_not_known),
		VALUE_TEST(prints_error_strings),
		VALUE_TEST(prints_messages_at_depth_0),
		VALUE_TEST(tells_values_from_messages),
		VALUE_TEST(prints_errno),
		VALUE_TEST(composes_messages),
		VALUE_TEST(quotes_in_messages),
		VALUE_TEST(joins_messages),
		VALUE_TEST(prints_errors_of_the_program),
		VALUE_TEST(asks_what_error_methods_return),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
