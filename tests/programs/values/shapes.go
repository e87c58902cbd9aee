// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	. "programs/oracle"
)

type (
	tRecSlice []tRecSlice
	tRecMap   map[string]tRecMap
	tRecFunc  func(int) tRecFunc
	tRecPtr   *tRecPtr
	tNamedMap map[tWeekday]tShape
	tNamedFn  func(string) error
	tNamedPtr *tPoint
	tNamedCh  chan chan int
	tMatrix   [2][3]int16
	tFlags    [1]bool
	tAlias    = map[string]tPoint
)

type tEmbeds struct {
	tShape
	sync.Mutex
	*strings.Reader
	error
	When time.Time
	Took time.Duration
	Fn   tNamedFn
}

// tNine takes all nine integer registers, tTen one too many.
type tNine struct {
	A, B, C int
	D       string
	E       bool
	F       *int
	G       int8
	H       uint16
}

type tTen struct {
	tNine
	I byte
}

type tOneOfOne struct {
	A [1]struct {
		F float32
		N [1]uint32
	}
	Z struct{}
}

type tTailEmpty struct {
	N int
	Z struct{}
}

//go:noinline
func tRecursive(a tRecSlice, b tRecMap, c tRecFunc, d tRecPtr) (tRecMap, tRecSlice) {
	touch()
	return b, a
}

//go:noinline
func tNamedKinds(a tNamedMap, b tNamedFn, c tNamedPtr, d tNamedCh, e tMatrix, f tFlags, g tAlias) (tMatrix, tFlags, tNamedPtr) {
	return e, f, c
}

//go:noinline
func tEmbedding(e tEmbeds, p *tEmbeds) (int, *tEmbeds) {
	touch()
	return 5, p
}

//go:noinline
func tNines(n tNine, k int) (tNine, int) {
	touch()
	return n, k
}

//go:noinline
func tTens(k int, n tTen, s string) (string, tTen, int) { return s, n, k }

//go:noinline
func tOneOfOnes(a tOneOfOne, b tTailEmpty, c *tTailEmpty) (tTailEmpty, tOneOfOne) {
	touch()
	return b, a
}

//go:noinline
func tPackedOnStack(a, b, c, d, e, f, g, h, i int, j bool, k int8, l uint16, m bool, n float32, o string, p uint8, q complex64, r int32) (
	z1 [2]bool, z2 int8, z3 string, z4 [3]uint16, z5 float32, z6 uint64, z7 [2]string, z8 bool) {
	touch()
	return [2]bool{j, m}, k, o, [3]uint16{l, 2, 3}, n, uint64(p), [2]string{o, "z"}, true
}

//go:noinline
func tMixedFloats(a float64, b int8, c [1]float32, d struct {
	N int
	F float64
}, e [2]float64, f *float64, g []float32, h map[string]float64, i interface{}) (float64, [2]float64, struct{ F float32 }, []float32) {
	return a, e, struct{ F float32 }{1.25}, g
}

//go:noinline
func tPointersTo(a *[]int, b *map[string]int, c *chan int, d *func(), e *interface{}, f *[3]string, g **int, h *struct{}, i *string) (*[]int, *func()) {
	touch()
	return a, d
}

//go:noinline
func tSlicesOf(a []map[string]int, b []func(int) int, c []chan int, d []error, e [][]byte, f []*[]int, g []time.Duration, h []time.Time, i [][2][]string) ([]error, [][]byte) {
	return d, e
}

//go:noinline
func tReaders(r io.Reader, w io.Writer, s fmt.Stringer) (io.Reader, fmt.Stringer) {
	touch()
	return r, s
}

//go:noinline
func tWords(a [9]uint8, b [16]byte, c [2]uint32, d [4]uint64) [16]byte { return b }

//go:noinline
func tFunctions(f func(func(int) int, ...interface{}) (func() error, error), g []func()) func(func(int) int, ...interface{}) (func() error, error) {
	return f
}

func apply(f func(int) int, more ...interface{}) (func() error, error) { return nil, nil }

//go:noinline
func tStarted(n int, s string, done chan bool) {
	touch()
	done <- true
}

//go:noinline
func tCleanup(n int, p *tPoint) (r int) {
	touch()
	return n
}

//go:noinline
func tDefers(n int, p *tPoint) int {
	defer tCleanup(n, p)
	defer tCleanup(n+1, nil)
	touch()
	return n
}

//go:noinline
func tLoop(n int) (r int) {
	for i := 0; i < n; i++ {
		defer func(k int) { r += k }(i)
	}
	return n
}

// tFetches has every word come from another place: nothing of it stays in its register for long.
//
//go:noinline
func tFetches(a, b, c string, n int) (string, int) {
	for i := 0; i < n; i++ {
		a, b, c = b, c, a
		n--
	}
	return a + b + c, n
}

