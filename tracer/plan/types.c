// SPDX-License-Identifier: GPL-2.0-or-later
// Go types as the capture engine sees them: a size, and the edges that lead to more memory.
#include <stdlib.h>
#include <string.h>

#include "dwarf/go/rtype.h"
#include "tracer/plan/brief.h"
#include "tracer/plan/internal.h"

enum {
	EDGES_MAX = 4096, // of one type; arrays of arrays may have more, which are not followed
	MAP_HEADER_BYTES = 48, // runtime.hmap and maps.Map
	SLOTS = 8,	       // of a map's bucket, and of a group
	ITABS_MAX = 512,       // dynamic types that are learnt from itabs at once
	AHEAD_MAX = 4096,      // types in the linker's tables that are read in advance
};

struct error *plan_grow(void **array, uint32_t *size, uint32_t num, size_t element)
{
	if (num < *size)
		return NULL;
	uint32_t bigger = *size ? *size * 2 : 64;
	void *grown = bigger > *size ? realloc(*array, bigger * element) : NULL;
	if (!grown)
		return error_nomem();
	*array = grown;
	*size = bigger;
	return NULL;
}

bool plan_has_room(struct plan *plan, void **array, uint32_t *size, uint32_t num, size_t element)
{
	struct error *err = plan_grow(array, size, num, element);
	if (err)
		plan->state->failed = true;
	error_free(err);
	return !plan->state->failed;
}

void plan_add_edge(struct plan *plan, struct plan_edges *edges, const struct wire_edge *edge)
{
	if (edges->num < EDGES_MAX && plan_has_room(plan, (void **)&edges->edge, &edges->size,
						    edges->num, sizeof(*edges->edge)))
		edges->edge[edges->num++] = *edge;
}

// Appends edges to the table and makes them the edges of the type.
static void set_edges(struct plan *plan, uint32_t id, const struct plan_edges *edges)
{
	struct plan_tables *tables = &plan->tables;
	uint32_t first = tables->num_edges;
	for (uint32_t i = 0; i < edges->num; i++) {
		if (!plan_has_room(plan, (void **)&tables->edges, &plan->state->size_edges,
				   tables->num_edges, sizeof(*tables->edges)))
			return;
		tables->edges[tables->num_edges++] = edges->edge[i];
	}
	tables->types[id].first_edge = first;
	tables->types[id].num_edges = edges->num;
}

uint32_t plan_new_type(struct plan *plan, uint32_t size, const struct plan_edges *edges)
{
	struct plan_tables *tables = &plan->tables;
	if (!plan_has_room(plan, (void **)&tables->types, &plan->state->size_types,
			   tables->num_types, sizeof(*tables->types)))
		return WIRE_NO_TYPE;
	uint32_t id = tables->num_types++;
	tables->types[id] = (struct wire_type){.size = size, .stride = size};
	if (edges)
		set_edges(plan, id, edges);
	return id;
}

// Finds the entry for this Go type in one of the tables of known types, or makes one of this size.
static struct plan_known_type *known_type(struct plan *plan, struct plan_known_type **table,
					  struct gotype *type, uint32_t size)
{
	struct plan_known_type *known;
	HASH_FIND_PTR(*table, &type, known);
	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (known) {
		known->type = type;
		known->id = plan_new_type(plan, size, NULL);
		HASH_ADD_PTR(*table, type, known);
		if (known->hh.tbl)
			return known;
	}
	free(known);
	plan->state->failed = true;
	return NULL;
}

// Makes a type for each part after the first, and the edges that lead to them.
static void part_edges(struct plan *plan, struct gotype *type, const struct plan_parts *parts,
		       uint32_t steps, struct plan_edges *out)
{
	for (uint32_t i = 1; i < parts->num; i++) {
		const struct plan_part *part = &parts->part[i];
		struct plan_edges edges = {0};
		plan_type_edges(plan, type, 0, part, steps, &edges);
		uint32_t id = plan_new_type(plan, part->end - part->start, &edges);
		free(edges.edge);
		if (plan->state->failed)
			return;
		plan->tables.types[id].stride = 1;
		plan_add_edge(plan, out,
			      &(struct wire_edge){.kind = WIRE_EDGE_PART,
						  .type = id,
						  .first = part->start});
	}
}

