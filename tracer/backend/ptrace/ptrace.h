// SPDX-License-Identifier: GPL-2.0-or-later
// The ptrace back end among its own files. Two processes hold it:
//
//   the front    the gotrace that the user sees (ptrace.c): commands by a socket, records from a ring
//   the worker   its child (ptrace_worker.c), the target's tracer. It owns the threads
//                (ptrace_threads.c, ptrace_stepping.c), the breakpoints (ptrace_breakpoints.c), the
//                slots for stepping out of line (ptrace_slots.c), and makes the records
//                (ptrace_hit.c, ptrace_ahead.c). It ignores the terminal's signals, and when the front is gone, by
//                whatever end, it takes all breakpoints off, lets all threads go, and ends.
//
// What both see is in memory that they share (ptrace_shared.c): the plan's tables, which the front
// writes, and the ring, which the worker writes.
#ifndef GOTRACE_TRACER_BACKEND_PTRACE_PTRACE_H
#define GOTRACE_TRACER_BACKEND_PTRACE_PTRACE_H

#include <signal.h>
#include <stdatomic.h>
#include <sys/user.h>
#include <uthash.h>

#include "bpf/wire.h"
#include "tracer/backend/backend.h"
#include "tracer/backend/hit.h"
#include "arch/x86_64/step.h"

// --- What both processes see ---------------------------------------------------------------------

struct ptrace_ring { // one writer, one reader
	uint8_t *data;
	uint64_t bytes;			    // a power of two
	_Alignas(64) _Atomic uint64_t head; // the worker's, never wraps
	_Alignas(64) _Atomic uint64_t tail; // the front's
};

struct ptrace_dynamic {		// an entry of an open hash
	_Atomic uint64_t rtype; // run-time address, 0: free
	_Atomic uint32_t type;
	uint32_t pad;
};

struct ptrace_slot {
	uint64_t addr;
	uint32_t users;			// threads in it
	uint64_t from;			// the instruction's own place
	uint8_t bytes[INSN_MAX_BYTES];	// as they stand there
	uint8_t before[INSN_MAX_BYTES]; // what stood there
	uint8_t size;			// 0: never written
};

enum { PTRACE_SLOTS = 256 };

struct ptrace_slots { // places for instructions out of line
	struct ptrace_slot slot[PTRACE_SLOTS];
	uint32_t num, next;
};

struct ptrace_shared {
	struct plan_tables tables; // copies of the plan's; the numbers grow after the entries
	uint32_t capacity[4];	   // of probes, pieces, types, edges
	uint64_t *addrs;	   // where each probe stands at run time
	uint32_t *request;	   // the probes that a command means, in the order of arming
	uint32_t num_request;
	struct ptrace_dynamic *dynamics;
	_Atomic uint64_t *lost;			// of each function
	uint32_t num_lost;			// functions that can be counted
	uint32_t num_ops_max, num_literals_max; // of tables, room
	bool has_conditions;
	bool has_depth;		     // the calls under way on each goroutine are known
	struct wire_budget *budgets; // of each function; NULL: all calls are taken
	uint32_t num_budgets;
	struct aggregate_tables aggregates; // totals NULL: hits are not counted
	struct wire_aggregate_settings aggregating;
	struct wire_aggregate *func_aggregates; // of each function
	struct wire_aggregate_lost aggregate_lost;
	_Atomic uint32_t num_keys;
	struct wire_settings settings;
	struct wire_stack_settings stacks;
	struct wire_recovery recovery;
	uint32_t num_within;	   // groups of functions that calls are made within
	struct ptrace_slots slots; // the worker's; the front's when the worker was killed
	uint64_t only_goid;
	struct ptrace_ring ring;
	_Atomic uint64_t lost_buffer, hits;
	struct wire_losses losses;
	_Atomic uint32_t commands;  // how many the front has sent
	_Atomic uint32_t has_ended; // the target ended, or became another program
	size_t bytes;		    // of all this
};

struct error *ptrace_shared_create(const struct plan *plan, const struct backend_settings *settings,
				   struct ptrace_shared **out) MUST_CHECK;
void ptrace_shared_destroy(struct ptrace_shared *shared);
/** Copies what is new or changed in the plan. Front only. */
struct error *ptrace_shared_update(struct ptrace_shared *shared, const struct plan *plan,
				   uint64_t bias, size_t *num_dynamics) MUST_CHECK;
