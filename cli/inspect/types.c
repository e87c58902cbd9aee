// SPDX-License-Identifier: GPL-2.0-or-later
// Prints the types of a program, and the fields and methods of one type.
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/vec.h"
#include "cli/complete.h"
#include "cli/inspect/inspect.h"
#include "tracer/plan/select/pattern.h"

enum { TYPES_MAX = 1 << 20, FIELDS_DEPTH_MAX = 8, NAMESAKES_MAX = 64 };

struct type_names {
	struct completions *completions;
	struct pattern *pattern; // NULL: all types
	const char *prefix;
	char **name; // borrowed from the index
	size_t num, size;
	struct error *err;
};

// True for the types that the compiler makes for maps and channels: "hash<int,string>",
// "*map.bucket[int]string".
static bool is_internal(const char *name)
{
	name += strspn(name, "*");
	if (!strncmp(name, "map.", 4) || !strncmp(name, "noalg.", 6))
		return true;
	for (const char *p = strchr(name, '<'); p; p = strchr(p + 1, '<'))
		if (p[1] != '-')
			return true;
	return false;
}

// True if the pattern selects the type. The brackets of an array are not type arguments: "main.*"
// does not select "[4]main.T".
static bool is_chosen(struct pattern *pattern, const char *name)
{
	bool is_array = *name == '[' && !strchr("[*?/", *pattern->body);
	bool is_match = !is_array && ((!pattern->is_regexp && pattern_is_instance(pattern, name)) ||
				      pattern_matches(pattern, name));
	return is_match != pattern->takes_away;
}

