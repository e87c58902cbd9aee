// SPDX-License-Identifier: GPL-2.0-or-later
// The capture engine over a memory of the test's own: real addresses, of which the test says what can be read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/backend/hit.h"

enum { REGIONS_MAX = 32, TABLE_MAX = 64 };

struct region {
	uint64_t addr;
	size_t len;
};

struct world { // one test's tables, memory and registers
	struct wire_probe probes[4];
	struct wire_piece pieces[TABLE_MAX];
	struct wire_type types[TABLE_MAX];
	struct wire_edge edges[TABLE_MAX];
	struct tables tables;
	struct wire_state state;
	struct wire_settings settings;
	struct region regions[REGIONS_MAX];
	size_t num_regions, num_reads;
	uint64_t known_rtype;
	uint32_t known_type;
	uint64_t g[24]; // runtime.g: stack.lo, stack.hi, goid in word 20
	uint64_t stack[16];
	struct cpu_regs regs;
	struct hit_maker *maker;
};

static const uint64_t UNREADABLE = 0x123456789000; // no region is there

static bool read_region(void *context, void *dst, size_t len, uint64_t addr)
{
	struct world *world = context;
	world->num_reads++;
	for (size_t i = 0; i < world->num_regions; i++) {
		const struct region *region = &world->regions[i];
		if (addr >= region->addr && addr + len <= region->addr + region->len) {
			memcpy(dst, (const void *)(uintptr_t)addr, len);
			return true;
		}
	}
	return false;
}

static uint32_t find_dynamic(void *context, uint64_t rtype)
{
	struct world *world = context;
	return rtype == world->known_rtype ? world->known_type : 0;
}

static uint64_t readable(struct world *world, const void *data, size_t len)
{
	assert_true(world->num_regions < REGIONS_MAX);
	world->regions[world->num_regions++] = (struct region){(uintptr_t)data, len};
	return (uintptr_t)data;
}

static void add_piece(struct world *world, struct wire_piece piece)
{
	world->pieces[world->tables.plan.num_pieces++] = piece;
	world->probes[0].num_pieces++;
	if (piece.frame_off + piece.size > world->probes[0].frame_size)
		world->probes[0].frame_size = piece.frame_off + piece.size;
	world->types[1].size = world->probes[0].frame_size;
}

// A word of the frame, from the next register.
static void add_word(struct world *world, uint64_t value)
{
	uint8_t reg = (uint8_t)world->probes[0].num_pieces;
	world->regs.ints[reg] = value;
	add_piece(world, (struct wire_piece){.frame_off = reg * 8, .size = 8, .reg = reg});
}

// The frame is type 1; others are made by the test. Edges of a type are added one after the other.
static uint32_t add_type(struct world *world, uint32_t size)
{
	world->types[world->tables.plan.num_types] =
		(struct wire_type){.size = size, .stride = size};
	return world->tables.plan.num_types++;
}

static void add_edge(struct world *world, uint32_t type, struct wire_edge edge)
{
	struct wire_type *to = &world->types[type];
	if (!to->num_edges)
		to->first_edge = world->tables.plan.num_edges;
	assert_int_equal(to->first_edge + to->num_edges, world->tables.plan.num_edges);
	world->edges[world->tables.plan.num_edges++] = edge;
	to->num_edges++;
}

static int set_up(void **state)
{
	struct world *world = test_calloc(1, sizeof(*world));
	world->tables.state = &world->state;
	world->tables.plan = (struct plan_tables){.probes = world->probes,
						  .pieces = world->pieces,
						  .types = world->types,
						  .edges = world->edges,
						  .num_probes = 1,
						  .num_types = 2};
	world->probes[0].frame_type = 1;
	world->settings = (struct wire_settings){
		.depth = 2,
		.g_goid = 160,
		.g_stack_lo = 0,
		.g_stack_hi = 8,
		.tls_g = -8,
		.record_max = WIRE_RECORD_MAX,
		.has_goid = 1,
	};
	world->g[0] = (uintptr_t)world->stack;
	world->g[1] = (uintptr_t)(world->stack + 16);
	world->g[20] = 42;
	world->regs.g = readable(world, world->g, sizeof(world->g));
	readable(world, world->stack, sizeof(world->stack));
	world->regs.sp = (uintptr_t)(world->stack + 4);
	struct hit_source source = {
		.tables = &world->tables,
		.target = 3,
		.settings = &world->settings,
		.read = read_region,
		.dynamic = find_dynamic,
		.context = world,
	};
	assert_null(hit_maker_create(&source, &world->maker));
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	hit_maker_destroy(world->maker);
	test_free(world);
	return 0;
}

static const struct wire_block *next_block(const struct wire_record *record,
					   const struct wire_block *block)
{
	const char *end = (const char *)record + record->size;
	const char *next = block ? (const char *)(block + 1) + (block->len + 7) / 8 * 8
				 : (const char *)(record + 1);
	return next < end ? (const struct wire_block *)next : NULL;
}

// The record of a hit of probe 0, whose blocks fill its size exactly and are padded with zeros.
static const struct wire_record *hit(struct world *world)
{
	const struct wire_record *record = hit_record(world->maker, 0, 7, 1000, &world->regs);
	assert_non_null(record);
	assert_int_equal(record->size % 8, 0);
	uint32_t num = 0;
	size_t bytes = sizeof(*record);
	for (const struct wire_block *block = next_block(record, NULL); block;
	     block = next_block(record, block)) {
		const char *data = (const char *)(block + 1);
		for (size_t i = block->len; i % 8; i++)
			assert_int_equal(data[i], 0);
		bytes += sizeof(*block) + (block->len + 7u) / 8 * 8;
		num++;
	}
	assert_int_equal(bytes, record->size);
	assert_int_equal(num, record->num_blocks);
	return record;
}

