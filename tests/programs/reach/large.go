// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// --- Large values ------------------------------------------------------------------------------

type frame struct {
	Pad [1024]byte
	ID  int
	Err error
}

type note struct {
	Text string
	Rank int
}

type page struct {
	ID   int
	Pad  [4096]byte
	Name string
	Note *note
}

type block struct {
	Head string
	Body [16384]int16
	In   struct {
		Pad  [2000]int32
		Deep string
	}
	Notes [3]note
	Last  interface{}
}

type huge struct {
	Name string
	Body [65536]byte
	ID   int
}

// Like a network server's client: named fields around an array.
type client struct {
	ID    uint64
	Name  string
	Ring  [8192]byte
	Subs  map[string]int
	Peer  *client
	Flags [5]bool
	Err   error
	Parts []page
}

type row struct {
	ID  int
	Pad [6000]byte
	End string
}

type cell struct { // 600 bytes, of which nothing is left out
	ID  int
	Pad [72]int64
	End string
}

//go:noinline
func byValue(f frame, step int) (frame, int) { f.ID++; return f, step }

//go:noinline
func rows(step int, a [16][20]int) int { return step + a[15][0] }

//go:noinline
func byPointer(c *client) *client { return c }

//go:noinline
func pages(a page, step int, b page) (page, page) { a.ID++; b.Name += "!"; return b, a }

//go:noinline
func blocks(b block) (block, error) { b.In.Deep += "!"; return b, errors.New("in a result") }

//go:noinline
func huges(step int, h huge, s string) (string, huge) { h.ID++; return s + "!", h }

//go:noinline
func slices(a []row, b []cell) []row { return a[1:] }

//go:noinline
func matrix(a [3][2]row) [2]row { return a[2] }

//go:noinline
func mapped(m map[string]row) map[string]row { return m }

//go:noinline
func shared(v interface{}) interface{} { return v }

// Writes a value as gotrace does, by reflection.
func show(v reflect.Value) string {
	name := strings.Replace(v.Type().String(), "interface {}", "any", -1)
	var items []string
	more := 0
	switch v.Kind() {
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			items = append(items, v.Type().Field(i).Name+": "+show(v.Field(i)))
		}
		if strings.HasPrefix(name, "struct") {
			name = "struct { Pad [2000]int32; Deep string }"
		}
	case reflect.Array, reflect.Slice:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return "nil"
		}
		for i := 0; i < v.Len() && i < 16; i++ {
			if v.Type().Elem().Kind() == reflect.Uint8 {
				items = append(items, fmt.Sprintf("0x%x", v.Index(i).Uint()))
			} else {
				items = append(items, show(v.Index(i)))
			}
		}
		more = v.Len() - len(items)
	case reflect.Map:
		if v.IsNil() {
			return "nil"
		}
		for _, key := range v.MapKeys() {
			items = append(items, show(key)+": "+show(v.MapIndex(key)))
		}
		sort.Strings(items)
	case reflect.Ptr:
		if v.IsNil() {
			return "nil"
		}
		return "&" + show(v.Elem())
	case reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		if err, ok := v.Interface().(error); ok {
			return fmt.Sprintf("error(%T: %q)", err, err.Error())
		}
		return show(v.Elem())
	case reflect.String:
		return strconv.Quote(v.String())
	default:
		return fmt.Sprint(v)
	}
	if more > 0 {
		items = append(items, "...+"+strconv.Itoa(more))
	}
	return name + "{" + strings.Join(items, ", ") + "}"
}

// Calls a function, and says how its call is to be shown.
func call(name string, function interface{}, params string, args ...interface{}) {
	var in []reflect.Value
	for _, arg := range args {
		in = append(in, reflect.ValueOf(arg))
	}
	var before, after []string
	for i, param := range strings.Fields(params) {
		before = append(before, param+"="+show(in[i]))
	}
	for _, result := range reflect.ValueOf(function).Call(in) {
		after = append(after, show(result))
	}
	results := strings.Join(after, ", ")
	if len(after) > 1 {
		results = "(" + results + ")"
	}
	fmt.Printf("%s(%s) = %s\n", name, strings.Join(before, ", "), results)
}

func large() {
	failed := errors.New("in a frame")
	call("byValue", byValue, "f step", frame{Pad: [1024]byte{1, 2}, ID: 7, Err: failed}, 1)
	call("rows", rows, "step a", 2, [16][20]int{{1}, 15: {16}})
	a := page{ID: 3, Pad: [4096]byte{3, 15: 4}, Name: "a", Note: &note{"on a", 1}}
	b := page{ID: 4, Name: "b", Note: &note{"on b", 2}}
	call("pages", pages, "a step b", a, 5, b)
	var body block
	body.Head, body.In.Deep, body.Last = "head", "deep", 8
	body.Body[15], body.In.Pad[1] = -15, -1
	body.Notes = [3]note{{"x", 1}, {"y", 2}, {"z", 3}}
	call("blocks", blocks, "b", body)
	call("huges", huges, "step h s", 6, huge{Name: "huge", ID: 9}, "text")
	c := &client{ID: 1, Name: "c", Subs: map[string]int{"a": 1, "b": 2}, Err: failed,
		Flags: [5]bool{true}, Parts: []page{a, b}, Peer: &client{ID: 2, Name: "peer"}}
	c.Ring[3] = 255
	call("byPointer", byPointer, "c", c)
	list := []row{{ID: 1, End: "one"}, {ID: 2, End: "two"}, {ID: 3, End: "three"}}
	cells := make([]cell, 14)
	for i := range cells {
		cells[i] = cell{ID: i, Pad: [72]int64{int64(-i)}, End: strconv.Itoa(i)}
	}
	call("slices", slices, "a b", list, cells)
	call("matrix", matrix, "a", [3][2]row{{list[0], list[1]}, {list[2]}, {list[1], list[0]}})
	call("mapped", mapped, "m", map[string]row{"x": list[0], "y": list[1]})
}
