// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rune.h"

struct error {
	int code;
	char *message;
};

static struct error out_of_memory = {ENOMEM, "out of memory"};

static struct error *error_make(int code, char *message)
{
	struct error *err = message ? malloc(sizeof(*err)) : NULL;
	if (!err) {
		free(message);
		return &out_of_memory;
	}
	err->code = code;
	err->message = message;
	return err;
}

// A message is always one line, even if a name in it has a line break.
static char *format(const char *fmt, va_list args)
{
	char *message;
	if (vasprintf(&message, fmt, args) < 0)
		return NULL;
	char *printable = rune_printable(message);
	free(message);
	return printable;
}

// Returns "first: second", and frees first. NULL if there is no memory, or if first is NULL.
static char *join(char *first, const char *second)
{
	char *both = NULL;
	if (first && asprintf(&both, "%s: %s", first, second) < 0)
		both = NULL;
	free(first);
	return both;
}

struct error *error_new(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *message = format(fmt, args);
	va_end(args);
	return error_make(0, message);
}

struct error *error_errno(int errnum, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *message = format(fmt, args);
	va_end(args);
	return error_make(errnum, join(message, strerror(errnum)));
}

struct error *error_wrap(struct error *err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *message = format(fmt, args);
	va_end(args);
	struct error *wrapped = error_make(err->code, join(message, err->message));
	error_free(err);
	return wrapped;
}

struct error *error_nomem(void)
{
	return &out_of_memory;
}

const char *error_message(const struct error *err)
{
	return err->message;
}

int error_code(const struct error *err)
{
	return err->code;
}

void error_free(struct error *err)
{
	if (!err || err == &out_of_memory)
		return;
	free(err->message);
	free(err);
}
