// SPDX-License-Identifier: GPL-2.0-or-later
// Why a text is no expression.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracer/plan/expr/internal.h"
#include "tracer/plan/select/nearest.h"

uint32_t expr_reason_column(const char *text, const char *reason)
{
	size_t skip = strlen(text) + sizeof("'': ") - 1;
	unsigned column;
	return strlen(reason) > skip && sscanf(reason + skip, "column %u", &column) == 1 ? column
											 : 0;
}

void expr_wrong(struct expr_parser *parser, uint32_t column, const char *fmt, ...)
{
	if (expr_is_wrong(parser))
		return;
	struct text reason;
	text_init(&reason);
	text_printf(&reason, "'%s': column %u: ", parser->text, column);
	va_list args;
	va_start(args, fmt);
	char *message;
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	if (message)
		text_puts(&reason, message);
	parser->failed = !message || reason.failed;
	free(message);
	// The text and names may contain control characters, but the reason is one line.
	for (size_t i = 0; i < reason.len; i++)
		if (iscntrl((unsigned char)reason.data[i]))
			reason.data[i] = ' ';
	parser->reason = reason.data;
}

void expr_no_name(struct expr_parser *parser, uint32_t column, const char *what, const char *wanted,
		  const char *const *names, size_t num)
{
	CLEANUP_FREE struct func *words = calloc(num + 1, sizeof(*words));
	const char *near[NEAREST_MAX];
	struct text text;
	text_init(&text);
	for (size_t i = 0; words && i < num; i++)
		words[i].name = names[i];
	if (words && nearest_names(words, num, wanted, near))
		text_printf(&text, "; did you mean '%s'?", near[0]);
	text_printf(&text, "%s", num ? "; there are " : "");
	for (size_t i = 0; i < num; i++)
		text_printf(&text, "%s%s", i ? ", " : "", names[i]);
	if (words && !text.failed)
		expr_wrong(parser, column, "%s '%s'%s", what, wanted, text_string(&text));
	else
		parser->failed = true;
	text_deinit(&text);
}
