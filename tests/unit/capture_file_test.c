// SPDX-License-Identifier: GPL-2.0-or-later
// Capture files: what is written is read, and what is cut off, damaged or hostile is an error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/unit/synthetic.h"
#include "tracer/stream/file.h"

static const struct capture_head head = {
	.exe = "/srv/app",
	.build_id = "go:abc",
	.bias = 0x555500000000,
	.pid = 4321,
	.start_ns = 1000,
	.wall_offset_ns = -5,
	.options.capture = {.depth = 2, .strlen = 64, .items = 16, .no_return = true},
};

struct file {
	char path[64];
	int fd;
};

static int make_file(void **state)
{
	struct file *file = calloc(1, sizeof(*file));
	strcpy(file->path, "/tmp/gotrace-capture-XXXXXX");
	file->fd = mkstemp(file->path);
	*state = file;
	return file->fd < 0;
}

static int remove_file(void **state)
{
	struct file *file = *state;
	close(file->fd);
	unlink(file->path);
	free(file);
	return 0;
}

static void write_capture(const struct file *file, struct synthetic *synthetic)
{
	struct capture_writer *writer;
	assert_null(capture_writer_create(file->fd, &head, &writer));
	synthetic_init(synthetic, 2, 2);
	char *patterns[] = {"main.*", "!main.f1", ""};
	uint64_t words[] = {11, 12, 13}, digest = capture_plan_digest(&synthetic->plan);
	struct synthetic_record record = synthetic_hit(0, 18, 100, 2000);
	synthetic_frame(&record, words, 3);
	struct synthetic_record next = synthetic_hit(1, 18, 100, 3000);
	next.head.kind = WIRE_RECORD_HIT + 1; // of a newer gotrace
	const struct item items[] = {
		{.kind = ITEM_TRACE,
		 .digest = digest,
		 .trace = {.patterns = patterns, .num_patterns = 3, .no_args = true, .trace = 7}},
		{.kind = ITEM_NOTES, .digest = digest},
		{.kind = ITEM_RECORD, .record = &record.head},
		{.kind = ITEM_RECORD, .record = &next.head},
		{.kind = ITEM_LOST, .lost = {12, "ring buffer"}},
		{.kind = ITEM_UNSURE, .unsure = {0x4000, 0x5000}},
		{.kind = ITEM_MEMORY, .memory = {0x7000, "bytes", 5}},
		{.kind = ITEM_SKIPPED, .skipped = {8, 6, 1, 9}},
		{.kind = ITEM_FINISH, .finish = {4000, .armed_ns = 1500, .num_functions = 2, true}},
	};
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++)
		assert_null(capture_write(writer, &items[i]));
	capture_writer_destroy(writer);
}

static void check_capture(const char *path, const struct synthetic *synthetic)
{
	struct capture_reader *reader;
	assert_null(capture_reader_open(path, &reader));
	const struct capture_head *got = capture_reader_head(reader);
	assert_string_equal(got->exe, head.exe);
	assert_string_equal(got->build_id, head.build_id);
	assert_true(got->bias == head.bias && got->pid == head.pid);
	assert_true(got->start_ns == head.start_ns && got->wall_offset_ns == head.wall_offset_ns);
	assert_int_equal(got->options.capture.strlen, 64);
	assert_true(got->options.capture.no_return && !got->options.capture.no_args);

	struct item item;
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_TRACE);
	assert_true(item.digest == capture_plan_digest(&synthetic->plan));
	assert_int_equal(item.trace.num_patterns, 3);
	assert_string_equal(item.trace.patterns[0], "main.*");
	assert_string_equal(item.trace.patterns[1], "!main.f1");
	assert_string_equal(item.trace.patterns[2], "");
	assert_true(item.trace.no_args && !item.trace.no_return && item.trace.trace == 7);
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_NOTES);
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_RECORD);
	assert_int_equal(item.record->time_ns, 2000);
	size_t at = 0;
	struct record_block block;
	assert_true(record_next(item.record, &at, &block));
	assert_int_equal(block.head->len, 24);
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_RECORD);
	assert_int_equal(item.record->kind, WIRE_RECORD_HIT + 1);
	assert_int_equal(item.record->probe, 1);
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_LOST);
	assert_int_equal(item.lost.count, 12);
	assert_string_equal(item.lost.where, "ring buffer");
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_UNSURE);
	assert_true(item.unsure.addr == 0x4000 && item.unsure.end == 0x5000);
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_MEMORY);
	assert_true(item.memory.addr == 0x7000 && item.memory.len == 5);
	assert_memory_equal(item.memory.bytes, "bytes", 5);
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_SKIPPED);
	assert_true(item.skipped.skipped == 8 && item.skipped.crowded == 6 &&
		    item.skipped.func == 1 && item.skipped.off_ns == 9);
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_FINISH);
	assert_true(item.finish.now_ns == 4000 && item.finish.target_died);
	assert_true(item.finish.armed_ns == 1500 && item.finish.num_functions == 2);
	assert_null(capture_read(reader, &item));
	assert_int_equal(item.kind, ITEM_EOF);
	capture_reader_close(reader);
}

static void round_trip(void **state)
{
	const struct file *file = *state;
	struct synthetic synthetic;
	write_capture(file, &synthetic);
	check_capture(file->path, &synthetic);
}

