// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"

	. "programs/oracle"
)

type tKey struct {
	ID   int32
	Name string
}

//go:noinline
func tMapInt(m map[string]int) int { return len(m) }

//go:noinline
func tMapsSmall(a map[int]string, b map[uint32]bool, c map[uint8]struct{}, d map[tKey]int) map[tKey]int {
	touch()
	return d
}

//go:noinline
func tMapsLarge(a map[string][40]int, b map[[20]int64]string, c map[string]*tPoint) {}

//go:noinline
func tMapsAny(a map[string]interface{}, b map[interface{}]int, c map[string][]string, d map[string]map[string]int) map[string]interface{} {
	return a
}

//go:noinline
func tMapPointer(p *map[string]int, s []map[int]int) {
	touch()
}

func maps() {
	ints := Call{Name: "main.tMapInt", Fn: tMapInt, Names: "m"}
	ints.Make(map[string]int(nil))
	ints.Make(map[string]int{})
	// Growing: each size once, some of them while the table moves to a larger one.
	m := make(map[string]int)
	for i := 0; i < 120; i++ {
		m[fmt.Sprint("key", i)] = i * i
		if i < 40 || i%7 == 0 {
			ints.Make(m)
		}
	}
	// Deleted entries leave holes and tombstones.
	for i := 0; i < 120; i++ {
		if i%10 != 3 {
			delete(m, fmt.Sprint("key", i))
		}
	}
	ints.Make(m)
	for i := 200; i < 203; i++ {
		m[fmt.Sprint("key", i)] = i
		ints.Make(m)
	}
	hinted := make(map[string]int, 1000)
	ints.Make(hinted)
	hinted["only"] = 1
	ints.Make(hinted)
	for i := 0; i < 3000; i++ {
		hinted[fmt.Sprint(i)] = i
	}
	ints.Make(hinted)
	for k := range hinted {
		if k != "7" && k != "only" {
			delete(hinted, k)
		}
	}
	ints.Make(hinted)
	small := Call{Name: "main.tMapsSmall", Fn: tMapsSmall, Names: "a b c d"}
	small.Make(map[int]string{1: "one", -2: "two"}, map[uint32]bool{5: true}, map[uint8]struct{}{1: {}, 255: {}},
		map[tKey]int{{1, "a"}: 10, {2, ""}: 20, {-3, "c"}: 30})
	small.Make(map[int]string{}, map[uint32]bool(nil), map[uint8]struct{}{}, map[tKey]int{})
	Call{Name: "main.tMapsLarge", Fn: tMapsLarge, Names: "a b c"}.Make(
		map[string][40]int{"k": {1, 2, 3}, "l": {39: 7}}, map[[20]int64]string{{1, 2}: "large key"}, map[string]*tPoint{"p": {1, 2}, "nil": nil})
	Call{Name: "main.tMapsAny", Fn: tMapsAny, Names: "a b c d"}.Make(
		map[string]interface{}{"int": 1, "text": "t", "nil": nil, "list": []int{1}, "point": &tPoint{1, 2}, "flag": true},
		map[interface{}]int{1: 1, "a": 2, tPoint{1, 2}: 3},
		map[string][]string{"x": {"1", "2"}, "y": nil}, map[string]map[string]int{"in": {"z": 26}, "none": nil})
	pointed := map[string]int{"by": 1, "pointer": 2}
	Call{Name: "main.tMapPointer", Fn: tMapPointer, Names: "p s"}.Make(&pointed, []map[int]int{{1: 2}, nil, {3: 4, 5: 6}})
}
