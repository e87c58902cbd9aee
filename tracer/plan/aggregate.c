// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/plan/aggregate.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 8, NAME_MAX_BYTES = 256 };

struct path_parser {
	const struct signature *signature;
	const char *text; // the whole
	const char *at;
	struct wire_path path;
	const struct param *param;
	struct gotype *type; // of what the path leads to so far
	uint64_t off;	     // in the parameter, before the first step
	char *reason;	     // not NULL: the first thing that is wrong
	bool failed;	     // memory is out
};

__attribute__((format(printf, 2, 3))) static void wrong(struct path_parser *parser, const char *fmt,
							...)
{
	if (parser->reason || parser->failed)
		return;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&parser->reason, fmt, args) < 0) {
		parser->reason = NULL;
		parser->failed = true;
	}
	va_end(args);
}

static bool is_wrong(const struct path_parser *parser)
{
	return parser->reason || parser->failed;
}

// --- Names ---------------------------------------------------------------------------------------

static size_t name_bytes(const char *text)
{
	size_t len = 0;
	while (isalnum((unsigned char)text[len]) || text[len] == '_' ||
	       (unsigned char)text[len] >= 0x80)
		len++;
	return len;
}

static bool take_name(struct path_parser *parser, char *out)
{
	size_t len = name_bytes(parser->at);
	if (!len || len >= NAME_MAX_BYTES || isdigit((unsigned char)*parser->at)) {
		wrong(parser, "'%s': a name is expected at '%s'", parser->text, parser->at);
		return false;
	}
	memcpy(out, parser->at, len);
	out[len] = '\0';
	parser->at += len;
	return true;
}

static bool is_named(const struct param *param, const char *name)
{
	if (param->is_hidden)
		return false;
	if (param->name && !strcmp(param->name, name))
		return true;
	char ret[32];
	snprintf(ret, sizeof(ret), "ret%d", param->ret_slot);
	return param->is_result && !strcmp(ret, name);
}

static void no_such_name(struct path_parser *parser, const char *name)
{
	const struct signature *signature = parser->signature;
	struct text names;
	text_init(&names);
	for (size_t i = 0; i < signature->num_params; i++) {
		const struct param *param = &signature->params[i];
		if (param->is_hidden ||
		    (!param->is_result && (!*param->name || !strcmp(param->name, "_"))))
			continue;
		bool is_unnamed = !*param->name || !strcmp(param->name, "_") || *param->name == '~';
		if (param->is_result && is_unnamed)
			text_printf(&names, "ret%d, ", param->ret_slot);
		else
			text_printf(&names, "%s, ", param->name);
	}
	wrong(parser, "it has no '%s': there are %sgoid and caller", name, text_string(&names));
	text_deinit(&names);
}

static void find_param(struct path_parser *parser, const char *name)
{
	const struct signature *signature = parser->signature;
	if (!signature->is_known) {
		wrong(parser, "the names of its parameters are not known");
		return;
	}
	for (size_t i = 0; i < signature->num_params; i++)
		if (is_named(&signature->params[i], name))
			parser->param = &signature->params[i];
	if (!parser->param)
		no_such_name(parser, name);
	else if (parser->param->unknown)
		wrong(parser, "'%s': %s", name, parser->param->unknown);
	else if (!parser->param->type)
		wrong(parser, "'%s': its type is not known", name);
	if (is_wrong(parser))
		return;
	parser->type = parser->param->type;
	parser->path.is_result = parser->param->is_result;
}

// --- Places --------------------------------------------------------------------------------------

// Where size bytes of the parameter stand, from off on.
static void find_source(struct path_parser *parser, uint64_t off, uint64_t size,
			struct wire_source *out)
{
	const struct param *param = parser->param;
	for (size_t i = 0; i < param->num_pieces; i++) {
		const struct abi_piece *piece = &param->pieces[i];
		if (off < piece->offset || off - piece->offset + size > piece->size)
			continue;
		if (piece->where == ABI_STACK) {
			out->where = WIRE_STACK;
			out->stack_off = piece->stack_off + (uint32_t)(off - piece->offset);
			return;
		}
		if (piece->where == ABI_INT_REG && piece->offset == off) {
			out->where = WIRE_INT_REG;
			out->reg = piece->reg;
			return;
		}
	}
	wrong(parser, "'%s' does not stand where it can be read", parser->text);
}

