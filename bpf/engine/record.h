// SPDX-License-Identifier: GPL-2.0-or-later
// The record that the capture engine fills, and the engine's state while it does: struct capture.
// Each block is appended to the record once. The tables that user space wrote are checked here for
// memory safety only.
#ifndef GOTRACE_BPF_ENGINE_RECORD_H
#define GOTRACE_BPF_ENGINE_RECORD_H

#include "bpf/engine/host.h"

enum {
	CAPTURE_SEEN = 128,	// entries of the table of blocks that the record has
	CAPTURE_WORDS = 32,	// bytes that an edge reads, at most
	CAPTURE_G_WORDS = 24,	// words from stack.lo in runtime.g to goid, in all known releases
	CAPTURE_MANY = 0xffff,	// no edge's cap is higher
	CAPTURE_LOWEST = 4096,	// lower addresses are a nil pointer plus a field's offset
	CAPTURE_ADDR_BITS = 47, // of a user-space address
};

// A word at any address. BPF programs may read unaligned words; in C, the type has to say so.
#ifdef __bpf__
typedef wire_u64 capture_u64;
#else
typedef wire_u64 capture_u64 __attribute__((aligned(1), may_alias));
#endif

struct capture_regs {
	wire_u64 ints[CPU_INTS]; // in the order of wire_piece.reg
	wire_u64 sp;
};

struct capture_goroutine {
	wire_u64 goid;
	wire_u64 distance; // as in struct wire_record
};

struct capture_seen {
	wire_u64 generation; // the record that the entry belongs to
	wire_u64 addr;
	wire_u32 type;
	wire_u16 len;
	wire_u8 depth;
	wire_u8 pad;
};

// The scan of a map, one group (or bucket) a step, until enough entries are found. A step reads the
// group's control word, and copies the group if it has entries.
struct capture_scan {
	// Address of the next group, and how many are left in this table.
	wire_u64 group, num_groups;
	// Address of the pointer to the next table, and how many are left.
	wire_u64 entry, num_tables;
	wire_u64 index; // of the next table in the directory
	wire_u64 words[CAPTURE_WORDS / 8];
	wire_u32 wanted; // entries still to be found; 0: no map is being scanned
	wire_u32 type;	 // of a group
	wire_u32 kind;	 // enum wire_edge_kind
	wire_u32 depth;
	wire_u32 steps; // made for this record
	wire_u32 pad;
};

struct capture {
	struct host host;
	struct capture_regs regs;
	wire_u64 generation;
	wire_u32 read_at;  // offset in the record of the block whose edges are followed
	wire_u32 write_at; // offset in the record of the next block
	wire_u32 elem;	   // offset of the current element in the block at read_at
	wire_u32 edge;	   // index of the next edge, among those of the block's type
	wire_u32 faults;
	wire_u32 ended;
	// Bytes of this record, if fewer than the settings' record_max; 0: record_max applies.
	wire_u32 room;
	wire_u32 pad;
	struct capture_scan scan;
	struct capture_seen seen[CAPTURE_SEEN];
	// These two are directly before the record: together they are a struct wire_held.
	wire_u64 held_ns;
	struct wire_kept kept;
	union {
		struct wire_record record;
		// After any offset below WIRE_RECORD_MAX there is room for a whole block and an
		// edge's words.
		wire_u8 bytes[WIRE_RECORD_MAX + sizeof(struct wire_block) + WIRE_BLOCK_MAX +
			      CAPTURE_WORDS];
	};
};

/** True for a hit at an entry that will be executed again, because the stack check takes its slow
 *  path. */
CAPTURE_INLINE bool capture_skips(const struct wire_probe *probe, wire_u64 cpu_flags)
{
	return (probe->flags & WIRE_SKIP_TAKEN) && cpu_is_checked_again(cpu_flags);
}

/** The address of what is at offset off of the arguments and results on the stack, at a function's
 *  entry or a return. */
