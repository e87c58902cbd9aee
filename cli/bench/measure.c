// SPDX-License-Identifier: GPL-2.0-or-later
// Measures in rounds. Each round runs every variant once, so that changes of the machine's speed
// affect all variants.
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "tracer/backend/backend.h"

enum {
	FIRST_CALLS = 64,
	GROWTH = 8,
	PARTS_MAX = BENCH_ROUNDS_MAX,
	UNTRACED_CALLS = 100, // so many times more calls: they are a thousand times faster
	ANSWER_TIMEOUT_MS = 20000,
	LEFT_TIMEOUT_MS = 5000,
	PEER_ROUNDS = 3, // peers are slow
};
// The time of a measurement, and of its parts.
static const uint64_t BUDGET_NS = 250000000, PART_NS = 10000000;

void bench_progress(const struct bench *bench, uint64_t round, const struct bench_row *row)
{
	if (bench->options->is_quiet || !isatty(STDERR_FILENO))
		return;
	if (row)
		fprintf(stderr, "\r\033[Kgotrace: round %lu of %lu: %s, %s",
			(unsigned long)round + 1, (unsigned long)bench->options->rounds,
			row->workload, row->name);
	else
		fputs("\r\033[K", stderr);
}

void bench_leave_out(struct bench_row *row, struct error *err)
{
	snprintf(row->note, sizeof(row->note), "%s", error_message(err));
	error_free(err);
	row->is_left_out = row->has_failed = true;
}

// --- One measurement -----------------------------------------------------------------------------

struct sample {
	uint64_t calls;	   // number of all calls
	double ns;	   // median time per call
	double elapsed_ns; // time of all calls
};

// Makes calls in steps until max calls were made or the time is over. The steps grow to PART_NS
// each; the first steps only warm up. The result is the median of the steps, which is not affected
// by moments in which the machine did something else.
static bool sample(struct bench_target *target, const char *function, uint64_t max,
		   struct sample *out)
{
	double parts[PARTS_MAX];
	uint64_t ns, made = 0, total_ns = 0, num_parts = 0;
	uint64_t next = max < FIRST_CALLS ? max : FIRST_CALLS;
	while (next && num_parts < PARTS_MAX) {
		if (!bench_target_call(target, function, next, ANSWER_TIMEOUT_MS, &ns))
			return false;
		double per_call = (double)ns / (double)next;
		made += next;
		total_ns += ns;
		if (ns >= PART_NS / 4 || (made >= max && !num_parts))
			parts[num_parts++] = per_call;
		if (total_ns >= BUDGET_NS)
			break;
		uint64_t fits = (uint64_t)((double)PART_NS / (per_call > 0.1 ? per_call : 0.1)) + 1;
		next = fits < next * GROWTH ? fits : next * GROWTH;
		next = next < max - made ? next : max - made;
	}
	*out = (struct sample){
		.calls = made,
		.ns = num_parts ? bench_median(parts, num_parts) : (double)total_ns / (double)made,
		.elapsed_ns = (double)total_ns,
	};
	return true;
}

static bool is_well(struct bench_target *target, const struct bench_function *function)
{
	uint64_t ns;
	return bench_function_is_bare(function, target->pid) &&
	       bench_target_call(target, "leaf", 1, LEFT_TIMEOUT_MS, &ns);
}

// Measures one variant with a running target. *well: the target still works, without probes.
static struct error *measure_variant(struct bench *bench, const struct bench_variant *variant,
				     const struct bench_workload *workload,
				     struct bench_target *target,
				     const struct bench_function *function, struct bench_row *row,
				     uint64_t round, bool *well)
{
	struct bench_tracer tracer;
	*well = true;
	struct error *err = bench_tracer_start(&tracer, variant, function, target->pid);
	if (err) {
		*well = is_well(target, function);
		row->survived &= *well || cli_signal;
		return err;
	}
	struct sample taken = {0};
	uint64_t kept, cpu_ns = 0;
	uint64_t calls = bench->options->calls;
	if (variant->kind == BENCH_UNTRACED)
		calls *= UNTRACED_CALLS;
	bool answered = sample(target, workload->function, calls, &taken);
	if (answered)
		cpu_ns = bench_tracer_cpu(&tracer);
	bench_tracer_stop(&tracer, &kept);
	if (cli_signal) {
		*well = false;
		return NULL;
	}
	*well = answered && is_well(target, function);
	row->survived &= *well || cli_signal;
	if (!answered && variant->kind != BENCH_PEER)
		return error_new("the target does not answer");
	row->kept += kept;
	if (!answered) // the number of calls that were made is not known
		return NULL;
	row->ns[round] = taken.ns;
	row->made[round] = taken.calls;
	row->tracer_ns += (double)cpu_ns;
	row->measured_ns += taken.elapsed_ns;
	bool keeps_all = variant->kind == BENCH_EBPF || variant->kind == BENCH_PTRACE ||
			 variant->kind == BENCH_PEER;
	if (keeps_all && !variant->keeps_none)
		row->lost += taken.calls > kept ? taken.calls - kept : 0;
	return NULL;
}

// --- All variants and workloads ------------------------------------------------------------------

