// SPDX-License-Identifier: GPL-2.0-or-later

// Program wrappers calls methods that have value receivers through interfaces, so that wrappers that the compiler made
// are called. For each line of its standard input, a number, it makes so many calls of each and says OK.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

type empty struct{}

// Nothing of it is left but what it returns.
func (empty) Read([]byte) (int, error) { return 0, nil }

type point struct{ X, Y int }

func (p point) Sum(n int) int { return p.X*p.Y + n }

//go:noinline
func (p point) Whole(n int) int { return p.X + n }

type summer interface {
	Sum(n int) int
	Whole(n int) int
}

//go:noinline
func called(n int) int { return n + 1 }

type plain struct{ n int }

func (p plain) Calls(n int) int { return called(p.n) + n }

type caller interface{ Calls(n int) int }

//go:noinline
func call(c caller, n int) int { return c.Calls(n) }

type holder struct {
	name string
	point
}

// Its Read is the reader's: a wrapper that calls it.
type passing struct{ io.Reader }

//go:noinline
func read(r io.Reader) { r.Read(nil) }

//go:noinline
func sum(s summer, n int) int { return s.Sum(n) + s.Whole(n) }

func main() {
	fmt.Printf("READY %d\n", os.Getpid())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var n int
		fmt.Sscan(lines.Text(), &n)
		for i := 0; i < n; i++ {
			read(passing{empty{}})
			sum(point{3, 4}, i)
			sum(&holder{"h", point{5, 6}}, i)
			call(&plain{7}, i)
			called(i)
			generic(i)
		}
		fmt.Println("OK")
	}
}
