// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the program (operations of wire.h) that a condition was compiled to, over a hit's registers
// and the target's memory. One step of host_repeat() is one operation, or a part of one that works
// on strings. All state is in struct expr and none in registers, so the kernel's verifier has to
// check one step only. Operations are checked for memory safety only. Strings are read into the
// memory for the record, so a program runs before a record is made. Compiled for the kernel and for
// user space, as capture.h is.
#ifndef GOTRACE_BPF_ENGINE_EXPR_H
#define GOTRACE_BPF_ENGINE_EXPR_H

#include "bpf/engine/capture.h"

struct expr {		  // one run of a program
	wire_u32 at, end; // number of the next operation, and of the first one after the program
	wire_u32 depth;	  // values on the stack
	wire_u32 failed, ended, result;
	wire_u32 is_blind; // no results are known
	// Of a string operation under way: 1 + the bytes that are done, 0 if it has not begun;
	// and the bytes of the literal that match there.
	wire_u32 text_at, matched;
	wire_u64 text_len; // bytes that were read for the string operation
	wire_u64 goid, tid, duration;
	wire_u64 num_calls;
	wire_u64 stack[WIRE_EXPR_STACK];
	wire_u64 word; // read from memory
};

static const wire_u64 EXPR_NO_GOID = ~0ull; // the goroutine is not known

struct expr_run {
	struct expr *expr;
	struct capture *c;
};

enum {
	EXPR_WORD = 8,
	EXPR_SECOND_TEXT = 2 * WIRE_BLOCK_MAX // offset that the second of two strings is read to
};

// A value of the stack, counted from the top; below is 1 for the top.
CAPTURE_INLINE wire_u64 *expr_value(struct expr *expr, wire_u32 below)
{
	wire_u64 at = expr->depth - below;
	CAPTURE_HIDE(at);
	return &expr->stack[at & (WIRE_EXPR_STACK - 1)];
}

CAPTURE_INLINE void expr_push(struct expr *expr, wire_u64 value)
{
	*expr_value(expr, 0) = value;
	expr->depth++;
}

CAPTURE_INLINE wire_u64 expr_wrap(wire_u64 value, const struct wire_op *op)
{
	if (op->size >= EXPR_WORD || !op->size)
		return value;
	wire_u32 shift = 64 - 8 * op->size;
	if (op->is_signed)
		return (wire_u64)((long long)(value << shift) >> shift);
	return value << shift >> shift;
}

// Pushes op->size bytes at addr.
CAPTURE_INLINE void expr_load(struct expr *expr, struct capture *c, const struct wire_op *op,
			      wire_u64 addr)
{
	wire_u64 size = op->size;
	CAPTURE_HIDE(size);
	expr->word = 0;
	if (!size || size > EXPR_WORD || !capture_is_readable(addr, size) ||
	    host_read(&c->host, &expr->word, size, addr))
		expr->failed = 1;
	else
		expr_push(expr, expr_wrap(expr->word, op));
}

CAPTURE_INLINE void expr_register(struct expr *expr, struct capture *c, const struct wire_op *op)
{
	wire_u64 reg = op->reg;
	CAPTURE_HIDE(reg);
	if (reg < CPU_INTS)
		expr_push(expr, expr_wrap(c->regs.ints[reg], op));
	else
		expr->failed = 1;
}

// --- Numbers -------------------------------------------------------------------------------------

// Converts a float to an unsigned number, so that the numbers have the same order as the floats.
// False for a NaN.
CAPTURE_INLINE bool expr_float(wire_u64 bits, wire_u8 size, wire_u64 *out)
{
	static const wire_u64 SIGN = 1ull << 63;
	wire_u64 infinite = 0x7ffull << 52;
	if (size == 4) {
		bits <<= 32;
		infinite = 0x7f8ull << 52;
	}
	if ((bits & ~SIGN) > infinite)
		return false;
	if (!(bits & ~SIGN))
		bits = 0;
	*out = bits & SIGN ? ~bits : bits | SIGN;
	return true;
}

