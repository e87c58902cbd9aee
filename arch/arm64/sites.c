// SPDX-License-Identifier: GPL-2.0-or-later
// The sites of arm64 code: the same rules as for x86-64, for instructions of four bytes. What is
// not understood is refused: data among the code, jumps through a register, unknown stack checks.
#include "arch/arm64/registers.h"
#include "arch/sites_private.h"

enum { INSN = 4, LEADS_MAX = 16, NO_OFFSET = -1 };

struct scan {
	struct sites_finder *finder;
	const struct sites_query *query;
	const char *refused;
	int64_t morestack;  // offset of the call of runtime.morestack
	int64_t again;	    // offset that the jump after this call goes to
	int64_t low_target; // the lowest offset that any other branch goes to
	bool is_terminated; // control cannot run past the last instruction
};

static const cs_arm64 *detail(const struct scan *scan)
{
	return &scan->finder->spelled->detail->arm64;
}

// The offset that a branch or call goes to: its last operand.
static int64_t target_of(const struct scan *scan)
{
	const cs_arm64 *arm64 = detail(scan);
	return arm64->operands[arm64->op_count - 1].imm - (int64_t)scan->query->vaddr;
}

static bool is_inside(const struct scan *scan, int64_t off)
{
	return off >= 0 && (uint64_t)off < scan->query->size;
}

static bool is_conditional(const struct scan *scan)
{
	switch (scan->finder->spelled->id) {
	case ARM64_INS_CBZ:
	case ARM64_INS_CBNZ:
	case ARM64_INS_TBZ:
	case ARM64_INS_TBNZ:
		return true;
	default:
		return scan->finder->spelled->id == ARM64_INS_B &&
		       detail(scan)->cc != ARM64_CC_INVALID && detail(scan)->cc != ARM64_CC_AL;
	}
}

static struct error *add_exit(struct scan *scan, enum site_kind kind, uint64_t off)
{
	const struct site site = {
		.kind = kind,
		.vaddr = scan->query->vaddr + off,
		.size = INSN,
		.is_emulated = true, // arch/arm64/kernel/probes/simulate-insn.c
	};
	return sites_add_exit(scan->finder, &site);
}

static struct error *scan_branch(struct scan *scan, uint64_t off)
{
	int64_t target = target_of(scan);
	if (!is_inside(scan, target)) {
		if (!is_conditional(scan))
			return add_exit(scan, SITE_TAIL, off);
		scan->refused = "leaves by a conditional branch";
		return NULL;
	}
	sites_set_bit(scan->finder->targets, (uint64_t)target);
	if (!is_conditional(scan) && scan->morestack != NO_OFFSET && scan->again == NO_OFFSET)
		scan->again = target;
	else if (target < scan->low_target)
		scan->low_target = target;
	return NULL;
}

static struct error *scan_insn(struct scan *scan, uint64_t off)
{
	const struct sites_query *query = scan->query;
	unsigned id = scan->finder->spelled->id;
	bool is_branch = id == ARM64_INS_B || is_conditional(scan);
	scan->is_terminated = id == ARM64_INS_RET || id == ARM64_INS_BRK || id == ARM64_INS_BL ||
			      id == ARM64_INS_BLR || (is_branch && !is_conditional(scan));
	if (id == ARM64_INS_RET)
		return add_exit(scan, SITE_RETURN, off);
	if (is_branch)
		return scan_branch(scan, off);
	if (id == ARM64_INS_BR)
		scan->refused = "jumps through a register to where is not known";
	if (id == ARM64_INS_LDR && detail(scan)->operands[1].type == ARM64_OP_IMM)
		scan->refused = "has data among its code";
	if (id != ARM64_INS_BL || !query->is_go || !query->is_morestack ||
	    !query->is_morestack(query->context, query->vaddr + (uint64_t)target_of(scan)))
		return NULL;
	if (scan->morestack != NO_OFFSET)
		scan->refused = "calls runtime.morestack more than once";
	scan->morestack = (int64_t)off;
	return NULL;
}

