// The program whose code and registers tests/unit/arm64/record records. It prints memory itself.
package main

import "unsafe"

func g() uintptr
func sp() uintptr

func word(addr uintptr) uintptr { return *(*uintptr)(unsafe.Pointer(addr)) }

func block(addr uintptr, words int) {
	print("block ", addr)
	for i := 0; i < words; i++ {
		print(" ", word(addr+8*uintptr(i)))
	}
	println()
}

// Prints the goroutine's runtime.g, the part of its stack from here to the callers, and two more blocks.
//
//go:noinline
func dump(name string, a, b uintptr) {
	println("dump", name)
	block(g(), 32)
	from, high := sp(), word(g()+8)
	words := int(high-from) / 8
	if words > 64 {
		words = 64
	}
	block(from, words)
	block(a, 2)
	block(b, 2)
}

//go:noinline
func leaf(a, b int) int { return a + b }

// The array is on the stack.
//
//go:noinline
func mixed(n int, name string, list []int32, ratio float64, big [3]int, last uint8) (string, int, float64) {
	if n < 0 {
		return "", -1, 0
	}
	dump("mixed", uintptr(unsafe.Pointer(unsafe.StringData(name))), uintptr(unsafe.Pointer(&list[0])))
	return name[1:], big[2] + len(list) + int(last), ratio * 2
}

// Runs out of stack somewhere, so that the stack is moved and the entry is executed again.
//
//go:noinline
func grow(n int) int {
	var room [512]byte
	room[n&511] = 1
	if n == 0 {
		dump("grow", g(), g())
		return int(room[0])
	}
	return grow(n-1) + int(room[1])
}

func main() {
	mixed(leaf(40, 2), "recorded", []int32{7, 8, 9}, 2.5, [3]int{100, 200, 300}, 0xee)
	grow(20)
}
