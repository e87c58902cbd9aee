// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/complete.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <readline/readline.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/inspect.h"
#include "cli/shell.h"

// --- Names by level ------------------------------------------------------------------------------

// Where the level behind the prefix ends: behind a slash or a dot, or before a generic's types.
static size_t level_end(const char *name, size_t from)
{
	for (size_t i = from; name[i]; i++) {
		if (name[i] == '/' || name[i] == '.')
			return i + 1;
		if (name[i] == '[')
			return i > from ? i : strlen(name);
	}
	return strlen(name);
}

static bool add_common(struct completions *completions, const char *name)
{
	if (!completions->common) {
		completions->common = strdup(name);
		return completions->common;
	}
	size_t same = 0;
	while (name[same] && name[same] == completions->common[same])
		same++;
	completions->common[same] = '\0';
	return true;
}

bool completions_add(struct completions *completions, const char *name, const char *prefix)
{
	size_t len = strlen(prefix);
	if (strncmp(name, prefix, len) != 0)
		return true;
	if (!add_common(completions, name))
		return false;
	size_t end = level_end(name, len);
	struct completion *found;
	HASH_FIND (hh, completions->all, name, end, found)
		;
	if (found)
		return true;
	found = calloc(1, sizeof(*found));
	if (!found)
		return false;
	found->word = strndup(name, end);
	if (!found->word) {
		free(found);
		return false;
	}
	HASH_ADD_KEYPTR(hh, completions->all, found->word, end, found);
	return true;
}

static int by_word(const struct completion *a, const struct completion *b)
{
	return strcmp(a->word, b->word);
}

void completions_sort(struct completions *completions)
{
	HASH_SORT(completions->all, by_word);
}

void completions_deinit(struct completions *completions)
{
	free(completions->common);
	completions->common = NULL;
	struct completion *completion, *next;
	HASH_ITER (hh, completions->all, completion, next) {
		HASH_DEL(completions->all, completion);
		free(completion->word);
		free(completion);
	}
}

// --- What a word may be --------------------------------------------------------------------------

// readline's callbacks take no context.
static struct shell *completing;

static void add_functions(struct completions *out, const char *prefix)
{
	size_t num;
	const struct func *funcs = index_funcs(session_index(completing->session), &num);
	for (size_t i = 0; i < num; i++)
		completions_add(out, funcs[i].name, prefix);
}

static void add_traces(struct completions *out, const char *prefix)
{
	size_t num;
	struct session_trace *const *traces = session_traces(completing->session, &num);
	for (size_t i = 0; i < num; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%u", traces[i]->id);
		completions_add(out, id, prefix);
	}
}

static void add_commands(struct completions *out, const char *prefix)
{
	for (const struct shell_command *command = shell_commands; command->name; command++)
		completions_add(out, command->name, prefix);
}

static void add_settings(struct completions *out, const char *prefix)
{
	for (size_t i = 0; shell_setting_name(i); i++)
		completions_add(out, shell_setting_name(i), prefix);
}

static void add_options(struct completions *out, const char *prefix)
{
	for (const struct argp_option *option = trace_options_argp.options;
	     option->name || option->doc; option++) {
		char word[64];
		if (!option->name || shell_refuses(option->name))
			continue;
		snprintf(word, sizeof(word), "--%s", option->name);
		completions_add(out, word, prefix);
	}
}

static void add_formats(struct completions *out, const char *prefix)
{
	static const char *const formats[] = {"graph", "lines", "json"};
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		completions_add(out, formats[i], prefix);
}

// Processes that can be looked at and are Go's.
static void add_pids(struct completions *out, const char *prefix)
{
	DIR *proc = opendir("/proc");
	if (!proc)
		return;
	for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    !strncmp(entry->d_name, prefix, strlen(prefix)) && inspect_is_go(entry->d_name))
			completions_add(out, entry->d_name, prefix);
	closedir(proc);
}

static void add_types(struct completions *out, const char *prefix)
{
	inspect_type_names(session_index(completing->session), out, prefix);
}

static const struct {
	const char *what;
	bool needs_target;
	void (*add)(struct completions *out, const char *prefix);
} sources[] = {
	{"functions", true, add_functions}, {"types", true, add_types},
	{"traces", true, add_traces},	    {"commands", false, add_commands},
	{"settings", false, add_settings},  {"formats", false, add_formats},
	{"pids", false, add_pids},
};

// The command of the line, where the cursor is in one of its words; NULL in the first.
static const struct shell_command *line_command(int start)
{
	CLEANUP_FREE char *line = strndup(rl_line_buffer, (size_t)start);
	int argc = 0;
	char **argv = NULL;
	struct error *err = line ? shell_words(line, &argc, &argv) : error_nomem();
	const struct shell_command *command = NULL;
	if (!err && argc)
		command = shell_find(argv[0], &err);
	error_free(err);
	shell_words_free(argc, argv);
	return command;
}

static void gather(const char *what, struct completions *out, const char *prefix)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (!strcmp(sources[i].what, what) &&
		    (!sources[i].needs_target || completing->session))
			sources[i].add(out, prefix);
}

// readline's form: what all have in common first, then each; NULL at the end.
static char **as_matches(struct completions *completions)
{
	size_t num = HASH_COUNT(completions->all);
	char **matches = num ? calloc(num + 2, sizeof(*matches)) : NULL;
	if (!matches)
		return NULL;
	completions_sort(completions);
	matches[0] = strdup(completions->common);
	size_t i = 1;
	for (struct completion *completion = completions->all; num > 1 && completion;
	     completion = completion->hh.next)
		matches[i++] = strdup(completion->word);
	return matches;
}

// More may follow what ends in a separator, or a type's brackets.
static bool is_whole(const char *word)
{
	size_t num;
	size_t len = strlen(word);
	if (len && (word[len - 1] == '/' || word[len - 1] == '.'))
		return false;
	if (!completing->session)
		return true;
	const struct func *funcs = index_funcs(session_index(completing->session), &num);
	for (size_t i = 0; i < num; i++)
		if (!strncmp(funcs[i].name, word, len) && funcs[i].name[len])
			return false;
	return true;
}

static char **complete(const char *text, int start, int end)
{
	(void)end;
	const struct shell_command *command = line_command(start);
	const char *what = !command ? "commands" : command->completes;
	rl_attempted_completion_over = 1;
	if (command && !strcmp(command->name, "trace") && *text == '-')
		what = NULL;
	if (what && !strcmp(what, "files")) {
		rl_attempted_completion_over = 0;
		return NULL;
	}
	struct completions completions = {0};
	if (what)
		gather(what, &completions, text);
	else if (command && *text == '-')
		add_options(&completions, text);
	if (command && !strcmp(command->name, "untrace"))
		gather("traces", &completions, text);
	if (command && !strcmp(command->name, "whatis"))
		gather("functions", &completions, text);
	char **matches = as_matches(&completions);
	completions_deinit(&completions);
	if (matches && !matches[1] && !is_whole(matches[0]))
		rl_completion_suppress_append = 1;
	return matches;
}

void shell_complete_init(struct shell *shell)
{
	completing = shell;
	rl_attempted_completion_function = complete;
	rl_completer_word_break_characters = (char *)" \t\n"; // names hold all others
	rl_basic_quote_characters = (char *)"";
	rl_completer_quote_characters = (char *)"";
	rl_completion_query_items = 200;
}
