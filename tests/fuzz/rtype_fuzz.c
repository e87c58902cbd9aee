// SPDX-License-Identifier: GPL-2.0-or-later
// The input is a byte that names a release, two bytes that place its itabs, and run-time types at
// 0x540000. Every word of them may be a type; each is completed, and what it leads to as well.
#include <stdint.h>
#include <stdlib.h>

#include "dwarf/go/rtype.h"
#include "tests/fuzz/memory_image.h"

enum { TYPES = 0x540000, HEAD = 3, MAX_STEPS = 2000 };

static void check(const struct gotype *type)
{
	if (!type->name || !type->full_name || (type->kind == GO_INVALID) != !!type->broken)
		abort();
	if ((type->num_fields && type->kind != GO_STRUCT) ||
	    (type->map.layout && type->kind != GO_MAP))
		abort();
	for (size_t i = 0; i < type->num_fields; i++) {
		const struct gofield *field = &type->fields[i];
		if (!field->name || field->offset > type->size ||
		    field->type->size > type->size - field->offset)
			abort();
	}
}

static void walk(struct gotype *type, int depth, int *steps)
{
	if (!type || depth > 20 || ++*steps > MAX_STEPS)
		return;
	gotype_complete(type);
	check(type);
	for (size_t i = 0; i < type->num_fields; i++)
		walk(type->fields[i].type, depth + 1, steps);
	walk(type->elem, depth + 1, steps);
	walk(type->key, depth + 1, steps);
}

static bool see_itab(void *context, uint64_t itab, uint64_t interface, uint64_t concrete)
{
	(void)itab;
	int *steps = context;
	return interface && concrete && ++*steps < MAX_STEPS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD || size > (1 << 16))
		return 0;
	struct go_version go = {!!data[0], data[0], 0};
	const struct memory_segment segment = {TYPES, PF_R, data + HEAD, size - HEAD};
	struct image *image = memory_image_of(&segment, 1);
	if (!image)
		return 0;
	struct moduledata module = {
		.types = TYPES,
		.etypes = TYPES + size - HEAD,
		.itablinks = TYPES + 8 * data[1],
		.num_itablinks = data[2],
		.itabs = TYPES + 8 * data[1],
		.itabs_bytes = 8 * data[2],
		.typelinks = TYPES + 8 * data[1],
		.num_typelinks = data[2],
		.desc_bytes = size - HEAD,
		.minor = 20,
	};
	struct rtypes *types;
	struct error *err = rtypes_open(image, &module, go, &types);
	if (!err) {
		int steps = 0;
		for (uint64_t at = 0; at < size - HEAD && steps < MAX_STEPS; at += 8)
			walk(rtypes_find(types, TYPES + at, NULL), 0, &steps);
		rtypes_itabs(types, see_itab, &steps);
		size_t num;
		struct gotype *const *all = rtypes_all(types, &num);
		for (size_t i = 0; i < num; i++)
			check(all[i]);
		rtypes_close(types);
	}
	error_free(err);
	image_close(image);
	return 0;
}
