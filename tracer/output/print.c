// SPDX-License-Identifier: GPL-2.0-or-later
// --print: one line a call, made from a template (template.h), when the call ends, or when it
// begins if no end follows. What the arguments lead to is written when the call begins, and waits
// in call->note.
#include "tracer/output/format.h"
#include "tracer/output/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/rune.h"

enum { KEPT_BYTES = 4096 }; // notes that are free keep texts of at most this capacity

struct note { // the values of the expressions over arguments, each with a NUL after it
	struct text values;
	struct note *next; // in the free list
};

struct sink {
	struct sink_options options;
	struct format_clock clock;
	struct value_tree tree; // of the expression that is being written
	struct text cell;	// of the field
	struct note *free_notes;
};

struct event { // what a line is made of
	const struct call *call;
	const struct wire_record *record; // of the return; NULL: none
	const char *values;		  // a note's; NULL: there are none
	const char *missing;		  // why
	bool has_ended;
	enum call_how how;
	uint64_t end_ns;
};

static struct error *print_open(const struct sink_options *options, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_nomem();
	sink->options = *options;
	sink->options.look.color = false;
	if (sink->options.look.timestamps == TIMESTAMPS_NONE)
		sink->options.look.timestamps = TIMESTAMPS_WALL;
	*out = sink;
	return NULL;
}

static void note_destroy(struct note *note)
{
	text_deinit(&note->values);
	free(note);
}

static void print_close(struct sink *sink)
{
	while (sink->free_notes) {
		struct note *note = sink->free_notes;
		sink->free_notes = note->next;
		note_destroy(note);
	}
	value_tree_deinit(&sink->tree);
	text_deinit(&sink->cell);
	free(sink);
}

static struct note *note_alloc(struct sink *sink)
{
	struct note *note = sink->free_notes;
	if (!note)
		return calloc(1, sizeof(*note));
	sink->free_notes = note->next;
	text_reset(&note->values);
	return note;
}

static void print_forget(struct sink *sink, struct call *call)
{
	struct note *note = call->note;
	call->note = NULL;
	if (!note)
		return;
	if (note->values.capacity > KEPT_BYTES) {
		note_destroy(note);
		return;
	}
	note->next = sink->free_notes;
	sink->free_notes = note;
}

// --- Expressions ---------------------------------------------------------------------------------

// Returns the function's path for an expression; NULL if it does not have it.
static const struct expr_path *find_path(const struct plan_func *func, const char *expr)
{
	for (size_t i = 0; i < func->show.num; i++)
		if (!strcmp(func->show.paths[i]->text, expr))
			return func->show.paths[i];
	return NULL;
}

// A string is shown without its quotes, if all of it is there.
static void unquote(struct text *out, size_t start)
{
	char *text = out->data + start;
	size_t len = out->len - start, to = 0;
	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return;
	for (size_t from = 1; from < len - 1; from++) {
		if (text[from] == '\\' && (text[from + 1] == '"' || text[from + 1] == '\\'))
			from++;
		text[to++] = text[from];
	}
	out->len = start + to;
	text[to] = '\0';
}

// Writes what a path leads to, over the record that is in memory.
static void put_path(struct sink *sink, const struct plan_func *func, const struct expr_path *path,
		     struct text *out)
{
	struct value_tree *tree = &sink->tree;
	size_t start = out->len;
	sink->options.printer->func = func->func->name;
	value_tree_reset(tree);
	value_path_add(sink->options.printer, path->param->is_result ? &func->results : &func->args,
		       path, tree);
	value_tree_fit(tree, VALUE_WIDTH_ALL);
	if (tree->failed || tree->text.failed)
		text_puts(out, "?(no memory)");
	else
		value_tree_write(tree, 0, NULL, out);
	if (!out->failed)
		unquote(out, start);
}

// Writes the values of all expressions over arguments for a note.
static void put_args(struct sink *sink, const struct call *call, struct text *out)
{
	const struct template *template = sink->options.look.print;
	for (size_t i = 0; i < template->num; i++) {
		const struct template_part *part = &template->parts[i];
		const struct expr_path *path =
			part->field == FIELD_EXPR ? find_path(call->func, part->text) : NULL;
		if (!path || path->param->is_result)
			continue;
		if (format_args(&sink->options, call) == LIST_SHOWN)
			put_path(sink, call->func, path, out);
		else
			text_puts(out, "?(not captured)");
		text_putc(out, '\0');
	}
}

static void put_result(struct sink *sink, const struct event *event, const struct expr_path *path,
		       struct text *out)
{
	if (!event->has_ended)
		text_puts(out, "?(no return captured)");
	else if (event->how != CALL_RETURNED)
		text_printf(out, "?(%s)", call_how_name(event->how));
	else if (format_results(event->call, event->record) == LIST_SHOWN)
		put_path(sink, event->call->func, path, out);
	else
		text_puts(out, "?(not captured)");
}

// Writes the value of an expression. *values is at the next of the note's values.
static void put_expr(struct sink *sink, const struct event *event, const char *expr,
		     const char **values, struct text *out)
{
	const struct expr_path *path = find_path(event->call->func, expr);
	if (!path) {
		text_putc(out, '-'); // other functions have it
	} else if (path->param->is_result) {
		put_result(sink, event, path, out);
	} else if (*values) {
		text_puts(out, *values);
		*values += strlen(*values) + 1;
	} else {
		text_printf(out, "?(%s)", event->missing);
	}
}

