// SPDX-License-Identifier: GPL-2.0-or-later
// Integer expressions that Go would take, as an input of fuzz targets chooses them, written down together with what they
// are at a call of the function in expr_world.h.
#ifndef GOTRACE_TESTS_FUZZ_EXPR_NUMBERS_H
#define GOTRACE_TESTS_FUZZ_EXPR_NUMBERS_H

#include <stdio.h>

#include "tests/fuzz/expr_world.h"

enum { LEVEL_OR = 1, LEVEL_AND, LEVEL_COMPARE, LEVEL_ADD, LEVEL_MUL, LEVEL_UNARY };
enum { WIDE = NUM_INTS }; // of goid, duration, len(): the compiler's own, 64 bits with a sign
enum { TEXT_MAX = 600, LITERAL_BYTES = 64 };

struct meaning { // of an expression, and how it is written
	char text[TEXT_MAX];
	unsigned level; // of the outermost operator
	__int128 value;
	bool fails; // something cannot be read
	bool is_const;
};

struct writer {
	struct input *input;
	const struct world *world;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

// --- Places --------------------------------------------------------------------------------------

struct path { // a parameter, and behind each pointer the next offset
	const char *text;
	unsigned type, param, first;
	int offsets[2]; // -1: no more
};

static const struct path int_paths[] = {
	{"n", INT, P_N, 0, {-1, -1}},
	{"u8", U8, P_U8, 0, {-1, -1}},
	{"i8", I8, P_I8, 0, {-1, -1}},
	{"i16", I16, P_I16, 0, {-1, -1}},
	{"u16", U16, P_U16, 0, {-1, -1}},
	{"i32", I32, P_I32, 0, {-1, -1}},
	{"u32", U32, P_U32, 0, {-1, -1}},
	{"i64", I64, P_I64, 0, {-1, -1}},
	{"u64", U64, P_U64, 0, {-1, -1}},
	{"ret0", INT, P_R, 0, {-1, -1}},
	{"v", U8, P_V, 0, {-1, -1}},
	{"p.val", INT, P_P, 0, {NODE_VAL, -1}},
	{"p.next.val", INT, P_P, 0, {NODE_NEXT, NODE_VAL}},
	{"(*p.next).i8", I8, P_P, 0, {NODE_NEXT, NODE_I8}},
	{"p.u8", U8, P_P, 0, {NODE_U8, -1}},
	{"q.i8", I8, P_Q, 0, {NODE_I8, -1}},
	{"q.id", U16, P_Q, 0, {NODE_ID, -1}},
	{"q.inner.id", U16, P_Q, 0, {NODE_ID, -1}},
	{"q.i32", I32, P_Q, 0, {NODE_I32, -1}},
	{"p.u64", U64, P_P, 0, {NODE_U64, -1}},
	{"w.u64", U64, P_W, NODE_U64, {-1, -1}},
	{"w.arr[2]", I32, P_W, NODE_ARR + 8, {-1, -1}},
	{"p.arr[0]", I32, P_P, 0, {NODE_ARR, -1}},
	{"w.next.val", INT, P_W, NODE_NEXT, {NODE_VAL, -1}},
	{"to.val", INT, P_TO, 0, {NODE_VAL, -1}},
	{"to.u16", U16, P_TO, 0, {NODE_U16, -1}},
};

static const struct path float_paths[] = {
	{"w.f64", F64, P_W, NODE_F64, {-1, -1}},  {"p.f64", F64, P_P, 0, {NODE_F64, -1}},
	{"w.f32", F32, P_W, NODE_F32, {-1, -1}},  {"q.f32", F32, P_Q, 0, {NODE_F32, -1}},
	{"to.f64", F64, P_TO, 0, {NODE_F64, -1}},
};

static const struct path bool_paths[] = {
	{"ok", BOOL, P_OK, 0, {-1, -1}},
	{"w.ok", BOOL, P_W, NODE_OK, {-1, -1}},
	{"p.ok", BOOL, P_P, 0, {NODE_OK, -1}},
	{"to.ok", BOOL, P_TO, 0, {NODE_OK, -1}},
};

static const struct path nil_paths[] = {
	// words that may be nil
	{"p", POINTER, P_P, 0, {-1, -1}},	{"q", POINTER, P_Q, 0, {-1, -1}},
	{"to", POINTER, P_TO, 0, {-1, -1}},	{"p.next", POINTER, P_P, 0, {NODE_NEXT, -1}},
	{"xs", SLICE, P_XS, 0, {-1, -1}},	{"m", MAP, P_M, 0, {-1, -1}},
	{"fn", FUNC, P_FN, 0, {-1, -1}},	{"any", ANY, P_ANY, 0, {-1, -1}},
	{"p.any", ANY, P_P, 0, {NODE_ANY, -1}}, {"err", ERROR, P_ERR, 0, {-1, -1}},
	{"p.m", MAP, P_P, 0, {NODE_M, -1}},
};

static const struct path text_paths[] = {
	{"s", STRING, P_S, 0, {-1, -1}},       {"t", STRING, P_T, 0, {-1, -1}},
	{"p.s", STRING, P_P, 0, {NODE_S, -1}}, {"w.s", STRING, P_W, NODE_S, {-1, -1}},
	{"text", STRING, P_TEXT, 0, {-1, -1}}, {"to.s", STRING, P_TO, 0, {NODE_S, -1}},
};

#define CHOOSE(writer, table) (&(table)[next((writer)->input) % (sizeof(table) / sizeof(*(table)))])

static bool read_memory(const struct world *world, uint64_t addr, void *out, size_t len)
{
	return world_read((void *)(uintptr_t)world, out, len, addr);
}

static bool read_path(const struct world *world, const struct path *path, void *out, size_t len)
{
	uint64_t addr;
	if (path->offsets[0] < 0) {
		memcpy(out, world->value[path->param] + path->first, len);
		return true;
	}
	memcpy(&addr, world->value[path->param] + path->first, sizeof(addr));
	if (path->offsets[1] >= 0 &&
	    !read_memory(world, addr + (uint64_t)path->offsets[0], &addr, sizeof(addr)))
		return false;
	int last = path->offsets[1] >= 0 ? path->offsets[1] : path->offsets[0];
	return read_memory(world, addr + (uint64_t)last, out, len);
}

// --- Integers ------------------------------------------------------------------------------------

static unsigned bits_of(unsigned type)
{
	static const uint8_t bits[] = {64, 8, 8, 16, 16, 32, 32, 64, 64, 64};
	return bits[type];
}

static bool is_signed(unsigned type)
{
	return type != U8 && type != U16 && type != U32 && type != U64;
}

static __int128 wrap(__int128 value, unsigned type)
{
	__int128 range = (__int128)1 << bits_of(type);
	value = value & (range - 1);
	return is_signed(type) && value >= range / 2 ? value - range : value;
}

// Writes an operand, in parentheses where they are needed or where the input wants them.
static bool put(struct writer *writer, struct meaning *out, const struct meaning *part,
		unsigned level)
{
	size_t len = strlen(out->text);
	bool is_bare = part->level >= level && next(writer->input) % 8;
	int num = snprintf(out->text + len, sizeof(out->text) - len, is_bare ? "%s" : "(%s)",
			   part->text);
	return num >= 0 && (size_t)num < sizeof(out->text) - len;
}

static bool join(struct writer *writer, struct meaning *out, const struct meaning *left,
		 const char *name, const struct meaning *right, unsigned level)
{
	out->text[0] = '\0';
	out->level = level;
	if (!put(writer, out, left, level))
		return false;
	size_t len = strlen(out->text);
	const char *blank = next(writer->input) % 4 ? " " : "";
	if (right->text[0] == name[0]) // x- -y, x& &y
		blank = " ";
	int num = snprintf(out->text + len, sizeof(out->text) - len, "%s%s%s", blank, name, blank);
	return num >= 0 && (size_t)num < sizeof(out->text) - len &&
	       put(writer, out, right, level + 1);
}

static void write_const(struct writer *writer, __int128 value, struct meaning *out)
{
	char *to = out->text;
	size_t size = sizeof(out->text);
	out->is_const = true;
	out->fails = false;
	out->value = value;
	out->level = LEVEL_UNARY;
	if (value < 0) {
		*to++ = '-';
		size--;
		value = -value;
	}
	uint64_t word = (uint64_t)value;
	uint8_t form = next(writer->input) % 8;
	if (form == 0 || form == 1)
		snprintf(to, size, form ? "0x%llx" : "0X%llX", (unsigned long long)word);
	else if (form == 2)
		snprintf(to, size, word ? "0o%llo" : "0%llo", (unsigned long long)word);
	else if (form == 3)
		snprintf(to, size, "0%llo", (unsigned long long)word);
	else if (form == 4 && word >= 1000)
		snprintf(to, size, "%llu_%03llu", (unsigned long long)word / 1000,
			 (unsigned long long)word % 1000);
	else if (form == 5 && word > ' ' && word < 0x7f && word != '\'' && word != '\\')
		snprintf(to, size, "'%c'", (int)word);
	else if (form == 6 && word <= 0xff)
		snprintf(to, size, "'\\x%02x'", (unsigned)word);
	else if (form == 7 && word && word < 1ull << 40 && !(word % 1000))
		snprintf(to, size, "%lluus", (unsigned long long)word / 1000);
	else
		snprintf(to, size, "%llu", (unsigned long long)word);
}

static void make_const(struct writer *writer, unsigned type, struct meaning *out)
{
	uint8_t token = next(writer->input);
	__int128 value = token;
	if (token >= 0x80)
		value = ((__int128)1 << (token % 65)) - (token >> 6 & 1);
	if (token >= 0xf0)
		value = next_word(writer->input);
	write_const(writer, wrap(token & 1 ? -value : value, type), out);
}

static void make_path(struct writer *writer, unsigned type, struct meaning *out)
{
	if (type == WIDE) {
		*out = (struct meaning){"goid", LEVEL_UNARY, GOID, false, false};
		return;
	}
	size_t num = sizeof(int_paths) / sizeof(*int_paths), first = next(writer->input) % num;
	for (size_t i = 0; i < num; i++) {
		const struct path *path = &int_paths[(first + i) % num];
		if (path->type != type)
			continue;
		uint64_t word = 0;
		*out = (struct meaning){.level = LEVEL_UNARY};
		snprintf(out->text, sizeof(out->text), "%s", path->text);
		out->fails = !read_path(writer->world, path, &word, bits_of(type) / 8);
		out->value = wrap(word, type);
		return;
	}
	make_const(writer, type, out);
}

static void make_int(struct writer *writer, unsigned type, unsigned depth, struct meaning *out);

// What the compiler has of its own.
static void make_wide(struct writer *writer, struct meaning *out)
{
	const struct world *world = writer->world;
	uint64_t words[2] = {0};
	*out = (struct meaning){.level = LEVEL_UNARY};
	const char *text = "goid";
	switch (next(writer->input) % 8) {
	case 0:
		text = "$goid";
		out->value = GOID;
		break;
	case 1:
		text = "tid";
		out->value = TID;
		break;
	case 2:
		text = "duration";
		out->value = (__int128)world->duration;
		break;
	case 3: {
		const struct path *path = CHOOSE(writer, text_paths);
		out->fails = !read_path(world, path, words, sizeof(words));
		out->value = wrap(words[1], WIDE);
		snprintf(out->text, sizeof(out->text), "len(%s)", path->text);
		return;
	}
	case 4:
		text = "len(xs)";
		memcpy(&words, world->value[P_XS], sizeof(words));
		out->value = wrap(words[1], WIDE);
		break;
	case 5:
		text = "len(m)";
		memcpy(&words, world->value[P_M], sizeof(*words));
		out->fails = words[0] && !read_memory(world, words[0], &words[1], 8);
		out->value = wrap(words[1], WIDE);
		break;
	case 6:
		text = next(writer->input) & 1 ? "pid" : "len(w.arr)";
		out->value = *text == 'p' ? PID : 3;
		out->is_const = *text != 'p';
		break;
	default:
		out->value = GOID;
	}
	snprintf(out->text, sizeof(out->text), "%s", text);
}

// An element whose index is computed.
static void make_element(struct writer *writer, unsigned type, unsigned depth, struct meaning *out)
{
	const struct world *world = writer->world;
	uint8_t form = next(writer->input);
	struct meaning index;
	make_int(writer, form & 8 ? WIDE : form % NUM_INTS, depth, &index);
	uint64_t words[2] = {0}, stride = bits_of(type) / 8, word = 0;
	const char *base = type == I32 ? (form & 16 ? "p.arr" : "w.arr") : type == I16 ? "xs" : "s";
	bool fails = index.fails;
	if (type == I32 && form & 16) {
		memcpy(words, world->value[P_P], sizeof(*words));
		words[0] += NODE_ARR;
		words[1] = 3;
	} else if (type != I32) {
		memcpy(words, world->value[type == I16 ? P_XS : P_S], sizeof(words));
	} else {
		words[1] = 3;
	}
	// What Go refuses when it compiles.
	bool is_wrong = index.is_const && (index.value < 0 || index.value >= 3);
	if (is_wrong || strstr(index.text, "ret0") || strstr(index.text, "to.") ||
	    strstr(index.text, "duration") || strstr(index.text, "text") ||
	    strchr(index.text, 'v')) {
		make_path(writer, type, out);
		return;
	}
	out->is_const = false;
	out->level = LEVEL_UNARY;
	if (index.value < 0 || index.value >= (__int128)words[1])
		fails = true;
	uint64_t at = (uint64_t)index.value * stride;
	if (!fails && type == I32 && !(form & 16))
		memcpy(&word, world->value[P_W] + NODE_ARR + at, stride);
	else if (!fails)
		fails = !read_memory(world, words[0] + at, &word, stride);
	out->fails = fails;
	out->value = wrap(word, type);
	if (snprintf(out->text, sizeof(out->text), "%s[%.500s]", base, index.text) >= 500)
		make_path(writer, type, out);
}

static void make_leaf(struct writer *writer, unsigned type, struct meaning *out)
{
	uint8_t form = next(writer->input) % 4;
	if (!form)
		make_const(writer, type, out);
	else if (type == WIDE)
		make_wide(writer, out);
	else
		make_path(writer, type, out);
}

// The type that holds both, as the compiler has it: only its own are mixed with others.
static unsigned mixed(unsigned type)
{
	return type == U64 ? U64 : WIDE;
}

static void make_sum(struct writer *writer, unsigned type, unsigned depth, struct meaning *out)
{
	static const struct {
		const char *name;
		unsigned level;
	} operators[] = {{"+", LEVEL_ADD},
			 {"-", LEVEL_ADD},
			 {"|", LEVEL_ADD},
			 {"*", LEVEL_MUL},
			 {"&", LEVEL_MUL}};
	unsigned op = next(writer->input) % 5, of_left = type, of_right = type;
	if (type == WIDE && next(writer->input) & 1)
		of_right = next(writer->input) % NUM_INTS;
	if (type == WIDE && bits_of(of_right) == 64) // the sum would be of its type
		of_right = WIDE;
	if (next(writer->input) & 1) {
		of_left = of_right;
		of_right = type;
	}
	struct meaning left, right;
	make_int(writer, of_left, depth, &left);
	make_int(writer, of_right, depth, &right);
	// A constant has the other's type.
	if (of_left != of_right && (left.is_const || right.is_const)) {
		*out = of_left == type ? left : right;
		return;
	}
	if (!join(writer, out, &left, operators[op].name, &right, operators[op].level)) {
		*out = left;
		if (of_left != type)
			make_leaf(writer, type, out);
		return;
	}
	__int128 a = left.value, b = right.value;
	__int128 value = op == 0   ? a + b
			 : op == 1 ? a - b
			 : op == 2 ? (a | b)
			 : op == 3 ? (__int128)((unsigned __int128)a * (unsigned __int128)b)
				   : (a & b);
	out->is_const = left.is_const && right.is_const;
	out->fails = left.fails || right.fails;
	out->value = wrap(value, type);
	if (out->is_const && out->value != value) // Go refuses it
		make_path(writer, type, out);
}

static void make_int(struct writer *writer, unsigned type, unsigned depth, struct meaning *out)
{
	uint8_t form = depth ? next(writer->input) % 8 : 0;
	if (form < 2) {
		make_leaf(writer, type, out);
		return;
	}
	if (form == 2 && (type == I32 || type == I16 || type == U8)) {
		make_element(writer, type, depth - 1, out);
		return;
	}
	if (form != 3) {
		make_sum(writer, type, depth - 1, out);
		return;
	}
	struct meaning of;
	make_int(writer, type, depth - 1, &of);
	*out = of;
	bool is_minus = next(writer->input) & 1;
	__int128 value = is_minus ? wrap(-of.value, type) : of.value;
	if (of.is_const && is_minus && value != -of.value)
		return;
	out->text[0] = is_minus ? '-' : '+';
	out->text[1] = '\0';
	out->level = LEVEL_UNARY;
	out->value = value;
	if (!put(writer, out, &of, LEVEL_UNARY))
		*out = of;
}

#endif
