// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/select/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "tracer/plan/select/nearest.h"
#include "tracer/plan/select/pattern.h"

// True if the function is a wrapper that does not contain the code of what it wraps.
static bool is_mere_wrapper(const struct func *func)
{
	return (func->flags & FUNC_WRAPPER) && !func->body;
}

// True if globs and regexps do not select the function.
static bool is_left_out(const struct func *func)
{
	return (func->flags & (FUNC_RUNTIME | FUNC_FOREIGN)) || is_mere_wrapper(func);
}

// A wrapper that contains a method's code is also known by the method's name.
static bool func_matches(struct pattern *pattern, const struct func *func)
{
	return pattern_matches(pattern, func->name) ||
	       (func->symbol && pattern_matches(pattern, func->symbol)) ||
	       (func->body && pattern_matches(pattern, func->body));
}

struct chooser {
	const struct index *index;
	const struct func *func; // all functions, in address order
	size_t num;
	bool *is_chosen; // selected so far; same indexes as func
	bool *is_named;	 // the current pattern is the function's name; same indexes as func
};

static void chooser_deinit(struct chooser *chooser)
{
	free(chooser->is_chosen);
	free(chooser->is_named);
}

static struct error *chooser_init(struct chooser *chooser, const struct index *index)
{
	*chooser = (struct chooser){.index = index};
	chooser->func = index_funcs(index, &chooser->num);
	chooser->is_chosen = calloc(chooser->num + 1, sizeof(*chooser->is_chosen));
	chooser->is_named = calloc(chooser->num + 1, sizeof(*chooser->is_named));
	if (chooser->is_chosen && chooser->is_named)
		return NULL;
	chooser_deinit(chooser);
	*chooser = (struct chooser){0};
	return error_nomem();
}

// A wrapper that contains a method's code also has the names of the method and of its instance.
static bool is_name(const struct func *func, const char *name)
{
	return !strcmp(func_symbol(func), name) || !strcmp(func->name, name) ||
	       (func->body && !strcmp(func->body, name));
}

static bool is_instance(const struct func *func, struct pattern *pattern)
{
	return pattern_is_instance(pattern, func_symbol(func)) ||
	       (func->body && pattern_is_instance(pattern, func->body));
}

// Marks the functions whose name is the pattern; if there are none, those whose name without type
// arguments is the pattern. Returns how many.
static size_t mark_named(struct chooser *chooser, struct pattern *pattern)
{
	size_t num = 0;
	const struct func *found; // has the name in the linker's spelling
	bool is_found = index_named(chooser->index, pattern->body, &found, 1);
	for (size_t i = 0; i < chooser->num; i++) {
		const struct func *func = &chooser->func[i];
		chooser->is_named[i] =
			is_found ? is_name(func, func_symbol(found)) : is_instance(func, pattern);
		num += chooser->is_named[i];
	}
	return num;
}

static bool is_taken(const struct chooser *chooser, size_t i, bool has_body)
{
	return chooser->is_named[i] && !(has_body && is_mere_wrapper(&chooser->func[i]));
}

// Logs one warning for all functions with this flag that the pattern selects.
static void warn_named(const struct chooser *chooser, bool has_body, enum func_flags flag,
		       const char *why)
{
	const char *name = NULL;
	size_t more = 0;
	for (size_t i = 0; i < chooser->num; i++) {
		const struct func *func = &chooser->func[i];
		if (!is_taken(chooser, i, has_body) || !(func->flags & flag) ||
		    (flag == FUNC_WRAPPER && !is_mere_wrapper(func)))
			continue;
		more += name != NULL;
		name = name ? name : func->name;
	}
	if (more)
		log_warning("%s (and %zu more) %s", name, more, why);
	else if (name)
		log_warning("%s %s", name, why);
}

