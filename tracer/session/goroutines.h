// SPDX-License-Identifier: GPL-2.0-or-later
// The goroutines that a process has now, read from its memory while it runs (runtime.allgs).
#ifndef GOTRACE_TRACER_SESSION_GOROUTINES_H
#define GOTRACE_TRACER_SESSION_GOROUTINES_H

#include <sys/types.h>

#include "dwarf/index/index.h"

struct goroutine_info {
	uint64_t goid;
	uint64_t parent; // the goroutine whose go statement began it; 0: not known, or the first
};

/** In ascending order of goid; *out is to be freed. What cannot be read (another user's process, a table that is
 *  being changed) is left out. An error where this executable does not tell where the table is. */
struct error *goroutines_read(pid_t pid, struct index *index, uint64_t bias,
			      struct goroutine_info **out, size_t *num) MUST_CHECK;

/** NULL if it is not there. */
const struct goroutine_info *goroutines_find(const struct goroutine_info *infos, size_t num,
					     uint64_t goid);

#endif