struct place { // one workload and the process that it is measured in
	const struct bench_workload *workload;
	struct bench_target *target; // for all variants but peers; NULL after it died
	uint64_t turns;		     // the turns of main.busy; 0: it is not tuned
	struct bench_function function;
};

// Starts another process of the target, tuned like the first.
static struct error *start_target(const struct place *place, const char *path,
				  struct bench_target **out)
{
	struct bench_target *target;
	struct error *err = bench_target_start(path, &target);
	if (err)
		return err;
	if (place->turns && !bench_target_set_turns(target, place->turns)) {
		bench_target_stop(target);
		return error_new("%s does not answer", path);
	}
	*out = target;
	return NULL;
}

static struct error *place_init(struct place *place, const char *path,
				const struct bench_workload *workload, char *go, size_t go_size)
{
	*place = (struct place){.workload = workload};
	struct error *err = start_target(place, path, &place->target);
	if (err)
		return err;
	if (workload->tune_ns &&
	    !bench_target_tune(place->target, workload->tune_ns, &place->turns))
		return error_new("%s does not answer", path);
	snprintf(go, go_size, "%s", place->target->go);
	return bench_function_init(&place->function, path, place->target->pid, workload->function);
}

static void place_deinit(struct place *place)
{
	bench_target_stop(place->target);
	bench_function_deinit(&place->function);
}

// True if a variant is to be measured. If its program is missing, adds that to the note, once.
static bool is_wanted(struct bench *bench, const struct bench_variant *variant)
{
	if (variant->kind == BENCH_PTRACE)
		return backend_find("ptrace") != NULL;
	if (variant->kind != BENCH_PEER)
		return true;
	char path[PATH_MAX];
	if (!bench->options->peers || bench_find_program(variant->words[0], path, sizeof(path)))
		return bench->options->peers;
	if (!strstr(bench->note, variant->words[0])) {
		size_t len = strlen(bench->note);
		snprintf(bench->note + len, sizeof(bench->note) - len, "%s%s",
			 len ? ", " : "Not installed, so not measured: ", variant->words[0]);
	}
	return false;
}

static void measure_row(struct bench *bench, struct place *place, struct bench_row *row,
			const struct bench_variant *variant, uint64_t round)
{
	struct bench_target *fresh = NULL;
	struct error *err = NULL;
	bool is_peer = variant->kind == BENCH_PEER;
	if (is_peer || !place->target)
		err = start_target(place, place->function.path, &fresh);
	if (!is_peer && fresh)
		place->target = take(fresh);
	bool well = true;
	if (!err)
		err = measure_variant(bench, variant, place->workload,
				      is_peer ? fresh : place->target, &place->function, row, round,
				      &well);
	if (!well && fresh) // the tracer may have left it stopped
		kill(fresh->pid, SIGKILL);
	bench_target_stop(fresh);
	if (!well && !is_peer) {
		bench_target_stop(place->target);
		place->target = NULL;
	}
	if (err)
		bench_leave_out(row, err);
}

static struct error *add_rows(struct bench *bench, const struct bench_workload *workload)
{
	struct bench_row *rows =
		realloc(bench->rows, (bench->num_rows + bench_num_variants) * sizeof(*rows));
	if (!rows)
		return error_nomem();
	bench->rows = rows;
	for (size_t i = 0; i < bench_num_variants; i++) {
		const struct bench_variant *variant = &bench_variants[i];
		struct bench_row *row = &rows[bench->num_rows++];
		bench_row_init(row, variant);
		row->workload = workload->name;
		row->description = workload->description;
		row->is_left_out = !is_wanted(bench, variant);
	}
	return NULL;
}

static void measure_round(struct bench *bench, struct place *place, struct bench_row *rows,
			  uint64_t round)
{
	for (size_t i = 0; i < bench_num_variants && !cli_signal; i++) {
		const struct bench_variant *variant = &bench_variants[i];
		if (rows[i].is_left_out || (variant->kind == BENCH_PEER && round >= PEER_ROUNDS))
			continue;
		bench_progress(bench, round, &rows[i]);
		measure_row(bench, place, &rows[i], variant, round);
	}
}

struct error *bench_measure(struct bench *bench)
{
	CLEANUP_FREE char *path = NULL;
	struct error *err = bench_target_find(&path);
	struct place places[BENCH_WORKLOADS] = {0};
	size_t num = 0;
	for (size_t i = 0; !err && i < BENCH_WORKLOADS; i++) {
		const struct bench_workload *workload = bench_workloads[i];
		if (bench->options->has_workload && !bench->options->is_chosen[i])
			continue;
		err = place_init(&places[num++], path, workload, bench->go, sizeof(bench->go));
		if (!err)
			err = add_rows(bench, workload);
	}
	if (bench->note[0])
		cli_say("%s", bench->note);
	for (uint64_t round = 0; !err && round < bench->options->rounds && !cli_signal; round++) {
		for (size_t i = 0; i < num; i++)
			measure_round(bench, &places[i], &bench->rows[i * bench_num_variants],
				      round);
		if (!cli_signal)
			bench->rounds = round + 1;
	}
	bench_progress(bench, 0, NULL);
	for (size_t i = 0; i < num; i++)
		place_deinit(&places[i]);
	return err;
}
