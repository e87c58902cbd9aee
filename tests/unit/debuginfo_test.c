// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libdwarf/dwarf.h>

#include "dwarf/debug/debuginfo.h"
#include "tests/unit/dwarf_writer.h"

enum {
	TEXT = 0x401000,
	TEXT_SIZE = 0x1000,
	RUNTIME_TYPES = 0x500000,
	AT_KIND = 0x2900,
	AT_KEY = 0x2901,
	AT_ELEM = 0x2902,
	AT_EMBEDDED = 0x2903,
	AT_RUNTIME_TYPE = 0x2904,
	AT_PACKAGE_NAME = 0x2905,
	AT_DICT_INDEX = 0x2906,
};

struct fixture { // an executable with one unit, "main"
	struct dwarf_writer dwarf;
	struct elf_writer elf;
	struct image *image;
	struct debuginfo *info;
	uint64_t t_int, t_uint8, t_uint64, t_pointer, t_string;
};

static void begin_at(struct fixture *fixture, int version, uint64_t low, uint64_t high)
{
	memset(fixture, 0, sizeof(*fixture));
	elf_init(&fixture->elf);
	struct dwarf_writer *dwarf = &fixture->dwarf;
	dwarf_init(dwarf, version);
	dwarf_begin_unit(dwarf, "main", low, high);
	fixture->t_int = dwarf_base(dwarf, "int", DW_ATE_signed, 8, GO_INT);
	fixture->t_uint8 = dwarf_base(dwarf, "uint8", DW_ATE_unsigned, 1, GO_UINT8);
	fixture->t_uint64 = dwarf_base(dwarf, "uint64", DW_ATE_unsigned, 8, GO_UINT64);
	fixture->t_pointer = dwarf_pointer(dwarf, "*uint8", fixture->t_uint8);
	fixture->t_string = dwarf_struct(dwarf, "string", 16, GO_STRING);
	dwarf_member(dwarf, "str", fixture->t_pointer, 0);
	dwarf_member(dwarf, "len", fixture->t_int, 8);
	dwarf_end_children(dwarf);
}

static void begin(struct fixture *fixture, int version)
{
	begin_at(fixture, version, TEXT, TEXT + TEXT_SIZE);
}

static struct error *try_open(struct fixture *fixture)
{
	static const uint8_t text[TEXT_SIZE];
	char path[64];
	elf_load(&fixture->elf, TEXT, PF_R | PF_X, text, sizeof(text), 0);
	dwarf_add(&fixture->dwarf, &fixture->elf);
	assert_true(elf_finish(&fixture->elf));
	assert_true(elf_save(&fixture->elf, path));
	struct error *err = image_open(path, "prog", &fixture->image);
	unlink(path);
	assert_null(err);
	return debuginfo_open(fixture->image, RUNTIME_TYPES, &fixture->info);
}

static void end(struct fixture *fixture)
{
	dwarf_end_unit(&fixture->dwarf);
	assert_null(try_open(fixture));
	assert_non_null(fixture->info);
}

static void close_fixture(struct fixture *fixture)
{
	debuginfo_close(fixture->info);
	image_close(fixture->image);
	elf_deinit(&fixture->elf);
	dwarf_deinit(&fixture->dwarf);
}

static struct gotype *type_of(struct fixture *fixture, const char *name)
{
	struct gotype *type = debuginfo_type(fixture->info, "main", name);
	assert_non_null(type);
	gotype_complete(type);
	return type;
}

static void test_none(void **state)
{
	(void)state;
	struct fixture fixture = {0};
	elf_init(&fixture.elf);
	assert_null(try_open(&fixture));
	assert_null(fixture.info);
	close_fixture(&fixture);
}

