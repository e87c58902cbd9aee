// SPDX-License-Identifier: GPL-2.0-or-later
// DWARF of Go 1.17 to 1.21 leaves out blank parameters and unnamed receivers, though they take
// registers. ArgInfo lists their words among those of the other parameters. So all ways to put
// blanks between DWARF's parameters are tried. The solutions are those that agree with ArgInfo,
// the size of the area and all location lists. A parameter is unknown if solutions differ about
// it.
#include <stdlib.h>
#include <string.h>

#include "dwarf/index/index_private.h"

enum {
	MAX_TRIES = 4000,
	MAX_BLANKS = 4,
	MAX_GROUPS = MAX_ARG_WORDS,
};

// A choice for a group: this value, or the number of floats in a blank.
enum { TAKE_PARAM = -1 };

struct group { // the words of one parameter
	const struct pcln_arg *words;
	int num;
	// Types with these words, by the number of floats among them.
	struct gotype *blank[MAX_ARG_WORDS + 1];
};

struct search {
	const struct blanks_query *query;
	struct group groups[MAX_GROUPS];
	size_t num_groups;
	int choices[MAX_GROUPS];
	// DWARF does not list the receiver that ArgInfo leaves out.
	bool has_hidden_first;
	unsigned num_blanks, tries, solutions;
	// The first solution.
	struct signature best;
	const struct debug_param **best_debug;
};

static struct gotype *scalar(struct gotypes *store, enum gokind kind, uint64_t size)
{
	struct gotype *type = gotypes_new(store);
	if (!type)
		return NULL;
	type->kind = kind;
	type->size = size;
	type->align = (uint32_t)size;
	type->name = type->full_name = "?";
	type->is_complete = true;
	return type;
}

static enum gokind word_kind(unsigned size, bool is_float)
{
	if (is_float)
		return size == 4 ? GO_FLOAT32 : GO_FLOAT64;
	return size == 1 ? GO_UINT8 : size == 2 ? GO_UINT16 : size == 4 ? GO_UINT32 : GO_UINT64;
}

// Makes a type in place of a blank's: a word, or a struct of words. The first num_floats of the
// words that can be floats are floats. Which of them are floats does not matter to later
// parameters. NULL if fewer words can be floats, or if there is no memory.
static struct gotype *blank_type(struct gotypes *store, const struct group *group, int num_floats)
{
	const struct pcln_arg *words = group->words;
	int able = 0;
	for (int i = 0; i < group->num; i++)
		able += words[i].size >= 4;
	if (num_floats > able)
		return NULL;
	if (!words[0].is_aggregate)
		return scalar(store, word_kind(words[0].size, num_floats), words[0].size);
	struct gofield *fields = gotypes_alloc(store, (size_t)group->num * sizeof(*fields));
	struct gotype *type = scalar(store, GO_STRUCT, 0);
	if (!fields || !type)
		return NULL;
	type->align = 1;
	for (int i = 0; i < group->num; i++) {
		if (words[i].offset < words[0].offset + type->size)
			return NULL;
		bool is_float = words[i].size >= 4 && num_floats-- > 0;
		fields[i] = (struct gofield){
			.name = "_",
			.type = scalar(store, word_kind(words[i].size, is_float), words[i].size),
			.offset = (uint64_t)words[i].offset - words[0].offset,
		};
		if (!fields[i].type)
			return NULL;
		type->size = fields[i].offset + words[i].size;
		if (words[i].size > type->align)
			type->align = words[i].size;
	}
	type->size = (type->size + type->align - 1) / type->align * type->align;
	type->fields = fields;
	type->num_fields = (size_t)group->num;
	return type;
}

static void find_groups(struct search *search)
{
	const struct arg_words *words = search->query->words;
	for (int i = 0; i < words->num; i++) {
		bool starts = !i || words->word[i].param != words->word[i - 1].param;
		if (starts)
			search->groups[search->num_groups++].words = &words->word[i];
		search->groups[search->num_groups - 1].num++;
	}
	for (size_t i = 0; i < search->num_groups; i++) {
		struct group *group = &search->groups[i];
		for (int floats = 0; floats <= group->num; floats++)
			group->blank[floats] = blank_type(search->query->store, group, floats);
	}
}

