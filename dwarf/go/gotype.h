// SPDX-License-Identifier: GPL-2.0-or-later
// A Go type: kind, size, name, and what it leads to. Two sources make them: DWARF (debuginfo) for
// what signatures name, and the run-time type descriptors (rtype) for the dynamic types of
// interfaces, which every executable carries, stripped or not. Types are made as stubs and filled in
// when asked for (gotype_complete), so that *http.Request does not drag a hundred types in.
//
// The store (struct gotypes) owns all types and their strings; they live until the store is closed.
#ifndef GOTRACE_DWARF_GO_GOTYPE_H
#define GOTRACE_DWARF_GO_GOTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Go's own numbers (reflect.Kind; DW_AT_go_kind and abi.Type.Kind_ use them too).
enum gokind {
	GO_INVALID,
	GO_BOOL,
	GO_INT,
	GO_INT8,
	GO_INT16,
	GO_INT32,
	GO_INT64,
	GO_UINT,
	GO_UINT8,
	GO_UINT16,
	GO_UINT32,
	GO_UINT64,
	GO_UINTPTR,
	GO_FLOAT32,
	GO_FLOAT64,
	GO_COMPLEX64,
	GO_COMPLEX128,
	GO_ARRAY,
	GO_CHAN,
	GO_FUNC,
	GO_INTERFACE,
	GO_MAP,
	GO_POINTER,
	GO_SLICE,
	GO_STRING,
	GO_STRUCT,
	GO_UNSAFE_POINTER,
	GO_NUM_KINDS
};

struct gotype;
struct gotypes;

struct gofield {
	const char *name; // "_" for a blank one
	struct gotype *type;
	uint64_t offset; // bytes
	bool is_embedded;
};

// How a map of this type is laid out in memory. Types are those of the runtime's own structs.
enum gomap_layout {
	GOMAP_UNKNOWN,
	GOMAP_BUCKETS, // runtime.hmap and buckets, to 1.23 and with noswissmap
	GOMAP_SWISS,   // internal/runtime/maps, 1.24 on
};

struct gomap {
	enum gomap_layout layout;
	// GOMAP_BUCKETS: one bucket: tophash[8] at 0, keys, elems, overflow pointer
	// GOMAP_SWISS: one group: ctrl word at 0, then 8 slots of {key, elem} (or keys and elems apart)
	uint64_t bucket_size;	       // bytes of a bucket or group
	uint64_t keys_off, key_stride; // key i of a bucket stands at keys_off + i * key_stride
	uint64_t elems_off, elem_stride;
	uint64_t overflow_off;		  // GOMAP_BUCKETS
	bool key_indirect, elem_indirect; // a pointer to the key or elem stands in its place
};

struct gotype {
	enum gokind kind;
	uint64_t size;	// bytes
	uint32_t align; // bytes
	const char *
		name; // as Go prints it (%T): "*main.Store", "[]int", "http.Header", "struct { X int }"
	const char *
		full_name; // with the package's whole path: "net/http.Header"; equal to name where it has none
	bool is_named;		// a defined type, or a predeclared one
	bool is_direct;		// pointer-shaped: stands in an interface's data word itself
	struct gotype *elem;	// array, chan, map, pointer, slice
	struct gotype *key;	// map
	uint64_t len;		// array
	struct gofield *fields; // struct, in order
	size_t num_fields;
	const char **tags;	 // of the fields, NULL without; NULL where DWARF told of the type
	struct gomap map;	 // map
	bool is_empty_interface; // interface: data words are {type, data}, else {itab, data}
	uint64_t rtype;		 // vaddr of its run-time descriptor, 0 if not known
	const char *broken;	 // not NULL: why this type cannot be shown; kind is then GO_INVALID
	// the store's own
	bool is_complete;
	uint64_t origin; // DIE offset or vaddr of the descriptor
	struct gotypes *store;
};

/** Fills in a type: after this kind, size, align, fields, elem, key, len and map are valid, and the types
 *  they point at are stubs that are completed the same way when needed. kind, size and name of a
 *  stub are valid too. Never fails: a type that cannot be read becomes GO_INVALID with a reason. */
void gotype_complete(struct gotype *type);

/** A struct's field by name, NULL if there is none (or no struct). Completes the type. */
const struct gofield *gotype_field(struct gotype *type, const char *name);

/** "int", "slice", "unsafe.Pointer": reflect.Kind's word; "invalid" for what is no kind. */
const char *gokind_name(enum gokind kind);

/** The size that every type of this kind has on amd64, 0 where it depends on the type. */
uint64_t gokind_size(enum gokind kind);

/** The kind of a predeclared type by its name ("int", "byte", "error", "unsafe.Pointer"), GO_INVALID
 *  for any other name. */
enum gokind gokind_predeclared(const char *name);

/** Writes a linker's type name as Go prints it (%T): "map[string]*net/http.Header" as
 *  "map[string]*http.Header". Inside the brackets of a generic instance whole paths stay, as in Go; escapes
 *  ("%2e") are undone, the numbers of local types ("main.T·1") dropped, the packages of unexported
 *  struct fields too. A package whose name is not its path's last part cannot be known from here. */
struct text;
void gotype_short_name(const char *full_name, struct text *out);

/** The same where the names of packages are known: package is asked for the name of the package at a path (len bytes, its
 *  escapes still in it) and answers NULL for one whose name is the path's last part. */
void gotype_print_name(const char *full_name,
		       const char *(*package)(void *context, const char *path, size_t len),
		       void *context, struct text *out);

// A store of types: DWARF's and the run-time descriptors' each embed one as their first member and
// bring an operation. It owns the memory of types, fields and strings: given back all at once.
struct gotypes_ops {
	/** Fills in a type of this store that is not complete; called once for each type, with
	 *  is_complete set already, so that a type that leads to itself ends. */
	void (*complete)(struct gotypes *store, struct gotype *type);
};

struct gotypes {
	const struct gotypes_ops *ops;
	struct gotypes_chunk *chunks;
	size_t bytes; // of all chunks: bounded, so that a lying executable cannot use up the memory
};

void gotypes_init(struct gotypes *store, const struct gotypes_ops *ops);
/** Gives back all types, fields and strings of the store. */
void gotypes_deinit(struct gotypes *store);

/** Zeroed memory that lives as long as the store, aligned for any type; NULL when there is none, or
 *  the store has grown past all reason (256 MiB). */
void *gotypes_alloc(struct gotypes *store, size_t size);
/** A copy of len bytes as a C string; NULL when there is no memory. */
char *gotypes_string(struct gotypes *store, const char *string, size_t len);
/** A new type of this store: zeroed, GO_INVALID, with empty names. NULL when there is no memory. */
struct gotype *gotypes_new(struct gotypes *store);

/** Makes type one that cannot be shown: GO_INVALID, without fields, for this reason (which must
 *  live as long as the store). The size that a stub announced is kept. */
void gotype_break(struct gotype *type, const char *why);

#endif
