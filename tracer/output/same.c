// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/output/same.h"

static bool is_whole(const struct value_tree *tree, uint32_t node)
{
	return node < tree->num_nodes && tree->nodes[node].given >= tree->nodes[node].full;
}

bool same_is_shown(const struct same *same, const struct value_tree *tree)
{
	for (unsigned i = 0; i < same->num; i++)
		if (same->values[i].is_same || is_whole(tree, same->values[i].node))
			return true;
	return false;
}

static const struct same_value *find(const struct same *same, const char *name)
{
	for (unsigned i = 0; i < same->num; i++)
		if (!strcmp(same->values[i].param->name, name))
			return &same->values[i];
	return NULL;
}

// True if the value was shown by a call around. The last call that has the name decides.
static bool is_around(const struct same_around *around, const struct same_value *value,
		      const struct value_tree *tree)
{
	for (unsigned i = 0; i < around->num; i++) {
		const struct value_tree *shown = around->calls[i].tree;
		const struct same_value *other = find(around->calls[i].same, value->param->name);
		if (!other)
			continue;
		if (other->param->type != value->param->type ||
		    memcmp(other->words, value->words, sizeof(value->words)) != 0)
			return false;
		if (!other->is_same)
			return is_whole(shown, other->node) &&
			       value_tree_is_same(shown, other->node, tree, value->node);
	}
	return false;
}

void same_add(struct same *same, const struct same_around *around, struct value_printer *printer,
	      const struct plan_value *value, uint32_t node, struct value_tree *tree)
{
	const struct param *param = value->param;
	struct same_value *one = &same->values[same->num];
	if (same->num == SAME_VALUES || tree->failed || !param->name[0] ||
	    !value_param_pointer(printer, value, one->words))
		return;
	one->param = param;
	one->node = node;
	one->is_same = around && is_around(around, one, tree);
	same->num++;
	if (!one->is_same)
		return;
	value_tree_drop(tree, node);
	value_tree_label(tree, param->name, "=");
	value_tree_leaf(tree, WORTH_NUMBER, "^");
}
