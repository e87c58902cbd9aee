// SPDX-License-Identifier: GPL-2.0-or-later
// From a request to the plan.
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "tracer/plan/internal.h"
#include "tracer/plan/show.h"

static bool has_clauses(const struct plan_func *func, const struct plan_conditions *conditions)
{
	CLEANUP_FREE char *text = plan_condition_text(conditions, func->func);
	CLEANUP_FREE char *clauses = plan_clauses_text(conditions, func->func);
	return text && clauses && !strcmp(text, func->condition ? func->condition : "") &&
	       !strcmp(clauses, func->clauses ? func->clauses : "");
}

static bool has_options(const struct plan_func *func, const struct plan_conditions *conditions)
{
	const struct plan_options *options = &conditions->request->options;
	if (options->counting) // they are the same in the whole plan
		return true;
	return func->has_args == !options->capture.no_args &&
	       func->has_return == !options->capture.no_return &&
	       func->sampling.every == options->sampling.every &&
	       func->sampling.rate == options->sampling.rate && has_clauses(func, conditions);
}

// Finds this function in the plan: the entry that is armed, else one with these options.
static const struct plan_func *find_func(const struct plan *plan, const struct func *func,
					 const struct plan_conditions *conditions)
{
	const struct plan_request *request = conditions->request;
	uint32_t latest = plan->state->by_func[func->number];
	const struct plan_func *fitting = NULL;
	for (const struct plan_func *known = latest ? plan->funcs[latest - 1] : NULL; known;
	     known = known->former) {
		if (request->is_armed && request->is_armed(request->context, known->number))
			return known;
		if (!fitting && has_options(known, conditions))
			fitting = known;
	}
	return fitting;
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

static struct error *add_all(struct plan *plan, const struct plan_conditions *conditions,
			     const struct selection *selection, struct plan_selected *out)
{
	struct plan_selected selected = {
		.funcs = calloc(selection->num + 1, sizeof(*selected.funcs))};
	if (!selected.funcs)
		return error_nomem();
	struct error *err = NULL;
	for (size_t i = 0; i < selection->num && !err; i++) {
		const struct func *func = selection->func[i];
		log_progress("functions read", i + 1, selection->num);
		const struct plan_func *found = find_func(plan, func, conditions);
		if (!found)
			err = plan_add_func(plan, func, conditions, &found);
		if (err)
			err = error_wrap(err, "%s", func->name);
		else if (found)
			selected.funcs[selected.num++] = found->number;
		else
			selected.num_refused++;
	}
	if (!err && plan->state->failed)
		err = error_nomem();
	if (err) {
		plan_selected_deinit(&selected);
		return err;
	}
	qsort(selected.funcs, selected.num, sizeof(*selected.funcs), by_number);
	*out = selected;
	return NULL;
}

// Notes which functions the patterns name exactly.
static struct error *note_named(struct plan *plan, const struct plan_conditions *conditions)
{
	for (size_t i = 0; i < conditions->num_patterns; i++) {
		struct selection named;
		const char *pattern = conditions->patterns[i];
		if (pattern[0] == '!' || pattern[0] == '/')
			continue;
		struct error *err = select_named(plan->index, pattern, &named);
		if (err)
			return err;
		for (size_t j = 0; j < named.num; j++) {
			uint32_t latest = plan->state->by_func[named.func[j]->number];
			if (latest)
				plan->funcs[latest - 1]->is_named = true;
		}
		selection_deinit(&named);
	}
	return NULL;
}

struct error *plan_add(struct plan *plan, const struct plan_request *request,
		       struct plan_selected *out)
{
	struct selection selection = {0};
	struct plan_conditions conditions;
	struct error *err = plan_conditions_init(&conditions, plan->index, request);
	if (err)
		return err;
	if (!request->selection)
		err = select_functions(plan->index, conditions.patterns, conditions.num_patterns,
				       &selection);
	const char *within = request->options.filter.within;
	uint32_t group;
	if (!err && within) // an error in it is reported before any function is checked
		err = plan_within_group(plan, within, &group);
	const struct selection *selected = request->selection ? request->selection : &selection;
	if (!err && !request->is_recorded)
		err = plan_show_check(plan, &conditions, selected);
	if (!err)
		err = add_all(plan, &conditions, selected, out);
	if (!err && (err = note_named(plan, &conditions)))
		plan_selected_deinit(out);
	if (selection.func)
		selection_deinit(&selection);
	plan_conditions_deinit(&conditions);
	return err;
}

void plan_selected_deinit(struct plan_selected *selected)
{
	free(selected->funcs);
	*selected = (struct plan_selected){0};
}
