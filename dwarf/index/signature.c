// SPDX-License-Identifier: GPL-2.0-or-later
// Makes a signature whose places are certain from the parameters that DWARF lists. DWARF gives the
// order and the types, and the ABI's rules give the places. Three sources confirm the places: the
// size of the argument area and ArgInfo (both in pclntab), and the location lists at entry. An
// argument is unknown if they cannot be made to agree on it.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf/go/funcname.h"
#include "dwarf/index/index_private.h"

// The place of a hidden dictionary among the arguments.
enum dict { DICT_NONE, DICT_FIRST, DICT_SECOND, DICT_LISTED };

struct making { // a signature that is being made
	const struct signature_query *query;
	struct debug_func debug; // DWARF's, without the dictionary
	// The dictionary that DWARF lists, NULL if it lists none, and its index in the list.
	const struct debug_param *dict;
	size_t dict_place;
	struct arg_words words;
	int64_t frame_bytes; // negative if not known
	bool has_regabi;
	// All orders of debug's params that were tried.
	struct debug_param *orders;
	bool is_order_open; // no order is certain
	// It is not certain whether the function takes its arguments in registers.
	bool is_abi_open;
	bool skip; // ArgInfo leaves the first argument out
};

struct candidate {
	struct signature signature;
	// Parallel to the signature's params, NULL for a param that DWARF does not list.
	const struct debug_param **debug;
	struct layout_check check;
	int rank; // order of preference, 0 first
};

static void candidate_deinit(struct candidate *candidate)
{
	signature_deinit(&candidate->signature);
	free(candidate->debug);
	*candidate = (struct candidate){0};
}

static bool is_method_name(const char *name)
{
	const char *close = strrchr(name, ']');
	return close && close[1];
}

static struct param hidden_param(void)
{
	return (struct param){.name = ".dict", .is_hidden = true};
}

static size_t count_args(const struct debug_func *debug)
{
	size_t num = 0;
	while (num < debug->num_params && !debug->params[num].is_result)
		num++;
	return num;
}

// Returns the number of arguments before the dictionary.
static size_t dict_place(const struct making *making, enum dict dict)
{
	size_t num_args = count_args(&making->debug);
	size_t place = dict == DICT_FIRST ? 0 : dict == DICT_SECOND ? 1 : making->dict_place;
	return place < num_args ? place : num_args;
}

static struct error *build(const struct making *making, enum abi abi, enum dict dict,
			   struct candidate *out)
{
	const struct debug_func *debug = &making->debug;
	size_t num = debug->num_params + (dict != DICT_NONE), at = 0;
	size_t num_args = count_args(debug), place = dict_place(making, dict);
	struct signature *signature = &out->signature;
	*out = (struct candidate){0};
	signature->params = calloc(num + 1, sizeof(*signature->params));
	out->debug = calloc(num + 1, sizeof(*out->debug));
	if (!signature->params || !out->debug) {
		candidate_deinit(out);
		return error_nomem();
	}
	int ret_slot = 0;
	for (size_t i = 0; i <= debug->num_params; i++) {
		if (dict != DICT_NONE && i == place) {
			out->debug[at] = making->dict;
			signature->params[at++] = hidden_param();
		}
		if (i == debug->num_params)
			break;
		const struct debug_param *param = &debug->params[i];
		out->debug[at] = param;
		signature->params[at++] = (struct param){
			.name = signature_shown_name(debug, param),
			.type = param->type,
			.is_result = param->is_result,
			.ret_slot = param->is_result ? ret_slot++ : 0,
		};
	}
	signature->arch = making->query->arch;
	signature->abi = abi;
	signature->is_known = true;
	signature->is_variadic = debug->is_variadic;
	signature->num_params = num;
	signature->num_args = num_args + (dict != DICT_NONE);
	return NULL;
}

static struct error *check(const struct making *making, struct candidate *candidate)
{
	return signature_check(&candidate->signature, candidate->debug, &making->words,
			       making->frame_bytes, making->skip, &candidate->check);
}

