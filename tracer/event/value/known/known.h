// SPDX-License-Identifier: GPL-2.0-or-later
// Well-known types, which print as what they mean: "GET /user?name=zed HTTP/1.1" for an
// *http.Request. One table, a row a type, a file a package. A row's function reads the value's
// fields by name, so that it works for all Go releases, and only from what was captured. If a field
// that it needs is missing, not captured or implausible, it returns false, and the value prints as
// any other does. All memory is hostile: what is read is checked, and each value has a budget of
// reads (WALK_READS_MAX).
#ifndef GOTRACE_TRACER_EVENT_VALUE_KNOWN_H
#define GOTRACE_TRACER_EVENT_VALUE_KNOWN_H

#include "tracer/event/value/internal.h"

struct known_value { // a value in the target's memory
	struct walk *walk;
	struct gotype *type;
	uint64_t addr;
};

enum known_flags {
	KNOWN_TYPED = 1,   // the text goes into parentheses after the type's name
	KNOWN_POINTER = 2, // a pointer to the type prints as the type does
	KNOWN_JSON = 4,	   // JSON has the text in place of the value
	KNOWN_MESSAGE = 8, // an error; the text is what its Error method returns
	KNOWN_TEXT = 32,   // the text may be cut as a string is: no number in it could be mistaken
	KNOWN_CLEAR = 16,  // the text shows what it is, so that an interface need not add the type
};

struct known_row {
	// Its full name. A name that ends with "[" is of all instances of a generic type; one that
	// begins with "." is of all types with this name in any package.
	const char *type;
	bool (*print)(const struct known_value *value, struct text *out);
	uint8_t flags; // of enum known_flags
};

// The rows of each file; the last has no type.
extern const struct known_row known_time[], known_net[], known_netip[], known_url[], known_http[],
	known_context[], known_sync[], known_buffers[], known_big[], known_os[], known_sql[],
	known_slog[], known_others[];

/** Finds what a path of fields leads to: "URL.Path". Pointers on the way are followed, and
 *  interfaces are opened. "" is the value itself. */
bool known_get(const struct known_value *of, const char *path, struct known_value *out);
/** Follows pointers and interfaces until a value is neither. False if one is nil. */
bool known_follow(const struct known_value *of, struct known_value *out);
/** True if the path leads to a pointer, interface, map or slice that is nil. */
bool known_is_nil(const struct known_value *of, const char *path);
/** Reads an integer or bool, or the one in a sync/atomic type. */
bool known_number(const struct known_value *of, const char *path, int64_t *out);

struct known_bytes { // of a string or a slice of bytes
	uint64_t addr, len;
};
bool known_bytes(const struct known_value *of, const char *path, struct known_bytes *out);
/** Copies up to size of the bytes; returns how many were captured. */
size_t known_copy(const struct known_value *of, const struct known_bytes *bytes, void *to,
		  size_t size);
/** Appends the bytes: in quotes, or as they are. What is cut is shown as "...+N bytes". */
bool known_put_bytes(const struct known_value *of, const struct known_bytes *bytes, bool is_quoted,
		     struct text *out);
/** The same for the string at the path. */
bool known_put(const struct known_value *of, const char *path, struct text *out);
bool known_quote(const struct known_value *of, const char *path, struct text *out);
/** Appends the string if it is captured whole. */
bool known_put_whole(const struct known_value *of, const char *path, struct text *out);

/** The number of elements of a slice, and the slice's element i. */
bool known_len(const struct known_value *of, const char *path, uint64_t *out);
bool known_elem(const struct known_value *of, const char *path, uint64_t i,
		struct known_value *out);

/** Appends a value of a well-known type that the path leads to, without its type's name. */
bool known_put_known(const struct known_value *of, const char *path, struct text *out);
/** Appends the message of the error at the path. */
bool known_put_error(const struct known_value *of, const char *path, struct text *out);
/** Appends a number, bool, string in quotes or well-known type, otherwise as fmt's %v does. */
bool known_put_scalar(const struct known_value *of, const char *path, struct text *out);
/** Finds the interface at the path, which is not nil. */
bool known_dynamic(const struct known_value *of, const char *path, struct dynamic *out);

// Addresses of the packages net and net/netip.

/** Appends an IPv4 address, or an IPv6 address as RFC 5952 has it. */
void known_put_ip4(const uint8_t bytes[4], struct text *out);
void known_put_ip6(const uint8_t bytes[16], struct text *out);

#endif
