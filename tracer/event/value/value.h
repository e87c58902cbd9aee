// SPDX-License-Identifier: GPL-2.0-or-later
// Prints a Go value from its type and a struct memory, as text (Go's own syntax) or as JSON
// (gotrace(1), VALUES). A value that is not certain prints as ?(reason) or
// {"unavailable":"reason"}, never as a made-up number. In text, fields that are zero or named _ are
// left out, unless shows_zero. JSON has all but those named _, because several of them would be the
// same key.
#ifndef GOTRACE_TRACER_EVENT_VALUE_VALUE_H
#define GOTRACE_TRACER_EVENT_VALUE_VALUE_H

#include "base/text.h"
#include "tracer/event/memory.h"
#include "tracer/event/value/tree.h"

enum { VALUE_ERRORS = 64, VALUE_KNOWN = 256, VALUE_NAMES = 256, VALUE_BYTES_MAX = 64 * 1024 };

struct known_row;

struct value_printer { // plain data; one per session, with its memory refilled for each event
	struct memory *memory;
	const struct loaded *loaded;   // names of functions, dynamic types
	uint32_t depth, strlen, items; // as in plan_options
	bool is_raw;		       // well-known types and errors print their fields
	bool is_brief;	  // only what a line is likely to show was captured (plan_capture)
	bool shows_zero;  // of text: also fields that are zero or named _
	const char *func; // name of the traced function: its package is left out; may be NULL
	const struct redact *redact[2]; // what is secret by either is "?(redacted)"; may be NULL
	size_t used; // bytes of text of this event's values so far; at most about VALUE_BYTES_MAX
	/** Called with the vaddr of a dynamic type's descriptor if the value was not captured
	 *  because the capture engine does not know the type yet. May be NULL. */
	void (*unseen)(void *context, uint64_t rtype);
	void *context;
	const bool *is_full; // true: the table of types is full; may be NULL
	struct {	     // private, zero at first: a cache of what Error methods return
		const struct gotype *type;
		bool returns_string;
	} errors[VALUE_ERRORS];
	struct { // the same of well-known types
		const struct gotype *type;
		const struct known_row *row;
		bool is_redacted;
	} known[VALUE_KNOWN];
	struct { // and of names
		const char *name;
		bool is_redacted;
	} names[VALUE_NAMES];
	struct {
		const struct gofield *field;
		bool is_redacted;
	} fields[VALUE_NAMES];
};

/** Writes the value of this type at addr in Go's syntax, whole. */
void value_text(struct value_printer *printer, struct gotype *type, uint64_t addr,
		struct text *out);

/** Writes the value of this type at addr as one JSON value. */
void value_json(struct value_printer *printer, struct gotype *type, uint64_t addr,
		struct text *out);

/** Adds the value of an argument or result in its frame to a tree, or ?(reason) if its place is not
 *  known. A parameter without a type is a raw word and prints in hexadecimal. */
void value_param_add(struct value_printer *printer, const struct plan_value *value,
		     struct value_tree *tree);
/** Reads the words of an argument that is a pointer, map or interface; the second is 0 unless it is
 *  an interface. False if it is nil, something else, or not available. */
bool value_param_pointer(struct value_printer *printer, const struct plan_value *value,
			 uint64_t words[2]);
/** Writes an argument or result as {"name":...,"type":...,"value":...}. */
void value_param_json(struct value_printer *printer, const struct plan_value *value,
		      struct text *out);

struct expr_path;

/** Add to a tree, or write as JSON, what a path over a parameter in this frame leads to; ?(reason)
 *  if it leads to nothing: ?(nil r.URL), ?(index 3 of 2 elements). */
void value_path_add(struct value_printer *printer, const struct plan_frame *frame,
		    const struct expr_path *path, struct value_tree *tree);
void value_path_json(struct value_printer *printer, const struct plan_frame *frame,
		     const struct expr_path *path, struct text *out);

#endif
