// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86_64/registers.h"
#include "arch/x86_64/sites_private.h"

static struct error *add_exit(struct scan *scan, enum site_kind kind, uint32_t off,
			      const struct insn *insn)
{
	if (!insn_takes_uprobe(insn)) {
		scan->refused = "one of its exits cannot carry a uprobe";
		return NULL;
	}
	const struct site site = {
		.kind = kind,
		.vaddr = scan->query->vaddr + off,
		.size = insn->size,
		.is_emulated = insn_is_emulated(insn),
	};
	return sites_add_exit(scan->finder, &site);
}

bool scan_is_exit(const struct scan *scan, uint32_t off)
{
	for (size_t i = 0; i < scan->finder->num_exits; i++) {
		if (scan->finder->exits[i].vaddr == scan->query->vaddr + off)
			return true;
	}
	return false;
}

// Decodes an instruction that the tables do not have: capstone gives its length. False for a
// branch, because its target would not be known.
static bool decode_spelled(struct scan *scan, uint32_t off, struct insn *out)
{
	struct sites_finder *finder = scan->finder;
	if (!sites_spell(finder, scan->query, off))
		return false;
	const cs_insn *spelled = finder->spelled;
	static const uint8_t branches[] = {CS_GRP_JUMP, CS_GRP_CALL, CS_GRP_RET, CS_GRP_IRET,
					   CS_GRP_INT};
	for (size_t i = 0; i < sizeof(branches); i++) {
		if (cs_insn_group(finder->capstone, spelled, branches[i]))
			return false;
	}
	// The map MAP_EVEX prevents a probe on it, and its opcode cannot be mistaken for another
	// one.
	*out = (struct insn){.size = spelled->size, .map = MAP_EVEX};
	return true;
}

static void scan_target(struct scan *scan, uint64_t target)
{
	sites_set_bit(scan->finder->targets, target);
	if ((int64_t)target < scan->low_target)
		scan->low_target = target;
}

// An indirect jump. Go's compiler uses jmp *(table)(index*8) only for jump tables, and a jmp
// through a register only to leave the function (a method of an embedded interface); so does
// assembly. C uses both forms for both purposes, but notrack is on jump tables only.
static struct error *scan_jmp_indirect(struct scan *scan, uint32_t off, const struct insn *insn)
{
	bool has_index = !insn_rm_is_register(insn) && (insn->modrm & 7) == 4 &&
			 ((insn->sib & 0x38) != 0x20 || (insn->rex & 2));
	bool is_scaled = has_index && insn->sib >> 6 == 3;
	if (!scan->query->is_go) {
		bool is_absolute = insn->modrm >> 6 == 0 && (insn->sib & 7) == 5;
		if (!(insn->prefixes & INSN_SEGMENT) && !(is_scaled && is_absolute))
			scan->refused = "jumps through a register to where is not known";
		return NULL;
	}
	if (is_scaled)
		return NULL;
	scan->jumps_by_register = true;
	return add_exit(scan, SITE_TAIL, off, insn);
}

static struct error *scan_branch(struct scan *scan, uint32_t off, const struct insn *insn)
{
	const struct sites_query *query = scan->query;
	int64_t target = (int64_t)off + insn->size + insn->rel;
	bool is_inside = target >= 0 && (uint64_t)target < query->size;
	if (insn->kind == INSN_CALL) {
		if (is_inside || !query->is_go || !query->is_morestack ||
		    !query->is_morestack(query->context, query->vaddr + target))
			return NULL;
		if (scan->morestack != NO_OFFSET)
			scan->refused = "calls runtime.morestack more than once";
		scan->morestack = off;
		return NULL;
	}
	if (!is_inside && insn->kind == INSN_JMP)
		return add_exit(scan, SITE_TAIL, off, insn);
	if (!is_inside)
		scan->refused = "leaves by a conditional branch";
	else if (insn->kind == INSN_JMP && scan->morestack != NO_OFFSET &&
		 scan->again == NO_OFFSET) {
		scan->again = target;
		sites_set_bit(scan->finder->targets, target);
	} else
		scan_target(scan, target);
	return NULL;
}

static struct error *scan_insn(struct scan *scan, uint32_t off, const struct insn *insn)
{
	scan_lead(scan, off, insn);
	bool was_terminated = scan->is_terminated;
	scan->is_terminated = true;
	struct error *err = NULL;
	switch (insn->kind) {
	case INSN_NOP: // after a call that does not return, a nop is padding
		scan->is_terminated = was_terminated;
		break;
	case INSN_JCC:
		scan->is_terminated = false;
		err = scan_branch(scan, off, insn);
		break;
	case INSN_JMP:
	case INSN_CALL:
		err = scan_branch(scan, off, insn);
		break;
	case INSN_JMP_INDIRECT:
		err = scan_jmp_indirect(scan, off, insn);
		break;
	case INSN_RET:
		err = add_exit(scan, SITE_RETURN, off, insn);
		break;
	case INSN_CALL_INDIRECT:
	case INSN_TRAP:
		break;
	case INSN_PRIVILEGED:
		scan->refused = "holds instructions that no program runs: data among its code";
		break;
	default:
		scan->is_terminated = false;
	}
	if (scan->is_terminated)
		scan->ended = off + insn->size;
	return err;
}

// True if only zeros follow: the padding after the last function of a segment.
static bool only_zeros(const struct sites_query *query, size_t off)
{
	while (off < query->size && !query->code[off])
		off++;
	return off == query->size;
}

static struct error *scan_code(struct scan *scan)
{
	const struct sites_query *query = scan->query;
	uint32_t off = 0;
	while (off < query->size && !scan->refused) {
		struct insn insn;
		if (!insn_decode(query->code + off, query->size - off, &insn) &&
		    !decode_spelled(scan, off, &insn)) {
			if (scan->ended && only_zeros(query, scan->ended))
				return NULL;
			scan->refused = "its code does not decode";
			return NULL;
		}
		sites_set_bit(scan->finder->starts, off);
		struct error *err = scan_insn(scan, off, &insn);
		if (err)
			return err;
		off += insn.size;
	}
	if (!scan->refused && !scan->is_terminated &&
	    !(scan->ended && only_zeros(query, scan->ended)))
		scan->refused = "runs past its end into other code";
	return NULL;
}

// True if some lea takes an address inside the function: a jump through a register could go there.
static bool takes_own_address(struct scan *scan)
{
	const struct sites_query *query = scan->query;
	for (uint32_t off = 0; off < query->size;) {
		struct insn insn;
		if (!insn_decode(query->code + off, query->size - off, &insn) &&
		    !decode_spelled(scan, off, &insn))
			return false;
		off += insn.size;
		int64_t target = (int64_t)off + insn.disp;
		if (insn.map == MAP_ONE_BYTE && insn.opcode == 0x8d && (insn.modrm & 0xc7) == 5 &&
		    target >= 0 && (uint64_t)target < query->size)
			return true;
	}
	return false;
}

struct error *x86_64_find_sites(struct sites_finder *finder, const struct sites_query *query,
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
	if (scan.jumps_by_register && takes_own_address(&scan))
		return sites_refuse(out, "jumps through a register to where is not known");
	const struct lead *lead = NULL;
	const char *reason = scan_find_entry(&scan, &lead);
	if (reason)
		return sites_refuse(out, reason);
	const struct site entry = {
		.kind = SITE_ENTRY,
		.vaddr = query->vaddr + lead->off,
		.size = lead->insn.size,
		.skip_taken = scan.morestack != NO_OFFSET,
		.is_emulated = insn_is_emulated(&lead->insn),
	};
	return sites_make(finder, &entry, out);
}
