// SPDX-License-Identifier: GPL-2.0-or-later
// Conditions: what is no expression, and what the operations do, held to what C says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tracer/backend/hit.h"
#include "tracer/plan/expr/expr.h"

// --- Compiling -----------------------------------------------------------------------------------

static struct gotype type_int = {
	.kind = GO_INT, .size = 8, .name = "int", .full_name = "int", .is_complete = true};
static struct gotype type_u8 = {
	.kind = GO_UINT8, .size = 1, .name = "uint8", .full_name = "uint8", .is_complete = true};
static struct gotype type_i8 = {
	.kind = GO_INT8, .size = 1, .name = "int8", .full_name = "int8", .is_complete = true};
static struct gotype type_string = {.kind = GO_STRING,
				    .size = 16,
				    .name = "string",
				    .full_name = "string",
				    .is_complete = true};
static struct abi_piece pieces[] = {{ABI_INT_REG, 0, 0, 8, 0},
				    {ABI_INT_REG, 1, 0, 1, 0},
				    {ABI_INT_REG, 2, 0, 8, 0},
				    {ABI_INT_REG, 3, 8, 8, 0},
				    {ABI_INT_REG, 4, 0, 1, 0}};
static struct param params[] = {
	{.name = "n", .type = &type_int, .pieces = &pieces[0], .num_pieces = 1},
	{.name = "u", .type = &type_u8, .pieces = &pieces[1], .num_pieces = 1},
	{.name = "s", .type = &type_string, .pieces = &pieces[2], .num_pieces = 2},
	{.name = "i", .type = &type_i8, .pieces = &pieces[4], .num_pieces = 1},
	{.name = "", .type = &type_int, .pieces = &pieces[0], .num_pieces = 1, .is_result = true},
	{.name = "tid",
	 .type = &type_int,
	 .pieces = &pieces[0],
	 .num_pieces = 1,
	 .is_result = true},
};
static struct signature signature = {.is_known = true,
				     .params = params,
				     .num_params = 6,
				     .num_args = 4};
static const struct expr_scope scope = {.signature = &signature};

static char *wrong(const char *text)
{
	struct expr_code code;
	char *reason;
	assert_null(expr_compile(&scope, &text, 1, NULL, 0, &code, &reason));
	if (!reason)
		expr_code_deinit(&code);
	return reason;
}

static void test_what_is_wrong(void **state)
{
	(void)state;
	static const char *const table[][2] = {
		{"", "'': column 1: a value is missing"},
		{"n >", "'n >': column 4: a value is missing"},
		{"x",
		 "'x': column 1: there is no 'x'; there are n, u, s, i, ret0, tid, goid, pid, tid, duration, caller, failed"},
		{"n", "'n': column 1: this is int, not a condition"},
		{"n == s", "'n == s': column 3: mismatched types: int and string"},
		{"n == u", "'n == u': column 3: mismatched types: int and uint8"},
		{"u > 255 - -1", "'u > 255 - -1': column 5: this does not fit uint8"},
		{"(n > 1", "'(n > 1': column 7: ')' is missing"},
		{"n > 1)", "'n > 1)': column 6: an operator is missing before this"},
		{"n = 1", "'n = 1': column 3: equality is =="},
		{"n >\n\tx",
		 "'n >  x': column 6: there is no 'x'; there are n, u, s, i, ret0, tid, goid, pid, tid, duration, caller, failed"},
		{"s == \"a", "'s == \"a': column 6: this quotation does not end"},
		{"n.x == 1", "'n.x == 1': column 3: int has no fields"},
		{"!n", "'!n': column 1: ! is for bools, not for int"},
		{"f(n)",
		 "'f(n)': column 1: there is no function 'f'; there are len, hasPrefix and contains"},
		{"n > 1 && s", "'n > 1 && s': column 10: this is string, not a condition"},
		{"s[18446744073709551616] == 'a'",
		 "'s[18446744073709551616] == 'a'': column 3: this is no index of string"},
		{"n > 1e999", "'n > 1e999': column 5: this number is too large"},
		{"s[ret0] == 'a'",
		 "'s[ret0] == 'a'': column 3: at the return it is too late to select an element of the entry's"},
		{"s[0] == n && s[0] == i",
		 "'s[0] == n && s[0] == i': column 19: mismatched types: an integer and int8"},
		{"failed", "'failed': column 1: the function has no result of type error"},
		{"s == \"\" || ret0 > 0 && s < s",
		 "'s == \"\" || ret0 > 0 && s < s': column 24: a string of the entry cannot be compared with what is known at the return"},
	};
	// The last compiles: both strings are compared at the entry, and what came of it is kept.
	size_t num = sizeof(table) / sizeof(*table) - 1;
	for (size_t i = 0; i < num; i++) {
		CLEANUP_FREE char *reason = wrong(table[i][0]);
		assert_non_null(reason);
		assert_string_equal(reason, table[i][1]);
	}
	assert_null(wrong(table[num][0]));
}

