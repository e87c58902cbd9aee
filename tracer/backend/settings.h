// SPDX-License-Identifier: GPL-2.0-or-later
// What the capture engine is told once about a target, the same by every back end.
#ifndef GOTRACE_TRACER_BACKEND_SETTINGS_H
#define GOTRACE_TRACER_BACKEND_SETTINGS_H

#include "tracer/backend/backend.h"

/** Fills in all but tgid. */
void settings_fill(struct wire_settings *out, const struct plan *plan,
		   const struct backend_target *target, const struct backend_settings *settings);

void settings_fill_recovery(struct wire_recovery *out, const struct plan *plan);
void settings_fill_stack(struct wire_stack_settings *out, const struct plan *plan);
/** What a function's budget is at first. */
void settings_budget(struct wire_budget *out, const struct plan_func *func);

/** How calls are counted; all zeros where the plan does not count. */
void settings_fill_aggregate(struct wire_aggregate_settings *out, const struct plan *plan);
/** Keys that have room: 0 where calls are counted by function alone. */
uint32_t settings_max_keys(const struct plan *plan);
/** Bytes of struct wire_key and of struct wire_key_slot that the plan's keys use. */
uint32_t settings_key_size(const struct plan *plan);
uint32_t settings_slot_size(const struct plan *plan);
/** Of a string's bytes, as the engine makes it in keys. */
uint64_t settings_hash(const uint64_t *seed, const char *bytes, size_t len);

#endif
