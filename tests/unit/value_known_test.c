// SPDX-License-Identifier: GPL-2.0-or-later
// Well-known types: what they print, and that they print as any other type if what they need is
// missing or implausible.
#include "tests/unit/value_fixture.h"

enum { DATA = 0xc000, STEP = 0x100 };

static struct gotype *string(struct fixture *f)
{
	return basic(f, GO_STRING);
}

static struct gotype *bytes_named(struct fixture *f, const char *name)
{
	return slice_of(f, name, basic(f, GO_UINT8));
}

// Places bytes at block i and returns their address.
static uint64_t place(struct fixture *f, unsigned i, const char *bytes, size_t len)
{
	uint64_t addr = DATA + (uint64_t)i * STEP;
	block(f, addr, bytes, len);
	return addr;
}

static void expect_text(struct fixture *f, struct gotype *type, const char *text)
{
	assert_string_equal(as_text(f, type), text);
}

static struct gotype *go_url(struct fixture *f)
{
	static const char *const names[] = {"Scheme",  "Opaque",   "Host",    "Path",
					    "RawPath", "RawQuery", "Fragment"};
	struct gotype *type = structure(f, "net/url.URL");
	for (unsigned i = 0; i < NUM(names); i++)
		field(type, names[i], string(f));
	return type;
}

static void prints_constants(void **state)
{
	struct fixture *f = *state;
	struct gotype *level = basic(f, GO_INT8);
	level->name = level->full_name = "main.Level";
	frame(f, WORDS(0xff));
	f->printer.func = "net/http.Get";
	expect_text(f, level, "main.Low(-1)");
	f->printer.func = "main.main";
	expect_text(f, level, "Low(-1)");
	f->printer.is_raw = true;
	expect_text(f, level, "-1");
	f->printer.is_raw = false;
	frame(f, WORDS(1));
	expect_text(f, level, "1");
	frame(f, WORDS(2)); // DWARF may have any name
	expect_text(f, level, "(2)");
}

static void prints_addresses(void **state)
{
	struct fixture *f = *state;
	struct gotype *ip = bytes_named(f, "net.IP");
	frame(f, WORDS(DATA, 4, 4));
	place(f, 0, "\xc0\x00\x02\x01", 4);
	expect_text(f, ip, "192.0.2.1");
	expect_text(f, bytes_named(f, "net.IPMask"), "c0000201");
	expect_text(f, bytes_named(f, "net.HardwareAddr"), "c0:00:02:01");
	frame(f, WORDS(DATA, 16, 16));
	place(f, 0, "\x20\x01\x0d\xb8\0\0\0\1\0\0\0\0\0\0\0\1", 16);
	expect_text(f, ip, "2001:db8:0:1::1");
	f->printer.is_raw = true;
	assert_int_equal(strncmp(as_text(f, ip), "net.IP(hex 20", 13), 0);
	f->printer.is_raw = false;
	frame(f, WORDS(DATA, 3, 3)); // no address has three bytes
	place(f, 0, "\1\2\3", 3);
	expect_text(f, ip, "net.IP(hex 010203 len 3)");
	frame(f, WORDS(DATA, 4, 4)); // not captured
	expect_text(f, ip, "net.IP{...+4 ?(not captured)}");
}

static void prints_locks(void **state)
{
	struct fixture *f = *state;
	struct gotype *old = structure(f, "sync.Mutex"),
		      *inner = structure(f, "internal/sync.Mutex");
	field(old, "state", basic(f, GO_INT32));
	field(inner, "state", basic(f, GO_INT32));
	struct gotype *new = structure(f, "sync.Mutex");
	field(new, "mu", inner);
	frame(f, WORDS(0));
	expect(f, old, "unlocked", "{\"state\":0}");
	expect_text(f, new, "unlocked");
	frame(f, WORDS(1 | 3 << 3));
	expect_text(f, new, "locked, 3 waiting");
	frame(f, WORDS(0xffffffff)); // no mutex has that
	expect_text(f, old, "sync.Mutex{state: -1}");
	struct gotype *other = structure(f, "sync.Mutex");
	field(other, "words", basic(f, GO_INT32));
	expect_text(f, other, "sync.Mutex{words: -1}");
}

