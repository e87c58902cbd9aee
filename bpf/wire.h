// SPDX-License-Identifier: GPL-2.0-or-later
// What the two sides share: the plan's tables, which user space writes and the capture engine reads, and the
// records, which the engine writes and tracer/event reads. Fixed-width fields, explicit padding,
// host byte order, natural alignment. Included by the BPF program and by user space.
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
	WIRE_BLOCK_MAX = 4096,	 // bytes of one block (a frame too)
	WIRE_STEPS_MAX = 2048,	 // edges walked for one record, and groups of maps
	WIRE_GROUPS_MAX = 1024,	 // of these, groups, buckets and tables of maps
	WIRE_DEPTH_MAX = 15,
	WIRE_FAULTS_MAX = 3, // unreadable blocks after which a walk ends
};

enum wire_probe_kind {
	WIRE_PROBE_ENTRY,
	WIRE_PROBE_RETURN, // a RET of the function
	WIRE_PROBE_TAIL,   // a jump out of it: the frame ends, its results are not known
	WIRE_PROBE_PANIC,  // entry of runtime.gopanic: a note for the pairing, no call of its own
	WIRE_PROBE_GOEXIT, // entry of runtime.Goexit: likewise
	WIRE_PROBE_DEFERRETURN, // entry of runtime.deferreturn, where a frame that recovered goes on: likewise
	WIRE_PROBE_RECOVERY, // entry of runtime.recovery, on the system stack: its argument leads to g
	WIRE_PROBE_BEGIN, // entry of a function that calls are to be made within: no record is made
	WIRE_PROBE_END,	  // its end
};

enum wire_probe_flags {
	WIRE_SKIP_TAKEN_BE =
		1, // ignore a hit with CF or ZF set: the stack check's slow path, executed again
	WIRE_G_IN_TLS = 2,	// stack-ABI code: g is at fs base + tls_g, not in R14
	WIRE_DISABLED = 4,	// hits are ignored (a paused trace)
	WIRE_ANY_GOROUTINE = 8, // where only one goroutine is wanted, this probe is still for all
};

struct wire_probe {
	wire_u32 func;	     // the plan's function number: hits and drops are counted by it
	wire_u16 kind;	     // enum wire_probe_kind
	wire_u16 flags;	     // enum wire_probe_flags
	wire_u32 frame_type; // the type whose edges lead on from the frame
	wire_u32 first_piece;
	wire_u16 num_pieces; // 0: no frame is captured
	wire_u16 frame_size; // bytes, at most WIRE_BLOCK_MAX
	wire_u32
		arming; // hits of another arming's uprobes are ignored; it is in a cookie's upper half
};

enum wire_where { WIRE_INT_REG, WIRE_FLOAT_REG, WIRE_STACK };

struct wire_piece { // fills frame[frame_off .. frame_off+size) at a hit
	wire_u16 frame_off;
	wire_u16 size; // bytes: 1 to 8 from a register; from the stack at most WIRE_BLOCK_MAX
	wire_u8 where; // enum wire_where
	wire_u8 reg; // WIRE_INT_REG: Go's order, RAX RBX RCX RDI RSI R8 R9 R10 R11, then 9: RDX; WIRE_FLOAT_REG: X0..
	wire_u16 pad;
	wire_u32 stack_off; // WIRE_STACK: the bytes at SP + 8 + stack_off
	wire_u32 pad2;	    // the kernel's arrays have strides of 8
};

struct wire_type {
	wire_u32 size; // bytes of one element of a block of this type; 0: no edges are followed
	wire_u32 first_edge;
	wire_u32 num_edges;
	wire_u32 pad;
};

enum wire_edge_kind {
	WIRE_EDGE_POINTER, // u64 -> one element of type
	WIRE_EDGE_STRING,  // {ptr, len} -> min(len, cap) bytes
	WIRE_EDGE_SLICE,   // {ptr, len, cap} -> min(len, cap) elements of type
	WIRE_EDGE_IFACE,   // {itab, data}: the type's address is at itab + 8
	WIRE_EDGE_EFACE,   // {type, data}
	// Maps, header count first: groups of type are looked through until min(count, cap) entries are found.
	WIRE_EDGE_BUCKETS, // runtime.hmap: buckets at 16, 1 << u8 at 9 of them
	WIRE_EDGE_OLD_BUCKETS, // the same: oldbuckets at 24; half as many, or as many when flags (u8 at 8) has 8
	WIRE_EDGE_TABLES, // maps.Map: dirPtr at 16, dirLen at 24; dirLen 0: one group; else dirLen pointers to maps.table
};

