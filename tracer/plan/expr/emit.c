// SPDX-License-Identifier: GPL-2.0-or-later
// Turns the typed tree into operations.
#include <stdlib.h>
#include <string.h>

#include "tracer/plan/expr/internal.h"

enum { WORD = 8, TYPE_IN_ITAB = 8 };
static const char TOO_FAR[] = "it is too far inside a value";

struct place { // where a value is: in a parameter, or at the address on top of the stack
	const struct param *param; // NULL: in memory
	uint64_t off;
};

// Returns how many values an operation adds to the stack. Code that a jump skips adds none in
// total.
static int pushes(const struct wire_op *op)
{
	switch (op->code) {
	case WIRE_OP_PUSH:
	case WIRE_OP_REG:
	case WIRE_OP_STACK:
	case WIRE_OP_ADDR:
	case WIRE_OP_DUP:
	case WIRE_OP_GOID:
	case WIRE_OP_TID:
	case WIRE_OP_DEPTH:
	case WIRE_OP_DURATION:
	case WIRE_OP_KEPT:
		return 1;
	case WIRE_OP_LOAD:
	case WIRE_OP_SWAP:
	case WIRE_OP_NOT:
	case WIRE_OP_IF_ZERO:
	case WIRE_OP_IF_NOT_ZERO:
		return 0;
	case WIRE_OP_ELEMENT:
		return -2;
	case WIRE_OP_TEXTS_EQUAL:
	case WIRE_OP_TEXTS_ORDER:
		return -3;
	case WIRE_OP_KEEP:
		return op->value ? -2 : -1;
	default:
		return -1;
	}
}

void expr_emit_op(struct expr_emitter *emitter, struct wire_op op)
{
	if (expr_is_wrong(emitter->parser))
		return;
	if (emitter->num == emitter->size) {
		uint32_t size = emitter->size ? emitter->size * 2 : 32;
		struct wire_op *ops = realloc(emitter->ops, size * sizeof(*ops));
		if (!ops) {
			emitter->parser->failed = true;
			return;
		}
		emitter->ops = ops;
		emitter->size = size;
	}
	if (emitter->num >= WIRE_EXPR_OPS / 2)
		expr_wrong(emitter->parser, 1, "this is too long");
	else
		emitter->ops[emitter->num++] = op;
	emitter->depth += (uint32_t)pushes(&op);
	if (emitter->depth > WIRE_EXPR_STACK)
		expr_wrong(emitter->parser, 1, "this is nested too deep");
}

static void code(struct expr_emitter *emitter, enum wire_op_code code)
{
	expr_emit_op(emitter, (struct wire_op){.code = (uint8_t)code});
}

static void push_operand(struct expr_emitter *emitter, enum wire_operand kind, uint64_t value)
{
	expr_emit_op(emitter,
		     (struct wire_op){.code = WIRE_OP_PUSH, .reg = (uint8_t)kind, .value = value});
}

static void push(struct expr_emitter *emitter, uint64_t value)
{
	push_operand(emitter, WIRE_OPERAND_VALUE, value);
}

// Appends a jump and returns its index; land() sets its destination.
static uint32_t jump(struct expr_emitter *emitter, enum wire_op_code op)
{
	code(emitter, op);
	return emitter->num ? emitter->num - 1 : 0;
}

static void land(struct expr_emitter *emitter, uint32_t from)
{
	if (from < emitter->num)
		emitter->ops[from].off = emitter->num - from - 1;
}

// --- Places --------------------------------------------------------------------------------------

static void load_param(struct expr_emitter *emitter, const struct expr_node *node,
		       const struct param *param, uint64_t off, uint8_t size, bool is_signed)
{
	for (size_t i = 0; i < param->num_pieces; i++) {
		const struct abi_piece *piece = &param->pieces[i];
		if (off < piece->offset || off - piece->offset + size > piece->size)
			continue;
		struct wire_op op = {.size = size, .is_signed = is_signed};
		if (piece->where == ABI_STACK) {
			op.code = WIRE_OP_STACK;
			op.off = piece->stack_off + (uint32_t)(off - piece->offset);
		} else if (piece->where == ABI_INT_REG && piece->offset == off) {
			op.code = WIRE_OP_REG;
			op.reg = piece->reg;
		} else {
			break;
		}
		expr_emit_op(emitter, op);
		return;
	}
	expr_wrong(emitter->parser, node->column,
		   node->class == CLASS_FLOAT
			   ? "it is passed in a float register, which a probe does not see"
			   : "it is not where it can be read");
}

