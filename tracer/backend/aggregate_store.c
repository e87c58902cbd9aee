// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/aggregate_store.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

static const uint64_t LONG_NS = 60 * 1000000000ull;

struct active_entry {
	uint8_t key[STORE_KEY_BYTES];
	_Alignas(8) uint8_t call[STORE_CALL_BYTES]; // its time first
	UT_hash_handle hh;
};

struct within_entry {
	uint64_t goid, distance;
	UT_hash_handle hh;
};

struct frame_entry {
	uint8_t key[STORE_FRAME_KEY_BYTES];
	_Alignas(8) uint8_t frame[STORE_FRAME_BYTES];
	UT_hash_handle hh;
};

struct slot_entry {
	struct wire_key key;
	uint32_t slot;
	UT_hash_handle hh;
};

struct aggregate_store {
	const struct aggregate_tables *tables;
	struct active_entry *active;
	struct within_entry *within;
	struct frame_entry *frames;
	struct slot_entry *slots;
};

struct aggregate_store *aggregate_store_create(const struct aggregate_tables *tables)
{
	struct aggregate_store *store = calloc(1, sizeof(*store));
	if (store)
		store->tables = tables;
	return store;
}

void aggregate_store_destroy(struct aggregate_store *store)
{
	if (!store)
		return;
	struct active_entry *active, *next_active;
	HASH_ITER (hh, store->active, active, next_active) {
		HASH_DEL(store->active, active);
		free(active);
	}
	struct within_entry *within, *next_within;
	HASH_ITER (hh, store->within, within, next_within) {
		HASH_DEL(store->within, within);
		free(within);
	}
	struct frame_entry *frame, *next_frame;
	HASH_ITER (hh, store->frames, frame, next_frame) {
		HASH_DEL(store->frames, frame);
		free(frame);
	}
	struct slot_entry *slot, *next_slot;
	HASH_ITER (hh, store->slots, slot, next_slot) {
		HASH_DEL(store->slots, slot);
		free(slot);
	}
	free(store);
}

const struct aggregate_tables *aggregate_store_tables(const struct aggregate_store *store)
{
	return store->tables;
}

// --- Calls under way -----------------------------------------------------------------------------

static struct active_entry *find_active(const struct aggregate_store *store, const void *key)
{
	struct active_entry *entry;
	HASH_FIND (hh, store->active, key, STORE_KEY_BYTES, entry)
		;
	return entry;
}

static uint64_t entry_time(const void *call)
{
	uint64_t time_ns;
	memcpy(&time_ns, call, sizeof(time_ns));
	return time_ns;
}

// Calls that panicked stay in the table. When it is full, those from long ago go.
static void sweep(struct aggregate_store *store, uint64_t now_ns)
{
	struct active_entry *entry, *next;
	HASH_ITER (hh, store->active, entry, next) {
		uint64_t time_ns = entry_time(entry->call);
		if (now_ns < time_ns || now_ns - time_ns <= LONG_NS)
			break; // in the order in which they were put
		HASH_DEL(store->active, entry);
		free(entry);
	}
}

int aggregate_store_put(struct aggregate_store *store, const void *key, const void *call)
{
	aggregate_store_drop(store, key);
	if (HASH_COUNT(store->active) >= WIRE_ACTIVE_MAX)
		sweep(store, entry_time(call));
	struct active_entry *entry =
		HASH_COUNT(store->active) < WIRE_ACTIVE_MAX ? calloc(1, sizeof(*entry)) : NULL;
	if (!entry)
		return -1;
	memcpy(entry->key, key, sizeof(entry->key));
	memcpy(entry->call, call, sizeof(entry->call));
	HASH_ADD(hh, store->active, key, sizeof(entry->key), entry);
	if (entry->hh.tbl)
		return 0;
	free(entry);
	return -1;
}

void *aggregate_store_find(struct aggregate_store *store, const void *key)
{
	struct active_entry *entry = find_active(store, key);
	return entry ? entry->call : NULL;
}

void aggregate_store_drop(struct aggregate_store *store, const void *key)
{
	struct active_entry *entry = find_active(store, key);
	if (!entry)
		return;
	HASH_DEL(store->active, entry);
	free(entry);
}

uint32_t aggregate_store_num_active(const struct aggregate_store *store)
{
	return HASH_COUNT(store->active);
}

// --- Goroutines within a function ----------------------------------------------------------------

