// SPDX-License-Identifier: GPL-2.0-or-later
// Warnings and debug notes from below cli/, which decides where they go (by default nowhere).
#ifndef GOTRACE_BASE_LOG_H
#define GOTRACE_BASE_LOG_H

#include <stddef.h>

enum log_level { LOG_WARNING, LOG_INFO, LOG_DEBUG };

typedef void (*log_sink)(enum log_level level, const char *message);

/** Messages up to this level go to the sink; NULL takes the sink off. For cli/ alone. */
void log_to(log_sink sink, enum log_level max);

/** True where a message of this level would be heard: to skip costly formatting. */
int log_wants(enum log_level level);

/** One message, without a newline. What is not printable is escaped. */
void log_print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

typedef void (*progress_sink)(const char *what, size_t done, size_t total);

/** Where log_progress goes; NULL: nowhere. For cli/ alone. */
void log_progress_to(progress_sink sink);

/** Tells that work which may take long has come to done of total ("functions read"). To be called often, and
 *  with done == total at its end; the sink decides what is worth showing. */
void log_progress(const char *what, size_t done, size_t total);

#define log_warning(...) log_print(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	 log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_print(LOG_DEBUG, __VA_ARGS__)

#endif
