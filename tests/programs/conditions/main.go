// SPDX-License-Identifier: GPL-2.0-or-later

// Program conditions calls cCall with values of every kind, and knows for each of a list of conditions which of those
// calls fulfil it. A condition's Go stands beside its text: where Go panics, nobody can decide.
//
//	list          say each condition, its number of calls among a thousand in front
//	run N         call cCall N times; "slow N": now and then it takes its time
//	which STEP    say each condition, and which calls fulfil it among the first, the last and every STEPth of the thousand
//	each STEP     call cCall000 with each of these for the first condition, cCall001 for the second, and so on
//	shown N       say what expressions over the first N calls lead to (shown.go)
//	million N     call cRare N times; its argument is 777777 once in a million
package main

import (
	"bufio"
	"errors"
	"fmt"
	goscanner "go/scanner"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	textscanner "text/scanner"
	"time"
	"unsafe"
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

type status uint8

type deep struct {
	level int
	label string
}

type kinds struct {
	*deep
	i16    int16
	i32    int32
	i64    int64
	u16    uint16
	u32    uint32
	u      uint
	ptr    uintptr
	f32    float32
	f64    float64
	yes    bool
	letter rune
	code   status
	array  [4]int16
	nodes  [2]inner
	grid   [][]int
	list   []*node
	three  *[3]int
	ch     chan int
	self   *kinds
	boxed  interface{}
	err    error
	raw    unsafe.Pointer
	bytes  []byte
	set    map[inner]bool
	other  string
}

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
	k    kinds
	slow bool
	// what comes back
	ret  int
	err  error
	text string
	out  *node
	list []int
}

var sink int

//go:noinline
func cGrow(n int) int {
	if n < -1<<62 {
		return cGrow(n + 1)
	}
	return n
}

//go:noinline
func cRare(n int) int { return cGrow(n) + 1 }

type call func(n int, i8 int8, u8 uint8, u64 uint64, ok bool, s string, p *node, wide big, xs []string, m map[string]int, any interface{}, fn func(), wait time.Duration, a *args) (int, error, string, *node, []int)

//go:noinline
func cOdd(f call, a *args) {
	r, _, _, _, _ := f(a.n, a.i8, a.u8, a.u64, a.ok, a.s, a.p, a.wide, a.xs, a.m, a.any, a.fn, a.wait, a)
	sink += r
}

//go:noinline
func cEven(f call, a *args) {
	r, _, _, _, _ := f(a.n, a.i8, a.u8, a.u64, a.ok, a.s, a.p, a.wide, a.xs, a.m, a.any, a.fn, a.wait, a)
	sink -= r
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
		a.xs = append(a.xs, fmt.Sprintf("x%d%d", j, i%6))
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
	case 4:
		_, a.err = strconv.Atoi("x")
	case 5:
		a.err = (*codeError)(nil)
	}
	a.text = fmt.Sprint("t", i%10)
	a.out = makeNode(i * 7 % 1000)
	for j := 0; j < i%5; j++ {
		a.list = append(a.list, i+j)
	}
	a.k.fill(i)
	return a
}

