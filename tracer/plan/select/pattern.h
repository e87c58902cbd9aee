// SPDX-License-Identifier: GPL-2.0-or-later
// One pattern, as section PATTERNS of gotrace(1) describes it, and whether it matches a name. A
// pattern is a name, the name of a generic function or type without brackets, a glob, or a regexp.
// select.h applies patterns to an index.
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
	bool takes_away;   // it excludes: it began with "!"
	bool is_regexp;
	bool is_glob; // contains * or ?; it can still be an exact name
	regex_t regexp;
	struct text bare;      // buffer for names without brackets
	struct text unescaped; // buffer for names without the linker's escapes
};

/** Parses a pattern; given must outlive it. The error for a bad regexp names it. Call
 *  pattern_deinit even after an error. */
struct error *pattern_init(struct pattern *pattern, const char *given) MUST_CHECK;
void pattern_deinit(struct pattern *pattern);

// A name is matched both unchanged and with the linker's escapes undone: ex.am/yaml%2ev3.F also
// matches as ex.am/yaml.v3.F.

/** True if name is the pattern, with or without the name's type arguments in brackets. */
bool pattern_is_instance(struct pattern *pattern, const char *name);

/** True if the pattern is a glob or a regexp and matches name. A glob is also tried on the name
 *  without type arguments: main.(*List).* matches main.(*List[int]).Len. */
bool pattern_matches(struct pattern *pattern, const char *name);

/** True if the glob matches the whole name. * matches any run of characters, ? matches one UTF-8
 *  character, and any other character matches itself. The time is at most the product of the
 *  lengths. */
bool pattern_glob(const char *glob, const char *name);

/** Appends name without brackets and what they enclose: main.Map[int] becomes main.Map. */
void pattern_write_bare(const char *name, struct text *out);

/** Appends name with the linker's escapes (Go's src/cmd/internal/objabi/path.go) undone:
 *  ex.am/lib%2ev3.F becomes ex.am/lib.v3.F. */
void pattern_write_unescaped(const char *name, struct text *out);

#endif
