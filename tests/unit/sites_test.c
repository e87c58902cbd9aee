// SPDX-License-Identifier: GPL-2.0-or-later
// Code as Go's compilers of 1.15 to 1.27 and its assembly have it, and code that must be refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arch.h"
#include "arch/x86_64/insn.h"
#include "arch/sites.h"

enum { VADDR = 0x401000, MORESTACK = 0x480000, EXITS_MAX = 4 };

struct code_case {
	const char *name;
	const char *hex; // "MMMMMMMM" stands for the operand of a call of runtime.morestack
	const char *refused;
	unsigned entry; // offset
	bool is_checked, is_stepped;
	bool is_c;
	const char *exits; // "+" a RET, ">" a tail jump, then its offset in hexadecimal
};

static const struct code_case cases[] = {
	{"small frame, 1.19 on",
	 "493b6610 760e 55 4889e5 4883ec18 4883c418 5d c3 4889442408 e8MMMMMMMM 488b442408 ebdb",
	 .entry = 0x4, .is_checked = true, .exits = "+13"},
	{"medium frame, 1.19 on", "4c8d6424c0 4d3b6610 7603 55 5d c3 90 e8MMMMMMMM ebea",
	 .entry = 0x9, .is_checked = true, .exits = "+d"},
	{"large frame, 1.19 on, two branches",
	 "4989e4 4981ecf0110000 7209 4d3b6610 7603 55 5d c3 f20f11442408 e8MMMMMMMM f20f10442408 ebd8",
	 .entry = 0x10, .is_checked = true, .exits = "+14"},
	{"ABI0", "644c8b3425f8ffffff 493b6610 7603 55 5d c3 e8MMMMMMMM ebe7", .entry = 0xd,
	 .is_checked = true, .exits = "+11"},
	{"on the system stack", "493b6618 7601 c3 e8MMMMMMMM ebf2", .entry = 0x4,
	 .is_checked = true, .exits = "+6"},
	{"small frame, 1.15",
	 "64488b0c25f8ffffff 483b6110 7609 4883ec18 4883c418 c3 e8MMMMMMMM ebe1", .entry = 0xd,
	 .is_checked = true, .exits = "+17"},
	{"medium frame, 1.15", "64488b0c25f8ffffff 488d4424c0 483b4110 7601 c3 e8MMMMMMMM ebe4",
	 .entry = 0x12, .is_checked = true, .exits = "+14"},
	{"large frame, 1.15",
	 "64488b0c25f8ffffff 488b7110 4881fedefaffff 7414 488d8424a0030000 4829f0 483d34120000 7601 c3"
	 " e8MMMMMMMM ebcf",
	 .entry = 0x27, .is_checked = true, .exits = "+29"},
	{"position independent, 1.15", "48c7c1f8ffffff 64488b09 483b6110 7601 c3 e8MMMMMMMM ebe7",
	 .entry = 0xf, .is_checked = true, .exits = "+11"},
	{"branch of 32 bits", "493b6610 0f8601000000 c3 e8MMMMMMMM ebee", .entry = 0x4,
	 .is_checked = true, .exits = "+a"},
	{"a loop to before the check", "493b6610 7606 48ffc8 75f5 c3 e8MMMMMMMM ebed",
	 .refused = "branches back to its entry"},
	{"a check that ends in ja", "493b6610 7701 c3 e8MMMMMMMM ebf2",
	 .refused = "its stack check has a form that is not known"},
	{"a check that writes an argument register", "498b4610 4839c4 7601 c3 e8MMMMMMMM ebef",
	 .refused = "its stack check has a form that is not known"},
	{"two calls of morestack", "493b6610 7601 c3 e8MMMMMMMM e8MMMMMMMM ebed",
	 .refused = "calls runtime.morestack more than once"},
	{"morestack without a way back", "493b6610 7601 c3 e8MMMMMMMM c3",
	 .refused = "does not start again after its stack check"},
	{"a check that calls something else", "493b6610 7601 c3 e800000000 ebf2",
	 .refused = "branches back to its entry"},
	{"a check that calls something else and ends", "493b6610 7601 c3 e800000000 cc",
	 .refused = "its stack check calls what is not known to be runtime.morestack"},

	{"push first", "55 4889e5 4883ec08 4883c408 5d c3", .exits = "+d"},
	{"a leaf", "4801d8 c3", .is_stepped = true, .exits = "+3"},
	{"nop first", "90 4801d8 c3", .exits = "+4"},
	{"a branch behind a test", "4885c0 7403 488b00 c3", .entry = 0x3, .exits = "+8"},
	{"a nil check can fault before push", "8400 55 5d c3", .is_stepped = true, .exits = "+4"},
	{"scratch register", "41bc05000000 4c39e3 7203 48ffc0 c3", .entry = 0x9, .exits = "+e"},
	{"argument register", "b905000000 4839cb 7203 48ffc0 c3", .is_stepped = true,
	 .exits = "+d"},
	{"a store to the stack", "4889442408 55 5d c3", .is_stepped = true, .exits = "+7"},
	{"SP moved", "4883ec08 90 4883c408 c3", .is_stepped = true, .exits = "+9"},
	{"a loop to the entry", "488b03 4885c0 74f8 c3", .refused = "branches back to its entry"},
	{"a loop to behind the entry", "48ffc0 90 48ffc8 75fa c3", .is_stepped = true,
	 .exits = "+9"},
	{"a loop to the cheap instruction", "4839d8 90 48ffc8 75fa c3", .is_stepped = true,
	 .exits = "+9"},
	{"nothing but ret", "c3", .is_stepped = true, .exits = "+0"},
	{"nop and ret", "90 c3", .exits = "+1"},
	{"every form of ret", "85c0 7401 c3 f3c3 c20800 f2c3 cccc", .entry = 0x2,
	 .exits = "+4 +5 +7 +a"},
	{"tail jump", "488b00 e9f8040000", .is_stepped = true, .exits = ">3"},
	{"only a tail jump", "e9f8040000", .exits = ">0"},
	{"tail jump through a register", "488b08 488b4918 488b4008 ffe1", .is_stepped = true,
	 .exits = ">b"},
	{"a conditional branch out", "4885c0 0f84f7040000 c3",
	 .refused = "leaves by a conditional branch"},
	{"jump table", "4883f808 770a 488d0d00100000 ff24c1 c3", .entry = 0x4, .exits = "+10"},
	{"jump inside through a register", "488d0d02000000 ffe1 c3",
	 .refused = "jumps through a register to where is not known"},
	{"lock", "f02018 c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"lock add", "f0480108 c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"VEX, that kernels take for a branch", "c5fe7f07 c3",
	 .refused = "no instruction at its entry can carry a uprobe"},
	{"VEX of three bytes", "c4c17e7f07 c3",
	 .refused = "no instruction at its entry can carry a uprobe"},
	{"VEX with an opcode of push", "c5f854c1 c3",
	 .refused = "no instruction at its entry can carry a uprobe"},
	{"VEX of general registers, for GOAMD64=v3", "c4e2f1f7c3 c3",
	 .refused = "no instruction at its entry can carry a uprobe"},
	{"vzeroupper", "c5f877 55 5d c3",
	 .refused = "no instruction at its entry can carry a uprobe"},
	{"VEX behind the entry", "55 c5fe6f06 c5fe7f07 c5f877 5d c3", .exits = "+d"},
	{"EVEX store", "62f17e487f07 c3",
	 .refused = "no instruction at its entry can carry a uprobe"},
	{"syscall", "0f05 c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"sysenter", "0f34 c3",
	 .refused = "holds instructions that no program runs: data among its code"},
	{"rep stos", "f348ab c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"rep movs", "f3a4 c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"repne scas", "f2ae c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"stos", "48ab c3", .is_stepped = true, .exits = "+2"},
	{"f3 as a part of the opcode", "f30f10c1 c3", .is_stepped = true, .exits = "+4"},
	{"pushf", "9c 58 c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"popf", "9d c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"a ret with a segment", "55 5d 2ec3", .refused = "one of its exits cannot carry a uprobe"},
	{"a ret with lock", "55 5d f0c3", .refused = "one of its exits cannot carry a uprobe"},
	{"a tail jump with a segment", "55 5d 2ee9f8040000",
	 .refused = "one of its exits cannot carry a uprobe"},
	{"a tail jump with lock", "55 5d f0ffe0",
	 .refused = "one of its exits cannot carry a uprobe"},
	{"xchg that kernels take for a nop", "4990 e800010000 4990 c3",
	 .refused = "no instruction at its entry can carry a uprobe"},
	{"EVEX", "62f16d48fecb c3", .refused = "no instruction at its entry can carry a uprobe"},
	{"runs past its end", "4801d8", .refused = "runs past its end into other code"},
	{"ends in a call", "55 e800010000 90", .exits = ""},
	{"zeros behind it", "55 5d c3 000000", .exits = "+2"},
	{"data behind ret", "c3 0607", .refused = "its code does not decode"},
	{"cut short", "55 5d c3 e80000", .refused = "its code does not decode"},
	{"a branch into an instruction", "eb01 b805000000 c3",
	 .refused = "branches into the middle of an instruction"},
	{"out", "ee c3", .refused = "holds instructions that no program runs: data among its code"},
	{"no code", "", .refused = "has no code"},
	{"a wrapper's zero register", "450f57ff 90 c3", .entry = 0x4, .exits = "+5"},

	{"C", "f30f1efa 55 5d c3", .entry = 0x4, .exits = "+6", .is_c = true},
	{"C, jump through a register", "55 ffe0", "jumps through a register to where is not known",
	 .is_c = true},
	{"C, jump table", "55 3effe0 5d c3", .exits = "+5", .is_c = true},
};

static bool is_morestack(void *context, uint64_t vaddr)
{
	assert_null(context);
	return vaddr == MORESTACK;
}

static unsigned nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static size_t assemble(const char *hex, uint8_t *code)
{
	size_t size = 0;
	while (*hex) {
		if (*hex == ' ') {
			hex++;
		} else if (*hex == 'M') {
			int32_t rel = MORESTACK - (VADDR + size + 4);
			memcpy(code + size, &rel, 4);
			size += 4;
			hex += 8;
		} else {
			code[size++] = nibble(hex[0]) << 4 | nibble(hex[1]);
			hex += 2;
		}
	}
	return size;
}

static void check_exits(const struct sites *sites, const char *exits)
{
	size_t num = 1;
	while (*exits) {
		enum site_kind kind = *exits == '+' ? SITE_RETURN : SITE_TAIL;
		char *end;
		uint64_t vaddr = VADDR + strtoul(exits + 1, &end, 16);
		assert_true(num < sites->num);
		assert_int_equal(sites->site[num].kind, kind);
		assert_int_equal(sites->site[num].vaddr, vaddr);
		num++;
		exits = *end ? end + 1 : end;
	}
	assert_int_equal(sites->num, num);
}

static void check_case(struct sites_finder *finder, const struct code_case *c)
{
	uint8_t code[128];
	struct sites_query query = {
		.code = code,
		.vaddr = VADDR,
		.size = assemble(c->hex, code),
		.is_go = !c->is_c,
		.is_morestack = is_morestack,
	};
	struct sites sites;
	assert_null(sites_find(finder, &query, &sites));
	print_message("%s: %s\n", c->name, sites.refused ? sites.refused : "accepted");
	if (c->refused) {
		assert_non_null(sites.refused);
		assert_string_equal(sites.refused, c->refused);
		assert_int_equal(sites.num, 0);
		return;
	}
	assert_null(sites.refused);
	assert_int_equal(sites.site[0].kind, SITE_ENTRY);
	assert_int_equal(sites.site[0].vaddr, VADDR + c->entry);
	assert_int_equal(sites.site[0].skip_taken, c->is_checked);
	assert_int_equal(sites.has_stack_check, c->is_checked);
	assert_int_equal(sites.site[0].is_emulated, !c->is_stepped);
	check_exits(&sites, c->exits);
	sites_deinit(&sites);
}

static void test_cases(void **state)
{
	(void)state;
	struct sites_finder *finder;
	assert_null(sites_finder_create(arch_host(), &finder));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(finder, &cases[i]);
	sites_finder_destroy(finder);
}

static void test_too_large(void **state)
{
	(void)state;
	struct sites_finder *finder;
	assert_null(sites_finder_create(arch_host(), &finder));
	struct sites sites;
	struct sites_query query = {.code = (const uint8_t *)"", .size = 1ull << 40, .is_go = true};
	assert_null(sites_find(finder, &query, &sites));
	assert_string_equal(sites.refused, "is too large");
	sites_deinit(&sites);
	sites_finder_destroy(finder);
}

// A function with more exits than room was made for at first.
static void test_many_exits(void **state)
{
	(void)state;
	struct sites_finder *finder;
	assert_null(sites_finder_create(arch_host(), &finder));
	uint8_t code[1000];
	memset(code, 0xc3, sizeof(code));
	code[0] = 0x90;
	struct sites sites;
	struct sites_query query = {.code = code,
				    .vaddr = VADDR,
				    .size = sizeof(code),
				    .is_go = true};
	assert_null(sites_find(finder, &query, &sites));
	assert_null(sites.refused);
	assert_int_equal(sites.num, 1000);
	assert_int_equal(sites.site[999].vaddr, VADDR + 999);
	sites_deinit(&sites);
	sites_finder_destroy(finder);
}

struct length_case {
	const char *hex;
	unsigned size; // 0: not known to the tables
	enum insn_kind kind;
};

static const struct length_case lengths[] = {
	{"90", 1, INSN_NOP},
	{"f390", 2, INSN_OTHER},
	{"4190", 2, INSN_OTHER},
	{"0f1f440000", 5, INSN_NOP},
	{"66660f1f840000000000", 10, INSN_NOP},
	{"4157", 2, INSN_PUSH},
	{"48b8efcdab8967452301", 10, INSN_OTHER},
	{"66b83412", 4, INSN_OTHER},
	{"6648b8efcdab8967452301", 11, INSN_OTHER},
	{"48a1efcdab8967452301", 10, INSN_OTHER},
	{"f7c201000000", 6, INSN_OTHER},
	{"f7d2", 2, INSN_OTHER},
	{"f60501000000aa", 7, INSN_OTHER},
	{"66c7042534120000aabb", 10, INSN_OTHER},
	{"c8100001", 4, INSN_OTHER},
	{"0fba7c240801", 6, INSN_OTHER},
	{"660f3a0fc108", 6, INSN_OTHER},
	{"660f3800c1", 5, INSN_OTHER},
	{"c5f877", 3, INSN_OTHER},
	{"c4e37d39c101", 6, INSN_OTHER},
	{"c5f5ef4c2408", 6, INSN_OTHER},
	{"62f17c48104c2401", 8, INSN_OTHER},
	{"62f3ed48cec100", 7, INSN_OTHER},
	{"0f8610000000", 6, INSN_JCC},
	{"e3fe", 2, INSN_JCC},
	{"ff24c5aabbccdd", 7, INSN_JMP_INDIRECT},
	{"41ff14dc", 4, INSN_CALL_INDIRECT},
	{"ff6c2408", 4, INSN_PRIVILEGED}, // a far jump
	{"0f0b", 2, INSN_TRAP},
	{"66e800000000", 0, INSN_OTHER},
	{"06", 0, INSN_OTHER},
	{"8dc0", 0, INSN_OTHER},
	{"fed0", 0, INSN_OTHER},
	{"4866", 0, INSN_OTHER},
	{"48", 0, INSN_OTHER},
	{"62f17c40", 0, INSN_OTHER},
};

static void test_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint8_t code[16];
		size_t len = assemble(lengths[i].hex, code);
		struct insn insn;
		bool is_known = insn_decode(code, len, &insn);
		print_message("%s\n", lengths[i].hex);
		assert_int_equal(is_known, lengths[i].size != 0);
		if (!is_known)
			continue;
		assert_int_equal(insn.size, lengths[i].size);
		assert_int_equal(insn.kind, lengths[i].kind);
		for (size_t cut = 0; cut < insn.size; cut++)
			assert_false(insn_decode(code, cut, &insn));
	}
}

static void test_prefixes_only(void **state)
{
	(void)state;
	uint8_t code[32];
	struct insn insn;
	memset(code, 0x66, sizeof(code));
	assert_false(insn_decode(code, sizeof(code), &insn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	      cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_exits),    cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_prefixes_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
