// SPDX-License-Identifier: GPL-2.0-or-later
// The data that the two sides share: the plan's tables, which user space writes and the capture
// engine reads, and the records, which the engine writes and tracer/event reads. All fields have
// a fixed width, host byte order, natural alignment and explicit padding. The BPF program and
// user space include it.
#ifndef GOTRACE_BPF_WIRE_H
#define GOTRACE_BPF_WIRE_H

#ifndef __bpf__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef uint8_t wire_u8;
typedef uint16_t wire_u16;
typedef uint32_t wire_u32;
typedef uint64_t wire_u64;
typedef int32_t wire_s32;
#else
typedef unsigned char wire_u8;
typedef unsigned short wire_u16;
typedef unsigned int wire_u32;
typedef unsigned long long wire_u64;
typedef int wire_s32;
#endif

// --- The plan's tables -------------------------------------------------------------------------

enum {
	WIRE_NO_TYPE = 0,	 // type 0: plain bytes, no edges
	WIRE_RECORD_MAX = 16384, // bytes of a record, header included
	WIRE_BLOCK_MAX = 4096,	 // bytes of one block, the frame block included
	WIRE_STEPS_MAX = 2048,	 // steps of one record's walk: an edge, or a group of a map
	// Of these steps, at most so many for groups, buckets and tables of maps.
	WIRE_GROUPS_MAX = 1024,
	WIRE_DEPTH_MAX = 15,
	WIRE_FAULTS_MAX = 3, // unreadable blocks after which a walk ends
};

enum wire_probe_kind {
	WIRE_PROBE_ENTRY,
	WIRE_PROBE_RETURN, // a RET of the function
	WIRE_PROBE_TAIL,   // a jump out of the function: the frame ends, its results are not known
	// The hits of the kinds from here on are no events. They show which calls have ended, or
	// which functions are active.
	WIRE_PROBE_PANIC,  // entry of runtime.gopanic
	WIRE_PROBE_GOEXIT, // entry of runtime.Goexit
	// Entry of runtime.deferreturn, where a frame that recovered continues.
	WIRE_PROBE_DEFERRETURN,
	// Entry of runtime.recovery, on the system stack: its argument leads to g.
	WIRE_PROBE_RECOVERY,
	WIRE_PROBE_BEGIN, // entry of a function that --within names; no record is made
	WIRE_PROBE_END,	  // end of such a function; no record is made
};

enum wire_probe_flags {
	// Ignore a hit at which the branch of the stack check is taken: its slow path executes the
	// entry again.
	WIRE_SKIP_TAKEN = 1,
	WIRE_G_IN_TLS = 2,	// stack-ABI code: g is at thread pointer + tls_g
	WIRE_DISABLED = 4,	// hits are ignored (a paused trace)
	WIRE_ANY_GOROUTINE = 8, // applies to all goroutines, even if only one is selected
};

struct wire_probe {
	wire_u32 func;	     // the plan's function number: hits and losses are counted by it
	wire_u16 kind;	     // enum wire_probe_kind
	wire_u16 flags;	     // enum wire_probe_flags
	wire_u32 frame_type; // the type whose edges the walk follows from the frame block
	wire_u32 first_piece;
	wire_u16 num_pieces; // 0: no frame block is captured
	wire_u16 frame_size; // bytes, at most WIRE_BLOCK_MAX
	// The number of the arming in the cookie of this probe's uprobe. A hit with another one
	// comes from an earlier arming and is ignored.
	wire_u32 arming;
};

// The cookie of a uprobe: the target's number, the number of the arming, and the probe's number.
enum { WIRE_TARGET_SHIFT = 56, WIRE_ARMING_SHIFT = 32, WIRE_ARMING_MAX = (1 << 24) - 1 };

static inline wire_u64 wire_cookie(wire_u8 target, wire_u32 arming, wire_u32 probe)
{
	return (wire_u64)target << WIRE_TARGET_SHIFT | (wire_u64)arming << WIRE_ARMING_SHIFT |
	       probe;
}

enum wire_where {
	WIRE_INT_REG,
	WIRE_FLOAT_REG,
	WIRE_STACK,
	WIRE_STACK_ADDR, // the address of bytes on the stack, not the bytes
};

