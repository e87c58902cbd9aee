// SPDX-License-Identifier: GPL-2.0-or-later
// What the outputs write, from records through the pairing to text. Values are the frame's words as numbers here.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "tests/unit/synthetic.h"
#include "tracer/output/format.h"
#include "tracer/output/template.h"
#include "tracer/plan/expr/expr.h"

enum { POINTERS = 1 << 20 }; // words from here on are pointers

void value_param_add(struct value_printer *printer, const struct plan_value *value,
		     struct value_tree *tree)
{
	const uint64_t *words = printer->context;
	uint32_t leaf = value_tree_begin(tree, NODE_LEAF, WORTH_NUMBER);
	if (words[value->frame_off / 8] == 1000) // a hostile one
		text_puts(&tree->text, "\033[2J\n\xc2\x9b");
	else
		text_u64(&tree->text, words[value->frame_off / 8]);
	value_tree_head(tree, leaf);
}

bool value_param_pointer(struct value_printer *printer, const struct plan_value *value,
			 uint64_t words[2])
{
	words[0] = ((const uint64_t *)printer->context)[value->frame_off / 8];
	words[1] = 0;
	return words[0] >= POINTERS;
}

void value_param_json(struct value_printer *printer, const struct plan_value *value,
		      struct text *out)
{
	text_putc(out, '{');
	json_string(out, "name", value->param->name);
	json_key(out, "value");
	text_u64(out, ((const uint64_t *)printer->context)[value->frame_off / 8]);
	text_putc(out, '}');
}

// The first word of the frame.
void value_path_add(struct value_printer *printer, const struct plan_frame *frame,
		    const struct expr_path *path, struct value_tree *tree)
{
	(void)frame;
	(void)path;
	uint32_t leaf = value_tree_begin(tree, NODE_LEAF, WORTH_NUMBER);
	text_u64(&tree->text, *(const uint64_t *)printer->context);
	value_tree_head(tree, leaf);
}

void value_path_json(struct value_printer *printer, const struct plan_frame *frame,
		     const struct expr_path *path, struct text *out)
{
	(void)frame;
	(void)path;
	text_u64(out, *(const uint64_t *)printer->context);
}

struct trace {
	struct synthetic synthetic;
	struct value_printer printer;
	struct sink_options options;
	const struct sink_ops *ops;
	struct sink *sink;
	struct calls *calls;
	struct text out, err;
	uint64_t now;
	uint32_t width;
};

static void on_entry(void *context, struct call *call, const struct wire_record *record)
{
	struct trace *trace = context;
	trace->ops->entry(trace->sink, call, record, &trace->out);
}

static void on_end(void *context, struct call *call, const struct wire_record *record,
		   enum call_how how, uint64_t end_ns)
{
	struct trace *trace = context;
	trace->ops->end(trace->sink, call, record, how, end_ns, &trace->out);
}

static void on_orphan(void *context, struct call *call, const struct wire_record *record)
{
	struct trace *trace = context;
	trace->ops->orphan(trace->sink, call, record, &trace->out);
}

static const struct calls_listener listener = {on_entry, on_end, on_orphan};

static const struct loaded loaded = {.pid = 9, .bias = 0x1000};

// main.f0(id) x, main.f1(a, _) (x, err), main.f2(), and main.f3 whose signature is not known.
static void begin_with(struct trace *trace, const char *format, const struct sink_options *options)
{
	memset(trace, 0, sizeof(*trace));
	synthetic_init(&trace->synthetic, 4, 2);
	synthetic_value(&trace->synthetic, 0, false, "id", NULL);
	synthetic_value(&trace->synthetic, 0, true, "x", NULL);
	synthetic_value(&trace->synthetic, 1, false, "a", NULL);
	synthetic_value(&trace->synthetic, 1, false, ".dict", NULL);
	synthetic_value(&trace->synthetic, 1, false, "", NULL);
	synthetic_value(&trace->synthetic, 1, true, "", NULL);
	synthetic_value(&trace->synthetic, 1, true, "err", NULL);
	trace->synthetic.params[1][1].is_hidden = true;
	trace->synthetic.signature[3].is_known = false;
	trace->options = *options;
	trace->options.look.out = -1;
	trace->width = sink_width(&trace->options.look);
	trace->options.width = &trace->width;
	trace->options.loaded = &loaded;
	trace->options.printer = &trace->printer;
	trace->now = 5000000000;
	trace->options.start_ns = trace->now;
	trace->ops = strcmp(format, sink_print.name) ? sink_find(format) : &sink_print;
	assert_non_null(trace->ops);
	assert_null(trace->ops->open(&trace->options, &trace->sink));
	assert_null(calls_create(&trace->synthetic.plan, &listener, trace, &trace->calls));
}

