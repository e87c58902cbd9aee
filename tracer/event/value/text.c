// SPDX-License-Identifier: GPL-2.0-or-later
// Values as Go would write them: the style of value_text.
#include "tracer/event/value/internal.h"

static void put_unavailable(struct walk *walk, const char *reason)
{
	text_append(walk->out, "?(", 2);
	text_puts(walk->out, reason);
	text_putc(walk->out, ')');
}

static void put_nil(struct walk *walk)
{
	text_append(walk->out, "nil", 3);
}

static void put_bool(struct walk *walk, bool value)
{
	text_puts(walk->out, value ? "true" : "false");
}

static void put_integer(struct walk *walk, const struct gotype *type, uint64_t bits)
{
	if (type->kind == GO_UINTPTR)
		text_hex(walk->out, bits);
	else if (type->kind <= GO_INT64)
		text_i64(walk->out, (int64_t)bits);
	else
		text_u64(walk->out, bits);
}

static void put_float(struct walk *walk, double value, bool is_single)
{
	value_float(value, is_single, walk->out);
}

static void put_complex(struct walk *walk, double real, double imaginary, bool is_single)
{
	text_putc(walk->out, '(');
	value_float(real, is_single, walk->out);
	size_t at = walk->out->len;
	value_float(imaginary, is_single, walk->out);
	if (!walk->out->failed && walk->out->data[at] != '-' && walk->out->data[at] != '+') {
		walk->out->len = at;
		text_putc(walk->out, '+');
		value_float(imaginary, is_single, walk->out);
	}
	text_append(walk->out, "i)", 2);
}

static void put_string(struct walk *walk, const char *bytes, size_t len, uint64_t total)
{
	value_quote(bytes, len, walk->out);
	if (len >= total)
		return;
	text_append(walk->out, "...+", 4);
	text_u64(walk->out, total - len);
	text_append(walk->out, " bytes", 6);
}

static void put_plain(struct walk *walk, const char *bytes, size_t len)
{
	text_append(walk->out, bytes, len);
}

static void put_known(struct walk *walk, const char *bytes, size_t len, bool shows_type)
{
	text_append(walk->out, bytes, len);
	if (shows_type)
		walk->typed_end = walk->out->len;
}

static void put_address(struct walk *walk, const struct gotype *type, uint64_t addr)
{
	text_puts(walk->out, type->name);
	text_putc(walk->out, '(');
	text_hex(walk->out, addr);
	text_putc(walk->out, ')');
}

static void put_pointer(struct walk *walk)
{
	text_putc(walk->out, '&');
}

static void put_chan(struct walk *walk, const struct gotype *type, uint64_t addr, uint64_t len,
		     uint64_t cap)
{
	text_puts(walk->out, type->name);
	text_putc(walk->out, '(');
	text_hex(walk->out, addr);
	text_append(walk->out, " len ", 5);
	text_u64(walk->out, len);
	text_append(walk->out, " cap ", 5);
	text_u64(walk->out, cap);
	text_putc(walk->out, ')');
}

static void put_begin(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total)
{
	(void)shown;
	(void)total;
	text_puts(walk->out, strcmp(type->name, "[]uint8") ? type->name : "[]byte");
	text_putc(walk->out, '{');
}

static void put_end(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total)
{
	(void)type;
	if (shown < total) {
		text_puts(walk->out, shown ? ", ...+" : "...+");
		text_u64(walk->out, total - shown);
		if (shown < walk->printer->items) // the user's limit is not the reason
			text_printf(walk->out, " ?(%s)", memory_why_missing(walk->memory));
	}
	text_putc(walk->out, '}');
}

static void put_item(struct walk *walk, bool is_first, const struct gofield *field)
{
	if (!is_first)
		text_append(walk->out, ", ", 2);
	if (field) {
		text_puts(walk->out, field->name);
		text_append(walk->out, ": ", 2);
	}
}

static void put_elem(struct walk *walk)
{
	text_append(walk->out, ": ", 2);
}

static void put_nothing(struct walk *walk)
{
	(void)walk;
}

static void put_byte(struct walk *walk, uint8_t value)
{
	text_hex(walk->out, value);
}

// --- Interfaces --------------------------------------------------------------------------------

static bool starts_with(const char *text, size_t len, const char *prefix)
{
	size_t prefix_len = strlen(prefix);
	return len >= prefix_len && !memcmp(text, prefix, prefix_len);
}

// True if the text of a value shows its type, so that an interface need not add it.
static bool tells_type(const struct gotype *type, const char *text, size_t len)
{
	if (starts_with(text, len, "?(") || starts_with(text, len, "nil"))
		return false;
	switch (type->kind) {
	case GO_BOOL:
	case GO_INT:
	case GO_FLOAT64:
	case GO_COMPLEX128:
	case GO_STRING:
		return !strcmp(type->full_name, gokind_name(type->kind));
	case GO_STRUCT:
	case GO_FUNC:
		return true;
	case GO_POINTER:
		if (text[0] == '&' && type->elem)
			return tells_type(type->elem, text + 1, len - 1) &&
			       type->elem->kind >= GO_ARRAY;
		break;
	case GO_SLICE:
		if (starts_with(text, len, "[]byte{"))
			return true;
		break;
	default:
		break;
	}
	return starts_with(text, len, type->name);
}

// Puts "NAME(" before the text that was printed from start on, and ")" after it.
static void wrap(struct text *out, size_t start, const char *name)
{
	size_t len = strlen(name), more = len + 1;
	if (!text_reserve(out, more + 1))
		return;
	memmove(out->data + start + more, out->data + start, out->len - start);
	memcpy(out->data + start, name, len);
	out->data[start + len] = '(';
	out->len += more;
	text_putc(out, ')');
}

static void put_error(struct walk *walk, const struct dynamic *dynamic)
{
	text_append(walk->out, "error(", 6);
	text_puts(walk->out, dynamic->type->name);
	text_append(walk->out, ": ", 2);
	struct message message;
	size_t start = walk->out->len;
	if (!walk->printer->is_raw && walk_message(walk, dynamic, &message)) {
		put_string(walk, message.bytes, message.len, message.total);
	} else {
		walk_dynamic(walk, dynamic);
		// If the error's value is a string, it must not look like the error's message.
		if (!walk->out->failed &&
		    starts_with(walk->out->data + start, walk->out->len - start, "\""))
			wrap(walk->out, start, dynamic->type->name);
	}
	text_putc(walk->out, ')');
}

static void put_interface(struct walk *walk, const struct gotype *type, struct dynamic *dynamic)
{
	if (!strcmp(type->full_name, "error")) {
		put_error(walk, dynamic);
		return;
	}
	size_t start = walk->out->len;
	walk_dynamic(walk, dynamic);
	if (!walk->out->failed && walk->out->len > start && walk->out->len != walk->typed_end &&
	    !tells_type(dynamic->type, walk->out->data + start, walk->out->len - start))
		wrap(walk->out, start, dynamic->type->name);
}

const struct value_style value_style_text = {
	.unavailable = put_unavailable,
	.nil = put_nil,
	.boolean = put_bool,
	.integer = put_integer,
	.floating = put_float,
	.complex = put_complex,
	.string = put_string,
	.plain = put_plain,
	.known = put_known,
	.address = put_address,
	.pointer = put_pointer,
	.chan = put_chan,
	.begin = put_begin,
	.end = put_end,
	.item = put_item,
	.key = put_nothing,
	.elem = put_elem,
	.entry_end = put_nothing,
	.byte = put_byte,
	.interface = put_interface,
};