static const char left_out[] = "a blank parameter, which this Go's DWARF leaves out";
static const char uncertain[] = "which parameters are blank is not certain";

static struct param blank_param(struct gotype *type)
{
	return (struct param){.name = "_", .type = type, .unknown = type ? left_out : NULL};
}

static void add(struct signature *signature, const struct debug_param **debug,
		const struct param *param, const struct debug_param *known)
{
	debug[signature->num_params] = known;
	signature->params[signature->num_params] = *param;
	signature->params[signature->num_params].pieces = NULL;
	signature->params[signature->num_params++].num_pieces = 0;
}

static bool has_words(const struct param *param)
{
	return !param->type || param->type->size;
}

// Builds the signature that the choices describe.
static struct error *build(const struct search *search, struct signature *out,
			   const struct debug_param ***out_debug)
{
	const struct signature *from = search->query->signature;
	const struct debug_param *const *from_debug = *search->query->debug;
	size_t num = from->num_params + search->num_groups + 2, next = 0;
	*out = *from;
	out->num_params = 0;
	out->params = calloc(num, sizeof(*out->params));
	const struct debug_param **debug = calloc(num, sizeof(*debug));
	if (!out->params || !debug) {
		free(out->params);
		free(debug);
		return error_nomem();
	}
	if (search->has_hidden_first) {
		struct param receiver = blank_param(NULL);
		receiver.is_hidden = true;
		add(out, debug, &receiver, NULL);
	} else if (search->query->skip && from->num_args) {
		add(out, debug, &from->params[0], from_debug[0]);
		next = 1;
	}
	for (size_t i = 0; i < search->num_groups; i++) {
		if (search->choices[i] != TAKE_PARAM) {
			struct param blank =
				blank_param(search->groups[i].blank[search->choices[i]]);
			add(out, debug, &blank, NULL);
			continue;
		}
		for (bool took = false; next < from->num_args && !took; next++) {
			add(out, debug, &from->params[next], from_debug[next]);
			took = has_words(&from->params[next]);
		}
	}
	for (; next < from->num_args; next++)
		add(out, debug, &from->params[next], from_debug[next]);
	out->num_args = out->num_params;
	for (; next < from->num_params; next++)
		add(out, debug, &from->params[next], from_debug[next]);
	*out_debug = debug;
	return NULL;
}

static bool same_place(const struct param *a, const struct param *b)
{
	if (a->num_pieces != b->num_pieces)
		return false;
	for (size_t i = 0; i < a->num_pieces; i++) {
		const struct abi_piece *left = &a->pieces[i], *right = &b->pieces[i];
		if (left->where != right->where || left->reg != right->reg ||
		    left->offset != right->offset || left->stack_off != right->stack_off)
			return false;
	}
	return true;
}

// A param of the first solution is unknown if another solution gives it another place.
static void merge(struct search *search, const struct signature *other,
		  const struct debug_param *const *other_debug)
{
	for (size_t i = 0; i < search->best.num_params; i++) {
		struct param *param = &search->best.params[i];
		for (size_t k = 0; k < other->num_params; k++)
			if (search->best_debug[i] && search->best_debug[i] == other_debug[k] &&
			    !same_place(param, &other->params[k]))
				param->unknown = uncertain;
	}
}

// A blank is always unknown. The check is only about places, so the reason is cleared for it.
static void set_blanks_unknown(struct signature *signature, const struct debug_param *const *debug,
			       const char *reason)
{
	for (size_t i = 0; i < signature->num_args; i++)
		if (!debug[i] && !signature->params[i].is_hidden)
			signature->params[i].unknown = reason;
}