static void begin(struct trace *trace, const char *format)
{
	static const struct sink_options options;
	begin_with(trace, format, &options);
}

static void hit(struct trace *trace, uint32_t probe, uint64_t goid, uint64_t distance,
		uint64_t word)
{
	uint64_t words[] = {word, word + 1, word + 2};
	struct synthetic_record record = synthetic_hit(probe, goid, distance, trace->now);
	synthetic_frame(&record, words, 3);
	if (probe % 3 == SYNTHETIC_TAIL)
		record.head.num_blocks = 0;
	trace->printer.context = words;
	assert_null(calls_record(trace->calls, &record.head));
	trace->now += 1200;
}

static void flush(struct trace *trace)
{
	if (trace->ops->flush)
		trace->ops->flush(trace->sink, &trace->out);
}

static void end(struct trace *trace, const char *expected)
{
	calls_finish(trace->calls, trace->now, false);
	flush(trace);
	assert_string_equal(text_string(&trace->out), expected);
	assert_false(trace->out.failed);
	calls_destroy(trace->calls);
	trace->ops->close(trace->sink);
	text_deinit(&trace->out);
	text_deinit(&trace->err);
}

// A call with one inside it, a leaf, on two goroutines at once; then a panic, Goexit, a tail jump.
static void tell_story(struct trace *trace)
{
	hit(trace, 7, 5, 900, 0); // f2 was under way
	hit(trace, 0, 18, 100, 7);
	hit(trace, 0, 1234567, 100, 8);
	hit(trace, 3, 18, 200, 1);
	hit(trace, 4, 18, 200, 10);
	hit(trace, 1, 1234567, 100, 9);
	hit(trace, 3, 18, 200, 2);
	hit(trace, synthetic_panic(&trace->synthetic), 18, 300, 0);
	hit(trace, 1, 18, 100, 3);
	hit(trace, 9, 18, 100, 0);
	hit(trace, 10, 18, 100, 0);
	hit(trace, 0, 18, 100, 4);
	hit(trace, 2, 18, 100, 0);
	hit(trace, 6, 19, 100, 0);
	hit(trace, synthetic_goexit(&trace->synthetic), 19, 300, 0);
	hit(trace, 6, 20, 100, 0);
	hit(trace, 6, 20, 200, 0);
}

static void graph(void **state)
{
	(void)state;
	struct trace trace;
	begin(&trace, "graph");
	tell_story(&trace);
	end(&trace, "          G5         main.f2(...) (entered before the trace)\n"
		    "          G18        main.f0(id=7) {\n"
		    "   1.2µs  G18          main.f1(a=1, 3) = (10, 11)\n"
		    "   3.6µs  G1234567   main.f0(id=8) = 9\n"
		    "   2.4µs  G18          main.f1(a=2, 4) panicked\n"
		    "   8.4µs  G18        } = 3 // main.f0\n"
		    "   1.2µs  G18        main.f3(?)\n"
		    "   1.2µs  G18        main.f0(id=4) = ?(left by a tail jump)\n"
		    "          G20        main.f2() {\n"
		    "   1.2µs  G19        main.f2() goexit\n"
		    "          G20          main.f2() detached\n"
		    "          G20        } detached // main.f2\n");
}