func shapes() {
	recursive := Call{Name: "main.tRecursive", Fn: tRecursive, Names: "a b c d"}
	recursive.Make(tRecSlice{nil, {}, {{}, nil}}, tRecMap{"a": {"b": nil}, "c": nil}, tRecFunc(nil), tRecPtr(nil))
	var loop tRecPtr
	loop = tRecPtr(&loop)
	recursive.Make(tRecSlice(nil), tRecMap(nil), tRecFunc(nil), loop)
	point := &tPoint{1, 2}
	Call{Name: "main.tNamedKinds", Fn: tNamedKinds, Names: "a b c d e f g"}.Make(
		tNamedMap{3: tSquare{4}, 5: nil}, tNamedFn(nil), tNamedPtr(point), make(tNamedCh, 3), tMatrix{{1, -2, 3}, {4, 5, -6}},
		tFlags{true}, tAlias{"p": {5, 6}})
	embeds := tEmbeds{tShape: &tRect{1, 2}, Reader: nil, error: errors.New("embedded"), When: time.Unix(5, 6).UTC(), Took: time.Second}
	Call{Name: "main.tEmbedding", Fn: tEmbedding, Names: "e p"}.Make(embeds, &embeds)
	one := 1
	nine := tNine{1, 2, 3, "nine", true, &one, -7, 8}
	Call{Name: "main.tNines", Fn: tNines, Names: "n k"}.Make(nine, 10)
	Call{Name: "main.tTens", Fn: tTens, Names: "k n s"}.Make(11, tTen{nine, 200}, "ten")
	var inner tOneOfOne
	inner.A[0].F = 0.5
	inner.A[0].N[0] = 1 << 31
	Call{Name: "main.tOneOfOnes", Fn: tOneOfOnes, Names: "a b c"}.Make(inner, tTailEmpty{N: 3}, &tTailEmpty{N: 4})
	Call{Name: "main.tPackedOnStack", Fn: tPackedOnStack, Names: "a b c d e f g h i j k l m n o p q r = z1 z2 z3 z4 z5 z6 z7 z8"}.Make(
		1, 2, 3, 4, 5, 6, 7, 8, 9, true, int8(-8), uint16(65535), false, float32(-0.5), "packed", uint8(255), complex64(complex(3, -4)), int32(-1))
	half := 0.5
	Call{Name: "main.tMixedFloats", Fn: tMixedFloats, Names: "a b c d e f g h i"}.Make(1e100, int8(-1), [1]float32{2.5}, struct {
		N int
		F float64
	}{7, 7.5}, [2]float64{-1, 1e-310}, &half, []float32{0.1, 16777216, 3e38}, map[string]float64{"pi": 3.14159}, 1.0/3)
	list, table, channel, fn, any, words, pone, text := []int{1, 2}, map[string]int{"k": 2}, make(chan int, 1), func() {}, interface{}(7), [3]string{"a", "b"}, &one, "pointed"
	Call{Name: "main.tPointersTo", Fn: tPointersTo, Names: "a b c d e f g h i"}.Make(&list, &table, &channel, &fn, &any, &words, &pone, &struct{}{}, &text)
	Call{Name: "main.tSlicesOf", Fn: tSlicesOf, Names: "a b c d e f g h i"}.Make(
		[]map[string]int{{"a": 1}, nil}, []func(int) int{double, nil}, []chan int{channel, nil}, []error{nil, errors.New("in a slice")},
		[][]byte{[]byte("abc"), nil, {}}, []*[]int{&list, nil}, []time.Duration{1, time.Hour}, []time.Time{{}, time.Unix(1, 0).UTC()},
		[][2][]string{{{"x", "y"}, nil}, {}})
	readers := Call{Name: "main.tReaders", Fn: tReaders, Names: "r w s"}
	Twice(func() {
		readers.Make(strings.NewReader("read"), &strings.Builder{}, time.Duration(5))
		readers.Make(nil, nil, time.March)
	})
	Call{Name: "main.tWords", Fn: tWords, Names: "a b c d"}.Make(
		[9]uint8{1, 8: 9}, [16]byte{15: 255}, [2]uint32{1 << 31, 2}, [4]uint64{1 << 63, 2, 3, 1<<64 - 1})
	Call{Name: "main.tFunctions", Fn: tFunctions, Names: "f g"}.Make(apply, []func(){fn, nil})
	done := make(chan bool, 1)
	Call{Name: "main.tDefers", Fn: tDefers, Names: "n p"}.Make(7, point)
	cleanup := Call{Name: "main.tCleanup", Fn: tCleanup, Names: "n p = r"}
	cleanup.Expect("return", []interface{}{8, (*tPoint)(nil)}, []interface{}{8})
	cleanup.Expect("return", []interface{}{7, point}, []interface{}{7})
	Call{Name: "main.tLoop", Fn: tLoop, Names: "n = r"}.Make(5)
	Call{Name: "main.tFetches", Fn: tFetches, Names: "a b c n"}.Make("a", "bb", "ccc", 5)
	Call{Name: "main.tStarted", Fn: tStarted, Names: "n s done"}.Make(1, "called", done)
	<-done
}