// Selects what mark_named marked, but mere wrappers only if there is nothing else. Returns whether
// there is something else.
static bool take_named(struct chooser *chooser)
{
	bool has_body = false;
	for (size_t i = 0; i < chooser->num && !has_body; i++)
		has_body = chooser->is_named[i] && !is_mere_wrapper(&chooser->func[i]);
	for (size_t i = 0; i < chooser->num; i++)
		chooser->is_chosen[i] |= is_taken(chooser, i, has_body);
	return has_body;
}

static void choose_named(struct chooser *chooser)
{
	bool has_body = take_named(chooser);
	warn_named(chooser, has_body, FUNC_RUNTIME,
		   "belongs to the runtime: tracing it can disturb the program or lose events");
	warn_named(chooser, has_body, FUNC_FOREIGN,
		   "is not Go: its goroutine and arguments are not known");
	warn_named(chooser, has_body, FUNC_WRAPPER, "is a wrapper that the compiler made");
}

struct inlined { // a function that the pattern would select if it had code of its own
	struct pattern *pattern;
	const char *name;
};

static bool look_for_inlined(void *context, const char *name)
{
	struct inlined *inlined = context;
	struct pattern *pattern = inlined->pattern;
	if (pattern_matches(pattern, name) ||
	    (!pattern->is_regexp && pattern_is_instance(pattern, name)))
		inlined->name = name;
	return !inlined->name;
}

// The error for a pattern that selects nothing. *is_there: it matches functions, but
// only ones that it cannot select, or that were inlined everywhere.
static struct error *nothing_chosen(const struct chooser *chooser, struct pattern *pattern,
				    const struct func *left_out, bool *is_there)
{
	*is_there = left_out;
	if (left_out)
		return error_new("'%s' matches only wrappers and functions of the runtime or C, "
				 "which are left out: give one by its exact name, for example '%s'",
				 pattern->given, left_out->name);
	struct inlined inlined = {.pattern = pattern};
	index_names(chooser->index, look_for_inlined, &inlined);
	*is_there = inlined.name;
	if (inlined.name && !pattern->is_regexp && pattern_is_instance(pattern, inlined.name))
		return error_new(
			"'%s' has no code of its own, every call of it was inlined: build the "
			"program with -gcflags=all=-l to trace it",
			inlined.name);
	if (inlined.name)
		return error_new(
			"'%s' matches no function that has code of its own; every call of '%s' was "
			"inlined: build the program with -gcflags=all=-l to trace it",
			pattern->given, inlined.name);
	const char *near[NEAREST_MAX];
	size_t num = nearest_names(chooser->func, chooser->num, pattern->body, near);
	const char *fault = pattern->is_glob || pattern->is_regexp ? "no function matches"
								   : "no function has the name";
	switch (num) {
	case 0:
		return error_new("%s '%s'", fault, pattern->given);
	case 1:
		return error_new("%s '%s'; did you mean '%s'?", fault, pattern->given, near[0]);
	case 2:
		return error_new("%s '%s'; did you mean '%s' or '%s'?", fault, pattern->given,
				 near[0], near[1]);
	default:
		return error_new("%s '%s'; did you mean '%s', '%s' or '%s'?", fault, pattern->given,
				 near[0], near[1], near[2]);
	}
}

static struct error *choose(struct chooser *chooser, struct pattern *pattern, bool *is_there)
{
	if (!pattern->is_regexp && mark_named(chooser, pattern)) {
		choose_named(chooser);
		return NULL;
	}
	const struct func *left_out = NULL;
	size_t num = 0;
	for (size_t i = 0; i < chooser->num; i++) {
		const struct func *func = &chooser->func[i];
		if (!func_matches(pattern, func))
			continue;
		if (is_left_out(func)) {
			left_out = left_out ? left_out : func;
			continue;
		}
		chooser->is_chosen[i] = true;
		num++;
	}
	return num ? NULL : nothing_chosen(chooser, pattern, left_out, is_there);
}