static const struct wire_block *block_at(const struct wire_record *record, size_t number)
{
	const struct wire_block *block = next_block(record, NULL);
	while (block && number--)
		block = next_block(record, block);
	assert_non_null(block);
	return block;
}

static void assert_block(const struct wire_record *record, size_t number, const void *addr,
			 uint32_t type, const void *data, size_t len, unsigned int depth)
{
	const struct wire_block *block = block_at(record, number);
	assert_int_equal(block->addr, (uintptr_t)addr);
	assert_int_equal(block->type, type);
	assert_int_equal(block->len, len);
	assert_int_equal(block->depth, depth);
	assert_int_equal(block->flags, 0);
	assert_memory_equal(block + 1, data, len);
}

static void assert_fault(const struct wire_record *record, size_t number, uint64_t addr)
{
	const struct wire_block *block = block_at(record, number);
	assert_int_equal(block->addr, addr);
	assert_int_equal(block->len, 0);
	assert_int_equal(block->flags, WIRE_BLOCK_FAULT);
}

// --- Header and frame --------------------------------------------------------------------------

static void a_probe_without_pieces_has_no_blocks(void **state)
{
	struct world *world = *state;
	const struct wire_record *record = hit(world);
	assert_int_equal(record->size, sizeof(*record));
	assert_int_equal(record->probe, 0);
	assert_int_equal(record->tid, 7);
	assert_int_equal(record->target, 3);
	assert_int_equal(record->kind, WIRE_RECORD_HIT);
	assert_int_equal(record->time_ns, 1000);
	assert_int_equal(record->flags, 0);
	assert_int_equal(record->goid, 42);
	assert_int_equal(record->distance, 12 * 8);
}

// g0 and gsignal of a thread: what is on one of the two says nothing of the other.
static void stacks_of_goid_0_are_told_apart(void **state)
{
	struct world *world = *state;
	world->g[20] = 0;
	const struct wire_record *record = hit(world);
	uint64_t distance = record->distance, key = wire_stack_key(0, distance, 7);
	assert_int_equal(distance & 0xffffffff, 12 * 8);
	assert_true(key & WIRE_STACK_THREAD);
	assert_int_equal(key << 1 >> 49, 0);
	world->regs.sp += 8;
	record = hit(world);
	assert_int_equal(distance - record->distance, 8);
	assert_true(wire_stack_key(0, record->distance, 7) == key);
	assert_true(wire_stack_key(0, record->distance, 8) != key);
	world->g[1] += 32768;
	record = hit(world);
	assert_int_equal(record->goid, 0);
	assert_true(wire_stack_key(0, record->distance, 7) != key);
	assert_true(wire_stack_key(42, record->distance, 7) == 42);
}

static void a_goroutine_that_is_not_plausible_is_not_told(void **state)
{
	struct world *world = *state;
	const uint64_t bad[] = {0, 8, UNREADABLE, 0xffff800000000000};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cpu_regs regs = world->regs;
		regs.g = bad[i];
		const struct wire_record *record = hit_record(world->maker, 0, 7, 1, &regs);
		assert_int_equal(record->flags, WIRE_NO_GOROUTINE);
		assert_int_equal(record->goid, 0);
		assert_int_equal(record->distance, 0);
	}
	world->regs.sp = world->g[0]; // below its stack
	assert_int_equal(hit(world)->flags, WIRE_NO_GOROUTINE);
	world->regs.sp = world->g[1] + 8;
	assert_int_equal(hit(world)->flags, WIRE_NO_GOROUTINE);
	world->regs.sp = world->g[1];
	assert_int_equal(hit(world)->flags, 0);
	world->settings.has_goid = 0;
	assert_int_equal(hit(world)->flags, WIRE_NO_GOROUTINE);
}

static void g_can_stand_in_thread_local_storage(void **state)
{
	struct world *world = *state;
	uint64_t tls[2] = {world->regs.g, 0};
	readable(world, tls, sizeof(tls));
	world->regs.g = 0;
	world->regs.tls = (uintptr_t)&tls[1];
	world->probes[0].flags = WIRE_G_IN_TLS;
	assert_int_equal(hit(world)->goid, 42);
	world->regs.tls = UNREADABLE;
	assert_int_equal(hit(world)->flags, WIRE_NO_GOROUTINE);
}

static void the_goroutine_id_can_stand_anywhere_in_g(void **state)
{
	struct world *world = *state;
	uint64_t g[64] = {world->g[0], world->g[1], [40] = 7};
	world->regs.g = readable(world, g, sizeof(g));
	world->settings.g_goid = 40 * 8;
	assert_int_equal(hit(world)->goid, 7);
	g[1] = world->g[1];
	g[2] = world->g[0];
	g[3] = world->g[1];
	world->settings.g_stack_lo = 16;
	world->settings.g_stack_hi = 24;
	world->settings.g_goid = 0;
	g[0] = 9;
	assert_int_equal(hit(world)->goid, 9);
	world->settings.g_goid = 4096;
	assert_int_equal(hit(world)->flags, WIRE_NO_GOROUTINE);
}

static void hits_that_are_not_wanted_are_ignored(void **state)
{
	struct world *world = *state;
	enum { CF = 1, PF = 4, ZF = 0x40 };
	world->regs.flags = CF | ZF | PF;
	assert_non_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	world->probes[0].flags = WIRE_SKIP_TAKEN;
	assert_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	world->regs.flags = CF;
	assert_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	world->regs.flags = ZF;
	assert_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	assert_int_equal(world->num_reads, 1); // the first hit's
	world->regs.flags = PF;
	assert_non_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	world->probes[0].flags = WIRE_DISABLED;
	assert_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	assert_null(hit_record(world->maker, 1, 7, 1, &world->regs));
}

