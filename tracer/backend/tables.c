// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/tables.h"

#include <errno.h>
#include <string.h>

#include "tracer/backend/settings.h"

// --- The list of tables --------------------------------------------------------------------------

enum source {		// of a table's entries
	FROM_PLAN,	// copied from the plan's table
	BY_FUNCTION,	// one for each function of the plan
	FROM_PLAN_FUNC, // copied from the plan's table, which is by function
};

enum user { ALWAYS, OF_BUDGETS, OF_CONDITIONS, OF_COUNTS };

struct table_row {
	const char *name;
	size_t entry_size;   // bytes
	uint32_t room;	     // entries beyond twice the plan's, for later additions
	size_t entries, num; // offsets in struct tables: of the pointer and the number
	enum source source;
	enum user user;
	void (*fill)(void *entry, const struct plan_func *func); // BY_FUNCTION; NULL: zeros
};

static void fill_budget(void *entry, const struct plan_func *func)
{
	settings_budget(entry, func);
}

static void fill_aggregate(void *entry, const struct plan_func *func)
{
	*(struct wire_aggregate *)entry = func->aggregate.wire;
}

enum { FUNCS = 16384 }; // room in the tables by function

// The plan's own tables are at the same offsets in struct plan_tables.
_Static_assert(!offsetof(struct tables, plan), "the copies come first");
#define ENTRIES(member, count)                               \
	.entry_size = sizeof(*((struct tables *)0)->member), \
	.entries = offsetof(struct tables, member), .num = offsetof(struct tables, count)
#define PLAN(member) .name = #member, ENTRIES(plan.member, plan.num_##member)
#define FUNC(member) .name = #member, ENTRIES(member, num_##member), .source = BY_FUNCTION

static const struct table_row rows[NUM_TABLES] = {
	[TABLES_LOST] = {FUNC(lost), .room = FUNCS},
	[TABLES_BUDGETS] = {FUNC(budgets), .room = FUNCS, .user = OF_BUDGETS, .fill = fill_budget},
	[TABLES_AGGREGATES] = {FUNC(aggregates), .room = 64, .user = OF_COUNTS,
			       .fill = fill_aggregate},
	[TABLES_EDGES] = {PLAN(edges), .room = 131072},
	[TABLES_TYPES] = {PLAN(types), .room = 65536},
	[TABLES_LITERALS] = {PLAN(literals), .room = 4096, .user = OF_CONDITIONS},
	[TABLES_OPS] = {PLAN(ops), .room = 65536, .user = OF_CONDITIONS},
	[TABLES_CONDITIONS] = {PLAN(conditions), .room = FUNCS, .user = OF_CONDITIONS,
			       .source = FROM_PLAN_FUNC},
	[TABLES_PIECES] = {PLAN(pieces), .room = 65536},
	[TABLES_PROBES] = {PLAN(probes), .room = 32768},
};

// The table's pointer and number, in struct tables or in struct plan_tables.
static void *entries_of(const void *tables, const struct table_row *row)
{
	void *entries;
	memcpy(&entries, (const uint8_t *)tables + row->entries, sizeof(entries));
	return entries;
}

static uint32_t *num_of(void *tables, const struct table_row *row)
{
	return (uint32_t *)((uint8_t *)tables + row->num);
}

// How many entries the plan has for this table.
static uint32_t num_wanted(const struct plan *plan, const struct table_row *row)
{
	return row->source == BY_FUNCTION ? (uint32_t)plan->num_funcs
					  : *num_of((void *)&plan->tables, row);
}

// --- Memory --------------------------------------------------------------------------------------

static bool is_needed(enum user user, const struct plan *plan,
		      const struct backend_settings *settings)
{
	switch (user) {
	case OF_BUDGETS:
		return settings->has_budgets;
	case OF_CONDITIONS:
		return settings->has_conditions;
	case OF_COUNTS:
		return plan->options.counting;
	default:
		return true;
	}
}

struct error *tables_size(struct tables *tables, const struct plan *plan,
			  const struct backend_settings *settings)
{
	tables->has_depth = plan->wants_depth;
	for (size_t i = 0; i < NUM_TABLES; i++) {
		const struct table_row *row = &rows[i];
		uint64_t num = row->source == FROM_PLAN ? num_wanted(plan, row) : plan->num_funcs;
		uint64_t capacity = num * 2 + row->room;
		if (!is_needed(row->user, plan, settings))
			continue;
		if (capacity > INT32_MAX / row->entry_size)
			return error_new("too many functions: the table of %s would be too large",
					 row->name);
		tables->capacity[i] = (uint32_t)capacity;
	}
	return NULL;
}

const char *tables_name(enum tables_kind kind)
{
	return rows[kind].name;
}

size_t tables_bytes(const struct tables *tables, enum tables_kind kind)
{
	return tables->capacity[kind] * rows[kind].entry_size;
}

void tables_place(struct tables *tables, enum tables_kind kind, void *memory)
{
	memcpy((uint8_t *)tables + rows[kind].entries, &memory, sizeof(memory));
}

void *tables_memory(const struct tables *tables, enum tables_kind kind)
{
	return entries_of(tables, &rows[kind]);
}

