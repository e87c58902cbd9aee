// SPDX-License-Identifier: GPL-2.0-or-later
// What is captured of a type's memory. A small type is captured whole. Of a large one, what is not
// shown is skipped: the rest of an array after --items elements. What is left is cut into parts, at
// most WIRE_BLOCK_MAX bytes each. Example: struct { a int; b [8192]byte; c string } has the parts
// [0, 24) and [8200, 8216) if 16 items are shown.
#include <stdlib.h>
#include <string.h>

#include "tracer/plan/internal.h"

enum {
	VISITS_MAX = 64 * 1024, // fields and elements of one type
	NESTING_MAX = 64,
};

bool plan_visit(struct plan_visits *visits)
{
	if (visits->num >= VISITS_MAX || visits->nesting >= NESTING_MAX)
		return false;
	visits->num++;
	visits->nesting++;
	return true;
}

// Adds len bytes at start, to the last part if they fit into its block.
static void add(struct plan *plan, struct plan_parts *parts, uint64_t start, uint64_t len)
{
	uint64_t end = start + len;
	if (!len || start > UINT32_MAX - WIRE_BLOCK_MAX || plan->state->failed)
		return;
	struct plan_part *last = parts->num ? &parts->part[parts->num - 1] : NULL;
	if (last && start >= last->start && start < last->end + PLAN_GAP_MIN &&
	    end - last->start <= WIRE_BLOCK_MAX) {
		parts->bytes += end > last->end ? end - last->end : 0;
		last->end = end > last->end ? (uint32_t)end : last->end;
		return;
	}
	if (!plan_has_room(plan, (void **)&parts->part, &parts->size, parts->num,
			   sizeof(*parts->part)))
		return;
	parts->part[parts->num++] = (struct plan_part){(uint32_t)start, (uint32_t)end};
	parts->bytes += len + sizeof(struct wire_block);
}

static void add_type(struct plan *plan, struct plan_parts *parts, struct gotype *type,
		     uint64_t base);

static void add_array(struct plan *plan, struct plan_parts *parts, const struct gotype *type,
		      uint64_t base)
{
	uint64_t size = type->elem->size, step = size < PLAN_GAP_MIN ? WIRE_BLOCK_MAX / size : 1;
	uint64_t len = plan->options.capture.items ? plan->options.capture.items : 1;
	if (len > type->len)
		len = type->len;
	for (uint64_t i = 0; i < len && parts->bytes <= WIRE_RECORD_MAX; i += step) {
		if (step > 1)
			add(plan, parts, base + i * size, (len - i < step ? len - i : step) * size);
		else
			add_type(plan, parts, type->elem, base + i * size);
	}
}

static void add_type(struct plan *plan, struct plan_parts *parts, struct gotype *type,
		     uint64_t base)
{
	if (base > UINT32_MAX || parts->bytes > WIRE_RECORD_MAX || !plan_visit(&parts->visits))
		return;
	gotype_complete(type);
	bool is_large = type->size >= PLAN_GAP_MIN;
	if (is_large && type->kind == GO_STRUCT)
		for (size_t i = 0; i < type->num_fields; i++)
			add_type(plan, parts, type->fields[i].type, base + type->fields[i].offset);
	else if (is_large && type->kind == GO_ARRAY && type->elem && type->elem->size)
		add_array(plan, parts, type, base);
	else if (type->kind != GO_INVALID)
		add(plan, parts, base, type->size < WIRE_BLOCK_MAX ? type->size : WIRE_BLOCK_MAX);
	parts->visits.nesting--;
}

void plan_find_parts(struct plan *plan, struct gotype *type, struct plan_parts *out)
{
	*out = (struct plan_parts){0};
	// The first part has the first byte: a value is there if its first byte is.
	add(plan, out, 0, type->size < 8 ? type->size : 8);
	add_type(plan, out, type, 0);
	uint64_t end = out->num ? out->part[out->num - 1].end : 0;
	if (end < type->size && type->size - end < PLAN_GAP_MIN) // padding
		add(plan, out, end, type->size - end);
}
