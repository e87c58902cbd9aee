// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/value_fixture.h"

enum { BUCKET = 0xd000, OLD = 0xe000, GROUP = 0xd000 };

struct bucket { // of map[int]int up to 1.23
	uint8_t top[8];
	uint64_t keys[8], elems[8];
	uint64_t overflow;
};

struct group { // of map[int]int from 1.24 on
	uint8_t control[8];
	struct {
		uint64_t key, elem;
	} slots[8];
};

static struct gotype *buckets_map(struct fixture *f)
{
	struct gotype *type = leading(f, GO_MAP, "map[int]int", basic(f, GO_INT));
	type->key = type->elem;
	type->map = (struct gomap){
		.layout = GOMAP_BUCKETS,
		.bucket_size = sizeof(struct bucket),
		.keys_off = offsetof(struct bucket, keys),
		.key_stride = 8,
		.elems_off = offsetof(struct bucket, elems),
		.elem_stride = 8,
		.overflow_off = offsetof(struct bucket, overflow),
	};
	return type;
}

static struct gotype *swiss_map(struct fixture *f)
{
	struct gotype *type = buckets_map(f);
	type->map = (struct gomap){
		.layout = GOMAP_SWISS,
		.bucket_size = sizeof(struct group),
		.keys_off = 8,
		.key_stride = 16,
		.elems_off = 16,
		.elem_stride = 16,
	};
	return type;
}

// A header as a map variable in the frame points at it.
static void hmap(struct fixture *f, uint64_t count, unsigned flags, unsigned bits, uint64_t old)
{
	frame(f, WORDS(0xc000));
	block(f, 0xc000, WORDS(count, flags | bits << 8, BUCKET, old, 0, 0));
}

static void swiss(struct fixture *f, uint64_t used, uint64_t directory, uint64_t directory_len)
{
	frame(f, WORDS(0xc000));
	block(f, 0xc000, WORDS(used, 0, directory, directory_len, 0, 0));
}

static void table(struct fixture *f, uint64_t addr, uint64_t index, uint64_t groups, uint64_t mask)
{
	block(f, addr, WORDS(0, index, groups, mask));
}

static struct group group_of(unsigned num, uint64_t first)
{
	struct group group;
	memset(group.control, 0x80, sizeof(group.control));
	for (unsigned i = 0; i < num; i++) {
		group.control[i] = 0x11;
		group.slots[i].key = first + i;
		group.slots[i].elem = 10 * (first + i);
	}
	return group;
}

static void prints_empty_maps(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(0));
	expect(f, buckets_map(f), "nil", "null");
	frame(f, WORDS(0xc000));
	expect(f, buckets_map(f), "map[int]int(0xc000)", "\"0xc000\"");
	fault(f, 0xc000);
	expect(f, buckets_map(f), "?(unreadable 0xc000)",
	       "{\"unavailable\":\"unreadable 0xc000\"}");
	hmap(f, 0, 0, 0, 0);
	expect(f, buckets_map(f), "map[int]int{}", "[]");
	swiss(f, 0, 0, 0);
	expect(f, swiss_map(f), "map[int]int{}", "[]");
}

static void prints_buckets_in_order(void **state)
{
	struct fixture *f = *state;
	struct bucket buckets[2] = {
		{.top = {9, 0, 7}, .keys = {3, 0, -1}, .elems = {30, 0, -10}},
		{.top = {5, 1}, .keys = {2}, .elems = {20}, .overflow = 0xd800},
	};
	struct bucket overflow = {.top = {0, 0, 0, 200}, .keys = {[3] = 1}, .elems = {[3] = 10}};
	hmap(f, 4, 0, 1, 0);
	block(f, BUCKET, buckets, sizeof(buckets));
	block(f, 0xd800, &overflow, sizeof(overflow));
	expect(f, buckets_map(f), "map[int]int{-1: -10, 1: 10, 2: 20, 3: 30}",
	       "[[-1,-10],[1,10],[2,20],[3,30]]");
	f->printer.items = 2;
	expect(f, buckets_map(f), "map[int]int{-1: -10, 1: 10, ...+2}",
	       "{\"len\":4,\"cut\":[[-1,-10],[1,10]]}");
}

static void prints_growing_maps(void **state)
{
	struct fixture *f = *state;
	// Bucket 0 of the old ones was evacuated to 0 and 2; bucket 1 was not.
	struct bucket buckets[4] = {{.top = {9}, .keys = {1}, .elems = {10}},
				    {.top = {0}},
				    {.top = {8}, .keys = {2}, .elems = {20}},
				    {.top = {0}}};
	struct bucket old[2] = {{.top = {2, 3, 4}, .keys = {1, 2}, .elems = {99, 99}},
				{.top = {8, 1}, .keys = {3}, .elems = {30}}};
	hmap(f, 3, 0, 2, OLD);
	block(f, BUCKET, buckets, sizeof(buckets));
	block(f, OLD, old, sizeof(old));
	expect(f, buckets_map(f), "map[int]int{1: 10, 2: 20, 3: 30}", "[[1,10],[2,20],[3,30]]");
}

