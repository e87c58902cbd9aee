// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/session/internal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "dwarf/go/rtype.h"

enum {
	STATE_EVERY_MS = 200, // how often it is checked that the target still runs its program
	LOST_EVERY_MS = 100,
	IDLE_MS_MAX = 16,     // how long the loop sleeps at most if no records come
	PLUGINS_EVERY_MS = 2, // how often it is checked whether the target has loaded a plugin
};

// --- Opening and closing -------------------------------------------------------------------------

// The capture file also needs to know where the decoder must not use the executable's bytes.
bool session_is_as_in_file(void *context, uint64_t addr, size_t len)
{
	struct session *session = context;
	if (pages_are_files(session->pages, addr, len))
		return true;
	bool is_gone = pages_are_gone(session->pages);
	uint64_t mark = is_gone ? UINT64_MAX : addr + 1;
	if (session->writer && !session->failed && session->unsure != mark &&
	    session->unsure != UINT64_MAX)
		session->failed = capture_write(session->writer,
						&(struct item){.kind = ITEM_UNSURE,
							       .unsure = {is_gone ? 0 : addr,
									  is_gone ? UINT64_MAX
										  : addr + len}});
	if (session->unsure != UINT64_MAX)
		session->unsure = mark;
	return false;
}

// Reads the memory that types of plugins are in. A replay reads the same from the capture.
static bool read_memory(void *context, uint64_t addr, void *dst, size_t len)
{
	struct session *session = context;
	int mem = target_mem(session->target);
	if (mem < 0 || addr > INT64_MAX || pread(mem, dst, len, (off_t)addr) != (ssize_t)len)
		return false;
	bool is_end = len == sizeof(uint64_t) && !*(uint64_t *)dst; // of the list of modules
	if (session->writer && !session->failed && !(is_end && session->end_of_modules == addr))
		session->failed =
			capture_write(session->writer, &(struct item){.kind = ITEM_MEMORY,
								      .memory = {addr, dst, len}});
	if (is_end)
		session->end_of_modules = session->writer ? addr : 0;
	return true;
}

struct error *session_open_report(struct session *session)
{
	struct report_options options = {
		.look = session->options.look,
		.no_args = session->options.plan.capture.no_args,
		.start_ns = session->start_ns,
		.wall_offset_ns = session->wall_offset_ns,
		.max_calls = session->options.max_calls,
		.stats = session->options.is_open ? &session->stats : NULL,
		.is_as_in_file = session_is_as_in_file,
		.context = session,
	};
	return report_create(&session->loaded, &options, &session->report);
}

// Called only when there is something to save: until then the file keeps its old contents.
struct error *session_open_writer(struct session *session)
{
	if (session->options.save < 0 || session->writer)
		return NULL;
	struct stat file;
	if (fstat(session->options.save, &file) < 0 ||
	    (S_ISREG(file.st_mode) && ftruncate(session->options.save, 0) < 0))
		return error_errno(errno, "emptying the file of the records");
	char exe[PATH_MAX] = "";
	ssize_t len = readlink(session->loaded.exe, exe, sizeof(exe) - 1);
	exe[len < 0 ? 0 : len] = '\0';
	char *build_id CLEANUP_FREE = capture_build_id(session->loaded.image);
	struct capture_head head = {
		.exe = exe,
		.build_id = build_id ? build_id : "",
		.bias = session->loaded.bias,
		.pid = session->loaded.pid,
		.start_ns = session->start_ns,
		.wall_offset_ns = session->wall_offset_ns,
		.options = session->loaded.plan->options,
	};
	return capture_writer_create(session->options.save, &head, &session->writer);
}

static struct error *session_open(struct session *session)
{
	struct target *target = session->target;
	session->start_ns = clock_now();
	session->wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - session->start_ns);
	struct index *index;
	struct error *err =
		index_open(target_exe(target), target_name(target), target_root(target), &index);
	if (err)
		return error_wrap(err, "%d", target_pid(target));
	err = target_load(target, index, &session->loaded);
	session->loaded.index = index;
	const struct func *loader;
	session->has_plugins = index_named(index, "plugin.lastmoduleinit", &loader, 1);
	if (!err)
		rtypes_ask(index_rtypes(index), session->loaded.bias, read_memory, session);
	if (!err)
		err = plan_create(index, &session->options.plan, &session->loaded.plan);
	if (!err)
		err = pages_create(&session->loaded, &session->pages);
	if (!err) {
		pages_touch(session->pages);
		err = session_open_report(session);
	}
	return err;
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
	session_budget_destroy(session->budget);
	if (session->backend)
		session->options.backend->close(session->backend);
	for (size_t i = 0; i < session->num_traces; i++)
		session_trace_destroy(session->traces[i]);
	free(session->traces);
	stats_deinit(&session->stats);
	capture_writer_destroy(session->writer);
	report_destroy(session->report);
	pages_destroy(session->pages);
	error_free(session->failed);
	error_free(session->output_err);
	session_forget_funcs(session);
	plan_destroy(session->loaded.plan);
	index_close(session->loaded.index);
	target_destroy(session->target);
	free(session);
}

