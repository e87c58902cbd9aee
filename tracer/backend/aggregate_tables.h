// SPDX-License-Identifier: GPL-2.0-or-later
// What is counted in user space (bpf/engine/count.h), in memory that the owner gives, so that another process can see it.
#ifndef GOTRACE_TRACER_BACKEND_AGGREGATE_TABLES_H
#define GOTRACE_TRACER_BACKEND_AGGREGATE_TABLES_H

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

#endif
