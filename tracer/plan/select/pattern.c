// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/select/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	REGEXP_MAX = 1000,	 // bytes
	REGEXP_REPEAT_MAX = 1000 // the product of all {n,m}, which regcomp unrolls
};

// Returns why regcomp must not get this regexp, or NULL. Back references make matching exponential,
// and nested repetitions make compiling exponential.
static const char *regexp_trouble(const char *regexp)
{
	if (!*regexp)
		return "it is empty";
	if (strlen(regexp) > REGEXP_MAX)
		return "it is too long";
	unsigned long repeat = 1;
	for (const char *at = regexp; *at; at++) {
		if (*at == '\\' && at[1]) {
			at++;
			if (*at >= '1' && *at <= '9')
				return "back references are not supported";
			continue;
		}
		if (*at != '{')
			continue;
		unsigned long most = 1;
		for (const char *digit = at + 1; *digit && *digit != '}'; digit++) {
			unsigned long number = strtoul(digit, NULL, 10);
			if (*digit >= '0' && *digit <= '9' && number > most)
				most = number;
		}
		if (most > REGEXP_REPEAT_MAX || repeat * most > REGEXP_REPEAT_MAX)
			return "it repeats too much";
		repeat *= most;
	}
	return NULL;
}

static struct error *compile(struct pattern *pattern)
{
	size_t len = strlen(pattern->body);
	if (len < 2 || pattern->body[len - 1] != '/')
		return error_new("'%s': a regexp ends with a slash", pattern->given);
	char *regexp CLEANUP_FREE = strndup(pattern->body + 1, len - 2);
	if (!regexp)
		return error_nomem();
	const char *trouble = regexp_trouble(regexp);
	if (trouble)
		return error_new("'%s': bad regexp: %s", pattern->given, trouble);
	int status = regcomp(&pattern->regexp, regexp, REG_EXTENDED | REG_NOSUB);
	if (status) {
		char message[128];
		regerror(status, &pattern->regexp, message, sizeof(message));
		return error_new("'%s': bad regexp: %s", pattern->given, message);
	}
	pattern->is_regexp = true;
	return NULL;
}

struct error *pattern_init(struct pattern *pattern, const char *given)
{
	bool takes_away = given[0] == '!';
	*pattern = (struct pattern){
		.given = given,
		.body = given + takes_away,
		.takes_away = takes_away,
	};
	text_init(&pattern->bare);
	text_init(&pattern->unescaped);
	if (!*pattern->body)
		return error_new("'%s': an empty pattern", given);
	if (pattern->body[0] == '/') // no name starts with a slash
		return compile(pattern);
	pattern->is_glob = strpbrk(pattern->body, "*?") != NULL;
	return NULL;
}

void pattern_deinit(struct pattern *pattern)
{
	if (pattern->is_regexp)
		regfree(&pattern->regexp);
	text_deinit(&pattern->bare);
	text_deinit(&pattern->unescaped);
}

// Returns the position after the "]" that closes the bracket at name; NULL if there is none.
// Brackets in the quoted tags of a struct do not count.
static const char *bracket_end(const char *name)
{
	int depth = 0;
	for (const char *at = name; *at; at++) {
		if (*at == '[')
			depth++;
		else if (*at == ']' && --depth == 0)
			return at + 1;
		else if (*at == '"') {
			for (at++; *at && *at != '"'; at++) {
				if (*at == '\\' && at[1])
					at++;
			}
			if (!*at)
				return NULL;
		}
	}
	return NULL;
}

void pattern_write_bare(const char *name, struct text *out)
{
	while (*name) {
		size_t plain = strcspn(name, "[");
		text_append(out, name, plain);
		name += plain;
		if (!*name)
			return;
		const char *end = bracket_end(name);
		if (!end) {
			text_puts(out, name);
			return;
		}
		name = end;
	}
}

// Returns the name without brackets; NULL if it has none or memory runs out.
static const char *bare_name(struct pattern *pattern, const char *name)
{
	if (!strchr(name, '['))
		return NULL;
	text_reset(&pattern->bare);
	pattern_write_bare(name, &pattern->bare);
	return pattern->bare.failed ? NULL : text_string(&pattern->bare);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void pattern_write_unescaped(const char *name, struct text *out)
{
	for (; *name; name++) {
		int high = *name == '%' ? hex_digit(name[1]) : -1;
		int low = high >= 0 ? hex_digit(name[2]) : -1;
		bool is_escape = low >= 0 && high + low > 0;
		text_putc(out, is_escape ? (char)(high << 4 | low) : *name);
		if (is_escape)
			name += 2;
	}
}

// Returns the name without the linker's escapes; NULL if it has none or memory runs out.
static const char *unescaped_name(struct pattern *pattern, const char *name)
{
	if (!strchr(name, '%'))
		return NULL;
	text_reset(&pattern->unescaped);
	pattern_write_unescaped(name, &pattern->unescaped);
	return pattern->unescaped.failed ? NULL : text_string(&pattern->unescaped);
}

static bool is_instance(struct pattern *pattern, const char *name)
{
	if (!strcmp(pattern->body, name))
		return true;
	// A bare name and the whole name are the same up to the first bracket.
	size_t plain = strcspn(name, "[");
	if (!name[plain] || strncmp(pattern->body, name, plain))
		return false;
	const char *bare = bare_name(pattern, name);
	return bare && !strcmp(pattern->body, bare);
}

bool pattern_is_instance(struct pattern *pattern, const char *name)
{
	if (is_instance(pattern, name))
		return true;
	const char *unescaped = unescaped_name(pattern, name);
	return unescaped && is_instance(pattern, unescaped);
}

static bool matches(struct pattern *pattern, const char *name)
{
	if (pattern->is_regexp)
		return regexec(&pattern->regexp, name, 0, NULL, 0) == 0;
	if (!pattern->is_glob)
		return false;
	if (pattern_glob(pattern->body, name))
		return true;
	const char *bare = bare_name(pattern, name);
	return bare && pattern_glob(pattern->body, bare);
}

bool pattern_matches(struct pattern *pattern, const char *name)
{
	if (matches(pattern, name))
		return true;
	const char *unescaped = unescaped_name(pattern, name);
	return unescaped && matches(pattern, unescaped);
}

// Returns the position after the UTF-8 character at s.
static const char *next_char(const char *s)
{
	unsigned char lead = *s++;
	int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
	while (more-- && (*s & 0xc0) == 0x80)
		s++;
	return s;
}

bool pattern_glob(const char *glob, const char *name)
{
	// star: the position after the last *. taken: the end of what that * matches. Only the last
	// * ever needs to match more.
	const char *star = NULL, *taken = NULL;
	while (*name) {
		if (*glob == '*') {
			star = ++glob;
			taken = name;
		} else if (*glob == '?') {
			glob++;
			name = next_char(name);
		} else if (*glob == *name) {
			glob++;
			name++;
		} else if (star) {
			glob = star;
			name = taken = next_char(taken);
		} else
			return false;
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}