struct target *session_target(struct session *session)
{
	return session->target;
}

struct index *session_index(struct session *session)
{
	return session->loaded.index;
}

struct stats *session_stats(struct session *session)
{
	return &session->stats;
}

const struct plan *session_plan(const struct session *session)
{
	return session->loaded.plan;
}

struct error *session_pass(struct session *session, const struct item *item)
{
	struct error *err = report_item(session->report, item);
	return err || !session->writer ? err : capture_write(session->writer, item);
}

// --- Losses -----------------------------------------------------------------------------------

static struct error *tell_lost(struct session *session, uint64_t total, uint64_t *told,
			       const char *where)
{
	if (total <= *told)
		return NULL;
	uint64_t count = total - *told;
	*told = total;
	return session_pass(session, &(struct item){.kind = ITEM_LOST, .lost = {count, where}});
}

static struct error *settle_losses(struct session *session, const struct wire_losses *losses)
{
	return session_pass(session,
			    &(struct item){.kind = ITEM_LOSSES, .losses = {clock_now(), losses}});
}

struct error *session_settle_losses(struct session *session)
{
	if (!session->backend)
		return NULL;
	const struct wire_losses *losses = &session->backend->tables->state->losses;
	return losses->all ? settle_losses(session, losses) : NULL;
}

static struct error *look_for_lost(struct session *session)
{
	struct backend_stats stats;
	if (!session->backend)
		return NULL;
	session->options.backend->records.stats(session->backend, &stats);
	struct error *err =
		tell_lost(session, stats.lost_buffer, &session->lost_buffer, "ring buffer");
	if (!err)
		err = tell_lost(session, stats.lost_scratch, &session->lost_scratch, "scratch");
	uint64_t missed = session->missed;
	if (!err)
		err = tell_lost(session, stats.missed, &session->missed, "kernel");
	if (!err && session->missed != missed) // the kernel does not report which events
		err = settle_losses(session, NULL);
	return err;
}

// --- The loop ------------------------------------------------------------------------------------

struct batch {
	struct session *session;
	struct error *err;
};

static bool on_record(void *context, const struct wire_record *record)
{
	const struct item item = {.kind = ITEM_RECORD, .record = record};
	struct batch *batch = context;
	struct session *session = batch->session;
	bool wants_drop = session_wants_drop(session);
	if (wants_drop && !session->has_given_up)
		session_give_up(session, NULL);
	if (session->has_given_up)
		session->num_dropped++;
	else
		batch->err = report_item(session->report, &item);
	if (!batch->err) { // decoding has saved unsure memory, so that it precedes the record
		batch->err = session->failed;
		session->failed = NULL;
	}
	if (session->writer && wants_drop)
		session->num_unsaved++;
	else if (!batch->err && session->writer)
		batch->err = capture_write(session->writer, &item);
	if (!batch->err && session_is_behind(session))
		batch->err = session_flush(session);
	return !batch->err && !session_is_behind(session);
}

static struct error *learn_types(struct session *session)
{
	size_t num;
	const uint64_t *unseen = report_unseen(session->report, &num);
	bool any = false;
	for (size_t i = 0; i < num && !session->is_full; i++)
		any |= plan_learn(session->loaded.plan, unseen[i]);
	struct error *err = any ? session_update(session) : NULL;
	if (!err || error_code(err) != ENOSPC || !session->options.is_open)
		return err;
	error_free(err);
	session->is_full = true;
	return NULL;
}

struct error *session_take_batch(struct session *session, size_t *num)
{
	struct batch batch = {.session = session};
	bool ended = false;
	if (!session->backend)
		return NULL;
	struct error *err = session_is_behind(session) ? session_flush(session) : NULL;
	if (err || session_is_behind(session)) // first the waiting text must be written
		return err;
	err = session->options.backend->records.poll(session->backend, SESSION_BATCH, on_record,
						     &batch, num, &ended);
	if (batch.err) {
		error_free(err);
		return batch.err;
	}
	session->has_ended |= ended;
	return err ? err : learn_types(session);
}

