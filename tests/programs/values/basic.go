// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"math"
	"strings"
	"time"
	"unsafe"

	. "programs/oracle"
)

//go:noinline
func touch() { sink++ }

var sink int

//go:noinline
func tNothing() {}

//go:noinline
func tBools(a, b bool) (bool, bool) { return b, a }

//go:noinline
func tSigned(a int8, b int16, c int32, d int64, e int) (int8, int16, int32, int64, int) {
	touch()
	return a, b, c, d, e
}

//go:noinline
func tUnsigned(a uint8, b uint16, c uint32, d uint64, e uint, f uintptr) (uint8, uint16, uint32, uint64, uint, uintptr) {
	return a, b, c, d, e, f
}

//go:noinline
func tRunes(r rune, b byte) string {
	touch()
	return string(r) + string([]byte{b})
}

//go:noinline
func tFloats(a float32, b float64) (float64, float32) {
	touch()
	return b, a
}

//go:noinline
func tMixed(a int, x float64, s string, y float32, b bool) (string, float64, int) {
	return s, x, a
}

//go:noinline
func tComplex(a complex64, b complex128) (complex128, complex64) { return b, a }

//go:noinline
func tManyFloats(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r float64) (x, y float64) {
	return p, q + r
}

//go:noinline
func tManyInts(a, b, c, d, e, f, g, h, i, j, k, l int) (r int) {
	touch()
	return a + b + c + d + e + f + g + h + i + j + k + l
}

//go:noinline
func tSplit(a, b, c, d, e, f, g, h int, s string, i int, t []int, j int) (int, string, []int) {
	return i + j, s, t
}

//go:noinline
func tManyResults(n int) (a, b, c, d, e, f, g, h, i, j, k int, s string) {
	return n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, n + 9, n + 10, "last"
}

//go:noinline
func tStrings(a, b string) string {
	touch()
	return a + b
}

//go:noinline
func tBytes(b []byte) []byte { return b }

//go:noinline
func tBlanks(_ int, b string, _ []int, d int) (int, string) {
	touch()
	return d, b
}

//go:noinline
func tBlankLast(a int, _ string) int { return a }

// Blank parameters alone, with as many bytes as the results.
//
//go:noinline
func tBlankAlone(_ int) int {
	touch()
	return 43
}

//go:noinline
func tBlankLeaf(_ int) int { return 44 }

//go:noinline
func tBlankBool(_ bool) bool {
	touch()
	return true
}

//go:noinline
func tBlankError(_ interface{}) error {
	touch()
	return nil
}

//go:noinline
func tBlankPointer(_ *tPoint) *tPoint {
	touch()
	return &tPoint{7, 8}
}

//go:noinline
func (*tPoint) Version() int {
	touch()
	return 42
}

//go:noinline
func (tPoint) Close() error {
	touch()
	return nil
}

// A blank that goes to the stack, and one that goes to registers of both kinds.
//
//go:noinline
func tBlankArray(_ [2]int, c int) int {
	c++
	touch()
	return c
}

//go:noinline
func tBlankMixed(_ struct {
	a int
	f float64
}, c int, f float64) int {
	touch()
	return c
}

//go:noinline
func tUnnamed(int, string, float64) bool { return true }

//go:noinline
func tUnused(a int, s string, p *int) {}

//go:noinline
func tOverwritten(a int, s string) (int, string) {
	a = sink
	s = "new"
	touch()
	return a, s
}

//go:noinline
func tVariadic(prefix string, more ...int) int { return len(prefix) + len(more) }

//go:noinline
func tVariadicAny(format string, args ...interface{}) (n int, err error) { return len(args), nil }

//go:noinline
func tUintptrs(p unsafe.Pointer, u uintptr) unsafe.Pointer { return p }

//go:noinline
func tTimes(t time.Time, d time.Duration) (time.Time, time.Duration) {
	touch()
	return t, d
}

//go:noinline
func tTimePointer(t *time.Time, d *time.Duration) {}

