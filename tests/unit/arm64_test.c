// SPDX-License-Identifier: GPL-2.0-or-later
// Another CPU: the search for sites, Go's ABI and the engine, over code, registers and memory of a program for arm64
// (tests/unit/arm64/record). The engine is compiled here for that CPU.
#define __TARGET_ARCH_arm64
#include "tracer/backend/hit.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "arch/arm64/registers.h"
#include "arch/sites.h"
#include "dwarf/go/abi.h"
#include "tests/unit/arm64/recorded.h"

enum {
	NUM_FUNCTIONS = sizeof(functions) / sizeof(*functions),
	NUM_HITS = sizeof(hits) / sizeof(*hits)
};

static const struct recorded_function *function_of(const char *name)
{
	for (size_t i = 0; i < NUM_FUNCTIONS; i++)
		if (!strcmp(functions[i].name, name))
			return &functions[i];
	fail_msg("%s was not recorded", name);
	return NULL;
}

static const struct recorded_hit *hit_at(const char *name, size_t number)
{
	for (size_t i = 0; i < NUM_HITS; i++)
		if (!strcmp(hits[i].name, name) && !number--)
			return &hits[i];
	fail_msg("%s was not hit", name);
	return NULL;
}

// --- Sites --------------------------------------------------------------------------------------

static bool is_morestack(void *context, uint64_t vaddr)
{
	(void)context;
	return vaddr == MORESTACK;
}

