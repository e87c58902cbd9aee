// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's target: attaching to it, starting it, leaving it, and noticing its end.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/shell/shell.h"
#include "cli/values.h"

enum { POLL_MS = 10 };

static void show(void *context, const struct text *text)
{
	shell_print(context, text->data, text->len);
}

struct error *shell_output_changed(struct shell *shell)
{
	bool is_here = !shell->output;
	bool color = shell->options.color == COLOR_ALWAYS ||
		     (shell->options.color == COLOR_AUTO && is_here && shell->is_interactive &&
		      !getenv("NO_COLOR"));
	shell->options.session.look.out = is_here ? STDOUT_FILENO : fileno(shell->output);
	shell->options.session.look.color = color;
	shell->options.session.show = is_here ? show : NULL;
	return shell->session ? session_output(shell->session, &shell->options.session) : NULL;
}

static struct error *open_session(struct shell *shell, struct target *target)
{
	struct error *err = shell_output_changed(shell);
	if (err) {
		target_destroy(target);
		return err;
	}
	struct session_options *options = &shell->options.session;
	options->is_open = true;
	options->context = shell;
	options->stop = &cli_signal;
	options->hurry = &cli_hurry;
	options->save = -1;
	err = session_create(target, options, &shell->session);
	if (!err)
		shell->has_ended = false;
	return err;
}

struct error *shell_attach(struct shell *shell, pid_t pid)
{
	struct target *target;
	struct error *err = target_attach(pid, &target);
	if (!err)
		err = open_session(shell, target);
	if (err)
		return err;
	shell->is_started = false;
	struct index *index = session_index(shell->session);
	target = session_target(shell->session);
	size_t num;
	index_funcs(index, &num);
	struct go_version version = index_version(index);
	shell_say(shell, "attached to %d (%s), Go %d.%d, %zu functions%s", target_pid(target),
		  target_name(target), version.major, version.minor, num,
		  index_has_dwarf(index) ? "" : ", no DWARF");
	return NULL;
}

// Finishes the session, when the target has ended or the shell leaves it: removes the probes, shows
// the events that wait, then the summary.
static struct error *finish(struct shell *shell, bool quiet)
{
	struct text words;
	text_init(&words);
	struct error *err = session_finish(shell->session, &words);
	while (words.len && words.data[words.len - 1] == '\n')
		words.len--;
	size_t num;
	session_traces(shell->session, &num);
	if (words.len && !quiet && num)
		shell_say(shell, "%.*s", (int)words.len, words.data);
	text_deinit(&words);
	shell_traces_forget(shell);
	return err;
}

static void reap(struct shell *shell)
{
	int status;
	pid_t pid = target_pid(session_target(shell->session));
	if (!shell->is_started)
		return;
	for (int i = 0; i < 100 && waitpid(pid, &status, WNOHANG) == 0; i++)
		usleep(1000);
}

struct error *shell_leave(struct shell *shell, bool quiet)
{
	if (!shell->session)
		return NULL;
	struct error *err = shell->has_ended ? NULL : finish(shell, quiet);
	session_destroy(shell->session);
	shell->session = NULL;
	shell->has_ended = false;
	return err;
}

static struct error *target_ended(struct shell *shell, enum session_state state)
{
	struct target *target = session_target(shell->session);
	if (state == SESSION_TARGET_EXITED)
		shell_say(shell, "%d (%s) has ended; its statistics are kept", target_pid(target),
			  target_name(target));
	else
		shell_say(
			shell,
			"%d has executed another program: the traces end, their statistics are kept",
			target_pid(target));
	shell->has_ended = true;
	struct error *err = finish(shell, false);
	reap(shell);
	return err;
}

struct error *shell_poll(struct shell *shell, int timeout_ms)
{
	if (!shell->session || shell->has_ended)
		return NULL;
	enum session_state state = SESSION_RUNS;
	struct error *err =
		session_poll(shell->session, timeout_ms < POLL_MS ? timeout_ms : POLL_MS, &state);
	shell_display_tick(shell, clock_now());
	if (!err)
		err = shell_traces_tick(shell);
	if (err || state == SESSION_RUNS)
		return err;
	if (state == SESSION_OUTPUT_CLOSED) {
		shell->wants_quit = true;
		return NULL;
	}
	return target_ended(shell, state);
}

