// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <unistd.h>

#include "tracer/backend/ptrace/ptrace.h"

// Copies of instructions need executable memory. Allocating it would mean to run code in the
// target, so unused bytes of its code are used instead: the rest of the last page after the end of
// an executable segment, the zeros after the file's headers in the first segment, and the
// padding between functions.

enum {
	SLOT_BYTES = 16,
	RANGES_MAX = 64,
	PAGE = 4096,
	SCAN_MAX = 64 << 20, // bytes of code that are searched for padding
	ENOUGH = 64 * SLOT_BYTES,
};

struct range { // bytes of the executable's code that are never executed
	uint64_t vaddr, len;
};

struct finding {
	struct range out[RANGES_MAX];
	size_t num;
	uint64_t bytes;
};

static void add_range(struct finding *finding, uint64_t start, uint64_t end)
{
	start = (start + SLOT_BYTES - 1) & ~(uint64_t)(SLOT_BYTES - 1);
	if (start + SLOT_BYTES > end || finding->num == RANGES_MAX)
		return;
	finding->out[finding->num++] = (struct range){start, end - start};
	finding->bytes += end - start;
}

// Finds the zeros between the program headers and the first section, in a segment that begins with
// the file's headers.
static void find_zeros(struct image *image, const struct image_segment *segment,
		       struct finding *finding)
{
	const uint8_t *bytes;
	if (segment->off || segment->file_size < PAGE ||
	    !image_text(image, segment->vaddr, PAGE, &bytes))
		return;
	size_t best = 0, best_len = 0, start = 0;
	for (size_t i = 0; i <= PAGE; i++) {
		if (i < PAGE && !bytes[i])
			continue;
		if (i - start > best_len) {
			best = start;
			best_len = i - start;
		}
		start = i + 1;
	}
	// Zeros at both ends may belong to the data before and after.
	if (best_len > ENOUGH + 2 * SLOT_BYTES)
		add_range(finding, segment->vaddr + best + SLOT_BYTES,
			  segment->vaddr + best + best_len - SLOT_BYTES);
}

static void find_padding(struct image *image, const struct image_segment *segment,
			 struct finding *finding)
{
	uint64_t size = segment->file_size < SCAN_MAX ? segment->file_size : SCAN_MAX;
	const uint8_t *bytes, padding = image_arch(image)->padding;
	if (!image_text(image, segment->vaddr, size, &bytes))
		return;
	uint64_t run = 0;
	for (uint64_t i = 0; i < size && finding->bytes < ENOUGH; i++) {
		run = bytes[i] == padding ? run + 1 : 0;
		// The first byte is not used, because a breakpoint may be just before it.
		if (run && (i + 1 == size || bytes[i + 1] != padding) && run > SLOT_BYTES)
			add_range(finding, segment->vaddr + i + 2 - run, segment->vaddr + i + 1);
	}
}

static void find_ranges(struct image *image, struct finding *finding)
{
	size_t num;
	const struct image_segment *segments = image_segments(image, &num);
	for (size_t i = 0; i < num; i++) {
		const struct image_segment *segment = &segments[i];
		if (!segment->is_executable || segment->is_writable)
			continue;
		uint64_t end = segment->vaddr + segment->file_size;
		if (segment->mem_size == segment->file_size)
			add_range(finding, end, (end + PAGE - 1) & ~(PAGE - 1ull));
		find_zeros(image, segment, finding);
	}
	for (size_t i = 0; i < num && finding->bytes < ENOUGH; i++)
		if (segments[i].is_executable && !segments[i].is_writable)
			find_padding(image, &segments[i], finding);
}

void ptrace_slots_init(struct ptrace_slots *slots, const struct loaded *loaded)
{
	struct finding finding = {0};
	find_ranges(loaded->image, &finding);
	for (size_t i = 0; i < finding.num; i++)
		for (uint64_t at = 0; at + SLOT_BYTES <= finding.out[i].len; at += SLOT_BYTES)
			if (slots->num < PTRACE_SLOTS)
				slots->slot[slots->num++].addr =
					loaded_addr(loaded, finding.out[i].vaddr + at);
}

static bool holds(const struct ptrace_slot *slot, const struct step *step, uint64_t addr)
{
	return slot->size == step->size && (slot->from == addr || !step->is_relative) &&
	       !memcmp(slot->bytes, step->bytes, slot->size);
}

static bool fill(struct ptrace_slot *slot, int mem, const struct ptrace_breakpoint *breakpoint)
{
	const struct step *step = &breakpoint->step;
	uint8_t moved[INSN_MAX_BYTES];
	if (!step_move(step, breakpoint->addr, slot->addr, moved))
		return false;
	if (!slot->size && pread(mem, slot->before, sizeof(slot->before), (off_t)slot->addr) !=
				   sizeof(slot->before))
		return false;
	if (pwrite(mem, moved, step->size, (off_t)slot->addr) != step->size)
		return false;
	memcpy(slot->bytes, step->bytes, sizeof(slot->bytes));
	slot->from = breakpoint->addr;
	slot->size = step->size;
	return true;
}

struct ptrace_slot *ptrace_slots_take(struct ptrace_slots *slots, int mem,
				      const struct ptrace_breakpoint *breakpoint)
{
	for (uint32_t i = 0; i < slots->num; i++) {
		struct ptrace_slot *slot = &slots->slot[i];
		if (holds(slot, &breakpoint->step, breakpoint->addr)) {
			slot->users++;
			return slot;
		}
	}
	for (uint32_t i = 0; i < slots->num; i++) {
		struct ptrace_slot *slot = &slots->slot[slots->next++ % slots->num];
		if (!slot->users && fill(slot, mem, breakpoint)) {
			slot->users++;
			return slot;
		}
	}
	return NULL;
}

void ptrace_slots_restore(const struct ptrace_slots *slots, int mem)
{
	for (uint32_t i = 0; i < slots->num; i++) {
		const struct ptrace_slot *slot = &slots->slot[i];
		if (!slot->size)
			continue;
		ssize_t len = pwrite(mem, slot->before, sizeof(slot->before), (off_t)slot->addr);
		(void)len; // fails if the target is gone
	}
}
