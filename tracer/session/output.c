// SPDX-License-Identifier: GPL-2.0-or-later
// Writes the trace's text. A running session never waits for the reader: while too much text waits,
// it handles no more records. At its end, the session waits for the reader unless the user wants to
// drop the rest. Events that are given up are counted.
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tracer/session/internal.h"

enum {
	FLUSH_BYTES = 64 * 1024,
	PIECE_BYTES = 4096, // a pipe that is ready accepts this many without blocking
	WAIT_MS = 100,
};

// How long to wait for a reader that does not read, once the user wants to end the session.
static const uint64_t STUCK_NS = 1000 * 1000 * 1000;

bool session_is_behind(const struct session *session)
{
	return report_text(session->report)->len >= FLUSH_BYTES;
}

void session_give_up(struct session *session, struct error *err)
{
	if (session->has_given_up)
		error_free(err);
	else
		session->output_err = err;
	session->has_given_up = true;
	session->screen.admitted = 0;
	session->num_dropped += report_drop(session->report);
}

// Writes as much text as the output accepts now.
static void write_now(struct session *session)
{
	const struct text *out = report_text(session->report);
	struct pollfd ready = {.fd = session->options.look.out, .events = POLLOUT};
	struct stat file;
	bool is_file = !fstat(ready.fd, &file) && S_ISREG(file.st_mode);
	size_t most = is_file ? FLUSH_BYTES : PIECE_BYTES, done = 0;
	int errnum = 0;
	while (done < out->len && !errnum && poll(&ready, 1, 0) > 0) {
		size_t left = out->len - done;
		ssize_t len = write(ready.fd, out->data + done, left < most ? left : most);
		errnum = len < 0 ? errno : 0;
		done += len < 0 ? 0 : (size_t)len;
	}
	report_written(session->report, done);
	size_t *admitted = &session->screen.admitted;
	*admitted -= done < *admitted ? done : *admitted;
	if (!errnum || errnum == EINTR || errnum == EAGAIN)
		return;
	if (errnum == EPIPE)
		session->state = SESSION_OUTPUT_CLOSED;
	session_give_up(session, errnum == EPIPE ? NULL : error_errno(errnum, "writing the trace"));
}

// Writes until all text is written or given up.
static void write_all(struct session *session)
{
	const struct text *out = report_text(session->report);
	uint64_t since = 0;
	while (out->len) {
		size_t len = out->len;
		write_now(session);
		uint64_t now = clock_now();
		if (out->len != len || !session_wants_end(session) || !since)
			since = now;
		if (session->has_given_up || session_wants_drop(session))
			session_give_up(session, NULL);
		else if (now - since > STUCK_NS)
			session_give_up(session, error_new("the trace's reader does not read: the "
							   "rest of the trace is lost"));
		struct pollfd ready = {.fd = session->options.look.out, .events = POLLOUT};
		if (out->len)
			poll(&ready, 1, WAIT_MS);
	}
}

struct error *session_flush(struct session *session)
{
	struct text *out = report_text(session->report);
	session_screen(session, clock_now(), false);
	if (out->failed) {
		session_give_up(session, error_nomem());
	} else if (session->options.show) {
		if (out->len)
			session->options.show(session->options.context, out);
		report_written(session->report, out->len);
	} else if (session->state == SESSION_OUTPUT_CLOSED) {
		session_give_up(session, NULL);
	} else if (session->waits_for_output) {
		write_all(session);
	} else {
		write_now(session);
	}
	return session->is_finished ? NULL : take(session->output_err);
}

struct error *session_flush_all(struct session *session)
{
	bool waited = session->waits_for_output;
	session->waits_for_output = true;
	struct error *err = session_flush(session);
	session->waits_for_output = waited;
	return err;
}

void session_tell_dropped(struct session *session)
{
	if (!session->has_given_up)
		return;
	const struct item losses = {.kind = ITEM_LOSSES, .losses = {clock_now(), NULL}};
	error_free(report_item(session->report, &losses)); // neither of the two can fail
	session->num_dropped += report_drop(session->report);
	const struct item lost = {.kind = ITEM_LOST, .lost = {session->num_dropped, "output"}};
	if (session->num_dropped)
		error_free(report_item(session->report, &lost));
	session->num_dropped = 0;
}

struct error *session_output(struct session *session, const struct session_options *options)
{
	struct error *err = session_flush_all(session);
	if (!err)
		err = report_switch(session->report, &options->look);
	if (err)
		return err;
	session->options.look = options->look;
	session->options.show = options->show;
	return NULL;
}
