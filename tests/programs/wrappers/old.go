// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !go1.18
// +build !go1.18

package main

func generic(n int) {}