static void counts_by_the_header(void **state)
{
	struct fixture *f = *state;
	struct bucket bucket = {.top = {9}, .keys = {1}, .elems = {10}};
	hmap(f, 100, 0, 5, 0);
	block(f, BUCKET, &bucket, sizeof(bucket));
	expect(f, buckets_map(f), "map[int]int{1: 10, ...+99 ?(not captured)}",
	       "{\"len\":100,\"cut\":[[1,10]],\"unavailable\":\"not captured\"}");
	hmap(f, 100, 0, 5, 0);
	expect(f, buckets_map(f), "map[int]int{...+100 ?(not captured)}",
	       "{\"len\":100,\"cut\":[],\"unavailable\":\"not captured\"}");
	hmap(f, 0x5555555555555555, 0, 5, 0);
	expect(f, buckets_map(f), "?(map of length 6148914691236517205)",
	       "{\"unavailable\":\"map of length 6148914691236517205\"}");
	hmap(f, 1, 0, 255, 0);
	expect(f, buckets_map(f), "?(map of length 1)", "{\"unavailable\":\"map of length 1\"}");
}

static void ends_chains_that_do_not(void **state)
{
	struct fixture *f = *state;
	struct bucket bucket = {.top = {9}, .keys = {1}, .elems = {10}, .overflow = BUCKET};
	hmap(f, 1, 0, 40, BUCKET);
	block(f, BUCKET, &bucket, sizeof(bucket));
	f->printer.items = 1;
	expect(f, buckets_map(f), "map[int]int{1: 10}", "[[1,10]]");
}

// A map of two entries, from strings to strings, or from interfaces that hold strings.
static struct gotype *headers(struct fixture *f, struct gotype *key)
{
	struct gotype *type = leading(f, GO_MAP, "map[string]string", basic(f, GO_STRING));
	type->key = key;
	type->map = (struct gomap){
		.layout = GOMAP_SWISS,
		.bucket_size = 8 + 8 * 32,
		.keys_off = 8,
		.key_stride = 32,
		.elems_off = 24,
		.elem_stride = 32,
	};
	uint64_t first = key->kind == GO_STRING ? 0xa000 : RTYPE_ADDR(0);
	uint64_t second = key->kind == GO_STRING ? 0xa100 : RTYPE_ADDR(0);
	uint64_t words[1 + 8 * 4] = {0x8080808080801111,
				     first,
				     key->kind == GO_STRING ? 13 : 0xa800,
				     0xa200,
				     6,
				     second,
				     key->kind == GO_STRING ? 6 : 0xa900,
				     0xa300,
				     3};
	swiss(f, 2, GROUP, 0);
	block(f, GROUP, words, sizeof(words));
	block(f, 0xa000, STRING("Authorization"));
	block(f, 0xa100, STRING("Accept"));
	block(f, 0xa200, STRING("hunter"));
	block(f, 0xa300, STRING("all"));
	block(f, 0xa800, WORDS(0xa000, 13));
	block(f, 0xa900, WORDS(0xa100, 6));
	return type;
}

static void secrets_by_their_keys(void **state)
{
	struct fixture *f = *state;
	static const struct redact_options options;
	struct redact *redact;
	assert_null(redact_create(&options, &redact));
	f->printer.redact[0] = redact;
	f->index.rtypes[0] = basic(f, GO_STRING);
	expect(f, headers(f, basic(f, GO_STRING)),
	       "map[string]string{\"Accept\": \"all\", \"Authorization\": ?(redacted)}",
	       "[[\"Accept\",\"all\"],[\"Authorization\",{\"unavailable\":\"redacted\"}]]");
	struct gotype *type = headers(f, interface(f, "interface {}", true));
	assert_null(strstr(as_text(f, type), "hunter"));
	assert_non_null(strstr(as_text(f, type), "\"all\""));
	assert_null(strstr(as_json(f, type), "hunter"));
	redact_destroy(redact);
}

static void prints_small_swiss_maps(void **state)
{
	struct fixture *f = *state;
	struct group group = group_of(3, 5);
	group.control[1] = 0xfe; // deleted
	swiss(f, 2, GROUP, 0);
	block(f, GROUP, &group, sizeof(group));
	expect(f, swiss_map(f), "map[int]int{5: 50, 7: 70}", "[[5,50],[7,70]]");
}

static void prints_swiss_tables_once(void **state)
{
	struct fixture *f = *state;
	struct group groups[3] = {group_of(2, 1), group_of(1, 8), group_of(1, 5)};
	swiss(f, 4, 0xb000, 4);
	block(f, 0xb000, WORDS(0xb100, 0xb100, 0xb200, 0xb200));
	table(f, 0xb100, 0, GROUP, 1);
	table(f, 0xb200, 2, OLD, 0);
	block(f, GROUP, groups, 2 * sizeof(*groups));
	block(f, OLD, groups + 2, sizeof(*groups));
	expect(f, swiss_map(f), "map[int]int{1: 10, 2: 20, 5: 50, 8: 80}",
	       "[[1,10],[2,20],[5,50],[8,80]]");
}

