// SPDX-License-Identifier: GPL-2.0-or-later
// A real executable with some bytes changed, through all that reads it: index, names, lines,
// signatures, types, plan, conditions, and the replay of a trace that was taken of it. It must run from
// the top of the tree.
//
// An input names the executable and says what is changed: one byte for the executable, one for the
// condition, two for the first function, then changes: a section, where in it (3 bytes), how many bytes
// (1 to 8), and these bytes.
#ifndef GOTRACE_TESTS_PIPELINE_H
#define GOTRACE_TESTS_PIPELINE_H

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/text.h"
#include "dwarf/go/rtype.h"
#include "tracer/plan/conditions.h"
#include "tracer/stream/replay.h"

enum {
	PIPELINE_FUNCS = 48, // whose signatures are read, besides those of main
	PIPELINE_RTYPES = 64,
	PIPELINE_CHANGES = 64,
	PIPELINE_DEPTH = 4,   // of types that lead to others
	PIPELINE_FIELDS = 32, // of a struct whose types are followed
};

struct pipeline { // one executable, mapped once; changes are made in place and taken back
	const char *capture;
	char path[32];
	uint8_t *bytes;
	size_t size;
	Elf64_Shdr sections[64];
	size_t num_sections;
};

struct pipeline_change {
	size_t off, len;
	uint8_t was[8];
};

static size_t pipeline_load(const char *path, int fd)
{
	gzFile file = gzopen(path, "rb");
	if (!file)
		abort();
	char bytes[16384];
	size_t size = 0;
	int len;
	while ((len = gzread(file, bytes, sizeof(bytes))) > 0) {
		if (write(fd, bytes, (size_t)len) != len)
			abort();
		size += (size_t)len;
	}
	gzclose(file);
	return size;
}

static void pipeline_open(struct pipeline *pipeline, const char *exe, const char *capture)
{
	int fd = memfd_create("executable", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	snprintf(pipeline->path, sizeof(pipeline->path), "/proc/self/fd/%d", fd);
	pipeline->capture = capture;
	pipeline->size = pipeline_load(exe, fd);
	pipeline->bytes = mmap(NULL, pipeline->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pipeline->bytes == MAP_FAILED)
		abort();
	Elf64_Ehdr header;
	memcpy(&header, pipeline->bytes, sizeof(header));
	const uint8_t *rows = pipeline->bytes + header.e_shoff;
	// The first of them are the headers themselves.
	pipeline->sections[0] = (Elf64_Shdr){.sh_offset = 0, .sh_size = 0x400};
	pipeline->sections[1] = (Elf64_Shdr){.sh_offset = header.e_shoff,
					     .sh_size = header.e_shnum * sizeof(Elf64_Shdr)};
	pipeline->num_sections = 2;
	for (size_t i = 0; i < header.e_shnum && pipeline->num_sections < 64; i++) {
		Elf64_Shdr row;
		memcpy(&row, rows + i * sizeof(row), sizeof(row));
		if (row.sh_type != SHT_NULL && row.sh_type != SHT_NOBITS && row.sh_size)
			pipeline->sections[pipeline->num_sections++] = row;
	}
}

// --- What is done with it ------------------------------------------------------------------------

static struct error *pipeline_drop(void *context, const struct text *out)
{
	(void)context;
	(void)out;
	return NULL;
}

static bool pipeline_count(void *context, const char *name)
{
	size_t *left = context;
	*left += strlen(name);
	return *left < 1 << 20;
}

static bool pipeline_count_into(void *context, const struct func *into)
{
	return pipeline_count(context, into->name);
}

static void pipeline_type(struct gotype *type, int depth)
{
	gotype_complete(type);
	if (!type->name || !type->full_name || (type->kind == GO_INVALID && !type->broken) ||
	    (type->kind == GO_STRUCT && type->num_fields && !type->fields) ||
	    (type->kind == GO_ARRAY && !type->elem))
		abort();
	for (size_t i = 0; depth < PIPELINE_DEPTH && i < type->num_fields && i < PIPELINE_FIELDS;
	     i++)
		pipeline_type(type->fields[i].type, depth + 1);
	if (type->elem && depth < PIPELINE_DEPTH)
		pipeline_type(type->elem, depth + 1);
	if (type->key && depth < PIPELINE_DEPTH)
		pipeline_type(type->key, depth + 1);
}

static void pipeline_func(struct index *index, const struct func *func)
{
	const char *file;
	int line;
	size_t count = 0;
	struct text text;
	text_init(&text);
	index_write_signature(index, func, &text);
	text_deinit(&text);
	index_line(index, func->vaddr + func->size / 2, &file, &line);
	index_inlined(index, func, pipeline_count_into, &count);
	const struct signature *signature = index_signature(index, func);
	for (size_t i = 0; i < signature->num_params; i++)
		if (signature->params[i].type)
			pipeline_type(signature->params[i].type, 0);
}

static void pipeline_names(struct index *index)
{
	static const char *const names[] = {"runtime.g", "main.point", "main.shape", "string",
					    "map[string]int"};
	size_t count = 0;
	index_names(index, pipeline_count, &count);
	index_types(index, pipeline_count, &count);
	index_go_types(index, pipeline_count, &count);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct gotype *found[4];
		size_t num = index_types_named(index, names[i], found, 4);
		for (size_t k = 0; k < num && k < 4; k++)
			pipeline_type(found[k], 0);
	}
}

