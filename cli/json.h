// SPDX-License-Identifier: GPL-2.0-or-later
// How commands print JSON: one object a line.
#ifndef GOTRACE_CLI_JSON_H
#define GOTRACE_CLI_JSON_H

#include <jansson.h>
#include <stdio.h>

/** A new string; "?" if the text is not UTF-8. */
static inline json_t *json_text(const char *text)
{
	json_t *string = json_string(text);
	return string ? string : json_string("?");
}

/** Prints the value and a newline, and drops the caller's reference. */
static inline void json_print(json_t *value, FILE *out)
{
	json_dumpf(value, out, JSON_COMPACT | JSON_REAL_PRECISION(4));
	fputc('\n', out);
	json_decref(value);
}

#endif
