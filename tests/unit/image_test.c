// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "dwarf/image/image.h"
#include "tests/unit/elf_writer.h"

enum { TEXT = 0x401000, DATA = 0x500000 };

static void add_program(struct elf_writer *elf)
{
	elf_load(elf, TEXT, PF_R | PF_X, "\x90\x90\xc3", 3, 0);
	elf_load(elf, DATA, PF_R | PF_W, "0123456789abcdef", 16, 64);
	elf->entry = TEXT;
}

static struct error *open_writer(struct elf_writer *elf, struct image **out)
{
	char path[64];
	assert_true(elf_finish(elf));
	assert_true(elf_save(elf, path));
	struct error *err = image_open(path, "prog", out);
	unlink(path);
	return err;
}

static void reads_segments(void **state)
{
	(void)state;
	struct elf_writer elf;
	elf_init(&elf);
	add_program(&elf);
	struct image *image;
	assert_null(open_writer(&elf, &image));
	assert_string_equal(image_name(image), "prog");
	assert_int_equal(image_file_size(image), elf.file.len);
	assert_false(image_is_pie(image));
	assert_int_equal(image_entry(image), TEXT);
	size_t num;
	const struct image_segment *segments = image_segments(image, &num);
	assert_int_equal(num, 2);
	assert_true(segments[0].is_executable && !segments[0].is_writable);
	assert_int_equal(segments[1].mem_size, 64);
	uint64_t off;
	assert_true(image_offset(image, TEXT + 2, &off));
	assert_int_equal(off, segments[0].off + 2);
	assert_false(image_offset(image, TEXT + 3, &off));
	assert_false(image_offset(image, DATA + 20, &off)); // not in the file
	const uint8_t *text;
	assert_true(image_text(image, TEXT, 3, &text));
	assert_memory_equal(text, "\x90\x90\xc3", 3);
	assert_false(image_text(image, TEXT, 4, &text));
	assert_false(image_text(image, DATA, 1, &text));
	uint8_t bytes[64];
	assert_true(image_read(image, DATA + 8, bytes, 56));
	assert_memory_equal(bytes, "89abcdef\0\0\0", 11);
	assert_false(image_read(image, DATA + 8, bytes, 57));
	assert_false(image_read(image, DATA - 1, bytes, 2));
	assert_false(image_read(image, UINT64_MAX, bytes, 2));
	uint32_t word;
	assert_true(image_read_u32(image, DATA, &word));
	assert_int_equal(word, 0x33323130);
	assert_true(image_is_readonly(image, TEXT, 3));
	assert_false(image_is_readonly(image, TEXT, 4));
	assert_false(image_is_readonly(image, DATA, 1));
	assert_false(image_is_readonly(image, TEXT, UINT64_MAX));
	image_close(image);
	elf_deinit(&elf);
}

static void applies_relocations(void **state)
{
	(void)state;
	struct elf_writer elf;
	elf_init(&elf);
	elf.type = ET_DYN;
	add_program(&elf);
	elf_relative(&elf, DATA + 8, 0x1122334455667788);
	elf_relative(&elf, DATA, TEXT); // not in order
	elf_relative(&elf, DATA + 40, 7);
	elf.relatives[2].r_info = ELF64_R_INFO(0, R_X86_64_64); // another kind is none of ours
	struct image *image;
	assert_null(open_writer(&elf, &image));
	assert_true(image_is_pie(image));
	uint64_t word;
	assert_true(image_read_u64(image, DATA, &word));
	assert_int_equal(word, TEXT);
	uint8_t bytes[4];
	assert_true(image_read(image, DATA + 9, bytes, 4)); // inside a word
	assert_memory_equal(bytes, "\x77\x66\x55\x44", 4);
	assert_true(image_read(image, DATA + 6, bytes, 4)); // over the edge of two
	assert_memory_equal(bytes, "\0\0\x88\x77", 4);
	const uint8_t *raw;
	assert_true(image_borrow(image, DATA, 16, &raw));
	assert_memory_equal(raw, "0123456789abcdef", 16);
	assert_true(image_read_u64(image, DATA + 40, &word));
	assert_int_equal(word, 0);
	image_close(image);
	elf_deinit(&elf);
}

