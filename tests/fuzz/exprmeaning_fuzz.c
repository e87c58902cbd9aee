// SPDX-License-Identifier: GPL-2.0-or-later
// The input chooses a condition that Go would take, and a call. What the condition means there is found while it is
// written, by C: the call is told exactly if it holds, and counted under the key that it has.
#include "tests/fuzz/expr_numbers.h"

// --- Conditions ----------------------------------------------------------------------------------

static const char *const comparisons[] = {"==", "!=", "<", "<=", ">", ">="};

static bool compare(unsigned op, int order)
{
	switch (op) {
	case 0:
		return !order;
	case 1:
		return order;
	case 2:
		return order < 0;
	case 3:
		return order <= 0;
	case 4:
		return order > 0;
	default:
		return order >= 0;
	}
}

static void make_bool(struct writer *writer, unsigned depth, struct meaning *out);

static void make_word(const char *text, uint8_t value, struct meaning *out)
{
	*out = (struct meaning){.level = LEVEL_UNARY, .value = value};
	snprintf(out->text, sizeof(out->text), "%s", text);
}

static void compare_ints(struct writer *writer, unsigned depth, struct meaning *out)
{
	unsigned of_left = next(writer->input) % (WIDE + 1), of_right = of_left, op;
	op = next(writer->input) % 6;
	if (of_left == WIDE && next(writer->input) & 1)
		of_right = next(writer->input) % NUM_INTS;
	if (next(writer->input) & 1) {
		unsigned of = of_left;
		of_left = of_right;
		of_right = of;
	}
	struct meaning left, right;
	make_int(writer, of_left, depth, &left);
	make_int(writer, of_right, depth, &right);
	bool is_mixed = of_left != of_right;
	if ((is_mixed && (left.is_const || right.is_const)) ||
	    !join(writer, out, &left, comparisons[op], &right, LEVEL_COMPARE)) {
		make_word("true", true, out);
		return;
	}
	unsigned as = !is_mixed ? of_left : mixed(of_left == WIDE ? of_right : of_left);
	__int128 a = wrap(left.value, as), b = wrap(right.value, as);
	if (left.is_const && right.is_const) {
		a = left.value;
		b = right.value;
	}
	out->fails = left.fails || right.fails;
	out->is_const = false;
	out->value = compare(op, a < b ? -1 : a > b);
}

static void compare_floats(struct writer *writer, struct meaning *out)
{
	static const struct {
		const char *text;
		double value;
	} numbers[] = {{"0", 0},     {"1.5", 1.5}, {"-0.25", -0.25}, {"1e10", 1e10},
		       {"0.1", 0.1}, {".5", .5},   {"-7", -7},	     {"5e-324", 5e-324}};
	const struct path *path = CHOOSE(writer, float_paths);
	unsigned number = next(writer->input) % 8, op = next(writer->input) % 6;
	double a = 0, b = numbers[number].value;
	float single = 0;
	bool is_single = path->type == F32;
	*out = (struct meaning){.level = LEVEL_COMPARE};
	out->fails = !read_path(writer->world, path, is_single ? (void *)&single : &a,
				is_single ? sizeof(single) : sizeof(a));
	if (is_single) {
		a = single;
		b = (float)b;
	}
	bool is_turned = next(writer->input) & 1;
	snprintf(out->text, sizeof(out->text), "%s %s %s",
		 is_turned ? numbers[number].text : path->text, comparisons[op],
		 is_turned ? path->text : numbers[number].text);
	if (a != a) // not a number
		out->value = op == 1;
	else
		out->value = compare(op, (is_turned ? -1 : 1) * (a < b ? -1 : a > b));
}

