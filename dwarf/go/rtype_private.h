// SPDX-License-Identifier: GPL-2.0-or-later
// What the files that read run-time type descriptors share among themselves (rtype*.c).
#ifndef GOTRACE_DWARF_GO_RTYPE_PRIVATE_H
#define GOTRACE_DWARF_GO_RTYPE_PRIVATE_H

#include "dwarf/go/rtype.h"

// internal/abi.Type, the same in all releases.
enum {
	RTYPE_BYTES = 48,
	RTYPE_KIND_MASK = 31,
	RTYPE_DIRECT =
		1 << 5, // in the kind's byte to 1.25, in tflag from 1.26 on; clear in the other
	RTYPE_UNCOMMON = 1 << 0, // tflag's bits
	RTYPE_EXTRA_STAR = 1 << 1,
	RTYPE_NAMED = 1 << 2,
	RTYPE_NAME_TAG = 1 << 1, // a name's bits
	RTYPE_NAME_EMBEDDED = 1 << 3,
};
static const uint64_t RTYPE_MAX_SIZE = 1ull << 40;

struct rtypes {
	struct gotypes store; // first, so that a store is its rtypes
	struct image *image;
	struct moduledata module;
	struct go_version go;
	bool is_certain;     // go is the build info's word, not a guess from the layout
	struct known *known; // by vaddr
	int depth;	     // of completions that completions ask for
	struct gotype **all; // by full name, once asked for
	size_t num_all;
	bool is_listed;
};

struct rtype_head {
	uint64_t size, pointer_bytes;
	uint32_t name_off;
	uint8_t tflag, align;
	enum gokind kind;
	bool is_direct;
};

struct rtype_name {
	const char *bytes; // borrowed from the image, without a NUL
	size_t len;
	uint8_t flags;
	uint64_t end; // vaddr behind it
};

/** The part that all descriptors have; false where none can stand. */
bool rtype_read_head(const struct rtypes *types, uint64_t vaddr, struct rtype_head *out);

/** A name that a descriptor points at. */
bool rtype_read_name(struct rtypes *types, uint64_t vaddr, struct rtype_name *out);

/** The size of the map descriptor at vaddr without its uncommon part. */
uint64_t rtype_map_bytes(const struct rtypes *types, uint64_t vaddr);

/** Where the part of a descriptor that only its kind has ends: bytes from its start. */
uint64_t rtype_kind_bytes(const struct rtypes *types, uint64_t vaddr, enum gokind kind);

/** Fills in a map type's memory layout, its key and elem known; GOMAP_UNKNOWN where it does not fit. */
void rtype_read_map(struct rtypes *types, struct gotype *type);

#endif
