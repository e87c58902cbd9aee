// SPDX-License-Identifier: GPL-2.0-or-later
// Writes what the layout has selected of a tree of values.
#include <inttypes.h>
#include <stdio.h>

#include "base/rune.h"
#include "tracer/event/value/layout.h"

static const char mark[] = "…";

// --- Strings -----------------------------------------------------------------------------------

static const char *body_of(const struct value_tree *tree, const struct value_node *node)
{
	return tree->text.data + node->off + node->label + node->head;
}

// Writes the first len bytes of a node's body.
static void put_body(const struct value_tree *tree, const struct value_node *node, size_t len,
		     struct text *out)
{
	const char *bytes = body_of(tree, node);
	if (node->kind == NODE_STRING) {
		value_quote(bytes, len, out);
	} else if (node->kind == NODE_RAW) {
		text_putc(out, '`');
		text_append(out, bytes, len);
		text_putc(out, '`');
	} else if (node->kind == NODE_TEXT) {
		text_append(out, bytes, len);
	} else {
		for (size_t i = 0; i < len; i++) {
			text_putc(out, "0123456789abcdef"[(uint8_t)bytes[i] >> 4]);
			text_putc(out, "0123456789abcdef"[bytes[i] & 15]);
		}
	}
}

size_t layout_body_fits(const struct value_tree *tree, const struct value_node *node, size_t room,
			size_t *columns)
{
	const uint8_t *bytes = (const uint8_t *)body_of(tree, node);
	size_t at = 0, used = 0, end = node->body;
	char buffer[64];
	if (node->cut && room < SIZE_MAX)
		end = node->cut;
	while (at < end) {
		size_t len = 1, more = 2; // of hexadecimal
		uint8_t byte = bytes[at];
		if (node->kind != NODE_HEX) {
			more = 1 + (node->kind == NODE_STRING && (byte == '"' || byte == '\\'));
			if (byte < ' ' || byte >= 0x7f) {
				struct text rune = {.data = buffer, .capacity = sizeof(buffer)};
				len = rune_write(bytes + at, node->body - at, &rune);
				more = rune_columns(buffer, rune.len);
			}
		}
		if (used + more > room)
			break;
		used += more;
		at += len;
	}
	*columns = used;
	return at;
}

// Writes what follows the first len bytes of a node's body: "...+1024 bytes".
static void put_rest(const struct value_node *node, size_t len, struct text *out)
{
	uint64_t rest = node->body - len + node->more;
	if (rest && node->cut)
		text_puts(out, mark); // the bytes that are missing already do not count here
	else if (rest)
		text_printf(out, "...+%" PRIu64 " bytes", rest);
	else if (node->kind == NODE_HEX)
		text_printf(out, " len %" PRIu32, node->body);
	if (node->reason && len == node->body)
		text_printf(out, " ?(%s)", node->reason);
}

size_t layout_rest_columns(const struct value_node *node, size_t len)
{
	char buffer[256];
	struct text rest = {.data = buffer, .capacity = sizeof(buffer)};
	put_rest(node, len, &rest);
	return rune_columns(buffer, rest.len);
}

// Returns how many bytes of a string are written in the columns given to its node. There is always
// room for the first of them if there is none for any.
static size_t bytes_given(const struct value_tree *tree, const struct value_node *node)
{
	if (node->given >= node->full)
		return node->body;
	size_t fixed = node->fixed + (layout_is_quoted(node) ? 2 : 0) +
		       layout_rest_columns(node, 0),
	       columns;
	size_t room = node->given > fixed ? node->given - fixed : 0;
	size_t len = layout_body_fits(tree, node, room, &columns);
	if (!len || len < node->body || !node->reason)
		return len;
	// The reason, which is written after the whole body, does not fit.
	const uint8_t *body = (const uint8_t *)body_of(tree, node);
	for (len--; len && node->kind != NODE_HEX && (body[len] & 0xc0) == 0x80;)
		len--;
	return len;
}

// --- Marks -------------------------------------------------------------------------------------

// Writes what follows the first elements of a collection: "...+98".
static void put_more(const struct value_node *node, uint64_t shown, uint64_t hidden,
		     struct text *out)
{
	uint64_t more = hidden + node->more;
	if (!more)
		return;
	text_printf(out, "%s...+%" PRIu64, shown ? ", " : "", more);
	if (node->reason && !hidden)
		text_printf(out, " ?(%s)", node->reason);
}

size_t layout_more_columns(const struct value_node *node, uint64_t shown, uint64_t hidden)
{
	char buffer[256];
	struct text more = {.data = buffer, .capacity = sizeof(buffer)};
	put_more(node, shown, hidden, &more);
	return more.len;
}

const char *layout_short_error(const struct value_node *node)
{
	return layout_is_string(node + 1) ? "error(…: " : "error(";
}