static bool is_perfect(const struct candidate *candidate)
{
	return candidate->check.is_proven && !candidate->check.conflicts;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->check.is_proven != b->check.is_proven)
		return a->check.is_proven;
	if (a->check.conflicts != b->check.conflicts)
		return a->check.conflicts < b->check.conflicts;
	if (a->check.agreements != b->check.agreements)
		return a->check.agreements > b->check.agreements;
	return a->rank < b->rank;
}

// Returns the likely place of the dictionary. Go 1.21 moved it to the place after the receiver. If
// calls of the function were inlined too, DWARF lists the dictionary after all other parameters.
static enum dict likely_dict(const struct making *making)
{
	const char *name = making->query->func->name;
	if (making->dict && (making->dict_place < 2 || !funcname_takes_dict(name)))
		return DICT_LISTED;
	if (!funcname_takes_dict(name))
		return DICT_NONE;
	if (!is_method_name(name))
		return DICT_FIRST;
	return making->query->go.minor >= 21 ? DICT_SECOND : DICT_FIRST;
}

static struct error *try(struct making *making, enum abi abi, enum dict dict, int rank,
			 struct candidate *best)
{
	struct candidate candidate;
	struct error *err = build(making, abi, dict, &candidate);
	if (err)
		return err;
	candidate.rank = rank;
	err = check(making, &candidate);
	if (err) {
		candidate_deinit(&candidate);
		return err;
	}
	if (!best->debug || is_better(&candidate, best)) {
		candidate_deinit(best);
		*best = candidate;
	} else {
		candidate_deinit(&candidate);
	}
	return NULL;
}

// Tries the likely place of a dictionary first. Tries the other places only if something
// contradicts it.
static struct error *choose_dict(struct making *making, enum abi abi, struct candidate *best)
{
	enum dict dict = likely_dict(making);
	int rank = 0;
	*best = (struct candidate){0};
	struct error *err = try(making, abi, dict, rank++, best);
	if (err || !making->has_regabi || !funcname_has_shape(making->query->func->name))
		return err;
	bool is_proven = best->check.is_proven;
	int first = making->dict ? DICT_FIRST : DICT_NONE;
	int last = making->dict ? DICT_LISTED : DICT_SECOND;
	for (int other = first; other <= last && !err && !is_perfect(best); other++)
		if (other != (int)dict)
			err = try(making, abi, (enum dict)other, rank++, best);
	// Two places of a dictionary may give the same words. If the likely place is proven, a
	// location list decides between them. Otherwise only the words do, and the word that is
	// taken for the dictionary may be a blank parameter.
	if (best->rank && !is_proven)
		best->check.is_proven = false;
	return err;
}

// Reports whether location lists confirm one candidate and contradict the other.
static bool lists_favor(const struct candidate *one, const struct candidate *other)
{
	return one->check.agreements && !one->check.conflicts && other->check.conflicts;
}

// The symbol decides which ABI the function has. The size of the argument area does not, because
// it may match either ABI by chance. If no symbol decides, location lists must.
static struct error *choose(struct making *making, struct candidate *best)
{
	enum abi abi = making->query->func->flags & FUNC_ABI0 ? ABI0 : ABI_INTERNAL;
	struct error *err = choose_dict(making, abi, best);
	if (err || !making->has_regabi || making->query->is_abi_known)
		return err;
	struct candidate other;
	err = choose_dict(making, abi == ABI0 ? ABI_INTERNAL : ABI0, &other);
	if (!err && lists_favor(&other, best)) {
		struct candidate chosen = other;
		other = *best;
		*best = chosen;
	} else if (!err) {
		making->is_abi_open = !lists_favor(best, &other);
	}
	candidate_deinit(&other);
	return err;
}

// DWARF does not list blank parameters before Go 1.22.
static bool leaves_out_blanks(const struct making *making)
{
	return making->query->go.minor < 22;
}

static void doubt(struct param *param, const char *reason)
{
	if (!param->unknown)
		param->unknown = reason;
}

static bool is_on_stack(const struct param *param)
{
	return param->num_pieces && param->pieces[0].where == ABI_STACK;
}

