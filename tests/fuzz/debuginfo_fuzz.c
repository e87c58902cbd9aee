// SPDX-License-Identifier: GPL-2.0-or-later
// The input is DWARF: the sizes of .debug_abbrev and of the lists (16 bits each), the bytes of
// both, and for the rest .debug_info. The lists are given out as all sections of lists and
// addresses. Whatever it is: every function that can be found is read, every type of its
// parameters is completed some levels deep, and what comes out keeps its promises.
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dwarf/index/index_private.h"

enum {
	TEXT = 0x401000,
	TEXT_SIZE = 0x1000,
	MAX_FUNCS = 64,
	MAX_DEPTH = 4,
	MAX_FIELDS = 32,
};

struct part {
	const uint8_t *data;
	size_t size;
};

enum part_name { PART_NAMES, PART_ABBREV, PART_LISTS, PART_INFO, NUM_PARTS };

static const struct {
	const char *name;
	enum part_name part;
} sections[] = {
	{"", NUM_PARTS},
	{".debug_info", PART_INFO},
	{".debug_abbrev", PART_ABBREV},
	{".debug_loc", PART_LISTS},
	{".debug_loclists", PART_LISTS},
	{".debug_ranges", PART_LISTS},
	{".debug_rnglists", PART_LISTS},
	{".debug_addr", PART_LISTS},
	{".debug_str", PART_LISTS},
	{".shstrtab", PART_NAMES},
};
enum { NUM_SECTIONS = sizeof(sections) / sizeof(sections[0]) };

struct file { // headers, then the parts
	Elf64_Ehdr header;
	Elf64_Phdr text;
	Elf64_Shdr rows[NUM_SECTIONS];
	char names[160];
};

static void fill_header(struct file *file)
{
	memset(file, 0, sizeof(*file));
	memcpy(file->header.e_ident, ELFMAG, SELFMAG);
	file->header.e_ident[EI_CLASS] = ELFCLASS64;
	file->header.e_ident[EI_DATA] = ELFDATA2LSB;
	file->header.e_ident[EI_VERSION] = EV_CURRENT;
	file->header.e_type = ET_EXEC;
	file->header.e_machine = EM_X86_64;
	file->header.e_version = EV_CURRENT;
	file->header.e_ehsize = sizeof(Elf64_Ehdr);
	file->header.e_phoff = offsetof(struct file, text);
	file->header.e_phentsize = sizeof(Elf64_Phdr);
	file->header.e_phnum = 1;
	file->header.e_shoff = offsetof(struct file, rows);
	file->header.e_shentsize = sizeof(Elf64_Shdr);
	file->header.e_shnum = NUM_SECTIONS;
	file->header.e_shstrndx = NUM_SECTIONS - 1;
	file->text = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = TEXT,
		.p_filesz = sizeof(*file),
		.p_memsz = TEXT_SIZE,
	};
}

// An executable around the sections, in a file without a name.
static int write_file(struct part *parts)
{
	struct file file;
	uint64_t offs[NUM_PARTS], end = sizeof(file);
	size_t name_end = 0;
	fill_header(&file);
	parts[PART_NAMES] = (struct part){(const uint8_t *)file.names, sizeof(file.names)};
	for (int i = 0; i < NUM_PARTS; i++) {
		offs[i] = i == PART_NAMES ? offsetof(struct file, names) : end;
		end += i == PART_NAMES ? 0 : parts[i].size;
	}
	for (size_t i = 1; i < NUM_SECTIONS; i++) {
		enum part_name part = sections[i].part;
		file.rows[i] = (Elf64_Shdr){
			.sh_name = (Elf64_Word)name_end,
			.sh_type = part == PART_NAMES ? SHT_STRTAB : SHT_PROGBITS,
			.sh_offset = offs[part],
			.sh_size = parts[part].size,
		};
		strcpy(file.names + name_end, sections[i].name);
		name_end += strlen(sections[i].name) + 1;
	}
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	bool is_written = fd >= 0 && write(fd, &file, sizeof(file)) == (ssize_t)sizeof(file);
	for (int i = PART_ABBREV; i < NUM_PARTS && is_written; i++)
		is_written = write(fd, parts[i].data, parts[i].size) == (ssize_t)parts[i].size;
	if (!is_written && fd >= 0)
		close(fd);
	return is_written ? fd : -1;
}

static struct part take(const uint8_t **data, size_t *size, size_t wanted)
{
	struct part part = {*data, wanted < *size ? wanted : *size};
	*data += part.size;
	*size -= part.size;
	return part;
}

