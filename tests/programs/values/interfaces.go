// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	. "programs/oracle"
)

type tPlainErr struct {
	Text string
}

func (e tPlainErr) Error() string { return e.Text }

type tDressedErr struct {
	Text string
}

func (e *tDressedErr) Error() string {
	if e == nil {
		return "none"
	}
	return "dressed: " + e.Text
}

type tCodeErr struct {
	Code int
	Op   string
}

func (e *tCodeErr) Error() string { return fmt.Sprint(e.Op, e.Code) }

type tStringErr string

func (e tStringErr) Error() string { return string(e) }

type tShape interface {
	Area() int
}

type tSquare struct{ Side int }

func (s tSquare) Area() int { return s.Side * s.Side }

type tRect struct{ W, H int }

func (r *tRect) Area() int { return r.W * r.H }

type tLateErr struct {
	Reason string
	N      int
}

func (e *tLateErr) Error() string { return e.Reason }

type tSmall struct {
	A, B int8
}

type tInt int

func (n tInt) Area() int { return int(n) }

//go:noinline
func tAny(v interface{}) interface{} { return v }

//go:noinline
func tAnys(n int, a, b interface{}, s string) (interface{}, string) {
	touch()
	return b, s
}

//go:noinline
func tErrors(err error) error {
	touch()
	return err
}

//go:noinline
func tShapes(s tShape, list []tShape) (tShape, int) { return s, len(list) }

//go:noinline
func tMaybe(n int) (*tPoint, error) {
	switch {
	case n < 0:
		return nil, errors.New("negative")
	case n == 0:
		return nil, &tCodeErr{0, "zero"}
	}
	return &tPoint{n, n}, nil
}

//go:noinline
func tInterfacePointer(p *error, q *interface{}) {}

func interfaces() {
	anys := Call{Name: "main.tAny", Fn: tAny, Names: "v"}
	number := 77
	for _, v := range []interface{}{
		nil, 5, -1, 1 << 40, int8(-3), uint64(1<<64 - 1), uint8(200), "text", "", true, false, 2.5, float32(0.1), complex(1, 2),
		'x', []int{1, 2}, []string(nil), []byte("raw"), [2]int{3, 4}, [1]int{5}, [0]int{}, tPoint{1, 2}, &tPoint{3, 4},
		(*tPoint)(nil), tSmall{1, -1}, tEmpty{}, tWrapped{&tPoint{5, 6}}, &number, map[string]int{"one": 1}, map[int]bool(nil),
		make(chan int, 2), double, time.Duration(1500000), time.Unix(1e9, 5).UTC(), struct{ A, B string }{"a", "b"}, errors.New("as any"),
		tInt(9), named("kind"), []interface{}{1, "nested", nil}, &[]int{7, 8}, uintptr(16), [1]*int{&number},
	} {
		anys.Make(v)
	}
	Call{Name: "main.tAnys", Fn: tAnys, Names: "n a b s"}.Make(1, "first", &tOuter{Name: "second"}, "third")

	errs := Call{Name: "main.tErrors", Fn: tErrors, Names: "err"}
	wrapped := fmt.Errorf("wrapped: %w", os.ErrNotExist)
	_, pathErr := os.Open("/nonexistent/file")
	for _, err := range []error{
		nil, errors.New("plain"), errors.New(""), fmt.Errorf("formatted %d", 1), wrapped, fmt.Errorf("twice: %w", wrapped),
		syscall.ENOENT, syscall.Errno(0), syscall.Errno(9999), pathErr, &os.SyscallError{Syscall: "read", Err: syscall.EINTR},
		tPlainErr{"plain struct"}, &tPlainErr{"by pointer"}, &tDressedErr{"text"}, (*tDressedErr)(nil), &tCodeErr{5, "op"},
		tStringErr("string kind"), os.ErrDeadlineExceeded, errors.New("a message that is rather longer than what the limit of a string allows to be seen"),
	} {
		errs.Make(err)
	}
	shapes := Call{Name: "main.tShapes", Fn: tShapes, Names: "s list"}
	shapes.Make(nil, nil)
	shapes.Make(tSquare{3}, []tShape{&tRect{1, 2}, nil, tInt(4), tSquare{5}})
	shapes.Make(&tRect{6, 7}, []tShape{})
	maybe := Call{Name: "main.tMaybe", Fn: tMaybe, Names: "n"}
	maybe.Make(-1)
	maybe.Make(0)
	maybe.Make(1)
	err := errors.New("pointed at")
	var any interface{} = 5
	Call{Name: "main.tInterfacePointer", Fn: tInterfacePointer, Names: "p q"}.Make(&err, &any)
	// A type that the tracer meets here for the first time.
	for i := 0; i < 3; i++ {
		errs.Make(&tLateErr{"late", i})
	}
}
