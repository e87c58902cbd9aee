// SPDX-License-Identifier: GPL-2.0-or-later
#include "dwarf/index/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/bsearch.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "dwarf/index/index_private.h"
#include "dwarf/go/rtype.h"

struct index {
	struct image *image;
	struct image *debug_image; // the separate debug file, NULL if none
	struct buildinfo build;
	struct go_version go;
	struct pclntab *table;
	struct rtypes *rtypes;
	struct runtime_layout runtime;
	struct functable functions;
	struct signature **signatures; // by function number, made on demand
	struct gotypes blanks;	       // types of parameters that DWARF leaves out
	bool has_symtab;
	struct image *dwarf_image; // the image with DWARF, NULL if none
	struct debuginfo *debug;
	char *warning;
};

// Returned if there is no memory for a signature.
static const struct signature no_signature;

static void warn(struct index *index, struct error *err)
{
	if (err && !index->warning)
		index->warning = strdup(error_message(err));
	error_free(err);
}

struct error *index_symbols(struct index *index, const struct image_symbol **symbols, size_t *num)
{
	struct error *err = image_symbols(index->image, symbols, num);
	if (!err && !*num && index->debug_image)
		err = image_symbols(index->debug_image, symbols, num);
	index->has_symtab = !err && *num;
	return err;
}

static struct error *open_tables(struct index *index)
{
	struct error *err = buildinfo_init(&index->build, index->image);
	if (!err)
		err = pclntab_open(index->image, index->build.go, &index->table);
	if (err)
		return err;
	index->go = index->build.go.major ? index->build.go : pclntab_version(index->table);
	err = rtypes_open(index->image, pclntab_moduledata(index->table), index->go,
			  &index->rtypes);
	if (err)
		return err;
	return runtime_layout_init(&index->runtime, index->image, index->table, index->go);
}

static struct error *open_functions(struct index *index)
{
	struct functable_query query = {
		.table = index->table,
		.image = index->image,
		.has_regabi = index->runtime.has_regabi,
	};
	struct error *err = index_symbols(index, &query.symbols, &query.num_symbols);
	if (!err)
		err = functable_init(&index->functions, &query);
	if (err)
		return err;
	index->signatures = calloc(index->functions.num + 1, sizeof(struct signature *));
	return index->signatures ? NULL : error_nomem();
}

// Reads the DWARF of an image, NULL allowed, unless it is only that of C code.
static void read_dwarf(struct index *index, struct image *image)
{
	if (!image || !image_has_section(image, ".debug_info"))
		return;
	struct error *err =
		debuginfo_open(image, pclntab_moduledata(index->table)->types, &index->debug);
	if (err || index->debug)
		index->dwarf_image = image;
	warn(index, err);
}

static struct error *open_dwarf(struct index *index, const char *root)
{
	read_dwarf(index, index->image);
	if (index->dwarf_image)
		return NULL;
	struct error *err = image_open_debug(index->image, root, &index->debug_image);
	if (!err)
		read_dwarf(index, index->debug_image);
	return err;
}

// The types of blanks are complete from the start.
static void complete_blank(struct gotypes *store, struct gotype *type)
{
	(void)store;
	(void)type;
}

struct error *index_open(const char *path, const char *name, const char *root, struct index **out)
{
	static const struct gotypes_ops blank_ops = {.complete = complete_blank};
	struct index *index = calloc(1, sizeof(*index));
	if (!index)
		return error_nomem();
	gotypes_init(&index->blanks, &blank_ops);
	struct error *err = image_open(path, name, &index->image);
	if (!err)
		err = open_tables(index);
	if (!err)
		err = open_dwarf(index, root);
	if (!err)
		err = open_functions(index);
	if (err) {
		index_close(index);
		return err;
	}
	if (index->debug)
		runtime_layout_refine(&index->runtime, index->debug);
	*out = index;
	return NULL;
}

