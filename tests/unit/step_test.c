// SPDX-License-Identifier: GPL-2.0-or-later
// The processor is the measure: a child of ours executes each instruction, one step, from the same
// registers, flags and memory that the emulation gets; and once more from another place, in the form in
// which it would stand out of line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/processor.h"
#include "arch/step.h"

// --- The memory that the emulation sees ---------------------------------------------------------

static bool find_shadow(struct machine *machine, size_t len, uint64_t addr, uint8_t **out)
{
	uint64_t off = addr - addr_of(machine, CODE);
	if (off > DATA || len > DATA - off)
		return false;
	*out = machine->shadow + off;
	return true;
}

static bool read_shadow(void *context, void *dst, size_t len, uint64_t addr)
{
	uint8_t *place;
	if (!find_shadow(context, len, addr, &place))
		return false;
	memcpy(dst, place, len);
	return true;
}

static bool write_shadow(void *context, uint64_t addr, const void *src, size_t len)
{
	uint8_t *place;
	if (!find_shadow(context, len, addr, &place))
		return false;
	memcpy(place, src, len);
	return true;
}

static bool emulate(struct machine *machine, const struct step *step, struct user_regs_struct *regs)
{
	const struct step_memory memory = {read_shadow, write_shadow, machine};
	memcpy(machine->shadow, machine->data, DATA);
	return step_emulate(step, regs, &memory);
}

// --- Comparing ----------------------------------------------------------------------------------

static void fail_with(const char *what, const char *name, const uint8_t *code, size_t len,
		      uint64_t is, uint64_t wanted)
{
	char hex[3 * INSN_MAX_BYTES + 1] = "";
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 3 * i, 4, "%02x ", code[i]);
	fail_msg("%s%s: %s is 0x%llx, 0x%llx by the processor", hex, what, name,
		 (unsigned long long)is, (unsigned long long)wanted);
}

static void assert_same(const char *what, const struct step *step,
			const struct user_regs_struct *regs, const struct user_regs_struct *wanted,
			uint64_t undefined)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(*registers); i++)
		if (get(regs, registers[i].offset) != get(wanted, registers[i].offset))
			fail_with(what, registers[i].name, step->bytes, step->size,
				  get(regs, registers[i].offset), get(wanted, registers[i].offset));
	if ((regs->eflags ^ wanted->eflags) & FLAGS & ~undefined)
		fail_with(what, "eflags", step->bytes, step->size, regs->eflags & FLAGS,
			  wanted->eflags & FLAGS);
}

static void assert_same_memory(const char *what, const struct step *step, const uint8_t *memory,
			       const uint8_t *wanted)
{
	for (size_t i = 0; i < DATA; i++)
		if (memory[i] != wanted[i])
			fail_with(what, "memory", step->bytes, step->size, memory[i], wanted[i]);
}

// AF after the logical operations (Intel's manual, volume 2: AND, OR, XOR, TEST).
static uint64_t undefined_flags(const struct insn *insn)
{
	static const uint8_t logical[] = {0x84, 0x85, 0xa8, 0xa9, 0xf6, 0xf7};
	unsigned operation = insn->opcode < 0x40 ? insn->opcode >> 3 : insn->modrm >> 3 & 7;
	bool is_group = insn->opcode < 0x40 || (insn->opcode >= 0x80 && insn->opcode <= 0x83);
	if (is_group && (operation == 1 || operation == 4 || operation == 6))
		return AF;
	return memchr(logical, insn->opcode, sizeof(logical)) ? AF : 0;
}

static void check_emulation(struct machine *machine, const struct step *step,
			    const struct user_regs_struct *before,
			    const struct user_regs_struct *after, int sig)
{
	struct user_regs_struct regs = *before;
	bool is_done = emulate(machine, step, &regs);
	if (!is_done) {
		assert_memory_equal(&regs, before, sizeof(regs));
		return;
	}
	// A jump to nowhere faults at the jump here, at its target there; both end the program.
	if (sig != SIGTRAP && (int64_t)regs.rip >> 47 != 0)
		return;
	if (sig != SIGTRAP)
		fail_with("emulated", "signal", step->bytes, step->size, 0, (uint64_t)sig);
	assert_same("emulated", step, &regs, after, undefined_flags(&step->insn));
	assert_same_memory("emulated", step, machine->shadow, data_of(machine));
	machine->num_emulated++;
}

