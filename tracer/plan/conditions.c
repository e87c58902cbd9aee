// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/conditions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tracer/plan/internal.h"

static struct error *check_clause(enum plan_clause clause, const char *text)
{
	bool is_list = clause != CLAUSE_IF;
	struct error *err = NULL;
	for (const char *rest = text; rest && !err;) {
		CLEANUP_FREE char *one = is_list ? expr_list_next(&rest) : strdup(text);
		CLEANUP_FREE char *reason = NULL;
		if (!one)
			err = error_nomem();
		else if (clause == CLAUSE_IF || clause == CLAUSE_SHOW)
			err = expr_check(one, &reason);
		else if (!*one)
			err = error_new("'%s': a name is missing", text);
		if (!err && reason)
			err = error_new(is_list ? "what is to be shown: %s" : "the condition %s",
					reason);
		rest = is_list ? rest : NULL;
	}
	return err;
}

static struct error *add_condition(struct plan_conditions *conditions, enum plan_clause clause,
				   char *text, struct plan_condition **out)
{
	if (!text)
		return error_nomem();
	struct plan_condition *all =
		realloc(conditions->conditions, (conditions->num + 1) * sizeof(*all));
	if (!all) {
		free(text);
		return error_nomem();
	}
	conditions->conditions = all;
	*out = &all[conditions->num++];
	**out = (struct plan_condition){.clause = clause, .text = text, .is_for_all = true};
	return check_clause(clause, text);
}

__attribute__((format(printf, 2, 3))) static struct error *add_short_form(
	struct plan_conditions *conditions, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *text;
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	struct plan_condition *condition;
	return add_condition(conditions, CLAUSE_IF, text, &condition);
}

