// SPDX-License-Identifier: GPL-2.0-or-later
// Call stacks from the goroutine's memory to frames with names: a stack of the test's own, and a program's table
// that says what stands at its return addresses.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/go_writer.h"
#include "tracer/backend/hit.h"
#include "tracer/event/stack.h"

enum { MAIN, CALLER, THIN, WRAPPER, SWITCH, GOEXIT, RUNTIME_MAIN, SIGPANIC, CALLBACK, NUM_CODE };
enum { WRAPPER_ID = 22 };

static const struct go_code code[NUM_CODE] = {
	[MAIN] = {"main.main", "/src/main.go", 10, 64, .frame_bytes = 24},
	[CALLER] = {"main.caller[go.shape.int]", "/src/main.go", 20, 64, .frame_bytes = 40,
		    .inlined = "main.callee", .inlined_line = 99},
	[THIN] = {"main.thin", "/src/thin.go", 30, 64, .frame_bytes = 0},
	[WRAPPER] = {"main.(*T).Method", "/src/main.go", 40, 64, WRAPPER_ID, .frame_bytes = 8},
	[SWITCH] = {"runtime.systemstack_switch", "/go/asm.s", 300, 64, .func_id = WRAPPER_ID - 1},
	[GOEXIT] = {"runtime.goexit", "/go/asm.s", 400, 64, .flag = 1},
	[RUNTIME_MAIN] = {"runtime.main", "/go/proc.go", 500, 64, .frame_bytes = 80},
	[SIGPANIC] = {"runtime.sigpanic", "/go/signal.go", 600, 64, .frame_bytes = 16},
	[CALLBACK] = {"runtime.cgocallback", "/go/asm.s", 700, 64, .frame_bytes = 8},
};

enum { STACK_WORDS = 4096, ENTRY = 0 };

static const struct loaded at_home; // where its file says

struct world {
	struct go_writer go;
	bool is_full; // records get lost
	struct image *image;
	struct pclntab *table;
	struct stacks *stacks;
	struct wire_probe probe;
	struct tables tables;
	struct wire_state state;
	struct wire_settings settings;
	struct wire_stack_settings wanted;
	uint64_t g[64]; // runtime.g: stack.lo, stack.hi, goid in word 20, gopc in 36, parent in 35
	uint64_t words[STACK_WORDS]; // the goroutine's stack
	size_t top;		     // the lowest word in use
	size_t linked;		     // where the last frame pointer was saved; 0: none
	size_t broken;		     // a word that cannot be read; 0: none
	struct cpu_regs regs;
	struct hit_maker *maker;
};

static bool emit_world(void *context, const struct wire_record *record)
{
	(void)record;
	return !((const struct world *)context)->is_full;
}

static bool read_world(void *context, void *dst, size_t len, uint64_t addr)
{
	struct world *world = context;
	const struct {
		const void *start;
		size_t len;
	} parts[] = {{world->words, sizeof(world->words)}, {world->g, sizeof(world->g)}};
	if (world->broken && addr == (uintptr_t)&world->words[world->broken])
		return false;
	for (size_t i = 0; i < 2; i++) {
		uint64_t start = (uintptr_t)parts[i].start;
		if (addr < start || addr - start > parts[i].len - len)
			continue;
		memcpy(dst, (const uint8_t *)parts[i].start + (addr - start), len);
		return true;
	}
	return false;
}

static int set_up(void **state)
{
	struct world *world = test_calloc(1, sizeof(*world));
	go_init(&world->go, 20, 27);
	world->go.code = code;
	world->go.num_code = NUM_CODE;
	char path[64];
	assert_true(go_save(&world->go, path));
	assert_null(image_open(path, "prog", &world->image));
	unlink(path);
	assert_null(pclntab_open(world->image, (struct go_version){1, 27, 0}, &world->table));
	assert_null(stacks_create(world->table, &at_home, &world->stacks));
	world->tables.state = &world->state;
	world->tables.plan = (struct plan_tables){.probes = &world->probe, .num_probes = 1};
	world->settings = (struct wire_settings){.g_goid = 160, .g_stack_hi = 8, .has_goid = 1};
	world->wanted =
		(struct wire_stack_settings){.max = 32, .g_gopc = 288, .g_parent_goid = 280};
	world->g[0] = (uintptr_t)world->words;
	world->g[1] = (uintptr_t)&world->words[STACK_WORDS];
	world->g[20] = 18;
	world->top = STACK_WORDS;
	world->regs.g = (uintptr_t)world->g;
	struct hit_source source = {.tables = &world->tables,
				    .settings = &world->settings,
				    .stacks = &world->wanted,
				    .emit = emit_world,
				    .read = read_world,
				    .context = world};
	assert_null(hit_maker_create(&source, &world->maker));
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	hit_maker_destroy(world->maker);
	stacks_destroy(world->stacks);
	pclntab_close(world->table);
	image_close(world->image);
	go_deinit(&world->go);
	test_free(world);
	return 0;
}

