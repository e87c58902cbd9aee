// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.22 && !go1.23
// +build go1.22,!go1.23

package main

func details() {}
