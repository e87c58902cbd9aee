// SPDX-License-Identifier: GPL-2.0-or-later
// A Go type and a memory become a Go value, as text (Go's own syntax) or as JSON (gotrace(1), VALUES). What
// is not certain prints as ?(reason), or {"unavailable":"reason"}; never a made-up number. Fields
// named _ print in text, as in Go, and are left out of JSON, where their keys would be twice there.
#ifndef GOTRACE_TRACER_EVENT_VALUE_VALUE_H
#define GOTRACE_TRACER_EVENT_VALUE_VALUE_H

#include "base/text.h"
#include "tracer/event/memory.h"

enum { VALUE_ERRORS = 64, VALUE_BYTES_MAX = 64 * 1024 };

struct value_printer { // plain data; one per session, its memory refilled for each event
	struct memory *memory;
	struct index *index;	       // names of functions, dynamic types
	uint64_t bias;		       // run-time address - vaddr
	uint32_t depth, strlen, items; // as in plan_options
	size_t used; // bytes that the values of this event have taken: at most about VALUE_BYTES_MAX
	/** Called with a dynamic type's descriptor (vaddr) whose value was not captured because the capture
	 *  engine does not know the type yet; may be NULL. */
	void (*unseen)(void *context, uint64_t rtype);
	void *context;
	const bool *is_full; // true there: types not known yet will not be; may be NULL
	struct {	     // the printer's own, zero at first: what is known of Error methods
		const struct gotype *type;
		bool returns_string;
	} errors[VALUE_ERRORS];
};

/** The value of this type at addr, as Go would write it. */
void value_text(struct value_printer *printer, struct gotype *type, uint64_t addr,
		struct text *out);

/** The same as one JSON value. */
void value_json(struct value_printer *printer, struct gotype *type, uint64_t addr,
		struct text *out);

/** An argument or result in its frame: its value, or ?(why its place is not known). Raw words too. */
void value_param_text(struct value_printer *printer, const struct plan_value *value,
		      struct text *out);
/** {"name":...,"type":...,"value":...} */
void value_param_json(struct value_printer *printer, const struct plan_value *value,
		      struct text *out);

/** A JSON string with quotes and escapes; bytes that are not UTF-8 become U+FFFD. */
void value_json_string(const char *bytes, size_t len, struct text *out);

#endif
