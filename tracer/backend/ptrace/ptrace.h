// SPDX-License-Identifier: GPL-2.0-or-later
// Internal interface of the ptrace back end, which consists of two processes:
//
//   the front    the gotrace process that the user started (ptrace.c). It sends commands by a
//                socket and reads records from a ring.
//   the worker   a child of the front (worker.c) and the target's tracer. It owns the threads
//                (threads.c, stepping.c), the breakpoints (breakpoints.c) and the slots for
//                stepping out of line (slots.c), and it makes the records (hit.c, ahead.c). It
//                ignores the terminal's signals. When the front ends, for whatever reason, the
//                worker removes all breakpoints, detaches from all threads, and ends.
//
// Both share a block of memory (shared.c): the plan's tables, which the front writes, and the ring,
// which the worker writes.
#ifndef GOTRACE_TRACER_BACKEND_PTRACE_PTRACE_H
#define GOTRACE_TRACER_BACKEND_PTRACE_PTRACE_H

#include <signal.h>
#include <stdatomic.h>
#include <sys/user.h>
#include <uthash.h>

#include "arch/step.h"
#include "arch/thread.h"
#include "arch/trap.h"
#include "bpf/wire.h"
#include "tracer/backend/backend.h"
#include "tracer/backend/hit.h"

// --- Shared by both processes --------------------------------------------------------------------

struct ptrace_ring { // one writer, one reader
	uint8_t *data;
	uint64_t bytes;			    // a power of two
	_Alignas(64) _Atomic uint64_t head; // bytes put by the worker; never wraps
	_Alignas(64) _Atomic uint64_t tail; // bytes dropped by the front; never wraps
};

struct ptrace_dynamic {		// an entry of a hash table with open addressing
	_Atomic uint64_t rtype; // run-time address, 0: free
	_Atomic uint32_t type;
	uint32_t pad;
};

struct ptrace_slot {
	uint64_t addr;
	uint32_t users;			// threads that execute in the slot
	uint64_t from;			// address of the original instruction
	uint8_t bytes[INSN_MAX_BYTES];	// the original instruction
	uint8_t before[INSN_MAX_BYTES]; // what the slot's memory held before
	uint8_t size;			// of the instruction; 0: the slot was never written
};

enum { PTRACE_SLOTS = 256 };

struct ptrace_slots { // places to execute instructions out of line
	struct ptrace_slot slot[PTRACE_SLOTS];
	uint32_t num, next;
};

struct ptrace_shared {
	struct tables tables;
	struct wire_state state;
	uint64_t *addrs;   // run-time address of each probe
	uint32_t *request; // the probes that a command is about, in the order of arming
	uint32_t num_request;
	struct ptrace_dynamic *dynamics;
	struct aggregate_tables aggregates; // if totals is NULL, hits are not counted
	struct wire_aggregate_settings aggregating;
	_Atomic uint32_t num_keys;
	struct wire_settings settings;
	struct wire_stack_settings stacks;
	struct ptrace_slots slots; // used by the worker, and by the front if the worker was killed
	struct ptrace_ring ring;
	_Atomic uint64_t hits;
	_Atomic uint32_t commands;  // number of commands that the front has sent
	_Atomic uint32_t has_ended; // the target ended, or executed another program
	size_t bytes;		    // of the whole block of memory
};

/** Maps the block with room for the plan to grow. On success, *out is the caller's, to be freed by
 *  ptrace_shared_destroy(). Front only. */
struct error *ptrace_shared_create(const struct plan *plan, const struct backend_settings *settings,
				   struct ptrace_shared **out) MUST_CHECK;
void ptrace_shared_destroy(struct ptrace_shared *shared);
/** Copies the new and changed parts of the plan. *num_dynamics is how many of the plan's dynamics
 *  were copied so far. Front only. */
struct error *ptrace_shared_update(struct ptrace_shared *shared, const struct loaded *loaded,
				   size_t *num_dynamics) MUST_CHECK;
/** The type that an interface with this type descriptor points to; 0: not known. */
uint32_t ptrace_shared_dynamic(const struct ptrace_shared *shared, uint64_t rtype);

