// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tracer/backend/ebpf/ebpf.h"

// Numbers of linux/bpf.h and linux/capability.h that older headers lack.
enum { HELPER_LOOP = 181, HELPER_COOKIE = 174, HELPER_READ_USER = 112, MAP_RINGBUF = 27 };
enum { CAPABILITY_PERFMON = 38, CAPABILITY_BPF = 39 };

static bool read_line(const char *path, char *out, size_t size)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	return file && fgets(out, (int)size, file);
}

static bool has_capability(int capability)
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long long effective;
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			return effective >> capability & 1;
	return false;
}

static enum feature_state is(bool yes)
{
	return yes ? FEATURE_YES : FEATURE_NO;
}

static bool can_bpf(void)
{
	return has_capability(CAP_SYS_ADMIN) ||
	       (has_capability(CAPABILITY_BPF) && has_capability(CAPABILITY_PERFMON));
}

// The state for a result of libbpf's probes. Without the privilege to load programs, the result has
// no meaning.
static enum feature_state answer(int result)
{
	return can_bpf() ? is(result > 0) : FEATURE_UNKNOWN;
}

static enum feature_state ask_capabilities(void)
{
	return is(can_bpf());
}

static enum feature_state ask_ptrace_capability(void)
{
	return is(has_capability(CAP_SYS_PTRACE) && has_capability(CAP_DAC_READ_SEARCH));
}

static enum feature_state ask_lockdown(void)
{
	char line[128];
	if (!read_line("/sys/kernel/security/lockdown", line, sizeof(line)))
		return access("/sys/kernel/security", X_OK) ? FEATURE_UNKNOWN : FEATURE_YES;
	return is(!strstr(line, "[confidentiality]"));
}

static enum feature_state ask_program(void)
{
	return answer(libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_KPROBE, NULL));
}

static enum feature_state ask_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	btf__free(btf);
	return is(btf != NULL);
}

static enum feature_state ask_ring_buffer(void)
{
	return answer(libbpf_probe_bpf_map_type((enum bpf_map_type)MAP_RINGBUF, NULL));
}

static enum feature_state ask_helper(int helper)
{
	return answer(
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, (enum bpf_func_id)helper, NULL));
}

static enum feature_state ask_read_user(void)
{
	return ask_helper(HELPER_READ_USER);
}

static enum feature_state ask_loop(void)
{
	return ask_helper(HELPER_LOOP);
}

static enum feature_state ask_cookie(void)
{
	return ask_helper(HELPER_COOKIE);
}

static enum feature_state ask_uprobe_multi(void)
{
	return answer(features_uprobe_multi());
}

static enum feature_state ask_uprobe_multi_process(void)
{
	return answer(features_uprobe_multi_process());
}

static enum feature_state ask_perf_uprobe(void)
{
	return is(!access("/sys/bus/event_source/devices/uprobe/type", R_OK));
}

static enum feature_state ask_perf_paranoid(void)
{
	char line[32];
	if (!read_line("/proc/sys/kernel/perf_event_paranoid", line, sizeof(line)))
		return FEATURE_UNKNOWN;
	return is(atoi(line) < 0 || has_capability(CAPABILITY_PERFMON) ||
		  has_capability(CAP_SYS_ADMIN));
}

static enum feature_state ask_unprivileged_bpf(void)
{
	char line[32];
	if (!read_line("/proc/sys/kernel/unprivileged_bpf_disabled", line, sizeof(line)))
		return FEATURE_UNKNOWN;
	return is(atoi(line) == 0 || can_bpf());
}

static enum feature_state ask_yama(void)
{
	char line[32];
	if (!read_line("/proc/sys/kernel/yama/ptrace_scope", line, sizeof(line)))
		return FEATURE_YES; // the kernel has no Yama
	return is(atoi(line) == 0 || (atoi(line) < 3 && has_capability(CAP_SYS_PTRACE)));
}

static enum feature_state ask_preempt_disable(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	if (!btf)
		return FEATURE_UNKNOWN;
	int id = btf__find_by_name_kind(btf, "bpf_preempt_disable", BTF_KIND_FUNC);
	btf__free(btf);
	return is(id > 0);
}

struct row {
	const char *name, *needed_for, *fix;
	bool is_required;
	enum feature_state (*ask)(void);
};

