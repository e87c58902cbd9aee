// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>
#include <libdwarf/dwarf.h>

#include "base/text.h"
#include "dwarf/index/index.h"
#include "tests/unit/dwarf_writer.h"
#include "tests/unit/go_writer.h"

enum { WRAPPER = 22, ASM = 4, MAX_CODE = 32, FOREIGN_TEXT = 0x480000 };

struct fixture {
	struct go_writer go;
	struct go_code code[MAX_CODE];
	struct dwarf_writer dwarf;
	uint64_t t_int, t_bool, t_uint8, t_string, t_slice, t_float64, t_t, t_pointer;
	struct index *index;
};

// version is of build info ("go1.24.4"); format and minor choose the layouts of pclntab and
// moduledata.
static void begin(struct fixture *fixture, const char *version, int format, int minor)
{
	memset(fixture, 0, sizeof(*fixture));
	go_init(&fixture->go, format, minor);
	fixture->go.version = version;
	fixture->go.code = fixture->code;
	struct dwarf_writer *dwarf = &fixture->dwarf;
	dwarf_init(dwarf, minor >= 26 ? 5 : 4);
	dwarf_begin_unit(dwarf, "main", GO_TEXT, GO_TEXT + 0x10000);
	fixture->t_int = dwarf_base(dwarf, "int", DW_ATE_signed, 8, GO_INT);
	fixture->t_bool = dwarf_base(dwarf, "bool", DW_ATE_boolean, 1, GO_BOOL);
	fixture->t_uint8 = dwarf_base(dwarf, "uint8", DW_ATE_unsigned, 1, GO_UINT8);
	fixture->t_float64 = dwarf_base(dwarf, "float64", DW_ATE_float, 8, GO_FLOAT64);
	fixture->t_string = dwarf_struct(dwarf, "string", 16, GO_STRING);
	dwarf_end_children(dwarf);
	fixture->t_slice = dwarf_struct(dwarf, "[]int", 24, GO_SLICE);
	dwarf_end_children(dwarf);
	fixture->t_t = dwarf_struct(dwarf, "main.T", 16, GO_STRUCT);
	dwarf_member(dwarf, "s", fixture->t_string, 0);
	dwarf_end_children(dwarf);
	fixture->t_pointer = dwarf_pointer(dwarf, "*main.T", fixture->t_t);
}

// A function in pclntab; with_dwarf opens its subprogram too, whose parameters come next.
static struct go_code *function(struct fixture *fixture, const char *name, int args_bytes,
				bool with_dwarf)
{
	size_t i = fixture->go.num_code++;
	assert_true(i < MAX_CODE);
	fixture->code[i] = (struct go_code){.name = name,
					    .file = "/src/main.go",
					    .line = 10 + (int)i,
					    .size = 32,
					    .args_bytes = args_bytes};
	if (with_dwarf)
		dwarf_subprogram(&fixture->dwarf, name, go_entry(&fixture->go, i), 32);
	return &fixture->code[i];
}

static void arg_info(struct go_code *code, const uint8_t *bytes, size_t len)
{
	code->arg_info = bytes;
	code->arg_info_len = len;
}

#define ARG_INFO(code, ...)                                                        \
	do {                                                                       \
		static const uint8_t bytes_[] = {__VA_ARGS__ __VA_OPT__(, ) 0xff}; \
		arg_info(code, bytes_, sizeof(bytes_));                            \
	} while (0)

// Where the location list of the parameter just written names its registers, from the entry on.
static void in_registers(struct fixture *fixture, const uint8_t *regs, size_t num)
{
	uint8_t bytes[32];
	size_t len = 0;
	for (size_t i = 0; i < num; i++) {
		bytes[len++] = (uint8_t)(DW_OP_reg0 + regs[i]);
		if (num > 1) {
			bytes[len++] = DW_OP_piece;
			bytes[len++] = 8;
		}
	}
	dwarf_list(&fixture->dwarf, DW_AT_location, GO_TEXT, GO_TEXT + 0x10000, bytes, len);
}

enum { RAX = 0, RCX = 2, RBX = 3, RSI = 4, RDI = 5, R9 = 9 }; // DWARF's numbers
#define IN(fixture, ...)                                      \
	in_registers(fixture, (const uint8_t[]){__VA_ARGS__}, \
		     sizeof((const uint8_t[]){__VA_ARGS__}))

static void on_stack(struct fixture *fixture, uint8_t cfa_off)
{
	assert_true(cfa_off < 0x40); // one byte of a signed number
	uint8_t bytes[] = {DW_OP_fbreg, cfa_off};
	dwarf_list(&fixture->dwarf, DW_AT_location, GO_TEXT, GO_TEXT + 0x10000, bytes,
		   sizeof(bytes));
}

static void param(struct fixture *fixture, const char *name, uint64_t type)
{
	dwarf_param(&fixture->dwarf, name, type, false);
}

static void result(struct fixture *fixture, const char *name, uint64_t type)
{
	dwarf_param(&fixture->dwarf, name, type, true);
}

static void end_function(struct fixture *fixture)
{
	dwarf_end_children(&fixture->dwarf);
}

static void end(struct fixture *fixture, bool with_dwarf)
{
	char path[64];
	dwarf_end_unit(&fixture->dwarf);
	if (with_dwarf)
		dwarf_add(&fixture->dwarf, &fixture->go.elf);
	assert_true(go_save(&fixture->go, path));
	struct error *err = index_open(path, "prog", "", &fixture->index);
	unlink(path);
	if (err)
		fail_msg("%s", error_message(err));
}

static void close_fixture(struct fixture *fixture)
{
	index_close(fixture->index);
	go_deinit(&fixture->go);
	dwarf_deinit(&fixture->dwarf);
}

static const struct func *named(const struct fixture *fixture, const char *name)
{
	const struct func *func = NULL;
	assert_int_equal(index_named(fixture->index, name, &func, 1), 1);
	return func;
}

