// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rune.h"

static log_sink current_sink;
static enum log_level max_level = LOG_WARNING;
static progress_sink current_progress;

void log_to(log_sink sink, enum log_level max)
{
	current_sink = sink;
	max_level = max;
}

int log_wants(enum log_level level)
{
	return current_sink && level <= max_level;
}

void log_print(enum log_level level, const char *fmt, ...)
{
	if (!log_wants(level))
		return;
	va_list args;
	va_start(args, fmt);
	char *message;
	if (vasprintf(&message, fmt, args) >= 0) {
		char *printable = rune_printable(message);
		if (printable)
			current_sink(level, printable);
		free(printable);
		free(message);
	}
	va_end(args);
}

void log_progress_to(progress_sink sink)
{
	current_progress = sink;
}

void log_progress(const char *what, size_t done, size_t total)
{
	if (current_progress)
		current_progress(what, done, total);
}
