// SPDX-License-Identifier: GPL-2.0-or-later
// What to do, as data: the selected functions with their probes, and the tables of wire.h, from
// which the capture engine learns how to fill a frame block and where its pointers lead. A plan has
// no side effects: it can be printed (--dry-run) and needs no privileges. It does not depend on a
// process: all of its addresses are the executable's own. Functions may be added
// while a session runs. Numbers in the plan never change, so a back end only needs to hear of
// additions.
//
// The frame block of a record holds the values of a probe (arguments at entry, results at a
// return), each at an aligned offset. The plan owns its tables and borrows functions, signatures
// and types from the index.
#ifndef GOTRACE_TRACER_PLAN_PLAN_H
#define GOTRACE_TRACER_PLAN_PLAN_H

#include "bpf/wire.h"
#include "dwarf/index/index.h"
#include "tracer/plan/aggregate.h"
#include "tracer/plan/redact.h"
#include "tracer/plan/select/select.h"
#include "arch/sites.h"

struct plan_capture {	 // what is captured of a call
	uint32_t depth;	 // how many pointers and interfaces are followed, one after the other
	uint32_t strlen; // bytes of a string that are captured
	uint32_t items;	 // elements of a slice, array or map that are captured
	uint32_t stack;	 // frames of a call's stack; 0: none
	bool creator;	 // capture who started the goroutine
	bool is_brief;	 // only what a line of text is likely to show
	bool no_args;	 // capture no arguments
	bool no_return;	 // no return probes: neither results nor durations
	struct redact_options redact;
};

enum { PLAN_LISTS = 16 };

struct plan_list { // what an option that may be given several times says; texts are borrowed
	uint32_t num;
	const char *text[PLAN_LISTS];
};

struct plan_filter {		     // which calls are wanted; texts are borrowed
	struct plan_list conditions; // that calls have to fulfil
	const char *caller;	     // only calls made by this function; NULL: by any
	uint64_t slower_ns;	     // only calls that take longer; 0: all calls
	bool errors;		     // only calls that return an error
	// Only calls made while a function of this pattern is active; NULL: all calls.
	const char *within;
};

struct plan_shown {	       // what is captured and shown of calls: lists with commas
	struct plan_list show; // expressions; none: arguments and results
	struct plan_list args; // names of the only arguments; none: all
	struct plan_list hide; // names and types of arguments and results that are left out
};

struct plan_sampling {
	uint32_t every; // capture one of this many calls of a function; 0: every call
	uint32_t rate;	// calls of a function a second; 0: no limit
};

// capture (but for no_args and no_return) and counting are the same for the whole plan.
struct plan_options {
	struct plan_capture capture;
	struct plan_filter filter;
	struct plan_shown shown;
	struct plan_sampling sampling;
	const struct aggregate_options *counting; // not NULL: calls are counted, not reported
};

enum { PLAN_DEPTH = 2, PLAN_STRLEN = 64, PLAN_ITEMS = 16 }; // the defaults
// Smaller values are captured whole, if at all. Of larger ones, elements of arrays that are not
// shown may be left out.
enum { PLAN_GAP_MIN = 512 };

struct plan_hole {		  // bytes of a frame block that the engine cannot read
	uint32_t frame_off, size; // bytes
	const char *reason;	  // a static string
	bool is_float;		  // a record with WIRE_FLOATS has these bytes after all
};

struct plan_value { // one argument or result in a frame block, or a part of one
	const struct param *param;
	uint32_t start;	      // byte of the value that comes first
	uint32_t frame_off;   // bytes
	uint32_t frame_bytes; // captured; less than the type's size if the value was cut
	bool is_address;      // these bytes are the address of the value on the stack
	bool is_redacted;     // nothing of it is captured
};

struct plan_frame { // the layout of the frame block of a probe's records
	struct plan_value *values;
	size_t num_values;
	struct plan_hole *holes;
	size_t num_holes;
	uint32_t size;				// bytes
	uint32_t first_piece, num_pieces, type; // in the tables
};

