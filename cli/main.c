// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/usage.h"

static void print_help(FILE *out)
{
	fputs("gotrace shows every call of the selected functions of a running Go program: arguments,\n"
	      "results, goroutine, duration. No rebuild, no restart.\n\n"
	      "  gotrace attach PID 'main.*'          trace a running process\n"
	      "  gotrace run 'main.*' -- ./server     start a program and trace it\n\n"
	      "Commands:\n",
	      out);
	const struct command *command;
	for (size_t i = 0; (command = command_at(i)); i++)
		if (command->summary)
			fprintf(out, "  %-11s %s\n", command->name, command->summary);
	fputs("\n\"gotrace COMMAND --help\" shows the options of a command; the manual is gotrace(1).\n",
	      out);
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

static int run(const struct command *command, int argc, char **argv)
{
	struct options options;
	options_init(&options);
	cli_set_verbosity(0);
	struct error *err = options_read(command, argc, argv, &options);
	int status = EXIT_DONE;
	if (err) {
		fprintf(stderr, "gotrace %s: %s\n", command->name, error_message(err));
		error_free(err);
		status = EXIT_USAGE;
	} else if (options.wants_help) {
		options_help(command, false, stdout);
	} else {
		cli_set_verbosity(options.is_quiet ? -1 : options.is_verbose);
		status = command->run(&options);
	}
	options_deinit(&options);
	return status;
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
	char *shell[] = {argv[0], (char *)"shell", NULL};
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
	const struct command *command = command_find(wants_help ? argv[2] : name);
	if (!command)
		return cli_fail(usage_no_command(wants_help ? argv[2] : name)), EXIT_USAGE;
	char *help[] = {argv[0], (char *)"--help", NULL};
	return wants_help ? run(command, 2, help) : run(command, argc - 1, argv + 1);
}
