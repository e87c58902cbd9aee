// SPDX-License-Identifier: GPL-2.0-or-later
// What the shell's Tab key offers.
#ifndef GOTRACE_CLI_COMPLETE_H
#define GOTRACE_CLI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include <uthash.h>

struct shell;

struct completion {
	char *word;
	UT_hash_handle hh;
};

struct completions {
	struct completion *all; // a table by word
	char *common; // what all names that agree begin with, however long; NULL without any
};

/** Takes one more name in. Names that agree with prefix are kept as far as the next level behind it: a package's
 *  path, its package, a type, a method ("net/", "net/http.", "net/http.(*Server)."). False without memory. */
bool completions_add(struct completions *completions, const char *name, const char *prefix);
/** In the order of strcmp. */
void completions_sort(struct completions *completions);
void completions_deinit(struct completions *completions);

/** Teaches readline what the words of a line may be. */
void shell_complete_init(struct shell *shell);

#endif
