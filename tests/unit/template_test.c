// SPDX-License-Identifier: GPL-2.0-or-later
// Templates of --print: their parts, and the column of a mistake.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/output/template.h"

static void parts(void **state)
{
	(void)state;
	struct template *template = NULL;
	assert_null(template_create(
		"{{{goid}}}\\t{func:>30.40}|{ m[\"a:}\"][1] :^5}{x:<7}{y:.3}{duration}",
		&template));
	static const struct template_part wanted[] = {
		{FIELD_TEXT, (char *)"{", '\0', 0, 0},
		{FIELD_GOID, NULL, '<', 0, 0},
		{FIELD_TEXT, (char *)"}\t", '\0', 0, 0},
		{FIELD_FUNC, NULL, '>', 30, 40},
		{FIELD_TEXT, (char *)"|", '\0', 0, 0},
		{FIELD_EXPR, (char *)"m[\"a:}\"][1]", '^', 5, 0},
		{FIELD_EXPR, (char *)"x", '<', 7, 0},
		{FIELD_EXPR, (char *)"y", '<', 0, 3},
		{FIELD_DURATION, NULL, '<', 0, 0},
	};
	assert_int_equal(template->num, sizeof(wanted) / sizeof(*wanted));
	for (size_t i = 0; i < template->num; i++) {
		const struct template_part *part = &template->parts[i];
		assert_int_equal(part->field, wanted[i].field);
		assert_int_equal(part->align, wanted[i].align);
		assert_int_equal(part->least, wanted[i].least);
		assert_int_equal(part->most, wanted[i].most);
		if (wanted[i].text)
			assert_string_equal(part->text, wanted[i].text);
		else
			assert_null(part->text);
	}
	assert_string_equal(template->show, "m[\"a:}\"][1], x, y");
	template_destroy(template);
	assert_null(template_create("only text", &template));
	assert_null(template->show);
	template_destroy(template);
}

static void mistakes(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", "it is empty"},
		{"a {b", "column 3: { is not closed"},
		{"é} b", "column 2: } without a {"},
		{"{a}}", "column 4: } without a {"},
		{"{}", "column 1: nothing is in the braces"},
		{"{ :5}", "column 1: nothing is in the braces"},
		{"{a:}", "column 4: after a colon"},
		{"{a:<}", "column 5: after a colon"},
		{"{a:5x}", "column 5: after a colon"},
		{"{a:0}", "column 5: after a colon"},
		{"{a:5.}", "column 6: after a colon"},
		{"{a:1001}", "column 8: after a colon"},
		{"{a:99999999999999999999}", "column 8: after a colon"},
		{"{a, b}", "column 3: a field has one expression"},
		{"{m[\"a}", "column 1: { is not closed"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct template *template = NULL;
		struct error *err = template_create(cases[i][0], &template);
		assert_non_null(err);
		assert_null(template);
		if (strncmp(error_message(err), cases[i][1], strlen(cases[i][1])) != 0)
			fail_msg("%s: %s", cases[i][0], error_message(err));
		error_free(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(parts), cmocka_unit_test(mistakes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
