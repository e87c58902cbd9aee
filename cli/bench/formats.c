// SPDX-License-Identifier: GPL-2.0-or-later
// The table of formats, and the two for programs: Go's benchmark text format and JSON.
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/json.h"
#include "cli/bench/bench.h"

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
	fprintf(out, "goos: linux\ngoarch: %s\npkg: gotrace\ncpu: %s\nkernel: %s\n",
		arch_host()->go_name, bench->machine.cpu, bench->machine.kernel);
	if (*bench->go)
		fprintf(out, "target-go: %s\n", bench->go);
	for (size_t i = 0; i < bench->num_rows; i++)
		for (uint64_t j = 0; j < bench->rounds; j++)
			write_round(bench, &bench->rows[i], j, out);
}

// --- JSON ----------------------------------------------------------------------------------------

// Writes a number with four digits, or null if it is not finite.
static void write_number(double value, struct text *out)
{
	char digits[32];
	snprintf(digits, sizeof(digits), "%.4g", value);
	double rounded = strtod(digits, NULL);
	if (!isfinite(value))
		text_puts(out, "null");
	else if (rounded == floor(rounded) && fabs(rounded) < 1e15)
		text_i64(out, (int64_t)rounded);
	else
		text_puts(out, digits);
}

static void add_number(struct text *out, const char *key, double value)
{
	json_key(out, key);
	write_number(value, out);
}

static void write_row(const struct bench *bench, const struct bench_row *row, struct text *out)
{
	double low, high;
	bench_spread(row->ns, bench->rounds, &low, &high);
	json_item(out);
	text_putc(out, '{');
	json_string(out, "workload", row->workload);
	json_string(out, "name", row->name);
	add_number(out, "ns_per_call", bench_median(row->ns, bench->rounds));
	json_key(out, "spread");
	text_putc(out, '[');
	write_number(low, out);
	text_putc(out, ',');
	write_number(high, out);
	text_putc(out, ']');
	add_number(out, "ratio", bench_median(row->ratios, bench->rounds));
	json_u64(out, "kept", row->kept);
	json_u64(out, "lost", row->lost);
	add_number(out, "tracer_cpu", bench_cpu_percent(row));
	json_bool(out, "survived", row->survived);
	if (bench->is_program) {
		add_number(out, "wall_seconds", bench_median(row->wall, bench->rounds));
		add_number(out, "cpu_seconds", bench_median(row->cpu, bench->rounds));
	}
	if (row->note[0])
		json_string(out, "note", row->note);
	text_putc(out, '}');
}

void bench_print_json(const struct bench *bench, FILE *out)
{
	const struct bench_machine *machine = &bench->machine;
	struct text text;
	text_init(&text);
	text_puts(&text, "{\"machine\":{");
	json_string(&text, "cpu", machine->cpu);
	json_i64(&text, "cpus", machine->cpus);
	json_string(&text, "kernel", machine->kernel);
	json_string(&text, "go", bench->go);
	json_string(&text, "gotrace", GOTRACE_VERSION);
	json_u64(&text, "rounds", bench->rounds);
	text_putc(&text, '}');
	json_key(&text, "bench");
	text_putc(&text, '[');
	for (size_t i = 0; i < bench->num_rows; i++)
		if (bench_is_shown(bench, &bench->rows[i]))
			write_row(bench, &bench->rows[i], &text);
	text_puts(&text, "]}\n");
	fputs(text_string(&text), out);
	text_deinit(&text);
}

const struct bench_format *const bench_formats[] = {
	&(const struct bench_format){"table", bench_print_table},
	&(const struct bench_format){"benchfmt", bench_print_benchfmt},
	&(const struct bench_format){"json", bench_print_json},
	NULL,
};
