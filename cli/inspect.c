// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/complete.h"
#include "tracer/plan/plan.h"
#include "tracer/plan/select.h"
#include "tracer/plan/spell.h"
#include "tracer/target.h"

enum { TYPES_MAX = 1 << 20, FIELDS_DEPTH_MAX = 8 };

struct error *inspect_find(struct index *index, const char *word, const struct func **out)
{
	struct selection selection;
	struct error *err = select_functions(index, (char *const[]){(char *)word}, 1, &selection);
	if (err)
		return err;
	if (selection.num == 1)
		*out = selection.func[0];
	else
		err = error_new("%s: %zu functions are called that: give one's whole name", word,
				selection.num);
	selection_deinit(&selection);
	return err;
}

// --- A function ----------------------------------------------------------------------------------

static void print_piece(const struct abi_piece *piece, bool is_first, FILE *out)
{
	fputs(is_first ? "" : ", ", out);
	switch (piece->where) {
	case ABI_INT_REG:
		fputs(abi_int_register(piece->reg), out);
		break;
	case ABI_FLOAT_REG:
		fprintf(out, "X%u", piece->reg);
		break;
	case ABI_STACK:
		fprintf(out, "SP+%u", 8 + piece->stack_off);
		if (piece->size > 8)
			fprintf(out, " (%u bytes)", piece->size);
	}
}

static void print_param(const struct param *param, FILE *out)
{
	char unnamed[16];
	snprintf(unnamed, sizeof(unnamed), "ret%d", param->ret_slot);
	const char *name = param->name && *param->name ? param->name
			   : param->is_result	       ? unnamed
						       : "_";
	fprintf(out, "  %-8s %-16s %-24s ",
		param->is_result     ? "result"
		: param->is_receiver ? "receiver"
		: param->is_hidden   ? "hidden"
				     : "argument",
		name, param->type ? param->type->full_name : "word");
	if (param->unknown)
		fprintf(out, "? (%s)", param->unknown);
	else if (!param->num_pieces)
		fputs("nowhere: it has no bytes", out);
	for (size_t i = 0; !param->unknown && i < param->num_pieces; i++)
		print_piece(&param->pieces[i], !i, out);
	fputc('\n', out);
}

static const char *site_word(const struct site *site)
{
	switch (site->kind) {
	case SITE_ENTRY:
		return "entry";
	case SITE_RETURN:
		return "return";
	default:
		return "tail jump";
	}
}

static void print_sites(const struct sites *sites, FILE *out)
{
	if (sites->refused) {
		fprintf(out, "cannot be probed: %s\n", sites->refused);
		return;
	}
	fputs("probes:\n", out);
	for (size_t i = 0; i < sites->num; i++) {
		const struct site *site = &sites->site[i];
		fprintf(out, "  %-10s 0x%lx%s%s\n", site_word(site), (unsigned long)site->vaddr,
			site->skip_taken_be ? ", on the stack check's branch" : "",
			site->is_emulated ? "" : ", stepped by the kernel (two traps)");
	}
}

static struct error *find_sites(struct index *index, const struct func *func, struct sites *out)
{
	struct plan *plan;
	struct error *err = plan_create(index, &(struct plan_options){0}, &plan);
	if (err)
		return err;
	err = plan_sites(plan, func, out);
	plan_destroy(plan);
	return err;
}

struct error *inspect_func(struct index *index, const struct func *func, FILE *out)
{
	struct sites sites;
	struct error *err = find_sites(index, func, &sites);
	if (err)
		return err;
	const char *file;
	int line;
	struct text signature;
	text_init(&signature);
	index_write_signature(index, func, &signature);
	fprintf(out, "%s  %s\n", func->name, text_string(&signature));
	text_deinit(&signature);
	if (index_line(index, func->vaddr, &file, &line))
		fprintf(out, "%s:%d\n", file, line);
	fprintf(out, "0x%lx, %lu bytes of code, %s\n", (unsigned long)func->vaddr,
		(unsigned long)func->size,
		func->flags & FUNC_FOREIGN ? "not Go's"
		: func->flags & FUNC_ABI0  ? "arguments on the stack (ABI0)"
					   : "arguments in registers (ABIInternal)");
	const struct signature *known = index_signature(index, func);
	for (size_t i = 0; i < known->num_params; i++)
		print_param(&known->params[i], out);
	print_sites(&sites, out);
	sites_deinit(&sites);
	return NULL;
}

