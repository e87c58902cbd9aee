// SPDX-License-Identifier: GPL-2.0-or-later
// What is captured of a call if only some expressions are shown. The paths of all expressions over
// one parameter make a tree: a node is memory that the path before it leads to, with the bytes of
// it that are wanted. Each run of such bytes becomes a block of a record. Following a path takes no
// step of depth; what a path ends at is captured as deep as the options say.
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "tracer/plan/internal.h"

enum { STRING_BYTES = 16, SLICE_BYTES = 24, WORD = 8, IFACE_BYTES = 16, ITAB_TYPE = 8 };
enum { HEAD_BYTES = 8 }; // of an element of which only later parts are wanted

struct leaf { // a value that is shown
	struct gotype *type;
	uint32_t at;
};

struct plan_want {
	// How the memory around this one leads here: by the words at offset at, and for an element
	// of a slice or a string by its index. The elements of a map's entries are one memory.
	enum wire_edge_kind kind;
	uint32_t at, index;
	struct gotype *type;	  // of the element, or the map; NULL: not needed
	uint32_t key_bytes;	  // of a map: the longest string that is asked for
	struct plan_parts wanted; // in order, once plan_want_close() has merged them
	// In the plan's table, once they are made, or 0: of each part; of an element or a map's
	// header. The slots of a map lead here again and again.
	uint32_t *part_types, own_type;
	struct leaf *leaves;
	size_t num_leaves, size_leaves;
	struct plan_want *inside, *next;
};

void plan_want_destroy(struct plan_want *want)
{
	while (want) {
		struct plan_want *next = want->next;
		plan_want_destroy(want->inside);
		free(want->wanted.part);
		free(want->part_types);
		free(want->leaves);
		free(want);
		want = next;
	}
}

struct plan_want *plan_want_create(struct plan *plan)
{
	struct plan_want *want = calloc(1, sizeof(*want));
	if (!want)
		plan->state->failed = true;
	return want;
}

// --- Paths ---------------------------------------------------------------------------------------

static void need(struct plan *plan, struct plan_want *want, uint64_t at, uint64_t bytes)
{
	struct plan_parts *parts = &want->wanted;
	if (!bytes || at > UINT32_MAX - WIRE_BLOCK_MAX)
		return;
	if (bytes > WIRE_BLOCK_MAX)
		bytes = WIRE_BLOCK_MAX;
	if (plan_has_room(plan, (void **)&parts->part, &parts->size, parts->num,
			  sizeof(*parts->part)))
		parts->part[parts->num++] =
			(struct plan_part){(uint32_t)at, (uint32_t)(at + bytes)};
}

static void need_value(struct plan *plan, struct plan_want *want, struct gotype *type, uint64_t at)
{
	struct plan_parts parts;
	if (at > UINT32_MAX || !vec_room(want->leaves, want->num_leaves, want->size_leaves)) {
		plan->state->failed |= at <= UINT32_MAX;
		return;
	}
	want->leaves[want->num_leaves++] = (struct leaf){type, (uint32_t)at};
	plan_find_parts(plan, type, &parts);
	for (uint32_t i = 0; i < parts.num; i++)
		need(plan, want, at + parts.part[i].start, parts.part[i].end - parts.part[i].start);
	free(parts.part);
}

// Finds the memory that the words at this offset lead to, or adds it. NULL: out of memory.
static struct plan_want *reach(struct plan *plan, struct plan_want *from, enum wire_edge_kind kind,
			       uint64_t at, uint64_t index, struct gotype *type)
{
	struct plan_want **link = &from->inside;
	for (; *link; link = &(*link)->next)
		if ((*link)->kind == kind && (*link)->at == at && (*link)->index == index)
			return *link;
	struct plan_want *want = *link = plan_want_create(plan);
	if (want) {
		want->kind = kind;
		want->at = (uint32_t)at;
		want->index = (uint32_t)index;
		want->type = type;
	}
	return want;
}

// The type of what an interface holds: in the interface itself, or in its itab.
static void need_descriptor(struct plan *plan, struct plan_want *want, const struct gotype *type,
			    uint64_t at)
{
	need(plan, want, at, IFACE_BYTES);
	if (type->is_empty_interface)
		return;
	struct plan_want *itab = reach(plan, want, WIRE_EDGE_POINTER, at, 0, NULL);
	if (itab)
		need(plan, itab, ITAB_TYPE, WORD);
}

static void need_length(struct plan *plan, struct plan_want *want, const struct gotype *type,
			uint64_t at)
{
	if (type->kind == GO_STRING || type->kind == GO_SLICE) {
		need(plan, want, at + WORD, WORD);
		return;
	}
	uint64_t off = type->kind == GO_CHAN ? index_runtime(plan->index)->hchan_qcount : 0;
	need(plan, want, at, WORD);
	struct plan_want *header = reach(plan, want, WIRE_EDGE_POINTER, at, 0, NULL);
	if (header)
		need(plan, header, off, WORD);
}

