// SPDX-License-Identifier: GPL-2.0-or-later
// The memory layout of maps, from the type that the compiler makes for a map's bucket or group.
#include <string.h>

#include "dwarf/go/rtype_private.h"

// Offsets and sizes in the descriptor of a map.
enum {
	MAP_KEY = 48,
	MAP_BUCKET = 64, // the type of a bucket or group
	MAP_TAIL = 80,
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
	const struct gofield *ctrl = gotype_field(bucket, "ctrl");
	const struct gofield *overflow = gotype_field(bucket, "overflow");
	if (map->layout == GOMAP_SWISS ? !ctrl || ctrl->offset
				       : map->layout != GOMAP_BUCKETS || !overflow)
		return false;
	if (map->layout == GOMAP_BUCKETS)
		map->overflow_off = overflow->offset;
	return gomap_read(bucket, type, map);
}

void rtype_read_map(struct rtypes *types, struct gotype *type)
{
	struct gomap map;
	memset(&map, 0, sizeof(map));
	if (read_layout(types, type, &map))
		type->map = map;
}
