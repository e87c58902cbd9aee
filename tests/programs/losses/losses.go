// SPDX-License-Identifier: GPL-2.0-or-later

// Calls as fast as they go, from two goroutines, until its input ends. Each result follows from its argument.
package main

import (
	"fmt"
	"io"
	"io/ioutil"
	"os"
	"sync"
	"sync/atomic"
)

var (
	calls int64
	ended int32
)

//go:noinline
func hit(i int) (int, error) {
	atomic.AddInt64(&calls, 1)
	return i + 5, nil
}

func main() {
	fmt.Println("READY", os.Getpid())
	var word string
	fmt.Scanln(&word)
	var group sync.WaitGroup
	for i := 0; i < 2; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; atomic.LoadInt32(&ended) == 0; i++ {
				hit(i)
			}
		}()
	}
	io.Copy(ioutil.Discard, os.Stdin)
	atomic.StoreInt32(&ended, 1)
	group.Wait()
	fmt.Println("CALLS", calls)
}
