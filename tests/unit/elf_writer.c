// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/elf_writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096 };

void elf_init(struct elf_writer *elf)
{
	memset(elf, 0, sizeof(*elf));
	elf->type = ET_EXEC;
	elf->machine = EM_X86_64;
	elf->num_sections = 1; // row 0 is no section
	elf->sections[0].name = "";
	elf->sections[0].segment = -1;
}

void elf_deinit(struct elf_writer *elf)
{
	for (size_t i = 0; i < elf->num_segments; i++)
		text_deinit(&elf->segments[i].data);
	for (size_t i = 0; i < elf->num_sections; i++)
		text_deinit(&elf->sections[i].data);
	text_deinit(&elf->file);
}

struct elf_segment *elf_load(struct elf_writer *elf, uint64_t vaddr, uint32_t flags,
			     const void *data, size_t size, uint64_t mem_size)
{
	if (elf->num_segments == ELF_MAX)
		abort();
	struct elf_segment *segment = &elf->segments[elf->num_segments++];
	segment->type = PT_LOAD;
	segment->flags = flags;
	segment->vaddr = vaddr;
	segment->mem_size = mem_size ? mem_size : size;
	segment->align = PAGE;
	if (size)
		text_append(&segment->data, data, size);
	return segment;
}

void elf_tls(struct elf_writer *elf, uint64_t mem_size, uint64_t align)
{
	struct elf_segment *segment = elf_load(elf, 0, PF_R, NULL, 0, mem_size);
	segment->type = PT_TLS;
	segment->align = align;
}

struct elf_section *elf_section(struct elf_writer *elf, const char *name, uint32_t type,
				const void *data, size_t size)
{
	if (elf->num_sections == ELF_MAX)
		abort();
	struct elf_section *section = &elf->sections[elf->num_sections++];
	section->name = name;
	section->type = type;
	section->segment = -1;
	section->size = size;
	if (size)
		text_append(&section->data, data, size);
	return section;
}

void elf_section_over(struct elf_writer *elf, const char *name, uint64_t vaddr, uint64_t size)
{
	for (size_t i = 0; i < elf->num_segments; i++) {
		struct elf_segment *segment = &elf->segments[i];
		if (segment->type != PT_LOAD || vaddr < segment->vaddr ||
		    vaddr - segment->vaddr + size > segment->data.len)
			continue;
		struct elf_section *section = elf_section(elf, name, SHT_PROGBITS, NULL, 0);
		section->flags = SHF_ALLOC;
		section->vaddr = vaddr;
		section->size = size;
		section->segment = (int)i;
		return;
	}
	abort();
}

void elf_symbol(struct elf_writer *elf, const char *name, uint64_t vaddr, uint64_t size,
		uint8_t type)
{
	if (elf->num_symbols == ELF_MAX)
		abort();
	elf->symbols[elf->num_symbols++] = (struct elf_symbol){name, vaddr, size, type, 1};
}

void elf_relative(struct elf_writer *elf, uint64_t vaddr, uint64_t value)
{
	if (elf->num_relatives == ELF_MAX_RELATIVES)
		abort();
	elf->relatives[elf->num_relatives++] =
		(Elf64_Rela){vaddr, ELF64_R_INFO(0, R_X86_64_RELATIVE), (Elf64_Sxword)value};
}

void elf_note(struct elf_writer *elf, const char *section, const char *name, uint32_t type,
	      const void *desc, uint32_t size)
{
	static const char zeros[4];
	uint32_t name_size = (uint32_t)strlen(name) + 1;
	// Go's note has a name of four bytes, "Go" with two NULs.
	if (name_size < 4)
		name_size = 4;
	Elf64_Nhdr note = {name_size, size, type};
	struct elf_section *row = elf_section(elf, section, SHT_NOTE, &note, sizeof(note));
	text_append(&row->data, name, strlen(name));
	text_append(&row->data, zeros, name_size - strlen(name));
	text_append(&row->data, desc, size);
	text_append(&row->data, zeros, -size & 3);
	row->size = row->data.len;
}

static void put_symbols(struct elf_writer *elf)
{
	if (!elf->num_symbols)
		return;
	struct elf_section *names = elf_section(elf, ".strtab", SHT_STRTAB, "", 1);
	size_t names_row = elf->num_sections - 1;
	Elf64_Sym none;
	memset(&none, 0, sizeof(none));
	struct elf_section *table = elf_section(elf, ".symtab", SHT_SYMTAB, &none, sizeof(none));
	for (size_t i = 0; i < elf->num_symbols; i++) {
		const struct elf_symbol *symbol = &elf->symbols[i];
		Elf64_Sym row = {
			.st_name = (Elf64_Word)names->data.len,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, symbol->type),
			.st_shndx = symbol->section,
			.st_value = symbol->vaddr,
			.st_size = symbol->size,
		};
		text_append(&names->data, symbol->name, strlen(symbol->name) + 1);
		text_append(&table->data, &row, sizeof(row));
	}
	names->size = names->data.len;
	table->size = table->data.len;
	table->link = (uint32_t)names_row;
}

