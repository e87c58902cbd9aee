// SPDX-License-Identifier: GPL-2.0-or-later
// A view of the target's memory at one event. Reads are answered from the record's blocks. The
// executable's file answers for memory that was not copied, if that memory is in a read-only
// segment and is certain to be the same as in the file. The frame block is placed at MEMORY_FRAME,
// so that a value in the frame is read like any other.
// The value printer does not know which back end made the record. One struct memory is refilled for
// each event.
#ifndef GOTRACE_TRACER_EVENT_MEMORY_H
#define GOTRACE_TRACER_EVENT_MEMORY_H

#include "tracer/event/record.h"
#include "tracer/loaded.h"
#include "tracer/plan/plan.h"

static const uint64_t MEMORY_FRAME = 0xfffe000000000000; // not canonical: no pointer has it

// Two of the reasons that memory_read gives. Compare them by address.
extern const char memory_unreadable[]; // "unreadable": a read there failed, or would fail
// "not captured": no read was tried, or a budget ended the capture first.
extern const char memory_not_captured[];

struct memory;

/** The read-only segments of loaded->image answer reads, if it is not NULL. loaded is borrowed. */
struct error *memory_create(const struct loaded *loaded, struct memory **out) MUST_CHECK;
void memory_destroy(struct memory *memory);

/** Sets a check that is asked before the file answers for len bytes at addr. The check returns
 *  false if memory may differ from the file. Without a check the file always answers. */
void memory_ask(struct memory *memory,
		bool (*is_as_in_file)(void *context, uint64_t addr, size_t len), void *context);

/** Takes the blocks of this valid record and the holes of its frame, both borrowed until the next
 *  fill. frame is NULL if the record has no frame. */
void memory_fill(struct memory *memory, const struct wire_record *record,
		 const struct plan_frame *frame);

/** Copies len bytes at addr. Returns false if any of them cannot be read; *reason (if reason is not
 *  NULL) is then a short text, e.g. "unreadable", "not captured". The text is
 *  static or borrowed until the next fill. */
bool memory_read(struct memory *memory, uint64_t addr, void *dst, size_t len, const char **reason);

/** Returns how many of the len bytes at addr can be read, counted from addr. */
size_t memory_available(struct memory *memory, uint64_t addr, size_t len);

/** Returns the bytes at addr without copying captured ones. *have is their number: at least 1, at
 *  most len, and maybe fewer than memory_available reports. They are borrowed until the next call.
 *  NULL if there are none. */
const uint8_t *memory_view(struct memory *memory, uint64_t addr, size_t len, size_t *have);

/** True if a pointer to addr was followed: something at addr was captured or tried, or the file
 *  answers for addr. */
bool memory_is_followed(struct memory *memory, uint64_t addr);

/** True if a budget ended the capture before all was copied (WIRE_CUTS). */
bool memory_is_cut(const struct memory *memory);
/** Returns the reason to show for memory_not_captured: it names the budget, if one ended the
 *  capture. */
const char *memory_why_missing(const struct memory *memory);

/** Finds where an argument or result is. Returns false, with a reason, if the frame should have the
 *  address and does not. reason must not be NULL. */
bool memory_place(struct memory *memory, const struct plan_value *value, uint64_t *addr,
		  const char **reason);

/** True if an interface in this record held a type that the plan did not know (WIRE_UNSEEN). */
bool memory_has_unseen(const struct memory *memory);

#endif