// Pops the address if the place is in memory.
static void load(struct expr_emitter *emitter, const struct expr_node *node,
		 const struct place *place, uint64_t off, uint8_t size, bool is_signed)
{
	off += place->off;
	if (place->param)
		load_param(emitter, node, place->param, off, size, is_signed);
	else if (off > INT32_MAX)
		expr_wrong(emitter->parser, node->column, TOO_FAR);
	else
		expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_LOAD,
						       .size = size,
						       .is_signed = is_signed,
						       .off = (uint32_t)off});
}

// Pushes two words of a place, the first word first.
static void load_pair(struct expr_emitter *emitter, const struct expr_node *node,
		      const struct place *place)
{
	if (!place->param)
		code(emitter, WIRE_OP_DUP);
	load(emitter, node, place, 0, WORD, false);
	if (!place->param)
		code(emitter, WIRE_OP_SWAP);
	load(emitter, node, place, WORD, WORD, false);
}

// Moves a place forward inside its value, by num * stride bytes.
static void advance(struct expr_emitter *emitter, const struct expr_node *node, struct place *place,
		    uint64_t num, uint64_t stride)
{
	uint64_t off;
	if (__builtin_mul_overflow(num, stride, &off) ||
	    __builtin_add_overflow(place->off, off, &place->off) || place->off > INT32_MAX)
		expr_wrong(emitter->parser, node->column, TOO_FAR);
}

static struct place find(struct expr_emitter *emitter, struct expr_node *node);

// Pushes the address of an array's first element.
static void push_address(struct expr_emitter *emitter, const struct expr_node *node,
			 const struct place *place)
{
	if (!place->param) {
		push(emitter, place->off);
		expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_ADD, .size = WORD});
		return;
	}
	const struct param *param = place->param;
	if (param->num_pieces != 1 || param->pieces[0].where != ABI_STACK) {
		expr_wrong(emitter->parser, node->column,
			   "only a constant can be the index of what is passed in registers");
		return;
	}
	expr_emit_op(emitter,
		     (struct wire_op){.code = WIRE_OP_ADDR,
				      .off = param->pieces[0].stack_off + (uint32_t)place->off});
}

static struct place find_element(struct expr_emitter *emitter, struct expr_node *node)
{
	struct expr_node *base = node->left, *index = node->right;
	struct place place = find(emitter, base);
	bool is_array = base->type && base->type->kind == GO_ARRAY;
	uint64_t stride = base->class == CLASS_STRING ? 1 : base->type->elem->size;
	if (is_array && index->kind == EXPR_CONST) {
		advance(emitter, node, &place, (uint64_t)index->integer, stride);
		return place;
	}
	if (emitter->is_return && !base->at_return)
		expr_wrong(emitter->parser, index->column,
			   "at the return it is too late to select an element of the entry's");
	if (is_array) {
		push_address(emitter, node, &place);
		push(emitter, base->type->len);
	} else {
		load_pair(emitter, node, &place);
	}
	expr_emit(emitter, index);
	expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_ELEMENT, .value = stride});
	return (struct place){0};
}

static void emit_type_test(struct expr_emitter *emitter, const struct expr_node *node);

// Finds the value in an interface, if it has the tested type. The test's result, 0 or 1, is used as
// the length for WIRE_OP_ELEMENT with index 0, which fails if the length is 0.
static struct place find_held(struct expr_emitter *emitter, const struct expr_node *node)
{
	struct place iface = find(emitter, node->left->left);
	load(emitter, node, &iface, WORD, WORD, false);
	emit_type_test(emitter, node->left);
	push(emitter, 0);
	expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_ELEMENT, .value = 1});
	return (struct place){0};
}

static struct place find(struct expr_emitter *emitter, struct expr_node *node)
{
	struct place place = {0};
	switch (node->kind) {
	case EXPR_PARAM:
		place.param = node->param;
		break;
	case EXPR_FIELD:
		place = find(emitter, node->left);
		advance(emitter, node, &place, 1, node->offset);
		break;
	case EXPR_DEREF: {
		struct place pointer = find(emitter, node->left);
		load(emitter, node, &pointer, 0, WORD, false);
		break;
	}
	case EXPR_ELEMENT:
		place = find_element(emitter, node);
		break;
	case EXPR_HELD:
		place = find_held(emitter, node);
		break;
	default:
		expr_wrong(emitter->parser, node->column, "this has no place");
	}
	return place;
}

