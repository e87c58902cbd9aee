// SPDX-License-Identifier: GPL-2.0-or-later
// Frames and types of the plan, from types made by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "base/text.h"
#include "tracer/plan/conditions.h"
#include "tracer/plan/internal.h"

static struct gotype type_int = {
	.kind = GO_INT, .size = 8, .name = "int", .full_name = "int", .is_complete = true};
static struct gotype type_string = {.kind = GO_STRING,
				    .size = 16,
				    .name = "string",
				    .full_name = "string",
				    .is_complete = true};
static struct gotype type_float = {.kind = GO_FLOAT64,
				   .size = 8,
				   .name = "float64",
				   .full_name = "float64",
				   .is_complete = true};

// type node struct { id int; name string; next *node }
static struct gotype type_node, type_node_pointer = {.kind = GO_POINTER,
						     .size = 8,
						     .name = "*main.node",
						     .full_name = "*main.node",
						     .elem = &type_node,
						     .is_complete = true};
static struct gofield node_fields[] = {
	{"id", &type_int, 0, false},
	{"name", &type_string, 8, false},
	{"next", &type_node_pointer, 24, false},
};
static struct gotype type_node = {.kind = GO_STRUCT,
				  .size = 32,
				  .name = "main.node",
				  .full_name = "main.node",
				  .fields = node_fields,
				  .num_fields = 3,
				  .is_complete = true};

static int set_up(void **state)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	plan->state = calloc(1, sizeof(*plan->state));
	plan->state->arch = arch_find(EM_X86_64);
	plan->options = (struct plan_options){.capture = {.depth = 2, .strlen = 64, .items = 16}};
	assert_int_equal(plan_new_type(plan, 0, NULL), WIRE_NO_TYPE);
	*state = plan;
	return 0;
}

static int tear_down(void **state)
{
	plan_destroy(*state);
	return 0;
}

static const struct wire_edge *edge_of(const struct plan *plan, uint32_t type, uint32_t i)
{
	assert_true(type < plan->tables.num_types);
	assert_true(i < plan->tables.types[type].num_edges);
	return &plan->tables.edges[plan->tables.types[type].first_edge + i];
}

static struct plan_frame frame_of(struct plan *plan, const struct param *params, size_t num)
{
	struct plan_frame frame;
	assert_null(plan_frame_init(plan, params, num, NULL, WIRE_BLOCK_MAX, &frame));
	return frame;
}

static void test_registers_and_stack(void **state)
{
	struct plan *plan = *state;
	struct abi_piece a = {.where = ABI_INT_REG, .reg = 2, .size = 8};
	struct abi_piece s[] = {{.where = ABI_INT_REG, .reg = 3, .size = 8},
				{.where = ABI_INT_REG, .reg = 4, .offset = 8, .size = 8}};
	struct abi_piece n = {.where = ABI_STACK, .size = 32, .stack_off = 16};
	struct param params[] = {
		{.name = "a", .type = &type_int, .pieces = &a, .num_pieces = 1},
		{.name = "s", .type = &type_string, .pieces = s, .num_pieces = 2},
		{.name = "n", .type = &type_node, .pieces = &n, .num_pieces = 1},
	};
	struct plan_frame frame = frame_of(plan, params, 3);
	assert_int_equal(frame.num_values, 3);
	assert_int_equal(frame.values[1].frame_off, 8);
	assert_int_equal(frame.values[2].frame_off, 24);
	assert_int_equal(frame.size, 56);
	assert_int_equal(frame.num_pieces, 4);
	const struct wire_piece *stack = &plan->tables.pieces[frame.first_piece + 3];
	assert_int_equal(stack->where, WIRE_STACK);
	assert_int_equal(stack->frame_off, 24);
	assert_int_equal(stack->stack_off, 16);
	assert_int_equal(stack->size, 32);
	// string s, string n.name, pointer n.next
	assert_int_equal(plan->tables.types[frame.type].num_edges, 3);
	assert_int_equal(edge_of(plan, frame.type, 0)->kind, WIRE_EDGE_STRING);
	assert_int_equal(edge_of(plan, frame.type, 0)->offset, 8);
	assert_int_equal(edge_of(plan, frame.type, 1)->offset, 32);
	assert_int_equal(edge_of(plan, frame.type, 2)->offset, 48);
	assert_int_equal(edge_of(plan, frame.type, 2)->flags, WIRE_EDGE_STEP);
	plan_frame_deinit(&frame);
}

static void test_a_type_that_leads_to_itself(void **state)
{
	struct plan *plan = *state;
	struct abi_piece p = {.where = ABI_INT_REG, .size = 8};
	struct param param = {.name = "p",
			      .type = &type_node_pointer,
			      .pieces = &p,
			      .num_pieces = 1};
	struct plan_frame frame = frame_of(plan, &param, 1);
	uint32_t node = edge_of(plan, frame.type, 0)->type;
	assert_int_equal(plan->tables.types[node].size, 32);
	assert_int_equal(edge_of(plan, node, 1)->type, node);
	plan_frame_deinit(&frame);
}

