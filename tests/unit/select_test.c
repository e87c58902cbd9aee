// SPDX-License-Identifier: GPL-2.0-or-later
// Selecting from an index that is a table: the three functions of dwarf/index/index.h that select needs stand
// here, in the place of the library's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "tracer/plan/select/nearest.h"
#include "tracer/plan/select/pattern.h"
#include "tracer/plan/select/select.h"

struct index {
	struct func *func;
	size_t num;
};

const struct func *index_funcs(const struct index *index, size_t *num)
{
	*num = index->num;
	return index->func;
}

size_t index_named(const struct index *index, const char *name, const struct func **out, size_t max)
{
	size_t num = 0;
	for (size_t i = 0; i < index->num; i++) {
		if (strcmp(func_symbol(&index->func[i]), name))
			continue;
		if (num < max)
			out[num] = &index->func[i];
		num++;
	}
	return num;
}

void index_names(const struct index *index, bool (*visit)(void *context, const char *name),
		 void *context)
{
	for (size_t i = 0; i < index->num; i++)
		if (!visit(context, index->func[i].name))
			return;
	if (visit(context, "main.inlined") && visit(context, "main.(*T).Inlined"))
		visit(context, "ex.am/lib%2ev3.Min[go.shape.int]");
}

static struct func funcs[] = {
	{.name = "runtime.mallocgc", .flags = FUNC_RUNTIME},
	{.name = "runtime.newproc"},
	{.name = "strings.Split"},
	{.name = "net/http.(*conn).serve"},
	{.name = "net/http.(*Server).Serve"},
	{.name = "main.main"},
	{.name = "main.add"},
	{.name = "main.add.func1"},
	{.name = "main.(*T).Get"},
	{.name = "main.(*OtherT).Get"},
	{.name = "main.(*Store).Get"},
	{.name = "main.T.Set"},
	{.name = "main.(*T).Set", .flags = FUNC_WRAPPER},
	// wrappers that hold the code of what they wrap: of a value's method, and of a promoted one
	{.name = "main.V.Len",
	 .symbol = "main.(*V).Len",
	 .body = "main.V.Len",
	 .flags = FUNC_WRAPPER},
	{.name = "main.(*H).Len", .body = "lib.W.Len", .flags = FUNC_WRAPPER},
	// the same of a generic type's instance: Put has a function of its own for its shape, Sub has none
	{.name = "main.G[go.shape.int].Put"},
	{.name = "main.G[int].Put", .body = "main.G[go.shape.int].Put", .flags = FUNC_WRAPPER},
	{.name = "main.G[int].Put",
	 .symbol = "main.(*G[int]).Put",
	 .body = "main.G[go.shape.int].Put",
	 .flags = FUNC_WRAPPER},
	{.name = "main.G[int].Sub",
	 .symbol = "main.(*G[int]).Sub",
	 .body = "main.G[go.shape.int].Sub",
	 .flags = FUNC_WRAPPER},
	{.name = "main.(*J).Sub", .body = "main.G[go.shape.int].Sub", .flags = FUNC_WRAPPER},
	{.name = "ex.am/own%2ev2.V.Len"},
	{.name = "ex.am/own%2ev2.V.Len",
	 .symbol = "ex.am/own%2ev2.(*V).Len",
	 .body = "ex.am/own%2ev2.V.Len",
	 .flags = FUNC_WRAPPER},
	{.name = "main.Map[go.shape.int]"},
	{.name = "main.Map[go.shape.struct { main.x int; main.y []int \"json:\\\"[\\\"\" }]"},
	{.name = "main.Map[go.shape.int].func1"},
	{.name = "main.(*L[go.shape.int]).Add"},
	{.name = "main.(*L[int]).Add", .flags = FUNC_WRAPPER},
	{.name = "main.(*XL).Add"},
	{.name = "main.größe"},
	{.name = "_cgo_addc", .flags = FUNC_FOREIGN},
	{.name = "runtime.newproc", .flags = FUNC_WRAPPER | FUNC_ABI0},
	{.name = "main.weird*name"},
	{.name = "main.weirdXname"},
	{.name = "ex.am/lib%2ev3.Decode"},
	{.name = "ex.am/lib%2ev3.Map[go.shape.int]"},
	{.name = "ex.am/lib%2ev3.(*L[go.shape.int]).Len"},
};

static struct index table = {funcs, sizeof(funcs) / sizeof(funcs[0])};
static int num_warnings;

