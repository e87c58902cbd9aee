// SPDX-License-Identifier: GPL-2.0-or-later
// The template of --print: text with fields in braces.
//   {time} {goid} {func:<30.30} {r.URL.Path} -> {err} {duration:>8}
// A field is a name below or a Go expression as --show takes it. After a colon come < (left), >
// (right) or ^ (middle), the least columns, and after a point the most. {{ and }} are braces, \t is
// a tab.
#ifndef GOTRACE_TRACER_OUTPUT_TEMPLATE_H
#define GOTRACE_TRACER_OUTPUT_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum template_field {
	FIELD_TEXT, // no field: text between fields
	FIELD_EXPR,
	FIELD_TIME, // when the call began
	FIELD_GOID,
	FIELD_FUNC,
	FIELD_DURATION,
	FIELD_HOW, // how the call ended: "return", "panicked"
	FIELD_DEPTH,
	FIELD_CALL, // its number
	FIELD_PID,
};

struct template_part {
	enum template_field field;
	char *text;	      // of FIELD_TEXT and FIELD_EXPR
	char align;	      // '<', '>' or '^'
	uint16_t least, most; // columns; 0: any
};

struct template
{
	struct template_part *parts;
	size_t num, size;
	char *show; // the expressions, with commas between them; NULL: none
};

/** Reads a template. The error of a wrong one has the column. */
struct error *template_create(const char *text, struct template **out) MUST_CHECK;
void template_destroy(struct template *template);

#endif
