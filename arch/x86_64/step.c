// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/step.h"

#include <string.h>

// Bits of EFLAGS (Intel's manual, volume 1, 3.4.3).
enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };
enum { ARITHMETIC = CF | PF | AF | ZF | SF | OF };

enum { RCX = 1, RSP = 4, R14 = 14, REX_W = 8, REX_X = 2, REX_B = 1 };

static unsigned long long *reg_at(struct user_regs_struct *regs, unsigned number)
{
	static const uint16_t offsets[] = {
		offsetof(struct user_regs_struct, rax), offsetof(struct user_regs_struct, rcx),
		offsetof(struct user_regs_struct, rdx), offsetof(struct user_regs_struct, rbx),
		offsetof(struct user_regs_struct, rsp), offsetof(struct user_regs_struct, rbp),
		offsetof(struct user_regs_struct, rsi), offsetof(struct user_regs_struct, rdi),
		offsetof(struct user_regs_struct, r8),	offsetof(struct user_regs_struct, r9),
		offsetof(struct user_regs_struct, r10), offsetof(struct user_regs_struct, r11),
		offsetof(struct user_regs_struct, r12), offsetof(struct user_regs_struct, r13),
		offsetof(struct user_regs_struct, r14), offsetof(struct user_regs_struct, r15),
	};
	return (unsigned long long *)((char *)regs + offsets[number & 15]);
}

static uint64_t truncate_to(uint64_t value, unsigned width)
{
	return width < sizeof(value) ? value & ((1ull << width * 8) - 1) : value;
}

// A write of 32 bits clears the register's upper half; a shorter write keeps the other bits.
static void set_reg(struct user_regs_struct *regs, unsigned number, uint64_t value, unsigned width)
{
	unsigned long long *reg = reg_at(regs, number);
	if (width < 4)
		value = (*reg & ~((1ull << width * 8) - 1)) | truncate_to(value, width);
	*reg = width == 4 ? truncate_to(value, 4) : value;
}

static unsigned operand_width(const struct insn *insn)
{
	if (!(insn->opcode & 1))
		return 1;
	return insn->rex & REX_W ? 8 : insn->prefixes & INSN_OPSIZE ? 2 : 4;
}

static int64_t immediate(const struct step *step)
{
	unsigned len = step->insn.size - step->insn.imm_at;
	uint64_t value = 0;
	if (!len || len > sizeof(value))
		return 0;
	memcpy(&value, step->bytes + step->insn.imm_at, len);
	unsigned shift = 64 - len * 8;
	return (int64_t)(value << shift) >> shift;
}

// --- Memory operands ---------------------------------------------------------------------------

static bool has_sib(const struct insn *insn)
{
	return !insn_rm_is_register(insn) && (insn->modrm & 7) == 4;
}

static bool is_relative(const struct insn *insn)
{
	return insn->has_modrm && insn->modrm >> 6 == 0 && (insn->modrm & 7) == 5;
}

static uint64_t effective_address(const struct step *step, struct user_regs_struct *regs)
{
	const struct insn *insn = &step->insn;
	uint64_t addr = (uint64_t)(int64_t)insn->disp;
	if (step->is_relative)
		return addr + regs->rip + insn->size;
	if (!has_sib(insn))
		return addr + *reg_at(regs, insn_rm(insn));
	unsigned index = (insn->sib >> 3 & 7) | (insn->rex & REX_X ? 8 : 0);
	unsigned base = (insn->sib & 7) | (insn->rex & REX_B ? 8 : 0);
	if (index != RSP)
		addr += *reg_at(regs, index) << (insn->sib >> 6);
	if ((base & 7) != 5 || insn->modrm >> 6)
		addr += *reg_at(regs, base);
	return addr;
}

