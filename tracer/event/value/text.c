// SPDX-License-Identifier: GPL-2.0-or-later
// Values as Go would write them, as a tree (tree.h).
#include "tracer/event/value/internal.h"

#include <math.h>

#include "base/rune.h"
#include "tracer/event/value/known/known.h"

// --- Leaves ------------------------------------------------------------------------------------

static struct value_node *node_at(struct walk *walk, uint32_t number)
{
	return walk->tree->failed ? &walk->tree->none : &walk->tree->nodes[number];
}

// Takes some of the room for text, for what only value_tree_write adds.
static void charge(struct walk *walk, size_t bytes)
{
	walk->end -= bytes < walk->end ? bytes : walk->end;
}

static uint32_t begin(struct walk *walk, enum value_node_kind kind, enum value_worth worth)
{
	charge(walk, 2); // a comma or brackets
	return value_tree_begin(walk->tree, kind, worth);
}

static void end(struct walk *walk, uint32_t number)
{
	value_tree_end(walk->tree, number);
	walk->last_node = number;
}

static uint32_t begin_leaf(struct walk *walk, enum value_worth worth, bool is_zero)
{
	uint32_t number = begin(walk, NODE_LEAF, worth);
	node_at(walk, number)->is_zero = is_zero;
	return number;
}

static void end_leaf(struct walk *walk, uint32_t number)
{
	value_tree_head(walk->tree, number);
	end(walk, number);
}

static void put_unavailable(struct walk *walk, const char *reason)
{
	uint32_t leaf = begin_leaf(walk, WORTH_LITTLE, false);
	text_append(walk->out, "?(", 2);
	text_puts(walk->out, reason);
	text_putc(walk->out, ')');
	end_leaf(walk, leaf);
}

static void put_nil(struct walk *walk)
{
	uint32_t leaf = begin_leaf(walk, WORTH_LITTLE, true);
	text_append(walk->out, "nil", 3);
	end_leaf(walk, leaf);
}

static void put_bool(struct walk *walk, bool value)
{
	uint32_t leaf = begin_leaf(walk, WORTH_NUMBER, !value);
	text_puts(walk->out, value ? "true" : "false");
	end_leaf(walk, leaf);
}

static void put_integer(struct walk *walk, const struct gotype *type, uint64_t bits)
{
	uint32_t leaf = begin_leaf(walk, WORTH_NUMBER, !bits);
	bool is_constant = walk_constant(walk, type, bits, walk->out);
	if (is_constant)
		text_putc(walk->out, '(');
	if (type->kind == GO_UINTPTR)
		text_hex(walk->out, bits);
	else if (type->kind <= GO_INT64)
		text_i64(walk->out, (int64_t)bits);
	else
		text_u64(walk->out, bits);
	if (is_constant)
		text_putc(walk->out, ')');
	node_at(walk, leaf)->shows_type = is_constant;
	end_leaf(walk, leaf);
}

static bool is_zero_float(double value)
{
	return value == 0 && !signbit(value);
}

static void put_float(struct walk *walk, double value, bool is_single)
{
	uint32_t leaf = begin_leaf(walk, WORTH_NUMBER, is_zero_float(value));
	value_float(value, is_single, walk->out);
	end_leaf(walk, leaf);
}

static void put_complex(struct walk *walk, double real, double imaginary, bool is_single)
{
	uint32_t leaf =
		begin_leaf(walk, WORTH_NUMBER, is_zero_float(real) && is_zero_float(imaginary));
	text_putc(walk->out, '(');
	value_float(real, is_single, walk->out);
	size_t at = walk->out->len;
	value_float(imaginary, is_single, walk->out);
	if (!walk->out->failed && walk->out->data[at] != '-' && walk->out->data[at] != '+') {
		walk->out->len = at;
		text_putc(walk->out, '+');
		value_float(imaginary, is_single, walk->out);
	}
	text_append(walk->out, "i)", 2);
	end_leaf(walk, leaf);
}

