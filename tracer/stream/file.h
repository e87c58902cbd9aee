// SPDX-License-Identifier: GPL-2.0-or-later
// A stream of records in a file, with what it takes to decode it elsewhere and later: which executable, where
// it was loaded, when, and how the plan was made, so that replaying makes the same plan again. The
// plan's digest is kept beside it: a plan that comes out otherwise is refused, not guessed at.
//
// A file is a head and items, each a kind, a size and its bytes padded to 8, in host byte order. Reading
// takes plain and gzipped files, and trusts neither.
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
	CAPTURE_FINISH,	    // the last one; its absence means that the tracer was killed
	CAPTURE_SKIPPED,    // how many calls were left out, or not followed, before FINISH
	CAPTURE_OFF,	    // a function's returns are not seen from a time on, or are again
	CAPTURE_DETACH,	    // the calls of such functions are told to have ended
	CAPTURE_CONDITIONS, // what conditions left out without deciding, before FINISH
	CAPTURE_LOSSES,	    // what was lost, once all records were taken; see calls_lost
	CAPTURE_UNSURE,	    // memory that may no longer be as in the executable's file
	CAPTURE_EOF,	    // the file is over
};

struct capture_item { // all that it points at is borrowed until the next one is read
	enum capture_kind kind;
	uint64_t digest; // TRACE, NOTES: of the plan after it
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
			uint64_t off_ns; // 0: seen again
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
			uint64_t unreadable, crowded; // calls
		} conditions;
		struct {
			uint64_t now_ns;
			uint64_t armed_ns;	// when the first probes were there; 0: not known
			uint32_t num_functions; // traced; 0: not known
			bool target_died;
		} finish;
	};
};

/** What names the executable's build, "go:..." or "gnu:..."; "" if nothing does. The caller frees. */
char *capture_build_id(struct image *image);

/** A number that two plans share only if their functions, probes and frames are the same. */
uint64_t capture_plan_digest(const struct plan *plan);

struct capture_writer;

/** Begins a capture in fd, which is borrowed and written in large pieces. */
struct error *capture_writer_create(int fd, const struct capture_head *head,
				    struct capture_writer **out) MUST_CHECK;
/** Ends it without flushing; takes NULL. */
void capture_writer_destroy(struct capture_writer *writer);

/** Functions were added to the plan; plan is what it is now. trace's digest is not looked at. */
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
/** losses NULL: not known. */
struct error *capture_write_losses(struct capture_writer *writer, const struct wire_losses *losses,
				   uint64_t now_ns) MUST_CHECK;
struct error *capture_write_skipped(struct capture_writer *writer, uint64_t skipped,
				    uint64_t crowded) MUST_CHECK;
struct error *capture_write_conditions(struct capture_writer *writer, uint64_t unreadable,
				       uint64_t crowded) MUST_CHECK;
/** From here on memory from addr to end may differ from the executable's file. */
struct error *capture_write_unsure(struct capture_writer *writer, uint64_t addr,
				   uint64_t end) MUST_CHECK;
/** The trace is over; writes out all that waits. */
struct error *capture_write_finish(struct capture_writer *writer,
				   const struct capture_item *finish) MUST_CHECK;

struct capture_reader;

struct error *capture_reader_open(const char *path, struct capture_reader **out) MUST_CHECK;
void capture_reader_close(struct capture_reader *reader);

/** Borrowed from the reader. */
const struct capture_head *capture_reader_head(const struct capture_reader *reader);

/** The next item; CAPTURE_EOF at the end. A file that is cut off or damaged is an error there, and all
 *  before it was good. */
struct error *capture_read(struct capture_reader *reader, struct capture_item *out) MUST_CHECK;

#endif
