// SPDX-License-Identifier: GPL-2.0-or-later
// What a host supplies to the engine: its clock, the probed thread's registers, the target's memory, the plan's
// tables, the tables of calls under way, room to work in, and a place for records. The engine's headers call
// these functions; each host defines all of them after it has included the headers: bpf/gotrace.bpf.c for
// the kernel, tracer/backend/host.h for user space.
//
// In the kernel, a function that returns a pointer returns one into a BPF map. NULL means that there is no such
// entry, and every caller checks for it.
#ifndef GOTRACE_BPF_ENGINE_HOST_H
#define GOTRACE_BPF_ENGINE_HOST_H

#include "bpf/wire.h"

struct host {
	void *self; // the host's own; NULL in the kernel, where all state is in maps
};

struct host_regs; // the probed thread's registers, as the host has them
struct slot;	  // room for one hit to work in: bpf/engine/take.h
struct expr;
struct capture_regs;

// Hides a value's origin from the compiler: a bound that it could prove needless stays in the
// program, where the verifier looks for it.
#define CAPTURE_HIDE(value) asm volatile("" : "+r"(value))
#define CAPTURE_INLINE	    static inline __attribute__((always_inline))
// A function of its own, for its share of the kernel's stack of 512 bytes.
#define CAPTURE_APART static __attribute__((noinline))

// --- The hit -----------------------------------------------------------------------------------

/** CLOCK_MONOTONIC. */
static inline wire_u64 host_now_ns(const struct host *host);
/** Copies the registers that hold arguments or results. */
static inline void host_copy_regs(const struct host_regs *regs, struct capture_regs *out);
static inline wire_u64 host_sp(const struct host_regs *regs);
static inline wire_u64 host_frame_pointer(const struct host_regs *regs);
/** The first of the registers that hold arguments. */
static inline wire_u64 host_first_arg(const struct host_regs *regs);
/** The address of the goroutine's runtime.g; 0 if it is not known. */
static inline wire_u64 host_g(const struct host *host, const struct host_regs *regs,
			      const struct wire_probe *probe);
/** The low eight bytes of Xreg; false where the host does not have them. */
static inline bool host_float(const struct host *host, wire_u8 reg, wire_u64 *value);
/** True if this hit's floats are filled in. */
static inline bool host_has_floats(const struct host *host);

// --- Memory and loops --------------------------------------------------------------------------

/** Copies len bytes of the target; 0, or not 0 if any of them cannot be read. */
static inline int host_read(const struct host *host, void *dst, wire_u64 len, wire_u64 addr);
/** Copies len bytes of the host's own memory, at most those of a slot's texts. */
static inline void host_copy(const struct host *host, void *dst, const void *src, wire_u64 len);
/** Calls step(i, context) for i < num until it returns not 0. */
static inline void host_repeat(wire_u32 num, long (*step)(wire_u32 i, void *context),
			       void *context);

// --- The plan's tables -------------------------------------------------------------------------

static inline const struct wire_settings *host_settings(const struct host *host);
static inline const struct wire_stack_settings *host_stack_settings(const struct host *host);
static inline const struct wire_aggregate_settings *host_count_settings(const struct host *host);
static inline const struct wire_recovery *host_recovery(const struct host *host);
static inline const struct wire_piece *host_piece(const struct host *host, wire_u32 i);
static inline const struct wire_type *host_type(const struct host *host, wire_u32 i);
static inline const struct wire_edge *host_edge(const struct host *host, wire_u32 i);
static inline const struct wire_op *host_op(const struct host *host, wire_u32 i);
static inline const struct wire_literal *host_literal(const struct host *host, wire_u32 i);
/** The type of what an interface of this descriptor (run-time address) holds; WIRE_NO_TYPE: not known. */
static inline wire_u32 host_dynamic(const struct host *host, wire_u64 rtype);

// By function; NULL where the session has none.
static inline struct wire_budget *host_budget(const struct host *host, wire_u32 func);
static inline struct wire_condition *host_condition(const struct host *host, wire_u32 func);
static inline const struct wire_aggregate *host_aggregate(const struct host *host, wire_u32 func);