static void test_depth_0_follows_no_pointer(void **state)
{
	struct plan *plan = *state;
	plan->options.capture.depth = 0;
	struct abi_piece n = {.where = ABI_STACK, .size = 32};
	struct param param = {.name = "n", .type = &type_node, .pieces = &n, .num_pieces = 1};
	struct plan_frame frame = frame_of(plan, &param, 1);
	assert_int_equal(plan->tables.types[frame.type].num_edges, 1);
	assert_int_equal(edge_of(plan, frame.type, 0)->kind, WIRE_EDGE_STRING);
	plan_frame_deinit(&frame);
}

static void test_errors_cost_no_step_below_the_default_depth(void **state)
{
	struct plan *plan = *state;
	struct gotype reader = {.kind = GO_INTERFACE,
				.size = 16,
				.name = "io.Reader",
				.full_name = "io.Reader",
				.rtype = 0x100,
				.is_complete = true};
	struct gotype error = reader;
	error.name = error.full_name = "error";
	error.rtype = 0x200;
	struct abi_piece words = {.where = ABI_STACK, .size = 16};
	struct param params[] = {
		{.name = "r", .type = &reader, .pieces = &words, .num_pieces = 1},
		{.name = "err", .type = &error, .pieces = &words, .num_pieces = 1},
	};
	for (uint32_t depth = 0; depth <= PLAN_DEPTH; depth++) {
		plan->options.capture.depth = depth;
		struct plan_frame frame = frame_of(plan, params, 2);
		assert_int_equal(edge_of(plan, frame.type, 0)->flags, WIRE_EDGE_STEP);
		assert_int_equal(edge_of(plan, frame.type, 1)->flags,
				 depth < PLAN_DEPTH ? 0 : WIRE_EDGE_STEP);
		// What they hold is learnt from the executable, as far as it is followed.
		assert_int_equal(HASH_COUNT(plan->state->interfaces), depth ? 2 : 1);
		plan_frame_deinit(&frame);
	}
}

static struct gotype word_type(enum gokind kind, uint64_t size, const char *name)
{
	return (struct gotype){
		.kind = kind, .size = size, .name = name, .full_name = name, .is_complete = true};
}

// A line shows only so much: a well-known type's needs are followed, and take no step; of a large
// struct what is short; of a large receiver its address.
static void test_what_a_line_shows(void **state)
{
	struct plan *plan = *state;
	plan->options.capture.is_brief = true;
	plan->options.capture.depth = 1;
	struct gotype func = word_type(GO_FUNC, 8, "func()");
	struct gotype values = word_type(GO_STRUCT, 16, "net/url.URL");
	struct gofield path = {.name = "Path", .type = &type_string};
	values.fields = &path;
	values.num_fields = 1;
	struct gotype url = word_type(GO_POINTER, 8, "*net/url.URL");
	url.elem = &values;
	struct gofield of_request[] = {
		{.name = "Method", .type = &type_string},
		{.name = "URL", .type = &url, .offset = 16},
		{.name = "Cancel", .type = &func, .offset = 24},
		{.name = "Pattern", .type = &type_string, .offset = 32},
	};
	struct gotype request = word_type(GO_STRUCT, 48, "net/http.Request");
	request.fields = of_request;
	request.num_fields = 4;
	struct gotype pointer = word_type(GO_POINTER, 8, "*net/http.Request");
	pointer.elem = &request;
	struct abi_piece word = {.where = ABI_INT_REG, .size = 8};
	struct param param = {.name = "r", .type = &pointer, .pieces = &word, .num_pieces = 1};
	struct plan_frame frame = frame_of(plan, &param, 1);
	uint32_t id = edge_of(plan, frame.type, 0)->type;
	assert_int_equal(plan->tables.types[id].num_edges, 2);
	assert_int_equal(edge_of(plan, id, 0)->kind, WIRE_EDGE_STRING);
	assert_int_equal(edge_of(plan, id, 1)->offset, 16);
	assert_int_equal(edge_of(plan, id, 1)->flags, 0); // it is two pointers away
	assert_int_equal(plan->tables.types[edge_of(plan, id, 1)->type].num_edges, 1);
	plan_frame_deinit(&frame);

	struct gotype large = word_type(GO_STRUCT, 104, "ex.am/app.Large"), map = func;
	map.kind = GO_MAP;
	struct gofield of_large[] = {
		{.name = "name", .type = &type_string},
		{.name = "done", .type = &func, .offset = 16},
		{.name = "request", .type = &pointer, .offset = 24},
		{.name = "all", .type = &map, .offset = 32},
	};
	large.fields = of_large;
	large.num_fields = 4;
	struct gotype of = word_type(GO_POINTER, 8, "*ex.am/app.Large");
	of.elem = &large;
	param.type = &of;
	frame = frame_of(plan, &param, 1);
	id = edge_of(plan, frame.type, 0)->type;
	assert_int_equal(plan->tables.types[id].num_edges, 2);
	assert_int_equal(edge_of(plan, id, 0)->kind, WIRE_EDGE_STRING);
	assert_int_equal(edge_of(plan, id, 1)->offset, 32); // the map's length
	assert_int_equal(plan->tables.types[edge_of(plan, id, 1)->type].num_edges, 0);
	plan_frame_deinit(&frame);

	static const struct {
		const char *name;
		bool is_receiver;
	} funcs[] = {
		{"ex.am/app.(*Large).Run", true},	 {"ex.am/app.Run", false},
		{"ex.am/app.(*Large).Run.func1", false}, {"ex.am/app.(*Larger).Run", false},
		{"ex.am/other.(*Large).Run", false},	 {"ex.am/app.Large.Run", false},
	};
	for (size_t i = 0; i < sizeof(funcs) / sizeof(*funcs); i++) {
		struct func made = {.name = (char *)funcs[i].name};
		plan->state->framed = &made;
		frame = frame_of(plan, &param, 1);
		assert_int_equal(frame.type == WIRE_NO_TYPE, funcs[i].is_receiver);
		plan_frame_deinit(&frame);
	}
	plan->state->framed = NULL;
}