static void plan_parts_of(struct plan *plan, struct gotype *type, uint32_t id, uint32_t steps)
{
	struct plan_parts parts;
	struct plan_edges edges = {0};
	plan_find_parts(plan, type, &parts);
	if (parts.num) {
		struct wire_type *to = &plan->tables.types[id];
		to->size = parts.part[0].end;
		to->stride = type->size < UINT32_MAX ? (uint32_t)type->size : UINT32_MAX;
		// A value's own bytes come before those that it leads to.
		part_edges(plan, type, &parts, steps, &edges);
		plan_type_edges(plan, type, 0, &parts.part[0], steps, &edges);
		set_edges(plan, id, &edges);
	}
	free(parts.part);
	free(edges.edge);
}

uint32_t plan_type(struct plan *plan, struct gotype *type, uint32_t steps)
{
	gotype_complete(type);
	struct plan_known_type *known = known_type(plan, &plan->state->types, type, 0);
	if (!known)
		return WIRE_NO_TYPE;
	if (known->depth < steps + 1) {
		known->depth = steps + 1; // before the edges: a type may lead to itself
		plan_parts_of(plan, type, known->id, steps);
	}
	return known->id;
}

uint16_t plan_string_cap(const struct plan *plan)
{
	return plan->options.capture.strlen < WIRE_BLOCK_MAX
		       ? (uint16_t)plan->options.capture.strlen
		       : WIRE_BLOCK_MAX;
}

// Captures a key or an element whole, as far as this many steps.
static void whole_side(struct plan *plan, void *context, const struct plan_side *side,
		       struct plan_edges *out)
{
	uint32_t steps = *(const uint32_t *)context;
	if (side->is_indirect)
		plan_add_edge(plan, out,
			      &(struct wire_edge){.offset = (uint32_t)side->off,
						  .kind = WIRE_EDGE_POINTER,
						  .type = plan_type(plan, side->type, steps)});
	else
		plan_type_edges(plan, side->type, side->off, &(struct plan_part){0, side->size},
				steps, out);
}

uint32_t plan_bucket_type(struct plan *plan, struct gotype *type, plan_side_edges *side_edges,
			  void *context)
{
	const struct gomap *map = &type->map;
	uint32_t size = map->bucket_size < WIRE_BLOCK_MAX ? map->bucket_size : WIRE_BLOCK_MAX;
	uint32_t id = plan_new_type(plan, size, NULL);
	struct plan_edges edges = {0};
	const struct {
		struct gotype *type;
		uint64_t off, stride;
		bool indirect;
	} sides[] = {{type->key, map->keys_off, map->key_stride, map->key_indirect},
		     {type->elem, map->elems_off, map->elem_stride, map->elem_indirect}};
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		for (unsigned i = 0; i < 2; i++) {
			const struct plan_side side = {
				.type = sides[i].type,
				.off = sides[i].off + slot * sides[i].stride,
				.size = size,
				.is_elem = i,
				.is_indirect = sides[i].indirect,
			};
			if (side.off + (side.is_indirect ? 8 : 1) <= size &&
			    !redact_has_type(plan->redact, side.type))
				side_edges(plan, context, &side, &edges);
		}
	}
	if (map->layout == GOMAP_BUCKETS && map->overflow_off + 8 <= size)
		plan_add_edge(plan, &edges,
			      &(struct wire_edge){.offset = (uint32_t)map->overflow_off,
						  .kind = WIRE_EDGE_POINTER,
						  .type = id});
	if (id != WIRE_NO_TYPE)
		set_edges(plan, id, &edges);
	free(edges.edge);
	return id;
}

uint32_t plan_map_header(struct plan *plan, const struct gotype *type, uint32_t bucket)
{
	uint32_t id = plan_new_type(plan, MAP_HEADER_BYTES, NULL);
	uint32_t items = plan->options.capture.items;
	struct wire_edge edge = {.kind = WIRE_EDGE_TABLES,
				 .cap = items < UINT16_MAX ? (uint16_t)items : UINT16_MAX,
				 .type = bucket};
	struct plan_edges edges = {0};
	if (type->map.layout == GOMAP_BUCKETS) {
		edge.kind = WIRE_EDGE_BUCKETS;
		plan_add_edge(plan, &edges, &edge);
		edge.kind = WIRE_EDGE_OLD_BUCKETS;
	}
	plan_add_edge(plan, &edges, &edge);
	if (id != WIRE_NO_TYPE)
		set_edges(plan, id, &edges);
	free(edges.edge);
	return id;
}