static struct error *try(struct search *search)
{
	struct signature signature;
	const struct debug_param **debug = NULL;
	struct layout_check check;
	search->tries++;
	struct error *err = build(search, &signature, &debug);
	if (err)
		return err;
	set_blanks_unknown(&signature, debug, NULL);
	err = signature_check(&signature, debug, search->query->words, search->query->frame_bytes,
			      search->query->skip, &check);
	set_blanks_unknown(&signature, debug, left_out);
	bool is_solution = !err && check.is_proven && !check.conflicts;
	if (is_solution && !search->solutions++) {
		search->best = signature;
		search->best_debug = debug;
		return NULL;
	}
	if (is_solution)
		merge(search, &signature, debug);
	signature_deinit(&signature);
	free(debug);
	return err;
}

static size_t count_with_words(const struct search *search)
{
	const struct signature *signature = search->query->signature;
	size_t num = 0;
	bool skips = search->query->skip && !search->has_hidden_first;
	for (size_t i = skips ? 1 : 0; i < signature->num_args; i++)
		num += has_words(&signature->params[i]);
	return num;
}

// Decides for group at and all later groups. left is the number of DWARF's parameters that remain
// to be placed.
static struct error *decide(struct search *search, size_t at, size_t left)
{
	if (search->tries >= MAX_TRIES)
		return NULL;
	size_t groups_left = search->num_groups - at;
	if (search->query->words->is_complete && groups_left < left)
		return NULL;
	if (!groups_left)
		return try(search);
	struct error *err = NULL;
	if (left) {
		search->choices[at] = TAKE_PARAM;
		err = decide(search, at + 1, left - 1);
	}
	if (search->num_blanks >= MAX_BLANKS)
		return err;
	search->num_blanks++;
	const struct group *group = &search->groups[at];
	for (int floats = 0; floats <= group->num && !err; floats++) {
		search->choices[at] = floats;
		if (group->blank[floats])
			err = decide(search, at + 1, left);
	}
	search->num_blanks--;
	return err;
}

// Only the words of a blank are known. If it has several, they may make a struct or an array, and
// any of them may be floats. So a later argument in registers is known only if its location list
// proves its place.
static void doubt_behind_blank(struct signature *signature, const struct debug_param *const *debug)
{
	bool is_open = false;
	for (size_t i = 0; i < signature->num_args && signature->abi == ABI_INTERNAL; i++) {
		struct param *param = &signature->params[i];
		if (!debug[i])
			is_open |= !param->type || param->type->kind == GO_STRUCT;
		else if (is_open && param->num_pieces && !param->unknown &&
			 !signature_proves_place(param, debug[i]))
			param->unknown = uncertain;
	}
}

static void replace(const struct blanks_query *query, const struct signature *signature,
		    const struct debug_param **debug)
{
	signature_deinit(query->signature);
	free(*query->debug);
	*query->signature = *signature;
	*query->debug = debug;
}

struct error *signature_find_blanks(const struct blanks_query *query, bool *found)
{
	struct search search = {.query = query};
	find_groups(&search);
	struct error *err = NULL;
	for (int hidden = 0; hidden <= (int)query->skip && !err; hidden++) {
		search.has_hidden_first = hidden;
		err = decide(&search, 0, count_with_words(&search));
	}
	// If not all ways were tried, another one might agree as well.
	bool is_certain = search.solutions && search.tries < MAX_TRIES;
	if (err || !is_certain) {
		signature_deinit(&search.best);
		free(search.best_debug);
		return err;
	}
	doubt_behind_blank(&search.best, search.best_debug);
	replace(query, &search.best, search.best_debug);
	*found = true;
	return NULL;
}

// Params in a row on the stack, with blanks between them.
struct stacking {
	const struct blanks_query *query;
	struct signature signature;
	const struct debug_param **debug;
	uint64_t end; // of the part of the area that is taken so far, in bytes
};

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return align > 1 ? (value + align - 1) / align * align : value;
}

// Adds a blank that covers the bytes up to until. If there is no memory for it, the layout will
// fail its check.
static void add_stack_blank(struct stacking *stacking, uint64_t until)
{
	if (until <= stacking->end)
		return;
	struct gotype *type = scalar(stacking->query->store, GO_ARRAY, until - stacking->end);
	struct gotype *byte = scalar(stacking->query->store, GO_UINT8, 1);
	if (!type || !byte)
		return;
	type->align = 1;
	type->elem = byte;
	type->len = type->size;
	struct param blank = blank_param(type);
	add(&stacking->signature, stacking->debug, &blank, NULL);
	stacking->end = until;
}