// True if the operand is on the thread's stack or in its g. No other thread writes there, so a read
// that is not atomic is safe. Instructions that read other memory are executed out of line, because
// only the processor's own loads are atomic.
static bool is_own_memory(const struct insn *insn)
{
	if (insn->prefixes & (INSN_FS | INSN_GS) || is_relative(insn))
		return false;
	if (!has_sib(insn))
		return insn_rm(insn) == R14;
	return insn->sib == 0x24 && !(insn->rex & (REX_X | REX_B)); // RSP, no index
}

// Reads the operand of ModRM.rm, a register or memory.
static bool read_rm(const struct step *step, struct user_regs_struct *regs,
		    const struct step_memory *memory, unsigned width, uint64_t *out)
{
	if (insn_rm_is_register(&step->insn)) {
		*out = truncate_to(*reg_at(regs, insn_rm(&step->insn)), width);
		return true;
	}
	uint64_t value = 0;
	if (!memory->read(memory->context, &value, width, effective_address(step, regs)))
		return false;
	*out = value;
	return true;
}

// --- Instructions ------------------------------------------------------------------------------

static bool emulate_nop(const struct step *step, struct user_regs_struct *regs,
			const struct step_memory *memory)
{
	(void)memory;
	regs->rip += step->size;
	return true;
}

static bool push(struct user_regs_struct *regs, const struct step_memory *memory, uint64_t value)
{
	if (!memory->write(memory->context, regs->rsp - sizeof(value), &value, sizeof(value)))
		return false;
	regs->rsp -= sizeof(value);
	return true;
}

static bool emulate_push(const struct step *step, struct user_regs_struct *regs,
			 const struct step_memory *memory)
{
	unsigned reg = (step->insn.opcode & 7) | (step->insn.rex & REX_B ? 8 : 0);
	if (!push(regs, memory, *reg_at(regs, reg)))
		return false;
	regs->rip += step->size;
	return true;
}

static bool emulate_pop(const struct step *step, struct user_regs_struct *regs,
			const struct step_memory *memory)
{
	unsigned reg = (step->insn.opcode & 7) | (step->insn.rex & REX_B ? 8 : 0);
	uint64_t value;
	if (!memory->read(memory->context, &value, sizeof(value), regs->rsp))
		return false;
	regs->rsp += sizeof(value);
	*reg_at(regs, reg) = value; // after the addition, because pop rsp sets rsp to the value
	regs->rip += step->size;
	return true;
}

static bool emulate_ret(const struct step *step, struct user_regs_struct *regs,
			const struct step_memory *memory)
{
	uint64_t to;
	if (!memory->read(memory->context, &to, sizeof(to), regs->rsp))
		return false;
	regs->rsp += sizeof(to) + (uint16_t)immediate(step);
	regs->rip = to;
	return true;
}

// The sixteen conditions of Jcc by their encoding: an odd code is the negation of the even code
// before.
static bool is_condition(unsigned code, uint64_t flags)
{
	bool sign_differs = !(flags & SF) != !(flags & OF);
	bool holds = false;
	switch (code >> 1) {
	case 0:
		holds = flags & OF;
		break;
	case 1:
		holds = flags & CF;
		break;
	case 2:
		holds = flags & ZF;
		break;
	case 3:
		holds = flags & (CF | ZF);
		break;
	case 4:
		holds = flags & SF;
		break;
	case 5:
		holds = flags & PF;
		break;
	case 6:
		holds = sign_differs;
		break;
	case 7:
		holds = sign_differs || (flags & ZF);
		break;
	}
	return holds != (code & 1);
}

static bool emulate_branch(const struct step *step, struct user_regs_struct *regs,
			   const struct step_memory *memory)
{
	(void)memory;
	const struct insn *insn = &step->insn;
	bool is_taken = true;
	if (insn->kind == INSN_JCC && insn->map == MAP_ONE_BYTE && insn->opcode >= 0xe0) {
		if (insn->opcode == 0xe3) { // jrcxz
			is_taken = !regs->rcx;
		} else { // loopne, loope, loop
			bool is_zero = regs->eflags & ZF;
			is_taken = --regs->rcx &&
				   (insn->opcode == 0xe2 || is_zero == (insn->opcode == 0xe1));
		}
	} else if (insn->kind == INSN_JCC) {
		is_taken = is_condition(insn->opcode & 15, regs->eflags);
	}
	regs->rip += insn->size + (is_taken ? (uint64_t)(int64_t)insn->rel : 0);
	return true;
}

