// SPDX-License-Identifier: GPL-2.0-or-later
// The input is a byte that names a release, 1024 bytes of data with moduledata, and a table at
// 0x500000, as tests/unit/go_writer.c lays them out. The table's bytes are its functions' data as well.
#include <stdint.h>
#include <stdlib.h>

#include "dwarf/go/pclntab.h"
#include "dwarf/go/runtime.h"
#include "tests/fuzz/memory_image.h"

enum {
	TEXT = 0x401000,
	TABLE = 0x500000,
	FUNCDATA = 0x520000,
	TYPES = 0x540000,
	DATA = 0x600000,
	DATA_BYTES = 1024,
};

static bool add_entry(void *context, size_t i)
{
	size_t *length = context;
	*length += i;
	return *length < 4096;
}

static size_t read_all(const struct pclntab *table)
{
	size_t length = 0, num = pclntab_num(table);
	for (size_t i = 0; i < num && i < 64; i++) {
		struct pcln_func func;
		struct pcln_inline frames[8];
		struct pcln_arg args[8];
		const char *file;
		int line;
		bool complete;
		if (!pclntab_func(table, i, &func))
			continue;
		length += strlen(func.name);
		if (func.end < func.entry)
			abort();
		for (uint64_t at = func.entry; at < func.end && at - func.entry < 256; at += 31) {
			if (pclntab_line(table, at, &file, &line))
				length += strlen(file);
			size_t num_frames = pclntab_frames(table, at, frames, 8);
			if (num_frames > 8)
				abort();
			for (size_t k = 0; k < num_frames; k++)
				length += strlen(frames[k].name) + strlen(frames[k].file);
			size_t found;
			if (!pclntab_find(table, at, &found))
				abort();
		}
		if (pclntab_args(table, i, args, 8, &complete) > 8)
			abort();
	}
	pclntab_inlined(table, "main.inlined", add_entry, &length);
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zeros[0x1000];
	enum { FUNCDATA_BYTES = 4096 };
	if (size < 1 + DATA_BYTES || size > (1 << 18))
		return 0;
	struct go_version go = {1, data[0], 0};
	if (!data[0])
		go.major = 0;
	const uint8_t *table_bytes = data + 1 + DATA_BYTES;
	size_t table_size = size - 1 - DATA_BYTES;
	const struct memory_segment segments[] = {
		{TEXT, PF_R | PF_X, zeros, sizeof(zeros)},
		{TABLE, PF_R, table_bytes, table_size},
		{FUNCDATA, PF_R, table_bytes,
		 table_size < FUNCDATA_BYTES ? table_size : FUNCDATA_BYTES},
		{TYPES, PF_R, zeros, 256},
		{DATA, PF_R | PF_W, data + 1, DATA_BYTES},
	};
	struct image *image = memory_image_of(segments, 5);
	if (!image)
		return 0;
	struct pclntab *table = NULL;
	struct error *err = pclntab_open(image, go, &table);
	if (!err) {
		struct runtime_layout layout;
		read_all(table);
		err = runtime_layout_init(&layout, image, table, go);
	}
	error_free(err);
	pclntab_close(table);
	image_close(image);
	return 0;
}
