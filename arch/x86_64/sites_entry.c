// SPDX-License-Identifier: GPL-2.0-or-later
// The entry site of a function: which of its leading instructions can carry the probe.
#include "arch/x86_64/sites_private.h"

enum {
	REG_AX = 0,
	REG_CX = 1,
	REG_SP = 4,
	REG_SI = 6,
	REG_R12 = 12,
	REG_R13 = 13,
	REG_R14 = 14,
};

#define BIT(register) (1u << (register))

// True if the instruction cannot fault on a read. If it faulted on a nil pointer before the
// probe, the function's entry would be lost.
static bool reads_safely(const struct insn *insn)
{
	if (insn_rm_is_register(insn) || (insn->prefixes & INSN_FS))
		return true;
	unsigned mod = insn->modrm >> 6;
	unsigned rm = insn->modrm & 7;
	if (mod == 0 && rm == 5) // RIP
		return true;
	// SP without an index
	return rm == 4 && (insn->sib & 0x3f) == 0x24 && !(insn->rex & 3);
}

static bool compares_with_guard(const struct insn *insn)
{
	return (insn->opcode == 0x39 || insn->opcode == 0x3b || insn->opcode == 0x8b) &&
	       !insn_rm_is_register(insn) && (insn->disp == 0x10 || insn->disp == 0x18) &&
	       (insn_rm(insn) == REG_R14 || insn_rm(insn) == REG_CX);
}

// Sets *written to the registers that a leading instruction writes. False for an instruction that
// writes memory, SP or more than one register, that can fault, or that is not one of the few
// known here.
static bool lead_writes(const struct scan *scan, const struct insn *insn, uint32_t *written)
{
	*written = 0;
	if (insn->kind == INSN_NOP)
		return true;
	if (insn->prefixes & ~(INSN_FS | INSN_OPSIZE))
		return insn->map == MAP_0F && insn->opcode == 0x1e; // endbr64
	if (insn->map == MAP_0F) // xorps of X15, Go's zero register, with itself
		return insn->opcode == 0x57 && insn->modrm == 0xff && insn->rex == 0x45;
	if (insn->map != MAP_ONE_BYTE)
		return false;
	unsigned rm = insn_rm(insn);
	switch (insn->opcode) {
	case 0x38 ... 0x3b: // cmp
	case 0x84 ... 0x85: // test
		break;
	case 0x3c ... 0x3d:
	case 0xa8 ... 0xa9:
		return true;
	case 0x80 ... 0x83: // only cmp, and sub of a register
		if ((insn->modrm >> 3 & 7) == 5 && insn_rm_is_register(insn))
			*written = BIT(rm);
		else if ((insn->modrm >> 3 & 7) != 7)
			return false;
		break;
	case 0xf6 ... 0xf7: // only test
		if (insn->modrm & 0x38)
			return false;
		break;
	case 0xb8 ... 0xbf: // mov of an immediate
		*written = BIT((insn->opcode & 7) | (insn->rex & 1) << 3);
		return !(*written & BIT(REG_SP));
	case 0xc7:
	case 0x29: // sub
	case 0x89: // mov
		if (!insn_rm_is_register(insn))
			return false;
		*written = BIT(rm);
		break;
	case 0x8d: // lea reads nothing
		*written = BIT(insn_reg(insn));
		return !(*written & BIT(REG_SP));
	case 0x2b:
	case 0x8b:
		*written = BIT(insn_reg(insn));
		break;
	default:
		return false;
	}
	bool is_guard = compares_with_guard(insn) && (insn_rm(insn) == REG_R14 || scan->has_tls_g);
	if (!is_guard && !reads_safely(insn))
		return false;
	return !(*written & BIT(REG_SP));
}

void scan_lead(struct scan *scan, uint32_t off, const struct insn *insn)
{
	if (scan->num_leads == LEADS_MAX)
		scan->leads_ended = true;
	if (scan->leads_ended)
		return;
	scan->lead[scan->num_leads++] = (struct lead){
		.off = off,
		.written = scan->written,
		.insn = *insn,
		.is_after_guard = scan->is_after_guard,
	};
	if (insn->kind == INSN_JCC) // check_branch() and find_plain_entry() check the branches
		return;
	uint32_t written;
	if (!lead_writes(scan, insn, &written)) {
		scan->leads_ended = true;
		return;
	}
	if (insn->map == MAP_ONE_BYTE && compares_with_guard(insn))
		scan->is_after_guard = true;
	if (insn->opcode == 0x8b && (insn->prefixes & INSN_FS) && insn->map == MAP_ONE_BYTE)
		scan->has_tls_g = true;
	scan->written |= written;
}

