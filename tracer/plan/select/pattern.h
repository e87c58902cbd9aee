// SPDX-License-Identifier: GPL-2.0-or-later
// One pattern as gotrace(1), PATTERNS, has it, and whether it matches a name: a name itself, a generic
// function's or type's name without its brackets, a glob, a regexp. Select applies them to an index.
#ifndef GOTRACE_TRACER_PLAN_SELECT_PATTERN_H
#define GOTRACE_TRACER_PLAN_SELECT_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

struct pattern {
	const char *given; // what the user wrote; borrowed
	const char *body;  // the same without "!"
	bool takes_away;
	bool is_regexp;
	bool is_glob; // holds * or ?, which may be part of a name all the same
	regex_t regexp;
	struct text bare;      // room for names without brackets
	struct text unescaped; // room for names without the linker's escapes
};

/** Reads a pattern; given must outlive it. A bad regexp is an error that names it. */
struct error *pattern_init(struct pattern *pattern, const char *given) MUST_CHECK;
void pattern_deinit(struct pattern *pattern);

// A name is matched as it stands and with the linker's escapes undone ("ex.am/yaml%2ev3.F" is ex.am/yaml.v3.F too).

/** True if name is the pattern, or is it but for its type arguments in brackets. */
bool pattern_is_instance(struct pattern *pattern, const char *name);

/** True if the pattern, a glob or a regexp, matches name. A glob is tried on the name without type
 *  arguments too: main.(*List).* matches main.(*List[int]).Len. */
bool pattern_matches(struct pattern *pattern, const char *name);

/** True if the glob matches: * any run of characters, ? one (of UTF-8), the rest stands for itself.
 *  Time is at most the product of the lengths. */
bool pattern_glob(const char *glob, const char *name);

/** Appends name without what stands in brackets: main.Map[int] becomes main.Map. */
void pattern_write_bare(const char *name, struct text *out);

/** Appends name with the linker's escapes (src/cmd/internal/objabi/path.go) undone: ex.am/lib%2ev3.F becomes
 *  ex.am/lib.v3.F. */
void pattern_write_unescaped(const char *name, struct text *out);

#endif