// The header of a map is a separate type, found by the map's type.
static uint32_t map_id(struct plan *plan, struct gotype *type, uint32_t steps)
{
	struct plan_known_type *known =
		known_type(plan, &plan->state->map_headers, type, MAP_HEADER_BYTES);
	if (!known)
		return WIRE_NO_TYPE;
	if (known->depth < steps + 1) {
		known->depth = steps + 1;
		uint32_t fresh = plan_map_header(plan, type,
						 plan_bucket_type(plan, type, whole_side, &steps));
		if (!plan->state->failed)
			plan->tables.types[known->id] = plan->tables.types[fresh];
	}
	return known->id;
}

static void note_interface(struct plan *plan, uint64_t rtype)
{
	struct plan_known_interface *known;
	HASH_FIND (hh, plan->state->interfaces, &rtype, sizeof(rtype), known)
		;
	if (known)
		return;
	known = calloc(1, sizeof(*known));
	if (known) {
		known->rtype = rtype;
		HASH_ADD(hh, plan->state->interfaces, rtype, sizeof(rtype), known);
		if (known->hh.tbl)
			return;
	}
	free(known);
	plan->state->failed = true;
}

// If depth is lower than the default, errors cost no step: an error's message is what users read
// first, and it is only a few bytes.
static void interface_edge(struct plan *plan, struct gotype *type, struct wire_edge *edge,
			   uint32_t steps)
{
	bool is_free =
		plan->options.capture.depth < PLAN_DEPTH && !strcmp(type->full_name, "error");
	edge->kind = type->is_empty_interface ? WIRE_EDGE_EFACE : WIRE_EDGE_IFACE;
	edge->flags = is_free ? 0 : WIRE_EDGE_STEP;
	if (steps || is_free)
		note_interface(plan, type->rtype);
}

static void pointer_edge(struct plan *plan, struct gotype *type, struct wire_edge *edge,
			 uint32_t steps)
{
	if (!steps || !type->elem)
		return;
	gotype_complete(type->elem);
	if (type->elem->kind == GO_INVALID || !type->elem->size)
		return;
	edge->flags = WIRE_EDGE_STEP;
	edge->type = plan_type(plan, type->elem, steps - 1);
}

// Adds the edges of a slice. Each leads to as many elements as fit into a block, or to one if only
// parts of an element are captured. There are no more than a record has room for.
static void slice_edges(struct plan *plan, struct gotype *type, struct wire_edge *edge,
			uint32_t steps, struct plan_edges *out)
{
	if (!type->elem)
		return;
	gotype_complete(type->elem);
	if (type->elem->kind == GO_INVALID || !type->elem->size ||
	    redact_has_type(plan->redact, type->elem))
		return;
	edge->type = plan_type(plan, type->elem, steps);
	uint32_t size = plan->tables.types[edge->type].size, items = plan->options.capture.items;
	uint32_t most = size == type->elem->size ? WIRE_BLOCK_MAX / size : 1, bytes = 0;
	for (uint32_t i = 0; i < items && bytes <= WIRE_RECORD_MAX; i += most) {
		edge->first = i;
		edge->cap = (uint16_t)(items - i < most ? items - i : most);
		plan_add_edge(plan, out, edge);
		bytes += edge->cap * size + (uint32_t)sizeof(struct wire_block);
		if (type->elem->size > UINT32_MAX)
			return;
	}
}

// Adds the edge of a map of which only the header is captured.
static void map_length(struct plan *plan, uint64_t at, const struct plan_part *part,
		       struct plan_edges *out)
{
	uint32_t *header = &plan->state->map_length_type;
	if (at < part->start || at + 8 > part->end)
		return;
	if (*header == WIRE_NO_TYPE)
		*header = plan_new_type(plan, MAP_HEADER_BYTES, NULL);
	plan_add_edge(plan, out,
		      &(struct wire_edge){.offset = (uint32_t)(at - part->start),
					  .kind = WIRE_EDGE_POINTER,
					  .type = *header});
}

