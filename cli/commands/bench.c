// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace bench: compares what tracing costs with each back end and, with --peers, with other
// tracers.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/options.h"
#include "cli/output.h"
#include "tracer/backend/backend.h"

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
	bench->options->format->print(bench, stdout);
	struct error *err = fflush(stdout) ? error_errno(errno, "standard output") : NULL;
	if (!err && bench->options->svg)
		err = write_svg(bench, bench->options->svg);
	return err ? cli_fail(err) : EXIT_DONE;
}

static int bench_main(struct options *options)
{
	struct bench_options *chosen = &options->bench;
	chosen->is_quiet = options->is_quiet;
	chosen->program = options->program;
	chosen->patterns = options->words;
	chosen->num_patterns = options->num_words;
	if (chosen->program && (chosen->peers || chosen->has_workload))
		return cli_fail(error_new("--peers and --workload are for the bundled program")),
		       EXIT_USAGE;
	cli_catch_signals();
	struct bench bench = {.options = chosen};
	if (!backend_find("ptrace"))
		cli_say("this gotrace has no ptrace back end: its rows are left out");
	struct error *err = chosen->program ? bench_program(&bench) : bench_measure(&bench);
	int status = err ? cli_fail(err) : report(&bench);
	free(bench.rows);
	return status;
}

const struct command command_bench = {
	.name = "bench",
	.summary = "what tracing costs, by every means, side by side",
	.args = "[PATTERN... -- PROG ARG...]",
	.doc = "Measure what tracing costs the traced program: untraced, empty uprobes, the ebpf "
	       "and the ptrace back end, and other tracers with --peers. Without PROG, a bundled "
	       "program is traced; with it, your own from its start to its end. The machine's "
	       "noise is in it: believe ratios.\v"
	       "Example: gotrace bench --workload typical --peers",
	.before_program = {WORD_PATTERNS,
			   "which functions? Give patterns such as 'main.*' before --"},
	.run = bench_main,
};
