// SPDX-License-Identifier: GPL-2.0-or-later
// A function and a call of it, for fuzz targets of conditions: parameters and results of every kind where Go's ABI has
// them, a heap that they lead to, and the index as far as the compiler of expressions asks it. At the return all
// registers and the frame's arguments hold something else.
#ifndef GOTRACE_TESTS_FUZZ_EXPR_WORLD_H
#define GOTRACE_TESTS_FUZZ_EXPR_WORLD_H

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf/go/abi.h"
#include "dwarf/go/rtype.h"
#include "tracer/backend/hit.h"
#include "tracer/plan/conditions.h"

enum {
	G_ADDR = 0x100000,
	STACK_ADDR = 0x200000,
	STACK_BYTES = 0x1000,
	FRAME_OFF = 0x400, // of SP in the stack
	HEAP_ADDR = 0x400000,
	HEAP_BYTES = 0x4000,
	NODES = 8, // at the heap's beginning, so far apart:
	NODE_STEP = 0x100,
	TEXT_OFF = 0x1000, // strings, to the heap's end
	CALLER_ADDR = 0x600000,
	CALLER_BYTES = 0x100,
	RTYPES_ADDR = 0x700000,
	RTYPE_BYTES = 0x100,
	BIAS = 0x10000000,
	PID = 77,
	TID = 7,
	GOID = 18,
	ENTRY_NS = 1000,
};

enum { // types
	INT,
	I8,
	U8,
	I16,
	U16,
	I32,
	U32,
	I64,
	U64,
	NUM_INTS,
	BOOL = NUM_INTS,
	F32,
	F64,
	STRING,
	DURATION,
	ARRAY,
	SLICE,
	STRINGS,
	ANY,
	ERROR,
	MAP,
	FUNC,
	INNER,
	NODE,
	POINTER,
	WRONG,
	NUM_TYPES
};

enum { // offsets in a node
	NODE_VAL = 0,
	NODE_NEXT = 8,
	NODE_I8 = 16,
	NODE_U8 = 17,
	NODE_U16 = 18,
	NODE_I32 = 20,
	NODE_U64 = 24,
	NODE_F32 = 32,
	NODE_OK = 36,
	NODE_F64 = 40,
	NODE_ARR = 48,
	NODE_S = 64,
	NODE_XS = 80,
	NODE_ANY = 104,
	NODE_ERR = 120,
	NODE_M = 136,
	NODE_ID = 144,
	NODE_SIZE = 152,
};

enum { // parameters, then results
	P_N,
	P_U8,
	P_S,
	P_P,
	P_XS,
	P_OK,
	P_I8,
	P_I16,
	P_U16,
	P_I32,
	P_U32,
	P_I64,
	P_U64,
	P_T,
	P_STRS,
	P_W,
	P_ANY,
	P_F32,
	P_F64,
	P_D,
	P_Q,
	P_M,
	P_FN,
	P_WRONG,
	NUM_ARGS,
	P_R = NUM_ARGS,
	P_V,
	P_ERR,
	P_TEXT,
	P_TO,
	NUM_PARAMS
};

struct input {
	const uint8_t *at, *end;
};

struct index { // what the compiler asks
	struct gotype types[NUM_TYPES];
	struct gofield inner[1], node[16];
	struct func caller, func;
	struct signature signature;
	const char **texts; // conditions
	size_t num_texts;
};

struct world {
	struct index index;
	struct param params[NUM_PARAMS];
	uint8_t value[NUM_PARAMS][NODE_SIZE];
	uint8_t stack[STACK_BYTES], heap[HEAP_BYTES];
	uint64_t g[24];
	struct cpu_regs regs;
	uint64_t duration;
	struct plan_tables tables;
	struct wire_state state;
	struct aggregate_func counted;
	struct wire_key key; // of the first call that was counted
	struct wire_totals totals[2];
	bool has_depth;
	uint32_t num_keys;
};