static void test_struct(void **state)
{
	for (int version = 4; version <= 5; version++) {
		struct fixture fixture;
		(void)state;
		begin(&fixture, version);
		struct dwarf_writer *dwarf = &fixture.dwarf;
		uint64_t inner = dwarf_struct(dwarf, "net/url.URL", 16, GO_STRUCT);
		dwarf_number(dwarf, AT_RUNTIME_TYPE, 0x40);
		dwarf_member(dwarf, "Host", fixture.t_string, 0);
		dwarf_end_children(dwarf);
		uint64_t inner_name = dwarf_typedef(dwarf, "net/url.URL", inner);
		uint64_t node = dwarf_struct(dwarf, "main.Node", 40, GO_STRUCT);
		dwarf_member(dwarf, "flag", fixture.t_uint8, 0);
		size_t next = dwarf_member(dwarf, "next", 0, 8);
		dwarf_member(dwarf, "URL", inner_name, 16);
		dwarf_flag(dwarf, AT_EMBEDDED, true);
		dwarf_end_children(dwarf);
		uint64_t pointer = dwarf_pointer(dwarf, "*main.Node", node);
		dwarf_patch(dwarf, next, pointer);
		end(&fixture);

		struct gotype *type = type_of(&fixture, "main.Node");
		assert_int_equal(type->kind, GO_STRUCT);
		assert_int_equal(type->size, 40);
		assert_int_equal(type->align, 8);
		assert_true(type->is_named);
		assert_int_equal(type->num_fields, 3);
		const struct gofield *field = gotype_field(type, "next");
		assert_int_equal(field->type->kind, GO_POINTER);
		assert_true(field->type->is_direct);
		gotype_complete(field->type);
		assert_ptr_equal(field->type->elem, type); // the cycle closes
		field = gotype_field(type, "URL");
		assert_true(field->is_embedded);
		assert_int_equal(field->offset, 16);
		assert_string_equal(field->type->name, "url.URL");
		assert_string_equal(field->type->full_name, "net/url.URL");
		assert_int_equal(field->type->rtype, RUNTIME_TYPES + 0x40);
		assert_null(gotype_field(type, "no"));
		close_fixture(&fixture);
	}
}

static void test_kinds(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, 5);
	struct dwarf_writer *dwarf = &fixture.dwarf;
	dwarf_struct(dwarf, "main.Slice", 24, GO_SLICE);
	dwarf_ref(dwarf, AT_ELEM, fixture.t_string);
	dwarf_end_children(dwarf);
	dwarf_struct(dwarf, "main.OldSlice", 24, GO_SLICE);
	dwarf_member(dwarf, "array", fixture.t_pointer, 0);
	dwarf_end_children(dwarf);
	uint64_t eface = dwarf_struct(dwarf, "runtime.eface", 16, GO_STRUCT);
	dwarf_member(dwarf, "_type", fixture.t_pointer, 0);
	dwarf_member(dwarf, "data", fixture.t_pointer, 8);
	dwarf_end_children(dwarf);
	uint64_t iface = dwarf_struct(dwarf, "runtime.iface", 16, GO_STRUCT);
	dwarf_member(dwarf, "tab", fixture.t_pointer, 0);
	dwarf_member(dwarf, "data", fixture.t_pointer, 8);
	dwarf_end_children(dwarf);
	uint64_t any = dwarf_typedef(dwarf, "interface {}", eface);
	dwarf_number(dwarf, AT_KIND, GO_INTERFACE);
	uint64_t error = dwarf_typedef(dwarf, "error", iface);
	dwarf_number(dwarf, AT_KIND, GO_INTERFACE);
	dwarf_typedef(dwarf, "main.Any", any);
	dwarf_typedef(dwarf, "chan error", fixture.t_pointer);
	dwarf_number(dwarf, AT_KIND, GO_CHAN);
	dwarf_ref(dwarf, AT_ELEM, error);
	uint64_t unsafe = dwarf_die(dwarf, DW_TAG_pointer_type, false);
	dwarf_string(dwarf, DW_AT_name, "unsafe.Pointer");
	dwarf_typedef(dwarf, "main.Raw", unsafe);
	uint64_t func = dwarf_die(dwarf, DW_TAG_subroutine_type, false);
	dwarf_string(dwarf, DW_AT_name, "func(net/http.Header) *net/url.URL");
	dwarf_number(dwarf, AT_KIND, GO_FUNC);
	dwarf_typedef(dwarf, "main.Func", func);
	uint64_t array = dwarf_array(dwarf, "[3]uint8", fixture.t_uint8, 3, 3);
	dwarf_typedef(dwarf, "main.Array", array);
	dwarf_base(dwarf, "main.Complex", DW_ATE_complex_float, 8, GO_COMPLEX64);
	dwarf_base(dwarf, "C.int", DW_ATE_signed, 4, 0);
	uint64_t shape = dwarf_typedef(dwarf, ".param0", fixture.t_string);
	dwarf_number(dwarf, AT_DICT_INDEX, 0);
	dwarf_typedef(dwarf, "main.Shape", shape);
	end(&fixture);

	assert_string_equal(type_of(&fixture, "main.Slice")->elem->name, "string");
	assert_string_equal(type_of(&fixture, "main.OldSlice")->elem->name, "uint8");
	assert_true(type_of(&fixture, "interface {}")->is_empty_interface);
	assert_false(type_of(&fixture, "interface {}")->is_named);
	assert_true(type_of(&fixture, "main.Any")->is_empty_interface);
	assert_true(type_of(&fixture, "main.Any")->is_named);
	struct gotype *type = type_of(&fixture, "chan error");
	assert_int_equal(type->kind, GO_CHAN);
	assert_int_equal(type->size, 8);
	gotype_complete(type->elem);
	assert_int_equal(type->elem->kind, GO_INTERFACE);
	assert_false(type->elem->is_empty_interface);
	assert_int_equal(type_of(&fixture, "main.Raw")->kind, GO_UNSAFE_POINTER);
	assert_int_equal(type_of(&fixture, "main.Func")->kind, GO_FUNC);
	type = type_of(&fixture, "main.Array");
	assert_int_equal(type->kind, GO_ARRAY);
	assert_int_equal(type->len, 3);
	assert_int_equal(type->align, 1);
	assert_int_equal(type_of(&fixture, "main.Complex")->align, 4);
	assert_int_equal(type_of(&fixture, "C.int")->kind, GO_INT32);
	type = debuginfo_type(fixture.info, "main", ".param0");
	assert_string_equal(type->name, "string");
	assert_int_equal(type->kind, GO_STRING);
	assert_null(debuginfo_type(fixture.info, "main", "main.None"));
	close_fixture(&fixture);
}

