// SPDX-License-Identifier: GPL-2.0-or-later
// placements [-v] EXECUTABLE: compares the place of every argument and result of every function with
// witnesses that gotrace itself does not ask: the registers that the stack check's slow path saves, which
// are all that arguments come in, each with its spill slot (src/cmd/compile/internal/ssagen/ssa.go,
// RegArgs); the registers that code reads before it writes them; the stack slots that it uses; and the
// ABI that the symbol table names. Prints a row of numbers: functions, those without types, places that
// are known, of these by each witness (saved, read, used, the symbol's ABI, none of them), places in
// doubt, contradictions. Each contradiction has a line, with -v each doubt too. Status 1 if there are any.
#include <elf.h>
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf/index/index.h"
#include "arch/x86_64/insn.h"
#include "arch/sites.h"

enum {
	SPILLS_MAX = 64,
	LEADS_MAX = 12,	  // instructions from the entry on that are searched for registers read
	RETURN_SLOT = 8,  // bytes between SP at entry and the argument area
	SLOTS_MAX = 4096, // bytes of the argument area that are looked at
	OTHER_REG = 0xff,
};

struct word { // what the code shows to be an argument: a register and its spill slot
	enum abi_where where;
	uint8_t reg;
	uint32_t off, size;
};

struct code {	    // what the instructions of a function say
	bool saves; // it has a stack check, which saves these words: all that there are
	bool returns;
	struct word word[SPILLS_MAX];
	size_t num_words;
	uint16_t read, read_float;	// registers of arguments that it reads first
	uint64_t slots[SLOTS_MAX / 64]; // a bit for each byte of the argument area that it names
};

struct counts {
	unsigned long funcs, untyped, placed, by_spill, by_read, by_store, by_abi, by_table, doubt,
		wrong;
};

struct census {
	struct index *index;
	csh capstone;
	cs_insn *spelled;
	struct counts counts;
	bool is_verbose;
};

static const uint8_t go_order[16] = {0, 2, OTHER_REG, 1,	 OTHER_REG, OTHER_REG, 4, 3, 5, 6,
				     7, 8, OTHER_REG, OTHER_REG, OTHER_REG, OTHER_REG};

// --- What the code says --------------------------------------------------------------------------

// disp(%rsp) without an index
static bool is_on_stack(const struct insn *insn)
{
	return insn->has_modrm && insn->modrm < 0xc0 && (insn->modrm & 7) == 4 &&
	       insn->sib == 0x24 && !(insn->rex & 1);
}

static bool take_spill(const struct insn *insn, struct word *out)
{
	if (!is_on_stack(insn) || insn->disp < RETURN_SLOT)
		return false;
	bool is_store = insn->map == MAP_ONE_BYTE && (insn->opcode == 0x88 || insn->opcode == 0x89);
	bool is_float = insn->map == MAP_0F && insn->opcode == 0x11 &&
			insn->prefixes & (INSN_REP | INSN_REPNE);
	*out = (struct word){.off = (uint32_t)insn->disp - RETURN_SLOT,
			     .reg = (uint8_t)insn_reg(insn)};
	if (is_float) {
		out->where = ABI_FLOAT_REG;
		out->size = insn->prefixes & INSN_REP ? 4 : 8;
		return true;
	}
	out->where = ABI_INT_REG;
	out->reg = go_order[insn_reg(insn)];
	out->size = insn->opcode == 0x88	   ? 1
		    : insn->prefixes & INSN_OPSIZE ? 2
		    : insn->rex & 8		   ? 8
						   : 4;
	return is_store && out->reg != OTHER_REG;
}

static bool is_morestack(const char *name)
{
	static const char prefix[] = "runtime.morestack";
	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return false;
	const char *rest = name + sizeof(prefix) - 1;
	if (!strncmp(rest, "_noctxt", 7))
		rest += 7;
	else if (*rest == 'c')
		rest++;
	return !*rest || !strcmp(rest, ".abi0");
}

static bool calls_morestack(const struct census *census, uint64_t target)
{
	const struct func *func = index_func_at(census->index, target);
	return func && func->vaddr == target && is_morestack(func->name);
}

static void note_slot(const struct census *census, uint64_t vaddr, const struct insn *insn,
		      struct code *code)
{
	uint32_t frame;
	if (!is_on_stack(insn) || !pclntab_frame_size(index_pclntab(census->index), vaddr, &frame))
		return;
	int64_t off = (int64_t)insn->disp - (int64_t)frame - RETURN_SLOT;
	if (off >= 0 && off < SLOTS_MAX)
		code->slots[off / 64] |= UINT64_C(1) << (off % 64);
}

