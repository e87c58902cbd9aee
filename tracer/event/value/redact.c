// SPDX-License-Identifier: GPL-2.0-or-later
// Which values are secret (tracer/plan/redact.h). Names and types of the program live as long as the
// printer, so what is known of them is kept by their addresses.
#include "tracer/event/value/internal.h"

const char value_redacted[] = "redacted";

static bool has_name(const struct value_printer *printer, const char *name, size_t len)
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
		printer->names[slot].is_redacted = has_name(printer, name, strlen(name));
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

// Finds the header of a key that is a string, or an interface that holds one. Returns false if the
// key is something else.
static bool find_string(struct walk *walk, const struct gotype *type, uint64_t *addr,
			bool *is_known)
{
	struct dynamic dynamic;
	const char *reason = NULL;
	*is_known = true;
	if (type->kind == GO_STRING)
		return true;
	if (type->kind != GO_INTERFACE)
		return false;
	if (!walk_interface(walk, type, *addr, &dynamic, &reason)) {
		*is_known = !reason;
		return false;
	}
	*is_known = !dynamic.missing || dynamic.type->kind != GO_STRING;
	*addr = dynamic.addr;
	return *is_known && dynamic.type->kind == GO_STRING;
}

bool walk_redacts_key(struct walk *walk, const struct gotype *type, uint64_t addr)
{
	struct {
		uint64_t data, len;
	} header;
	char name[REDACT_RULE_BYTES];
	const char *reason;
	bool is_known;
	if (!walk->printer->redact[0] && !walk->printer->redact[1])
		return false;
	if (!find_string(walk, type, &addr, &is_known))
		return !is_known;
	if (!walk_read(walk, addr, &header, sizeof(header), &reason))
		return true;
	size_t len = header.len < sizeof(name) ? (size_t)header.len : sizeof(name);
	len = len && walk_is_user(header.data) ? walk_available(walk, header.data, len) : 0;
	if (header.len && (!len || !walk_read(walk, header.data, name, len, &reason)))
		return true;
	return has_name(walk->printer, name, len);
}
