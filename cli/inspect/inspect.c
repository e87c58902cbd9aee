// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/inspect/inspect.h"

#include <dirent.h>
#include <string.h>

#include "base/text.h"
#include "cli/complete.h"
#include "tracer/plan/plan.h"
#include "tracer/plan/select/select.h"

enum { INLINED_MAX = 16 }; // functions that are named

int inspect_words(struct options *options, struct error *(*print)(const struct options *options,
								  struct index *index, pid_t pid))
{
	signal(SIGPIPE, SIG_IGN);
	struct index *index;
	pid_t pid;
	struct error *err = open_target_index(options->words[0], &index, &pid);
	if (err)
		return cli_fail(err);
	err = print(options, index, pid);
	fflush(stdout);
	if (!err && index_warning(index))
		cli_say("warning: %s", index_warning(index));
	index_close(index);
	return err ? cli_fail(err) : EXIT_DONE;
}

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

static void print_piece(const struct arch *arch, const struct abi_piece *piece, bool is_first,
			FILE *out)
{
	fputs(is_first ? "" : ", ", out);
	switch (piece->where) {
	case ABI_INT_REG:
		fputs(arch_int(arch, piece->reg), out);
		break;
	case ABI_FLOAT_REG:
		fputs(arch_float(arch, piece->reg), out);
		break;
	case ABI_STACK:
		fprintf(out, "SP+%u", arch->stack_args + piece->stack_off);
		if (piece->size > 8)
			fprintf(out, " (%u bytes)", piece->size);
	}
}

static void print_param(const struct arch *arch, const struct param *param, FILE *out)
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
		print_piece(arch, &param->pieces[i], !i, out);
	fputc('\n', out);
}

const char *inspect_site_kind(const struct site *site)
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
		fprintf(out, "  %-10s 0x%lx%s%s\n", inspect_site_kind(site),
			(unsigned long)site->vaddr,
			site->skip_taken ? ", on the stack check's branch" : "",
			site->is_emulated ? "" : ", stepped by the kernel (two traps)");
	}
}

struct inlined {
	size_t num;
	FILE *out;
};

static bool print_inlined(void *context, const struct func *into)
{
	struct inlined *inlined = context;
	if (!inlined->num)
		fputs("calls inlined, which no probe sees:\n", inlined->out);
	if (inlined->num++ < INLINED_MAX)
		fprintf(inlined->out, "  in %s\n", into->name);
	return true;
}

struct error *inspect_sites(struct index *index, const struct func *func, struct sites *out)
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
	struct error *err = inspect_sites(index, func, &sites);
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
		print_param(known->arch, &known->params[i], out);
	print_sites(&sites, out);
	sites_deinit(&sites);
	struct inlined inlined = {0, out};
	index_inlined(index, func, print_inlined, &inlined);
	if (inlined.num > INLINED_MAX)
		fprintf(out, "  and %zu more\n", inlined.num - INLINED_MAX);
	return NULL;
}

void inspect_func_names(struct index *index, struct completions *out, const char *prefix)
{
	size_t num;
	const struct func *funcs = index_funcs(index, &num);
	for (size_t i = 0; i < num; i++)
		if (!completions_add(out, funcs[i].name, prefix))
			return;
}

// False also if gotrace may not read the executable of the process.
static bool is_go(const char *pid)
{
	char path[sizeof(((struct dirent *)0)->d_name) + sizeof("/proc//exe")];
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	struct image *image;
	struct error *err = image_open(path, NULL, &image);
	if (err) {
		error_free(err);
		return false;
	}
	bool is_here =
		image_has_section(image, ".go.buildinfo") || image_has_section(image, ".gopclntab");
	image_close(image);
	return is_here;
}

void inspect_pids(struct completions *out, const char *prefix)
{
	DIR *proc = opendir("/proc");
	if (!proc)
		return;
	for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    !strncmp(entry->d_name, prefix, strlen(prefix)) && is_go(entry->d_name))
			completions_add(out, entry->d_name, prefix);
	closedir(proc);
}
