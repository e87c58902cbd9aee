// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a command, and its --help, from the table of options.
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/options.h"
#include "cli/usage.h"
#include "cli/values.h"

static const char HELP[] = "help";

// --- Options -------------------------------------------------------------------------------------

// The error for the first len bytes of word, which name no option of the command.
static struct error *no_option(const char *command, const char *word, size_t len)
{
	struct usage_nearest nearest = {.word = word + 2, .len = len - 2};
	for (const struct option *option = options_table; option->name; option++) {
		bool is_same =
			!strncmp(option->name, nearest.word, nearest.len) && !option->name[len - 2];
		if (option_is_of(option, command))
			usage_try_name(&nearest, option->name);
		else if (is_same && !nearest.name && !strchr(option->commands, ' '))
			return error_new("--%s is an option of gotrace %s", option->name,
					 option->commands);
	}
	if (nearest.name)
		return error_new("there is no option %.*s; did you mean --%s?", (int)len, word,
				 nearest.name);
	return error_new("there is no option %.*s: see gotrace %s --help", (int)len, word, command);
}

// Finds the option whose name is the first len bytes of word, after its dashes, or the only one
// that begins with them. NULL and no error for --help.
static struct error *find_long(const char *command, const char *word, size_t len,
			       const struct option **out)
{
	const struct option *found = NULL, *second = NULL;
	const char *name = word + 2;
	bool is_help = len > 2 && !strncmp(HELP, name, len - 2);
	*out = NULL;
	for (const struct option *option = options_table; option->name; option++) {
		if (!option_is_of(option, command) || strncmp(option->name, name, len - 2))
			continue;
		if (!option->name[len - 2]) {
			*out = option;
			return NULL;
		}
		second = found;
		found = option;
	}
	if (second)
		return error_new("%.*s is --%s or --%s: write more of it", (int)len, word,
				 second->name, found->name);
	*out = found;
	return found || is_help ? NULL : no_option(command, word, len);
}

static const struct option *find_letter(const char *command, char letter)
{
	for (const struct option *option = options_table; option->name; option++)
		if (option->letter == letter && option_is_of(option, command))
			return option;
	return NULL;
}

struct line { // what is left of a command line
	const char *command;
	char **next, **end;
};

// Sets an option to value, or to the next word if it needs one.
static struct error *set(struct line *line, const struct option *option, const char *value,
			 struct options *options)
{
	if (option->kind->is_flag && value)
		return error_new("--%s takes no value", option->name);
	if (!option->kind->is_flag && !value && !option->left_out) {
		if (line->next == line->end)
			return error_new("--%s: give it a value, %s", option->name, option->arg);
		value = *line->next++;
	}
	return option_set(option, value, options);
}

static struct error *parse_long(struct line *line, const char *word, struct options *options)
{
	size_t len = strcspn(word, "=");
	const struct option *option;
	struct error *err = find_long(line->command, word, len, &option);
	if (err)
		return err;
	if (option)
		return set(line, option, word[len] ? word + len + 1 : NULL, options);
	options->wants_help = true;
	return NULL;
}

// Parses "-q", "-qv", "-o FILE" or "-oFILE".
static struct error *parse_letters(struct line *line, const char *word, struct options *options)
{
	struct error *err = NULL;
	for (const char *letter = word + 1; *letter && !err; letter++) {
		const struct option *option = find_letter(line->command, *letter);
		if (!option && strchr("h?", *letter))
			options->wants_help = true;
		else if (!option)
			return error_new("there is no option -%.*s: see gotrace %s --help",
					 (int)strlen(letter), letter, line->command);
		else if (option->kind->is_flag)
			err = set(line, option, NULL, options);
		else
			return set(line, option, letter[1] ? letter + 1 : NULL, options);
	}
	return err;
}

struct error *options_parse(const char *command, int argc, char **argv, struct options *options)
{
	struct line line = {command, argv + 1, argv + argc};
	struct error *err = NULL;
	bool has_options = true;
	while (!err && line.next < line.end) {
		char *word = *line.next++;
		if (!has_options || word[0] != '-' || !word[1])
			options->words[options->num_words++] = word;
		else if (!strcmp(word, "--"))
			has_options = false;
		else
			err = word[1] == '-' ? parse_long(&line, word, options)
					     : parse_letters(&line, word, options);
	}
	return err;
}

const struct option *options_awaits(const char *command, const char *word)
{
	const struct option *option = NULL;
	if (word[0] == '-' && word[1] == '-' && word[2] && !strchr(word, '='))
		error_free(find_long(command, word, strlen(word), &option));
	else if (word[0] == '-' && word[1] && !word[2])
		option = find_letter(command, word[1]);
	return option && !option->kind->is_flag && !option->left_out ? option : NULL;
}

// --- Words ---------------------------------------------------------------------------------------

static struct error *check_pid(struct options *options, const struct command_word *word)
{
	uint64_t pid;
	const char *first = options->words[0],
		   *next = options->num_words > 1 ? options->words[1] : "";
	if (!usage_is_number(first) && word->missing)
		return error_new(
			"%s: not a PID. Which process? Give its PID, then patterns such as 'main.*'",
			first);
	if (!parse_number(first, INT32_MAX, &pid))
		return error_new("%s: not a PID", first);
	if (usage_is_number(next))
		return error_new("%s and %s are both PIDs: give one process (pidof -s finds one)",
				 first, next);
	options->pid = (pid_t)pid;
	return NULL;
}

