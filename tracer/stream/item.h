// SPDX-License-Identifier: GPL-2.0-or-later
// What a session passes to its listeners: the report and the capture file. A replay passes the same
// items to its report.
#ifndef GOTRACE_TRACER_STREAM_ITEM_H
#define GOTRACE_TRACER_STREAM_ITEM_H

#include "tracer/event/record.h"
#include "tracer/plan/plan.h"

enum item_kind {
	ITEM_TRACE = 1, // functions were added by patterns
	ITEM_NOTES,	// plan_add_notes
	ITEM_RECORD,
	ITEM_LOST,
	ITEM_FINISH,	 // the last item; if it is missing, the tracer was killed
	ITEM_SKIPPED,	 // calls of a function left out or not followed; comes before FINISH
	ITEM_OFF,	 // from a time on a function's returns are not seen, or seen again
	ITEM_DETACH,	 // the calls of functions that are off end as detached
	ITEM_CONDITIONS, // number of calls whose conditions were not decided; before FINISH
	ITEM_LOSSES,	 // what was lost so far, after all earlier records; see calls_lost
	ITEM_UNSURE,	 // memory that may differ from the executable's file from now on
	ITEM_MEMORY,	 // of the process, where types of its plugins are; see rtypes_ask
	ITEM_EOF,	 // the end of the file
};

static const uint64_t ITEM_NO_FUNC = UINT64_MAX;

struct item { // borrows what it points to
	enum item_kind kind;
	uint64_t digest; // TRACE, NOTES: capture_plan_digest after this item
	union {
		struct {
			char **patterns; // with what is shown, without conditions
			size_t num_patterns;
			bool no_args, no_return;
			uint32_t trace;
		} trace;
		const struct wire_record *record; // valid
		struct {
			uint64_t count;
			const char *where;
		} lost;
		struct {
			uint64_t skipped, crowded; // calls
			uint64_t func;	 // its number in the plan; from older files ITEM_NO_FUNC
			uint64_t off_ns; // how long its calls were not even counted
		} skipped;
		struct {
			uint32_t func;	 // its number in the plan
			uint64_t off_ns; // 0: returns are seen again
		} off;
		uint64_t detach_ns;
		struct {
			uint64_t now_ns;
			const struct wire_losses *losses; // NULL: not known
		} losses;
		struct {
			uint64_t addr, end;
		} unsure;
		struct {
			uint64_t addr;
			const void *bytes;
			size_t len;
		} memory;
		struct {
			uint64_t unreadable, crowded; // calls
		} conditions;
		struct {
			uint64_t now_ns;
			uint64_t armed_ns;	// when the first probes were armed; 0: not known
			uint32_t num_functions; // number of traced functions; 0: not known
			bool target_died;
		} finish;
	};
};

#endif
