// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace disassemble: the shell's command of this name, for any target.
#include "cli/inspect/inspect.h"

static struct error *disassemble(const struct options *options, struct index *index, pid_t pid)
{
	(void)pid;
	const struct func *func;
	struct error *err = inspect_find(index, options->words[1], &func);
	return err ? err : inspect_code(index, func, stdout);
}

static int disassemble_main(struct options *options)
{
	return inspect_words(options, disassemble);
}

const struct command command_disassemble = {
	.name = "disassemble",
	.summary = "a function's code, its lines, where it is probed",
	.args = "TARGET FUNC",
	.doc = "Print a function's code: its source lines between the instructions, what calls "
	       "and memory operands refer to, labels where its branches lead, and \">\" where a "
	       "trace would probe it.\v"
	       "Example: gotrace disassemble ./server 'main.(*Store).Get'",
	.words = {WORD_OF_TARGET, {WORD_FUNC, "which function?"}},
	.run = disassemble_main,
};
