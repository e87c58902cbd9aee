// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86_64/sites_private.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

enum { CODE_MAX = 16 << 20 }; // bytes of one function

struct sites_finder {
	csh capstone;
	cs_insn *spelled;
	uint64_t *starts;  // a bit for each byte of the function: an instruction starts here
	uint64_t *targets; // a bit for each byte of the function: a branch goes here
	size_t num_words;
	struct site *exits;
	size_t num_exits, max_exits;
};

struct error *sites_finder_create(struct sites_finder **out)
{
	struct sites_finder *finder = calloc(1, sizeof(*finder));
	if (!finder)
		return error_nomem();
	cs_err err = cs_open(CS_ARCH_X86, CS_MODE_64, &finder->capstone);
	if (err == CS_ERR_OK)
		err = cs_option(finder->capstone, CS_OPT_DETAIL, CS_OPT_ON);
	if (err != CS_ERR_OK) {
		sites_finder_destroy(finder);
		return error_new("cannot start capstone: %s", cs_strerror(err));
	}
	finder->spelled = cs_malloc(finder->capstone);
	if (!finder->spelled) {
		sites_finder_destroy(finder);
		return error_nomem();
	}
	*out = finder;
	return NULL;
}

void sites_finder_destroy(struct sites_finder *finder)
{
	if (!finder)
		return;
	if (finder->spelled)
		cs_free(finder->spelled, 1);
	if (finder->capstone)
		cs_close(&finder->capstone);
	free(finder->starts);
	free(finder->targets);
	free(finder->exits);
	free(finder);
}

void sites_deinit(struct sites *sites)
{
	free(sites->site);
	*sites = (struct sites){};
}

bool sites_is_morestack(const char *name)
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

// Clears the two bitmaps, and makes them large enough for a function of this size.
static struct error *finder_prepare(struct sites_finder *finder, uint64_t size)
{
	size_t words = size / 64 + 1;
	if (words > finder->num_words) {
		uint64_t *starts = realloc(finder->starts, words * sizeof(*starts));
		if (!starts)
			return error_nomem();
		finder->starts = starts;
		uint64_t *targets = realloc(finder->targets, words * sizeof(*targets));
		if (!targets)
			return error_nomem();
		finder->targets = targets;
		finder->num_words = words;
	}
	memset(finder->starts, 0, words * sizeof(*finder->starts));
	memset(finder->targets, 0, words * sizeof(*finder->targets));
	finder->num_exits = 0;
	return NULL;
}

static void set_bit(uint64_t *map, uint64_t bit)
{
	map[bit / 64] |= 1ull << (bit % 64);
}

static struct error *add_exit(struct scan *scan, enum site_kind kind, uint32_t off,
			      const struct insn *insn)
{
	struct sites_finder *finder = scan->finder;
	if (!insn_takes_uprobe(insn)) {
		scan->refused = "one of its exits cannot carry a uprobe";
		return NULL;
	}
	if (!vec_room(finder->exits, finder->num_exits, finder->max_exits))
		return error_nomem();
	finder->exits[finder->num_exits++] = (struct site){
		.kind = kind,
		.vaddr = scan->query->vaddr + off,
		.size = insn->size,
		.is_emulated = insn_is_emulated(insn),
	};
	return NULL;
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
	const uint8_t *code = scan->query->code + off;
	size_t len = scan->query->size - off;
	uint64_t vaddr = scan->query->vaddr + off;
	cs_insn *spelled = finder->spelled;
	if (!cs_disasm_iter(finder->capstone, &code, &len, &vaddr, spelled) || !spelled->size)
		return false;
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
	set_bit(scan->finder->targets, target);
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
		set_bit(scan->finder->targets, target);
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
		set_bit(scan->finder->starts, off);
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

// True if each branch goes to an instruction that the linear decoding found. If not, there is
// data in the code, or the decoding is out of step.
static bool targets_are_starts(const struct sites_finder *finder, uint64_t size)
{
	for (size_t i = 0; i <= size / 64; i++) {
		if (finder->targets[i] & ~finder->starts[i])
			return false;
	}
	return true;
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

static struct error *make_sites(const struct scan *scan, const struct lead *entry,
				struct sites *out)
{
	bool is_checked = scan->morestack != NO_OFFSET;
	const struct sites_finder *finder = scan->finder;
	struct site *site = malloc((1 + finder->num_exits) * sizeof(*site));
	if (!site)
		return error_nomem();
	site[0] = (struct site){
		.kind = SITE_ENTRY,
		.vaddr = scan->query->vaddr + entry->off,
		.size = entry->insn.size,
		.skip_taken = is_checked,
		.is_emulated = insn_is_emulated(&entry->insn),
	};
	if (finder->num_exits)
		memcpy(site + 1, finder->exits, finder->num_exits * sizeof(*site));
	*out = (struct sites){
		.site = site,
		.num = 1 + finder->num_exits,
		.has_stack_check = is_checked,
	};
	return NULL;
}

static struct error *refuse(struct sites *out, const char *reason)
{
	*out = (struct sites){.refused = reason};
	return NULL;
}

struct error *sites_find(struct sites_finder *finder, const struct sites_query *query,
			 struct sites *out)
{
	if (!query->size || !query->code)
		return refuse(out, "has no code");
	if (query->size > CODE_MAX || query->vaddr > INT64_MAX - CODE_MAX)
		return refuse(out, "is too large");
	struct error *err = finder_prepare(finder, query->size);
	if (err)
		return err;
	struct scan scan = {
		.finder = finder,
		.query = query,
		.morestack = NO_OFFSET,
		.again = NO_OFFSET,
		.low_target = INT64_MAX,
	};
	err = scan_code(&scan);
	if (err)
		return err;
	if (scan.refused)
		return refuse(out, scan.refused);
	if (!targets_are_starts(finder, query->size))
		return refuse(out, "branches into the middle of an instruction");
	if (scan.jumps_by_register && takes_own_address(&scan))
		return refuse(out, "jumps through a register to where is not known");
	const struct lead *entry = NULL;
	const char *reason = scan_find_entry(&scan, &entry);
	return reason ? refuse(out, reason) : make_sites(&scan, entry, out);
}
