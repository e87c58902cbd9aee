// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !withcgo
// +build !withcgo

package main

// frameless calls plain, and keeps no frame pointer.
func frameless()

//go:noinline
func outside() { frameless() }
