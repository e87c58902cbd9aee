// SPDX-License-Identifier: GPL-2.0-or-later
// Splits lines into words. The words of a condition are joined to one, and so are those of what is
// to be shown, so that expressions need no quotes.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "cli/shell/shell.h"
#include "tracer/plan/expr/expr.h"

enum { WORDS_MAX = 4096, CONDITION_WORDS_MAX = 256 };

static const struct clause {
	const char *word, *option;
	bool is_list; // of expressions, with commas
} clauses[] = {{"if", "--if", false},
	       {"show", "--show", true},
	       {"args", "--args", true},
	       {"hide", "--hide", true}};

enum { NUM_CLAUSES = sizeof(clauses) / sizeof(*clauses) };

struct word {
	char *text;	 // without quotes
	const char *raw; // the word in the line, with quotes; borrowed
	size_t raw_len;
};

struct words {
	struct word *words;
	size_t num, size;
};

void shell_words_free(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	free(argv);
}

// Reads the word at *line, and moves *line after it. A backslash quotes only a blank, a quote or a
// backslash, so that a /regexp/ keeps its own backslashes.
static struct error *take_word(const char **line, struct text *word)
{
	char quote = 0;
	const char *p = *line;
	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (quote && *p == quote)
			quote = 0;
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1] &&
			 (strchr("\\'\"", p[1]) || (!quote && isspace((unsigned char)p[1]))))
			text_putc(word, *++p);
		else
			text_putc(word, *p);
	}
	*line = p;
	return quote ? error_new("a %c without its second one", quote) : NULL;
}

static struct error *add_word(struct words *words, const char **line)
{
	if (words->num == WORDS_MAX)
		return error_new("more than %d words", WORDS_MAX);
	struct text text;
	text_init(&text);
	const char *raw = *line;
	struct error *err = take_word(line, &text);
	bool has_room = vec_room(words->words, words->num, words->size);
	char *copy = has_room && !text.failed ? strdup(text_string(&text)) : NULL;
	text_deinit(&text);
	if (!err && !copy)
		err = error_nomem();
	if (err) {
		free(copy);
		return err;
	}
	words->words[words->num++] = (struct word){copy, raw, (size_t)(*line - raw)};
	return NULL;
}

static void words_deinit(struct words *words)
{
	for (size_t i = 0; i < words->num; i++)
		free(words->words[i].text);
	free(words->words);
}

// --- Clauses -------------------------------------------------------------------------------------

// True if the word cannot continue an expression that is complete before it: "!main.f" and "*Get"
// are patterns, "-q" is an option. "!=" and a single "*" continue the expression.
static bool begins_anew(const struct word *word)
{
	return word->raw_len > 1 &&
	       (strchr("*-", word->raw[0]) || (word->raw[0] == '!' && word->raw[1] != '='));
}

static bool begins_clause(const struct word *word)
{
	for (size_t i = 0; i < NUM_CLAUSES; i++)
		if (!strcmp(word->text, clauses[i].word))
			return true;
	return false;
}

// True if the text is all that a clause needs.
static struct error *is_complete(const struct clause *clause, const char *text, bool *is_whole)
{
	const char *rest = text;
	*is_whole = true;
	while (rest && *is_whole) {
		CLEANUP_FREE char *one = clause->is_list ? expr_list_next(&rest) : strdup(text);
		CLEANUP_FREE char *reason = NULL;
		struct error *err = one ? expr_check(one, &reason) : error_nomem();
		if (err)
			return err;
		*is_whole = !reason;
		rest = clause->is_list ? rest : NULL;
	}
	return NULL;
}

// Finds the longest expression that begins at start, which is in the first word, and ends at the
// end of a word. *text is the expression as in the line, which the caller frees, and *num the
// number of its words. Without an expression, *text is NULL and *num is the number of words up to
// the next option.
static struct error *find_expression(const struct clause *clause, const struct word *words,
				     size_t num_words, const char *start, char **text, size_t *num)
{
	bool is_whole = false;
	*text = NULL;
	size_t i;
	for (i = 0; i < num_words && i < CONDITION_WORDS_MAX; i++) {
		const struct word *word = &words[i];
		if (i && (!strncmp(word->raw, "--", 2) || (is_whole && begins_anew(word)) ||
			  (clause->is_list && begins_clause(word))))
			break;
		char *until = strndup(start, (size_t)(word->raw + word->raw_len - start));
		struct error *err = until ? is_complete(clause, until, &is_whole) : error_nomem();
		free(is_whole && !err ? *text : until);
		if (err)
			return err;
		if (!is_whole)
			continue;
		*text = until;
		*num = i + 1;
	}
	// No pattern begins with an operator, so the expression before an operator is not complete.
	if (*text && *num < num_words && strchr("<>=&|+,)", words[*num].raw[0])) {
		free(*text);
		*text = NULL;
	}
	if (!*text)
		*num = i;
	return NULL;
}

