// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/expr.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracer/plan/expr_internal.h"

enum { TERMS_MAX = 64 };

struct term { // all of them have to hold
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

// The program at entry: the checks that it can decide, then what is kept for the return.
static void emit_all(struct expr_emitter *emitter, const struct terms *terms, uint32_t *num_return)
{
	emit_checks(emitter, terms, true);
	*num_return = emitter->num;
	emit_checks(emitter, terms, false);
	for (uint32_t i = 0; i < emitter->num_kept; i++) {
		emitter->parser = emitter->kept_of[i];
		expr_emit(emitter, emitter->kept[i]);
		expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_KEEP, .off = i});
	}
}

static void turn(struct wire_op *ops, uint32_t num)
{
	for (uint32_t i = 0; i < num / 2; i++) {
		struct wire_op op = ops[i];
		ops[i] = ops[num - 1 - i];
		ops[num - 1 - i] = op;
	}
}

// The first part, at return, goes behind the other.
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

static struct error *compile(const struct expr_scope *scope, struct expr_parser *parsers,
			     const char *const *texts, size_t num, struct expr_code *out,
			     char **reason)
{
	struct terms terms = {.num = 0};
	for (size_t i = 0; i < num; i++)
		expr_parser_init(&parsers[i], scope, texts[i]);
	bool is_right = true;
	for (size_t i = 0; i < num && is_right; i++) {
		struct expr_node *node = expr_parse(&parsers[i]);
		is_right = node;
		if (node)
			add_terms(&parsers[i], node, &terms);
	}
	struct expr_emitter emitter = {.scope = scope, .parser = &parsers[0]};
	uint32_t num_return = 0;
	if (is_right)
		emit_all(&emitter, &terms, &num_return);
	struct error *err = first_wrong(parsers, num, reason);
	if (err || *reason) {
		free(emitter.ops);
		free(emitter.literals);
		return err;
	}
	put_entry_first(emitter.ops, emitter.num, num_return);
	*out = (struct expr_code){
		.ops = emitter.ops,
		.literals = emitter.literals,
		.num_entry = emitter.num - num_return,
		.num_return = num_return,
		.num_literals = emitter.num_literals,
	};
	return NULL;
}

struct error *expr_compile(const struct expr_scope *scope, const char *const *texts, size_t num,
			   struct expr_code *out, char **reason)
{
	*reason = NULL;
	struct expr_parser *parsers = calloc(num ? num : 1, sizeof(*parsers));
	if (!parsers)
		return error_nomem();
	struct error *err = compile(scope, parsers, texts, num, out, reason);
	for (size_t i = 0; i < num; i++)
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