static void other_goroutines_are_left_out(void **state)
{
	struct world *world = *state;
	uint64_t *only_goid = &world->state.only_goid;
	*only_goid = 42;
	struct hit_source source = {
		.tables = &world->tables,
		.settings = &world->settings,
		.read = read_region,
		.context = world,
	};
	hit_maker_destroy(world->maker);
	assert_null(hit_maker_create(&source, &world->maker));
	assert_non_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	world->g[20] = 43;
	assert_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	*only_goid = 43; // while it is traced
	assert_non_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	*only_goid = 0;
	assert_non_null(hit_record(world->maker, 0, 7, 1, &world->regs));
	*only_goid = 42;
	world->regs.g = 0;
	assert_null(hit_record(world->maker, 0, 7, 1, &world->regs));
}

static void registers_fill_a_frame(void **state)
{
	struct world *world = *state;
	for (size_t i = 0; i < 10; i++)
		world->regs.ints[i] = 0x1111111111111111 * (i + 1);
	static const uint16_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8};
	for (uint16_t i = 0; i < 8; i++)
		add_piece(world, (struct wire_piece){.frame_off = i * 8,
						     .size = sizes[i],
						     .reg = (uint8_t)(i + 2)});
	// A byte beside one that another piece filled.
	add_piece(world, (struct wire_piece){.frame_off = 1, .size = 1, .reg = 0});
	add_piece(world, (struct wire_piece){.frame_off = 75, .size = 2, .reg = 1});
	const struct wire_block *frame = block_at(hit(world), 0);
	assert_int_equal(frame->flags, WIRE_BLOCK_FRAME);
	assert_int_equal(frame->addr, 0);
	assert_int_equal(frame->type, 1);
	assert_int_equal(frame->len, 77);
	uint8_t expected[77] = {0};
	for (size_t i = 0; i < 8; i++)
		memset(expected + i * 8, (int)(0x11 * (i + 3)), sizes[i]);
	expected[1] = 0x11;
	memset(expected + 75, 0x22, 2);
	assert_memory_equal(frame + 1, expected, sizeof(expected));
}

static void the_stack_fills_a_frame(void **state)
{
	struct world *world = *state;
	for (size_t i = 0; i < 16; i++)
		world->stack[i] = i;
	world->regs.ints[0] = 99;
	add_piece(world, (struct wire_piece){.frame_off = 0, .size = 8, .reg = 0});
	add_piece(world, (struct wire_piece){.frame_off = 16, .size = 24, .where = WIRE_STACK});
	add_piece(world, (struct wire_piece){
				 .frame_off = 40, .size = 8, .where = WIRE_STACK, .stack_off = 32});
	add_piece(world, (struct wire_piece){.frame_off = 48, .size = 8, .where = WIRE_FLOAT_REG});
	const struct wire_record *record = hit(world);
	const uint64_t expected[] = {99, 0, 5, 6, 7, 9, 0};
	assert_memory_equal(block_at(record, 0) + 1, expected, sizeof(expected));
	assert_int_equal(record->flags, 0);
	// A frame that cannot be had whole is not had at all.
	world->pieces[2].stack_off = 8 * 32;
	record = hit(world);
	assert_int_equal(block_at(record, 0)->flags, WIRE_BLOCK_FRAME | WIRE_BLOCK_FAULT);
	assert_int_equal(block_at(record, 0)->len, 0);
}

static void a_frame_does_not_show_the_one_before(void **state)
{
	struct world *world = *state;
	add_word(world, ~0ull);
	add_word(world, ~0ull);
	hit(world);
	world->probes[0].num_pieces = 1;
	const uint64_t expected[] = {~0ull, 0};
	assert_memory_equal(block_at(hit(world), 0) + 1, expected, sizeof(expected));
}

// --- Edges -------------------------------------------------------------------------------------

struct node {
	uint64_t value;
	struct node *next;
};

static uint32_t add_node_type(struct world *world)
{
	uint32_t type = add_type(world, sizeof(struct node));
	add_edge(world, type,
		 (struct wire_edge){.offset = offsetof(struct node, next),
				    .flags = WIRE_EDGE_STEP,
				    .type = type});
	return type;
}

static void pointers_are_followed_to_the_depth(void **state)
{
	struct world *world = *state;
	struct node nodes[4] = {{1, &nodes[1]}, {2, &nodes[2]}, {3, &nodes[3]}, {4, NULL}};
	readable(world, nodes, sizeof(nodes));
	uint32_t type = add_node_type(world);
	add_edge(world, 1, (struct wire_edge){.flags = WIRE_EDGE_STEP, .type = type});
	add_word(world, (uintptr_t)nodes);
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 3);
	assert_block(record, 1, &nodes[0], type, &nodes[0], sizeof(*nodes), 1);
	assert_block(record, 2, &nodes[1], type, &nodes[1], sizeof(*nodes), 2);
	assert_int_equal(record->flags, 0);
	world->settings.depth = 0;
	assert_int_equal(hit(world)->num_blocks, 1);
	world->settings.depth = 9;
	assert_int_equal(hit(world)->num_blocks, 5);
}

static void a_cycle_ends(void **state)
{
	struct world *world = *state;
	struct node nodes[2] = {{1, &nodes[1]}, {2, &nodes[0]}};
	readable(world, nodes, sizeof(nodes));
	uint32_t type = add_node_type(world);
	world->edges[0].flags = 0; // no step: the depth does not end it
	add_edge(world, 1, (struct wire_edge){.type = type});
	add_word(world, (uintptr_t)nodes);
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 3);
	assert_int_equal(record->flags, 0);
}

static void a_nil_pointer_is_no_block(void **state)
{
	struct world *world = *state;
	uint32_t type = add_type(world, 8);
	add_edge(world, 1, (struct wire_edge){.type = type});
	add_word(world, 0);
	assert_int_equal(hit(world)->num_blocks, 1);
}

