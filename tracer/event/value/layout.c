// SPDX-License-Identifier: GPL-2.0-or-later
// Chooses what of a tree of values is written. Sizes are columns. Nodes are first measured, from
// the last to the first, so that a node's parts come before it. Then room is given out from the
// top: each part gets at least its shortest form, and what is left is shared.
#include "base/rune.h"
#include "tracer/event/value/layout.h"

enum {
	SEPARATOR = 2,	   // ", "
	MARK = 1,	   // "…"
	PART_COLUMNS = 24, // an element of a collection is worth this many before the next begins
	STRING_COLUMNS = 40,
	STRING_LEAST = 8,   // a string that is cut shows as much at least
	SHORT_COLUMNS = 24, // a struct or collection of at most this many is short
};

// --- Measuring ---------------------------------------------------------------------------------

static void measure_string(const struct value_tree *tree, struct value_node *node)
{
	size_t columns, quotes = layout_is_quoted(node) ? 2 : 0;
	layout_body_fits(tree, node, SIZE_MAX, &columns);
	node->full =
		(uint32_t)(node->fixed + quotes + columns + layout_rest_columns(node, node->body));
	size_t least = node->fixed + quotes + layout_rest_columns(node, 0);
	node->least = least < node->full ? (uint32_t)least : node->full;
}

static size_t short_error_columns(const struct value_tree *tree, const struct value_node *node)
{
	const char *head = layout_short_error(node);
	return rune_columns(tree->text.data + node->off, node->label) +
	       rune_columns(head, strlen(head)) + 1;
}

struct parts { // of a node
	size_t num, full, least;
};

static struct parts sum_parts(const struct value_tree *tree, uint32_t number)
{
	struct parts parts = {0};
	for (uint32_t i = number + 1; i < tree->nodes[number].end; i = value_tree_next(tree, i)) {
		parts.num++;
		parts.full += tree->nodes[i].full;
		parts.least += tree->nodes[i].least;
	}
	return parts;
}

static void measure(struct value_tree *tree, uint32_t number)
{
	struct value_node *node = &tree->nodes[number];
	const char *text = tree->text.data + node->off;
	size_t label = rune_columns(text, node->label);
	size_t fixed = label + rune_columns(text + node->label, node->head) + !!node->close;
	node->fixed = (uint32_t)fixed;
	struct parts parts = sum_parts(tree, number);
	size_t separators = parts.num ? SEPARATOR * (parts.num - 1) : 0;
	size_t full = fixed + parts.full + separators, least = full;
	switch ((enum value_node_kind)node->kind) {
	case NODE_STRING:
	case NODE_RAW:
	case NODE_HEX:
	case NODE_TEXT:
		measure_string(tree, node);
		return;
	case NODE_LIST:
		full += layout_more_columns(node, parts.num, 0);
		least = fixed + layout_more_columns(node, 0, parts.num);
		break;
	case NODE_FIELDS:
		least = fixed + (parts.num ? MARK : 0);
		break;
	case NODE_ERROR:
		// The message, which is a string, is not cut as long as anything else can be.
		least = short_error_columns(tree, node) +
			(layout_is_string(node + 1) ? parts.full : parts.least);
		break;
	case NODE_LEAF:
	case NODE_PAIR:
	case NODE_WRAP:
		least = fixed + parts.least + separators;
		break;
	}
	node->full = (uint32_t)full;
	node->least = (uint32_t)(least < full ? least : full);
	if (node->kind == NODE_WRAP && parts.num)
		node->worth = tree->nodes[number + 1].worth;
	else if (node->worth == WORTH_SHORT && full > SHORT_COLUMNS)
		node->worth = WORTH_LONG;
}

// --- Giving room -------------------------------------------------------------------------------

static uint32_t least_of(size_t a, size_t b)
{
	return (uint32_t)(a < b ? a : b);
}

static size_t lay_out(struct value_tree *tree, uint32_t number, size_t room);

