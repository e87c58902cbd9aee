// SPDX-License-Identifier: GPL-2.0-or-later
// What the files of the compiler share: tokens (expr_lex.c), the typed tree (expr_parse.c makes it,
// expr_name.c and expr_type.c check it, expr_const.c computes with constants), and operations
// (expr_emit.c).
#ifndef GOTRACE_TRACER_PLAN_EXPR_INTERNAL_H
#define GOTRACE_TRACER_PLAN_EXPR_INTERNAL_H

#include <stdbool.h>

#include "base/text.h"
#include "tracer/plan/expr/expr.h"

enum { EXPR_OURS = '$' }; // before a name: no parameter's
enum { EXPR_NODES = 256, EXPR_NESTING = 64, EXPR_NAME_MAX = 128 };

enum expr_token {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_INT,
	TOKEN_FLOAT,
	TOKEN_STRING,
	TOKEN_OR_OR, // operators, by precedence: from here
	TOKEN_AND_AND,
	TOKEN_EQUAL,
	TOKEN_NOT_EQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_OR,
	TOKEN_STAR,
	TOKEN_AND, // to here
	TOKEN_NOT,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_INDEX_OPEN,
	TOKEN_INDEX_CLOSE,
	TOKEN_DOT,
	TOKEN_COMMA,
};

enum expr_class { // what can be done with a value
	CLASS_BOOL,
	CLASS_INT,
	CLASS_FLOAT,
	CLASS_STRING,
	CLASS_POINTER, // one word that may be nil: maps, channels and functions too
	CLASS_SLICE,
	CLASS_IFACE,
	CLASS_NIL,
	CLASS_OTHER, // struct, array: its parts can be named
};

enum expr_kind {
	EXPR_CONST, // integer, number or string
	EXPR_PARAM,
	EXPR_FIELD, // left's, at offset
	EXPR_DEREF,
	EXPR_ELEMENT, // left's, number right
	EXPR_LEN,
	EXPR_NOT,
	EXPR_BINARY, // token
	EXPR_TYPE_TEST,
	EXPR_HELD, // what the interface of left, a type test, holds or has a pointer to
	EXPR_PREFIX,
	EXPR_CONTAINS,
	EXPR_GOID,
	EXPR_TID,
	EXPR_DEPTH,
	EXPR_DURATION,
	EXPR_CALLER,	// compared with a name, or a value by itself
	EXPR_CALLED_BY, // the caller is one of ranges
	EXPR_FAILED,	// some result of type error is not nil
};

struct expr_range { // run-time addresses
	uint64_t start, size;
};

struct expr_node {
	enum expr_kind kind;
	enum expr_class class;
	enum expr_token token;
	struct gotype *type; // NULL: a constant's or a built-in name's
	struct gotype *held; // of EXPR_TYPE_TEST: the type of EXPR_HELD; NULL: it cannot be read
	uint8_t size;	     // of CLASS_INT and CLASS_FLOAT, bytes
	bool is_signed;
	bool at_return; // not known before
	uint32_t column;
	struct expr_node *left, *right;
	const struct param *param;
	uint64_t offset; // of EXPR_FIELD; of EXPR_TYPE_TEST, the descriptor's run-time address
	__int128 integer;
	double number;
	char *string;
	size_t len;
	struct expr_range *ranges;
	size_t num_ranges;
};

struct expr_parser {
	const struct expr_scope *scope; // NULL: names are not looked up
	const char *text, *at;
	enum expr_token token;
	uint32_t column; // of the token, from 1
	char name[EXPR_NAME_MAX];
	__int128 integer;
	double number;
	struct text string; // the token's
	struct expr_node nodes[EXPR_NODES];
	size_t num_nodes;
	int nesting;
	char *reason; // why it cannot be; the first
	bool failed;  // out of memory
};

