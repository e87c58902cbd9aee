// SPDX-License-Identifier: GPL-2.0-or-later
// Private to the index: its parts. functable holds the functions and finds them; signature makes
// the signature of one of them.
#ifndef GOTRACE_DWARF_INDEX_INDEX_PRIVATE_H
#define GOTRACE_DWARF_INDEX_INDEX_PRIVATE_H

#include "dwarf/debug/debuginfo.h"
#include "dwarf/index/index.h"

enum { NO_ROW = UINT32_MAX };

struct functable {
	struct func *funcs; // by address
	uint32_t *rows;	    // of each function in pclntab, NO_ROW for foreign ones
	size_t num;
	uint32_t *buckets;  // names: number of a function + 1, 0 for an empty bucket
	size_t num_buckets; // a power of two
};

struct functable_query {
	const struct pclntab *table;
	const struct image_symbol *symbols; // may be none
	size_t num_symbols;
	struct image *image;
	bool has_regabi;
};

/** Merges pclntab's functions with the symbol table's. Names are borrowed from both. */
struct error *functable_init(struct functable *table,
			     const struct functable_query *query) MUST_CHECK;
void functable_deinit(struct functable *table);
const struct func *functable_at(const struct functable *table, uint64_t vaddr);
size_t functable_named(const struct functable *table, const char *name, const struct func **out,
		       size_t max);

/** Puts what DWARF says of the runtime's structs in place of what the table said. Without all
 *  of a goroutine's fields it changes nothing. */
void runtime_layout_refine(struct runtime_layout *layout, struct debuginfo *debug);

struct signature_query {
	const struct pclntab *table;
	uint32_t row; // in pclntab, NO_ROW without
	const struct func *func;
	const struct debug_func *debug; // NULL without DWARF
	struct go_version go;
	bool is_abi_known;     // func's FUNC_ABI0 is certain
	struct gotypes *store; // for the types of parameters that DWARF leaves out
};

/** The signature of one function, checked against all that is known of it. */
struct error *signature_make(const struct signature_query *query, struct signature *out) MUST_CHECK;

/** The orders that the source may have its parameters in, Go 1.15; 0 if they are too many. Order 0 is DWARF's. */
unsigned signature_num_orders(const struct debug_func *func);
/** Puts func's params into out (as many) in one of the orders. False if it cannot be the source's. */
bool signature_order(const struct debug_func *func, unsigned order, struct debug_param *out);
/** How much speaks for an order where places do not, compared with another one's. */
int signature_order_likelihood(const struct debug_func *func, unsigned order);
/** The number of parameters, receiver apart, which the name of the first unnamed or blank result holds,
 *  Go 1.15. False if there is none. */
bool signature_first_number(const struct debug_func *func, unsigned long *number);

enum { MAX_ARG_WORDS = 16 }; // ArgInfo has 10 at most

struct arg_words { // what ArgInfo lists
	struct pcln_arg word[MAX_ARG_WORDS];
	int num; // -1 without ArgInfo
	bool is_complete;
};

// How a layout bears up against what else is known of the function.
struct layout_check {
	bool is_proven;	 // its size is the function's, and its words are ArgInfo's
	size_t bad_from; // the first argument that ArgInfo lists differently; num_args without one
	unsigned agreements, conflicts; // of location lists, by argument
};

enum place_check { PLACE_UNSEEN, PLACE_AGREES, PLACE_CONFLICTS };

/** What an argument's location list at entry says to its place. */
enum place_check signature_check_place(const struct param *param, const struct debug_param *debug);

/** Whether the location list names the argument's place in full, which proves it by itself. */
bool signature_proves_place(const struct param *param, const struct debug_param *debug);

/** Places signature by its abi and checks it. debug[i] is DWARF's word on param i, NULL where
 *  it has none. frame_bytes is pclntab's size of the argument area, negative if not known.
 *  skip: ArgInfo leaves the first argument out, as it does for generic functions. */
struct error *signature_check(struct signature *signature, const struct debug_param *const *debug,
			      const struct arg_words *words, int64_t frame_bytes, bool skip,
			      struct layout_check *out) MUST_CHECK;

/** Finds the blank parameters that DWARF of Go 1.17 to 1.21 leaves out, by ArgInfo. On success
 *  *found is true and signature and debug are replaced, with blanks put in; params whose place
 *  stays open are unknown. */
struct blanks_query {
	struct signature *signature;
	const struct debug_param ***debug; // grown along with the params
	const struct arg_words *words;
	int64_t frame_bytes;
	bool skip;
	struct gotypes *store;
};
struct error *signature_find_blanks(const struct blanks_query *query, bool *found) MUST_CHECK;

/** The same before Go 1.17, where all is on the stack: by location lists and the area's size,
 *  which places the results too. Params that no location list places are unknown then. */
struct error *signature_find_stack_blanks(const struct blanks_query *query, bool *found) MUST_CHECK;

#endif