// Somebody in this function, in the first half of its code or the second, calls: its return address is pushed.
static void push_return(struct world *world, size_t func, bool in_inlined)
{
	world->words[--world->top] =
		go_entry(&world->go, func) + (in_inlined ? code[func].size - 2 : 5);
}

// The function that was called makes its frame, and saves the frame pointer if it has room for it.
static void enter(struct world *world, size_t func)
{
	size_t words = (size_t)code[func].frame_bytes / 8;
	if (words) {
		world->words[world->top - 1] = world->regs.fp;
		world->regs.fp = (uintptr_t)&world->words[world->top - 1];
		world->linked = world->top - 1;
	}
	world->top -= words;
}

static void call_from(struct world *world, size_t func, bool in_inlined)
{
	enter(world, func);
	push_return(world, func, in_inlined);
}

static void start_goroutine(struct world *world)
{
	world->regs.fp = 0;
	push_return(world, GOEXIT, false);
}

static const struct wire_record *hit(struct world *world)
{
	world->regs.sp = (uintptr_t)&world->words[world->top];
	const struct wire_record *record = hit_record(world->maker, ENTRY, 7, 1, &world->regs);
	assert_non_null(record);
	assert_true(record_is_valid(record, record->size));
	assert_null(stacks_learn(world->stacks, record));
	return record;
}

static const struct stack *stack_of(struct world *world)
{
	return stacks_find(world->stacks, hit(world));
}

static void check(const struct stack *stack, size_t i, const char *func, int line, bool is_inlined)
{
	assert_true(i < stack->num);
	assert_string_equal(stack->frames[i].func, func);
	assert_int_equal(stack->frames[i].line, line);
	assert_int_equal(stack->frames[i].is_inlined, is_inlined);
}

static void test_whole_stack(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	call_from(world, RUNTIME_MAIN, false);
	call_from(world, MAIN, false);
	call_from(world, CALLER, true);
	const struct stack *stack = stack_of(world);
	assert_int_equal(stack->num, 3);
	check(stack, 0, "main.callee", 99, true);
	check(stack, 1, code[CALLER].name, 20, false);
	check(stack, 2, "main.main", 10, false);
	assert_string_equal(stack->frames[2].file, "/src/main.go");
	assert_null(stack->end);
	assert_false(stack->is_more);
}

static void test_first_function(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	const struct stack *stack = stack_of(world);
	assert_int_equal(stack->num, 0);
	assert_null(stack->end);
}

static void test_frameless_caller(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	call_from(world, MAIN, false);
	call_from(world, CALLER, false);
	call_from(world, THIN, false);
	const struct stack *stack = stack_of(world);
	assert_int_equal(stack->num, 1);
	check(stack, 0, "main.thin", 30, false);
	assert_string_equal(stack->end, "main.thin keeps no frame pointer");
}

static void test_wrappers_are_left_out(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	call_from(world, MAIN, false);
	call_from(world, WRAPPER, false);
	const struct stack *stack = stack_of(world);
	assert_int_equal(stack->num, 1);
	check(stack, 0, "main.main", 10, false);
}

// Below sigpanic stands the faulting instruction itself, here a function's first.
static void test_fault(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	enter(world, MAIN);
	world->words[--world->top] = go_entry(&world->go, MAIN);
	call_from(world, SIGPANIC, false);
	const struct stack *stack = stack_of(world);
	assert_int_equal(stack->num, 2);
	check(stack, 0, "runtime.sigpanic", 600, false);
	check(stack, 1, "main.main", 10, false);
	assert_null(stack->end);
}

static void test_callback(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	call_from(world, MAIN, false);
	world->regs.fp = 0x1234;
	call_from(world, CALLBACK, false);
	assert_string_equal(stack_of(world)->end, "called from C");
}

