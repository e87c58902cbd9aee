// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.18
// +build go1.18

package main

type box[T any] struct {
	value T
	n     int
}

func (b box[T]) Add(n int) int { return b.n + n }

// Nothing of it is left but what it returns.
func (b box[T]) Last(n int) int { return n }

//go:noinline
func (b box[T]) Whole(n int) int { return b.n + n }

func (b *box[T]) Twice(n int) int { return 2*b.n + n }

func (b box[T]) Calls(n int) int { return called(b.n) + n }

type boxed struct {
	name string
	box[string]
}

type adder interface {
	Add(n int) int
	Last(n int) int
	Whole(n int) int
	Twice(n int) int
	Calls(n int) int
}

//go:noinline
func add(a adder, n int) int { return a.Add(n) + a.Last(n) + a.Whole(n) + a.Twice(n) + a.Calls(n) }

//go:noinline
func generic(n int) {
	add(&box[int]{1, 10}, n)
	add(&box[string]{"s", 20}, n)
	add(&boxed{"b", box[string]{"t", 30}}, n)
}
