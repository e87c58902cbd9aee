// SPDX-License-Identifier: GPL-2.0-or-later
// The clauses of a pattern: where each begins.
#include <string.h>

#include "tracer/plan/conditions.h"

static const char *const words[] = {[CLAUSE_IF] = " if ",
				    [CLAUSE_SHOW] = " show ",
				    [CLAUSE_ARGS] = " args ",
				    [CLAUSE_HIDE] = " hide "};

const char *plan_clause_word(enum plan_clause clause)
{
	return words[clause];
}

const char *plan_find_word(const char *text, enum plan_clause *clause)
{
	int open = 0;
	char quote = 0;
	for (const char *at = text; *at; at++) {
		for (unsigned i = 0; i < NUM_PLAN_CLAUSES && !open && !quote && *at == ' '; i++) {
			*clause = (enum plan_clause)i;
			if (!strncmp(at, words[i], strlen(words[i])))
				return at;
		}
		if (quote && *at == '\\' && quote != '`' && at[1])
			at++;
		else if (quote)
			quote = *at == quote ? 0 : quote;
		else if (*at == '"' || *at == '`' || *at == '\'')
			quote = *at;
		else if (*at == '(' || *at == '[')
			open++;
		else if ((*at == ')' || *at == ']') && open)
			open--;
	}
	return NULL;
}

const char *plan_find_clause(const char *pattern)
{
	enum plan_clause clause;
	return pattern[pattern[0] == '!'] == '/' ? NULL : plan_find_word(pattern, &clause);
}
