// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace bench: compares what tracing costs with each back end and, with --peers, with other
// tracers.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "tracer/backend/backend.h"

enum { OPT_FORMAT = 256, OPT_SVG, OPT_ROUNDS, OPT_CALLS, OPT_WORKLOAD, OPT_PEERS };
enum { ROUNDS_DEFAULT = 5, CALLS_DEFAULT = 100000 };
static const uint64_t CALLS_MAX = 1000000000;

static const struct format {
	const char *name;
	void (*print)(const struct bench *bench, FILE *out);
} formats[] = {
	{"table", bench_print_table},
	{"benchfmt", bench_print_benchfmt},
	{"json", bench_print_json},
};

static const struct argp_option options[] = {
	{"format", OPT_FORMAT, "NAME", 0,
	 "table (default), benchfmt (Go's benchmark format) or json", 0},
	{"svg", OPT_SVG, "FILE", 0, "Draw a chart into FILE too", 0},
	{"rounds", OPT_ROUNDS, "N", 0, "Measure everything N times (default 5)", 0},
	{"calls", OPT_CALLS, "N", 0,
	 "At most N calls a measurement (default 100000; slow tracers get fewer)", 0},
	{"workload", OPT_WORKLOAD, "NAME", 0,
	 "leaf, typical, delve or server; may be given more than once (default all)", 0},
	{"peers", OPT_PEERS, NULL, 0, "Other tracers too: dlv, bpftrace, perf, gdb, if installed",
	 0},
	{"quiet", 'q', NULL, 0, "Say nothing on standard error but errors", 0},
	{0},
};

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(name, formats[i].name))
			return &formats[i];
	return NULL;
}

static bool choose_workload(struct bench_options *bench, const char *name)
{
	for (size_t i = 0; i < BENCH_WORKLOADS; i++)
		if (!strcmp(name, bench_workloads[i].name))
			return bench->is_chosen[i] = true;
	return false;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_options *bench = state->input;
	switch (key) {
	case OPT_FORMAT:
		if (!find_format(arg))
			argp_error(state, "--format %s: there are table, benchfmt and json", arg);
		bench->format = arg;
		return 0;
	case OPT_SVG:
		bench->svg = arg;
		return 0;
	case OPT_ROUNDS:
		if (!parse_number(arg, BENCH_ROUNDS_MAX, &bench->rounds) || !bench->rounds)
			argp_error(state, "--rounds %s: a number from 1 to %d", arg,
				   BENCH_ROUNDS_MAX);
		return 0;
	case OPT_CALLS:
		if (!parse_number(arg, CALLS_MAX, &bench->calls) || !bench->calls)
			argp_error(state, "--calls %s: a number from 1 to a thousand million", arg);
		return 0;
	case OPT_WORKLOAD:
		if (!choose_workload(bench, arg))
			argp_error(state,
				   "--workload %s: there are leaf, typical, delve and server", arg);
		bench->has_workload = true;
		return 0;
	case OPT_PEERS:
		bench->peers = true;
		return 0;
	case 'q':
		bench->verbosity = -1;
		return 0;
	case ARGP_KEY_ARG:
		bench->patterns[bench->num_patterns++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (bench->program && !bench->num_patterns)
			argp_error(state,
				   "which functions? Give patterns such as 'main.*' before --");
		if (!bench->program && bench->num_patterns)
			argp_error(
				state,
				"which program? Give it behind --: gotrace bench 'main.*' -- ./server");
		if (bench->program && (bench->peers || bench->has_workload))
			argp_error(state, "--peers and --workload are for the bundled program");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static struct error *write_svg(const struct bench *bench, const char *path)
{
	CLEANUP_FCLOSE FILE *out = NULL;
	struct error *err = output_file(path, &out);
	if (err)
		return err;
	bench_print_svg(bench, out);
	return fflush(out) ? error_errno(errno, "%s", path) : NULL;
}

static int report(struct bench *bench)
{
	if (!bench->rounds) {
		if (cli_signal)
			cli_say("ended before the first round was over: there is nothing to show");
		return cli_signal ? 128 + cli_signal : EXIT_REFUSED;
	}
	if (!bench->is_program)
		bench_compare(bench);
	bench_machine_init(&bench->machine);
	find_format(bench->options->format)->print(bench, stdout);
	struct error *err = fflush(stdout) ? error_errno(errno, "standard output") : NULL;
	if (!err && bench->options->svg)
		err = write_svg(bench, bench->options->svg);
	return err ? cli_fail(err) : EXIT_DONE;
}

static int bench_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[PATTERN... -- PROG ARG...]",
		.doc = "Measure what tracing costs the traced program: untraced, empty uprobes, the ebpf and the ptrace "
		       "back end, and other tracers with --peers. Without PROG, a bundled program is traced; with it, your "
		       "own from its start to its end. The machine's noise is in it: believe ratios.\v"
		       "Example: gotrace bench --workload typical --peers",
	};
	CLEANUP_FREE char **patterns = calloc((size_t)argc, sizeof(*patterns));
	if (!patterns)
		return cli_fail(error_nomem());
	struct bench_options chosen = {.format = "table",
				       .rounds = ROUNDS_DEFAULT,
				       .calls = CALLS_DEFAULT,
				       .patterns = patterns};
	int split = 1;
	while (split < argc && strcmp(argv[split], "--"))
		split++;
	if (split + 1 < argc)
		chosen.program = argv + split + 1;
	cli_parse(&argp, split, argv, NULL, &chosen);
	cli_set_verbosity(chosen.verbosity);
	cli_catch_signals();
	struct bench bench = {.options = &chosen};
	if (!backend_find("ptrace"))
		cli_say("this gotrace has no ptrace back end: its rows are left out");
	struct error *err = chosen.program ? bench_program(&bench) : bench_measure(&bench);
	int status = err ? cli_fail(err) : report(&bench);
	free(bench.rows);
	return status;
}

const struct command command_bench = {"bench", "what tracing costs, by every means, side by side",
				      bench_main};
