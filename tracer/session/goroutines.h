// SPDX-License-Identifier: GPL-2.0-or-later
// The goroutines that a process has now, read from its memory while it runs (runtime.allgs).
#ifndef GOTRACE_TRACER_SESSION_GOROUTINES_H
#define GOTRACE_TRACER_SESSION_GOROUTINES_H

#include <sys/types.h>

#include "dwarf/index/index.h"
#include "tracer/loaded.h"

struct goroutine_info {
	uint64_t goid;
	uint64_t parent; // the goroutine whose go statement started it; 0: not known, or none
};

/** Reads all goroutines, in ascending order of goid. The caller frees *out. Goroutines that cannot
 *  be read (because the table is being changed) are left out. It is an error if the table's place
 *  or the layout of struct g is not known, or if the process's memory cannot be read. */
struct error *goroutines_read(const struct loaded *loaded, struct goroutine_info **out,
			      size_t *num) MUST_CHECK;

/** Finds a goroutine among infos (from goroutines_read) and borrows it; NULL if it is not there. */
const struct goroutine_info *goroutines_find(const struct goroutine_info *infos, size_t num,
					     uint64_t goid);

#endif
