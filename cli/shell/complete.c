// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's completion with the Tab key: which words are possible, in the form that readline
// wants.
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "base/cleanup.h"
#include "cli/complete.h"
#include "cli/inspect/inspect.h"
#include "cli/shell/shell.h"
#include "tracer/plan/conditions.h"
#include "tracer/plan/select/select.h"

// A global, because readline's callbacks have no context argument.
static struct shell *completing;

static void add_functions(struct completions *out, const char *prefix)
{
	inspect_func_names(session_index(completing->session), out, prefix);
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
	for (const struct shell_command *command = shell_commands; command->name; command++) {
		completions_add(out, command->name, prefix);
		if (command->also)
			completions_add(out, command->also, prefix);
	}
}

static void add_settings(struct completions *out, const char *prefix)
{
	for (size_t i = 0; shell_setting_name(i); i++)
		completions_add(out, shell_setting_name(i), prefix);
}

static void add_options(struct completions *out, const char *prefix)
{
	completions_add_options(out, "attach", true, prefix);
}

// --- Conditions ----------------------------------------------------------------------------------

enum { FUNCTIONS_MAX = 16 }; // whose parameters a condition is completed with

// The words before the one that is being completed.
static struct {
	int argc;
	char **argv;
} words_before;

// True if the expression is not complete yet, so that the next word belongs to it. Of a list, only
// the last expression counts.
static bool is_open(const char *list)
{
	bool is_wrong = false;
	while (list) {
		CLEANUP_FREE char *one = expr_list_next(&list);
		CLEANUP_FREE char *reason = NULL;
		struct error *err = one ? expr_check(one, &reason) : NULL;
		is_wrong = !err && reason;
		error_free(err);
	}
	return is_wrong;
}

static bool is_clause(const char *word)
{
	return !strcmp(word, "if") || !strcmp(word, "show");
}

// Bytes of an option before its expression: "--if="; 0 if it is none of these.
static size_t skip_option(const char *word)
{
	return !strncmp(word, "--if=", 5) ? 5 : !strncmp(word, "--show=", 7) ? 7 : 0;
}

// Bytes of a clause before its expression: " if ".
static size_t skip_clause(const char *clause)
{
	return strcspn(clause + 1, " ") + 2;
}

// True if word, which follows argv, belongs to a clause. *is_shown: of what is to be shown.
static bool is_in_clause(int argc, char **argv, const char *word, bool *is_shown)
{
	*is_shown = skip_option(word) == 7;
	if (skip_option(word))
		return true;
	if (argc < 2)
		return false;
	const char *last = argv[argc - 1], *before = argv[argc - 2];
	const char *clause = plan_find_clause(last), *next = clause;
	while (next && (next = plan_find_clause(clause + skip_clause(clause))))
		clause = next;
	*is_shown = clause ? !strncmp(clause, " show ", 6)
			   : !strcmp(last, "show") || !strcmp(last, "--show") ||
				     !strcmp(before, "--show");
	if (!strcmp(last, "--if") || !strcmp(last, "--show") || (argc > 2 && is_clause(last)))
		return true;
	if (!strcmp(before, "--if") || !strcmp(before, "--show"))
		return is_open(last);
	return clause && is_open(clause + skip_clause(clause));
}

struct condition {
	struct completions *out;
	const char *prefix;
	size_t skip; // bytes of the prefix before the expression: "--if="
	bool is_shown;
};

static void add_condition_name(void *context, const char *text)
{
	const struct condition *condition = context;
	CLEANUP_FREE char *whole = NULL;
	if (asprintf(&whole, "%.*s%s", (int)condition->skip, condition->prefix, text) >= 0)
		completions_add(condition->out, whole, condition->prefix);
}

static void add_names_of(const struct func *func, struct condition *condition)
{
	struct index *index = session_index(completing->session);
	struct expr_scope scope = {
		.index = index,
		.signature = index_signature(index, func),
		.has_depth = true,
		.is_shown = condition->is_shown,
	};
	if (scope.signature)
		error_free(expr_complete(&scope, condition->prefix + condition->skip,
					 add_condition_name, condition));
}

// Adds the names that a clause on the functions of the patterns before it can use. Words that
// are no patterns select no function.
static void add_conditions(struct completions *out, const char *prefix)
{
	struct condition condition = {.out = out, .prefix = prefix, .skip = skip_option(prefix)};
	is_in_clause(words_before.argc, words_before.argv, prefix, &condition.is_shown);
	size_t num = 0;
	for (int i = 1; i < words_before.argc; i++) {
		CLEANUP_FREE char *pattern = strdup(words_before.argv[i]);
		if (!pattern || strchr("-!", *pattern))
			continue;
		const char *clause = plan_find_clause(pattern);
		if (clause)
			pattern[clause - pattern] = '\0';
		struct selection found = {0};
		error_free(
			select_functions(session_index(completing->session), &pattern, 1, &found));
		for (size_t j = 0; j < found.num && num < FUNCTIONS_MAX; j++, num++)
			add_names_of(found.func[j], &condition);
		selection_deinit(&found);
	}
}

// --- Sources -------------------------------------------------------------------------------------

static void add_formats(struct completions *out, const char *prefix)
{
	for (size_t i = 0; sinks[i]; i++)
		completions_add(out, sinks[i]->name, prefix);
}

// Adds the words that the setting, which is the word before, can be.
static void add_setting_words(struct completions *out, const char *prefix)
{
	const struct option_row *option = shell_find_setting(words_before.argv[1]);
	if (option)
		completions_add_words(out, option, prefix);
}

static void add_types(struct completions *out, const char *prefix)
{
	inspect_type_names(session_index(completing->session), out, prefix);
}

