// SPDX-License-Identifier: GPL-2.0-or-later
// Writing to a descriptor that may be a file, a pipe or a terminal.
#ifndef GOTRACE_BASE_FILE_H
#define GOTRACE_BASE_FILE_H

#include <signal.h>
#include <stddef.h>

#include "base/error.h"

/** Writes all bytes. A write that a signal interrupts goes on, unless *stop is set then (stop may
 *  be NULL). If the reader has gone away, error_code() is EPIPE. what is for the message: "writing
 *  the trace". */
struct error *file_write(int fd, const void *bytes, size_t len, const volatile sig_atomic_t *stop,
			 const char *what) MUST_CHECK;

#endif