static uint64_t map_type(struct fixture *fixture, const char *name, uint64_t header, uint64_t elem)
{
	struct dwarf_writer *dwarf = &fixture->dwarf;
	uint64_t pointer = dwarf_pointer(dwarf, "*header", header);
	uint64_t map = dwarf_typedef(dwarf, name, pointer);
	dwarf_number(dwarf, AT_KIND, GO_MAP);
	dwarf_ref(dwarf, AT_KEY, fixture->t_string);
	dwarf_ref(dwarf, AT_ELEM, elem);
	return map;
}

static void test_bucket_map(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, 4);
	struct dwarf_writer *dwarf = &fixture.dwarf;
	uint64_t big = dwarf_array(dwarf, "[20]int", fixture.t_int, 20, 160);
	uint64_t to_big = dwarf_pointer(dwarf, "*[20]int", big);
	uint64_t tops = dwarf_array(dwarf, "[8]uint8", fixture.t_uint8, 8, 8);
	uint64_t keys = dwarf_array(dwarf, "[8]string", fixture.t_string, 8, 128);
	uint64_t elems = dwarf_array(dwarf, "[8]*[20]int", to_big, 8, 64);
	uint64_t bucket = dwarf_struct(dwarf, "bucket<string,[20]int>", 208, GO_STRUCT);
	dwarf_member(dwarf, "tophash", tops, 0);
	dwarf_member(dwarf, "keys", keys, 8);
	dwarf_member(dwarf, "values", elems, 136);
	dwarf_member(dwarf, "overflow", fixture.t_pointer, 200);
	dwarf_end_children(dwarf);
	uint64_t to_bucket = dwarf_pointer(dwarf, "*bucket", bucket);
	uint64_t header = dwarf_struct(dwarf, "hash<string,[20]int>", 48, GO_STRUCT);
	dwarf_member(dwarf, "buckets", to_bucket, 16);
	dwarf_end_children(dwarf);
	map_type(&fixture, "map[string][20]int", header, big);
	map_type(&fixture, "map[string]int", header, fixture.t_int); // not what the bucket holds
	end(&fixture);

	struct gotype *type = type_of(&fixture, "map[string][20]int");
	assert_int_equal(type->kind, GO_MAP);
	assert_int_equal(type->map.layout, GOMAP_BUCKETS);
	assert_int_equal(type->map.bucket_size, 208);
	assert_int_equal(type->map.keys_off, 8);
	assert_int_equal(type->map.key_stride, 16);
	assert_int_equal(type->map.elems_off, 136);
	assert_int_equal(type->map.elem_stride, 8);
	assert_int_equal(type->map.overflow_off, 200);
	assert_false(type->map.key_indirect);
	assert_true(type->map.elem_indirect);
	assert_int_equal(type_of(&fixture, "map[string]int")->map.layout, GOMAP_UNKNOWN);
	close_fixture(&fixture);
}

