// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/session.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "tracer/event/capture_file.h"
#include "tracer/report.h"

enum {
	BATCH_MAX = 4096, // records handled before the output is looked after
	FLUSH_BYTES = 64 * 1024,
	STATE_EVERY_MS = 200, // how often the target is asked whether it still is what it was
	LOST_EVERY_MS = 100,
	STUCK_MS =
		1000, // a reader that does not read is waited for this long once the user wants an end
	FIRST_TO_RUN = -20, // nice; without privileges it stays what it was
	IDLE_MS_MAX = 16,   // how long the loop sleeps at most when nothing comes
};

struct session {
	struct session_options options;
	struct target *target;
	struct index *index;
	struct plan *plan;
	struct backend *backend;
	struct report *report;
	struct capture_writer *writer; // of --save
	uint64_t bias;
	int64_t wall_offset_ns;
	uint64_t start_ns; // when it was opened
	uint64_t armed_ns, last_state_ns, last_lost_ns;
	uint64_t lost_buffer, lost_scratch, missed; // told so far
	size_t num_functions;
	int idle_ms; // how long the loop sleeps, doubled while nothing comes
	bool is_finished, has_ended;
	enum session_state state;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// --- Opening and closing -------------------------------------------------------------------------

static struct error *open_report(struct session *session)
{
	session->start_ns = clock_ns(CLOCK_MONOTONIC);
	session->wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - session->start_ns);
	struct report_options options = {
		.sink = session->options.sink,
		.timestamps = session->options.timestamps,
		.color = session->options.color,
		.no_args = session->options.plan.no_args,
		.pid = target_pid(session->target),
		.bias = session->bias,
		.start_ns = session->start_ns,
		.wall_offset_ns = session->wall_offset_ns,
		.max_calls = session->options.max_calls,
	};
	return report_create(session->plan, &options, &session->report);
}

static struct error *open_writer(struct session *session)
{
	if (session->options.save < 0)
		return NULL;
	char exe[PATH_MAX] = "";
	ssize_t len = readlink(target_exe(session->target), exe, sizeof(exe) - 1);
	exe[len < 0 ? 0 : len] = '\0';
	char *build_id CLEANUP_FREE = capture_build_id(index_image(session->index));
	struct capture_head head = {
		.exe = exe,
		.build_id = build_id ? build_id : "",
		.bias = session->bias,
		.pid = target_pid(session->target),
		.start_ns = session->start_ns,
		.wall_offset_ns = session->wall_offset_ns,
		.options = session->plan->options,
	};
	return capture_writer_create(session->options.save, &head, &session->writer);
}

static struct error *session_open(struct session *session)
{
	struct target *target = session->target;
	struct error *err = index_open(target_exe(target), target_name(target), target_root(target),
				       &session->index);
	if (err)
		return error_wrap(err, "%d", target_pid(target));
	err = target_bias(target, index_image(session->index), &session->bias);
	if (!err)
		err = plan_create(session->index, &session->options.plan, &session->plan);
	if (!err)
		err = open_report(session);
	return err ? err : open_writer(session);
}

struct error *session_create(struct target *target, const struct session_options *options,
			     struct session **out)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session) {
		target_destroy(target);
		return error_nomem();
	}
	session->target = target;
	session->options = *options;
	struct error *err = session_open(session);
	if (err) {
		session_destroy(session);
		return err;
	}
	*out = session;
	return NULL;
}

void session_destroy(struct session *session)
{
	if (!session)
		return;
	if (session->backend)
		session->options.backend->close(session->backend);
	capture_writer_destroy(session->writer);
	report_destroy(session->report);
	plan_destroy(session->plan);
	index_close(session->index);
	target_destroy(session->target);
	free(session);
}

struct target *session_target(struct session *session)
{
	return session->target;
}

struct index *session_index(struct session *session)
{
	return session->index;
}

const struct plan *session_plan(const struct session *session)
{
	return session->plan;
}

// --- Arming --------------------------------------------------------------------------------------

static struct error *open_backend(struct session *session)
{
	// Events wait in a buffer of fixed size: when the machine is busy, we must not be the last to run.
	setpriority(PRIO_PROCESS, 0, FIRST_TO_RUN);
	struct backend_target target = {
		.pid = target_pid(session->target),
		.exe = target_exe(session->target),
		.bias = session->bias,
	};
	if (session->options.backend->is_tracer) {
		struct error *err = target_hand_over(session->target, &target.is_held);
		if (err)
			return err;
	}
	struct backend_settings settings = {
		.depth = session->plan->options.depth,
		.buffer_bytes = session->options.buffer_bytes,
		.goid = session->options.goid,
		.has_budgets = session->options.plan.every || session->options.plan.rate,
	};
	return session->options.backend->open(&target, session->plan, &settings, &session->backend);
}

