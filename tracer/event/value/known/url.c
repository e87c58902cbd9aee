// SPDX-License-Identifier: GPL-2.0-or-later
// The package net/url. A URL prints as its method Redacted prints it: without its password.
#include "tracer/event/value/known/known.h"

#include <ctype.h>

// What each part may have unescaped, besides letters, digits and "-_.~".
static const char in_path[] = "$&+,/:;=@", in_fragment[] = "$&+,/:;=?@!()*",
		  in_user[] = "$&+,;=", in_host[] = "!$&'()*+,;=:[]<>\"";

static bool is_allowed(char c, const char *allowed)
{
	return isalnum((unsigned char)c) || (c && (strchr("-_.~", c) || strchr(allowed, c)));
}

static void escape(const char *bytes, size_t len, const char *allowed, struct text *out)
{
	for (size_t i = 0; i < len; i++)
		if (is_allowed(bytes[i], allowed))
			text_putc(out, bytes[i]);
		else
			text_printf(out, "%%%02X", (unsigned char)bytes[i]);
}

// Appends the string at the path, escaped; what is cut is shown.
static bool put_escaped(const struct known_value *url, const char *path, const char *allowed,
			struct text *out)
{
	char copy[WIRE_BLOCK_MAX];
	struct known_bytes bytes;
	if (!known_bytes(url, path, &bytes))
		return false;
	size_t len = known_copy(url, &bytes, copy, sizeof(copy));
	if (bytes.len && !len)
		return false;
	escape(copy, len, allowed, out);
	if (len < bytes.len)
		text_printf(out, "...+%llu bytes", (unsigned long long)(bytes.len - len));
	return true;
}

static int hex_digit(char c)
{
	return !isxdigit((unsigned char)c) ? -1
	       : isdigit((unsigned char)c) ? c - '0'
					   : (c | 0x20) - 'a' + 10;
}

// True if raw is an encoding of the plain text.
static bool is_encoding(const char *raw, size_t raw_len, const char *plain, size_t len,
			const char *allowed)
{
	size_t at = 0;
	for (size_t i = 0; i < raw_len; i++, at++) {
		int c = (unsigned char)raw[i];
		if (c == '%') {
			if (raw_len - i < 3)
				return false;
			int high = hex_digit(raw[i + 1]), low = hex_digit(raw[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = high << 4 | low;
			i += 2;
		} else if (!is_allowed(raw[i], allowed) && !strchr("!'()*[]", c)) {
			return false;
		}
		if (at >= len || (unsigned char)plain[at] != c)
			return false;
	}
	return at == len;
}

// Appends a part that has a second field for an encoding which is not the usual one.
static bool put_encoded(const struct known_value *url, const char *path, const char *raw_path,
			const char *allowed, struct text *out)
{
	char plain[WIRE_BLOCK_MAX], raw[WIRE_BLOCK_MAX];
	struct known_bytes plain_bytes, raw_bytes;
	if (!known_bytes(url, path, &plain_bytes))
		return false;
	if (!known_bytes(url, raw_path, &raw_bytes) || !raw_bytes.len)
		return put_escaped(url, path, allowed, out);
	size_t len = known_copy(url, &plain_bytes, plain, sizeof(plain));
	size_t raw_len = known_copy(url, &raw_bytes, raw, sizeof(raw));
	if (len < plain_bytes.len || raw_len < raw_bytes.len)
		return false;
	if (is_encoding(raw, raw_len, plain, len, allowed))
		text_append(out, raw, raw_len);
	else
		escape(plain, len, allowed, out);
	return true;
}

static bool put_user(const struct known_value *user, struct text *out)
{
	int64_t has_password;
	if (!known_number(user, "passwordSet", &has_password) ||
	    !put_escaped(user, "username", in_user, out))
		return false;
	if (has_password)
		text_puts(out, ":xxxxx");
	return true;
}

static bool put_authority(const struct known_value *url, bool has_scheme, bool has_host,
			  struct text *out)
{
	struct known_value user;
	int64_t omits_host = 0;
	uint64_t path_len;
	bool has_user = !known_is_nil(url, "User");
	known_number(url, "OmitHost", &omits_host);
	if (!known_len(url, "Path", &path_len) || !known_get(url, "User", &user))
		return false;
	if ((!has_scheme && !has_host && !has_user) || (omits_host && !has_host && !has_user))
		return true;
	if (has_host || path_len || has_user)
		text_puts(out, "//");
	if (has_user) {
		if (!put_user(&user, out))
			return false;
		text_putc(out, '@');
	}
	return put_escaped(url, "Host", in_host, out);
}

static bool put_path(const struct known_value *url, bool has_host, struct text *out)
{
	struct text path;
	text_init(&path);
	bool is_known = put_encoded(url, "Path", "RawPath", in_path, &path) && !path.failed;
	if (is_known && path.len) {
		const char *text = text_string(&path);
		if (!strcmp(text, "%2A"))
			text = "*";
		if (text[0] != '/' && has_host)
			text_putc(out, '/');
		// A first segment with a colon would look like a scheme.
		const char *colon = strchr(text, ':'), *slash = strchr(text, '/');
		if (!out->len && colon && (!slash || colon < slash))
			text_puts(out, "./");
		text_puts(out, text);
	}
	text_deinit(&path);
	return is_known;
}

static bool put_query(const struct known_value *url, struct text *out)
{
	uint64_t len;
	int64_t is_forced;
	if (!known_len(url, "RawQuery", &len) || !known_number(url, "ForceQuery", &is_forced))
		return false;
	if (len || is_forced)
		text_putc(out, '?');
	return !len || known_put(url, "RawQuery", out);
}

static bool put_parts(const struct known_value *url, struct text *out)
{
	uint64_t scheme, opaque, host, fragment;
	if (!known_len(url, "Scheme", &scheme) || !known_len(url, "Opaque", &opaque) ||
	    !known_len(url, "Host", &host) || !known_len(url, "Fragment", &fragment))
		return false;
	if (scheme) {
		if (!known_put_whole(url, "Scheme", out))
			return false;
		text_putc(out, ':');
	}
	if (opaque ? !known_put(url, "Opaque", out)
		   : !put_authority(url, scheme, host, out) || !put_path(url, host, out))
		return false;
	if (!put_query(url, out))
		return false;
	if (fragment)
		text_putc(out, '#');
	return !fragment || put_encoded(url, "Fragment", "RawFragment", in_fragment, out);
}

static bool put_url(const struct known_value *url, struct text *out)
{
	struct text parts;
	text_init(&parts);
	bool is_known = put_parts(url, &parts) && parts.len && !parts.failed;
	text_append(out, text_string(&parts), parts.len);
	text_deinit(&parts);
	return is_known;
}

const struct known_row known_url[] = {
	{"net/url.URL", put_url, KNOWN_POINTER | KNOWN_TEXT},
	{"net/url.Userinfo", put_user, KNOWN_POINTER},
	{0},
};
