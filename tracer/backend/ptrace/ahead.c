// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <sys/uio.h>

#include "tracer/backend/ptrace/ptrace.h"

// Part of the memory that a hit will read is known in advance: the stack that holds pieces of the
// frame, the thread's g, and the memory that pointers in registers point to. One system call reads
// all of this.

enum { STACK, G, POINTERS };		// indexes of windows
enum { LOWEST = 4096, ADDR_BITS = 47 }; // user space's addresses

// --- At arming -----------------------------------------------------------------------------------

static const struct wire_piece *find_piece(const struct plan_tables *tables,
					   const struct wire_probe *probe, uint32_t i)
{
	uint64_t at = (uint64_t)probe->first_piece + i;
	return i < probe->num_pieces && at < tables->num_pieces ? &tables->pieces[at] : NULL;
}

// Bytes from SP on that hold the pieces of a probe's frame, and what is before them.
static uint16_t stack_bytes(const struct plan_tables *tables, const struct wire_probe *probe)
{
	uint64_t bytes = CPU_STACK_ARGS;
	const struct wire_piece *piece;
	for (uint32_t i = 0; (piece = find_piece(tables, probe, i)); i++) {
		uint64_t end = CPU_STACK_ARGS + (uint64_t)piece->stack_off + piece->size;
		if (piece->where == WIRE_STACK && end > bytes && end <= PTRACE_WINDOW)
			bytes = end;
	}
	return (uint16_t)bytes;
}

// The register that fills this word of the frame; -1 if none does.
static int find_register(const struct plan_tables *tables, const struct wire_probe *probe,
			 uint64_t frame_off)
{
	const struct wire_piece *piece;
	for (uint32_t i = 0; (piece = find_piece(tables, probe, i)); i++)
		if (piece->frame_off == frame_off)
			return piece->where == WIRE_INT_REG && piece->size == 8 ? piece->reg : -1;
	return -1;
}

static void add_pointer(const struct plan_tables *tables, const struct wire_probe *probe,
			const struct wire_edge *edge, struct ptrace_ahead *ahead)
{
	int reg = find_register(tables, probe, edge->offset), num_reg = -1;
	if (edge->kind != WIRE_EDGE_POINTER)
		num_reg = find_register(tables, probe, edge->offset + 8ull);
	bool is_known =
		edge->kind == WIRE_EDGE_POINTER ||
		((edge->kind == WIRE_EDGE_STRING || edge->kind == WIRE_EDGE_SLICE) && num_reg >= 0);
	if (reg < 0 || !is_known || edge->first || edge->type >= tables->num_types)
		return;
	uint32_t size = edge->kind == WIRE_EDGE_STRING ? 1 : tables->types[edge->type].size;
	if (size && size <= PTRACE_WINDOW)
		ahead->pointers[ahead->num_pointers++] = (struct ptrace_pointer){
			.reg = (uint8_t)reg,
			.num_reg = (int8_t)num_reg,
			.cap = edge->cap,
			.size = (uint16_t)size,
		};
}

void ptrace_ahead_init(struct ptrace_ahead *ahead, const struct plan_tables *tables,
		       const struct wire_settings *settings, uint32_t number)
{
	const struct wire_probe *probe = &tables->probes[number];
	*ahead = (struct ptrace_ahead){.stack_bytes = stack_bytes(tables, probe)};
	if (!probe->num_pieces || probe->frame_type >= tables->num_types)
		return;
	const struct wire_type *frame = &tables->types[probe->frame_type];
	for (uint32_t i = 0; i < frame->num_edges && ahead->num_pointers < PTRACE_POINTERS; i++) {
		uint64_t at = (uint64_t)frame->first_edge + i;
		if (at >= tables->num_edges)
			return;
		const struct wire_edge *edge = &tables->edges[at];
		if (!(edge->flags & WIRE_EDGE_STEP) || settings->depth)
			add_pointer(tables, probe, edge, ahead);
	}
}