func (k *kinds) fill(i int) {
	*k = kinds{i16: int16(i * 77), i32: int32(i-500) * 4000000, i64: int64(i-500) << 53, u16: uint16(i * 177), u32: uint32(i) * 4294967, u: uint(i) << 54, ptr: uintptr(i),
		f32: float32(i-500) / 3, f64: float64(i-500) * 1e300, yes: i%3 == 0, letter: rune('a' + i%26), code: status(i % 200), other: fmt.Sprint("/api/", i%7)}
	k.array = [4]int16{int16(i), int16(-i), int16(i % 10), int16(i % 4)}
	k.nodes = [2]inner{{uint16(i % 50), "first"}, {uint16(i % 60), fmt.Sprint("second", i%8)}}
	k.grid = [][]int{{i, i + 1}, {-i, i % 9, i % 11}}
	k.list = []*node{{val: i % 13}, nil, {val: i % 17, inner: inner{name: fmt.Sprint("in", i%5)}}}
	k.bytes = []byte(fmt.Sprint(i))
	k.set = map[inner]bool{}
	if i%2 == 0 {
		k.deep = &deep{i % 21, fmt.Sprint("label", i%6)}
		k.self = k
		k.err = plainError("boxed")
		k.three = &[3]int{i, i * 2, i * 3}
		k.set[inner{1, "one"}] = true
	}
	switch i % 10 {
	case 0:
		k.f32, k.f64 = float32(math.Inf(1)), math.Inf(-1)
	case 1:
		k.f32, k.f64 = float32(math.Copysign(0, -1)), math.Copysign(0, -1)
	case 2:
		k.f32 = float32(math.NaN())
	}
	if i%4 != 0 {
		k.ch = make(chan int, 8)
		for j := 0; j < i%4; j++ {
			k.ch <- j
		}
		k.raw = unsafe.Pointer(k)
	}
	switch i % 9 {
	case 0:
		k.boxed = map[string]int{"a": 1}
	case 1:
		k.boxed = []string{"a"}
	case 2:
		k.boxed = time.Duration(i)
	case 3:
		k.boxed = status(i)
	case 4:
		k.boxed = 1.5
	case 5:
		k.boxed = &codeError{i}
	case 6:
		k.boxed = k.bytes
	case 7:
		k.boxed = true
	case 8:
		k.boxed = &textscanner.Scanner{}
		if i%2 == 0 {
			k.boxed = &goscanner.Scanner{}
		}
	}
}

// How a condition's calls are made.
const (
	slowly    = 's' // one in a hundred takes its time
	elsewhere = 'e' // one in four is made by another goroutine, on another thread
)

type condition struct {
	text string
	is   func(a *args) bool
	how  byte
}

func isType(x interface{}, name string) bool { return fmt.Sprintf("%T", x) == name }

