// SPDX-License-Identifier: GPL-2.0-or-later
// Values on their way to a line of text. The walk over a value builds a tree of what may be
// written: leaves, strings, and brackets with what is in them. value_tree_fit then chooses what
// fits into a number of columns, and value_tree_write writes it. A tree owns all of its text, so it
// may wait longer than the memory that the values came from. Its values are in groups: the
// arguments of a call, its results.
//
// What is left out is marked where it was: fields as "…", elements as "...+98", bytes as
// "...+1024 bytes". Numbers and other leaves are written whole or not at all.
#ifndef GOTRACE_TRACER_EVENT_VALUE_TREE_H
#define GOTRACE_TRACER_EVENT_VALUE_TREE_H

#include "base/text.h"

enum { VALUE_WIDTH_ALL = UINT32_MAX }; // columns: everything is written

enum value_node_kind {
	NODE_LEAF,   // a text that is never cut
	NODE_STRING, // bytes that are written quoted
	NODE_RAW,    // bytes that are written as they are, in backquotes
	NODE_HEX,    // bytes that are written in hexadecimal
	NODE_TEXT,   // bytes that are written as they are
	NODE_LIST,   // elements, of which the first may be written
	NODE_FIELDS, // fields, of which any may be left out
	NODE_PAIR,   // a key and an element of a map
	NODE_WRAP,   // one value, maybe in parentheses
	NODE_ERROR,  // an error's message or value, in parentheses after its type
};

enum value_worth { // what is left out last comes first
	WORTH_ERROR,
	WORTH_NUMBER,
	WORTH_STRING,
	WORTH_SHORT, // a struct or collection that is short
	WORTH_LONG,
	WORTH_LITTLE, // an address, nil, what is not to be had
	WORTH_LAST,   // a struct that gets room after all others: a method's receiver
	NUM_WORTHS,
};

struct value_node { // followed by what is in it
	uint8_t kind, worth;
	char close;	      // 0: none
	bool is_zero;	      // it has its type's zero value
	bool shows_type;      // its text begins with its type
	uint8_t num_followed; // pointers before it: "&"
	uint8_t group;
	uint32_t end;	      // the number of the node after all that is in this one
	uint32_t off;	      // in the tree's text: a label, a head, a body
	uint32_t label, head; // bytes: "Name: ", "&main.P{"
	uint32_t body;	      // bytes of a string
	uint64_t more;	      // bytes or elements after those that were captured
	uint32_t cut;	      // of NODE_TEXT that says "...+N bytes" itself: where; else 0
	const char *reason;   // why they were not captured, or NULL; static
	uint32_t fixed;	      // columns of label, head and close
	uint32_t full, least; // columns: written whole, as short as can be
	uint32_t given;	      // columns it may take; 0: it is left out
};

struct value_tree {
	struct value_node *nodes;
	size_t num_nodes, size;
	struct text text;
	uint32_t label; // where the next node's label begins, if has_label
	bool has_label;
	uint8_t group, num_followed;
	bool failed;		// there was no memory for all of it
	struct value_node none; // private: what a node is if failed
};

void value_tree_deinit(struct value_tree *tree);
void value_tree_reset(struct value_tree *tree);

/** The values that follow are of the next group. */
void value_tree_group(struct value_tree *tree);
/** Text before the next node, which is written with it: "a" and "=". It may come from outside. */
void value_tree_label(struct value_tree *tree, const char *name, const char *after);
/** The next node is what a pointer points to. */
void value_tree_follow(struct value_tree *tree);
/** Begins a node after the label and the "&" that were given for it. Returns its number. What is
 *  appended to tree->text next is its head. */
uint32_t value_tree_begin(struct value_tree *tree, enum value_node_kind kind,
			  enum value_worth worth);
/** The text until now is the head of the last node. It may come from outside. */
void value_tree_head(struct value_tree *tree, uint32_t node);
/** Sets the head of a node in which there are others already: NAME(...). */
void value_tree_wrap(struct value_tree *tree, uint32_t node, const char *name);
/** Ends a node: it holds all nodes that were begun since. */
void value_tree_end(struct value_tree *tree, uint32_t node);
/** Removes a node that was the last to end, with all that is in it. Returns the bytes of text that
 *  this frees. */
size_t value_tree_drop(struct value_tree *tree, uint32_t node);
/** The value is of the least worth, if it is a struct that can close up. */
void value_tree_demote(struct value_tree *tree, uint32_t node);
/** True if two values of two trees are written the same, whole, with their labels. */
bool value_tree_is_same(const struct value_tree *a, uint32_t node_a, const struct value_tree *b,
			uint32_t node_b);
/** Adds a leaf. */
void value_tree_leaf(struct value_tree *tree, enum value_worth worth, const char *text);

/** The node after this one and all that is in it. */
static inline uint32_t value_tree_next(const struct value_tree *tree, uint32_t node)
{
	return tree->nodes[node].end;
}

/** Returns the columns that all values take if they are written whole, with the commas between
 *  those of a group. */
size_t value_tree_columns(struct value_tree *tree);
/** Chooses what of all values is written, so that they take at most so many columns with the commas
 *  between those of a group. Values are only left out if their shortest forms do not fit; a group
 *  is "…" at least. Errors come first, and what one value does not need goes to the others. Returns
 *  false if a value that is an error is not whole. */
bool value_tree_fit(struct value_tree *tree, size_t columns);
struct value_paint {	   // escape sequences
	const char *dim;   // before what marks a part that is left out
	const char *bad;   // before a value that is an error
	const char *plain; // after both
};

/** Writes the values of a group, from 0. paint may be NULL. Returns false if there are none. */
bool value_tree_write(const struct value_tree *tree, unsigned group,
		      const struct value_paint *paint, struct text *out);

#endif
