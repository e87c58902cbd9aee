// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/commands/dry_run.h"

#include "base/cleanup.h"
#include "tracer/target/target.h"

static void write_places(const struct arch *arch, const char *title, const struct param *params,
			 size_t num, struct text *out)
{
	for (size_t i = 0; i < num; i++) {
		char place[256];
		abi_describe(arch, &params[i], place, sizeof(place));
		text_printf(out, "    %s %s %s: %s\n", title,
			    params[i].name[0] ? params[i].name : "_",
			    params[i].type ? params[i].type->name : "word",
			    params[i].unknown ? params[i].unknown : place);
	}
}

static void write_func(const struct plan *plan, const struct plan_func *func, struct text *out)
{
	// Probes of other kinds are in the runtime or in the function of --within, not in selected
	// functions.
	static const char *const kinds[] = {
		[WIRE_PROBE_ENTRY] = "entry",
		[WIRE_PROBE_RETURN] = "return",
		[WIRE_PROBE_TAIL] = "tail jump",
	};
	const struct signature *signature = func->signature;
	text_printf(out, "%s ", func->func->name);
	index_write_signature(plan->index, func->func, out);
	text_putc(out, '\n');
	write_places(signature->arch, "arg", signature->params, signature->num_args, out);
	write_places(signature->arch, "result", signature_results(signature),
		     signature->num_params - signature->num_args, out);
	for (uint32_t i = 0; i < func->num_probes; i++) {
		const struct wire_probe *probe = &plan->tables.probes[func->first_probe + i];
		const struct plan_probe *place = &plan->probes[func->first_probe + i];
		text_printf(out, "    probe %s at +%#lx, file offset %#lx, %s, frame %u bytes\n",
			    kinds[probe->kind], (unsigned long)(place->vaddr - func->func->vaddr),
			    (unsigned long)place->off, place->is_emulated ? "emulated" : "stepped",
			    probe->frame_size);
	}
}

static struct error *print_plan(struct index *index, char *const *patterns, size_t num_patterns,
				const struct plan_options *options)
{
	struct plan_request request = {
		.patterns = patterns,
		.num_patterns = num_patterns,
		.options = *options,
	};
	struct plan_selected selected = {0};
	struct plan *plan = NULL;
	struct error *err = plan_create(index, options, &plan);
	if (!err)
		err = plan_add(plan, &request, &selected);
	struct text out;
	text_init(&out);
	for (size_t i = 0; i < selected.num; i++)
		write_func(plan, plan->funcs[selected.funcs[i]], &out);
	size_t num_expected = 0;
	for (size_t i = 0; !err && i < plan->num_refusals; i++) {
		if (plan->refusals[i].is_expected && selected.num) {
			num_expected++;
			continue;
		}
		text_printf(&out, "%s: %s: %s\n", plan->refusals[i].func->name,
			    plan->refusals[i].is_unfit ? "left out" : "cannot be probed",
			    plan->refusals[i].reason);
	}
	if (num_expected)
		text_printf(&out, "%zu functions without a result of type error: left out\n",
			    num_expected);
	if (!err)
		text_printf(
			&out,
			"%zu functions, %u probes, %u pieces, %u types, %u edges, %zu dynamic types, %u operations\n",
			selected.num, plan->tables.num_probes, plan->tables.num_pieces,
			plan->tables.num_types, plan->tables.num_edges, plan->num_dynamics,
			plan->tables.num_ops);
	fwrite(text_string(&out), 1, out.len, stdout);
	text_deinit(&out);
	plan_selected_deinit(&selected);
	plan_destroy(plan);
	return err;
}

int dry_run(const struct options *options)
{
	struct index *index;
	pid_t pid = options->pid;
	CLEANUP_FREE char *path = NULL;
	struct error *err = pid ? NULL : target_find(options->program[0], &path);
	if (!err)
		err = open_target_index(pid ? options->words[0] : path, &index, &pid);
	if (err)
		return cli_fail(err);
	err = print_plan(index, options->words + !!options->pid,
			 options->num_words - !!options->pid, &options->session.plan);
	index_close(index);
	return err ? cli_fail(err) : EXIT_DONE;
}
