// SPDX-License-Identifier: GPL-2.0-or-later
// A hash table of fixed size in memory that its owner gives: what a BPF map is to the kernel's side, for hosts of the
// engine in user space. The memory may be shared with another process. Nothing is allocated and nothing is locked after
// table_init: one writer. An entry does not move while it is there.
//
// Keys are compared as bytes, so their padding is zero.
#ifndef GOTRACE_TRACER_BACKEND_TABLE_H
#define GOTRACE_TRACER_BACKEND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
	uint32_t key_bytes, value_bytes;
	uint32_t entry_bytes; // of a link, a key and a value, each at a multiple of 8
	uint32_t max_entries, num_heads;
	uint32_t num;		 // entries
	uint32_t unused;	 // from this entry on, none was ever used
	uint32_t free;		 // the first entry of those that were dropped, + 1; 0: none
	uint64_t heads, entries; // where they are, in bytes from the table's memory
};

/** Bytes of memory, all zero, that a table of these sizes needs. */
size_t table_bytes(uint32_t key_bytes, uint32_t value_bytes, uint32_t max_entries);

/** Makes a table at the start of its memory: table_bytes() of zeros. */
struct table *table_init(void *memory, uint32_t key_bytes, uint32_t value_bytes,
			 uint32_t max_entries);

/** The value of this key, NULL if there is none; good until the key is dropped. table may be NULL: it is empty. */
void *table_find(struct table *table, const void *key);

/** The same; a key that is not there is added, with a value of zeros. NULL if there is no room. */
void *table_add(struct table *table, const void *key);

/** Sets a key's value. False if there is no room. */
bool table_put(struct table *table, const void *key, const void *value);

/** True if it was there. */
bool table_drop(struct table *table, const void *key);

/** Drops the entries of which wanted says so. */
void table_drop_if(struct table *table,
		   bool (*is_gone)(void *context, const void *key, const void *value),
		   void *context);

#endif
