// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/rune.h"

#include <stdlib.h>
#include <string.h>

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

unsigned rune_size(uint8_t first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 0
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
			      : 0;
}

uint32_t rune_read(const uint8_t *bytes, size_t len, unsigned *size)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned need = rune_size(bytes[0]);
	*size = 1;
	if (need == 1)
		return bytes[0];
	if (!need || need > len)
		return RUNE_INVALID;
	uint32_t rune = bytes[0] & (0x7f >> need);
	for (unsigned i = 1; i < need; i++) {
		if (!is_continuation(bytes[i]))
			return RUNE_INVALID;
		rune = rune << 6 | (bytes[i] & 0x3f);
	}
	if (rune < smallest[need] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
		return RUNE_INVALID;
	*size = need;
	return rune;
}

// The blocks whose characters take two columns (Unicode's EastAsianWidth.txt, W and F).
static bool is_wide(uint32_t rune)
{
	static const struct {
		uint32_t first, last;
	} wide[] = {
		{0x1100, 0x115f},   {0x231a, 0x231b},	{0x2329, 0x232a},   {0x23e9, 0x23f3},
		{0x2600, 0x27bf},   {0x2b1b, 0x2b55},	{0x2e80, 0x303e},   {0x3041, 0xa4cf},
		{0xa960, 0xa97c},   {0xac00, 0xd7a3},	{0xf900, 0xfaff},   {0xfe10, 0xfe19},
		{0xfe30, 0xfe6b},   {0xff01, 0xff60},	{0xffe0, 0xffe6},   {0x16fe0, 0x18cff},
		{0x1b000, 0x1b2fb}, {0x1f004, 0x1f2ff}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
	};
	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
		if (rune <= wide[i].last)
			return rune >= wide[i].first;
	return false;
}

size_t rune_columns(const char *text, size_t len)
{
	size_t columns = 0;
	for (size_t at = 0; at < len; columns++) {
		unsigned size = 1;
		if ((uint8_t)text[at] >= 0x80)
			columns += is_wide(rune_read((const uint8_t *)text + at, len - at, &size));
		at += size;
	}
	return columns;
}

static void escape(char kind, uint32_t value, unsigned digits, struct text *out)
{
	text_putc(out, '\\');
	text_putc(out, kind);
	for (unsigned i = digits; i; i--)
		text_putc(out, "0123456789abcdef"[value >> 4 * (i - 1) & 15]);
}

unsigned rune_write(const uint8_t *bytes, size_t len, struct text *out)
{
	static const char named[] = "abtnvfr"; // escapes of the characters 7 to 13
	unsigned size;
	uint32_t rune = rune_read(bytes, len, &size);
	if (rune == RUNE_INVALID && size == 1)
		escape('x', *bytes, 2, out);
	else if (rune_is_printable(rune))
		text_append(out, bytes, size);
	else if (rune >= 7 && rune <= 13)
		escape(named[rune - 7], 0, 0, out);
	else if (rune < 0x80)
		escape('x', rune, 2, out);
	else
		escape(rune < 0x10000 ? 'u' : 'U', rune, rune < 0x10000 ? 4 : 8, out);
	return size;
}

// True if all of the 8 bytes are ASCII characters from ' ' to '~'.
static bool are_plain(const uint8_t *bytes)
{
	const uint64_t ones = UINT64_MAX / 255;
	uint64_t word;
	memcpy(&word, bytes, sizeof(word));
	uint64_t below = word - ones * ' ', delete = (word ^ ones * 0x7f) - ones;
	return !((word | below | delete) & ones * 0x80);
}

size_t rune_printable_length(const char *bytes, size_t len)
{
	const uint8_t *at = (const uint8_t *)bytes;
	size_t i = 0;
	while (i < len) {
		if (len - i >= 8 && are_plain(at + i)) {
			i += 8;
			continue;
		}
		unsigned size = 1;
		if (at[i] >= 0x7f) {
			uint32_t rune = rune_read(at + i, len - i, &size);
			if (!rune_is_printable(rune) || (rune == RUNE_INVALID && size == 1))
				return i;
		} else if (at[i] < ' ') {
			return i;
		}
		i += size;
	}
	return len;
}

static void write_printable(const char *bytes, size_t len, struct text *out)
{
	for (size_t at = 0; at < len;) {
		size_t run = rune_printable_length(bytes + at, len - at);
		text_append(out, bytes + at, run);
		at += run;
		if (at < len)
			at += rune_write((const uint8_t *)bytes + at, len - at, out);
	}
}

void rune_disarm(struct text *text, size_t start)
{
	if (text->len <= start)
		return;
	size_t first = start + rune_printable_length(text->data + start, text->len - start);
	if (first == text->len)
		return;
	struct text rest;
	text_init(&rest);
	write_printable(text->data + first, text->len - first, &rest);
	text->len = first;
	text_append(text, text_string(&rest), rest.len);
	text->failed |= rest.failed;
	text_deinit(&rest);
}

char *rune_printable(const char *string)
{
	struct text text;
	text_init(&text);
	write_printable(string, strlen(string), &text);
	char *copy = text.failed ? NULL : strdup(text_string(&text));
	text_deinit(&text);
	return copy;
}
