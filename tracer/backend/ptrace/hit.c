// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "tracer/backend/ptrace/ptrace.h"

// --- Memory ------------------------------------------------------------------------------------

bool ptrace_hit_read(void *context, void *dst, size_t len, uint64_t addr)
{
	struct ptrace_worker *worker = context;
	for (size_t i = 0; i < sizeof(worker->windows) / sizeof(*worker->windows); i++) {
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
	ptrace_ahead_forget(worker);
	return true;
}

static uint32_t find_dynamic(void *context, uint64_t rtype)
{
	const struct ptrace_worker *worker = context;
	return ptrace_shared_dynamic(worker->shared, rtype);
}

static bool emit(void *context, const struct wire_record *record)
{
	struct ptrace_shared *shared = ((struct ptrace_worker *)context)->shared;
	if (!ptrace_ring_put(&shared->ring, record))
		return false;
	shared->hits++;
	return true;
}

struct error *ptrace_hit_init(struct ptrace_worker *worker)
{
	struct ptrace_shared *shared = worker->shared;
	struct hit_source source = {
		.tables = &shared->tables,
		.target = worker->target,
		.settings = &shared->settings,
		.stacks = &shared->stacks,
		.aggregates = shared->aggregates.totals ? &shared->aggregates : NULL,
		.emit = emit,
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
		hit_forget(worker->maker, shared->tables.plan.probes[shared->request[i]].func);
}

// --- Records -----------------------------------------------------------------------------------

void ptrace_hit_prepare(struct ptrace_worker *worker, const struct ptrace_thread *thread,
			const struct ptrace_breakpoint *breakpoint,
			const struct user_regs_struct *regs)
{
	worker->reading = thread->tid;
	ptrace_ahead_forget(worker);
	if (!breakpoint->num_uses || thread->kind != PTRACE_THREAD)
		return;
	struct cpu_regs hit = thread_hit(regs);
	ptrace_ahead_read(worker, breakpoint, &hit);
}

void ptrace_hit_record(struct ptrace_worker *worker, const struct ptrace_thread *thread,
		       const struct ptrace_breakpoint *breakpoint,
		       const struct user_regs_struct *regs)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	struct cpu_regs hit = thread_hit(regs);
	uint64_t floats[CPU_FLOATS];
	bool has_floats = false;
	for (uint32_t i = 0; i < breakpoint->num_uses; i++) {
		const struct ptrace_use *use = &breakpoint->uses[i];
		if (use->wants_floats && !has_floats)
			has_floats = thread_floats(thread->tid, floats);
		hit.floats = use->wants_floats && has_floats ? floats : NULL;
		hit_record(worker->maker, use->probe, (uint32_t)thread->tid, time_ns, &hit);
	}
}