// Does what a thread's step in a slot does, and holds it to the same in the instruction's own place.
static void check_moved(struct machine *machine, const struct step *step,
			const struct user_regs_struct *before, const struct user_regs_struct *after,
			int sig)
{
	uint64_t from = addr_of(machine, AT), to = addr_of(machine, ELSEWHERE);
	uint8_t moved[INSN_MAX_BYTES], wanted[DATA];
	memcpy(wanted, data_of(machine), DATA);
	assert_true(step_move(step, from, to, moved));
	struct user_regs_struct regs = *before;
	regs.rip = to;
	int moved_sig = execute(machine, ELSEWHERE, moved, step->size, &regs);
	if (moved_sig != sig)
		fail_with("moved", "signal", step->bytes, step->size, (uint64_t)moved_sig,
			  (uint64_t)sig);
	if (regs.rip - to <= step->size)
		regs.rip = from + (regs.rip - to);
	assert_same("moved", step, &regs, after, 0);
	assert_same_memory("moved", step, data_of(machine), wanted);
	machine->num_moved++;
}

static bool is_branch(const struct insn *insn)
{
	return insn->kind == INSN_JCC || insn->kind == INSN_JMP || insn->kind == INSN_CALL ||
	       insn->kind == INSN_CALL_INDIRECT;
}

// Both ways of bringing a thread past this instruction, from these registers.
static void check(struct machine *machine, const uint8_t *code, size_t len,
		  const struct user_regs_struct *regs, bool must_emulate)
{
	struct step step;
	const char *refused = step_init(&step, code, len);
	if (refused)
		fail_with(refused, "refused", code, len, 1, 0);
	if (must_emulate && !step.emulate)
		fail_with("not emulated", "emulate", code, len, 0, 1);
	struct user_regs_struct before = *regs, after;
	before.rip = addr_of(machine, AT);
	after = before;
	int sig = execute(machine, AT, code, step.size, &after);
	if (step.emulate)
		check_emulation(machine, &step, &before, &after, sig);
	if (!is_branch(&step.insn))
		check_moved(machine, &step, &before, &after, sig);
}

// The bytes of the next instruction of a list, behind whose ';' the list goes on; 0 at its end.
static size_t next_code(const char **list, uint8_t out[INSN_MAX_BYTES])
{
	size_t len = 0;
	unsigned byte;
	for (int used; len < INSN_MAX_BYTES && sscanf(*list, "%2x%n", &byte, &used) == 1;
	     *list += used)
		out[len++] = (uint8_t)byte;
	*list += strspn(*list, "; ");
	return len;
}

static void check_often(struct machine *machine, const uint8_t *code, size_t len, unsigned times,
			bool must_emulate)
{
	unsigned before = machine->num_emulated;
	for (unsigned i = 0; i < times; i++) {
		const struct user_regs_struct regs = random_registers(machine);
		check(machine, code, len, &regs, must_emulate);
	}
	if (must_emulate && machine->num_emulated == before)
		fail_with("never emulated", "times", code, len, 0, times);
}

// --- What is emulated ---------------------------------------------------------------------------

static void set_flags(struct user_regs_struct *regs, unsigned number)
{
	static const uint16_t flags[] = {CF, PF, AF, ZF, SF, OF};
	regs->eflags = FLAGS_ALWAYS;
	for (size_t i = 0; i < 6; i++)
		if (number >> i & 1)
			regs->eflags |= flags[i];
}

