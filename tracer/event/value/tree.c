// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/event/value/tree.h"

#include <stdlib.h>

#include "base/rune.h"
#include "base/vec.h"

void value_tree_deinit(struct value_tree *tree)
{
	free(tree->nodes);
	text_deinit(&tree->text);
	*tree = (struct value_tree){0};
}

void value_tree_reset(struct value_tree *tree)
{
	text_reset(&tree->text);
	tree->num_nodes = 0;
	tree->has_label = tree->failed = false;
	tree->group = tree->num_followed = 0;
}

void value_tree_group(struct value_tree *tree)
{
	tree->group++;
}

void value_tree_label(struct value_tree *tree, const char *name, const char *after)
{
	tree->label = (uint32_t)tree->text.len;
	tree->has_label = true;
	text_puts(&tree->text, name);
	text_puts(&tree->text, after);
	rune_disarm(&tree->text, tree->label);
}

void value_tree_follow(struct value_tree *tree)
{
	tree->num_followed++;
}

uint32_t value_tree_begin(struct value_tree *tree, enum value_node_kind kind,
			  enum value_worth worth)
{
	struct value_node *nodes =
		vec_grow(tree->nodes, tree->num_nodes, &tree->size, sizeof(*nodes));
	if (!nodes) {
		tree->failed = true;
		return 0;
	}
	tree->nodes = nodes;
	uint32_t number = (uint32_t)tree->num_nodes++, at = (uint32_t)tree->text.len;
	uint32_t off = tree->has_label ? tree->label : at;
	nodes[number] = (struct value_node){
		.kind = kind,
		.worth = worth,
		.off = off,
		.label = at - off,
		.end = number + 1,
		.num_followed = tree->num_followed,
		.group = tree->group,
	};
	for (unsigned i = 0; i < tree->num_followed; i++)
		text_putc(&tree->text, '&');
	value_tree_head(tree, number);
	tree->num_followed = 0;
	tree->has_label = false;
	return number;
}

void value_tree_head(struct value_tree *tree, uint32_t number)
{
	if (tree->failed)
		return;
	struct value_node *node = &tree->nodes[number];
	uint32_t start = node->off + node->label;
	rune_disarm(&tree->text, start);
	node->head = (uint32_t)tree->text.len - start;
}

void value_tree_wrap(struct value_tree *tree, uint32_t number, const char *name)
{
	if (tree->failed)
		return;
	struct value_node *node = &tree->nodes[number];
	struct text *text = &tree->text;
	size_t len = node->label + node->head, start = text->len;
	if (!text_reserve(text, len))
		return;
	text_append(text, text->data + node->off, len);
	text_puts(text, name);
	text_putc(text, '(');
	rune_disarm(text, start + len);
	node->off = (uint32_t)start;
	node->head = (uint32_t)(text->len - start) - node->label;
	node->close = ')';
}

void value_tree_end(struct value_tree *tree, uint32_t number)
{
	if (!tree->failed)
		tree->nodes[number].end = (uint32_t)tree->num_nodes;
}

size_t value_tree_drop(struct value_tree *tree, uint32_t number)
{
	size_t len = tree->text.len;
	if (tree->failed)
		return 0;
	tree->num_nodes = number;
	tree->text.len = tree->nodes[number].off;
	return len - tree->text.len;
}

void value_tree_demote(struct value_tree *tree, uint32_t number)
{
	uint32_t inner = number;
	while (!tree->failed && inner < tree->num_nodes && tree->nodes[inner].kind == NODE_WRAP)
		inner++;
	if (!tree->failed && inner < tree->num_nodes && tree->nodes[inner].kind == NODE_FIELDS)
		tree->nodes[inner].worth = tree->nodes[number].worth = WORTH_LAST;
}

static size_t written_bytes(const struct value_node *node)
{
	return (size_t)node->label + node->head + node->body;
}

static bool are_same(const struct value_tree *a, const struct value_node *x,
		     const struct value_tree *b, const struct value_node *y)
{
	return x->kind == y->kind && x->close == y->close && x->label == y->label &&
	       x->head == y->head && x->body == y->body && x->more == y->more &&
	       x->reason == y->reason &&
	       !memcmp(a->text.data + x->off, b->text.data + y->off, written_bytes(x));
}

bool value_tree_is_same(const struct value_tree *a, uint32_t node_a, const struct value_tree *b,
			uint32_t node_b)
{
	if (a->failed || b->failed || a->text.failed || b->text.failed)
		return false;
	uint32_t num = a->nodes[node_a].end - node_a;
	if (b->nodes[node_b].end - node_b != num)
		return false;
	for (uint32_t i = 0; i < num; i++)
		if (a->nodes[node_a + i].end - node_a != b->nodes[node_b + i].end - node_b ||
		    !are_same(a, &a->nodes[node_a + i], b, &b->nodes[node_b + i]))
			return false;
	return true;
}

void value_tree_leaf(struct value_tree *tree, enum value_worth worth, const char *text)
{
	uint32_t node = value_tree_begin(tree, NODE_LEAF, worth);
	text_puts(&tree->text, text);
	value_tree_head(tree, node);
}
