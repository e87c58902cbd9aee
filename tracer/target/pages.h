// SPDX-License-Identifier: GPL-2.0-or-later
// Checks whether the executable's read-only data in a process's memory is still the same as in the
// file. A probe cannot read a page that the process never touched; the decoder then uses the file's
// bytes instead. It asks here first, because the program may have changed the page or mapped
// something else in its place.
#ifndef GOTRACE_TRACER_TARGET_PAGES_H
#define GOTRACE_TRACER_TARGET_PAGES_H

#include <sys/types.h>

#include "dwarf/image/image.h"
#include "tracer/loaded.h"

struct pages;

/** Opens /proc/PID of the process that the PID belongs to now. loaded is borrowed. */
struct error *pages_create(const struct loaded *loaded, struct pages **out) MUST_CHECK;
void pages_destroy(struct pages *pages);

/** Makes the kernel map all pages of the read-only data, as the process's own reads would, so that
 *  probes can read them. Pages that cannot be read are skipped. */
void pages_touch(const struct pages *pages);

/** True if the len bytes of memory at addr are certainly the same as in the file: the mapping is
 *  private and of the executable at this file offset, and no page was copied for a write. */
bool pages_are_files(struct pages *pages, uint64_t addr, size_t len);

/** True once the process is gone: then pages_are_files is always false. */
bool pages_are_gone(const struct pages *pages);

#endif
