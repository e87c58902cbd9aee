// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/debug/debuginfo.h"

#include <stdlib.h>
#include <string.h>

#include "base/bsearch.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/vec.h"
#include "dwarf/debug/constants.h"
#include "dwarf/debug/debugtype.h"
#include "dwarf/debug/die.h"

#include <uthash.h>

enum {
	MAX_PARAMS = 1000, // of a subprogram; each name is compared with all others
	MAX_UNITS = 1 << 16,
	OTHER_REGISTER_BIT = 31,
};

struct place { // a subprogram in its unit, or a type by its name
	uint64_t low_pc;
	const char *name;
	uint64_t off; // of its DIE
};

struct places {
	struct place *place;
	size_t num, capacity;
};

struct unit {
	uint64_t off; // of its root DIE
	const char *name;
	struct list_unit lists;
	bool is_read;
	struct error *damage; // found during a search for types; debuginfo_func returns it once
	struct places subprograms; // by low_pc
	struct places types;	   // by name; those of the same name by offset
};

struct range {
	uint64_t low, high;
	size_t unit;
};

struct cached_func {
	struct debug_func func;
	uint64_t low_pc;
	bool is_there;
	UT_hash_handle hh;
};

struct debuginfo {
	const struct arch *arch;
	struct dies *dies;
	struct debugtypes types;
	struct unit *units;
	size_t num_units, units_capacity;
	bool has_go;	      // one of the units is Go's
	struct range *ranges; // sorted by low
	size_t num_ranges, ranges_capacity;
	struct cached_func *funcs;
	struct constants *constants;
	bool out_of_memory;
};

static void add_range(void *context, uint64_t low, uint64_t high)
{
	struct debuginfo *info = context;
	if (!vec_room(info->ranges, info->num_ranges, info->ranges_capacity)) {
		info->out_of_memory = true;
		return;
	}
	info->ranges[info->num_ranges++] =
		(struct range){.low = low, .high = high, .unit = info->num_units};
}

