// SPDX-License-Identifier: GPL-2.0-or-later
// The walk over a value's type and memory, with one function for each kind.
#include "tracer/event/value/internal.h"

#include <stdarg.h>
#include <stdio.h>

// --- Reading -----------------------------------------------------------------------------------

bool walk_is_user(uint64_t addr)
{
	return addr >= 4096 && !(addr >> 56);
}

static bool is_frame(uint64_t addr)
{
	return addr >= MEMORY_FRAME;
}

bool walk_read(struct walk *walk, uint64_t addr, void *dst, size_t len, const char **reason)
{
	if (is_frame(addr) && (addr > walk->frame_end || len > walk->frame_end - addr)) {
		*reason = memory_not_captured;
		return false;
	}
	return memory_read(walk->memory, addr, dst, len, reason);
}

size_t walk_available(struct walk *walk, uint64_t addr, size_t len)
{
	if (is_frame(addr)) {
		if (addr >= walk->frame_end)
			return 0;
		if (len > walk->frame_end - addr)
			len = walk->frame_end - addr;
	}
	return memory_available(walk->memory, addr, len);
}

// Returns why the byte at addr cannot be read; NULL if it can.
static const char *why_missing(struct walk *walk, uint64_t addr)
{
	char byte;
	const char *reason = NULL;
	return walk_read(walk, addr, &byte, 1, &reason) ? NULL : reason;
}

void walk_unavailable(struct walk *walk, const char *fmt, ...)
{
	char reason[160];
	va_list args;
	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	walk->style->unavailable(walk, reason);
}

void walk_missing(struct walk *walk, uint64_t addr, const char *reason)
{
	if ((reason == memory_unreadable || reason == memory_not_captured) &&
	    memory_has_unseen(walk->memory) && !memory_is_followed(walk->memory, addr))
		walk->style->unavailable(walk, walk_first_seen(walk));
	else if (reason == memory_unreadable)
		walk_unavailable(walk, "unreadable 0x%llx", (unsigned long long)addr);
	else
		walk->style->unavailable(walk, reason == memory_not_captured
						       ? memory_why_missing(walk->memory)
						       : reason);
}

// Reads len bytes at addr. If that fails, writes the reason and returns false.
static bool read_or_say(struct walk *walk, uint64_t addr, void *dst, size_t len)
{
	const char *reason = NULL;
	if (walk_read(walk, addr, dst, len, &reason))
		return true;
	walk_missing(walk, addr, reason);
	return false;
}

// --- Bounds ------------------------------------------------------------------------------------

bool walk_is_open(const struct walk *walk, uint64_t addr, const struct gotype *type)
{
	for (uint32_t i = 0; i < walk->num_open; i++) {
		const struct walk_open *open = &walk->open[i];
		// A type of DWARF and one of a run-time descriptor may be the same Go type: compare
		// names.
		if (open->addr == addr &&
		    (open->type == type || (open->type->kind == type->kind &&
					    !strcmp(open->type->full_name, type->full_name))))
			return true;
	}
	return false;
}

bool walk_is_full(const struct walk *walk)
{
	return walk->out->failed || walk->out->len > walk->end;
}

bool walk_enter(struct walk *walk, uint64_t addr, const struct gotype *type)
{
	const char *reason = walk_is_full(walk)		       ? "output too long"
			     : walk->num_open == WALK_NEST_MAX ? "nested too deep"
							       : NULL;
	if (reason) {
		walk->style->unavailable(walk, reason);
		return false;
	}
	walk->open[walk->num_open++] = (struct walk_open){addr, type};
	return true;
}

static void walk_leave(struct walk *walk)
{
	walk->num_open--;
}

// If the output is at its bound, writes that the rest is left out and returns true. The caller then
// closes what is open, so that JSON stays valid.
static bool ends_here(struct walk *walk)
{
	if (!walk_is_full(walk))
		return false;
	walk->style->unavailable(walk, "output too long");
	return true;
}

// --- Numbers -----------------------------------------------------------------------------------

static void walk_bool(struct walk *walk, struct gotype *type, uint64_t addr)
{
	(void)type;
	uint8_t value;
	if (!read_or_say(walk, addr, &value, 1))
		return;
	if (value > 1)
		walk_unavailable(walk, "bool %u", value);
	else
		walk->style->boolean(walk, value);
}

bool walk_bits(struct walk *walk, const struct gotype *type, uint64_t addr, uint64_t *out,
	       const char **reason)
{
	size_t size = gokind_size(type->kind);
	unsigned unused = 64 - 8 * (unsigned)size;
	*out = 0;
	if (!walk_read(walk, addr, out, size, reason))
		return false;
	if (type->kind <= GO_INT64)
		*out = (uint64_t)((int64_t)(*out << unused) >> unused);
	return true;
}