// Returns the first argument that only its location list can prove.
// In a proven layout, DWARF may still leave out parameters where ArgInfo is cut short, but only
// ones that share the last word with an argument smaller than 8 bytes. In an unproven layout, the
// arguments that ArgInfo confirms are known if DWARF lists all parameters. If only the size is
// wrong, no argument is known, because any of them may be the reason.
static size_t first_doubtful(const struct making *making, const struct candidate *candidate)
{
	const struct signature *signature = &candidate->signature;
	const struct layout_check *layout = &candidate->check;
	bool is_cut = leaves_out_blanks(making) && making->has_regabi && !making->words.is_complete;
	if (!layout->is_proven)
		return leaves_out_blanks(making) || layout->bad_from == signature->num_args
			       ? 0
			       : layout->bad_from;
	for (size_t i = 0; i < signature->num_args && is_cut; i++) {
		const struct gotype *type = signature->params[i].type;
		if (type && type->size && type->align < 8)
			return i;
	}
	return signature->num_args;
}

static void doubt_unproven(const struct making *making, struct candidate *candidate)
{
	struct signature *signature = &candidate->signature;
	size_t doubtful = first_doubtful(making, candidate);
	for (size_t i = 0; i < signature->num_args; i++) {
		struct param *param = &signature->params[i];
		enum place_check place = signature_check_place(param, candidate->debug[i]);
		if (place == PLACE_CONFLICTS)
			doubt(param, "its location list names another place");
		else if (i >= doubtful && param->num_pieces &&
			 !signature_proves_place(param, candidate->debug[i]))
			doubt(param, "DWARF does not list all parameters");
	}
	// Results on the stack come after the arguments, so a missing argument moves them.
	for (size_t i = signature->num_args; i < signature->num_params; i++)
		if (!candidate->check.is_proven && is_on_stack(&signature->params[i]))
			doubt(&signature->params[i], "DWARF does not list all parameters");
}

static void doubt_abi(struct signature *signature)
{
	for (size_t i = 0; i < signature->num_params; i++)
		if (signature->params[i].num_pieces)
			doubt(&signature->params[i], "whether it is in registers is not known");
}

// Reports whether the function's name shows that its first argument is a receiver of this type, as
// "main.(*T).M" does.
static bool names_receiver(const char *name, const struct gotype *type)
{
	struct method_name method;
	if (!type || !funcname_method(name, &method))
		return false;
	const char *receiver = method.receiver;
	size_t len = method.receiver_len, type_len = strlen(type->full_name);
	return type_len > len && type->full_name[type_len - len - 1] == '.' &&
	       !strncmp(type->full_name + type_len - len, receiver, len);
}

static void mark_receiver(const struct func *func, struct signature *signature)
{
	for (size_t i = 0; i < signature->num_args; i++) {
		struct param *param = &signature->params[i];
		if (param->is_hidden)
			continue;
		param->is_receiver = names_receiver(func->name, param->type);
		return;
	}
}

// For Go before 1.17: reports whether DWARF lists all parameters, as the names of the results
// show. *is_told is false if the names do not show it.
static bool lists_all(const struct making *making, const struct signature *signature, bool *is_told)
{
	unsigned long counted;
	*is_told = signature_first_number(&making->debug, &counted);
	bool has_receiver = signature->num_args && signature->params[0].is_receiver;
	return *is_told && counted + has_receiver == signature->num_args;
}

// For Go before 1.17: all arguments are on the stack, there is no ArgInfo, and DWARF leaves out
// blanks. The size of the area rules out all blanks except those that fit into padding.
static void check_stack_only(const struct making *making, struct candidate *candidate)
{
	const struct signature *signature = &candidate->signature;
	bool is_told, is_all = lists_all(making, signature, &is_told);
	if (is_told && !is_all)
		candidate->check.is_proven = false;
	for (size_t i = 0; i < signature->num_args && !is_told; i++) {
		struct param *param = &signature->params[i];
		if (param->num_pieces && param->type->align < 8 &&
		    !signature_proves_place(param, candidate->debug[i]))
			doubt(param, "a blank parameter may be before it");
	}
}

