// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"

	. "programs/oracle"
)

type tPoint struct {
	X, Y int
}

type tPadded struct {
	A bool
	B int64
	C uint8
	D uint16
	E float32
	F bool
}

type tBlankField struct {
	A int32
	_ [4]byte
	B int64
	_ int
	C string
}

type tInner struct {
	ID   int
	Tags []string
}

type tOuter struct {
	tInner
	Name string
	*tPoint
	At struct {
		Line, Column int
	}
}

type tOneFloat struct {
	N int
	F float64
	S string
}

type tLarge struct {
	Head  string
	Cells [40]int64
	Tail  string
}

type tEmpty struct{}

type tWrapped struct {
	P *tPoint
}

type tNode struct {
	Value int
	Next  *tNode
}

type tTree struct {
	Left, Right *tTree
	Key         string
}

//go:noinline
func tStructs(p tPoint, q tPadded) (tPadded, tPoint) {
	touch()
	return q, p
}

//go:noinline
func tBlankFields(b tBlankField) tBlankField { return b }

//go:noinline
func tNested(o tOuter) (in tInner) {
	touch()
	return o.tInner
}

//go:noinline
func tFloatField(f tOneFloat, n int) (tOneFloat, int) { return f, n }

//go:noinline
func tLargeStruct(l tLarge) tLarge {
	touch()
	return l
}

//go:noinline
func tEmpties(e tEmpty, a [0]int, n int, f tEmpty) (tEmpty, int) { return e, n }

//go:noinline
func tAnonymous(a struct {
	N int
	S string
}) struct{ OK bool } {
	return struct{ OK bool }{a.N > 0}
}

//go:noinline
func tSlices(a []int, b []string, c [][]int, d []tPoint) ([]tPoint, [][]int) {
	touch()
	return d, c
}

//go:noinline
func tMoreSlices(a []bool, b []float64, c []*tPoint, d []interface{}) []*tPoint { return c }

//go:noinline
func tStructSlices(a []tOuter, b []tPadded, c []struct{}) int { return len(a) + len(b) + len(c) }

//go:noinline
func tZeroBetween(n int) (r int32, _ [0]int, q bool) {
	touch()
	return int32(n), [0]int{}, n > 5
}

//go:noinline
func tZeroFirst(n int) (_ [0]int, q int, r int32) {
	touch()
	return [0]int{}, n, int32(n + 1)
}

//go:noinline
func tZeroArgs(x int8, z [0]int, b int8) int8 {
	touch()
	return x + b
}

//go:noinline
func tArrays(a [0]int, b [1]int, c [2]int16, d [1]string, e [3]string) ([2]int16, [1]int) {
	touch()
	return c, b
}

//go:noinline
func tBigArray(a [1000]int, n int) ([30]int32, int) {
	var r [30]int32
	for i := range r {
		r[i] = int32(a[i]) * 2
	}
	return r, n
}

//go:noinline
func tArrayPointer(a *[20]int, b [][2]string, c [2][2]int) {}

//go:noinline
func tPointers(a *int, b *string, c *tPoint, d **tPoint, e *tOuter) (*tPoint, *int) {
	touch()
	return c, a
}

//go:noinline
func tList(n *tNode) *tNode { return n }

//go:noinline
func tTrees(t *tTree, shared [2]*tTree) *tTree {
	touch()
	return t
}

//go:noinline
func tDeep(p ***tPoint, w tWrapped, ws []tWrapped) {}

//go:noinline
func tChans(a chan int, b <-chan string, c chan<- struct{}, d chan tPoint) chan tPoint { return d }

//go:noinline
func tFuncs(a func(), b func(int) string, c func(int) (tPoint, error)) func(int) string {
	touch()
	return b
}

type tHolder struct {
	Fn   func(int) int
	Ch   chan bool
	M    map[string]int
	Any  interface{}
	Err  error
	List []byte
}

//go:noinline
func tHolders(h tHolder, p *tHolder) tHolder { return h }

//go:noinline
func double(n int) int { return n * 2 }

func itoa(n int) string { return fmt.Sprint(n) }