// --- Values --------------------------------------------------------------------------------------

static uint64_t float_bits(const struct expr_node *node)
{
	uint64_t bits = 0;
	if (node->size == sizeof(float)) {
		float single = (float)node->number;
		memcpy(&bits, &single, sizeof(single));
	} else {
		memcpy(&bits, &node->number, sizeof(bits));
	}
	return bits;
}

static void emit_const(struct expr_emitter *emitter, const struct expr_node *node)
{
	if (node->class == CLASS_FLOAT)
		push(emitter, float_bits(node));
	else if (node->class == CLASS_STRING)
		expr_wrong(emitter->parser, node->column,
			   "a string in quotes is compared with one of the function");
	else
		push(emitter, (uint64_t)node->integer);
}

static void emit_value(struct expr_emitter *emitter, struct expr_node *node)
{
	struct place place = find(emitter, node);
	switch (node->class) {
	case CLASS_BOOL:
	case CLASS_INT:
	case CLASS_FLOAT:
		load(emitter, node, &place, 0, node->size, node->is_signed);
		break;
	case CLASS_STRING:
		load_pair(emitter, node, &place);
		break;
	case CLASS_POINTER:
	case CLASS_SLICE:
	case CLASS_IFACE:
		load(emitter, node, &place, 0, WORD, false);
		break;
	default:
		expr_wrong(emitter->parser, node->column, "this cannot be compared");
	}
}

// The length of a map or a channel is the first word that it points to.
static void emit_length(struct expr_emitter *emitter, const struct expr_node *node)
{
	struct expr_node *base = node->left;
	struct place place = find(emitter, base);
	if (base->class == CLASS_STRING || base->class == CLASS_SLICE) {
		load(emitter, node, &place, WORD, WORD, true);
		return;
	}
	load(emitter, node, &place, 0, WORD, false);
	uint32_t if_nil = jump(emitter, WIRE_OP_IF_ZERO);
	expr_emit_op(emitter,
		     (struct wire_op){.code = WIRE_OP_LOAD, .size = WORD, .is_signed = true});
	land(emitter, if_nil);
}

static void emit_type_test(struct expr_emitter *emitter, const struct expr_node *node)
{
	emit_value(emitter, node->left);
	if (!node->left->type->is_empty_interface) {
		uint32_t if_nil = jump(emitter, WIRE_OP_IF_ZERO);
		expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_LOAD,
						       .size = WORD,
						       .off = TYPE_IN_ITAB});
		land(emitter, if_nil);
	}
	push_operand(emitter, WIRE_OPERAND_VADDR, node->offset);
	code(emitter, WIRE_OP_EQUAL);
}

void expr_emit_caller(struct expr_emitter *emitter)
{
	expr_emit_op(emitter,
		     (struct wire_op){.code = WIRE_OP_STACK, .size = WORD, .off = (uint32_t)-WORD});
}

// Tests whether the return address is in one of the ranges. A call can be the last instruction of a
// function, so the return address can be the range's end, but not its start.
static void emit_called_by(struct expr_emitter *emitter, const struct expr_node *node)
{
	for (size_t i = 0; i < node->num_ranges; i++) {
		expr_emit_caller(emitter);
		push_operand(emitter, WIRE_OPERAND_VADDR, node->ranges[i].start + 1);
		expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_SUB, .size = WORD});
		push(emitter, node->ranges[i].size);
		code(emitter, WIRE_OP_LESS);
		if (i)
			code(emitter, WIRE_OP_OR);
	}
}

static void emit_failed(struct expr_emitter *emitter, const struct expr_node *node)
{
	const struct signature *signature = emitter->scope->signature;
	bool any = false;
	for (size_t i = 0; i < signature->num_params; i++) {
		const struct param *param = &signature->params[i];
		if (!param->is_result || !param->type || param->unknown ||
		    strcmp(param->type->name, "error"))
			continue;
		load_param(emitter, node, param, 0, WORD, false);
		if (any)
			code(emitter, WIRE_OP_OR);
		any = true;
	}
	code(emitter, WIRE_OP_NOT);
	code(emitter, WIRE_OP_NOT);
}

