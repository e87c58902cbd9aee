// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace types, whatis, disassemble: the shell's commands of these names, for any target.
#include <stdio.h>

#include "cli/cli.h"
#include "cli/inspect/inspect.h"
#include "cli/options.h"

struct arguments {
	const char *missing; // the error if the word is missing; NULL: it may be left out
	const char *target, *word;
};

typedef struct error *look_fn(struct index *index, const char *word, FILE *out);

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_ARG:
		if (arguments->word)
			argp_error(state, "one at a time");
		else if (arguments->target)
			arguments->word = arg;
		else
			arguments->target = arg;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->target)
			argp_error(state, "of what? Give a PID or an executable");
		if (!arguments->word && arguments->missing)
			argp_error(state, "%s", arguments->missing);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int look(const struct argp *argp, const char *missing, look_fn *print, int argc, char **argv)
{
	struct arguments arguments = {.missing = missing};
	cli_parse(argp, argc, argv, NULL, &arguments);
	signal(SIGPIPE, SIG_IGN);
	struct index *index;
	pid_t pid;
	struct error *err = open_target_index(arguments.target, &index, &pid);
	if (err)
		return cli_fail(err);
	err = print(index, arguments.word, stdout);
	fflush(stdout);
	if (!err && index_warning(index))
		cli_say("warning: %s", index_warning(index));
	index_close(index);
	return err ? cli_fail(err) : EXIT_DONE;
}

static int types_main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "TARGET [PATTERN]",
		.doc = "List the Go types of a running process (a PID) or an executable, with their kinds and sizes: those that "
		       "DWARF has, or without DWARF those that have a run-time descriptor.\v"
		       "Example: gotrace types ./server 'main.*'",
	};
	return look(&argp, NULL, inspect_types, argc, argv);
}

static int whatis_main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "TARGET TYPE|FUNC",
		.doc = "Tell what a type is made of: the offset, size, type and tag of each field, what it leads to, its "
		       "methods. Of a function it tells what info does.\v"
		       "Example: gotrace whatis ./server net/http.Request",
	};
	return look(&argp, "what is what? Give a type or a function", inspect_whatis, argc, argv);
}

static struct error *disassemble(struct index *index, const char *word, FILE *out)
{
	const struct func *func;
	struct error *err = inspect_find(index, word, &func);
	return err ? err : inspect_code(index, func, out);
}

static int disassemble_main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "TARGET FUNC",
		.doc = "Print a function's code: its source lines between the instructions, what calls and memory operands refer to, "
		       "labels where its branches lead, and \">\" where a trace would probe it.\v"
		       "Example: gotrace disassemble ./server 'main.(*Store).Get'",
	};
	return look(&argp, "which function?", disassemble, argc, argv);
}

const struct command command_types = {"types", "Go types, their kinds and sizes", types_main};
const struct command command_whatis = {"whatis", "a type's fields, sizes, offsets, tags, methods",
				       whatis_main};
const struct command command_disassemble = {"disassemble",
					    "a function's code, its lines, where it is probed",
					    disassemble_main};
