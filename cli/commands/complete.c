// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace complete: completes the name of a function or a type, for the completion scripts of bash
// and other shells.
#include <stdio.h>

#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/inspect/inspect.h"
#include "cli/options.h"

struct arguments {
	const char *target, *prefix;
	bool types;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case 't':
		arguments->types = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->prefix)
			argp_error(state, "one PREFIX at a time");
		else if (arguments->target)
			arguments->prefix = arg;
		else
			arguments->target = arg;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->target)
			argp_error(state, "of what? Give a PID or an executable");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void add_functions(void *index, struct completions *out, const char *prefix)
{
	inspect_func_names(index, out, prefix);
}

static void add_types(void *index, struct completions *out, const char *prefix)
{
	inspect_type_names(index, out, prefix);
}

static int complete_main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"types", 't', NULL, 0, "Names of types instead of functions", 0},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "TARGET [PREFIX]",
		.doc = "Print, a line each, what a function's name that begins with PREFIX may go on with, as far as the next part of it: "
		       "a package's path, a type, a method.\vExample: gotrace complete ./server net/http.",
	};
	struct arguments arguments = {0};
	cli_parse(&argp, argc, argv, NULL, &arguments);
	struct index *index;
	pid_t pid;
	struct error *err = open_target_index(arguments.target, &index, &pid);
	if (err)
		return cli_fail(err);
	struct completions completions = {0};
	completions_gather(&completions, arguments.prefix ? arguments.prefix : "",
			   arguments.types ? add_types : add_functions, index);
	for (struct completion *each = completions.all; each; each = each->hh.next)
		puts(each->word);
	completions_deinit(&completions);
	index_close(index);
	return EXIT_DONE;
}

const struct command command_complete = {"complete", NULL, complete_main};