// A segment of its own for relocations and the dynamic table that names them.
static void put_relatives(struct elf_writer *elf)
{
	enum { VADDR = 0x10000000 };
	if (!elf->num_relatives)
		return;
	size_t size = elf->num_relatives * sizeof(Elf64_Rela);
	Elf64_Dyn dynamic[] = {
		{DT_RELA, {VADDR}},
		{DT_RELASZ, {size}},
		{DT_RELAENT, {sizeof(Elf64_Rela)}},
		{DT_NULL, {0}},
	};
	elf_load(elf, VADDR, PF_R, elf->relatives, size, 0);
	struct elf_segment *segment =
		elf_load(elf, VADDR + PAGE, PF_R, dynamic, sizeof(dynamic), 0);
	segment->type = PT_DYNAMIC;
}

static void put_zeros(struct text *file, uint64_t until)
{
	while (file->len < until && !file->failed)
		text_putc(file, '\0');
}

static void put_programs(struct elf_writer *elf)
{
	struct text *file = &elf->file;
	for (size_t i = 0; i < elf->num_segments; i++) {
		struct elf_segment *segment = &elf->segments[i];
		Elf64_Phdr row = {
			.p_type = segment->type,
			.p_flags = segment->flags,
			.p_offset = segment->off,
			.p_vaddr = segment->vaddr,
			.p_filesz = segment->data.len,
			.p_memsz = segment->mem_size,
			.p_align = segment->align,
		};
		memcpy(file->data + sizeof(Elf64_Ehdr) + i * sizeof(row), &row, sizeof(row));
	}
}

static uint64_t put_sections(struct elf_writer *elf)
{
	struct text *file = &elf->file;
	struct elf_section *names = elf_section(elf, ".shstrtab", SHT_STRTAB, "", 1);
	Elf64_Word name_offs[ELF_MAX];
	for (size_t i = 0; i < elf->num_sections; i++) {
		name_offs[i] = (Elf64_Word)names->data.len;
		text_append(&names->data, elf->sections[i].name, strlen(elf->sections[i].name) + 1);
	}
	names->size = names->data.len;
	for (size_t i = 1; i < elf->num_sections; i++) {
		struct elf_section *section = &elf->sections[i];
		if (section->segment >= 0) {
			const struct elf_segment *segment = &elf->segments[section->segment];
			section->off = segment->off + (section->vaddr - segment->vaddr);
			continue;
		}
		put_zeros(file, (file->len + 7) & ~7ull);
		section->off = file->len;
		text_append(file, section->data.data, section->data.len);
	}
	put_zeros(file, (file->len + 7) & ~7ull);
	uint64_t off = file->len;
	for (size_t i = 0; i < elf->num_sections; i++) {
		const struct elf_section *section = &elf->sections[i];
		Elf64_Shdr row = {
			.sh_name = name_offs[i],
			.sh_type = section->type,
			.sh_flags = section->flags,
			.sh_addr = section->vaddr,
			.sh_offset = section->off,
			.sh_size = section->size,
			.sh_link = section->link,
			.sh_addralign = 4,
		};
		text_append(file, &row, sizeof(row));
	}
	return off;
}

bool elf_finish(struct elf_writer *elf)
{
	struct text *file = &elf->file;
	text_reset(file);
	put_relatives(elf);
	put_symbols(elf);
	put_zeros(file, sizeof(Elf64_Ehdr) + elf->num_segments * sizeof(Elf64_Phdr));
	for (size_t i = 0; i < elf->num_segments; i++) {
		struct elf_segment *segment = &elf->segments[i];
		put_zeros(file, (file->len + 15) & ~15ull);
		segment->off = file->len;
		text_append(file, segment->data.data, segment->data.len);
		if (segment->mem_size < segment->data.len)
			segment->mem_size = segment->data.len;
	}
	uint64_t sections_off = elf->has_no_sections ? 0 : put_sections(elf);
	if (file->failed)
		return false;
	put_programs(elf);
	Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = elf->type,
		.e_machine = elf->machine,
		.e_version = EV_CURRENT,
		.e_entry = elf->entry,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_shoff = sections_off,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)elf->num_segments,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (Elf64_Half)(sections_off ? elf->num_sections : 0),
		.e_shstrndx = (Elf64_Half)(sections_off ? elf->num_sections - 1 : 0),
	};
	memcpy(file->data, &header, sizeof(header));
	return true;
}

bool elf_save(const struct elf_writer *elf, char path[64])
{
	strcpy(path, "/tmp/gotrace-test-XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0)
		return false;
	bool is_written = write(fd, elf->file.data, elf->file.len) == (ssize_t)elf->file.len;
	close(fd);
	return is_written;
}
