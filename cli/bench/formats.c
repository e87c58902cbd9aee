// SPDX-License-Identifier: GPL-2.0-or-later
// The table of formats, and the two for programs: Go's benchmark text format and JSON.
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench/bench.h"
#include "cli/json.h"

// --- Go's benchmark format -----------------------------------------------------------------------

// Replaces characters by "_", as Go's testing package does with spaces. To benchstat, a "/", a "="
// and a "-" before a number at the end have a meaning, and all must be UTF-8.
static void write_name(const char *name, FILE *out)
{
	for (size_t i = 0; name[i]; i++) {
		bool is_kept = isalnum((unsigned char)name[i]) || strchr(".+-", name[i]);
		bool is_last_dash = name[i] == '-' && name[i + 1] &&
				    !name[i + 1 + strspn(name + i + 1, "0123456789")];
		fputc(is_kept && !is_last_dash ? name[i] : '_', out);
	}
}

// Writes "BenchmarkTypical/ebpf_depth_2". The format requires a capital letter after "Benchmark".
static void write_names(const struct bench_row *row, FILE *out)
{
	fputs("Benchmark", out);
	unsigned char first = (unsigned char)row->workload[0];
	if (isalpha(first))
		fputc(toupper(first), out);
	else
		fputc('P', out);
	write_name(isalpha(first) ? row->workload + 1 : row->workload, out);
	fputc('/', out);
	write_name(row->name, out);
}

static void write_pair(double value, const char *unit, FILE *out)
{
	if (!isnan(value))
		fprintf(out, fabs(value) < 1000 ? " %.4g %s" : " %.0f %s", value, unit);
}

// Writes one line per round, so that benchstat sees the spread. A program's run is one iteration.
static void write_round(const struct bench *bench, const struct bench_row *row, uint64_t round,
			FILE *out)
{
	if (isnan(bench->is_program ? row->wall[round] : row->ns[round]))
		return;
	write_names(row, out);
	if (bench->is_program) {
		fputs(" 1", out);
		write_pair(row->wall[round] * 1e9, "ns/op", out);
		write_pair(row->cpu[round] * 1e9, "cpu-ns/op", out);
		if (row->kind != BENCH_UNTRACED)
			write_pair(row->ns[round], "ns/call", out);
	} else {
		fprintf(out, " %" PRIu64, row->made[round]);
		write_pair(row->ns[round], "ns/op", out);
	}
	fputc('\n', out);
}

void bench_print_benchfmt(const struct bench *bench, FILE *out)
{
	fprintf(out, "goos: linux\ngoarch: amd64\npkg: gotrace\ncpu: %s\nkernel: %s\n",
		bench->machine.cpu, bench->machine.kernel);
	if (*bench->go)
		fprintf(out, "target-go: %s\n", bench->go);
	for (size_t i = 0; i < bench->num_rows; i++)
		for (uint64_t j = 0; j < bench->rounds; j++)
			write_round(bench, &bench->rows[i], j, out);
}

// --- JSON ----------------------------------------------------------------------------------------

// A number with four digits, or null if it is not finite.
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
		json_pack("{s:o, s:s, s:o, s:[o, o], s:o, s:I, s:I, s:o, s:b}", "workload",
			  json_text(row->workload), "name", row->name, "ns_per_call",
			  number(bench_median(row->ns, bench->rounds)), "spread", number(low),
			  number(high), "ratio", number(bench_median(row->ratios, bench->rounds)),
			  "kept", (json_int_t)row->kept, "lost", (json_int_t)row->lost,
			  "tracer_cpu", number(bench_cpu_percent(row)), "survived", row->survived);
	if (bench->is_program && json) {
		json_object_set_new(json, "wall_seconds",
				    number(bench_median(row->wall, bench->rounds)));
		json_object_set_new(json, "cpu_seconds",
				    number(bench_median(row->cpu, bench->rounds)));
	}
	if (row->note[0] && json)
		json_object_set_new(json, "note", json_text(row->note));
	return json;
}

void bench_print_json(const struct bench *bench, FILE *out)
{
	const struct bench_machine *machine = &bench->machine;
	json_t *rows = json_array();
	for (size_t i = 0; i < bench->num_rows; i++)
		if (bench_is_shown(bench, &bench->rows[i]))
			json_array_append_new(rows, row_json(bench, &bench->rows[i]));
	json_t *whole =
		json_pack("{s:{s:o, s:I, s:s, s:s, s:s, s:I}, s:o}", "machine", "cpu",
			  json_text(machine->cpu), "cpus", (json_int_t)machine->cpus, "kernel",
			  machine->kernel, "go", bench->go, "gotrace", GOTRACE_VERSION, "rounds",
			  (json_int_t)bench->rounds, "bench", rows);
	json_print(whole, out);
}

const struct bench_format *const bench_formats[] = {
	&(const struct bench_format){"table", bench_print_table},
	&(const struct bench_format){"benchfmt", bench_print_benchfmt},
	&(const struct bench_format){"json", bench_print_json},
	NULL,
};
