// SPDX-License-Identifier: GPL-2.0-or-later
// Strings with quotes: Go's and JSON's.
#include "tracer/event/value_internal.h"

static const char hex_digits[] = "0123456789abcdef";

enum { RUNE_INVALID = 0xfffd };

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

// Bytes of the character that starts with this one, 0 if none does.
static unsigned rune_size(uint8_t first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 0
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
			      : 0;
}

uint32_t value_rune(const uint8_t *bytes, size_t len, unsigned *size)
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

size_t value_whole_runes(const char *bytes, size_t len)
{
	size_t back = 0;
	while (back < len && back < 3 && is_continuation((uint8_t)bytes[len - 1 - back]))
		back++;
	if (back == len)
		return len;
	unsigned need = rune_size((uint8_t)bytes[len - 1 - back]);
	return need > back + 1 ? len - 1 - back : len;
}

static void put_hex(struct text *out, uint32_t value, unsigned digits)
{
	char buffer[8];
	for (unsigned i = 0; i < digits; i++)
		buffer[i] = hex_digits[value >> 4 * (digits - 1 - i) & 15];
	text_append(out, buffer, digits);
}

static void quote_rune(uint32_t rune, struct text *out)
{
	static const char named[] = "abtnvfr"; // 7 to 13
	text_putc(out, '\\');
	if (rune == '"' || rune == '\\') {
		text_putc(out, (char)rune);
	} else if (rune >= 7 && rune <= 13) {
		text_putc(out, named[rune - 7]);
	} else if (rune < ' ' || rune == 0x7f) {
		text_putc(out, 'x');
		put_hex(out, rune, 2);
	} else {
		text_putc(out, rune < 0x10000 ? 'u' : 'U');
		put_hex(out, rune, rune < 0x10000 ? 4 : 8);
	}
}

void value_quote(const char *bytes, size_t len, struct text *out)
{
	const uint8_t *at = (const uint8_t *)bytes, *end = at + len;
	text_putc(out, '"');
	while (at < end) {
		const uint8_t *run = at;
		while (at < end && *at >= ' ' && *at < 0x7f && *at != '"' && *at != '\\')
			at++;
		if (at > run)
			text_append(out, run, (size_t)(at - run));
		if (at == end)
			break;
		unsigned size;
		uint32_t rune = value_rune(at, (size_t)(end - at), &size);
		if (rune == RUNE_INVALID && size == 1) {
			text_append(out, "\\x", 2);
			put_hex(out, *at, 2);
		} else if (rune >= 0x80 && value_is_printable(rune)) {
			text_append(out, at, size);
		} else {
			quote_rune(rune, out);
		}
		at += size;
	}
	text_putc(out, '"');
}

static void escape_json(uint8_t byte, struct text *out)
{
	static const char named[] = "btn.fr"; // 8 to 13
	text_putc(out, '\\');
	if (byte == '"' || byte == '\\') {
		text_putc(out, (char)byte);
	} else if (byte >= 8 && byte <= 13 && byte != 11) {
		text_putc(out, named[byte - 8]);
	} else {
		text_append(out, "u00", 3);
		put_hex(out, byte, 2);
	}
}

void value_json_string(const char *bytes, size_t len, struct text *out)
{
	const uint8_t *at = (const uint8_t *)bytes, *end = at + len;
	text_putc(out, '"');
	while (at < end) {
		const uint8_t *run = at;
		while (at < end && *at >= ' ' && *at < 0x80 && *at != '"' && *at != '\\')
			at++;
		if (at > run)
			text_append(out, run, (size_t)(at - run));
		if (at == end)
			break;
		if (*at < 0x80) {
			escape_json(*at++, out);
			continue;
		}
		unsigned size;
		if (value_rune(at, (size_t)(end - at), &size) == RUNE_INVALID)
			text_append(out, "\xef\xbf\xbd", 3);
		else
			text_append(out, at, size);
		at += size;
	}
	text_putc(out, '"');
}
