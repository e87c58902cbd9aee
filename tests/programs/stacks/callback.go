// SPDX-License-Identifier: GPL-2.0-or-later

//go:build withcgo
// +build withcgo

package main

// extern void stacksBack(void);
// static inline void stacks_call(void) { stacksBack(); }
import "C"

//export stacksBack
func stacksBack() { plain() }

//go:noinline
func outside() { C.stacks_call() }
