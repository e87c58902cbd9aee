// SPDX-License-Identifier: GPL-2.0-or-later
// The settings that the capture engine gets once for a target. They are the same for every back
// end.
#ifndef GOTRACE_TRACER_BACKEND_SETTINGS_H
#define GOTRACE_TRACER_BACKEND_SETTINGS_H

#include "tracer/backend/backend.h"

/** Fills in all settings. */
void settings_fill(struct wire_settings *out, const struct loaded *loaded,
		   const struct backend_settings *settings);

/** The size of the buffer for records: a power of two. */
uint32_t settings_ring_bytes(const struct backend_settings *settings);

void settings_fill_recovery(struct wire_recovery *out, const struct plan *plan);
void settings_fill_stack(struct wire_stack_settings *out, const struct plan *plan);
/** Fills in a function's initial budget. */
void settings_budget(struct wire_budget *out, const struct plan_func *func);

/** Fills in how calls are counted; all zeros if the plan does not count. */
void settings_fill_aggregate(struct wire_aggregate_settings *out, const struct plan *plan);
/** Bytes of struct wire_call that the table of calls stores. counting: NULL if calls are traced. */
uint32_t settings_call_bytes(const struct wire_aggregate_settings *counting);
/** The maximum number of keys; 0 if calls are counted by function only. */
uint32_t settings_max_keys(const struct plan *plan);
/** Bytes of struct wire_key and of struct wire_key_slot that the plan's keys use. */
uint32_t settings_key_size(const struct plan *plan);
uint32_t settings_slot_size(const struct plan *plan);
/** The hash of a string, as the engine computes it for keys. len is in bytes. */
uint64_t settings_hash(const uint64_t *seed, const char *bytes, size_t len);

#endif