CAPTURE_INLINE wire_u64 expr_compare_floats(const struct wire_op *op, wire_u64 a, wire_u64 b)
{
	wire_u64 left, right;
	if (!expr_float(a, op->size, &left) || !expr_float(b, op->size, &right))
		return 0;
	if (op->code == WIRE_OP_FLOAT_EQUAL)
		return left == right;
	return left < right || (op->code == WIRE_OP_FLOAT_LESS_EQUAL && left == right);
}

CAPTURE_INLINE wire_u64 expr_binary(const struct wire_op *op, wire_u64 a, wire_u64 b)
{
	// With its sign bit flipped, a signed number can be compared as an unsigned one.
	wire_u64 flip = op->is_signed ? 1ull << 63 : 0;
	switch (op->code) {
	case WIRE_OP_ADD:
		return expr_wrap(a + b, op);
	case WIRE_OP_SUB:
		return expr_wrap(a - b, op);
	case WIRE_OP_MUL:
		return expr_wrap(a * b, op);
	case WIRE_OP_AND:
		return a & b;
	case WIRE_OP_OR:
		return a | b;
	case WIRE_OP_EQUAL:
		return a == b;
	case WIRE_OP_LESS:
		return (a ^ flip) < (b ^ flip);
	case WIRE_OP_LESS_EQUAL:
		return (a ^ flip) <= (b ^ flip);
	default:
		return expr_compare_floats(op, a, b);
	}
}

CAPTURE_INLINE void expr_element(struct expr *expr, const struct wire_op *op)
{
	wire_u64 index = *expr_value(expr, 1), len = *expr_value(expr, 2);
	wire_u64 addr = *expr_value(expr, 3);
	expr->depth -= 3;
	if (index >= len || len >> CAPTURE_ADDR_BITS)
		expr->failed = 1;
	else
		expr_push(expr, addr + index * op->value);
}

// --- Strings -------------------------------------------------------------------------------------

CAPTURE_INLINE wire_u8 *expr_text(struct capture *c, wire_u64 at)
{
	CAPTURE_HIDE(at);
	return c->bytes + (at & (WIRE_RECORD_MAX - 1));
}

CAPTURE_INLINE wire_u64 expr_text_word(struct capture *c, wire_u64 at)
{
	return *(const capture_u64 *)expr_text(c, at);
}

// Reads a string's bytes to offset `to`, and pads them with zeros to a whole word.
CAPTURE_INLINE bool expr_read_text(struct capture *c, wire_u64 to, wire_u64 addr, wire_u64 len)
{
	if (!len)
		return true;
	if (len > WIRE_BLOCK_MAX || !capture_is_readable(addr, len))
		return false;
	*(capture_u64 *)expr_text(c, to + ((len - 1) & ~7ull)) = 0;
	CAPTURE_HIDE(len);
	return len <= WIRE_BLOCK_MAX && !host_read(&c->host, expr_text(c, to), len, addr);
}

CAPTURE_INLINE wire_u64 expr_order(wire_u64 a, wire_u64 b)
{
	return a < b ? ~0ull : a > b;
}