// makeConditions: worker is the other goroutine's number.
func makeConditions(worker int) []condition {
	pid := os.Getpid()
	return []condition{
		// Integers, operators, literals.
		{"n > 900", func(a *args) bool { return a.n > 900 }, 0},
		{"n == 0x1f", func(a *args) bool { return a.n == 0x1f }, 0},
		{"n != 0b11 && n != 0o17 && n < 1_0_0", func(a *args) bool { return a.n != 3 && a.n != 15 && a.n < 100 }, 0},
		{"n+1 <= 10 || n*2-1 >= 1990", func(a *args) bool { return a.n+1 <= 10 || a.n*2-1 >= 1990 }, 0},
		{"n&3 == 1 && n|1 == n", func(a *args) bool { return a.n&3 == 1 && a.n|1 == a.n }, 0},
		{"n + 2*3 == 10 || (n+2)*3 == 12", func(a *args) bool { return a.n+2*3 == 10 || (a.n+2)*3 == 12 }, 0},
		{"n - 3 - 2 == 100 || n - (3 - 2) == 200", func(a *args) bool { return a.n-3-2 == 100 || a.n-(3-2) == 200 }, 0},
		{"n == 1 || n == 2 && n == 3 || !(n <= 995)", func(a *args) bool { return a.n == 1 || a.n == 2 && a.n == 3 || !(a.n <= 995) }, 0},
		{"n == 1e2 || n == 990.0", func(a *args) bool { return a.n == 100 || a.n == 990 }, 0},
		{"n == +'a' || n == '\\n' || n == '\\x20' || n == 'é'", func(a *args) bool { return a.n == 'a' || a.n == '\n' || a.n == ' ' || a.n == 'é' }, 0},
		{"5 > n || 990 <= n", func(a *args) bool { return 5 > a.n || 990 <= a.n }, 0},
		{"i8 < 0", func(a *args) bool { return a.i8 < 0 }, 0},
		{"i8 + 100 < 0", func(a *args) bool { return a.i8+100 < 0 }, 0},
		{"-i8 == i8", func(a *args) bool { return -a.i8 == a.i8 }, 0},
		{"i8 == -'a'", func(a *args) bool { return a.i8 == -'a' }, 0},
		{"-128 == i8 || i8 == 127", func(a *args) bool { return -128 == a.i8 || a.i8 == 127 }, 0},
		{"i8*i8 > i8", func(a *args) bool { return a.i8*a.i8 > a.i8 }, 0},
		{"u8 >= 200", func(a *args) bool { return a.u8 >= 200 }, 0},
		{"u8*2 < 10", func(a *args) bool { return a.u8*2 < 10 }, 0},
		{"u8 - 100 > 200", func(a *args) bool { return a.u8-100 > 200 }, 0},
		{"-u8 < 16 && u8|0xf0 == 0xff", func(a *args) bool { return -a.u8 < 16 && a.u8|0xf0 == 0xff }, 0},
		{"u64 > 18446744073709551600", func(a *args) bool { return a.u64 > 18446744073709551600 }, 0},
		{"u64 <= 0xfffffffffffffe00", func(a *args) bool { return a.u64 <= 0xfffffffffffffe00 }, 0},
		{"u64 + 500 < 400", func(a *args) bool { return a.u64+500 < 400 }, 0},
		{"u64*3 == 18446744073709551610", func(a *args) bool { return a.u64*3 == 18446744073709551610 }, 0},
		{"-u64 >= 700 && 1 < u64", func(a *args) bool { return -a.u64 >= 700 && 1 < a.u64 }, 0},
		{"a.k.i16 < -30000 || a.k.i16 == 77", func(a *args) bool { return a.k.i16 < -30000 || a.k.i16 == 77 }, 0},
		{"a.k.i32 <= -1900000000", func(a *args) bool { return a.k.i32 <= -1900000000 }, 0},
		{"a.k.i32 + a.k.i32 < 0", func(a *args) bool { return a.k.i32+a.k.i32 < 0 }, 0},
		{"a.k.i64 > 4e18 || a.k.i64 < -4e18", func(a *args) bool { return a.k.i64 > 4e18 || a.k.i64 < -4e18 }, 0},
		{"a.k.i64*4 > 0", func(a *args) bool { return a.k.i64*4 > 0 }, 0},
		{"a.k.u16 > 65000 || a.k.u16 == 177", func(a *args) bool { return a.k.u16 > 65000 || a.k.u16 == 177 }, 0},
		{"a.k.u32 >= 4200000000", func(a *args) bool { return a.k.u32 >= 4200000000 }, 0},
		{"a.k.u > 0x8000000000000000", func(a *args) bool { return a.k.u > 9223372036854775808 }, 0},
		{"a.k.ptr&0x7f == 0x7f", func(a *args) bool { return a.k.ptr&0x7f == 0x7f }, 0},
		{"a.k.letter == 'q' || a.k.letter >= 'x'", func(a *args) bool { return a.k.letter == 'q' || a.k.letter >= 'x' }, 0},
		{"a.k.code > 190 && a.k.code != 195", func(a *args) bool { return a.k.code > 190 && a.k.code != 195 }, 0},
		{"a.n == n && a.i8 == i8 && a.u64 == u64 && a.n < 100", func(a *args) bool { return a.n < 100 }, 0},
		// Bools.
		{"ok", func(a *args) bool { return a.ok }, 0},
		{"!ok && n < 100", func(a *args) bool { return !a.ok && a.n < 100 }, 0},
		{"ok == true", func(a *args) bool { return a.ok }, 0},
		{"ok != a.k.yes && !!ok", func(a *args) bool { return a.ok != a.k.yes && a.ok }, 0},
		{"a.k.yes == false && n > 700", func(a *args) bool { return !a.k.yes && a.n > 700 }, 0},
		// Strings.
		{"s == \"\"", func(a *args) bool { return a.s == "" }, 0},
		{"s == \"/api/0\"", func(a *args) bool { return a.s == "/api/0" }, 0},
		{"s != \"abab/api/2\"", func(a *args) bool { return a.s != "abab/api/2" }, 0},
		{"s < \"aba\"", func(a *args) bool { return a.s < "aba" }, 0},
		{"s > `abababab/api/4`", func(a *args) bool { return a.s > "abababab/api/4" }, 0},
		{"s >= \"abab/api/4\"", func(a *args) bool { return a.s >= "abab/api/4" }, 0},
		{"s <= \"\\x61b\\u002fapi/9\"", func(a *args) bool { return a.s <= "ab/api/9" }, 0},
		{"\"ab\" >= s", func(a *args) bool { return "ab" >= a.s }, 0},
		{"hasPrefix(s, \"ababab\")", func(a *args) bool { return strings.HasPrefix(a.s, "ababab") }, 0},
		{"!hasPrefix(s, \"\")", func(a *args) bool { return false }, 0},
		{"contains(s, \"ab/api/3\")", func(a *args) bool { return strings.Contains(a.s, "ab/api/3") }, 0},
		{"contains(s, \"abababababababababababababababababababab/api/7\")", func(a *args) bool { return strings.Contains(a.s, "abababababababababababababababababababab/api/7") }, 0},
		{"contains(s, \"\")", func(a *args) bool { return true }, 0},
		{"len(s) > 50", func(a *args) bool { return len(a.s) > 50 }, 0},
		{"len(s)*2 - n == 0 || n + 2 == len(s)", func(a *args) bool { return len(a.s)*2-a.n == 0 || a.n+2 == len(a.s) }, 0},
		{"len(s) < u64 && len(s) < 20", func(a *args) bool { return len(a.s) < 20 }, 0},
		{"goid == u8 || n < 10", func(a *args) bool { return a.u8 == 1 || a.n < 10 }, 0},
		{"s[0] == 'a'", func(a *args) bool { return a.s[0] == 'a' }, 0},
		{"s[len(s)-1] == '3'", func(a *args) bool { return a.s[len(a.s)-1] == '3' }, 0},
		{"s == a.k.other || a.s != s", func(a *args) bool { return a.s == a.k.other }, 0},
		{"a.k.other < s && s <= a.s", func(a *args) bool { return a.k.other < a.s }, 0},
		// Pointers and paths.
		{"p == nil", func(a *args) bool { return a.p == nil }, 0},
		{"nil != p && n < 50", func(a *args) bool { return a.p != nil && a.n < 50 }, 0},
		{"p.val > 1500", func(a *args) bool { return a.p.val > 1500 }, 0},
		{"p.id == 133", func(a *args) bool { return a.p.id == 133 }, 0},
		{"(*p).val == 63", func(a *args) bool { return (*a.p).val == 63 }, 0},
		{"p.inner.name == \"name4\"", func(a *args) bool { return a.p.name == "name4" }, 0},
		{"p.next.next.val == 42", func(a *args) bool { return a.p.next.next.val == 42 }, 0},
		{"p != nil && p.next == nil", func(a *args) bool { return a.p != nil && a.p.next == nil }, 0},
		{"p == p.next || a.p == p && n > 900", func(a *args) bool { return a.p == a.p.next || a.n > 900 }, 0},
		{"**p.ptr == 12", func(a *args) bool { return **a.p.ptr == 12 }, 0},
		{"a.k.self == nil", func(a *args) bool { return a.k.self == nil }, 0},
		{"a.k.self.self.self.i16 > 20000", func(a *args) bool { return a.k.self.self.self.i16 > 20000 }, 0},
		{"a.k.level == 20 || a.k.deep.label == \"label2\"", func(a *args) bool { return a.k.level == 20 || a.k.deep.label == "label2" }, 0},
		{"a.k.raw == nil", func(a *args) bool { return a.k.raw == nil }, 0},
		{"fn != nil", func(a *args) bool { return a.fn != nil }, 0},
		{"nil == fn && n > 900", func(a *args) bool { return nil == a.fn && a.n > 900 }, 0},
		// Floats.
		{"p == nil || p.ratio < 0", func(a *args) bool { return a.p == nil || a.p.ratio < 0 }, 0},
		{"p.ratio >= 1.5", func(a *args) bool { return a.p.ratio >= 1.5 }, 0},
		{"!(p.ratio >= 1.5)", func(a *args) bool { return !(a.p.ratio >= 1.5) }, 0},
		{"p.ratio == 1.5", func(a *args) bool { return a.p.ratio == 1.5 }, 0},
		{"p.ratio != p.ratio", func(a *args) bool { return a.p.ratio != a.p.ratio }, 0},
		{"p.single > 100.25", func(a *args) bool { return a.p.single > 100.25 }, 0},
		{"wide.e > 300.5", func(a *args) bool { return a.wide.e > 300.5 }, 0},
		{"a.k.f32 <= -100 || a.k.f32 == 0", func(a *args) bool { return a.k.f32 <= -100 || a.k.f32 == 0 }, 0},
		{"a.k.f32 > 3e38 || -1.5 < a.k.f32 && a.k.f32 < 0.1", func(a *args) bool { return a.k.f32 > 3e38 || -1.5 < a.k.f32 && a.k.f32 < 0.1 }, 0},
		{"a.k.f32 != a.k.f32 && a.k.f32 != 1", func(a *args) bool { return a.k.f32 != a.k.f32 }, 0},
		{"a.k.f64 < -1e302", func(a *args) bool { return a.k.f64 < -1e302 }, 0},
		{"a.k.f64 == a.wide.e || a.k.f64 >= 4.5e302", func(a *args) bool { return a.k.f64 == a.wide.e || a.k.f64 >= 4.5e302 }, 0},
		// Structs, arrays, slices, maps, channels.
		{"wide.a == 17 || wide.d == 10000", func(a *args) bool { return a.wide.a == 17 || a.wide.d == 10000 }, 0},
		{"wide.c < 0 && wide.b + wide.c == -1 && n&1023 < 10", func(a *args) bool { return a.n < 10 }, 0},
		{"wide.names[1] == \"two2\"", func(a *args) bool { return a.wide.names[1] == "two2" }, 0},
		{"wide.names[n&1] == \"one\"", func(a *args) bool { return a.wide.names[a.n&1] == "one" }, 0},
		{"p.arr[1] < -990 && p.arr[2] == 7", func(a *args) bool { return a.p.arr[1] < -990 && a.p.arr[2] == 7 }, 0},
		{"p.arr[n&3] == 7", func(a *args) bool { return a.p.arr[a.n&3] == 7 }, 0},
		{"a.k.array[n&3] == 3 && len(a.k.array) == 4", func(a *args) bool { return a.k.array[a.n&3] == 3 }, 0},
		{"a.k.nodes[1].name == \"second5\" && a.k.nodes[0].id < 20", func(a *args) bool { return a.k.nodes[1].name == "second5" && a.k.nodes[0].id < 20 }, 0},
		{"a.k.nodes[n&1].id == 44", func(a *args) bool { return a.k.nodes[a.n&1].id == 44 }, 0},
		{"a.k.three[1] > 1900", func(a *args) bool { return a.k.three[1] > 1900 }, 0},
		{"len(xs) == 3 && xs[2] == \"x25\"", func(a *args) bool { return len(a.xs) == 3 && a.xs[2] == "x25" }, 0},
		{"xs[n&1] == \"x13\"", func(a *args) bool { return a.xs[a.n&1] == "x13" }, 0},
		{"xs[1-i8] == \"x01\"", func(a *args) bool { return a.xs[1-a.i8] == "x01" }, 0},
		{"xs == nil", func(a *args) bool { return a.xs == nil }, 0},
		{"xs[0] == xs[1] || xs[0] == \"x03\"", func(a *args) bool { return a.xs[0] == a.xs[1] || a.xs[0] == "x03" }, 0},
		{"xs[0] < xs[1]", func(a *args) bool { return a.xs[0] < a.xs[1] }, 0},
		{"a.k.grid[n&1][1] == 8", func(a *args) bool { return a.k.grid[a.n&1][1] == 8 }, 0},
		{"a.k.grid[1][2] == 4 || a.k.grid[0][2] == 8", func(a *args) bool { return a.k.grid[1][2] == 4 || a.k.grid[0][2] == 8 }, 0},
		{"a.k.list[2].name == \"in3\" && a.k.list[0].val == 5", func(a *args) bool { return a.k.list[2].name == "in3" && a.k.list[0].val == 5 }, 0},
		{"a.k.list[1] == nil && a.k.list[n&3].val == 3", func(a *args) bool { return a.k.list[a.n&3].val == 3 }, 0},
		{"a.k.bytes[0] == '9' && len(a.k.bytes) == 2", func(a *args) bool { return a.k.bytes[0] == '9' && len(a.k.bytes) == 2 }, 0},
		{"len(m) == 4", func(a *args) bool { return len(a.m) == 4 }, 0},
		{"m == nil && len(m) == 0", func(a *args) bool { return a.m == nil }, 0},
		{"m != nil && len(a.k.set) == 1", func(a *args) bool { return a.m != nil && len(a.k.set) == 1 }, 0},
		{"len(a.k.ch) == 3", func(a *args) bool { return len(a.k.ch) == 3 }, 0},
		{"a.k.ch == nil || a.k.ch != a.k.ch", func(a *args) bool { return a.k.ch == nil }, 0},
		// Interfaces.
		{"any == nil", func(a *args) bool { return a.any == nil }, 0},
		{"any.(int)", func(a *args) bool { return isType(a.any, "int") }, 0},
		{"any.(*main.node) || any.(main.inner)", func(a *args) bool { return isType(a.any, "*main.node") || isType(a.any, "main.inner") }, 0},
		{"!any.(string) && any != nil && n < 200", func(a *args) bool { return !isType(a.any, "string") && a.any != nil && a.n < 200 }, 0},
		{"a.k.boxed.(map[string]int) || a.k.boxed.([]string)", func(a *args) bool { return isType(a.k.boxed, "map[string]int") || isType(a.k.boxed, "[]string") }, 0},
		{"a.k.boxed.(time.Duration) || a.k.boxed.(main.status)", func(a *args) bool { return isType(a.k.boxed, "time.Duration") || isType(a.k.boxed, "main.status") }, 0},
		{"a.k.boxed.(float64) || a.k.boxed.(bool)", func(a *args) bool { return isType(a.k.boxed, "float64") || isType(a.k.boxed, "bool") }, 0},
		{"a.k.boxed.([]uint8) || a.k.boxed.(*main.codeError)", func(a *args) bool { return isType(a.k.boxed, "[]uint8") || isType(a.k.boxed, "*main.codeError") }, 0},
		{"a.k.boxed.(*go/scanner.Scanner)", func(a *args) bool { _, is := a.k.boxed.(*goscanner.Scanner); return is }, 0},
		{"a.k.boxed.(*text/scanner.Scanner)", func(a *args) bool { _, is := a.k.boxed.(*textscanner.Scanner); return is }, 0},
		{"any.(main.inner).id > 3", func(a *args) bool { return a.any.(inner).id > 3 }, 0},
		{"any.(*main.node) && any.(*main.node).inner.name != \"\"", func(a *args) bool { return isType(a.any, "*main.node") && a.any.(*node).inner.name != "" }, 0},
		{"a.k.boxed.(*main.codeError).code > 100", func(a *args) bool { return a.k.boxed.(*codeError).code > 100 }, 0},
		{"a.k.err.(main.plainError)", func(a *args) bool { return a.k.err != nil }, 0},
		// Times, and what is no parameter.
		{"wait >= 995ms", func(a *args) bool { return a.wait >= 995*time.Millisecond }, 0},
		{"wait*2 > 1.99s || wait == 7000us || wait == 0.5ms + 500000ns", func(a *args) bool {
			return a.wait*2 > 1990*time.Millisecond || a.wait == 7*time.Millisecond || a.wait == time.Millisecond
		}, 0},
		{"wait <= 1m0.01s - 1m", func(a *args) bool { return a.wait <= 10*time.Millisecond }, 0},
		{"goid == 1 && n < 5", func(a *args) bool { return a.n < 5 }, 0},
		{fmt.Sprintf("goid == %d", worker), func(a *args) bool { return a.n%4 == 0 }, elsewhere},
		{"goid != 1 || n < 10", func(a *args) bool { return a.n%4 == 0 || a.n < 10 }, elsewhere},
		{fmt.Sprintf("tid == %d", pid), func(a *args) bool { return a.n%4 != 0 }, elsewhere},
		{fmt.Sprintf("pid == %d && n >= 980", pid), func(a *args) bool { return a.n >= 980 }, 0},
		{"caller == \"main.cOdd\"", func(a *args) bool { return a.n%2 == 1 }, 0},
		{"caller != \"main.cOdd\"", func(a *args) bool { return a.n%2 == 0 }, 0},
		{"n > 900 || caller == \"main.cEven\" && ok", func(a *args) bool { return a.n > 900 || a.n%2 == 0 && a.ok }, 0},
		// Decided at the return.
		{"ret > 1600", func(a *args) bool { return a.ret > 1600 }, 0},
		{"ret0 == 0", func(a *args) bool { return a.ret == 0 }, 0},
		{"ret < 0 && -ret > 250", func(a *args) bool { return a.ret < 0 && -a.ret > 250 }, 0},
		{"err != nil", func(a *args) bool { return a.err != nil }, 0},
		{"ret1 == nil && n < 300", func(a *args) bool { return a.err == nil && a.n < 300 }, 0},
		{"failed && n > 500", func(a *args) bool { return a.err != nil && a.n > 500 }, 0},
		{"!failed || ret == 100", func(a *args) bool { return a.err == nil || a.ret == 100 }, 0},
		{"err.(*main.codeError)", func(a *args) bool { return isType(a.err, "*main.codeError") }, 0},
		{"err.(*main.codeError).code > 50", func(a *args) bool { return a.err.(*codeError).code > 50 }, 0},
		{"err.(main.plainError) && ok", func(a *args) bool { return a.ok && isType(a.err, "main.plainError") }, 0},
		{"err.(*errors.errorString) || err.(*strconv.NumError)", func(a *args) bool {
			return isType(a.err, "*errors.errorString") || isType(a.err, "*strconv.NumError")
		}, 0},
		{"text == \"t4\" && hasPrefix(s, \"ab\")", func(a *args) bool { return a.text == "t4" && strings.HasPrefix(a.s, "ab") }, 0},
		{"ret2 >= \"t8\" || contains(text, \"0\")", func(a *args) bool { return a.text >= "t8" || strings.Contains(a.text, "0") }, 0},
		{"len(text) + ret == 1002", func(a *args) bool { return len(a.text)+a.ret == 1002 }, 0},
		{"text[1] == '5'", func(a *args) bool { return a.text[1] == '5' }, 0},
		{"ret > n", func(a *args) bool { return a.ret > a.n }, 0},
		{"ret - n*2 == -300 && n&63 == 5", func(a *args) bool { return a.n&63 == 5 }, 0},
		{"u8 > 250 || ret < n && i8 < -120", func(a *args) bool { return a.u8 > 250 || a.ret < a.n && a.i8 < -120 }, 0},
		{"p.val > 1500 || err != nil", func(a *args) bool { return a.p.val > 1500 || a.err != nil }, 0},
		{"p != nil && (p.val > 1500 || err != nil)", func(a *args) bool { return a.p != nil && (a.p.val > 1500 || a.err != nil) }, 0},
		{"p.ratio < 0 && out.ratio > p.ratio", func(a *args) bool { return a.p.ratio < 0 && a.out.ratio > a.p.ratio }, 0},
		{"out.next.val < -900", func(a *args) bool { return a.out.next.val < -900 }, 0},
		{"out == p || out == nil", func(a *args) bool { return a.out == a.p || a.out == nil }, 0},
		{"list[0] > 990 || len(list) == 3 && ok", func(a *args) bool { return a.list[0] > 990 || len(a.list) == 3 && a.ok }, 0},
		{"list[ret&3] == n + 2", func(a *args) bool { return a.list[a.ret&3] == a.n+2 }, 0},
		{"list == nil && caller == \"main.cOdd\"", func(a *args) bool { return a.list == nil && a.n%2 == 1 }, 0},
		{fmt.Sprintf("goid == %d && ret > 0 || goid != %d && ret > 1600", worker, worker), func(a *args) bool {
			return a.n%4 == 0 && a.ret > 0 || a.n%4 != 0 && a.ret > 1600
		}, elsewhere},
		{"duration > 200ms", func(a *args) bool { return a.n%100 == 7 }, slowly},
		{"duration > 0.2s && n < 500", func(a *args) bool { return a.n%100 == 7 && a.n < 500 }, slowly},
		{"duration <= 200ms && err == nil && n < 50 || ret == 514 && duration > 199ms", func(a *args) bool {
			return a.n%100 != 7 && a.err == nil && a.n < 50 || a.n == 407
		}, slowly},
	}
}