static void refuse(struct elf_writer *elf, const char *why)
{
	struct image *image = NULL;
	struct error *err = open_writer(elf, &image);
	assert_non_null(err);
	assert_null(image);
	if (!strstr(error_message(err), why))
		fail_msg("\"%s\" does not say \"%s\"", error_message(err), why);
	error_free(err);
}

static void refuses_what_is_no_program(void **state)
{
	(void)state;
	static const struct {
		uint64_t off;
		uint8_t value;
		const char *why;
	} changes[] = {
		{0, 0, "prog: not an ELF executable"},
		{EI_CLASS, ELFCLASS32, "32-bit program"},
		{EI_DATA, ELFDATA2MSB, "big-endian"},
		{offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, "a program for arm64"},
		{offsetof(Elf64_Ehdr, e_type), ET_REL, "object file"},
		{offsetof(Elf64_Ehdr, e_type), ET_CORE, "core dump"},
		{offsetof(Elf64_Ehdr, e_phnum), 0, "no program headers"},
		{offsetof(Elf64_Ehdr, e_phentsize), 1, "no program headers"},
		{offsetof(Elf64_Ehdr, e_phoff) + 7, 1, "beyond its end"},
		{sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz) + 2, 1, "cut off"},
		{sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset) + 7, 0xff, "cut off"},
		{sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_memsz), 1, "impossible sizes"},
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct elf_writer elf;
		elf_init(&elf);
		add_program(&elf);
		assert_true(elf_finish(&elf));
		elf.file.data[changes[i].off] = (char)changes[i].value;
		char path[64];
		assert_true(elf_save(&elf, path));
		struct image *image = NULL;
		struct error *err = image_open(path, "prog", &image);
		unlink(path);
		assert_non_null(err);
		if (!strstr(error_message(err), changes[i].why))
			fail_msg("\"%s\" does not say \"%s\"", error_message(err), changes[i].why);
		error_free(err);
		elf_deinit(&elf);
	}
}