static uint64_t swiss_header(struct fixture *fixture, uint64_t group)
{
	struct dwarf_writer *dwarf = &fixture->dwarf;
	uint64_t to_group = dwarf_pointer(dwarf, "*group", group);
	uint64_t groups = dwarf_struct(dwarf, "groupReference<string,int>", 16, GO_STRUCT);
	dwarf_member(dwarf, "data", to_group, 0);
	dwarf_end_children(dwarf);
	uint64_t table = dwarf_struct(dwarf, "table<string,int>", 24, GO_STRUCT);
	dwarf_member(dwarf, "groups", groups, 8);
	dwarf_end_children(dwarf);
	uint64_t to_table = dwarf_pointer(dwarf, "*table", table);
	uint64_t directory = dwarf_pointer(dwarf, "**table", to_table);
	uint64_t header = dwarf_struct(dwarf, "map<string,int>", 48, GO_STRUCT);
	dwarf_member(dwarf, "dirPtr", directory, 16);
	dwarf_end_children(dwarf);
	return header;
}

static void test_swiss_map(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, 5);
	struct dwarf_writer *dwarf = &fixture.dwarf;
	uint64_t slot = dwarf_struct(dwarf, "slot", 24, GO_STRUCT);
	dwarf_member(dwarf, "key", fixture.t_string, 0);
	dwarf_member(dwarf, "elem", fixture.t_int, 16);
	dwarf_end_children(dwarf);
	uint64_t slots = dwarf_array(dwarf, "[8]slot", slot, 8, 192);
	uint64_t group = dwarf_struct(dwarf, "noalg.map.group[string]int", 200, GO_STRUCT);
	dwarf_member(dwarf, "ctrl", fixture.t_uint64, 0);
	dwarf_member(dwarf, "slots", slots, 8);
	dwarf_end_children(dwarf);
	map_type(&fixture, "map[string]int", swiss_header(&fixture, group), fixture.t_int);
	uint64_t keys = dwarf_array(dwarf, "[8]string", fixture.t_string, 8, 128);
	uint64_t elems = dwarf_array(dwarf, "[8]int", fixture.t_int, 8, 64);
	uint64_t split = dwarf_struct(dwarf, "noalg.map.split[string]int", 200, GO_STRUCT);
	dwarf_member(dwarf, "ctrl", fixture.t_uint64, 0);
	dwarf_member(dwarf, "keys", keys, 8);
	dwarf_member(dwarf, "elems", elems, 136);
	dwarf_end_children(dwarf);
	uint64_t map = map_type(&fixture, "map", swiss_header(&fixture, split), fixture.t_int);
	dwarf_typedef(dwarf, "main.Split", map);
	end(&fixture);

	struct gotype *type = type_of(&fixture, "map[string]int");
	assert_int_equal(type->map.layout, GOMAP_SWISS);
	assert_int_equal(type->map.bucket_size, 200);
	assert_int_equal(type->map.keys_off, 8);
	assert_int_equal(type->map.elems_off, 24);
	assert_int_equal(type->map.key_stride, 24);
	assert_int_equal(type->map.elem_stride, 24);
	type = type_of(&fixture, "main.Split");
	assert_int_equal(type->map.layout, GOMAP_SWISS);
	assert_int_equal(type->map.keys_off, 8);
	assert_int_equal(type->map.elems_off, 136);
	assert_int_equal(type->map.key_stride, 16);
	assert_int_equal(type->map.elem_stride, 8);
	close_fixture(&fixture);
}

static void assert_broken(struct fixture *fixture, const char *name, const char *why)
{
	struct gotype *type = type_of(fixture, name);
	assert_int_equal(type->kind, GO_INVALID);
	assert_non_null(type->broken);
	if (!strstr(type->broken, why))
		fail_msg("%s: %s, not %s", name, type->broken, why);
	assert_int_equal(type->num_fields, 0);
}