// holds: whether the call fulfils it, and whether somebody can decide that.
func (c *condition) holds(a *args) (is, known bool) {
	defer func() { known = recover() == nil }()
	return c.is(a), true
}

// A goroutine that makes calls for others.
type worker struct {
	calls chan func()
	done  chan bool
	id    int
}

func startWorker() *worker {
	w := &worker{calls: make(chan func()), done: make(chan bool)}
	go func() {
		var text [64]byte
		fmt.Sscanf(string(text[:runtime.Stack(text[:], false)]), "goroutine %d ", &w.id)
		for f := range w.calls {
			f()
			w.done <- true
		}
	}()
	w.calls <- func() {}
	<-w.done
	return w
}

func (w *worker) do(f func()) {
	w.calls <- f
	<-w.done
}

func callOnce(f call, a *args) {
	if a.n%2 == 1 {
		cOdd(f, a)
	} else {
		cEven(f, a)
	}
}

// run calls f with each; those that take their time end later.
func (w *worker) run(f call, all []*args, how byte, later *sync.WaitGroup) {
	for _, a := range all {
		if how == slowly && a.n%100 == 7 {
			b := *a
			b.slow = true
			later.Add(1)
			go func() {
				callOnce(f, &b)
				later.Done()
			}()
		} else if how == elsewhere && a.n%4 == 0 {
			a := a
			w.do(func() { callOnce(f, a) })
		} else {
			callOnce(f, a)
		}
	}
}

