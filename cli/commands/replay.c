// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace replay: shows a trace again that was kept with --save, in any format.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/output.h"
#include "tracer/stream/replay.h"

struct arguments {
	struct trace_options trace;
	const char *file, *exe;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->trace;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->exe)
			argp_error(state, "one FILE, and one EXECUTABLE at the most");
		*(arguments->file ? &arguments->exe : &arguments->file) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->file)
			argp_error(state, "which FILE? Give one that --save wrote");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

// Where the trace is written. If its reader goes away, that is no error, and the rest is not
// written.
struct output {
	int fd;
	const char *path; // of a file that is still to be emptied; NULL: none
	volatile sig_atomic_t is_closed;
};

static struct error *write_out(void *context, const struct text *text)
{
	struct output *output = context;
	for (size_t done = 0; done < text->len && !output->is_closed;) {
		ssize_t len = write(output->fd, text->data + done, text->len - done);
		if (len >= 0)
			done += (size_t)len;
		else if (errno == EPIPE)
			output->is_closed = true;
		else if (errno != EINTR)
			return error_errno(errno, "writing the trace");
	}
	return NULL;
}

// Empties the output file before the first text is written, so that an error before keeps its
// contents.
static struct error *write_first(void *context, const struct text *text)
{
	struct output *output = context;
	struct error *err = NULL;
	if (output->path)
		err = output_empty(output->fd, output->path);
	output->path = NULL;
	return err ? err : write_out(output, text);
}

static void say_summary(struct text *words)
{
	while (words->len && words->data[words->len - 1] == '\n')
		words->len--;
	if (words->len)
		cli_say("%.*s", (int)words->len, words->data);
}

static struct error *replay(const struct arguments *arguments)
{
	const struct session_options *session = &arguments->trace.session;
	struct output output = {.fd = session->out, .path = arguments->trace.output};
	struct replay_options options = {
		.capture = arguments->file,
		.exe = arguments->exe,
		.sink = session->sink,
		.timestamps = session->timestamps,
		.color = session->color,
		.stop = &output.is_closed,
		.write = write_first,
		.context = &output,
	};
	struct text words;
	text_init(&words);
	struct error *err = replay_run(&options, &words);
	say_summary(&words);
	text_deinit(&words);
	return err;
}

static int replay_main(int argc, char **argv)
{
	static const struct argp_child children[] = {{&output_options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "FILE [EXECUTABLE]",
		.doc = "Show a trace again that \"gotrace attach --save FILE\" kept. The traced executable is needed to read it: the "
		       "one at the path where it was, or EXECUTABLE.\v"
		       "Example: gotrace replay trace.gotrace --format json",
		.children = children,
	};
	struct arguments arguments = {0};
	trace_options_init(&arguments.trace);
	cli_parse(&argp, argc, argv, NULL, &arguments);
	cli_set_verbosity(arguments.trace.verbosity);
	signal(SIGPIPE, SIG_IGN);
	struct error *err = trace_options_open(&arguments.trace);
	if (!err)
		err = replay(&arguments);
	trace_options_close(&arguments.trace);
	return err ? cli_fail(err) : EXIT_DONE;
}

const struct command command_replay = {"replay", "show a trace again that --save kept",
				       replay_main};
