// SPDX-License-Identifier: GPL-2.0-or-later
// One call on one line: its name, arguments, results and how it ended, fitted into the line.
#include "tracer/output/format.h"

#include "base/rune.h"
#include "tracer/plan/expr/expr.h"

void format_goroutine(const struct sink_options *options, const struct call *call, struct text *out)
{
	// None of them has a meaning elsewhere in a line.
	static const char *const colors[] = {"36", "32", "35", "94", "96", "92", "95"};
	if (options->look.color && call->has_goid)
		text_printf(out, "\033[%sm",
			    colors[call->goid % (sizeof(colors) / sizeof(*colors))]);
	text_putc(out, 'G');
	if (call->has_goid)
		text_u64(out, call->goid);
	else
		text_putc(out, '?');
	if (call->has_goid)
		format_plain(options, out);
}

// Writes the name without what is in its brackets: "main.Map[…]".
static void put_without_brackets(const char *name, struct text *out)
{
	unsigned open = 0;
	for (; *name; name++) {
		if (*name == ']' && open)
			open--;
		if (!open)
			text_putc(out, *name);
		if (*name == '[' && !open++)
			text_puts(out, "…");
	}
}

// Removes columns from the beginning of the text from byte start on, until it fits.
static void keep_end(size_t start, size_t columns, struct text *out)
{
	if (!text_reserve(out, strlen("…")))
		return;
	const char *text = out->data + start, *slash = strrchr(text, '/');
	size_t len = out->len - start, at = slash ? (size_t)(slash - text) : 0;
	while (at < len && 1 + rune_columns(text + at, len - at) > columns)
		at += rune_size((uint8_t)text[at]) ? rune_size((uint8_t)text[at]) : 1;
	if (at > len)
		at = len;
	memmove(out->data + start + strlen("…"), text + at, len - at);
	memcpy(out->data + start, "…", strlen("…"));
	out->len = start + strlen("…") + len - at;
	out->data[out->len] = '\0';
}

void format_name(const struct sink_options *options, const struct call *call, size_t columns,
		 struct text *out)
{
	const char *name = call->func->func->name;
	format_paint(options, COLOR_NAME, out);
	size_t start = out->len;
	text_puts(out, name);
	rune_disarm(out, start);
	if (strlen(name) > columns && format_columns(out, start) > columns) {
		out->len = start;
		put_without_brackets(name, out);
		rune_disarm(out, start);
		if (format_columns(out, start) > columns)
			keep_end(start, columns, out);
	}
	format_plain(options, out);
}

bool format_is_shown(const struct plan_func *func, size_t path, bool is_result)
{
	return path < func->show.num && func->show.paths[path]->param->is_result == is_result;
}

// How many expressions are shown in place of a call's arguments, or results.
static size_t num_shown(const struct plan_func *func, bool are_results)
{
	size_t num = 0;
	for (size_t i = 0; i < func->show.num; i++)
		num += format_is_shown(func, i, are_results);
	return num;
}

enum format_list format_args(const struct sink_options *options, const struct call *call)
{
	const struct plan_func *func = call->func;
	if (options->no_args || call->is_bare)
		return LIST_OMITTED;
	if (func->show.is_set ? num_shown(func, false) > 0 : func->args.num_values > 0)
		return LIST_SHOWN;
	if (!func->signature->is_known && !func->signature->is_raw)
		return LIST_UNKNOWN;
	for (size_t i = 0; i < func->signature->num_args; i++)
		if (!func->signature->params[i].is_hidden)
			return LIST_OMITTED;
	return LIST_SHOWN;
}

enum format_list format_results(const struct call *call, const struct wire_record *record)
{
	const struct plan_func *func = call->func;
	if (!record || !func->has_results || func->signature->is_raw || (record->flags & WIRE_BARE))
		return LIST_OMITTED;
	if (func->show.is_set && !num_shown(func, true))
		return LIST_OMITTED;
	if (!func->signature->is_known)
		return LIST_UNKNOWN;
	// A tail jump ends the call before the results are there.
	if (func->results.size && !record->num_blocks)
		return LIST_UNKNOWN;
	return LIST_SHOWN;
}

static void add_paths(const struct sink_options *options, const struct plan_func *func,
		      bool are_results, struct value_tree *tree)
{
	for (size_t i = 0; i < func->show.num; i++) {
		const struct expr_path *path = func->show.paths[i];
		if (!format_is_shown(func, i, are_results))
			continue;
		value_tree_label(tree, path->text, "=");
		value_path_add(options->printer, are_results ? &func->results : &func->args, path,
			       tree);
	}
}

