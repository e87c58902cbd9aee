// SPDX-License-Identifier: GPL-2.0-or-later
// What this kernel and these privileges allow, found out by asking for it and never by a version. The eBPF
// back end asks for what it can do in two ways, "doctor" shows all.
#ifndef GOTRACE_TRACER_BACKEND_FEATURES_H
#define GOTRACE_TRACER_BACKEND_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

enum feature_state {
	FEATURE_NO,
	FEATURE_YES,
	FEATURE_UNKNOWN, // it could not be asked for, e.g. without privileges
};

struct feature { // all strings are static
	const char *name;
	const char *needed_for;
	const char *mend; // what to do if it is not there
	bool is_required; // without it the eBPF back end does not work at all
	enum feature_state state;
};

/** Asks for every feature, fills at most max rows, returns how many there are. Takes some ten ms. */
size_t features_ask(struct feature *out, size_t max);

/** True if one link can hold thousands of uprobes (BPF_TRACE_UPROBE_MULTI). */
bool features_uprobe_multi(void);

/** True if a process given to such a link means all its threads; early kernels that have it take the
 *  hits of the first thread alone. */
bool features_uprobe_multi_process(void);

/** Why a call of bpf(2) or perf_event_open(2) with this errno was refused and what to do, as an end of a
 *  sentence; NULL if there is nothing to say beyond the errno. */
const char *features_advice(int errnum);

#endif
