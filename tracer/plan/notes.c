// SPDX-License-Identifier: GPL-2.0-or-later
// The functions of the runtime that end calls without a RET. Their hits are notes for the pairing
// of entries and returns.
#include "tracer/plan/internal.h"

enum {
	PANIC_OFF = 32,	   // g._panic, in every release
	PANIC_SP_OFF = 48, // _panic.sp, from Go 1.22 on
	G_MAX = 1024,	   // at most this many bytes of g are copied
};

// The compiler marks some functions of the runtime itself as wrappers (deferreturn), so a wrapper
// is skipped only if there are several functions with this name. Then it is the wrapper for the
// other ABI.
static const struct func *find_runtime_func(const struct plan *plan, const char *name)
{
	const struct func *found[4];
	size_t num = index_named(plan->index, name, found, 4);
	const struct func *best = NULL;
	for (size_t i = 0; i < num && i < 4; i++)
		if (!best || ((best->flags & FUNC_WRAPPER) && !(found[i]->flags & FUNC_WRAPPER)) ||
		    ((best->flags & FUNC_ABI0) && !(found[i]->flags & FUNC_ABI0)))
			best = found[i];
	return best;
}

static struct error *add_note(struct plan *plan, const char *name, uint16_t kind,
			      const struct plan_frame *frame, bool *is_added)
{
	const struct func *func = find_runtime_func(plan, name);
	if (!func)
		return NULL;
	struct sites sites;
	struct error *err = plan_sites(plan, func, &sites);
	if (err)
		return err;
	struct plan_func *added = NULL;
	if (!sites.refused) {
		err = plan_append_func(plan, func, &added);
		if (!err)
			err = plan_add_site(plan, added, &sites.site[0], kind, frame);
		if (!err) {
			added->num_probes = 1;
			*is_added = true;
		}
	}
	sites_deinit(&sites);
	return err;
}

static bool find_offset(struct plan *plan, const char *type_name, const char *field_name,
			uint32_t *out)
{
	struct gotype *type = index_type(plan->index, type_name);
	const struct gofield *field = type ? gotype_field(type, field_name) : NULL;
	if (!field || field->offset > G_MAX - sizeof(uint64_t) || field->offset % 8)
		return false;
	*out = (uint32_t)field->offset;
	return true;
}

// The frame that recovered goes on at SP gp._panic.sp, up to Go 1.21 at gp.sigcode0: see
// recovery(gp) in Go's src/runtime/panic.go.
static bool find_recovery(struct plan *plan, struct plan_recovery *out)
{
	const struct runtime_layout *layout = index_runtime(plan->index);
	bool is_in_panic = go_version_at_least(index_version(plan->index), 22);
	*out = (struct plan_recovery){
		.goid_off = layout->g_goid,
		.stack_hi_off = layout->g_stack_hi,
		.panic_off = PANIC_OFF,
		.is_in_panic = is_in_panic,
		.sp_off = PANIC_SP_OFF,
	};
	if (layout->g_goid > G_MAX - sizeof(uint64_t) ||
	    layout->g_stack_hi > G_MAX - sizeof(uint64_t))
		return false;
	if (!is_in_panic)
		return find_offset(plan, "runtime.g", "sigcode0", &out->sp_off);
	find_offset(plan, "runtime.g", "_panic", &out->panic_off);
	find_offset(plan, "runtime._panic", "sp", &out->sp_off);
	return true;
}

static uint32_t type_with_edge(struct plan *plan, uint32_t size, uint32_t off, uint32_t type)
{
	struct wire_edge edge = {.offset = off, .kind = WIRE_EDGE_POINTER, .type = type};
	struct plan_edges edges = {.edge = &edge, .num = 1};
	return plan_new_type(plan, size, &edges);
}

// The frame block holds recovery's argument. Its edges lead to g and from there to the panic.
static struct error *add_recovery(struct plan *plan, bool *is_added)
{
	struct plan_recovery *at = &plan->recovery;
	if (!find_recovery(plan, at))
		return NULL;
	uint32_t g_bytes = at->goid_off > at->panic_off ? at->goid_off : at->panic_off, g_type;
	if (at->is_in_panic) {
		uint32_t panic_type = plan_new_type(plan, at->sp_off + 8, NULL);
		g_type = type_with_edge(plan, g_bytes + 8, at->panic_off, panic_type);
	} else {
		g_bytes = g_bytes > at->sp_off ? g_bytes : at->sp_off;
		g_type = plan_new_type(plan, g_bytes + 8, NULL);
	}
	struct plan_frame frame = {
		.size = sizeof(uint64_t),
		.first_piece = plan->tables.num_pieces,
		.num_pieces = 1,
		.type = type_with_edge(plan, sizeof(uint64_t), 0, g_type),
	};
	if (plan->state->failed)
		return error_nomem();
	bool is_in_register = index_runtime(plan->index)->has_regabi;
	struct wire_piece piece = {.size = sizeof(uint64_t),
				   .where = is_in_register ? WIRE_INT_REG : WIRE_STACK};
	struct error *err = plan_add_piece(plan, &piece);
	return err ? err
		   : add_note(plan, "runtime.recovery", WIRE_PROBE_RECOVERY, &frame, is_added);
}

struct error *plan_add_notes(struct plan *plan, size_t *first, size_t *num)
{
	*first = plan->num_funcs;
	bool is_added = false;
	struct error *err = add_note(plan, "runtime.gopanic", WIRE_PROBE_PANIC, NULL, &is_added);
	if (!err)
		err = add_note(plan, "runtime.Goexit", WIRE_PROBE_GOEXIT, NULL, &is_added);
	is_added = false;
	if (!err)
		err = add_recovery(plan, &is_added);
	if (!err && is_added)
		plan->tables.probes[plan->tables.num_probes - 1].flags |= WIRE_ANY_GOROUTINE;
	plan->recovery.is_known = is_added;
	// Only if recovery has no probe: every function whose defers are not open-coded calls
	// deferreturn, and in some programs that is often.
	if (!err && !is_added)
		err = add_note(plan, "runtime.deferreturn", WIRE_PROBE_DEFERRETURN, NULL,
			       &is_added);
	*num = plan->num_funcs - *first;
	return err;
}
