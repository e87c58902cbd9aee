// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/count/histogram.h"

#include <stdio.h>

#include "tracer/output/format.h"

enum { SUB_BITS = 3, SUB = 1 << SUB_BITS, BAR_COLUMNS = 52 };

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
	histogram->total++;
}

bool histogram_quantile(const struct histogram *histogram, double quantile, uint64_t *low,
			uint64_t *high)
{
	double rank = quantile * (double)histogram->total; // numbers below the quantile
	uint64_t below = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += histogram->count[i];
		if (!histogram->count[i] || ((double)below < rank && below < histogram->total))
			continue;
		*low = histogram_start(i);
		*high = histogram_start(i + 1);
		return true;
	}
	return false;
}

// Writes a power of two with a unit: 512, 1K, 2M.
static void print_power(uint64_t value, struct text *out)
{
	static const char units[] = {0, 'K', 'M', 'G', 'T', 'P', 'E'};
	unsigned unit = 0;
	while (value >= 1024 && value % 1024 == 0) {
		value /= 1024;
		unit++;
	}
	text_printf(out, "%llu", (unsigned long long)value);
	if (unit)
		text_putc(out, units[unit]);
}

// Row 0 is for zero alone, row n for [2^(n-1), 2^n).
static uint64_t row_start(uint32_t row)
{
	return row ? 1ull << (row - 1) : 0;
}

static uint32_t row_of(uint64_t value)
{
	return value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
}

static void print_row(uint32_t row, uint64_t count, uint64_t most, bool is_time, struct text *out)
{
	enum { RANGE_COLUMNS = 16 };
	void (*print_bound)(uint64_t, struct text *) = is_time ? format_duration : print_power;
	size_t start = out->len;
	text_putc(out, '[');
	print_bound(row_start(row), out);
	if (row) {
		text_puts(out, ", ");
		print_bound(row < 64 ? row_start(row + 1) : UINT64_MAX, out);
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

void histogram_print(const struct histogram *histogram, bool is_time, struct text *out)
{
	enum { ROWS = 65 };
	uint64_t rows[ROWS] = {0}, most = 0;
	uint32_t first = ROWS, last = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!histogram->count[i])
			continue;
		uint32_t row = row_of(histogram_start(i));
		rows[row] += histogram->count[i];
		if (row < first)
			first = row;
		last = row;
		if (rows[row] > most)
			most = rows[row];
	}
	for (uint32_t row = first; row <= last && most; row++)
		print_row(row, rows[row], most, is_time, out);
}
