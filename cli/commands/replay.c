// SPDX-License-Identifier: GPL-2.0-or-later
// gotrace replay: shows a trace again that was kept with --save, in any format.
#include <signal.h>

#include "cli/options.h"
#include "cli/output.h"
#include "tracer/stream/replay.h"

// Where the trace is written. If its reader goes away, that is no error, and the rest is not
// written.
struct output {
	int fd;
	const char *path; // of a file that is still to be emptied; NULL: none
	volatile sig_atomic_t is_closed;
};

// The output file is emptied before the first text is written, so that an error before keeps its
// contents.
static struct error *write_out(void *context, const struct text *text)
{
	struct output *output = context;
	struct error *err = output->path ? output_empty(output->fd, output->path) : NULL;
	output->path = NULL;
	if (err || output->is_closed)
		return err;
	return output_text(output->fd, text, NULL, "writing the trace", &output->is_closed);
}

static struct error *replay(const struct options *options)
{
	const struct session_options *session = &options->session;
	struct output output = {.fd = session->look.out, .path = options->output};
	struct replay_options replay = {
		.capture = options->words[0],
		.exe = options->words[1],
		.look = session->look,
		.redact = session->plan.capture.redact,
		.shown = &session->plan.shown,
		.stop = &output.is_closed,
		.write = write_out,
		.context = &output,
	};
	struct text words;
	text_init(&words);
	struct error *err = replay_run(&replay, &words);
	cli_say_text(&words);
	text_deinit(&words);
	return err;
}

static int replay_main(struct options *options)
{
	signal(SIGPIPE, SIG_IGN);
	struct error *err = options_open(options);
	if (!err)
		err = replay(options);
	options_close(options);
	return err ? cli_fail(err) : EXIT_DONE;
}

const struct command command_replay = {
	.name = "replay",
	.summary = "show a trace again that --save kept",
	.args = "FILE [EXECUTABLE]",
	.doc = "Show a trace again that \"gotrace attach --save FILE\" kept. The traced "
	       "executable is needed to read it: the one at the path where it was, or "
	       "EXECUTABLE.\v"
	       "Example: gotrace replay trace.gotrace --format json",
	.words = {{WORD_FILE, "which FILE? Give one that --save wrote"}, {WORD_FILE, NULL}},
	.run = replay_main,
};
