// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tracer/plan/conditions.h"
#include "tracer/plan/internal.h"
#include "tracer/plan/show.h"

struct error *plan_add_probe(struct plan *plan, const struct wire_probe *probe,
			     const struct plan_probe *place)
{
	struct plan_tables *tables = &plan->tables;
	uint32_t size = plan->state->size_probes, both = size;
	struct error *err =
		plan_grow((void **)&tables->probes, &size, tables->num_probes, sizeof(*probe));
	if (!err)
		err = plan_grow((void **)&plan->probes, &both, tables->num_probes, sizeof(*place));
	if (err)
		return err;
	plan->state->size_probes = size;
	plan->probes[tables->num_probes] = *place;
	tables->probes[tables->num_probes++] = *probe;
	return NULL;
}

struct error *plan_add_piece(struct plan *plan, const struct wire_piece *piece)
{
	struct plan_tables *tables = &plan->tables;
	struct error *err = plan_grow((void **)&tables->pieces, &plan->state->size_pieces,
				      tables->num_pieces, sizeof(*piece));
	if (!err)
		tables->pieces[tables->num_pieces++] = *piece;
	return err;
}

static bool is_morestack(void *context, uint64_t vaddr)
{
	const struct plan_state *state = context;
	for (size_t i = 0; i < state->num_morestack; i++)
		if (state->morestack[i] == vaddr)
			return true;
	return false;
}

static void find_morestack(struct plan *plan)
{
	static const char *const names[] = {"runtime.morestack", "runtime.morestack_noctxt",
					    "runtime.morestackc"};
	struct plan_state *state = plan->state;
	enum { MAX = sizeof(state->morestack) / sizeof(*state->morestack) };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct func *found[2];
		size_t num = index_named(plan->index, names[i], found, 2);
		for (size_t j = 0; j < num && j < 2 && state->num_morestack < MAX; j++)
			state->morestack[state->num_morestack++] = found[j]->vaddr;
	}
}

static struct error *plan_prepare(struct plan *plan)
{
	plan->state = calloc(1, sizeof(*plan->state));
	size_t num_funcs;
	index_funcs(plan->index, &num_funcs);
	if (!plan->state)
		return error_nomem();
	plan->state->arch = image_arch(index_image(plan->index));
	plan->state->by_func = calloc(num_funcs ? num_funcs : 1, sizeof(*plan->state->by_func));
	if (!plan->state->by_func)
		return error_nomem();
	struct error *err = sites_finder_create(plan->state->arch, &plan->state->finder);
	if (err)
		return err;
	find_morestack(plan);
	const struct runtime_layout *layout = index_runtime(plan->index);
	plan_new_type(plan, 0, NULL); // WIRE_NO_TYPE
	plan->state->hchan_type = plan_new_type(plan, layout->hchan_dataqsiz + 8, NULL);
	plan->state->word_type = plan_new_type(plan, 8, NULL);
	struct wire_edge string = {.kind = WIRE_EDGE_STRING, .cap = plan_string_cap(plan)};
	plan->string_type =
		plan_new_type(plan, 16, &(struct plan_edges){.edge = &string, .num = 1});
	return plan->state->failed ? error_nomem() : NULL;
}

struct error *plan_create(struct index *index, const struct plan_options *options,
			  struct plan **out)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	if (!plan)
		return error_nomem();
	plan->index = index;
	plan->options = *options;
	if (plan->options.capture.depth > WIRE_DEPTH_MAX)
		plan->options.capture.depth = WIRE_DEPTH_MAX;
	struct error *err = redact_create(&options->capture.redact, &plan->redact);
	if (!err)
		err = plan_prepare(plan);
	if (err) {
		plan_destroy(plan);
		return err;
	}
	*out = plan;
	return NULL;
}

static void state_destroy(struct plan_state *state)
{
	if (!state)
		return;
	struct plan_known_type *type, *next_type;
	HASH_ITER (hh, state->types, type, next_type) {
		HASH_DEL(state->types, type);
		free(type);
	}
	HASH_ITER (hh, state->map_headers, type, next_type) {
		HASH_DEL(state->map_headers, type);
		free(type);
	}
	struct plan_known_interface *interface, *next_interface;
	HASH_ITER (hh, state->interfaces, interface, next_interface) {
		HASH_DEL(state->interfaces, interface);
		free(interface);
	}
	struct plan_known_dynamic *dynamic, *next_dynamic;
	HASH_ITER (hh, state->dynamics, dynamic, next_dynamic) {
		HASH_DEL(state->dynamics, dynamic);
		free(dynamic);
	}
	struct plan_known_program *program, *next_program;
	HASH_ITER (hh, state->programs, program, next_program) {
		HASH_DEL(state->programs, program);
		free(program);
	}
	sites_finder_destroy(state->finder);
	free(state->by_func);
	free(state);
}