// --- Writing -----------------------------------------------------------------------------------

struct writer {
	const struct value_tree *tree;
	const struct value_paint *paint; // NULL: none
	bool is_bad;			 // what is written is painted already
	struct text *out;
};

static void begin_mark(const struct writer *writer)
{
	if (writer->paint && !writer->is_bad)
		text_puts(writer->out, writer->paint->dim);
}

static void end_mark(const struct writer *writer)
{
	if (writer->paint && !writer->is_bad)
		text_puts(writer->out, writer->paint->plain);
}

static void put_mark(const struct writer *writer, const char *text)
{
	begin_mark(writer);
	text_puts(writer->out, text);
	end_mark(writer);
}

static void put_node(struct writer *writer, uint32_t number, bool is_whole);

static void put_parts(struct writer *writer, uint32_t first, uint32_t end, bool is_whole,
		      bool is_list)
{
	const struct value_tree *tree = writer->tree;
	bool was_left_out = false;
	uint32_t group = first < end ? tree->nodes[first].group : 0;
	for (uint32_t i = first; i < end && tree->nodes[i].group == group;
	     i = value_tree_next(tree, i)) {
		bool is_left_out = !is_whole && !tree->nodes[i].given;
		if (is_left_out && is_list)
			break;
		if (i != first && !(is_left_out && was_left_out))
			text_append(writer->out, ", ", 2);
		if (!is_left_out)
			put_node(writer, i, is_whole);
		else if (!was_left_out)
			put_mark(writer, mark);
		was_left_out = is_left_out;
	}
}

static void put_list(struct writer *writer, uint32_t number, bool is_whole)
{
	const struct value_tree *tree = writer->tree;
	const struct value_node *node = &tree->nodes[number];
	uint64_t shown = 0, hidden = 0;
	for (uint32_t i = number + 1; i < node->end; i = value_tree_next(tree, i))
		(*(is_whole || tree->nodes[i].given ? &shown : &hidden))++;
	put_parts(writer, number + 1, node->end, is_whole, true);
	if (!layout_more_columns(node, shown, hidden))
		return;
	begin_mark(writer);
	put_more(node, shown, hidden, writer->out);
	end_mark(writer);
}

static void put_string(struct writer *writer, const struct value_node *node, bool is_whole)
{
	size_t len = is_whole ? node->body : bytes_given(writer->tree, node);
	put_body(writer->tree, node, len, writer->out);
	if (!layout_rest_columns(node, len))
		return;
	begin_mark(writer);
	put_rest(node, len, writer->out);
	end_mark(writer);
}

static void put_inside(struct writer *writer, uint32_t number, bool is_whole)
{
	const struct value_node *node = &writer->tree->nodes[number];
	if (layout_is_string(node)) {
		put_string(writer, node, is_whole);
	} else if (node->kind == NODE_LIST) {
		put_list(writer, number, is_whole);
	} else if (node->kind == NODE_PAIR && number + 1 < node->end) {
		uint32_t elem = value_tree_next(writer->tree, number + 1);
		put_node(writer, number + 1, is_whole);
		text_append(writer->out, ": ", 2);
		if (elem < node->end)
			put_node(writer, elem, is_whole);
	} else if (number + 1 < node->end) {
		put_parts(writer, number + 1, node->end, is_whole, false);
	}
}

static void put_node(struct writer *writer, uint32_t number, bool is_whole)
{
	const struct value_node *node = &writer->tree->nodes[number];
	const char *text = writer->tree->text.data + node->off;
	struct text *out = writer->out;
	is_whole = is_whole || node->given >= node->full;
	bool is_short_error = node->kind == NODE_ERROR && !is_whole;
	bool is_bad =
		node->kind == NODE_ERROR && writer->paint && writer->paint->bad && !writer->is_bad;
	text_append(out, text, node->label);
	if (is_bad)
		text_puts(out, writer->paint->bad);
	writer->is_bad |= is_bad;
	if (is_short_error)
		text_puts(out, layout_short_error(node));
	else
		text_append(out, text + node->label, node->head);
	put_inside(writer, number, is_whole);
	if (node->close)
		text_putc(out, node->close);
	writer->is_bad &= !is_bad;
	if (is_bad)
		text_puts(out, writer->paint->plain);
}

bool value_tree_write(const struct value_tree *tree, unsigned group,
		      const struct value_paint *paint, struct text *out)
{
	struct writer writer = {.tree = tree, .paint = paint, .out = out};
	uint32_t first = 0, end = (uint32_t)tree->num_nodes;
	if (tree->failed || tree->text.failed)
		out->failed = true;
	while (first < end && tree->nodes[first].group != group)
		first = value_tree_next(tree, first);
	if (first == end || tree->text.failed)
		return false;
	put_parts(&writer, first, end, false, false);
	return true;
}