static void strings_are_cut(void **state)
{
	struct world *world = *state;
	static const char text[] = "hello, world";
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_STRING, .cap = 5});
	add_word(world, readable(world, text, sizeof(text)));
	add_word(world, 12);
	assert_block(hit(world), 1, text, 0, "hello", 5, 0);
	world->regs.ints[1] = 3;
	assert_block(hit(world), 1, text, 0, "hel", 3, 0);
	world->regs.ints[1] = 1ull << 60;
	assert_block(hit(world), 1, text, 0, "hello", 5, 0);
	world->regs.ints[1] = 0;
	assert_int_equal(hit(world)->num_blocks, 1);
	world->regs.ints[0] = 0;
	assert_int_equal(hit(world)->num_blocks, 1);
	world->regs.ints[1] = 3; // a damaged header
	assert_int_equal(hit(world)->num_blocks, 1);
}

struct go_string {
	const char *data;
	uint64_t len;
};

static void every_element_of_a_slice_is_followed(void **state)
{
	struct world *world = *state;
	static const char letters[] = "abcdef";
	struct go_string strings[4] = {{letters, 1}, {letters + 1, 2}, {NULL, 0}, {letters + 3, 3}};
	readable(world, letters, sizeof(letters));
	readable(world, strings, sizeof(strings));
	uint32_t type = add_type(world, sizeof(*strings));
	add_edge(world, type, (struct wire_edge){.kind = WIRE_EDGE_STRING, .cap = 64});
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_SLICE, .cap = 16, .type = type});
	add_word(world, (uintptr_t)strings);
	add_word(world, 4);
	add_word(world, 4);
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 5);
	assert_block(record, 1, strings, type, strings, sizeof(strings), 0);
	assert_block(record, 2, letters, 0, "a", 1, 0);
	assert_block(record, 3, letters + 1, 0, "bc", 2, 0);
	assert_block(record, 4, letters + 3, 0, "def", 3, 0);
	world->edges[1].cap = 1;
	assert_int_equal(hit(world)->num_blocks, 3);
	world->edges[1].cap = 16;
	world->regs.ints[1] = 1ull << 60; // sixteen strings are not there to be read
	assert_fault(hit(world), 1, (uintptr_t)strings);
}

static void a_slice_is_copied_block_by_block(void **state)
{
	struct world *world = *state;
	static char data[3 * WIRE_BLOCK_MAX];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i / 7);
	uint32_t type = add_type(world, 100);
	struct wire_edge edge = {.kind = WIRE_EDGE_SLICE, .cap = 40, .type = type};
	add_edge(world, 1, edge);
	edge.first = 40;
	add_edge(world, 1, edge);
	edge.first = 80;
	add_edge(world, 1, edge);
	add_word(world, readable(world, data, sizeof(data)));
	add_word(world, 50);
	add_word(world, 100);
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 3);
	assert_block(record, 1, data, type, data, 4000, 0);
	assert_block(record, 2, data + 4000, type, data + 4000, 1000, 0);
	// Of large elements, one a block, and only its beginning.
	world->types[type].stride = 5000;
	world->edges[0].cap = world->edges[1].cap = 1;
	world->edges[1].first = 1;
	record = hit(world);
	assert_block(record, 1, data, type, data, 100, 0);
	assert_block(record, 2, data + 5000, type, data + 5000, 100, 0);
	world->types[type].size = WIRE_BLOCK_MAX + 8; // no block has room for it
	assert_int_equal(hit(world)->num_blocks, 1);
	world->types[type].size = 0;
	assert_int_equal(hit(world)->num_blocks, 1);
}

static void a_large_value_is_copied_in_parts(void **state)
{
	struct world *world = *state;
	static char data[3][6000];
	memset(data[1], 'b', sizeof(data[1]));
	data[1][5000] = 'p';
	uint32_t part = add_type(world, 16), type = add_type(world, 24);
	world->types[part].stride = 1;
	add_edge(world, type,
		 (struct wire_edge){.kind = WIRE_EDGE_PART, .type = part, .first = 5000});
	add_edge(world, 1, (struct wire_edge){.type = type, .first = 1});
	world->types[type].stride = sizeof(*data);
	add_word(world, readable(world, data, sizeof(data)));
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 3);
	assert_block(record, 1, data[1], type, data[1], 24, 0);
	assert_block(record, 2, data[1] + 5000, part, data[1] + 5000, 16, 0);
	world->edges[0].type = type; // parts of parts: the record ends them
	world->edges[0].first = 0;
	assert_int_equal(hit(world)->num_blocks, 2);
	world->edges[0].first = 1;
	world->types[type].stride = 8;
	record = hit(world);
	assert_true(record->size <= WIRE_RECORD_MAX);
	assert_true(record->flags & WIRE_CUTS);
}

static void the_frame_has_the_address_of_a_large_value(void **state)
{
	struct world *world = *state;
	uint32_t type = add_type(world, 16);
	for (size_t i = 0; i < 16; i++)
		world->stack[i] = i;
	add_piece(world, (struct wire_piece){.size = 8, .where = WIRE_STACK_ADDR, .stack_off = 16});
	add_edge(world, 1, (struct wire_edge){.type = type});
	const struct wire_record *record = hit(world);
	uint64_t addr = (uintptr_t)&world->stack[7];
	assert_int_equal(record->num_blocks, 2);
	assert_memory_equal(block_at(record, 0) + 1, &addr, sizeof(addr));
	assert_block(record, 1, &world->stack[7], type, &world->stack[7], 16, 0);
}

