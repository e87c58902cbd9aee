// SPDX-License-Identifier: GPL-2.0-or-later
// What the compiler's source files share: tokens (lex.c), the typed tree (parse.c makes it; name.c,
// type.c and rtype.c check it; const.c computes with constants), and operations (emit.c).
#ifndef GOTRACE_TRACER_PLAN_EXPR_INTERNAL_H
#define GOTRACE_TRACER_PLAN_EXPR_INTERNAL_H

#include <stdbool.h>

#include "base/text.h"
#include "tracer/plan/expr/expr.h"

enum { EXPR_OURS = '$' }; // before a name: a built-in name, even if a parameter has that name
enum { EXPR_NODES = 256, EXPR_NESTING = 64, EXPR_NAME_MAX = 128 };

enum expr_token {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_INT,
	TOKEN_FLOAT,
	TOKEN_STRING,
	TOKEN_OR_OR, // the first binary operator; they are ordered by precedence
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
	TOKEN_AND, // the last binary operator
	TOKEN_NOT,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_INDEX_OPEN,
	TOKEN_INDEX_CLOSE,
	TOKEN_DOT,
	TOKEN_COMMA,
};

enum expr_class { // which operations a value allows
	CLASS_BOOL,
	CLASS_INT,
	CLASS_FLOAT,
	CLASS_STRING,
	CLASS_POINTER, // one word that may be nil; maps, channels and functions, too
	CLASS_SLICE,
	CLASS_IFACE,
	CLASS_NIL,
	CLASS_OTHER, // structs and arrays, of which only parts can be used; the caller
};

enum expr_kind {
	EXPR_CONST, // its value is in integer, number or string
	EXPR_PARAM,
	EXPR_FIELD, // of left, at offset
	EXPR_DEREF,
	EXPR_ELEMENT, // of left, at index right
	EXPR_KEY,     // of the map left, with the constant key right; only of what is shown
	EXPR_LEN,
	EXPR_NOT,
	EXPR_BINARY, // the operator is token
	EXPR_TYPE_TEST,
	EXPR_HELD, // left is a type test: what the data word of its interface points to
	EXPR_PREFIX,
	EXPR_CONTAINS,
	EXPR_GOID,
	EXPR_TID,
	EXPR_PID,
	EXPR_DEPTH,
	EXPR_DURATION,
	EXPR_CALLER,	// for a comparison with a name, or as a key
	EXPR_CALLED_BY, // the caller is in one of ranges
	EXPR_FAILED,	// a result of type error is not nil
};

struct expr_range { // run-time addresses
	uint64_t start, size;
};

struct expr_node {
	enum expr_kind kind;
	enum expr_class class;
	enum expr_token token;
	struct gotype *type; // NULL: for constants and built-in names
	struct gotype *held; // EXPR_TYPE_TEST: the type of EXPR_HELD; NULL: it cannot be read
	uint8_t size;	     // CLASS_INT and CLASS_FLOAT: bytes
	bool is_signed;
	bool at_return; // known only at the return
	uint32_t column;
	struct expr_node *left, *right;
	const struct param *param;
	const char *name; // EXPR_FIELD; borrowed from the type
	uint64_t offset;  // EXPR_FIELD: in left; EXPR_TYPE_TEST: the descriptor's vaddr
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
	char *reason; // the first error
	bool failed;  // out of memory
};

/** Makes this error at this column the reason, unless there is one already. */
void expr_wrong(struct expr_parser *parser, uint32_t column, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static inline bool expr_is_wrong(const struct expr_parser *parser)
{
	return parser->reason || parser->failed;
}

/** Reads the next token. */
void expr_next(struct expr_parser *parser);

/** Parses the whole text as a value of any type; NULL if something is wrong. */
struct expr_node *expr_parse(struct expr_parser *parser);
/** Parses the whole text as a condition; NULL if something is wrong. */
struct expr_node *expr_parse_condition(struct expr_parser *parser);
void expr_parser_init(struct expr_parser *parser, const struct expr_scope *scope, const char *text);
void expr_parser_deinit(struct expr_parser *parser);

/** Makes it the reason that there is none of these names: WHAT 'WANTED'; did you mean 'NAME'? */
void expr_no_name(struct expr_parser *parser, uint32_t column, const char *what, const char *wanted,
		  const char *const *names, size_t num);

// Make nodes and check their types. They belong to the parser; NULL if something is wrong.
struct expr_node *expr_new(struct expr_parser *parser, enum expr_kind kind, uint32_t column);
struct expr_node *expr_new_class(struct expr_parser *parser, enum expr_kind kind,
				 enum expr_class class, uint32_t column);
/** Gives a node this Go type, and the class and size that follow from it. */
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
/** Finds the descriptor (a vaddr) of the type with this name, if values in interfaces have it; 0 if
 *  there is none. An error is noted only if the name itself is wrong: it is ambiguous, or that of
 *  an interface. *held: the type of what the interface's data word points to, or NULL if it is not
 *  certain that it points to a value. */
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

/** Converts a constant to the type of the other operand; an error if it does not fit. */
void expr_convert(struct expr_parser *parser, struct expr_node *node, const struct expr_node *like);
/** Compute with, or compare, two constants of one class. expr_fold puts its result in left. */
struct expr_node *expr_fold(struct expr_parser *parser, enum expr_token token,
			    struct expr_node *left, const struct expr_node *right);
struct expr_node *expr_fold_comparison(struct expr_parser *parser, enum expr_token token,
				       const struct expr_node *left, const struct expr_node *right,
				       uint32_t column);
/** Returns the operand in whose type the two are compared or computed with. The other operand's
 *  values fit that type, except a negative value of a built-in name next to an unsigned operand. */
const struct expr_node *expr_wider(const struct expr_node *left, const struct expr_node *right);
const char *expr_describe(const struct expr_node *node);

struct expr_emitter {
	const struct expr_scope *scope;
	struct expr_parser *parser; // gets the errors
	struct wire_op *ops;
	uint32_t num, size;
	uint32_t depth; // values on the stack after the last operation
	struct wire_literal *literals;
	uint32_t num_literals;
	bool is_return;
	struct expr_node *kept[WIRE_KEPT_MAX]; // to be kept at the entry for the return
	struct expr_parser *kept_of[WIRE_KEPT_MAX];
	uint32_t num_kept;
};

/** Appends operations that push the node's value. */
void expr_emit(struct expr_emitter *emitter, struct expr_node *node);
/** Appends an operation that pushes the function's return address; valid at its entry. */
void expr_emit_caller(struct expr_emitter *emitter);
void expr_emit_op(struct expr_emitter *emitter, struct wire_op op);

#endif