static void count_warning(enum log_level level, const char *message)
{
	num_warnings += level == LOG_WARNING && *message;
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < table.num; i++) {
		funcs[i].number = i;
		funcs[i].vaddr = 0x1000 * (i + 1);
	}
	log_to(count_warning, LOG_WARNING);
	return 0;
}

enum { PATTERNS_MAX = 4 };

struct choice {
	const char *pattern[PATTERNS_MAX];
	const char *chosen; // names, a newline behind each
	int num_warnings;
};

// The function of Put and its wrappers.
#define PUTS "main.G[go.shape.int].Put\nmain.G[int].Put\nmain.G[int].Put\n"

// By name alone: nothing is a glob or a regexp, and nothing warns.
static void test_named(void **state)
{
	(void)state;
	static const struct {
		const char *name, *found;
	} names[] = {
		{"main.add", "main.add\n"},
		{"main.Map[go.shape.int]", "main.Map[go.shape.int]\n"},
		{"main.Map",
		 "main.Map[go.shape.int]\n"
		 "main.Map[go.shape.struct { main.x int; main.y []int \"json:\\\"[\\\"\" }]\n"},
		{"main.(*L).Add", "main.(*L[go.shape.int]).Add\n"},
		{"main.V.Len", "main.V.Len\n"},
		{"lib.W.Len", "main.(*H).Len\n"},
		{"main.G.Put", PUTS},
		{"main.G.Sub", "main.G[int].Sub\nmain.(*J).Sub\n"},
		{"ex.am/lib.v3.Map", "ex.am/lib%2ev3.Map[go.shape.int]\n"},
		{"runtime.newproc", "runtime.newproc\n"},
		{"runtime.mallocgc", "runtime.mallocgc\n"},
		{"main.a*", ""},
		{"/add/", ""},
		{"!main.add", ""},
		{"main.inlined", ""},
		{"", ""},
	};
	num_warnings = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct selection selection;
		struct text found;
		text_init(&found);
		assert_null(select_named(&table, names[i].name, &selection));
		for (size_t k = 0; k < selection.num; k++)
			text_printf(&found, "%s\n", selection.func[k]->name);
		assert_string_equal(text_string(&found), names[i].found);
		text_deinit(&found);
		selection_deinit(&selection);
	}
	assert_int_equal(num_warnings, 0);
}