static void test_floats_in_registers_are_holes(void **state)
{
	struct plan *plan = *state;
	struct abi_piece f = {.where = ABI_FLOAT_REG, .reg = 3, .size = 8};
	struct param param = {.name = "f", .type = &type_float, .pieces = &f, .num_pieces = 1};
	struct plan_frame frame = frame_of(plan, &param, 1);
	assert_int_equal(frame.num_holes, 1);
	assert_string_equal(frame.holes[0].reason, "float in XMM3");
	assert_true(frame.holes[0].is_float);
	plan_frame_deinit(&frame);
}

static void test_unknown_places_take_no_room(void **state)
{
	struct plan *plan = *state;
	struct param params[] = {
		{.name = "d", .is_hidden = true},
		{.name = "u", .type = &type_node, .unknown = "why"},
	};
	struct plan_frame frame = frame_of(plan, params, 2);
	assert_int_equal(frame.num_values, 1);
	assert_int_equal(frame.values[0].frame_bytes, 0);
	assert_int_equal(frame.size, 0);
	assert_int_equal(frame.type, WIRE_NO_TYPE);
	plan_frame_deinit(&frame);
}

static void test_a_large_value_is_found_by_its_address(void **state)
{
	struct plan *plan = *state;
	struct gotype array = {.kind = GO_ARRAY,
			       .size = 32000,
			       .len = 1000,
			       .name = "[1000]main.node",
			       .full_name = "[1000]main.node",
			       .elem = &type_node,
			       .is_complete = true};
	struct abi_piece big = {.where = ABI_STACK, .size = 32000, .stack_off = 40};
	struct param params[8];
	for (size_t i = 0; i < 8; i++)
		params[i] = (struct param){.name = "b",
					   .type = &array,
					   .pieces = &big,
					   .num_pieces = 1};
	struct plan_frame frame = frame_of(plan, params, 8);
	assert_int_equal(frame.size, 8 * 8);
	for (uint32_t i = 0; i < 8; i++) {
		const struct wire_piece *piece = &plan->tables.pieces[frame.first_piece + i];
		assert_int_equal(piece->where, WIRE_STACK_ADDR);
		assert_int_equal(piece->stack_off, 40);
		assert_true(frame.values[i].is_address);
		const struct wire_edge *edge = edge_of(plan, frame.type, i);
		assert_int_equal(edge->kind, WIRE_EDGE_POINTER);
		assert_int_equal(edge->flags, 0);
		assert_int_equal(plan->tables.types[edge->type].size, 16 * 32);
		assert_int_equal(plan->tables.types[edge->type].num_edges, 16 * 2);
	}
	plan_frame_deinit(&frame);

	// Those that fit are whole.
	array = (struct gotype){.kind = GO_ARRAY,
				.size = 2560,
				.len = 80,
				.name = "[80]main.node",
				.full_name = "[80]main.node",
				.elem = &type_node,
				.is_complete = true};
	big.size = 2560;
	struct abi_piece word = {.where = ABI_INT_REG, .size = 8};
	params[1] =
		(struct param){.name = "n", .type = &type_int, .pieces = &word, .num_pieces = 1};
	frame = frame_of(plan, params, 2);
	assert_int_equal(frame.values[0].frame_bytes, 2560);
	assert_false(frame.values[0].is_address);
	assert_int_equal(frame.values[1].frame_bytes, 8);
	plan_frame_deinit(&frame);
	params[2] = params[0];
	frame = frame_of(plan, params, 3);
	assert_int_equal(frame.values[0].frame_bytes, 2560);
	assert_int_equal(frame.values[1].frame_bytes, 8);
	assert_true(frame.values[2].is_address);
	plan_frame_deinit(&frame);
	assert_null(plan_frame_init(plan, params, 3, NULL, 1024, &frame));
	assert_int_equal(frame.size, 24);
	plan_frame_deinit(&frame);
	// A value in several pieces has no address.
	struct abi_piece pieces[] = {{.where = ABI_STACK, .size = 1280},
				     {.where = ABI_STACK, .size = 1280, .offset = 1280}};
	params[0].pieces = pieces;
	params[0].num_pieces = 2;
	assert_null(plan_frame_init(plan, params, 1, NULL, 1024, &frame));
	assert_false(frame.values[0].is_address);
	plan_frame_deinit(&frame);
}

