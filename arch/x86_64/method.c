// SPDX-License-Identifier: GPL-2.0-or-later
// The method is executed symbolically. Each register and stack slot holds an unknown value, the
// receiver, one of the string's two words, or an address on the stack. Only moves between these,
// the set-up of the stack frame, and the branch of the stack check (not taken) are understood. Any
// other instruction (a call, a jump, arithmetic) makes the answer "no".
#include <string.h>

#include "arch/idioms.h"
#include "arch/x86_64/insn.h"

enum symbol { UNKNOWN, RECEIVER, STRING_DATA, STRING_LEN, FRAME };

struct word {
	enum symbol symbol;
	int64_t off; // FRAME: from SP at entry
};

enum { RAX, RCX, RDX, RBX, RSP, RBP, R15 = 15, NUM_REGS };
enum { SLOTS = 64, SLOTS_BELOW = 40, STEPS_MAX = 64 };

struct machine {
	struct word reg[NUM_REGS];
	struct word slot[SLOTS]; // 8-byte words of the stack, from SP at entry - 8 * SLOTS_BELOW
};

struct operand {      // what ModRM says
	unsigned reg; // the register operand
	bool is_reg;
	unsigned rm;	  // is_reg: the other register
	struct word base; // otherwise: the base of the address
	int64_t disp;
};

static struct word *slot(struct machine *machine, int64_t off)
{
	int64_t i = off / 8 + SLOTS_BELOW;
	return off % 8 || i < 0 || i >= SLOTS ? NULL : &machine->slot[i];
}

// False for operands with an index or relative to RIP.
static bool operand_of(const struct machine *machine, const struct insn *insn, struct operand *out)
{
	*out = (struct operand){.reg = insn_reg(insn),
				.is_reg = insn_rm_is_register(insn),
				.rm = insn_rm(insn),
				.disp = insn->disp};
	if (!insn->has_modrm || out->is_reg)
		return insn->has_modrm;
	unsigned base = insn->modrm & 7;
	if (base == 4) {
		if ((insn->sib & 0x38) != 0x20 || (insn->rex & 2))
			return false;
		base = insn->sib & 7;
	}
	if (insn->modrm < 0x40 && base == 5)
		return false;
	out->base = machine->reg[base | (insn->rex & 1u) << 3];
	return true;
}

static struct word load(struct machine *machine, const struct operand *operand)
{
	if (operand->is_reg)
		return machine->reg[operand->rm];
	if (operand->base.symbol == FRAME) {
		struct word *word = slot(machine, operand->base.off + operand->disp);
		return word ? *word : (struct word){0};
	}
	if (operand->base.symbol == RECEIVER && (operand->disp == 0 || operand->disp == 8))
		return (struct word){operand->disp ? STRING_LEN : STRING_DATA, 0};
	return (struct word){0};
}

// False for a store that is not to the stack: it may change the string.
static bool store(struct machine *machine, const struct operand *operand, struct word word)
{
	if (operand->is_reg) {
		machine->reg[operand->rm] = word;
		return true;
	}
	struct word *place = operand->base.symbol == FRAME
				     ? slot(machine, operand->base.off + operand->disp)
				     : NULL;
	if (place)
		*place = word;
	return place;
}

// Opcodes that begin with 0f: xorps, movups of the zero register (it clears 16 bytes), the long
// branch of the stack check.
static bool step_two_byte(struct machine *machine, const struct insn *insn)
{
	struct operand operand;
	switch (insn->opcode) {
	case 0x57:
		return true;
	case 0x11: // movups: 16 bytes
		if (!operand_of(machine, insn, &operand) || operand.is_reg ||
		    !store(machine, &operand, (struct word){0}))
			return false;
		operand.disp += 8;
		return store(machine, &operand, (struct word){0});
	case 0x86:
		return true;
	}
	return false;
}