static void test_lying_types(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, 5);
	struct dwarf_writer *dwarf = &fixture.dwarf;
	dwarf_struct(dwarf, "outside", 16, GO_STRUCT);
	dwarf_member(dwarf, "s", fixture.t_string, 8);
	dwarf_end_children(dwarf);
	dwarf_struct(dwarf, "negative", 16, GO_STRUCT);
	dwarf_member(dwarf, "n", fixture.t_int, UINT64_MAX - 7);
	dwarf_end_children(dwarf);
	dwarf_struct(dwarf, "overlap", 16, GO_STRUCT);
	dwarf_member(dwarf, "a", fixture.t_int, 0);
	dwarf_member(dwarf, "b", fixture.t_int, 4);
	dwarf_end_children(dwarf);
	dwarf_struct(dwarf, "huge", UINT64_MAX, GO_STRUCT);
	dwarf_end_children(dwarf);
	dwarf_array(dwarf, "[9]int", fixture.t_int, 9, 8);
	uint64_t array = dwarf_array(dwarf, "[big]int", fixture.t_int, UINT64_MAX / 8 + 2, 8);
	dwarf_typedef(dwarf, "wrapped", array);
	dwarf_base(dwarf, "wide", DW_ATE_signed, 16, GO_INT);
	dwarf_base(dwarf, "odd", DW_ATE_signed, 3, 0);
	dwarf_typedef(dwarf, "itself", dwarf->info.len);
	dwarf_typedef(dwarf, "astray", 0x7fffffff);
	dwarf_typedef(dwarf, "header", 1);
	uint64_t variable = dwarf_die(dwarf, DW_TAG_variable, false);
	dwarf_typedef(dwarf, "variable", variable);
	uint64_t self = dwarf_struct(dwarf, "self", 8, GO_STRUCT);
	dwarf_member(dwarf, "self", self, 0);
	dwarf_end_children(dwarf);
	uint64_t deep = fixture.t_int;
	for (int i = 0; i < 1000; i++) {
		uint64_t level = dwarf_struct(dwarf, i == 999 ? "deep" : "level", 8, GO_STRUCT);
		dwarf_member(dwarf, "f", deep, 0);
		dwarf_end_children(dwarf);
		deep = level;
	}
	end(&fixture);

	assert_broken(&fixture, "outside", "outside");
	assert_broken(&fixture, "negative", "outside");
	assert_broken(&fixture, "overlap", "overlap");
	assert_broken(&fixture, "huge", "absurd");
	assert_broken(&fixture, "wrapped", "length");
	assert_broken(&fixture, "wide", "another size");
	assert_broken(&fixture, "odd", "not a Go type");
	assert_broken(&fixture, "itself", "do not end");
	assert_broken(&fixture, "astray", "cannot be read");
	assert_broken(&fixture, "variable", "not a Go type");
	type_of(&fixture, "header");
	assert_int_equal(type_of(&fixture, "self")->num_fields, 1);
	type_of(&fixture, "deep");
	close_fixture(&fixture);
}

static const struct debug_func *func_at(struct fixture *fixture, uint64_t vaddr)
{
	const struct debug_func *func = NULL;
	assert_null(debuginfo_func(fixture->info, vaddr, &func));
	return func;
}