// Goes one step on from *at in want. Returns the memory where that is, NULL if there is no more.
static struct plan_want *step_on(struct plan *plan, struct plan_want *want,
				 const struct expr_step *step, uint64_t *at)
{
	struct gotype *from = step->from;
	uint64_t was = *at;
	bool is_string = from->kind == GO_STRING, is_array = from->kind == GO_ARRAY;
	struct plan_want *map;
	switch (step->kind) {
	case EXPR_STEP_FIELD:
		*at += step->number;
		return want;
	case EXPR_STEP_DEREF:
		*at = 0;
		need(plan, want, was, WORD);
		return reach(plan, want, WIRE_EDGE_POINTER, was, 0, from->elem);
	case EXPR_STEP_ELEMENT:
		*at = is_array ? was + step->number * from->elem->size : 0;
		if (is_array)
			return want;
		need(plan, want, was, is_string ? STRING_BYTES : SLICE_BYTES);
		return reach(plan, want, is_string ? WIRE_EDGE_STRING : WIRE_EDGE_SLICE, was,
			     step->number, from->elem);
	case EXPR_STEP_KEY:
		*at = 0;
		need(plan, want, was, WORD);
		map = reach(plan, want, WIRE_EDGE_TABLES, was, 0, from);
		if (map && map->key_bytes < step->len)
			map->key_bytes = (uint32_t)step->len;
		return map;
	case EXPR_STEP_HELD:
		*at = 0;
		need_descriptor(plan, want, from, was);
		return reach(plan, want, WIRE_EDGE_POINTER, was + WORD, 0, step->to);
	case EXPR_STEP_LEN:
		need_length(plan, want, from, was);
		return NULL;
	case EXPR_STEP_TYPE:
		need_descriptor(plan, want, from, was);
		return NULL;
	}
	return NULL;
}

void plan_want_path(struct plan *plan, struct plan_want *want, const struct expr_path *path)
{
	uint64_t at = 0;
	struct gotype *type = path->param->type;
	for (size_t i = 0; i < path->num_steps && want && !plan->state->failed; i++) {
		want = step_on(plan, want, &path->steps[i], &at);
		type = path->steps[i].to;
	}
	if (want && type && !plan->state->failed)
		need_value(plan, want, type, at);
	else if (want && !type)
		need(plan, want, at, 1); // a byte of a string
}

// --- Parts ---------------------------------------------------------------------------------------

static int by_start(const void *a, const void *b)
{
	const struct plan_part *left = a, *right = b;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->end < right->end ? -1 : left->end > right->end;
}

// Merges the parts that take less together than apart.
static void merge_parts(struct plan_parts *parts)
{
	uint32_t num = 0;
	if (parts->num)
		qsort(parts->part, parts->num, sizeof(*parts->part), by_start);
	for (uint32_t i = 0; i < parts->num; i++) {
		struct plan_part *last = num ? &parts->part[num - 1] : NULL,
				 *part = &parts->part[i];
		uint32_t end = last && last->end > part->end ? last->end : part->end;
		if (last && part->start <= last->end + sizeof(struct wire_block) &&
		    end - last->start <= WIRE_BLOCK_MAX)
			last->end = end;
		else
			parts->part[num++] = *part;
	}
	parts->num = num;
}

const struct plan_parts *plan_want_close(struct plan *plan, struct plan_want *want)
{
	merge_parts(&want->wanted);
	want->part_types = calloc(want->wanted.num + 1, sizeof(*want->part_types));
	plan->state->failed |= !want->part_types;
	for (struct plan_want *inside = want->inside; inside; inside = inside->next)
		plan_want_close(plan, inside);
	return &want->wanted;
}

// --- Edges ---------------------------------------------------------------------------------------

static uint32_t part_type(struct plan *plan, struct plan_want *want, uint32_t number)
{
	const struct plan_part *part = &want->wanted.part[number];
	if (plan->state->failed || want->part_types[number])
		return plan->state->failed ? WIRE_NO_TYPE : want->part_types[number];
	struct plan_edges edges = {0};
	plan_want_edges(plan, want, part, 0, &edges);
	uint32_t id = plan_new_type(plan, part->end - part->start, &edges);
	free(edges.edge);
	if (!plan->state->failed)
		plan->tables.types[id].stride = 1;
	return want->part_types[number] = id;
}