static bool emulate_call(const struct step *step, struct user_regs_struct *regs,
			 const struct step_memory *memory)
{
	uint64_t next = regs->rip + step->size;
	if (!push(regs, memory, next))
		return false;
	regs->rip = next + (uint64_t)(int64_t)step->insn.rel;
	return true;
}

static bool emulate_indirect(const struct step *step, struct user_regs_struct *regs,
			     const struct step_memory *memory)
{
	uint64_t to;
	if (!read_rm(step, regs, memory, sizeof(to), &to))
		return false;
	if (step->insn.kind == INSN_CALL_INDIRECT && !push(regs, memory, regs->rip + step->size))
		return false;
	regs->rip = to;
	return true;
}

static bool emulate_lea(const struct step *step, struct user_regs_struct *regs,
			const struct step_memory *memory)
{
	(void)memory;
	set_reg(regs, insn_reg(&step->insn), effective_address(step, regs),
		operand_width(&step->insn));
	regs->rip += step->size;
	return true;
}

static bool emulate_mov(const struct step *step, struct user_regs_struct *regs,
			const struct step_memory *memory)
{
	const struct insn *insn = &step->insn;
	unsigned width = operand_width(insn);
	if (insn->opcode < 0x8a) { // to ModRM.rm, which is a register here
		set_reg(regs, insn_rm(insn), *reg_at(regs, insn_reg(insn)), width);
	} else {
		uint64_t value;
		if (!read_rm(step, regs, memory, width, &value))
			return false;
		set_reg(regs, insn_reg(insn), value, width);
	}
	regs->rip += insn->size;
	return true;
}

static bool emulate_mov_imm(const struct step *step, struct user_regs_struct *regs,
			    const struct step_memory *memory)
{
	(void)memory;
	const struct insn *insn = &step->insn;
	unsigned reg = insn->has_modrm ? insn_rm(insn)
				       : (insn->opcode & 7u) | (insn->rex & REX_B ? 8u : 0u);
	unsigned width = insn->rex & REX_W ? 8 : 4;
	set_reg(regs, reg, (uint64_t)immediate(step), width);
	regs->rip += insn->size;
	return true;
}

enum operation { ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST };

static uint64_t parity(uint64_t value)
{
	return __builtin_parity((unsigned)value & 0xff) ? 0 : PF;
}

// Returns the result, and sets the arithmetic flags.
static uint64_t operate(enum operation operation, uint64_t a, uint64_t b, unsigned width,
			unsigned long long *eflags)
{
	uint64_t sign = 1ull << (width * 8 - 1), result, flags = 0;
	switch (operation) {
	case ADD:
		result = truncate_to(a + b, width);
		flags |= result < a ? CF : 0;
		flags |= ~(a ^ b) & (a ^ result) & sign ? OF : 0;
		flags |= (a ^ b ^ result) & AF;
		break;
	case SUB:
	case CMP:
		result = truncate_to(a - b, width);
		flags |= a < b ? CF : 0;
		flags |= (a ^ b) & (a ^ result) & sign ? OF : 0;
		flags |= (a ^ b ^ result) & AF;
		break;
	case OR:
		result = a | b;
		break;
	case XOR:
		result = a ^ b;
		break;
	default: // AND, TEST
		result = a & b;
		break;
	}
	flags |= parity(result) | (result ? 0 : ZF) | (result & sign ? SF : 0);
	*eflags = (*eflags & ~(uint64_t)ARITHMETIC) | flags;
	return result;
}

