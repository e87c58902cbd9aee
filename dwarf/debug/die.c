// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/debug/die.h"

#include <stdlib.h>

#include "base/cleanup.h"

// The differences between libdwarf's generations. The 20210528 release has a date as its version;
// releases from 0.2 on define DW_LIBDWARF_VERSION.
#ifdef DW_LIBDWARF_VERSION
typedef Dwarf_Obj_Access_Interface_a object_interface;
typedef Dwarf_Obj_Access_Methods_a object_methods;
typedef Dwarf_Obj_Access_Section_a object_section;
typedef Dwarf_Unsigned section_index;
typedef Dwarf_Small byte_order;
#define SECTION_FIELD(name)  as_##name
#define LITTLE_ENDIAN_OBJECT DW_END_little
#else
typedef Dwarf_Obj_Access_Interface object_interface;
typedef Dwarf_Obj_Access_Methods object_methods;
typedef Dwarf_Obj_Access_Section object_section;
typedef Dwarf_Half section_index;
typedef Dwarf_Endianness byte_order;
#define SECTION_FIELD(name)  name
#define LITTLE_ENDIAN_OBJECT DW_OBJECT_LSB
#endif

static const char *const section_names[] = {
	"", // ELF's section 0
	".debug_info",
	".debug_abbrev",
	".debug_str",
	".debug_line_str",
	".debug_str_offsets",
	".debug_addr",
};

enum {
	NUM_SECTIONS = sizeof(section_names) / sizeof(section_names[0]),
};

struct dies {
	Dwarf_Debug debug;
	object_interface interface;
	struct image *image; // borrowed
	struct image_bytes sections[NUM_SECTIONS];
	struct lists lists;
};

static struct error *dwarf_error(struct dies *dies, Dwarf_Error err, const char *what)
{
	struct error *out = error_new("%s: %s", what, err ? dwarf_errmsg(err) : "unknown error");
	if (err)
		dwarf_dealloc_error(dies->debug, err);
	return out;
}

static void forget(struct dies *dies, Dwarf_Error err)
{
	if (err)
		dwarf_dealloc_error(dies->debug, err);
}

// True if libdwarf's call succeeded. Its error, if any, is of no interest.
static bool is_ok(struct dies *dies, int result, Dwarf_Error err)
{
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	return result == DW_DLV_OK;
}

static int section_info(void *object, section_index index, object_section *out, int *error)
{
	struct dies *dies = object;
	(void)error;
	if (index >= NUM_SECTIONS)
		return DW_DLV_NO_ENTRY;
	*out = (object_section){
		.SECTION_FIELD(name) = section_names[index],
		.SECTION_FIELD(size) = dies->sections[index].size,
		.SECTION_FIELD(type) = 1, // SHT_PROGBITS
	};
	return DW_DLV_OK;
}

static byte_order object_byte_order(void *object)
{
	(void)object;
	return LITTLE_ENDIAN_OBJECT;
}

static Dwarf_Small object_word(void *object)
{
	(void)object;
	return 8;
}

static Dwarf_Unsigned object_num_sections(void *object)
{
	(void)object;
	return NUM_SECTIONS;
}

static int object_load(void *object, section_index index, Dwarf_Small **out, int *error)
{
	struct dies *dies = object;
	(void)error;
	if (index >= NUM_SECTIONS || !dies->sections[index].data)
		return DW_DLV_NO_ENTRY;
	// libdwarf takes a pointer to writable bytes, but does not write to them.
	*out = (Dwarf_Small *)(uintptr_t)dies->sections[index].data;
	return DW_DLV_OK;
}

#ifdef DW_LIBDWARF_VERSION
static Dwarf_Unsigned object_file_size(void *object)
{
	const struct dies *dies = object;
	Dwarf_Unsigned size = 0;
	for (size_t i = 0; i < NUM_SECTIONS; i++)
		size += dies->sections[i].size;
	return size;
}

static const object_methods methods = {
	.om_get_section_info = section_info,
	.om_get_byte_order = object_byte_order,
	.om_get_length_size = object_word,
	.om_get_pointer_size = object_word,
	.om_get_filesize = object_file_size,
	.om_get_section_count = object_num_sections,
	.om_load_section = object_load,
};

