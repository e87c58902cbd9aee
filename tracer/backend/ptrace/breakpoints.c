// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tracer/backend/ptrace/ptrace.h"

// The write is atomic, even while the target runs. The kernel gives the target a private
// copy of the page, which the target itself cannot write.
static bool write_code(int mem, uint64_t addr, trap_code code)
{
	return pwrite(mem, &code, sizeof(code), (off_t)addr) == sizeof(code);
}

static bool read_code(int mem, uint64_t addr, trap_code *out)
{
	return pread(mem, out, sizeof(*out), (off_t)addr) == sizeof(*out);
}

static trap_code first_code(const uint8_t *bytes)
{
	trap_code code;
	memcpy(&code, bytes, sizeof(code));
	return code;
}

struct ptrace_breakpoint *ptrace_breakpoints_find(struct ptrace_worker *worker, uint64_t addr)
{
	struct ptrace_breakpoint *breakpoint;
	HASH_FIND (hh, worker->breakpoints, &addr, sizeof(addr), breakpoint)
		;
	return breakpoint;
}

static const char *create(struct ptrace_worker *worker, uint64_t addr,
			  struct ptrace_breakpoint **out)
{
	uint8_t code[INSN_MAX_BYTES];
	ssize_t len = pread(worker->mem, code, sizeof(code), (off_t)addr);
	if (len <= 0)
		return "its code cannot be read";
	if (first_code(code) == TRAP)
		return "another tracer's breakpoint is there";
	struct step step;
	const char *refused = step_init(&step, code, (size_t)len);
	if (!refused && !step.emulate && !worker->shared->slots.num)
		refused =
			"its instruction would have to be executed elsewhere, and there is no room";
	if (refused)
		return refused;
	struct ptrace_breakpoint *breakpoint = calloc(1, sizeof(*breakpoint));
	if (!breakpoint)
		return "out of memory";
	breakpoint->addr = addr;
	breakpoint->step = step;
	HASH_ADD(hh, worker->breakpoints, addr, sizeof(addr), breakpoint);
	if (!breakpoint->hh.tbl) {
		free(breakpoint);
		return "out of memory";
	}
	*out = breakpoint;
	return NULL;
}

static bool add_use(const struct ptrace_shared *shared, struct ptrace_breakpoint *breakpoint,
		    uint32_t probe)
{
	struct ptrace_use *uses =
		realloc(breakpoint->uses, (breakpoint->num_uses + 1) * sizeof(*uses));
	if (!uses)
		return false;
	breakpoint->uses = uses;
	uint32_t i = breakpoint->num_uses++;
	for (; i && uses[i - 1].probe > probe; i--)
		uses[i] = uses[i - 1];
	uses[i] = (struct ptrace_use){
		.probe = probe,
		.wants_floats = hit_wants_floats(&shared->tables.plan, probe),
	};
	ptrace_ahead_init(&uses[i].ahead, &shared->tables.plan, &shared->settings, probe);
	return true;
}

static const char *arm(struct ptrace_worker *worker, uint32_t probe)
{
	const struct ptrace_shared *shared = worker->shared;
	if (probe >= shared->tables.plan.num_probes)
		return "is not in the plan";
	uint64_t addr = shared->addrs[probe];
	struct ptrace_breakpoint *breakpoint = ptrace_breakpoints_find(worker, addr);
	const char *refused = breakpoint ? NULL : create(worker, addr, &breakpoint);
	if (refused)
		return refused;
	if (!add_use(shared, breakpoint, probe))
		return "out of memory";
	if (!breakpoint->is_written)
		breakpoint->is_written = write_code(worker->mem, addr, TRAP);
	return breakpoint->is_written ? NULL : "its code cannot be written";
}

bool ptrace_breakpoints_arm(struct ptrace_worker *worker, struct ptrace_reply *reply)
{
	const struct ptrace_shared *shared = worker->shared;
	for (uint32_t i = 0; i < shared->num_request; i++) {
		uint32_t probe = shared->request[i];
		const char *refused = arm(worker, probe);
		if (!refused)
			continue;
		ptrace_breakpoints_disarm(worker);
		snprintf(reply->message, sizeof(reply->message), "no breakpoint at 0x%llx: %s",
			 (unsigned long long)shared->addrs[probe], refused);
		return false;
	}
	return true;
}

void ptrace_breakpoints_repair(struct ptrace_worker *worker)
{
	const struct ptrace_shared *shared = worker->shared;
	for (uint32_t i = 0; i < shared->num_request; i++) {
		const struct ptrace_breakpoint *breakpoint =
			ptrace_breakpoints_find(worker, shared->addrs[shared->request[i]]);
		trap_code code;
		if (breakpoint && breakpoint->is_written &&
		    read_code(worker->mem, breakpoint->addr, &code) &&
		    code == first_code(breakpoint->step.bytes))
			write_code(worker->mem, breakpoint->addr, TRAP);
	}
}

// If something else was written over our breakpoint, it is another process's code and
// stays.
static void restore_code(int mem, const struct ptrace_breakpoint *breakpoint)
{
	trap_code code;
	if (read_code(mem, breakpoint->addr, &code) && code == TRAP)
		write_code(mem, breakpoint->addr, first_code(breakpoint->step.bytes));
}

// A removed breakpoint stays in the table, because threads that hit it before may still report
// that.
static void take_off(struct ptrace_worker *worker, struct ptrace_breakpoint *breakpoint)
{
	if (breakpoint->num_uses || !breakpoint->is_written)
		return;
	restore_code(worker->mem, breakpoint);
	breakpoint->is_written = false;
}

static void disarm(struct ptrace_worker *worker, uint32_t probe)
{
	const struct ptrace_shared *shared = worker->shared;
	struct ptrace_breakpoint *breakpoint =
		probe < shared->tables.plan.num_probes
			? ptrace_breakpoints_find(worker, shared->addrs[probe])
			: NULL;
	if (!breakpoint)
		return;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < breakpoint->num_uses; i++)
		if (breakpoint->uses[i].probe != probe)
			breakpoint->uses[kept++] = breakpoint->uses[i];
	breakpoint->num_uses = kept;
	take_off(worker, breakpoint);
}

void ptrace_breakpoints_disarm(struct ptrace_worker *worker)
{
	for (uint32_t i = 0; i < worker->shared->num_request; i++)
		disarm(worker, worker->shared->request[i]);
}

void ptrace_breakpoints_disarm_all(struct ptrace_worker *worker)
{
	struct ptrace_breakpoint *breakpoint, *next;
	HASH_ITER (hh, worker->breakpoints, breakpoint, next) {
		breakpoint->num_uses = 0;
		take_off(worker, breakpoint);
	}
}

void ptrace_breakpoints_clean(struct ptrace_worker *worker, pid_t pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	CLEANUP_CLOSE int mem = open(path, O_RDWR | O_CLOEXEC);
	if (mem < 0)
		return;
	struct ptrace_breakpoint *breakpoint, *next;
	HASH_ITER (hh, worker->breakpoints, breakpoint, next)
		restore_code(mem, breakpoint);
	ptrace_slots_restore(&worker->shared->slots, mem);
}

void ptrace_breakpoints_clear(struct ptrace_worker *worker)
{
	struct ptrace_breakpoint *breakpoint, *next;
	HASH_ITER (hh, worker->breakpoints, breakpoint, next) {
		HASH_DEL(worker->breakpoints, breakpoint);
		free(breakpoint->uses);
		free(breakpoint);
	}
}