// True if the target executed another program and ended before target_state could see that.
static bool was_replaced(const struct session *session)
{
	struct backend_stats stats = {0};
	if (session->backend)
		session->options.backend->records.stats(session->backend, &stats);
	return stats.is_replaced;
}

static void look_at_target(struct session *session, uint64_t now)
{
	if (!session->has_ended && now - session->last_state_ns < STATE_EVERY_MS * 1000000ull)
		return;
	session->last_state_ns = now;
	enum target_end end = target_state(session->target);
	if (session->state != SESSION_RUNS)
		return;
	if (end == TARGET_EXITED && was_replaced(session))
		end = TARGET_EXECED;
	if (end != TARGET_RUNS)
		session->state =
			end == TARGET_EXECED ? SESSION_TARGET_EXECED : SESSION_TARGET_EXITED;
}

// Sleeps until the target ends, the output's reader goes away or is ready, or records come.
static void wait_for_news(struct session *session, int timeout_ms)
{
	struct pollfd news[2] = {
		{.fd = target_fd(session->target), .events = POLLIN},
		{.fd = session->options.look.out, // POLLERR: its reader went away
		 .events = report_text(session->report)->len ? POLLOUT : 0},
	};
	int idle_ms = session->idle_ms ? session->idle_ms : 1;
	if (timeout_ms > idle_ms)
		timeout_ms = idle_ms;
	if (session->has_plugins && timeout_ms > PLUGINS_EVERY_MS)
		timeout_ms = PLUGINS_EVERY_MS;
	if (poll(news, 2, timeout_ms) <= 0)
		return;
	if (news[0].revents)
		session->has_ended = true;
	if (news[1].revents & POLLERR)
		session->state = SESSION_OUTPUT_CLOSED;
}

struct error *session_poll(struct session *session, int timeout_ms, enum session_state *state)
{
	size_t num = 0;
	if (session->has_plugins)
		rtypes_find_modules(index_rtypes(session->loaded.index));
	struct error *err = session_take_batch(session, &num);
	if (!err && session->is_full)
		err = session_renew(session, &session->options);
	uint64_t now = clock_now();
	if (!err && now - session->last_lost_ns >= LOST_EVERY_MS * 1000000ull) {
		session->last_lost_ns = now;
		err = look_for_lost(session);
		report_tick(session->report, now);
	}
	if (!err && session->budget && session->state == SESSION_RUNS && !session->has_ended)
		err = session_budget_tick(session, now);
	if (err)
		return err;
	if (num < SESSION_BATCH) // no more records wait: show what there is
		err = session_flush(session);
	look_at_target(session, now);
	if (session->state == SESSION_RUNS && report_is_done(session->report))
		session->state = SESSION_COUNTED;
	if (!num && session->state == SESSION_RUNS && !session_wants_end(session)) {
		wait_for_news(session, timeout_ms);
		if (session->idle_ms < IDLE_MS_MAX)
			session->idle_ms = session->idle_ms ? session->idle_ms * 2 : 1;
	} else {
		session->idle_ms = 0;
	}
	*state = session->state;
	return err;
}

struct error *session_catch_up(struct session *session)
{
	enum { BATCHES_MAX = 64 }; // a limit, because more records may come meanwhile
	size_t num = SESSION_BATCH;
	struct error *err = NULL;
	bool waited = session->waits_for_output;
	session->waits_for_output = true;
	for (size_t i = 0; !err && num == SESSION_BATCH && i < BATCHES_MAX; i++) {
		num = 0;
		err = session_take_batch(session, &num);
	}
	session->waits_for_output = waited;
	return err ? err : session_flush(session);
}

void session_goroutine(struct session *session, uint64_t goid)
{
	session->options.goid = goid;
	if (session->backend)
		tables_goroutine(session->backend->tables, goid);
}

struct error *session_goroutines(struct session *session, struct goroutine_info **out, size_t *num)
{
	return goroutines_read(&session->loaded, out, num);
}

struct error *session_aggregates(struct session *session,
				 struct error *(*visit)(void *context,
							const struct backend_aggregate *one),
				 void *context, struct wire_aggregate_lost *lost)
{
	if (!session->backend)
		return NULL;
	return session->options.backend->records.aggregates(session->backend, visit, context, lost);
}

const struct loaded *session_loaded(const struct session *session)
{
	return &session->loaded;
}

// --- The end -------------------------------------------------------------------------------------

