// SPDX-License-Identifier: GPL-2.0-or-later

package main

// novel is long enough that most of its pages are never touched by the program.
const novel = line + line + line + line + line + line + line + line

const (
	line  = words + words + words + words + words + words + words + words
	words = some + some + some + some + some + some + some + some
	some  = "what lies on a page that nobody has touched yet comes out of the file; " + "0123456789 " + "abcdefgh"
)
