// SPDX-License-Identifier: GPL-2.0-or-later
// The record that the capture engine fills, and what it knows while it does: struct capture. Blocks are appended to
// the record, each once; what user space wrote into the tables is checked here for memory safety alone.
#ifndef GOTRACE_BPF_ENGINE_RECORD_H
#define GOTRACE_BPF_ENGINE_RECORD_H

#include "bpf/engine/host.h"

enum {
	CAPTURE_SEEN = 128, // entries of the table of blocks that stand in the record
	CAPTURE_WORDS = 32, // bytes that an edge reads
	CAPTURE_INTS = 10,
	CAPTURE_G_WORDS = 24,	   // from stack.lo in runtime.g to goid, in the releases known
	CAPTURE_MANY = 0xffff,	   // no edge's cap is higher
	CAPTURE_LOWEST = 4096,	   // no memory below: a nil pointer and a field's offset
	CAPTURE_ADDR_BITS = 47,	   // of user space
	CAPTURE_SKIP_FLAGS = 0x41, // CF and ZF
};

// A word at any address: the kernel's machine takes it as it is, the C language wants to be told.
#ifdef __bpf__
typedef wire_u64 capture_u64;
#else
typedef wire_u64 capture_u64 __attribute__((aligned(1), may_alias));
#endif

struct capture_regs {
	wire_u64 ints[CAPTURE_INTS]; // in the order of wire_piece.reg
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

// A map that is being looked through, one group (or bucket) a step: its control word first, then, if it has
// entries, the group itself, until enough entries are found.
struct capture_scan {
	wire_u64 group, num_groups; // the next one, and how many are left of this table
	wire_u64 entry, num_tables; // where the next table's pointer is, and how many are left
	wire_u64 index;		    // of that table in the directory
	wire_u64 words[CAPTURE_WORDS / 8];
	wire_u32 wanted; // entries still; 0: no map is being looked through
	wire_u32 type;	 // of a group
	wire_u32 kind;	 // enum wire_edge_kind
	wire_u32 depth;
	wire_u32 steps; // taken for this record
	wire_u32 pad;
};

struct capture {
	struct host host;
	struct capture_regs regs;
	wire_u64 generation;
	wire_u32 read_at;  // offset in the record of the block whose edges are followed
	wire_u32 write_at; // and of the next block
	wire_u32 elem;	   // offset in that block of the element
	wire_u32 edge;	   // of its type
	wire_u32 faults;
	wire_u32 ended;
	wire_u32
		room; // bytes of this record, where they are fewer than others may have; 0: they are not
	wire_u32 pad;
	struct capture_scan scan;
	struct capture_seen seen[CAPTURE_SEEN];
	struct wire_kept kept; // directly before the record: an entry is held as both
	union {
		struct wire_record record;
		// Any offset below WIRE_RECORD_MAX has room behind it for a whole block and an edge's words.
		wire_u8 bytes[WIRE_RECORD_MAX + sizeof(struct wire_block) + WIRE_BLOCK_MAX +
			      CAPTURE_WORDS];
	};
};

/** True for a hit that is no entry: the stack check's branch is taken, so it will be executed again. */
CAPTURE_INLINE bool capture_skips(const struct wire_probe *probe, wire_u64 cpu_flags)
{
	return (probe->flags & WIRE_SKIP_TAKEN_BE) && (cpu_flags & CAPTURE_SKIP_FLAGS);
}

CAPTURE_INLINE bool capture_is_readable(wire_u64 addr, wire_u64 len)
{
	return addr >= CAPTURE_LOWEST && !((addr | (addr + len)) >> CAPTURE_ADDR_BITS);
}

/** The goroutine whose runtime.g is at g and whose stack holds sp. False if there is none to be seen. */
CAPTURE_INLINE bool capture_goroutine(const struct host *host, wire_u64 g, wire_u64 sp,
				      struct capture_goroutine *out)
{
	const struct wire_settings *settings = host_settings(host);
	wire_u64 words[CAPTURE_G_WORDS], goid, start = g + settings->g_stack_lo;
	wire_u64 goid_at = settings->g_goid - settings->g_stack_lo;
	if (!settings->has_goid || settings->g_stack_hi != settings->g_stack_lo + sizeof(goid) ||
	    !capture_is_readable(g, WIRE_BLOCK_MAX))
		return false;
	// One read of all that stands between costs less than two.
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
	if (!goid) // a stack has more than 1 KiB
		out->distance |= words[1] >> 10 << WIRE_STACK_SHIFT;
	return true;
}

/** Where losses of a goroutine are counted; of a thread, for goid 0. */
CAPTURE_INLINE wire_u32 *capture_losses(struct wire_losses *losses, wire_u64 goid, wire_u32 tid)
{
	wire_u64 at = goid ? goid : tid;
	CAPTURE_HIDE(at);
	return &losses->by_goroutine[at & (WIRE_LOSSES - 1)];
}

/** Has the record, whose goroutine and thread are there, say what has been lost so far. */
CAPTURE_INLINE void capture_count_losses(struct wire_record *record, struct wire_losses *losses)
{
	wire_u32 *count = capture_losses(losses, record->goid, record->tid);
	record->losses = *(volatile wire_u32 *)count;
	record->all_losses = *(volatile wire_u32 *)&losses->all;
}

/** Fills in a record's header; its size and number of blocks are those of a record without blocks. */
CAPTURE_INLINE void capture_head(struct wire_record *record, wire_u32 probe, wire_u32 tid,
				 wire_u64 time_ns, const struct capture_goroutine *goroutine,
				 struct wire_losses *losses)
{
	record->size = sizeof(*record);
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

// The budget in bytes of a record.
CAPTURE_INLINE wire_u64 capture_room(struct capture *c)
{
	wire_u64 max = host_settings(&c->host)->record_max;
	if (c->room)
		max = capture_least(max, c->room);
	return max < WIRE_RECORD_MAX ? max : WIRE_RECORD_MAX;
}

CAPTURE_INLINE void capture_cut(struct capture *c)
{
	c->record.flags |= WIRE_CUT;
	c->ended = 1;
}

// A read failed, which costs as much as twenty blocks: some end the walk.
CAPTURE_INLINE void capture_failed(struct capture *c)
{
	if (++c->faults >= WIRE_FAULTS_MAX)
		capture_cut(c);
}

// True if the record holds this block already, as long and to be followed as far; remembers it if not.
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

// True where a read may fail though the memory is there: its page was never touched, or has been dropped.
// The decoder can have it from the file then.
CAPTURE_INLINE bool capture_is_in_file(struct capture *c, wire_u64 addr)
{
	const struct wire_settings *settings = host_settings(&c->host);
	return addr >= settings->ro_start && addr < settings->ro_end;
}

// Copies len bytes at addr into the record as a block, once.
CAPTURE_INLINE void capture_append(struct capture *c, wire_u64 addr, wire_u32 type, wire_u64 len,
				   wire_u32 depth)
{
	CAPTURE_HIDE(len);
	if (!len || len > WIRE_BLOCK_MAX || capture_remember(c, addr, type, len, depth))
		return;
	wire_u64 at = c->write_at;
	if (at + sizeof(struct wire_block) + capture_pad(len) > capture_room(c)) {
		capture_cut(c);
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
