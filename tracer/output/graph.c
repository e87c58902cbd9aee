// SPDX-License-Identifier: GPL-2.0-or-later
// The format "graph": a call without traced calls inside it is one line, other calls have braces.
//              G18        main.handle(id=7) {
//      1.2µs  G18          main.add(a=1, b=2) = 3
//      3.4ms  G18        } = nil // main.handle
// A call's arguments wait in call->note until the call ends or until a call inside it begins. In
// the second case its line is written, and call->note keeps what calls inside refer to as "^", or
// becomes the sink itself if that is nothing.
//
// The line of a call without calls inside waits too: neighbours that are alike fold into one line.
// Each goroutine has one such line, which is written before the goroutine's next line, or after a
// while.
#include "tracer/output/format.h"
#include "tracer/output/slow.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	DURATION_COLUMNS = 8,
	GOROUTINE_COLUMNS = 9,
	WIDTH_OF_ANY = 400, // of lines without a width, for the indentation
	INDENT_PARTS = 3,   // calls are indented by at most a third of the width
	KEPT_BYTES = 4096,  // a line that is free or open keeps texts of at most this capacity
	FOLDS_MAX = 16,	    // goroutines whose last lines wait
	RUN_SHOWN = 3,	    // calls in a row whose values differ, before such calls fold
};

static const uint64_t FOLD_NS = 300 * 1000 * 1000; // a line waits no longer
// Calls whose values differ fold only if no more time is between two of them: a person can read
// those that come more slowly.
static const uint64_t CLOSE_NS = 10 * 1000 * 1000;

struct line { // of a call
	struct value_tree values;
	struct same same;
	struct text stack; // the lines below it
	bool is_open;	   // it is written, and its braces are open
	struct line *next; // in the free list
};

struct took { // by a call
	bool is_known, is_slow;
	uint64_t ns;
};

struct fold { // calls of one goroutine, one after the other, that become one line
	struct call first;
	struct line *line; // of the first
	enum format_list results;
	struct took took; // by the first
	unsigned run;	  // calls of the function that were written just before
	uint64_t num, last_ns, shortest_ns, longest_ns, total_ns;
	bool args_vary, results_vary;
};

struct sink {
	struct sink_options options;
	struct format_clock clock;
	struct line *free_lines;
	struct text duration;	      // of the line that is being written
	struct value_tree results;    // of the call that ends
	size_t goroutine_columns;     // grows with the longest goroutine number so far
	struct fold folds[FOLDS_MAX]; // the oldest first
	unsigned num_folds;
	struct slow slow;
	uint64_t last_goid; // of the line that was written last
	bool has_lines;
};

// --- Lines that wait ---------------------------------------------------------------------------

static struct line *line_alloc(struct sink *sink)
{
	struct line *line = sink->free_lines;
	if (!line)
		return calloc(1, sizeof(*line));
	sink->free_lines = line->next;
	text_reset(&line->stack);
	line->is_open = false;
	return line;
}

static void line_free(struct sink *sink, struct line *line)
{
	if (!line)
		return;
	if (line->values.text.capacity > KEPT_BYTES)
		value_tree_deinit(&line->values);
	if (line->stack.capacity > KEPT_BYTES)
		text_deinit(&line->stack);
	line->next = sink->free_lines;
	sink->free_lines = line;
}

// The line of a call under way; NULL if there is none.
static struct line *line_of(const struct sink *sink, const struct call *call)
{
	return call->note == sink ? NULL : call->note;
}

static bool is_open(const struct sink *sink, const struct call *call)
{
	const struct line *line = line_of(sink, call);
	return call->note == sink || (line && line->is_open);
}

static struct error *graph_open(const struct sink_options *options, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return error_nomem();
	sink->options = *options;
	sink->goroutine_columns = GOROUTINE_COLUMNS;
	*out = sink;
	return NULL;
}

