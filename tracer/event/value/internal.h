// SPDX-License-Identifier: GPL-2.0-or-later
// Shared by the files of the value printer. One walk (walk.c) goes over the value's type and
// memory, and a style (Go's text or JSON) writes what the walk finds. All memory read here may be
// hostile: lengths and counts are checked before use, and nesting, work and output are bounded.
#ifndef GOTRACE_TRACER_EVENT_VALUE_INTERNAL_H
#define GOTRACE_TRACER_EVENT_VALUE_INTERNAL_H

#include "tracer/event/value/value.h"
#include "tracer/plan/expr/expr.h"

enum {
	WALK_NEST_MAX = 64,	    // values inside one another
	WALK_BUCKETS_MAX = 1 << 14, // buckets, groups and tables of maps read for one value
	WALK_ENTRIES_MAX = 1 << 14, // entries of one map
	MESSAGE_MAX = 1024,	    // bytes of an error's message
	WALK_READS_MAX = 1 << 12,   // reads for well-known types and messages of one value
};

struct walk;
struct dynamic;

// Writes what the walk finds.
struct value_style {
	bool skips_blank; // fields named _ are always left out
	/** A value that is not available, for this reason. */
	void (*unavailable)(struct walk *walk, const char *reason);
	void (*nil)(struct walk *walk);
	void (*boolean)(struct walk *walk, bool value);
	/** bits is sign-extended if the kind is signed. */
	void (*integer)(struct walk *walk, const struct gotype *type, uint64_t bits);
	void (*floating)(struct walk *walk, double value, bool is_single);
	void (*complex)(struct walk *walk, double real, double imaginary, bool is_single);
	/** The first len of the string's total bytes. */
	void (*string)(struct walk *walk, const char *bytes, size_t len, uint64_t total);
	/** The name of a function: its form shows what it is. */
	void (*plain)(struct walk *walk, const char *bytes, size_t len);
	/** A value of a well-known type. flags: enum known_flags. is_zero: all its bytes are. */
	void (*known)(struct walk *walk, const char *bytes, size_t len, uint8_t flags,
		      bool is_zero);
	/** A pointer, map, channel or function that was not followed. */
	void (*address)(struct walk *walk, const struct gotype *type, uint64_t addr);
	/** Before the value that a followed pointer points to. */
	void (*pointer)(struct walk *walk);
	void (*chan)(struct walk *walk, const struct gotype *type, uint64_t addr, uint64_t len,
		     uint64_t cap);
	/** Before and after the elements, entries or fields of an array, slice, map or struct;
	 *  shown of total are written. */
	void (*begin)(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total);
	void (*end)(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total);
	/** Before each element, entry or field. field is NULL unless the value is a struct. */
	void (*item)(struct walk *walk, bool is_first, const struct gofield *field);
	/** Before a map entry's key, between key and elem, and after the elem. */
	void (*key)(struct walk *walk);
	void (*elem)(struct walk *walk);
	void (*entry_end)(struct walk *walk);
	/** An array or slice of bytes. */
	void (*bytes)(struct walk *walk, const struct gotype *type, const uint8_t *bytes,
		      uint64_t shown, uint64_t total);
	/** An interface that is not nil. The style writes its value with walk_dynamic. */
	void (*interface)(struct walk *walk, const struct gotype *type, struct dynamic *dynamic);
};

extern const struct value_style value_style_text, value_style_json;

struct walk_open { // a value that is being printed
	uint64_t addr;
	const struct gotype *type;
};

struct walk { // one value on its way to the output
	struct value_printer *printer;
	struct memory *memory;
	const struct value_style *style;
	struct text *out;
	struct value_tree *tree; // of the text style; out is its text
	uint32_t open_node;	 // the innermost node that has not ended; UINT32_MAX: none
	uint32_t last_node;	 // the last that ended
	size_t start;		 // the length of out at first
	size_t end;		 // the length that out may reach, approximately
	uint64_t frame_end;	 // bytes of the frame from here on belong to other values
	uint32_t depth;		 // pointers and interfaces that may still be followed
	uint32_t buckets;	 // buckets, groups and tables of maps that may still be read
	uint32_t reads;		 // reads that are left for well-known types
	uint32_t num_known; // values of well-known types that are being printed, one in another
	uint32_t num_open;
	struct walk_open open[WALK_NEST_MAX];
};

struct dynamic { // what an interface holds
	struct gotype *type;
	uint64_t addr;	     // of the value
	uint64_t word;	     // the interface's data word
	uint32_t cost;	     // steps of depth that the value takes
	const char *missing; // not NULL: why the value cannot be shown
	bool is_too_deep;    // missing only because of depth: an error's message may be available
};

/** Returns the reason that is shown for a value whose type the capture engine did not know yet. */
const char *walk_first_seen(const struct walk *walk);

