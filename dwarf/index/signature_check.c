// SPDX-License-Identifier: GPL-2.0-or-later
// Checks a layout by the ABI's rules against ArgInfo and location lists. ArgInfo holds the words
// of the arguments, which the compiler writes for tracebacks (EmitArgInfo in
// src/cmd/compile/internal/ssagen/pgen.go).
#include <string.h>

#include "dwarf/index/index_private.h"

enum {
	MAX_WORDS = 10,	   // in ArgInfo
	MAX_DEPTH = 5,	   // of aggregates that ArgInfo opens
	MAX_OFFSET = 0xf0, // ArgInfo has no number for this or larger ones
	MAX_NESTING = 64,  // of hostile types
};

// The words that ArgInfo should list, compared one by one with those that it lists.
struct writing {
	const struct arg_words *words;
	int num;	// of words with an offset, so far
	int components; // counted as in ArgInfo
	bool differs;
	int nesting;
};

static void word(struct writing *writing, uint64_t offset, uint64_t size, bool is_aggregate)
{
	writing->components++;
	if (offset >= MAX_OFFSET)
		return;
	const struct arg_words *words = writing->words;
	if (writing->num >= words->num) {
		writing->differs = true;
		return;
	}
	const struct pcln_arg *listed = &words->word[writing->num++];
	if (listed->offset != offset || listed->size != size ||
	    listed->is_aggregate != is_aggregate)
		writing->differs = true;
}

static bool value(struct writing *writing, struct gotype *type, uint64_t offset, int depth);

static void parts(struct writing *writing, uint64_t offset, unsigned num, uint64_t size)
{
	for (unsigned i = 0; i < num && writing->components < MAX_WORDS; i++)
		word(writing, offset + i * size, size, true);
}

static void elements(struct writing *writing, struct gotype *type, uint64_t offset, int depth)
{
	if (!type->len)
		writing->components++;
	for (uint64_t i = 0; i < type->len; i++)
		if (!value(writing, type->elem, offset + i * type->elem->size, depth))
			return;
}

static void fields(struct writing *writing, struct gotype *type, uint64_t offset, int depth)
{
	if (!type->num_fields)
		writing->components++;
	for (size_t i = 0; i < type->num_fields; i++)
		if (!value(writing, type->fields[i].type, offset + type->fields[i].offset, depth))
			return;
}

// Visits a value as the compiler does. False if the list is full or differs already.
static bool value(struct writing *writing, struct gotype *type, uint64_t offset, int depth)
{
	if (writing->components >= MAX_WORDS)
		return false;
	if (writing->differs || writing->nesting > MAX_NESTING)
		return false;
	gotype_complete(type);
	bool is_aggregate = type->kind == GO_STRUCT || type->kind == GO_ARRAY ||
			    type->kind == GO_STRING || type->kind == GO_INTERFACE ||
			    type->kind == GO_SLICE || type->kind == GO_COMPLEX64 ||
			    type->kind == GO_COMPLEX128;
	if (!is_aggregate) {
		word(writing, offset, type->size, depth > 0);
		return true;
	}
	if (++depth >= MAX_DEPTH) {
		writing->components++;
		return true;
	}
	writing->nesting++;
	switch (type->kind) {
	case GO_STRUCT:
		fields(writing, type, offset, depth);
		break;
	case GO_ARRAY:
		elements(writing, type, offset, depth);
		break;
	case GO_SLICE:
		parts(writing, offset, 3, 8);
		break;
	default: // two halves
		parts(writing, offset, 2, type->size / 2);
		break;
	}
	writing->nesting--;
	return true;
}

static uint64_t area_offset(const struct param *param)
{
	if (!param->num_pieces)
		return 0;
	return param->pieces[0].where == ABI_STACK ? param->pieces[0].stack_off : param->spill_off;
}

