// SPDX-License-Identifier: GPL-2.0-or-later
// The functions, types and code of a program, as text. Shared by the commands and the shell.
#ifndef GOTRACE_CLI_INSPECT_INSPECT_H
#define GOTRACE_CLI_INSPECT_INSPECT_H

#include <stdio.h>
#include <sys/types.h>

#include "arch/sites.h"
#include "cli/options.h"
#include "dwarf/index/index.h"

struct completions;

/** Opens the index of options->words[0], prints by it, warns of what the index lacks, and closes
 *  it. Returns the exit status. */
int inspect_words(struct options *options, struct error *(*print)(const struct options *options,
								  struct index *index, pid_t pid));

/** Prints the signatures of the functions that the patterns select (all without patterns), and how
 *  each can be probed. */
struct error *inspect_funcs(struct index *index, char *const *patterns, size_t num_patterns,
			    FILE *out) MUST_CHECK;
/** Prints what "gotrace info" shows. pid is 0 if the target is a file. */
void inspect_target(struct index *index, pid_t pid, FILE *out);
/** Prints a function: file and line, signature, location of each argument and result, probes. */
struct error *inspect_func(struct index *index, const struct func *func, FILE *out) MUST_CHECK;
/** Prints a function's code: source lines, instructions, names of branch targets, and ">" before a
 *  probed instruction. */
struct error *inspect_code(struct index *index, const struct func *func, FILE *out) MUST_CHECK;
/** Prints the types whose names match the pattern (NULL: all), with kind and size. */
struct error *inspect_types(struct index *index, const char *pattern, FILE *out) MUST_CHECK;
/** Prints a type's fields, sizes, offsets, tags and methods; each type of this name if there are
 *  several. If no type has the name, prints the function of the name. */
struct error *inspect_whatis(struct index *index, const char *word, FILE *out) MUST_CHECK;

/** Finds the sites of a function's probes, the same as for a trace. The caller calls
 *  sites_deinit(). */
struct error *inspect_sites(struct index *index, const struct func *func,
			    struct sites *out) MUST_CHECK;
/** "entry", "return" or "tail jump". */
const char *inspect_site_kind(const struct site *site);

/** Finds the function that a word means: an exact name, or a pattern that selects one function. */
struct error *inspect_find(struct index *index, const char *word,
			   const struct func **out) MUST_CHECK;

/** Add the names of functions, or of types, that begin with prefix (completions_add()). */
void inspect_func_names(struct index *index, struct completions *out, const char *prefix);
void inspect_type_names(struct index *index, struct completions *out, const char *prefix);
/** Adds the PIDs of Go programs whose executables gotrace may read. */
void inspect_pids(struct completions *out, const char *prefix);

#endif