struct wire_piece { // fills bytes [frame_off, frame_off + size) of the frame block at a hit
	wire_u16 frame_off;
	// bytes: 1 to 8 from a register; from the stack at most WIRE_BLOCK_MAX; 8 of an address
	wire_u16 size;
	wire_u8 where; // enum wire_where
	// In Go's order of integer or float registers; after the last integer register, the
	// closure's context (arch/cpu.h).
	wire_u8 reg;
	wire_u16 pad;
	wire_u32 stack_off; // WIRE_STACK, WIRE_STACK_ADDR: from the first argument on the stack
	wire_u32 pad2;	    // the kernel's arrays have strides of 8
};

struct wire_type {
	wire_u32 size; // bytes of one element of a block of this type; 0: no edges are followed
	wire_u32 first_edge;
	wire_u32 num_edges;
	// Bytes that one step of wire_edge.first moves on: from an element to the next. It is more
	// than size if only the first part of an element is in the block.
	wire_u32 stride;
};

enum wire_edge_kind {
	WIRE_EDGE_POINTER, // u64 -> one element of type
	WIRE_EDGE_STRING,  // {ptr, len} -> min(len, cap) bytes
	WIRE_EDGE_SLICE, // {ptr, len, cap} -> min(len - first, cap) elements of type from first on
	WIRE_EDGE_IFACE, // {itab, data}: the type's address is at itab + 8
	WIRE_EDGE_EFACE, // {type, data}
	WIRE_EDGE_PART,	 // the element itself -> one part of it, first bytes after its beginning
	// Maps: the header starts with the number of entries, count. Groups of type are searched
	// until min(count, cap) entries are found.
	//
	// runtime.hmap: the buckets are at 16; their number is 1 << (u8 at 9).
	WIRE_EDGE_BUCKETS,
	// runtime.hmap: the old buckets are at 24. There are half as many as new ones, or as many
	// if sameSizeGrow (8) is set in flags (u8 at 8).
	WIRE_EDGE_OLD_BUCKETS,
	// maps.Map: dirPtr at 16, dirLen at 24. If dirLen is 0, dirPtr leads to one group; else
	// to dirLen pointers to maps.table.
	WIRE_EDGE_TABLES,
};

enum wire_edge_flags {
	WIRE_EDGE_STEP = 1, // following it costs one step of depth: a pointer or an interface
};

struct wire_edge {
	wire_u32 offset; // in an element: of the pointer, or of the struct for an edge to a map
	wire_u8 kind;	 // enum wire_edge_kind
	wire_u8 flags;	 // enum wire_edge_flags
	wire_u16 cap;	 // bytes of a string; elements of a slice; entries of a map
	wire_u32 type;	 // of the elements that the edge leads to
	// The address that the edge leads to is moved on by so many strides of type. Not for
	// interfaces and maps.
	wire_u32 first;
};

// Set before the BPF program is loaded, in read-only data.
struct wire_settings {
	wire_u32 depth;				 // largest depth of a block, at most WIRE_DEPTH_MAX
	wire_u32 g_goid, g_stack_lo, g_stack_hi; // byte offsets in runtime.g
	wire_s32 tls_g;				 // offset of g from the thread pointer
	wire_u32 record_max;			 // bytes of a record, at most WIRE_RECORD_MAX
	wire_u32 has_goid;			 // 0: this runtime's goid offset is not known
	wire_u32 string_type; // type of a string's header, for dynamic types not known yet
	// Addresses of memory that the executable file holds too: a failed read there is not
	// counted as a fault.
	wire_u64 ro_start, ro_end;
};

// What is recorded of a call's stack. Set before the BPF program is loaded, in read-only data.
struct wire_stack_settings {
	wire_u32 max;	      // return addresses of a stack, at most WIRE_STACK_MAX; 0: no stacks
	wire_u32 has_creator; // the creator of the goroutine is recorded too
	wire_u32 g_gopc, g_parent_goid; // byte offsets in runtime.g; 0: no such field
};

// --- Budgets -----------------------------------------------------------------------------------

enum wire_budget_level { // what is recorded of a call; each level is less than the one before
	WIRE_BUDGET_FULL,
	WIRE_BUDGET_BARE,   // no values
	WIRE_BUDGET_COUNTS, // no records: calls are only counted
};

