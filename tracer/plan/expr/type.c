// SPDX-License-Identifier: GPL-2.0-or-later
// Types: which type a node has, and whether Go would accept it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracer/plan/expr/internal.h"
#include "tracer/plan/select/select.h"

enum { WORD = 8, EMBEDDED_MAX = 4, CALLERS_MAX = 16 };

struct expr_node *expr_new(struct expr_parser *parser, enum expr_kind kind, uint32_t column)
{
	if (parser->num_nodes == EXPR_NODES)
		expr_wrong(parser, column, "this is too long");
	if (expr_is_wrong(parser))
		return NULL;
	struct expr_node *node = &parser->nodes[parser->num_nodes++];
	*node = (struct expr_node){.kind = kind, .class = CLASS_OTHER, .column = column};
	return node;
}

struct expr_node *expr_new_class(struct expr_parser *parser, enum expr_kind kind,
				 enum expr_class class, uint32_t column)
{
	struct expr_node *node = expr_new(parser, kind, column);
	if (!node)
		return NULL;
	node->class = class;
	if (class == CLASS_INT) {
		node->size = WORD;
		node->is_signed = true;
	}
	return node;
}

void expr_set_type(struct expr_node *node, struct gotype *type)
{
	gotype_complete(type);
	node->type = type;
	node->class = CLASS_OTHER;
	node->size = (uint8_t)type->size;
	if (gokind_size(type->kind) && gokind_size(type->kind) != type->size)
		return;
	switch (type->kind) {
	case GO_BOOL:
		node->class = CLASS_BOOL;
		break;
	case GO_INT ... GO_INT64:
		node->is_signed = true;
		node->class = CLASS_INT;
		break;
	case GO_UINT ... GO_UINTPTR:
		node->class = CLASS_INT;
		break;
	case GO_FLOAT32 ... GO_FLOAT64:
		node->class = CLASS_FLOAT;
		break;
	case GO_STRING:
		node->class = CLASS_STRING;
		break;
	case GO_SLICE:
		node->class = CLASS_SLICE;
		break;
	case GO_INTERFACE:
		node->class = CLASS_IFACE;
		break;
	case GO_POINTER:
	case GO_UNSAFE_POINTER:
	case GO_MAP:
	case GO_CHAN:
	case GO_FUNC:
		node->class = CLASS_POINTER;
		break;
	default:
		break;
	}
}

const char *expr_describe(const struct expr_node *node)
{
	static const char *const names[] = {
		[CLASS_BOOL] = "a bool",	[CLASS_INT] = "an integer",
		[CLASS_FLOAT] = "a float",	[CLASS_STRING] = "a string",
		[CLASS_POINTER] = "a pointer",	[CLASS_SLICE] = "a slice",
		[CLASS_IFACE] = "an interface", [CLASS_NIL] = "nil",
		[CLASS_OTHER] = "a value",
	};
	if (node->type && node->type->name && *node->type->name)
		return node->type->name;
	return node->kind == EXPR_CALLER ? "a function" : names[node->class];
}

// --- Paths ---------------------------------------------------------------------------------------

static struct expr_node *child(struct expr_parser *parser, enum expr_kind kind,
			       struct expr_node *base, struct gotype *type, uint32_t column)
{
	struct expr_node *node = expr_new(parser, kind, column);
	if (!node)
		return NULL;
	expr_set_type(node, type);
	node->left = base;
	node->at_return = base->at_return;
	return node;
}

static struct gotype *pointed(const struct expr_node *node)
{
	return node->type && node->type->kind == GO_POINTER ? node->type->elem : NULL;
}

struct expr_node *expr_deref(struct expr_parser *parser, struct expr_node *base, uint32_t column)
{
	if (!base || !parser->scope)
		return base;
	struct gotype *to = pointed(base);
	if (!to) {
		expr_wrong(parser, column, "%s is no pointer", expr_describe(base));
		return NULL;
	}
	return child(parser, EXPR_DEREF, base, to, column);
}

