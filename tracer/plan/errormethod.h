// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a type's Error method returns the type's only string unchanged. If it does, the message
// of such an error can be read from its value; otherwise the method would have to run. The method's
// instructions decide it.
#ifndef GOTRACE_TRACER_PLAN_ERRORMETHOD_H
#define GOTRACE_TRACER_PLAN_ERRORMETHOD_H

#include "dwarf/index/index.h"

/** True if type is a string, a struct with one string, or a pointer to such a type, and its Error
 *  method provably returns that string. This disassembles the method: ask once for each type. */
bool error_method_returns_string(struct index *index, struct gotype *type);

#endif
