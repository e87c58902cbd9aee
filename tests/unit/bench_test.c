// SPDX-License-Identifier: GPL-2.0-or-later
// What gotrace bench makes of what it measured: medians, ratios, and each way to print them.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "cli/bench/bench.h"

// --- Medians and spreads -------------------------------------------------------------------------

static void assert_near(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-9 * fabs(expected)))
		fail_msg("%.12g is not %.12g", value, expected);
}

static void test_median(void **state)
{
	(void)state;
	assert_near(bench_median((double[]){5}, 1), 5);
	assert_near(bench_median((double[]){9, 1, 5}, 3), 5);
	assert_near(bench_median((double[]){9, 1, 5, 2}, 4), 3.5);
	assert_near(bench_median((double[]){NAN, 9, NAN, 1, 5}, 5), 5);
	assert_near(bench_median((double[]){-3, -1, -2}, 3), -2);
	assert_true(isnan(bench_median((double[]){NAN, NAN}, 2)));
	assert_true(isnan(bench_median(NULL, 0)));
}

static void test_median_of_too_many(void **state)
{
	(void)state;
	double values[BENCH_ROUNDS_MAX + 50];
	for (size_t i = 0; i < BENCH_ROUNDS_MAX + 50; i++)
		values[i] = i < BENCH_ROUNDS_MAX ? 7 : 1e9;
	assert_near(bench_median(values, BENCH_ROUNDS_MAX + 50), 7);
}

static void test_spread(void **state)
{
	(void)state;
	double low, high;
	bench_spread((double[]){3, NAN, 1, 2}, 4, &low, &high);
	assert_near(low, 1);
	assert_near(high, 3);
	bench_spread((double[]){NAN}, 1, &low, &high);
	assert_true(isnan(low) && isnan(high));
}

// --- Summaries -----------------------------------------------------------------------------------

static void assert_summary(const char *text, uint64_t calls, uint64_t returns, uint64_t lost)
{
	struct bench_summary summary = bench_read_summary(text);
	assert_int_equal(summary.calls, calls);
	assert_int_equal(summary.returns, returns);
	assert_int_equal(summary.lost, lost);
}

static void test_summary(void **state)
{
	(void)state;
	assert_summary("gotrace: tracing 1 function in 7 (x)\n"
		       "gotrace: 1 function, 64 calls, 63 returns, 2 lost, 1.5 s\n",
		       64, 63, 2);
	assert_summary("gotrace: 12 functions, 1 call, 1 return, 0 lost, 1 still under way, 1 s\n",
		       1, 1, 0);
	assert_summary("gotrace: 1 function, 18446744073709551615 calls, 0 returns, 0 lost, 1 s",
		       UINT64_MAX, 0, 0);
	assert_summary("gotrace: tracing 1 function in 7 (x)\n", 0, 0, 0);
	assert_summary("", 0, 0, 0);
	assert_summary("\n\n", 0, 0, 0);
}

// --- A benchmark that was ------------------------------------------------------------------------

enum { ROUNDS = 3, ROWS_MAX = 16 };

struct fixture {
	struct bench_options options;
	struct bench bench;
	struct bench_row rows[ROWS_MAX];
};