static void alike_calls_fold(void **state)
{
	(void)state;
	struct trace trace;
	begin(&trace, "graph");
	hit(&trace, 0, 18, 100, 7);
	for (unsigned i = 0; i < 5; i++) { // whose values differ
		hit(&trace, 3, 18, 200, i);
		trace.now += i * 500;
		hit(&trace, 4, 18, 200, 30);
	}
	for (unsigned i = 0; i < 4; i++) { // which come slowly
		trace.now += 20000000;
		hit(&trace, 3, 18, 200, i);
		hit(&trace, 4, 18, 200, 30);
	}
	hit(&trace, 9, 18, 200, 0);
	hit(&trace, 10, 18, 200, 0);
	hit(&trace, 6, 18, 200, 0); // with a call inside
	hit(&trace, 6, 18, 300, 0);
	hit(&trace, 7, 18, 300, 0);
	hit(&trace, 7, 18, 200, 0);
	for (unsigned i = 0; i < 4;
	     i++) { // whose values are the same; another goroutine is between
		hit(&trace, 6, 18, 200, 0);
		hit(&trace, 6, 20, 200, 0);
		hit(&trace, 7, 18, 200, 0);
		hit(&trace, 7, 20, 200, 0);
	}
	hit(&trace, 1, 18, 100, 0);
	trace.ops->tick(trace.sink, trace.now + 100000000, &trace.out);
	assert_null(strstr(text_string(&trace.out), "G20"));
	trace.ops->tick(trace.sink, trace.now + 400000000, &trace.out);
	assert_non_null(strstr(text_string(&trace.out), "G20"));
	end(&trace,
	    "          G18        main.f0(id=7) {\n"
	    "   1.2µs  G18          main.f1(a=0, 2) = (30, 31)\n"
	    "   1.7µs  G18          main.f1(a=1, 3) = (30, 31)\n"
	    "   8.1µs  G18          main.f1(a=2, 4) = (30, 31)  ×3, 2.2µs–3.2µs, arguments vary\n"
	    "   1.2µs  G18          main.f1(a=0, 2) = (30, 31)\n"
	    "   1.2µs  G18          main.f1(a=1, 3) = (30, 31)\n"
	    "   1.2µs  G18          main.f1(a=2, 4) = (30, 31)\n"
	    "   1.2µs  G18          main.f1(a=3, 5) = (30, 31)\n"
	    "   1.2µs  G18          main.f3(?)\n"
	    "          G18          main.f2() {\n"
	    "   1.2µs  G18            main.f2()\n"
	    "   3.6µs  G18          } // main.f2\n"
	    "   9.6µs  G18          main.f2()  ×4, 2.4µs each\n"
	    "  80.1ms  G18        } = 0 // main.f0\n"
	    "   9.6µs  G20        main.f2()  ×4, 2.4µs each\n");
}

static void what_calls_around_have_shown(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct trace trace;
		struct sink_options options = {.look.repeats = i};
		begin_with(&trace, "graph", &options);
		synthetic_value(&trace.synthetic, 2, false, "id", NULL);
		hit(&trace, 0, 18, 100, POINTERS);
		hit(&trace, 3, 18, 200, POINTERS); // another name
		hit(&trace, 0, 18, 300, POINTERS);
		hit(&trace, 6, 18, 400, POINTERS);
		hit(&trace, 0, 18, 500, POINTERS + 8); // another value
		hit(&trace, 0, 20, 100, POINTERS);     // another goroutine
		end(&trace, i ? "          G18        main.f0(id=1048576) {\n"
				"          G18          main.f1(a=1048576, 1048578) {\n"
				"          G18            main.f0(id=1048576) {\n"
				"          G18              main.f2(id=1048576) {\n"
				"          G18                main.f0(id=1048584) detached\n"
				"          G18              } detached // main.f2\n"
				"          G18            } detached // main.f0\n"
				"          G18          } detached // main.f1\n"
				"          G18        } detached // main.f0\n"
				"          G20        main.f0(id=1048576) detached\n"
			      : "          G18        main.f0(id=1048576) {\n"
				"          G18          main.f1(a=1048576, 1048578) {\n"
				"          G18            main.f0(id=^) {\n"
				"          G18              main.f2(id=^) {\n"
				"          G18                main.f0(id=1048584) detached\n"
				"          G18              } detached // main.f2\n"
				"          G18            } detached // main.f0\n"
				"          G18          } detached // main.f1\n"
				"          G18        } detached // main.f0\n"
				"          G20        main.f0(id=1048576) detached\n");
	}
}

static void a_screen_has_a_heading(void **state)
{
	(void)state;
	struct trace trace;
	static const struct sink_options options = {.look.is_screen = true};
	begin_with(&trace, "graph", &options);
	hit(&trace, 6, 18, 100, 0);
	hit(&trace, 7, 18, 100, 0);
	hit(&trace, 9, 18, 100, 0);
	hit(&trace, 10, 18, 100, 0);
	hit(&trace, 6, 19, 100, 0);
	hit(&trace, 7, 19, 100, 0);
	end(&trace, "DURATION  GOROUTINE  CALL\n"
		    "   1.2µs  G18        main.f2()\n"
		    "   1.2µs  G18        main.f3(?)\n"
		    "\n"
		    "   1.2µs  G19        main.f2()\n");
}

static unsigned num_of(const struct trace *trace, const char *needle)
{
	unsigned num = 0;
	const char *at = text_string(&trace->out);
	for (; (at = strstr(at, needle)); at++)
		num++;
	return num;
}

