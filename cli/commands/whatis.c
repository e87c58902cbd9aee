// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace whatis: the shell's command of this name, for any target.
#include "cli/inspect/inspect.h"

static struct error *whatis(const struct options *options, struct index *index, pid_t pid)
{
	(void)pid;
	return inspect_whatis(index, options->words[1], stdout);
}

static int whatis_main(struct options *options)
{
	return inspect_words(options, whatis);
}

const struct command command_whatis = {
	.name = "whatis",
	.summary = "a type's fields, sizes, offsets, tags, methods",
	.args = "TARGET TYPE|FUNC",
	.doc = "Show what a type is made of: the offset, size, type and tag of each field, what "
	       "it leads to, its methods. Of a function it shows what info does.\v"
	       "Example: gotrace whatis ./server net/http.Request",
	.words = {WORD_OF_TARGET, {WORD_TYPE, "what is what? Give a type or a function"}},
	.run = whatis_main,
};
