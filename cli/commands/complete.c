// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace complete: what a command line can go on with, for the completion scripts of bash, zsh and
// fish. They know nothing of the commands and their options.
#include <string.h>

#include "cli/complete.h"
#include "cli/inspect/inspect.h"

enum { LINES_MAX = 2000 };
static const char FILES[] = "/"; // printed in place of the names of files, which the shell knows

// What the last word of a command line is.
struct place {
	const struct command *command;	 // NULL: the word is the command's name
	const struct option_row *option; // the word is this option's value; NULL: it is not
	const char *target;		 // the first word that is no option; NULL: there is none
	size_t num;			 // words before it that are no options
	bool is_of_program;		 // it belongs to the program that the command starts
	struct index *index;		 // of the target
};

static bool find_place(char *const *words, size_t num, struct place *out)
{
	*out = (struct place){0};
	if (num < 2)
		return true;
	out->command = command_find(words[0]);
	if (!out->command)
		return false;
	bool has_options = true;
	for (size_t i = 1; i + 1 < num && !out->option; i++) {
		bool is_option = has_options && words[i][0] == '-' && words[i][1];
		if (is_option && !strcmp(words[i], "--")) {
			has_options = false;
			out->is_of_program |= out->command->before_program.kind != WORD_NONE;
		} else if (is_option) {
			const struct option_row *option =
				options_awaits(out->command->name, words[i]);
			if (option && ++i + 1 == num)
				out->option = option;
		} else if (!out->num++) {
			out->target = words[i];
		}
	}
	return true;
}

static enum word_kind word_kind(const struct place *place)
{
	const struct command_word *words = place->command->words;
	size_t num = sizeof(place->command->words) / sizeof(*words), i = 0;
	while (i < place->num && i < num && words[i].kind != WORD_PATTERNS)
		i++;
	return i < num ? words[i].kind : WORD_NONE;
}

static void add_names(const struct place *place, bool types, struct completions *out,
		      const char *prefix)
{
	if (place->index && types)
		inspect_type_names(place->index, out, prefix);
	else if (place->index)
		inspect_func_names(place->index, out, prefix);
}

static void add_commands(struct completions *out, const char *prefix)
{
	for (size_t i = 0; command_at(i); i++)
		if (command_at(i)->summary)
			completions_add(out, command_at(i)->name, prefix);
	completions_add(out, "--help", prefix);
	completions_add(out, "--version", prefix);
}

static void add(void *context, struct completions *out, const char *prefix)
{
	const struct place *place = context;
	const char *completes = place->option ? place->option->completes : NULL;
	if (place->option) {
		completions_add_words(out, place->option, prefix);
		if (completes && !strcmp(completes, "functions"))
			add_names(place, false, out, prefix);
		return;
	}
	if (!place->command)
		add_commands(out, prefix);
	else if (*prefix == '-')
		completions_add_options(out, place->command->name, false, prefix);
	enum word_kind kind = place->command && *prefix != '-' ? word_kind(place) : WORD_NONE;
	if (kind == WORD_PID || kind == WORD_TARGET)
		inspect_pids(out, prefix);
	else if (kind == WORD_TYPE)
		add_names(place, true, out, prefix);
	else if (kind == WORD_FUNC || kind == WORD_PATTERNS)
		add_names(place, false, out, prefix);
}

static bool has_files(const struct place *place, const char *word)
{
	if (place->option)
		return place->option->completes && !strcmp(place->option->completes, "files");
	if (!place->command || *word == '-')
		return place->is_of_program;
	enum word_kind kind = word_kind(place);
	return place->is_of_program || kind == WORD_FILE || kind == WORD_TARGET;
}

// True if the word can be a name from the target.
static bool needs_index(const struct place *place, const char *word)
{
	enum word_kind first = place->command ? place->command->words[0].kind : WORD_NONE;
	if (!place->target || (first != WORD_PID && first != WORD_TARGET))
		return false;
	if (place->option)
		return place->option->completes && !strcmp(place->option->completes, "functions");
	return *word != '-' && word_kind(place) >= WORD_FUNC;
}

static int complete_main(struct options *options)
{
	struct place place;
	const char *word = options->words[options->num_words - 1];
	if (!find_place(options->words, options->num_words, &place))
		return EXIT_DONE;
	if (has_files(&place, word))
		puts(FILES);
	if (place.is_of_program)
		return EXIT_DONE;
	pid_t pid;
	if (needs_index(&place, word)) {
		struct error *err = open_target_index(place.target, &place.index, &pid);
		if (err)
			return cli_fail(err);
	}
	bool is_excluded = place.index && *word == '!';
	struct completions completions = {0};
	completions_gather(&completions, word + is_excluded, add, &place);
	size_t num = 0;
	for (struct completion *each = completions.all; each && num++ < LINES_MAX;
	     each = each->hh.next)
		printf("%s%s\n", is_excluded ? "!" : "", each->word);
	completions_deinit(&completions);
	index_close(place.index);
	return EXIT_DONE;
}

const struct command command_complete = {
	.name = "complete",
	.args = "-- WORD...",
	.doc = "Print, a line each, what the last WORD of a gotrace command line can be; of a "
	       "function's name as far as the next part of it: a package's path, a type, a "
	       "method. A line \"/\" means names of files.\v"
	       "Example: gotrace complete -- list ./server net/http.",
	.words = {{WORD_ANY, "which words?"}},
	.run = complete_main,
};
