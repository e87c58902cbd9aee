// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"

static const struct command *const commands[] = {
	&command_attach, &command_run,	       &command_list,	&command_types,	 &command_whatis,
	&command_info,	 &command_disassemble, &command_doctor, &command_replay, &command_count,
	&command_hist,	 &command_top,	       &command_bench,	&command_shell,	 &command_complete,
};
enum { NUM_COMMANDS = sizeof(commands) / sizeof(*commands) };

volatile sig_atomic_t cli_signal, cli_hurry;
static int verbosity; // set once, from the command line

static void note_signal(int number)
{
	cli_hurry = cli_signal != 0;
	cli_signal = number;
}

void cli_catch_signals(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	// Without SA_RESTART, so that a signal ends a blocked write. All signals are blocked meanwhile: one
	// that came in the middle of note_signal() would be taken for the first.
	struct sigaction action = {.sa_handler = note_signal};
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void print_log(enum log_level level, const char *message)
{
	cli_print(stderr, level == LOG_WARNING ? "gotrace: warning: " : "gotrace: ", message);
	fputc('\n', stderr);
}

// Overwrites one line of the terminal with the progress of work that takes more than a second.
static void print_progress(const char *what, size_t done, size_t total)
{
	static struct timespec start;
	static size_t last_total, next;
	static bool is_shown;
	if (done < next && done < total && total == last_total)
		return;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (total != last_total) {
		start = now;
		last_total = total;
	}
	next = done + total / 200 + 1;
	if (done < total && now.tv_sec - start.tv_sec > 1) {
		fprintf(stderr, "\rgotrace: %zu of %zu %s", done, total, what);
		is_shown = true;
	} else if (done >= total && is_shown) {
		fputs("\r\033[K", stderr);
		is_shown = false;
	}
	if (done >= total)
		last_total = next = 0;
}

void cli_set_verbosity(int value)
{
	log_progress_to(value >= 0 && isatty(STDERR_FILENO) ? print_progress : NULL);
	verbosity = value;
	log_to(value < 0 ? NULL : print_log, value > 0 ? LOG_INFO : LOG_WARNING);
	if (getenv("GOTRACE_DEBUG"))
		log_to(print_log, LOG_DEBUG);
}

void cli_say(const char *fmt, ...)
{
	if (verbosity < 0)
		return;
	va_list args;
	va_start(args, fmt);
	char *message;
	if (vasprintf(&message, fmt, args) >= 0) {
		cli_print(stderr, "gotrace: ", message);
		fputc('\n', stderr);
		free(message);
	}
	va_end(args);
}

// True if the message is about a pattern that is the name of a file in this folder and of no
// function: the shell has expanded "gotrace attach PID *", which has no quotes.
static bool is_of_shell(const char *message)
{
	static const char before[] = "no function has the name '";
	const char *name = strstr(message, before);
	const char *end = name ? strchr(name + strlen(before), '\'') : NULL;
	if (!end)
		return false;
	name += strlen(before);
	char *path = strndup(name, (size_t)(end - name));
	bool is_file = path && !access(path, F_OK);
	free(path);
	return is_file;
}

int cli_fail(struct error *err)
{
	cli_print(stderr, "gotrace: ", error_message(err));
	if (is_of_shell(error_message(err)))
		fputs("; a file here has that name: where the shell has put it in a pattern's place, "
		      "quote the pattern, such as '*'",
		      stderr);
	fputc('\n', stderr);
	error_free(err);
	return EXIT_REFUSED;
}

static void print_help(FILE *out)
{
	fputs("gotrace shows every call of the chosen functions of a running Go program: arguments,\n"
	      "results, goroutine, duration. No rebuild, no restart.\n\n"
	      "  gotrace attach PID 'main.*'          trace a running process\n"
	      "  gotrace run 'main.*' -- ./server     start a program and trace it\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < NUM_COMMANDS; i++)
		if (commands[i]->summary)
			fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n\"gotrace COMMAND --help\" tells a command's options; the manual is gotrace(1).\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NUM_COMMANDS; i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	return NULL;
}

// Opens the standard descriptors that are closed, so that no file opened later becomes one of them.
// Writing to a closed standard output fails the same as without this.
static void fill_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
}

// Runs at exit, for every command. Fails if the answer could not be written completely, but not if
// the reader has gone away.
static void check_output(void)
{
	struct pollfd reader = {.fd = STDOUT_FILENO, .events = POLLOUT};
	bool is_gone = poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR);
	bool is_whole = !ferror(stdout);
	errno = 0;
	is_whole &= !fclose(stdout);
	if (is_whole || is_gone || errno == EPIPE)
		return;
	cli_fail(errno ? error_errno(errno, "standard output")
		       : error_new("standard output: not all could be written"));
	_exit(EXIT_REFUSED);
}

int main(int argc, char **argv)
{
	fill_descriptors();
	atexit(check_output);
	bool is_at_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (argc < 2 && !is_at_terminal) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	char *shell[] = {argv[0], (char *)command_shell.name, NULL};
	if (argc < 2) {
		argc = 2;
		argv = shell;
	}
	const char *name = argv[1];
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("gotrace " GOTRACE_VERSION);
		return EXIT_DONE;
	}
	bool wants_help = !strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h");
	if (wants_help && argc < 3) {
		print_help(stdout);
		return EXIT_DONE;
	}
	const struct command *command = find_command(wants_help ? argv[2] : name);
	if (!command) {
		const char *names[NUM_COMMANDS];
		for (size_t i = 0; i < NUM_COMMANDS; i++)
			names[i] = commands[i]->name;
		return usage_no_command(wants_help ? argv[2] : name, names, NUM_COMMANDS);
	}
	char title[32];
	snprintf(title, sizeof(title), "gotrace %s", command->name);
	char *help[] = {title, "--help", NULL};
	cli_set_verbosity(0);
	program_invocation_name = title; // argp's messages begin with it
	argv[1] = title;
	return wants_help ? command->run(2, help) : command->run(argc - 1, argv + 1);
}