struct plan_probe {	     // the rest of tables.probes[i], at the same index
	uint64_t vaddr, off; // address in the file's numbering; file offset
	bool is_emulated;    // as in struct site
};

struct expr_path;

struct plan_show { // what is shown of a function's calls in place of its arguments and results
	bool is_set;
	struct expr_path **paths; // owned
	size_t num;
	bool *left_out; // by number in the signature's params; NULL: none of them; owned
};

struct plan_func {
	const struct func *func;	   // borrowed from the index
	const struct signature *signature; // borrowed; never NULL
	uint32_t number;		   // its index in plan->funcs
	uint32_t first_probe, num_probes;  // the entry is the first probe
	bool has_return;  // return probes are armed: durations and how calls ended are known
	bool has_results; // results are captured
	bool has_args;
	bool is_named; // a pattern is its name, and no glob
	struct plan_sampling sampling;
	char *condition; // of its calls; "": none
	char *clauses;	 // what is captured of its calls, as clauses of a pattern; "": all
	struct plan_show show;
	// The same function, added earlier with other options; or NULL.
	const struct plan_func *former;
	struct plan_frame args, results;
	struct aggregate_func aggregate; // what is counted of its calls
};

/** True if an argument or result of this function is not shown. */
static inline bool plan_hides(const struct plan_func *func, const struct param *param)
{
	return param->is_hidden ||
	       (func->show.left_out && func->show.left_out[param - func->signature->params]);
}

struct text;

struct plan_refusal {
	const struct func *func;
	char *reason;
	bool is_unfit; // it can be probed, but an expression in the options does not fit it
	// Only calls that fail are wanted and this function cannot fail. That is true of most
	// functions, so plan_write_refusals leaves it out.
	bool is_expected;
};

struct plan_tables { // the tables of wire.h; plan->probes[i] has more about probes[i]
	struct wire_probe *probes;
	struct wire_piece *pieces;
	struct wire_type *types; // [0] is WIRE_NO_TYPE
	struct wire_edge *edges;
	uint32_t num_probes, num_pieces, num_types, num_edges;
	struct wire_op *ops;
	struct wire_literal *literals;
	// By function number; functions from num_conditions on have none.
	struct wire_condition *conditions;
	uint32_t num_ops, num_literals, num_conditions;
};

// Limits on learning dynamic types: how many are learnt, and at how many entries in the types and
// edges tables learning stops. Back ends have room for this many, and for what the last type adds.
enum { PLAN_DYNAMICS_MAX = 65536, PLAN_LEARNT_TYPES = 49152, PLAN_LEARNT_EDGES = 98304 };

struct plan_dynamic {	// a type that interfaces may hold
	uint64_t rtype; // the vaddr of its descriptor
	uint32_t type;	// in tables.types: of what the interface's data word points to
};

// Offsets for reading the records of WIRE_PROBE_RECOVERY, which show which goroutine goes on and
// where on its stack. Their frame block holds the address of g; g and g's panic are copied, too.
struct plan_recovery {
	uint32_t goid_off, stack_hi_off; // bytes in runtime.g
	uint32_t panic_off;		 // in runtime.g: the pointer to the panic that is recovered
	bool is_in_panic;		 // sp_off is an offset in runtime._panic, not in runtime.g
	bool is_known;
	uint32_t sp_off; // the SP at which the frame that recovered goes on
};

struct plan_within { // the functions of one --within; index + 1 is the group's number
	char *pattern;
	struct selection functions;
	bool is_added; // plan_add_within has added the functions
};

struct plan {
	struct index *index; // borrowed
	struct plan_options options;
	struct redact *redact; // by the options
	struct plan_func **funcs;
	size_t num_funcs;
	struct plan_probe *probes;
	struct plan_tables tables;
	struct plan_dynamic *dynamics;
	size_t num_dynamics;
	bool is_full; // no more dynamic types are learnt
	struct plan_refusal *refusals;
	size_t num_refusals;
	uint32_t string_type; // in tables.types: the header of a string
	struct plan_recovery recovery;
	struct plan_within within[WIRE_WITHIN_MAX];
	uint32_t num_within;
	bool wants_depth;	  // a condition asks how many traced calls are under way
	struct plan_state *state; // private
};

