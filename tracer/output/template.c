// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/output/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rune.h"
#include "base/text.h"
#include "base/vec.h"

enum { COLUMNS_MAX = 1000 }; // of a field

#define FIELDS "time, goid, func, duration, how, depth, call, pid, or a Go expression: r.URL.Path"

static const char *const names[] = {
	[FIELD_TIME] = "time",	       [FIELD_GOID] = "goid", [FIELD_FUNC] = "func",
	[FIELD_DURATION] = "duration", [FIELD_HOW] = "how",   [FIELD_DEPTH] = "depth",
	[FIELD_CALL] = "call",	       [FIELD_PID] = "pid",
};

struct parser {
	struct template *template;
	const char *start, *at;
};

static struct error *wrong(const struct parser *parser, const char *at, const char *what)
{
	return error_new("column %zu: %s",
			 rune_columns(parser->start, (size_t)(at - parser->start)) + 1, what);
}

static struct error *add(struct template *template, const struct template_part *part,
			 const char *text, size_t len)
{
	if (!vec_room(template->parts, template->num, template->size))
		return error_nomem();
	struct template_part *new = &template->parts[template->num];
	*new = *part;
	if (text && !(new->text = strndup(text, len)))
		return error_nomem();
	template->num++;
	return NULL;
}

// Takes the text up to the next field.
static struct error *take_text(struct parser *parser)
{
	struct text text;
	struct error *err = NULL;
	text_init(&text);
	for (const char *at; !err && *(at = parser->at); parser->at++) {
		bool is_double = at[0] == at[1];
		if (*at == '{' && !is_double)
			break;
		if (*at == '}' && !is_double)
			err = wrong(parser, at, "} without a {; a brace is }}");
		if (*at == '{' || *at == '}')
			parser->at++;
		bool is_tab = at[0] == '\\' && at[1] == 't';
		if (is_tab)
			parser->at++;
		text_putc(&text, is_tab ? '\t' : *at);
	}
	if (!err && text.failed)
		err = error_nomem();
	if (!err && text.len)
		err = add(parser->template, &(struct template_part){.field = FIELD_TEXT},
			  text_string(&text), text.len);
	text_deinit(&text);
	return err;
}

// Returns the colon, brace or comma that ends a field's name or expression: outside brackets and
// quotation marks.
static const char *name_end(const char *at)
{
	unsigned depth = 0;
	for (char quote = 0; *at; at++) {
		if (quote) {
			if (*at == '\\' && quote != '`' && at[1])
				at++;
			else if (*at == quote)
				quote = 0;
		} else if (*at == '"' || *at == '`' || *at == '\'') {
			quote = *at;
		} else if (*at == '[' || *at == '(') {
			depth++;
		} else if ((*at == ']' || *at == ')') && depth) {
			depth--;
		} else if (!depth && strchr(":},", *at)) {
			break;
		}
	}
	return at;
}

static bool take_number(const char **at, uint16_t *out)
{
	unsigned number = 0;
	const char *first = *at;
	for (; **at >= '0' && **at <= '9' && number <= COLUMNS_MAX; (*at)++)
		number = number * 10 + (unsigned)(**at - '0');
	*out = (uint16_t)number;
	return *at > first && number && number <= COLUMNS_MAX;
}

// Takes what comes after the colon, and the closing brace.
static struct error *take_spec(struct parser *parser, struct template_part *part)
{
	static const char help[] = "after a colon comes <, > or ^, the least columns, and after a "
				   "point the most: {func:<30.40}";
	const char *at = parser->at;
	part->align = '<';
	if (*at && strchr("<>^", *at))
		part->align = *at++;
	bool has_least = *at >= '0' && *at <= '9';
	if (has_least && !take_number(&at, &part->least))
		return wrong(parser, at, help);
	if (*at == '.' && (at++, !take_number(&at, &part->most)))
		return wrong(parser, at, help);
	if (*at != '}' || (!part->least && !part->most))
		return wrong(parser, at, help);
	parser->at = at + 1;
	return NULL;
}

static struct error *add_expr(struct template *template, const char *expr)
{
	char *show = NULL;
	if (asprintf(&show, "%s%s%s", template->show ? template->show : "",
		     template->show ? ", " : "", expr) < 0)
		return error_nomem();
	free(template->show);
	template->show = show;
	return NULL;
}

static struct error *take_field(struct parser *parser)
{
	const char *open = parser->at++, *first = parser->at, *end = name_end(first);
	struct template_part part = {.field = FIELD_EXPR, .align = '<'};
	if (!*end)
		return wrong(parser, open, "{ is not closed; a brace is {{");
	if (*end == ',')
		return wrong(parser, end, "a field has one expression");
	const char *last = end;
	while (first < last && *first == ' ')
		first++;
	while (last > first && last[-1] == ' ')
		last--;
	if (first == last)
		return wrong(parser, open, "nothing is in the braces: there are " FIELDS);
	size_t len = (size_t)(last - first);
	for (size_t i = FIELD_TIME; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !memcmp(names[i], first, len))
			part.field = (enum template_field)i;
	parser->at = end + 1;
	struct error *err = *end == ':' ? take_spec(parser, &part) : NULL;
	if (!err)
		err = add(parser->template, &part, part.field == FIELD_EXPR ? first : NULL, len);
	if (!err && part.field == FIELD_EXPR)
		err = add_expr(parser->template,
			       parser->template->parts[parser->template->num - 1].text);
	return err;
}

struct error *template_create(const char *text, struct template **out)
{
	struct template *template = calloc(1, sizeof(*template));
	struct parser parser = {template, text, text};
	if (!template)
		return error_nomem();
	struct error *err = *text ? NULL : error_new("it is empty");
	while (!err && *parser.at) {
		err = take_text(&parser);
		if (!err && *parser.at)
			err = take_field(&parser);
	}
	if (err)
		template_destroy(template);
	else
		*out = template;
	return err;
}

void template_destroy(struct template *template)
{
	if (!template)
		return;
	for (size_t i = 0; i < template->num; i++)
		free(template->parts[i].text);
	free(template->parts);
	free(template->show);
	free(template);
}