void index_close(struct index *index)
{
	if (!index)
		return;
	for (size_t i = 0; index->signatures && i < index->functions.num; i++) {
		if (!index->signatures[i])
			continue;
		signature_deinit(index->signatures[i]);
		free(index->signatures[i]);
	}
	free(index->signatures);
	functable_deinit(&index->functions);
	gotypes_deinit(&index->blanks);
	debuginfo_close(index->debug);
	rtypes_close(index->rtypes);
	pclntab_close(index->table);
	buildinfo_deinit(&index->build);
	image_close(index->debug_image);
	image_close(index->image);
	free(index->warning);
	free(index);
}

const struct func *index_funcs(const struct index *index, size_t *num)
{
	*num = index->functions.num;
	return index->functions.funcs;
}

const struct func *index_func_at(const struct index *index, uint64_t vaddr)
{
	return functable_at(&index->functions, vaddr);
}

size_t index_named(const struct index *index, const char *name, const struct func **out, size_t max)
{
	return functable_named(&index->functions, name, out, max);
}

// The symbol table marks the ABI0 functions that have a twin of the same name with Go's own ABI.
// Without symbols, the ABI of a compiled function is certain only if it has no twin.
static bool is_abi_known(const struct index *index, const struct func *func)
{
	const struct func *twins[2];
	return index->has_symtab || func->flags & FUNC_ASM ||
	       index_named(index, func_symbol(func), twins, 2) == 1;
}

static struct error *make_signature(struct index *index, const struct func *func,
				    struct signature *out)
{
	struct signature_query query = {
		.arch = image_arch(index->image),
		.table = index->table,
		.row = index->functions.rows[func->number],
		.func = func,
		.go = index->go,
		.is_abi_known = is_abi_known(index, func),
		.store = &index->blanks,
	};
	if (!(func->flags & (FUNC_FOREIGN | FUNC_ASM)) && index->debug)
		warn(index, debuginfo_func(index->debug, func->vaddr, &query.debug));
	return signature_make(&query, out);
}

const struct signature *index_signature(struct index *index, const struct func *func)
{
	struct signature **slot = &index->signatures[func->number];
	if (*slot)
		return *slot;
	struct signature *signature = calloc(1, sizeof(*signature));
	struct error *err = signature ? make_signature(index, func, signature) : error_nomem();
	if (err) {
		warn(index, err);
		free(signature);
		return &no_signature;
	}
	*slot = signature;
	return signature;
}

static void write_param(const struct param *param, bool is_last, bool is_variadic, struct text *out)
{
	if (param->name[0]) {
		text_puts(out, param->name);
		text_putc(out, ' ');
	}
	if (!param->type) {
		text_putc(out, '?');
		return;
	}
	const char *name = param->type->name;
	if (is_variadic && is_last && name[0] == '[' && name[1] == ']') {
		text_puts(out, "...");
		name += 2;
	}
	text_puts(out, name);
}

static size_t write_params(const struct signature *signature, size_t from, size_t to,
			   struct text *out)
{
	size_t num = 0;
	for (size_t i = from; i < to; i++) {
		if (signature->params[i].is_hidden)
			continue;
		if (num++)
			text_puts(out, ", ");
		write_param(&signature->params[i], i + 1 == to, signature->is_variadic && !from,
			    out);
	}
	return num;
}

void index_write_signature(struct index *index, const struct func *func, struct text *out)
{
	const struct signature *signature = index_signature(index, func);
	if (!signature->is_known) {
		text_puts(out, "func(?)");
		return;
	}
	text_puts(out, "func(");
	write_params(signature, 0, signature->num_args, out);
	text_putc(out, ')');
	size_t num_results = signature->num_params - signature->num_args;
	if (!num_results)
		return;
	bool has_parentheses = num_results > 1 || signature->params[signature->num_args].name[0];
	text_puts(out, has_parentheses ? " (" : " ");
	write_params(signature, signature->num_args, signature->num_params, out);
	if (has_parentheses)
		text_putc(out, ')');
}

bool index_line(const struct index *index, uint64_t vaddr, const char **file, int *line)
{
	return pclntab_line(index->table, vaddr, file, line);
}

struct gotype *index_rtype(struct index *index, uint64_t vaddr, const char **why)
{
	return rtypes_find(index->rtypes, vaddr, why);
}

