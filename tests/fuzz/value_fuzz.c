// SPDX-License-Identifier: GPL-2.0-or-later
// The input makes a graph of types (any kind may lead to any other, sizes and offsets lie) and a record: its
// own bytes where they are a valid one, else blocks of words that point at each other. Whatever it
// is: both forms end, stay within their bound, are the same each time, and JSON parses.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/rune.h"
#include "tracer/event/value/value.h"
#include "tracer/plan/errormethod.h"

enum {
	TYPES_MAX = 16,
	FIELDS_MAX = 4,
	BLOCKS_MAX = 16,
	WORDS_MAX = 40,
	BLOCKS_ADDR = 0x10000,
	BLOCK_STEP = 0x1000,
	RTYPES_ADDR = 0x8000000,
	OUTPUT_MAX = VALUE_BYTES_MAX + (64 << 10),
};

struct input {
	const uint8_t *at, *end;
};

struct index {
	struct gotype types[TYPES_MAX];
	struct gofield fields[TYPES_MAX][FIELDS_MAX];
	struct func func;
};

static uint8_t next(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static uint64_t next_word(struct input *input)
{
	uint64_t word = 0;
	for (int i = 0; i < 8; i++)
		word = word << 8 | next(input);
	return word;
}

// --- The executable ----------------------------------------------------------------------------

bool image_is_readonly(const struct image *image, uint64_t vaddr, uint64_t len)
{
	(void)image;
	return vaddr >= 0x400000 && vaddr < 0x401000 && len <= 0x401000 - vaddr;
}

bool image_read(struct image *image, uint64_t vaddr, void *dst, size_t len)
{
	if (!image_is_readonly(image, vaddr, len))
		return false;
	memset(dst, 'f', len);
	return true;
}

struct gotype *index_rtype(struct index *index, uint64_t vaddr, const char **why)
{
	*why = "type is not of the executable";
	uint64_t i = vaddr - RTYPES_ADDR;
	return i < TYPES_MAX ? &index->types[i] : NULL;
}

const struct func *index_func_at(const struct index *index, uint64_t vaddr)
{
	return vaddr % 2 ? &index->func : NULL;
}

const char *index_constant(struct index *index, const struct gotype *type, uint64_t bits)
{
	(void)index;
	return !strcmp(type->full_name, "main.Level") && bits == UINT64_MAX ? "main.Low" : NULL;
}

const struct runtime_layout *index_runtime(const struct index *index)
{
	(void)index;
	return NULL;
}

bool error_method_returns_string(struct index *index, struct gotype *type)
{
	(void)index;
	return type->kind == GO_STRING;
}

// --- Types -------------------------------------------------------------------------------------

static const char *const names[] = {
	"error",
	"main.T",
	"*errors.errorString",
	"*errors.joinError",
	"*io/fs.PathError",
	"syscall.Errno",
	"time.Time",
	"time.Duration",
	"[]uint8",
	"*net/url.Error",
	"runtime.errorString",
	"string",
	"struct { X \"q\" }",
	"*main.T",
	"int",
	"*fmt.wrapError",
	"net/url.URL",
	"net/http.Request",
	"net/http.response",
	"context.cancelCtx",
	"context.valueCtx",
	"context.stopCtx",
	"net.IP",
	"net.IPNet",
	"net.TCPAddr",
	"net.TCPConn",
	"net.OpError",
	"*net.OpError",
	"net/netip.Addr",
	"sync.Mutex",
	"sync.WaitGroup",
	"sync/atomic.Int64",
	"crypto/rsa.PrivateKey",
	"net/http.Cookie",
	"log/slog.Attr",
	"bytes.Buffer",
	"math/big.Int",
	"math/big.Rat",
	"os.File",
	"os/exec.Cmd",
	"database/sql.Null[int]",
	"database/sql.DB",
	"log/slog.Value",
	"log/slog.Record",
	"log/slog.stringptr",
	"log/slog.Kind",
	"reflect.rtype",
	"unique.Handle[int]",
	"x.UUID",
};
static const char *const field_names[] = {
	"s",	    "errs",    "Op",	   "Path",     "Err",	     "_",      "URL",
	"msg",	    "Scheme",  "Host",	   "RawPath",  "Method",     "Proto",  "RequestURI",
	"Context",  "key",     "err",	   "IP",       "Mask",	     "Port",   "Zone",
	"conn",	    "fd",      "laddr",	   "addr",     "hi",	     "lo",     "z",
	"value",    "isV6",    "state",	   "mu",       "v",	     "buf",    "off",
	"abs",	    "neg",     "a",	   "b",	       "Args",	     "Valid",  "num",
	"any",	    "Key",     "Value",	   "front",    "nFront",     "back",   "Level",
	"Message",  "numOpen", "freeConn", "closed",   "connector",  "Source", "Addr",
	"Password", "Opaque",  "RawQuery", "Fragment", "ForceQuery", "User",   "state1",
	"name",	    "expr",
};

static struct gotype *any_type(struct index *index, struct input *input)
{
	unsigned i = next(input);
	return i == 255 ? NULL : &index->types[i % TYPES_MAX];
}

// One that can stand in type i itself. Mostly a later one, so that few inputs nest without end.
static struct gotype *part_type(struct index *index, unsigned i, struct input *input)
{
	unsigned by = next(input);
	if (by >= 250)
		return &index->types[by - 250];
	return &index->types[i + 1 < TYPES_MAX ? i + 1 + by % (TYPES_MAX - 1 - i) : i];
}

static void make_type(struct index *index, unsigned i, struct input *input)
{
	struct gotype *type = &index->types[i];
	type->kind = next(input) % GO_NUM_KINDS;
	type->name = type->full_name = names[next(input) % (sizeof(names) / sizeof(*names))];
	uint8_t size = next(input);
	type->size = size == 255  ? next_word(input)
		     : size < 128 ? gokind_size(type->kind)
				  : size - 128u;
	type->is_complete = true;
	uint8_t flags = next(input);
	type->is_direct = flags & 1;
	type->is_empty_interface = flags & 2;
	type->elem = type->kind == GO_ARRAY ? part_type(index, i, input) : any_type(index, input);
	type->key = any_type(index, input);
	uint8_t len = next(input);
	type->len = len == 255 ? next_word(input) : len;
	if (type->kind == GO_STRUCT) {
		type->fields = index->fields[i];
		type->num_fields = flags >> 2 & (FIELDS_MAX - 1);
		for (size_t field = 0; field < type->num_fields; field++) {
			struct gotype *of = part_type(index, i, input);
			type->fields[field] = (struct gofield){
				.name = field_names[next(input) %
						    (sizeof(field_names) / sizeof(*field_names))],
				.type = of,
				.offset = next(input),
			};
		}
	}
	type->map = (struct gomap){
		.layout = flags >> 4 & 3,
		.bucket_size = next(input),
		.keys_off = 8,
		.key_stride = next(input),
		.elems_off = next(input),
		.elem_stride = next(input),
		.overflow_off = next(input),
		.key_indirect = flags & 64,
		.elem_indirect = flags & 128,
	};
	if (type->kind == GO_INVALID)
		type->broken = flags & 4 ? "torn" : NULL;
}

// --- Records -----------------------------------------------------------------------------------

// A word that means something more often than not: small, an address in a block, a type, or raw.
static uint64_t make_word(struct input *input)
{
	uint8_t token = next(input);
	if (token < 0x60)
		return token;
	if (token < 0xc0)
		return BLOCKS_ADDR + (uint64_t)(token % BLOCKS_MAX) * BLOCK_STEP +
		       (token >= 0xa0 ? 8 : 0);
	if (token < 0xe0)
		return RTYPES_ADDR + token % TYPES_MAX;
	return token < 0xf0 ? 0x400000 + next(input) : next_word(input);
}

static void make_record(uint8_t *record, struct input *input)
{
	struct wire_record *head = (void *)record;
	*head = (struct wire_record){.size = sizeof(*head), .flags = next(input)};
	unsigned num = next(input) % BLOCKS_MAX;
	for (unsigned i = 0; i <= num; i++) {
		struct wire_block *block = (void *)(record + head->size);
		uint8_t form = next(input);
		unsigned words = form % WORDS_MAX;
		*block = (struct wire_block){.addr = i ? BLOCKS_ADDR + i * BLOCK_STEP : 0,
					     .flags = i ? 0 : WIRE_BLOCK_FRAME,
					     .len = (uint16_t)(8 * words)};
		if (i && form > 240) {
			block->len = 0;
			block->flags = WIRE_BLOCK_FAULT;
			words = 0;
		}
		uint64_t *to = (uint64_t *)(block + 1);
		for (unsigned word = 0; word < words; word++)
			to[word] = make_word(input);
		head->size += (uint32_t)(sizeof(*block) + 8 * words);
		head->num_blocks++;
	}
}

// --- Printing ----------------------------------------------------------------------------------

static void check_json(const struct text *text)
{
	json_error_t error;
	json_t *json =
		json_loadb(text_string(text), text->len,
			   JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	if (!json) {
		fprintf(stderr, "%s\n%.200s\n", error.text, text_string(text));
		abort();
	}
	json_decref(json);
}

// Whatever the tree is, what is chosen of it fits, if its columns are enough for a mark; all of it is
// the same before and after.
static void check_fit(struct value_tree *tree, const struct text *whole)
{
	struct text text;
	text_init(&text);
	for (size_t columns = 1; columns < 400; columns += columns < 40 ? 7 : 90) {
		value_tree_fit(tree, columns);
		text_reset(&text);
		if (!value_tree_write(tree, 0, NULL, &text) || text.failed ||
		    rune_columns(text_string(&text), text.len) > columns) {
			fprintf(stderr, "%zu columns: %s\n", columns, text_string(&text));
			abort();
		}
	}
	value_tree_fit(tree, VALUE_WIDTH_ALL);
	text_reset(&text);
	value_tree_write(tree, 0, NULL, &text);
	if (text.len > OUTPUT_MAX || text.len != whole->len ||
	    memcmp(text_string(&text), text_string(whole), text.len) != 0) {
		fprintf(stderr, "%zu bytes, %zu before\n", text.len, whole->len);
		abort();
	}
	text_deinit(&text);
}

static void make_tree(struct value_printer *printer, const struct plan_value *value,
		      struct value_tree *tree, struct text *whole)
{
	printer->used = 0;
	value_tree_reset(tree);
	value_param_add(printer, value, tree);
	value_tree_fit(tree, VALUE_WIDTH_ALL);
	text_reset(whole);
	value_tree_write(tree, 0, NULL, whole);
}

// Each form is of its own event: a printer counts the bytes of one event's values.
static void print(struct value_printer *printer, const struct plan_value *value)
{
	struct text text, again;
	text_init(&text);
	text_init(&again);
	struct value_tree tree = {0};
	make_tree(printer, value, &tree, &text);
	check_fit(&tree, &text);
	make_tree(printer, value, &tree, &again);
	if (text.len != again.len || memcmp(text_string(&text), text_string(&again), text.len) != 0)
		abort();
	value_tree_deinit(&tree);
	text_reset(&text);
	printer->used = 0;
	value_param_json(printer, value, &text);
	if (text.len > OUTPUT_MAX)
		abort();
	check_json(&text);
	text_deinit(&text);
	text_deinit(&again);
}

static void unseen(void *context, uint64_t rtype)
{
	(void)context;
	(void)rtype;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(8) uint8_t record[WIRE_RECORD_MAX];
	struct input input = {data, data + size};
	struct index *index = calloc(1, sizeof(*index));
	struct memory *memory = NULL;
	const struct loaded loaded = {.image = (struct image *)index, .index = index};
	struct error *err = memory_create(&loaded, &memory);
	if (err || !index)
		abort();
	index->func = (struct func){.name = "main.f", .vaddr = 1, .size = 1};
	struct value_printer printer = {
		.memory = memory,
		.loaded = &loaded,
		.unseen = unseen,
		.depth = next(&input) % 8,
		.strlen = next(&input),
		.items = next(&input) % 8, // more only takes longer
		.func = "main.f",
	};
	uint8_t form = next(&input);
	printer.shows_zero = form & 16;
	static struct redact *redact;
	static const struct redact_options options = {.rules = {"/^[km]/"}, .num = 1};
	if (!redact && redact_create(&options, &redact))
		abort();
	printer.redact[form >> 5 & 1] = form & 64 ? redact : NULL;
	for (unsigned i = 0; i < TYPES_MAX; i++)
		make_type(index, i, &input);
	index->types[TYPES_MAX - 1].kind = GO_INT;
	struct plan_hole hole = {.frame_off = form % 64, .size = 8, .reason = "float in XMM0"};
	struct plan_frame frame = {.holes = &hole, .num_holes = form & 1};
	size_t left = (size_t)(input.end - input.at);
	if (form & 128 && left && left <= sizeof(record)) {
		memset(record, 0, sizeof(record));
		memcpy(record, input.at, left);
	} else {
		make_record(record, &input);
	}
	if (record_is_valid(record, sizeof(record))) {
		memory_fill(memory, (struct wire_record *)record, &frame);
		struct param param = {.name = "a", .type = &index->types[0]};
		uint32_t bytes = form & 2 ? 24 : 512;
		bool is_address = form & 8;
		print(&printer,
		      &(struct plan_value){.param = &param,
					   .frame_off = form & 4 ? 8 : 0,
					   .frame_bytes = is_address ? sizeof(uint64_t) : bytes,
					   .is_address = is_address});
	} else if (!(form & 128)) {
		abort();
	}
	memory_destroy(memory);
	free(index);
	return 0;
}
