// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "dwarf/go/rtype_private.h"
#include "tests/unit/elf_writer.h"

enum {
	TYPES = 0x540000,
	UNCOMMON = 1,
	EXTRA_STAR = 2,
	NAMED = 4,
	DIRECT_KIND = 1 << 5,
	MAX_BYTES = 8192,
};

struct types {
	int minor;
	uint8_t bytes[MAX_BYTES];
	size_t len;
};

// Copies bytes behind what is there, 8-aligned; returns their address.
static uint64_t put(struct types *types, const void *data, size_t size)
{
	types->len = (types->len + 7) & ~7ull;
	uint64_t vaddr = TYPES + types->len;
	assert_true(types->len + size <= MAX_BYTES);
	memcpy(types->bytes + types->len, data, size);
	types->len += size;
	return vaddr;
}

static uint64_t put_name(struct types *types, uint8_t flags, const char *name)
{
	uint8_t bytes[256] = {flags};
	size_t len = strlen(name), at = 1;
	if (types->minor < 17)
		bytes[at++] = (uint8_t)(len >> 8);
	if (types->minor >= 17 && len >= 0x80)
		bytes[at++] = (uint8_t)(len | 0x80);
	bytes[at++] = (uint8_t)(types->minor >= 17 && len >= 0x80 ? len >> 7 : len);
	memcpy(bytes + at, name, len);
	return put(types, bytes, at + len);
}

struct descriptor {
	uint64_t size, pointer_bytes;
	uint8_t tflag, kind;
	const char *name;
	uint64_t extra[12]; // the words behind the common part
	size_t num_extra;
	const char *package; // of the uncommon part
};

static uint64_t put_type(struct types *types, const struct descriptor *of)
{
	uint32_t name = (uint32_t)(put_name(types, 0, of->name) - TYPES);
	uint32_t package = of->package ? (uint32_t)(put_name(types, 0, of->package) - TYPES) : 0;
	uint8_t bytes[48 + sizeof(of->extra) + 16] = {0};
	memcpy(bytes, &of->size, 8);
	memcpy(bytes + 8, &of->pointer_bytes, 8);
	bytes[20] = of->tflag | (of->package ? UNCOMMON : 0);
	bytes[21] = bytes[22] = of->size >= 8 ? 8 : 1;
	bytes[23] = of->kind;
	if (types->minor >= 26 && (of->kind & DIRECT_KIND)) { // the flag moved
		bytes[23] &= (uint8_t)~DIRECT_KIND;
		bytes[20] |= DIRECT_KIND;
	}
	memcpy(bytes + 40, &name, 4);
	size_t len = 48 + 8 * of->num_extra;
	memcpy(bytes + 48, of->extra, 8 * of->num_extra);
	memcpy(bytes + len, &package, 4);
	return put(types, bytes, len + (package ? 16 : 0));
}

static uint64_t put_int(struct types *types)
{
	return put_type(types, &(struct descriptor){.size = 8,
						    .tflag = NAMED | EXTRA_STAR,
						    .kind = GO_INT,
						    .name = "*int"});
}

static uint64_t put_pointer(struct types *types, const char *name, uint64_t elem)
{
	return put_type(types, &(struct descriptor){.size = 8,
						    .pointer_bytes = 8,
						    .kind = GO_POINTER | DIRECT_KIND,
						    .name = name,
						    .extra = {elem},
						    .num_extra = 1});
}

struct field {
	const char *name;
	uint64_t type, offset;
	bool is_embedded;
};

static uint64_t put_struct(struct types *types, const char *name, const char *package,
			   uint64_t size, const struct field *fields, size_t num)
{
	uint64_t rows[3 * 8];
	for (size_t i = 0; i < num; i++) {
		bool is_old = types->minor < 19;
		rows[3 * i] =
			put_name(types, !is_old && fields[i].is_embedded ? 8 : 0, fields[i].name);
		rows[3 * i + 1] = fields[i].type;
		rows[3 * i + 2] =
			is_old ? fields[i].offset << 1 | fields[i].is_embedded : fields[i].offset;
	}
	uint64_t at = put(types, rows, num * 24);
	return put_type(types, &(struct descriptor){.size = size,
						    .pointer_bytes = size >= 8 ? 8 : 0,
						    .tflag = package ? NAMED : 0,
						    .kind = GO_STRUCT,
						    .name = name,
						    .extra = {0, at, num, num},
						    .num_extra = 4,
						    .package = package});
}

