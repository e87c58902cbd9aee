// SPDX-License-Identifier: GPL-2.0-or-later
// Arguments that an enclosing call on the same goroutine has just shown, whole: they are shown as
// "^". That takes the same name, type and pointer, and what was captured must print the same.
#ifndef GOTRACE_TRACER_OUTPUT_SAME_H
#define GOTRACE_TRACER_OUTPUT_SAME_H

#include "tracer/event/value/value.h"

enum { SAME_VALUES = 8, SAME_AROUND = 16 };

struct same_value {
	const struct param *param; // borrowed
	uint64_t words[2];	   // the pointer, or the two words of an interface
	uint32_t node;		   // in the tree
	bool is_same;		   // it is shown as "^"
};

struct same { // the pointers among the arguments of a call
	struct same_value values[SAME_VALUES];
	unsigned num;
};

struct same_around { // of the calls around a call, the innermost first; borrowed
	struct {
		const struct same *same;
		const struct value_tree *tree; // as it was written
	} calls[SAME_AROUND];
	unsigned num;
};

/** Notes an argument, which is the tree's last value, at this node. If it is in the lines around
 *  it, it becomes "^". around may be NULL. */
void same_add(struct same *same, const struct same_around *around, struct value_printer *printer,
	      const struct plan_value *value, uint32_t node, struct value_tree *tree);
/** True if an argument was written whole or as "^", so that calls inside can refer to it. */
bool same_is_shown(const struct same *same, const struct value_tree *tree);

#endif
