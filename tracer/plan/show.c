// SPDX-License-Identifier: GPL-2.0-or-later
// What is shown of calls: the lists of a request, for each function that has what they name.
#include "tracer/plan/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/vec.h"
#include "tracer/plan/internal.h"

// --- Functions -----------------------------------------------------------------------------------

static struct error *find_path(struct plan *plan, const struct func *func, const char *text,
			       struct expr_path **out, char **reason)
{
	const struct expr_scope scope = {.index = plan->index,
					 .signature = index_signature(plan->index, func)};
	return expr_path_create(&scope, text, out, reason);
}

static struct error *add_list(struct plan *plan, const struct func *func, const char *list,
			      size_t *size, struct plan_show *show)
{
	while (list) {
		CLEANUP_FREE char *one = expr_list_next(&list);
		CLEANUP_FREE char *reason = NULL;
		struct expr_path *path = NULL;
		struct error *err =
			one ? find_path(plan, func, one, &path, &reason) : error_nomem();
		if (!err && path && !vec_room(show->paths, show->num, *size))
			err = error_nomem();
		if (err) {
			expr_path_destroy(path);
			return err;
		}
		if (path)
			show->paths[show->num++] = path;
	}
	return NULL;
}

// True if an item of a hide clause is the parameter's name or its type, or a pointer to the type.
static bool is_hidden_by(const struct param *param, const char *item)
{
	const struct gotype *type = param->type;
	if (!strcmp(param->name, item))
		return true;
	if (type && type->kind == GO_POINTER && type->elem && *item != '*')
		type = type->elem;
	return type && (!strcmp(type->name, item) || !strcmp(type->full_name, item));
}

// True if an item of an args or hide clause says something about the parameter.
static bool is_about(const struct param *param, enum plan_clause clause, const char *item)
{
	if (param->is_hidden)
		return false;
	if (clause == CLAUSE_HIDE)
		return is_hidden_by(param, item);
	return !param->is_result && !strcmp(param->name, item);
}

static struct error *is_named(const struct param *param, const struct plan_condition *clause,
			      bool *out)
{
	*out = false;
	for (const char *list = clause->text; list && !*out;) {
		CLEANUP_FREE char *one = expr_list_next(&list);
		if (!one)
			return error_nomem();
		*out = is_about(param, clause->clause, one);
	}
	return NULL;
}

// Finds out whether a parameter is left out. If there are args clauses, an argument that none of
// them names is.
static struct error *find_left_out(const struct param *param, const struct func *func,
				   const struct plan_conditions *conditions, bool *out)
{
	bool has_args = false, is_arg = false;
	for (size_t i = 0; i < conditions->num; i++) {
		const struct plan_condition *clause = &conditions->conditions[i];
		bool has_name;
		if (clause->clause < CLAUSE_ARGS || !plan_condition_is_about(clause, func))
			continue;
		struct error *err = is_named(param, clause, &has_name);
		if (err)
			return err;
		*out |= clause->clause == CLAUSE_HIDE && has_name;
		has_args |= clause->clause == CLAUSE_ARGS;
		is_arg |= clause->clause == CLAUSE_ARGS && has_name;
	}
	*out |= has_args && !is_arg && !param->is_result;
	return NULL;
}

static struct error *leave_out(struct plan *plan, const struct func *func,
			       const struct plan_conditions *conditions, struct plan_show *show)
{
	const struct signature *signature = index_signature(plan->index, func);
	bool is_any = false;
	struct error *err = NULL;
	show->left_out = calloc(signature->num_params + 1, sizeof(*show->left_out));
	if (!show->left_out)
		return error_nomem();
	for (size_t i = 0; i < signature->num_params && !err; i++) {
		err = find_left_out(&signature->params[i], func, conditions, &show->left_out[i]);
		is_any |= show->left_out[i];
	}
	if (!is_any) {
		free(show->left_out);
		show->left_out = NULL;
	}
	return err;
}

struct error *plan_show_init(struct plan *plan, const struct func *func,
			     const struct plan_conditions *conditions, struct plan_show *out)
{
	struct plan_show show = {0};
	size_t size = 0;
	struct error *err = NULL;
	for (size_t i = 0; i < conditions->num && !err; i++) {
		const struct plan_condition *clause = &conditions->conditions[i];
		if (clause->clause != CLAUSE_SHOW || !plan_condition_is_about(clause, func))
			continue;
		show.is_set = true;
		err = add_list(plan, func, clause->text, &size, &show);
	}
	if (!err)
		err = leave_out(plan, func, conditions, &show);
	if (err)
		plan_show_deinit(&show);
	else
		*out = show;
	return err;
}

void plan_show_deinit(struct plan_show *show)
{
	for (size_t i = 0; i < show->num; i++)
		expr_path_destroy(show->paths[i]);
	free(show->paths);
	free(show->left_out);
	*show = (struct plan_show){0};
}

// --- Who has it ----------------------------------------------------------------------------------

struct fit { // of one expression
	size_t num, num_without;
	const struct func *without; // the function whose reason is the best
	char *reason;
	uint32_t column; // the reason's: the further, the more of the expression is right
};

