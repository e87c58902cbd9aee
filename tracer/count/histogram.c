// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/count/histogram.h"

#include "tracer/output/format.h"

enum { SUB_BITS = 3, SUB = 1 << SUB_BITS };

uint32_t histogram_bucket(uint64_t value)
{
	if (value < SUB)
		return (uint32_t)value;
	unsigned power = 63 - (unsigned)__builtin_clzll(value);
	uint32_t sub = (uint32_t)(value >> (power - SUB_BITS)) & (SUB - 1);
	return (power - SUB_BITS + 1) * SUB + sub;
}

uint64_t histogram_start(uint32_t bucket)
{
	if (bucket >= HISTOGRAM_BUCKETS)
		return UINT64_MAX;
	if (bucket < SUB)
		return bucket;
	unsigned power = bucket / SUB + SUB_BITS - 1;
	return (uint64_t)(SUB + bucket % SUB) << (power - SUB_BITS);
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->count[histogram_bucket(value)]++;
	histogram->num++;
}

// --- Quantiles -----------------------------------------------------------------------------------

int histogram_quantile(const struct histogram *histogram, double part)
{
	uint64_t so_far = histogram->below;
	if (!histogram->num)
		return HISTOGRAM_NONE;
	double rank = part * (double)histogram->num; // numbers below the quantile
	if (so_far && (double)so_far >= rank)
		return HISTOGRAM_BELOW;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		so_far += histogram->count[i];
		if (histogram->count[i] && ((double)so_far >= rank || so_far == histogram->num))
			return i;
	}
	return HISTOGRAM_ABOVE;
}

static uint64_t bound(const struct histogram_scale *scale, int bucket)
{
	return scale->num_linear
		       ? (uint64_t)scale->linear_min + (uint64_t)bucket * scale->linear_step
		       : histogram_start((uint32_t)bucket);
}

void histogram_write_bound(const struct histogram_scale *scale, int bucket, bool is_json,
			   struct text *out)
{
	if (scale->is_time && !is_json)
		format_duration(bound(scale, bucket), out);
	else if (scale->num_linear)
		text_i64(out, (int64_t)bound(scale, bucket));
	else
		text_u64(out, bound(scale, bucket));
}

void histogram_write_quantile(const struct histogram_scale *scale,
			      const struct histogram *histogram, double part, struct text *out)
{
	int bucket = histogram_quantile(histogram, part);
	if (bucket == HISTOGRAM_NONE) {
		text_putc(out, '-');
	} else if (bucket == HISTOGRAM_BELOW) {
		text_putc(out, '<');
		histogram_write_bound(scale, 0, false, out);
	} else if (bucket == HISTOGRAM_ABOVE) {
		text_puts(out, ">=");
		histogram_write_bound(scale, (int)scale->num_linear, false, out);
	} else {
		histogram_write_bound(scale, bucket, false, out);
		if (bound(scale, bucket + 1) - bound(scale, bucket) == 1)
			return;
		text_putc(out, '-');
		histogram_write_bound(scale, bucket + 1, false, out);
	}
}

// --- Rows ----------------------------------------------------------------------------------------

enum { BAR_COLUMNS = 52, RANGE_COLUMNS = 16, POWERS = 65, ROWS = HISTOGRAM_BUCKETS };

// Writes a power of two with a unit: 512, 1K, 2M.
static void print_power(uint64_t value, struct text *out)
{
	static const char units[] = {0, 'K', 'M', 'G', 'T', 'P', 'E'};
	unsigned unit = 0;
	while (value >= 1024 && value % 1024 == 0) {
		value /= 1024;
		unit++;
	}
	text_u64(out, value);
	if (unit)
		text_putc(out, units[unit]);
}

// Row 0 of the powers of two is for zero alone, row n for [2^(n-1), 2^n).
static uint32_t power_row(uint64_t value)
{
	return value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
}

static void print_row_start(const struct histogram_scale *scale, uint32_t row, struct text *out)
{
	if (scale->num_linear)
		histogram_write_bound(scale, (int)row, false, out);
	else
		(scale->is_time ? format_duration : print_power)(!row		? 0
								 : row < POWERS ? 1ull << (row - 1)
										: UINT64_MAX,
								 out);
}

static void print_row(const struct histogram_scale *scale, uint32_t row, uint64_t count,
		      uint64_t most, struct text *out)
{
	size_t start = out->len;
	text_putc(out, '[');
	print_row_start(scale, row, out);
	if (row || scale->num_linear) {
		text_puts(out, ", ");
		print_row_start(scale, row + 1, out);
		text_putc(out, ')');
	} else {
		text_putc(out, ']');
	}
	size_t columns = format_columns(out, start);
	format_pad(out, columns < RANGE_COLUMNS ? RANGE_COLUMNS - columns : 0);
	text_printf(out, " %12llu |", (unsigned long long)count);
	unsigned bar = (unsigned)((double)count / (double)most * BAR_COLUMNS + 0.5);
	for (unsigned i = 0; i < BAR_COLUMNS; i++)
		text_putc(out, i < bar ? '@' : ' ');
	text_puts(out, "|\n");
}

void histogram_print(const struct histogram *histogram, const struct histogram_scale *scale,
		     struct text *out)
{
	uint64_t rows[ROWS] = {0}, most = 0;
	uint32_t first = ROWS, last = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!histogram->count[i])
			continue;
		uint32_t row = scale->num_linear ? i : power_row(histogram_start(i));
		rows[row] += histogram->count[i];
		if (row < first)
			first = row;
		last = row;
		if (rows[row] > most)
			most = rows[row];
	}
	for (uint32_t row = first; row <= last && most; row++)
		print_row(scale, row, rows[row], most, out);
}
