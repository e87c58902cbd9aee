// SPDX-License-Identifier: GPL-2.0-or-later
// A growing byte buffer that output is formatted into. One allocation that is kept from event to
// event: text_reset empties it without giving memory back. Running out of memory is remembered
// (text_failed) and makes later writes do nothing, so that a formatter need not check each write.
#ifndef GOTRACE_BASE_TEXT_H
#define GOTRACE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *data; // NUL-terminated whenever capacity is not 0
	size_t len;
	size_t capacity;
	bool failed;
};

static inline void text_init(struct text *text)
{
	memset(text, 0, sizeof(*text));
}

/** Gives the memory back; the text is empty and usable again. */
void text_deinit(struct text *text);

static inline void text_reset(struct text *text)
{
	text->len = 0;
	text->failed = false;
}

/** Room for more bytes behind len (and a NUL); false when there is no memory. */
bool text_reserve(struct text *text, size_t more);

static inline void text_append(struct text *text, const void *data, size_t len)
{
	// len + 1 bytes fit already nearly always: output is written piece by piece into a kept buffer.
	if ((len >= text->capacity - text->len || text->failed) && !text_reserve(text, len))
		return;
	if (len)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

static inline void text_putc(struct text *text, char c)
{
	text_append(text, &c, 1);
}

static inline void text_puts(struct text *text, const char *string)
{
	text_append(text, string, strlen(string));
}

void text_u64(struct text *text, uint64_t value);
void text_i64(struct text *text, int64_t value);
/** "0x" and the value in hexadecimal, without leading zeros. */
void text_hex(struct text *text, uint64_t value);
/** Spaces until the text is width columns long, counted from byte offset start. */
void text_pad(struct text *text, size_t start, size_t width);
void text_printf(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** The text as a C string, "" when empty; borrowed until the next write. */
static inline const char *text_string(const struct text *text)
{
	return text->len ? text->data : "";
}

#endif
