// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/debug/debugtype.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/vec.h"

#include <uthash.h>

enum {
	MAX_TYPEDEFS = 32, // in one chain
	MAX_NESTING = 100, // of structs and arrays by value
	MAX_FIELDS = 1 << 20,
};
static const uint64_t max_size = UINT64_C(1) << 40; // bytes of a type

struct debugtype {
	struct gotype type;
	uint64_t off;
	UT_hash_handle hh;
};

struct resolved { // the end of a chain of typedefs
	uint64_t origin;
	Dwarf_Half tag;
	enum gokind kind;
	uint64_t size;
	const char *name;
	uint64_t runtime_type;
	const char *broken;
};

static struct debugtypes *types_of(const struct gotype *type)
{
	return (struct debugtypes *)type->store;
}

static enum gokind encoding_kind(struct dies *dies, Dwarf_Die die, uint64_t size)
{
	static const enum gokind ints[] = {
		[1] = GO_INT8, [2] = GO_INT16, [4] = GO_INT32, [8] = GO_INT64};
	static const enum gokind uints[] = {
		[1] = GO_UINT8, [2] = GO_UINT16, [4] = GO_UINT32, [8] = GO_UINT64};
	uint64_t encoding = 0;
	die_u64(dies, die, DW_AT_encoding, &encoding);
	switch (encoding) {
	case DW_ATE_boolean:
		return size == 1 ? GO_BOOL : GO_INVALID;
	case DW_ATE_float:
		return size == 4 ? GO_FLOAT32 : size == 8 ? GO_FLOAT64 : GO_INVALID;
	case DW_ATE_complex_float:
		return size == 8 ? GO_COMPLEX64 : size == 16 ? GO_COMPLEX128 : GO_INVALID;
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		return size <= 8 ? ints[size] : GO_INVALID;
	case DW_ATE_unsigned:
	case DW_ATE_unsigned_char:
		return size <= 8 ? uints[size] : GO_INVALID;
	default:
		return GO_INVALID;
	}
}

// Returns the kind that a DIE's tag implies, for types without DW_AT_go_kind: unsafe.Pointer, and
// types of the linker and of C.
static enum gokind tag_kind(struct dies *dies, Dwarf_Die die, struct resolved *resolved)
{
	uint64_t ref;
	switch (resolved->tag) {
	case DW_TAG_base_type:
		return encoding_kind(dies, die, resolved->size);
	case DW_TAG_pointer_type:
		return die_ref(dies, die, DW_AT_type, &ref) ? GO_POINTER : GO_UNSAFE_POINTER;
	case DW_TAG_structure_type:
		return GO_STRUCT;
	case DW_TAG_array_type:
		return GO_ARRAY;
	case DW_TAG_subroutine_type:
		return GO_FUNC;
	case DW_TAG_enumeration_type:
		return resolved->size == 4 ? GO_UINT32 : GO_INVALID;
	default:
		return GO_INVALID;
	}
}

static void settle_kind(struct dies *dies, Dwarf_Die die, uint64_t kind, struct resolved *resolved)
{
	uint64_t size = 0;
	bool has_size = die_u64(dies, die, DW_AT_byte_size, &size);
	resolved->size = size;
	resolved->kind =
		kind && kind < GO_NUM_KINDS ? (enum gokind)kind : tag_kind(dies, die, resolved);
	uint64_t fixed = gokind_size(resolved->kind);
	if (resolved->kind == GO_INVALID)
		resolved->broken = "not a Go type";
	else if (fixed && has_size && size != fixed)
		resolved->broken = "DWARF gives its kind another size";
	else if (size > max_size)
		resolved->broken = "DWARF gives it an absurd size";
	else if (!fixed && !has_size)
		resolved->broken = "DWARF gives it no size";
	if (fixed)
		resolved->size = fixed;
}

