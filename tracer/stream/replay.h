// SPDX-License-Identifier: GPL-2.0-or-later
// A saved trace again: the records of a capture file (tracer/stream/file.h) through the same plan,
// pairing and outputs as when they were taken. Needs the executable, but no process and no privileges.
#ifndef GOTRACE_TRACER_STREAM_REPLAY_H
#define GOTRACE_TRACER_STREAM_REPLAY_H

#include <signal.h>

#include "tracer/output/output.h"

struct replay_options {
	const char *capture; // path of the file
	const char *exe;     // of the executable; NULL: where it was when it was traced
	const struct sink_ops *sink;
	enum sink_timestamps timestamps;
	bool color;
	const volatile sig_atomic_t *stop; // not 0: the user wants an end; may be NULL; borrowed
	/** Takes what was formatted, once it is much, and at the end. Its error ends the replay. */
	struct error *(*write)(void *context, const struct text *out);
	void *context;
};

/** Replays all of it; the summary's text for people goes to err_text. A capture that is damaged or cut off is
 *  an error after all that came before was told, with its summary. */
struct error *replay_run(const struct replay_options *options, struct text *err_text) MUST_CHECK;

#endif