// A name may contain quotes: struct tags in the type arguments of an instance.
static struct error *add_caller(struct plan_conditions *conditions, const char *name)
{
	struct text quoted;
	text_init(&quoted);
	for (const char *c = name; *c; c++)
		text_printf(&quoted, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	struct error *err = add_short_form(conditions, "$caller == \"%s\"", text_string(&quoted));
	text_deinit(&quoted);
	return err;
}

static struct error *add_list(struct plan_conditions *conditions, enum plan_clause clause,
			      const struct plan_list *list)
{
	struct error *err = NULL;
	struct plan_condition *condition;
	for (uint32_t i = 0; i < list->num && !err; i++)
		err = add_condition(conditions, clause, strdup(list->text[i]), &condition);
	return err;
}

static struct error *add_of_all(struct plan_conditions *conditions,
				const struct plan_options *options)
{
	const struct plan_filter *filter = &options->filter;
	struct error *err = add_list(conditions, CLAUSE_IF, &filter->conditions);
	if (!err)
		err = add_list(conditions, CLAUSE_SHOW, &options->shown.show);
	if (!err)
		err = add_list(conditions, CLAUSE_ARGS, &options->shown.args);
	if (!err)
		err = add_list(conditions, CLAUSE_HIDE, &options->shown.hide);
	if (!err && filter->caller)
		err = add_caller(conditions, filter->caller);
	if (!err && filter->slower_ns)
		err = add_short_form(conditions, "$duration > %lluns",
				     (unsigned long long)filter->slower_ns);
	if (!err && filter->errors)
		err = add_short_form(conditions, "$failed");
	return err;
}

// Adds the clauses that follow a pattern's name. A condition takes all that is left.
static struct error *add_clauses(struct plan_conditions *conditions, const struct index *index,
				 char *name, const char *at)
{
	enum plan_clause clause, following;
	struct error *err = NULL;
	for (const char *next; at && !err; at = next) {
		plan_find_word(at, &clause);
		at += strlen(plan_clause_word(clause));
		next = clause == CLAUSE_IF ? NULL : plan_find_word(at, &following);
		struct plan_condition *condition = NULL;
		char *text = next ? strndup(at, (size_t)(next - at)) : strdup(at);
		err = add_condition(conditions, clause, text, &condition);
		if (err)
			return err;
		condition->is_for_all = false;
		// An error in the pattern is found again, and reported, when all patterns are
		// applied.
		error_free(select_functions(index, &name, 1, &condition->only));
		if (clause != CLAUSE_IF && conditions->request->options.counting)
			err = error_new("'%s%s': calls that are counted are not shown",
					plan_clause_word(clause) + 1, condition->text);
	}
	return err;
}

static struct error *add_pattern(struct plan_conditions *conditions, const struct index *index,
				 const char *pattern)
{
	const char *split = plan_find_clause(pattern);
	if (split && pattern[0] == '!') {
		bool is_condition = !strncmp(split, plan_clause_word(CLAUSE_IF),
					     strlen(plan_clause_word(CLAUSE_IF)));
		return error_new("'%s': a pattern that excludes functions has no condition; select "
				 "the calls that you want: '%.*s if !(%s)'",
				 pattern, (int)(split - pattern - 1), pattern + 1,
				 is_condition ? split + strlen(plan_clause_word(CLAUSE_IF))
					      : "EXPR");
	}
	char *name = split ? strndup(pattern, (size_t)(split - pattern)) : strdup(pattern);
	if (!name)
		return error_nomem();
	conditions->patterns[conditions->num_patterns++] = name;
	return add_clauses(conditions, index, name, split);
}

struct error *plan_conditions_init(struct plan_conditions *conditions, const struct index *index,
				   const struct plan_request *request)
{
	*conditions = (struct plan_conditions){.request = request};
	conditions->patterns = calloc(request->num_patterns + 1, sizeof(*conditions->patterns));
	if (!conditions->patterns)
		return error_nomem();
	struct error *err = add_of_all(conditions, &request->options);
	for (size_t i = 0; i < request->num_patterns && !err; i++)
		err = add_pattern(conditions, index, request->patterns[i]);
	if (err)
		plan_conditions_deinit(conditions);
	return err;
}

void plan_conditions_deinit(struct plan_conditions *conditions)
{
	for (size_t i = 0; i < conditions->num_patterns; i++)
		free(conditions->patterns[i]);
	free(conditions->patterns);
	for (size_t i = 0; i < conditions->num; i++) {
		free(conditions->conditions[i].text);
		if (!conditions->conditions[i].is_for_all)
			selection_deinit(&conditions->conditions[i].only);
	}
	free(conditions->conditions);
	*conditions = (struct plan_conditions){0};
}

// --- Conditions of a function --------------------------------------------------------------------

bool plan_condition_is_about(const struct plan_condition *condition, const struct func *func)
{
	if (condition->is_for_all)
		return true;
	for (size_t i = 0; i < condition->only.num; i++)
		if (condition->only.func[i] == func)
			return true;
	return false;
}

// Stores the texts of the clauses of this kind that apply to the function and returns how many.
static size_t texts_about(const struct plan_conditions *conditions, enum plan_clause clause,
			  const struct func *func, const char **out)
{
	size_t num = 0;
	for (size_t i = 0; i < conditions->num; i++)
		if (conditions->conditions[i].clause == clause &&
		    plan_condition_is_about(&conditions->conditions[i], func))
			out[num++] = conditions->conditions[i].text;
	return num;
}

char *plan_condition_text(const struct plan_conditions *conditions, const struct func *func)
{
	CLEANUP_FREE const char **texts = calloc(conditions->num + 1, sizeof(*texts));
	if (!texts)
		return NULL;
	size_t num = texts_about(conditions, CLAUSE_IF, func, texts);
	struct text all;
	text_init(&all);
	text_puts(&all, "");
	for (size_t i = 0; i < num; i++)
		text_printf(&all, "%s%s%s%s", i ? " && " : "", num > 1 ? "(" : "", texts[i],
			    num > 1 ? ")" : "");
	const char *within = conditions->request->options.filter.within;
	if (within)
		text_printf(&all, " within %s", within);
	char *text = all.failed ? NULL : strdup(text_string(&all));
	text_deinit(&all);
	return text;
}

char *plan_clauses_text(const struct plan_conditions *conditions, const struct func *func)
{
	CLEANUP_FREE const char **texts = calloc(conditions->num + 1, sizeof(*texts));
	if (!texts)
		return NULL;
	struct text all;
	text_init(&all);
	text_puts(&all, "");
	for (unsigned clause = CLAUSE_IF + 1; clause < NUM_PLAN_CLAUSES; clause++) {
		size_t num = texts_about(conditions, (enum plan_clause)clause, func, texts);
		for (size_t i = 0; i < num; i++)
			text_printf(&all, "%s%s",
				    i ? ", " : plan_clause_word((enum plan_clause)clause),
				    texts[i]);
	}
	char *text = all.failed ? NULL : strdup(text_string(&all));
	text_deinit(&all);
	return text;
}

// --- Tables --------------------------------------------------------------------------------------

static struct error *add_code(struct plan *plan, const struct expr_code *code,
			      struct plan_program *out)
{
	struct plan_tables *tables = &plan->tables;
	uint32_t num = code->num_entry + code->num_return, first = tables->num_ops;
	bool asks_goroutine = false;
	for (uint32_t i = 0; i < num; i++) {
		struct error *err = plan_grow((void **)&tables->ops, &plan->state->size_ops,
					      tables->num_ops, sizeof(*tables->ops));
		if (err)
			return err;
		struct wire_op op = code->ops[i];
		asks_goroutine |= op.code == WIRE_OP_GOID && i < code->num_entry;
		if (op.code >= WIRE_OP_TEXT_EQUAL && op.code <= WIRE_OP_TEXT_ORDER)
			op.off += tables->num_literals;
		plan->wants_depth |= op.code == WIRE_OP_DEPTH;
		tables->ops[tables->num_ops++] = op;
	}
	for (uint32_t i = 0; i < code->num_literals; i++) {
		struct error *err =
			plan_grow((void **)&tables->literals, &plan->state->size_literals,
				  tables->num_literals, sizeof(*tables->literals));
		if (err)
			return err;
		tables->literals[tables->num_literals++] = code->literals[i];
	}
	*out = (struct plan_program){
		.entry_op = first,
		.num_entry = code->num_entry,
		.return_op = first + code->num_entry,
		.num_return = code->num_return,
		.decides_at_return = code->decides_at_return,
		.asks_goroutine = asks_goroutine,
	};
	return NULL;
}

// Finds the code in the plan's tables, or adds it: many functions have the same.
static struct error *share_code(struct plan *plan, const struct expr_code *code,
				struct plan_program *out)
{
	const uint32_t numbers[] = {code->num_entry, code->num_return, code->decides_at_return};
	struct text key;
	text_init(&key);
	text_append(&key, numbers, sizeof(numbers));
	text_append(&key, code->ops, (numbers[0] + numbers[1]) * sizeof(*code->ops));
	text_append(&key, code->literals, code->num_literals * sizeof(*code->literals));
	struct plan_known_program *known = NULL;
	struct error *err = key.failed ? error_nomem() : NULL;
	if (!err)
		HASH_FIND (hh, plan->state->programs, key.data, key.len, known)
			;
	if (known)
		*out = known->program;
	else if (!err)
		err = add_code(plan, code, out);
	if (!err && !known && (known = malloc(sizeof(*known) + key.len))) {
		known->program = *out;
		memcpy(known->code, key.data, key.len);
		HASH_ADD_KEYPTR(hh, plan->state->programs, known->code, key.len, known);
		if (!known->hh.tbl)
			free(known);
	}
	text_deinit(&key);
	return err;
}

struct error *plan_compile_program(struct plan *plan, const struct func *func,
				   const struct plan_conditions *conditions,
				   struct expr_value_of *values, size_t num_values,
				   struct plan_program *out, char **reason)
{
	const struct plan_request *request = conditions->request;
	*reason = NULL;
	*out = (struct plan_program){0};
	CLEANUP_FREE const char **texts = calloc(conditions->num + 1, sizeof(*texts));
	if (!texts)
		return error_nomem();
	size_t num = texts_about(conditions, CLAUSE_IF, func, texts);
	if (!num && !num_values)
		return NULL;
	struct expr_scope scope = {
		.index = plan->index,
		.signature = index_signature(plan->index, func),
		.has_depth = !request->options.counting,
	};
	struct expr_code code;
	struct error *err = expr_compile(&scope, texts, num, values, num_values, &code, reason);
	if (err || *reason)
		return err;
	if (code.decides_at_return && request->options.capture.no_return &&
	    !(*reason = strdup(
		      "its condition is decided at the return, which --no-return leaves out")))
		err = error_nomem();
	if (!err && !*reason)
		err = share_code(plan, &code, out);
	expr_code_deinit(&code);
	return err;
}

struct error *plan_set_condition(struct plan *plan, uint32_t func,
				 const struct plan_program *program)
{
	static const struct wire_condition none = {0};
	struct plan_tables *tables = &plan->tables;
	while (tables->num_conditions <= func) {
		struct error *err =
			plan_grow((void **)&tables->conditions, &plan->state->size_conditions,
				  tables->num_conditions, sizeof(none));
		if (err)
			return err;
		tables->conditions[tables->num_conditions++] = none;
	}
	tables->conditions[func] = (struct wire_condition){
		.entry_op = program->entry_op,
		.num_entry = program->num_entry,
		.return_op = program->return_op,
		.num_return = program->num_return,
		.within = program->within,
		.asks_goroutine = program->asks_goroutine,
	};
	return NULL;
}
