// SPDX-License-Identifier: GPL-2.0-or-later

// Program tracee does what a tracer by ptrace has to let happen: signals, stops, threads, processes.
// It does as it is told, a line of standard input at a time, and says OK when it is done:
//
//	calls N      call kWork N times
//	busy         have goroutines call kWork for ever, in threads of their own
//	idle         have them end, and say how many calls they made
//	signals      say how many of each signal there were since the last time
//	preempt N    collect garbage N times while a goroutine runs a loop without calls
//	threads N    have N goroutines call kWork, each in a thread that ends with it
//	fork N       have N copies of the process call kWork, and say how they ended
//	cfork N      the same in C, where a copy looks at the code of kWork, and say if it is changed here
//	start N      start N processes and wait for them
//	trap         execute a breakpoint of its own
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

//go:noinline
func kWork(n int, s string) int { return n + len(s) }

// kCopy runs in a process that is a copy of this one, where Go's runtime has but one thread.
//
//go:noinline
//go:nosplit
func kCopy(n int) int { return n + 2 }

var (
	mu      sync.Mutex
	signals = map[string]int{}
	stop    int32
	running sync.WaitGroup
	made    int64
	spin    int32
	work    = kWork
	code    = append([]byte{}, own()...) // as in the file
)

// own is the code of kWork as it is now.
func own() []byte {
	entry := **(**unsafe.Pointer)(unsafe.Pointer(&work))
	return (*[48]byte)(entry)[:]
}

func count(c chan os.Signal) {
	for s := range c {
		mu.Lock()
		signals[s.String()]++
		mu.Unlock()
	}
}

func busy() {
	atomic.StoreInt32(&stop, 0)
	for i := 0; i < 3; i++ {
		running.Add(1)
		go func() {
			defer running.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for n := 0; atomic.LoadInt32(&stop) == 0; n++ {
				if kWork(n, "busy") != n+4 {
					panic("wrong result")
				}
				atomic.AddInt64(&made, 1)
			}
		}()
	}
}

func preempt(n int) {
	atomic.StoreInt32(&spin, 1)
	done := make(chan int)
	go func() {
		for atomic.LoadInt32(&spin) != 0 { // inlined, so nothing here yields
		}
		done <- 1
	}()
	for i := 0; i < n; i++ {
		kWork(i, "collect")
		runtime.GC()
	}
	atomic.StoreInt32(&spin, 0)
	<-done
}

func threads(n int) {
	var all sync.WaitGroup
	for i := 0; i < n; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			runtime.LockOSThread() // and it is never unlocked, so the thread ends with the goroutine
			kWork(i, "thread")
		}(i)
	}
	all.Wait()
}

func fork(n int) {
	for i := 0; i < n; i++ {
		kWork(i, "before")
		pid, _, errno := syscall.RawSyscall(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
		if errno != 0 {
			fmt.Println("fork:", errno)
			return
		}
		if pid == 0 {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, uintptr(kCopy(40)), 0, 0)
		}
		var status syscall.WaitStatus
		syscall.Wait4(int(pid), &status, 0, nil)
		if status.ExitStatus() != 42 {
			fmt.Println("a copy ended with", int(status))
		}
	}
}

func do(words []string) {
	n := 0
	if len(words) > 1 {
		n, _ = strconv.Atoi(words[1])
	}
	switch words[0] {
	case "calls":
		for i := 0; i < n; i++ {
			kWork(i, "text")
		}
	case "busy":
		busy()
	case "idle":
		atomic.StoreInt32(&stop, 1)
		running.Wait()
		fmt.Println("made", atomic.SwapInt64(&made, 0))
	case "made":
		fmt.Println("made", atomic.LoadInt64(&made))
	case "signals":
		mu.Lock()
		var list []string
		for name, n := range signals {
			list = append(list, fmt.Sprint(name, " ", n))
		}
		signals = map[string]int{}
		mu.Unlock()
		sort.Strings(list)
		fmt.Println(strings.Join(list, ", "))
	case "preempt":
		preempt(n)
	case "threads":
		threads(n)
	case "fork":
		fork(n)
	case "cfork":
		for i := 0; i < n; i++ {
			kWork(i, "before")
			if status := cfork(code, own()); status != 0 {
				fmt.Println("a copy in C ended with", status)
			}
		}
		if !bytes.Equal(code, own()) {
			fmt.Println("changed")
		}
	case "start":
		for i := 0; i < n; i++ {
			kWork(i, "before")
			if err := exec.Command("/bin/true").Run(); err != nil {
				fmt.Println("start:", err)
			}
		}
	case "trap":
		runtime.Breakpoint()
	case "exit":
		os.Exit(n)
	}
}

func main() {
	c := make(chan os.Signal, 1000)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGCONT, syscall.SIGWINCH, syscall.SIGTRAP)
	go count(c)
	fmt.Println("READY", os.Getpid())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if words := strings.Fields(in.Text()); len(words) > 0 {
			do(words)
		}
		fmt.Println("OK")
	}
}
