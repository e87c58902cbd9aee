// SPDX-License-Identifier: GPL-2.0-or-later
// What a host supplies to the engine: a clock, the probed thread's registers, the target's memory,
// the plan's tables, the tables of calls under way, working memory, and a place for records. The
// engine's headers call these functions. Each host includes the headers and then defines all of
// them: bpf/gotrace.bpf.c for the kernel, tracer/backend/hit.c for user space.
//
// In the kernel, a returned pointer leads into a BPF map. NULL means that there is no such entry;
// every caller checks for it.
#ifndef GOTRACE_BPF_ENGINE_HOST_H
#define GOTRACE_BPF_ENGINE_HOST_H

#include "arch/cpu.h"
#include "bpf/wire.h"

struct host {
	void *self; // the host's own state; NULL in the kernel, where all state is in maps
};

struct host_regs; // the probed thread's registers, as the host has them
struct slot;	  // working memory for one hit: bpf/engine/slot.h
struct expr;
struct capture_regs;

// Hides a value's origin from the compiler, so that the compiler keeps a bounds check that it could
// prove needless. The verifier needs this check.
#define CAPTURE_HIDE(value) asm volatile("" : "+r"(value))
#define CAPTURE_INLINE	    static inline __attribute__((always_inline))
// A function that is not inlined. A BPF program has a stack of 512 bytes; this function's variables
// take up some of it only during a call.
#define CAPTURE_APART static __attribute__((noinline))

// --- The hit -----------------------------------------------------------------------------------

/** The time of CLOCK_MONOTONIC. */
static inline wire_u64 host_now_ns(const struct host *host);
/** Copies the registers that hold arguments or results. */
static inline void host_copy_regs(const struct host_regs *regs, struct capture_regs *out);
static inline wire_u64 host_sp(const struct host_regs *regs);
static inline wire_u64 host_frame_pointer(const struct host_regs *regs);
/** The return address at a function's entry, if CPU_HAS_LINK. */
static inline wire_u64 host_link(const struct host_regs *regs);
/** The first register that holds an argument. */
static inline wire_u64 host_first_arg(const struct host_regs *regs);
/** The address of the goroutine's runtime.g; 0 if it is not known. */
static inline wire_u64 host_g(const struct host *host, const struct host_regs *regs,
			      const struct wire_probe *probe);
/** The low eight bytes of float register number reg; false if the host does not have them. */
static inline bool host_float(const struct host *host, wire_u8 reg, wire_u64 *value);
/** True if host_float() has the registers of this hit. */
static inline bool host_has_floats(const struct host *host);

// --- Memory and loops --------------------------------------------------------------------------

/** Copies len bytes of the target's memory. Returns 0, or not 0 if any of them cannot be read. */
static inline int host_read(const struct host *host, void *dst, wire_u64 len, wire_u64 addr);
/** Copies len bytes of the host's own memory, at most the size of struct wire_key_slot's texts. */
static inline void host_copy(const struct host *host, void *dst, const void *src, wire_u64 len);
/** Calls step(i, context) for i from 0 to num - 1, until it returns not 0. */
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
/** The plan's type for the data of an interface whose type descriptor is at run-time address
 *  rtype; WIRE_NO_TYPE if it is not known. */
static inline wire_u32 host_dynamic(const struct host *host, wire_u64 rtype);

// By function; NULL if the session has none.
static inline struct wire_budget *host_budget(const struct host *host, wire_u32 func);
static inline struct wire_condition *host_condition(const struct host *host, wire_u32 func);
static inline const struct wire_aggregate *host_aggregate(const struct host *host, wire_u32 func);

/** The only selected goroutine; 0 if all are selected. */
static inline wire_u64 host_only_goid(const struct host *host);
/** True if some condition asks how many traced calls are under way. */
static inline bool host_has_depth(const struct host *host);
/** True if some function has a condition, or may have one later. */
static inline bool host_has_conditions(const struct host *host);
/** How many groups of functions there are that --within names. */
static inline wire_u32 host_num_groups(const struct host *host);

