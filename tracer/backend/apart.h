// SPDX-License-Identifier: GPL-2.0-or-later
// A child process of gotrace that outlives it for a moment. It undoes the changes to the target, no
// matter how gotrace ends. The child has no terminal, and SIGKILL is the only signal that reaches
// it. It keeps no descriptor open whose end another process may wait for. Each child has a socket
// to gotrace: the end of that socket shows that gotrace has ended.
#ifndef GOTRACE_TRACER_BACKEND_APART_H
#define GOTRACE_TRACER_BACKEND_APART_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "tracer/backend/privileges.h"

struct apart {
	pid_t pid;  // of the child; 0: none
	int socket; // to the child, SOCK_SEQPACKET; -1: none
};

static const struct apart APART_NONE = {0, -1};

enum { APART_KEEP_MAX = 4 };

struct apart_options {
	const char *name;	  // of the process, at most 15 bytes
	int keep[APART_KEEP_MAX]; // descriptors that stay open in the process
	size_t num_keep;
	enum privileges privileges; // that the process keeps
	/** Runs in the child, in a copy of the parent's memory, with all signals blocked. The child
	 *  exits when this function returns. The kernel then closes the descriptors that are still
	 *  open, and no signal can interrupt that. */
	void (*run)(void *context, int socket);
	void *context;
};

/** Starts the child. On success, *out is the caller's, to be ended by apart_end(). */
struct error *apart_start(const struct apart_options *options, struct apart *out) MUST_CHECK;

/** Asks the child to end, and does not wait for that. Then apart_end is still needed. */
void apart_stop(const struct apart *apart);
/** Closes the socket, which asks the child to end, and waits until the child has ended. Safe to
 *  repeat. */
void apart_end(struct apart *apart);

#endif