static struct expr_node *field_node(struct expr_parser *parser, struct expr_node *base,
				    const struct gofield *field, uint32_t column)
{
	struct expr_node *node = child(parser, EXPR_FIELD, base, field->type, column);
	if (!node)
		return NULL;
	node->offset = field->offset;
	node->name = field->name;
	return node;
}

// Finds a field of a struct or of a struct embedded in it; NULL if there is none.
static struct expr_node *find_field(struct expr_parser *parser, struct expr_node *base,
				    const char *name, int level, uint32_t column)
{
	if (pointed(base))
		base = expr_deref(parser, base, column);
	if (!base || base->type->kind != GO_STRUCT)
		return NULL;
	const struct gofield *field = gotype_field(base->type, name);
	if (field)
		return field_node(parser, base, field, column);
	for (size_t i = 0; level < EMBEDDED_MAX && i < base->type->num_fields; i++) {
		field = &base->type->fields[i];
		if (!field->is_embedded)
			continue;
		struct expr_node *inner = field_node(parser, base, field, column);
		if (!inner)
			return NULL;
		struct expr_node *node = find_field(parser, inner, name, level + 1, column);
		if (node)
			return node;
	}
	return NULL;
}

struct expr_node *expr_select(struct expr_parser *parser, struct expr_node *base, const char *name,
			      uint32_t column)
{
	if (!base || !parser->scope)
		return base;
	if (base->kind == EXPR_TYPE_TEST && base->held)
		base = child(parser, EXPR_HELD, base, base->held, column);
	if (!base)
		return NULL;
	struct gotype *type = pointed(base) ? pointed(base) : base->type;
	if (type)
		gotype_complete(type);
	struct expr_node *node = type ? find_field(parser, base, name, 0, column) : NULL;
	if (node || expr_is_wrong(parser))
		return node;
	if (!type || type->kind != GO_STRUCT) {
		expr_wrong(parser, column, "%s has no fields", expr_describe(base));
		return NULL;
	}
	CLEANUP_FREE const char **names = calloc(type->num_fields + 1, sizeof(*names));
	CLEANUP_FREE char *what = NULL;
	if (!names || asprintf(&what, "%s has no field", type->name) < 0) {
		what = NULL;
		parser->failed = true;
		return NULL;
	}
	for (size_t i = 0; i < type->num_fields; i++)
		names[i] = type->fields[i].name;
	expr_no_name(parser, column, what, name, names, type->num_fields);
	return NULL;
}

// Finding an element of a map takes a hash and a search, which cannot be done at a hit.
static struct expr_node *map_element(struct expr_parser *parser, struct expr_node *base,
				     struct expr_node *index, uint32_t column)
{
	struct gotype *type = base->type;
	bool is_known = type->map.layout != GOMAP_UNKNOWN && type->key && type->elem;
	if (!parser->scope->is_shown)
		expr_wrong(parser, column,
			   "an element of a map can be shown (show, --show, --print), but not be "
			   "asked for while the program runs");
	else if (!is_known)
		expr_wrong(parser, column, "the layout of %s is not known", expr_describe(base));
	else if (!expr_is_const(index))
		expr_wrong(parser, index->column, "a map's key is a constant here");
	if (expr_is_wrong(parser))
		return NULL;
	struct expr_node key = {.kind = EXPR_PARAM};
	expr_set_type(&key, type->key);
	expr_convert(parser, index, &key);
	bool can_compare =
		key.class == CLASS_INT || key.class == CLASS_BOOL || key.class == CLASS_STRING;
	if (!can_compare || index->class != key.class)
		expr_wrong(parser, index->column,
			   can_compare ? "this is no key of %s" : "keys of %s cannot be given here",
			   expr_describe(base));
	struct expr_node *node = child(parser, EXPR_KEY, base, type->elem, column);
	if (node)
		node->right = index;
	return node;
}