static struct bench_row *add(struct fixture *fixture, const char *workload, const char *name,
			     enum bench_kind kind, bool has_return, const double ns[ROUNDS])
{
	struct bench_row *row = &fixture->rows[fixture->bench.num_rows++];
	struct bench_variant variant = {.name = name, .kind = kind, .has_return = has_return};
	bench_row_init(row, &variant);
	row->workload = workload;
	row->description = "what it is";
	for (size_t i = 0; i < ROUNDS; i++) {
		row->ns[i] = ns[i];
		row->made[i] = 1000 + i;
	}
	return row;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	if (!fixture)
		return -1;
	fixture->bench = (struct bench){
		.options = &fixture->options,
		.rows = fixture->rows,
		.rounds = ROUNDS,
		.machine = {.cpu = "A processor", .kernel = "Linux 6.1.0", .cpus = 2},
		.go = "go1.27.3",
	};
	add(fixture, "delve", "untraced", BENCH_UNTRACED, false, (double[]){20000, 20400, 19800});
	add(fixture, "delve", "uprobe entry", BENCH_FLOOR, false, (double[]){20500, 20900, 20300});
	add(fixture, "delve", "uprobe entry+return", BENCH_FLOOR, true,
	    (double[]){25000, 25400, 24800});
	struct bench_row *entry = add(fixture, "delve", "ebpf entry", BENCH_EBPF, false,
				      (double[]){21000, 21400, 20800});
	entry->kept = 3003;
	entry->tracer_ns = 5;
	entry->measured_ns = 100;
	add(fixture, "delve", "ebpf entry+return", BENCH_EBPF, true,
	    (double[]){26000, 26400, 25800});
	add(fixture, "delve", "ebpf depth 2", BENCH_EBPF, true, (double[]){26500, 26900, 26300});
	add(fixture, "delve", "ptrace entry", BENCH_PTRACE, false, (double[]){30000, 30400, 29800});
	add(fixture, "delve", "ptrace entry+return", BENCH_PTRACE, true,
	    (double[]){44000, 44400, NAN});
	struct bench_row *dlv =
		add(fixture, "delve", "dlv trace", BENCH_PEER, true, (double[]){1820000, NAN, NAN});
	dlv->survived = false;
	dlv->kept = 100;
	dlv->lost = 7;
	struct bench_row *failed = add(fixture, "delve", "dlv trace --ebpf", BENCH_PEER, true,
				       (double[]){NAN, NAN, NAN});
	failed->has_failed = failed->is_left_out = true;
	strcpy(failed->note, "no such <luck> & \"more\"");
	add(fixture, "delve", "gdb", BENCH_PEER, false, (double[]){NAN, NAN, NAN})->is_left_out =
		true;
	bench_compare(&fixture->bench);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static char *print(const struct bench *bench, void (*printer)(const struct bench *bench, FILE *out))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	printer(bench, out);
	fclose(out);
	return text;
}

static const struct bench_row *row_of(const struct fixture *fixture, const char *name)
{
	for (size_t i = 0; i < fixture->bench.num_rows; i++)
		if (!strcmp(fixture->rows[i].name, name))
			return &fixture->rows[i];
	fail_msg("no row %s", name);
	return NULL;
}

static void test_ratios(void **state)
{
	const struct fixture *fixture = *state;
	const struct bench_row *untraced = row_of(fixture, "untraced");
	const struct bench_row *entry = row_of(fixture, "ebpf entry");
	const struct bench_row *both = row_of(fixture, "ebpf entry+return");
	assert_near(untraced->ratios[0], 1);
	assert_true(isnan(untraced->of_floor[0]) && isnan(untraced->of_ptrace[0]));
	assert_near(entry->ratios[0], 21000. / 20000);
	assert_near(entry->of_floor[1], 2);    // 1000 more, where the floor's is 500
	assert_near(entry->of_ptrace[2], 0.1); // and ptrace's 10000
	assert_near(both->of_floor[0], 1.2);
	assert_near(both->of_ptrace[0], 0.25);
	assert_true(isnan(both->of_ptrace[2])); // ptrace was not measured then
	assert_true(isnan(row_of(fixture, "gdb")->ratios[0]));
	assert_near(bench_cpu_percent(entry), 5);
	assert_near(bench_cpu_percent(untraced), 0);
}

// What costs nothing that could be measured has no ratio to a cost.
static void test_no_cost(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ROUNDS; i++)
		fixture->rows[1].ns[i] = fixture->rows[0].ns[i] - 3;
	bench_compare(&fixture->bench);
	assert_true(isnan(row_of(fixture, "ebpf entry")->of_floor[0]));
	assert_true(isnan(row_of(fixture, "uprobe entry")->of_ptrace[0]));
	assert_true(row_of(fixture, "uprobe entry")->ratios[0] < 1);
}

static void test_shown(void **state)
{
	const struct fixture *fixture = *state;
	assert_true(bench_is_shown(&fixture->bench, row_of(fixture, "untraced")));
	assert_true(bench_is_shown(&fixture->bench, row_of(fixture, "dlv trace")));
	assert_true(bench_is_shown(&fixture->bench, row_of(fixture, "dlv trace --ebpf")));
	assert_false(bench_is_shown(&fixture->bench, row_of(fixture, "gdb")));
	assert_null(bench_find_row(&fixture->bench, "delve", "gdb"));
	assert_null(bench_find_row(&fixture->bench, "leaf", "untraced"));
	assert_ptr_equal(bench_find_row(&fixture->bench, "delve", "untraced"), &fixture->rows[0]);
}

