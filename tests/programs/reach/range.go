// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.23
// +build go1.23

package main

//go:noinline
func upTo(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) { counts(n, yield) }
}

//go:noinline
func counts(n int, yield func(int) bool) {
	for i := 0; i < n && yield(i); i++ {
	}
}

// The body becomes a function that returns whether the loop goes on.
func init() {
	commands["range"] = func() {
		for i := range upTo(5) {
			if i == 2 {
				break
			}
			sum += i
		}
	}
}
