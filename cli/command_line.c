// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a command, and its --help, which argp makes from the table of options.
#include <argp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/options.h"
#include "cli/usage.h"
#include "cli/values.h"

// --- Options -------------------------------------------------------------------------------------

// The error for the first len bytes of name, with which no option of the command begins.
static struct error *no_option(const char *command, const char *name, size_t len)
{
	struct usage_nearest nearest = {.word = name, .len = len};
	for (const struct option_row *option = options_table; option->name; option++) {
		bool is_same = !strncmp(option->name, name, len) && !option->name[len];
		if (option_is_of(option, command))
			usage_try_name(&nearest, option->name);
		else if (is_same && !nearest.name && !strchr(option->commands, ' '))
			return error_new("--%s is an option of gotrace %s", option->name,
					 option->commands);
	}
	if (nearest.name)
		return error_new("there is no option --%.*s; did you mean --%s?", (int)len, name,
				 nearest.name);
	return error_new("there is no option --%.*s: see gotrace %s --help", (int)len, name,
			 command);
}

// Finds the option whose name is the first len bytes of name, or one that begins with them. Another
// one that does so is put into *other.
static const struct option_row *find_long(const char *command, const char *name, size_t len,
					  const struct option_row **other)
{
	const struct option_row *found = NULL;
	*other = NULL;
	for (const struct option_row *option = options_table; option->name; option++) {
		if (!option_is_of(option, command) || strncmp(option->name, name, len))
			continue;
		if (!option->name[len]) {
			*other = NULL;
			return option;
		}
		if (found)
			*other = option;
		else
			found = option;
	}
	return found;
}

static const struct option_row *find_letter(const char *command, int letter)
{
	for (const struct option_row *option = options_table; option->name; option++)
		if (option->letter == letter && option_is_of(option, command))
			return option;
	return NULL;
}

const struct option_row *options_awaits(const char *command, const char *word)
{
	const struct option_row *option = NULL, *other = NULL;
	if (word[0] == '-' && word[1] == '-' && word[2] && !strchr(word, '='))
		option = find_long(command, word + 2, strlen(word + 2), &other);
	else if (word[0] == '-' && word[1] && !word[2])
		option = find_letter(command, word[1]);
	return option && !other && !option->kind->is_flag && !option->left_out ? option : NULL;
}

// --- argp ----------------------------------------------------------------------------------------

// argp's key of the first row of options_table. Smaller keys are letters.
enum { KEY_ROW = UCHAR_MAX + 1 };

// Returns the options of a command as argp wants them. The caller frees them. NULL if out of
// memory.
static struct argp_option *make_rows(const char *command, bool in_shell)
{
	const char *headings[NUM_OPTION_GROUPS] = {
		[GROUP_COUNTED] = "What is counted:",
		[GROUP_SHOWN] = "How it is shown:",
		[GROUP_CAPTURED] = "What is captured:",
		[GROUP_CALLS] = "Which calls (decided where they happen; others cost no event):",
		[GROUP_LIMITS] = "How many, and how long:",
		[GROUP_MEANS] = "How it is done:",
	};
	size_t max = NUM_OPTION_GROUPS + 1; // and two for each option: its name and its letter
	for (const struct option_row *option = options_table; option->name; option++)
		max += 2;
	struct argp_option *rows = calloc(max, sizeof(*rows)), *next = rows;
	for (const struct option_row *option = options_table; rows && option->name; option++) {
		int group = option->group;
		if (!option_is_of(option, command) || (in_shell && !option_is_of_trace(option)))
			continue;
		if (headings[group])
			*next++ = (struct argp_option){.doc = headings[group], .group = group};
		headings[group] = NULL;
		*next++ = (struct argp_option){
			.name = option->name,
			.key = KEY_ROW + (int)(option - options_table),
			.arg = option->arg,
			.flags = option->left_out ? OPTION_ARG_OPTIONAL : 0,
			.doc = option->doc ? option->doc : "",
			.group = group,
		};
		if (option->letter)
			*next++ =
				(struct argp_option){.key = option->letter, .flags = OPTION_ALIAS};
	}
	return rows;
}