static uint64_t put_array(struct types *types, const char *name, uint64_t elem, uint64_t len,
			  uint64_t size)
{
	return put_type(types, &(struct descriptor){.size = size,
						    .kind = GO_ARRAY,
						    .name = name,
						    .extra = {elem, 0, len},
						    .num_extra = 3});
}

struct opened {
	struct image *image;
	struct rtypes *types;
};

static void open_types(const struct types *types, struct moduledata module, bool knows_version,
		       struct opened *out)
{
	struct elf_writer elf;
	char path[64];
	elf_init(&elf);
	elf_load(&elf, TYPES, PF_R, types->bytes, types->len, 0);
	assert_true(elf_finish(&elf));
	assert_true(elf_save(&elf, path));
	elf_deinit(&elf);
	assert_null(image_open(path, NULL, &out->image));
	unlink(path);
	module.types = TYPES;
	module.etypes = TYPES + types->len;
	module.minor = types->minor;
	struct go_version go = {knows_version, knows_version ? types->minor : 0, 0};
	assert_null(rtypes_open(out->image, &module, go, &out->types));
}

static void close_types(struct opened *opened)
{
	rtypes_close(opened->types);
	image_close(opened->image);
}

static const int minors[] = {15, 18, 19, 24, 26, 27};
enum { NUM_MINORS = sizeof(minors) / sizeof(minors[0]) };

static void check_struct(struct gotype *type, struct gotype *pointer)
{
	assert_int_equal(type->kind, GO_STRUCT);
	assert_int_equal(type->size, 32);
	assert_int_equal(type->align, 8);
	assert_string_equal(type->name, "main.T");
	assert_string_equal(type->full_name, "example.com/main.T");
	assert_true(type->is_named);
	assert_false(type->is_direct);
	const struct gofield *next = gotype_field(type, "Next");
	assert_int_equal(type->num_fields, 3);
	assert_int_equal(next->offset, 24);
	assert_true(next->is_embedded);
	assert_ptr_equal(next->type, pointer);
	assert_int_equal(type->fields[1].offset, 8);
	assert_false(type->fields[1].is_embedded);
	assert_string_equal(type->fields[1].type->name, "[2]int");
	gotype_complete(type->fields[1].type);
	assert_int_equal(type->fields[1].type->len, 2);
	assert_string_equal(type->fields[0].type->name, "int");
	assert_string_equal(type->fields[0].type->full_name, "int");
	assert_true(type->fields[0].type->is_named);
}