static void pipeline_plan(struct index *index, const char *condition, size_t first)
{
	const struct plan_options options = {
		.capture = {.depth = PLAN_DEPTH, .strlen = PLAN_STRLEN, .items = PLAN_ITEMS}};
	char pattern[128];
	snprintf(pattern, sizeof(pattern), "main.*%s%s", *condition ? " if " : "", condition);
	char *const patterns[] = {pattern};
	struct plan *plan;
	if (plan_create(index, &options, &plan))
		abort();
	struct plan_request request = {.patterns = patterns, .num_patterns = 1, .options = options};
	struct plan_selected selected = {0};
	error_free(plan_add(plan, &request, &selected));
	plan_selected_deinit(&selected);
	size_t num_funcs;
	const struct func *funcs = index_funcs(index, &num_funcs);
	for (size_t i = 0; i < PIPELINE_FUNCS && num_funcs; i++) {
		const struct func *func = &funcs[(first + i) % num_funcs];
		struct selection one = {&func, 1};
		pipeline_func(index, func);
		request.selection = &one;
		request.num_patterns = 0;
		error_free(plan_add(plan, &request, &selected));
		plan_selected_deinit(&selected);
	}
	size_t added, num;
	error_free(plan_add_notes(plan, &added, &num));
	struct gotype *const *types = rtypes_all(index_rtypes(index), &num);
	for (size_t i = 0; i < PIPELINE_RTYPES && num; i++) {
		struct gotype *type = types[(first + i) % num];
		pipeline_type(type, 0);
		plan_learn(plan, type->rtype);
	}
	plan_destroy(plan);
}

static void pipeline_run(const struct pipeline *pipeline, const char *condition, size_t first)
{
	struct index *index;
	struct error *err = index_open(pipeline->path, "executable", "/nonexistent", &index);
	if (!err) {
		pipeline_names(index);
		pipeline_plan(index, condition, first);
		index_close(index);
	}
	error_free(err);
	struct text text;
	text_init(&text);
	struct replay_options options = {
		.capture = pipeline->capture,
		.exe = pipeline->path,
		.look = {.sink = sink_find("graph"), .out = -1},
		.write = pipeline_drop,
	};
	error_free(replay_run(&options, &text));
	text_deinit(&text);
}

// --- The input -----------------------------------------------------------------------------------

static size_t pipeline_change(const struct pipeline *pipeline, const uint8_t *data, size_t size,
			      struct pipeline_change *out)
{
	const Elf64_Shdr *section = &pipeline->sections[data[0] % pipeline->num_sections];
	size_t at = data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16;
	size_t len = 1 + (data[4] & 7), used = 5 + len;
	if (size < used)
		return 0;
	*out = (struct pipeline_change){.off = section->sh_offset + at % section->sh_size};
	if (out->off > pipeline->size)
		abort();
	out->len = len < pipeline->size - out->off ? len : pipeline->size - out->off;
	memcpy(out->was, pipeline->bytes + out->off, out->len);
	memcpy(pipeline->bytes + out->off, data + 5, out->len);
	return used;
}

static void pipeline_input(const uint8_t *data, size_t size)
{
	static const char *const conditions[] = {
		"",
		"a > 1",
		"p.X == 1 && by.Name == \"q\"",
		"len(numbers) > 2 || err != nil",
		"ages[\"bob\"] > 3",
		"s.(*main.square).side == 5",
		"contains(c[0], \"tab\") && d[1]",
		"duration > 1ms && result > 3",
	};
	static struct pipeline pipelines[2];
	if (!pipelines[0].bytes) {
		pipeline_open(&pipelines[0], "tests/captures/go1.15.exe.gz",
			      "tests/captures/go1.15.capture.gz");
		pipeline_open(&pipelines[1], "tests/captures/go1.27.exe.gz",
			      "tests/captures/go1.27.capture.gz");
	}
	if (size < 4)
		return;
	const struct pipeline *pipeline = &pipelines[data[0] & 1];
	const char *condition = conditions[data[1] & 7];
	size_t first = data[2] | (size_t)data[3] << 8, at = 4, num = 0;
	struct pipeline_change changes[PIPELINE_CHANGES];
	while (num < PIPELINE_CHANGES && size - at > 5) {
		size_t used = pipeline_change(pipeline, data + at, size - at, &changes[num]);
		if (!used)
			break;
		at += used;
		num++;
	}
	pipeline_run(pipeline, condition, first);
	while (num--)
		memcpy(pipeline->bytes + changes[num].off, changes[num].was, changes[num].len);
}

#endif
