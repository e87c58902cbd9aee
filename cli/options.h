// SPDX-License-Identifier: GPL-2.0-or-later
// Options that several commands share, as argp children, and the values that options take.
#ifndef GOTRACE_CLI_OPTIONS_H
#define GOTRACE_CLI_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "tracer/session/session.h"

// The options of attach and run. count, hist, top, replay and the shell use part of them.
struct trace_options {
	struct session_options session;
	const char *output;   // -o: path of a file; NULL: stdout
	uint64_t duration_ns; // 0: no limit
	const char *save;     // --save: path of a file; NULL: none
	bool dry_run;
	int color; // -1: auto, 0: never, 1: always
	int verbosity;
};

/** Sets the defaults. To be called before parsing. */
void trace_options_init(struct trace_options *options);

/** output_options_argp has the options for how a trace is shown, choosing_options_argp those that
 *  select calls. trace_options_argp has both, and those for what is captured and how. Their input
 *  is a struct trace_options. */
extern const struct argp output_options_argp, choosing_options_argp, trace_options_argp;

/** --format text|json, as the only child of a command's argp. Its input is a bool, which is true
 *  for json. */
extern const struct argp text_or_json_argp;
extern const struct argp_child text_or_json_children[];

/** Opens the files that the options name, decides on colour, and connects the session's stop and
 *  hurry flags with the signals of cli.h. trace_options_close() is to be called also after a
 *  failure. */
struct error *trace_options_open(struct trace_options *options) MUST_CHECK;
/** Empties the trace's file. Separate from opening, so that the old contents stay until something
 *  is traced. */
struct error *trace_options_begin(const struct trace_options *options) MUST_CHECK;
void trace_options_close(struct trace_options *options);

/** Parses a decimal number without a sign or an exponent. *end is the rest of the text. False if
 *  the text does not begin with such a number. */
bool parse_decimal(const char *text, double *value, const char **end);
/** Parses Go's duration syntax ("1.5s", "250ms", "1m30s"). False if the text is not a duration or
 *  is negative. */
bool parse_duration(const char *text, uint64_t *ns);
/** Parses the duration that an option has as its value. A usage error unless it is more than 0. */
void option_time(struct argp_state *state, const char *option, const char *arg, uint64_t *ns);
/** Parses a number of bytes with an optional unit: K, M or G, also as KB or KiB. Each is 1024 times
 *  the one before. */
bool parse_size(const char *text, size_t *bytes);
/** Parses a decimal number of at most max. */
bool parse_number(const char *text, uint64_t max, uint64_t *out);

/** Opens the index of a command's TARGET, which is a PID or the path of an executable. *pid is 0
 *  for a path. The caller closes the index. */
struct error *open_target_index(const char *target, struct index **out, pid_t *pid) MUST_CHECK;

#endif