static void test_params(void **state)
{
	(void)state;
	static const uint8_t rax[] = {DW_OP_reg0};
	static const uint8_t string[] = {DW_OP_reg3, DW_OP_piece, 8, DW_OP_reg2, DW_OP_piece, 8};
	static const uint8_t floats[] = {DW_OP_regx, 18, DW_OP_piece, 4, DW_OP_reg31};
	static const uint8_t other[] = {DW_OP_reg12};
	static const uint8_t stack[] = {DW_OP_fbreg, 0x88, 0x01};
	for (int version = 4; version <= 5; version++) {
		struct fixture fixture;
		begin(&fixture, version);
		struct dwarf_writer *dwarf = &fixture.dwarf;
		dwarf_subprogram(dwarf, "main.f", TEXT + 0x20, 0x30);
		dwarf_param(dwarf, "a", fixture.t_int, false);
		dwarf_list(dwarf, DW_AT_location, TEXT + 0x20, TEXT + 0x24, rax, sizeof(rax));
		dwarf_param(dwarf, "b", fixture.t_string, false);
		dwarf_list(dwarf, DW_AT_location, TEXT, TEXT + 0x30, string, sizeof(string));
		dwarf_param(dwarf, "late", fixture.t_int, false);
		dwarf_list(dwarf, DW_AT_location, TEXT + 0x21, TEXT + 0x30, rax, sizeof(rax));
		dwarf_param(dwarf, "f", fixture.t_int, false);
		dwarf_list(dwarf, DW_AT_location, TEXT, TEXT + 0x30, floats, sizeof(floats));
		dwarf_param(dwarf, "r", fixture.t_int, true);
		dwarf_expression(dwarf, DW_AT_location, NULL, 0);
		dwarf_param(dwarf, "o", fixture.t_int, false);
		dwarf_list(dwarf, DW_AT_location, TEXT, TEXT + 0x30, other, sizeof(other));
		dwarf_param(dwarf, "s", fixture.t_int, false);
		dwarf_expression(dwarf, DW_AT_location, stack, sizeof(stack));
		dwarf_param(dwarf, "r", fixture.t_int, true); // listed twice
		dwarf_end_children(dwarf);
		end(&fixture);

		const struct debug_func *func = func_at(&fixture, TEXT + 0x20);
		assert_non_null(func);
		assert_string_equal(func->name, "main.f");
		assert_int_equal(func->high_pc, TEXT + 0x50);
		assert_int_equal(func->num_params, 7);
		const struct debug_param *params = func->params;
		assert_int_equal(params[0].entry_regs, 1 << 0);
		assert_true(params[0].is_whole);
		assert_int_equal(params[1].entry_regs, 1 << 1 | 1 << 2);
		assert_string_equal(params[1].type->name, "string");
		assert_false(params[2].has_entry_location);
		assert_int_equal(params[3].entry_float_regs, 1 << 1 | 1 << 14);
		assert_int_equal(params[3].entry_regs, 0);
		assert_int_equal(params[4].entry_regs, 1u << 31);
		assert_true(params[5].is_on_stack);
		assert_int_equal(params[5].cfa_off, 0x88);
		assert_true(params[6].is_result);
		assert_false(params[6].has_entry_location);
		assert_ptr_equal(func_at(&fixture, TEXT + 0x20), func); // kept
		assert_null(func_at(&fixture, TEXT + 0x21));
		assert_null(func_at(&fixture, TEXT + TEXT_SIZE));
		assert_null(func_at(&fixture, 0));
		close_fixture(&fixture);
	}
}

static void test_abstract_origin(void **state)
{
	(void)state;
	static const uint8_t rax[] = {DW_OP_reg0};
	struct fixture fixture;
	begin(&fixture, 5);
	struct dwarf_writer *dwarf = &fixture.dwarf;
	uint64_t abstract = dwarf_subprogram(dwarf, "main.inlined", 0, 0);
	dwarf_number(dwarf, DW_AT_inline, DW_INL_inlined);
	uint64_t a = dwarf_param(dwarf, "a", fixture.t_int, false);
	dwarf_param(dwarf, "b", fixture.t_string, false);
	uint64_t c = dwarf_param(dwarf, "c", fixture.t_uint8, false);
	dwarf_end_children(dwarf);
	dwarf_subprogram(dwarf, NULL, TEXT, 0x10);
	dwarf_ref(dwarf, DW_AT_abstract_origin, abstract);
	dwarf_die(dwarf, DW_TAG_formal_parameter, false);
	dwarf_ref(dwarf, DW_AT_abstract_origin, a);
	dwarf_list(dwarf, DW_AT_location, TEXT, TEXT + 1, rax, sizeof(rax));
	dwarf_die(dwarf, DW_TAG_formal_parameter, false); // and b is left out
	dwarf_ref(dwarf, DW_AT_abstract_origin, c);
	dwarf_param(dwarf, "~r0", fixture.t_int, true);
	dwarf_end_children(dwarf);
	end(&fixture);

	const struct debug_func *func = func_at(&fixture, TEXT);
	assert_non_null(func);
	assert_string_equal(func->name, "main.inlined");
	assert_int_equal(func->num_params, 4);
	assert_string_equal(func->params[0].name, "a");
	assert_int_equal(func->params[0].entry_regs, 1);
	assert_string_equal(func->params[1].name, "b");
	assert_string_equal(func->params[2].name, "c");
	assert_string_equal(func->params[2].type->name, "uint8");
	assert_true(func->params[3].is_result);
	close_fixture(&fixture);
}