static void prints_named_numbers(void **state)
{
	struct fixture *f = *state;
	frame(f, WORDS(3));
	expect_text(f, make(f, GO_INT, "time.Month"), "March");
	expect_text(f, make(f, GO_INT, "time.Weekday"), "Wednesday");
	frame(f, WORDS(13));
	expect(f, make(f, GO_INT, "time.Month"), "13", "13");
	frame(f, WORDS(0755 | 1u << 31));
	expect_text(f, make(f, GO_UINT32, "io/fs.FileMode"), "drwxr-xr-x");
	frame(f, WORDS(5));
	expect_text(f, make(f, GO_INT, "log/slog.Level"), "WARN+1");
	expect_text(f, make(f, GO_UINTPTR, "syscall.Errno"), "syscall.Errno(input/output error)");
}

static void prints_numbers_of_many_words(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = structure(f, "math/big.Int");
	field(type, "neg", basic(f, GO_BOOL));
	field(type, "abs", slice_of(f, "math/big.nat", basic(f, GO_UINT)));
	frame(f, WORDS(1, DATA, 2, 2));
	block(f, DATA, WORDS(0, 1));
	expect_text(f, type, "-18446744073709551616");
	frame(f, WORDS(0, 0, 0, 0));
	expect_text(f, type, "0");
	frame(f, WORDS(0, DATA, 1 << 20, 1 << 20)); // too long
	assert_non_null(strstr(as_text(f, type), "big.Int{neg: false"));
}

static void prints_requests(void **state)
{
	struct fixture *f = *state;
	struct gotype *url = go_url(f), *type = structure(f, "net/http.Request");
	field(type, "Method", string(f));
	field(type, "URL", pointer_to(f, "*url.URL", url));
	field(type, "Proto", string(f));
	field(type, "RequestURI", string(f));
	uint64_t get = DATA, uri = DATA + STEP, proto = DATA + 2 * STEP;
	frame(f, WORDS(get, 3, 0, proto, 8, uri, 4));
	place(f, 0, STRING("GET"));
	place(f, 1, STRING("/a\nb"));
	place(f, 2, STRING("HTTP/1.1"));
	expect_text(f, type, "GET /a\\nb HTTP/1.1");
	// A request of a client, whose URL was not captured.
	frame(f, WORDS(get, 3, DATA + 3 * STEP, proto, 8, uri, 0));
	place(f, 0, STRING("GET"));
	place(f, 2, STRING("HTTP/1.1"));
	assert_non_null(
		strstr(as_text(f, type), "Request{Method: \"GET\", URL: *net/url.URL(0xc300)"));
}

static void prints_chains_that_never_end(void **state)
{
	struct fixture *f = *state;
	struct gotype *type = structure(f, "context.stopCtx"),
		      *context = interface(f, "context.Context", true);
	struct gotype *pointer = pointer_to(f, "*context.stopCtx", type);
	field(type, "Context", context);
	pointer->is_direct = true;
	f->index.rtypes[0] = pointer;
	frame(f, WORDS(RTYPE_ADDR(0), DATA));
	block(f, DATA, WORDS(RTYPE_ADDR(0), DATA));
	assert_null(strstr(as_text(f, context), "ctx("));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VALUE_TEST(prints_constants),
		VALUE_TEST(prints_addresses),
		VALUE_TEST(prints_locks),
		VALUE_TEST(prints_named_numbers),
		VALUE_TEST(prints_numbers_of_many_words),
		VALUE_TEST(prints_requests),
		VALUE_TEST(prints_chains_that_never_end),
	};
	return cmocka_run_group_tests_name("well-known types", tests, NULL, NULL);
}
