// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/expr/expr.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracer/plan/expr/internal.h"

enum { TERMS_MAX = 64, VALUES_MAX = WIRE_KEYS + 2 };

struct term { // one of the operands of &&: all of them have to hold
	struct expr_node *node;
	struct expr_parser *parser;
};

struct terms {
	struct term term[TERMS_MAX];
	size_t num;
};

static void add_terms(struct expr_parser *parser, struct expr_node *node, struct terms *terms)
{
	if (node->kind == EXPR_BINARY && node->token == TOKEN_AND_AND) {
		add_terms(parser, node->left, terms);
		add_terms(parser, node->right, terms);
	} else if (terms->num == TERMS_MAX) {
		expr_wrong(parser, node->column, "this is too long");
	} else {
		terms->term[terms->num++] = (struct term){node, parser};
	}
}

struct values { // to be kept
	struct expr_value_of *values;
	struct term term[VALUES_MAX];
	size_t num;
	uint32_t num_kept; // in words
};

// Sets how a value's words are to be read.
static void add_value(struct expr_parser *parser, struct expr_node *node, struct values *values)
{
	static const char *const others = "this is %s, not an integer, a bool or a string";
	struct expr_value_of *out = &values->values[values->num];
	struct wire_value *value = &out->value;
	bool is_constant = node->kind == EXPR_CONST && node->class != CLASS_INT;
	*value = (struct wire_value){
		.kind = WIRE_VALUE_UINT,
		.kept = (uint8_t)values->num_kept,
		.is_result = node->at_return,
	};
	out->looks = EXPR_NUMBER;
	if (node->kind == EXPR_CALLER)
		out->looks = EXPR_FUNCTION;
	else if (node->class == CLASS_BOOL && !is_constant)
		out->looks = EXPR_BOOL;
	else if (node->class == CLASS_POINTER && !is_constant)
		out->looks = EXPR_ADDRESS;
	else if (node->class == CLASS_STRING && !is_constant)
		value->kind = WIRE_VALUE_STRING;
	else if (node->class != CLASS_INT)
		expr_wrong(parser, node->column, others, expr_describe(node));
	else if (node->is_signed || node->kind == EXPR_CONST)
		value->kind = WIRE_VALUE_INT;
	if (value->kind == WIRE_VALUE_INT && node->kind == EXPR_CONST &&
	    (node->integer < INT64_MIN || node->integer > INT64_MAX))
		expr_wrong(parser, node->column, "this does not fit int");
	if (out->is_integer && (node->class != CLASS_INT || node->kind == EXPR_CALLER))
		expr_wrong(parser, node->column, "this is %s, not an integer", expr_describe(node));
	values->num_kept += value->kind == WIRE_VALUE_STRING ? 2 : 1;
	values->term[values->num++] = (struct term){node, parser};
}

static void emit_checks(struct expr_emitter *emitter, const struct terms *terms, bool is_return)
{
	emitter->is_return = is_return;
	for (size_t i = 0; i < terms->num; i++) {
		if (terms->term[i].node->at_return != is_return)
			continue;
		emitter->parser = terms->term[i].parser;
		expr_emit(emitter, terms->term[i].node);
		expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_CHECK});
	}
}

static void emit_values(struct expr_emitter *emitter, const struct values *values, bool is_return)
{
	for (size_t i = 0; i < values->num; i++) {
		const struct term *term = &values->term[i];
		const struct wire_value *value = &values->values[i].value;
		if (value->is_result != is_return)
			continue;
		emitter->parser = term->parser;
		if (term->node->kind == EXPR_CALLER)
			expr_emit_caller(emitter);
		else
			expr_emit(emitter, term->node);
		expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_KEEP,
						       .off = value->kept,
						       .value = value->kind == WIRE_VALUE_STRING});
	}
}

// The program at return comes first, since it decides what the entry has to keep. The program at
// entry has the checks that the entry can decide, then what it keeps.
static void emit_all(struct expr_emitter *emitter, const struct terms *terms,
		     const struct values *values, uint32_t *num_return)
{
	uint32_t first_kept = emitter->num_kept = values->num_kept;
	emit_checks(emitter, terms, true);
	emit_values(emitter, values, true);
	*num_return = emitter->num;
	emit_checks(emitter, terms, false);
	for (uint32_t i = first_kept; i < emitter->num_kept; i++) {
		emitter->parser = emitter->kept_of[i];
		expr_emit(emitter, emitter->kept[i]);
		expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_KEEP, .off = i});
	}
	emit_values(emitter, values, false);
}

