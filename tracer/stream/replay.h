// SPDX-License-Identifier: GPL-2.0-or-later
// Replays a saved trace: the records of a capture file (tracer/stream/file.h) go through the same
// plan, pairing and outputs as when they were captured. A replay needs the executable, but no
// process and no privileges.
#ifndef GOTRACE_TRACER_STREAM_REPLAY_H
#define GOTRACE_TRACER_STREAM_REPLAY_H

#include <signal.h>

#include "tracer/output/output.h"

struct replay_options {
	const char *capture; // path of the file
	const char *exe;     // path of the executable; NULL: where it was when it was traced
	struct sink_look look;
	struct redact_options redact;	// besides what was secret when it was traced
	const struct plan_shown *shown; // in place of what was shown then; NULL: the same
	// not 0: the user wants to end the replay; may be NULL; borrowed
	const volatile sig_atomic_t *stop;
	// Writes the formatted text: called when much text waits, and at the end. An error from it
	// ends the replay.
	struct error *(*write)(void *context, const struct text *out);
	void *context;
};

/** Replays a capture; the summary's text for people goes to err_text. If the capture is damaged or
 *  cut off, all that comes before is shown, with a summary, and an error is returned. */
struct error *replay_run(const struct replay_options *options, struct text *err_text) MUST_CHECK;

#endif
