// SPDX-License-Identifier: GPL-2.0-or-later
// Sections, which are decompressed if necessary, and the contents of some: symbols, relocations.
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dwarf/image/image.h"
#include "dwarf/image/private.h"

enum { COMPRESSED_BY_ZSTD = 2 }; // ELFCOMPRESS_ZSTD, which older versions of elf.h do not define

struct error *image_read_sections(struct image *image)
{
	const Elf64_Ehdr *header = &image->header;
	if (!header->e_shoff || header->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	const uint8_t *bytes = image_file(image, header->e_shoff, sizeof(Elf64_Shdr));
	if (!bytes)
		return NULL;
	Elf64_Shdr zero;
	memcpy(&zero, bytes, sizeof(zero));
	uint64_t num = header->e_shnum ? header->e_shnum : zero.sh_size;
	uint64_t names_at = header->e_shstrndx == SHN_XINDEX ? zero.sh_link : header->e_shstrndx;
	if (!num || num > image->file_size / sizeof(Elf64_Shdr) || names_at >= num)
		return NULL;
	bytes = image_file(image, header->e_shoff, num * sizeof(Elf64_Shdr));
	if (!bytes) {
		log_warning("%s: its section headers are beyond its end", image->name);
		return NULL;
	}
	Elf64_Shdr strings;
	memcpy(&strings, bytes + names_at * sizeof(strings), sizeof(strings));
	const uint8_t *names = image_file(image, strings.sh_offset, strings.sh_size);
	// A name that runs past the last NUL is not terminated, so it is not used.
	const uint8_t *last = names ? memrchr(names, '\0', strings.sh_size) : NULL;
	if (!last)
		return NULL;
	image->sections = calloc(num, sizeof(*image->sections));
	if (!image->sections)
		return error_nomem();
	image->num_sections = num;
	for (size_t i = 0; i < num; i++) {
		struct section *section = &image->sections[i];
		memcpy(&section->header, bytes + i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
		section->name = "";
		if (section->header.sh_name <= (size_t)(last - names))
			section->name = (const char *)names + section->header.sh_name;
	}
	return NULL;
}

static struct section *find_exact(const struct image *image, const char *name)
{
	for (size_t i = 1; i < image->num_sections; i++)
		if (!strcmp(image->sections[i].name, name))
			return &image->sections[i];
	return NULL;
}

struct section *image_find_section(const struct image *image, const char *name)
{
	struct section *section = find_exact(image, name);
	if (section || strncmp(name, ".debug_", 7))
		return section;
	char compressed[64];
	if (snprintf(compressed, sizeof(compressed), ".z%s", name + 1) >= (int)sizeof(compressed))
		return NULL;
	return find_exact(image, compressed);
}

// zlib compresses by a factor of at most 1032, so a section that claims more is damaged.
static bool is_size_sane(uint64_t size, uint64_t packed)
{
	static const uint64_t MAX_SECTION = 4ull << 30;
	return size <= MAX_SECTION && size / 1100 <= packed;
}

static struct error *inflate_section(struct section *section, const uint8_t *packed,
				     uint64_t packed_size, uint64_t size)
{
	if (!is_size_sane(size, packed_size))
		return error_new("%s: damaged: %llu bytes cannot unpack to %llu", section->name,
				 (unsigned long long)packed_size, (unsigned long long)size);
	uint8_t *data = malloc(size + 1);
	if (!data)
		return error_nomem();
	z_stream stream = {.next_in = (Bytef *)packed};
	int status = inflateInit(&stream);
	uint64_t in_left = packed_size, out_left = size;
	stream.next_out = data;
	// One step handles at most 1 GiB, because avail_in and avail_out are 32 bits wide.
	while (status == Z_OK) {
		uInt in = in_left < (1u << 30) ? (uInt)in_left : 1u << 30;
		uInt out = out_left < (1u << 30) ? (uInt)out_left : 1u << 30;
		stream.avail_in = in;
		stream.avail_out = out;
		status = inflate(&stream, Z_NO_FLUSH);
		in_left -= in - stream.avail_in;
		out_left -= out - stream.avail_out;
		if (in == stream.avail_in && out == stream.avail_out && status == Z_OK)
			break;
	}
	inflateEnd(&stream);
	if (out_left || (status != Z_STREAM_END && status != Z_OK && status != Z_BUF_ERROR)) {
		free(data);
		return error_new("%s: damaged: it does not unpack", section->name);
	}
	section->inflated = data;
	section->bytes = (struct image_bytes){data, size, 0};
	return NULL;
}

static uint64_t read_be64(const uint8_t *bytes)
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

struct error *image_load_section(struct image *image, struct section *section)
{
	if (section->bytes.data)
		return NULL;
	const Elf64_Shdr *header = &section->header;
	if (header->sh_type == SHT_NOBITS)
		return NULL;
	const uint8_t *bytes = image_file(image, header->sh_offset, header->sh_size);
	if (!bytes)
		return error_new("%s: %s is beyond the file's end", image->name, section->name);
	uint64_t size = header->sh_size;
	struct error *err = NULL;
	if (header->sh_flags & SHF_COMPRESSED) {
		Elf64_Chdr packed;
		if (size < sizeof(packed))
			return error_new("%s: %s is cut off", image->name, section->name);
		memcpy(&packed, bytes, sizeof(packed));
		if (packed.ch_type == COMPRESSED_BY_ZSTD)
			return error_new(
				"%s: %s is compressed by zstd, which is not supported: run "
				"objcopy --decompress-debug-sections on the file",
				image->name, section->name);
		if (packed.ch_type != ELFCOMPRESS_ZLIB)
			return error_new("%s: %s is compressed in a way that is not supported (%u)",
					 image->name, section->name, packed.ch_type);
		err = inflate_section(section, bytes + sizeof(packed), size - sizeof(packed),
				      packed.ch_size);
	} else if (!strncmp(section->name, ".zdebug_", 8) && size >= 12 &&
		   !memcmp(bytes, "ZLIB", 4)) {
		err = inflate_section(section, bytes + 12, size - 12, read_be64(bytes + 4));
	} else {
		bool is_loaded = header->sh_flags & SHF_ALLOC;
		section->bytes = (struct image_bytes){bytes, size, is_loaded ? header->sh_addr : 0};
	}
	return err ? error_wrap(err, "%s", image->name) : NULL;
}

struct error *image_section(struct image *image, const char *name, struct image_bytes *out)
{
	struct section *section = image_find_section(image, name);
	if (section) {
		struct error *err = image_load_section(image, section);
		if (err)
			return err;
	}
	*out = section ? section->bytes : (struct image_bytes){NULL, 0, 0};
	return NULL;
}

bool image_has_section(const struct image *image, const char *name)
{
	const struct section *section = image_find_section(image, name);
	return section && section->header.sh_type != SHT_NOBITS && section->header.sh_size;
}

bool image_section_place(const struct image *image, const char *name, uint64_t *vaddr,
			 uint64_t *size)
{
	if (!image_has_section(image, name))
		return false;
	const struct section *section = image_find_section(image, name);
	*vaddr = section->header.sh_addr;
	*size = section->header.sh_size;
	return true;
}

struct symtab {
	const uint8_t *rows;
	size_t num;
	const char *names;
	size_t names_size; // up to and including the last NUL
};

static struct error *find_symtab(struct image *image, struct symtab *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 1; i < image->num_sections; i++) {
		struct section *section = &image->sections[i];
		if (section->header.sh_type != SHT_SYMTAB)
			continue;
		if (section->header.sh_link >= image->num_sections)
			return error_new("%s: .symtab has no names", image->name);
		struct section *strings = &image->sections[section->header.sh_link];
		struct error *err = image_load_section(image, section);
		if (!err)
			err = image_load_section(image, strings);
		if (err)
			return err;
		const uint8_t *last = strings->bytes.size ? memrchr(strings->bytes.data, '\0',
								    strings->bytes.size)
							  : NULL;
		if (!last || !section->bytes.data)
			return NULL;
		out->rows = section->bytes.data;
		out->num = section->bytes.size / sizeof(Elf64_Sym);
		out->names = (const char *)strings->bytes.data;
		out->names_size = (size_t)(last - strings->bytes.data) + 1;
		return NULL;
	}
	return NULL;
}

// Reads row i and checks its name; false for a row that is not a defined symbol with a name.
static bool read_symbol(const struct symtab *table, size_t i, Elf64_Sym *symbol, const char **name)
{
	memcpy(symbol, table->rows + i * sizeof(*symbol), sizeof(*symbol));
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_name >= table->names_size)
		return false;
	*name = table->names + symbol->st_name;
	return **name;
}