static struct error *add_unit(struct debuginfo *info, Dwarf_Die root)
{
	if (info->num_units >= MAX_UNITS)
		return error_new("DWARF has too many units");
	if (!vec_room(info->units, info->num_units, info->units_capacity))
		return error_nomem();
	const char *name = die_name(info->dies, root);
	struct unit unit = {.off = die_offset(info->dies, root), .name = name ? name : ""};
	const char *package = die_string(info->dies, root, GO_AT_PACKAGE_NAME);
	if (name && package)
		debugtypes_package(&info->types, name, package);
	uint64_t language;
	if (die_u64(info->dies, root, DW_AT_language, &language) && language == DW_LANG_Go)
		info->has_go = true;
	die_unit(info->dies, root, &unit.lists);
	die_ranges(info->dies, root, &unit.lists, add_range, info);
	info->units[info->num_units++] = unit;
	return info->out_of_memory ? error_nomem() : NULL;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_ranges(const void *a, const void *b)
{
	return compare_u64(((const struct range *)a)->low, ((const struct range *)b)->low);
}

static int compare_low_pc(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = compare_u64(left->low_pc, right->low_pc);
	return order ? order : compare_u64(left->off, right->off);
}

static int compare_name(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = strcmp(left->name, right->name);
	return order ? order : compare_u64(left->off, right->off);
}

static struct error *read_units(struct debuginfo *info)
{
	for (;;) {
		Dwarf_Die root CLEANUP_DIE = NULL;
		struct error *err = dies_next_unit(info->dies, &root);
		if (err)
			return err;
		if (!root)
			break;
		err = add_unit(info, root);
		if (err)
			return err;
	}
	if (info->num_ranges)
		qsort(info->ranges, info->num_ranges, sizeof(*info->ranges), compare_ranges);
	return NULL;
}

struct error *debuginfo_open(struct image *image, uint64_t types, struct debuginfo **out)
{
	struct dies *dies = NULL;
	struct error *err = dies_open(image, &dies);
	if (err)
		return err;
	if (!dies) {
		*out = NULL;
		return NULL;
	}
	struct debuginfo *info = calloc(1, sizeof(*info));
	if (!info) {
		dies_close(dies);
		return error_nomem();
	}
	info->arch = image_arch(image);
	info->dies = dies;
	debugtypes_init(&info->types, dies, types);
	err = read_units(info);
	if (!err && !info->has_go) {
		debuginfo_close(info);
		*out = NULL;
		return NULL;
	}
	if (err) {
		debuginfo_close(info);
		return err;
	}
	*out = info;
	return NULL;
}

void debuginfo_close(struct debuginfo *info)
{
	if (!info)
		return;
	HASH_CLEAR(hh, info->funcs);
	for (struct constants *of = info->constants; of; of = of->hh.next)
		free(of->list);
	HASH_CLEAR(hh, info->constants);
	for (size_t i = 0; i < info->num_units; i++) {
		free(info->units[i].subprograms.place);
		free(info->units[i].types.place);
		error_free(info->units[i].damage);
	}
	free(info->units);
	free(info->ranges);
	debugtypes_deinit(&info->types);
	dies_close(info->dies);
	free(info);
}

static struct error *add_place(struct places *places, const struct place *place)
{
	if (!vec_room(places->place, places->num, places->capacity))
		return error_nomem();
	places->place[places->num++] = *place;
	return NULL;
}

static struct error *add_child(struct debuginfo *info, struct unit *unit, Dwarf_Die die)
{
	struct place place = {.name = ""};
	switch (die_tag(info->dies, die)) {
	case DW_TAG_subprogram:
		if (!die_low_pc(info->dies, die, &place.low_pc))
			return NULL;
		place.off = die_offset(info->dies, die);
		return add_place(&unit->subprograms, &place);
	case DW_TAG_typedef:
	case DW_TAG_structure_type:
	case DW_TAG_base_type:
		place.name = die_name(info->dies, die);
		if (!place.name)
			return NULL;
		place.off = die_offset(info->dies, die);
		return add_place(&unit->types, &place);
	default:
		return NULL;
	}
}

// Collects the places of the unit's subprograms and types. In a damaged unit, it keeps those
// before the damage.
static struct error *read_unit(struct debuginfo *info, struct unit *unit)
{
	unit->is_read = true;
	Dwarf_Die root CLEANUP_DIE = die_at(info->dies, unit->off);
	Dwarf_Die child CLEANUP_DIE = NULL;
	struct error *err = root ? die_child(info->dies, root, &child)
				 : error_new("its root DIE cannot be read");
	while (!err && child) {
		err = add_child(info, unit, child);
		if (!err)
			err = die_next(info->dies, &child);
	}
	if (unit->subprograms.num)
		qsort(unit->subprograms.place, unit->subprograms.num, sizeof(struct place),
		      compare_low_pc);
	if (unit->types.num)
		qsort(unit->types.place, unit->types.num, sizeof(struct place), compare_name);
	return err ? error_wrap(err, "DWARF of \"%s\" (unit at .debug_info+0x%llx)", unit->name,
				(unsigned long long)unit->off)
		   : NULL;
}

static struct unit *unit_at(struct debuginfo *info, uint64_t vaddr)
{
	size_t low = bsearch_first(info->num_ranges, middle, info->ranges[middle].low <= vaddr);
	if (!low || vaddr >= info->ranges[low - 1].high)
		return NULL;
	return &info->units[info->ranges[low - 1].unit];
}

static const struct place *subprogram_at(const struct unit *unit, uint64_t vaddr)
{
	struct place key = {.low_pc = vaddr};
	size_t low = bsearch_first(unit->subprograms.num, middle,
				   compare_low_pc(&unit->subprograms.place[middle], &key) < 0);
	return low < unit->subprograms.num && unit->subprograms.place[low].low_pc == vaddr
		       ? &unit->subprograms.place[low]
		       : NULL;
}

struct param_list { // while a subprogram is read
	struct listed_param {
		struct debug_param param;
		uint64_t off; // of the DIE that names it
	} * params;
	size_t num, capacity;
};

// Maps DWARF's register numbers to Go's order of argument registers.
static void set_registers(const struct arch *arch, struct debug_param *param, uint64_t regs)
{
	uint64_t known = 0;
	for (unsigned i = 0; i < arch->num_ints; i++) {
		known |= UINT64_C(1) << arch->dwarf_ints[i];
		if (regs >> arch->dwarf_ints[i] & 1)
			param->entry_regs |= 1u << i;
	}
	for (unsigned i = 0; i < arch->num_floats; i++) {
		known |= UINT64_C(1) << (arch->dwarf_float + i);
		if (regs >> (arch->dwarf_float + i) & 1)
			param->entry_float_regs |= 1u << i;
	}
	if (regs & ~known)
		param->entry_regs |= 1u << OTHER_REGISTER_BIT;
}

static bool is_one_word(enum gokind kind)
{
	return (kind >= GO_BOOL && kind <= GO_FLOAT64) || kind == GO_CHAN || kind == GO_FUNC ||
	       kind == GO_MAP || kind == GO_POINTER || kind == GO_UNSAFE_POINTER;
}

static void read_location(struct debuginfo *info, Dwarf_Die die, const struct list_unit *unit,
			  uint64_t pc, struct debug_param *param)
{
	struct list_place location;
	bool is_everywhere;
	if (param->has_entry_location)
		return;
	die_location(info->dies, die, unit, pc, &location, &is_everywhere);
	if (!location.is_there)
		return;
	param->has_entry_location = true;
	param->is_whole = (is_everywhere && !location.has_pieces) || is_one_word(param->type->kind);
	param->is_on_stack = location.is_on_stack;
	param->cfa_off = location.cfa_off;
	set_registers(info->arch, param, location.regs);
}

// Finds a parameter that is in the list already. Go lists some results twice (those that are kept
// on the heap, or that a defer captures).
static struct listed_param *listed(struct param_list *list, uint64_t off,
				   const struct debug_param *param)
{
	bool is_blank = !*param->name || !strcmp(param->name, "_");
	for (size_t i = 0; i < list->num; i++) {
		struct listed_param *other = &list->params[i];
		if (other->off == off)
			return other;
		if (!is_blank && other->param.is_result == param->is_result &&
		    !strcmp(other->param.name, param->name))
			return other;
	}
	return NULL;
}

static struct error *insert_param(struct param_list *list, size_t at,
				  const struct listed_param *param)
{
	if (list->num >= MAX_PARAMS)
		return error_new("too many parameters");
	if (!vec_room(list->params, list->num, list->capacity))
		return error_nomem();
	memmove(&list->params[at + 1], &list->params[at], (list->num - at) * sizeof(*list->params));
	list->params[at] = *param;
	list->num++;
	return NULL;
}

// Reads a formal parameter. If it is not in the list yet, it is inserted at *at. *at becomes the
// index after it. pc is 0 for a parameter of an abstract instance, which has no location.
static struct error *read_param(struct debuginfo *info, Dwarf_Die die, const struct list_unit *unit,
				uint64_t pc, struct param_list *list, size_t *at)
{
	struct dies *dies = info->dies;
	uint64_t off = die_offset(dies, die), is_result = 0;
	Dwarf_Die origin CLEANUP_DIE = NULL;
	if (die_ref(dies, die, DW_AT_abstract_origin, &off))
		origin = die_at(dies, off);
	Dwarf_Die named = origin ? origin : die;
	const char *name = die_name(dies, named);
	struct listed_param param = {.param = {.name = name ? name : ""}, .off = off};
	param.param.is_result =
		die_u64(dies, named, DW_AT_variable_parameter, &is_result) && is_result;
	struct listed_param *place = listed(list, off, &param.param);
	if (!place) {
		param.param.type = debugtype_ref(&info->types, named, DW_AT_type);
		struct error *err = insert_param(list, *at, &param);
		if (err)
			return err;
		place = &list->params[*at];
	}
	if (pc)
		read_location(info, die, unit, pc, &place->param);
	*at = (size_t)(place - list->params) + 1;
	return NULL;
}

static struct error *read_params(struct debuginfo *info, Dwarf_Die die,
				 const struct list_unit *unit, uint64_t pc, struct param_list *list)
{
	Dwarf_Die child CLEANUP_DIE = NULL;
	struct error *err = die_child(info->dies, die, &child);
	size_t at = 0;
	while (!err && child) {
		if (die_tag(info->dies, child) == DW_TAG_formal_parameter)
			err = read_param(info, child, unit, pc, list, &at);
		if (!err)
			err = die_next(info->dies, &child);
	}
	return err;
}

// Puts arguments before results, and keeps the order within each.
static struct error *keep_params(struct debuginfo *info, const struct param_list *list,
				 struct debug_func *func)
{
	if (!list->num)
		return NULL;
	struct debug_param *params = gotypes_alloc(&info->types.store, list->num * sizeof(*params));
	if (!params)
		return error_nomem();
	size_t num = 0;
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < list->num; i++)
			if (list->params[i].param.is_result == side)
				params[num++] = list->params[i].param;
	func->params = params;
	func->num_params = num;
	return NULL;
}

