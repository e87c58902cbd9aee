// SPDX-License-Identifier: GPL-2.0-or-later
// Characters that come from outside (names in an executable, a program's strings, file names) as a terminal may get
// them. What it would obey instead of showing it (escape sequences, line ends, C1 and bidirectional controls), and what
// is no UTF-8, becomes Go's escapes: \n, \x1b, \u202e.
#ifndef GOTRACE_BASE_RUNE_H
#define GOTRACE_BASE_RUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { RUNE_INVALID = 0xfffd };

/** Bytes of the character that begins with this one, 0 if none does. */
unsigned rune_size(uint8_t first);
/** The character at bytes (len not 0), and its bytes in *size; RUNE_INVALID and 1 where it is not UTF-8. */
uint32_t rune_read(const uint8_t *bytes, size_t len, unsigned *size);
/** True for what Go prints as it is (unicode.IsPrint). */
bool rune_is_printable(uint32_t rune);

/** Appends the character at bytes (len not 0), escaped if it is not printable. How many bytes it has. */
unsigned rune_write(const uint8_t *bytes, size_t len, struct text *out);

/** How many of the first bytes are printable: len if all are. */
size_t rune_printable_length(const char *bytes, size_t len);
/** Makes all that is in text from byte start on printable: the one way from outside to a terminal. */
void rune_disarm(struct text *text, size_t start);
/** A printable copy of a string, to be freed; NULL without memory. */
char *rune_printable(const char *string);

#endif
