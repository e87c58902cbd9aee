// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define CAP(name) (1ull << CAP_##name)

// Memory of a process of another user is read with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, but
// /proc/PID/mem is opened for writing with CAP_DAC_OVERRIDE. CAP_SYS_ADMIN switches the kernel's
// statistics of eBPF programs on, which --max-overhead needs, and some kernels want it for uprobes
// that are perf events.
static const uint64_t kept[] = {
	[PRIVILEGES_TRACE] = CAP(BPF) | CAP(PERFMON) | CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH),
	[PRIVILEGES_TRACE_BY_EVENTS] =
		CAP(BPF) | CAP(PERFMON) | CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) | CAP(SYS_ADMIN),
	[PRIVILEGES_PTRACE] =
		CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) | CAP(DAC_OVERRIDE) | CAP(KILL),
	[PRIVILEGES_SHELL] = CAP(BPF) | CAP(PERFMON) | CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) |
			     CAP(DAC_OVERRIDE) | CAP(KILL) | CAP(SYS_ADMIN) | CAP(SYS_RESOURCE),
	[PRIVILEGES_NONE] = 0,
};

static struct error *keep_capabilities(uint64_t set)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, sets))
		return error_errno(errno, "capget");
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t mask = (uint32_t)(set >> (32 * i));
		sets[i].permitted &= mask;
		sets[i].effective &= mask;
		sets[i].inheritable = 0; // this empties the ambient set, too
	}
	if (syscall(SYS_capset, &header, sets))
		return error_errno(errno, "giving up capabilities");
	return NULL;
}

// --- System calls --------------------------------------------------------------------------------

// Calls that always fail. The flags of clone3() and openat2() are in memory, where a filter cannot
// see them, and io_uring does all kinds of things without calls.
static const int refused[] = {
	// other programs
	SYS_execve, SYS_execveat, SYS_personality, SYS_modify_ldt, SYS_pkey_mprotect,
	// other processes and machines
	SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_process_madvise, SYS_socket, SYS_connect,
	SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_io_uring_setup, SYS_io_uring_enter,
	SYS_io_uring_register,
	// files by their names
	SYS_creat, SYS_openat2, SYS_open_by_handle_at, SYS_truncate, SYS_link, SYS_linkat,
	SYS_symlink, SYS_symlinkat, SYS_rename, SYS_renameat, SYS_renameat2, SYS_unlink,
	SYS_unlinkat, SYS_mkdir, SYS_mkdirat, SYS_rmdir, SYS_mknod, SYS_mknodat, SYS_chmod,
	SYS_fchmodat, SYS_chown, SYS_lchown, SYS_fchownat, SYS_setxattr, SYS_lsetxattr, SYS_chroot,
	// the machine
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_open_tree, SYS_move_mount, SYS_fsopen,
	SYS_mount_setattr, SYS_setns, SYS_unshare, SYS_init_module, SYS_finit_module,
	SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load, SYS_reboot, SYS_swapon, SYS_swapoff,
	SYS_acct, SYS_iopl, SYS_ioperm, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex,
	SYS_add_key, SYS_request_key, SYS_keyctl, SYS_userfaultfd};

// Calls that fail if this argument has one of these bits.
static const struct {
	int nr;
	unsigned arg;
	uint64_t mask;
	bool is_of_ptrace; // the tracer by ptrace needs the call
} limited[] = {
	{SYS_clone, 0,
	 CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		 CLONE_NEWPID | CLONE_NEWNET,
	 false},
	{SYS_mmap, 2, PROT_EXEC, false},
	{SYS_mprotect, 2, PROT_EXEC, false},
	{SYS_open, 1, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, true},
	{SYS_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, true},
	{SYS_ptrace, 0, UINT32_MAX, true},	      // any request but PTRACE_TRACEME, which is 0
	{SYS_process_vm_writev, 0, UINT32_MAX, true}, // any PID
};

// Adds a rule for each bit: libseccomp has no comparison for "any of these bits".
static int limit_calls(scmp_filter_ctx filter, bool is_tracer)
{
	int status = 0;
	for (size_t i = 0; i < sizeof(limited) / sizeof(*limited); i++)
		for (uint64_t bit = 1; bit <= limited[i].mask && !status; bit <<= 1)
			if ((limited[i].mask & bit) && !(is_tracer && limited[i].is_of_ptrace))
				status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
							  limited[i].nr, 1,
							  SCMP_CMP(limited[i].arg,
								   SCMP_CMP_MASKED_EQ, bit, bit));
	return status;
}

// A call that is refused fails, and nothing is killed: the target has breakpoints. Calls by the
// numbers of another ABI (32 bits, x32) all fail. Returns 0, or a negative errno.
static int refuse_calls(bool is_tracer)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return -ENOMEM;
	int status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused) && !status; i++)
		status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (!status) // then libc takes clone()
		status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_clone3, 0);
	if (!status)
		status = limit_calls(filter, is_tracer);
	if (!status)
		status = seccomp_load(filter);
	seccomp_release(filter);
	return status;
}

struct error *privileges_keep(enum privileges privileges)
{
	struct error *err = keep_capabilities(kept[privileges]);
	if (err || privileges == PRIVILEGES_SHELL)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_errno(errno, "giving up new privileges");
	int status =
		privileges == PRIVILEGES_NONE ? 0 : refuse_calls(privileges == PRIVILEGES_PTRACE);
	if (status)
		log_debug("system calls are not refused: %s", strerror(-status));
	return NULL;
}