static bool is_same_param(const struct param *a, const struct debug_param *debug_a,
			  const struct debug_param *debug_b)
{
	return a->is_result == debug_b->is_result && !strcmp(debug_a->name, debug_b->name);
}

// A parameter is unknown if another order, which fits as well as the best one, gives it another
// place.
static void doubt_order(struct candidate *best, const struct candidate *other)
{
	struct signature *signature = &best->signature;
	for (size_t i = 0; i < signature->num_params; i++) {
		struct param *param = &signature->params[i];
		for (size_t k = 0; k < signature->num_params; k++) {
			const struct param *same = &other->signature.params[k];
			if (!is_same_param(param, best->debug[i], other->debug[k]))
				continue;
			if (param->num_pieces && same->num_pieces &&
			    param->pieces[0].stack_off != same->pieces[0].stack_off)
				doubt(param, "the order of the parameters is not certain");
			if (same->unknown)
				doubt(param, same->unknown);
		}
	}
}

// Reports whether the function is a method value of Go 1.17 to 1.20: its DWARF lists no
// parameters.
static bool is_unlisted(const struct making *making)
{
	return making->has_regabi && making->query->go.minor < 21 &&
	       funcname_is_method_value(making->query->func->name) && !count_args(&making->debug);
}

// Tries an order of the parameters. *best becomes the likeliest of the orders that fit the area's
// size.
static struct error *try_order(struct making *making, unsigned order,
			       const struct debug_func *listed, int *likelihood,
			       struct candidate *best)
{
	making->debug.params = making->orders + order * listed->num_params;
	struct candidate candidate;
	if (!signature_order(listed, order, making->debug.params))
		return NULL;
	struct error *err = build(making, ABI0, likely_dict(making), &candidate);
	if (!err)
		err = check(making, &candidate);
	if (err) {
		candidate_deinit(&candidate);
		return err;
	}
	mark_receiver(making->query->func, &candidate.signature);
	bool is_told, is_all = lists_all(making, &candidate.signature, &is_told);
	if (candidate.signature.frame_bytes < making->frame_bytes && !is_told)
		// This order may be the right one, if a blank parameter is missing in it.
		making->is_order_open = true;
	if ((is_told && !is_all) || !is_perfect(&candidate)) {
		candidate_deinit(&candidate);
		return NULL;
	}
	int own = signature_order_likelihood(listed, order);
	bool is_best = !best->debug || own > *likelihood;
	if (best->debug)
		doubt_order(is_best ? &candidate : best, is_best ? best : &candidate);
	if (is_best) {
		struct candidate before = *best;
		*best = candidate;
		candidate = before;
		*likelihood = own;
	}
	candidate_deinit(&candidate);
	return NULL;
}

// Replaces the candidate, which has DWARF's order, if the source has another order (Go 1.15).
static struct error *choose_order(struct making *making, struct candidate *listed)
{
	struct debug_func debug = making->debug;
	unsigned num = signature_num_orders(&debug);
	making->is_order_open = !num;
	if (num < 2)
		return NULL;
	making->orders = calloc(num * debug.num_params, sizeof(*making->orders));
	if (!making->orders)
		return error_nomem();
	struct candidate best = {0};
	struct error *err = NULL;
	int likelihood = 0;
	for (unsigned order = 0; order < num && !err; order++)
		err = try_order(making, order, &debug, &likelihood, &best);
	making->debug = debug;
	if (err || !best.debug) {
		making->is_order_open = true;
		candidate_deinit(&best);
		return err;
	}
	candidate_deinit(listed);
	*listed = best;
	return NULL;
}

static struct error *find_blanks(const struct making *making, struct candidate *candidate)
{
	if (!leaves_out_blanks(making))
		return NULL;
	bool found = false;
	struct blanks_query query = {
		.signature = &candidate->signature,
		.debug = &candidate->debug,
		.words = &making->words,
		.frame_bytes = making->frame_bytes,
		.skip = making->skip,
		.store = making->query->store,
	};
	struct error *err = NULL;
	if (!making->has_regabi)
		err = signature_find_stack_blanks(&query, &found);
	else if (making->words.num >= 0)
		err = signature_find_blanks(&query, &found);
	if (!err && found)
		candidate->check = (struct layout_check){
			.is_proven = true,
			.bad_from = candidate->signature.num_args,
		};
	return err;
}