static bool take_type(void *context, const char *name)
{
	struct type_names *names = context;
	if (is_internal(name) || (names->pattern && !is_chosen(names->pattern, name)))
		return true;
	if (names->num == TYPES_MAX)
		names->err = error_new("too many types: give a pattern");
	else if (!vec_room(names->name, names->num, names->size))
		names->err = error_nomem();
	if (names->err)
		return false;
	names->name[names->num++] = (char *)name;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *kind_of(const struct gotype *type)
{
	return type->broken ? type->broken : gokind_name(type->kind);
}

static void print_types(struct index *index, const char *name, FILE *out)
{
	struct gotype *types[NAMESAKES_MAX];
	size_t num = index_types_named(index, name, types, NAMESAKES_MAX);
	for (size_t i = 0; i < num && i < NAMESAKES_MAX; i++) {
		gotype_complete(types[i]);
		fprintf(out, "%-48s %-12s %8llu\n", name, kind_of(types[i]),
			(unsigned long long)types[i]->size);
	}
}

struct error *inspect_types(struct index *index, const char *pattern, FILE *out)
{
	struct pattern read;
	struct type_names names = {.pattern = pattern ? &read : NULL};
	struct error *err = pattern ? pattern_init(&read, pattern) : NULL;
	if (err)
		return err;
	index_types(index, take_type, &names);
	if (pattern)
		pattern_deinit(&read);
	err = names.err;
	if (!err && !names.num)
		err = error_new("no type is called %s", pattern ? pattern : "anything");
	if (!err)
		qsort(names.name, names.num, sizeof(*names.name), by_name);
	for (size_t i = 0; !err && i < names.num && !ferror(out); i++)
		if (!i || strcmp(names.name[i], names.name[i - 1]))
			print_types(index, names.name[i], out);
	free(names.name);
	return err;
}

// The tag of field i. DWARF has no tags, so it may come from the run-time descriptor, described
// (may be NULL).
static const char *field_tag(const struct gotype *type, const struct gotype *described, size_t i)
{
	if (type->tags)
		return type->tags[i];
	bool is_same = described && described->tags && described->num_fields == type->num_fields &&
		       !strcmp(described->fields[i].name, type->fields[i].name);
	return is_same ? described->tags[i] : NULL;
}

static void print_fields(struct index *index, struct gotype *type, uint64_t base, unsigned level,
			 FILE *out)
{
	struct gotype *described = type->rtype ? index_rtype(index, type->rtype, NULL) : NULL;
	if (described)
		gotype_complete(described);
	for (size_t i = 0; i < type->num_fields; i++) {
		const struct gofield *field = &type->fields[i];
		const char *tag = field_tag(type, described, i);
		gotype_complete(field->type);
		fprintf(out, "  %6llu %6llu  %*s%s%s%s", (unsigned long long)(base + field->offset),
			(unsigned long long)field->type->size, (int)level * 2, "",
			field->is_embedded ? "" : field->name, field->is_embedded ? "" : " ",
			field->type->full_name);
		if (tag)
			fprintf(out, "  `%s`", tag);
		fputc('\n', out);
		if (field->type->kind == GO_STRUCT && field->is_embedded &&
		    level < FIELDS_DEPTH_MAX)
			print_fields(index, field->type, base + field->offset, level + 1, out);
	}
}

// The method's name if func is a method of the type: "pkg.T.M", "pkg.(*T).M", or with "[...]" after
// T for the instances of a generic type. NULL if it is not. package and name are those of the type,
// without brackets.
static const char *method_of(const char *func, const char *package, size_t package_len,
			     const char *name, size_t name_len, bool is_generic)
{
	if (strncmp(func, package, package_len) != 0 || func[package_len] != '.')
		return NULL;
	const char *rest = func + package_len + 1;
	bool is_pointer = !strncmp(rest, "(*", 2);
	rest += is_pointer ? 2 : 0;
	if (strncmp(rest, name, name_len) != 0)
		return NULL;
	rest += name_len;
	if (is_generic) {
		const char *end = strrchr(rest, ']');
		if (*rest != '[' || !end)
			return NULL;
		rest = end + 1;
	}
	if (is_pointer && *rest++ != ')')
		return NULL;
	return *rest == '.' ? rest + 1 : NULL;
}

static void print_methods(struct index *index, const char *name, FILE *out)
{
	size_t len = strcspn(name, "["), num;
	const char *slash = memrchr(name, '/', len);
	const char *dot =
		memchr(slash ? slash : name, '.', len - (size_t)(slash ? slash - name : 0));
	if (!dot)
		return;
	const struct func *funcs = index_funcs(index, &num);
	for (size_t i = 0; i < num; i++) {
		const char *method = method_of(funcs[i].name, name, (size_t)(dot - name), dot + 1,
					       len - (size_t)(dot + 1 - name), name[len] == '[');
		// Closures of methods and method values are not methods.
		if (!method || strpbrk(method, ".-") || (funcs[i].flags & FUNC_WRAPPER))
			continue;
		struct text signature;
		text_init(&signature);
		index_write_signature(index, &funcs[i], &signature);
		fprintf(out, "%s  %s\n", funcs[i].name, text_string(&signature));
		text_deinit(&signature);
	}
}

static void print_type(struct index *index, struct gotype *type, FILE *out)
{
	gotype_complete(type);
	fprintf(out, "%s  %s, %llu bytes, aligned to %u\n", type->full_name, kind_of(type),
		(unsigned long long)type->size, type->align);
	if (type->key)
		fprintf(out, "key   %s\n", type->key->full_name);
	if (type->kind == GO_ARRAY)
		fprintf(out, "len   %llu\n", (unsigned long long)type->len);
	if (type->elem)
		fprintf(out, "elem  %s\n", type->elem->full_name);
	if (type->num_fields)
		fputs("  OFFSET   SIZE  FIELD\n", out);
	print_fields(index, type, 0, 0, out);
}

static struct error *inspect_type(struct index *index, const char *name, FILE *out)
{
	struct gotype *types[NAMESAKES_MAX];
	size_t num = index_types_named(index, name, types, NAMESAKES_MAX);
	if (!num)
		return error_new("no type is called %s (types lists them%s)", name,
				 index_has_dwarf(index) ? ""
							: "; without DWARF those that have a "
							  "run-time descriptor");
	for (size_t i = 0; i < num && i < NAMESAKES_MAX; i++)
		print_type(index, types[i], out);
	print_methods(index, name, out);
	return NULL;
}

struct error *inspect_whatis(struct index *index, const char *word, FILE *out)
{
	const struct func *func;
	if (index_types_named(index, word, NULL, 0) || !index_named(index, word, &func, 1))
		return inspect_type(index, word, out);
	return inspect_func(index, func, out);
}

static bool complete_type(void *context, const char *name)
{
	struct type_names *names = context;
	return is_internal(name) || completions_add(names->completions, name, names->prefix);
}

void inspect_type_names(struct index *index, struct completions *out, const char *prefix)
{
	struct type_names names = {.completions = out, .prefix = prefix};
	index_go_types(index, complete_type, &names);
}