static void test_package_names(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, 5);
	struct dwarf_writer *dwarf = &fixture.dwarf;
	dwarf_base(dwarf, "ex.am/yaml%2ev3.Kind", DW_ATE_signed, 8, GO_INT);
	uint64_t types[] = {
		dwarf_pointer(dwarf, "*ex.am/go-foo/v2.T", fixture.t_int),
		dwarf_pointer(dwarf,
			      "map[ex.am/yaml%2ev3.Kind]ex.am/go-foo/v2.T[ex.am/go-foo/v2.T]",
			      fixture.t_int),
		dwarf_pointer(dwarf, "*ex.am/go-foo/v2x.T", fixture.t_int),
	};
	dwarf_end_unit(dwarf);
	static const char *const packages[][2] = {{"ex.am/yaml.v3", "yaml"},
						  {"ex.am/go-foo/v2", "foo"},
						  {"ex.am/plain", "plain"}};
	for (size_t i = 0; i < 3; i++) {
		dwarf_begin_unit(dwarf, packages[i][0], 0x10, 0x20);
		dwarf_string(dwarf, AT_PACKAGE_NAME, packages[i][1]);
		if (i < 2)
			dwarf_end_unit(dwarf);
	}
	dwarf_struct(dwarf, "fields", 24, GO_STRUCT);
	for (uint64_t i = 0; i < 3; i++)
		dwarf_member(dwarf, "f", types[i], i * 8);
	dwarf_end_children(dwarf);
	end(&fixture);

	assert_string_equal(type_of(&fixture, "ex.am/yaml%2ev3.Kind")->name, "yaml.Kind");
	const struct gotype *type = type_of(&fixture, "fields");
	assert_string_equal(type->fields[0].type->name, "*foo.T");
	assert_string_equal(type->fields[1].type->name, "map[yaml.Kind]foo.T[ex.am/go-foo/v2.T]");
	assert_string_equal(type->fields[2].type->name, "*v2x.T");
	close_fixture(&fixture);
}

// DWARF's lists, each kind of entry once; what follows the end is not read.
static void test_ranges(void **state)
{
	(void)state;
	static const uint8_t ranges_5[] = {
		DW_RLE_start_end,
		0x00,
		0x10,
		0x40,
		0,
		0,
		0,
		0,
		0,
		0x10,
		0x10,
		0x40,
		0,
		0,
		0,
		0,
		0,
		DW_RLE_start_length,
		0x20,
		0x10,
		0x40,
		0,
		0,
		0,
		0,
		0,
		0x10,
		DW_RLE_base_address,
		0x00,
		0x10,
		0x40,
		0,
		0,
		0,
		0,
		0,
		DW_RLE_offset_pair,
		0x40,
		0x50,
		DW_RLE_offset_pair,
		0x58,
		0x50, // backwards
		DW_RLE_base_addressx,
		1,
		DW_RLE_offset_pair,
		0x00,
		0x10,
		DW_RLE_startx_endx,
		2,
		3,
		DW_RLE_startx_length,
		3,
		0x08,
		DW_RLE_startx_length,
		0x7f,
		0x08, // outside .debug_addr
		DW_RLE_end_of_list,
		DW_RLE_start_length,
		0x00,
		0x1f,
		0x40,
		0,
		0,
		0,
		0,
		0,
		0x10,
	};
	static const uint64_t ranges_4[] = {
		0x00, 0x10, 0x20, 0x30, UINT64_MAX, TEXT + 0x40, 0, 0x10, 0x20,
		0x30, 0x40, 0x50, 0x60, 0x68,	    0,		 0, 0,	  0x1000,
	};
	static const uint64_t addresses[] = {0, 0, TEXT + 0x60, TEXT + 0x80, TEXT + 0x90};
	for (int version = 4; version <= 5; version++) {
		struct fixture fixture;
		begin_at(&fixture, version, 0x10, 0x20);
		struct dwarf_writer *dwarf = &fixture.dwarf;
		dwarf_end_unit(dwarf);
		dwarf_begin_ranged_unit(dwarf, "ranged", TEXT, 0);
		static const uint16_t starts[] = {0x00, 0x20, 0x40, 0x60, 0x80, 0x90, 0x10, 0xf00};
		for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
			dwarf_subprogram(dwarf, "f", TEXT + starts[i], 8);
			dwarf_end_children(dwarf);
		}
		if (version == 5) {
			elf_section(&fixture.elf, ".debug_rnglists", SHT_PROGBITS, ranges_5,
				    sizeof(ranges_5));
			elf_section(&fixture.elf, ".debug_addr", SHT_PROGBITS, addresses,
				    sizeof(addresses));
		} else {
			elf_section(&fixture.elf, ".debug_ranges", SHT_PROGBITS, ranges_4,
				    sizeof(ranges_4));
		}
		end(&fixture);
		for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
			const struct debug_func *func = func_at(&fixture, TEXT + starts[i]);
			assert_int_equal(func != NULL, i < 6 && (version == 5 || i != 5));
		}
		close_fixture(&fixture);
	}
}