static size_t load(const struct file *file, uint8_t *bytes, size_t max)
{
	ssize_t len = pread(file->fd, bytes, max, 0);
	assert_true(len > 0 && (size_t)len < max);
	return (size_t)len;
}

static void gzipped(void **state)
{
	const struct file *file = *state;
	struct synthetic synthetic;
	write_capture(file, &synthetic);
	uint8_t bytes[4096];
	size_t len = load(file, bytes, sizeof(bytes));
	gzFile out = gzopen(file->path, "wb");
	assert_int_equal(gzwrite(out, bytes, (unsigned)len), len);
	gzclose(out);
	check_capture(file->path, &synthetic);
}

// Reads all that can be read; returns how many items were good, and whether the end was an error.
static size_t read_all(const char *path, bool *failed)
{
	struct capture_reader *reader;
	struct error *err = capture_reader_open(path, &reader);
	*failed = err != NULL;
	if (err) {
		error_free(err);
		return 0;
	}
	size_t num = 0;
	for (;;) {
		struct item item;
		err = capture_read(reader, &item);
		if (err || item.kind == ITEM_EOF)
			break;
		num++;
	}
	*failed = err != NULL;
	error_free(err);
	capture_reader_close(reader);
	return num;
}

static void cut_off(void **state)
{
	const struct file *file = *state;
	struct synthetic synthetic;
	write_capture(file, &synthetic);
	uint8_t bytes[4096];
	size_t len = load(file, bytes, sizeof(bytes)), num_whole = 0;
	for (size_t cut = len; cut-- > 0;) {
		bool failed;
		assert_int_equal(ftruncate(file->fd, (off_t)cut), 0);
		size_t num = read_all(file->path, &failed);
		assert_true(num < 9);
		num_whole += !failed;
	}
	assert_int_equal(num_whole, 9); // cut between two items, or behind the head
}

// tests/captures has files of older versions that are read.
static void versions(void **state)
{
	const struct file *file = *state;
	struct synthetic synthetic;
	write_capture(file, &synthetic);
	for (uint32_t version = 3; version <= 9; version++) {
		bool failed;
		if (version >= 4 && version <= 6)
			continue;
		assert_int_equal(pwrite(file->fd, &version, sizeof(version), 8), sizeof(version));
		bool is_read = version == 7 || version == 8;
		assert_int_equal(read_all(file->path, &failed), is_read ? 9 : 0);
		assert_true(failed != is_read);
	}
}

static void damaged_bytes(void **state)
{
	const struct file *file = *state;
	struct synthetic synthetic;
	write_capture(file, &synthetic);
	uint8_t bytes[4096];
	size_t len = load(file, bytes, sizeof(bytes));
	for (size_t i = 0; i < len; i++) {
		static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
		for (size_t j = 0; j < sizeof(values); j++) {
			bool failed;
			assert_int_equal(pwrite(file->fd, &values[j], 1, (off_t)i), 1);
			assert_true(read_all(file->path, &failed) <= 9);
		}
		assert_int_equal(pwrite(file->fd, &bytes[i], 1, (off_t)i), 1);
	}
}

static void not_a_capture(void **state)
{
	const struct file *file = *state;
	static const char *const contents[] = {"", "x", "gotrace", "\177ELF\2\1\1"};
	char block[200] = {0};
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		assert_int_equal(ftruncate(file->fd, 0), 0);
		size_t len = strlen(contents[i]);
		assert_int_equal(pwrite(file->fd, block, i < 2 ? len : sizeof(block), 0),
				 i < 2 ? len : sizeof(block));
		assert_int_equal(pwrite(file->fd, contents[i], len, 0), len);
		struct capture_reader *reader;
		struct error *err = capture_reader_open(file->path, &reader);
		assert_non_null(err);
		assert_non_null(strstr(error_message(err), "capture"));
		error_free(err);
	}
	struct capture_reader *reader;
	struct error *err = capture_reader_open("/tmp", &reader);
	assert_non_null(err);
	error_free(err);
	err = capture_reader_open("/nonexistent/capture", &reader);
	assert_string_equal(error_message(err), "/nonexistent/capture: No such file or directory");
	error_free(err);
}

static void full_disk(void **state)
{
	(void)state;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	struct capture_writer *writer;
	struct error *err = capture_writer_create(fd, &head, &writer);
	assert_string_equal(error_message(err), "writing the capture: No space left on device");
	error_free(err);
	close(fd);
}

static void digests(void **state)
{
	(void)state;
	struct synthetic synthetic;
	synthetic_init(&synthetic, 2, 2);
	uint64_t first = capture_plan_digest(&synthetic.plan);
	synthetic.plan_probes[3].vaddr++;
	uint64_t second = capture_plan_digest(&synthetic.plan);
	assert_true(first != second);
	synthetic_value(&synthetic, 1, false, "a", NULL);
	uint64_t third = capture_plan_digest(&synthetic.plan);
	assert_true(third != second);
	synthetic.values[1][0].frame_off += 8;
	assert_true(third != capture_plan_digest(&synthetic.plan));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(round_trip, make_file, remove_file),
		cmocka_unit_test_setup_teardown(gzipped, make_file, remove_file),
		cmocka_unit_test_setup_teardown(cut_off, make_file, remove_file),
		cmocka_unit_test_setup_teardown(versions, make_file, remove_file),
		cmocka_unit_test_setup_teardown(damaged_bytes, make_file, remove_file),
		cmocka_unit_test_setup_teardown(not_a_capture, make_file, remove_file),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(digests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