static void follow_pointer(struct path_parser *parser)
{
	struct wire_path *path = &parser->path;
	if (!path->num_steps)
		find_source(parser, parser->off, WORD, &path->source[0]);
	if (path->num_steps == WIRE_PATH_STEPS)
		wrong(parser, "'%s' follows more than %d pointers", parser->text, WIRE_PATH_STEPS);
	if (!is_wrong(parser))
		path->step[path->num_steps++] = 0;
}

static void move(struct path_parser *parser, uint64_t off)
{
	if (off > UINT16_MAX)
		wrong(parser, "'%s' stands too far inside a value", parser->text);
	else if (parser->path.num_steps)
		parser->path.step[parser->path.num_steps - 1] += (uint32_t)off;
	else
		parser->off += off;
}

// A field by its name, or one of an embedded struct.
static bool find_field(struct path_parser *parser, struct gotype *type, const char *name,
		       int levels)
{
	enum { LEVELS = 4 };
	gotype_complete(type);
	if (type->kind == GO_POINTER && type->elem && levels < LEVELS) {
		follow_pointer(parser);
		type = type->elem;
		gotype_complete(type);
	}
	if (is_wrong(parser) || type->kind != GO_STRUCT)
		return false;
	const struct gofield *field = gotype_field(type, name);
	if (field) {
		move(parser, field->offset);
		parser->type = field->type;
		return !is_wrong(parser);
	}
	for (size_t i = 0; i < type->num_fields && levels < LEVELS; i++) {
		if (!type->fields[i].is_embedded)
			continue;
		struct path_parser before = *parser;
		move(parser, type->fields[i].offset);
		if (find_field(parser, type->fields[i].type, name, levels + 1))
			return true;
		if (is_wrong(parser))
			return false;
		*parser = before;
	}
	return false;
}

static void parse_fields(struct path_parser *parser)
{
	while (*parser->at == '.' && !is_wrong(parser)) {
		char name[NAME_MAX_BYTES];
		parser->at++;
		if (!take_name(parser, name))
			return;
		const char *of = parser->type->name;
		if (!find_field(parser, parser->type, name, 0))
			wrong(parser, "'%s': %s has no field %s", parser->text, of, name);
	}
}

// --- Values --------------------------------------------------------------------------------------

static void set_number(struct path_parser *parser, enum wire_path_kind kind, uint64_t size)
{
	parser->path.kind = (uint8_t)kind;
	parser->path.size = (uint8_t)size;
	if (!parser->path.num_steps)
		find_source(parser, parser->off, size, &parser->path.source[0]);
}

static void end_with_value(struct path_parser *parser, struct aggregate_key *key)
{
	struct gotype *type = parser->type;
	gotype_complete(type);
	switch (type->kind) {
	case GO_INT:
	case GO_INT8:
	case GO_INT16:
	case GO_INT32:
	case GO_INT64:
		set_number(parser, WIRE_PATH_INT, type->size);
		break;
	case GO_BOOL:
	case GO_UINT:
	case GO_UINT8:
	case GO_UINT16:
	case GO_UINT32:
	case GO_UINT64:
	case GO_UINTPTR:
	case GO_POINTER:
	case GO_UNSAFE_POINTER:
		key->is_bool = type->kind == GO_BOOL;
		key->is_address = type->kind == GO_POINTER || type->kind == GO_UNSAFE_POINTER;
		set_number(parser, WIRE_PATH_UINT, type->size);
		break;
	case GO_STRING:
		parser->path.kind = WIRE_PATH_STRING;
		parser->path.size = WORD;
		if (parser->path.num_steps)
			break;
		find_source(parser, parser->off, WORD, &parser->path.source[0]);
		find_source(parser, parser->off + WORD, WORD, &parser->path.source[1]);
		break;
	default:
		wrong(parser, "'%s' is of type %s, not an integer, a bool or a string",
		      parser->text, type->name);
	}
}

