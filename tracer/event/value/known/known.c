// SPDX-License-Identifier: GPL-2.0-or-later
// Finds a type's row, and reads fields by name.
#include "tracer/event/value/known/known.h"

#include "base/rune.h"

enum { NEST_MAX = 8, NAME_MAX = 48, FOLLOW_MAX = 8 };

// --- The table ---------------------------------------------------------------------------------

static const struct known_row *const packages[] = {
	known_time,    known_net, known_netip, known_url, known_http, known_context, known_sync,
	known_buffers, known_big, known_os,    known_sql, known_slog, known_others,
};

static bool is_row_of(const char *row, const char *name)
{
	size_t len = strlen(row), full = strlen(name);
	if (row[0] == '.')
		return full > len && !strcmp(name + full - len, row);
	return row[len - 1] == '[' ? !strncmp(name, row, len) : !strcmp(name, row);
}

static const struct known_row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof(packages) / sizeof(*packages); i++)
		for (const struct known_row *row = packages[i]; row->type; row++)
			if (is_row_of(row->type, name))
				return row;
	return NULL;
}

static uintptr_t slot_of(struct value_printer *printer, struct gotype *type)
{
	uintptr_t slot = (uintptr_t)type / sizeof(*type) % VALUE_KNOWN;
	if (printer->known[slot].type != type) {
		bool is_pointer = type->kind == GO_POINTER && !type->is_named && type->elem;
		const struct known_row *row =
			find_row(is_pointer ? type->elem->full_name : type->full_name);
		if (is_pointer && row && !(row->flags & KNOWN_POINTER))
			row = NULL;
		bool is_redacted = redact_has_type(printer->redact[0], type) ||
				   redact_has_type(printer->redact[1], type);
		printer->known[slot].type = type;
		printer->known[slot].row = is_redacted ? NULL : row;
		printer->known[slot].is_redacted = is_redacted;
	}
	return slot;
}

// Returns the row of this type; NULL if it has none, or if its values are secret.
static const struct known_row *row_of(struct value_printer *printer, struct gotype *type)
{
	return printer->known[slot_of(printer, type)].row;
}

bool value_redacts_type(struct value_printer *printer, struct gotype *type)
{
	return printer->known[slot_of(printer, type)].is_redacted;
}

static bool print_row(const struct known_row *row, const struct known_value *value,
		      struct text *out)
{
	struct walk *walk = value->walk;
	struct known_value at;
	if (walk->num_known == NEST_MAX || walk_is_full(walk) || !known_follow(value, &at))
		return false;
	size_t start = out->len;
	walk->num_known++;
	bool is_printed = row->print(&at, out) && !out->failed;
	walk->num_known--;
	if (!is_printed)
		out->len = start;
	return is_printed;
}

static bool print_typed(const struct known_row *row, const struct known_value *value,
			struct text *out)
{
	if (!(row->flags & KNOWN_TYPED))
		return print_row(row, value, out);
	text_puts(out, value->type->name);
	text_putc(out, '(');
	bool is_printed = print_row(row, value, out);
	text_putc(out, ')');
	return is_printed;
}

static bool print_known(const struct known_row *row, const struct known_value *value,
			struct text *out)
{
	if (!print_typed(row, value, out))
		return false;
	rune_disarm(out, 0);
	return !out->failed;
}

static bool is_zero(struct walk *walk, const struct gotype *type, uint64_t addr)
{
	static const uint8_t zeros[256];
	uint8_t bytes[sizeof(zeros)];
	const char *reason;
	return type->size <= sizeof(bytes) && walk_read(walk, addr, bytes, type->size, &reason) &&
	       !memcmp(bytes, zeros, type->size);
}

bool walk_known(struct walk *walk, struct gotype *type, uint64_t addr)
{
	const struct known_row *row = walk->printer->is_raw ? NULL : row_of(walk->printer, type);
	if (!row || (walk->style == &value_style_json && !(row->flags & KNOWN_JSON)))
		return false;
	struct text text;
	text_init(&text);
	bool is_known = print_known(row, &(struct known_value){walk, type, addr}, &text);
	if (is_known)
		walk->style->known(walk, text_string(&text), text.len, row->flags,
				   is_zero(walk, type, addr));
	text_deinit(&text);
	return is_known;
}

bool walk_known_text(struct walk *walk, struct gotype *type, uint64_t addr, struct text *out)
{
	const struct known_row *row = walk->printer->is_raw ? NULL : row_of(walk->printer, type);
	return row && !(row->flags & (KNOWN_JSON | KNOWN_MESSAGE)) &&
	       print_known(row, &(struct known_value){walk, type, addr}, out);
}

bool walk_known_message(struct walk *walk, struct gotype *type, uint64_t addr, struct text *out)
{
	const struct known_row *row = row_of(walk->printer, type);
	return row && row->flags & KNOWN_MESSAGE &&
	       print_row(row, &(struct known_value){walk, type, addr}, out);
}

