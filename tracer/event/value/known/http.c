// SPDX-License-Identifier: GPL-2.0-or-later
// The package net/http.
#include "tracer/event/value/known/known.h"

// "GET /user?name=zed HTTP/1.1". A request of a client has no RequestURI.
static bool put_request(const struct known_value *request, struct text *out)
{
	uint64_t method, uri = 0, proto;
	if (!known_len(request, "Method", &method) || !known_len(request, "RequestURI", &uri) ||
	    !known_len(request, "Proto", &proto))
		return false;
	if (!method)
		text_puts(out, "GET");
	else if (!known_put_whole(request, "Method", out))
		return false;
	text_putc(out, ' ');
	if (!(uri ? known_put(request, "RequestURI", out) : known_put_known(request, "URL", out)))
		return false;
	if (proto)
		text_putc(out, ' ');
	return !proto || known_put_whole(request, "Proto", out);
}

// "HTTP/1.1 200 OK, 45 bytes".
static bool put_response(const struct known_value *response, struct text *out)
{
	int64_t bytes;
	uint64_t len;
	if (!known_number(response, "ContentLength", &bytes) ||
	    !known_len(response, "Status", &len) || !len ||
	    !known_put_whole(response, "Proto", out))
		return false;
	text_putc(out, ' ');
	if (!known_put(response, "Status", out))
		return false;
	if (bytes >= 0)
		text_printf(out, ", %lld bytes", (long long)bytes);
	return true;
}

static bool put_writer(const struct known_value *writer, const char *written, struct text *out)
{
	int64_t has_header, status, bytes;
	if (!known_number(writer, "wroteHeader", &has_header) ||
	    !known_number(writer, "status", &status) || !known_number(writer, written, &bytes) ||
	    bytes < 0 || status < 0 || status > 999)
		return false;
	if (has_header)
		text_printf(out, "%lld, %lld bytes", (long long)status, (long long)bytes);
	else
		text_puts(out, "nothing written");
	return true;
}

static bool put_writer1(const struct known_value *writer, struct text *out)
{
	return put_writer(writer, "written", out);
}

static bool put_writer2(const struct known_value *writer, struct text *out)
{
	struct known_value state;
	return known_get(writer, "rws", &state) && put_writer(&state, "wroteBytes", out);
}

enum { WRITER = KNOWN_TYPED | KNOWN_POINTER };

const struct known_row known_http[] = {
	{"net/http.Request", put_request, KNOWN_POINTER | KNOWN_TEXT},
	{"net/http.Response", put_response, KNOWN_POINTER},
	{"net/http.response", put_writer1, WRITER},
	{"net/http.http2responseWriter", put_writer2, WRITER},
	{"net/http/internal/http2.responseWriter", put_writer2, WRITER},
	{"golang.org/x/net/http2.responseWriter", put_writer2, WRITER},
	{0},
};
