// SPDX-License-Identifier: GPL-2.0-or-later
// What to do, as data: the chosen functions with their probes, and the tables of wire.h that tell the
// capture engine what fills a frame and where its pointers lead. Pure: it can be printed (--dry-run)
// and needs no privileges. Functions may be added while a session runs; nothing ever moves to
// another number, so a back end only has to hear of what is new.
//
// A frame holds a probe's values (arguments at entry, results at a return), each at an aligned offset.
// The plan owns its tables and borrows functions, signatures and types from the index.
#ifndef GOTRACE_TRACER_PLAN_PLAN_H
#define GOTRACE_TRACER_PLAN_PLAN_H

#include "bpf/wire.h"
#include "dwarf/index/index.h"
#include "tracer/plan/aggregate.h"
#include "tracer/plan/select/select.h"
#include "arch/sites.h"

struct plan_conditions;

enum { PLAN_CONDITIONS = 16 };

struct plan_options {
	uint32_t depth;	 // pointers and interfaces followed one after the other
	uint32_t strlen; // bytes of a string
	uint32_t items;	 // elements of a slice, array or map
	bool no_args;	 // capture no arguments
	bool no_return;	 // no return probes: neither results nor durations
	uint32_t every;	 // one of so many calls of a function is taken; 0: each
	uint32_t rate;	 // calls of a function a second; 0: no limit
	uint32_t stack;	 // frames of a call's stack; 0: none. Of the whole plan, as is
	bool creator;	 // who started the goroutine
	const struct aggregate_options
		*aggregate; // calls are counted, not told; of the whole plan; NULL
	const char *conditions[PLAN_CONDITIONS]; // that calls have to fulfil; borrowed
	uint32_t num_conditions;
	const char *caller; // calls made by this function only; borrowed; NULL: by any
	uint64_t slower_ns; // calls that take longer only; 0: any
	bool errors;	    // calls that return an error only
	const char *
		within; // calls made while a function of this pattern is active only; borrowed; NULL: all
	const struct plan_conditions *wanted; // all that, taken apart; borrowed; NULL: none
};

enum { PLAN_DEPTH = 2, PLAN_STRLEN = 64, PLAN_ITEMS = 16 }; // the defaults

struct plan_hole {		  // bytes of a frame that cannot be had
	uint32_t frame_off, size; // bytes
	const char *reason;	  // "float in XMM0"; borrowed from the plan
	bool is_float;		  // filled after all in a record with WIRE_FLOATS
};

struct plan_value { // one argument or result in its frame
	const struct param *param;
	uint32_t frame_off;   // bytes
	uint32_t frame_bytes; // captured; less than the type's size where it was cut
};

struct plan_frame { // what a probe's record carries in its first block
	struct plan_value *values;
	size_t num_values;
	struct plan_hole *holes;
	size_t num_holes;
	uint32_t size;				// bytes
	uint32_t first_piece, num_pieces, type; // in the tables
};

struct plan_probe {	     // beside tables.probes, the same index
	uint64_t vaddr, off; // address in the file's numbering; file offset
	bool is_emulated;
};

struct plan_trace { // what the calls of one trace's functions are counted by; the session's own
	uint64_t calls_left; // of these, told; later ones are followed in silence
	uint64_t goid;	     // calls of other goroutines are followed in silence; 0: of none
	uint64_t lost;	     // events
	uint64_t calls, returns, total_ns; // total_ns: the durations of the returns
	uint64_t open;			   // calls under way
};

struct plan_func {
	const struct func *func;	   // borrowed from the index
	const struct signature *signature; // borrowed; never NULL
	uint32_t number;		   // its index in plan->funcs
	uint32_t first_probe, num_probes;  // the entry first
	uint32_t trace;			   // who asked for it: the session's trace id
	struct plan_trace *counts;	   // its trace's; NULL where there is no session
	bool has_return;  // return probes are armed: durations and how it ended are known
	bool has_results; // and results are captured
	bool has_args;
	bool is_armed;	 // the back end's: its probes are there
	char *refused;	 // likewise: why they cannot be, by plan_func_refuse; NULL: nobody said so
	bool is_counted; // only its entry is armed, next time it is
	bool is_off;	 // the session's: its hits are ignored for now
	uint64_t
		off_ns; // likewise: since when its returns are not seen (CLOCK_MONOTONIC); 0: they are
	uint32_t every, rate; // as in plan_options
	char *condition;      // of its calls; "": none
	const struct plan_func
		*former; // the same function, chosen before with other options; or NULL
	uint64_t lost;	 // events, as far as they were counted
	struct plan_frame args, results;
	struct aggregate_func aggregate; // what is counted of its calls
};

struct text;

struct plan_refusal {
	const struct func *func;
	char *reason;
	bool is_unfit;	  // it could be probed: what the options ask for is not there
	bool is_expected; // it cannot fail, and only calls that fail are wanted: few functions can
};