static void turn(struct wire_op *ops, uint32_t num)
{
	for (uint32_t i = 0; i < num / 2; i++) {
		struct wire_op op = ops[i];
		ops[i] = ops[num - 1 - i];
		ops[num - 1 - i] = op;
	}
}

// Moves the first num_return operations, the program at return, after the others.
static void put_entry_first(struct wire_op *ops, uint32_t num, uint32_t num_return)
{
	turn(ops, num_return);
	turn(ops + num_return, num - num_return);
	turn(ops, num);
}

static struct error *first_wrong(struct expr_parser *parsers, size_t num, char **reason)
{
	for (size_t i = 0; i < num; i++) {
		if (parsers[i].failed)
			return error_nomem();
		if (parsers[i].reason && !*reason)
			*reason = take(parsers[i].reason);
	}
	return NULL;
}

static bool decides(const struct terms *terms)
{
	for (size_t i = 0; i < terms->num; i++)
		if (terms->term[i].node->at_return)
			return true;
	return false;
}

static struct error *compile(const struct expr_scope *scope, struct expr_parser *parsers,
			     const char *const *texts, size_t num, struct values *values,
			     size_t num_values, struct expr_code *out, char **reason)
{
	struct terms terms = {.num = 0};
	bool is_right = true;
	for (size_t i = 0; i < num + num_values; i++)
		expr_parser_init(&parsers[i], scope,
				 i < num ? texts[i] : values->values[i - num].text);
	for (size_t i = 0; i < num + num_values && is_right; i++) {
		struct expr_node *node =
			i < num ? expr_parse_condition(&parsers[i]) : expr_parse(&parsers[i]);
		is_right = node;
		if (node && i < num)
			add_terms(&parsers[i], node, &terms);
		else if (node)
			add_value(&parsers[i], node, values);
	}
	struct expr_emitter emitter = {.scope = scope, .parser = &parsers[0]};
	uint32_t num_return = 0;
	if (is_right)
		emit_all(&emitter, &terms, values, &num_return);
	struct error *err = first_wrong(parsers, num + num_values, reason);
	if (err || *reason) {
		free(emitter.ops);
		free(emitter.literals);
		return err;
	}
	if (emitter.num)
		put_entry_first(emitter.ops, emitter.num, num_return);
	*out = (struct expr_code){
		.ops = emitter.ops,
		.literals = emitter.literals,
		.num_entry = emitter.num - num_return,
		.num_return = num_return,
		.num_literals = emitter.num_literals,
		.decides_at_return = decides(&terms),
	};
	return NULL;
}

struct error *expr_compile(const struct expr_scope *scope, const char *const *texts, size_t num,
			   struct expr_value_of *values, size_t num_values, struct expr_code *out,
			   char **reason)
{
	*reason = NULL;
	if (num_values > VALUES_MAX)
		return error_new("at most %d values can be kept of a call", VALUES_MAX);
	size_t num_parsers = num + num_values;
	struct expr_parser *parsers = calloc(num_parsers ? num_parsers : 1, sizeof(*parsers));
	if (!parsers)
		return error_nomem();
	struct values kept = {.values = values};
	struct error *err = compile(scope, parsers, texts, num, &kept, num_values, out, reason);
	for (size_t i = 0; i < num_parsers; i++)
		expr_parser_deinit(&parsers[i]);
	free(parsers);
	return err;
}

struct error *expr_check(const char *text, char **reason)
{
	*reason = NULL;
	struct expr_parser *parser = malloc(sizeof(*parser));
	if (!parser)
		return error_nomem();
	expr_parser_init(parser, NULL, text);
	expr_parse(parser);
	struct error *err = first_wrong(parser, 1, reason);
	expr_parser_deinit(parser);
	free(parser);
	return err;
}

void expr_code_deinit(struct expr_code *code)
{
	free(code->ops);
	free(code->literals);
}