/** Notes what is wrong, at this column. */
void expr_wrong(struct expr_parser *parser, uint32_t column, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static inline bool expr_is_wrong(const struct expr_parser *parser)
{
	return parser->reason || parser->failed;
}

/** Reads the next token. */
void expr_next(struct expr_parser *parser);

/** The whole text as a value of any type; NULL when something is wrong. */
struct expr_node *expr_parse(struct expr_parser *parser);
/** As a condition. */
struct expr_node *expr_parse_condition(struct expr_parser *parser);
void expr_parser_init(struct expr_parser *parser, const struct expr_scope *scope, const char *text);
void expr_parser_deinit(struct expr_parser *parser);

// Nodes with their types. All return NULL when something is wrong.
struct expr_node *expr_new(struct expr_parser *parser, enum expr_kind kind, uint32_t column);
struct expr_node *expr_new_class(struct expr_parser *parser, enum expr_kind kind,
				 enum expr_class class, uint32_t column);
/** Gives a node this Go type, and the class that follows from it. */
void expr_set_type(struct expr_node *node, struct gotype *type);
struct expr_node *expr_name(struct expr_parser *parser, const char *name, uint32_t column);
struct expr_node *expr_select(struct expr_parser *parser, struct expr_node *base, const char *name,
			      uint32_t column);
struct expr_node *expr_deref(struct expr_parser *parser, struct expr_node *base, uint32_t column);
struct expr_node *expr_index(struct expr_parser *parser, struct expr_node *base,
			     struct expr_node *index, uint32_t column);
struct expr_node *expr_length(struct expr_parser *parser, struct expr_node *base, uint32_t column);
struct expr_node *expr_type_test(struct expr_parser *parser, struct expr_node *base,
				 const char *type, size_t len, uint32_t column);
/** The descriptor of a type that a value in an interface can have; 0: there is none, which is noted
 *  only where the name is to blame. *held: the type of what the interface's data word points to;
 *  NULL: it is not known to be a pointer to a value. */
uint64_t expr_find_rtype(struct expr_parser *parser, const char *name, uint32_t column,
			 struct gotype **held);
struct expr_node *expr_unary(struct expr_parser *parser, enum expr_token token,
			     struct expr_node *node, uint32_t column);
struct expr_node *expr_binary_node(struct expr_parser *parser, enum expr_token token,
				   struct expr_node *left, struct expr_node *right,
				   uint32_t column);
struct expr_node *expr_text_test(struct expr_parser *parser, enum expr_kind kind,
				 struct expr_node *text, struct expr_node *part);
static inline bool expr_is_const(const struct expr_node *node)
{
	return node->kind == EXPR_CONST;
}

/** A constant becomes one of the other's type. */
void expr_convert(struct expr_parser *parser, struct expr_node *node, const struct expr_node *like);
/** Of two constants of one class: what is computed with them, and whether they compare so. */
struct expr_node *expr_fold(struct expr_parser *parser, enum expr_token token,
			    struct expr_node *left, const struct expr_node *right);
struct expr_node *expr_fold_comparison(struct expr_parser *parser, enum expr_token token,
				       const struct expr_node *left, const struct expr_node *right,
				       uint32_t column);
/** Which of two numbers that are compared or computed with has the type in which that is done: the
 *  other's values fit it, but for a negative number of the compiler's own beside one without a
 *  sign. */
const struct expr_node *expr_wider(const struct expr_node *left, const struct expr_node *right);
const char *expr_describe(const struct expr_node *node);

struct expr_emitter {
	const struct expr_scope *scope;
	struct expr_parser *parser; // for what is wrong
	struct wire_op *ops;
	uint32_t num, size;
	uint32_t depth; // values on the stack behind the last operation
	struct wire_literal *literals;
	uint32_t num_literals;
	bool is_return;
	struct expr_node *kept[WIRE_KEPT_MAX];
	struct expr_parser *kept_of[WIRE_KEPT_MAX];
	uint32_t num_kept;
};

/** Appends what leaves the node's value on the stack. */
void expr_emit(struct expr_emitter *emitter, struct expr_node *node);
/** Appends what leaves the address to which the function returns there; at its entry. */
void expr_emit_caller(struct expr_emitter *emitter);
void expr_emit_op(struct expr_emitter *emitter, struct wire_op op);

#endif