static void assert_signature(struct fixture *fixture, const char *name, const char *expected)
{
	struct text text;
	text_init(&text);
	index_write_signature(fixture->index, named(fixture, name), &text);
	assert_string_equal(text_string(&text), expected);
	text_deinit(&text);
}

// The places of a function's parameters, results behind a bar, what is hidden in brackets.
static void assert_places(struct fixture *fixture, const char *name, const char *expected)
{
	const struct signature *signature = index_signature(fixture->index, named(fixture, name));
	struct text text;
	text_init(&text);
	for (size_t i = 0; i < signature->num_params; i++) {
		const struct param *at = &signature->params[i];
		char place[100];
		abi_describe(arch_find(EM_X86_64), at, place, sizeof(place));
		text_printf(&text, at->is_hidden ? "%s%s[%s]" : "%s%s%s", i ? " " : "",
			    i == signature->num_args ? "| " : "", place);
	}
	assert_string_equal(text_string(&text), expected);
	text_deinit(&text);
}

static void test_functions(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.24.4", 20, 23);
	function(&fixture, "main.main", -1, false)->size = 20;
	function(&fixture, "ex.am/lib%2ev3.F", 8, false);
	function(&fixture, "main.(*T).Method", 8, false)->func_id = WRAPPER;
	function(&fixture, "type:.eq.main.T", 16, false);
	function(&fixture, "runtime.mallocgc", 24, false);
	function(&fixture, "internal/runtime/maps.newTable", 24, false);
	function(&fixture, "runtime/debug.Stack", 24, false);
	function(&fixture, "math.archFloor", 16, false)->flag = ASM;
	function(&fixture, "memeqbody", 8, false)->flag = ASM;
	function(&fixture, "main.wrapped", 8, false);
	struct go_code *before_wrapper = function(&fixture, "runtime.systemstack_switch", 8, false);
	before_wrapper->func_id = WRAPPER - 1;
	before_wrapper->flag = ASM;
	struct go_code *auto_made = function(&fixture, "main.T.Promoted", 8, false);
	auto_made->file = "<autogenerated>";
	struct elf_writer *elf = &fixture.go.elf;
	static const uint8_t foreign[64];
	elf_load(elf, FOREIGN_TEXT, PF_R | PF_X, foreign, sizeof(foreign), 0);
	elf_symbol(elf, "main.main", go_entry(&fixture.go, 0), 17, STT_FUNC);
	elf_symbol(elf, "main.wrapped.abi0", go_entry(&fixture.go, 9), 32, STT_FUNC);
	elf_symbol(elf, "inside", go_entry(&fixture.go, 1) + 4, 8, STT_FUNC);
	elf_symbol(elf, "puts", FOREIGN_TEXT + 16, 10, STT_FUNC);
	elf_symbol(elf, "puts_alias", FOREIGN_TEXT + 16, 10, STT_FUNC);
	elf_symbol(elf, "data", GO_DATA, 10, STT_OBJECT);
	elf_symbol(elf, "nowhere", 0x10, 10, STT_FUNC);
	end(&fixture, false);

	size_t num;
	const struct func *funcs = index_funcs(fixture.index, &num);
	assert_int_equal(num, 13);
	for (size_t i = 0; i < num; i++) {
		assert_int_equal(funcs[i].number, i);
		assert_true(!i || funcs[i].vaddr > funcs[i - 1].vaddr);
	}
	assert_int_equal(named(&fixture, "main.main")->size, 17); // as the symbol says
	assert_int_equal(named(&fixture, "main.main")->flags, 0);
	assert_int_equal(named(&fixture, "ex.am/lib.v3.F")->vaddr, go_entry(&fixture.go, 1));
	assert_int_equal(named(&fixture, "ex.am/lib%2ev3.F")->vaddr, go_entry(&fixture.go, 1));
	assert_int_equal(named(&fixture, "main.(*T).Method")->flags, FUNC_WRAPPER);
	assert_int_equal(named(&fixture, "main.T.Promoted")->flags, FUNC_WRAPPER);
	assert_int_equal(named(&fixture, "type:.eq.main.T")->flags, FUNC_WRAPPER);
	assert_int_equal(named(&fixture, "runtime.mallocgc")->flags, FUNC_RUNTIME);
	assert_int_equal(named(&fixture, "internal/runtime/maps.newTable")->flags, FUNC_RUNTIME);
	assert_int_equal(named(&fixture, "runtime/debug.Stack")->flags, 0);
	assert_int_equal(named(&fixture, "math.archFloor")->flags, FUNC_ASM | FUNC_ABI0);
	assert_int_equal(named(&fixture, "memeqbody")->flags, FUNC_ASM | FUNC_ABI0 | FUNC_RUNTIME);
	assert_int_equal(named(&fixture, "main.wrapped")->flags, FUNC_ABI0);
	assert_int_equal(named(&fixture, "puts")->flags, FUNC_FOREIGN);
	assert_signature(&fixture, "puts", "func(?)");
	assert_int_equal(index_named(fixture.index, "inside", NULL, 0), 0);
	assert_int_equal(index_named(fixture.index, "", NULL, 0), 0);

	const struct func *main = named(&fixture, "main.main");
	assert_ptr_equal(index_func_at(fixture.index, main->vaddr), main);
	assert_ptr_equal(index_func_at(fixture.index, main->vaddr + 16), main);
	assert_null(index_func_at(fixture.index, main->vaddr + 17)); // padding
	assert_null(index_func_at(fixture.index, 0));
	assert_null(index_func_at(fixture.index, UINT64_MAX));
	const char *file;
	int line;
	assert_true(index_line(fixture.index, main->vaddr, &file, &line));
	assert_string_equal(file, "/src/main.go");
	assert_int_equal(line, 10);
	assert_true(index_has_symtab(fixture.index));
	assert_false(index_has_dwarf(fixture.index));
	assert_null(index_debug_path(fixture.index));
	assert_int_equal(index_version(fixture.index).minor, 24);
	assert_null(index_type(fixture.index, "main.T"));
	close_fixture(&fixture);
}