static void test_conditional_branches(void **state)
{
	struct machine *machine = *state;
	struct user_regs_struct regs = random_registers(machine);
	for (uint8_t condition = 0; condition < 16; condition++)
		for (unsigned flags = 0; flags < 64; flags++) {
			const uint8_t near[] = {0x70 | condition, 0x10},
				      back[] = {0x70 | condition, 0x80};
			const uint8_t far[] = {0x0f, 0x80 | condition, 0x78, 0x06, 0, 0};
			const uint8_t far_back[] = {0x0f, 0x80 | condition, 0x40, 0xff, 0xff, 0xff};
			const uint8_t hinted[] = {0x2e, 0x70 | condition, 0x7f};
			set_flags(&regs, flags);
			check(machine, near, sizeof(near), &regs, true);
			check(machine, back, sizeof(back), &regs, true);
			check(machine, far, sizeof(far), &regs, true);
			check(machine, far_back, sizeof(far_back), &regs, true);
			check(machine, hinted, sizeof(hinted), &regs, true);
		}
}

static void test_loops(void **state)
{
	struct machine *machine = *state;
	static const uint64_t counts[] = {0, 1, 2, 0x100000000, 0x100000001, UINT64_MAX};
	struct user_regs_struct regs = random_registers(machine);
	for (uint8_t opcode = 0xe0; opcode <= 0xe3; opcode++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
			for (unsigned flags = 0; flags < 64; flags++) {
				const uint8_t code[] = {opcode, (uint8_t)(flags & 1 ? 0x20 : 0xe0)};
				regs.rcx = counts[i];
				set_flags(&regs, flags);
				check(machine, code, sizeof(code), &regs, true);
			}
}

static const char emulated[] =
	// nothing, in all lengths
	"90; 66 90; 0f 1f 00; 0f 1f 40 00; 66 0f 1f 44 00 00; 0f 1f 84 00 00 00 00 00; "
	"66 2e 0f 1f 84 00 00 00 00 00; "
	// push and pop, of RSP too
	"50; 51; 52; 53; 54; 55; 56; 57; 41 50; 41 54; 41 55; 41 57; 48 55; 58; 59; 5a; 5b; "
	"5c; 5d; 5e; 5f; 41 58; 41 5c; 41 5d; 41 5f; "
	// ret
	"c3; f3 c3; f2 c3; 48 c3; c2 00 00; c2 10 00; c2 f8 07; "
	// jmp and call
	"eb 00; eb 7f; eb 80; e9 00 01 00 00; e9 00 ff ff ff; f2 eb 05; e8 00 00 00 00; "
	"e8 40 03 00 00; e8 00 ff ff ff; f2 e8 12 00 00 00; "
	// by register and memory
	"ff e0; ff e4; 41 ff e3; ff d0; ff d2; ff d4; 41 ff d4; 41 ff d7; ff 64 24 08; "
	"ff 14 24; ff 54 24 10; 41 ff 56 20; 41 ff 66 20; ff 15 fe 1f 00 00; "
	"ff 25 fe 1f 00 00; "
	// lea
	"8d 04 24; 48 8d 44 24 78; 48 8d 6c 24 10; 4c 8d a4 24 40 ff ff ff; "
	"48 8d 05 34 12 00 00; 8d 05 34 12 00 00; 66 8d 44 24 08; 48 8d 04 c8; "
	"4e 8d 7c ed 80; 48 8d 04 8d 10 00 00 00; 48 8d 04 25 10 00 00 00; "
	"4a 8d 04 e5 00 00 00 00; 48 8d 44 20 00; 4a 8d 44 20 01; 49 8d 04 24; 49 8d 45 00; "
	"48 8d 45 00; 41 8d 04 07; "
	// mov of constants
	"b8 01 02 03 84; 41 bf ff ff ff ff; 48 b8 01 02 03 04 05 06 07 88; "
	"49 bc ff ff ff ff ff ff ff ff; 48 c7 c0 ff ff ff ff; 48 c7 c1 f8 ff ff ff; "
	"c7 c3 00 00 00 80; 41 c7 c4 07 00 00 00; "
	// mov from the stack and from g
	"48 8b 04 24; 48 8b 44 24 08; 4c 8b 7c 24 40; 8b 44 24 08; 66 8b 44 24 08; "
	"8a 44 24 08; 44 8a 44 24 08; 40 8a 74 24 08; 49 8b 46 10; 4d 8b 66 18; 41 8b 46 08; "
	"48 8b 64 24 08; "
	// the stack check's forms
	"49 3b 66 10; 4d 3b 66 10; 48 3b 44 24 08; 3b 44 24 08; 66 3b 44 24 08; 3a 44 24 08; "
	"48 39 44 24 08; 38 44 24 08; 48 83 7c 24 08 00; 83 7c 24 08 ff; 80 7c 24 08 80; "
	"48 81 7c 24 08 00 00 00 80; 66 81 7c 24 08 00 80; 41 80 be b9 00 00 00 00; "
	"48 85 44 24 08; f6 44 24 08 01; 48 f7 44 24 08 ff 00 00 00; "
	// frames
	"48 83 ec 18; 48 83 c4 18; 48 83 ec 80; 48 81 ec f0 01 00 00; 48 81 c4 f0 01 00 00; "
	"48 83 e4 f0; 48 89 e5; 48 89 ec; 49 89 e4; 4c 89 e4; ";

static void test_emulated(void **state)
{
	struct machine *machine = *state;
	uint8_t code[INSN_MAX_BYTES];
	const char *list = emulated;
	for (size_t len; (len = next_code(&list, code));)
		check_often(machine, code, len, 40, true);
	assert_string_equal(list, "");
}

// Every opcode of mov and arithmetic that is emulated, on all registers, in all widths.
static void test_registers(void **state)
{
	static const uint8_t opcodes[] = {
		0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0a, 0x0b, 0x20, 0x21,
		0x22, 0x23, 0x28, 0x29, 0x2a, 0x2b, 0x30, 0x31, 0x32, 0x33,
		0x38, 0x39, 0x3a, 0x3b, 0x84, 0x85, 0x88, 0x89, 0x8a, 0x8b,
	};
	static const uint8_t rexes[] = {0, 0x40, 0x41, 0x44, 0x45, 0x48, 0x49, 0x4c, 0x4d};
	struct machine *machine = *state;
	for (size_t i = 0; i < sizeof(opcodes); i++)
		for (size_t r = 0; r < sizeof(rexes); r++)
			for (unsigned operands = 0; operands < 64; operands += 1 + (i + r) % 3) {
				uint8_t code[4], len = 0;
				if (operands % 5 == 4)
					code[len++] = 0x66;
				if (rexes[r])
					code[len++] = rexes[r];
				code[len++] = opcodes[i];
				code[len++] = (uint8_t)(0xc0 | operands);
				// AH to BH are left to the processor.
				bool is_high = !(opcodes[i] & 1) && !rexes[r] && (operands & 0x24);
				check_often(machine, code, len, 2, !is_high);
			}
}

static void test_immediates(void **state)
{
	static const uint8_t operations[] = {0, 1, 4, 5, 6, 7};
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
	struct machine *machine = *state;
	for (size_t i = 0; i < sizeof(operations); i++)
		for (size_t v = 0; v < sizeof(values); v++)
			for (unsigned reg = 0; reg < 16; reg++) {
				uint8_t value = values[v], rex = reg < 8 ? 0x40 : 0x41;
				uint8_t modrm = (uint8_t)(0xc0 | operations[i] << 3 | (reg & 7));
				const uint8_t of_8[] = {rex, 0x80, modrm, value};
				const uint8_t of_32[] = {rex | 8, 0x81,	 modrm, value,
							 0,	  value, value};
				const uint8_t of_16[] = {0x66, rex, 0x81, modrm, value, value};
				const uint8_t wide[] = {rex | 8, 0x83, modrm, value};
				const uint8_t narrow[] = {0x66, rex, 0x83, modrm, value};
				const uint8_t to_al[] = {(uint8_t)(operations[i] << 3 | 4), value};
				const uint8_t to_rax[] = {0x48, (uint8_t)(operations[i] << 3 | 5),
							  1,	2,
							  3,	value};
				const uint8_t test[] = {rex | 8, 0xf7, 0xc0 | (reg & 7), value, 0,
							0,	 value};
				const uint8_t test_al[] = {0xa8, value},
					      test_ax[] = {0x66, 0xa9, 0, value};
				check_often(machine, of_8, sizeof(of_8), 2, true);
				check_often(machine, of_32, sizeof(of_32), 2, true);
				check_often(machine, of_16, sizeof(of_16), 2, true);
				check_often(machine, wide, sizeof(wide), 2, true);
				check_often(machine, narrow, sizeof(narrow), 2, true);
				check_often(machine, to_al, sizeof(to_al), 2, true);
				check_often(machine, to_rax, sizeof(to_rax), 2, true);
				check_often(machine, test, sizeof(test), 2, true);
				check_often(machine, test_al, sizeof(test_al), 1, true);
				check_often(machine, test_ax, sizeof(test_ax), 1, true);
			}
}

// Where memory cannot be had, the registers are as they were, and the processor is left to fault.
static void test_unreadable(void **state)
{
	const char *list = "55; 5d; c3; e8 00 00 00 00; 49 3b 66 10; 49 8b 46 10; 41 ff 56 10; "
			   "41 ff 66 10; 48 83 7c 24 08 00; ";
	struct machine *machine = *state;
	uint8_t code[INSN_MAX_BYTES];
	for (size_t len; (len = next_code(&list, code));) {
		struct step step;
		assert_null(step_init(&step, code, len));
		struct user_regs_struct regs = random_registers(machine);
		regs.rip = addr_of(machine, AT);
		regs.rsp = 0x10;
		regs.r14 = 0x10;
		const struct user_regs_struct before = regs;
		assert_false(emulate(machine, &step, &regs));
		assert_memory_equal(&regs, &before, sizeof(regs));
		assert_int_equal(execute(machine, AT, code, step.size, &regs), SIGSEGV);
	}
}

// --- What is executed out of line ---------------------------------------------------------------

// Addressed from their own place (0x104): 0x2xxx beyond it is in the data.
static const char relative[] =
	"48 8b 05 00 20 00 00; 48 8d 05 00 20 00 00; 48 89 05 00 20 00 00; "
	"80 3d 00 20 00 00 7f; 83 3d 00 20 00 00 00; 48 81 05 00 20 00 00 01 02 03 84; "
	"66 81 05 00 20 00 00 01 82; c6 05 00 20 00 00 2a; 48 c7 05 00 20 00 00 01 00 00 80; "
	"48 87 05 00 20 00 00; f0 48 0f c1 05 00 20 00 00; f0 48 0f b1 0d 00 20 00 00; "
	"48 0f ba 2d 00 20 00 00 03; 48 0f a4 05 00 20 00 00 07; 0f b6 05 00 20 00 00; "
	"48 63 05 00 20 00 00; 48 ff 05 00 20 00 00; ff 35 00 20 00 00; 8f 05 00 20 00 00; "
	"48 69 05 00 20 00 00 07 00 00 00; f6 05 00 20 00 00 01; "
	"48 f7 05 00 20 00 00 01 02 03 04; 48 f7 15 00 20 00 00; 0f 10 05 00 20 00 00; "
	"0f 11 05 00 20 00 00; f2 0f 10 05 00 20 00 00; f3 0f 11 05 00 20 00 00; "
	"66 0f 2e 05 00 20 00 00; 66 0f 70 05 fc 1f 00 00 1b; 66 0f 3a 0f 05 fc 1f 00 00 03; "
	"66 0f 38 00 05 fc 1f 00 00; ff 25 fe 1f 00 00; ";

static const char others[] =
	// xchg, with and without what follows from it
	"48 87 c3; 87 d8; 48 93; 49 90; 41 90; 93; 66 93; 86 c4; 48 87 04 24; 86 44 24 08; "
	// AH to BH, memory that is written, carries
	"88 e0; 00 fc; 38 e5; 48 89 44 24 08; 88 44 24 08; 48 83 44 24 08 01; "
	"48 83 04 24 80; 48 11 d8; 48 83 d0 01; 48 19 c8; 83 54 24 08 01; ff 04 24; "
	"48 ff c0; fe c4; 48 f7 d8; 48 f7 e3; 48 0f af c3; 48 d1 e0; 48 c1 f8 03; d2 e0; "
	"48 98; 48 99; 9f; 9e; f5; f8; f9; fc; c9; 8f 44 24 08; ff 74 24 08; 6a 80; "
	"68 01 02 03 84; 66 50; 66 58; c8 10 00 00; 0f 94 c0; 48 0f 44 c3; 48 0f bc c3; "
	"0f c8; 49 0f cc; 48 63 d8; 0f be c4; d7; a4; f3 a4; 48 a5; f3 48 ab; 48 af; f2 ae; "
	"64 48 8b 04 25 f8 ff ff ff; 0f 57 c0; f2 0f 58 c1; 66 48 0f 6e c0; 66 48 0f 7e c0; "
	"f3 90; 48 8b 03; 48 3b 43 08; 8b 04 8b; 48 f7 f3; ";

static void test_out_of_line(void **state)
{
	struct machine *machine = *state;
	uint8_t code[INSN_MAX_BYTES];
	const char *lists[] = {relative, others};
	for (size_t i = 0; i < 2; i++) {
		for (size_t len; (len = next_code(&lists[i], code));)
			check_often(machine, code, len, 20, false);
		assert_string_equal(lists[i], "");
	}
}

// VEX and EVEX, which not every processor has: what the decoding says of them, and the bytes that moving changes.
static void test_moved_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		uint8_t at; // of the displacement
	} cases[] = {
		{"48 8b 05 00 20 00 00", 3},
		{"80 3d 00 20 00 00 7f", 2},
		{"f0 48 0f b1 0d 00 20 00 00", 5},
		{"66 44 0f 3a 0f 05 00 20 00 00 03", 6},
		{"c5 fe 6f 05 00 20 00 00", 4},		 // vmovdqu ymm0
		{"c4 e2 7d 18 05 00 20 00 00", 5},	 // vbroadcastss ymm0
		{"c4 e3 7d 0f 05 00 20 00 00 03", 5},	 // vpalignr, with an immediate
		{"62 f1 fe 48 6f 05 00 20 00 00", 6},	 // vmovdqu64 zmm0
		{"62 f3 7d 48 0f 05 00 20 00 00 03", 6}, // vpalignr zmm0
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t code[INSN_MAX_BYTES], moved[INSN_MAX_BYTES];
		const char *hex = cases[i].hex;
		size_t len = next_code(&hex, code);
		struct step step;
		assert_null(step_init(&step, code, len));
		assert_int_equal(step.size, len);
		assert_true(step.is_relative);
		const int32_t distances[] = {0, 1, -1, 0x1000, -0x7fffffff, 0x7fffdfff};
		for (size_t d = 0; d < sizeof(distances) / sizeof(*distances); d++) {
			int64_t distance = distances[d];
			assert_true(step_move(&step, 0x500000000000 + (uint64_t)distance,
					      0x500000000000, moved));
			int32_t disp = (int32_t)(0x2000 + distance);
			memcpy(code + cases[i].at, &disp, sizeof(disp));
			assert_memory_equal(moved, code, len);
		}
		// Farther than 31 bits reach.
		assert_false(step_move(&step, 0x500080000000, 0x500000000000, moved));
		assert_false(step_move(&step, 0x4fff00000000, 0x500000000000, moved));
	}
}