// Of the parts that are worth at least this much, those that were given least get more, until all
// have the same or all they need.
static void share_evenly(struct value_tree *tree, uint32_t first, uint32_t end, unsigned worth,
			 size_t *room)
{
	struct value_node *nodes = tree->nodes;
	size_t level = 0;
	for (size_t step = 1u << 31; step; step /= 2) {
		size_t needed = 0;
		for (uint32_t i = first; i < end && needed <= *room; i = nodes[i].end) {
			uint32_t to = least_of(level | step, nodes[i].full);
			if (nodes[i].given && nodes[i].worth <= worth && to > nodes[i].given)
				needed += to - nodes[i].given;
		}
		if (needed <= *room)
			level |= step;
	}
	for (uint32_t i = first; i < end; i = nodes[i].end) {
		uint32_t to = least_of(level, nodes[i].full);
		if (!nodes[i].given || nodes[i].worth > worth || to <= nodes[i].given)
			continue;
		*room -= to - nodes[i].given;
		nodes[i].given = to;
	}
	for (uint32_t i = first; i < end; i = nodes[i].end) {
		if (!*room || !nodes[i].given || nodes[i].worth > worth ||
		    nodes[i].given >= nodes[i].full)
			continue;
		nodes[i].given++;
		--*room;
	}
}

// Adds to the columns given to the parts between first and end so that they take room columns more
// at most. Errors come first, what is of the least worth last.
static void share(struct value_tree *tree, uint32_t first, uint32_t end, size_t room)
{
	struct value_node *nodes = tree->nodes;
	for (uint32_t i = first; i < end; i = nodes[i].end) {
		if (!nodes[i].given || nodes[i].worth != WORTH_ERROR)
			continue;
		uint32_t more = least_of(room, nodes[i].full - nodes[i].given);
		nodes[i].given += more;
		room -= more;
	}
	share_evenly(tree, first, end, WORTH_LITTLE, &room);
	share_evenly(tree, first, end, NUM_WORTHS, &room);
}

// Lays out the parts in what they were given. What one of them does not use goes to the next ones,
// at last to strings, which can use it all. Returns how many columns the parts take.
static size_t lay_out_parts(struct value_tree *tree, uint32_t first, uint32_t end)
{
	size_t left = 0, used = 0;
	for (int strings = 0; strings < 2; strings++) {
		for (uint32_t i = first; i < end; i = value_tree_next(tree, i)) {
			struct value_node *node = &tree->nodes[i];
			if (!node->given || layout_is_string(node) != (strings == 1))
				continue;
			size_t room = node->given + left, took = lay_out(tree, i, room);
			left = took < room ? room - took : 0;
			used += took;
		}
	}
	return used;
}

struct choice { // of parts, of which some are left out
	size_t taken, num, num_marks, num_groups;
};

static size_t choice_columns(const struct choice *choice)
{
	size_t pieces = choice->num + choice->num_marks;
	return choice->taken + MARK * choice->num_marks + SEPARATOR * (pieces - choice->num_groups);
}

// Takes a part into the choice if it fits into the room. before: the part before it, if it is one
// of the same group, else UINT32_MAX.
static void take_part(struct value_tree *tree, struct choice *choice, uint32_t before,
		      uint32_t number, uint32_t end, size_t cost, size_t room)
{
	struct value_node *nodes = tree->nodes;
	uint32_t next = nodes[number].end;
	bool marked_before = before != UINT32_MAX && !nodes[before].given;
	bool marked_after =
		next < end && nodes[next].group == nodes[number].group && !nodes[next].given;
	struct choice with = *choice;
	with.num++;
	with.taken += cost;
	with.num_marks = with.num_marks + marked_before + marked_after - 1;
	if (choice_columns(&with) > room)
		return;
	*choice = with;
	nodes[number].given = (uint32_t)cost;
}

// Takes an error whose message does not fit, in all the room that there is.
static void cut_error(struct value_tree *tree, struct choice *choice, uint32_t before,
		      uint32_t number, uint32_t end, size_t room)
{
	struct value_node *node = &tree->nodes[number], *message = node + 1;
	if (node->kind != NODE_ERROR || !layout_is_string(message))
		return;
	size_t least = node->least - message->full + message->least;
	take_part(tree, choice, before, number, end, least, room);
	size_t columns = choice_columns(choice);
	if (!node->given || columns >= room)
		return;
	node->given += (uint32_t)(room - columns);
	choice->taken += room - columns;
}