struct line { // that argp reads
	const struct command *command;
	struct options *options;
	int next; // the word in which argp goes on
	struct error *err;
};

static error_t read_word(int key, char *arg, struct argp_state *state)
{
	struct line *line = state->input;
	struct options *options = line->options;
	if (key >= ARGP_KEY_END)
		return ARGP_ERR_UNKNOWN;
	if (key != ARGP_KEY_ARG) {
		const struct option_row *option = key < KEY_ROW
							  ? find_letter(line->command->name, key)
							  : &options_table[key - KEY_ROW];
		line->err = option_set(option, arg, options);
	} else if (state->quoted && line->command->before_program.kind) {
		options->program = state->argv + state->quoted;
		state->next = state->argc;
	} else {
		options->words[options->num_words++] = arg;
	}
	line->next = state->next;
	return line->err ? EINVAL : 0;
}

// The error for a word that argp has not understood.
static struct error *refusal(const char *command, const char *word)
{
	const struct option_row *option, *other;
	const char *letter = word + 1;
	if (*letter == '-') {
		size_t len = strcspn(word + 2, "=");
		option = find_long(command, word + 2, len, &other);
		if (!option)
			return no_option(command, word + 2, len);
		if (other)
			return error_new("--%.*s is --%s or --%s: write more of it", (int)len,
					 word + 2, option->name, other->name);
	} else {
		while ((option = find_letter(command, *letter)) && letter[1])
			letter++;
		if (!option)
			return error_new("there is no option -%s: see gotrace %s --help", letter,
					 command);
	}
	return option->kind->is_flag
		       ? error_new("--%s takes no value", option->name)
		       : error_new("--%s: give it a value, %s", option->name, option->arg);
}

struct error *options_parse(const struct command *command, int argc, char **argv,
			    struct options *options)
{
	CLEANUP_FREE struct argp_option *rows = make_rows(command->name, false);
	struct argp argp = {.options = rows, .parser = read_word};
	struct line line = {.command = command, .options = options, .next = 1};
	// In order, so that line.next is the word that is not understood.
	unsigned flags = ARGP_IN_ORDER | ARGP_NO_HELP | ARGP_NO_ERRS | ARGP_NO_EXIT;
	error_t code = rows ? argp_parse(&argp, argc, argv, flags, NULL, &line) : ENOMEM;
	if (!code || line.err)
		return line.err;
	return code == ENOMEM ? error_nomem() : refusal(command->name, argv[line.next]);
}

// Returns an option's doc, with the words that its value can be before it, such as "graph
// (default), lines or json; ", or with its default after it. argp frees it. It calls this for its
// other texts too.
static char *complete_doc(int key, const char *doc, void *input)
{
	(void)input;
	if (key >= ARGP_KEY_END)
		return (char *)doc;
	const struct option_row *option = &options_table[key - KEY_ROW];
	bool has_default = option->kind->print;
	const char *first = option_word(option, 0), *word;
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);
	if (!out)
		return (char *)doc;
	for (size_t i = 0; (word = option_word(option, i)); i++)
		fprintf(out, "%s%s%s",
			!i			     ? ""
			: option_word(option, i + 1) ? ", "
						     : " or ",
			word, !i && has_default ? " (default)" : "");
	fprintf(out, "%s%s", first && *doc ? "; " : "", doc);
	struct options defaults;
	options_init(&defaults);
	if (has_default && !first && !option_is_none(option, &defaults)) {
		fputs(" (default ", out);
		option_print(option, &defaults, out);
		fputc(')', out);
	}
	fclose(out);
	return all;
}

void options_help(const struct command *command, bool in_shell, FILE *out)
{
	CLEANUP_FREE struct argp_option *rows = make_rows(command->name, in_shell);
	struct argp argp = {.options = rows,
			    .args_doc = command->args,
			    .doc = command->doc,
			    .help_filter = complete_doc};
	char name[64];
	snprintf(name, sizeof(name), "gotrace %s", command->name);
	argp_help(&argp, out, in_shell ? ARGP_HELP_LONG : ARGP_HELP_STD_HELP, name);
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
	struct error *err = options_parse(command, argc, argv, options);
	return err || options->wants_help ? err : check_words(command, options);
}
