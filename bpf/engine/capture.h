// SPDX-License-Identifier: GPL-2.0-or-later
// The capture engine: fills a record of wire.h from a probe's registers and the target's memory. Written once
// and compiled twice, for the kernel (gotrace.bpf.c) and for user space (tracer/backend/capture.c), so
// that both make the same record to the byte.
//
// The record is its own queue: the walk reads blocks from the record that it is writing, one edge a
// step. All its state is in struct capture, nothing in registers, so that the kernel's verifier looks
// at one step only. What user space wrote into the tables is checked here for memory safety alone.
//
// The includer defines first:
//   struct host                  what the functions below need; may be empty
//   host_read(host, dst, len, addr)   copies len bytes of the target; 0, or not 0 if any cannot be read
//   host_repeat(num, step, context)   calls step(i, context) for i < num until it returns not 0
//   host_piece(host, i), host_type(host, i), host_edge(host, i)   entries of the tables, or NULL
//   host_dynamic(host, rtype)         the type of what an interface of this descriptor holds, or 0
//   host_settings(host)               struct wire_settings
//   HOST_HAS_FLOATS                   1 where there is host_float(host, reg, value): the low eight bytes of
//                                        Xreg, false if they were not read
#ifndef GOTRACE_BPF_ENGINE_CAPTURE_H
#define GOTRACE_BPF_ENGINE_CAPTURE_H

#include "bpf/wire.h"

#ifndef HOST_HAS_FLOATS
#define HOST_HAS_FLOATS 0
#endif

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

// Hides a value's origin from the compiler: a bound that it could prove needless stays in the
// program, where the verifier looks for it.
#define CAPTURE_HIDE(value) asm volatile("" : "+r"(value))
#define CAPTURE_INLINE	    static inline __attribute__((always_inline))

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

struct capture_target { // what an edge leads to
	wire_u64 addr;
	wire_u64 num; // elements
	wire_u32 type;
};

// The bytes of an element that an edge of this kind reads.
CAPTURE_INLINE wire_u32 capture_width(wire_u8 kind)
{
	switch (kind) {
	case WIRE_EDGE_POINTER:
		return 8;
	case WIRE_EDGE_STRING:
	case WIRE_EDGE_IFACE:
	case WIRE_EDGE_EFACE:
		return 16;
	case WIRE_EDGE_SLICE:
		return 24;
	default:
		return CAPTURE_WORDS;
	}
}

// Where an edge leads to that is no interface; bytes are what it reads.
CAPTURE_INLINE void capture_resolve(const struct wire_edge *edge, const wire_u8 *bytes,
				    struct capture_target *out)
{
	out->addr = capture_word(bytes, 0);
	out->num = 1;
	out->type = edge->type;
	switch (edge->kind) {
	case WIRE_EDGE_STRING:
	case WIRE_EDGE_SLICE:
		out->num = capture_least(capture_word(bytes, 8), edge->cap);
		break;
	default:
		break;
	}
}

// Bytes of a type's elements that fit a block: whole elements, or the first part of one that is too large.
CAPTURE_INLINE wire_u64 capture_len(wire_u64 size, wire_u64 num)
{
	wire_u64 len = size * num;
	if (len <= WIRE_BLOCK_MAX)
		return len;
	return size > WIRE_BLOCK_MAX ? WIRE_BLOCK_MAX : WIRE_BLOCK_MAX - WIRE_BLOCK_MAX % size;
}

// The type's address of an interface with methods, from its itab; 0 if it cannot be had. The decoder wants to
// know it too, from a block.
CAPTURE_INLINE wire_u64 capture_itab(struct capture *c, wire_u64 itab, wire_u32 depth)
{
	enum { TYPE = 8 };
	wire_u64 rtype = 0, addr = itab + TYPE, at = c->write_at;
	capture_append(c, addr, WIRE_NO_TYPE, sizeof(rtype), depth);
	struct wire_block *block = capture_block(c, at);
	if (c->write_at != at)
		return block->len ? *(capture_u64 *)(block + 1) : 0;
	// It stands in the record already, wherever that is.
	if (c->ended || !capture_is_readable(addr, sizeof(rtype)))
		return 0;
	if (host_read(&c->host, &rtype, sizeof(rtype), addr)) {
		capture_failed(c);
		return 0;
	}
	return rtype;
}

