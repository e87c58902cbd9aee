// SPDX-License-Identifier: GPL-2.0-or-later
// Call stacks of records. The engine sends the words of each distinct stack once
// (bpf/engine/stack.h). They are kept here with the frames that they stand for: functions as Go's
// tracebacks name them, with inlined ones, but without compiler-made wrappers and without the
// runtime's frames that started the goroutine. Each frame is checked against the frame size in the
// executable's table. If the chain of frame pointers skipped a frame, the stack ends there and
// gives the reason.
#ifndef GOTRACE_TRACER_EVENT_STACK_H
#define GOTRACE_TRACER_EVENT_STACK_H

#include "base/error.h"
#include "dwarf/go/pclntab.h"
#include "tracer/event/record.h"
#include "tracer/loaded.h"

struct text;

struct stack_frame {	  // the strings are borrowed from the executable's table
	const char *func; // see stack_write_name
	const char *file; // "" if not known
	int line;
	bool is_inlined; // into the next frame
};

struct stack { // of an entry: its caller first
	struct stack_frame *frames;
	size_t num;
	char *end;    // why no frame follows the last one; NULL: the goroutine begins there
	bool is_more; // more frames exist than were asked for; end is NULL
};

struct stack_creator {
	const char *func; // the function that started the goroutine
	const char *file;
	int line;
	uint64_t goid; // 0: not known
};

struct stacks;

/** table and loaded are borrowed. */
struct error *stacks_create(const struct pclntab *table, const struct loaded *loaded,
			    struct stacks **out) MUST_CHECK;
void stacks_destroy(struct stacks *stacks);

/** Keeps the stack that a record brings, if any. Must be called for each record, in order. */
struct error *stacks_learn(struct stacks *stacks, const struct wire_record *record) MUST_CHECK;

/** Returns the stack of an entry's record, borrowed until the next stacks_learn; NULL if the record
 *  has none. */
const struct stack *stacks_find(struct stacks *stacks, const struct wire_record *record);

/** Finds the function that started the goroutine; false if the record does not have it. */
bool stacks_creator(const struct stacks *stacks, const struct wire_record *record,
		    struct stack_creator *out);

/** Writes a function's name as Go's tracebacks do: type arguments become "[...]". */
void stack_write_name(const char *func, struct text *out);

#endif
