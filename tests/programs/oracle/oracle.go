// SPDX-License-Identifier: GPL-2.0-or-later

// Package oracle lets a test program say what it called: one JSON line a call, with the values
// encoded as a tracer with the same limits has to show them.
//
// A line is {"func":NAME,"goid":N,"how":HOW,"settled":BOOL,"args":[VALUE...],"results":[VALUE...],
// "words":["0x1",...]}, in the order in which the calls of one function began.
package oracle

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

type record struct {
	name          string
	goid          int
	how           string
	settled       bool
	args, results string
	words         string
}

var (
	limits  Limits
	mu      sync.Mutex
	records []*record
	settled bool
)

// Main runs a test program: says READY, waits for a byte, makes the calls, says what they were,
// and stays until its standard input ends.
func Main(calls func()) {
	flag.IntVar(&limits.Depth, "depth", 2, "pointers and interfaces followed")
	flag.IntVar(&limits.Strlen, "strlen", 64, "bytes of a string")
	flag.IntVar(&limits.Items, "items", 16, "elements of a slice, array or map")
	twice := flag.Bool("twice", false, "make all calls twice")
	flag.Parse()
	fmt.Println("READY", os.Getpid())
	stdin := bufio.NewReader(os.Stdin)
	if _, err := stdin.ReadByte(); err != nil {
		return
	}
	if *twice {
		Twice(calls)
	} else {
		calls()
	}
	out := bufio.NewWriter(os.Stdout)
	for _, r := range records {
		fmt.Fprintf(out, `{"func":%s,"goid":%d,"how":"%s","settled":%v,"args":[%s],"results":[%s],"words":%s}`+"\n",
			quote(r.name), r.goid, r.how, r.settled, r.args, r.results, r.words)
	}
	fmt.Fprintln(out, "DONE")
	out.Flush()
	for {
		if _, err := stdin.ReadByte(); err != nil {
			return
		}
	}
}

// Twice makes calls twice: first the tracer may yet have to learn their dynamic types, and is given the
// time for that; then it knows them.
func Twice(calls func()) {
	calls()
	time.Sleep(500 * time.Millisecond)
	before := settled
	settled = true
	calls()
	settled = before
}

// Goid is the number of the calling goroutine.
func Goid() int {
	buf := make([]byte, 64)
	buf = buf[:runtime.Stack(buf, false)]
	buf = bytes.TrimPrefix(buf, []byte("goroutine "))
	n, _ := strconv.Atoi(string(buf[:bytes.IndexByte(buf, ' ')]))
	return n
}

func encodeList(values []reflect.Value, names []string, hidden int) string {
	types := make([]reflect.Type, len(values))
	for i, v := range values {
		types[i] = v.Type()
	}
	var list []string
	in := inRegisters(types, hidden)
	for i, v := range values {
		name := "-"
		if i < len(names) {
			name = names[i]
		}
		e := encoder{lim: limits, shape: hidden > 0}
		e.value(v, limits.Depth, in[i])
		list = append(list, fmt.Sprintf(`{"name":%s,"type":%s,"value":%s}`,
			quote(name), quote(v.Type().String()), e.String()))
	}
	return strings.Join(list, ",")
}

// A Call is one call to be made and written down.
type Call struct {
	Name   string      // "" for what the runtime calls it
	Fn     interface{} // the function
	Names  string      // "a b _ = r err"; '-' or nothing where there is no name
	Late   bool        // look at the arguments after the call only
	Hidden int         // words before the first parameter: a generic function's dictionary
}

func (c Call) names() (in, out []string) {
	halves := strings.SplitN(c.Names, "=", 2)
	in = strings.Fields(halves[0])
	if len(halves) == 2 {
		out = strings.Fields(halves[1])
	}
	return in, out
}

func slots(n int, typeOf func(int) reflect.Type, values []interface{}) []reflect.Value {
	list := make([]reflect.Value, n)
	for i := range list {
		list[i] = reflect.New(typeOf(i)).Elem()
		if values[i] != nil {
			v := reflect.ValueOf(values[i])
			if !v.Type().AssignableTo(typeOf(i)) {
				v = v.Convert(typeOf(i))
			}
			list[i].Set(v)
		}
	}
	return list
}

func (c Call) begin(args []interface{}) (*record, []reflect.Value) {
	t := reflect.TypeOf(c.Fn)
	if len(args) != t.NumIn() {
		panic(fmt.Sprintf("%s takes %d arguments", c.Name, t.NumIn()))
	}
	in := slots(t.NumIn(), t.In, args)
	name := c.Name
	if name == "" {
		name = runtime.FuncForPC(reflect.ValueOf(c.Fn).Pointer()).Name()
	}
	r := &record{name: name, goid: Goid(), how: "return", settled: settled}
	if !c.Late {
		names, _ := c.names()
		r.args = encodeList(in, names, c.Hidden)
	}
	r.words = argumentWords(in)
	mu.Lock()
	records = append(records, r)
	mu.Unlock()
	return r, in
}

// Make makes the call and writes it down. A variadic function takes its last argument as a slice.
func (c Call) Make(args ...interface{}) []reflect.Value {
	r, in := c.begin(args)
	inNames, outNames := c.names()
	returned := false
	defer func() {
		if !returned && r.how == "return" {
			r.how = "goexit"
		}
	}()
	out := c.invoke(r, in)
	returned = true
	if c.Late {
		r.args = encodeList(in, inNames, c.Hidden)
	}
	if r.how == "return" {
		addressable := make([]reflect.Value, len(out))
		for i, v := range out {
			addressable[i] = open(v)
		}
		r.results = encodeList(addressable, outNames, c.Hidden)
	}
	return out
}

// invoke calls; a panic is recovered here and written down.
func (c Call) invoke(r *record, in []reflect.Value) (out []reflect.Value) {
	panicking := true
	defer func() {
		if panicking && recover() != nil {
			r.how = "panicked"
		}
	}()
	f := reflect.ValueOf(c.Fn)
	if f.Type().IsVariadic() {
		out = f.CallSlice(in)
	} else {
		out = f.Call(in)
	}
	panicking = false
	return out
}

// Expect writes down a call that the code under test makes by itself. It must be told of in the
// order in which calls of one function begin; nil results with how "panicked" or "goexit".
func (c Call) Expect(how string, args, results []interface{}) {
	r, _ := c.begin(args)
	r.how = how
	if how != "return" {
		return
	}
	t := reflect.TypeOf(c.Fn)
	_, names := c.names()
	r.results = encodeList(slots(t.NumOut(), t.Out, results), names, 0)
}
