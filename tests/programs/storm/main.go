// SPDX-License-Identifier: GPL-2.0-or-later

// Program storm calls functions from many goroutines at once, with growing stacks, forced
// collections, panics, Goexit and changing threads, and counts each call itself. Each result
// follows from the argument, so that a wrong pairing shows.
//
//	storm [-goroutines N] [-rounds N] [-loop]
//
// It says READY, waits for a byte, storms (with -loop until the next byte), and says its counts
// as one JSON line.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A count is what became of one function's calls.
type count struct {
	entries, returns, panicked, goexit uint64
}

var (
	leaf, recurse, text, throw, catch, leave, yield, wide, method, spawned count
	wrong                                                                  uint64
)

func (c *count) enter()  { atomic.AddUint64(&c.entries, 1) }
func (c *count) finish() { atomic.AddUint64(&c.returns, 1) }

//go:noinline
func sLeaf(x int) int {
	leaf.enter()
	leaf.finish()
	return 3*x + 1
}

//go:noinline
func sRecurse(id, n int) int {
	recurse.enter()
	defer recurse.finish()
	var frame [300]byte
	frame[n%300] = 1
	if n == 0 {
		return id
	}
	return sRecurse(id, n-1) + int(frame[n%300])
}

//go:noinline
func sText(s string, b []byte) (string, error) {
	text.enter()
	r := "R:" + s + "/" + string(b)
	text.finish()
	return r, nil
}

// sThrow never returns: what it throws at the bottom is recovered and thrown anew on the way up.
//
//go:noinline
func sThrow(id, n int) int {
	throw.enter()
	atomic.AddUint64(&throw.panicked, 1)
	if n == 0 {
		panic(id)
	}
	if n%3 == 0 {
		defer func() {
			x := recover()
			check(sLeaf(id) == 3*id+1)
			panic(x)
		}()
	}
	return sThrow(id, n-1) + 1
}

//go:noinline
func sCatch(id, n int) (r int) {
	catch.enter()
	defer catch.finish()
	defer func() {
		check(sLeaf(n) == 3*n+1)
		if x, ok := recover().(int); ok {
			r = 2*x + 5
		}
	}()
	return sThrow(id, n)
}

//go:noinline
func sLeave(id int) int {
	leave.enter()
	if id%2 == 0 {
		atomic.AddUint64(&leave.goexit, 1)
		runtime.Goexit()
	}
	leave.finish()
	return id
}

// sYield comes back on another thread, often.
//
//go:noinline
func sYield(id int) int {
	yield.enter()
	if id%5 == 0 {
		time.Sleep(time.Microsecond)
	} else {
		runtime.Gosched()
	}
	yield.finish()
	return -id
}

//go:noinline
func sWide(a, b, c, d, e, f, g, h, i, j, k int) (l, m, n, o, p, q, r, s, t, u, v int) {
	wide.enter()
	wide.finish()
	return k, j, i, h, g, f, e, d, c, b, a
}

type sTree struct {
	id          int
	left, right *sTree
}

//go:noinline
func (t *sTree) sSum(above int) int {
	method.enter()
	defer method.finish()
	sum := t.id + above
	if t.left != nil {
		sum += t.left.sSum(0)
	}
	if t.right != nil {
		sum += t.right.sSum(0)
	}
	return sum
}

//go:noinline
func sSpawned(id int, done *sync.WaitGroup) {
	defer done.Done()
	spawned.enter()
	check(sLeaf(id) == 3*id+1)
	spawned.finish()
}

func check(ok bool) {
	if !ok {
		atomic.AddUint64(&wrong, 1)
	}
}

func plant(id, depth int) *sTree {
	t := &sTree{id: id}
	if depth > 0 {
		t.left, t.right = plant(id, depth-1), plant(id, depth-1)
	}
	return t
}

func round(worker, i int) {
	id := worker*100000 + i
	check(sLeaf(id) == 3*id+1)
	check(sYield(id) == -id)
	name := fmt.Sprint("g", worker, "-", i)
	s, err := sText(name, []byte(name))
	check(err == nil && s == "R:"+name+"/"+name)
	check(sCatch(id, i%7) == 2*id+5)
	l, _, _, _, _, _, _, _, _, _, v := sWide(id, 2, 3, 4, 5, 6, 7, 8, 9, 10, -id)
	check(l == -id && v == id)
	check(plant(id, 2).sSum(1) == 7*id+1)
	if i%8 == 0 {
		var done sync.WaitGroup
		done.Add(3)
		// A fresh goroutine has a small stack that must grow.
		go func() {
			defer done.Done()
			depth := 20 + i%100
			check(sRecurse(id, depth) == id+depth)
		}()
		go func() {
			defer done.Done()
			leaving := id + worker
			check(sLeave(leaving) == leaving && leaving%2 == 1)
		}()
		go sSpawned(id, &done)
		done.Wait()
	}
}

func storm(goroutines, rounds int, stop *uint32) {
	var all sync.WaitGroup
	var over uint32
	go func() {
		for atomic.LoadUint32(&over) == 0 {
			runtime.GC()
			time.Sleep(2 * time.Millisecond)
		}
	}()
	for w := 0; w < goroutines; w++ {
		all.Add(1)
		go func(w int) {
			defer all.Done()
			if w%8 == 0 {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			for i := 0; i < rounds && atomic.LoadUint32(stop) == 0; i++ {
				round(w, i)
			}
		}(w)
	}
	all.Wait()
	atomic.StoreUint32(&over, 1)
}

func report() {
	counts := map[string]*count{
		"main.sLeaf": &leaf, "main.sRecurse": &recurse, "main.sText": &text, "main.sThrow": &throw, "main.sCatch": &catch,
		"main.sLeave": &leave, "main.sYield": &yield, "main.sWide": &wide, "main.(*sTree).sSum": &method, "main.sSpawned": &spawned,
	}
	var list []string
	for name, c := range counts {
		list = append(list, fmt.Sprintf(`"%s":{"entries":%d,"return":%d,"panicked":%d,"goexit":%d}`,
			name, c.entries, c.returns, c.panicked, c.goexit))
	}
	sort.Strings(list)
	fmt.Printf("{\"wrong\":%d,\"functions\":{%s}}\n", wrong, strings.Join(list, ","))
}

func main() {
	goroutines := flag.Int("goroutines", 64, "goroutines")
	rounds := flag.Int("rounds", 60, "rounds of each")
	loop := flag.Bool("loop", false, "storm until a second byte comes")
	flag.Parse()
	fmt.Println("READY", os.Getpid())
	stdin := bufio.NewReader(os.Stdin)
	if _, err := stdin.ReadByte(); err != nil {
		return
	}
	var stop uint32
	if *loop {
		*rounds = 1 << 40
		go func() {
			stdin.ReadByte()
			atomic.StoreUint32(&stop, 1)
		}()
	}
	storm(*goroutines, *rounds, &stop)
	report()
	for {
		if _, err := stdin.ReadByte(); err != nil {
			return
		}
	}
}
