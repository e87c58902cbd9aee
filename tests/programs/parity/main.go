// SPDX-License-Identifier: GPL-2.0-or-later

// Program parity makes the same calls in the same order each time it runs, so that two traces of it can
// be held equal: first one goroutine, then several that hand a token on, so that only the one that has
// it calls what is traced. All that is to be traced is a function whose name starts with p, or a
// method of such a type.
//
// It says READY, waits for a byte, makes its calls, says "DONE N M" with their number and that of the first
// goroutine's, and stays until its standard input ends.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

const members, laps = 8, 5

var calls int // only the goroutine that has the token counts

type pNode struct {
	ID    int
	Name  string
	Ratio float64
	Next  *pNode
	Tags  []string
}

type pPair struct {
	Left  int32
	Right float64
}

//go:noinline
func pSum(a, b int) int {
	calls++
	return a + b
}

//go:noinline
func pMixed(n int8, s string, f float64, ok bool, g float32, u uint16) (float64, string, float32) {
	calls++
	if ok {
		return f * 2, s + "!", g / 2
	}
	return float64(n), fmt.Sprint(u), g
}

//go:noinline
func pComplex(c complex128, d complex64) (complex128, complex64) {
	calls++
	return c * 2, d
}

//go:noinline
func pMany(a, b, c, d, e, f, g, h, i, j, k, l int, x, y float64) (int, float64, int) {
	calls++
	return a + b + c + d + e + f, x * y, g + h + i + j + k + l
}

//go:noinline
func pAggregates(p pPair, a [1]float32, list []float64, t time.Duration) (pPair, [1]float32) {
	calls++
	return pPair{p.Left + 1, p.Right + list[0]}, a
}

//go:noinline
func (n *pNode) Walk(depth int) (*pNode, int) {
	calls++
	if depth == 0 || n.Next == nil {
		return n, depth
	}
	return n.Next.Walk(depth - 1)
}

//go:noinline
func (n pNode) Label(suffix string) (string, error) {
	calls++
	if suffix == "" {
		return "", errors.New("no suffix")
	}
	return n.Name + suffix, nil
}

// pDeep makes its stack grow.
//
//go:noinline
func pDeep(n int, s string) (int, string) {
	calls++
	var frame [400]byte
	frame[n%400] = 1
	if n == 0 {
		return int(frame[0]), s
	}
	m, t := pDeep(n-1, s)
	return m + int(frame[n%400]), t
}

//go:noinline
func pThrows(n int, s string) int {
	calls++
	if n == 0 {
		panic(s)
	}
	return pThrows(n-1, s) + 1
}

//go:noinline
func pCatches(n int) (err error) {
	calls++
	defer func() {
		calls++
		if x := recover(); x != nil {
			err = fmt.Errorf("caught %v", x)
		}
	}()
	pThrows(n, "thrown")
	return nil
}

//go:noinline
func pLeaves(n int) int {
	calls++
	if n == 0 {
		runtime.Goexit()
	}
	return pLeaves(n-1) + 1
}

//go:noinline
func pCollection(m map[string]int, ch chan int, f func(int, int) int, v ...interface{}) (int, interface{}) {
	calls++
	if len(v) == 0 {
		return len(m), nil
	}
	return len(m), v[0]
}

//go:noinline
func pTurn(member, lap int) (int, string) {
	calls++
	round(member + lap)
	if lap%2 == 0 {
		runtime.Gosched()
	}
	return pSum(member, lap), "turn"
}

// pMember lives as long as its goroutine, in which it takes its turns.
//
//go:noinline
func pMember(member int, token, next chan int) int {
	calls++
	var lap int
	next <- -1
	for lap = range token {
		pTurn(member, lap)
		next <- lap
	}
	return lap
}

func list(n int) *pNode {
	var head *pNode
	for i := 0; i < n; i++ {
		head = &pNode{i, fmt.Sprint("node ", i), float64(i) / 4, head, []string{"a", "tag"}}
	}
	return head
}

// round makes one call or some of each function but those that the ring makes.
func round(n int) {
	pSum(n, -n)
	pMixed(int8(n), "text", 1.5+float64(n), n%2 == 0, -0.25, uint16(65000+n))
	pComplex(complex(float64(n), -1), complex(0.5, 2))
	pMany(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0.5, float64(n))
	pAggregates(pPair{int32(n), 0.125}, [1]float32{3}, []float64{2.5, -1}, time.Duration(n)*time.Millisecond)
	nodes := list(6)
	nodes.Walk(n % 4)
	nodes.Label("-end")
	nodes.Label("")
	pCatches(n % 5)
	pCollection(map[string]int{"one": 1, "two": n}, make(chan int, 3), pSum, n, "text", nil, 2.5, &n)
	pCollection(nil, nil, nil)
}

func ring() {
	tokens := make([]chan int, members+1)
	for i := range tokens {
		tokens[i] = make(chan int)
	}
	gone := make(chan int)
	for i := 0; i < members; i++ {
		go func(i int) {
			defer func() { gone <- i }()
			if i%2 == 0 {
				runtime.LockOSThread()
			}
			pMember(i, tokens[i], tokens[i+1])
			pDeep(20*i, "grown")
			pLeaves(i % 3)
		}(i)
		<-tokens[i+1]
	}
	for lap := 0; lap < laps; lap++ {
		tokens[0] <- lap
		<-tokens[members]
	}
	for i := 0; i < members; i++ {
		close(tokens[i])
		<-gone
	}
}

func main() {
	fmt.Println("READY", os.Getpid())
	stdin := bufio.NewReader(os.Stdin)
	if _, err := stdin.ReadByte(); err != nil {
		return
	}
	for n := 0; n < 10; n++ {
		round(n)
	}
	alone := calls
	ring()
	fmt.Println("DONE", calls, alone)
	for {
		if _, err := stdin.ReadByte(); err != nil {
			return
		}
	}
}