static const struct choice choices[] = {
	{{"main.add"}, .chosen = "main.add\n"},
	{{"main.a*"}, .chosen = "main.add\nmain.add.func1\n"},
	{{"main.ad?"}, .chosen = "main.add\n"},
	{{"*serve"}, .chosen = "net/http.(*conn).serve\n"},
	{{"_cgo*", "main.add"}, .chosen = "main.add\n", .num_warnings = 1},
	{{"main.add", "_cgo*", "_cgo_ad*"}, .chosen = "main.add\n", .num_warnings = 2},
	{{"net*erve"}, .chosen = "net/http.(*conn).serve\nnet/http.(*Server).Serve\n"},
	{{"/^net.*[Ss]erve$/"}, .chosen = "net/http.(*conn).serve\nnet/http.(*Server).Serve\n"},
	{{"/add|Split/"}, .chosen = "strings.Split\nmain.add\nmain.add.func1\n"},
	{{"main.(*T).Get"}, .chosen = "main.(*T).Get\n"},
	{{"main.(*).Get"}, .chosen = "main.(*T).Get\nmain.(*OtherT).Get\nmain.(*Store).Get\n"},
	{{"main.weird*name"}, .chosen = "main.weird*name\n"},
	{{"main.weird?name"}, .chosen = "main.weird*name\nmain.weirdXname\n"},
	{{"main.gr??e"}, .chosen = "main.größe\n"},
	{{"main.gr?ß?"}, .chosen = "main.größe\n"},
	{{"main.V.Len"}, .chosen = "main.V.Len\n"},
	{{"main.(*V).Len"}, .chosen = "main.V.Len\n"},
	{{"main.V*"}, .chosen = "main.V.Len\n"},
	{{"main.(*V*"}, .chosen = "main.V.Len\n"},
	{{"lib.W.Len"}, .chosen = "main.(*H).Len\n"},
	{{"main.G[go.shape.int].Put"}, .chosen = PUTS},
	{{"main.G[int].Put"}, .chosen = "main.G[int].Put\nmain.G[int].Put\n"},
	{{"main.(*G[int]).Put"}, .chosen = "main.G[int].Put\n"},
	{{"main.G.Put"}, .chosen = PUTS},
	{{"main.G[go.shape.int].Sub"}, .chosen = "main.G[int].Sub\nmain.(*J).Sub\n"},
	{{"main.G.Sub"}, .chosen = "main.G[int].Sub\nmain.(*J).Sub\n"},
	{{"main.(*G).Sub"}, .chosen = "main.G[int].Sub\n"},
	{{"main.*Sub", "!main.G.Sub", "main.add"}, .chosen = "main.add\n"},
	{{"ex.am/own.v2.V.Len"}, .chosen = "ex.am/own%2ev2.V.Len\nex.am/own%2ev2.V.Len\n"},
	{{"lib.*"}, .chosen = "main.(*H).Len\n"},
	{{"main.*Len", "!lib.*"}, .chosen = "main.V.Len\n"},
	{{"main.Map[go.shape.int]"}, .chosen = "main.Map[go.shape.int]\n"},
	{{"main.Map"},
	 .chosen = "main.Map[go.shape.int]\n"
		   "main.Map[go.shape.struct { main.x int; main.y []int \"json:\\\"[\\\"\" }]\n"},
	{{"main.Map[*]"},
	 .chosen = "main.Map[go.shape.int]\n"
		   "main.Map[go.shape.struct { main.x int; main.y []int \"json:\\\"[\\\"\" }]\n"},
	{{"main.Map.func1"}, .chosen = "main.Map[go.shape.int].func1\n"},
	{{"main.(*L).Add"}, .chosen = "main.(*L[go.shape.int]).Add\n"},
	{{"main.(*L).*"}, .chosen = "main.(*L[go.shape.int]).Add\nmain.(*XL).Add\n"},
	{{"main.(*L[int]).Add"}, .chosen = "main.(*L[int]).Add\n", .num_warnings = 1},
	{{"main.(*T).Set"}, .chosen = "main.(*T).Set\n", .num_warnings = 1},
	{{"main.*Set"}, .chosen = "main.T.Set\n"},
	{{"runtime.*"}, .chosen = "runtime.newproc\n"},
	{{"runtime.newproc"}, .chosen = "runtime.newproc\n"},
	{{"runtime.mallocgc"}, .chosen = "runtime.mallocgc\n", .num_warnings = 1},
	{{"_cgo_addc"}, .chosen = "_cgo_addc\n", .num_warnings = 1},
	{{"main.add", "main.a*", "main.main"}, .chosen = "main.main\nmain.add\nmain.add.func1\n"},
	{{"main.a*", "!main.add"}, .chosen = "main.add.func1\n"},
	{{"ex.am/lib.v3.D*"}, .chosen = "ex.am/lib%2ev3.Decode\n"},
	{{"ex.am/lib%2ev3.D*"}, .chosen = "ex.am/lib%2ev3.Decode\n"},
	{{"/lib\\.v3\\.Dec/"}, .chosen = "ex.am/lib%2ev3.Decode\n"},
	{{"/lib%2ev3\\.Dec/"}, .chosen = "ex.am/lib%2ev3.Decode\n"},
	{{"ex.am/lib.v3.Map"}, .chosen = "ex.am/lib%2ev3.Map[go.shape.int]\n"},
	{{"ex.am/lib%2ev3.Map"}, .chosen = "ex.am/lib%2ev3.Map[go.shape.int]\n"},
	{{"ex.am/lib.v3.(*L).*"}, .chosen = "ex.am/lib%2ev3.(*L[go.shape.int]).Len\n"},
	{{"ex.am/lib.v3.*", "!ex.am/lib.v3.Map", "!*.(*L).Len"},
	 .chosen = "ex.am/lib%2ev3.Decode\n"},
	{{"main.a*", "!*.func1"}, .chosen = "main.add\n"},
	{{"main.a*", "!/func/"}, .chosen = "main.add\n"},
	{{"main.a*", "!main.a*", "main.add"}, .chosen = "main.add\n"},
	{{"*Add", "!main.(*L).Add"}, .chosen = "main.(*XL).Add\n"},
	{{"main.add", "!strings.*"}, .chosen = "main.add\n", .num_warnings = 1},
	{{"runtime.mallocgc", "main.add", "!runtime.*"}, .chosen = "main.add\n", .num_warnings = 1},
};

static size_t count_patterns(const struct choice *choice)
{
	size_t num = 0;
	while (num < PATTERNS_MAX && choice->pattern[num])
		num++;
	return num;
}