enum wire_edge_flags {
	WIRE_EDGE_STEP = 1, // a pointer or interface followed: costs one step of depth
};

struct wire_edge {
	wire_u32 offset; // of the pointer (or of the struct, for map edges) in an element
	wire_u8 kind;	 // enum wire_edge_kind
	wire_u8 flags;	 // enum wire_edge_flags
	wire_u16 cap;	 // bytes of a string; elements of a slice; entries of a map
	wire_u32 type;	 // what stands there
	wire_u32 pad;
};

// Set before the program is loaded, in read-only data.
struct wire_settings {
	wire_u32 tgid;				 // of the target, in the initial PID namespace
	wire_u32 depth;				 // steps followed
	wire_u32 g_goid, g_stack_lo, g_stack_hi; // bytes in runtime.g
	wire_s32 tls_g;				 // g's place from fs base
	wire_u32 record_max;  // budget of a record's bytes, at most WIRE_RECORD_MAX
	wire_u32 has_goid;    // 0: this runtime's goid offset is not known
	wire_u32 string_type; // of a string's header: for dynamic types not known yet
	wire_u32 pad;
	wire_u64 ro_start,
		ro_end; // of memory that the file has too: a failed read there counts for nothing
};

// What is told of a call's stack. Set before the program is loaded, in read-only data.
struct wire_stack_settings {
	wire_u32 max;	      // return addresses of a stack, at most WIRE_STACK_MAX; 0: no stacks
	wire_u32 has_creator; // who started the goroutine is told too
	wire_u32 g_gopc, g_parent_goid; // bytes in runtime.g; 0: absent
};

// --- Budgets -----------------------------------------------------------------------------------

enum wire_budget_level { // what is taken of a call, each less than the one before
	WIRE_BUDGET_FULL,
	WIRE_BUDGET_BARE,   // no values
	WIRE_BUDGET_COUNTS, // nothing: calls are counted
};

enum wire_budget_flags {
	WIRE_BUDGET_FOLLOW = 1, // the function's returns are events too
};

struct wire_budget {	// of one function; user space writes the first half, the engine the second
	wire_u32 every; // one of so many calls is taken; 0 and 1: each
	wire_u16 level; // enum wire_budget_level
	wire_u16 flags; // enum wire_budget_flags
	wire_u64 interval_ns; // from one call to the next where the rate is limited; 0: it is not
	wire_u64 pad[2];
	wire_u64 used_ns; // CLOCK_MONOTONIC up to which the rate's calls are used up
	wire_u64 seen;	  // entries
	wire_u64 skipped; // of them, those that were left out on purpose
	wire_u64 crowded; // of them, those that there was no room to follow
};

// --- Aggregates --------------------------------------------------------------------------------

enum {
	WIRE_KEYS = 4,		   // values that a key is made of
	WIRE_KEY_TEXT = 256,	   // bytes that are kept to show a string in a key
	WIRE_BUCKETS = 62 * 8,	   // of a histogram; tracer/count/histogram.h
	WIRE_ACTIVE_MAX = 1 << 16, // calls under way
};

enum wire_value_kind {
	WIRE_VALUE_NONE,
	WIRE_VALUE_INT, // signed
	WIRE_VALUE_UINT,
	WIRE_VALUE_STRING, // its address, and its length behind it
};

struct wire_value {   // what a function's program keeps for those who count
	wire_u8 kind; // enum wire_value_kind
	wire_u8 kept; // its number in struct wire_kept
	wire_u8 is_result;
	wire_u8 pad;
};

enum wire_aggregate_flags {
	WIRE_AGGREGATE_COUNTED = 1, // its calls are counted
	WIRE_AGGREGATE_RETURNS = 4, // its calls' ends are wanted
	WIRE_AGGREGATE_LATE =
		8, // a call is counted when it returns: it decides, or some key is a result
	WIRE_AGGREGATE_GOROUTINE = 16, // its program at entry asks for the goroutine
};

struct wire_aggregate { // of one function
	wire_u32 flags; // enum wire_aggregate_flags
	wire_u32 entry_op,
		num_entry; // its program at entry: which calls are counted, and values that it keeps
	wire_u32 return_op, num_return; // likewise, at return
	struct wire_value key[WIRE_KEYS];
	struct wire_value value; // of a histogram; WIRE_VALUE_NONE: the duration
	struct wire_value error; // not 0: the call has returned an error
	wire_u32 within;	 // as in struct wire_condition
};

