// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/go_writer.h"

#include <stdlib.h>
#include <string.h>

enum { NUM_PCDATA = 3, NUM_FUNCDATA = 6, INL_TREE_INDEX = 2, ARG_INFO = 5 };

void go_init(struct go_writer *go, int format, int minor)
{
	memset(go, 0, sizeof(*go));
	elf_init(&go->elf);
	go->format = format;
	go->minor = minor;
	go->has_text_start = minor < 26;
	go->has_section = true;
}

void go_deinit(struct go_writer *go)
{
	struct text *const texts[] = {&go->text,       &go->table,	&go->funcdata,
				      &go->data,       &go->names_part, &go->units_part,
				      &go->files_part, &go->pcs_part};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		text_deinit(texts[i]);
	elf_deinit(&go->elf);
}

uint64_t go_entry(const struct go_writer *go, size_t i)
{
	uint64_t vaddr = GO_TEXT;
	for (size_t at = 0; at < i; at++)
		vaddr += (go->code[at].size + GO_CODE_ALIGN - 1) / GO_CODE_ALIGN * GO_CODE_ALIGN;
	return vaddr;
}

static void put_u32(struct text *out, uint32_t value)
{
	text_append(out, &value, sizeof(value));
}

static void put_u64(struct text *out, uint64_t value)
{
	text_append(out, &value, sizeof(value));
}

static void put_zeros(struct text *out, size_t num)
{
	while (num--)
		text_putc(out, '\0');
}

// An address, in a part that is loaded at base.
static void put_pointer(struct go_writer *go, struct text *out, uint64_t base, uint64_t value)
{
	if (go->is_pie && value)
		elf_relative(&go->elf, base + out->len, value);
	put_u64(out, go->is_pie ? 0 : value);
}

static void put_varint(struct text *out, uint32_t value)
{
	for (; value >= 0x80; value >>= 7)
		text_putc(out, (char)(value | 0x80));
	text_putc(out, (char)value);
}

static uint32_t zigzag(int32_t value)
{
	return (uint32_t)value << 1 ^ (uint32_t)(value >> 31);
}

// A pc table with one value, or one for each half of the code; returns its offset.
static uint32_t put_pcs(struct go_writer *go, const struct go_code *code, int32_t first,
			int32_t second)
{
	uint32_t off = (uint32_t)go->pcs_part.len;
	uint32_t half = first == second ? code->size : code->size / 2;
	put_varint(&go->pcs_part, zigzag(first + 1));
	put_varint(&go->pcs_part, half);
	if (half < code->size) {
		put_varint(&go->pcs_part, zigzag(second - first));
		put_varint(&go->pcs_part, code->size - half);
	}
	text_putc(&go->pcs_part, '\0');
	return off;
}

static uint32_t put_string(struct text *out, const char *string)
{
	uint32_t off = (uint32_t)out->len;
	text_append(out, string, strlen(string) + 1);
	return off;
}

// The offset of an inline tree of one row in the funcdata.
static uint32_t put_inline_tree(struct go_writer *go, const struct go_code *code, bool is_short)
{
	put_zeros(&go->funcdata, -go->funcdata.len & 7);
	uint32_t off = (uint32_t)go->funcdata.len;
	uint32_t name = put_string(&go->names_part, code->inlined);
	if (go->format == 2)
		name += (uint32_t)go->names;
	put_u32(&go->funcdata, 0); // funcID and padding, or parent, funcID and padding
	if (!is_short) {
		put_u32(&go->funcdata, 0);
		put_u32(&go->funcdata, 0);
	}
	put_u32(&go->funcdata, name);
	put_u32(&go->funcdata, 1); // the caller's pc, from the entry
	if (is_short)
		put_u32(&go->funcdata, 0);
	return off;
}

static void put_funcdata(struct go_writer *go, const struct go_code *code)
{
	bool has_pointers = go->format < 18;
	unsigned tree_index = go->format == 2 ? 4 : 3;
	if (has_pointers)
		put_zeros(&go->table, -go->table.len & 7);
	for (unsigned i = 0; i < NUM_FUNCDATA; i++) {
		int64_t off = -1;
		if (i == tree_index && code->inlined)
			off = put_inline_tree(go, code, go->format == 20);
		if (i == ARG_INFO && code->arg_info && go->format != 2) {
			off = (int64_t)go->funcdata.len;
			text_append(&go->funcdata, code->arg_info, code->arg_info_len);
		}
		if (has_pointers)
			put_pointer(go, &go->table, GO_TABLE,
				    off < 0 ? 0 : GO_FUNCDATA + (uint64_t)off);
		else
			put_u32(&go->table, (uint32_t)off);
	}
}

