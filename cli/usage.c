// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/usage.h"

#include <string.h>

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

void usage_try_name(struct usage_nearest *nearest, const char *name)
{
	size_t wrong = distance(nearest->word, nearest->len, name, strlen(name));
	if (wrong > 1 + nearest->len / 4 || (nearest->name && wrong >= nearest->wrong))
		return;
	nearest->name = name;
	nearest->wrong = wrong;
}

bool usage_is_number(const char *word)
{
	return *word && word[strspn(word, "0123456789")] == '\0';
}

struct error *usage_no_command(const char *name)
{
	struct usage_nearest nearest = {.word = name, .len = strlen(name)};
	for (size_t i = 0; command_at(i); i++)
		usage_try_name(&nearest, command_at(i)->name);
	if (usage_is_number(name))
		return error_new("which command? To trace a process: gotrace attach %s 'main.*'",
				 name);
	if (name[0] == '-')
		return error_new("which command? Options follow it: gotrace attach PID 'main.*' %s",
				 name);
	if (nearest.name)
		return error_new("no command '%s'; did you mean '%s'?", name, nearest.name);
	return error_new("no command '%s': see gotrace --help", name);
}
