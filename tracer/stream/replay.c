// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/stream/replay.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dwarf/go/rtype.h"
#include "tracer/plan/show.h"
#include "tracer/stream/file.h"
#include "tracer/stream/report.h"

enum { FLUSH_BYTES = 64 * 1024 };

static const uint64_t TICK_NS = 100 * 1000 * 1000;

struct replay {
	const struct replay_options *options;
	struct capture_reader *reader;
	const struct capture_head *head; // borrowed from the reader
	struct loaded loaded;		 // its index and plan are owned
	struct redact *redact;
	struct report *report;
	size_t num_functions;
	uint64_t now_ns, ticked_ns; // time in the capture
	uint64_t armed_ns;	    // beginning of the duration that the summary shows
	bool is_finished, target_died;
	struct replay_range *unsure; // memory that may differ from the executable's file
	size_t num_unsure;
	struct replay_memory *memory; // by address
};

struct replay_range {
	uint64_t addr, end;
};

struct replay_memory { // of the process, the latest at this address
	uint64_t addr;
	size_t len;
	UT_hash_handle hh;
	uint8_t bytes[];
};

static struct error *open_executable(struct replay *replay)
{
	const char *exe = replay->options->exe ? replay->options->exe : replay->head->exe;
	struct error *err = index_open(exe, exe, "", &replay->loaded.index);
	if (err)
		return error_wrap(err, "the traced executable (name it after the file if it is "
				       "elsewhere now)");
	replay->loaded = (struct loaded){
		.image = index_image(replay->loaded.index),
		.index = replay->loaded.index,
		.bias = replay->head->bias,
		.pid = replay->head->pid,
		.pidfd = -1,
		.mem = -1,
	};
	CLEANUP_FREE char *build_id = capture_build_id(replay->loaded.image);
	if (!build_id)
		return error_nomem();
	if (strcmp(build_id, replay->head->build_id) != 0)
		return error_new(
			"%s is not the executable that was traced, but another build of it", exe);
	return NULL;
}

static bool is_as_in_file(void *context, uint64_t addr, size_t len)
{
	const struct replay *replay = context;
	for (size_t i = 0; i < replay->num_unsure; i++)
		if (addr < replay->unsure[i].end && addr + len > replay->unsure[i].addr)
			return false;
	return true;
}

static struct replay_memory *find_memory(const struct replay *replay, uint64_t addr)
{
	struct replay_memory *memory;
	HASH_FIND (hh, replay->memory, &addr, sizeof(addr), memory)
		;
	return memory;
}

static bool read_memory(void *context, uint64_t addr, void *dst, size_t len)
{
	const struct replay_memory *memory = find_memory(context, addr);
	if (!memory || memory->len != len)
		return false;
	memcpy(dst, memory->bytes, len);
	return true;
}

static struct error *replay_init(struct replay *replay)
{
	struct error *err = capture_reader_open(replay->options->capture, &replay->reader);
	if (err)
		return err;
	const struct capture_head *head = replay->head = capture_reader_head(replay->reader);
	replay->now_ns = replay->ticked_ns = replay->armed_ns = head->start_ns;
	err = open_executable(replay);
	if (!err)
		rtypes_ask(index_rtypes(replay->loaded.index), replay->loaded.bias, read_memory,
			   replay);
	if (!err)
		err = plan_create(replay->loaded.index, &head->options, &replay->loaded.plan);
	if (!err)
		err = redact_create(&replay->options->redact, &replay->redact);
	if (err)
		return err;
	struct report_options options = {
		.look = replay->options->look,
		.redact = replay->redact,
		.no_args = head->options.capture.no_args,
		.start_ns = head->start_ns,
		.wall_offset_ns = head->wall_offset_ns,
		.is_as_in_file = is_as_in_file,
		.context = replay,
	};
	return report_create(&replay->loaded, &options, &replay->report);
}

static void replay_deinit(struct replay *replay)
{
	report_destroy(replay->report);
	plan_destroy(replay->loaded.plan);
	redact_destroy(replay->redact);
	index_close(replay->loaded.index);
	capture_reader_close(replay->reader);
	free(replay->unsure);
	struct replay_memory *memory, *next;
	HASH_ITER (hh, replay->memory, memory, next) {
		HASH_DEL(replay->memory, memory);
		free(memory);
	}
}

// --- Items -------------------------------------------------------------------------------------

static struct error *check_plan(const struct replay *replay, const struct item *item)
{
	if (capture_plan_digest(replay->loaded.plan) == item->digest)
		return NULL;
	return error_new(
		"%s: this gotrace would probe the program in another way than the one that "
		"traced it",
		replay->options->capture);
}

