// SPDX-License-Identifier: GPL-2.0-or-later
// What a name that was begun may go on with. Go's names have parts: a package's path, its package, a type, a method.
// Of a hundred thousand names only the next part is offered. Pure: names in, words out, without readline.
#ifndef GOTRACE_CLI_COMPLETE_H
#define GOTRACE_CLI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include <uthash.h>

struct completion {
	char *word;
	bool is_name;  // there is a name of which this is all
	bool has_more; // and one that goes on behind it
	UT_hash_handle hh;
};

struct completions {
	struct completion *all;	 // a table by word
	struct completion *last; // the one met last: names come in heaps
	bool failed;		 // no memory for all
};

/** Takes one more name in. Names that agree with prefix are kept as far as the next part behind it: "net/",
 *  "net/http.", "net/http.(*Server).", "main.Map" before "main.Map[int]". False without memory. */
bool completions_add(struct completions *completions, const char *name, const char *prefix);
/** In the order of strcmp. */
void completions_sort(struct completions *completions);
void completions_deinit(struct completions *completions);

/** Adds names with completions_add, those that it has. */
typedef void completion_source(void *context, struct completions *out, const char *prefix);

/** The words that prefix may go on with, sorted: as long as there is only one way on, it is taken, so one word alone is
 *  a whole name, or what all names behind it have in common ends there. */
void completions_gather(struct completions *out, const char *prefix, completion_source *source,
			void *context);

/** The first bytes that all words have in common. */
size_t completions_common(const struct completions *completions);

/** The word that is being typed at the end of a line's beginning, as the shell takes words apart: its first byte's
 *  offset, behind an open quote. *quote: the open quote, 0 without. The word itself, without quotes and
 *  backslashes, is *word, to be freed; NULL without memory. */
size_t completion_word(const char *line, size_t len, char *quote, char **word);

/** The word as it is to be typed: blanks, quotes and backslashes get a backslash where the quote, if any, does not
 *  do. To be freed; NULL without memory, or where no quoting does. */
char *completion_quote(const char *word, char quote);

#endif
