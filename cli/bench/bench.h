// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace bench measures what tracing costs. This header is shared by its own files: what is traced
// (target.c), the tracers (tracer.c, and rows.c for the table's rows), how they are measured
// (measure.c, and program.c for the user's own program), the figures (figures.c, machine.c) and how
// they are shown (report.c, formats.c, svg.c).
#ifndef GOTRACE_CLI_BENCH_BENCH_H
#define GOTRACE_CLI_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

void bench_sleep_ms(unsigned int ms);

// --- What is traced ------------------------------------------------------------------------------

struct bench_workload {
	const char *name;	 // "leaf"
	const char *function;	 // its name in the target's protocol; traced as main.FUNCTION
	const char *description; // the function's signature and more
	uint64_t tune_ns;	 // a call is tuned to take this long; 0: it is not tuned
};

enum { BENCH_WORKLOADS = 4 };
extern const struct bench_workload *const bench_workloads[]; // ends with NULL

struct bench_target { // a process of the bundled program
	pid_t pid;
	int to, from;
	char go[32]; // version of Go that built the program
	struct text line;
};

/** Finds the bundled program: where it is installed, in the directory of gotrace, or in ./build.
 *  The caller frees *path. */
struct error *bench_target_find(char **path) MUST_CHECK;
struct error *bench_target_start(const char *path, struct bench_target **out) MUST_CHECK;
/** Makes the target call the function so many times; *ns is how long the calls took. False if it
 *  does not answer in time, or ended. */
bool bench_target_call(struct bench_target *target, const char *function, uint64_t calls,
		       unsigned int timeout_ms, uint64_t *ns);
/** Tunes main.busy so that a call takes ns on this machine. *turns is the number of turns, with
 *  which bench_target_set_turns tunes another process in the same way. */
bool bench_target_tune(struct bench_target *target, uint64_t ns, uint64_t *turns);
bool bench_target_set_turns(struct bench_target *target, uint64_t turns);
/** Ends the target and frees it. target may be NULL. */
void bench_target_stop(struct bench_target *target);

struct bench_function { // the function that a workload calls, in one process
	char *path;	// of the executable
	char name[64];	// "main.work"
	uint64_t addr;	// run-time address
	uint64_t start; // file offset of the function's first byte
	uint8_t *code;	// the function's code in the file
	size_t size;
	unsigned long entries[4], returns[32]; // file offsets where gotrace puts its probes
	size_t num_entries, num_returns;
};

struct error *bench_function_init(struct bench_function *function, const char *path, pid_t pid,
				  const char *name) MUST_CHECK;
void bench_function_deinit(struct bench_function *function);
/** True if the function's code in the process is the same as in the file, so that there is no probe
 *  on it. False if the process has ended. */
bool bench_function_is_bare(const struct bench_function *function, pid_t pid);

// --- The tracers ---------------------------------------------------------------------------------

// FLOOR: uprobes whose programs do nothing. EBPF, PTRACE: gotrace. PEER: another tool.
enum bench_kind { BENCH_UNTRACED, BENCH_FLOOR, BENCH_EBPF, BENCH_PTRACE, BENCH_PEER };

enum { BENCH_WORDS = 16 };

struct bench_tracer;
struct bench_function;

struct bench_variant { // a row of the table
	const char *name;
	enum bench_kind kind;
	bool has_return;
	bool keeps_none;      // the variant has a condition that is never true
	bool is_for_programs; // the user's own program is measured so, too
	const char *command;  // gotrace's; NULL: attach
	// gotrace's options, or a peer's whole command, in which {pid}, {func} and other places are
	// filled in
	const char *words[BENCH_WORDS];
	const char *mark; // for a peer: how the line of a kept call begins; NULL: perf's count
	/** Before the command starts. May be NULL. */
	struct error *(*prepare)(struct bench_tracer *tracer,
				 const struct bench_function *function);
};

extern const struct bench_variant bench_variants[];
extern const size_t bench_num_variants;

struct bench_tracer {
	pid_t pid; // 0: none
	struct floor_probes *floor;
	const struct bench_variant *variant;
	char said[64];	 // path of the file with all of the tracer's output
	bool has_event;	 // perf's uprobe event exists
	uint64_t cpu_ns; // CPU time that the tracer had used when it was ready
};

/** Starts a variant's tracer and waits until it traces. */
struct error *bench_tracer_start(struct bench_tracer *tracer, const struct bench_variant *variant,
				 const struct bench_function *function, pid_t pid) MUST_CHECK;
/** Waits until the tracer is idle. Returns the CPU time in ns that it used since it was ready. */
uint64_t bench_tracer_cpu(struct bench_tracer *tracer);
/** Ends the tracer as a user would. *kept is the number of calls that it recorded completely. */
void bench_tracer_stop(struct bench_tracer *tracer, uint64_t *kept);

/** Finds a program as execvp does. False if there is none, or if its path does not fit. */
bool bench_find_program(const char *name, char *path, size_t size);
/** CPU time in ns of a process, its children and their children. */
uint64_t bench_cpu_of(pid_t pid);
/** Creates an empty temporary file for a tracer's output; path gets its name. */
struct error *bench_file_create(char *path, size_t size) MUST_CHECK;
/** Starts gotrace with a variant's command and options for these patterns, with its output in the
 *  file at path said, and waits until it traces. *out may be set even if it fails: the caller ends
 *  it. gotrace gets SIGINT when its parent ends. */