struct error *image_symbols(struct image *image, const struct image_symbol **out, size_t *num)
{
	if (!image->has_symbols) {
		struct symtab table;
		struct error *err = find_symtab(image, &table);
		if (err)
			return err;
		image->symbols = calloc(table.num + 1, sizeof(*image->symbols));
		if (!image->symbols)
			return error_nomem();
		for (size_t i = 0; i < table.num; i++) {
			Elf64_Sym row;
			const char *name;
			if (!read_symbol(&table, i, &row, &name))
				continue;
			unsigned type = ELF64_ST_TYPE(row.st_info);
			if (type == STT_SECTION || type == STT_FILE || type == STT_TLS)
				continue;
			image->symbols[image->num_symbols++] = (struct image_symbol){
				.name = image_printable(image, name),
				.vaddr = row.st_value,
				.size = row.st_size,
				.is_function = type == STT_FUNC || type == STT_GNU_IFUNC,
			};
		}
		image->has_symbols = true;
	}
	*out = image->symbols;
	*num = image->num_symbols;
	return NULL;
}

bool image_tls_symbol(struct image *image, const char *name, uint64_t *out)
{
	struct symtab table;
	struct error *err = find_symtab(image, &table);
	if (err) {
		error_free(err);
		return false;
	}
	for (size_t i = 0; i < table.num; i++) {
		Elf64_Sym row;
		const char *found;
		if (read_symbol(&table, i, &row, &found) && ELF64_ST_TYPE(row.st_info) == STT_TLS &&
		    !strcmp(found, name)) {
			*out = row.st_value;
			return true;
		}
	}
	return false;
}

