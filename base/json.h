// SPDX-License-Identifier: GPL-2.0-or-later
// Writes JSON to a text: quotes, escapes and commas. It keeps no state: a comma is needed unless
// the text ends with an opening bracket or a line end. Integers keep all their 64 bits and keys
// their order.
#ifndef GOTRACE_BASE_JSON_H
#define GOTRACE_BASE_JSON_H

#include "base/text.h"

/** Writes a string with quotes and escapes. Bytes that are not UTF-8 become U+FFFD. */
void json_quote(const char *bytes, size_t len, struct text *out);

/** Writes the comma before an item of an array, unless it is the first. */
static inline void json_item(struct text *out)
{
	char last = out->len ? out->data[out->len - 1] : '\n';
	if (last != '{' && last != '[' && last != '\n')
		text_putc(out, ',');
}

/** Writes a key that needs no escapes, after a comma unless it is the first. Its value, or a
 *  bracket that the caller closes with text_putc(), has to follow. */
static inline __attribute__((always_inline)) void json_key(struct text *out, const char *key)
{
	size_t len = strlen(key);
	json_item(out);
	if (!text_reserve(out, len + 3))
		return;
	char *at = out->data + out->len;
	at[0] = '"';
	memcpy(at + 1, key, len);
	memcpy(at + 1 + len, "\":", 3);
	out->len += len + 3;
}

// A key and its value.

static inline void json_string(struct text *out, const char *key, const char *value)
{
	json_key(out, key);
	json_quote(value, strlen(value), out);
}

static inline void json_u64(struct text *out, const char *key, uint64_t value)
{
	json_key(out, key);
	text_u64(out, value);
}

/** Like json_u64, but nothing if value is 0. */
static inline void json_count(struct text *out, const char *key, uint64_t value)
{
	if (value)
		json_u64(out, key, value);
}

static inline void json_i64(struct text *out, const char *key, int64_t value)
{
	json_key(out, key);
	text_i64(out, value);
}

static inline void json_bool(struct text *out, const char *key, bool value)
{
	json_key(out, key);
	text_puts(out, value ? "true" : "false");
}

/** Writes an address: "0x10" with its quotes. */
void json_addr(uint64_t addr, struct text *out);

#endif
