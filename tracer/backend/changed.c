// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/changed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/trap.h"
#include "base/log.h"
#include "tracer/target/code.h"

struct look { // the check of one function
	const struct loaded *loaded;
	const struct armed *armed;
	const struct plan_func *func;
	bool is_changed;
	uint64_t trap; // vaddr of a site with a breakpoint; 0: none
};

struct own_sites { // sites of armed functions, ascending
	uint64_t *vaddr;
	size_t num;
	bool is_known;
};

static bool is_site(const struct look *look, uint64_t vaddr)
{
	for (uint32_t i = 0; i < look->func->num_probes; i++)
		if (look->loaded->plan->probes[look->func->first_probe + i].vaddr == vaddr)
			return true;
	return false;
}

// True if the kernel may have written this for a uprobe on a nop.
static bool is_nop_of_uprobe(const struct look *look, uint64_t vaddr)
{
	for (uint64_t back = 0; back < TRAP_NOP_BYTES && back <= vaddr; back++) {
		const uint8_t *file;
		uint8_t first;
		uint64_t at = vaddr - back;
		if (image_text(look->loaded->image, at, TRAP_NOP_BYTES, &file) &&
		    pread(look->loaded->mem, &first, 1, (off_t)loaded_addr(look->loaded, at)) ==
			    1 &&
		    trap_is_nop(file, first))
			return true;
	}
	return false;
}

// Differences from padding in the file are ignored: between functions, a tracer may write
// instructions to execute out of line. Breakpoints outside of our sites are
// ignored, too.
static bool on_change(void *context, const struct target_code_change *change)
{
	struct look *look = context;
	uint8_t padding = image_arch(look->loaded->image)->padding;
	for (size_t i = 0; i < change->len && !look->is_changed; i++) {
		uint64_t vaddr = change->vaddr + i;
		if (change->file[i] == padding)
			continue;
		if (!trap_is(change->memory + i, change->len - i))
			look->is_changed = !is_nop_of_uprobe(look, vaddr);
		else if (is_site(look, vaddr))
			look->trap = vaddr;
	}
	return !look->is_changed;
}

static int by_vaddr(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

static bool is_own(struct own_sites *own, const struct look *look, uint64_t vaddr)
{
	const struct plan *plan = look->loaded->plan;
	if (!own->is_known) {
		own->is_known = true;
		own->vaddr = calloc(plan->tables.num_probes + 1, sizeof(*own->vaddr));
		for (size_t i = 0; own->vaddr && i < plan->num_funcs; i++) {
			const struct plan_func *func = plan->funcs[i];
			for (uint32_t j = 0; look->armed->funcs[i].is_armed && j < func->num_probes;
			     j++)
				own->vaddr[own->num++] = plan->probes[func->first_probe + j].vaddr;
		}
		if (own->vaddr)
			qsort(own->vaddr, own->num, sizeof(*own->vaddr), by_vaddr);
	}
	return own->vaddr && bsearch(&vaddr, own->vaddr, own->num, sizeof(vaddr), by_vaddr);
}

// Writes to why who owns a breakpoint that forbids arming, if it does. A uprobe must not be
// attached at the breakpoint of a tracer by ptrace, which would not see its hits any more; and the
// end of the uprobe would remove the breakpoint. Without such a tracer, the breakpoint is a
// uprobe's, or was left behind by a tracer that was killed. A worker ignores another tracer here:
// it fails to attach later.
static void say_who(pid_t pid, pid_t worker, char *why, size_t size)
{
	char name[32];
	pid_t tracer = target_code_tracer(pid, name);
	if (tracer == getpid() || tracer == worker) // we trace a program that we start
		tracer = 0;
	if (worker && !tracer)
		snprintf(
			why, size,
			"another tracer's uprobe is there already (of perf, bpftrace or gotrace by eBPF)");
	else if (!worker && tracer)
		snprintf(
			why, size,
			"a breakpoint of process %d (%s), which traces it by ptrace, is there already",
			(int)tracer, name[0] ? name : "its name is not known");
}

// Writes to why the reason that the function must not be armed; "" if it may be armed.
static struct error *examine(const struct look *before, pid_t worker, struct own_sites *own,
			     char *why, size_t size)
{
	struct look look = *before;
	const struct func *func = look.func->func;
	why[0] = '\0';
	switch (target_code_compare(look.loaded, func->vaddr, func->size, on_change, &look)) {
	case TARGET_CODE_GONE:
		return error_new("%d: the program has ended, or executed another one",
				 (int)look.loaded->pid);
	case TARGET_CODE_UNREADABLE:
		snprintf(why, size, "its code in memory cannot be read");
		return NULL;
	case TARGET_CODE_READ:
		break;
	}
	if (look.is_changed)
		snprintf(why, size, "its code was changed in memory");
	else if (look.trap && !is_own(own, &look, look.trap))
		say_who(look.loaded->pid, worker, why, size);
	return NULL;
}

struct error *changed_exclude(const struct loaded *loaded, struct armed *armed, pid_t worker,
			      uint32_t *funcs, size_t *num)
{
	if (loaded->mem < 0 || !*num)
		return NULL;
	struct own_sites own = {0};
	const struct plan_func *last = NULL;
	struct error *err = NULL;
	size_t kept = 0;
	for (size_t i = 0; i < *num && !err; i++) {
		const struct plan_func *func = loaded->plan->funcs[funcs[i]];
		struct look look = {.loaded = loaded, .armed = armed, .func = func};
		char why[160];
		err = examine(&look, worker, &own, why, sizeof(why));
		if (why[0]) {
			armed_refuse(armed, funcs[i], why);
			last = func;
			if (armed->funcs[funcs[i]].is_armed)
				log_warning("%s: %s: it is not traced any more", func->func->name,
					    why);
			armed->funcs[funcs[i]].is_armed = false;
		} else {
			funcs[kept++] = funcs[i];
		}
	}
	free(own.vaddr);
	if (!err && !kept) {
		const char *refused = armed->funcs[last->number].refused;
		err = error_new("%s: %s", last->func->name, refused ? refused : "");
	}
	if (!err)
		*num = kept;
	return err;
}
