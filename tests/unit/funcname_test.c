// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dwarf/go/funcname.h"

static void test_methods(void **state)
{
	(void)state;
	static const struct {
		const char *name, *parts; // package, receiver, method; "" for no method
	} rows[] = {
		{"main.T.M", "main. T M"},
		{"main.(*T).M", "main. *T M"},
		{"net/http.(*conn).serve", "net/http. *conn serve"},
		{"ex.am/lib%2ev3.T.M", "ex.am/lib%2ev3. T M"},
		{"main.G[int].M", "main. G[int] M"},
		{"main.(*G[ex.am/lib.T,func(int) a.B]).M", "main. *G[ex.am/lib.T,func(int) a.B] M"},
		{"main.G[go.shape.struct { A int \"x:\\\"[\\\"\" }].M",
		 "main. G[go.shape.struct { A int \"x:\\\"[\\\"\" }] M"},
		{"go.(*struct { main.T; N int }).M", "go. *struct { main.T; N int } M"},
		{"main.(*T).func1", "main. *T func1"},
		{"main.T.func1", ""},
		{"main.(*T).M.func1", ""},
		{"main.(*T).M.func1.2", ""},
		{"main.main.gowrap1", ""},
		{"main.main.deferwrap2", ""},
		{"main.T.M-fm", ""},
		{"main.T.M·dwrap·1", ""},
		{"main.(*T).M-range1", ""},
		{"main.f", ""},
		{"ex.am/lib.f", ""},
		{"main.Map[ex.am/lib.T]", ""},
		{"main.glob..func1", ""},
		{"main.T.", ""},
		{"main.G[\"", ""},
		{"main.G[\"\\", ""},
		{"memeqbody", ""},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct method_name parts;
		char text[200] = "";
		if (funcname_method(rows[i].name, &parts))
			snprintf(text, sizeof(text), "%.*s %s%.*s %s", (int)parts.package_len,
				 rows[i].name, parts.is_pointer ? "*" : "", (int)parts.receiver_len,
				 parts.receiver, parts.method);
		assert_string_equal(text, rows[i].parts);
	}
}

static void test_same(void **state)
{
	(void)state;
	assert_true(funcname_is_same("main.G[int].M", "main.G[go.shape.int].M"));
	assert_true(funcname_is_same("main.T.M", "main.T.M"));
	assert_true(funcname_is_same("", ""));
	assert_false(funcname_is_same("main.G[int].M", "main.G[int].N"));
	assert_false(funcname_is_same("main.G[int].M", "main.(*G[int]).M"));
	assert_false(funcname_is_same("main.G[int].M", "main.G"));
	assert_false(funcname_is_same("main.G[int]", "main.G[int].M"));
	assert_false(funcname_is_same("main.T.M", "main.T.MM"));
}

static void test_kinds(void **state)
{
	(void)state;
	assert_true(funcname_takes_dict("main.Map[go.shape.int]"));
	assert_true(funcname_takes_dict("main.G[go.shape.int].M"));
	assert_true(funcname_takes_dict("main.(*G[go.shape.int]).func1"));
	assert_false(funcname_takes_dict("main.Map[go.shape.int].func1"));
	assert_false(funcname_takes_dict("main.(*G[go.shape.int]).M.func1"));
	assert_false(funcname_takes_dict("main.G[int].M"));
	assert_true(funcname_is_method_value("main.T.M-fm"));
	assert_false(funcname_is_method_value("-fm"));
	assert_true(funcname_is_range_body("main.use-range12"));
	assert_false(funcname_is_range_body("main.use-range"));
	assert_false(funcname_is_range_body("range1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
