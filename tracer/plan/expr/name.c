// SPDX-License-Identifier: GPL-2.0-or-later
// Names: the parameters and results of the function, and the built-in names.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracer/plan/expr/internal.h"

enum { EMBEDDED_MAX = 4, RESULT_NAME = 16 };
static const char ERR[] = "err";

static bool is_unnamed(const struct param *param)
{
	return !*param->name || !strcmp(param->name, "_") || *param->name == '~';
}

static bool is_param(const struct param *param, const char *name)
{
	if (param->is_hidden)
		return false;
	if (!is_unnamed(param) && !strcmp(param->name, name))
		return true;
	char result[16];
	snprintf(result, sizeof(result), "ret%d", param->ret_slot);
	return param->is_result && !strcmp(result, name);
}

static bool is_error_type(const struct param *param)
{
	return param->is_result && param->type && !strcmp(param->type->name, "error");
}

// Returns what "err" means if no parameter has that name: the only unnamed result of type error;
// NULL if there is none, or more than one.
static const struct param *unnamed_error(const struct signature *signature)
{
	const struct param *found = NULL;
	for (size_t i = 0; signature->is_known && i < signature->num_params; i++) {
		const struct param *param = &signature->params[i];
		if (param->is_hidden || !is_unnamed(param) || !is_error_type(param))
			continue;
		if (found)
			return NULL;
		found = param;
	}
	return found;
}

static void no_such_name(struct expr_parser *parser, const char *name, uint32_t column)
{
	static const char *const ours[] = {"goid", "pid", "tid", "duration", "caller", "failed"};
	enum { OURS = sizeof(ours) / sizeof(*ours) };
	const struct expr_scope *scope = parser->scope;
	const struct signature *signature = scope->signature;
	size_t num = 0, num_params = signature->is_known ? signature->num_params : 0;
	CLEANUP_FREE const char **names = calloc(num_params + OURS + 2, sizeof(*names));
	CLEANUP_FREE char(*results)[RESULT_NAME] = calloc(num_params + 1, sizeof(*results));
	if (!names || !results) {
		parser->failed = true;
		return;
	}
	for (size_t i = 0; i < num_params; i++) {
		const struct param *param = &signature->params[i];
		if (param->is_hidden || (is_unnamed(param) && !param->is_result))
			continue;
		snprintf(results[i], sizeof(results[i]), "ret%d", param->ret_slot);
		names[num++] = is_unnamed(param) ? results[i] : param->name;
	}
	if (unnamed_error(signature))
		names[num++] = ERR;
	for (size_t i = 0; i < OURS && !scope->is_shown; i++) {
		names[num++] = ours[i];
		if (scope->has_depth && !strcmp(ours[i], "tid"))
			names[num++] = "depth";
	}
	expr_no_name(parser, column,
		     signature->is_known ? "there is no"
					 : "the parameters' names are not known, so there is no",
		     name, names, num);
}

static struct expr_node *param_node(struct expr_parser *parser, const struct param *param,
				    uint32_t column)
{
	if (param->unknown || !param->type) {
		expr_wrong(parser, column, "where it is, is not known: %s",
			   param->unknown ? param->unknown : "its type is not known");
		return NULL;
	}
	struct expr_node *node = expr_new(parser, EXPR_PARAM, column);
	if (!node)
		return NULL;
	expr_set_type(node, param->type);
	node->param = param;
	node->at_return = param->is_result;
	return node;
}

static bool is_error(const struct param *param)
{
	return is_error_type(param) && !param->unknown;
}

static const struct {
	const char *name;
	enum expr_kind kind;
	enum expr_class class;
	bool at_return;
} builtins[] = {
	{"goid", EXPR_GOID, CLASS_INT, false},	      {"tid", EXPR_TID, CLASS_INT, false},
	{"pid", EXPR_PID, CLASS_INT, false},	      {"depth", EXPR_DEPTH, CLASS_INT, false},
	{"duration", EXPR_DURATION, CLASS_INT, true}, {"caller", EXPR_CALLER, CLASS_OTHER, false},
	{"failed", EXPR_FAILED, CLASS_BOOL, true},    {"nil", EXPR_CONST, CLASS_NIL, false},
	{"true", EXPR_CONST, CLASS_BOOL, false},      {"false", EXPR_CONST, CLASS_BOOL, false},
};

static struct expr_node *builtin(struct expr_parser *parser, const char *name, uint32_t column)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++) {
		if (strcmp(builtins[i].name, name))
			continue;
		if (builtins[i].kind == EXPR_DEPTH && !parser->scope->has_depth) {
			expr_wrong(parser, column,
				   "how deep a call is is not known where calls are counted");
			return NULL;
		}
		struct expr_node *node =
			expr_new_class(parser, builtins[i].kind, builtins[i].class, column);
		if (!node)
			return NULL;
		node->at_return = builtins[i].at_return;
		node->integer = !strcmp(name, "true");
		return node;
	}
	no_such_name(parser, name, column);
	return NULL;
}