static void func_destroy(struct plan_func *func)
{
	if (!func)
		return;
	plan_frame_deinit(&func->args);
	plan_frame_deinit(&func->results);
	free(func->condition);
	free(func->clauses);
	plan_show_deinit(&func->show);
	free(func);
}

void plan_destroy(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->num_funcs; i++)
		func_destroy(plan->funcs[i]);
	for (size_t i = 0; i < plan->num_refusals; i++)
		free(plan->refusals[i].reason);
	free(plan->funcs);
	free(plan->refusals);
	free(plan->probes);
	free(plan->dynamics);
	free(plan->tables.probes);
	free(plan->tables.pieces);
	free(plan->tables.types);
	free(plan->tables.edges);
	free(plan->tables.ops);
	free(plan->tables.literals);
	free(plan->tables.conditions);
	for (uint32_t i = 0; i < plan->num_within; i++)
		plan_within_deinit(&plan->within[i]);
	state_destroy(plan->state);
	redact_destroy(plan->redact);
	free(plan);
}

// Go's compiler generates calls into the middle of these, so a probe at the first instruction does
// not see every call.
static bool is_entered_anywhere(const struct func *func)
{
	return !strcmp(func->name, "runtime.duffzero") || !strcmp(func->name, "runtime.duffcopy");
}

struct error *plan_sites(struct plan *plan, const struct func *func, struct sites *out)
{
	if (is_entered_anywhere(func)) {
		*out = (struct sites){.refused = "it is entered in its middle"};
		return NULL;
	}
	struct sites_query query = {
		.vaddr = func->vaddr,
		.size = func->size,
		.is_go = !(func->flags & FUNC_FOREIGN),
		.is_morestack = is_morestack,
		.context = plan->state,
	};
	if (!image_text(index_image(plan->index), func->vaddr, func->size, &query.code)) {
		*out = (struct sites){.refused = "its code is not in the file"};
		return NULL;
	}
	return sites_find(plan->state->finder, &query, out);
}

static struct error *add_refusal(struct plan *plan, const struct func *func, const char *reason,
				 bool is_unfit)
{
	for (size_t i = 0; i < plan->num_refusals; i++)
		if (plan->refusals[i].func == func)
			return NULL;
	struct plan_refusal *refusals =
		realloc(plan->refusals, (plan->num_refusals + 1) * sizeof(*plan->refusals));
	if (!refusals)
		return error_nomem();
	plan->refusals = refusals;
	refusals[plan->num_refusals] = (struct plan_refusal){func, strdup(reason), is_unfit, false};
	if (!refusals[plan->num_refusals].reason)
		return error_nomem();
	plan->num_refusals++;
	return NULL;
}

struct error *plan_refuse(struct plan *plan, const struct func *func, const char *reason)
{
	return add_refusal(plan, func, reason, false);
}

struct error *plan_leave_out(struct plan *plan, const struct func *func, const char *reason)
{
	return add_refusal(plan, func, reason, true);
}

size_t plan_write_refusals(const struct plan *plan, bool is_unfit, size_t max, struct text *out)
{
	size_t num = 0, shown = 0;
	for (size_t i = 0; i < plan->num_refusals; i++)
		num += plan->refusals[i].is_unfit == is_unfit && !plan->refusals[i].is_expected;
	for (size_t i = 0; i < plan->num_refusals && shown < max; i++) {
		const struct plan_refusal *refusal = &plan->refusals[i];
		if (refusal->is_unfit != is_unfit || refusal->is_expected)
			continue;
		text_printf(out, "%s%s (%s)",
			    !shown	      ? ""
			    : shown + 1 < num ? ", "
					      : " and ",
			    refusal->func->name, refusal->reason);
		shown++;
	}
	if (num > shown)
		text_printf(out, " and %zu more", num - shown);
	return num;
}