static int compare_relatives(const void *a, const void *b)
{
	const struct relative *left = a, *right = b;
	return left->vaddr < right->vaddr ? -1 : left->vaddr > right->vaddr;
}

// Finds the table of DT_RELA through the dynamic segment, which exists without section headers too.
// DT_RELR is not read: its words already hold their values as vaddrs.
static bool find_rela(struct image *image, const uint8_t **rows, size_t *num)
{
	for (size_t i = 0; i < image->num_programs; i++) {
		const Elf64_Phdr *program = &image->programs[i];
		if (program->p_type != PT_DYNAMIC)
			continue;
		const uint8_t *dynamic = image_file(image, program->p_offset, program->p_filesz);
		uint64_t vaddr = 0, size = 0, row_size = sizeof(Elf64_Rela);
		size_t num_dynamic = dynamic ? program->p_filesz / sizeof(Elf64_Dyn) : 0;
		for (size_t at = 0; at < num_dynamic; at++) {
			Elf64_Dyn entry;
			memcpy(&entry, dynamic + at * sizeof(entry), sizeof(entry));
			if (entry.d_tag == DT_NULL)
				break;
			if (entry.d_tag == DT_RELA)
				vaddr = entry.d_un.d_ptr;
			else if (entry.d_tag == DT_RELASZ)
				size = entry.d_un.d_val;
			else if (entry.d_tag == DT_RELAENT)
				row_size = entry.d_un.d_val;
		}
		*num = size / sizeof(Elf64_Rela);
		return size && row_size == sizeof(Elf64_Rela) &&
		       image_borrow(image, vaddr, size, rows);
	}
	return false;
}

void image_read_relatives(struct image *image)
{
	image->has_relatives = true;
	const uint8_t *rows;
	size_t num;
	if (!find_rela(image, &rows, &num))
		return;
	size_t used = 0;
	for (size_t i = 0; i < num; i++) {
		Elf64_Rela row;
		memcpy(&row, rows + i * sizeof(row), sizeof(row));
		used += ELF64_R_TYPE(row.r_info) == R_X86_64_RELATIVE;
	}
	image->relatives = used ? malloc(used * sizeof(*image->relatives)) : NULL;
	if (!image->relatives)
		return;
	bool is_sorted = true;
	for (size_t i = 0; i < num; i++) {
		Elf64_Rela row;
		memcpy(&row, rows + i * sizeof(row), sizeof(row));
		if (ELF64_R_TYPE(row.r_info) != R_X86_64_RELATIVE)
			continue;
		struct relative *relative = &image->relatives[image->num_relatives++];
		*relative = (struct relative){row.r_offset, (uint64_t)row.r_addend};
		if (image->num_relatives > 1 && relative[-1].vaddr > relative->vaddr)
			is_sorted = false;
	}
	if (!is_sorted)
		qsort(image->relatives, image->num_relatives, sizeof(*image->relatives),
		      compare_relatives);
}
