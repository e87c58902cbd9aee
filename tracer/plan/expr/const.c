// SPDX-License-Identifier: GPL-2.0-or-later
// Constants: they are exact until an operand gives them a type.
#include <float.h>
#include <math.h>

#include "tracer/plan/expr/internal.h"

enum { WORD = 8 };

static void overflows(struct expr_parser *parser, const struct expr_node *node,
		      const struct expr_node *like)
{
	expr_wrong(parser, node->column, "this does not fit %s", expr_describe(like));
}

void expr_convert(struct expr_parser *parser, struct expr_node *node, const struct expr_node *like)
{
	if (like->class == CLASS_FLOAT && node->class == CLASS_INT) {
		node->number = (double)node->integer;
		node->class = CLASS_FLOAT;
	} else if (like->class == CLASS_INT && node->class == CLASS_FLOAT && expr_is_const(like)) {
		return;
	} else if (like->class == CLASS_INT && node->class == CLASS_FLOAT) {
		if (node->number != floor(node->number) || fabs(node->number) > 1.8e19) {
			overflows(parser, node, like);
			return;
		}
		node->integer = (__int128)node->number;
		node->class = CLASS_INT;
	}
	if (node->class == CLASS_FLOAT) {
		node->size = like->size ? like->size : WORD;
		if (node->size == sizeof(float) && fabs(node->number) > FLT_MAX)
			overflows(parser, node, like);
	}
	if (node->class != CLASS_INT || like->class != CLASS_INT)
		return;
	unsigned bits = like->size ? like->size * 8u : 64;
	__int128 one = 1;
	__int128 least = like->is_signed ? -(one << (bits - 1)) : 0;
	__int128 most = (one << (like->is_signed ? bits - 1 : bits)) - 1;
	if (!expr_is_const(like) && (node->integer < least || node->integer > most))
		overflows(parser, node, like);
	node->size = like->size;
	node->is_signed = like->is_signed;
}

struct expr_node *expr_fold(struct expr_parser *parser, enum expr_token token,
			    struct expr_node *left, const struct expr_node *right)
{
	if (left->class == CLASS_FLOAT || right->class == CLASS_FLOAT) {
		double a = left->class == CLASS_INT ? (double)left->integer : left->number;
		double b = right->class == CLASS_INT ? (double)right->integer : right->number;
		left->class = CLASS_FLOAT;
		left->number = token == TOKEN_PLUS ? a + b : token == TOKEN_MINUS ? a - b : a * b;
		if (token == TOKEN_AND || token == TOKEN_OR)
			expr_wrong(parser, right->column, "floats have no bits");
		if (!isfinite(left->number))
			expr_wrong(parser, left->column, "this number is too large");
		return left;
	}
	__int128 a = left->integer, b = right->integer, limit = (__int128)1 << 65;
	if (a > limit || b > limit || -a > limit || -b > limit) {
		expr_wrong(parser, left->column, "this number is too large");
		return NULL;
	}
	switch (token) {
	case TOKEN_PLUS:
		left->integer = a + b;
		break;
	case TOKEN_MINUS:
		left->integer = a - b;
		break;
	case TOKEN_STAR:
		if (__builtin_mul_overflow(a, b, &left->integer))
			left->integer = limit + 1;
		break;
	case TOKEN_AND:
		left->integer = a & b;
		break;
	default:
		left->integer = a | b;
		break;
	}
	return left;
}

struct expr_node *expr_fold_comparison(struct expr_parser *parser, enum expr_token token,
				       const struct expr_node *left, const struct expr_node *right,
				       uint32_t column)
{
	bool is_float = left->class == CLASS_FLOAT;
	bool is_less = is_float ? left->number < right->number : left->integer < right->integer;
	bool is_equal = is_float ? left->number == right->number : left->integer == right->integer;
	struct expr_node *node = expr_new_class(parser, EXPR_CONST, CLASS_BOOL, column);
	if (!node)
		return NULL;
	switch (token) {
	case TOKEN_EQUAL:
		node->integer = is_equal;
		break;
	case TOKEN_NOT_EQUAL:
		node->integer = !is_equal;
		break;
	case TOKEN_LESS:
		node->integer = is_less;
		break;
	case TOKEN_LESS_EQUAL:
		node->integer = is_less || is_equal;
		break;
	case TOKEN_GREATER:
		node->integer = !is_less && !is_equal;
		break;
	default:
		node->integer = !is_less;
		break;
	}
	return node;
}