// Adds the edges of a field of a well-known type that its printer needs.
static void needed_edges(struct plan *plan, const struct gofield *field, const char *needs,
			 uint64_t at, const struct plan_part *part, uint32_t steps,
			 struct plan_edges *out)
{
	enum brief_need need = brief_need(needs, field->name);
	if (need == BRIEF_NONE)
		return;
	bool is_link = need == BRIEF_FREE &&
		       (field->type->kind == GO_POINTER || field->type->kind == GO_INTERFACE);
	uint32_t before = out->num;
	plan_type_edges(plan, field->type, at, part, steps + is_link, out);
	for (uint32_t i = before; is_link && i < out->num; i++)
		out->edge[i].flags &= (wire_u8)~WIRE_EDGE_STEP;
}

static void struct_edges(struct plan *plan, struct gotype *type, uint64_t base,
			 const struct plan_part *part, uint32_t steps, struct plan_edges *out)
{
	if (!strcmp(type->full_name, "time.Time"))
		return; // the words in the struct are all that is needed to print it
	bool is_brief = plan->options.capture.is_brief;
	const char *needs = is_brief ? brief_needs(type) : NULL;
	for (size_t i = 0; i < type->num_fields; i++) {
		const struct gofield *field = &type->fields[i];
		uint64_t at = base + field->offset;
		if (at >= part->end || redact_has_value(plan->redact, field->name, NULL) ||
		    redact_has_field(plan->redact, type, field->name))
			continue;
		if (is_brief && field->type->kind == GO_MAP)
			map_length(plan, at, part, out);
		else if (needs)
			needed_edges(plan, field, needs, at, part, steps, out);
		else if (!is_brief || brief_shows(type, field->type))
			plan_type_edges(plan, field->type, at, part, steps, out);
	}
}

static void array_edges(struct plan *plan, struct gotype *type, uint64_t base,
			const struct plan_part *part, uint32_t steps, struct plan_edges *out)
{
	if (!type->elem || !type->elem->size)
		return;
	uint64_t size = type->elem->size;
	uint64_t len =
		type->len < plan->options.capture.items ? type->len : plan->options.capture.items;
	if (size > UINT32_MAX && len)
		len = 1;
	for (uint64_t i = base < part->start ? (part->start - base) / size : 0; i < len; i++) {
		uint32_t before = out->num;
		uint64_t at = base + i * size;
		if (at >= part->end)
			return;
		plan_type_edges(plan, type->elem, at, part, steps, out);
		if (out->num == before && at >= part->start && at + size <= part->end)
			return; // no pointers in this element, so none in the others
	}
}

// Adds the edges of a value that is neither a struct nor an array, at an offset in a block.
static void value_edges(struct plan *plan, struct gotype *type, uint32_t offset, uint32_t steps,
			struct plan_edges *out)
{
	struct wire_edge edge = {.offset = offset, .kind = WIRE_EDGE_POINTER};
	switch (type->kind) {
	case GO_STRING:
		edge.kind = WIRE_EDGE_STRING;
		edge.cap = plan_string_cap(plan);
		break;
	case GO_SLICE:
		edge.kind = WIRE_EDGE_SLICE;
		slice_edges(plan, type, &edge, steps, out);
		return;
	case GO_POINTER:
		pointer_edge(plan, type, &edge, steps);
		if (!edge.flags)
			return;
		break;
	case GO_INTERFACE:
		interface_edge(plan, type, &edge, steps);
		break;
	case GO_MAP:
		if (type->map.layout == GOMAP_UNKNOWN || !type->key || !type->elem)
			return;
		edge.type = map_id(plan, type, steps);
		break;
	case GO_CHAN:
		edge.type = plan->state->hchan_type;
		break;
	case GO_FUNC:
		edge.type = plan->state->word_type;
		break;
	default:
		return;
	}
	plan_add_edge(plan, out, &edge);
}

void plan_type_edges(struct plan *plan, struct gotype *type, uint64_t base,
		     const struct plan_part *part, uint32_t steps, struct plan_edges *out)
{
	if (out->num >= EDGES_MAX || plan->state->failed || !plan_visit(&out->visits))
		return;
	gotype_complete(type);
	uint64_t words = type->kind == GO_SLICE					 ? 24
			 : type->kind == GO_STRING || type->kind == GO_INTERFACE ? 16
										 : 8;
	if (redact_has_type(plan->redact, type))
		;
	else if (type->kind == GO_STRUCT)
		struct_edges(plan, type, base, part, steps, out);
	else if (type->kind == GO_ARRAY)
		array_edges(plan, type, base, part, steps, out);
	else if (base >= part->start && base + words <= part->end)
		value_edges(plan, type, (uint32_t)(base - part->start), steps, out);
	out->visits.nesting--;
}

