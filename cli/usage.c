// SPDX-License-Identifier: GPL-2.0-or-later
// Usage errors: what is wrong with a command line, and what to type instead.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rune.h"
#include "cli/cli.h"

enum { WORD_MAX = 32 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

// The edit distance between a and b: characters inserted, deleted or replaced, and neighbours
// swapped. WORD_MAX for a word that is too long.
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX + 1];
	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t cell = up[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(cell, least(up[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], up2[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

struct nearest {
	const char *word;
	size_t len;
	const char *name; // NULL: no name is similar
	size_t wrong;
};

static void try_name(struct nearest *nearest, const char *name)
{
	size_t wrong = distance(nearest->word, nearest->len, name, strlen(name));
	if (wrong > 1 + nearest->len / 4 || (nearest->name && wrong >= nearest->wrong))
		return;
	nearest->name = name;
	nearest->wrong = wrong;
}

const char *usage_nearest(const char *word, const char *const *names, size_t num)
{
	struct nearest nearest = {.word = word, .len = strlen(word)};
	for (size_t i = 0; i < num; i++)
		try_name(&nearest, names[i]);
	return nearest.name;
}

// The option whose name begins with the word; NULL if there is none. *nearest receives the most
// similar name.
static const struct argp_option *find_option(const struct argp *argp, struct nearest *nearest)
{
	const struct argp_option *found = NULL;
	for (const struct argp_option *i = argp->options;
	     i && (i->name || i->key || i->doc || i->group); i++) {
		if (!i->name)
			continue;
		if (!strncmp(i->name, nearest->word, nearest->len))
			found = i;
		if (!(i->flags & OPTION_HIDDEN))
			try_name(nearest, i->name);
	}
	for (const struct argp_child *i = argp->children; i && i->argp && !found; i++)
		found = find_option(i->argp, nearest);
	return found;
}

static const struct argp_option *find_letter(const struct argp *argp, int letter)
{
	for (const struct argp_option *i = argp->options;
	     i && (i->name || i->key || i->doc || i->group); i++)
		if (i->key == letter)
			return i;
	const struct argp_option *found = NULL;
	for (const struct argp_child *i = argp->children; i && i->argp && !found; i++)
		found = find_letter(i->argp, letter);
	return found;
}

static bool takes_next(const struct argp_option *option)
{
	return option && option->arg && !(option->flags & OPTION_ARG_OPTIONAL);
}

static void check_long(const struct argp *argp, const char *word, bool *has_value)
{
	static const char *const of_argp[] = {"help", "usage", "version"};
	struct nearest nearest = {.word = word + 2, .len = strcspn(word + 2, "=")};
	const struct argp_option *option = find_option(argp, &nearest);
	*has_value = !word[2 + nearest.len] && takes_next(option);
	bool is_known = option;
	for (size_t i = 0; i < sizeof(of_argp) / sizeof(*of_argp); i++)
		is_known |= !strncmp(of_argp[i], nearest.word, nearest.len);
	if (is_known)
		return;
	struct text said;
	text_init(&said);
	text_printf(&said, "%s: there is no option %.*s", program_invocation_name,
		    (int)nearest.len + 2, word);
	if (nearest.name)
		text_printf(&said, "; did you mean --%s?", nearest.name);
	else
		text_printf(&said, ": see %s --help", program_invocation_name);
	rune_disarm(&said, 0); // the word may contain a newline
	fputs(text_string(&said), stderr);
	fputc('\n', stderr);
	text_deinit(&said);
	exit(EXIT_USAGE);
}

void cli_parse(const struct argp *argp, int argc, char **argv, int *arg_index, void *input)
{
	static char help[] = "--help";
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		bool has_value = false;
		if (!strcmp(argv[i], "-h"))
			argv[i] = help;
		else if (!strncmp(argv[i], "--", 2))
			check_long(argp, argv[i], &has_value);
		else if (argv[i][0] == '-' && argv[i][1] && !argv[i][2])
			has_value = takes_next(find_letter(argp, argv[i][1]));
		i += has_value;
	}
	argp_err_exit_status = EXIT_USAGE;
	if (cli_argp(argp, argc, argv, 0, arg_index, input))
		exit(EXIT_USAGE);
}

static bool is_number(const char *word)
{
	return *word && word[strspn(word, "0123456789")] == '\0';
}

void usage_check_pid(struct argp_state *state, const char *pid, const char *next)
{
	if (!is_number(pid))
		argp_error(
			state,
			"%s: not a PID. Which process? Give its PID, then patterns such as 'main.*'",
			pid);
	if (next && is_number(next))
		argp_error(state, "%s and %s are both PIDs: give one process (pidof -s finds one)",
			   pid, next);
}

int usage_no_command(const char *name, const char *const *names, size_t num)
{
	const char *nearest = usage_nearest(name, names, num);
	if (is_number(name))
		cli_fail(error_new("which command? To trace a process: gotrace attach %s 'main.*'",
				   name));
	else if (name[0] == '-')
		cli_fail(error_new(
			"which command? Options follow it: gotrace attach PID 'main.*' %s", name));
	else if (nearest)
		cli_fail(error_new("no command '%s'; did you mean '%s'?", name, nearest));
	else
		cli_fail(error_new("no command '%s': see gotrace --help", name));
	return EXIT_USAGE;
}
