// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.h"

#include "base/rune.h"

static void escape_json(uint8_t byte, struct text *out)
{
	static const char named[] = "btn.fr"; // for bytes 8 to 13
	text_putc(out, '\\');
	if (byte == '"' || byte == '\\')
		text_putc(out, (char)byte);
	else if (byte >= 8 && byte <= 13 && byte != 11)
		text_putc(out, named[byte - 8]);
	else
		text_printf(out, "u%04x", byte);
}

// Escapes a character that a terminal might obey instead of showing it. JSON is read on terminals,
// too.
static void escape_rune(uint32_t rune, struct text *out)
{
	if (rune >= 0x10000)
		text_printf(out, "\\u%04x\\u%04x", 0xd800 + ((rune - 0x10000) >> 10),
			    0xdc00 + ((rune - 0x10000) & 0x3ff));
	else
		text_printf(out, "\\u%04x", rune);
}

void json_quote(const char *bytes, size_t len, struct text *out)
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

void json_addr(uint64_t addr, struct text *out)
{
	text_putc(out, '"');
	text_hex(out, addr);
	text_putc(out, '"');
}