static enum operation find_operation(const struct insn *insn)
{
	uint8_t opcode = insn->opcode;
	if (opcode < 0x40)
		return opcode >> 3;
	return opcode <= 0x83 ? (enum operation)(insn->modrm >> 3 & 7) : TEST;
}

// The operands are a register and ModRM.rm in either order, or ModRM.rm or RAX and an immediate.
static bool emulate_alu(const struct step *step, struct user_regs_struct *regs,
			const struct step_memory *memory)
{
	const struct insn *insn = &step->insn;
	enum operation operation = find_operation(insn);
	unsigned width = operand_width(insn), to = 0;
	uint64_t a, b = truncate_to((uint64_t)immediate(step), width);
	if (!insn->has_modrm) {
		a = truncate_to(regs->rax, width);
	} else {
		uint64_t rm, reg = truncate_to(*reg_at(regs, insn_reg(insn)), width);
		if (!read_rm(step, regs, memory, width, &rm))
			return false;
		bool is_to_reg = insn->opcode < 0x40 && (insn->opcode & 2);
		to = is_to_reg ? insn_reg(insn) : insn_rm(insn);
		a = is_to_reg ? reg : rm;
		if (insn->imm_at == insn->size)
			b = is_to_reg ? rm : reg;
	}
	uint64_t result = operate(operation, a, b, width, &regs->eflags);
	if (operation != CMP && operation != TEST)
		set_reg(regs, to, result, width);
	regs->rip += insn->size;
	return true;
}

// --- What can be emulated ------------------------------------------------------------------------

// True for AH, CH, DH and BH, which only instructions without REX can use.
static bool is_high_byte(const struct insn *insn, unsigned reg)
{
	return !(insn->opcode & 1) && !insn->rex && reg >= 4;
}

static bool can_use_operands(const struct insn *insn, bool writes_rm)
{
	if (!insn->has_modrm)
		return true;
	bool has_reg = insn->opcode < 0x40 || (insn->opcode >= 0x84 && insn->opcode < 0x8c);
	if (has_reg && is_high_byte(insn, insn_reg(insn)))
		return false;
	if (insn_rm_is_register(insn))
		return !is_high_byte(insn, insn_rm(insn));
	return !writes_rm && is_own_memory(insn);
}

static bool is_alu(const struct insn *insn)
{
	uint8_t opcode = insn->opcode, ext = insn->modrm >> 3 & 7;
	bool is_known = (opcode < 0x40 && (opcode & 7) < 6) || opcode == 0x80 || opcode == 0x81 ||
			opcode == 0x83 || opcode == 0x84 || opcode == 0x85 || opcode == 0xa8 ||
			opcode == 0xa9 || ((opcode == 0xf6 || opcode == 0xf7) && ext == 0);
	if (!is_known)
		return false;
	enum operation operation = find_operation(insn);
	bool is_to_reg = opcode < 0x40 && (opcode & 2);
	return operation != ADC && operation != SBB &&
	       can_use_operands(insn, operation != CMP && operation != TEST && !is_to_reg);
}

