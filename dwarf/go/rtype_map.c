// SPDX-License-Identifier: GPL-2.0-or-later
// The memory layout of maps. It is read from the type that the compiler makes for a map's bucket or
// group. The fields of that type show the layout, whatever the release and its experiments.
#include <string.h>

#include "dwarf/go/rtype_private.h"

// Offsets and sizes in the descriptor of a map.
enum {
	MAP_KEY = 48,
	MAP_BUCKET = 64, // the type of a bucket or group
	MAP_TAIL = 80,
	MAP_SLOTS = 8, // keys of a bucket or group, in every release
	MAP_BYTES_BUCKETS = 88,
	MAP_BYTES_SWISS = 112,
	MAP_BYTES_SWISS_STRIDES = 136, // Go 1.27 and later
};

// The words of the descriptor after the hasher. Buckets: key size and elem size (u8), bucket size
// (u16), flags (u32). Swiss: group size, slot size, elem offset. Swiss from Go 1.27 on: group size,
// keys offset, key stride.
struct map_tail {
	uint64_t words[3];
	uint64_t bucket_size; // of the bucket's or group's type
};

static bool read_tail(const struct rtypes *types, uint64_t vaddr, struct map_tail *out)
{
	uint64_t bucket;
	struct rtype_head head;
	memset(out, 0, sizeof(*out));
	if (!rtype_read_addr(types, vaddr + MAP_BUCKET, &bucket) ||
	    !rtype_read_head(types, bucket, &head) || head.kind != GO_STRUCT ||
	    !rtype_read(types, vaddr + MAP_TAIL, out->words, sizeof(out->words)))
		return false;
	out->bucket_size = head.size;
	return true;
}

static enum gomap_layout layout_of(const struct map_tail *tail)
{
	if (tail->words[0] == tail->bucket_size)
		return GOMAP_SWISS;
	if (((tail->words[0] >> 16) & 0xffff) == tail->bucket_size)
		return GOMAP_BUCKETS;
	return GOMAP_UNKNOWN;
}

uint64_t rtype_map_bytes(const struct rtypes *types, uint64_t vaddr)
{
	struct map_tail tail;
	if (!read_tail(types, vaddr, &tail) || layout_of(&tail) != GOMAP_SWISS)
		return MAP_BYTES_BUCKETS;
	return go_version_at_least(types->go, 27) ? MAP_BYTES_SWISS_STRIDES : MAP_BYTES_SWISS;
}

// The element type of a field that is an array with one element per slot; NULL for other fields.
static struct gotype *slots_elem(const struct gofield *field)
{
	if (!field)
		return NULL;
	gotype_complete(field->type);
	return field->type->kind == GO_ARRAY && field->type->len == MAP_SLOTS ? field->type->elem
									      : NULL;
}

// True if the slot holds a value of the wanted type, or (is_indirect) a pointer to one.
static bool check_slot(struct gotype *slot, const struct gotype *wanted, bool *is_indirect)
{
	if (!slot)
		return false;
	if (slot->rtype == wanted->rtype) {
		*is_indirect = false;
		return true;
	}
	gotype_complete(slot);
	*is_indirect = true;
	return slot->kind == GO_POINTER && slot->elem && slot->elem->rtype == wanted->rtype;
}

// A bucket or group with an array of keys and an array of elems.
static bool read_split(struct gotype *bucket, const struct gotype *type, const char *keys,
		       const char *elems, struct gomap *map)
{
	const struct gofield *key_field = gotype_field(bucket, keys);
	const struct gofield *elem_field = gotype_field(bucket, elems);
	struct gotype *key = slots_elem(key_field), *elem = slots_elem(elem_field);
	if (!check_slot(key, type->key, &map->key_indirect) ||
	    !check_slot(elem, type->elem, &map->elem_indirect))
		return false;
	map->keys_off = key_field->offset;
	map->key_stride = key->size;
	map->elems_off = elem_field->offset;
	map->elem_stride = elem->size;
	return true;
}

// A group with an array of slots of {key, elem}.
static bool read_slots(struct gotype *group, const struct gotype *type, struct gomap *map)
{
	const struct gofield *field = gotype_field(group, "slots");
	struct gotype *slot = slots_elem(field);
	const struct gofield *key = slot ? gotype_field(slot, "key") : NULL;
	const struct gofield *elem = slot ? gotype_field(slot, "elem") : NULL;
	if (!key || !elem || !check_slot(key->type, type->key, &map->key_indirect) ||
	    !check_slot(elem->type, type->elem, &map->elem_indirect))
		return false;
	map->keys_off = field->offset + key->offset;
	map->elems_off = field->offset + elem->offset;
	map->key_stride = map->elem_stride = slot->size;
	return true;
}

static bool read_layout(struct rtypes *types, struct gotype *type, struct gomap *map)
{
	struct map_tail tail;
	uint64_t vaddr;
	if (!read_tail(types, type->rtype, &tail) ||
	    !rtype_read_addr(types, type->rtype + MAP_BUCKET, &vaddr))
		return false;
	struct gotype *bucket = rtypes_find(types, vaddr, NULL);
	if (!bucket)
		return false;
	map->layout = layout_of(&tail);
	map->bucket_size = tail.bucket_size;
	if (map->layout == GOMAP_SWISS)
		return gotype_field(bucket, "ctrl") && gotype_field(bucket, "ctrl")->offset == 0 &&
		       (read_slots(bucket, type, map) ||
			read_split(bucket, type, "keys", "elems", map));
	const struct gofield *overflow = gotype_field(bucket, "overflow");
	if (map->layout != GOMAP_BUCKETS || !overflow)
		return false;
	map->overflow_off = overflow->offset;
	return read_split(bucket, type, "keys", "elems", map);
}

void rtype_read_map(struct rtypes *types, struct gotype *type)
{
	struct gomap map;
	memset(&map, 0, sizeof(map));
	if (read_layout(types, type, &map))
		type->map = map;
}
