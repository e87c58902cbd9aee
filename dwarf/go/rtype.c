// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/go/rtype.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/rune.h"
#include "dwarf/go/rtype_private.h"

struct known { // a descriptor that was read before
	uint64_t vaddr;
	struct gotype *type;
	UT_hash_handle hh;
};

static uint32_t u32_at(const uint8_t *bytes)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof(value));
	return value;
}

static uint64_t u64_at(const uint8_t *bytes)
{
	uint64_t value;
	memcpy(&value, bytes, sizeof(value));
	return value;
}

bool rtype_read_head(const struct rtypes *types, uint64_t vaddr, struct rtype_head *out)
{
	uint8_t bytes[RTYPE_BYTES];
	uint64_t start, size;
	if (vaddr % 8 || !rtype_module(types, vaddr, &start, &size) ||
	    size - (vaddr - start) < RTYPE_BYTES || !rtype_read(types, vaddr, bytes, sizeof(bytes)))
		return false;
	*out = (struct rtype_head){
		.size = u64_at(bytes),
		.pointer_bytes = u64_at(bytes + 8),
		.tflag = bytes[20],
		.align = bytes[21],
		.kind = bytes[23] & RTYPE_KIND_MASK,
		.is_direct = (bytes[23] | bytes[20]) & RTYPE_DIRECT,
		.name_off = u32_at(bytes + 40),
	};
	if (out->kind <= GO_INVALID || out->kind >= GO_NUM_KINDS ||
	    out->pointer_bytes > out->size || out->size > RTYPE_MAX_SIZE || !out->align ||
	    (out->align & (out->align - 1)))
		return false;
	uint64_t fixed = gokind_size(out->kind);
	return (!fixed || out->size == fixed) && (!out->is_direct || out->size == 8);
}

// Go's names are printable. Other bytes are not a name, or they are an attack on the terminal.
static bool is_name(const char *name, size_t len)
{
	return len && rune_printable_length(name, len) == len;
}

static bool read_byte(struct rtypes *types, uint64_t vaddr, uint8_t *out)
{
	const uint8_t *byte;
	if (!rtype_borrow(types, vaddr, 1, &byte))
		return false;
	*out = *byte;
	return true;
}

// A string is its length, then its bytes. The length is a varint from Go 1.17 on; before, it is two
// bytes, big-endian.
static bool read_string(struct rtypes *types, uint64_t vaddr, struct rtype_name *out)
{
	enum { MAX_NAME = 1 << 16, MAX_LENGTH_BYTES = 3 };
	bool is_varint = go_version_at_least(types->go, 17);
	uint8_t byte;
	size_t len = 0;
	for (unsigned i = 0;; i++) {
		if (i == MAX_LENGTH_BYTES || !read_byte(types, vaddr++, &byte))
			return false;
		len = is_varint ? len | (size_t)(byte & 0x7f) << (7 * i) : len << 8 | byte;
		if (is_varint ? !(byte & 0x80) : i == 1)
			break;
	}
	const uint8_t *bytes;
	if (len > MAX_NAME || !rtype_borrow(types, vaddr, len, &bytes) ||
	    !is_name((const char *)bytes, len))
		return false;
	out->bytes = (const char *)bytes;
	out->len = len;
	out->end = vaddr + len;
	return true;
}

// A name is a flag byte, then a string.
bool rtype_read_name(struct rtypes *types, uint64_t vaddr, struct rtype_name *out)
{
	uint8_t flags;
	struct rtype_name name;
	if (!read_byte(types, vaddr, &flags) || !read_string(types, vaddr + 1, &name))
		return false;
	name.flags = flags;
	*out = name;
	return true;
}

uint64_t rtype_kind_bytes(const struct rtypes *types, uint64_t vaddr, enum gokind kind)
{
	switch (kind) {
	case GO_POINTER:
	case GO_SLICE:
	case GO_FUNC:
		return RTYPE_BYTES + 8;
	case GO_CHAN:
		return RTYPE_BYTES + 16;
	case GO_ARRAY:
		return RTYPE_BYTES + 24;
	case GO_INTERFACE:
	case GO_STRUCT:
		return RTYPE_BYTES + 32;
	case GO_MAP:
		return rtype_map_bytes(types, vaddr);
	default:
		return RTYPE_BYTES;
	}
}

// Reads a name by its offset in the module of the descriptor at vaddr.
static bool name_at_offset(struct rtypes *types, uint64_t vaddr, uint32_t off,
			   struct rtype_name *out)
{
	uint64_t start, size;
	return off && rtype_module(types, vaddr, &start, &size) && off < size &&
	       rtype_read_name(types, start + off, out);
}

