// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/session/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const unsigned int kept[] = {CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH};

struct error *privileges_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3],
		mask[_LINUX_CAPABILITY_U32S_3] = {0};
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		mask[CAP_TO_INDEX(kept[i])].permitted |= CAP_TO_MASK(kept[i]);
	if (syscall(SYS_capget, &header, sets))
		return error_errno(errno, "capget");
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted &= mask[i].permitted;
		sets[i].effective &= mask[i].permitted;
		sets[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, sets))
		return error_errno(errno, "giving up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_errno(errno, "giving up new privileges");
	return NULL;
}
