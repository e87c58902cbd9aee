// SPDX-License-Identifier: GPL-2.0-or-later
// What a hit by ptrace reads ahead, from tables made by hand; the memory is this process's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "tracer/backend/ptrace/ptrace.h"

enum { RAX, RBX, RCX, RDI, RSI, R8 }; // in Go's order
enum { STACK, G, POINTERS };	      // windows
enum { G_GOID = 24, G_STACK_HI = 8 };

struct fixture {
	struct wire_probe probe;
	struct wire_piece pieces[8];
	struct wire_type types[3];
	struct wire_edge edges[6];
	struct ptrace_shared shared;
	struct ptrace_worker worker;
	struct ptrace_use use;
	struct ptrace_breakpoint breakpoint;
	uint64_t stack[8], g[8], point[4];
	uint64_t list[20];
	char text[100];
};

// func(p *point, s string, list []uint64) with a word on the stack, a point being 32 bytes.
static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	for (uint8_t i = 0; i < 6; i++)
		f->pieces[i] = (struct wire_piece){.frame_off = 8 * i, .size = 8, .reg = RAX + i};
	f->pieces[6] = (struct wire_piece){.frame_off = 48,
					   .size = 8,
					   .where = WIRE_STACK,
					   .stack_off = 16};
	f->types[1] = (struct wire_type){.size = 64, .first_edge = 0, .num_edges = 3};
	f->types[2] = (struct wire_type){.size = 32};
	f->edges[0] =
		(struct wire_edge){.kind = WIRE_EDGE_POINTER, .flags = WIRE_EDGE_STEP, .type = 2};
	f->edges[1] = (struct wire_edge){.offset = 8, .kind = WIRE_EDGE_STRING, .cap = 64};
	f->edges[2] =
		(struct wire_edge){.offset = 24, .kind = WIRE_EDGE_SLICE, .cap = 4, .type = 2};
	f->probe = (struct wire_probe){.frame_type = 1, .num_pieces = 7, .frame_size = 64};
	struct ptrace_shared *shared = &f->shared;
	shared->tables.plan = (struct plan_tables){
		.probes = &f->probe,
		.pieces = f->pieces,
		.types = f->types,
		.edges = f->edges,
		.num_probes = 1,
		.num_pieces = 8,
		.num_types = 3,
		.num_edges = 6,
	};
	shared->settings = (struct wire_settings){.depth = 1,
						  .has_goid = 1,
						  .g_goid = G_GOID,
						  .g_stack_hi = G_STACK_HI};
	f->worker.shared = shared;
	f->worker.reading = getpid();
	f->breakpoint.uses = &f->use;
	f->breakpoint.num_uses = 1;
	for (size_t i = 0; i < sizeof(f->text); i++)
		f->text[i] = (char)('a' + i % 26);
	*state = f;
	return 0;
}

static int end(void **state)
{
	free(*state);
	return 0;
}