static void walk_integer(struct walk *walk, struct gotype *type, uint64_t addr)
{
	uint64_t bits;
	const char *reason = NULL;
	if (walk_bits(walk, type, addr, &bits, &reason))
		walk->style->integer(walk, type, bits);
	else
		walk_missing(walk, addr, reason);
}

static void walk_float(struct walk *walk, struct gotype *type, uint64_t addr)
{
	float single;
	double value;
	bool is_single = type->kind == GO_FLOAT32;
	if (is_single ? !read_or_say(walk, addr, &single, sizeof(single))
		      : !read_or_say(walk, addr, &value, sizeof(value)))
		return;
	walk->style->floating(walk, is_single ? (double)single : value, is_single);
}

static void walk_complex(struct walk *walk, struct gotype *type, uint64_t addr)
{
	float single[2];
	double value[2];
	bool is_single = type->kind == GO_COMPLEX64;
	if (is_single ? !read_or_say(walk, addr, single, sizeof(single))
		      : !read_or_say(walk, addr, value, sizeof(value)))
		return;
	walk->style->complex(walk, is_single ? (double)single[0] : value[0],
			     is_single ? (double)single[1] : value[1], is_single);
}

// --- Strings, slices, arrays -------------------------------------------------------------------

static void walk_string(struct walk *walk, struct gotype *type, uint64_t addr)
{
	(void)type;
	struct {
		uint64_t data;
		int64_t len;
	} header;
	if (!read_or_say(walk, addr, &header, sizeof(header)))
		return;
	if (header.len < 0 || header.len >> 47) {
		walk_unavailable(walk, "string of length %lld", (long long)header.len);
		return;
	}
	uint64_t total = (uint64_t)header.len;
	uint32_t most = walk->printer->strlen;
	size_t wanted = total < most ? (size_t)total : most, have = 0;
	const uint8_t *bytes = NULL;
	if (total && !walk_is_user(header.data)) {
		walk_missing(walk, header.data, memory_unreadable);
		return;
	}
	if (wanted)
		bytes = memory_view(walk->memory, header.data, wanted, &have);
	if (wanted && !bytes && why_missing(walk, header.data) == memory_unreadable) {
		walk_missing(walk, header.data, memory_unreadable);
		return;
	}
	size_t len = have < total ? value_whole_runes((const char *)bytes, have) : have;
	walk->style->string(walk, bytes ? (const char *)bytes : "", len, total);
}

// Returns how many of the first num elements at addr can be shown: those that can be read, or 1 if
// only part of the first can. Of a large element only parts may be captured: it can be shown if its
// first byte can be read. If the first byte is in a hole of the frame, returns num: the elements
// then show the reason.
static uint64_t captured_elements(struct walk *walk, const struct gotype *elem, uint64_t addr,
				  uint64_t num)
{
	uint64_t bytes;
	if (__builtin_mul_overflow(elem->size, num, &bytes))
		bytes = SIZE_MAX;
	uint64_t have = walk_available(walk, addr, bytes), whole = have / elem->size;
	while (elem->size >= PLAN_GAP_MIN && whole < num &&
	       walk_available(walk, addr + whole * elem->size, 1))
		whole++;
	if (whole || have)
		return whole ? whole : 1;
	const char *reason = why_missing(walk, addr);
	return reason == memory_not_captured || reason == memory_unreadable ? 0 : num;
}

static void walk_elements(struct walk *walk, struct gotype *type, uint64_t addr, uint64_t total)
{
	struct gotype *elem = type->elem;
	uint64_t shown = total < walk->printer->items ? total : walk->printer->items;
	if (shown && elem->size)
		shown = captured_elements(walk, elem, addr, shown);
	if (elem->kind == GO_UINT8 && shown) {
		size_t have = 0;
		const uint8_t *bytes = memory_view(walk->memory, addr, shown, &have);
		if (bytes && have == shown) {
			walk->style->bytes(walk, type, bytes, shown, total);
			return;
		}
	}
	walk->style->begin(walk, type, shown, total);
	for (uint64_t i = 0; i < shown; i++) {
		walk->style->item(walk, i == 0, NULL);
		if (ends_here(walk))
			break;
		walk_value(walk, elem, addr + i * elem->size);
	}
	walk->style->end(walk, type, shown, total);
}