static int open_debug(struct dies *dies, Dwarf_Error *err)
{
	dies->interface = (object_interface){.ai_object = dies, .ai_methods = &methods};
	return dwarf_object_init_b(&dies->interface, NULL, NULL, DW_GROUPNUMBER_ANY, &dies->debug,
				   err);
}

static void close_debug(struct dies *dies)
{
	dwarf_object_finish(dies->debug);
}
#else
static const object_methods methods = {
	.get_section_info = section_info,
	.get_byte_order = object_byte_order,
	.get_length_size = object_word,
	.get_pointer_size = object_word,
	.get_section_count = object_num_sections,
	.load_section = object_load,
};

static int open_debug(struct dies *dies, Dwarf_Error *err)
{
	dies->interface = (object_interface){.object = dies, .methods = &methods};
	return dwarf_object_init_b(&dies->interface, NULL, NULL, DW_GROUPNUMBER_ANY, &dies->debug,
				   err);
}

static void close_debug(struct dies *dies)
{
	Dwarf_Error err = NULL;
	if (dwarf_object_finish(dies->debug, &err) == DW_DLV_ERROR)
		forget(dies, err);
}
#endif

struct error *dies_open(struct image *image, struct dies **out)
{
	struct dies *dies = calloc(1, sizeof(*dies));
	if (!dies)
		return error_nomem();
	dies->image = image;
	lists_init(&dies->lists, image);
	for (size_t i = 1; i < NUM_SECTIONS; i++) {
		struct error *err = image_section(image, section_names[i], &dies->sections[i]);
		if (err) {
			free(dies);
			return err;
		}
	}
	if (!dies->sections[1].size) {
		free(dies);
		*out = NULL;
		return NULL;
	}
	Dwarf_Error failure = NULL;
	int result = open_debug(dies, &failure);
	if (result == DW_DLV_ERROR) {
		struct error *err = dwarf_error(dies, failure, "reading DWARF");
		free(dies);
		return err;
	}
	if (result == DW_DLV_NO_ENTRY) {
		dies_close(dies);
		dies = NULL;
	}
	*out = dies;
	return NULL;
}

void dies_close(struct dies *dies)
{
	if (!dies)
		return;
	if (dies->debug)
		close_debug(dies);
	free(dies);
}

struct error *dies_next_unit(struct dies *dies, Dwarf_Die *out)
{
	Dwarf_Unsigned length, type_off, next;
	Dwarf_Off abbrev_off;
	Dwarf_Half version, address_size, length_size, extension_size, unit_type;
	Dwarf_Sig8 signature;
	Dwarf_Error err = NULL;
	int result = dwarf_next_cu_header_d(dies->debug, true, &length, &version, &abbrev_off,
					    &address_size, &length_size, &extension_size,
					    &signature, &type_off, &next, &unit_type, &err);
	if (result == DW_DLV_ERROR)
		return dwarf_error(dies, err, "reading a unit's header in .debug_info");
	*out = NULL;
	if (result == DW_DLV_NO_ENTRY)
		return NULL;
	Dwarf_Die die = NULL;
	result = dwarf_siblingof_b(dies->debug, NULL, true, &die, &err);
	if (result == DW_DLV_OK) {
		*out = die;
		return NULL;
	}
	return dwarf_error(dies, result == DW_DLV_ERROR ? err : NULL,
			   "reading a unit's root in .debug_info");
}

Dwarf_Die die_at(struct dies *dies, uint64_t off)
{
	Dwarf_Die die = NULL;
	Dwarf_Error err = NULL;
	return is_ok(dies, dwarf_offdie_b(dies->debug, off, true, &die, &err), err) ? die : NULL;
}

void die_free(Dwarf_Die die)
{
	dwarf_dealloc_die(die);
}

struct error *die_child(struct dies *dies, Dwarf_Die die, Dwarf_Die *out)
{
	Dwarf_Die child = NULL;
	Dwarf_Error err = NULL;
	int result = dwarf_child(die, &child, &err);
	if (result == DW_DLV_ERROR)
		return dwarf_error(dies, err, "reading .debug_info");
	*out = result == DW_DLV_OK ? child : NULL;
	return NULL;
}

