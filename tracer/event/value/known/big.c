// SPDX-License-Identifier: GPL-2.0-or-later
// The package math/big: numbers in decimal.
#include "tracer/event/value/known/known.h"

enum { WORDS_MAX = 64, DIGITS = 18 }; // decimal digits of one division

// Reads the words of a number, the lowest first.
static bool read_words(const struct known_value *number, uint64_t words[WORDS_MAX], size_t *num)
{
	struct known_value word;
	int64_t value;
	uint64_t len;
	if (!known_len(number, "abs", &len) || len > WORDS_MAX)
		return false;
	for (uint64_t i = 0; i < len; i++) {
		if (!known_elem(number, "abs", i, &word) || !known_number(&word, "", &value))
			return false;
		words[i] = (uint64_t)value;
	}
	*num = len;
	return true;
}

// Divides the words by 10^DIGITS and returns the remainder.
static uint64_t divide(uint64_t words[WORDS_MAX], size_t *num)
{
	unsigned __int128 rest = 0;
	for (size_t i = *num; i-- > 0;) {
		rest = rest << 64 | words[i];
		words[i] = (uint64_t)(rest / 1000000000000000000u);
		rest %= 1000000000000000000u;
	}
	while (*num && !words[*num - 1])
		--*num;
	return (uint64_t)rest;
}

static bool put_number(const struct known_value *number, bool *is_zero, struct text *out)
{
	uint64_t words[WORDS_MAX], parts[2 * WORDS_MAX];
	size_t num, num_parts = 0;
	int64_t is_negative;
	if (!known_number(number, "neg", &is_negative) || !read_words(number, words, &num))
		return false;
	*is_zero = !num;
	do
		parts[num_parts++] = divide(words, &num);
	while (num);
	text_printf(out, "%s%llu", is_negative ? "-" : "",
		    (unsigned long long)parts[num_parts - 1]);
	for (size_t i = num_parts - 1; i-- > 0;)
		text_printf(out, "%018llu", (unsigned long long)parts[i]);
	return true;
}

static bool put_int(const struct known_value *number, struct text *out)
{
	bool is_zero;
	return put_number(number, &is_zero, out);
}

static bool put_rat(const struct known_value *number, struct text *out)
{
	struct known_value a, b;
	bool is_zero;
	if (!known_get(number, "a", &a) || !known_get(number, "b", &b) ||
	    !put_number(&a, &is_zero, out))
		return false;
	text_putc(out, '/');
	size_t len = out->len;
	if (!put_number(&b, &is_zero, out))
		return false;
	if (is_zero) { // a denominator that is not set
		out->len = len;
		text_putc(out, '1');
	}
	return true;
}

const struct known_row known_big[] = {
	{"math/big.Int", put_int, KNOWN_POINTER},
	{"math/big.Rat", put_rat, KNOWN_POINTER},
	{0},
};