static struct error *scan_code(struct scan *scan)
{
	for (uint64_t off = 0; off < scan->query->size && !scan->refused; off += INSN) {
		if (!sites_spell(scan->finder, scan->query, off)) {
			scan->refused = "its code does not decode";
			return NULL;
		}
		sites_set_bit(scan->finder->starts, off);
		struct error *err = scan_insn(scan, off);
		if (err)
			return err;
	}
	if (!scan->refused && !scan->is_terminated)
		scan->refused = "runs past its end into other code";
	return NULL;
}

// True if control that reaches off runs straight into the call of runtime.morestack: the slow path.
static bool is_slow_path(const struct scan *scan, int64_t off)
{
	for (; off < scan->morestack; off += INSN) {
		if (!sites_spell(scan->finder, scan->query, (uint64_t)off) || is_conditional(scan))
			return false;
		unsigned id = scan->finder->spelled->id;
		if (id == ARM64_INS_B || id == ARM64_INS_RET || id == ARM64_INS_BL)
			return false;
	}
	return off == scan->morestack;
}

// True for an instruction that writes nothing but flags and the registers that a stack check uses
// (src/cmd/internal/obj/arm64/obj7.go, stacksplit). In a check, memory is read from g only.
static bool is_of_check(const struct scan *scan)
{
	cs_regs read, written;
	uint8_t num_read, num_written;
	const struct sites_finder *finder = scan->finder;
	if (finder->spelled->id == ARM64_INS_CMP) // capstone says that it writes its first operand
		return true;
	if (cs_regs_access(finder->capstone, finder->spelled, read, &num_read, written,
			   &num_written))
		return false;
	for (uint8_t i = 0; i < num_written; i++)
		if (written[i] != ARM64_REG_X16 && written[i] != ARM64_REG_X17 &&
		    written[i] != ARM64_REG_X27 && written[i] != ARM64_REG_NZCV)
			return false;
	for (uint8_t i = 0; i < detail(scan)->op_count; i++) {
		const cs_arm64_op *op = &detail(scan)->operands[i];
		if (op->type == ARM64_OP_MEM &&
		    (op->mem.base != ARM64_REG_X28 || finder->spelled->id != ARM64_INS_LDR))
			return false;
	}
	return true;
}

// Finds the last branch to the slow path, which decides whether the stack is large enough.
static const char *find_checked_entry(const struct scan *scan, uint64_t *out)
{
	int64_t last = NO_OFFSET;
	for (int64_t off = 0; off < LEADS_MAX * INSN && is_inside(scan, off); off += INSN) {
		if (!sites_spell(scan->finder, scan->query, (uint64_t)off))
			break;
		if (!is_conditional(scan)) {
			if (!is_of_check(scan))
				break;
			continue;
		}
		bool is_size = detail(scan)->cc == ARM64_CC_LS;
		if (!is_slow_path(scan, target_of(scan)))
			break;
		last = is_size ? off : NO_OFFSET;
	}
	if (last == NO_OFFSET)
		return "its stack check has a form that is not known";
	if (scan->again == NO_OFFSET || scan->again > last)
		return "does not start again after its stack check";
	if (scan->low_target <= last)
		return "branches back to its entry";
	*out = (uint64_t)last;
	return NULL;
}

struct error *arm64_find_sites(struct sites_finder *finder, const struct sites_query *query,
			       struct sites *out)
{
	struct scan scan = {
		.finder = finder,
		.query = query,
		.morestack = NO_OFFSET,
		.again = NO_OFFSET,
		.low_target = INT64_MAX,
	};
	struct error *err = scan_code(&scan);
	if (err)
		return err;
	if (scan.refused)
		return sites_refuse(out, scan.refused);
	if (!sites_targets_are_starts(finder, query->size))
		return sites_refuse(out, "branches into the middle of an instruction");
	uint64_t off = 0;
	bool is_checked = scan.morestack != NO_OFFSET;
	const char *reason = is_checked	       ? find_checked_entry(&scan, &off)
			     : scan.low_target ? NULL
					       : "branches back to its entry";
	if (reason)
		return sites_refuse(out, reason);
	const struct site entry = {
		.kind = SITE_ENTRY,
		.vaddr = query->vaddr + off,
		.size = INSN,
		.skip_taken = is_checked,
		.is_emulated = is_checked,
	};
	return sites_make(finder, &entry, out);
}