struct error *die_next(struct dies *dies, Dwarf_Die *die)
{
	Dwarf_Die next = NULL;
	Dwarf_Error err = NULL;
	int result = dwarf_siblingof_b(dies->debug, *die, true, &next, &err);
	die_free(*die);
	*die = result == DW_DLV_OK ? next : NULL;
	return result == DW_DLV_ERROR ? dwarf_error(dies, err, "reading .debug_info") : NULL;
}

uint64_t die_offset(struct dies *dies, Dwarf_Die die)
{
	Dwarf_Off off = 0;
	Dwarf_Error err = NULL;
	return is_ok(dies, dwarf_dieoffset(die, &off, &err), err) ? off : 0;
}

Dwarf_Half die_tag(struct dies *dies, Dwarf_Die die)
{
	Dwarf_Half tag = 0;
	Dwarf_Error err = NULL;
	return is_ok(dies, dwarf_tag(die, &tag, &err), err) ? tag : 0;
}

const char *die_name(struct dies *dies, Dwarf_Die die)
{
	char *name = NULL;
	Dwarf_Error err = NULL;
	return is_ok(dies, dwarf_diename(die, &name, &err), err)
		       ? image_printable(dies->image, name)
		       : NULL;
}

static Dwarf_Attribute attribute(struct dies *dies, Dwarf_Die die, Dwarf_Half attr)
{
	Dwarf_Attribute found = NULL;
	Dwarf_Error err = NULL;
	return is_ok(dies, dwarf_attr(die, attr, &found, &err), err) ? found : NULL;
}

const char *die_string(struct dies *dies, Dwarf_Die die, Dwarf_Half attr)
{
	Dwarf_Attribute found = attribute(dies, die, attr);
	if (!found)
		return NULL;
	char *string = NULL;
	Dwarf_Error err = NULL;
	bool is_there = is_ok(dies, dwarf_formstring(found, &string, &err), err);
	dwarf_dealloc_attribute(found);
	return is_there ? image_printable(dies->image, string) : NULL;
}

static int form_value(Dwarf_Attribute attr, Dwarf_Half form, uint64_t *out, Dwarf_Error *err)
{
	Dwarf_Unsigned value = 0;
	Dwarf_Signed number = 0;
	Dwarf_Addr addr = 0;
	Dwarf_Off off = 0;
	Dwarf_Bool flag = 0;
	int result;
	switch (form) {
	case DW_FORM_addr:
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index:
		result = dwarf_formaddr(attr, &addr, err);
		value = addr;
		break;
	case DW_FORM_flag:
	case DW_FORM_flag_present:
		result = dwarf_formflag(attr, &flag, err);
		value = flag != 0;
		break;
	case DW_FORM_sec_offset:
		result = dwarf_global_formref(attr, &off, err);
		value = off;
		break;
	case DW_FORM_sdata:
	case DW_FORM_implicit_const:
		result = dwarf_formsdata(attr, &number, err);
		value = (Dwarf_Unsigned)number;
		break;
	default:
		result = dwarf_formudata(attr, &value, err);
		break;
	}
	*out = value;
	return result;
}

bool die_u64(struct dies *dies, Dwarf_Die die, Dwarf_Half attr, uint64_t *out)
{
	Dwarf_Attribute found = attribute(dies, die, attr);
	if (!found)
		return false;
	Dwarf_Error err = NULL;
	Dwarf_Half form = 0;
	uint64_t value;
	int result = dwarf_whatform(found, &form, &err);
	if (result == DW_DLV_OK)
		result = form_value(found, form, &value, &err);
	bool is_there = is_ok(dies, result, err);
	dwarf_dealloc_attribute(found);
	if (is_there)
		*out = value;
	return is_there;
}

bool die_ref(struct dies *dies, Dwarf_Die die, Dwarf_Half attr, uint64_t *out)
{
	Dwarf_Attribute found = attribute(dies, die, attr);
	if (!found)
		return false;
	Dwarf_Error err = NULL;
	Dwarf_Off off = 0;
	bool is_there = is_ok(dies, dwarf_global_formref(found, &off, &err), err);
	dwarf_dealloc_attribute(found);
	if (is_there)
		*out = off;
	return is_there;
}

