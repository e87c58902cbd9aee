// SPDX-License-Identifier: GPL-2.0-or-later

// Program target does as it is told, a line of standard input at a time, and says when it is done:
//
//	calls N       call work N times
//	tick N        have each of N goroutines say its number and call tick
//	slow          have a goroutine begin a call that lasts until "release"
//	start N       have functions called by go and defer statements
//	bad           call a function with arguments that lead nowhere, and one in assembly
//	busy N        have N goroutines call work all the time, until "rest", which says how often and how
//	              many results were wrong
//	fork N        start N processes and wait for them
//	exec PATH...  become another program
//	panic, exit N
//
// With arguments it does the same without asking: target calls 3 exit 5.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

var early = hInit(5, "variable")

func init() {
	hInit(6, "function")
}

//go:noinline
func hInit(n int, s string) int { return n + len(s) }

//go:noinline
func hWork(n int, s string) (int, error) {
	if n%10 == 9 {
		return 0, errors.New("nine")
	}
	return n * 2, nil
}

//go:noinline
func hOuter(n int) int {
	m, _ := hWork(n, "inner")
	return m + 1
}

//go:noinline
func hTick(goid int) int { return goid }

//go:noinline
func hSlow(n int, release chan int) int {
	entered <- true
	return n + <-release
}

type hStore struct {
	Name  string
	Items map[string]int
	Next  *hStore
}

//go:noinline
func (s *hStore) Get(key string) (int, bool) {
	n, ok := s.Items[key]
	return n, ok
}

func goid() int {
	buf := make([]byte, 64)
	buf = bytes.TrimPrefix(buf[:runtime.Stack(buf, false)], []byte("goroutine "))
	n, _ := strconv.Atoi(string(buf[:bytes.IndexByte(buf, ' ')]))
	return n
}

var (
	release = make(chan int)
	entered = make(chan bool)
	slow    sync.WaitGroup
	store   = &hStore{"store", map[string]int{"a": 1}, &hStore{Name: "next"}}
)

func calls(n int) {
	for i := 0; i < n; i++ {
		hWork(i, "text")
		if i%3 == 0 {
			hOuter(i)
		}
		if i%5 == 0 {
			store.Get("a")
		}
	}
}

var (
	working         sync.WaitGroup
	resting         int32
	worked, mistook uint64
)

func busy(n int) {
	resting = 0
	for i := 0; i < n; i++ {
		working.Add(1)
		go func() {
			defer working.Done()
			for j := 0; atomic.LoadInt32(&resting) == 0; j++ {
				n, err := hWork(j, "busy")
				if err == nil && n != 2*j || (err != nil) != (j%10 == 9) {
					atomic.AddUint64(&mistook, 1)
				}
				atomic.AddUint64(&worked, 1)
			}
		}()
	}
}

func rest() {
	atomic.StoreInt32(&resting, 1)
	working.Wait()
	fmt.Println("busy", worked, mistook)
}

func tick(n int) {
	var all sync.WaitGroup
	lines := make([]string, n)
	for i := range lines {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			id := goid()
			lines[i] = fmt.Sprint("goid ", hTick(id))
			for j := 0; j < i; j++ {
				hTick(id)
			}
		}(i)
	}
	all.Wait()
	fmt.Println(strings.Join(lines, "\n"))
}

// do obeys one command and gives back how many words it took.
func do(words []string) int {
	number := func() int {
		if len(words) < 2 {
			return 0
		}
		n, _ := strconv.Atoi(words[1])
		return n
	}
	switch words[0] {
	case "calls":
		calls(number())
	case "tick":
		tick(number())
	case "slow":
		slow.Add(1)
		go func() {
			defer slow.Done()
			fmt.Println("slow", hSlow(40, release))
		}()
		<-entered
		return 1
	case "release":
		release <- 2
		slow.Wait()
		return 1
	case "busy":
		busy(number())
	case "rest":
		rest()
		return 1
	case "start":
		started(number())
	case "bad":
		badly()
		return 1
	case "fork":
		for i := 0; i < number(); i++ {
			hWork(i, "before fork")
			if err := exec.Command("/bin/true").Run(); err != nil {
				fmt.Println("fork:", err)
			}
		}
	case "exec":
		err := syscall.Exec(words[1], words[1:], os.Environ())
		fmt.Println("exec:", err)
	case "panic":
		panic("as told")
	case "kill":
		syscall.Kill(os.Getpid(), syscall.Signal(number()))
		select {}
	case "exit":
		os.Exit(number())
	}
	return 2
}

// small is inlined, and has no code of its own.
func small(n int) int { return n * 3 }

func main() {
	if small(len(os.Args)) > 3 {
		for words := os.Args[1:]; len(words) > 0; words = words[do(words):] {
		}
		return
	}
	fmt.Println("READY", os.Getpid())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if words := strings.Fields(in.Text()); len(words) > 0 {
			do(words)
		}
		fmt.Println("OK")
	}
}
