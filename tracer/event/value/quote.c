// SPDX-License-Identifier: GPL-2.0-or-later
// Quoted strings of Go and of JSON.
#include "base/rune.h"
#include "tracer/event/value/internal.h"

static const char hex_digits[] = "0123456789abcdef";

size_t value_whole_runes(const char *bytes, size_t len)
{
	size_t back = 0;
	while (back < len && back < 3 && ((uint8_t)bytes[len - 1 - back] & 0xc0) == 0x80)
		back++; // a continuation byte
	if (back == len)
		return len;
	unsigned need = rune_size((uint8_t)bytes[len - 1 - back]);
	return need > back + 1 ? len - 1 - back : len;
}

static void put_hex(struct text *out, uint32_t value, unsigned digits)
{
	for (unsigned i = 0; i < digits; i++)
		text_putc(out, hex_digits[value >> 4 * (digits - 1 - i) & 15]);
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
		if (*at == '"' || *at == '\\')
			text_putc(out, '\\');
		at += rune_write(at, (size_t)(end - at), out);
	}
	text_putc(out, '"');
}

static void escape_json(uint8_t byte, struct text *out)
{
	static const char named[] = "btn.fr"; // for bytes 8 to 13
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

// Escapes a character that a terminal might obey instead of showing it. JSON is read on terminals,
// too.
static void escape_rune(uint32_t rune, struct text *out)
{
	if (rune >= 0x10000) {
		text_append(out, "\\u", 2);
		put_hex(out, 0xd800 + ((rune - 0x10000) >> 10), 4);
		rune = 0xdc00 + ((rune - 0x10000) & 0x3ff);
	}
	text_append(out, "\\u", 2);
	put_hex(out, rune, 4);
}

void value_json_string(const char *bytes, size_t len, struct text *out)
{
	static const char replacement[] = "\xef\xbf\xbd";
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
		if (*at < 0x7f) {
			escape_json(*at++, out);
			continue;
		}
		unsigned size;
		uint32_t rune = rune_read(at, (size_t)(end - at), &size);
		if (rune == RUNE_INVALID)
			text_append(out, replacement, sizeof(replacement) - 1);
		else if (rune_is_printable(rune))
			text_append(out, at, size);
		else
			escape_rune(rune, out);
		at += size;
	}
	text_putc(out, '"');
}