// True if control that reaches off runs straight into the call of runtime.morestack: the slow path.
static bool is_slow_path(const struct scan *scan, int64_t off)
{
	const struct sites_query *query = scan->query;
	while (off < scan->morestack) {
		struct insn insn;
		if (!insn_decode(query->code + off, query->size - off, &insn) ||
		    (insn.kind != INSN_OTHER && insn.kind != INSN_NOP))
			return false;
		off += insn.size;
	}
	return off == scan->morestack;
}

// True if a stack check may write these registers: R12 to R14 if arguments are in registers
// (src/cmd/internal/obj/x86/obj6.go, stacksplit); AX, CX and SI before Go 1.17, when arguments
// were on the stack.
static bool is_check_scratch(const struct scan *scan, uint32_t written)
{
	if (!(written & ~(BIT(REG_R12) | BIT(REG_R13) | BIT(REG_R14))))
		return true;
	return scan->has_tls_g && (written & BIT(REG_CX)) &&
	       !(written & ~(BIT(REG_AX) | BIT(REG_CX) | BIT(REG_SI)));
}

static bool is_jbe(const struct insn *insn)
{
	return (insn->map == MAP_ONE_BYTE && insn->opcode == 0x76) ||
	       (insn->map == MAP_0F && insn->opcode == 0x86);
}

// Returns the last branch to the slow path, if all branches before it go there too.
static const struct lead *check_branch(const struct scan *scan)
{
	const struct lead *last = NULL;
	for (size_t i = 0; i < scan->num_leads; i++) {
		const struct lead *lead = &scan->lead[i];
		if (lead->insn.kind != INSN_JCC)
			continue;
		int64_t target = (int64_t)lead->off + lead->insn.size + lead->insn.rel;
		if (target <= lead->off || target > scan->morestack || !is_slow_path(scan, target))
			break;
		last = lead;
	}
	return last;
}

static const char *find_checked_entry(const struct scan *scan, const struct lead **out)
{
	const struct lead *lead = check_branch(scan);
	if (!lead || !lead->is_after_guard || !is_jbe(&lead->insn) ||
	    !is_check_scratch(scan, lead->written))
		return "its stack check has a form that is not known";
	// The restart after the stack has grown must reach the branch again; no other branch may
	// reach it.
	if (scan->again == NO_OFFSET || scan->again > lead->off)
		return "does not start again after its stack check";
	if (scan->low_target <= lead->off)
		return "branches back to its entry";
	if (!insn_takes_uprobe(&lead->insn))
		return "its stack check cannot carry a uprobe";
	*out = lead;
	return NULL;
}

// Finds the entry site of a function without a stack check: the first leading instruction that the
// kernel emulates, else the first that takes a uprobe. An exit is used only if there is no other.
static const char *find_plain_entry(const struct scan *scan, const struct lead **out)
{
	const uint32_t harmless = BIT(REG_R12) | BIT(REG_R13);
	const struct lead *stepped = NULL, *emulated = NULL, *leaving = NULL;
	if (scan->low_target == 0)
		return "branches back to its entry";
	for (size_t i = 0; i < scan->num_leads && !emulated; i++) {
		const struct lead *lead = &scan->lead[i];
		if (lead->is_after_guard && lead->insn.kind == INSN_JCC && scan->query->is_go)
			return "its stack check calls what is not known to be runtime.morestack";
		if (lead->off >= scan->low_target || (lead->written & ~harmless))
			break;
		if (!insn_takes_uprobe(&lead->insn))
			continue;
		if (scan_is_exit(scan, lead->off))
			leaving = lead;
		else if (insn_is_emulated(&lead->insn))
			emulated = lead;
		else if (!stepped)
			stepped = lead;
		if (lead->insn.kind == INSN_JCC)
			break;
	}
	*out = emulated ? emulated : stepped ? stepped : leaving;
	return *out ? NULL : "no instruction at its entry can carry a uprobe";
}

const char *scan_find_entry(const struct scan *scan, const struct lead **out)
{
	return scan->morestack != NO_OFFSET ? find_checked_entry(scan, out)
					    : find_plain_entry(scan, out);
}
