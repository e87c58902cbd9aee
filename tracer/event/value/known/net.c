// SPDX-License-Identifier: GPL-2.0-or-later
// The package net: addresses, connections, errors.
#include "tracer/event/value/known/known.h"

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

void known_put_ip4(const uint8_t bytes[4], struct text *out)
{
	text_printf(out, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

void known_put_ip6(const uint8_t bytes[16], struct text *out)
{
	unsigned zeros = 8, num_zeros = 0; // the longest run of two or more
	for (unsigned i = 0; i < 8; i++) {
		unsigned end = i;
		while (end < 8 && is_zero(bytes + 2 * end, 2))
			end++;
		if (end - i >= 2 && end - i > num_zeros) {
			zeros = i;
			num_zeros = end - i;
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		if (i == zeros) {
			text_puts(out, "::");
			i += num_zeros;
			if (i >= 8)
				break;
		} else if (i) {
			text_putc(out, ':');
		}
		text_printf(out, "%x", bytes[2 * i] << 8 | bytes[2 * i + 1]);
	}
}

// --- Addresses ---------------------------------------------------------------------------------

// Copies an address or mask of 4 or 16 bytes.
static bool copy_ip(const struct known_value *value, const char *path, uint8_t bytes[16],
		    size_t *len)
{
	struct known_bytes ip;
	if (!known_bytes(value, path, &ip) || (ip.len != 4 && ip.len != 16))
		return false;
	*len = ip.len;
	return known_copy(value, &ip, bytes, 16) == ip.len;
}

// An IPv4 address may have 16 bytes.
static void shorten(uint8_t bytes[16], size_t *len)
{
	if (*len == 16 && is_zero(bytes, 10) && bytes[10] == 0xff && bytes[11] == 0xff) {
		memmove(bytes, bytes + 12, 4);
		*len = 4;
	}
}

static void put_bytes_of_ip(const uint8_t *bytes, size_t len, struct text *out)
{
	if (len == 4)
		known_put_ip4(bytes, out);
	else
		known_put_ip6(bytes, out);
}

static bool put_ip(const struct known_value *value, struct text *out)
{
	uint8_t bytes[16];
	size_t len;
	if (!copy_ip(value, "", bytes, &len))
		return false;
	shorten(bytes, &len);
	put_bytes_of_ip(bytes, len, out);
	return true;
}

static bool put_mask(const struct known_value *value, struct text *out)
{
	uint8_t bytes[16];
	size_t len;
	if (!copy_ip(value, "", bytes, &len))
		return false;
	for (size_t i = 0; i < len; i++)
		text_printf(out, "%02x", bytes[i]);
	return true;
}

static bool put_hardware_addr(const struct known_value *value, struct text *out)
{
	struct known_bytes addr;
	uint8_t bytes[20];
	if (!known_bytes(value, "", &addr) || !addr.len || addr.len > sizeof(bytes) ||
	    known_copy(value, &addr, bytes, sizeof(bytes)) < addr.len)
		return false;
	for (size_t i = 0; i < addr.len; i++)
		text_printf(out, i ? ":%02x" : "%02x", bytes[i]);
	return true;
}

// The number of ones that a mask begins with; -1 if others follow.
static int mask_length(const uint8_t *mask, size_t len)
{
	int ones = 0;
	while (ones < 8 * (int)len && mask[ones / 8] >> (7 - ones % 8) & 1)
		ones++;
	for (int i = ones; i < 8 * (int)len; i++)
		if (mask[i / 8] >> (7 - i % 8) & 1)
			return -1;
	return ones;
}

static bool put_ip_net(const struct known_value *value, struct text *out)
{
	uint8_t ip[16], mask[16];
	size_t len, mask_len;
	if (!copy_ip(value, "IP", ip, &len) || !copy_ip(value, "Mask", mask, &mask_len))
		return false;
	shorten(ip, &len);
	if (mask_len < len)
		return false;
	const uint8_t *from = mask + (mask_len - len);
	put_bytes_of_ip(ip, len, out);
	text_putc(out, '/');
	int ones = mask_length(from, len);
	if (ones >= 0)
		text_i64(out, ones);
	else
		for (size_t i = 0; i < len; i++)
			text_printf(out, "%02x", from[i]);
	return true;
}

static bool put_ip_zone(const struct known_value *value, struct text *out)
{
	uint64_t len, zone;
	if (!known_len(value, "IP", &len) || !known_len(value, "Zone", &zone) ||
	    (len && !known_put_known(value, "IP", out)))
		return false;
	if (zone)
		text_putc(out, '%');
	return !zone || known_put_whole(value, "Zone", out);
}

static bool put_ip_addr(const struct known_value *value, struct text *out)
{
	uint64_t len;
	return known_len(value, "IP", &len) && len && put_ip_zone(value, out);
}

static bool put_host_port(const struct known_value *value, struct text *out)
{
	int64_t port;
	size_t start = out->len;
	text_putc(out, '[');
	if (!known_number(value, "Port", &port) || !put_ip_zone(value, out) || out->failed)
		return false;
	if (memchr(out->data + start, ':', out->len - start)) {
		text_putc(out, ']');
	} else { // no brackets
		out->len--;
		memmove(out->data + start, out->data + start + 1, out->len - start);
	}
	text_putc(out, ':');
	text_i64(out, port);
	return true;
}

static bool put_unix_addr(const struct known_value *value, struct text *out)
{
	return known_put(value, "Name", out);
}

// --- Connections -------------------------------------------------------------------------------

static bool put_fd(const struct known_value *value, struct text *out)
{
	int64_t fd;
	if (!known_number(value, "fd.pfd.Sysfd", &fd))
		return false;
	text_printf(out, "%sfd %lld", out->data[out->len - 1] == '(' ? "" : ", ", (long long)fd);
	return true;
}

static bool put_conn(const struct known_value *value, struct text *out)
{
	struct known_value conn;
	if (!known_get(value, "conn", &conn))
		return false;
	if (known_put_known(&conn, "fd.laddr", out)) {
		size_t len = out->len;
		text_puts(out, " -> ");
		if (!known_put_known(&conn, "fd.raddr", out))
			out->len = len;
	}
	return put_fd(&conn, out);
}

static bool put_listener(const struct known_value *value, struct text *out)
{
	known_put_known(value, "fd.laddr", out);
	return put_fd(value, out);
}

// --- Errors ------------------------------------------------------------------------------------

static bool put_if(const struct known_value *value, const char *path, const char *before,
		   struct text *out)
{
	uint64_t len;
	if (!known_len(value, path, &len))
		return false;
	if (len)
		text_puts(out, before);
	return !len || known_put_whole(value, path, out);
}

static bool put_op_error(const struct known_value *value, struct text *out)
{
	bool has_source = !known_is_nil(value, "Source"), has_addr = !known_is_nil(value, "Addr");
	if (!known_put_whole(value, "Op", out) || !put_if(value, "Net", " ", out))
		return false;
	if (has_source) {
		text_putc(out, ' ');
		if (!known_put_known(value, "Source", out))
			return false;
	}
	if (has_addr) {
		text_puts(out, has_source ? "->" : " ");
		if (!known_put_known(value, "Addr", out))
			return false;
	}
	text_puts(out, ": ");
	return known_put_error(value, "Err", out);
}

static bool put_dns_error(const struct known_value *value, struct text *out)
{
	text_puts(out, "lookup ");
	if (!known_put_whole(value, "Name", out) || !put_if(value, "Server", " on ", out))
		return false;
	text_puts(out, ": ");
	return known_put_whole(value, "Err", out);
}

static bool put_addr_error(const struct known_value *value, struct text *out)
{
	uint64_t len;
	if (!known_len(value, "Addr", &len) || !put_if(value, "Addr", "address ", out))
		return false;
	if (len)
		text_puts(out, ": ");
	return known_put_whole(value, "Err", out);
}

enum { CONN = KNOWN_TYPED | KNOWN_POINTER, ADDR = KNOWN_POINTER };

const struct known_row known_net[] = {
	{"net.IP", put_ip, 0},
	{"net.IPMask", put_mask, 0},
	{"net.HardwareAddr", put_hardware_addr, 0},
	{"net.IPNet", put_ip_net, ADDR},
	{"net.IPAddr", put_ip_addr, ADDR},
	{"net.TCPAddr", put_host_port, ADDR},
	{"net.UDPAddr", put_host_port, ADDR},
	{"net.UnixAddr", put_unix_addr, CONN},
	{"net.TCPConn", put_conn, CONN},
	{"net.UDPConn", put_conn, CONN},
	{"net.IPConn", put_conn, CONN},
	{"net.UnixConn", put_conn, CONN},
	{"net.TCPListener", put_listener, CONN},
	{"net.UnixListener", put_listener, CONN},
	{"net.OpError", put_op_error, KNOWN_POINTER | KNOWN_MESSAGE},
	{"net.DNSError", put_dns_error, KNOWN_POINTER | KNOWN_MESSAGE},
	{"net.AddrError", put_addr_error, KNOWN_POINTER | KNOWN_MESSAGE},
	{0},
};
