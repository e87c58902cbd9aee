// SPDX-License-Identifier: GPL-2.0-or-later
// The executable's read-only data in a process's memory: whether a page there still is the file's. A probe cannot
// read a page that the process never touched, and the decoder then asks here before it takes the
// file's bytes for it: the program may have changed the page, or mapped something else in its place.
#ifndef GOTRACE_TRACER_TARGET_PAGES_H
#define GOTRACE_TRACER_TARGET_PAGES_H

#include <sys/types.h>

#include "dwarf/image/image.h"

struct pages;

/** Looks at the process as it is now; image, its executable, is borrowed. bias: run-time address - vaddr. */
struct error *pages_create(pid_t pid, struct image *image, uint64_t bias,
			   struct pages **out) MUST_CHECK;
void pages_destroy(struct pages *pages);

/** Has the kernel map all pages of the read-only data, as the process's own reads would, so that probes can
 *  read them. What cannot be read is passed over. */
void pages_touch(const struct pages *pages);

/** True if the len bytes at addr in memory are certain to be those of the file: the mapping is the
 *  executable's and private, at this place in the file, and none of its pages has been copied for a write. */
bool pages_are_files(struct pages *pages, uint64_t addr, size_t len);

/** True once the process is gone: nothing is certain any more. */
bool pages_are_gone(const struct pages *pages);

#endif
