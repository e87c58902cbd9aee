// SPDX-License-Identifier: GPL-2.0-or-later

// Program conditions calls cCall with values of every kind, and knows for each of a list of conditions how many of
// those calls fulfil it:
//
//	list          say each condition, its number of calls among a thousand in front
//	run N         call cCall N times
//	million N     call cRare N times; its argument is 777777 once in a million
package main

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"
)

type inner struct {
	id   uint16
	name string
}

type node struct {
	inner
	val    int
	ratio  float64
	single float32
	arr    [3]int32
	next   *node
	ptr    **int
}

type big struct {
	a, b, c, d int64
	e          float64
	names      [2]string
}

type codeError struct{ code int }

func (e *codeError) Error() string { return "code" }

type plainError string

func (e plainError) Error() string { return string(e) }

type args struct {
	n    int
	i8   int8
	u8   uint8
	u64  uint64
	ok   bool
	s    string
	p    *node
	xs   []string
	m    map[string]int
	any  interface{}
	wide big
	fn   func()
	wait time.Duration
	// what comes back
	ret  int
	err  error
	text string
}

var sink int
var slow bool

//go:noinline
func cGrow(n int) int {
	if n < -1<<62 {
		return cGrow(n + 1)
	}
	return n
}

//go:noinline
func cCall(n int, i8 int8, u8 uint8, u64 uint64, ok bool, s string, p *node, wide big, xs []string, m map[string]int, any interface{}, fn func(), wait time.Duration, a *args) (ret int, err error, text string) {
	sink += cGrow(n)
	if n < -1<<62 { // never; a parameter that is not used has no place in old releases
		fmt.Println(i8, u8, u64, ok, s, p, wide, xs, m, any, fn != nil, wait)
	}
	if slow && n%100 == 7 {
		time.Sleep(30 * time.Millisecond)
	}
	return a.ret, a.err, a.text
}

//go:noinline
func cRare(n int) int { return cGrow(n) + 1 }

//go:noinline
func cOdd(a *args) (int, error, string) {
	r, err, t := cCall(a.n, a.i8, a.u8, a.u64, a.ok, a.s, a.p, a.wide, a.xs, a.m, a.any, a.fn, a.wait, a)
	sink += r
	return r, err, t
}

//go:noinline
func cEven(a *args) (int, error, string) {
	r, err, t := cCall(a.n, a.i8, a.u8, a.u64, a.ok, a.s, a.p, a.wide, a.xs, a.m, a.any, a.fn, a.wait, a)
	sink -= r
	return r, err, t
}

func makeNode(i int) *node {
	if i%5 == 0 {
		return nil
	}
	x := i
	px := &x
	n := &node{inner: inner{uint16(i), fmt.Sprint("name", i%9)}, val: i * 3, ratio: float64(i)/4 - 20, single: float32(i) / 8, arr: [3]int32{int32(i), -int32(i), 7}, ptr: &px}
	if i%11 == 0 {
		n.ratio = math.NaN()
	}
	if i%3 == 0 {
		n.next = &node{val: -i}
		if i%2 == 0 {
			n.next.next = &node{val: 42}
		}
	}
	return n
}

func makeArgs(i int) *args {
	a := &args{n: i, i8: int8(i), u8: uint8(i * 7), u64: math.MaxUint64 - uint64(i), ok: i%3 == 1, p: makeNode(i)}
	a.s = strings.Repeat("ab", i%40) + fmt.Sprint("/api/", i%10)
	if i%13 == 0 {
		a.s = ""
	}
	for j := 0; j < i%4; j++ {
		a.xs = append(a.xs, fmt.Sprint("x", j, i%6))
	}
	if i%7 != 0 {
		a.m = map[string]int{}
		for j := 0; j < i%5; j++ {
			a.m[fmt.Sprint(j)] = j
		}
	}
	switch i % 6 {
	case 0:
		a.any = i
	case 1:
		a.any = "text"
	case 2:
		a.any = a.p
	case 3:
		a.any = inner{1, "x"}
	}
	a.wide = big{int64(i), 2, -3, int64(i) * int64(i), float64(i) / 3, [2]string{"one", fmt.Sprint("two", i%3)}}
	if i%4 == 0 {
		a.fn = func() {}
	}
	a.wait = time.Duration(i) * time.Millisecond
	a.ret = i*2 - 300
	switch i % 8 {
	case 1:
		a.err = &codeError{i}
	case 2:
		a.err = plainError("plain")
	case 3:
		a.err = errors.New("new")
	}
	a.text = fmt.Sprint("t", i%10)
	return a
}

