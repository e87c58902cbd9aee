// SPDX-License-Identifier: GPL-2.0-or-later

// Bench is what gotrace bench traces: it calls functions of common shapes on demand. Each line "NAME N" on
// standard input calls NAME N times and answers with the nanoseconds that it took, and a sum. "tune NS" has
// busy take NS nanoseconds and answers with its number of turns, "turns N" sets that.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sort"
	"time"
)

type point struct {
	x, y int
	name string
}

type request struct {
	id     int
	path   string
	header map[string]string
	from   *point
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

var turns = 20000

// busy takes as long as it was tuned to.
//
//go:noinline
func busy(n int, name string) int {
	sum := uint64(n)
	for i, last := 0, turns; i < last; i++ {
		sum = sum*6364136223846793005 + 1442695040888963407
	}
	if sum == 0 {
		return slow(name)
	}
	return int(sum >> 33)
}

// tune has a call of busy take that many nanoseconds on this machine, by the median of many tries.
func tune(ns int) int {
	const tries, calls = 25, 40
	times := make([]int, tries)
	for i := range times {
		start := time.Now()
		for n := 0; n < calls; n++ {
			busy(n, "a name")
		}
		times[i] = int(time.Since(start))
	}
	sort.Ints(times)
	turns = turns*ns/(times[tries/2]/calls+1) + 1
	return turns
}

// handle is what a server does with a request: it looks things up and answers.
//
//go:noinline
func handle(r *request, body []byte) (string, error) {
	if len(body) == 0 {
		return "", fmt.Errorf("request %d: empty", r.id)
	}
	sum := 0
	for _, b := range body {
		sum = sum*31 + int(b)
	}
	if sum == 1 {
		return r.path, nil
	}
	return r.header["name"], nil
}

func serve(calls int) int {
	r := &request{1, "/shop/basket", map[string]string{"name": "a name", "kind": "text"}, &point{1, 2, "origin"}}
	body := []byte("what the client wrote")
	sum := 0
	for i := 0; i < calls; i++ {
		answer, err := handle(r, body)
		if err == nil {
			sum += len(answer)
		}
	}
	return sum
}

// together runs n goroutines and adds what they return.
func together(n int, each func(i int) int) int {
	done := make(chan int)
	for i := 0; i < n; i++ {
		go func(i int) { done <- each(i) }(i)
	}
	sum := 0
	for i := 0; i < n; i++ {
		sum += <-done
	}
	return sum
}

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
	case "busy":
		for i := 0; i < calls; i++ {
			sum += busy(i, "a name")
		}
	case "tune":
		return tune(calls)
	case "turns":
		turns = calls
		return turns
	case "handle": // four goroutines at once, that many calls in all
		return together(4, func(i int) int { return serve(calls/4 + (calls%4+3-i)/4) })
	case "pair": // two goroutines at once, each that many calls
		return together(2, func(int) int {
			mine, q, s := 0, &point{1, 2, "origin"}, 0
			for ; mine < calls; mine++ {
				s += work(mine, "a name", q)
			}
			return s
		})
	}
	return sum
}

func main() {
	runtime.LockOSThread()
	fmt.Println("READY", os.Getpid(), runtime.Version())
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