// The offset that names and pc tables count from: to 1.15 the table's beginning.
static uint32_t from_start(const struct go_writer *go, uint64_t part, uint32_t off)
{
	return off + (go->format == 2 ? (uint32_t)part : 0);
}

static void put_func(struct go_writer *go, size_t i)
{
	const struct go_code *code = &go->code[i];
	struct text *out = &go->table;
	uint32_t name = put_string(&go->names_part, code->name);
	bool has_half = code->inlined;
	uint32_t file = (uint32_t)i + (go->format == 2 ? 1 : 0);
	put_u32(&go->units_part, (uint32_t)go->files_part.len);
	put_string(&go->files_part, code->file);
	if (go->format >= 18)
		put_u32(out, (uint32_t)(go_entry(go, i) - GO_TEXT));
	else
		put_pointer(go, out, GO_TABLE, go_entry(go, i));
	put_u32(out, from_start(go, go->names, name));
	int args_bytes = code->args_bytes ? code->args_bytes : 24;
	put_u32(out, args_bytes < 0 ? 0 : (uint32_t)args_bytes);
	put_u32(out, 0x10); // deferreturn
	put_u32(out,
		from_start(go, go->pcs, put_pcs(go, code, code->frame_bytes, code->frame_bytes)));
	put_u32(out, from_start(go, go->pcs, put_pcs(go, code, (int32_t)file, (int32_t)file)));
	put_u32(out, from_start(go, go->pcs,
				put_pcs(go, code, code->line,
					has_half ? code->inlined_line : code->line)));
	put_u32(out, NUM_PCDATA);
	if (go->format != 2)
		put_u32(out, 0); // cuOffset
	if (go->format == 20)
		put_u32(out, (uint32_t)code->line); // startLine
	text_putc(out, (char)code->func_id);
	text_putc(out, (char)code->flag);
	text_putc(out, '\0');
	text_putc(out, NUM_FUNCDATA);
	for (int index = 0; index < NUM_PCDATA; index++) {
		bool is_inline = index == INL_TREE_INDEX && has_half;
		put_u32(out, is_inline ? from_start(go, go->pcs, put_pcs(go, code, -1, 0)) : 0);
	}
	put_funcdata(go, code);
}

// Bytes of one _func with its pcdata and funcdata, 8-aligned: what put_func writes.
static uint64_t func_bytes(const struct go_writer *go)
{
	switch (go->format) {
	case 2:
		return (40 + 4 * NUM_PCDATA + 4) + 8 * NUM_FUNCDATA;
	case 16:
		return 44 + 4 * NUM_PCDATA + 8 * NUM_FUNCDATA;
	case 18:
		return 40 + 4 * NUM_PCDATA + 4 * NUM_FUNCDATA + 4;
	default:
		return 44 + 4 * NUM_PCDATA + 4 * NUM_FUNCDATA;
	}
}

static uint64_t functab_bytes(const struct go_writer *go)
{
	uint64_t word = go->format >= 18 ? 4 : 8;
	uint64_t bytes = go->num_code * 2 * word + word + (go->format == 2 ? 4 : 0);
	return (bytes + 7) & ~7ull;
}

static void put_functab(struct go_writer *go)
{
	struct text *out = &go->table;
	uint64_t start = out->len;
	for (size_t i = 0; i <= go->num_code; i++) {
		uint64_t func = functab_bytes(go) + i * func_bytes(go);
		if (go->format == 2)
			func += go->functions;
		if (go->format >= 18)
			put_u32(out, (uint32_t)(go_entry(go, i) - GO_TEXT));
		else
			put_pointer(go, out, GO_TABLE, go_entry(go, i));
		if (i == go->num_code)
			break;
		if (go->format >= 18)
			put_u32(out, (uint32_t)func);
		else
			put_u64(out, func);
	}
	if (go->format == 2)
		put_u32(out, (uint32_t)go->files);
	put_zeros(out, functab_bytes(go) - (out->len - start));
}