static void add_param(struct stacking *stacking, size_t i)
{
	const struct param *param = &stacking->query->signature->params[i];
	add(&stacking->signature, stacking->debug, param, (*stacking->query->debug)[i]);
	stacking->end = align_up(stacking->end, param->type->align) + param->type->size;
}

static bool is_placed(const struct debug_param *debug)
{
	return debug->has_entry_location && debug->is_whole && debug->is_on_stack &&
	       debug->cfa_off >= 0;
}

static uint64_t results_bytes(const struct signature *signature)
{
	uint64_t end = 0;
	for (size_t i = 0; i < signature->num_args; i++)
		end = align_up(end, signature->params[i].type->align) +
		      signature->params[i].type->size;
	return signature->stack_bytes - align_up(end, 8);
}

// Puts a blank before each argument whose location list names a later place than the end of the
// argument before it. Puts another one before the results if needed: they are the last bytes of
// the area.
static void stack_up(struct stacking *stacking)
{
	const struct blanks_query *query = stacking->query;
	const struct signature *from = query->signature;
	for (size_t i = 0; i < from->num_args; i++) {
		const struct debug_param *debug = (*query->debug)[i];
		uint64_t place = align_up(stacking->end, from->params[i].type->align);
		if (is_placed(debug) && (uint64_t)debug->cfa_off > place)
			add_stack_blank(stacking, (uint64_t)debug->cfa_off);
		add_param(stacking, i);
	}
	uint64_t results = results_bytes(from), frame = (uint64_t)query->frame_bytes;
	if (frame > results && frame - results > align_up(stacking->end, 8))
		add_stack_blank(stacking, frame - results);
	stacking->signature.num_args = stacking->signature.num_params;
	for (size_t i = from->num_args; i < from->num_params; i++)
		add_param(stacking, i);
}

// An argument is known if its location list confirms its place. False if a location list
// contradicts it.
static bool settle_doubts(struct stacking *stacking)
{
	for (size_t i = 0; i < stacking->signature.num_args; i++) {
		struct param *param = &stacking->signature.params[i];
		const struct debug_param *debug = stacking->debug[i];
		if (!debug)
			param->unknown = left_out;
		else if (!param->num_pieces)
			continue;
		else if (!is_placed(debug))
			param->unknown = uncertain;
		else if (debug->cfa_off != (int64_t)param->pieces[0].stack_off)
			return false;
	}
	return true;
}

// Dictionaries have no type. Only releases that pass arguments in registers have them.
static bool has_untyped(const struct signature *signature)
{
	for (size_t i = 0; i < signature->num_params; i++)
		if (!signature->params[i].type)
			return true;
	return false;
}

struct error *signature_find_stack_blanks(const struct blanks_query *query, bool *found)
{
	const struct signature *from = query->signature;
	if (query->frame_bytes <= from->stack_bytes ||
	    !from->stack_bytes == (from->num_params > 0) || has_untyped(from))
		return NULL;
	struct stacking stacking = {.query = query, .signature = *from};
	struct layout_check check = {0};
	size_t num = 2 * from->num_params + 2;
	stacking.signature.num_params = 0;
	stacking.signature.params = calloc(num, sizeof(struct param));
	stacking.debug = calloc(num, sizeof(struct debug_param *));
	struct error *err = NULL;
	if (!stacking.signature.params || !stacking.debug) {
		err = error_nomem();
	} else {
		stack_up(&stacking);
		set_blanks_unknown(&stacking.signature, stacking.debug, NULL);
		err = signature_check(&stacking.signature, stacking.debug, query->words,
				      query->frame_bytes, query->skip, &check);
	}
	if (err || !check.is_proven || !settle_doubts(&stacking)) {
		signature_deinit(&stacking.signature);
		free(stacking.debug);
		return err;
	}
	replace(query, &stacking.signature, stacking.debug);
	*found = true;
	return NULL;
}