struct error *plan_add_site(struct plan *plan, const struct plan_func *func,
			    const struct site *site, uint16_t kind, const struct plan_frame *frame)
{
	struct plan_probe place = {.vaddr = site->vaddr, .is_emulated = site->is_emulated};
	if (!image_offset(index_image(plan->index), site->vaddr, &place.off))
		return error_new("%s: no file offset for %#lx", func->func->name,
				 (unsigned long)site->vaddr);
	struct wire_probe probe = {
		.func = func->number,
		.kind = kind,
		.flags = site->skip_taken ? WIRE_SKIP_TAKEN : 0,
	};
	// Assembly and code of the stack ABI need not keep g in its register. Go before 1.17 never
	// does.
	bool is_in_regabi = !(func->func->flags & (FUNC_ABI0 | FUNC_FOREIGN)) &&
			    index_runtime(plan->index)->has_regabi;
	if (!is_in_regabi && !plan->state->arch->keeps_g)
		probe.flags |= WIRE_G_IN_TLS;
	if (frame) {
		probe.frame_type = frame->type;
		probe.first_piece = frame->first_piece;
		probe.num_pieces = (uint16_t)frame->num_pieces;
		probe.frame_size = (uint16_t)frame->size;
	}
	return plan_add_probe(plan, &probe, &place);
}

static uint16_t probe_kind(enum site_kind kind)
{
	return kind == SITE_ENTRY    ? WIRE_PROBE_ENTRY
	       : kind == SITE_RETURN ? WIRE_PROBE_RETURN
				     : WIRE_PROBE_TAIL;
}

static struct error *add_sites(struct plan *plan, struct plan_func *func, const struct sites *sites)
{
	for (size_t i = 0; i < sites->num; i++) {
		const struct site *site = &sites->site[i];
		if (site->kind != SITE_ENTRY && !func->has_return)
			continue;
		const struct plan_frame *frame = NULL;
		if (site->kind == SITE_ENTRY && func->has_args)
			frame = &func->args;
		else if (site->kind == SITE_RETURN && func->has_results)
			frame = &func->results;
		struct error *err = plan_add_site(plan, func, site, probe_kind(site->kind), frame);
		if (err)
			return err;
		func->num_probes++;
	}
	return NULL;
}