static void test_choices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		const struct choice *choice = &choices[i];
		struct selection selection;
		print_message("%s\n", choice->pattern[0]);
		num_warnings = 0;
		assert_null(select_functions(&table, (char *const *)choice->pattern,
					     count_patterns(choice), &selection));
		struct text names;
		text_init(&names);
		for (size_t j = 0; j < selection.num; j++)
			text_printf(&names, "%s\n", selection.func[j]->name);
		assert_string_equal(text_string(&names), choice->chosen);
		assert_int_equal(num_warnings, choice->num_warnings);
		text_deinit(&names);
		selection_deinit(&selection);
	}
}

static void expect_error(const struct index *index, const char *const *pattern, size_t num,
			 const char *message)
{
	struct selection selection;
	struct error *err = select_functions(index, (char *const *)pattern, num, &selection);
	assert_non_null(err);
	assert_string_equal(error_message(err), message);
	error_free(err);
}

static const struct choice refusals[] = {
	{{"mian.add"},
	 .chosen =
		 "no function has the name 'mian.add'; did you mean 'main.add', 'main.(*L[go.shape.int]).Add' or 'main.(*XL).Add'?"},
	{{"main.inlined"},
	 .chosen =
		 "'main.inlined' has no code of its own, every call of it was inlined: build the program with "
		 "-gcflags=all=-l to trace it"},
	{{"main.inl*"},
	 .chosen =
		 "'main.inl*' matches no function that has code of its own; every call of 'main.inlined' was "
		 "inlined: build the program with -gcflags=all=-l to trace it"},
	{{"main.(*T).Inlined"},
	 .chosen =
		 "'main.(*T).Inlined' has no code of its own, every call of it was inlined: build the program with "
		 "-gcflags=all=-l to trace it"},
	{{"ex.am/lib.v3.Min"},
	 .chosen =
		 "'ex.am/lib%2ev3.Min[go.shape.int]' has no code of its own, every call of it was inlined: "
		 "build the program with -gcflags=all=-l to trace it"},
	{{"MAIN.ADD"}, .chosen = "no function has the name 'MAIN.ADD'; did you mean 'main.add'?"},
	{{"main.(*Sotre).Get"},
	 .chosen = "no function matches 'main.(*Sotre).Get'; did you mean 'main.(*Store).Get', "
		   "'main.(*T).Get' or 'main.(*OtherT).Get'?"},
	{{"serve"},
	 .chosen = "no function has the name 'serve'; did you mean 'net/http.(*conn).serve' or "
		   "'net/http.(*Server).Serve'?"},
	{{"ex.am/lib.v3.Decdoe"},
	 .chosen =
		 "no function has the name 'ex.am/lib.v3.Decdoe'; did you mean 'ex.am/lib%2ev3.Decode'?"},
	{{"ex.am/lib%2ev3.Decdoe"},
	 .chosen =
		 "no function has the name 'ex.am/lib%2ev3.Decdoe'; did you mean 'ex.am/lib%2ev3.Decode'?"},
	{{"srings.Spl*"},
	 .chosen = "no function matches 'srings.Spl*'; did you mean 'strings.Split'?"},
	{{"/^mian/"}, .chosen = "no function matches '/^mian/'; did you mean 'main.main'?"},
	{{"nothing.like.it"}, .chosen = "no function has the name 'nothing.like.it'"},
	{{"_cgo*"},
	 .chosen =
		 "'_cgo*' matches only wrappers and functions of the runtime or C, which are left out: give "
		 "one by its exact name, for example '_cgo_addc'"},
	{{"_cgo*", "!main.add"},
	 .chosen =
		 "'_cgo*' matches only wrappers and functions of the runtime or C, which are left out: give "
		 "one by its exact name, for example '_cgo_addc'"},
	{{"_cgo*", "main.q"}, .chosen = "no function has the name 'main.q'"},
	{{"main.add", "main.q"}, .chosen = "no function has the name 'main.q'"},
	{{"!main.add"},
	 .chosen =
		 "'!main.add' only excludes: put a pattern before it that selects, for example 'main.*'"},
	{{"main.add", "!main.add"}, .chosen = "the patterns exclude all that they select"},
	{{NULL}, .chosen = "no pattern says which functions, for example 'main.*'"},
	{{""}, .chosen = "'': an empty pattern"},
	{{"main.add", "!"}, .chosen = "'!': an empty pattern"},
	{{"/main"}, .chosen = "'/main': a regexp ends with a slash"},
	{{"/"}, .chosen = "'/': a regexp ends with a slash"},
	{{"//"}, .chosen = "'//': bad regexp: it is empty"},
	{{"/(/"}, .chosen = "'/(/': bad regexp: Unmatched ( or \\("},
	{{"/((a{1,255}){1,255}){1,255}/"},
	 .chosen = "'/((a{1,255}){1,255}){1,255}/': bad regexp: it repeats too much"},
	{{"/(a*)*\\1/"}, .chosen = "'/(a*)*\\1/': bad regexp: back references are not supported"},
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		expect_error(&table, refusals[i].pattern, count_patterns(&refusals[i]),
			     refusals[i].chosen);
}

