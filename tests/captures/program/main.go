// SPDX-License-Identifier: GPL-2.0-or-later

// The program of the recorded captures: calls of many kinds, once, with little but the runtime in it, so that
// its executable is small.
package main

import (
	"errors"
	"runtime"
)

type point struct {
	X, Y int
	Name string
}

type shape interface{ area() int }

type square struct{ side int }

//go:noinline
func (s *square) area() int { return s.side * s.side }

//go:noinline
func add(a, b int) int { return a + b }

//go:noinline
func move(p *point, by point) point {
	p.X = add(p.X, by.X)
	return point{p.X, add(p.Y, by.Y), p.Name + by.Name}
}

//go:noinline
func sum(numbers []int, ages map[string]int) (total int, err error) {
	for _, n := range numbers {
		total += n
	}
	if len(ages) > 2 {
		return 0, errors.New("too many")
	}
	return total + ages["bob"], nil
}

//go:noinline
func measure(s shape, scale float64, ok bool) (int, bool) { return s.area() * int(scale), !ok }

//go:noinline
func fail(n int) int {
	if n > 0 {
		return fail(n-1) + 1
	}
	panic("deep down")
}

//go:noinline
func safely(n int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New(r.(string))
		}
	}()
	fail(n)
	return nil
}

//go:noinline
func leave(done chan int) {
	defer close(done)
	runtime.Goexit()
}

//go:noinline
func wide(a uint64, b int8, c []string, d [2]bool, e *point, f func(int, int) int) (uint64, string) {
	return a, c[0]
}

func main() {
	p := &point{1, 2, "p"}
	move(p, point{3, 4, "q"})
	sum([]int{1, 2, 3}, map[string]int{"ann": 30, "bob": 40})
	sum(nil, map[string]int{"a": 1, "b": 2, "c": 3})
	measure(&square{5}, 2, true)
	wide(1<<64-1, -3, []string{"tab\there", "a\xffb"}, [2]bool{true, false}, nil, add)
	safely(2)
	done := make(chan int)
	go leave(done)
	<-done
}
