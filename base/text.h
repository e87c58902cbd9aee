// SPDX-License-Identifier: GPL-2.0-or-later
// A growing byte buffer that output is formatted into. Its memory is reused from event to event:
// text_reset() empties the buffer without freeing it. If there is no memory, failed is set and
// later writes do nothing, so a formatter can check once at its end.
#ifndef GOTRACE_BASE_TEXT_H
#define GOTRACE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *data; // NUL-terminated if capacity is not 0
	size_t len;
	size_t capacity;
	bool failed;
};

static inline void text_init(struct text *text)
{
	memset(text, 0, sizeof(*text));
}

/** Frees the memory. The text is then empty and can be used again. */
void text_deinit(struct text *text);

static inline void text_reset(struct text *text)
{
	text->len = 0;
	text->failed = false;
}

/** text_reserve() if there is no room. */
bool text_grow(struct text *text, size_t more);

/** Makes room for more bytes after len, and a NUL. False if there is no memory. */
static inline bool text_reserve(struct text *text, size_t more)
{
	// They nearly always fit, because output is written in small pieces and the buffer is
	// reused.
	return (more < text->capacity - text->len && !text->failed) || text_grow(text, more);
}

static inline void text_append(struct text *text, const void *data, size_t len)
{
	if (!text_reserve(text, len))
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
/** Appends "0x" and the value in hexadecimal, without leading zeros. */
void text_hex(struct text *text, uint64_t value);
void text_printf(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** The text as a C string, "" if it is empty; valid until the next write. */
static inline const char *text_string(const struct text *text)
{
	return text->len ? text->data : "";
}

#endif
