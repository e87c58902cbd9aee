// SPDX-License-Identifier: GPL-2.0-or-later

// Tells by reflection and package unsafe what its types are made of, and what its functions are.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"
	"unsafe"
)

type tInner struct {
	A uint8
	B int64
}

type tTagged struct {
	Name  string `json:"name,omitempty"`
	Count int    `json:"count" xml:"n"`
	plain bool
	Rest  []byte `odd ” tag`
}

type tEmbeds struct {
	flag bool
	tInner
	*tTagged
	sync.Mutex
	io.Reader
	last uint16
}

type tEmpty struct{}

type tBlank struct {
	_ [3]uint8
	x uint32
	_ tEmpty
	y complex64
	_ uint8
}

type tNested struct {
	inner [2]tInner
	by    map[string]*tTagged
	f     func(int) error
	c     chan<- tInner
	any   interface{}
	s     struct {
		X, Y int16
		Z    float64
	}
}

type tNumber int32
type tNames []string
type tTable map[tNumber]tInner
type tGrid [3][4]uint16
type tCall func(a tNumber, b ...string) (int, error)
type tShow interface {
	Show(indent int) string
}

//go:noinline
func (t tInner) Show(indent int) string { return strings.Repeat(" ", indent) + fmt.Sprint(t.A, t.B) }

//go:noinline
func (t *tInner) Add(by int64) { t.B += by }

//go:noinline
func (n tNumber) Show(indent int) string { return fmt.Sprint(indent, int32(n)) }

//go:noinline
func fPlace(a int, b string, c float64, d *tInner, e bool) (int, error) {
	if e {
		return a + len(b) + int(c), nil
	}
	d.Add(int64(a))
	return len(d.Show(a)), nil
}

//go:noinline
func fLoop(names tNames, table tTable) (n int) {
	for _, name := range names {
		if strings.HasPrefix(name, "a") {
			n += len(name)
		}
	}
	for number := range table {
		if number > 3 {
			return -1
		}
	}
	return n
}

// fSmall has code of its own, since something refers to it, and is inlined into fHost all the same.
func fSmall(n int) int { return n*3 + 1 }

// fNever is called by no code but that into which it was inlined.
func fNever(n int) int { return n*n ^ 0x55 }

var small, never = fSmall, fNever

//go:noinline
func fHost(n int) int {
	if never == nil {
		return 0
	}
	return fSmall(n) + small(n) + fNever(n)
}

type field struct {
	Name     string
	Offset   uintptr
	Size     uintptr
	Tag      string
	Embedded bool
}

type description struct {
	Type   string
	Kind   string
	Size   uintptr
	Align  int
	Len    int
	Fields []field
}

func describe(t reflect.Type) description {
	d := description{Type: t.PkgPath() + "." + t.Name(), Kind: t.Kind().String(), Size: t.Size(), Align: t.Align()}
	if t.PkgPath() == "" {
		d.Type = t.String()
	}
	if t.Kind() == reflect.Ptr {
		d.Kind = "ptr"
	}
	if t.Kind() == reflect.Array {
		d.Len = t.Len()
	}
	for i := 0; t.Kind() == reflect.Struct && i < t.NumField(); i++ {
		f := t.Field(i)
		d.Fields = append(d.Fields, field{f.Name, f.Offset, f.Type.Size(), string(f.Tag), f.Anonymous})
	}
	return d
}

// What the compiler itself says of some, where reflection would repeat what gotrace reads.
func sure() map[string]uintptr {
	var e tEmbeds
	var n tNested
	var b tBlank
	return map[string]uintptr{
		"main.tEmbeds":        unsafe.Sizeof(e),
		"main.tEmbeds.last":   unsafe.Offsetof(e.last),
		"main.tEmbeds.flag":   unsafe.Offsetof(e.flag),
		"main.tNested":        unsafe.Sizeof(n),
		"main.tNested.inner":  unsafe.Offsetof(n.inner),
		"main.tNested.f":      unsafe.Offsetof(n.f),
		"main.tNested.any":    unsafe.Offsetof(n.any),
		"main.tNested.s":      unsafe.Offsetof(n.s),
		"main.tBlank":         unsafe.Sizeof(b),
		"main.tBlank.x":       unsafe.Offsetof(b.x),
		"main.tBlank.y":       unsafe.Offsetof(b.y),
	}
}

func main() {
	var show tShow = tNumber(1)
	values := []interface{}{
		tInner{}, tTagged{}, tEmbeds{Reader: &bytes.Buffer{}}, tEmpty{}, tBlank{}, tNested{}, tNumber(1), tNames{}, tTable{},
		tGrid{}, tCall(nil), &show, []tInner{}, map[string]tInner{}, &tEmbeds{}, time.Time{}, url.URL{}, bytes.Buffer{}, 1, "", uint8(0),
	}
	out := json.NewEncoder(os.Stdout)
	fmt.Println("READY", os.Getpid())
	for _, value := range values {
		t := reflect.TypeOf(value)
		if value == values[11] {
			t = t.Elem()
		}
		out.Encode(describe(t))
	}
	out.Encode(sure())
	buf := make([]byte, 64)
	for {
		n, err := os.Stdin.Read(buf)
		if err != nil {
			return
		}
		inner := &tInner{}
		got, _ := fPlace(n, string(buf[:n]), 1.5, inner, n > 3)
		fmt.Println(got, fHost(n), fLoop(tNames{string(buf[:n])}, tTable{tNumber(n): *inner}), show.Show(1))
	}
}
