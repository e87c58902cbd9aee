// SPDX-License-Identifier: GPL-2.0-or-later
// Packages with one or two well-known types.
#include "tracer/event/value/known/known.h"

static bool put_regexp(const struct known_value *value, struct text *out)
{
	return known_quote(value, "expr", out);
}

// A type's description is in the executable.
static bool put_type(const struct known_value *value, struct text *out)
{
	const struct value_printer *printer = value->walk->printer;
	const char *why;
	struct gotype *type =
		printer->loaded->index
			? index_rtype(printer->loaded->index,
				      loaded_vaddr(printer->loaded, value->addr), &why)
			: NULL;
	if (type)
		text_puts(out, type->name);
	return type;
}

static bool put_template(const struct known_value *value, struct text *out)
{
	return known_quote(value, "name", out) || known_quote(value, "text.name", out);
}

static bool put_handle(const struct known_value *value, struct text *out)
{
	return known_put_scalar(value, "value", out);
}

static bool put_uuid(const struct known_value *value, struct text *out)
{
	uint8_t bytes[16];
	const char *reason;
	if (value->type->kind != GO_ARRAY || value->type->size != sizeof(bytes) ||
	    !value->type->elem || value->type->elem->kind != GO_UINT8 ||
	    !walk_read(value->walk, value->addr, bytes, sizeof(bytes), &reason))
		return false;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		text_printf(out, "%s%02x", i >= 4 && i <= 10 && i % 2 == 0 ? "-" : "", bytes[i]);
	return true;
}

const struct known_row known_others[] = {
	{"regexp.Regexp", put_regexp, KNOWN_TYPED | KNOWN_POINTER},
	{"reflect.rtype", put_type, KNOWN_TYPED | KNOWN_POINTER},
	{"text/template.Template", put_template, KNOWN_TYPED | KNOWN_POINTER},
	{"html/template.Template", put_template, KNOWN_TYPED | KNOWN_POINTER},
	{"unique.Handle[", put_handle, KNOWN_TYPED},
	{".UUID", put_uuid, 0},
	{0},
};
