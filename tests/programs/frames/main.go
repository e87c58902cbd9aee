// SPDX-License-Identifier: GPL-2.0-or-later

// Program frames walks at random through calls that nest, panic, are recovered, leave their goroutine, yield and grow
// their stack, and says how many calls of fNode it made, and where. It knows by itself which of its functions are
// active; what it says is "WHAT=NUMBER;...". A line of standard input at a time:
//
//	walk G N      in G goroutines N walks each
//	grow N        N times calls below a stack that grows while fOuter is active, and after it has returned
//	exits N       N goroutines that end by Goexit, with calls in what they have deferred
//	panics N      N calls of fRisk that panic, each in a goroutine of its own, and as many deeper and deeper in one
//	texts N       N calls of fText with parts of a constant that nobody looks at
//	risk N        N calls of fRisk, each third of which returns an error
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
)

// A walker is one goroutine's: what is active there, and what it has counted.
type walker struct {
	seed    uint32
	left    int // calls until the walk is over
	active  int // frames of fOuter
	deep    int // frames of fNode, fOuter and fGuard
	counted map[string]int
}

var (
	sink   int
	errOdd = errors.New("odd")
	total  = map[string]int{}
	mutex  sync.Mutex
)

func newWalker(seed int) *walker {
	return &walker{seed: uint32(seed)*2654435761 + 1, counted: map[string]int{}}
}

func (w *walker) random(n int) int {
	w.seed = w.seed*1664525 + 1013904223
	return int(w.seed>>8) % n
}

func (w *walker) done() {
	mutex.Lock()
	defer mutex.Unlock()
	for what, num := range w.counted {
		total[what] += num
	}
}

func say() {
	var lines []string
	for what, num := range total {
		lines = append(lines, fmt.Sprint(what, "=", num))
	}
	sort.Strings(lines)
	fmt.Println(strings.Join(lines, ";"))
	total = map[string]int{}
}

// What a call of fNode is, just before it is made.
func (w *walker) note() {
	w.counted["calls"]++
	w.counted[fmt.Sprint("depth ", w.deep+1)]++
	if w.active > 0 {
		w.counted["within"]++
		if w.left == 11 {
			w.counted["eleven"]++
		}
		w.counted[fmt.Sprint("within depth ", w.deep+1)]++
	}
}

func (w *walker) node() {
	w.note()
	w.deep++
	fNode(w, w.left)
	w.deep--
}

//go:noinline
func fNode(w *walker, n int) int {
	w.step()
	return n + w.left
}

//go:noinline
func fOuter(w *walker, n int) int {
	w.step()
	w.step()
	return n + w.left
}

// fGuard recovers, and goes on.
//
//go:noinline
func fGuard(w *walker, n int) (ret int) {
	active, deep := w.active, w.deep
	defer func() {
		if w.random(3) == 0 {
			w.node() // while a panic may be under way
		}
		if recover() != nil {
			w.active, w.deep = active, deep
			ret = -1
		}
	}()
	w.step()
	return n + w.left
}

// guard does as fGuard, and nobody is asked to trace it.
//
//go:noinline
func guard(w *walker) {
	active, deep := w.active, w.deep
	defer func() {
		if recover() != nil {
			w.active, w.deep = active, deep
		}
	}()
	w.step()
}

//go:noinline
func wide(w *walker) int {
	var room [90]int
	room[w.left%90] = w.left
	w.step()
	return room[(w.left+1)%90]
}

// step does one or two things at random.
//
//go:noinline
func (w *walker) step() {
	for times := 1 + w.random(2); times > 0 && w.left > 0; times-- {
		w.left--
		switch w.random(12) {
		case 0, 1, 2:
			w.node()
		case 3, 4:
			w.active++
			w.deep++
			sink += fOuter(w, w.left)
			w.active--
			w.deep--
		case 5:
			w.deep++
			sink += fGuard(w, w.left)
			w.deep--
		case 6:
			guard(w)
		case 7, 8:
			sink += wide(w)
		case 9:
			runtime.Gosched()
		case 10:
			if w.random(3) == 0 {
				panic("by chance")
			}
		case 11:
			sink += grow(w, 3+w.random(60))
		}
	}
}