static const struct row rows[] = {
	{"CAP_BPF and CAP_PERFMON", "loading and attaching eBPF programs",
	 "run as root, or give these: setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search=ep gotrace",
	 true, ask_capabilities},
	{"CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH", "processes of other users",
	 "run as root, or give both capabilities", false, ask_ptrace_capability},
	{"no lockdown=confidentiality", "reading memory from eBPF programs",
	 "boot without lockdown=confidentiality", true, ask_lockdown},
	{"kprobe programs", "eBPF programs at probes",
	 "a kernel with CONFIG_BPF_EVENTS and CONFIG_UPROBES", true, ask_program},
	{"BTF", "fitting the program to this kernel", "a kernel with CONFIG_DEBUG_INFO_BTF", true,
	 ask_btf},
	{"ring buffer", "handing events over", "a kernel with BPF ring buffers (5.8)", true,
	 ask_ring_buffer},
	{"bpf_probe_read_user", "reading arguments",
	 "boot without lockdown, or a newer kernel (5.5)", true, ask_read_user},
	{"bpf_loop", "following pointers", "a newer kernel (5.17)", true, ask_loop},
	{"bpf_get_attach_cookie", "which probe was hit", "a newer kernel (5.15)", true, ask_cookie},
	{"uprobe_multi", "attaching thousands of probes at once",
	 "a newer kernel (6.6); without it attaching and above all detaching is slow", false,
	 ask_uprobe_multi},
	{"uprobe_multi by process", "leaving other processes of the same executable alone",
	 "a newer kernel (6.10); without it they pay for the probes too", false,
	 ask_uprobe_multi_process},
	{"perf-event uprobe", "probes where there is no uprobe_multi",
	 "a kernel with CONFIG_UPROBE_EVENTS", false, ask_perf_uprobe},
	{"bpf_preempt_disable", "no lost events under realtime load",
	 "a newer kernel (6.10); without it some events may be lost there (and are counted)", false,
	 ask_preempt_disable},
	{"kernel.perf_event_paranoid", "perf-event uprobes without privileges",
	 "CAP_PERFMON, or sysctl kernel.perf_event_paranoid=-1", false, ask_perf_paranoid},
	{"kernel.unprivileged_bpf_disabled", "eBPF without privileges",
	 "CAP_BPF; nothing to change here", false, ask_unprivileged_bpf},
	{"kernel.yama.ptrace_scope", "reading another process's memory and the ptrace back end",
	 "CAP_SYS_PTRACE, or sysctl kernel.yama.ptrace_scope=0", false, ask_yama},
};

size_t features_ask(struct feature *out, size_t max)
{
	enum { NUM = sizeof(rows) / sizeof(*rows) };
	ebpf_quiet();
	for (size_t i = 0; i < NUM && i < max; i++)
		out[i] = (struct feature){
			.name = rows[i].name,
			.needed_for = rows[i].needed_for,
			.fix = rows[i].fix,
			.is_required = rows[i].is_required,
			.state = rows[i].ask(),
		};
	return NUM;
}

static int load_empty(void)
{
	// Returns 0.
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = (enum bpf_attach_type)EBPF_UPROBE_MULTI);
	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", insns,
			     sizeof(insns) / sizeof(*insns), &options);
}

bool features_uprobe_multi(void)
{
	CLEANUP_CLOSE int program = load_empty();
	if (program < 0)
		return false;
	// A directory cannot be probed: kernels with uprobe_multi links return EBADF, others fail
	// earlier with another errno.
	unsigned long offset = 0;
	LIBBPF_OPTS(bpf_link_create_opts, options, .uprobe_multi.path = "/",
		    .uprobe_multi.offsets = &offset, .uprobe_multi.cnt = 1);
	CLEANUP_CLOSE int link =
		bpf_link_create(program, 0, (enum bpf_attach_type)EBPF_UPROBE_MULTI, &options);
	return link == -EBADF;
}

struct thread_question {
	int program;
	int error;
};

static void *ask_as_thread(void *context)
{
	struct thread_question *question = context;
	// The id of a thread that is not the first of its process, and an address of offsets that
	// cannot be read. A kernel that looks for a process does not find one (ESRCH). A kernel
	// that looks for a thread goes on and fails to read the offsets.
	LIBBPF_OPTS(bpf_link_create_opts, options, .uprobe_multi.path = "/proc/self/exe",
		    .uprobe_multi.offsets = (const unsigned long *)sizeof(long),
		    .uprobe_multi.cnt = 1, .uprobe_multi.pid = (uint32_t)syscall(SYS_gettid));
	CLEANUP_CLOSE int link = bpf_link_create(question->program, 0,
						 (enum bpf_attach_type)EBPF_UPROBE_MULTI, &options);
	question->error = link < 0 ? -link : 0;
	return NULL;
}

bool features_uprobe_multi_process(void)
{
	CLEANUP_CLOSE int program = load_empty();
	if (program < 0)
		return false;
	struct thread_question question = {.program = program};
	pthread_t thread;
	if (pthread_create(&thread, NULL, ask_as_thread, &question))
		return false;
	pthread_join(thread, NULL);
	return question.error == ESRCH;
}

const char *features_advice(int errnum)
{
	switch (errnum) {
	case EPERM:
	case EACCES:
		if (ask_lockdown() == FEATURE_NO)
			return "the kernel is locked down (confidentiality)";
		return can_bpf()
			       ? NULL
			       : "run as root, or with CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH";
	case ENOMEM:
		return "no memory; a smaller --buffer may help";
	case ENOSYS:
		return "this kernel has no eBPF";
	default:
		return ask_btf() == FEATURE_NO
			       ? "the kernel's BTF, /sys/kernel/btf/vmlinux, cannot be read "
				 "(it is there with CONFIG_DEBUG_INFO_BTF)"
			       : NULL;
	}
}
