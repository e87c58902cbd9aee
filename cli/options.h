// SPDX-License-Identifier: GPL-2.0-or-later
// Options that several commands share, as argp children.
#ifndef GOTRACE_CLI_OPTIONS_H
#define GOTRACE_CLI_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "tracer/session/session.h"

struct trace_options { // of attach and run
	struct session_options session;
	const char *output;   // -o: a file; NULL: stdout
	uint64_t duration_ns; // 0: no limit
	const char *save;     // --save: a file; NULL: none
	bool dry_run;
	int color; // -1 auto, 0 never, 1 always
	int verbosity;
};

/** The defaults, before parsing. */
void trace_options_init(struct trace_options *options);

/** How a trace is shown; which calls are wanted; and both with what is traced. Their input is a struct trace_options. */
extern const struct argp output_options_argp, choosing_options_argp, trace_options_argp;

/** --format text|json, as the one child of a command's argp. Its input is a bool, true for json. */
extern const struct argp text_or_json_argp;
extern const struct argp_child text_or_json_children[];

/** Opens the files that the options name and decides on colour. To be closed also after a failure. */
struct error *trace_options_open(struct trace_options *options) MUST_CHECK;
/** Empties the file of the trace: what it held stays until something is traced. */
struct error *trace_options_begin(const struct trace_options *options) MUST_CHECK;
void trace_options_close(struct trace_options *options);

/** Go's duration syntax ("1.5s", "250ms", "1m30s") in ns. False if it is not one, or negative. */
bool parse_duration(const char *text, uint64_t *ns);
/** The same as an option's value, which is more than 0; else a usage error. */
void option_time(struct argp_state *state, const char *option, const char *arg, uint64_t *ns);
/** A number of bytes with an optional K, M or G (1024 each). */
bool parse_size(const char *text, size_t *bytes);
/** A decimal number of at most max. */
bool parse_number(const char *text, uint64_t max, uint64_t *out);

/** TARGET of list, info and doctor: an index of a PID's or a file's executable. *pid is 0 for a file. */
struct error *open_target_index(const char *target, struct index **out, pid_t *pid) MUST_CHECK;

#endif
