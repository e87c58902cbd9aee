// SPDX-License-Identifier: GPL-2.0-or-later
// Probes become links: one uprobe_multi link for the exits and one for the entries of an arming, or a perf
// event for each site where the kernel has no such links.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bpf/wire.h"
#include "bpf/gotrace.skel.h"
#include "tracer/backend/ebpf.h"
#include "tracer/backend/features.h"

enum {
	ERRNO_NOTSUPP = 524
}; // the kernel's own, which it lets out where an instruction cannot be probed

struct sites_list { // what one link takes
	unsigned long *offsets;
	unsigned long long *cookies;
	size_t num;
};

static void sites_list_deinit(struct sites_list *list)
{
	free(list->offsets);
	free(list->cookies);
}

bool ebpf_is_exit(const struct wire_probe *probe)
{
	return probe->kind == WIRE_PROBE_RETURN || probe->kind == WIRE_PROBE_TAIL ||
	       probe->kind == WIRE_PROBE_END;
}

// The sites of some functions of the plan: exits, or all others.
static struct error *sites_list_init(struct sites_list *list, const struct plan *plan, uint32_t id,
				     const uint32_t *funcs, size_t num, bool exits)
{
	*list = (struct sites_list){0};
	size_t max = 0;
	for (size_t i = 0; i < num; i++)
		max += plan->funcs[funcs[i]]->num_probes;
	list->offsets = calloc(max ? max : 1, sizeof(*list->offsets));
	list->cookies = calloc(max ? max : 1, sizeof(*list->cookies));
	if (!list->offsets || !list->cookies) {
		sites_list_deinit(list);
		return error_nomem();
	}
	for (size_t i = 0; i < num; i++) {
		const struct plan_func *func = plan->funcs[funcs[i]];
		if (exits && func->is_counted)
			continue;
		for (uint32_t j = 0; j < func->num_probes; j++) {
			uint32_t probe = func->first_probe + j;
			if (ebpf_is_exit(&plan->tables.probes[probe]) != exits)
				continue;
			list->offsets[list->num] = plan->probes[probe].off;
			list->cookies[list->num++] = probe | (uint64_t)id << 32;
		}
	}
	return NULL;
}

static struct error *keep_link(struct ebpf_arming *arming, int link)
{
	int *links = realloc(arming->link, (arming->num + 1) * sizeof(*links));
	if (!links) {
		close(link);
		return error_nomem();
	}
	arming->link = links;
	links[arming->num++] = link;
	return NULL;
}

static int attach_multi(const struct backend *backend, const struct sites_list *list)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .uprobe_multi.path = backend->exe,
		    .uprobe_multi.offsets = list->offsets, .uprobe_multi.cookies = list->cookies,
		    .uprobe_multi.cnt = (uint32_t)list->num);
	if (backend->by_process)
		options.uprobe_multi.pid = (uint32_t)backend->target.pid;
	int program = ebpf_program(backend);
	return bpf_link_create(program, 0, (enum bpf_attach_type)EBPF_UPROBE_MULTI, &options);
}

// The kernel's number for uprobes as perf events, 0 if it has none.
static uint32_t perf_type(void)
{
	CLEANUP_FCLOSE FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	uint32_t type;
	return file && fscanf(file, "%u", &type) == 1 ? type : 0;
}

// A uprobe as a perf event of all processes; the program looks for the target itself.
static int attach_perf(const struct backend *backend, uint32_t type, unsigned long offset,
		       uint64_t cookie)
{
	if (!type)
		return -ENOENT;
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = type,
		.uprobe_path = (uint64_t)(uintptr_t)backend->exe,
		.probe_offset = offset,
	};
	CLEANUP_CLOSE int event =
		(int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	LIBBPF_OPTS(bpf_link_create_opts, options, .perf_event.bpf_cookie = cookie);
	// The link holds the event, which ends with it.
	return bpf_link_create(ebpf_program(backend), event, BPF_PERF_EVENT, &options);
}

// Attaches all of a list. A negative errno where the kernel refuses; what was attached stays in the arming.
static struct error *attach(const struct backend *backend, const struct sites_list *list,
			    struct ebpf_arming *arming, int *refused)
{
	size_t step = backend->is_multi ? list->num : 1;
	uint32_t type = backend->is_multi ? 0 : perf_type();
	*refused = 0;
	for (size_t i = 0; i < list->num; i += step) {
		int link = backend->is_multi
				   ? attach_multi(backend, list)
				   : attach_perf(backend, type, list->offsets[i], list->cookies[i]);
		if (link < 0) {
			*refused = link;
			return NULL;
		}
		struct error *err = keep_link(arming, link);
		if (err)
			return err;
	}
	return NULL;
}

