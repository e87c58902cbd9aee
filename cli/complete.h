// SPDX-License-Identifier: GPL-2.0-or-later
// Completion of the names of functions and types. A Go name has parts: a package's path, a package,
// a type, a method. A program has a hundred thousand names, so only the next part is offered. Takes
// names and returns words; it does not depend on readline.
#ifndef GOTRACE_CLI_COMPLETE_H
#define GOTRACE_CLI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include <uthash.h>

struct completion {
	char *word;
	bool is_name;  // the word is a whole name
	bool has_more; // some name continues after the word
	UT_hash_handle hh;
};

struct completions {
	struct completion *all;	 // hash table by word
	struct completion *last; // found or added last: names with the same next part come in a row
	bool failed;		 // out of memory: some words are missing
};

/** Adds a name. Ignores it if it does not begin with prefix; else keeps it up to the end of the
 *  next part after prefix: "net/", "net/http.", "net/http.(*Server).", or "main.Map" of
 *  "main.Map[int]". False if out of memory. */
bool completions_add(struct completions *completions, const char *name, const char *prefix);
void completions_deinit(struct completions *completions);

struct option_row;

/** Add the long options of a command (in_shell: those that a trace of the shell can have), and the
 *  words that an option's value can be. */
void completions_add_options(struct completions *completions, const char *command, bool in_shell,
			     const char *prefix);
void completions_add_words(struct completions *completions, const struct option_row *option,
			   const char *prefix);

/** Calls completions_add() for each name that it knows. */
typedef void completion_source(void *context, struct completions *out, const char *prefix);

/** Gathers the words that may complete prefix, sorted. If there is only one word and it is not a
 *  whole name, the word becomes the prefix and the search is repeated. So a single word is a whole
 *  name. out must be empty. */
void completions_gather(struct completions *out, const char *prefix, completion_source *source,
			void *context);

/** How many of their first bytes all words have in common; 0 without words. */
size_t completions_common(const struct completions *completions);

/** Finds the word that is being typed at the end of the first len bytes of line, by the shell's
 *  rules for words. Returns the offset of its first byte, after an opening quote. *quote is the
 *  quote that is still open, or 0. *word is the word without quotes and backslashes, which the
 *  caller frees; NULL if out of memory. */
size_t completion_word(const char *line, size_t len, char *quote, char **word);

/** The word as the user would type it inside quote (0: none): a backslash is put before each blank,
 *  quote and backslash that needs one. The caller frees. NULL if out of memory, or if the quote is
 *  ' and the word has a ' in it. */
char *completion_quote(const char *word, char quote);

#endif
