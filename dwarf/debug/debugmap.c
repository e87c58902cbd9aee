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

static bool read_buckets(struct gotype *header, const struct gotype *map, struct gomap *out)
{
	struct gotype *bucket = pointed_to(gotype_field(header, "buckets"));
	if (!bucket)
		return false;
	const struct gofield *tophash = gotype_field(bucket, "tophash");
	const struct gofield *overflow = gotype_field(bucket, "overflow");
	if (!tophash || tophash->type->size != SLOTS || tophash->offset != 0 || !overflow ||
	    overflow->type->size != sizeof(uint64_t))
		return false;
	out->layout = GOMAP_BUCKETS;
	out->overflow_off = overflow->offset;
	return gomap_read(bucket, map, out);
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
	return gomap_read(group, map, out);
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
