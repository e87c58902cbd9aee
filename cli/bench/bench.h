// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace bench among its own files: what is traced (bench_target.c), by what (bench_tracer.c, the rows in
// bench_rows.c), how it is measured (bench_measure.c, bench_program.c for the user's own program), what comes
// of it (bench_figures.c), how it is shown (bench_report.c, bench_formats.c, bench_svg.c).
#ifndef GOTRACE_CLI_BENCH_BENCH_H
#define GOTRACE_CLI_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

uint64_t bench_now_ns(void);
void bench_sleep_ms(unsigned int ms);

// --- What is traced ------------------------------------------------------------------------------

struct bench_workload {
	const char *name;	 // "leaf"
	const char *function;	 // as the target's protocol calls it; traced as main.FUNCTION
	const char *description; // its signature and more
	uint64_t tune_ns;	 // what a call of it is made to take; 0: what it takes
};

enum { BENCH_WORKLOADS = 4 };
extern const struct bench_workload bench_workloads[BENCH_WORKLOADS];

struct bench_target { // a process of the bundled program
	pid_t pid;
	int to, from;
	char go[32]; // its Go version
	struct text line;
};

/** Looks for the bundled program: installed, beside this one, then in build/. The path is the caller's. */
struct error *bench_target_find(char **path) MUST_CHECK;
struct error *bench_target_start(const char *path, struct bench_target **out) MUST_CHECK;
/** Has it make so many calls; *ns is how long they took. False where it does not answer in time, or ended. */
bool bench_target_call(struct bench_target *target, const char *function, uint64_t calls,
		       unsigned int timeout_ms, uint64_t *ns);
/** Has a call of main.busy take that long on this machine; *turns is what a second process is given for that. */
bool bench_target_tune(struct bench_target *target, uint64_t ns, uint64_t *turns);
bool bench_target_set_turns(struct bench_target *target, uint64_t turns);
/** Ends it and frees. Takes NULL. */
void bench_target_stop(struct bench_target *target);

struct bench_function { // the function that a workload calls, in one process
	char *path;	// of the executable
	char name[64];	// "main.work"
	uint64_t addr;	// run time
	uint64_t start; // file offset of its first byte
	uint8_t *code;	// as in the file
	size_t size;
	unsigned long entries[4], returns[32]; // file offsets of gotrace's sites
	size_t num_entries, num_returns;
};

struct error *bench_function_init(struct bench_function *function, const char *path, pid_t pid,
				  const char *name) MUST_CHECK;
void bench_function_deinit(struct bench_function *function);
/** Whether its code in the process is as in the file, so that no probe is on it. False for a dead process. */
bool bench_function_is_bare(const struct bench_function *function, pid_t pid);

// --- By what -------------------------------------------------------------------------------------

enum bench_kind { BENCH_UNTRACED, BENCH_FLOOR, BENCH_EBPF, BENCH_PTRACE, BENCH_PEER };

struct bench_variant { // a row
	const char *name;
	enum bench_kind kind;
	bool has_return;
	const char *options
		[6]; // gotrace's; of a peer: its command, with the words that bench_rows.c knows
	const char *mark;    // of a peer: what begins the line of a kept call
	const char *program; // of a peer: what must be installed
	bool keeps_none;     // a condition that never holds
};

extern const struct bench_variant bench_variants[];
extern const size_t bench_num_variants;

struct bench_tracer {
	pid_t pid; // 0: none
	struct floor_probes *floor;
	const struct bench_variant *variant;
	char said[64];		  // a file with all that it said
	char event[32], data[72]; // of perf: its uprobe event, and the file of samples
	uint64_t cpu_ns;	  // when it was ready
};

/** Starts a variant's tracer and waits until it traces. */
struct error *bench_tracer_start(struct bench_tracer *tracer, const struct bench_variant *variant,
				 const struct bench_function *function, pid_t pid) MUST_CHECK;
/** Nanoseconds of CPU since it was ready, after what it had to do is done. */
uint64_t bench_tracer_cpu(struct bench_tracer *tracer);
/** Ends it as a user would; *kept is the number of calls of which it has all that was asked. */
void bench_tracer_stop(struct bench_tracer *tracer, uint64_t *kept);