// Where Go 1.18 and 1.20 put the dictionary of a method has not been verified. So the receiver is
// known only if its location list proves its place.
static void doubt_dict(const struct making *making, struct candidate *candidate)
{
	struct signature *signature = &candidate->signature;
	int minor = making->query->go.minor;
	if ((minor != 18 && minor != 20) || !is_method_name(making->query->func->name) ||
	    signature->num_args < 2 ||
	    signature->params[0].is_hidden == signature->params[1].is_hidden)
		return;
	size_t receiver = signature->params[0].is_hidden ? 1 : 0;
	if (!signature_proves_place(&signature->params[receiver], candidate->debug[receiver]))
		doubt(&signature->params[receiver],
		      "whether the dictionary is before it is not known");
}

static struct error *from_dwarf(struct making *making, struct signature *out)
{
	struct candidate best;
	struct error *err = choose(making, &best);
	if (!err && !making->has_regabi)
		err = choose_order(making, &best);
	if (!err) {
		mark_receiver(making->query->func, &best.signature);
		if (making->is_order_open)
			best.check.is_proven = false;
		else if (!making->has_regabi && is_perfect(&best))
			check_stack_only(making, &best);
		else if (!is_perfect(&best))
			err = find_blanks(making, &best);
	}
	if (err) {
		candidate_deinit(&best);
		return err;
	}
	doubt_dict(making, &best);
	doubt_unproven(making, &best);
	if (making->is_abi_open)
		doubt_abi(&best.signature);
	*out = best.signature;
	free(best.debug);
	return NULL;
}

// The body of a loop over a function returns whether the loop continues, but DWARF lists no result.
static struct error *add_range_result(struct making *making)
{
	struct debug_func *debug = &making->debug;
	for (size_t i = 0; i < debug->num_params; i++)
		if (debug->params[i].is_result)
			return NULL;
	struct gotype *type = gotypes_new(making->query->store);
	if (!type)
		return error_nomem();
	type->kind = GO_BOOL;
	type->size = type->align = 1;
	type->name = type->full_name = "bool";
	type->is_complete = true;
	debug->params[debug->num_params++] =
		(struct debug_param){.name = "", .type = type, .is_result = true};
	return NULL;
}

// Copies the parameters that DWARF lists, without the dictionary.
static struct error *take_params(struct making *making)
{
	const struct debug_func *from = making->query->debug;
	making->debug = *from;
	making->debug.num_params = 0;
	making->debug.params = calloc(from->num_params + 2, sizeof(*from->params));
	if (!making->debug.params)
		return error_nomem();
	for (size_t i = 0; i < from->num_params; i++) {
		if (making->dict || strcmp(from->params[i].name, ".dict")) {
			making->debug.params[making->debug.num_params++] = from->params[i];
		} else {
			making->dict = &from->params[i];
			making->dict_place = i;
		}
	}
	return funcname_is_range_body(making->query->func->name) ? add_range_result(making) : NULL;
}

struct error *signature_make(const struct signature_query *query, struct signature *out)
{
	struct making making = {
		.query = query,
		.has_regabi = go_version_at_least(query->go, 17),
		.skip = strchr(query->func->name, '[') != NULL,
	};
	*out = (struct signature){.arch = query->arch,
				  .abi = query->func->flags & FUNC_ABI0 ? ABI0 : ABI_INTERNAL};
	if (query->func->flags & FUNC_FOREIGN)
		return NULL;
	signature_read_words(query, &making.words, &making.frame_bytes);
	if (!query->debug || query->func->flags & FUNC_ASM)
		return signature_of_words(query->arch, query->func, &making.words,
					  making.frame_bytes, out);
	struct error *err = take_params(&making);
	if (!err)
		err = is_unlisted(&making)
			      ? signature_of_words(query->arch, query->func, &making.words,
						   making.frame_bytes, out)
			      : from_dwarf(&making, out);
	free(making.debug.params);
	free(making.orders);
	return err;
}
