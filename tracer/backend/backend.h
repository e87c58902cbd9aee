// SPDX-License-Identifier: GPL-2.0-or-later
// The interface of the back ends. A back end arms the plan's probes in one target and delivers
// records (bpf/wire.h), complete and in order. Code outside of a back end does not depend on how a
// hit is taken. Back ends know nothing of events and outputs.
#ifndef GOTRACE_TRACER_BACKEND_BACKEND_H
#define GOTRACE_TRACER_BACKEND_BACKEND_H

#include <sys/types.h>

#include "tracer/backend/armed.h"
#include "tracer/backend/tables.h"
#include "tracer/loaded.h"

struct backend { // each back end's own struct begins with it
	struct tables *tables;
};

struct backend_settings {
	uint32_t depth;
	size_t buffer_bytes; // for events that wait; rounded up to what the back end needs
	uint64_t goid;	     // record only this goroutine; 0: all
	bool has_budgets;    // some function has a rate or is sampled, or may be later
	bool has_conditions; // some function has a condition, or may have one later
	// The target is stopped by SIGSTOP and not traced, until the session continues it.
	bool is_held;
};

struct backend_aggregate { // the counts of one key
	const struct wire_key *key;
	const struct wire_key_slot *at; // the key's texts; NULL if keys have no values
	struct wire_totals totals;
	const uint64_t *buckets; // WIRE_BUCKETS entries; NULL: no histogram
};

struct backend_stats {	       // counted since open
	uint64_t lost_buffer;  // events dropped because the buffer was full
	uint64_t lost_scratch; // events dropped because no scratch memory was free
	/** Hits that the kernel missed or skipped, if the kernel reports them. A breakpoint that
	 *  another process removed counts as one. */
	uint64_t missed;
	uint64_t hits;	 // records made
	uint64_t run_ns; // run time of the eBPF program, if it is known (see costs)
	/** CPU time of the target that went into probes, with run_ns, as sampled; 0: not known (see
	 *  costs). */
	uint64_t trap_ns;
	/** The target has executed its own file again. Its calls since then are not seen. */
	bool is_replaced;
};

struct backend_costs { // what one ignored hit costs the target, in ns
	double entry, exit;
};

struct backend_records { // a source of records, or of counts
	/** Calls visit for each record that waits, at most max of them, and stores their number in
	 *  *num. A record is valid only during the call of visit. visit returns false to stop
	 *  early. *ended is set to true if the back end saw the target end. Nothing reports that
	 *  records wait: a wake-up would cost the target more than polling every millisecond costs
	 *  gotrace. */
	struct error *(*poll)(struct backend *backend, size_t max,
			      bool (*visit)(void *context, const struct wire_record *record),
			      void *context, size_t *num, bool *ended);
	void (*stats)(struct backend *backend, struct backend_stats *out);
	/** Calls visit for each key with the counts so far. For plans that count. The argument is
	 *  valid only during the call of visit. */
	struct error *(*aggregates)(struct backend *backend,
				    struct error *(*visit)(void *context,
							   const struct backend_aggregate *one),
				    void *context, struct wire_aggregate_lost *lost);
};

struct backend_probes { // what puts probes into the target
	/** Copies what is new in the plan to where hits are taken (tables_update() and the plan's
	 *  dynamics). Called before arm and after plan_learn. */
	struct error *(*update)(struct backend *backend);
	/** Arms the probes of these functions (numbers in plan->funcs), none of which may be armed
	 *  already. Returns are armed first and entries last, so that no return is missed. A
	 *  function that cannot be armed, or whose code in the target's memory differs from the
	 *  file, is left out (armed_func.refused). It is an error if no function is left.
	 *  armed_func.is_armed shows the result. */
	struct error *(*arm)(struct backend *backend, const uint32_t *funcs, size_t num);
	/** Removes the probes of those of these functions that are armed, and of no others. Their
	 *  records can still be polled. */
	struct error *(*disarm)(struct backend *backend, const uint32_t *funcs, size_t num);
	/** Measures the cost of hits on this machine, which takes a moment. run_ns and trap_ns are
	 *  counted from then on, if the back end can. */
	void (*costs)(struct backend *backend, struct backend_costs *out);
};

struct backend_ops {
	const char *name; // "ebpf", "ptrace"
	bool is_tracer;	  // it traces the target by ptrace, so no other process can
	/** loaded is copied. What it points to, and armed, must outlive the back end. The plan may
	 *  grow while the back end is open. armed must have room for all functions of the plan
	 *  before arm. */
	struct error *(*open)(const struct loaded *loaded, struct armed *armed,
			      const struct backend_settings *settings, struct backend **out);
	/** Removes all probes and frees the back end. Safe at any time. NULL is allowed. */
	void (*close)(struct backend *backend);
	struct backend_records records;
	struct backend_probes probes;
};

// A back end is a folder with a struct backend_ops, and its name here. The default is first.
#define BACKENDS(X)	      X(ebpf) X(ptrace)
#define DECLARE_BACKEND(NAME) extern const struct backend_ops backend_##NAME;
BACKENDS(DECLARE_BACKEND)

/** All back ends; ends with NULL. */
extern const struct backend_ops *const backends[];
/** The back end of this name; NULL if there is none. */
const struct backend_ops *backend_find(const char *name);

#endif
