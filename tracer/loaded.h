// SPDX-License-Identifier: GPL-2.0-or-later
// An executable in a process. All that is known of an executable before it runs (image, index,
// plan) is in the file's own addresses (vaddr). Code that meets addresses of a process converts
// them here, and nothing else keeps the load bias. A session has one of these for each target.
#ifndef GOTRACE_TRACER_LOADED_H
#define GOTRACE_TRACER_LOADED_H

#include <stdint.h>
#include <sys/types.h>

struct image;
struct index;
struct plan;

struct loaded { // plain data; what it points to is borrowed, so a copy is as good as the original
	struct image *image;
	struct index *index;
	struct plan *plan; // NULL: none yet
	uint64_t bias;	   // run-time address - vaddr
	uint8_t number;	   // among the session's targets: in cookies, records and keys of calls
	// The process. A replay has only its PID.
	pid_t pid;	 // in this process's PID namespace
	const char *exe; // a path that opens exactly the executable
	int pidfd;
	int mem; // the process's memory, to read and write; -1: not permitted
};

static inline uint64_t loaded_addr(const struct loaded *loaded, uint64_t vaddr)
{
	return vaddr + loaded->bias;
}

static inline uint64_t loaded_vaddr(const struct loaded *loaded, uint64_t addr)
{
	return addr - loaded->bias;
}

#endif