// The parts of struct { head int; body [BODY]byte; name string; in struct { pad [300]node }; end *node }
// and of a slice of it.
static void test_a_large_type_has_parts(void **state)
{
	struct plan *plan = *state;
	enum { BODY = 8192, IN = 300 * 32, SIZE = 8 + BODY + 16 + IN + 8 };
	struct gotype byte = {.kind = GO_UINT8,
			      .size = 1,
			      .name = "uint8",
			      .full_name = "uint8",
			      .is_complete = true};
	struct gotype body = {.kind = GO_ARRAY,
			      .size = BODY,
			      .len = BODY,
			      .name = "[8192]uint8",
			      .full_name = "[8192]uint8",
			      .elem = &byte,
			      .is_complete = true};
	struct gotype nodes = {.kind = GO_ARRAY,
			       .size = IN,
			       .len = 300,
			       .name = "[300]main.node",
			       .full_name = "[300]main.node",
			       .elem = &type_node,
			       .is_complete = true};
	struct gofield fields[] = {
		{"head", &type_int, 0, false},
		{"body", &body, 8, false},
		{"name", &type_string, 8 + BODY, false},
		{"in", &nodes, 8 + BODY + 16, false},
		{"end", &type_node_pointer, SIZE - 8, false},
	};
	struct gotype type = {.kind = GO_STRUCT,
			      .size = SIZE,
			      .name = "main.wide",
			      .full_name = "main.wide",
			      .fields = fields,
			      .num_fields = 5,
			      .is_complete = true};
	uint32_t id = plan_type(plan, &type, 2);
	const struct wire_type *types = plan->tables.types;
	assert_int_equal(types[id].size, 24);
	assert_int_equal(types[id].stride, SIZE);
	assert_int_equal(types[id].num_edges, 2);
	const struct wire_edge *middle = edge_of(plan, id, 0), *end = edge_of(plan, id, 1);
	assert_int_equal(middle->kind, WIRE_EDGE_PART);
	assert_int_equal(middle->first, 8 + BODY);
	assert_int_equal(types[middle->type].size, 16 + 16 * 32);
	assert_int_equal(types[middle->type].stride, 1);
	assert_int_equal(types[middle->type].num_edges, 1 + 16 * 2);
	assert_int_equal(edge_of(plan, middle->type, 0)->offset, 0);
	assert_int_equal(edge_of(plan, middle->type, 1)->offset, 16 + 8);
	assert_int_equal(end->first, SIZE - 8);
	assert_int_equal(types[end->type].size, 8);
	assert_int_equal(edge_of(plan, end->type, 0)->kind, WIRE_EDGE_POINTER);

	struct gotype slice = {.kind = GO_SLICE,
			       .size = 24,
			       .name = "[]main.wide",
			       .full_name = "[]main.wide",
			       .elem = &type,
			       .is_complete = true};
	struct plan_edges edges = {0};
	plan_type_edges(plan, &slice, 0, &(struct plan_part){0, 24}, 2, &edges);
	assert_int_equal(edges.num, 16);
	for (uint32_t i = 0; i < 16; i++) {
		assert_int_equal(edges.edge[i].first, i);
		assert_int_equal(edges.edge[i].cap, 1);
		assert_int_equal(edges.edge[i].type, id);
	}
	free(edges.edge);

	// If all elements are shown, blocks are full, until a record has no room for more.
	plan->options.capture.items = 1 << 16;
	byte.size = 8;
	body.size = (uint64_t)BODY * 8;
	id = plan_type(plan, &body, 2);
	types = plan->tables.types;
	assert_int_equal(types[id].size, WIRE_BLOCK_MAX);
	assert_int_equal(types[id].num_edges, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(edge_of(plan, id, i)->first, (i + 1) * WIRE_BLOCK_MAX);
		assert_int_equal(types[edge_of(plan, id, i)->type].size, WIRE_BLOCK_MAX);
	}
}

