// SPDX-License-Identifier: GPL-2.0-or-later
// The input is a capture file. Its records go through the pairing and all outputs over a made-up plan. Whatever they
// are: reading ends, each call that begins ends once and inside the one around it, nothing is left open.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/synthetic.h"
#include "tracer/stream/file.h"
#include "tracer/output/output.h"

enum { RECORD_BYTES = WIRE_RECORD_MAX };

static const struct sink_ops *const outputs[] = {&sink_graph, &sink_lines, &sink_json};

enum { NUM_OUTPUTS = sizeof(outputs) / sizeof(outputs[0]) };

struct run {
	struct synthetic synthetic;
	struct calls *calls;
	struct loaded loaded;
	struct memory *memory;
	struct value_printer printer;
	struct sink *sinks[NUM_OUTPUTS];
	struct text out;
	uint64_t begun, ended;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

// Each output has its own idea of a call's note.
struct notes {
	void *note[NUM_OUTPUTS];
};

// The calls around a call have the notes of one output while it works.
static void swap_notes(struct call *call, struct notes **around, size_t output, bool is_back)
{
	size_t i = 0;
	for (struct call *parent = call->parent; parent; parent = parent->parent, i++) {
		if (is_back) {
			around[i]->note[output] = parent->note;
			parent->note = around[i];
		} else {
			around[i] = parent->note;
			parent->note = around[i]->note[output];
		}
	}
}

static void on_entry(void *context, struct call *call, const struct wire_record *record)
{
	struct run *run = context;
	check(!call->note && call->number && (!call->parent || call->parent->depth < call->depth));
	memory_fill(run->memory, record, &call->func->args);
	struct notes *notes = calloc(1, sizeof(*notes));
	struct notes **around = calloc(call->depth + 1, sizeof(struct notes *));
	for (size_t i = 0; i < NUM_OUTPUTS; i++) {
		call->note = NULL;
		swap_notes(call, around, i, false);
		outputs[i]->entry(run->sinks[i], call, record, &run->out);
		notes->note[i] = call->note;
		swap_notes(call, around, i, true);
	}
	free(around);
	run->begun += call->will_end;
	call->note = notes;
	if (!call->will_end)
		free(notes);
	text_reset(&run->out);
}

static void on_end(void *context, struct call *call, const struct wire_record *record,
		   enum call_how how, uint64_t end_ns)
{
	struct run *run = context;
	struct notes *notes = call->note;
	check(notes && end_ns >= call->entry_ns && (record != NULL) == (how == CALL_RETURNED));
	if (record)
		memory_fill(run->memory, record, &call->func->results);
	for (size_t i = 0; i < NUM_OUTPUTS; i++) {
		call->note = notes->note[i];
		outputs[i]->end(run->sinks[i], call, record, how, end_ns, &run->out);
	}
	free(notes);
	run->ended++;
	text_reset(&run->out);
}

static void on_orphan(void *context, struct call *call, const struct wire_record *record)
{
	struct run *run = context;
	memory_fill(run->memory, record, &call->func->results);
	for (size_t i = 0; i < NUM_OUTPUTS; i++)
		outputs[i]->orphan(run->sinks[i], call, record, &run->out);
	text_reset(&run->out);
}

static const struct calls_listener listener = {on_entry, on_end, on_orphan};

static void run_init(struct run *run)
{
	memset(run, 0, sizeof(*run));
	synthetic_init(&run->synthetic, 4, SYNTHETIC_NOTES);
	for (size_t i = 0; i < 3; i++) {
		synthetic_value(&run->synthetic, i, false, "a", NULL);
		synthetic_value(&run->synthetic, i, true, "", NULL);
	}
	run->synthetic.plan_func[3].has_return = false;
	error_free(calls_create(&run->synthetic.plan, &listener, run, &run->calls));
	error_free(memory_create(&run->loaded, &run->memory));
	run->printer.memory = run->memory;
	static const uint32_t width = 100;
	struct sink_options options = {.printer = &run->printer,
				       .width = &width,
				       .loaded = &run->loaded,
				       .look = {.timestamps = TIMESTAMPS_WALL, .out = -1}};
	for (size_t i = 0; i < NUM_OUTPUTS; i++)
		error_free(outputs[i]->open(&options, &run->sinks[i]));
}

static void run_deinit(struct run *run)
{
	for (size_t i = 0; i < NUM_OUTPUTS; i++) {
		if (outputs[i]->flush)
			outputs[i]->flush(run->sinks[i], &run->out);
		outputs[i]->close(run->sinks[i]);
	}
	calls_destroy(run->calls);
	memory_destroy(run->memory);
	text_deinit(&run->out);
}

static void take(struct run *run, const struct item *item)
{
	static uint64_t bytes[RECORD_BYTES / 8];
	if (item->kind == ITEM_LOSSES)
		calls_lost(run->calls, item->losses.losses, item->losses.now_ns);
	if (item->kind == ITEM_NOTES)
		calls_tick(run->calls, item->digest);
	for (size_t i = 0; item->kind == ITEM_NOTES && i < NUM_OUTPUTS; i++)
		if (outputs[i]->tick)
			outputs[i]->tick(run->sinks[i], item->digest, &run->out);
	if (item->kind != ITEM_RECORD)
		return;
	memcpy(bytes, item->record, item->record->size);
	struct wire_record *record = (struct wire_record *)bytes;
	record->probe %= run->synthetic.plan.tables.num_probes + 1;
	record->goid %= 5; // few, so that they meet
	error_free(calls_record(run->calls, record));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct capture_reader *reader;
	struct error *err = capture_reader_open(path, &reader);
	if (!err) {
		static struct run run;
		run_init(&run);
		struct item item = {0};
		while (!err && item.kind != ITEM_EOF) {
			err = capture_read(reader, &item);
			if (!err)
				take(&run, &item);
		}
		calls_finish(run.calls, UINT64_MAX, size % 2);
		check(run.begun == run.ended);
		run_deinit(&run);
		capture_reader_close(reader);
	}
	error_free(err);
	close(fd);
	return 0;
}