// The parts' places. Names and pc tables of the old format, which come behind the functions, are put
// at round offsets, so that they are known before they are written.
static void place_parts(struct go_writer *go)
{
	enum { PART = 0x1000 };
	uint64_t header = go->format == 2 ? 16 : go->format == 16 ? 64 : 72;
	go->functions = go->format == 2 ? header : 4 * PART;
	go->names = go->format == 2 ? 2 * PART : header;
	go->units = 1 * PART;
	go->files = go->format == 2 ? 4 * PART : 2 * PART;
	go->pcs = 3 * PART;
}

static void fill_until(struct text *out, uint64_t off)
{
	if (out->len > off)
		abort();
	put_zeros(out, off - out->len);
}

static void put_header(struct go_writer *go)
{
	static const struct {
		int format;
		uint32_t magic;
	} magics[] = {{2, 0xfffffffb}, {16, 0xfffffffa}, {18, 0xfffffff0}, {20, 0xfffffff1}};
	for (size_t i = 0; i < 4; i++)
		if (magics[i].format == go->format)
			put_u32(&go->table, magics[i].magic);
	text_append(&go->table, "\0\0\1\10", 4);
	put_u64(&go->table, go->num_code);
	if (go->format == 2)
		return;
	put_u64(&go->table, go->num_code); // files
	if (go->format >= 18)
		put_pointer(go, &go->table, GO_TABLE, go->has_text_start ? GO_TEXT : 0);
	put_u64(&go->table, go->names);
	put_u64(&go->table, go->units);
	put_u64(&go->table, go->files);
	put_u64(&go->table, go->pcs);
	put_u64(&go->table, go->functions);
}

static void build_table(struct go_writer *go)
{
	place_parts(go);
	put_string(&go->names_part, "");
	text_putc(&go->pcs_part, '\0');
	put_header(go);
	struct text header = go->table; // functions first: they say what the other parts hold
	text_init(&go->table);
	put_zeros(&go->table, go->functions);
	put_functab(go);
	for (size_t i = 0; i < go->num_code; i++) {
		fill_until(&go->table, go->functions + functab_bytes(go) + i * func_bytes(go));
		put_func(go, i);
	}
	struct text *out = &go->table;
	if (go->format == 2) {
		fill_until(out, go->names);
		text_append(out, go->names_part.data, go->names_part.len);
		fill_until(out, go->pcs);
		text_append(out, go->pcs_part.data, go->pcs_part.len);
		fill_until(out, go->files);
		uint32_t strings = (uint32_t)go->files + 4 * ((uint32_t)go->num_code + 1);
		put_u32(out, (uint32_t)go->num_code + 1);
		for (size_t i = 0; i < go->num_code; i++)
			put_u32(out, strings + ((const uint32_t *)go->units_part.data)[i]);
		text_append(out, go->files_part.data, go->files_part.len);
	} else {
		memcpy(out->data + go->names, go->names_part.data, go->names_part.len);
		memcpy(out->data + go->units, go->units_part.data, go->units_part.len);
		memcpy(out->data + go->files, go->files_part.data, go->files_part.len);
		memcpy(out->data + go->pcs, go->pcs_part.data, go->pcs_part.len);
	}
	memcpy(out->data, header.data, header.len);
	text_deinit(&header);
}

static void put_slice(struct go_writer *go, uint64_t vaddr, uint64_t len)
{
	put_pointer(go, &go->data, GO_DATA, vaddr);
	put_u64(&go->data, len);
	put_u64(&go->data, len);
}