static void read_code(const struct census *census, const struct func *func, bool wants_slots,
		      const uint8_t *bytes, struct code *code)
{
	struct insn insn;
	struct word run[SPILLS_MAX];
	size_t num = 0;
	for (uint64_t off = 0; off < func->size; off += insn.size) {
		if (!insn_decode(bytes + off, func->size - off, &insn)) {
			size_t len = func->size - off;
			const uint8_t *at = bytes + off;
			uint64_t vaddr = func->vaddr + off;
			num = 0;
			if (!cs_disasm_iter(census->capstone, &at, &len, &vaddr, census->spelled))
				return;
			insn.size = (uint8_t)census->spelled->size;
			continue;
		}
		if (wants_slots)
			note_slot(census, func->vaddr + off, &insn, code);
		if (insn.kind == INSN_RET || insn.kind == INSN_JMP_INDIRECT)
			code->returns = true;
		if (insn.kind == INSN_NOP)
			continue;
		if (insn.kind == INSN_CALL &&
		    calls_morestack(census,
				    func->vaddr + off + insn.size + (uint64_t)(int64_t)insn.rel)) {
			code->saves = num; // nothing where no argument is used
			code->num_words = num;
			memcpy(code->word, run, sizeof(run));
		}
		if (num < SPILLS_MAX && take_spill(&insn, &run[num]))
			num++;
		else
			num = 0;
	}
}

static uint8_t float_reg(unsigned reg)
{
	return reg >= X86_REG_XMM0 && reg < X86_REG_XMM0 + 15 ? (uint8_t)(reg - X86_REG_XMM0)
							      : OTHER_REG;
}