static struct error *check_words(const struct command *command, struct options *options)
{
	size_t num = sizeof(command->words) / sizeof(*command->words), i = 0;
	const struct command_word *word = command->words;
	if (options->program) {
		word = &command->before_program;
		num = 1;
	}
	bool takes_more = false;
	for (; i < num && word->kind; i++, word++) {
		if (i >= options->num_words && word->missing)
			return error_new("%s", word->missing);
		struct error *err = i < options->num_words && word->kind == WORD_PID
					    ? check_pid(options, word)
					    : NULL;
		if (err)
			return err;
		takes_more = word->kind == WORD_PATTERNS || word->kind == WORD_ANY;
	}
	bool has_more = i < options->num_words && !takes_more;
	if (!options->program &&
	    (command->needs_program || (command->before_program.kind && has_more)))
		return error_new("which program? Give it after --: gotrace %s 'main.*' -- ./server",
				 command->name);
	return has_more ? error_new("'%s' is one word too many: give %s", options->words[i],
				    command->args)
			: NULL;
}

struct error *options_read(const struct command *command, int argc, char **argv,
			   struct options *options)
{
	options->words = calloc((size_t)argc + 1, sizeof(*options->words));
	if (!options->words)
		return error_nomem();
	int split = 1;
	while (command->before_program.kind && split < argc && strcmp(argv[split], "--"))
		split++;
	if (!command->before_program.kind)
		split = argc;
	if (split + 1 < argc)
		options->program = argv + split + 1;
	struct error *err = options_parse(command->name, split, argv, options);
	return err || options->wants_help ? err : check_words(command, options);
}

// --- Help ----------------------------------------------------------------------------------------

enum { DOC_COLUMN = 29, WIDTH = 79 };

// Writes "graph (default), lines or json", before the option's doc.
static void add_words(const struct option *option, const struct options *defaults, struct text *out)
{
	CLEANUP_FREE char *by_default = NULL;
	size_t size;
	const char *first = option_word(option, 0), *word;
	FILE *printed = open_memstream(&by_default, &size);
	if (printed && option->kind->print && (first || !option_is_none(option, defaults)))
		option_print(option, defaults, printed);
	if (printed)
		fclose(printed);
	for (size_t i = 0; (word = option_word(option, i)); i++)
		text_printf(out, "%s%s%s",
			    !i				 ? ""
			    : option_word(option, i + 1) ? ", "
							 : " or ",
			    word, by_default && !strcmp(word, by_default) ? " (default)" : "");
	if (first)
		text_puts(out, option->doc ? "; " : "");
	if (option->doc)
		text_puts(out, option->doc);
	if (!first && by_default && *by_default)
		text_printf(out, " (default %s)", by_default);
}

static void print_option(const struct option *option, const struct options *defaults, FILE *out)
{
	struct text doc;
	text_init(&doc);
	add_words(option, defaults, &doc);
	char letter[] = "-x, ";
	letter[1] = option->letter;
	bool may_be_left_out = option->left_out;
	int column = fprintf(out, "  %4s--%s", option->letter ? letter : "", option->name);
	if (option->arg)
		column += fprintf(out, may_be_left_out ? "[=%s]" : "=%s", option->arg);
	if (column >= DOC_COLUMN)
		column = fprintf(out, "\n") - 1;
	fprintf(out, "%*s", DOC_COLUMN - column, "");
	cli_wrap(out, text_string(&doc), DOC_COLUMN, WIDTH);
	text_deinit(&doc);
}

void options_print(const char *command, bool in_shell, FILE *out)
{
	static const char *const headings[NUM_OPTION_GROUPS] = {
		[GROUP_COUNTED] = "What is counted:",
		[GROUP_SHOWN] = "How it is shown:",
		[GROUP_CAPTURED] = "What is captured:",
		[GROUP_CALLS] = "Which calls (decided where they happen; others cost no event):",
		[GROUP_LIMITS] = "How many, and how long:",
		[GROUP_MEANS] = "How it is done:",
	};
	struct options defaults;
	options_init(&defaults);
	for (enum option_group group = 0; group < NUM_OPTION_GROUPS; group++) {
		bool is_first = true;
		for (const struct option *option = options_table; option->name; option++) {
			if (option->group != group || !option_is_of(option, command) ||
			    (in_shell && !option_is_of_trace(option)))
				continue;
			if (is_first && headings[group])
				fprintf(out, "\n %s\n", headings[group]);
			else if (is_first)
				fputc('\n', out);
			is_first = false;
			print_option(option, &defaults, out);
		}
	}
}

void options_help(const struct command *command, FILE *out)
{
	const char *before = "Usage:";
	for (const char *args = command->args; *args; before = "   or:") {
		int len = (int)strcspn(args, "\n");
		fprintf(out, "%s gotrace %s [OPTION...] %.*s\n", before, command->name, len, args);
		args += len + (args[len] == '\n');
	}
	cli_wrap(out, command->doc, 0, WIDTH);
	options_print(command->name, false, out);
	fprintf(out, "\n  -h, --%-20s Show this help\n\n", HELP);
	for (const char *line = command->more; line; line = *line ? line + 1 : NULL) {
		size_t len = strcspn(line, "\n");
		CLEANUP_FREE char *paragraph = strndup(line, len);
		cli_wrap(out, paragraph ? paragraph : "", 0, WIDTH);
		line += len;
	}
}