// Returns the length of the package's path in a type's full name, up to the first dot after the
// last slash. Slashes inside type arguments do not count.
static size_t package_length(const char *name)
{
	size_t end = strcspn(name, "[");
	const char *slash = memrchr(name, '/', end);
	const char *dot = strchr(slash ? slash : name, '.');
	return dot ? (size_t)(dot - name) : 0;
}

void index_names(const struct index *index, bool (*visit)(void *context, const char *name),
		 void *context)
{
	pclntab_names(index->table, visit, context);
}

struct inlined_visit {
	const struct index *index;
	const struct func *func;
	bool (*visit)(void *context, const struct func *into);
	void *context;
};

static bool visit_inlined(void *context, size_t i)
{
	const struct inlined_visit *visit = context;
	struct pcln_func row;
	const struct func *into = pclntab_func(visit->index->table, i, &row)
					  ? index_func_at(visit->index, row.entry)
					  : NULL;
	// A wrapper that holds the function's code is traced in place of the function.
	if (!into || (into->body && !strcmp(into->body, visit->func->name)))
		return true;
	return visit->visit(visit->context, into);
}

void index_inlined(const struct index *index, const struct func *func,
		   bool (*visit)(void *context, const struct func *into), void *context)
{
	struct inlined_visit each = {index, func, visit, context};
	struct pcln_func row;
	size_t i;
	if (pclntab_find(index->table, func->vaddr, &i) && pclntab_func(index->table, i, &row) &&
	    row.entry == func->vaddr && !strstr(row.name, "[...]"))
		pclntab_inlined(index->table, row.name, visit_inlined, &each);
}

struct gotype *index_type(struct index *index, const char *name)
{
	if (!index->debug)
		return NULL;
	CLEANUP_FREE char *package = strndup(name, package_length(name));
	return debuginfo_type(index->debug, package ? package : "", name);
}

const char *index_constant(struct index *index, const struct gotype *type, uint64_t bits)
{
	size_t len = package_length(type->full_name);
	if (!index->debug || !type->is_named || !len)
		return NULL;
	CLEANUP_FREE char *package = strndup(type->full_name, len);
	return package ? debuginfo_constant(index->debug, package, type, bits) : NULL;
}

size_t index_types_named(struct index *index, const char *name, struct gotype **out, size_t max)
{
	struct gotype *type = index_type(index, name);
	if (type) {
		if (max)
			out[0] = type;
		return 1;
	}
	size_t num, found = 0;
	struct gotype *const *all = rtypes_all(index->rtypes, &num);
	size_t low = bsearch_first(num, middle, strcmp(all[middle]->full_name, name) < 0);
	for (; low < num && !strcmp(all[low]->full_name, name); low++, found++)
		if (found < max)
			out[found] = all[low];
	return found;
}

static void visit_rtypes(struct index *index, type_visitor *visit, void *context)
{
	size_t num;
	struct gotype *const *all = rtypes_all(index->rtypes, &num);
	for (size_t i = 0; i < num; i++)
		if (!visit(context, all[i]->full_name))
			return;
}

void index_types(struct index *index, type_visitor *visit, void *context)
{
	if (index->debug)
		debuginfo_types(index->debug, visit, context);
	else
		visit_rtypes(index, visit, context);
}

void index_go_types(struct index *index, type_visitor *visit, void *context)
{
	if (index->debug)
		debuginfo_go_types(index->debug, visit, context);
	else
		visit_rtypes(index, visit, context);
}

struct image *index_image(const struct index *index)
{
	return index->image;
}

const struct buildinfo *index_buildinfo(const struct index *index)
{
	return &index->build;
}

struct go_version index_version(const struct index *index)
{
	return index->go;
}

const struct pclntab *index_pclntab(const struct index *index)
{
	return index->table;
}

const struct runtime_layout *index_runtime(const struct index *index)
{
	return &index->runtime;
}

struct rtypes *index_rtypes(const struct index *index)
{
	return index->rtypes;
}

bool index_has_dwarf(const struct index *index)
{
	return index->dwarf_image != NULL;
}

bool index_has_symtab(const struct index *index)
{
	return index->has_symtab;
}

const char *index_debug_path(const struct index *index)
{
	return index->dwarf_image ? image_name(index->dwarf_image) : NULL;
}

const char *index_warning(const struct index *index)
{
	return index->warning;
}