static void drop_links(struct ebpf_arming *arming, size_t keep)
{
	while (arming->num > keep)
		close(arming->link[--arming->num]);
}

static struct error *arm_range(struct backend *backend, const uint32_t *funcs, size_t num,
			       struct ebpf_arming *arming, int *refused)
{
	size_t before = arming->num;
	*refused = 0;
	for (int exits = 1; exits >= 0; exits--) {
		struct sites_list list;
		struct error *err =
			sites_list_init(&list, backend->plan, arming->id, funcs, num, exits);
		if (err)
			return err;
		err = attach(backend, &list, arming, refused);
		sites_list_deinit(&list);
		if (err || *refused) {
			drop_links(arming, before);
			return err;
		}
	}
	return NULL;
}

// True where the kernel means a site, so that others may still be taken.
static bool is_about_site(int refused)
{
	return refused == -EINVAL || refused == -ENOTSUP || refused == -ERRNO_NOTSUPP ||
	       refused == -EIO || refused == -ENOEXEC;
}

static struct error *refusal(int refused, const char *what)
{
	const char *advice = features_advice(-refused);
	if (refused == -ERRNO_NOTSUPP)
		return error_new("%s: the kernel cannot put a probe there", what);
	if (refused == -ESRCH)
		return error_errno(ESRCH, "%s", what);
	return error_errno(-refused, "%s: the kernel refuses a uprobe%s%s%s", what,
			   advice ? " (" : "", advice ? advice : "", advice ? ")" : "");
}

struct halves { // functions of an arming that are still to be taken
	size_t first, num;
};

// Arms what can be armed: where the kernel refuses a site of many functions, halves are tried until the one is
// found. The arming keeps the functions armed alone; *last is the last refusal.
static struct error *arm_halves(struct backend *backend, struct ebpf_arming *arming,
				struct error **last)
{
	struct halves stack[64] = {{0, arming->num_funcs}}; // one more at most for each bit of num
	size_t num_armed = 0;
	for (size_t depth = 1; depth;) {
		struct halves now = stack[--depth];
		int refused;
		struct error *err =
			arm_range(backend, &arming->funcs[now.first], now.num, arming, &refused);
		if (err)
			return err;
		if (!refused) {
			memmove(&arming->funcs[num_armed], &arming->funcs[now.first],
				now.num * sizeof(*arming->funcs));
			num_armed += now.num;
			continue;
		}
		struct plan_func *func = backend->plan->funcs[arming->funcs[now.first]];
		const char *name = func->func->name;
		if (!is_about_site(refused))
			return refusal(refused, name);
		if (now.num > 1) {
			size_t half = now.num / 2;
			stack[depth++] = (struct halves){now.first + half, now.num - half};
			stack[depth++] = (struct halves){now.first, half};
			continue;
		}
		error_free(*last);
		*last = refusal(refused, name);
		plan_func_refuse(func, error_message(*last) + strlen(name) + strlen(": "));
	}
	arming->num_funcs = num_armed;
	return NULL;
}

// Each perf event waits for all processors when it ends, and its process cannot be killed meanwhile.
static void warn_of_slow_end(const struct backend *backend, const struct ebpf_arming *arming)
{
	enum { MANY = 50, ENDED_A_SECOND = 10 };
	size_t num = 0;
	for (size_t i = 0; i < arming->num_funcs; i++)
		num += backend->plan->funcs[arming->funcs[i]]->num_probes;
	if (!backend->is_multi && num > MANY)
		log_warning(
			"this kernel has no uprobe_multi links (6.6): at the end it takes %zu probes "
			"off one by one, which can take some %zu s; fewer functions or --no-return help",
			num, num / ENDED_A_SECOND);
}

struct error *ebpf_links_arm(struct backend *backend, struct ebpf_arming *arming)
{
	warn_of_slow_end(backend, arming);
	struct error *last = NULL;
	struct error *err = arm_halves(backend, arming, &last);
	if (!err && !arming->num_funcs)
		return last;
	error_free(last);
	return err;
}

void ebpf_links_disarm(struct ebpf_arming *arming)
{
	drop_links(arming, 0); // the last first: entries, then exits
	free(arming->link);
	free(arming->funcs);
	*arming = (struct ebpf_arming){0};
}
