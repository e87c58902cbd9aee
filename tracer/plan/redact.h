// SPDX-License-Identifier: GPL-2.0-or-later
// What is secret: values that are neither captured, as far as the plan can leave them out, nor
// shown. A rule is
// - a name of arguments, results, fields and keys of maps, also as words in a longer name: token is
//   in authToken, X-Auth-Token and tokens, not in tokenizer;
// - a type, "crypto/rsa.PrivateKey", or a field of one, "net/http.Cookie.Value";
// - a regular expression for names and types, "/^pin$/".
// Case makes no difference, except in types. A name does not make a bool secret: hasToken.
#ifndef GOTRACE_TRACER_PLAN_REDACT_H
#define GOTRACE_TRACER_PLAN_REDACT_H

#include "base/error.h"
#include "dwarf/go/gotype.h"

enum { REDACT_RULES = 64, REDACT_RULE_BYTES = 256 };

extern const char *const redact_defaults[]; // the default rules; ends with NULL

struct redact_options {
	const char *rules[REDACT_RULES]; // beside the default ones; borrowed
	uint32_t num;
	bool no_defaults; // "none" was given
};

struct redact;

/** An error is one of a rule. Nothing is borrowed from the options. */
struct error *redact_create(const struct redact_options *options, struct redact **out) MUST_CHECK;
void redact_destroy(struct redact *redact);

// redact may be NULL in all of these: nothing is secret.
/** True if a value of this name and type is secret. The type is complete, or NULL if it is not
 *  known. */
bool redact_has_value(const struct redact *redact, const char *name, const struct gotype *type);
/** name need not end with a NUL. */
bool redact_has_name(const struct redact *redact, const char *name, size_t len);
/** Also true of pointers to a secret type. */
bool redact_has_type(const struct redact *redact, const struct gotype *type);
/** True if a rule is of this field of this type. The rules for names and types are not checked. */
bool redact_has_field(const struct redact *redact, const struct gotype *type, const char *field);

struct expr_path;

/** True if what the path leads to, or anything on it, is secret. */
bool redact_has_path(const struct redact *redact, const struct expr_path *path);

#endif
