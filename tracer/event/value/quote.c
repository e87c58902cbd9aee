// SPDX-License-Identifier: GPL-2.0-or-later
// Quoted strings of Go.
#include "base/rune.h"
#include "tracer/event/value/internal.h"

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
