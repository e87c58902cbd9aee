// SPDX-License-Identifier: GPL-2.0-or-later
// What the plan's source files share: the growing tables, and how a Go type becomes edges.
#ifndef GOTRACE_TRACER_PLAN_INTERNAL_H
#define GOTRACE_TRACER_PLAN_INTERNAL_H

#include <uthash.h>

#include "tracer/plan/conditions.h"
#include "tracer/plan/plan.h"

struct plan_known_type { // a Go type that has a number in tables.types
	struct gotype *type;
	uint32_t id;
	uint32_t depth; // its edges are planned for this many steps, + 1; 0: not planned yet
	UT_hash_handle hh;
};

struct plan_known_interface { // an interface type that some edge leads to; rtype 0: not known
	uint64_t rtype;
	UT_hash_handle hh;
};

struct plan_known_dynamic { // a type that plan_learn was asked for
	uint64_t rtype;
	UT_hash_handle hh;
};

struct plan_known_program { // a program in the plan's tables, by its code before it was entered there
	struct plan_program program;
	UT_hash_handle hh;
	uint8_t code[];
};

struct plan_state {
	const struct arch *arch;
	struct sites_finder *finder;
	uint64_t morestack[8];
	size_t num_morestack;
	struct plan_known_type *types, *map_headers;
	struct plan_known_interface *interfaces;
	size_t interfaces_done; // how many of them have had their itabs learnt
	struct plan_known_dynamic *dynamics;
	struct plan_known_program *programs;
	uint32_t learnt_types, learnt_edges; // entries in the tables that were made for dynamics
	// The index's function number -> the number in the plan, + 1; 0: not in the plan.
	uint32_t *by_func;
	// Elements allocated in each table.
	uint32_t size_probes, size_pieces, size_types, size_edges, size_dynamics, size_ops,
		size_literals, size_conditions;
	uint32_t hchan_type, word_type; // what channels and function values lead to
	uint32_t map_length_type; // the header of a map without its entries; WIRE_NO_TYPE: none yet
	const struct func *framed; // whose arguments are laid out now; NULL: none
	bool failed;		   // an allocation failed while edges were made
};

// Bounds the way through a type, which may be hostile: a struct that contains itself, or very many
// fields of size 0.
struct plan_visits {
	uint32_t num, nesting;
};

struct plan_edges { // the edges of one type, while they are being made
	struct wire_edge *edge;
	uint32_t num, size;
	struct plan_visits visits;
};

struct plan_part { // bytes [start, end) of a type, at most WIRE_BLOCK_MAX
	uint32_t start, end;
};

struct plan_parts { // what is captured of a type, in the order of its fields; part is owned
	struct plan_part *part;
	uint32_t num, size;
	uint64_t bytes; // in a record
	struct plan_visits visits;
};

/** Makes room for one more element after num in a growing array; *size is in elements. */
struct error *plan_grow(void **array, uint32_t *size, uint32_t num, size_t element) MUST_CHECK;
/** The same; on failure sets state->failed and returns false. */
bool plan_has_room(struct plan *plan, void **array, uint32_t *size, uint32_t num, size_t element);

/** Append to the plan's tables. place: the plan's own part of the probe. */
struct error *plan_add_probe(struct plan *plan, const struct wire_probe *probe,
			     const struct plan_probe *place) MUST_CHECK;
struct error *plan_add_piece(struct plan *plan, const struct wire_piece *piece) MUST_CHECK;

/** Appends a function without probes. */
struct error *plan_append_func(struct plan *plan, const struct func *func,
			       struct plan_func **out) MUST_CHECK;
/** Appends a function with its probes. If it cannot be probed soundly, or an expression in the
 *  options does not fit it, adds it to the refusals instead and leaves *out as it is. */
struct error *plan_add_func(struct plan *plan, const struct func *func,
			    const struct plan_conditions *conditions,
			    const struct plan_func **out) MUST_CHECK;
