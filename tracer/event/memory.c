// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/event/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/bsearch.h"

enum {
	EXTENTS_MAX = WIRE_RECORD_MAX / sizeof(struct wire_block),
	FAULTS_MAX = 16,
	LINEAR_MAX = 64, // for at most this many extents a scan is faster than a sorted search
	FILE_VIEW_MAX = 65536,
};

static const uint64_t USER_MIN = 4096; // no valid Go pointer is below
// Bytes from MEMORY_FRAME on that belong to the frame block.
static const uint64_t FRAME_WINDOW = WIRE_RECORD_MAX;

const char memory_unreadable[] = "unreadable";
const char memory_not_captured[] = "not captured";

struct extent {
	uint64_t addr, end;
	uint64_t reach; // the largest end of this and all earlier extents; only valid if sorted
	const uint8_t *bytes;
};

struct memory {
	const struct loaded *loaded;
	const uint8_t *frame;
	size_t frame_len;
	const struct plan_hole *holes;
	size_t num_holes;
	bool has_floats, has_unseen;
	const char *why_cut; // NULL if the capture is whole
	bool is_sorted;
	// The two extents found last: reads alternate between a value and what it points to.
	size_t recent[2];
	size_t num_extents, num_faults;
	uint64_t faults[FAULTS_MAX];
	bool (*is_as_in_file)(void *context, uint64_t addr, size_t len);
	void *context;
	uint64_t asked, asked_end; // the range that is_as_in_file checked last for this record
	bool answer;		   // its result for that range
	uint8_t *view;		   // bytes of the file that memory_view returns; owned
	size_t view_size;
	struct extent extents[EXTENTS_MAX];
};

struct error *memory_create(const struct loaded *loaded, struct memory **out)
{
	struct memory *memory = calloc(1, sizeof(*memory));
	if (!memory)
		return error_nomem();
	memory->loaded = loaded;
	*out = memory;
	return NULL;
}

void memory_destroy(struct memory *memory)
{
	if (memory)
		free(memory->view);
	free(memory);
}

void memory_ask(struct memory *memory,
		bool (*is_as_in_file)(void *context, uint64_t addr, size_t len), void *context)
{
	memory->is_as_in_file = is_as_in_file;
	memory->context = context;
}

static void add_block(struct memory *memory, const struct record_block *block)
{
	const struct wire_block *head = block->head;
	if (head->flags & (WIRE_BLOCK_STACK | WIRE_BLOCK_CREATOR))
		return; // its bytes are not a copy of the target's memory
	if (head->flags & WIRE_BLOCK_FRAME) {
		memory->frame = block->bytes;
		memory->frame_len = head->len;
	} else if (head->flags & WIRE_BLOCK_FAULT) {
		if (memory->num_faults < FAULTS_MAX)
			memory->faults[memory->num_faults++] = head->addr;
	} else if (memory->num_extents < EXTENTS_MAX) {
		memory->extents[memory->num_extents++] =
			(struct extent){.addr = head->addr,
					.end = head->addr + head->len,
					.bytes = block->bytes};
	}
}

// Returns which budget ended the capture; NULL if none did.
static const char *find_cut(const struct wire_record *record)
{
	if (record->flags & WIRE_CUT_FAULTS)
		return "not captured: 3 addresses are unreadable";
	if (record->flags & WIRE_CUT_STEPS)
		return "not captured: over 2048 steps, 1024 in maps";
	if (!(record->flags & WIRE_CUT))
		return NULL;
	// A record that is not held is cut only when less than a block is left of its bytes.
	return record->size <= WIRE_HELD_MAX ? "not captured: over 4 KiB held until the return"
					     : "not captured: over 16 KiB";
}

void memory_fill(struct memory *memory, const struct wire_record *record,
		 const struct plan_frame *frame)
{
	memory->frame = NULL;
	memory->frame_len = 0;
	memory->holes = frame ? frame->holes : NULL;
	memory->num_holes = frame ? frame->num_holes : 0;
	memory->has_floats = record->flags & WIRE_FLOATS;
	memory->why_cut = find_cut(record);
	memory->has_unseen = record->flags & WIRE_UNSEEN;
	memory->is_sorted = false;
	memory->recent[0] = memory->recent[1] = 0;
	memory->num_extents = memory->num_faults = 0;
	memory->asked = memory->asked_end = 0;
	size_t at = 0;
	struct record_block block;
	while (record_next(record, &at, &block))
		add_block(memory, &block);
}

bool memory_is_cut(const struct memory *memory)
{
	return memory->why_cut;
}

const char *memory_why_missing(const struct memory *memory)
{
	return memory->why_cut ? memory->why_cut : memory_not_captured;
}

