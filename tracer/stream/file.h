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

#include "tracer/stream/item.h"

struct capture_head {
	const char *exe;      // path of the executable, as the tracer saw it
	const char *build_id; // capture_build_id; "" if it has none
	uint64_t bias;	      // run-time address - vaddr
	pid_t pid;
	uint64_t start_ns;	// CLOCK_MONOTONIC when the trace began
	int64_t wall_offset_ns; // CLOCK_REALTIME - CLOCK_MONOTONIC
	struct plan_options options;
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

/** Writes one item. FINISH ends the capture: all that is buffered is written, too. */
struct error *capture_write(struct capture_writer *writer, const struct item *item) MUST_CHECK;

struct capture_reader;

struct error *capture_reader_open(const char *path, struct capture_reader **out) MUST_CHECK;
void capture_reader_close(struct capture_reader *reader);

/** The capture's head; borrowed from the reader. */
const struct capture_head *capture_reader_head(const struct capture_reader *reader);

/** Reads the next item; its kind is ITEM_EOF at the end of the file. If the file is cut off or
 *  damaged, this is an error; all items before it are good. */
struct error *capture_read(struct capture_reader *reader, struct item *out) MUST_CHECK;

#endif