enum wire_budget_flags {
	WIRE_BUDGET_FOLLOW = 1, // the function's returns are probed too; else they are no events
};

// The budget of one function. User space writes the first half, also while the program runs; the
// engine writes the second.
struct wire_budget {
	wire_u32 every;	      // one call in so many is admitted; 0 and 1: every call
	wire_u16 level;	      // enum wire_budget_level
	wire_u16 flags;	      // enum wire_budget_flags
	wire_u64 interval_ns; // between two calls if the rate is limited; 0: no limit
	wire_u64 pad[2];
	wire_u64 used_ns; // CLOCK_MONOTONIC: the rate is used up to this time
	wire_u64 seen;	  // entries
	wire_u64 skipped; // entries left out by sampling, rate or level
	wire_u64 crowded; // entries left out because there was no room to follow the call
};

// --- Aggregates --------------------------------------------------------------------------------

enum {
	WIRE_KEYS = 4,	       // values that make up a key
	WIRE_KEY_TEXT = 256,   // bytes that are kept to show a string in a key
	WIRE_BUCKETS = 62 * 8, // of a histogram; tracer/count/histogram.h
};

enum wire_value_kind {
	WIRE_VALUE_NONE,
	WIRE_VALUE_INT, // signed
	WIRE_VALUE_UINT,
	WIRE_VALUE_STRING, // two words: its address, then its length
};

struct wire_value {   // a value that a function's program (struct wire_op) keeps for an aggregate
	wire_u8 kind; // enum wire_value_kind
	wire_u8 kept; // its index in struct wire_kept
	wire_u8 is_result;
	wire_u8 pad;
};

enum wire_aggregate_flags {
	WIRE_AGGREGATE_COUNTED = 1, // the function's calls are counted
	WIRE_AGGREGATE_RETURNS = 4, // the ends of its calls are needed
	// A call is counted when it returns: the return decides whether it is, or some key is a
	// result.
	WIRE_AGGREGATE_LATE = 8,
	WIRE_AGGREGATE_GOROUTINE = 16, // its program at entry asks for the goroutine
};

struct wire_aggregate { // of one function
	wire_u32 flags; // enum wire_aggregate_flags
	// The program at entry: it decides which calls are counted, and keeps values.
	wire_u32 entry_op, num_entry;
	wire_u32 return_op, num_return; // the same for the program at return
	struct wire_value key[WIRE_KEYS];
	struct wire_value value; // of a histogram; WIRE_VALUE_NONE: the duration
	struct wire_value error; // not 0: the call has returned an error
	wire_u32 within;	 // as in struct wire_condition
};

// Set before the BPF program is loaded, in read-only data.
struct wire_aggregate_settings {
	wire_u32 num_slots;
	wire_u32 num_keys;
	wire_u32 has_buckets;
	wire_u32 num_linear; // linear buckets; 0: logarithmic ones
	wire_u64 linear_min, linear_step;
	wire_u64 seed[2];    // for the hashes of strings
	wire_u32 text_bytes; // of a key's texts, kept from a call's entry to its return
	wire_u32 pad;
};

enum wire_key_state {
	WIRE_KEY_KNOWN,
	WIRE_KEY_UNREADABLE,
	WIRE_KEY_IN_FILE, // hash: the run-time address of a string that only the file has
	WIRE_KEY_LONG,	  // a string of more than WIRE_BLOCK_MAX bytes
};

struct wire_key_part {
	wire_u64 word; // a number, or a string's length
	wire_u64 hash; // of all bytes of a string; bpf/engine/hash.h
};

struct wire_key { // a table's keys end after the last part that is used
	wire_u32 func;
	wire_u8 state[WIRE_KEYS]; // enum wire_key_state
	struct wire_key_part part[WIRE_KEYS];
};

struct wire_key_slot { // the value of a key; a table's values end after the last text that is used
	wire_u32 slot;
	wire_u32 pad;
	wire_u8 text[WIRE_KEYS][WIRE_KEY_TEXT]; // the beginnings of strings, to show them
};