static struct within_entry *find_within(const struct aggregate_store *store, uint64_t goid)
{
	struct within_entry *entry;
	HASH_FIND (hh, store->within, &goid, sizeof(goid), entry)
		;
	return entry;
}

int aggregate_store_put_within(struct aggregate_store *store, uint64_t goid, uint64_t distance)
{
	struct within_entry *entry = find_within(store, goid);
	if (entry) {
		entry->distance = distance;
		return 0;
	}
	entry = HASH_COUNT(store->within) < WIRE_ACTIVE_MAX ? calloc(1, sizeof(*entry)) : NULL;
	if (!entry)
		return -1;
	entry->goid = goid;
	entry->distance = distance;
	HASH_ADD(hh, store->within, goid, sizeof(entry->goid), entry);
	if (entry->hh.tbl)
		return 0;
	free(entry);
	return -1;
}

const uint64_t *aggregate_store_find_within(struct aggregate_store *store, uint64_t goid)
{
	const struct within_entry *entry = find_within(store, goid);
	return entry ? &entry->distance : NULL;
}

void aggregate_store_drop_within(struct aggregate_store *store, uint64_t goid)
{
	struct within_entry *entry = find_within(store, goid);
	if (!entry)
		return;
	HASH_DEL(store->within, entry);
	free(entry);
}

// --- Traced calls under way ----------------------------------------------------------------------

static struct frame_entry *find_frame(const struct aggregate_store *store, const void *key)
{
	struct frame_entry *entry;
	HASH_FIND (hh, store->frames, key, STORE_FRAME_KEY_BYTES, entry)
		;
	return entry;
}

int aggregate_store_put_frame(struct aggregate_store *store, const void *key, const void *frame)
{
	struct frame_entry *entry = find_frame(store, key);
	if (!entry) {
		bool has_room = HASH_COUNT(store->frames) < WIRE_FRAMES_MAX;
		entry = has_room ? calloc(1, sizeof(*entry)) : NULL;
		if (!entry)
			return -1;
		memcpy(entry->key, key, sizeof(entry->key));
		HASH_ADD(hh, store->frames, key, sizeof(entry->key), entry);
		if (!entry->hh.tbl) {
			free(entry);
			return -1;
		}
	}
	memcpy(entry->frame, frame, sizeof(entry->frame));
	return 0;
}

void *aggregate_store_find_frame(struct aggregate_store *store, const void *key)
{
	struct frame_entry *entry = find_frame(store, key);
	return entry ? entry->frame : NULL;
}

void aggregate_store_drop_frame(struct aggregate_store *store, const void *key)
{
	struct frame_entry *entry = find_frame(store, key);
	if (!entry)
		return;
	HASH_DEL(store->frames, entry);
	free(entry);
}

// --- What is counted -----------------------------------------------------------------------------

uint32_t aggregate_store_slot(const struct aggregate_store *store, const struct wire_key *key)
{
	struct slot_entry *entry;
	HASH_FIND (hh, store->slots, key, sizeof(*key), entry)
		;
	return entry ? entry->slot : UINT32_MAX;
}

uint32_t aggregate_store_make(struct aggregate_store *store, const struct wire_key *key,
			      struct wire_key_slot *at)
{
	const struct aggregate_tables *tables = store->tables;
	uint32_t slot = HASH_COUNT(store->slots);
	if (slot >= tables->max_keys || slot >= tables->settings->num_slots)
		return UINT32_MAX;
	struct slot_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return UINT32_MAX;
	entry->key = *key;
	entry->slot = slot;
	HASH_ADD(hh, store->slots, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return UINT32_MAX;
	}
	at->slot = slot;
	tables->keys[slot] = *key;
	if (tables->texts)
		tables->texts[slot] = *at;
	atomic_store_explicit(tables->num_keys, slot + 1, memory_order_release);
	return slot;
}

struct wire_totals *aggregate_store_totals(struct aggregate_store *store, uint32_t slot)
{
	return slot < store->tables->settings->num_slots ? &store->tables->totals[slot] : NULL;
}

uint64_t *aggregate_store_bucket(struct aggregate_store *store, uint32_t slot, uint32_t bucket)
{
	bool is_there = store->tables->settings->has_buckets &&
			slot < store->tables->settings->num_slots && bucket < WIRE_BUCKETS;
	return is_there ? &store->tables->buckets[(size_t)slot * WIRE_BUCKETS + bucket] : NULL;
}
