// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace doctor: what this kernel, these privileges and a target allow, and how to mend what is missing.
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "tracer/backend/features.h"

enum { FEATURES_MAX = 64 };

struct arguments {
	const char *target;
	bool json;
};

struct report {
	json_t *rows;  // objects: name, state, needed_for, mend
	bool is_fatal; // something is missing without which nothing works
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->json;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->target)
			argp_error(state, "one TARGET at a time");
		arguments->target = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void add(struct report *report, const char *name, enum feature_state state, bool is_required,
		const char *needed_for, const char *mend)
{
	static const char *const states[] = {"no", "yes", "unknown"};
	json_t *row = json_pack("{s:s, s:s, s:b, s:s}", "name", name, "state", states[state],
				"required", is_required, "needed_for", needed_for);
	if (row && state != FEATURE_YES && mend && mend[0])
		json_object_set_new(row, "mend", json_string(mend));
	json_array_append_new(report->rows, row);
	report->is_fatal |= is_required && state == FEATURE_NO;
}

static void look_at_kernel(struct report *report)
{
	struct feature features[FEATURES_MAX];
	size_t num = features_ask(features, FEATURES_MAX);
	for (size_t i = 0; i < num && i < FEATURES_MAX; i++)
		add(report, features[i].name, features[i].state, features[i].is_required,
		    features[i].needed_for, features[i].mend);
}

static void look_at_index(struct report *report, struct index *index)
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

static void look_at_target(struct report *report, const char *target)
{
	struct index *index;
	pid_t pid;
	struct error *err = open_target_index(target, &index, &pid);
	if (err) {
		add(report, "target", FEATURE_NO, true, "tracing it", error_message(err));
		error_free(err);
		return;
	}
	look_at_index(report, index);
	index_close(index);
}

static void print_text(const struct report *report)
{
	size_t i;
	json_t *row;
	json_array_foreach(report->rows, i, row)
	{
		const char *state = json_string_value(json_object_get(row, "state"));
		const char *mend = json_string_value(json_object_get(row, "mend"));
		printf("%-8s %-34s %s\n", state, json_string_value(json_object_get(row, "name")),
		       json_string_value(json_object_get(row, "needed_for")));
		if (mend)
			printf("%-8s   -> %s\n", "", mend);
	}
	puts(report->is_fatal ? "\nTracing does not work here: see the lines that say no."
			      : "\nTracing works here.");
}

static int doctor_main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.children = text_or_json_children,
		.args_doc = "[TARGET]",
		.doc = "Tell what this kernel and these privileges allow, and with a TARGET (a PID or an executable) what can be "
		       "seen of it; and how to mend what is missing. The exit status is 1 if tracing does not work.\v"
		       "Example: gotrace doctor $(pidof server)",
	};
	struct arguments arguments = {0};
	cli_parse(&argp, argc, argv, NULL, &arguments);
	struct report report = {.rows = json_array()};
	struct utsname kernel;
	uname(&kernel);
	char name[sizeof(kernel.sysname) + sizeof(kernel.release) + sizeof(kernel.machine) + 3];
	snprintf(name, sizeof(name), "%s %s %s", kernel.sysname, kernel.release, kernel.machine);
	look_at_kernel(&report);
	if (arguments.target)
		look_at_target(&report, arguments.target);
	if (arguments.json) {
		json_t *whole = json_pack("{s:s, s:b, s:O}", "kernel", name, "works",
					  !report.is_fatal, "checks", report.rows);
		json_dumpf(whole, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(whole);
	} else {
		printf("%s, gotrace as user %d\n\n", name, (int)getuid());
		print_text(&report);
	}
	json_decref(report.rows);
	return report.is_fatal ? EXIT_REFUSED : EXIT_DONE;
}

const struct command command_doctor = {"doctor",
				       "what this kernel, these privileges and a target allow",
				       doctor_main};