/** Looks for it as execvp does. */
bool bench_find_program(const char *name, char *path, size_t size);
/** CPU nanoseconds of a process and of those below it, a few deep. */
uint64_t bench_cpu_of(pid_t pid);
/** An empty file of ours, for what a tracer says; path gets its name. */
struct error *bench_file_create(char *path, size_t size) MUST_CHECK;
/** Starts a command; its output goes to the file, and it ends with this process. */
struct error *bench_spawn(char *const *argv, const char *said, pid_t *out) MUST_CHECK;
/** Waits for an end after SIGINT, with SIGKILL in the end. */
void bench_end(pid_t pid);
struct bench_summary { // of a gotrace
	uint64_t calls, returns, lost;
};
/** The summary among what a gotrace said; all 0 where there is none. */
struct bench_summary bench_read_summary(const char *text);
/** Calls kept, from the summary in this file; with has_return, those whose return was seen as well. */
uint64_t bench_kept(const char *said, bool has_return, uint64_t *lost);
/** Waits until a gotrace whose output goes to this file traces, or has ended. */
struct error *bench_wait_traces(pid_t pid, const char *said) MUST_CHECK;

/** The whole file; the caller's. NULL where it cannot be read. */
char *bench_read(const char *path);
/** All of a command of a peer: its words filled in. */
struct error *bench_peer_prepare(struct bench_tracer *tracer, const struct bench_function *function,
				 pid_t pid, char **argv, size_t max) MUST_CHECK;
void bench_peer_clean(struct bench_tracer *tracer);

// --- What came out -------------------------------------------------------------------------------

enum { BENCH_ROUNDS_MAX = 100 };

struct bench_machine {
	char cpu[128], kernel[160];
	long cpus;
};

struct bench_row {
	const char *workload, *description, *name;
	enum bench_kind kind;
	bool has_return;
	double ns[BENCH_ROUNDS_MAX];	 // per call, a round each; NAN where it was not measured
	uint64_t made[BENCH_ROUNDS_MAX]; // calls, a round each
	double wall[BENCH_ROUNDS_MAX], cpu[BENCH_ROUNDS_MAX]; // seconds, of a whole program
	double ratios[BENCH_ROUNDS_MAX], of_floor[BENCH_ROUNDS_MAX], of_ptrace[BENCH_ROUNDS_MAX];
	uint64_t kept, lost;
	double tracer_ns, measured_ns;
	bool survived;
	bool is_left_out; // from here on
	bool has_failed;  // when it was tried
	char note[256];	  // what there is to say of it
};

struct bench_options {
	const char *format; // "table", "benchfmt", "json"
	const char *svg;    // a file; NULL: none
	uint64_t rounds, calls;
	bool has_workload, is_chosen[BENCH_WORKLOADS]; // has none: all of them
	bool peers;
	int verbosity;
	char **patterns, **program; // the user's own; program is NULL for the bundled one
	size_t num_patterns;
};

struct bench {
	const struct bench_options *options;
	struct bench_row *rows;
	size_t num_rows;
	uint64_t rounds; // done
	struct bench_machine machine;
	char go[32];
	bool is_program;
	char note[256]; // of the program
};

/** Measures the bundled program, or the user's. What was measured is in bench also after an interruption. */
struct error *bench_measure(struct bench *bench) MUST_CHECK;
struct error *bench_program(struct bench *bench) MUST_CHECK;
/** It failed; nothing more is measured of this row. Takes err. */
void bench_leave_out(struct bench_row *row, struct error *err);
void bench_progress(const struct bench *bench, uint64_t round, const struct bench_row *row);
void bench_machine_init(struct bench_machine *machine);

// From here on pure: of a struct bench alone.

/** A row without a measurement. */
void bench_row_init(struct bench_row *row, const struct bench_variant *variant);
/** The median of what was measured, of at most BENCH_ROUNDS_MAX; NAN where there is nothing. */
double bench_median(const double *values, uint64_t num);
/** The lowest and the highest; NAN where there is nothing. */
void bench_spread(const double *values, uint64_t num, double *low, double *high);
/** Fills in the ratios of the rows of each workload. */
void bench_compare(struct bench *bench);
/** The tracer's CPU time as a part of the measured time. */
double bench_cpu_percent(const struct bench_row *row);
/** What the user should know of a program before believing its figures, into bench->note; status is how it ended
 *  untraced, as of waitpid. */
void bench_program_note(struct bench *bench, int status);
/** Whether there is anything to say of a row in a report. */
bool bench_is_shown(const struct bench *bench, const struct bench_row *row);
/** The row of this name of the same workload, if it has been measured. */
const struct bench_row *bench_find_row(const struct bench *bench, const char *workload,
				       const char *name);

void bench_print_table(const struct bench *bench, FILE *out);
void bench_print_benchfmt(const struct bench *bench, FILE *out);
void bench_print_json(const struct bench *bench, FILE *out);
void bench_print_svg(const struct bench *bench, FILE *out);

#endif
