// SPDX-License-Identifier: GPL-2.0-or-later
// Shared by the two files that turn a tree of values into text: layout.c chooses what is written,
// write.c writes it.
#ifndef GOTRACE_TRACER_EVENT_VALUE_LAYOUT_H
#define GOTRACE_TRACER_EVENT_VALUE_LAYOUT_H

#include "tracer/event/value/internal.h"

static inline bool layout_is_string(const struct value_node *node)
{
	return node->kind == NODE_STRING || node->kind == NODE_RAW || node->kind == NODE_HEX ||
	       node->kind == NODE_TEXT;
}

static inline bool layout_is_quoted(const struct value_node *node)
{
	return node->kind == NODE_STRING || node->kind == NODE_RAW;
}

/** Returns how many bytes of a node's body fit into the room, without quotation marks, and sets
 *  *columns to what they take. SIZE_MAX: the room for all. */
size_t layout_body_fits(const struct value_tree *tree, const struct value_node *node, size_t room,
			size_t *columns);
/** Returns the columns of what follows the first len bytes of a body: "...+1024 bytes". */
size_t layout_rest_columns(const struct value_node *node, size_t len);
/** Returns the columns of what follows the first elements of a collection: "...+98". */
size_t layout_more_columns(const struct value_node *node, uint64_t shown, uint64_t hidden);
/** What an error begins with instead of its type if there is little room. A value that is not a
 *  message says its type itself. */
const char *layout_short_error(const struct value_node *node);

#endif
