// SPDX-License-Identifier: GPL-2.0-or-later
// A hit taken in user space: registers and a memory become a record, by the same engine (bpf/engine/capture.h) that
// runs in the kernel, so both make the same record to the byte. For back ends that stop the target,
// for tests and fuzzing.
#ifndef GOTRACE_TRACER_BACKEND_HIT_H
#define GOTRACE_TRACER_BACKEND_HIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tracer/backend/aggregate_tables.h"
#include "tracer/plan/plan.h"

struct hit_source { // where a record comes from; all borrowed
	const struct plan_tables *tables;
	const struct wire_settings *settings;
	const struct wire_stack_settings *stacks; // NULL: no stacks
	const uint64_t
		*only_goid; // hits of other goroutines are ignored; 0, or NULL: all are taken
	struct wire_budget *budgets; // by function; NULL: all calls are taken
	uint32_t num_budgets;
	const struct wire_recovery *recovery; // NULL: not known
	bool has_depth;			      // how many traced calls are under way is counted
	const uint32_t *num_within; // groups of functions that calls are made within; NULL: none
	const struct aggregate_tables
		*aggregates;	    // hits are counted, and make no records; NULL: they are not
	struct wire_losses *losses; // of records that did not arrive; NULL: the maker's own
	/** Where a record goes, of which a hit may make two; false: there is no room for it. NULL: hit_record alone has it. */
	bool (*emit)(void *context, const struct wire_record *record);
	/** An event of this function was lost. NULL: it is not counted. */
	void (*lost)(void *context, uint32_t func, enum wire_loss where);
	/** Copies len bytes of the target at addr; false if not all of them can be read. */
	bool (*read)(void *context, void *dst, size_t len, uint64_t addr);
	/** The type of what an interface of this descriptor (run-time address) points at; 0: not known. */
	uint32_t (*dynamic)(void *context, uint64_t rtype);
	void *context;
};

enum { HIT_FLOATS = 15 }; // X0 to X14

struct hit_regs {
	uint64_t ints[10]; // Go's order, then RDX: struct wire_piece, reg
	uint64_t sp, bp, r14, flags, fs_base;
	const uint64_t *
		floats; // the low halves of HIT_FLOATS registers; NULL: not read, WIRE_FLOATS is not set
};

struct hit_maker; // scratch, kept from hit to hit

/** source is copied. */
struct error *hit_maker_create(const struct hit_source *source, struct hit_maker **out) MUST_CHECK;
void hit_maker_destroy(struct hit_maker *maker);

/** Takes one hit. The last record that it made, borrowed until the next hit; NULL for a hit that makes none. */
const struct wire_record *hit_record(struct hit_maker *maker, uint32_t probe, uint32_t tid,
				     uint64_t time_ns, const struct hit_regs *regs);

/** The function was disarmed: its calls under way are not followed any more. */
void hit_forget(struct hit_maker *maker, uint32_t func);

/** True if the frame of this probe has pieces in float registers: reading them costs, so others go without. */
bool hit_wants_floats(const struct plan_tables *tables, uint32_t probe);

#endif
