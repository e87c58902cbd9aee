// SPDX-License-Identifier: GPL-2.0-or-later
// Where the keys and elems of a map are, from the fields of the struct type that Go makes for its
// bucket or group. The fields show the layout, whatever the release and its experiments.
#include "dwarf/go/gotype.h"

enum { SLOTS = 8 }; // of a bucket or group, in every release

// The element type of a field that is an array with one element for each slot; NULL for other
// fields.
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

// True if the slot holds a value of the wanted type or, if it is larger than 128 bytes, a pointer
// to one.
static bool check_slot(struct gotype *slot, const struct gotype *wanted, bool *is_indirect)
{
	*is_indirect = false;
	if (slot->kind == GO_POINTER && slot->origin != wanted->origin) {
		gotype_complete(slot);
		*is_indirect = slot->elem && slot->elem->origin == wanted->origin;
	}
	return *is_indirect || (slot->kind == wanted->kind && slot->size == wanted->size);
}

bool gomap_read(struct gotype *bucket, const struct gotype *map, struct gomap *out)
{
	uint64_t off = 0;
	struct gotype *slot = slot_array(bucket, "slots", &off), *key, *elem;
	if (slot) {
		const struct gofield *key_field = gotype_field(slot, "key");
		const struct gofield *elem_field = gotype_field(slot, "elem");
		if (!key_field || !elem_field)
			return false;
		key = key_field->type;
		elem = elem_field->type;
		out->keys_off = off + key_field->offset;
		out->elems_off = off + elem_field->offset;
		out->key_stride = out->elem_stride = slot->size;
	} else {
		key = slot_array(bucket, "keys", &out->keys_off);
		elem = slot_array(bucket, "elems", &out->elems_off);
		if (!elem) // in DWARF up to Go 1.23
			elem = slot_array(bucket, "values", &out->elems_off);
		if (!key || !elem)
			return false;
		out->key_stride = key->size;
		out->elem_stride = elem->size;
	}
	out->bucket_size = bucket->size;
	return check_slot(key, map->key, &out->key_indirect) &&
	       check_slot(elem, map->elem, &out->elem_indirect);
}