static void put_plain(struct walk *walk, const char *bytes, size_t len)
{
	uint32_t leaf = begin_leaf(walk, WORTH_NUMBER, false);
	text_append(walk->out, bytes, len);
	end_leaf(walk, leaf);
}

// Begins a leaf that is a type and something in parentheses.
static uint32_t begin_address(struct walk *walk, const struct gotype *type, uint64_t addr)
{
	uint32_t leaf = begin_leaf(walk, WORTH_LITTLE, false);
	node_at(walk, leaf)->shows_type = true;
	walk_type(walk, type, walk->out);
	text_putc(walk->out, '(');
	text_hex(walk->out, addr);
	return leaf;
}

static void put_address(struct walk *walk, const struct gotype *type, uint64_t addr)
{
	uint32_t leaf = begin_address(walk, type, addr);
	text_putc(walk->out, ')');
	end_leaf(walk, leaf);
}

static void put_chan(struct walk *walk, const struct gotype *type, uint64_t addr, uint64_t len,
		     uint64_t cap)
{
	uint32_t leaf = begin_address(walk, type, addr);
	text_append(walk->out, " len ", 5);
	text_u64(walk->out, len);
	text_append(walk->out, " cap ", 5);
	text_u64(walk->out, cap);
	text_putc(walk->out, ')');
	end_leaf(walk, leaf);
}

// --- Strings and bytes -------------------------------------------------------------------------

// Returns how many bytes more than these are written at most.
static size_t escaped(const char *bytes, size_t len)
{
	size_t more = 0;
	for (size_t i = 0; i < len; i++)
		more += bytes[i] < ' ' || bytes[i] == '"' || bytes[i] == '\\' ? 3 : 0;
	return more;
}

static void put_body(struct walk *walk, uint32_t number, const char *bytes, uint64_t len,
		     uint64_t total)
{
	value_tree_head(walk->tree, number);
	text_append(walk->out, bytes, len);
	charge(walk, escaped(bytes, len));
	struct value_node *node = node_at(walk, number);
	node->body = (uint32_t)len;
	node->more = total - len;
	end(walk, number);
}

static void put_string(struct walk *walk, const char *bytes, size_t len, uint64_t total)
{
	uint32_t number = begin(walk, NODE_STRING, WORTH_STRING);
	node_at(walk, number)->is_zero = !total;
	put_body(walk, number, bytes, len, total);
}

static void put_known(struct walk *walk, const char *bytes, size_t len, uint8_t flags, bool is_zero)
{
	// What has the type before it is the state of a thing, rather than a value.
	uint32_t number = begin(walk, flags & KNOWN_TEXT ? NODE_TEXT : NODE_LEAF,
				flags & KNOWN_TEXT    ? WORTH_STRING
				: flags & KNOWN_TYPED ? WORTH_SHORT
						      : WORTH_NUMBER);
	node_at(walk, number)->shows_type = flags & (KNOWN_TYPED | KNOWN_CLEAR);
	node_at(walk, number)->is_zero = is_zero;
	if (flags & KNOWN_TEXT) {
		const char *cut = strstr(bytes, "...+");
		put_body(walk, number, bytes, len, len);
		node_at(walk, number)->cut = cut ? (uint32_t)(cut - bytes) : 0;
		return;
	}
	text_append(walk->out, bytes, len);
	end_leaf(walk, number);
}

// Returns why elements after those that are shown were not captured; NULL if the reason is the
// user's limit, or that a line has no room for them.
static const char *why_fewer(const struct walk *walk, uint64_t shown, uint64_t total)
{
	if (shown >= total || shown >= walk->printer->items)
		return NULL;
	const char *why = memory_why_missing(walk->memory);
	return walk->printer->is_brief && why == memory_not_captured ? NULL : why;
}