static struct error *read_subprogram(struct debuginfo *info, const struct list_unit *unit,
				     uint64_t off, struct debug_func *func)
{
	Dwarf_Die die CLEANUP_DIE = die_at(info->dies, off);
	if (!die)
		return error_new("its DIE cannot be read");
	const char *name = die_name(info->dies, die);
	Dwarf_Die origin CLEANUP_DIE = NULL;
	uint64_t origin_off;
	if (die_ref(info->dies, die, DW_AT_abstract_origin, &origin_off))
		origin = die_at(info->dies, origin_off);
	if (!name && origin)
		name = die_name(info->dies, origin);
	func->name = name ? name : "";
	if (!die_high_pc(info->dies, die, func->low_pc, &func->high_pc))
		func->high_pc = func->low_pc;
	struct param_list list = {0};
	struct error *err = read_params(info, die, unit, func->low_pc, &list);
	// The origin has the parameters that the concrete instance leaves out.
	if (!err && origin)
		err = read_params(info, origin, unit, 0, &list);
	if (!err)
		err = keep_params(info, &list, func);
	free(list.params);
	return err;
}

static struct error *find_func(struct debuginfo *info, struct cached_func *cached)
{
	uint64_t vaddr = cached->low_pc;
	struct unit *unit = unit_at(info, vaddr);
	if (!unit)
		return NULL;
	struct error *err = unit->is_read ? take(unit->damage) : read_unit(info, unit);
	const struct place *place = subprogram_at(unit, vaddr);
	if (err || !place)
		return err;
	cached->func.low_pc = vaddr;
	err = read_subprogram(info, &unit->lists, place->off, &cached->func);
	if (err)
		return error_wrap(err, "DWARF of the function at 0x%llx",
				  (unsigned long long)vaddr);
	cached->is_there = true;
	return NULL;
}

