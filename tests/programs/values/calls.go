// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"runtime"

	. "programs/oracle"
)

//go:noinline
func (p *tPoint) Move(dx, dy int) *tPoint {
	touch()
	return &tPoint{p.X + dx, p.Y + dy}
}

//go:noinline
func (p tPoint) Sum(k int, s string) (int, string) { return p.X + p.Y + k, s }

//go:noinline
func (p *tPoint) Scaled(k int) (tPoint, error) {
	touch()
	return tPoint{p.X * k, p.Y * k}, nil
}

//go:noinline
func (p tPoint) Large(l tLarge, k int) int { return p.X + k }

//go:noinline
func (in *tInner) Rename(id int) (old int) {
	touch()
	return in.ID + id
}

//go:noinline
func (in tInner) Label(s string) string {
	touch()
	return s + "!"
}

//go:noinline
func (e tEmpty) Nothing(n int) int { return n + 1 }

//go:noinline
func tNamed(n int) (r int, err error) {
	defer func() {
		if x := recover(); x != nil {
			r = -n
			err = fmt.Errorf("recovered: %v", x)
		}
	}()
	if n > 3 {
		panic("too many")
	}
	return n * 2, nil
}

//go:noinline
func tDeferred(s string) (out string, n int) {
	defer func() { out += "-changed"; n++ }()
	return s, len(s)
}

//go:noinline
func tEscaping(n int) (r int, p *int) {
	p = &r
	r = n + 1
	touch()
	return r + 1, p
}

//go:noinline
func tPanics(n int, s string) int {
	touch()
	if n > 0 {
		panic(s)
	}
	return n
}

//go:noinline
func tNilDereference(p *tPoint) int { return p.X }

//go:noinline
func tPanicsBelow(n int) int {
	if n == 0 {
		panic("bottom")
	}
	return tPanicsBelow(n-1) + 1
}

//go:noinline
func tGoexits(n int) int {
	touch()
	if n > 0 {
		runtime.Goexit()
	}
	return n
}

//go:noinline
func tFactorial(n int) int {
	if n <= 1 {
		return 1
	}
	return n * tFactorial(n-1)
}

//go:noinline
func tGrow(n int, s string) (r int, t string) {
	var frame [512]byte
	frame[n%512] = byte(n)
	if n == 0 {
		return int(frame[1]), s
	}
	r, t = tGrow(n-1, s)
	return r + 1 + int(frame[(n+1)%512]), t
}

//go:noinline
func tManyReturns(n int) (string, error) {
	switch n {
	case 0:
		return "zero", nil
	case 1:
		return "one", errors.New("odd")
	case 2:
		touch()
		return fmt.Sprint(n), nil
	}
	if n > 10 {
		return "many", nil
	}
	return "", errors.New("what")
}

//go:noinline
func tMakeAdder(n int, s string) func(int) int {
	return func(m int) int {
		touch()
		return n + m + len(s)
	}
}

//go:noinline
func tMakeCounter() func(string) (int, string) {
	count := 0
	return func(s string) (int, string) {
		count++
		return count, s
	}
}

//go:noinline
func tCallback(f func(int) int, n int) int { return f(n) }

func calls() {
	point := &tPoint{10, 20}
	Call{Name: "main.(*tPoint).Move", Fn: (*tPoint).Move, Names: "p dx dy"}.Make(point, 1, -1)
	Call{Name: "main.tPoint.Sum", Fn: tPoint.Sum, Names: "p k s"}.Make(*point, 3, "sum")
	Call{Name: "main.tPoint.Large", Fn: tPoint.Large, Names: "p l k"}.Make(*point, tLarge{Head: "h"}, 3)
	Call{Name: "main.tEmpty.Nothing", Fn: tEmpty.Nothing, Names: "e n"}.Make(tEmpty{}, 3)
	// A method value and a promoted method are wrappers that call the method proper.
	Call{Fn: point.Scaled, Names: "k"}.Make(5)
	Call{Name: "main.(*tPoint).Scaled", Fn: (*tPoint).Scaled, Names: "p k"}.Expect("return",
		[]interface{}{point, 5}, []interface{}{tPoint{50, 100}, nil})
	outer := &tOuter{tInner: tInner{ID: 3}}
	outer.Rename(4)
	Call{Name: "main.(*tInner).Rename", Fn: (*tInner).Rename, Names: "in id = old"}.Expect("return",
		[]interface{}{&outer.tInner, 4}, []interface{}{7})
	Call{Name: "main.tInner.Label", Fn: tInner.Label, Names: "in s"}.Make(outer.tInner, "label")

	namedResults := Call{Name: "main.tNamed", Fn: tNamed, Names: "n = r err"}
	namedResults.Make(3)
	namedResults.Make(4)
	Call{Name: "main.tDeferred", Fn: tDeferred, Names: "s = out n"}.Make("text")
	Call{Name: "main.tEscaping", Fn: tEscaping, Names: "n = r p"}.Make(5)
	panics := Call{Name: "main.tPanics", Fn: tPanics, Names: "n s"}
	panics.Make(1, "panic!")
	panics.Make(0, "calm")
	nilPointer := Call{Name: "main.tNilDereference", Fn: tNilDereference, Names: "p"}
	nilPointer.Make((*tPoint)(nil))
	nilPointer.Make(point)
	below := Call{Name: "main.tPanicsBelow", Fn: tPanicsBelow, Names: "n"}
	below.Make(3)
	for i := 2; i >= 0; i-- {
		below.Expect("panicked", []interface{}{i}, nil)
	}
	done := make(chan bool)
	for i := 0; i < 2; i++ {
		go func(i int) {
			defer close(done)
			Call{Name: "main.tGoexits", Fn: tGoexits, Names: "n"}.Make(i)
		}(i)
		<-done
		done = make(chan bool)
	}
	factorial := Call{Name: "main.tFactorial", Fn: tFactorial, Names: "n"}
	factorial.Make(10)
	for n, r := 9, 362880; n >= 1; n-- {
		factorial.Expect("return", []interface{}{n}, []interface{}{r})
		r /= n
	}
	grow := Call{Name: "main.tGrow", Fn: tGrow, Names: "n s = r t"}
	go func() {
		grow.Make(200, "grown")
		for n := 199; n >= 0; n-- {
			grow.Expect("return", []interface{}{n, "grown"}, []interface{}{n, "grown"})
		}
		close(done)
	}()
	<-done
	many := Call{Name: "main.tManyReturns", Fn: tManyReturns, Names: "n"}
	for _, n := range []int{0, 1, 2, 3, 11} {
		many.Make(n)
	}
	add := Call{Name: "main.tMakeAdder", Fn: tMakeAdder, Names: "n s"}.Make(3, "four")[0].Interface().(func(int) int)
	Call{Fn: add, Names: "m"}.Make(5)
	count := Call{Name: "main.tMakeCounter", Fn: tMakeCounter}.Make()[0].Interface().(func(string) (int, string))
	counter := Call{Fn: count, Names: "s"}
	counter.Make("first")
	counter.Make("second")
	Call{Name: "main.tCallback", Fn: tCallback, Names: "f n"}.Make(double, 4)
}