// A type that lies about itself ends.
static void test_hostile_types_are_bounded(void **state)
{
	struct plan *plan = *state;
	struct gotype type;
	struct gofield fields[64];
	for (size_t i = 0; i < 64; i++)
		fields[i] = (struct gofield){"f", &type, i % 3 ? 0 : UINT64_MAX - i * 100, false};
	type = (struct gotype){.kind = GO_STRUCT,
			       .size = 1 << 20,
			       .name = "main.lie",
			       .full_name = "main.lie",
			       .fields = fields,
			       .num_fields = 64,
			       .is_complete = true};
	uint32_t id = plan_type(plan, &type, 2);
	assert_true(plan->tables.types[id].size <= WIRE_BLOCK_MAX);
	struct gotype array = {.kind = GO_ARRAY,
			       .size = UINT64_MAX,
			       .len = UINT64_MAX,
			       .name = "[1]main.lie",
			       .full_name = "[1]main.lie",
			       .elem = &type,
			       .is_complete = true};
	for (int i = 0; i < 3; i++) {
		type.size = i == 0 ? 1 : i == 1 ? 600 : UINT64_MAX - 7;
		id = plan_type(plan, &array, 2);
		assert_true(plan->tables.types[id].size <= WIRE_BLOCK_MAX);
		array.name = "again";
	}
}

static void test_slices_and_their_elements(void **state)
{
	struct plan *plan = *state;
	struct gotype slice = {.kind = GO_SLICE,
			       .size = 24,
			       .name = "[]main.node",
			       .full_name = "[]main.node",
			       .elem = &type_node,
			       .is_complete = true};
	struct abi_piece words[] = {{.size = 8},
				    {.reg = 1, .offset = 8, .size = 8},
				    {.reg = 2, .offset = 16, .size = 8}};
	struct param param = {.name = "s", .type = &slice, .pieces = words, .num_pieces = 3};
	struct plan_frame frame = frame_of(plan, &param, 1);
	const struct wire_edge *edge = edge_of(plan, frame.type, 0);
	assert_int_equal(edge->kind, WIRE_EDGE_SLICE);
	assert_int_equal(edge->cap, 16);
	assert_int_equal(edge->flags, 0);
	assert_int_equal(plan->tables.types[edge->type].size, 32);
	assert_int_equal(plan->tables.types[edge->type].num_edges, 2);
	plan_frame_deinit(&frame);
}

static void test_map_of_both_layouts(void **state)
{
	struct plan *plan = *state;
	struct gotype map = {.kind = GO_MAP,
			     .size = 8,
			     .name = "map[string]int",
			     .full_name = "map[string]int",
			     .key = &type_string,
			     .elem = &type_int,
			     .is_complete = true,
			     .map = {.layout = GOMAP_SWISS,
				     .bucket_size = 200,
				     .keys_off = 8,
				     .key_stride = 24,
				     .elems_off = 24,
				     .elem_stride = 24}};
	struct abi_piece word = {.size = 8};
	struct param param = {.name = "m", .type = &map, .pieces = &word, .num_pieces = 1};
	struct plan_frame frame = frame_of(plan, &param, 1);
	const struct wire_edge *edge = edge_of(plan, frame.type, 0);
	assert_int_equal(edge->kind, WIRE_EDGE_POINTER);
	assert_int_equal(edge->flags, 0);
	const struct wire_edge *directory = edge_of(plan, edge->type, 0);
	assert_int_equal(directory->kind, WIRE_EDGE_TABLES);
	assert_int_equal(directory->cap, plan->options.capture.items);
	assert_int_equal(plan->tables.types[directory->type].num_edges, 8);
	assert_int_equal(edge_of(plan, directory->type, 7)->offset, 8 + 7 * 24);
	plan_frame_deinit(&frame);

	struct gotype old = map;
	old.map = (struct gomap){.layout = GOMAP_BUCKETS,
				 .bucket_size = 208,
				 .keys_off = 8,
				 .key_stride = 16,
				 .elems_off = 136,
				 .elem_stride = 8,
				 .overflow_off = 200};
	param.type = &old;
	frame = frame_of(plan, &param, 1);
	uint32_t header = edge_of(plan, frame.type, 0)->type;
	assert_int_equal(edge_of(plan, header, 0)->kind, WIRE_EDGE_BUCKETS);
	assert_int_equal(edge_of(plan, header, 1)->kind, WIRE_EDGE_OLD_BUCKETS);
	uint32_t bucket = edge_of(plan, header, 0)->type;
	assert_int_equal(plan->tables.types[bucket].num_edges, 9);
	assert_int_equal(edge_of(plan, bucket, 8)->type, bucket);
	plan_frame_deinit(&frame);
}