CAPTURE_INLINE wire_u64 capture_stack_place(wire_u64 sp, wire_u64 off)
{
	return sp + CPU_STACK_ARGS + off;
}

CAPTURE_INLINE bool capture_is_readable(wire_u64 addr, wire_u64 len)
{
	return addr >= CAPTURE_LOWEST && !((addr | (addr + len)) >> CAPTURE_ADDR_BITS);
}

/** Reads the goroutine whose runtime.g is at g. False if it cannot be read, or if its stack does
 *  not hold sp. */
CAPTURE_INLINE bool capture_goroutine(const struct host *host, wire_u64 g, wire_u64 sp,
				      struct capture_goroutine *out)
{
	const struct wire_settings *settings = host_settings(host);
	wire_u64 words[CAPTURE_G_WORDS], goid, start = g + settings->g_stack_lo;
	wire_u64 goid_at = settings->g_goid - settings->g_stack_lo;
	if (!settings->has_goid || settings->g_stack_hi != settings->g_stack_lo + sizeof(goid) ||
	    !capture_is_readable(g, WIRE_BLOCK_MAX))
		return false;
	// One read from stack.lo to goid costs less than two reads.
	bool is_near = !(goid_at % sizeof(goid)) && goid_at > sizeof(goid) &&
		       goid_at <= sizeof(words) - sizeof(goid);
	if (host_read(host, words, is_near ? goid_at + sizeof(goid) : 2 * sizeof(goid), start))
		return false;
	if (is_near)
		goid = words[goid_at / sizeof(goid)];
	else if (host_read(host, &goid, sizeof(goid), g + settings->g_goid))
		return false;
	if (words[0] >= sp || sp > words[1])
		return false;
	out->goid = goid;
	out->distance = words[1] - sp;
	if (!goid) // stacks are larger than 1 KiB, so this distinguishes the thread's system stacks
		out->distance |= words[1] >> 10 << WIRE_STACK_SHIFT;
	return true;
}

/** The count of the goroutine's losses; for goid 0, of the thread's. */
CAPTURE_INLINE wire_u32 *capture_losses(struct wire_losses *losses, wire_u64 goid, wire_u32 tid)
{
	wire_u64 at = goid ? goid : tid;
	CAPTURE_HIDE(at);
	return &losses->by_goroutine[at & (WIRE_LOSSES - 1)];
}

/** Sets the record's counts of losses so far. Its goid and tid are filled in. */
CAPTURE_INLINE void capture_count_losses(struct wire_record *record, struct wire_losses *losses)
{
	wire_u32 *count = capture_losses(losses, record->goid, record->tid);
	record->losses = *(volatile wire_u32 *)count;
	record->all_losses = *(volatile wire_u32 *)&losses->all;
}

/** Fills in the header of a record without blocks. */
CAPTURE_INLINE void capture_head(struct wire_record *record, wire_u8 target, wire_u32 probe,
				 wire_u32 tid, wire_u64 time_ns,
				 const struct capture_goroutine *goroutine,
				 struct wire_losses *losses)
{
	record->size = sizeof(*record);
	record->kind = WIRE_RECORD_HIT;
	record->target = target;
	record->probe = probe;
	record->tid = tid;
	record->flags = goroutine ? 0 : WIRE_NO_GOROUTINE;
	record->num_blocks = 0;
	record->time_ns = time_ns;
	record->goid = goroutine ? goroutine->goid : 0;
	record->distance = goroutine ? goroutine->distance : 0;
	capture_count_losses(record, losses);
}

CAPTURE_INLINE wire_u64 capture_pad(wire_u64 len)
{
	return (len + 7) & ~7ull;
}

CAPTURE_INLINE struct wire_block *capture_block(struct capture *c, wire_u64 at)
{
	CAPTURE_HIDE(at);
	return (struct wire_block *)(c->bytes + (at & (WIRE_RECORD_MAX - 1)));
}