static void test_limit(void **state)
{
	struct world *world = *state;
	world->wanted.max = 2;
	start_goroutine(world);
	call_from(world, MAIN, false);
	call_from(world, CALLER, false);
	call_from(world, CALLER, false);
	const struct stack *stack = stack_of(world);
	assert_int_equal(stack->num, 2);
	assert_true(stack->is_more);
	assert_null(stack->end);
}

static void test_deepest(void **state)
{
	struct world *world = *state;
	world->wanted.max = 1000;
	start_goroutine(world);
	for (int i = 0; i < 200; i++)
		call_from(world, CALLER, true);
	const struct wire_record *record = hit(world);
	const struct stack *stack = stacks_find(world->stacks, record);
	assert_int_equal(stack->num, 2 * WIRE_STACK_MAX);
	assert_true(stack->is_more);
}

// A stack's words are in its first record alone, unless that was lost.
static void test_travels_once(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	call_from(world, MAIN, false);
	uint32_t size = hit(world)->size;
	assert_int_equal(hit(world)->size, size - 16);
	assert_int_equal(hit(world)->size, size - 16);
	check(stack_of(world), 0, "main.main", 10, false);
	call_from(world, CALLER, false);
	assert_int_equal(hit(world)->size, size + 8);
	assert_int_equal(hit(world)->size, size - 16);
	call_from(world, CALLER, false);
	world->is_full = true;
	assert_int_equal(hit(world)->size, size + 16);
	world->is_full = false;
	assert_int_equal(hit(world)->size, size + 16);
	assert_int_equal(hit(world)->size, size - 16);
}

static void test_unknown_number(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	hit(world);
	stacks_destroy(world->stacks);
	assert_null(stacks_create(world->table, &at_home, &world->stacks));
	assert_string_equal(stack_of(world)->end, "it is no longer known");
}

// Many distinct stacks, one of them all the time: that one stays known.
static void test_used_stacks_stay(void **state)
{
	struct world *world = *state;
	struct {
		struct wire_record record;
		struct wire_block block;
		uint64_t words[1];
	} made = {
		.record = {.size = sizeof(made), .num_blocks = 1, .flags = WIRE_CALLERS},
		.block = {.len = 8, .flags = WIRE_BLOCK_STACK},
		.words = {go_entry(&world->go, GOEXIT) + 5},
	};
	for (uint64_t i = 1; i < 200000; i++) {
		made.block.addr = i;
		assert_null(stacks_learn(world->stacks, &made.record));
		made.block.addr = 1;
		assert_int_equal(stacks_find(world->stacks, &made.record)->num, 0);
		assert_null(stacks_find(world->stacks, &made.record)->end);
	}
	made.block.addr = 2;
	assert_string_equal(stacks_find(world->stacks, &made.record)->end, "it is no longer known");
}

static void test_broken_chains(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	call_from(world, MAIN, false);
	call_from(world, CALLER, false);
	size_t link = world->linked;
	const uint64_t good = world->words[link], here = (uintptr_t)&world->words[link];
	const uint64_t bad[] = {here,	     here - 8,	     here + 4, 1,
				UINT64_MAX,  UINT64_MAX - 7, good + 1, world->g[1] - 8,
				world->g[1], 0x7fffffffffff};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		world->words[link] = bad[i];
		const struct stack *stack = stack_of(world);
		assert_int_equal(stack->num, 2);
		assert_string_equal(stack->end, "main.main keeps no frame pointer");
	}
	world->words[link] = good;
	world->broken = (size_t)(good - (uintptr_t)world->words) / 8;
	assert_string_equal(stack_of(world)->end, "the frame further out cannot be read");
}

static void test_return_addresses_that_lead_nowhere(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	call_from(world, MAIN, false);
	world->words[world->top] = 0x123456;
	const struct stack *stack = stack_of(world);
	assert_int_equal(stack->num, 0);
	assert_string_equal(stack->end, "its caller is not Go code");
}