bool memory_has_unseen(const struct memory *memory)
{
	return memory->has_unseen;
}

// --- The frame ---------------------------------------------------------------------------------

static bool is_frame(uint64_t addr)
{
	return addr - MEMORY_FRAME < FRAME_WINDOW;
}

// Finds the first hole in the len bytes at off; NULL if there is none.
static const struct plan_hole *find_hole(const struct memory *memory, uint64_t off, size_t len)
{
	const struct plan_hole *first = NULL;
	for (size_t i = 0; i < memory->num_holes; i++) {
		const struct plan_hole *hole = &memory->holes[i];
		uint64_t end = (uint64_t)hole->frame_off + hole->size;
		if ((hole->is_float && memory->has_floats) || off >= end ||
		    (hole->frame_off > off && hole->frame_off - off >= len))
			continue;
		if (!first || hole->frame_off < first->frame_off)
			first = hole;
	}
	return first;
}

static const uint8_t *frame_span(const struct memory *memory, uint64_t addr, size_t len,
				 size_t *have)
{
	uint64_t off = addr - MEMORY_FRAME;
	if (off >= memory->frame_len)
		return NULL;
	if (len > memory->frame_len - off)
		len = memory->frame_len - off;
	const struct plan_hole *hole = memory->num_holes ? find_hole(memory, off, len) : NULL;
	if (hole) {
		if (hole->frame_off <= off)
			return NULL;
		len = hole->frame_off - off;
	}
	*have = len;
	return memory->frame + off;
}

// --- Blocks ------------------------------------------------------------------------------------

