// SPDX-License-Identifier: GPL-2.0-or-later
// Files that gotrace writes. A trace may contain the secrets of the traced program, so only the
// owner can read a new file.
#ifndef GOTRACE_CLI_OUTPUT_H
#define GOTRACE_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/file.h"
#include "base/text.h"

/** Opens a file for writing and keeps its contents; output_empty() empties it. A new file has mode
 *  0600, an existing file keeps its mode. In a folder such as /tmp, where other users may put
 *  files, these are refused: symbolic links, files of another user, files with more than one hard
 *  link. */
struct error *output_open(const char *path, int *fd) MUST_CHECK;
/** Empties what output_open() opened, if it is a regular file. path is for messages. */
struct error *output_empty(int fd, const char *path) MUST_CHECK;
/** Opens and empties a file, and returns a stream that the caller closes. */
struct error *output_file(const char *path, FILE **out) MUST_CHECK;
/** Writes the text. It is no error if the reader has gone away: *is_closed is set
 *  then (may be NULL). stop and what are as in file_write(). */
struct error *output_text(int fd, const struct text *text, const volatile sig_atomic_t *stop,
			  const char *what, volatile sig_atomic_t *is_closed) MUST_CHECK;
/** True if both descriptors are of the same regular file. False for the same terminal or device. */
bool output_is_same(int a, int b);

#endif