// Set before the program is loaded, in read-only data.
struct wire_aggregate_settings {
	wire_u32 num_slots;
	wire_u32 num_keys;
	wire_u32 has_buckets;
	wire_u32 num_linear; // linear buckets; 0: logarithmic ones
	wire_u64 linear_min, linear_step;
	wire_u64 seed[2];    // of the hashes of strings
	wire_u32 text_bytes; // of a key's texts that a call under way keeps for its return
	wire_u32 pad;
};

enum wire_key_state {
	WIRE_KEY_KNOWN,
	WIRE_KEY_UNREADABLE,
	WIRE_KEY_IN_FILE, // hash: the run-time address of a string that only the file has
	WIRE_KEY_LONG,	  // a string of more than WIRE_BLOCK_MAX bytes
};

struct wire_key_part {
	wire_u64 word; // a number; of a string: its length
	wire_u64 hash; // of all bytes of a string; bpf/engine/hash.h
};

struct wire_key { // a table's keys end after the last part that is used
	wire_u32 func;
	wire_u8 state[WIRE_KEYS]; // enum wire_key_state
	struct wire_key_part part[WIRE_KEYS];
};

struct wire_key_slot { // what a key leads to; a table's values end after the last text that is used
	wire_u32 slot;
	wire_u32 pad;
	wire_u8 text[WIRE_KEYS][WIRE_KEY_TEXT]; // the beginnings of strings, to show them
};

struct wire_totals { // of one key
	wire_u64 calls;
	wire_u64 returns;
	wire_u64 errors;
	wire_u64 total;	     // of all values, modulo 2^64
	wire_u64 below;	     // values that are negative, or below the first linear bucket
	wire_u64 above;	     // or above the last
	wire_u64 unreadable; // values that could not be read
};

struct wire_aggregate_lost { // what is missing, in all
	wire_u64 keys;	     // calls whose key did not fit
	wire_u64 active;     // calls whose end could not be waited for: the table was full
	wire_u64 unknown;    // hits on an unknown goroutine that had to be known
	wire_u64 unreadable; // calls not counted because of something that could not be read
	wire_u64 scratch;    // hits that there was no memory to work on
};

// --- Conditions --------------------------------------------------------------------------------

enum {
	WIRE_EXPR_STACK = 16,	 // values
	WIRE_EXPR_OPS = 512,	 // of one program
	WIRE_EXPR_STEPS = 16384, // of one run: an operation, or a part of one on strings
	WIRE_LITERAL_MAX = 64,	 // bytes of a string that stands in an expression
	WIRE_KEPT_MAX =
		16, // values that are kept: of an entry for its return, and of calls that are counted
	WIRE_HELD_MAX = 4096, // bytes of an entry's record that waits for its return
};

// The machine has a stack of 64-bit words: integers are extended to them by their sign, floats are their bits, a string is two,
// its address and its length on top. "Pops" and "pushes" are about that stack. What cannot be read fails:
// all is passed over up to the next WIRE_OP_CHECK or WIRE_OP_KEEP.
enum wire_op_code {
	WIRE_OP_PUSH,	 // pushes value
	WIRE_OP_REG,	 // pushes register reg, size bytes of it
	WIRE_OP_STACK,	 // pushes size bytes at SP + 8 + off (off: a signed number)
	WIRE_OP_ADDR,	 // pushes SP + 8 + off
	WIRE_OP_LOAD,	 // pops an address, pushes size bytes at it + off
	WIRE_OP_DUP,	 // pushes the top again
	WIRE_OP_SWAP,	 // exchanges the two on top
	WIRE_OP_POP,	 // pops
	WIRE_OP_ELEMENT, // pops index, length, address: pushes address + index * value; fails outside
	WIRE_OP_ADD,	 // these pop two and push one, wrapped to size and sign
	WIRE_OP_SUB,
	WIRE_OP_MUL,
	WIRE_OP_AND,
	WIRE_OP_OR,
	WIRE_OP_EQUAL, // these pop two and push 0 or 1
	WIRE_OP_LESS,  // as signed numbers where is_signed
	WIRE_OP_LESS_EQUAL,
	WIRE_OP_FLOAT_EQUAL, // of size 4 or 8
	WIRE_OP_FLOAT_LESS,
	WIRE_OP_FLOAT_LESS_EQUAL,
	WIRE_OP_NOT,	 // pops, pushes whether it was 0
	WIRE_OP_IF_ZERO, // leaves the top where it is, and if it is 0 goes on off operations further
	WIRE_OP_IF_NOT_ZERO, // likewise
	WIRE_OP_TEXT_EQUAL,  // pops a string, pushes whether it is literal off
	WIRE_OP_TEXT_PREFIX, // whether it begins with it
	WIRE_OP_TEXT_FIND,   // whether it stands in it; fails behind WIRE_BLOCK_MAX bytes
	WIRE_OP_TEXT_ORDER,  // -1, 0 or 1: how the string compares with it
	WIRE_OP_TEXTS_EQUAL, // pops two strings, pushes whether they are equal
	WIRE_OP_TEXTS_ORDER, // -1, 0 or 1: how they compare
	WIRE_OP_GOID,
	WIRE_OP_TID,
	WIRE_OP_DEPTH,	  // of the call among those traced on its goroutine, from 1
	WIRE_OP_DURATION, // since the entry, in ns
	WIRE_OP_KEPT,	  // pushes what was kept at the entry as number off; fails if that failed
	WIRE_OP_KEEP, // pops, and keeps it as number off; a string where value is 1, as off and the next
	WIRE_OP_CHECK, // pops: the condition is false, and the program ends, if it is 0
	WIRE_NUM_OPS,
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
	wire_u8 bytes[WIRE_LITERAL_MAX]; // zeros behind len
	wire_u8 back
		[WIRE_LITERAL_MAX]; // of its first i + 1 bytes: how many at the end are those at the beginning
	wire_u32 len;
	wire_u32 pad;
};