static int compare_extents(const void *left, const void *right)
{
	const struct extent *a = left, *b = right;
	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

static void sort_extents(struct memory *memory)
{
	qsort(memory->extents, memory->num_extents, sizeof(*memory->extents), compare_extents);
	uint64_t reach = 0;
	for (size_t i = 0; i < memory->num_extents; i++) {
		if (reach < memory->extents[i].end)
			reach = memory->extents[i].end;
		memory->extents[i].reach = reach;
	}
	memory->is_sorted = true;
}

static bool holds(const struct extent *extent, uint64_t addr)
{
	return addr - extent->addr < extent->end - extent->addr;
}

// Finds the extent that holds addr and reaches farthest (blocks may overlap); SIZE_MAX if none
// does.
static size_t search_extents(struct memory *memory, uint64_t addr)
{
	size_t best = SIZE_MAX, num = memory->num_extents;
	const struct extent *extents = memory->extents;
	if (num <= LINEAR_MAX) {
		for (size_t i = 0; i < num; i++)
			if (holds(&extents[i], addr) &&
			    (best == SIZE_MAX || extents[i].end > extents[best].end))
				best = i;
		return best;
	}
	if (!memory->is_sorted)
		sort_extents(memory);
	// The first extent that starts after addr.
	size_t low = bsearch_first(num, middle, extents[middle].addr <= addr);
	while (low > 0 && extents[low - 1].reach > addr) {
		low--;
		if (extents[low].end > addr &&
		    (best == SIZE_MAX || extents[low].end > extents[best].end))
			best = low;
	}
	return best;
}

static const struct extent *found_extent(struct memory *memory, size_t i)
{
	if (memory->recent[0] != i) {
		memory->recent[1] = memory->recent[0];
		memory->recent[0] = i;
	}
	return &memory->extents[i];
}

// Finds an extent with all len bytes at addr, or else the one with the most of them. Values are
// read in about the order in which they were captured, so it is mostly one of the last two extents
// or the next one after one of these.
static const struct extent *find_extent(struct memory *memory, uint64_t addr, size_t len)
{
	for (unsigned guess = 0; guess < 4; guess++) {
		size_t i = memory->recent[guess & 1] + (guess >> 1);
		const struct extent *extent = &memory->extents[i];
		if (i < memory->num_extents && holds(extent, addr) && extent->end - addr >= len)
			return found_extent(memory, i);
	}
	size_t i = search_extents(memory, addr);
	return i == SIZE_MAX ? NULL : found_extent(memory, i);
}

// --- The file ----------------------------------------------------------------------------------

// True if the target's memory is certain to be the same as in the file.
static bool is_certain(struct memory *memory, uint64_t addr, size_t len)
{
	if (!memory->is_as_in_file)
		return true;
	if (addr < memory->asked || addr + len > memory->asked_end) {
		memory->answer = memory->is_as_in_file(memory->context, addr, len);
		memory->asked = addr;
		memory->asked_end = addr + len;
	}
	return memory->answer;
}

// Returns how many of the len bytes at addr the file's read-only segments answer for.
static size_t file_available(struct memory *memory, uint64_t addr, size_t len)
{
	const struct image *image = memory->loaded->image;
	uint64_t vaddr = loaded_vaddr(memory->loaded, addr);
	if (!image || vaddr > addr || !len || !image_is_readonly(image, vaddr, 1))
		return 0;
	if (!image_is_readonly(image, vaddr, len))
		len = bsearch_first(len, middle, image_is_readonly(image, vaddr, middle + 1));
	return is_certain(memory, addr, len) ? len : 0;
}

static bool file_read(struct memory *memory, uint64_t addr, void *dst, size_t len)
{
	struct image *image = memory->loaded->image;
	uint64_t vaddr = loaded_vaddr(memory->loaded, addr);
	return image && vaddr <= addr && image_is_readonly(image, vaddr, len) &&
	       is_certain(memory, addr, len) && image_read(image, vaddr, dst, len);
}

static const uint8_t *file_view(struct memory *memory, uint64_t addr, size_t len, size_t *have)
{
	len = file_available(memory, addr, len < FILE_VIEW_MAX ? len : FILE_VIEW_MAX);
	if (!len)
		return NULL;
	if (memory->view_size < len) {
		uint8_t *view = realloc(memory->view, len);
		if (!view)
			return NULL;
		memory->view = view;
		memory->view_size = len;
	}
	if (!image_read(memory->loaded->image, loaded_vaddr(memory->loaded, addr), memory->view,
			len))
		return NULL;
	*have = len;
	return memory->view;
}

// --- Reading -----------------------------------------------------------------------------------

// Returns captured bytes at addr that are contiguous in the record, without those of the file.
static const uint8_t *captured_span(struct memory *memory, uint64_t addr, size_t len, size_t *have)
{
	if (is_frame(addr))
		return frame_span(memory, addr, len, have);
	const struct extent *extent = find_extent(memory, addr, len);
	if (!extent)
		return NULL;
	*have = extent->end - addr < len ? extent->end - addr : len;
	return extent->bytes + (addr - extent->addr);
}

static bool is_fault(const struct memory *memory, uint64_t addr)
{
	for (size_t i = 0; i < memory->num_faults; i++)
		if (memory->faults[i] == addr)
			return true;
	return addr < USER_MIN || addr >> 56;
}

static const char *missing_reason(const struct memory *memory, uint64_t addr)
{
	if (is_frame(addr)) {
		const struct plan_hole *hole = find_hole(memory, addr - MEMORY_FRAME, 1);
		return hole && hole->reason ? hole->reason : memory_not_captured;
	}
	return is_fault(memory, addr) ? memory_unreadable : memory_not_captured;
}

bool memory_read(struct memory *memory, uint64_t addr, void *dst, size_t len, const char **reason)
{
	uint8_t *to = dst;
	while (len) {
		size_t have;
		const uint8_t *from = captured_span(memory, addr, len, &have);
		if (!from) {
			if (!is_frame(addr) && file_read(memory, addr, to, len))
				return true;
			if (reason)
				*reason = missing_reason(memory, addr);
			return false;
		}
		memcpy(to, from, have);
		to += have;
		addr += have;
		len -= have;
	}
	return true;
}

size_t memory_available(struct memory *memory, uint64_t addr, size_t len)
{
	size_t done = 0;
	while (done < len) {
		size_t have = 0;
		if (!captured_span(memory, addr + done, len - done, &have)) {
			if (!is_frame(addr))
				done += file_available(memory, addr + done, len - done);
			break;
		}
		done += have;
	}
	return done;
}

const uint8_t *memory_view(struct memory *memory, uint64_t addr, size_t len, size_t *have)
{
	if (!len)
		return NULL;
	const uint8_t *bytes = captured_span(memory, addr, len, have);
	if (bytes || is_frame(addr))
		return bytes;
	return file_view(memory, addr, len, have);
}

bool memory_is_followed(struct memory *memory, uint64_t addr)
{
	if (is_frame(addr))
		return false;
	for (size_t i = 0; i < memory->num_extents; i++)
		if (memory->extents[i].addr == addr)
			return true;
	return find_extent(memory, addr, 1) || is_fault(memory, addr) ||
	       file_available(memory, addr, 1);
}

bool memory_place(struct memory *memory, const struct plan_value *value, uint64_t *addr,
		  const char **reason)
{
	*addr = MEMORY_FRAME + value->frame_off;
	if (!value->is_address)
		return true;
	if (!memory_read(memory, *addr, addr, sizeof(*addr), reason))
		return false;
	if (is_frame(*addr)) // no address of a stack
		*reason = memory_unreadable;
	return !is_frame(*addr);
}