// Compares a string with a literal. Of the string, at most as many bytes as the literal has are
// read.
CAPTURE_INLINE void expr_literal_op(struct expr *expr, struct capture *c, const struct wire_op *op)
{
	wire_u64 len = *expr_value(expr, 1), addr = *expr_value(expr, 2);
	const struct wire_literal *literal = host_literal(&c->host, op->off);
	expr->depth -= 2;
	if (!literal || len >> CAPTURE_ADDR_BITS) {
		expr->failed = 1;
		return;
	}
	wire_u64 wanted = literal->len, differs = 0, left = 0, right = 0;
	bool is_order = op->code == WIRE_OP_TEXT_ORDER;
	if ((op->code == WIRE_OP_TEXT_EQUAL && len != wanted) || (!is_order && len < wanted)) {
		expr_push(expr, 0);
		return;
	}
	wire_u64 num = capture_least(len, wanted);
	CAPTURE_HIDE(num);
	if (num > WIRE_LITERAL_MAX)
		return;
	for (wire_u32 i = 0; i < WIRE_LITERAL_MAX / EXPR_WORD; i++)
		*(capture_u64 *)expr_text(c, i * EXPR_WORD) = 0;
	if (!expr_read_text(c, 0, addr, num)) {
		expr->failed = 1;
		return;
	}
	// After the end of either there are zeros. The first words that differ are stored without a
	// branch, because the verifier would follow both ways in each round.
#ifdef __bpf__
#pragma clang loop unroll(disable)
#endif
	for (wire_u32 i = 0; i < WIRE_LITERAL_MAX / EXPR_WORD; i++) {
		wire_u64 a = expr_text_word(c, i * EXPR_WORD);
		wire_u64 b = *(const capture_u64 *)(literal->bytes + i * EXPR_WORD);
		wire_u64 bits = a ^ b, is_first = ((bits | -bits) >> 63) & ~differs;
		CAPTURE_HIDE(is_first);
		left |= a & -is_first;
		right |= b & -is_first;
		differs |= is_first;
		CAPTURE_HIDE(differs);
	}
	wire_u64 order = expr_order(__builtin_bswap64(left), __builtin_bswap64(right));
	if (!is_order)
		expr_push(expr, !differs);
	else
		expr_push(expr, differs ? order : expr_order(len, wanted));
}

// Searches a string for a literal, a byte a step, and never goes back in the string (Knuth, Morris
// and Pratt).
CAPTURE_INLINE bool expr_find(struct expr *expr, struct capture *c, const struct wire_op *op)
{
	const struct wire_literal *literal = host_literal(&c->host, op->off);
	wire_u64 len = *expr_value(expr, 1), addr = *expr_value(expr, 2), wanted;
	if (!literal || len >> CAPTURE_ADDR_BITS) {
		expr->failed = 1;
		return true;
	}
	wanted = literal->len;
	if (!expr->text_at) {
		len = capture_least(len, WIRE_BLOCK_MAX);
		if (len >= wanted && !expr_read_text(c, 0, addr, len)) {
			expr->failed = 1;
			return true;
		}
		expr->text_len = len >= wanted ? len : 0;
		expr->text_at = 1; // 1 + 0 bytes
		expr->matched = 0;
	}
	wire_u64 matched = expr->matched, at = expr->text_at - 1;
	bool is_over = matched >= wanted || at >= expr->text_len;
	if (is_over) {
		if (matched < wanted && len > WIRE_BLOCK_MAX) // the rest may contain it
			expr->failed = 1;
		expr->depth -= 2;
		expr_push(expr, matched >= wanted && (!wanted || expr->text_len));
		expr->text_at = 0;
		return true;
	}
	CAPTURE_HIDE(matched);
	matched &= WIRE_LITERAL_MAX - 1;
	if (*expr_text(c, at) == literal->bytes[matched]) {
		expr->matched++;
		expr->text_at++;
	} else if (matched) {
		wire_u64 last = matched - 1;
		CAPTURE_HIDE(last);
		expr->matched = literal->back[last & (WIRE_LITERAL_MAX - 1)];
	} else {
		expr->text_at++;
	}
	return false;
}

