// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dwarf/go/buildinfo.h"
#include "tests/unit/go_writer.h"

static const struct go_code code[] = {
	{.name = "main.main", .file = "/src/main.go", .line = 10, .size = 40}};

static const char module_info[] = "path\texample.com/cmd/x\n"
				  "mod\texample.com\t(devel)\t\n"
				  "build\t-buildmode=pie\n"
				  "build\t-ldflags=\"-s -w -X \\\"a=b\\\"\"\n"
				  "build\tCGO_ENABLED=0\n";

static void parses_versions(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		struct go_version go;
	} cases[] = {
		{"go1.24.4", {1, 24, 4}},
		{"go1.24.4 X:nodwarf5", {1, 24, 4}},
		{"go1.26-X:simd", {1, 26, 0}},
		{"go1.27rc1", {1, 27, 0}},
		{"go1.15", {1, 15, 0}},
		{"devel go1.28-0123abcd Tue Nov 10 2026", {1, 28, 0}},
		{"devel +0123abcd", {0, 0, 0}},
		{"devel gopher go1.9", {1, 9, 0}},
		{"go", {0, 0, 0}},
		{"go1", {0, 0, 0}},
		{"go1.", {0, 0, 0}},
		{"go9999999999999.1", {0, 0, 0}},
		{"", {0, 0, 0}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct go_version go = go_version_parse(cases[i].text);
		assert_int_equal(go.major, cases[i].go.major);
		assert_int_equal(go.minor, cases[i].go.minor);
		assert_int_equal(go.patch, cases[i].go.patch);
	}
	assert_true(go_version_at_least((struct go_version){1, 17, 0}, 17));
	assert_false(go_version_at_least((struct go_version){1, 16, 9}, 17));
	assert_false(go_version_at_least((struct go_version){0, 0, 0}, 1));
	assert_true(go_version_at_least((struct go_version){2, 0, 0}, 17));
}

static void check_info(int format, int minor, unsigned variant)
{
	struct go_writer go;
	go_init(&go, format, minor);
	go.code = code;
	go.num_code = 1;
	go.version = "go1.24.4";
	go.module_info = module_info;
	go.is_pie = variant & 1;
	go.has_section = variant & 2;
	char path[64];
	assert_true(go_save(&go, path));
	struct image *image;
	assert_null(image_open(path, NULL, &image));
	unlink(path);
	struct buildinfo info;
	assert_null(buildinfo_init(&info, image));
	assert_string_equal(info.version, "go1.24.4");
	assert_int_equal(info.go.minor, 24);
	assert_string_equal(info.module_info, module_info);
	static const struct {
		const char *key, *value;
	} settings[] = {{"-buildmode", "pie"},
			{"-ldflags", "-s -w -X \"a=b\""},
			{"CGO_ENABLED", "0"}};
	for (size_t i = 0; i < 3; i++) {
		char *value = buildinfo_setting(&info, settings[i].key);
		assert_string_equal(value, settings[i].value);
		free(value);
	}
	assert_null(buildinfo_setting(&info, "GOAMD64"));
	assert_null(buildinfo_setting(&info, "-build"));
	char *path_of_main = buildinfo_main(&info);
	assert_string_equal(path_of_main, "example.com/cmd/x");
	free(path_of_main);
	buildinfo_deinit(&info);
	image_close(image);
	go_deinit(&go);
}

static void reads_both_forms(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		check_info(20, 26, variant);
		check_info(2, 15, variant);
	}
}

// A blob whose version is this long or says this is none.
static void refuse_blob(const char *version, size_t len_byte)
{
	struct go_writer go;
	go_init(&go, 20, 26);
	go.code = code;
	go.num_code = 1;
	go.version = version;
	go_build(&go);
	if (len_byte)
		go.elf.segments[4].data.data[GO_BUILDINFO - GO_DATA + 32] = (char)len_byte;
	char path[64];
	assert_true(elf_finish(&go.elf));
	assert_true(elf_save(&go.elf, path));
	struct image *image;
	assert_null(image_open(path, NULL, &image));
	unlink(path);
	struct buildinfo info;
	assert_null(buildinfo_init(&info, image));
	assert_null(info.version);
	assert_null(info.module_info);
	assert_int_equal(info.go.major, 0);
	assert_null(buildinfo_main(&info));
	buildinfo_deinit(&info);
	image_close(image);
	go_deinit(&go);
}

static void passes_over_what_is_none(void **state)
{
	(void)state;
	refuse_blob("", 0);
	refuse_blob("rust 1.2", 0);
	refuse_blob("go1.24\x1b[2J", 0);
	refuse_blob("go1.24.4", 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_versions),
		cmocka_unit_test(reads_both_forms),
		cmocka_unit_test(passes_over_what_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