static void refuses_what_cannot_be_opened(void **state)
{
	(void)state;
	struct image *image = NULL;
	struct error *err = image_open("/nonexistent/x", "x", &image);
	assert_string_equal(error_message(err), "x: cannot open: No such file or directory");
	assert_int_equal(error_code(err), ENOENT);
	error_free(err);
	err = image_open("/", NULL, &image);
	assert_string_equal(error_message(err), "/: not a file");
	error_free(err);
	char path[] = "/tmp/gotrace-test-XXXXXX";
	assert_non_null(mkdtemp(path));
	char fifo[64];
	snprintf(fifo, sizeof(fifo), "%s/fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	err = image_open(fifo, "fifo", &image);
	assert_string_equal(error_message(err), "fifo: not a file");
	error_free(err);
	unlink(fifo);
	rmdir(path);
	struct elf_writer elf;
	elf_init(&elf);
	refuse(&elf, "no program headers");
	elf_deinit(&elf);
}

// Every beginning of a file is refused or read, never crashed on.
static void survives_every_length(void **state)
{
	(void)state;
	struct elf_writer elf;
	elf_init(&elf);
	add_program(&elf);
	elf_section(&elf, ".debug_info", SHT_PROGBITS, "info", 4);
	elf_symbol(&elf, "main.main", TEXT, 3, STT_FUNC);
	assert_true(elf_finish(&elf));
	size_t len = elf.file.len;
	for (size_t cut = 0; cut < len; cut++) {
		elf.file.len = cut;
		char path[64];
		assert_true(elf_save(&elf, path));
		struct image *image = NULL;
		struct error *err = image_open(path, NULL, &image);
		unlink(path);
		if (!err) {
			const struct image_symbol *symbols;
			struct image_bytes bytes;
			size_t num;
			err = image_symbols(image, &symbols, &num);
			error_free(err);
			err = image_section(image, ".debug_info", &bytes);
			image_build_id(image, &num);
		}
		error_free(err);
		image_close(image);
	}
	elf_deinit(&elf);
}

static void add_packed(struct elf_writer *elf, const char *name, const char *plain, size_t size,
		       uint64_t promise, bool is_old)
{
	uint8_t packed[256];
	uLongf len = sizeof(packed) - 24;
	assert_int_equal(compress(packed + 24, &len, (const Bytef *)plain, size), Z_OK);
	if (is_old) {
		memcpy(packed + 12, "ZLIB", 4);
		for (int i = 0; i < 8; i++)
			packed[16 + i] = (uint8_t)(promise >> (56 - 8 * i));
		elf_section(elf, name, SHT_PROGBITS, packed + 12, len + 12);
		return;
	}
	Elf64_Chdr header = {.ch_type = ELFCOMPRESS_ZLIB, .ch_size = promise};
	memcpy(packed, &header, sizeof(header));
	elf_section(elf, name, SHT_PROGBITS, packed, len + 24)->flags = SHF_COMPRESSED;
}

static void reads_sections(void **state)
{
	(void)state;
	struct elf_writer elf;
	elf_init(&elf);
	add_program(&elf);
	elf_section_over(&elf, ".text", TEXT, 3);
	elf_section(&elf, ".debug_line", SHT_PROGBITS, "line", 4);
	elf_section(&elf, ".bss", SHT_NOBITS, NULL, 0)->size = 1ull << 40;
	add_packed(&elf, ".debug_info", "information", 11, 11, false);
	add_packed(&elf, ".zdebug_abbrev", "abbreviation", 12, 12, true);
	add_packed(&elf, ".debug_str", "short", 5, 1ull << 40, false);
	add_packed(&elf, ".debug_addr", "short", 5, 6, false);
	add_packed(&elf, ".debug_ranges", "short", 5, 5, false);
	elf.sections[elf.num_sections - 1].data.data[0] = 2; // zstd
	struct elf_section *far = elf_section(&elf, ".far", SHT_PROGBITS, NULL, 0);
	far->size = 1ull << 60;
	struct image *image;
	assert_null(open_writer(&elf, &image));
	struct image_bytes bytes;
	assert_null(image_section(image, ".text", &bytes));
	assert_int_equal(bytes.vaddr, TEXT);
	assert_memory_equal(bytes.data, "\x90\x90\xc3", 3);
	assert_null(image_section(image, ".debug_line", &bytes));
	assert_int_equal(bytes.vaddr, 0);
	assert_memory_equal(bytes.data, "line", 4);
	assert_null(image_section(image, ".debug_info", &bytes));
	assert_int_equal(bytes.size, 11);
	assert_memory_equal(bytes.data, "information", 11);
	const uint8_t *first = bytes.data;
	assert_null(image_section(image, ".debug_info", &bytes));
	assert_ptr_equal(bytes.data, first);
	assert_null(image_section(image, ".debug_abbrev", &bytes));
	assert_memory_equal(bytes.data, "abbreviation", 12);
	assert_null(image_section(image, ".none", &bytes));
	assert_null(bytes.data);
	assert_null(image_section(image, ".bss", &bytes));
	assert_null(bytes.data);
	assert_true(image_has_section(image, ".debug_abbrev"));
	assert_false(image_has_section(image, ".bss"));
	assert_false(image_has_section(image, ".none"));
	static const char *const damaged[][2] = {
		{".debug_str", "cannot unpack"},
		{".debug_addr", "does not unpack"},
		{".debug_ranges", "objcopy --decompress-debug-sections"},
		{".far", "beyond the file's end"},
	};
	for (size_t i = 0; i < 4; i++) {
		struct error *err = image_section(image, damaged[i][0], &bytes);
		assert_non_null(err);
		assert_non_null(strstr(error_message(err), damaged[i][0]));
		assert_non_null(strstr(error_message(err), damaged[i][1]));
		error_free(err);
	}
	image_close(image);
	elf_deinit(&elf);
}

static void reads_symbols(void **state)
{
	(void)state;
	struct elf_writer elf;
	elf_init(&elf);
	add_program(&elf);
	elf_tls(&elf, 20, 8);
	elf_symbol(&elf, "main.main", TEXT, 3, STT_FUNC);
	elf_symbol(&elf, "main.x", DATA, 8, STT_OBJECT);
	elf_symbol(&elf, "runtime.tlsg", 8, 8, STT_TLS);
	elf_symbol(&elf, "file.c", 0, 0, STT_FILE);
	elf_symbol(&elf, "", TEXT, 0, STT_FUNC);
	elf_symbol(&elf, "puts", 0, 0, STT_FUNC);
	elf.symbols[5].section = SHN_UNDEF;
	struct image *image;
	assert_null(open_writer(&elf, &image));
	const struct image_symbol *symbols;
	size_t num;
	assert_null(image_symbols(image, &symbols, &num));
	assert_int_equal(num, 2);
	assert_string_equal(symbols[0].name, "main.main");
	assert_int_equal(symbols[0].vaddr, TEXT);
	assert_int_equal(symbols[0].size, 3);
	assert_true(symbols[0].is_function);
	assert_string_equal(symbols[1].name, "main.x");
	assert_false(symbols[1].is_function);
	int64_t start;
	uint64_t off;
	assert_true(image_tls_start(image, &start));
	assert_int_equal(start, -24);
	assert_true(image_tls_symbol(image, "runtime.tlsg", &off));
	assert_int_equal(off, 8);
	assert_false(image_tls_symbol(image, "main.x", &off));
	image_close(image);
	elf_deinit(&elf);
}

static void works_without_sections(void **state)
{
	(void)state;
	struct elf_writer elf;
	elf_init(&elf);
	elf.has_no_sections = true;
	add_program(&elf);
	struct image *image;
	assert_null(open_writer(&elf, &image));
	const struct image_symbol *symbols;
	struct image_bytes bytes;
	size_t num = 1;
	assert_null(image_symbols(image, &symbols, &num));
	assert_int_equal(num, 0);
	assert_null(image_section(image, ".text", &bytes));
	assert_null(bytes.data);
	assert_null(image_build_id(image, &num));
	assert_null(image_go_build_id(image));
	int64_t start;
	assert_false(image_tls_start(image, &start));
	image_close(image);
	elf_deinit(&elf);
}

static int num_warnings;

static void count_warning(enum log_level level, const char *message)
{
	(void)message;
	num_warnings += level == LOG_WARNING;
}

struct folder {
	char root[64], path[128];
};

static void make_folder(struct folder *folder)
{
	strcpy(folder->root, "/tmp/gotrace-test-XXXXXX");
	assert_non_null(mkdtemp(folder->root));
}

// Writes elf to root + name, making the folders above it.
static void put_file(struct folder *folder, const struct elf_writer *elf, const char *name)
{
	snprintf(folder->path, sizeof(folder->path), "%s%s", folder->root, name);
	for (char *slash = folder->path + 5; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		assert_true(mkdir(folder->path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
	int fd = open(folder->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, elf->file.data, elf->file.len), elf->file.len);
	close(fd);
}

static void remove_folder(const struct folder *folder)
{
	char command[96];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder->root);
	assert_int_equal(system(command), 0);
}

static void finds_debug_by_build_id(void **state)
{
	(void)state;
	struct folder folder;
	make_folder(&folder);
	struct elf_writer elf, debug, other;
	elf_init(&elf);
	add_program(&elf);
	elf_note(&elf, ".note.gnu.build-id", "GNU", NT_GNU_BUILD_ID, "\xab\xcd\xef", 3);
	elf_note(&elf, ".note.go.buildid", "Go", 4, "abc/def", 7);
	assert_true(elf_finish(&elf));
	elf_init(&debug);
	elf_load(&debug, TEXT, PF_R | PF_X, NULL, 0, 0x1000);
	elf_note(&debug, ".note.gnu.build-id", "GNU", NT_GNU_BUILD_ID, "\xab\xcd\xef", 3);
	elf_section(&debug, ".debug_info", SHT_PROGBITS, "info", 4);
	assert_true(elf_finish(&debug));
	elf_init(&other);
	add_program(&other);
	assert_true(elf_finish(&other));
	put_file(&folder, &elf, "/bin/prog");
	struct image *image, *found;
	assert_null(image_open(folder.path, NULL, &image));
	size_t len;
	assert_memory_equal(image_build_id(image, &len), "\xab\xcd\xef", 3);
	assert_int_equal(len, 3);
	assert_string_equal(image_go_build_id(image), "abc/def");
	assert_null(image_open_debug(image, folder.root, &found));
	assert_null(found);
	log_to(count_warning, LOG_WARNING);
	num_warnings = 0;
	put_file(&folder, &other, "/usr/lib/debug/.build-id/ab/cdef.debug");
	assert_null(image_open_debug(image, folder.root, &found));
	assert_null(found);
	assert_int_equal(num_warnings, 1);
	log_to(NULL, LOG_WARNING);
	put_file(&folder, &debug, "/usr/lib/debug/.build-id/ab/cdef.debug");
	assert_null(image_open_debug(image, folder.root, &found));
	assert_non_null(found);
	assert_true(image_has_section(found, ".debug_info"));
	image_close(found);
	image_close(image);
	elf_deinit(&elf);
	elf_deinit(&debug);
	elf_deinit(&other);
	remove_folder(&folder);
}

static void finds_debug_by_link(void **state)
{
	(void)state;
	struct folder folder;
	make_folder(&folder);
	struct elf_writer elf, debug;
	elf_init(&debug);
	elf_load(&debug, TEXT, PF_R | PF_X, NULL, 0, 0x1000);
	assert_true(elf_finish(&debug));
	uint8_t link[16] = "prog.debug";
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)debug.file.data, (uInt)debug.file.len);
	memcpy(link + 12, &crc, sizeof(crc));
	elf_init(&elf);
	add_program(&elf);
	elf_section(&elf, ".gnu_debuglink", SHT_PROGBITS, link, sizeof(link));
	assert_true(elf_finish(&elf));
	put_file(&folder, &elf, "/prog");
	struct image *image, *found;
	assert_null(image_open(folder.path, NULL, &image));
	assert_null(image_open_debug(image, "", &found));
	assert_null(found);
	put_file(&folder, &debug, "/.debug/prog.debug");
	assert_null(image_open_debug(image, "", &found));
	assert_non_null(found);
	image_close(found);
	log_to(count_warning, LOG_WARNING);
	num_warnings = 0;
	put_file(&folder, &elf, "/prog.debug"); // passed over for its checksum
	assert_null(image_open_debug(image, "", &found));
	assert_non_null(found);
	assert_int_equal(num_warnings, 1);
	log_to(NULL, LOG_WARNING);
	image_close(found);
	image_close(image);
	elf_deinit(&elf);
	elf_deinit(&debug);
	remove_folder(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_segments),
		cmocka_unit_test(applies_relocations),
		cmocka_unit_test(refuses_what_is_no_program),
		cmocka_unit_test(refuses_what_cannot_be_opened),
		cmocka_unit_test(survives_every_length),
		cmocka_unit_test(reads_sections),
		cmocka_unit_test(reads_symbols),
		cmocka_unit_test(works_without_sections),
		cmocka_unit_test(finds_debug_by_build_id),
		cmocka_unit_test(finds_debug_by_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
