// SPDX-License-Identifier: GPL-2.0-or-later
// How the capture engine walks a map. It reads the control word of each group, one group a step,
// and copies only the groups that hold entries.
#ifndef GOTRACE_BPF_ENGINE_CAPTURE_MAP_H
#define GOTRACE_BPF_ENGINE_CAPTURE_MAP_H

#include "bpf/engine/record.h"

// Begins the scan of a map; bytes are those of its header.
CAPTURE_INLINE void capture_scan_begin(struct capture *c, const struct wire_edge *edge,
				       const wire_u8 *bytes, wire_u32 depth)
{
	enum { FLAGS = 8, LOG2 = 9, FIRST = 16, SECOND = 24, SAME_SIZE_GROW = 8, LOG2_MAX = 32 };
	struct capture_scan *scan = &c->scan;
	wire_u64 first = capture_word(bytes, FIRST), second = capture_word(bytes, SECOND);
	if (depth > host_settings(&c->host)->depth)
		return;
	scan->wanted = (wire_u32)capture_least(capture_word(bytes, 0), edge->cap);
	scan->type = edge->type;
	scan->kind = edge->kind;
	scan->depth = depth;
	scan->index = 0;
	scan->entry = first;
	scan->group = edge->kind == WIRE_EDGE_OLD_BUCKETS ? second : first;
	scan->num_tables = 0;
	scan->num_groups = 1;
	if (edge->kind == WIRE_EDGE_TABLES) {
		scan->num_tables = second;
		scan->num_groups = !second;
		return;
	}
	wire_u64 log2 = capture_least(bytes[LOG2], LOG2_MAX);
	if (edge->kind == WIRE_EDGE_OLD_BUCKETS && !(bytes[FLAGS] & SAME_SIZE_GROW) && log2)
		log2--;
	scan->num_groups = 1ull << log2;
	if (!scan->group)
		scan->wanted = 0;
}

// Reads len bytes into the scan's words. If that fails, the scan ends.
CAPTURE_INLINE bool capture_scan_read(struct capture *c, wire_u64 addr, wire_u64 len)
{
	if (capture_is_readable(addr, len) && !host_read(&c->host, c->scan.words, len, addr))
		return true;
	c->scan.wanted = 0;
	capture_failed(c);
	return false;
}

// Goes on to the next table of a maps.Map. A table that is empty is passed over, and so is a table
// that is in the directory a second time.
CAPTURE_INLINE void capture_scan_table(struct capture *c)
{
	enum { USED = 0, INDEX = 1, GROUPS = 2, MASK = 3, USED_MASK = 0xffff };
	struct capture_scan *scan = &c->scan;
	wire_u64 entry = scan->entry, index = scan->index++;
	scan->entry += sizeof(entry);
	scan->num_tables--;
	if (!capture_scan_read(c, entry, sizeof(entry)))
		return;
	wire_u64 table = scan->words[0];
	if (!capture_scan_read(c, table, sizeof(scan->words)) || scan->words[INDEX] != index ||
	    !(scan->words[USED] & USED_MASK))
		return;
	scan->group = scan->words[GROUPS];
	scan->num_groups = capture_least(scan->words[MASK], CAPTURE_MANY) + 1;
	capture_append(c, entry, WIRE_NO_TYPE, sizeof(entry), scan->depth);
	capture_append(c, table, WIRE_NO_TYPE, sizeof(scan->words), scan->depth);
}

// Of each byte of a control word that means an entry, the highest bit.
CAPTURE_INLINE wire_u64 capture_used(wire_u32 kind, wire_u64 control)
{
	static const wire_u64 high = 0x8080808080808080ull;
	// For an entry, a control byte of internal/runtime/maps is below 0x80, and a top hash of
	// runtime.bmap is at least 5.
	if (kind == WIRE_EDGE_TABLES)
		return ~control & high;
	return (((control & ~high) + 0x7b7b7b7b7b7b7b7bull) | control) & high;
}

// Bytes of a group up to its last entry. Go fills a group from its beginning.
CAPTURE_INLINE wire_u64 capture_group_len(wire_u64 size, wire_u64 used)
{
	wire_u64 slots = 8;
	if (!(used >> 32)) {
		slots -= 4;
		used <<= 32;
	}
	if (!(used >> 48)) {
		slots -= 2;
		used <<= 16;
	}
	if (!(used >> 56))
		slots--;
	return 8 + (size - 8) / 8 * slots;
}

// Skips the rest of a page that cannot be read. Most likely the page was never touched, so its
// groups hold no entries.
CAPTURE_INLINE void capture_scan_hole(struct capture_scan *scan, wire_u64 addr, wire_u64 size)
{
	enum { PAGE = 4096, COST = 32 }; // a failed read takes as long as so many good ones
	wire_u64 skipped = (PAGE - 1 - (addr & (PAGE - 1))) / size;
	scan->group += skipped * size;
	scan->num_groups -= capture_least(skipped, scan->num_groups);
	scan->steps += COST;
}

// Copies a group, or a bucket with its overflow chain, if it holds entries. Its control word has
// been read.
CAPTURE_INLINE void capture_scan_entries(struct capture *c, wire_u64 addr, wire_u64 size)
{
	enum { EMPTY_REST = 0, EMPTY_ONE = 1, MIN_TOP_HASH = 5 };
	struct capture_scan *scan = &c->scan;
	wire_u64 control = scan->words[0], used = capture_used(scan->kind, control), len = size;
	wire_u8 first = (wire_u8)control;
	if (scan->kind == WIRE_EDGE_TABLES)
		len = capture_group_len(size, used);
	else if (scan->kind == WIRE_EDGE_OLD_BUCKETS && first > EMPTY_ONE && first < MIN_TOP_HASH)
		return; // evacuated: its entries are in the new buckets
	else if (first != EMPTY_REST)
		used |= !used; // even if the bucket is empty, its overflow chain may have entries
	if (!used)
		return;
	wire_u64 num = (used >> 7) * 0x0101010101010101ull >> 56;
	scan->wanted -= (wire_u32)capture_least(num, scan->wanted);
	capture_append(c, addr, scan->type, len, scan->depth);
}

CAPTURE_INLINE void capture_scan_group(struct capture *c)
{
	struct capture_scan *scan = &c->scan;
	const struct wire_type *type = host_type(&c->host, scan->type);
	wire_u64 size = type ? type->size : 0, addr = scan->group;
	scan->group += size;
	scan->num_groups--;
	if (size < sizeof(addr)) {
		scan->wanted = 0;
		return;
	}
	if (!capture_is_readable(addr, sizeof(addr)))
		scan->wanted = 0;
	else if (host_read(&c->host, scan->words, sizeof(addr), addr))
		capture_scan_hole(scan, addr, size);
	else
		capture_scan_entries(c, addr, size);
}

// One step of the scan: a group, or a table.
CAPTURE_INLINE void capture_scan(struct capture *c)
{
	if (c->scan.steps++ >= WIRE_GROUPS_MAX) {
		c->record.flags |= WIRE_CUT_STEPS;
		c->scan.wanted = 0;
	} else if (c->scan.num_groups) {
		capture_scan_group(c);
	} else if (c->scan.num_tables) {
		capture_scan_table(c);
	} else {
		c->scan.wanted = 0;
	}
}

#endif