// Why a function does not have an item of an args or hide clause, or NULL. *failed: no memory.
static char *why_not_named(struct plan *plan, const struct func *func, enum plan_clause clause,
			   const char *item, bool *failed)
{
	const struct signature *signature = index_signature(plan->index, func);
	for (size_t i = 0; i < signature->num_params; i++)
		if (is_about(&signature->params[i], clause, item))
			return NULL;
	struct text text;
	text_init(&text);
	text_printf(&text,
		    clause == CLAUSE_ARGS ? "it has no argument '%s'; there are "
					  : "it has nothing of this name or type: '%s'",
		    item);
	for (size_t i = 0; clause == CLAUSE_ARGS && i < signature->num_args; i++)
		if (!signature->params[i].is_hidden)
			text_printf(&text, "%s%s", i ? ", " : "", signature->params[i].name);
	char *reason = text.failed ? NULL : strdup(text_string(&text));
	*failed = !reason;
	text_deinit(&text);
	return reason;
}

static struct error *try_func(struct plan *plan, const struct func *func, enum plan_clause clause,
			      const char *text, struct fit *fit)
{
	CLEANUP_FREE char *reason = NULL;
	struct expr_path *path = NULL;
	struct error *err = NULL;
	bool failed = false;
	if (clause == CLAUSE_SHOW)
		err = find_path(plan, func, text, &path, &reason);
	else
		reason = why_not_named(plan, func, clause, text, &failed);
	expr_path_destroy(path);
	if (failed)
		return error_nomem();
	if (err)
		return err;
	fit->num++;
	if (!reason)
		return NULL;
	uint32_t column = expr_reason_column(text, reason);
	fit->num_without++;
	if (fit->without && column <= fit->column)
		return NULL;
	free(fit->reason);
	fit->reason = take(reason);
	fit->without = func;
	fit->column = column;
	return NULL;
}

// Adds to missing what some of the functions do not have.
static struct error *check_one(struct plan *plan, const struct plan_condition *clause,
			       const struct selection *selection, const char *text,
			       struct text *missing)
{
	struct fit fit = {0};
	struct error *err = NULL;
	for (size_t i = 0; i < selection->num && !err; i++)
		if (plan_condition_is_about(clause, selection->func[i]))
			err = try_func(plan, selection->func[i], clause->clause, text, &fit);
	CLEANUP_FREE char *reason = fit.reason;
	if (err || !fit.num_without || (clause->clause == CLAUSE_HIDE && fit.num_without < fit.num))
		return err;
	if (clause->clause == CLAUSE_HIDE) {
		log_warning("there is nothing to hide that is called '%s'", text);
		return NULL;
	}
	if (fit.num == 1)
		return error_new("%s does not have what is to be shown: %s", fit.without->name,
				 reason);
	if (fit.num_without == fit.num)
		return error_new("none of the %zu functions has what is to be shown: %s: %s",
				 fit.num, fit.without->name, reason);
	text_printf(missing, "%s'%s' (%zu of %zu, such as %s)", missing->len ? ", " : "", text,
		    fit.num_without, fit.num, fit.without->name);
	return NULL;
}

struct error *plan_show_check(struct plan *plan, const struct plan_conditions *conditions,
			      const struct selection *selection)
{
	struct error *err = NULL;
	struct text missing;
	text_init(&missing);
	for (size_t i = 0; i < conditions->num && !err; i++) {
		const struct plan_condition *clause = &conditions->conditions[i];
		const char *list = clause->clause == CLAUSE_IF ? NULL : clause->text;
		while (list && !err) {
			CLEANUP_FREE char *one = expr_list_next(&list);
			err = one ? check_one(plan, clause, selection, one, &missing)
				  : error_nomem();
		}
	}
	if (!err && missing.len)
		log_warning("not shown of functions that do not have it: %s",
			    text_string(&missing));
	text_deinit(&missing);
	return err;
}

struct error *plan_show_again(struct plan *plan, const struct plan_shown *shown,
			      const struct plan_selected *selected)
{
	const struct plan_request request = {.options.shown = *shown};
	struct plan_conditions conditions;
	struct error *err = plan_conditions_init(&conditions, plan->index, &request);
	if (err)
		return err;
	struct selection selection = {.func = calloc(selected->num + 1, sizeof(*selection.func))};
	for (size_t i = 0; selection.func && i < selected->num; i++)
		selection.func[selection.num++] = plan->funcs[selected->funcs[i]]->func;
	err = selection.func ? plan_show_check(plan, &conditions, &selection) : error_nomem();
	for (size_t i = 0; i < selected->num && !err; i++) {
		struct plan_func *func = plan->funcs[selected->funcs[i]];
		struct plan_show show;
		err = plan_show_init(plan, func->func, &conditions, &show);
		if (err)
			break;
		plan_show_deinit(&func->show);
		func->show = show;
	}
	selection_deinit(&selection);
	plan_conditions_deinit(&conditions);
	return err;
}
