// SPDX-License-Identifier: GPL-2.0-or-later
// Files that gotrace writes. A trace holds what the program holds, its secrets too, so a new file is its owner's alone.
#ifndef GOTRACE_CLI_OUTPUT_H
#define GOTRACE_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

/** Opens a file for writing, as it is: output_empty empties it. A new one is 0600; one that is there keeps its mode.
 *  In a folder such as /tmp, where everybody may put files, another user's link or file is refused. */
struct error *output_open(const char *path, int *fd) MUST_CHECK;
/** Empties what output_open opened, if it is a file. path is for messages. */
struct error *output_empty(int fd, const char *path) MUST_CHECK;
/** Both at once, as a stream. */
struct error *output_file(const char *path, FILE **out) MUST_CHECK;
/** True if both are one and the same file (not a terminal or a device). */
bool output_is_same(int a, int b);

#endif
