// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.23
// +build go1.23

package main

import (
	"net/netip"
	"unique"
)

// Go 1.22 does not say in memory whether an address is an IPv4 address.
func details() {
	for _, address := range []string{"192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0"} {
		prints(address, netip.MustParseAddr(address))
		prints("["+address+"]", netip.AddrPortFrom(netip.MustParseAddr(address), 80))
	}
	prints("10.0.0.0/8", netip.MustParsePrefix("10.0.0.0/8"))
	is("handle", `"shared"`, unique.Make("shared"))
}
