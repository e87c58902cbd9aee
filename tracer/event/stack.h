// SPDX-License-Identifier: GPL-2.0-or-later
// Call stacks of records: the words of each distinct one travel once (bpf/engine/stack.h), and are kept here with what
// they mean: functions as Go's tracebacks name them, inlined ones too, without compiler-made wrappers and without
// the runtime's frames that started the goroutine. Each frame is held against the frame size that the executable
// knows: where the chain of frame pointers left one out, the stack ends with the reason.
#ifndef GOTRACE_TRACER_EVENT_STACK_H
#define GOTRACE_TRACER_EVENT_STACK_H

#include "base/error.h"
#include "dwarf/go/pclntab.h"
#include "tracer/event/record.h"

struct text;

struct stack_frame {	  // names are borrowed from the executable's table
	const char *func; // see stack_write_name
	const char *file; // "" if not known
	int line;
	bool is_inlined; // into the next frame
};

struct stack { // of an entry: its caller first
	struct stack_frame *frames;
	size_t num;
	char *end;    // why there is no frame behind the last one; NULL: the goroutine begins there
	bool is_more; // there is one, but so many were not asked for; end is NULL
};

struct stack_creator {
	const char *func; // who started the goroutine
	const char *file;
	int line;
	uint64_t goid; // 0: not known
};

struct stacks;

/** table is borrowed; bias: run-time address - vaddr. */
struct error *stacks_create(const struct pclntab *table, uint64_t bias,
			    struct stacks **out) MUST_CHECK;
void stacks_destroy(struct stacks *stacks);

/** To be told of each record, in order: keeps the words that it brings. */
struct error *stacks_learn(struct stacks *stacks, const struct wire_record *record) MUST_CHECK;

/** The stack of an entry's record, borrowed until the next stacks_learn; NULL if it tells none. */
const struct stack *stacks_find(struct stacks *stacks, const struct wire_record *record);

/** Who started the goroutine; false if the record does not tell. */
bool stacks_creator(const struct stacks *stacks, const struct wire_record *record,
		    struct stack_creator *out);

/** Writes a function's name as Go's tracebacks do: type arguments are "...". */
void stack_write_name(const char *func, struct text *out);

#endif