static void test_stripped(void **state)
{
	(void)state;
	static const uint8_t padded[32] = {0x90, 0xc3, 0xcc, 0x90, 0xc3, [5 ... 31] = 0xcc};
	struct fixture fixture;
	begin(&fixture, "go1.24.4", 20, 23);
	function(&fixture, "main.f", 24, false)->bytes = padded;
	ARG_INFO(&fixture.code[0], 0x00, 8, 0xfe, 8, 8, 16, 8, 0xfd);
	function(&fixture, "main.none", -1, false);
	// an assembly function and its wrapper for Go, a Go function and its wrapper for assembly
	function(&fixture, "main.asm", 8, false)->flag = ASM;
	function(&fixture, "main.asm", 8, false)->func_id = WRAPPER;
	function(&fixture, "main.called", 8, false);
	function(&fixture, "main.called", 8, false)->func_id = WRAPPER;
	function(&fixture, "runtime.systemstack_switch", 8, false)->func_id = WRAPPER - 1;
	end(&fixture, false);

	assert_false(index_has_symtab(fixture.index));
	// Eight bytes more than the last instruction: they could be its immediate.
	assert_int_equal(named(&fixture, "main.f")->size, 13);
	assert_places(&fixture, "main.f", "RAX RBX RCX");
	const struct signature *signature =
		index_signature(fixture.index, named(&fixture, "main.f"));
	assert_false(signature->is_known);
	assert_true(signature->is_raw);
	assert_string_equal(signature->params[1].name, "RBX");
	assert_null(signature->params[1].type);
	assert_signature(&fixture, "main.f", "func(?)");
	assert_places(&fixture, "main.none", "");
	const struct func *found[3];
	assert_int_equal(index_named(fixture.index, "main.asm", found, 3), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(found[i]->flags & FUNC_ABI0 ? 1 : 0,
				 found[i]->flags & FUNC_ASM ? 1 : 0);
	assert_int_equal(index_named(fixture.index, "main.called", found, 3), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(found[i]->flags & FUNC_ABI0 ? 1 : 0,
				 found[i]->flags & FUNC_WRAPPER ? 1 : 0);
	close_fixture(&fixture);
}

static void test_signature(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.24.4", 20, 23);
	ARG_INFO(function(&fixture, "main.(*T).Get", 24, true), 0, 8, 0xfe, 8, 8, 16, 8, 0xfd);
	param(&fixture, "t", fixture.t_pointer);
	IN(&fixture, RAX);
	param(&fixture, "key", fixture.t_string);
	IN(&fixture, RBX); // its length is not used
	result(&fixture, "~r0", fixture.t_string);
	result(&fixture, "~r1", fixture.t_bool);
	end_function(&fixture);
	ARG_INFO(function(&fixture, "main.named", 16, true), 0, 8, 8, 1);
	param(&fixture, "~p0", fixture.t_int);
	param(&fixture, "on", fixture.t_bool);
	result(&fixture, "n", fixture.t_int);
	result(&fixture, "n", fixture.t_int);
	end_function(&fixture);
	function(&fixture, "main.none", -1, true);
	end_function(&fixture);
	// func() (_ int, s string)
	function(&fixture, "main.T.blank", -1, true);
	result(&fixture, "~r0", fixture.t_int);
	result(&fixture, "s", fixture.t_string);
	end_function(&fixture);
	ARG_INFO(function(&fixture, "main.T.Value", 16, true), 0xfe, 0, 8, 8, 8, 0xfd);
	param(&fixture, "t", fixture.t_t);
	end_function(&fixture);
	end(&fixture, true);

	assert_signature(&fixture, "main.T.blank", "func() (_ int, s string)");
	assert_places(&fixture, "main.T.Value", "RAX+RBX");
	assert_true(index_signature(fixture.index, named(&fixture, "main.T.Value"))
			    ->params[0]
			    .is_receiver);
	assert_signature(&fixture, "main.(*T).Get", "func(t *main.T, key string) (string, bool)");
	assert_places(&fixture, "main.(*T).Get", "RAX RBX+RCX | RAX+RBX RCX");
	const struct signature *signature =
		index_signature(fixture.index, named(&fixture, "main.(*T).Get"));
	assert_true(signature->params[0].is_receiver);
	assert_false(signature->params[1].is_receiver);
	assert_int_equal(signature->params[3].ret_slot, 1);
	assert_ptr_equal(index_signature(fixture.index, named(&fixture, "main.(*T).Get")),
			 signature);
	assert_signature(&fixture, "main.named", "func(_ int, on bool) (n int)");
	assert_places(&fixture, "main.named", "RAX RBX | RAX");
	assert_signature(&fixture, "main.none", "func()");
	assert_string_equal(index_type(fixture.index, "main.T")->name, "main.T");
	assert_null(index_type(fixture.index, "main.U"));
	assert_null(index_warning(fixture.index));
	assert_true(index_has_dwarf(fixture.index));
	close_fixture(&fixture);
}

static void test_witnesses_against(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.24.4", 20, 23);
	// a location list that names another place makes that parameter unknown, and no other
	ARG_INFO(function(&fixture, "main.list", 24, true), 0, 8, 8, 8, 16, 8);
	param(&fixture, "a", fixture.t_int);
	IN(&fixture, RAX);
	param(&fixture, "b", fixture.t_int);
	IN(&fixture, RSI);
	param(&fixture, "c", fixture.t_int);
	IN(&fixture, RCX);
	end_function(&fixture);
	// a word that DWARF does not account for: what a list confirms stays, the rest is unknown
	ARG_INFO(function(&fixture, "main.words", 24, true), 0, 8, 8, 8, 16, 8);
	param(&fixture, "a", fixture.t_int);
	IN(&fixture, RAX);
	param(&fixture, "b", fixture.t_int);
	result(&fixture, "~r0", fixture.t_int);
	end_function(&fixture);
	// an area of another size
	function(&fixture, "main.area", 40, true);
	param(&fixture, "a", fixture.t_slice);
	result(&fixture, "~r0", fixture.t_int);
	end_function(&fixture);
	end(&fixture, true);

	assert_places(&fixture, "main.list", "RAX ? RCX");
	assert_places(&fixture, "main.words", "RAX ? | RAX");
	assert_places(&fixture, "main.area", "? | RAX");
	const struct signature *signature =
		index_signature(fixture.index, named(&fixture, "main.list"));
	assert_non_null(strstr(signature->params[1].unknown, "location list"));
	close_fixture(&fixture);
}

static void test_dictionaries(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.24.4", 20, 23);
	ARG_INFO(function(&fixture, "main.Map[go.shape.int]", 16, true), 8, 8);
	param(&fixture, "x", fixture.t_int);
	IN(&fixture, RBX);
	end_function(&fixture);
	ARG_INFO(function(&fixture, "main.(*L[go.shape.int]).Add", 24, true), 8, 8, 16, 8);
	param(&fixture, "l", fixture.t_pointer);
	param(&fixture, "x", fixture.t_int);
	end_function(&fixture);
	ARG_INFO(function(&fixture, "main.Map[go.shape.int].func1", 8, true));
	param(&fixture, "x", fixture.t_int);
	IN(&fixture, RAX);
	end_function(&fixture);
	// Go lists it behind all others where the function was inlined too
	ARG_INFO(function(&fixture, "main.Min[go.shape.int]", 24, true), 8, 8, 16, 8);
	param(&fixture, "x", fixture.t_int);
	IN(&fixture, RBX);
	param(&fixture, "y", fixture.t_int);
	IN(&fixture, RCX);
	result(&fixture, "~r0", fixture.t_int);
	param(&fixture, ".dict", fixture.t_pointer);
	end_function(&fixture);
	// a dictionary and results alone
	ARG_INFO(function(&fixture, "main.(*L[go.shape.int]).None", 8, true));
	result(&fixture, "~r0", fixture.t_int);
	end_function(&fixture);
	// a closure that is called where it stands gets what it captures, and the dictionary last
	ARG_INFO(function(&fixture, "main.Map[go.shape.int].func2", 24, true), 8, 8, 16, 8);
	param(&fixture, "x", fixture.t_int);
	param(&fixture, "&y", fixture.t_pointer);
	IN(&fixture, RBX);
	param(&fixture, ".dict", fixture.t_pointer);
	IN(&fixture, RCX);
	end_function(&fixture);
	end(&fixture, true);

	assert_places(&fixture, "main.(*L[go.shape.int]).None", "[RAX] | RAX");
	assert_places(&fixture, "main.Map[go.shape.int].func2", "RAX RBX [RCX]");
	assert_places(&fixture, "main.Map[go.shape.int]", "[RAX] RBX");
	assert_places(&fixture, "main.(*L[go.shape.int]).Add", "RAX [RBX] RCX");
	assert_places(&fixture, "main.Map[go.shape.int].func1", "RAX");
	assert_places(&fixture, "main.Min[go.shape.int]", "[RAX] RBX RCX | RAX");
	assert_signature(&fixture, "main.Min[go.shape.int]", "func(x int, y int) int");
	close_fixture(&fixture);

	// Go 1.19 puts it before the receiver, and abbreviates the name
	begin(&fixture, "go1.19.8", 18, 18);
	uint64_t entry = go_entry(&fixture.go, 0);
	dwarf_subprogram(&fixture.dwarf, "main.(*L[go.shape.int_0]).Add", entry, 32);
	param(&fixture, "l", fixture.t_pointer);
	IN(&fixture, RBX);
	param(&fixture, "x", fixture.t_int);
	end_function(&fixture);
	ARG_INFO(function(&fixture, "main.(*L[...]).Add", 24, false), 8, 8, 16, 8);
	elf_symbol(&fixture.go.elf, "main.(*L[go.shape.int_0]).Add", entry, 32, STT_FUNC);
	end(&fixture, true);
	assert_places(&fixture, "main.(*L[go.shape.int_0]).Add", "[RAX] RBX RCX");
	close_fixture(&fixture);

	// 1.20: nobody has looked, a list must tell
	begin(&fixture, "go1.20.1", 20, 21);
	ARG_INFO(function(&fixture, "main.(*L[go.shape.int]).Add", 24, true), 8, 8, 16, 8);
	param(&fixture, "l", fixture.t_pointer);
	param(&fixture, "x", fixture.t_int);
	end_function(&fixture);
	ARG_INFO(function(&fixture, "main.(*L[go.shape.int]).Sub", 24, true), 8, 8, 16, 8);
	param(&fixture, "l", fixture.t_pointer);
	IN(&fixture, RAX);
	param(&fixture, "x", fixture.t_int);
	end_function(&fixture);
	end(&fixture, true);
	assert_places(&fixture, "main.(*L[go.shape.int]).Add", "[RAX] ? RCX");
	assert_places(&fixture, "main.(*L[go.shape.int]).Sub", "RAX [RBX] RCX");
	close_fixture(&fixture);
}

static void test_blanks(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.21.13", 20, 21);
	// func blanks(_ int, b string, _ []int, d int)
	ARG_INFO(function(&fixture, "main.blanks", 56, true), 0, 8, 0xfe, 8, 8, 16, 8, 0xfd, 0xfe,
		 24, 8, 32, 8, 40, 8, 0xfd, 48, 8);
	param(&fixture, "b", fixture.t_string);
	IN(&fixture, RBX, RCX);
	param(&fixture, "d", fixture.t_int);
	IN(&fixture, R9);
	end_function(&fixture);
	// the same without a list for d: the third might be a struct of floats
	ARG_INFO(function(&fixture, "main.unsure", 56, true), 0, 8, 0xfe, 8, 8, 16, 8, 0xfd, 0xfe,
		 24, 8, 32, 8, 40, 8, 0xfd, 48, 8);
	param(&fixture, "b", fixture.t_string);
	IN(&fixture, RBX, RCX);
	param(&fixture, "d", fixture.t_int);
	end_function(&fixture);
	// func(_ int, a int) or func(a int, _ int): only the list tells
	ARG_INFO(function(&fixture, "main.second", 16, true), 0, 8, 8, 8);
	param(&fixture, "a", fixture.t_int);
	IN(&fixture, RBX);
	end_function(&fixture);
	ARG_INFO(function(&fixture, "main.either", 16, true), 0, 8, 8, 8);
	param(&fixture, "a", fixture.t_int);
	result(&fixture, "~r0", fixture.t_int);
	end_function(&fixture);
	// func(_ int8, _ float64, c float64): the second may be an int or a float for all that is
	// known
	ARG_INFO(function(&fixture, "main.floats", 24, true), 0, 1, 8, 8, 16, 8);
	param(&fixture, "c", fixture.t_float64);
	end_function(&fixture);
	end(&fixture, true);

	assert_places(&fixture, "main.blanks", "? RBX+RCX ? R9");
	assert_signature(&fixture, "main.blanks", "func(_ ?, b string, _ ?, d int)");
	assert_places(&fixture, "main.unsure", "? RBX+RCX ? ?");
	assert_places(&fixture, "main.second", "? RBX");
	assert_places(&fixture, "main.either", "? ? | RAX");
	assert_places(&fixture, "main.floats", "? ? ?");
	close_fixture(&fixture);
}

// Sizes agree by chance with another layout: the ABI of stacks, an array for a struct, a blank in
// padding that ArgInfo does not reach.
static void test_coincidences_prove_nothing(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.21.13", 20, 21);
	// func (*T) N() int
	ARG_INFO(function(&fixture, "main.(*T).N", 8, true), 0, 8);
	result(&fixture, "~r0", fixture.t_int);
	end_function(&fixture);
	// func ok(_ bool) bool
	ARG_INFO(function(&fixture, "main.ok", 8, true), 0, 1);
	result(&fixture, "~r0", fixture.t_bool);
	end_function(&fixture);
	// func (conn) Name() string, with struct conn of two words
	ARG_INFO(function(&fixture, "main.conn.Name", 16, true), 0xfe, 0, 8, 8, 8, 0xfd);
	result(&fixture, "~r0", fixture.t_string);
	end_function(&fixture);
	// func(_ [2]int, c int), the array on the stack, has the words of func(_ conn, c int)
	ARG_INFO(function(&fixture, "main.array", 24, true), 0xfe, 0, 8, 8, 8, 0xfd, 16, 8);
	param(&fixture, "c", fixture.t_int);
	end_function(&fixture);
	ARG_INFO(function(&fixture, "main.listed", 24, true), 0xfe, 0, 8, 8, 8, 0xfd, 16, 8);
	param(&fixture, "c", fixture.t_int);
	IN(&fixture, RAX);
	end_function(&fixture);
	// func(s, t, u, v string, n int, d, _, e bool), the bools on the stack
	ARG_INFO(function(&fixture, "main.cut", 80, true), 0xfe, 8, 8, 16, 8, 0xfd, 0xfe, 24, 8, 32,
		 8, 0xfd, 0xfe, 40, 8, 48, 8, 0xfd, 0xfe, 56, 8, 64, 8, 0xfd, 72, 8, 0, 1, 0xfc);
	param(&fixture, "s", fixture.t_string);
	param(&fixture, "t", fixture.t_string);
	param(&fixture, "u", fixture.t_string);
	param(&fixture, "v", fixture.t_string);
	param(&fixture, "n", fixture.t_int);
	param(&fixture, "d", fixture.t_bool);
	on_stack(&fixture, 0);
	param(&fixture, "e", fixture.t_bool);
	end_function(&fixture);
	end(&fixture, true);

	assert_places(&fixture, "main.(*T).N", "? | RAX");
	assert_places(&fixture, "main.ok", "? | RAX");
	assert_places(&fixture, "main.conn.Name", "? | RAX+RBX");
	assert_places(&fixture, "main.array", "? ?");
	assert_places(&fixture, "main.listed", "? RAX");
	assert_places(&fixture, "main.cut", "RAX+RBX RCX+RDI RSI+R8 R9+R10 R11 stack+0 ?");
	close_fixture(&fixture);
}

// A closure of a generic function whose last parameter is blank has the words of one with a dictionary.
static void test_blank_is_no_dictionary(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.21.13", 20, 21);
	ARG_INFO(function(&fixture, "main.Map[go.shape.int].func1", 16, true), 8, 8);
	param(&fixture, "x", fixture.t_int);
	result(&fixture, "~r0", fixture.t_int);
	end_function(&fixture);
	end(&fixture, true);
	const struct signature *signature =
		index_signature(fixture.index, named(&fixture, "main.Map[go.shape.int].func1"));
	for (size_t i = 0; i < signature->num_args; i++)
		assert_true(signature->params[i].unknown || signature->params[i].is_hidden);
	close_fixture(&fixture);
}

// DWARF of a loop's body that is a function lists no result: whether the loop goes on.
static void test_range_bodies(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.24.4", 20, 23);
	static const char *const names[] = {"main.use-range1", "main.Map[go.shape.int]-range12",
					    "main.use-range1.func2"};
	for (size_t i = 0; i < 3; i++) {
		ARG_INFO(function(&fixture, names[i], 8, true), 0, 8);
		param(&fixture, "i", fixture.t_int);
		IN(&fixture, RAX);
		end_function(&fixture);
	}
	end(&fixture, true);
	assert_signature(&fixture, names[0], "func(i int) bool");
	assert_places(&fixture, names[0], "RAX | RAX");
	assert_places(&fixture, names[1], "RAX | RAX");
	assert_places(&fixture, names[2], "RAX");
	close_fixture(&fixture);
}

static void test_stack_abi(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.15.15", 2, 2);
	function(&fixture, "main.f", 32, true);
	param(&fixture, "a", fixture.t_int);
	param(&fixture, "on", fixture.t_bool);
	result(&fixture, "~r2", fixture.t_string);
	end_function(&fixture);
	// func blanks(_ int, b int, _ string, d string) (n int); of d only the length is used
	function(&fixture, "main.blanks", 56, true);
	param(&fixture, "b", fixture.t_int);
	on_stack(&fixture, 8);
	param(&fixture, "d", fixture.t_string);
	on_stack(&fixture, 40);
	result(&fixture, "n", fixture.t_int);
	end_function(&fixture);
	// func(_ bool, b bool) (n int): a blank hides in the padding
	function(&fixture, "main.hides", 16, true);
	param(&fixture, "b", fixture.t_bool);
	result(&fixture, "n", fixture.t_int);
	end_function(&fixture);
	function(&fixture, "main.confirmed", 16, true);
	param(&fixture, "b", fixture.t_bool);
	on_stack(&fixture, 0);
	result(&fixture, "n", fixture.t_int);
	end_function(&fixture);
	function(&fixture, "main.raw", 24, false);
	end(&fixture, true);

	assert_places(&fixture, "main.f", "stack+0 stack+8 | stack+16");
	assert_signature(&fixture, "main.f", "func(a int, on bool) string");
	assert_int_equal(index_signature(fixture.index, named(&fixture, "main.f"))->abi, ABI0);
	assert_places(&fixture, "main.blanks", "? stack+8 ? ? | stack+48");
	assert_places(&fixture, "main.hides", "? | stack+8");
	assert_places(&fixture, "main.confirmed", "stack+0 | stack+8");
	assert_places(&fixture, "main.raw", "stack+0 stack+8 stack+16");
	close_fixture(&fixture);
}

// Go 1.15 lists a parameter of size 0 after the one that comes after it: it has the same place.
static void test_sizes_of_zero(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.15.15", 2, 2);
	uint64_t none = dwarf_array(&fixture.dwarf, "[0]int", fixture.t_int, 0, 0);
	// func(n int) (r uint8, _ [0]int, q bool)
	function(&fixture, "main.between", 24, true);
	param(&fixture, "n", fixture.t_int);
	on_stack(&fixture, 0);
	result(&fixture, "r", fixture.t_uint8);
	result(&fixture, "q", fixture.t_bool);
	result(&fixture, "~b1", none);
	end_function(&fixture);
	// func(n int) (_ [0]int, q int, r uint8): the places are the same in every order
	function(&fixture, "main.first", 24, true);
	param(&fixture, "n", fixture.t_int);
	on_stack(&fixture, 0);
	result(&fixture, "q", fixture.t_int);
	result(&fixture, "~b1", none);
	result(&fixture, "r", fixture.t_uint8);
	end_function(&fixture);
	// func(x uint8, z [0]int, b uint8) int
	function(&fixture, "main.args", 24, true);
	param(&fixture, "x", fixture.t_uint8);
	on_stack(&fixture, 0);
	param(&fixture, "b", fixture.t_uint8);
	on_stack(&fixture, 8);
	param(&fixture, "z", none);
	result(&fixture, "~r3", fixture.t_int);
	end_function(&fixture);
	// func(_ int) (z [0]int, r uint8, q bool) has the size of func() (r uint8, z [0]int, q bool)
	function(&fixture, "main.either", 16, true);
	result(&fixture, "r", fixture.t_uint8);
	result(&fixture, "q", fixture.t_bool);
	result(&fixture, "z", none);
	end_function(&fixture);
	end(&fixture, true);

	assert_places(&fixture, "main.between", "stack+0 | stack+8 nowhere stack+16");
	assert_places(&fixture, "main.first", "stack+0 | nowhere stack+8 stack+16");
	assert_places(&fixture, "main.args", "stack+0 nowhere stack+8 | stack+16");
	assert_places(&fixture, "main.either", "| ? nowhere ?");
	close_fixture(&fixture);
}

static void test_abi0_by_symbol(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.27.3", 20, 27);
	ARG_INFO(function(&fixture, "main.f", 16, true), 0, 8);
	param(&fixture, "a", fixture.t_int);
	on_stack(&fixture, 0);
	result(&fixture, "~r0", fixture.t_int);
	end_function(&fixture);
	fixture.code[0].func_id = WRAPPER;
	ARG_INFO(function(&fixture, "main.g", 8, true), 0, 8);
	param(&fixture, "a", fixture.t_int);
	IN(&fixture, RAX);
	result(&fixture, "~r0", fixture.t_int);
	end_function(&fixture);
	elf_symbol(&fixture.go.elf, "main.f.abi0", go_entry(&fixture.go, 0), 32, STT_FUNC);
	elf_symbol(&fixture.go.elf, "main.g", go_entry(&fixture.go, 1), 32, STT_FUNC);
	end(&fixture, true);

	assert_places(&fixture, "main.f", "stack+0 | stack+8");
	assert_places(&fixture, "main.g", "RAX | RAX");
	close_fixture(&fixture);
}

static void assert_place_at(struct fixture *fixture, size_t i, const char *expected)
{
	const struct func *func = index_func_at(fixture->index, go_entry(&fixture->go, i));
	assert_non_null(func);
	char place[100];
	abi_describe(arch_find(EM_X86_64), &index_signature(fixture->index, func)->params[0], place,
		     sizeof(place));
	assert_string_equal(place, expected);
}

// DWARF without symbols: of two functions with one name, lists tell which is of the stack's ABI.
static void test_abi_without_symbols(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.27.3", 20, 27);
	for (size_t i = 0; i < 4; i++) {
		ARG_INFO(function(&fixture, i < 2 ? "main.f" : "main.g", 8, true), 0, 8);
		param(&fixture, "a", fixture.t_int);
		if (i == 0)
			IN(&fixture, RAX);
		else if (i == 1)
			on_stack(&fixture, 0);
		end_function(&fixture);
	}
	end(&fixture, true);
	assert_place_at(&fixture, 0, "RAX");
	assert_place_at(&fixture, 1, "stack+0");
	assert_place_at(&fixture, 2, "?");
	assert_place_at(&fixture, 3, "?");
	close_fixture(&fixture);
}

static void wrapper(struct fixture *fixture, const char *name, const char *inlined,
		    const uint8_t *bytes)
{
	struct go_code *code = function(fixture, name, 8, false);
	code->func_id = WRAPPER;
	code->inlined = inlined;
	code->bytes = bytes;
}

static void assert_text(const char *text, const char *expected)
{
	assert_string_equal(text ? text : "", expected ? expected : "");
}

static void assert_body(struct fixture *fixture, size_t i, const char *name, const char *symbol,
			const char *body)
{
	const struct func *func = index_func_at(fixture->index, go_entry(&fixture->go, i));
	assert_non_null(func);
	assert_text(func->name, name);
	assert_text(func->symbol, symbol);
	assert_text(func->body, body);
}

// Wrappers that hold a method's code have the method's name.
static void test_wrapper_bodies(void **state)
{
	(void)state;
	// Each calls the seventh function before it. The last byte of the call and the nop after it
	// look like a call through a register.
	static const uint8_t panics[32] = {0xe8, 0x1b, 0xff, 0xff, 0xff, 0x90, 0xc3};
	static const uint8_t calls[32] = {0xe8, 0x1b, 0xff, 0xff, 0xff, 0x90, 0xc3};
	struct fixture fixture;
	begin(&fixture, "go1.24.4", 20, 23);
	function(&fixture, "runtime.panicwrap", 8, false);
	function(&fixture, "main.G[go.shape.int].Has", 8, false);
	function(&fixture, "runtime.systemstack_switch", 8, false)->func_id = WRAPPER - 1;
	ARG_INFO(function(&fixture, "main.(*T).Own", 8, true), 0, 8);
	param(&fixture, "t", fixture.t_pointer);
	end_function(&fixture);
	fixture.code[3].func_id = WRAPPER;
	fixture.code[3].inlined = "main.T.Own";
	wrapper(&fixture, "main.G[int].Has", "main.G[go.shape.int].Has", NULL);
	wrapper(&fixture, "main.(*G[int]).Has", "main.G[go.shape.int].Has", NULL);
	wrapper(&fixture, "main.G[int].None", NULL, NULL);
	wrapper(&fixture, "main.(*G[int]).None", NULL, panics);
	wrapper(&fixture, "main.(*G[int]).Calls", NULL, calls);
	wrapper(&fixture, "main.(*L[int]).Ptr", "main.(*L[go.shape.int]).Ptr", NULL);
	wrapper(&fixture, "main.(*H[int]).Has", "main.G[go.shape.int].Has", NULL);
	wrapper(&fixture, "ex.am/lib.T.Value", NULL, NULL);
	wrapper(&fixture, "type:.eq.main.T", NULL, NULL);
	wrapper(&fixture, "main.main.gowrap1", NULL, NULL);
	wrapper(&fixture, "main.T.Own-fm", NULL, NULL);
	wrapper(&fixture, "ex.am/lib.asm", NULL, NULL);
	end(&fixture, true);
	assert_body(&fixture, 3, "main.T.Own", "main.(*T).Own", "main.T.Own");
	assert_body(&fixture, 4, "main.G[int].Has", NULL, "main.G[go.shape.int].Has");
	assert_body(&fixture, 5, "main.G[int].Has", "main.(*G[int]).Has",
		    "main.G[go.shape.int].Has");
	assert_body(&fixture, 6, "main.G[int].None", NULL, "main.G[int].None");
	assert_body(&fixture, 7, "main.G[int].None", "main.(*G[int]).None", "main.G[int].None");
	assert_body(&fixture, 8, "main.(*G[int]).Calls", NULL, NULL);
	assert_body(&fixture, 9, "main.(*L[int]).Ptr", NULL, "main.(*L[go.shape.int]).Ptr");
	assert_body(&fixture, 10, "main.(*H[int]).Has", NULL, "main.G[go.shape.int].Has");
	assert_body(&fixture, 11, "ex.am/lib.T.Value", NULL, "ex.am/lib.T.Value");
	for (size_t i = 12; i < 16; i++)
		assert_body(&fixture, i, fixture.code[i].name, NULL, NULL);
	// Without symbols: no other function has its symbol, so its ABI is certain.
	assert_places(&fixture, "main.(*T).Own", "RAX");
	close_fixture(&fixture);
}

// The table of Go 1.18 to 1.20 leaves out type arguments.
static void test_wrapper_bodies_of_short_names(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.20.14", 20, 20);
	function(&fixture, "runtime.systemstack_switch", 8, false)->func_id = WRAPPER - 1;
	wrapper(&fixture, "main.G[...].Has", "main.G[...].Has", NULL);
	wrapper(&fixture, "main.(*G[...]).Has", "main.G[...].Has", NULL);
	struct elf_writer *elf = &fixture.go.elf;
	elf_symbol(elf, "main.G[int].Has", go_entry(&fixture.go, 1), 32, STT_FUNC);
	elf_symbol(elf, "main.(*G[int]).Has", go_entry(&fixture.go, 2), 32, STT_FUNC);
	end(&fixture, false);
	assert_body(&fixture, 1, "main.G[int].Has", NULL, "main.G[...].Has");
	assert_body(&fixture, 2, "main.G[int].Has", "main.(*G[int]).Has", "main.G[...].Has");
	close_fixture(&fixture);
}

static void test_runtime_by_dwarf(void **state)
{
	(void)state;
	for (int has_all = 0; has_all < 2; has_all++) {
		struct fixture fixture;
		begin(&fixture, "go1.99", 20, 27);
		struct dwarf_writer *dwarf = &fixture.dwarf;
		function(&fixture, "main.main", -1, false);
		uint64_t stack = dwarf_struct(dwarf, "runtime.stack", 16, GO_STRUCT);
		dwarf_member(dwarf, "lo", fixture.t_int, 0);
		dwarf_member(dwarf, "hi", fixture.t_int, 8);
		dwarf_end_children(dwarf);
		dwarf_struct(dwarf, "runtime.g", 400, GO_STRUCT);
		dwarf_member(dwarf, "stack", stack, 16);
		if (has_all)
			dwarf_member(dwarf, "goid", fixture.t_int, 200);
		dwarf_end_children(dwarf);
		end(&fixture, true);
		const struct runtime_layout *layout = index_runtime(fixture.index);
		assert_int_equal(layout->is_certain, has_all);
		assert_int_equal(layout->g_stack_hi, has_all ? 24 : 8);
		if (has_all) {
			assert_int_equal(layout->g_goid, 200);
			assert_int_equal(layout->hchan_dataqsiz, 8); // as the table said
		}
		close_fixture(&fixture);
	}
}

static void test_damaged_dwarf_is_a_warning(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "go1.24.4", 20, 23);
	ARG_INFO(function(&fixture, "main.f", 8, true), 0, 8);
	param(&fixture, "a", fixture.t_int);
	end_function(&fixture);
	uint64_t off = dwarf_die(&fixture.dwarf, DW_TAG_variable, false);
	dwarf_string(&fixture.dwarf, DW_AT_name, "v");
	fixture.dwarf.info.data[off] = 0x7f;
	end(&fixture, true);

	assert_places(&fixture, "main.f", "RAX");
	assert_false(index_signature(fixture.index, named(&fixture, "main.f"))->is_known);
	assert_non_null(strstr(index_warning(fixture.index), "main"));
	close_fixture(&fixture);
}

// A cgo program that was linked with -w has DWARF of its C code; Go's is in a separate file.
static void test_separate_dwarf_beside_that_of_c(void **state)
{
	(void)state;
	struct fixture fixture;
	struct dwarf_writer of_c;
	begin(&fixture, "go1.24.4", 20, 23);
	ARG_INFO(function(&fixture, "main.f", 8, true), 0, 8);
	param(&fixture, "a", fixture.t_int);
	IN(&fixture, RAX);
	end_function(&fixture);
	dwarf_end_unit(&fixture.dwarf);

	struct elf_writer debug;
	elf_init(&debug);
	elf_load(&debug, GO_TEXT, PF_R | PF_X, NULL, 0, 0x1000);
	dwarf_add(&fixture.dwarf, &debug);
	char path[64], debug_path[64], name[64] = {0};
	assert_true(elf_finish(&debug) && elf_save(&debug, debug_path));
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)debug.file.data, (uInt)debug.file.len);
	size_t len = strlen(strcpy(name, strrchr(debug_path, '/') + 1)) + 1;
	len = (len + 3) & ~3ull;
	memcpy(name + len, &crc, sizeof(crc));

	dwarf_init(&of_c, 4);
	of_c.language = DW_LANG_C99;
	dwarf_begin_unit(&of_c, "x.c", GO_TEXT + 0x20000, GO_TEXT + 0x20001);
	dwarf_end_unit(&of_c);
	dwarf_add(&of_c, &fixture.go.elf);
	elf_section(&fixture.go.elf, ".gnu_debuglink", SHT_PROGBITS, name, len + sizeof(crc));
	assert_true(go_save(&fixture.go, path));
	assert_null(index_open(path, "prog", "", &fixture.index));
	assert_true(index_has_dwarf(fixture.index));
	assert_non_null(strstr(index_debug_path(fixture.index), debug_path));
	assert_true(index_signature(fixture.index, named(&fixture, "main.f"))->is_known);
	unlink(path);
	unlink(debug_path);
	elf_deinit(&debug);
	dwarf_deinit(&of_c);
	close_fixture(&fixture);
}

static void test_refused(void **state)
{
	(void)state;
	struct index *index = NULL;
	struct error *err = index_open("/nonexistent", NULL, "", &index);
	assert_non_null(err);
	error_free(err);
	err = index_open("/proc/self/status", "a text", "", &index);
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "a text"));
	error_free(err);
	assert_null(index);
	index_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_stripped),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_witnesses_against),
		cmocka_unit_test(test_dictionaries),
		cmocka_unit_test(test_blanks),
		cmocka_unit_test(test_coincidences_prove_nothing),
		cmocka_unit_test(test_blank_is_no_dictionary),
		cmocka_unit_test(test_range_bodies),
		cmocka_unit_test(test_stack_abi),
		cmocka_unit_test(test_sizes_of_zero),
		cmocka_unit_test(test_abi0_by_symbol),
		cmocka_unit_test(test_abi_without_symbols),
		cmocka_unit_test(test_wrapper_bodies),
		cmocka_unit_test(test_wrapper_bodies_of_short_names),
		cmocka_unit_test(test_runtime_by_dwarf),
		cmocka_unit_test(test_damaged_dwarf_is_a_warning),
		cmocka_unit_test(test_separate_dwarf_beside_that_of_c),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