// Reads the import path of a defined type from its uncommon part; false if it has none.
static bool read_package(struct rtypes *types, uint64_t vaddr, const struct rtype_head *head,
			 struct rtype_name *out)
{
	uint32_t off;
	return head->tflag & RTYPE_UNCOMMON &&
	       rtype_read(types, vaddr + rtype_kind_bytes(types, vaddr, head->kind), &off,
			  sizeof(off)) &&
	       name_at_offset(types, vaddr, off, out);
}

// The offset of the type's own name, without "package.": after the last dot outside brackets.
static size_t base_name(const char *name, size_t len)
{
	size_t brackets = 0;
	for (size_t i = len; i > 0; i--) {
		char c = name[i - 1];
		if (c == '.' && !brackets)
			return i;
		if (c == ']')
			brackets++;
		else if (c == '[' && brackets)
			brackets--;
	}
	return 0;
}

// Sets the names of a stub; false if there is no memory.
static bool name_type(struct rtypes *types, struct gotype *type, const struct rtype_head *head,
		      struct rtype_name name)
{
	struct rtype_name package;
	if ((head->tflag & RTYPE_EXTRA_STAR) && name.len > 1 && name.bytes[0] == '*') {
		name.bytes++;
		name.len--;
	}
	type->name = gotypes_string(&types->store, name.bytes, name.len);
	if (!type->name)
		return false;
	type->full_name = type->name;
	size_t base = base_name(name.bytes, name.len);
	if (!type->is_named || !base || !read_package(types, type->rtype, head, &package))
		return true;
	struct text full;
	text_init(&full);
	text_append(&full, package.bytes, package.len);
	text_putc(&full, '.');
	text_append(&full, name.bytes + base, name.len - base);
	const char *copy = NULL;
	if (!full.failed && strcmp(text_string(&full), type->name))
		copy = gotypes_string(&types->store, text_string(&full), full.len);
	if (copy)
		type->full_name = copy;
	text_deinit(&full);
	return true;
}

static struct gotype *make_stub(struct rtypes *types, uint64_t vaddr)
{
	// A damaged descriptor takes nothing from the store, however often it is asked for.
	struct rtype_head head;
	struct rtype_name name;
	if (!rtype_read_head(types, vaddr, &head) ||
	    !name_at_offset(types, vaddr, head.name_off, &name))
		return NULL;
	struct gotype *type = gotypes_new(&types->store);
	if (!type)
		return NULL;
	type->kind = head.kind;
	type->size = head.size;
	type->align = head.align;
	type->is_named = head.tflag & RTYPE_NAMED;
	type->is_direct = head.is_direct;
	type->rtype = type->origin = vaddr;
	return name_type(types, type, &head, name) ? type : NULL;
}

// Why there is no type at vaddr.
static const char *why_none(struct rtypes *types, uint64_t vaddr, const char *elsewhere)
{
	uint64_t start, size;
	if (!rtype_module(types, vaddr, &start, &size))
		return elsewhere;
	return start == types->module.types ? "damaged type descriptor"
					    : "type of a plugin: its descriptor cannot be read";
}

struct gotype *rtypes_find(struct rtypes *types, uint64_t vaddr, const char **why)
{
	struct known *known;
	uint64_t start, size;
	const char *elsewhere = NULL;
	HASH_FIND (hh, types->known, &vaddr, sizeof(vaddr), known)
		;
	if (known)
		return known->type;
	if (!rtype_module(types, vaddr, &start, &size))
		elsewhere = rtypes_find_modules(types);
	struct gotype *type = make_stub(types, vaddr);
	known = type ? gotypes_alloc(&types->store, sizeof(*known)) : NULL;
	if (!known) {
		if (why)
			*why = why_none(types, vaddr, elsewhere);
		return NULL;
	}
	known->vaddr = vaddr;
	known->type = type;
	HASH_ADD(hh, types->known, vaddr, sizeof(vaddr), known);
	return type;
}

uint64_t rtypes_pointer(const struct rtypes *types, uint64_t vaddr)
{
	enum { PTR_TO_THIS = 44 };
	uint32_t off;
	if (!image_read(types->image, vaddr + PTR_TO_THIS, &off, sizeof(off)) || !off)
		return 0;
	uint64_t pointer = types->module.types + off;
	struct rtype_head head;
	return rtype_read_head(types, pointer, &head) && head.kind == GO_POINTER ? pointer : 0;
}