static void interfaces_show_their_type(void **state)
{
	struct world *world = *state;
	uint64_t itab[4] = {1, 0x550000}, value[2] = {7, 8};
	uint32_t type = add_type(world, sizeof(value));
	world->known_rtype = 0x550000;
	world->known_type = type;
	readable(world, itab, sizeof(itab));
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_IFACE, .flags = WIRE_EDGE_STEP});
	add_word(world, (uintptr_t)itab);
	add_word(world, readable(world, value, sizeof(value)));
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 3);
	assert_block(record, 1, &itab[1], 0, &itab[1], 8, 0);
	assert_block(record, 2, value, type, value, sizeof(value), 1);
	// One that is not followed, or not known, still tells its type.
	world->settings.depth = 0;
	assert_int_equal(hit(world)->num_blocks, 2);
	world->settings.depth = 1;
	world->known_rtype = 1;
	assert_int_equal(hit(world)->num_blocks, 2);
	world->known_rtype = 0x550000;
	world->regs.ints[0] = 0;
	assert_int_equal(hit(world)->num_blocks, 1);
	world->regs.ints[0] = 16; // no itab
	assert_fault(hit(world), 1, 24);
}

static void two_interfaces_share_an_itab(void **state)
{
	struct world *world = *state;
	uint64_t itab[2] = {1, 0x550000}, values[2] = {7, 8};
	world->known_rtype = 0x550000;
	world->known_type = add_type(world, 8);
	readable(world, itab, sizeof(itab));
	readable(world, values, sizeof(values));
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_IFACE});
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_IFACE, .offset = 16});
	add_word(world, (uintptr_t)itab);
	add_word(world, (uintptr_t)&values[0]);
	add_word(world, (uintptr_t)itab);
	add_word(world, (uintptr_t)&values[1]);
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 4);
	assert_block(record, 3, &values[1], world->known_type, &values[1], 8, 0);
}

static void empty_interfaces_hold_the_type_itself(void **state)
{
	struct world *world = *state;
	uint64_t value = 7;
	world->known_rtype = 0x550000;
	world->known_type = add_type(world, 8);
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_EFACE, .flags = WIRE_EDGE_STEP});
	add_word(world, 0x550000);
	add_word(world, readable(world, &value, sizeof(value)));
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 2);
	assert_block(record, 1, &value, world->known_type, &value, 8, 1);
	world->regs.ints[1] = 0;
	assert_int_equal(hit(world)->num_blocks, 1);
}

struct descriptor { // the head of internal/abi.Type, and a pointer's element
	uint64_t size, pointer_bytes;
	uint8_t hash[4], flags, align, field_align, kind;
	uint64_t equal, data, name;
	const void *elem;
};

enum { KIND_MAP = 21, KIND_POINTER = 22, KIND_STRING = 24, KIND_STRUCT = 25 };

static void what_a_type_not_seen_yet_tells_is_copied(void **state)
{
	struct world *world = *state;
	static const char text[] = "hello";
	struct go_string string = {text, 5};
	static uint64_t large[100];
	struct descriptor elem = {.size = 16, .kind = KIND_STRUCT}, type = {.size = 24};
	readable(world, text, sizeof(text));
	readable(world, &string, sizeof(string));
	readable(world, &elem, sizeof(elem));
	uint32_t header = add_type(world, sizeof(string));
	add_edge(world, header, (struct wire_edge){.kind = WIRE_EDGE_STRING, .cap = 64});
	world->settings.string_type = header;
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_EFACE, .flags = WIRE_EDGE_STEP});
	add_word(world, readable(world, &type, sizeof(type)));
	add_word(world, readable(world, large, sizeof(large)));
	type.kind = KIND_STRUCT | 32; // with a flag of older releases
	assert_block(hit(world), 1, large, 0, large, 24, 1);
	assert_int_equal(hit(world)->flags, WIRE_UNSEEN);
	type.size = sizeof(large);
	assert_block(hit(world), 1, large, 0, large, 512, 1);
	type = (struct descriptor){.size = 8, .pointer_bytes = 8, .kind = KIND_POINTER};
	type.elem = &elem;
	assert_block(hit(world), 1, large, 0, large, 16, 1);
	type.elem = (const void *)8;
	assert_int_equal(hit(world)->num_blocks, 1);
	type.kind = KIND_MAP;
	assert_int_equal(hit(world)->num_blocks, 1);
	type = (struct descriptor){.size = 16, .kind = KIND_STRING};
	world->regs.ints[1] = (uintptr_t)&string;
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 3);
	assert_block(record, 1, &string, header, &string, sizeof(string), 1);
	assert_block(record, 2, text, 0, text, 5, 1);
	world->settings.depth = 0;
	assert_int_equal(hit(world)->num_blocks, 1);
	assert_int_equal(hit(world)->flags, WIRE_UNSEEN);
	world->settings.depth = 2;
	world->regs.ints[0] = UNREADABLE;
	assert_int_equal(hit(world)->num_blocks, 1);
}

// --- Maps --------------------------------------------------------------------------------------

static void buckets_of_a_map(void **state)
{
	struct world *world = *state;
	struct {
		uint64_t count;
		uint8_t flags, log2;
		uint16_t noverflow;
		uint32_t hash0;
		const uint64_t *buckets, *old_buckets;
	} map = {.log2 = 2};
	// Two words a bucket: top hashes, of which those from 5 on are entries, and the rest.
	uint64_t buckets[8] = {0, 2, 0x0505, 4, 1, 6, 9, 8}, old[8] = {2, 9, 0x05, 12};
	map.buckets = buckets;
	map.count = 3;
	readable(world, buckets, sizeof(buckets));
	readable(world, old, sizeof(old));
	uint32_t bucket = add_type(world, 16), header = add_type(world, sizeof(map));
	struct wire_edge edge = {.kind = WIRE_EDGE_BUCKETS, .cap = 8, .type = bucket};
	add_edge(world, header, edge);
	edge.kind = WIRE_EDGE_OLD_BUCKETS;
	add_edge(world, header, edge);
	add_edge(world, 1, (struct wire_edge){.type = header});
	add_word(world, readable(world, &map, sizeof(map)));
	// The first is empty; the third is too, but something may be chained to it.
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 5);
	assert_block(record, 2, buckets + 2, bucket, buckets + 2, 16, 0);
	assert_block(record, 3, buckets + 4, bucket, buckets + 4, 16, 0);
	assert_block(record, 4, buckets + 6, bucket, buckets + 6, 16, 0);
	map.old_buckets = old;
	record = hit(world);
	assert_int_equal(record->num_blocks, 6);
	assert_block(record, 5, old + 2, bucket, old + 2, 16, 0); // the first was evacuated
	old[2] = 0;
	old[6] = 5;
	assert_int_equal(hit(world)->num_blocks, 5);
	map.flags = 8; // grows to the same size
	assert_block(hit(world), 5, old + 6, bucket, old + 6, 16, 0);
	world->edges[0].cap = 2; // as many entries as are wanted, and no more
	map.old_buckets = NULL;
	assert_int_equal(hit(world)->num_blocks, 3);
	world->edges[0].cap = 8;
	map.log2 = 255; // damaged: all entries are found before that matters
	record = hit(world);
	assert_int_equal(record->num_blocks, 5);
	assert_false(record->flags & WIRE_CUTS);
	map.count = 0;
	assert_int_equal(hit(world)->num_blocks, 2);
}