static void reads_types(int minor, bool knows_version)
{
	struct types types = {.minor = minor};
	put(&types, "\0\0\0\0\0\0\0", 8); // no name has offset 0
	uint64_t integer = put_int(&types);
	uint64_t array = put_array(&types, "[2]int", integer, 2, 16);
	// The pointer comes first: each leads to the other.
	uint64_t pointer = put_pointer(&types, "*main.T", 0);
	struct field fields[] = {{"x", integer, 0, false},
				 {"_", array, 8, false},
				 {"Next", pointer, 24, true}};
	uint64_t record = put_struct(&types, "main.T", "example.com/main", 32, fields, 3);
	memcpy(types.bytes + (pointer - TYPES) + 48, &record, 8);
	uint64_t slice = put_type(&types, &(struct descriptor){.size = 24,
							       .pointer_bytes = 8,
							       .kind = GO_SLICE,
							       .name = "[]*main.T",
							       .extra = {pointer},
							       .num_extra = 1});
	uint64_t channel = put_type(&types, &(struct descriptor){.size = 8,
								 .pointer_bytes = 8,
								 .kind = GO_CHAN | DIRECT_KIND,
								 .name = "chan<- main.T",
								 .extra = {record, 2},
								 .num_extra = 2});
	uint64_t empty = put_type(&types, &(struct descriptor){.size = 16,
							       .pointer_bytes = 16,
							       .kind = GO_INTERFACE,
							       .name = "interface {}",
							       .extra = {0, 0, 0, 0},
							       .num_extra = 4});
	struct opened opened;
	open_types(&types, (struct moduledata){.vaddr = 0}, knows_version, &opened);
	struct gotype *type = rtypes_find(opened.types, record, NULL);
	struct gotype *pointing = rtypes_find(opened.types, pointer, NULL);
	check_struct(type, pointing);
	assert_ptr_equal(rtypes_find(opened.types, record, NULL), type);
	assert_int_equal(type->rtype, record);
	gotype_complete(pointing);
	assert_ptr_equal(pointing->elem, type);
	assert_true(pointing->is_direct);
	assert_string_equal(pointing->full_name, "*example.com/main.T");
	type = rtypes_find(opened.types, slice, NULL);
	gotype_complete(type);
	assert_ptr_equal(type->elem, pointing);
	assert_string_equal(type->full_name, "[]*example.com/main.T");
	type = rtypes_find(opened.types, channel, NULL);
	gotype_complete(type);
	assert_string_equal(type->full_name, "chan<- example.com/main.T");
	type = rtypes_find(opened.types, empty, NULL);
	gotype_complete(type);
	assert_true(type->is_empty_interface);
	close_types(&opened);
}

static void reads_types_of_every_release(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_MINORS; i++)
		reads_types(minors[i], true);
	// Known by the layout of moduledata alone; 18 and 19 share one, the offsets tell them apart.
	reads_types(15, false);
	reads_types(18, false);
	reads_types(27, false);
}

// A map of int to main.Big, whose elements stand behind pointers.
static void reads_map(int minor)
{
	bool is_swiss = minor >= 24;
	struct types types = {.minor = minor};
	put(&types, "\0\0\0\0\0\0\0", 8);
	uint64_t integer = put_int(&types);
	uint64_t big = put_array(&types, "[200]uint8", integer, 25, 200);
	uint64_t elem = put_pointer(&types, "*[200]uint8", big);
	uint64_t bucket;
	if (is_swiss) {
		struct field slot[] = {{"key", integer, 0, false}, {"elem", elem, 8, false}};
		uint64_t slots = put_array(&types, "[8]slot",
					   put_struct(&types, "slot", NULL, 16, slot, 2), 8, 128);
		struct field group[] = {{"ctrl", integer, 0, false}, {"slots", slots, 8, false}};
		bucket = put_struct(&types, "group", NULL, 136, group, 2);
	} else {
		uint64_t keys = put_array(&types, "[8]int", integer, 8, 64);
		uint64_t elems = put_array(&types, "[8]*", elem, 8, 64);
		struct field parts[] = {{"topbits", integer, 0, false},
					{"keys", keys, 8, false},
					{"elems", elems, 72, false},
					{"overflow", integer, 136, false}};
		bucket = put_struct(&types, "bucket", NULL, 144, parts, 4);
	}
	struct descriptor map = {.size = 8,
				 .pointer_bytes = 8,
				 .tflag = NAMED,
				 .kind = GO_MAP | DIRECT_KIND,
				 .name = "main.M",
				 .extra = {integer, big, bucket, 0},
				 .package = "example.com/main"};
	if (minor >= 27) {
		uint64_t tail[] = {136, 8, 16, 16, 16, 0, 8};
		memcpy(map.extra + 4, tail, sizeof(tail));
		map.num_extra = 11;
	} else if (is_swiss) {
		uint64_t tail[] = {136, 16, 8, 8};
		memcpy(map.extra + 4, tail, sizeof(tail));
		map.num_extra = 8;
	} else {
		map.extra[4] = 8 | 8 << 8 | 144 << 16;
		map.num_extra = 5;
	}
	uint64_t at = put_type(&types, &map);
	struct opened opened;
	open_types(&types, (struct moduledata){.vaddr = 0}, true, &opened);
	struct gotype *type = rtypes_find(opened.types, at, NULL);
	assert_string_equal(type->full_name, "example.com/main.M");
	gotype_complete(type);
	assert_int_equal(type->map.layout, is_swiss ? GOMAP_SWISS : GOMAP_BUCKETS);
	assert_int_equal(type->map.bucket_size, is_swiss ? 136 : 144);
	assert_int_equal(type->map.keys_off, 8);
	assert_int_equal(type->map.key_stride, is_swiss ? 16 : 8);
	assert_int_equal(type->map.elems_off, is_swiss ? 16 : 72);
	assert_int_equal(type->map.elem_stride, is_swiss ? 16 : 8);
	assert_int_equal(type->map.overflow_off, is_swiss ? 0 : 136);
	assert_false(type->map.key_indirect);
	assert_true(type->map.elem_indirect);
	assert_string_equal(type->elem->name, "[200]uint8");
	close_types(&opened);
}