static void survives_absurd_swiss_maps(void **state)
{
	struct fixture *f = *state;
	swiss(f, 1, 0xb000, UINT64_MAX);
	expect(f, swiss_map(f), "?(map of length 1)", "{\"unavailable\":\"map of length 1\"}");
	swiss(f, 1, 0xb000, 1ull << 39);
	block(f, 0xb000, WORDS(0xb100));
	table(f, 0xb100, 0, GROUP, UINT64_MAX);
	expect(f, swiss_map(f), "map[int]int{...+1 ?(not captured)}",
	       "{\"len\":1,\"cut\":[],\"unavailable\":\"not captured\"}");
	swiss(f, 1, MEMORY_FRAME, 0);
	expect(f, swiss_map(f), "map[int]int{...+1 ?(not captured)}",
	       "{\"len\":1,\"cut\":[],\"unavailable\":\"not captured\"}");
}

static void sorts_strings_and_floats(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = leading(f, GO_MAP, "map[string]bool", basic(f, GO_BOOL));
	type->key = basic(f, GO_STRING);
	type->map = (struct gomap){.layout = GOMAP_SWISS,
				   .bucket_size = 8 + 8 * 24,
				   .keys_off = 8,
				   .key_stride = 24,
				   .elems_off = 24,
				   .elem_stride = 24};
	struct {
		uint8_t control[8];
		struct {
			uint64_t data, len, elem;
		} slots[8];
	} group = {.control = {1, 2, 3, 4, 0x80, 0x80, 0x80, 0x80},
		   .slots = {{0xa000, 9, 1}, {0xa000, 8, 0}, {0xa010, 9, 1}, {0xa020, 1, 0}}};
	swiss(f, 4, GROUP, 0);
	block(f, GROUP, &group, sizeof(group));
	block(f, 0xa000, STRING("aaaaaaaab"));
	block(f, 0xa010, STRING("aaaaaaaaa"));
	block(f, 0xa020, STRING("Z"));
	assert_string_equal(as_text(f, type), "map[string]bool{\"Z\": false, \"aaaaaaaa\": false, "
					      "\"aaaaaaaaa\": true, \"aaaaaaaab\": true}");

	struct gotype *floats = swiss_map(f);
	floats->key = basic(f, GO_FLOAT64);
	struct group numbers = group_of(4, 0);
	const double keys[] = {1.5, -2, 0, -0.5};
	for (unsigned i = 0; i < 4; i++)
		memcpy(&numbers.slots[i].key, &keys[i], 8);
	swiss(f, 4, GROUP, 0);
	block(f, GROUP, &numbers, sizeof(numbers));
	assert_string_equal(as_json(f, floats), "[[-2,10],[-0.5,30],[0,20],[1.5,0]]");
}

static void follows_indirect_sides(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = swiss_map(f);
	type->map.key_indirect = type->map.elem_indirect = true;
	struct group group = group_of(3, 0);
	group.slots[0].key = 0xa000;
	group.slots[0].elem = 0xa008;
	group.slots[1].key = 0xa000;
	group.slots[1].elem = 0xf000; // not captured: the entry is left out
	group.slots[2].key = 8;
	swiss(f, 3, GROUP, 0);
	block(f, GROUP, &group, sizeof(group));
	block(f, 0xa000, WORDS(6, 7));
	expect(f, type, "map[int]int{6: 7, ...+2 ?(not captured)}",
	       "{\"len\":3,\"cut\":[[6,7]],\"unavailable\":\"not captured\"}");
}

static void shows_more_than_the_local_entries(void **state)
{
	struct fixture *f = *state;
	struct group groups[20];
	for (unsigned i = 0; i < NUM(groups); i++)
		groups[i] = group_of(8, 8 * i);
	swiss(f, 160, 0xb000, 1);
	block(f, 0xb000, WORDS(0xb100));
	table(f, 0xb100, 0, GROUP, NUM(groups) - 1);
	block(f, GROUP, groups, sizeof(groups));
	f->printer.items = 1000;
	const char *json = as_json(f, swiss_map(f));
	assert_non_null(strstr(json, "[[0,0],[1,10],[2,20]"));
	assert_non_null(strstr(json, "[158,1580],[159,1590]]"));
}

static void says_when_the_layout_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = swiss_map(f);
	type->map.layout = GOMAP_UNKNOWN;
	swiss(f, 1, GROUP, 0);
	expect(f, type, "?(map layout not known)", "{\"unavailable\":\"map layout not known\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VALUE_TEST(secrets_by_their_keys),
		VALUE_TEST(prints_empty_maps),
		VALUE_TEST(prints_buckets_in_order),
		VALUE_TEST(prints_growing_maps),
		VALUE_TEST(counts_by_the_header),
		VALUE_TEST(ends_chains_that_do_not),
		VALUE_TEST(prints_small_swiss_maps),
		VALUE_TEST(prints_swiss_tables_once),
		VALUE_TEST(survives_absurd_swiss_maps),
		VALUE_TEST(sorts_strings_and_floats),
		VALUE_TEST(follows_indirect_sides),
		VALUE_TEST(shows_more_than_the_local_entries),
		VALUE_TEST(says_when_the_layout_is_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
