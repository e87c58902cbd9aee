// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/select/nearest.h"

#include <string.h>

#include "base/text.h"
#include "tracer/plan/select/pattern.h"

enum {
	WORD_MAX = 200, // bytes of a pattern or name that are compared
	WRONG_MAX = 5,	// at most this many wrong characters in a near name
	CLOSER = 5,	// a name whose score is worse than the best by more than this is not shown
	FAR = 1000
};

struct word {
	char text[WORD_MAX + 1]; // in lower case
	size_t len;
	size_t last;	// offset of its last component
	size_t package; // length of its package's path
};

struct candidates {
	const char *name[NEAREST_MAX];
	unsigned score[NEAREST_MAX];
	size_t num;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static void word_finish(struct word *word)
{
	word->text[word->len] = '\0';
	const char *slash = strrchr(word->text, '/');
	const char *first = strchr(slash ? slash : word->text, '.');
	const char *last = strrchr(word->text, '.');
	word->package = first ? (size_t)(first - word->text) : 0;
	word->last = last ? (size_t)(last + 1 - word->text) : 0;
}

struct room { // buffers for names that are compared in another form
	struct text bare, unescaped;
};

static const char *without_escapes(const char *name, struct room *room)
{
	if (!strchr(name, '%'))
		return name;
	text_reset(&room->unescaped);
	pattern_write_unescaped(name, &room->unescaped);
	return text_string(&room->unescaped);
}

static void word_of_name(const char *name, struct room *room, struct word *word)
{
	if (strchr(name, '[')) {
		text_reset(&room->bare);
		pattern_write_bare(name, &room->bare);
		name = text_string(&room->bare);
	}
	name = without_escapes(name, room);
	for (word->len = 0; word->len < WORD_MAX && name[word->len]; word->len++)
		word->text[word->len] = lower(name[word->len]);
	word_finish(word);
}

// Copies the pattern without characters that cannot be part of a name. *is_prefix: the
// pattern ended with *.
static void word_of_pattern(const char *pattern, struct word *word, bool *is_prefix)
{
	bool is_regexp = pattern[0] == '/';
	size_t len = strlen(pattern);
	while (len && (pattern[len - 1] == '*' || (is_regexp && pattern[len - 1] == '/')))
		len--;
	*is_prefix = pattern[len] == '*';
	word->len = 0;
	for (size_t i = 0; i < len && word->len < WORD_MAX; i++) {
		bool is_lead = word->len == 0 && (pattern[i] == '*' || pattern[i] == '/');
		if (!is_lead && !(is_regexp && strchr("\\^$", pattern[i])))
			word->text[word->len++] = lower(pattern[i]);
	}
	word_finish(word);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

// Returns how many edits (a character inserted, deleted or replaced, or two swapped) lead from a to
// b, or to the best prefix of b; bound + 1 if there are more than bound. Only cells within bound of
// the diagonal are computed.
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len, unsigned bound,
			 bool to_prefix)
{
	if (to_prefix && b_len > a_len + bound)
		b_len = a_len + bound;
	if (a_len > b_len + bound || b_len > a_len + bound)
		return bound + 1;
	unsigned rows[3][WORD_MAX + WRONG_MAX + 3];
	for (size_t j = 0; j <= b_len + 1; j++)
		rows[0][j] = j <= bound ? j : FAR;
	unsigned best = a_len <= bound ? a_len : FAR;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
		size_t low = i > bound ? i - bound : 1;
		size_t high = i + bound < b_len ? i + bound : b_len;
		row[low - 1] = low == 1 && i <= bound ? i : FAR;
		best = row[low - 1];
		for (size_t j = low; j <= high; j++) {
			unsigned cell = up[j - 1] + (a[i - 1] != b[j - 1]);
			cell = least(cell, least(up[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && j - 2 + bound >= i - 2 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cell = least(cell, up2[j - 2] + 1);
			row[j] = cell;
			best = least(best, cell);
		}
		row[high + 1] = FAR;
		if (best > bound)
			return bound + 1;
	}
	return least(to_prefix ? best : rows[a_len % 3][b_len], bound + 1);
}

static bool same_package(const struct word *a, const struct word *b)
{
	return a->package == b->package && !memcmp(a->text, b->text, a->package);
}

// Returns how far the name is from the wanted word; may be FAR if that is further than worst. A
// wrong character counts 4, which leaves room to order the kinds of nearness in between.
static unsigned score_name(const struct word *want, bool is_prefix, const struct word *name,
			   unsigned worst)
{
	unsigned bound = least(least(want->len / 4, WRONG_MAX), worst / 4);
	unsigned wrong = distance(want->text, want->len, name->text, name->len, bound, is_prefix);
	unsigned score = wrong <= bound ? 4 * wrong : FAR;
	unsigned elsewhere = same_package(want, name) ? 0 : 3;
	size_t want_last = want->len - want->last;
	bound = least(want_last / 4, 2);
	if (want_last >= 2 && worst >= 6 + elsewhere) {
		wrong = distance(want->text + want->last, want_last, name->text + name->last,
				 name->len - name->last, bound, is_prefix);
		if (wrong <= bound)
			score = least(score, 6 + 4 * wrong + elsewhere);
	}
	if (want->len >= 3 && score > 9 && strstr(name->text, want->text))
		score = least(score, 9 + elsewhere + (name->len - want->len) / 8);
	return score;
}

static void candidates_add(struct candidates *near, const char *name, unsigned score)
{
	for (size_t i = 0; i < near->num; i++) {
		if (!strcmp(near->name[i], name))
			return;
	}
	size_t place = near->num;
	while (place && near->score[place - 1] > score)
		place--;
	if (place == NEAREST_MAX)
		return;
	if (near->num < NEAREST_MAX)
		near->num++;
	for (size_t i = near->num - 1; i > place; i--) {
		near->name[i] = near->name[i - 1];
		near->score[i] = near->score[i - 1];
	}
	near->name[place] = name;
	near->score[place] = score;
}

size_t nearest_names(const struct func *func, size_t num, const char *pattern,
		     const char *out[NEAREST_MAX])
{
	struct word want, name;
	bool is_prefix;
	struct room room;
	text_init(&room.bare);
	text_init(&room.unescaped);
	word_of_pattern(without_escapes(pattern, &room), &want, &is_prefix);
	if (want.len < 2)
		num = 0;
	struct candidates near = {};
	for (size_t i = 0; i < num; i++) {
		unsigned worst = near.num == NEAREST_MAX ? near.score[NEAREST_MAX - 1] : FAR - 1;
		if (near.num && worst > near.score[0] + CLOSER)
			worst = near.score[0] + CLOSER;
		word_of_name(func[i].name, &room, &name);
		unsigned score = score_name(&want, is_prefix, &name, worst);
		if (func[i].flags & (FUNC_WRAPPER | FUNC_RUNTIME | FUNC_FOREIGN))
			score += 3;
		if (score <= worst)
			candidates_add(&near, func[i].name, score);
	}
	text_deinit(&room.bare);
	text_deinit(&room.unescaped);
	while (near.num && near.score[near.num - 1] > near.score[0] + CLOSER)
		near.num--;
	memcpy(out, near.name, near.num * sizeof(*out));
	return near.num;
}
