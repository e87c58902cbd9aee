// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// hAsm is written in assembly.
func hAsm(a, b int) int

//go:noinline
func hDeferred(n int, s string) { hWork(n, s) }

//go:noinline
func hStarted(n int, s string, done *sync.WaitGroup) {
	defer done.Done()
	defer hDeferred(n, s)
}

// started has functions called by go and defer statements, with arguments. All have returned when it
// returns, which is later than that they are done.
func started(n int) {
	var done sync.WaitGroup
	before := runtime.NumGoroutine()
	for i := 0; i < n; i++ {
		done.Add(1)
		go hStarted(i, "started", &done)
	}
	done.Wait()
	for runtime.NumGoroutine() > before {
		time.Sleep(time.Millisecond)
	}
}

type slice struct {
	data     uintptr
	len, cap int
}

//go:noinline
func hBad(kind int, s string, b []byte, l []*hStore, p *hStore, m map[string]int, i interface{}, e error, c chan int, f func()) int {
	return kind
}

// bad calls a function with what no right program has: its arguments lead nowhere, and it does not follow them.
func bad(where uintptr, length int) {
	header := slice{where, length, length}
	var any interface{} = 5
	var err error
	word := func(p unsafe.Pointer, i int) *uintptr { return (*uintptr)(unsafe.Pointer(uintptr(p) + uintptr(i)*8)) }
	*word(unsafe.Pointer(&any), 0) = where
	*word(unsafe.Pointer(&any), 1) = where
	*word(unsafe.Pointer(&err), 0) = where
	*word(unsafe.Pointer(&err), 1) = where
	address := unsafe.Pointer(&where)
	hBad(length, *(*string)(unsafe.Pointer(&header)), *(*[]byte)(unsafe.Pointer(&header)), *(*[]*hStore)(unsafe.Pointer(&header)),
		*(**hStore)(address), *(*map[string]int)(address), any, err, *(*chan int)(address), *(*func())(address))
	any, err = nil, nil
}

// badly does so with addresses of many kinds: low, not canonical, the kernel's, not mapped, and not a value's.
func badly() {
	var local [64]uintptr
	for i := range local {
		local[i] = uintptr(i) << 58
	}
	code := **(**uintptr)(unsafe.Pointer(&[]func(){badly}[0]))
	for _, where := range []uintptr{1, 0x10, 0xfff, 0x7fffffffe000, 0x800000000000, 1 << 63, ^uintptr(0), ^uintptr(0) - 7, code, code + 1} {
		for _, length := range []int{0, 1, 100, 1 << 20, 1 << 60, -1, -1 << 63} {
			bad(where, length)
		}
	}
	fmt.Println(hAsm(40, 2))
}