// The type at the address that is stored at vaddr. If it cannot be read, returns a broken type with
// the reason; NULL only without memory.
static struct gotype *find_at(struct rtypes *types, uint64_t vaddr)
{
	uint64_t target;
	struct gotype *type = NULL;
	if (rtype_read_addr(types, vaddr, &target))
		type = rtypes_find(types, target, NULL);
	if (type)
		return type;
	type = gotypes_new(&types->store);
	if (type)
		gotype_break(type, "damaged type descriptor");
	return type;
}

// True if the fields, with their offsets shifted right, are in order inside the struct and do not
// overlap.
static bool fields_fit(const struct gotype *type, const struct gofield *fields, size_t num,
		       unsigned shift)
{
	uint64_t end = 0;
	for (size_t i = 0; i < num; i++) {
		uint64_t off = fields[i].offset >> shift;
		if (off < end || off > type->size || fields[i].type->size > type->size - off)
			return false;
		end = off + fields[i].type->size;
	}
	return true;
}

static bool read_field(struct rtypes *types, uint64_t vaddr, struct gofield *out,
		       const char **tag_out)
{
	enum { MAX_FIELD_NAME = 4096 };
	uint64_t name_at;
	struct rtype_name name;
	if (!rtype_read_addr(types, vaddr, &name_at) || !rtype_read_name(types, name_at, &name) ||
	    name.len > MAX_FIELD_NAME ||
	    !rtype_read(types, vaddr + 16, &out->offset, sizeof(out->offset)))
		return false;
	out->name = gotypes_string(&types->store, name.bytes, name.len);
	out->is_embedded = name.flags & RTYPE_NAME_EMBEDDED;
	out->type = find_at(types, vaddr + 8);
	struct rtype_name tag;
	if (name.flags & RTYPE_NAME_TAG && read_string(types, name.end, &tag) &&
	    tag.len <= MAX_FIELD_NAME)
		*tag_out = gotypes_string(&types->store, tag.bytes, tag.len);
	return out->name && out->type;
}

static bool complete_struct(struct rtypes *types, struct gotype *type)
{
	enum { FIELD_BYTES = 24, MAX_FIELDS = 1 << 16 };
	uint64_t at, num;
	if (!rtype_read_addr(types, type->rtype + RTYPE_BYTES + 8, &at) ||
	    !rtype_read(types, type->rtype + RTYPE_BYTES + 16, &num, sizeof(num)) ||
	    num > MAX_FIELDS)
		return false;
	uint8_t last;
	if (num && !rtype_read(types, at + num * FIELD_BYTES - 1, &last, 1))
		return false;
	struct gofield *fields = gotypes_alloc(&types->store, num * sizeof(*fields));
	const char **tags = gotypes_alloc(&types->store, num * sizeof(*tags));
	if (!fields || !tags)
		return false;
	for (size_t i = 0; i < num; i++)
		if (!read_field(types, at + i * FIELD_BYTES, &fields[i], &tags[i]))
			return false;
	// Up to Go 1.18, offsets were shifted left by one; the lowest bit was the embedded flag.
	unsigned shift = go_version_at_least(types->go, 19) ? 0 : 1;
	if (!fields_fit(type, fields, num, shift)) {
		shift = 1 - shift;
		if (types->is_certain || !fields_fit(type, fields, num, shift))
			return false;
	}
	for (size_t i = 0; i < num && shift; i++) {
		fields[i].is_embedded = fields[i].offset & 1;
		fields[i].offset >>= 1;
	}
	type->fields = fields;
	type->num_fields = num;
	type->tags = tags;
	return true;
}

static bool complete_kind(struct rtypes *types, struct gotype *type)
{
	uint64_t extra = type->rtype + RTYPE_BYTES;
	switch (type->kind) {
	case GO_POINTER:
	case GO_SLICE:
	case GO_CHAN:
		type->elem = find_at(types, extra);
		return type->elem;
	case GO_ARRAY:
		type->elem = find_at(types, extra);
		return type->elem && rtype_read(types, extra + 16, &type->len, sizeof(type->len)) &&
		       (!type->elem->size || type->len == type->size / type->elem->size) &&
		       type->len * type->elem->size == type->size;
	case GO_INTERFACE: {
		uint64_t num_methods;
		if (!rtype_read(types, extra + 16, &num_methods, sizeof(num_methods)))
			return false;
		type->is_empty_interface = !num_methods;
		return true;
	}
	case GO_MAP:
		type->key = find_at(types, extra);
		type->elem = find_at(types, extra + 8);
		if (!type->key || !type->elem)
			return false;
		rtype_read_map(types, type);
		return true;
	case GO_STRUCT:
		return complete_struct(types, type);
	default:
		return true;
	}
}

