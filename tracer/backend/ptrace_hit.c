// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <time.h>

#include "tracer/backend/ptrace.h"

enum { STACK, G };			// windows
enum { LOWEST = 4096, ADDR_BITS = 47 }; // of user space

// --- Memory ------------------------------------------------------------------------------------

bool ptrace_hit_read(void *context, void *dst, size_t len, uint64_t addr)
{
	struct ptrace_worker *worker = context;
	for (size_t i = 0; i < 2; i++) {
		const struct ptrace_window *window = &worker->windows[i];
		if (addr >= window->addr && len <= window->len &&
		    addr - window->addr <= window->len - len) {
			memcpy(dst, window->bytes + (addr - window->addr), len);
			return true;
		}
	}
	struct iovec local = {dst, len}, remote = {(void *)(uintptr_t)addr, len};
	return process_vm_readv(worker->reading, &local, 1, &remote, 1, 0) == (ssize_t)len;
}

bool ptrace_hit_write(void *context, uint64_t addr, const void *src, size_t len)
{
	struct ptrace_worker *worker = context;
	struct iovec local = {(void *)(uintptr_t)src, len}, remote = {(void *)(uintptr_t)addr, len};
	if (process_vm_writev(worker->reading, &local, 1, &remote, 1, 0) != (ssize_t)len)
		return false;
	worker->windows[STACK].len = worker->windows[G].len = 0;
	return true;
}

static uint32_t find_dynamic(void *context, uint64_t rtype)
{
	const struct ptrace_worker *worker = context;
	return ptrace_shared_dynamic(worker->shared, rtype);
}

struct error *ptrace_hit_init(struct ptrace_worker *worker)
{
	struct hit_source source = {
		.tables = &worker->shared->tables,
		.settings = &worker->shared->settings,
		.stacks = &worker->shared->stacks,
		.only_goid = worker->shared->only_goid,
		.budgets = worker->shared->budgets,
		.num_budgets = worker->shared->num_lost,
		.read = ptrace_hit_read,
		.dynamic = find_dynamic,
		.context = worker,
	};
	return hit_maker_create(&source, &worker->maker);
}

void ptrace_hit_forget(struct ptrace_worker *worker)
{
	const struct ptrace_shared *shared = worker->shared;
	for (uint32_t i = 0; i < shared->num_request; i++)
		hit_forget(worker->maker, shared->tables.probes[shared->request[i]].func);
}

// --- Reading ahead -----------------------------------------------------------------------------

static uint64_t find_g(struct ptrace_worker *worker, const struct ptrace_breakpoint *breakpoint,
		       const struct user_regs_struct *regs)
{
	const struct ptrace_shared *shared = worker->shared;
	uint16_t flags = shared->tables.probes[breakpoint->uses[0].probe].flags;
	if (!(flags & WIRE_G_IN_TLS))
		return regs->r14;
	uint64_t g = 0;
	uint64_t place = regs->fs_base + (uint64_t)(int64_t)shared->settings.tls_g;
	return ptrace_hit_read(worker, &g, sizeof(g), place) ? g : 0;
}

// Bytes of runtime.g up to the last that is wanted; 0: not read ahead.
static uint64_t g_bytes(const struct wire_settings *settings)
{
	uint64_t bytes =
		settings->g_goid > settings->g_stack_hi ? settings->g_goid : settings->g_stack_hi;
	bytes += sizeof(uint64_t);
	return settings->has_goid && bytes <= PTRACE_WINDOW ? bytes : 0;
}

void ptrace_hit_prepare(struct ptrace_worker *worker, const struct ptrace_thread *thread,
			const struct ptrace_breakpoint *breakpoint,
			const struct user_regs_struct *regs)
{
	struct ptrace_window *windows = worker->windows;
	windows[STACK].len = windows[G].len = 0;
	worker->reading = thread->tid;
	if (!breakpoint->num_uses || thread->kind != PTRACE_THREAD)
		return;
	uint64_t stack = 0;
	for (uint32_t i = 0; i < breakpoint->num_uses; i++)
		if (breakpoint->uses[i].stack_bytes > stack)
			stack = breakpoint->uses[i].stack_bytes;
	if (stack == sizeof(uint64_t) && breakpoint->step.insn.kind != INSN_RET)
		stack = 0;
	uint64_t g = find_g(worker, breakpoint, regs), num_g = g_bytes(&worker->shared->settings);
	if (g < LOWEST || g >> ADDR_BITS)
		num_g = 0;
	// The first that cannot be read ends it; the stack always can.
	struct iovec local[2] = {{windows[STACK].bytes, stack}, {windows[G].bytes, num_g}};
	struct iovec remote[2] = {{(void *)(uintptr_t)regs->rsp, stack},
				  {(void *)(uintptr_t)g, num_g}};
	ssize_t len = process_vm_readv(thread->tid, local, 2, remote, 2, 0);
	if (len >= (ssize_t)stack) {
		windows[STACK].addr = regs->rsp;
		windows[STACK].len = stack;
	}
	if (len == (ssize_t)(stack + num_g)) {
		windows[G].addr = g;
		windows[G].len = num_g;
	}
}

// --- Records -----------------------------------------------------------------------------------

static bool read_floats(pid_t tid, uint64_t out[HIT_FLOATS])
{
	struct user_fpregs_struct floats;
	if (ptrace(PTRACE_GETFPREGS, tid, NULL, &floats))
		return false;
	for (size_t i = 0; i < HIT_FLOATS; i++)
		memcpy(&out[i], &floats.xmm_space[i * 4], sizeof(out[i]));
	return true;
}

static struct hit_regs convert(const struct user_regs_struct *regs)
{
	return (struct hit_regs){
		.ints = {regs->rax, regs->rbx, regs->rcx, regs->rdi, regs->rsi, regs->r8, regs->r9,
			 regs->r10, regs->r11, regs->rdx},
		.sp = regs->rsp,
		.bp = regs->rbp,
		.r14 = regs->r14,
		.flags = regs->eflags,
		.fs_base = regs->fs_base,
	};
}

static void emit(struct ptrace_worker *worker, uint32_t probe, const struct wire_record *record)
{
	struct ptrace_shared *shared = worker->shared;
	if (ptrace_ring_put(&shared->ring, record)) {
		shared->hits++;
		return;
	}
	hit_lost(worker->maker);
	shared->lost_buffer++;
	uint32_t func = shared->tables.probes[probe].func;
	if (func < shared->num_lost)
		shared->lost[func]++;
}

void ptrace_hit_record(struct ptrace_worker *worker, const struct ptrace_thread *thread,
		       const struct ptrace_breakpoint *breakpoint,
		       const struct user_regs_struct *regs)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	struct hit_regs hit = convert(regs);
	uint64_t floats[HIT_FLOATS];
	bool has_floats = false;
	for (uint32_t i = 0; i < breakpoint->num_uses; i++) {
		const struct ptrace_use *use = &breakpoint->uses[i];
		if (use->wants_floats && !has_floats)
			has_floats = read_floats(thread->tid, floats);
		hit.floats = use->wants_floats && has_floats ? floats : NULL;
		const struct wire_record *record =
			hit_record(worker->maker, use->probe, (uint32_t)thread->tid, time_ns, &hit);
		if (record)
			emit(worker, use->probe, record);
	}
}