type tWeekday int

//go:noinline
func tNamedTypes(d time.Weekday, m time.Month, w tWeekday, s named) (tWeekday, named) {
	return w, s
}

type named string

//go:noinline
func tBigFrame(n int, s string) (r int) {
	var frame [6000]byte
	for i := range frame {
		frame[i] = byte(i + n)
	}
	touch()
	return int(frame[n]) + len(s)
}

//go:noinline
func tMediumFrame(n int) int {
	var frame [600]byte
	frame[n] = byte(n)
	touch()
	return int(frame[n])
}

func basics() {
	Call{Name: "main.tNothing", Fn: tNothing}.Make()
	for _, a := range []bool{true, false} {
		Call{Name: "main.tBools", Fn: tBools, Names: "a b"}.Make(a, !a)
	}
	signed := Call{Name: "main.tSigned", Fn: tSigned, Names: "a b c d e"}
	signed.Make(math.MinInt8, math.MinInt16, math.MinInt32, math.MinInt64, -1)
	signed.Make(math.MaxInt8, math.MaxInt16, math.MaxInt32, math.MaxInt64, 1)
	signed.Make(0, 0, 0, 0, 0)
	unsigned := Call{Name: "main.tUnsigned", Fn: tUnsigned, Names: "a b c d e f"}
	unsigned.Make(uint8(math.MaxUint8), uint16(math.MaxUint16), uint32(math.MaxUint32),
		uint64(math.MaxUint64), uint(math.MaxUint64), uintptr(math.MaxUint64))
	unsigned.Make(1, 2, 3, uint64(1)<<63, uint(1)<<53+1, 6)
	Call{Name: "main.tRunes", Fn: tRunes, Names: "r b"}.Make('é', byte('x'))
	floats := Call{Name: "main.tFloats", Fn: tFloats, Names: "a b"}
	floats.Make(float32(1.5), math.Pi)
	floats.Make(float32(math.Inf(-1)), math.NaN())
	Call{Name: "main.tMixed", Fn: tMixed, Names: "a x s y b"}.Make(7, 0.1, "mixed", float32(0.2), true)
	Call{Name: "main.tComplex", Fn: tComplex, Names: "a b"}.Make(complex64(complex(1, -2)), complex(math.Inf(1), 1e-300))
	Call{Name: "main.tManyFloats", Fn: tManyFloats, Names: "a b c d e f g h i j k l m n o p q r = x y"}.Make(
		1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.25, math.NaN(), math.MaxFloat64)
	Call{Name: "main.tManyInts", Fn: tManyInts, Names: "a b c d e f g h i j k l = r"}.Make(
		1, 2, 3, 4, 5, 6, 7, 8, 9, -10, math.MinInt64, 12)
	Call{Name: "main.tSplit", Fn: tSplit, Names: "a b c d e f g h s i t j"}.Make(
		1, 2, 3, 4, 5, 6, 7, 8, "on the stack", 9, []int{1, 2, 3}, 10)
	Call{Name: "main.tManyResults", Fn: tManyResults, Names: "n = a b c d e f g h i j k s"}.Make(100)
	text := Call{Name: "main.tStrings", Fn: tStrings, Names: "a b"}
	for _, s := range []string{
		"", "x", "hello, world", "tab\tnewline\nnul\x00bell\x07del\x7f", `quote " backslash \ slash /`,
		"日本語 — ünïcode 🎉", "bad \xff\xfe utf8 \xc3", "\xed\xa0\x80 surrogate", strings.Repeat("long ", 40),
		strings.Repeat("é", 63) + "x", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("y", 5000),
		"</script>&\u2028\u2029",
	} {
		text.Make(s, "+")
	}
	bytes := Call{Name: "main.tBytes", Fn: tBytes, Names: "b"}
	for _, b := range [][]byte{nil, {}, {0, 1, 127, 128, 255}, make([]byte, 16), make([]byte, 17), make([]byte, 4000, 5000)} {
		bytes.Make(b)
	}
	Call{Name: "main.tBlanks", Fn: tBlanks, Names: "_ b _ d"}.Make(11, "named", []int{4, 5}, 99)
	Call{Name: "main.tBlankLast", Fn: tBlankLast, Names: "a _"}.Make(11, "blank")
	Call{Name: "main.tBlankAlone", Fn: tBlankAlone, Names: "_"}.Make(1)
	Call{Name: "main.tBlankLeaf", Fn: tBlankLeaf, Names: "_"}.Make(1)
	Call{Name: "main.tBlankBool", Fn: tBlankBool, Names: "_"}.Make(false)
	Call{Name: "main.tBlankError", Fn: tBlankError, Names: "_"}.Make(errors.New("not the result"))
	Call{Name: "main.tBlankPointer", Fn: tBlankPointer, Names: "_"}.Make(&tPoint{1, 2})
	Call{Name: "main.(*tPoint).Version", Fn: (*tPoint).Version, Names: "-"}.Make(&tPoint{1, 2})
	Call{Name: "main.tPoint.Close", Fn: tPoint.Close, Names: "-"}.Make(tPoint{1, 2})
	Call{Name: "main.tBlankArray", Fn: tBlankArray, Names: "_ c"}.Make([2]int{1, 2}, 3)
	Call{Name: "main.tBlankMixed", Fn: tBlankMixed, Names: "_ c f"}.Make(struct {
		a int
		f float64
	}{1, 2}, 3, 4.0)
	Call{Name: "main.tUnnamed", Fn: tUnnamed, Names: "- - -"}.Make(1, "two", 3.0)
	one := 1
	Call{Name: "main.tUnused", Fn: tUnused, Names: "a s p"}.Make(5, "unused", &one)
	Call{Name: "main.tOverwritten", Fn: tOverwritten, Names: "a s"}.Make(5, "old")
	variadic := Call{Name: "main.tVariadic", Fn: tVariadic, Names: "prefix more"}
	variadic.Make("none", []int(nil))
	variadic.Make("three", []int{1, 2, 3})
	Call{Name: "main.tVariadicAny", Fn: tVariadicAny, Names: "format args = n err"}.Make(
		"%d %s %v", []interface{}{1, "two", nil, 3.5, true, 'x', []int{1}})
	pointers := Call{Name: "main.tUintptrs", Fn: tUintptrs, Names: "p u"}
	pointers.Make(unsafe.Pointer(&one), 0)
	pointers.Make(unsafe.Pointer(nil), uintptr(unsafe.Pointer(&one)))
	times := Call{Name: "main.tTimes", Fn: tTimes, Names: "t d"}
	for _, t := range []time.Time{
		{}, time.Now(), time.Now().UTC(), time.Unix(0, 0), time.Unix(1<<33, 999999999).UTC(),
		time.Date(2020, 2, 29, 23, 59, 59, 1, time.FixedZone("X", 5*3600+1800)),
		time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		times.Make(t, 0)
	}
	for _, d := range []time.Duration{0, 1, -1, 1500, 1500 * time.Millisecond, time.Hour + time.Millisecond,
		-90 * time.Minute, math.MaxInt64, math.MinInt64} {
		times.Make(time.Time{}, d)
	}
	now, d := time.Now().UTC(), 3*time.Second
	Call{Name: "main.tTimePointer", Fn: tTimePointer, Names: "t d"}.Make(&now, &d)
	Call{Name: "main.tNamedTypes", Fn: tNamedTypes, Names: "d m w s"}.Make(time.Friday, time.March, tWeekday(3), named("text"))
	Call{Name: "main.tBigFrame", Fn: tBigFrame, Names: "n s = r"}.Make(7, "big")
	Call{Name: "main.tMediumFrame", Fn: tMediumFrame, Names: "n"}.Make(7)
	Call{Name: "main.tStrings", Fn: tStrings, Names: "a b", Late: true}.Make(novel[40000:40040], novel[20000:20003])
}