// Sets the full name of an unnamed composite type whose parts are known.
static void name_composite(struct rtypes *types, struct gotype *type)
{
	struct text full;
	if (type->is_named || !type->elem)
		return;
	if (type->elem->full_name == type->elem->name &&
	    (!type->key || type->key->full_name == type->key->name))
		return;
	text_init(&full);
	// Only the names of the parts differ; the rest is as in the short name: "chan<- ", "[4]".
	const char *elem = strstr(type->name, type->elem->name);
	if (type->kind == GO_MAP)
		text_printf(&full, "map[%s]%s", type->key->full_name, type->elem->full_name);
	else if (elem && !elem[strlen(type->elem->name)])
		text_printf(&full, "%.*s%s", (int)(elem - type->name), type->name,
			    type->elem->full_name);
	const char *copy = NULL;
	if (full.len && !full.failed)
		copy = gotypes_string(&types->store, text_string(&full), full.len);
	if (copy)
		type->full_name = copy;
	text_deinit(&full);
}

static void complete(struct gotypes *store, struct gotype *type)
{
	enum { MAX_DEPTH = 8 }; // of unnamed composites inside each other
	struct rtypes *types = (struct rtypes *)store;
	if (!complete_kind(types, type)) {
		gotype_break(type, "damaged type descriptor");
		return;
	}
	if (type->is_named || types->depth == MAX_DEPTH)
		return;
	types->depth++;
	if (type->elem && !type->elem->is_named)
		gotype_complete(type->elem);
	if (type->key && !type->key->is_named)
		gotype_complete(type->key);
	types->depth--;
	name_composite(types, type);
}

static const struct gotypes_ops ops = {.complete = complete};

struct error *rtypes_open(struct image *image, const struct moduledata *module,
			  struct go_version go, struct rtypes **out)
{
	struct rtypes *types = calloc(1, sizeof(*types));
	if (!types)
		return error_nomem();
	gotypes_init(&types->store, &ops);
	types->image = image;
	types->module = *module;
	if (types->module.etypes < types->module.types)
		types->module.etypes = types->module.types;
	types->is_certain = go.major;
	types->go = go.major ? go : (struct go_version){1, module->minor, 0};
	*out = types;
	return NULL;
}

void rtypes_close(struct rtypes *types)
{
	if (!types)
		return;
	HASH_CLEAR(hh, types->known);
	free(types->all);
	rtype_free_modules(types);
	gotypes_deinit(&types->store);
	free(types);
}

typedef bool visit_itab(void *context, uint64_t itab, uint64_t interface, uint64_t concrete);

// Calls visit for one itab; false if visit ends the walk. A damaged itab is skipped.
static bool show_itab(struct rtypes *types, uint64_t itab, visit_itab *visit, void *context)
{
	uint64_t interface, concrete;
	struct rtype_head head;
	if (!image_read_u64(types->image, itab, &interface) ||
	    !image_read_u64(types->image, itab + 8, &concrete) ||
	    !rtype_read_head(types, interface, &head) || head.kind != GO_INTERFACE ||
	    !rtype_read_head(types, concrete, &head))
		return true;
	return visit(context, itab, interface, concrete);
}

// From Go 1.27 on, the itabs are adjacent. Each has a word for every method of its interface.
static void walk_itabs(struct rtypes *types, visit_itab *visit, void *context)
{
	enum { ITAB_HEAD = 24 };
	uint64_t at = types->module.itabs, left = types->module.itabs_bytes;
	while (left >= ITAB_HEAD + 8) {
		uint64_t interface, first, num_methods;
		if (!show_itab(types, at, visit, context) ||
		    !image_read_u64(types->image, at, &interface) ||
		    !image_read_u64(types->image, at + ITAB_HEAD, &first) ||
		    !image_read_u64(types->image, interface + RTYPE_BYTES + 16, &num_methods) ||
		    num_methods > left / 8)
			return;
		uint64_t bytes = ITAB_HEAD + 8 * (first && num_methods ? num_methods : 1);
		if (bytes > left)
			return;
		at += bytes;
		left -= bytes;
	}
}

void rtypes_itabs(struct rtypes *types, visit_itab *visit, void *context)
{
	for (uint64_t i = 0; i < types->module.num_itablinks; i++) {
		uint64_t itab;
		if (!image_read_u64(types->image, types->module.itablinks + 8 * i, &itab) ||
		    !show_itab(types, itab, visit, context))
			return;
	}
	if (types->module.itabs_bytes)
		walk_itabs(types, visit, context);
}