static void test_no_room_for_dynamic_types(void **state)
{
	struct plan *plan = *state;
	plan->num_dynamics = PLAN_DYNAMICS_MAX;
	assert_false(plan_learn(plan, 0x1000));
	assert_true(plan->is_full);
	plan->num_dynamics = 0;
	plan->is_full = false;
	plan->state->learnt_types = PLAN_LEARNT_TYPES;
	assert_false(plan_learn(plan, 0x1000));
	assert_true(plan->is_full);
}

static void test_refusals(void **state)
{
	struct plan *plan = *state;
	static const struct func funcs[] = {{.name = "main.a"},
					    {.name = "main.b"},
					    {.name = "main.c"},
					    {.name = "main.d"}};
	for (size_t i = 0; i < 6; i++) // each once
		assert_null(plan_refuse(plan, &funcs[i % 3], "no room"));
	assert_null(plan_leave_out(plan, &funcs[3], "there is no 'n'"));
	assert_null(plan_leave_out(plan, &funcs[0], "there is no 'n'"));
	assert_int_equal(plan->num_refusals, 4);
	struct text text;
	text_init(&text);
	assert_int_equal(plan_write_refusals(plan, true, 5, &text), 1);
	assert_string_equal(text_string(&text), "main.d (there is no 'n')");
	text_reset(&text);
	assert_int_equal(plan_write_refusals(plan, false, 5, &text), 3);
	assert_string_equal(text_string(&text),
			    "main.a (no room), main.b (no room) and main.c (no room)");
	text_reset(&text);
	assert_int_equal(plan_write_refusals(plan, false, 1, &text), 3);
	assert_string_equal(text_string(&text), "main.a (no room) and 2 more");
	text_deinit(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void test_an_excluding_pattern_has_no_condition(void **state)
{
	(void)state;
	char *patterns[] = {"!main.f if n > 3"};
	struct plan_request request = {.patterns = patterns, .num_patterns = 1};
	struct plan_conditions conditions;
	struct error *err = plan_conditions_init(&conditions, NULL, &request);
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "'main.f if !(n > 3)'"));
	error_free(err);
	char *regexp[] = {"!/main.f if n/"};
	request.patterns = regexp;
	assert_null(plan_conditions_init(&conditions, NULL, &request));
	assert_int_equal(conditions.num, 0);
	assert_string_equal(conditions.patterns[0], regexp[0]);
	plan_conditions_deinit(&conditions);
}

// --- What is shown -------------------------------------------------------------------------------

// Of node: p.next.name and p.next.next.id, of a node in registers or on the stack.
static void test_only_what_is_shown_is_captured(void **state)
{
	struct plan *plan = *state;
	plan->options.capture.depth = 0;
	struct abi_piece pieces[] = {{.where = ABI_INT_REG, .reg = 1, .size = 8}};
	struct param params[] = {
		{.name = "ctx", .type = &type_int, .pieces = pieces, .num_pieces = 1},
		{.name = "p", .type = &type_node_pointer, .pieces = pieces, .num_pieces = 1}};
	struct expr_step deref = {EXPR_STEP_DEREF, &type_node_pointer, &type_node, 0, NULL, 0};
	struct expr_step next = {EXPR_STEP_FIELD, &type_node, &type_node_pointer, 24,
				 (char *)"f",	  1};
	struct expr_step name = {EXPR_STEP_FIELD, &type_node, &type_string, 8, (char *)"f", 1};
	struct expr_step id = {EXPR_STEP_FIELD, &type_node, &type_int, 0, (char *)"f", 1};
	struct expr_step first[] = {deref, next, deref, name};
	struct expr_step second[] = {deref, next, deref, next, deref, id};
	struct expr_path one = {.param = &params[1], .steps = first, .num_steps = 4};
	struct expr_path two = {.param = &params[1], .steps = second, .num_steps = 6};
	struct expr_path *paths[] = {&one, &two};
	const struct plan_show show = {.is_set = true, .paths = paths, .num = 2};
	struct plan_frame frame;
	assert_null(plan_frame_shown(plan, params, 2, &show, WIRE_BLOCK_MAX, &frame));
	assert_int_equal(frame.num_values, 1);
	assert_ptr_equal(frame.values[0].param, &params[1]);
	assert_int_equal(frame.size, 8);
	assert_int_equal(frame.num_pieces, 1);
	// p -> [24, 32) of a node -> [8, 32) of a node -> [0, 8) of a node
	const struct wire_type *types = plan->tables.types;
	const struct wire_edge *edge = edge_of(plan, frame.type, 0);
	assert_int_equal(edge->kind, WIRE_EDGE_POINTER);
	assert_int_equal(edge->flags, 0); // no step of depth
	assert_int_equal(edge->first, 24);
	assert_int_equal(types[edge->type].size, 8);
	assert_int_equal(types[edge->type].stride, 1);
	assert_int_equal(types[edge->type].num_edges, 1);
	edge = edge_of(plan, edge->type, 0);
	assert_int_equal(edge->first, 8);
	assert_int_equal(types[edge->type].size, 24);
	assert_int_equal(types[edge->type].num_edges, 2);
	assert_int_equal(edge_of(plan, edge->type, 0)->kind, WIRE_EDGE_STRING);
	assert_int_equal(edge_of(plan, edge->type, 1)->offset, 16);
	edge = edge_of(plan, edge->type, 1);
	assert_int_equal(edge->first, 0);
	assert_int_equal(types[edge->type].size, 8);
	assert_int_equal(types[edge->type].num_edges, 0);
	plan_frame_deinit(&frame);
}