static struct error *arm(struct session *session, size_t first, size_t num)
{
	if (!num)
		return NULL;
	uint32_t handle, probes = 0;
	for (size_t i = first; i < first + num; i++)
		probes += session->plan->funcs[i]->num_probes;
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	struct error *err = session->options.backend->arm(session->backend, first, num, &handle);
	if (!err)
		log_info("armed %u probes in %.1f ms", probes,
			 (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e6);
	return err;
}

// All that was chosen was refused: say why of the first.
static struct error *nothing_to_arm(const struct session *session, size_t first_refusal)
{
	const struct plan *plan = session->plan;
	if (first_refusal >= plan->num_refusals)
		return NULL; // all of it is armed already
	const struct plan_refusal *refusal = &plan->refusals[first_refusal];
	size_t num = plan->num_refusals - first_refusal;
	if (num == 1)
		return error_new("%s cannot be probed: %s", refusal->func->name, refusal->reason);
	return error_new("none of the %zu functions chosen can be probed: %s: %s", num,
			 refusal->func->name, refusal->reason);
}

static struct error *save_trace(struct session *session, char *const *patterns, size_t num_patterns)
{
	if (!session->writer)
		return NULL;
	struct capture_item item = {
		.kind = CAPTURE_TRACE,
		.trace =
			{
				.patterns = (char **)patterns,
				.num_patterns = num_patterns,
				.no_args = session->options.plan.no_args,
				.no_return = session->options.plan.no_return,
				.trace = 1,
			},
	};
	return capture_write_trace(session->writer, &item, session->plan);
}

static struct error *add_notes(struct session *session, size_t *first, size_t *num)
{
	struct error *err = plan_add_notes(session->plan, first, num);
	return err || !session->writer ? err : capture_write_notes(session->writer, session->plan);
}

struct error *session_trace(struct session *session, char *const *patterns, size_t num_patterns,
			    size_t *num)
{
	struct selection selection;
	struct error *err = select_functions(session->index, patterns, num_patterns, &selection);
	if (err)
		return err;
	size_t first, note_first = 0, notes = 0, first_refusal = session->plan->num_refusals;
	err = plan_add(session->plan, &selection, &session->options.plan, 1, &first, num);
	selection_deinit(&selection);
	if (!err && !*num)
		err = nothing_to_arm(session, first_refusal);
	if (!err)
		err = save_trace(session, patterns, num_patterns);
	if (!err && !session->backend) {
		if (!session->options.plan.no_return)
			err = add_notes(session, &note_first, &notes);
		if (!err)
			err = open_backend(session);
	}
	if (!err)
		err = session->options.backend->update(session->backend);
	if (!err)
		err = arm(session, note_first, notes);
	if (!err)
		err = arm(session, first, *num);
	if (err)
		return err;
	if (!session->num_functions)
		session->armed_ns = clock_ns(CLOCK_MONOTONIC);
	session->num_functions += *num;
	return NULL;
}

// --- Output --------------------------------------------------------------------------------------

static bool wants_end(const struct session *session)
{
	return session->options.stop && *session->options.stop;
}

// Writes what waits. A reader that went away is no error: the trace ends.
static struct error *flush(struct session *session)
{
	struct text *out = report_text(session->report);
	size_t done = 0;
	struct error *err = NULL;
	while (done < out->len && session->state != SESSION_OUTPUT_CLOSED && !err) {
		struct pollfd ready = {.fd = session->options.out, .events = POLLOUT};
		size_t left = out->len - done;
		if (wants_end(session) && poll(&ready, 1, STUCK_MS) == 0) {
			err = error_new(
				"the trace's reader does not read: %zu bytes of it are lost", left);
			break;
		}
		ssize_t len = write(session->options.out, out->data + done,
				    left < FLUSH_BYTES ? left : FLUSH_BYTES);
		if (len >= 0)
			done += (size_t)len;
		else if (errno == EPIPE)
			session->state = SESSION_OUTPUT_CLOSED;
		else if (errno == EAGAIN)
			poll(&ready, 1, -1);
		else if (errno != EINTR)
			err = error_errno(errno, "writing the trace");
	}
	bool failed = out->failed;
	text_reset(out);
	return err ? err : failed ? error_nomem() : NULL;
}

static struct error *tell_lost(struct session *session, uint64_t total, uint64_t *told,
			       const char *where)
{
	if (total <= *told)
		return NULL;
	uint64_t count = total - *told;
	*told = total;
	report_lost(session->report, count, where);
	return session->writer ? capture_write_lost(session->writer, count, where) : NULL;
}

static struct error *look_for_lost(struct session *session)
{
	struct backend_stats stats;
	session->options.backend->stats(session->backend, &stats);
	struct error *err =
		tell_lost(session, stats.lost_buffer, &session->lost_buffer, "ring buffer");
	if (!err)
		err = tell_lost(session, stats.lost_scratch, &session->lost_scratch, "scratch");
	if (!err)
		err = tell_lost(session, stats.missed, &session->missed, "kernel");
	return err;
}

// --- The loop ------------------------------------------------------------------------------------

struct batch {
	struct session *session;
	struct error *err;
};

static bool on_record(void *context, const struct wire_record *record)
{
	struct batch *batch = context;
	struct session *session = batch->session;
	if (session->writer)
		batch->err = capture_write_record(session->writer, record);
	if (!batch->err)
		batch->err = report_record(session->report, record);
	if (!batch->err && report_text(session->report)->len >= FLUSH_BYTES)
		batch->err = flush(session);
	return !batch->err && session->state != SESSION_OUTPUT_CLOSED;
}

static struct error *learn_types(struct session *session)
{
	size_t num;
	const uint64_t *unseen = report_unseen(session->report, &num);
	bool any = false;
	for (size_t i = 0; i < num; i++)
		any |= plan_learn(session->plan, unseen[i]);
	return any ? session->options.backend->update(session->backend) : NULL;
}

// Handles at most one batch of what waits.
static struct error *take_batch(struct session *session, size_t *num)
{
	struct batch batch = {.session = session};
	bool ended = false;
	struct error *err = session->options.backend->poll(session->backend, BATCH_MAX, on_record,
							   &batch, num, &ended);
	if (batch.err) {
		error_free(err);
		return batch.err;
	}
	session->has_ended |= ended;
	return err ? err : learn_types(session);
}

static void look_at_target(struct session *session, uint64_t now)
{
	if (!session->has_ended && now - session->last_state_ns < STATE_EVERY_MS * 1000000ull)
		return;
	session->last_state_ns = now;
	enum target_end end = target_state(session->target);
	if (session->state != SESSION_RUNS)
		return;
	if (end != TARGET_RUNS)
		session->state =
			end == TARGET_EXECED ? SESSION_TARGET_EXECED : SESSION_TARGET_EXITED;
}

// Sleeps until something may have happened: the target's end, the reader's, records.
static void wait_for_news(struct session *session, int timeout_ms)
{
	int backend = session->options.backend->fd(session->backend);
	struct pollfd news[3] = {
		{.fd = target_fd(session->target), .events = POLLIN},
		{.fd = session->options.out}, // POLLERR: its reader went away
		{.fd = backend, .events = POLLIN},
	};
	int idle_ms = session->idle_ms ? session->idle_ms : 1;
	if (backend < 0 && timeout_ms > idle_ms)
		timeout_ms = idle_ms;
	if (poll(news, 3, timeout_ms) <= 0)
		return;
	if (news[0].revents)
		session->has_ended = true;
	if (news[1].revents & POLLERR)
		session->state = SESSION_OUTPUT_CLOSED;
}

struct error *session_poll(struct session *session, int timeout_ms, enum session_state *state)
{
	size_t num = 0;
	struct error *err = take_batch(session, &num);
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	if (!err && now - session->last_lost_ns >= LOST_EVERY_MS * 1000000ull) {
		session->last_lost_ns = now;
		err = look_for_lost(session);
		report_tick(session->report, now);
	}
	if (err)
		return err;
	if (num < BATCH_MAX) // caught up: show it
		err = flush(session);
	look_at_target(session, now);
	if (session->state == SESSION_RUNS && report_is_done(session->report))
		session->state = SESSION_COUNTED;
	if (!num && session->state == SESSION_RUNS && !wants_end(session)) {
		wait_for_news(session, timeout_ms);
		if (session->idle_ms < IDLE_MS_MAX)
			session->idle_ms = session->idle_ms ? session->idle_ms * 2 : 1;
	} else {
		session->idle_ms = 0;
	}
	*state = session->state;
	return err;
}

// Takes the probes off and handles all that they left in the buffer.
static struct error *drain(struct session *session)
{
	const struct backend_ops *ops = session->options.backend;
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	struct error *err = ops->disarm(session->backend, BACKEND_ALL);
	log_info("disarmed in %.1f ms", (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e6);
	size_t num = 1;
	while (!err && num && session->state != SESSION_OUTPUT_CLOSED)
		err = take_batch(session, &num);
	struct error *lost_err = look_for_lost(session);
	if (err)
		error_free(lost_err);
	return err ? err : lost_err;
}

static struct error *tell_skipped(struct session *session)
{
	uint64_t count = 0;
	for (size_t i = 0; session->backend && i < session->plan->num_funcs; i++) {
		const struct wire_budget *budget =
			session->options.backend->budget(session->backend, session->plan->funcs[i]);
		if (budget)
			count += __atomic_load_n(&budget->skipped, __ATOMIC_RELAXED);
	}
	report_skipped(session->report, count);
	return count && session->writer ? capture_write_skipped(session->writer, count) : NULL;
}

struct error *session_finish(struct session *session, struct text *err_text)
{
	if (session->is_finished)
		return NULL;
	session->is_finished = true;
	struct error *err = session->backend ? drain(session) : NULL;
	if (!err)
		err = tell_skipped(session);
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	bool died = session->state == SESSION_TARGET_EXITED;
	report_finish(session->report, session->armed_ns, now, session->num_functions, died,
		      err_text);
	if (!err && session->writer)
		err = capture_write_finish(session->writer, now, died);
	struct error *flush_err = flush(session);
	if (err)
		error_free(flush_err);
	return err ? err : flush_err;
}