// Joins the words of a clause to one word at i. The clause's text begins skip bytes after the
// beginning of word i. If the user has put that word in quotes, the word is the whole text, unless
// it is the beginning of a longer expression.
static struct error *join_text(struct words *words, const struct clause *clause, size_t i,
			       size_t skip)
{
	struct word *first = &words->words[i];
	const char *start = first->raw + skip;
	CLEANUP_FREE char *expression = NULL;
	size_t num = 0;
	struct error *err =
		find_expression(clause, first, words->num - i, start, &expression, &num);
	bool has_quotes = strlen(first->text) != first->raw_len;
	bool is_quoted = *start == '\'' || *start == '"';
	if (err || (expression ? num == 1 && is_quoted : has_quotes))
		return err;
	const struct word *last = first + num - 1;
	char *text = strndup(first->raw,
			     skip + (expression ? strlen(expression)
						: (size_t)(last->raw + last->raw_len - start)));
	if (!text)
		return error_nomem();
	for (size_t j = 0; j < num; j++)
		free(first[j].text);
	first->text = text;
	memmove(first + 1, first + num, (words->num - i - num) * sizeof(*first));
	words->num -= num - 1;
	return NULL;
}

// Joins the three words of "PATTERN if EXPR", at i, to one word.
static struct error *join_pattern(struct words *words, const struct clause *clause, size_t i)
{
	struct error *err = join_text(words, clause, i + 2, 0);
	if (err)
		return err;
	struct word *first = &words->words[i];
	struct text text;
	text_init(&text);
	text_printf(&text, "%s %s %s", first->text, clause->word, first[2].text);
	char *joined = text.failed ? NULL : strdup(text_string(&text));
	text_deinit(&text);
	if (!joined)
		return error_nomem();
	for (size_t j = 0; j < 3; j++)
		free(first[j].text);
	first->text = joined;
	memmove(first + 1, first + 3, (words->num - i - 3) * sizeof(*first));
	words->num -= 2;
	return NULL;
}

static bool can_have_clauses(const struct word *word)
{
	return word->text[0] != '-' && word->text[0] != '/' && word->text[0] != '!';
}

// Joins what is at word *i, if it begins a clause of this kind.
static struct error *join_clause(struct words *words, const struct clause *clause, size_t *i)
{
	const struct word *word = &words->words[*i];
	size_t len = strlen(clause->option), word_len = strlen(clause->word);
	if (!strcmp(word->text, clause->option) && *i + 1 < words->num)
		return join_text(words, clause, ++*i, 0);
	if (!strncmp(word->raw, clause->option, len) && word->raw[len] == '=')
		return join_text(words, clause, *i, len + 1);
	if (*i + 2 < words->num && word[1].raw_len == word_len &&
	    !strcmp(word[1].text, clause->word) && can_have_clauses(word))
		return join_pattern(words, clause, *i);
	return NULL;
}

static struct error *join_clauses(struct words *words)
{
	struct error *err = NULL;
	for (size_t i = 1; i < words->num && !err; i++) {
		if (!strcmp(words->words[i].text, "--")) // the arguments of a program follow
			break;
		size_t at = i, num;
		do { // a pattern may have several clauses
			num = words->num;
			for (size_t j = 0; j < NUM_CLAUSES && !err && i == at; j++)
				err = join_clause(words, &clauses[j], &i);
		} while (!err && i == at && words->num < num && *words->words[i].text != '-');
	}
	return err;
}

struct error *shell_words(const char *line, int *argc, char ***argv)
{
	struct words words = {0};
	struct error *err = NULL;
	while (isspace((unsigned char)*line))
		line++;
	while (*line && !err) {
		err = add_word(&words, &line);
		while (isspace((unsigned char)*line))
			line++;
	}
	if (!err)
		err = join_clauses(&words);
	char **out = err ? NULL : calloc(words.num + 1, sizeof(*out));
	if (!err && !out)
		err = error_nomem();
	if (err) {
		words_deinit(&words);
		return err;
	}
	for (size_t i = 0; i < words.num; i++)
		out[i] = words.words[i].text;
	free(words.words);
	*argc = (int)words.num;
	*argv = out;
	return NULL;
}