// --- The table -----------------------------------------------------------------------------------

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void test_table(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_table);
	assert_has(text, "A processor, 2 CPUs, Linux 6.1.0, go1.27.3; medians of 3 rounds\n");
	assert_has(text, "\ndelve: what it is; a call takes 20 µs untraced\n");
	assert_has(text, "\nuntraced                 20000     19800-20400      1.00          ");
	assert_has(
		text,
		"\nebpf entry               21000     20800-21400      1.05      2.00      0.10  "
		"    3003       0     5%  ██");
	assert_has(text,
		   "       100       7     0%  ████████████████████████  killed the program\n");
	assert_has(text, "\ndlv trace --ebpf                        failed    ");
	assert_has(text, "\ndelve, dlv trace --ebpf: no such <luck> & \"more\"\n");
	assert_null(strstr(text, "gdb"));
	assert_null(strstr(text, "nan"));
}

static void test_notes(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 1; i < 3; i++)
		strcpy(fixture->rows[i].note, "not permitted");
	strcpy(fixture->bench.note, "Not installed: gdb");
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_table);
	assert_has(
		text,
		"\n\nNot installed: gdb\n\ndelve, uprobe entry; delve, uprobe entry+return: not permitted\n\n"
		"delve, dlv trace --ebpf: no such <luck> & \"more\"\n");
}

static void test_program_note(void **state)
{
	struct fixture *fixture = *state;
	struct bench *bench = &fixture->bench;
	bench->num_rows = 0;
	struct bench_row *untraced =
		add(fixture, "p", "untraced", BENCH_UNTRACED, false, (double[]){0, 0, 0});
	struct bench_row *traced =
		add(fixture, "p", "ebpf entry", BENCH_EBPF, false, (double[]){5, 5, 5});
	for (size_t i = 0; i < ROUNDS; i++)
		untraced->wall[i] = 2;
	bench_program_note(bench, 0);
	assert_string_equal(bench->note, "");
	bench_program_note(bench, 3 << 8); // as of waitpid
	assert_string_equal(bench->note, "The program ends with status 3, untraced too.");
	bench_program_note(bench, 11);
	assert_string_equal(bench->note, "The program is ended by signal 11, untraced too.");
	for (size_t i = 0; i < ROUNDS; i++)
		untraced->wall[i] = 0.0123;
	bench_program_note(bench, 3 << 8);
	assert_string_equal(
		bench->note,
		"The program ends with status 3, untraced too. It ran for 12.3 ms only: "
		"the costs of calls are hardly more than noise.");
	memset(traced->made, 0, sizeof(traced->made));
	bench_program_note(bench, 0);
	assert_non_null(strstr(bench->note, "It called none of the functions: "));
	assert_null(strstr(bench->note, "12.3"));
}

static void test_story(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_table);
	assert_has(
		text,
		"\n\nA call of 20 µs takes 21 µs with its entry traced by eBPF, 26 µs with entry "
		"and return, 26.5 µs\n"
		"with all values; by ptrace 30 µs with its entry, 44.2 µs with entry and return; "
		"under dlv trace\n1.82 ms.\n");
	fixture->bench.num_rows = 3; // nothing of eBPF
	CLEANUP_FREE char *less = print(&fixture->bench, bench_print_table);
	assert_null(strstr(less, "A call of"));
}

// --- Go's benchmark format -----------------------------------------------------------------------

// Each line is one of those that the format knows: "key: value", or name, count, and pairs of value and unit.
static size_t check_benchfmt(char *text)
{
	size_t results = 0;
	for (char *line, *rest = text; (line = strsep(&rest, "\n")) && (rest || *line);) {
		if (strncmp(line, "Benchmark", 9) != 0) {
			char *colon = strstr(line, ": ");
			assert_non_null(colon);
			assert_int_equal(strspn(line, "abcdefghijklmnopqrstuvwxyz-"), colon - line);
			assert_true(colon[2] != '\0');
			continue;
		}
		results++;
		assert_true(line[9] >= 'A' && line[9] <= 'Z');
		size_t fields = 0;
		for (char *field; (field = strsep(&line, " ")); fields++) {
			char *end;
			assert_true(*field != '\0');
			if (fields == 1)
				assert_true(strtoul(field, &end, 10) > 0 && !*end);
			else if (fields > 1 && fields % 2 == 0)
				assert_true(isfinite(strtod(field, &end)) && !*end);
		}
		assert_true(fields >= 4 && fields % 2 == 0);
	}
	return results;
}