// --- Calls under way ---------------------------------------------------------------------------
// A pointer that a find function returns is valid until its key is dropped. The put functions and
// host_follow() return 0, or not 0 if there is no room.

/** Follows a traced call: stores the time of its entry. */
static inline int host_follow(const struct host *host, const struct wire_call_key *key,
			      wire_u64 time_ns);
/** Stops following a call. True if it was followed. */
static inline bool host_unfollow(const struct host *host, const struct wire_call_key *key);
/** Stores a call that is counted. */
static inline int host_call_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_call *call);
static inline struct wire_call *host_call_find(const struct host *host,
					       const struct wire_call_key *key);
static inline void host_call_drop(const struct host *host, const struct wire_call_key *key);
/** Stores the entry of a call whose return decides. held's bytes after the end of the record have
 *  no meaning. */
static inline int host_held_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_held *held);
static inline struct wire_held *host_held_find(const struct host *host,
					       const struct wire_call_key *key);
static inline void host_held_drop(const struct host *host, const struct wire_call_key *key);
/** The calls of the key's goroutine from this distance on have ended, or will end, without a
 *  return. Drops their held entries; a host can drop these calls from its other table too. */
static inline void host_calls_gone(const struct host *host, const struct wire_call_key *key,
				   wire_u64 from);
/** Stores a traced call under way, or what is known of a goroutine (struct wire_nest). */
static inline int host_nest_put(const struct host *host, const struct wire_call_key *key,
				const struct wire_nest *nest);
static inline struct wire_nest *host_nest_find(const struct host *host,
					       const struct wire_call_key *key);
static inline void host_nest_drop(const struct host *host, const struct wire_call_key *key);
/** A flag in the host's memory: not 0 once there was no room for a goroutine. */
static inline wire_u32 *host_nests_full(const struct host *host);

// --- What is counted ---------------------------------------------------------------------------

/** The key's slot; COUNT_NO_SLOT if it has none. */
static inline wire_u32 host_key_slot(const struct host *host, const struct wire_key *key);
/** Makes a slot for a key, and stores it in at->slot and in the table, with the texts of at.
 *  Returns the slot; COUNT_NO_SLOT if there is no room. */
static inline wire_u32 host_key_make(const struct host *host, const struct wire_key *key,
				     struct wire_key_slot *at);
static inline struct wire_totals *host_totals(const struct host *host, wire_u32 slot);
static inline wire_u64 *host_bucket(const struct host *host, wire_u32 slot, wire_u32 bucket);
static inline struct wire_aggregate_lost *host_count_lost(const struct host *host);

// --- Records -----------------------------------------------------------------------------------

/** Takes working memory, which the caller gives back on every path; NULL if all slots are taken. */
static inline struct slot *host_slot_take(const struct host *host);
static inline void host_slot_give(const struct host *host, struct slot *slot);
/** Reserves room in the buffer for a record without blocks; NULL if the buffer is full. The
 *  caller submits the record. */
static inline struct wire_record *host_reserve(const struct host *host);
/** Hands a reserved record to the reader. Not 0 if there was no room after all. */
static inline int host_submit(const struct host *host, struct wire_record *record);
/** Copies a record of size bytes into the buffer. Not 0 if the buffer is full. */
static inline int host_output(const struct host *host, const struct wire_record *record,
			      wire_u64 size);
/** How many events have been lost, by goroutine. */
static inline struct wire_losses *host_losses(const struct host *host);
/** Counts a lost event of the probe's function. */
static inline void host_lost(const struct host *host, const struct wire_probe *probe,
			     enum wire_loss where);
/** True if the words of this stack have been recorded; host_learn_stack() marks them as
 *  recorded. */
static inline bool host_knows_stack(const struct host *host, wire_u64 number);
static inline void host_learn_stack(const struct host *host, wire_u64 number);

#endif