// What an interface of a type that the plan does not know yet points at: its bytes as far as the descriptor
// (internal/abi.Type) tells, and of a string what it leads to. The decoder has the plan learn it for the next time.
CAPTURE_INLINE void capture_unseen(struct capture *c, wire_u64 rtype, wire_u64 addr, wire_u32 depth)
{
	enum {
		KIND_MASK = 31,
		CHAN = 18,
		FUNC = 19,
		MAP = 21,
		POINTER = 22,
		STRING = 24,
		UNSAFE_POINTER = 26
	};
	enum { PART_MAX = 512 };
	struct {
		wire_u64 size, pointer_bytes;
		wire_u8 hash[4], flags, align, field_align, kind;
		wire_u64 equal, data, name;
		wire_u64 elem;
	} descriptor;
	c->record.flags |= WIRE_UNSEEN;
	if (depth > host_settings(&c->host)->depth ||
	    !capture_is_readable(rtype, sizeof(descriptor)))
		return;
	if (host_read(&c->host, &descriptor, sizeof(descriptor), rtype)) {
		capture_failed(c);
		return;
	}
	wire_u64 size = descriptor.size;
	wire_u32 type = WIRE_NO_TYPE, kind = descriptor.kind & KIND_MASK;
	if (kind == POINTER) {
		if (!capture_is_readable(descriptor.elem, sizeof(size)))
			return;
		if (host_read(&c->host, &size, sizeof(size), descriptor.elem)) {
			capture_failed(c);
			return;
		}
	} else if (kind == STRING) {
		type = host_settings(&c->host)->string_type;
	} else if (kind == CHAN || kind == MAP || kind == UNSAFE_POINTER ||
		   (kind != FUNC && size == 8 && descriptor.pointer_bytes == 8)) {
		return; // the data word is no pointer to the value, or to what only the plan knows
	}
	capture_append(c, addr, type, capture_least(size, PART_MAX), depth);
}

#include "bpf/engine/capture_map.h"

// --- The walk ----------------------------------------------------------------------------------

// Follows one edge, whose words are at bytes, from a block of this depth.
CAPTURE_INLINE void capture_follow(struct capture *c, const struct wire_edge *edge,
				   const wire_u8 *bytes, wire_u32 depth)
{
	struct capture_target target = {0};
	if (edge->kind >= WIRE_EDGE_BUCKETS) {
		capture_scan_begin(c, edge, bytes, depth + (edge->flags & WIRE_EDGE_STEP));
		return;
	}
	bool is_iface = edge->kind == WIRE_EDGE_IFACE;
	if (is_iface || edge->kind == WIRE_EDGE_EFACE) {
		wire_u64 rtype = capture_word(bytes, 0);
		target.addr = capture_word(bytes, 8);
		target.num = 1;
		if (is_iface && rtype)
			rtype = capture_itab(c, rtype, depth);
		if (!rtype || !target.addr || c->ended)
			return;
		target.type = host_dynamic(&c->host, rtype);
		if (!target.type) {
			capture_unseen(c, rtype, target.addr,
				       depth + (edge->flags & WIRE_EDGE_STEP));
			return;
		}
	} else {
		capture_resolve(edge, bytes, &target);
	}
	depth += edge->flags & WIRE_EDGE_STEP;
	if (!target.addr || depth > host_settings(&c->host)->depth)
		return;
	const struct wire_type *type = host_type(&c->host, target.type);
	if (!type)
		return;
	wire_u64 size = type->size;
	if (edge->kind == WIRE_EDGE_STRING)
		size = 1;
	capture_append(c, target.addr, target.type, capture_len(size, target.num), depth);
}

// Follows an edge that stands at this offset in a block's bytes, if all of it is there.
CAPTURE_INLINE void capture_edge_at(struct capture *c, const struct wire_edge *edge,
				    const struct wire_block *block, wire_u64 at)
{
	CAPTURE_HIDE(at);
	if (at < WIRE_BLOCK_MAX && at + capture_width(edge->kind) <= block->len)
		capture_follow(c, edge, (const wire_u8 *)(block + 1) + at, block->depth);
}

// One step of the walk: one group of a map, or one edge of one element, and on to the next edge, element or block.
static long capture_step(wire_u32 i, void *context)
{
	(void)i;
	struct capture *c = *(struct capture **)context;
	if (c->ended)
		return 1;
	if (c->scan.wanted) {
		capture_scan(c);
		return 0;
	}
	if (c->read_at >= c->write_at)
		return 1;
	struct wire_block *block = capture_block(c, c->read_at);
	wire_u64 len = block->len, elem = c->elem;
	const struct wire_type *type = host_type(&c->host, block->type);
	wire_u64 size = type ? type->size : 0, num_edges = type ? type->num_edges : 0;
	if (type && size && c->edge < num_edges && elem < len) {
		const struct wire_edge *edge = host_edge(&c->host, type->first_edge + c->edge++);
		if (edge)
			capture_edge_at(c, edge, block, elem + edge->offset);
		if (c->edge < num_edges)
			return 0;
		c->edge = 0;
		elem = block->flags & WIRE_BLOCK_FRAME ? len : elem + size;
	} else {
		elem = len;
	}
	if (elem < len) {
		c->elem = elem;
		return 0;
	}
	c->elem = 0;
	c->edge = 0;
	c->read_at += sizeof(*block) + capture_pad(len);
	return 0;
}

