// SPDX-License-Identifier: GPL-2.0-or-later
// The packages bytes, strings and bufio: what is unread or pending.
#include "tracer/event/value/known/known.h"

static bool put_rest(const struct known_value *value, const char *bytes_path, const char *off_path,
		     struct text *out)
{
	struct known_bytes bytes;
	int64_t off = 0;
	if (!known_bytes(value, bytes_path, &bytes) ||
	    (off_path && (!known_number(value, off_path, &off) || off < 0)))
		return false;
	if ((uint64_t)off > bytes.len) // a Reader may be after the end
		off = (int64_t)bytes.len;
	bytes.addr += (uint64_t)off;
	bytes.len -= (uint64_t)off;
	return known_put_bytes(value, &bytes, true, out);
}

static bool put_buffer(const struct known_value *value, struct text *out)
{
	return put_rest(value, "buf", "off", out);
}

static bool put_builder(const struct known_value *value, struct text *out)
{
	return put_rest(value, "buf", NULL, out);
}

static bool put_reader(const struct known_value *value, struct text *out)
{
	return put_rest(value, "s", "i", out);
}

static bool put_buffered(const struct known_value *value, struct text *out)
{
	int64_t read, written;
	if (!known_number(value, "r", &read) || !known_number(value, "w", &written) || read < 0 ||
	    written < read)
		return false;
	text_printf(out, "%lld bytes buffered", (long long)(written - read));
	return true;
}

static bool put_pending(const struct known_value *value, struct text *out)
{
	int64_t pending;
	if (!known_number(value, "n", &pending) || pending < 0)
		return false;
	text_printf(out, "%lld bytes pending", (long long)pending);
	return true;
}

enum { BUFFER = KNOWN_TYPED | KNOWN_POINTER };

const struct known_row known_buffers[] = {
	{"bytes.Buffer", put_buffer, BUFFER},
	{"bytes.Reader", put_reader, BUFFER},
	{"strings.Builder", put_builder, BUFFER},
	{"strings.Reader", put_reader, BUFFER},
	{"bufio.Reader", put_buffered, BUFFER},
	{"bufio.Writer", put_pending, BUFFER},
	{0},
};