// --- What is refused ----------------------------------------------------------------------------

static void test_refused(void **state)
{
	(void)state;
	const char *list =
		"cc; cd 80; 0f 0b; f4; 0f 05; 0f 34; 9c; 9d; fa; 0f; 66 74 00; c7 f8; "
		"67 e3 00; 66 e8 00; 67 48 8b 05 00 20 00 00; f0 eb 00; f0 74 00; "
		// processors differ in whether these prefixes change the condition
		"f2 e0 00; f2 e1 00; f3 e0 95; f3 e1 00; f3 e2 00; f3 e3 00; f3 48 e0 00; ";
	uint8_t code[INSN_MAX_BYTES];
	for (size_t len; (len = next_code(&list, code));) {
		struct step step;
		if (!step_init(&step, code, len))
			fail_with("init", "refused", code, len, 0, 1);
	}
	assert_string_equal(list, "");
}

static void test_cut_short(void **state)
{
	(void)state;
	uint8_t code[INSN_MAX_BYTES];
	const char *list = emulated;
	for (size_t len; (len = next_code(&list, code));) {
		struct step step;
		for (size_t cut = 0; cut < len; cut++)
			assert_non_null(step_init(&step, code, cut));
	}
}

// --- Whatever there is --------------------------------------------------------------------------

