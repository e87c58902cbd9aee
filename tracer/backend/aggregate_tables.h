// SPDX-License-Identifier: GPL-2.0-or-later
// Tables for counting in user space (bpf/engine/count.h). The owner provides the memory, so that
// another process can read it.
#ifndef GOTRACE_TRACER_BACKEND_AGGREGATE_TABLES_H
#define GOTRACE_TRACER_BACKEND_AGGREGATE_TABLES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "bpf/wire.h"

// All pointers are borrowed. Entries are indexed by slot.
struct aggregate_tables {
	const struct wire_aggregate_settings *settings;
	uint32_t max_keys;
	struct wire_key *keys;	     // used only if there are keys
	struct wire_key_slot *texts; // used only if there are keys; NULL: nobody shows them
	struct wire_totals *totals;
	uint64_t *buckets;	    // WIRE_BUCKETS for each slot; used only with histograms
	_Atomic uint32_t *num_keys; // incremented after the key is written
};

#endif