static void check_type(struct gotype *type, int depth)
{
	gotype_complete(type);
	if (!type->name || !type->full_name || (type->kind == GO_INVALID && !type->broken) ||
	    (type->kind == GO_STRUCT && type->num_fields && !type->fields) ||
	    (type->kind == GO_ARRAY && !type->elem))
		abort();
	if (depth >= MAX_DEPTH)
		return;
	for (size_t i = 0; i < type->num_fields; i++) {
		const struct gofield *field = &type->fields[i];
		if (!field->name || field->offset > type->size ||
		    field->type->size > type->size - field->offset)
			abort();
		if (i < MAX_FIELDS)
			check_type(field->type, depth + 1);
	}
	if (type->elem)
		check_type(type->elem, depth + 1);
	if (type->key)
		check_type(type->key, depth + 1);
}

static void check_pieces(const struct signature *signature)
{
	for (size_t i = 0; i < signature->num_params; i++) {
		const struct param *param = &signature->params[i];
		for (size_t k = 0; k < param->num_pieces; k++) {
			const struct abi_piece *piece = &param->pieces[k];
			uint64_t size = param->type ? param->type->size : 8;
			if (!piece->size || (uint64_t)piece->offset + piece->size > size)
				abort();
		}
	}
}

// The parameters against words of arguments that are as likely as any.
static void check_places(const struct debug_func *func, struct gotypes *store)
{
	struct signature signature = {.arch = arch_find(EM_X86_64),
				      .num_params = func->num_params,
				      .is_known = true};
	const struct debug_param **debug = calloc(func->num_params + 1, sizeof(*debug));
	signature.params = calloc(func->num_params + 1, sizeof(*signature.params));
	if (!signature.params || !debug)
		abort();
	for (size_t i = 0; i < func->num_params; i++) {
		if (i && func->params[i - 1].is_result && !func->params[i].is_result)
			abort();
		debug[i] = &func->params[i];
		signature.params[i].name = func->params[i].name;
		signature.params[i].type = func->params[i].type;
		signature.num_args += !func->params[i].is_result;
	}
	struct arg_words words = {.num = 6, .is_complete = true};
	for (int i = 0; i < words.num; i++)
		words.word[i] = (struct pcln_arg){(uint16_t)(i * 8), 8, (uint8_t)i, i == 3};
	struct layout_check check;
	struct error *err = signature_check(&signature, debug, &words, 48, false, &check);
	if (!err)
		check_pieces(&signature);
	bool found = false;
	struct blanks_query query = {&signature, &debug, &words, 48, false, store};
	if (!err)
		err = signature_find_blanks(&query, &found);
	if (!err && found)
		check_pieces(&signature);
	error_free(err);
	signature_deinit(&signature);
	free(debug);
}

static void complete_blank(struct gotypes *store, struct gotype *type)
{
	(void)store;
	(void)type;
}

static void read_all(struct debuginfo *info)
{
	static const struct gotypes_ops ops = {.complete = complete_blank};
	struct gotypes store;
	gotypes_init(&store, &ops);
	for (uint64_t i = 0; i < MAX_FUNCS; i++) {
		const struct debug_func *func = NULL;
		error_free(debuginfo_func(info, TEXT + i * 16, &func));
		if (!func)
			continue;
		for (size_t k = 0; k < func->num_params; k++)
			check_type(func->params[k].type, 0);
		check_places(func, &store);
	}
	static const char *const names[] = {"runtime.g", "string", "main.Node", "main.T"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct gotype *type = debuginfo_type(info, "main", names[i]);
		if (type)
			check_type(type, 0);
	}
	gotypes_deinit(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t sizes[2];
	if (size < sizeof(sizes))
		return 0;
	memcpy(sizes, data, sizeof(sizes));
	data += sizeof(sizes);
	size -= sizeof(sizes);
	struct part parts[NUM_PARTS];
	parts[PART_ABBREV] = take(&data, &size, sizes[0]);
	parts[PART_LISTS] = take(&data, &size, sizes[1]);
	parts[PART_INFO] = (struct part){data, size};
	int fd = write_file(parts);
	if (fd < 0)
		return 0;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct image *image = NULL;
	struct debuginfo *info = NULL;
	error_free(image_open(path, "fuzz", &image));
	if (image)
		error_free(debuginfo_open(image, 0x500000, &info));
	if (info)
		read_all(info);
	debuginfo_close(info);
	image_close(image);
	close(fd);
	return 0;
}