// --- Fields ------------------------------------------------------------------------------------

static bool read_at(const struct known_value *of, uint64_t addr, void *to, size_t len)
{
	const char *reason;
	if (!of->walk->reads)
		return false;
	of->walk->reads--;
	return walk_read(of->walk, addr, to, len, &reason);
}

bool known_dynamic(const struct known_value *of, const char *path, struct dynamic *out)
{
	struct known_value at;
	const char *reason = NULL;
	if (!known_get(of, path, &at) || at.type->kind != GO_INTERFACE || !at.walk->reads)
		return false;
	at.walk->reads--;
	return walk_interface(at.walk, at.type, at.addr, out, &reason) &&
	       out->type->kind != GO_INVALID && !value_redacts_type(at.walk->printer, out->type);
}

bool known_follow(const struct known_value *of, struct known_value *out)
{
	*out = *of;
	for (int i = 0; i < FOLLOW_MAX; i++) {
		gotype_complete(out->type);
		if (out->type->kind == GO_INTERFACE) {
			struct dynamic dynamic;
			if (!known_dynamic(out, "", &dynamic))
				return false;
			out->type = dynamic.type;
			out->addr = dynamic.addr;
		} else if (out->type->kind == GO_POINTER && out->type->elem) {
			if (!read_at(out, out->addr, &out->addr, sizeof(out->addr)) ||
			    !walk_is_user(out->addr))
				return false;
			out->type = out->type->elem;
		} else {
			return true;
		}
	}
	return false;
}

// Takes one step along a path.
static bool enter_field(struct known_value *at, const char *name, size_t len)
{
	char field_name[NAME_MAX];
	if (len >= sizeof(field_name) || !known_follow(at, at))
		return false;
	memcpy(field_name, name, len);
	field_name[len] = '\0';
	const struct gofield *field = gotype_field(at->type, field_name);
	if (!field || !field->type || value_redacts_field(at->walk->printer, at->type, field) ||
	    value_redacts_type(at->walk->printer, field->type))
		return false;
	at->type = field->type;
	at->addr += field->offset;
	gotype_complete(at->type);
	return true;
}

bool known_get(const struct known_value *of, const char *path, struct known_value *out)
{
	struct known_value at = *of;
	while (*path) {
		size_t len = strcspn(path, ".");
		if (!enter_field(&at, path, len))
			return false;
		path += len + (path[len] == '.');
	}
	*out = at;
	return true;
}

bool known_is_nil(const struct known_value *of, const char *path)
{
	struct known_value at;
	uint64_t word;
	return known_get(of, path, &at) && at.type->kind >= GO_CHAN && at.type->kind != GO_STRING &&
	       at.type->kind != GO_STRUCT && read_at(&at, at.addr, &word, sizeof(word)) && !word;
}

bool known_number(const struct known_value *of, const char *path, int64_t *out)
{
	struct known_value at;
	if (!known_get(of, path, &at))
		return false;
	if (at.type->kind == GO_STRUCT && !strncmp(at.type->full_name, "sync/atomic.", 12) &&
	    !known_get(&at, "v", &at))
		return false;
	uint64_t bits = 0;
	size_t size = gokind_size(at.type->kind);
	if (at.type->kind < GO_BOOL || at.type->kind > GO_UINTPTR ||
	    !read_at(&at, at.addr, &bits, size))
		return false;
	unsigned unused = 64 - 8 * (unsigned)size;
	bool is_signed = at.type->kind >= GO_INT && at.type->kind <= GO_INT64;
	*out = is_signed ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
	return at.type->kind != GO_BOOL || bits <= 1;
}

// --- Strings and slices ------------------------------------------------------------------------

static bool read_header(const struct known_value *at, struct known_bytes *out)
{
	struct {
		uint64_t data, len, cap;
	} header = {0};
	bool is_slice = at->type->kind == GO_SLICE;
	if (!read_at(at, at->addr, &header, is_slice ? 24 : 16) || header.len >> 47 ||
	    (is_slice && header.len > header.cap) || (header.len && !walk_is_user(header.data)))
		return false;
	*out = (struct known_bytes){header.data, header.len};
	return true;
}

bool known_bytes(const struct known_value *of, const char *path, struct known_bytes *out)
{
	struct known_value at;
	if (!known_get(of, path, &at))
		return false;
	if (at.type->kind == GO_SLICE && at.type->elem)
		gotype_complete(at.type->elem);
	return (at.type->kind == GO_STRING ||
		(at.type->kind == GO_SLICE && at.type->elem && at.type->elem->kind == GO_UINT8)) &&
	       read_header(&at, out);
}

size_t known_copy(const struct known_value *of, const struct known_bytes *bytes, void *to,
		  size_t size)
{
	size_t wanted = bytes->len < size ? bytes->len : size;
	size_t have = wanted ? walk_available(of->walk, bytes->addr, wanted) : 0;
	return have && read_at(of, bytes->addr, to, have) ? have : 0;
}