CAPTURE_INLINE wire_u64 capture_least(wire_u64 a, wire_u64 b)
{
	return a < b ? a : b;
}

// The most bytes that this record may have.
CAPTURE_INLINE wire_u64 capture_room(struct capture *c)
{
	wire_u64 max = host_settings(&c->host)->record_max;
	if (c->room)
		max = capture_least(max, c->room);
	return max < WIRE_RECORD_MAX ? max : WIRE_RECORD_MAX;
}

// Ends the walk. why is one of the flags of WIRE_CUTS.
CAPTURE_INLINE void capture_cut(struct capture *c, wire_u16 why)
{
	c->record.flags |= why;
	c->ended = 1;
}

// Counts a failed read, which costs as much as twenty blocks. Too many of them end the walk.
CAPTURE_INLINE void capture_failed(struct capture *c)
{
	if (++c->faults >= WIRE_FAULTS_MAX)
		capture_cut(c, WIRE_CUT_FAULTS);
}

// True if the record has this block already, with at least this length and at most this depth.
// Otherwise stores it in the table.
CAPTURE_INLINE bool capture_remember(struct capture *c, wire_u64 addr, wire_u32 type, wire_u64 len,
				     wire_u32 depth)
{
	wire_u64 hash = (addr + type) * 0x9e3779b97f4a7c15ull >> 32;
	CAPTURE_HIDE(hash);
	struct capture_seen *seen = &c->seen[hash & (CAPTURE_SEEN - 1)];
	if (seen->generation == c->generation && seen->addr == addr && seen->type == type &&
	    seen->len >= len && seen->depth <= depth)
		return true;
	seen->generation = c->generation;
	seen->addr = addr;
	seen->type = type;
	seen->len = (wire_u16)len;
	seen->depth = (wire_u8)depth;
	return false;
}

// True if the executable file has the memory at addr too. A read there can fail although the memory
// is valid, if its page was never touched or has been dropped. The decoder then reads the file.
CAPTURE_INLINE bool capture_is_in_file(struct capture *c, wire_u64 addr)
{
	const struct wire_settings *settings = host_settings(&c->host);
	return addr >= settings->ro_start && addr < settings->ro_end;
}

// Appends a block to the record: len bytes at addr. Does nothing if the record has the block
// already.
CAPTURE_INLINE void capture_append(struct capture *c, wire_u64 addr, wire_u32 type, wire_u64 len,
				   wire_u32 depth)
{
	CAPTURE_HIDE(len);
	if (!len || len > WIRE_BLOCK_MAX || capture_remember(c, addr, type, len, depth))
		return;
	wire_u64 at = c->write_at;
	if (at + sizeof(struct wire_block) + capture_pad(len) > capture_room(c)) {
		capture_cut(c, WIRE_CUT);
		return;
	}
	struct wire_block *block = capture_block(c, at);
	wire_u8 *bytes = (wire_u8 *)(block + 1);
	block->addr = addr;
	block->type = type;
	block->len = (wire_u16)len;
	block->depth = (wire_u8)depth;
	block->flags = 0;
	bool is_readable = capture_is_readable(addr, len);
	if (is_readable) {
		wire_u64 last = len - 1;
		CAPTURE_HIDE(last);
		*(capture_u64 *)(bytes + (last & (WIRE_BLOCK_MAX - sizeof(capture_u64)))) = 0;
	}
	if (!is_readable || host_read(&c->host, bytes, len, addr)) {
		block->len = 0;
		block->flags = WIRE_BLOCK_FAULT;
		if (is_readable && !capture_is_in_file(c, addr))
			capture_failed(c);
		len = 0;
	}
	c->write_at = at + sizeof(*block) + capture_pad(len);
	c->record.num_blocks++;
}

CAPTURE_INLINE wire_u64 capture_word(const wire_u8 *bytes, wire_u32 offset)
{
	return *(const capture_u64 *)(bytes + offset);
}

#endif