/** Copies a record into the ring. False if there is no room. Worker only. */
bool ptrace_ring_put(struct ptrace_ring *ring, const struct wire_record *record);
/** The oldest record, borrowed until dropped; NULL if none waits. Front only. */
const struct wire_record *ptrace_ring_peek(struct ptrace_ring *ring);
void ptrace_ring_drop(struct ptrace_ring *ring, const struct wire_record *record);

enum ptrace_command_kind { PTRACE_ARM, PTRACE_REPAIR, PTRACE_DISARM, PTRACE_LEAVE, PTRACE_CLOSE };

struct ptrace_command { // sent by the socket; the probes are in shared->request
	uint32_t kind;	// enum ptrace_command_kind
};

struct ptrace_reply {
	int32_t errnum;
	char message[252]; // the error; empty: success
};

// --- The worker ----------------------------------------------------------------------------------

struct ptrace_breakpoint {
	uint64_t addr;
	struct step step;
	struct ptrace_use *uses; // probes by ascending number; none: the breakpoint was removed
	uint32_t num_uses;
	bool is_written;
	UT_hash_handle hh;
};

enum { PTRACE_POINTERS = 4 };

struct ptrace_pointer { // a pointer in a register, and the memory that it points to
	uint8_t reg;	// index in ints of struct cpu_regs
	int8_t num_reg; // register with the number of elements; -1: there is one element
	uint16_t cap;	// maximum number of elements that are captured
	uint16_t size;	// of an element, in bytes
};

struct ptrace_ahead {	      // the memory that a hit of a probe will read
	uint16_t stack_bytes; // from SP on
	uint8_t num_pointers;
	struct ptrace_pointer pointers[PTRACE_POINTERS];
};

struct ptrace_use { // a probe of a breakpoint
	uint32_t probe;
	bool wants_floats;
	struct ptrace_ahead ahead;
};

enum ptrace_kind {
	PTRACE_NEWBORN, // new, and stopped until its parent's event shows what it is
	PTRACE_THREAD,	// a thread of the target
	/** A thread of another process that shares the target's memory, until it executes a
	 *  program. */
	PTRACE_SHARER,
	PTRACE_COPY, // a thread of a process with a copy of the target's memory
};

struct ptrace_thread {
	pid_t tid;
	enum ptrace_kind kind;
	bool is_stopped; // until the worker resumes it: newborn, or waits for a slot
	bool owes_trap;	 // the SIGTRAP of a step that is already finished is still to come
	uint32_t ticks;	 // since its birth
	struct ptrace_breakpoint *stepping; // steps out of line over this, or waits to
	struct ptrace_slot *slot;	    // NULL while it waits for a slot
	bool has_held;
	siginfo_t held;	      // a signal to deliver after the step
	uint64_t more;	      // a bit for each further signal that is held
	bool has_mask;	      // signal_mask is to be restored
	uint64_t signal_mask; // before the step
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
	pid_t rival;	   // another tracer of the target, or 0
	int mem;	   // the target's memory; -1: not permitted
	int socket;	   // to the front
	uint32_t commands; // number of commands received
	bool is_attached;
	bool is_leaving; // threads are detached when they stop
	bool is_held;	 // the target is stopped until the front continues it
	uint8_t target;	 // its number
	struct ptrace_thread *threads;
	uint32_t num_waiting; // threads that wait for a slot
	struct ptrace_breakpoint *breakpoints;
	struct hit_maker *maker;
	pid_t reading; // the thread whose memory is read and written
	struct ptrace_window windows[2 + PTRACE_POINTERS];
};

/** Runs the worker after the fork. Returns when the front has ended or asks it to. */
void ptrace_worker_run(struct ptrace_shared *shared, const struct loaded *loaded, bool is_held,
		       int socket);

/** Seizes all threads of the target. False if that fails, with the reason in reply->message. */
bool ptrace_threads_seize(struct ptrace_worker *worker, struct ptrace_reply *reply);
/** Removes all breakpoints and detaches from all threads. No thread is left just after a
 *  breakpoint or in a slot. */
void ptrace_threads_leave(struct ptrace_worker *worker);
/** Handles a status that waitpid returned. */
void ptrace_threads_event(struct ptrace_worker *worker, pid_t tid, int status);
/** Handles newborn threads that their parents do not report in time. Called from time to time. */
void ptrace_threads_tick(struct ptrace_worker *worker);
/** Continues a stopped thread, with a signal or 0. While leaving, detaches from it. */
void ptrace_threads_resume(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig);

