// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/go/buildinfo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rune.h"

// The linker's blob: the magic, the pointer size, the flags. From Go 1.18 on, two strings follow at
// offset 32, each after its length as a varint. Up to 1.17, the addresses of two Go strings are at
// offsets 16 and 24.
static const char magic[] = "\xff Go buildinf:";
enum {
	MAGIC_BYTES = 14,
	BLOB_BYTES = 32,
	BLOB_ALIGN = 16,
	FLAG_BIG_ENDIAN = 1,
	FLAG_INLINE = 2,
	MAX_VERSION = 1024,
	MAX_MODULE_INFO = 16 << 20,
	GUARD_BYTES = 16, // before and after the module info: magic bytes to search for
};

static bool read_varint(struct image *image, uint64_t *vaddr, uint64_t *out)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 63; shift += 7) {
		uint8_t byte;
		if (!image_read(image, (*vaddr)++, &byte, 1))
			return false;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = value;
			return true;
		}
	}
	return false;
}

// The len bytes at vaddr as an allocated string; NULL if they cannot be read or exceed max.
static char *read_string(struct image *image, uint64_t vaddr, uint64_t len, uint64_t max)
{
	if (len > max)
		return NULL;
	char *string = calloc(1, len + 1);
	if (string && !image_read(image, vaddr, string, len)) {
		free(string);
		string = NULL;
	}
	return string;
}

struct place { // where the bytes of a string are
	uint64_t vaddr, len;
};

// Finds the string at *vaddr, which starts with its length. Moves *vaddr to its end.
static bool find_inline(struct image *image, uint64_t *vaddr, struct place *out)
{
	if (!read_varint(image, vaddr, &out->len))
		return false;
	out->vaddr = *vaddr;
	*vaddr += out->len;
	return true;
}

static bool find_pointed(struct image *image, uint64_t vaddr, struct place *out)
{
	uint64_t header;
	return image_read_u64(image, vaddr, &header) &&
	       image_read_u64(image, header, &out->vaddr) &&
	       image_read_u64(image, header + 8, &out->len);
}

static bool is_version(const char *text)
{
	if (!text || (strncmp(text, "go", 2) && strncmp(text, "devel", 5)))
		return false;
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			return false;
	return true;
}

// The module info without its guards; NULL if it does not end as the linker ends it.
static char *read_module_info(struct image *image, struct place place)
{
	if (place.len <= 2 * GUARD_BYTES)
		return NULL;
	place.vaddr += GUARD_BYTES;
	place.len -= 2 * GUARD_BYTES;
	char *text = read_string(image, place.vaddr, place.len, MAX_MODULE_INFO);
	if (text && text[place.len - 1] != '\n') {
		free(text);
		text = NULL;
	}
	return text;
}

static bool read_blob(struct buildinfo *info, struct image *image, uint64_t vaddr)
{
	uint8_t blob[BLOB_BYTES];
	if (!image_read(image, vaddr, blob, sizeof(blob)) || memcmp(blob, magic, MAGIC_BYTES) ||
	    (blob[15] & FLAG_BIG_ENDIAN))
		return false;
	struct place version = {0, 0}, module_info = {0, 0};
	if (blob[15] & FLAG_INLINE) {
		uint64_t at = vaddr + BLOB_BYTES;
		if (!find_inline(image, &at, &version))
			return false;
		if (!find_inline(image, &at, &module_info))
			module_info.len = 0;
	} else {
		if (blob[14] != 8 || !find_pointed(image, vaddr + 16, &version))
			return false;
		if (!find_pointed(image, vaddr + 24, &module_info))
			module_info.len = 0;
	}
	char *text = read_string(image, version.vaddr, version.len, MAX_VERSION);
	if (!is_version(text)) {
		free(text);
		return false;
	}
	info->version = text;
	info->module_info = read_module_info(image, module_info);
	info->go = go_version_parse(text);
	return true;
}

// Checks every aligned position in the file part of one segment.
static bool scan_segment(struct buildinfo *info, struct image *image,
			 const struct image_segment *segment)
{
	enum { STEP = 1 << 16 };
	uint64_t from = (BLOB_ALIGN - segment->vaddr % BLOB_ALIGN) % BLOB_ALIGN;
	for (uint64_t at = from; at < segment->file_size; at += STEP) {
		uint64_t len = segment->file_size - at < STEP ? segment->file_size - at : STEP;
		const uint8_t *bytes;
		if (!image_borrow(image, segment->vaddr + at, len, &bytes))
			return false;
		for (uint64_t i = 0; i + BLOB_ALIGN <= len; i += BLOB_ALIGN)
			if (!memcmp(bytes + i, magic, MAGIC_BYTES) &&
			    read_blob(info, image, segment->vaddr + at + i))
				return true;
	}
	return false;
}