static void untouched_pages_of_a_map_are_passed_over(void **state)
{
	struct world *world = *state;
	static uint64_t buckets[4][512] __attribute__((aligned(4096)));
	struct {
		uint64_t count, log2;
		const void *buckets, *old;
	} map = {2, 11 << 8, buckets, NULL};
	buckets[0][1] = buckets[3][7] = 5;
	readable(world, buckets[0], sizeof(buckets[0]));
	readable(world, buckets[3], sizeof(buckets[3]));
	uint32_t bucket = add_type(world, 8), header = add_type(world, sizeof(map));
	add_edge(world, header,
		 (struct wire_edge){.kind = WIRE_EDGE_BUCKETS, .cap = 8, .type = bucket});
	add_edge(world, 1, (struct wire_edge){.type = header});
	add_word(world, readable(world, &map, sizeof(map)));
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 4);
	assert_block(record, 3, &buckets[3][7], bucket, &buckets[3][7], 8, 0);
	assert_false(record->flags & WIRE_CUTS);
}

static void groups_of_a_map(void **state)
{
	struct world *world = *state;
	static const uint64_t empty = 0x8080808080808080;
	uint64_t groups[6][9] = {{empty},
				 {empty & ~0x8080ull},
				 {empty},
				 {empty & ~(0x80ull << 56)}};
	groups[4][0] = groups[5][0] = empty & ~0x80ull;
	struct {
		uint64_t sizes, index;
		const void *groups;
		uint64_t mask;
	} tables[3] = {{3, 0, groups, 3}, {0, 1, groups + 4, 0}, {1, 2, groups + 5, 0}};
	const void *directory[4] = {&tables[0], &tables[1], &tables[2], &tables[2]};
	struct {
		uint64_t used, seed;
		const void *directory;
		uint64_t len;
	} map = {5, 0, directory, 4};
	readable(world, groups, sizeof(groups));
	readable(world, tables, sizeof(tables));
	readable(world, directory, sizeof(directory));
	uint32_t group = add_type(world, 72), header = add_type(world, sizeof(map));
	add_edge(world, header,
		 (struct wire_edge){.kind = WIRE_EDGE_TABLES, .cap = 8, .type = group});
	add_edge(world, 1, (struct wire_edge){.type = header});
	add_word(world, readable(world, &map, sizeof(map)));
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 9);
	assert_block(record, 2, directory, 0, directory, 8, 0);
	assert_block(record, 3, &tables[0], 0, &tables[0], 32, 0);
	assert_block(record, 4, groups[1], group, groups[1], 8 + 2 * 8, 0); // up to the last entry
	assert_block(record, 5, groups[3], group, groups[3], 72, 0);
	assert_block(record, 6, directory + 2, 0, directory + 2, 8, 0); // the second is empty
	assert_block(record, 8, groups[5], group, groups[5], 16, 0);
	world->edges[0].cap = 2; // as many entries as are wanted, and no more
	assert_int_equal(hit(world)->num_blocks, 5);
	world->edges[0].cap = 0;
	assert_int_equal(hit(world)->num_blocks, 2);
	world->edges[0].cap = 8;
	tables[2].mask = UINT64_MAX; // damaged: what is behind is not there
	assert_int_equal(hit(world)->num_blocks, 9);
	map.len = 0; // a small map: one group in the directory's place
	map.directory = groups[1];
	record = hit(world);
	assert_int_equal(record->num_blocks, 3);
	assert_block(record, 2, groups[1], group, groups[1], 24, 0);
}

static void a_map_is_not_looked_through_for_ever(void **state)
{
	struct world *world = *state;
	static uint64_t groups[WIRE_GROUPS_MAX + 8];
	static const char text[] = "what follows is captured";
	struct {
		uint64_t count;
		uint64_t log2;
		const void *buckets, *old;
	} map = {1, 11 << 8, groups, NULL};
	memset(groups, 0, sizeof(groups));
	groups[WIRE_GROUPS_MAX] = 5;
	readable(world, groups, sizeof(groups));
	uint32_t bucket = add_type(world, 8), header = add_type(world, sizeof(map));
	add_edge(world, header,
		 (struct wire_edge){.kind = WIRE_EDGE_BUCKETS, .cap = 8, .type = bucket});
	add_edge(world, header, (struct wire_edge){.kind = WIRE_EDGE_OLD_BUCKETS, .cap = 8});
	add_edge(world, 1, (struct wire_edge){.type = header});
	add_edge(world, 1, (struct wire_edge){.offset = 8, .kind = WIRE_EDGE_STRING, .cap = 4});
	add_word(world, readable(world, &map, sizeof(map)));
	add_word(world, readable(world, text, sizeof(text)));
	add_word(world, 4);
	const struct wire_record *record = hit(world);
	assert_true(record->flags & WIRE_CUT_STEPS);
	assert_int_equal(record->num_blocks, 3);
	groups[WIRE_GROUPS_MAX - 1] = 5;
	record = hit(world);
	assert_false(record->flags & WIRE_CUTS);
	assert_int_equal(record->num_blocks, 4);
}

