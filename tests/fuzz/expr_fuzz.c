// SPDX-License-Identifier: GPL-2.0-or-later
// The input is conditions, a line each, a key behind '@' and a histogram's value behind '#', for a function with values of
// every kind; or it is the operations themselves. Whatever it is: the compiler ends, what it makes keeps to its stack
// and its tables, and a call is decided and counted the same each time.
#include "tests/fuzz/expr_world.h"
#include "tracer/output/template.h"

enum {
	FORM_ABI0 = 1,
	FORM_TAIL = 2,
	FORM_OPS = 4,
	FORM_HISTOGRAM = 8,
	FORM_LINEAR = 16,
	TEXTS_MAX = 8,
	OPS_MAX = 64,
	LITERALS_MAX = 2,
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

// --- Programs ------------------------------------------------------------------------------------

static const struct effect { // of an operation on the stack
	uint8_t pops, pushes;
} effects[WIRE_NUM_OPS] = {
	[WIRE_OP_PUSH] = {0, 1},	[WIRE_OP_REG] = {0, 1},
	[WIRE_OP_STACK] = {0, 1},	[WIRE_OP_ADDR] = {0, 1},
	[WIRE_OP_LOAD] = {1, 1},	[WIRE_OP_DUP] = {1, 2},
	[WIRE_OP_SWAP] = {2, 2},	[WIRE_OP_POP] = {1, 0},
	[WIRE_OP_ELEMENT] = {3, 1},	[WIRE_OP_ADD] = {2, 1},
	[WIRE_OP_SUB] = {2, 1},		[WIRE_OP_MUL] = {2, 1},
	[WIRE_OP_AND] = {2, 1},		[WIRE_OP_OR] = {2, 1},
	[WIRE_OP_EQUAL] = {2, 1},	[WIRE_OP_LESS] = {2, 1},
	[WIRE_OP_LESS_EQUAL] = {2, 1},	[WIRE_OP_FLOAT_EQUAL] = {2, 1},
	[WIRE_OP_FLOAT_LESS] = {2, 1},	[WIRE_OP_FLOAT_LESS_EQUAL] = {2, 1},
	[WIRE_OP_NOT] = {1, 1},		[WIRE_OP_IF_ZERO] = {1, 1},
	[WIRE_OP_IF_NOT_ZERO] = {1, 1}, [WIRE_OP_TEXT_EQUAL] = {2, 1},
	[WIRE_OP_TEXT_PREFIX] = {2, 1}, [WIRE_OP_TEXT_FIND] = {2, 1},
	[WIRE_OP_TEXT_ORDER] = {2, 1},	[WIRE_OP_TEXTS_EQUAL] = {4, 1},
	[WIRE_OP_TEXTS_ORDER] = {4, 1}, [WIRE_OP_GOID] = {0, 1},
	[WIRE_OP_TID] = {0, 1},		[WIRE_OP_DEPTH] = {0, 1},
	[WIRE_OP_DURATION] = {0, 1},	[WIRE_OP_KEPT] = {0, 1},
	[WIRE_OP_KEEP] = {1, 0},	[WIRE_OP_CHECK] = {1, 0},
};

static void check_op(const struct wire_op *op, uint32_t num_literals)
{
	bool reads =
		op->code == WIRE_OP_REG || op->code == WIRE_OP_STACK || op->code == WIRE_OP_LOAD;
	bool is_literal = op->code >= WIRE_OP_TEXT_EQUAL && op->code <= WIRE_OP_TEXT_ORDER;
	check(op->code < WIRE_NUM_OPS);
	check(!reads || op->size == 1 || op->size == 2 || op->size == 4 || op->size == 8);
	check(op->code != WIRE_OP_REG || op->reg < arch_find(EM_X86_64)->num_ints);
	check(!is_literal || op->off < num_literals);
	if (op->code == WIRE_OP_KEEP)
		check(op->off + op->value < WIRE_KEPT_MAX && op->value <= 1);
	if (op->code == WIRE_OP_KEPT)
		check(op->off < WIRE_KEPT_MAX);
}

// The stack is as deep wherever a jump comes from, never too deep, and empty behind each part.
static void check_program(const struct plan_tables *tables, uint32_t first, uint32_t num)
{
	int depth = 0, landing[WIRE_EXPR_OPS + 1];
	check(num < WIRE_EXPR_OPS && first + num <= tables->num_ops);
	memset(landing, -1, sizeof(landing));
	for (uint32_t i = 0; i < num; i++) {
		const struct wire_op *op = &tables->ops[first + i];
		check_op(op, tables->num_literals);
		check(landing[i] < 0 || landing[i] == depth);
		int pops = effects[op->code].pops + (op->code == WIRE_OP_KEEP && op->value);
		check(depth >= pops);
		depth += effects[op->code].pushes - pops;
		check(depth <= WIRE_EXPR_STACK);
		check((op->code != WIRE_OP_CHECK && op->code != WIRE_OP_KEEP) || !depth);
		if (op->code == WIRE_OP_IF_ZERO || op->code == WIRE_OP_IF_NOT_ZERO) {
			check(op->off < num - i);
			landing[i + 1 + op->off] = depth;
		}
	}
	check(!depth);
}

// --- Texts ---------------------------------------------------------------------------------------

struct texts {
	char *all;
	const char *conditions[TEXTS_MAX];
	size_t num;
	struct aggregate_options wanted;
};

static void take_texts(struct input *input, struct texts *texts)
{
	const uint8_t *end = memchr(input->at, 0, (size_t)(input->end - input->at));
	size_t len = (size_t)((end ? end : input->end) - input->at);
	*texts = (struct texts){.all = strndup((const char *)input->at, len)};
	input->at += end ? len + 1 : len;
	check(texts->all);
	char *rest = texts->all, *line;
	while ((line = strsep(&rest, "\n"))) {
		struct aggregate_options *wanted = &texts->wanted;
		if (*line == '@' && wanted->num_by < WIRE_KEYS)
			wanted->by[wanted->num_by++] = line + 1;
		else if (*line == '#')
			wanted->value = line + 1;
		else if (texts->num < TEXTS_MAX)
			texts->conditions[texts->num++] = line;
	}
}

static void check_reason(char *reason)
{
	check(!reason || (*reason && !strchr(reason, '\n')));
	free(reason);
}

// What compiles can be read, whatever its names.
static void check_readable(const char *text)
{
	char *reason;
	check(!expr_check(text, &reason));
	check(!reason);
}

// What a text is as a template: each of its expressions is shown.
static void print(const char *text)
{
	struct template *template = NULL;
	struct error *err = template_create(text, &template);
	check(!err == !!template);
	error_free(err);
	const char *list = template ? template->show : NULL;
	for (size_t i = 0; template && i < template->num; i++) {
		if (template->parts[i].field != FIELD_EXPR)
			continue;
		check(list);
		free(expr_list_next(&list));
	}
	template_destroy(template);
}

// What a text would show, as the clauses of a pattern and as a path.
static void show(struct world *world, const char *text)
{
	const struct expr_scope scope = {.index = &world->index,
					 .signature = &world->index.signature};
	print(text);
	const char *clause = plan_find_clause(text);
	check(!clause || (clause >= text && *clause == ' '));
	for (const char *list = text; list;) {
		char *one = expr_list_next(&list), *reason;
		check(one && strlen(one) <= strlen(text));
		struct expr_path *path = NULL;
		check(!expr_path_create(&scope, one, &path, &reason) && !path == !!reason);
		struct text written;
		text_init(&written);
		for (size_t i = 0; path && i < path->num_steps; i++) {
			check(path->steps[i].from);
			check(path->steps[i].to || i + 1 == path->num_steps);
			expr_path_write(path, i, &written);
		}
		text_deinit(&written);
		expr_path_destroy(path);
		check_reason(reason);
		free(one);
	}
}

static void trace(struct world *world, bool is_tail)
{
	char *reason;
	struct told told = world_trace(world, is_tail, &reason);
	check(!told.entry || told.call);
	if (!reason) {
		struct plan_tables tables = world->tables;
		struct told again = world_trace(world, is_tail, &reason);
		check(!reason && again.entry == told.entry && again.call == told.call);
		free(tables.ops);
		free(tables.literals);
		for (size_t i = 0; i < world->index.num_texts; i++)
			check_readable(world->index.texts[i]);
	}
	check_reason(reason);
	world_clear(world);
}

static void check_totals(const struct world *world)
{
	const struct wire_totals *totals = &world->totals[0];
	check(totals->calls <= 1 && totals->returns <= totals->calls &&
	      totals->errors <= totals->returns);
	check(world->num_keys <= 1 && totals->below + totals->above + totals->unreadable <= 1);
	check(!world->totals[1].calls);
}

static void count(struct world *world, const struct aggregate_options *wanted, bool is_tail)
{
	char *reason;
	world_count(world, wanted, is_tail, &reason);
	if (!reason) {
		const struct wire_aggregate *wire = &world->counted.wire;
		check_program(&world->tables, wire->entry_op, wire->num_entry);
		check_program(&world->tables, wire->return_op, wire->num_return);
		check(wire->num_entry + wire->num_return == world->tables.num_ops);
		check_totals(world);
		for (size_t i = 0; i < wanted->num_by; i++)
			check_readable(wanted->by[i]);
	}
	check_reason(reason);
}

static void run_texts(struct input *input, uint8_t form)
{
	struct texts texts;
	take_texts(input, &texts);
	struct world *world = world_create(input, form & FORM_ABI0);
	world->index.texts = texts.conditions;
	world->index.num_texts = texts.num;
	for (size_t i = 0; i < texts.num; i++)
		show(world, texts.conditions[i]);
	trace(world, form & FORM_TAIL);
	struct aggregate_options *wanted = &texts.wanted;
	wanted->has_errors = true;
	wanted->has_histogram = form & FORM_HISTOGRAM;
	if (form & FORM_LINEAR) {
		wanted->num_linear = next(input);
		wanted->linear_min = (int64_t)world_word(input);
		wanted->linear_step = world_word(input);
	}
	count(world, wanted, form & FORM_TAIL);
	world_destroy(world);
	free(texts.all);
}

// --- Operations ----------------------------------------------------------------------------------

static void take_op(struct input *input, struct wire_op *op)
{
	op->code = next(input) % (WIRE_NUM_OPS + 1);
	uint8_t form = next(input);
	op->size = form & 0x80 ? form : (uint8_t)(1 << (form & 3));
	op->is_signed = form >> 2 & 1;
	op->reg = next(input) % 12;
	op->off = form >> 3 & 3 ? next(input) : (uint32_t)world_word(input);
	op->value = form >> 5 & 1 ? world_word(input) : next(input);
}

static void take_literal(struct input *input, struct wire_literal *literal)
{
	for (size_t i = 0; i < WIRE_LITERAL_MAX; i++) {
		literal->bytes[i] = "ab"[i & 1];
		literal->back[i] = (uint8_t)(i > 1 ? i - 1 : 0);
	}
	literal->len = next(input);
	literal->bytes[next(input) % WIRE_LITERAL_MAX] = next(input);
	literal->back[next(input) % WIRE_LITERAL_MAX] = next(input);
}

static struct wire_value take_value(struct input *input)
{
	uint8_t form = next(input);
	return (struct wire_value){.kind = form & 3,
				   .is_result = form >> 2 & 1,
				   .kept = next(input)};
}

// Programs that no compiler made.
static void run_ops(struct input *input, uint8_t form)
{
	struct wire_op ops[OPS_MAX] = {0};
	struct wire_literal literals[LITERALS_MAX] = {0};
	uint32_t num_entry = next(input) % OPS_MAX,
		 num_return = next(input) % (OPS_MAX + 1 - num_entry);
	for (size_t i = 0; i < num_entry + num_return; i++)
		take_op(input, &ops[i]);
	for (size_t i = 0; i < LITERALS_MAX; i++)
		take_literal(input, &literals[i]);
	struct wire_condition condition = {.num_entry = num_entry,
					   .return_op = num_entry,
					   .num_return = num_return};
	struct wire_aggregate_settings settings = {
		.num_slots = 1,
		.num_keys = next(input) % (WIRE_KEYS + 1),
		.has_buckets = form & FORM_HISTOGRAM,
		.num_linear = form & FORM_LINEAR ? next(input) * 4u : 0,
		.linear_min = world_word(input),
		.linear_step = world_word(input),
	};
	struct wire_aggregate counted = {
		.flags = next(input) | WIRE_AGGREGATE_COUNTED,
		.num_entry = num_entry,
		.return_op = num_entry,
		.num_return = num_return,
		.key = {take_value(input), take_value(input), take_value(input), take_value(input)},
		.value = take_value(input),
		.error = take_value(input),
	};
	struct world *world = world_create(input, form & FORM_ABI0);
	const struct plan_tables tables = {.ops = ops,
					   .num_ops = num_entry + num_return,
					   .literals = literals,
					   .num_literals = LITERALS_MAX};
	world->tables = tables;
	world->tables.conditions = &condition;
	world->tables.num_conditions = 1;
	struct told told = world_call(world, &(struct hit_source){0}, form & FORM_TAIL);
	check(!told.entry || told.call);
	world->tables = tables;
	world->counted.wire = counted;
	world_tally(world, &settings, form & FORM_TAIL);
	check(world->totals[0].calls <= 1 && !world->totals[1].calls && world->num_keys <= 1);
	world->tables = (struct plan_tables){0};
	world_destroy(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	uint8_t form = next(&input);
	if (form & FORM_OPS)
		run_ops(&input, form);
	else
		run_texts(&input, form);
	return 0;
}
