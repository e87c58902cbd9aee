// SPDX-License-Identifier: GPL-2.0-or-later
// What came out: a table for people, Go's benchmark text format, JSON.
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/bench.h"
#include "cli/cli.h"

enum { BAR_WIDTH = 24 };

void bench_machine(struct text *cpu, long *cpus, struct text *kernel)
{
	CLEANUP_FREE char *info = bench_read("/proc/cpuinfo");
	const char *line = info ? strstr(info, "model name") : NULL;
	const char *name = line ? strchr(line, ':') : NULL;
	if (name)
		text_printf(cpu, "%.*s", (int)strcspn(name + 2, "\n"), name + 2);
	else
		text_puts(cpu, "unknown CPU");
	*cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname machine;
	uname(&machine);
	text_printf(kernel, "%s %s", machine.sysname, machine.release);
}

static double cpu_percent(const struct bench_row *row)
{
	return row->measured_ns > 0 ? 100 * row->tracer_ns / row->measured_ns : 0;
}

static bool is_shown(const struct bench *bench, const struct bench_row *row)
{
	if (bench->is_program)
		return !row->is_left_out;
	return !row->is_left_out &&
	       (!row->survived || !isnan(bench_median(row->ns, bench->rounds)));
}

// --- The table -----------------------------------------------------------------------------------

static void write_number(FILE *out, double value)
{
	if (isnan(value))
		fputs("          ", out);
	else
		fprintf(out, value >= 1000 ? " %9.0f" : value >= 10 ? " %9.1f" : " %9.2f", value);
}

static void write_bar(FILE *out, double ns, double most)
{
	int len = ns > 1 && most > 1 ? (int)(BAR_WIDTH * log10(ns) / log10(most) + 0.5) : 0;
	fputs("  ", out);
	for (int i = 0; i < len; i++)
		fputs("█", out);
}

static double most_of(const struct bench *bench, const char *workload)
{
	double most = 10;
	for (size_t i = 0; i < bench->num_rows; i++)
		if (!strcmp(bench->rows[i].workload, workload))
			most = fmax(most, bench_median(bench->rows[i].ns, bench->rounds));
	return most;
}

static void write_row(const struct bench *bench, const struct bench_row *row, FILE *out)
{
	double low, high, ns = bench_median(row->ns, bench->rounds);
	bench_spread(row->ns, bench->rounds, &low, &high);
	char spread[32];
	if (isnan(ns) && bench->is_program)
		strcpy(spread, "no calls");
	else if (isnan(ns))
		strcpy(spread, "no answer");
	else
		snprintf(spread, sizeof(spread), "%.*f-%.*f", low < 10, low, high < 10, high);
	fprintf(out, "%-20s", row->name);
	write_number(out, ns);
	fprintf(out, " %15s", spread);
	write_number(out, bench_median(row->ratios, bench->rounds));
	write_number(out, bench_median(row->of_floor, bench->rounds));
	write_number(out, bench_median(row->of_ptrace, bench->rounds));
	if (row->kind >= BENCH_EBPF)
		fprintf(out, " %9lu %7lu %5.0f%%", (unsigned long)row->kept,
			(unsigned long)row->lost, cpu_percent(row));
	else
		fprintf(out, " %9s %7s %6s", "", "", "");
	write_bar(out, ns, most_of(bench, row->workload));
	fprintf(out, "%s\n", row->survived ? "" : " killed the program");
}

