// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/go/abi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_PIECES = ARCH_INTS_MAX + ARCH_FLOATS_MAX,
	// Types are hostile input: a struct may contain itself, or a million empty structs at each
	// level.
	MAX_NESTING = 64,
	MAX_STEPS = 10000,
	WORD = 8,
};

enum flatten { FLAT_FITS, FLAT_TO_STACK, FLAT_BROKEN };

struct assignment { // the registers and stack that the params so far use
	unsigned max_ints, max_floats;
	unsigned ints, floats;	   // registers of this side (arguments or results)
	uint64_t stack;		   // bytes, of both sides
	const char *stack_unknown; // not NULL: why stack is no longer certain
	const char *side_unknown;  // not NULL: why the later params of this side are not certain
};

struct leaves { // the pieces of one value, while it is split into registers
	const struct assignment *state;
	unsigned ints, floats, num, steps;
	struct abi_piece pieces[MAX_PIECES];
};

static const char broken_type[] = "its type is broken in DWARF";
static const char behind_broken_type[] = "after a parameter whose type is broken in DWARF";
static const char absurd_size[] = "the arguments before it are absurdly big";

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return align > 1 ? (value + align - 1) / align * align : value;
}

static enum flatten leaf(struct leaves *leaves, enum abi_where where, uint64_t offset,
			 unsigned size)
{
	bool is_int = where == ABI_INT_REG;
	unsigned *used = is_int ? &leaves->ints : &leaves->floats;
	if (*used >= (is_int ? leaves->state->max_ints : leaves->state->max_floats))
		return FLAT_TO_STACK;
	leaves->pieces[leaves->num++] = (struct abi_piece){
		.where = where,
		.reg = (uint8_t)*used,
		.offset = (uint32_t)offset,
		.size = size,
	};
	++*used;
	return FLAT_FITS;
}

static enum flatten words(struct leaves *leaves, uint64_t offset, unsigned num)
{
	for (unsigned i = 0; i < num; i++)
		if (leaf(leaves, ABI_INT_REG, offset + i * WORD, WORD) != FLAT_FITS)
			return FLAT_TO_STACK;
	return FLAT_FITS;
}

static enum flatten flatten(struct leaves *leaves, struct gotype *type, uint64_t offset,
			    unsigned nesting);

static enum flatten flatten_struct(struct leaves *leaves, const struct gotype *type,
				   uint64_t offset, unsigned nesting)
{
	for (size_t i = 0; i < type->num_fields; i++) {
		const struct gofield *field = &type->fields[i];
		enum flatten result =
			flatten(leaves, field->type, offset + field->offset, nesting + 1);
		if (result != FLAT_FITS)
			return result;
	}
	return FLAT_FITS;
}

static enum flatten flatten(struct leaves *leaves, struct gotype *type, uint64_t offset,
			    unsigned nesting)
{
	if (!type || nesting > MAX_NESTING || ++leaves->steps > MAX_STEPS)
		return FLAT_BROKEN;
	gotype_complete(type);
	switch (type->kind) {
	case GO_BOOL ... GO_UINTPTR:
		if (type->size < 1 || type->size > WORD)
			return FLAT_BROKEN;
		return leaf(leaves, ABI_INT_REG, offset, (unsigned)type->size);
	case GO_CHAN:
	case GO_FUNC:
	case GO_MAP:
	case GO_POINTER:
	case GO_UNSAFE_POINTER:
		return words(leaves, offset, 1);
	case GO_INTERFACE:
	case GO_STRING:
		return words(leaves, offset, 2);
	case GO_SLICE:
		return words(leaves, offset, 3);
	case GO_FLOAT32:
		return leaf(leaves, ABI_FLOAT_REG, offset, 4);
	case GO_FLOAT64:
		return leaf(leaves, ABI_FLOAT_REG, offset, 8);
	case GO_COMPLEX64:
		return leaf(leaves, ABI_FLOAT_REG, offset, 4) == FLAT_FITS
			       ? leaf(leaves, ABI_FLOAT_REG, offset + 4, 4)
			       : FLAT_TO_STACK;
	case GO_COMPLEX128:
		return leaf(leaves, ABI_FLOAT_REG, offset, 8) == FLAT_FITS
			       ? leaf(leaves, ABI_FLOAT_REG, offset + 8, 8)
			       : FLAT_TO_STACK;
	case GO_ARRAY:
		if (type->len == 0)
			return FLAT_FITS;
		return type->len == 1 ? flatten(leaves, type->elem, offset, nesting + 1)
				      : FLAT_TO_STACK;
	case GO_STRUCT:
		return flatten_struct(leaves, type, offset, nesting);
	default:
		return FLAT_BROKEN;
	}
}

static struct error *set_pieces(struct param *param, const struct abi_piece *pieces, size_t num)
{
	param->pieces = malloc(num * sizeof(*pieces));
	if (!param->pieces)
		return error_nomem();
	memcpy(param->pieces, pieces, num * sizeof(*pieces));
	param->num_pieces = num;
	return NULL;
}

static void mark_unknown(struct param *param, const char *reason)
{
	if (!param->unknown)
		param->unknown = reason;
}

