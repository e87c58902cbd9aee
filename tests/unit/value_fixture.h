// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of the value printer share: types and records made by hand, and a stand-in for
// the executable (one function, some run-time types, a piece of read-only data).
#ifndef GOTRACE_TESTS_VALUE_FIXTURE_H
#define GOTRACE_TESTS_VALUE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tracer/event/value/value.h"
#include "tracer/plan/errormethod.h"

enum {
	BIAS = 0x100000,
	FILE_VADDR = 0x400000, // of the read-only data
	FILE_SIZE = 256,
	RTYPES_VADDR = 0x500000, // the descriptor of type i stands at RTYPES_VADDR + 64 * i
	RTYPES_MAX = 16,
	RECORD_MAX = 8192,
};

#define FILE_ADDR	(FILE_VADDR + BIAS)
#define RTYPE_ADDR(i)	(RTYPES_VADDR + BIAS + 64ull * (i))
#define U64(...)	((const uint64_t[]){__VA_ARGS__})
#define NUM(array)	(sizeof(array) / sizeof(*(array)))
#define WORDS(...)	U64(__VA_ARGS__), sizeof(U64(__VA_ARGS__))
#define STRING(literal) (literal), (sizeof(literal) - 1)

struct image {
	uint8_t bytes[FILE_SIZE];
};

struct index {
	struct gotype *rtypes[RTYPES_MAX];
	struct func func;
	const char *error_type; // its Error method returns its string
	unsigned num_asked;
};

struct fixture {
	struct gotypes store;
	struct image image;
	struct index index;
	struct loaded loaded;
	struct memory *memory;
	struct value_printer printer;
	struct plan_frame frame;
	struct plan_hole holes[4];
	struct text out;
	uint64_t unseen; // the last one
	unsigned num_unseen;
	_Alignas(8) uint8_t record[RECORD_MAX];
};

// --- The executable ----------------------------------------------------------------------------

bool image_is_readonly(const struct image *image, uint64_t vaddr, uint64_t len)
{
	(void)image;
	return vaddr >= FILE_VADDR && vaddr <= FILE_VADDR + FILE_SIZE &&
	       len <= FILE_VADDR + FILE_SIZE - vaddr;
}

bool image_read(struct image *image, uint64_t vaddr, void *dst, size_t len)
{
	if (!image_is_readonly(image, vaddr, len))
		return false;
	memcpy(dst, image->bytes + (vaddr - FILE_VADDR), len);
	return true;
}

struct gotype *index_rtype(struct index *index, uint64_t vaddr, const char **why)
{
	*why = "type is not of the executable";
	uint64_t i = (vaddr - RTYPES_VADDR) / 64;
	return vaddr >= RTYPES_VADDR && i < RTYPES_MAX ? index->rtypes[i] : NULL;
}

const struct func *index_func_at(const struct index *index, uint64_t vaddr)
{
	const struct func *func = &index->func;
	return vaddr - func->vaddr < func->size ? func : NULL;
}

const char *index_constant(struct index *index, const struct gotype *type, uint64_t bits)
{
	(void)index;
	if (strcmp(type->full_name, "main.Level") != 0)
		return NULL;
	return bits == UINT64_MAX ? "main.Low" : bits == 2 ? "" : NULL;
}

const struct runtime_layout *index_runtime(const struct index *index)
{
	(void)index;
	return NULL;
}

bool error_method_returns_string(struct index *index, struct gotype *type)
{
	index->num_asked++;
	return !strcmp(type->name, index->error_type);
}

// --- Records -----------------------------------------------------------------------------------

static inline struct wire_record *fixture_record(struct fixture *fixture)
{
	return (struct wire_record *)fixture->record;
}

static inline void fixture_reset(struct fixture *fixture)
{
	memset(fixture->record, 0, sizeof(fixture->record));
	fixture_record(fixture)->size = sizeof(struct wire_record);
}

static inline void fixture_add(struct fixture *fixture, uint64_t addr, unsigned flags,
			       const void *bytes, size_t len)
{
	struct wire_record *record = fixture_record(fixture);
	struct wire_block *block = (void *)(fixture->record + record->size);
	*block = (struct wire_block){.addr = addr, .len = (uint16_t)len, .flags = (uint8_t)flags};
	if (len)
		memcpy(block + 1, bytes, len);
	record->size += (uint32_t)(sizeof(*block) + ((len + 7) & ~7ull));
	record->num_blocks++;
	assert_true(record->size <= RECORD_MAX);
}

/** Starts a record with this frame. */
static inline void frame(struct fixture *fixture, const void *bytes, size_t len)
{
	fixture_reset(fixture);
	fixture_add(fixture, 0, WIRE_BLOCK_FRAME, bytes, len);
}

static inline void block(struct fixture *fixture, uint64_t addr, const void *bytes, size_t len)
{
	fixture_add(fixture, addr, 0, bytes, len);
}

static inline void fault(struct fixture *fixture, uint64_t addr)
{
	fixture_add(fixture, addr, WIRE_BLOCK_FAULT, NULL, 0);
}

