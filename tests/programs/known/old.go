// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !go1.22
// +build !go1.22

package main

func later() {}
