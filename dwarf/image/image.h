// SPDX-License-Identifier: GPL-2.0-or-later
// An ELF executable as the rest of the room reads it: sections (decompressed), segments, addresses
// to file offsets, bytes at an address with relocations applied, symbols, build id, debug file.
//
// The file is hostile input: every offset and size in it is checked here, so what this header hands
// out is inside the file. It is read with pread on demand, never mapped (a file that is truncated
// under us must not kill us), and each section is read once and kept until image_close.
// Only here: libelf's definitions. An image owns all that it returns.
#ifndef GOTRACE_DWARF_IMAGE_IMAGE_H
#define GOTRACE_DWARF_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/** Opens PATH (also /proc/PID/exe). name is what errors and image_name call it; NULL means path.
 *  Refuses with one sentence what is not a 64-bit little-endian x86-64 ELF executable or shared object. */
struct error *image_open(const char *path, const char *name, struct image **out) MUST_CHECK;
void image_close(struct image *image);

/** Printable, as all names that this room hands out (base/rune.h). */
const char *image_name(const struct image *image);
/** The name itself if it is printable, else its printable form, which the image keeps. What the file calls anything
 *  passes through here. */
const char *image_printable(struct image *image, const char *name);
const char *image_path(const struct image *image);
uint64_t image_file_size(const struct image *image);
/** True for ET_DYN: run-time address = vaddr + load bias. */
bool image_is_pie(const struct image *image);
/** The address of the program's first instruction (e_entry), its own numbering. */
uint64_t image_entry(const struct image *image);
const struct image_segment *image_segments(const struct image *image, size_t *num);

/** The section of this name, decompressed (SHF_COMPRESSED, and ".zdebug_x" for ".debug_x"), in the
 *  executable only. *out is {NULL, 0, 0} and the result NULL when there is no such section. */
struct error *image_section(struct image *image, const char *name,
			    struct image_bytes *out) MUST_CHECK;
/** True if the section is there with contents; reads nothing. */
bool image_has_section(const struct image *image, const char *name);
/** Where a section with contents is loaded; false if there is none. Reads nothing. */
bool image_section_place(const struct image *image, const char *name, uint64_t *vaddr,
			 uint64_t *size);

/** File offset of vaddr, as uprobes want it; false outside the file's loaded segments. */
bool image_offset(const struct image *image, uint64_t vaddr, uint64_t *off);

/** Copies len bytes at vaddr as they stand after relocation, before the program ran (.bss: zeros).
 *  All or nothing; false outside the segments. R_X86_64_RELATIVE from RELA and DT_RELR are applied. */
bool image_read(struct image *image, uint64_t vaddr, void *dst, size_t len);
bool image_read_u64(struct image *image, uint64_t vaddr, uint64_t *out);
bool image_read_u32(struct image *image, uint64_t vaddr, uint32_t *out);

/** The file's own bytes at vaddr, borrowed and not relocated; false if not all in one segment's file part. */
bool image_borrow(struct image *image, uint64_t vaddr, size_t len, const uint8_t **out);

/** The bytes of an executable segment at vaddr (for disassembly), borrowed; false if not all there. */
bool image_text(struct image *image, uint64_t vaddr, size_t len, const uint8_t **out);

/** True where all of [vaddr, vaddr+len) lies in segments that are never writable: the running
 *  program's memory there equals image_read's answer. */
bool image_is_readonly(const struct image *image, uint64_t vaddr, uint64_t len);

/** The defined symbols of .symtab (file order, names that run out of the string table left out).
 *  num 0 when stripped. */
struct error *image_symbols(struct image *image, const struct image_symbol **out,
			    size_t *num) MUST_CHECK;

/** Where the executable's block of thread-local storage begins, relative to the thread pointer (x86-64:
 *  fs base): PT_TLS's size rounded up, negated. False without PT_TLS. */
bool image_tls_start(const struct image *image, int64_t *out);
/** The offset of a thread-local symbol of .symtab in that block. */
bool image_tls_symbol(struct image *image, const char *name, uint64_t *out);

/** The build id (NT_GNU_BUILD_ID) as bytes, NULL without one; and Go's (".note.go.buildid"). */
const uint8_t *image_build_id(struct image *image, size_t *len);
const char *image_go_build_id(struct image *image);

/** Looks for a separate debug file: by build id under DIRS/.build-id/xx/yyy.debug, then by
 *  .gnu_debuglink (its CRC is checked) beside the executable, in .debug/, and under DIRS.
 *  root is a prefix for all paths ("" or "/proc/PID/root"). *out NULL if there is none; the caller
 *  closes it. A file that is there but does not match is passed over with a log_warning. */
struct error *image_open_debug(struct image *image, const char *root,
			       struct image **out) MUST_CHECK;

#endif
