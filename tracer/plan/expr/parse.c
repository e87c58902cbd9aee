// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "tracer/plan/expr/internal.h"

enum { LOWEST = 1 }; // precedence

void expr_parser_init(struct expr_parser *parser, const struct expr_scope *scope, const char *text)
{
	memset(parser, 0, sizeof(*parser));
	parser->scope = scope;
	parser->text = parser->at = text;
}

void expr_parser_deinit(struct expr_parser *parser)
{
	for (size_t i = 0; i < parser->num_nodes; i++) {
		free(parser->nodes[i].string);
		free(parser->nodes[i].ranges);
	}
	text_deinit(&parser->string);
	free(parser->reason);
}

static int precedence(enum expr_token token)
{
	switch (token) {
	case TOKEN_OR_OR:
		return 1;
	case TOKEN_AND_AND:
		return 2;
	case TOKEN_EQUAL:
	case TOKEN_NOT_EQUAL:
	case TOKEN_LESS:
	case TOKEN_LESS_EQUAL:
	case TOKEN_GREATER:
	case TOKEN_GREATER_EQUAL:
		return 3;
	case TOKEN_PLUS:
	case TOKEN_MINUS:
	case TOKEN_OR:
		return 4;
	case TOKEN_STAR:
	case TOKEN_AND:
		return 5;
	default:
		return 0;
	}
}

static struct expr_node *parse_binary(struct expr_parser *parser, int least);

static bool expect(struct expr_parser *parser, enum expr_token token, const char *name)
{
	if (parser->token != token) {
		expr_wrong(parser, parser->column, "'%s' is missing", name);
		return false;
	}
	expr_next(parser);
	return !expr_is_wrong(parser);
}

static struct expr_node *parse_constant(struct expr_parser *parser)
{
	struct expr_node *node = expr_new(parser, EXPR_CONST, parser->column);
	if (!node)
		return NULL;
	if (parser->token == TOKEN_INT) {
		node->class = CLASS_INT;
		node->integer = parser->integer;
	} else if (parser->token == TOKEN_FLOAT) {
		node->class = CLASS_FLOAT;
		node->number = parser->number;
	} else {
		node->class = CLASS_STRING;
		node->len = parser->string.len;
		node->string = malloc(node->len + 1);
		if (!node->string) {
			parser->failed = true;
			return NULL;
		}
		memcpy(node->string, text_string(&parser->string), node->len + 1);
	}
	expr_next(parser);
	return node;
}

// Parses hasPrefix(s, "x"), contains(s, "x") or len(x), after the name.
static struct expr_node *parse_call(struct expr_parser *parser, const char *name, uint32_t column)
{
	expr_next(parser);
	struct expr_node *first = parse_binary(parser, LOWEST), *second = NULL;
	if (!strcmp(name, "len"))
		return first && expect(parser, TOKEN_CLOSE, ")")
			       ? expr_length(parser, first, column)
			       : NULL;
	bool is_prefix = !strcmp(name, "hasPrefix");
	if (!is_prefix && strcmp(name, "contains")) {
		expr_wrong(parser, column,
			   "there is no function '%s'; there are len, hasPrefix and contains",
			   name);
		return NULL;
	}
	if (!first || !expect(parser, TOKEN_COMMA, ",") ||
	    !(second = parse_binary(parser, LOWEST)) || !expect(parser, TOKEN_CLOSE, ")"))
		return NULL;
	return expr_text_test(parser, is_prefix ? EXPR_PREFIX : EXPR_CONTAINS, first, second);
}

static struct expr_node *parse_operand(struct expr_parser *parser)
{
	uint32_t column = parser->column;
	char name[EXPR_NAME_MAX];
	switch (parser->token) {
	case TOKEN_INT:
	case TOKEN_FLOAT:
	case TOKEN_STRING:
		return parse_constant(parser);
	case TOKEN_NAME:
		memcpy(name, parser->name, sizeof(name));
		expr_next(parser);
		return parser->token == TOKEN_OPEN ? parse_call(parser, name, column)
						   : expr_name(parser, name, column);
	case TOKEN_OPEN: {
		expr_next(parser);
		struct expr_node *node = parse_binary(parser, LOWEST);
		return node && expect(parser, TOKEN_CLOSE, ")") ? node : NULL;
	}
	case TOKEN_END:
		expr_wrong(parser, column, "a value is missing");
		return NULL;
	default:
		expr_wrong(parser, column, "a value is missing before this");
		return NULL;
	}
}