// The node that is in a node without text of its own.
static const struct value_node *bare(const struct value_node *node)
{
	while (node->kind == NODE_WRAP && !node->close)
		node++;
	return node;
}

// The columns that a field is worth at first, before room is shared.
static size_t wanted(const struct value_node *node)
{
	size_t more = layout_is_string(node) ? STRING_COLUMNS : PART_COLUMNS;
	size_t most = node->worth == WORTH_LONG ? node->least + more : more;
	return most < node->least ? node->least : least_of(most, node->full);
}

static size_t wanted_text(const struct value_node *node)
{
	return least_of(node->least + STRING_COLUMNS, node->full);
}

// The columns of a field if there is room for little; 0: it would not say anything.
static size_t scanty(const struct value_node *node)
{
	if (bare(node)->kind == NODE_FIELDS)
		return 0;
	return layout_is_string(node) ? least_of(node->least + STRING_LEAST, node->full)
				      : node->least;
}

enum way { // to take parts
	WAY_WANTED,
	WAY_SCANTY,
	WAY_LEAST, // values of groups, which are left out only if there is no room at all
};

// The order in which parts are taken: errors, then what is short, then by worth.
static size_t rank_of(const struct value_node *node, enum way way)
{
	if (node->worth == WORTH_ERROR)
		return 0;
	if (node->worth == WORTH_LAST)
		return NUM_WORTHS + 2;
	if (way == WAY_LEAST && bare(node)->kind == NODE_FIELDS && node->least < node->full)
		return NUM_WORTHS + 1; // it closes up
	if (way == WAY_LEAST && bare(node)->kind == NODE_TEXT)
		return 1;
	if (way == WAY_LEAST && node->worth >= WORTH_SHORT && node->least > STRING_LEAST)
		return NUM_WORTHS;
	if (way == WAY_LEAST)
		return 1 + least_of(node->least / (node->worth == WORTH_NUMBER ? 16 : 8),
				    NUM_WORTHS - 1);
	return node->worth <= WORTH_STRING && node->full <= SHORT_COLUMNS ? 1 : 1u + node->worth;
}

static void take_parts(struct value_tree *tree, struct choice *choice, uint32_t first, uint32_t end,
		       enum way way, size_t room)
{
	struct value_node *nodes = tree->nodes;
	for (size_t rank = 0; rank <= NUM_WORTHS + 2; rank++) {
		uint32_t before = UINT32_MAX;
		for (uint32_t i = first; i < end; before = i, i = nodes[i].end) {
			if (nodes[i].given || rank_of(&nodes[i], way) != rank)
				continue;
			if (before != UINT32_MAX && nodes[before].group != nodes[i].group)
				before = UINT32_MAX;
			size_t cost = way == WAY_WANTED	  ? wanted(&nodes[i])
				      : way == WAY_SCANTY ? scanty(&nodes[i])
							  : nodes[i].least;
			if (bare(&nodes[i])->kind == NODE_TEXT)
				take_part(tree, choice, before, i, end, wanted_text(&nodes[i]),
					  room);
			if (cost && !nodes[i].given)
				take_part(tree, choice, before, i, end, cost, room);
			if (!rank && way != WAY_WANTED && !nodes[i].given)
				cut_error(tree, choice, before, i, end, room);
		}
	}
}

// Chooses the fields of a struct that are written, or the values of groups, and lays them out.
// Returns how many columns they take.
static size_t choose(struct value_tree *tree, uint32_t first, uint32_t end, bool are_fields,
		     size_t room)
{
	struct value_node *nodes = tree->nodes;
	struct choice choice = {0};
	uint32_t group = UINT32_MAX;
	for (uint32_t i = first; i < end; i = nodes[i].end) {
		nodes[i].given = 0;
		choice.num_groups += nodes[i].group != group;
		group = nodes[i].group;
	}
	choice.num_marks = choice.num_groups;
	if (are_fields)
		take_parts(tree, &choice, first, end, WAY_WANTED, room);
	take_parts(tree, &choice, first, end, are_fields ? WAY_SCANTY : WAY_LEAST, room);
	size_t columns = choice_columns(&choice);
	share(tree, first, end, room > columns ? room - columns : 0);
	return columns - choice.taken + lay_out_parts(tree, first, end);
}

