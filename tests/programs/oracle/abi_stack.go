// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !go1.17 || !amd64
// +build !go1.17 !amd64

package oracle

// Everything is passed on the stack.
const (
	intRegisters   = 0
	floatRegisters = 0
)