static void graph_close(struct sink *sink)
{
	while (sink->num_folds)
		line_free(sink, sink->folds[--sink->num_folds].line);
	while (sink->free_lines) {
		struct line *line = sink->free_lines;
		sink->free_lines = line->next;
		value_tree_deinit(&line->values);
		text_deinit(&line->stack);
		free(line);
	}
	slow_deinit(&sink->slow);
	text_deinit(&sink->duration);
	value_tree_deinit(&sink->results);
	free(sink);
}

// --- Columns -----------------------------------------------------------------------------------

static size_t indent_columns(const struct sink *sink, const struct call *call)
{
	uint32_t width = *sink->options.width;
	size_t columns = call->depth > 1 ? 2 * ((size_t)call->depth - 1) : 0;
	size_t most = (width < WIDTH_OF_ANY ? width : WIDTH_OF_ANY) / INDENT_PARTS;
	return columns < most ? columns : most;
}

// A terminal gets a heading, and a blank line where the goroutine changes.
static void write_space(struct sink *sink, const struct call *call, struct text *out)
{
	if (!sink->options.look.is_screen)
		return;
	if (!sink->has_lines) {
		format_paint(&sink->options, COLOR_DIM, out);
		format_pad(out, format_timestamp_columns(&sink->options));
		text_puts(out, "DURATION  GOROUTINE  CALL");
		format_plain(&sink->options, out);
	}
	if (!sink->has_lines || sink->last_goid != call->goid)
		text_putc(out, '\n');
	sink->has_lines = true;
	sink->last_goid = call->goid;
}

// Writes the columns before a call: how long it took, and its goroutine. Returns where they begin.
static size_t begin_line(struct sink *sink, const struct call *call, uint64_t time_ns,
			 struct took took, struct text *out)
{
	write_space(sink, call, out);
	size_t line = out->len;
	format_timestamp(&sink->options, &sink->clock, time_ns, out);
	struct text *duration = &sink->duration;
	text_reset(duration);
	if (took.is_known)
		format_duration(took.ns, duration);
	size_t columns = format_columns(duration, 0);
	format_pad(out, columns < DURATION_COLUMNS ? DURATION_COLUMNS - columns : 0);
	if (took.is_known) {
		format_paint(&sink->options, took.is_slow ? COLOR_SLOW : COLOR_DIM, out);
		text_puts(out, text_string(duration));
		format_plain(&sink->options, out);
	}
	format_pad(out, 2);
	size_t start = out->len;
	format_goroutine(&sink->options, call, out);
	columns = format_columns(out, start);
	if (columns > sink->goroutine_columns)
		sink->goroutine_columns = columns;
	format_pad(out, sink->goroutine_columns - columns + 2 + indent_columns(sink, call));
	return line;
}

// True if the call took longer than --slow-at.
static bool is_late(const struct sink *sink, uint64_t duration_ns)
{
	return sink->options.look.slow_ns && duration_ns > sink->options.look.slow_ns;
}

// How long a call took that ended in this way.
static struct took took_of(struct sink *sink, const struct call *call, enum call_how how,
			   uint64_t end_ns)
{
	struct took took = {.is_known = sink_is_event(how), .ns = end_ns - call->entry_ns};
	if (took.is_known && sink->options.look.color)
		took.is_slow = sink->options.look.slow_ns
				       ? is_late(sink, took.ns)
				       : slow_call(&sink->slow, call->func->number, took.ns);
	return took;
}

// Writes the stack below the call's line, indented further than the calls inside it.
static void write_stack(struct sink *sink, const struct call *call,
			const struct wire_record *record, struct text *out)
{
	size_t columns =
		DURATION_COLUMNS + sink->goroutine_columns + 4 + indent_columns(sink, call) + 4;
	format_stack(&sink->options, record, columns, out);
}

// --- Folds -------------------------------------------------------------------------------------