static __typeof__(((struct step *)0)->emulate) find_emulation(const struct insn *insn)
{
	static const uint8_t not_of_branches = INSN_OPSIZE | INSN_ADDRSIZE | INSN_LOCK;
	uint8_t opcode = insn->opcode;
	bool is_plain = !(insn->prefixes & ~INSN_SEGMENT);
	bool is_loop = insn->map == MAP_ONE_BYTE && opcode >= 0xe0 && opcode <= 0xe3;
	switch (insn->kind) {
	case INSN_NOP:
		return insn->prefixes & INSN_LOCK ? NULL : emulate_nop;
	case INSN_PUSH:
		return is_plain ? emulate_push : NULL;
	case INSN_RET: // allows f3 (rep ret, for old processors) and f2 (bnd)
		return insn->prefixes & (INSN_OPSIZE | INSN_LOCK) ? NULL : emulate_ret;
	case INSN_JCC: // AMD's processors turn loops with f2 or f3 into loopne or loope
		if (is_loop && (insn->prefixes & (INSN_REP | INSN_REPNE)))
			return NULL;
		return insn->prefixes & not_of_branches ? NULL : emulate_branch;
	case INSN_JMP:
		return insn->prefixes & not_of_branches ? NULL : emulate_branch;
	case INSN_CALL:
		return insn->prefixes & not_of_branches ? NULL : emulate_call;
	case INSN_JMP_INDIRECT:
	case INSN_CALL_INDIRECT:
		return is_plain ? emulate_indirect : NULL;
	}
	if (insn->map != MAP_ONE_BYTE || insn->kind != INSN_OTHER ||
	    insn->prefixes & ~(INSN_OPSIZE | INSN_SEGMENT))
		return NULL;
	bool is_wide = !(insn->prefixes & INSN_OPSIZE);
	if (opcode >= 0x58 && opcode <= 0x5f)
		return is_wide ? emulate_pop : NULL;
	if (opcode == 0x8d)
		return emulate_lea;
	if (opcode >= 0x88 && opcode <= 0x8b)
		return can_use_operands(insn, opcode < 0x8a) ? emulate_mov : NULL;
	if ((opcode >= 0xb8 && opcode <= 0xbf) || (opcode == 0xc7 && insn_rm_is_register(insn)))
		return is_wide ? emulate_mov_imm : NULL;
	return is_alu(insn) ? emulate_alu : NULL;
}

// --- Decoding ----------------------------------------------------------------------------------

// Why neither the emulation nor a copy has the same effect as the original; NULL if one of them
// has.
static const char *refusal(const struct step *step)
{
	const struct insn *insn = &step->insn;
	bool is_flags = insn->map == MAP_ONE_BYTE && (insn->opcode == 0x9c || insn->opcode == 0x9d);
	if (insn->kind == INSN_TRAP || insn->kind == INSN_PRIVILEGED)
		return "its instruction is a trap or privileged";
	if (is_flags || (insn->map == MAP_0F && (insn->opcode == 0x05 || insn->opcode == 0x34)))
		return "its instruction cannot be executed step by step";
	if (step->emulate)
		return NULL;
	if (insn->kind == INSN_JCC || insn->kind == INSN_JMP || insn->kind == INSN_CALL ||
	    insn->kind == INSN_CALL_INDIRECT)
		return "its branch has prefixes that are not known";
	if (step->is_relative && (insn->prefixes & INSN_ADDRSIZE))
		return "its instruction cannot be executed elsewhere";
	return NULL;
}

const char *step_init(struct step *step, const uint8_t *code, size_t len)
{
	*step = (struct step){0};
	if (!insn_decode(code, len, &step->insn))
		return "its instruction is not known";
	const struct insn *insn = &step->insn;
	step->size = insn->size;
	memcpy(step->bytes, code, insn->size);
	step->is_relative = is_relative(insn);
	step->pops_address = insn->kind == INSN_RET;
	step->emulate = find_emulation(insn);
	return refusal(step);
}

bool step_emulate(const struct step *step, struct user_regs_struct *regs,
		  const struct step_memory *memory)
{
	if (!step->emulate)
		return false;
	struct user_regs_struct next = *regs;
	if (!step->emulate(step, &next, memory))
		return false;
	*regs = next;
	return true;
}

bool step_move(const struct step *step, uint64_t from, uint64_t to, uint8_t out[INSN_MAX_BYTES])
{
	memcpy(out, step->bytes, INSN_MAX_BYTES);
	if (!step->is_relative)
		return true;
	int64_t disp = (int64_t)(from - to) + step->insn.disp;
	int32_t narrow = (int32_t)disp;
	if (narrow != disp)
		return false;
	memcpy(out + step->insn.modrm_at + 1, &narrow, sizeof(narrow));
	return true;
}
