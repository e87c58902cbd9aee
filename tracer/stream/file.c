// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracer/stream/file.h"

#include <errno.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/text.h"

enum {
	// version 1 had no losses in its records, version 2 at most 1 KiB of each value in a frame,
	// version 3 the beginnings of large values, and one flag for all limits of a record;
	// version 4 had no kinds of records: all were hits, and the kind's bytes were zeros;
	// version 5 had an event for each return of a function that has return probes;
	// version 6 had no rules of what is secret: all was captured; and two bytes of kind, where
	// a record now has the target's number too;
	// version 7 had no clauses in its patterns
	VERSION = 8,
	REDACT_VERSION = 7,
	OLDEST_VERSION = 4, // that is read
	FLUSH_BYTES = 256 * 1024,
	STRING_MAX = 4096,			      // bytes of a string in the head
	ITEM_BYTES_MAX = 8 * 1024 * 1024,	      // bytes of an item
	PATTERNS_MAX = 100 * 1000,		      // patterns in an item
	RULES_MAX = REDACT_RULES * REDACT_RULE_BYTES, // bytes of the rules of what is secret
};

static const char MAGIC[8] = "gotrace";

enum { HEAD_NO_ARGS = 1, HEAD_NO_RETURN = 2 };

struct file_head {
	char magic[8];
	uint32_t version, flags;
	uint64_t bias, start_ns;
	int64_t wall_offset_ns;
	uint32_t pid, depth, strlen, items;
	// sizes of the strings that follow, without a NUL, each padded to 8
	uint32_t exe_bytes, build_id_bytes;
};

struct file_rules { // of what is secret, after the head's strings; each rule follows, with a NUL
	uint32_t num, bytes;
};

struct file_item {
	uint32_t kind, size; // enum item_kind; number of bytes that follow, without padding
};

struct file_trace { // the patterns follow, each with a NUL
	uint64_t digest;
	uint32_t trace, flags;
	uint32_t num_patterns, pad;
};

struct file_lost { // the text of where follows, without a NUL
	uint64_t count;
};

struct file_off {
	uint32_t func, pad;
	uint64_t off_ns;
};

struct file_finish {
	uint64_t now_ns;
	uint32_t target_died, num_functions;
	uint64_t armed_ns; // missing in older files, see FINISH_SHORT
};

enum { FINISH_SHORT = offsetof(struct file_finish, armed_ns) };

_Static_assert(sizeof(struct file_head) == 64, "file_head");
_Static_assert(sizeof(struct file_item) == 8, "file_item");
_Static_assert(sizeof(struct file_trace) == 24, "file_trace");
_Static_assert(sizeof(struct file_finish) == 24, "file_finish");

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

// --- Writing -----------------------------------------------------------------------------------

struct capture_writer {
	int fd;
	struct text text; // bytes that are not written yet
};

static void put(struct text *text, const void *data, size_t len)
{
	static const char zeros[8];
	text_append(text, data, len);
	text_append(text, zeros, padded(len) - len);
}

static struct error *writer_flush(struct capture_writer *writer)
{
	struct text *text = &writer->text;
	if (text->failed)
		return error_nomem();
	for (size_t done = 0; done < text->len;) {
		ssize_t len = write(writer->fd, text->data + done, text->len - done);
		if (len < 0 && errno != EINTR)
			return error_errno(errno, "writing the capture");
		done += len > 0 ? (size_t)len : 0;
	}
	text_reset(text);
	return NULL;
}

static void put_rules(struct text *text, const struct redact_options *redact)
{
	struct text rules;
	struct file_rules file = {0};
	text_init(&rules);
	for (size_t i = 0; redact_defaults[i] && !redact->no_defaults; i++, file.num++)
		text_append(&rules, redact_defaults[i], strlen(redact_defaults[i]) + 1);
	for (uint32_t i = 0; i < redact->num; i++, file.num++)
		text_append(&rules, redact->rules[i], strlen(redact->rules[i]) + 1);
	file.bytes = (uint32_t)rules.len;
	text->failed |= rules.failed;
	put(text, &file, sizeof(file));
	put(text, text_string(&rules), rules.len);
	text_deinit(&rules);
}

