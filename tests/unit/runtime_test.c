// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dwarf/go/runtime.h"
#include "tests/unit/go_writer.h"

// mov 0x30(%rbx),%rbp and mov 0x28(%rbx),%rbp, with something around.
static const uint8_t gogo_long[] = {0x90, 0x48, 0x8b, 0x6b, 0x30, 0xc3};
static const uint8_t gogo_short[] = {0x90, 0x48, 0x8b, 0x6b, 0x28, 0xc3};
static const uint8_t gogo_other[] = {0x90, 0x48, 0x8b, 0x6b, 0x10, 0xc3};
// mov %fs:-408,%rbx; and mov $-408,%r14; mov %fs:(%r14),%r14
static const uint8_t tls_plain[] = {0x64, 0x48, 0x8b, 0x1c, 0x25, 0x68, 0xfe, 0xff, 0xff, 0xc3};
static const uint8_t tls_pic[] = {0x49, 0xc7, 0xc6, 0x68, 0xfe, 0xff,
				  0xff, 0x64, 0x4d, 0x8b, 0x36, 0xc3};

struct wish {
	int format, minor; // of the file's tables
	const char *gogo_name;
	const uint8_t *gogo; // sizeof(gogo_long) bytes
	const uint8_t *tls;
	size_t tls_len;
	uint64_t tls_bytes; // of PT_TLS
	bool has_symbol;
	struct go_version go; // what the caller knows
};

static struct runtime_layout layout_of(const struct wish *wish)
{
	const struct go_code code[] = {
		{.name = wish->gogo_name,
		 .file = "asm.s",
		 .line = 1,
		 .size = sizeof(gogo_long),
		 .bytes = wish->gogo},
		{.name = "runtime.morestack",
		 .file = "asm.s",
		 .line = 2,
		 .size = wish->tls ? (uint32_t)wish->tls_len : 16,
		 .bytes = wish->tls},
	};
	struct go_writer go;
	go_init(&go, wish->format, wish->minor);
	go.code = code;
	go.num_code = 2;
	if (wish->tls_bytes)
		elf_tls(&go.elf, wish->tls_bytes, 8);
	if (wish->has_symbol)
		elf_symbol(&go.elf, "runtime.tlsg", 16, 8, STT_TLS);
	char path[64];
	assert_true(go_save(&go, path));
	struct image *image;
	struct pclntab *table;
	struct runtime_layout layout;
	assert_null(image_open(path, NULL, &image));
	unlink(path);
	assert_null(pclntab_open(image, wish->go, &table));
	assert_null(runtime_layout_init(&layout, image, table, wish->go));
	pclntab_close(table);
	image_close(image);
	go_deinit(&go);
	return layout;
}

static void knows_releases(void **state)
{
	(void)state;
	static const struct {
		int format, layout, minor;
		const uint8_t *gogo;
		uint32_t goid, parent_goid;
	} rows[] = {
		{2, 2, 15, gogo_long, 152, UINT32_MAX},	   {16, 16, 17, gogo_long, 152, UINT32_MAX},
		{18, 18, 19, gogo_long, 152, UINT32_MAX},  {20, 20, 20, gogo_long, 152, UINT32_MAX},
		{20, 20, 21, gogo_long, 152, 272},	   {20, 20, 23, gogo_long, 160, 280},
		{20, 20, 24, gogo_long, 160, 280},	   {20, 20, 25, gogo_long, 160, UINT32_MAX},
		{20, 20, 25, gogo_short, 152, UINT32_MAX}, {20, 26, 26, gogo_short, 152, 280},
		{20, 27, 27, gogo_short, 152, 280},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wish wish = {.format = rows[i].format,
				    .minor = rows[i].layout,
				    .gogo_name = rows[i].minor < 17 ? "runtime.gogo" : "gogo",
				    .gogo = rows[i].gogo,
				    .go = {1, rows[i].minor, 0}};
		struct runtime_layout layout = layout_of(&wish);
		assert_int_equal(layout.g_goid, rows[i].goid);
		assert_int_equal(layout.g_parent_goid, rows[i].parent_goid);
		assert_int_equal(layout.tls_g, -8);
		assert_int_equal(layout.g_stack_hi, 8);
		assert_int_equal(layout.hchan_dataqsiz, 8);
		assert_int_equal(layout.has_regabi, rows[i].minor >= 17);
		assert_true(layout.is_certain);
	}
}

static void is_not_certain_of_others(void **state)
{
	(void)state;
	struct wish wish = {.format = 20, .minor = 20, .gogo_name = "gogo", .gogo = gogo_long};
	wish.go = (struct go_version){1, 24, 0};
	assert_true(layout_of(&wish).is_certain);
	wish.gogo = gogo_short; // contradicts the table
	assert_false(layout_of(&wish).is_certain);
	wish.gogo = gogo_other; // says nothing
	assert_true(layout_of(&wish).is_certain);
	wish.go = (struct go_version){1, 20, 0};
	assert_false(layout_of(&wish).is_certain);
	wish.gogo = gogo_long;
	wish.go = (struct go_version){1, 28, 0};
	assert_false(layout_of(&wish).is_certain);
	wish.go = (struct go_version){0, 0, 0};
	assert_false(layout_of(&wish).is_certain);
	assert_true(layout_of(&wish).has_regabi);
}

static void finds_g_among_thread_locals(void **state)
{
	(void)state;
	struct wish wish = {.format = 20,
			    .minor = 26,
			    .gogo_name = "gogo",
			    .gogo = gogo_short,
			    .go = {1, 26, 0}};
	wish.tls_bytes = 8;
	assert_int_equal(layout_of(&wish).tls_g, -8);
	wish.tls_bytes = 404;
	assert_int_equal(layout_of(&wish).tls_g, 0);
	wish.has_symbol = true;
	assert_int_equal(layout_of(&wish).tls_g, -408 + 16);
	wish.has_symbol = false;
	wish.tls = tls_plain;
	wish.tls_len = sizeof(tls_plain);
	assert_int_equal(layout_of(&wish).tls_g, -408);
	wish.tls = tls_pic;
	wish.tls_len = sizeof(tls_pic);
	assert_int_equal(layout_of(&wish).tls_g, -408);
	wish.tls_bytes = 64; // the code's offset lies outside
	assert_int_equal(layout_of(&wish).tls_g, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_releases),
		cmocka_unit_test(is_not_certain_of_others),
		cmocka_unit_test(finds_g_among_thread_locals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
