// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the runtime's layout from DWARF. It is correct for releases that are not in gotrace's
// table, and for patched ones.
#include <string.h>

#include "dwarf/index/index_private.h"

// A field of a type. The path is the names of nested fields, joined with dots ("stack.lo").
struct wanted {
	const char *type, *path;
	size_t member; // offset in struct runtime_layout
	unsigned size; // size that the field must have, in bytes; 0: any
};

#define MEMBER(name) offsetof(struct runtime_layout, name)
static const struct wanted essentials[] = {
	{"runtime.g", "stack.lo", MEMBER(g_stack_lo), 8},
	{"runtime.g", "stack.hi", MEMBER(g_stack_hi), 8},
	{"runtime.g", "goid", MEMBER(g_goid), 8},
};
static const struct wanted others[] = {
	{"runtime.g", "parentGoid", MEMBER(g_parent_goid), 8},
	{"runtime.g", "gopc", MEMBER(g_gopc), 8},
	{"runtime.hchan", "qcount", MEMBER(hchan_qcount), 8},
	{"runtime.hchan", "dataqsiz", MEMBER(hchan_dataqsiz), 8},
};

static bool find_field(struct gotype *type, const char *path, unsigned size, uint32_t *off)
{
	enum { MAX_OFFSET = 1 << 16 };
	uint64_t sum = 0;
	for (;;) {
		char name[32];
		size_t len = strcspn(path, ".");
		if (len >= sizeof(name))
			return false;
		memcpy(name, path, len);
		name[len] = '\0';
		const struct gofield *field = gotype_field(type, name);
		if (!field || field->offset > MAX_OFFSET)
			return false;
		sum += field->offset;
		type = field->type;
		if (!path[len])
			break;
		path += len + 1;
	}
	if ((size && type->size != size) || sum > MAX_OFFSET)
		return false;
	*off = (uint32_t)sum;
	return true;
}

static bool fill(struct debuginfo *debug, const struct wanted *wanted,
		 struct runtime_layout *layout)
{
	struct gotype *type = debuginfo_type(debug, "runtime", wanted->type);
	uint32_t off;
	if (!type || !find_field(type, wanted->path, wanted->size, &off))
		return false;
	memcpy((char *)layout + wanted->member, &off, sizeof(off));
	return true;
}

void runtime_layout_refine(struct runtime_layout *layout, struct debuginfo *debug)
{
	struct runtime_layout refined = *layout;
	for (size_t i = 0; i < sizeof(essentials) / sizeof(essentials[0]); i++)
		if (!fill(debug, &essentials[i], &refined))
			return;
	refined.is_certain = true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		fill(debug, &others[i], &refined);
	*layout = refined;
}