void format_add_args(const struct sink_options *options, const struct call *call,
		     const struct same_around *around, struct same *same, struct value_tree *tree)
{
	const struct plan_frame *frame = &call->func->args;
	value_tree_reset(tree);
	if (same)
		same->num = 0;
	if (format_args(options, call) != LIST_SHOWN)
		return;
	options->printer->func = call->func->func->name;
	if (call->func->show.is_set) {
		add_paths(options, call->func, false, tree);
		return;
	}
	for (size_t i = 0; i < frame->num_values; i++) {
		const struct plan_value *value = &frame->values[i];
		uint32_t node = (uint32_t)tree->num_nodes;
		if (plan_hides(call->func, value->param))
			continue;
		if (value->param->name[0])
			value_tree_label(tree, value->param->name, "=");
		value_param_add(options->printer, value, tree);
		if (value->param->is_receiver)
			value_tree_demote(tree, node);
		if (same)
			same_add(same, around, options->printer, value, node, tree);
	}
}

enum format_list format_add_results(const struct sink_options *options, const struct call *call,
				    const struct wire_record *record, struct value_tree *tree)
{
	const struct plan_frame *frame = &call->func->results;
	enum format_list list = format_results(call, record);
	if (list != LIST_SHOWN)
		return list;
	options->printer->func = call->func->func->name;
	value_tree_group(tree);
	if (call->func->show.is_set)
		add_paths(options, call->func, true, tree);
	for (size_t i = 0; i < frame->num_values && !call->func->show.is_set; i++)
		if (!plan_hides(call->func, frame->values[i].param))
			value_param_add(options->printer, &frame->values[i], tree);
	return list;
}

// --- Comparing ---------------------------------------------------------------------------------

// The first value of a group; tree->num_nodes if it has none.
static uint32_t first_of(const struct value_tree *tree, unsigned group)
{
	uint32_t i = 0;
	while (i < tree->num_nodes && tree->nodes[i].group < group)
		i = value_tree_next(tree, i);
	return i;
}

static bool is_of(const struct value_tree *tree, uint32_t node, unsigned group)
{
	return node < tree->num_nodes && tree->nodes[node].group == group;
}

bool format_is_same(const struct value_tree *a, const struct value_tree *b, unsigned group)
{
	uint32_t i = first_of(a, group), j = first_of(b, group);
	while (is_of(a, i, group) && is_of(b, j, group)) {
		if (!value_tree_is_same(a, i, b, j))
			return false;
		i = value_tree_next(a, i);
		j = value_tree_next(b, j);
	}
	return !is_of(a, i, group) && !is_of(b, j, group);
}

// True if the value is a word that decides how a caller goes on.
static bool is_outcome(const struct value_tree *tree, const struct value_node *node)
{
	static const char *const words[] = {"true", "false", "nil"};
	const char *text = tree->text.data + node->off + node->label;
	for (size_t i = 0; node->kind == NODE_LEAF && i < sizeof(words) / sizeof(*words); i++)
		if (node->head == strlen(words[i]) && !memcmp(text, words[i], node->head))
			return true;
	return false;
}

bool format_is_same_outcome(const struct value_tree *a, const struct value_tree *b)
{
	uint32_t i = first_of(a, 1), j = first_of(b, 1);
	for (; is_of(a, i, 1) && is_of(b, j, 1);
	     i = value_tree_next(a, i), j = value_tree_next(b, j)) {
		if (a->nodes[i].kind == NODE_ERROR || b->nodes[j].kind == NODE_ERROR)
			return false;
		if ((is_outcome(a, &a->nodes[i]) || is_outcome(b, &b->nodes[j])) &&
		    !value_tree_is_same(a, i, b, j))
			return false;
	}
	return !is_of(a, i, 1) && !is_of(b, j, 1);
}

// --- Lines -------------------------------------------------------------------------------------

static size_t num_results(const struct format_line *line)
{
	const struct plan_frame *frame = &line->call->func->results;
	bool has_names = line->call->func->show.is_set;
	size_t num = num_shown(line->call->func, true);
	for (size_t i = 0; i < frame->num_values && !has_names; i++)
		num += !plan_hides(line->call->func, frame->values[i].param);
	return line->results == LIST_OMITTED ? 0 : num;
}