// add or sub of a constant, for RSP only. cmp changes nothing here.
static bool step_arithmetic(struct machine *machine, const struct insn *insn, const uint8_t *imm)
{
	struct operand operand;
	int32_t value = (int8_t)*imm;
	if (!operand_of(machine, insn, &operand))
		return false;
	if (insn->opcode == 0x81)
		memcpy(&value, imm, sizeof(value));
	unsigned operation = operand.reg & 7;
	if (operation == 7)
		return true;
	if (!operand.is_reg || operand.rm != RSP || (operation != 0 && operation != 5))
		return false;
	machine->reg[RSP].off += operation ? -(int64_t)value : value;
	return true;
}

static bool step(struct machine *machine, const struct insn *insn, const uint8_t *code)
{
	struct operand operand;
	bool is_64 = insn->rex & 8;
	if (insn->kind == INSN_NOP)
		return true;
	if (insn->prefixes || insn->map > MAP_0F)
		return false;
	if (insn->map == MAP_0F)
		return step_two_byte(machine, insn);
	switch (insn->opcode) {
	case 0x8b:
		if (!is_64 || !operand_of(machine, insn, &operand))
			return false;
		machine->reg[operand.reg] = load(machine, &operand);
		return true;
	case 0x89:
		return is_64 && operand_of(machine, insn, &operand) &&
		       store(machine, &operand, machine->reg[operand.reg]);
	case 0x8d:
		if (!is_64 || !operand_of(machine, insn, &operand) || operand.is_reg)
			return false;
		machine->reg[operand.reg] = operand.base;
		if (operand.base.symbol == FRAME)
			machine->reg[operand.reg].off += operand.disp;
		else if (operand.disp)
			machine->reg[operand.reg] = (struct word){0};
		return true;
	case 0x81:
	case 0x83:
		return is_64 && step_arithmetic(machine, insn, code + insn->imm_at);
	case 0x3b: // cmp and test set flags only
	case 0x39:
	case 0x84:
	case 0x85:
	case 0x76: // the branch of the stack check: not taken
		return true;
	case 0x55: // push rbp
		machine->reg[RSP].off -= 8;
		operand = (struct operand){.base = machine->reg[RSP]};
		return !(insn->rex & 1) && store(machine, &operand, machine->reg[RBP]);
	case 0x5d: // pop rbp
		operand = (struct operand){.base = machine->reg[RSP]};
		machine->reg[RBP] = load(machine, &operand);
		machine->reg[RSP].off += 8;
		return !(insn->rex & 1);
	}
	return false;
}

// Places the receiver of "Error() string" where Go's ABI does.
static void set_up(struct machine *machine, bool by_pointer, bool in_registers)
{
	machine->reg[RSP] = (struct word){FRAME, 0};
	struct word first = {by_pointer ? RECEIVER : STRING_DATA, 0}, second = {STRING_LEN, 0};
	if (in_registers) {
		machine->reg[RAX] = first;
		if (!by_pointer)
			machine->reg[RBX] = second;
		return;
	}
	*slot(machine, 8) = first;
	if (!by_pointer)
		*slot(machine, 16) = second;
}

bool idiom_returns_string(const uint8_t *code, size_t size, bool by_pointer, bool in_registers)
{
	struct machine state = {0}, *machine = &state;
	struct insn insn = {0};
	set_up(machine, by_pointer, in_registers);
	for (int i = 0; i < STEPS_MAX; i++) {
		if (!insn_decode(code, size, &insn))
			return false;
		if (insn.kind == INSN_RET || !step(machine, &insn, code))
			break;
		code += insn.size;
		size -= insn.size;
	}
	if (insn.kind != INSN_RET || insn.opcode != 0xc3 || machine->reg[RSP].symbol != FRAME ||
	    machine->reg[RSP].off)
		return false;
	int64_t results = by_pointer ? 16 : 24;
	const struct word *data = in_registers ? &machine->reg[RAX] : slot(machine, results);
	const struct word *len = in_registers ? &machine->reg[RBX] : slot(machine, results + 8);
	return data->symbol == STRING_DATA && len->symbol == STRING_LEN;
}