struct wire_condition { // of one function; user space writes the first half, the engine the second
	wire_u32 entry_op;   // its program at entry
	wire_u32 num_entry;  // operations; 0: true
	wire_u32 return_op;  // at return: the entry's record is held until then
	wire_u32 num_return; // 0: decided at entry
	wire_u32
		within; // calls made while a function of this group is active; 0: all. Of such a function: its group
	wire_u32 asks_goroutine; // its program at entry does
	wire_u64 unreadable;	 // false because of something that could not be read
	wire_u64 crowded; // calls that there was no room to hold, or to see what is made within
};

struct wire_kept { // of an entry that is held
	wire_u64 values[WIRE_KEPT_MAX];
	wire_u32 valid; // bits
	wire_u32 pad;
};

enum { WIRE_CALLS_HELD_MAX = 4096 };
enum { WIRE_WITHIN_MAX = 16 }; // groups of functions that calls are to be made within, from 1 on

// Where the argument of runtime.recovery tells which goroutine goes on and at which SP.
struct wire_recovery {
	wire_u32 panic_off; // bytes in runtime.g
	wire_u32 sp_off;    // in runtime._panic, or in runtime.g
	wire_u32 is_in_panic;
	wire_u32 is_known; // 0: it is not
};

// --- Calls under way ---------------------------------------------------------------------------
// Keys and values of the tables that the engine keeps of them.

enum {
	WIRE_NESTS_MAX = 1 << 18
}; // calls under way whose depth is known, and goroutines that have some

struct wire_call_key { // a call under way
	wire_u64 goid; // wire_stack_key
	wire_u64 distance;
	wire_u32 func;
	wire_u32 pad;
};

struct wire_call {	  // of a trace, the time alone
	wire_u64 time_ns; // of its entry
	struct wire_kept kept;
	struct wire_key key;
	struct wire_key_slot at; // the key's; texts only where its return needs them
};

struct wire_held { // an entry whose return decides: what it keeps, then its struct wire_record
	struct wire_kept kept;
	wire_u8 record[WIRE_HELD_MAX];
};

struct wire_nest_key {
	wire_u64 goid;	   // as in struct wire_call_key
	wire_u64 distance; // 0: the goroutine's own entry
};

// A traced call among those around it; of a goroutine: what is known of all of them.
struct wire_nest {
	wire_u64
		outer; // distance of the next call outwards; of a goroutine: of its innermost; 0: none
	wire_u64 missing; // of a goroutine: of the outermost call that had no room; 0: none
	wire_u64
		leaving; // of a goroutine: of its innermost call when it called Goexit; 0: it has not
	wire_u64 depth; // of the call; of a goroutine: of its innermost
};

enum wire_loss { WIRE_LOST_BUFFER, WIRE_LOST_SCRATCH };

// --- Records -----------------------------------------------------------------------------------

