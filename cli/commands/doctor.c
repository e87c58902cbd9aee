// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace doctor: what this kernel, these privileges and a target allow, and how to fix what is
// missing.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/rune.h"
#include "cli/options.h"
#include "tracer/backend/features.h"
#include "tracer/backend/leftovers.h"
#include "tracer/target/target.h"

enum { FEATURES_MAX = 64 };

struct report {
	bool is_json;
	struct text checks; // their JSON objects or their lines
	bool is_fatal;	    // something required is missing: tracing does not work
};

// fix: how to fix it; may be NULL.
static void add(struct report *report, const char *name, enum feature_state state, bool is_required,
		const char *needed_for, const char *fix)
{
	static const char *const states[] = {"no", "yes", "unknown"};
	struct text *out = &report->checks;
	size_t start = out->len;
	if (state == FEATURE_YES || (fix && !*fix))
		fix = NULL;
	report->is_fatal |= is_required && state == FEATURE_NO;
	if (report->is_json) {
		json_item(out);
		text_putc(out, '{');
		json_string(out, "name", name);
		json_string(out, "state", states[state]);
		json_bool(out, "required", is_required);
		json_string(out, "needed_for", needed_for);
		if (fix)
			json_string(out, "fix", fix);
		text_putc(out, '}');
		return;
	}
	text_printf(out, "%-8s %-34s %s", states[state], name, needed_for);
	rune_disarm(out, start);
	text_putc(out, '\n');
	start = out->len;
	if (!fix)
		return;
	text_printf(out, "%-8s   -> %s", "", fix);
	rune_disarm(out, start);
	text_putc(out, '\n');
}

static void check_kernel(struct report *report)
{
	struct feature features[FEATURES_MAX];
	size_t num = features_ask(features, FEATURES_MAX);
	for (size_t i = 0; i < num && i < FEATURES_MAX; i++)
		add(report, features[i].name, features[i].state, features[i].is_required,
		    features[i].needed_for, features[i].fix);
}

static void check_index(struct report *report, struct index *index)
{
	size_t num;
	index_funcs(index, &num);
	char found[128];
	snprintf(found, sizeof(found), "%s, %zu functions",
		 index_buildinfo(index)->version ? index_buildinfo(index)->version
						 : "a Go version not known",
		 num);
	add(report, "target is a Go program", FEATURE_YES, true, found, NULL);
	add(report, "target has DWARF", index_has_dwarf(index) ? FEATURE_YES : FEATURE_NO, false,
	    "values of arguments and results",
	    "build it without -ldflags \"-s -w\", or put its debug file under /usr/lib/debug/.build-id");
	add(report, "target's goroutines",
	    index_runtime(index)->is_certain ? FEATURE_YES : FEATURE_NO, false,
	    "goroutine ids, and pairing entries with returns",
	    "this Go version is not known to gotrace");
}

// Writes the functions that the breakpoints are in: "main.add, main.sub, main.mul and 3 more
// places".
static void write_places(const struct index *index, const struct leftovers *leftovers,
			 struct text *out)
{
	enum { SHOWN = 3 };
	for (size_t i = 0; i < leftovers->num && i < SHOWN; i++) {
		const struct func *func = index_func_at(index, leftovers->vaddr[i]);
		text_printf(out, "%s%s", i ? ", " : "", func ? func->name : "no function");
	}
	if (leftovers->num > SHOWN)
		text_printf(out, " and %zu more places", leftovers->num - SHOWN);
}

static void add_breakpoints(struct report *report, const struct index *index, pid_t pid,
			    const struct leftovers *leftovers)
{
	char name[32];
	pid_t tracer = target_code_tracer(pid, name);
	struct text found, fix;
	text_init(&found);
	text_init(&fix);
	text_printf(&found, "%zu breakpoint%s: ", leftovers->num, leftovers->num == 1 ? "" : "s");
	write_places(index, leftovers, &found);
	if (tracer)
		text_printf(&fix, "process %d (%s) traces it and may have set them", (int)tracer,
			    name);
	else
		text_printf(
			&fix,
			"uprobes of a tracer that runs, or left by one that was killed, where each "
			"call is slow: gotrace doctor --repair %d takes those off that were left",
			(int)pid);
	add(report, "target's code without breakpoints", FEATURE_NO, false, text_string(&found),
	    text_string(&fix));
	text_deinit(&found);
	text_deinit(&fix);
}

