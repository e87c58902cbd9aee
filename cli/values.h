// SPDX-License-Identifier: GPL-2.0-or-later
// The kinds of values that options have, and the parsers of numbers, sizes and durations.
#ifndef GOTRACE_CLI_VALUES_H
#define GOTRACE_CLI_VALUES_H

#include "cli/options.h"

// The type of the member of struct options is in parentheses.
extern const struct option_kind kind_flag;		      // (bool)
extern const struct option_kind kind_text;		      // (const char *), borrowed
extern const struct option_kind kind_number32, kind_number64; // (uint32_t, uint64_t): min to max
extern const struct option_kind kind_size;		      // (size_t): bytes, min to max
extern const struct option_kind kind_time;		      // (uint64_t): ns, more than 0
extern const struct option_kind kind_word; // (uint32_t, or an enum): the index in option->words
extern const struct option_kind kind_row;  // (a pointer): one of option->rows

/** Parses a decimal number without a sign or an exponent. *end is the rest of the text. False if
 *  the text does not begin with such a number. */
bool parse_decimal(const char *text, double *value, const char **end);
/** Parses Go's duration syntax ("1.5s", "250ms", "1m30s"). False if the text is not a duration or
 *  is negative. */
bool parse_duration(const char *text, uint64_t *ns);
/** Parses a number of bytes with an optional unit: K, M or G, also as KB or KiB. Each is 1024 times
 *  the one before. */
bool parse_size(const char *text, size_t *bytes);
/** Parses a decimal number of at most max. */
bool parse_number(const char *text, uint64_t max, uint64_t *out);

#endif
