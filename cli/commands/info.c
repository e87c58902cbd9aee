// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace info: what is known of a Go program's build, ABI and debug information; or of one of its
// functions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/inspect/inspect.h"

struct info { // what is known, as JSON or as lines of a key and its value
	bool is_json;
	struct text out;
};

// Begins the value of a key: "go_version" in JSON, else "go version", padded to a column.
static void begin(struct info *info, const char *key)
{
	if (info->is_json) {
		json_key(&info->out, key);
		return;
	}
	int width = 20;
	for (; *key; key++, width--)
		text_putc(&info->out, *key == '_' ? ' ' : *key);
	text_printf(&info->out, "%*s", width > 0 ? width : 1, "");
}

static void add(struct info *info, const char *key, const char *value)
{
	if (!value)
		return;
	begin(info, key);
	if (info->is_json)
		json_quote(value, strlen(value), &info->out);
	else
		text_printf(&info->out, "%s\n", value);
}

static void add_number(struct info *info, const char *key, uint64_t value)
{
	begin(info, key);
	text_u64(&info->out, value);
	text_puts(&info->out, info->is_json ? "" : "\n");
}

static void add_setting(struct info *info, const char *key, struct index *index,
			const char *setting)
{
	CLEANUP_FREE char *value = buildinfo_setting(index_buildinfo(index), setting);
	add(info, key, value);
}

static void add_functions(struct info *info, const struct index *index)
{
	size_t num, assembly = 0, wrappers = 0, foreign = 0;
	const struct func *funcs = index_funcs(index, &num);
	for (size_t i = 0; i < num; i++) {
		assembly += !!(funcs[i].flags & FUNC_ASM);
		wrappers += !!(funcs[i].flags & FUNC_WRAPPER);
		foreign += !!(funcs[i].flags & FUNC_FOREIGN);
	}
	add_number(info, "functions", num);
	add_number(info, "assembly_functions", assembly);
	add_number(info, "wrappers", wrappers);
	add_number(info, "c_functions", foreign);
}

static void add_debug(struct info *info, struct index *index)
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

static void add_build_id(struct info *info, struct index *index)
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

static void describe(struct index *index, pid_t pid, struct info *info)
{
	const struct runtime_layout *runtime = index_runtime(index);
	struct image *image = index_image(index);
	add(info, "executable", image_name(image));
	if (pid)
		add_number(info, "pid", (uint64_t)pid);
	add_number(info, "bytes", image_file_size(image));
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
		add_number(info, "goid_offset", runtime->g_goid);
	else
		add(info, "goid_offset", "not known: goroutines print as G?");
	add_functions(info, index);
	add_debug(info, index);
	add_build_id(info, index);
}

static void print(struct index *index, pid_t pid, bool is_json, FILE *out)
{
	struct info info = {.is_json = is_json};
	text_puts(&info.out, is_json ? "{" : "");
	describe(index, pid, &info);
	text_puts(&info.out, is_json ? "}\n" : "");
	fputs(text_string(&info.out), out);
	text_deinit(&info.out);
}

void inspect_target(struct index *index, pid_t pid, FILE *out)
{
	print(index, pid, false, out);
}

static struct error *info(const struct options *options, struct index *index, pid_t pid)
{
	if (options->num_words > 1) {
		const struct func *func;
		struct error *err = inspect_find(index, options->words[1], &func);
		return err ? err : inspect_func(index, func, stdout);
	}
	print(index, pid, options->is_json, stdout);
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
	.words = {WORD_OF_TARGET, {WORD_FUNC, NULL}},
	.run = info_main,
};