/** The type of what an interface of this descriptor points at; 0: not known. */
uint32_t ptrace_shared_dynamic(const struct ptrace_shared *shared, uint64_t rtype);

/** False where there is no room. Worker only. */
bool ptrace_ring_put(struct ptrace_ring *ring, const struct wire_record *record);
/** The oldest record, borrowed until dropped; NULL if none waits. Front only. */
const struct wire_record *ptrace_ring_peek(struct ptrace_ring *ring);
void ptrace_ring_drop(struct ptrace_ring *ring, const struct wire_record *record);

enum ptrace_command_kind { PTRACE_ARM, PTRACE_REPAIR, PTRACE_DISARM, PTRACE_LEAVE, PTRACE_CLOSE };

struct ptrace_command { // by the socket; the probes to arm or to disarm are in shared->request
	uint32_t kind;	// enum ptrace_command_kind
};

struct ptrace_reply {
	int32_t errnum;
	char message[252]; // empty: done
};

// --- The worker ----------------------------------------------------------------------------------

struct ptrace_breakpoint {
	uint64_t addr;
	struct ptrace_step step;
	struct ptrace_use *uses; // probes in the order of their numbers; none: it was taken off
	uint32_t num_uses;
	bool is_written;
	UT_hash_handle hh;
};

enum { PTRACE_POINTERS = 4 };

struct ptrace_pointer { // in a register, and what it leads to
	uint8_t reg;	// struct hit_regs, ints
	int8_t num_reg; // of the number of elements, -1: it is one
	uint16_t cap;	// elements that are captured
	uint16_t size;	// bytes of one
};

struct ptrace_ahead {	      // what a hit of a probe will read
	uint16_t stack_bytes; // from SP on
	uint8_t num_pointers;
	struct ptrace_pointer pointers[PTRACE_POINTERS];
};

struct ptrace_use { // a breakpoint's probe
	uint32_t probe;
	bool wants_floats;
	struct ptrace_ahead ahead;
};

enum ptrace_kind {
	PTRACE_NEWBORN, // not known yet: stopped, until its parent tells of it
	PTRACE_THREAD,	// the target's
	PTRACE_SHARER, // of another process that shares the target's memory, until it executes a program
	PTRACE_COPY, // of a process with a copy of it
};

struct ptrace_thread {
	pid_t tid;
	enum ptrace_kind kind;
	bool is_stopped; // for us to go on with: newborn, or waiting for a slot
	bool owes_trap;	 // the trap of a step that is accounted for already will come
	uint32_t ticks;	 // since it was born
	struct ptrace_breakpoint *stepping; // out of line, or waiting to
	struct ptrace_slot *slot;	    // NULL while it waits
	bool has_held;
	siginfo_t held;	      // a signal to deliver after the step
	int second;	      // another one, or 0
	uint64_t signal_mask; // as it was before the step
	UT_hash_handle hh;
};

enum { PTRACE_WINDOW = 1024 };
#define PTRACE_WORKER_NAME "gotrace-ptrace"

struct ptrace_window { // memory read ahead
	uint64_t addr, len;
	uint8_t bytes[PTRACE_WINDOW];
};

struct ptrace_worker {
	struct ptrace_shared *shared;
	pid_t pid;
	pid_t rival;	   // another tracer that was met, or 0
	int mem;	   // the target's; -1: not permitted
	int socket;	   // to the front
	uint32_t commands; // taken
	bool is_attached;
	bool is_leaving; // threads are let go as they stop
	bool is_held;	 // the target is stopped until the front continues it
	struct ptrace_thread *threads;
	uint32_t num_waiting; // for a slot
	struct ptrace_breakpoint *breakpoints;
	struct hit_maker *maker;
	pid_t reading; // the thread whose memory is read
	struct ptrace_window windows[2 + PTRACE_POINTERS];
};

/** What the child does after fork: returns when the front is gone or wants it to. */
void ptrace_worker_run(struct ptrace_shared *shared, const struct backend_target *target,
		       int socket);