// A call of 1.2 µs each time, and now and then a longer one.
static void slow_calls(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct trace trace;
		struct sink_options options = {.look.color = true,
					       .look.no_fold = true,
					       .look.slow_ns = i ? 3000 : 0};
		begin_with(&trace, "graph", &options);
		for (unsigned call = 0; call < 300; call++) {
			hit(&trace, 6, 18, 100, 0);
			trace.now += call % 149 == 50 ? 5000 : 0;
			hit(&trace, 7, 18, 100, 0);
		}
		flush(&trace);
		// The first one is among the first hundred calls.
		assert_int_equal(num_of(&trace, "\033[33m6.2µs"), i ? 2 : 1);
		assert_int_equal(num_of(&trace, "\033[33m"), i ? 2 : 1);
		trace.out.len = 0;
		trace.out.data[0] = '\0';
		end(&trace, "");
	}
}

static void long_names_fit(void **state)
{
	(void)state;
	static const struct {
		const char *name, *shown;
		unsigned width;
	} rows[] = {
		{"main.Map[go.shape.struct { A int; B [4]string }]", "main.Map[…](id=7) = 8", 60},
		{"example.com/a/very/long/path/of/packages.(*Cache[go.shape.int]).Get.func1",
		 "…/packages.(*Cache[…]).Get.func1(id=7) = 8", 64},
		{"main.aFunctionWhoseNameIsMuchLongerThanAnyLineOfItsTrace",
		 "…gerThanAnyLineOfItsTrace(id=7) = 8", 56},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct trace trace;
		struct sink_options options = {.look.width = rows[i].width};
		begin_with(&trace, "graph", &options);
		trace.synthetic.func[0].name = rows[i].name;
		hit(&trace, 0, 18, 100, 7);
		hit(&trace, 1, 18, 100, 8);
		flush(&trace);
		assert_non_null(strstr(text_string(&trace.out), rows[i].shown));
		assert_true(format_columns(&trace.out, 0) <= rows[i].width + 1); // the line's end
		trace.out.len = 0;
		trace.out.data[0] = '\0';
		end(&trace, "");
	}
}

static void lines(void **state)
{
	(void)state;
	struct trace trace;
	begin(&trace, "lines");
	tell_story(&trace);
	end(&trace, "< G5 main.f2 (entered before the trace)\n"
		    "> G18 main.f0(id=7)\n"
		    "> G1234567 main.f0(id=8)\n"
		    "> G18 main.f1(a=1, 3)\n"
		    "< G18 main.f1 = (10, 11) (1.2µs)\n"
		    "< G1234567 main.f0 = 9 (3.6µs)\n"
		    "> G18 main.f1(a=2, 4)\n"
		    "< G18 main.f1 panicked (2.4µs)\n"
		    "< G18 main.f0 = 3 (8.4µs)\n"
		    "> G18 main.f3(?)\n"
		    "< G18 main.f3 (1.2µs)\n"
		    "> G18 main.f0(id=4)\n"
		    "< G18 main.f0 = ?(left by a tail jump) (1.2µs)\n"
		    "> G19 main.f2()\n"
		    "> G20 main.f2()\n"
		    "> G20 main.f2()\n"
		    "< G19 main.f2 goexit (1.2µs)\n"
		    "< G20 main.f2 detached\n"
		    "< G20 main.f2 detached\n");
}

static void lines_of_calls(void **state)
{
	(void)state;
	struct trace trace;
	static const struct sink_options options = {.look.no_entry = true};
	begin_with(&trace, "lines", &options);
	trace.synthetic.plan_func[2].has_return = false;
	hit(&trace, 7, 5, 900, 0); // f2 was under way
	hit(&trace, 0, 18, 100, 7);
	hit(&trace, 3, 18, 200, 1);
	hit(&trace, 4, 18, 200, 10);
	hit(&trace, 6, 18, 200, 0); // there is no return
	hit(&trace, 1, 18, 100, 3);
	hit(&trace, 0, 18, 100, 4);
	end(&trace, "< G5 main.f2 (entered before the trace)\n"
		    "G18 main.f1(a=1, 3) = (10, 11) (1.2µs)\n"
		    "> G18 main.f2()\n"
		    "G18 main.f0(id=7) = 3 (4.8µs)\n"
		    "G18 main.f0(id=4) detached\n");
}