// --- What stands in the record already ---------------------------------------------------------

static void a_block_is_copied_once(void **state)
{
	struct world *world = *state;
	struct node node = {1, NULL};
	uint32_t type = add_node_type(world);
	for (uint32_t i = 0; i < 3; i++) {
		add_edge(world, 1, (struct wire_edge){.offset = i * 8, .type = type});
		add_word(world, (uintptr_t)&node);
	}
	readable(world, &node, sizeof(node));
	assert_int_equal(hit(world)->num_blocks, 2);
	assert_int_equal(hit(world)->num_blocks, 2); // of the next record too
}

static void a_longer_block_is_copied_again(void **state)
{
	struct world *world = *state;
	static const char text[] = "hello";
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_STRING, .cap = 64});
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_STRING, .offset = 16, .cap = 64});
	add_word(world, readable(world, text, sizeof(text)));
	add_word(world, 2);
	add_word(world, (uintptr_t)text);
	add_word(world, 5);
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 3);
	assert_block(record, 2, text, 0, "hello", 5, 0);
}

static void a_block_reached_again_with_fewer_steps_is_followed_further(void **state)
{
	struct world *world = *state;
	struct node last = {3, NULL}, shared = {2, &last}, first = {1, &shared};
	struct node *const list[1] = {&shared};
	readable(world, &last, sizeof(last));
	readable(world, &shared, sizeof(shared));
	readable(world, &first, sizeof(first));
	readable(world, list, sizeof(list));
	uint32_t node = add_node_type(world), pointers = add_type(world, 8);
	add_edge(world, pointers, (struct wire_edge){.flags = WIRE_EDGE_STEP, .type = node});
	// The frame leads to first (one step), whose second step is shared, and to a list that holds it.
	add_edge(world, 1, (struct wire_edge){.flags = WIRE_EDGE_STEP, .type = node});
	uint32_t lists = add_type(world, 8);
	add_edge(world, lists, (struct wire_edge){.type = pointers});
	world->edges[world->tables.plan.num_edges] = world->edges[world->tables.plan.num_edges - 1];
	struct wire_type *frame = &world->types[1];
	frame->first_edge = world->tables.plan.num_edges;
	world->edges[frame->first_edge] = (struct wire_edge){.flags = WIRE_EDGE_STEP, .type = node};
	world->edges[frame->first_edge + 1] = (struct wire_edge){.offset = 8, .type = lists};
	frame->num_edges = 2;
	world->tables.plan.num_edges += 2;
	struct node *const *holder = list;
	add_word(world, (uintptr_t)&first);
	add_word(world, readable(world, &holder, sizeof(holder)));
	const struct wire_record *record = hit(world);
	// frame, first, holder, shared (2 steps), list, shared (1 step), last
	assert_int_equal(record->num_blocks, 7);
	assert_int_equal(block_at(record, 3)->depth, 2);
	assert_block(record, 5, &shared, node, &shared, sizeof(shared), 1);
	assert_block(record, 6, &last, node, &last, sizeof(last), 2);
}

static void memory_comes_before_the_file(void **state)
{
	struct world *world = *state;
	static const char text[] = "constant", never[] = "never touched";
	for (uint32_t i = 0; i < 5; i++)
		add_edge(world, 1,
			 (struct wire_edge){.offset = i * 16, .kind = WIRE_EDGE_STRING, .cap = 64});
	for (uint32_t i = 0; i < 4; i++) {
		add_word(world, (uintptr_t)never + i);
		add_word(world, 4);
	}
	add_word(world, readable(world, text, sizeof(text)));
	add_word(world, 8);
	world->settings.ro_start = (uintptr_t)never;
	world->settings.ro_end = (uintptr_t)never + sizeof(never);
	// What only the file may have does not end the walk.
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 6);
	assert_false(record->flags & WIRE_CUTS);
	assert_fault(record, 1, (uintptr_t)never);
	assert_block(record, 5, text, 0, text, 8, 0);
	world->settings.ro_start = (uintptr_t)text;
	world->settings.ro_end = (uintptr_t)text + sizeof(text);
	assert_true(hit(world)->flags & WIRE_CUT_FAULTS);
}

// --- Faults and budgets ------------------------------------------------------------------------

static void addresses_that_cannot_be_are_not_read(void **state)
{
	struct world *world = *state;
	uint32_t type = add_type(world, 8);
	const uint64_t bad[] = {8, 4095, 1ull << 47, (1ull << 47) - 4, ~0ull, 0xfffe000000000000};
	for (uint32_t i = 0; i < 6; i++) {
		add_edge(world, 1, (struct wire_edge){.offset = i * 8, .type = type});
		add_word(world, bad[i]);
	}
	const struct wire_record *record = hit(world);
	assert_int_equal(world->num_reads, 1); // runtime.g
	assert_int_equal(record->num_blocks, 7);
	assert_int_equal(record->flags, 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_fault(record, 1 + i, bad[i]);
}

static void some_faults_end_the_walk(void **state)
{
	struct world *world = *state;
	uint32_t type = add_type(world, 8);
	for (uint32_t i = 0; i < 6; i++) {
		add_edge(world, 1, (struct wire_edge){.offset = i * 8, .type = type});
		add_word(world, UNREADABLE + i * 4096);
	}
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 1 + WIRE_FAULTS_MAX);
	assert_int_equal(record->flags, WIRE_CUT_FAULTS);
	assert_int_equal(world->num_reads, 1 + WIRE_FAULTS_MAX);
}