// --- Code ----------------------------------------------------------------------------------------

static char site_mark(const struct sites *sites, uint64_t vaddr)
{
	for (size_t i = 0; i < sites->num; i++)
		if (sites->site[i].vaddr == vaddr)
			return '>';
	return ' ';
}

static void print_target(const struct index *index, const struct func *func,
			 const struct spelled *spelled, struct text *words)
{
	const struct func *at = spelled->has_target ? index_func_at(index, spelled->target) : NULL;
	if (!at)
		return;
	if (at == func && spelled->is_branch)
		text_printf(words, "  ; +0x%lx", (unsigned long)(spelled->target - func->vaddr));
	else if (spelled->target == at->vaddr)
		text_printf(words, "  ; %s", at->name);
	else
		text_printf(words, "  ; %s+0x%lx", at->name,
			    (unsigned long)(spelled->target - at->vaddr));
}

static void print_code(struct index *index, const struct func *func, const uint8_t *code,
		       const struct sites *sites, struct speller *speller, FILE *out)
{
	const char *last_file = NULL;
	int last_line = 0;
	struct text words;
	text_init(&words);
	for (uint64_t off = 0; off < func->size;) {
		const char *file;
		int line;
		uint64_t vaddr = func->vaddr + off;
		if (index_line(index, vaddr, &file, &line) &&
		    (line != last_line || !last_file || strcmp(file, last_file))) {
			fprintf(out, "%s:%d\n", file, line);
			last_file = file;
			last_line = line;
		}
		struct spelled spelled;
		text_reset(&words);
		speller_next(speller, code + off, func->size - off, vaddr, &spelled, &words);
		print_target(index, func, &spelled, &words);
		fprintf(out, "%c 0x%lx +0x%-5lx %s\n", site_mark(sites, vaddr),
			(unsigned long)vaddr, (unsigned long)off, text_string(&words));
		off += spelled.size;
	}
	text_deinit(&words);
}

struct error *inspect_code(struct index *index, const struct func *func, FILE *out)
{
	const uint8_t *code;
	if (!image_text(index_image(index), func->vaddr, func->size, &code))
		return error_new("%s: its code is not in the file", func->name);
	struct sites sites;
	struct error *err = find_sites(index, func, &sites);
	if (err)
		return err;
	struct speller *speller = NULL;
	err = speller_create(&speller);
	if (!err)
		print_code(index, func, code, &sites, speller, out);
	if (!err && sites.refused)
		fprintf(out, "cannot be probed: %s\n", sites.refused);
	speller_destroy(speller);
	sites_deinit(&sites);
	return err;
}

// --- Types ---------------------------------------------------------------------------------------

struct type_names {
	struct completions completions;
	const char *pattern, *prefix;
	char **name; // borrowed from the index
	size_t num, size;
	struct error *err;
};

