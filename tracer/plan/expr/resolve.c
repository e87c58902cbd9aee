// SPDX-License-Identifier: GPL-2.0-or-later
// From the typed tree of an expression to the path that leads to what it shows.
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracer/plan/expr/internal.h"

// The node that a step begins at; NULL if the node is no step.
static const struct expr_node *before(const struct expr_node *node)
{
	switch (node->kind) {
	case EXPR_FIELD:
	case EXPR_DEREF:
	case EXPR_ELEMENT:
	case EXPR_KEY:
	case EXPR_LEN:
	case EXPR_TYPE_TEST:
		return node->left;
	case EXPR_HELD: // of the interface in the type test
		return node->left->left;
	default:
		return NULL;
	}
}

// Copies a name or a key. False: out of memory.
static bool set_text(struct expr_step *step, const char *text, size_t len)
{
	step->text = malloc(len + 1);
	step->len = len;
	if (!step->text)
		return false;
	memcpy(step->text, text, len);
	step->text[len] = '\0';
	return true;
}

static void make_step(struct expr_parser *parser, const struct expr_node *node,
		      struct expr_step *out)
{
	static const enum expr_step_kind kinds[] = {
		[EXPR_FIELD] = EXPR_STEP_FIELD,	    [EXPR_DEREF] = EXPR_STEP_DEREF,
		[EXPR_ELEMENT] = EXPR_STEP_ELEMENT, [EXPR_KEY] = EXPR_STEP_KEY,
		[EXPR_LEN] = EXPR_STEP_LEN,	    [EXPR_TYPE_TEST] = EXPR_STEP_TYPE,
		[EXPR_HELD] = EXPR_STEP_HELD,
	};
	const struct expr_node *key = node->right;
	bool is_done = true;
	*out = (struct expr_step){.kind = kinds[node->kind], .from = before(node)->type};
	if (node->kind != EXPR_LEN && node->kind != EXPR_TYPE_TEST)
		out->to = node->type;
	switch (out->kind) {
	case EXPR_STEP_FIELD:
		out->number = node->offset;
		is_done = set_text(out, node->name, strlen(node->name));
		break;
	case EXPR_STEP_ELEMENT:
		out->number = (uint64_t)key->integer;
		if (!expr_is_const(key))
			expr_wrong(parser, key->column, "an index is a constant here");
		else if (key->integer > UINT32_MAX)
			expr_wrong(parser, key->column, "this index is too large");
		break;
	case EXPR_STEP_KEY:
		out->number = (uint64_t)key->integer;
		is_done = key->class != CLASS_STRING || set_text(out, key->string, key->len);
		break;
	case EXPR_STEP_HELD:
		out->number = node->left->offset;
		break;
	case EXPR_STEP_TYPE:
		out->number = node->offset;
		break;
	case EXPR_STEP_DEREF:
	case EXPR_STEP_LEN:
		break;
	}
	parser->failed |= !is_done;
}

static struct expr_path *make_path(struct expr_parser *parser, const struct expr_node *last)
{
	size_t num = 0;
	const struct expr_node *node = last;
	for (; before(node); node = before(node))
		num++;
	if (node->kind != EXPR_PARAM) {
		expr_wrong(parser, node->column,
			   "only parameters, results, and their fields, elements and len() are "
			   "shown");
		return NULL;
	}
	struct expr_path *path = calloc(1, sizeof(*path));
	if (path) {
		path->param = node->param;
		path->text = strdup(parser->text);
		path->steps = calloc(num + 1, sizeof(*path->steps));
	}
	if (!path || !path->text || !path->steps) {
		parser->failed = true;
		return path;
	}
	path->num_steps = num;
	for (node = last; num; node = before(node))
		make_step(parser, node, &path->steps[--num]);
	return path;
}

struct error *expr_path_create(const struct expr_scope *scope, const char *text,
			       struct expr_path **out, char **reason)
{
	struct expr_scope shown = *scope;
	shown.is_shown = true;
	*reason = NULL;
	struct expr_parser *parser = malloc(sizeof(*parser));
	if (!parser)
		return error_nomem();
	expr_parser_init(parser, &shown, text);
	const struct expr_node *node = expr_parse(parser);
	struct expr_path *path = node ? make_path(parser, node) : NULL;
	struct error *err = parser->failed ? error_nomem() : NULL;
	*reason = take(parser->reason);
	expr_parser_deinit(parser);
	free(parser);
	if (err || *reason)
		expr_path_destroy(path);
	else
		*out = path;
	return err;
}