static inline uint8_t next(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static inline uint64_t next_word(struct input *input)
{
	uint64_t word = 0;
	for (int i = 0; i < 8; i++)
		word = word << 8 | next(input);
	return word;
}

// --- The index -----------------------------------------------------------------------------------

struct gotype *index_type(struct index *index, const char *name)
{
	for (size_t i = 0; i < NUM_TYPES; i++)
		if (!strcmp(index->types[i].full_name, name))
			return &index->types[i];
	return NULL;
}

void index_types(struct index *index, bool (*visit)(void *context, const char *name), void *context)
{
	for (size_t i = 0; i < NUM_TYPES; i++)
		if (!visit(context, index->types[i].full_name))
			return;
}

size_t index_types_named(struct index *index, const char *name, struct gotype **out, size_t max)
{
	struct gotype *type = max ? index_type(index, name) : NULL;
	if (type)
		*out = type;
	return type != NULL;
}

struct gotype *const *rtypes_all(struct rtypes *types, size_t *num)
{
	(void)types;
	*num = 0;
	return NULL;
}

struct rtypes *index_rtypes(const struct index *index)
{
	(void)index;
	return NULL;
}

uint64_t rtypes_pointer(const struct rtypes *types, uint64_t vaddr)
{
	(void)types;
	return vaddr + RTYPE_BYTES < RTYPES_ADDR + NUM_TYPES * RTYPE_BYTES ? vaddr + RTYPE_BYTES
									   : 0;
}

// The maker of hits asks for its buffers' sizes in a file that also asks for these.
struct image *index_image(const struct index *index)
{
	(void)index;
	return NULL;
}

const struct runtime_layout *index_runtime(const struct index *index)
{
	(void)index;
	return NULL;
}

struct error *select_named(const struct index *index, const char *name, struct selection *out)
{
	*out = (struct selection){.func = calloc(1, sizeof(*out->func))};
	if (!out->func)
		return error_nomem();
	if (!strcmp(name, index->caller.name))
		out->func[out->num++] = &index->caller;
	return NULL;
}

void selection_deinit(struct selection *selection)
{
	free(selection->func);
}

const struct signature *index_signature(struct index *index, const struct func *func)
{
	(void)func;
	return &index->signature;
}

// The compiler's part of a plan (conditions.c), without the rest of it.
struct error *plan_compile_program(struct plan *plan, const struct func *func,
				   const struct plan_conditions *conditions,
				   struct expr_value_of *values, size_t num_values,
				   struct plan_program *out, char **reason)
{
	struct index *index = plan->index;
	struct expr_scope scope = {
		.index = index,
		.signature = index_signature(index, func),
		.has_depth = !conditions->request->options.counting,
	};
	struct expr_code code;
	struct error *err = expr_compile(&scope, index->texts, index->num_texts, values, num_values,
					 &code, reason);
	if (err || *reason)
		return err;
	plan->tables.ops = code.ops;
	plan->tables.num_ops = code.num_entry + code.num_return;
	const struct loaded loaded = {.bias = BIAS, .pid = PID};
	tables_place_ops(code.ops, plan->tables.num_ops, &loaded);
	plan->tables.literals = code.literals;
	plan->tables.num_literals = code.num_literals;
	*out = (struct plan_program){.num_entry = code.num_entry,
				     .return_op = code.num_entry,
				     .num_return = code.num_return,
				     .decides_at_return = code.decides_at_return};
	return NULL;
}

static inline void world_type(struct index *index, unsigned i, enum gokind kind, const char *name,
			      uint64_t size, struct gotype *elem)
{
	index->types[i] = (struct gotype){
		.kind = kind,
		.size = size,
		.align = size > 8 ? 8 : (uint32_t)size,
		.name = name,
		.full_name = name,
		.elem = elem,
		.rtype = RTYPES_ADDR + i * RTYPE_BYTES,
		.is_complete = true,
	};
}

static inline void world_types(struct index *index)
{
	struct gotype *types = index->types;
	static const char *const ints[] = {"int",   "int8",   "uint8", "int16", "uint16",
					   "int32", "uint32", "int64", "uint64"};
	static const enum gokind kinds[] = {GO_INT,   GO_INT8,	 GO_UINT8, GO_INT16, GO_UINT16,
					    GO_INT32, GO_UINT32, GO_INT64, GO_UINT64};
	for (unsigned i = 0; i < NUM_INTS; i++)
		world_type(index, i, kinds[i], ints[i], gokind_size(kinds[i]), NULL);
	world_type(index, BOOL, GO_BOOL, "bool", 1, NULL);
	world_type(index, F32, GO_FLOAT32, "float32", 4, NULL);
	world_type(index, F64, GO_FLOAT64, "float64", 8, NULL);
	world_type(index, STRING, GO_STRING, "string", 16, NULL);
	world_type(index, DURATION, GO_INT64, "time.Duration", 8, NULL);
	world_type(index, ARRAY, GO_ARRAY, "[3]int32", 12, &types[I32]);
	world_type(index, SLICE, GO_SLICE, "[]int16", 24, &types[I16]);
	world_type(index, STRINGS, GO_SLICE, "[]string", 24, &types[STRING]);
	world_type(index, ANY, GO_INTERFACE, "interface {}", 16, NULL);
	world_type(index, ERROR, GO_INTERFACE, "error", 16, NULL);
	world_type(index, MAP, GO_MAP, "map[string]int", 8, &types[INT]);
	world_type(index, FUNC, GO_FUNC, "func()", 8, NULL);
	world_type(index, INNER, GO_STRUCT, "main.inner", 8, NULL);
	world_type(index, NODE, GO_STRUCT, "main.node", NODE_SIZE, NULL);
	world_type(index, POINTER, GO_POINTER, "*main.node", 8, &types[NODE]);
	world_type(index, WRONG, GO_INVALID, "main.wrong", 8, NULL);
	types[ARRAY].len = 3;
	types[ARRAY].align = 4;
	types[ANY].is_empty_interface = true;
	types[WRONG].broken = "torn";
	index->inner[0] = (struct gofield){"id", &types[U16], 0, false};
	types[INNER].fields = index->inner;
	types[INNER].num_fields = 1;
	const struct gofield fields[] = {
		{"val", &types[INT], NODE_VAL, false},
		{"next", &types[POINTER], NODE_NEXT, false},
		{"i8", &types[I8], NODE_I8, false},
		{"u8", &types[U8], NODE_U8, false},
		{"u16", &types[U16], NODE_U16, false},
		{"i32", &types[I32], NODE_I32, false},
		{"u64", &types[U64], NODE_U64, false},
		{"f32", &types[F32], NODE_F32, false},
		{"ok", &types[BOOL], NODE_OK, false},
		{"f64", &types[F64], NODE_F64, false},
		{"arr", &types[ARRAY], NODE_ARR, false},
		{"s", &types[STRING], NODE_S, false},
		{"xs", &types[SLICE], NODE_XS, false},
		{"any", &types[ANY], NODE_ANY, false},
		{"m", &types[MAP], NODE_M, false},
		{"inner", &types[INNER], NODE_ID, true},
	};
	memcpy(index->node, fields, sizeof(fields));
	types[NODE].fields = index->node;
	types[NODE].num_fields = sizeof(fields) / sizeof(*fields);
}

// --- Memory --------------------------------------------------------------------------------------

static inline bool world_block(uint64_t start, const void *block, size_t size, void *dst,
			       size_t len, uint64_t addr)
{
	if (addr < start || len > size || addr - start > size - len)
		return false;
	memcpy(dst, (const uint8_t *)block + (addr - start), len);
	return true;
}

static inline bool world_read(void *context, void *dst, size_t len, uint64_t addr)
{
	struct world *world = context;
	return world_block(HEAP_ADDR, world->heap, HEAP_BYTES, dst, len, addr) ||
	       world_block(STACK_ADDR, world->stack, STACK_BYTES, dst, len, addr) ||
	       world_block(G_ADDR, world->g, sizeof(world->g), dst, len, addr);
}

// A word that means something more often than not: small, near a bound, an address in the heap, or raw.
static inline uint64_t world_word(struct input *input)
{
	uint8_t token = next(input);
	if (token < 0x50)
		return token;
	if (token < 0x80)
		return (1ull << (token % 64)) - 2 + token / 64;
	if (token < 0xc0)
		return HEAP_ADDR + (uint64_t)(token % NODES) * NODE_STEP;
	if (token < 0xd0)
		return HEAP_ADDR + TEXT_OFF + token % 16u;
	if (token < 0xe0)
		return BIAS + RTYPES_ADDR + (uint64_t)(next(input) % NUM_TYPES) * RTYPE_BYTES;
	return token < 0xf8 ? ~(uint64_t)(token & 7) : next_word(input);
}

static inline void world_text(struct input *input, uint8_t *out)
{
	uint8_t form = next(input);
	uint64_t words[2] = {HEAP_ADDR + TEXT_OFF + form % 32, form / 16};
	if (form > 250)
		words[1] = (uint64_t)next(input) * 40;
	if (form == 250)
		words[0] = world_word(input);
	memcpy(out, words, sizeof(words));
}

// A value of a type, mostly one that leads somewhere.
static inline void world_value(struct input *input, const struct gotype *type, uint8_t *out)
{
	uint64_t words[3] = {world_word(input), 0, 0};
	switch (type->kind) {
	case GO_STRING:
		world_text(input, out);
		return;
	case GO_BOOL:
		*out = words[0] & 1;
		return;
	case GO_SLICE:
		words[1] = words[2] = next(input) % 5;
		break;
	case GO_INTERFACE:
		words[1] = world_word(input);
		break;
	case GO_ARRAY:
		words[1] = world_word(input);
		break;
	case GO_STRUCT:
		for (size_t i = 0; i < type->num_fields; i++)
			world_value(input, type->fields[i].type, out + type->fields[i].offset);
		return;
	default:
		break;
	}
	memcpy(out, words, type->size < sizeof(words) ? type->size : sizeof(words));
}

// Puts a value where the ABI has it.
static inline void world_place(struct world *world, const struct param *param, const uint8_t *value)
{
	for (size_t i = 0; i < param->num_pieces; i++) {
		const struct abi_piece *piece = &param->pieces[i];
		uint64_t off = FRAME_OFF + 8 + piece->stack_off;
		if (piece->where == ABI_INT_REG)
			memcpy(&world->regs.ints[piece->reg], value + piece->offset, piece->size);
		else if (piece->where == ABI_STACK && off + piece->size <= STACK_BYTES)
			memcpy(world->stack + off, value + piece->offset, piece->size);
	}
}

static inline void world_scramble(struct world *world, uint64_t seed)
{
	for (size_t i = 0; i < 10; i++)
		world->regs.ints[i] = seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	for (size_t i = FRAME_OFF + 8; i < STACK_BYTES; i++)
		world->stack[i] = (uint8_t)(seed >> i % 56) ^ (uint8_t)i;
}

static inline void world_params(struct world *world, bool is_abi0)
{
	static const struct {
		const char *name;
		unsigned type;
	} params[NUM_PARAMS] = {
		[P_N] = {"n", INT},	     [P_U8] = {"u8", U8},      [P_S] = {"s", STRING},
		[P_P] = {"p", POINTER},	     [P_XS] = {"xs", SLICE},   [P_OK] = {"ok", BOOL},
		[P_I8] = {"i8", I8},	     [P_I16] = {"i16", I16},   [P_U16] = {"u16", U16},
		[P_I32] = {"i32", I32},	     [P_U32] = {"u32", U32},   [P_I64] = {"i64", I64},
		[P_U64] = {"u64", U64},	     [P_T] = {"t", STRING},    [P_STRS] = {"strs", STRINGS},
		[P_W] = {"w", NODE},	     [P_ANY] = {"any", ANY},   [P_F32] = {"f32", F32},
		[P_F64] = {"f64", F64},	     [P_D] = {"d", DURATION},  [P_Q] = {"q", POINTER},
		[P_M] = {"m", MAP},	     [P_FN] = {"fn", FUNC},    [P_WRONG] = {"wrong", INT},
		[P_R] = {"", INT},	     [P_V] = {"v", U8},	       [P_ERR] = {"err", ERROR},
		[P_TEXT] = {"text", STRING}, [P_TO] = {"to", POINTER},
	};
	for (unsigned i = 0; i < NUM_PARAMS; i++)
		world->params[i] = (struct param){
			.name = params[i].name,
			.type = &world->index.types[params[i].type],
			.is_result = i >= NUM_ARGS,
			.ret_slot = i >= NUM_ARGS ? (int)(i - NUM_ARGS) : 0,
		};
	world->params[P_WRONG].unknown = "its type is torn";
	world->index.signature = (struct signature){
		.abi = is_abi0 ? ABI0 : ABI_INTERNAL,
		.is_known = true,
		.params = world->params,
		.num_params = NUM_PARAMS,
		.num_args = NUM_ARGS,
		.arch = arch_find(EM_X86_64),
	};
}

static inline struct world *world_create(struct input *input, bool is_abi0)
{
	struct world *world = calloc(1, sizeof(*world));
	if (!world)
		abort();
	world_types(&world->index);
	world_params(world, is_abi0);
	world->index.caller = (struct func){.name = "main.caller",
					    .vaddr = CALLER_ADDR - BIAS,
					    .size = CALLER_BYTES};
	struct error *err = abi_assign(&world->index.signature);
	if (err)
		abort();
	world->g[1] = STACK_ADDR + STACK_BYTES;
	world->g[0] = STACK_ADDR;
	world->g[20] = GOID;
	for (unsigned i = 0; i < NUM_PARAMS; i++)
		world_value(input, world->params[i].type, world->value[i]);
	for (unsigned i = 0; i < NODES; i++)
		world_value(input, &world->index.types[NODE], world->heap + i * NODE_STEP);
	uint64_t texts = next_word(input);
	for (unsigned i = TEXT_OFF; i < HEAP_BYTES; i++)
		world->heap[i] = "abab"[texts >> (i * 5 % 63) & 3];
	uint64_t caller = CALLER_ADDR - 1 + world_word(input) % (CALLER_BYTES + 3);
	memcpy(world->stack + FRAME_OFF, &caller, sizeof(caller));
	world->duration = world_word(input) >> 1;
	return world;
}

/** Forgets what was compiled. */
static inline void world_clear(struct world *world)
{
	free(world->tables.ops);
	free(world->tables.literals);
	world->tables = (struct plan_tables){0};
}

static inline void world_destroy(struct world *world)
{
	world_clear(world);
	for (size_t i = 0; i < NUM_PARAMS; i++)
		free(world->params[i].pieces);
	free(world);
}

// --- A call --------------------------------------------------------------------------------------

struct told {
	bool entry, call; // was told at the entry; in the end
};

// A call and its end; is_tail: by a jump out of the function.
static inline struct told world_call(struct world *world, struct hit_source *source, bool is_tail)
{
	struct wire_probe probes[3] = {{.kind = WIRE_PROBE_ENTRY},
				       {.kind = WIRE_PROBE_RETURN},
				       {.kind = WIRE_PROBE_TAIL}};
	struct wire_settings settings = {.g_goid = 160, .g_stack_hi = 8, .has_goid = 1};
	struct wire_budget budget = {.flags = WIRE_BUDGET_FOLLOW};
	world->tables.probes = probes;
	world->tables.num_probes = 3;
	struct tables tables = {
		.plan = world->tables,
		.budgets = &budget,
		.num_budgets = 1,
		.aggregates = &world->counted.wire,
		.num_aggregates = 1,
		.has_depth = world->has_depth,
		.state = &world->state,
	};
	source->tables = &tables;
	source->settings = &settings;
	source->read = world_read;
	source->context = world;
	struct hit_maker *maker;
	if (hit_maker_create(source, &maker))
		abort();
	world->regs = (struct cpu_regs){.sp = STACK_ADDR + FRAME_OFF, .g = G_ADDR};
	world_scramble(world, 1);
	for (size_t i = 0; i < NUM_ARGS; i++)
		world_place(world, &world->params[i], world->value[i]);
	struct told told;
	told.entry = hit_record(maker, 0, TID, ENTRY_NS, &world->regs);
	world_scramble(world, 2);
	for (size_t i = NUM_ARGS; i < NUM_PARAMS; i++)
		world_place(world, &world->params[i], world->value[i]);
	told.call =
		hit_record(maker, is_tail ? 2 : 1, TID, ENTRY_NS + world->duration, &world->regs);
	hit_maker_destroy(maker);
	world->tables.probes = NULL;
	return told;
}

/** Whether a call is told of which these are the conditions. A reason (to be freed) where they cannot be compiled. */
static inline struct told world_trace(struct world *world, bool is_tail, char **reason)
{
	struct plan plan = {.index = &world->index};
	const struct plan_request request = {0};
	const struct plan_conditions conditions = {.request = &request};
	struct plan_program program;
	*reason = NULL;
	if (plan_compile_program(&plan, &world->index.func, &conditions, NULL, 0, &program, reason))
		abort();
	if (*reason)
		return (struct told){0};
	world->tables = plan.tables;
	struct wire_condition condition = {.num_entry = program.num_entry,
					   .return_op = program.return_op,
					   .num_return = program.num_return};
	world->tables.conditions = &condition;
	world->tables.num_conditions = 1;
	world->has_depth = true;
	struct told told = world_call(world, &(struct hit_source){0}, is_tail);
	world->has_depth = false;
	world->tables.conditions = NULL;
	return told;
}

/** A call that is counted, as world->counted has it. */
static inline void world_tally(struct world *world, const struct wire_aggregate_settings *settings,
			       bool is_tail)
{
	static uint64_t buckets[WIRE_BUCKETS];
	_Atomic uint32_t num_keys = 0;
	struct aggregate_tables tables = {
		.settings = settings,
		.max_keys = 1,
		.keys = &world->key,
		.totals = world->totals,
		.buckets = buckets,
		.num_keys = &num_keys,
	};
	world_call(world, &(struct hit_source){.aggregates = &tables}, is_tail);
	world->num_keys = num_keys;
}

/** Whether and under what a call is counted. A reason (to be freed) where that cannot be compiled. */
static inline void world_count(struct world *world, const struct aggregate_options *wanted,
			       bool is_tail, char **reason)
{
	struct plan plan = {.index = &world->index};
	const struct plan_request request = {.options.counting = wanted};
	const struct plan_conditions conditions = {.request = &request};
	*reason = NULL;
	if (aggregate_compile(&plan, &world->index.func, &conditions, &world->counted, reason))
		abort();
	if (*reason)
		return;
	world->tables = plan.tables;
	struct wire_aggregate_settings settings = {
		.num_slots = 1,
		.num_keys = (uint32_t)wanted->num_by,
		.has_buckets = wanted->has_histogram,
		.num_linear = wanted->num_linear,
		.linear_min = (uint64_t)wanted->linear_min,
		.linear_step = wanted->linear_step,
	};
	world_tally(world, &settings, is_tail);
}

#endif
