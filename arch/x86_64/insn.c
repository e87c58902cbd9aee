// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86_64/insn.h"

#include <string.h>

// What follows each opcode, one letter each (Intel's manual, volume 2, appendix A, 64-bit mode):
//   .  nothing                 m  ModRM                    b  8-bit immediate
//   n  ModRM, 8-bit immediate  o  ModRM, 16/32-bit imm.    z  16/32-bit immediate
//   w  16-bit immediate        3  16 and 8 bits            q  16/32/64-bit immediate (mov)
//   a  64-bit address (mov)    j  8-bit branch             J  32-bit branch
//   F  ModRM, imm. with /0 /1  !  privileged or far        p  prefix        r  REX
//   V  VEX    E  EVEX          s  escape to another map    x  invalid, or not in the tables
static const char map_one_byte[] = "mmmmbzxxmmmmbzxs"  // 00
				   "mmmmbzxxmmmmbzxx"  // 10
				   "mmmmbzpxmmmmbzpx"  // 20
				   "mmmmbzpxmmmmbzpx"  // 30
				   "rrrrrrrrrrrrrrrr"  // 40
				   "................"  // 50
				   "xxEmppppzobn!!!!"  // 60
				   "jjjjjjjjjjjjjjjj"  // 70
				   "noxnmmmmmmmmmmmm"  // 80
				   "..........x....."  // 90
				   "aaaa....bz......"  // a0
				   "bbbbbbbbqqqqqqqq"  // b0
				   "nnw.VVno3.w!.bx!"  // c0
				   "mmmmxxx.mmmmmmmm"  // d0
				   "jjjjbbbbJJxj!!!!"  // e0
				   "p!pp..FF..!!..mm"; // f0

static const char map_0f[] = "mmmmx.!!!!x.xm.x"	 // 00
			     "mmmmmmmmmmmmmmmm"	 // 10
			     "!!!!xxxxmmmmmmmm"	 // 20
			     "!.!.!!x!sxsxxxxx"	 // 30
			     "mmmmmmmmmmmmmmmm"	 // 40
			     "mmmmmmmmmmmmmmmm"	 // 50
			     "mmmmmmmmmmmmmmmm"	 // 60
			     "nnnnmmm.xxxxmmmm"	 // 70
			     "JJJJJJJJJJJJJJJJ"	 // 80
			     "mmmmmmmmmmmmmmmm"	 // 90
			     "...mnmxx..!mnmmm"	 // a0
			     "mmmmmmmmmmnmmmmm"	 // b0
			     "mmnmnnnm........"	 // c0
			     "mmmmmmmmmmmmmmmm"	 // d0
			     "mmmmmmmmmmmmmmmm"	 // e0
			     "mmmmmmmmmmmmmmmx"; // f0

// The valid opcodes of the two three-byte maps, without VEX: one bit an opcode, sixteen a row.
static const uint16_t map_0f38[16] = {0x0fff, 0x70b1, 0x0f3f, 0xffbf, 0x0003, 0,      0, 0,
				      0x0007, 0,      0,      0,      0xbf00, 0xf800, 0, 0x0343};
static const uint16_t map_0f3a[16] = {0xff00, 0x00f0, 0x0007, 0, 0x0017, 0,	 0x000f, 0,
				      0,      0,      0,      0, 0xd000, 0x8000, 0,	 0};

static bool in_map(const uint16_t map[16], uint8_t opcode)
{
	return map[opcode >> 4] >> (opcode & 15) & 1;
}

static uint8_t prefix_flag(uint8_t byte)
{
	switch (byte) {
	case 0x64:
		return INSN_FS;
	case 0x65:
		return INSN_GS;
	case 0x66:
		return INSN_OPSIZE;
	case 0x67:
		return INSN_ADDRSIZE;
	case 0xf0:
		return INSN_LOCK;
	case 0xf2:
		return INSN_REPNE;
	case 0xf3:
		return INSN_REP;
	default:
		return INSN_SEGMENT;
	}
}

struct cursor {
	const uint8_t *start, *at, *end;
};