// --- Strings -------------------------------------------------------------------------------------

static uint32_t add_literal(struct expr_emitter *emitter, const struct expr_node *node)
{
	if (node->len > WIRE_LITERAL_MAX) {
		expr_wrong(emitter->parser, node->column, "it is longer than %d bytes",
			   WIRE_LITERAL_MAX);
		return 0;
	}
	struct wire_literal *literals =
		realloc(emitter->literals,
			(emitter->num_literals + 1) * sizeof(*emitter->literals));
	if (!literals) {
		emitter->parser->failed = true;
		return 0;
	}
	emitter->literals = literals;
	struct wire_literal *literal = &literals[emitter->num_literals];
	*literal = (struct wire_literal){.len = (uint32_t)node->len};
	memcpy(literal->bytes, node->string, node->len);
	for (size_t i = 1, back = 0; i < node->len; i++) {
		while (back && literal->bytes[i] != literal->bytes[back])
			back = literal->back[back - 1];
		if (literal->bytes[i] == literal->bytes[back])
			back++;
		literal->back[i] = (uint8_t)back;
	}
	return emitter->num_literals++;
}

static void emit_text_op(struct expr_emitter *emitter, enum wire_op_code op, struct expr_node *text,
			 const struct expr_node *literal)
{
	expr_emit(emitter, text);
	expr_emit_op(emitter,
		     (struct wire_op){.code = (uint8_t)op, .off = add_literal(emitter, literal)});
}

static void emit_text_comparison(struct expr_emitter *emitter, const struct expr_node *node)
{
	struct expr_node *left = node->left, *right = node->right;
	enum expr_token token = node->token;
	bool is_equality = token == TOKEN_EQUAL || token == TOKEN_NOT_EQUAL;
	bool is_turned = left->kind == EXPR_CONST;
	if (is_turned) {
		left = node->right;
		right = node->left;
	}
	if (right->kind == EXPR_CONST) {
		emit_text_op(emitter, is_equality ? WIRE_OP_TEXT_EQUAL : WIRE_OP_TEXT_ORDER, left,
			     right);
	} else {
		expr_emit(emitter, left);
		expr_emit(emitter, right);
		code(emitter, is_equality ? WIRE_OP_TEXTS_EQUAL : WIRE_OP_TEXTS_ORDER);
	}
	if (is_equality)
		return;
	// The result is -1, 0 or 1: compare it with 0.
	push(emitter, 0);
	bool is_less = token == TOKEN_LESS || token == TOKEN_LESS_EQUAL;
	bool or_equal = token == TOKEN_LESS_EQUAL || token == TOKEN_GREATER_EQUAL;
	if (is_less == is_turned)
		code(emitter, WIRE_OP_SWAP);
	expr_emit_op(emitter, (struct wire_op){.code = or_equal ? WIRE_OP_LESS_EQUAL : WIRE_OP_LESS,
					       .is_signed = true});
}

// --- Operators -----------------------------------------------------------------------------------

static void emit_comparison(struct expr_emitter *emitter, const struct expr_node *node)
{
	enum expr_token token = node->token;
	const struct expr_node *typed = expr_wider(node->left, node->right);
	if (typed->class == CLASS_STRING) {
		emit_text_comparison(emitter, node);
	} else {
		expr_emit(emitter, node->left);
		expr_emit(emitter, node->right);
		if (token == TOKEN_GREATER || token == TOKEN_GREATER_EQUAL)
			code(emitter, WIRE_OP_SWAP);
		bool is_float = typed->class == CLASS_FLOAT;
		struct wire_op op = {.size = typed->size, .is_signed = typed->is_signed};
		if (token == TOKEN_EQUAL || token == TOKEN_NOT_EQUAL)
			op.code = is_float ? WIRE_OP_FLOAT_EQUAL : WIRE_OP_EQUAL;
		else if (token == TOKEN_LESS || token == TOKEN_GREATER)
			op.code = is_float ? WIRE_OP_FLOAT_LESS : WIRE_OP_LESS;
		else
			op.code = is_float ? WIRE_OP_FLOAT_LESS_EQUAL : WIRE_OP_LESS_EQUAL;
		expr_emit_op(emitter, op);
	}
	if (token == TOKEN_NOT_EQUAL)
		code(emitter, WIRE_OP_NOT);
}