/** Makes an empty plan. index is borrowed; options are copied, with depth limited to
 *  WIRE_DEPTH_MAX. */
struct error *plan_create(struct index *index, const struct plan_options *options,
			  struct plan **out) MUST_CHECK;
void plan_destroy(struct plan *plan);

struct plan_request {	       // what is to be added to a plan; borrowed
	char *const *patterns; // with their clauses
	size_t num_patterns;
	struct plan_options options;
	const struct selection *selection; // these functions instead; NULL: those of the patterns
	bool is_recorded; // the request was made before: clauses that fit no function are no error
	/** A function that is armed is taken as it is, whatever its options. NULL: none is
	 *  armed. */
	bool (*is_armed)(const void *context, uint32_t func);
	const void *context;
};

struct plan_selected {	 // the functions of a request
	uint32_t *funcs; // numbers in the plan, in ascending order
	size_t num;
	size_t num_refused; // selected functions that are not in the plan
};

/** Adds the functions of a request, unless they are in the plan with the same options. Functions
 *  that cannot be probed soundly go to the plan's refusals. On success, free *out with
 *  plan_selected_deinit. */
struct error *plan_add(struct plan *plan, const struct plan_request *request,
		       struct plan_selected *out) MUST_CHECK;
void plan_selected_deinit(struct plan_selected *selected);

/** Finds the sites of one function as plan_add does; for "list" and "info". */
struct error *plan_sites(struct plan *plan, const struct func *func, struct sites *out) MUST_CHECK;

/** Makes the type with this descriptor (a vaddr) known to the capture engine, and the types that it
 *  leads to within depth. This appends one entry to dynamics, and entries to the tables. Returns
 *  false if the type was asked for before, if there is no such type, or if there is no room
 *  (is_full). */
bool plan_learn(struct plan *plan, uint64_t rtype);

/** Learns types that interfaces may hold before a hit shows them, if a value of the functions added
 *  so far leads to an interface: the types in itabs of these interfaces, those of package main, and
 *  others, up to a limit. Call it after plan_add, before the back end's update. */
void plan_learn_ahead(struct plan *plan);

/** Adds the functions of the runtime that the pairing of entries and returns needs: gopanic,
 *  Goexit, and recovery (or deferreturn, if recovery's argument cannot be read). Each has one
 *  probe, of the kinds WIRE_PROBE_PANIC to WIRE_PROBE_RECOVERY. Functions that the program does not
 *  have are left out. */
struct error *plan_add_notes(struct plan *plan, size_t *first, size_t *num) MUST_CHECK;

/** Finds the group of this --within pattern, or makes it. A pattern that selects nothing is an
 *  error. */
struct error *plan_within_group(struct plan *plan, const char *pattern, uint32_t *group) MUST_CHECK;

/** Adds the functions of all groups that plan_within_group made and that were not added yet, with
 *  probes of the kinds WIRE_PROBE_BEGIN and WIRE_PROBE_END. Call it after plan_add_notes. A
 *  function that cannot be probed is an error. */
struct error *plan_add_within(struct plan *plan, size_t *first, size_t *num) MUST_CHECK;

/** Adds a function that cannot be probed to the refusals, unless it is one of them. */
struct error *plan_refuse(struct plan *plan, const struct func *func,
			  const char *reason) MUST_CHECK;

/** Adds a function that an expression in the options does not fit (is_unfit) to the refusals. */
struct error *plan_leave_out(struct plan *plan, const struct func *func,
			     const char *reason) MUST_CHECK;

/** Writes the refusals of one of the two kinds as text: "main.a (why), main.b (why) and 3 more". At
 *  most max are named. Expected ones are left out. Returns how many there are. */
size_t plan_write_refusals(const struct plan *plan, bool is_unfit, size_t max, struct text *out);

/** Returns the function of a probe, or NULL if the plan has no probe with this number. */
const struct plan_func *plan_probe_func(const struct plan *plan, uint32_t probe);

#endif