struct error *capture_writer_create(int fd, const struct capture_head *head,
				    struct capture_writer **out)
{
	struct capture_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return error_nomem();
	writer->fd = fd;
	const struct plan_options *options = &head->options;
	struct file_head file = {
		.version = VERSION,
		.flags = (options->capture.no_args ? HEAD_NO_ARGS : 0u) |
			 (options->capture.no_return ? HEAD_NO_RETURN : 0u),
		.bias = head->bias,
		.start_ns = head->start_ns,
		.wall_offset_ns = head->wall_offset_ns,
		.pid = (uint32_t)head->pid,
		.depth = options->capture.depth,
		.strlen = options->capture.strlen,
		.items = options->capture.items,
		.exe_bytes = (uint32_t)strnlen(head->exe, STRING_MAX),
		.build_id_bytes = (uint32_t)strnlen(head->build_id, STRING_MAX),
	};
	memcpy(file.magic, MAGIC, sizeof(MAGIC));
	put(&writer->text, &file, sizeof(file));
	put(&writer->text, head->exe, file.exe_bytes);
	put(&writer->text, head->build_id, file.build_id_bytes);
	put_rules(&writer->text, &options->capture.redact);
	struct error *err = writer_flush(writer);
	if (err) {
		capture_writer_destroy(writer);
		return err;
	}
	*out = writer;
	return NULL;
}

void capture_writer_destroy(struct capture_writer *writer)
{
	if (!writer)
		return;
	text_deinit(&writer->text);
	free(writer);
}

// Writes an item that has two parts: one of a fixed size, and a rest, which may be empty.
static struct error *write_item(struct capture_writer *writer, enum item_kind kind,
				const void *fixed, size_t fixed_len, const void *rest,
				size_t rest_len)
{
	struct file_item item = {.kind = kind, .size = (uint32_t)(fixed_len + rest_len)};
	put(&writer->text, &item, sizeof(item));
	put(&writer->text, fixed, fixed_len);
	if (rest_len)
		put(&writer->text, rest, rest_len);
	return writer->text.len < FLUSH_BYTES ? NULL : writer_flush(writer);
}

static struct error *write_trace(struct capture_writer *writer, const struct item *item)
{
	struct text names;
	text_init(&names);
	for (size_t i = 0; i < item->trace.num_patterns; i++)
		text_append(&names, item->trace.patterns[i], strlen(item->trace.patterns[i]) + 1);
	struct file_trace file = {
		.digest = item->digest,
		.trace = item->trace.trace,
		.flags = (item->trace.no_args ? HEAD_NO_ARGS : 0u) |
			 (item->trace.no_return ? HEAD_NO_RETURN : 0u),
		.num_patterns = (uint32_t)item->trace.num_patterns,
	};
	struct error *err;
	if (names.failed)
		err = error_nomem();
	else if (names.len > ITEM_BYTES_MAX - sizeof(file) ||
		 item->trace.num_patterns > PATTERNS_MAX)
		err = error_new("writing the capture: too many patterns");
	else
		err = write_item(writer, ITEM_TRACE, &file, sizeof(file), names.data, names.len);
	text_deinit(&names);
	return err;
}

static struct error *write_finish(struct capture_writer *writer, const struct item *item)
{
	struct file_finish file = {
		.now_ns = item->finish.now_ns,
		.target_died = item->finish.target_died,
		.num_functions = item->finish.num_functions,
		.armed_ns = item->finish.armed_ns,
	};
	struct error *err = write_item(writer, ITEM_FINISH, &file, sizeof(file), NULL, 0);
	return err ? err : writer_flush(writer);
}

_Static_assert(sizeof(((struct item *)0)->conditions) == sizeof(((struct item *)0)->unsure),
	       "two numbers each");

