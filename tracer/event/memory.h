// SPDX-License-Identifier: GPL-2.0-or-later
// A memory that answers reads from a record's blocks, and from the executable's file for what lies in its
// read-only segments, was not copied, and is certain to be in memory as in the file. The frame stands at MEMORY_FRAME, so that a value in it is read like any other.
// The value printer does not know which back end filled it. Kept and refilled from event to event.
#ifndef GOTRACE_TRACER_EVENT_MEMORY_H
#define GOTRACE_TRACER_EVENT_MEMORY_H

#include "tracer/event/record.h"
#include "tracer/plan/plan.h"

static const uint64_t MEMORY_FRAME = 0xfffe000000000000; // not canonical: no pointer leads there

// Two of the reasons that memory_read gives; compared by address.
extern const char memory_unreadable[]; // "unreadable": a read there failed, or would
extern const char
	memory_not_captured[]; // "not captured": it was not tried, or a budget ended first

struct memory;

/** image answers reads of [vaddr + bias] in its read-only segments; may be NULL. Borrowed. */
struct error *memory_create(struct image *image, uint64_t bias, struct memory **out) MUST_CHECK;
void memory_destroy(struct memory *memory);

/** Whom to ask before the file answers for len bytes at addr: false where memory may differ from it.
 *  Without one it always answers. */
void memory_ask(struct memory *memory,
		bool (*is_as_in_file)(void *context, uint64_t addr, size_t len), void *context);

/** Takes this record's blocks (borrowed until the next fill) and the holes of its frame. frame may be
 *  NULL for a record without one. Only for valid records. */
void memory_fill(struct memory *memory, const struct wire_record *record,
		 const struct plan_frame *frame);

/** Copies len bytes at addr; all or nothing. On false *reason (if not NULL) says why in a few words, e.g.
 *  "float in XMM0", "unreadable", "not captured"; static or borrowed until the next fill. */
bool memory_read(struct memory *memory, uint64_t addr, void *dst, size_t len, const char **reason);

/** How many of the len bytes at addr can be read from its start. */
size_t memory_available(struct memory *memory, uint64_t addr, size_t len);

/** Bytes at addr in place, at most len of them and maybe fewer than memory_available says: *have
 *  (not 0), borrowed until the next call. NULL if there are none. */
const uint8_t *memory_view(struct memory *memory, uint64_t addr, size_t len, size_t *have);

/** True if something at addr was captured or tried, or the file answers: a pointer there was followed. */
bool memory_is_followed(struct memory *memory, uint64_t addr);

/** True if a budget ended the capture before all was copied (WIRE_CUT). */
bool memory_is_cut(const struct memory *memory);

/** True if an interface in this record held a type that the plan did not know (WIRE_UNSEEN). */
bool memory_has_unseen(const struct memory *memory);

#endif