// Compares two strings, a word (eight bytes) a step.
CAPTURE_INLINE bool expr_texts(struct expr *expr, struct capture *c, const struct wire_op *op)
{
	wire_u64 len = *expr_value(expr, 3), other = *expr_value(expr, 1);
	wire_u64 num = capture_least(capture_least(len, other), WIRE_BLOCK_MAX), at, order;
	bool is_order = op->code == WIRE_OP_TEXTS_ORDER;
	if ((len | other) >> CAPTURE_ADDR_BITS) {
		expr->failed = 1;
		return true;
	}
	if (!is_order && len != other) {
		expr->depth -= 4;
		expr_push(expr, 0);
		return true;
	}
	if (!expr->text_at) {
		if (!expr_read_text(c, 0, *expr_value(expr, 4), num) ||
		    !expr_read_text(c, EXPR_SECOND_TEXT, *expr_value(expr, 2), num)) {
			expr->failed = 1;
			return true;
		}
		expr->text_at = 1;
	}
	at = expr->text_at - 1;
	if (at < num) {
		order = expr_order(__builtin_bswap64(expr_text_word(c, at)),
				   __builtin_bswap64(expr_text_word(c, EXPR_SECOND_TEXT + at)));
		if (!order) {
			expr->text_at += EXPR_WORD;
			return false;
		}
	} else {
		order = expr_order(len, other);
		if (capture_least(len, other) > num) // the strings go on, unread
			expr->failed = 1;
	}
	expr->text_at = 0;
	expr->depth -= 4;
	expr_push(expr, is_order ? order : !order);
	return true;
}

// --- Running -------------------------------------------------------------------------------------

CAPTURE_INLINE void expr_end(struct expr *expr, wire_u32 result)
{
	expr->result = result;
	expr->ended = 1;
}

CAPTURE_INLINE wire_u64 *expr_kept(struct capture *c, wire_u32 number)
{
	wire_u64 at = number;
	CAPTURE_HIDE(at);
	return &c->kept.values[at & (WIRE_KEPT_MAX - 1)];
}

CAPTURE_INLINE void expr_keep(struct expr *expr, struct capture *c, const struct wire_op *op)
{
	bool is_string = op->value;
	wire_u32 bits = (is_string ? 3u : 1u) << (op->off & (WIRE_KEPT_MAX - 1));
	*expr_kept(c, op->off) = *expr_value(expr, is_string ? 2 : 1);
	if (is_string)
		*expr_kept(c, op->off + 1) = *expr_value(expr, 1);
	c->kept.valid = expr->failed ? c->kept.valid & ~bits : c->kept.valid | bits;
	expr->depth = 0;
	expr->failed = 0;
}

CAPTURE_INLINE void expr_decide(struct expr *expr)
{
	if (expr->failed || !*expr_value(expr, 1))
		expr_end(expr, 0);
	else
		expr->depth--;
}

// Operations that take nothing from the stack.
CAPTURE_INLINE void expr_source(struct expr *expr, struct capture *c, const struct wire_op *op)
{
	wire_u64 place = capture_stack_place(c->regs.sp, (wire_u64)(long long)(wire_s32)op->off);
	if (expr->is_blind && op->code >= WIRE_OP_REG && op->code <= WIRE_OP_ADDR) {
		expr->failed = 1;
		return;
	}
	switch (op->code) {
	case WIRE_OP_PUSH:
		expr_push(expr, op->value);
		break;
	case WIRE_OP_REG:
		expr_register(expr, c, op);
		break;
	case WIRE_OP_STACK:
		expr_load(expr, c, op, place);
		break;
	case WIRE_OP_ADDR:
		expr_push(expr, place);
		break;
	case WIRE_OP_GOID:
		if (expr->goid == EXPR_NO_GOID)
			expr->failed = 1;
		else
			expr_push(expr, expr->goid);
		break;
	case WIRE_OP_TID:
		expr_push(expr, expr->tid);
		break;
	case WIRE_OP_DEPTH:
		if (expr->num_calls)
			expr_push(expr, expr->num_calls);
		else
			expr->failed = 1;
		break;
	case WIRE_OP_DURATION:
		expr_push(expr, expr->duration);
		break;
	case WIRE_OP_KEPT:
		if (c->kept.valid & 1u << (op->off & (WIRE_KEPT_MAX - 1)))
			expr_push(expr, *expr_kept(c, op->off));
		else
			expr->failed = 1;
		break;
	}
}