static void compare_nil(struct writer *writer, struct meaning *out)
{
	const struct path *path = CHOOSE(writer, nil_paths);
	uint64_t word = 0;
	uint8_t form = next(writer->input);
	*out = (struct meaning){.level = LEVEL_COMPARE};
	out->fails = !read_path(writer->world, path, &word, sizeof(word));
	out->value = !word == !(form & 1);
	const char *name = comparisons[form & 1];
	if (form & 2)
		snprintf(out->text, sizeof(out->text), "nil%s%s", name, path->text);
	else
		snprintf(out->text, sizeof(out->text), "%s %s nil", path->text, name);
}

// A string's address and length; no string is longer than memory.
static bool read_text(const struct world *world, const struct path *path, uint64_t *words)
{
	return read_path(world, path, words, 2 * sizeof(*words)) && !(words[1] >> 47);
}

// A literal, at times what stands in the string; written in one of Go's ways.
static size_t make_literal(struct writer *writer, const uint64_t *words, uint8_t *bytes, char *text)
{
	uint8_t form = next(writer->input);
	size_t len = form % 8, at = 0;
	if (form >= 0xc0)
		len = words[1] < LITERAL_BYTES ? words[1] : LITERAL_BYTES;
	uint64_t from = words[0] + (form >= 0xe0 && words[1] ? form % words[1] : 0);
	if (form < 0x40 || !read_memory(writer->world, from, bytes, len))
		for (size_t i = 0; i < len; i++)
			bytes[i] = form & 8 ? next(writer->input) : "ab"[i & 1];
	if (form & 16 && len)
		bytes[len - 1] = 'a' + (form & 1);
	bool is_plain = form & 32 && !memchr(bytes, '`', len);
	for (size_t i = 0; i < len && is_plain; i++)
		is_plain = bytes[i] >= ' ';
	text[at++] = is_plain ? '`' : '"';
	for (size_t i = 0; i < len; i++) {
		bool is_special = bytes[i] < ' ' || bytes[i] > '~' || strchr("\"\\", bytes[i]);
		if (is_plain || !is_special)
			text[at++] = (char)bytes[i];
		else
			at += (size_t)sprintf(text + at, form & 1 ? "\\x%02X" : "\\%03o", bytes[i]);
	}
	text[at++] = is_plain ? '`' : '"';
	text[at] = '\0';
	return len;
}

static int order_of(const uint8_t *a, uint64_t len, const uint8_t *b, uint64_t wanted)
{
	uint64_t num = len < wanted ? len : wanted;
	int order = num ? memcmp(a, b, num) : 0;
	return order ? order : len < wanted ? -1 : len > wanted;
}

static void compare_literal(struct writer *writer, struct meaning *out)
{
	const struct path *path = CHOOSE(writer, text_paths);
	uint64_t words[2] = {0};
	uint8_t bytes[LITERAL_BYTES], there[WIRE_BLOCK_MAX];
	char literal[4 * LITERAL_BYTES + 3];
	*out = (struct meaning){.level = LEVEL_UNARY};
	bool fails = !read_text(writer->world, path, words);
	uint64_t len = words[1], wanted = make_literal(writer, words, bytes, literal);
	uint64_t num = len < wanted ? len : wanted;
	unsigned op = next(writer->input) % 8;
	bool is_turned = next(writer->input) & 1;
	if (op == 7)
		num = len < WIRE_BLOCK_MAX ? len : WIRE_BLOCK_MAX;
	bool is_far = (op < 2 && len != wanted) || (op >= 6 && num < wanted); // nothing is read
	if (!fails && !is_far && num)
		fails = !read_memory(writer->world, words[0], there, num);
	if (op == 6) {
		snprintf(out->text, sizeof(out->text), "hasPrefix(%s, %s)", path->text, literal);
		out->value = !fails && !is_far && !memcmp(there, bytes, wanted);
	} else if (op == 7) {
		snprintf(out->text, sizeof(out->text), "contains(%s,%s)", path->text, literal);
		out->value =
			!fails && !is_far && (!wanted || memmem(there, num, bytes, wanted) != NULL);
		fails |= !out->value && len > num;
	} else {
		out->level = LEVEL_COMPARE;
		snprintf(out->text, sizeof(out->text), "%s %s %s", is_turned ? literal : path->text,
			 comparisons[op], is_turned ? path->text : literal);
		int order = fails    ? 0
			    : is_far ? 1 // any that is not 0
				     : order_of(there, len, bytes, wanted);
		out->value = compare(op, is_turned ? -order : order);
	}
	out->fails = fails;
}

