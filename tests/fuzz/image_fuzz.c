// SPDX-License-Identifier: GPL-2.0-or-later
// The input is an ELF file. Whatever it is, what image hands out is there to be read.
#include <stdint.h>
#include <stdlib.h>

#include "dwarf/go/buildinfo.h"
#include "tests/fuzz/memory_image.h"

static uint8_t touched;

static void touch(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		touched ^= data[i];
}

static void touch_sections(struct image *image)
{
	static const char *const names[] = {".debug_info", ".debug_line", ".text", ".gopclntab",
					    ".gnu_debuglink"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct image_bytes bytes = {NULL, 0, 0};
		struct error *err = image_section(image, names[i], &bytes);
		if (!err)
			touch(bytes.data, bytes.size);
		error_free(err);
		image_has_section(image, names[i]);
	}
}

static void touch_segments(struct image *image)
{
	size_t num;
	const struct image_segment *segments = image_segments(image, &num);
	for (size_t i = 0; i < num; i++) {
		uint64_t ends[] = {segments[i].vaddr, segments[i].vaddr + segments[i].file_size,
				   segments[i].vaddr + segments[i].mem_size};
		for (size_t k = 0; k < 3; k++) {
			uint8_t bytes[48];
			const uint8_t *text;
			uint64_t off;
			if (image_read(image, ends[k] - 24, bytes, sizeof(bytes)))
				touch(bytes, sizeof(bytes));
			if (image_text(image, ends[k] - 24, 24, &text))
				touch(text, 24);
			if (image_offset(image, ends[k], &off) && off >= image_file_size(image))
				abort();
			image_is_readonly(image, ends[k], 4096);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image *image = memory_image(data, size);
	if (!image)
		return 0;
	const struct image_symbol *symbols;
	size_t num = 0;
	struct error *err = image_symbols(image, &symbols, &num);
	for (size_t i = 0; !err && i < num; i++)
		touch((const uint8_t *)symbols[i].name, strlen(symbols[i].name));
	error_free(err);
	touch_sections(image);
	touch_segments(image);
	const uint8_t *build_id = image_build_id(image, &num);
	touch(build_id, num);
	const char *go_build_id = image_go_build_id(image);
	if (go_build_id)
		touch((const uint8_t *)go_build_id, strlen(go_build_id));
	int64_t start;
	uint64_t off;
	image_tls_start(image, &start);
	image_tls_symbol(image, "runtime.tlsg", &off);
	struct image *debug = NULL;
	error_free(image_open_debug(image, "/nonexistent", &debug));
	struct buildinfo info;
	err = buildinfo_init(&info, image);
	if (!err) {
		free(buildinfo_setting(&info, "-buildmode"));
		free(buildinfo_main(&info));
		buildinfo_deinit(&info);
	}
	error_free(err);
	image_close(image);
	return 0;
}