// choose takes the first, every stepth, and the last.
func choose(all []*args, step int) (some []*args) {
	for i, a := range all {
		if i < 200 || i%step == 0 || i >= 985 {
			some = append(some, a)
		}
	}
	return some
}

// say: a condition's number, the calls that nobody can decide, its text, and the calls that fulfil it.
func (c *condition) say(number int, all []*args) {
	var which []string
	unknown := 0
	for _, a := range all {
		if is, known := c.holds(a); !known {
			unknown++
		} else if is {
			which = append(which, strconv.Itoa(a.n))
		}
	}
	fmt.Printf("%03d\t%d\t%s\t%s\n", number, unknown, c.text, strings.Join(which, ","))
}

func main() {
	runtime.LockOSThread() // its thread has the process's number
	all := make([]*args, 1000)
	for i := range all {
		all[i] = makeArgs(i)
	}
	worker := startWorker()
	conditions := makeConditions(worker.id)
	fmt.Println("READY", os.Getpid())
	var later sync.WaitGroup
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		var command string
		var n int
		fmt.Sscan(scanner.Text(), &command, &n)
		switch command {
		case "list":
			for i := range conditions {
				num := 0
				for _, a := range all {
					if is, known := conditions[i].holds(a); is && known {
						num++
					}
				}
				fmt.Println(num, conditions[i].text)
			}
		case "run":
			worker.run(cCall, all[:n], 0, &later)
		case "slow":
			worker.run(cCall, all[:n], slowly, &later)
		case "which":
			for i := range conditions {
				conditions[i].say(i, choose(all, n))
			}
		case "each":
			some := choose(all, n)
			for i := range conditions {
				worker.run(calls[i], some, conditions[i].how, &later)
			}
		case "shown":
			sayShown(all[:n])
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
		later.Wait()
		fmt.Println("OK")
	}
}