static void test_damage_is_told_once(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, 4);
	struct dwarf_writer *dwarf = &fixture.dwarf;
	dwarf_subprogram(dwarf, "main.f", TEXT, 0x10);
	dwarf_end_children(dwarf);
	uint64_t bad = dwarf_subprogram(dwarf, "main.g", TEXT + 0x10, 0x10);
	dwarf_end_children(dwarf);
	dwarf->info.data[bad] = 0x7f; // an abbreviation that there is not
	end(&fixture);

	const struct debug_func *func = NULL;
	struct error *err = debuginfo_func(fixture.info, TEXT, &func);
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "main"));
	error_free(err);
	assert_null(func_at(&fixture, TEXT + 0x10));
	assert_null(func_at(&fixture, TEXT));
	close_fixture(&fixture);
}

static void test_torn_sections(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < 120; cut += 3) {
		struct fixture fixture;
		begin(&fixture, cut % 2 ? 4 : 5);
		struct dwarf_writer *dwarf = &fixture.dwarf;
		dwarf_subprogram(dwarf, "main.f", TEXT, 0x10);
		dwarf_param(dwarf, "a", fixture.t_int, false);
		dwarf_end_children(dwarf);
		dwarf_end_unit(dwarf);
		dwarf->info.len -= cut < dwarf->info.len ? cut : dwarf->info.len;
		struct error *err = try_open(&fixture);
		if (err) {
			error_free(err);
		} else if (fixture.info) {
			const struct debug_func *func = NULL;
			error_free(debuginfo_func(fixture.info, TEXT, &func));
			debuginfo_type(fixture.info, "main", "string");
		}
		close_fixture(&fixture);
	}
}

// What a cgo program that was linked with -w has left.
static void dwarf_of_c_alone(void **state)
{
	(void)state;
	for (int with_go = 0; with_go < 2; with_go++) {
		struct fixture fixture;
		begin(&fixture, 4);
		dwarf_end_unit(&fixture.dwarf);
		dwarf_deinit(&fixture.dwarf);
		dwarf_init(&fixture.dwarf, 4);
		fixture.dwarf.language = DW_LANG_C99;
		dwarf_begin_unit(&fixture.dwarf, "x.c", TEXT, TEXT + 1);
		if (with_go) {
			dwarf_end_unit(&fixture.dwarf);
			fixture.dwarf.language = DW_LANG_Go;
			dwarf_begin_unit(&fixture.dwarf, "main", TEXT + 1, TEXT + 2);
		}
		dwarf_end_unit(&fixture.dwarf);
		assert_null(try_open(&fixture));
		assert_int_equal(fixture.info != NULL, with_go);
		close_fixture(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_struct),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_bucket_map),
		cmocka_unit_test(test_swiss_map),
		cmocka_unit_test(test_lying_types),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_abstract_origin),
		cmocka_unit_test(test_package_names),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_damage_is_told_once),
		cmocka_unit_test(dwarf_of_c_alone),
		cmocka_unit_test(test_torn_sections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
