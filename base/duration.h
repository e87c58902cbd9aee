// SPDX-License-Identifier: GPL-2.0-or-later
// The units of durations in Go's syntax: "1.5s", "250ms", "1m30s".
#ifndef GOTRACE_BASE_DURATION_H
#define GOTRACE_BASE_DURATION_H

/** Reads the unit at the beginning of *text, and moves *text after it. Returns its ns; 0 if there
 *  is none. */
double duration_unit(const char **text);

#endif