static void reads_maps(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_MINORS; i++)
		reads_map(minors[i]);
}

static void passes_over_what_is_no_type(void **state)
{
	(void)state;
	struct types types = {.minor = 24};
	put(&types, "\0\0\0\0\0\0\0", 8);
	uint64_t integer = put_int(&types);
	uint64_t no_kind = put_type(&types, &(struct descriptor){.size = 8, .name = "x"});
	uint64_t small =
		put_type(&types, &(struct descriptor){.size = 4, .kind = GO_INT, .name = "x"});
	uint64_t huge =
		put_type(&types,
			 &(struct descriptor){.size = 1ull << 50, .kind = GO_STRUCT, .name = "x"});
	uint64_t nameless =
		put_type(&types, &(struct descriptor){.size = 8, .kind = GO_INT, .name = ""});
	uint64_t bell =
		put_type(&types, &(struct descriptor){.size = 8, .kind = GO_INT, .name = "\a"});
	uint64_t lost = put_pointer(&types, "*x", TYPES - 8);
	uint64_t self = put_pointer(&types, "*self", 0);
	memcpy(types.bytes + (self - TYPES) + 48, &self, 8);
	uint64_t uneven = put_array(&types, "[3]int", integer, 3, 25);
	struct field over[] = {{"a", integer, 0, false}, {"b", integer, 7, false}};
	uint64_t overlapping = put_struct(&types, "struct", NULL, 16, over, 2);
	struct field far[] = {{"a", integer, 16, false}};
	uint64_t outside = put_struct(&types, "struct", NULL, 16, far, 1);
	uint64_t countless = put_struct(&types, "struct", NULL, 16, far, 1);
	uint64_t num = UINT64_MAX / 24 + 2;
	memcpy(types.bytes + (countless - TYPES) + 64, &num, 8);
	struct opened opened;
	open_types(&types, (struct moduledata){.vaddr = 0}, true, &opened);
	const uint64_t none[] = {no_kind,	small,	     huge,
				 nameless,	bell,	     0,
				 TYPES - 8,	integer + 1, TYPES + types.len - 8,
				 UINT64_MAX - 7};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(rtypes_find(opened.types, none[i], NULL));
	struct gotype *type = rtypes_find(opened.types, lost, NULL);
	gotype_complete(type);
	assert_int_equal(type->kind, GO_POINTER);
	assert_int_equal(type->elem->kind, GO_INVALID);
	assert_string_equal(type->elem->broken, "damaged type descriptor");
	type = rtypes_find(opened.types, self, NULL);
	gotype_complete(type);
	assert_ptr_equal(type->elem, type);
	const uint64_t broken[] = {uneven, overlapping, outside, countless};
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		type = rtypes_find(opened.types, broken[i], NULL);
		assert_non_null(type);
		gotype_complete(type);
		assert_int_equal(type->kind, GO_INVALID);
		assert_non_null(type->broken);
		assert_int_equal(type->num_fields, 0);
	}
	close_types(&opened);
}