static void test_benchfmt(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_benchfmt);
	assert_has(text, "goos: linux\ngoarch: amd64\npkg: gotrace\ncpu: A processor\n"
			 "kernel: Linux 6.1.0\ntarget-go: go1.27.3\n");
	assert_has(text, "\nBenchmarkDelve/untraced 1000 20000 ns/op\n"
			 "BenchmarkDelve/untraced 1001 20400 ns/op\n"
			 "BenchmarkDelve/untraced 1002 19800 ns/op\n");
	assert_has(text, "\nBenchmarkDelve/ebpf_entry+return 1000 26000 ns/op\n");
	assert_has(text, "\nBenchmarkDelve/ebpf_depth_2 ");
	assert_has(text, "\nBenchmarkDelve/dlv_trace 1000 1820000 ns/op\n");
	assert_int_equal(check_benchfmt(text), 8 * ROUNDS - 1 + 1);
}

static void test_benchfmt_small(void **state)
{
	struct fixture *fixture = *state;
	fixture->bench.num_rows = 0;
	add(fixture, "leaf", "untraced", BENCH_UNTRACED, false, (double[]){0.29834, 2.5, 999.97});
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_benchfmt);
	assert_has(text, " 1000 0.2983 ns/op\n");
	assert_has(text, " 1001 2.5 ns/op\n");
	assert_has(text, " 1002 1000 ns/op\n");
}

// A program's name may hold anything.
static void test_benchfmt_names(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[][2] = {
		{"my prog-2", "BenchmarkMy_prog_2/untraced 1 "},
		{"9p", "BenchmarkP9p/untraced 1 "},
		{"a=b\n\xff/c", "BenchmarkA_b___c/untraced 1 "},
		{"x-86-64", "BenchmarkX-86_64/untraced 1 "},
	};
	fixture->bench.is_program = true;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		fixture->bench.num_rows = 0;
		struct bench_row *row = add(fixture, names[i][0], "untraced", BENCH_UNTRACED, false,
					    (double[]){0, 0, 0});
		row->wall[0] = 0.25;
		row->cpu[0] = 0.125;
		CLEANUP_FREE char *text = print(&fixture->bench, bench_print_benchfmt);
		assert_has(text, names[i][1]);
		assert_has(text, "/untraced 1 250000000 ns/op 125000000 cpu-ns/op\n");
		assert_int_equal(check_benchfmt(text), 1);
	}
}

// --- JSON ----------------------------------------------------------------------------------------

static void assert_keys(json_t *object, const char *keys)
{
	char found[256] = "";
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		strcat(found, *found ? " " : "");
		strcat(found, key);
	}
	assert_string_equal(found, keys);
}

static void test_json(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_json);
	assert_has(text,
		   "{\"workload\":\"delve\",\"name\":\"untraced\",\"ns_per_call\":20000,"
		   "\"spread\":[19800,20400],\"ratio\":1,\"kept\":0,\"lost\":0,\"tracer_cpu\":0,"
		   "\"survived\":true}");
	assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
	json_t *whole = json_loads(text, 0, NULL);
	assert_non_null(whole);
	assert_keys(whole, "machine bench");
	assert_keys(json_object_get(whole, "machine"), "cpu cpus kernel go gotrace rounds");
	json_t *rows = json_object_get(whole, "bench"), *row;
	assert_int_equal(json_array_size(rows), 10); // all but gdb
	size_t i;
	json_array_foreach(rows, i, row)
	{
		bool has_note = json_object_get(row, "note") != NULL;
		assert_keys(row, has_note ? "workload name ns_per_call spread ratio kept lost "
					    "tracer_cpu survived note"
					  : "workload name ns_per_call spread ratio kept lost "
					    "tracer_cpu survived");
	}
	row = json_array_get(rows, 8);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "dlv trace");
	assert_false(json_boolean_value(json_object_get(row, "survived")));
	assert_int_equal(json_integer_value(json_object_get(row, "lost")), 7);
	row = json_array_get(rows, 9);
	assert_true(json_is_null(json_object_get(row, "ns_per_call")));
	assert_true(json_is_null(json_array_get(json_object_get(row, "spread"), 0)));
	json_decref(whole);
}

