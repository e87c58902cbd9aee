// SPDX-License-Identifier: GPL-2.0-or-later
// Warnings and debug messages of all folders but cli/. cli/ decides where they go; by default
// they are dropped.
#ifndef GOTRACE_BASE_LOG_H
#define GOTRACE_BASE_LOG_H

#include <stddef.h>

enum log_level { LOG_WARNING, LOG_INFO, LOG_DEBUG };

typedef void (*log_sink)(enum log_level level, const char *message);

/** Sends messages up to level max to the sink; a NULL sink drops them. Only cli/ calls it. */
void log_to(log_sink sink, enum log_level max);

/** True if a message of this level reaches a sink. A caller can skip costly formatting if not. */
int log_wants(enum log_level level);

/** Logs one message, without a newline. Characters that are not printable are escaped. */
void log_print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

typedef void (*progress_sink)(const char *what, size_t done, size_t total);

/** Sends log_progress() to the sink; a NULL sink drops it. Only cli/ calls it. */
void log_progress_to(progress_sink sink);

/** Reports the progress of long work: done of total. what names it: "functions read". The caller
 *  calls it often, and with done == total at the end; the sink selects what to show. */
void log_progress(const char *what, size_t done, size_t total);

#define log_warning(...) log_print(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	 log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_print(LOG_DEBUG, __VA_ARGS__)

#endif
