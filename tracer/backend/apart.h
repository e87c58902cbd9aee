// SPDX-License-Identifier: GPL-2.0-or-later
// A process of gotrace's own that outlives it by a moment: it undoes what was done to the target, by whatever
// end gotrace comes to. No terminal and no signal but SIGKILL reaches it, and it holds open nothing that
// somebody may wait for the end of. Each of them has a socket to gotrace, whose end it sees there.
#ifndef GOTRACE_TRACER_BACKEND_APART_H
#define GOTRACE_TRACER_BACKEND_APART_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct apart {
	pid_t pid;  // of our child, 0: there is none
	int socket; // to it, SOCK_SEQPACKET; -1: there is none
};

static const struct apart APART_NONE = {0, -1};

enum { APART_KEEP_MAX = 4 };

struct apart_options {
	const char *name;	  // of the process, at most 15 bytes
	int keep[APART_KEEP_MAX]; // descriptors that it needs
	size_t num_keep;
	/** What it does, in a copy of our memory, with all signals blocked. It ends with the return from here: what it
	 *  then holds open is closed by the kernel, where no signal can interfere any more. */
	void (*run)(void *context, int socket);
	void *context;
};

struct error *apart_start(const struct apart_options *options, struct apart *out) MUST_CHECK;

/** Lets it know that it is to end, which it sees as the end of its socket, and waits until it has. Safe to repeat. */
void apart_end(struct apart *apart);

#endif
