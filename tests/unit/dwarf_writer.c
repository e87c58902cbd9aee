// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/dwarf_writer.h"

#include <libdwarf/dwarf.h>
#include <string.h>

enum { GO_KIND_ATTR = 0x2900 };

static void put_u8(struct text *out, unsigned value)
{
	text_putc(out, (char)value);
}

static void put_u16(struct text *out, uint16_t value)
{
	text_append(out, &value, sizeof(value));
}

static void put_u32(struct text *out, uint32_t value)
{
	text_append(out, &value, sizeof(value));
}

static void put_u64(struct text *out, uint64_t value)
{
	text_append(out, &value, sizeof(value));
}

static void put_uleb(struct text *out, uint64_t value)
{
	do {
		put_u8(out, (value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
}

void dwarf_init(struct dwarf_writer *dwarf, int version)
{
	memset(dwarf, 0, sizeof(*dwarf));
	dwarf->version = version;
	dwarf->language = DW_LANG_Go;
	if (version < 5)
		return;
	// .debug_loclists begins with a header; its length is written at the end.
	put_u32(&dwarf->lists, 0);
	put_u16(&dwarf->lists, 5);
	put_u8(&dwarf->lists, 8); // bytes of an address
	put_u8(&dwarf->lists, 0);
	put_u32(&dwarf->lists, 0); // no table of offsets
}

void dwarf_deinit(struct dwarf_writer *dwarf)
{
	text_deinit(&dwarf->info);
	text_deinit(&dwarf->abbrev);
	text_deinit(&dwarf->lists);
}

static void end_attributes(struct dwarf_writer *dwarf)
{
	if (dwarf->is_open)
		put_u16(&dwarf->abbrev, 0);
	dwarf->is_open = false;
}

static void attribute(struct dwarf_writer *dwarf, unsigned attr, unsigned form)
{
	put_uleb(&dwarf->abbrev, attr);
	put_uleb(&dwarf->abbrev, form);
}

static void section_offset(struct dwarf_writer *dwarf, unsigned attr, uint32_t off)
{
	attribute(dwarf, attr, DW_FORM_sec_offset);
	put_u32(&dwarf->info, off);
}

uint64_t dwarf_die(struct dwarf_writer *dwarf, unsigned tag, bool has_children)
{
	end_attributes(dwarf);
	uint64_t off = dwarf->info.len;
	put_uleb(&dwarf->abbrev, ++dwarf->num_abbrevs);
	put_uleb(&dwarf->abbrev, tag);
	put_u8(&dwarf->abbrev, has_children);
	put_uleb(&dwarf->info, dwarf->num_abbrevs);
	dwarf->is_open = true;
	return off;
}

void dwarf_end_children(struct dwarf_writer *dwarf)
{
	end_attributes(dwarf);
	put_u8(&dwarf->info, 0);
}

static void begin_unit(struct dwarf_writer *dwarf, const char *name, uint64_t low_pc)
{
	dwarf->unit = dwarf->info.len;
	put_u32(&dwarf->info, 0); // dwarf_end_unit writes it
	put_u16(&dwarf->info, (uint16_t)dwarf->version);
	if (dwarf->version >= 5) {
		put_u8(&dwarf->info, DW_UT_compile);
		put_u8(&dwarf->info, 8);
		put_u32(&dwarf->info, 0); // all abbreviations are in one table
	} else {
		put_u32(&dwarf->info, 0);
		put_u8(&dwarf->info, 8);
	}
	dwarf_die(dwarf, DW_TAG_compile_unit, true);
	dwarf_string(dwarf, DW_AT_name, name);
	dwarf_number(dwarf, DW_AT_language, dwarf->language);
	dwarf_addr(dwarf, DW_AT_low_pc, low_pc);
}

void dwarf_begin_unit(struct dwarf_writer *dwarf, const char *name, uint64_t low_pc,
		      uint64_t high_pc)
{
	begin_unit(dwarf, name, low_pc);
	dwarf_number(dwarf, DW_AT_high_pc, high_pc - low_pc);
}

void dwarf_begin_ranged_unit(struct dwarf_writer *dwarf, const char *name, uint64_t low_pc,
			     uint32_t ranges_off)
{
	enum { HEADER = 8 };
	begin_unit(dwarf, name, low_pc);
	section_offset(dwarf, DW_AT_ranges, ranges_off);
	section_offset(dwarf, DW_AT_addr_base, HEADER);
}

void dwarf_end_unit(struct dwarf_writer *dwarf)
{
	dwarf_end_children(dwarf);
	uint32_t length = (uint32_t)(dwarf->info.len - dwarf->unit - sizeof(uint32_t));
	memcpy(dwarf->info.data + dwarf->unit, &length, sizeof(length));
}

void dwarf_string(struct dwarf_writer *dwarf, unsigned attr, const char *value)
{
	attribute(dwarf, attr, DW_FORM_string);
	text_append(&dwarf->info, value, strlen(value) + 1);
}

void dwarf_number(struct dwarf_writer *dwarf, unsigned attr, uint64_t value)
{
	attribute(dwarf, attr, DW_FORM_udata);
	put_uleb(&dwarf->info, value);
}

void dwarf_addr(struct dwarf_writer *dwarf, unsigned attr, uint64_t value)
{
	attribute(dwarf, attr, DW_FORM_addr);
	put_u64(&dwarf->info, value);
}

void dwarf_flag(struct dwarf_writer *dwarf, unsigned attr, bool value)
{
	attribute(dwarf, attr, DW_FORM_flag);
	put_u8(&dwarf->info, value);
}

size_t dwarf_ref(struct dwarf_writer *dwarf, unsigned attr, uint64_t off)
{
	attribute(dwarf, attr, DW_FORM_ref_addr);
	size_t place = dwarf->info.len;
	put_u32(&dwarf->info, (uint32_t)off);
	return place;
}

void dwarf_patch(struct dwarf_writer *dwarf, size_t place, uint64_t off)
{
	uint32_t value = (uint32_t)off;
	memcpy(dwarf->info.data + place, &value, sizeof(value));
}

void dwarf_expression(struct dwarf_writer *dwarf, unsigned attr, const void *bytes, size_t len)
{
	attribute(dwarf, attr, DW_FORM_exprloc);
	put_uleb(&dwarf->info, len);
	text_append(&dwarf->info, bytes, len);
}

void dwarf_list(struct dwarf_writer *dwarf, unsigned attr, uint64_t low, uint64_t high,
		const void *bytes, size_t len)
{
	section_offset(dwarf, attr, (uint32_t)dwarf->lists.len);
	if (dwarf->version >= 5) {
		put_u8(&dwarf->lists, DW_LLE_start_end);
		put_u64(&dwarf->lists, low);
		put_u64(&dwarf->lists, high);
		put_uleb(&dwarf->lists, len);
		text_append(&dwarf->lists, bytes, len);
		put_u8(&dwarf->lists, DW_LLE_end_of_list);
		return;
	}
	put_u64(&dwarf->lists, UINT64_MAX); // base address selection
	put_u64(&dwarf->lists, 0);
	put_u64(&dwarf->lists, low);
	put_u64(&dwarf->lists, high);
	put_u16(&dwarf->lists, (uint16_t)len);
	text_append(&dwarf->lists, bytes, len);
	put_u64(&dwarf->lists, 0);
	put_u64(&dwarf->lists, 0);
}

static void go_kind_attribute(struct dwarf_writer *dwarf, unsigned go_kind)
{
	if (go_kind)
		dwarf_number(dwarf, GO_KIND_ATTR, go_kind);
}

uint64_t dwarf_base(struct dwarf_writer *dwarf, const char *name, unsigned encoding, uint64_t size,
		    unsigned go_kind)
{
	uint64_t off = dwarf_die(dwarf, DW_TAG_base_type, false);
	dwarf_string(dwarf, DW_AT_name, name);
	dwarf_number(dwarf, DW_AT_encoding, encoding);
	dwarf_number(dwarf, DW_AT_byte_size, size);
	go_kind_attribute(dwarf, go_kind);
	return off;
}

uint64_t dwarf_pointer(struct dwarf_writer *dwarf, const char *name, uint64_t to)
{
	uint64_t off = dwarf_die(dwarf, DW_TAG_pointer_type, false);
	dwarf_string(dwarf, DW_AT_name, name);
	dwarf_ref(dwarf, DW_AT_type, to);
	return off;
}

uint64_t dwarf_typedef(struct dwarf_writer *dwarf, const char *name, uint64_t to)
{
	uint64_t off = dwarf_die(dwarf, DW_TAG_typedef, false);
	dwarf_string(dwarf, DW_AT_name, name);
	dwarf_ref(dwarf, DW_AT_type, to);
	return off;
}

uint64_t dwarf_struct(struct dwarf_writer *dwarf, const char *name, uint64_t size, unsigned go_kind)
{
	uint64_t off = dwarf_die(dwarf, DW_TAG_structure_type, true);
	dwarf_string(dwarf, DW_AT_name, name);
	dwarf_number(dwarf, DW_AT_byte_size, size);
	go_kind_attribute(dwarf, go_kind);
	return off;
}

size_t dwarf_member(struct dwarf_writer *dwarf, const char *name, uint64_t type, uint64_t off)
{
	dwarf_die(dwarf, DW_TAG_member, false);
	dwarf_string(dwarf, DW_AT_name, name);
	dwarf_number(dwarf, DW_AT_data_member_location, off);
	return dwarf_ref(dwarf, DW_AT_type, type);
}

uint64_t dwarf_array(struct dwarf_writer *dwarf, const char *name, uint64_t elem, uint64_t len,
		     uint64_t size)
{
	uint64_t off = dwarf_die(dwarf, DW_TAG_array_type, true);
	dwarf_string(dwarf, DW_AT_name, name);
	dwarf_ref(dwarf, DW_AT_type, elem);
	dwarf_number(dwarf, DW_AT_byte_size, size);
	dwarf_die(dwarf, DW_TAG_subrange_type, false);
	dwarf_number(dwarf, DW_AT_count, len);
	dwarf_end_children(dwarf);
	return off;
}

uint64_t dwarf_subprogram(struct dwarf_writer *dwarf, const char *name, uint64_t low_pc,
			  uint64_t size)
{
	static const uint8_t cfa[] = {DW_OP_call_frame_cfa};
	uint64_t off = dwarf_die(dwarf, DW_TAG_subprogram, true);
	if (name)
		dwarf_string(dwarf, DW_AT_name, name);
	if (!low_pc)
		return off;
	dwarf_addr(dwarf, DW_AT_low_pc, low_pc);
	dwarf_number(dwarf, DW_AT_high_pc, size);
	dwarf_expression(dwarf, DW_AT_frame_base, cfa, sizeof(cfa));
	return off;
}

uint64_t dwarf_param(struct dwarf_writer *dwarf, const char *name, uint64_t type, bool is_result)
{
	uint64_t off = dwarf_die(dwarf, DW_TAG_formal_parameter, false);
	dwarf_string(dwarf, DW_AT_name, name);
	dwarf_flag(dwarf, DW_AT_variable_parameter, is_result);
	dwarf_ref(dwarf, DW_AT_type, type);
	return off;
}

static void add(struct elf_writer *elf, const char *name, const struct text *text)
{
	elf_section(elf, name, SHT_PROGBITS, text->data, text->len);
}

void dwarf_add(const struct dwarf_writer *dwarf, struct elf_writer *elf)
{
	struct text abbrev = dwarf->abbrev, lists = dwarf->lists;
	text_init(&abbrev);
	text_append(&abbrev, dwarf->abbrev.data, dwarf->abbrev.len);
	put_u8(&abbrev, 0);
	add(elf, ".debug_info", &dwarf->info);
	add(elf, ".debug_abbrev", &abbrev);
	text_deinit(&abbrev);
	if (dwarf->version >= 5) {
		uint32_t length = (uint32_t)(lists.len - sizeof(length));
		memcpy(lists.data, &length, sizeof(length));
		add(elf, ".debug_loclists", &lists);
	} else if (lists.len) {
		add(elf, ".debug_loc", &lists);
	}
}