static inline const char *as_text(struct fixture *fixture, struct gotype *type)
{
	assert_true(record_is_valid(fixture->record, RECORD_MAX));
	memory_fill(fixture->memory, fixture_record(fixture), &fixture->frame);
	text_reset(&fixture->out);
	value_text(&fixture->printer, type, MEMORY_FRAME, &fixture->out);
	return text_string(&fixture->out);
}

static inline const char *as_json(struct fixture *fixture, struct gotype *type)
{
	assert_true(record_is_valid(fixture->record, RECORD_MAX));
	memory_fill(fixture->memory, fixture_record(fixture), &fixture->frame);
	text_reset(&fixture->out);
	value_json(&fixture->printer, type, MEMORY_FRAME, &fixture->out);
	return text_string(&fixture->out);
}

/** The value at the start of the frame, in both forms. */
#define expect(fixture, type, text, json)                                \
	do {                                                             \
		assert_string_equal(as_text((fixture), (type)), (text)); \
		assert_string_equal(as_json((fixture), (type)), (json)); \
	} while (0)

// --- Types -------------------------------------------------------------------------------------

static inline struct gotype *make(struct fixture *fixture, enum gokind kind, const char *name)
{
	struct gotype *type = gotypes_new(&fixture->store);
	assert_non_null(type);
	type->kind = kind;
	type->size = gokind_size(kind);
	type->name = type->full_name = name;
	type->is_complete = true;
	type->is_direct = kind == GO_POINTER || kind == GO_MAP || kind == GO_CHAN ||
			  kind == GO_FUNC || kind == GO_UNSAFE_POINTER;
	return type;
}

static inline struct gotype *basic(struct fixture *fixture, enum gokind kind)
{
	return make(fixture, kind, gokind_name(kind));
}

static inline struct gotype *leading(struct fixture *fixture, enum gokind kind, const char *name,
				     struct gotype *elem)
{
	struct gotype *type = make(fixture, kind, name);
	type->elem = elem;
	return type;
}

static inline struct gotype *pointer_to(struct fixture *fixture, const char *name,
					struct gotype *elem)
{
	return leading(fixture, GO_POINTER, name, elem);
}

static inline struct gotype *slice_of(struct fixture *fixture, const char *name,
				      struct gotype *elem)
{
	return leading(fixture, GO_SLICE, name, elem);
}

static inline struct gotype *array_of(struct fixture *fixture, const char *name,
				      struct gotype *elem, uint64_t len)
{
	struct gotype *type = leading(fixture, GO_ARRAY, name, elem);
	type->len = len;
	type->size = len * elem->size;
	return type;
}

static inline struct gotype *interface(struct fixture *fixture, const char *name, bool is_empty)
{
	struct gotype *type = make(fixture, GO_INTERFACE, name);
	type->is_empty_interface = is_empty;
	return type;
}

/** A struct type; add its fields, of which each stands behind the one before, aligned to its size. */
static inline struct gotype *structure(struct fixture *fixture, const char *name)
{
	struct gotype *type = make(fixture, GO_STRUCT, name);
	type->fields = gotypes_alloc(&fixture->store, 8 * sizeof(*type->fields));
	assert_non_null(type->fields);
	return type;
}

static inline void field(struct gotype *type, const char *name, struct gotype *of)
{
	uint64_t align = of->size >= 8 ? 8 : of->size ? of->size : 1;
	uint64_t offset = (type->size + align - 1) / align * align;
	assert_true(type->num_fields < 8);
	type->fields[type->num_fields++] =
		(struct gofield){.name = name, .type = of, .offset = offset};
	type->size = offset + of->size;
}

// --- The fixture -------------------------------------------------------------------------------

static inline void fixture_complete(struct gotypes *store, struct gotype *type)
{
	(void)store;
	(void)type;
}

static const struct gotypes_ops fixture_ops = {.complete = fixture_complete};

static inline void fixture_unseen(void *context, uint64_t rtype)
{
	struct fixture *fixture = context;
	fixture->unseen = rtype;
	fixture->num_unseen++;
}

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	gotypes_init(&fixture->store, &fixture_ops);
	fixture->loaded = (struct loaded){
		.image = &fixture->image,
		.index = &fixture->index,
		.bias = BIAS,
	};
	struct error *err = memory_create(&fixture->loaded, &fixture->memory);
	assert_null(err);
	fixture->printer = (struct value_printer){
		.memory = fixture->memory,
		.loaded = &fixture->loaded,
		.depth = PLAN_DEPTH,
		.strlen = PLAN_STRLEN,
		.items = PLAN_ITEMS,
		.shows_zero = true,
		.unseen = fixture_unseen,
		.context = fixture,
	};
	fixture->frame.holes = fixture->holes;
	fixture->index.func = (struct func){.name = "main.main.func1", .vaddr = 0x1000, .size = 64};
	fixture->index.error_type = "";
	text_init(&fixture->out);
	fixture_reset(fixture);
	*state = fixture;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	text_deinit(&fixture->out);
	memory_destroy(fixture->memory);
	gotypes_deinit(&fixture->store);
	free(fixture);
	return 0;
}

#define VALUE_TEST(function) \
	cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

#endif
