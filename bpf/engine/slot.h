// SPDX-License-Identifier: GPL-2.0-or-later
// Working memory for one hit. A hit can be preempted by another hit on the same CPU, so a host has
// several slots and marks those that are taken.
#ifndef GOTRACE_BPF_ENGINE_SLOT_H
#define GOTRACE_BPF_ENGINE_SLOT_H

#include "bpf/engine/expr.h"
#include "bpf/engine/hash.h"
#include "bpf/engine/stack.h"

struct slot {
	wire_u32 is_taken; // used by the host alone
	wire_u32 pad;
	struct expr expr;
	struct stack_walk walk;
	struct wire_call call; // the call that is counted
	struct hash hash;      // of a string in that call's key
	struct capture capture;
};

#endif