struct seen {
	uint64_t itabs[4];
	size_t num, max;
};

static bool see(void *context, uint64_t itab, uint64_t interface, uint64_t concrete)
{
	struct seen *seen = context;
	assert_true(interface != concrete);
	seen->itabs[seen->num++] = itab;
	return seen->num < seen->max;
}

static void walks_itabs(void **state)
{
	(void)state;
	for (int minor = 26; minor <= 27; minor++) {
		struct types types = {.minor = minor};
		put(&types, "\0\0\0\0\0\0\0", 8);
		uint64_t integer = put_int(&types);
		uint64_t two = put_type(&types, &(struct descriptor){.size = 16,
								     .kind = GO_INTERFACE,
								     .name = "main.I",
								     .extra = {0, 0, 2, 2},
								     .num_extra = 4});
		uint64_t first_words[] = {two, integer, 0, 1, 1};
		uint64_t second_words[] = {two, integer, 0, 1, 1};
		uint64_t bad_words[] = {integer, 0, 0, 0, 0};
		uint64_t first = put(&types, first_words, sizeof(first_words));
		uint64_t second = put(&types, second_words, sizeof(second_words));
		uint64_t bad = put(&types, bad_words, sizeof(bad_words));
		uint64_t links[] = {first, bad, second};
		uint64_t at = put(&types, links, sizeof(links));
		struct moduledata module = {.itablinks = at, .num_itablinks = 3};
		if (minor == 27)
			module = (struct moduledata){.itabs = first, .itabs_bytes = 80};
		struct opened opened;
		open_types(&types, module, true, &opened);
		struct seen seen = {.max = 4};
		rtypes_itabs(opened.types, see, &seen);
		assert_int_equal(seen.num, 2);
		assert_int_equal(seen.itabs[0], first);
		assert_int_equal(seen.itabs[1], second);
		seen = (struct seen){.max = 1};
		rtypes_itabs(opened.types, see, &seen);
		assert_int_equal(seen.num, 1);
		close_types(&opened);
	}
}

// A list without duplicates of what leads from one slice, whichever way the release lists types.
static void lists_all_types(int minor)
{
	static const char *const expected[] = {"*example.com/main.T", "[2]int",
					       "[]*example.com/main.T", "example.com/main.T",
					       "int"};
	enum { SLICE_BYTES = 56, NUM = sizeof(expected) / sizeof(*expected) };
	struct types types = {.minor = minor};
	uint8_t room[8 + SLICE_BYTES] = {0};
	put(&types, room, sizeof(room)); // 1.27: the descriptors begin behind the first word
	uint64_t integer = put_int(&types);
	uint64_t pointer = put_pointer(&types, "*main.T", 0);
	struct field fields[] = {{"x", put_array(&types, "[2]int", integer, 2, 16), 0, false},
				 {"Next", pointer, 16, false}};
	uint64_t record = put_struct(&types, "main.T", "example.com/main", 24, fields, 2);
	memcpy(types.bytes + (pointer - TYPES) + 48, &record, 8);
	uint64_t slice = put_type(&types, &(struct descriptor){.size = 24,
							       .pointer_bytes = 8,
							       .kind = GO_SLICE,
							       .name = "[]*main.T",
							       .extra = {pointer},
							       .num_extra = 1});
	// What is no descriptor is passed over.
	uint32_t links[] = {(uint32_t)(slice - TYPES), 8, UINT32_MAX, (uint32_t)(slice - TYPES)};
	uint64_t at = put(&types, links, sizeof(links));
	struct moduledata module = {.typelinks = at, .num_typelinks = 4};
	if (minor >= 27) {
		memcpy(types.bytes + 8, types.bytes + (slice - TYPES), SLICE_BYTES);
		module = (struct moduledata){.desc_bytes = sizeof(room)};
	}
	struct opened opened;
	open_types(&types, module, true, &opened);
	size_t num;
	struct gotype *const *all = rtypes_all(opened.types, &num);
	assert_int_equal(num, NUM);
	for (size_t i = 0; i < num; i++)
		assert_string_equal(all[i]->full_name, expected[i]);
	assert_ptr_equal(rtypes_all(opened.types, &num), all);
	close_types(&opened);
}

