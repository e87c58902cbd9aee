// SPDX-License-Identifier: GPL-2.0-or-later
// A capture file holds a stream of records and all that is needed to decode them elsewhere and
// later: which executable was traced, where and when it was loaded, and how the plan was made, so
// that a replay makes the same plan again. The file also has the plan's digest: if a replay's plan
// has another digest, the replay is refused.
//
// A file is a head and a number of items. An item is a kind, a size and its bytes padded to 8, in
// host byte order. The reader accepts plain and gzipped files and checks all that it reads.
#ifndef GOTRACE_TRACER_STREAM_FILE_H
#define GOTRACE_TRACER_STREAM_FILE_H

#include <sys/types.h>

#include "tracer/event/record.h"
#include "tracer/plan/plan.h"

struct capture_head {
	const char *exe;      // path of the executable, as the tracer saw it
	const char *build_id; // capture_build_id; "" if it has none
	uint64_t bias;	      // run-time address - vaddr
	pid_t pid;
	uint64_t start_ns;	// CLOCK_MONOTONIC when the trace began
	int64_t wall_offset_ns; // CLOCK_REALTIME - CLOCK_MONOTONIC
	struct plan_options options;
};

enum capture_kind {
	CAPTURE_TRACE = 1, // functions were added by patterns
	CAPTURE_NOTES,	   // plan_add_notes
	CAPTURE_RECORD,
	CAPTURE_LOST,
	CAPTURE_FINISH,	    // the last item; if it is missing, the tracer was killed
	CAPTURE_SKIPPED,    // number of calls left out or not followed; comes before FINISH
	CAPTURE_OFF,	    // from a time on a function's returns are not seen, or seen again
	CAPTURE_DETACH,	    // the calls of functions that are off end as detached
	CAPTURE_CONDITIONS, // number of calls whose conditions were not decided; before FINISH
	CAPTURE_LOSSES,	    // what was lost so far, after all earlier records; see calls_lost
	CAPTURE_UNSURE,	    // memory that may differ from the executable's file from now on
	CAPTURE_MEMORY,	    // of the process, where types of its plugins are; see rtypes_ask
	CAPTURE_EOF,	    // the end of the file
};

struct capture_item { // what it points to is valid until the next item is read
	enum capture_kind kind;
	uint64_t digest; // TRACE, NOTES: the plan's digest after this item
	union {
		struct {
			char **patterns;
			size_t num_patterns;
			bool no_args, no_return;
			uint32_t trace;
		} trace;
		const struct wire_record *record; // valid
		struct {
			uint64_t count;
			const char *where;
		} lost;
		struct {
			uint64_t skipped, crowded; // calls
		} skipped;
		struct {
			uint32_t func;	 // its number in the plan
			uint64_t off_ns; // 0: returns are seen again
		} off;
		uint64_t detach_ns;
		struct {
			uint64_t now_ns;
			const struct wire_losses *losses; // NULL: not known
		} losses;
		struct {
			uint64_t addr, end;
		} unsure;
		struct {
			uint64_t addr;
			const void *bytes;
			size_t len;
		} memory;
		struct {
			uint64_t unreadable, crowded; // calls
		} conditions;
		struct {
			uint64_t now_ns;
			uint64_t armed_ns;	// when the first probes were armed; 0: not known
			uint32_t num_functions; // number of traced functions; 0: not known
			bool target_died;
		} finish;
	};
};

/** The executable's build id, "go:..." or "gnu:..."; "" if it has none; NULL if there is no memory.
 *  The caller frees it. */
char *capture_build_id(struct image *image);

/** A digest of the plan's functions, probes and frames: plans that differ in these have different
 *  digests. */
uint64_t capture_plan_digest(const struct plan *plan);

struct capture_writer;

/** Begins a capture file and writes its head to fd. fd is borrowed and written in large pieces. */
struct error *capture_writer_create(int fd, const struct capture_head *head,
				    struct capture_writer **out) MUST_CHECK;
/** Frees the writer without writing what is buffered. writer may be NULL. */
void capture_writer_destroy(struct capture_writer *writer);

/** Functions were added to the plan; plan is the plan after that. The digest is computed from plan;
 *  trace->digest is ignored. */
struct error *capture_write_trace(struct capture_writer *writer, const struct capture_item *trace,
				  const struct plan *plan) MUST_CHECK;
struct error *capture_write_notes(struct capture_writer *writer,
				  const struct plan *plan) MUST_CHECK;
struct error *capture_write_record(struct capture_writer *writer,
				   const struct wire_record *record) MUST_CHECK;
struct error *capture_write_lost(struct capture_writer *writer, uint64_t count,
				 const char *where) MUST_CHECK;
struct error *capture_write_off(struct capture_writer *writer, uint32_t func,
				uint64_t off_ns) MUST_CHECK;
struct error *capture_write_detach(struct capture_writer *writer, uint64_t now_ns) MUST_CHECK;
/** losses NULL: it is not known what was lost. */
struct error *capture_write_losses(struct capture_writer *writer, const struct wire_losses *losses,
				   uint64_t now_ns) MUST_CHECK;
struct error *capture_write_skipped(struct capture_writer *writer, uint64_t skipped,
				    uint64_t crowded) MUST_CHECK;
struct error *capture_write_conditions(struct capture_writer *writer, uint64_t unreadable,
				       uint64_t crowded) MUST_CHECK;
/** From now on the memory [addr, end) may differ from the executable's file. */
struct error *capture_write_unsure(struct capture_writer *writer, uint64_t addr,
				   uint64_t end) MUST_CHECK;
/** The process's memory at addr is now these bytes. */
struct error *capture_write_memory(struct capture_writer *writer, uint64_t addr, const void *bytes,
				   size_t len) MUST_CHECK;
/** Ends the capture: writes the last item and all that is buffered. */
struct error *capture_write_finish(struct capture_writer *writer,
				   const struct capture_item *finish) MUST_CHECK;

struct capture_reader;

struct error *capture_reader_open(const char *path, struct capture_reader **out) MUST_CHECK;
void capture_reader_close(struct capture_reader *reader);

/** The capture's head; borrowed from the reader. */
const struct capture_head *capture_reader_head(const struct capture_reader *reader);

/** Reads the next item; its kind is CAPTURE_EOF at the end of the file. If the file is cut off or
 *  damaged, this is an error; all items before it are good. */
struct error *capture_read(struct capture_reader *reader, struct capture_item *out) MUST_CHECK;

#endif