static void put_args(const struct sink_options *options, const struct format_line *line,
		     struct text *out)
{
	text_putc(out, '(');
	switch (line->has_args ? format_args(options, line->call) : LIST_OMITTED) {
	case LIST_OMITTED:
		text_puts(out, "...");
		break;
	case LIST_UNKNOWN:
		text_putc(out, '?');
		break;
	case LIST_SHOWN:
		value_tree_write(line->tree, 0, format_value_paint(options, false), out);
		break;
	}
	text_putc(out, ')');
}

static void put_end(const struct sink_options *options, const struct format_line *line,
		    struct text *out)
{
	if (line->how != CALL_RETURNED) {
		text_putc(out, ' ');
		format_paint(options, COLOR_BAD, out);
		text_puts(out,
			  line->how == CALL_LOST ? "= ?(return lost)" : call_how_name(line->how));
		format_plain(options, out);
		return;
	}
	size_t num = num_results(line);
	if (!num)
		return;
	bool has_names = line->call->func->show.is_set;
	text_puts(out, num > 1 || has_names ? " = (" : " = ");
	if (line->results == LIST_UNKNOWN)
		text_puts(out, "?(left by a tail jump)");
	else
		value_tree_write(line->tree, 1, format_value_paint(options, true), out);
	if (num > 1 || has_names)
		text_putc(out, ')');
}

static void put_line(const struct sink_options *options, const struct format_line *line,
		     struct text *out)
{
	if (line->has_args || line->are_args_lost)
		put_args(options, line, out);
	if (line->has_end)
		put_end(options, line, out);
}

// The columns that are left of a line.
static size_t room(size_t width, size_t used)
{
	if (width >= VALUE_WIDTH_ALL)
		return VALUE_WIDTH_ALL;
	return width > used ? width - used : 0;
}

// The columns of what is around the values, which are the same whatever is left of them.
static size_t bare_columns(const struct sink_options *options, const struct format_line *line,
			   struct text *out)
{
	size_t at = out->len;
	struct value_tree none = {0};
	struct format_line bare = *line;
	bare.tree = &none;
	put_line(options, &bare, out);
	size_t columns = format_columns(out, at);
	out->len = at;
	return columns;
}

// Writes the name. If it does not leave enough room for the values, they get half of the room.
static void put_name(const struct sink_options *options, const struct format_line *line,
		     size_t columns, struct text *out)
{
	const char *name = line->call->func->func->name;
	if (columns < VALUE_WIDTH_ALL && strlen(name) > columns / 2) {
		size_t values = value_tree_columns(line->tree);
		columns -= values < columns / 2 ? values : columns / 2;
	}
	format_name(options, line->call, columns, out);
}

void format_call(const struct sink_options *options, const struct format_line *line, size_t start,
		 struct text *out)
{
	size_t width = *options->width, used = format_columns(out, start);
	used += bare_columns(options, line, out);
	used += line->after ? format_columns(line->after, 0) : 0;
	if (line->has_name) {
		size_t at = out->len;
		put_name(options, line, room(width, used), out);
		used += format_columns(out, at);
	}
	size_t closing = line->name ? format_columns(line->name, 0) : 0;
	bool has_room = value_tree_fit(line->tree, room(width, used + closing));
	if (!has_room && closing)
		value_tree_fit(line->tree, room(width, used));
	put_line(options, line, out);
	if (has_room && closing)
		text_append(out, text_string(line->name), line->name->len);
	if (line->after)
		text_append(out, text_string(line->after), line->after->len);
}

void format_orphan(const struct sink_options *options, struct format_line *line,
		   const struct wire_record *record, size_t start, struct text *out)
{
	struct text why;
	text_init(&why);
	format_paint(options, COLOR_DIM, &why);
	text_puts(&why, !line->call->has_goid ? " (goroutine not known)"
			: record->losses      ? " (entry lost, or before the trace)"
					      : " (entered before the trace)");
	format_plain(options, &why);
	value_tree_reset(line->tree);
	line->has_name = line->has_end = true;
	line->how = CALL_RETURNED;
	line->results = format_add_results(options, line->call, record, line->tree);
	line->after = &why;
	format_call(options, line, start, out);
	text_deinit(&why);
	text_putc(out, '\n');
}

void format_closing(const struct sink_options *options, const struct call *call, size_t columns,
		    struct text *out)
{
	format_paint(options, COLOR_DIM, out);
	text_puts(out, " // ");
	size_t start = out->len;
	text_puts(out, call->func->func->name);
	rune_disarm(out, start);
	format_plain(options, out);
	if (columns + format_columns(out, 0) > *options->width / 2)
		text_reset(out);
}