struct expr_node *expr_index(struct expr_parser *parser, struct expr_node *base,
			     struct expr_node *index, uint32_t column)
{
	if (!base || !index || !parser->scope)
		return base;
	if (base->type && base->type->kind == GO_MAP)
		return map_element(parser, base, index, column);
	if (pointed(base) && base->type->elem->kind == GO_ARRAY)
		base = expr_deref(parser, base, column);
	if (!base)
		return NULL;
	bool is_array = base->type && base->type->kind == GO_ARRAY;
	bool has_elements = is_array || base->class == CLASS_SLICE
				    ? base->type->elem != NULL
				    : base->class == CLASS_STRING && base->kind != EXPR_CONST;
	if (!has_elements) {
		expr_wrong(parser, column, "%s has no elements that can be read here",
			   expr_describe(base));
		return NULL;
	}
	uint64_t most = is_array ? base->type->len : INT64_MAX;
	bool is_const = index->kind == EXPR_CONST;
	if (index->class != CLASS_INT ||
	    (is_const && (index->integer < 0 || index->integer >= (__int128)most))) {
		expr_wrong(parser, index->column, "this is no index of %s", expr_describe(base));
		return NULL;
	}
	struct expr_node *node = expr_new(parser, EXPR_ELEMENT, column);
	if (!node)
		return NULL;
	if (base->class == CLASS_STRING) {
		node->class = CLASS_INT;
		node->size = 1;
	} else {
		expr_set_type(node, base->type->elem);
	}
	node->left = base;
	node->right = index;
	node->at_return = base->at_return || index->at_return;
	return node;
}

struct expr_node *expr_length(struct expr_parser *parser, struct expr_node *base, uint32_t column)
{
	if (!base || !parser->scope)
		return base;
	enum gokind kind = base->type ? base->type->kind : GO_INVALID;
	struct expr_node *node = expr_new_class(parser, EXPR_LEN, CLASS_INT, column);
	if (!node)
		return NULL;
	node->left = base;
	node->at_return = base->at_return;
	if (kind == GO_ARRAY || (base->kind == EXPR_CONST && base->class == CLASS_STRING)) {
		node->kind = EXPR_CONST;
		node->integer = kind == GO_ARRAY ? (__int128)base->type->len : (__int128)base->len;
	} else if (kind != GO_STRING && kind != GO_SLICE && kind != GO_MAP && kind != GO_CHAN) {
		expr_wrong(parser, column, "%s has no length", expr_describe(base));
		return NULL;
	}
	return node;
}

struct expr_node *expr_type_test(struct expr_parser *parser, struct expr_node *base,
				 const char *type, size_t len, uint32_t column)
{
	if (!base || !parser->scope)
		return base;
	if (base->class != CLASS_IFACE) {
		expr_wrong(parser, column, "%s is no interface", expr_describe(base));
		return NULL;
	}
	CLEANUP_FREE char *name = strndup(type, len);
	if (!name) {
		parser->failed = true;
		return NULL;
	}
	struct gotype *held;
	uint64_t rtype = expr_find_rtype(parser, name, column, &held);
	if (!rtype && !expr_is_wrong(parser))
		expr_wrong(parser, column, "the program has no type '%s' that an interface holds",
			   name);
	if (expr_is_wrong(parser))
		return NULL;
	struct expr_node *node = expr_new_class(parser, EXPR_TYPE_TEST, CLASS_BOOL, column);
	if (!node)
		return NULL;
	node->left = base;
	node->at_return = base->at_return;
	node->offset = rtype;
	node->held = held;
	return node;
}

// --- Operators -----------------------------------------------------------------------------------

struct expr_node *expr_unary(struct expr_parser *parser, enum expr_token token,
			     struct expr_node *node, uint32_t column)
{
	if (!node || !parser->scope)
		return node;
	if (token == TOKEN_NOT) {
		if (node->class != CLASS_BOOL) {
			expr_wrong(parser, column, "! is for bools, not for %s",
				   expr_describe(node));
			return NULL;
		}
		struct expr_node *not_node = expr_new_class(parser, EXPR_NOT, CLASS_BOOL, column);
		if (not_node) {
			not_node->left = node;
			not_node->at_return = node->at_return;
		}
		return not_node;
	}
	bool is_number = node->class == CLASS_INT || node->class == CLASS_FLOAT;
	if (!is_number || (node->class == CLASS_FLOAT && !expr_is_const(node))) {
		expr_wrong(parser, column, "%s cannot be computed with", expr_describe(node));
		return NULL;
	}
	if (token == TOKEN_PLUS)
		return node;
	if (expr_is_const(node)) {
		node->integer = -node->integer;
		node->number = -node->number;
		return node;
	}
	struct expr_node *zero = expr_new_class(parser, EXPR_CONST, CLASS_INT, column);
	return zero ? expr_binary_node(parser, TOKEN_MINUS, zero, node, column) : NULL;
}

