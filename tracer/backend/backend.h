// SPDX-License-Identifier: GPL-2.0-or-later
// How a hit is taken. A back end arms the plan's probes in one target and hands over records of
// wire.h, whole and in order; nothing outside assumes how a hit arrives. Back ends know nothing of
// events and outputs.
#ifndef GOTRACE_TRACER_BACKEND_BACKEND_H
#define GOTRACE_TRACER_BACKEND_BACKEND_H

#include <sys/types.h>

#include "tracer/plan/plan.h"

struct backend;

struct backend_target {	 // borrowed until the back end is closed
	pid_t pid;	 // as this process sees it
	const char *exe; // a path that opens the target's executable and no other
	uint64_t bias;	 // run-time address - vaddr
	int pidfd;
	int mem;      // its memory, to read and write; -1: not permitted
	bool is_held; // stopped by SIGSTOP and nobody's tracee, until the session continues it
};

struct backend_settings {
	uint32_t depth;
	size_t buffer_bytes; // of events waiting; rounded up to what the back end needs
	uint64_t goid;	     // only this goroutine; 0: all
	bool has_budgets; // calls are left out: some function has a rate, or is sampled, or may be later
	bool has_conditions; // some function has one, or may have one later
};

struct backend_aggregate { // what was counted for one key
	const struct wire_key *key;
	const struct wire_key_slot *at; // its texts; NULL where keys have no values
	struct wire_totals totals;
	const uint64_t *buckets; // WIRE_BUCKETS of them; NULL: no histogram
};

struct backend_stats {	       // counted since open
	uint64_t lost_buffer;  // events dropped because the buffer was full
	uint64_t lost_scratch; // because no scratch was free
	/** Hits that the kernel itself missed or skipped, where it tells; of breakpoints that somebody took off, one. */
	uint64_t missed;
	uint64_t hits;	 // records made
	uint64_t run_ns; // the program's own time, where it is known (see costs)
	bool is_replaced; // the target has executed its own file anew: its calls since then are not seen
};

struct backend_costs { // of one hit that is ignored, in ns of the target's time
	double entry, exit;
};

struct backend_ops {
	const char *name; // "ebpf", "ptrace"
	bool is_tracer;	  // it is the target's tracer by ptrace, so nobody else can be
	/** plan is borrowed and must outlive the back end; it may grow while open. */
	struct error *(*open)(const struct backend_target *target, struct plan *plan,
			      const struct backend_settings *settings, struct backend **out);
	/** Takes probes off, every one, and frees. Safe at any time; takes NULL. */
	void (*close)(struct backend *backend);
	/** Makes the plan's new table entries and dynamics known. Called before arm and after plan_learn. */
	struct error *(*update)(struct backend *backend);
	/** Arms the probes of these functions (numbers in plan->funcs; none is armed). Returns first, entries last, so
	 *  no return is missed. Those that cannot be are left out (plan_func.refused), as are those whose code in
	 *  the target's memory is not the file's; it is an error if none is left. plan_func.is_armed tells. */
	struct error *(*arm)(struct backend *backend, const uint32_t *funcs, size_t num);
	/** Takes the probes of these functions off (those that are armed), and touches no others; what they recorded
	 *  can still be polled. */
	struct error *(*disarm)(struct backend *backend, const uint32_t *funcs, size_t num);
	/** Pauses or resumes the probes of one function without touching the target. */
	void (*enable)(struct backend *backend, const struct plan_func *func, bool on);
	/** Records of this goroutine alone from here on; 0: of all. */
	void (*goroutine)(struct backend *backend, uint64_t goid);
	/** A descriptor that may become readable when records wait or the target ended; -1 for none: then the
	 *  caller polls each millisecond. */
	int (*fd)(struct backend *backend);
	/** Hands over what waits: at most max records. The record is valid during the call only. Returns how many in
	 *  *num. *ended becomes true when the back end saw the target end. visit returns false to stop early. */
	struct error *(*poll)(struct backend *backend, size_t max,
			      bool (*visit)(void *context, const struct wire_record *record),
			      void *context, size_t *num, bool *ended);
	void (*stats)(struct backend *backend, struct backend_stats *out);
	/** Events lost by goroutine, counted by the engine as it makes records. */
	const struct wire_losses *(*losses)(struct backend *backend);
	/** Events lost of one function. */
	uint64_t (*lost)(struct backend *backend, const struct plan_func *func);
	/** What is taken of one function's calls, shared with the engine: what it counts can be read and what it is told
	 *  be changed at any time. NULL without has_budgets. */
	struct wire_budget *(*budget)(struct backend *backend, const struct plan_func *func);
	/** What was counted so far, a visit for each key, where the plan counts; what the visit is given is valid during
	 *  the call only. */
	struct error *(*aggregates)(struct backend *backend,
				    struct error *(*visit)(void *context,
							   const struct backend_aggregate *one),
				    void *context, struct wire_aggregate_lost *lost);
	/** What of a function's condition the engine counts; NULL without has_conditions. */
	const struct wire_condition *(*condition)(struct backend *backend,
						  const struct plan_func *func);
	/** Measures what hits cost on this machine, which takes a moment, and has run_ns counted from here on. */
	void (*costs)(struct backend *backend, struct backend_costs *out);
};

extern const struct backend_ops backend_ebpf;
extern const struct backend_ops backend_ptrace;

/** By name; NULL if there is none. */
const struct backend_ops *backend_find(const char *name);

#endif
