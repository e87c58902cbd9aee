// SPDX-License-Identifier: GPL-2.0-or-later
// What the shell's session has counted: calls by function and by goroutine, and how long they took.
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/shell/shell.h"
#include "tracer/session/goroutines.h"
#include "tracer/output/format.h"

// --- stats ---------------------------------------------------------------------------------------

static void print_ns(uint64_t ns, const char *before, FILE *out)
{
	struct text duration;
	text_init(&duration);
	text_puts(&duration, before);
	format_duration(ns, &duration);
	int columns = (int)format_columns(&duration, 0);
	fprintf(out, "%*s%s ", columns < 9 ? 9 - columns : 0, "", text_string(&duration));
	text_deinit(&duration);
}

// A quantile is known to an eighth (histogram.h). Prints the middle of its bounds, with a "~" if it
// is not exact.
static void print_quantile(const struct stats_func *func, double quantile, FILE *out)
{
	uint32_t bucket = (uint32_t)histogram_quantile(&func->durations, quantile);
	uint64_t low = histogram_start(bucket), high = histogram_start(bucket + 1);
	if (low < func->min_ns)
		low = func->min_ns;
	if (high > func->max_ns + 1)
		high = func->max_ns + 1;
	bool is_exact = high <= low + 1;
	print_ns(is_exact ? low : low + (high - low) / 2, is_exact ? "" : "~", out);
}

static void print_stats(const struct stats_func *func, FILE *out)
{
	fprintf(out, "%12llu ", (unsigned long long)func->calls);
	if (func->has_errors)
		fprintf(out, "%8llu ", (unsigned long long)func->errors);
	else
		fprintf(out, "%8s ", "-");
	if (func->returns) {
		print_ns(func->min_ns, "", out);
		print_ns(func->total_ns / func->returns, "", out);
		print_quantile(func, 0.5, out);
		print_quantile(func, 0.99, out);
		print_ns(func->max_ns, "", out);
	} else {
		for (int i = 0; i < 5; i++)
			fprintf(out, "%9s ", "-");
	}
	fprintf(out, "%6llu  %s", (unsigned long long)func->lost, func->func->name);
	if (func->panics)
		fprintf(out, " (%llu panicked)", (unsigned long long)func->panics);
	fputc('\n', out);
}

static int by_calls(const void *a, const void *b)
{
	const struct stats_func *left = *(struct stats_func *const *)a,
				*right = *(struct stats_func *const *)b;
	if (left->calls != right->calls)
		return left->calls < right->calls ? 1 : -1;
	return strcmp(left->func->name, right->func->name);
}

static bool matches(const char *name, int argc, char **argv, struct error **err)
{
	bool is_match = argc < 2;
	for (int i = 1; i < argc && !is_match && !*err; i++)
		*err = select_matches(argv[i], name, &is_match);
	return is_match;
}

struct error *shell_cmd_stats(struct shell *shell, int argc, char **argv)
{
	struct error *err = session_count_lost(shell->session);
	if (err)
		return err;
	struct stats *stats = session_stats(shell->session);
	if (argc == 2 && !strcmp(argv[1], "reset")) {
		stats_deinit(stats);
		return NULL;
	}
	size_t num = 0;
	CLEANUP_FREE struct stats_func **sorted =
		calloc(HASH_COUNT(stats->funcs) + 1, sizeof(struct stats_func *));
	if (!sorted)
		return error_nomem();
	for (struct stats_func *func = stats->funcs; func && !err; func = func->hh.next)
		if (matches(func->func->name, argc, argv, &err))
			sorted[num++] = func;
	if (err)
		return err;
	qsort(sorted, num, sizeof(struct stats_func *), by_calls);
	FILE *page = shell->page;
	fprintf(page, "%12s %8s %9s %9s %9s %9s %9s %6s  %s\n", "CALLS", "ERRORS", "MIN", "AVG",
		"P50", "P99", "MAX", "LOST", "FUNCTION");
	for (size_t i = 0; i < num; i++)
		print_stats(sorted[i], page);
	return NULL;
}

// --- hist ----------------------------------------------------------------------------------------

static void print_hist(const struct stats_func *func, FILE *page)
{
	struct text rows;
	text_init(&rows);
	histogram_print(&func->durations, &(struct histogram_scale){.is_time = true}, &rows);
	fprintf(page, "%s, durations of %llu calls:\n%s", func->func->name,
		(unsigned long long)func->returns, text_string(&rows));
	text_deinit(&rows);
}

struct error *shell_cmd_hist(struct shell *shell, int argc, char **argv)
{
	struct error *err = NULL;
	size_t num = 0;
	struct stats *stats = session_stats(shell->session);
	for (struct stats_func *func = stats->funcs; func && !err; func = func->hh.next) {
		if (!matches(func->func->name, argc, argv, &err) || !func->returns)
			continue;
		print_hist(func, shell->page);
		num++;
	}
	if (!err && !num)
		err = error_new("hist: no call of %s has returned while it was traced", argv[1]);
	return err;
}

// --- goroutines ----------------------------------------------------------------------------------

static int by_goid(const void *a, const void *b)
{
	const struct stats_goroutine *left = *(struct stats_goroutine *const *)a,
				     *right = *(struct stats_goroutine *const *)b;
	return left->key.goid < right->key.goid ? -1 : left->key.goid > right->key.goid;
}

static void print_goroutines(struct stats_goroutine *const *sorted, size_t num,
			     const struct goroutine_info *infos, size_t num_infos, FILE *page)
{
	fprintf(page, "%10s %10s %10s  %s\n", "GOROUTINE", "PARENT", "CALLS", "LAST");
	for (size_t i = 0; i < num; i++) {
		const struct goroutine_info *info =
			goroutines_find(infos, num_infos, sorted[i]->key.goid);
		fprintf(page, "%10llu ", (unsigned long long)sorted[i]->key.goid);
		if (info && info->parent)
			fprintf(page, "%10llu ", (unsigned long long)info->parent);
		else
			fprintf(page, "%10s ", info || !infos ? "-" : "ended");
		fprintf(page, "%10llu  %s\n", (unsigned long long)sorted[i]->calls,
			sorted[i]->last->name);
	}
}

struct error *shell_cmd_goroutines(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	struct stats *stats = session_stats(shell->session);
	CLEANUP_FREE struct stats_goroutine **sorted =
		calloc(HASH_COUNT(stats->goroutines) + 1, sizeof(struct stats_goroutine *));
	if (!sorted)
		return error_nomem();
	size_t num = 0, num_infos = 0;
	for (struct stats_goroutine *goroutine = stats->goroutines; goroutine;
	     goroutine = goroutine->hh.next)
		sorted[num++] = goroutine;
	qsort(sorted, num, sizeof(struct stats_goroutine *), by_goid);
	CLEANUP_FREE struct goroutine_info *infos = NULL;
	if (!shell->has_ended) {
		struct error *unread = session_goroutines(shell->session, &infos, &num_infos);
		if (unread)
			shell_say(shell, "who began a goroutine is not known: %s",
				  error_message(unread));
		error_free(unread);
	}
	FILE *page = shell->page;
	print_goroutines(sorted, num, infos, num_infos, page);
	if (stats->calls_elsewhere)
		fprintf(page, "and %llu calls of goroutines not known, or beyond those kept\n",
			(unsigned long long)stats->calls_elsewhere);
	return NULL;
}
