// SPDX-License-Identifier: GPL-2.0-or-later
// The format "lines": one line for each event, as soon as it is reported:
//   > G18 main.add(a=1, b=2)
//   < G18 main.add = 3 (1.2µs)
// With --no-entry one for each call, when it ends; its arguments wait in call->note:
//   G18 main.add(a=1, b=2) = 3 (1.2µs)
#include "tracer/output/format.h"

#include <stdlib.h>

enum {
	STACK_INDENT = 8,
	KEPT_BYTES = 4096, // arguments that are free keep texts of at most this capacity
};

struct args { // of a call under way
	struct value_tree tree;
	struct text stack;
	struct args *next; // in the free list
};

struct sink {
	struct sink_options options;
	struct format_clock clock;
	struct value_tree tree; // of the line that is being written
	struct args *free_args;
};

static struct error *lines_open(const struct sink_options *options, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_nomem();
	sink->options = *options;
	*out = sink;
	return NULL;
}

static void args_destroy(struct args *args)
{
	value_tree_deinit(&args->tree);
	text_deinit(&args->stack);
	free(args);
}

static void lines_close(struct sink *sink)
{
	while (sink->free_args) {
		struct args *args = sink->free_args;
		sink->free_args = args->next;
		args_destroy(args);
	}
	value_tree_deinit(&sink->tree);
	free(sink);
}

static struct args *args_alloc(struct sink *sink)
{
	struct args *args = sink->free_args;
	if (!args)
		return calloc(1, sizeof(*args));
	sink->free_args = args->next;
	text_reset(&args->stack);
	return args;
}

static void lines_forget(struct sink *sink, struct call *call)
{
	struct args *args = call->note;
	call->note = NULL;
	if (!args)
		return;
	if (args->tree.text.capacity > KEPT_BYTES || args->stack.capacity > KEPT_BYTES) {
		args_destroy(args);
		return;
	}
	args->next = sink->free_args;
	sink->free_args = args;
}

static void begin_line(struct sink *sink, const struct call *call, uint64_t time_ns,
		       const char *mark, struct text *out)
{
	format_timestamp(&sink->options, &sink->clock, time_ns, out);
	text_puts(out, mark);
	format_goroutine(&sink->options, call, out);
	text_putc(out, ' ');
}

static unsigned lines_entry(struct sink *sink, struct call *call, const struct wire_record *record,
			    struct text *out)
{
	if (sink->options.look.no_entry && call->will_end) {
		struct args *args = call->note = args_alloc(sink);
		if (args) {
			format_add_args(&sink->options, call, NULL, NULL, &args->tree);
			format_stack(&sink->options, record, STACK_INDENT, &args->stack);
		}
		return 0;
	}
	size_t start = out->len;
	begin_line(sink, call, record->time_ns, "> ", out);
	format_add_args(&sink->options, call, NULL, NULL, &sink->tree);
	format_call(&sink->options,
		    &(struct format_line){
			    .call = call, .has_name = true, .has_args = true, .tree = &sink->tree},
		    start, out);
	text_putc(out, '\n');
	format_stack(&sink->options, record, STACK_INDENT, out);
	return 1;
}

static unsigned lines_end(struct sink *sink, struct call *call, const struct wire_record *record,
			  enum call_how how, uint64_t end_ns, struct text *out)
{
	size_t start = out->len;
	bool is_call = sink->options.look.no_entry;
	struct args *args = call->note;
	struct value_tree *tree = args ? &args->tree : &sink->tree;
	begin_line(sink, call, is_call ? call->entry_ns : end_ns, is_call ? "" : "< ", out);
	struct text duration;
	text_init(&duration);
	if (sink_is_event(how)) {
		format_paint(&sink->options, COLOR_DIM, &duration);
		text_puts(&duration, " (");
		format_duration(end_ns - call->entry_ns, &duration);
		text_putc(&duration, ')');
		format_plain(&sink->options, &duration);
	}
	if (!args)
		value_tree_reset(tree);
	struct format_line line = {
		.call = call,
		.has_name = true,
		.has_args = args,
		.are_args_lost = is_call && !args, // there was no memory for them
		.has_end = true,
		.how = how,
		.results = format_add_results(&sink->options, call, record, tree),
		.tree = tree,
		.after = &duration,
	};
	format_call(&sink->options, &line, start, out);
	text_deinit(&duration);
	text_putc(out, '\n');
	if (args)
		text_append(out, text_string(&args->stack), args->stack.len);
	lines_forget(sink, call);
	return sink_is_event(how) + is_call; // the line of a call shows its entry, too
}

static unsigned lines_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			     struct text *out)
{
	size_t start = out->len;
	struct format_line line = {.call = call, .tree = &sink->tree};
	begin_line(sink, call, record->time_ns, "< ", out);
	format_orphan(&sink->options, &line, record, start, out);
	return 1;
}

static void lines_lost(struct sink *sink, uint64_t count, const char *where, struct text *out)
{
	format_lost(&sink->options, count, where, out);
}

const struct sink_ops sink_lines = {
	.name = "lines",
	.open = lines_open,
	.close = lines_close,
	.entry = lines_entry,
	.end = lines_end,
	.orphan = lines_orphan,
	.forget = lines_forget,
	.lost = lines_lost,
	.summary = format_summary,
};