struct plan_tables { // wire.h's tables; entry i of probes is also plan->probes[i]
	struct wire_probe *probes;
	struct wire_piece *pieces;
	struct wire_type *types; // [0] is WIRE_NO_TYPE
	struct wire_edge *edges;
	uint32_t num_probes, num_pieces, num_types, num_edges;
	struct wire_op *ops;
	struct wire_literal *literals;
	struct wire_condition *conditions; // by function; those beyond num_conditions have none
	uint32_t num_ops, num_literals, num_conditions;
};

// How many dynamic types are learnt, and from how many entries in the tables for them on no more: back ends have
// room for that, and for what the last one brings.
enum { PLAN_DYNAMICS_MAX = 65536, PLAN_LEARNT_TYPES = 49152, PLAN_LEARNT_EDGES = 98304 };

struct plan_dynamic { // a type that interfaces may hold: descriptor's vaddr -> type of what the data word points at
	uint64_t rtype;
	uint32_t type;
};

// Where the record of WIRE_PROBE_RECOVERY says which goroutine goes on at which depth. Its frame is the address
// of g, and g and g's panic are copied.
struct plan_recovery {
	uint32_t goid_off, stack_hi_off; // bytes in runtime.g
	uint32_t panic_off;		 // in runtime.g; of the panic that is recovered
	bool is_in_panic;		 // sp_off is in runtime._panic, not in runtime.g
	bool is_known;
	uint32_t sp_off; // of the SP at which the frame that recovered goes on
};

struct plan_within { // functions that calls are to be made within; its index + 1 is their group
	char *pattern;
	struct selection functions;
	bool is_added;
};

struct plan {
	struct index *index; // borrowed
	struct plan_options options;
	uint64_t bias; // run-time address - vaddr; the session sets it
	uint32_t pid;  // likewise
	struct plan_func **funcs;
	size_t num_funcs;
	struct plan_probe *probes;
	struct plan_tables tables;
	struct plan_dynamic *dynamics;
	size_t num_dynamics;
	bool is_full; // no dynamic types are learnt any more
	struct plan_refusal *refusals;
	size_t num_refusals;
	uint32_t string_type; // in tables.types: a string's header
	struct plan_recovery recovery;
	struct plan_within within[WIRE_WITHIN_MAX];
	uint32_t num_within;
	bool wants_depth;	  // some condition asks how many traced calls are under way
	struct plan_state *state; // the plan's own
};

struct error *plan_create(struct index *index, const struct plan_options *options,
			  struct plan **out) MUST_CHECK;
void plan_destroy(struct plan *plan);

/** Adds functions with the options of this trace (depth, strlen and items are the plan's; others may
 *  differ). Those that cannot be probed soundly go to refusals. Functions for which plan_find has an answer
 *  are left as they are. *first and *num: the functions added, plan->funcs[*first ...]. */
struct error *plan_add(struct plan *plan, const struct selection *selection,
		       const struct plan_options *options, uint32_t trace, size_t *first,
		       size_t *num) MUST_CHECK;

/** How the plan has this function: as it is armed, else with these options; NULL if it does not. */
const struct plan_func *plan_find(const struct plan *plan, const struct func *func,
				  const struct plan_options *options);

/** The sites of one function as plan_add would find them; for "list" and "info". */
struct error *plan_sites(struct plan *plan, const struct func *func, struct sites *out) MUST_CHECK;

/** Makes the type of this descriptor known to the capture engine (once), and what it reaches within
 *  depth. false if there is no such type, or no room for it (is_full). New tables' entries and one new dynamics
 *  entry follow. */
bool plan_learn(struct plan *plan, uint64_t rtype);

/** The functions of the runtime that the pairing wants to hear of: gopanic, Goexit, and recovery, or deferreturn
 *  where recovery cannot be read: added as functions with one probe each, of kinds WIRE_PROBE_PANIC and
 *  on. Missing ones are left out. */
struct error *plan_add_notes(struct plan *plan, size_t *first, size_t *num) MUST_CHECK;

/** The group of this pattern, made where there is none yet. An error where it chooses nothing. */
struct error *plan_within_group(struct plan *plan, const char *pattern, uint32_t *group) MUST_CHECK;

/** The functions of --within whose calls are wanted by functions added before, as functions with probes of the kinds
 *  WIRE_PROBE_BEGIN and WIRE_PROBE_END; after plan_add_notes. An error where one cannot be probed. */
struct error *plan_add_within(struct plan *plan, size_t *first, size_t *num) MUST_CHECK;

/** A back end's word on a function that it cannot arm. */
void plan_func_refuse(struct plan_func *func, const char *why);

/** Adds a function to the refusals, which have each once. */
struct error *plan_refuse(struct plan *plan, const struct func *func,
			  const char *reason) MUST_CHECK;

/** Adds to the refusals a function that an expression in the options does not fit. */
struct error *plan_leave_out(struct plan *plan, const struct func *func,
			     const char *reason) MUST_CHECK;

/** The refusals of one of the two kinds as people read them, "main.a (why), main.b (why) and 3 more": max at
 *  most are named. Returns how many there are. */
size_t plan_write_refusals(const struct plan *plan, bool is_unfit, size_t max, struct text *out);

/** The function of a probe; NULL for a number that is not in the plan. */
const struct plan_func *plan_probe_func(const struct plan *plan, uint32_t probe);

#endif