struct wire_totals { // of one key
	wire_u64 calls;
	wire_u64 returns;
	wire_u64 errors;
	wire_u64 total;	     // sum of all values, modulo 2^64
	wire_u64 below;	     // values that are negative, or below the first linear bucket
	wire_u64 above;	     // values above the last linear bucket
	wire_u64 unreadable; // values that could not be read
};

struct wire_aggregate_lost { // what is missing, over all functions
	wire_u64 keys;	     // calls whose key had no room
	wire_u64 active;     // calls that could not be followed to their end: the table was full
	wire_u64 unknown;    // hits on an unknown goroutine that had to be known
	wire_u64 unreadable; // calls not counted because something could not be read
	wire_u64 scratch;    // hits for which no working memory was free
};

// --- Conditions --------------------------------------------------------------------------------

enum {
	WIRE_EXPR_STACK = 16,	 // values
	WIRE_EXPR_OPS = 512,	 // of one program
	WIRE_EXPR_STEPS = 16384, // of one run: an operation, or a part of one on strings
	WIRE_LITERAL_MAX = 64,	 // bytes of a string literal in an expression
	WIRE_KEPT_MAX = 16,	 // values kept at an entry, for its return or for an aggregate
	WIRE_HELD_MAX = 4096,	 // bytes of an entry's record that waits for its return
};

// The machine has a stack of 64-bit words. An integer is sign-extended or zero-extended to a
// word, a float is its bits, and a string is two words: its address, then its length on top.
// "Pops" and "pushes" are about that stack. An operation that cannot read something fails, and
// all operations are passed over up to the next WIRE_OP_CHECK or WIRE_OP_KEEP.
enum wire_op_code {
	WIRE_OP_PUSH,  // pushes value; in the plan, reg is an enum wire_operand
	WIRE_OP_REG,   // pushes the low size bytes of register reg
	WIRE_OP_STACK, // pushes size bytes at off from the first argument on the stack
	WIRE_OP_ADDR,  // pushes the address of these bytes
	WIRE_OP_LOAD,  // pops an address, pushes size bytes at that address + off
	WIRE_OP_DUP,   // pushes the top again
	WIRE_OP_SWAP,  // exchanges the two on top
	WIRE_OP_POP,   // pops
	// Pops index, length, address; pushes address + index * value. Fails unless index < length.
	WIRE_OP_ELEMENT,
	WIRE_OP_ADD, // this and the next four pop two and push one, wrapped to size and sign
	WIRE_OP_SUB,
	WIRE_OP_MUL,
	WIRE_OP_AND,
	WIRE_OP_OR,
	WIRE_OP_EQUAL, // this and the next five pop two and push 0 or 1
	WIRE_OP_LESS,  // compares signed numbers if is_signed
	WIRE_OP_LESS_EQUAL,
	WIRE_OP_FLOAT_EQUAL, // of size 4 or 8
	WIRE_OP_FLOAT_LESS,
	WIRE_OP_FLOAT_LESS_EQUAL,
	WIRE_OP_NOT,	     // pops, pushes whether it was 0
	WIRE_OP_IF_ZERO,     // skips off operations if the top is 0; pops nothing
	WIRE_OP_IF_NOT_ZERO, // skips off operations if the top is not 0; pops nothing
	WIRE_OP_TEXT_EQUAL,  // pops a string, pushes whether it equals literal number off
	WIRE_OP_TEXT_PREFIX, // pops a string, pushes whether it begins with the literal
	// Pops a string, pushes whether it contains the literal. Fails if the literal is not in
	// the first WIRE_BLOCK_MAX bytes of a longer string.
	WIRE_OP_TEXT_FIND,
	WIRE_OP_TEXT_ORDER,  // pops a string, pushes -1, 0 or 1: how it compares with the literal
	WIRE_OP_TEXTS_EQUAL, // pops two strings, pushes whether they are equal
	WIRE_OP_TEXTS_ORDER, // pops two strings, pushes -1, 0 or 1: how they compare
	WIRE_OP_GOID,
	WIRE_OP_TID,
	WIRE_OP_DEPTH,	  // of the call among those traced on its goroutine, from 1
	WIRE_OP_DURATION, // since the entry, in ns
	WIRE_OP_KEPT, // pushes the value that the entry kept as number off; fails if that failed
	// Pops, and keeps the value as number off. If value is 1, it is a string: the address is
	// kept as number off, the length as the next.
	WIRE_OP_KEEP,
	WIRE_OP_CHECK, // pops; if it is 0, the condition is false and the program ends
	WIRE_NUM_OPS,
};