struct error *plan_append_func(struct plan *plan, const struct func *func, struct plan_func **out)
{
	struct plan_func **funcs = realloc(plan->funcs, (plan->num_funcs + 1) * sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	plan->funcs = funcs;
	struct plan_func *added = calloc(1, sizeof(*added));
	if (!added)
		return error_nomem();
	added->func = func;
	added->signature = index_signature(plan->index, func);
	added->number = (uint32_t)plan->num_funcs;
	added->first_probe = plan->tables.num_probes;
	funcs[plan->num_funcs++] = added;
	*out = added;
	return NULL;
}

// Removes the last function and its probes, none of which has been armed yet.
static void drop_last(struct plan *plan)
{
	struct plan_func *func = plan->funcs[--plan->num_funcs];
	plan->tables.num_probes = func->first_probe;
	if (plan->tables.num_conditions > func->number)
		plan->tables.num_conditions = func->number;
	func_destroy(func);
}

// Bytes of arguments. If a condition is decided at the return, the entry's record is held until
// then (WIRE_HELD_MAX), with the call's stack. The limit applies without conditions, too: a
// recorded capture is replayed without its conditions, and must have the same frames.
enum { ARGS_MAX = 2944 };
_Static_assert(ARGS_MAX + sizeof(struct wire_record) + 3 * sizeof(struct wire_block) +
			       (WIRE_STACK_MAX + 2) * sizeof(uint64_t) <=
		       WIRE_HELD_MAX,
	       "arguments");

// Lays out a frame of arguments or results.
static struct error *fill_frame(struct plan *plan, const struct plan_func *func,
				const struct param *params, size_t num, uint32_t room,
				struct plan_frame *out)
{
	const bool *left_out = func->show.left_out;
	if (func->show.is_set)
		return plan_frame_shown(plan, params, num, &func->show, room, out);
	if (left_out)
		left_out += params - func->signature->params;
	return plan_frame_init(plan, params, num, left_out, room, out);
}

static struct error *fill_func(struct plan *plan, struct plan_func *func, const struct sites *sites,
			       const struct plan_options *options)
{
	const struct signature *signature = func->signature;
	if (options->counting) {
		func->has_return = func->aggregate.wire.flags & WIRE_AGGREGATE_RETURNS;
		return add_sites(plan, func, sites);
	}
	func->has_return = !options->capture.no_return;
	func->sampling = options->sampling;
	struct error *err = NULL;
	if (!options->capture.no_args) {
		func->has_args = true;
		// An argument that the user asks for is followed, however large.
		plan->state->framed = func->show.is_set ? NULL : func->func;
		err = fill_frame(plan, func, signature->params, signature->num_args, ARGS_MAX,
				 &func->args);
		plan->state->framed = NULL;
	}
	if (!err && func->has_return) {
		func->has_results = true;
		err = fill_frame(plan, func, signature_results(signature),
				 signature->num_params - signature->num_args, WIRE_BLOCK_MAX,
				 &func->results);
	}
	return err ? err : add_sites(plan, func, sites);
}

static struct error *leave_out(struct plan *plan, const struct func *func,
			       const struct plan_filter *filter, const char *reason)
{
	size_t before = plan->num_refusals;
	struct error *err = plan_leave_out(plan, func, reason);
	const struct signature *signature = index_signature(plan->index, func);
	if (!err && plan->num_refusals > before && filter->errors)
		plan->refusals[before].is_expected = !aggregate_can_fail(signature);
	return err;
}

// Compiles what is counted of the function. *is_refused: it cannot be counted.
static struct error *find_aggregate(struct plan *plan, const struct func *func,
				    const struct plan_conditions *conditions,
				    struct aggregate_func *out, bool *is_refused)
{
	const struct plan_filter *filter = &conditions->request->options.filter;
	*out = (struct aggregate_func){0};
	char *reason = NULL;
	struct error *err = aggregate_compile(plan, func, conditions, out, &reason);
	if (!err && reason)
		err = leave_out(plan, func, filter, reason);
	*is_refused = reason;
	free(reason);
	if (!err && filter->within)
		err = plan_within_group(plan, filter->within, &out->wire.within);
	return err;
}

struct error *plan_add_func(struct plan *plan, const struct func *func,
			    const struct plan_conditions *conditions, const struct plan_func **out)
{
	const struct plan_options *options = &conditions->request->options;
	struct sites sites;
	struct aggregate_func aggregate = {0};
	bool is_refused = false;
	struct error *err = plan_sites(plan, func, &sites);
	if (err)
		return err;
	if (sites.refused)
		err = plan_refuse(plan, func, sites.refused);
	else if (options->counting)
		err = find_aggregate(plan, func, conditions, &aggregate, &is_refused);
	if (err || sites.refused || is_refused) {
		sites_deinit(&sites);
		return err;
	}
	struct plan_program program = {0};
	char *reason = NULL;
	if (!options->counting)
		err = plan_compile_program(plan, func, conditions, NULL, 0, &program, &reason);
	if (!err && reason)
		err = leave_out(plan, func, &options->filter, reason);
	if (!err && !reason && !options->counting && options->filter.within)
		err = plan_within_group(plan, options->filter.within, &program.within);
	if (err || reason) {
		free(reason);
		sites_deinit(&sites);
		return err;
	}
	struct plan_func *added;
	err = plan_append_func(plan, func, &added);
	if (!err) {
		added->aggregate = aggregate;
		added->condition = plan_condition_text(conditions, func);
		added->clauses = plan_clauses_text(conditions, func);
		if (!added->condition || !added->clauses)
			err = error_nomem();
		if (!err)
			err = plan_show_init(plan, func, conditions, &added->show);
		if (!err)
			err = fill_func(plan, added, &sites, options);
		if (!err && (program.num_entry + program.num_return || program.within))
			err = plan_set_condition(plan, added->number, &program);
		uint32_t *latest = &plan->state->by_func[func->number];
		if (err) {
			drop_last(plan);
		} else {
			added->former = *latest ? plan->funcs[*latest - 1] : NULL;
			*latest = added->number + 1;
			*out = added;
		}
	}
	sites_deinit(&sites);
	return err;
}

const struct plan_func *plan_probe_func(const struct plan *plan, uint32_t probe)
{
	if (probe >= plan->tables.num_probes)
		return NULL;
	return plan->funcs[plan->tables.probes[probe].func];
}
