// SPDX-License-Identifier: GPL-2.0-or-later
// Which values are secret (tracer/plan/redact.h). Names and types of the program live as long as
// the printer, so what is known of them is kept by their addresses.
#include "tracer/event/value/internal.h"

const char value_redacted[] = "redacted";

bool value_redacts_key(const struct value_printer *printer, const char *name, size_t len)
{
	return redact_has_name(printer->redact[0], name, len) ||
	       redact_has_name(printer->redact[1], name, len);
}

bool value_redacts_name(struct value_printer *printer, const char *name, struct gotype *type)
{
	if (type)
		gotype_complete(type);
	if (type && type->kind == GO_BOOL)
		return false;
	uintptr_t slot = ((uintptr_t)name ^ (uintptr_t)name >> 8) % VALUE_NAMES;
	if (printer->names[slot].name != name) {
		printer->names[slot].name = name;
		printer->names[slot].is_redacted = value_redacts_key(printer, name, strlen(name));
	}
	return printer->names[slot].is_redacted;
}

bool value_redacts_field(struct value_printer *printer, const struct gotype *type,
			 const struct gofield *field)
{
	uintptr_t slot = (uintptr_t)field / sizeof(*field) % VALUE_NAMES;
	if (printer->fields[slot].field != field) {
		printer->fields[slot].field = field;
		printer->fields[slot].is_redacted =
			value_redacts_name(printer, field->name, field->type) ||
			redact_has_field(printer->redact[0], type, field->name) ||
			redact_has_field(printer->redact[1], type, field->name);
	}
	return printer->fields[slot].is_redacted;
}