static void compare_texts(struct writer *writer, struct meaning *out)
{
	enum { MOST = WIRE_BLOCK_MAX };
	static uint8_t texts[2][MOST];
	const struct path *left = &text_paths[next(writer->input) % 4];
	const struct path *right = &text_paths[next(writer->input) % 4];
	uint64_t a[2] = {0}, b[2] = {0};
	unsigned op = next(writer->input) % 6;
	bool fails = !read_text(writer->world, left, a) || !read_text(writer->world, right, b);
	uint64_t num = a[1] < b[1] ? a[1] : b[1];
	if (num > MOST)
		num = MOST;
	bool is_far = op < 2 && a[1] != b[1];
	int order = 1;
	if (!fails && !is_far) {
		fails = num && (!read_memory(writer->world, a[0], texts[0], num) ||
				!read_memory(writer->world, b[0], texts[1], num));
		order = !fails && num ? memcmp(texts[0], texts[1], num) : 0;
		if (!order && num == MOST) // they go on
			fails = true;
		if (!order)
			order = a[1] < b[1] ? -1 : a[1] > b[1];
	}
	*out = (struct meaning){.level = LEVEL_COMPARE, .fails = fails};
	out->value = compare(op, order);
	snprintf(out->text, sizeof(out->text), "%s%s%s", left->text, comparisons[op], right->text);
}

static void test_type(struct writer *writer, struct meaning *out)
{
	static const char *const names[] = {"int", "main.node", "*main.node", "string"};
	static const unsigned types[] = {INT, NODE, POINTER, STRING};
	unsigned type = next(writer->input) % 4;
	bool is_error = next(writer->input) & 1;
	uint64_t word;
	memcpy(&word, writer->world->value[is_error ? P_ERR : P_ANY], sizeof(word));
	*out = (struct meaning){.level = LEVEL_UNARY};
	if (is_error && word)
		out->fails = !read_memory(writer->world, word + 8, &word, sizeof(word));
	out->value = word == BIAS + RTYPES_ADDR + types[type] * (uint64_t)RTYPE_BYTES;
	snprintf(out->text, sizeof(out->text), "%s.(%s)", is_error ? "err" : "any", names[type]);
}

static void test_caller(struct writer *writer, struct meaning *out)
{
	bool is_not = next(writer->input) & 1;
	uint64_t addr;
	memcpy(&addr, writer->world->stack + FRAME_OFF, sizeof(addr));
	make_word(is_not ? "caller != \"main.caller\"" : "\"main.caller\" == $caller",
		  (addr > CALLER_ADDR && addr <= CALLER_ADDR + CALLER_BYTES) != is_not, out);
	out->level = LEVEL_COMPARE;
}

static void make_fact(struct writer *writer, unsigned depth, struct meaning *out)
{
	uint64_t word = 0;
	const struct path *path;
	switch (next(writer->input) % 16) {
	case 0:
		path = CHOOSE(writer, bool_paths);
		uint8_t byte = 0;
		bool fails = !read_path(writer->world, path, &byte, 1);
		make_word(path->text, byte, out);
		out->fails = fails;
		break;
	case 1:
		make_word("false", false, out);
		break;
	case 2:
		memcpy(&word, writer->world->value[P_ERR], sizeof(word));
		make_word("failed", word != 0, out);
		break;
	case 3:
	case 4:
		compare_nil(writer, out);
		break;
	case 5:
	case 6:
		compare_literal(writer, out);
		break;
	case 7:
		compare_texts(writer, out);
		break;
	case 8:
		compare_floats(writer, out);
		break;
	case 9:
		test_type(writer, out);
		break;
	case 10:
		test_caller(writer, out);
		break;
	default:
		compare_ints(writer, depth, out);
	}
}

