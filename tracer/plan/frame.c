// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "tracer/plan/brief.h"
#include "tracer/plan/internal.h"

static uint64_t param_size(const struct param *param)
{
	if (param->type)
		return param->type->size;
	uint64_t size = 0; // without a type: raw words
	for (size_t i = 0; i < param->num_pieces; i++)
		if (size < param->pieces[i].offset + param->pieces[i].size)
			size = param->pieces[i].offset + param->pieces[i].size;
	return size;
}

enum { ADDRESS_BYTES = 8 };

// True if the frame can have the address of the value instead of its bytes: all of it is in one
// place on the stack.
static bool has_address(const struct param *param)
{
	return param->type && param->num_pieces == 1 && param->pieces[0].where == ABI_STACK &&
	       !param->pieces[0].offset && param->pieces[0].size == param->type->size &&
	       param->type->size > ADDRESS_BYTES;
}

static bool is_redacted(const struct plan *plan, const struct param *param)
{
	if (param->type)
		gotype_complete(param->type);
	return redact_has_value(plan->redact, param->name, param->type);
}

// Bytes of the frame that this value takes up.
static uint64_t frame_bytes(const struct plan *plan, const struct param *param, bool is_address)
{
	if (param->is_hidden || param->unknown || is_redacted(plan, param))
		return 0;
	return is_address ? ADDRESS_BYTES : (param_size(param) + 7) & ~7ull;
}

static struct error *add_hole(struct plan_frame *frame, uint32_t off, uint32_t size,
			      const char *reason)
{
	struct plan_hole *holes = realloc(frame->holes, (frame->num_holes + 1) * sizeof(*holes));
	if (!holes)
		return error_nomem();
	frame->holes = holes;
	holes[frame->num_holes++] = (struct plan_hole){off, size, reason, true};
	return NULL;
}

// Adds what the value has of this piece of its parameter.
static struct error *add_piece(struct plan *plan, struct plan_frame *frame,
			       const struct plan_value *value, const struct abi_piece *piece)
{
	uint64_t value_end = (uint64_t)value->start + value->frame_bytes;
	uint64_t end = (uint64_t)piece->offset + piece->size;
	uint32_t start = piece->offset > value->start ? piece->offset : value->start;
	if (end > value_end)
		end = value_end;
	if (start >= end)
		return NULL;
	struct wire_piece wire = {
		.frame_off = (uint16_t)(value->frame_off + start - value->start),
		.size = (uint16_t)(end - start),
		.reg = piece->reg,
		.stack_off = piece->stack_off + start - piece->offset,
	};
	switch (piece->where) {
	case ABI_INT_REG:
		wire.where = WIRE_INT_REG;
		break;
	case ABI_STACK:
		wire.where = WIRE_STACK;
		break;
	case ABI_FLOAT_REG:
		wire.where = WIRE_FLOAT_REG;
		const struct arch *arch = plan->state->arch;
		if (piece->reg >= arch->num_floats)
			return error_new("float register %u", piece->reg);
		struct error *err =
			add_hole(frame, wire.frame_off, wire.size, arch->float_reasons[piece->reg]);
		if (err)
			return err;
		break;
	}
	frame->num_pieces++;
	return plan_add_piece(plan, &wire);
}

static struct error *add_address(struct plan *plan, struct plan_frame *frame,
				 const struct plan_value *value, struct plan_edges *edges)
{
	struct gotype *type = value->param->type;
	struct wire_piece wire = {
		.frame_off = (uint16_t)value->frame_off,
		.size = ADDRESS_BYTES,
		.where = WIRE_STACK_ADDR,
		.stack_off = value->param->pieces[0].stack_off,
	};
	plan_add_edge(plan, edges,
		      &(struct wire_edge){.offset = value->frame_off,
					  .kind = WIRE_EDGE_POINTER,
					  .type = plan_type(plan, type,
							    plan->options.capture.depth)});
	frame->num_pieces++;
	return plan_add_piece(plan, &wire);
}

// Adds the next value, and takes up to *spare bytes for more than its address.
static struct error *add_value(struct plan *plan, struct plan_frame *frame,
			       const struct param *param, uint64_t *spare, struct plan_edges *edges)
{
	struct plan_value *value = &frame->values[frame->num_values++];
	value->param = param;
	value->frame_off = (frame->size + 7) & ~7u;
	value->is_redacted = is_redacted(plan, param);
	if (param->unknown || value->is_redacted)
		return NULL;
	uint64_t bytes = param_size(param);
	if (has_address(param)) {
		uint64_t more = frame_bytes(plan, param, false) - ADDRESS_BYTES;
		value->is_address = more > *spare;
		*spare -= value->is_address ? 0 : more;
		bytes = value->is_address ? ADDRESS_BYTES : bytes;
	}
	if (bytes > WIRE_BLOCK_MAX - value->frame_off)
		bytes = WIRE_BLOCK_MAX - value->frame_off;
	value->frame_bytes = (uint32_t)bytes;
	frame->size = value->frame_off + value->frame_bytes;
	if (value->is_address && bytes == ADDRESS_BYTES)
		return add_address(plan, frame, value, edges);
	for (size_t i = 0; i < param->num_pieces; i++) {
		struct error *err = add_piece(plan, frame, value, &param->pieces[i]);
		if (err)
			return err;
	}
	const struct func *func = plan->options.capture.is_brief ? plan->state->framed : NULL;
	if (param->type && !(func && brief_is_bulky_receiver(func, param)))
		plan_type_edges(plan, param->type, value->frame_off,
				&(struct plan_part){0, frame->size}, plan->options.capture.depth,
				edges);
	return NULL;
}

