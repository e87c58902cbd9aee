// SPDX-License-Identifier: GPL-2.0-or-later
// A hash table of fixed size in memory that its owner provides. It is what hosts of the engine in
// user space use in place of a BPF map. The memory may be shared with another process. After
// table_init(), nothing is allocated. There is no lock, so there must be only one writer. An entry
// does not move until it is dropped.
//
// Keys are compared as bytes, so padding in keys must be zero.
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
	uint32_t unused;	 // the first entry that was never used
	uint32_t free;		 // the first dropped entry, + 1; 0: none
	uint64_t heads, entries; // offsets from the start of the table's memory, in bytes
};

/** How many bytes of memory a table of these sizes needs. */
size_t table_bytes(uint32_t key_bytes, uint32_t value_bytes, uint32_t max_entries);

/** Makes a table at the start of memory, which is table_bytes() of zeros and stays the caller's. */
struct table *table_init(void *memory, uint32_t key_bytes, uint32_t value_bytes,
			 uint32_t max_entries);

/** The value of this key, valid until the key is dropped; NULL if there is none. A table that is
 *  NULL is empty. */
void *table_find(struct table *table, const void *key);

/** Like table_find(), but adds a missing key with a value of zeros. NULL if there is no room. */
void *table_add(struct table *table, const void *key);

/** Sets a key's value, and adds the key if it is missing. False if there is no room. */
bool table_put(struct table *table, const void *key, const void *value);

/** Drops a key. True if the key was in the table. */
bool table_drop(struct table *table, const void *key);

/** Drops the entries for which is_gone returns true. */
void table_drop_if(struct table *table,
		   bool (*is_gone)(void *context, const void *key, const void *value),
		   void *context);

#endif