struct error *bench_start_gotrace(const struct bench_variant *variant, pid_t pid,
				  const char *const *patterns, size_t num_patterns,
				  const char *said, pid_t *out) MUST_CHECK;
/** Ends a command with SIGINT, or with SIGKILL if that does not end it in time. */
void bench_end(pid_t pid);
struct bench_summary { // a gotrace's summary
	uint64_t calls, returns, lost;
};
/** Finds the summary in a gotrace's output; all 0 if there is none. */
struct bench_summary bench_read_summary(const char *text);
/** The number of calls kept, from the summary in the file at path said. has_return: counts only
 *  calls whose return was kept too. */
uint64_t bench_kept(const char *said, bool has_return, uint64_t *lost);
/** Reads a whole file. The caller frees the result. NULL if the file cannot be read. */
char *bench_read(const char *path);
/** Fills in a peer's command, and prepares what it needs. */
struct error *bench_peer_prepare(struct bench_tracer *tracer, const struct bench_function *function,
				 pid_t pid, struct text words[BENCH_WORDS]) MUST_CHECK;
/** Removes perf's uprobe event and files, if there are any. */
void bench_peer_clean(struct bench_tracer *tracer);

// --- The results ---------------------------------------------------------------------------------

enum { BENCH_ROUNDS_MAX = 100 };

struct bench_machine {
	char cpu[128], kernel[160];
	long cpus;
};

struct bench_row {
	const struct bench_variant *variant;
	const char *workload, *description, *name;
	enum bench_kind kind;
	bool has_return;
	double ns[BENCH_ROUNDS_MAX];	 // per call, by round; NAN if it was not measured
	uint64_t made[BENCH_ROUNDS_MAX]; // number of calls, by round
	double wall[BENCH_ROUNDS_MAX], cpu[BENCH_ROUNDS_MAX]; // seconds, of a whole program
	// time divided by the untraced row's; cost divided by the floor's and by ptrace's
	double ratios[BENCH_ROUNDS_MAX], of_floor[BENCH_ROUNDS_MAX], of_ptrace[BENCH_ROUNDS_MAX];
	uint64_t kept, lost;
	double tracer_ns, measured_ns;
	bool survived;
	bool is_left_out; // the row is not measured any more
	bool has_failed;  // the row is left out because it failed
	char note[256];	  // a note for the report
};

struct bench;

struct bench_format {
	const char *name;
	void (*print)(const struct bench *bench, FILE *out);
};

extern const struct bench_format *const bench_formats[]; // the default first; ends with NULL

struct bench_options {
	const struct bench_format *format;
	const char *svg; // a file; NULL: none
	uint64_t rounds, calls;
	bool has_workload, is_chosen[BENCH_WORKLOADS]; // if not has_workload: all workloads
	bool peers;
	bool is_quiet;
	char **patterns, **program; // the user's own program; NULL for the bundled one
	size_t num_patterns;
};

struct bench {
	const struct bench_options *options;
	struct bench_row *rows;
	size_t num_rows;
	uint64_t rounds; // finished rounds
	struct bench_machine machine;
	char go[32];
	bool is_program;
	char note[256]; // a note for the report
};

/** Measures the bundled program. If it is interrupted, bench has what was measured until then. */
struct error *bench_measure(struct bench *bench) MUST_CHECK;
/** The same for the user's own program. */
struct error *bench_program(struct bench *bench) MUST_CHECK;
/** Marks a row as failed, so that it is not measured any more. Takes err. */
void bench_leave_out(struct bench_row *row, struct error *err);
/** Shows which row is measured if standard error is a terminal; row NULL clears that line. */
void bench_progress(const struct bench *bench, uint64_t round, const struct bench_row *row);
void bench_machine_init(struct bench_machine *machine);

// The functions from here on are pure: they depend on a struct bench alone.

/** Initializes a row without measurements. */
void bench_row_init(struct bench_row *row, const struct bench_variant *variant);
/** The median of at most BENCH_ROUNDS_MAX values, without the NANs; NAN if there are no others. */
double bench_median(const double *values, uint64_t num);
/** The lowest and the highest value that is not NAN; NAN if there is none. */
void bench_spread(const double *values, uint64_t num, double *low, double *high);
/** Computes the ratios of the rows of each workload. */
void bench_compare(struct bench *bench);
/** The tracer's CPU time in percent of the measured time. */
double bench_cpu_percent(const struct bench_row *row);
/** Writes to bench->note what the user should know about the program before trusting its figures.
 *  status is the untraced program's, as waitpid reports it. */
void bench_program_note(struct bench *bench, int status);
/** True if a report shows the row: it was measured, it failed, or it killed the program. */
bool bench_is_shown(const struct bench *bench, const struct bench_row *row);
/** Finds the row of this workload and name; NULL if there is none or it was not measured. */
const struct bench_row *bench_find_row(const struct bench *bench, const char *workload,
				       const char *name);

/** Finds the row of this kind for the same workload as like; NULL if there is none. */
const struct bench_row *bench_find_kind(const struct bench *bench, const struct bench_row *like,
					enum bench_kind kind, bool has_return);

void bench_print_table(const struct bench *bench, FILE *out);
void bench_print_benchfmt(const struct bench *bench, FILE *out);
void bench_print_json(const struct bench *bench, FILE *out);
void bench_print_svg(const struct bench *bench, FILE *out);

#endif