static size_t code_of(const struct recorded_function *function, uint8_t *out)
{
	size_t size = strlen(function->code) / 2;
	for (size_t i = 0; i < size; i++) {
		unsigned byte;
		assert_int_equal(sscanf(function->code + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
	return size;
}

static void find(const uint8_t *code, size_t size, uint64_t vaddr, struct sites *out)
{
	struct sites_finder *finder;
	assert_null(sites_finder_create(&arch_arm64, &finder));
	const struct sites_query query = {.code = code,
					  .vaddr = vaddr,
					  .size = size,
					  .is_go = true,
					  .is_morestack = is_morestack};
	assert_null(sites_find(finder, &query, out));
	sites_finder_destroy(finder);
}

static void test_sites(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_FUNCTIONS; i++) {
		const struct recorded_function *function = &functions[i];
		uint8_t code[1024];
		struct sites sites;
		find(code, code_of(function, code), function->start, &sites);
		if (sites.refused)
			fail_msg("%s: %s", function->name, sites.refused);
		bool is_checked = strcmp(function->name, "leaf");
		assert_int_equal(sites.has_stack_check, is_checked);
		assert_int_equal(sites.site[0].vaddr, function->entry);
		assert_int_equal(sites.site[0].skip_taken, is_checked);
		for (size_t j = 1; j < sites.num; j++) {
			assert_int_equal(sites.site[j].kind, SITE_RETURN);
			assert_int_equal(sites.site[j].vaddr, function->rets[j - 1]);
		}
		assert_int_equal(function->rets[sites.num - 1], 0);
		sites_deinit(&sites);
	}
}

static void expect_refused(const char *name, size_t off, uint32_t insn, const char *refused)
{
	const struct recorded_function *function = function_of(name);
	uint8_t code[1024];
	size_t size = code_of(function, code);
	memcpy(code + off, &insn, sizeof(insn));
	struct sites sites;
	find(code, size, function->start, &sites);
	assert_non_null(sites.refused);
	assert_string_equal(sites.refused, refused);
}

static void test_refusals(void **state)
{
	(void)state;
	expect_refused("leaf", 4, 0x8b010000, "runs past its end into other code"); // add
	expect_refused("leaf", 0, 0xd61f0000,
		       "jumps through a register to where is not known");	 // br x0
	expect_refused("leaf", 0, 0x58000040, "has data among its code");	 // ldr x0, 8
	expect_refused("leaf", 0, 0x54000089, "leaves by a conditional branch"); // b.ls 16
	expect_refused("leaf", 4, 0x17ffffff, "branches back to its entry");	 // b -4
	expect_refused("leaf", 0, 0xffffffff, "its code does not decode");
	// The check writes an argument's register, or stores.
	expect_refused("mixed", 0, 0xf9400b80, "its stack check has a form that is not known");
	expect_refused("mixed", 0, 0xf9000b90, "its stack check has a form that is not known");
}

// --- The engine ---------------------------------------------------------------------------------

static struct gotype t_int = {.kind = GO_INT, .size = 8, .align = 8, .is_complete = true};
static struct gotype t_byte = {.kind = GO_UINT8, .size = 1, .align = 1, .is_complete = true};
static struct gotype t_float = {.kind = GO_FLOAT64, .size = 8, .align = 8, .is_complete = true};
static struct gotype t_string = {.kind = GO_STRING, .size = 16, .align = 8, .is_complete = true};
static struct gotype t_slice = {.kind = GO_SLICE, .size = 24, .align = 8, .is_complete = true};
static struct gotype t_array = {
	.kind = GO_ARRAY, .size = 24, .align = 8, .elem = &t_int, .len = 3, .is_complete = true};

// A function's frames in the engine's tables: probe 0 is the entry, probe 1 the return.
struct world {
	const char *dump;
	struct wire_probe probes[2];
	struct wire_piece pieces[32];
	struct tables tables;
	struct wire_state state;
	struct wire_settings settings;
	struct wire_stack_settings stacks;
	struct hit_maker *maker;
};

static bool read_recorded(void *context, void *dst, size_t len, uint64_t addr)
{
	const struct world *world = context;
	for (size_t i = 0; i < sizeof(dumps) / sizeof(*dumps); i++) {
		if (strcmp(dumps[i].name, world->dump))
			continue;
		for (size_t j = 0; j < 4; j++) {
			uint64_t at = addr - dumps[i].blocks[j].addr;
			if (addr < dumps[i].blocks[j].addr ||
			    at > sizeof(dumps[i].blocks[j].words) - len)
				continue;
			memcpy(dst, (const uint8_t *)dumps[i].blocks[j].words + at, len);
			return true;
		}
	}
	return false;
}

// Puts params into a frame, one after the other, each at a multiple of eight.
static void add_frame(struct world *world, struct wire_probe *probe, const struct param *params,
		      size_t num)
{
	probe->first_piece = world->tables.plan.num_pieces;
	for (size_t i = 0; i < num; i++) {
		for (size_t j = 0; j < params[i].num_pieces; j++) {
			const struct abi_piece *piece = &params[i].pieces[j];
			world->pieces[world->tables.plan.num_pieces++] = (struct wire_piece){
				.frame_off = (uint16_t)(probe->frame_size + piece->offset),
				.size = (uint16_t)piece->size,
				.where = piece->where == ABI_INT_REG	 ? WIRE_INT_REG
					 : piece->where == ABI_FLOAT_REG ? WIRE_FLOAT_REG
									 : WIRE_STACK,
				.reg = piece->reg,
				.stack_off = piece->stack_off,
			};
			probe->num_pieces++;
		}
		probe->frame_size += (uint16_t)((params[i].type->size + 7) & ~7u);
	}
}

static void set_up(struct world *world, const char *dump, struct gotype *const *types,
		   size_t num_args, size_t num)
{
	struct param params[16] = {0};
	struct signature signature = {.arch = &arch_arm64,
				      .abi = ABI_INTERNAL,
				      .is_known = true,
				      .num_args = num_args,
				      .num_params = num,
				      .params = calloc(num, sizeof(*params))};
	for (size_t i = 0; i < num; i++) {
		signature.params[i].type = types[i];
		signature.params[i].is_result = i >= num_args;
	}
	assert_null(abi_assign(&signature));
	*world = (struct world){
		.dump = dump,
		.probes = {{.kind = WIRE_PROBE_ENTRY, .flags = WIRE_SKIP_TAKEN},
			   {.kind = WIRE_PROBE_RETURN}},
		.tables.plan = {.probes = world->probes, .pieces = world->pieces, .num_probes = 2},
		.tables.state = &world->state,
		.settings = {.g_goid = 160, .g_stack_hi = 8, .has_goid = 1},
		.stacks = {.max = 8},
	};
	add_frame(world, &world->probes[0], signature.params, num_args);
	add_frame(world, &world->probes[1], signature.params + num_args, num - num_args);
	signature_deinit(&signature);
	const struct hit_source source = {.tables = &world->tables,
					  .settings = &world->settings,
					  .stacks = &world->stacks,
					  .read = read_recorded,
					  .context = world};
	assert_null(hit_maker_create(&source, &world->maker));
}

static const struct wire_record *record_of(struct world *world, uint32_t probe,
					   const struct recorded_hit *hit)
{
	struct cpu_regs regs = {
		.sp = hit->regs[31],
		.fp = hit->regs[29],
		.link = hit->regs[30],
		.g = hit->regs[28],
		.flags = hit->flags,
		.floats = hit->floats,
	};
	memcpy(regs.ints, hit->regs, 16 * sizeof(*regs.ints));
	regs.ints[16] = hit->regs[26];
	return hit_record(world->maker, probe, 1, 1, &regs);
}

static const struct wire_block *first_block(const struct wire_record *record)
{
	return (const struct wire_block *)(record + 1);
}

static uint64_t word_of(const struct wire_record *record, size_t i)
{
	uint64_t word;
	memcpy(&word, (const uint8_t *)(first_block(record) + 1) + 8 * i, sizeof(word));
	return word;
}

// mixed(42, "recorded", []int32{7, 8, 9}, 2.5, [3]int{100, 200, 300}, 0xee) = ("ecorded", 541, 5.0)
static void test_values(void **state)
{
	(void)state;
	struct gotype *types[] = {&t_int,  &t_string, &t_slice, &t_float, &t_array,
				  &t_byte, &t_string, &t_int,	&t_float};
	struct world *world = calloc(1, sizeof(*world));
	set_up(world, "mixed", types, 6, 9);
	const struct wire_record *record = record_of(world, 0, hit_at("mixed", 0));
	assert_non_null(record);
	assert_int_equal(record->goid, 1);
	uint64_t distance = record->distance;
	const uint64_t half_five = 0x4004000000000000, five = 0x4014000000000000;
	const struct recorded_hit *hit = hit_at("mixed", 0);
	const uint64_t expected[] = {42,	hit->regs[1], 8,   hit->regs[3], 3,   3,
				     half_five, 100,	      200, 300,		 0xee};
	assert_int_equal(first_block(record)->len, sizeof(expected));
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_int_equal(word_of(record, i), expected[i]);
	record = record_of(world, 1, hit_at("mixed", 1));
	assert_non_null(record);
	assert_int_equal(record->distance, distance);
	assert_int_equal(word_of(record, 0), hit->regs[1] + 1);
	assert_int_equal(word_of(record, 1), 7);
	assert_int_equal(word_of(record, 2), 300 + 3 + 0xee);
	assert_int_equal(word_of(record, 3), five);
	hit_maker_destroy(world->maker);
	free(world);
}

// The return address of a call is in the link register; those of its callers are in the chain of frames.
static void test_stack(void **state)
{
	(void)state;
	struct gotype *types[] = {&t_int};
	struct world *world = calloc(1, sizeof(*world));
	set_up(world, "mixed", types, 1, 1);
	const struct recorded_hit *hit = hit_at("mixed", 0);
	const struct wire_record *record = record_of(world, 0, hit);
	assert_non_null(record);
	assert_true(record->flags & WIRE_CALLERS);
	const struct wire_block *frame = first_block(record);
	const struct wire_block *stack = (const struct wire_block *)((const uint8_t *)(frame + 1) +
								     ((frame->len + 7) & ~7u));
	assert_int_equal(stack->flags, WIRE_BLOCK_STACK);
	assert_true(stack->len >= 16);
	uint64_t words[2], mask = (1ull << WIRE_STACK_ADDR_BITS) - 1;
	memcpy(words, stack + 1, sizeof(words));
	assert_int_equal(words[0] & mask, hit->regs[30]);
	uint64_t caller;
	assert_true(read_recorded(world, &caller, sizeof(caller), hit->regs[29] + 8));
	assert_int_equal(words[1] & mask, caller);
	hit_maker_destroy(world->maker);
	free(world);
}

// A hit at which the stack is too small is none: the entry is executed again on the new stack.
static void test_slow_path(void **state)
{
	(void)state;
	struct gotype *types[] = {&t_int, &t_int};
	struct world *world = calloc(1, sizeof(*world));
	set_up(world, "grow", types, 1, 2);
	const struct recorded_hit *before = hit_at("grow", 0), *after = hit_at("grow", 1);
	assert_int_not_equal(before->regs[31], after->regs[31]);
	assert_null(record_of(world, 0, before));
	const struct wire_record *record = record_of(world, 0, after);
	assert_non_null(record);
	assert_int_equal(record->goid, 1);
	assert_int_equal(word_of(record, 0), after->regs[0]);
	hit_maker_destroy(world->maker);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sites),	  cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_values),	  cmocka_unit_test(test_stack),
		cmocka_unit_test(test_slow_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