// Follows typedefs and C's qualifiers. Maps, channels and interfaces are themselves typedefs, of
// the runtime's structs. Their DW_AT_go_kind identifies them.
static void resolve(struct debugtypes *types, uint64_t off, struct resolved *out)
{
	struct dies *dies = types->dies;
	*out = (struct resolved){.origin = off};
	for (int step = 0; step < MAX_TYPEDEFS; step++) {
		Dwarf_Die die CLEANUP_DIE = die_at(dies, off);
		if (!die) {
			out->broken = "its DIE cannot be read";
			return;
		}
		uint64_t kind = 0, runtime_type = 0, next, dict_index;
		const char *name = die_name(dies, die);
		if (!out->name)
			out->name = name;
		die_u64(dies, die, GO_AT_KIND, &kind);
		if (!out->runtime_type && die_u64(dies, die, GO_AT_RUNTIME_TYPE, &runtime_type))
			out->runtime_type = runtime_type;
		out->tag = die_tag(dies, die);
		out->origin = off;
		bool is_alias = out->tag == DW_TAG_typedef || out->tag == DW_TAG_const_type ||
				out->tag == DW_TAG_volatile_type;
		if (!is_alias || kind == GO_MAP || kind == GO_CHAN || kind == GO_INTERFACE) {
			settle_kind(dies, die, kind, out);
			return;
		}
		// In the shape of a generic function, ".param0" names an entry of the dictionary,
		// not the type.
		if (die_u64(dies, die, GO_AT_DICT_INDEX, &dict_index))
			out->name = NULL;
		if (!die_ref(dies, die, DW_AT_type, &next)) {
			out->broken = "its DIE leads nowhere";
			return;
		}
		off = next;
	}
	out->broken = "its typedefs do not end";
}

static bool starts_with(const char *string, const char *prefix)
{
	return !strncmp(string, prefix, strlen(prefix));
}

// Reports whether a name is that of a defined type. The other names spell out an unnamed type.
static bool is_type_name(const char *name)
{
	static const char *const literals[] = {"*",	  "[",	     "map[",	     "chan ",
					       "<-chan ", "func(",   "struct {",     "struct{",
					       "(",	  "noalg.[", "interface {}", "interface {"};
	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++)
		if (starts_with(name, literals[i]))
			return false;
	return *name != 0;
}

// Compares a path in a type's name, which has its dots escaped, with an unescaped path.
static bool is_path(const char *escaped, size_t len, const char *path)
{
	static const char dot[] = "%2e";
	size_t at = 0;
	for (; at < len && *path; path++) {
		if (*path == '.' && len - at >= 3 && !memcmp(escaped + at, dot, 3))
			at += 3;
		else if (escaped[at++] != *path)
			return false;
	}
	return at == len && !*path;
}

static const char *package_name(void *context, const char *path, size_t len)
{
	const struct debugtypes *types = context;
	for (size_t i = 0; i < types->num_packages; i++)
		if (is_path(path, len, types->packages[i].path))
			return types->packages[i].name;
	return NULL;
}

void debugtypes_package(struct debugtypes *types, const char *path, const char *name)
{
	enum { MAX_PACKAGES = 1000 }; // the list is searched for each type's name
	const char *slash = strrchr(path, '/');
	if (!strcmp(slash ? slash + 1 : path, name) || types->num_packages >= MAX_PACKAGES)
		return;
	struct package *packages =
		reallocarray(types->packages, types->num_packages + 1, sizeof(*packages));
	if (!packages)
		return;
	packages[types->num_packages++] = (struct package){.path = path, .name = name};
	types->packages = packages;
}

static void set_names(struct debugtypes *types, struct gotype *type, const char *name)
{
	struct text text;
	text_init(&text);
	gotype_print_name(name, package_name, types, &text);
	// Most names are short already. Then DWARF's own string serves as both names.
	type->full_name = name;
	type->name = name;
	if (!text.failed && strcmp(text_string(&text), name)) {
		const char *copy = gotypes_string(&types->store, text.data, text.len);
		if (copy)
			type->name = copy;
	}
	text_deinit(&text);
}

// The instances of a generic function for pointer types share their code, which has the shape of
// one of these types, *uint8. Only the dictionary knows what the pointers of an instance point to.
static bool is_pointer_shape(const struct gotype *type)
{
	static const char shape[] = "go.shape.*uint8"; // Go 1.18 to 1.20 append "_" and a number
	char next = starts_with(type->full_name, shape) ? type->full_name[sizeof(shape) - 1] : 'x';
	return type->kind == GO_POINTER && (!next || next == '_');
}

static void fill_stub(struct debugtypes *types, struct gotype *type, uint64_t off)
{
	struct resolved resolved;
	resolve(types, off, &resolved);
	type->store = &types->store;
	type->kind = resolved.kind;
	type->size = resolved.size;
	type->align = type->size < 8 && type->size ? (uint32_t)type->size : 8;
	if (type->kind == GO_COMPLEX64)
		type->align = 4;
	type->origin = resolved.origin;
	set_names(types, type, resolved.name ? resolved.name : gokind_name(resolved.kind));
	if (is_pointer_shape(type))
		type->kind = GO_UNSAFE_POINTER;
	type->is_named = is_type_name(type->full_name);
	type->is_direct = type->kind == GO_POINTER || type->kind == GO_MAP ||
			  type->kind == GO_CHAN || type->kind == GO_FUNC ||
			  type->kind == GO_UNSAFE_POINTER;
	if (resolved.runtime_type && types->runtime_types)
		type->rtype = types->runtime_types + resolved.runtime_type;
	if (resolved.broken)
		gotype_break(type, resolved.broken);
}