static void json(void **state)
{
	(void)state;
	struct trace trace;
	static const struct sink_options options = {.wall_offset_ns = 1767323040123456789};
	begin_with(&trace, "json", &options);
	hit(&trace, 7, 5, 900, 0);
	hit(&trace, 3, 18, 100, UINT64_MAX - 2);
	hit(&trace, 6, 18, 200, 0);
	hit(&trace, 7, 18, 200, 0);
	hit(&trace, 5, 18, 100, 0);
	hit(&trace, 9, 18, 100, 0);
	trace.ops->lost(trace.sink, 12, "ring buffer", &trace.out);
	struct sink_summary summary = {.counts.calls = 100,
				       .counts.returns = 99,
				       .seconds = 1.5,
				       .lost = 12,
				       .functions = 3};
	calls_finish(trace.calls, trace.now, false);
	trace.ops->summary(trace.sink, &summary, &trace.out, &trace.err);
	assert_int_equal(trace.err.len, 0);
	end(&trace,
	    "{\"event\":\"return\",\"time\":\"2026-01-02T03:04:05.123456789Z\",\"mono_ns\":5000000000,"
	    "\"pid\":9,\"tid\":10,\"goid\":5,\"func\":\"main.f2\",\"addr\":\"0x403000\",\"results\":[],"
	    "\"how\":\"return\"}\n"
	    "{\"event\":\"entry\",\"time\":\"2026-01-02T03:04:05.123457989Z\",\"mono_ns\":5000001200,"
	    "\"pid\":9,\"tid\":10,\"goid\":18,\"func\":\"main.f1\",\"addr\":\"0x402000\",\"depth\":1,"
	    "\"call\":1,\"args\":[{\"name\":\"a\",\"value\":18446744073709551613},{\"name\":\"\","
	    "\"value\":18446744073709551615}]}\n"
	    "{\"event\":\"entry\",\"time\":\"2026-01-02T03:04:05.123459189Z\",\"mono_ns\":5000002400,"
	    "\"pid\":9,\"tid\":10,\"goid\":18,\"func\":\"main.f2\",\"addr\":\"0x403000\",\"depth\":2,"
	    "\"call\":2,\"args\":[]}\n"
	    "{\"event\":\"return\",\"time\":\"2026-01-02T03:04:05.123460389Z\",\"mono_ns\":5000003600,"
	    "\"pid\":9,\"tid\":10,\"goid\":18,\"func\":\"main.f2\",\"addr\":\"0x403000\",\"depth\":2,"
	    "\"call\":2,\"duration_ns\":1200,\"results\":[],\"how\":\"return\"}\n"
	    "{\"event\":\"return\",\"time\":\"2026-01-02T03:04:05.123461589Z\",\"mono_ns\":5000004800,"
	    "\"pid\":9,\"tid\":10,\"goid\":18,\"func\":\"main.f1\",\"addr\":\"0x402000\",\"depth\":1,"
	    "\"call\":1,\"duration_ns\":3600,\"how\":\"return\"}\n"
	    "{\"event\":\"entry\",\"time\":\"2026-01-02T03:04:05.123462789Z\",\"mono_ns\":5000006000,"
	    "\"pid\":9,\"tid\":10,\"goid\":18,\"func\":\"main.f3\",\"addr\":\"0x404000\",\"depth\":1,"
	    "\"call\":3}\n"
	    "{\"event\":\"lost\",\"count\":12,\"where\":\"ring buffer\"}\n"
	    "{\"event\":\"return\",\"time\":\"2026-01-02T03:04:05.123463989Z\",\"mono_ns\":5000007200,"
	    "\"pid\":9,\"goid\":18,\"func\":\"main.f3\",\"addr\":\"0x404000\",\"depth\":1,"
	    "\"call\":3,\"how\":\"detached\"}\n"
	    "{\"event\":\"summary\",\"calls\":100,\"returns\":99,\"lost\":12,\"seconds\":1.5,"
	    "\"functions\":3}\n");
}

static void json_lost_return(void **state)
{
	(void)state;
	struct trace trace;
	static const struct sink_options options = {.no_args = true};
	begin_with(&trace, "json", &options);
	hit(&trace, 0, 0, 100, 0);
	text_reset(&trace.out);
	hit(&trace, 0, 0, 100, 0); // the first one's return was not seen, and no panic either
	assert_null(strstr(text_string(&trace.out), "return"));
	assert_null(strstr(text_string(&trace.out), "args"));
	text_reset(&trace.out);
	hit(&trace, 1, 0, 100, 0);
	text_reset(&trace.out);
	trace.out.data[0] = '\0';
	end(&trace, "");
}

static void without_arguments(void **state)
{
	(void)state;
	struct trace trace;
	static const struct sink_options options = {.no_args = true};
	begin_with(&trace, "graph", &options);
	trace.synthetic.plan_func[1].has_return = false;
	trace.synthetic.plan_func[2].has_results = false;
	hit(&trace, 0, 18, 100, 3);
	hit(&trace, 3, 18, 200, 3);
	hit(&trace, 1, 18, 100, 4);
	end(&trace, "          G18        main.f0(...) {\n"
		    "          G18          main.f1(...)\n"
		    "   2.4µs  G18        } = 4 // main.f0\n");
}

