// SPDX-License-Identifier: GPL-2.0-or-later
// Gives up the privileges that a process of gotrace does not need any more, because from then on it
// reads data that a hostile program may have prepared.
#ifndef GOTRACE_TRACER_BACKEND_PRIVILEGES_H
#define GOTRACE_TRACER_BACKEND_PRIVILEGES_H

#include "base/error.h"

enum privileges { // what the process goes on to do
	/** It traces: it reads records and the target's memory, and may arm and disarm probes. */
	PRIVILEGES_TRACE,
	/** The same on a kernel without uprobe_multi links. */
	PRIVILEGES_TRACE_BY_EVENTS,
	/** It is the target's tracer by ptrace. */
	PRIVILEGES_PTRACE,
	/** It is the shell, which begins traces and starts programs. The programs get none of its
	 *  capabilities, but those of the user root get root's again (capabilities(7)). */
	PRIVILEGES_SHELL,
	/** It executes a program that needs none. */
	PRIVILEGES_NONE,
};

/** Gives up all capabilities of this thread except those that are needed for this. Except in the
 *  shell, programs that the thread executes cannot gain privileges. In a process that traces, the
 *  system calls that it does not need fail with EPERM (seccomp), if the kernel can do that. What is
 *  given up cannot be regained. */
struct error *privileges_keep(enum privileges privileges) MUST_CHECK;

#endif
