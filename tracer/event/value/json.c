// SPDX-License-Identifier: GPL-2.0-or-later
// Values as JSON: the style of value_json. gotrace(1), VALUES, describes the forms.
#include "tracer/event/value/internal.h"

#include <math.h>

#include "base/json.h"

static void put_unavailable(struct walk *walk, const char *reason)
{
	text_putc(walk->out, '{');
	json_string(walk->out, "unavailable", reason);
	text_putc(walk->out, '}');
}

static void put_nil(struct walk *walk)
{
	text_append(walk->out, "null", 4);
}

static void put_bool(struct walk *walk, bool value)
{
	text_puts(walk->out, value ? "true" : "false");
}

static void put_integer(struct walk *walk, const struct gotype *type, uint64_t bits)
{
	if (type->kind <= GO_INT64)
		text_i64(walk->out, (int64_t)bits);
	else
		text_u64(walk->out, bits);
}

static void put_float(struct walk *walk, double value, bool is_single)
{
	bool is_quoted = !isfinite(value);
	if (is_quoted)
		text_putc(walk->out, '"');
	value_float(value, is_single, walk->out);
	if (is_quoted)
		text_putc(walk->out, '"');
}

static void put_complex(struct walk *walk, double real, double imaginary, bool is_single)
{
	text_putc(walk->out, '[');
	put_float(walk, real, is_single);
	text_putc(walk->out, ',');
	put_float(walk, imaginary, is_single);
	text_putc(walk->out, ']');
}

static void begin_cut(struct walk *walk, uint64_t shown, uint64_t total)
{
	if (shown >= total)
		return;
	text_putc(walk->out, '{');
	json_u64(walk->out, "len", total);
	json_key(walk->out, "cut");
}

static void end_cut(struct walk *walk, uint64_t shown, uint64_t total)
{
	if (shown < total)
		text_putc(walk->out, '}');
}

static void put_go_string(struct walk *walk, const char *bytes, size_t len, uint64_t total)
{
	begin_cut(walk, len, total);
	json_quote(bytes, len, walk->out);
	end_cut(walk, len, total);
}

static void put_plain(struct walk *walk, const char *bytes, size_t len)
{
	json_quote(bytes, len, walk->out);
}

static void put_known(struct walk *walk, const char *bytes, size_t len, uint8_t flags, bool is_zero)
{
	(void)is_zero;
	(void)flags;
	json_quote(bytes, len, walk->out);
}

static void put_address(struct walk *walk, const struct gotype *type, uint64_t addr)
{
	if (type->kind == GO_CHAN) {
		text_putc(walk->out, '{');
		json_key(walk->out, "addr");
	}
	json_addr(addr, walk->out);
	if (type->kind == GO_CHAN)
		text_putc(walk->out, '}');
}

static void put_pointer(struct walk *walk)
{
	(void)walk;
}

static void put_chan(struct walk *walk, const struct gotype *type, uint64_t addr, uint64_t len,
		     uint64_t cap)
{
	(void)type;
	text_putc(walk->out, '{');
	json_key(walk->out, "addr");
	json_addr(addr, walk->out);
	json_u64(walk->out, "len", len);
	json_u64(walk->out, "cap", cap);
	text_putc(walk->out, '}');
}

static void put_begin(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total)
{
	begin_cut(walk, shown, total);
	text_putc(walk->out, type->kind == GO_STRUCT ? '{' : '[');
}

static void put_end(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total)
{
	text_putc(walk->out, type->kind == GO_STRUCT ? '}' : ']');
	if (shown < total && shown < walk->printer->items) // the user's limit is not the reason
		json_string(walk->out, "unavailable", memory_why_missing(walk->memory));
	end_cut(walk, shown, total);
}

static void put_item(struct walk *walk, bool is_first, const struct gofield *field)
{
	(void)is_first;
	json_item(walk->out);
	if (!field)
		return;
	json_quote(field->name, strlen(field->name), walk->out);
	text_putc(walk->out, ':');
}

static void put_key(struct walk *walk)
{
	text_putc(walk->out, '[');
}

static void put_elem(struct walk *walk)
{
	text_putc(walk->out, ',');
}

static void put_entry_end(struct walk *walk)
{
	text_putc(walk->out, ']');
}

static void put_bytes(struct walk *walk, const struct gotype *type, const uint8_t *bytes,
		      uint64_t shown, uint64_t total)
{
	put_begin(walk, type, shown, total);
	for (uint64_t i = 0; i < shown; i++) {
		json_item(walk->out);
		text_u64(walk->out, bytes[i]);
	}
	put_end(walk, type, shown, total);
}

static bool is_constant(struct walk *walk, struct gotype *type, uint64_t addr, struct text *out)
{
	uint64_t bits;
	const char *reason;
	return type->kind >= GO_INT && type->kind <= GO_UINTPTR &&
	       walk_bits(walk, type, addr, &bits, &reason) && walk_constant(walk, type, bits, out);
}

void json_known(struct walk *walk, struct gotype *type, uint64_t addr)
{
	struct text text;
	text_init(&text);
	if (walk_known_text(walk, type, addr, &text) || is_constant(walk, type, addr, &text))
		json_string(walk->out, "text", text_string(&text));
	text_deinit(&text);
}

static void put_interface(struct walk *walk, const struct gotype *type, struct dynamic *dynamic)
{
	(void)type;
	text_putc(walk->out, '{');
	json_string(walk->out, "type", dynamic->type->name);
	json_key(walk->out, "value");
	walk_dynamic(walk, dynamic);
	struct message message;
	if (walk_message(walk, dynamic, &message)) {
		json_key(walk->out, "error");
		put_go_string(walk, message.bytes, message.len, message.total);
	} else if (!dynamic->missing || dynamic->is_too_deep) {
		json_known(walk, dynamic->type, dynamic->addr);
	}
	text_putc(walk->out, '}');
}

const struct value_style value_style_json = {
	.skips_blank = true,
	.unavailable = put_unavailable,
	.nil = put_nil,
	.boolean = put_bool,
	.integer = put_integer,
	.floating = put_float,
	.complex = put_complex,
	.string = put_go_string,
	.plain = put_plain,
	.known = put_known,
	.address = put_address,
	.pointer = put_pointer,
	.chan = put_chan,
	.begin = put_begin,
	.end = put_end,
	.item = put_item,
	.key = put_key,
	.elem = put_elem,
	.entry_end = put_entry_end,
	.bytes = put_bytes,
	.interface = put_interface,
};