static bool get_byte(struct cursor *cursor, uint8_t *out)
{
	if (cursor->at == cursor->end)
		return false;
	*out = *cursor->at++;
	return true;
}

static bool get_i8(struct cursor *cursor, int32_t *out)
{
	uint8_t byte;
	if (!get_byte(cursor, &byte))
		return false;
	*out = (int8_t)byte;
	return true;
}

static bool get_i32(struct cursor *cursor, int32_t *out)
{
	if (cursor->end - cursor->at < 4)
		return false;
	memcpy(out, cursor->at, 4);
	cursor->at += 4;
	return true;
}

static bool skip(struct cursor *cursor, int bytes)
{
	if (cursor->end - cursor->at < bytes)
		return false;
	cursor->at += bytes;
	return true;
}

static bool get_modrm(struct cursor *cursor, struct insn *insn)
{
	insn->modrm_at = cursor->at - cursor->start;
	if (!get_byte(cursor, &insn->modrm))
		return false;
	insn->has_modrm = true;
	unsigned mod = insn->modrm >> 6;
	unsigned rm = insn->modrm & 7;
	if (mod != 3 && rm == 4 && !get_byte(cursor, &insn->sib))
		return false;
	bool has_disp32 = mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (insn->sib & 7) == 5)));
	if (mod == 1 ? !get_i8(cursor, &insn->disp) : has_disp32 && !get_i32(cursor, &insn->disp))
		return false;
	insn->imm_at = cursor->at - cursor->start;
	return true;
}

// VEX (c4, c5): the opcode's map is 1, 2 or 3. All opcodes of map 3 and some of map 1 have an
// immediate.
static bool decode_vex(struct cursor *cursor, struct insn *insn)
{
	uint8_t first, second;
	uint8_t map = 1;
	if (!get_byte(cursor, &first))
		return false;
	insn->rex = 0x40 | (first & 0x80 ? 0 : 4);
	if (insn->opcode == 0xc4) {
		map = first & 0x1f;
		insn->rex |= (first & 0x40 ? 0 : 2) | (first & 0x20 ? 0 : 1);
		if (!get_byte(cursor, &second))
			return false;
	}
	insn->map = MAP_VEX;
	if (map < 1 || map > 3 || !get_byte(cursor, &insn->opcode))
		return false;
	char form = map == 1 ? map_0f[insn->opcode] : 'm';
	if (map == 1 && insn->opcode == 0x77)
		return true;
	if (form != 'm' && form != 'n')
		return false;
	return get_modrm(cursor, insn) && (map != 3 && form != 'n' ? true : skip(cursor, 1));
}

// EVEX (62): the maps are 1, 2, 3, and 5 and 6 for half floats. If one of the fixed bits is
// wrong, it is data and not code.
static bool decode_evex(struct cursor *cursor, struct insn *insn)
{
	uint8_t p[3];
	for (int i = 0; i < 3; i++) {
		if (!get_byte(cursor, &p[i]))
			return false;
	}
	uint8_t map = p[0] & 7;
	insn->map = MAP_EVEX;
	if ((p[0] & 8) || !(p[1] & 4) || map == 0 || map == 4 || map == 7 ||
	    !get_byte(cursor, &insn->opcode))
		return false;
	insn->rex = 0x40 | (p[0] & 0x80 ? 0 : 4) | (p[0] & 0x40 ? 0 : 2) | (p[0] & 0x20 ? 0 : 1);
	char form = map == 1 ? map_0f[insn->opcode] : 'm';
	// With EVEX, 78 to 7b in map 1 are conversions; without EVEX they are SSE4a or invalid.
	bool is_convert = map == 1 && insn->opcode >= 0x78 && insn->opcode <= 0x7b;
	if (!is_convert && form != 'm' && form != 'n')
		return false;
	return get_modrm(cursor, insn) && (map != 3 && form != 'n' ? true : skip(cursor, 1));
}

static bool decode_0f(struct cursor *cursor, struct insn *insn, char *form)
{
	if (!get_byte(cursor, &insn->opcode))
		return false;
	insn->map = MAP_0F;
	*form = map_0f[insn->opcode];
	if (*form != 's')
		return true;
	bool is_38 = insn->opcode == 0x38;
	insn->map = is_38 ? MAP_0F38 : MAP_0F3A;
	*form = is_38 ? 'm' : 'n';
	return get_byte(cursor, &insn->opcode) && in_map(is_38 ? map_0f38 : map_0f3a, insn->opcode);
}