struct error *capture_write(struct capture_writer *writer, const struct item *item)
{
	const void *fixed = &item->digest, *rest = NULL;
	size_t len = sizeof(item->digest), rest_len = 0;
	const struct file_off off = {.func = item->off.func, .off_ns = item->off.off_ns};
	switch (item->kind) {
	case ITEM_TRACE:
		return write_trace(writer, item);
	case ITEM_FINISH:
		return write_finish(writer, item);
	case ITEM_NOTES:
		break;
	case ITEM_RECORD:
		fixed = item->record;
		len = item->record->size;
		break;
	case ITEM_LOST:
		fixed = &item->lost.count;
		rest = item->lost.where;
		rest_len = strnlen(item->lost.where, STRING_MAX);
		break;
	case ITEM_LOSSES:
		fixed = &item->losses.now_ns;
		rest = item->losses.losses;
		rest_len = rest ? sizeof(*item->losses.losses) : 0;
		break;
	case ITEM_MEMORY:
		fixed = &item->memory.addr;
		rest = item->memory.bytes;
		rest_len = item->memory.len;
		break;
	case ITEM_OFF:
		fixed = &off;
		len = sizeof(off);
		break;
	case ITEM_DETACH:
		fixed = &item->detach_ns;
		break;
	case ITEM_SKIPPED:
		fixed = &item->skipped;
		len = sizeof(item->skipped);
		break;
	case ITEM_CONDITIONS:
	case ITEM_UNSURE:
		fixed = &item->conditions;
		len = sizeof(item->conditions);
		break;
	case ITEM_EOF:
		return NULL;
	}
	return write_item(writer, item->kind, fixed, len, rest, rest_len);
}

// --- Reading -----------------------------------------------------------------------------------

struct capture_reader {
	gzFile file;
	char *path;
	char *exe, *build_id, *rules;
	struct capture_head head;
	uint64_t *item; // the current item's bytes, 8-aligned, with a NUL after them
	size_t capacity;
	char **patterns;
};

static struct error *damaged(const struct capture_reader *reader, const char *why)
{
	return error_new("%s: not a capture of gotrace, or damaged: %s", reader->path, why);
}

// Reads len bytes. If is_end is not NULL and the file ends before the first byte, this is no error
// and *is_end is true.
static struct error *read_bytes(struct capture_reader *reader, void *dst, size_t len, bool *is_end)
{
	int got = len ? gzread(reader->file, dst, (unsigned)len) : 0;
	if (got < 0) {
		int code;
		const char *why = gzerror(reader->file, &code);
		return code == Z_ERRNO ? error_errno(errno, "%s", reader->path)
				       : damaged(reader, why);
	}
	if (is_end)
		*is_end = got == 0;
	if ((size_t)got == len || (is_end && !got))
		return NULL;
	return error_new("%s: the capture ends in the middle", reader->path);
}

static struct error *read_string(struct capture_reader *reader, size_t len, char **out)
{
	CLEANUP_FREE char *string = malloc(padded(len) + 1);
	if (!string)
		return error_nomem();
	struct error *err = read_bytes(reader, string, padded(len), NULL);
	if (err)
		return err;
	string[len] = '\0';
	*out = take(string);
	return NULL;
}

static struct error *read_rules(struct capture_reader *reader, uint32_t version)
{
	struct redact_options *redact = &reader->head.options.capture.redact;
	struct file_rules file = {0};
	redact->no_defaults = true;
	if (version < REDACT_VERSION)
		return NULL;
	struct error *err = read_bytes(reader, &file, sizeof(file), NULL);
	if (err)
		return err;
	if (file.num > REDACT_RULES || file.bytes > RULES_MAX)
		return damaged(reader, "too many rules of what is secret");
	err = read_string(reader, file.bytes, &reader->rules);
	if (err)
		return err;
	const char *at = reader->rules, *end = at + file.bytes;
	for (uint32_t i = 0; i < file.num; i++) {
		if (at >= end)
			return damaged(reader, "rules of what is secret cut short");
		redact->rules[redact->num++] = at;
		at += strlen(at) + 1;
	}
	return NULL;
}

