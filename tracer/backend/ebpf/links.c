// SPDX-License-Identifier: GPL-2.0-or-later
// Attaches probes by links: one uprobe_multi link for the exits of an arming and one for its
// entries, or a perf event for each site if the kernel has no such links.
//
// A separate process, the keeper, makes the links of an arming and is the only process that holds
// them. If a fatal signal is pending in the process that attaches or detaches a uprobe, the kernel
// leaves breakpoints in the target for ever. Therefore uprobes are attached by a process that
// signals to gotrace do not reach. They are detached by the exit of that process, because an
// exiting process has no pending signals, even if it was killed. The keeper exits when gotrace
// closes its socket, or ends for any reason.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bpf/wire.h"
#include "bpf/gotrace.skel.h"
#include "tracer/backend/ebpf/ebpf.h"
#include "tracer/backend/features.h"

// An errno that is internal to the kernel (include/linux/errno.h), but returned to user space if an
// instruction cannot be probed.
enum { ERRNO_NOTSUPP = 524 };

struct sites_list { // the sites of one link
	unsigned long *offsets;
	unsigned long long *cookies;
	size_t num;
};

static void sites_list_deinit(struct sites_list *list)
{
	free(list->offsets);
	free(list->cookies);
}

// Collects the sites of these functions of the plan: the exits, or all others.
static int sites_list_init(struct sites_list *list, const struct ebpf *backend, uint32_t id,
			   const uint32_t *funcs, size_t num, bool exits)
{
	const struct plan *plan = backend->loaded.plan;
	*list = (struct sites_list){0};
	size_t max = 0;
	for (size_t i = 0; i < num; i++)
		max += plan->funcs[funcs[i]]->num_probes;
	list->offsets = calloc(max ? max : 1, sizeof(*list->offsets));
	list->cookies = calloc(max ? max : 1, sizeof(*list->cookies));
	if (!list->offsets || !list->cookies) {
		sites_list_deinit(list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < num; i++) {
		const struct plan_func *func = plan->funcs[funcs[i]];
		if (exits && backend->armed->funcs[funcs[i]].is_counted)
			continue;
		for (uint32_t j = 0; j < func->num_probes; j++) {
			uint32_t probe = func->first_probe + j;
			if (tables_is_exit(&plan->tables.probes[probe]) != exits)
				continue;
			list->offsets[list->num] = plan->probes[probe].off;
			list->cookies[list->num++] = wire_cookie(backend->loaded.number, id, probe);
		}
	}
	return 0;
}

// --- The keeper ----------------------------------------------------------------------------------

struct keeper { // the keeper's copy of gotrace's state at the fork
	const struct ebpf *backend;
	int exe_fd;
	char exe[32]; // a path by that descriptor
	const struct ebpf_arming *arming;
	int *link; // descriptors of links
	size_t num;
};

struct news { // from the keeper: one for each refused function, then one for the end
	bool is_end;
	uint32_t func;	 // index in the arming
	int32_t refused; // negative errno; 0 at the end: all other functions are armed
};

static int keep_link(struct keeper *keeper, int link)
{
	int *links = realloc(keeper->link, (keeper->num + 1) * sizeof(*links));
	if (!links) {
		close(link);
		return -ENOMEM;
	}
	keeper->link = links;
	links[keeper->num++] = link;
	return 0;
}

static int attach_multi(const struct keeper *keeper, const struct sites_list *list)
{
	const struct ebpf *backend = keeper->backend;
	LIBBPF_OPTS(bpf_link_create_opts, options, .uprobe_multi.path = keeper->exe,
		    .uprobe_multi.offsets = list->offsets, .uprobe_multi.cookies = list->cookies,
		    .uprobe_multi.cnt = (uint32_t)list->num);
	if (backend->by_process)
		options.uprobe_multi.pid = (uint32_t)backend->loaded.pid;
	int program = ebpf_program(backend);
	return bpf_link_create(program, 0, (enum bpf_attach_type)EBPF_UPROBE_MULTI, &options);
}

// The kernel's type number of perf events that are uprobes; 0 if it has none.
static uint32_t perf_type(void)
{
	CLEANUP_FCLOSE FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	uint32_t type;
	return file && fscanf(file, "%u", &type) == 1 ? type : 0;
}

// Attaches a uprobe as a perf event of all processes. The program ignores all processes except the
// target.
static int attach_perf(const struct keeper *keeper, uint32_t type, unsigned long offset,
		       uint64_t cookie)
{
	if (!type)
		return -ENOENT;
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = type,
		.uprobe_path = (uint64_t)(uintptr_t)keeper->exe,
		.probe_offset = offset,
	};
	CLEANUP_CLOSE int event =
		(int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	LIBBPF_OPTS(bpf_link_create_opts, options, .perf_event.bpf_cookie = cookie);
	// The link keeps the event open, until the link ends.
	return bpf_link_create(ebpf_program(keeper->backend), event, BPF_PERF_EVENT, &options);
}

// Attaches all sites of a list. Returns a negative errno if the kernel refuses; the keeper then
// still holds the sites that were attached.
static int attach(struct keeper *keeper, const struct sites_list *list)
{
	const struct ebpf *backend = keeper->backend;
	size_t step = backend->is_multi ? list->num : 1;
	uint32_t type = backend->is_multi ? 0 : perf_type();
	for (size_t i = 0; i < list->num; i += step) {
		int link = backend->is_multi
				   ? attach_multi(keeper, list)
				   : attach_perf(keeper, type, list->offsets[i], list->cookies[i]);
		int refused = link < 0 ? link : keep_link(keeper, link);
		if (refused)
			return refused;
	}
	return 0;
}

static int arm_range(struct keeper *keeper, const uint32_t *funcs, size_t num)
{
	size_t before = keeper->num;
	for (int exits = 1; exits >= 0; exits--) {
		struct sites_list list;
		int refused = sites_list_init(&list, keeper->backend, keeper->arming->id, funcs,
					      num, exits);
		if (refused)
			return refused;
		refused = attach(keeper, &list);
		sites_list_deinit(&list);
		if (refused) {
			while (keeper->num > before)
				close(keeper->link[--keeper->num]);
			return refused;
		}
	}
	return 0;
}

// True if the errno is about one site, so that other sites may still be attached.
static bool is_about_site(int refused)
{
	return refused == -EINVAL || refused == -ENOTSUP || refused == -ERRNO_NOTSUPP ||
	       refused == -EIO || refused == -ENOEXEC;
}

struct halves { // a range of an arming's functions that is still to be armed
	size_t first, num;
};

static void tell(int socket, bool is_end, size_t func, int refused)
{
	struct news news = {.is_end = is_end, .func = (uint32_t)func, .refused = refused};
	// If gotrace has ended, this fails, and the next recv() shows the end of the socket.
	send(socket, &news, sizeof(news), MSG_NOSIGNAL);
}

// Arms all functions that can be armed. If the kernel refuses a site in a range of functions, both
// halves of the range are tried, until the function of that site is found.
static void arm_halves(struct keeper *keeper, int socket)
{
	const struct ebpf_arming *arming = keeper->arming;
	// At most one more entry for each bit of num_funcs.
	struct halves stack[64] = {{0, arming->num_funcs}};
	for (size_t depth = 1; depth;) {
		struct halves now = stack[--depth];
		int refused = arm_range(keeper, &arming->funcs[now.first], now.num);
		if (!refused)
			continue;
		if (!is_about_site(refused)) {
			tell(socket, true, now.first, refused);
			return;
		}
		if (now.num > 1) {
			size_t half = now.num / 2;
			stack[depth++] = (struct halves){now.first + half, now.num - half};
			stack[depth++] = (struct halves){now.first, half};
			continue;
		}
		tell(socket, false, now.first, refused);
	}
	tell(socket, true, 0, 0);
}

static void keep(void *context, int socket)
{
	struct keeper *keeper = context;
	char nothing;
	arm_halves(keeper, socket);
	close(keeper->exe_fd);
	while (recv(socket, &nothing, sizeof(nothing), 0) > 0)
		;
}

// --- Requests to the keeper ----------------------------------------------------------------------

static struct error *refusal(int refused, const char *what)
{
	const char *advice = features_advice(-refused);
	if (refused == -ERRNO_NOTSUPP)
		return error_new("%s: the kernel cannot put a probe there", what);
	if (refused == -ENOMEM)
		return error_nomem();
	if (refused == -ESRCH)
		return error_errno(ESRCH, "%s", what);
	return error_errno(-refused, "%s: the kernel refuses a uprobe%s%s%s", what,
			   advice ? " (" : "", advice ? advice : "", advice ? ")" : "");
}

// When a perf event is closed, the kernel waits for all processors, and the process cannot be
// killed meanwhile.
static void warn_of_slow_end(const struct ebpf *backend, const struct ebpf_arming *arming)
{
	enum { MANY = 50, ENDED_A_SECOND = 10 };
	size_t num = 0;
	for (size_t i = 0; i < arming->num_funcs; i++)
		num += backend->loaded.plan->funcs[arming->funcs[i]]->num_probes;
	if (!backend->is_multi && num > MANY)
		log_warning(
			"this kernel has no uprobe_multi links (6.6): at the end it takes %zu probes "
			"off one by one, which can take some %zu s; fewer functions or --no-return help",
			num, num / ENDED_A_SECOND);
}

// Receives the keeper's news until all is armed. Afterwards the arming has only the functions that
// are armed. *last is the error of the last refused function; the caller frees it.
static struct error *hear(struct ebpf *backend, struct ebpf_arming *arming, struct error **last,
			  bool *is_killed)
{
	bool *is_refused CLEANUP_FREE = calloc(arming->num_funcs, sizeof(*is_refused));
	if (!is_refused)
		return error_nomem();
	for (;;) {
		struct news news;
		ssize_t len = recv(arming->keeper.socket, &news, sizeof(news), 0);
		if (len < 0 && errno == EINTR)
			continue;
		*is_killed = len != sizeof(news);
		if (*is_killed)
			return error_new("process %d, which was to keep the probes, was killed",
					 (int)arming->keeper.pid);
		uint32_t func = arming->funcs[news.func];
		const char *name = backend->loaded.plan->funcs[func]->func->name;
		if (news.is_end && news.refused)
			return refusal(news.refused, name);
		if (news.is_end)
			break;
		is_refused[news.func] = true;
		error_free(*last);
		*last = refusal(news.refused, name);
		armed_refuse(backend->armed, func,
			     error_message(*last) + strlen(name) + strlen(": "));
	}
	size_t num_armed = 0;
	for (size_t i = 0; i < arming->num_funcs; i++)
		if (!is_refused[i])
			arming->funcs[num_armed++] = arming->funcs[i];
	arming->num_funcs = num_armed;
	return NULL;
}

// Sets *is_killed if the keeper was killed, so that it is not known which functions it armed.
static struct error *arm_by_keeper(struct ebpf *backend, struct ebpf_arming *arming,
				   bool *is_killed)
{
	CLEANUP_CLOSE int exe = open(backend->loaded.exe, O_PATH | O_CLOEXEC);
	if (exe < 0)
		return error_errno(errno, "%s", backend->loaded.exe);
	struct keeper keeper = {.backend = backend, .arming = arming, .exe_fd = exe};
	snprintf(keeper.exe, sizeof(keeper.exe), "/proc/self/fd/%d", exe);
	struct apart_options options = {
		.name = "gotrace-keeper",
		.keep = {ebpf_program(backend), exe},
		.num_keep = 2,
		.privileges = backend->is_multi ? PRIVILEGES_TRACE : PRIVILEGES_TRACE_BY_EVENTS,
		.run = keep,
		.context = &keeper,
	};
	struct error *err = apart_start(&options, &arming->keeper);
	if (err)
		return error_wrap(err, "starting the process that keeps the probes");
	struct error *last = NULL;
	err = hear(backend, arming, &last, is_killed);
	if (!err && !arming->num_funcs)
		return last;
	error_free(last);
	return err;
}

struct error *ebpf_links_arm(struct ebpf *backend, struct ebpf_arming *arming)
{
	warn_of_slow_end(backend, arming);
	bool is_killed = false;
	struct error *err = arm_by_keeper(backend, arming, &is_killed);
	if (!is_killed)
		return err;
	// Breakpoints that the killed keeper left behind are removed together with those of the
	// second keeper.
	log_debug("%s", error_message(err));
	error_free(err);
	apart_end(&arming->keeper);
	return arm_by_keeper(backend, arming, &is_killed);
}

void ebpf_links_disarm(struct ebpf_arming *arming)
{
	apart_end(&arming->keeper);
	free(arming->funcs);
	*arming = (struct ebpf_arming){.keeper = APART_NONE};
}