bool known_put_bytes(const struct known_value *of, const struct known_bytes *bytes, bool is_quoted,
		     struct text *out)
{
	char copy[WIRE_BLOCK_MAX];
	uint32_t most = of->walk->printer->strlen;
	size_t len = known_copy(of, bytes, copy, most < sizeof(copy) ? most : sizeof(copy));
	if (!len && bytes->len && most)
		return false;
	if (len < bytes->len)
		len = value_whole_runes(copy, len);
	if (is_quoted)
		value_quote(copy, len, out);
	else
		text_append(out, copy, len);
	if (len < bytes->len)
		text_printf(out, "...+%llu bytes", (unsigned long long)(bytes->len - len));
	return true;
}

bool known_put(const struct known_value *of, const char *path, struct text *out)
{
	struct known_bytes bytes;
	return known_bytes(of, path, &bytes) && known_put_bytes(of, &bytes, false, out);
}

bool known_quote(const struct known_value *of, const char *path, struct text *out)
{
	struct known_bytes bytes;
	return known_bytes(of, path, &bytes) && known_put_bytes(of, &bytes, true, out);
}

bool known_put_whole(const struct known_value *of, const char *path, struct text *out)
{
	struct known_bytes bytes;
	char copy[WIRE_BLOCK_MAX];
	if (!known_bytes(of, path, &bytes) || bytes.len > sizeof(copy) ||
	    known_copy(of, &bytes, copy, sizeof(copy)) < bytes.len)
		return false;
	text_append(out, copy, bytes.len);
	return true;
}

bool known_len(const struct known_value *of, const char *path, uint64_t *out)
{
	struct known_value at;
	struct known_bytes header;
	if (!known_get(of, path, &at) ||
	    (at.type->kind != GO_SLICE && at.type->kind != GO_STRING) || !read_header(&at, &header))
		return false;
	*out = header.len;
	return true;
}

bool known_elem(const struct known_value *of, const char *path, uint64_t i, struct known_value *out)
{
	struct known_value at;
	struct known_bytes header;
	if (!known_get(of, path, &at))
		return false;
	if (at.type->kind == GO_SLICE && at.type->elem) {
		if (!read_header(&at, &header) || i >= header.len)
			return false;
		at.addr = header.addr;
	} else if (at.type->kind != GO_ARRAY || !at.type->elem || i >= at.type->len) {
		return false;
	}
	*out = (struct known_value){at.walk, at.type->elem, at.addr + i * at.type->elem->size};
	gotype_complete(out->type);
	return true;
}

// --- Values in values --------------------------------------------------------------------------

bool known_put_known(const struct known_value *of, const char *path, struct text *out)
{
	struct known_value at;
	if (!known_get(of, path, &at) || !known_follow(&at, &at))
		return false;
	const struct known_row *row = row_of(of->walk->printer, at.type);
	return row && print_row(row, &at, out);
}

bool known_put_error(const struct known_value *of, const char *path, struct text *out)
{
	struct dynamic dynamic;
	struct message message;
	if (of->walk->num_known == NEST_MAX || !known_dynamic(of, path, &dynamic))
		return false;
	of->walk->num_known++;
	bool is_known = walk_message(of->walk, &dynamic, &message);
	of->walk->num_known--;
	if (!is_known)
		return false;
	text_append(out, message.bytes, message.len);
	if (message.len < message.total)
		text_printf(out, "...+%llu bytes",
			    (unsigned long long)(message.total - message.len));
	return true;
}

static bool put_float(const struct known_value *at, struct text *out)
{
	double value;
	float single;
	bool is_single = at->type->kind == GO_FLOAT32;
	if (!(is_single ? read_at(at, at->addr, &single, sizeof(single))
			: read_at(at, at->addr, &value, sizeof(value))))
		return false;
	value_float(is_single ? (double)single : value, is_single, out);
	return true;
}

bool known_put_scalar(const struct known_value *of, const char *path, struct text *out)
{
	struct known_value at;
	int64_t number;
	if (!known_get(of, path, &at) || !known_follow(&at, &at))
		return false;
	const struct known_row *row = row_of(of->walk->printer, at.type);
	if (row && print_row(row, &at, out))
		return true;
	if (at.type->kind == GO_STRING)
		return known_quote(&at, "", out);
	if (at.type->kind == GO_FLOAT32 || at.type->kind == GO_FLOAT64)
		return put_float(&at, out);
	if (!known_number(&at, "", &number))
		return false;
	if (at.type->kind == GO_BOOL)
		text_puts(out, number ? "true" : "false");
	else if (at.type->kind <= GO_INT64)
		text_i64(out, number);
	else
		text_u64(out, (uint64_t)number);
	return true;
}