// Instructions that load the state of segments, read clocks and counters, or floats that are not as before.
static bool is_repeatable(const struct insn *insn)
{
	if (insn->map == MAP_ONE_BYTE)
		return insn->opcode != 0x8e && (insn->opcode < 0xd8 || insn->opcode > 0xdf) &&
		       insn->opcode != 0x9b;
	if (insn->map != MAP_0F)
		return false;
	switch (insn->opcode) {
	case 0x00: // the kernel emulates it, and the step goes on
	case 0x01:
	case 0x0d:
	case 0x18 ... 0x1f:
	case 0x31:
	case 0x33:
	case 0xa2:
	case 0xae:
	case 0xb2:
	case 0xb4:
	case 0xb5:
	case 0xc7:
		return false;
	default:
		return insn->opcode < 0x10 || insn->opcode > 0x7f || (insn->opcode & 0xf0) == 0x40;
	}
}

static void test_random(void **state)
{
	static const uint8_t prefixes[] = {0x66, 0xf2, 0xf3, 0x2e, 0x3e, 0xf0};
	struct machine *machine = *state;
	print_message("SEED=%llu\n", (unsigned long long)machine->seed);
	for (unsigned i = 0; i < 30000; i++) {
		uint8_t code[INSN_MAX_BYTES], len = 0;
		uint64_t choice = next_random(machine);
		if ((choice & 7) == 0)
			code[len++] = prefixes[(choice >> 3) % sizeof(prefixes)];
		if (choice >> 8 & 1)
			code[len++] = (uint8_t)(0x40 | (choice >> 9 & 15));
		if ((choice >> 16 & 7) == 0)
			code[len++] = 0x0f;
		code[len++] = (uint8_t)(choice >> 24);
		code[len++] =
			choice >> 20 & 1 ? (uint8_t)(choice >> 32) : (uint8_t)(0xc0 | choice >> 32);
		if ((code[len - 1] & 0xc7) == 4)
			code[len++] = (uint8_t)(choice >> 40);
		while (len < sizeof(code))
			code[len++] =
				(uint8_t)(next_random(machine) & 3 ? 0 : next_random(machine));
		struct step step;
		if (step_init(&step, code, sizeof(code)) || !is_repeatable(&step.insn))
			continue;
		if (step.is_relative) {
			uint32_t disp = CODE + (uint32_t)(choice >> 44 & 0xfff);
			memcpy(code + step.insn.modrm_at + 1, &disp, sizeof(disp));
		}
		const struct user_regs_struct regs = random_registers(machine);
		check(machine, code, step.size, &regs, false);
	}
	if (machine->num_emulated <= 1000 || machine->num_moved <= 10000)
		fail_msg("with SEED=%llu too few instructions were executed",
			 (unsigned long long)machine->seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_conditional_branches, start, stop),
		cmocka_unit_test_setup_teardown(test_loops, start, stop),
		cmocka_unit_test_setup_teardown(test_emulated, start, stop),
		cmocka_unit_test_setup_teardown(test_registers, start, stop),
		cmocka_unit_test_setup_teardown(test_immediates, start, stop),
		cmocka_unit_test_setup_teardown(test_unreadable, start, stop),
		cmocka_unit_test_setup_teardown(test_out_of_line, start, stop),
		cmocka_unit_test(test_moved_bytes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test_setup_teardown(test_random, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