static bool get_operands(struct cursor *cursor, struct insn *insn, char form)
{
	insn->imm_at = cursor->at - cursor->start;
	int immz = (insn->prefixes & INSN_OPSIZE) && !(insn->rex & 8) ? 2 : 4;
	switch (form) {
	case '.':
	case '!':
		return true;
	case 'm':
		return get_modrm(cursor, insn);
	case 'n':
		return get_modrm(cursor, insn) && skip(cursor, 1);
	case 'o':
		return get_modrm(cursor, insn) && skip(cursor, immz);
	case 'b':
		return skip(cursor, 1);
	case 'z':
		return skip(cursor, immz);
	case 'w':
		return skip(cursor, 2);
	case '3':
		return skip(cursor, 3);
	case 'q':
		return skip(cursor, insn->rex & 8 ? 8 : immz);
	case 'a':
		return skip(cursor, insn->prefixes & INSN_ADDRSIZE ? 4 : 8);
	case 'j':
		return get_i8(cursor, &insn->rel);
	case 'J': // with a 66 prefix, Intel's and AMD's processors differ
		return !(insn->prefixes & INSN_OPSIZE) && get_i32(cursor, &insn->rel);
	case 'F':
		if (!get_modrm(cursor, insn))
			return false;
		if (insn->modrm & 0x30)
			return true;
		return skip(cursor, insn->opcode == 0xf6 ? 1 : immz);
	default:
		return false;
	}
}

static bool classify_one_byte(struct insn *insn)
{
	unsigned ext = insn->modrm >> 3 & 7;
	uint8_t opcode = insn->opcode;
	switch (opcode) {
	case 0x50 ... 0x57:
		insn->kind = INSN_PUSH;
		return true;
	case 0x70 ... 0x7f:
	case 0xe0 ... 0xe3:
		insn->kind = INSN_JCC;
		return true;
	case 0x8d: // lea of a register is invalid
		return !insn_rm_is_register(insn);
	case 0x8f: // the others are XOP
		return ext == 0;
	case 0x90: // f3 is pause, REX.B is xchg with r8
		if (!(insn->prefixes & INSN_REP) && !(insn->rex & 1))
			insn->kind = INSN_NOP;
		return true;
	case 0xc2:
	case 0xc3:
		insn->kind = INSN_RET;
		return true;
	case 0xc6: // the others are invalid or xabort
		return ext == 0;
	case 0xc7: // the others are invalid or xbegin
		return ext == 0;
	case 0xca:
	case 0xe4 ... 0xe7:
		insn->kind = INSN_PRIVILEGED;
		return true;
	case 0xcc:
	case 0xcd:
	case 0xf4:
		insn->kind = INSN_TRAP;
		return true;
	case 0xe8:
		insn->kind = INSN_CALL;
		return true;
	case 0xe9:
	case 0xeb:
		insn->kind = INSN_JMP;
		return true;
	case 0xfe:
		return ext < 2;
	case 0xff:
		if (ext == 3 || ext == 5)
			insn->kind = INSN_PRIVILEGED;
		else if (ext == 2)
			insn->kind = INSN_CALL_INDIRECT;
		else if (ext == 4)
			insn->kind = INSN_JMP_INDIRECT;
		return ext != 7;
	default:
		return true;
	}
}

static bool classify_0f(struct insn *insn)
{
	switch (insn->opcode) {
	case 0x0b:
	case 0xb9:
		insn->kind = INSN_TRAP;
		return true;
	case 0x1f:
		insn->kind = INSN_NOP;
		return true;
	case 0x80 ... 0x8f:
		insn->kind = INSN_JCC;
		return true;
	case 0xb8:
		return insn->prefixes & INSN_REP;
	case 0xba:
		return insn->modrm & 0x20;
	default:
		return true;
	}
}