static void test_matches(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *name;
		bool matches;
	} rows[] = {
		{"main.P", "main.P", true},
		{"main.P", "main.Pq", false},
		{"main.*", "main.P", true},
		{"main.?", "main.P", true},
		{"/P$/", "main.P", true},
		{"/^P/", "main.P", false},
		{"main.L", "main.L[int]", true},
		{"main.L[*", "main.L[int]", true},
		{"main.[ab]*", "main.a", false},
		{"*", "", true},
		{"main.(*L).X", "main.(*T).X", false},
		{"ex.am/yaml.v3.*", "ex.am/yaml%2ev3.F", true},
		{"ex.am/yaml%2ev3.*", "ex.am/yaml%2ev3.F", true},
		{"ex.am/yaml.v3.Map", "ex.am/yaml%2ev3.Map[int]", true},
		{"/yaml\\.v3/", "ex.am/yaml%2ev3.F", true},
		{"ex.am/yaml.v3.*", "ex.am/yaml%2fv3.F", false},
		{"ex.am/a%.F*", "ex.am/a%.F1", true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool matches;
		assert_null(select_matches(rows[i].pattern, rows[i].name, &matches));
		print_message("%s %s\n", rows[i].pattern, rows[i].name);
		assert_int_equal(matches, rows[i].matches);
	}
	bool untouched;
	struct error *err = select_matches("/[/", "x", &untouched);
	assert_non_null(err);
	error_free(err);
}

static void test_glob_is_not_exponential(void **state)
{
	(void)state;
	char name[4001];
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(pattern_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
	assert_true(pattern_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*", name));
	assert_true(pattern_glob("?\xc3", "\xc3\xa4\xc3"));
	assert_false(pattern_glob("*?"
				  "\xa4",
				  "\xc3\xa4"));
}

static void test_bare(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"main.Map[int]", "main.Map"},
		{"main.(*L[[]int]).Add[x]", "main.(*L).Add"},
		{"main.F[struct { a int \"]\\\"]\" }].func1", "main.F.func1"},
		{"main.F[open", "main.F[open"},
		{"main.F[\"open]", "main.F[\"open]"},
		{"plain", "plain"},
	};
	struct text text;
	text_init(&text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text_reset(&text);
		pattern_write_bare(rows[i][0], &text);
		assert_string_equal(text_string(&text), rows[i][1]);
	}
	text_deinit(&text);
}

// A large program: ten thousand functions chosen at once, and near names of a wrong one.
static void test_large(void **state)
{
	(void)state;
	enum { NUM = 100000, NAME_BYTES = 64 };
	struct func *func = calloc(NUM, sizeof(*func));
	char(*names)[NAME_BYTES] = calloc(NUM, NAME_BYTES);
	assert_non_null(func);
	assert_non_null(names);
	for (size_t i = 0; i < NUM; i++) {
		snprintf(names[i], NAME_BYTES, "example.org/some/module/p%zu.(*Type%zu).Method%zu",
			 i % 10, i % 1000, i);
		func[i] = (struct func){.name = names[i], .number = i};
	}
	struct index large = {func, NUM};
	char *pattern = "example.org/some/module/p7.*";
	struct selection selection;
	assert_null(select_functions(&large, &pattern, 1, &selection));
	assert_int_equal(selection.num, NUM / 10);
	selection_deinit(&selection);
	const char *near[NEAREST_MAX];
	clock_t start = clock();
	size_t num =
		nearest_names(func, NUM, "example.org/some/modul/p7.(*Type77).Method54077", near);
	print_message("near names of 100000: %.0f ms\n",
		      (double)(clock() - start) * 1000 / CLOCKS_PER_SEC);
	assert_int_equal(num, NEAREST_MAX);
	assert_string_equal(near[0], "example.org/some/module/p7.(*Type77).Method54077");
	free(func);
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_glob_is_not_exponential),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_large),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