static void build_module(struct go_writer *go)
{
	struct text *out = &go->data;
	uint64_t end = go_entry(go, go->num_code), etypes = GO_TYPES + go->types_size;
	if (go->format != 2) {
		put_pointer(go, out, GO_DATA, GO_TABLE);
		put_slice(go, GO_TABLE + go->names, go->names_part.len);
		put_slice(go, GO_TABLE + go->units, go->num_code);
		put_slice(go, GO_TABLE + go->files, go->files_part.len);
		put_slice(go, GO_TABLE + go->pcs, go->pcs_part.len);
		put_slice(go, GO_TABLE + go->functions, go->table.len - go->functions);
	} else {
		put_slice(go, GO_TABLE, go->table.len);
	}
	put_slice(go, GO_TABLE + go->functions, go->num_code + 1);
	put_u64(out, 0);     // findfunctab, then the same of all: minpc, maxpc, text, etext
	if (go->format == 2) // filetab stands before it
		put_slice(go, GO_TABLE + go->files, 1);
	put_pointer(go, out, GO_DATA, GO_TEXT);
	put_pointer(go, out, GO_DATA, end);
	put_pointer(go, out, GO_DATA, GO_TEXT);
	put_pointer(go, out, GO_DATA, end);
	put_zeros(out, (go->minor >= 20 ? 13 : 11) * 8); // data, bss and so on
	put_pointer(go, out, GO_DATA, GO_TYPES);
	if (go->minor >= 27)
		put_u64(out, go->types_size);
	put_pointer(go, out, GO_DATA, etypes);
	if (go->minor >= 27) {
		put_u64(out, go->itabs_off);
		put_u64(out, go->itabs_bytes);
	}
	if (go->minor >= 18) {
		put_pointer(go, out, GO_DATA, GO_TYPES); // rodata
		put_pointer(go, out, GO_DATA, GO_FUNCDATA);
	}
	if (go->minor >= 26)
		put_pointer(go, out, GO_DATA, GO_TABLE + go->table.len);
	put_slice(go, 0, 0); // textsectmap
	if (go->minor < 27) {
		put_slice(go, 0, 0); // typelinks
		put_slice(go, GO_DATA + 0x300, go->num_itabs);
		fill_until(out, 0x300);
		for (size_t i = 0; i < go->num_itabs; i++)
			put_pointer(go, out, GO_DATA, go->itabs[i]);
	}
	fill_until(out, GO_BUILDINFO - GO_DATA);
}

static void build_info(struct go_writer *go)
{
	static const char guard[] = "0123456789abcde";
	struct text *out = &go->data;
	const char *module_info = go->module_info ? go->module_info : "";
	size_t len = strlen(module_info) + (go->module_info ? 32 : 0);
	bool is_inline = go->minor >= 18;
	text_puts(out, "\xff Go buildinf:");
	text_putc(out, 8);
	text_putc(out, is_inline ? 2 : 0);
	if (is_inline) {
		put_zeros(out, 16);
		put_varint(out, (uint32_t)strlen(go->version));
		text_puts(out, go->version);
		put_varint(out, (uint32_t)len);
	} else { // two strings' headers, and their bytes behind
		uint64_t at = GO_BUILDINFO + 32;
		put_pointer(go, out, GO_DATA, at);
		put_pointer(go, out, GO_DATA, at + 16);
		put_pointer(go, out, GO_DATA, at + 32);
		put_u64(out, strlen(go->version));
		put_pointer(go, out, GO_DATA, at + 32 + strlen(go->version));
		put_u64(out, len);
		text_puts(out, go->version);
	}
	if (go->module_info) {
		text_append(out, guard, 16);
		text_puts(out, module_info);
		text_append(out, guard, 16);
	}
	put_zeros(out, 16);
}

static void build_text(struct go_writer *go)
{
	for (size_t i = 0; i < go->num_code; i++) {
		const struct go_code *code = &go->code[i];
		if (code->bytes)
			text_append(&go->text, code->bytes, code->size);
		while (go->text.len < go_entry(go, i + 1) - GO_TEXT)
			text_putc(&go->text, '\x90');
	}
}

void go_build(struct go_writer *go)
{
	build_text(go);
	build_table(go);
	build_module(go);
	if (go->version)
		build_info(go);
	struct elf_writer *elf = &go->elf;
	elf->type = go->is_pie ? ET_DYN : ET_EXEC;
	uint32_t table_flags = go->is_pie ? PF_R | PF_W : PF_R;
	elf_load(elf, GO_TEXT, PF_R | PF_X, go->text.data, go->text.len, 0);
	elf_load(elf, GO_TABLE, table_flags, go->table.data, go->table.len, 0);
	elf_load(elf, GO_FUNCDATA, PF_R, go->funcdata.data, go->funcdata.len, 0x1000);
	elf_load(elf, GO_TYPES, table_flags, go->types, go->types_size, 0x1000);
	elf_load(elf, GO_DATA, PF_R | PF_W, go->data.data, go->data.len, 0x1000);
	if (!go->has_section)
		return;
	elf_section_over(elf, ".gopclntab", GO_TABLE, go->table.len);
	if (go->version)
		elf_section_over(elf, ".go.buildinfo", GO_BUILDINFO,
				 go->data.len - (GO_BUILDINFO - GO_DATA));
}

bool go_save(struct go_writer *go, char path[64])
{
	go_build(go);
	return elf_finish(&go->elf) && elf_save(&go->elf, path);
}
