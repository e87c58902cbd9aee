// SPDX-License-Identifier: GPL-2.0-or-later
// Follows the path of an expression (tracer/plan/expr/expr.h) over the memory that was captured of
// it, and writes what it leads to. Where a path ends early, the value is the reason.
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "tracer/event/value/internal.h"

enum { ITAB_TYPE = 8, LEN_BITS = 47 };

struct place { // where a path leads
	uint64_t addr;
	struct gotype *type; // NULL: it is the number, of this type
	const struct gotype *number_type;
	uint64_t number;
};

struct follower {
	struct walk *walk;
	const struct expr_path *path;
	size_t step;
	struct place at;
};

static const struct gotype type_int = {.kind = GO_INT,
				       .size = 8,
				       .name = "int",
				       .full_name = "int"};
static const struct gotype type_byte = {.kind = GO_UINT8,
					.size = 1,
					.name = "uint8",
					.full_name = "uint8"};
static const struct gotype type_bool = {.kind = GO_BOOL,
					.size = 1,
					.name = "bool",
					.full_name = "bool"};

static bool read_words(struct follower *f, uint64_t addr, void *words, size_t len)
{
	const char *reason = NULL;
	if (addr < MEMORY_FRAME && !walk_is_user(addr))
		reason = memory_unreadable;
	else if (walk_read(f->walk, addr, words, len, &reason))
		return true;
	walk_missing(f->walk, addr, reason);
	return false;
}

// Writes that the path so far is nil.
static void say_nil(struct follower *f)
{
	struct text name;
	text_init(&name);
	expr_path_write(f->path, f->step, &name);
	walk_unavailable(f->walk, "nil %s", text_string(&name));
	text_deinit(&name);
}

static void set_number(struct follower *f, const struct gotype *type, uint64_t number)
{
	f->at.type = NULL;
	f->at.number_type = type;
	f->at.number = number;
}

// --- Steps ---------------------------------------------------------------------------------------

static bool follow_pointer(struct follower *f, const struct expr_step *step)
{
	uint64_t to;
	if (!read_words(f, f->at.addr, &to, sizeof(to)))
		return false;
	if (!to) {
		say_nil(f);
		return false;
	}
	f->at.addr = to;
	f->at.type = step->to;
	return true;
}

static bool follow_element(struct follower *f, const struct expr_step *step)
{
	struct {
		uint64_t data, len;
	} header;
	uint64_t size = step->to ? step->to->size : 1;
	f->at.type = step->to;
	if (step->from->kind == GO_ARRAY) {
		f->at.addr += step->number * size;
		return true;
	}
	if (!read_words(f, f->at.addr, &header, sizeof(header)))
		return false;
	if (header.len >> LEN_BITS || (!header.data && header.len)) {
		walk_unavailable(f->walk, "length %" PRId64, (int64_t)header.len);
		return false;
	}
	if (step->number >= header.len) {
		walk_unavailable(f->walk, "index %" PRIu64 " of %" PRIu64 " %s", step->number,
				 header.len, header.len == 1 ? "element" : "elements");
		return false;
	}
	f->at.addr = header.data + step->number * size;
	uint8_t byte;
	if (step->to)
		return true;
	if (!read_words(f, f->at.addr, &byte, sizeof(byte)))
		return false;
	set_number(f, &type_byte, byte);
	return true;
}

static bool follow_key(struct follower *f, const struct expr_step *step)
{
	uint64_t header;
	if (!read_words(f, f->at.addr, &header, sizeof(header)))
		return false;
	const struct walk_key key = {.text = step->text, .len = step->len, .number = step->number};
	f->at.type = step->to;
	return walk_map_find(f->walk, step->from, header, &key, &f->at.addr);
}

// Reads the vaddr of the descriptor of what an interface holds, 0 if it is nil, and its data word.
static bool read_interface(struct follower *f, const struct gotype *type, uint64_t *rtype,
			   uint64_t *data)
{
	uint64_t words[2];
	if (!read_words(f, f->at.addr, words, sizeof(words)))
		return false;
	*rtype = 0;
	*data = words[1];
	if (words[0] && !type->is_empty_interface &&
	    !read_words(f, words[0] + ITAB_TYPE, words, sizeof(*words)))
		return false;
	if (words[0])
		*rtype = loaded_vaddr(f->walk->printer->loaded, words[0]);
	return true;
}

static bool follow_held(struct follower *f, const struct expr_step *step)
{
	uint64_t rtype, data;
	if (!read_interface(f, step->from, &rtype, &data))
		return false;
	if (!rtype) {
		say_nil(f);
		return false;
	}
	if (rtype != step->number || !data) {
		struct index *index = f->walk->printer->loaded->index;
		const char *why = NULL;
		const struct gotype *type = index ? index_rtype(index, rtype, &why) : NULL;
		walk_unavailable(f->walk, rtype != step->number ? "it holds %s" : "nil %s",
				 type ? type->name : "another type");
		return false;
	}
	f->at.addr = data;
	f->at.type = step->to;
	return true;
}