// Elements by their index, and parts of a value that is on the stack.
static void test_shown_elements_and_parts_of_values(void **state)
{
	struct plan *plan = *state;
	struct gotype slice = {.kind = GO_SLICE,
			       .size = 24,
			       .name = "[]main.node",
			       .full_name = "[]main.node",
			       .elem = &type_node,
			       .is_complete = true};
	struct gotype array = {.kind = GO_ARRAY,
			       .size = 100 * 32,
			       .len = 100,
			       .name = "[100]main.node",
			       .full_name = "[100]main.node",
			       .elem = &type_node,
			       .is_complete = true};
	struct abi_piece stack = {.where = ABI_STACK, .size = 100 * 32, .stack_off = 8};
	struct abi_piece regs[] = {{.where = ABI_INT_REG, .reg = 0, .size = 8},
				   {.where = ABI_INT_REG, .reg = 1, .offset = 8, .size = 8},
				   {.where = ABI_INT_REG, .reg = 2, .offset = 16, .size = 8}};
	struct param params[] = {
		{.name = "a", .type = &array, .pieces = &stack, .num_pieces = 1},
		{.name = "s", .type = &slice, .pieces = regs, .num_pieces = 3},
	};
	struct expr_step name = {EXPR_STEP_FIELD, &type_node, &type_string, 8, (char *)"f", 1};
	struct expr_step in_array = {EXPR_STEP_ELEMENT, &array, &type_node, 70, NULL, 0};
	struct expr_step in_slice = {EXPR_STEP_ELEMENT, &slice, &type_node, 5, NULL, 0};
	struct expr_step length = {EXPR_STEP_LEN, &type_string, NULL, 0, NULL, 0};
	struct expr_step byte = {EXPR_STEP_ELEMENT, &type_string, NULL, 9, NULL, 0};
	struct expr_step first[] = {in_array, name}, second[] = {in_slice, name, byte},
			 third[] = {in_slice, name, length};
	struct expr_path one = {.param = &params[0], .steps = first, .num_steps = 2};
	struct expr_path two = {.param = &params[1], .steps = second, .num_steps = 3};
	struct expr_path three = {.param = &params[1], .steps = third, .num_steps = 3};
	struct expr_path *paths[] = {&two, &one, &three};
	const struct plan_show show = {.is_set = true, .paths = paths, .num = 3};
	struct plan_frame frame;
	assert_null(plan_frame_shown(plan, params, 2, &show, WIRE_BLOCK_MAX, &frame));
	assert_int_equal(frame.num_values, 2);
	assert_int_equal(frame.values[0].start, 70 * 32 + 8);
	assert_int_equal(frame.values[0].frame_bytes, 16);
	assert_int_equal(frame.values[1].frame_off, 16);
	assert_int_equal(frame.size, 16 + 24);
	const struct wire_piece *piece = &plan->tables.pieces[frame.first_piece];
	assert_int_equal(piece->where, WIRE_STACK);
	assert_int_equal(piece->stack_off, 8 + 70 * 32 + 8);
	assert_int_equal(piece->size, 16);
	assert_int_equal(edge_of(plan, frame.type, 0)->kind, WIRE_EDGE_STRING);
	assert_int_equal(edge_of(plan, frame.type, 0)->offset, 0);
	const struct wire_edge *edge = edge_of(plan, frame.type, 1);
	assert_int_equal(edge->kind, WIRE_EDGE_SLICE);
	assert_int_equal(edge->offset, 16);
	assert_int_equal(edge->first, 5);
	assert_int_equal(edge->cap, 1);
	assert_int_equal(plan->tables.types[edge->type].size, 24);
	assert_int_equal(plan->tables.types[edge->type].stride, 32);
	edge = edge_of(plan, edge->type, 0);
	assert_int_equal(edge->kind, WIRE_EDGE_STRING);
	assert_int_equal(edge->offset, 8);
	assert_int_equal(edge->first, 9);
	assert_int_equal(plan->tables.types[edge->type].stride, 1);
	plan_frame_deinit(&frame);
}

