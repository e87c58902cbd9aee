// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/die.h"

#include <stdlib.h>

#include "base/cleanup.h"

// What differs between libdwarf's generations: the 20210528 release counts by date, those from 0.2
// on have DW_LIBDWARF_VERSION.
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
#define SECTION_FIELD(name)	 name
#define LITTLE_ENDIAN_OBJECT	 DW_OBJECT_LSB
#define dwarf_dealloc_loc_head_c dwarf_loc_head_c_dealloc
#define dwarf_dealloc_ranges	 dwarf_ranges_dealloc
#endif

static const char *const section_names[] = {
	"", // ELF's section 0
	".debug_info",
	".debug_abbrev",
	".debug_str",
	".debug_line_str",
	".debug_str_offsets",
	".debug_addr",
	".debug_ranges",
	".debug_rnglists",
	".debug_loc",
	".debug_loclists",
};

enum {
	NUM_SECTIONS = sizeof(section_names) / sizeof(section_names[0]),
	// A hostile file may lead all its parameters to one long list.
	MAX_LOCATIONS = 1 << 24,
};

struct dies {
	Dwarf_Debug debug;
	object_interface interface;
	struct image_bytes sections[NUM_SECTIONS];
	size_t num_locations; // read so far
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
	// libdwarf asks for bytes that it could write, and does not.
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
	int result = dwarf_offdie_b(dies->debug, off, true, &die, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	return result == DW_DLV_OK ? die : NULL;
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
	int result = dwarf_dieoffset(die, &off, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	return result == DW_DLV_OK ? off : 0;
}

Dwarf_Half die_tag(struct dies *dies, Dwarf_Die die)
{
	Dwarf_Half tag = 0;
	Dwarf_Error err = NULL;
	int result = dwarf_tag(die, &tag, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	return result == DW_DLV_OK ? tag : 0;
}

const char *die_name(struct dies *dies, Dwarf_Die die)
{
	char *name = NULL;
	Dwarf_Error err = NULL;
	int result = dwarf_diename(die, &name, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	return result == DW_DLV_OK ? name : NULL;
}

static Dwarf_Attribute attribute(struct dies *dies, Dwarf_Die die, Dwarf_Half attr)
{
	Dwarf_Attribute found = NULL;
	Dwarf_Error err = NULL;
	int result = dwarf_attr(die, attr, &found, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	return result == DW_DLV_OK ? found : NULL;
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
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	dwarf_dealloc_attribute(found);
	if (result == DW_DLV_OK)
		*out = value;
	return result == DW_DLV_OK;
}

bool die_ref(struct dies *dies, Dwarf_Die die, Dwarf_Half attr, uint64_t *out)
{
	Dwarf_Attribute found = attribute(dies, die, attr);
	if (!found)
		return false;
	Dwarf_Error err = NULL;
	Dwarf_Off off = 0;
	int result = dwarf_global_formref(found, &off, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	dwarf_dealloc_attribute(found);
	if (result == DW_DLV_OK)
		*out = off;
	return result == DW_DLV_OK;
}

bool die_low_pc(struct dies *dies, Dwarf_Die die, uint64_t *out)
{
	Dwarf_Addr addr = 0;
	Dwarf_Error err = NULL;
	int result = dwarf_lowpc(die, &addr, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	if (result == DW_DLV_OK)
		*out = addr;
	return result == DW_DLV_OK;
}

bool die_high_pc(struct dies *dies, Dwarf_Die die, uint64_t low_pc, uint64_t *out)
{
	Dwarf_Addr addr = 0;
	Dwarf_Half form = 0;
	enum Dwarf_Form_Class class = DW_FORM_CLASS_UNKNOWN;
	Dwarf_Error err = NULL;
	int result = dwarf_highpc_b(die, &addr, &form, &class, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	if (result != DW_DLV_OK)
		return false;
	if (class == DW_FORM_CLASS_CONSTANT && __builtin_add_overflow(addr, low_pc, &addr))
		return false;
	*out = addr;
	return true;
}

// DWARF 5's .debug_rnglists
static size_t read_rnglist(struct dies *dies, Dwarf_Attribute attr, Dwarf_Half form, uint64_t off,
			   void (*visit)(void *context, uint64_t low, uint64_t high), void *context)
{
	Dwarf_Rnglists_Head head = NULL;
	Dwarf_Unsigned num = 0, place = 0;
	Dwarf_Error err = NULL;
	int result = dwarf_rnglists_get_rle_head(attr, form, off, &head, &num, &place, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	if (result != DW_DLV_OK)
		return 1;
	for (Dwarf_Unsigned i = 0; i < num; i++) {
		unsigned len = 0, code = 0;
		Dwarf_Unsigned raw1 = 0, raw2 = 0, low = 0, high = 0;
		Dwarf_Bool is_unavailable = false;
		result = dwarf_get_rnglists_entry_fields_a(head, i, &len, &code, &raw1, &raw2,
							   &is_unavailable, &low, &high, &err);
		if (result == DW_DLV_ERROR)
			forget(dies, err);
		if (result != DW_DLV_OK)
			break;
		if (code != DW_RLE_end_of_list && code != DW_RLE_base_address &&
		    code != DW_RLE_base_addressx && !is_unavailable && low < high)
			visit(context, low, high);
	}
	dwarf_dealloc_rnglists_head(head);
	return (size_t)num + 1;
}

// DWARF 4's .debug_ranges
static size_t read_ranges(struct dies *dies, Dwarf_Die root, uint64_t off,
			  void (*visit)(void *context, uint64_t low, uint64_t high), void *context)
{
	Dwarf_Ranges *ranges = NULL;
	Dwarf_Signed num = 0;
	Dwarf_Unsigned bytes = 0;
	Dwarf_Off place = 0;
	Dwarf_Error err = NULL;
	int result =
		dwarf_get_ranges_b(dies->debug, off, root, &place, &ranges, &num, &bytes, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	if (result != DW_DLV_OK)
		return 1;
	uint64_t base = 0;
	die_low_pc(dies, root, &base);
	for (Dwarf_Signed i = 0; i < num && ranges[i].dwr_type != DW_RANGES_END; i++) {
		if (ranges[i].dwr_type == DW_RANGES_ADDRESS_SELECTION)
			base = ranges[i].dwr_addr2;
		else if (ranges[i].dwr_addr1 < ranges[i].dwr_addr2)
			visit(context, base + ranges[i].dwr_addr1, base + ranges[i].dwr_addr2);
	}
	dwarf_dealloc_ranges(dies->debug, ranges, num);
	return (size_t)num + 1;
}

size_t die_ranges(struct dies *dies, Dwarf_Die root,
		  void (*visit)(void *context, uint64_t low, uint64_t high), void *context)
{
	Dwarf_Attribute attr = attribute(dies, root, DW_AT_ranges);
	if (!attr) {
		uint64_t low, high;
		if (die_low_pc(dies, root, &low) && die_high_pc(dies, root, low, &high) &&
		    low < high)
			visit(context, low, high);
		return 1;
	}
	size_t num = 1;
	Dwarf_Half version = 0, offset_size = 0, form = 0;
	Dwarf_Error err = NULL;
	uint64_t off;
	int result = dwarf_whatform(attr, &form, &err);
	if (result == DW_DLV_OK)
		result = form_value(attr, form, &off, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	if (result == DW_DLV_OK &&
	    dwarf_get_version_of_die(root, &version, &offset_size) == DW_DLV_OK)
		num = version >= 5 ? read_rnglist(dies, attr, form, off, visit, context)
				   : read_ranges(dies, root, off, visit, context);
	dwarf_dealloc_attribute(attr);
	return num;
}

static void add_operation(struct die_location *location, Dwarf_Small op, Dwarf_Unsigned operand)
{
	unsigned reg = DIE_OTHER_REGISTER;
	int64_t off = 0;
	switch (op) {
	case DW_OP_reg0 ... DW_OP_reg31:
		reg = op - DW_OP_reg0;
		break;
	case DW_OP_regx:
		reg = operand < DIE_OTHER_REGISTER ? (unsigned)operand : DIE_OTHER_REGISTER;
		break;
	case DW_OP_fbreg:
		off = (int64_t)operand;
		// fall through
	case DW_OP_call_frame_cfa:
		if (!location->is_on_stack)
			location->cfa_off = off;
		location->is_on_stack = true;
		location->is_there = true;
		return;
	default:
		return;
	}
	location->regs |= UINT64_C(1) << reg;
	location->is_there = true;
}

static bool is_entry_at(Dwarf_Small kind, uint64_t low, uint64_t high, bool is_list, uint64_t pc)
{
	if (!is_list || kind == DW_LLE_default_location)
		return true;
	return kind != DW_LLE_end_of_list && kind != DW_LLE_base_address &&
	       kind != DW_LLE_base_addressx && low <= pc && pc < high;
}

static void read_location(struct dies *dies, Dwarf_Loc_Head_c head, Dwarf_Unsigned num, uint64_t pc,
			  struct die_location *out)
{
	for (Dwarf_Unsigned i = 0; i < num; i++) {
		Dwarf_Small kind = 0, source = 0, op = 0;
		Dwarf_Unsigned raw_low = 0, raw_high = 0, num_ops = 0, expr_off = 0, desc_off = 0;
		Dwarf_Unsigned operand1 = 0, operand2 = 0, operand3 = 0, branch = 0;
		Dwarf_Bool is_unavailable = false;
		Dwarf_Addr low = 0, high = 0;
		Dwarf_Locdesc_c desc = NULL;
		Dwarf_Error err = NULL;
		int result = dwarf_get_locdesc_entry_d(head, i, &kind, &raw_low, &raw_high,
						       &is_unavailable, &low, &high, &num_ops,
						       &desc, &source, &expr_off, &desc_off, &err);
		if (result == DW_DLV_ERROR)
			forget(dies, err);
		if (result != DW_DLV_OK)
			return;
		if (is_unavailable || !is_entry_at(kind, low, high, source != 0, pc))
			continue;
		out->is_whole = source == 0 && num_ops == 1;
		for (Dwarf_Unsigned k = 0; k < num_ops; k++) {
			result = dwarf_get_location_op_value_c(desc, k, &op, &operand1, &operand2,
							       &operand3, &branch, &err);
			if (result == DW_DLV_ERROR)
				forget(dies, err);
			if (result != DW_DLV_OK)
				return;
			add_operation(out, op, operand1);
		}
		return;
	}
}

void die_location(struct dies *dies, Dwarf_Die die, uint64_t pc, struct die_location *out)
{
	*out = (struct die_location){0};
	if (dies->num_locations > MAX_LOCATIONS)
		return;
	Dwarf_Attribute attr = attribute(dies, die, DW_AT_location);
	if (!attr)
		return;
	Dwarf_Loc_Head_c head = NULL;
	Dwarf_Unsigned num = 0;
	Dwarf_Error err = NULL;
	int result = dwarf_get_loclist_c(attr, &head, &num, &err);
	if (result == DW_DLV_ERROR)
		forget(dies, err);
	if (result == DW_DLV_OK) {
		dies->num_locations += num + 1;
		read_location(dies, head, num, pc, out);
		dwarf_dealloc_loc_head_c(head);
	}
	dwarf_dealloc_attribute(attr);
}