// --- From one target to another ------------------------------------------------------------------

// A target and its traces, kept until another target has taken their place.
struct aside {
	struct session *session;
	bool is_started, has_ended;
	struct shell_end *ends;
};

static struct aside set_aside(struct shell *shell)
{
	struct aside aside = {shell->session, shell->is_started, shell->has_ended, shell->ends};
	shell->session = NULL;
	shell->is_started = shell->has_ended = false;
	shell->ends = NULL;
	return aside;
}

static void take_back(struct shell *shell, const struct aside *aside)
{
	shell->session = aside->session;
	shell->is_started = aside->is_started;
	shell->has_ended = aside->has_ended;
	shell->ends = aside->ends;
}

// Leaves the target that was set aside, because there is another one now.
static struct error *leave_aside(struct shell *shell, const struct aside *aside)
{
	struct aside now = set_aside(shell);
	take_back(shell, aside);
	struct error *err = shell_leave(shell, false);
	take_back(shell, &now);
	return err;
}

// True if the process is already the target. Attaching again would only lose its traces.
static bool is_target(struct shell *shell, pid_t pid)
{
	return shell->session && !shell->has_ended &&
	       target_pid(session_target(shell->session)) == pid;
}

struct error *shell_cmd_attach(struct shell *shell, int argc, char **argv)
{
	uint64_t pid;
	(void)argc;
	if (!parse_number(argv[1], INT32_MAX, &pid))
		return error_new("attach: to which process? Give its PID");
	if (is_target(shell, (pid_t)pid))
		return error_new("attach: %s is the target already", argv[1]);
	struct aside before = set_aside(shell);
	struct error *err = shell_attach(shell, (pid_t)pid);
	if (!err)
		return leave_aside(shell, &before);
	take_back(shell, &before);
	return err;
}

// Starts the program, holds it at its first instruction, and arms its trace, if there are patterns.
// words[0] is overwritten.
static struct error *start(struct shell *shell, char **program, int num_words, char **words)
{
	struct target *target;
	struct error *err = target_start(program, true, &target);
	if (!err)
		err = open_session(shell, target);
	if (err)
		return err;
	shell->is_started = true;
	shell_say(shell, "started %d (%s)", target_pid(session_target(shell->session)),
		  target_name(session_target(shell->session)));
	if (num_words < 2)
		return NULL;
	words[0] = (char *)"trace";
	return shell_cmd_trace(shell, num_words, words);
}

struct error *shell_cmd_run(struct shell *shell, int argc, char **argv)
{
	int split = 1;
	while (split < argc && strcmp(argv[split], "--") != 0)
		split++;
	if (split + 1 >= argc)
		return error_new("run: which program? Give it after --: run 'main.*' -- ./server");
	struct aside before = set_aside(shell);
	struct error *err = start(shell, argv + split + 1, split, argv);
	if (!err)
		err = target_resume(session_target(shell->session));
	if (!err)
		return leave_aside(shell, &before);
	struct error *leave_err = shell_leave(shell, true); // kills a program that is still held
	error_free(leave_err);
	take_back(shell, &before);
	return err;
}

struct error *shell_cmd_detach(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	bool had_ended = shell->has_ended;
	int pid = target_pid(session_target(shell->session));
	struct error *err = shell_leave(shell, false);
	if (!err && !had_ended)
		shell_say(shell, "detached from %d, which runs on", pid);
	return err;
}

struct error *shell_cmd_kill(struct shell *shell, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	struct error *err = NULL;
	if (kill(target_pid(session_target(shell->session)), SIGKILL))
		return error_errno(errno, "kill");
	for (int i = 0; !err && i < 500 && shell->session && !shell->has_ended; i++)
		err = shell_poll(shell, POLL_MS);
	return err;
}
