// SPDX-License-Identifier: GPL-2.0-or-later
// The capture engine: fills a record of wire.h from a probe's registers and the target's memory. It
// is written once and compiled twice, for the kernel (gotrace.bpf.c) and for user space
// (tracer/backend/hit.c), so that both make the same record to the byte.
//
// The record is its own queue: the walk reads blocks from the record that it is writing, one edge a
// step. All state is in struct capture and none in registers, so the kernel's verifier has to check
// one step only. The tables that user space wrote are checked here for memory safety only.
#ifndef GOTRACE_BPF_ENGINE_CAPTURE_H
#define GOTRACE_BPF_ENGINE_CAPTURE_H

#include "bpf/engine/capture_map.h"

struct capture_target { // what an edge leads to
	wire_u64 addr;
	wire_u64 num; // elements
	wire_u32 type;
};

// The bytes of an element that an edge of this kind reads.
CAPTURE_INLINE wire_u32 capture_width(wire_u8 kind)
{
	switch (kind) {
	case WIRE_EDGE_PART:
		return 0;
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

// Resolves an edge that is no interface and no map, as if its first were 0. bytes are those that
// the edge reads, and come from this address.
CAPTURE_INLINE void capture_resolve(const struct wire_edge *edge, const wire_u8 *bytes,
				    wire_u64 addr, struct capture_target *out)
{
	out->addr = edge->kind == WIRE_EDGE_PART ? addr : capture_word(bytes, 0);
	out->num = 1;
	out->type = edge->type;
	if (edge->kind == WIRE_EDGE_STRING || edge->kind == WIRE_EDGE_SLICE) {
		wire_u64 num = capture_word(bytes, 8), first = edge->first;
		out->num = num > first ? capture_least(num - first, edge->cap) : 0;
	}
}

// The address of the type descriptor of an interface with methods, read from its itab; 0 if it
// cannot be read. It is recorded as a block, because the decoder needs it too.
CAPTURE_INLINE wire_u64 capture_itab(struct capture *c, wire_u64 itab, wire_u32 depth)
{
	enum { TYPE = 8 };
	wire_u64 rtype = 0, addr = itab + TYPE, at = c->write_at;
	capture_append(c, addr, WIRE_NO_TYPE, sizeof(rtype), depth);
	struct wire_block *block = capture_block(c, at);
	if (c->write_at != at)
		return block->len ? *(capture_u64 *)(block + 1) : 0;
	// The record has it already, in some earlier block.
	if (c->ended || !capture_is_readable(addr, sizeof(rtype)))
		return 0;
	if (host_read(&c->host, &rtype, sizeof(rtype), addr)) {
		capture_failed(c);
		return 0;
	}
	return rtype;
}

// Copies the data of an interface whose type the plan does not know yet. The type descriptor
// (internal/abi.Type) has the number of bytes. A string's bytes are followed too. The decoder then
// adds the type to the plan, for later hits.
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
		// The data word is the value, or it leads to data that only the plan can describe.
		return;
	}
	capture_append(c, addr, type, capture_least(size, PART_MAX), depth);
}

// --- The walk ----------------------------------------------------------------------------------

// Follows one edge from a block of this depth. bytes are those that the edge reads, and come from
// this address.
CAPTURE_INLINE void capture_follow(struct capture *c, const struct wire_edge *edge,
				   const wire_u8 *bytes, wire_u64 addr, wire_u32 depth)
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
		capture_resolve(edge, bytes, addr, &target);
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
	target.addr += (wire_u64)edge->first * type->stride;
	capture_append(c, target.addr, target.type, size * target.num, depth);
}

// Follows an edge at this offset in a block's bytes, if the block has all bytes that the edge
// reads.
CAPTURE_INLINE void capture_edge_at(struct capture *c, const struct wire_edge *edge,
				    const struct wire_block *block, wire_u64 at)
{
	CAPTURE_HIDE(at);
	if (at < WIRE_BLOCK_MAX && at + capture_width(edge->kind) <= block->len)
		capture_follow(c, edge, (const wire_u8 *)(block + 1) + at, block->addr + at,
			       block->depth);
}

// One step of the walk: follows one group of a map or one edge of one element, then goes on to the
// next edge, element or block.
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

struct capture_filling { // of the frame block
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
		if (reg >= CPU_INTS || size > sizeof(wire_u64))
			return 0;
		wire_u64 keep = size < sizeof(wire_u64) ? ~0ull << size * 8 : 0;
		capture_u64 *word = (capture_u64 *)dst;
		*word = (*word & keep) | (c->regs.ints[reg] & ~keep);
	} else if (piece->where == WIRE_FLOAT_REG) {
		wire_u64 value;
		if (size <= sizeof(value) && host_float(&c->host, piece->reg, &value))
			__builtin_memcpy(dst, &value, size);
	} else {
		wire_u64 addr = capture_stack_place(c->regs.sp, piece->stack_off);
		if (piece->where == WIRE_STACK_ADDR)
			*(capture_u64 *)dst = addr;
		else if (!capture_is_readable(addr, size) || host_read(&c->host, dst, size, addr)) {
			filling->failed = 1;
			return 1;
		}
	}
	return 0;
}

// Makes the frame block, the first block, from the probe's pieces.
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

/** Adds the frame block and all blocks that it leads to, and sets the record's size. The caller
 *  has filled in the record's header and c->regs. */
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
		c->record.flags |= WIRE_CUT_STEPS;
	c->record.size = c->write_at;
}

#endif
