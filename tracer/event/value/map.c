// SPDX-License-Identifier: GPL-2.0-or-later
// Maps of both layouts. Prints the captured entries in the order of their keys (the engine does not
// capture groups without entries). The map may have been written to while it was copied, so its
// words are only trusted within bounds.
// Source: src/runtime/map.go up to 1.23 (hmap, bmap), src/internal/runtime/maps from 1.24.
#include "tracer/event/value/internal.h"

#include <stdlib.h>

enum {
	SLOTS = 8,
	LOCAL_ENTRIES = 64,
	CHAIN_MAX = 256,  // buckets in one chain, with the overflow buckets
	MIN_TOP_HASH = 5, // smaller values mark an empty slot, or one whose entry has moved
	EMPTY_ONE = 1,
	SAME_SIZE_GROW = 8, // a flag of hmap: there are as many old buckets as new ones
	BUCKET_SIZE_MAX = 1 << 20,
};

struct entry {
	uint64_t key, elem; // addresses
	uint64_t rank;	    // the key's order, as far as 8 bytes can express it
	size_t number;	    // entries found before this one
};

struct entries {
	struct walk *walk;
	struct gotype *type;
	bool has_parts; // of an element, only the parts that are shown may be captured
	struct entry *entry;
	size_t num, size;
	struct entry local[LOCAL_ENTRIES];
};

struct hmap { // a runtime.hmap without nevacuate and what follows
	uint64_t count;
	uint8_t flags, bits;
	uint16_t num_overflow;
	uint32_t seed;
	uint64_t buckets, old_buckets;
};

struct swiss { // an internal/runtime/maps.Map
	uint64_t used, seed, directory;
	int64_t directory_len;
};

struct table { // an internal/runtime/maps.table
	uint16_t used, capacity, growth_left;
	uint8_t local_depth;
	int64_t index;
	uint64_t groups, length_mask;
};

static bool read_bytes(struct walk *walk, uint64_t addr, void *dst, size_t len)
{
	const char *reason;
	return walk_is_user(addr) && walk_read(walk, addr, dst, len, &reason);
}

// --- Order -------------------------------------------------------------------------------------

// Returns the first bytes of a string as a number with the same order.
static uint64_t string_rank(struct walk *walk, uint64_t addr)
{
	struct {
		uint64_t data, len;
	} header;
	uint8_t bytes[8] = {0};
	if (!read_bytes(walk, addr, &header, sizeof(header)))
		return 0;
	size_t len = header.len < sizeof(bytes) ? (size_t)header.len : sizeof(bytes);
	if (!read_bytes(walk, header.data, bytes, len))
		return 0;
	uint64_t rank = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		rank = rank << 8 | bytes[i];
	return rank;
}