func compounds() {
	Call{Name: "main.tStructs", Fn: tStructs, Names: "p q"}.Make(
		tPoint{1, -2}, tPadded{true, -1 << 40, 200, 60000, 2.5, true})
	Call{Name: "main.tBlankFields", Fn: tBlankFields, Names: "b"}.Make(tBlankField{A: -5, B: 6, C: "blank"})
	outer := tOuter{tInner: tInner{7, []string{"a", "", "ccc"}}, Name: "outer", tPoint: &tPoint{3, 4}}
	outer.At.Line = 12
	outer.At.Column = -1
	nested := Call{Name: "main.tNested", Fn: tNested, Names: "o = in"}
	nested.Make(outer)
	nested.Make(tOuter{})
	Call{Name: "main.tFloatField", Fn: tFloatField, Names: "f n"}.Make(tOneFloat{1, 2.5, "three"}, 4)
	large := tLarge{Head: "head", Tail: "tail"}
	for i := range large.Cells {
		large.Cells[i] = int64(i) << 32
	}
	Call{Name: "main.tLargeStruct", Fn: tLargeStruct, Names: "l"}.Make(large)
	Call{Name: "main.tZeroBetween", Fn: tZeroBetween, Names: "n = r _ q"}.Make(9)
	Call{Name: "main.tZeroFirst", Fn: tZeroFirst, Names: "n = _ q r"}.Make(9)
	Call{Name: "main.tZeroArgs", Fn: tZeroArgs, Names: "x z b"}.Make(int8(1), [0]int{}, int8(2))
	Call{Name: "main.tEmpties", Fn: tEmpties, Names: "e a n f"}.Make(tEmpty{}, [0]int{}, 5, tEmpty{})
	Call{Name: "main.tAnonymous", Fn: tAnonymous, Names: "a"}.Make(struct {
		N int
		S string
	}{5, "anonymous"})

	slices := Call{Name: "main.tSlices", Fn: tSlices, Names: "a b c d"}
	slices.Make([]int(nil), []string(nil), [][]int(nil), []tPoint(nil))
	slices.Make([]int{}, []string{""}, [][]int{{1, 2}, nil, {}, {3}}, []tPoint{{1, 2}, {3, 4}})
	long := make([]int, 100, 200)
	for i := range long {
		long[i] = i * i
	}
	rows := make([][]int, 20)
	words := make([]string, 30)
	points := make([]tPoint, 17)
	for i := range rows {
		rows[i] = long[i : i+3]
	}
	for i := range words {
		words[i] = fmt.Sprint("word", i)
	}
	for i := range points {
		points[i] = tPoint{i, -i}
	}
	slices.Make(long, words, rows, points)
	Call{Name: "main.tMoreSlices", Fn: tMoreSlices, Names: "a b c d"}.Make(
		[]bool{true, false}, []float64{0.5, -1e300}, []*tPoint{nil, {5, 6}}, []interface{}{nil, 1, "two", &tPoint{7, 8}})
	Call{Name: "main.tStructSlices", Fn: tStructSlices, Names: "a b c"}.Make(
		[]tOuter{outer, {}}, []tPadded{{B: 1}, {D: 2}}, make([]struct{}, 3))
	Call{Name: "main.tArrays", Fn: tArrays, Names: "a b c d e"}.Make(
		[0]int{}, [1]int{-9}, [2]int16{1, -1}, [1]string{"one"}, [3]string{"x", "", "z"})
	var array [1000]int
	for i := range array {
		array[i] = 3 * i
	}
	Call{Name: "main.tBigArray", Fn: tBigArray, Names: "a n"}.Make(array, 5)
	Call{Name: "main.tArrayPointer", Fn: tArrayPointer, Names: "a b c"}.Make(
		&[20]int{1, 2, 3}, [][2]string{{"a", "b"}, {"c", ""}}, [2][2]int{{1, 2}, {3, 4}})

	number, text, point := 42, "pointed at", &tPoint{8, 9}
	pointers := Call{Name: "main.tPointers", Fn: tPointers, Names: "a b c d e"}
	pointers.Make((*int)(nil), (*string)(nil), (*tPoint)(nil), (**tPoint)(nil), (*tOuter)(nil))
	pointers.Make(&number, &text, point, &point, &outer)
	list := &tNode{1, &tNode{2, &tNode{3, &tNode{4, nil}}}}
	lists := Call{Name: "main.tList", Fn: tList, Names: "n"}
	lists.Make(list)
	lists.Make((*tNode)(nil))
	self := &tNode{Value: 5}
	self.Next = self
	lists.Make(self)
	pair := &tNode{6, &tNode{Value: 7}}
	pair.Next.Next = pair
	lists.Make(pair)
	tree := &tTree{&tTree{nil, nil, "left"}, &tTree{nil, nil, "right"}, "root"}
	Call{Name: "main.tTrees", Fn: tTrees, Names: "t shared"}.Make(tree, [2]*tTree{tree, tree})
	pp := &point
	Call{Name: "main.tDeep", Fn: tDeep, Names: "p w ws"}.Make(&pp, tWrapped{point}, []tWrapped{{}, {point}})

	ints, structs := make(chan int, 4), make(chan tPoint)
	ints <- 1
	ints <- 2
	chans := Call{Name: "main.tChans", Fn: tChans, Names: "a b c d"}
	chans.Make(ints, make(<-chan string), make(chan<- struct{}, 100), structs)
	chans.Make((chan int)(nil), (<-chan string)(nil), (chan<- struct{})(nil), (chan tPoint)(nil))
	funcs := Call{Name: "main.tFuncs", Fn: tFuncs, Names: "a b c"}
	funcs.Make((func())(nil), (func(int) string)(nil), (func(int) (tPoint, error))(nil))
	funcs.Make(func() { number++ }, itoa, point.Scaled)
	holder := tHolder{double, make(chan bool, 3), map[string]int{"k": 1}, 5, fmt.Errorf("inside"), []byte("bytes")}
	Call{Name: "main.tHolders", Fn: tHolders, Names: "h p"}.Make(holder, &holder)
	Call{Name: "main.tHolders", Fn: tHolders, Names: "h p"}.Make(tHolder{}, (*tHolder)(nil))
}
