// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a type's Error method returns its one string as it stands. Then the message of such an error is
// known from its value; else only running code would tell. Found out from the method's instructions.
#ifndef GOTRACE_TRACER_PLAN_ERRORMETHOD_H
#define GOTRACE_TRACER_PLAN_ERRORMETHOD_H

#include "dwarf/index/index.h"

/** True if type is a string, a struct with one string, or a pointer to such a type, and its Error
 *  method provably returns that string. Costs a disassembly: ask once for each type. */
bool error_method_returns_string(struct index *index, struct gotype *type);

/** The same of a method's code: by_pointer where its receiver is a pointer, in_registers for ABIInternal. */
bool error_code_returns_string(const uint8_t *code, size_t size, bool by_pointer,
			       bool in_registers);

#endif