// "err" is the only result of type error without a name, unless something has that name.
static void test_an_error_without_a_name(void **state)
{
	(void)state;
	static struct gotype error = {.kind = GO_INTERFACE,
				      .size = 16,
				      .name = "error",
				      .full_name = "error",
				      .is_complete = true};
	struct param results[] = {
		{.name = "n", .type = &type_int, .pieces = &pieces[0], .num_pieces = 1},
		{.name = "~r0", .type = &error, .pieces = &pieces[2], .num_pieces = 2},
		{.name = "_", .type = &type_int, .pieces = &pieces[0], .num_pieces = 1},
	};
	results[1].is_result = results[2].is_result = true;
	struct signature returns = {.is_known = true, .params = results, .num_params = 3};
	const struct expr_scope its = {.signature = &returns};
	static const char *const texts[] = {"err != nil", "err == nil && n > 3", "er != nil",
					    "$err != nil"};
	for (int two = 0; two < 3; two++) {
		if (two == 1) // a parameter is called so
			results[0].name = "err";
		if (two == 2) // two such results
			results[2] = results[1], results[0].name = "n";
		char *reasons[4] = {0};
		for (size_t i = 0; i < 4; i++) {
			struct expr_code code;
			assert_null(expr_compile(&its, &texts[i], 1, NULL, 0, &code, &reasons[i]));
			if (!reasons[i])
				expr_code_deinit(&code);
		}
		assert_int_equal(reasons[0] != NULL, two > 0);
		assert_int_equal(reasons[1] != NULL, two > 0);
		assert_int_equal(strstr(reasons[2], ", err, ") != NULL, two < 2);
		assert_non_null(reasons[3]);
		for (size_t i = 0; i < 4; i++)
			free(reasons[i]);
	}
}

