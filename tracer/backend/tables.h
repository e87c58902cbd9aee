// SPDX-License-Identifier: GPL-2.0-or-later
// The engine's copies of the plan's tables, and its tables by function (lost events, budgets, what
// is counted), in memory that a back end provides: arrays of the kernel that are mapped into this
// process, or memory that two processes share. Also the state that may change while probes are
// armed. The plan grows, and tables_update() copies what is new. A table never moves, so its size
// is set once, with room for later additions.
#ifndef GOTRACE_TRACER_BACKEND_TABLES_H
#define GOTRACE_TRACER_BACKEND_TABLES_H

#include "tracer/loaded.h"
#include "tracer/plan/plan.h"

struct backend_settings;

// In the order of copying: an entry is copied before the entries that refer to it.
enum tables_kind {
	TABLES_LOST,
	TABLES_BUDGETS,
	TABLES_AGGREGATES,
	TABLES_EDGES,
	TABLES_TYPES,
	TABLES_LITERALS,
	TABLES_OPS,
	TABLES_CONDITIONS,
	TABLES_PIECES,
	TABLES_PROBES,
	NUM_TABLES,
};

struct tables {
	struct plan_tables plan; // copies; a number grows after the entries
	uint64_t *lost;		 // this and the next two by function: lost events
	struct wire_budget *budgets;
	struct wire_aggregate *aggregates;
	uint32_t num_lost, num_budgets, num_aggregates;
	uint32_t capacity[NUM_TABLES]; // entries; 0: the table is not needed and has no memory
	bool has_depth;		       // the calls under way on each goroutine are counted
	struct wire_state *state;
};

/** Sets the capacities of an empty struct tables, for this plan and its later additions. */
struct error *tables_size(struct tables *tables, const struct plan *plan,
			  const struct backend_settings *settings) MUST_CHECK;
/** The table's name, as in messages and in the kernel. */
const char *tables_name(enum tables_kind kind);
/** Bytes of memory for a table. */
size_t tables_bytes(const struct tables *tables, enum tables_kind kind);
/** Puts a table into this memory, which is tables_bytes() of zeros and stays the caller's. */
void tables_place(struct tables *tables, enum tables_kind kind, void *memory);
/** Where the table was placed; NULL: nowhere. */
void *tables_memory(const struct tables *tables, enum tables_kind kind);
/** Copies the new and changed parts of loaded->plan. If there is no room, the error's code is
 *  ENOSPC. The engine may read the tables meanwhile. */
struct error *tables_update(struct tables *tables, const struct loaded *loaded) MUST_CHECK;
/** Gives operands of the plan (enum wire_operand) the values that they have in this process. */
void tables_place_ops(struct wire_op *ops, size_t num, const struct loaded *loaded);

/** Enables or disables the probes of one function, without touching the target. Exits are enabled
 *  first and disabled last, so that a call that was seen to begin is seen to end. */
void tables_enable(struct tables *tables, const struct plan_func *func, bool on);
/** Enables or disables only the function's exits, or only its other probes. */
void tables_enable_part(struct tables *tables, const struct plan_func *func, bool exits, bool on);
/** True for a probe where a call ends: a RET, or a jump out of the function. */
bool tables_is_exit(const struct wire_probe *probe);

/** From now on, only this goroutine is recorded; 0: all. */
void tables_goroutine(struct tables *tables, uint64_t goid);
/** Lost events of one function. */
uint64_t tables_lost(const struct tables *tables, const struct plan_func *func);
/** The budget of one function, shared with the engine. Its counters can be read and its settings
 *  changed at any time. NULL if there are no budgets. */
struct wire_budget *tables_budget(const struct tables *tables, const struct plan_func *func);
/** A function's condition with the engine's counters; NULL if it has none. */
const struct wire_condition *tables_condition(const struct tables *tables,
					      const struct plan_func *func);

#endif