// Operations that work on the top of the stack.
CAPTURE_INLINE void expr_top(struct expr *expr, struct capture *c, const struct wire_op *op)
{
	wire_u64 *top = expr_value(expr, 1), value = *top;
	switch (op->code) {
	case WIRE_OP_LOAD:
		expr->depth--;
		expr_load(expr, c, op, value + op->off);
		break;
	case WIRE_OP_DUP:
		expr_push(expr, value);
		break;
	case WIRE_OP_SWAP:
		*top = *expr_value(expr, 2);
		*expr_value(expr, 2) = value;
		break;
	case WIRE_OP_POP:
		expr->depth--;
		break;
	case WIRE_OP_ELEMENT:
		expr_element(expr, op);
		break;
	case WIRE_OP_NOT:
		*top = !value;
		break;
	case WIRE_OP_IF_ZERO:
		expr->at += value ? 0 : op->off & (WIRE_EXPR_OPS - 1);
		break;
	case WIRE_OP_IF_NOT_ZERO:
		expr->at += value ? op->off & (WIRE_EXPR_OPS - 1) : 0;
		break;
	}
}

static long expr_step(wire_u32 i, void *context)
{
	(void)i;
	struct expr_run *run = context;
	struct expr *expr = run->expr;
	struct capture *c = run->c;
	if (expr->ended || expr->at >= expr->end)
		return 1;
	const struct wire_op *op = host_op(&c->host, expr->at);
	if (!op) {
		expr->failed = 1;
		expr_end(expr, 0);
		return 1;
	}
	wire_u32 code = op->code;
	bool is_done = true;
	if (code == WIRE_OP_CHECK) {
		expr_decide(expr);
	} else if (code == WIRE_OP_KEEP) {
		expr_keep(expr, c, op);
	} else if (expr->failed) {
		expr->text_at = 0;
	} else if (code >= WIRE_OP_ADD && code <= WIRE_OP_FLOAT_LESS_EQUAL) {
		wire_u64 *into = expr_value(expr, 2);
		*into = expr_binary(op, *into, *expr_value(expr, 1));
		expr->depth--;
	} else if (code == WIRE_OP_TEXT_FIND) {
		is_done = expr_find(expr, c, op);
	} else if (code == WIRE_OP_TEXTS_EQUAL || code == WIRE_OP_TEXTS_ORDER) {
		is_done = expr_texts(expr, c, op);
	} else if (code >= WIRE_OP_TEXT_EQUAL && code <= WIRE_OP_TEXT_ORDER) {
		expr_literal_op(expr, c, op);
	} else {
		expr_source(expr, c, op);
		expr_top(expr, c, op);
	}
	expr->at += is_done;
	// Checked here too, because another step only to find that out would cost as much as an
	// operation.
	return expr->ended || expr->at >= expr->end;
}

struct expr_hit {      // a program's inputs besides registers and memory
	wire_u64 goid; // EXPR_NO_GOID: not known
	wire_u64 tid, duration;
	wire_u32 is_blind; // the call ends in a jump: no results are known
	// At an entry: how many traced calls are under way, including this one; 0: not known.
	wire_u32 depth;
};

/** Runs num operations from number first on, over c->regs and c->kept. Overwrites the memory for
 *  the record. True if all checks are true. *failed is set if something could not be read; the
 *  result is then false. */
CAPTURE_INLINE bool expr_run(struct expr *expr, struct capture *c, wire_u32 first, wire_u32 num,
			     const struct expr_hit *hit, bool *failed)
{
	expr->at = first;
	expr->end = first + num;
	expr->depth = 0;
	expr->failed = 0;
	expr->ended = 0;
	expr->result = 1;
	expr->text_at = 0;
	expr->is_blind = hit->is_blind;
	expr->goid = hit->goid;
	expr->tid = hit->tid;
	expr->duration = hit->duration;
	expr->num_calls = hit->depth;
	struct expr_run run = {.expr = expr, .c = c};
	host_repeat(WIRE_EXPR_STEPS, expr_step, &run);
	if (!expr->ended && expr->at < expr->end) // too many steps
		expr->failed = 1;
	*failed = expr->failed;
	return expr->result && !expr->failed;
}

#endif
