// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
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
static const uint32_t refused[] = {
	// other programs
	SYS_execve, SYS_execveat, SYS_clone3, SYS_personality, SYS_modify_ldt, SYS_pkey_mprotect,
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

enum {
	NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		     CLONE_NEWPID | CLONE_NEWNET,
	WRITES = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC,
};

// Calls that fail if this argument has one of these bits.
static const struct {
	uint32_t nr, arg, mask;
	bool is_of_ptrace; // the tracer by ptrace needs the call
} limited[] = {
	{SYS_clone, 0, NAMESPACES, false},
	{SYS_mmap, 2, PROT_EXEC, false},
	{SYS_mprotect, 2, PROT_EXEC, false},
	{SYS_open, 1, WRITES, true},
	{SYS_openat, 2, WRITES, true},
	{SYS_ptrace, 0, UINT32_MAX, true},	      // all requests but PTRACE_TRACEME, which is 0
	{SYS_process_vm_writev, 0, UINT32_MAX, true}, // a PID
};

enum { NUM_REFUSED = sizeof(refused) / sizeof(*refused) };
enum { NUM_LIMITED = sizeof(limited) / sizeof(*limited) };
enum { X32 = 0x40000000 }; // in the numbers of that ABI
enum {			   // little-endian: the low half of an argument is first
	NR = offsetof(struct seccomp_data, nr),
	ARCH = offsetof(struct seccomp_data, arch),
	ARGS = offsetof(struct seccomp_data, args),
};

// A call that is refused fails, and nothing is killed: the target has breakpoints. Calls by the
// numbers of another ABI (32 bits, x32) all fail.
static int refuse_calls(bool is_tracer)
{
	static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
					refuse = BPF_STMT(BPF_RET | BPF_K,
							  SECCOMP_RET_ERRNO | EPERM);
	struct sock_filter code[7 + 2 * NUM_REFUSED + 5 * NUM_LIMITED] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARCH),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		refuse,
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1),
		refuse,
	};
	unsigned short num = 6;
	for (size_t i = 0; i < NUM_REFUSED; i++) {
		code[num++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i], 0, 1);
		code[num] = refuse;
		if (refused[i] == SYS_clone3) // then libc takes clone()
			code[num].k = SECCOMP_RET_ERRNO | ENOSYS;
		num++;
	}
	for (size_t i = 0; i < NUM_LIMITED; i++) {
		if (is_tracer && limited[i].is_of_ptrace)
			continue;
		const struct sock_filter test[] = {
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, limited[i].nr, 0, 4),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGS + 8 * limited[i].arg),
			BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, limited[i].mask, 1, 0),
			allow,
			refuse,
		};
		memcpy(&code[num], test, sizeof(test));
		num += sizeof(test) / sizeof(*test);
	}
	code[num++] = allow;
	const struct sock_fprog program = {num, code};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

struct error *privileges_keep(enum privileges privileges)
{
	struct error *err = keep_capabilities(kept[privileges]);
	if (err || privileges == PRIVILEGES_SHELL)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_errno(errno, "giving up new privileges");
	if (privileges != PRIVILEGES_NONE && refuse_calls(privileges == PRIVILEGES_PTRACE))
		log_debug("this kernel cannot refuse system calls: %s", strerror(errno));
	return NULL;
}