// A register's 64-bit whole, in Go's order.
static uint8_t int_reg(unsigned reg)
{
	static const uint16_t parts[][5] = {
		{X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH},
		{X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH},
		{X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH},
		{X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL},
		{X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL},
		{X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B},
		{X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B},
		{X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B},
		{X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B},
	};
	for (uint8_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (int k = 0; k < 5; k++)
			if (parts[i][k] && parts[i][k] == reg)
				return i;
	return OTHER_REG;
}

static void note(const uint16_t *regs, unsigned num, uint16_t *ints, uint16_t *floats)
{
	for (unsigned i = 0; i < num; i++) {
		if (int_reg(regs[i]) != OTHER_REG)
			*ints |= (uint16_t)(1u << int_reg(regs[i]));
		if (float_reg(regs[i]) != OTHER_REG)
			*floats |= (uint16_t)(1u << float_reg(regs[i]));
	}
}

// xor %eax,%eax reads nothing.
static bool clears(const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	bool is_xor = insn->id == X86_INS_XOR || insn->id == X86_INS_XORPS ||
		      insn->id == X86_INS_PXOR || insn->id == X86_INS_SBB ||
		      insn->id == X86_INS_PCMPEQD;
	return is_xor && x86->op_count == 2 && x86->operands[0].type == X86_OP_REG &&
	       x86->operands[1].type == X86_OP_REG && x86->operands[0].reg == x86->operands[1].reg;
}

// The registers that are read before they are written, as far as control goes straight.
static void read_registers(const struct census *census, const struct func *func,
			   const uint8_t *bytes, struct code *code)
{
	size_t len = func->size;
	uint64_t vaddr = func->vaddr;
	uint16_t written = 0, written_float = 0;
	for (int i = 0; i < LEADS_MAX; i++) {
		cs_regs reads, writes;
		uint8_t num_reads, num_writes;
		cs_insn *insn = census->spelled;
		if (!cs_disasm_iter(census->capstone, &bytes, &len, &vaddr, insn) ||
		    cs_insn_group(census->capstone, insn, CS_GRP_CALL) ||
		    cs_insn_group(census->capstone, insn, CS_GRP_RET) || insn->id == X86_INS_JMP ||
		    cs_regs_access(census->capstone, insn, reads, &num_reads, writes, &num_writes))
			return;
		uint16_t read = 0, read_float = 0;
		bool is_nil_check = insn->id == X86_INS_TEST &&
				    insn->detail->x86.operands[0].type == X86_OP_MEM;
		bool is_push = insn->id == X86_INS_PUSH || insn->id == X86_INS_XCHG ||
			       insn->id == X86_INS_NOP || is_nil_check;
		if (!clears(insn) && !is_push)
			note(reads, num_reads, &read, &read_float);
		code->read |= read & (uint16_t)~written;
		code->read_float |= read_float & (uint16_t)~written_float;
		note(writes, num_writes, &written, &written_float);
		if (insn->id != X86_INS_JBE && cs_insn_group(census->capstone, insn, CS_GRP_JUMP))
			return;
	}
}

// --- Signatures against it ------------------------------------------------------------------------

static bool has_word(const struct code *code, const struct param *param,
		     const struct abi_piece *piece, bool has_slots)
{
	for (size_t i = 0; i < code->num_words; i++) {
		const struct word *word = &code->word[i];
		if (word->where == piece->where && word->reg == piece->reg &&
		    word->size == piece->size)
			return !has_slots || word->off == param->spill_off + piece->offset;
	}
	return false;
}

static bool is_read(const struct code *code, const struct abi_piece *piece)
{
	return piece->where == ABI_INT_REG ? code->read >> piece->reg & 1
					   : code->read_float >> piece->reg & 1;
}

static bool names_slot(const struct code *code, const struct abi_piece *piece)
{
	for (uint32_t off = piece->stack_off;
	     off < piece->stack_off + piece->size && off < SLOTS_MAX; off++)
		if (code->slots[off / 64] >> (off % 64) & 1)
			return true;
	return false;
}

static void report(const struct func *func, const struct param *param, const char *what)
{
	char place[256] = "";
	if (param)
		abi_describe(arch_find(EM_X86_64), param, place, sizeof(place));
	printf("# %s%s%s%s%s: %s\n", func->name, param ? ", " : "", param ? param->name : "",
	       param ? " at " : "", place, what);
}

static void wrong(struct census *census, const struct func *func, const struct param *param,
		  const char *what)
{
	census->counts.wrong++;
	report(func, param, what);
}

static void check_arg(struct census *census, const struct func *func, const struct param *param,
		      const struct code *code, bool has_slots)
{
	struct counts *counts = &census->counts;
	bool in_regs = param->pieces[0].where != ABI_STACK;
	if (in_regs && code->saves) {
		for (size_t i = 0; i < param->num_pieces; i++) {
			if (!has_word(code, param, &param->pieces[i], has_slots)) {
				wrong(census, func, param, "the stack check does not save it so");
				return;
			}
		}
		counts->by_spill++;
		return;
	}
	for (size_t i = 0; i < param->num_pieces && in_regs; i++) {
		if (is_read(code, &param->pieces[i])) {
			counts->by_read++;
			return;
		}
	}
	if (!in_regs && names_slot(code, &param->pieces[0]))
		counts->by_store++;
	else
		counts->by_table++;
}

static void check_result(struct census *census, const struct func *func, const struct param *param,
			 const struct code *code)
{
	struct counts *counts = &census->counts;
	if (param->pieces[0].where != ABI_STACK)
		counts->by_abi++;
	else if (names_slot(code, &param->pieces[0]))
		counts->by_store++;
	else if (code->returns && param->pieces[0].stack_off < SLOTS_MAX)
		wrong(census, func, param, "nothing is stored there");
	else
		counts->by_table++;
}

struct known { // the places of all that a signature knows
	uint16_t ints, floats;
	size_t num_regs;
	uint64_t slots[SLOTS_MAX / 64];
};

static void add_known(struct known *known, const struct param *param, bool is_arg)
{
	for (size_t k = 0; k < param->num_pieces; k++) {
		const struct abi_piece *piece = &param->pieces[k];
		if (piece->where == ABI_STACK) {
			for (uint32_t off = 0;
			     off < piece->size && piece->stack_off + off < SLOTS_MAX; off++)
				known->slots[(piece->stack_off + off) / 64] |=
					UINT64_C(1) << (piece->stack_off + off) % 64;
		} else if (is_arg) {
			uint16_t *regs =
				piece->where == ABI_INT_REG ? &known->ints : &known->floats;
			*regs |= (uint16_t)(1u << piece->reg);
			known->num_regs++;
		}
	}
}

static bool uses_unknown_slot(const struct known *known, const struct code *code, uint32_t bytes)
{
	for (uint32_t off = 0; off < bytes && off < SLOTS_MAX; off++)
		if ((code->slots[off / 64] & ~known->slots[off / 64]) >> (off % 64) & 1)
			return true;
	return false;
}

static int64_t argument_bytes(const struct census *census, const struct func *func)
{
	const struct pclntab *table = index_pclntab(census->index);
	struct pcln_func row;
	size_t i;
	return pclntab_find(table, func->vaddr, &i) && pclntab_func(table, i, &row) ? row.args_bytes
										    : -1;
}

// Spill slots are certain where all that comes before them is.
static bool knows_slots(const struct census *census, const struct func *func,
			const struct signature *signature)
{
	for (size_t i = 0; i < signature->num_args; i++)
		if (signature->params[i].unknown)
			return false;
	return signature->frame_bytes == argument_bytes(census, func);
}

// Places with arguments or results that the signature does not know, where its size says that
// it knows all.
static void check_rest(struct census *census, const struct func *func,
		       const struct signature *signature, const struct code *code)
{
	struct known known = {0};
	if (signature->frame_bytes != argument_bytes(census, func))
		return;
	for (size_t i = 0; i < signature->num_params; i++) {
		if (signature->params[i].unknown)
			return;
		add_known(&known, &signature->params[i], i < signature->num_args);
	}
	if (uses_unknown_slot(&known, code, signature->stack_bytes))
		wrong(census, func, NULL, "it uses a slot that nothing is in");
	if (signature->abi != ABI_INTERNAL)
		return;
	if (code->saves && code->num_words != known.num_regs)
		wrong(census, func, NULL, "the stack check saves another number of registers");
	if (!code->saves && (code->read & ~known.ints || code->read_float & ~known.floats))
		wrong(census, func, NULL, "it reads a register that no argument comes in");
}

static void check_params(struct census *census, const struct func *func,
			 const struct signature *signature, const struct code *code)
{
	struct counts *counts = &census->counts;
	bool has_slots = knows_slots(census, func, signature);
	for (size_t i = 0; i < signature->num_params; i++) {
		const struct param *param = &signature->params[i];
		if (param->is_hidden)
			continue;
		if (param->unknown) {
			counts->doubt++;
			if (census->is_verbose)
				report(func, param, param->unknown);
			continue;
		}
		if (!param->num_pieces)
			continue;
		counts->placed++;
		if (i < signature->num_args)
			check_arg(census, func, param, code, has_slots);
		else
			check_result(census, func, param, code);
	}
}

static bool has_stack_params(const struct signature *signature)
{
	for (size_t i = 0; i < signature->num_params; i++)
		if (signature->params[i].num_pieces &&
		    signature->params[i].pieces[0].where == ABI_STACK)
			return true;
	return false;
}

static void check_func(struct census *census, const struct func *func)
{
	const uint8_t *bytes;
	if (func->flags & (FUNC_FOREIGN | FUNC_ASM) ||
	    !image_text(index_image(census->index), func->vaddr, func->size, &bytes))
		return;
	census->counts.funcs++;
	const struct signature *signature = index_signature(census->index, func);
	if (!signature->is_known) {
		census->counts.untyped++;
		return;
	}
	struct code code = {0};
	read_code(census, func, has_stack_params(signature), bytes, &code);
	if (!code.saves && signature->abi == ABI_INTERNAL)
		read_registers(census, func, bytes, &code);
	if (!(func->flags & FUNC_ABI0) != (signature->abi == ABI_INTERNAL))
		wrong(census, func, NULL, "its ABI is not its symbol's");
	check_params(census, func, signature, &code);
	check_rest(census, func, signature, &code);
}

static void check_all(struct census *census)
{
	size_t num;
	const struct func *funcs = index_funcs(census->index, &num);
	for (size_t i = 0; i < num; i++)
		check_func(census, &funcs[i]);
	const struct counts *counts = &census->counts;
	printf("%lu %lu %lu %lu %lu %lu %lu %lu %lu %lu\n", counts->funcs, counts->untyped,
	       counts->placed, counts->by_spill, counts->by_read, counts->by_store, counts->by_abi,
	       counts->by_table, counts->doubt, counts->wrong);
}

int main(int argc, char **argv)
{
	struct census census = {.is_verbose = argc == 3 && !strcmp(argv[1], "-v")};
	if (argc != 2 + census.is_verbose) {
		fprintf(stderr, "usage: placements [-v] EXECUTABLE\n");
		return 2;
	}
	struct error *err = index_open(argv[argc - 1], NULL, "", &census.index);
	if (err) {
		fprintf(stderr, "%s\n", error_message(err));
		error_free(err);
		return 2;
	}
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &census.capstone) ||
	    cs_option(census.capstone, CS_OPT_DETAIL, CS_OPT_ON))
		return 2;
	census.spelled = cs_malloc(census.capstone);
	check_all(&census);
	cs_free(census.spelled, 1);
	cs_close(&census.capstone);
	index_close(census.index);
	return census.counts.wrong != 0;
}
