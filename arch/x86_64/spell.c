// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/spell.h"

#include <stdlib.h>

#include <capstone/capstone.h>

struct speller {
	csh capstone;
	cs_insn *insn;
};

struct error *speller_create(struct speller **out)
{
	struct speller *speller = calloc(1, sizeof(*speller));
	if (!speller)
		return error_nomem();
	cs_err failed = cs_open(CS_ARCH_X86, CS_MODE_64, &speller->capstone);
	if (!failed)
		failed = cs_option(speller->capstone, CS_OPT_DETAIL, CS_OPT_ON);
	if (!failed)
		speller->insn = cs_malloc(speller->capstone);
	if (failed || !speller->insn) {
		speller_destroy(speller);
		return error_new("cannot start capstone: %s", cs_strerror(failed));
	}
	*out = speller;
	return NULL;
}

void speller_destroy(struct speller *speller)
{
	if (!speller)
		return;
	if (speller->insn)
		cs_free(speller->insn, 1);
	if (speller->capstone)
		cs_close(&speller->capstone);
	free(speller);
}

static void find_target(const cs_insn *insn, struct spelled *out)
{
	const cs_x86 *x86 = &insn->detail->x86;
	for (uint8_t i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];
		if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP) {
			out->has_target = true;
			out->target = insn->address + insn->size + (uint64_t)op->mem.disp;
		}
	}
	for (uint8_t i = 0; i < insn->detail->groups_count; i++) {
		uint8_t group = insn->detail->groups[i];
		bool goes = group == X86_GRP_JUMP || group == X86_GRP_CALL ||
			    group == X86_GRP_BRANCH_RELATIVE;
		if (!goes || !x86->op_count || x86->operands[0].type != X86_OP_IMM)
			continue;
		out->has_target = out->is_branch = true;
		out->target = (uint64_t)x86->operands[0].imm;
	}
}

void speller_next(struct speller *speller, const uint8_t *code, size_t len, uint64_t vaddr,
		  struct spelled *spelled, struct text *out)
{
	const uint8_t *at = code;
	size_t left = len;
	uint64_t address = vaddr;
	*spelled = (struct spelled){.size = 1};
	if (!cs_disasm_iter(speller->capstone, &at, &left, &address, speller->insn)) {
		text_printf(out, ".byte 0x%02x", code[0]);
		return;
	}
	spelled->size = (uint8_t)speller->insn->size;
	find_target(speller->insn, spelled);
	text_puts(out, speller->insn->mnemonic);
	if (speller->insn->op_str[0])
		text_printf(out, " %s", speller->insn->op_str);
}