// --- At a hit ------------------------------------------------------------------------------------

struct reading {
	struct ptrace_window *windows[2 + PTRACE_POINTERS];
	struct iovec local[2 + PTRACE_POINTERS], remote[2 + PTRACE_POINTERS];
	int num;
};

static void add(struct reading *reading, struct ptrace_window *window, uint64_t addr, uint64_t len)
{
	if (addr < LOWEST || addr >> ADDR_BITS || !len)
		return;
	window->addr = addr;
	reading->windows[reading->num] = window;
	reading->local[reading->num] = (struct iovec){window->bytes, len};
	reading->remote[reading->num++] = (struct iovec){(void *)(uintptr_t)addr, len};
}

static void add_pointers(struct ptrace_worker *worker, const struct ptrace_ahead *ahead,
			 const struct cpu_regs *regs, struct reading *reading)
{
	for (uint8_t i = 0; i < ahead->num_pointers; i++) {
		const struct ptrace_pointer *pointer = &ahead->pointers[i];
		uint64_t addr = regs->ints[pointer->reg], num = 1;
		if (pointer->num_reg >= 0)
			num = regs->ints[pointer->num_reg];
		if (num > pointer->cap && pointer->num_reg >= 0)
			num = pointer->cap;
		if (num * pointer->size <= PTRACE_WINDOW)
			add(reading, &worker->windows[POINTERS + i], addr, num * pointer->size);
	}
}

// Bytes of runtime.g up to the last field that is needed; 0: g is not read ahead.
static uint64_t g_bytes(const struct wire_settings *settings)
{
	uint64_t bytes =
		settings->g_goid > settings->g_stack_hi ? settings->g_goid : settings->g_stack_hi;
	bytes += sizeof(uint64_t);
	return settings->has_goid && bytes <= PTRACE_WINDOW ? bytes : 0;
}

static uint64_t find_g(struct ptrace_worker *worker, const struct ptrace_breakpoint *breakpoint,
		       const struct cpu_regs *regs)
{
	const struct ptrace_shared *shared = worker->shared;
	uint16_t flags = shared->tables.plan.probes[breakpoint->uses[0].probe].flags;
	if (!(flags & WIRE_G_IN_TLS))
		return regs->g;
	uint64_t g = 0;
	uint64_t place = regs->tls + (uint64_t)(int64_t)shared->settings.tls_g;
	return ptrace_hit_read(worker, &g, sizeof(g), place) ? g : 0;
}

void ptrace_ahead_forget(struct ptrace_worker *worker)
{
	for (size_t i = 0; i < sizeof(worker->windows) / sizeof(*worker->windows); i++)
		worker->windows[i].len = 0;
}

void ptrace_ahead_read(struct ptrace_worker *worker, const struct ptrace_breakpoint *breakpoint,
		       const struct cpu_regs *regs)
{
	uint64_t stack = 0;
	for (uint32_t i = 0; i < breakpoint->num_uses; i++)
		if (breakpoint->uses[i].ahead.stack_bytes > stack)
			stack = breakpoint->uses[i].ahead.stack_bytes;
	if (stack == sizeof(uint64_t) && !breakpoint->step.pops_address)
		stack = 0;
	struct reading reading = {0};
	add(&reading, &worker->windows[STACK], regs->sp, stack);
	add(&reading, &worker->windows[G], find_g(worker, breakpoint, regs),
	    g_bytes(&worker->shared->settings));
	add_pointers(worker, &breakpoint->uses[0].ahead, regs, &reading);
	ssize_t len = process_vm_readv(worker->reading, reading.local, (unsigned long)reading.num,
				       reading.remote, (unsigned long)reading.num, 0);
	// process_vm_readv() stops at the first range that it cannot read.
	for (int i = 0; i < reading.num && len >= (ssize_t)reading.local[i].iov_len; i++) {
		reading.windows[i]->len = reading.local[i].iov_len;
		len -= (ssize_t)reading.local[i].iov_len;
	}
}