// Returns the first argument whose words differ from those in ArgInfo, num_args if there is none.
static size_t compare_words(const struct signature *signature, const struct arg_words *words,
			    bool skip)
{
	struct writing writing = {.words = words};
	for (size_t i = skip ? 1 : 0; i < signature->num_args; i++) {
		struct param *param = &signature->params[i];
		if (param->unknown)
			return i;
		if (param->type) {
			if (!value(&writing, param->type, area_offset(param), 0))
				break;
		} else if (writing.components < MAX_WORDS) {
			word(&writing, area_offset(param), 8, false);
		}
		if (writing.differs)
			return i;
	}
	// If ArgInfo lists words that no argument accounts for, a parameter is missing at the end.
	return writing.num == words->num ? signature->num_args
					 : (signature->num_args ? signature->num_args - 1 : 0);
}

static bool is_listed_blank(const struct param *param)
{
	return param->is_hidden || !strcmp(param->name, "_");
}

enum place_check signature_check_place(const struct param *param, const struct debug_param *debug)
{
	if (!debug || !debug->has_entry_location || !param->num_pieces)
		return PLACE_UNSEEN;
	uint32_t ints = 0, floats = 0;
	for (size_t i = 0; i < param->num_pieces; i++) {
		const struct abi_piece *piece = &param->pieces[i];
		if (piece->where == ABI_INT_REG)
			ints |= 1u << piece->reg;
		else if (piece->where == ABI_FLOAT_REG)
			floats |= 1u << piece->reg;
	}
	bool has_regs = debug->entry_regs || debug->entry_float_regs;
	if (param->pieces[0].where == ABI_STACK) {
		int64_t off = debug->cfa_off - (int64_t)param->pieces[0].stack_off;
		if (has_regs || !debug->is_on_stack || off < 0 || off >= param->pieces[0].size)
			return PLACE_CONFLICTS;
		// Some arguments have only a later part in use and named, though the list may not
		// say so (Go 1.15).
		return off == 0 ? PLACE_AGREES : PLACE_UNSEEN;
	}
	// Go 1.27 lists blanks and dictionaries at spill slots that nothing writes to.
	if (!has_regs)
		return is_listed_blank(param) ? PLACE_UNSEEN : PLACE_CONFLICTS;
	if (debug->entry_regs & ~ints || debug->entry_float_regs & ~floats)
		return PLACE_CONFLICTS;
	return PLACE_AGREES;
}

bool signature_proves_place(const struct param *param, const struct debug_param *debug)
{
	if (signature_check_place(param, debug) != PLACE_AGREES)
		return false;
	unsigned regs = (unsigned)__builtin_popcount(debug->entry_regs) +
			(unsigned)__builtin_popcount(debug->entry_float_regs);
	return param->pieces[0].where == ABI_STACK || regs == param->num_pieces;
}

static bool has_unknown(const struct signature *signature)
{
	for (size_t i = 0; i < signature->num_params; i++)
		if (signature->params[i].unknown)
			return true;
	return false;
}

struct error *signature_check(struct signature *signature, const struct debug_param *const *debug,
			      const struct arg_words *words, int64_t frame_bytes, bool skip,
			      struct layout_check *out)
{
	struct error *err = abi_assign(signature);
	if (err)
		return err;
	*out = (struct layout_check){.bad_from = signature->num_args};
	if (words->num >= 0)
		out->bad_from = compare_words(signature, words, skip);
	bool has_size = frame_bytes >= 0;
	out->is_proven = out->bad_from == signature->num_args && !has_unknown(signature) &&
			 (has_size || words->num >= 0) &&
			 (!has_size || frame_bytes == signature->frame_bytes);
	for (size_t i = 0; i < signature->num_args; i++) {
		enum place_check check = signature_check_place(&signature->params[i], debug[i]);
		out->agreements += check == PLACE_AGREES;
		out->conflicts += check == PLACE_CONFLICTS;
	}
	return NULL;
}