static void add_change(struct report *report, const struct index *index,
		       const struct leftovers *leftovers)
{
	const struct func *func = index_func_at(index, leftovers->first_changed);
	struct text found;
	text_init(&found);
	text_printf(&found, "%llu byte%s of its code differ from its file, first in %s",
		    (unsigned long long)leftovers->changed_bytes,
		    leftovers->changed_bytes == 1 ? "" : "s", func ? func->name : "no function");
	add(report, "target's code unchanged", FEATURE_NO, false, text_string(&found),
	    "its code was changed in memory (a hot patch, a mock): such functions cannot be traced");
	text_deinit(&found);
}

// Removes the breakpoints that a killed tracer left, then searches the code again.
static struct error *repair(const struct loaded *loaded, struct leftovers *leftovers)
{
	char name[32];
	size_t before = leftovers->num;
	pid_t tracer = target_code_tracer(loaded->pid, name);
	if (tracer)
		return error_new("breakpoints are left alone while process %d (%s) traces it",
				 (int)tracer, name);
	struct error *err = leftovers_remove(loaded, leftovers);
	if (err)
		return error_wrap(err, "taking breakpoints off");
	leftovers_deinit(leftovers);
	err = leftovers_init(loaded, leftovers);
	if (!err)
		cli_say("%zu breakpoints were left by a killed tracer and are off now; %zu stay, which a "
			"running tracer has",
			before > leftovers->num ? before - leftovers->num : 0, leftovers->num);
	return err;
}

static struct error *compare_code(struct report *report, struct index *index, struct target *target,
				  bool repairs)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)target_pid(target));
	CLEANUP_CLOSE int mem = open(path, O_RDONLY | O_CLOEXEC);
	struct loaded loaded;
	struct leftovers leftovers = {0};
	struct error *err = target_load(target, index, &loaded);
	loaded.mem = mem;
	if (!err)
		err = leftovers_init(&loaded, &leftovers);
	if (!err && repairs && leftovers.num)
		err = repair(&loaded, &leftovers);
	if (!err && leftovers.num)
		add_breakpoints(report, index, target_pid(target), &leftovers);
	if (!err && leftovers.changed_bytes)
		add_change(report, index, &leftovers);
	if (!err && !leftovers.num && !leftovers.changed_bytes)
		add(report, "target's code is as in its file", FEATURE_YES, false,
		    "no breakpoints, no patches", NULL);
	leftovers_deinit(&leftovers);
	return err;
}

static void check_code(struct report *report, struct index *index, pid_t pid, bool repairs)
{
	struct target *target;
	struct error *err = target_attach(pid, &target);
	if (!err) {
		err = compare_code(report, index, target, repairs);
		target_destroy(target);
	}
	if (err)
		add(report, "target's code is as in its file", FEATURE_UNKNOWN, false,
		    "no breakpoints, no patches", error_message(err));
	error_free(err);
}

static void check_target(struct report *report, const char *target, bool repairs)
{
	struct index *index;
	pid_t pid;
	struct error *err = open_target_index(target, &index, &pid);
	if (err) {
		add(report, "target", FEATURE_NO, true, "tracing it", error_message(err));
		error_free(err);
		return;
	}
	check_index(report, index);
	if (pid)
		check_code(report, index, pid, repairs);
	index_close(index);
}

static int doctor_main(struct options *options)
{
	struct report report = {.is_json = options->is_json};
	struct utsname kernel;
	uname(&kernel);
	char name[sizeof(kernel.sysname) + sizeof(kernel.release) + sizeof(kernel.machine) + 3];
	snprintf(name, sizeof(name), "%s %s %s", kernel.sysname, kernel.release, kernel.machine);
	check_kernel(&report);
	if (options->num_words)
		check_target(&report, options->words[0], options->repairs);
	const char *checks = text_string(&report.checks);
	struct text head;
	text_init(&head);
	if (options->is_json) {
		text_putc(&head, '{');
		json_string(&head, "kernel", name);
		json_bool(&head, "works", !report.is_fatal);
		json_key(&head, "checks");
		printf("%s[%s]}\n", text_string(&head), checks);
	} else {
		printf("%s, gotrace as user %d\n\n%s\n%s\n", name, (int)getuid(), checks,
		       report.is_fatal ? "Tracing does not work here: see the lines that say no."
				       : "Tracing works here.");
	}
	text_deinit(&head);
	text_deinit(&report.checks);
	return report.is_fatal ? EXIT_REFUSED : EXIT_DONE;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "what this kernel, these privileges and a target allow",
	.args = "[TARGET]",
	.doc = "Show what this kernel and these privileges allow, and with a TARGET (a PID or an "
	       "executable) what can be seen of it; and how to fix what is missing. The exit "
	       "status is 1 if tracing does not work.\v"
	       "Example: gotrace doctor $(pidof server)",
	.words = {{WORD_TARGET, NULL}},
	.run = doctor_main,
};