struct error *buildinfo_init(struct buildinfo *info, struct image *image)
{
	memset(info, 0, sizeof(*info));
	struct image_bytes section;
	struct error *err = image_section(image, ".go.buildinfo", &section);
	error_free(err); // a damaged section is not fatal: the scan below may find the blob
	if (!err && section.vaddr && read_blob(info, image, section.vaddr))
		return NULL;
	size_t num;
	const struct image_segment *segments = image_segments(image, &num);
	for (int writable = 1; writable >= 0; writable--)
		for (size_t i = 0; i < num; i++)
			if (segments[i].is_writable == writable && !segments[i].is_executable &&
			    scan_segment(info, image, &segments[i]))
				return NULL;
	return NULL;
}

void buildinfo_deinit(struct buildinfo *info)
{
	free(info->version);
	free(info->module_info);
	memset(info, 0, sizeof(*info));
}

// The rest of the line that starts with prefix; NULL if there is no such line.
static const char *find_line(const struct buildinfo *info, const char *prefix, size_t *len)
{
	size_t prefix_len = strlen(prefix);
	const char *at = info->module_info;
	while (at && *at) {
		const char *end = strchrnul(at, '\n');
		if ((size_t)(end - at) >= prefix_len && !memcmp(at, prefix, prefix_len)) {
			*len = (size_t)(end - at) - prefix_len;
			return at + prefix_len;
		}
		at = *end ? end + 1 : end;
	}
	return NULL;
}

// Copies a value and removes the quotes that Go puts around one with spaces or quotes in it.
static char *unquote(const char *value, size_t len)
{
	char *copy = strndup(value, len);
	if (!copy || len < 2 || (copy[0] != '"' && copy[0] != '`') || copy[len - 1] != copy[0])
		return copy;
	bool has_escapes = copy[0] == '"';
	size_t to = 0;
	for (size_t from = 1; from < len - 1; from++) {
		if (has_escapes && copy[from] == '\\' && from + 1 < len - 1)
			from++;
		copy[to++] = copy[from];
	}
	copy[to] = '\0';
	return copy;
}

char *buildinfo_setting(const struct buildinfo *info, const char *key)
{
	struct text prefix;
	text_init(&prefix);
	text_printf(&prefix, "build\t%s=", key);
	size_t len = 0;
	const char *value = prefix.failed ? NULL : find_line(info, text_string(&prefix), &len);
	text_deinit(&prefix);
	CLEANUP_FREE char *copy = value ? unquote(value, len) : NULL;
	return copy ? rune_printable(copy) : NULL;
}

char *buildinfo_main(const struct buildinfo *info)
{
	size_t len = 0;
	const char *path = find_line(info, "path\t", &len);
	CLEANUP_FREE char *copy = path ? strndup(path, len) : NULL;
	return copy ? rune_printable(copy) : NULL;
}

bool go_version_at_least(struct go_version go, int minor)
{
	return go.major > 1 || (go.major == 1 && go.minor >= minor);
}

// Parses a number of at most six digits and moves *at to its end; -1 if there is none.
static int parse_number(const char **at)
{
	int value = -1;
	for (int digits = 0; **at >= '0' && **at <= '9' && digits < 6; digits++)
		value = (value < 0 ? 0 : value) * 10 + (*(*at)++ - '0');
	return value;
}

struct go_version go_version_parse(const char *text)
{
	struct go_version none = {0, 0, 0};
	const char *at = text;
	while (at && (at = strstr(at, "go")) && !(at[2] >= '1' && at[2] <= '9'))
		at += 2;
	if (!at)
		return none;
	at += 2;
	struct go_version go = {parse_number(&at), 0, 0};
	if (*at++ != '.')
		return none;
	go.minor = parse_number(&at);
	if (go.minor < 0)
		return none;
	if (*at == '.') {
		at++;
		int patch = parse_number(&at);
		go.patch = patch < 0 ? 0 : patch;
	}
	return go;
}