// A map in a map in a map: each has one type, not one for each slot of the one around it.
static void test_shown_keys_of_maps(void **state)
{
	struct plan *plan = *state;
	struct gotype maps[4];
	struct expr_step steps[4];
	for (size_t i = 0; i < 4; i++) {
		maps[i] = (struct gotype){
			.kind = GO_MAP,
			.size = 8,
			.name = "map",
			.full_name = "map",
			.key = &type_string,
			.elem = i ? &maps[i - 1] : &type_int,
			.map = {.layout = GOMAP_SWISS,
				.bucket_size = 8 + 8 * 24,
				.keys_off = 8,
				.key_stride = 24,
				.elems_off = 24,
				.elem_stride = 24},
			.is_complete = true,
		};
		steps[3 - i] = (struct expr_step){EXPR_STEP_KEY,    &maps[i], maps[i].elem, 0,
						  (char *)"abcdef", i + 1};
	}
	struct abi_piece reg = {.where = ABI_INT_REG, .size = 8};
	struct param param = {.name = "m", .type = &maps[3], .pieces = &reg, .num_pieces = 1};
	struct expr_path path = {.param = &param, .steps = steps, .num_steps = 4};
	struct expr_path *paths[] = {&path};
	const struct plan_show show = {.is_set = true, .paths = paths, .num = 1};
	struct plan_frame frame;
	uint32_t before = plan->tables.num_types;
	assert_null(plan_frame_shown(plan, &param, 1, &show, WIRE_BLOCK_MAX, &frame));
	assert_int_equal(plan->tables.num_types - before, 1 + 2 * 4);
	const struct wire_edge *edge = edge_of(plan, frame.type, 0);
	edge = edge_of(plan, edge->type, 0);
	assert_int_equal(edge->kind, WIRE_EDGE_TABLES);
	assert_int_equal(edge->cap, 16);
	assert_int_equal(plan->tables.types[edge->type].num_edges, 8 * 2);
	assert_int_equal(edge_of(plan, edge->type, 0)->kind, WIRE_EDGE_STRING);
	assert_int_equal(edge_of(plan, edge->type, 0)->cap, 4);
	plan_frame_deinit(&frame);
}

static void test_secrets_are_not_captured(void **state)
{
	struct plan *plan = *state;
	struct redact_options defaults = {0};
	assert_null(redact_create(&defaults, &plan->redact));
	struct abi_piece reg = {.where = ABI_INT_REG, .size = 8};
	struct param param = {.name = "p",
			      .type = &type_node_pointer,
			      .pieces = &reg,
			      .num_pieces = 1};
	struct expr_step steps[] = {{EXPR_STEP_DEREF, &type_node_pointer, &type_node, 0, NULL, 0},
				    {EXPR_STEP_FIELD, &type_node, &type_string, 8,
				     (char *)"password", 8}};
	struct expr_path path = {.param = &param, .steps = steps, .num_steps = 2};
	struct expr_path *paths[] = {&path};
	const struct plan_show show = {.is_set = true, .paths = paths, .num = 1};
	struct plan_frame frame;
	assert_null(plan_frame_shown(plan, &param, 1, &show, WIRE_BLOCK_MAX, &frame));
	assert_int_equal(frame.num_values, 0);
	assert_int_equal(frame.num_pieces, 0);
	plan_frame_deinit(&frame);
	steps[1].text = (char *)"name";
	assert_null(plan_frame_shown(plan, &param, 1, &show, WIRE_BLOCK_MAX, &frame));
	assert_int_equal(frame.num_values, 1);
	plan_frame_deinit(&frame);
}

static void test_clauses_of_patterns(void **state)
{
	(void)state;
	const char *pattern = "main.F[go.shape.struct { show int }] show m[\" if \"], b if n > 3";
	assert_string_equal(plan_find_clause(pattern), " show m[\" if \"], b if n > 3");
	assert_null(plan_find_clause("main.(*T).show"));
	assert_null(plan_find_clause("/x if y/"));
	assert_string_equal(plan_find_clause("main.f if show == 3"), " if show == 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_excluding_pattern_has_no_condition),
		TEST(test_registers_and_stack),
		TEST(test_a_type_that_leads_to_itself),
		TEST(test_depth_0_follows_no_pointer),
		TEST(test_errors_cost_no_step_below_the_default_depth),
		TEST(test_what_a_line_shows),
		TEST(test_floats_in_registers_are_holes),
		TEST(test_unknown_places_take_no_room),
		TEST(test_a_large_value_is_found_by_its_address),
		TEST(test_a_large_type_has_parts),
		TEST(test_hostile_types_are_bounded),
		TEST(test_only_what_is_shown_is_captured),
		TEST(test_shown_elements_and_parts_of_values),
		TEST(test_shown_keys_of_maps),
		TEST(test_secrets_are_not_captured),
		TEST(test_clauses_of_patterns),
		TEST(test_slices_and_their_elements),
		TEST(test_map_of_both_layouts),
		TEST(test_refusals),
		TEST(test_no_room_for_dynamic_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