static struct error *assign_stack(struct assignment *state, struct param *param)
{
	uint64_t size = param->type ? param->type->size : WORD;
	uint64_t align = param->type ? param->type->align : WORD;
	if (state->stack_unknown) {
		mark_unknown(param, state->stack_unknown);
		return NULL;
	}
	uint64_t off = align_up(state->stack, align);
	if (size > UINT32_MAX || off + size > UINT32_MAX) {
		state->stack_unknown = absurd_size;
		mark_unknown(param, absurd_size);
		return NULL;
	}
	state->stack = off + size;
	if (!size)
		return NULL;
	struct abi_piece piece = {
		.where = ABI_STACK,
		.size = (uint32_t)size,
		.stack_off = (uint32_t)off,
	};
	return set_pieces(param, &piece, 1);
}

static enum flatten take_apart(struct leaves *leaves, struct gotype *type)
{
	if (!type)
		return words(leaves, 0, 1);
	enum flatten result = flatten(leaves, type, 0, 0);
	// A value of size 0 goes to the stack, where its alignment counts (abi-internal.md). A
	// broken type does not, because its size may be wrong.
	if (result != FLAT_BROKEN && type->size == 0)
		return FLAT_TO_STACK;
	return result;
}

static struct error *assign_param(struct assignment *state, struct param *param)
{
	if (state->side_unknown) {
		mark_unknown(param, state->side_unknown);
		return NULL;
	}
	struct leaves leaves = {
		.state = state,
		.ints = state->ints,
		.floats = state->floats,
	};
	switch (take_apart(&leaves, param->type)) {
	case FLAT_FITS:
		if (!leaves.num) // a type with a size but without leaves is not a Go type
			break;
		state->ints = leaves.ints;
		state->floats = leaves.floats;
		return set_pieces(param, leaves.pieces, leaves.num);
	case FLAT_TO_STACK:
		return assign_stack(state, param);
	case FLAT_BROKEN:
		break;
	}
	mark_unknown(param, param->type && param->type->broken ? param->type->broken : broken_type);
	state->side_unknown = behind_broken_type;
	state->stack_unknown = behind_broken_type;
	return NULL;
}

static void drop_pieces(struct param *param)
{
	free(param->pieces);
	param->pieces = NULL;
	param->num_pieces = 0;
}

// The spill area follows the results. It has a slot for each argument that is passed in registers.
static void assign_spills(struct signature *signature, uint64_t off)
{
	for (size_t i = 0; i < signature->num_args; i++) {
		struct param *param = &signature->params[i];
		if (!param->num_pieces || param->pieces[0].where == ABI_STACK)
			continue;
		off = align_up(off, param->type ? param->type->align : WORD);
		param->spill_off = (uint32_t)off;
		off += param->type ? param->type->size : WORD;
	}
	off = align_up(off, WORD);
	if (off <= UINT32_MAX)
		signature->frame_bytes = (uint32_t)off;
}

struct error *abi_assign(struct signature *signature)
{
	const struct arch *arch = signature->arch;
	bool in_registers = signature->abi == ABI_INTERNAL;
	struct assignment state = {
		.max_ints = in_registers ? arch->num_ints : 0,
		.max_floats = in_registers ? arch->num_floats : 0,
	};
	for (size_t i = 0; i < signature->num_params; i++)
		drop_pieces(&signature->params[i]);
	signature->stack_bytes = signature->frame_bytes = 0;
	for (size_t i = 0; i < signature->num_params; i++) {
		if (i == signature->num_args) {
			state.stack = align_up(state.stack, WORD);
			state.ints = state.floats = 0;
			state.side_unknown = NULL;
		}
		struct error *err = assign_param(&state, &signature->params[i]);
		if (err)
			return err;
	}
	uint64_t bytes = align_up(state.stack, WORD);
	if (state.stack_unknown || bytes > UINT32_MAX)
		return NULL;
	signature->stack_bytes = (uint32_t)bytes;
	assign_spills(signature, bytes);
	return NULL;
}

void signature_deinit(struct signature *signature)
{
	for (size_t i = 0; i < signature->num_params; i++)
		drop_pieces(&signature->params[i]);
	free(signature->params);
	memset(signature, 0, sizeof(*signature));
}

void abi_describe(const struct arch *arch, const struct param *param, char *buffer, size_t size)
{
	if (!size)
		return;
	snprintf(buffer, size, "%s", param->unknown ? "?" : param->num_pieces ? "" : "nowhere");
	if (param->unknown)
		return;
	size_t len = 0;
	for (size_t i = 0; i < param->num_pieces && len < size; i++) {
		const struct abi_piece *piece = &param->pieces[i];
		const char *plus = i ? "+" : "";
		const char *reg = piece->where == ABI_INT_REG	  ? arch_int(arch, piece->reg)
				  : piece->where == ABI_FLOAT_REG ? arch_float(arch, piece->reg)
								  : NULL;
		int wrote = reg ? snprintf(buffer + len, size - len, "%s%s", plus, reg)
				: snprintf(buffer + len, size - len, "%sstack+%u", plus,
					   piece->stack_off);
		len += wrote > 0 ? (size_t)wrote : 0;
	}
}