/** Seizes all threads. NULL, or what is wrong, in reply->message. */
bool ptrace_threads_seize(struct ptrace_worker *worker, struct ptrace_reply *reply);
/** Takes all breakpoints off and lets all threads go, none behind a breakpoint or in a slot. */
void ptrace_threads_leave(struct ptrace_worker *worker);
/** A status that waitpid told. */
void ptrace_threads_event(struct ptrace_worker *worker, pid_t tid, int status);
/** Now and then: what does not come to an end by itself. */
void ptrace_threads_tick(struct ptrace_worker *worker);
/** Lets a stopped thread run, with a signal or 0; or go, when leaving. */
void ptrace_threads_resume(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig);

/** Brings a thread that stands on a breakpoint past it, and resumes it. */
void ptrace_stepping_begin(struct ptrace_worker *worker, struct ptrace_thread *thread,
			   struct ptrace_breakpoint *breakpoint,
			   const struct user_regs_struct *regs);
/** A thread that is out of line stopped with this signal. */
void ptrace_stepping_signal(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig);
/** It stopped with PTRACE_EVENT_STOP. True if its step goes on; else its step is over, and it is to be resumed. */
bool ptrace_stepping_stop(struct ptrace_worker *worker, struct ptrace_thread *thread,
			  bool is_group_stop);
/** It is gone. */
void ptrace_stepping_forget(struct ptrace_worker *worker, struct ptrace_thread *thread);

/** The functions whose probes are in shared->request were disarmed: their calls are not followed any more. */
void ptrace_hit_forget(struct ptrace_worker *worker);

struct ptrace_breakpoint *ptrace_breakpoints_find(struct ptrace_worker *worker, uint64_t addr);
/** Arms shared->request. All or none. */
bool ptrace_breakpoints_arm(struct ptrace_worker *worker, struct ptrace_reply *reply);
/** Writes breakpoints of shared->request anew that somebody else has taken off. */
void ptrace_breakpoints_repair(struct ptrace_worker *worker);
/** Takes the probes of shared->request off, or all there are. */
void ptrace_breakpoints_disarm(struct ptrace_worker *worker);
void ptrace_breakpoints_disarm_all(struct ptrace_worker *worker);
/** Takes all of them off a copy of the target's memory. */
void ptrace_breakpoints_clean(struct ptrace_worker *worker, pid_t pid);
/** Forgets them all; they have been taken off. */
void ptrace_breakpoints_clear(struct ptrace_worker *worker);

/** Finds where code of this executable has room. Front only. */
void ptrace_slots_init(struct ptrace_slots *slots, struct image *image, uint64_t bias);
/** A slot that holds the breakpoint's instruction; NULL if all are in use. */
struct ptrace_slot *ptrace_slots_take(struct ptrace_slots *slots, int mem,
				      const struct ptrace_breakpoint *breakpoint);
/** Puts back what stood there, into this memory. */
void ptrace_slots_restore(const struct ptrace_slots *slots, int mem);

/** Finds out what hits of a probe will read. */
void ptrace_ahead_init(struct ptrace_ahead *ahead, const struct plan_tables *tables,
		       const struct wire_settings *settings, uint32_t probe);
/** Reads it into the windows. */
void ptrace_ahead_read(struct ptrace_worker *worker, const struct ptrace_breakpoint *breakpoint,
		       const struct hit_regs *regs);
/** Empties the windows. */
void ptrace_ahead_forget(struct ptrace_worker *worker);

/** Reads ahead what the hit needs; the memory that steps and records are read from is this thread's from here. */
void ptrace_hit_prepare(struct ptrace_worker *worker, const struct ptrace_thread *thread,
			const struct ptrace_breakpoint *breakpoint,
			const struct user_regs_struct *regs);
/** Puts the records of all the breakpoint's probes into the ring. */
void ptrace_hit_record(struct ptrace_worker *worker, const struct ptrace_thread *thread,
		       const struct ptrace_breakpoint *breakpoint,
		       const struct user_regs_struct *regs);
struct error *ptrace_hit_init(struct ptrace_worker *worker) MUST_CHECK;
/** Memory of the thread that was prepared last. */
bool ptrace_hit_read(void *worker, void *dst, size_t len, uint64_t addr);
bool ptrace_hit_write(void *worker, uint64_t addr, const void *src, size_t len);

#endif