struct gotype *debugtype_at(struct debugtypes *types, uint64_t off)
{
	struct debugtype *found = NULL;
	HASH_FIND (hh, types->by_offset, &off, sizeof(off), found)
		;
	if (found)
		return &found->type;
	found = gotypes_alloc(&types->store, sizeof(*found));
	if (!found)
		return &types->broken;
	found->off = off;
	fill_stub(types, &found->type, off);
	HASH_ADD(hh, types->by_offset, off, sizeof(found->off), found);
	return &found->type;
}

struct gotype *debugtype_ref(struct debugtypes *types, Dwarf_Die die, Dwarf_Half attr)
{
	uint64_t off = 0; // not the offset of a DIE: a unit's header is there
	die_ref(types->dies, die, attr, &off);
	return debugtype_at(types, off);
}

struct field_list { // while a struct's members are read
	struct gofield *fields;
	size_t num, capacity;
};

static bool add_field(struct field_list *list, const struct gofield *field)
{
	if (!vec_room(list->fields, list->num, list->capacity))
		return false;
	list->fields[list->num++] = *field;
	return true;
}

static const char no_memory[] = "out of memory";

static const char *read_member(struct debugtypes *types, Dwarf_Die die, const struct gotype *holder,
			       uint64_t *end, struct gofield *out)
{
	uint64_t embedded = 0;
	const char *name = die_name(types->dies, die);
	*out = (struct gofield){.name = name ? name : "_"};
	if (!die_u64(types->dies, die, DW_AT_data_member_location, &out->offset))
		return "DWARF does not place one of its fields";
	out->type = debugtype_ref(types, die, DW_AT_type);
	out->is_embedded = die_u64(types->dies, die, GO_AT_EMBEDDED_FIELD, &embedded) && embedded;
	if (out->offset > holder->size || out->type->size > holder->size - out->offset)
		return "DWARF places a field outside it";
	if (out->offset < *end)
		return "DWARF has fields overlap in it";
	*end = out->offset + out->type->size;
	return NULL;
}

// Returns why the members cannot be read, or NULL.
static const char *read_members(struct debugtypes *types, Dwarf_Die die, struct gotype *type,
				struct field_list *list)
{
	Dwarf_Die child CLEANUP_DIE = NULL;
	struct error *err = die_child(types->dies, die, &child);
	uint64_t end = 0;
	while (!err && child) {
		if (die_tag(types->dies, child) == DW_TAG_member) {
			struct gofield field;
			const char *broken = read_member(types, child, type, &end, &field);
			if (broken)
				return broken;
			if (list->num >= MAX_FIELDS)
				return "DWARF gives it too many fields";
			if (!add_field(list, &field))
				return no_memory;
		}
		err = die_next(types->dies, &child);
	}
	if (err) {
		error_free(err);
		return "its fields cannot be read";
	}
	return NULL;
}

static void complete_struct(struct debugtypes *types, Dwarf_Die die, struct gotype *type)
{
	struct field_list list = {0};
	const char *broken = read_members(types, die, type, &list);
	struct gofield *fields = NULL;
	if (!broken && list.num) {
		fields = gotypes_alloc(&types->store, list.num * sizeof(*fields));
		if (fields)
			memcpy(fields, list.fields, list.num * sizeof(*fields));
		else
			broken = no_memory;
	}
	size_t num = list.num;
	free(list.fields);
	if (broken) {
		gotype_break(type, broken);
		return;
	}
	type->align = 1;
	for (size_t i = 0; i < num; i++) {
		struct gotype *field = fields[i].type;
		if (field->kind == GO_STRUCT || field->kind == GO_ARRAY)
			gotype_complete(field);
		if (field->align > type->align)
			type->align = field->align;
	}
	type->fields = fields;
	type->num_fields = num;
	type->is_direct = num == 1 && type->size == 8 && fields[0].type->is_direct;
}

static bool array_length(struct debugtypes *types, Dwarf_Die die, uint64_t *out)
{
	Dwarf_Die child CLEANUP_DIE = NULL;
	struct error *err = die_child(types->dies, die, &child);
	bool found = false;
	uint64_t bound;
	while (!err && child && !found) {
		if (die_u64(types->dies, child, DW_AT_count, out)) {
			found = true;
		} else if (die_u64(types->dies, child, DW_AT_upper_bound, &bound)) {
			*out = bound + 1; // -1 for an empty array
			found = true;
		} else {
			err = die_next(types->dies, &child);
		}
	}
	error_free(err);
	return found;
}