static uint64_t addr(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static struct cpu_regs registers(const struct fixture *f)
{
	return (struct cpu_regs){
		.ints = {addr(f->point), addr(f->text), 100, addr(f->list), 3, 20},
		.sp = addr(f->stack),
		.g = addr(f->g),
	};
}

static void read_ahead(struct fixture *f, const struct cpu_regs *regs)
{
	ptrace_ahead_init(&f->use.ahead, &f->shared.tables.plan, &f->shared.settings, 0);
	ptrace_ahead_forget(&f->worker);
	ptrace_ahead_read(&f->worker, &f->breakpoint, regs);
}

static void assert_window(const struct fixture *f, size_t window, const void *memory, size_t len)
{
	assert_int_equal(f->worker.windows[window].len, len);
	if (len) {
		assert_int_equal(f->worker.windows[window].addr, addr(memory));
		assert_memory_equal(f->worker.windows[window].bytes, memory, len);
	}
}

static void test_everything(void **state)
{
	struct fixture *f = *state;
	const struct cpu_regs regs = registers(f);
	read_ahead(f, &regs);
	assert_window(f, STACK, f->stack, 8 + 16 + 8);
	assert_window(f, G, f->g, G_GOID + 8);
	assert_window(f, POINTERS, f->point, 32);
	assert_window(f, POINTERS + 1, f->text, 64); // not more than is captured
	assert_window(f, POINTERS + 2, f->list, 3 * 32);
}

static void test_only_what_is_followed(void **state)
{
	struct fixture *f = *state;
	struct cpu_regs regs = registers(f);
	f->shared.settings.depth = 0;
	f->pieces[4].where = WIRE_FLOAT_REG; // the slice's length is in no register
	regs.ints[RCX] = 5;
	read_ahead(f, &regs);
	assert_int_equal(f->use.ahead.num_pointers, 1);
	assert_window(f, POINTERS, f->text, 5);
}

static void test_nowhere(void **state)
{
	struct fixture *f = *state;
	struct cpu_regs regs = registers(f);
	regs.ints[RAX] = 0;
	regs.ints[RBX] = 0x10000; // mapped by nobody: what comes after it is not had either
	regs.ints[RSI] = UINT64_MAX;
	read_ahead(f, &regs);
	assert_window(f, G, f->g, G_GOID + 8);
	for (size_t i = POINTERS; i < POINTERS + PTRACE_POINTERS; i++)
		assert_window(f, i, NULL, 0);
	regs.ints[RBX] = addr(f->text);
	read_ahead(f, &regs);
	assert_window(f, POINTERS + 1, f->text, 64);
	assert_window(f, POINTERS + 2, f->list, 4 * 32);
	regs.sp = 0x10000;
	read_ahead(f, &regs);
	for (size_t i = 0; i < POINTERS + PTRACE_POINTERS; i++)
		assert_window(f, i, NULL, 0);
	regs = (struct cpu_regs){.sp = UINT64_MAX - 8, .g = 1ull << 63};
	read_ahead(f, &regs);
	for (size_t i = 0; i < POINTERS + PTRACE_POINTERS; i++)
		assert_window(f, i, NULL, 0);
}

// A branch needs no return address, and a frame without pieces nothing but g.
static void test_no_frame(void **state)
{
	struct fixture *f = *state;
	const struct cpu_regs regs = registers(f);
	f->probe.num_pieces = 0;
	f->breakpoint.step.pops_address = false;
	read_ahead(f, &regs);
	assert_window(f, STACK, NULL, 0);
	assert_window(f, G, f->g, G_GOID + 8);
	f->breakpoint.step.pops_address = true;
	read_ahead(f, &regs);
	assert_window(f, STACK, f->stack, 8);
}

// Tables that are too short, or lead too far.
static void test_tables(void **state)
{
	struct fixture *f = *state;
	const struct cpu_regs regs = registers(f);
	f->pieces[6].stack_off = 100000;
	f->types[2].size = 100000;
	read_ahead(f, &regs);
	assert_window(f, STACK, NULL, 0);
	assert_int_equal(f->use.ahead.num_pointers, 1);
	f->types[2].size = 8;
	for (uint32_t i = 0; i < 6; i++)
		f->edges[i] = f->edges[0];
	f->types[1].num_edges = 1000;
	read_ahead(f, &regs);
	assert_int_equal(f->use.ahead.num_pointers, PTRACE_POINTERS);
	f->shared.tables.plan.num_edges = 2;
	read_ahead(f, &regs);
	assert_int_equal(f->use.ahead.num_pointers, 2);
	f->shared.tables.plan.num_pieces = 0;
	read_ahead(f, &regs);
	assert_int_equal(f->use.ahead.num_pointers, 0);
	f->probe.frame_type = 77;
	read_ahead(f, &regs);
	assert_int_equal(f->use.ahead.num_pointers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_everything, begin, end),
		cmocka_unit_test_setup_teardown(test_only_what_is_followed, begin, end),
		cmocka_unit_test_setup_teardown(test_nowhere, begin, end),
		cmocka_unit_test_setup_teardown(test_no_frame, begin, end),
		cmocka_unit_test_setup_teardown(test_tables, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
