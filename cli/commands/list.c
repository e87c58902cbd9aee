// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace list: functions, their signatures, and how each can be probed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/inspect/inspect.h"
#include "cli/options.h"
#include "tracer/event/value/value.h"

enum { FLUSH_BYTES = 256 * 1024 };

struct arguments {
	const char *target;
	char **patterns;
	size_t num_patterns;
	bool json, verbose;
};

struct listing {
	const struct arguments *arguments;
	struct index *index;
	struct plan *plan;
	int fd; // where the list is written; borrowed
	struct text out;
	bool is_closed; // the reader has gone away
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->json;
		return 0;
	case 'v':
		arguments->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!arguments->target)
			arguments->target = arg;
		else
			arguments->patterns[arguments->num_patterns++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->target)
			argp_error(state, "of what? Give a PID or an executable");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

// What the entry's probe is on: the branch of the stack check, another instruction that the kernel
// emulates (one trap per call), or one that it single-steps (two traps).
static const char *entry_kind(const struct site *site)
{
	return site->skip_taken_be ? "stack check" : site->is_emulated ? "emulated" : "stepped";
}

static size_t count_exits(const struct sites *sites, enum site_kind kind)
{
	size_t num = 0;
	for (size_t i = 0; i < sites->num; i++)
		num += sites->site[i].kind == kind;
	return num;
}

static void write_text(struct listing *listing, const struct func *func, const struct sites *sites)
{
	struct text *out = &listing->out;
	text_puts(out, func->name);
	if (func->symbol)
		text_printf(out, " in %s", func->symbol);
	text_puts(out, "  ");
	index_write_signature(listing->index, func, out);
	if (sites->refused) {
		text_puts(out, "  [cannot be probed: ");
		text_puts(out, sites->refused);
		text_putc(out, ']');
	} else {
		size_t returns = count_exits(sites, SITE_RETURN),
		       tails = count_exits(sites, SITE_TAIL);
		text_puts(out, "  [entry: ");
		text_puts(out, entry_kind(&sites->site[0]));
		text_puts(out, ", ");
		text_u64(out, returns);
		text_puts(out, returns == 1 ? " return" : " returns");
		if (tails) {
			text_puts(out, ", ");
			text_u64(out, tails);
			text_puts(out, tails == 1 ? " tail jump" : " tail jumps");
		}
		text_putc(out, ']');
	}
	const char *file;
	int line;
	if (listing->arguments->verbose) {
		text_puts(out, "  ");
		text_hex(out, func->vaddr);
		text_puts(out, " +");
		text_u64(out, func->size);
		if (index_line(listing->index, func->vaddr, &file, &line)) {
			text_puts(out, "  ");
			text_puts(out, file);
			text_putc(out, ':');
			text_i64(out, line);
		}
	}
	text_putc(out, '\n');
}

static void key(struct text *out, const char *name)
{
	text_puts(out, ",\"");
	text_puts(out, name);
	text_puts(out, "\":");
}

static void write_json(struct listing *listing, const struct func *func, const struct sites *sites)
{
	struct text *out = &listing->out;
	text_puts(out, "{\"func\":");
	value_json_string(func->name, strlen(func->name), out);
	text_printf(out, ",\"addr\":\"%#lx\",\"size\":%lu", (unsigned long)func->vaddr,
		    (unsigned long)func->size);
	struct text signature;
	text_init(&signature);
	index_write_signature(listing->index, func, &signature);
	key(out, "signature");
	value_json_string(text_string(&signature), signature.len, out);
	text_deinit(&signature);
	const char *file;
	int line;
	if (index_line(listing->index, func->vaddr, &file, &line)) {
		key(out, "file");
		value_json_string(file, strlen(file), out);
		key(out, "line");
		text_i64(out, line);
	}
	if (sites->refused) {
		key(out, "refused");
		value_json_string(sites->refused, strlen(sites->refused), out);
	} else {
		key(out, "entry");
		value_json_string(entry_kind(&sites->site[0]), strlen(entry_kind(&sites->site[0])),
				  out);
		key(out, "returns");
		text_u64(out, count_exits(sites, SITE_RETURN));
		key(out, "tails");
		text_u64(out, count_exits(sites, SITE_TAIL));
	}
	text_puts(out, "}\n");
}

static struct error *flush(struct listing *listing)
{
	struct text *out = &listing->out;
	if (out->failed)
		return error_nomem();
	struct error *err = file_write(listing->fd, out->data, out->len, NULL, "writing the list");
	text_reset(out);
	if (!err || error_code(err) != EPIPE)
		return err;
	listing->is_closed = true;
	error_free(err);
	return NULL;
}

static struct error *list_func(struct listing *listing, const struct func *func)
{
	struct sites sites;
	struct error *err = plan_sites(listing->plan, func, &sites);
	if (err)
		return error_wrap(err, "%s", func->name);
	if (listing->arguments->json)
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
	struct error *err = select_functions(listing->index, listing->arguments->patterns,
					     listing->arguments->num_patterns, &selection);
	if (err)
		return err;
	for (size_t i = 0; i < selection.num && !err && !listing->is_closed; i++)
		err = list_func(listing, selection.func[i]);
	selection_deinit(&selection);
	return err ? err : flush(listing);
}

static struct error *list_index(const struct arguments *arguments, struct index *index, int fd)
{
	struct listing listing = {.arguments = arguments, .index = index, .fd = fd};
	struct error *err = plan_create(index, &(struct plan_options){0}, &listing.plan);
	if (!err)
		err = arguments->num_patterns ? list_selected(&listing) : list_all(&listing);
	plan_destroy(listing.plan);
	text_deinit(&listing.out);
	return err;
}

static struct error *list(const struct arguments *arguments)
{
	pid_t pid;
	struct index *index;
	struct error *err = open_target_index(arguments->target, &index, &pid);
	if (err)
		return err;
	err = list_index(arguments, index, STDOUT_FILENO);
	if (!err && index_warning(index))
		cli_say("warning: %s", index_warning(index));
	index_close(index);
	return err;
}

struct error *inspect_funcs(struct index *index, char *const *patterns, size_t num_patterns,
			    FILE *out)
{
	struct arguments arguments = {.patterns = (char **)patterns, .num_patterns = num_patterns};
	fflush(out);
	return list_index(&arguments, index, fileno(out));
}

static int list_main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"verbose", 'v', NULL, 0, "Addresses, sizes, files and lines too", 0},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = text_or_json_children,
		.args_doc = "TARGET [PATTERN...]",
		.doc = "List the functions of a running process (a PID) or an executable, with their Go signatures and how each "
		       "can be probed. Inlined functions have no code of their own and are not there.\v"
		       "Example: gotrace list ./server 'main.*'",
	};
	CLEANUP_FREE char **patterns = calloc((size_t)argc, sizeof(*patterns));
	struct arguments arguments = {.patterns = patterns};
	if (!patterns)
		return cli_fail(error_nomem());
	cli_parse(&argp, argc, argv, NULL, &arguments);
	signal(SIGPIPE, SIG_IGN);
	struct error *err = list(&arguments);
	return err ? cli_fail(err) : EXIT_DONE;
}

const struct command command_list = {"list", "functions, their signatures, how each can be probed",
				     list_main};