// Words that a damaged capture might hold.
static void test_any_words(void **state)
{
	struct world *world = *state;
	struct {
		struct wire_record record;
		struct wire_block block;
		uint64_t words[WIRE_BLOCK_MAX / 8];
	} *made = test_calloc(1, sizeof(*made));
	made->record = (struct wire_record){.num_blocks = 1, .flags = WIRE_CALLERS};
	srandom(1);
	size_t whole = 0;
	for (uint64_t i = 1; i < 20000; i++) {
		size_t num = (size_t)random() % (random() % 50 ? 12 : WIRE_BLOCK_MAX / 8) + 1;
		made->record.size =
			(uint32_t)(sizeof(made->record) + sizeof(made->block) + num * 8);
		made->block = (struct wire_block){.addr = i,
						  .type = (uint32_t)random() % 7,
						  .len = (uint16_t)(num * 8),
						  .flags = WIRE_BLOCK_STACK};
		for (size_t j = 0; j < num; j++) {
			size_t func = (size_t)random() % (NUM_CODE - 1);
			uint64_t far = j && random() % 8 ? 0 : (uint64_t)random() % 8;
			made->words[j] =
				(go_entry(&world->go, func) + (uint64_t)random() % 80 - 8) |
				far << WIRE_STACK_ADDR_BITS;
			if (random() % 64 == 0)
				made->words[j] = (uint64_t)random() << 33 ^ (uint64_t)random();
			if (j && random() % 8) // the frame of the one before fits
				for (size_t k = 0; k < NUM_CODE; k++)
					if (made->words[j - 1] % (1ull << WIRE_STACK_ADDR_BITS) -
						    go_entry(&world->go, k) <
					    64)
						made->words[j] |=
							(uint64_t)(code[k].frame_bytes / 8 + 1)
							<< WIRE_STACK_ADDR_BITS;
		}
		assert_true(record_is_valid(&made->record, made->record.size));
		assert_null(stacks_learn(world->stacks, &made->record));
		const struct stack *stack = stacks_find(world->stacks, &made->record);
		assert_non_null(stack);
		assert_true(stack->num <= 600);
		whole += !stack->end && !stack->is_more;
	}
	assert_in_range(whole, 100, 19000);
	test_free(made);
}

static void test_no_goroutine(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	world->g[20] = 0;
	assert_non_null(stack_of(world)->end);
	assert_int_equal(stack_of(world)->num, 0);
	world->regs.g = 0;
	assert_non_null(stack_of(world)->end);
}

static void test_not_asked_for(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	world->wanted.max = 0;
	struct hit_source source = {.tables = &world->tables,
				    .settings = &world->settings,
				    .stacks = &world->wanted,
				    .emit = emit_world,
				    .read = read_world,
				    .context = world};
	hit_maker_destroy(world->maker);
	assert_null(hit_maker_create(&source, &world->maker));
	assert_int_equal(hit(world)->num_blocks, 0);
	assert_null(stack_of(world));
}

static void test_creator(void **state)
{
	struct world *world = *state;
	start_goroutine(world);
	world->wanted.has_creator = 1;
	world->g[36] = go_entry(&world->go, CALLER) + 9;
	world->g[35] = 7;
	struct stack_creator creator;
	assert_true(stacks_creator(world->stacks, hit(world), &creator));
	assert_string_equal(creator.func, code[CALLER].name);
	assert_int_equal(creator.line, 20);
	assert_int_equal(creator.goid, 7);
	world->wanted.g_parent_goid = 0;
	assert_true(stacks_creator(world->stacks, hit(world), &creator));
	assert_int_equal(creator.goid, 0);
	world->g[36] = 0;
	assert_false(stacks_creator(world->stacks, hit(world), &creator));
	world->g[36] = 0x123456;
	assert_false(stacks_creator(world->stacks, hit(world), &creator));
	world->g[36] = go_entry(&world->go, CALLER) + 9;
	world->g[20] = 1; // the main goroutine
	assert_false(stacks_creator(world->stacks, hit(world), &creator));
}

static void test_names(void **state)
{
	(void)state;
	static const char *const names[][2] = {
		{"main.f", "main.f"},
		{"main.Sum[go.shape.int]", "main.Sum[...]"},
		{"main.(*L[go.shape.[]int]).Add.func1", "main.(*L[...]).Add.func1"},
		{"main.odd]name[", "main.odd]name["},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct text text;
		text_init(&text);
		stack_write_name(names[i][0], &text);
		assert_string_equal(text_string(&text), names[i][1]);
		text_deinit(&text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole_stack),
		TEST(test_first_function),
		TEST(test_frameless_caller),
		TEST(test_wrappers_are_left_out),
		TEST(test_fault),
		TEST(test_callback),
		TEST(test_limit),
		TEST(test_deepest),
		TEST(test_travels_once),
		TEST(test_unknown_number),
		TEST(test_used_stacks_stay),
		TEST(test_broken_chains),
		TEST(test_return_addresses_that_lead_nowhere),
		TEST(test_any_words),
		TEST(test_no_goroutine),
		TEST(test_not_asked_for),
		TEST(test_creator),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