/** Hits of this goroutine alone are wanted; 0: of all. */
static inline wire_u64 host_only_goid(const struct host *host);
/** True if some condition asks how many traced calls are under way. */
static inline bool host_has_depth(const struct host *host);
/** True if some function has a condition, or may have one later. */
static inline bool host_has_conditions(const struct host *host);
/** How many groups of functions there are that --within names. */
static inline wire_u32 host_num_groups(const struct host *host);

// --- Calls under way ---------------------------------------------------------------------------
// What find returns is good until its key is dropped. put and follow return 0, or not 0 where there is no room.

/** A call that is traced, with the time of its entry alone. */
static inline int host_follow(const struct host *host, const struct wire_call_key *key,
			      wire_u64 time_ns);
/** True if it was followed. */
static inline bool host_unfollow(const struct host *host, const struct wire_call_key *key);
/** A call that is counted. */
static inline int host_call_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_call *call);
static inline struct wire_call *host_call_find(const struct host *host,
					       const struct wire_call_key *key);
static inline void host_call_drop(const struct host *host, const struct wire_call_key *key);
/** A call whose return decides. from: a struct wire_held; only as much of it as its record has is read. */
static inline int host_held_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_kept *from);
static inline struct wire_held *host_held_find(const struct host *host,
					       const struct wire_call_key *key);
static inline void host_held_drop(const struct host *host, const struct wire_call_key *key);
/** The goroutine's calls from this distance on have left, or will leave, without a return. */
static inline void host_calls_gone(const struct host *host, wire_u64 goid, wire_u64 from);
/** How deep a goroutine's traced calls are nested. */
static inline int host_nest_put(const struct host *host, const struct wire_nest_key *key,
				const struct wire_nest *nest);
static inline struct wire_nest *host_nest_find(const struct host *host,
					       const struct wire_nest_key *key);
static inline void host_nest_drop(const struct host *host, const struct wire_nest_key *key);
/** A number that is not 0 once a goroutine had no room. */
static inline wire_u32 *host_nests_full(const struct host *host);
/** The outermost distance of a goroutine's frames of a group of functions; key: of within_key(). */
static inline int host_within_put(const struct host *host, wire_u64 key, wire_u64 distance);
static inline const wire_u64 *host_within_find(const struct host *host, wire_u64 key);
static inline void host_within_drop(const struct host *host, wire_u64 key);

// --- What is counted ---------------------------------------------------------------------------

/** The key's slot; COUNT_NO_SLOT where it has none. */
static inline wire_u32 host_key_slot(const struct host *host, const struct wire_key *key);
/** Makes one, at->slot, with the texts of at; COUNT_NO_SLOT where there is no room. */
static inline wire_u32 host_key_make(const struct host *host, const struct wire_key *key,
				     struct wire_key_slot *at);
static inline struct wire_totals *host_totals(const struct host *host, wire_u32 slot);
static inline wire_u64 *host_bucket(const struct host *host, wire_u32 slot, wire_u32 bucket);
static inline struct wire_aggregate_lost *host_count_lost(const struct host *host);

// --- Records -----------------------------------------------------------------------------------

/** Room to work in, to be given back on every way out; NULL: all is taken. */
static inline struct slot *host_slot_take(const struct host *host);
static inline void host_slot_give(const struct host *host, struct slot *slot);
/** Room for a record without blocks where the reader will find it; NULL: the buffer is full. */
static inline struct wire_record *host_reserve(const struct host *host);
/** Not 0: there was no room after all. */
static inline int host_submit(const struct host *host, struct wire_record *record);
/** Copies a record there; not 0: the buffer is full. */
static inline int host_output(const struct host *host, const struct wire_record *record,
			      wire_u64 size);
/** How many events have been lost, by goroutine. */
static inline struct wire_losses *host_losses(const struct host *host);
/** An event of this function was lost. */
static inline void host_lost(const struct host *host, const struct wire_probe *probe,
			     enum wire_loss where);
/** True if that stack's words were recorded before; learn: they are now. */
static inline bool host_knows_stack(const struct host *host, wire_u64 number);
static inline void host_learn_stack(const struct host *host, wire_u64 number);

#endif
