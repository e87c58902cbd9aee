// SPDX-License-Identifier: GPL-2.0-or-later
// What a path leads to over captured memory, and what is written where it leads to nothing.
#include "tests/unit/value_fixture.h"
#include "tracer/plan/expr/expr.h"

enum { P = 0xc000, Q = 0xd000, TEXT = 0xe000, GROUP = 0xf000 };

struct types {
	struct gotype *integer, *string, *node, *pointer, *slice, *map, *any;
};

// type node struct { id int; name string; next *node; list []string; m map[string]int; v any }
static struct types make_types(struct fixture *f)
{
	struct types t = {.integer = basic(f, GO_INT), .string = basic(f, GO_STRING)};
	t.node = structure(f, "main.node");
	t.pointer = pointer_to(f, "*main.node", t.node);
	t.slice = slice_of(f, "[]string", t.string);
	t.slice->size = 24;
	t.string->size = t.string->size ? t.string->size : 16;
	t.any = interface(f, "interface {}", true);
	t.any->size = 16;
	t.map = leading(f, GO_MAP, "map[string]int", t.integer);
	t.map->size = 8;
	t.map->key = t.string;
	t.map->map = (struct gomap){.layout = GOMAP_SWISS,
				    .bucket_size = 8 + 8 * 24,
				    .keys_off = 8,
				    .key_stride = 24,
				    .elems_off = 24,
				    .elem_stride = 24};
	field(t.node, "id", t.integer);
	field(t.node, "name", t.string);
	field(t.node, "next", t.pointer);
	field(t.node, "list", t.slice);
	field(t.node, "m", t.map);
	field(t.node, "v", t.any);
	return t;
}

static struct expr_step deref(const struct types *t)
{
	return (struct expr_step){.kind = EXPR_STEP_DEREF, .from = t->pointer, .to = t->node};
}

static struct expr_step step_to(const struct types *t, unsigned number)
{
	const struct gofield *field = &t->node->fields[number];
	return (struct expr_step){.kind = EXPR_STEP_FIELD,
				  .from = t->node,
				  .to = field->type,
				  .number = field->offset,
				  .text = (char *)field->name};
}

// The frame has one word, p, or the part of it from start on.
static void expect_path(struct fixture *f, struct gotype *type, struct expr_step *steps, size_t num,
			const char *text, const char *json)
{
	struct param param = {.name = "p", .type = type};
	struct plan_value value = {.param = &param, .frame_bytes = 8};
	f->frame.values = &value;
	f->frame.num_values = 1;
	const struct expr_path path = {.param = &param, .steps = steps, .num_steps = num};
	memory_fill(f->memory, fixture_record(f), &f->frame);
	struct value_tree tree = {0};
	value_path_add(&f->printer, &f->frame, &path, &tree);
	value_tree_fit(&tree, VALUE_WIDTH_ALL);
	text_reset(&f->out);
	assert_true(value_tree_write(&tree, 0, NULL, &f->out));
	assert_string_equal(text_string(&f->out), text);
	value_tree_deinit(&tree);
	text_reset(&f->out);
	f->printer.used = 0;
	value_path_json(&f->printer, &f->frame, &path, &f->out);
	assert_string_equal(text_string(&f->out), json);
	f->frame.num_values = 0;
}

#define STEPS(...) (struct expr_step[]){__VA_ARGS__}, NUM(((struct expr_step[]){__VA_ARGS__}))