// What a WIRE_OP_PUSH of the plan pushes. The plan does not depend on a process: the copies that
// the engine gets have its values.
enum wire_operand {
	WIRE_OPERAND_VALUE,
	WIRE_OPERAND_VADDR, // value is an address of the executable
	WIRE_OPERAND_PID,   // the PID of the process
};

struct wire_op {
	wire_u8 code; // enum wire_op_code
	wire_u8 size; // bytes: 1, 2, 4, 8
	wire_u8 is_signed;
	wire_u8 reg; // as in struct wire_piece
	wire_u32 off;
	wire_u64 value;
};

struct wire_literal {
	wire_u8 bytes[WIRE_LITERAL_MAX]; // zeros after len
	// The failure table of Knuth, Morris and Pratt. back[i] is the length of the longest end
	// of bytes[0..i], shorter than all of it, that is also its beginning. Example: "abab" has
	// 0, 0, 1, 2.
	wire_u8 back[WIRE_LITERAL_MAX];
	wire_u32 len;
	wire_u32 pad;
};

// The condition of one function. User space writes the first half, the engine the second.
struct wire_condition {
	wire_u32 entry_op;   // its program at entry
	wire_u32 num_entry;  // operations; 0: true
	wire_u32 return_op;  // its program at return: the entry's record is held until then
	wire_u32 num_return; // operations; 0: decided at entry
	// Only calls made while a function of this group is active; 0: all. For a function that
	// --within names, its own group.
	wire_u32 within;
	wire_u32 asks_goroutine; // its program at entry asks for the goroutine
	wire_u64 unreadable;	 // calls for which it was false because something could not be read
	// Calls that there was no room to hold. Of a function that --within names: its calls that
	// there was no room to store.
	wire_u64 crowded;
};

struct wire_kept { // values that an entry has kept
	wire_u64 values[WIRE_KEPT_MAX];
	wire_u32 valid; // one bit for each value
	wire_u32 pad;
};

enum { WIRE_WITHIN_MAX = 16 }; // groups of functions that --within names, numbered from 1

// Where the argument of runtime.recovery shows which goroutine continues, and at which SP.
struct wire_recovery {
	wire_u32 panic_off; // byte offset in runtime.g
	wire_u32 sp_off;    // byte offset in runtime._panic if is_in_panic, else in runtime.g
	wire_u32 is_in_panic;
	wire_u32 is_known; // 0: the other members are not valid
};

// --- Calls under way ---------------------------------------------------------------------------
// The engine has three tables with the same key: calls that are followed or counted (struct
// wire_call), calls whose return decides (struct wire_held), and how calls are nested (struct
// wire_nest). A held call needs 4 KiB and there are few of them; a followed call needs 8 bytes and
// there are many.

enum {
	WIRE_ACTIVE_MAX = 1 << 16, // calls that are followed or counted
	WIRE_HELD_CALLS_MAX = 4096,
	// Calls under way whose depth is known, and what is known of goroutines.
	WIRE_NESTS_MAX = 1 << 18,
};

struct wire_call_key {	   // a call under way, or in the last table also a goroutine
	wire_u64 goid;	   // wire_stack_key()
	wire_u64 distance; // as in struct wire_record; 0: no call
	wire_u32 func;	   // 0 in the last table, but for a goroutine in a group: the group
	wire_u32 target;   // as in struct wire_record
};

struct wire_call {
	wire_u64 time_ns; // of its entry; a trace stores no more than this
	struct wire_kept kept;
	struct wire_key key;
	struct wire_key_slot at; // of the key; with texts only if the return needs them
};

struct wire_held { // it begins as struct wire_call does
	wire_u64 time_ns;
	struct wire_kept kept;
	wire_u8 record[WIRE_HELD_MAX]; // the entry's struct wire_record
};

