// SPDX-License-Identifier: GPL-2.0-or-later
// Works out a map's layout in memory from the structs that Go's linker makes for each map type:
// hash<K,V> and bucket<K,V> (src/runtime/map.go up to Go 1.23), or map<K,V>, table<K,V>,
// groupReference<K,V> and map.group[K]V (src/internal/runtime/maps). The names of the fields
// decide which layout it is, not Go's version.
#include <string.h>

#include "dwarf/debug/debugtype.h"

enum { SLOTS = 8 }; // per bucket and per group

static struct gotype *pointed_to(const struct gofield *field)
{
	if (!field || field->type->kind != GO_POINTER)
		return NULL;
	gotype_complete(field->type);
	return field->type->elem;
}

// A key or element larger than 128 bytes is stored outside, and the slot holds a pointer to it.
static bool is_indirect(struct gotype *slot, const struct gotype *type)
{
	if (slot->kind != GO_POINTER || slot->origin == type->origin)
		return false;
	gotype_complete(slot);
	return slot->elem && slot->elem->origin == type->origin;
}

static bool fits(const struct gotype *slot, const struct gotype *type, bool indirect)
{
	return indirect || (slot->kind == type->kind && slot->size == type->size);
}

// Finds a field that is an array with one key or element for each slot.
static struct gotype *slot_array(struct gotype *holder, const char *name, uint64_t *off)
{
	const struct gofield *field = gotype_field(holder, name);
	if (!field || field->type->kind != GO_ARRAY)
		return NULL;
	gotype_complete(field->type);
	if (field->type->kind != GO_ARRAY || field->type->len != SLOTS)
		return NULL;
	*off = field->offset;
	return field->type->elem;
}

// Reads a layout with an array of keys and an array of elements.
static bool read_arrays(struct gotype *holder, const char *elems_name, const struct gotype *map,
			struct gomap *out)
{
	struct gotype *key = slot_array(holder, "keys", &out->keys_off);
	struct gotype *elem = slot_array(holder, elems_name, &out->elems_off);
	if (!key || !elem)
		return false;
	out->key_stride = key->size;
	out->elem_stride = elem->size;
	out->key_indirect = is_indirect(key, map->key);
	out->elem_indirect = is_indirect(elem, map->elem);
	out->bucket_size = holder->size;
	return fits(key, map->key, out->key_indirect) && fits(elem, map->elem, out->elem_indirect);
}

static bool read_slots(struct gotype *group, const struct gotype *map, struct gomap *out)
{
	uint64_t off = 0;
	struct gotype *slot = slot_array(group, "slots", &off);
	if (!slot)
		return false;
	const struct gofield *key = gotype_field(slot, "key");
	const struct gofield *elem = gotype_field(slot, "elem");
	if (!key || !elem)
		return false;
	out->keys_off = off + key->offset;
	out->elems_off = off + elem->offset;
	out->key_stride = out->elem_stride = slot->size;
	out->key_indirect = is_indirect(key->type, map->key);
	out->elem_indirect = is_indirect(elem->type, map->elem);
	out->bucket_size = group->size;
	return fits(key->type, map->key, out->key_indirect) &&
	       fits(elem->type, map->elem, out->elem_indirect);
}

static bool read_buckets(struct gotype *header, const struct gotype *map, struct gomap *out)
{
	struct gotype *bucket = pointed_to(gotype_field(header, "buckets"));
	if (!bucket)
		return false;
	uint64_t tophash_off = 0;
	struct gotype *tophash = slot_array(bucket, "tophash", &tophash_off);
	const struct gofield *overflow = gotype_field(bucket, "overflow");
	if (!tophash || tophash->size != 1 || tophash_off != 0 || !overflow ||
	    overflow->type->size != sizeof(uint64_t))
		return false;
	out->layout = GOMAP_BUCKETS;
	out->overflow_off = overflow->offset;
	return read_arrays(bucket, "values", map, out);
}

static bool read_swiss(struct gotype *header, const struct gotype *map, struct gomap *out)
{
	// dirPtr is a pointer to an array of *table
	struct gotype *directory = pointed_to(gotype_field(header, "dirPtr"));
	if (!directory || directory->kind != GO_POINTER)
		return false;
	gotype_complete(directory);
	const struct gofield *groups =
		directory->elem ? gotype_field(directory->elem, "groups") : NULL;
	struct gotype *group = groups ? pointed_to(gotype_field(groups->type, "data")) : NULL;
	if (!group)
		return false;
	const struct gofield *ctrl = gotype_field(group, "ctrl");
	if (!ctrl || ctrl->offset != 0 || ctrl->type->size != SLOTS)
		return false;
	out->layout = GOMAP_SWISS;
	return read_slots(group, map, out) || read_arrays(group, "elems", map, out);
}

void debugmap_complete(struct gotype *map, struct gotype *header)
{
	struct gomap layout = {0};
	gotype_complete(map->key);
	gotype_complete(map->elem);
	if (read_buckets(header, map, &layout)) {
		map->map = layout;
		return;
	}
	layout = (struct gomap){0};
	if (read_swiss(header, map, &layout))
		map->map = layout;
}