bool die_low_pc(struct dies *dies, Dwarf_Die die, uint64_t *out)
{
	Dwarf_Addr addr = 0;
	Dwarf_Error err = NULL;
	bool is_there = is_ok(dies, dwarf_lowpc(die, &addr, &err), err);
	if (is_there)
		*out = addr;
	return is_there;
}

bool die_high_pc(struct dies *dies, Dwarf_Die die, uint64_t low_pc, uint64_t *out)
{
	Dwarf_Addr addr = 0;
	Dwarf_Half form = 0;
	enum Dwarf_Form_Class class = DW_FORM_CLASS_UNKNOWN;
	Dwarf_Error err = NULL;
	if (!is_ok(dies, dwarf_highpc_b(die, &addr, &form, &class, &err), err))
		return false;
	if (class == DW_FORM_CLASS_CONSTANT && __builtin_add_overflow(addr, low_pc, &addr))
		return false;
	*out = addr;
	return true;
}

void die_unit(struct dies *dies, Dwarf_Die root, struct list_unit *out)
{
	Dwarf_Half version = 4, offset_size = 4;
	*out = (struct list_unit){0};
	dwarf_get_version_of_die(root, &version, &offset_size);
	out->version = version;
	die_low_pc(dies, root, &out->base);
	die_u64(dies, root, DW_AT_addr_base, &out->addr_base);
}

// Reads an attribute as an offset in a section of lists. False if it is not one.
static bool list_offset(struct dies *dies, Dwarf_Attribute attr, uint64_t *out)
{
	Dwarf_Half form = 0;
	Dwarf_Error err = NULL;
	if (!is_ok(dies, dwarf_whatform(attr, &form, &err), err) ||
	    (form != DW_FORM_sec_offset && form != DW_FORM_data4 && form != DW_FORM_data8))
		return false;
	return is_ok(dies, form_value(attr, form, out, &err), err);
}

void die_ranges(struct dies *dies, Dwarf_Die root, const struct list_unit *unit,
		void (*visit)(void *context, uint64_t low, uint64_t high), void *context)
{
	uint64_t off, low, high;
	Dwarf_Attribute attr = attribute(dies, root, DW_AT_ranges);
	if (attr) {
		if (list_offset(dies, attr, &off))
			lists_ranges(&dies->lists, unit, off, visit, context);
		dwarf_dealloc_attribute(attr);
	} else if (die_low_pc(dies, root, &low) && die_high_pc(dies, root, low, &high) &&
		   low < high) {
		visit(context, low, high);
	}
}

// Before version 4 of DWARF (Go 1.15), expressions have no form of their own: they are in blocks.
static bool inline_expression(struct dies *dies, Dwarf_Attribute attr, struct image_bytes *out)
{
	Dwarf_Unsigned len = 0;
	Dwarf_Ptr bytes = NULL;
	Dwarf_Block *block = NULL;
	Dwarf_Half form = 0;
	Dwarf_Error err = NULL;
	int result = dwarf_whatform(attr, &form, &err);
	if (result == DW_DLV_OK && form == DW_FORM_exprloc) {
		result = dwarf_formexprloc(attr, &len, &bytes, &err);
	} else if (result == DW_DLV_OK) {
		result = dwarf_formblock(attr, &block, &err);
		if (result == DW_DLV_OK) {
			bytes = block->bl_data;
			len = block->bl_len;
			dwarf_dealloc(dies->debug, block, DW_DLA_BLOCK);
		}
	}
	if (!is_ok(dies, result, err))
		return false;
	*out = (struct image_bytes){.data = bytes, .size = len};
	return true;
}

void die_location(struct dies *dies, Dwarf_Die die, const struct list_unit *unit, uint64_t pc,
		  struct list_place *out, bool *is_everywhere)
{
	struct image_bytes expression = {0};
	uint64_t off;
	*out = (struct list_place){0};
	*is_everywhere = false;
	Dwarf_Attribute attr = attribute(dies, die, DW_AT_location);
	if (!attr)
		return;
	if (list_offset(dies, attr, &off))
		lists_location(&dies->lists, unit, off, pc, &expression);
	else
		*is_everywhere = inline_expression(dies, attr, &expression);
	dwarf_dealloc_attribute(attr);
	list_place(&expression, out);
}