static void emit_binary(struct expr_emitter *emitter, const struct expr_node *node)
{
	enum wire_op_code op;
	switch (node->token) {
	case TOKEN_AND_AND:
	case TOKEN_OR_OR: {
		expr_emit(emitter, node->left);
		uint32_t over = jump(emitter, node->token == TOKEN_AND_AND ? WIRE_OP_IF_ZERO
									   : WIRE_OP_IF_NOT_ZERO);
		code(emitter, WIRE_OP_POP);
		expr_emit(emitter, node->right);
		land(emitter, over);
		return;
	}
	case TOKEN_PLUS:
		op = WIRE_OP_ADD;
		break;
	case TOKEN_MINUS:
		op = WIRE_OP_SUB;
		break;
	case TOKEN_STAR:
		op = WIRE_OP_MUL;
		break;
	case TOKEN_AND:
		op = WIRE_OP_AND;
		break;
	case TOKEN_OR:
		op = WIRE_OP_OR;
		break;
	default:
		emit_comparison(emitter, node);
		return;
	}
	expr_emit(emitter, node->left);
	expr_emit(emitter, node->right);
	expr_emit_op(emitter, (struct wire_op){.code = (uint8_t)op,
					       .size = node->size,
					       .is_signed = node->is_signed});
}

// In the program at return, a value that is known only at the entry is replaced by a kept one.
static bool emit_kept(struct expr_emitter *emitter, struct expr_node *node)
{
	bool is_free = node->kind == EXPR_CONST || node->kind == EXPR_GOID ||
		       node->kind == EXPR_TID || node->kind == EXPR_PID;
	if (!emitter->is_return || node->at_return || is_free)
		return false;
	if (node->class == CLASS_STRING || node->class == CLASS_OTHER) {
		expr_wrong(
			emitter->parser, node->column,
			"a string of the entry cannot be compared with what is known at the return");
		return true;
	}
	if (emitter->num_kept == WIRE_KEPT_MAX) {
		expr_wrong(emitter->parser, node->column,
			   "too much of the entry is wanted at the return");
		return true;
	}
	expr_emit_op(emitter, (struct wire_op){.code = WIRE_OP_KEPT, .off = emitter->num_kept});
	emitter->kept_of[emitter->num_kept] = emitter->parser;
	emitter->kept[emitter->num_kept++] = node;
	return true;
}

void expr_emit(struct expr_emitter *emitter, struct expr_node *node)
{
	if (expr_is_wrong(emitter->parser) || emit_kept(emitter, node))
		return;
	switch (node->kind) {
	case EXPR_CONST:
		emit_const(emitter, node);
		break;
	case EXPR_LEN:
		emit_length(emitter, node);
		break;
	case EXPR_NOT:
		expr_emit(emitter, node->left);
		code(emitter, WIRE_OP_NOT);
		break;
	case EXPR_BINARY:
		emit_binary(emitter, node);
		break;
	case EXPR_TYPE_TEST:
		emit_type_test(emitter, node);
		break;
	case EXPR_PREFIX:
		emit_text_op(emitter, WIRE_OP_TEXT_PREFIX, node->left, node->right);
		break;
	case EXPR_CONTAINS:
		emit_text_op(emitter, WIRE_OP_TEXT_FIND, node->left, node->right);
		break;
	case EXPR_GOID:
		code(emitter, WIRE_OP_GOID);
		break;
	case EXPR_TID:
		code(emitter, WIRE_OP_TID);
		break;
	case EXPR_PID:
		push_operand(emitter, WIRE_OPERAND_PID, 0);
		break;
	case EXPR_DEPTH:
		code(emitter, WIRE_OP_DEPTH);
		break;
	case EXPR_DURATION:
		code(emitter, WIRE_OP_DURATION);
		break;
	case EXPR_CALLED_BY:
		emit_called_by(emitter, node);
		break;
	case EXPR_FAILED:
		emit_failed(emitter, node);
		break;
	case EXPR_CALLER:
		expr_wrong(emitter->parser, node->column,
			   "a caller is compared with a name: caller == \"main.f\"");
		break;
	default:
		emit_value(emitter, node);
	}
}