static void add_traces_and_functions(struct completions *out, const char *prefix)
{
	add_traces(out, prefix);
	add_functions(out, prefix);
}

static void add_types_and_functions(struct completions *out, const char *prefix)
{
	add_types(out, prefix);
	add_functions(out, prefix);
}

static const struct source {
	// A value of shell_command.completes, or another one that what_follows() returns: the name
	// of a command, "setting words", "options", "conditions".
	const char *what;
	bool needs_target;
	void (*add)(struct completions *out, const char *prefix);
} sources[] = {
	{"functions", true, add_functions},
	{"types", true, add_types},
	{"traces", true, add_traces},
	{"untrace", true, add_traces_and_functions},
	{"whatis", true, add_types_and_functions},
	{"commands", false, add_commands},
	{"settings", false, add_settings},
	{"options", false, add_options},
	{"conditions", true, add_conditions},
	{"formats", false, add_formats},
	{"setting words", false, add_setting_words},
	{"pids", false, inspect_pids},
};

static const struct source *find_source(const char *what)
{
	for (size_t i = 0; what && i < sizeof(sources) / sizeof(*sources); i++)
		if (!strcmp(sources[i].what, what))
			return &sources[i];
	return NULL;
}

// How the word after argv is completed: the name of a source, or "files"; NULL: not at all.
static const char *what_follows(int argc, char **argv, const char *word)
{
	if (!argc)
		return "commands";
	struct error *err = NULL;
	const struct shell_command *command = shell_find(argv[0], &err);
	error_free(err);
	if (!command)
		return NULL;
	bool has_conditions = !strcmp(command->name, "trace") || !strcmp(command->name, "run");
	bool is_shown;
	if (has_conditions && is_in_clause(argc, argv, word, &is_shown))
		return "conditions";
	if (!strcmp(command->name, "trace") && *word == '-')
		return "options";
	if (!strcmp(command->name, "set") && argc == 2)
		return "setting words";
	if (find_source(command->name))
		return command->name;
	return command->completes;
}

static void gather(void *context, struct completions *out, const char *prefix)
{
	const struct source *source = context;
	source->add(out, prefix);
}

// The words in readline's form: first what all have in common, then each word, then NULL. A single
// word comes once. before is "!" or "", and is put before each.
static char **as_matches(const struct completions *completions, const char *before, char quote)
{
	size_t num = HASH_COUNT(completions->all), i = 0;
	char **matches = num ? calloc(num + 2, sizeof(*matches)) : NULL;
	if (!matches)
		return NULL;
	size_t common = completions_common(completions);
	CLEANUP_FREE char *common_word = strndup(completions->all->word, common);
	const struct completion *each = completions->all;
	for (const char *word = common_word; word; word = each->word, each = each->hh.next) {
		CLEANUP_FREE char *whole = NULL;
		if (asprintf(&whole, "%s%s", before, word) < 0)
			whole = NULL;
		matches[i] = whole ? completion_quote(whole, quote) : NULL;
		if (!matches[i])
			break;
		i++;
		if (i > num || num == 1)
			break;
	}
	if (i == (num == 1 ? 1 : num + 1))
		return matches;
	while (i)
		free(matches[--i]);
	free(matches);
	return NULL;
}

static char **match(const char *what, const char *word, char quote)
{
	const struct source *source = find_source(what);
	if (!source || (source->needs_target && !completing->session))
		return NULL;
	bool is_taken_away = source->add == add_functions && *word == '!';
	struct completions completions = {0};
	completions_gather(&completions, word + is_taken_away, gather, (void *)source);
	const struct completion *only = HASH_COUNT(completions.all) == 1 ? completions.all : NULL;
	char **matches = as_matches(&completions, is_taken_away ? "!" : "", quote);
	// No blank or quote is added to a word that may continue, such as an expression.
	bool goes_on = source->add == add_conditions || (only && only->has_more);
	if (matches && goes_on)
		rl_completion_suppress_append = rl_completion_suppress_quote = 1;
	completions_deinit(&completions);
	return matches;
}

static char **complete(const char *text, int start, int end)
{
	(void)text;
	char quote;
	CLEANUP_FREE char *word = NULL;
	size_t at = completion_word(rl_line_buffer, (size_t)end, &quote, &word);
	CLEANUP_FREE char *before = strndup(rl_line_buffer, at - !!quote);
	rl_attempted_completion_over = 1;
	if (!word || !before || at != (size_t)start)
		return NULL;
	int argc = 0;
	char **argv = NULL;
	struct error *err = shell_words(before, &argc, &argv);
	if (err) {
		error_free(err);
		return NULL;
	}
	const char *what = what_follows(argc, argv, word);
	char **matches = NULL;
	if (what && !strcmp(what, "files"))
		rl_attempted_completion_over = 0;
	words_before.argc = argc;
	words_before.argv = argv;
	if (what && strcmp(what, "files") != 0)
		matches = match(what, word, quote);
	shell_words_free(argc, argv);
	return matches;
}

// True if a backslash quotes the character at this offset of the line.
static int is_quoted(char *line, int at)
{
	int num = 0;
	while (num < at && line[at - num - 1] == '\\')
		num++;
	return num % 2;
}

void shell_complete_init(struct shell *shell)
{
	completing = shell;
	rl_attempted_completion_function = complete;
	rl_completer_word_break_characters = (char *)" \t\n"; // names may contain all others
	rl_basic_quote_characters = (char *)"'\"";
	rl_completer_quote_characters = (char *)"'\"";
	rl_filename_quote_characters = (char *)" \t\n'\"\\";
	rl_char_is_quoted_p = is_quoted;
	rl_completion_query_items = 200;
}