static void end_with_length(struct path_parser *parser)
{
	gotype_complete(parser->type);
	if (parser->type->kind != GO_STRING && parser->type->kind != GO_SLICE) {
		wrong(parser, "'%s': %s is no string and no slice", parser->text,
		      parser->type->name);
		return;
	}
	move(parser, WORD);
	set_number(parser, WIRE_PATH_INT, WORD);
}

static void parse(struct path_parser *parser, struct aggregate_key *key)
{
	char name[NAME_MAX_BYTES];
	bool is_length = !strncmp(parser->at, "len(", 4);
	if (is_length)
		parser->at += 4;
	if (!take_name(parser, name))
		return;
	if (!is_length && !*parser->at && !strcmp(name, "goid")) {
		parser->path.kind = WIRE_PATH_GOID;
		return;
	}
	if (!is_length && !*parser->at && !strcmp(name, "caller")) {
		parser->path.kind = WIRE_PATH_CALLER;
		return;
	}
	find_param(parser, name);
	if (!is_wrong(parser))
		parse_fields(parser);
	if (is_length && !is_wrong(parser) && *parser->at++ != ')')
		wrong(parser, "'%s': ')' is missing", parser->text);
	if (!is_wrong(parser) && *parser->at)
		wrong(parser, "'%s': '%s' is not understood", parser->text, parser->at);
	if (is_wrong(parser))
		return;
	if (is_length)
		end_with_length(parser);
	else
		end_with_value(parser, key);
}

static struct error *compile_path(const struct signature *signature, const char *text,
				  struct wire_path *path, struct aggregate_key *key, char **reason)
{
	struct path_parser parser = {.signature = signature, .text = text, .at = text};
	parse(&parser, key);
	*path = parser.path;
	*reason = parser.reason;
	key->kind = (enum wire_path_kind)parser.path.kind;
	return parser.failed ? error_nomem() : NULL;
}

// --- Functions -----------------------------------------------------------------------------------

// The results of type error: the first word of each tells whether it is nil.
static void find_errors(const struct signature *signature, struct wire_aggregate *out)
{
	size_t num = 0;
	for (size_t i = signature->num_args; signature->is_known && i < signature->num_params;
	     i++) {
		const struct param *param = &signature->params[i];
		if (!param->type || param->unknown || strcmp(param->type->name, "error"))
			continue;
		struct path_parser parser = {.signature = signature,
					     .param = param,
					     .text = "error"};
		parser.path.is_result = true;
		set_number(&parser, WIRE_PATH_UINT, WORD);
		if (num < WIRE_ERRORS && !is_wrong(&parser))
			out->error[num++] = parser.path;
		free(parser.reason);
	}
}

struct error *aggregate_compile(const struct signature *signature,
				const struct aggregate_options *options, struct aggregate_func *out,
				char **reason)
{
	struct aggregate_func func = {.wire.flags = WIRE_AGGREGATE_COUNTED};
	*reason = NULL;
	struct error *err = NULL;
	bool wants_end = options->has_histogram && !options->value;
	for (size_t i = 0; i < options->num_by && !err && !*reason; i++) {
		err = compile_path(signature, options->by[i], &func.wire.key[i], &func.keys[i],
				   reason);
		if (func.wire.key[i].is_result)
			func.wire.flags |= WIRE_AGGREGATE_LATE;
	}
	struct aggregate_key value = {0};
	if (!err && !*reason && options->value) {
		err = compile_path(signature, options->value, &func.wire.value, &value, reason);
		bool is_number = value.kind == WIRE_PATH_INT || value.kind == WIRE_PATH_UINT;
		if (!err && !*reason && (!is_number || value.is_bool || value.is_address) &&
		    asprintf(reason, "'%s' is no integer", options->value) < 0)
			err = error_nomem();
		wants_end |= func.wire.value.is_result;
	}
	if (err || *reason)
		return err;
	if (options->has_errors)
		find_errors(signature, &func.wire);
	if (wants_end || func.wire.error[0].kind || (func.wire.flags & WIRE_AGGREGATE_LATE))
		func.wire.flags |= WIRE_AGGREGATE_RETURNS;
	*out = func;
	return NULL;
}
