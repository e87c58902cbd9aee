// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/sites.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "arch/x86_64/insn.h"

enum {
	CODE_MAX = 16 << 20, // bytes of one function
	LEADS_MAX = 16,	     // leading instructions that are checked
	NO_OFFSET = -1,
	REG_AX = 0,
	REG_CX = 1,
	REG_SP = 4,
	REG_SI = 6,
	REG_R12 = 12,
	REG_R13 = 13,
	REG_R14 = 14,
};

#define BIT(register) (1u << (register))

struct sites_finder {
	csh capstone;
	cs_insn *spelled;
	uint64_t *starts;  // a bit for each byte of the function: an instruction starts here
	uint64_t *targets; // a bit for each byte of the function: a branch goes here
	size_t num_words;
	struct site *exits;
	size_t num_exits, max_exits;
};

// A leading instruction: all instructions before it may run before the entry's probe.
struct lead {
	uint32_t off;
	uint32_t written; // bits of the registers written before it
	struct insn insn;
	bool is_after_guard; // some instruction before it compared with the stack guard
};

struct scan {
	struct sites_finder *finder;
	const struct sites_query *query;
	const char *refused;
	struct lead lead[LEADS_MAX];
	size_t num_leads;
	bool leads_ended;
	uint32_t written;    // by the leads so far
	bool has_tls_g;	     // a lead loaded g from thread-local storage
	bool is_after_guard; // a lead compared with the stack guard
	int64_t morestack;   // offset of the call of runtime.morestack
	int64_t again;	     // offset that the jump after this call goes to
	int64_t low_target;  // the lowest offset that any other branch goes to
	bool is_terminated;  // control cannot run past the last instruction
	size_t ended;	     // offset of the end of the last instruction that control cannot pass
	bool jumps_by_register;
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
	if (finder->num_exits == finder->max_exits) {
		size_t max = finder->max_exits ? 2 * finder->max_exits : 64;
		struct site *exits = realloc(finder->exits, max * sizeof(*exits));
		if (!exits)
			return error_nomem();
		finder->exits = exits;
		finder->max_exits = max;
	}
	finder->exits[finder->num_exits++] = (struct site){
		.kind = kind,
		.vaddr = scan->query->vaddr + off,
		.size = insn->size,
		.is_emulated = insn_is_emulated(insn),
	};
	return NULL;
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

static void scan_lead(struct scan *scan, uint32_t off, const struct insn *insn)
{
	if (scan->num_leads == LEADS_MAX) {
		scan->leads_ended = true;
		return;
	}
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
	if (!scan->leads_ended)
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
		return "does not start again behind its stack check";
	if (scan->low_target <= lead->off)
		return "branches back to its entry";
	if (!insn_takes_uprobe(&lead->insn))
		return "its stack check cannot carry a uprobe";
	*out = lead;
	return NULL;
}

static bool is_exit(const struct scan *scan, const struct lead *lead)
{
	for (size_t i = 0; i < scan->finder->num_exits; i++) {
		if (scan->finder->exits[i].vaddr == scan->query->vaddr + lead->off)
			return true;
	}
	return false;
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
		if (is_exit(scan, lead))
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

static struct error *make_sites(const struct scan *scan, const struct lead *entry, bool is_checked,
				struct sites *out)
{
	const struct sites_finder *finder = scan->finder;
	struct site *site = malloc((1 + finder->num_exits) * sizeof(*site));
	if (!site)
		return error_nomem();
	site[0] = (struct site){
		.kind = SITE_ENTRY,
		.vaddr = scan->query->vaddr + entry->off,
		.size = entry->insn.size,
		.skip_taken_be = is_checked,
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
	bool is_checked = scan.morestack != NO_OFFSET;
	const struct lead *entry = NULL;
	const char *reason =
		is_checked ? find_checked_entry(&scan, &entry) : find_plain_entry(&scan, &entry);
	return reason ? refuse(out, reason) : make_sites(&scan, entry, is_checked, out);
}