static void lists_all_types_of_every_release(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUM_MINORS; i++)
		lists_all_types(minors[i]);
}

// Descriptors one behind the other: parameters, fields and methods are stepped over.
static void walks_descriptors(void **state)
{
	(void)state;
	struct types types = {.minor = 27};
	uint8_t room[512] = {0};
	put(&types, room, sizeof(room));
	uint64_t integer = put_int(&types);
	struct field field = {"x", integer, 0, false};
	uint64_t record = put_struct(&types, "main.T", "example.com/main", 8, &field, 1);
	uint64_t function = put_type(&types, &(struct descriptor){.size = 8,
								  .pointer_bytes = 8,
								  .kind = GO_FUNC | DIRECT_KIND,
								  .name = "func(int, ...int) int",
								  .extra = {2 | 0x8001ull << 16},
								  .num_extra = 1});
	uint64_t interface = put_type(&types, &(struct descriptor){.size = 16,
								   .pointer_bytes = 16,
								   .kind = GO_INTERFACE,
								   .name = "main.I",
								   .extra = {0, 0, 2, 2},
								   .num_extra = 4});
	size_t end = 8;
	memcpy(types.bytes + end, types.bytes + (function - TYPES), 56);
	end += 56 + 3 * 8; // two parameters, one result
	memcpy(types.bytes + end, types.bytes + (record - TYPES), 96);
	types.bytes[end + 84] = 3; // methods
	end += 96 + 24 + 3 * 16;
	memcpy(types.bytes + end, types.bytes + (interface - TYPES), 80);
	end += 80 + 2 * 8;
	memcpy(types.bytes + end, types.bytes + (integer - TYPES), 48);
	end += 48;
	struct opened opened;
	open_types(&types, (struct moduledata){.desc_bytes = end}, true, &opened);
	size_t num;
	struct gotype *const *all = rtypes_all(opened.types, &num);
	static const char *const expected[] = {"example.com/main.T", "func(int, ...int) int", "int",
					       "int", "main.I"};
	assert_int_equal(num, sizeof(expected) / sizeof(*expected));
	for (size_t i = 0; i < num; i++)
		assert_string_equal(all[i]->full_name, expected[i]);
	close_types(&opened);
}

enum { BIAS = 0x1000000, HOST = 0x800000, MODULE = 0x900000, TABLE = 0xa00000 };

struct process { // the memory of one, at run-time addresses
	const struct types *plugin;
	uint64_t next;
	bool is_gone, has_no_types;
};

static bool read_process(void *context, uint64_t addr, void *dst, size_t len)
{
	const struct process *process = context;
	uint64_t word = addr == HOST + BIAS + 576 ? process->next
			: addr == MODULE	  ? TABLE
			: addr == TABLE		  ? 0xfffffff1
			: addr == MODULE + 296	  ? TYPES
			: addr == MODULE + 304	  ? TYPES + process->plugin->len
						  : 0;
	if (process->is_gone || (addr == TYPES && process->has_no_types))
		return false;
	if (addr >= TYPES && addr + len <= TYPES + process->plugin->len)
		memcpy(dst, process->plugin->bytes + (addr - TYPES), len);
	else
		memcpy(dst, &word, len < sizeof(word) ? len : sizeof(word));
	return true;
}

static void expect_none(struct opened *opened, uint64_t vaddr, const char *expected)
{
	const char *why = NULL;
	assert_null(rtypes_find(opened->types, vaddr, &why));
	assert_string_equal(why, expected);
}