bool insn_decode(const uint8_t *code, size_t len, struct insn *out)
{
	struct cursor cursor = {code, code, code + (len < INSN_MAX_BYTES ? len : INSN_MAX_BYTES)};
	struct insn insn = {};
	if (!get_byte(&cursor, &insn.opcode))
		return false;
	char form = map_one_byte[insn.opcode];
	while (form == 'p') {
		insn.prefixes |= prefix_flag(insn.opcode);
		if (!get_byte(&cursor, &insn.opcode))
			return false;
		form = map_one_byte[insn.opcode];
	}
	if (form == 'r') { // the opcode follows; a prefix after REX would cancel REX
		insn.rex = insn.opcode;
		if (!get_byte(&cursor, &insn.opcode))
			return false;
		form = map_one_byte[insn.opcode];
	}
	if (form == 'V' || form == 'E') {
		const uint8_t bad = INSN_OPSIZE | INSN_REP | INSN_REPNE | INSN_LOCK;
		if (insn.rex || (insn.prefixes & bad) ||
		    !(form == 'V' ? decode_vex(&cursor, &insn) : decode_evex(&cursor, &insn)))
			return false;
	} else {
		if (form == 's' && !decode_0f(&cursor, &insn, &form))
			return false;
		if (!get_operands(&cursor, &insn, form))
			return false;
		if (form == '!')
			insn.kind = INSN_PRIVILEGED;
		else if (insn.map == MAP_ONE_BYTE ? !classify_one_byte(&insn)
						  : insn.map == MAP_0F && !classify_0f(&insn))
			return false;
	}
	insn.size = cursor.at - code;
	if (!insn.imm_at)
		insn.imm_at = insn.size;
	*out = insn;
	return true;
}

// True if the instruction causes one trap each time it is executed, and has the same effect when
// it is single-stepped. A repeated string instruction traps for each repetition. pushf pushes,
// and popf sets, the flag that makes the processor single-step.
static bool is_one_step(const struct insn *insn)
{
	uint8_t opcode = insn->opcode;
	bool is_string = (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
	if (is_string && (insn->prefixes & (INSN_REP | INSN_REPNE)))
		return false;
	return opcode != 0x9c && opcode != 0x9d;
}

bool insn_takes_uprobe(const struct insn *insn)
{
	uint8_t opcode = insn->opcode;
	if ((insn->prefixes & (INSN_LOCK | INSN_SEGMENT)) || insn->kind == INSN_TRAP ||
	    insn->kind == INSN_PRIVILEGED)
		return false;
	// Kernels before 6.8 refuse a nop or branch with a 66 prefix.
	if ((insn->prefixes & INSN_OPSIZE) && (opcode == 0x90 || insn->kind >= INSN_JCC))
		return false;
	if (insn->map == MAP_ONE_BYTE && !is_one_step(insn))
		return false;
	// A load of SS masks exceptions. 90 with REX.B exchanges rax and r8, but kernels emulate
	// it as a nop: the program would continue with wrong values.
	if (insn->map == MAP_ONE_BYTE)
		return opcode != 0x8e && !(opcode == 0x90 && insn->rex & 1);
	if (insn->map != MAP_0F)
		return false;
	switch (opcode) {
	case 0x00 ... 0x0f:
	case 0x18:
	case 0x20 ... 0x27:
	case 0x30:
	case 0x32 ... 0x3f:
	case 0x78 ... 0x7d:
	case 0xa6:
	case 0xa7:
	case 0xae:
	case 0xb8:
	case 0xd0:
	case 0xf0:
	case 0xff:
		return false;
	default:
		return true;
	}
}

bool insn_is_emulated(const struct insn *insn)
{
	if (!insn_takes_uprobe(insn))
		return false;
	switch (insn->kind) {
	case INSN_NOP:
		return insn->opcode == 0x90;
	case INSN_PUSH: // without a prefix, or with a REX that has only B
		return insn->size == 1 || (insn->size == 2 && insn->rex == 0x41);
	case INSN_JCC: // loop and jrcxz are single-stepped
		return insn->map == MAP_0F || insn->opcode < 0x80;
	case INSN_JMP:
	case INSN_CALL:
		return true;
	default:
		return false;
	}
}