// A traced call under way. If the key's distance is 0: a goroutine that has such calls, or, if
// there is a group too, a goroutine in which a function of that group is active.
struct wire_nest {
	// Of a call: the distance of the next call outwards. Of a goroutine: of its innermost
	// call. 0: none. Of a group: the distance of the outermost frame of its functions.
	wire_u64 outer;
	// Of a goroutine: the distance of its outermost call that had no room; 0: none.
	wire_u64 missing;
	// Of a goroutine: the distance of its innermost call when it called Goexit; 0: it has not.
	wire_u64 leaving;
	wire_u64 depth; // of the call; of a goroutine: the depth of its innermost call
};

// --- While probes are armed ----------------------------------------------------------------------

enum wire_loss { WIRE_LOST_BUFFER, WIRE_LOST_SCRATCH };
enum { WIRE_LOSSES = 4096 };

// How many events have been lost, by goroutine. Goroutines whose goids are equal modulo
// WIRE_LOSSES share a count.
struct wire_losses {
	wire_u32 all;
	wire_u32 pad;
	wire_u32 by_goroutine[WIRE_LOSSES]; // on a system stack: by thread
};

// What may change while probes are armed. User space writes the first three members, the engine
// the others.
struct wire_state {
	wire_u64 only_goid;  // the only selected goroutine; 0: all
	wire_u32 num_within; // groups of functions that --within names
	wire_u32 pad;
	struct wire_recovery recovery;
	wire_u32 are_nests_full; // not 0: there was no room for a goroutine's traced calls
	wire_u32 is_replaced;	 // there was a hit of another program in the same process
	wire_u64 lost_buffer, lost_scratch; // lost events of all functions
	struct wire_aggregate_lost aggregate_lost;
	struct wire_losses losses;
};

// --- Records -----------------------------------------------------------------------------------

// The kinds of records. All have the header of struct wire_record, and blocks. A reader skips the
// kinds that it does not know.
enum wire_record_kind {
	WIRE_RECORD_HIT, // of a probe
};

enum wire_record_flags {
	WIRE_NO_GOROUTINE = 1, // g could not be read or is not plausible: goid and distance are 0
	// The frame block's float pieces are filled in (ptrace); else they are zeros.
	WIRE_FLOATS = 2,
	WIRE_CUT = 4, // the walk ended early: there was no room for more bytes
	// An interface held a type that the plan does not know: only its bytes were copied.
	WIRE_UNSEEN = 8,
	WIRE_CUT_STEPS = 16,  // a walk, or the scan of a map, ended early: it took too many steps
	WIRE_CUT_FAULTS = 32, // the walk ended early: too many addresses could not be read
	WIRE_CUTS = WIRE_CUT | WIRE_CUT_STEPS | WIRE_CUT_FAULTS,
	WIRE_BARE = 256,    // the function's budget excludes values
	WIRE_ALONE = 1024,  // an entry whose return is no event: its function's budget excludes it
	WIRE_CALLERS = 512, // the last blocks are the call's stack or the goroutine's creator
};

struct wire_record {
	wire_u16 size;	// bytes of this header and all blocks, a multiple of 8
	wire_u8 kind;	// enum wire_record_kind
	wire_u8 target; // which of the session's targets: goids and addresses are that one's
	wire_u32 probe; // of a hit: index in the table of probes
	wire_u32 tid;	// in the initial PID namespace
	wire_u16 flags; // enum wire_record_flags
	wire_u16 num_blocks;
	wire_u64 time_ns; // CLOCK_MONOTONIC
	wire_u64 goid;	  // 0: on a system stack of the thread (g0 or gsignal)
	// stack.hi - SP: identifies the frame on its goroutine; 0 if it is not known. On a system
	// stack, the bits from WIRE_STACK_SHIFT on distinguish the thread's system stacks.
	wire_u64 distance;
	// The counts of struct wire_losses when the record was made, or output if it was held. If
	// its goroutine's count differs from that of the goroutine's previous record, an event
	// between the two is missing, here or on a goroutine that shares the count.
	wire_u32 losses;
	wire_u32 all_losses;
	// The blocks follow: each a struct wire_block and its bytes, padded with zeros to a
	// multiple of 8. The first is the frame block, if there is one.
};

// A thread has two system stacks, those of g0 and of gsignal. Both have goid 0.
enum { WIRE_STACK_SHIFT = 40, WIRE_STACK_BITS = 64 - WIRE_STACK_SHIFT };
static const wire_u64 WIRE_STACK_THREAD = 1ull << 63; // no goid has this bit