static bool complete_or_say(struct walk *walk, struct gotype *type)
{
	if (type)
		gotype_complete(type);
	if (type && type->kind != GO_INVALID)
		return true;
	walk->style->unavailable(walk, type && type->broken ? type->broken : "type not known");
	return false;
}

static void walk_slice(struct walk *walk, struct gotype *type, uint64_t addr)
{
	struct {
		uint64_t data;
		int64_t len, cap;
	} header;
	if (!read_or_say(walk, addr, &header, sizeof(header)))
		return;
	if (header.len < 0 || header.len >> 47 || (!header.data && header.len)) {
		walk_unavailable(walk, "slice of length %lld", (long long)header.len);
	} else if (header.len > header.cap) {
		walk_unavailable(walk, "slice of length %lld and capacity %lld",
				 (long long)header.len, (long long)header.cap);
	} else if (!header.data) {
		walk->style->nil(walk);
	} else if (complete_or_say(walk, type->elem)) {
		if (!header.len || !type->elem->size)
			walk_elements(walk, type, header.data, (uint64_t)header.len);
		else if (!walk_is_user(header.data) ||
			 why_missing(walk, header.data) == memory_unreadable)
			walk_missing(walk, header.data, memory_unreadable);
		else if (walk_is_open(walk, header.data, type->elem))
			walk->style->address(walk, type, header.data);
		else
			walk_elements(walk, type, header.data, (uint64_t)header.len);
	}
}

static void walk_array(struct walk *walk, struct gotype *type, uint64_t addr)
{
	if (!complete_or_say(walk, type->elem))
		return;
	const char *reason = type->len && type->elem->size ? why_missing(walk, addr) : NULL;
	if (reason == memory_unreadable)
		walk_missing(walk, addr, reason);
	else
		walk_elements(walk, type, addr, type->len);
}

// --- Structs -----------------------------------------------------------------------------------

static void walk_struct(struct walk *walk, struct gotype *type, uint64_t addr)
{
	const char *reason = type->size ? why_missing(walk, addr) : NULL;
	if (reason == memory_unreadable || reason == memory_not_captured) {
		walk_missing(walk, addr, reason);
		return;
	}
	walk->style->begin(walk, type, type->num_fields, type->num_fields);
	bool is_first = true;
	for (size_t i = 0; i < type->num_fields; i++) {
		const struct gofield *field = &type->fields[i];
		if (!strcmp(field->name, "_") &&
		    (walk->style->skips_blank || !walk->printer->shows_zero))
			continue;
		walk->style->item(walk, is_first, field);
		if (ends_here(walk))
			break;
		if (value_redacts_field(walk->printer, type, field))
			walk->style->unavailable(walk, value_redacted);
		else
			walk_value(walk, field->type, addr + field->offset);
		is_first = false;
	}
	walk->style->end(walk, type, type->num_fields, type->num_fields);
}

// --- Pointers, channels, functions, maps -------------------------------------------------------

// Reads the pointer at addr. Returns true if it is not nil; otherwise writes nil, or why the
// pointer cannot be read.
static bool read_pointer(struct walk *walk, uint64_t addr, uint64_t *to)
{
	if (!read_or_say(walk, addr, to, sizeof(*to)))
		return false;
	if (!*to)
		walk->style->nil(walk);
	return *to;
}

// Returns true if the first of the len bytes at addr can be read. Otherwise writes a reason or the
// address.
static bool is_there(struct walk *walk, const struct gotype *type, uint64_t addr, size_t len)
{
	if (!walk_is_user(addr)) {
		walk_missing(walk, addr, memory_unreadable);
		return false;
	}
	const char *reason = len ? why_missing(walk, addr) : NULL;
	if (reason == memory_unreadable)
		walk_missing(walk, addr, reason);
	else if (reason)
		walk->style->address(walk, type, addr);
	return !reason;
}

static void walk_pointer(struct walk *walk, struct gotype *type, uint64_t addr)
{
	uint64_t to;
	if (!read_pointer(walk, addr, &to))
		return;
	struct gotype *elem = walk->depth ? type->elem : NULL;
	if (elem)
		gotype_complete(elem);
	if (!elem || elem->kind == GO_INVALID || walk_is_open(walk, to, elem)) {
		walk->style->address(walk, type, to);
		return;
	}
	if (!is_there(walk, type, to, elem->size))
		return;
	walk->style->pointer(walk);
	walk->depth--;
	walk_value(walk, elem, to);
	walk->depth++;
}

static void walk_unsafe_pointer(struct walk *walk, struct gotype *type, uint64_t addr)
{
	uint64_t to;
	if (read_pointer(walk, addr, &to))
		walk->style->address(walk, type, to);
}