// Lays out the first elements of a collection: as many as fit if each gets what it is worth.
static size_t lay_out_list(struct value_tree *tree, uint32_t number, size_t room)
{
	struct value_node *nodes = tree->nodes, *list = &nodes[number];
	uint64_t total = sum_parts(tree, number).num, shown = 0, num = 0;
	size_t used = 0, columns = layout_more_columns(list, 0, total);
	uint32_t end = number + 1;
	for (uint32_t i = number + 1; i < list->end; i = nodes[i].end) {
		size_t most = least_of(nodes[i].full, PART_COLUMNS);
		nodes[i].given =
			least_of(nodes[i].full, most > nodes[i].least ? most : nodes[i].least);
		used += nodes[i].given + (num ? SEPARATOR : 0);
		num++;
		size_t with_more = used + layout_more_columns(list, num, total - num);
		if (with_more > room)
			break;
		columns = with_more;
		shown = num;
		end = nodes[i].end;
	}
	for (uint32_t i = end; i < list->end; i = nodes[i].end)
		nodes[i].given = 0;
	if (!shown)
		return columns;
	share(tree, number + 1, end, room - columns);
	return SEPARATOR * (shown - 1) + layout_more_columns(list, shown, total - shown) +
	       lay_out_parts(tree, number + 1, end);
}

static size_t lay_out_pair(struct value_tree *tree, uint32_t number, size_t room)
{
	uint32_t key = number + 1, end = tree->nodes[number].end;
	size_t least = SEPARATOR;
	for (uint32_t i = key; i < end; i = value_tree_next(tree, i))
		least += tree->nodes[i].given = tree->nodes[i].least;
	share(tree, key, end, room > least ? room - least : 0);
	return SEPARATOR + lay_out_parts(tree, key, end);
}

// Lays out a node in the room. Returns how many columns it takes: no more than room, unless even
// its shortest form does.
static size_t lay_out(struct value_tree *tree, uint32_t number, size_t room)
{
	struct value_node *node = &tree->nodes[number];
	node->given = least_of(node->full, room);
	if (node->full <= room || layout_is_string(node) || node->kind == NODE_LEAF)
		return node->kind == NODE_LEAF ? node->full : node->given;
	size_t fixed = node->fixed, inner;
	if (node->kind == NODE_ERROR)
		fixed = short_error_columns(tree, node);
	if (node->given < node->least && node->kind != NODE_ERROR)
		node->given = node->least;
	room = node->given > fixed ? node->given - fixed : 0;
	if (node->kind == NODE_FIELDS)
		inner = choose(tree, number + 1, node->end, true, room);
	else if (node->kind == NODE_LIST)
		inner = lay_out_list(tree, number, room);
	else if (node->kind == NODE_PAIR)
		inner = lay_out_pair(tree, number, room);
	else
		inner = lay_out(tree, number + 1, room);
	return fixed + inner;
}

size_t value_tree_columns(struct value_tree *tree)
{
	size_t columns = 0;
	uint32_t group = UINT32_MAX;
	for (uint32_t i = (uint32_t)tree->num_nodes; i-- > 0;)
		measure(tree, i);
	for (uint32_t i = 0; i < tree->num_nodes; i = value_tree_next(tree, i)) {
		columns += tree->nodes[i].full;
		columns += tree->nodes[i].group == group ? SEPARATOR : 0;
		group = tree->nodes[i].group;
	}
	return columns;
}

bool value_tree_fit(struct value_tree *tree, size_t columns)
{
	bool are_errors_whole = true;
	for (uint32_t i = (uint32_t)tree->num_nodes; columns < VALUE_WIDTH_ALL && i-- > 0;)
		measure(tree, i);
	if (columns >= VALUE_WIDTH_ALL)
		for (uint32_t i = 0; i < tree->num_nodes; i++)
			tree->nodes[i].full = tree->nodes[i].given = 1;
	else if (tree->num_nodes)
		choose(tree, 0, (uint32_t)tree->num_nodes, false, columns);
	for (uint32_t i = 0; i < tree->num_nodes; i = value_tree_next(tree, i))
		if (tree->nodes[i].kind == NODE_ERROR && tree->nodes[i].given < tree->nodes[i].full)
			are_errors_whole = false;
	return are_errors_whole;
}