static const char *describe(const char *workload)
{
	static const char *const known[][2] = {
		{"leaf", "main.leaf(a, b int) int: no frame"},
		{"typical", "main.work(n int, name string, p *point) int"},
		{"delve", "main.busy(n int, name string) int: about 20 µs of work"},
		{"server", "main.handle(r *request, body []byte) (string, error), four goroutines"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(workload, known[i][0]))
			return known[i][1];
	return "a whole program: its wall and CPU time, and the cost of a traced call";
}

// A program's rows have two columns more.
static void write_times(const struct bench *bench, FILE *out)
{
	fprintf(out, "\n%-20s %9s %9s\n", "", "wall s", "CPU s");
	for (size_t i = 0; i < bench->num_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		if (is_shown(bench, row))
			fprintf(out, "%-20s %9.3f %9.3f\n", row->name,
				bench_median(row->wall, bench->rounds),
				bench_median(row->cpu, bench->rounds));
	}
}

void bench_print_table(const struct bench *bench, FILE *out)
{
	struct text cpu, kernel;
	text_init(&cpu);
	text_init(&kernel);
	long cpus;
	bench_machine(&cpu, &cpus, &kernel);
	fprintf(out, "%s, %ld CPUs, %s%s%s; medians of %lu round%s\n", text_string(&cpu), cpus,
		text_string(&kernel), *bench->go ? ", " : "", bench->go,
		(unsigned long)bench->rounds, bench->rounds == 1 ? "" : "s");
	text_deinit(&cpu);
	text_deinit(&kernel);
	const char *workload = NULL;
	for (size_t i = 0; i < bench->num_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		if (!is_shown(bench, row))
			continue;
		if (!workload || strcmp(workload, row->workload)) {
			workload = row->workload;
			fprintf(out, "\n%s: %s\n", workload, describe(workload));
			fprintf(out, "%-20s %9s %15s %9s %9s %9s %9s %7s %6s  %s\n", "",
				bench->is_program ? "ns cost" : "ns a call", "spread", "/untraced",
				"/floor", "/ptrace", "kept", "lost", "CPU", "log scale");
		}
		write_row(bench, row, out);
	}
	for (size_t i = 0; i < bench->num_rows; i++)
		if (bench->rows[i].note[0])
			fprintf(out, "%s, %s: left out: %s\n", bench->rows[i].workload,
				bench->rows[i].name, bench->rows[i].note);
	if (bench->is_program)
		write_times(bench, out);
}

// --- Go's benchmark format -----------------------------------------------------------------------

// A line a round, so that benchstat sees the spread.
void bench_print_benchfmt(const struct bench *bench, FILE *out)
{
	struct text cpu, kernel;
	text_init(&cpu);
	text_init(&kernel);
	long cpus;
	bench_machine(&cpu, &cpus, &kernel);
	fprintf(out, "goos: linux\ngoarch: amd64\npkg: gotrace\ncpu: %s\nkernel: %s\n",
		text_string(&cpu), text_string(&kernel));
	text_deinit(&cpu);
	text_deinit(&kernel);
	for (size_t i = 0; i < bench->num_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		CLEANUP_FREE char *name = strdup(row->name);
		for (char *c = name; c && *c; c++)
			if (*c == ' ')
				*c = '-';
		for (uint64_t j = 0; name && j < bench->rounds && is_shown(bench, row); j++)
			if (!isnan(row->ns[j]))
				fprintf(out, "Benchmark%c%s/%s %lu %.4g ns/op\n",
					row->workload[0] >= 'a' && row->workload[0] <= 'z'
						? row->workload[0] - 'a' + 'A'
						: row->workload[0],
					row->workload + 1, name,
					(unsigned long)(row->calls / bench->rounds), row->ns[j]);
	}
}

// --- JSON ----------------------------------------------------------------------------------------

// To so many digits, and no NaN.
static json_t *number(double value)
{
	if (!isfinite(value))
		return json_null();
	char text[32];
	snprintf(text, sizeof(text), "%.4g", value);
	double rounded = strtod(text, NULL);
	return rounded == floor(rounded) && fabs(rounded) < 1e15 ? json_integer((json_int_t)rounded)
								 : json_real(rounded);
}

static json_t *row_json(const struct bench *bench, const struct bench_row *row)
{
	double low, high;
	bench_spread(row->ns, bench->rounds, &low, &high);
	json_t *json =
		json_pack("{s:s, s:s, s:o, s:[o, o], s:o, s:I, s:I, s:o, s:b}", "workload",
			  row->workload, "name", row->name, "ns_per_call",
			  number(bench_median(row->ns, bench->rounds)), "spread", number(low),
			  number(high), "ratio", number(bench_median(row->ratios, bench->rounds)),
			  "kept", (json_int_t)row->kept, "lost", (json_int_t)row->lost,
			  "tracer_cpu", number(cpu_percent(row)), "survived", row->survived);
	if (bench->is_program && json) {
		json_object_set_new(json, "wall_seconds",
				    number(bench_median(row->wall, bench->rounds)));
		json_object_set_new(json, "cpu_seconds",
				    number(bench_median(row->cpu, bench->rounds)));
	}
	return json;
}

void bench_print_json(const struct bench *bench, FILE *out)
{
	struct text cpu, kernel;
	text_init(&cpu);
	text_init(&kernel);
	long cpus;
	bench_machine(&cpu, &cpus, &kernel);
	json_t *rows = json_array();
	for (size_t i = 0; i < bench->num_rows; i++)
		if (is_shown(bench, &bench->rows[i]))
			json_array_append_new(rows, row_json(bench, &bench->rows[i]));
	json_t *whole = json_pack("{s:{s:s, s:I, s:s, s:s, s:s, s:I}, s:o}", "machine", "cpu",
				  text_string(&cpu), "cpus", (json_int_t)cpus, "kernel",
				  text_string(&kernel), "go", bench->go, "gotrace", GOTRACE_VERSION,
				  "rounds", (json_int_t)bench->rounds, "bench", rows);
	json_dumpf(whole, out, JSON_COMPACT | JSON_REAL_PRECISION(4));
	fputc('\n', out);
	json_decref(whole);
	text_deinit(&cpu);
	text_deinit(&kernel);
}