// Adds the code of function i. It extends the last range if no other function is between the two.
static void add_range(struct expr_node *node, const struct selection *found, size_t i)
{
	const struct func *func = found->func[i];
	if (i && found->func[i - 1]->number + 1 == func->number) {
		struct expr_range *last = &node->ranges[node->num_ranges - 1];
		last->size = func->vaddr + func->size - last->start;
	} else {
		node->ranges[node->num_ranges++] = (struct expr_range){func->vaddr, func->size};
	}
}

// Compares "caller" with a function's name. The name of a generic function matches all its
// instances.
static struct expr_node *called_by(struct expr_parser *parser, bool is_equal,
				   const struct expr_node *name, uint32_t column)
{
	if (name->class != CLASS_STRING || !expr_is_const(name)) {
		expr_wrong(parser, name->column, "a caller is given by its name, in quotes");
		return NULL;
	}
	struct selection found = {0};
	struct error *err = select_named(parser->scope->index, name->string, &found);
	struct expr_node *node =
		err ? NULL : expr_new_class(parser, EXPR_CALLED_BY, CLASS_BOOL, column);
	if (node)
		node->ranges = calloc(found.num + 1, sizeof(*node->ranges));
	if (!node || !node->ranges) {
		parser->failed = true;
		error_free(err);
		selection_deinit(&found);
		return NULL;
	}
	for (size_t i = 0; i < found.num; i++)
		add_range(node, &found, i);
	selection_deinit(&found);
	if (!node->num_ranges || node->num_ranges > CALLERS_MAX) {
		expr_wrong(parser, name->column,
			   node->num_ranges ? "too many functions are called %s"
					    : "there is no function %s with code of its own",
			   name->string);
		return NULL;
	}
	if (is_equal)
		return node;
	return expr_unary(parser, TOKEN_NOT, node, column);
}

const struct expr_node *expr_wider(const struct expr_node *left, const struct expr_node *right)
{
	if (expr_is_const(left) || expr_is_const(right))
		return expr_is_const(left) ? right : left;
	if (left->size != right->size)
		return left->size > right->size ? left : right;
	if (left->is_signed != right->is_signed)
		return left->is_signed ? right : left;
	return left->type ? left : right;
}

static bool same_types(const struct expr_node *left, const struct expr_node *right)
{
	if (left->class == CLASS_INT && !left->type != !right->type && !expr_is_const(left) &&
	    !expr_is_const(right)) // for example s[0] and an int8
		return left->size != right->size || left->size == WORD ||
		       left->is_signed == right->is_signed;
	if (!left->type || !right->type)
		return true;
	return left->type->kind == right->type->kind &&
	       !strcmp(left->type->full_name, right->type->full_name);
}

// True if a value of the node's class can be nil.
static bool is_nilable(const struct expr_node *node)
{
	return node->class == CLASS_POINTER || node->class == CLASS_SLICE ||
	       node->class == CLASS_IFACE;
}

static bool can_compare(enum expr_token token, const struct expr_node *left,
			const struct expr_node *right)
{
	bool is_order = token != TOKEN_EQUAL && token != TOKEN_NOT_EQUAL;
	switch (left->class) {
	case CLASS_BOOL:
		return !is_order;
	case CLASS_INT:
	case CLASS_FLOAT:
	case CLASS_STRING:
		return true;
	case CLASS_POINTER:
		return !is_order && left->type && right->type &&
		       (left->type->kind == GO_POINTER || left->type->kind == GO_CHAN ||
			left->type->kind == GO_UNSAFE_POINTER);
	default:
		return false;
	}
}