// Writes " ×3997, 850ns–3.4µs, arguments vary".
static void put_fold(const struct sink *sink, const struct fold *fold, struct text *out)
{
	struct text shortest, longest;
	text_init(&shortest);
	text_init(&longest);
	format_duration(fold->shortest_ns, &shortest);
	format_duration(fold->longest_ns, &longest);
	format_paint(&sink->options, COLOR_DIM, out);
	text_printf(out, "  ×%" PRIu64, fold->num);
	if (fold->first.will_end) {
		bool is_one = !strcmp(text_string(&shortest), text_string(&longest));
		text_puts(out, ", ");
		text_puts(out, text_string(&shortest));
		text_puts(out, is_one ? " each" : "–");
		text_puts(out, is_one ? "" : text_string(&longest));
	}
	if (fold->args_vary || fold->results_vary)
		text_puts(out, !fold->results_vary ? ", arguments vary"
			       : !fold->args_vary  ? ", results vary"
						   : ", values vary");
	format_plain(&sink->options, out);
	text_deinit(&shortest);
	text_deinit(&longest);
}

// Writes the line of a call without calls inside it.
static void write_leaf(struct sink *sink, const struct call *call, const struct format_line *line,
		       struct took took, const struct text *stack, struct text *out)
{
	size_t start = begin_line(sink, call, call->entry_ns, took, out);
	format_call(&sink->options, line, start, out);
	text_putc(out, '\n');
	text_append(out, text_string(stack), stack->len);
}

// Writes what has folded. Returns how many events that shows.
static unsigned unfold(struct sink *sink, unsigned i, struct text *out)
{
	struct fold *fold = &sink->folds[i];
	struct text after;
	text_init(&after);
	if (fold->num > 1)
		put_fold(sink, fold, &after);
	struct format_line line = {
		.call = &fold->first,
		.has_name = true,
		.has_args = true,
		.has_end = fold->first.will_end,
		.how = CALL_RETURNED,
		.results = fold->results,
		.tree = &fold->line->values,
		.after = &after,
	};
	struct took took = fold->took;
	took.ns = fold->total_ns;
	took.is_slow &= fold->num == 1;
	write_leaf(sink, &fold->first, &line, took, &fold->line->stack, out);
	text_deinit(&after);
	line_free(sink, fold->line);
	unsigned shown = (unsigned)fold->num * (fold->first.will_end ? 2 : 1);
	sink->num_folds--;
	memmove(fold, fold + 1, (sink->num_folds - i) * sizeof(*fold));
	return shown;
}

static struct fold *find_fold(struct sink *sink, const struct call *call)
{
	for (unsigned i = 0; i < sink->num_folds; i++)
		if (sink->folds[i].first.goid == call->goid)
			return &sink->folds[i];
	return NULL;
}

// Writes the lines that come before another line of the call's goroutine: its own that waits, and
// those of others that have not folded, so that they are in the order in which the calls ended.
static unsigned unfold_before(struct sink *sink, const struct call *call, struct text *out)
{
	unsigned shown = 0;
	for (unsigned i = 0; i < sink->num_folds;)
		if (sink->folds[i].num == 1 ||
		    (call->has_goid && sink->folds[i].first.goid == call->goid))
			shown += unfold(sink, i, out);
		else
			i++;
	return shown;
}

static unsigned unfold_all(struct sink *sink, struct text *out)
{
	unsigned shown = 0;
	while (sink->num_folds)
		shown += unfold(sink, 0, out);
	return shown;
}

// True if a call whose values differ from those of the calls that have folded may join them. What
// the user has selected to be shown (--show) is shown of each call.
static bool may_vary(const struct fold *fold, const struct call *call)
{
	bool is_close = call->entry_ns < fold->last_ns + CLOSE_NS;
	return is_close && !call->func->show.is_set &&
	       (fold->num > 1 || fold->run + 1 >= RUN_SHOWN);
}

