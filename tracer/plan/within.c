// SPDX-License-Identifier: GPL-2.0-or-later
// The functions of --within: only calls made while one of them is active are wanted. The functions
// of one --within are a group. They have probes of their own, so traces of the same functions are
// not disturbed.
#include <stdlib.h>
#include <string.h>

#include "tracer/plan/internal.h"

struct error *plan_within_group(struct plan *plan, const char *pattern, uint32_t *group)
{
	for (uint32_t i = 0; i < plan->num_within; i++) {
		if (strcmp(plan->within[i].pattern, pattern))
			continue;
		*group = i + 1;
		return NULL;
	}
	if (plan->num_within == WIRE_WITHIN_MAX)
		return error_new("--within %s: at most %d of them can be watched at a time",
				 pattern, WIRE_WITHIN_MAX);
	struct plan_within *within = &plan->within[plan->num_within];
	*within = (struct plan_within){.pattern = strdup(pattern)};
	if (!within->pattern)
		return error_nomem();
	struct error *err = select_functions(plan->index, &within->pattern, 1, &within->functions);
	if (err) {
		free(within->pattern);
		*within = (struct plan_within){0};
		return error_wrap(err, "--within");
	}
	*group = ++plan->num_within;
	return NULL;
}

void plan_within_deinit(struct plan_within *within)
{
	free(within->pattern);
	selection_deinit(&within->functions);
}

static struct error *add_sites(struct plan *plan, const struct func *func,
			       const struct sites *sites, uint32_t group)
{
	struct plan_func *added;
	struct error *err = plan_append_func(plan, func, &added);
	for (size_t i = 0; !err && i < sites->num; i++) {
		const struct site *site = &sites->site[i];
		uint16_t kind = site->kind == SITE_ENTRY ? WIRE_PROBE_BEGIN : WIRE_PROBE_END;
		err = plan_add_site(plan, added, site, kind, NULL);
		if (err)
			break;
		plan->tables.probes[plan->tables.num_probes - 1].flags |= WIRE_ANY_GOROUTINE;
		added->num_probes++;
	}
	const struct plan_program program = {.within = group};
	if (err)
		return err;
	added->aggregate.wire.within = group;
	return plan->options.counting ? NULL : plan_set_condition(plan, added->number, &program);
}

static struct error *add_group(struct plan *plan, uint32_t group)
{
	const struct plan_within *within = &plan->within[group - 1];
	struct error *err = NULL;
	for (size_t i = 0; !err && i < within->functions.num; i++) {
		const struct func *func = within->functions.func[i];
		struct sites sites;
		err = plan_sites(plan, func, &sites);
		if (err)
			break;
		if (sites.refused)
			err = error_new("--within %s cannot be probed: %s", func->name,
					sites.refused);
		else
			err = add_sites(plan, func, &sites, group);
		sites_deinit(&sites);
	}
	return err;
}

struct error *plan_add_within(struct plan *plan, size_t *first, size_t *num)
{
	*first = plan->num_funcs;
	struct error *err = NULL;
	for (uint32_t i = 0; !err && i < plan->num_within; i++) {
		if (plan->within[i].is_added)
			continue;
		err = add_group(plan, i + 1);
		plan->within[i].is_added = !err;
	}
	*num = plan->num_funcs - *first;
	return err;
}
