// SPDX-License-Identifier: GPL-2.0-or-later
// The report for people: a table, and a sentence about a call of 20 microseconds.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/bench/bench.h"
#include "cli/cli.h"

enum { BAR_WIDTH = 24, LINE_WIDTH = 100 };

// --- A row ---------------------------------------------------------------------------------------

static void write_number(FILE *out, double value)
{
	if (isnan(value))
		fputs("          ", out);
	else
		fprintf(out,
			fabs(value) >= 1000 ? " %9.0f"
			: fabs(value) >= 10 ? " %9.1f"
					    : " %9.2f",
			value);
}

static void write_bar(FILE *out, double ns, double most)
{
	int len = ns > 1 && most > 1 ? (int)(BAR_WIDTH * log10(ns) / log10(most) + 0.5) : 0;
	fputs(len ? "  " : "", out);
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

static void write_spread(const struct bench *bench, const struct bench_row *row, FILE *out)
{
	double low, high;
	bench_spread(row->ns, bench->rounds, &low, &high);
	char spread[48] = "no calls";
	if (row->kind == BENCH_UNTRACED && bench->is_program)
		spread[0] = '\0';
	else if (isnan(low) && row->has_failed)
		strcpy(spread, "failed");
	else if (isnan(low) && !bench->is_program)
		strcpy(spread, "no answer");
	else if (!isnan(low))
		snprintf(spread, sizeof(spread), "%.*f-%.*f", fabs(low) < 10, low, fabs(high) < 10,
			 high);
	fprintf(out, " %15s", spread);
}

static void write_row(const struct bench *bench, const struct bench_row *row, FILE *out)
{
	double ns = bench_median(row->ns, bench->rounds);
	fprintf(out, "%-20s", row->name);
	write_number(out, row->kind == BENCH_UNTRACED && bench->is_program ? NAN : ns);
	write_spread(bench, row, out);
	write_number(out, bench_median(row->ratios, bench->rounds));
	write_number(out, bench_median(row->of_floor, bench->rounds));
	write_number(out, bench_median(row->of_ptrace, bench->rounds));
	if (row->kind >= BENCH_EBPF && !(row->has_failed && isnan(ns)))
		fprintf(out, " %9" PRIu64 " %7" PRIu64 " %5.0f%%", row->kept, row->lost,
			bench_cpu_percent(row));
	else
		fprintf(out, " %9s %7s %6s", "", "", "");
	write_bar(out, ns, most_of(bench, row->workload));
	fprintf(out, "%s\n", row->survived ? "" : "  killed the program");
}

// --- 20 microseconds -----------------------------------------------------------------------------

// "20.1 µs"
static void add_time(double ns, struct text *out)
{
	double value = ns < 1e3 ? ns : ns < 1e6 ? ns / 1e3 : ns / 1e6;
	text_printf(out, value < 100 ? "%.3g %s" : "%.0f %s", value,
		    ns < 1e3   ? "ns"
		    : ns < 1e6 ? "µs"
			       : "ms");
}

// Writes an empty line and the text, wrapped at LINE_WIDTH.
static void write_paragraph(const char *text, FILE *out)
{
	size_t column = 0;
	fputc('\n', out);
	while (*text) {
		size_t len = strcspn(text, " ");
		bool fits = column + 1 + len <= LINE_WIDTH;
		if (column)
			fputc(fits ? ' ' : '\n', out);
		fprintf(out, "%.*s", (int)len, text);
		column = column && fits ? column + 1 + len : len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

// Writes a sentence about what a call of main.busy costs with each tracer.
static void write_story(const struct bench *bench, FILE *out)
{
	static const char *const parts[][2] = {
		{"ebpf entry", " takes %s with its entry traced by eBPF"},
		{"ebpf entry+return", ", %s with entry and return"},
		{"ebpf depth 2", ", %s with all values"},
		{"ptrace entry", "; by ptrace %s with its entry"},
		{"ptrace entry+return", ", %s with entry and return"},
		{"dlv trace", "; under dlv trace %s"},
	};
	const struct bench_row *untraced = bench_find_row(bench, "delve", "untraced");
	if (!untraced || !bench_find_row(bench, "delve", parts[0][0]))
		return;
	struct text story, time;
	text_init(&story);
	text_init(&time);
	text_puts(&story, "A call of ");
	add_time(bench_median(untraced->ns, bench->rounds), &story);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const struct bench_row *row = bench_find_row(bench, "delve", parts[i][0]);
		if (!row)
			continue;
		text_reset(&time);
		add_time(bench_median(row->ns, bench->rounds), &time);
		const char *place = strstr(parts[i][1], "%s");
		text_printf(&story, "%.*s%s%s", (int)(place - parts[i][1]), parts[i][1],
			    text_string(&time), place + 2);
	}
	text_puts(&story, ".");
	write_paragraph(text_string(&story), out);
	text_deinit(&time);
	text_deinit(&story);
}

// --- The table -----------------------------------------------------------------------------------

// Writes two more columns for the user's own program: its wall and CPU time.
static void write_times(const struct bench *bench, FILE *out)
{
	fprintf(out, "\n%-20s %9s %9s\n", "", "wall s", "CPU s");
	for (size_t i = 0; i < bench->num_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		double wall = bench_median(row->wall, bench->rounds);
		if (!isnan(wall))
			fprintf(out, "%-20s %9.3f %9.3f\n", row->name, wall,
				bench_median(row->cpu, bench->rounds));
	}
}

static void write_head(const struct bench *bench, const struct bench_row *row, FILE *out)
{
	fprintf(out, "\n%s: %s", row->workload, row->description);
	const struct bench_row *untraced = bench_find_row(bench, row->workload, "untraced");
	if (untraced && !bench->is_program) {
		struct text time;
		text_init(&time);
		add_time(bench_median(untraced->ns, bench->rounds), &time);
		fprintf(out, "; a call takes %s untraced", text_string(&time));
		text_deinit(&time);
	}
	fprintf(out, "\n%-20s %9s %15s %9s %9s %9s %9s %7s %6s  %s\n", "",
		bench->is_program ? "ns cost" : "ns a call", "spread", "/untraced", "/floor",
		"/ptrace", "kept", "lost", "CPU", "log scale");
}

// Writes the notes of the rows. A note that several rows have is written once.
static void write_notes(const struct bench *bench, FILE *out)
{
	if (bench->note[0])
		write_paragraph(bench->note, out);
	struct text note;
	text_init(&note);
	for (size_t i = 0; i < bench->num_rows; i++) {
		const char *said = bench->rows[i].note;
		bool is_new = said[0];
		for (size_t j = 0; j < i; j++)
			is_new &= strcmp(bench->rows[j].note, said) != 0;
		if (!is_new)
			continue;
		text_reset(&note);
		for (size_t j = i; j < bench->num_rows; j++)
			if (!strcmp(bench->rows[j].note, said))
				text_printf(&note, "%s%s, %s", note.len ? "; " : "",
					    bench->rows[j].workload, bench->rows[j].name);
		text_printf(&note, ": %s", said);
		write_paragraph(text_string(&note), out);
	}
	text_deinit(&note);
}

void bench_print_table(const struct bench *bench, FILE *out)
{
	const struct bench_machine *machine = &bench->machine;
	fprintf(out, "%s, %ld CPUs, %s%s%s; medians of %" PRIu64 " round%s\n", machine->cpu,
		machine->cpus, machine->kernel, *bench->go ? ", " : "", bench->go, bench->rounds,
		bench->rounds == 1 ? "" : "s");
	const char *workload = NULL;
	for (size_t i = 0; i < bench->num_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		if (!bench_is_shown(bench, row))
			continue;
		if (!workload || strcmp(workload, row->workload)) {
			workload = row->workload;
			write_head(bench, row, out);
		}
		write_row(bench, row, out);
	}
	if (bench->is_program)
		write_times(bench, out);
	else
		write_story(bench, out);
	write_notes(bench, out);
}