// --- Copying -------------------------------------------------------------------------------------

static struct error *check_room(const struct tables *tables, const struct plan *plan)
{
	for (size_t i = 0; i < NUM_TABLES; i++)
		if (tables->capacity[i] && num_wanted(plan, &rows[i]) > tables->capacity[i])
			return error_errno(ENOSPC, "no room in the table of %s (%u)", rows[i].name,
					   tables->capacity[i]);
	if (plan->wants_depth && !tables->has_depth)
		return error_errno(ENOSPC, "how deep calls are was not counted so far");
	return NULL;
}

// The plan may learn more about its types while the engine reads them. A type has no edges while it
// changes.
static void update_types(struct wire_type *to, const struct wire_type *from, uint32_t num)
{
	for (uint32_t i = 0; i < num; i++) {
		if (!memcmp(&to[i], &from[i], sizeof(*to)))
			continue;
		__atomic_store_n(&to[i].num_edges, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].size, from[i].size, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].stride, from[i].stride, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].first_edge, from[i].first_edge, __ATOMIC_RELEASE);
		__atomic_store_n(&to[i].num_edges, from[i].num_edges, __ATOMIC_RELEASE);
	}
}

void tables_place_ops(struct wire_op *ops, size_t num, const struct loaded *loaded)
{
	for (size_t i = 0; i < num; i++) {
		if (ops[i].code != WIRE_OP_PUSH)
			continue;
		if (ops[i].reg == WIRE_OPERAND_VADDR)
			ops[i].value = loaded_addr(loaded, ops[i].value);
		else if (ops[i].reg == WIRE_OPERAND_PID)
			ops[i].value = (uint64_t)loaded->pid;
	}
}

static void append(struct tables *tables, const struct loaded *loaded, const struct table_row *row)
{
	const struct plan *plan = loaded->plan;
	uint32_t have = *num_of(tables, row), num = num_wanted(plan, row);
	size_t size = row->entry_size;
	uint8_t *to = entries_of(tables, row);
	if (row->source != BY_FUNCTION && num > have)
		memcpy(to + have * size,
		       (const uint8_t *)entries_of(&plan->tables, row) + have * size,
		       (num - have) * size);
	for (uint32_t i = have; row->fill && i < num; i++)
		row->fill(to + i * size, plan->funcs[i]);
	if (row == &rows[TABLES_OPS])
		tables_place_ops(tables->plan.ops + have, num - have, loaded);
	__atomic_store_n(num_of(tables, row), num, __ATOMIC_RELEASE);
}

struct error *tables_update(struct tables *tables, const struct loaded *loaded)
{
	const struct plan *plan = loaded->plan;
	struct error *err = check_room(tables, plan);
	if (err)
		return err;
	settings_fill_recovery(&tables->state->recovery, plan);
	__atomic_store_n(&tables->state->num_within, plan->num_within, __ATOMIC_RELEASE);
	for (size_t i = 0; i < NUM_TABLES; i++) {
		if (tables->capacity[i])
			append(tables, loaded, &rows[i]);
		if (i == TABLES_TYPES)
			update_types(tables->plan.types, plan->tables.types,
				     plan->tables.num_types);
	}
	return NULL;
}

// --- Functions -----------------------------------------------------------------------------------

bool tables_is_exit(const struct wire_probe *probe)
{
	return probe->kind == WIRE_PROBE_RETURN || probe->kind == WIRE_PROBE_TAIL ||
	       probe->kind == WIRE_PROBE_END;
}

void tables_enable_part(struct tables *tables, const struct plan_func *func, bool exits, bool on)
{
	for (uint32_t i = 0; i < func->num_probes; i++) {
		if (func->first_probe + i >= tables->plan.num_probes)
			return;
		struct wire_probe *probe = &tables->plan.probes[func->first_probe + i];
		if (tables_is_exit(probe) != exits)
			continue;
		if (on)
			__atomic_and_fetch(&probe->flags, (uint16_t)~WIRE_DISABLED,
					   __ATOMIC_RELEASE);
		else
			__atomic_or_fetch(&probe->flags, WIRE_DISABLED, __ATOMIC_RELEASE);
	}
}

void tables_enable(struct tables *tables, const struct plan_func *func, bool on)
{
	tables_enable_part(tables, func, on, on);
	tables_enable_part(tables, func, !on, on);
}

void tables_goroutine(struct tables *tables, uint64_t goid)
{
	__atomic_store_n(&tables->state->only_goid, goid, __ATOMIC_RELAXED);
}

uint64_t tables_lost(const struct tables *tables, const struct plan_func *func)
{
	bool is_there = func->number < tables->num_lost;
	return is_there ? __atomic_load_n(&tables->lost[func->number], __ATOMIC_RELAXED) : 0;
}

struct wire_budget *tables_budget(const struct tables *tables, const struct plan_func *func)
{
	return func->number < tables->num_budgets ? &tables->budgets[func->number] : NULL;
}

const struct wire_condition *tables_condition(const struct tables *tables,
					      const struct plan_func *func)
{
	bool is_there = func->number < tables->plan.num_conditions;
	return is_there ? &tables->plan.conditions[func->number] : NULL;
}
