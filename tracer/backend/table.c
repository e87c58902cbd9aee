// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/backend/table.h"

#include <string.h>

// An entry consists of its link, its key and its value.
struct link {
	uint32_t next; // the next entry of the list, + 1; 0: none
	uint32_t is_used;
};

static size_t round_up(size_t bytes)
{
	return (bytes + 7) / 8 * 8;
}

static uint32_t heads_for(uint32_t max_entries)
{
	uint32_t num = 1;
	while (num < max_entries && num < 1u << 31)
		num *= 2;
	return num;
}

static size_t entry_bytes(uint32_t key_bytes, uint32_t value_bytes)
{
	return sizeof(struct link) + round_up(key_bytes) + round_up(value_bytes);
}

size_t table_bytes(uint32_t key_bytes, uint32_t value_bytes, uint32_t max_entries)
{
	return round_up(sizeof(struct table)) +
	       round_up((size_t)heads_for(max_entries) * sizeof(uint32_t)) +
	       (size_t)max_entries * entry_bytes(key_bytes, value_bytes);
}

struct table *table_init(void *memory, uint32_t key_bytes, uint32_t value_bytes,
			 uint32_t max_entries)
{
	struct table *table = memory;
	uint32_t num_heads = heads_for(max_entries);
	uint64_t heads = round_up(sizeof(*table));
	*table = (struct table){
		.key_bytes = key_bytes,
		.value_bytes = value_bytes,
		.entry_bytes = (uint32_t)entry_bytes(key_bytes, value_bytes),
		.max_entries = max_entries,
		.num_heads = num_heads,
		.heads = heads,
		.entries = heads + round_up(num_heads * sizeof(uint32_t)),
	};
	return table;
}

static struct link *link_of(struct table *table, uint32_t entry)
{
	uint8_t *entries = (uint8_t *)table + table->entries;
	return (struct link *)(entries + (size_t)entry * table->entry_bytes);
}

static void *key_of(struct table *table, uint32_t entry)
{
	return (uint8_t *)link_of(table, entry) + sizeof(struct link);
}

static void *value_of(struct table *table, uint32_t entry)
{
	return (uint8_t *)key_of(table, entry) + round_up(table->key_bytes);
}

static uint32_t *head_of(struct table *table, const void *key)
{
	uint64_t hash = 0x9e3779b97f4a7c15u;
	const uint8_t *bytes = key;
	for (uint32_t i = 0; i < table->key_bytes; i += sizeof(uint32_t)) {
		uint32_t word = 0, left = table->key_bytes - i;
		memcpy(&word, bytes + i, left < sizeof(word) ? left : sizeof(word));
		hash = (hash ^ word) * 0xbf58476d1ce4e5b9u;
		hash ^= hash >> 29;
	}
	uint32_t *heads = (uint32_t *)((uint8_t *)table + table->heads);
	return &heads[hash & (table->num_heads - 1)];
}

// The link to the key's entry. If there is no such entry, the last link of its list, which is 0.
static uint32_t *find_link(struct table *table, const void *key)
{
	uint32_t *link = head_of(table, key);
	while (*link && memcmp(key_of(table, *link - 1), key, table->key_bytes))
		link = &link_of(table, *link - 1)->next;
	return link;
}

void *table_find(struct table *table, const void *key)
{
	uint32_t entry = table ? *find_link(table, key) : 0;
	return entry ? value_of(table, entry - 1) : NULL;
}

void *table_add(struct table *table, const void *key)
{
	if (!table)
		return NULL;
	uint32_t *link = find_link(table, key), entry = *link;
	if (entry)
		return value_of(table, entry - 1);
	if (table->free) {
		entry = table->free;
		table->free = link_of(table, entry - 1)->next;
	} else if (table->unused < table->max_entries) {
		entry = ++table->unused;
	} else {
		return NULL;
	}
	table->num++;
	*link_of(table, entry - 1) = (struct link){.is_used = 1};
	memcpy(key_of(table, entry - 1), key, table->key_bytes);
	memset(value_of(table, entry - 1), 0, table->value_bytes);
	*link = entry;
	return value_of(table, entry - 1);
}

bool table_put(struct table *table, const void *key, const void *value)
{
	void *to = table_add(table, key);
	if (to)
		memcpy(to, value, table->value_bytes);
	return to;
}

bool table_drop(struct table *table, const void *key)
{
	uint32_t *link = table ? find_link(table, key) : NULL;
	uint32_t entry = link ? *link : 0;
	if (!entry)
		return false;
	*link = link_of(table, entry - 1)->next;
	*link_of(table, entry - 1) = (struct link){.next = table->free};
	table->free = entry;
	table->num--;
	return true;
}

void table_drop_if(struct table *table,
		   bool (*is_gone)(void *context, const void *key, const void *value),
		   void *context)
{
	for (uint32_t i = 0; table && table->num && i < table->unused; i++)
		if (link_of(table, i)->is_used &&
		    is_gone(context, key_of(table, i), value_of(table, i)))
			table_drop(table, key_of(table, i));
}