static void follows_pointers(void **state)
{
	struct fixture *f = *state;
	struct types t = make_types(f);
	struct expr_step go = deref(&t), id = step_to(&t, 0), name = step_to(&t, 1),
			 next = step_to(&t, 2);
	f->printer.depth = 0; // following a path takes none
	frame(f, WORDS(P));
	block(f, P + next.number, WORDS(Q));
	block(f, Q, WORDS(7, TEXT, 5));
	block(f, TEXT, STRING("hello"));
	expect_path(f, t.pointer, STEPS(go, next, go, id), "7", "7");
	expect_path(f, t.pointer, STEPS(go, next, go, name), "\"hello\"", "\"hello\"");
	// What was not captured is said to be so, wherever that is.
	expect_path(f, t.pointer, STEPS(go, id), "?(not captured)",
		    "{\"unavailable\":\"not captured\"}");
	expect_path(f, t.pointer, STEPS(go, next, go, next, go, id), "?(not captured)",
		    "{\"unavailable\":\"not captured\"}");
	frame(f, WORDS(P));
	block(f, P + next.number, WORDS(0));
	expect_path(f, t.pointer, STEPS(go, next, go, id), "?(nil p.next)",
		    "{\"unavailable\":\"nil p.next\"}");
	frame(f, WORDS(0));
	expect_path(f, t.pointer, STEPS(go, next, go, id), "?(nil p)",
		    "{\"unavailable\":\"nil p\"}");
	frame(f, WORDS(16));
	expect_path(f, t.pointer, STEPS(go, id), "?(unreadable 0x10)",
		    "{\"unavailable\":\"unreadable 0x10\"}");
}

static void finds_elements_and_lengths(void **state)
{
	struct fixture *f = *state;
	struct types t = make_types(f);
	struct expr_step go = deref(&t), name = step_to(&t, 1), list = step_to(&t, 3);
	struct expr_step second = {.kind = EXPR_STEP_ELEMENT,
				   .from = t.slice,
				   .to = t.string,
				   .number = 1};
	struct expr_step byte = {.kind = EXPR_STEP_ELEMENT, .from = t.string, .number = 4};
	struct expr_step length = {.kind = EXPR_STEP_LEN, .from = t.slice};
	frame(f, WORDS(P));
	block(f, P + name.number, WORDS(TEXT, 5, 0, Q, 2, 2));
	block(f, Q + 16, WORDS(TEXT, 3));
	block(f, TEXT, STRING("hello"));
	expect_path(f, t.pointer, STEPS(go, list, second), "\"hel\"", "\"hel\"");
	expect_path(f, t.pointer, STEPS(go, list, length), "2", "2");
	expect_path(f, t.pointer, STEPS(go, name, byte), "111", "111");
	second.number = 2;
	expect_path(f, t.pointer, STEPS(go, list, second), "?(index 2 of 2 elements)",
		    "{\"unavailable\":\"index 2 of 2 elements\"}");
	second.number = 0;
	expect_path(f, t.pointer, STEPS(go, list, second), "?(not captured)",
		    "{\"unavailable\":\"not captured\"}");
	frame(f, WORDS(P));
	block(f, P + list.number, WORDS(Q, (uint64_t)-1, 2));
	expect_path(f, t.pointer, STEPS(go, list, length), "?(length -1)",
		    "{\"unavailable\":\"length -1\"}");
	expect_path(f, t.pointer, STEPS(go, list, second), "?(length -1)",
		    "{\"unavailable\":\"length -1\"}");
}

static void finds_keys(void **state)
{
	struct fixture *f = *state;
	struct types t = make_types(f);
	struct expr_step go = deref(&t), m = step_to(&t, 4);
	struct expr_step key = {.kind = EXPR_STEP_KEY,
				.from = t.map,
				.to = t.integer,
				.text = (char *)"ab",
				.len = 2};
	uint64_t group[1 + 8 * 3] = {0x8080808080801111};
	group[1] = TEXT;
	group[2] = 2;
	group[3] = 11;
	group[4] = TEXT + 1;
	group[5] = 2;
	group[6] = 22;
	frame(f, WORDS(P));
	block(f, P + m.number, WORDS(Q));
	block(f, Q, WORDS(2, 0, GROUP, 0, 0, 0));
	block(f, GROUP, group, sizeof(group));
	block(f, TEXT, STRING("abc"));
	expect_path(f, t.pointer, STEPS(go, m, key), "11", "11");
	key.text = (char *)"bc";
	expect_path(f, t.pointer, STEPS(go, m, key), "22", "22");
	// All entries were captured, so that the map does not have the key.
	key.text = (char *)"xy";
	expect_path(f, t.pointer, STEPS(go, m, key), "?(no key \"xy\")",
		    "{\"unavailable\":\"no key \\\"xy\\\"\"}");
	frame(f, WORDS(P));
	block(f, P + m.number, WORDS(Q));
	block(f, Q, WORDS(20, 0, GROUP, 0, 0, 0));
	block(f, GROUP, group, sizeof(group));
	block(f, TEXT, STRING("abc"));
	expect_path(f, t.pointer, STEPS(go, m, key), "?(not among the 2 entries captured)",
		    "{\"unavailable\":\"not among the 2 entries captured\"}");
	// A key's bytes are missing.
	frame(f, WORDS(P));
	block(f, P + m.number, WORDS(Q));
	block(f, Q, WORDS(2, 0, GROUP, 0, 0, 0));
	block(f, GROUP, group, sizeof(group));
	expect_path(f, t.pointer, STEPS(go, m, key), "?(not among the 2 entries captured)",
		    "{\"unavailable\":\"not among the 2 entries captured\"}");
	frame(f, WORDS(P));
	block(f, P + m.number, WORDS(0));
	expect_path(f, t.pointer, STEPS(go, m, key), "?(no key \"xy\")",
		    "{\"unavailable\":\"no key \\\"xy\\\"\"}");
}

