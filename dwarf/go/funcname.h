// SPDX-License-Identifier: GPL-2.0-or-later
// What the full name of a Go function says about it, in the spelling of "go tool nm".
#ifndef GOTRACE_DWARF_GO_FUNCNAME_H
#define GOTRACE_DWARF_GO_FUNCNAME_H

#include <stdbool.h>
#include <stddef.h>

struct method_name {	      // "main.(*T[int]).M" or "main.T[int].M"
	size_t package_len;   // of "main."
	const char *receiver; // "T[int]", receiver_len bytes
	size_t receiver_len;
	bool is_pointer;
	const char *method; // "M"
};

/** Splits the name of a method. False for the name of any other function, such as a function that
 *  the compiler made inside another one ("main.f.func1") or a method value ("main.T.M-fm"). */
bool funcname_method(const char *name, struct method_name *out);

/** Reports whether the names differ at most in their type arguments, as "main.G[int].M" and
 *  "main.G[go.shape.int].M" do. */
bool funcname_is_same(const char *a, const char *b);

/** Reports whether type arguments in the name are the compiler's shapes. */
bool funcname_has_shape(const char *name);
/** Reports whether the function has a hidden dictionary: its shapes belong to the function itself
 *  or to its receiver, not to an enclosing function. */
bool funcname_takes_dict(const char *name);

/** Reports whether the function is a method value ("main.T.M-fm"). */
bool funcname_is_method_value(const char *name);
/** Reports whether the function is the body of a loop over a function ("main.use-range1"), which
 *  the compiler turns into a function. */
bool funcname_is_range_body(const char *name);

#endif