static struct error *take_trace(struct replay *replay, const struct item *item)
{
	struct plan_request request = {.patterns = item->trace.patterns,
				       .num_patterns = item->trace.num_patterns,
				       .options = replay->loaded.plan->options,
				       .is_recorded = true};
	request.options.capture.no_args = item->trace.no_args;
	request.options.capture.no_return = item->trace.no_return;
	struct plan_selected selected;
	struct error *err = plan_add(replay->loaded.plan, &request, &selected);
	if (err)
		return err;
	replay->num_functions += selected.num;
	err = check_plan(replay, item);
	const struct plan_shown *shown = replay->options->shown;
	if (!err && shown && (shown->show.num || shown->args.num || shown->hide.num))
		err = plan_show_again(replay->loaded.plan, shown, &selected);
	plan_selected_deinit(&selected);
	return err;
}

static struct error *take_record(struct replay *replay, const struct item *item)
{
	if (item->record->time_ns > replay->now_ns)
		replay->now_ns = item->record->time_ns;
	if (replay->now_ns - replay->ticked_ns >= TICK_NS) {
		report_tick(replay->report, replay->now_ns);
		replay->ticked_ns = replay->now_ns;
	}
	size_t num;
	report_unseen(replay->report, &num); // clears the list; there is no engine to learn them
	return report_item(replay->report, item);
}

static struct error *take_unsure(struct replay *replay, const struct item *item)
{
	struct replay_range *unsure =
		reallocarray(replay->unsure, replay->num_unsure + 1, sizeof(*unsure));
	if (!unsure)
		return error_nomem();
	unsure[replay->num_unsure++] = (struct replay_range){item->unsure.addr, item->unsure.end};
	replay->unsure = unsure;
	return NULL;
}

static struct error *take_memory(struct replay *replay, const struct item *item)
{
	struct replay_memory *former = find_memory(replay, item->memory.addr);
	struct replay_memory *memory = malloc(sizeof(*memory) + item->memory.len);
	if (!memory)
		return error_nomem();
	memory->addr = item->memory.addr;
	memory->len = item->memory.len;
	memcpy(memory->bytes, item->memory.bytes, memory->len);
	if (former)
		HASH_DEL(replay->memory, former);
	free(former);
	HASH_ADD(hh, replay->memory, addr, sizeof(memory->addr), memory);
	return NULL;
}

static struct error *take_item(struct replay *replay, const struct item *item)
{
	size_t first, num;
	struct error *err;
	switch (item->kind) {
	case ITEM_TRACE:
		return take_trace(replay, item);
	case ITEM_NOTES:
		err = plan_add_notes(replay->loaded.plan, &first, &num);
		return err ? err : check_plan(replay, item);
	case ITEM_RECORD:
		return take_record(replay, item);
	case ITEM_FINISH:
		if (item->finish.now_ns > replay->now_ns)
			replay->now_ns = item->finish.now_ns;
		if (item->finish.armed_ns)
			replay->armed_ns = item->finish.armed_ns;
		if (item->finish.num_functions)
			replay->num_functions = item->finish.num_functions;
		replay->target_died = item->finish.target_died;
		replay->is_finished = true;
		break;
	case ITEM_UNSURE:
		return take_unsure(replay, item);
	case ITEM_MEMORY:
		return take_memory(replay, item);
	default:
		err = report_item(replay->report, item);
		return err ? error_wrap(err, "%s", replay->options->capture) : NULL;
	}
	return NULL;
}

static struct error *flush(struct replay *replay)
{
	struct text *out = report_text(replay->report);
	struct error *err =
		out->failed ? error_nomem() : replay->options->write(replay->options->context, out);
	report_written(replay->report, out->len);
	return err;
}

static struct error *take_all(struct replay *replay)
{
	const volatile sig_atomic_t *stop = replay->options->stop;
	while (!replay->is_finished && !(stop && *stop)) {
		struct item item;
		struct error *err = capture_read(replay->reader, &item);
		if (!err && item.kind == ITEM_EOF) {
			log_warning("%s: it has no end: its tracer was killed",
				    replay->options->capture);
			return NULL;
		}
		if (!err)
			err = take_item(replay, &item);
		if (!err && report_text(replay->report)->len >= FLUSH_BYTES)
			err = flush(replay);
		if (err)
			return err;
	}
	return NULL;
}

struct error *replay_run(const struct replay_options *options, struct text *err_text)
{
	struct replay replay = {.options = options};
	struct error *err = replay_init(&replay);
	if (!err) {
		err = take_all(&replay);
		report_finish(replay.report, replay.now_ns, replay.target_died);
		report_summary(replay.report, replay.armed_ns, replay.now_ns, replay.num_functions,
			       0, err_text);
		struct error *flush_err = flush(&replay);
		if (err)
			error_free(flush_err);
		else
			err = flush_err;
	}
	replay_deinit(&replay);
	return err;
}