static bool are_zero(const uint8_t *bytes, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool are_text(const char *bytes, size_t len)
{
	for (size_t at = 0; at < len; at++) {
		at += rune_printable_length(bytes + at, len - at);
		if (at < len && !memchr("\n\r\t", bytes[at], 3))
			return false;
	}
	return true;
}

static enum value_node_kind form_of_bytes(const struct gotype *type, const char *bytes, size_t len)
{
	if (!are_text(bytes, len))
		return NODE_HEX;
	bool is_json = !strcmp(type->full_name, "encoding/json.RawMessage");
	return is_json && rune_printable_length(bytes, len) == len && !memchr(bytes, '`', len)
		       ? NODE_RAW
		       : NODE_STRING;
}

static void put_bytes(struct walk *walk, const struct gotype *type, const uint8_t *bytes,
		      uint64_t shown, uint64_t total)
{
	const char *text = (const char *)bytes;
	size_t whole = shown < total ? value_whole_runes(text, shown) : shown;
	enum value_node_kind kind = form_of_bytes(type, text, whole);
	if (kind == NODE_HEX)
		whole = shown;
	uint32_t number = begin(walk, kind, WORTH_STRING);
	walk_type(walk, type, walk->out);
	text_puts(walk->out, kind == NODE_HEX ? "(hex " : "(");
	put_body(walk, number, text, whole, total);
	struct value_node *node = node_at(walk, number);
	node->close = ')';
	node->shows_type = true;
	node->is_zero = type->kind == GO_ARRAY && shown == total && are_zero(bytes, shown);
	node->reason = why_fewer(walk, shown, total);
	charge(walk, node->reason ? strlen(node->reason) : 0);
}

// --- Brackets ----------------------------------------------------------------------------------

static void put_pointer(struct walk *walk)
{
	value_tree_follow(walk->tree);
}

// Nodes that are open are linked by their ends, which are not known yet.
static void push(struct walk *walk, uint32_t number)
{
	node_at(walk, number)->end = walk->open_node;
	walk->open_node = number;
}

static uint32_t pop(struct walk *walk)
{
	uint32_t number = walk->open_node;
	walk->open_node = node_at(walk, number)->end;
	end(walk, number);
	return number;
}

static void put_begin(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total)
{
	(void)shown;
	(void)total;
	bool is_struct = type->kind == GO_STRUCT;
	uint32_t number = begin(walk, is_struct ? NODE_FIELDS : NODE_LIST, WORTH_SHORT);
	walk_type(walk, type, walk->out);
	text_putc(walk->out, '{');
	value_tree_head(walk->tree, number);
	struct value_node *node = node_at(walk, number);
	node->close = '}';
	node->shows_type = true;
	node->is_zero = is_struct || (type->kind == GO_ARRAY && shown == total);
	push(walk, number);
}

// Ends the part that was written last: a struct or an array is zero if all its parts are, and a
// field that is zero is left out.
static void end_part(struct walk *walk)
{
	uint32_t open = walk->open_node, last = walk->last_node;
	struct value_node *node = node_at(walk, open);
	if (walk->tree->failed || last <= open || last >= walk->tree->num_nodes)
		return;
	bool is_zero = node_at(walk, last)->is_zero;
	node->is_zero &= is_zero;
	if (is_zero && node->kind == NODE_FIELDS && !walk->printer->shows_zero)
		charge(walk, value_tree_drop(walk->tree, last));
}

static void put_end(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total)
{
	(void)type;
	end_part(walk);
	struct value_node *node = node_at(walk, pop(walk));
	node->more = total - shown;
	node->reason = why_fewer(walk, shown, total);
	charge(walk, node->reason ? strlen(node->reason) : 0);
}

static void put_item(struct walk *walk, bool is_first, const struct gofield *field)
{
	if (!is_first)
		end_part(walk);
	walk->last_node = walk->open_node;
	if (!field)
		return;
	value_tree_label(walk->tree, field->name, ": ");
}

static void put_key(struct walk *walk)
{
	push(walk, begin(walk, NODE_PAIR, WORTH_SHORT));
}

static void put_elem(struct walk *walk)
{
	(void)walk;
}

static void put_entry_end(struct walk *walk)
{
	pop(walk);
}

// --- Interfaces --------------------------------------------------------------------------------

// True if the text of a node shows its type, so that an interface need not add it. followed: the
// pointers before the value.
static bool tells_type(const struct gotype *type, const struct value_node *node, unsigned followed)
{
	switch (type->kind) {
	case GO_BOOL:
	case GO_INT:
	case GO_FLOAT64:
	case GO_COMPLEX128:
	case GO_STRING:
		return !strcmp(type->full_name, gokind_name(type->kind));
	case GO_STRUCT:
	case GO_FUNC:
		return true;
	case GO_POINTER:
		if (followed && type->elem)
			return type->elem->kind >= GO_ARRAY &&
			       tells_type(type->elem, node, followed - 1);
		break;
	default:
		break;
	}
	return node->shows_type && !followed;
}

static bool is_nothing(struct walk *walk, const struct value_node *node)
{
	const char *text = text_string(walk->out) + node->off + node->label + node->num_followed;
	return node->kind == NODE_LEAF && (!strncmp(text, "?(", 2) || !strncmp(text, "nil", 3));
}

static void put_type_around(struct walk *walk, uint32_t wrap, const struct gotype *type)
{
	struct text name;
	text_init(&name);
	walk_type(walk, type, &name);
	value_tree_wrap(walk->tree, wrap, text_string(&name));
	text_deinit(&name);
}

static void put_error(struct walk *walk, const struct dynamic *dynamic)
{
	uint32_t error = begin(walk, NODE_ERROR, WORTH_ERROR);
	text_append(walk->out, "error(", 6);
	walk_type(walk, dynamic->type, walk->out);
	text_append(walk->out, ": ", 2);
	value_tree_head(walk->tree, error);
	node_at(walk, error)->close = ')';
	struct message message;
	if (!walk->printer->is_raw && walk_message(walk, dynamic, &message)) {
		put_string(walk, message.bytes, message.len, message.total);
	} else {
		uint32_t wrap = begin(walk, NODE_WRAP, WORTH_LITTLE);
		walk_dynamic(walk, dynamic);
		// If the error's value is a string, it must not look like the error's message.
		if (node_at(walk, wrap + 1)->kind == NODE_STRING && !node_at(walk, wrap + 1)->head)
			put_type_around(walk, wrap, dynamic->type);
		end(walk, wrap);
	}
	end(walk, error);
}

static void put_interface(struct walk *walk, const struct gotype *type, struct dynamic *dynamic)
{
	if (!strcmp(type->full_name, "error")) {
		put_error(walk, dynamic);
		return;
	}
	uint32_t wrap = begin(walk, NODE_WRAP, WORTH_LITTLE);
	walk_dynamic(walk, dynamic);
	if (walk->tree->failed || wrap + 1 >= walk->tree->num_nodes)
		return;
	const struct value_node *node = node_at(walk, wrap + 1);
	// What an interface in an interface holds has said what it is.
	while (node->kind == NODE_WRAP && !node->close && !node->num_followed)
		node++;
	if (!node->shows_type &&
	    (is_nothing(walk, node) || !tells_type(dynamic->type, node, node->num_followed)))
		put_type_around(walk, wrap, dynamic->type);
	end(walk, wrap);
}

const struct value_style value_style_text = {
	.unavailable = put_unavailable,
	.nil = put_nil,
	.boolean = put_bool,
	.integer = put_integer,
	.floating = put_float,
	.complex = put_complex,
	.string = put_string,
	.plain = put_plain,
	.known = put_known,
	.address = put_address,
	.pointer = put_pointer,
	.chan = put_chan,
	.begin = put_begin,
	.end = put_end,
	.item = put_item,
	.key = put_key,
	.elem = put_elem,
	.entry_end = put_entry_end,
	.bytes = put_bytes,
	.interface = put_interface,
};