static void unknown_goroutine(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct trace trace;
		begin(&trace, i ? "lines" : "graph");
		uint64_t words[] = {3};
		trace.printer.context = words;
		for (uint32_t probe = 0; probe < 2; probe++) {
			struct synthetic_record record = synthetic_hit(probe, 0, 0, ++trace.now);
			record.head.flags = WIRE_NO_GOROUTINE;
			synthetic_frame(&record, words, 1);
			assert_null(calls_record(trace.calls, &record.head));
		}
		end(&trace, i ? "> G? main.f0(id=3)\n"
				"< G? main.f0 = 3 (goroutine not known)\n"
			      : "          G?         main.f0(id=3)\n"
				"          G?         main.f0(...) = 3 (goroutine not known)\n");
	}
}

static void colors_do_not_move_columns(void **state)
{
	(void)state;
	struct trace trace;
	static const struct sink_options options = {.look.color = true};
	begin_with(&trace, "graph", &options);
	hit(&trace, 0, 18, 100, 3);
	hit(&trace, 1, 18, 100, 4);
	flush(&trace);
	assert_non_null(strstr(text_string(&trace.out), "\033[1mmain.f0\033[0m(id=3)"));
	assert_int_equal(format_columns(&trace.out, 0),
			 strlen("          G18        main.f0(id=3) = 4\n"));
	text_reset(&trace.out);
	trace.out.data[0] = '\0';
	end(&trace, "");
}

static void hostile_words(void **state)
{
	(void)state;
	struct trace trace;
	begin(&trace, "lines");
	strcpy(trace.synthetic.name[0], "main.\033]0;x\007\n");
	hit(&trace, 0, 18, 100, 1000);
	end(&trace, "> G18 main.\\x1b]0;x\\a\\n(id=\\x1b[2J\\n\\u009b)\n"
		    "< G18 main.\\x1b]0;x\\a\\n detached\n");
}

static void deep_calls_stay_on_the_page(void **state)
{
	(void)state;
	struct trace trace;
	begin(&trace, "graph");
	for (unsigned i = 0; i < 5000; i++)
		hit(&trace, 6, 18, 100 + 16 * i, 0);
	assert_true(trace.out.len < 5000 * 180);
	for (unsigned i = 5000; i-- > 0;)
		hit(&trace, 7, 18, 100 + 16 * i, 0);
	static const char last[] = "G18        } // main.f2\n";
	assert_true(trace.out.len > strlen(last));
	assert_memory_equal(trace.out.data + trace.out.len - strlen(last), last, strlen(last));
	text_reset(&trace.out);
	trace.out.data[0] = '\0';
	end(&trace, "");
}

static void timestamps(void **state)
{
	(void)state;
	static const struct {
		enum sink_timestamps kind;
		const char *expected;
	} rows[] = {
		{TIMESTAMPS_RELATIVE,
		 "   0.000000 > G18 main.f2()\n   0.000001 < G18 main.f2 (1.2µs)\n"},
		{TIMESTAMPS_MONO,
		 "     5.000000000 > G18 main.f2()\n     5.000001200 < G18 main.f2 (1.2µs)\n"},
		{TIMESTAMPS_DELTA,
		 "+  0.000000 > G18 main.f2()\n+  0.000001 < G18 main.f2 (1.2µs)\n"},
		{TIMESTAMPS_WALL,
		 "03:04:05.123456 > G18 main.f2()\n03:04:05.123457 < G18 main.f2 (1.2µs)\n"},
	};
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trace trace;
		struct sink_options options = {.look.timestamps = rows[i].kind,
					       .wall_offset_ns = 1767323040123456789};
		begin_with(&trace, "lines", &options);
		hit(&trace, 6, 18, 100, 0);
		hit(&trace, 7, 18, 100, 0);
		end(&trace, rows[i].expected);
	}
}

