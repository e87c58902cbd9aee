// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/complete.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

// True if the bracket at i follows the whole name of a generic function or type. False for the
// bracket of a map or an array, and for that in "(*T[int])".
static bool is_generic(const char *name, size_t i)
{
	static const char map[] = "map";
	size_t start = i;
	while (start && (isalnum((unsigned char)name[start - 1]) || name[start - 1] == '_'))
		start--;
	if (start == i || (start && name[start - 1] == '*'))
		return false;
	return i - start != strlen(map) || memcmp(name + start, map, strlen(map)) != 0;
}

// The end of the part that follows the first from bytes: after a slash or a dot, or before the type
// arguments of a generic name. Slashes and dots in brackets end no part. *is_name: a whole name
// ends there.
static size_t part_end(const char *name, size_t from, bool *is_name)
{
	size_t brackets = 0, i = 0;
	*is_name = true;
	for (; name[i]; i++) {
		if (name[i] == '[') {
			if (!brackets && i > from && is_generic(name, i))
				return i;
			brackets++;
		} else if (name[i] == ']' && brackets) {
			brackets--;
		} else if (!brackets && i >= from && (name[i] == '/' || name[i] == '.')) {
			*is_name = !name[i + 1];
			return i + 1;
		}
	}
	return i;
}

static struct completion *add_word(struct completions *completions, const char *name, size_t len)
{
	struct completion *found;
	HASH_FIND (hh, completions->all, name, len, found)
		;
	if (found)
		return found;
	found = calloc(1, sizeof(*found));
	if (!found)
		return NULL;
	found->word = strndup(name, len);
	if (found->word)
		HASH_ADD_KEYPTR(hh, completions->all, found->word, len, found);
	if (found->word && found->hh.tbl)
		return found;
	free(found->word);
	free(found);
	return NULL;
}

bool completions_add(struct completions *completions, const char *name, const char *prefix)
{
	size_t len = strlen(prefix);
	if (strncmp(name, prefix, len) != 0)
		return true;
	bool is_name;
	size_t end = part_end(name, len, &is_name);
	struct completion *found = completions->last;
	if (!found || found->hh.keylen != end || memcmp(found->word, name, end) != 0)
		found = add_word(completions, name, end);
	if (!found) {
		completions->failed = true;
		return false;
	}
	completions->last = found;
	found->is_name |= is_name;
	found->has_more |= !!name[end];
	return true;
}

void completions_add_options(struct completions *completions, const char *command, bool in_shell,
			     const char *prefix)
{
	for (const struct option_row *option = options_table; option->name; option++) {
		char word[64];
		snprintf(word, sizeof(word), "--%s", option->name);
		if (option_is_of(option, command) && (!in_shell || option_is_of_trace(option)))
			completions_add(completions, word, prefix);
	}
}

void completions_add_words(struct completions *completions, const struct option_row *option,
			   const char *prefix)
{
	for (size_t i = 0; option_word(option, i); i++)
		completions_add(completions, option_word(option, i), prefix);
}

static int by_word(const struct completion *a, const struct completion *b)
{
	return strcmp(a->word, b->word);
}

void completions_deinit(struct completions *completions)
{
	struct completion *completion, *next;
	HASH_ITER (hh, completions->all, completion, next) {
		HASH_DEL(completions->all, completion);
		free(completion->word);
		free(completion);
	}
	completions->last = NULL;
}

void completions_gather(struct completions *out, const char *prefix, completion_source *source,
			void *context)
{
	char *deeper = NULL;
	for (;;) {
		source(context, out, deeper ? deeper : prefix);
		const struct completion *only = HASH_COUNT(out->all) == 1 ? out->all : NULL;
		if (!only || only->is_name || out->failed)
			break;
		// The word is no whole name, so it is longer than the prefix: the loop ends.
		free(deeper);
		deeper = strdup(only->word);
		if (!deeper)
			break;
		completions_deinit(out);
	}
	free(deeper);
	HASH_SORT(out->all, by_word);
}

size_t completions_common(const struct completions *completions)
{
	if (!completions->all)
		return 0;
	const char *first = completions->all->word;
	size_t common = strlen(first);
	for (const struct completion *each = completions->all; each; each = each->hh.next) {
		size_t len = 0;
		while (len < common && each->word[len] == first[len])
			len++;
		common = len;
	}
	return common;
}

size_t completion_word(const char *line, size_t len, char *quote, char **word)
{
	struct text text;
	text_init(&text);
	size_t start = 0;
	*quote = 0;
	for (size_t i = 0; i < len; i++) {
		if (*quote && line[i] == *quote) {
			*quote = 0;
		} else if (!*quote && (line[i] == '\'' || line[i] == '"')) {
			*quote = line[i];
			start = text.len ? start : i + 1;
		} else if (!*quote && isspace((unsigned char)line[i])) {
			text_reset(&text);
			start = i + 1;
		} else if (line[i] == '\\' && *quote != '\'' && i + 1 < len &&
			   (strchr("\\'\"", line[i + 1]) ||
			    (!*quote && isspace((unsigned char)line[i + 1])))) {
			text_putc(&text, line[++i]);
		} else {
			text_putc(&text, line[i]);
		}
	}
	*word = text.failed ? NULL : strndup(text_string(&text), text.len);
	text_deinit(&text);
	return start;
}

static bool needs_backslash(char c, char quote)
{
	if (quote == '\'')
		return false;
	return c == '\\' || c == '"' || (!quote && (c == '\'' || isspace((unsigned char)c)));
}

char *completion_quote(const char *word, char quote)
{
	if (quote == '\'' && strchr(word, quote))
		return NULL;
	struct text text;
	text_init(&text);
	for (const char *p = word; *p; p++) {
		if (needs_backslash(*p, quote))
			text_putc(&text, '\\');
		text_putc(&text, *p);
	}
	char *quoted = text.failed ? NULL : strdup(text_string(&text));
	text_deinit(&text);
	return quoted;
}
