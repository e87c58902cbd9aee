// SPDX-License-Identifier: GPL-2.0-or-later
// Records a call's stack: the chain of frame pointers from the call's entry, where the frame
// pointer is still the caller's, to the goroutine's first frame. Each distinct stack has a number,
// which is a hash of its words. The words are recorded once, and user space keeps them. They also
// show the place of each return address, so that user space can check the chain against the frame
// sizes that the executable has. Compiled for the kernel and for user space, as capture.h is.
#ifndef GOTRACE_BPF_ENGINE_STACK_H
#define GOTRACE_BPF_ENGINE_STACK_H

#include "bpf/engine/capture.h"

enum { STACK_FAR = (1 << (64 - WIRE_STACK_ADDR_BITS)) - 1 };

struct stack_walk {    // in the slot, so that the verifier does not follow it from step to step
	wire_u64 fp;   // of the next frame
	wire_u64 last; // place of the last return address
	wire_u64 high; // the stack's upper end
	wire_u64 hash;
	wire_u32 num, max; // words
	wire_u32 end;	   // enum wire_stack_end
	wire_u32 pad;
};

struct stack_run {
	struct stack_walk *walk;
	struct capture *c;
};

// Adds a return address, which is on the stack at address place.
CAPTURE_INLINE void stack_put(struct stack_walk *walk, struct capture *c, wire_u64 place,
			      wire_u64 addr)
{
	wire_u64 far = (place - walk->last) / sizeof(addr);
	if (far > STACK_FAR)
		far = STACK_FAR;
	wire_u64 word = (addr & ((1ull << WIRE_STACK_ADDR_BITS) - 1)) | far << WIRE_STACK_ADDR_BITS;
	walk->last = place;
	walk->hash = (walk->hash ^ word) * 0x9e3779b97f4a7c15ull;
	walk->hash ^= walk->hash >> 29;
	wire_u64 at = c->write_at + sizeof(struct wire_block) + walk->num * sizeof(word);
	CAPTURE_HIDE(at);
	if (at < WIRE_RECORD_MAX)
		*(capture_u64 *)(c->bytes + at) = word;
	walk->num++;
}

static long stack_step(wire_u32 i, void *context)
{
	(void)i;
	const struct stack_run *run = context;
	struct stack_walk *walk = run->walk;
	struct capture *c = run->c;
	wire_u64 words[2], fp = walk->fp; // the saved frame pointer, and the return address
	walk->end = WIRE_STACK_WHOLE;
	if (!fp)
		return 1;
	walk->end = WIRE_STACK_OUTSIDE;
	if (fp <= walk->last || fp > walk->high - sizeof(words) || fp % sizeof(fp))
		return 1;
	walk->end = WIRE_STACK_MORE;
	if (walk->num >= walk->max)
		return 1;
	walk->end = WIRE_STACK_UNREADABLE;
	if (host_read(&c->host, words, sizeof(words), fp))
		return 1;
	stack_put(walk, c, fp + sizeof(fp), words[1]);
	walk->fp = words[0];
	return 0;
}

// Fills in a block at the end of the record. Its len bytes are already in place after the header.
CAPTURE_INLINE void stack_block(struct capture *c, wire_u64 addr, wire_u32 type, wire_u64 len,
				wire_u8 flags)
{
	struct wire_block *block = capture_block(c, c->write_at);
	block->addr = addr;
	block->type = type;
	block->len = (wire_u16)len;
	block->depth = 0;
	block->flags = flags;
	c->write_at += sizeof(*block) + len;
	c->record.num_blocks++;
	c->record.flags |= WIRE_CALLERS;
}

CAPTURE_INLINE wire_u64 stack_number(const struct stack_walk *walk)
{
	wire_u64 number = (walk->hash ^ walk->end) * 0x9e3779b97f4a7c15ull >> 1;
	return number ? number : 1;
}

// Reads the return address at a function's entry.
CAPTURE_INLINE bool stack_return_address(struct capture *c, const struct host_regs *regs,
					 wire_u64 *out)
{
	if (!CPU_HAS_LINK)
		return !host_read(&c->host, out, sizeof(*out), c->regs.sp);
	*out = host_link(regs);
	return true;
}

/** Adds the stack block to an entry's record that is otherwise complete. Returns the stack's number
 *  if the record has its words, else 0. When the record has been output, the caller marks the stack
 *  as known. */
CAPTURE_INLINE wire_u64 stack_append(struct stack_walk *walk, struct capture *c,
				     const struct host_regs *regs,
				     const struct capture_goroutine *goroutine)
{
	wire_u64 sp = c->regs.sp, addr;
	// With a link register, the caller's frame pointer is just below SP.
	wire_u64 place = CPU_HAS_LINK ? sp - 2 * sizeof(addr) : sp;
	walk->fp = host_frame_pointer(regs);
	walk->last = place;
	walk->hash = c->record.target; // the same addresses mean something else in another target
	walk->num = 0;
	walk->end = WIRE_STACK_WHOLE;
	walk->max = host_stack_settings(&c->host)->max;
	if (walk->max > WIRE_STACK_MAX)
		walk->max = WIRE_STACK_MAX;
	if (!goroutine || !goroutine->goid || !stack_return_address(c, regs, &addr)) {
		stack_block(c, 0, WIRE_STACK_NONE, 0, WIRE_BLOCK_STACK);
		c->record.size = c->write_at;
		return 0;
	}
	walk->high = sp + goroutine->distance;
	stack_put(walk, c, place, addr);
	struct stack_run run = {.walk = walk, .c = c};
	host_repeat(WIRE_STACK_MAX + 1, stack_step, &run);
	wire_u64 number = stack_number(walk);
	bool is_known = host_knows_stack(&c->host, number);
	wire_u64 num = walk->num;
	CAPTURE_HIDE(num);
	if (num > WIRE_STACK_MAX)
		num = WIRE_STACK_MAX;
	stack_block(c, number, walk->end, is_known ? 0 : num * sizeof(addr), WIRE_BLOCK_STACK);
	c->record.size = c->write_at;
	return is_known ? 0 : number;
}

/** Adds the block that shows who started the goroutine whose runtime.g is at g. */
CAPTURE_INLINE void stack_creator(struct capture *c, wire_u64 g)
{
	const struct wire_stack_settings *settings = host_stack_settings(&c->host);
	wire_u64 words[2] = {0}, at = c->write_at + sizeof(struct wire_block);
	if (!settings->g_gopc || !capture_is_readable(g, WIRE_BLOCK_MAX) ||
	    host_read(&c->host, &words[0], sizeof(words[0]), g + settings->g_gopc))
		return;
	if (settings->g_parent_goid &&
	    host_read(&c->host, &words[1], sizeof(words[1]), g + settings->g_parent_goid))
		words[1] = 0;
	CAPTURE_HIDE(at);
	if (at >= WIRE_RECORD_MAX)
		return;
	*(capture_u64 *)(c->bytes + at) = words[0];
	*(capture_u64 *)(c->bytes + at + sizeof(words[0])) = words[1];
	stack_block(c, 0, WIRE_NO_TYPE, sizeof(words), WIRE_BLOCK_CREATOR);
	c->record.size = c->write_at;
}

#endif