static void durations(void **state)
{
	(void)state;
	static const struct {
		uint64_t ns;
		const char *expected;
	} rows[] = {
		{0, "0ns"},
		{850, "850ns"},
		{999, "999ns"},
		{1000, "1.0µs"},
		{3140, "3.1µs"},
		{12345, "12.3µs"},
		{99949, "99.9µs"},
		{99950, "100µs"},
		{999499, "999µs"},
		{999500, "1.0ms"},
		{3400000, "3.4ms"},
		{1250000000, "1.25s"},
		{9994999999, "9.99s"},
		{9995000000, "10.0s"},
		{59949999999, "59.9s"},
		{59950000000, "1m0s"},
		{59999999999, "1m0s"},
		{90000000000, "1m30s"},
		{3600000000000, "1h0m0s"},
		{UINT64_MAX, "5124095h34m34s"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text text;
		text_init(&text);
		format_duration(rows[i].ns, &text);
		assert_string_equal(text_string(&text), rows[i].expected);
		text_deinit(&text);
	}
}

static void summaries(void **state)
{
	(void)state;
	struct text text;
	text_init(&text);
	struct sink_summary summary = {.counts.calls = 100,
				       .counts.returns = 99,
				       .seconds = 1.5,
				       .functions = 3};
	format_summary(NULL, &summary, NULL, &text);
	assert_string_equal(text_string(&text),
			    "3 functions, 100 calls, 99 returns, 0 lost, 1.5 s\n");
	text_reset(&text);
	summary = (struct sink_summary){.counts.calls = 1,
					.counts.returns = 1,
					.lost = 7,
					.counts.orphans = 2,
					.counts.detached = 3,
					.seconds = 61.0,
					.functions = 1};
	format_summary(NULL, &summary, NULL, &text);
	assert_string_equal(text_string(&text),
			    "1 function, 1 call, 1 return, 7 lost, 2 entered before the trace, "
			    "3 still under way, 61 s\n");
	text_reset(&text);
	summary.counts.orphans = 9;
	summary.counts.lost_entries = 4;
	summary.counts.unknown = 3;
	summary.counts.lost_ends = 5;
	format_summary(NULL, &summary, NULL, &text);
	assert_string_equal(text_string(&text),
			    "1 function, 1 call, 1 return, 7 lost, 2 entered before the trace, "
			    "4 without their entry, 3 of unknown goroutines, "
			    "5 without their return, 3 still under way, 61 s\n");
	text_reset(&text);
	sink_json.summary(NULL, &summary, &text, NULL);
	assert_string_equal(
		text_string(&text),
		"{\"event\":\"summary\",\"calls\":1,\"returns\":1,\"lost\":7,\"orphans\":9,"
		"\"lost_ends\":5,\"detached\":3,\"seconds\":61,\"functions\":1}\n");
	text_reset(&text);
	summary = (struct sink_summary){
		.counts.calls = 1, .counts.returns = 1, .skipped = 8, .crowded = 6, .functions = 1};
	format_summary(NULL, &summary, NULL, &text);
	assert_string_equal(
		text_string(&text),
		"1 function, 1 call, 1 return, 0 lost, 8 skipped, 6 without room, 0 s\n");
	text_reset(&text);
	sink_json.summary(NULL, &summary, &text, NULL);
	assert_string_equal(text_string(&text),
			    "{\"event\":\"summary\",\"calls\":1,\"returns\":1,\"lost\":0,"
			    "\"skipped\":8,\"crowded\":6,\"seconds\":0,\"functions\":1}\n");
	static const struct sink_skipped skipped_of[] = {{"main.f", 7}, {"main.g", 1}};
	summary = (struct sink_summary){.skipped = 8,
					.skipped_of = skipped_of,
					.num_skipped_of = 2,
					.uncounted = 3};
	text_reset(&text);
	format_summary(NULL, &summary, NULL, &text);
	assert_string_equal(text_string(&text),
			    "0 functions, 0 calls, 0 returns, 0 lost, 8 skipped, calls of 3 not "
			    "counted for a time, 0 s\n");
	text_reset(&text);
	sink_json.summary(NULL, &summary, &text, NULL);
	assert_string_equal(
		text_string(&text),
		"{\"event\":\"summary\",\"calls\":0,\"returns\":0,\"lost\":0,\"skipped\":8,"
		"\"uncounted\":3,\"skipped_of\":[{\"func\":\"main.f\",\"skipped\":7},"
		"{\"func\":\"main.g\",\"skipped\":1}],\"seconds\":0,\"functions\":0}\n");
	text_reset(&text);
	static const struct sink_options options;
	format_lost(&options, 1, "ring buffer", &text);
	assert_string_equal(text_string(&text), "*** 1 event lost (ring buffer)\n");
	text_deinit(&text);
}

// What is shown comes in place of arguments and results, with its names.
static void shown(void **state)
{
	(void)state;
	struct trace trace;
	const char *const formats[] = {"graph", "lines", "json"};
	const char *const expected[] = {
		("          G18        main.f1(a.b=10, len(a)=10) {\n"
		 "   1.2µs  G18          main.f0(...)\n"
		 "   3.6µs  G18        } = (m[\"k\"]=13) // main.f1\n"),
		("> G18 main.f1(a.b=10, len(a)=10)\n> G18 main.f0(...)\n"
		 "< G18 main.f0 (1.2µs)\n< G18 main.f1 = (m[\"k\"]=13) (3.6µs)\n"),
		"\"show\":{\"a.b\":10,\"len(a)\":10}",
	};
	for (size_t i = 0; i < 3; i++) {
		begin(&trace, formats[i]);
		struct plan_func *funcs[] = {trace.synthetic.plan.funcs[0],
					     trace.synthetic.plan.funcs[1]};
		struct param *params = trace.synthetic.params[1];
		struct param result = {.name = "m", .is_result = true};
		struct expr_path paths[] = {{.text = (char *)"a.b", .param = params},
					    {.text = (char *)"m[\"k\"]", .param = &result},
					    {.text = (char *)"len(a)", .param = params}};
		struct expr_path *list[] = {&paths[0], &paths[1], &paths[2]};
		funcs[0]->show = (struct plan_show){.is_set = true};
		funcs[1]->show = (struct plan_show){.is_set = true, .paths = list, .num = 3};
		hit(&trace, 3, 18, 100, 10);
		hit(&trace, 0, 18, 200, 11);
		hit(&trace, 1, 18, 200, 12);
		hit(&trace, 4, 18, 100, 13);
		if (i == 2) {
			const char *text = text_string(&trace.out);
			assert_non_null(strstr(text, expected[2]));
			assert_non_null(strstr(text, "\"show\":{\"m[\\\"k\\\"]\":13}"));
			assert_null(strstr(text, "args"));
			assert_null(strstr(text, "results"));
		}
		CLEANUP_FREE char *all = strdup(text_string(&trace.out));
		end(&trace, i == 2 ? all : expected[i]);
	}
}

// A line a call, when it ends; a function that does not have what is to be shown has "-".
static void printed(void **state)
{
	(void)state;
	struct trace trace;
	struct template *template = NULL;
	assert_null(
		template_create("{goid:>5}|{func:^9}|{a.b}|{x:<3}|{func:.6}|{r}|{how} {duration}",
				&template));
	memset(&trace, 0, sizeof(trace));
	begin_with(&trace, "print", &(struct sink_options){.look.print = template});
	struct param *params = trace.synthetic.params[1];
	struct param result = {.name = "r", .is_result = true};
	struct expr_path paths[] = {{.text = (char *)"a.b", .param = params},
				    {.text = (char *)"r", .param = &result}};
	struct expr_path *list[] = {&paths[1], &paths[0]};
	trace.synthetic.plan.funcs[0]->show = (struct plan_show){.is_set = true};
	trace.synthetic.plan.funcs[1]->show =
		(struct plan_show){.is_set = true, .paths = list, .num = 2};
	hit(&trace, 3, 18, 100, 10);
	hit(&trace, 0, 18, 200, 11);
	hit(&trace, 1, 18, 200, 12);
	hit(&trace, 4, 18, 100, 13);
	hit(&trace, 4, 20, 100, 14);
	hit(&trace, 3, 18, 300, 15);
	end(&trace, "  G18| main.f0 |-|-  |main.…|-|return 1.2µs\n"
		    "  G18| main.f1 |10|-  |main.…|13|return 3.6µs\n"
		    "  G20| main.f1 |?(the entry was not seen)|-  |main.…|14|return -\n"
		    "  G18| main.f1 |15|-  |main.…|?(detached)|detached -\n");
	template_destroy(template);
}

static void find(void **state)
{
	(void)state;
	assert_ptr_equal(sink_find("graph"), &sink_graph);
	assert_ptr_equal(sink_find("json"), &sink_json);
	assert_null(sink_find("xml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graph),
		cmocka_unit_test(alike_calls_fold),
		cmocka_unit_test(what_calls_around_have_shown),
		cmocka_unit_test(a_screen_has_a_heading),
		cmocka_unit_test(slow_calls),
		cmocka_unit_test(long_names_fit),
		cmocka_unit_test(lines),
		cmocka_unit_test(lines_of_calls),
		cmocka_unit_test(json),
		cmocka_unit_test(json_lost_return),
		cmocka_unit_test(without_arguments),
		cmocka_unit_test(unknown_goroutine),
		cmocka_unit_test(colors_do_not_move_columns),
		cmocka_unit_test(hostile_words),
		cmocka_unit_test(deep_calls_stay_on_the_page),
		cmocka_unit_test(timestamps),
		cmocka_unit_test(durations),
		cmocka_unit_test(summaries),
		cmocka_unit_test(shown),
		cmocka_unit_test(printed),
		cmocka_unit_test(find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