static void looks_into_interfaces(void **state)
{
	struct fixture *f = *state;
	struct types t = make_types(f);
	struct expr_step go = deref(&t), v = step_to(&t, 5), id = step_to(&t, 0);
	struct expr_step held = {.kind = EXPR_STEP_HELD,
				 .from = t.any,
				 .to = t.node,
				 .number = RTYPES_VADDR};
	struct expr_step is = {.kind = EXPR_STEP_TYPE, .from = t.any, .number = RTYPES_VADDR};
	f->index.rtypes[0] = t.pointer;
	f->index.rtypes[1] = t.integer;
	frame(f, WORDS(P));
	block(f, P + v.number, WORDS(RTYPE_ADDR(0), Q));
	block(f, Q, WORDS(7));
	expect_path(f, t.pointer, STEPS(go, v, held, id), "7", "7");
	expect_path(f, t.pointer, STEPS(go, v, is), "true", "true");
	frame(f, WORDS(P));
	block(f, P + v.number, WORDS(RTYPE_ADDR(1), Q));
	block(f, Q, WORDS(7));
	expect_path(f, t.pointer, STEPS(go, v, held, id), "?(it holds int)",
		    "{\"unavailable\":\"it holds int\"}");
	expect_path(f, t.pointer, STEPS(go, v, is), "false", "false");
	frame(f, WORDS(P));
	block(f, P + v.number, WORDS(RTYPE_ADDR(0), 0));
	expect_path(f, t.pointer, STEPS(go, v, held, id), "?(nil *main.node)",
		    "{\"unavailable\":\"nil *main.node\"}");
	frame(f, WORDS(P));
	block(f, P + v.number, WORDS(0, 0));
	expect_path(f, t.pointer, STEPS(go, v, held, id), "?(nil p.v)",
		    "{\"unavailable\":\"nil p.v\"}");
}

// Of a parameter in the frame, only a part may be there.
static void finds_parts_of_parameters(void **state)
{
	struct fixture *f = *state;
	struct types t = make_types(f);
	struct param param = {.name = "n", .type = t.node};
	struct expr_step id = step_to(&t, 0), name = step_to(&t, 1);
	struct plan_value value = {.param = &param,
				   .start = (uint32_t)name.number,
				   .frame_bytes = 16};
	f->frame.values = &value;
	f->frame.num_values = 1;
	frame(f, WORDS(TEXT, 5));
	block(f, TEXT, STRING("hello"));
	memory_fill(f->memory, fixture_record(f), &f->frame);
	struct expr_path path = {.param = &param, .steps = &name, .num_steps = 1};
	value_path_json(&f->printer, &f->frame, &path, &f->out);
	text_putc(&f->out, ' ');
	path.steps = &id;
	value_path_json(&f->printer, &f->frame, &path, &f->out);
	assert_string_equal(text_string(&f->out), "\"hello\" {\"unavailable\":\"not captured\"}");
	f->frame.num_values = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(follows_pointers),	     TEST(finds_elements_and_lengths), TEST(finds_keys),
		TEST(looks_into_interfaces), TEST(finds_parts_of_parameters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
