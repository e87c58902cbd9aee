// SPDX-License-Identifier: GPL-2.0-or-later
// What is wrong with a command line, and what to type instead.
#ifndef GOTRACE_CLI_USAGE_H
#define GOTRACE_CLI_USAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct usage_nearest { // all 0 at first, but for the word
	const char *word;
	size_t len;
	const char *name; // the most similar name so far; NULL: none is similar
	size_t wrong;
};

/** Compares a mistyped word with one more name. */
void usage_try_name(struct usage_nearest *nearest, const char *name);
bool usage_is_number(const char *word);
/** The error that there is no such command, and what to type instead. */
struct error *usage_no_command(const char *name) MUST_CHECK;

#endif