/** Writes the value of this type at addr in the walk's style. */
void walk_value(struct walk *walk, struct gotype *type, uint64_t addr);
/** Writes the value that an interface holds. */
void walk_dynamic(struct walk *walk, const struct dynamic *dynamic);
/** Copies len bytes at addr; false with a reason, as memory_read. reason must not be NULL. */
bool walk_read(struct walk *walk, uint64_t addr, void *dst, size_t len, const char **reason);
/** Returns how many of the len bytes at addr can be read, counted from addr. */
size_t walk_available(struct walk *walk, uint64_t addr, size_t len);
/** Writes why nothing can be read at addr. */
void walk_missing(struct walk *walk, uint64_t addr, const char *reason);
/** Writes a reason made from a format. */
void walk_unavailable(struct walk *walk, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** True if a Go pointer may point to addr: not to the first page and not to the frame's window. */
bool walk_is_user(uint64_t addr);
/** True if the value of this type at addr is already being printed, so that it contains itself. */
bool walk_is_open(const struct walk *walk, uint64_t addr, const struct gotype *type);
/** True if the output has reached its bound or has failed. */
bool walk_is_full(const struct walk *walk);
/** Enters a value. If nesting or output is at its bound, writes a reason and returns false. */
bool walk_enter(struct walk *walk, uint64_t addr, const struct gotype *type);
/** Finds what the interface of this type at addr holds. Returns false if the interface is nil
 *  (*reason stays NULL) or is not available (*reason is set, and out->addr is the address it
 *  applies to). */
bool walk_interface(struct walk *walk, const struct gotype *type, uint64_t addr,
		    struct dynamic *out, const char **reason);

/** Writes a map whose header is at this address. */
void walk_map(struct walk *walk, struct gotype *type, uint64_t header);

struct walk_key {	  // of a map
	const char *text; // of a string; NULL: the key is the number
	size_t len;
	uint64_t number; // an integer or a bool
};

/** Finds the element with this key in a map whose header is at this address (0: a nil map). If it
 *  is not among the entries that were captured, writes why and returns false. */
bool walk_map_find(struct walk *walk, struct gotype *type, uint64_t header,
		   const struct walk_key *key, uint64_t *addr);

/** Writes what a path over a parameter in the frame leads to, or why it leads to nothing. */
void walk_path(struct walk *walk, const struct plan_frame *frame, const struct expr_path *path);

struct message { // of an error, as its Error method would return it
	char bytes[MESSAGE_MAX];
	size_t len;
	uint64_t total; // bytes of the whole message; it was cut if this is more than len
	unsigned nesting;
};

/** Builds the message of the error in dynamic. Returns false if the message is not known without
 *  running the target's code. */
bool walk_message(struct walk *walk, const struct dynamic *dynamic, struct message *out);
extern const char value_redacted[]; // the reason "redacted"

/** True if values of this name, which lives as long as the printer, and of this type, which may be
 *  NULL, are secret by their name. */
bool value_redacts_name(struct value_printer *printer, const char *name, struct gotype *type);
/** The same of a name that is no longer there then: a key of a map. */
bool value_redacts_key(const struct value_printer *printer, const char *name, size_t len);
/** True if values of this type, which is complete, are. */
bool value_redacts_type(struct value_printer *printer, struct gotype *type);
/** The same of this field of a type. */
bool value_redacts_field(struct value_printer *printer, const struct gotype *type,
			 const struct gofield *field);
/** True if the element with this key of a map is secret, or if its key was not captured. */
bool walk_redacts_key(struct walk *walk, const struct gotype *type, uint64_t addr);

/** Writes the value as its well-known type prints (known/known.h). Returns false if it has none, or
 *  if something that it needs is not available. */
bool walk_known(struct walk *walk, struct gotype *type, uint64_t addr);
/** Appends to out what walk_known writes in text, unless JSON has it in place of the value. */
bool walk_known_text(struct walk *walk, struct gotype *type, uint64_t addr, struct text *out);
/** Appends the message of an error of a well-known type. */
bool walk_known_message(struct walk *walk, struct gotype *type, uint64_t addr, struct text *out);

/** In JSON: writes the text of a well-known type beside its value. */
void json_known(struct walk *walk, struct gotype *type, uint64_t addr);

/** Writes a float as Go's %v does: the fewest digits that read back as the same number. */
void value_float(double value, bool is_single, struct text *out);
/** Writes a duration as Duration.String does: "1.5s". */
void value_duration(int64_t ns, struct text *out);
/** Writes a time as RFC 3339 in UTC, with as many digits of nanoseconds as needed. Years outside 0
 *  to 9999 are written in full. */
void value_time(int64_t unix_seconds, uint32_t ns, struct text *out);

/** Writes a type as Go prints it, without its package where that is clear: the literal around it
 *  has the same, or the traced function if there is none. */
void walk_type(struct walk *walk, const struct gotype *type, struct text *out);

/** Reads the integer of this type at addr, sign-extended; false with a reason. */
bool walk_bits(struct walk *walk, const struct gotype *type, uint64_t addr, uint64_t *out,
	       const char **reason);
/** Writes the name of the constant that has this type and value, as walk_type does with its
 *  package; in JSON always with its package. False if there is not exactly one. */
bool walk_constant(struct walk *walk, const struct gotype *type, uint64_t bits, struct text *out);

/** Writes a string as strconv.Quote does. */
void value_quote(const char *bytes, size_t len, struct text *out);
/** Returns len without the part of a UTF-8 character that was cut off at the end of bytes. */
size_t value_whole_runes(const char *bytes, size_t len);

#endif
