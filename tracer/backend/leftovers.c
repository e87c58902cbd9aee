// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arch/trap.h"
#include "base/cleanup.h"
#include "tracer/backend/apart.h"
#include "tracer/backend/ebpf/floor.h"
#include "tracer/backend/features.h"

// A breakpoint alone is one. Any other difference is a patch.
static bool note_change(void *context, const struct target_code_change *change)
{
	struct leftovers *leftovers = context;
	if (change->len > sizeof(trap_code) || !trap_is(change->memory, change->len)) {
		if (!leftovers->changed_bytes)
			leftovers->first_changed = change->vaddr;
		leftovers->changed_bytes += change->len;
		return true;
	}
	uint64_t *vaddr = realloc(leftovers->vaddr, (leftovers->num + 1) * sizeof(*vaddr));
	leftovers->failed = !vaddr;
	if (!vaddr)
		return false;
	leftovers->vaddr = vaddr;
	vaddr[leftovers->num++] = change->vaddr;
	return true;
}

struct error *leftovers_init(const struct loaded *loaded, struct leftovers *out)
{
	struct leftovers leftovers = {0};
	size_t num;
	const struct image_segment *segments = image_segments(loaded->image, &num);
	enum target_code_state state = TARGET_CODE_READ;
	for (size_t i = 0; i < num && state == TARGET_CODE_READ && !leftovers.failed; i++)
		if (segments[i].is_executable)
			state = target_code_compare(loaded, segments[i].vaddr,
						    segments[i].file_size, note_change, &leftovers);
	if (state == TARGET_CODE_READ && !leftovers.failed) {
		*out = leftovers;
		return NULL;
	}
	leftovers_deinit(&leftovers);
	return leftovers.failed ? error_nomem()
	       : state == TARGET_CODE_GONE
		       ? error_new("the process has ended")
		       : error_new(
				 "its code cannot be read (that takes root, or CAP_SYS_PTRACE and "
				 "CAP_DAC_READ_SEARCH)");
}

void leftovers_deinit(struct leftovers *leftovers)
{
	free(leftovers->vaddr);
	leftovers->vaddr = NULL;
	leftovers->num = 0;
}

struct again { // uprobes to attach and detach
	pid_t pid;
	int exe;
	unsigned long *off;
	size_t num;
};

// Attaches the uprobes, in a child process. The exit of that process detaches them, which no signal
// can interrupt.
static void put_on_again(void *context, int socket)
{
	const struct again *again = context;
	char exe[32], message[256] = "";
	snprintf(exe, sizeof(exe), "/proc/self/fd/%d", again->exe);
	struct floor_probes *probes;
	struct error *err = floor_probes_create(again->pid, exe, again->off, again->num, &probes);
	if (err)
		snprintf(message, sizeof(message), "%s", error_message(err));
	send(socket, message, sizeof(message), MSG_NOSIGNAL);
}

struct error *leftovers_remove(const struct loaded *loaded, const struct leftovers *leftovers)
{
	CLEANUP_CLOSE int file = open(loaded->exe, O_PATH | O_CLOEXEC);
	if (file < 0)
		return error_errno(errno, "%s", loaded->exe);
	CLEANUP_FREE unsigned long *off = calloc(leftovers->num + 1, sizeof(*off));
	if (!off)
		return error_nomem();
	struct again again = {.pid = loaded->pid, .exe = file, .off = off};
	for (size_t i = 0; i < leftovers->num; i++) {
		uint64_t at;
		if (image_offset(loaded->image, leftovers->vaddr[i], &at))
			off[again.num++] = at;
	}
	if (!again.num)
		return NULL;
	struct apart_options options = {
		.name = "gotrace-repair",
		.keep = {file},
		.num_keep = 1,
		.privileges =
			features_uprobe_multi() ? PRIVILEGES_TRACE : PRIVILEGES_TRACE_BY_EVENTS,
		.run = put_on_again,
		.context = &again,
	};
	struct apart apart;
	struct error *err = apart_start(&options, &apart);
	if (err)
		return err;
	char message[256];
	ssize_t len;
	do {
		len = recv(apart.socket, message, sizeof(message), 0);
	} while (len < 0 && errno == EINTR);
	if (len != sizeof(message))
		err = error_new("process %d, which was to do it, was killed", (int)apart.pid);
	else if (message[0])
		err = error_new("%s", message);
	apart_end(&apart);
	return err;
}