static void test_json_program(void **state)
{
	struct fixture *fixture = *state;
	fixture->bench.num_rows = 0;
	fixture->bench.is_program = true;
	struct bench_row *row =
		add(fixture, "\xff\"", "ebpf entry", BENCH_EBPF, false, (double[]){-3.5, 2, NAN});
	row->wall[0] = row->wall[1] = 0.25;
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_json);
	assert_has(text, "\"ns_per_call\":-0.75,\"spread\":[-3.5,2],\"ratio\":null,");
	assert_has(text, ",\"wall_seconds\":0.25,\"cpu_seconds\":null}");
	json_t *whole = json_loads(text, 0, NULL);
	assert_non_null(whole);
	json_decref(whole);
}

// --- SVG -----------------------------------------------------------------------------------------

// Elements nest, attributes are quoted, no character stands where it must be escaped.
static size_t check_xml(const char *text)
{
	char stack[16][16];
	size_t depth = 0, elements = 0;
	const char *c = text;
	while (*c && !(depth == 0 && elements)) {
		if (*c != '<') {
			assert_true(depth > 0);
			assert_true(*c != '>');
			assert_true(*c != '&' || !strncmp(c, "&lt;", 4) || !strncmp(c, "&amp;", 5));
			c++;
			continue;
		}
		bool is_end = c[1] == '/';
		c += 1 + is_end;
		size_t len = strspn(c, "abcdefghijklmnopqrstuvwxyz");
		assert_true(len > 0 && len < sizeof(stack[0]));
		char name[16] = "";
		memcpy(name, c, len);
		for (c += len; *c == ' ';) {
			c += 1 +
			     strspn(c + 1,
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789");
			assert_true(c[0] == '=' && c[1] == '"');
			c += 2 + strcspn(c + 2, "\"<&");
			assert_true(*c++ == '"');
		}
		bool is_empty = *c == '/';
		c += is_empty;
		assert_true(*c++ == '>');
		if (is_end) {
			assert_true(depth > 0);
			assert_string_equal(stack[--depth], name);
			continue;
		}
		elements++;
		if (!is_empty) {
			assert_true(depth < sizeof(stack) / sizeof(*stack));
			strcpy(stack[depth++], name);
		}
	}
	assert_int_equal(depth, 0);
	assert_string_equal(c, "\n");
	return elements;
}

static size_t count(const char *text, const char *part)
{
	size_t num = 0;
	for (; (text = strstr(text, part)); text++)
		num++;
	return num;
}

static void test_svg(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_svg);
	assert_true(!strncmp(text, "<svg xmlns=\"", 12));
	assert_true(check_xml(text) > 9);
	assert_int_equal(count(text, "<rect "), 9); // those that were measured
	assert_has(text, ">21 µs</text>");
	assert_has(text, ">1.82 ms (killed the program)</text>");
	assert_null(strstr(text, "nan"));
}

static void test_svg_names(void **state)
{
	struct fixture *fixture = *state;
	fixture->bench.num_rows = 0;
	add(fixture, "a<b&\"c\xff\n", "ebpf entry", BENCH_EBPF, false, (double[]){0, -5, 1e30});
	CLEANUP_FREE char *text = print(&fixture->bench, bench_print_svg);
	check_xml(text);
	assert_has(text, ">a&lt;b&amp;\"c?\?</text>");
	fixture->bench.num_rows = 0;
	CLEANUP_FREE char *empty = print(&fixture->bench, bench_print_svg);
	check_xml(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_median_of_too_many),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_summary),
		cmocka_unit_test_setup_teardown(test_ratios, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_cost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_program_note, setup, teardown),
		cmocka_unit_test_setup_teardown(test_story, setup, teardown),
		cmocka_unit_test_setup_teardown(test_benchfmt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_benchfmt_small, setup, teardown),
		cmocka_unit_test_setup_teardown(test_benchfmt_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_svg, setup, teardown),
		cmocka_unit_test_setup_teardown(test_svg_names, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