// Makes the frame's type, and frees the edges. err: of what came before.
static struct error *end_frame(struct plan *plan, struct plan_frame *frame,
			       struct plan_edges *edges, struct error *err, struct plan_frame *out)
{
	frame->size = (frame->size + 7) & ~7u;
	if (!err && edges->num)
		frame->type = plan_new_type(plan, frame->size, edges);
	free(edges->edge);
	if (!err && plan->state->failed)
		err = error_nomem();
	if (err) {
		plan_frame_deinit(frame);
		return err;
	}
	*out = *frame;
	return NULL;
}

struct error *plan_frame_init(struct plan *plan, const struct param *params, size_t num,
			      const bool *left_out, uint32_t room, struct plan_frame *out)
{
	struct plan_frame frame = {.first_piece = plan->tables.num_pieces};
	struct plan_edges edges = {0};
	struct error *err = NULL;
	frame.values = calloc(num ? num : 1, sizeof(*frame.values));
	if (!frame.values)
		return error_nomem();
	uint64_t least = 0;
	for (size_t i = 0; i < num; i++)
		if (!left_out || !left_out[i])
			least += frame_bytes(plan, &params[i], has_address(&params[i]));
	uint64_t spare = least < room ? room - least : 0;
	for (size_t i = 0; i < num && !err; i++)
		if (!params[i].is_hidden && (!left_out || !left_out[i]))
			err = add_value(plan, &frame, &params[i], &spare, &edges);
	return end_frame(plan, &frame, &edges, err, out);
}

// --- What is shown -------------------------------------------------------------------------------

// Extends a part to whole registers.
static void take_registers(const struct param *param, struct plan_part *part)
{
	for (size_t i = 0; i < param->num_pieces; i++) {
		const struct abi_piece *piece = &param->pieces[i];
		uint32_t end = piece->offset + piece->size;
		if (piece->where == ABI_STACK || piece->offset >= part->end || end <= part->start)
			continue;
		part->start = piece->offset < part->start ? piece->offset : part->start;
		part->end = end > part->end ? end : part->end;
	}
}

static struct error *add_part(struct plan *plan, struct plan_frame *frame,
			      const struct param *param, struct plan_want *want,
			      struct plan_part part, uint32_t room, struct plan_edges *edges)
{
	uint32_t off = (frame->size + 7) & ~7u;
	struct plan_value *values =
		reallocarray(frame->values, frame->num_values + 1, sizeof(*values));
	if (!values)
		return error_nomem();
	frame->values = values;
	struct plan_value *value = &values[frame->num_values++];
	take_registers(param, &part);
	*value = (struct plan_value){.param = param, .start = part.start, .frame_off = off};
	if (off >= room)
		return NULL;
	if (part.end - part.start > room - off)
		part.end = part.start + room - off;
	value->frame_bytes = part.end - part.start;
	frame->size = off + value->frame_bytes;
	for (size_t i = 0; i < param->num_pieces; i++) {
		struct error *err = add_piece(plan, frame, value, &param->pieces[i]);
		if (err)
			return err;
	}
	plan_want_edges(plan, want, &part, off, edges);
	return NULL;
}

static struct error *add_shown(struct plan *plan, struct plan_frame *frame,
			       const struct param *param, const struct plan_show *show,
			       uint32_t room, struct plan_edges *edges)
{
	struct plan_want *want = NULL;
	for (size_t i = 0; i < show->num; i++) {
		if (show->paths[i]->param != param || redact_has_path(plan->redact, show->paths[i]))
			continue;
		want = want ? want : plan_want_create(plan);
		if (want)
			plan_want_path(plan, want, show->paths[i]);
	}
	if (!want)
		return NULL;
	const struct plan_parts *parts = plan_want_close(plan, want);
	struct error *err = plan->state->failed ? error_nomem() : NULL;
	for (uint32_t i = 0; i < parts->num && !err; i++)
		err = add_part(plan, frame, param, want, parts->part[i], room, edges);
	plan_want_destroy(want);
	return err;
}

struct error *plan_frame_shown(struct plan *plan, const struct param *params, size_t num,
			       const struct plan_show *show, uint32_t room, struct plan_frame *out)
{
	struct plan_frame frame = {.first_piece = plan->tables.num_pieces};
	struct plan_edges edges = {0};
	struct error *err = NULL;
	for (size_t i = 0; i < num && !err; i++)
		err = add_shown(plan, &frame, &params[i], show, room, &edges);
	return end_frame(plan, &frame, &edges, err, out);
}

void plan_frame_deinit(struct plan_frame *frame)
{
	free(frame->values);
	free(frame->holes);
}