// --- Lines ---------------------------------------------------------------------------------------

static void put_time(struct sink *sink, const struct event *event, struct text *out)
{
	if (event->call->entry_ns)
		format_timestamp(&sink->options, &sink->clock, event->call->entry_ns, out);
	else
		text_putc(out, '-');
	if (out->len && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

static void put_field(struct sink *sink, const struct event *event,
		      const struct template_part *part, const char **values, struct text *out)
{
	const struct call *call = event->call;
	switch (part->field) {
	case FIELD_TEXT:
		text_puts(out, part->text);
		break;
	case FIELD_EXPR:
		put_expr(sink, event, part->text, values, out);
		break;
	case FIELD_TIME:
		put_time(sink, event, out);
		break;
	case FIELD_GOID:
		format_goroutine(&sink->options, call, out);
		break;
	case FIELD_FUNC:
		text_puts(out, call->func->func->name);
		break;
	case FIELD_DURATION:
		if (event->has_ended && call->entry_ns && sink_is_event(event->how))
			format_duration(event->end_ns - call->entry_ns, out);
		else
			text_putc(out, '-');
		break;
	case FIELD_HOW:
		text_puts(out, event->has_ended ? call_how_name(event->how) : "-");
		break;
	case FIELD_DEPTH:
		text_u64(out, call->depth);
		break;
	case FIELD_CALL:
		text_u64(out, call->number);
		break;
	case FIELD_PID:
		text_u64(out, (uint64_t)sink->options.loaded->pid);
		break;
	}
}

// Cuts the text to so many columns; its last one is then "…".
static void cut(struct text *text, size_t most)
{
	size_t len = 0, columns = 0;
	if (format_columns(text, 0) <= most)
		return;
	while (len < text->len) {
		unsigned size;
		rune_read((const uint8_t *)text->data + len, text->len - len, &size);
		columns += rune_columns(text->data + len, size);
		if (columns >= most)
			break;
		len += size;
	}
	text->len = len;
	text_puts(text, "…");
}

static void put_cell(const struct text *cell, const struct template_part *part, struct text *out)
{
	size_t columns = format_columns(cell, 0);
	size_t pad = part->least > columns ? part->least - columns : 0;
	size_t before = part->align == '>' ? pad : part->align == '^' ? pad / 2 : 0;
	format_pad(out, before);
	text_append(out, text_string(cell), cell->len);
	format_pad(out, pad - before);
}

static void put_line(struct sink *sink, const struct event *event, struct text *out)
{
	const struct template *template = sink->options.look.print;
	const char *values = event->values;
	for (size_t i = 0; i < template->num; i++) {
		const struct template_part *part = &template->parts[i];
		struct text *cell = &sink->cell;
		text_reset(cell);
		put_field(sink, event, part, &values, cell);
		if (part->field != FIELD_TEXT)
			rune_disarm(cell, 0);
		if (part->most)
			cut(cell, part->most);
		put_cell(cell, part, out);
		out->failed |= cell->failed;
	}
	text_putc(out, '\n');
}

static unsigned print_entry(struct sink *sink, struct call *call, const struct wire_record *record,
			    struct text *out)
{
	(void)record;
	struct note *note = note_alloc(sink);
	if (note)
		put_args(sink, call, &note->values);
	if (call->will_end) {
		call->note = note;
		return 0;
	}
	bool has_values = note && !note->values.failed;
	put_line(sink,
		 &(struct event){.call = call,
				 .values = has_values ? text_string(&note->values) : NULL,
				 .missing = "no memory"},
		 out);
	struct call freed = {.note = note};
	print_forget(sink, &freed);
	return 1;
}

static unsigned print_end(struct sink *sink, struct call *call, const struct wire_record *record,
			  enum call_how how, uint64_t end_ns, struct text *out)
{
	struct note *note = call->note;
	bool has_values = note && !note->values.failed;
	put_line(sink,
		 &(struct event){.call = call,
				 .record = record,
				 .values = has_values ? text_string(&note->values) : NULL,
				 .missing = "no memory",
				 .has_ended = true,
				 .how = how,
				 .end_ns = end_ns},
		 out);
	print_forget(sink, call);
	return sink_is_event(how) + 1; // its entry, too
}

static unsigned print_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			     struct text *out)
{
	put_line(sink,
		 &(struct event){.call = call,
				 .record = record,
				 .missing = "the entry was not seen",
				 .has_ended = true,
				 .how = CALL_RETURNED,
				 .end_ns = record->time_ns},
		 out);
	return 1;
}

static void print_lost(struct sink *sink, uint64_t count, const char *where, struct text *out)
{
	format_lost(&sink->options, count, where, out);
}

const struct sink_ops sink_print = {
	.name = "print",
	.open = print_open,
	.close = print_close,
	.entry = print_entry,
	.end = print_end,
	.orphan = print_orphan,
	.forget = print_forget,
	.lost = print_lost,
	.summary = format_summary,
};