static void complete_array(struct debugtypes *types, Dwarf_Die die, struct gotype *type)
{
	uint64_t len = 0, size;
	struct gotype *elem = debugtype_ref(types, die, DW_AT_type);
	if (elem->kind == GO_STRUCT || elem->kind == GO_ARRAY)
		gotype_complete(elem);
	if (!array_length(types, die, &len) || __builtin_mul_overflow(len, elem->size, &size) ||
	    size != type->size) {
		gotype_break(type, "DWARF's length of it does not fit its size");
		return;
	}
	type->elem = elem;
	type->len = len;
	type->align = elem->align;
	type->is_direct = len == 1 && elem->is_direct;
}

// Returns the struct that a map's or channel's typedef leads to through a pointer.
static struct gotype *header_of(struct debugtypes *types, Dwarf_Die die)
{
	struct gotype *pointer = debugtype_ref(types, die, DW_AT_type);
	if (pointer->kind != GO_POINTER)
		return pointer;
	gotype_complete(pointer);
	return pointer->elem ? pointer->elem : pointer;
}

static void complete_slice(struct debugtypes *types, Dwarf_Die die, struct gotype *type)
{
	uint64_t off;
	if (die_ref(types->dies, die, GO_AT_ELEM, &off)) {
		type->elem = debugtype_at(types, off);
		return;
	}
	Dwarf_Die child CLEANUP_DIE = NULL;
	struct error *err = die_child(types->dies, die, &child);
	// The first member, "array", is a pointer to an element.
	if (!err && child) {
		struct gotype *array = debugtype_ref(types, child, DW_AT_type);
		gotype_complete(array);
		type->elem = array->elem;
	}
	error_free(err);
	if (!type->elem)
		gotype_break(type, "DWARF does not show its elements' type");
}

static void complete_interface(struct debugtypes *types, Dwarf_Die die, struct gotype *type)
{
	struct gotype *words = debugtype_ref(types, die, DW_AT_type);
	if (gotype_field(words, "_type"))
		type->is_empty_interface = true;
	else if (!gotype_field(words, "tab"))
		gotype_break(type, "DWARF does not show its layout");
}

static const char shape_pointer[] = "go.shape.*";

static void complete_die(struct debugtypes *types, Dwarf_Die die, struct gotype *type)
{
	uint64_t off;
	switch (type->kind) {
	case GO_STRUCT:
		complete_struct(types, die, type);
		break;
	case GO_ARRAY:
		complete_array(types, die, type);
		break;
	case GO_SLICE:
		complete_slice(types, die, type);
		break;
	case GO_POINTER:
		// The shape of a generic function represents every pointer, so the type that this
		// pointer leads to is not known.
		if (!strncmp(type->full_name, shape_pointer, sizeof(shape_pointer) - 1))
			break;
		if (die_ref(types->dies, die, DW_AT_type, &off))
			type->elem = debugtype_at(types, off);
		break;
	case GO_CHAN:
		type->elem = debugtype_ref(types, die, GO_AT_ELEM);
		break;
	case GO_MAP:
		type->key = debugtype_ref(types, die, GO_AT_KEY);
		type->elem = debugtype_ref(types, die, GO_AT_ELEM);
		debugmap_complete(type, header_of(types, die));
		break;
	case GO_INTERFACE:
		complete_interface(types, die, type);
		break;
	default:
		break;
	}
}

static void complete(struct gotypes *store, struct gotype *type)
{
	struct debugtypes *types = types_of(type);
	(void)store;
	Dwarf_Die die CLEANUP_DIE = NULL;
	if (types->nesting < MAX_NESTING)
		die = die_at(types->dies, type->origin);
	if (!die) {
		gotype_break(type, types->nesting < MAX_NESTING ? "its DIE cannot be read"
								: "it nests too deep");
		return;
	}
	types->nesting++;
	complete_die(types, die, type);
	types->nesting--;
}

void debugtypes_init(struct debugtypes *types, struct dies *dies, uint64_t runtime_types)
{
	static const struct gotypes_ops ops = {.complete = complete};
	memset(types, 0, sizeof(*types));
	gotypes_init(&types->store, &ops);
	types->dies = dies;
	types->runtime_types = runtime_types;
	types->broken = (struct gotype){
		.name = "?",
		.full_name = "?",
		.broken = no_memory,
		.is_complete = true,
	};
}

void debugtypes_deinit(struct debugtypes *types)
{
	HASH_CLEAR(hh, types->by_offset);
	free(types->packages);
	gotypes_deinit(&types->store);
}
