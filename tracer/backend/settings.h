// SPDX-License-Identifier: GPL-2.0-or-later
// What the capture engine is told once about a target, the same by every back end.
#ifndef GOTRACE_TRACER_BACKEND_SETTINGS_H
#define GOTRACE_TRACER_BACKEND_SETTINGS_H

#include "tracer/backend/backend.h"

/** Fills in all but tgid. */
void settings_fill(struct wire_settings *out, const struct plan *plan,
		   const struct backend_target *target, const struct backend_settings *settings);

void settings_fill_stack(struct wire_stack_settings *out, const struct plan *plan);
/** What a function's budget is at first. */
void settings_budget(struct wire_budget *out, const struct plan_func *func);

#endif
