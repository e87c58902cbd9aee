// SPDX-License-Identifier: GPL-2.0-or-later
// A Go type: its kind, size and name, and the types that it refers to. There are two sources of
// types. DWARF (dwarf/debug/) has the types in signatures. The run-time type descriptors
// (dwarf/go/rtype.h) have the dynamic types of interfaces; every executable has them, stripped or
// not. A type starts as a stub and is filled in on demand (gotype_complete), so that reading
// *http.Request does not read a hundred other types.
//
// A store (struct gotypes) owns its types and their strings; they live until gotypes_deinit.
#ifndef GOTRACE_DWARF_GO_GOTYPE_H
#define GOTRACE_DWARF_GO_GOTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Go's own numbers: those of reflect.Kind, DW_AT_go_kind and abi.Type.Kind_.
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
	const char *name; // "_" for a blank field
	struct gotype *type;
	uint64_t offset; // bytes
	bool is_embedded;
};

// How a map is laid out in memory.
enum gomap_layout {
	GOMAP_UNKNOWN,
	GOMAP_BUCKETS, // runtime.hmap and its buckets: up to Go 1.23, and with noswissmap
	GOMAP_SWISS,   // internal/runtime/maps: Go 1.24 and later
};

struct gomap {
	enum gomap_layout layout;
	// GOMAP_BUCKETS: a bucket is tophash[8] at 0, then 8 keys, 8 elems, the overflow pointer.
	// GOMAP_SWISS: a group is the ctrl word at 0, then 8 slots of {key, elem}, or 8 keys and
	// then 8 elems. All sizes and offsets are in bytes.
	uint64_t bucket_size;	       // of a bucket or group
	uint64_t keys_off, key_stride; // key i of a bucket is at keys_off + i * key_stride
	uint64_t elems_off, elem_stride;
	uint64_t overflow_off;		  // GOMAP_BUCKETS only
	bool key_indirect, elem_indirect; // the slot holds a pointer to the key or elem
};

struct gotype {
	enum gokind kind;
	uint64_t size;	// bytes
	uint32_t align; // bytes
	// As Go prints it (%T): "*main.Store", "[]int", "http.Header", "struct { X int }".
	const char *name;
	// With the package's whole path, "net/http.Header"; equal to name if there is no path.
	const char *full_name;
	bool is_named;	     // a defined or predeclared type
	bool is_direct;	     // pointer-shaped: the data word of an interface holds the value itself
	struct gotype *elem; // array, chan, map, pointer, slice
	struct gotype *key;  // map
	uint64_t len;	     // array
	struct gofield *fields; // struct; in order
	size_t num_fields;
	// The fields' tags; NULL for a field without a tag. The array is NULL if DWARF described
	// the type.
	const char **tags;
	struct gomap map;	 // map
	bool is_empty_interface; // interface: its words are {type, data}, not {itab, data}
	uint64_t rtype;		 // vaddr of its run-time descriptor, 0 if not known
	const char *broken;	 // not NULL: why this type cannot be shown; kind is then GO_INVALID
	// Only for the store:
	bool is_complete;
	uint64_t origin; // offset of the type's DIE, or vaddr of its descriptor
	struct gotypes *store;
};

/** Fills in a stub. Afterwards all members are valid, and the types that fields, elem and key point
 *  at are stubs, which are completed in the same way when they are needed. In a stub, kind, size
 *  and name are valid. Never fails: a type that cannot be read becomes GO_INVALID and has a reason
 *  (broken). */
void gotype_complete(struct gotype *type);

/** Finds a struct's field by name; NULL if there is none, or if type is not a struct. Completes the
 *  type. */
const struct gofield *gotype_field(struct gotype *type, const char *name);

/** Fills in where the keys and elems of a map are in a bucket or group, which is a struct type.
 *  False if its fields are not those of one. */
bool gomap_read(struct gotype *bucket, const struct gotype *map, struct gomap *out);

/** The name that reflect.Kind gives: "int", "slice", "unsafe.Pointer"; "invalid" if kind is not a
 *  kind. */
const char *gokind_name(enum gokind kind);

/** The size in bytes of every type of this kind on 64-bit CPUs; 0 if it depends on the type. */
uint64_t gokind_size(enum gokind kind);

struct text;
/** Writes the linker's name of a type as Go prints it (%T): "map[string]*net/http.Header" becomes
 *  "map[string]*http.Header". Whole paths stay inside the brackets of a generic instance, as in Go.
 *  Escapes ("%2e") are decoded. The numbers of local types ("main.T·1") and the packages of
 *  unexported struct fields are dropped. Assumes that the last part of a package's path is its
 *  name; gotype_print_name handles other packages. */
void gotype_short_name(const char *full_name, struct text *out);

/** Like gotype_short_name, but with a callback for the names of packages. package gets a package's
 *  path (len bytes, with its escapes) and returns the package's name, or NULL if that is the path's
 *  last part. */
void gotype_print_name(const char *full_name,
		       const char *(*package)(void *context, const char *path, size_t len),
		       void *context, struct text *out);

// A store of types. The readers of DWARF and of run-time descriptors each embed one as the first
// member of their own struct and supply the operation. The store owns the memory of its types,
// fields and strings, which is freed all at once.
struct gotypes_ops {
	/** Fills in a type of this store. It is called once for each type. is_complete is set
	 *  before the call, so that completing a type that refers to itself ends. */
	void (*complete)(struct gotypes *store, struct gotype *type);
};

struct gotypes {
	const struct gotypes_ops *ops;
	struct gotypes_chunk *chunks;
	// Of all chunks. It is bounded, so that a hostile executable cannot use up the memory.
	size_t bytes;
};

void gotypes_init(struct gotypes *store, const struct gotypes_ops *ops);
/** Frees all types, fields and strings of the store. */
void gotypes_deinit(struct gotypes *store);

/** Zeroed memory that lives as long as the store, aligned for any type. NULL if there is no memory,
 *  or if the store would exceed its limit of 256 MiB. */
void *gotypes_alloc(struct gotypes *store, size_t size);
/** A copy of len bytes as a C string; NULL in the same cases as gotypes_alloc. */
char *gotypes_string(struct gotypes *store, const char *string, size_t len);
/** A new type of this store: zeroed, GO_INVALID, with empty names. NULL in the same cases as
 *  gotypes_alloc. */
struct gotype *gotypes_new(struct gotypes *store);

/** Marks a type as one that cannot be shown: it becomes GO_INVALID and loses its fields. why is the
 *  reason; it must live as long as the store. The type keeps its size. */
void gotype_break(struct gotype *type, const char *why);

#endif
