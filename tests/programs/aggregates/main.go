// SPDX-License-Identifier: GPL-2.0-or-later

// Program aggregates makes calls that differ by who asks, for how much, from where and how they end, a line of
// standard input at a time, and says how many of each it made:
//
//	calls G N     have G goroutines call aGet N times each
//	risk N        call aRisky N times: it panics each fifth time, and its caller recovers
//	within N      call aWork N times within aOuter and as often elsewhere, with panics between
//	loop N        call aLoop N times
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
)

type aUser struct {
	name string
	age  int16
}

type aRequest struct {
	id    int64
	user  *aUser
	large bool
}

var (
	sink     int
	errOdd   = errors.New("odd")
	mutex    sync.Mutex
	counted  = map[string]int{}
	longName = strings.Repeat("long ", 20)
	longest  = strings.Repeat("longest ", 40)
)

func count(what ...interface{}) {
	mutex.Lock()
	defer mutex.Unlock()
	counted[strings.TrimSpace(fmt.Sprintln(what...))]++
}

func say() {
	var lines []string
	for what, num := range counted {
		lines = append(lines, fmt.Sprint(what, "=", num))
	}
	sort.Strings(lines)
	fmt.Println(strings.Join(lines, ";"))
	counted = map[string]int{}
}

//go:noinline
func aGrow(n int) int {
	if n < 0 {
		sink++
		return aGrow(n + 1)
	}
	return n
}

//go:noinline
func aGet(request *aRequest, name string, data []byte, n int8) (length uint16, err error) {
	if n%3 == 0 {
		return 0, errOdd
	}
	return uint16(aGrow(len(name)) + len(data)), nil
}

//go:noinline
func aFirst(request *aRequest, name string, n int) {
	length, err := aGet(request, name, make([]byte, n%4), int8(n%100-50))
	note("aFirst", request, name, n, length, err)
}

//go:noinline
func aSecond(request *aRequest, name string, n int) {
	length, err := aGet(request, name, make([]byte, n%4), int8(n%100-50))
	note("aSecond", request, name, n, length, err)
}

func note(from string, request *aRequest, name string, n int, length uint16, err error) {
	count("calls")
	count("from", from)
	count("name", strings.TrimSpace(name))
	count("user", request.user.name, request.user.age)
	count("large", request.large)
	count("data", n%4)
	count("n", int8(n%100-50))
	count("length", length)
	count("four", request.user.name, request.large, length, from)
	if err != nil {
		count("errors")
	}
}

func calls(goroutines, num int) {
	names := []string{"alice", "bob", strings.Repeat("x", 3), longName,
		longName + "a", longName + "b", longest + "a", longest + "b"}
	users := []*aUser{{strings.Repeat("v", 2), 30}, {strings.Repeat("w", 2), -7}}
	var wait sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		wait.Add(1)
		go func(g int) {
			defer wait.Done()
			for i := 0; i < num; i++ {
				request := &aRequest{int64(i), users[i%2], i%5 == 0}
				if i%3 == 0 {
					aFirst(request, names[(i+g)%8], i)
				} else {
					aSecond(request, names[(i+g)%8], i)
				}
			}
		}(g)
	}
	wait.Wait()
	say()
}

//go:noinline
func aRisky(n int) (int, error) {
	if n%5 == 4 {
		panic("fifth")
	}
	if n%5 == 3 {
		return 0, errOdd
	}
	return aGrow(n), nil
}

//go:noinline
func aSafe(n int) {
	defer func() {
		if recover() != nil {
			count("panics")
		}
	}()
	count("calls")
	if _, err := aRisky(n); err != nil {
		count("errors")
	}
	count("returns")
}

//go:noinline
func aWork(n int) int { return aGrow(n) + 1 }

// aOuter calls itself, and aWork on its way down and up.
//
//go:noinline
func aOuter(n, deep int) {
	count("within")
	sink += aWork(n)
	if deep > 0 {
		aOuter(n, deep-1)
	} else if n%3 == 2 {
		panic("in its depth")
	}
	count("within")
	sink += aWork(n)
}

// aBelow calls aWork from further down the stack than aOuter calls it.
//
//go:noinline
func aBelow(n, deep int) {
	var room [64]int
	room[n%64] = n
	if deep > 0 {
		aBelow(n, deep-1)
	} else {
		count("outside")
		sink += aWork(n)
	}
	sink += room[(n+1)%64]
}

// aMiddle is active while aOuter panics below it and is recovered.
//
//go:noinline
func aMiddle(n int) {
	defer func() { recover() }()
	aOuter(n, 2)
}

func within(num int) {
	for i := 0; i < num; i++ {
		aMiddle(i)
		aBelow(i, 3)
	}
	say()
}

//go:noinline
func aLoop(n int) int { return aGrow(n) + 1 }

func main() {
	fmt.Println("READY", os.Getpid())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var what string
		var a, b int
		fmt.Sscan(in.Text(), &what, &a, &b)
		switch what {
		case "calls":
			calls(a, b)
		case "risk":
			for i := 0; i < a; i++ {
				aSafe(i)
			}
			say()
		case "within":
			within(a)
		case "loop":
			for i := 0; i < a; i++ {
				sink += aLoop(i)
			}
		case "quit":
			return
		}
		fmt.Println("OK")
	}
}