static void walk_chan(struct walk *walk, struct gotype *type, uint64_t addr)
{
	uint64_t to, len = 0, cap = 0;
	const char *reason = NULL;
	if (!read_pointer(walk, addr, &to) || !is_there(walk, type, to, 1))
		return;
	const struct runtime_layout *layout =
		walk->printer->loaded->index ? index_runtime(walk->printer->loaded->index) : NULL;
	// In every release these are the first two words of runtime.hchan.
	uint32_t len_off = layout ? layout->hchan_qcount : 0;
	uint32_t cap_off = layout ? layout->hchan_dataqsiz : 8;
	if (!walk_read(walk, to + len_off, &len, sizeof(len), &reason) ||
	    !walk_read(walk, to + cap_off, &cap, sizeof(cap), &reason))
		walk->style->address(walk, type, to);
	else if (len > cap || cap >> 47)
		walk_unavailable(walk, "channel of length %llu and capacity %llu",
				 (unsigned long long)len, (unsigned long long)cap);
	else
		walk->style->chan(walk, type, to, len, cap);
}

static void walk_func(struct walk *walk, struct gotype *type, uint64_t addr)
{
	uint64_t to, code;
	if (!read_pointer(walk, addr, &to) || !is_there(walk, type, to, 8) ||
	    !read_or_say(walk, to, &code, sizeof(code)))
		return;
	uint64_t vaddr = loaded_vaddr(walk->printer->loaded, code);
	const struct func *func = walk->printer->loaded->index
					  ? index_func_at(walk->printer->loaded->index, vaddr)
					  : NULL;
	if (func && func->vaddr == vaddr)
		walk->style->plain(walk, func->name, strlen(func->name));
	else
		walk_unavailable(walk, "no function at 0x%llx", (unsigned long long)code);
}

static void walk_map_value(struct walk *walk, struct gotype *type, uint64_t addr)
{
	uint64_t to;
	if (!read_pointer(walk, addr, &to))
		return;
	if (walk_is_open(walk, to, type))
		walk->style->address(walk, type, to);
	else if (is_there(walk, type, to, 1) && complete_or_say(walk, type->key) &&
		 complete_or_say(walk, type->elem) && walk_enter(walk, to, type)) {
		walk_map(walk, type, to);
		walk_leave(walk);
	}
}

static void walk_interface_value(struct walk *walk, struct gotype *type, uint64_t addr)
{
	struct dynamic dynamic;
	const char *reason = NULL;
	if (walk_interface(walk, type, addr, &dynamic, &reason))
		walk->style->interface(walk, type, &dynamic);
	else if (reason)
		walk_missing(walk, dynamic.addr, reason);
	else
		walk->style->nil(walk);
}

static void walk_invalid(struct walk *walk, struct gotype *type, uint64_t addr)
{
	(void)addr;
	walk->style->unavailable(walk, type->broken ? type->broken : "type not known");
}

// --- All kinds ---------------------------------------------------------------------------------

static void (*const kinds[GO_NUM_KINDS])(struct walk *walk, struct gotype *type, uint64_t addr) = {
	[GO_INVALID] = walk_invalid,
	[GO_BOOL] = walk_bool,
	[GO_INT... GO_UINTPTR] = walk_integer,
	[GO_FLOAT32... GO_FLOAT64] = walk_float,
	[GO_COMPLEX64... GO_COMPLEX128] = walk_complex,
	[GO_ARRAY] = walk_array,
	[GO_CHAN] = walk_chan,
	[GO_FUNC] = walk_func,
	[GO_INTERFACE] = walk_interface_value,
	[GO_MAP] = walk_map_value,
	[GO_POINTER] = walk_pointer,
	[GO_SLICE] = walk_slice,
	[GO_STRING] = walk_string,
	[GO_STRUCT] = walk_struct,
	[GO_UNSAFE_POINTER] = walk_unsafe_pointer,
};

void walk_value(struct walk *walk, struct gotype *type, uint64_t addr)
{
	if (!type) {
		walk->style->unavailable(walk, "type not known");
		return;
	}
	gotype_complete(type);
	if (value_redacts_type(walk->printer, type)) {
		walk->style->unavailable(walk, value_redacted);
		return;
	}
	if (walk_known(walk, type, addr) || !walk_enter(walk, addr, type))
		return;
	kinds[(unsigned)type->kind < GO_NUM_KINDS ? type->kind : GO_INVALID](walk, type, addr);
	walk_leave(walk);
}