static struct error *disarm_all(struct session *session)
{
	uint32_t *funcs = calloc(session->armed.num + 1, sizeof(*funcs));
	if (!funcs)
		return error_nomem();
	size_t num = 0;
	for (size_t i = 0; i < session->armed.num; i++)
		if (session->armed.funcs[i].is_armed)
			funcs[num++] = (uint32_t)i;
	struct error *err = session->options.backend->probes.disarm(session->backend, funcs, num);
	free(funcs);
	return err;
}

struct error *session_drain(struct session *session)
{
	uint64_t start = clock_now();
	struct error *err = disarm_all(session);
	bool waited = session->waits_for_output;
	session->waits_for_output = true;
	log_info("disarmed in %.1f ms", (double)(clock_now() - start) / 1e6);
	size_t num = 1;
	while (!err && num) {
		num = 0;
		err = session_take_batch(session, &num);
	}
	session->waits_for_output = waited;
	struct error *lost_err = look_for_lost(session);
	if (!lost_err)
		lost_err = session_settle_losses(session);
	if (err)
		error_free(lost_err);
	return err ? err : lost_err;
}

static struct error *tell_skipped(struct session *session)
{
	struct error *err = NULL;
	for (uint32_t i = 0; session->backend && !err && i < session->loaded.plan->num_funcs; i++) {
		const struct wire_budget *budget =
			tables_budget(session->backend->tables, session->loaded.plan->funcs[i]);
		if (!budget)
			continue;
		const struct item item = {
			.kind = ITEM_SKIPPED,
			.skipped = {__atomic_load_n(&budget->skipped, __ATOMIC_RELAXED),
				    __atomic_load_n(&budget->crowded, __ATOMIC_RELAXED), i,
				    session_budget_off_ns(session, i)},
		};
		if (item.skipped.skipped || item.skipped.crowded || item.skipped.off_ns)
			err = session_pass(session, &item);
	}
	return err;
}

static struct error *tell_conditions(struct session *session)
{
	uint64_t unreadable = 0, crowded = 0;
	bool any = false;
	for (size_t i = 0; session->backend && i < session->loaded.plan->tables.num_conditions;
	     i++) {
		const struct wire_condition *condition =
			tables_condition(session->backend->tables, session->loaded.plan->funcs[i]);
		if (!condition ||
		    !(condition->num_entry + condition->num_return + condition->within))
			continue;
		any = true;
		unreadable += __atomic_load_n(&condition->unreadable, __ATOMIC_RELAXED);
		crowded += __atomic_load_n(&condition->crowded, __ATOMIC_RELAXED);
	}
	return any ? session_pass(session, &(struct item){.kind = ITEM_CONDITIONS,
							  .conditions = {unreadable, crowded}})
		   : NULL;
}

// The records that the user did not want to wait for are missing from the capture file, too.
static struct error *save_losses(struct session *session)
{
	if (!session->num_unsaved)
		return NULL;
	const struct item lost = {.kind = ITEM_LOST, .lost = {session->num_unsaved, "output"}},
			  losses = {.kind = ITEM_LOSSES, .losses = {clock_now(), NULL}};
	struct error *err = capture_write(session->writer, &lost);
	return err ? err : capture_write(session->writer, &losses);
}

struct error *session_finish(struct session *session, struct text *err_text)
{
	if (session->is_finished)
		return NULL;
	session->is_finished = true;
	// Taken before the probes are removed, because that is not part of the trace.
	uint64_t now = clock_now();
	struct error *err = session->backend ? session_drain(session) : NULL;
	if (session->loaded.plan->options
		    .counting) // single calls were not shown, so there is no summary
		return err;
	session_budget_end(session);
	if (!err)
		err = tell_conditions(session);
	if (!err)
		err = tell_skipped(session);
	if (!err)
		err = save_losses(session);
	bool died = session->state == SESSION_TARGET_EXITED;
	session_tell_dropped(session);
	report_finish(session->report, now, died);
	session_screen(session, clock_now(), true);
	struct error *flush_err = session_flush_all(session);
	session_tell_dropped(session);
	report_summary(session->report, session->armed_ns, now, session->num_functions,
		       session_budget_overhead(session), err_text);
	const struct item item = {
		.kind = ITEM_FINISH,
		.finish =
			{
				.now_ns = now,
				.armed_ns = session->armed_ns,
				.num_functions = (uint32_t)session->num_functions,
				.target_died = died,
			},
	};
	if (!err && session->writer)
		err = capture_write(session->writer, &item);
	if (!flush_err)
		flush_err = session_flush_all(session);
	if (!flush_err)
		flush_err = take(session->output_err);
	if (err)
		error_free(flush_err);
	return err ? err : flush_err;
}
