// SPDX-License-Identifier: GPL-2.0-or-later
// The package net/netip.
#include "tracer/event/value/known/known.h"

struct address {
	uint8_t bytes[16];
	bool is_v6;
};

static bool is_mapped(const uint8_t bytes[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	return !memcmp(bytes, prefix, sizeof(prefix));
}

// An address is {addr {hi, lo}, z}. z is nil if there is none; it points to {isV6, zoneV6}
// from Go 1.23 on, and to an intern.Value before that, which does not show whether an address in
// the range of IPv4 is an IPv4 address.
static bool read_address(const struct known_value *value, struct address *out)
{
	int64_t hi, lo, is_v6;
	if (!known_number(value, "addr.hi", &hi) || !known_number(value, "addr.lo", &lo) ||
	    known_is_nil(value, "z") || known_is_nil(value, "z.value"))
		return false;
	for (int i = 0; i < 8; i++) {
		out->bytes[i] = (uint8_t)((uint64_t)hi >> (56 - 8 * i));
		out->bytes[8 + i] = (uint8_t)((uint64_t)lo >> (56 - 8 * i));
	}
	if (known_number(value, "z.value.isV6", &is_v6))
		out->is_v6 = is_v6;
	else if (is_mapped(out->bytes))
		return false;
	else
		out->is_v6 = true;
	return out->is_v6 || is_mapped(out->bytes);
}

// Appends the zone of an IPv6 address: "%eth0".
static bool put_zone(const struct known_value *value, struct text *out)
{
	uint64_t len;
	if (known_is_nil(value, "z.cmpVal"))
		return true;
	if (known_len(value, "z.value.zoneV6", &len) && !len)
		return true;
	text_putc(out, '%');
	return known_put_whole(value, "z.value.zoneV6", out);
}

static bool put_address(const struct known_value *value, bool *is_v6, struct text *out)
{
	struct address address;
	if (!read_address(value, &address))
		return false;
	*is_v6 = address.is_v6;
	if (!address.is_v6) {
		known_put_ip4(address.bytes + 12, out);
		return true;
	}
	if (is_mapped(address.bytes)) {
		text_puts(out, "::ffff:");
		known_put_ip4(address.bytes + 12, out);
	} else {
		known_put_ip6(address.bytes, out);
	}
	return put_zone(value, out);
}

static bool put_addr(const struct known_value *value, struct text *out)
{
	bool is_v6;
	return put_address(value, &is_v6, out);
}

static bool put_addr_port(const struct known_value *value, struct text *out)
{
	struct known_value ip;
	struct address address;
	int64_t port;
	bool is_v6;
	if (!known_get(value, "ip", &ip) || !known_number(value, "port", &port) ||
	    !read_address(&ip, &address))
		return false;
	if (address.is_v6)
		text_putc(out, '[');
	if (!put_address(&ip, &is_v6, out))
		return false;
	text_puts(out, is_v6 ? "]:" : ":");
	text_i64(out, port);
	return true;
}

static bool put_prefix(const struct known_value *value, struct text *out)
{
	struct known_value ip;
	int64_t bits;
	bool is_v6;
	if (known_number(value, "bitsPlusOne", &bits))
		bits--;
	else if (!known_number(value, "bits", &bits))
		return false;
	if (!known_get(value, "ip", &ip) || !put_address(&ip, &is_v6, out) || bits < 0 ||
	    bits > (is_v6 ? 128 : 32))
		return false;
	text_putc(out, '/');
	text_i64(out, bits);
	return true;
}

const struct known_row known_netip[] = {
	{"net/netip.Addr", put_addr, 0},
	{"net/netip.AddrPort", put_addr_port, 0},
	{"net/netip.Prefix", put_prefix, 0},
	{0},
};