static void a_record_keeps_its_budget_of_bytes(void **state)
{
	struct world *world = *state;
	static char data[8][WIRE_BLOCK_MAX];
	uint32_t type = add_type(world, WIRE_BLOCK_MAX);
	readable(world, data, sizeof(data));
	for (uint32_t i = 0; i < 8; i++) {
		add_edge(world, 1, (struct wire_edge){.offset = i * 8, .type = type});
		add_word(world, (uintptr_t)data[i]);
	}
	const struct wire_record *record = hit(world);
	assert_int_equal(record->num_blocks, 4);
	assert_true(record->size <= WIRE_RECORD_MAX);
	assert_int_equal(record->flags, WIRE_CUT);
	world->settings.record_max = 200;
	record = hit(world);
	assert_int_equal(record->num_blocks, 1);
	assert_int_equal(record->flags, WIRE_CUT);
	world->settings.record_max = UINT32_MAX;
	assert_true(hit(world)->size <= WIRE_RECORD_MAX);
}

static void a_record_keeps_its_budget_of_steps(void **state)
{
	struct world *world = *state;
	static uint64_t zeros[512];
	uint32_t type = add_type(world, 8);
	for (int i = 0; i < 5; i++)
		add_edge(world, type, (struct wire_edge){.type = type});
	add_edge(world, 1, (struct wire_edge){.kind = WIRE_EDGE_SLICE, .cap = 512, .type = type});
	add_word(world, readable(world, zeros, sizeof(zeros)));
	add_word(world, 512);
	add_word(world, 512);
	assert_int_equal(hit(world)->flags, WIRE_CUT_STEPS);
	world->edges[5].cap = 300;
	assert_int_equal(hit(world)->flags, 0);
}

// --- Tables that make no sense -----------------------------------------------------------------

static void damaged_tables_do_no_harm(void **state)
{
	struct world *world = *state;
	static uint64_t data[8];
	uint32_t type = add_type(world, sizeof(data));
	add_edge(world, 1, (struct wire_edge){.type = type});
	add_word(world, readable(world, data, sizeof(data)));
	struct wire_edge good = world->edges[0];
	const struct wire_edge bad[] = {
		{.offset = 1, .type = type},
		{.offset = 8, .type = type},
		{.offset = 4096, .type = type},
		{.offset = UINT32_MAX, .type = type},
		{.type = 63},
		{.type = UINT32_MAX},
		{.kind = 200, .type = type},
		{.kind = WIRE_EDGE_SLICE, .type = type},
		{.kind = WIRE_EDGE_TABLES},
		{.kind = WIRE_EDGE_OLD_BUCKETS},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		world->edges[0] = bad[i];
		assert_int_equal(hit(world)->num_blocks, 1);
	}
	world->edges[0] = good;
	assert_int_equal(hit(world)->num_blocks, 2);
	world->types[type] = (struct wire_type){64, UINT32_MAX, UINT32_MAX, 0};
	assert_int_equal(hit(world)->flags, WIRE_CUT_STEPS);
	world->probes[0].frame_type = 4000000000;
	assert_int_equal(hit(world)->num_blocks, 1);
	world->probes[0].num_pieces = UINT16_MAX;
	world->probes[0].frame_size = UINT16_MAX;
	world->probes[0].first_piece = 0;
	assert_int_equal(block_at(hit(world), 0)->len, WIRE_BLOCK_MAX);
	world->pieces[0] = (struct wire_piece){.frame_off = 8, .size = 9};
	world->pieces[1] = (struct wire_piece){.frame_off = 4089, .size = 8};
	world->pieces[2] = (struct wire_piece){.frame_off = 0, .size = 8, .reg = 10};
	world->pieces[3] = (struct wire_piece){.frame_off = 65535, .size = 65535};
	world->pieces[4] = (struct wire_piece){.size = 0};
	world->tables.plan.num_pieces = 5;
	static const char zeros[WIRE_BLOCK_MAX];
	assert_memory_equal(block_at(hit(world), 0) + 1, zeros, sizeof(zeros));
	world->probes[0].first_piece = UINT32_MAX;
	assert_int_equal(hit(world)->num_blocks, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_probe_without_pieces_has_no_blocks),
		TEST(stacks_of_goid_0_are_told_apart),
		TEST(a_goroutine_that_is_not_plausible_is_not_told),
		TEST(g_can_stand_in_thread_local_storage),
		TEST(the_goroutine_id_can_stand_anywhere_in_g),
		TEST(hits_that_are_not_wanted_are_ignored),
		TEST(other_goroutines_are_left_out),
		TEST(registers_fill_a_frame),
		TEST(the_stack_fills_a_frame),
		TEST(a_frame_does_not_show_the_one_before),
		TEST(pointers_are_followed_to_the_depth),
		TEST(a_cycle_ends),
		TEST(a_nil_pointer_is_no_block),
		TEST(strings_are_cut),
		TEST(every_element_of_a_slice_is_followed),
		TEST(a_slice_is_copied_block_by_block),
		TEST(a_large_value_is_copied_in_parts),
		TEST(the_frame_has_the_address_of_a_large_value),
		TEST(interfaces_show_their_type),
		TEST(two_interfaces_share_an_itab),
		TEST(empty_interfaces_hold_the_type_itself),
		TEST(what_a_type_not_seen_yet_tells_is_copied),
		TEST(buckets_of_a_map),
		TEST(groups_of_a_map),
		TEST(untouched_pages_of_a_map_are_passed_over),
		TEST(a_map_is_not_looked_through_for_ever),
		TEST(a_block_is_copied_once),
		TEST(a_longer_block_is_copied_again),
		TEST(a_block_reached_again_with_fewer_steps_is_followed_further),
		TEST(memory_comes_before_the_file),
		TEST(addresses_that_cannot_be_are_not_read),
		TEST(some_faults_end_the_walk),
		TEST(a_record_keeps_its_budget_of_bytes),
		TEST(a_record_keeps_its_budget_of_steps),
		TEST(damaged_tables_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