// grow takes stack, and steps at its end.
//
//go:noinline
func grow(w *walker, n int) int {
	var room [40]int
	room[n%40] = n
	if n > 0 {
		return grow(w, n-1) + room[(n+1)%40]
	}
	w.step()
	return room[0]
}

func walk(goroutines, num int) {
	var wait sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		wait.Add(1)
		go func(g int) {
			defer wait.Done()
			w := newWalker(g)
			for i := 0; i < num; i++ {
				w.left = 40
				guard(w)
				if w.active != 0 || w.deep != 0 {
					fmt.Println("wrong", w.active, w.deep)
				}
			}
			w.done()
		}(g)
	}
	wait.Wait()
	say()
}

//go:noinline
func growing(w *walker) {
	w.active++
	w.deep++
	fOuterGrows(w, 3000)
	w.active--
	w.deep--
	w.left = 0
	sink += grow(w, 1000)
	w.node() // from another depth
	sink += deeper(w, 500)
}

// fOuterGrows is fOuter with a stack that is copied while it is active.
//
//go:noinline
func fOuterGrows(w *walker, n int) int { return deeper(w, n) + 1 }

//go:noinline
func deeper(w *walker, n int) int {
	var room [20]int
	room[n%20] = n
	if n > 0 {
		return deeper(w, n-1) + room[(n+1)%20]
	}
	w.left = 0
	w.node()
	return 0
}

func alone(num int, do func(w *walker)) {
	for i := 0; i < num; i++ {
		done := make(chan bool)
		go func(i int) {
			defer close(done)
			do(newWalker(i))
		}(i)
		<-done
	}
	say()
}

func exits(w *walker) {
	defer w.done()
	defer func() {
		w.left = 0
		w.node()
	}()
	w.active++
	w.deep++
	fOuterExits(w)
}

//go:noinline
func fOuterExits(w *walker) {
	defer w.node()
	w.left = 0
	w.node()
	runtime.Goexit()
}

//go:noinline
func fRisk(n int, text string) (int, error) {
	if n%3 == 2 {
		return n, errOdd
	}
	if n < 0 {
		panic(text)
	}
	return n, nil
}

//go:noinline
func risky(n int) {
	defer func() { recover() }()
	_, err := fRisk(n, "text")
	if err != nil {
		mutex.Lock()
		total["errors"]++
		mutex.Unlock()
	}
}

//go:noinline
func riskyBelow(n int) {
	var room [10]int
	room[n%10] = n
	if n > 0 {
		riskyBelow(n - 1)
	}
	risky(-1)
	sink += room[(n+1)%10]
}

func panics(num int) {
	var wait sync.WaitGroup
	for i := 0; i < num; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			risky(-1)
		}()
	}
	wait.Wait()
	riskyBelow(num)
	say()
}

// A constant of a mebibyte, so that most of its pages are never touched.
const (
	text16 = "0123456789abcdef"
	text1K = text256 + text256 + text256 + text256
	text1M = text256K + text256K + text256K + text256K

	text64   = text16 + text16 + text16 + text16
	text256  = text64 + text64 + text64 + text64
	text4K   = text1K + text1K + text1K + text1K
	text16K  = text4K + text4K + text4K + text4K
	text64K  = text16K + text16K + text16K + text16K
	text256K = text64K + text64K + text64K + text64K
)

//go:noinline
func fText(text string) int {
	if len(text) > 1<<30 {
		fmt.Println(text)
	}
	return len(text)
}

func main() {
	fmt.Println("READY", os.Getpid())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var what string
		var a, b int
		fmt.Sscan(in.Text(), &what, &a, &b)
		switch what {
		case "walk":
			walk(a, b)
		case "grow":
			alone(a, func(w *walker) { growing(w); w.done() })
		case "exits":
			alone(a, exits)
		case "panics":
			panics(a)
		case "texts":
			for i := 0; i < a; i++ {
				from := i%256*4096 + 100
				sink += fText(text1M[from : from+10])
			}
		case "risk":
			for i := 0; i < a; i++ {
				risky(i)
			}
			say()
		}
		fmt.Println("OK")
	}
}