/** The key of a stack: its goid, or for goid 0 its thread and which of the thread's system stacks
 *  it is. */
static inline wire_u64 wire_stack_key(wire_u64 goid, wire_u64 distance, wire_u32 tid)
{
	return goid ? goid
		    : WIRE_STACK_THREAD | distance >> WIRE_STACK_SHIFT << WIRE_STACK_BITS | tid;
}

enum wire_block_flags {
	// It could not be read, and len is 0. For a frame block: one of its stack pieces could
	// not be read.
	WIRE_BLOCK_FAULT = 1,
	WIRE_BLOCK_FRAME = 2, // the frame block; addr is 0
	// Return addresses, innermost first. addr is the number of the stack, type an enum
	// wire_stack_end.
	WIRE_BLOCK_STACK = 16,
	WIRE_BLOCK_CREATOR = 32, // gopc and parentGoid of the goroutine's runtime.g; addr is 0
};

enum { WIRE_STACK_MAX = 128 };

// A word of a stack block has a return address in its low bits. Above them is the distance in
// words from the place of the previous return address (for the first: from SP) to the place of
// this one; all ones: so far or further. If a stack block has no words, an earlier block of the
// same number had them.
enum { WIRE_STACK_ADDR_BITS = 47 };

enum wire_stack_end {	       // why the stack ends after its last return address
	WIRE_STACK_WHOLE,      // the chain of frame pointers has come to its end
	WIRE_STACK_MORE,       // there are more return addresses than were asked for
	WIRE_STACK_OUTSIDE,    // the chain leads out of the goroutine's stack
	WIRE_STACK_UNREADABLE, // the chain leads to memory that cannot be read
	WIRE_STACK_NONE,       // on a system stack, or the goroutine is not known: addr is 0
};

struct wire_block {
	wire_u64 addr; // run-time address of the first byte
	wire_u32 type;
	wire_u16 len; // bytes that follow, without padding
	wire_u8 depth;
	wire_u8 flags; // enum wire_block_flags
};

_Static_assert(sizeof(struct wire_probe) == 24, "wire_probe");
_Static_assert(sizeof(struct wire_piece) == 16, "wire_piece");
_Static_assert(sizeof(struct wire_type) == 16, "wire_type");
_Static_assert(sizeof(struct wire_edge) == 16, "wire_edge");
_Static_assert(sizeof(struct wire_settings) == 48, "wire_settings");
_Static_assert(sizeof(struct wire_stack_settings) == 16, "wire_stack_settings");
_Static_assert(sizeof(struct wire_budget) == 64, "wire_budget");
_Static_assert(sizeof(struct wire_aggregate) == 48, "wire_aggregate");
_Static_assert(sizeof(struct wire_aggregate_settings) == 56, "wire_aggregate_settings");
_Static_assert(sizeof(struct wire_key) == 72, "wire_key");
_Static_assert(sizeof(struct wire_key_slot) == 1032, "wire_key_slot");
_Static_assert(sizeof(struct wire_totals) == 56, "wire_totals");
_Static_assert(sizeof(struct wire_op) == 16, "wire_op");
_Static_assert(sizeof(struct wire_literal) == 136, "wire_literal");
_Static_assert(sizeof(struct wire_condition) == 40, "wire_condition");
_Static_assert(sizeof(struct wire_recovery) == 16, "wire_recovery");
_Static_assert(sizeof(struct wire_kept) == 136, "wire_kept");
_Static_assert(sizeof(struct wire_call_key) == 24, "wire_call_key");
_Static_assert(sizeof(struct wire_call) == 1248, "wire_call");
_Static_assert(sizeof(struct wire_held) == 144 + WIRE_HELD_MAX, "wire_held");
_Static_assert(sizeof(struct wire_nest) == 32, "wire_nest");
_Static_assert(sizeof(struct wire_record) == 48, "wire_record");
_Static_assert(sizeof(struct wire_losses) == 8 + 4 * WIRE_LOSSES, "wire_losses");
_Static_assert(sizeof(struct wire_state) == 104 + 4 * WIRE_LOSSES, "wire_state");
_Static_assert(sizeof(struct wire_block) == 16, "wire_block");

#endif
