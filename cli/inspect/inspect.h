// SPDX-License-Identifier: GPL-2.0-or-later
// Looking into a program: its functions, types and code, as text. Shared by commands and the shell.
#ifndef GOTRACE_CLI_INSPECT_INSPECT_H
#define GOTRACE_CLI_INSPECT_INSPECT_H

#include <stdio.h>
#include <sys/types.h>

#include "dwarf/index/index.h"
#include "arch/sites.h"

struct completions;

/** Functions that the patterns choose (all without any): signature, and how each can be probed. */
struct error *inspect_funcs(struct index *index, char *const *patterns, size_t num_patterns,
			    FILE *out) MUST_CHECK;
/** What "gotrace info" tells of an executable; pid 0: of a file. */
void inspect_target(struct index *index, pid_t pid, FILE *out);
/** A function: file and line, signature, where each argument and result stands, its probes. */
struct error *inspect_func(struct index *index, const struct func *func, FILE *out) MUST_CHECK;
/** Its code: instructions with their lines, targets by name, the probes' sites marked ">". */
struct error *inspect_code(struct index *index, const struct func *func, FILE *out) MUST_CHECK;
/** Types whose names match the pattern (NULL: all), with kind and size. */
struct error *inspect_types(struct index *index, const char *pattern, FILE *out) MUST_CHECK;
/** A type's fields, sizes, offsets, tags, and methods; of all types of this name. */
struct error *inspect_type(struct index *index, const char *name, FILE *out) MUST_CHECK;
/** A type, or a function where no type has this name. */
struct error *inspect_whatis(struct index *index, const char *word, FILE *out) MUST_CHECK;

/** The sites of a function, as a trace would find them. */
struct error *inspect_sites(struct index *index, const struct func *func,
			    struct sites *out) MUST_CHECK;
/** "entry", "return" or "tail jump". */
const char *inspect_site_kind(const struct site *site);

/** The one function that a word means: an exact name, or a pattern that chooses one. */
struct error *inspect_find(struct index *index, const char *word,
			   const struct func **out) MUST_CHECK;

/** Names of functions, and of types, that begin with prefix. */
void inspect_func_names(struct index *index, struct completions *out, const char *prefix);
void inspect_type_names(struct index *index, struct completions *out, const char *prefix);
/** Whether the process of this number runs a Go program, as far as we may know. */
bool inspect_is_go(const char *pid);

#endif