static void test_nesting_is_bounded(void **state)
{
	(void)state;
	char text[4000];
	memset(text, '(', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CLEANUP_FREE char *reason = wrong(text);
	assert_non_null(strstr(reason, "column 65: this is nested too deep"));
}

// Values that wait for others: as many as the machine's stack has room for.
static void test_stack_is_bounded(void **state)
{
	(void)state;
	struct text text;
	for (size_t num = 12; num < 20; num++) {
		text_init(&text);
		for (size_t i = 0; i < num; i++)
			text_puts(&text, "n+(");
		text_puts(&text, "n");
		for (size_t i = 0; i < num; i++)
			text_putc(&text, ')');
		text_puts(&text, " > 0");
		CLEANUP_FREE char *reason = wrong(text_string(&text));
		if (num < WIRE_EXPR_STACK)
			assert_null(reason);
		else
			assert_non_null(strstr(reason, "this is nested too deep"));
		text_deinit(&text);
	}
}

// --- Running -------------------------------------------------------------------------------------

struct world {
	struct wire_probe probes[2];
	struct wire_condition condition;
	struct tables tables;
	struct wire_state state;
	struct wire_settings settings;
	struct wire_budget budget;
	uint64_t g[24]; // runtime.g: stack.lo, stack.hi, goid in word 20
	char text[WIRE_BLOCK_MAX + 64];
};

static bool read_world(void *context, void *dst, size_t len, uint64_t addr)
{
	uint64_t start = (uintptr_t)context;
	if (addr < start || addr - start > sizeof(struct world) - len)
		return false;
	memcpy(dst, (const void *)(uintptr_t)addr, len);
	return true;
}

// Whether a call with these arguments, and then its return, is told.
static bool holds(const char *text, int64_t n, uint64_t u, const char *s, int64_t result)
{
	struct expr_code code;
	char *reason;
	assert_null(expr_compile(&scope, &text, 1, NULL, 0, &code, &reason));
	if (reason)
		fail_msg("%s", reason);
	struct world *world = test_calloc(1, sizeof(*world));
	world->probes[1].kind = WIRE_PROBE_RETURN;
	world->condition = (struct wire_condition){.num_entry = code.num_entry,
						   .return_op = code.num_entry,
						   .num_return = code.num_return};
	tables_place_ops(code.ops, code.num_entry + code.num_return, &(struct loaded){.pid = 77});
	world->tables.state = &world->state;
	world->tables.plan = (struct plan_tables){.probes = world->probes,
						  .num_probes = 2,
						  .ops = code.ops,
						  .num_ops = code.num_entry + code.num_return,
						  .literals = code.literals,
						  .num_literals = code.num_literals,
						  .conditions = &world->condition,
						  .num_conditions = 1};
	world->settings = (struct wire_settings){.g_goid = 160, .g_stack_hi = 8, .has_goid = 1};
	world->budget.flags = WIRE_BUDGET_FOLLOW;
	world->tables.budgets = &world->budget;
	world->tables.num_budgets = 1;
	world->g[0] = 0x10000;
	world->g[1] = 0x20000;
	world->g[20] = 18;
	snprintf(world->text, sizeof(world->text), "%s", s);
	struct hit_source source = {.tables = &world->tables,
				    .settings = &world->settings,
				    .read = read_world,
				    .context = world};
	struct hit_maker *maker;
	assert_null(hit_maker_create(&source, &maker));
	struct cpu_regs regs = {.sp = 0x1f000,
				.g = (uintptr_t)world->g,
				.ints = {(uint64_t)n, u, (uintptr_t)world->text, strlen(s)}};
	bool entry = hit_record(maker, 0, 7, 1000, &regs);
	regs.ints[0] = (uint64_t)result;
	bool told = hit_record(maker, 1, 7, 3000, &regs);
	assert_true(!entry || told);
	hit_maker_destroy(maker);
	test_free(world);
	expr_code_deinit(&code);
	return told;
}

static void test_numbers(void **state)
{
	(void)state;
	static const int64_t values[] = {INT64_MIN, -300, -1, 0, 1, 2, 77, 255, 256, INT64_MAX};
	for (size_t i = 0; i < 10; i++)
		for (size_t j = 0; j < 10; j++) {
			int64_t n = values[i];
			uint8_t u = (uint8_t)values[j];
			uint64_t reg = (uint64_t)values[j]; // its upper bytes are anything
			assert_int_equal(holds("n > 1 || n == -300", n, reg, "", 0),
					 n > 1 || n == -300);
			assert_int_equal(holds("n+1 < n", n, reg, "", 0), n == INT64_MAX);
			assert_int_equal(holds("n&255 == 255", n, reg, "", 0), (n & 255) == 255);
			assert_int_equal(holds("u*3+1 >= 200", n, reg, "", 0),
					 (uint8_t)(u * 3 + 1) >= 200);
			assert_int_equal(holds("-u < u", n, reg, "", 0), (uint8_t)-u < u);
			assert_int_equal(holds("!(u <= 1 && n != 0) && n <= 2", n, reg, "", 0),
					 !(u <= 1 && n != 0) && n <= 2);
		}
}

static void test_constants(void **state)
{
	(void)state;
	static const char *const table[] = {
		"-1 < 1",
		"18446744073709551616 > 0",
		"1.5 >= 1 && !(2 != 2.0)",
		"1 <= 1 == true",
		"n == 0_17 - 0o17",
		"duration > 1e3 && duration < 2.5e3 + 1",
		"1_000ms == 1s && 1_0.5_0us == 10_500 && 1m1_0s == 70s",
		"1_0e1_0 == 100_000_000_000 && 2e-1 < 0.3",
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		assert_true(holds(table[i], 0, 0, "", 0));
	assert_false(holds("-1 > 1 || 1.5 == 1", 0, 0, "", 0));
}

// Numbers that gotrace knows by itself are wider than most of the function's.
static void test_mixed_widths(void **state)
{
	(void)state;
	assert_true(holds("goid + u == 273 && u + goid > 272", 0, 255, "", 0));
	assert_true(holds("goid - 300 < u && u > goid - 300", 0, 255, "", 0));
	assert_true(holds("len(s) * s[0] == 291 && n + s[0] == 96", -1, 0, "aaa", 0));
	assert_true(holds("s[0] + s[1] == u", 0, 194, "aa", 0));
}

static void test_strings(void **state)
{
	(void)state;
	static const char *const values[] = {"",
					     "a",
					     "ab",
					     "abab",
					     "aab",
					     "ababac",
					     "b",
					     "abababababababab!",
					     "abababababababac"};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const char *s = values[i];
		assert_int_equal(holds("s == \"abab\"", 0, 0, s, 0), !strcmp(s, "abab"));
		assert_int_equal(holds("s != \"\"", 0, 0, s, 0), *s != 0);
		assert_int_equal(holds("s < \"abababababababb\"", 0, 0, s, 0),
				 strcmp(s, "abababababababb") < 0);
		assert_int_equal(holds("\"ab\" <= s", 0, 0, s, 0), strcmp("ab", s) <= 0);
		assert_int_equal(holds("hasPrefix(s, \"aba\")", 0, 0, s, 0), !strncmp(s, "aba", 3));
		assert_int_equal(holds("contains(s, \"abac\")", 0, 0, s, 0),
				 strstr(s, "abac") != NULL);
		assert_int_equal(holds("s == s && s <= s", 0, 0, s, 0), true);
		assert_int_equal(holds("len(s) > 3", 0, 0, s, 0), strlen(s) > 3);
	}
}

// A part is found wherever it stands. If the string goes on where it is not read, "no" would be a guess: !contains does
// not hold either.
static void test_long_texts(void **state)
{
	(void)state;
	char s[WIRE_BLOCK_MAX + 2];
	memset(s, 'x', sizeof(s));
	s[WIRE_BLOCK_MAX] = '\0';
	assert_true(holds("!contains(s, \"end\")", 0, 0, s, 0));
	assert_true(holds("s == s && s <= s && !(s < s)", 0, 0, s, 0));
	memcpy(s + 100, "end", 3);
	assert_true(holds("contains(s, \"end\")", 0, 0, s, 0));
	memcpy(s + 100, "xxx", 3);
	memcpy(s + WIRE_BLOCK_MAX - 3, "end", 4);
	assert_true(holds("contains(s, \"end\")", 0, 0, s, 0));
	memset(s, 'x', sizeof(s));
	s[WIRE_BLOCK_MAX + 1] = '\0';
	assert_false(holds("contains(s, \"end\")", 0, 0, s, 0));
	assert_false(holds("!contains(s, \"end\")", 0, 0, s, 0));
	assert_false(holds("s == s", 0, 0, s, 0));
	assert_false(holds("s != s", 0, 0, s, 0));
	assert_true(holds("contains(s, \"xxx\") && contains(s, \"\")", 0, 0, s, 0));
}

static void test_returns(void **state)
{
	(void)state;
	assert_true(holds("ret0 == 5", 1, 0, "", 5));
	assert_false(holds("ret0 == 5", 5, 0, "", 1));
	assert_true(holds("ret0 > n", 1, 0, "", 5));
	assert_false(holds("ret0 > n", 5, 0, "", 1));
	assert_true(holds("duration == 2us && goid == 18 && pid == 77 && $tid == 7", 5, 0, "", 1));
	assert_true(holds("tid == 1", 5, 0, "", 1)); // the function's own name comes first
	assert_false(holds("$tid == 1", 5, 0, "", 1));
	assert_true(holds("ret0 == 5 || hasPrefix(s, \"a\")", 1, 0, "a", 0));
	assert_false(holds("ret0 == 5 && hasPrefix(s, \"a\")", 1, 0, "b", 5));
}

// --- Paths ---------------------------------------------------------------------------------------

static struct gotype type_url = {.kind = GO_STRUCT,
				 .size = 24,
				 .name = "url.URL",
				 .full_name = "net/url.URL",
				 .is_complete = true};
static struct gotype type_url_pointer = {.kind = GO_POINTER,
					 .size = 8,
					 .name = "*url.URL",
					 .full_name = "*net/url.URL",
					 .elem = &type_url,
					 .is_complete = true};
static struct gotype type_strings = {.kind = GO_SLICE,
				     .size = 24,
				     .name = "[]string",
				     .full_name = "[]string",
				     .elem = &type_string,
				     .is_complete = true};
static struct gotype type_header = {.kind = GO_MAP,
				    .size = 8,
				    .name = "http.Header",
				    .full_name = "net/http.Header",
				    .key = &type_string,
				    .elem = &type_strings,
				    .map = {.layout = GOMAP_SWISS},
				    .is_complete = true};
static struct gotype type_marks = {.kind = GO_MAP,
				   .size = 8,
				   .name = "map[int8]string",
				   .full_name = "map[int8]string",
				   .key = &type_i8,
				   .elem = &type_string,
				   .map = {.layout = GOMAP_SWISS},
				   .is_complete = true};
static struct gofield url_fields[] = {{"Scheme", &type_int, 0, false},
				      {"Path", &type_string, 8, false}};
static struct gofield request_fields[] = {{"Method", &type_string, 0, false},
					  {"URL", &type_url_pointer, 16, false},
					  {"Header", &type_header, 24, false},
					  {"Marks", &type_marks, 32, false}};
static struct gotype type_request = {.kind = GO_STRUCT,
				     .size = 40,
				     .name = "http.Request",
				     .full_name = "net/http.Request",
				     .fields = request_fields,
				     .num_fields = 4,
				     .is_complete = true};
static struct gotype type_request_pointer = {.kind = GO_POINTER,
					     .size = 8,
					     .name = "*http.Request",
					     .full_name = "*net/http.Request",
					     .elem = &type_request,
					     .is_complete = true};
static struct param path_params[] = {
	{.name = "r", .type = &type_request_pointer, .pieces = &pieces[0], .num_pieces = 1},
	{.name = "", .type = &type_int, .pieces = &pieces[0], .num_pieces = 1, .is_result = true},
};
static struct signature path_signature = {.is_known = true,
					  .params = path_params,
					  .num_params = 2,
					  .num_args = 1};

static struct expr_path *path_of(const char *text, char **reason)
{
	const struct expr_scope its = {.signature = &path_signature};
	struct expr_path *path = NULL;
	type_url.fields = url_fields;
	type_url.num_fields = 2;
	assert_null(expr_path_create(&its, text, &path, reason));
	assert_int_equal(!path, *reason != NULL);
	return path;
}

static void test_paths(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t num;
		enum expr_step_kind last;
		uint64_t number;
		const struct gotype *to;
		const char *written; // but for the last step
	} table[] = {
		{"r.URL.Path", 4, EXPR_STEP_FIELD, 8, &type_string, "r.URL"},
		{"r.Header[\"X-Id\"][0]", 4, EXPR_STEP_ELEMENT, 0, &type_string,
		 "r.Header[\"X-Id\"]"},
		{"r.Marks[-3]", 3, EXPR_STEP_KEY, (uint64_t)-3, &type_string, "r.Marks"},
		{"len(r.Header)", 3, EXPR_STEP_LEN, 0, NULL, "r.Header"},
		{"r.Method[2]", 3, EXPR_STEP_ELEMENT, 2, NULL, "r.Method"},
		{"*r", 1, EXPR_STEP_DEREF, 0, &type_request, "r"},
		{"r", 0, 0, 0, NULL, "r"},
		{"ret0", 0, 0, 0, NULL, "ret0"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char *reason;
		struct expr_path *path = path_of(table[i].text, &reason);
		assert_non_null(path);
		assert_string_equal(path->text, table[i].text);
		assert_int_equal(path->num_steps, table[i].num);
		struct text text;
		text_init(&text);
		size_t before = path->num_steps ? path->num_steps - 1 : 0;
		expr_path_write(path, before, &text);
		assert_string_equal(text_string(&text), table[i].written);
		text_deinit(&text);
		if (path->num_steps) {
			const struct expr_step *last = &path->steps[before];
			assert_int_equal(last->kind, table[i].last);
			assert_int_equal(last->number, table[i].number);
			assert_ptr_equal(last->to, table[i].to);
		}
		expr_path_destroy(path);
	}
}

static void test_what_is_no_path(void **state)
{
	(void)state;
	static const char *const table[][2] = {
		{"q", "'q': column 1: there is no 'q'; there are r, ret0"},
		{"goid",
		 "'goid': column 1: only parameters, results, and their fields, elements and "
		 "len() are shown"},
		{"r.Methd", "'r.Methd': column 3: http.Request has no field 'Methd'; did you mean "
			    "'Method'?; there are Method, URL, Header, Marks"},
		{"ret0 + 1", "'ret0 + 1': column 6: only parameters, results, and their fields, "
			     "elements and len() are shown"},
		{"r.Method[ret0]", "'r.Method[ret0]': column 10: an index is a constant here"},
		{"r.Header[3]", "'r.Header[3]': column 10: this is no key of http.Header"},
		{"r.Header[r.Method]",
		 "'r.Header[r.Method]': column 12: a map's key is a constant here"},
		{"r.Marks[128]", "'r.Marks[128]': column 9: this does not fit int8"},
		{"r.Marks[", "'r.Marks[': column 9: a value is missing"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char *reason;
		assert_null(path_of(table[i][0], &reason));
		assert_string_equal(reason, table[i][1]);
		assert_true(expr_reason_column(table[i][0], reason) > 0);
		free(reason);
	}
	// The same function's condition.
	const char *text = "r.Header[\"X\"][0] == \"a\"";
	const struct expr_scope its = {.signature = &path_signature};
	struct expr_code code;
	CLEANUP_FREE char *reason = NULL;
	assert_null(expr_compile(&its, &text, 1, NULL, 0, &code, &reason));
	assert_non_null(strstr(reason, "an element of a map can be shown"));
}

static void test_lists(void **state)
{
	(void)state;
	assert_int_equal(expr_list_first("a, b"), 1);
	assert_int_equal(expr_list_first("m[\"a,b\"], b"), 8);
	assert_int_equal(expr_list_first("f(a, b)[x, y],c"), 13);
	assert_int_equal(expr_list_first("'\\',',c"), 5);
	assert_int_equal(expr_list_first(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_error_without_a_name),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_nesting_is_bounded),
		cmocka_unit_test(test_stack_is_bounded),
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_mixed_widths),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_returns),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_what_is_no_path),
		cmocka_unit_test(test_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
