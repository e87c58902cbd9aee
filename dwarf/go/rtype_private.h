// SPDX-License-Identifier: GPL-2.0-or-later
// Shared by the files that read run-time type descriptors (rtype*.c).
#ifndef GOTRACE_DWARF_GO_RTYPE_PRIVATE_H
#define GOTRACE_DWARF_GO_RTYPE_PRIVATE_H

#include "dwarf/go/rtype.h"

// internal/abi.Type, the same in all releases.
enum {
	RTYPE_BYTES = 48,
	RTYPE_KIND_MASK = 31,
	// In the kind's byte up to Go 1.25, in tflag from 1.26 on; clear in the other byte.
	RTYPE_DIRECT = 1 << 5,
	// Bits of tflag:
	RTYPE_UNCOMMON = 1 << 0,
	RTYPE_EXTRA_STAR = 1 << 1,
	RTYPE_NAMED = 1 << 2,
	// Bits of a name's flag byte:
	RTYPE_NAME_TAG = 1 << 1,
	RTYPE_NAME_EMBEDDED = 1 << 3,
};
static const uint64_t RTYPE_MAX_SIZE = 1ull << 40;

struct rtype_module {	// another module of the process
	uint64_t vaddr; // of its moduledata
	uint64_t types, size;
	uint8_t *bytes; // of its types, as far as they are read
	bool *is_read;	// for each page, or once for a small module
};

struct rtypes {
	struct gotypes store; // first, so that a pointer to it is one to the rtypes
	struct image *image;
	struct moduledata module;
	struct go_version go;
	bool is_certain;     // go is from the build info, not a guess from the layout
	struct known *known; // hash table, by vaddr
	int depth;	     // of nested completions
	struct gotype **all; // by full name; set by rtypes_all
	size_t num_all;
	bool is_listed; // all is set
	// The process's memory, NULL if there is no process, and its other modules.
	bool (*read)(void *context, uint64_t addr, void *dst, size_t len);
	void *context;
	uint64_t bias; // run-time address - vaddr
	struct rtype_module *modules;
	size_t num_modules;
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
	uint64_t end; // vaddr after the name
};

/** The range of types, of the executable or of a module, that vaddr is in; false if in none. */
bool rtype_module(const struct rtypes *types, uint64_t vaddr, uint64_t *start, uint64_t *size);

void rtype_free_modules(struct rtypes *types);

/** Like image_read and image_borrow, but for the types of other modules too. */
bool rtype_read(const struct rtypes *types, uint64_t vaddr, void *dst, size_t len);
bool rtype_borrow(const struct rtypes *types, uint64_t vaddr, size_t len, const uint8_t **out);
/** Reads an address as a vaddr. */
bool rtype_read_addr(const struct rtypes *types, uint64_t vaddr, uint64_t *out);

/** Reads the part that all descriptors have; false if there can be no descriptor at vaddr. */
bool rtype_read_head(const struct rtypes *types, uint64_t vaddr, struct rtype_head *out);

/** Reads the name at vaddr; false if there is no valid one. */
bool rtype_read_name(struct rtypes *types, uint64_t vaddr, struct rtype_name *out);

/** The size in bytes of the map descriptor at vaddr, without its uncommon part. */
uint64_t rtype_map_bytes(const struct rtypes *types, uint64_t vaddr);

/** The size in bytes of the descriptor's fixed part for its kind. The uncommon part follows it. */
uint64_t rtype_kind_bytes(const struct rtypes *types, uint64_t vaddr, enum gokind kind);

/** Sets the memory layout of a map type whose key and elem are set. It stays GOMAP_UNKNOWN if the
 *  descriptor matches no layout. */
void rtype_read_map(struct rtypes *types, struct gotype *type);

#endif