// Adds a call to those that have folded. Returns false if it is not like them.
static bool fold_in(struct fold *fold, const struct call *call, const struct line *line,
		    enum format_list results, uint64_t duration_ns)
{
	const struct call *first = &fold->first;
	const struct value_tree *shown = &fold->line->values;
	if (first->func != call->func || first->depth != call->depth ||
	    first->is_bare != call->is_bare || fold->results != results ||
	    !format_is_same_outcome(shown, &line->values))
		return false;
	bool args_vary = !format_is_same(shown, &line->values, 0);
	bool results_vary = !format_is_same(shown, &line->values, 1);
	if ((args_vary || results_vary) && !may_vary(fold, call))
		return false;
	fold->args_vary |= args_vary;
	fold->results_vary |= results_vary;
	fold->num++;
	fold->total_ns += duration_ns;
	if (duration_ns < fold->shortest_ns)
		fold->shortest_ns = duration_ns;
	if (duration_ns > fold->longest_ns)
		fold->longest_ns = duration_ns;
	return true;
}

// Takes a call without calls inside it, which has returned, and its line. Returns how many events
// were written.
static unsigned fold_call(struct sink *sink, const struct call *call, struct line *line,
			  enum format_list results, struct took took, struct text *out)
{
	uint64_t now_ns = call->entry_ns + took.ns;
	struct fold *fold = find_fold(sink, call);
	unsigned shown = 0, run = 0;
	if (fold && fold_in(fold, call, line, results, took.ns)) {
		fold->last_ns = now_ns;
		line_free(sink, line);
		return 0;
	}
	if (fold && fold->num == 1 && fold->first.func == call->func)
		run = fold->run + 1;
	if (fold)
		shown = unfold(sink, (unsigned)(fold - sink->folds), out);
	else if (sink->num_folds == FOLDS_MAX)
		shown = unfold(sink, 0, out);
	sink->folds[sink->num_folds++] = (struct fold){
		.first = *call,
		.line = line,
		.results = results,
		.took = took,
		.run = run,
		.num = 1,
		.last_ns = now_ns,
		.shortest_ns = took.ns,
		.longest_ns = took.ns,
		.total_ns = took.ns,
	};
	return shown;
}

static bool may_fold(const struct sink *sink, const struct call *call, const struct line *line)
{
	return !sink->options.look.no_fold && call->has_goid && line && !line->stack.len;
}

// --- Events ------------------------------------------------------------------------------------

// Opens the braces of a call inside which another call begins. Returns how many events that shows.
static unsigned open_braces(struct sink *sink, struct call *call, struct text *out)
{
	if (!call || is_open(sink, call))
		return 0;
	unsigned shown = unfold_before(sink, call, out);
	struct line *line = line_of(sink, call);
	struct text brace;
	text_init(&brace);
	text_puts(&brace, " {");
	value_tree_reset(&sink->results);
	size_t start = begin_line(sink, call, call->entry_ns, (struct took){0}, out);
	format_call(&sink->options,
		    &(struct format_line){.call = call,
					  .has_name = true,
					  .has_args = line,
					  .are_args_lost = !line, // there was no memory for them
					  .tree = line ? &line->values : &sink->results,
					  .after = &brace},
		    start, out);
	text_deinit(&brace);
	text_putc(out, '\n');
	call->note = sink;
	if (!line)
		return shown + 1;
	text_append(out, text_string(&line->stack), line->stack.len);
	line->is_open =
		line->values.text.len <= KEPT_BYTES && same_is_shown(&line->same, &line->values);
	if (line->is_open)
		call->note = line;
	else
		line_free(sink, line);
	return shown + 1;
}

// Finds what the open calls around a call have shown of their arguments.
static void look_around(const struct sink *sink, const struct call *call,
			struct same_around *around)
{
	around->num = 0;
	if (sink->options.look.repeats)
		return;
	for (call = call->parent; call && around->num < SAME_AROUND; call = call->parent) {
		const struct line *line = line_of(sink, call);
		if (!line || !line->is_open)
			continue;
		around->calls[around->num].same = &line->same;
		around->calls[around->num++].tree = &line->values;
	}
}