static void pointer_edges(struct plan *plan, struct plan_want *want, uint32_t offset,
			  struct plan_edges *out)
{
	for (uint32_t i = 0; i < want->wanted.num; i++)
		plan_add_edge(plan, out,
			      &(struct wire_edge){.offset = offset,
						  .kind = WIRE_EDGE_POINTER,
						  .type = part_type(plan, want, i),
						  .first = want->wanted.part[i].start});
}

// Makes the type of an element, which is captured up to the end of its first part. The other parts
// are edges of it.
static void make_element(struct plan *plan, struct plan_want *want, uint32_t stride)
{
	const struct plan_parts *parts = &want->wanted;
	bool has_first = parts->part[0].end <= WIRE_BLOCK_MAX;
	struct plan_part head = {0, has_first ? parts->part[0].end : HEAD_BYTES};
	struct plan_edges edges = {0};
	for (uint32_t i = has_first; i < parts->num; i++)
		plan_add_edge(plan, &edges,
			      &(struct wire_edge){.kind = WIRE_EDGE_PART,
						  .type = part_type(plan, want, i),
						  .first = parts->part[i].start});
	if (has_first)
		plan_want_edges(plan, want, &head, 0, &edges);
	want->own_type = plan_new_type(plan, head.end, &edges);
	free(edges.edge);
	if (!plan->state->failed)
		plan->tables.types[want->own_type].stride = stride;
}

static void element_edge(struct plan *plan, struct plan_want *want, uint32_t offset,
			 struct plan_edges *out)
{
	uint64_t stride = want->type ? want->type->size : 1;
	if (!want->wanted.num || !stride || stride > UINT32_MAX)
		return;
	if (!want->own_type)
		make_element(plan, want, (uint32_t)stride);
	plan_add_edge(plan, out,
		      &(struct wire_edge){.offset = offset,
					  .kind = (uint8_t)want->kind,
					  .cap = 1,
					  .type = want->own_type,
					  .first = want->index});
}

// The edges of a map's key or element in a bucket.
static void side_edges(struct plan *plan, void *context, const struct plan_side *side,
		       struct plan_edges *out)
{
	struct plan_want *want = context;
	uint32_t off = (uint32_t)side->off, room = side->size - off;
	if (side->is_elem && side->is_indirect) {
		pointer_edges(plan, want, off, out);
	} else if (side->is_elem) {
		struct plan_part all = {0, side->type->size < room ? (uint32_t)side->type->size
								   : room};
		plan_want_edges(plan, want, &all, off, out);
	} else if (side->is_indirect) {
		plan_add_edge(plan, out,
			      &(struct wire_edge){.offset = off,
						  .kind = WIRE_EDGE_POINTER,
						  .type = plan_type(plan, side->type, 0)});
	} else if (side->type->kind == GO_STRING && want->key_bytes) {
		plan_add_edge(plan, out,
			      &(struct wire_edge){
				      .offset = off,
				      .kind = WIRE_EDGE_STRING,
				      .cap = want->key_bytes < WIRE_BLOCK_MAX
						     ? (uint16_t)want->key_bytes
						     : WIRE_BLOCK_MAX,
			      });
	}
}

static void map_edge(struct plan *plan, struct plan_want *want, uint32_t offset,
		     struct plan_edges *out)
{
	if (!want->own_type) {
		uint32_t bucket = plan_bucket_type(plan, want->type, side_edges, want);
		want->own_type = plan_map_header(plan, want->type, bucket);
	}
	plan_add_edge(plan, out,
		      &(struct wire_edge){.offset = offset,
					  .kind = WIRE_EDGE_POINTER,
					  .type = want->own_type});
}

void plan_want_edges(struct plan *plan, struct plan_want *want, const struct plan_part *part,
		     uint32_t offset, struct plan_edges *out)
{
	uint32_t first = out->num;
	for (size_t i = 0; i < want->num_leaves; i++)
		plan_type_edges(plan, want->leaves[i].type, want->leaves[i].at, part,
				plan->options.capture.depth, out);
	for (struct plan_want *inside = want->inside; inside; inside = inside->next) {
		uint32_t bytes = inside->kind == WIRE_EDGE_SLICE    ? SLICE_BYTES
				 : inside->kind == WIRE_EDGE_STRING ? STRING_BYTES
								    : WORD;
		if (inside->at < part->start || inside->at + bytes > part->end)
			continue;
		uint32_t at = inside->at - part->start;
		if (inside->kind == WIRE_EDGE_POINTER)
			pointer_edges(plan, inside, at, out);
		else if (inside->kind == WIRE_EDGE_TABLES)
			map_edge(plan, inside, at, out);
		else
			element_edge(plan, inside, at, out);
	}
	for (uint32_t i = first; i < out->num; i++)
		out->edge[i].offset += offset;
}
