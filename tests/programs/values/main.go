// SPDX-License-Identifier: GPL-2.0-or-later

// Program values calls functions of every kind of signature, with every kind of value, and says
// what it called. All that is to be traced is a function whose name starts with t, or a method of
// such a type.
package main

import "programs/oracle"

func main() {
	oracle.Main(func() {
		basics()
		compounds()
		maps()
		calls()
		shapes()
		native()
		oracle.Twice(interfaces)
	})
}
