// SPDX-License-Identifier: GPL-2.0-or-later
// What this kernel and these privileges allow. Each feature is tested by trying it, never by the
// kernel's version. The eBPF back end asks for those features that it has a fallback for; "gotrace
// doctor" shows all.
#ifndef GOTRACE_TRACER_BACKEND_FEATURES_H
#define GOTRACE_TRACER_BACKEND_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

enum feature_state {
	FEATURE_NO,
	FEATURE_YES,
	FEATURE_UNKNOWN, // it could not be tested, e.g. without privileges
};

struct feature { // all strings are static
	const char *name;
	const char *needed_for;
	const char *fix;  // what to do if the feature is missing
	bool is_required; // the eBPF back end does not work without it
	enum feature_state state;
};

/** Tests the features and fills at most max rows. Returns the number of all features. Takes about
 *  ten ms. */
size_t features_ask(struct feature *out, size_t max);

/** True if one link can hold thousands of uprobes (BPF_TRACE_UPROBE_MULTI). */
bool features_uprobe_multi(void);

/** True if a uprobe_multi link can be limited to one process with all its threads. Early kernels
 *  with uprobe_multi take only the hits of the process's first thread. */
bool features_uprobe_multi_process(void);

/** Why a call of bpf(2) or perf_event_open(2) failed with this errno and what to do, as the end of
 *  a sentence; NULL if there is nothing to add to the errno. */
const char *features_advice(int errnum);

#endif
