// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/redact.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/plan/expr/expr.h"

const char *const redact_defaults[] = {
	"password",
	"passwd",
	"secret",
	"token",
	"authorization",
	"cookie",
	"api_key",
	"private_key",
	"crypto/dsa.PrivateKey",
	"crypto/ecdh.PrivateKey",
	"crypto/ecdsa.PrivateKey",
	"crypto/ed25519.PrivateKey",
	"crypto/rsa.PrivateKey",
	"net/http.Cookie.Raw",
	"net/http.Cookie.Unparsed",
	"net/http.Cookie.Value",
	NULL,
};

enum { DEFAULTS = sizeof(redact_defaults) / sizeof(*redact_defaults) - 1, POINTERS_MAX = 8 };

enum rule_kind { RULE_NAME, RULE_TYPE, RULE_REGEXP };

struct rule {
	enum rule_kind kind;
	char text
		[REDACT_RULE_BYTES]; // of a name: small letters and digits, without what is between
	regex_t regexp;
};

struct redact {
	struct rule rules[DEFAULTS + REDACT_RULES];
	size_t num;
};

// --- Rules -------------------------------------------------------------------------------------

static struct error *add_regexp(struct rule *rule, const char *text, size_t len)
{
	char source[REDACT_RULE_BYTES];
	memcpy(source, text + 1, len - 2);
	source[len - 2] = '\0';
	int code = regcomp(&rule->regexp, source, REG_EXTENDED | REG_ICASE | REG_NOSUB);
	if (!code) {
		rule->kind = RULE_REGEXP;
		return NULL;
	}
	char why[128];
	regerror(code, &rule->regexp, why, sizeof(why));
	return error_new("%s: %s", text, why);
}

static struct error *add_rule(struct redact *redact, const char *text)
{
	struct rule *rule = &redact->rules[redact->num];
	size_t len = strlen(text);
	if (len >= sizeof(rule->text))
		return error_new("%.20s...: longer than %d bytes", text, REDACT_RULE_BYTES - 1);
	if (len > 2 && text[0] == '/' && text[len - 1] == '/') {
		struct error *err = add_regexp(rule, text, len);
		redact->num += !err;
		return err;
	}
	rule->kind = strchr(text, '.') ? RULE_TYPE : RULE_NAME;
	size_t at = 0;
	for (size_t i = 0; i < len; i++)
		if (rule->kind == RULE_TYPE)
			rule->text[at++] = text[i];
		else if (isalnum((unsigned char)text[i]))
			rule->text[at++] = (char)tolower((unsigned char)text[i]);
	if (!at)
		return error_new("'%s': give a name, a type or /regexp/", text);
	redact->num++;
	return NULL;
}

struct error *redact_create(const struct redact_options *options, struct redact **out)
{
	struct redact *redact = calloc(1, sizeof(*redact));
	struct error *err = redact ? NULL : error_nomem();
	for (size_t i = 0; !err && i < DEFAULTS && !options->no_defaults; i++)
		err = add_rule(redact, redact_defaults[i]);
	for (uint32_t i = 0; !err && i < options->num && i < REDACT_RULES; i++)
		err = add_rule(redact, options->rules[i]);
	if (err) {
		redact_destroy(redact);
		return err;
	}
	*out = redact;
	return NULL;
}

void redact_destroy(struct redact *redact)
{
	for (size_t i = 0; redact && i < redact->num; i++)
		if (redact->rules[i].kind == RULE_REGEXP)
			regfree(&redact->rules[i].regexp);
	free(redact);
}

// --- Names -------------------------------------------------------------------------------------

// True if a word begins at this byte of a name: "X-Auth", "authToken", "APIKey", "key2".
static bool begins_word(const char *name, size_t len, size_t at)
{
	if (!at || at >= len)
		return true;
	unsigned char before = (unsigned char)name[at - 1], c = (unsigned char)name[at];
	if (!isalpha(before) || !isalpha(c))
		return !isalnum(before) != !isalnum(c) || !isdigit(before) != !isdigit(c);
	bool is_next_small = at + 1 < len && islower((unsigned char)name[at + 1]);
	return isupper(c) && (islower(before) || is_next_small);
}