/** Appends a probe of the function that was appended last. frame may be NULL. */
struct error *plan_add_site(struct plan *plan, const struct plan_func *func,
			    const struct site *site, uint16_t kind,
			    const struct plan_frame *frame) MUST_CHECK;

/** Enters a field or an element; false if a bound is reached. Decrement nesting to leave it. */
bool plan_visit(struct plan_visits *visits);
/** Appends an edge, unless the type has too many. */
void plan_add_edge(struct plan *plan, struct plan_edges *edges, const struct wire_edge *edge);
/** Finds what is captured of this complete type. Stops when no record has room for more. */
void plan_find_parts(struct plan *plan, struct gotype *type, struct plan_parts *out);
/** Appends to out the edges of a value of this type at offset base, if they are in part. Their
 *  offsets count from the part's start. steps is how many more pointers may be followed. */
void plan_type_edges(struct plan *plan, struct gotype *type, uint64_t base,
		     const struct plan_part *part, uint32_t steps, struct plan_edges *out);
/** Returns the index in tables.types of this Go type, from which at least this many steps are
 *  planned; WIRE_NO_TYPE if memory runs out (and sets state->failed). */
uint32_t plan_type(struct plan *plan, struct gotype *type, uint32_t steps);
/** How many bytes of a string an edge copies at most. */
uint16_t plan_string_cap(const struct plan *plan);
/** Appends an entry with these edges to tables.types and returns its index, or WIRE_NO_TYPE (and
 *  sets state->failed) if memory runs out. */
uint32_t plan_new_type(struct plan *plan, uint32_t size, const struct plan_edges *edges);

struct plan_side { // a key or an element of a map, in a bucket
	struct gotype *type;
	uint64_t off;  // in the bucket, of the value; of its address if is_indirect
	uint32_t size; // of the bucket
	bool is_elem, is_indirect;
};

/** Adds the edges of one side of one slot. */
typedef void plan_side_edges(struct plan *plan, void *context, const struct plan_side *side,
			     struct plan_edges *out);
/** Makes the type of a bucket, or a group, of this map. */
uint32_t plan_bucket_type(struct plan *plan, struct gotype *type, plan_side_edges *side_edges,
			  void *context);
/** Makes the type of the map's header, which leads to buckets of the given type. */
uint32_t plan_map_header(struct plan *plan, const struct gotype *type, uint32_t bucket);

struct plan_want;

/** Begins what is wanted of one parameter; NULL if memory runs out (and sets state->failed). */
struct plan_want *plan_want_create(struct plan *plan);
void plan_want_destroy(struct plan_want *want);
/** Adds what a path over the parameter needs. */
void plan_want_path(struct plan *plan, struct plan_want *want, const struct expr_path *path);
/** Call it once after all paths. Returns the parts of the parameter that are wanted, in order. */
const struct plan_parts *plan_want_close(struct plan *plan, struct plan_want *want);
/** Appends the edges of this part of the parameter. In the block, the part begins at offset. */
void plan_want_edges(struct plan *plan, struct plan_want *want, const struct plan_part *part,
		     uint32_t offset, struct plan_edges *out);

/** Frees what a group of --within holds. */
void plan_within_deinit(struct plan_within *within);

/** Lays out params, but for those that are left out (NULL: none), as a frame block: values, pieces,
 *  holes, and the type whose edges lead on. The frame has the address of a value on the stack for
 *  which room bytes (at most WIRE_BLOCK_MAX) are not enough. */
struct error *plan_frame_init(struct plan *plan, const struct param *params, size_t num,
			      const bool *left_out, uint32_t room,
			      struct plan_frame *out) MUST_CHECK;
/** Lays out only what the paths over params need. */
struct error *plan_frame_shown(struct plan *plan, const struct param *params, size_t num,
			       const struct plan_show *show, uint32_t room,
			       struct plan_frame *out) MUST_CHECK;
void plan_frame_deinit(struct plan_frame *frame);

#endif
