// SPDX-License-Identifier: GPL-2.0-or-later
// Takes a hit in user space: makes a record from registers and memory. It uses the same engine
// (bpf/engine/take.h) that runs in the kernel, so that both make the same record to the byte. It is
// for back ends that stop the target, for tests and for fuzzing.
#ifndef GOTRACE_TRACER_BACKEND_HIT_H
#define GOTRACE_TRACER_BACKEND_HIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "base/error.h"
#include "tracer/backend/aggregate_tables.h"
#include "tracer/backend/tables.h"

struct hit_source {	       // what a record is made from; all pointers are borrowed
	struct tables *tables; // with their state
	uint8_t target;	       // its number, for records and keys
	const struct wire_settings *settings;
	const struct wire_stack_settings *stacks;  // NULL: no stacks
	const struct aggregate_tables *aggregates; // not NULL: hits are counted and make no records
	/** Takes a record; false if there is no room for it. One hit may make two records. NULL:
	 *  the record is only returned by hit_record(). */
	bool (*emit)(void *context, const struct wire_record *record);
	/** Copies len bytes of the target at addr; false if not all of them can be read. */
	bool (*read)(void *context, void *dst, size_t len, uint64_t addr);
	/** The type that an interface with this type descriptor (run-time address) points to; 0:
	 *  not known. */
	uint32_t (*dynamic)(void *context, uint64_t rtype);
	void *context;
};

struct hit_maker; // scratch memory and tables that are kept from hit to hit

/** Makes a maker, to be freed by hit_maker_destroy(). source is copied, but not what it points
 *  to. */
struct error *hit_maker_create(const struct hit_source *source, struct hit_maker **out) MUST_CHECK;
void hit_maker_destroy(struct hit_maker *maker);

/** Takes one hit. Without regs->floats, WIRE_FLOATS is not set. Returns the last record that the
 *  hit made, borrowed until the next hit; NULL if the hit made no record. */
const struct wire_record *hit_record(struct hit_maker *maker, uint32_t probe, uint32_t tid,
				     uint64_t time_ns, const struct cpu_regs *regs);

/** Forgets the calls under way of a function that was disarmed. */
void hit_forget(struct hit_maker *maker, uint32_t func);

/** True if the frame of this probe has pieces in float registers. For other probes, the caller can
 *  save the cost of reading these registers. */
bool hit_wants_floats(const struct plan_tables *tables, uint32_t probe);

#endif
