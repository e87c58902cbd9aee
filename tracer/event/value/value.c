// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/event/value/value.h"

#include "tracer/event/value/internal.h"

#include "base/json.h"

static void walk_init(struct walk *walk, struct value_printer *printer,
		      const struct value_style *style, uint64_t frame_end, struct text *out)
{
	// Not zeroed: most of it is the array of open values.
	walk->printer = printer;
	walk->memory = printer->memory;
	walk->style = style;
	walk->out = out;
	walk->tree = NULL;
	walk->open_node = walk->last_node = UINT32_MAX;
	walk->start = out->len;
	walk->end =
		out->len + (printer->used < VALUE_BYTES_MAX ? VALUE_BYTES_MAX - printer->used : 0);
	walk->frame_end = frame_end;
	walk->depth = printer->depth;
	walk->buckets = WALK_BUCKETS_MAX;
	walk->reads = WALK_READS_MAX;
	walk->num_known = 0;
	walk->num_open = 0;
}

// Begins to add a value to the tree, or to write it as JSON if there is none. Returns the walk's
// end, for end_walk().
static size_t begin_walk(struct walk *walk, struct value_printer *printer, uint64_t frame_end,
			 struct value_tree *tree, struct text *out)
{
	walk_init(walk, printer, tree ? &value_style_text : &value_style_json, frame_end,
		  tree ? &tree->text : out);
	walk->tree = tree;
	return walk->end;
}

static void end_walk(struct walk *walk, size_t end)
{
	walk->printer->used += walk->out->len - walk->start + end - walk->end;
}

static void print(struct value_printer *printer, struct gotype *type, uint64_t addr,
		  uint64_t frame_end, bool is_param, struct value_tree *tree, struct text *out)
{
	struct walk walk;
	size_t end = begin_walk(&walk, printer, frame_end, tree, out);
	walk_value(&walk, type, addr);
	if (is_param && !tree)
		json_known(&walk, type, addr);
	end_walk(&walk, end);
}

void value_text(struct value_printer *printer, struct gotype *type, uint64_t addr, struct text *out)
{
	struct value_tree tree = {0};
	printer->used = 0;
	print(printer, type, addr, UINT64_MAX, false, &tree, NULL);
	value_tree_fit(&tree, VALUE_WIDTH_ALL);
	value_tree_write(&tree, 0, NULL, out);
	value_tree_deinit(&tree);
}

void value_json(struct value_printer *printer, struct gotype *type, uint64_t addr, struct text *out)
{
	printer->used = 0;
	print(printer, type, addr, UINT64_MAX, false, NULL, out);
}

// Reads a word of a function whose types are not known. Returns false with a reason on failure.
static bool read_word(struct value_printer *printer, const struct plan_value *value, uint64_t *word,
		      const char **reason)
{
	*word = 0;
	*reason = "type not known";
	return value->frame_bytes && value->frame_bytes <= sizeof(*word) &&
	       memory_read(printer->memory, MEMORY_FRAME + value->frame_off, word,
			   value->frame_bytes, reason);
}

// Prints the value of a parameter whose type is known. Returns false with a reason if it is not
// available.
static bool print_param(struct value_printer *printer, const struct plan_value *value,
			struct value_tree *tree, struct text *out, const char **reason)
{
	uint64_t addr;
	if (!memory_place(printer->memory, value, &addr, reason))
		return false;
	print(printer, value->param->type, addr, addr + value->frame_bytes, true, tree, out);
	return true;
}

static const char *why_unknown(struct value_printer *printer, const struct plan_value *value)
{
	bool is_redacted = value->is_redacted ||
			   value_redacts_name(printer, value->param->name, value->param->type);
	return is_redacted ? value_redacted : value->param->unknown;
}

void value_param_add(struct value_printer *printer, const struct plan_value *value,
		     struct value_tree *tree)
{
	const struct param *param = value->param;
	const char *reason = why_unknown(printer, value);
	uint64_t word;
	if (!reason && param->type && print_param(printer, value, tree, NULL, &reason))
		return;
	uint32_t leaf = value_tree_begin(tree, NODE_LEAF, WORTH_NUMBER);
	if (!reason && !param->type && read_word(printer, value, &word, &reason))
		text_hex(&tree->text, word);
	else
		text_printf(&tree->text, "?(%s)", reason);
	value_tree_head(tree, leaf);
}

bool value_param_pointer(struct value_printer *printer, const struct plan_value *value,
			 uint64_t words[2])
{
	const struct gotype *type = value->param->type;
	const char *reason;
	uint64_t addr;
	if (why_unknown(printer, value) || !type ||
	    (type->kind != GO_POINTER && type->kind != GO_INTERFACE && type->kind != GO_MAP))
		return false;
	words[1] = 0;
	size_t bytes = type->kind == GO_INTERFACE ? 2 * sizeof(*words) : sizeof(*words);
	return value->frame_bytes >= bytes &&
	       memory_place(printer->memory, value, &addr, &reason) &&
	       memory_read(printer->memory, addr, words, bytes, &reason) && words[0];
}

static void put_name(const struct param *param, struct text *out)
{
	bool is_unnamed = !param->name[0] || param->name[0] == '~';
	if (is_unnamed && param->is_result) {
		json_key(out, "name");
		text_append(out, "\"ret", 4);
		text_i64(out, param->ret_slot);
		text_putc(out, '"');
	} else {
		json_string(out, "name", is_unnamed ? "_" : param->name);
	}
}

void value_param_json(struct value_printer *printer, const struct plan_value *value,
		      struct text *out)
{
	const struct param *param = value->param;
	text_putc(out, '{');
	put_name(param, out);
	json_string(out, "type", param->type ? param->type->name : "word");
	json_key(out, "value");
	const char *reason = why_unknown(printer, value);
	uint64_t word;
	if (!reason && !param->type && read_word(printer, value, &word, &reason)) {
		json_addr(word, out);
	} else if (reason || !print_param(printer, value, NULL, out, &reason)) {
		text_putc(out, '{');
		json_string(out, "unavailable", reason);
		text_putc(out, '}');
	}
	text_putc(out, '}');
}

static void print_path(struct value_printer *printer, const struct plan_frame *frame,
		       const struct expr_path *path, struct value_tree *tree, struct text *out)
{
	struct walk walk;
	size_t end = begin_walk(&walk, printer, UINT64_MAX, tree, out);
	walk_path(&walk, frame, path);
	end_walk(&walk, end);
}

void value_path_add(struct value_printer *printer, const struct plan_frame *frame,
		    const struct expr_path *path, struct value_tree *tree)
{
	print_path(printer, frame, path, tree, NULL);
}

void value_path_json(struct value_printer *printer, const struct plan_frame *frame,
		     const struct expr_path *path, struct text *out)
{
	print_path(printer, frame, path, NULL, out);
}