// Parses the type in x.(T): everything up to the closing bracket.
static struct expr_node *parse_type_test(struct expr_parser *parser, struct expr_node *base,
					 uint32_t column)
{
	const char *start = parser->at, *end = start;
	for (int open = 1; *end; end++) {
		open += (*end == '(') - (*end == ')');
		if (!open)
			break;
	}
	if (!*end) {
		expr_wrong(parser, column, "')' is missing");
		return NULL;
	}
	parser->at = end + 1;
	expr_next(parser);
	while (start < end && *start == ' ')
		start++;
	while (end > start && end[-1] == ' ')
		end--;
	return expr_type_test(parser, base, start, (size_t)(end - start), column);
}

static struct expr_node *parse_path(struct expr_parser *parser)
{
	struct expr_node *node = parse_operand(parser);
	while (node && (parser->token == TOKEN_DOT || parser->token == TOKEN_INDEX_OPEN)) {
		bool is_index = parser->token == TOKEN_INDEX_OPEN;
		uint32_t column = parser->column;
		expr_next(parser);
		if (is_index) {
			struct expr_node *index = parse_binary(parser, LOWEST);
			if (!index || !expect(parser, TOKEN_INDEX_CLOSE, "]"))
				return NULL;
			node = expr_index(parser, node, index, column);
		} else if (parser->token == TOKEN_OPEN) {
			node = parse_type_test(parser, node, parser->column);
		} else if (parser->token == TOKEN_NAME) {
			char name[EXPR_NAME_MAX];
			memcpy(name, parser->name, sizeof(name));
			column = parser->column;
			expr_next(parser);
			node = expr_select(parser, node, name, column);
		} else {
			expr_wrong(parser, parser->column, "a field's name is missing");
			return NULL;
		}
	}
	return expr_is_wrong(parser) ? NULL : node;
}

static struct expr_node *parse_unary(struct expr_parser *parser)
{
	enum expr_token token = parser->token;
	uint32_t column = parser->column;
	if (token != TOKEN_MINUS && token != TOKEN_NOT && token != TOKEN_STAR &&
	    token != TOKEN_PLUS)
		return parse_path(parser);
	if (++parser->nesting > EXPR_NESTING) {
		expr_wrong(parser, column, "this is nested too deep");
		return NULL;
	}
	expr_next(parser);
	struct expr_node *node = parse_unary(parser);
	parser->nesting--;
	if (!node)
		return NULL;
	return token == TOKEN_STAR ? expr_deref(parser, node, column)
				   : expr_unary(parser, token, node, column);
}

static struct expr_node *parse_binary(struct expr_parser *parser, int least)
{
	if (++parser->nesting > EXPR_NESTING) {
		expr_wrong(parser, parser->column, "this is nested too deep");
		return NULL;
	}
	struct expr_node *left = parse_unary(parser);
	for (;;) {
		enum expr_token token = parser->token;
		int level = precedence(token);
		uint32_t column = parser->column;
		if (!left || expr_is_wrong(parser) || !level || level < least)
			break;
		expr_next(parser);
		struct expr_node *right = parse_binary(parser, level + 1);
		left = right ? expr_binary_node(parser, token, left, right, column) : NULL;
	}
	parser->nesting--;
	return expr_is_wrong(parser) ? NULL : left;
}

struct expr_node *expr_parse(struct expr_parser *parser)
{
	expr_next(parser);
	struct expr_node *node = parse_binary(parser, LOWEST);
	if (node && parser->token != TOKEN_END)
		expr_wrong(parser, parser->column, "an operator is missing before this");
	return expr_is_wrong(parser) ? NULL : node;
}

struct expr_node *expr_parse_condition(struct expr_parser *parser)
{
	struct expr_node *node = expr_parse(parser);
	if (node && node->class != CLASS_BOOL && parser->scope)
		expr_wrong(parser, node->column, "this is %s, not a condition",
			   expr_describe(node));
	return expr_is_wrong(parser) ? NULL : node;
}