// True if the length is in the value, after its first word.
static bool has_length(const struct gotype *type)
{
	return type->kind == GO_STRING || type->kind == GO_SLICE;
}

static bool follow_length(struct follower *f, const struct expr_step *step)
{
	bool is_header = has_length(step->from);
	uint64_t addr = f->at.addr + (is_header ? sizeof(addr) : 0), len;
	if (!read_words(f, addr, &len, sizeof(len)))
		return false;
	if (!is_header && len) {
		const struct index *index = f->walk->printer->loaded->index;
		const struct runtime_layout *layout = index ? index_runtime(index) : NULL;
		uint32_t off = step->from->kind == GO_CHAN && layout ? layout->hchan_qcount : 0;
		if (!read_words(f, len + off, &len, sizeof(len)))
			return false;
	}
	if (len >> LEN_BITS) {
		walk_unavailable(f->walk, "length %" PRId64, (int64_t)len);
		return false;
	}
	set_number(f, &type_int, len);
	return true;
}

static bool follow_step(struct follower *f, const struct expr_step *step)
{
	uint64_t rtype, data;
	switch (step->kind) {
	case EXPR_STEP_FIELD:
		f->at.addr += step->number;
		f->at.type = step->to;
		return true;
	case EXPR_STEP_DEREF:
		return follow_pointer(f, step);
	case EXPR_STEP_ELEMENT:
		return follow_element(f, step);
	case EXPR_STEP_KEY:
		return follow_key(f, step);
	case EXPR_STEP_HELD:
		return follow_held(f, step);
	case EXPR_STEP_LEN:
		return follow_length(f, step);
	case EXPR_STEP_TYPE:
		if (!read_interface(f, step->from, &rtype, &data))
			return false;
		set_number(f, &type_bool, rtype == step->number);
		return true;
	}
	return false;
}

// --- The beginning -------------------------------------------------------------------------------

// Bytes from the parameter's first byte to what the path's first steps lead to, which are fields
// and elements of arrays. Of a string whose length is shown, the length comes first.
static uint64_t first_byte(const struct expr_path *path, const struct gotype **type)
{
	uint64_t at = 0;
	*type = path->param->type;
	for (size_t i = 0; i < path->num_steps; i++) {
		const struct expr_step *step = &path->steps[i];
		if (step->kind == EXPR_STEP_FIELD)
			at += step->number;
		else if (step->kind == EXPR_STEP_ELEMENT && step->from->kind == GO_ARRAY)
			at += step->number * step->to->size;
		else if (step->kind == EXPR_STEP_LEN && has_length(step->from))
			return at + sizeof(uint64_t);
		else
			break;
		*type = step->to;
	}
	return at;
}

// Finds the parameter, of which maybe only the part that the path needs is in the frame.
static bool find_param(struct follower *f, const struct plan_frame *frame)
{
	const struct param *param = f->path->param;
	const struct gotype *type;
	uint64_t byte = first_byte(f->path, &type);
	const char *reason = memory_not_captured;
	f->at.type = param->type;
	if (!type->size)
		return true;
	for (size_t i = 0; i < frame->num_values; i++) {
		const struct plan_value *value = &frame->values[i];
		bool is_there = value->is_address ||
				(byte >= value->start && byte - value->start < value->frame_bytes);
		if (value->param != param || !is_there)
			continue;
		if (!memory_place(f->walk->memory, value, &f->at.addr, &reason))
			break;
		if (!value->is_address)
			f->walk->frame_end = f->at.addr + value->frame_bytes;
		f->at.addr -= value->start;
		return true;
	}
	walk_missing(f->walk, 0, reason);
	return false;
}

void walk_path(struct walk *walk, const struct plan_frame *frame, const struct expr_path *path)
{
	struct follower f = {.walk = walk, .path = path, .at.addr = MEMORY_FRAME};
	if (redact_has_path(walk->printer->redact[0], path) ||
	    redact_has_path(walk->printer->redact[1], path)) {
		walk->style->unavailable(walk, value_redacted);
		return;
	}
	if (!find_param(&f, frame))
		return;
	for (; f.step < path->num_steps; f.step++)
		if (!follow_step(&f, &path->steps[f.step]))
			return;
	if (f.at.type)
		walk_value(walk, f.at.type, f.at.addr);
	else if (f.at.number_type->kind == GO_BOOL)
		walk->style->boolean(walk, f.at.number);
	else
		walk->style->integer(walk, f.at.number_type, f.at.number);
}
