// SPDX-License-Identifier: GPL-2.0-or-later
// Private to the index: its parts. functable.c holds the functions and finds them. The signature
// files make the signature of one function.
#ifndef GOTRACE_DWARF_INDEX_INDEX_PRIVATE_H
#define GOTRACE_DWARF_INDEX_INDEX_PRIVATE_H

#include "dwarf/debug/debuginfo.h"
#include "dwarf/index/index.h"

enum { NO_ROW = UINT32_MAX };

struct functable {
	struct func *funcs; // in address order
	uint32_t *rows;	    // each function's row in pclntab, NO_ROW for foreign ones
	size_t num;
	uint32_t *buckets;  // by name: a function's number + 1, 0 if empty
	size_t num_buckets; // a power of two
};

struct functable_query {
	const struct pclntab *table;
	const struct image_symbol *symbols; // may be empty
	size_t num_symbols;
	struct image *image;
	bool has_regabi;
};

/** Merges pclntab's functions with those of the symbol table. Names are borrowed from both. */
struct error *functable_init(struct functable *table,
			     const struct functable_query *query) MUST_CHECK;
void functable_deinit(struct functable *table);
const struct func *functable_at(const struct functable *table, uint64_t vaddr);
size_t functable_named(const struct functable *table, const char *name, const struct func **out,
		       size_t max);

/** Replaces the layout from the table with that of the runtime's structs in DWARF. Changes
 *  nothing if DWARF lacks one of the fields of a goroutine that gotrace needs. */
void runtime_layout_refine(struct runtime_layout *layout, struct debuginfo *debug);

struct signature_query {
	const struct arch *arch;
	const struct pclntab *table;
	uint32_t row; // in pclntab, NO_ROW if it has none
	const struct func *func;
	const struct debug_func *debug; // NULL without DWARF
	struct go_version go;
	bool is_abi_known;     // whether func's FUNC_ABI0 is certain
	struct gotypes *store; // for the types of parameters that DWARF leaves out
};

/** Makes the signature of one function, checked against everything that is known about it. */
struct error *signature_make(const struct signature_query *query, struct signature *out) MUST_CHECK;

enum { MAX_ARG_WORDS = 16 }; // ArgInfo has 10 at most

struct arg_words { // the words that ArgInfo lists
	struct pcln_arg word[MAX_ARG_WORDS];
	int num; // -1 without ArgInfo
	bool is_complete;
};

/** Reads the words that ArgInfo lists, and the size of the argument area (negative if it is not
 *  known). */
void signature_read_words(const struct signature_query *query, struct arg_words *words,
			  int64_t *frame_bytes);

/** Makes a signature of as many words as the arguments may have, each named after its place, for
 *  a function without DWARF. A register's value is correct under the register's name, whatever Go
 *  type it is a part of, and even if it is not an argument. */
struct error *signature_of_words(const struct arch *arch, const struct func *func,
				 const struct arg_words *words, int64_t frame_bytes,
				 struct signature *out) MUST_CHECK;

/** Returns the number of orders that the parameters may have in the source (Go 1.15), 0 if
 *  there are too many. Order 0 is DWARF's. */
unsigned signature_num_orders(const struct debug_func *func);
/** Writes func's params to out, which has room for all of them, in one of these orders. False
 *  if the order cannot be that of the source. */
bool signature_order(const struct debug_func *func, unsigned order, struct debug_param *out);
/** Returns how likely an order is, for a comparison with other orders if places do not decide. */
int signature_order_likelihood(const struct debug_func *func, unsigned order);
/** Reads the number of parameters, without the receiver, from the name of the first unnamed or
 *  blank result ("~r2", Go 1.15). False if there is none. */
bool signature_first_number(const struct debug_func *func, unsigned long *number);
/** Returns the name that a parameter has in the source: "" or "_" if the compiler made it up. */
const char *signature_shown_name(const struct debug_func *func, const struct debug_param *param);

// How well a layout fits what else is known about the function.
struct layout_check {
	bool is_proven; // size is the function's, and words are ArgInfo's
	// The first argument that ArgInfo lists differently; num_args if there is none.
	size_t bad_from;
	// The number of arguments whose location lists agree with the layout, or conflict with it.
	unsigned agreements, conflicts;
};

enum place_check { PLACE_UNSEEN, PLACE_AGREES, PLACE_CONFLICTS };

/** Compares an argument's place with its location list at entry. */
enum place_check signature_check_place(const struct param *param, const struct debug_param *debug);

/** Reports whether the location list names the argument's whole place, which is proof by
 *  itself. */
bool signature_proves_place(const struct param *param, const struct debug_param *debug);

/** Assigns places by signature->abi and checks them. debug[i] is DWARF's description of param
 *  i, NULL if DWARF does not list it. frame_bytes is the size of the argument area in pclntab,
 *  negative if not known. skip: ArgInfo leaves out the first argument, as it does for generic
 *  functions. */
struct error *signature_check(struct signature *signature, const struct debug_param *const *debug,
			      const struct arg_words *words, int64_t frame_bytes, bool skip,
			      struct layout_check *out) MUST_CHECK;

// What a search for blank parameters starts from, and replaces on success.
struct blanks_query {
	struct signature *signature;
	// Parallel to signature->params; replaced together with it.
	const struct debug_param ***debug;
	const struct arg_words *words;
	int64_t frame_bytes;
	bool skip;
	struct gotypes *store;
};

/** Finds the blank parameters that DWARF of Go 1.17 to 1.21 leaves out, by means of ArgInfo. On
 *  success *found is true, and the query's signature and debug are replaced by ones that include
 *  the blanks. Params whose place remains open are unknown. */
struct error *signature_find_blanks(const struct blanks_query *query, bool *found) MUST_CHECK;

/** Does the same for Go before 1.17, where all arguments and results are on the stack. It uses
 *  location lists and the size of the area, which also places the results. Params that no
 *  location list places are then unknown. */
struct error *signature_find_stack_blanks(const struct blanks_query *query, bool *found) MUST_CHECK;

#endif
