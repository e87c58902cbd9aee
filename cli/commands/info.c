// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace info: what is known of a Go program's build, ABI and debug information; or of one of its
// functions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/inspect/inspect.h"
#include "cli/json.h"

static void add(json_t *info, const char *key, const char *value)
{
	if (value)
		json_object_set_new(info, key, json_text(value));
}

static void add_setting(json_t *info, const char *key, struct index *index, const char *setting)
{
	CLEANUP_FREE char *value = buildinfo_setting(index_buildinfo(index), setting);
	add(info, key, value);
}

static void add_functions(json_t *info, const struct index *index)
{
	size_t num, assembly = 0, wrappers = 0, foreign = 0;
	const struct func *funcs = index_funcs(index, &num);
	for (size_t i = 0; i < num; i++) {
		assembly += !!(funcs[i].flags & FUNC_ASM);
		wrappers += !!(funcs[i].flags & FUNC_WRAPPER);
		foreign += !!(funcs[i].flags & FUNC_FOREIGN);
	}
	json_object_set_new(info, "functions", json_integer((json_int_t)num));
	json_object_set_new(info, "assembly_functions", json_integer((json_int_t)assembly));
	json_object_set_new(info, "wrappers", json_integer((json_int_t)wrappers));
	json_object_set_new(info, "c_functions", json_integer((json_int_t)foreign));
}

static void add_debug(json_t *info, struct index *index)
{
	add(info, "symbol_table",
	    index_has_symtab(index) ? ".symtab and .gopclntab" : ".gopclntab only (stripped)");
	const char *debug = index_debug_path(index);
	if (!index_has_dwarf(index))
		add(info, "dwarf", "none: arguments are raw words, results are not shown");
	else if (debug && strcmp(debug, image_name(index_image(index))))
		add(info, "dwarf", debug);
	else
		add(info, "dwarf", "in the executable");
	add(info, "trouble", index_warning(index));
}

static void add_build_id(json_t *info, struct index *index)
{
	size_t len;
	const uint8_t *id = image_build_id(index_image(index), &len);
	char hex[129] = "";
	for (size_t i = 0; id && i < len && i < 64; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	if (hex[0])
		add(info, "build_id", hex);
	add(info, "go_build_id", image_go_build_id(index_image(index)));
}

static json_t *describe(struct index *index, pid_t pid)
{
	json_t *info = json_object();
	const struct runtime_layout *runtime = index_runtime(index);
	struct image *image = index_image(index);
	add(info, "executable", image_name(image));
	if (pid)
		json_object_set_new(info, "pid", json_integer(pid));
	json_object_set_new(info, "bytes", json_integer((json_int_t)image_file_size(image)));
	const char *version = index_buildinfo(index)->version;
	add(info, "go_version", version ? version : "not known");
	CLEANUP_FREE char *main_package = buildinfo_main(index_buildinfo(index));
	add(info, "main_package", main_package);
	add(info, "position", image_is_pie(image) ? "independent (PIE)" : "fixed");
	add_setting(info, "build_mode", index, "-buildmode");
	add_setting(info, "compiler_flags", index, "-gcflags");
	add_setting(info, "linker_flags", index, "-ldflags");
	add_setting(info, "cgo", index, "CGO_ENABLED");
	add(info, "abi", runtime->has_regabi ? "registers (ABIInternal)" : "stack (ABI0)");
	if (runtime->is_certain)
		json_object_set_new(info, "goid_offset", json_integer(runtime->g_goid));
	else
		add(info, "goid_offset", "not known: goroutines print as G?");
	add_functions(info, index);
	add_debug(info, index);
	add_build_id(info, index);
	return info;
}

// Prints the key "go_version" as "go version", padded to a column.
static void print_key(const char *key, FILE *out)
{
	int width = 20;
	for (; *key; key++, width--)
		putc(*key == '_' ? ' ' : *key, out);
	fprintf(out, "%*s", width > 0 ? width : 1, "");
}

static void print_text(json_t *info, FILE *out)
{
	const char *key;
	json_t *value;
	json_object_foreach(info, key, value)
	{
		print_key(key, out);
		if (json_is_string(value))
			fprintf(out, "%s\n", json_string_value(value));
		else
			fprintf(out, "%lld\n", (long long)json_integer_value(value));
	}
}

void inspect_target(struct index *index, pid_t pid, FILE *out)
{
	json_t *info = describe(index, pid);
	print_text(info, out);
	json_decref(info);
}

static struct error *info(const struct options *options, struct index *index, pid_t pid)
{
	if (options->num_words > 1) {
		const struct func *func;
		struct error *err = inspect_find(index, options->words[1], &func);
		return err ? err : inspect_func(index, func, stdout);
	}
	if (options->is_json)
		json_print(describe(index, pid), stdout);
	else
		inspect_target(index, pid, stdout);
	return NULL;
}

static int info_main(struct options *options)
{
	if (options->num_words > 1 && options->is_json)
		return cli_fail(error_new("a function is shown as text only (list has JSON)")),
		       EXIT_USAGE;
	return inspect_words(options, info);
}

const struct command command_info = {
	.name = "info",
	.summary = "Go version, build mode, ABI, what debug information there is",
	.args = "TARGET [FUNC]",
	.doc = "Show the Go version, build mode, ABI and debug information of a running process "
	       "(a PID) or an executable. Of a function: file and line, signature, where each "
	       "argument and result is, where it is probed or why it cannot be, and where calls "
	       "of it were inlined.\v"
	       "Example: gotrace info ./server 'main.(*Store).Get'",
	.words = {{WORD_TARGET, "of what? Give a PID or an executable"}, {WORD_FUNC, NULL}},
	.run = info_main,
};