// A plugin's descriptors lead to each other, and to the executable's, by run-time addresses.
static void reads_types_of_plugins(void **state)
{
	(void)state;
	struct types own = {.minor = 24}, plugin = {.minor = 24};
	put(&own, "", 1);
	uint64_t integer = put_int(&own);
	put(&plugin, "", 1);
	struct field fields[] = {{"Num", integer + BIAS, 0, false},
				 {"Next", put_pointer(&plugin, "*main.Rate", 0), 8, false}};
	uint64_t rate = put_struct(&plugin, "main.Rate", "plugin/x", 16, fields, 2);
	uint64_t vaddr = rate - BIAS;
	struct opened opened;
	struct moduledata module = {.vaddr = HOST, .types_at = 296, .etypes_at = 304};
	open_types(&own, module, true, &opened);
	struct process process = {.plugin = &plugin, .is_gone = true};
	expect_none(&opened, vaddr, "type is not of the executable");
	rtypes_ask(opened.types, BIAS, read_process, &process);
	expect_none(&opened, vaddr,
		    "type is not of the executable; the list of modules cannot be read");
	process.is_gone = false;
	expect_none(&opened, vaddr, "type made at run time");
	process.next = MODULE;
	process.has_no_types = true;
	expect_none(&opened, vaddr, "type of a plugin: its descriptor cannot be read");
	process.has_no_types = false;
	struct gotype *type = rtypes_find(opened.types, vaddr, NULL);
	assert_non_null(type);
	assert_string_equal(type->name, "main.Rate");
	assert_string_equal(type->full_name, "plugin/x.Rate");
	assert_ptr_equal(gotype_field(type, "Num")->type, rtypes_find(opened.types, integer, NULL));
	assert_string_equal(gotype_field(type, "Next")->type->name, "*main.Rate");
	expect_none(&opened, 0x123450, "type made at run time");
	close_types(&opened);
}

static void damaged_descriptors_use_up_nothing(void **state)
{
	(void)state;
	struct types types = {.minor = 24};
	put(&types, "", 1);
	uint64_t damaged = put_int(&types);
	uint32_t no_name = MAX_BYTES;
	memcpy(types.bytes + (damaged - TYPES) + 40, &no_name, sizeof(no_name));
	struct opened opened;
	open_types(&types, (struct moduledata){0}, true, &opened);
	for (unsigned i = 0; i < 100000; i++)
		expect_none(&opened, damaged, "damaged type descriptor");
	assert_int_equal(opened.types->store.bytes, 0);
	close_types(&opened);
}

static bool join_name(void *context, struct gotype *type)
{
	struct text *text = context;
	text_printf(text, "%s ", type->name);
	return text->len < 40;
}

static void visits_links_from_a_name_on(void **state)
{
	(void)state;
	struct types types = {.minor = 24};
	put(&types, "", 1);
	uint64_t b = put_pointer(&types, "*b.T", 0), m = put_pointer(&types, "*main.T", 0);
	uint64_t z = put_pointer(&types, "*z.T", 0);
	uint32_t links[] = {(uint32_t)(b - TYPES), (uint32_t)(m - TYPES), (uint32_t)(z - TYPES)};
	uint64_t at = put(&types, links, sizeof(links));
	struct opened opened;
	open_types(&types, (struct moduledata){.typelinks = at, .num_typelinks = 3}, true, &opened);
	static const char *const from[] = {"", "*main.", "*zz"};
	static const char *const expected[] = {"*b.T *main.T *z.T ", "*main.T *z.T *b.T ",
					       "*b.T *main.T *z.T "};
	struct text text;
	text_init(&text);
	for (size_t i = 0; i < 3; i++) {
		text_reset(&text);
		rtypes_linked(opened.types, from[i], join_name, &text);
		assert_string_equal(text_string(&text), expected[i]);
	}
	text_deinit(&text);
	close_types(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_types_of_every_release),
		cmocka_unit_test(reads_maps),
		cmocka_unit_test(passes_over_what_is_no_type),
		cmocka_unit_test(walks_itabs),
		cmocka_unit_test(lists_all_types_of_every_release),
		cmocka_unit_test(walks_descriptors),
		cmocka_unit_test(visits_links_from_a_name_on),
		cmocka_unit_test(reads_types_of_plugins),
		cmocka_unit_test(damaged_descriptors_use_up_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
