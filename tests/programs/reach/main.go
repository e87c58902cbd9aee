// SPDX-License-Identifier: GPL-2.0-or-later

// Values that are hard to reach. Each line read is a command; its answer ends with OK.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"reflect"
	"syscall"
	"unsafe"
)

var sum int

//go:noinline
func text(step int, s string) int { return step + len(s) }

// Changes a string's read-only page, takes it away, and maps another in its place.
func rodata() {
	s := "the original text in rodata"
	p := (*reflect.StringHeader)(unsafe.Pointer(&s)).Data
	page := p &^ 4095
	length := (p+uintptr(len(s))-page)&^4095 + 4096
	protect := func(how uintptr) { syscall.Syscall(syscall.SYS_MPROTECT, page, length, how) }
	text(1, s)
	protect(syscall.PROT_READ | syscall.PROT_WRITE)
	var bytes []byte
	header := (*reflect.SliceHeader)(unsafe.Pointer(&bytes))
	header.Data, header.Len, header.Cap = p, len(s), len(s)
	copy(bytes, "FALSIFIED")
	text(2, s)
	protect(0)
	text(3, s)
	syscall.Syscall6(syscall.SYS_MMAP, page, length, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|0x10, ^uintptr(0), 0)
	text(4, s)
}

//go:noinline
func sparse(room int, m map[int]string) int { return room + len(m) }

// Maps made for many entries that hold three, and maps of which all others were deleted.
func maps() {
	for _, room := range []int{8, 16, 32, 50, 64, 100, 200, 500, 1000} {
		made, emptied := make(map[int]string, room), map[int]string{}
		for i := 0; i < room; i++ {
			emptied[i+1000000] = "x"
		}
		for i := 1; i <= 2001; i += 1000 {
			made[i], emptied[i] = "s", "s"
		}
		for i := 0; i < room; i++ {
			delete(emptied, i+1000000)
		}
		sparse(room, made)
		sparse(room, emptied)
	}
}

type code int

func (c code) Error() string { return "code" }

type refusal string

func (r refusal) Error() string { return string(r) }

//go:noinline
func fails(step int) error {
	switch step {
	case 1:
		return errors.New("plain")
	case 2:
		_, err := os.Open("/nonexistent")
		return err
	case 3:
		return refusal("refused")
	case 4:
		return syscall.ENOENT
	case 5:
		return fmt.Errorf("while failing: %w", &os.PathError{Op: "read", Path: "p", Err: refusal("nested")})
	case 6:
		return code(7)
	}
	return nil
}

func failures() {
	for step := 1; step <= 7; step++ {
		fails(step)
	}
}

var commands = map[string]func(){"rodata": rodata, "maps": maps, "failures": failures,
	"large": large}

func main() {
	fmt.Println("READY", os.Getpid())
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		commands[input.Text()]()
		fmt.Println("OK")
	}
}
