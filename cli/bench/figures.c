// SPDX-License-Identifier: GPL-2.0-or-later
// Computes the figures from the rounds: medians, spreads and ratios.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/bench/bench.h"

static const double SHORT_RUN = 0.1; // seconds

void bench_row_init(struct bench_row *row, const struct bench_variant *variant)
{
	*row = (struct bench_row){
		.variant = variant,
		.name = variant->name,
		.kind = variant->kind,
		.has_return = variant->has_return,
		.survived = true,
	};
	for (size_t i = 0; i < BENCH_ROUNDS_MAX; i++)
		row->ns[i] = row->wall[i] = row->cpu[i] = row->ratios[i] = row->of_floor[i] =
			row->of_ptrace[i] = NAN;
}

double bench_cpu_percent(const struct bench_row *row)
{
	return row->measured_ns > 0 ? 100 * row->tracer_ns / row->measured_ns : 0;
}

bool bench_is_shown(const struct bench *bench, const struct bench_row *row)
{
	const double *measured = bench->is_program ? row->wall : row->ns;
	return row->has_failed || !row->survived || !isnan(bench_median(measured, bench->rounds));
}

const struct bench_row *bench_find_row(const struct bench *bench, const char *workload,
				       const char *name)
{
	for (size_t i = 0; i < bench->num_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		if (!strcmp(row->workload, workload) && !strcmp(row->name, name) &&
		    !isnan(bench_median(row->ns, bench->rounds)))
			return row;
	}
	return NULL;
}

struct bench_summary bench_read_summary(const char *text)
{
	for (const char *line = text; *line;) {
		struct bench_summary summary = {0};
		int len = 0;
		if (sscanf(line,
			   "gotrace: %*u function%*[s,] %" SCNu64 " call%*[s,] %" SCNu64
			   " return%*[s,] %" SCNu64 " lost",
			   &summary.calls, &summary.returns, &summary.lost) == 3)
			return summary;
		// gotrace count and hist report only a number of calls, which all have returned.
		if (sscanf(line, "gotrace: %*u function%*[s,] %" SCNu64 " call%n", &summary.calls,
			   &len) == 1 &&
		    len && !strstr(line, " lost")) {
			summary.returns = summary.calls;
			return summary;
		}
		const char *end = strchr(line, '\n');
		if (!end)
			break;
		line = end + 1;
	}
	return (struct bench_summary){0};
}

// --- Medians -------------------------------------------------------------------------------------

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static uint64_t sort_known(const double *values, uint64_t num, double *sorted)
{
	uint64_t known = 0;
	for (uint64_t i = 0; i < num && i < BENCH_ROUNDS_MAX; i++)
		if (!isnan(values[i]))
			sorted[known++] = values[i];
	qsort(sorted, known, sizeof(*sorted), compare);
	return known;
}

double bench_median(const double *values, uint64_t num)
{
	double sorted[BENCH_ROUNDS_MAX];
	uint64_t known = sort_known(values, num, sorted);
	if (!known)
		return NAN;
	return (sorted[(known - 1) / 2] + sorted[known / 2]) / 2;
}

void bench_spread(const double *values, uint64_t num, double *low, double *high)
{
	double sorted[BENCH_ROUNDS_MAX];
	uint64_t known = sort_known(values, num, sorted);
	*low = known ? sorted[0] : NAN;
	*high = known ? sorted[known - 1] : NAN;
}

// --- Ratios --------------------------------------------------------------------------------------

const struct bench_row *bench_find_kind(const struct bench *bench, const struct bench_row *like,
					enum bench_kind kind, bool has_return)
{
	for (size_t i = 0; i < bench->num_rows; i++) {
		const struct bench_row *row = &bench->rows[i];
		if (!strcmp(row->workload, like->workload) && row->kind == kind &&
		    row->has_return == has_return)
			return row;
	}
	return NULL;
}

static double quotient(double cost, const struct bench_row *other, double base, uint64_t round)
{
	double other_cost = other ? other->ns[round] - base : NAN;
	return other_cost > 0 && cost > 0 ? cost / other_cost : NAN;
}

void bench_compare(struct bench *bench)
{
	for (size_t i = 0; i < bench->num_rows; i++) {
		struct bench_row *row = &bench->rows[i];
		const struct bench_row *base = bench_find_kind(bench, row, BENCH_UNTRACED, false);
		const struct bench_row *floor_row =
			bench_find_kind(bench, row, BENCH_FLOOR, row->has_return);
		const struct bench_row *ptrace =
			bench_find_kind(bench, row, BENCH_PTRACE, row->has_return);
		for (uint64_t j = 0; j < bench->rounds; j++) {
			double base_ns = base ? base->ns[j] : NAN;
			double cost = row->ns[j] - base_ns;
			bool is_base = row->kind == BENCH_UNTRACED;
			row->ratios[j] = is_base ? 1 : row->ns[j] / base_ns;
			row->of_floor[j] = is_base ? NAN : quotient(cost, floor_row, base_ns, j);
			row->of_ptrace[j] = is_base ? NAN : quotient(cost, ptrace, base_ns, j);
		}
	}
}

// --- Notes ---------------------------------------------------------------------------------------

void bench_program_note(struct bench *bench, int status)
{
	struct text note;
	text_init(&note);
	double wall = bench_median(bench->rows[0].wall, bench->rounds);
	bool any_calls = false;
	for (size_t i = 1; i < bench->num_rows; i++)
		for (uint64_t j = 0; j < bench->rounds; j++)
			any_calls |= bench->rows[i].made[j] > 0;
	if (WIFSIGNALED(status))
		text_printf(&note, "The program is ended by signal %d, untraced too.",
			    WTERMSIG(status));
	else if (WEXITSTATUS(status))
		text_printf(&note, "The program ends with status %d, untraced too.",
			    WEXITSTATUS(status));
	const char *blank = note.len ? " " : "";
	if (!any_calls)
		text_printf(
			&note,
			"%sIt called none of the functions: does it need arguments, or a file as "
			"its standard input (< FILE)?",
			blank);
	else if (wall < SHORT_RUN)
		text_printf(
			&note,
			"%sIt ran for %.1f ms only: the costs of calls are hardly more than noise.",
			blank, wall * 1e3);
	snprintf(bench->note, sizeof(bench->note), "%s", text_string(&note));
	text_deinit(&note);
}