static struct error *read_head(struct capture_reader *reader)
{
	struct file_head file;
	bool is_empty;
	struct error *err = read_bytes(reader, &file, sizeof(file), &is_empty);
	if (err)
		return err;
	if (is_empty || memcmp(file.magic, MAGIC, sizeof(MAGIC)) != 0)
		return damaged(reader, "it does not begin like one");
	if (file.version < OLDEST_VERSION || file.version > VERSION)
		return error_new(
			"%s: a capture of version %u; this gotrace reads versions %u to %u",
			reader->path, file.version, OLDEST_VERSION, VERSION);
	if (file.exe_bytes > STRING_MAX || file.build_id_bytes > STRING_MAX)
		return damaged(reader, "its head is too long");
	err = read_string(reader, file.exe_bytes, &reader->exe);
	if (!err)
		err = read_string(reader, file.build_id_bytes, &reader->build_id);
	reader->head = (struct capture_head){
		.exe = reader->exe,
		.build_id = reader->build_id,
		.bias = file.bias,
		.pid = (pid_t)file.pid,
		.start_ns = file.start_ns,
		.wall_offset_ns = file.wall_offset_ns,
		.options.capture = {.depth = file.depth,
				    .strlen = file.strlen,
				    .items = file.items,
				    .no_args = file.flags & HEAD_NO_ARGS,
				    .no_return = file.flags & HEAD_NO_RETURN},
	};
	return err ? err : read_rules(reader, file.version);
}

struct error *capture_reader_open(const char *path, struct capture_reader **out)
{
	struct capture_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return error_nomem();
	reader->path = strdup(path);
	errno = 0;
	reader->file = gzopen(path, "re");
	struct error *err = NULL;
	if (!reader->path || (!reader->file && !errno))
		err = error_nomem();
	else if (!reader->file)
		err = error_errno(errno, "%s", path);
	if (!err)
		err = read_head(reader);
	if (err) {
		capture_reader_close(reader);
		return err;
	}
	*out = reader;
	return NULL;
}

void capture_reader_close(struct capture_reader *reader)
{
	if (!reader)
		return;
	if (reader->file)
		gzclose(reader->file);
	free(reader->path);
	free(reader->exe);
	free(reader->build_id);
	free(reader->rules);
	free(reader->item);
	free(reader->patterns);
	free(reader);
}

const struct capture_head *capture_reader_head(const struct capture_reader *reader)
{
	return &reader->head;
}

static struct error *make_room(struct capture_reader *reader, size_t size)
{
	if (size <= reader->capacity)
		return NULL;
	uint64_t *item = realloc(reader->item, size);
	if (!item)
		return error_nomem();
	reader->item = item;
	reader->capacity = size;
	return NULL;
}

static struct error *take_trace(struct capture_reader *reader, size_t size, struct item *out)
{
	struct file_trace file;
	if (size < sizeof(file))
		return damaged(reader, "patterns cut short");
	memcpy(&file, reader->item, sizeof(file));
	if (file.num_patterns > PATTERNS_MAX)
		return damaged(reader, "too many patterns");
	char **patterns = reallocarray(reader->patterns, file.num_patterns + 1, sizeof(*patterns));
	if (!patterns)
		return error_nomem();
	reader->patterns = patterns;
	char *at = (char *)reader->item + sizeof(file), *end = (char *)reader->item + size;
	for (uint32_t i = 0; i < file.num_patterns; i++) {
		patterns[i] = at;
		at += strnlen(at, (size_t)(end - at));
		if (at == end)
			return damaged(reader, "a pattern without an end");
		at++;
	}
	out->digest = file.digest;
	out->trace.patterns = patterns;
	out->trace.num_patterns = file.num_patterns;
	out->trace.no_args = file.flags & HEAD_NO_ARGS;
	out->trace.no_return = file.flags & HEAD_NO_RETURN;
	out->trace.trace = file.trace;
	return NULL;
}

