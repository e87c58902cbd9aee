// SPDX-License-Identifier: GPL-2.0-or-later

// Program budget calls a few functions very often, a line of standard input at a time, and counts what it does:
//
//	loop N        call bLoop N times
//	pair N        call bLoop and bOther in turns, each with an even and an odd number, N times each
//	many G N      have G goroutines call bDeep and bRisky N times each; says how often each was called
//	for MS        call bLoop for so many milliseconds; says how often, and the nanoseconds that it took, by the clock
//	              and on processors
//	busy MS       the same with bBusy, a million times a second
//	calm MS       the same with bBusy, a hundred times a second
package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var sink int

//go:noinline
func bGrow(n int) int {
	if n < 0 {
		sink++
		return bGrow(n + 1)
	}
	return n
}

// bLoop has a frame and a stack check, as most functions do.
//
//go:noinline
func bLoop(n int) int { return bGrow(n) + 1 }

//go:noinline
func bOther(n int) int { return bGrow(n) + 2 }

// bDeep calls itself as deep as told: its result tells which call it was.
//
//go:noinline
func bDeep(n, depth int) int {
	if depth > 0 {
		bDeep(n+1, depth-1)
	}
	return n*10 + depth
}

// bRisky panics each seventh time.
//
//go:noinline
func bRisky(n int) int {
	if n%7 == 3 {
		panic("seventh")
	}
	return bGrow(n) + 1
}

func bSafe(n int) {
	defer func() { recover() }()
	bRisky(n)
}

var deep, risky int64

func many(goroutines, calls int) {
	var wait sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		wait.Add(1)
		go func(g int) {
			defer wait.Done()
			for i := 0; i < calls; i++ {
				bDeep(g*1000000+i*3, 2)
				atomic.AddInt64(&deep, 3)
				bSafe(i)
				atomic.AddInt64(&risky, 1)
			}
		}(g)
	}
	wait.Wait()
	fmt.Println("bDeep", deep, "bRisky", risky)
}

// bBusy takes about a microsecond.
//
//go:noinline
func bBusy(n int) int {
	sum := uint64(bGrow(n))
	for i := 0; i < 700; i++ {
		sum = sum*6364136223846793005 + 1442695040888963407
	}
	return int(sum >> 33)
}

// processorTime is what this process has used, in nanoseconds.
func processorTime() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func callFor(ms, times int, pause time.Duration, f func(int) int) {
	start, used := time.Now(), processorTime()
	end := start.Add(time.Duration(ms) * time.Millisecond)
	calls := 0
	for time.Now().Before(end) {
		for i := 0; i < times; i++ {
			sink += f(i)
		}
		calls += times
		time.Sleep(pause)
	}
	fmt.Println(calls, time.Since(start).Nanoseconds(), processorTime()-used)
}

func main() {
	fmt.Println("READY", os.Getpid())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var what string
		var a, b int
		fmt.Sscan(in.Text(), &what, &a, &b)
		switch what {
		case "loop":
			for i := 0; i < a; i++ {
				sink += bLoop(i)
			}
		case "pair":
			for i := 0; i < a; i++ {
				sink += bLoop(2*i) + bOther(2*i+1) + bLoop(2*i+1) + bOther(2*i)
			}
		case "many":
			many(a, b)
		case "for":
			callFor(a, 1000, 0, bLoop)
		case "busy":
			callFor(a, 100, 0, bBusy)
		case "calm":
			callFor(a, 1, 10*time.Millisecond, bBusy)
		case "quit":
			return
		}
		fmt.Println("OK")
	}
}