static unsigned graph_entry(struct sink *sink, struct call *call, const struct wire_record *record,
			    struct text *out)
{
	unsigned shown = open_braces(sink, call->parent, out);
	struct line *line = line_alloc(sink);
	if (line) {
		struct same_around around;
		look_around(sink, call, &around);
		format_add_args(&sink->options, call, &around, &line->same, &line->values);
		write_stack(sink, call, record, &line->stack);
	}
	if (call->will_end) {
		call->note = line;
		return shown;
	}
	if (may_fold(sink, call, line))
		return shown + fold_call(sink, call, line, LIST_OMITTED, (struct took){0}, out);
	static const struct text no_stack;
	shown += unfold_before(sink, call, out);
	value_tree_reset(&sink->results);
	write_leaf(sink, call,
		   &(struct format_line){.call = call,
					 .has_name = true,
					 .has_args = line,
					 .are_args_lost = !line,
					 .tree = line ? &line->values : &sink->results},
		   (struct took){0}, line ? &line->stack : &no_stack, out);
	line_free(sink, line);
	return shown + 1;
}

// Writes the line that ends a call with calls inside it.
static void close_braces(struct sink *sink, struct call *call, struct format_line *line,
			 struct took took, uint64_t end_ns, struct text *out)
{
	struct text name;
	text_init(&name);
	size_t start = begin_line(sink, call, end_ns, took, out);
	text_putc(out, '}');
	format_closing(&sink->options, call, format_columns(out, start), &name);
	line->name = &name;
	format_call(&sink->options, line, start, out);
	text_deinit(&name);
	text_putc(out, '\n');
}

static unsigned graph_end(struct sink *sink, struct call *call, const struct wire_record *record,
			  enum call_how how, uint64_t end_ns, struct text *out)
{
	static const struct text no_stack;
	struct line *line = line_of(sink, call);
	bool has_braces = is_open(sink, call);
	struct value_tree *tree = line && !has_braces ? &line->values : &sink->results;
	if (tree == &sink->results)
		value_tree_reset(tree);
	enum format_list results = format_add_results(&sink->options, call, record, tree);
	struct took took = took_of(sink, call, how, end_ns);
	call->note = NULL;
	if (!has_braces && how == CALL_RETURNED && !is_late(sink, took.ns) &&
	    may_fold(sink, call, line))
		return fold_call(sink, call, line, results, took, out);
	unsigned shown = unfold_before(sink, call, out);
	struct format_line values = {
		.call = call,
		.has_end = true,
		.how = how,
		.results = results,
		.tree = tree,
	};
	if (has_braces) {
		close_braces(sink, call, &values, took, end_ns, out);
	} else {
		values.has_name = true;
		values.has_args = line;
		values.are_args_lost = !line;
		write_leaf(sink, call, &values, took, line ? &line->stack : &no_stack, out);
	}
	line_free(sink, line);
	return shown + sink_is_event(how) + !has_braces; // the line of a leaf shows its entry, too
}

static unsigned graph_orphan(struct sink *sink, struct call *call, const struct wire_record *record,
			     struct text *out)
{
	unsigned shown = unfold_before(sink, call, out);
	struct format_line line = {.call = call, .are_args_lost = true, .tree = &sink->results};
	size_t start = begin_line(sink, call, record->time_ns, (struct took){0}, out);
	format_orphan(&sink->options, &line, record, start, out);
	return shown + 1;
}

static void graph_forget(struct sink *sink, struct call *call)
{
	line_free(sink, line_of(sink, call));
}

static unsigned graph_tick(struct sink *sink, uint64_t now_ns, struct text *out)
{
	unsigned shown = 0;
	for (unsigned i = 0; i < sink->num_folds;)
		if (now_ns > sink->folds[i].last_ns && now_ns - sink->folds[i].last_ns >= FOLD_NS)
			shown += unfold(sink, i, out);
		else
			i++;
	return shown;
}

static void graph_lost(struct sink *sink, uint64_t count, const char *where, struct text *out)
{
	format_lost(&sink->options, count, where, out);
}

const struct sink_ops sink_graph = {
	.name = "graph",
	.open = graph_open,
	.close = graph_close,
	.entry = graph_entry,
	.end = graph_end,
	.orphan = graph_orphan,
	.forget = graph_forget,
	.tick = graph_tick,
	.flush = unfold_all,
	.lost = graph_lost,
	.summary = format_summary,
};