bool plan_learn(struct plan *plan, uint64_t rtype)
{
	struct plan_state *state = plan->state;
	struct plan_known_dynamic *known;
	HASH_FIND (hh, state->dynamics, &rtype, sizeof(rtype), known)
		;
	if (known)
		return false;
	plan->is_full |= plan->num_dynamics >= PLAN_DYNAMICS_MAX ||
			 state->learnt_types >= PLAN_LEARNT_TYPES ||
			 state->learnt_edges >= PLAN_LEARNT_EDGES;
	if (plan->is_full)
		return false;
	struct gotype *type = index_rtype(plan->index, rtype, NULL);
	if (!type)
		return false;
	gotype_complete(type);
	known = calloc(1, sizeof(*known));
	if (!known || !plan_has_room(plan, (void **)&plan->dynamics, &state->size_dynamics,
				     (uint32_t)plan->num_dynamics, sizeof(*plan->dynamics))) {
		free(known);
		return false;
	}
	known->rtype = rtype;
	HASH_ADD(hh, state->dynamics, rtype, sizeof(rtype), known);
	if (!known->hh.tbl) {
		free(known);
		return false;
	}
	if (redact_has_type(plan->redact, type))
		return false;

	uint32_t num_types = plan->tables.num_types, num_edges = plan->tables.num_edges;
	uint32_t steps = plan->options.capture.depth ? plan->options.capture.depth - 1 : 0;
	uint32_t id = WIRE_NO_TYPE;
	if (!type->is_direct) {
		id = plan_type(plan, type, steps);
	} else { // the data word is the value itself: learn what its only pointer leads to
		struct plan_edges edges = {0};
		plan_type_edges(plan, type, 0, &(struct plan_part){0, 8}, steps + 1, &edges);
		if (edges.num == 1 && edges.edge[0].kind == WIRE_EDGE_POINTER)
			id = edges.edge[0].type;
		free(edges.edge);
	}
	state->learnt_types += plan->tables.num_types - num_types;
	state->learnt_edges += plan->tables.num_edges - num_edges;
	if (id == WIRE_NO_TYPE || state->failed)
		return false;
	plan->dynamics[plan->num_dynamics++] = (struct plan_dynamic){rtype, id};
	return true;
}

struct ahead { // what plan_learn_ahead visits types for
	struct plan *plan;
	unsigned num; // learnt from itabs; then types visited
};

static bool learn_itab(void *context, uint64_t itab, uint64_t interface, uint64_t concrete)
{
	(void)itab;
	struct ahead *ahead = context;
	struct plan_known_interface *known;
	HASH_FIND (hh, ahead->plan->state->interfaces, &interface, sizeof(interface), known)
		;
	if (known && plan_learn(ahead->plan, concrete))
		ahead->num++;
	return ahead->num < ITABS_MAX;
}

static bool learn_linked(void *context, struct gotype *type)
{
	struct ahead *ahead = context;
	struct plan *plan = ahead->plan;
	plan_learn(plan, type->rtype);
	if (type->kind == GO_POINTER) {
		gotype_complete(type);
		if (type->elem && type->elem->rtype)
			plan_learn(plan, type->elem->rtype);
	}
	return ++ahead->num < AHEAD_MAX && plan->num_dynamics < PLAN_DYNAMICS_MAX / 2 &&
	       plan->state->learnt_types < PLAN_LEARNT_TYPES / 2 &&
	       plan->state->learnt_edges < PLAN_LEARNT_EDGES / 2;
}

void plan_learn_ahead(struct plan *plan)
{
	struct plan_state *state = plan->state;
	struct rtypes *rtypes = index_rtypes(plan->index);
	struct ahead ahead = {.plan = plan};
	bool is_first = !state->interfaces_done;
	if (!rtypes || HASH_COUNT(state->interfaces) == state->interfaces_done)
		return;
	state->interfaces_done = HASH_COUNT(state->interfaces);
	rtypes_itabs(rtypes, learn_itab, &ahead);
	ahead.num = 0;
	if (is_first)
		rtypes_linked(rtypes, "*main.", learn_linked, &ahead);
}