struct expr_node *expr_name(struct expr_parser *parser, const char *name, uint32_t column)
{
	if (expr_is_wrong(parser))
		return NULL;
	if (!parser->scope)
		return expr_new(parser, EXPR_CONST, column);
	const struct signature *signature = parser->scope->signature;
	bool is_ours = *name == EXPR_OURS;
	for (size_t i = 0; signature->is_known && i < signature->num_params && !is_ours; i++)
		if (is_param(&signature->params[i], name))
			return param_node(parser, &signature->params[i], column);
	const struct param *error = is_ours || strcmp(name, ERR) ? NULL : unnamed_error(signature);
	if (error)
		return param_node(parser, error, column);
	struct expr_node *node = builtin(parser, name + is_ours, column);
	if (!node || node->kind != EXPR_FAILED)
		return node;
	for (size_t i = 0; signature->is_known && i < signature->num_params; i++)
		if (is_error(&signature->params[i]))
			return node;
	expr_wrong(parser, column, "the function has no result of type error");
	return NULL;
}

// --- Completion ----------------------------------------------------------------------------------

struct offers {
	expr_offer *offer;
	void *context;
	const char *beginning;
	size_t len; // bytes of beginning that are part of each offer
	bool failed;
};

static void offer(struct offers *offers, const char *name)
{
	struct text text;
	text_init(&text);
	text_append(&text, offers->beginning, offers->len);
	text_puts(&text, name);
	if (text.failed)
		offers->failed = true;
	else
		offers->offer(offers->context, text_string(&text));
	text_deinit(&text);
}

static void offer_names(const struct expr_scope *scope, struct offers *offers)
{
	static const char *const functions[] = {"len(", "hasPrefix(", "contains("};
	const struct signature *signature = scope->signature;
	for (size_t i = 0; signature->is_known && i < signature->num_params; i++) {
		const struct param *param = &signature->params[i];
		char result[16];
		snprintf(result, sizeof(result), "ret%d", param->ret_slot);
		if (param->is_hidden || (is_unnamed(param) && !param->is_result))
			continue;
		offer(offers, is_unnamed(param) ? result : param->name);
	}
	if (unnamed_error(signature))
		offer(offers, ERR);
	for (size_t i = 0; !scope->is_shown && i < sizeof(builtins) / sizeof(*builtins); i++)
		if (builtins[i].kind != EXPR_DEPTH || scope->has_depth)
			offer(offers, builtins[i].name);
	for (size_t i = 0; i < (scope->is_shown ? 1 : sizeof(functions) / sizeof(*functions)); i++)
		offer(offers, functions[i]);
}

// Offers the fields of a struct or of a pointer's struct, and those of its embedded structs.
static void offer_fields(struct gotype *type, struct offers *offers, int level)
{
	gotype_complete(type);
	if (type->kind == GO_POINTER && type->elem) {
		type = type->elem;
		gotype_complete(type);
	}
	for (size_t i = 0; type->kind == GO_STRUCT && i < type->num_fields; i++) {
		offer(offers, type->fields[i].name);
		if (type->fields[i].is_embedded && level < EMBEDDED_MAX)
			offer_fields(type->fields[i].type, offers, level + 1);
	}
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

// Returns the start of the path that ends before text[end]: names, dots, and what brackets enclose.
static size_t path_start(const char *text, size_t end)
{
	size_t open = 0;
	while (end) {
		char c = text[end - 1];
		bool closes = c == ')' || c == ']', opens = c == '(' || c == '[';
		if (opens && !open)
			break;
		if (!open && !closes && !is_name_byte(c) && c != '.')
			break;
		open = open + closes - opens;
		end--;
	}
	return end;
}

struct error *expr_complete(const struct expr_scope *scope, const char *beginning,
			    expr_offer *callback, void *context)
{
	size_t name = strlen(beginning);
	while (name && is_name_byte(beginning[name - 1]))
		name--;
	struct offers offers = {callback, context, beginning, name, false};
	if (!name || beginning[name - 1] != '.') {
		offer_names(scope, &offers);
		return offers.failed ? error_nomem() : NULL;
	}
	size_t start = path_start(beginning, name - 1);
	CLEANUP_FREE char *path = strndup(beginning + start, name - 1 - start);
	struct expr_parser *parser = path ? malloc(sizeof(*parser)) : NULL;
	if (!parser)
		return error_nomem();
	expr_parser_init(parser, scope, path);
	const struct expr_node *base = expr_parse(parser);
	struct gotype *type = base && base->type ? base->type : base ? base->held : NULL;
	if (type)
		offer_fields(type, &offers, 0);
	expr_parser_deinit(parser);
	free(parser);
	return offers.failed ? error_nomem() : NULL;
}
