// SPDX-License-Identifier: GPL-2.0-or-later
// An ELF executable as the rest of dwarf/ reads it: sections (decompressed), segments, the file
// offset of an address, bytes at an address with relocations applied, symbols, build id, separate
// debug file.
//
// The file is hostile input. Every offset and size in it is checked here, so all bytes that these
// functions return lie inside the file. The file is read with pread on demand and never mapped,
// because a file that is truncated while gotrace reads it must not kill gotrace. Each part of the
// file is read once and kept until image_close. An image owns all that it returns.
#ifndef GOTRACE_DWARF_IMAGE_IMAGE_H
#define GOTRACE_DWARF_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "base/error.h"

struct image;

/** A run of bytes that stays valid until image_close. */
struct image_bytes {
	const uint8_t *data;
	size_t size;
	uint64_t vaddr; // 0 for a section that is not loaded
};

struct image_segment { // a PT_LOAD
	uint64_t vaddr, file_size, mem_size, off;
	bool is_writable, is_executable;
};

struct image_symbol {
	const char *name;
	uint64_t vaddr, size;
	bool is_function;
};

/** Opens the file at path (which may be /proc/PID/exe). name is the file's name in errors and in
 *  image_name; NULL means path. A file that is not a 64-bit little-endian ELF executable or
 *  shared object for a CPU of arch/ is an error of one sentence. */
struct error *image_open(const char *path, const char *name, struct image **out) MUST_CHECK;
void image_close(struct image *image);

/** The image's name. It is printable (base/rune.h), like all names that dwarf/ returns. */
const char *image_name(const struct image *image);
/** Returns name if it is printable, and otherwise its printable form, which the image keeps.
 *  Every name that comes from the file passes through this function. */
const char *image_printable(struct image *image, const char *name);
/** The CPU that the executable is for. */
const struct arch *image_arch(const struct image *image);
uint64_t image_file_size(const struct image *image);
/** True for ET_DYN: run-time address = vaddr + load bias. */
bool image_is_pie(const struct image *image);
/** The vaddr of the program's first instruction (e_entry). */
uint64_t image_entry(const struct image *image);
/** The PT_LOAD segments, sorted by vaddr. */
const struct image_segment *image_segments(const struct image *image, size_t *num);

/** Finds a section of this file by name and decompresses it (SHF_COMPRESSED; for ".debug_x" also
 *  ".zdebug_x"). If there is no such section, *out is {NULL, 0, 0}, which is not an error. */
struct error *image_section(struct image *image, const char *name,
			    struct image_bytes *out) MUST_CHECK;
/** True if the section exists and has contents. Does not read the contents. */
bool image_has_section(const struct image *image, const char *name);
/** The address and size of a section with contents; false if there is none. Does not read the
 *  contents. */
bool image_section_place(const struct image *image, const char *name, uint64_t *vaddr,
			 uint64_t *size);

/** The file offset of vaddr, as uprobes need it; false outside the file's loaded segments. */
bool image_offset(const struct image *image, uint64_t vaddr, uint64_t *off);

/** Copies the len bytes that are at vaddr after relocation and before the program runs (.bss:
 *  zeros). The R_X86_64_RELATIVE relocations of DT_RELA are applied; a word of DT_RELR holds its
 *  value in the file already. False if a part of the range is outside the segments. */
bool image_read(struct image *image, uint64_t vaddr, void *dst, size_t len);
bool image_read_u64(struct image *image, uint64_t vaddr, uint64_t *out);
bool image_read_u32(struct image *image, uint64_t vaddr, uint32_t *out);

/** The file's bytes at vaddr, borrowed and not relocated. False unless all of them are in the file
 *  part of one segment. */
bool image_borrow(struct image *image, uint64_t vaddr, size_t len, const uint8_t **out);

/** Like image_borrow, but only for an executable segment (for disassembly). */
bool image_text(struct image *image, uint64_t vaddr, size_t len, const uint8_t **out);

/** True if all of [vaddr, vaddr + len) is inside segments. */
bool image_is_mapped(const struct image *image, uint64_t vaddr, uint64_t len);
/** True if all of [vaddr, vaddr + len) is in segments that are never writable. Then the running
 *  program's memory there equals the bytes that image_read returns. False for len 0. */
bool image_is_readonly(const struct image *image, uint64_t vaddr, uint64_t len);

/** The defined symbols of .symtab in file order, without section, file and thread-local symbols.
 *  A symbol whose name is empty or outside the string table is left out. num is 0 for a stripped
 *  file. */
struct error *image_symbols(struct image *image, const struct image_symbol **out,
			    size_t *num) MUST_CHECK;

/** The start of the executable's block of thread-local storage, relative to the thread pointer:
 *  PT_TLS's size, rounded up to its alignment and negated. False without PT_TLS. */
bool image_tls_start(const struct image *image, int64_t *out);
/** The offset of a thread-local symbol of .symtab in that block; false if there is none. */
bool image_tls_symbol(struct image *image, const char *name, uint64_t *out);

/** The build id (NT_GNU_BUILD_ID) as bytes; NULL if there is none. */
const uint8_t *image_build_id(struct image *image, size_t *len);
/** Go's own build id (".note.go.buildid"), printable; NULL if there is none. */
const char *image_go_build_id(struct image *image);

/** Looks for a separate debug file: first by build id at DIR/.build-id/xx/yyy.debug, where DIR is
 *  one of the system's debug directories; then by .gnu_debuglink (its CRC is checked) in the
 *  executable's directory, in .debug/ below it, and below each DIR. All paths are inside root
 *  ("" or "/proc/PID/root"). *out is NULL if there is no debug file; otherwise the caller closes
 *  it. A file that does not match is skipped with a log_warning. */
struct error *image_open_debug(struct image *image, const char *root,
			       struct image **out) MUST_CHECK;

#endif
