// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.18

// Program generic calls instances of generic functions and methods and says what it called.
package main

import "programs/oracle"

func main() {
	oracle.Main(generics)
}