static bool is_comparison(enum expr_token token)
{
	return token >= TOKEN_EQUAL && token <= TOKEN_GREATER_EQUAL;
}

// Checks that the operator can be used with these operands; a constant gets the type of the other.
static bool check_operands(struct expr_parser *parser, enum expr_token token,
			   struct expr_node *left, struct expr_node *right, uint32_t column)
{
	if (token == TOKEN_AND_AND || token == TOKEN_OR_OR) {
		const struct expr_node *wrong = left->class != CLASS_BOOL    ? left
						: right->class != CLASS_BOOL ? right
									     : NULL;
		if (wrong)
			expr_wrong(parser, wrong->column, "this is %s, not a condition",
				   expr_describe(wrong));
		return !wrong;
	}
	bool is_equality = token == TOKEN_EQUAL || token == TOKEN_NOT_EQUAL;
	if (is_equality && ((left->class == CLASS_NIL && is_nilable(right)) ||
			    (right->class == CLASS_NIL && is_nilable(left))))
		return true;
	if (expr_is_const(right))
		expr_convert(parser, right, left);
	if (expr_is_const(left))
		expr_convert(parser, left, right);
	if (expr_is_wrong(parser))
		return false;
	if (left->class != right->class || !same_types(left, right)) {
		expr_wrong(parser, column, "mismatched types: %s and %s", expr_describe(left),
			   expr_describe(right));
		return false;
	}
	bool is_right =
		is_comparison(token)
			? can_compare(token, left, right)
			: left->class == CLASS_INT || (left->class == CLASS_FLOAT &&
						       expr_is_const(left) && expr_is_const(right));
	if (!is_right)
		expr_wrong(parser, column, "this cannot be done with %s", expr_describe(left));
	return is_right;
}

struct expr_node *expr_binary_node(struct expr_parser *parser, enum expr_token token,
				   struct expr_node *left, struct expr_node *right, uint32_t column)
{
	if (!left || !right || !parser->scope)
		return left;
	bool is_equality = token == TOKEN_EQUAL || token == TOKEN_NOT_EQUAL;
	if (is_equality && (left->kind == EXPR_CALLER || right->kind == EXPR_CALLER))
		return called_by(parser, token == TOKEN_EQUAL,
				 left->kind == EXPR_CALLER ? right : left, column);
	if (!check_operands(parser, token, left, right, column))
		return NULL;
	bool is_bool = is_comparison(token) || token == TOKEN_AND_AND || token == TOKEN_OR_OR;
	bool is_folded = expr_is_const(left) && expr_is_const(right) && left->class != CLASS_STRING;
	if (is_folded && is_comparison(token))
		return expr_fold_comparison(parser, token, left, right, column);
	if (is_folded && !is_bool)
		return expr_fold(parser, token, left, right);
	struct expr_node *node = expr_new_class(parser, EXPR_BINARY, CLASS_BOOL, column);
	if (!node)
		return NULL;
	if (!is_bool) {
		const struct expr_node *typed = expr_wider(left, right);
		node->class = CLASS_INT;
		node->type = typed->type;
		node->size = typed->size;
		node->is_signed = typed->is_signed;
	}
	node->token = token;
	node->left = left;
	node->right = right;
	node->at_return = left->at_return || right->at_return;
	return node;
}

struct expr_node *expr_text_test(struct expr_parser *parser, enum expr_kind kind,
				 struct expr_node *text, struct expr_node *part)
{
	if (!parser->scope)
		return text;
	if (text->class != CLASS_STRING || expr_is_const(text)) {
		expr_wrong(parser, text->column, "this is %s, not a string of the function",
			   expr_describe(text));
		return NULL;
	}
	if (part->class != CLASS_STRING || !expr_is_const(part)) {
		expr_wrong(parser, part->column, "a string in quotes is wanted here");
		return NULL;
	}
	struct expr_node *node = expr_new_class(parser, kind, CLASS_BOOL, text->column);
	if (!node)
		return NULL;
	node->left = text;
	node->right = part;
	node->at_return = text->at_return;
	return node;
}
