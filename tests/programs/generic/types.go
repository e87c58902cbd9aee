// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.18

package main

import (
	"errors"
	"fmt"

	. "programs/oracle"
)

type tPoint struct {
	X, Y int
}

type tWide struct {
	A int32
	B string
	C *tPoint
}

type tNumber interface {
	~int | ~int64 | ~float64
}

//go:noinline
func touch() { sink++ }

var sink int

//go:noinline
func tIdentity[T any](v T) T { return v }

//go:noinline
func tMap[K comparable, V any](m map[K]V, k K) (V, bool) {
	touch()
	v, ok := m[k]
	return v, ok
}

//go:noinline
func tConvert[T, U any](list []T, f func(T) U) []U {
	out := make([]U, 0, len(list))
	for _, v := range list {
		out = append(out, f(v))
	}
	return out
}

//go:noinline
func tSum[T tNumber](list ...T) (sum T) {
	for _, v := range list {
		sum += v
	}
	return sum
}

//go:noinline
func tPick[T any](n int, s string, a, b T) (T, error) {
	touch()
	if n == 0 {
		return a, nil
	}
	return b, errors.New(s)
}

type tList[T any] struct {
	Items []T
	Next  *tList[T]
}

//go:noinline
func (l *tList[T]) Add(v T, n int) *tList[T] {
	touch()
	return &tList[T]{append(l.Items, v), nil}
}

//go:noinline
func (l tList[T]) First(or T) (T, int) {
	if len(l.Items) == 0 {
		return or, 0
	}
	return l.Items[0], len(l.Items)
}

type tPair[K comparable, V any] struct {
	Key   K
	Value V
}

//go:noinline
func tPairs[K comparable, V any](p tPair[K, V], list []tPair[K, V]) *tPair[K, V] {
	touch()
	return &p
}

// instance names an instance by what is common to all releases: the brackets' content is not.
func instance(name string, fn interface{}, names string) Call {
	return Call{Name: name, Fn: fn, Names: names, Hidden: 1}
}

func identity[T any](values ...T) {
	c := instance("main.tIdentity[...]", tIdentity[T], "v")
	for _, v := range values {
		c.Make(v)
	}
}

func lists[T any](first, second T) {
	l := &tList[T]{Items: []T{first}}
	instance("main.(*tList[...]).Add", (*tList[T]).Add, "l v n").Make(l, second, 5)
	instance("main.tList[...].First", tList[T].First, "l or").Make(*l, second)
	instance("main.tList[...].First", tList[T].First, "l or").Make(tList[T]{}, second)
	instance("main.tPick[...]", tPick[T], "n s a b").Make(1, "second", first, second)
	instance("main.tPick[...]", tPick[T], "n s a b").Make(0, "first", first, second)
}

func generics() {
	identity(1, -2)
	identity("", "text")
	identity(tPoint{1, 2})
	identity(&tPoint{3, 4}, nil)
	identity(tWide{5, "wide", &tPoint{6, 7}})
	identity[error](errors.New("as error"), nil)
	identity[any](8, "nine", nil)
	identity([]int{1, 2, 3}, nil)
	identity([3]int{4, 5, 6})
	identity(map[string]int{"a": 1})
	identity(int8(-8), 127)
	identity(true)
	identity(2.5)
	identity(tPair[string, int]{"k", 1})
	instance("main.tMap[...]", tMap[string, int], "m k").Make(map[string]int{"x": 7}, "x")
	instance("main.tMap[...]", tMap[int, tPoint], "m k").Make(map[int]tPoint{1: {2, 3}}, 4)
	instance("main.tConvert[...]", tConvert[int, string], "list f").Make([]int{1, 2}, text)
	instance("main.tSum[...]", tSum[int], "list = sum").Make([]int{1, 2, 3})
	instance("main.tSum[...]", tSum[int64], "list = sum").Make([]int64{1 << 40})
	instance("main.tPairs[...]", tPairs[string, tPoint], "p list").Make(
		tPair[string, tPoint]{"p", tPoint{1, 2}}, []tPair[string, tPoint]{{"q", tPoint{3, 4}}})
	lists(1, 2)
	lists("one", "two")
	lists(tPoint{1, 1}, tPoint{2, 2})
	lists(&tPoint{3, 3}, &tPoint{4, 4})
}

func text(n int) string { return fmt.Sprint("n", n) }
