// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.17 && amd64
// +build go1.17,amd64

package oracle

// Go 1.17 and later pass arguments in these many registers.
const (
	intRegisters   = 9
	floatRegisters = 15
)