enum wire_record_flags {
	WIRE_NO_GOROUTINE = 1, // g could not be read or is not plausible: goid and distance are 0
	WIRE_FLOATS = 2, // float pieces of the frame are filled in (ptrace); else they are zeros
	WIRE_CUT = 4,	 // a budget (bytes, steps, faults) ended the walk early
	WIRE_UNSEEN =
		8, // an interface held a type that the plan does not know: its bytes alone were copied
	WIRE_BARE = 256, // the budget left no room for values
	WIRE_CALLERS =
		512, // the last blocks tell of the call's stack or of its goroutine's creator
};

enum { WIRE_LOSSES = 4096 };

// How many events have been lost, by goroutine; those whose numbers are the same modulo WIRE_LOSSES share a count.
struct wire_losses {
	wire_u32 all;
	wire_u32 pad;
	wire_u32 by_goroutine[WIRE_LOSSES]; // on a system stack: by thread
};

struct wire_record {
	wire_u32 size;	// bytes, this header and all blocks, a multiple of 8
	wire_u32 probe; // index in the table of probes
	wire_u32 tid;	// in the initial PID namespace
	wire_u16 flags; // enum wire_record_flags
	wire_u16 num_blocks;
	wire_u64 time_ns; // CLOCK_MONOTONIC
	wire_u64 goid;	  // 0: the system goroutine of a thread
	// stack.hi - SP: the frame's identity on its goroutine, 0 when not known. Of a system stack: above
	// WIRE_STACK_SHIFT what tells it from the thread's others.
	wire_u64 distance;
	// struct wire_losses when it was made. Where its goroutine's count differs from that of the record before, an
	// event between the two is missing, or one of a goroutine that shares the count.
	wire_u32 losses;
	wire_u32 all_losses;
	// struct wire_block and its bytes, padded with zeros to 8, follow; the first is the frame, if any
};

// A thread has two system stacks, those of g0 and of gsignal, and both have goid 0.
enum { WIRE_STACK_SHIFT = 40, WIRE_STACK_BITS = 64 - WIRE_STACK_SHIFT };
static const wire_u64 WIRE_STACK_THREAD = 1ull << 63; // no goid has this bit

/** What a stack is known by: its goid, or for goid 0 its thread and which of its stacks it is. No bit from 48 to 62 is
 *  set as long as goids are below 2^48, since a tid has at most 22. */
static inline wire_u64 wire_stack_key(wire_u64 goid, wire_u64 distance, wire_u32 tid)
{
	return goid ? goid
		    : WIRE_STACK_THREAD | distance >> WIRE_STACK_SHIFT << WIRE_STACK_BITS | tid;
}

enum wire_block_flags {
	WIRE_BLOCK_FAULT =
		1, // could not be read: len is 0 (a frame: one of its stack pieces could not)
	WIRE_BLOCK_FRAME = 2, // the frame; addr is 0
	WIRE_BLOCK_STACK =
		16, // return addresses, innermost first: addr is their stack's number, type an enum wire_stack_end
	WIRE_BLOCK_CREATOR = 32, // gopc and parentGoid of the goroutine's runtime.g; addr is 0
};

enum { WIRE_STACK_MAX = 128 };

// A word of a stack's block: a return address in the low bits; above them, how far it stands from the one before
// (of the first: from SP), in words, all ones for further. No words: those of this number were told before.
enum { WIRE_STACK_ADDR_BITS = 47 };

enum wire_stack_end {	       // why there is no frame behind the last one
	WIRE_STACK_WHOLE,      // the chain of frame pointers has come to its end
	WIRE_STACK_MORE,       // there are more than were asked for
	WIRE_STACK_OUTSIDE,    // the chain leads out of the goroutine's stack
	WIRE_STACK_UNREADABLE, // or to where nothing can be read
	WIRE_STACK_NONE,       // on the system stack, or the goroutine is not known: addr is 0
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
_Static_assert(sizeof(struct wire_settings) == 56, "wire_settings");
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
_Static_assert(sizeof(struct wire_held) == 136 + WIRE_HELD_MAX, "wire_held");
_Static_assert(sizeof(struct wire_nest_key) == 16, "wire_nest_key");
_Static_assert(sizeof(struct wire_nest) == 32, "wire_nest");
_Static_assert(sizeof(struct wire_record) == 48, "wire_record");
_Static_assert(sizeof(struct wire_losses) == 8 + 4 * WIRE_LOSSES, "wire_losses");
_Static_assert(sizeof(struct wire_block) == 16, "wire_block");

#endif
