// SPDX-License-Identifier: GPL-2.0-or-later
// Floats, durations and times as Go prints them.
#include "tracer/event/value/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct decimal { // 0.DIGITS * 10^point
	char digits[32];
	int num, point;
};

static void trim_zeros(struct decimal *decimal)
{
	while (decimal->num > 1 && decimal->digits[decimal->num - 1] == '0')
		decimal->num--;
}

static bool is_halfway_single(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return (bits & 0x1fffffff) == 0x10000000;
}

// A fast path: most floats in programs have few decimals. If a decimal of at most 15 digits (6 for
// a float32) reads back as value, no other decimal that short does. integer / powers[k] rounds as
// reading the decimal would.
static bool few_decimals(double value, bool is_single, struct decimal *out)
{
	static const double powers[] = {1e0,  1e1,  1e2,  1e3,	1e4,  1e5,  1e6,  1e7,
					1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	double limit = is_single ? 1e6 : 1e15;
	for (unsigned k = 0; k < sizeof(powers) / sizeof(*powers); k++) {
		double scaled = value * powers[k];
		if (scaled >= limit)
			return false;
		uint64_t integer = (uint64_t)(scaled + 0.5);
		double back = (double)integer / powers[k];
		if (is_single ? is_halfway_single(back) || (float)back != (float)value
			      : back != value)
			continue;
		char digits[20];
		int num = 0;
		for (; integer; integer /= 10)
			digits[num++] = (char)('0' + integer % 10);
		for (int i = 0; i < num; i++)
			out->digits[i] = digits[num - 1 - i];
		out->num = num;
		out->point = num - (int)k;
		trim_zeros(out);
		return true;
	}
	return false;
}

static bool reads_back(const char *number, double value, bool is_single)
{
	return is_single ? strtof(number, NULL) == (float)value : strtod(number, NULL) == value;
}

// Adds one to the last digit of "D.DDDe+XX". Returns false if that would carry out of the first
// digit.
static bool next_up(char *number)
{
	char *at = strchr(number, 'e');
	while (at > number) {
		at--;
		if (*at == '.')
			continue;
		if (*at != '9') {
			(*at)++;
			return true;
		}
		*at = '0';
	}
	return false;
}

// The interval of numbers that read back as a power of two is wider above it than below. The
// nearest decimal with a given number of digits may be outside the interval while the next larger
// one is inside.
static bool is_power_of_two(double value)
{
	int exponent;
	return frexp(value, &exponent) == 0.5;
}

static void many_decimals(double value, bool is_single, struct decimal *out)
{
	bool is_normal = value >= (is_single ? 0x1p-126 : 0x1p-1022);
	int precision = is_normal ? is_single ? 6 : 15 : 1;
	char number[48];
	for (int last = is_single ? 9 : 17;; precision++) {
		snprintf(number, sizeof(number), "%.*e", precision - 1, value);
		if (precision >= last || reads_back(number, value, is_single))
			break;
		if (is_power_of_two(value) && next_up(number) &&
		    reads_back(number, value, is_single))
			break;
	}
	out->num = 0;
	const char *at = number;
	for (; *at && *at != 'e'; at++)
		if (*at != '.')
			out->digits[out->num++] = *at;
	out->point = (*at ? atoi(at + 1) : 0) + 1;
	trim_zeros(out);
}

static void put_zeros(struct text *out, int num)
{
	for (int i = 0; i < num; i++)
		text_putc(out, '0');
}

// Writes a decimal as strconv's 'g' with the fewest digits: with an exponent below 1e-4 and from
// 1e6 on.
static void put_decimal(const struct decimal *decimal, struct text *out)
{
	int exponent = decimal->point - 1;
	if (exponent < -4 || exponent >= 6) {
		text_putc(out, decimal->digits[0]);
		if (decimal->num > 1) {
			text_putc(out, '.');
			text_append(out, decimal->digits + 1, (size_t)decimal->num - 1);
		}
		text_putc(out, 'e');
		text_putc(out, exponent < 0 ? '-' : '+');
		exponent = abs(exponent);
		if (exponent < 10)
			text_putc(out, '0');
		text_u64(out, (uint64_t)exponent);
	} else if (decimal->point <= 0) {
		text_append(out, "0.", 2);
		put_zeros(out, -decimal->point);
		text_append(out, decimal->digits, (size_t)decimal->num);
	} else if (decimal->point >= decimal->num) {
		text_append(out, decimal->digits, (size_t)decimal->num);
		put_zeros(out, decimal->point - decimal->num);
	} else {
		text_append(out, decimal->digits, (size_t)decimal->point);
		text_putc(out, '.');
		text_append(out, decimal->digits + decimal->point,
			    (size_t)(decimal->num - decimal->point));
	}
}

void value_float(double value, bool is_single, struct text *out)
{
	if (isnan(value)) {
		text_puts(out, "NaN");
		return;
	}
	if (isinf(value)) {
		text_puts(out, value < 0 ? "-Inf" : "+Inf");
		return;
	}
	if (signbit(value)) {
		text_putc(out, '-');
		value = -value;
	}
	if (value == 0) {
		text_putc(out, '0');
		return;
	}
	struct decimal decimal;
	if (!few_decimals(value, is_single, &decimal))
		many_decimals(value, is_single, &decimal);
	put_decimal(&decimal, out);
}

// Writes "." and the digits of fraction / 10^width without trailing zeros; nothing for 0.
static void put_fraction(uint64_t fraction, unsigned width, struct text *out)
{
	if (!fraction)
		return;
	char digits[10] = ".";
	for (unsigned i = width; i > 0; i--, fraction /= 10)
		digits[i] = (char)('0' + fraction % 10);
	while (digits[width] == '0')
		width--;
	text_append(out, digits, width + 1);
}

void value_duration(int64_t ns, struct text *out)
{
	static const struct {
		const char *name;
		uint64_t ns;
		unsigned width;
	} units[] = {{"ns", 1, 0}, {"\xc2\xb5s", 1000, 3}, {"ms", 1000000, 6}};
	uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	if (ns < 0)
		text_putc(out, '-');
	if (left && left < 1000000000) {
		unsigned i = left < 1000 ? 0 : left < 1000000 ? 1 : 2;
		text_u64(out, left / units[i].ns);
		put_fraction(left % units[i].ns, units[i].width, out);
		text_puts(out, units[i].name);
		return;
	}
	uint64_t seconds = left / 1000000000;
	if (seconds >= 3600) {
		text_u64(out, seconds / 3600);
		text_putc(out, 'h');
	}
	if (seconds >= 60) {
		text_u64(out, seconds / 60 % 60);
		text_putc(out, 'm');
	}
	text_u64(out, seconds % 60);
	put_fraction(left % 1000000000, 9, out);
	text_putc(out, 's');
}

static void put_padded(uint64_t value, unsigned width, struct text *out)
{
	uint64_t limit = 10;
	for (unsigned i = 1; i < width; i++, limit *= 10)
		if (value < limit)
			text_putc(out, '0');
	text_u64(out, value);
}

void value_time(int64_t unix_seconds, uint32_t ns, struct text *out)
{
	int64_t days = unix_seconds / 86400, second = unix_seconds % 86400;
	if (second < 0) {
		second += 86400;
		days--;
	}
	// Count days from 0000-03-01: a leap day is then the last day of its year, and the days of
	// every 400 years are the same.
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	uint64_t day = (uint64_t)(days - era * 146097);
	uint64_t year_of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year_of_era + year_of_era / 4 - year_of_era / 100;
	uint64_t march_month = (5 * day + 2) / 153;
	day -= (153 * march_month + 2) / 5;
	uint64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
	int64_t year = (int64_t)year_of_era + era * 400 + (month <= 2);

	if (year < 0)
		text_putc(out, '-');
	put_padded(year < 0 ? -(uint64_t)year : (uint64_t)year, 4, out);
	text_putc(out, '-');
	put_padded(month, 2, out);
	text_putc(out, '-');
	put_padded(day + 1, 2, out);
	text_putc(out, 'T');
	put_padded((uint64_t)second / 3600, 2, out);
	text_putc(out, ':');
	put_padded((uint64_t)second / 60 % 60, 2, out);
	text_putc(out, ':');
	put_padded((uint64_t)second % 60, 2, out);
	put_fraction(ns, 9, out);
	text_putc(out, 'Z');
}
