// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace list: functions, their signatures, and how each can be probed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/inspect/inspect.h"
#include "cli/output.h"

enum { FLUSH_BYTES = 256 * 1024 };

struct listing {
	char *const *patterns;
	size_t num_patterns; // 0: all functions
	bool is_json, is_verbose;
	struct index *index;
	struct plan *plan;
	int fd; // where the list is written; borrowed
	struct text out;
	volatile sig_atomic_t is_closed; // the reader has gone away
};

// What the entry's probe is on: the branch of the stack check, another instruction that the kernel
// emulates (one trap per call), or one that it single-steps (two traps).
static const char *entry_kind(const struct site *site)
{
	return site->skip_taken ? "stack check" : site->is_emulated ? "emulated" : "stepped";
}

static size_t count_exits(const struct sites *sites, enum site_kind kind)
{
	size_t num = 0;
	for (size_t i = 0; i < sites->num; i++)
		num += sites->site[i].kind == kind;
	return num;
}

static const char *plural(size_t num)
{
	return num == 1 ? "" : "s";
}

static void write_text(struct listing *listing, const struct func *func, const struct sites *sites)
{
	struct text *out = &listing->out;
	size_t returns = count_exits(sites, SITE_RETURN), tails = count_exits(sites, SITE_TAIL);
	text_puts(out, func->name);
	if (func->symbol)
		text_printf(out, " in %s", func->symbol);
	text_puts(out, "  ");
	index_write_signature(listing->index, func, out);
	if (sites->refused) {
		text_printf(out, "  [cannot be probed: %s]", sites->refused);
	} else {
		text_printf(out, "  [entry: %s, %zu return%s", entry_kind(&sites->site[0]), returns,
			    plural(returns));
		if (tails)
			text_printf(out, ", %zu tail jump%s", tails, plural(tails));
		text_putc(out, ']');
	}
	const char *file;
	int line;
	if (listing->is_verbose) {
		text_printf(out, "  %#lx +%lu", (unsigned long)func->vaddr,
			    (unsigned long)func->size);
		if (index_line(listing->index, func->vaddr, &file, &line))
			text_printf(out, "  %s:%d", file, line);
	}
	text_putc(out, '\n');
}

static void write_json(struct listing *listing, const struct func *func, const struct sites *sites)
{
	struct text *out = &listing->out, signature;
	text_init(&signature);
	index_write_signature(listing->index, func, &signature);
	text_putc(out, '{');
	json_string(out, "func", func->name);
	json_key(out, "addr");
	json_addr(func->vaddr, out);
	json_u64(out, "size", func->size);
	json_string(out, "signature", text_string(&signature));
	text_deinit(&signature);
	const char *file;
	int line;
	if (index_line(listing->index, func->vaddr, &file, &line)) {
		json_string(out, "file", file);
		json_i64(out, "line", line);
	}
	if (sites->refused) {
		json_string(out, "refused", sites->refused);
	} else {
		json_string(out, "entry", entry_kind(&sites->site[0]));
		json_u64(out, "returns", count_exits(sites, SITE_RETURN));
		json_u64(out, "tails", count_exits(sites, SITE_TAIL));
	}
	text_puts(out, "}\n");
}

static struct error *flush(struct listing *listing)
{
	struct error *err = output_text(listing->fd, &listing->out, NULL, "writing the list",
					&listing->is_closed);
	text_reset(&listing->out);
	return err;
}

static struct error *list_func(struct listing *listing, const struct func *func)
{
	struct sites sites;
	struct error *err = plan_sites(listing->plan, func, &sites);
	if (err)
		return error_wrap(err, "%s", func->name);
	if (listing->is_json)
		write_json(listing, func, &sites);
	else
		write_text(listing, func, &sites);
	sites_deinit(&sites);
	return listing->out.len >= FLUSH_BYTES ? flush(listing) : NULL;
}

static struct error *list_all(struct listing *listing)
{
	size_t num;
	const struct func *funcs = index_funcs(listing->index, &num);
	struct error *err = NULL;
	for (size_t i = 0; i < num && !err && !listing->is_closed; i++)
		err = list_func(listing, &funcs[i]);
	return err ? err : flush(listing);
}

static struct error *list_selected(struct listing *listing)
{
	struct selection selection;
	struct error *err = select_functions(listing->index, listing->patterns,
					     listing->num_patterns, &selection);
	if (err)
		return err;
	for (size_t i = 0; i < selection.num && !err && !listing->is_closed; i++)
		err = list_func(listing, selection.func[i]);
	selection_deinit(&selection);
	return err ? err : flush(listing);
}

static struct error *list(struct listing *listing)
{
	struct error *err = plan_create(listing->index, &(struct plan_options){0}, &listing->plan);
	if (!err)
		err = listing->num_patterns ? list_selected(listing) : list_all(listing);
	plan_destroy(listing->plan);
	text_deinit(&listing->out);
	return err;
}

struct error *inspect_funcs(struct index *index, char *const *patterns, size_t num_patterns,
			    FILE *out)
{
	fflush(out);
	struct listing listing = {.patterns = patterns,
				  .num_patterns = num_patterns,
				  .index = index,
				  .fd = fileno(out)};
	return list(&listing);
}

static struct error *list_target(const struct options *options, struct index *index, pid_t pid)
{
	(void)pid;
	struct listing listing = {.patterns = options->words + 1,
				  .num_patterns = options->num_words - 1,
				  .is_json = options->is_json,
				  .is_verbose = options->shows_places,
				  .index = index,
				  .fd = STDOUT_FILENO};
	return list(&listing);
}

static int list_main(struct options *options)
{
	return inspect_words(options, list_target);
}

const struct command command_list = {
	.name = "list",
	.summary = "functions, their signatures, how each can be probed",
	.args = "TARGET [PATTERN...]",
	.doc = "List the functions of a running process (a PID) or an executable, with their Go "
	       "signatures and how each can be probed. Inlined functions have no code of their "
	       "own and are not listed.\v"
	       "Example: gotrace list ./server 'main.*'",
	.words = {WORD_OF_TARGET, {WORD_PATTERNS, NULL}},
	.run = list_main,
};