static void take_away(struct chooser *chooser, struct pattern *pattern)
{
	bool by_name = !pattern->is_regexp && mark_named(chooser, pattern);
	size_t num = 0;
	for (size_t i = 0; i < chooser->num; i++) {
		if (!chooser->is_chosen[i])
			continue;
		if (by_name ? chooser->is_named[i] : func_matches(pattern, &chooser->func[i])) {
			chooser->is_chosen[i] = false;
			num++;
		}
	}
	if (!num)
		log_warning("'%s' takes nothing away from what the patterns before it chose",
			    pattern->given);
}

static struct error *apply(struct chooser *chooser, const char *given, bool *is_there)
{
	struct pattern pattern;
	struct error *err = pattern_init(&pattern, given);
	if (!err && pattern.takes_away)
		take_away(chooser, &pattern);
	else if (!err)
		err = choose(chooser, &pattern, is_there);
	pattern_deinit(&pattern);
	return err;
}

static struct error *collect(const struct chooser *chooser, struct selection *out)
{
	size_t num = 0;
	for (size_t i = 0; i < chooser->num; i++)
		num += chooser->is_chosen[i];
	const struct func **func = malloc((num + 1) * sizeof(*func));
	if (!func)
		return error_nomem();
	num = 0;
	for (size_t i = 0; i < chooser->num; i++) {
		if (chooser->is_chosen[i])
			func[num++] = &chooser->func[i];
	}
	*out = (struct selection){.func = func, .num = num};
	return NULL;
}

// A pattern that matches functions but cannot select any (is_there) is an error only if no other
// pattern selects any; else it is a warning.
static struct error *apply_all(struct chooser *chooser, char *const *patterns, size_t num)
{
	struct error *nothing = NULL;
	size_t num_applied = 0;
	for (size_t i = 0; i < num; i++) {
		bool is_there = false;
		struct error *err = apply(chooser, patterns[i], &is_there);
		num_applied += !err && patterns[i][0] != '!';
		if (err && !is_there) {
			error_free(nothing);
			return err;
		}
		if (err && nothing)
			log_warning("%s", error_message(err));
		if (nothing)
			error_free(err);
		else
			nothing = err;
	}
	if (nothing && !num_applied)
		return nothing;
	if (nothing)
		log_warning("%s", error_message(nothing));
	error_free(nothing);
	return NULL;
}

struct error *select_functions(const struct index *index, char *const *patterns, size_t num,
			       struct selection *out)
{
	size_t num_away = 0;
	for (size_t i = 0; i < num; i++)
		num_away += patterns[i][0] == '!';
	if (!num)
		return error_new("no pattern says which functions, for example 'main.*'");
	if (num_away == num)
		return error_new("'%s' only excludes: put a pattern before it that selects, for "
				 "example 'main.*'",
				 patterns[0]);
	struct chooser chooser;
	struct error *err = chooser_init(&chooser, index);
	if (!err)
		err = apply_all(&chooser, patterns, num);
	if (!err)
		err = collect(&chooser, out);
	chooser_deinit(&chooser);
	if (!err && !out->num) {
		selection_deinit(out);
		err = error_new("the patterns exclude all that they select");
	}
	return err;
}

struct error *select_named(const struct index *index, const char *name, struct selection *out)
{
	struct chooser chooser;
	struct pattern pattern = {0};
	struct error *err = chooser_init(&chooser, index);
	bool is_name = *name && *name != '/' && *name != '!'; // not a regexp or an exclusion
	if (!err && is_name)
		err = pattern_init(&pattern, name);
	if (!err && is_name && mark_named(&chooser, &pattern))
		take_named(&chooser);
	if (!err)
		err = collect(&chooser, out);
	pattern_deinit(&pattern);
	chooser_deinit(&chooser);
	return err;
}

void selection_deinit(struct selection *selection)
{
	free(selection->func);
	*selection = (struct selection){};
}

struct error *select_matches(const char *given, const char *name, bool *out)
{
	struct pattern pattern;
	struct error *err = pattern_init(&pattern, given);
	if (!err)
		*out = (!pattern.is_regexp && pattern_is_instance(&pattern, name)) ||
		       pattern_matches(&pattern, name);
	pattern_deinit(&pattern);
	return err;
}
