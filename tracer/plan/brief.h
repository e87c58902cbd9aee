// SPDX-License-Identifier: GPL-2.0-or-later
// What a line of text shows of a value (plan_capture.is_brief): the rest is not captured, because
// each read costs the traced program time. It prints as not followed.
//
// A well-known type (tracer/event/value/known/) prints as what it means, for which it needs some of
// its fields. They are captured even beyond --depth, and the other fields are not followed. Of a
// large struct a line shows hardly more than its beginning, so only what is short and says most is
// followed: strings, errors, contexts, small structs. Of a map in a struct its length is shown.
#ifndef GOTRACE_TRACER_PLAN_BRIEF_H
#define GOTRACE_TRACER_PLAN_BRIEF_H

#include "dwarf/index/index.h"

enum brief_need {
	BRIEF_NONE, // the field is not needed
	BRIEF_FREE, // it is followed even beyond --depth
	BRIEF_STEP, // it is followed within --depth
};

/** The fields that this type needs to print as what it means: "Method,URL"; + is before those that
 *  take a step. NULL: it is no well-known struct, or needs whatever it has. */
const char *brief_needs(const struct gotype *type);
enum brief_need brief_need(const char *needs, const char *name);
/** True if a line is likely to show what this field of the struct leads to. */
bool brief_shows(const struct gotype *type, struct gotype *field);
/** True if this is a method of a pointer, param its receiver, and what it points to is so large
 *  that its address is all that a line shows of it. */
bool brief_is_bulky_receiver(const struct func *func, const struct param *param);

#endif
