// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "dwarf/go/gotype.h"

static void shortens_names(void **state)
{
	(void)state;
	static const char *const names[][2] = {
		{"int", "int"},
		{"net/http.Header", "http.Header"},
		{"map[string]*net/http.Request", "map[string]*http.Request"},
		{"map[a/b.K[x/y.Z]]c/d.V", "map[b.K[x/y.Z]]d.V"},
		{"[]*ex.am/lib%2ev3.T", "[]*lib.v3.T"},
		{"main.Pair[string,net/http.Header]", "main.Pair[string,net/http.Header]"},
		{"main.P[struct { X \"a]\" }].Q", "main.P[struct { X \"a]\" }].Q"},
		{"struct { main.x int; Y net/url.URL \"json:\\\"a/b\\\"\"; sync.Mutex; a/b.T }",
		 "struct { x int; Y url.URL \"json:\\\"a/b\\\"\"; sync.Mutex; b.T }"},
		{"func(a/b.C, ...d/e.F) (error, <-chan x/y.Z)",
		 "func(b.C, ...e.F) (error, <-chan y.Z)"},
		{"main.T\xc2\xb7"
		 "12",
		 "main.T"},
		{"x%2", "x%2"},
		{"x%00", "x%00"},
		{"main.T[", "main.T["},
		{"\"", "\""},
		{"", ""},
	};
	struct text text;
	text_init(&text);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		text_reset(&text);
		text_putc(&text, '|');
		gotype_short_name(names[i][0], &text);
		assert_string_equal(text_string(&text) + 1, names[i][1]);
	}
	text_deinit(&text);
}

static void knows_kinds(void **state)
{
	(void)state;
	assert_string_equal(gokind_name(GO_UNSAFE_POINTER), "unsafe.Pointer");
	assert_string_equal(gokind_name(GO_INVALID), "invalid");
	assert_string_equal(gokind_name((enum gokind)99), "invalid");
	assert_int_equal(gokind_size(GO_SLICE), 24);
	assert_int_equal(gokind_size(GO_STRUCT), 0);
	assert_int_equal(gokind_size((enum gokind)99), 0);
}

static int completions;

static void complete(struct gotypes *store, struct gotype *type)
{
	completions++;
	struct gofield *fields = gotypes_alloc(store, 2 * sizeof(*fields));
	fields[0] = (struct gofield){.name = "Next", .type = type};
	fields[1] = (struct gofield){.name = gotypes_string(store, "Name", 4), .offset = 8};
	type->fields = fields;
	type->num_fields = 2;
	gotype_complete(type); // a type that leads to itself
}

static void completes_once(void **state)
{
	(void)state;
	static const struct gotypes_ops ops = {.complete = complete};
	struct gotypes store;
	gotypes_init(&store, &ops);
	struct gotype *type = gotypes_new(&store);
	assert_string_equal(type->name, "");
	assert_int_equal(type->kind, GO_INVALID);
	type->kind = GO_STRUCT;
	type->size = 24;
	const struct gofield *field = gotype_field(type, "Name");
	assert_int_equal(field->offset, 8);
	assert_null(gotype_field(type, "None"));
	assert_int_equal(completions, 1);
	gotype_break(type, "gone");
	assert_int_equal(type->kind, GO_INVALID);
	assert_string_equal(type->broken, "gone");
	assert_int_equal(type->size, 24);
	assert_null(gotype_field(type, "Name"));
	for (int i = 1; i < 2000; i++) {
		char *bytes = gotypes_alloc(&store, (size_t)i * 13);
		assert_int_equal((uintptr_t)bytes % 8, 0);
		assert_int_equal(bytes[i * 13 - 1], 0);
		memset(bytes, 0xff, (size_t)i * 13);
	}
	assert_null(gotypes_alloc(&store, SIZE_MAX));
	gotypes_deinit(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shortens_names),
		cmocka_unit_test(knows_kinds),
		cmocka_unit_test(completes_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
