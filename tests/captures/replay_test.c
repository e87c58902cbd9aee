// SPDX-License-Identifier: GPL-2.0-or-later
// Traces of real programs, recorded with tests/captures/record, replayed against what they are expected to say.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "tracer/stream/replay.h"

static const char *const names[] = {"go1.15", "go1.27"};
static const char *const formats[] = {"graph", "lines", "json"};

enum { NUM_NAMES = sizeof(names) / sizeof(names[0]), NUM_FORMATS = 3 };

// A file of tests/captures, unpacked where it is gzipped.
static void load(const char *name, const char *suffix, struct text *out)
{
	char path[128];
	snprintf(path, sizeof(path), "tests/captures/%s%s", name, suffix);
	gzFile file = gzopen(path, "rb");
	if (!file)
		fail_msg("%s: cannot be opened (tests run from the top of the tree)", path);
	char bytes[16384];
	int len;
	while ((len = gzread(file, bytes, sizeof(bytes))) > 0)
		text_append(out, bytes, (size_t)len);
	assert_int_equal(len, 0);
	gzclose(file);
	assert_false(out->failed);
}

static void store(const char *path, const struct text *bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes->data, bytes->len), bytes->len);
	close(fd);
}

static struct error *collect(void *context, const struct text *out)
{
	text_append(context, out->data, out->len);
	return NULL;
}

static struct error *replay(const char *capture, const char *exe, const char *format,
			    struct text *out, struct text *err_text)
{
	struct replay_options options = {
		.capture = capture,
		.exe = exe,
		.look = {.sink = sink_find(format), .out = -1},
		.write = collect,
		.context = out,
	};
	return replay_run(&options, err_text);
}

struct files { // unpacked, in a directory of their own
	char exe[NUM_NAMES][64], damaged[64], directory[32];
};

static int unpack(void **state)
{
	struct files *files = calloc(1, sizeof(*files));
	strcpy(files->directory, "/tmp/gotrace-test-XXXXXX");
	if (!mkdtemp(files->directory))
		return 1;
	for (size_t i = 0; i < NUM_NAMES; i++) {
		struct text bytes;
		text_init(&bytes);
		snprintf(files->exe[i], sizeof(files->exe[i]), "%s/%s", files->directory, names[i]);
		load(names[i], ".exe.gz", &bytes);
		store(files->exe[i], &bytes);
		text_deinit(&bytes);
	}
	snprintf(files->damaged, sizeof(files->damaged), "%s/damaged", files->directory);
	*state = files;
	return 0;
}

static int clean_up(void **state)
{
	struct files *files = *state;
	for (size_t i = 0; i < NUM_NAMES; i++)
		unlink(files->exe[i]);
	unlink(files->damaged);
	rmdir(files->directory);
	free(files);
	return 0;
}

static void says_what_is_expected(void **state)
{
	const struct files *files = *state;
	for (size_t i = 0; i < NUM_NAMES * NUM_FORMATS; i++) {
		const char *name = names[i / NUM_FORMATS], *format = formats[i % NUM_FORMATS];
		char path[128], suffix[16];
		snprintf(path, sizeof(path), "tests/captures/%s.capture.gz", name);
		snprintf(suffix, sizeof(suffix), ".%s", format);
		struct text expected, out, err_text;
		text_init(&expected);
		text_init(&out);
		text_init(&err_text);
		load(name, suffix, &expected);
		struct error *err =
			replay(path, files->exe[i / NUM_FORMATS], format, &out, &err_text);
		if (err)
			fail_msg("%s: %s", path, error_message(err));
		assert_string_equal(text_string(&out), text_string(&expected));
		text_deinit(&expected);
		text_deinit(&out);
		text_deinit(&err_text);
	}
}

static void another_build(void **state)
{
	const struct files *files = *state;
	struct text out, err_text;
	text_init(&out);
	text_init(&err_text);
	struct error *err =
		replay("tests/captures/go1.15.capture.gz", files->exe[1], "graph", &out, &err_text);
	assert_non_null(err);
	assert_non_null(strstr(error_message(err), "another build"));
	error_free(err);
	assert_int_equal(out.len, 0);
	text_deinit(&out);
	text_deinit(&err_text);
}

// Whatever stands in it, a capture is told as far as it is good, or refused.
static void damaged_captures(void **state)
{
	const struct files *files = *state;
	struct text bytes, out, err_text;
	text_init(&bytes);
	text_init(&out);
	text_init(&err_text);
	load(names[1], ".capture.gz", &bytes);
	uint64_t random = 1;
	for (unsigned i = 0; i < 150; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		size_t at = (size_t)(random >> 33) % bytes.len;
		char was = bytes.data[at];
		bytes.data[at] = i % 3 ? (char)(random >> 24) : (char)-1;
		store(files->damaged, &bytes);
		bytes.data[at] = was;
		error_free(replay(files->damaged, files->exe[1], formats[i % NUM_FORMATS], &out,
				  &err_text));
		text_reset(&out);
		text_reset(&err_text);
	}
	text_deinit(&bytes);
	text_deinit(&out);
	text_deinit(&err_text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_expected),
		cmocka_unit_test(another_build),
		cmocka_unit_test(damaged_captures),
	};
	return cmocka_run_group_tests(tests, unpack, clean_up);
}
