// SPDX-License-Identifier: GPL-2.0-or-later
// Makes text from outside (names in an executable, a program's strings, file names) safe for a
// terminal. Characters that a terminal would act on instead of showing them (escape sequences, line
// ends, C1 and bidirectional controls), and bytes that are not UTF-8, are written as Go's escapes:
// \n, \x1b, \u202e.
#ifndef GOTRACE_BASE_RUNE_H
#define GOTRACE_BASE_RUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { RUNE_INVALID = 0xfffd };

/** The number of bytes of a UTF-8 character whose first byte this is; 0 if no character begins
 *  so. */
unsigned rune_size(uint8_t first);
/** Returns the character at bytes (len is not 0), and sets *size to its number of bytes. If it is
 *  not UTF-8, returns RUNE_INVALID and sets *size to 1. */
uint32_t rune_read(const uint8_t *bytes, size_t len, unsigned *size);
/** True if Go prints the character as it is (unicode.IsPrint). */
bool rune_is_printable(uint32_t rune);

/** How many columns of a terminal the text takes: 2 for each character of East Asian scripts and
 *  each emoji, else 1. */
size_t rune_columns(const char *text, size_t len);

/** Appends the character at bytes (len is not 0), escaped if it is not printable. Returns how
 *  many bytes of the input it has. */
unsigned rune_write(const uint8_t *bytes, size_t len, struct text *out);

/** The number of bytes before the first character that is not printable; len if all are
 *  printable. */
size_t rune_printable_length(const char *bytes, size_t len);
/** Escapes, in place, all characters of text from byte start on that are not printable. Text from
 *  outside must go through it before it goes to a terminal. */
void rune_disarm(struct text *text, size_t start);
/** Returns a printable copy of a string, which the caller frees; NULL if there is no memory. */
char *rune_printable(const char *string);

#endif