// True if the words of a rule are those of the name from this byte on.
static bool has_words(const char *name, size_t len, size_t at, const char *rule)
{
	for (; *rule && at < len; at++) {
		if (!isalnum((unsigned char)name[at]))
			continue;
		if (tolower((unsigned char)name[at]) != *rule++)
			return false;
	}
	if (*rule)
		return false;
	if (at < len && (name[at] == 's' || name[at] == 'S') && begins_word(name, len, at + 1))
		return true;
	return begins_word(name, len, at);
}

static bool is_matched(const struct rule *rule, const char *text, size_t len)
{
	char copy[REDACT_RULE_BYTES];
	if (len >= sizeof(copy))
		len = sizeof(copy) - 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return !regexec(&rule->regexp, copy, 0, NULL, 0);
}

bool redact_has_name(const struct redact *redact, const char *name, size_t len)
{
	for (size_t i = 0; redact && i < redact->num; i++) {
		const struct rule *rule = &redact->rules[i];
		if (rule->kind == RULE_REGEXP && is_matched(rule, name, len))
			return true;
		for (size_t at = 0; rule->kind == RULE_NAME && at < len; at++)
			if (tolower((unsigned char)name[at]) == rule->text[0] &&
			    begins_word(name, len, at) && has_words(name, len, at, rule->text))
				return true;
	}
	return false;
}

// --- Types -------------------------------------------------------------------------------------

static bool is_type(const struct rule *rule, const struct gotype *type)
{
	if (rule->kind == RULE_TYPE)
		return !strcmp(rule->text, type->full_name) || !strcmp(rule->text, type->name);
	return rule->kind == RULE_REGEXP &&
	       is_matched(rule, type->full_name, strlen(type->full_name));
}

bool redact_has_type(const struct redact *redact, const struct gotype *type)
{
	for (unsigned i = 0; i < POINTERS_MAX && type->kind == GO_POINTER && type->elem; i++)
		type = type->elem;
	for (size_t i = 0; redact && i < redact->num; i++)
		if (is_type(&redact->rules[i], type))
			return true;
	return false;
}

bool redact_has_value(const struct redact *redact, const char *name, const struct gotype *type)
{
	return ((!type || type->kind != GO_BOOL) && redact_has_name(redact, name, strlen(name))) ||
	       (type && redact_has_type(redact, type));
}

bool redact_has_field(const struct redact *redact, const struct gotype *type, const char *field)
{
	for (size_t i = 0; redact && i < redact->num; i++) {
		const struct rule *rule = &redact->rules[i];
		if (rule->kind != RULE_TYPE)
			continue;
		const char *dot = strrchr(rule->text, '.');
		size_t len = (size_t)(dot - rule->text);
		if (!strcmp(dot + 1, field) && strlen(type->full_name) == len &&
		    !memcmp(type->full_name, rule->text, len))
			return true;
	}
	return false;
}

static bool has_step(const struct redact *redact, const struct expr_step *step)
{
	if (step->to && redact_has_type(redact, step->to))
		return true;
	if (step->kind == EXPR_STEP_FIELD)
		return redact_has_value(redact, step->text, step->to) ||
		       redact_has_field(redact, step->from, step->text);
	return step->kind == EXPR_STEP_KEY && step->text && step->to->kind != GO_BOOL &&
	       redact_has_name(redact, step->text, step->len);
}

bool redact_has_path(const struct redact *redact, const struct expr_path *path)
{
	bool is_secret = redact_has_value(redact, path->param->name, path->param->type);
	for (size_t i = 0; i < path->num_steps && !is_secret; i++)
		is_secret = has_step(redact, &path->steps[i]);
	return is_secret;
}