struct error *debuginfo_func(struct debuginfo *info, uint64_t vaddr, const struct debug_func **out)
{
	struct cached_func *cached = NULL;
	HASH_FIND (hh, info->funcs, &vaddr, sizeof(vaddr), cached)
		;
	struct error *err = NULL;
	if (!cached) {
		cached = gotypes_alloc(&info->types.store, sizeof(*cached));
		if (!cached)
			return error_nomem();
		cached->low_pc = vaddr;
		HASH_ADD(hh, info->funcs, low_pc, sizeof(cached->low_pc), cached);
		err = find_func(info, cached);
	}
	if (!err)
		*out = cached->is_there ? &cached->func : NULL;
	return err;
}

static struct gotype *type_in(struct debuginfo *info, struct unit *unit, const char *name)
{
	if (!unit->is_read)
		// Damage does not prevent a search of what could be read.
		unit->damage = read_unit(info, unit);
	struct place key = {.name = name};
	size_t low = bsearch_first(unit->types.num, middle,
				   compare_name(&unit->types.place[middle], &key) < 0);
	return low < unit->types.num && !strcmp(unit->types.place[low].name, name)
		       ? debugtype_at(&info->types, unit->types.place[low].off)
		       : NULL;
}

struct gotype *debuginfo_type(struct debuginfo *info, const char *unit, const char *name)
{
	struct gotype *type = NULL;
	for (size_t i = 0; i < info->num_units && !type; i++)
		if (!strcmp(info->units[i].name, unit))
			type = type_in(info, &info->units[i], name);
	for (size_t i = 0; i < info->num_units && !type; i++)
		if (strcmp(info->units[i].name, unit))
			type = type_in(info, &info->units[i], name);
	return type;
}

// False if visit returned false.
static bool visit_types(struct debuginfo *info, struct unit *unit, type_visitor *visit,
			void *context)
{
	if (!unit->is_read)
		unit->damage = read_unit(info, unit);
	for (size_t i = 0; i < unit->types.num; i++)
		if (!visit(context, unit->types.place[i].name))
			return false;
	return true;
}

void debuginfo_types(struct debuginfo *info, type_visitor *visit, void *context)
{
	for (size_t i = 0; i < info->num_units; i++) {
		log_progress("units read", i + 1, info->num_units);
		if (!visit_types(info, &info->units[i], visit, context))
			return;
	}
}

void debuginfo_go_types(struct debuginfo *info, type_visitor *visit, void *context)
{
	bool has_types = false;
	for (size_t i = 0; i < info->num_units; i++) {
		struct unit *unit = &info->units[i];
		if (strcmp(unit->name, "runtime") != 0)
			continue;
		if (!visit_types(info, unit, visit, context))
			return;
		has_types |= unit->types.num;
	}
	if (!has_types)
		debuginfo_types(info, visit, context);
}

// Reads the constants of the type from the units of its package.
static struct error *read_constants(struct debuginfo *info, const char *package,
				    struct constants *constants)
{
	struct error *err = NULL;
	for (size_t i = 0; i < info->num_units && !err; i++) {
		if (strcmp(info->units[i].name, package) != 0)
			continue;
		Dwarf_Die root CLEANUP_DIE = die_at(info->dies, info->units[i].off);
		if (root)
			err = constants_add(constants, info->dies, &info->types, root);
	}
	return err;
}

const char *debuginfo_constant(struct debuginfo *info, const char *package,
			       const struct gotype *type, uint64_t bits)
{
	struct constants *constants = NULL;
	HASH_FIND_PTR(info->constants, &type, constants);
	if (constants)
		return constants_name(constants, bits);
	constants = gotypes_alloc(&info->types.store, sizeof(*constants));
	if (!constants)
		return NULL;
	constants->type = type;
	struct error *err = read_constants(info, package, constants);
	if (err) // which of them is unique is not known
		constants->num = 0;
	error_free(err);
	constants_sort(constants);
	HASH_ADD_PTR(info->constants, type, constants);
	if (!constants->hh.tbl) {
		free(constants->list);
		return NULL;
	}
	return constants_name(constants, bits);
}
