// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_deinit(struct text *text)
{
	free(text->data);
	text_init(text);
}

bool text_grow(struct text *text, size_t more)
{
	if (text->failed)
		return false;
	size_t capacity = text->capacity ? text->capacity : 256;
	while (capacity - text->len <= more) {
		if (capacity > SIZE_MAX / 2)
			goto failed;
		capacity *= 2;
	}
	char *data = realloc(text->data, capacity);
	if (!data)
		goto failed;
	text->data = data;
	text->capacity = capacity;
	return true;
failed:
	text->failed = true;
	return false;
}

void text_u64(struct text *text, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	text_append(text, digits + at, sizeof(digits) - at);
}

void text_i64(struct text *text, int64_t value)
{
	if (value < 0)
		text_putc(text, '-');
	text_u64(text, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void text_hex(struct text *text, uint64_t value)
{
	char digits[18];
	size_t at = sizeof(digits);
	do {
		digits[--at] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	digits[--at] = 'x';
	digits[--at] = '0';
	text_append(text, digits + at, sizeof(digits) - at);
}

void text_printf(struct text *text, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	if (len > 0 && text_reserve(text, (size_t)len + 1)) {
		vsnprintf(text->data + text->len, (size_t)len + 1, fmt, again);
		text->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}
