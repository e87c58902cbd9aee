// SPDX-License-Identifier: GPL-2.0-or-later
// Writes ELF executables with what Go's linker puts into them: .gopclntab of each format, moduledata
// of each layout, run-time types, build info. Each part is a segment at an address of its own.
#ifndef GOTRACE_TESTS_GO_WRITER_H
#define GOTRACE_TESTS_GO_WRITER_H

#include "tests/unit/elf_writer.h"

enum { // where the parts stand
	GO_TEXT = 0x401000,
	GO_TABLE = 0x500000,	// .gopclntab
	GO_FUNCDATA = 0x520000, // go:func.*
	GO_TYPES = 0x540000,
	GO_DATA = 0x600000, // moduledata, then build info
	GO_BUILDINFO = 0x600400,
	GO_CODE_ALIGN = 16,
};

struct go_code { // a function; its code is NOPs where bytes is NULL
	const char *name, *file;
	int line;
	uint32_t size;
	uint8_t func_id, flag;
	int frame_bytes; // of its frame, below the return address
	int args_bytes;	 // of the argument area; 0 stands for 24, -1 for none
	const uint8_t *bytes;
	const uint8_t *arg_info;
	size_t arg_info_len;
	// The second half of its code is this function's, inlined (at the first half's line).
	const char *inlined;
	int inlined_line;
};

struct go_writer {
	int format;  // 2, 16, 18 or 20: the first release with it
	int minor;   // the first release with the moduledata's layout
	bool is_pie; // pointers are relocations, and zeros in the file
	bool has_text_start;
	bool has_section;    // .gopclntab and .go.buildinfo
	const char *version; // "go1.24.4"; NULL: no build info
	const char *module_info;
	const struct go_code *code;
	size_t num_code;
	const void *types;
	size_t types_size;
	const uint64_t *itabs; // vaddrs (to 1.26)
	size_t num_itabs;
	uint64_t itabs_off, itabs_bytes; // in the types (1.27 on)

	struct elf_writer elf;
	struct text text, table, funcdata, data;
	uint64_t names, units, files, pcs, functions; // offsets in the table
	struct text names_part, units_part, files_part, pcs_part;
};

void go_init(struct go_writer *go, int format, int minor);
void go_deinit(struct go_writer *go);

/** The address of function i. */
uint64_t go_entry(const struct go_writer *go, size_t i);

/** Adds all parts to go->elf; what a test adds besides stands before or after. elf_finish is the caller's. */
void go_build(struct go_writer *go);

/** go_build, elf_finish, elf_save; the caller unlinks path. */
bool go_save(struct go_writer *go, char path[64]);

#endif
