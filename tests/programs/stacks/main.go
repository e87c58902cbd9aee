// SPDX-License-Identifier: GPL-2.0-or-later

// Program stacks calls sHere from many kinds of places, and says for each call which stack runtime.Callers saw
// there: a line "ID CREATOR FRAME FRAME...", where a FRAME is FUNC@FILE:LINE, and + behind it if it was inlined. The
// frames that start a goroutine are left out. CREATOR is what runtime.Stack says of the goroutine's go statement,
// FUNC@FILE:LINE#GOROUTINE, or "-".
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strings"
	"sync"
)

var (
	said  []string
	lock  sync.Mutex
	calls int
	sink  int
)

// sHere is what is traced.
//
//go:noinline
func sHere(id int) int {
	return note(id, 3)
}

// sLeaf has no stack check.
//
//go:noinline
func sLeaf(id int) int { return id + 1 }

//go:noinline
func note(id int, skip int) int {
	pcs := make([]uintptr, 400)
	pcs = pcs[:runtime.Callers(skip, pcs)]
	frames := runtime.CallersFrames(pcs)
	var out []string
	for {
		frame, more := frames.Next()
		if frame.Function != "runtime.goexit" && frame.Function != "runtime.main" {
			inlined := ""
			if frame.Func == nil {
				inlined = "+"
			}
			out = append(out, fmt.Sprintf("%s@%s:%d%s", frame.Function, frame.File, frame.Line, inlined))
		}
		if !more {
			break
		}
	}
	lock.Lock()
	defer lock.Unlock()
	said = append(said, fmt.Sprintf("%d %s %s", id, creator(), strings.Join(out, " ")))
	calls++
	return id
}

func creator() string {
	text := make([]byte, 1<<16)
	text = text[:runtime.Stack(text, false)]
	_, rest, found := cut(string(text), "\ncreated by ")
	if !found {
		return "-"
	}
	name, rest, _ := cut(rest, "\n\t")
	place, _, _ := cut(rest, " ")
	name, goroutine, _ := cut(name, " in goroutine ")
	return name + "@" + strings.TrimSpace(place) + "#" + goroutine
}

func cut(s, sep string) (string, string, bool) {
	if i := strings.Index(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func next() int {
	lock.Lock()
	defer lock.Unlock()
	sink++
	return sink
}

//go:noinline
func plain() { sHere(next()); sink += 0 }

func inlinedOnce(id int) int { return sHere(id) + 1 }

func inlinedTwice(id int) int { return inlinedOnce(id) + 2 }

//go:noinline
func inlining() {
	a := inlinedTwice(next())
	b := inlinedOnce(next())
	sLeaf(a + b)
}

//go:noinline
func deep(n int) int {
	var room [64]byte
	room[n%64] = byte(n)
	if n == 0 {
		return sHere(next()) + int(room[0])
	}
	return deep(n-1) + int(room[n%64])
}

//go:noinline
func large() int {
	var room [8192]byte
	room[sink%len(room)] = 1
	r := sHere(next())
	return r + int(room[r%len(room)])
}

type speaker interface{ Speak(n int) int }

type inner struct{ a, b int }

//go:noinline
func (i *inner) Speak(n int) int { return sHere(next()) + n + i.a }

//go:noinline
func (i inner) Value(n int) int { return sHere(next()) + n + i.b }

type outer struct {
	x int
	*inner
}

type valued interface{ Value(n int) int }

//go:noinline
func methods() {
	i := &inner{1, 2}
	i.Speak(1)
	f := i.Speak
	f(2)
	g := i.Value
	g(3)
	h := (*inner).Speak
	h(i, 4)
	for _, s := range []speaker{i, outer{1, i}, &outer{2, i}} {
		s.Speak(5)
	}
	for _, v := range []valued{i, *i, &outer{3, i}} {
		v.Value(6)
	}
	func(values ...func(int) int) {
		for _, value := range values {
			value(7)
		}
	}(outer{4, i}.Speak, (&outer{5, i}).Value)
}

//go:noinline
func closures() {
	x := 1
	f := func() int { return sHere(next()) + x }
	f()
	g := func(h func() int) int { return h() + x }
	x += g(f)
	func() {
		defer func() { x++ }()
		sHere(next())
	}()
}

//go:noinline
func deferred() {
	defer sHere(next())
	defer func() { sHere(next()) }()
	for i := 0; i < 2; i++ {
		defer func(n int) { sHere(next() + n - n) }(i)
	}
	sHere(next())
}

//go:noinline
func panicking(fault func()) {
	defer func() {
		recover()
		sHere(next())
	}()
	defer func() { sHere(next()) }()
	fault()
}

type list struct {
	next *list
	n    int
}

//go:noinline
func faulting(l *list) int {
	sLeaf(1)
	return l.next.n
}

func panics() {
	panicking(func() { panic("on purpose") })
	panicking(func() { sink += faulting(&list{}) })
	var zero, numbers = 0, []int{1}
	panicking(func() { sink += 1 / zero })
	panicking(func() { sink += numbers[sLeaf(3)] })
	var nobody speaker
	panicking(func() { nobody.Speak(1) })
}

func library() {
	numbers := []int{3, 1, 2}
	sort.Slice(numbers, func(i, j int) bool {
		sHere(next())
		return numbers[i] < numbers[j]
	})
	var once sync.Once
	once.Do(func() { sHere(next()) })
	once.Do(plain)
	strings.Map(func(r rune) rune { sHere(next()); return r }, "ab")
	reflect.ValueOf(inlinedTwice).Call([]reflect.Value{reflect.ValueOf(next())})
	reflect.ValueOf(&inner{1, 2}).MethodByName("Speak").Call([]reflect.Value{reflect.ValueOf(1)})
	made := reflect.MakeFunc(reflect.TypeOf(plain), func([]reflect.Value) []reflect.Value { sHere(next()); return nil })
	made.Interface().(func())()
}

func wait(run func(done func())) {
	var group sync.WaitGroup
	group.Add(1)
	run(group.Done)
	group.Wait()
}

//go:noinline
func started(n int, done func()) {
	defer done()
	sHere(next() + n - n)
}

//go:noinline
func (i *inner) started(done func()) {
	sHere(next())
	done()
}

// thin has no frame pointer in releases before 1.21.
//
//go:noinline
//go:nosplit
func thin() { plain() }

func goroutines() {
	wait(func(done func()) { go started(1, done) })
	wait(func(done func()) { go func() { sHere(next()); done() }() })
	wait(func(done func()) { go (&inner{1, 2}).started(done) })
	wait(func(done func()) { go func() { deep(100); done() }() })
	wait(func(done func()) { go func() { large(); done() }() })
	wait(func(done func()) {
		go func() {
			go func() { sHere(next()); done() }()
		}()
	})
}

var early = sHere(next())

func init() {
	sHere(next())
}

func main() {
	fmt.Println("READY", os.Getpid())
	bufio.NewReader(os.Stdin).ReadString('\n')
	plain()
	inlining()
	deep(3)
	deep(60)
	large()
	methods()
	closures()
	deferred()
	panics()
	library()
	goroutines()
	more()
	thin()
	outside()
	for i := 0; i < 3; i++ {
		plain()
	}
	for _, line := range said {
		fmt.Println(line)
	}
	fmt.Println("DONE")
}