static void make_bool(struct writer *writer, unsigned depth, struct meaning *out)
{
	uint8_t form = depth ? next(writer->input) % 8 : 0;
	if (form < 3) {
		make_fact(writer, depth, out);
		return;
	}
	struct meaning left, right;
	make_bool(writer, depth - 1, &left);
	if (form == 3) {
		*out = (struct meaning){"!", LEVEL_UNARY, !left.value, left.fails, false};
		if (!put(writer, out, &left, LEVEL_UNARY))
			*out = left;
		return;
	}
	make_bool(writer, depth - 1, &right);
	bool is_and = form < 6, is_equal = form == 7;
	const char *name = is_equal ? "==" : is_and ? "&&" : "||";
	unsigned level = is_equal ? LEVEL_COMPARE : is_and ? LEVEL_AND : LEVEL_OR;
	*out = (struct meaning){.fails = left.fails};
	if (!join(writer, out, &left, name, &right, level)) {
		*out = left;
		return;
	}
	if (is_equal) {
		out->fails |= right.fails;
		out->value = left.value == right.value;	   // where memory has no bool, its bytes
	} else if (!left.fails && !left.value == is_and) { // the right one is not looked at
		out->value = left.value;
	} else {
		out->fails |= right.fails;
		out->value = right.value;
	}
}

// --- Checking ------------------------------------------------------------------------------------

// The compiler's bounds; all else is Go.
static bool is_bound(const char *reason)
{
	static const char *const bounds[] = {
		"this is too long",
		"this is nested too deep",
		"too much of the entry is wanted at the return",
		"a string of the entry cannot be compared with what is known at the return",
	};
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
		if (strstr(reason, bounds[i]))
			return true;
	return false;
}

static bool is_refused(char *reason)
{
	if (reason && !is_bound(reason)) {
		fprintf(stderr, "%s\n", reason);
		abort();
	}
	free(reason);
	return reason;
}

static void wrong(const struct meaning *condition, const char *what)
{
	fprintf(stderr, "%s: %s, not %d%s\n", condition->text, what, (int)condition->value,
		condition->fails ? " (cannot be read)" : "");
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	uint8_t form = next(&input);
	struct input places = {data + size / 2, data + size}; // both halves grow with the input
	struct world *world = world_create(&places, form & 1);
	input.end = data + size;
	struct writer writer = {&input, world};
	unsigned depth = form >> 1 & 7;
	struct meaning condition, key;
	make_bool(&writer, depth, &condition);
	unsigned type = next(&input) % (WIDE + 1);
	do {
		make_int(&writer, type, depth, &key);
		depth = 0;
	} while (key.is_const && input.at < input.end);
	if (key.is_const)
		make_path(&writer, INT, &key);
	const char *text = condition.text;
	world->index.texts = &text;
	world->index.num_texts = 1;
	char *reason;
	bool holds = condition.value != 0 && !condition.fails;
	struct told told = world_trace(world, false, &reason);
	if (!is_refused(reason)) {
		check(!told.entry || told.call);
		if (told.call != holds)
			wrong(&condition, told.call ? "is told" : "is not told");
	}
	world_clear(world);
	struct aggregate_options wanted = {.by = {key.text}, .num_by = 1, .has_errors = true};
	world_count(world, &wanted, false, &reason);
	if (!is_refused(reason)) {
		if (world->totals[0].calls != holds || world->num_keys != holds)
			wrong(&condition, holds ? "is not counted" : "is counted");
		const struct wire_key_part *part = &world->key.part[0];
		check(!holds || !world->key.state[0] == !key.fails);
		if (holds && !key.fails && part->word != (uint64_t)key.value)
			wrong(&key, "is another key");
	}
	world_destroy(world);
	return 0;
}
