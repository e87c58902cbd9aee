// SPDX-License-Identifier: GPL-2.0-or-later

// Bench calls functions of common shapes on demand: each line "NAME N" on standard input calls NAME N
// times and answers with the nanoseconds that it took.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"time"
)

type point struct {
	x, y int
	name string
}

//go:noinline
func slow(name string) int { return len(name) * 3 }

// work is the ordinary function: a frame, a stack check, three arguments, one result.
//
//go:noinline
func work(n int, name string, p *point) int {
	if n < 0 {
		return slow(name)
	}
	p.x += n
	return p.x + len(name)
}

// leaf has no frame.
//
//go:noinline
func leaf(a, b int) int { return a + b }

func run(name string, calls int) int {
	p := &point{1, 2, "origin"}
	sum := 0
	switch name {
	case "work":
		for i := 0; i < calls; i++ {
			sum += work(i, "a name", p)
		}
	case "leaf":
		for i := 0; i < calls; i++ {
			sum += leaf(i, sum)
		}
	case "pair": // two goroutines at once, each that many calls
		done := make(chan int)
		for g := 0; g < 2; g++ {
			go func() {
				mine, q, s := 0, &point{1, 2, "origin"}, 0
				for ; mine < calls; mine++ {
					s += work(mine, "a name", q)
				}
				done <- s
			}()
		}
		sum = <-done + <-done
	}
	return sum
}

func main() {
	runtime.LockOSThread()
	fmt.Println("READY", os.Getpid())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var name string
		var calls int
		if _, err := fmt.Sscan(in.Text(), &name, &calls); err != nil {
			fmt.Println("?", err)
			continue
		}
		start := time.Now()
		sum := run(name, calls)
		fmt.Println(time.Since(start).Nanoseconds(), sum)
	}
}