type condition struct {
	text string
	is   func(a *args) bool
}

var conditions = []condition{
	{"n > 900", func(a *args) bool { return a.n > 900 }},
	{"n == 0x1f", func(a *args) bool { return a.n == 0x1f }},
	{"n+1 <= 10 || n*2-1 >= 1990", func(a *args) bool { return a.n+1 <= 10 || a.n*2-1 >= 1990 }},
	{"n&3 == 1 && n|1 == n", func(a *args) bool { return a.n&3 == 1 && a.n|1 == a.n }},
	{"i8 < 0", func(a *args) bool { return a.i8 < 0 }},
	{"i8 + 100 < 0", func(a *args) bool { return a.i8+100 < 0 }},
	{"-i8 == i8", func(a *args) bool { return -a.i8 == a.i8 }},
	{"i8 == -'a'", func(a *args) bool { return a.i8 == -'a' }},
	{"u8 >= 200", func(a *args) bool { return a.u8 >= 200 }},
	{"u8*2 < 10", func(a *args) bool { return a.u8*2 < 10 }},
	{"u64 > 18446744073709551600", func(a *args) bool { return a.u64 > 18446744073709551600 }},
	{"ok", func(a *args) bool { return a.ok }},
	{"!ok && n < 100", func(a *args) bool { return !a.ok && a.n < 100 }},
	{"ok == true", func(a *args) bool { return a.ok }},
	{"s == \"\"", func(a *args) bool { return a.s == "" }},
	{"s == \"/api/0\"", func(a *args) bool { return a.s == "/api/0" }},
	{"s != \"abab/api/2\"", func(a *args) bool { return a.s != "abab/api/2" }},
	{"s < \"aba\"", func(a *args) bool { return a.s < "aba" }},
	{"s >= \"abab/api/4\"", func(a *args) bool { return a.s >= "abab/api/4" }},
	{"\"ab\" >= s", func(a *args) bool { return "ab" >= a.s }},
	{"hasPrefix(s, \"ababab\")", func(a *args) bool { return strings.HasPrefix(a.s, "ababab") }},
	{"contains(s, \"ab/api/3\")", func(a *args) bool { return strings.Contains(a.s, "ab/api/3") }},
	{"contains(s, \"\")", func(a *args) bool { return true }},
	{"len(s) > 50", func(a *args) bool { return len(a.s) > 50 }},
	{"p == nil", func(a *args) bool { return a.p == nil }},
	{"p.val > 1500", func(a *args) bool { return a.p != nil && a.p.val > 1500 }},
	{"p.id == 333", func(a *args) bool { return a.p != nil && a.p.id == 333 }},
	{"p.inner.name == \"name4\"", func(a *args) bool { return a.p != nil && a.p.name == "name4" }},
	{"p.next.next.val == 42", func(a *args) bool { return a.p != nil && a.p.next != nil && a.p.next.next != nil }},
	{"p != nil && p.next == nil", func(a *args) bool { return a.p != nil && a.p.next == nil }},
	{"p == nil || p.ratio < 0", func(a *args) bool { return a.p == nil || a.p.ratio < 0 }},
	{"p.ratio >= 1.5", func(a *args) bool { return a.p != nil && a.p.ratio >= 1.5 }},
	{"!(p.ratio >= 1.5)", func(a *args) bool { return a.p != nil && !(a.p.ratio >= 1.5) }},
	{"p.ratio == 0", func(a *args) bool { return a.p != nil && a.p.ratio == 0 }},
	{"p.ratio != p.ratio", func(a *args) bool { return a.p != nil && a.p.ratio != a.p.ratio }},
	{"p.single > 100.25", func(a *args) bool { return a.p != nil && a.p.single > 100.25 }},
	{"p.arr[1] < -990 && p.arr[2] == 7", func(a *args) bool { return a.p != nil && a.p.arr[1] < -990 }},
	{"**p.ptr == 12", func(a *args) bool { return a.n == 12 }},
	{"wide.a == 17 || wide.d == 10000", func(a *args) bool { return a.n == 17 || a.n == 100 }},
	{"wide.e > 300.5", func(a *args) bool { return a.wide.e > 300.5 }},
	{"wide.names[1] == \"two2\"", func(a *args) bool { return a.wide.names[1] == "two2" }},
	{"wide.names[n&1] == \"one\"", func(a *args) bool { return a.n&1 == 0 }},
	{"len(xs) == 3 && xs[2] == \"x25\"", func(a *args) bool { return len(a.xs) == 3 && a.xs[2] == "x25" }},
	{"xs[n&3] == \"x00\"", func(a *args) bool { i := a.n & 3; return i < len(a.xs) && a.xs[i] == "x00" }},
	{"xs == nil", func(a *args) bool { return a.xs == nil }},
	{"xs[0] == xs[1]", func(a *args) bool { return false }},
	{"xs[0] < xs[1]", func(a *args) bool { return len(a.xs) > 1 }},
	{"s[0] == 'a'", func(a *args) bool { return len(a.s) > 0 && a.s[0] == 'a' }},
	{"len(m) == 4", func(a *args) bool { return len(a.m) == 4 }},
	{"m == nil && len(m) == 0", func(a *args) bool { return a.m == nil }},
	{"any == nil", func(a *args) bool { return a.any == nil }},
	{"any.(int)", func(a *args) bool { _, is := a.any.(int); return is }},
	{"any.(*main.node) || any.(main.inner)", func(a *args) bool {
		_, is := a.any.(*node)
		_, or := a.any.(inner)
		return is || or
	}},
	{"fn != nil", func(a *args) bool { return a.fn != nil }},
	{"wait >= 995ms", func(a *args) bool { return a.wait >= 995*time.Millisecond }},
	{"goid == 1 && n < 5", func(a *args) bool { return a.n < 5 }},
	{"caller == \"main.cOdd\"", func(a *args) bool { return a.n%2 == 1 }},
	{"caller != \"main.cOdd\"", func(a *args) bool { return a.n%2 == 0 }},
	// Decided at the return.
	{"ret > 1600", func(a *args) bool { return a.ret > 1600 }},
	{"ret0 == 0", func(a *args) bool { return a.ret == 0 }},
	{"err != nil", func(a *args) bool { return a.err != nil }},
	{"failed && n > 500", func(a *args) bool { return a.err != nil && a.n > 500 }},
	{"err.(*main.codeError)", func(a *args) bool { _, is := a.err.(*codeError); return is }},
	{"err.(main.plainError) && ok", func(a *args) bool { _, is := a.err.(plainError); return is && a.ok }},
	{"text == \"t4\" && hasPrefix(s, \"ab\")", func(a *args) bool { return a.text == "t4" && strings.HasPrefix(a.s, "ab") }},
	{"ret > n", func(a *args) bool { return a.ret > a.n }},
	{"p.val > 1500 || err != nil", func(a *args) bool { return a.p != nil && (a.p.val > 1500 || a.err != nil) }},
	{"p != nil && (p.val > 1500 || err != nil)", func(a *args) bool { return a.p != nil && (a.p.val > 1500 || a.err != nil) }},
	{"duration > 20ms", func(a *args) bool { return a.n%100 == 7 }},
	{"duration > 20ms && n < 500", func(a *args) bool { return a.n%100 == 7 && a.n < 500 }},
}

func run(all []*args) {
	for i, a := range all {
		if i%2 == 1 {
			cOdd(a)
		} else {
			cEven(a)
		}
	}
}

func main() {
	all := make([]*args, 1000)
	for i := range all {
		all[i] = makeArgs(i)
	}
	fmt.Println("READY", os.Getpid())
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		var command string
		var n int
		fmt.Sscan(scanner.Text(), &command, &n)
		switch command {
		case "list":
			for _, c := range conditions {
				num := 0
				for _, a := range all {
					if c.is(a) {
						num++
					}
				}
				fmt.Println(num, c.text)
			}
		case "run", "slow":
			slow = command == "slow"
			run(all[:n])
		case "million":
			num := 0
			for i := 0; i < n; i++ {
				sink += cRare(i % 1000000)
				if i%1000000 == 777777 {
					num++
				}
			}
			fmt.Println("rare", num)
		}
		fmt.Println("OK")
	}
}
