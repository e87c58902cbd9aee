// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of bpf/engine/aggregate.h in user space. What is counted stands in memory that the owner gives, so that another
// process can see it; the calls under way and the keys' slots are the store's own. One writer.
#ifndef GOTRACE_TRACER_BACKEND_AGGREGATE_STORE_H
#define GOTRACE_TRACER_BACKEND_AGGREGATE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "bpf/wire.h"

struct aggregate_tables { // all borrowed; entries by slot
	const struct wire_aggregate_settings *settings;
	const struct wire_aggregate *aggregates; // by function
	uint32_t num_aggregates;
	uint32_t max_keys;
	struct wire_key *keys;	     // with keys only
	struct wire_key_slot *texts; // likewise; NULL: nobody shows them
	struct wire_totals *totals;
	uint64_t *buckets; // WIRE_BUCKETS for each slot; with histograms only
	struct wire_aggregate_lost *lost;
	_Atomic uint32_t *num_keys; // grows after the key is there
};

struct aggregate_store;

/** NULL where there is no memory. tables is borrowed: what is counted of functions may grow. */
struct aggregate_store *aggregate_store_create(const struct aggregate_tables *tables);
void aggregate_store_destroy(struct aggregate_store *store);

const struct aggregate_tables *aggregate_store_tables(const struct aggregate_store *store);

// What active.h and aggregate.h ask for; see there. key and call are struct call_key and struct call.
enum { STORE_KEY_BYTES = 24, STORE_CALL_BYTES = 1248 };
int aggregate_store_put(struct aggregate_store *store, const void *key, const void *call);
void *aggregate_store_find(struct aggregate_store *store, const void *key);
void aggregate_store_drop(struct aggregate_store *store, const void *key);
int aggregate_store_put_within(struct aggregate_store *store, uint64_t goid, uint64_t distance);
const uint64_t *aggregate_store_find_within(struct aggregate_store *store, uint64_t goid);
void aggregate_store_drop_within(struct aggregate_store *store, uint64_t goid);
/** struct frame_key and struct frame of frames.h. */
enum { STORE_FRAME_KEY_BYTES = 16, STORE_FRAME_BYTES = 32 };
int aggregate_store_put_frame(struct aggregate_store *store, const void *key, const void *frame);
void *aggregate_store_find_frame(struct aggregate_store *store, const void *key);
void aggregate_store_drop_frame(struct aggregate_store *store, const void *key);
/** UINT32_MAX where the key has none. */
uint32_t aggregate_store_slot(const struct aggregate_store *store, const struct wire_key *key);
/** UINT32_MAX where there is no room. */
uint32_t aggregate_store_make(struct aggregate_store *store, const struct wire_key *key,
			      struct wire_key_slot *at);
struct wire_totals *aggregate_store_totals(struct aggregate_store *store, uint32_t slot);
uint64_t *aggregate_store_bucket(struct aggregate_store *store, uint32_t slot, uint32_t bucket);

/** How many calls are under way, as far as is known. */
uint32_t aggregate_store_num_active(const struct aggregate_store *store);

#endif