/** Makes a thread that has hit a breakpoint execute the original instruction, and resumes it.
 *  The PC in regs is the breakpoint's address. */
void ptrace_stepping_begin(struct ptrace_worker *worker, struct ptrace_thread *thread,
			   struct ptrace_breakpoint *breakpoint,
			   const struct user_regs_struct *regs);
/** Handles a signal stop of a thread that steps out of line. */
void ptrace_stepping_signal(struct ptrace_worker *worker, struct ptrace_thread *thread, int sig);
/** Handles a PTRACE_EVENT_STOP of such a thread. True if its step goes on. Otherwise the step is
 *  over, and the caller resumes the thread. */
bool ptrace_stepping_stop(struct ptrace_worker *worker, struct ptrace_thread *thread,
			  bool is_group_stop);
/** Ends a thread's step without touching the thread, which may be gone, and frees its slot. */
void ptrace_stepping_forget(struct ptrace_worker *worker, struct ptrace_thread *thread);

/** Forgets the calls under way of the functions whose probes are in shared->request, which were
 *  disarmed. */
void ptrace_hit_forget(struct ptrace_worker *worker);

struct ptrace_breakpoint *ptrace_breakpoints_find(struct ptrace_worker *worker, uint64_t addr);
/** Arms the probes of shared->request: all, or none with the reason in reply->message. */
bool ptrace_breakpoints_arm(struct ptrace_worker *worker, struct ptrace_reply *reply);
/** Writes those breakpoints of shared->request again that another process has removed. */
void ptrace_breakpoints_repair(struct ptrace_worker *worker);
/** Removes the probes of shared->request, or all probes. */
void ptrace_breakpoints_disarm(struct ptrace_worker *worker);
void ptrace_breakpoints_disarm_all(struct ptrace_worker *worker);
/** Removes all breakpoints from a copy of the target's memory. */
void ptrace_breakpoints_clean(struct ptrace_worker *worker, pid_t pid);
/** Frees all breakpoints, which must have been removed already. */
void ptrace_breakpoints_clear(struct ptrace_worker *worker);

/** Finds room for slots in this executable's code. Front only. */
void ptrace_slots_init(struct ptrace_slots *slots, const struct loaded *loaded);
/** A slot that holds the breakpoint's instruction; NULL if all are in use. */
struct ptrace_slot *ptrace_slots_take(struct ptrace_slots *slots, int mem,
				      const struct ptrace_breakpoint *breakpoint);
/** Writes the former bytes of all slots back into this memory. */
void ptrace_slots_restore(const struct ptrace_slots *slots, int mem);

/** Finds out which memory hits of a probe will read. */
void ptrace_ahead_init(struct ptrace_ahead *ahead, const struct plan_tables *tables,
		       const struct wire_settings *settings, uint32_t probe);
/** Reads this memory, for the probes of a breakpoint, into the worker's windows. */
void ptrace_ahead_read(struct ptrace_worker *worker, const struct ptrace_breakpoint *breakpoint,
		       const struct cpu_regs *regs);
/** Empties the windows. */
void ptrace_ahead_forget(struct ptrace_worker *worker);

/** Reads ahead the memory that the hit needs. From now on, ptrace_hit_read() and ptrace_hit_write()
 *  access this thread's memory. */
void ptrace_hit_prepare(struct ptrace_worker *worker, const struct ptrace_thread *thread,
			const struct ptrace_breakpoint *breakpoint,
			const struct user_regs_struct *regs);
/** Puts the records of all the breakpoint's probes into the ring. */
void ptrace_hit_record(struct ptrace_worker *worker, const struct ptrace_thread *thread,
		       const struct ptrace_breakpoint *breakpoint,
		       const struct user_regs_struct *regs);
/** Makes worker->maker, which the caller frees with hit_maker_destroy(). */
struct error *ptrace_hit_init(struct ptrace_worker *worker) MUST_CHECK;
/** Reads or writes the memory of the thread that was prepared last. False on failure. */
bool ptrace_hit_read(void *worker, void *dst, size_t len, uint64_t addr);
bool ptrace_hit_write(void *worker, uint64_t addr, const void *src, size_t len);

#endif
