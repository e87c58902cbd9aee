// SPDX-License-Identifier: GPL-2.0-or-later
// All types that have a run-time descriptor. Up to Go 1.26 the linker lists the unnamed types
// (typelinks), among which are pointers to nearly all named types. From 1.27 on all descriptors are
// adjacent (src/runtime/type.go, moduleTypelinks; src/internal/abi/type.go, DescriptorSize). The
// types in itabs are added, and so are the types to which all of these refer: elements, keys and
// fields.
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/bsearch.h"
#include "base/log.h"
#include "base/vec.h"
#include "dwarf/go/rtype_private.h"

enum { UNCOMMON_BYTES = 16, METHOD_BYTES = 16, FIELD_BYTES = 24, IMETHOD_BYTES = 8 };

struct seen {
	struct gotype *type;
	UT_hash_handle hh;
};

struct gathering {
	struct seen *seen;
	struct gotype **all; // follow has handled those before next
	size_t num, size, next;
	bool is_full; // there is no memory for more
};

// Adds a type to the list, unless it is in the list already.
static void take(struct gathering *gathering, struct gotype *type)
{
	struct seen *seen;
	if (!type || !type->rtype || type->broken || gathering->is_full)
		return;
	HASH_FIND_PTR(gathering->seen, &type, seen);
	if (seen)
		return;
	seen = vec_room(gathering->all, gathering->num, gathering->size) ? calloc(1, sizeof(*seen))
									 : NULL;
	if (seen) {
		seen->type = type;
		HASH_ADD_PTR(gathering->seen, type, seen);
	}
	if (!seen || !seen->hh.tbl) {
		free(seen);
		gathering->is_full = true;
		return;
	}
	gathering->all[gathering->num++] = type;
}

// Adds the types to which the types in the list refer.
static void follow(struct gathering *gathering)
{
	while (gathering->next < gathering->num) {
		log_progress("types read", gathering->next, gathering->num);
		struct gotype *type = gathering->all[gathering->next++];
		gotype_complete(type);
		take(gathering, type->elem);
		take(gathering, type->key);
		for (size_t i = 0; i < type->num_fields; i++)
			take(gathering, type->fields[i].type);
	}
	log_progress("types read", gathering->num, gathering->num);
}

static struct gotype *linked_type(struct rtypes *types, uint64_t i)
{
	const struct moduledata *module = &types->module;
	uint32_t off;
	return image_read_u32(types->image, module->typelinks + 4 * i, &off) &&
			       off < module->etypes - module->types
		       ? rtypes_find(types, module->types + off, NULL)
		       : NULL;
}

static bool is_named_before(struct rtypes *types, uint64_t i, const char *name)
{
	const struct gotype *type = linked_type(types, i);
	return !type || strcmp(type->name, name) < 0;
}

// Calls visit for each type in typelinks, which are in order of their names; false if visit ended
// the walk.
static bool walk_links(struct rtypes *types, const char *from, rtypes_visitor *visit, void *context)
{
	uint64_t num = types->module.num_typelinks;
	uint64_t low = bsearch_first(num, middle, is_named_before(types, middle, from));
	for (uint64_t i = 0; i < num; i++) {
		struct gotype *type = linked_type(types, (low + i) % num);
		if (type && !visit(context, type))
			return false;
	}
	return true;
}

// The size of the parameters, methods or fields that follow the fixed part of a descriptor.
static bool tail_bytes(struct rtypes *types, uint64_t vaddr, enum gokind kind, uint64_t *out)
{
	enum { NUM_MAX = 1 << 16 };
	uint64_t num = 0;
	uint32_t in_out;
	*out = 0;
	switch (kind) {
	case GO_FUNC: // u16 inCount, u16 outCount (its highest bit means variadic)
		if (!image_read_u32(types->image, vaddr + RTYPE_BYTES, &in_out))
			return false;
		*out = 8 * (uint64_t)((in_out & 0xffff) + (in_out >> 16 & 0x7fff));
		return true;
	case GO_INTERFACE:
	case GO_STRUCT:
		if (!image_read_u64(types->image, vaddr + RTYPE_BYTES + 16, &num) || num > NUM_MAX)
			return false;
		*out = num * (kind == GO_STRUCT ? FIELD_BYTES : IMETHOD_BYTES);
		return true;
	default:
		return true;
	}
}

static bool descriptor_bytes(struct rtypes *types, uint64_t vaddr, uint64_t *out)
{
	struct rtype_head head;
	uint64_t tail;
	if (!rtype_read_head(types, vaddr, &head) || !tail_bytes(types, vaddr, head.kind, &tail))
		return false;
	uint64_t bytes = rtype_kind_bytes(types, vaddr, head.kind);
	if (head.tflag & RTYPE_UNCOMMON) { // pkgPath i32, mcount u16, ...
		uint32_t counts;
		if (!image_read_u32(types->image, vaddr + bytes + 4, &counts))
			return false;
		tail += (uint64_t)(counts & 0xffff) * METHOD_BYTES;
		bytes += UNCOMMON_BYTES;
	}
	*out = bytes + tail;
	return true;
}

// For Go 1.27 and later. The first word is not a descriptor, so that no descriptor has offset 0.
static bool walk_descriptors(struct rtypes *types, rtypes_visitor *visit, void *context)
{
	const struct moduledata *module = &types->module;
	uint64_t end = module->types + module->desc_bytes, bytes;
	for (uint64_t at = module->types + 8; at < end; at += bytes) {
		at = (at + 7) & ~(uint64_t)7;
		if (at >= end || !descriptor_bytes(types, at, &bytes))
			return true;
		struct gotype *type = rtypes_find(types, at, NULL);
		if (type && !visit(context, type))
			return false;
	}
	return true;
}

struct itab_visit {
	struct rtypes *types;
	rtypes_visitor *visit;
	void *context;
};

static bool visit_itab(void *context, uint64_t itab, uint64_t interface, uint64_t concrete)
{
	const struct itab_visit *each = context;
	(void)itab;
	struct gotype *type = rtypes_find(each->types, interface, NULL);
	if (type && !each->visit(each->context, type))
		return false;
	type = rtypes_find(each->types, concrete, NULL);
	return !type || each->visit(each->context, type);
}

void rtypes_linked(struct rtypes *types, const char *from, rtypes_visitor *visit, void *context)
{
	struct itab_visit each = {types, visit, context};
	if (walk_links(types, from, visit, context) && walk_descriptors(types, visit, context))
		rtypes_itabs(types, visit_itab, &each);
}

static bool take_linked(void *context, struct gotype *type)
{
	struct gathering *gathering = context;
	take(gathering, type);
	return !gathering->is_full;
}

static int by_full_name(const void *a, const void *b)
{
	const struct gotype *x = *(struct gotype *const *)a, *y = *(struct gotype *const *)b;
	int order = strcmp(x->full_name, y->full_name);
	return order ? order : (x->rtype > y->rtype) - (x->rtype < y->rtype);
}

struct gotype *const *rtypes_all(struct rtypes *types, size_t *num)
{
	if (!types->is_listed) {
		struct gathering gathering = {0};
		rtypes_linked(types, "", take_linked, &gathering);
		follow(&gathering);
		struct seen *seen, *next;
		HASH_ITER (hh, gathering.seen, seen, next) {
			HASH_DEL(gathering.seen, seen);
			free(seen);
		}
		if (gathering.num)
			qsort(gathering.all, gathering.num, sizeof(struct gotype *), by_full_name);
		types->all = gathering.all;
		types->num_all = gathering.num;
		types->is_listed = true;
	}
	*num = types->num_all;
	return types->all;
}
