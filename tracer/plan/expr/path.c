// SPDX-License-Identifier: GPL-2.0-or-later
// Paths and lists as text.
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/plan/expr/expr.h"

size_t expr_list_first(const char *text)
{
	int open = 0;
	char quote = 0;
	size_t len = 0;
	for (; text[len] && (quote || open > 0 || text[len] != ','); len++) {
		char c = text[len];
		if (quote && c == '\\' && quote != '`' && text[len + 1])
			len++;
		else if (quote)
			quote = c == quote ? 0 : quote;
		else if (strchr("\"'`", c))
			quote = c;
		else
			open += !!strchr("([", c) - !!strchr(")]", c);
	}
	return len;
}

void expr_path_destroy(struct expr_path *path)
{
	if (!path)
		return;
	for (size_t i = 0; path->steps && i < path->num_steps; i++)
		free(path->steps[i].text);
	free(path->steps);
	free(path->text);
	free(path);
}

char *expr_list_next(const char **list)
{
	const char *first = *list;
	size_t len = expr_list_first(first);
	*list = first[len] ? first + len + 1 : NULL;
	while (len && isspace((unsigned char)*first)) {
		first++;
		len--;
	}
	while (len && isspace((unsigned char)first[len - 1]))
		len--;
	return strndup(first, len);
}

// --- As text -------------------------------------------------------------------------------------

static void write_key(const struct expr_step *step, struct text *out)
{
	if (step->text)
		text_printf(out, "[\"%s\"]", step->text);
	else if (step->from->key->kind == GO_BOOL)
		text_printf(out, "[%s]", step->number ? "true" : "false");
	else
		text_printf(out, "[%" PRId64 "]", (int64_t)step->number);
}

void expr_path_write(const struct expr_path *path, size_t num_steps, struct text *out)
{
	const struct param *param = path->param;
	if (!*param->name || *param->name == '_' || *param->name == '~')
		text_printf(out, "ret%d", param->ret_slot);
	else
		text_puts(out, param->name);
	for (size_t i = 0; i < num_steps; i++) {
		const struct expr_step *step = &path->steps[i];
		if (step->kind == EXPR_STEP_FIELD)
			text_printf(out, ".%s", step->text);
		else if (step->kind == EXPR_STEP_ELEMENT)
			text_printf(out, "[%" PRIu64 "]", step->number);
		else if (step->kind == EXPR_STEP_KEY)
			write_key(step, out);
		else if (step->kind == EXPR_STEP_HELD)
			text_puts(out, ".(…)");
	}
}