static bool take_type(void *context, const char *name)
{
	struct type_names *names = context;
	bool is_match = true;
	if (names->pattern)
		names->err = select_matches(names->pattern, name, &is_match);
	if (names->err || !is_match)
		return !names->err;
	if (names->num == names->size) {
		size_t size = names->size ? 2 * names->size : 1024;
		char **grown =
			size <= TYPES_MAX ? realloc(names->name, size * sizeof(*grown)) : NULL;
		if (!grown) {
			names->err = size <= TYPES_MAX
					     ? error_nomem()
					     : error_new("too many types: give a pattern");
			return false;
		}
		names->name = grown;
		names->size = size;
	}
	names->name[names->num++] = (char *)name;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct error *no_types(void)
{
	return error_new(
		"no DWARF: types are not known by name (build without -ldflags \"-s -w\")");
}

struct error *inspect_types(struct index *index, const char *pattern, FILE *out)
{
	struct type_names names = {.pattern = pattern};
	bool has_types = index_types(index, take_type, &names);
	struct error *err = names.err ? names.err : has_types ? NULL : no_types();
	if (!err && !names.num)
		err = error_new("no type is called %s", pattern ? pattern : "anything");
	if (!err)
		qsort(names.name, names.num, sizeof(*names.name), by_name);
	for (size_t i = 0; !err && i < names.num; i++) {
		if (i && !strcmp(names.name[i], names.name[i - 1]))
			continue;
		struct gotype *type = index_type(index, names.name[i]);
		if (!type)
			continue;
		gotype_complete(type);
		fprintf(out, "%-48s %-12s %8llu\n", names.name[i], gokind_name(type->kind),
			(unsigned long long)type->size);
	}
	free(names.name);
	return err;
}

static void print_fields(struct gotype *type, uint64_t base, unsigned level, FILE *out)
{
	for (size_t i = 0; i < type->num_fields; i++) {
		const struct gofield *field = &type->fields[i];
		gotype_complete(field->type);
		fprintf(out, "  %6llu %6llu  %*s%s%s%s\n",
			(unsigned long long)(base + field->offset),
			(unsigned long long)field->type->size, (int)level * 2, "",
			field->is_embedded ? "" : field->name, field->is_embedded ? "" : " ",
			field->type->full_name);
		if (field->type->kind == GO_STRUCT && field->is_embedded &&
		    level < FIELDS_DEPTH_MAX)
			print_fields(field->type, base + field->offset, level + 1, out);
	}
}

// "main.(*T).M" and "main.T.M" are the methods of main.T.
static void print_methods(struct index *index, const char *name, FILE *out)
{
	const char *dot = strrchr(name, '/');
	dot = strchr(dot ? dot : name, '.');
	if (!dot)
		return;
	CLEANUP_FREE char *by_value = NULL, *by_pointer = NULL;
	if (asprintf(&by_value, "%s.", name) < 0 ||
	    asprintf(&by_pointer, "%.*s.(*%s).", (int)(dot - name), name, dot + 1) < 0)
		return;
	size_t num;
	const struct func *funcs = index_funcs(index, &num);
	for (size_t i = 0; i < num; i++) {
		const char *method = NULL;
		if (!strncmp(funcs[i].name, by_pointer, strlen(by_pointer)))
			method = funcs[i].name + strlen(by_pointer);
		else if (!strncmp(funcs[i].name, by_value, strlen(by_value)))
			method = funcs[i].name + strlen(by_value);
		if (!method || strpbrk(method, ".-") || (funcs[i].flags & FUNC_WRAPPER))
			continue;
		struct text signature;
		text_init(&signature);
		index_write_signature(index, &funcs[i], &signature);
		fprintf(out, "%s  %s\n", funcs[i].name, text_string(&signature));
		text_deinit(&signature);
	}
}

struct error *inspect_type(struct index *index, const char *name, FILE *out)
{
	struct gotype *type = index_type(index, name);
	if (!type)
		return index_has_dwarf(index)
			       ? error_new("no type is called %s (types lists them)", name)
			       : no_types();
	gotype_complete(type);
	fprintf(out, "%s  %s, %llu bytes, aligned to %u\n", type->full_name,
		type->broken ? type->broken : gokind_name(type->kind),
		(unsigned long long)type->size, type->align);
	if (type->key)
		fprintf(out, "key   %s\n", type->key->full_name);
	if (type->kind == GO_ARRAY)
		fprintf(out, "len   %llu\n", (unsigned long long)type->len);
	if (type->elem)
		fprintf(out, "elem  %s\n", type->elem->full_name);
	if (type->num_fields)
		fputs("  OFFSET   SIZE  FIELD\n", out);
	print_fields(type, 0, 0, out);
	print_methods(index, name, out);
	return NULL;
}

static bool complete_type(void *context, const char *name)
{
	struct type_names *names = context;
	return completions_add(&names->completions, name, names->prefix);
}

void inspect_type_names(struct index *index, struct completions *out, const char *prefix)
{
	struct type_names names = {.completions = *out, .prefix = prefix};
	index_types(index, complete_type, &names);
	*out = names.completions;
}

bool inspect_is_go(const char *pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	struct image *image;
	struct error *err = image_open(path, NULL, &image);
	if (err) {
		error_free(err);
		return false;
	}
	bool is_go =
		image_has_section(image, ".go.buildinfo") || image_has_section(image, ".gopclntab");
	image_close(image);
	return is_go;
}