static uint64_t float_rank(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	if (value != value)
		return 0; // Go sorts NaN first
	return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static uint64_t key_rank(struct walk *walk, const struct gotype *type, uint64_t addr)
{
	uint64_t bits = 0;
	float single;
	double value;
	switch (type->kind) {
	case GO_INT ... GO_INT64: {
		size_t size = gokind_size(type->kind);
		read_bytes(walk, addr, &bits, size);
		unsigned unused = 64 - 8 * (unsigned)size;
		return (uint64_t)((int64_t)(bits << unused) >> unused) ^ 1ull << 63;
	}
	case GO_BOOL:
	case GO_UINT ... GO_UINTPTR:
		read_bytes(walk, addr, &bits, gokind_size(type->kind));
		return bits;
	case GO_FLOAT32:
		return read_bytes(walk, addr, &single, sizeof(single)) ? float_rank(single) : 0;
	case GO_FLOAT64:
		return read_bytes(walk, addr, &value, sizeof(value)) ? float_rank(value) : 0;
	case GO_STRING:
		return string_rank(walk, addr);
	default:
		return 0;
	}
}

// Compares two strings, as far as they were captured. Needed if their first 8 bytes are the same.
static int compare_strings(struct walk *walk, uint64_t left, uint64_t right)
{
	struct {
		uint64_t data, len;
	} a, b;
	if (!read_bytes(walk, left, &a, sizeof(a)) || !read_bytes(walk, right, &b, sizeof(b)))
		return 0;
	enum { PART = 64 };
	char part[2][PART];
	for (uint64_t at = 0; at < a.len || at < b.len; at += PART) {
		size_t len_a = at >= a.len ? 0 : a.len - at < PART ? (size_t)(a.len - at) : PART;
		size_t len_b = at >= b.len ? 0 : b.len - at < PART ? (size_t)(b.len - at) : PART;
		if (!read_bytes(walk, a.data + at, part[0], len_a) ||
		    !read_bytes(walk, b.data + at, part[1], len_b))
			return 0;
		int order = memcmp(part[0], part[1], len_a < len_b ? len_a : len_b);
		if (order || len_a != len_b)
			return order ? order : len_a < len_b ? -1 : 1;
	}
	return 0;
}

static int compare_entries(const void *left, const void *right, void *context)
{
	const struct entry *a = left, *b = right;
	const struct entries *entries = context;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	int order = 0;
	if (entries->type->key->kind == GO_STRING)
		order = compare_strings(entries->walk, a->key, b->key);
	return order ? order : a->number < b->number ? -1 : 1;
}

// --- Collecting --------------------------------------------------------------------------------

static bool make_room(struct entries *entries)
{
	if (entries->num < entries->size)
		return true;
	if (entries->size >= WALK_ENTRIES_MAX)
		return false;
	bool is_local = entries->entry == entries->local;
	struct entry *grown =
		realloc(is_local ? NULL : entries->entry, entries->size * 2 * sizeof(*grown));
	if (!grown)
		return false;
	if (is_local)
		memcpy(grown, entries->local, sizeof(entries->local));
	entries->entry = grown;
	entries->size *= 2;
	return true;
}

// Finds where a key or elem is. *addr is its slot; if is_indirect, the slot holds a pointer to it.
// Returns false if it was not captured.
static bool find_side(struct walk *walk, const struct gotype *type, bool is_indirect,
		      bool has_parts, uint64_t *addr)
{
	if (is_indirect && !read_bytes(walk, *addr, addr, sizeof(*addr)))
		return false;
	// Of a large value only parts may be captured.
	size_t least = has_parts ? 0 : type->size < PLAN_GAP_MIN ? type->size : 1;
	return walk_is_user(*addr) && walk_available(walk, *addr, least) == least;
}

static void add_entry(struct entries *entries, uint64_t bucket, unsigned slot)
{
	const struct gotype *type = entries->type;
	const struct gomap *map = &type->map;
	struct entry entry = {
		.key = bucket + map->keys_off + slot * map->key_stride,
		.elem = bucket + map->elems_off + slot * map->elem_stride,
		.number = entries->num,
	};
	if (!find_side(entries->walk, type->key, map->key_indirect, false, &entry.key) ||
	    !find_side(entries->walk, type->elem, map->elem_indirect, entries->has_parts,
		       &entry.elem) ||
	    !make_room(entries))
		return;
	entry.rank = key_rank(entries->walk, type->key, entry.key);
	entries->entry[entries->num++] = entry;
}

static bool may_look(struct walk *walk)
{
	if (!walk->buckets)
		return false;
	walk->buckets--;
	return true;
}

// Collects the entries of a bucket and of its overflow buckets.
static void collect_chain(struct entries *entries, uint64_t bucket, bool is_old)
{
	struct walk *walk = entries->walk;
	for (unsigned i = 0; i < CHAIN_MAX && bucket && may_look(walk); i++) {
		uint8_t top[SLOTS];
		if (!read_bytes(walk, bucket, top, sizeof(top)))
			return;
		// This old bucket was evacuated: its entries are in the new buckets.
		if (is_old && i == 0 && top[0] > EMPTY_ONE && top[0] < MIN_TOP_HASH)
			return;
		for (unsigned slot = 0; slot < SLOTS; slot++)
			if (top[slot] >= MIN_TOP_HASH)
				add_entry(entries, bucket, slot);
		if (!read_bytes(walk, bucket + entries->type->map.overflow_off, &bucket,
				sizeof(bucket)))
			return;
	}
}

static void collect_buckets(struct entries *entries, uint64_t buckets, unsigned bits, bool is_old)
{
	uint64_t size = entries->type->map.bucket_size;
	for (uint64_t i = 0; i < 1ull << bits && i < WIRE_GROUPS_MAX && entries->walk->buckets; i++)
		collect_chain(entries, buckets + i * size, is_old);
}

static void collect_groups(struct entries *entries, uint64_t groups, uint64_t num)
{
	struct walk *walk = entries->walk;
	for (uint64_t i = 0; i < num && i < WIRE_GROUPS_MAX && may_look(walk); i++) {
		uint64_t group = groups + i * entries->type->map.bucket_size;
		uint8_t control[SLOTS];
		if (!read_bytes(walk, group, control, sizeof(control)))
			continue;
		for (unsigned slot = 0; slot < SLOTS; slot++)
			if (!(control[slot] & 0x80))
				add_entry(entries, group, slot);
	}
}

static void collect_tables(struct entries *entries, const struct swiss *map)
{
	struct walk *walk = entries->walk;
	for (int64_t i = 0; i < map->directory_len && i < WIRE_GROUPS_MAX && may_look(walk); i++) {
		uint64_t addr;
		struct table table;
		if (!read_bytes(walk, map->directory + (uint64_t)i * 8, &addr, sizeof(addr)))
			continue;
		// A table may be in the directory several times. Its index is the first place.
		if (read_bytes(walk, addr, &table, sizeof(table)) && table.index == i &&
		    !(table.length_mask >> 47))
			collect_groups(entries, table.groups, table.length_mask + 1);
	}
}

static void say_length(struct walk *walk, uint64_t count)
{
	walk_unavailable(walk, "map of length %lld", (long long)count);
}

// Collects the entries of a map, and sets *count to how many it has. False: the reason is written.
static bool collect_hmap(struct entries *entries, uint64_t header, uint64_t *count)
{
	struct walk *walk = entries->walk;
	struct hmap map;
	if (!read_bytes(walk, header, &map, sizeof(map))) {
		walk_missing(walk, 0, memory_not_captured);
		return false;
	}
	if (map.count >> 47 || map.bits >= 48) {
		say_length(walk, map.count);
		return false;
	}
	if (map.count) {
		collect_buckets(entries, map.buckets, map.bits, false);
		unsigned old_bits = map.bits;
		if (!(map.flags & SAME_SIZE_GROW) && old_bits)
			old_bits--;
		if (map.old_buckets)
			collect_buckets(entries, map.old_buckets, old_bits, true);
	}
	*count = map.count;
	return true;
}

static bool collect_swiss(struct entries *entries, uint64_t header, uint64_t *count)
{
	struct walk *walk = entries->walk;
	struct swiss map;
	if (!read_bytes(walk, header, &map, sizeof(map))) {
		walk_missing(walk, 0, memory_not_captured);
		return false;
	}
	if (map.used >> 47 || map.directory_len < 0 || map.directory_len >> 40) {
		say_length(walk, map.used);
		return false;
	}
	if (map.used && map.directory_len)
		collect_tables(entries, &map);
	else if (map.used)
		collect_groups(entries, map.directory, 1);
	*count = map.used;
	return true;
}

static bool collect(struct entries *entries, struct walk *walk, struct gotype *type,
		    uint64_t header, uint64_t *count)
{
	const struct gomap *map = &type->map;
	entries->walk = walk;
	entries->type = type;
	entries->num = 0;
	entries->entry = entries->local;
	entries->size = LOCAL_ENTRIES;
	if (map->layout == GOMAP_UNKNOWN || !map->bucket_size ||
	    map->bucket_size > BUCKET_SIZE_MAX) {
		walk->style->unavailable(walk, "map layout not known");
		return false;
	}
	return map->layout == GOMAP_BUCKETS ? collect_hmap(entries, header, count)
					    : collect_swiss(entries, header, count);
}

static void entries_deinit(struct entries *entries)
{
	if (entries->entry != entries->local)
		free(entries->entry);
}

// --- Secrets -----------------------------------------------------------------------------------

// Finds the header of a key that is a string, or an interface that holds one. Returns false if the
// key is something else.
static bool find_string(struct walk *walk, const struct gotype *type, uint64_t *addr,
			bool *is_known)
{
	struct dynamic dynamic;
	const char *reason = NULL;
	*is_known = true;
	if (type->kind == GO_STRING)
		return true;
	if (type->kind != GO_INTERFACE)
		return false;
	if (!walk_interface(walk, type, *addr, &dynamic, &reason)) {
		*is_known = !reason;
		return false;
	}
	*is_known = !dynamic.missing || dynamic.type->kind != GO_STRING;
	*addr = dynamic.addr;
	return *is_known && dynamic.type->kind == GO_STRING;
}

bool walk_redacts_key(struct walk *walk, const struct gotype *type, uint64_t addr)
{
	struct {
		uint64_t data, len;
	} header;
	char name[REDACT_RULE_BYTES];
	const char *reason;
	bool is_known;
	if (!walk->printer->redact[0] && !walk->printer->redact[1])
		return false;
	if (!find_string(walk, type, &addr, &is_known))
		return !is_known;
	if (!walk_read(walk, addr, &header, sizeof(header), &reason))
		return true;
	size_t len = header.len < sizeof(name) ? (size_t)header.len : sizeof(name);
	len = len && walk_is_user(header.data) ? walk_available(walk, header.data, len) : 0;
	if (header.len && (!len || !walk_read(walk, header.data, name, len, &reason)))
		return true;
	return value_redacts_key(walk->printer, name, len);
}

// --- Printing ----------------------------------------------------------------------------------

static void print_entries(struct entries *entries, uint64_t count)
{
	struct walk *walk = entries->walk;
	struct gotype *type = entries->type;
	if (entries->num > 1)
		qsort_r(entries->entry, entries->num, sizeof(*entries->entry), compare_entries,
			entries);
	uint64_t shown = entries->num < walk->printer->items ? entries->num : walk->printer->items;
	if (count < shown)
		count = shown; // the map grew while it was copied
	walk->style->begin(walk, type, shown, count);
	for (uint64_t i = 0; i < shown; i++) {
		walk->style->item(walk, i == 0, NULL);
		walk->style->key(walk);
		walk_value(walk, type->key, entries->entry[i].key);
		walk->style->elem(walk);
		if (walk_redacts_key(walk, type->key, entries->entry[i].key))
			walk->style->unavailable(walk, value_redacted);
		else
			walk_value(walk, type->elem, entries->entry[i].elem);
		walk->style->entry_end(walk);
		if (walk_is_full(walk))
			break;
	}
	walk->style->end(walk, type, shown, count);
}

void walk_map(struct walk *walk, struct gotype *type, uint64_t header)
{
	struct entries entries;
	uint64_t count;
	entries.has_parts = false;
	if (collect(&entries, walk, type, header, &count))
		print_entries(&entries, count);
	entries_deinit(&entries);
}

// --- Searching ---------------------------------------------------------------------------------

// Returns 1 if the key at this address is the wanted one, 0 if not, -1 if that is not known.
static int compare_key(struct walk *walk, const struct gotype *type, uint64_t addr,
		       const struct walk_key *key)
{
	enum { PART = 64 };
	uint64_t bits = 0;
	struct {
		uint64_t data, len;
	} header;
	if (!key->text) {
		size_t size = gokind_size(type->kind);
		uint64_t mask = size < sizeof(bits) ? (1ull << size * 8) - 1 : UINT64_MAX;
		if (!size || !read_bytes(walk, addr, &bits, size))
			return -1;
		return bits == (key->number & mask);
	}
	if (!read_bytes(walk, addr, &header, sizeof(header)))
		return -1;
	if (header.len != key->len)
		return 0;
	char part[PART];
	for (size_t at = 0; at < key->len; at += PART) {
		size_t len = key->len - at < PART ? key->len - at : PART;
		if (!read_bytes(walk, header.data + at, part, len))
			return -1;
		if (memcmp(part, key->text + at, len) != 0)
			return 0;
	}
	return 1;
}

static void say_not_found(struct walk *walk, const struct walk_key *key, bool is_certain,
			  size_t num)
{
	struct text name;
	text_init(&name);
	if (key->text)
		value_quote(key->text, key->len, &name);
	else
		text_i64(&name, (int64_t)key->number);
	if (is_certain)
		walk_unavailable(walk, "no key %s", text_string(&name));
	else
		walk_unavailable(walk, "not among the %zu entries captured", num);
	text_deinit(&name);
}

bool walk_map_find(struct walk *walk, struct gotype *type, uint64_t header,
		   const struct walk_key *key, uint64_t *addr)
{
	struct entries entries;
	uint64_t count = 0;
	bool is_found = false, is_certain = true;
	entries.has_parts = true;
	if (!header) {
		say_not_found(walk, key, true, 0);
		return false;
	}
	if (collect(&entries, walk, type, header, &count)) {
		for (size_t i = 0; i < entries.num && !is_found; i++) {
			int equal = compare_key(walk, type->key, entries.entry[i].key, key);
			is_found = equal == 1;
			is_certain &= equal >= 0;
			*addr = entries.entry[i].elem;
		}
		is_certain &= entries.num >= count;
		if (!is_found)
			say_not_found(walk, key, is_certain, entries.num);
	}
	entries_deinit(&entries);
	return is_found;
}