struct capture_filling { // of a frame
	struct capture *c;
	wire_u64 first_piece;
	wire_u64 size; // bytes
	wire_u64 failed;
};

CAPTURE_INLINE wire_u8 *capture_frame_bytes(struct capture *c, wire_u64 at)
{
	return c->bytes + sizeof(struct wire_record) + sizeof(struct wire_block) + at;
}

static long capture_zero(wire_u32 i, void *context)
{
	struct capture_filling *filling = context;
	wire_u64 at = i * sizeof(wire_u64);
	CAPTURE_HIDE(at);
	if (at >= WIRE_BLOCK_MAX)
		return 1;
	*(capture_u64 *)capture_frame_bytes(filling->c, at) = 0;
	return 0;
}

static long capture_fill(wire_u32 i, void *context)
{
	struct capture_filling *filling = context;
	struct capture *c = filling->c;
	const struct wire_piece *piece = host_piece(&c->host, filling->first_piece + i);
	if (!piece)
		return 1;
	wire_u64 at = piece->frame_off, size = piece->size;
	CAPTURE_HIDE(at);
	CAPTURE_HIDE(size);
	if (at >= WIRE_BLOCK_MAX || size > WIRE_BLOCK_MAX || !size || at + size > filling->size)
		return 0;
	wire_u8 *dst = capture_frame_bytes(c, at);
	if (piece->where == WIRE_INT_REG) {
		wire_u64 reg = piece->reg;
		if (reg >= CAPTURE_INTS || size > sizeof(wire_u64))
			return 0;
		wire_u64 keep = size < sizeof(wire_u64) ? ~0ull << size * 8 : 0;
		capture_u64 *word = (capture_u64 *)dst;
		*word = (*word & keep) | (c->regs.ints[reg] & ~keep);
#if HOST_HAS_FLOATS
	} else if (piece->where == WIRE_FLOAT_REG) {
		wire_u64 value;
		if (size <= sizeof(value) && host_float(&c->host, piece->reg, &value))
			__builtin_memcpy(dst, &value, size);
#endif
	} else if (piece->where == WIRE_STACK) {
		wire_u64 addr = c->regs.sp + 8 + piece->stack_off;
		if (!capture_is_readable(addr, size) || host_read(&c->host, dst, size, addr)) {
			filling->failed = 1;
			return 1;
		}
	}
	return 0;
}

// The frame, the first block: the probe's pieces put together.
CAPTURE_INLINE void capture_frame(struct capture *c, const struct wire_probe *probe)
{
	struct capture_filling filling = {.c = c,
					  .first_piece = probe->first_piece,
					  .size = probe->frame_size};
	if (filling.size > WIRE_BLOCK_MAX)
		filling.size = WIRE_BLOCK_MAX;
	struct wire_block *block = (struct wire_block *)(&c->record + 1);
	block->addr = 0;
	block->type = probe->frame_type;
	block->depth = 0;
	block->flags = WIRE_BLOCK_FRAME;
	host_repeat(capture_pad(filling.size) / sizeof(wire_u64), capture_zero, &filling);
	host_repeat(probe->num_pieces, capture_fill, &filling);
	wire_u64 len = filling.size;
	if (filling.failed) {
		block->flags |= WIRE_BLOCK_FAULT;
		len = 0;
	}
	block->len = (wire_u16)len;
	c->write_at = sizeof(struct wire_record) + sizeof(*block) + capture_pad(len);
	c->record.num_blocks = 1;
}

/** Adds frame and blocks to the record, whose header and registers (c->regs) are filled in, and its size. */
CAPTURE_INLINE void capture_walk(struct capture *c, const struct wire_probe *probe)
{
	c->generation++;
	c->read_at = sizeof(struct wire_record);
	c->elem = 0;
	c->edge = 0;
	c->faults = 0;
	c->ended = 0;
	c->scan.wanted = 0;
	c->scan.steps = 0;
	capture_frame(c, probe);
	host_repeat(WIRE_STEPS_MAX, capture_step, &c);
	if (!c->ended && (c->read_at < c->write_at || c->scan.wanted))
		c->record.flags |= WIRE_CUT;
	c->record.size = c->write_at;
}

#endif