// Decodes an item whose bytes have been read, with a NUL after them.
static struct error *take_item(struct capture_reader *reader, size_t size, struct item *out)
{
	const uint8_t *bytes = (const uint8_t *)reader->item;
	struct file_finish finish = {0};
	struct file_off off;
	switch (out->kind) {
	case ITEM_TRACE:
		return take_trace(reader, size, out);
	case ITEM_NOTES:
		if (size != sizeof(out->digest))
			break;
		memcpy(&out->digest, bytes, sizeof(out->digest));
		return NULL;
	case ITEM_RECORD:
		if (!record_is_valid(bytes, size) ||
		    ((const struct wire_record *)reader->item)->size != size)
			return damaged(reader, "a record that is none");
		out->record = (const struct wire_record *)reader->item;
		return NULL;
	case ITEM_LOST:
		if (size < sizeof(struct file_lost))
			break;
		memcpy(&out->lost.count, bytes, sizeof(out->lost.count));
		out->lost.where = (const char *)bytes + sizeof(struct file_lost);
		return NULL;
	case ITEM_FINISH:
		if (size != sizeof(finish) && size != FINISH_SHORT)
			break;
		memcpy(&finish, bytes, size);
		out->finish.now_ns = finish.now_ns;
		out->finish.armed_ns = finish.armed_ns;
		out->finish.num_functions = finish.num_functions;
		out->finish.target_died = finish.target_died;
		return NULL;
	case ITEM_SKIPPED:
		if (size % sizeof(uint64_t) || !size || size > sizeof(out->skipped))
			break;
		out->skipped.crowded = out->skipped.off_ns = 0;
		out->skipped.func = ITEM_NO_FUNC; // older files have one number or two
		memcpy(&out->skipped, bytes, size);
		return NULL;
	case ITEM_OFF:
		if (size != sizeof(off))
			break;
		memcpy(&off, bytes, sizeof(off));
		out->off.func = off.func;
		out->off.off_ns = off.off_ns;
		return NULL;
	case ITEM_DETACH:
		if (size != sizeof(out->detach_ns))
			break;
		memcpy(&out->detach_ns, bytes, sizeof(out->detach_ns));
		return NULL;
	case ITEM_CONDITIONS:
		if (size != sizeof(out->conditions))
			break;
		memcpy(&out->conditions, bytes, sizeof(out->conditions));
		return NULL;
	case ITEM_LOSSES:
		if (size != sizeof(uint64_t) &&
		    size != sizeof(uint64_t) + sizeof(struct wire_losses))
			break;
		out->losses.now_ns = *reader->item;
		out->losses.losses =
			size > sizeof(uint64_t) ? (const void *)(reader->item + 1) : NULL;
		return NULL;
	case ITEM_UNSURE:
		if (size != sizeof(out->unsure))
			break;
		memcpy(&out->unsure, bytes, sizeof(out->unsure));
		return NULL;
	case ITEM_MEMORY:
		if (size < sizeof(out->memory.addr))
			break;
		memcpy(&out->memory.addr, bytes, sizeof(out->memory.addr));
		out->memory.bytes = bytes + sizeof(out->memory.addr);
		out->memory.len = size - sizeof(out->memory.addr);
		return NULL;
	case ITEM_EOF:
		break;
	}
	return damaged(reader, "an item of an unknown kind or size");
}

struct error *capture_read(struct capture_reader *reader, struct item *out)
{
	struct file_item file;
	bool is_end;
	struct error *err = read_bytes(reader, &file, sizeof(file), &is_end);
	if (err)
		return err;
	struct item item = {.kind = is_end ? ITEM_EOF : (enum item_kind)file.kind};
	if (is_end) {
		*out = item;
		return NULL;
	}
	if (file.size > ITEM_BYTES_MAX || file.kind < ITEM_TRACE || file.kind >= ITEM_EOF)
		return damaged(reader, "an item of an unknown kind or size");
	err = make_room(reader, padded(file.size) + 8);
	if (!err)
		err = read_bytes(reader, reader->item, padded(file.size), NULL);
	if (err)
		return err;
	((char *)reader->item)[file.size] = '\0';
	err = take_item(reader, file.size, &item);
	if (!err)
		*out = item;
	return err;
}
