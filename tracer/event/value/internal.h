// SPDX-License-Identifier: GPL-2.0-or-later
// What the files of the value printer share. One walk goes over the value's type and memory
// (value_walk.c); what it finds is written by a style, Go's text or JSON. Everything read here is
// hostile: lengths and counts are checked before they are used, nesting, work and output are bounded.
#ifndef GOTRACE_TRACER_EVENT_VALUE_INTERNAL_H
#define GOTRACE_TRACER_EVENT_VALUE_INTERNAL_H

#include "tracer/event/value/value.h"

enum {
	WALK_NEST_MAX = 64,	    // values inside one another
	WALK_BUCKETS_MAX = 1 << 14, // buckets and groups of maps looked at for one value
	WALK_ENTRIES_MAX = 1 << 14, // entries of one map
	MESSAGE_MAX = 1024,	    // bytes of an error's message
};

struct walk;
struct dynamic;

/** How what the walk finds is written. */
struct value_style {
	bool skips_blank; // fields named _ are left out
	/** It cannot be had, for this reason. */
	void (*unavailable)(struct walk *walk, const char *reason);
	void (*nil)(struct walk *walk);
	void (*boolean)(struct walk *walk, bool value);
	/** bits: sign-extended where the kind is a signed one. */
	void (*integer)(struct walk *walk, const struct gotype *type, uint64_t bits);
	void (*floating)(struct walk *walk, double value, bool is_single);
	void (*complex)(struct walk *walk, double real, double imaginary, bool is_single);
	/** len of the string's total bytes. */
	void (*string)(struct walk *walk, const char *bytes, size_t len, uint64_t total);
	/** Time, duration, name of a function: text whose form says what it is. */
	void (*plain)(struct walk *walk, const char *bytes, size_t len);
	/** A pointer, map, channel or function that was not followed. */
	void (*address)(struct walk *walk, const struct gotype *type, uint64_t addr);
	/** Before the value that a followed pointer leads to. */
	void (*pointer)(struct walk *walk);
	void (*chan)(struct walk *walk, const struct gotype *type, uint64_t addr, uint64_t len,
		     uint64_t cap);
	/** Around the shown of total elements, entries or fields of an array, slice, map or struct. */
	void (*begin)(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total);
	void (*end)(struct walk *walk, const struct gotype *type, uint64_t shown, uint64_t total);
	/** Before each of them; field is a struct's. */
	void (*item)(struct walk *walk, bool is_first, const struct gofield *field);
	/** Before a map entry's key, between it and the elem, and after that. */
	void (*key)(struct walk *walk);
	void (*elem)(struct walk *walk);
	void (*entry_end)(struct walk *walk);
	/** A whole element of an array or slice of bytes. */
	void (*byte)(struct walk *walk, uint8_t value);
	/** An interface that is not nil: writes what it holds by walk_dynamic. */
	void (*interface)(struct walk *walk, const struct gotype *type, struct dynamic *dynamic);
};

extern const struct value_style value_style_text, value_style_json;

struct walk_open { // a value that is being printed
	uint64_t addr;
	const struct gotype *type;
};

struct walk { // one value_text or value_json
	struct value_printer *printer;
	struct memory *memory;
	const struct value_style *style;
	struct text *out;
	size_t end;	    // the length of out that the value may reach, about
	uint64_t frame_end; // the frame's bytes behind this are another value's
	uint32_t depth;	    // pointers and interfaces that may still be followed
	uint32_t buckets;   // that may still be looked at
	uint32_t num_open;
	struct walk_open open[WALK_NEST_MAX];
};

struct dynamic { // what an interface holds
	struct gotype *type;
	uint64_t addr;	     // of the value
	uint64_t word;	     // the interface's data word
	uint32_t cost;	     // steps of depth that it takes
	const char *missing; // not NULL: why the value cannot be shown
	bool is_too_deep;    // missing for its depth alone: an error's message may be there
};

// Why a value is not there whose type the capture engine did not know yet.
const char *walk_first_seen(const struct walk *walk);

/** The value of this type at addr, in the walk's style. */
void walk_value(struct walk *walk, struct gotype *type, uint64_t addr);
/** The value part of an interface. */
void walk_dynamic(struct walk *walk, const struct dynamic *dynamic);
/** Copies len bytes at addr; false with a reason as memory_read. */
bool walk_read(struct walk *walk, uint64_t addr, void *dst, size_t len, const char **reason);
/** How many of the len bytes at addr can be read. */
size_t walk_available(struct walk *walk, uint64_t addr, size_t len);
/** Writes why nothing can be read at addr. */
void walk_missing(struct walk *walk, uint64_t addr, const char *reason);
/** Writes a reason made from a format. */
void walk_unavailable(struct walk *walk, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** True where a Go pointer may lead: not the frame's window, not the first page. */
bool walk_is_user(uint64_t addr);
/** True if this value is being printed around this one: a cycle. */
bool walk_is_open(const struct walk *walk, uint64_t addr, const struct gotype *type);
bool walk_is_full(const struct walk *walk);
/** Enters a value; false (and a reason is written) where nesting or output is at its bound. */
bool walk_enter(struct walk *walk, uint64_t addr, const struct gotype *type);
void walk_leave(struct walk *walk);
/** What the interface of this type at addr holds. False where it is nil, *reason NULL, or cannot be
 *  had: *reason says why and out->addr where. */
bool walk_interface(struct walk *walk, const struct gotype *type, uint64_t addr,
		    struct dynamic *out, const char **reason);

/** A map whose header is at addr. */
void walk_map(struct walk *walk, struct gotype *type, uint64_t header);

struct message { // of an error, as its Error method would make it
	char bytes[MESSAGE_MAX];
	size_t len;
	uint64_t total; // bytes of the whole message; more than len: cut
	unsigned nesting;
};

/** The message of the error in dynamic, where it is known without running code. */
bool walk_message(struct walk *walk, const struct dynamic *dynamic, struct message *out);
/** What syscall.Errno's Error method returns on linux/amd64; NULL for a number without a text. */
const char *value_errno(uint64_t number);

/** A float as Go's %v prints it: the fewest digits that read back as the same number. */
void value_float(double value, bool is_single, struct text *out);
/** As Duration.String: "1.5s". */
void value_duration(int64_t ns, struct text *out);
/** RFC 3339 in UTC with as many digits of nanoseconds as needed; years outside 0 to 9999 as they are. */
void value_time(int64_t unix_seconds, uint32_t ns, struct text *out);

/** A string as strconv.Quote writes it. */
void value_quote(const char *bytes, size_t len, struct text *out);
/** len without a character that was cut off at its end. */
size_t value_whole_runes(const char *bytes, size_t len);

#endif
